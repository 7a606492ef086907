#include "base/json.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_json_document *parsed_with(const char *text, int flags)
{
    struct leat_error err = {0};
    struct leat_json_document *document = NULL;
    if (leat_json_parse(leat_bytes_of(text), flags, &document, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return document;
}

static struct leat_json_document *parsed(const char *text)
{
    return parsed_with(text, LEAT_JSON_STRICT);
}

static void check_refused_with(struct leat_bytes text, int flags, const char *why)
{
    struct leat_error err = {0};
    struct leat_json_document *document = NULL;
    if (leat_json_parse(text, flags, &document, &err) == 0)
        fail_msg("%.*s is read", LEAT_BYTES_FORMAT(text));
    assert_null(document);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, err.text);
}

static void check_refused(const char *text, const char *why)
{
    check_refused_with(leat_bytes_of(text), LEAT_JSON_STRICT, why);
    check_refused_with(leat_bytes_of(text), LEAT_JSON_NONFINITE, why);
}

static void check_round_trip_with(const char *text, int flags, const char *expected)
{
    struct leat_json_document *document = parsed_with(text, flags);
    struct leat_buffer out = {0};
    assert_int_equal(leat_json_put(&out, leat_json_root(document)), 0);
    assert_string_equal(leat_buffer_text(&out), expected);
    leat_buffer_done(&out);
    leat_json_free(document);
}

static void check_round_trip(const char *text)
{
    check_round_trip_with(text, LEAT_JSON_STRICT, text);
    check_round_trip_with(text, LEAT_JSON_NONFINITE, text);
}

static void a_tree_has_its_members_in_file_order(void **state)
{
    (void)state;
    struct leat_json_document *document = parsed("{\"b\": 1, \"a\": [true, null, \"x\", 2.5], \"c\": {}}");
    const struct leat_json *root = leat_json_root(document);
    assert_int_equal(root->type, LEAT_JSON_OBJECT);
    assert_int_equal(root->count, 3);
    assert_string_equal(root->as.members[0].name.data, "b");
    assert_string_equal(root->as.members[1].name.data, "a");
    const struct leat_json *list = leat_json_get(root, "a");
    assert_int_equal(list->type, LEAT_JSON_ARRAY);
    assert_int_equal(list->count, 4);
    assert_true(leat_json_at(list, 0)->as.boolean);
    assert_int_equal(leat_json_at(list, 1)->type, LEAT_JSON_NULL);
    assert_string_equal(leat_json_text(leat_json_at(list, 2), "none"), "x");
    assert_null(leat_json_at(list, 4));
    assert_null(leat_json_at(root, 0));
    assert_null(leat_json_get(list, "a"));
    assert_null(leat_json_get(root, "d"));
    assert_null(leat_json_get(NULL, "d"));
    assert_int_equal(leat_json_get(root, "c")->count, 0);
    leat_json_free(document);
    leat_json_free(NULL);
}

static void numbers_are_read_as_what_they_are(void **state)
{
    (void)state;
    struct leat_json_document *document = parsed("[1, 1.0, -9223372036854775808, 9223372036854775807, 1e3, \"1\"]");
    const struct leat_json *root = leat_json_root(document);
    int64_t integer;
    double number;
    assert_true(leat_json_integer(leat_json_at(root, 0), &integer));
    assert_int_equal(integer, 1);
    assert_false(leat_json_integer(leat_json_at(root, 1), &integer));
    assert_true(leat_json_number(leat_json_at(root, 1), &number));
    assert_true(number == 1.0);
    assert_true(leat_json_integer(leat_json_at(root, 2), &integer) && integer == INT64_MIN);
    assert_true(leat_json_integer(leat_json_at(root, 3), &integer) && integer == INT64_MAX);
    assert_int_equal(leat_json_at(root, 4)->type, LEAT_JSON_DOUBLE);
    assert_true(leat_json_number(leat_json_at(root, 0), &number));
    assert_false(leat_json_number(leat_json_at(root, 5), &number));
    assert_false(leat_json_number(NULL, &number));
    assert_false(leat_json_integer(NULL, &integer));
    assert_string_equal(leat_json_text(leat_json_at(root, 0), "other"), "other");
    leat_json_free(document);
}

static void integers_beyond_64_bits_are_doubles(void **state)
{
    (void)state;
    const char *const texts[] = {"9223372036854775808",  "18446744073709551615",           "18446744073709551616",
                                 "-9223372036854775809", "123456789012345678901234567890", "-99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"a\": [7, %s, \"99999999999999999999\"]}", texts[i]);
        struct leat_json_document *document = parsed(text);
        const struct leat_json *list = leat_json_get(leat_json_root(document), "a");
        assert_int_equal(leat_json_at(list, 0)->as.integer, 7);
        assert_int_equal(leat_json_at(list, 1)->type, LEAT_JSON_DOUBLE);
        assert_true(leat_json_at(list, 1)->as.number == strtod(texts[i], NULL));
        assert_string_equal(leat_json_text(leat_json_at(list, 2), ""), "99999999999999999999");
        leat_json_free(document);
    }
}

