#include "base/time.h"
#include "engine/worker_inside.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A function over memory logs; results are noted as text, one line an event: "<offset>:<features>[ marks]". */
static const char function_text[] =
    "function: worker-test\n"
    "input:\n"
    "  topic: tx\n"
    "  key: card\n"
    "  event_time: ts\n"
    "  grace: 10s\n"
    "  schema: {card: string, amount: double, ts: timestamp_s, beat: bool}\n"
    "  filter: amount is null or amount >= 0\n"
    "streams:\n"
    "  cb:\n"
    "    topic: cb\n"
    "    key: card\n"
    "    event_time: ts\n"
    "    schema: {card: string, amount: double, ts: timestamp_s}\n"
    "  all:\n"
    "    topic: all\n"
    "    scope: global\n"
    "    event_time: ts\n"
    "    heartbeat: beat\n"
    "    schema: {n: int, ts: timestamp_s, beat: bool}\n"
    "    freshness: {warn_after: 5000s, error_after: 10000s}\n"
    "tables:\n"
    "  cards: {topic: cards, key: card, schema: {card: string, risk: double}}\n"
    "  rates: {topic: rates, key: card, event_time: ts, schema: {card: string, rate: double, ts: "
    "timestamp_s}}\n"
    "windows:\n"
    "  w: partition by card range 100s preceding\n"
    "features:\n"
    "  n: count(*) over w\n"
    "  cbs: count(cb.*) over w\n"
    "  all_sum: sum(all.n) over (range 100s preceding)\n"
    "  risk: cards[card].risk\n"
    "  rate: rates[card].rate\n"
    "output: {topic: out, value: {n: n}}\n"
    "errors.deadletterqueue.topic.name: dlq\n"
    "decisions: {topic: decisions}\n";

struct noted {
    char lines[200][160];
    size_t count;
    char letters[50][300];
    size_t letter_count;
    bool ready, ready_at_letter;
};

static int note_result(void *self, struct leat_stream *stream, struct leat_fence *fence,
                       const struct leat_result *result, struct leat_error *err)
{
    struct noted *noted = self;
    (void)stream;
    (void)fence;
    (void)err;
    char *line = noted->lines[noted->count++];
    int len = snprintf(line, 160, "%d/%lld:", result->record.partition, (long long)result->record.offset);
    for (size_t f = 0; f < 5; f++)
        len += isnan(result->features[f]) ? snprintf(line + len, 20, " -")
                                          : snprintf(line + len, 20, " %g", result->features[f]);
    for (unsigned m = 0; m < LEAT_MARK_COUNT; m++)
        if (result->marks & (1u << m))
            len += snprintf(line + len, 20, " %s", leat_mark_name((enum leat_mark)(1u << m)));
    return 0;
}

static int note_letter(void *self, struct leat_stream *stream, struct leat_fence *fence,
                       const struct leat_record *record, const struct leat_reason *reason,
                       const struct leat_version *version, struct leat_error *err)
{
    struct noted *noted = self;
    (void)stream;
    (void)fence;
    (void)version;
    (void)err;
    noted->ready_at_letter = noted->ready;
    snprintf(noted->letters[noted->letter_count++], 300, "%s/%d/%lld %s: %s", record->topic, record->partition,
             (long long)record->offset, leat_stage_name(reason->stage), reason->text);
    return 0;
}

struct fixture {
    struct leat_memory_log *memory;
    struct leat_function *function;
    struct noted noted;
    struct leat_metrics metrics;
    struct leat_worker_config config;
};

