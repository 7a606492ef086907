/* The labels of a function, read whole from their topic: what became of each event. */
#ifndef LEAT_CMD_TRUTH_H
#define LEAT_CMD_TRUTH_H

#include "function/function.h"
#include "observe/labels.h"
#include "stream/stream.h"

/* Reads the labels' topic to its present end into *ret, which the caller frees; labels with a time after `until`
 * are not there yet (LEAT_TIME_MAX: all are). *ret_unread (may be NULL): records that
 * could not be decoded or evaluated, which are left out. Finding: the function has no labels; environment: no such topic. */
int leat_truth_read(const struct leat_function *function, struct leat_stream *stream, int64_t until,
                    struct leat_labels **ret, uint64_t *ret_unread, struct leat_error *err);

#endif
