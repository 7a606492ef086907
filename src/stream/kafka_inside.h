/* What the files of the Kafka backend share: kafka.c (opening, polling), kafka_client.c (librdkafka's handles and their
 * settings), kafka_group.c (the consumer group), kafka_reader.c (partitions), kafka_sink.c (producing).
 *
 * One stream has up to four kinds of handle: the group's consumer, which reads nothing but the input; plain consumers
 * without a group for everything else; the producer; and an appender that waits for each record. All are made when they
 * are first needed, but for one plain consumer. Their queues wake one eventfd that leat_stream_poll waits on. All
 * callbacks but log_cb run in the thread that owns the stream, within its calls. */
#ifndef LEAT_STREAM_KAFKA_INSIDE_H
#define LEAT_STREAM_KAFKA_INSIDE_H

#include "base/arena.h"
#include "stream/backend.h"

#include <librdkafka/rdkafka.h>

#define KAFKA_QUERY_MS 10000 /* how long the answer to a question is waited for */
#define KAFKA_RING 1000      /* messages taken from a partition's queue at once */

enum kafka_role { KAFKA_GROUP, KAFKA_PLAIN, KAFKA_PRODUCER, KAFKA_APPENDER };

struct kafka_client {
    struct kafka_client *next; /* of the plain ones */
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* callbacks; wakes the eventfd */
};

struct kafka_reader {
    struct leat_reader base;
    struct kafka_reader *next;
    struct kafka_client *client;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *topic; /* of a plain reader */
    bool group;
    bool fetching; /* handed to the client */

    rd_kafka_message_t *ring[KAFKA_RING];
    size_t at, count;
    uint64_t ring_mark;
    struct leat_record record;
    struct leat_header *headers;
    size_t header_room;
    size_t taken_bytes, taken_count; /* since the fetcher was woken */

    int64_t asked_end; /* the answer to the last question for the ends */
    uint64_t asked_mark;
};

/* A topic that is produced to. */
struct kafka_topic {
    struct kafka_topic *next;
    const char *name;
    rd_kafka_topic_t *topic;
    size_t bytes_max; /* of a batch, by the topic's own setting; SIZE_MAX: unknown */
};

struct kafka_assigned {
    int32_t partition;
    struct kafka_reader *reader; /* NULL: not open yet */
};

struct kafka_stream {
    struct leat_stream base;
    struct leat_arena arena;
    struct leat_stream_setting *settings;
    size_t setting_count;
    const char *client_id, *group, *servers;
    int64_t reset;      /* auto.offset.reset: LEAT_OFFSET_BEGIN, _END, or _NONE for an error */
    bool debug;         /* the client's log goes to standard error */
    size_t queue_bytes; /* that the client holds of a partition before it stops fetching */
    int wake;           /* eventfd */

    struct kafka_client *group_client, *plain, *producer, *appender;
    struct kafka_reader *readers;

    const char *subscribed;
    struct kafka_assigned *assigned; /* what the group has given us */
    size_t assigned_count;
    bool assign_due; /* what is assigned or open has changed since the client was told */
    bool answer_due; /* the client waits to be told, even if there is nothing to fetch */
    bool unanswered; /* a revocation was handed out and waits for the acknowledge */
    bool closing;
    struct leat_change change; /* to be handed out by the next poll */
    int32_t *change_partitions;

    struct kafka_topic *topics;
    uint64_t acknowledged; /* records, ever */
    bool appended;         /* the appender's record was answered: */
    rd_kafka_resp_err_t append_error;
    int64_t append_offset;

    struct leat_error trouble; /* for the next poll; kind NONE: nothing */
    bool fatal;                /* and it stays */
    char last_reason[512];     /* what the client said when a connection failed */
};

static inline struct kafka_stream *kafka_stream_of(struct leat_stream *stream)
{
    return (struct kafka_stream *)stream;
}

static inline struct kafka_reader *kafka_reader_of(struct leat_reader *reader)
{
    return (struct kafka_reader *)reader;
}

int64_t kafka_now_ms(void);

/* kafka_client.c */
int kafka_client_settings(struct kafka_stream *stream, const struct leat_stream_config *config, struct leat_error *err);
int kafka_client_make(struct kafka_stream *stream, enum kafka_role role, struct kafka_client **ret,
                      struct leat_error *err);
void kafka_client_free(struct kafka_client *client); /* NULL is fine; closes no group */
/* The next poll tells it. Later ones replace earlier ones, but none a fatal one. */
void kafka_trouble(struct kafka_stream *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
void kafka_trouble_fatal(struct kafka_stream *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "what: the client's words", with the reason of the last failed connection when it explains it; returns -1. */
int kafka_error(const struct kafka_stream *stream, struct leat_error *err, rd_kafka_resp_err_t code, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* kafka_group.c */
int kafka_group_subscribe(struct leat_stream *stream, const char *topic, struct leat_error *err);
void kafka_group_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                            void *opaque);
void kafka_group_serve(struct kafka_stream *stream);
int kafka_group_apply(struct kafka_stream *stream, struct leat_error *err);
int kafka_group_acknowledge(struct leat_stream *stream, struct leat_error *err);
int kafka_group_committed(struct leat_stream *stream, const char *topic, int32_t partition, int64_t *ret_offset,
                          struct leat_buffer *ret_metadata, struct leat_error *err);
int kafka_group_commit(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata, bool sync, struct leat_error *err);
void kafka_group_close(struct kafka_stream *stream);
struct kafka_assigned *kafka_group_find(struct kafka_stream *stream, int32_t partition);

/* kafka_reader.c */
int kafka_partitions(struct leat_stream *stream, const char *topic, int32_t *ret_count, struct leat_error *err);
int kafka_reader_open(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset, bool group,
                      struct leat_reader **ret, struct leat_error *err);
void kafka_reader_close(struct leat_reader *reader);
void kafka_reader_fill(struct leat_reader *reader);
void kafka_reader_next(struct leat_reader *reader);
int64_t kafka_reader_fetch_from(const struct kafka_reader *reader); /* the first offset that is not at hand */
int kafka_offset_at(struct leat_stream *stream, const char *topic, int32_t partition, int64_t time, int64_t *ret_offset,
                    struct leat_error *err);
int kafka_ends(struct leat_stream *stream, struct leat_error *err);

/* kafka_sink.c */
void kafka_sink_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);
int kafka_sink_produce(struct leat_stream *stream, const struct leat_produce *record, struct leat_fence *fence,
                       struct leat_reason *reason, struct leat_error *err);
int kafka_sink_flush(struct leat_stream *stream, int timeout_ms, struct leat_error *err);
int kafka_sink_append(struct leat_stream *stream, const char *topic, struct leat_bytes key, struct leat_bytes value,
                      int64_t *ret_offset, struct leat_error *err);
void kafka_sink_close(struct kafka_stream *stream);

#endif