static void put(struct fixture *fixture, const char *topic, int32_t partition, const char *value)
{
    leat_memory_append(fixture->memory, topic, partition, (struct leat_bytes){NULL, 0}, leat_bytes_of(value),
                       LEAT_TIME_NONE);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct leat_error err = {0};
    fixture->memory = leat_memory_new();
    if (leat_function_parse("worker-test.yaml", leat_bytes_of(function_text), &fixture->function, &err) < 0)
        fail_msg("%s", err.text);
    leat_metrics_init(&fixture->metrics);
    fixture->config = (struct leat_worker_config){
        .function = fixture->function,
        .emitter = {.self = &fixture->noted, .result = note_result, .dead_letter = note_letter},
        .from = LEAT_TIME_NONE,
        .to = LEAT_TIME_NONE,
        .until = LEAT_TIME_NONE,
        .metrics = &fixture->metrics};
    /* All topics exist, empty but for what a test puts in. */
    put(fixture, "cards", 0, "{\"card\":\"a\",\"risk\":0.5}");
    put(fixture, "rates", 0, "{\"card\":\"-\",\"rate\":0,\"ts\":1}");
    put(fixture, "cb", 0, "{\"card\":\"-\",\"amount\":0,\"ts\":1}");
    put(fixture, "all", 0, "{\"n\":0,\"ts\":1}");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    leat_function_free(fixture->function);
    leat_memory_free(fixture->memory);
    free(fixture);
    return 0;
}

static void run(struct fixture *fixture)
{
    struct leat_error err = {0};
    struct leat_stream_config stream = {.kind = LEAT_STREAM_MEMORY, .group = "g", .memory = fixture->memory};
    assert_int_equal(leat_stream_open(&stream, &fixture->config.stream, &err), 0);
    fixture->noted.count = fixture->noted.letter_count = 0;
    if (leat_worker_run(&fixture->config, &err) < 0)
        fail_msg("%s", err.text);
    leat_stream_close(fixture->config.stream);
}

static void expect_lines(const struct fixture *fixture, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count && i < fixture->noted.count; i++)
        assert_string_equal(fixture->noted.lines[i], lines[i]);
    assert_int_equal(fixture->noted.count, count);
}
#define EXPECT(fixture, ...)                                          \
    do {                                                              \
        const char *const lines[] = {__VA_ARGS__};                    \
        expect_lines(fixture, lines, sizeof lines / sizeof lines[0]); \
    } while (0)

static void sources_are_merged_by_event_time_and_ties_go_to_tables_and_streams(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1010}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1100}");
    put(fixture, "cb", 0, "{\"card\":\"a\",\"amount\":1,\"ts\":1010}");
    put(fixture, "cb", 0, "{\"card\":\"a\",\"amount\":1,\"ts\":1011}");
    put(fixture, "all", 0, "{\"n\":7,\"ts\":1000}");
    put(fixture, "all", 0, "{\"n\":5,\"ts\":1099}");
    put(fixture, "rates", 0, "{\"card\":\"a\",\"rate\":2,\"ts\":1010}");
    put(fixture, "rates", 0, "{\"card\":\"a\",\"rate\":3,\"ts\":1101}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 7 0.5 -", "0/1: 2 1 7 0.5 2", "0/2: 2 2 5 0.5 2");
}

static void a_later_record_holds_back_what_follows_it_in_its_log(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "all", 0, "{\"beat\":true,\"ts\":1050}");
    put(fixture, "all", 0, "{\"n\":7,\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1049}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1050}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "0/1: 2 0 7 0.5 -");
}

static void a_delayed_source_is_known_that_much_later(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "all", 0, "{\"n\":7,\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1029}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1030}");
    fixture->config.delays[leat_function_source(fixture->function, "all")] = 30 * LEAT_SECOND;
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "0/1: 2 0 7 0.5 -");
}

static void late_events_count_where_a_window_still_holds_them_and_are_marked(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1050}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1039}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1045}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1060}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "0/1: 2 0 - 0.5 -", "0/2: 2 0 - 0.5 - late partial", "0/3: 3 0 - 0.5 -",
           "0/4: 5 0 - 0.5 -");
}

