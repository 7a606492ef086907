/* Inside the function floor: the layout of a state, and what batches and replays share of applying events. */
#ifndef LEAT_FUNCTION_STATE_H
#define LEAT_FUNCTION_STATE_H

#include "function/score.h"

/* The loader refuses more. */
#define LEAT_KEY_FIELDS_MAX 16
#define LEAT_WINDOW_COLUMNS_MAX 256
#define LEAT_TABLE_COLUMNS_MAX 512
#define LEAT_OUTPUTS_MAX 512

struct leat_state {
    const struct leat_function *function;
    struct leat_windows **windows; /* by the function's window; NULL: not owned by this state */
    struct leat_table **tables;    /* by source; of a shared state */
    int64_t clocks[LEAT_SOURCES_MAX];
    int64_t watermark;
    struct leat_buffer key; /* scratch: the key being built (of the shared state) */
};

/* Evaluates and encodes a key. 1: *out holds it; 0: a part is null; −1: *reason. */
int leat_key_evaluate(struct leat_buffer *out, const struct leat_expr *const *keys, const enum leat_type *types,
                      size_t count, const struct leat_value *frame, struct leat_expr_scratch *scratch,
                      struct leat_reason *reason);

/* Adds an event to all windows over its source. −1: *reason of the last one that refused it. */
int leat_state_add(const struct leat_function *function, struct leat_state *partition, struct leat_state *shared,
                   size_t source, const struct leat_event *event, struct leat_expr_scratch *scratch,
                   struct leat_reason *reason);

#endif
