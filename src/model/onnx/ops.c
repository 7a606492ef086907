/* The list of tables, and how an operator is found in them. */
#include "model/onnx/graph.h"

const struct leat_operator *const leat_ops_all[] = {
    leat_ops_elementwise,
    leat_ops_unary,
    leat_ops_cast,
    leat_ops_shape,
    leat_ops_gather,
    leat_ops_fill,
    leat_ops_math,
    leat_ops_reduce,
    leat_ops_normalize,
    leat_ops_ml,
    leat_ops_trees,
    leat_ops_control,
    NULL,
};

const struct leat_operator *leat_operator_find(struct leat_bytes domain, struct leat_bytes name, int opset)
{
    for (size_t table = 0; leat_ops_all[table] != NULL; table++)
        for (const struct leat_operator *op = leat_ops_all[table]; op->name != NULL; op++)
            if (leat_bytes_is(name, op->name) && leat_bytes_is(domain, op->domain) && opset >= op->since &&
                (op->until == 0 || opset <= op->until))
                return op;
    return NULL;
}
