/* Results to the function's topics. */
#include "engine/emit.h"

#include "base/json.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_HEADERS 12

struct leat_topic_emitter {
    const struct leat_function *function;
    struct leat_decision_writer *writer;
    struct leat_buffer text;
    struct leat_arena arena; /* headers of one record */
};

struct leat_topic_emitter *leat_topic_emitter_new(const struct leat_function *function)
{
    struct leat_topic_emitter *emitter = leat_calloc(1, sizeof *emitter);
    emitter->function = function;
    emitter->writer = leat_decision_writer_new(function);
    return emitter;
}

void leat_topic_emitter_free(struct leat_topic_emitter *emitter)
{
    if (!emitter)
        return;
    leat_decision_writer_free(emitter->writer);
    leat_buffer_done(&emitter->text);
    leat_arena_done(&emitter->arena);
    free(emitter);
}

/* The record's headers with room behind for ours. */
static struct leat_header *headers_of(struct leat_topic_emitter *emitter, const struct leat_record *record)
{
    struct leat_header *headers = leat_arena_alloc(&emitter->arena,
                                                   (record->header_count + OWN_HEADERS) * sizeof *headers);
    if (record->header_count > 0)
        memcpy(headers, record->headers, record->header_count * sizeof *headers);
    return headers;
}

static void put_header(struct leat_header *headers, size_t *count, const char *name, const char *value)
{
    headers[(*count)++] = (struct leat_header){leat_bytes_of(name), leat_bytes_of(value)};
}

/* Where Connect would say that it happened; ours says it exactly in leat.stage. */
static const char *connect_stage(enum leat_stage stage)
{
    static const char *const names[LEAT_STAGE_COUNT] = {
        [LEAT_STAGE_NONE] = "",
        [LEAT_STAGE_DECODE] = "VALUE_CONVERTER",
        [LEAT_STAGE_SCHEMA] = "VALUE_CONVERTER",
        [LEAT_STAGE_TIME] = "VALUE_CONVERTER",
        [LEAT_STAGE_FEATURE] = "TRANSFORMATION",
        [LEAT_STAGE_MODEL] = "TRANSFORMATION",
        [LEAT_STAGE_ENCODE] = "TRANSFORMATION",
        [LEAT_STAGE_PRODUCE] = "TASK_PUT",
    };
    return names[stage];
}

static int dead_letter(void *self, struct leat_stream *stream, struct leat_fence *fence,
                       const struct leat_record *record, const struct leat_reason *reason,
                       const struct leat_version *version, struct leat_error *err)
{
    struct leat_topic_emitter *emitter = self;
    const struct leat_function *function = emitter->function;
    if (!function->dead_letter_topic)
        return 0;
    leat_arena_reset(&emitter->arena);
    struct leat_header *headers = headers_of(emitter, record);
    size_t count = record->header_count;
    put_header(headers, &count, "__connect.errors.topic", record->topic);
    put_header(headers, &count, "__connect.errors.partition",
               leat_arena_format(&emitter->arena, "%d", record->partition));
    put_header(headers, &count, "__connect.errors.offset",
               leat_arena_format(&emitter->arena, "%lld", (long long)record->offset));
    put_header(headers, &count, "__connect.errors.stage", connect_stage(reason->stage));
    put_header(headers, &count, "__connect.errors.exception.class.name",
               leat_arena_format(&emitter->arena, "leat.%s", leat_stage_name(reason->stage)));
    put_header(headers, &count, "__connect.errors.exception.message", reason->text);
    put_header(headers, &count, "leat.stage", leat_stage_name(reason->stage));
    put_header(headers, &count, "leat.function", function->name);
    if (version)
        put_header(headers, &count, "leat.version",
                   leat_arena_format(&emitter->arena, "%s/%u", version->name, version->number));
    struct leat_produce produce = {.topic = function->dead_letter_topic,
                                   .partition = -1,
                                   .key = record->key,
                                   .value = record->value,
                                   .headers = headers,
                                   .header_count = count,
                                   .timestamp = record->timestamp,
                                   .envelope = true};
    struct leat_reason too_large;
    int result = leat_stream_produce(stream, &produce, fence, &too_large, err);
    if (result == 0)
        return 0;
    if (result > 0)
        return leat_error_prefix(err, "dead letters (topic %s)", produce.topic);
    /* Too large even for its own letter: what it was and where it stands still goes out. */
    put_header(headers, &count, "leat.value.bytes", leat_arena_format(&emitter->arena, "%zu", record->value.len));
    produce.value = (struct leat_bytes){NULL, 0};
    produce.header_count = count;
    result = leat_stream_produce(stream, &produce, fence, &too_large, err);
    return result > 0 ? leat_error_prefix(err, "dead letters (topic %s)", produce.topic) : 0;
}

