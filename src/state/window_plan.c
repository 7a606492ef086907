#include "state/window_plan.h"

#include "base/error.h"

#include <stdlib.h>

static int compare_ranges(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void find_ranges(struct leat_window_layout *layout, const struct leat_window_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->aggregate_count; i++)
        if (plan->aggregates[i].range != LEAT_RANGE_NONE)
            layout->ranges[count++] = plan->aggregates[i].range;
    qsort(layout->ranges, count, sizeof(*layout->ranges), compare_ranges);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || layout->ranges[i] != layout->ranges[i - 1])
            layout->ranges[layout->range_count++] = layout->ranges[i];
}

static uint32_t range_number(const struct leat_window_layout *layout, int64_t range)
{
    uint32_t r = 0;
    while (layout->ranges[r] != range)
        r++;
    return r;
}

static void check(const struct leat_window_plan *plan, const struct leat_window_aggregate *aggregate)
{
    leat_assert(aggregate->range == LEAT_RANGE_NONE || aggregate->range > 0);
    leat_assert(aggregate->column >= -1 && aggregate->column < (int64_t)plan->column_count);
    leat_assert(aggregate->column >= 0 || aggregate->kind == LEAT_AGGREGATE_COUNT);
    bool is_text = aggregate->column >= 0 && plan->columns[aggregate->column] == LEAT_TYPE_STRING;
    bool takes_text = aggregate->kind == LEAT_AGGREGATE_COUNT || aggregate->kind == LEAT_AGGREGATE_FIRST ||
                      aggregate->kind == LEAT_AGGREGATE_LAST || aggregate->kind == LEAT_AGGREGATE_LAG;
    leat_assert(!is_text || takes_text);
}

static bool needs_squares(enum leat_aggregate_kind kind)
{
    return kind == LEAT_AGGREGATE_VAR || kind == LEAT_AGGREGATE_STDDEV;
}

static bool needs_sum(enum leat_aggregate_kind kind)
{
    return kind == LEAT_AGGREGATE_SUM || kind == LEAT_AGGREGATE_AVG || needs_squares(kind);
}

static uint32_t values_for(struct leat_window_layout *layout, const struct leat_window_op *op)
{
    size_t i = 0;
    while (i < layout->values_count && layout->values[i].column != (uint32_t)op->column)
        i++;
    struct leat_window_values *values = &layout->values[i];
    layout->values_count += i == layout->values_count;
    values->column = (uint32_t)op->column;
    values->is_double = op->type == LEAT_TYPE_DOUBLE;
    values->has_sum |= needs_sum(op->kind);
    values->has_squares |= needs_squares(op->kind);
    return (uint32_t)i;
}

static uint32_t cell_for(struct leat_window_layout *layout, const struct leat_window_op *op)
{
    size_t i = 0;
    while (i < layout->cell_count &&
           (layout->cells[i].column != (uint32_t)op->column || layout->cells[i].range != (uint32_t)op->range))
        i++;
    struct leat_window_cell *cell = &layout->cells[i];
    if (i == layout->cell_count) {
        layout->cell_count++;
        *cell = (struct leat_window_cell){
            .column = (uint32_t)op->column,
            .range = (uint32_t)op->range,
            .is_double = op->type == LEAT_TYPE_DOUBLE,
            .squares = -1,
        };
    }
    cell->values = values_for(layout, op);
    cell->has_sum |= needs_sum(op->kind);
    if (needs_squares(op->kind) && cell->squares < 0)
        cell->squares = (int32_t)layout->squares_count++;
    return (uint32_t)i;
}

static uint32_t extreme_for(struct leat_window_layout *layout, uint32_t column, bool max)
{
    size_t i = 0;
    while (i < layout->extreme_count && (layout->extremes[i].column != column || layout->extremes[i].max != max))
        i++;
    layout->extremes[i] = (struct leat_window_extreme){column, max};
    layout->extreme_count += i == layout->extreme_count;
    return (uint32_t)i;
}

