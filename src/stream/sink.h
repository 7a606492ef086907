/* A file that records are appended to, one line each. */
#ifndef LEAT_STREAM_SINK_H
#define LEAT_STREAM_SINK_H

#include "base/error.h"
#include "stream/stream.h"

#include <stdbool.h>

struct leat_sink;

/* "-" is standard output. Made when absent, with its folder; a last line without its newline, which a crash has left,
 * is cut off. Packed files (.gz, .zst) are refused. */
int leat_sink_open(const char *path, struct leat_sink **ret, struct leat_error *err);
void leat_sink_close(struct leat_sink *sink); /* NULL is fine; what was not written is dropped */

/* As leat_stream_produce: 0, -1 with *reason, 1 with *err (the buffer is full and can not be written). */
int leat_sink_put(struct leat_sink *sink, const struct leat_produce *record, struct leat_fence *fence,
                  struct leat_reason *reason, struct leat_error *err);
/* Writes what is there. When it fails the rest is kept, and a later call goes on where this one stopped. */
int leat_sink_write(struct leat_sink *sink, bool *ret_fatal, struct leat_error *err);
bool leat_sink_is_empty(const struct leat_sink *sink);

/* Appends one line at once and synced, alone among processes; *ret_number is the line's number from 0. */
int leat_sink_append(const char *path, struct leat_bytes line, int64_t *ret_number, struct leat_error *err);

#endif
