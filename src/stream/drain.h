/* Reading a log up to its present end, for all that is not the engine: the control log; decisions and labels. */
#ifndef LEAT_STREAM_DRAIN_H
#define LEAT_STREAM_DRAIN_H

#include "stream/stream.h"

/* Shows each record from `from` (an offset or LEAT_OFFSET_BEGIN) to the end as of now: reader->head, and reader->header
 * of a CSV file. A visitor that has seen enough returns false. A partition that does not exist is empty. */
int leat_stream_drain(struct leat_stream *stream, const char *topic, int32_t partition, int64_t from,
                      bool (*visit)(void *self, const struct leat_reader *reader), void *self, struct leat_error *err);

#endif
