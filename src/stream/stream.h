/* Sources and sinks behind one small interface: Kafka, files, memory.
 *
 * A leat_stream is one worker's connection, used by one thread. Logs are read through readers, each on one partition of one
 * topic with a head that is looked at before it is taken, for the engine merges many logs by event time. What is
 * read by the consumer group (the input) comes and goes by assignment changes; everything else is opened at an offset.
 *
 * "At its end" is a statement with a time: leat_stream_ends asks the source for all ends and moves the mark; a reader
 * whose position has reached that end has end_mark = the mark of that question, and each record carries the mark that held when it was
 * fetched. So `reader->end_mark > record's mark` means: this log's end was reported after that record was read. */
#ifndef LEAT_STREAM_STREAM_H
#define LEAT_STREAM_STREAM_H

#include "base/error.h"
#include "event/codec.h"
#include "event/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAT_OFFSET_BEGIN INT64_C(-2)   /* the log's start */
#define LEAT_OFFSET_END INT64_C(-1)     /* its end as of now */
#define LEAT_OFFSET_NONE INT64_C(-1001) /* none; opens where auto.offset.reset says (FILES: at the start) */

struct leat_stream_setting {
    const char *name, *value; /* librdkafka's names */
};

enum leat_stream_kind { LEAT_STREAM_KAFKA, LEAT_STREAM_FILES, LEAT_STREAM_MEMORY };

struct leat_stream_config {
    enum leat_stream_kind kind;
    const struct leat_stream_setting *settings; /* KAFKA */
    size_t setting_count;
    const char *client_id;
    const char *group; /* consumer group; FILES: name of the file with commits */
    /* FILES: <folder>/<topic>.jsonl, <topic>.<partition>.jsonl; .csv; each also .gz and .zst (reading) */
    const char *folder;
    /* FILES: single topics elsewhere: a path, or "-" for standard input and output. Ends with a NULL topic; may be NULL.
     * `csv`: it begins with a header line although its name does not end in .csv. */
    const struct leat_stream_override {
        const char *topic, *path;
        bool csv;
    } * overrides;
    struct leat_memory_log *memory; /* MEMORY */
    bool follow;                    /* FILES, MEMORY: false: the end of a log is final */
};

struct leat_stream;

int leat_stream_open(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err);
/* Gives up assignments, flushes nothing: call leat_stream_flush before. NULL is fine. */
void leat_stream_close(struct leat_stream *stream);

/* A reader on one partition. Fields are read by the caller, written by the stream. */
struct leat_reader {
    const char *topic;
    int32_t partition;
    const struct leat_record *head; /* NULL: nothing at hand. Valid until leat_reader_next or _close */
    uint64_t head_mark;             /* mark when the head was fetched */
    uint64_t end_mark;              /* 0: not at its end; UINT64_MAX: at its end for good (a file) */
    int64_t position;               /* offset of the next record to be taken (gaps jump) */
    int64_t start;                  /* the log's earliest offset when it was opened */
    struct leat_bytes header;       /* a CSV file's first line (there with the first head); empty otherwise */
    struct leat_stream *stream;
};

/* -- the input: consumer group ------------------------------------------------------------------------------------ */

enum leat_change_kind { LEAT_CHANGE_NONE, LEAT_CHANGE_ASSIGNED, LEAT_CHANGE_REVOKED, LEAT_CHANGE_LOST };

struct leat_change {
    enum leat_change_kind kind;
    const int32_t *partitions; /* valid until the next poll */
    size_t count;
};

/* Joins the group (FILES: all partitions are assigned at the next poll). */
int leat_stream_subscribe(struct leat_stream *stream, const char *topic, struct leat_error *err);
/* Serves callbacks, waits at most timeout_ms for data at any reader that has no head, for an acknowledgement of what
 * was produced, or for a change. A REVOKED or LOST change must be answered (commit, close its group readers) and then
 * acknowledged before the next poll; the partitions of an ASSIGNED one are fetched as soon as they are opened.
 * Errors: the environment's, after which polling again is right (the text says what the client said); fatal ones set
 * *ret_fatal. What goes wrong in a reader's fill is told here too. */
int leat_stream_poll(struct leat_stream *stream, int timeout_ms, struct leat_change *ret, bool *ret_fatal,
                     struct leat_error *err);
int leat_stream_acknowledge(struct leat_stream *stream, struct leat_error *err);

/* Committed offset (LEAT_OFFSET_NONE: none) and its metadata (text, appended to *ret_metadata) of an assigned partition. */
int leat_stream_committed(struct leat_stream *stream, const char *topic, int32_t partition, int64_t *ret_offset,
                          struct leat_buffer *ret_metadata, struct leat_error *err);
