#include "cmd/truth.h"

#include "base/map.h"
#include "engine/cursor.h"

#include <math.h>
#include <stdlib.h>

struct label {
    int64_t time;
    double value;
};

struct leat_truth {
    const struct leat_function *function;
    struct leat_map *index; /* key → label + 1 */
    struct label *labels;
    size_t count, capacity, unread;
};

static int take(struct leat_truth *truth, const struct leat_event *event, struct leat_expr_scratch *scratch,
                struct leat_buffer *key)
{
    const struct leat_label_plan *plan = &truth->function->labels;
    struct leat_reason reason;
    struct leat_value value;
    struct leat_value joined = event->values[plan->key_slot];
    if (leat_expr_eval(plan->value, event->values, scratch, &value, &reason) < 0)
        return -1;
    double number = leat_value_number(leat_expr_type(plan->value), value);
    if (joined.null || isnan(number))
        return 0; /* no label */
    const struct leat_slot *slot = &plan->source.projection.slots[plan->key_slot];
    leat_buffer_reset(key);
    leat_encode_json_value(key, slot->type, slot->encoding, joined);
    bool is_new;
    uint64_t *at = leat_map_put(truth->index, leat_buffer_view(key), &is_new);
    if (!is_new)
        return 0;
    if (truth->count == truth->capacity) {
        truth->capacity = truth->capacity ? truth->capacity * 2 : 1024;
        truth->labels = leat_realloc(truth->labels, truth->capacity, sizeof *truth->labels);
    }
    *at = truth->count;
    truth->labels[truth->count++] = (struct label){event->time, number};
    return 0;
}

static int read_partition(struct leat_truth *truth, struct leat_stream *stream, int32_t partition, struct leat_error *err)
{
    const struct leat_function *function = truth->function;
    struct leat_reader *reader;
    if (leat_reader_open(stream, function->labels.source.topic, partition, LEAT_OFFSET_BEGIN, false, &reader, err) < 0)
        return -1;
    struct leat_log_cursor *cursor = leat_cursor_new(function, LEAT_SOURCE_LABELS, reader, 0);
    struct leat_arena text = {0};
    struct leat_expr_scratch scratch = {.text = &text};
    leat_expr_scratch_reserve(&scratch, function->registers);
    LEAT_CLEAN_BUFFER key = {0};
    int result = leat_stream_ends(stream, err);
    uint64_t mark = leat_stream_mark(stream);
    while (result == 0) {
        enum leat_cursor_state state;
        result = leat_cursor_fill(cursor, &state, err);
        if (result < 0)
            break;
        if (state == LEAT_CURSOR_EMPTY) {
            struct leat_change change;
            bool fatal;
            if (reader->end_mark >= mark)
                break;
            result = leat_stream_poll(stream, 50, &change, &fatal, err);
            continue;
        }
        leat_arena_reset(&text);
        if (state == LEAT_CURSOR_POISON || (!cursor->event.heartbeat && take(truth, &cursor->event, &scratch, &key) < 0))
            truth->unread++;
        leat_cursor_next(cursor);
    }
    leat_expr_scratch_done(&scratch);
    leat_arena_done(&text);
    leat_cursor_free(cursor);
    return result;
}

int leat_truth_read(const struct leat_function *function, struct leat_stream *stream, struct leat_truth **ret,
                    struct leat_error *err)
{
    if (!function->labels.present)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s has no labels: section", function->file);
    const char *topic = function->labels.source.topic;
    int32_t partitions = 0;
    if (leat_stream_partitions(stream, topic, &partitions, err) < 0)
        return -1;
    if (partitions == 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "the labels' topic '%s' does not exist", topic);
    struct leat_truth *truth = leat_calloc(1, sizeof *truth);
    truth->function = function;
    truth->index = leat_map_new();
    for (int32_t p = 0; p < partitions; p++)
        if (read_partition(truth, stream, p, err) < 0) {
            leat_truth_free(truth);
            return -1;
        }
    *ret = truth;
    return 0;
}

void leat_truth_free(struct leat_truth *truth)
{
    if (!truth)
        return;
    leat_map_free(truth->index);
    free(truth->labels);
    free(truth);
}

bool leat_truth_find(const struct leat_truth *truth, struct leat_bytes label_key, int64_t time, double *ret)
{
    const uint64_t *at = leat_map_find(truth->index, label_key);
    if (!at)
        return false;
    const struct label *label = &truth->labels[*at];
    int64_t wait = truth->function->labels.wait;
    if (wait > 0 && label->time - time > wait)
        return false;
    *ret = label->value;
    return true;
}

size_t leat_truth_count(const struct leat_truth *truth)
{
    return truth->count;
}

size_t leat_truth_unread(const struct leat_truth *truth)
{
    return truth->unread;
}
