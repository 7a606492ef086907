/* Operators: products of matrices, sums, normalisation. */
#include "model/onnx/graph.h"

const struct leat_operator leat_ops_math[] = {
    {0},
};
