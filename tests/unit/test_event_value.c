#include "event/reason.h"
#include "event/schema.h"
#include "event/value.h"

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_model_sees_every_type_as_a_number(void **state)
{
    (void)state;
    assert_true(leat_value_number(LEAT_TYPE_BOOL, leat_value_int(1)) == 1);
    assert_true(leat_value_number(LEAT_TYPE_INT, leat_value_int(-7)) == -7);
    assert_true(leat_value_number(LEAT_TYPE_DOUBLE, leat_value_double(0.5)) == 0.5);
    assert_true(leat_value_number(LEAT_TYPE_TIME, leat_value_int(1500000)) == 1.5);
    assert_true(isnan(leat_value_number(LEAT_TYPE_STRING, leat_value_string(leat_bytes_of("1")))));
    assert_true(isnan(leat_value_number(LEAT_TYPE_INT, leat_value_null())));
}

static void values_are_the_same_by_content(void **state)
{
    (void)state;
    struct leat_value null = leat_value_null();
    assert_true(leat_value_same(LEAT_TYPE_INT, null, null));
    assert_false(leat_value_same(LEAT_TYPE_INT, null, leat_value_int(0)));
    assert_false(leat_value_same(LEAT_TYPE_STRING, leat_value_string(leat_bytes_of("")), null));
    assert_true(leat_value_same(LEAT_TYPE_TIME, leat_value_int(5), leat_value_int(5)));
    assert_false(leat_value_same(LEAT_TYPE_BOOL, leat_value_int(1), leat_value_int(0)));
    assert_true(leat_value_same(LEAT_TYPE_DOUBLE, leat_value_double(0.0), leat_value_double(-0.0)));
    assert_true(leat_value_same(LEAT_TYPE_DOUBLE, leat_value_double(NAN), leat_value_double(-NAN)));
    assert_false(leat_value_same(LEAT_TYPE_DOUBLE, leat_value_double(NAN), leat_value_double(1)));
    char copy[] = "text";
    assert_true(leat_value_same(LEAT_TYPE_STRING, leat_value_string(leat_bytes_of("text")),
                                leat_value_string(leat_bytes_of(copy))));
    assert_false(leat_value_same(LEAT_TYPE_STRING, leat_value_string(leat_bytes_of("text")),
                                 leat_value_string(leat_bytes_of("texts"))));
}

static struct leat_buffer key_of(const enum leat_type *types, const struct leat_value *values, size_t count)
{
    struct leat_buffer out = {0};
    assert_true(leat_key_encode(&out, types, values, count));
    return out;
}

static void check_keys(const enum leat_type *types, const struct leat_value *a, const struct leat_value *b,
                       size_t count, bool equal)
{
    struct leat_buffer first = key_of(types, a, count), second = key_of(types, b, count);
    assert_int_equal(leat_bytes_equal(leat_buffer_view(&first), leat_buffer_view(&second)), equal);
    leat_buffer_done(&first);
    leat_buffer_done(&second);
}

static void keys_are_equal_exactly_if_their_tuples_are(void **state)
{
    (void)state;
    enum leat_type two[] = {LEAT_TYPE_STRING, LEAT_TYPE_STRING};
    struct leat_value ab_c[] = {leat_value_string(leat_bytes_of("ab")), leat_value_string(leat_bytes_of("c"))};
    struct leat_value a_bc[] = {leat_value_string(leat_bytes_of("a")), leat_value_string(leat_bytes_of("bc"))};
    check_keys(two, ab_c, a_bc, 2, false);
    check_keys(two, ab_c, ab_c, 2, true);
    enum leat_type number[] = {LEAT_TYPE_DOUBLE};
    struct leat_value zero = leat_value_double(0.0), minus_zero = leat_value_double(-0.0);
    check_keys(number, &zero, &minus_zero, 1, true);
    struct leat_value nan = leat_value_double(NAN), minus_nan = leat_value_double(-NAN);
    check_keys(number, &nan, &minus_nan, 1, true);
    enum leat_type mixed[] = {LEAT_TYPE_INT, LEAT_TYPE_STRING, LEAT_TYPE_TIME};
    struct leat_value x[] = {leat_value_int(1), leat_value_string(leat_bytes_of("k")), leat_value_int(2)};
    struct leat_value y[] = {leat_value_int(1), leat_value_string(leat_bytes_of("k")), leat_value_int(3)};
    check_keys(mixed, x, x, 3, true);
    check_keys(mixed, x, y, 3, false);
}

