/* How a command reaches a function's topics: Kafka as the function's file says, or files of one folder. */
#ifndef LEAT_CMD_OPEN_H
#define LEAT_CMD_OPEN_H

#include "function/function.h"
#include "stream/stream.h"

/* files_dir: --files DIR; NULL: Kafka, with the function's own settings passed through unchanged. overrides: single
 * topics elsewhere, for files; ends with a NULL topic; may be NULL. The group is `group.id`, or the function's name. */
int leat_cmd_open_stream(const struct leat_function *function, const char *files_dir,
                         const struct leat_stream_override *overrides, struct leat_stream **ret, struct leat_error *err);

/* The same for the service's n-th worker (from 0): only it is a member of the group, and with `group.instance.id` a static
 * one under that name and its own number, so that a restart takes its partitions back at once. */
int leat_cmd_open_worker(const struct leat_function *function, const char *files_dir, unsigned worker,
                         struct leat_stream **ret, struct leat_error *err);

#endif
