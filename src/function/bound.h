/* Inside the function floor: a version bound to a function. */
#ifndef LEAT_FUNCTION_BOUND_H
#define LEAT_FUNCTION_BOUND_H

#include "function/score.h"

struct leat_bound {
    struct leat_version *version;
    uint32_t *feature; /* the model's i-th feature is the function's feature[i]-th */
    size_t feature_count, output_count, raw_count;
    size_t output; /* which output is the score */
    int references;
};

#endif
