#include "event/codec.h"

#include "support/allocations.h"

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
    {.name = {"t", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_TEXT},
};
static const struct leat_schema schema = {fields, 4};
static struct leat_arena memory;
static struct leat_projection projection;

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        size_t slot;
        if (leat_projection_slot(&projection, &schema, fields[i].name, &memory, &slot, NULL) < 0)
            return -1;
    }
    count_allocations();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    leat_arena_done(&memory);
    return 0;
}

static void decode_all(struct leat_decoder *decoder, const char *const *records, size_t count, struct leat_arena *arena)
{
    struct leat_value values[4];
    struct leat_reason reason;
    for (size_t i = 0; i < count; i++)
        leat_decoder_decode(decoder, leat_bytes_of(records[i]), arena, values, &reason);
    leat_arena_reset(arena);
}

static void check_steady(enum leat_format format, const char *const *records, size_t count)
{
    struct leat_decoder *decoder = leat_decoder_new(format, &schema, &projection);
    struct leat_arena arena = {0};
    free(leat_malloc(1));
    assert_true(allocations > 0);
    decode_all(decoder, records, count, &arena);
    size_t before = allocations;
    for (int round = 0; round < 100; round++)
        decode_all(decoder, records, count, &arena);
    assert_int_equal(allocations, before);
    leat_decoder_free(decoder);
    leat_arena_done(&arena);
}

static void decoding_json_allocates_nothing_once_its_memory_is_there(void **state)
{
    (void)state;
    const char *const records[] = {
        "{\"s\":\"plain\",\"i\":1,\"d\":0.5,\"t\":\"2013-07-08T12:00:00Z\",\"other\":{\"a\":[1,2,3]}}",
        "{\"d\":0.30000000000000004,\"\\u0069\":7,\"s\":\"escaped\\n\",\"other\":\"\\u00e9\"}",
        "{\"d\":1e-7,\"i\":3.0,\"another\":null}",
        "{\"i\":\"of another type\"}",
        "{\"malformed\":[}",
        "not json",
        "",
    };
    check_steady(LEAT_FORMAT_JSON, records, sizeof records / sizeof records[0]);
}

static void decoding_csv_allocates_nothing_once_its_memory_is_there(void **state)
{
    (void)state;
    const char *const records[] = {"plain,1,0.5,2013-07-08", "\"dou\"\"bled\",3.0,1e-7,", "a,b,c,d", "\"open", ""};
    check_steady(LEAT_FORMAT_CSV, records, sizeof records / sizeof records[0]);
}

static void encoding_allocates_nothing_once_the_buffer_is_large_enough(void **state)
{
    (void)state;
    const struct leat_out_field out_fields[] = {
        {{"s", 1}, LEAT_TYPE_STRING, LEAT_ENCODING_PLAIN},
        {{"d", 1}, LEAT_TYPE_DOUBLE, LEAT_ENCODING_PLAIN},
        {{"t", 1}, LEAT_TYPE_TIME, LEAT_ENCODING_TIME_TEXT},
    };
    const struct leat_value values[] = {leat_value_string(leat_bytes_of("a \"text\"\n")), leat_value_double(0.1),
                                        leat_value_int(1500000)};
    struct leat_buffer out = {0};
    leat_buffer_reserve(&out, 1000);
    size_t before = allocations;
    for (int round = 0; round < 100; round++) {
        leat_buffer_reset(&out);
        assert_int_equal(leat_encode_json(&out, out_fields, values, 3), 0);
        assert_int_equal(leat_encode_csv(&out, out_fields, values, 3), 0);
    }
    assert_int_equal(allocations, before);
    leat_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_json_allocates_nothing_once_its_memory_is_there),
        cmocka_unit_test(decoding_csv_allocates_nothing_once_its_memory_is_there),
        cmocka_unit_test(encoding_allocates_nothing_once_the_buffer_is_large_enough),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
