/* What the windows hold of one key, and the parts that work on it. Private to windows.
 *
 * A key has one block: the header below, the running values that the layout places behind it, the key's bytes. Its events
 * are an array of words in a block of their own, sorted by (time, arrival): live ones are [start, start + count).
 * Events are named by index (from 0, the oldest held) or by id: index + base, modulo 2^32. Ids stay true when old events leave.
 *
 * A column's word: an INT, TIME or BOOL is itself; a DOUBLE is its bits, mapped so that integers order as doubles do (and
 * −0 before +0); a STRING is the address of a held text. Two words are no value. */
#ifndef LEAT_STATE_WINDOW_KEY_H
#define LEAT_STATE_WINDOW_KEY_H

#include "state/exact.h"
#include "state/index.h"
#include "state/slab.h"
#include "state/text_pool.h"
#include "state/window_plan.h"
#include "state/windows.h"

#define WORD_NULL INT64_MIN
#define WORD_ABSENT (INT64_MIN + 1)

/* Below this many events the extremes are found by looking at all. */
#define SCAN_MAX 16

/* The ids of those events that are an extreme of themselves and all after them, oldest first. */
struct leat_window_queue {
    uint32_t begin, end, capacity;
    uint32_t ids[];
};

/* Sums of what is before a place in a log. */
struct leat_window_prefix {
    leat_int128 sum;
    struct leat_squares squares;
    uint32_t n;
};

struct leat_window_marks; /* window_marks.c */

struct leat_window_key {
    uint32_t len; /* of the key; first, as the index wants it */
    uint32_t start, count, capacity;
    uint32_t base;
    uint32_t lost;         /* 1: an event that a bound dropped is missing without a range too */
    int64_t *words;        /* NULL when capacity is 0 */
    int64_t dropped_until; /* the latest time of an event that a bound dropped; LEAT_TIME_NONE: none */
};

struct leat_windows {
    struct leat_window_plan plan;
    struct leat_window_layout layout;
    struct leat_arena arena;
    struct leat_slab slab;
    struct leat_index keys; /* a slot's note: the coarse time of the key's newest event */
    struct leat_text_pool texts;
    struct leat_windows_counters counters; /* keys and bytes are filled in when asked */
    uint32_t events_max;
    int64_t covered_from;
    int64_t evicted_until; /* events up to this time are no longer there, whether they have left memory or not */
    int64_t lost_until;    /* dropped_until of keys that had no room at all */
    bool lost;
    size_t hand; /* the slot where the sweep goes on */
    uint64_t swept_adds, adds;
    size_t recent_slot; /* of the key that was asked for last, or LEAT_INDEX_NOT_FOUND */
    int64_t *event;     /* scratch: the words of the event that is being added */
    uint32_t *lows;     /* scratch: per range the index of a window's first event */
    leat_int128 *steps; /* scratch: per column what it adds to a sum */
    leat_int128 *sums;  /* scratch: per cell, as in a key */
    uint32_t *counts;
    struct leat_squares *squares;
    struct leat_window_prefix *prefixes[2]; /* scratch: per column with values */
};

static inline bool leat_word_is_value(int64_t word)
{
    return word > WORD_ABSENT;
}

static inline int64_t leat_word_of_double(double d)
{
    int64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    return bits ^ ((bits >> 63) & INT64_MAX);
}

