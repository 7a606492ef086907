/* Kafka by librdkafka: opening, closing and waiting. kafka_inside.h says how it is laid out. */
#include "stream/kafka_inside.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int64_t kafka_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void kafka_close(struct leat_stream *base)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    while (stream->readers != NULL)
        kafka_reader_close(&stream->readers->base);
    kafka_group_close(stream);
    kafka_sink_close(stream);
    while (stream->plain != NULL) {
        struct kafka_client *client = stream->plain;
        stream->plain = client->next;
        kafka_client_free(client);
    }
    if (stream->wake >= 0)
        close(stream->wake);
    free(stream->assigned);
    free(stream->change_partitions);
    leat_arena_done(&stream->arena);
    free(stream);
}

static int kafka_open(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err)
{
    struct kafka_stream *stream = leat_calloc(1, sizeof *stream);
    stream->base.backend = &leat_stream_kafka;
    stream->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stream->wake < 0)
        leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no descriptor for waking up: %s", strerror(errno));
    if (stream->wake < 0 || kafka_client_settings(stream, config, err) < 0 ||
        kafka_client_make(stream, KAFKA_PLAIN, &stream->plain, err) < 0) {
        kafka_close(&stream->base);
        return -1;
    }
    *ret = &stream->base;
    return 0;
}

/* Serves all callbacks, fills the readers; true when there is something new to look at. */
static bool serve(struct kafka_stream *stream)
{
    uint64_t acknowledged = stream->acknowledged;
    if (stream->group_client != NULL)
        kafka_group_serve(stream);
    for (struct kafka_client *client = stream->plain; client != NULL; client = client->next)
        rd_kafka_poll(client->rk, 0);
    if (stream->producer != NULL)
        rd_kafka_poll(stream->producer->rk, 0);
    if (stream->appender != NULL)
        rd_kafka_poll(stream->appender->rk, 0);
    bool filled = false;
    for (struct kafka_reader *reader = stream->readers; reader != NULL; reader = reader->next) {
        if (reader->base.head != NULL)
            continue;
        uint64_t end_mark = reader->base.end_mark;
        kafka_reader_fill(&reader->base);
        filled = filled || reader->base.head != NULL || reader->base.end_mark != end_mark;
    }
    return filled || stream->acknowledged != acknowledged || stream->change.kind != LEAT_CHANGE_NONE;
}

static int tell_trouble(struct kafka_stream *stream, bool *ret_fatal, struct leat_error *err)
{
    *ret_fatal = stream->fatal;
    if (err != NULL)
        *err = stream->trouble;
    if (!stream->fatal)
        stream->trouble.kind = LEAT_ERROR_NONE;
    return -1;
}

static void hand_out(struct kafka_stream *stream, struct leat_change *ret)
{
    *ret = stream->change;
    stream->unanswered = ret->kind == LEAT_CHANGE_REVOKED || ret->kind == LEAT_CHANGE_LOST;
    if (!stream->unanswered)
        stream->change.kind = LEAT_CHANGE_NONE;
}

static int kafka_poll(struct leat_stream *base, int timeout_ms, struct leat_change *ret, bool *ret_fatal,
                      struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    leat_assert(!stream->unanswered);
    if (kafka_group_apply(stream, err) < 0)
        return -1;
    int64_t until = timeout_ms > 0 ? kafka_now_ms() + timeout_ms : 0;
    for (;;) {
        /* Emptied before the queues are: what comes later wakes us again. */
        uint64_t woken;
        ssize_t ignored = read(stream->wake, &woken, sizeof woken);
        (void)ignored;
        bool news = serve(stream);
        if (stream->trouble.kind != LEAT_ERROR_NONE)
            return tell_trouble(stream, ret_fatal, err);
        int64_t left = timeout_ms > 0 && !news ? until - kafka_now_ms() : 0;
        if (left <= 0)
            break;
        struct pollfd fd = {.fd = stream->wake, .events = POLLIN};
        poll(&fd, 1, (int)left);
    }
    hand_out(stream, ret);
    return 0;
}

const struct leat_stream_backend leat_stream_kafka = {
    .open = kafka_open,
    .close = kafka_close,
    .subscribe = kafka_group_subscribe,
    .poll = kafka_poll,
    .acknowledge = kafka_group_acknowledge,
    .committed = kafka_group_committed,
    .commit = kafka_group_commit,
    .partitions = kafka_partitions,
    .reader_open = kafka_reader_open,
    .reader_close = kafka_reader_close,
    .fill = kafka_reader_fill,
    .next = kafka_reader_next,
    .offset_at = kafka_offset_at,
    .ends = kafka_ends,
    .produce = kafka_sink_produce,
    .flush = kafka_sink_flush,
    .append = kafka_sink_append,
};
