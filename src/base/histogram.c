/* Values under 32 have a bucket each; above, every power of two has 32. The last bucket also takes what is larger. */
#include "base/histogram.h"

#include <math.h>
#include <stddef.h>

#define STEP_BITS 5U
#define STEPS (1U << STEP_BITS)

static size_t bucket_of(uint64_t ns)
{
    if (ns < STEPS)
        return (size_t)ns;
    unsigned octave = 63U - (unsigned)__builtin_clzll(ns);
    unsigned shift = octave - STEP_BITS;
    size_t bucket = (size_t)(shift * STEPS) + (size_t)(ns >> shift);
    return bucket < LEAT_HISTOGRAM_BUCKETS ? bucket : LEAT_HISTOGRAM_BUCKETS - 1;
}

/* The largest value that belongs to the bucket. */
static uint64_t edge_of(size_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket / STEPS) - 1;
    uint64_t mantissa = bucket - (size_t)shift * STEPS;
    return ((mantissa + 1) << shift) - 1;
}

/* One writer: a load and a store are enough, and need no locked instruction. */
static void grow(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

void leat_histogram_add(struct leat_histogram *histogram, uint64_t ns, uint64_t times)
{
    grow(&histogram->buckets[bucket_of(ns)], times);
    grow(&histogram->sum_ns, ns * times);
    grow(&histogram->count, times);
}

void leat_histogram_merge(struct leat_histogram *into, const struct leat_histogram *from)
{
    /* The sum of the buckets rather than from->count: the two may differ while a writer is at work. */
    uint64_t count = 0;
    for (size_t i = 0; i < LEAT_HISTOGRAM_BUCKETS; i++) {
        uint64_t n = __atomic_load_n(&from->buckets[i], __ATOMIC_RELAXED);
        if (n == 0)
            continue;
        grow(&into->buckets[i], n);
        count += n;
    }
    grow(&into->sum_ns, __atomic_load_n(&from->sum_ns, __ATOMIC_RELAXED));
    grow(&into->count, count);
}

uint64_t leat_histogram_quantile(const struct leat_histogram *histogram, double q)
{
    uint64_t count = 0;
    for (size_t i = 0; i < LEAT_HISTOGRAM_BUCKETS; i++)
        count += __atomic_load_n(&histogram->buckets[i], __ATOMIC_RELAXED);
    if (count == 0)
        return 0;

    double rank = ceil(q * (double)count);
    uint64_t wanted = rank >= (double)count ? count : rank >= 1.0 ? (uint64_t)rank : 1;
    uint64_t seen = 0;
    size_t last = 0;
    for (size_t i = 0; i < LEAT_HISTOGRAM_BUCKETS; i++) {
        uint64_t n = __atomic_load_n(&histogram->buckets[i], __ATOMIC_RELAXED);
        if (n == 0)
            continue;
        last = i;
        seen += n;
        if (seen >= wanted)
            break;
    }
    return edge_of(last);
}

uint64_t leat_histogram_below(const struct leat_histogram *histogram, uint64_t ns)
{
    size_t last = bucket_of(ns);
    uint64_t seen = 0;
    for (size_t i = 0; i <= last; i++)
        seen += __atomic_load_n(&histogram->buckets[i], __ATOMIC_RELAXED);
    return seen;
}
