/* Logs in the process: the plainest backend, and the one that says what the others should do. Commits belong to the
 * logs, so they outlive a stream; several streams may share the logs. */
#include "stream/stream.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/time.h"
#include "event/reason.h"
#include "stream/backend.h"

#include <stdlib.h>
#include <string.h>

struct memory_topic {
    const char *name;
    struct memory_log {
        const struct leat_record **records;
        size_t count, room;
        int64_t start; /* records before it are gone */
    } * logs;
    int32_t log_count;
};

struct memory_commit {
    const char *group, *topic;
    int32_t partition;
    int64_t offset;
    char *metadata;
};

struct leat_memory_log {
    struct leat_arena arena; /* of records and names */
    struct memory_topic *topics;
    size_t topic_count;
    struct memory_commit *commits;
    size_t commit_count;
};

struct leat_memory_log *leat_memory_new(void)
{
    return leat_calloc(1, sizeof(struct leat_memory_log));
}

void leat_memory_free(struct leat_memory_log *memory)
{
    if (memory == NULL)
        return;
    for (size_t i = 0; i < memory->topic_count; i++) {
        for (int32_t p = 0; p < memory->topics[i].log_count; p++)
            free(memory->topics[i].logs[p].records);
        free(memory->topics[i].logs);
    }
    for (size_t i = 0; i < memory->commit_count; i++)
        free(memory->commits[i].metadata);
    free(memory->topics);
    free(memory->commits);
    leat_arena_done(&memory->arena);
    free(memory);
}

static struct memory_topic *find_topic(const struct leat_memory_log *memory, const char *name)
{
    for (size_t i = 0; i < memory->topic_count; i++) {
        if (strcmp(memory->topics[i].name, name) == 0)
            return &memory->topics[i];
    }
    return NULL;
}

static const struct memory_log *find_log(const struct leat_memory_log *memory, const char *name, int32_t partition)
{
    const struct memory_topic *topic = find_topic(memory, name);
    return topic != NULL && partition >= 0 && partition < topic->log_count ? &topic->logs[partition] : NULL;
}

static struct memory_topic *make_topic(struct leat_memory_log *memory, const char *name, int32_t partitions)
{
    struct memory_topic *topic = find_topic(memory, name);
    if (topic == NULL) {
        memory->topics = leat_realloc(memory->topics, memory->topic_count + 1, sizeof *memory->topics);
        topic = &memory->topics[memory->topic_count++];
        *topic = (struct memory_topic){.name = leat_arena_strdup(&memory->arena, name)};
    }
    if (topic->log_count < partitions) {
        topic->logs = leat_realloc(topic->logs, (size_t)partitions, sizeof *topic->logs);
        memset(&topic->logs[topic->log_count], 0, (size_t)(partitions - topic->log_count) * sizeof *topic->logs);
        topic->log_count = partitions;
    }
    return topic;
}

void leat_memory_topic(struct leat_memory_log *memory, const char *topic, int32_t partitions)
{
    make_topic(memory, topic, partitions);
}

/* An empty view stays apart from a null one. */
static struct leat_bytes copy_bytes(struct leat_arena *arena, struct leat_bytes bytes)
{
    if (bytes.data == NULL)
        return bytes;
    return (struct leat_bytes){leat_arena_copy(arena, bytes.data, bytes.len), bytes.len};
}

static int64_t append_record(struct leat_memory_log *memory, const struct leat_produce *from, int32_t partition)
{
    struct memory_topic *topic = make_topic(memory, from->topic, partition + 1);
    struct memory_log *log = &topic->logs[partition];
    if (log->count == log->room) {
        log->room = log->room == 0 ? 16 : log->room * 2;
        log->records = leat_realloc(log->records, log->room, sizeof *log->records);
    }

    struct leat_arena *arena = &memory->arena;
    struct leat_header *headers = leat_arena_zalloc(arena, from->header_count + 1, sizeof *headers);
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i].name = copy_bytes(arena, from->headers[i].name);
        headers[i].value = copy_bytes(arena, from->headers[i].value);
    }
    struct leat_record *record = leat_arena_zalloc(arena, 1, sizeof *record);
    *record = (struct leat_record){
        .topic = topic->name,
        .partition = partition,
        .offset = (int64_t)log->count,
        .timestamp = from->timestamp,
        .key = copy_bytes(arena, from->key),
        .value = copy_bytes(arena, from->value),
        .headers = headers,
        .header_count = from->header_count,
    };
    log->records[log->count++] = record;
    return record->offset;
}

