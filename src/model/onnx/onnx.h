/* What onnx.c asks of a file to see rows and classes in it: trace.c. */
#ifndef LEAT_MODEL_ONNX_ONNX_H
#define LEAT_MODEL_ONNX_ONNX_H

#include "model/onnx/compile.h"

/* The number of columns of an input that leaves it open, from what the operators behind it expect. -1: none tells. */
int64_t leat_onnx_width(const struct leat_onnx_graph *graph, const char *input);

/* The classes among which a label output is chosen, as int64 or text, in the order of the columns. `ret` is all zero
 * when they are not found. */
void leat_onnx_classes(const struct leat_graph *graph, uint32_t label, struct leat_arena *arena,
                       struct leat_tensor *ret);

#endif
