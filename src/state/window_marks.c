#include "state/window_key.h"

/* A mark stands before every event whose id is a multiple of BLOCK. It has the sums of all before it, counted from some
 * place in the past that does not matter: a window's sum is the difference of two. And it has the extremes of the block
 * that begins there, computed when they are asked for and forgotten when the block changes.
 *
 * When an event comes in at its place, those behind it move on by one: from what is before a mark one event leaves and
 * the new one enters. So keeping up costs one step per mark behind it, not one per event. */
#define BLOCK 64

struct leat_window_marks {
    uint32_t first_id; /* of the first mark; the others follow in steps of BLOCK */
    uint32_t start, count, capacity;
    size_t size; /* of one mark */
    char *marks;
    struct leat_window_prefix all[]; /* per column with values: the sums of all events */
};

/* One mark: this, then per extreme its word. Prefixes first, for they are aligned to 16. */
static size_t mark_size(const struct leat_windows *windows)
{
    size_t words = windows->layout.extreme_count + 1;
    return windows->layout.values_count * sizeof(struct leat_window_prefix) + (words + words % 2) * sizeof(int64_t);
}

static size_t marks_size(const struct leat_windows *windows)
{
    return sizeof(struct leat_window_marks) + windows->layout.values_count * sizeof(struct leat_window_prefix);
}

static struct leat_window_prefix *mark_prefixes(const struct leat_window_marks *marks, uint32_t i)
{
    return (struct leat_window_prefix *)(void *)(marks->marks + (size_t)(marks->start + i) * marks->size);
}

/* Whether the extremes are known, and behind it the extremes. */
static int64_t *mark_words(const struct leat_windows *windows, const struct leat_window_marks *marks, uint32_t i)
{
    return (int64_t *)(void *)(mark_prefixes(marks, i) + windows->layout.values_count);
}

/* Adds an event's values, or takes them away. */
static void prefix_change(const struct leat_windows *windows, struct leat_window_prefix *prefix, const int64_t *event,
                          bool add)
{
    for (size_t i = 0; i < windows->layout.values_count; i++, prefix++) {
        const struct leat_window_values *values = &windows->layout.values[i];
        int64_t word = event[1 + values->column];
        if (!leat_word_is_value(word))
            continue;
        prefix->n += add ? 1 : UINT32_MAX;
        if (!values->has_sum)
            continue;
        leat_int128 steps = leat_word_steps(word, values->is_double);
        prefix->sum = add ? leat_exact_add(prefix->sum, steps) : leat_exact_sub(prefix->sum, steps);
        if (values->has_squares)
            (add ? leat_squares_add : leat_squares_sub)(&prefix->squares, steps);
    }
}

static void prefix_copy(const struct leat_windows *windows, struct leat_window_prefix *to,
                        const struct leat_window_prefix *from)
{
    for (size_t i = 0; i < windows->layout.values_count; i++)
        to[i] = from[i];
}

static void reserve(struct leat_windows *windows, struct leat_window_marks *marks)
{
    if (marks->start + marks->count < marks->capacity)
        return;
    char *from = (char *)mark_prefixes(marks, 0), *to = marks->marks;
    uint32_t capacity = marks->capacity;
    if (marks->start <= capacity / 2) {
        capacity += capacity / 2 + 8;
        to = leat_slab_force(&windows->slab, capacity * marks->size);
    }
    if (marks->count > 0)
        memmove(to, from, marks->count * marks->size);
    if (to != marks->marks) {
        leat_slab_give(&windows->slab, marks->marks, marks->capacity * marks->size);
        marks->marks = to;
        marks->capacity = capacity;
    }
    marks->start = 0;
}

/* The newest event is the first of a block: a mark before it. */
static void push(struct leat_windows *windows, const struct leat_window_key *key, struct leat_window_marks *marks)
{
    reserve(windows, marks);
    if (marks->count == 0)
        marks->first_id = key->base + key->count - 1;
    prefix_copy(windows, mark_prefixes(marks, marks->count), marks->all);
    prefix_change(windows, mark_prefixes(marks, marks->count), leat_key_event(windows, key, key->count - 1), false);
    mark_words(windows, marks, marks->count)[0] = 0;
    marks->count++;
}

void leat_window_marks_insert(struct leat_windows *windows, struct leat_window_key *key, uint32_t index)
{
    struct leat_window_marks *marks = *leat_key_marks(windows, key);
    const int64_t *event = leat_key_event(windows, key, index);
    prefix_change(windows, marks->all, event, true);
    uint32_t first = marks->first_id - key->base;
    for (uint32_t i = marks->count; i > 0 && first + i * BLOCK > index; i--) {
        uint32_t at = first + (i - 1) * BLOCK;
        mark_words(windows, marks, i - 1)[0] = 0;
        if (at <= index)
            break;
        prefix_change(windows, mark_prefixes(marks, i - 1), event, true);
        prefix_change(windows, mark_prefixes(marks, i - 1), leat_key_event(windows, key, at), false);
    }
    if ((key->base + key->count - 1) % BLOCK == 0)
        push(windows, key, marks);
}

