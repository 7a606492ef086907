#include "observe/decision.h"

#include "base/json.h"
#include "base/time.h"
#include "function/bound.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1372636800) * LEAT_SECOND)

/* A function as the loader would make it, with what decision records need. */
static struct leat_feature features[] = {{.name = "amount"}, {.name = "gap \"s\""}, {.name = "risk"}};
static struct leat_source sources[] = {
    {.kind = LEAT_SOURCE_INPUT, .name = "input", .topic = "transactions"},
    {.kind = LEAT_SOURCE_STREAM, .name = "chargebacks", .topic = "cb"},
    {.kind = LEAT_SOURCE_STREAM, .name = "rates", .topic = "r", .global = true},
    {.kind = LEAT_SOURCE_TABLE, .name = "merchants", .topic = "m"},
};
static struct leat_function function = {.name = "card-fraud",
                                        .digest = "00112233445566778899aabbccddeeff",
                                        .sources = sources,
                                        .source_count = 4,
                                        .features = features,
                                        .feature_count = 3};
static struct leat_version version_3 = {.name = "fraud", .number = 3, .threshold = 0.5, .references = 1};
static struct leat_version version_4 = {.name = "fraud", .number = 4, .threshold = NAN, .references = 1};
static struct leat_bound bound_3 = {.version = &version_3, .references = 1};
static struct leat_bound bound_4 = {.version = &version_4, .references = 1};

static double values[] = {12.5, NAN, 0.1};

static struct leat_result a_result(void)
{
    return (struct leat_result){
        .record = {.topic = "transactions", .partition = 3, .offset = 81234567},
        .time = T0 + 250,
        .label_key = leat_bytes_of("\"tx-1\""),
        .bound = &bound_3,
        .role = "champion",
        .score = 0.30000001192092896,
        .raw = -0.8472978472709656,
        .features = values,
    };
}

static const struct leat_position positions[] = {{1, 3, 99}, {2, 0, 7}, {2, 1, 8}, {3, 0, 0}};

static void encode(const struct leat_result *result, const struct leat_position *where, size_t count,
                   struct leat_buffer *out)
{
    struct leat_decision_writer *writer = leat_decision_writer_new(&function);
    assert_int_equal(leat_decision_encode(writer, result, where, count, T0 + LEAT_SECOND, out), 0);
    leat_decision_writer_free(writer);
}

static void a_decision_is_written_as_documented(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_result result = a_result();
    result.marks = LEAT_MARK_PARTIAL | LEAT_MARK_STALE_SOURCE;
    result.stale_sources = 1 << 1;
    result.shadows[0] = (struct leat_shadow_score){&bound_4, 0.25};
    result.shadow_count = 1;
    encode(&result, positions, 4, &out);
    assert_string_equal(
        leat_buffer_text(&out),
        "{\"v\":1,\"function\":\"card-fraud\",\"digest\":\"00112233445566778899aabbccddeeff\",\"topic\":\"transactions\","
        "\"partition\":3,\"offset\":81234567,\"time\":1372636800000.250,\"scored_at\":1372636801000,\"key\":\"tx-1\","
        "\"model\":\"fraud\",\"version\":3,\"role\":\"champion\",\"score\":0.30000001192092896,"
        "\"raw\":-0.8472978472709656,\"threshold\":0.5,"
        "\"features\":{\"amount\":12.5,\"gap \\\"s\\\"\":null,\"risk\":0.1},"
        "\"marks\":[\"partial\",\"stale_source:chargebacks\"],"
        "\"positions\":{\"chargebacks\":99,\"rates\":[7,8],\"merchants\":0},"
        "\"shadows\":[{\"model\":\"fraud\",\"version\":4,\"score\":0.25}]}");
}