/* Copies the record's key; where it has none the key field's text partitions the output as it does the input. */
static struct leat_bytes output_key(struct leat_topic_emitter *emitter, const struct leat_result *result)
{
    if (result->record.key.data)
        return result->record.key;
    const struct leat_source *input = &emitter->function->sources[0];
    if (input->key_count != 1)
        return (struct leat_bytes){NULL, 0};
    const struct leat_slot *slot = &input->projection.slots[input->key_slots[0]];
    struct leat_value value = result->frame[input->key_slots[0]];
    if (slot->type == LEAT_TYPE_STRING)
        return leat_value_bytes(value);
    leat_buffer_reset(&emitter->text);
    leat_encode_json_value(&emitter->text, slot->type, slot->encoding, value);
    return leat_arena_bytes(&emitter->arena, leat_buffer_view(&emitter->text));
}

static int put_result(void *self, struct leat_stream *stream, struct leat_fence *fence,
                      const struct leat_result *result, struct leat_error *err)
{
    struct leat_topic_emitter *emitter = self;
    const struct leat_function *function = emitter->function;
    if (result->withheld || !function->output_topic)
        return 0;
    leat_arena_reset(&emitter->arena);
    struct leat_header *headers = headers_of(emitter, &result->record);
    size_t count = result->record.header_count;
    char number[16], marks[512];
    const struct leat_version *version = result->bound ? leat_bound_version(result->bound) : NULL;
    if (version) {
        snprintf(number, sizeof number, "%u", version->number);
        put_header(headers, &count, "leat.model", version->name);
        put_header(headers, &count, "leat.version", number);
        put_header(headers, &count, "leat.role", result->role);
    }
    if (result->marks) {
        leat_marks_format(function, result->marks, result->stale_sources, marks, sizeof marks);
        put_header(headers, &count, "leat.marks", marks);
    }
    struct leat_produce produce = {.topic = function->output_topic,
                                   .partition = -1,
                                   .key = output_key(emitter, result),
                                   .value = result->output,
                                   .headers = headers,
                                   .header_count = count,
                                   .timestamp = result->record.timestamp};
    struct leat_reason reason;
    int failed = leat_stream_produce(stream, &produce, fence, &reason, err);
    if (failed > 0)
        return leat_error_prefix(err, "outputs (topic %s)", produce.topic);
    return failed < 0 ? dead_letter(self, stream, fence, &result->record, &reason, version, err) : 0;
}

static int put_decision(void *self, struct leat_stream *stream, struct leat_fence *fence,
                        const struct leat_result *result, const struct leat_position *positions, size_t position_count,
                        int64_t now, struct leat_error *err)
{
    struct leat_topic_emitter *emitter = self;
    const struct leat_function *function = emitter->function;
    if (!function->decisions_topic)
        return 0;
    leat_arena_reset(&emitter->arena);
    struct leat_bytes key = output_key(emitter, result);
    leat_buffer_reset(&emitter->text);
    if (leat_decision_encode(emitter->writer, result, positions, position_count, now, &emitter->text) < 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no memory for a decision record");
    struct leat_produce produce = {.topic = function->decisions_topic,
                                   .partition = -1,
                                   .key = key,
                                   .value = leat_buffer_view(&emitter->text),
                                   .timestamp = result->record.timestamp};
    struct leat_reason reason;
    int failed = leat_stream_produce(stream, &produce, fence, &reason, err);
    if (failed > 0)
        return leat_error_prefix(err, "decisions (topic %s)", produce.topic);
    return failed < 0 ? dead_letter(self, stream, fence, &result->record, &reason, NULL, err) : 0;
}

struct leat_emitter leat_topic_emitter_face(struct leat_topic_emitter *emitter)
{
    bool decisions = emitter->function->decisions_topic != NULL;
    return (struct leat_emitter){
        .self = emitter, .result = put_result, .decision = decisions ? put_decision : NULL, .dead_letter = dead_letter};
}
