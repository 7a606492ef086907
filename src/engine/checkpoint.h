/* What an offset commit carries as its metadata: where a restart begins, so that state is rebuilt from the logs.
 *
 * JSON within what a broker takes; sources for which there is no room are left out, and a restart reads them from the beginning:
 *   {"function":digest,"watermark":µs,"control":offset,"input":[offset,order],"sources":{"departures":[position,offset,order,clock],…}}
 * `offset` is the earliest record that the longest range still needs, `order` the largest event time before it. */
#ifndef LEAT_ENGINE_CHECKPOINT_H
#define LEAT_ENGINE_CHECKPOINT_H

#include "engine/cursor.h"

#define LEAT_CHECKPOINT_BYTES_MAX 4096 /* offset.metadata.max.bytes of a broker, if nobody changed it */

struct leat_checkpoint_source {
    bool present;
    int64_t position; /* records before it were applied */
    struct leat_cursor_sample restart;
    int64_t clock;
};

struct leat_checkpoint {
    bool other_function; /* its restart offsets are of other ranges: all logs are read from their starts instead */
    int64_t watermark;
    int64_t control; /* last control record that was applied; −1: none */
    struct leat_cursor_sample input;
    struct leat_checkpoint_source sources[LEAT_SOURCES_MAX]; /* by the function's source; [0] unused */
};

void leat_checkpoint_init(struct leat_checkpoint *checkpoint); /* of a partition that was never committed */
int leat_checkpoint_encode(const struct leat_function *function, const struct leat_checkpoint *checkpoint,
                           struct leat_buffer *out);
/* Text that is not ours (empty, another program's) reads as a fresh checkpoint: false. */
bool leat_checkpoint_parse(const struct leat_function *function, struct leat_bytes text, struct leat_checkpoint *ret);

#endif
