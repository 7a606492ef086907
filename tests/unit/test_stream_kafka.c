/* The Kafka backend. Without a broker, against librdkafka's mock cluster, and what it can not do is left out. With
 * LEAT_KAFKA=host:port all of it, on that broker; LEAT_KAFKA_RESTART is then a command that ends it and starts it again.
 * tests/integration/slow_kafka_stream.py does that. */
#include "stream/stream.h"

#include "base/arena.h"
#include "base/time.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_MS 30000

static const char *servers;
static rd_kafka_t *raw;               /* a plain producer of the tests' own, also for admin calls */
static rd_kafka_mock_cluster_t *mock; /* NULL: a real broker */
static int topic_number;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct leat_bytes text(const char *text)
{
    return leat_bytes_of(text);
}

/* -- the tests' own client ------------------------------------------------------------------------------------------ */

static rd_kafka_t *new_producer(const char *transactional_id)
{
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", servers, error, sizeof error);
    if (transactional_id != NULL)
        rd_kafka_conf_set(conf, "transactional.id", transactional_id, error, sizeof error);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    assert_non_null(rk);
    return rk;
}

/* A new topic's name; `config` is NULL or pairs that end with a NULL. */
static const char *make_topic(int partitions, const char *const *config)
{
    static char name[128];
    char error[512];
    snprintf(name, sizeof name, "leat-test-%d-%lld-%d", getpid(), (long long)now_ms() % 100000, ++topic_number);
    if (mock != NULL) {
        assert_int_equal(rd_kafka_mock_topic_create(mock, name, partitions, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
        return name;
    }
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, error, sizeof error);
    for (; config != NULL && *config != NULL; config += 2)
        rd_kafka_NewTopic_set_config(topic, config[0], config[1]);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(raw);
    rd_kafka_CreateTopics(raw, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, MAX_MS);
    assert_non_null(event);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    return name;
}

static void send_by(rd_kafka_t *rk, const char *topic, int32_t partition, const char *key, const char *value,
                    int64_t timestamp_ms)
{
    void *key_data = (void *)(uintptr_t)key, *value_data = (void *)(uintptr_t)value;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(key_data, strlen(key)), RD_KAFKA_V_VALUE(value_data, strlen(value)),
        RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_END);
    assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void send_records(const char *topic, int32_t partition, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[32];
        snprintf(value, sizeof value, "%d", i);
        send_by(raw, topic, partition, "k", value, 0);
    }
    assert_int_equal(rd_kafka_flush(raw, MAX_MS), 0);
}

static rd_kafka_t *new_transactional(void)
{
    char id[64];
    snprintf(id, sizeof id, "leat-test-%d-%d", getpid(), ++topic_number);
    rd_kafka_t *rk = new_producer(id);
    rd_kafka_error_t *error = rd_kafka_init_transactions(rk, MAX_MS);
    if (error != NULL)
        fail_msg("%s", rd_kafka_error_string(error));
    return rk;
}

static void send_transaction(rd_kafka_t *rk, const char *topic, int count, bool commit)
{
    assert_null(rd_kafka_begin_transaction(rk));
    for (int i = 0; i < count; i++)
        send_by(rk, topic, 0, "k", commit ? "committed" : "aborted", 0);
    assert_int_equal(rd_kafka_flush(rk, MAX_MS), 0);
    assert_null(commit ? rd_kafka_commit_transaction(rk, MAX_MS) : rd_kafka_abort_transaction(rk, MAX_MS));
    usleep(300000); /* the mark is written behind our back */
}

/* -- streams -------------------------------------------------------------------------------------------------------- */

static int try_open(const char *group, const struct leat_stream_setting *more, struct leat_stream **ret,
                    struct leat_error *err)
{
    struct leat_stream_setting settings[16] = {{"bootstrap.servers", servers}};
    size_t count = 1;
    for (; more != NULL && more->name != NULL; more++)
        settings[count++] = *more;
    struct leat_stream_config config = {.kind = LEAT_STREAM_KAFKA,
                                        .settings = settings,
                                        .setting_count = count,
                                        .group = group,
                                        .client_id = "leat-test"};
    return leat_stream_open(&config, ret, err);
}

static struct leat_stream *open_stream(const char *group, const struct leat_stream_setting *more)
{
    struct leat_stream *stream;
    struct leat_error err = {0};
    if (try_open(group, more, &stream, &err) < 0)
        fail_msg("%s", err.text);
    return stream;
}

static struct leat_reader *open_reader(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset,
                                       bool group)
{
    struct leat_reader *reader;
    struct leat_error err = {0};
    if (leat_reader_open(stream, topic, partition, offset, group, &reader, &err) < 0)
        fail_msg("%s", err.text);
    return reader;
}

