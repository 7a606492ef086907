#include "engine/cursor.h"

#include "base/time.h"

#include <stdlib.h>

/* How far back the source is ever looked at: decides how fine restart positions are sampled. */
static int64_t range_of(const struct leat_function *function, size_t source)
{
    int64_t range = 0;
    for (size_t w = 0; w < function->window_count; w++)
        if (function->windows[w].source == source && function->windows[w].range_max > range)
            range = function->windows[w].range_max;
    return range;
}

struct leat_log_cursor *leat_cursor_new(const struct leat_function *function, size_t source, struct leat_reader *reader,
                                        int64_t delay)
{
    struct leat_log_cursor *cursor = leat_calloc(1, sizeof *cursor);
    cursor->function = function;
    cursor->source = source;
    cursor->reader = reader;
    cursor->decoder = leat_event_decoder_new(function, source);
    cursor->timed = source == LEAT_SOURCE_LABELS || function->sources[source].time_slot >= 0;
    cursor->latest = LEAT_TIME_NONE;
    cursor->order = LEAT_TIME_NONE;
    cursor->covered_from = LEAT_TIME_NONE;
    cursor->delay = delay;
    int64_t range = source == LEAT_SOURCE_LABELS ? 0 : range_of(function, source);
    cursor->sample_step = range / (LEAT_CURSOR_SAMPLES / 4) + LEAT_SECOND;
    return cursor;
}

void leat_cursor_free(struct leat_log_cursor *cursor)
{
    if (!cursor)
        return;
    leat_reader_close(cursor->reader);
    leat_event_decoder_free(cursor->decoder);
    free(cursor);
}

/* Remembers that offset `at` was reached when the log's largest time was `latest`. Of a full set every second one goes:
 * older positions stay known, only more coarsely, and a restart reads a little more than it must. */
static void sample(struct leat_log_cursor *cursor, int64_t at)
{
    if (cursor->sample_count > 0) {
        if (cursor->latest - cursor->samples[cursor->sample_count - 1].order < cursor->sample_step)
            return;
    }
    if (cursor->sample_count == LEAT_CURSOR_SAMPLES) {
        for (size_t i = 0; i < LEAT_CURSOR_SAMPLES / 2; i++)
            cursor->samples[i] = cursor->samples[2 * i];
        cursor->sample_count = LEAT_CURSOR_SAMPLES / 2;
    }
    cursor->samples[cursor->sample_count++] = (struct leat_cursor_sample){at, cursor->latest};
}

int leat_cursor_fill(struct leat_log_cursor *cursor, enum leat_cursor_state *ret, struct leat_error *err)
{
    if (cursor->has_head) {
        *ret = LEAT_CURSOR_HEAD;
        return 0;
    }
    struct leat_reader *reader = cursor->reader;
    if (!reader->head)
        leat_reader_fill(reader);
    if (!reader->head) {
        *ret = LEAT_CURSOR_EMPTY;
        return 0;
    }
    if (reader->header.len > 0) {
        if (leat_event_decoder_header(cursor->decoder, reader->header, err) < 0)
            return leat_error_prefix(err, "topic %s", reader->topic);
        reader->header.len = 0; /* told once */
    }
    if (leat_event_decode(cursor->decoder, reader->head, &cursor->event, &cursor->reason) < 0) {
        *ret = LEAT_CURSOR_POISON;
        return 0;
    }
    if (cursor->timed) {
        if (cursor->latest != LEAT_TIME_NONE && !cursor->event.tombstone)
            sample(cursor, reader->head->offset);
        if (cursor->event.time > cursor->latest)
            cursor->latest = cursor->event.time;
        cursor->order = cursor->latest == LEAT_TIME_NONE ? LEAT_TIME_NONE : cursor->latest + cursor->delay;
    }
    cursor->has_head = true;
    *ret = LEAT_CURSOR_HEAD;
    return 0;
}

void leat_cursor_next(struct leat_log_cursor *cursor)
{
    cursor->has_head = false;
    leat_reader_next(cursor->reader);
}

bool leat_cursor_before(const struct leat_log_cursor *a, const struct leat_log_cursor *b)
{
    if (a->order != b->order)
        return a->order < b->order;
    enum leat_source_kind kind_a = a->function->sources[a->source].kind;
    enum leat_source_kind kind_b = b->function->sources[b->source].kind;
    if (kind_a != kind_b)
        return kind_a < kind_b;
    if (a->source != b->source)
        return a->source < b->source;
    return a->reader->partition < b->reader->partition;
}

struct leat_cursor_sample leat_cursor_restart(const struct leat_log_cursor *cursor, int64_t horizon)
{
    struct leat_cursor_sample best = {LEAT_OFFSET_BEGIN, LEAT_TIME_NONE};
    size_t low = 0, high = cursor->sample_count;
    while (low < high) { /* samples ascend in both fields */
        size_t middle = low + (high - low) / 2;
        if (cursor->samples[middle].order <= horizon)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? best : cursor->samples[low - 1];
}

void leat_cursor_resume(struct leat_log_cursor *cursor, struct leat_cursor_sample at)
{
    cursor->latest = at.order;
    cursor->sample_count = 0;
    if (at.offset >= 0)
        cursor->samples[cursor->sample_count++] = at;
}