static void numbers_beyond_a_double_are_refused_and_tiny_ones_are_zero(void **state)
{
    (void)state;
    check_refused("1e400", "1:1 (byte 0): not JSON: a number beyond the range of a double");
    check_refused("[1,\n -1e309]", "2:2 (byte 5)");
    check_round_trip_with("1e-400", LEAT_JSON_STRICT, "0");
    check_round_trip_with("1.7976931348623157e308", LEAT_JSON_STRICT, "1.7976931348623157e+308");
}

static void strings_are_unescaped_and_keep_their_nuls(void **state)
{
    (void)state;
    struct leat_json_document *document = parsed("\"a\\n\\u0000\\u00e9\\ud83d\\ude00\\/\"");
    const struct leat_json *root = leat_json_root(document);
    assert_int_equal(root->as.string.len, 10);
    assert_memory_equal(root->as.string.data, "a\n\0\xC3\xA9\xF0\x9F\x98\x80/", 11);
    leat_json_free(document);
}

static void the_first_of_two_members_of_a_name_is_got(void **state)
{
    (void)state;
    struct leat_json_document *document = parsed("{\"a\":1,\"a\":2}");
    assert_int_equal(leat_json_root(document)->count, 2);
    assert_int_equal(leat_json_get(leat_json_root(document), "a")->as.integer, 1);
    leat_json_free(document);
}

static void what_is_put_is_what_was_read(void **state)
{
    (void)state;
    check_round_trip("{\"b\":1,\"a\":[true,false,null,\"x\\\"\\\\\\n\\t\\r\\u0001\",2.5,[],{}]}");
    check_round_trip("[]");
    check_round_trip("\"\"");
    check_round_trip("-17");
    check_round_trip("null");
    check_round_trip("[null,[null,null],{\"NaN\":null}]");
}

static void the_error_says_line_column_byte_and_what_is_there(void **state)
{
    (void)state;
    check_refused("", "1:1 (byte 0): not JSON: the end where a value should be");
    check_refused("  ", "1:3 (byte 2)");
    check_refused("{\"a\": 1,\n \"b\" 2}", "2:6 (byte 14): not JSON: no colon behind a member name");
    check_refused("{\"\xC3\xA9\": x}", "1:7 (byte 7): not JSON: something that is not a value");
    check_refused("[1 2]", "1:4 (byte 3): not JSON: neither a comma nor a closing bracket");
    check_refused("{\"a\":1 \"b\":2}", "neither a comma nor a closing brace");
    check_refused("[1,]", "1:4 (byte 3): not JSON: something that is not a value");
    check_refused("{\"a\":1,}", "1:8 (byte 7): not JSON: something that is not a member name in quotes");
    check_refused("{a:1}", "something that is not a member name in quotes");
    check_refused("[1", "1:3 (byte 2): not JSON: the end within an array");
    check_refused("{\"a\":1", "the end within an object");
    check_refused("{", "the end where a member should be");
    check_refused("{} x", "1:4 (byte 3): not JSON: something behind the end of the value");
    check_refused("\"abc", "1:1 (byte 0): not JSON: a string without its closing quote");
    check_refused("\"a\nb\"", "1:3 (byte 2): not JSON: a control character within a string");
    check_refused("\"\\x\"", "1:2 (byte 1): not JSON: an escape that JSON does not have");
    check_refused("\"\\u12g4\"", "an escape that JSON does not have");
    check_refused("01", "a number that is not one of JSON's");
    check_refused("[-]", "a number that is not one of JSON's");
    check_refused("1.", "a number that is not one of JSON's");
    check_refused("+1", "something that is not a value");
    check_refused("tru", "something that is not a value");
    check_refused("nullx", "something behind the end");
}