static struct leat_change poll_or_fail(struct leat_stream *stream, int timeout_ms)
{
    struct leat_change change;
    struct leat_error err = {0};
    bool fatal;
    if (leat_stream_poll(stream, timeout_ms, &change, &fatal, &err) < 0)
        fail_msg("%s", err.text);
    return change;
}

static struct leat_change await_change(struct leat_stream *stream)
{
    for (int64_t until = now_ms() + MAX_MS; now_ms() < until;) {
        struct leat_change change = poll_or_fail(stream, 200);
        if (change.kind != LEAT_CHANGE_NONE)
            return change;
    }
    fail_msg("no change came");
    return (struct leat_change){0};
}

static void await_head(struct leat_reader *reader)
{
    for (int64_t until = now_ms() + MAX_MS; reader->head == NULL && now_ms() < until;)
        poll_or_fail(reader->stream, 200);
    assert_non_null(reader->head);
}

static void expect_numbers(struct leat_reader *reader, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[32];
        snprintf(value, sizeof value, "%d", i);
        await_head(reader);
        assert_true(leat_bytes_is(reader->head->value, value));
        leat_reader_next(reader);
    }
}

static void await_end(struct leat_reader *reader, uint64_t mark)
{
    for (int64_t until = now_ms() + MAX_MS; reader->end_mark < mark && now_ms() < until;) {
        assert_null(reader->head);
        poll_or_fail(reader->stream, 100);
    }
    assert_true(reader->end_mark >= mark);
}

static struct leat_error await_trouble(struct leat_stream *stream, bool *ret_fatal)
{
    struct leat_error err = {0};
    struct leat_change change;
    for (int64_t until = now_ms() + MAX_MS; now_ms() < until;) {
        if (leat_stream_poll(stream, 200, &change, ret_fatal, &err) < 0)
            return err;
    }
    fail_msg("no error came");
    return err;
}

static void expect_text(const struct leat_error *err, const char *part)
{
    if (strstr(err->text, part) == NULL)
        fail_msg("'%s' lacks '%s'", err->text, part);
}

static const char *new_group(void)
{
    static char name[64];
    snprintf(name, sizeof name, "leat-test-%d-%d", getpid(), ++topic_number);
    return name;
}

/* -- without a broker ----------------------------------------------------------------------------------------------- */

static void settings_that_can_not_be_are_refused_with_what_was_meant(void **state)
{
    (void)state;
    static const struct {
        struct leat_stream_setting setting;
        const char *part;
    } wrong[] = {
        {{"linger.mss", "1"}, "did you mean \"linger.ms\"?"},
        {{"fetch.wait.max", "1"}, "did you mean \"fetch.wait.max.ms\"?"},
        {{"fetch.wait.max.ms", "soon"}, "fetch.wait.max.ms"},
        {{"enable.auto.commit", "true"}, "enable.auto.commit can only be false here"},
        {{"auto.offset.reset", "first"}, "it can be earliest, latest or error"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct leat_stream_setting settings[] = {wrong[i].setting, {0}};
        struct leat_stream *stream;
        struct leat_error err = {0};
        assert_int_equal(try_open("g", settings, &stream, &err), -1);
        expect_text(&err, wrong[i].part);
    }
    const struct leat_stream_setting all[] = {{"group.id", "g"},
                                              {"enable.auto.commit", "false"},
                                              {"acks", "1"},
                                              {"transactional.id", "t"},
                                              {"session.timeout.ms", "6000"},
                                              {"compression.type", "lz4"},
                                              {0}};
    leat_stream_close(open_stream(NULL, all));
    struct leat_stream *stream;
    struct leat_error err = {0};
    struct leat_stream_config config = {.kind = LEAT_STREAM_KAFKA};
    assert_int_equal(leat_stream_open(&config, &stream, &err), -1);
    expect_text(&err, "bootstrap.servers is missing");
}

static void a_broker_that_is_not_there_is_told_and_nothing_hangs(void **state)
{
    (void)state;
    const struct leat_stream_setting nowhere[] = {{"bootstrap.servers", "127.0.0.1:1"}, {0}};
    struct leat_stream *stream = open_stream("g", nowhere);
    assert_int_equal(leat_stream_subscribe(stream, "t", NULL), 0);
    bool fatal = true;
    struct leat_error err = await_trouble(stream, &fatal);
    assert_false(fatal);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
    expect_text(&err, "no broker of 127.0.0.1:1 answers: ");
    expect_text(&err, "Connection refused");
    struct leat_fence fence = {0};
    struct leat_reason reason;
    struct leat_produce record = {.topic = "t", .value = text("x"), .timestamp = LEAT_TIME_NONE};
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, &err), 0);
    assert_int_equal(leat_stream_flush(stream, 100, &err), -1);
    expect_text(&err, "1 records are not acknowledged after 100 ms");
    assert_int_equal(fence.outstanding, 1);
    int64_t before = now_ms();
    leat_stream_close(stream);
    assert_true(now_ms() - before < 5000);
}

