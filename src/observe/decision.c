/* Decision records to JSON and back. Writing is on the hot path: all that does not change from event to event is
 * escaped once, in the writer, and the rest is appended piece by piece. */
#include "observe/decision.h"

#include "base/arena.h"
#include "observe/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct leat_decision_writer {
    const struct leat_function *function;
    struct leat_bytes head;           /* {"v":1,"function":…,"digest":…,"topic": */
    struct leat_bytes topic;          /* the input's, with its quotes */
    struct leat_bytes *feature_names; /* "amount": and so on, with the comma before it */
    struct leat_bytes *source_names;
    struct leat_arena arena;
};

/* Moves what `text` holds into the arena and empties it. */
static struct leat_bytes keep(struct leat_arena *arena, struct leat_buffer *text)
{
    struct leat_bytes kept = leat_arena_bytes(arena, leat_buffer_view(text));
    leat_buffer_reset(text);
    return kept;
}

static struct leat_bytes escape_name(struct leat_arena *arena, struct leat_buffer *text, const char *comma,
                                     const char *name)
{
    leat_buffer_append_text(text, comma);
    leat_json_put_string(text, leat_bytes_of(name));
    leat_buffer_append_char(text, ':');
    return keep(arena, text);
}

struct leat_decision_writer *leat_decision_writer_new(const struct leat_function *function)
{
    struct leat_decision_writer *writer = leat_calloc(1, sizeof *writer);
    struct leat_arena *arena = &writer->arena;
    LEAT_CLEAN_BUFFER text = {0};
    writer->function = function;
    leat_buffer_format(&text, "{\"v\":%d,\"function\":", LEAT_DECISION_VERSION);
    leat_json_put_string(&text, leat_bytes_of(function->name));
    leat_buffer_append_text(&text, ",\"digest\":");
    leat_json_put_string(&text, leat_bytes_of(function->digest));
    leat_buffer_append_text(&text, ",\"topic\":");
    writer->head = keep(arena, &text);
    leat_json_put_string(&text, leat_bytes_of(function->sources[0].topic));
    writer->topic = keep(arena, &text);
    writer->feature_names = leat_arena_zalloc(arena, function->feature_count + 1, sizeof *writer->feature_names);
    for (size_t i = 0; i < function->feature_count; i++)
        writer->feature_names[i] = escape_name(arena, &text, i ? "," : "", function->features[i].name);
    writer->source_names = leat_arena_zalloc(arena, function->source_count + 1, sizeof *writer->source_names);
    for (size_t i = 0; i < function->source_count; i++)
        writer->source_names[i] = escape_name(arena, &text, "", function->sources[i].name);
    return writer;
}

