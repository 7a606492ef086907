/* Inside the function floor: a version bound to a function. */
#ifndef LEAT_FUNCTION_BOUND_H
#define LEAT_FUNCTION_BOUND_H

#include "function/score.h"

/* A feature that stands in a model's row as the code of a category. */
struct leat_bound_code {
    uint32_t column;  /* in the model's row */
    uint32_t feature; /* the function's */
};

struct leat_bound {
    struct leat_version *version;
    uint32_t *feature; /* the model's i-th feature is the function's feature[i]-th */
    struct leat_bound_code *codes;
    size_t code_count;
    size_t feature_count, output_count, raw_count;
    struct leat_answer score;
    struct leat_answer *answers; /* by the function's */
    struct leat_bytes *classes;  /* names; NULL: the function does not ask */
    size_t class_count;
    char *class_text;               /* holds them when the model has only numbers */
    const struct leat_fixed *fixed; /* not NULL: what it answers, whatever the features; the model is not there */
    int references;
};

#endif