static void a_poison_record_is_a_dead_letter_and_the_stream_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",");
    put(fixture, "tx", 0, "{\"ts\":1001}");
    put(fixture, "tx", 0, "{\"card\":\"a\"}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":-5}");
    put(fixture, "cb", 0, "nonsense");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1002}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "0/5: 2 0 - 0.5 -");
    assert_int_equal(fixture->noted.letter_count, 5);
    assert_non_null(strstr(fixture->noted.letters[0], "cb/0/1 decode: "));
    assert_non_null(strstr(fixture->noted.letters[1], "tx/0/1 decode: "));
    assert_string_equal(fixture->noted.letters[2], "tx/0/2 schema: the key field 'card' is missing or null");
    assert_string_equal(fixture->noted.letters[3], "tx/0/3 schema: the event time 'ts' is missing or null");
    assert_string_equal(fixture->noted.letters[4],
                        "tx/0/4 time: the event time 'ts' is -5000000 µs, which is not between 1970 and 9999");
}

static void filtered_events_are_neither_scored_nor_remembered(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000,\"amount\":-1}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1001,\"amount\":1}");
    run(fixture);
    EXPECT(fixture, "0/1: 1 0 - 0.5 -");
}

static void a_source_that_falls_silent_is_known_by_the_events_beyond_its_limit(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "all", 0, "{\"n\":7,\"ts\":1000}");
    put(fixture, "all", 0, "{\"beat\":true,\"ts\":1040}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":11040}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":11041}");
    size_t all = (size_t)leat_function_source(fixture->function, "all");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "0/1: 2 0 - 0.5 - stale_source");
    assert_int_equal(fixture->metrics.source_age[all], 10001 * LEAT_SECOND);
    assert_int_equal(fixture->metrics.source_stale[all], 1);
    assert_int_equal(fixture->metrics.source_slow[all], 2);
}

static void a_job_scores_from_and_to_event_times_and_fills_windows_before(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1010}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1020}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1030}");
    fixture->config.from = 1010 * LEAT_SECOND;
    fixture->config.to = 1030 * LEAT_SECOND;
    run(fixture);
    EXPECT(fixture, "0/1: 2 0 - 0.5 -", "0/2: 3 0 - 0.5 -");
}

static void partitions_are_scored_as_one_history_with_windows_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "cb", 1, "{\"card\":\"b\",\"amount\":1,\"ts\":1001}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 1, "{\"card\":\"b\",\"ts\":1001}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1002}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "1/0: 1 1 - - -", "0/1: 2 0 - 0.5 -");
}

/* A story of 60 events on several sources, run once, and run in pieces with a restart after each. */
static void put_story(struct fixture *fixture)
{
    char text[120];
    for (int i = 0; i < 60; i++) {
        int ts = 1000 + i * 7;
        snprintf(text, sizeof text, "{\"card\":\"%c\",\"ts\":%d}", 'a' + i % 3, ts - (i % 5 == 4 ? 9 : 0));
        put(fixture, "tx", 0, text);
        snprintf(text, sizeof text, "{\"card\":\"%c\",\"amount\":%d,\"ts\":%d}", 'a' + i % 2, i, ts + 3);
        put(fixture, "cb", 0, text);
        snprintf(text, sizeof text, "{\"n\":%d,\"ts\":%d}", i, ts);
        put(fixture, "all", 0, text);
        if (i % 10 == 0) {
            snprintf(text, sizeof text, "{\"card\":\"a\",\"rate\":%d,\"ts\":%d}", i, ts);
            put(fixture, "rates", 0, text);
        }
    }
}

static void restarts_change_no_feature_and_repeat_no_event(void **state)
{
    struct fixture *fixture = *state;
    put_story(fixture);
    fixture->config.service = true;
    run(fixture);
    struct noted once = fixture->noted;
    assert_int_equal(once.count, 60);

    leat_memory_free(fixture->memory);
    fixture->memory = leat_memory_new();
    put(fixture, "cards", 0, "{\"card\":\"a\",\"risk\":0.5}");
    put(fixture, "rates", 0, "{\"card\":\"-\",\"rate\":0,\"ts\":1}");
    put(fixture, "cb", 0, "{\"card\":\"-\",\"amount\":0,\"ts\":1}");
    put(fixture, "all", 0, "{\"n\":0,\"ts\":1}");
    put_story(fixture);
    size_t at = 0;
    for (int until = 1001; until <= 1501; until += 50) {
        fixture->config.until = until * LEAT_SECOND;
        run(fixture);
        for (size_t i = 0; i < fixture->noted.count; i++)
            assert_string_equal(fixture->noted.lines[i], once.lines[at + i]);
        at += fixture->noted.count;
    }
    assert_int_equal(at, 60);
}

