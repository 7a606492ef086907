#include "base/time.h"
#include "function/score.h"
#include "observe/decision.h"
#include "support/allocations.h"
#include "support/make_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A whole event: decoded, applied, enriched, scored by a champion and a shadow, its output and decision written. */
static const char function_text[] =
    "function: batch-test\n"
    "input:\n"
    "  topic: tx\n"
    "  key: card\n"
    "  event_time: ts\n"
    "  schema: {id: string, card: string, country: string, amount: double, ts: timestamp_ms}\n"
    "tables:\n"
    "  cards: {topic: cards, key: card, schema: {card: string, home: string, risk: double}}\n"
    "windows:\n"
    "  hour: partition by card range 1h preceding\n"
    "  day: partition by card range 24h preceding\n"
    "features:\n"
    "  f0: amount\n"
    "  f1: ln(1 + amount)\n"
    "  f2: count(*) over hour\n"
    "  f3: sum(amount) over day\n"
    "  f4: max(amount) filter (where country = 'NL') over day\n"
    "  f5: seconds_between(lag(ts) over day, ts)\n"
    "  f6: country <> cards[card].home\n"
    "  f7: coalesce(cards[card].risk, 0.5)\n"
    "  f8: lower(country) = lower(lag(country) over day)\n"
    "  f9: stddev(amount) over hour\n"
    "model: {name: m}\n"
    "output: {topic: out, value: {id: id, score: score, sign: \"upper(country) || '!'\"}}\n"
    "decisions: {topic: decisions}\n";

#define CARDS 50
#define FEATURES 10

static struct leat_bound *make_bound(const struct leat_function *function, uint64_t seed, uint32_t number,
                                     struct leat_version *version)
{
    static const char *const names[FEATURES] = {"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9"};
    struct make_options options = {
        .seed = seed, .trees = 20, .leaves = 16, .features = FEATURES, .groups = 1, .missing = 0.5};
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_error err = {0};
    struct leat_bound *bound = NULL;
    make_xgboost(&options, &text);
    *version = (struct leat_version){.name = "m",
                                     .number = number,
                                     .feature_names = names,
                                     .feature_count = FEATURES,
                                     .trained_at = LEAT_TIME_NONE,
                                     .threshold = 0.5,
                                     .references = 1};
    if (leat_model_load("m", leat_buffer_view(&text), NULL, &version->model, &err) < 0 ||
        leat_bound_new(function, version, &bound, &err) < 0)
        fail_msg("%s", err.text);
    return bound;
}

struct play {
    struct leat_function *function;
    struct leat_state *partition, *shared;
    struct leat_event_decoder *decoder, *rows;
    struct leat_batch *batch;
    struct leat_decision_writer *writer;
    struct leat_buffer decision;
    struct leat_lineup lineup;
    uint64_t events, dead;
    double sum;
};

static void put_row(struct play *play, int card)
{
    char text[128];
    struct leat_event event;
    struct leat_reason reason;
    struct leat_expr_scratch none = {0};
    int len = snprintf(text, sizeof text, "{\"card\":\"card-%03d\",\"home\":\"%s\",\"risk\":0.%d}", card,
                       card % 2 ? "NL" : "DE", card % 10);
    struct leat_record record = {.topic = "cards", .timestamp = LEAT_TIME_NONE, .value = {text, (size_t)len}};
    assert_int_equal(leat_event_decode(play->rows, &record, &event, &reason), 0);
    assert_int_equal(leat_state_apply(play->function, NULL, play->shared, 1, &event, &none, &reason), 0);
}

/* A batch of 16 events, 20 s apart, of cards that come back. */
static void play_batch(struct play *play)
{
    char text[256];
    for (int i = 0; i < 16; i++) {
        uint64_t n = play->events++;
        int len = snprintf(
            text, sizeof text,
            "{\"id\":\"tx-%08llu\",\"card\":\"card-%03d\",\"country\":\"%s\",\"amount\":%d.25,\"ts\":%llu}",
            (unsigned long long)n, (int)(n * 7 % CARDS), n % 3 ? "NL" : "DE", (int)(n * 37 % 900),
            (unsigned long long)(1700000000000 + n * 20000));
        struct leat_record record = {
            .topic = "tx", .offset = (int64_t)n, .timestamp = LEAT_TIME_NONE, .value = {text, (size_t)len}};
        struct leat_event event;
        struct leat_reason reason;
        assert_int_equal(leat_event_decode(play->decoder, &record, &event, &reason), 0);
        assert_int_equal(leat_batch_add(play->batch, play->partition, play->shared, &event, event.time, true), 0);
    }
    leat_batch_score(play->batch, &play->lineup);
    leat_batch_shadow(play->batch, &play->lineup);
    for (size_t row = 0; row < leat_batch_count(play->batch); row++) {
        const struct leat_result *result = leat_batch_result(play->batch, row);
        leat_buffer_reset(&play->decision);
        leat_decision_encode(play->writer, result, NULL, 0, result->time, &play->decision);
        play->dead += result->reason.stage != LEAT_STAGE_NONE;
        play->sum += result->score + (double)result->output.len + result->shadows[0].score;
    }
    leat_batch_reset(play->batch);
}

static void an_event_allocates_nothing_from_decoding_to_its_decision(void **state)
{
    (void)state;
    struct play play = {0};
    struct leat_error err = {0};
    struct leat_version versions[2];
    if (leat_function_parse("batch-test.yaml", leat_bytes_of(function_text), &play.function, &err) < 0)
        fail_msg("%s", err.text);
    play.partition = leat_state_new(play.function, false);
    play.shared = leat_state_new(play.function, true);
    play.decoder = leat_event_decoder_new(play.function, 0);
    play.rows = leat_event_decoder_new(play.function, 1);
    play.batch = leat_batch_new(play.function);
    play.writer = leat_decision_writer_new(play.function);
    play.lineup.champion = make_bound(play.function, 1, 1, &versions[0]);
    play.lineup.shadows[0] = make_bound(play.function, 2, 2, &versions[1]);
    play.lineup.shadow_count = 1;
    for (int card = 0; card < CARDS - 5; card++)
        put_row(&play, card);
    for (int warm = 0; warm < 1000; warm++)
        play_batch(&play);
    count_allocations();
    allocations = 0;
    for (int steady = 0; steady < 500; steady++)
        play_batch(&play);
    assert_int_equal(allocations, 0);
    assert_int_equal(play.dead, 0);
    assert_true(isfinite(play.sum));
    leat_bound_unref(play.lineup.champion);
    leat_bound_unref(play.lineup.shadows[0]);
    for (int i = 0; i < 2; i++)
        leat_model_unref(versions[i].model);
    leat_decision_writer_free(play.writer);
    leat_buffer_done(&play.decision);
    leat_batch_free(play.batch);
    leat_event_decoder_free(play.decoder);
    leat_event_decoder_free(play.rows);
    leat_state_free(play.partition);
    leat_state_free(play.shared);
    leat_function_free(play.function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_allocates_nothing_from_decoding_to_its_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