static uint32_t edge_for(struct leat_window_layout *layout, uint32_t column)
{
    size_t i = 0;
    while (i < layout->edge_count && layout->edges[i] != column)
        i++;
    layout->edges[i] = column;
    layout->edge_count += i == layout->edge_count;
    return (uint32_t)i;
}

static uint32_t hint_for(struct leat_window_layout *layout, uint32_t column, uint32_t range)
{
    size_t i = 0;
    while (i < layout->hint_count && (layout->hints[i].column != column || layout->hints[i].range != range))
        i++;
    layout->hints[i] = (struct leat_window_hint){column, range};
    layout->hint_count += i == layout->hint_count;
    return (uint32_t)i;
}

static uint32_t life_for(struct leat_window_layout *layout, const struct leat_window_op *op)
{
    size_t i = 0;
    while (i < layout->life_count && layout->lives[i].column != op->column)
        i++;
    struct leat_window_life *life = &layout->lives[i];
    if (i == layout->life_count) {
        layout->life_count++;
        *life = (struct leat_window_life){.column = op->column, .type = op->type};
    }
    /* Not yet offsets: 1 says that it is asked. */
    life->n |= op->kind == LEAT_AGGREGATE_COUNT || needs_sum(op->kind);
    life->sum |= needs_sum(op->kind);
    life->squares |= needs_squares(op->kind);
    life->min |= op->kind == LEAT_AGGREGATE_MIN;
    life->max |= op->kind == LEAT_AGGREGATE_MAX;
    life->first |= op->kind == LEAT_AGGREGATE_FIRST;
    life->last |= op->kind == LEAT_AGGREGATE_LAST || op->kind == LEAT_AGGREGATE_LAG;
    life->lag |= op->kind == LEAT_AGGREGATE_LAG;
    return (uint32_t)i;
}

static enum leat_window_code code_of(const struct leat_window_op *op)
{
    if (op->range < 0)
        return LEAT_WINDOW_LIFE;
    switch (op->kind) {
    case LEAT_AGGREGATE_COUNT:
        return op->column < 0 ? LEAT_WINDOW_EVENTS : LEAT_WINDOW_COUNT;
    case LEAT_AGGREGATE_SUM:
        return LEAT_WINDOW_SUM;
    case LEAT_AGGREGATE_AVG:
        return LEAT_WINDOW_AVG;
    case LEAT_AGGREGATE_STDDEV:
    case LEAT_AGGREGATE_VAR:
        return LEAT_WINDOW_SPREAD;
    case LEAT_AGGREGATE_MIN:
    case LEAT_AGGREGATE_MAX:
        return LEAT_WINDOW_EXTREME;
    case LEAT_AGGREGATE_FIRST:
        return LEAT_WINDOW_FIRST;
    case LEAT_AGGREGATE_LAST:
    case LEAT_AGGREGATE_LAG:
        return LEAT_WINDOW_LAST;
    }
    leat_assert_failed("a kind of aggregate that is known", __FILE__, __LINE__);
}

static uint32_t part_for(struct leat_window_layout *layout, const struct leat_window_op *op)
{
    uint32_t column = (uint32_t)op->column, range = (uint32_t)op->range;
    switch (op->code) {
    case LEAT_WINDOW_LIFE:
        return life_for(layout, op);
    case LEAT_WINDOW_EVENTS:
        return 0;
    case LEAT_WINDOW_COUNT:
    case LEAT_WINDOW_SUM:
    case LEAT_WINDOW_AVG:
    case LEAT_WINDOW_SPREAD:
        return cell_for(layout, op);
    case LEAT_WINDOW_EXTREME:
        return extreme_for(layout, column, op->kind == LEAT_AGGREGATE_MAX);
    case LEAT_WINDOW_FIRST:
        return hint_for(layout, column, range);
    case LEAT_WINDOW_LAST:
        return edge_for(layout, column);
    }
    return 0;
}

