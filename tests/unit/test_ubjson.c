/* UBJSON: what XGBoost writes is read as JSON's tree; what is broken is refused with its byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/ubjson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(literal) ((struct leat_bytes){literal, sizeof(literal) - 1})

static struct leat_json_document *parse(struct leat_bytes file)
{
    struct leat_error err = {0};
    struct leat_json_document *document = NULL;
    if (leat_ubjson_parse(file, &document, &err) != 0)
        fail_msg("%s", err.text);
    return document;
}

/* The tree as JSON text. */
static void assert_reads(struct leat_bytes file, const char *json)
{
    struct leat_buffer out = {0};
    struct leat_json_document *document = parse(file);
    assert_int_equal(leat_json_put(&out, leat_json_root(document)), 0);
    assert_string_equal(leat_buffer_text(&out), json);
    leat_buffer_done(&out);
    leat_json_free(document);
}

static void assert_refused(struct leat_bytes file, const char *says)
{
    struct leat_error err = {0};
    struct leat_json_document *document = NULL;
    char *copy = leat_malloc(file.len); /* so that reading beyond it is found */
    memcpy(copy, file.data, file.len);
    assert_int_equal(leat_ubjson_parse((struct leat_bytes){copy, file.len}, &document, &err), -1);
    assert_null(document);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, says) == NULL)
        fail_msg("says '%s', which lacks '%s'", err.text, says);
    free(copy);
}

static void every_number_is_read_from_big_endian_bytes(void **state)
{
    (void)state;
    assert_reads(BYTES("[i\x7Fi\x80U\xFFI\x80\x01l\x80\x00\x00\x01L\x80\x00\x00\x00\x00\x00\x00\x01]"),
                 "[127,-128,255,-32767,-2147483647,-9223372036854775807]");
    assert_reads(BYTES("[d\x3F\x00\x00\x00"
                       "D\xBF\xE0\x00\x00\x00\x00\x00\x00]"),
                 "[0.5,-0.5]");
}

static void a_float32_is_widened_and_keeps_nan_infinity_and_denormals(void **state)
{
    (void)state;
    static const char file[] = "[$d#i\x04\x7F\xC0\x00\x00\xFF\x80\x00\x00\x00\x00\x00\x01\x80\x00\x00\x00";
    struct leat_json_document *document = parse(BYTES(file));
    const struct leat_json *elements = leat_json_root(document)->as.elements;
    assert_int_equal(leat_json_root(document)->count, 4);
    assert_true(isnan(elements[0].as.number));
    assert_true(elements[1].as.number == -INFINITY);
    assert_true(elements[2].as.number == 0x1p-149);
    assert_true(elements[3].as.number == 0 && signbit(elements[3].as.number));
    leat_json_free(document);
}

static void containers_have_a_count_a_type_or_an_end(void **state)
{
    (void)state;
    assert_reads(BYTES("[]"), "[]");
    assert_reads(BYTES("{}"), "{}");
    assert_reads(BYTES("[#i\x00"), "[]");
    assert_reads(BYTES("[#i\x03ZTF"), "[null,true,false]");
    assert_reads(BYTES("[$U#L\x00\x00\x00\x00\x00\x00\x00\x02\x01\xFF"), "[1,255]");
    assert_reads(BYTES("[$S#i\x02i\x01xi\x00"), "[\"x\",\"\"]");
    assert_reads(BYTES("[$[#i\x02]#i\x01i\x07"), "[[],[7]]");
    assert_reads(BYTES("{i\x01"
                       "a[Z]i\x01"
                       "b{}}"),
                 "{\"a\":[null],\"b\":{}}");
    assert_reads(BYTES("{#i\x01i\x01"
                       "ai\x05"),
                 "{\"a\":5}");
    assert_reads(BYTES("{$i#i\x02i\x01"
                       "a\x05i\x01"
                       "b\x06"),
                 "{\"a\":5,\"b\":6}");
}

static void texts_are_utf8_and_end_with_nul(void **state)
{
    (void)state;
    struct leat_json_document *document = parse(BYTES("SL\x00\x00\x00\x00\x00\x00\x00\x03l\xC3\xA4"));
    const struct leat_json *root = leat_json_root(document);
    assert_string_equal(leat_json_text(root, ""), "l\xC3\xA4");
    assert_int_equal(root->as.string.len, 3);
    leat_json_free(document);
    assert_refused(BYTES("Si\x02\xC3("), "byte 3: not UBJSON: a text that is not UTF-8");
    assert_refused(BYTES("{i\x01\xFFZ}"), "a text that is not UTF-8");
}

