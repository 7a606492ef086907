/* The first records of every topic, through the same decoders as the service: what can not be read, times in another
 * unit than declared, fields that are never there, keys that are not what the topic is partitioned by. */
#include "cmd/check.h"

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "stream/drain.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 512   /* of a projection that are counted singly */
#define EXAMPLES_MAX 3  /* records of a topic that are shown because they can not be read */
#define YEAR_FIRST 1990 /* times outside these are taken for a wrong unit */
#define YEAR_LAST 2100

struct look {
    struct leat_check *check;
    struct leat_check_topic *topic;
    size_t index; /* of the source; or LEAT_SOURCE_LABELS */
    int32_t partition;
    uint64_t left; /* of this partition */
    uint64_t undecoded;
    struct leat_event_decoder *decoder;
    struct leat_batch *batch;
    struct leat_state *own, *shared;
    struct leat_expr_scratch scratch;
    struct leat_arena text;
    struct leat_map *partitions; /* key → partition + 1; NULL: not checked */
    struct leat_buffer key;
    bool header_read, key_told;
    int64_t watermark; /* of this partition */
    int64_t now, start, first_timestamp;
    uint64_t present[SLOTS_MAX], odd[SLOTS_MAX];
    int64_t odd_value[SLOTS_MAX]; /* as it stands in a record */
    struct leat_buffer members;   /* top-level names of the first record, each with a NUL */
    struct leat_error err;
};

/* -- times ----------------------------------------------------------------------------------------------------------- */

static int64_t unit_of(enum leat_encoding encoding)
{
    switch (encoding) {
    case LEAT_ENCODING_TIME_S:
        return LEAT_SECOND;
    case LEAT_ENCODING_PLAIN:
    case LEAT_ENCODING_TIME_MS:
        return LEAT_MILLISECOND;
    case LEAT_ENCODING_TIME_US:
        return 1;
    case LEAT_ENCODING_TIME_TEXT:
        return 0;
    }
    return 0;
}

/* Would this number be a likely time in this unit? */
static bool is_likely(int64_t number, int64_t unit)
{
    int64_t time;
    return !__builtin_mul_overflow(number, unit, &time) && time >= leat_time_of_date(YEAR_FIRST, 1, 1) &&
           time < leat_time_of_date(YEAR_LAST, 1, 1);
}

/* Another unit in which it would be; NULL: none. */
static const char *likely_unit(int64_t number)
{
    static const enum leat_encoding encodings[] = {LEAT_ENCODING_TIME_S, LEAT_ENCODING_TIME_MS, LEAT_ENCODING_TIME_US};
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (is_likely(number, unit_of(encodings[i])))
            return leat_field_type_name(LEAT_TYPE_TIME, encodings[i]);
    return NULL;
}

static void note_time(struct look *look, size_t slot, int64_t number, int64_t unit)
{
    if (is_likely(number, unit))
        return;
    look->odd[slot]++;
    look->odd_value[slot] = number;
}

static void note_values(struct look *look, const struct leat_event *event)
{
    const struct leat_projection *projection = &look->topic->source->projection;
    for (size_t i = 0; i < projection->count && i < SLOTS_MAX; i++) {
        const struct leat_slot *slot = &projection->slots[i];
        if (event->values[i].null)
            continue;
        look->present[i]++;
        int64_t unit = slot->type == LEAT_TYPE_TIME ? unit_of(slot->encoding) : 0;
        if (unit > 0)
            note_time(look, i, event->values[i].as.i / unit, unit);
    }
}

/* The event time of a JSON record that can not be decoded: its number may be in another unit. */
static void note_refused_time(struct look *look, struct leat_bytes record)
{
    const struct leat_source *source = look->topic->source;
    if (source->format != LEAT_FORMAT_JSON || source->time_slot < 0 || source->time_slot >= SLOTS_MAX)
        return;
    size_t slot = (size_t)source->time_slot;
    int64_t unit = unit_of(source->projection.slots[slot].encoding), number;
    struct leat_json_document *json;
    if (unit == 0 || leat_json_parse(record, LEAT_JSON_STRICT, &json, NULL) < 0)
        return;
    const char *name = leat_arena_copy(&look->text, source->projection.slots[slot].path.data,
                                       source->projection.slots[slot].path.len);
    if (leat_json_integer(leat_json_get(leat_json_root(json), name), &number)) {
        look->present[slot]++;
        note_time(look, slot, number, unit);
    }
    leat_json_free(json);
}

/* -- one record ------------------------------------------------------------------------------------------------------ */

