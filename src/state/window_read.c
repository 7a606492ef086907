#include "state/window_key.h"

#include "base/error.h"

/* The sums of one window of one column. */
struct sums {
    uint64_t n;
    leat_int128 sum;
    const struct leat_squares *squares;
    bool overflowed;
};

static struct leat_value value_of(enum leat_type type, int64_t word)
{
    if (!leat_word_is_value(word))
        return leat_value_null();
    if (type == LEAT_TYPE_DOUBLE)
        return leat_value_double(leat_word_double(word));
    if (type != LEAT_TYPE_STRING)
        return leat_value_int(word);
    const struct leat_text *text = leat_word_text(word);
    return leat_value_string((struct leat_bytes){text->data, text->len});
}

static bool is_of_sums(enum leat_aggregate_kind kind)
{
    return kind <= LEAT_AGGREGATE_AVG || kind == LEAT_AGGREGATE_STDDEV || kind == LEAT_AGGREGATE_VAR;
}

static int scale_of(const struct leat_window_op *op)
{
    return op->type == LEAT_TYPE_DOUBLE ? LEAT_EXACT_SCALE : 0;
}

/* False when it is too large for its type. */
static bool sum_value(const struct leat_window_op *op, leat_int128 sum, struct leat_value *ret)
{
    if (op->type == LEAT_TYPE_DOUBLE) {
        *ret = leat_value_double(leat_exact_double(sum, LEAT_EXACT_SCALE));
        return true;
    }
    bool fits = sum == (int64_t)sum;
    *ret = fits ? leat_value_int((int64_t)sum) : leat_value_null();
    return fits;
}

static struct leat_value spread_value(const struct leat_window_op *op, leat_int128 sum,
                                      const struct leat_squares *squares, uint64_t n)
{
    if (op->kind == LEAT_AGGREGATE_VAR)
        return leat_value_double(leat_exact_variance(sum, squares, n, scale_of(op)));
    return leat_value_double(leat_exact_deviation(sum, squares, n, scale_of(op)));
}

/* The value of a COUNT, SUM, AVG, VAR or STDDEV; false when it is too large to be held. */
static bool value_of_sums(const struct leat_window_op *op, const struct sums *sums, struct leat_value *ret)
{
    bool spreads = op->kind == LEAT_AGGREGATE_VAR || op->kind == LEAT_AGGREGATE_STDDEV;
    *ret = leat_value_null();
    if (op->kind == LEAT_AGGREGATE_COUNT)
        *ret = leat_value_int((int64_t)sums->n);
    else if (sums->n < (spreads ? 2 : 1))
        return true;
    else if (sums->overflowed)
        return false;
    else if (op->kind == LEAT_AGGREGATE_SUM)
        return sum_value(op, sums->sum, ret);
    else if (op->kind == LEAT_AGGREGATE_AVG)
        *ret = leat_value_double(leat_exact_mean(sums->sum, sums->n, scale_of(op)));
    else
        *ret = spread_value(op, sums->sum, sums->squares, sums->n);
    return true;
}

/* The value of an aggregate without a range. */
static bool read_life(const struct leat_windows *windows, const struct leat_window_key *key,
                      const struct leat_window_op *op, struct leat_value *ret)
{
    const struct leat_window_life *life = &windows->layout.lives[op->part];
    if (!is_of_sums(op->kind)) {
        *ret = value_of(op->type, leat_window_life_word(key, life, op->kind));
        return true;
    }
    struct sums sums = {.n = leat_window_life_count(key, life)};
    if (op->kind != LEAT_AGGREGATE_COUNT)
        sums.overflowed = !leat_window_life_sum(key, life, &sums.sum, &sums.squares);
    return value_of_sums(op, &sums, ret);
}

void leat_window_read_none(const struct leat_windows *windows, struct leat_value *ret)
{
    for (size_t i = 0; i < windows->layout.op_count; i++)
        ret[i] = windows->layout.ops[i].kind == LEAT_AGGREGATE_COUNT ? leat_value_int(0) : leat_value_null();
}

/* ---- The plain way: every aggregate by itself looks at all events ---- */

static int64_t column_word(const struct leat_windows *windows, const struct leat_window_key *key, uint32_t index,
                           int32_t column)
{
    return column < 0 ? 0 : leat_key_event(windows, key, index)[1 + column];
}

static int64_t better_word(enum leat_aggregate_kind kind, int64_t best, int64_t word)
{
    if (!leat_word_is_value(word))
        return best;
    if (!leat_word_is_value(best))
        return word;
    return (kind == LEAT_AGGREGATE_MAX ? word > best : word < best) ? word : best;
}

static bool is_in(const struct leat_windows *windows, int64_t range, int64_t t, int64_t time)
{
    return time > t - range && time <= t && time > windows->evicted_until;
}