/* Commits: `offset` is the next to be read. Asynchronous in Kafka; sync waits for the broker's answer. */
int leat_stream_commit(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata, bool sync, struct leat_error *err);

/* -- readers ------------------------------------------------------------------------------------------------------ */

/* Number of partitions; 0: the topic does not exist. */
int leat_stream_partitions(struct leat_stream *stream, const char *topic, int32_t *ret_count, struct leat_error *err);
/* Opens at an offset, LEAT_OFFSET_BEGIN, _END or _NONE. `group`: the partition is one that was assigned by subscribe. An
 * offset before the log's start opens at the start: the caller sees start > offset, and says so where that is a loss. One
 * beyond the end is a fatal error of a later poll. */
int leat_reader_open(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset, bool group,
                     struct leat_reader **ret, struct leat_error *err);
void leat_reader_close(struct leat_reader *reader); /* NULL is fine */
/* Tries to have a head; returns at once. */
void leat_reader_fill(struct leat_reader *reader);
/* Takes the head (its memory may go) and fills again. */
void leat_reader_next(struct leat_reader *reader);
/* The first offset whose record's timestamp is at or after `time`; the end if none is. FILES: LEAT_OFFSET_BEGIN. */
int leat_stream_offset_at(struct leat_stream *stream, const char *topic, int32_t partition, int64_t time,
                          int64_t *ret_offset, struct leat_error *err);
/* Asks for the ends of all open readers that are not the group's: one round trip. Moves the mark and sets end_mark. */
int leat_stream_ends(struct leat_stream *stream, struct leat_error *err);
uint64_t leat_stream_mark(const struct leat_stream *stream);

/* -- sinks -------------------------------------------------------------------------------------------------------- */

/* Counts what is on its way: an offset may be committed when the fence of all that came from it is at 0. */
struct leat_fence {
    uint64_t outstanding;
    uint64_t failed; /* given up for good by the client: the environment's failure; do not commit */
};

struct leat_produce {
    const char *topic;
    int32_t partition;            /* −1: by key, as Java clients do (murmur2); without a key, any */
    struct leat_bytes key, value; /* data NULL: null */
    const struct leat_header *headers;
    size_t header_count;
    int64_t timestamp; /* µs; LEAT_TIME_NONE: now */
    bool envelope;     /* FILES: write key, value and headers as one JSON object (dead letters), not the value alone */
};

/* Copies and queues. 0; −1: *reason (stage PRODUCE: too large for the topic), nothing is queued. Waits while the queue
 * is full (serving callbacks), for ten seconds at most: then 1, nothing is queued, and trying again is right.
 * fence may be NULL; it must stay until it is at 0 or the stream is closed. */
int leat_stream_produce(struct leat_stream *stream, const struct leat_produce *record, struct leat_fence *fence,
                        struct leat_reason *reason, struct leat_error *err); /* 1: the environment's error, in *err */
/* Waits until all that was queued is acknowledged (FILES: written to the system). Until then it is in no file: poll
 * writes what has waited for a while, or all when it is given time to wait. */
int leat_stream_flush(struct leat_stream *stream, int timeout_ms, struct leat_error *err);
/* Appends one record to partition 0 and waits for its offset. Makes the topic when it is absent (one partition,
 * retention unlimited): for the control log. FILES: the value alone is written, and synced. */
int leat_stream_append(struct leat_stream *stream, const char *topic, struct leat_bytes key, struct leat_bytes value,
                       int64_t *ret_offset, struct leat_error *err);

/* -- memory: logs in the process, for tests and `leat test` -------------------------------------------------------- */

struct leat_memory_log;
struct leat_memory_log *leat_memory_new(void); /* shared by streams; one thread, or locked by the caller */
void leat_memory_free(struct leat_memory_log *memory);
int64_t leat_memory_append(struct leat_memory_log *memory, const char *topic, int32_t partition, struct leat_bytes key,
                           struct leat_bytes value, int64_t timestamp); /* returns the offset */
size_t leat_memory_count(const struct leat_memory_log *memory, const char *topic, int32_t partition);
/* Plays retention: records before `start` are gone. */
void leat_memory_trim(struct leat_memory_log *memory, const char *topic, int32_t partition, int64_t start);
void leat_memory_topic(struct leat_memory_log *memory, const char *topic, int32_t partitions); /* at least so many */
/* Plays a group's change: the stream's next poll returns it. */
void leat_memory_change(struct leat_stream *stream, enum leat_change_kind kind, const int32_t *partitions, size_t count);
const struct leat_record *leat_memory_get(const struct leat_memory_log *memory, const char *topic, int32_t partition,
                                          int64_t offset); /* NULL beyond the end */

#endif
