/* What a plan of windows makes of one key: which running values its block holds, and where.
 *
 * Aggregates that share a range share one tail; those that share column and range share count, sum and squares; minimum
 * and maximum of a column share one queue whatever their ranges. */
#ifndef LEAT_STATE_WINDOW_PLAN_H
#define LEAT_STATE_WINDOW_PLAN_H

#include "state/windows.h"

/* Count, sum and squares of one column over one range. */
struct leat_window_cell {
    uint32_t column;
    uint32_t range;  /* number */
    uint32_t values; /* number of the column among those with values */
    bool is_double;
    bool has_sum;
    int32_t squares; /* number among those that have squares, or -1 */
};

/* A column of which some cell counts or sums the values. */
struct leat_window_values {
    uint32_t column;
    bool is_double;
    bool has_sum, has_squares;
};

/* The extremes of one column. */
struct leat_window_extreme {
    uint32_t column;
    bool max;
};

/* The first value of one column over one range. */
struct leat_window_hint {
    uint32_t column;
    uint32_t range;
};

/* What is kept without a range of one column: offsets into the key's block, 0 where it is not asked. */
struct leat_window_life {
    int32_t column; /* -1: all events */
    enum leat_type type;
    size_t n, sum, squares, min, max, first, last, lag;
};

/* How an aggregate's value is made. */
enum leat_window_code {
    LEAT_WINDOW_LIFE, /* without a range */
    LEAT_WINDOW_EVENTS,
    LEAT_WINDOW_COUNT,
    LEAT_WINDOW_SUM,
    LEAT_WINDOW_AVG,
    LEAT_WINDOW_SPREAD,
    LEAT_WINDOW_EXTREME,
    LEAT_WINDOW_FIRST,
    LEAT_WINDOW_LAST,
};

/* One aggregate: where its value comes from. */
struct leat_window_op {
    enum leat_window_code code;
    enum leat_aggregate_kind kind;
    int32_t column;
    enum leat_type type; /* of the column */
    int32_t range;       /* number, -1: none */
    uint32_t part;       /* number of the cell, extreme, edge, hint or life */
};

struct leat_window_layout {
    size_t stride;   /* words of one event: its time and its columns */
    int64_t *ranges; /* ascending */
    size_t range_count;
    struct leat_window_cell *cells; /* by range */
    size_t cell_count, squares_count;
    size_t *cells_of;                  /* cells_of[r] … cells_of[r + 1] − 1 are those of range r */
    struct leat_window_values *values; /* by column, each once */
    size_t values_count;
    struct leat_window_extreme *extremes;
    size_t extreme_count;
    uint32_t *edges; /* the columns of which the last two values are kept at hand */
    size_t edge_count;
    struct leat_window_hint *hints;
    size_t hint_count;
    struct leat_window_life *lives;
    size_t life_count;
    uint32_t *texts; /* the columns of strings */
    size_t text_count;
    struct leat_window_op *ops;
    size_t op_count;

    /* Offsets into a key's block. */
    size_t sums, squares, queues, marks, counts, tails, edge_ids, hint_ids;
    size_t key; /* the key's bytes, before the events */
};

/* `header` is the size of what every key's block begins with. The layout lives in the arena. */
void leat_window_layout_make(struct leat_window_layout *layout, const struct leat_window_plan *plan, size_t header,
                             struct leat_arena *arena);

#endif