static void make_ops(struct leat_window_layout *layout, const struct leat_window_plan *plan)
{
    /* The cells come by range, so the aggregates are gone through range by range (-1: those without). */
    for (int32_t r = -1; r < (int32_t)layout->range_count; r++) {
        if (r >= 0)
            layout->cells_of[r] = layout->cell_count;
        for (size_t i = 0; i < plan->aggregate_count; i++) {
            const struct leat_window_aggregate *aggregate = &plan->aggregates[i];
            int32_t range = aggregate->range == LEAT_RANGE_NONE ? -1 : (int32_t)range_number(layout, aggregate->range);
            if (range != r)
                continue;
            struct leat_window_op *op = &layout->ops[i];
            op->kind = aggregate->kind;
            op->column = aggregate->column;
            op->type = aggregate->column < 0 ? LEAT_TYPE_NULL : plan->columns[aggregate->column];
            op->range = range;
            op->code = code_of(op);
            op->part = part_for(layout, op);
        }
    }
    layout->cells_of[layout->range_count] = layout->cell_count;
}

static size_t put(size_t *at, size_t size, size_t align)
{
    size_t offset = (*at + align - 1) & ~(align - 1);
    *at = offset + size;
    return offset;
}

static void place_life(struct leat_window_life *life, size_t *at)
{
    if (life->sum)
        life->sum = put(at, 32, 16);
    if (life->squares)
        life->squares = put(at, 32, 16);
    if (life->lag)
        life->lag = put(at, 32, 16);
    size_t *const words[] = {&life->first, &life->last};
    for (size_t i = 0; i < 2; i++)
        if (*words[i])
            *words[i] = put(at, 16, 8);
    size_t *const singles[] = {&life->n, &life->min, &life->max};
    for (size_t i = 0; i < 3; i++)
        if (*singles[i])
            *singles[i] = put(at, 8, 8);
}

static void place_all(struct leat_window_layout *layout, size_t header)
{
    size_t at = header;
    layout->queues = put(&at, layout->extreme_count * 8, 8);
    if (layout->range_count > 0)
        layout->marks = put(&at, 8, 8);
    layout->tails = put(&at, layout->range_count * 4, 4);
    layout->counts = put(&at, layout->cell_count * 4, 4);
    layout->edge_ids = put(&at, layout->edge_count * 8, 4);
    layout->hint_ids = put(&at, layout->hint_count * 4, 4);
    if (layout->cell_count > 0)
        layout->sums = put(&at, layout->cell_count * 16, 16);
    if (layout->squares_count > 0)
        layout->squares = put(&at, layout->squares_count * 32, 16);
    for (size_t i = 0; i < layout->life_count; i++)
        place_life(&layout->lives[i], &at);
    layout->key = at;
}

void leat_window_layout_make(struct leat_window_layout *layout, const struct leat_window_plan *plan, size_t header,
                             struct leat_arena *arena)
{
    *layout = (struct leat_window_layout){.stride = plan->column_count + 1, .op_count = plan->aggregate_count};
    size_t most = plan->aggregate_count + 1;
    layout->ranges = leat_arena_zalloc(arena, most, sizeof(*layout->ranges));
    layout->cells = leat_arena_zalloc(arena, most, sizeof(*layout->cells));
    layout->cells_of = leat_arena_zalloc(arena, most, sizeof(*layout->cells_of));
    layout->values = leat_arena_zalloc(arena, most, sizeof(*layout->values));
    layout->extremes = leat_arena_zalloc(arena, most, sizeof(*layout->extremes));
    layout->edges = leat_arena_zalloc(arena, most, sizeof(*layout->edges));
    layout->hints = leat_arena_zalloc(arena, most, sizeof(*layout->hints));
    layout->lives = leat_arena_zalloc(arena, most, sizeof(*layout->lives));
    layout->ops = leat_arena_zalloc(arena, most, sizeof(*layout->ops));
    layout->texts = leat_arena_zalloc(arena, plan->column_count + 1, sizeof(*layout->texts));
    for (size_t i = 0; i < plan->aggregate_count; i++)
        check(plan, &plan->aggregates[i]);
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i] == LEAT_TYPE_STRING)
            layout->texts[layout->text_count++] = (uint32_t)i;
    find_ranges(layout, plan);
    make_ops(layout, plan);
    place_all(layout, header);
}
