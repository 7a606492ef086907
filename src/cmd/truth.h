/* The labels of a function, read whole from their topic: what became of each event. */
#ifndef LEAT_CMD_TRUTH_H
#define LEAT_CMD_TRUTH_H

#include "function/score.h"
#include "stream/stream.h"

struct leat_truth;

/* Reads the labels' topic to its present end. Repeats of a key count once (the first). Records that can not be decoded are
 * counted and left out. Finding: the function has no labels; environment: the topic does not exist. */
int leat_truth_read(const struct leat_function *function, struct leat_stream *stream, struct leat_truth **ret,
                    struct leat_error *err);
void leat_truth_free(struct leat_truth *truth); /* NULL is fine */
/* The label of an event: false when there is none, or when it came more than labels.wait after `time`. */
bool leat_truth_find(const struct leat_truth *truth, struct leat_bytes label_key, int64_t time, double *ret);
size_t leat_truth_count(const struct leat_truth *truth);
size_t leat_truth_unread(const struct leat_truth *truth); /* records that could not be decoded */

#endif
