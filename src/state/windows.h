/* Windows: what is remembered of the recent events of one stream by one key.
 *
 * One plan = one log per key: the events in (time, order of arrival), each with its columns, shared by all aggregates
 * over that stream and key whatever their ranges. A column is one distinct (argument, filter) pair; an event that its
 * filter leaves out is *absent* in it.
 *
 * Exact: the value for a key at time t is that of the set of added events with time in (t − range, t], and of nothing
 * else: not of what has left or of where a replay began. DOUBLEs are summed in 128-bit fixed point with steps of 2^-52 (adding and
 * removing are exact; a value beyond ±2^51 is refused by add), squares in 256 bits; min and max by order statistics.
 * In order, add and read cost O(1) amortised per aggregate. An event with k others behind it moves those along (16 bytes
 * each for one column) and updates k / 64 marks; a window that ends before the newest event costs O(log n) by marks for sums
 * and counts, and for min and max at most O(n / 64). Without a range (LEAT_RANGE_NONE): all events that were
 * added, whatever their time, in O(1) memory per key.
 *
 * One thread. No clocks: the caller says how far time has come. */
#ifndef LEAT_STATE_WINDOWS_H
#define LEAT_STATE_WINDOWS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "event/reason.h"
#include "event/value.h"
#include "expr/expr.h"

#include <stdbool.h>
#include <stdint.h>

struct leat_window_aggregate {
    enum leat_aggregate_kind kind;
    int32_t column; /* -1: all events (count(*) without a filter) */
    int64_t range;  /* µs > 0, or LEAT_RANGE_NONE */
};

/* Immutable; must outlive the windows. */
struct leat_window_plan {
    const enum leat_type *columns;
    size_t column_count;
    const struct leat_window_aggregate *aggregates;
    size_t aggregate_count;
    /* 0: the default and the most, 2^24 − 1: so many of the largest values still have a sum of 128 bits. At it the key's
     * oldest event is dropped, and the key is marked. */
    uint32_t events_per_key_max;
    /* 0: none. At it likewise, several at once (a sixteenth of the key's events); an event of a new key finds no room, and
     * then all keys that are not held are marked. What makes reading quick (queues of extremes, marks of
     * long logs) may go beyond it, by a part of what the events take. */
    uint64_t bytes_max;
};

/* A column's value of an event that the filter leaves out. */
static inline struct leat_value leat_value_absent(void)
{
    return (struct leat_value){.null = 2};
}

struct leat_windows;

struct leat_windows_counters {
    uint64_t keys, events; /* held now */
    uint64_t bytes;        /* held now, all memory */
    uint64_t out_of_order; /* adds behind the key's newest event */
    uint64_t dropped;      /* events that a bound dropped */
    uint64_t evicted_keys;
};

struct leat_windows *leat_windows_new(const struct leat_window_plan *plan);
void leat_windows_free(struct leat_windows *windows);

/* Adds one event. -1 and *reason (stage FEATURE) when a DOUBLE is outside ±2^51 or not finite, or an INT is INT64_MIN or
 * INT64_MIN + 1; nothing is then added. Strings are copied. */
int leat_windows_add(struct leat_windows *windows, struct leat_bytes key, int64_t time,
                     const struct leat_value *columns, struct leat_reason *reason);

/* The values of all aggregates for a key at time t. Strings live until the next add or evict. *ret_complete is false when
 * for some aggregate events of (t − range, t] may have been dropped by a bound, evicted (t is behind the horizon), or
 * lie before `covered_from` (see below), or when a sum is too large for its type and therefore null (of INT beyond 64
 * bits; without a range of DOUBLE beyond 2^79). An unknown key has counts of 0 and nulls.
 * −0.0 is less than 0.0. LAG is the latest that is not absent before the newest event of the window, and that one may
 * itself be absent: a filter asks for the previous event that passes it, whether or not this one does. */
void leat_windows_read(struct leat_windows *windows, struct leat_bytes key, int64_t t, struct leat_value *ret,
                       bool *ret_complete);
/* The plain twin of read: scans the whole log. For tests. */
void leat_windows_read_plain(const struct leat_windows *windows, struct leat_bytes key, int64_t t,
                             struct leat_value *ret, bool *ret_complete);

/* Events before this time may be missing (cold start, retention); LEAT_TIME_MIN, the default: none is missing. */
void leat_windows_cover(struct leat_windows *windows, int64_t covered_from);

/* Nobody will ask for a time before `horizon` (watermark − grace) any more: what no range can reach from there is gone, at
 * once for every reader and an add, and little by little from memory. Called
 * once per batch or event; does a bounded slice of work a call (idle keys are found by a slow sweep), keys without
 * events leave when no aggregate is without a range. */
void leat_windows_evict(struct leat_windows *windows, int64_t horizon);

struct leat_windows_counters leat_windows_counters(const struct leat_windows *windows);

#endif