/* -- on a mock or a real broker --------------------------------------------------------------------------------------- */

static void a_record_comes_back_byte_for_byte(void **state)
{
    (void)state;
    const char *topic = make_topic(1, NULL);
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_header headers[] = {{text("one"), text("1")}, {text("none"), {NULL, 0}}, {text("empty"), {"", 0}}};
    struct leat_produce record = {.topic = topic,
                                  .partition = 0,
                                  .key = text("key"),
                                  .value = {"a\0b", 3},
                                  .headers = headers,
                                  .header_count = 3,
                                  .timestamp = 1700000000123456};
    struct leat_fence fence = {0};
    struct leat_reason reason;
    struct leat_error err = {0};
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, &err), 0);
    record = (struct leat_produce){.topic = topic, .key = {"", 0}, .timestamp = LEAT_TIME_NONE};
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, &err), 0);
    assert_int_equal(fence.outstanding, 2);
    if (leat_stream_flush(stream, MAX_MS, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(fence.outstanding + fence.failed, 0);

    struct leat_reader *reader = open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, false);
    await_head(reader);
    const struct leat_record *head = reader->head;
    assert_string_equal(head->topic, topic);
    assert_int_equal(head->offset, 0);
    assert_int_equal(head->timestamp, 1700000000123000);
    assert_int_equal(head->value.len, 3);
    assert_memory_equal(head->value.data, "a\0b", 3);
    assert_true(leat_bytes_is(head->key, "key"));
    assert_int_equal(head->header_count, 3);
    assert_true(leat_bytes_is(head->headers[0].name, "one"));
    assert_true(leat_bytes_is(head->headers[0].value, "1"));
    assert_null(head->headers[1].value.data);
    assert_non_null(head->headers[2].value.data);
    leat_reader_next(reader);
    await_head(reader);
    assert_null(reader->head->value.data);
    assert_non_null(reader->head->key.data);
    assert_int_equal(reader->head->key.len, 0);
    assert_int_equal(reader->head->header_count, 0);
    leat_reader_next(reader);
    assert_int_equal(reader->position, 2);
    leat_stream_close(stream);
}

static void the_input_is_assigned_read_and_committed_with_metadata(void **state)
{
    (void)state;
    char topic[128], group[64];
    strcpy(topic, make_topic(3, NULL));
    strcpy(group, new_group());
    for (int p = 0; p < 3; p++)
        send_records(topic, p, 100 * p, 100 * p + 50);
    struct leat_stream *stream = open_stream(group, NULL);
    assert_int_equal(leat_stream_subscribe(stream, topic, NULL), 0);
    struct leat_change change = await_change(stream);
    assert_int_equal(change.kind, LEAT_CHANGE_ASSIGNED);
    assert_int_equal(change.count, 3);
    int64_t offset = 0;
    struct leat_buffer metadata = {0};
    assert_int_equal(leat_stream_committed(stream, topic, 1, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, LEAT_OFFSET_NONE);
    struct leat_reader *readers[3];
    for (int p = 0; p < 3; p++)
        readers[p] = open_reader(stream, topic, p, LEAT_OFFSET_NONE, true);
    for (int p = 0; p < 3; p++)
        expect_numbers(readers[p], 100 * p, 100 * p + 50);
    assert_int_equal(leat_stream_commit(stream, topic, 1, 30, "{\"since\":7}", false, NULL), 0);
    assert_int_equal(leat_stream_commit(stream, topic, 1, 50, "{\"since\":8}", true, NULL), 0);
    leat_stream_close(stream);

    stream = open_stream(group, NULL);
    assert_int_equal(leat_stream_committed(stream, topic, 1, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, 50);
    assert_string_equal(leat_buffer_text(&metadata), "{\"since\":8}");
    leat_buffer_reset(&metadata);
    assert_int_equal(leat_stream_committed(stream, topic, 2, &offset, &metadata, NULL), 0);
    assert_int_equal(offset, LEAT_OFFSET_NONE);
    assert_int_equal(metadata.len, 0);
    leat_stream_close(stream);
    leat_buffer_done(&metadata);
}

static void partitions_of_the_input_may_be_opened_one_after_the_other(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(2, NULL));
    send_records(topic, 0, 0, 3000);
    send_records(topic, 1, 5000, 8000);
    struct leat_stream *stream = open_stream(new_group(), NULL);
    assert_int_equal(leat_stream_subscribe(stream, topic, NULL), 0);
    assert_int_equal(await_change(stream).count, 2);
    struct leat_reader *one = open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, true);
    expect_numbers(one, 0, 500); /* a part of what is at hand */
    struct leat_reader *two = open_reader(stream, topic, 1, 1000, true);
    assert_int_equal(two->start, 0);
    expect_numbers(two, 6000, 8000);
    expect_numbers(one, 500, 3000);
    leat_reader_close(two);
    two = open_reader(stream, topic, 1, 2999, true);
    expect_numbers(two, 7999, 8000);
    send_records(topic, 0, 3000, 3001);
    expect_numbers(one, 3000, 3001);
    leat_stream_close(stream);
}

