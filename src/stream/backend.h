/* One kind of stream (Kafka, files, memory) as stream.c sees it: a const struct of functions with the meaning that
 * stream.h gives to the calls of the same names. Each kind embeds struct leat_stream, and struct leat_reader, as the
 * first member of its own. */
#ifndef LEAT_STREAM_BACKEND_H
#define LEAT_STREAM_BACKEND_H

#include "stream/stream.h"

struct leat_stream_backend {
    int (*open)(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err);
    void (*close)(struct leat_stream *stream);

    int (*subscribe)(struct leat_stream *stream, const char *topic, struct leat_error *err);
    int (*poll)(struct leat_stream *stream, int timeout_ms, struct leat_change *ret, bool *ret_fatal,
                struct leat_error *err);
    int (*acknowledge)(struct leat_stream *stream, struct leat_error *err);
    int (*committed)(struct leat_stream *stream, const char *topic, int32_t partition, int64_t *ret_offset,
                     struct leat_buffer *ret_metadata, struct leat_error *err);
    int (*commit)(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset,
                  const char *metadata, bool sync, struct leat_error *err);

    int (*partitions)(struct leat_stream *stream, const char *topic, int32_t *ret_count, struct leat_error *err);
    int (*reader_open)(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset, bool group,
                       struct leat_reader **ret, struct leat_error *err);
    void (*reader_close)(struct leat_reader *reader);
    void (*fill)(struct leat_reader *reader);
    void (*next)(struct leat_reader *reader);
    int (*offset_at)(struct leat_stream *stream, const char *topic, int32_t partition, int64_t time,
                     int64_t *ret_offset, struct leat_error *err);
    int (*ends)(struct leat_stream *stream, struct leat_error *err);

    int (*produce)(struct leat_stream *stream, const struct leat_produce *record, struct leat_fence *fence,
                   struct leat_reason *reason, struct leat_error *err);
    int (*flush)(struct leat_stream *stream, int timeout_ms, struct leat_error *err);
    int (*append)(struct leat_stream *stream, const char *topic, struct leat_bytes key, struct leat_bytes value,
                  int64_t *ret_offset, struct leat_error *err);
};

struct leat_stream {
    const struct leat_stream_backend *backend;
    uint64_t mark;
};

extern const struct leat_stream_backend leat_stream_kafka, leat_stream_files, leat_stream_memory;

#endif