static void a_category_is_written_and_read_back_as_its_text(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_feature named[] = {{.name = "country", .type = LEAT_TYPE_STRING},
                                   {.name = "channel", .type = LEAT_TYPE_STRING},
                                   {.name = "n", .type = LEAT_TYPE_INT}};
    struct leat_value frame[] = {leat_value_string(leat_bytes_of("C\"\xc3\xb4te")), leat_value_null(),
                                 leat_value_int(7)};
    double numbers[] = {NAN, NAN, 7};
    struct leat_function with_text = function;
    struct leat_result result = a_result();
    struct leat_decision decision;
    struct leat_error err = {0};
    with_text.features = named;
    result.features = numbers;
    result.frame = frame;
    struct leat_decision_writer *writer = leat_decision_writer_new(&with_text);
    assert_int_equal(leat_decision_encode(writer, &result, NULL, 0, T0, &out), 0);
    leat_decision_writer_free(writer);
    assert_non_null(
        strstr(leat_buffer_text(&out), "\"features\":{\"country\":\"C\\\"\xc3\xb4te\",\"channel\":null,\"n\":7}"));
    assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, &err), 0);
    assert_true(leat_bytes_is(decision.features[0].text, "C\"\xc3\xb4te"));
    assert_true(isnan(decision.features[0].value));
    assert_null(decision.features[1].text.data);
    assert_true(isnan(decision.features[1].value));
    assert_null(decision.features[2].text.data);
    assert_true(decision.features[2].value == 7);
    leat_decision_done(&decision);
}

static void a_decision_that_nobody_scored_has_no_model_and_no_version(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_result result = a_result();
    struct leat_decision decision;
    struct leat_error err = {0};
    result.bound = NULL;
    result.role = "";
    result.score = result.raw = NAN;
    result.marks = LEAT_MARK_NO_CHAMPION;
    result.label_key = (struct leat_bytes){NULL, 0};
    encode(&result, NULL, 0, &out);
    assert_non_null(strstr(leat_buffer_text(&out), "\"key\":null,\"model\":null,\"version\":null,\"role\":\"\",\"score\":"
                                                   "null,\"raw\":null,\"features\":"));
    assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, &err), 0);
    assert_null(decision.model);
    assert_int_equal(decision.version, 0);
    assert_int_equal(decision.key.len, 0);
    assert_true(isnan(decision.score) && isnan(decision.raw) && isnan(decision.threshold));
    assert_string_equal(decision.marks[0], "no_champion");
    leat_decision_done(&decision);
}

static void all_that_was_written_is_read_back(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_result result = a_result();
    struct leat_decision decision;
    struct leat_error err = {0};
    result.marks = LEAT_MARK_LATE;
    result.shadows[0] = (struct leat_shadow_score){&bound_4, 0.25};
    result.shadows[1] = (struct leat_shadow_score){&bound_3, NAN};
    result.shadow_count = 2;
    encode(&result, positions, 4, &out);
    assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, &err), 0);
    assert_string_equal(decision.function, "card-fraud");
    assert_string_equal(decision.digest, function.digest);
    assert_string_equal(decision.topic, "transactions");
    assert_int_equal(decision.partition, 3);
    assert_int_equal(decision.offset, 81234567);
    assert_true(decision.time == T0 + 250);
    assert_true(decision.scored_at == T0 + LEAT_SECOND);
    assert_true(leat_bytes_is(decision.key, "\"tx-1\""));
    assert_string_equal(decision.model, "fraud");
    assert_int_equal(decision.version, 3);
    assert_string_equal(decision.role, "champion");
    assert_true(decision.score == result.score && decision.raw == result.raw && decision.threshold == 0.5);
    assert_int_equal(decision.feature_count, 3);
    assert_string_equal(decision.features[1].name, "gap \"s\"");
    assert_true(isnan(decision.features[1].value) && decision.features[2].value == 0.1);
    assert_int_equal(decision.mark_count, 1);
    assert_string_equal(decision.marks[0], "late");
    assert_int_equal(decision.position_count, 4);
    assert_string_equal(decision.positions[0].source, "chargebacks");
    assert_int_equal(decision.positions[0].partition, -1);
    assert_int_equal(decision.positions[2].partition, 1);
    assert_int_equal(decision.positions[2].offset, 8);
    assert_int_equal(decision.shadow_count, 2);
    assert_true(decision.shadows[0].version == 4 && decision.shadows[0].score == 0.25);
    assert_true(isnan(decision.shadows[1].score));
    leat_decision_done(&decision);
    leat_decision_done(&decision);
}