static void note_members(struct look *look, struct leat_bytes record)
{
    struct leat_json_document *json;
    if (look->members.len > 0 || look->topic->source->format != LEAT_FORMAT_JSON ||
        leat_json_parse(record, LEAT_JSON_STRICT, &json, NULL) < 0)
        return;
    const struct leat_json *root = leat_json_root(json);
    for (uint32_t i = 0; root->type == LEAT_JSON_OBJECT && i < root->count; i++)
        leat_buffer_append(&look->members, root->as.members[i].name.data, root->as.members[i].name.len + 1);
    leat_json_free(json);
}

/* One key is in one partition, if the topic is partitioned by it. */
static void check_partition(struct look *look, const struct leat_event *event)
{
    const struct leat_source *source = look->topic->source;
    enum leat_type types[LEAT_SOURCES_MAX];
    struct leat_value values[LEAT_SOURCES_MAX];
    if (!look->partitions || look->key_told || source->key_count == 0 || source->key_count > LEAT_SOURCES_MAX)
        return;
    for (size_t i = 0; i < source->key_count; i++) {
        types[i] = source->projection.slots[source->key_slots[i]].type;
        values[i] = event->values[source->key_slots[i]];
    }
    leat_buffer_reset(&look->key);
    if (!leat_key_encode(&look->key, types, values, source->key_count))
        return;
    bool is_new;
    uint64_t *seen = leat_map_put(look->partitions, leat_buffer_view(&look->key), &is_new);
    if (is_new) {
        *seen = (uint64_t)look->partition + 1;
        return;
    }
    if (*seen == (uint64_t)look->partition + 1)
        return;
    look->key_told = true;
    LEAT_CLEAN_BUFFER shown = {0};
    for (size_t i = 0; i < source->key_count; i++) {
        leat_buffer_append_text(&shown, i ? ", " : "");
        leat_encode_json_value(&shown, types[i], LEAT_ENCODING_TIME_TEXT, values[i]);
    }
    leat_check_find(
        look->check, false,
        "topic '%s' is not partitioned by the key of %s: %s is in partitions %d and %d. Write it with that key, "
        "and with the Java client's partitioner (murmur2) in every producer",
        source->topic, source->name, leat_buffer_text(&shown), (int)*seen - 1, (int)look->partition);
}

/* Into windows, to see what they cost. */
static void apply(struct look *look, const struct leat_event *event)
{
    const struct leat_function *function = look->check->function;
    struct leat_reason reason;
    leat_arena_reset(&look->text);
    if (look->index == 0)
        leat_batch_replay(look->batch, look->own, look->shared, event, &reason);
    else if (look->index != LEAT_SOURCE_LABELS)
        leat_state_apply(function, look->own, look->shared, look->index, event, &look->scratch, &reason);
}

static void note_event_time(struct look *look, const struct leat_event *event)
{
    struct leat_check_topic *topic = look->topic;
    if (event->time == LEAT_TIME_NONE)
        return;
    if (look->watermark != LEAT_TIME_NONE && look->watermark - event->time > topic->source->grace)
        topic->late++;
    if (event->time > look->watermark)
        look->watermark = event->time;
    if (topic->first == LEAT_TIME_NONE || event->time < topic->first)
        topic->first = event->time;
    if (event->time > topic->last)
        topic->last = event->time;
}

static void note_unread(struct look *look, const struct leat_record *record, const struct leat_reason *reason)
{
    look->undecoded += reason->stage == LEAT_STAGE_DECODE;
    if (look->topic->unread++ < EXAMPLES_MAX)
        leat_check_find(look->check, false, "%s/%d/%lld (%s): %s: %s", record->topic, (int)record->partition,
                        (long long)record->offset, look->topic->source->name, leat_stage_name(reason->stage),
                        reason->text);
    if (record->value.data)
        note_refused_time(look, record->value);
}

static bool read_header(struct look *look, const struct leat_reader *reader)
{
    if (look->header_read || reader->header.len == 0)
        return true;
    look->header_read = true;
    return leat_event_decoder_header(look->decoder, reader->header, &look->err) == 0;
}

static bool visit(void *self, const struct leat_reader *reader)
{
    struct look *look = self;
    struct leat_check_topic *topic = look->topic;
    struct leat_event event;
    struct leat_reason reason;
    if (!read_header(look, reader) || look->left == 0)
        return false;
    look->left--;
    topic->records++;
    look->start = reader->start;
    if (look->first_timestamp == LEAT_TIME_NONE)
        look->first_timestamp = reader->head->timestamp;
    leat_arena_reset(&look->text);
    if (leat_event_decode(look->decoder, reader->head, &event, &reason) < 0) {
        note_unread(look, reader->head, &reason);
        return true;
    }
    topic->heartbeats += event.heartbeat;
    topic->tombstones += event.tombstone;
    topic->filtered += event.filtered;
    if (event.tombstone)
        return true;
    note_members(look, reader->head->value);
    note_values(look, &event);
    note_event_time(look, &event);
    if (event.heartbeat || event.filtered)
        return true;
    check_partition(look, &event);
    apply(look, &event);
    return true;
}

