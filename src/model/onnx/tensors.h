/* A graph as it is: whole tensors in and out, as JSON. One object by input name, nested arrays; one by output name.
 *
 * Whole numbers are exact (those of uint64 beyond int64 are given as text); NaN, Infinity and -Infinity are texts; a
 * sequence of maps is an array of objects. The graph is compiled for the shapes that a line has; where an operator's
 * output has a shape that depends on values, for these values. */
#ifndef LEAT_MODEL_ONNX_TENSORS_H
#define LEAT_MODEL_ONNX_TENSORS_H

#include "base/bytes.h"
#include "base/error.h"

struct leat_onnx_tensors; /* one thread */

int leat_onnx_tensors_new(const char *name, struct leat_bytes file, struct leat_onnx_tensors **ret,
                          struct leat_error *err);
/* What a file may ask for: bytes of its tensors, steps of a run. Else 1 GiB and 2^36. */
void leat_onnx_tensors_limit(struct leat_onnx_tensors *tensors, size_t bytes, size_t work);
/* Appends one line without its end. Fails when that is beyond the buffer's maximum. */
int leat_onnx_tensors_run(struct leat_onnx_tensors *tensors, struct leat_bytes line, struct leat_buffer *ret,
                          struct leat_error *err);
void leat_onnx_tensors_free(struct leat_onnx_tensors *tensors); /* NULL is fine */

#endif