static void an_end_is_reported_with_the_mark_of_its_question(void **state)
{
    (void)state;
    char topic[128], quiet[128];
    strcpy(topic, make_topic(1, NULL));
    strcpy(quiet, make_topic(1, NULL));
    send_records(topic, 0, 0, 5);
    send_records(quiet, 0, 0, 1);
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_reader *reader = open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, false);
    struct leat_reader *ended = open_reader(stream, quiet, 0, LEAT_OFFSET_END, false);
    await_head(reader);
    assert_int_equal(reader->head_mark, 0);
    assert_int_equal(ended->position, 1);
    assert_int_equal(ended->end_mark, 0);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    assert_int_equal(leat_stream_mark(stream), 1);
    assert_int_equal(ended->end_mark, 1);
    assert_true(ended->end_mark > reader->head_mark);
    assert_int_equal(reader->end_mark, 0);
    expect_numbers(reader, 0, 5);
    assert_int_equal(reader->end_mark, 1);
    send_records(quiet, 0, 1, 2);
    expect_numbers(ended, 1, 2);
    assert_int_equal(ended->end_mark, 1);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    assert_int_equal(ended->end_mark, 2);
    assert_int_equal(reader->end_mark, 2);
    leat_stream_close(stream);
}

static void poll_wakes_up_for_data_and_for_acknowledgements(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_fence fence = {0};
    struct leat_reason reason;
    struct leat_produce record = {.topic = topic, .partition = 0, .value = text("0"), .timestamp = LEAT_TIME_NONE};
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, NULL), 0);
    int64_t before = now_ms();
    while (fence.outstanding > 0)
        poll_or_fail(stream, 20000);
    struct leat_reader *reader = open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, false);
    while (reader->head == NULL)
        poll_or_fail(stream, 20000);
    assert_true(now_ms() - before < 10000);
    leat_stream_close(stream);
}

static void two_readers_of_one_partition_do_not_disturb_each_other(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    send_records(topic, 0, 0, 10);
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_reader *one = open_reader(stream, topic, 0, 0, false);
    struct leat_reader *two = open_reader(stream, topic, 0, 5, false);
    expect_numbers(one, 0, 3);
    expect_numbers(two, 5, 10);
    expect_numbers(one, 3, 10);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    await_end(one, 1);
    await_end(two, 1);
    leat_reader_close(one);
    one = open_reader(stream, topic, 0, 9, false);
    expect_numbers(one, 9, 10);
    leat_stream_close(stream);
}

static void a_record_that_is_too_large_is_refused_with_a_reason(void **state)
{
    (void)state;
    const char *topic = make_topic(1, NULL);
    struct leat_stream *stream = open_stream(NULL, NULL);
    char *large = calloc(1, 1500000);
    struct leat_fence fence = {0};
    struct leat_reason reason = {0};
    struct leat_produce record = {.topic = topic, .partition = 0, .value = {large, 1500000}, .timestamp = LEAT_TIME_NONE};
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, NULL), -1);
    assert_int_equal(reason.stage, LEAT_STAGE_PRODUCE);
    assert_non_null(strstr(reason.text, " bytes, and "));
    assert_int_equal(fence.outstanding, 0);
    record.value.len = 1000;
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, NULL), 0);
    assert_int_equal(leat_stream_flush(stream, MAX_MS, NULL), 0);
    assert_int_equal(fence.outstanding + fence.failed, 0);
    free(large);
    leat_stream_close(stream);
}

static void closing_at_any_moment_of_a_change_does_not_hang(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(2, NULL));
    for (int moment = 0; moment < 4; moment++) {
        struct leat_stream *stream = open_stream(new_group(), NULL);
        assert_int_equal(leat_stream_subscribe(stream, topic, NULL), 0);
        if (moment == 1)
            poll_or_fail(stream, 300);
        if (moment >= 2)
            await_change(stream);
        if (moment == 3) {
            open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, true);
            poll_or_fail(stream, 0);
        }
        int64_t before = now_ms();
        leat_stream_close(stream);
        assert_true(now_ms() - before < 10000);
    }
}

/* -- on a real broker only -------------------------------------------------------------------------------------------- */

