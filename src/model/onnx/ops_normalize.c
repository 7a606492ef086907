#include "model/onnx/operands.h"

const struct leat_operator leat_ops_normalize[] = {
    {0},
};