static void halves_of_surrogate_pairs_are_refused(void **state)
{
    (void)state;
    check_refused("\"\\ud83d\"", "half of a surrogate pair");
    check_refused("\"\\ud83dx\"", "half of a surrogate pair");
    check_refused("\"\\ud83d\\u0041\"", "half of a surrogate pair");
    check_refused("\"\\ude00\"", "half of a surrogate pair");
    check_refused("{\"\\ude00\":1}", "half of a surrogate pair");
}

static void bytes_that_are_not_utf8_are_refused_with_their_place(void **state)
{
    (void)state;
    check_refused("\"abc\xFF\"", "1:5 (byte 4): not JSON: bytes that are not UTF-8");
    check_refused("\"\xC0\x80\"", "(byte 1)");
    check_refused("\"\xC3\xA9\xED\xA0\x80\"", "1:3 (byte 3)");
    check_refused_with((struct leat_bytes){"\"\xE2\x82", 3}, 0, "(byte 1)");
    check_refused_with((struct leat_bytes){"1\0", 2}, 0, "");
}

static void depth_256_is_read_and_257_is_refused(void **state)
{
    (void)state;
    char text[1100];
    for (size_t depth = 256; depth <= 257; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        if (depth == 256)
            check_round_trip(text);
        else
            check_refused(text, "more than 256 levels");
    }
}

static void nonfinite_numbers_are_read_only_when_asked_for(void **state)
{
    (void)state;
    const char *text = "{\"NaN\": [NaN, null, Infinity, -Infinity, \"NaN\", \"-Infinity\", 1e5], \"n\": null}";
    check_refused_with(leat_bytes_of(text), LEAT_JSON_STRICT, "1:10 (byte 9): not JSON: something that is not a value");
    struct leat_json_document *document = parsed_with(text, LEAT_JSON_NONFINITE);
    const struct leat_json *list = leat_json_get(leat_json_root(document), "NaN");
    assert_int_equal(leat_json_at(list, 0)->type, LEAT_JSON_DOUBLE);
    assert_true(isnan(leat_json_at(list, 0)->as.number));
    assert_int_equal(leat_json_at(list, 1)->type, LEAT_JSON_NULL);
    assert_true(leat_json_at(list, 2)->as.number == INFINITY);
    assert_true(leat_json_at(list, 3)->as.number == -INFINITY);
    assert_string_equal(leat_json_text(leat_json_at(list, 4), ""), "NaN");
    assert_string_equal(leat_json_text(leat_json_at(list, 5), ""), "-Infinity");
    assert_true(leat_json_at(list, 6)->as.number == 1e5);
    assert_int_equal(leat_json_get(leat_json_root(document), "n")->type, LEAT_JSON_NULL);
    leat_json_free(document);
}

static void words_within_strings_are_never_taken_for_numbers(void **state)
{
    (void)state;
    check_round_trip_with("[\"NaN\",\"\\\"NaN\",\"\\\\\",NaN,\"x\\\\\\\"NaN\",null]", LEAT_JSON_NONFINITE,
                          "[\"NaN\",\"\\\"NaN\",\"\\\\\",null,\"x\\\\\\\"NaN\",null]");
    check_round_trip_with("{\"null\":null,\"n\":\"nnn\",\"a\":-Infinity}", LEAT_JSON_NONFINITE,
                          "{\"null\":null,\"n\":\"nnn\",\"a\":null}");
    check_round_trip_with("[NaN,99999999999999999999,NaN]", LEAT_JSON_NONFINITE, "[null,1e+20,null]");
}