static void broken_files_are_refused_with_their_byte(void **state)
{
    (void)state;
    assert_refused(BYTES(""), "byte 0: not UBJSON: the file ends where a value belongs");
    assert_refused(BYTES("i"), "the file ends within a number");
    assert_refused(BYTES("L\x00\x00\x00\x00\x00\x00\x00"), "byte 1: not UBJSON: the file ends within a number");
    assert_refused(BYTES("[Z"), "the file ends within an array");
    assert_refused(BYTES("{i\x01"
                         "aZ"),
                   "the file ends within an object");
    assert_refused(BYTES("{i\x01"
                         "a"),
                   "the file ends where a value belongs");
    assert_refused(BYTES("ZZ"), "byte 1: not UBJSON: something behind the end of the value");
    assert_refused(BYTES("x"), "a value can not begin with the byte 0x78");
    assert_refused(BYTES("H"), "0x48");
    assert_refused(BYTES("[N]"), "0x4e");
    assert_refused(BYTES("[$i]"), "a type without a count");
    assert_refused(BYTES("[$"), "0x24");
    assert_refused(BYTES("[#d\x00\x00\x00\x00"), "a length belongs here");
    assert_refused(BYTES("[#"), "a length belongs here");
    assert_refused(BYTES("[#I\x00"), "the file ends within a length");
    assert_refused(BYTES("[#i\xFF"), "a length of -1");
    assert_refused(BYTES("Si\x80"), "a length of -128");
}

static void lengths_beyond_the_file_are_refused_before_anything_is_allocated(void **state)
{
    (void)state;
    assert_refused(BYTES("SL\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFx"), "a text of 9223372036854775807 bytes, but 1 are left");
    assert_refused(BYTES("[#L\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFZ"), "9223372036854775807 elements, but 1 bytes are left");
    assert_refused(BYTES("[$d#L\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFxxxx"),
                   "9223372036854775807 numbers of 4 bytes, but 4 bytes are left");
    assert_refused(BYTES("[$d#i\x02xxxx"), "2 numbers of 4 bytes, but 4 bytes are left");
    assert_refused(BYTES("{#i\x7Fi\x01"
                         "aZ"),
                   "127 elements, but");
}

static void elements_without_bytes_are_refused(void **state)
{
    (void)state;
    assert_refused(BYTES("[$Z#l\x7F\xFF\xFF\xFF"), "elements of the type 0x5a, which have no bytes");
    assert_refused(BYTES("[$T#i\x01"), "0x54");
    assert_refused(BYTES("[$\x00#i\x01Z"), "0x00");
    assert_refused(BYTES("{$F#i\x01i\x00"), "0x46");
}

static void depth_256_is_read_and_257_is_not(void **state)
{
    (void)state;
    char file[514];
    memset(file, '[', 257);
    memset(file + 257, ']', 257);
    leat_json_free(parse((struct leat_bytes){file + 1, 512}));
    assert_refused((struct leat_bytes){file, 514}, "byte 257: not UBJSON: more than 256 levels");
    memset(file, '{', sizeof file);
    assert_refused((struct leat_bytes){file, sizeof file}, "");
}

/* Every cut and every change of one byte: read or refused, never beyond the bytes. */
static void no_change_of_a_byte_does_harm(void **state)
{
    (void)state;
    static const char file[] = "{i\x01"
                               "a[$d#i\x02\x3F\x00\x00\x00\x3F\x00\x00\x00i\x01"
                               "b[#i\x02Si\x01x{}L\x00\x00\x00\x00\x00\x00\x00\x01"
                               "c[l\x00\x00\x00\x01TF]}";
    size_t len = sizeof file - 1;
    leat_json_free(parse(BYTES(file)));
    for (size_t cut = 0; cut < len; cut++)
        assert_refused((struct leat_bytes){file, cut}, "");
    for (size_t at = 0; at < len; at++)
        for (int byte = 0; byte < 256; byte++) {
            struct leat_error err = {0};
            struct leat_json_document *document = NULL;
            char *copy = leat_malloc(len);
            memcpy(copy, file, len);
            copy[at] = (char)byte;
            if (leat_ubjson_parse((struct leat_bytes){copy, len}, &document, &err) != 0)
                assert_true(strstr(err.text, "not UBJSON: ") != NULL);
            leat_json_free(document);
            free(copy);
        }
}

static void json_is_not_taken_for_ubjson(void **state)
{
    (void)state;
    assert_true(leat_ubjson_begins(BYTES("{L\x00\x00\x00\x00\x00\x00\x00\x07learner")));
    assert_true(leat_ubjson_begins(BYTES("{i\x07learner")));
    assert_true(leat_ubjson_begins(BYTES("{#i\x01")));
    assert_false(leat_ubjson_begins(BYTES("{\"learner\":1}")));
    assert_false(leat_ubjson_begins(BYTES("{ \"learner\":1}")));
    assert_false(leat_ubjson_begins(BYTES("{}")));
    assert_false(leat_ubjson_begins(BYTES("{\0")));
    assert_false(leat_ubjson_begins(BYTES("{")));
    assert_false(leat_ubjson_begins(BYTES("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_read_from_big_endian_bytes),
        cmocka_unit_test(a_float32_is_widened_and_keeps_nan_infinity_and_denormals),
        cmocka_unit_test(containers_have_a_count_a_type_or_an_end),
        cmocka_unit_test(texts_are_utf8_and_end_with_nul),
        cmocka_unit_test(broken_files_are_refused_with_their_byte),
        cmocka_unit_test(lengths_beyond_the_file_are_refused_before_anything_is_allocated),
        cmocka_unit_test(elements_without_bytes_are_refused),
        cmocka_unit_test(depth_256_is_read_and_257_is_not),
        cmocka_unit_test(no_change_of_a_byte_does_harm),
        cmocka_unit_test(json_is_not_taken_for_ubjson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