static void a_topic_that_is_missing_has_no_partitions_and_is_not_made(void **state)
{
    (void)state;
    struct leat_stream *stream = open_stream(new_group(), NULL);
    int32_t count = -1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(leat_stream_partitions(stream, "leat-test-missing", &count, NULL), 0);
        assert_int_equal(count, 0);
    }
    char topic[128];
    strcpy(topic, make_topic(7, NULL));
    assert_int_equal(leat_stream_partitions(stream, topic, &count, NULL), 0);
    assert_int_equal(count, 7);
    struct leat_reader *reader;
    struct leat_error err = {0};
    assert_int_equal(leat_reader_open(stream, topic, 7, 0, false, &reader, &err), -1);
    expect_text(&err, "/7: can not ask for its first and last offset");
    assert_int_equal(leat_stream_subscribe(stream, "leat-test-missing", NULL), 0);
    bool fatal = true;
    err = await_trouble(stream, &fatal);
    assert_false(fatal);
    expect_text(&err, "leat-test-missing");
    leat_stream_close(stream);
}

static void the_end_behind_marks_of_transactions_is_reached(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    rd_kafka_t *rk = new_transactional();
    send_transaction(rk, topic, 3, false); /* 0-2 and the mark 3 */
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_reader *reader = open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, false);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    await_end(reader, 1);
    assert_int_equal(reader->position, 4);
    send_transaction(rk, topic, 2, true);  /* 4-5, 6 */
    send_transaction(rk, topic, 2, false); /* 7-8, 9 */
    await_head(reader);
    assert_int_equal(reader->head->offset, 4);
    leat_reader_next(reader);
    await_head(reader);
    assert_int_equal(reader->head->offset, 5);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    leat_reader_next(reader);
    await_end(reader, 2);
    assert_int_equal(reader->position, 10);

    /* An open transaction holds the end back: what is behind it can not be read yet. */
    assert_null(rd_kafka_begin_transaction(rk));
    send_by(rk, topic, 0, "k", "open", 0);
    rd_kafka_flush(rk, MAX_MS);
    send_records(topic, 0, 0, 1);
    assert_int_equal(leat_stream_ends(stream, NULL), 0);
    await_end(reader, 3);
    assert_int_equal(reader->position, 10);
    assert_null(rd_kafka_abort_transaction(rk, MAX_MS));
    expect_numbers(reader, 0, 1);
    rd_kafka_destroy(rk);
    leat_stream_close(stream);
}

static void the_end_behind_a_gap_of_compaction_is_reached(void **state)
{
    (void)state;
    const char *const config[] = {
        "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.001", "segment.ms", "100",
        "segment.bytes",  "1048576", "max.compaction.lag.ms",     "100",   NULL};
    char topic[128];
    strcpy(topic, make_topic(1, config));
    int64_t first = 0;
    for (int round = 0; round < 60 && first == 0; round++) {
        for (int i = 0; i < 20; i++)
            send_by(raw, topic, 0, "same", "x", 0);
        send_by(raw, topic, 0, "last", "x", 0);
        assert_int_equal(rd_kafka_flush(raw, MAX_MS), 0);
        usleep(500000);
        struct leat_stream *stream = open_stream(NULL, NULL);
        struct leat_reader *reader = open_reader(stream, topic, 0, LEAT_OFFSET_BEGIN, false);
        await_head(reader);
        first = reader->head->offset;
        assert_int_equal(leat_stream_ends(stream, NULL), 0);
        while (reader->end_mark == 0) {
            if (reader->head != NULL)
                leat_reader_next(reader);
            else
                poll_or_fail(stream, 100);
        }
        assert_int_equal(reader->position, (round + 1) * 21);
        leat_stream_close(stream);
    }
    assert_true(first > 0); /* it was compacted */
}

static void delete_before(const char *topic, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
    rd_kafka_DeleteRecords_t *records = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(raw);
    rd_kafka_DeleteRecords(raw, &records, 1, NULL, queue);
    rd_kafka_event_destroy(rd_kafka_queue_poll(queue, MAX_MS));
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(records);
    rd_kafka_topic_partition_list_destroy(list);
}

static void offsets_that_are_gone_are_seen_and_never_passed_over(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    send_records(topic, 0, 0, 10);
    delete_before(topic, 4);
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_reader *reader = open_reader(stream, topic, 0, 2, false);
    assert_int_equal(reader->start, 4);
    assert_int_equal(reader->position, 4);
    expect_numbers(reader, 4, 10);
    leat_reader_close(reader);

    reader = open_reader(stream, topic, 0, 25, false); /* as after a topic was made anew */
    bool fatal = false;
    struct leat_error err = await_trouble(stream, &fatal);
    assert_true(fatal);
    expect_text(&err, "/0: offset 25 is not there: the log reaches from 4 to 10");
    leat_stream_close(stream);
}

