/* ONNX Runtime, for graphs with operators that are not done here: its shared library is looked for when a model is
 * loaded, by the name in LEAT_ONNXRUNTIME, else as libonnxruntime.so.
 *
 * Has the interface of a compiled graph (compile.h): tensors for inputs and outputs in a scratch of the caller's, and
 * a run. One thread, no spinning. A session is shared by all workers, which ONNX Runtime allows; the values over a
 * caller's scratch are made for each run, because they could not be shared. It allocates in a run, and so does
 * this. */
#ifndef LEAT_MODEL_ONNX_RUNTIME_H
#define LEAT_MODEL_ONNX_RUNTIME_H

#include "model/onnx/compile.h"

#define LEAT_RUNTIME_VALUES_MAX 64 /* inputs and outputs each */

struct leat_runtime;

int leat_runtime_find(struct leat_error *err); /* is there a library? Else why not */
/* `inputs` are bound as for leat_graph_compile: those of leat_graph_inputs, in its order. `content` is the file's
 * bytes and may go. Says what outputs there are by a run of zeros. Fails when there is no library, when it does not
 * take the model, and on types other than numbers and bool. */
int leat_runtime_new(struct leat_bytes content, const struct leat_onnx_file *file,
                     const struct leat_graph_input *inputs, struct leat_runtime **ret, struct leat_error *err);
void leat_runtime_free(struct leat_runtime *runtime);              /* NULL is fine */
const char *leat_runtime_name(const struct leat_runtime *runtime); /* "ONNX Runtime 1.32.0" */

struct leat_tensor *leat_runtime_input(const struct leat_runtime *runtime, uint32_t i);
uint32_t leat_runtime_output_count(const struct leat_runtime *runtime);
const struct leat_tensor *leat_runtime_output(const struct leat_runtime *runtime, uint32_t i);
size_t leat_runtime_scratch(const struct leat_runtime *runtime); /* bytes that a run needs, aligned to 64 */
size_t leat_runtime_bytes(const struct leat_runtime *runtime);   /* memory of ours; not what the library takes */
/* NULL, or why the run failed. Inputs have been written to scratch. Any thread. */
const char *leat_runtime_run(const struct leat_runtime *runtime, char *scratch);

#endif