static void one_string_is_its_own_key_behind_a_type_byte(void **state)
{
    (void)state;
    enum leat_type type = LEAT_TYPE_STRING;
    struct leat_value value = leat_value_string(leat_bytes_of("card-7"));
    struct leat_buffer out = key_of(&type, &value, 1);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data + 1, "card-7", 6);
    leat_buffer_done(&out);
}

static void a_tuple_with_a_null_has_no_key(void **state)
{
    (void)state;
    enum leat_type types[] = {LEAT_TYPE_STRING, LEAT_TYPE_INT};
    struct leat_value values[] = {leat_value_string(leat_bytes_of("a")), leat_value_null()};
    struct leat_buffer out = {0};
    assert_false(leat_key_encode(&out, types, values, 2));
    assert_int_equal(out.len, 0);
    leat_buffer_done(&out);
}

static void types_and_stages_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(leat_type_name(LEAT_TYPE_NULL), "null");
    assert_string_equal(leat_type_name(LEAT_TYPE_BOOL), "bool");
    assert_string_equal(leat_type_name(LEAT_TYPE_TIME), "time");
    assert_string_equal(leat_stage_name(LEAT_STAGE_DECODE), "decode");
    assert_string_equal(leat_stage_name(LEAT_STAGE_PRODUCE), "produce");
    for (int stage = 0; stage < LEAT_STAGE_COUNT; stage++)
        assert_string_not_equal(leat_stage_name((enum leat_stage)stage), "unknown");
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    (void)state;
    struct leat_reason reason;
    char euros[601];
    for (size_t i = 0; i < 200; i++)
        memcpy(euros + 3 * i, "\xE2\x82\xAC", 4);
    for (int shift = 0; shift < 3; shift++) {
        assert_int_equal(leat_reason_set(&reason, LEAT_STAGE_SCHEMA, "%.*s%s", shift, "ab", euros), -1);
        assert_int_equal(reason.stage, LEAT_STAGE_SCHEMA);
        assert_true(leat_utf8_valid(leat_bytes_of(reason.text)));
        assert_true(strlen(reason.text) > 250);
    }
}

static void field_types_are_read_and_named(void **state)
{
    (void)state;
    const char *const names[] = {"string",    "int",         "double",       "bool",
                                 "timestamp", "timestamp_s", "timestamp_ms", "timestamp_us"};
    for (size_t i = 0; i < 8; i++) {
        enum leat_type type;
        enum leat_encoding encoding;
        assert_int_equal(leat_field_type_parse(leat_bytes_of(names[i]), &type, &encoding), 0);
        assert_string_equal(leat_field_type_name(type, encoding), names[i]);
    }
    enum leat_type type;
    enum leat_encoding encoding;
    assert_int_equal(leat_field_type_parse(leat_bytes_of("float"), &type, &encoding), -1);
    assert_int_equal(leat_field_type_parse(leat_bytes_of("Int"), &type, &encoding), -1);
    assert_string_equal(leat_field_type_name(LEAT_TYPE_TIME, LEAT_ENCODING_PLAIN), "timestamp_ms");
}

static struct leat_field element = {.kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT};
static struct leat_field inner[] = {
    {.name = {"b", 1}, .kind = LEAT_FIELD_LIST, .children = &element, .count = 1},
    {.name = {"odd name", 8}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_STRING},
};
static struct leat_field outer[] = {
    {.name = {"a", 1}, .kind = LEAT_FIELD_OBJECT, .children = inner, .count = 2},
    {.name = {"amount", 6}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE},
    {.name = {"q\"q", 3}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_BOOL},
    {.name = {"ts", 2}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_MS},
};
static const struct leat_schema schema = {outer, 4};