void leat_window_marks_drop(struct leat_windows *windows, struct leat_window_key *key)
{
    struct leat_window_marks *marks = *leat_key_marks(windows, key);
    while (marks->count > 0 && (int32_t)(marks->first_id - key->base) < 0) {
        marks->first_id += BLOCK;
        marks->start++;
        marks->count--;
    }
    if (key->count < MARKS_MIN / 4)
        leat_window_marks_give(windows, key);
}

void leat_window_marks_give(struct leat_windows *windows, struct leat_window_key *key)
{
    struct leat_window_marks **marks = leat_key_marks(windows, key);
    if (*marks == NULL)
        return;
    leat_slab_give(&windows->slab, (*marks)->marks, (*marks)->capacity * (*marks)->size);
    leat_slab_give(&windows->slab, *marks, marks_size(windows));
    *marks = NULL;
}

void leat_window_marks_make(struct leat_windows *windows, struct leat_window_key *key)
{
    struct leat_window_marks *marks = leat_slab_force(&windows->slab, marks_size(windows));
    memset(marks, 0, marks_size(windows));
    marks->size = mark_size(windows);
    *leat_key_marks(windows, key) = marks;
    /* As if the events came one by one. */
    uint32_t count = key->count;
    for (key->count = 1; key->count <= count; key->count++)
        leat_window_marks_insert(windows, key, key->count - 1);
    key->count = count;
}

void leat_window_marks_prefix(const struct leat_windows *windows, const struct leat_window_key *key, uint32_t index,
                              struct leat_window_prefix *ret)
{
    const struct leat_window_marks *marks = *leat_key_marks(windows, key);
    uint32_t first = marks->first_id - key->base;
    /* The nearest mark; the sums of all stand for one at the end. */
    uint32_t nearest = index + BLOCK / 2 < first ? 0 : (index + BLOCK / 2 - first) / BLOCK;
    uint32_t at = key->count;
    if (nearest < marks->count)
        at = first + nearest * BLOCK;
    prefix_copy(windows, ret, nearest < marks->count ? mark_prefixes(marks, nearest) : marks->all);
    for (uint32_t i = at; i < index; i++)
        prefix_change(windows, ret, leat_key_event(windows, key, i), true);
    for (uint32_t i = index; i < at; i++)
        prefix_change(windows, ret, leat_key_event(windows, key, i), false);
}

/* The words that are no value are the least integers: the greatest word is a value if there is one, and the least value is
 * the least word counted from behind them, as unsigned. */
int64_t leat_window_scan(const struct leat_windows *windows, const struct leat_window_key *key,
                         const struct leat_window_extreme *extreme, uint32_t low, uint32_t high)
{
    size_t stride = windows->layout.stride;
    const int64_t *event = leat_key_event(windows, key, low) + 1 + extreme->column;
    if (extreme->max) {
        int64_t max = WORD_ABSENT;
        for (uint32_t i = low; i < high; i++, event += stride)
            max = *event > max ? *event : max;
        return max;
    }
    const uint64_t zero = (uint64_t)WORD_ABSENT + 1;
    uint64_t min = UINT64_MAX;
    for (uint32_t i = low; i < high; i++, event += stride) {
        uint64_t word = (uint64_t)*event - zero;
        min = word < min ? word : min;
    }
    return (int64_t)(min + zero);
}

static int64_t better(const struct leat_window_extreme *extreme, int64_t a, int64_t b)
{
    if (!leat_word_is_value(a) || !leat_word_is_value(b))
        return leat_word_is_value(a) ? a : b;
    return (extreme->max ? a > b : a < b) ? a : b;
}

/* The extreme of a whole block. */
static int64_t block_extreme(const struct leat_windows *windows, const struct leat_window_key *key,
                             const struct leat_window_marks *marks, uint32_t block, uint32_t extreme)
{
    int64_t *words = mark_words(windows, marks, block);
    uint32_t low = marks->first_id - key->base + block * BLOCK;
    for (size_t i = 0; words[0] == 0 && i < windows->layout.extreme_count; i++)
        words[1 + i] = leat_window_scan(windows, key, &windows->layout.extremes[i], low, low + BLOCK);
    words[0] = 1;
    return words[1 + extreme];
}

int64_t leat_window_marks_extreme(struct leat_windows *windows, const struct leat_window_key *key, uint32_t extreme,
                                  uint32_t low, uint32_t high)
{
    const struct leat_window_extreme *of = &windows->layout.extremes[extreme];
    const struct leat_window_marks *marks = *leat_key_marks(windows, key);
    uint32_t first = marks->first_id - key->base;
    uint32_t from = low <= first ? 0 : (low - first + BLOCK - 1) / BLOCK;
    uint32_t to = high < first ? 0 : (high - first) / BLOCK;
    if (marks->count == 0 || from >= to)
        return leat_window_scan(windows, key, of, low, high);
    int64_t best = leat_window_scan(windows, key, of, low, first + from * BLOCK);
    for (uint32_t block = from; block < to; block++)
        best = better(of, best, block_extreme(windows, key, marks, block, extreme));
    return better(of, best, leat_window_scan(windows, key, of, first + to * BLOCK, high));
}