/* -- one topic ------------------------------------------------------------------------------------------------------- */

static void tell_times(struct look *look)
{
    const struct leat_source *source = look->topic->source;
    for (size_t i = 0; i < source->projection.count && i < SLOTS_MAX; i++) {
        const struct leat_slot *slot = &source->projection.slots[i];
        if (look->odd[i] * 2 <= look->present[i])
            continue;
        const char *likely = likely_unit(look->odd_value[i]);
        const char *declared = leat_field_type_name(slot->type, slot->encoding);
        if (likely)
            leat_check_find(
                look->check, false, "%s: '%.*s' is declared %s, and numbers like %lld are likely %s: change the schema",
                source->name, LEAT_BYTES_FORMAT(slot->path), declared, (long long)look->odd_value[i], likely);
        else
            leat_check_find(
                look->check, false,
                "%s: '%.*s' is declared %s, and numbers like %lld are not a time between %d and %d in any unit",
                source->name, LEAT_BYTES_FORMAT(slot->path), declared, (long long)look->odd_value[i], YEAR_FIRST,
                YEAR_LAST);
    }
}

static const char *nearest_member(const struct look *look, struct leat_bytes path)
{
    const char *names[256];
    size_t count = 0;
    const char *at = look->members.data;
    while (at && at < look->members.data + look->members.len && count < 256) {
        names[count++] = at;
        at += strlen(at) + 1;
    }
    for (size_t i = 0; i < count; i++)
        if (leat_bytes_is(path, names[i]))
            return NULL;
    return leat_nearest(path, names, count);
}

static void tell_absent(struct look *look)
{
    const struct leat_source *source = look->topic->source;
    uint64_t read = look->topic->records - look->topic->unread - look->topic->tombstones;
    for (size_t i = 0; read > look->topic->heartbeats && i < source->projection.count && i < SLOTS_MAX; i++) {
        struct leat_bytes path = source->projection.slots[i].path;
        if (look->present[i] > 0)
            continue;
        const char *nearest = nearest_member(look, path);
        leat_check_find(look->check, true, "%s: '%.*s' is null or absent in all %llu records%s%s%s", source->name,
                        LEAT_BYTES_FORMAT(path), (unsigned long long)read, nearest ? "; they have '" : "",
                        nearest ? nearest : "", nearest ? "'" : "");
    }
}

static int64_t longest_range(const struct leat_function *function, size_t source)
{
    int64_t longest = 0;
    for (size_t w = 0; w < function->window_count; w++)
        if (function->windows[w].source == source && function->windows[w].range_max > longest)
            longest = function->windows[w].range_max;
    return longest;
}

/* What the log no longer holds can not be rebuilt from it. */
static void tell_retention(struct look *look)
{
    int64_t range = look->index == LEAT_SOURCE_LABELS ? 0 : longest_range(look->check->function, look->index);
    char held[32], needed[32];
    if (range == 0 || look->start == 0 || look->first_timestamp == LEAT_TIME_NONE ||
        look->now - look->first_timestamp >= range)
        return;
    leat_duration_format((look->now - look->first_timestamp) / LEAT_MINUTE * LEAT_MINUTE, held);
    leat_duration_format(range, needed);
    leat_check_find(look->check, false,
                    "topic '%s' holds the last %s, and windows look back %s: after the loss of a snapshot they would be "
                    "partial; raise the topic's retention",
                    look->topic->source->topic, held, needed);
}

static void tell_topic(struct look *look)
{
    const struct leat_check_topic *topic = look->topic;
    const char *name = topic->source->name;
    if (topic->unread > EXAMPLES_MAX)
        leat_check_find(look->check, false, "%s: %llu of the first %llu records can not be used", name,
                        (unsigned long long)topic->unread, (unsigned long long)topic->records);
    if (look->undecoded > 0 && look->undecoded == topic->records && topic->source->format == LEAT_FORMAT_JSON)
        leat_check_find(look->check, false, "%s: none of these records is JSON; of CSV say `format: csv`", name);
    if (topic->records == 0)
        leat_check_find(look->check, true, "topic '%s' (%s) has no records", topic->source->topic, name);
    if (topic->filtered > 0 && topic->filtered == topic->records)
        leat_check_find(look->check, true, "the filter leaves out all of the first %llu input records",
                        (unsigned long long)topic->records);
    if (look->index == 0 && topic->late * 100 > topic->records)
        leat_check_find(look->check, true, "%llu of the first %llu input records are late: grace may be too short",
                        (unsigned long long)topic->late, (unsigned long long)topic->records);
    tell_times(look);
    tell_absent(look);
    tell_retention(look);
}