static void a_changed_function_rebuilds_its_windows_from_the_logs(void **state)
{
    struct fixture *fixture = *state;
    struct leat_error err = {0};
    char text[sizeof function_text + 8];
    const char *range = strstr(function_text, "range 100s preceding\n");
    snprintf(text, sizeof text, "%.*srange 400s%s", (int)(range - function_text), function_text,
             range + strlen("range 100s"));
    put_story(fixture);
    fixture->config.service = true;
    fixture->config.until = 1300 * LEAT_SECOND;
    run(fixture);
    leat_function_free(fixture->function);
    assert_int_equal(leat_function_parse("worker-test.yaml", leat_bytes_of(text), &fixture->function, &err), 0);
    fixture->config.function = fixture->function;
    fixture->config.until = LEAT_TIME_NONE;
    run(fixture);
    struct noted rebuilt = fixture->noted;
    fixture->config.service = false;
    fixture->config.from = 1300 * LEAT_SECOND;
    run(fixture);
    assert_true(rebuilt.count > 0);
    for (size_t i = 1; i <= 10; i++)
        assert_string_equal(rebuilt.lines[rebuilt.count - i], fixture->noted.lines[fixture->noted.count - i]);
}

static void what_a_late_event_still_finds_does_not_depend_on_where_batches_end(void **state)
{
    struct fixture *fixture = *state;
    char text[120];
    for (int i = 0; i < 120; i++) {
        int late = i % 7 == 6 ? 90 : i % 5 == 4 ? 30 : 0;
        snprintf(text, sizeof text, "{\"card\":\"%c\",\"ts\":%d}", 'a' + i % 2, 1000 + i * 6 - late);
        put(fixture, "tx", 0, text);
        snprintf(text, sizeof text, "{\"n\":%d,\"ts\":%d}", i, 1000 + i * 6);
        put(fixture, "all", 0, text);
    }
    fixture->config.batch_rows = 1;
    run(fixture);
    struct noted alone = fixture->noted;
    fixture->config.batch_rows = LEAT_BATCH_MAX;
    run(fixture);
    assert_int_equal(alone.count, 120);
    size_t partial = 0;
    for (size_t i = 0; i < alone.count; i++) {
        assert_string_equal(fixture->noted.lines[i], alone.lines[i]);
        partial += strstr(alone.lines[i], "partial") != NULL;
    }
    assert_true(partial > 0);
}

static void windows_over_what_retention_took_are_partial(void **state)
{
    struct fixture *fixture = *state;
    for (int ts = 900; ts <= 1000; ts += 50) {
        char text[80];
        snprintf(text, sizeof text, "{\"card\":\"a\",\"amount\":1,\"ts\":%d}", ts);
        put(fixture, "cb", 0, text);
    }
    leat_memory_trim(fixture->memory, "cb", 0, 2); /* all before 950 */
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":940}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1050}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 - partial", "0/1: 2 2 - 0.5 - partial", "0/2: 2 1 - 0.5 -");
}

static void windows_over_several_partitions_are_covered_from_the_latest_of_their_starts(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "all", 0, "{\"n\":1,\"ts\":1050}");
    leat_memory_trim(fixture->memory, "all", 0, 1);
    put(fixture, "all", 1, "{\"n\":1,\"ts\":900}");
    put(fixture, "all", 1, "{\"n\":1,\"ts\":990}");
    leat_memory_trim(fixture->memory, "all", 1, 1);
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1100}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1150}");
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 1 0.5 - partial", "0/1: 2 0 - 0.5 -");
}

