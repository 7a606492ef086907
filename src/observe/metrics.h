/* The metrics: one table of names, one block of counters per worker, and the text that Prometheus reads.
 *
 * A block has one writer, its worker; readers on other threads see relaxed atomics, so a scrape neither stops a worker
 * nor sees a torn number. Labels are few and known: result, stage, mark, source, and model and version; never a key. */
#ifndef LEAT_OBSERVE_METRICS_H
#define LEAT_OBSERVE_METRICS_H

#include "base/bytes.h"
#include "base/histogram.h"
#include "function/score.h"

#include <stdint.h>

enum leat_metrics_result {                      /* what became of an input event: each is counted once */
                           LEAT_EVENT_SCORED,   /* or, without a model, computed; its output was produced */
                           LEAT_EVENT_WITHHELD, /* recorded as a decision only */
                           LEAT_EVENT_DEAD,     /* a dead letter */
                           LEAT_EVENT_FILTERED, /* the input's filter was not true, or a heartbeat */
                           LEAT_EVENT_REPLAYED, /* into state only, after a start */
                           LEAT_EVENT_RESULTS
};

#define LEAT_METRICS_VERSIONS_MAX \
    32 /* (model, version, role) triples a worker counts; later ones are not counted singly */
#define LEAT_METRICS_NAME_MAX 64

struct leat_metrics_version {
    char model[LEAT_METRICS_NAME_MAX];
    char role[16]; /* "champion", "fallback", "shadow" */
    uint32_t version;
    uint64_t scores;
};

/* All-zero is a block without events; gauges that were never set are not rendered (LEAT_GAUGE_NONE after _init). */
struct leat_metrics {
    uint64_t events[LEAT_EVENT_RESULTS];
    uint64_t dead_letters[LEAT_STAGE_COUNT];
    uint64_t marks[LEAT_MARK_COUNT];
    uint64_t source_records[LEAT_SOURCES_MAX]; /* read, by source (0: the input) */
    uint64_t source_dead[LEAT_SOURCES_MAX];    /* records of other sources than the input that could not be used */
    uint64_t source_slow[LEAT_SOURCES_MAX];    /* events for which the source was beyond warn_after */
    uint64_t source_stale[LEAT_SOURCES_MAX];   /* … beyond error_after, whatever on_stale does about it */
    uint64_t batches;
    uint64_t commits, commit_failures;
    uint64_t switches;                /* changes of the lineup that took effect */
    uint64_t version_refused;         /* versions that could not be loaded */
    struct leat_histogram scoring;    /* decode to encode, in the process */
    struct leat_histogram turnaround; /* record read to output acknowledged */
    struct leat_histogram end_to_end; /* record's timestamp to output acknowledged */
    struct leat_histogram switching;  /* how long a change of lineup kept events waiting */
    struct leat_metrics_version versions[LEAT_METRICS_VERSIONS_MAX];
    uint32_t version_count;
    /* gauges */
    int64_t source_age[LEAT_SOURCES_MAX]; /* µs of event time behind the input's clock */
    int64_t watermark;                    /* µs; the slowest of the worker's partitions */
    int64_t model_trained_at;             /* µs; of the champion */
    int64_t partitions;                   /* assigned */
    int64_t state_keys, state_events, state_bytes;
    int64_t state_dropped; /* events that a bound of a window dropped: a counter, told as a whole */
};
#define LEAT_GAUGE_NONE INT64_MIN

void leat_metrics_init(struct leat_metrics *metrics); /* zero, gauges unset */

/* Only the block's writer. */
static inline void leat_metrics_add(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}
static inline void leat_metrics_set(int64_t *gauge, int64_t value)
{
    __atomic_store_n(gauge, value, __ATOMIC_RELAXED);
}
/* One scored event: events, marks, dead_letters, and the versions that scored it, shadows too. No allocation. */
void leat_metrics_result(struct leat_metrics *metrics, const struct leat_result *result);
/* The counter of (model, version, role); NULL when all are taken. */
uint64_t *leat_metrics_version(struct leat_metrics *metrics, const char *model, uint32_t version, const char *role);

/* Text exposition format 0.0.4, merged over the workers. `now`: µs wall clock, for ages. Any thread. */
void leat_metrics_render(const struct leat_function *function, const struct leat_metrics *const *workers, size_t count,
                         int64_t now, struct leat_buffer *out);

/* A row of the table, for docs/reference/metrics.md. */
enum leat_metrics_type { LEAT_METRIC_COUNTER, LEAT_METRIC_GAUGE, LEAT_METRIC_HISTOGRAM };
struct leat_metrics_help {
    const char *name;
    enum leat_metrics_type type;
    const char *labels; /* "model, version, role"; "": none besides `function`, which all have */
    const char *help;
};
const struct leat_metrics_help *leat_metrics_row(size_t index); /* in order; NULL beyond the last */
const char *leat_metrics_type_name(enum leat_metrics_type type);

#endif