int64_t leat_memory_append(struct leat_memory_log *memory, const char *topic, int32_t partition, struct leat_bytes key,
                           struct leat_bytes value, int64_t timestamp)
{
    leat_assert(partition >= 0);
    struct leat_produce record = {.topic = topic, .key = key, .value = value, .timestamp = timestamp};
    return append_record(memory, &record, partition);
}

size_t leat_memory_count(const struct leat_memory_log *memory, const char *topic, int32_t partition)
{
    const struct memory_log *log = find_log(memory, topic, partition);
    return log == NULL ? 0 : log->count;
}

const struct leat_record *leat_memory_get(const struct leat_memory_log *memory, const char *topic, int32_t partition,
                                          int64_t offset)
{
    const struct memory_log *log = find_log(memory, topic, partition);
    return log != NULL && offset >= log->start && (uint64_t)offset < log->count ? log->records[offset] : NULL;
}

void leat_memory_trim(struct leat_memory_log *memory, const char *topic, int32_t partition, int64_t start)
{
    struct memory_log *log = &make_topic(memory, topic, partition + 1)->logs[partition];
    leat_assert(start >= log->start && (uint64_t)start <= log->count);
    log->start = start;
}

/* -- the stream ---------------------------------------------------------------------------------------------------- */

struct memory_reader {
    struct leat_reader base;
    struct memory_reader *next;
    bool group;
};

struct memory_stream {
    struct leat_stream base;
    struct leat_memory_log *memory;
    struct leat_arena arena;
    struct memory_reader *readers;
    const char *group;
    const char *subscribed;
    bool follow;
    bool unanswered; /* a change waits for the acknowledge */
    struct leat_change next_change;
    int32_t *partitions; /* of the change that was handed out or comes next */
};

static struct memory_stream *stream_of(struct leat_stream *stream)
{
    return (struct memory_stream *)stream;
}

static int memory_open(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err)
{
    (void)err;
    leat_assert(config->memory != NULL);
    struct memory_stream *stream = leat_calloc(1, sizeof *stream);
    stream->base.backend = &leat_stream_memory;
    stream->memory = config->memory;
    stream->follow = config->follow;
    stream->group = leat_arena_strdup(&stream->arena, config->group == NULL ? "" : config->group);
    *ret = &stream->base;
    return 0;
}

static void memory_close(struct leat_stream *base)
{
    struct memory_stream *stream = stream_of(base);
    while (stream->readers != NULL)
        leat_reader_close(&stream->readers->base);
    free(stream->partitions);
    leat_arena_done(&stream->arena);
    free(stream);
}

void leat_memory_change(struct leat_stream *base, enum leat_change_kind kind, const int32_t *partitions, size_t count)
{
    struct memory_stream *stream = stream_of(base);
    leat_assert(base->backend == &leat_stream_memory && !stream->unanswered);
    stream->partitions = leat_realloc(stream->partitions, count + 1, sizeof *stream->partitions);
    if (count > 0)
        memcpy(stream->partitions, partitions, count * sizeof *partitions);
    stream->next_change = (struct leat_change){.kind = kind, .partitions = stream->partitions, .count = count};
}

static int memory_subscribe(struct leat_stream *base, const char *topic, struct leat_error *err)
{
    struct memory_stream *stream = stream_of(base);
    (void)err;
    leat_assert(stream->subscribed == NULL);
    stream->subscribed = leat_arena_strdup(&stream->arena, topic);
    int32_t count = make_topic(stream->memory, topic, 1)->log_count;
    int32_t *all = leat_calloc((size_t)count, sizeof *all);
    for (int32_t p = 0; p < count; p++)
        all[p] = p;
    leat_memory_change(base, LEAT_CHANGE_ASSIGNED, all, (size_t)count);
    free(all);
    return 0;
}

