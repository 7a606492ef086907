/* The lines of a file: plain, gzip or Zstandard (told by its first bytes), standard input, or a pipe. */
#ifndef LEAT_STREAM_LINES_H
#define LEAT_STREAM_LINES_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct leat_lines;

enum leat_lines_status {
    LEAT_LINES_RECORD,
    LEAT_LINES_WAIT, /* nothing now: a pipe is empty, or a followed file has not grown */
    LEAT_LINES_END,
    LEAT_LINES_FAILED, /* and will fail again with the same error */
};

/* "-" is standard input. `follow`: the end of a plain file is not final, and a line without its newline not yet one. */
int leat_lines_open(const char *path, bool follow, struct leat_lines **ret, struct leat_error *err);
void leat_lines_close(struct leat_lines *lines); /* NULL is fine */

/* The next line that is not blank, without its line end, valid until the next call. One that is longer than
 * LEAT_RECORD_BYTES_MAX is cut to one byte more than that. */
enum leat_lines_status leat_lines_next(struct leat_lines *lines, struct leat_bytes *ret, struct leat_error *err);
/* Lines before this one are passed over by leat_lines_next; INT64_MAX: all that are there. */
void leat_lines_skip(struct leat_lines *lines, int64_t number);

int64_t leat_lines_number(const struct leat_lines *lines); /* of the line that was returned last, from 0 */
int64_t leat_lines_count(const struct leat_lines *lines);  /* how many have been passed, blank ones included */
/* To wait on for more: a pipe's descriptor; -1: there is none. */
int leat_lines_descriptor(const struct leat_lines *lines);
bool leat_lines_is_pipe(const struct leat_lines *lines);

#endif