static int64_t committed(struct fixture *fixture, int32_t partition)
{
    struct leat_error err = {0};
    struct leat_stream *stream;
    struct leat_stream_config config = {.kind = LEAT_STREAM_MEMORY, .group = "g", .memory = fixture->memory};
    LEAT_CLEAN_BUFFER metadata = {0};
    int64_t offset = -1;
    assert_int_equal(leat_stream_open(&config, &stream, &err), 0);
    assert_int_equal(leat_stream_committed(stream, "tx", partition, &offset, &metadata, &err), 0);
    leat_stream_close(stream);
    return offset;
}

static void what_is_filtered_behind_the_last_row_is_committed_with_it(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1001,\"amount\":-1}");
    fixture->config.service = true;
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -");
    assert_int_equal(committed(fixture, 0), 2);
}

static void a_service_is_ready_when_its_windows_are_filled_again(void **state)
{
    struct fixture *fixture = *state;
    char text[80];
    fixture->config.service = true;
    fixture->config.ready = &fixture->noted.ready;
    put(fixture, "rates", 0, "{\"card\":\"a\",\"rate\":1,\"ts\":1000}");
    for (int ts = 1000; ts <= 1100; ts += 10) {
        snprintf(text, sizeof text, "{\"card\":\"a\",\"ts\":%d}", ts);
        put(fixture, "tx", 0, text);
    }
    run(fixture);
    assert_true(fixture->noted.ready);
    fixture->noted.ready = false;
    put(fixture, "rates", 0, "?"); /* met while the events of the first run are replayed */
    run(fixture);
    assert_int_equal(fixture->noted.letter_count, 1);
    assert_false(fixture->noted.ready_at_letter);
    assert_true(fixture->noted.ready);
}

static void a_job_finds_late_events_before_its_end(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1000}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1030}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1025}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1039}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1029}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1040}");
    put(fixture, "tx", 0, "{\"card\":\"a\",\"ts\":1028}");
    fixture->config.to = 1030 * LEAT_SECOND;
    run(fixture);
    EXPECT(fixture, "0/0: 1 0 - 0.5 -", "0/2: 2 0 - 0.5 -", "0/4: 3 0 - 0.5 -");
}

static void a_stand_by_without_partitions_reads_nothing_and_is_restored(void **state)
{
    struct fixture *fixture = *state;
    struct leat_error err = {0};
    struct leat_stream_config stream = {.kind = LEAT_STREAM_MEMORY, .group = "g", .memory = fixture->memory};
    struct leat_worker *worker = calloc(1, sizeof *worker);
    worker->config = fixture->config;
    worker->config.service = true;
    worker->function = fixture->function;
    assert_int_equal(leat_stream_open(&stream, &worker->stream, &err), 0);
    assert_int_equal(leat_worker_restore(worker, NULL, 0, &err), 0);
    assert_true(worker->restored);
    assert_int_equal(worker->cursor_count, 0);
    leat_worker_forget(worker);
    leat_stream_close(worker->stream);
    free(worker);
}

static void what_is_on_its_way_when_partitions_are_lost_keeps_its_fence(void **state)
{
    struct fixture *fixture = *state;
    struct leat_error err = {0};
    struct leat_worker *worker = calloc(1, sizeof *worker);
    worker->config = fixture->config;
    worker->function = fixture->function;
    worker->batch = leat_batch_new(fixture->function);
    worker->batch_rows = 1;
    leat_delivery_init(worker);
    struct leat_fence *sent = &leat_delivery_open(worker)->fence;
    sent->outstanding = 1;
    assert_int_equal(leat_delivery_close(worker, false, &err), 0);
    leat_delivery_abandon(worker);
    for (int i = 0; i < LEAT_DELIVERIES - 2; i++) {
        assert_ptr_not_equal(&leat_delivery_open(worker)->fence, sent);
        assert_int_equal(leat_delivery_close(worker, false, &err), 0);
    }
    assert_ptr_not_equal(&leat_delivery_open(worker)->fence, sent);
    sent->outstanding = 0;
    assert_int_equal(leat_delivery_settle(worker, false, &err), 0);
    assert_int_equal(worker->delivery_count, 0);
    leat_delivery_done(worker);
    leat_batch_free(worker->batch);
    free(worker);
}