static void words_that_only_resemble_nonfinite_numbers_are_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"[NaNN]",  "[1NaN]",      "[NaN1]",   "[-NaN]", "[nan]",           "[Inf]",    "[NaN",
                                 "NaN NaN", "[+Infinity]", "{NaN: 1}", "[Na N]", "[Infinity null]", "[NaNnull]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_refused_with(leat_bytes_of(texts[i]), LEAT_JSON_NONFINITE, "not JSON: ");
}

static void long_lists_keep_all_their_elements(void **state)
{
    (void)state;
    /* Beyond the count that simdjson keeps beside an array. */
    size_t count = 0x1000000 + 5;
    char *text = malloc(2 * count + 2);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        text[1 + 2 * i] = (char)('0' + i % 10);
        text[2 + 2 * i] = ',';
    }
    text[2 * count] = ']';
    struct leat_error err = {0};
    struct leat_json_document *document;
    assert_int_equal(leat_json_parse((struct leat_bytes){text, 2 * count + 1}, 0, &document, &err), 0);
    assert_int_equal(leat_json_root(document)->count, count);
    assert_int_equal(leat_json_at(leat_json_root(document), count - 1)->as.integer, (count - 1) % 10);
    leat_json_free(document);
    free(text);
}

static void check_put_string(struct leat_bytes text, const char *expected)
{
    struct leat_buffer out = {0};
    assert_int_equal(leat_json_put_string(&out, text), 0);
    assert_string_equal(leat_buffer_text(&out), expected);
    leat_buffer_done(&out);
}

