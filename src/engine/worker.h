/* A worker: one thread, one connection, its own partitions and their state.
 *
 *   poll → heads decoded → one order → windows, tables, features → batch → models → out → commit
 *
 * The same loop runs the service (a consumer group, commits, the control log) and a job over a stretch of the logs
 * (score, features, worth): a job opens all partitions itself, has a fixed lineup and commits nothing. */
#ifndef LEAT_ENGINE_WORKER_H
#define LEAT_ENGINE_WORKER_H

#include "engine/emit.h"
#include "observe/metrics.h"

#include <signal.h>

#define LEAT_WORKERS_MAX 64

struct leat_worker_config {
    const struct leat_function *function;
    struct leat_stream *stream;
    struct leat_emitter emitter;
    bool service;
    int64_t (*now)(void); /* wall clock in µs; NULL: `now` is the event's time (files) */
    uint32_t version;     /* a job: the version to score with; 0: none (features only) */
    bool shadow_fallback; /* a job: the fallback scores every event beside it */
    bool limits_off;      /* no freshness or age limits: what the model itself would say */
    int64_t delays[LEAT_SOURCES_MAX];
    int64_t from, to;  /* a job: score events with from <= time < to; LEAT_TIME_NONE: open. Ends at to + grace */
    int64_t until;     /* the service over files: stop before the first event at or after; LEAT_TIME_NONE */
    size_t batch_rows; /* at most LEAT_BATCH_MAX; 0: a default */
    const volatile sig_atomic_t *stop;         /* drain, commit and return when it is set */
    struct leat_metrics *metrics;              /* the caller's; the worker is its one writer */
    bool *ready;                               /* published: tables and replay are done; may be NULL */
    void (*say)(void *self, const char *text); /* operator's log: waits, switches, refusals; may be NULL */
    void *say_self;
};

/* Runs until the input ends (files, jobs), `until`, or `stop`. −1: the environment failed, nothing that was not
 * acknowledged was committed; running again continues from the last commit. */
int leat_worker_run(const struct leat_worker_config *config, struct leat_error *err);

#endif