static int memory_poll(struct leat_stream *base, int timeout_ms, struct leat_change *ret, bool *ret_fatal,
                       struct leat_error *err)
{
    struct memory_stream *stream = stream_of(base);
    (void)timeout_ms, (void)ret_fatal, (void)err; /* nothing comes while this thread waits */
    leat_assert(!stream->unanswered);
    for (struct memory_reader *reader = stream->readers; reader != NULL; reader = reader->next)
        leat_reader_fill(&reader->base);
    *ret = stream->next_change;
    stream->unanswered = ret->kind == LEAT_CHANGE_REVOKED || ret->kind == LEAT_CHANGE_LOST;
    stream->next_change = (struct leat_change){.kind = LEAT_CHANGE_NONE};
    return 0;
}

static int memory_acknowledge(struct leat_stream *base, struct leat_error *err)
{
    (void)err;
    stream_of(base)->unanswered = false;
    return 0;
}

static struct memory_commit *find_commit(struct memory_stream *stream, const char *topic, int32_t partition)
{
    struct leat_memory_log *memory = stream->memory;
    for (size_t i = 0; i < memory->commit_count; i++) {
        struct memory_commit *commit = &memory->commits[i];
        if (commit->partition == partition && strcmp(commit->topic, topic) == 0 &&
            strcmp(commit->group, stream->group) == 0)
            return commit;
    }
    return NULL;
}

static int memory_committed(struct leat_stream *base, const char *topic, int32_t partition, int64_t *ret_offset,
                            struct leat_buffer *ret_metadata, struct leat_error *err)
{
    (void)err;
    const struct memory_commit *commit = find_commit(stream_of(base), topic, partition);
    *ret_offset = commit == NULL ? LEAT_OFFSET_NONE : commit->offset;
    if (commit != NULL)
        leat_buffer_append_text(ret_metadata, commit->metadata);
    return 0;
}

static int memory_commit(struct leat_stream *base, const char *topic, int32_t partition, int64_t offset,
                         const char *metadata, bool sync, struct leat_error *err)
{
    struct memory_stream *stream = stream_of(base);
    struct leat_memory_log *memory = stream->memory;
    (void)sync, (void)err;
    struct memory_commit *commit = find_commit(stream, topic, partition);
    if (commit == NULL) {
        memory->commits = leat_realloc(memory->commits, memory->commit_count + 1, sizeof *memory->commits);
        commit = &memory->commits[memory->commit_count++];
        *commit = (struct memory_commit){
            .group = leat_arena_strdup(&memory->arena, stream->group),
            .topic = leat_arena_strdup(&memory->arena, topic),
            .partition = partition,
        };
    }
    free(commit->metadata);
    commit->metadata = leat_strdup(metadata == NULL ? "" : metadata);
    commit->offset = offset;
    return 0;
}

static int memory_partitions(struct leat_stream *base, const char *topic, int32_t *ret_count, struct leat_error *err)
{
    (void)err;
    const struct memory_topic *found = find_topic(stream_of(base)->memory, topic);
    *ret_count = found == NULL ? 0 : found->log_count;
    return 0;
}

static void memory_fill(struct leat_reader *reader)
{
    const struct memory_stream *stream = stream_of(reader->stream);
    const struct leat_record *head = leat_memory_get(stream->memory, reader->topic, reader->partition, reader->position);
    reader->head = head;
    reader->head_mark = reader->stream->mark;
    if (head == NULL)
        reader->end_mark = stream->follow ? reader->stream->mark : UINT64_MAX;
    else if (reader->end_mark == UINT64_MAX)
        reader->end_mark = 0; /* appended behind what was the end */
}