static bool plain_sums(const struct leat_windows *windows, const struct leat_window_key *key,
                       const struct leat_window_op *op, int64_t t, struct leat_value *ret)
{
    int64_t range = windows->layout.ranges[op->range];
    struct leat_squares squares = {.limb = {0}};
    struct sums sums = {.squares = &squares};
    for (uint32_t i = 0; i < key->count; i++) {
        int64_t word = column_word(windows, key, i, op->column);
        if (!is_in(windows, range, t, leat_key_time(windows, key, i)) || !leat_word_is_value(word))
            continue;
        sums.n++;
        if (op->kind == LEAT_AGGREGATE_COUNT)
            continue;
        leat_int128 steps = leat_word_steps(word, op->type == LEAT_TYPE_DOUBLE);
        sums.sum = leat_exact_add(sums.sum, steps);
        leat_squares_add(&squares, steps);
    }
    return value_of_sums(op, &sums, ret);
}

static int64_t plain_word(const struct leat_windows *windows, const struct leat_window_key *key,
                          const struct leat_window_op *op, int64_t t)
{
    int64_t range = windows->layout.ranges[op->range];
    int64_t first = WORD_ABSENT, last = WORD_ABSENT, lag = WORD_ABSENT, best = WORD_ABSENT;
    for (uint32_t i = 0; i < key->count; i++) {
        if (!is_in(windows, range, t, leat_key_time(windows, key, i)))
            continue;
        int64_t word = column_word(windows, key, i, op->column);
        best = better_word(op->kind, best, word);
        lag = last;
        if (word == WORD_ABSENT)
            continue;
        last = word;
        if (first == WORD_ABSENT)
            first = word;
    }
    switch (op->kind) {
    case LEAT_AGGREGATE_FIRST:
        return first;
    case LEAT_AGGREGATE_LAST:
        return last;
    case LEAT_AGGREGATE_LAG:
        return lag;
    default:
        return best;
    }
}

bool leat_window_read_plain(const struct leat_windows *windows, const struct leat_window_key *key, int64_t t,
                            struct leat_value *ret)
{
    bool all = true;
    for (size_t i = 0; i < windows->layout.op_count; i++) {
        const struct leat_window_op *op = &windows->layout.ops[i];
        if (op->range < 0)
            all &= read_life(windows, key, op, &ret[i]);
        else if (is_of_sums(op->kind))
            all &= plain_sums(windows, key, op, t, &ret[i]);
        else
            ret[i] = value_of(op->type, plain_word(windows, key, op, t));
    }
    return all;
}

/* ---- The fast way: from the running values ---- */

/* A window of every range: its events are [lows[r], high). Cells are those of the key, or copies set right for a time in the past. */
struct view {
    const uint32_t *lows;
    uint32_t high;
    bool newest; /* the window ends with the key's newest event */
    const uint32_t *counts;
    const leat_int128 *sums;
    const struct leat_squares *squares;
};

/* The place in a queue of the first event from `low` on. Few are counted: that is quicker than to guess where to go. */
static uint32_t queue_find(const struct leat_window_queue *queue, const struct leat_window_key *key, uint32_t low)
{
    uint32_t from = queue->begin, to = queue->end;
    while (to - from > 16) {
        uint32_t middle = from + (to - from) / 2;
        if ((int32_t)(queue->ids[middle] - key->base) >= (int32_t)low)
            to = middle;
        else
            from = middle + 1;
    }
    uint32_t before = 0;
    for (uint32_t i = from; i < to; i++)
        before += (int32_t)(queue->ids[i] - key->base) < (int32_t)low;
    return from + before;
}

/* The queue's first event of the window is its extreme, if the window reaches that far. One that ends earlier must look. */
static int64_t find_extreme(struct leat_windows *windows, const struct leat_window_key *key,
                            const struct leat_window_op *op, uint32_t low, uint32_t high)
{
    const struct leat_window_extreme *extreme = &windows->layout.extremes[op->part];
    const struct leat_window_queue *queue = leat_key_queues(windows, key)[op->part];
    if (queue == NULL)
        return leat_window_scan(windows, key, extreme, low, high);
    uint32_t at = queue_find(queue, key, low);
    if (at == queue->end)
        return WORD_ABSENT;
    uint32_t index = queue->ids[at] - key->base;
    if (index < high)
        return column_word(windows, key, index, op->column);
    if (*leat_key_marks(windows, key) != NULL)
        return leat_window_marks_extreme(windows, key, op->part, low, high);
    return leat_window_scan(windows, key, extreme, low, high);
}