static void every_double_comes_back_with_the_same_bits(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct leat_error err = {0};
    static const double borders[] = {0.0,
                                     -0.0,
                                     5e-324,
                                     2.2250738585072014e-308,
                                     1.7976931348623157e308,
                                     1e15,
                                     1e22,
                                     9007199254740993.0,
                                     9.3e18,
                                     -9.3e18,
                                     1152921504606846976.0,
                                     0.1f};
    for (size_t i = 0; i < 3000; i++) {
        LEAT_CLEAN_BUFFER out = {0};
        struct leat_result result = a_result();
        struct leat_decision decision;
        double drawn[3];
        for (size_t f = 0; f < 3; f++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            memcpy(&drawn[f], &seed, sizeof seed);
            if (!isfinite(drawn[f]))
                drawn[f] = NAN;
            if (i * 3 + f < sizeof borders / sizeof borders[0])
                drawn[f] = borders[i * 3 + f];
        }
        result.features = drawn;
        result.score = isnan(drawn[0]) ? 0 : drawn[0];
        encode(&result, NULL, 0, &out);
        assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, &err), 0);
        for (size_t f = 0; f < 3; f++) {
            if (isnan(drawn[f]))
                assert_true(isnan(decision.features[f].value));
            else
                assert_memory_equal(&decision.features[f].value, &drawn[f], sizeof drawn[f]);
        }
        assert_memory_equal(&decision.score, &result.score, sizeof result.score);
        leat_decision_done(&decision);
    }
}

static void a_time_keeps_its_microseconds_on_both_sides_of_1970(void **state)
{
    (void)state;
    static const int64_t times[] = {0,
                                    1,
                                    -1,
                                    999,
                                    -999,
                                    -1000,
                                    -1001,
                                    LEAT_TIME_MIN,
                                    LEAT_TIME_MAX / 1000 * 1000,
                                    T0 + 123457,
                                    INT64_C(8796093022207001),
                                    INT64_C(-8796093022207001)};
    struct leat_error err = {0};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        LEAT_CLEAN_BUFFER out = {0};
        struct leat_result result = a_result();
        struct leat_decision decision;
        result.time = times[i];
        encode(&result, NULL, 0, &out);
        assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, &err), 0);
        assert_true(decision.time == times[i]);
        leat_decision_done(&decision);
    }
}

static void a_join_key_that_is_a_number_stays_its_canonical_text(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_result result = a_result();
    struct leat_decision decision;
    struct leat_error err = {0};
    result.label_key = leat_bytes_of("9007199254740993");
    encode(&result, NULL, 0, &out);
    assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, &err), 0);
    assert_true(leat_bytes_is(decision.key, "9007199254740993"));
    leat_decision_done(&decision);
}

static void a_buffer_that_is_full_stays_as_it_was_and_takes_the_next_smaller_record(void **state)
{
    (void)state;
    struct leat_buffer out = {.max = 600};
    struct leat_result result = a_result();
    struct leat_decision_writer *writer = leat_decision_writer_new(&function);
    assert_int_equal(leat_decision_encode(writer, &result, NULL, 0, T0, &out), 0);
    size_t len = out.len;
    assert_int_equal(leat_decision_encode(writer, &result, NULL, 0, T0, &out), -1);
    assert_int_equal(out.len, len);
    leat_buffer_reset(&out);
    assert_int_equal(leat_decision_encode(writer, &result, NULL, 0, T0, &out), 0);
    assert_int_equal(out.len, len);
    leat_decision_writer_free(writer);
    leat_decision_writer_free(NULL);
    leat_buffer_done(&out);
}

