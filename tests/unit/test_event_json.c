#include "event/codec.h"

#include "base/json.h"
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* A decoder of fields of all kinds; `slots` are read, in this order. */
static struct leat_field number_element = {.kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE};
static struct leat_field item_fields[] = {
    {.name = {"sku", 3}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_STRING},
    {.name = {"n", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
};
static struct leat_field item_element = {.kind = LEAT_FIELD_OBJECT, .children = item_fields, .count = 2};
static struct leat_field nested_fields[] = {
    {.name = {"x", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
    {.name = {"list", 4}, .kind = LEAT_FIELD_LIST, .children = &number_element, .count = 1},
};
static struct leat_field fields[] = {
    {.name = {"s", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_STRING},
    {.name = {"i", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
    {.name = {"d", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE},
    {.name = {"b", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_BOOL},
    {.name = {"ms", 2}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_MS},
    {.name = {"us", 2}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_US},
    {.name = {"sec", 3}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_S},
    {.name = {"text", 4}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_TEXT},
    {.name = {"nested", 6}, .kind = LEAT_FIELD_OBJECT, .children = nested_fields, .count = 2},
    {.name = {"items", 5}, .kind = LEAT_FIELD_LIST, .children = &item_element, .count = 1},
    {.name = {"a rather long name of a field", 29}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
    {.name = {"", 0}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
};
static const struct leat_schema schema = {fields, 12};

enum slot { S, I, D, B, MS, US, SEC, TEXT, NESTED_X, LIST_2, LIST_0, ITEM_SKU, ITEM_N, LONG_NAME, NO_NAME, SLOTS };
static const char *const paths[SLOTS] = {"s",
                                         "i",
                                         "d",
                                         "b",
                                         "ms",
                                         "us",
                                         "sec",
                                         "text",
                                         "nested.x",
                                         "nested.list[2]",
                                         "nested.list[0]",
                                         "items[1].sku",
                                         "items[0].n",
                                         "\"a rather long name of a field\"",
                                         "\"\""};

static struct leat_arena memory, scratch;
static struct leat_projection projection;
static struct leat_decoder *decoder;
static struct leat_value values[SLOTS];
static struct leat_reason reason;

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLOTS; i++) {
        struct leat_error err = {0};
        size_t slot;
        if (leat_projection_slot(&projection, &schema, leat_bytes_of(paths[i]), &memory, &slot, &err) < 0 || slot != i)
            return -1;
    }
    decoder = leat_decoder_new(LEAT_FORMAT_JSON, &schema, &projection);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    leat_decoder_free(decoder);
    leat_arena_done(&memory);
    leat_arena_done(&scratch);
    return 0;
}

/* A copy of exactly the record's size: AddressSanitizer sees what reads beyond it. */
static int decode_bytes(struct leat_bytes record)
{
    static char *copy;
    free(copy);
    copy = malloc(record.len == 0 ? 1 : record.len);
    assert_non_null(copy);
    if (record.len > 0)
        memcpy(copy, record.data, record.len);
    leat_arena_reset(&scratch);
    memset(values, 0xEE, sizeof values);
    reason = (struct leat_reason){0};
    int result = leat_decoder_decode(decoder, (struct leat_bytes){copy, record.len}, &scratch, values, &reason);
    if (record.len == 0) {
        free(copy);
        copy = NULL;
    }
    return result;
}

static void decode(const char *record)
{
    if (decode_bytes(leat_bytes_of(record)) < 0)
        fail_msg("%s: %s", record, reason.text);
    assert_int_equal(reason.stage, LEAT_STAGE_NONE);
}

static void check_refused(const char *record, enum leat_stage stage, const char *why)
{
    if (decode_bytes(leat_bytes_of(record)) == 0)
        fail_msg("%s is read", record);
    if (reason.stage != stage || strstr(reason.text, why) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s: %s\"", record, why, leat_stage_name(reason.stage), reason.text);
    assert_true(leat_utf8_valid(leat_bytes_of(reason.text)));
}

static void check_string(enum slot slot, const char *expected)
{
    assert_false(values[slot].null);
    if (!leat_bytes_is(leat_value_bytes(values[slot]), expected))
        fail_msg("%.*s is not %s", LEAT_BYTES_FORMAT(leat_value_bytes(values[slot])), expected);
}

static void fields_of_every_type_are_read(void **state)
{
    (void)state;
    decode("{\"s\":\"text\",\"i\":-42,\"d\":1.25,\"b\":true,\"ms\":1500,\"us\":1500,\"sec\":1.5,"
           "\"text\":\"1970-01-01T00:00:01.5Z\"}");
    check_string(S, "text");
    assert_int_equal(values[I].as.i, -42);
    assert_true(values[D].as.d == 1.25);
    assert_int_equal(values[B].as.i, 1);
    assert_int_equal(values[MS].as.i, 1500000);
    assert_int_equal(values[US].as.i, 1500);
    assert_int_equal(values[SEC].as.i, 1500000);
    assert_int_equal(values[TEXT].as.i, 1500000);
    for (size_t i = S; i <= TEXT; i++)
        assert_int_equal(values[i].null, 0);
    for (size_t i = NESTED_X; i < SLOTS; i++)
        assert_int_equal(values[i].null, 1);
}

static void absent_fields_and_nulls_are_null(void **state)
{
    (void)state;
    decode("{}");
    for (size_t i = 0; i < SLOTS; i++)
        assert_true(values[i].null == 1 && values[i].as.i == 0);
    decode(
        " { \"s\" : null , \"i\":null,\"d\":null,\"b\":null,\"ms\":null,\"text\":null,\"nested\":null,\"items\":null}\n");
    for (size_t i = 0; i < SLOTS; i++)
        assert_true(values[i].null == 1 && values[i].as.i == 0);
}

static void nested_objects_and_lists_are_read_by_path(void **state)
{
    (void)state;
    decode("{\"nested\":{\"list\":[0.5,[],2.5,{\"x\":1}],\"y\":{\"x\":9},\"x\":7},"
           "\"items\":[{\"sku\":\"a\",\"n\":3},{\"n\":4,\"sku\":\"b\"},{\"sku\":\"c\"}]}");
    assert_int_equal(values[NESTED_X].as.i, 7);
    assert_true(values[LIST_0].as.d == 0.5);
    assert_true(values[LIST_2].as.d == 2.5);
    check_string(ITEM_SKU, "b");
    assert_int_equal(values[ITEM_N].as.i, 3);
    decode("{\"nested\":{\"list\":[1]},\"items\":[null,{}]}");
    assert_true(values[NESTED_X].null);
    assert_true(values[LIST_0].as.d == 1);
    assert_true(values[LIST_2].null);
    assert_true(values[ITEM_SKU].null);
    decode("{\"nested\":{\"list\":[]},\"items\":[]}");
    assert_true(values[LIST_0].null);
}

static void names_in_any_order_and_of_any_length_are_found(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        decode("{\"a rather long name of a field\":1,\"i\":2,\"\":3,\"d\":4}");
        assert_int_equal(values[LONG_NAME].as.i, 1);
        assert_int_equal(values[I].as.i, 2);
        assert_int_equal(values[NO_NAME].as.i, 3);
        assert_true(values[D].as.d == 4);
        decode("{\"d\":4,\"\":3,\"a rather long name of a fielD\":9,\"a rather long name of a field\":1,\"i\":2}");
        assert_int_equal(values[LONG_NAME].as.i, 1);
        assert_int_equal(values[I].as.i, 2);
        assert_int_equal(values[NO_NAME].as.i, 3);
        assert_true(values[D].as.d == 4);
        decode("{\"x\" : 4, \"i\" : 5 , \"\" : 6}");
        assert_int_equal(values[I].as.i, 5);
        assert_int_equal(values[NO_NAME].as.i, 6);
    }
}

static void names_of_every_length_are_told_apart_at_one_position(void **state)
{
    (void)state;
    /* Names that differ in one byte take turns at the first position; then comes what is read. */
    for (size_t len = 1; len < 80; len++) {
        for (size_t at = 0; at < len; at++) {
            char name[100], record[200];
            memset(name, 'n', len);
            name[len] = '\0';
            snprintf(record, sizeof record, "{\"%s\":1,\"i\":2}", name);
            decode(record);
            name[at] = 'm';
            snprintf(record, sizeof record, "{\"%s\":1,\"i\":2}", name);
            decode(record);
            assert_int_equal(values[I].as.i, 2);
        }
    }
    decode("{\"s\":\"x\"}");
    decode("{\"t\":1}");
    assert_true(values[S].null);
    decode("{\"i\":1}");
    decode("{\"s\":\"y\"}");
    check_string(S, "y");
    assert_true(values[I].null);
}

static void records_with_more_fields_than_are_guessed_are_read(void **state)
{
    (void)state;
    char record[4000] = "{";
    for (int i = 0; i < 200; i++)
        sprintf(record + strlen(record), "\"f%d\":%d,", i, i);
    strcat(record, "\"i\":7,\"f1\":8}");
    for (int round = 0; round < 2; round++) {
        decode(record);
        assert_int_equal(values[I].as.i, 7);
    }
}

static void names_with_escapes_are_the_names_that_they_mean(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        decode("{\"\\u0069\":7,\"\\\"\":1}");
        assert_int_equal(values[I].as.i, 7);
    }
    check_refused("{\"i\":1,\"\\u0069\":2}", LEAT_STAGE_SCHEMA, "field 'i' occurs twice");
    check_refused("{\"\\x\":1}", LEAT_STAGE_DECODE, "an escape that JSON does not have");
}

static void strings_without_escapes_are_views_of_the_record(void **state)
{
    (void)state;
    struct leat_arena untouched = {0};
    char record[] = "{\"s\":\"text\",\"text\":\"2013-07-08\"}";
    assert_int_equal(leat_decoder_decode(decoder, leat_bytes_of(record), &untouched, values, &reason), 0);
    assert_ptr_equal(values[S].as.s, record + 6);
    assert_int_equal(values[S].len, 4);
    assert_int_equal(untouched.allocated, 0);
}

static void strings_with_escapes_are_unescaped(void **state)
{
    (void)state;
    decode("{\"s\":\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00z\"}");
    check_string(S, "a\"b\\c/d\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
    decode("{\"s\":\"\\u0000\"}");
    assert_int_equal(values[S].len, 1);
    assert_int_equal(values[S].as.s[0], 0);
    decode("{\"s\":\"\"}");
    check_string(S, "");
    decode("{\"s\":\"\xC3\xA9\"}");
    check_string(S, "\xC3\xA9");
}

static void bad_escapes_are_refused_in_every_string(void **state)
{
    (void)state;
    const char *const escapes[] = {"\\x",        "\\u12",          "\\u12g4",        "\\ud83d", "\\ude00",
                                   "\\ud83d\\n", "\\ud83d\\u0041", "\\ud83d\\ud83d", "\\U0041", "ok \\n \\'"};
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        char record[100];
        snprintf(record, sizeof record, "{\"s\":\"%s\"}", escapes[i]);
        check_refused(record, LEAT_STAGE_DECODE, "an escape that JSON does not have in the string at byte 5");
        snprintf(record, sizeof record, "{\"other\":\"%s\"}", escapes[i]);
        check_refused(record, LEAT_STAGE_DECODE, "an escape that JSON does not have in the string at byte 9");
        snprintf(record, sizeof record, "{\"other\":[\"%s\"]}", escapes[i]);
        check_refused(record, LEAT_STAGE_DECODE, "an escape that JSON does not have in the string at byte 10");
    }
}

static void an_integer_may_be_written_as_a_whole_decimal(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t expected;
    } cases[] = {
        {"3.0", 3},
        {"-3.00", -3},
        {"1e3", 1000},
        {"1.5E+1", 15},
        {"1200e-2", 12},
        {"0", 0},
        {"-0", 0},
        {"0.0e99999999999999999999", 0},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775807.000", INT64_MAX},
        {"922337203685477580.7e1", INT64_MAX},
        {"1.000000000000000000000000000000", 1},
        {"0.000000000000000000001e21", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char record[100];
        snprintf(record, sizeof record, "{\"i\":%s}", cases[i].text);
        decode(record);
        if (values[I].as.i != cases[i].expected)
            fail_msg("%s is read as %lld", cases[i].text, (long long)values[I].as.i);
    }
}

static void numbers_that_do_not_fit_are_refused_by_field(void **state)
{
    (void)state;
    check_refused("{\"i\":3.5}", LEAT_STAGE_SCHEMA,
                  "field 'i' is declared as int; met 3.5, which is not a whole number");
    check_refused("{\"i\":1e-1}", LEAT_STAGE_SCHEMA, "not a whole number");
    check_refused("{\"i\":9223372036854775808}", LEAT_STAGE_SCHEMA,
                  "field 'i' is declared as int; met 9223372036854775808, which is beyond 64 bits");
    check_refused("{\"i\":-9223372036854775809}", LEAT_STAGE_SCHEMA, "beyond 64 bits");
    check_refused("{\"i\":99999999999999999999999}", LEAT_STAGE_SCHEMA, "beyond 64 bits");
    check_refused("{\"i\":1e99}", LEAT_STAGE_SCHEMA, "beyond 64 bits");
    check_refused("{\"i\":1e99999999999999999999}", LEAT_STAGE_SCHEMA, "beyond 64 bits");
    check_refused("{\"d\":1e309}", LEAT_STAGE_SCHEMA,
                  "field 'd' is declared as double; met 1e309, which is beyond a double");
    check_refused("{\"nested\":{\"x\":1.5}}", LEAT_STAGE_SCHEMA, "field 'nested.x' is declared as int");
}

static void doubles_are_rounded_correctly(void **state)
{
    (void)state;
    const char *const texts[] = {"0",
                                 "-0",
                                 "-0.0",
                                 "0.1",
                                 "-0.1",
                                 "123456789.123456789",
                                 "9007199254740993",
                                 "9007199254740992.5",
                                 "9007199254740993.5",
                                 "9999999999999999999",
                                 "0.9999999999999999999",
                                 "1844674407370955161.5",
                                 "18446744073709551615",
                                 "18446744073709551616",
                                 "0.30000000000000004",
                                 "2.2250738585072014e-308",
                                 "5e-324",
                                 "1e-400",
                                 "1.7976931348623157e308",
                                 "179769313486231570000000000000000000000",
                                 "4.35",
                                 "0.000000000000000000123456789012345",
                                 "1E5",
                                 "1e+5",
                                 "7205759403792793.5",
                                 "7205759403792794.5"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char record[100];
        snprintf(record, sizeof record, "{\"d\":%s}", texts[i]);
        decode(record);
        double expected = strtod(texts[i], NULL);
        if (memcmp(&values[D].as.d, &expected, sizeof expected) != 0)
            fail_msg("%s is read as %.17g", texts[i], values[D].as.d);
    }
}

/* The plain twin is base's reader of numbers. */
static void random_doubles_agree_with_the_plain_reader(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int i = 0; i < 300000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        char record[100], text[64];
        int digits = (int)(random >> 60) + 4;
        uint64_t mantissa = random >> 3;
        snprintf(text, sizeof text, "%llu", (unsigned long long)mantissa);
        size_t len = strlen(text) < (size_t)digits ? strlen(text) : (size_t)digits;
        size_t whole = random % (len + 1);
        snprintf(record, sizeof record, "{\"d\":%s%.*s%s%.*s}", i % 2 ? "-" : "", (int)whole, text,
                 whole == 0     ? "0."
                 : whole == len ? ""
                                : ".",
                 (int)(len - whole), text + whole);
        if (record[5] == '0' && record[6] != '.')
            continue;
        decode(record);
        double expected;
        assert_int_equal(leat_double_parse((struct leat_bytes){record + 5, strlen(record) - 6}, &expected), 0);
        if (memcmp(&values[D].as.d, &expected, sizeof expected) != 0)
            fail_msg("%s is read as %.17g", record, values[D].as.d);
    }
}

static void texts_that_only_resemble_numbers_are_not_json(void **state)
{
    (void)state;
    const char *const texts[] = {"01",   "-",    "+1",  ".5",    "5.",  "1e",        "1e+",       "--1",
                                 "1.e5", "0x10", "1a",  "1.5.",  "NaN", "nan",       "Infinity",  "-Infinity",
                                 "1_0",  "00",   "-01", "1e5.5", "1\"", "12345678x", "123456789-"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char record[100];
        snprintf(record, sizeof record, "{\"d\":%s}", texts[i]);
        assert_int_equal(decode_bytes(leat_bytes_of(record)), -1);
        assert_int_equal(reason.stage, LEAT_STAGE_DECODE);
        snprintf(record, sizeof record, "{\"other\":%s}", texts[i]);
        assert_int_equal(decode_bytes(leat_bytes_of(record)), -1);
        assert_int_equal(reason.stage, LEAT_STAGE_DECODE);
        snprintf(record, sizeof record, "{\"other\":[%s]}", texts[i]);
        assert_int_equal(decode_bytes(leat_bytes_of(record)), -1);
        assert_int_equal(reason.stage, LEAT_STAGE_DECODE);
    }
}

static void another_type_than_declared_is_refused_with_what_was_met(void **state)
{
    (void)state;
    check_refused("{\"s\":12}", LEAT_STAGE_SCHEMA, "field 's' is declared as string; met 12");
    check_refused("{\"s\":true}", LEAT_STAGE_SCHEMA, "field 's' is declared as string; met true");
    check_refused("{\"s\":{}}", LEAT_STAGE_SCHEMA, "field 's' is declared as string; met an object");
    check_refused("{\"s\":[1]}", LEAT_STAGE_SCHEMA, "field 's' is declared as string; met a list");
    check_refused("{\"i\":\"12\"}", LEAT_STAGE_SCHEMA, "field 'i' is declared as int; met \"12\"");
    check_refused("{\"d\":\"1.5\"}", LEAT_STAGE_SCHEMA, "field 'd' is declared as double; met \"1.5\"");
    check_refused("{\"d\":false}", LEAT_STAGE_SCHEMA, "field 'd' is declared as double; met false");
    check_refused("{\"b\":1}", LEAT_STAGE_SCHEMA, "field 'b' is declared as bool; met 1");
    check_refused("{\"b\":\"true\"}", LEAT_STAGE_SCHEMA, "field 'b' is declared as bool; met \"true\"");
    check_refused("{\"ms\":\"2013-07-08\"}", LEAT_STAGE_SCHEMA, "field 'ms' is declared as timestamp_ms; met \"2013");
    check_refused("{\"text\":1500}", LEAT_STAGE_SCHEMA, "field 'text' is declared as timestamp; met 1500");
    check_refused("{\"nested\":[]}", LEAT_STAGE_SCHEMA, "should lie in an object; met a list");
    check_refused("{\"nested\":5}", LEAT_STAGE_SCHEMA, "should lie in an object; met 5");
    check_refused("{\"items\":{}}", LEAT_STAGE_SCHEMA, "should lie in a list; met an object");
    check_refused("{\"items\":[5]}", LEAT_STAGE_SCHEMA, "field 'items[0].n' should lie in an object; met 5");
    check_refused("{\"nested\":{\"list\":[true]}}", LEAT_STAGE_SCHEMA, "field 'nested.list[0]'");
}

static void what_was_met_is_cut_between_characters(void **state)
{
    (void)state;
    check_refused("{\"i\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xE2\x82\xAC\xE2\x82\xAC\"}",
                  LEAT_STAGE_SCHEMA, "aaaa…");
}

static void times_keep_microseconds_and_refuse_what_is_no_time(void **state)
{
    (void)state;
    decode("{\"sec\":1700000000.123456789,\"ms\":-1.0,\"us\":-5}");
    assert_true(values[SEC].as.i == INT64_C(1700000000123456));
    assert_int_equal(values[MS].as.i, -1000);
    assert_int_equal(values[US].as.i, -5);
    decode("{\"sec\":-0.5,\"ms\":1.7e12}");
    assert_int_equal(values[SEC].as.i, -500000);
    assert_true(values[MS].as.i == INT64_C(1700000000000000));
    check_refused("{\"ms\":1.5}", LEAT_STAGE_SCHEMA, "met 1.5, which is not a whole number");
    check_refused("{\"text\":\"yesterday\"}", LEAT_STAGE_SCHEMA, "met \"yesterday\", which is not a time");
    check_refused("{\"text\":\"2013-02-30\"}", LEAT_STAGE_SCHEMA, "which is not a time");
}

static void times_outside_years_1_to_9999_are_refused(void **state)
{
    (void)state;
    decode("{\"us\":253402300799999999,\"ms\":253402300799999,\"sec\":253402300799}");
    assert_true(values[US].as.i == LEAT_TIME_MAX);
    decode("{\"us\":-62135596800000000,\"ms\":-62135596800000,\"sec\":-62135596800}");
    assert_true(values[US].as.i == LEAT_TIME_MIN && values[MS].as.i == LEAT_TIME_MIN &&
                values[SEC].as.i == LEAT_TIME_MIN);
    check_refused("{\"us\":253402300800000000}", LEAT_STAGE_SCHEMA, "outside the years 1 to 9999");
    check_refused("{\"us\":-62135596800000001}", LEAT_STAGE_SCHEMA, "outside the years 1 to 9999");
    check_refused("{\"ms\":253402300800000}", LEAT_STAGE_SCHEMA, "outside the years 1 to 9999");
    check_refused("{\"ms\":-62135596800001}", LEAT_STAGE_SCHEMA, "outside the years 1 to 9999");
    check_refused("{\"sec\":253402300800}", LEAT_STAGE_SCHEMA, "outside the years 1 to 9999");
    check_refused("{\"sec\":99999999999999}", LEAT_STAGE_SCHEMA, "");
    check_refused("{\"ms\":9223372036854775807}", LEAT_STAGE_SCHEMA, "beyond 64 bits");
}

static void a_used_field_that_occurs_twice_is_refused_and_others_may(void **state)
{
    (void)state;
    check_refused("{\"i\":1,\"d\":2,\"i\":1}", LEAT_STAGE_SCHEMA, "field 'i' occurs twice");
    check_refused("{\"i\":null,\"i\":1}", LEAT_STAGE_SCHEMA, "field 'i' occurs twice");
    check_refused("{\"nested\":{\"x\":1,\"x\":1}}", LEAT_STAGE_SCHEMA, "field 'nested.x' occurs twice");
    check_refused("{\"nested\":{},\"nested\":{}}", LEAT_STAGE_SCHEMA, "what holds field 'nested.");
    decode("{\"other\":1,\"other\":2,\"i\":3}");
    assert_int_equal(values[I].as.i, 3);
    decode("{\"i\":4}");
    assert_int_equal(values[I].as.i, 4);
}

static void records_that_are_not_one_object_are_refused(void **state)
{
    (void)state;
    check_refused("", LEAT_STAGE_DECODE, "not JSON: it is empty");
    check_refused(" \n ", LEAT_STAGE_DECODE, "not JSON: it is empty");
    check_refused("[]", LEAT_STAGE_DECODE, "not a JSON object");
    check_refused("12", LEAT_STAGE_DECODE, "not a JSON object");
    check_refused("null", LEAT_STAGE_DECODE, "not a JSON object");
    check_refused("\"s\"", LEAT_STAGE_DECODE, "not a JSON object");
    check_refused("garbage", LEAT_STAGE_DECODE, "not a JSON object");
    check_refused("}", LEAT_STAGE_DECODE, "not a JSON object");
    check_refused("{}{}", LEAT_STAGE_DECODE, "something behind the end at byte 2");
    check_refused("{\"i\":1} x", LEAT_STAGE_DECODE, "something behind the end at byte 8");
    check_refused("{\"i\":1},", LEAT_STAGE_DECODE, "something behind the end");
    check_refused("\xEF\xBB\xBF{}", LEAT_STAGE_DECODE, "not a JSON object");
    decode("{\"i\":1} \n\r\t ");
    assert_int_equal(decode_bytes((struct leat_bytes){"{}\0", 3}), -1);
    assert_int_equal(decode_bytes((struct leat_bytes){NULL, 0}), -1);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    const char *record =
        "{\"other\":{\"a\":[1,{\"b\":null}],\"c\":\"\\u00e9\"},\"s\":\"text\",\"i\":-42,\"d\":1.25e2,\"b\":true,"
        "\"nested\":{\"x\":1,\"list\":[1,2,3]},\"items\":[{\"n\":1},{\"sku\":\"b\"}]}";
    decode(record);
    for (size_t len = 0; len < strlen(record); len++) {
        if (decode_bytes((struct leat_bytes){record, len}) == 0)
            fail_msg("%.*s is read", (int)len, record);
        assert_int_equal(reason.stage, LEAT_STAGE_DECODE);
    }
}

/* The plain twin is base's parser: where it refuses a changed record, so must the decoder, and the other way round but
 * for what is only of another type. */
static void every_change_of_a_byte_is_judged_as_the_tree_parser_judges(void **state)
{
    (void)state;
    const char *record = "{\"other\":{\"a\":[1,{\"b\":null},[]],\"c\":\"\\u00e9\"},\"s\":\"te\\nt\",\"i\":-42,\"d\":1.25e2,"
                         "\"b\":true,\"nested\":{\"x\":1,\"list\":[1,2,3]},\"z\":[0.5,\"q\",false]}";
    size_t len = strlen(record);
    char changed[300];
    for (size_t at = 0; at < len; at++) {
        for (int c = 0; c < 256; c++) {
            memcpy(changed, record, len);
            changed[at] = (char)c;
            struct leat_bytes bytes = {changed, len};
            struct leat_json_document *document = NULL;
            struct leat_error err;
            bool json = leat_json_parse(bytes, LEAT_JSON_STRICT, &document, &err) == 0;
            bool decoded = decode_bytes(bytes) == 0;
            bool other_type = !decoded && reason.stage == LEAT_STAGE_SCHEMA;
            bool beyond = !json && strstr(err.text, "beyond the range of a double") != NULL;
            if (json != (decoded || other_type) && !other_type && !beyond)
                fail_msg("%.*s: %s / %s", (int)len, changed, json ? "JSON" : err.text,
                         decoded ? "decoded" : reason.text);
            leat_json_free(document);
        }
    }
}

static void malformed_records_are_refused_whatever_is_read(void **state)
{
    (void)state;
    check_refused("{\"other\":[}", LEAT_STAGE_DECODE, "");
    check_refused("{\"other\":[1,2}}", LEAT_STAGE_DECODE, "neither a comma nor the matching bracket at byte 13");
    check_refused("{\"other\":{\"a\":1]}", LEAT_STAGE_DECODE, "neither a comma nor the matching bracket");
    check_refused("{\"other\":tru}", LEAT_STAGE_DECODE, "something that is not a value at byte 9");
    check_refused("{\"other\":truex}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"other\":}", LEAT_STAGE_DECODE, "");
    check_refused("{\"other\" 1}", LEAT_STAGE_DECODE, "no colon behind a name");
    check_refused("{\"other\":1 \"i\":2}", LEAT_STAGE_DECODE, "neither a comma nor a brace");
    check_refused("{\"other\":1,}", LEAT_STAGE_DECODE, "");
    check_refused("{\"other\":1,,\"i\":2}", LEAT_STAGE_DECODE, "not a name in quotes at byte 11");
    check_refused("{other:1}", LEAT_STAGE_DECODE, "not a name in quotes at byte 1");
    check_refused("{1:1}", LEAT_STAGE_DECODE, "not a name in quotes");
    check_refused("{\"other\":[1,]}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"other\":[,1]}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"other\":{\"a\":1,}}", LEAT_STAGE_DECODE, "not a name in quotes");
    check_refused("{\"other\":{\"a\"}}", LEAT_STAGE_DECODE, "no colon behind a name");
    check_refused("{\"nested\":{\"list\":[1,,2]}}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"nested\":{\"list\":[1 2]}}", LEAT_STAGE_DECODE, "neither a comma nor a bracket");
    check_refused("{\"s\":'a'}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"s\":nul}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"b\":trve}", LEAT_STAGE_DECODE, "something that is not a value");
    check_refused("{\"s\":\"a\"b}", LEAT_STAGE_DECODE, "neither a comma nor a brace");
    check_refused("{\"s\"x:\"a\"}", LEAT_STAGE_DECODE, "no colon behind a name");
    check_refused("{\"s\":\"a\nb\"}", LEAT_STAGE_DECODE, "a control character");
    check_refused("{\"s\":\"a", LEAT_STAGE_DECODE, "it ends within a string");
}

static void invalid_utf8_is_refused_anywhere(void **state)
{
    (void)state;
    check_refused("{\"s\":\"\xFF\"}", LEAT_STAGE_DECODE, "not valid UTF-8");
    check_refused("{\"other\":\"\xED\xA0\x80\"}", LEAT_STAGE_DECODE, "not valid UTF-8");
    check_refused("{\"\xC0\x80\":1}", LEAT_STAGE_DECODE, "not valid UTF-8");
    check_refused("{\"s\":\"\xE2\x82\"}", LEAT_STAGE_DECODE, "not valid UTF-8");
}

static void skipped_values_nest_256_deep_and_no_deeper(void **state)
{
    (void)state;
    char record[700];
    for (size_t depth = 256; depth <= 257; depth++) {
        size_t len = (size_t)sprintf(record, "{\"other\":");
        memset(record + len, '[', depth);
        memset(record + len + depth, ']', depth);
        strcpy(record + len + 2 * depth, "}");
        if (depth == 256)
            decode(record);
        else
            check_refused(record, LEAT_STAGE_DECODE, "more than 256 levels");
    }
}

static void a_record_beyond_the_maximum_is_refused_unread(void **state)
{
    (void)state;
    struct leat_bytes record = {"x", LEAT_RECORD_BYTES_MAX + 1};
    assert_int_equal(leat_decoder_decode(decoder, record, &scratch, values, &reason), -1);
    assert_int_equal(reason.stage, LEAT_STAGE_DECODE);
    assert_non_null(strstr(reason.text, "16777217 bytes, and at most 16777216"));
}

static void a_record_of_the_maximum_is_read(void **state)
{
    (void)state;
    size_t len = LEAT_RECORD_BYTES_MAX;
    char *record = malloc(len);
    assert_non_null(record);
    memset(record, 'x', len);
    memcpy(record, "{\"s\":\"", 6);
    memcpy(record + len - 2, "\"}", 2);
    assert_int_equal(leat_decoder_decode(decoder, (struct leat_bytes){record, len}, &scratch, values, &reason), 0);
    assert_int_equal(values[S].len, len - 8);
    free(record);
}

static void nothing_behind_the_record_is_read(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(pages + 2 * page, page, PROT_NONE), 0);
    char record[400];
    for (size_t pad = 0; pad < 200; pad++) {
        int len = sprintf(
            record, "{\"other\":\"%.*s\",\"d\":1,\"i\":12345678}", (int)pad,
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        for (int cut = 0; cut < len; cut++) {
            char *at_end = pages + 2 * page - (len - cut);
            memcpy(at_end, record, (size_t)(len - cut));
            int result = leat_decoder_decode(decoder, (struct leat_bytes){at_end, (size_t)(len - cut)}, &scratch,
                                             values, &reason);
            assert_int_equal(result, cut == 0 ? 0 : -1);
        }
        char *at_start = pages + page;
        memcpy(at_start, record, (size_t)len);
        assert_int_equal(
            leat_decoder_decode(decoder, (struct leat_bytes){at_start, (size_t)len}, &scratch, values, &reason), 0);
    }
    munmap(pages, 3 * page);
}

static void a_decoder_without_slots_still_checks_the_record(void **state)
{
    (void)state;
    struct leat_projection none = {0};
    struct leat_decoder *checker = leat_decoder_new(LEAT_FORMAT_JSON, &schema, &none);
    assert_int_equal(leat_decoder_decode(checker, leat_bytes_of("{\"a\":[1]}"), &scratch, NULL, &reason), 0);
    assert_int_equal(leat_decoder_decode(checker, leat_bytes_of("{\"a\":[1}"), &scratch, NULL, &reason), -1);
    assert_int_equal(leat_decoder_header(checker, leat_bytes_of("anything"), NULL), 0);
    leat_decoder_free(checker);
    leat_decoder_free(NULL);
}

static void formats_are_known_by_name_and_planned_ones_say_so(void **state)
{
    (void)state;
    enum leat_format format;
    struct leat_error err = {0};
    assert_int_equal(leat_format_parse(leat_bytes_of("json"), &format, &err), 0);
    assert_int_equal(format, LEAT_FORMAT_JSON);
    assert_int_equal(leat_format_parse(leat_bytes_of("csv"), &format, &err), 0);
    assert_int_equal(format, LEAT_FORMAT_CSV);
    assert_string_equal(leat_format_name(LEAT_FORMAT_CSV), "csv");
    assert_int_equal(leat_format_parse(leat_bytes_of("avro"), &format, &err), -1);
    assert_non_null(strstr(err.text, "planned"));
    assert_int_equal(leat_format_parse(leat_bytes_of("jsn"), &format, &err), -1);
    assert_non_null(strstr(err.text, "did you mean 'json'?"));
    assert_int_equal(leat_format_parse(leat_bytes_of("spreadsheet"), &format, &err), -1);
    assert_non_null(strstr(err.text, "there are json and csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_every_type_are_read),
        cmocka_unit_test(absent_fields_and_nulls_are_null),
        cmocka_unit_test(nested_objects_and_lists_are_read_by_path),
        cmocka_unit_test(names_in_any_order_and_of_any_length_are_found),
        cmocka_unit_test(names_of_every_length_are_told_apart_at_one_position),
        cmocka_unit_test(records_with_more_fields_than_are_guessed_are_read),
        cmocka_unit_test(names_with_escapes_are_the_names_that_they_mean),
        cmocka_unit_test(strings_without_escapes_are_views_of_the_record),
        cmocka_unit_test(strings_with_escapes_are_unescaped),
        cmocka_unit_test(bad_escapes_are_refused_in_every_string),
        cmocka_unit_test(an_integer_may_be_written_as_a_whole_decimal),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused_by_field),
        cmocka_unit_test(doubles_are_rounded_correctly),
        cmocka_unit_test(random_doubles_agree_with_the_plain_reader),
        cmocka_unit_test(texts_that_only_resemble_numbers_are_not_json),
        cmocka_unit_test(another_type_than_declared_is_refused_with_what_was_met),
        cmocka_unit_test(what_was_met_is_cut_between_characters),
        cmocka_unit_test(times_keep_microseconds_and_refuse_what_is_no_time),
        cmocka_unit_test(times_outside_years_1_to_9999_are_refused),
        cmocka_unit_test(a_used_field_that_occurs_twice_is_refused_and_others_may),
        cmocka_unit_test(records_that_are_not_one_object_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_change_of_a_byte_is_judged_as_the_tree_parser_judges),
        cmocka_unit_test(malformed_records_are_refused_whatever_is_read),
        cmocka_unit_test(invalid_utf8_is_refused_anywhere),
        cmocka_unit_test(skipped_values_nest_256_deep_and_no_deeper),
        cmocka_unit_test(a_record_beyond_the_maximum_is_refused_unread),
        cmocka_unit_test(a_record_of_the_maximum_is_read),
        cmocka_unit_test(nothing_behind_the_record_is_read),
        cmocka_unit_test(a_decoder_without_slots_still_checks_the_record),
        cmocka_unit_test(formats_are_known_by_name_and_planned_ones_say_so),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