static void a_path_gets_one_slot_however_it_is_written(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    struct leat_projection projection = {0};
    const char *const paths[] = {"amount", "a.b[0]", "a.b[12]", "ts", "a.\"odd name\"", "\"q\"\"q\""};
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 6; i++) {
            struct leat_error err = {0};
            size_t slot = 99;
            if (leat_projection_slot(&projection, &schema, leat_bytes_of(paths[i]), &arena, &slot, &err) < 0)
                fail_msg("%s", err.text);
            assert_int_equal(slot, i);
        }
    }
    size_t slot;
    assert_int_equal(leat_projection_slot(&projection, &schema, leat_bytes_of("\"amount\""), &arena, &slot, NULL), 0);
    assert_int_equal(slot, 0);
    assert_int_equal(projection.count, 6);
    assert_int_equal(projection.slots[0].type, LEAT_TYPE_DOUBLE);
    assert_int_equal(projection.slots[1].step_count, 3);
    assert_int_equal(projection.slots[2].steps[2].index, 12);
    assert_int_equal(projection.slots[3].encoding, LEAT_ENCODING_TIME_MS);
    assert_true(leat_bytes_is(projection.slots[4].steps[1].name, "odd name"));
    assert_true(leat_bytes_is(projection.slots[4].path, "a.\"odd name\""));
    leat_arena_done(&arena);
}

static void check_no_slot(const char *path, const char *why)
{
    struct leat_arena arena = {0};
    struct leat_projection projection = {0};
    struct leat_error err = {0};
    size_t slot = 99;
    if (leat_projection_slot(&projection, &schema, leat_bytes_of(path), &arena, &slot, &err) == 0)
        fail_msg("%s has a slot", path);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    assert_int_equal(slot, 99);
    assert_int_equal(projection.count, 0);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, err.text);
    leat_arena_done(&arena);
}

static void a_path_that_the_schema_does_not_have_is_refused_with_the_nearest(void **state)
{
    (void)state;
    check_no_slot("amonut", "no field 'amonut'; did you mean 'amount'?");
    check_no_slot("nothing", "'nothing': the schema has no field 'nothing'");
    check_no_slot("a.x", "'a.x': the schema has no field 'x'");
    check_no_slot("a", "'a' is an object");
    check_no_slot("a.b", "'a.b' is a list");
    check_no_slot("amount.x", "a name where the schema has a single value");
    check_no_slot("amount[0]", "an index where the schema has a single value");
    check_no_slot("a[0]", "an index where the schema has an object");
    check_no_slot("a.b.c", "a name where the schema has a list");
    check_no_slot("a.b[0].c", "a name where the schema has a single value");
}

static void texts_that_are_no_paths_are_refused(void **state)
{
    (void)state;
    check_no_slot("", "a name is missing at character 1");
    check_no_slot(".a", "a name is missing at character 1");
    check_no_slot("a.", "a name is missing at character 3");
    check_no_slot("a..b", "a name is missing at character 3");
    check_no_slot("a.b[", "an index is missing");
    check_no_slot("a.b[]", "an index is missing");
    check_no_slot("a.b[-1]", "an index is missing");
    check_no_slot("a.b[1", "an index is missing");
    check_no_slot("a.b[4294967296]", "an index that is too large");
    check_no_slot("a.b[0]c", "neither a point nor a bracket at character 7");
    check_no_slot("a.\"b", "a quote that is not closed");
    check_no_slot("\"a\"b", "neither a point nor a bracket");
    check_no_slot("[0]", "a name is missing at character 1");
    char deep[200] = "a";
    for (int i = 0; i < 32; i++)
        strcat(deep, "[0]");
    check_no_slot(deep, "more than 32 steps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_sees_every_type_as_a_number),
        cmocka_unit_test(values_are_the_same_by_content),
        cmocka_unit_test(keys_are_equal_exactly_if_their_tuples_are),
        cmocka_unit_test(one_string_is_its_own_key_behind_a_type_byte),
        cmocka_unit_test(a_tuple_with_a_null_has_no_key),
        cmocka_unit_test(types_and_stages_have_their_names),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(field_types_are_read_and_named),
        cmocka_unit_test(a_path_gets_one_slot_however_it_is_written),
        cmocka_unit_test(a_path_that_the_schema_does_not_have_is_refused_with_the_nearest),
        cmocka_unit_test(texts_that_are_no_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
