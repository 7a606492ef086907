/* Where results go: topics (run), one output (score), a training set (features), sums (worth), expectations (tests). */
#ifndef LEAT_ENGINE_EMIT_H
#define LEAT_ENGINE_EMIT_H

#include "function/score.h"
#include "observe/decision.h"
#include "stream/stream.h"

/* Functions that are NULL are not called. They return 0, or −1 with the environment's error, which stops the worker
 * without a commit. */
struct leat_emitter {
    void *self;
    /* Each scored row, in order; withheld rows too. */
    int (*result)(void *self, struct leat_stream *stream, struct leat_fence *fence, const struct leat_result *result,
                  struct leat_error *err);
    /* Each scored row again, after the shadows have scored it. */
    int (*decision)(void *self, struct leat_stream *stream, struct leat_fence *fence, const struct leat_result *result,
                    const struct leat_position *positions, size_t position_count, int64_t now, struct leat_error *err);
    /* A record of any source that could not be processed. `version` is NULL before the model's stage. */
    int (*dead_letter)(void *self, struct leat_stream *stream, struct leat_fence *fence,
                       const struct leat_record *record, const struct leat_reason *reason,
                       const struct leat_version *version, struct leat_error *err);
};

/* To the function's topics: output, decisions, dead letters (with Connect's headers and ours). */
struct leat_topic_emitter;
struct leat_topic_emitter *leat_topic_emitter_new(const struct leat_function *function);
void leat_topic_emitter_free(struct leat_topic_emitter *emitter);
struct leat_emitter leat_topic_emitter_face(struct leat_topic_emitter *emitter);

#endif