void leat_decision_writer_free(struct leat_decision_writer *writer)
{
    if (!writer)
        return;
    leat_arena_done(&writer->arena);
    free(writer);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

#define PUT_LITERAL(out, literal) leat_buffer_append(out, literal, sizeof(literal) - 1)

static void put_bytes(struct leat_buffer *out, struct leat_bytes bytes)
{
    leat_buffer_append(out, bytes.data, bytes.len);
}

static void put_record(const struct leat_decision_writer *writer, const struct leat_result *result, int64_t now,
                       struct leat_buffer *out)
{
    const struct leat_record *record = &result->record;
    const char *topic = writer->function->sources[0].topic;
    put_bytes(out, writer->head);
    if (record->topic && record->topic != topic && strcmp(record->topic, topic) != 0)
        leat_json_put_string(out, leat_bytes_of(record->topic));
    else
        put_bytes(out, writer->topic);
    PUT_LITERAL(out, ",\"partition\":");
    leat_json_put_int(out, record->partition);
    PUT_LITERAL(out, ",\"offset\":");
    leat_json_put_int(out, record->offset);
    PUT_LITERAL(out, ",\"time\":");
    leat_field_put_time(out, result->time);
    PUT_LITERAL(out, ",\"scored_at\":");
    leat_field_put_time(out, now);
    PUT_LITERAL(out, ",\"key\":");
    if (result->label_key.len > 0)
        put_bytes(out, result->label_key);
    else
        PUT_LITERAL(out, "null");
}

static void put_answer(const struct leat_result *result, struct leat_buffer *out)
{
    if (!result->bound) {
        PUT_LITERAL(out, ",\"model\":null,\"version\":null,\"role\":\"\",\"score\":null,\"raw\":null");
        return;
    }
    const struct leat_version *version = leat_bound_version(result->bound);
    PUT_LITERAL(out, ",\"model\":");
    leat_json_put_string(out, leat_bytes_of(version->name));
    PUT_LITERAL(out, ",\"version\":");
    leat_json_put_int(out, version->number);
    PUT_LITERAL(out, ",\"role\":");
    leat_json_put_string(out, leat_bytes_of(result->role));
    PUT_LITERAL(out, ",\"score\":");
    leat_json_put_double(out, result->score);
    PUT_LITERAL(out, ",\"raw\":");
    leat_json_put_double(out, result->raw);
    if (isnan(version->threshold))
        return;
    PUT_LITERAL(out, ",\"threshold\":");
    leat_json_put_double(out, version->threshold);
}

static void put_features(const struct leat_decision_writer *writer, const struct leat_result *result,
                         struct leat_buffer *out)
{
    PUT_LITERAL(out, ",\"features\":{");
    for (size_t i = 0; i < writer->function->feature_count; i++) {
        put_bytes(out, writer->feature_names[i]);
        leat_result_put_feature(writer->function, result, i, out);
    }
    leat_buffer_append_char(out, '}');
}

static void put_positions(const struct leat_decision_writer *writer, const struct leat_position *positions,
                          size_t count, struct leat_buffer *out)
{
    PUT_LITERAL(out, ",\"positions\":{");
    for (size_t i = 0; i < count;) {
        size_t source = positions[i].source;
        size_t end = i + 1;
        while (end < count && positions[end].source == source)
            end++;
        bool several = end > i + 1;
        if (i > 0)
            leat_buffer_append_char(out, ',');
        put_bytes(out, writer->source_names[source]);
        if (several)
            leat_buffer_append_char(out, '[');
        for (size_t p = i; p < end; p++) {
            if (p > i)
                leat_buffer_append_char(out, ',');
            leat_json_put_int(out, positions[p].offset);
        }
        if (several)
            leat_buffer_append_char(out, ']');
        i = end;
    }
    leat_buffer_append_char(out, '}');
}

static void put_shadows(const struct leat_result *result, struct leat_buffer *out)
{
    PUT_LITERAL(out, ",\"shadows\":[");
    for (size_t i = 0; i < result->shadow_count; i++) {
        const struct leat_version *version = leat_bound_version(result->shadows[i].bound);
        if (i > 0)
            leat_buffer_append_char(out, ',');
        PUT_LITERAL(out, "{\"model\":");
        leat_json_put_string(out, leat_bytes_of(version->name));
        PUT_LITERAL(out, ",\"version\":");
        leat_json_put_int(out, version->number);
        PUT_LITERAL(out, ",\"score\":");
        leat_json_put_double(out, result->shadows[i].score);
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_char(out, ']');
}

int leat_decision_encode(const struct leat_decision_writer *writer, const struct leat_result *result,
                         const struct leat_position *positions, size_t position_count, int64_t now,
                         struct leat_buffer *out)
{
    size_t start = out->len;
    put_record(writer, result, now, out);
    put_answer(result, out);
    put_features(writer, result, out);
    PUT_LITERAL(out, ",\"marks\":[");
    if (result->marks)
        leat_marks_put_json(writer->function, result->marks, result->stale_sources, out);
    leat_buffer_append_char(out, ']');
    put_positions(writer, positions, position_count, out);
    put_shadows(result, out);
    leat_buffer_append_char(out, '}');
    if (!out->failed)
        return 0;
    out->len = start;
    out->failed = false;
    return -1;
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

struct leat_decision_memory {
    struct leat_json_document *document;
    struct leat_arena arena;
};

static const char what[] = "decision record";

static int read_model(const struct leat_json *root, struct leat_decision *ret, struct leat_error *err)
{
    const struct leat_json *model = leat_json_get(root, "model");
    if (!model || (model->type != LEAT_JSON_NULL && model->type != LEAT_JSON_STRING))
        return leat_field_wrong(what, "model", "a string or null", model, err);
    ret->model = leat_json_text(model, NULL);
    int64_t version = 0;
    if (ret->model && leat_field_integer(what, root, "version", 1, UINT32_MAX, &version, err) < 0)
        return -1;
    ret->version = (uint32_t)version;
    if (leat_field_text(what, root, "role", &ret->role, err) < 0 ||
        leat_field_number(what, root, "score", false, &ret->score, err) < 0 ||
        leat_field_number(what, root, "raw", false, &ret->raw, err) < 0)
        return -1;
    return leat_field_number(what, root, "threshold", true, &ret->threshold, err);
}

static int read_features(const struct leat_json *root, struct leat_decision *ret, struct leat_error *err)
{
    const struct leat_json *object;
    if (leat_field_list(what, root, "features", LEAT_JSON_OBJECT, &object, err) < 0)
        return -1;
    struct leat_decision_feature *features = leat_arena_zalloc(&ret->memory->arena, object->count + 1u,
                                                               sizeof *features);
    for (uint32_t i = 0; i < object->count; i++) {
        const struct leat_json_member *member = &object->as.members[i];
        features[i] = (struct leat_decision_feature){.name = member->name.data, .value = NAN};
        if (member->value.type == LEAT_JSON_STRING)
            features[i].text = member->value.as.string;
        else if (!leat_json_number(&member->value, &features[i].value) && member->value.type != LEAT_JSON_NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "a decision record whose feature '%s' is %s and not a number or a text",
                                  member->name.data, leat_json_type_name(member->value.type));
    }
    ret->features = features;
    ret->feature_count = object->count;
    return 0;
}

static int read_marks(const struct leat_json *root, struct leat_decision *ret, struct leat_error *err)
{
    const struct leat_json *array;
    if (leat_field_list(what, root, "marks", LEAT_JSON_ARRAY, &array, err) < 0)
        return -1;
    const char **marks = leat_arena_zalloc(&ret->memory->arena, array->count + 1u, sizeof *marks);
    for (uint32_t i = 0; i < array->count; i++) {
        marks[i] = leat_json_text(&array->as.elements[i], NULL);
        if (!marks[i])
            return leat_field_wrong(what, "marks", "an array of strings", &array->as.elements[i], err);
    }
    ret->marks = marks;
    ret->mark_count = array->count;
    return 0;
}

static int read_positions(const struct leat_json *root, struct leat_decision *ret, struct leat_error *err)
{
    const struct leat_json *object;
    if (leat_field_list(what, root, "positions", LEAT_JSON_OBJECT, &object, err) < 0)
        return -1;
    size_t count = 0;
    for (uint32_t i = 0; i < object->count; i++) {
        const struct leat_json *value = &object->as.members[i].value;
        count += value->type == LEAT_JSON_ARRAY ? value->count : 1;
    }
    struct leat_decision_position *positions = leat_arena_zalloc(&ret->memory->arena, count + 1, sizeof *positions);
    size_t at = 0;
    for (uint32_t i = 0; i < object->count; i++) {
        const struct leat_json_member *member = &object->as.members[i];
        bool several = member->value.type == LEAT_JSON_ARRAY;
        for (uint32_t p = 0; p < (several ? member->value.count : 1); p++) {
            const struct leat_json *node = several ? &member->value.as.elements[p] : &member->value;
            positions[at] = (struct leat_decision_position){member->name.data, several ? (int32_t)p : -1, 0};
            if (!leat_json_integer(node, &positions[at++].offset))
                return leat_field_wrong(what, "positions", "made of offsets", node, err);
        }
    }
    ret->positions = positions;
    ret->position_count = count;
    return 0;
}

static int read_shadows(const struct leat_json *root, struct leat_decision *ret, struct leat_error *err)
{
    const struct leat_json *array;
    if (leat_field_list(what, root, "shadows", LEAT_JSON_ARRAY, &array, err) < 0)
        return -1;
    struct leat_decision_shadow *shadows = leat_arena_zalloc(&ret->memory->arena, array->count + 1u, sizeof *shadows);
    for (uint32_t i = 0; i < array->count; i++) {
        const struct leat_json *node = &array->as.elements[i];
        int64_t version;
        if (leat_field_text(what, node, "model", &shadows[i].model, err) < 0 ||
            leat_field_integer(what, node, "version", 1, UINT32_MAX, &version, err) < 0 ||
            leat_field_number(what, node, "score", false, &shadows[i].score, err) < 0)
            return leat_error_prefix(err, "shadow %u", i);
        shadows[i].version = (uint32_t)version;
    }
    ret->shadows = shadows;
    ret->shadow_count = array->count;
    return 0;
}

static void read_key(const struct leat_json *root, struct leat_decision *ret)
{
    const struct leat_json *key = leat_json_get(root, "key");
    if (!key || key->type == LEAT_JSON_NULL)
        return;
    LEAT_CLEAN_BUFFER text = {0};
    leat_json_put(&text, key);
    ret->key = leat_arena_bytes(&ret->memory->arena, leat_buffer_view(&text));
}

static int read_record(const struct leat_json *root, struct leat_decision *ret, struct leat_error *err)
{
    int64_t version, partition;
    if (leat_field_integer(what, root, "v", 0, INT64_MAX, &version, err) < 0)
        return -1;
    if (version != LEAT_DECISION_VERSION)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "a decision record of version %lld; this program reads version %d", (long long)version,
                              LEAT_DECISION_VERSION);
    if (leat_field_text(what, root, "function", &ret->function, err) < 0 ||
        leat_field_text(what, root, "digest", &ret->digest, err) < 0 ||
        leat_field_text(what, root, "topic", &ret->topic, err) < 0 ||
        leat_field_integer(what, root, "partition", 0, INT32_MAX, &partition, err) < 0 ||
        leat_field_integer(what, root, "offset", 0, INT64_MAX, &ret->offset, err) < 0 ||
        leat_field_time(what, root, "time", &ret->time, err) < 0 ||
        leat_field_time(what, root, "scored_at", &ret->scored_at, err) < 0)
        return -1;
    ret->partition = (int32_t)partition;
    read_key(root, ret);
    return 0;
}

int leat_decision_parse(struct leat_bytes text, struct leat_decision *ret, struct leat_error *err)
{
    struct leat_json_document *document;
    if (leat_json_parse(text, LEAT_JSON_STRICT, &document, err) < 0)
        return leat_error_prefix(err, "no decision record");
    struct leat_decision decision = {.memory = leat_calloc(1, sizeof *decision.memory)};
    decision.memory->document = document;
    const struct leat_json *root = leat_json_root(document);
    if (read_record(root, &decision, err) < 0 || read_model(root, &decision, err) < 0 ||
        read_features(root, &decision, err) < 0 || read_marks(root, &decision, err) < 0 ||
        read_positions(root, &decision, err) < 0 || read_shadows(root, &decision, err) < 0) {
        leat_decision_done(&decision);
        return -1;
    }
    *ret = decision;
    return 0;
}

void leat_decision_done(struct leat_decision *decision)
{
    if (decision->memory) {
        leat_json_free(decision->memory->document);
        leat_arena_done(&decision->memory->arena);
        free(decision->memory);
    }
    *decision = (struct leat_decision){0};
}

bool leat_decision_score(const struct leat_decision *decision, const char *model, uint32_t version, double *ret)
{
    if (decision->model && decision->version == version && strcmp(decision->model, model) == 0) {
        *ret = decision->score;
        return !isnan(decision->score);
    }
    for (size_t i = 0; i < decision->shadow_count; i++) {
        const struct leat_decision_shadow *shadow = &decision->shadows[i];
        if (shadow->version == version && strcmp(shadow->model, model) == 0) {
            *ret = shadow->score;
            return !isnan(shadow->score);
        }
    }
    return false;
}
