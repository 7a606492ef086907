/* TreeEnsemble and its two older forms. */
#include "model/onnx/graph.h"

const struct leat_operator leat_ops_trees[] = {
    {.name = NULL},
};
