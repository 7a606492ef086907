/* Versions compared on what became of their decisions: the decisions and labels topics joined, figures per version, and
 * each version against one baseline on the very same events. For `leat compare`, and `leat promote`, which asks first. */
#ifndef LEAT_CMD_COMPARISON_H
#define LEAT_CMD_COMPARISON_H

#include "cmd/govern.h"
#include "observe/labels.h"
#include "observe/quality.h"

#define LEAT_COMPARISON_ROWS_MAX 64

struct leat_comparison_plan {
    int64_t from, to;  /* event times of the decisions; LEAT_TIME_NONE: open */
    int64_t known;     /* labels up to this time are known; LEAT_TIME_MAX: all */
    uint32_t baseline; /* of the function's model; 0: none */
    uint32_t only;     /* besides the baseline, this version alone; 0: all */
};

struct leat_comparison_row {
    char *model;
    uint32_t version;
    uint64_t served, watched; /* decisions that it answered, and that it scored as a shadow; with and without label */
    struct leat_quality quality;
    bool compared; /* with the baseline */
    struct leat_quality_difference difference;
    struct leat_comparison_scores *scores;
};

struct leat_comparison {
    const struct leat_function *function;
    struct leat_comparison_plan plan;
    int64_t first, last; /* event times of the decisions that were met; LEAT_TIME_NONE */
    uint64_t decisions;  /* in the stretch, each once */
    uint64_t unreadable; /* decision records that are none */
    uint64_t unread;     /* records of the labels' topic that could not be used */
    struct leat_labels_counts labels;
    struct leat_comparison_row *rows; /* by model, then by version */
    size_t row_count;
};

/* Finding: the function keeps no decisions or has no labels. */
int leat_comparison_make(struct leat_govern *govern, const struct leat_comparison_plan *plan,
                         struct leat_comparison *ret, struct leat_error *err);
void leat_comparison_done(struct leat_comparison *comparison);

/* NULL: it has scored nothing. `model` NULL: the function's. */
const struct leat_comparison_row *leat_comparison_find(const struct leat_comparison *comparison, const char *model,
                                                       uint32_t version);

void leat_comparison_print(const struct leat_comparison *comparison, const struct leat_roles *roles);
/* The whole as one JSON object. */
void leat_comparison_put(const struct leat_comparison *comparison, const struct leat_roles *roles,
                         struct leat_buffer *out);
/* What a promotion records: one version's figures, and its difference to the baseline. */
void leat_comparison_put_evidence(const struct leat_comparison *comparison, uint32_t version, struct leat_buffer *out);
/* "2 less 1, on the same 27,513 labelled events (30 days resampled):" and a line for each metric, indented by two. */
void leat_comparison_put_difference(const struct leat_comparison *comparison, const struct leat_comparison_row *row,
                                    struct leat_buffer *out);
/* "champion", "previous", "shadow", "fallback", "" */
const char *leat_comparison_role(const struct leat_comparison *comparison, const struct leat_roles *roles,
                                 const struct leat_comparison_row *row);

#endif