static void auto_offset_reset_says_where_a_group_begins(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    send_records(topic, 0, 0, 3);
    const char *const values[] = {"earliest", "latest", "error"};
    for (int i = 0; i < 3; i++) {
        const struct leat_stream_setting settings[] = {{"auto.offset.reset", values[i]}, {0}};
        struct leat_stream *stream = open_stream(new_group(), settings);
        assert_int_equal(leat_stream_subscribe(stream, topic, NULL), 0);
        await_change(stream);
        struct leat_reader *reader = NULL;
        struct leat_error err = {0};
        int status = leat_reader_open(stream, topic, 0, LEAT_OFFSET_NONE, true, &reader, &err);
        assert_int_equal(status, i == 2 ? -1 : 0);
        if (i == 2)
            expect_text(&err, "has no committed offset, and auto.offset.reset is error");
        else
            assert_int_equal(reader->position, i == 0 ? 0 : 3);
        leat_stream_close(stream);
    }
}

static void an_offset_is_found_by_time(void **state)
{
    (void)state;
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    int64_t base = 1700000000000;
    for (int i = 0; i < 5; i++)
        send_by(raw, topic, 0, "k", "x", base + 10 * i);
    assert_int_equal(rd_kafka_flush(raw, MAX_MS), 0);
    struct leat_stream *stream = open_stream(NULL, NULL);
    const int64_t times[] = {0, base * 1000, base * 1000 + 1, (base + 20) * 1000, (base + 41) * 1000};
    const int64_t offsets[] = {0, 0, 1, 2, 5};
    for (int i = 0; i < 5; i++) {
        int64_t offset = -1;
        assert_int_equal(leat_stream_offset_at(stream, topic, 0, times[i], &offset, NULL), 0);
        assert_int_equal(offset, offsets[i]);
    }
    leat_stream_close(stream);
}

static void append_makes_the_topic_and_returns_offsets(void **state)
{
    (void)state;
    char topic[128];
    snprintf(topic, sizeof topic, "leat-test-log-%d", getpid());
    struct leat_stream *stream = open_stream(NULL, NULL);
    struct leat_error err = {0};
    for (int64_t i = 0; i < 3; i++) {
        int64_t offset = -1;
        if (leat_stream_append(stream, topic, text("k"), text("v"), &offset, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(offset, i);
    }
    int32_t count;
    assert_int_equal(leat_stream_partitions(stream, topic, &count, NULL), 0);
    assert_int_equal(count, 1);
    int64_t offset;
    assert_int_equal(leat_stream_append(stream, make_topic(2, NULL), text("k"), text("v"), &offset, &err), -1);
    expect_text(&err, "has 2 partitions, and it must have one");
    leat_stream_close(stream);
}

static void a_topic_that_takes_less_than_the_producer_sends_is_told(void **state)
{
    (void)state;
    const char *const config[] = {"max.message.bytes", "5000", NULL};
    char topic[128];
    strcpy(topic, make_topic(1, config));
    struct leat_stream *stream = open_stream(NULL, NULL);
    char large[6000] = {0};
    struct leat_fence fence = {0};
    struct leat_reason reason = {0};
    struct leat_error err = {0};
    struct leat_produce record = {.topic = topic, .partition = 0, .value = {large, 6000}, .timestamp = LEAT_TIME_NONE};
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, &err), 1);
    expect_text(&err, "set batch.size to 5000 or less");
    leat_stream_close(stream);

    const struct leat_stream_setting settings[] = {{"batch.size", "5000"}, {0}};
    stream = open_stream(NULL, settings);
    assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, &err), -1);
    assert_non_null(strstr(reason.text, "takes at most 5000 (max.message.bytes)"));
    record.value.len = 4900;
    for (int i = 0; i < 50; i++)
        assert_int_equal(leat_stream_produce(stream, &record, &fence, &reason, &err), 0);
    assert_int_equal(leat_stream_flush(stream, MAX_MS, NULL), 0);
    assert_int_equal(fence.outstanding + fence.failed, 0);
    leat_stream_close(stream);
}

/* A member of a group as the engine is one: reads, counts, commits what it has read. */
struct member {
    struct leat_stream *stream;
    const char *topic;
    struct leat_reader *readers[8];
    int assigned, revoked, lost;
    int *seen; /* how often each record was read: partition * 1000 + number */
};

static void answer(struct member *member, const struct leat_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        int32_t partition = change->partitions[i];
        struct leat_reader **reader = &member->readers[partition];
        if (change->kind == LEAT_CHANGE_ASSIGNED) {
            int64_t offset;
            struct leat_buffer metadata = {0};
            assert_int_equal(leat_stream_committed(member->stream, member->topic, partition, &offset, &metadata, NULL),
                             0);
            *reader = open_reader(member->stream, member->topic, partition, offset, true);
            leat_buffer_done(&metadata);
            continue;
        }
        if (change->kind == LEAT_CHANGE_REVOKED && *reader != NULL)
            assert_int_equal(
                leat_stream_commit(member->stream, member->topic, partition, (*reader)->position, "", true, NULL), 0);
        leat_reader_close(*reader);
        *reader = NULL;
    }
    member->assigned += change->kind == LEAT_CHANGE_ASSIGNED;
    member->revoked += change->kind == LEAT_CHANGE_REVOKED;
    member->lost += change->kind == LEAT_CHANGE_LOST;
    if (change->kind != LEAT_CHANGE_ASSIGNED)
        assert_int_equal(leat_stream_acknowledge(member->stream, NULL), 0);
}

