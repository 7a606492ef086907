/* Progress on stderr, the figures of a run, and the wish to stop. */
#ifndef LEAT_CMD_PROGRESS_H
#define LEAT_CMD_PROGRESS_H

#include "base/bytes.h"
#include "observe/metrics.h"

#include <signal.h>

/* Set by SIGINT and SIGTERM from the first call on: what runs drains and ends. A second signal ends the process. */
const volatile sig_atomic_t *leat_stop_flag(void);

struct leat_progress; /* a thread that says once a second how far a run is, when stderr is a terminal or it takes long */
struct leat_progress *leat_progress_start(const struct leat_function *function, const struct leat_metrics *metrics);
void leat_progress_stop(struct leat_progress *progress, double *ret_seconds, double *ret_cpu_seconds);

struct leat_figures {
    uint64_t records; /* of all sources */
    uint64_t scored, withheld, dead, replayed;
    double seconds, cpu_seconds;
    uint64_t peak_bytes;
    uint64_t scoring_p50_ns, scoring_p99_ns;
};
void leat_figures_of(const struct leat_metrics *metrics, double seconds, double cpu_seconds, struct leat_figures *ret);
/* "336,776" */
const char *leat_grouped(uint64_t number, char ret[32]);
/* One line for people; one JSON object for scripts. */
void leat_figures_print(const struct leat_figures *figures);
int leat_figures_put(const struct leat_function *function, const struct leat_metrics *metrics,
                     const struct leat_figures *figures, struct leat_buffer *out);

#endif
