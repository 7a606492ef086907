#include "event/codec.h"

#include "base/json.h"
#include "base/time.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_field fields[] = {
    {.name = {"s", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_STRING},
    {.name = {"i", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
    {.name = {"d", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE},
    {.name = {"b", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_BOOL},
    {.name = {"t", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_TEXT},
    {.name = {"ms", 2}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_MS},
};
static const struct leat_schema schema = {fields, 6};
enum slot { S, I, D, B, T, MS, SLOTS };

static struct leat_arena memory, scratch;
static struct leat_projection projection;
static struct leat_value values[SLOTS];
static struct leat_reason reason;

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLOTS; i++) {
        size_t slot;
        if (leat_projection_slot(&projection, &schema, fields[i].name, &memory, &slot, NULL) < 0)
            return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    leat_arena_done(&memory);
    leat_arena_done(&scratch);
    return 0;
}

static struct leat_decoder *decoder_with(const char *header)
{
    struct leat_decoder *decoder = leat_decoder_new(LEAT_FORMAT_CSV, &schema, &projection);
    struct leat_error err = {0};
    if (header != NULL && leat_decoder_header(decoder, leat_bytes_of(header), &err) < 0)
        fail_msg("%s", err.text);
    return decoder;
}

static int decode_with(struct leat_decoder *decoder, const char *record)
{
    leat_arena_reset(&scratch);
    memset(values, 0xEE, sizeof values);
    reason = (struct leat_reason){0};
    /* A copy of exactly the record's size: AddressSanitizer sees what reads beyond it. */
    static char *copy;
    free(copy);
    copy = malloc(strlen(record) + 1);
    assert_non_null(copy);
    memcpy(copy, record, strlen(record));
    return leat_decoder_decode(decoder, (struct leat_bytes){copy, strlen(record)}, &scratch, values, &reason);
}

static void decode(const char *record)
{
    struct leat_decoder *decoder = decoder_with(NULL);
    if (decode_with(decoder, record) < 0)
        fail_msg("%s: %s", record, reason.text);
    leat_decoder_free(decoder);
}

static void check_refused(const char *record, enum leat_stage stage, const char *why)
{
    struct leat_decoder *decoder = decoder_with(NULL);
    if (decode_with(decoder, record) == 0)
        fail_msg("%s is read", record);
    if (reason.stage != stage || strstr(reason.text, why) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s: %s\"", record, why, leat_stage_name(reason.stage), reason.text);
    leat_decoder_free(decoder);
}

static void check_string(const char *expected)
{
    assert_int_equal(values[S].null, 0);
    if (!leat_bytes_is(leat_value_bytes(values[S]), expected))
        fail_msg("%.*s is not %s", LEAT_BYTES_FORMAT(leat_value_bytes(values[S])), expected);
}

static void without_a_header_the_columns_are_the_schemas_fields(void **state)
{
    (void)state;
    decode("text,-42,1.25,true,1970-01-01T00:00:01.5Z,1500\n");
    check_string("text");
    assert_int_equal(values[I].as.i, -42);
    assert_true(values[D].as.d == 1.25);
    assert_int_equal(values[B].as.i, 1);
    assert_int_equal(values[T].as.i, 1500000);
    assert_int_equal(values[MS].as.i, 1500000);
}

static void a_header_names_the_columns_and_unknown_ones_are_ignored(void **state)
{
    (void)state;
    struct leat_decoder *decoder = decoder_with("\xEF\xBB\xBFms,other,\"d\",i,b,s,t\r\n");
    assert_int_equal(decode_with(decoder, "1,\"x,y\",0.5,7,f,z,\r\n"), 0);
    check_string("z");
    assert_int_equal(values[I].as.i, 7);
    assert_true(values[D].as.d == 0.5);
    assert_int_equal(values[MS].as.i, 1000);
    assert_true(values[T].null);
    leat_decoder_free(decoder);
}

static void check_header_refused(const char *header, const char *why)
{
    struct leat_decoder *decoder = decoder_with(NULL);
    struct leat_error err = {0};
    assert_int_equal(leat_decoder_header(decoder, leat_bytes_of(header), &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, err.text);
    /* The columns are as they were. */
    assert_int_equal(decode_with(decoder, "x,1,2,t,,"), 0);
    leat_decoder_free(decoder);
}

static void a_header_that_does_not_serve_is_refused(void **state)
{
    (void)state;
    check_header_refused("s,i,d,b,t", "lacks the column 'ms'");
    check_header_refused("s,i,d,b,t,ms,s", "names twice the column 's'");
    check_header_refused("s,i,d,b,t,ms,x,x", "names twice the column 'x'");
    check_header_refused("s,\"i,d,b,t,ms", "a quote that is not closed");
    check_header_refused("s,i,d,b,t,ms,\xFF", "not valid UTF-8 at byte 13");
    check_header_refused("", "lacks the column 's'");
    static char wide[60000] = "s,i,d,b,t,ms";
    size_t len = strlen(wide);
    for (int i = 0; i < 9995; i++)
        len += (size_t)sprintf(wide + len, ",%d", i);
    check_header_refused(wide, "more than 10000 columns");
}

static void an_empty_field_is_null_and_an_empty_quoted_text_is_not(void **state)
{
    (void)state;
    decode(",,,,,");
    for (size_t i = 0; i < SLOTS; i++)
        assert_true(values[i].null == 1 && values[i].as.i == 0);
    decode("\"\",\"\",\"\",\"\",\"\",\"\"");
    check_string("");
    for (size_t i = I; i < SLOTS; i++)
        assert_true(values[i].null == 1);
}

static void quotes_keep_commas_line_ends_and_doubled_quotes(void **state)
{
    (void)state;
    decode("\"a,b\r\n\"\"c\"\"\",1,2,t,,\n");
    check_string("a,b\r\n\"c\"");
    decode("\"\"\"\",1,2,t,,");
    check_string("\"");
    decode("\"plain\",\"1\",\"2.5\",\"true\",,");
    check_string("plain");
    assert_int_equal(values[I].as.i, 1);
    assert_true(values[D].as.d == 2.5);
    decode(" a b ,1,2,t,,");
    check_string(" a b ");
}

static void malformed_quotes_are_refused_with_their_place(void **state)
{
    (void)state;
    check_refused("a\"b,1,2,t,,", LEAT_STAGE_DECODE, "a quote within a field that does not begin with one at byte 1");
    check_refused("\"a\"b,1,2,t,,", LEAT_STAGE_DECODE, "something between a closing quote and the comma at byte 3");
    check_refused("\"a,1,2,t,,", LEAT_STAGE_DECODE, "a quote that is not closed");
    check_refused("\"a\"\",1,2,t,,", LEAT_STAGE_DECODE, "a quote that is not closed");
    check_refused("\"", LEAT_STAGE_DECODE, "a quote that is not closed");
    check_refused("a\nb,1,2,t,,", LEAT_STAGE_DECODE, "a line end outside of quotes at byte 1");
    check_refused("a,1,2,t,,\n\n", LEAT_STAGE_DECODE, "a line end outside of quotes");
}

static void a_row_of_another_number_of_fields_is_refused(void **state)
{
    (void)state;
    check_refused("a,1,2,t,", LEAT_STAGE_DECODE, "it has 5 fields and not 6");
    check_refused("a,1,2,t,,,", LEAT_STAGE_DECODE, "it has 7 fields and not 6");
    check_refused("", LEAT_STAGE_DECODE, "it has 1 fields and not 6");
}

static void numbers_are_strict_and_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        setlocale(LC_ALL, "");
    decode("a,+3,.5,t,,");
    assert_int_equal(values[I].as.i, 3);
    assert_true(values[D].as.d == 0.5);
    decode("a,3.0,1e-400,t,,");
    assert_int_equal(values[I].as.i, 3);
    assert_true(values[D].as.d == 0);
    check_refused("a,1,\"1,5\",t,,", LEAT_STAGE_SCHEMA, "field 'd' is declared as double; met 1,5");
    check_refused("a, 1,2,t,,", LEAT_STAGE_SCHEMA, "field 'i' is declared as int; met  1");
    check_refused("a,1,nan,t,,", LEAT_STAGE_SCHEMA, "met nan, which is not a number that fits");
    check_refused("a,1,1e999,t,,", LEAT_STAGE_SCHEMA, "not a number that fits");
    check_refused("a,0x10,1,t,,", LEAT_STAGE_SCHEMA, "not a number that fits");
    check_refused("a,1.5,1,t,,", LEAT_STAGE_SCHEMA, "met 1.5, which is not a whole number");
    check_refused("a,9223372036854775808,1,t,,", LEAT_STAGE_SCHEMA, "beyond 64 bits");
    check_refused("a,1,1,t,,1.5", LEAT_STAGE_SCHEMA, "field 'ms' is declared as timestamp_ms; met 1.5");
    check_refused("a,1,1,t,tomorrow,", LEAT_STAGE_SCHEMA, "field 't' is declared as timestamp; met tomorrow");
    setlocale(LC_ALL, "C");
}

static void truth_is_written_in_several_ways(void **state)
{
    (void)state;
    const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE", "1", "0", "t", "f"};
    for (size_t i = 0; i < 10; i++) {
        char record[64];
        snprintf(record, sizeof record, "a,1,2,%s,,", words[i]);
        decode(record);
        assert_int_equal(values[B].as.i, i % 2 == 0);
    }
    check_refused("a,1,2,yes,,", LEAT_STAGE_SCHEMA, "field 'b' is declared as bool; met yes");
    check_refused("a,1,2,2,,", LEAT_STAGE_SCHEMA, "field 'b' is declared as bool; met 2");
}

static void invalid_utf8_is_refused_with_its_place(void **state)
{
    (void)state;
    check_refused("\xC3\xA9\xFF,1,2,t,,", LEAT_STAGE_DECODE, "not valid UTF-8 at byte 2");
}

static void strings_without_doubled_quotes_are_views_of_the_record(void **state)
{
    (void)state;
    struct leat_decoder *decoder = decoder_with(NULL);
    struct leat_arena untouched = {0};
    const char *record = "\"text\",1,2,t,,";
    assert_int_equal(leat_decoder_decode(decoder, leat_bytes_of(record), &untouched, values, &reason), 0);
    assert_ptr_equal(values[S].as.s, record + 1);
    assert_int_equal(untouched.allocated, 0);
    leat_decoder_free(decoder);
}

static const struct leat_out_field out_fields[] = {
    {{"s", 1}, LEAT_TYPE_STRING, LEAT_ENCODING_PLAIN},   {{"i", 1}, LEAT_TYPE_INT, LEAT_ENCODING_PLAIN},
    {{"d", 1}, LEAT_TYPE_DOUBLE, LEAT_ENCODING_PLAIN},   {{"b", 1}, LEAT_TYPE_BOOL, LEAT_ENCODING_PLAIN},
    {{"t", 1}, LEAT_TYPE_TIME, LEAT_ENCODING_TIME_TEXT}, {{"ms", 2}, LEAT_TYPE_TIME, LEAT_ENCODING_TIME_MS},
    {{"us", 2}, LEAT_TYPE_TIME, LEAT_ENCODING_TIME_US},  {{"sec", 3}, LEAT_TYPE_TIME, LEAT_ENCODING_TIME_S},
    {{"p\"", 2}, LEAT_TYPE_TIME, LEAT_ENCODING_PLAIN},
};

static void a_record_is_encoded_as_json(void **state)
{
    (void)state;
    struct leat_buffer out = {0};
    struct leat_value row[] = {leat_value_string(leat_bytes_of("a\"b")),
                               leat_value_int(-7),
                               leat_value_double(0.1),
                               leat_value_int(1),
                               leat_value_int(1500000),
                               leat_value_int(1500000),
                               leat_value_int(1500000),
                               leat_value_int(1500000),
                               leat_value_int(-1)};
    assert_int_equal(leat_encode_json(&out, out_fields, row, 9), 0);
    assert_string_equal(leat_buffer_text(&out),
                        "{\"s\":\"a\\\"b\",\"i\":-7,\"d\":0.1,\"b\":true,\"t\":\"1970-01-01T00:00:01.500Z\",\"ms\":1500,"
                        "\"us\":1500000,\"sec\":1.5,\"p\\\"\":-1}");
    leat_buffer_reset(&out);
    for (size_t i = 0; i < 9; i++)
        row[i] = leat_value_null();
    leat_encode_json(&out, out_fields, row, 2);
    leat_encode_json(&out, out_fields, row, 0);
    assert_string_equal(leat_buffer_text(&out), "{\"s\":null,\"i\":null}{}");
    leat_buffer_done(&out);
}

static void seconds_are_encoded_exactly(void **state)
{
    (void)state;
    const int64_t times[] = {0, 1, -1, 1000000, -1500000, 10000000, INT64_C(1373284800000001), LEAT_TIME_MIN};
    const char *const texts[] = {"0", "0.000001", "-0.000001", "1", "-1.5", "10", "1373284800.000001", "-62135596800"};
    for (size_t i = 0; i < 8; i++) {
        struct leat_buffer out = {0};
        leat_encode_json_value(&out, LEAT_TYPE_TIME, LEAT_ENCODING_TIME_S, leat_value_int(times[i]));
        assert_string_equal(leat_buffer_text(&out), texts[i]);
        leat_buffer_done(&out);
    }
}

static void numbers_that_are_not_finite_are_encoded_as_null(void **state)
{
    (void)state;
    struct leat_buffer out = {0};
    struct leat_value nan = leat_value_double(__builtin_nan(""));
    leat_encode_json_value(&out, LEAT_TYPE_DOUBLE, LEAT_ENCODING_PLAIN, nan);
    leat_encode_json_value(&out, LEAT_TYPE_NULL, LEAT_ENCODING_PLAIN, leat_value_null());
    assert_string_equal(leat_buffer_text(&out), "nullnull");
    leat_buffer_reset(&out);
    assert_int_equal(leat_encode_csv(&out, out_fields + 2, &nan, 1), 0);
    assert_int_equal(out.len, 0);
    leat_buffer_done(&out);
}

static void what_is_encoded_as_csv_is_decoded_again(void **state)
{
    (void)state;
    const char *const texts[] = {"plain", "", "a,b", "a\"b", "line\nend", "\r", " ", "\xC3\xA9", "\"\""};
    struct leat_decoder *decoder = decoder_with(NULL);
    for (size_t i = 0; i <= sizeof texts / sizeof texts[0]; i++) {
        bool null = i == sizeof texts / sizeof texts[0];
        struct leat_value row[] = {null ? leat_value_null() : leat_value_string(leat_bytes_of(texts[i])),
                                   leat_value_int(INT64_MIN),
                                   leat_value_double(0.1 * (double)i),
                                   leat_value_int(0),
                                   leat_value_int(1500001),
                                   leat_value_null()};
        struct leat_buffer out = {0};
        assert_int_equal(leat_encode_csv(&out, out_fields, row, 6), 0);
        assert_int_equal(decode_with(decoder, leat_buffer_text(&out)), 0);
        for (size_t slot = 0; slot < SLOTS; slot++)
            assert_true(leat_value_same(fields[slot].type, values[slot], row[slot]));
        leat_buffer_done(&out);
    }
    leat_decoder_free(decoder);
}

static void a_csv_header_quotes_odd_names(void **state)
{
    (void)state;
    struct leat_buffer out = {0};
    assert_int_equal(leat_encode_csv_header(&out, out_fields, 9), 0);
    assert_string_equal(leat_buffer_text(&out), "s,i,d,b,t,ms,us,sec,\"p\"\"\"");
    leat_buffer_done(&out);
}

static void encoding_beyond_the_maximum_fails(void **state)
{
    (void)state;
    struct leat_value row[] = {leat_value_string(leat_bytes_of("text")), leat_value_int(-7)};
    for (size_t max = 1; max < 6; max++) {
        struct leat_buffer out = {.max = max};
        assert_int_equal(leat_encode_json(&out, out_fields, row, 2), -1);
        leat_buffer_reset(&out);
        assert_int_equal(leat_encode_csv(&out, out_fields, row, 2), -1);
        leat_buffer_done(&out);
    }
    struct leat_buffer out = {.max = 2};
    assert_int_equal(leat_encode_csv_header(&out, out_fields, 2), -1);
    leat_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_header_the_columns_are_the_schemas_fields),
        cmocka_unit_test(a_header_names_the_columns_and_unknown_ones_are_ignored),
        cmocka_unit_test(a_header_that_does_not_serve_is_refused),
        cmocka_unit_test(an_empty_field_is_null_and_an_empty_quoted_text_is_not),
        cmocka_unit_test(quotes_keep_commas_line_ends_and_doubled_quotes),
        cmocka_unit_test(malformed_quotes_are_refused_with_their_place),
        cmocka_unit_test(a_row_of_another_number_of_fields_is_refused),
        cmocka_unit_test(numbers_are_strict_and_do_not_depend_on_the_locale),
        cmocka_unit_test(truth_is_written_in_several_ways),
        cmocka_unit_test(invalid_utf8_is_refused_with_its_place),
        cmocka_unit_test(strings_without_doubled_quotes_are_views_of_the_record),
        cmocka_unit_test(a_record_is_encoded_as_json),
        cmocka_unit_test(seconds_are_encoded_exactly),
        cmocka_unit_test(numbers_that_are_not_finite_are_encoded_as_null),
        cmocka_unit_test(what_is_encoded_as_csv_is_decoded_again),
        cmocka_unit_test(a_csv_header_quotes_odd_names),
        cmocka_unit_test(encoding_beyond_the_maximum_fails),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
