/* What a function remembers between events: windows, tables and source clocks, owned by a partition or a worker. */
#include "function/state.h"

#include "base/time.h"

#include <stdlib.h>

struct leat_state *leat_state_new(const struct leat_function *function, bool shared)
{
    struct leat_state *state = leat_calloc(1, sizeof *state);
    state->function = function;
    state->watermark = LEAT_TIME_NONE;
    for (size_t s = 0; s < LEAT_SOURCES_MAX; s++)
        state->clocks[s] = LEAT_TIME_NONE;
    state->windows = leat_calloc(function->window_count + 1, sizeof *state->windows);
    state->tables = leat_calloc(function->source_count + 1, sizeof *state->tables);
    for (size_t w = 0; w < function->window_count; w++)
        if (function->windows[w].global == shared)
            state->windows[w] = leat_windows_new(&function->windows[w].plan);
    for (size_t s = 0; shared && s < function->source_count; s++)
        if (function->sources[s].kind == LEAT_SOURCE_TABLE)
            state->tables[s] = leat_table_new(&function->sources[s].table);
    return state;
}

void leat_state_free(struct leat_state *state)
{
    if (!state)
        return;
    for (size_t w = 0; w < state->function->window_count; w++)
        leat_windows_free(state->windows[w]);
    for (size_t s = 0; s < state->function->source_count; s++)
        leat_table_free(state->tables[s]);
    free(state->windows);
    free(state->tables);
    leat_buffer_done(&state->key);
    free(state);
}

int64_t leat_state_watermark(const struct leat_state *state)
{
    return state->watermark;
}

int64_t leat_state_clock(const struct leat_state *shared, size_t source)
{
    return shared->clocks[source];
}

void leat_state_cover(struct leat_state *state, size_t source, int64_t from)
{
    for (size_t w = 0; w < state->function->window_count; w++)
        if (state->windows[w] && state->function->windows[w].source == source)
            leat_windows_cover(state->windows[w], from);
}

void leat_state_resume(struct leat_state *state, size_t source, int64_t time)
{
    if (source == 0 && time > state->watermark)
        state->watermark = time;
    if (time > state->clocks[source])
        state->clocks[source] = time;
}

void leat_state_evict(struct leat_state *state, int64_t horizon)
{
    for (size_t w = 0; w < state->function->window_count; w++)
        if (state->windows[w])
            leat_windows_evict(state->windows[w], horizon);
}

struct leat_windows_counters leat_state_counters(const struct leat_state *state)
{
    struct leat_windows_counters sum = {0};
    for (size_t w = 0; w < state->function->window_count; w++) {
        if (!state->windows[w])
            continue;
        struct leat_windows_counters one = leat_windows_counters(state->windows[w]);
        sum.keys += one.keys;
        sum.events += one.events;
        sum.bytes += one.bytes;
        sum.out_of_order += one.out_of_order;
        sum.dropped += one.dropped;
        sum.evicted_keys += one.evicted_keys;
    }
    for (size_t s = 0; s < state->function->source_count; s++)
        if (state->tables[s])
            sum.bytes += leat_table_memory(state->tables[s]);
    return sum;
}

int leat_key_evaluate(struct leat_buffer *out, const struct leat_expr *const *keys, const enum leat_type *types,
                      size_t count, const struct leat_value *frame, struct leat_expr_scratch *scratch,
                      struct leat_reason *reason)
{
    struct leat_value values[LEAT_KEY_FIELDS_MAX];
    for (size_t i = 0; i < count; i++)
        if (leat_expr_eval(keys[i], frame, scratch, &values[i], reason) < 0)
            return -1;
    leat_buffer_reset(out);
    return leat_key_encode(out, types, values, count) ? 1 : 0;
}

/* One event into one log. An event whose key is null belongs to no key's window. */
static int add_to_window(const struct leat_function_window *window, struct leat_windows *windows,
                         struct leat_buffer *key, const struct leat_event *event, struct leat_expr_scratch *scratch,
                         struct leat_reason *reason)
{
    int has_key = leat_key_evaluate(key, window->stream_key, window->key_types, window->key_count, event->values,
                                    scratch, reason);
    if (has_key <= 0)
        return has_key;
    struct leat_value columns[LEAT_WINDOW_COLUMNS_MAX];
    for (size_t c = 0; c < window->plan.column_count; c++) {
        const struct leat_window_input *input = &window->columns[c];
        if (input->filter) {
            struct leat_value in;
            if (leat_expr_eval(input->filter, event->values, scratch, &in, reason) < 0)
                return -1;
            if (in.null || !in.as.i) {
                columns[c] = leat_value_absent();
                continue;
            }
        }
        if (!input->argument)
            columns[c] = leat_value_int(1);
        else if (leat_expr_eval(input->argument, event->values, scratch, &columns[c], reason) < 0)
            return -1;
    }
    return leat_windows_add(windows, leat_buffer_view(key), event->time, columns, reason);
}

int leat_state_add(const struct leat_function *function, struct leat_state *partition, struct leat_state *shared,
                   size_t source, const struct leat_event *event, struct leat_expr_scratch *scratch,
                   struct leat_reason *reason)
{
    int result = 0;
    for (size_t w = 0; w < function->window_count; w++) {
        const struct leat_function_window *window = &function->windows[w];
        struct leat_state *owner = window->global ? shared : partition;
        if (window->source == source &&
            add_to_window(window, owner->windows[w], &shared->key, event, scratch, reason) < 0)
            result = -1; /* the other windows still get it: an expression of one feature must not empty another's */
    }
    return result;
}

static int apply_row(const struct leat_source *source, struct leat_table *table, struct leat_buffer *key,
                     const struct leat_event *event, struct leat_reason *reason)
{
    struct leat_value keys[LEAT_KEY_FIELDS_MAX];
    enum leat_type types[LEAT_KEY_FIELDS_MAX];
    for (size_t i = 0; i < source->key_count; i++) {
        keys[i] = event->values[source->key_slots[i]];
        types[i] = source->projection.slots[source->key_slots[i]].type;
    }
    leat_buffer_reset(key);
    if (!leat_key_encode(key, types, keys, source->key_count))
        return 0; /* decode refuses null keys, so this is not reached by its events */
    if (event->tombstone) {
        leat_table_remove(table, leat_buffer_view(key));
        return 0;
    }
    struct leat_value row[LEAT_TABLE_COLUMNS_MAX];
    for (size_t c = 0; c < source->table.column_count; c++)
        row[c] = event->values[source->table_slots[c]];
    if (leat_table_put(table, leat_buffer_view(key), event->time, row) < 0)
        return leat_reason_set(reason, LEAT_STAGE_FEATURE, "table '%s' has reached its %llu bytes; the row is left out",
                               source->name, (unsigned long long)source->table.bytes_max);
    return 0;
}

int leat_state_apply(const struct leat_function *function, struct leat_state *partition, struct leat_state *shared,
                     size_t source, const struct leat_event *event, struct leat_expr_scratch *scratch,
                     struct leat_reason *reason)
{
    const struct leat_source *from = &function->sources[source];
    if (event->time > shared->clocks[source])
        shared->clocks[source] = event->time;
    if (event->heartbeat || event->filtered)
        return 0;
    if (from->kind == LEAT_SOURCE_TABLE)
        return apply_row(from, shared->tables[source], &shared->key, event, reason);
    return leat_state_add(function, partition, shared, source, event, scratch, reason);
}