static void a_commit_carries_no_more_than_a_broker_takes(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_error err = {0};
    struct leat_function *function;
    leat_buffer_append_text(&text,
                            "function: many\n"
                            "input: {topic: tx, key: card, event_time: ts, schema: {card: string, ts: timestamp_s}}\n"
                            "streams:\n");
    for (int s = 0; s < LEAT_SOURCES_MAX - 1; s++)
        leat_buffer_format(&text,
                           "  a_stream_with_quite_a_name_%02d: {topic: t%d, key: card, event_time: ts, schema: {card: "
                           "string, ts: timestamp_s}}\n",
                           s, s);
    leat_buffer_append_text(&text, "features: {f: 1}\noutput: {topic: out, value: {f: f}}\n");
    if (leat_function_parse("many.yaml", leat_buffer_view(&text), &function, &err) < 0)
        fail_msg("%s", err.text);
    struct leat_checkpoint checkpoint, back;
    leat_checkpoint_init(&checkpoint);
    for (size_t s = 1; s < function->source_count; s++)
        checkpoint.sources[s] = (struct leat_checkpoint_source){
            true, 1000000 + (int64_t)s, {900000, 1700000000 * LEAT_SECOND}, 1700000000 * LEAT_SECOND};
    LEAT_CLEAN_BUFFER out = {0};
    assert_int_equal(leat_checkpoint_encode(function, &checkpoint, &out), 0);
    assert_in_range(out.len, 3900, 4096);
    assert_true(leat_checkpoint_parse(function, leat_buffer_view(&out), &back));
    assert_true(back.sources[1].present);
    assert_int_equal(back.sources[1].position, 1000001);
    size_t last = function->source_count - 1;
    assert_false(back.sources[last].present);
    assert_int_equal(back.sources[last].restart.offset, LEAT_OFFSET_BEGIN);
    leat_function_free(function);
}

static void a_topic_that_does_not_exist_is_an_error_of_the_environment(void **state)
{
    struct fixture *fixture = *state;
    struct leat_error err = {0};
    struct leat_stream_config stream = {.kind = LEAT_STREAM_MEMORY, .group = "g", .memory = fixture->memory};
    assert_int_equal(leat_stream_open(&stream, &fixture->config.stream, &err), 0);
    assert_int_equal(leat_worker_run(&fixture->config, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
    assert_string_equal(err.text, "the input's topic 'tx' (worker-test.yaml:2) does not exist");
    leat_stream_close(fixture->config.stream);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sources_are_merged_by_event_time_and_ties_go_to_tables_and_streams),
        TEST(a_later_record_holds_back_what_follows_it_in_its_log),
        TEST(a_delayed_source_is_known_that_much_later),
        TEST(late_events_count_where_a_window_still_holds_them_and_are_marked),
        TEST(a_poison_record_is_a_dead_letter_and_the_stream_goes_on),
        TEST(filtered_events_are_neither_scored_nor_remembered),
        TEST(a_source_that_falls_silent_is_known_by_the_events_beyond_its_limit),
        TEST(a_job_scores_from_and_to_event_times_and_fills_windows_before),
        TEST(partitions_are_scored_as_one_history_with_windows_of_their_own),
        TEST(restarts_change_no_feature_and_repeat_no_event),
        TEST(a_changed_function_rebuilds_its_windows_from_the_logs),
        TEST(what_a_late_event_still_finds_does_not_depend_on_where_batches_end),
        TEST(windows_over_what_retention_took_are_partial),
        TEST(windows_over_several_partitions_are_covered_from_the_latest_of_their_starts),
        TEST(what_is_filtered_behind_the_last_row_is_committed_with_it),
        TEST(a_service_is_ready_when_its_windows_are_filled_again),
        TEST(a_job_finds_late_events_before_its_end),
        TEST(a_stand_by_without_partitions_reads_nothing_and_is_restored),
        TEST(what_is_on_its_way_when_partitions_are_lost_keeps_its_fence),
        TEST(a_commit_carries_no_more_than_a_broker_takes),
        TEST(a_topic_that_does_not_exist_is_an_error_of_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
