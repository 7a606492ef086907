/* Operators with graphs in them: If, Scan, Loop. */
#include "model/onnx/compile.h"

const struct leat_operator leat_ops_control[] = {
    {.name = NULL},
};