static int held(const struct member *member)
{
    int count = 0;
    for (int p = 0; p < 8; p++)
        count += member->readers[p] != NULL;
    return count;
}

static void work(struct member *member, int timeout_ms)
{
    struct leat_change change;
    bool fatal;
    struct leat_error err = {0};
    if (leat_stream_poll(member->stream, timeout_ms, &change, &fatal, &err) < 0) {
        if (fatal)
            fail_msg("%s", err.text);
        return;
    }
    if (change.kind != LEAT_CHANGE_NONE)
        answer(member, &change);
    for (int p = 0; p < 8; p++) {
        struct leat_reader *reader = member->readers[p];
        while (reader != NULL && reader->head != NULL) {
            member->seen[p * 1000 + (int)reader->head->offset]++;
            leat_reader_next(reader);
        }
    }
}

static void work_until(struct member *a, int a_held, struct member *b, int b_held)
{
    int64_t until = now_ms() + MAX_MS;
    while (held(a) != a_held || (b != NULL && held(b) != b_held)) {
        work(a, 20);
        if (b != NULL)
            work(b, 20);
        assert_true(now_ms() < until);
    }
}

static void rebalance(const char *strategy)
{
    char topic[128], group[64];
    int seen[4000] = {0};
    strcpy(topic, make_topic(4, NULL));
    strcpy(group, new_group());
    const struct leat_stream_setting settings[] = {{"partition.assignment.strategy", strategy}, {0}};
    struct member one = {open_stream(group, settings), topic, .seen = seen};
    struct member two = {open_stream(group, settings), topic, .seen = seen};
    for (int p = 0; p < 4; p++)
        send_records(topic, p, 0, 100);
    assert_int_equal(leat_stream_subscribe(one.stream, topic, NULL), 0);
    work_until(&one, 4, NULL, 0);
    for (int i = 0; i < 20; i++)
        work(&one, 20);
    assert_int_equal(leat_stream_subscribe(two.stream, topic, NULL), 0);
    work_until(&one, 2, &two, 2);
    assert_true(one.revoked >= 1);
    for (int p = 0; p < 4; p++)
        send_records(topic, p, 100, 200);
    for (int i = 0; i < 30; i++) {
        work(&one, 20);
        work(&two, 20);
    }
    for (int p = 0; p < 4; p++) { /* the second one leaves in good order */
        if (two.readers[p] != NULL)
            assert_int_equal(leat_stream_commit(two.stream, topic, p, two.readers[p]->position, "", true, NULL), 0);
    }
    leat_stream_close(two.stream);
    work_until(&one, 4, NULL, 0);
    for (int p = 0; p < 4; p++)
        send_records(topic, p, 200, 300);
    for (int64_t until = now_ms() + MAX_MS; now_ms() < until;) {
        int total = 0;
        for (int i = 0; i < 4000; i++)
            total += seen[i];
        if (total >= 1200)
            break;
        work(&one, 50);
    }
    for (int p = 0; p < 4; p++) {
        for (int i = 0; i < 300; i++)
            assert_int_equal(seen[1000 * p + i], 1);
    }
    assert_int_equal(one.lost, 0);
    leat_stream_close(one.stream);
}

static void partitions_move_between_members_without_loss_or_repetition(void **state)
{
    (void)state;
    rebalance("range");
}

static void so_they_do_with_the_cooperative_protocol(void **state)
{
    (void)state;
    rebalance("cooperative-sticky");
}

static void a_member_that_did_not_poll_in_time_is_told_that_it_lost_its_partitions(void **state)
{
    (void)state;
    int seen[1000] = {0};
    char topic[128];
    strcpy(topic, make_topic(1, NULL));
    const struct leat_stream_setting settings[] = {{"max.poll.interval.ms", "2000"}, {"session.timeout.ms", "2000"}, {0}};
    struct member one = {open_stream(new_group(), settings), topic, .seen = seen};
    assert_int_equal(leat_stream_subscribe(one.stream, topic, NULL), 0);
    work_until(&one, 1, NULL, 0);
    work(&one, 20);
    sleep(4);
    for (int64_t until = now_ms() + MAX_MS; one.lost == 0 && now_ms() < until;)
        work(&one, 20);
    assert_int_equal(one.lost, 1);
    work_until(&one, 1, NULL, 0); /* and it comes back */
    leat_stream_close(one.stream);
}

