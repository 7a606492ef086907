/* Operators that move elements and do not look at them. */
#include "model/onnx/graph.h"

const struct leat_operator leat_ops_shape[] = {
    {0},
};