static void what_is_no_decision_record_is_refused_with_the_field_that_is_wrong(void **state)
{
    (void)state;
#define HEAD \
    "{\"v\":1,\"function\":\"f\",\"digest\":\"d\",\"topic\":\"t\",\"partition\":0,\"offset\":1,\"time\":0,\"scored_at\":0"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{}", "a decision record without 'v'"},
        {"{\"v\":9}", "a decision record of version 9; this program reads version 1"},
        {"{\"v\":1,\"function\":3}", "a decision record whose 'function' is not a string (integer)"},
        {HEAD "}", "a decision record without 'model'"},
        {HEAD ",\"model\":\"m\",\"version\":0}",
         "a decision record whose 'version' is 0, which is not between 1 and 4294967295"},
        {HEAD ",\"model\":null,\"role\":\"\",\"score\":\"x\"}",
         "a decision record whose 'score' is not a number or null (string)"},
        {HEAD ",\"model\":null,\"role\":\"\",\"score\":null,\"raw\":null,\"features\":{\"a\":true}}",
         "a decision record whose feature 'a' is boolean and not a number or a text"},
        {HEAD ",\"model\":null,\"role\":\"\",\"score\":null,\"raw\":null,\"features\":{},\"marks\":[1]}",
         "a decision record whose 'marks' is not an array of strings (integer)"},
        {HEAD ",\"model\":null,\"role\":\"\",\"score\":null,\"raw\":null,\"features\":{},\"marks\":[],\"positions\":"
              "{\"a\":[0.5]}}",
         "a decision record whose 'positions' is not made of offsets (number)"},
        {HEAD ",\"model\":null,\"role\":\"\",\"score\":null,\"raw\":null,\"features\":{},\"marks\":[],\"positions\":{},"
              "\"shadows\":[{\"model\":\"m\",\"version\":1}]}",
         "shadow 0: a decision record without 'score'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_decision decision;
        struct leat_error err = {0};
        assert_int_equal(leat_decision_parse(leat_bytes_of(cases[i].text), &decision, &err), -1);
        assert_string_equal(err.text, cases[i].message);
        assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    }
    struct leat_decision decision;
    struct leat_error err = {0};
    assert_int_equal(leat_decision_parse(leat_bytes_of("{\"v\":"), &decision, &err), -1);
    assert_memory_equal(err.text, "no decision record: ", 20);
}

static void the_score_of_a_version_is_found_whether_it_served_or_only_watched(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_result result = a_result();
    struct leat_decision decision;
    double score = -1;
    result.shadows[0] = (struct leat_shadow_score){&bound_4, 0.25};
    result.shadow_count = 1;
    encode(&result, NULL, 0, &out);
    assert_int_equal(leat_decision_parse(leat_buffer_view(&out), &decision, NULL), 0);
    assert_true(leat_decision_score(&decision, "fraud", 3, &score) && score == result.score);
    assert_true(leat_decision_score(&decision, "fraud", 4, &score) && score == 0.25);
    assert_false(leat_decision_score(&decision, "fraud", 5, &score));
    assert_false(leat_decision_score(&decision, "other", 3, &score));
    leat_decision_done(&decision);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_is_written_as_documented),
        cmocka_unit_test(a_category_is_written_and_read_back_as_its_text),
        cmocka_unit_test(a_decision_that_nobody_scored_has_no_model_and_no_version),
        cmocka_unit_test(all_that_was_written_is_read_back),
        cmocka_unit_test(every_double_comes_back_with_the_same_bits),
        cmocka_unit_test(a_time_keeps_its_microseconds_on_both_sides_of_1970),
        cmocka_unit_test(a_join_key_that_is_a_number_stays_its_canonical_text),
        cmocka_unit_test(a_buffer_that_is_full_stays_as_it_was_and_takes_the_next_smaller_record),
        cmocka_unit_test(what_is_no_decision_record_is_refused_with_the_field_that_is_wrong),
        cmocka_unit_test(the_score_of_a_version_is_found_whether_it_served_or_only_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