static int64_t find_first(const struct leat_windows *windows, struct leat_window_key *key,
                          const struct leat_window_op *op, const struct view *view)
{
    uint32_t *hint = (uint32_t *)leat_key_part(key, windows->layout.hint_ids) + op->part;
    uint32_t at = view->lows[op->range];
    if (view->newest && *hint - key->base > at)
        at = *hint - key->base;
    while (at < view->high && column_word(windows, key, at, op->column) == WORD_ABSENT)
        at++;
    if (view->newest)
        *hint = key->base + at;
    return at < view->high ? column_word(windows, key, at, op->column) : WORD_ABSENT;
}

/* The last event before `high` that is not absent, or for lag the last before the newest one. */
static int64_t find_last(const struct leat_windows *windows, const struct leat_window_key *key,
                         const struct leat_window_op *op, const struct view *view)
{
    const uint32_t *ids = (uint32_t *)leat_key_part(key, windows->layout.edge_ids) + 2 * op->part;
    int64_t low = view->lows[op->range], at = view->high;
    if (op->kind == LEAT_AGGREGATE_LAG)
        at--;
    if (view->newest) {
        int64_t last = (int32_t)(ids[0] - key->base), before = (int32_t)(ids[1] - key->base);
        at = last < at ? last : before;
    } else {
        at--;
        while (at >= low && column_word(windows, key, (uint32_t)at, op->column) == WORD_ABSENT)
            at--;
    }
    return at >= low ? column_word(windows, key, (uint32_t)at, op->column) : WORD_ABSENT;
}

static bool read_view(struct leat_windows *windows, struct leat_window_key *key, const struct view *view,
                      struct leat_value *ret)
{
    bool all = true;
    const struct leat_window_op *op = windows->layout.ops, *end = op + windows->layout.op_count;
    for (; op < end; op++, ret++) {
        uint32_t n;
        switch (op->code) {
        case LEAT_WINDOW_LIFE:
            all &= read_life(windows, key, op, ret);
            break;
        case LEAT_WINDOW_EVENTS:
            *ret = leat_value_int(view->high - view->lows[op->range]);
            break;
        case LEAT_WINDOW_COUNT:
            *ret = leat_value_int(view->counts[op->part]);
            break;
        case LEAT_WINDOW_SUM:
            if (view->counts[op->part] > 0)
                all &= sum_value(op, view->sums[op->part], ret);
            else
                *ret = leat_value_null();
            break;
        case LEAT_WINDOW_AVG:
            n = view->counts[op->part];
            *ret = n > 0 ? leat_value_double(leat_exact_mean(view->sums[op->part], n, scale_of(op))) : leat_value_null();
            break;
        case LEAT_WINDOW_SPREAD:
            n = view->counts[op->part];
            *ret = n > 1 ? spread_value(op, view->sums[op->part],
                                        &view->squares[windows->layout.cells[op->part].squares], n)
                         : leat_value_null();
            break;
        case LEAT_WINDOW_EXTREME:
            *ret = value_of(op->type, find_extreme(windows, key, op, view->lows[op->range], view->high));
            break;
        case LEAT_WINDOW_FIRST:
            *ret = value_of(op->type, find_first(windows, key, op, view));
            break;
        case LEAT_WINDOW_LAST:
            *ret = value_of(op->type, find_last(windows, key, op, view));
            break;
        }
    }
    return all;
}

static int64_t begin_of(const struct leat_windows *windows, uint32_t r, int64_t t)
{
    int64_t after = t - windows->layout.ranges[r];
    return after > windows->evicted_until ? after : windows->evicted_until;
}

/* Lets a tail follow to the first event after a time; time rarely goes back. Returns its index. */
static uint32_t tail_follow(const struct leat_windows *windows, struct leat_window_key *key, uint32_t r, int64_t after)
{
    size_t stride = windows->layout.stride;
    uint32_t tail = ((const uint32_t *)leat_key_part(key, windows->layout.tails))[r] - key->base, at = tail;
    const int64_t *event = leat_key_event(windows, key, at);
    if (at > 0 && *(event - stride) > after)
        at = leat_window_log_after(windows, key, after);
    else
        for (; at < key->count && *event <= after; event += stride)
            at++;
    if (at != tail)
        leat_window_log_move_tail(windows, key, r, at);
    return at;
}

static bool read_newest(struct leat_windows *windows, struct leat_window_key *key, int64_t t, struct leat_value *ret)
{
    const struct leat_window_layout *layout = &windows->layout;
    for (uint32_t r = 0; r < layout->range_count; r++)
        windows->lows[r] = tail_follow(windows, key, r, begin_of(windows, r, t));
    struct view view = {
        .lows = windows->lows,
        .high = key->count,
        .newest = true,
        .counts = leat_key_part(key, layout->counts),
        .sums = leat_key_part(key, layout->sums),
        .squares = leat_key_part(key, layout->squares),
    };
    return read_view(windows, key, &view, ret);
}