static void look_done(struct look *look)
{
    leat_event_decoder_free(look->decoder);
    leat_batch_free(look->batch);
    leat_state_free(look->own);
    leat_state_free(look->shared);
    leat_expr_scratch_done(&look->scratch);
    leat_arena_done(&look->text);
    leat_map_free(look->partitions);
    leat_buffer_done(&look->key);
    leat_buffer_done(&look->members);
    free(look);
}

static struct look *look_new(struct leat_check *check, struct leat_check_topic *topic, size_t index, int64_t now)
{
    const struct leat_function *function = check->function;
    struct look *look = leat_calloc(1, sizeof *look);
    look->check = check;
    look->topic = topic;
    look->index = index;
    look->now = now;
    look->first_timestamp = LEAT_TIME_NONE;
    look->decoder = leat_event_decoder_new(function, index);
    look->batch = leat_batch_new(function);
    look->own = leat_state_new(function, false);
    look->shared = leat_state_new(function, true);
    look->scratch.text = &look->text;
    leat_expr_scratch_reserve(&look->scratch, function->registers);
    if (topic->partitions > 1 && !topic->source->global && index != LEAT_SOURCE_LABELS)
        look->partitions = leat_map_new();
    return look;
}

static int read_partitions(struct look *look, struct leat_stream *stream, struct leat_error *err)
{
    uint64_t partitions = (uint64_t)look->topic->partitions;
    uint64_t each = (look->check->records_max + partitions - 1) / partitions;
    for (int32_t p = 0; p < look->topic->partitions; p++) {
        look->partition = p;
        look->left = each;
        look->header_read = false;
        look->watermark = LEAT_TIME_NONE;
        if (leat_stream_drain(stream, look->topic->source->topic, p, LEAT_OFFSET_BEGIN, visit, look, err) < 0)
            return -1;
        if (look->err.kind != LEAT_ERROR_NONE) {
            leat_check_find(look->check, false, "topic '%s' (%s): %s", look->topic->source->topic,
                            look->topic->source->name, look->err.text);
            look->err = (struct leat_error){0};
        }
    }
    return 0;
}

static int look_at(struct leat_check *check, struct leat_stream *stream, struct leat_check_topic *topic, size_t index,
                   int64_t now, struct leat_error *err)
{
    struct look *look = look_new(check, topic, index, now);
    int result = read_partitions(look, stream, err);
    if (result == 0) {
        struct leat_windows_counters own = leat_state_counters(look->own), shared = leat_state_counters(look->shared);
        topic->held_events = own.events + shared.events;
        topic->held_bytes = own.bytes + shared.bytes;
        topic->looked = true;
        tell_topic(look);
    }
    look_done(look);
    return result;
}

/* -- all of them ----------------------------------------------------------------------------------------------------- */

static void check_count(struct leat_check *check, const struct leat_check_topic *topic)
{
    const struct leat_check_topic *input = &check->topics[0];
    const char *name = topic->source->topic;
    if (topic->partitions == 0 && check->files)
        leat_check_find(check, false, "topic '%s' (%s) does not exist: there is no %s/%s.jsonl or .csv", name,
                        topic->source->name, check->files, name);
    else if (topic->partitions == 0)
        leat_check_find(check, false, "topic '%s' (%s) does not exist", topic->source->topic, topic->source->name);
    else if (topic->source->kind == LEAT_SOURCE_STREAM && !topic->source->global && input->partitions > 0 &&
             topic->partitions != input->partitions && topic->source != &check->function->labels.source)
        leat_check_find(check, false,
                        "topic '%s' (%s) has %d partition%s, and the input's '%s' has %d: a stream has as many as the "
                        "input, or `scope: global`",
                        topic->source->topic, topic->source->name, (int)topic->partitions,
                        topic->partitions == 1 ? "" : "s", input->source->topic, (int)input->partitions);
}

int leat_check_records(struct leat_check *check, struct leat_stream *stream, int64_t now, struct leat_error *err)
{
    const struct leat_function *function = check->function;
    size_t count = function->source_count + function->labels.present;
    for (size_t i = 0; i < count; i++) {
        struct leat_check_topic *topic = &check->topics[i];
        size_t index = i < function->source_count ? i : LEAT_SOURCE_LABELS;
        topic->source = i < function->source_count ? &function->sources[i] : &function->labels.source;
        topic->first = topic->last = LEAT_TIME_NONE;
        if (leat_stream_partitions(stream, topic->source->topic, &topic->partitions, err) < 0)
            return -1;
        check_count(check, topic);
        if (topic->partitions > 0 && look_at(check, stream, topic, index, now, err) < 0)
            return -1;
    }
    return 0;
}