static void strings_are_escaped_and_mended(void **state)
{
    (void)state;
    check_put_string(leat_bytes_of(""), "\"\"");
    check_put_string(leat_bytes_of(NULL), "\"\"");
    check_put_string(leat_bytes_of("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_put_string((struct leat_bytes){"\0\x1F\x7F\b", 4}, "\"\\u0000\\u001f\x7F\\u0008\"");
    check_put_string(leat_bytes_of("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    check_put_string(leat_bytes_of("a\xFF"
                                   "b"),
                     "\"a\xEF\xBF\xBD"
                     "b\"");
    check_put_string(leat_bytes_of("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_put_string(leat_bytes_of("\xC0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_put_string(leat_bytes_of("\xF4\x90\x80\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void a_full_buffer_makes_every_writer_fail(void **state)
{
    (void)state;
    struct leat_json_document *document = parsed("{\"a\":[1,2,{\"b\":\"c\"}]}");
    for (size_t max = 1; max < 21; max++) {
        struct leat_buffer out = {.max = max};
        assert_int_equal(leat_json_put(&out, leat_json_root(document)), -1);
        assert_true(out.failed);
        leat_buffer_done(&out);
    }
    leat_json_free(document);
}

static void check_double(double number, const char *expected)
{
    struct leat_buffer out = {0};
    assert_int_equal(leat_json_put_double(&out, number), 0);
    assert_string_equal(leat_buffer_text(&out), expected);
    leat_buffer_done(&out);
}

static void doubles_are_written_with_the_fewest_digits(void **state)
{
    (void)state;
    check_double(3, "3");
    check_double(-3, "-3");
    check_double(0, "0");
    check_double(-0.0, "-0.0");
    check_double(0.1, "0.1");
    check_double(1e15, "1e+15");
    check_double(999999999999999, "999999999999999");
    check_double(123456789012345680, "123456789012345680");
    check_double(1e22, "1e+22");
    check_double(12345678901234567890.0, "1.2345678901234567e+19");
    check_double(5e-324, "5e-324");
    check_double(NAN, "null");
    check_double(INFINITY, "null");
    check_double(-INFINITY, "null");
}

static void every_double_reads_back_from_its_text(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double number, back;
        memcpy(&number, &random, sizeof number);
        if (i % 2)
            number = (double)(int64_t)(random >> 3) / 1000.0;
        if (!isfinite(number))
            continue;
        struct leat_buffer out = {0};
        leat_json_put_double(&out, number);
        assert_int_equal(leat_double_parse(leat_buffer_view(&out), &back), 0);
        assert_memory_equal(&number, &back, sizeof back);

        struct leat_error err = {0};
        struct leat_json_document *document;
        if (i % 100 == 0) {
            assert_int_equal(leat_json_parse(leat_buffer_view(&out), 0, &document, &err), 0);
            assert_true(leat_json_number(leat_json_root(document), &back) && back == number);
            leat_json_free(document);
        }
        leat_buffer_done(&out);
    }
}

static void every_float_reads_back_from_its_text(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 20011) {
        uint32_t pattern = (uint32_t)bits;
        float number, back;
        memcpy(&number, &pattern, sizeof number);
        if (!isfinite(number))
            continue;
        char text[32];
        struct leat_bytes view = {text, leat_float_format(number, text)};
        assert_int_equal(leat_float_parse(view, &back), 0);
        assert_memory_equal(&number, &back, sizeof back);
    }
    struct leat_buffer out = {0};
    leat_json_put_float(&out, 0.1F);
    leat_json_put_float(&out, NAN);
    leat_json_put_float(&out, 16777216);
    assert_string_equal(leat_buffer_text(&out), "0.1null16777216");
    leat_buffer_done(&out);
}

static void a_float_is_rounded_once(void **state)
{
    (void)state;
    /* Just above the middle of two floats; as a double it is the middle, which would round to even, down. */
    float number;
    assert_int_equal(leat_float_parse(leat_bytes_of("1.00000005960464477540"), &number), 0);
    assert_true(number == nextafterf(1.0F, 2.0F));
    assert_true((float)1.00000005960464477540 == 1.0F);
}

static void check_no_double(const char *text)
{
    double number = 7;
    if (leat_double_parse(leat_bytes_of(text), &number) == 0)
        fail_msg("%s is read", text);
    assert_true(number == 7);
}

static void check_parsed_double(const char *text, double expected)
{
    double number = 7;
    if (leat_double_parse(leat_bytes_of(text), &number) < 0)
        fail_msg("%s is refused", text);
    assert_memory_equal(&number, &expected, sizeof number);
}

static void numbers_in_decimal_notation_are_read(void **state)
{
    (void)state;
    check_parsed_double("1", 1);
    check_parsed_double("+1", 1);
    check_parsed_double("-1.5e3", -1500);
    check_parsed_double(".5", 0.5);
    check_parsed_double("-.5", -0.5);
    check_parsed_double("5.", 5);
    check_parsed_double("-0", -0.0);
    check_parsed_double("1E+2", 100);
    check_parsed_double("007", 7);
    check_parsed_double("0.1", 0.1);
}

static void texts_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"",    " 1",    "1 ",  "0x10", "nan", "NaN", "inf", "-inf", "Infinity",
                                 "1e",  "e5",    ".",   "-",    "+",   "--1", "+-1", "-+1",  "++1",
                                 "1,5", "1e5.5", "1e+", "-.",   "1_0", "0x",  "abc", "1f",   "1.5.2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_no_double(texts[i]);
    check_no_double(leat_bytes_of(NULL).data);
}

static void beyond_the_range_large_is_refused_and_small_is_zero(void **state)
{
    (void)state;
    check_no_double("1e309");
    check_no_double("-1e309");
    check_no_double("1e99999999999999999999");
    check_parsed_double("1e-400", 0);
    check_parsed_double("-1e-400", -0.0);
    check_parsed_double("1e-99999999999999999999", 0);
    check_parsed_double("0e99999999999999999999", 0);
    char text[900];
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    memcpy(text + 890, "1e880", 6);
    check_parsed_double(text, 1e-9);
    memset(text, '9', 400);
    text[400] = '\0';
    check_no_double(text);
    strcpy(text + 400, "e-300");
    check_parsed_double(text, 1e100);
    float number;
    assert_int_equal(leat_float_parse(leat_bytes_of("1e39"), &number), -1);
    assert_int_equal(leat_float_parse(leat_bytes_of("1e-60"), &number), 0);
    assert_true(number == 0);
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        setlocale(LC_ALL, "");
    check_parsed_double("1.5", 1.5);
    check_no_double("1,5");
    check_double(1.5, "1.5");
    setlocale(LC_ALL, "C");
}

static void integers_are_read_to_the_limits_of_64_bits(void **state)
{
    (void)state;
    int64_t number;
    assert_int_equal(leat_int_parse(leat_bytes_of("9223372036854775807"), &number), 0);
    assert_true(number == INT64_MAX);
    assert_int_equal(leat_int_parse(leat_bytes_of("-9223372036854775808"), &number), 0);
    assert_true(number == INT64_MIN);
    assert_int_equal(leat_int_parse(leat_bytes_of("+5"), &number), 0);
    assert_int_equal(number, 5);
    const char *const texts[] = {
        "", "-", "+", "+-1", "1.0", "1e3", " 1", "1 ", "0x1", "9223372036854775808", "-9223372036854775809"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(leat_int_parse(leat_bytes_of(texts[i]), &number), -1);
    assert_int_equal(number, 5);
}

static void formats_name_what_is_not_finite(void **state)
{
    (void)state;
    char text[32];
    assert_int_equal(leat_double_format(NAN, text), 3);
    assert_string_equal(text, "NaN");
    leat_double_format(-INFINITY, text);
    assert_string_equal(text, "-Infinity");
    leat_float_format(INFINITY, text);
    assert_string_equal(text, "Infinity");
    assert_true(leat_double_format(-1.7976931348623157e308, text) < 32);
    assert_true(leat_double_format(-2.2250738585072014e-308, text) < 32);
}

static void both_checks_of_utf8_agree(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1 << 24; i += i < 0x10000 ? 1 : 977) {
        char text[5] = {'a', (char)(i >> 16), (char)(i >> 8), (char)i, 'z'};
        struct leat_bytes view = {text, sizeof text};
        assert_int_equal(leat_utf8_valid(view), leat_utf8_prefix(view) == view.len);
    }
    for (uint32_t i = 0; i < 1 << 16; i++) {
        char text[6] = {(char)(0xF0 + i % 8), (char)(i >> 8), (char)i, (char)0x80, 'z', 'z'};
        struct leat_bytes view = {text, sizeof text};
        assert_int_equal(leat_utf8_valid(view), leat_utf8_prefix(view) == view.len);
    }
    assert_true(leat_utf8_valid(leat_bytes_of(NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_has_its_members_in_file_order),
        cmocka_unit_test(numbers_are_read_as_what_they_are),
        cmocka_unit_test(integers_beyond_64_bits_are_doubles),
        cmocka_unit_test(numbers_beyond_a_double_are_refused_and_tiny_ones_are_zero),
        cmocka_unit_test(strings_are_unescaped_and_keep_their_nuls),
        cmocka_unit_test(the_first_of_two_members_of_a_name_is_got),
        cmocka_unit_test(what_is_put_is_what_was_read),
        cmocka_unit_test(the_error_says_line_column_byte_and_what_is_there),
        cmocka_unit_test(halves_of_surrogate_pairs_are_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused_with_their_place),
        cmocka_unit_test(depth_256_is_read_and_257_is_refused),
        cmocka_unit_test(nonfinite_numbers_are_read_only_when_asked_for),
        cmocka_unit_test(words_within_strings_are_never_taken_for_numbers),
        cmocka_unit_test(words_that_only_resemble_nonfinite_numbers_are_refused),
        cmocka_unit_test(long_lists_keep_all_their_elements),
        cmocka_unit_test(strings_are_escaped_and_mended),
        cmocka_unit_test(a_full_buffer_makes_every_writer_fail),
        cmocka_unit_test(doubles_are_written_with_the_fewest_digits),
        cmocka_unit_test(every_double_reads_back_from_its_text),
        cmocka_unit_test(every_float_reads_back_from_its_text),
        cmocka_unit_test(a_float_is_rounded_once),
        cmocka_unit_test(numbers_in_decimal_notation_are_read),
        cmocka_unit_test(texts_that_are_no_numbers_are_refused),
        cmocka_unit_test(beyond_the_range_large_is_refused_and_small_is_zero),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(integers_are_read_to_the_limits_of_64_bits),
        cmocka_unit_test(formats_name_what_is_not_finite),
        cmocka_unit_test(both_checks_of_utf8_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