/* The cells of a range for the events [low, high), by marks: what is before high, whose prefix is there, less what is before
 * low. */
static void cells_by_marks(struct leat_windows *windows, const struct leat_window_key *key, uint32_t r, uint32_t low)
{
    const struct leat_window_layout *layout = &windows->layout;
    leat_window_marks_prefix(windows, key, low, windows->prefixes[0]);
    for (size_t i = layout->cells_of[r]; i < layout->cells_of[r + 1]; i++) {
        const struct leat_window_cell *cell = &layout->cells[i];
        const struct leat_window_prefix *from = &windows->prefixes[0][cell->values];
        const struct leat_window_prefix *to = &windows->prefixes[1][cell->values];
        windows->counts[i] = to->n - from->n;
        windows->sums[i] = leat_exact_sub(to->sum, from->sum);
        if (cell->squares < 0)
            continue;
        windows->squares[cell->squares] = to->squares;
        leat_squares_part(&windows->squares[cell->squares], &from->squares);
    }
}

/* Adds the events [from, to), if there are any, to the copied cells, or takes them out. */
static void cells_change(struct leat_windows *windows, const struct leat_window_key *key, uint32_t r, uint32_t from,
                         uint32_t to, bool add)
{
    if (from < to)
        leat_window_cells_apply(windows, r, leat_key_event(windows, key, from), to - from, add, windows->counts,
                                windows->sums, windows->squares);
}

static void cells_copy(struct leat_windows *windows, const struct leat_window_key *key, uint32_t r, bool afresh)
{
    const struct leat_window_layout *layout = &windows->layout;
    for (size_t i = layout->cells_of[r]; i < layout->cells_of[r + 1]; i++) {
        int32_t s = layout->cells[i].squares;
        windows->counts[i] = afresh ? 0 : ((const uint32_t *)leat_key_part(key, layout->counts))[i];
        windows->sums[i] = afresh ? 0 : ((const leat_int128 *)leat_key_part(key, layout->sums))[i];
        if (s >= 0)
            windows->squares[s] = afresh ? (struct leat_squares){.limb = {0}}
                                         : ((const struct leat_squares *)leat_key_part(key, layout->squares))[s];
    }
}

/* The cells of a range for the events [low, high): from those of [tail, end), where the two have much in common; else from
 * marks, or from nothing. */
static void cells_at(struct leat_windows *windows, const struct leat_window_key *key, uint32_t r, uint32_t low,
                     uint32_t high)
{
    uint32_t tail = ((const uint32_t *)leat_key_part(key, windows->layout.tails))[r] - key->base;
    uint64_t apart = (uint64_t)(low > tail ? low - tail : tail - low) + (key->count - high);
    bool afresh = apart >= high - low;
    if (*leat_key_marks(windows, key) != NULL && (afresh ? high - low : apart) > MARKS_MIN / 8) {
        cells_by_marks(windows, key, r, low);
        return;
    }
    cells_copy(windows, key, r, afresh);
    uint32_t at = afresh ? high : tail, end = afresh ? high : key->count;
    cells_change(windows, key, r, at, low, false);
    cells_change(windows, key, r, low, at, true);
    cells_change(windows, key, r, high, end, false);
}

static bool read_behind(struct leat_windows *windows, struct leat_window_key *key, int64_t t, struct leat_value *ret)
{
    const struct leat_window_layout *layout = &windows->layout;
    uint32_t high = leat_window_log_after(windows, key, t);
    struct leat_window_marks **marks = leat_key_marks(windows, key);
    if (*marks == NULL && key->count >= MARKS_MIN)
        leat_window_marks_make(windows, key);
    if (*marks != NULL)
        leat_window_marks_prefix(windows, key, high, windows->prefixes[1]);
    for (uint32_t r = 0; r < layout->range_count; r++) {
        uint32_t low = leat_window_log_after(windows, key, begin_of(windows, r, t));
        windows->lows[r] = low < high ? low : high;
        if (layout->cells_of[r] < layout->cells_of[r + 1])
            cells_at(windows, key, r, windows->lows[r], high);
    }
    struct view view = {
        .lows = windows->lows,
        .high = high,
        .counts = windows->counts,
        .sums = windows->sums,
        .squares = windows->squares,
    };
    return read_view(windows, key, &view, ret);
}

bool leat_window_read_fast(struct leat_windows *windows, struct leat_window_key *key, int64_t t, struct leat_value *ret)
{
    if (key->count == 0 || leat_key_time(windows, key, key->count - 1) <= t)
        return read_newest(windows, key, t, ret);
    return read_behind(windows, key, t, ret);
}
