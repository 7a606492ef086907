/* A latency histogram: logarithmic buckets with 32 steps a power of two (error under 3.2 %), 1 ns to 275 s; the last
 * bucket also takes what is longer. A bucket is counted as a whole, so "at most ns" includes its bucket.
 * One writer; a reader on another thread may copy it at any time (counts are relaxed atomics). */
#ifndef LEAT_BASE_HISTOGRAM_H
#define LEAT_BASE_HISTOGRAM_H

#include <stdint.h>

#define LEAT_HISTOGRAM_BUCKETS 1088

struct leat_histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t buckets[LEAT_HISTOGRAM_BUCKETS];
};

void leat_histogram_add(struct leat_histogram *histogram, uint64_t ns, uint64_t times);
void leat_histogram_merge(struct leat_histogram *into, const struct leat_histogram *from);
/* The upper edge, in ns, of the bucket in which quantile q (0 to 1) lies; 0 when empty. */
uint64_t leat_histogram_quantile(const struct leat_histogram *histogram, double q);
uint64_t leat_histogram_below(const struct leat_histogram *histogram, uint64_t ns); /* how many are at most ns */

#endif