static void a_restart_of_the_broker_is_ridden_out(void **state)
{
    (void)state;
    const char *restart = getenv("LEAT_KAFKA_RESTART");
    if (restart == NULL)
        skip();
    char topic[128];
    int seen[1000] = {0};
    strcpy(topic, make_topic(1, NULL));
    struct member one = {open_stream(new_group(), NULL), topic, .seen = seen};
    assert_int_equal(leat_stream_subscribe(one.stream, topic, NULL), 0);
    work_until(&one, 1, NULL, 0);
    struct leat_fence fence = {0};
    struct leat_reason reason;
    struct leat_error err = {0};
    struct leat_produce record = {.topic = topic, .partition = 0, .value = text("x"), .timestamp = LEAT_TIME_NONE};
    for (int i = 0; i < 900; i++) {
        assert_int_equal(leat_stream_produce(one.stream, &record, &fence, &reason, &err), 0);
        if (i == 300) {
            char command[600];
            snprintf(command, sizeof command, "(%s) >/dev/null 2>&1 &", restart);
            assert_int_equal(system(command), 0);
        }
        if (i % 30 == 0)
            work(&one, 200);
    }
    int total = 0;
    for (int64_t until = now_ms() + 60000; (fence.outstanding > 0 || total < 900) && now_ms() < until;) {
        work(&one, 100);
        total = 0;
        for (int i = 0; i < 1000; i++)
            total += seen[i];
    }
    assert_int_equal(fence.outstanding + fence.failed, 0);
    assert_int_equal(total, 900);
    for (int i = 0; i < 900; i++)
        assert_int_equal(seen[i], 1);
    leat_stream_close(one.stream);
}

int main(void)
{
    const struct CMUnitTest both[] = {
        cmocka_unit_test(settings_that_can_not_be_are_refused_with_what_was_meant),
        cmocka_unit_test(a_broker_that_is_not_there_is_told_and_nothing_hangs),
        cmocka_unit_test(a_record_comes_back_byte_for_byte),
        cmocka_unit_test(the_input_is_assigned_read_and_committed_with_metadata),
        cmocka_unit_test(an_end_is_reported_with_the_mark_of_its_question),
        cmocka_unit_test(two_readers_of_one_partition_do_not_disturb_each_other),
    };
    const struct CMUnitTest real[] = {
        cmocka_unit_test(closing_at_any_moment_of_a_change_does_not_hang),
        cmocka_unit_test(a_record_that_is_too_large_is_refused_with_a_reason),
        cmocka_unit_test(poll_wakes_up_for_data_and_for_acknowledgements),
        cmocka_unit_test(partitions_of_the_input_may_be_opened_one_after_the_other),
        cmocka_unit_test(a_topic_that_is_missing_has_no_partitions_and_is_not_made),
        cmocka_unit_test(the_end_behind_marks_of_transactions_is_reached),
        cmocka_unit_test(the_end_behind_a_gap_of_compaction_is_reached),
        cmocka_unit_test(offsets_that_are_gone_are_seen_and_never_passed_over),
        cmocka_unit_test(auto_offset_reset_says_where_a_group_begins),
        cmocka_unit_test(an_offset_is_found_by_time),
        cmocka_unit_test(append_makes_the_topic_and_returns_offsets),
        cmocka_unit_test(a_topic_that_takes_less_than_the_producer_sends_is_told),
        cmocka_unit_test(partitions_move_between_members_without_loss_or_repetition),
        cmocka_unit_test(so_they_do_with_the_cooperative_protocol),
        cmocka_unit_test(a_member_that_did_not_poll_in_time_is_told_that_it_lost_its_partitions),
        cmocka_unit_test(a_restart_of_the_broker_is_ridden_out),
    };
#ifdef __SANITIZE_THREAD__ /* librdkafka makes its threads by C11's calls, which ThreadSanitizer does not know: it crashes */
    puts("ok streams on Kafka # SKIP under ThreadSanitizer");
    return 0;
#endif
    servers = getenv("LEAT_KAFKA");
    rd_kafka_t *dummy = NULL;
    if (servers == NULL) {
        char error[512];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", error, sizeof error); /* never asked */
        rd_kafka_conf_set(conf, "log_level", "0", error, sizeof error);
        dummy = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
        mock = rd_kafka_mock_cluster_new(dummy, 1);
        servers = rd_kafka_mock_cluster_bootstraps(mock);
    }
    raw = new_producer(NULL);
    int failed = cmocka_run_group_tests(both, NULL, NULL);
    if (mock == NULL)
        failed += cmocka_run_group_tests(real, NULL, NULL);
    rd_kafka_destroy(raw);
    if (mock != NULL) {
        rd_kafka_mock_cluster_destroy(mock);
        rd_kafka_destroy(dummy);
    }
    return failed;
}
