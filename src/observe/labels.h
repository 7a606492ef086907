/* Labels that come later, joined with decisions by key.
 *
 * All labels are taken first, then each decision asks for its own. One label a key: the first that came counts, a
 * repeat changes nothing. One label a decision: a decision that was recorded twice counts once. A label may be older
 * than the decision; one that comes more than `wait` after it does not count, so that a version is not judged by
 * what nobody could have waited for. Pure; one thread. */
#ifndef LEAT_OBSERVE_LABELS_H
#define LEAT_OBSERVE_LABELS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum leat_label_status {
    LEAT_LABEL_FOUND,
    LEAT_LABEL_PENDING,  /* none yet, and the labels' clock has not passed the wait */
    LEAT_LABEL_MISSING,  /* none within the wait */
    LEAT_LABEL_LATE,     /* one, but after the wait */
    LEAT_LABEL_NO_KEY,   /* the event has no join key */
    LEAT_LABEL_REPEATED, /* this decision was counted before */
    LEAT_LABEL_STATUSES
};

struct leat_labels_counts {
    uint64_t labels;    /* keys with a label */
    uint64_t repeats;   /* labels beyond the first of their key */
    uint64_t conflicts; /* those among them that say something else than the first */
    uint64_t decisions[LEAT_LABEL_STATUSES];
};

struct leat_labels;
struct leat_labels *leat_labels_new(int64_t wait); /* µs; 0: for ever */
void leat_labels_free(struct leat_labels *labels); /* NULL is fine */

/* Keys are canonical JSON text, as in decision records. */
void leat_labels_add(struct leat_labels *labels, struct leat_bytes key, int64_t time, double value);
/* The label of one event, by its key and event time. *ret is written when it is FOUND. */
enum leat_label_status leat_labels_find(const struct leat_labels *labels, struct leat_bytes key, int64_t time,
                                        double *ret);
/* The same for a recorded decision, which is counted, and is told from others by its place in the input's log. */
enum leat_label_status leat_labels_join(struct leat_labels *labels, int32_t partition, int64_t offset,
                                        struct leat_bytes key, int64_t time, double *ret);
const struct leat_labels_counts *leat_labels_counts(const struct leat_labels *labels);
int64_t leat_labels_clock(const struct leat_labels *labels); /* the latest label's time; LEAT_TIME_NONE */

#endif
