#include "stream/stream.h"

#include "stream/backend.h"

static const struct leat_stream_backend *const backends[] = {
    [LEAT_STREAM_KAFKA] = &leat_stream_kafka,
    [LEAT_STREAM_FILES] = &leat_stream_files,
    [LEAT_STREAM_MEMORY] = &leat_stream_memory,
};

int leat_stream_open(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err)
{
    leat_assert((size_t)config->kind < sizeof backends / sizeof *backends);
    return backends[config->kind]->open(config, ret, err);
}

void leat_stream_close(struct leat_stream *stream)
{
    if (stream != NULL)
        stream->backend->close(stream);
}

int leat_stream_subscribe(struct leat_stream *stream, const char *topic, struct leat_error *err)
{
    return stream->backend->subscribe(stream, topic, err);
}

int leat_stream_poll(struct leat_stream *stream, int timeout_ms, struct leat_change *ret, bool *ret_fatal,
                     struct leat_error *err)
{
    *ret = (struct leat_change){.kind = LEAT_CHANGE_NONE};
    *ret_fatal = false;
    return stream->backend->poll(stream, timeout_ms, ret, ret_fatal, err);
}

int leat_stream_acknowledge(struct leat_stream *stream, struct leat_error *err)
{
    return stream->backend->acknowledge(stream, err);
}

int leat_stream_committed(struct leat_stream *stream, const char *topic, int32_t partition, int64_t *ret_offset,
                          struct leat_buffer *ret_metadata, struct leat_error *err)
{
    return stream->backend->committed(stream, topic, partition, ret_offset, ret_metadata, err);
}

int leat_stream_commit(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata, bool sync, struct leat_error *err)
{
    leat_assert(offset >= 0);
    return stream->backend->commit(stream, topic, partition, offset, metadata, sync, err);
}

int leat_stream_partitions(struct leat_stream *stream, const char *topic, int32_t *ret_count, struct leat_error *err)
{
    return stream->backend->partitions(stream, topic, ret_count, err);
}

int leat_reader_open(struct leat_stream *stream, const char *topic, int32_t partition, int64_t offset, bool group,
                     struct leat_reader **ret, struct leat_error *err)
{
    leat_assert(partition >= 0);
    leat_assert(offset >= 0 || offset == LEAT_OFFSET_BEGIN || offset == LEAT_OFFSET_END || offset == LEAT_OFFSET_NONE);
    return stream->backend->reader_open(stream, topic, partition, offset, group, ret, err);
}

void leat_reader_close(struct leat_reader *reader)
{
    if (reader != NULL)
        reader->stream->backend->reader_close(reader);
}

void leat_reader_fill(struct leat_reader *reader)
{
    if (reader->head == NULL)
        reader->stream->backend->fill(reader);
}

void leat_reader_next(struct leat_reader *reader)
{
    leat_assert(reader->head != NULL);
    reader->stream->backend->next(reader);
}

int leat_stream_offset_at(struct leat_stream *stream, const char *topic, int32_t partition, int64_t time,
                          int64_t *ret_offset, struct leat_error *err)
{
    return stream->backend->offset_at(stream, topic, partition, time, ret_offset, err);
}

int leat_stream_ends(struct leat_stream *stream, struct leat_error *err)
{
    return stream->backend->ends(stream, err);
}

uint64_t leat_stream_mark(const struct leat_stream *stream)
{
    return stream->mark;
}

int leat_stream_produce(struct leat_stream *stream, const struct leat_produce *record, struct leat_fence *fence,
                        struct leat_reason *reason, struct leat_error *err)
{
    return stream->backend->produce(stream, record, fence, reason, err);
}

int leat_stream_flush(struct leat_stream *stream, int timeout_ms, struct leat_error *err)
{
    return stream->backend->flush(stream, timeout_ms, err);
}

int leat_stream_append(struct leat_stream *stream, const char *topic, struct leat_bytes key, struct leat_bytes value,
                       int64_t *ret_offset, struct leat_error *err)
{
    return stream->backend->append(stream, topic, key, value, ret_offset, err);
}
