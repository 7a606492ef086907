/* From a record to a decoded event: values, key, time, and whether it is a heartbeat or a removal. */
#include "function/score.h"

#include "base/json.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

struct leat_event_decoder {
    const struct leat_function *function;
    const struct leat_source *source;
    int64_t max_ahead;
    struct leat_decoder *decoder;
    struct leat_value *values;
    struct leat_arena arena; /* reset by every call */
    struct leat_expr_scratch scratch;
};

static const struct leat_source *source_of(const struct leat_function *function, size_t source)
{
    return source == LEAT_SOURCE_LABELS ? &function->labels.source : &function->sources[source];
}

struct leat_event_decoder *leat_event_decoder_new(const struct leat_function *function, size_t source)
{
    struct leat_event_decoder *decoder = leat_calloc(1, sizeof *decoder);
    decoder->function = function;
    decoder->source = source_of(function, source);
    decoder->max_ahead = function->sources[0].max_ahead;
    decoder->decoder = leat_decoder_new(decoder->source->format, &decoder->source->schema, &decoder->source->projection);
    decoder->values = leat_calloc(decoder->source->projection.count + 1, sizeof *decoder->values);
    decoder->scratch.text = &decoder->arena;
    leat_expr_scratch_reserve(&decoder->scratch, function->registers);
    return decoder;
}

void leat_event_decoder_free(struct leat_event_decoder *decoder)
{
    if (!decoder)
        return;
    leat_decoder_free(decoder->decoder);
    free(decoder->values);
    leat_expr_scratch_done(&decoder->scratch);
    leat_arena_done(&decoder->arena);
    free(decoder);
}

int leat_event_decoder_header(struct leat_event_decoder *decoder, struct leat_bytes line, struct leat_error *err)
{
    return leat_decoder_header(decoder->decoder, line, err);
}

/* True when a BOOL expression is true; an expression that fails is not. */
static bool holds(struct leat_event_decoder *decoder, const struct leat_expr *expr)
{
    struct leat_reason ignored;
    struct leat_value value;
    if (leat_expr_eval(expr, decoder->values, &decoder->scratch, &value, &ignored) < 0)
        return false;
    return !value.null && value.as.i != 0;
}

/* A removal names its row by the record's key: a JSON object with the key fields, or, for a single key field, the
 * field's bare text (what most producers write) or a JSON string. */
static int decode_tombstone(struct leat_event_decoder *decoder, const struct leat_record *record,
                            struct leat_reason *reason)
{
    const struct leat_source *source = decoder->source;
    struct leat_bytes key = record->key;
    if (!key.data || key.len == 0)
        return leat_reason_set(reason, LEAT_STAGE_SCHEMA, "a removal (null value) without a record key");
    for (size_t i = 0; i < source->projection.count; i++)
        decoder->values[i] = leat_value_null();
    if (key.data[0] == '{')
        return leat_decoder_decode(decoder->decoder, key, &decoder->arena, decoder->values, reason);
    if (source->key_count != 1)
        return leat_reason_set(reason, LEAT_STAGE_SCHEMA,
                               "the key of a removal is not a JSON object, and table '%s' has %zu key fields",
                               source->name, source->key_count);
    if (key.len >= 2 && key.data[0] == '"' && key.data[key.len - 1] == '"')
        key = (struct leat_bytes){key.data + 1, key.len - 2};
    struct leat_value *value = &decoder->values[source->key_slots[0]];
    const struct leat_slot *slot = &source->projection.slots[source->key_slots[0]];
    if (slot->type == LEAT_TYPE_STRING) {
        *value = leat_value_string(key);
        return 0;
    }
    int64_t number;
    if (slot->type == LEAT_TYPE_INT && leat_int_parse(key, &number) == 0) {
        *value = leat_value_int(number);
        return 0;
    }
    return leat_reason_set(reason, LEAT_STAGE_SCHEMA, "the key of a removal is no %s (field '%.*s')",
                           leat_type_name(slot->type), LEAT_BYTES_FORMAT(slot->path));
}

static int check_keys(const struct leat_event_decoder *decoder, struct leat_reason *reason)
{
    const struct leat_source *source = decoder->source;
    for (size_t i = 0; i < source->key_count; i++) {
        size_t slot = source->key_slots[i];
        if (decoder->values[slot].null)
            return leat_reason_set(reason, LEAT_STAGE_SCHEMA, "the key field '%.*s' is missing or null",
                                   LEAT_BYTES_FORMAT(source->projection.slots[slot].path));
    }
    return 0;
}

static int read_time(const struct leat_event_decoder *decoder, const struct leat_record *record, int64_t *ret,
                     struct leat_reason *reason)
{
    const struct leat_source *source = decoder->source;
    *ret = LEAT_TIME_NONE;
    if (source->time_slot < 0)
        return 0;
    struct leat_bytes path = source->projection.slots[source->time_slot].path;
    struct leat_value value = decoder->values[source->time_slot];
    if (value.null)
        return leat_reason_set(reason, LEAT_STAGE_SCHEMA, "the event time '%.*s' is missing or null",
                               LEAT_BYTES_FORMAT(path));
    char text[32], limit[32];
    if (value.as.i < 0 || value.as.i > LEAT_TIME_MAX)
        return leat_reason_set(reason, LEAT_STAGE_TIME,
                               "the event time '%.*s' is %lld µs, which is not between 1970 and 9999",
                               LEAT_BYTES_FORMAT(path), (long long)value.as.i);
    bool known = record->timestamp != LEAT_TIME_NONE && record->timestamp >= 0 && decoder->max_ahead > 0;
    if (known && value.as.i > record->timestamp && value.as.i - record->timestamp > decoder->max_ahead) {
        leat_time_format(value.as.i, text);
        leat_duration_format(decoder->max_ahead, limit);
        return leat_reason_set(reason, LEAT_STAGE_TIME,
                               "the event time '%.*s' %s is more than %s (max_ahead) ahead of its record's timestamp",
                               LEAT_BYTES_FORMAT(path), text, limit);
    }
    *ret = value.as.i;
    return 0;
}

int leat_event_decode(struct leat_event_decoder *decoder, const struct leat_record *record, struct leat_event *ret,
                      struct leat_reason *reason)
{
    const struct leat_source *source = decoder->source;
    leat_arena_reset(&decoder->arena);
    *ret = (struct leat_event){.record = record, .values = decoder->values, .time = LEAT_TIME_NONE};
    if (!record->value.data) {
        if (source->kind != LEAT_SOURCE_TABLE)
            return leat_reason_set(reason, LEAT_STAGE_SCHEMA, "the record has no value (null)");
        if (decode_tombstone(decoder, record, reason) < 0)
            return -1;
        ret->tombstone = true;
        return check_keys(decoder, reason);
    }
    if (leat_decoder_decode(decoder->decoder, record->value, &decoder->arena, decoder->values, reason) < 0)
        return -1;
    ret->heartbeat = source->heartbeat && holds(decoder, source->heartbeat);
    if (!ret->heartbeat && check_keys(decoder, reason) < 0)
        return -1;
    if (read_time(decoder, record, &ret->time, reason) < 0)
        return -1;
    ret->filtered = !ret->heartbeat && source->filter && !holds(decoder, source->filter);
    return 0;
}