static int memory_reader_open(struct leat_stream *base, const char *topic, int32_t partition, int64_t offset,
                              bool group, struct leat_reader **ret, struct leat_error *err)
{
    struct memory_stream *stream = stream_of(base);
    const struct memory_log *log = find_log(stream->memory, topic, partition);
    if (log == NULL)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "topic '%s' has no partition %d", topic, partition);
    int64_t count = (int64_t)log->count;
    if (offset > count)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s/%d: offset %lld is beyond the end, which is %lld", topic,
                              partition, (long long)offset, (long long)count);

    struct memory_reader *reader = leat_calloc(1, sizeof *reader);
    reader->base.topic = leat_arena_strdup(&stream->arena, topic);
    reader->base.partition = partition;
    reader->base.start = log->start;
    reader->base.position = offset == LEAT_OFFSET_END ? count : offset < log->start ? log->start : offset;
    reader->base.stream = base;
    reader->group = group;
    reader->next = stream->readers;
    stream->readers = reader;
    *ret = &reader->base;
    return 0;
}

static void memory_reader_close(struct leat_reader *base)
{
    struct memory_reader **at = &stream_of(base->stream)->readers;
    while (&(*at)->base != base)
        at = &(*at)->next;
    struct memory_reader *reader = *at;
    *at = reader->next;
    free(reader);
}

static void memory_next(struct leat_reader *reader)
{
    reader->position = reader->head->offset + 1;
    memory_fill(reader);
}

static int memory_offset_at(struct leat_stream *base, const char *topic, int32_t partition, int64_t time,
                            int64_t *ret_offset, struct leat_error *err)
{
    const struct memory_log *log = find_log(stream_of(base)->memory, topic, partition);
    if (log == NULL)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "topic '%s' has no partition %d", topic, partition);
    size_t at = 0;
    while (at < log->count && log->records[at]->timestamp < time)
        at++;
    *ret_offset = (int64_t)at;
    return 0;
}

static int memory_ends(struct leat_stream *base, struct leat_error *err)
{
    struct memory_stream *stream = stream_of(base);
    (void)err;
    base->mark++;
    for (struct memory_reader *reader = stream->readers; reader != NULL; reader = reader->next) {
        if (!reader->group)
            leat_reader_fill(&reader->base);
    }
    return 0;
}

static int memory_produce(struct leat_stream *base, const struct leat_produce *record, struct leat_fence *fence,
                          struct leat_reason *reason, struct leat_error *err)
{
    struct leat_memory_log *memory = stream_of(base)->memory;
    (void)fence, (void)err; /* acknowledged at once */
    if (record->value.len > LEAT_RECORD_BYTES_MAX)
        return leat_reason_set(reason, LEAT_STAGE_PRODUCE, "the record of %zu bytes is longer than %u",
                               record->value.len, LEAT_RECORD_BYTES_MAX);
    int32_t partition = record->partition;
    if (partition < 0) {
        const struct memory_topic *topic = make_topic(memory, record->topic, 1);
        uint32_t hash = record->key.data == NULL ? 0 : leat_murmur2(record->key.data, record->key.len);
        partition = (int32_t)((hash & INT32_MAX) % (uint32_t)topic->log_count);
    }
    append_record(memory, record, partition);
    return 0;
}

static int memory_flush(struct leat_stream *stream, int timeout_ms, struct leat_error *err)
{
    (void)stream, (void)timeout_ms, (void)err;
    return 0;
}

static int memory_append(struct leat_stream *base, const char *topic, struct leat_bytes key, struct leat_bytes value,
                         int64_t *ret_offset, struct leat_error *err)
{
    (void)err;
    *ret_offset = leat_memory_append(stream_of(base)->memory, topic, 0, key, value, LEAT_TIME_NONE);
    return 0;
}

const struct leat_stream_backend leat_stream_memory = {
    .open = memory_open,
    .close = memory_close,
    .subscribe = memory_subscribe,
    .poll = memory_poll,
    .acknowledge = memory_acknowledge,
    .committed = memory_committed,
    .commit = memory_commit,
    .partitions = memory_partitions,
    .reader_open = memory_reader_open,
    .reader_close = memory_reader_close,
    .fill = memory_fill,
    .next = memory_next,
    .offset_at = memory_offset_at,
    .ends = memory_ends,
    .produce = memory_produce,
    .flush = memory_flush,
    .append = memory_append,
};
