/* Graphs as their users see them: compiled for given inputs, and run. Operators see graph.h. */
#ifndef LEAT_MODEL_ONNX_COMPILE_H
#define LEAT_MODEL_ONNX_COMPILE_H

#include "model/onnx/file.h"
#include "model/onnx/graph.h"

#define LEAT_GRAPH_NODES_MAX ((size_t)1 << 18) /* with those of functions, once for each call */
#define LEAT_FOLD_WORK_MAX ((size_t)1 << 28)   /* steps of operators that are run while a graph is compiled */

/* What an input is bound to. Of those of the file that are not initializers, in order: leat_graph_inputs. */
struct leat_graph_input {
    enum leat_tensor_type type;
    uint32_t rank;
    int64_t dims[LEAT_RANK_MAX];
    bool carries_row;
    const void *constant; /* its content, when it is not to change from run to run; must outlive the graph */
};
struct leat_graph_limits {
    size_t bytes; /* of buffers and folded constants */
    size_t work;  /* steps of one run */
};

/* The graph's inputs that have to be given: their places in file->graph.inputs. Returns how many; `ret` has room for
 * file->graph.input_count. */
size_t leat_graph_inputs(const struct leat_onnx_file *file, uint32_t *ret);
/* Operators of the file that are in no table: "Conv, LSTM (2 of 14)". false: there are none. */
bool leat_graph_unknown(const struct leat_onnx_file *file, struct leat_buffer *ret);

/* The file must outlive the graph, and so must `twin`: NULL, or the same file's graph for other rows, with which this
 * one shares what is made of attributes alone (tree ensembles). */
int leat_graph_compile(const struct leat_onnx_file *file, const struct leat_graph_input *inputs,
                       const struct leat_graph_limits *limits, const struct leat_graph *twin, struct leat_graph **ret,
                       struct leat_error *err);
void leat_graph_free(struct leat_graph *graph); /* NULL is fine */

struct leat_tensor *leat_graph_input(const struct leat_graph *graph, uint32_t i); /* NULL: a constant */
uint32_t leat_graph_output_count(const struct leat_graph *graph);
/* A sequence of maps is given as the tensor that it was made from; *ret_maker (NULL: not wanted) is then the ZipMap. */
const struct leat_tensor *leat_graph_output(const struct leat_graph *graph, uint32_t i,
                                            const struct leat_node **ret_maker);
size_t leat_graph_scratch(const struct leat_graph *graph); /* bytes that a run needs, aligned to 64 */
size_t leat_graph_bytes(const struct leat_graph *graph);   /* memory that it takes */
size_t leat_graph_node_count(const struct leat_graph *graph);
const struct leat_node *leat_graph_node(const struct leat_graph *graph, size_t i);
/* NULL, or why the run failed. Inputs have been written to scratch. */
const char *leat_graph_run(const struct leat_graph *graph, char *scratch);

/* Is `block`, the same file compiled for `rows` rows, in every row what `single` is for one? Sets carries_row. */
bool leat_graph_by_row(const struct leat_graph *single, struct leat_graph *block, int64_t rows);

/* ---- for ops_control.c: graphs within nodes ---- */

struct leat_block {
    struct leat_node **nodes;
    size_t node_count;
    struct leat_tensor **inputs;
    uint32_t input_count;
    struct leat_tensor **outputs;
    uint32_t output_count;
    size_t work; /* steps of one run */
};
/* Compiles a graph attribute of the node, whose inputs are of these types and shapes. `repeated`: it runs several
 * times in a run of the node. */
int leat_block_compile(struct leat_graph *graph, struct leat_node *node, const char *attribute,
                       const struct leat_tensor *const *inputs, uint32_t input_count, bool repeated,
                       const struct leat_block **ret, struct leat_error *err);
void leat_block_run(const struct leat_block *block, struct leat_run *run);
/* Adds times × work to what a run takes. */
int leat_graph_work(struct leat_graph *graph, size_t times, size_t work, struct leat_error *err);

#endif
