/* How good scores were, once labels are there: per version, and two versions on the very same events.
 *
 * Intervals are 95 % percentile bootstraps: 1,000 resamples of whole blocks, from a seed. Blocks are UTC days of the
 * event time, since events of one day share its weather; hours where there are fewer than LEAT_QUALITY_BLOCKS_MIN days,
 * single events where there are too few hours as well. Log loss and Brier score are resampled from sums per block; AUC
 * and precision by passing over the events in the order of their scores, each with its block's weight: exact, ties
 * counted by half, one pass a resample. */
#ifndef LEAT_OBSERVE_QUALITY_H
#define LEAT_OBSERVE_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAT_QUALITY_RESAMPLES 1000
#define LEAT_QUALITY_BLOCKS_MIN 7
#define LEAT_QUALITY_VERDICT_MIN 30 /* labelled events; with fewer every verdict is UNDECIDED */

enum leat_quality_metric {
    LEAT_QUALITY_LOG_LOSS,  /* scores clamped to 1e-15 … 1 − 1e-15; the metric by which versions are judged */
    LEAT_QUALITY_AUC,       /* area under the ROC curve; ties count half */
    LEAT_QUALITY_BRIER,     /* mean squared difference; also where labels are other numbers than 0 and 1 */
    LEAT_QUALITY_PRECISION, /* share of positives among the tenth with the highest scores; ties at its end by share */
    LEAT_QUALITY_METRICS
};
const char *leat_quality_metric_name(enum leat_quality_metric metric); /* "log_loss", "auc", "brier", "precision_top10" */
bool leat_quality_lower_is_better(enum leat_quality_metric metric);

struct leat_estimate {
    double value, low, high; /* NaN: not defined (one class only, labels that are not 0 and 1) */
};

enum leat_quality_blocks { LEAT_BLOCKS_DAYS, LEAT_BLOCKS_HOURS, LEAT_BLOCKS_EVENTS };
const char *leat_quality_blocks_name(enum leat_quality_blocks blocks); /* "days", "hours", "events" */

struct leat_quality_data {
    const int64_t *times; /* event times, µs */
    const double *labels;
    const double *scores;
    const double *others; /* the challenger's scores of the same events; NULL: measure alone */
    size_t count;
};

struct leat_quality {
    size_t count, positives, block_count;
    enum leat_quality_blocks blocks;
    double label_rate, mean_score; /* NaN when count is 0 */
    struct leat_estimate metrics[LEAT_QUALITY_METRICS];
};

enum leat_verdict { LEAT_UNDECIDED, LEAT_BETTER, LEAT_WORSE };
const char *leat_verdict_name(enum leat_verdict verdict); /* "undecided", "better", "worse" */

/* others − scores: the challenger less the champion. */
struct leat_quality_difference {
    size_t count, block_count;
    enum leat_quality_blocks blocks;
    struct leat_estimate metrics[LEAT_QUALITY_METRICS];
    enum leat_verdict verdicts[LEAT_QUALITY_METRICS]; /* of the challenger: the interval is on one side of 0 */
    enum leat_verdict verdict; /* by log loss; by the squared difference where labels are not 0 and 1 */
};

void leat_quality_measure(const struct leat_quality_data *data, uint64_t seed, struct leat_quality *ret);
void leat_quality_compare(const struct leat_quality_data *data, uint64_t seed, struct leat_quality_difference *ret);

#endif