static inline double leat_word_double(int64_t word)
{
    int64_t bits = word ^ ((word >> 63) & INT64_MAX);
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static inline struct leat_text *leat_word_text(int64_t word)
{
    return (struct leat_text *)(intptr_t)word;
}

static inline leat_int128 leat_word_steps(int64_t word, bool is_double)
{
    return is_double ? leat_exact_of(leat_word_double(word)) : word;
}

static inline void *leat_key_part(const struct leat_window_key *key, size_t offset)
{
    return (char *)(uintptr_t)key + offset;
}

/* Where in its block a key's events begin. */
static inline size_t leat_key_events_at(const struct leat_windows *windows, const struct leat_window_key *key)
{
    return (windows->layout.key + key->len + 7) & ~(size_t)7;
}

static inline int64_t *leat_key_event(const struct leat_windows *windows, const struct leat_window_key *key,
                                      uint32_t index)
{
    int64_t *words = leat_key_part(key, leat_key_events_at(windows, key));
    return words + (size_t)(key->start + index) * windows->layout.stride;
}

static inline int64_t leat_key_time(const struct leat_windows *windows, const struct leat_window_key *key,
                                    uint32_t index)
{
    return *leat_key_event(windows, key, index);
}

static inline struct leat_window_queue **leat_key_queues(const struct leat_windows *windows,
                                                         const struct leat_window_key *key)
{
    return leat_key_part(key, windows->layout.queues);
}

static inline struct leat_window_marks **leat_key_marks(const struct leat_windows *windows,
                                                        const struct leat_window_key *key)
{
    return leat_key_part(key, windows->layout.marks);
}

/* window_marks.c: sums and extremes of blocks of a long log, for windows that end before its newest event. Made by the
 * first such window, then kept up to date until the log is short again or cleared. */

/* From so many events on a log may have marks. */
#define MARKS_MIN 512

void leat_window_marks_make(struct leat_windows *windows, struct leat_window_key *key);
void leat_window_marks_give(struct leat_windows *windows, struct leat_window_key *key);
/* An event came in at `index`; the oldest left. */
void leat_window_marks_insert(struct leat_windows *windows, struct leat_window_key *key, uint32_t index);
void leat_window_marks_drop(struct leat_windows *windows, struct leat_window_key *key);
/* Sums of the events before `index`, per column with values, counted from a place that is the same for all. */
void leat_window_marks_prefix(const struct leat_windows *windows, const struct leat_window_key *key, uint32_t index,
                              struct leat_window_prefix *ret);
/* The extreme of the events [low, high). */
int64_t leat_window_marks_extreme(struct leat_windows *windows, const struct leat_window_key *key, uint32_t extreme,
                                  uint32_t low, uint32_t high);

/* The greatest or least word that is a value of `n` events, or one that is none. */
int64_t leat_window_scan(const struct leat_windows *windows, const struct leat_window_key *key,
                         const struct leat_window_extreme *extreme, uint32_t low, uint32_t high);

/* window_log.c */

/* The size of a key's block with room for `capacity` events. */
size_t leat_window_key_size(const struct leat_windows *windows, const struct leat_window_key *key, uint32_t capacity);
/* The index of the first event later than `time`. */
uint32_t leat_window_log_after(const struct leat_windows *windows, const struct leat_window_key *key, int64_t time);
/* Puts windows->event at its place and updates the running values. The texts in it get one more holder. The key's block
 * may move: returns where it is then. */
struct leat_window_key *leat_window_log_insert(struct leat_windows *windows, struct leat_window_key *key);
/* Lets the tail of range r be at `low`, by taking events in or out. */
void leat_window_log_move_tail(const struct leat_windows *windows, struct leat_window_key *key, uint32_t r,
                               uint32_t low);
/* Forgets all events and what belongs to them, but not the block. */
void leat_window_log_clear(struct leat_windows *windows, struct leat_window_key *key);
/* Gives the room of a cleared log back; returns where the key's block is then. */
struct leat_window_key *leat_window_log_shrink(struct leat_windows *windows, struct leat_window_key *key);

/* Adds `n` events to the cells of a range, or takes them out. */
static inline void leat_window_cells_apply(const struct leat_windows *windows, uint32_t r, const int64_t *event,
                                           uint32_t n, bool add, uint32_t *counts, leat_int128 *sums,
                                           struct leat_squares *squares)
{
    size_t stride = windows->layout.stride, end = windows->layout.cells_of[r + 1];
    for (size_t c = windows->layout.cells_of[r]; c < end; c++) {
        const struct leat_window_cell *cell = &windows->layout.cells[c];
        const int64_t *word = event + 1 + cell->column;
        uint32_t values = 0;
        leat_int128 sum = 0;
        for (uint32_t i = 0; i < n; i++, word += stride) {
            if (!leat_word_is_value(*word))
                continue;
            values++;
            if (!cell->has_sum)
                continue;
            leat_int128 steps = leat_word_steps(*word, cell->is_double);
            sum = leat_exact_add(sum, steps);
            if (cell->squares >= 0)
                (add ? leat_squares_add : leat_squares_sub)(&squares[cell->squares], steps);
        }
        counts[c] += add ? values : 0 - values;
        sums[c] = add ? leat_exact_add(sums[c], sum) : leat_exact_sub(sums[c], sum);
    }
}

/* window_life.c: what is kept without a range. */
void leat_window_life_init(const struct leat_windows *windows, struct leat_window_key *key);
void leat_window_life_add(struct leat_windows *windows, struct leat_window_key *key);
void leat_window_life_clear(struct leat_windows *windows, struct leat_window_key *key);
uint64_t leat_window_life_count(const struct leat_window_key *key, const struct leat_window_life *life);
/* False when the sum went beyond 128 bits. Squares are NULL where they are not asked. */
bool leat_window_life_sum(const struct leat_window_key *key, const struct leat_window_life *life, leat_int128 *ret_sum,
                          const struct leat_squares **ret_squares);
/* The word of a MIN, MAX, FIRST, LAST or LAG. */
int64_t leat_window_life_word(const struct leat_window_key *key, const struct leat_window_life *life,
                              enum leat_aggregate_kind kind);

/* window_read.c: the values of all aggregates; false when one is null because its sum is too large to be held. */
bool leat_window_read_fast(struct leat_windows *windows, struct leat_window_key *key, int64_t t, struct leat_value *ret);
bool leat_window_read_plain(const struct leat_windows *windows, const struct leat_window_key *key, int64_t t,
                            struct leat_value *ret);
/* Those of a key without events. */
void leat_window_read_none(const struct leat_windows *windows, struct leat_value *ret);

#endif
