/* The operators of ai.onnx.ml but trees: linear models, support vectors, scalers, encoders. */
#include "model/onnx/graph.h"

const struct leat_operator leat_ops_ml[] = {
    {.name = NULL},
};
