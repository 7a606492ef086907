/* ONNX graphs: a file's nodes compiled to a list of prepared operators with fixed types and shapes.
 *
 * A graph is compiled for a fixed number of rows, so that every shape is known when it is loaded and every buffer has
 * its place then: each operator *prepares* itself (checks its inputs and attributes, says what its outputs are), and
 * when all its inputs are constants it runs at once and its outputs are constants too. That folds what converters
 * write to compute shapes. What is left runs in file order, one function call a node, without allocation.
 *
 * Immutable once compiled and shared by workers: what changes while it runs lies in the worker's scratch.
 *
 *   file.cc      the file, by protobuf, as plain structs
 *   graph.c      compiles, folds, places buffers, runs
 *   ops_*.c      operators, a table in each; the list of tables is in ops.c
 *   onnx.c       a graph as a leat_model: rows in, outputs and labels out
 *   runtime.c    ONNX Runtime, for graphs with operators that are not here */
#ifndef LEAT_MODEL_ONNX_GRAPH_H
#define LEAT_MODEL_ONNX_GRAPH_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Named limits of what a file may ask for. Beyond them a sentence, not an allocation. */
#define LEAT_RANK_MAX 8
#define LEAT_TENSOR_ELEMENTS_MAX ((size_t)1 << 26)
#define LEAT_GRAPH_BYTES_MAX ((size_t)1 << 30) /* constants and buffers together */
#define LEAT_GRAPH_DEPTH_MAX 8                 /* graphs within nodes of graphs */

/* With the numbers of the file format. */
enum leat_tensor_type {
    LEAT_TENSOR_NONE = 0,
    LEAT_TENSOR_FLOAT = 1,
    LEAT_TENSOR_UINT8 = 2,
    LEAT_TENSOR_INT8 = 3,
    LEAT_TENSOR_UINT16 = 4,
    LEAT_TENSOR_INT16 = 5,
    LEAT_TENSOR_INT32 = 6,
    LEAT_TENSOR_INT64 = 7,
    LEAT_TENSOR_STRING = 8, /* elements are struct leat_bytes */
    LEAT_TENSOR_BOOL = 9,   /* one byte, 0 or 1 */
    LEAT_TENSOR_DOUBLE = 11,
    LEAT_TENSOR_UINT32 = 12,
    LEAT_TENSOR_UINT64 = 13,
};
const char *leat_tensor_type_name(enum leat_tensor_type type); /* "float", "int64", …, "type 10" */
size_t leat_tensor_type_size(enum leat_tensor_type type);      /* of an element; 0: a type that we do not hold */

/* A value of a graph. Row-major. */
struct leat_tensor {
    const char *name;
    enum leat_tensor_type type;
    uint32_t rank; /* 0: a scalar */
    int64_t dims[LEAT_RANK_MAX];
    size_t count;     /* of elements: the product of the dims */
    void *data;       /* a constant's content; NULL: in the scratch of a run */
    size_t offset;    /* there */
    bool sequence;    /* what ZipMap makes: only a graph's output, and then its input is taken */
    bool carries_row; /* dims[0] is the rows of the batch, in order */
};

struct leat_graph;
struct leat_node;

/* What changes in a run. */
struct leat_run {
    char *scratch;
    const char *trouble; /* NULL, or why the run failed: a static text */
};

static inline void *leat_tensor_data(const struct leat_run *run, const struct leat_tensor *tensor)
{
    return tensor->data != NULL ? tensor->data : run->scratch + tensor->offset;
}

struct leat_operator {
    const char *domain; /* "" for ai.onnx; "ai.onnx.ml"; "com.microsoft" */
    const char *name;
    int since; /* the earliest opset that it is written for, and … */
    int until; /* … the latest; 0: the newest there is */
    /* Checks inputs and attributes and says with leat_node_output what comes out. May keep what it works out in
     * node->state, ask for workspace, and set node->run to a variant. An error's text says what is wrong; the
     * caller adds the node's name. A type or a form of the operator that is not done is refused with a sentence that
     * begins "does not run here: ", which lets the graph go to ONNX Runtime. */
    int (*prepare)(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
    void (*run)(const struct leat_node *node, struct leat_run *run);
    /* Does row r of each output depend on row r alone of the inputs that carry rows? Sees the prepared node, with
     * carries_row of its inputs set. NULL: it does not. Batches are scored at once only if all nodes say so. */
    bool (*by_row)(const struct leat_node *node);
    uint32_t max_inputs; /* 0: any number */
    uint32_t min_inputs;
};

struct leat_onnx_node; /* file.h */

struct leat_node {
    const struct leat_operator *op;
    const struct leat_onnx_node *file;
    int opset;                   /* of its domain */
    struct leat_tensor **inputs; /* NULL: left out */
    uint32_t input_count;
    struct leat_tensor **outputs; /* NULL: not wanted by anybody */
    uint32_t output_count;
    void (*run)(const struct leat_node *node, struct leat_run *run);
    void *state;      /* the operator's, in the graph's arena */
    size_t workspace; /* offset of what it asked for in the run's scratch */
    size_t work; /* steps that a run takes, if the operator knows; 0: it is worked out from shapes and attributes */
    bool copied; /* prepared, it needs the numbers and texts of its attributes no more */
};

/* ---- what an operator prepares itself with ---- */

/* The i-th input, or NULL when it was left out or is not there. */
const struct leat_tensor *leat_node_input(const struct leat_node *node, uint32_t i);
/* Attributes; `otherwise` when absent. A wrong type of attribute is an error of the file, found before prepare. */
bool leat_node_has(const struct leat_node *node, const char *name);
int64_t leat_node_int(const struct leat_node *node, const char *name, int64_t otherwise);
float leat_node_float(const struct leat_node *node, const char *name, float otherwise);
struct leat_bytes leat_node_text(const struct leat_node *node, const char *name, const char *otherwise);
const int64_t *leat_node_ints(const struct leat_node *node, const char *name, size_t *ret_count); /* NULL: absent */
const float *leat_node_floats(const struct leat_node *node, const char *name, size_t *ret_count); /* NULL: absent */
const struct leat_bytes *leat_node_texts(const struct leat_node *node, const char *name, size_t *ret_count);
/* A tensor attribute as a constant; NULL and no error: absent. */
int leat_node_tensor(struct leat_graph *graph, const struct leat_node *node, const char *name,
                     const struct leat_tensor **ret, struct leat_error *err);
/* The whole numbers of a constant input (int32 or int64), in the arena. NULL, no error, *ret_count 0: left out.
 * "does not run here: …" when it is not a constant. */
int leat_node_constant_ints(struct leat_graph *graph, const struct leat_node *node, uint32_t input, const int64_t **ret,
                            size_t *ret_count, struct leat_error *err);
/* An axis as the file has it, negative from the end, to 0 … rank - 1. */
int leat_node_axis(const struct leat_node *node, int64_t axis, uint32_t rank, uint32_t *ret, struct leat_error *err);
/* Says what output i is. Fails on a rank or a size beyond the limits. An output that nobody wants is passed over. */
int leat_node_output(struct leat_graph *graph, struct leat_node *node, uint32_t i, enum leat_tensor_type type,
                     uint32_t rank, const int64_t *dims, struct leat_error *err);
/* `bytes` for the time of its run, at node->workspace, aligned to 64. Once. */
int leat_node_workspace(struct leat_graph *graph, struct leat_node *node, size_t bytes, struct leat_error *err);
struct leat_arena *leat_graph_arena(struct leat_graph *graph);
/* What an operator has made outside the arena: release(object) is called when the graph is freed, compiled or not. */
void leat_graph_keep(struct leat_graph *graph, void *object, void (*release)(void *object));
/* That an object outside the arena takes so many bytes. */
void leat_graph_count_bytes(struct leat_graph *graph, size_t bytes);
/* The same node of the file where the graph was compiled before for other rows, or NULL. That graph outlives this one:
 * what the node's state has of attributes alone may be taken from there. Only of nodes that were offered. */
const struct leat_node *leat_node_twin(const struct leat_graph *graph, const struct leat_node *node);
void leat_node_offer(struct leat_graph *graph, const struct leat_node *node);
/* "%s: does not run here: type %s" and the like: */
int leat_node_refuse_type(const struct leat_node *node, uint32_t input, struct leat_error *err);

/* ---- when it runs ---- */

/* The run goes on to its end, and its rows get NaN. `why` is a static text. */
static inline void leat_run_fail(struct leat_run *run, const char *why)
{
    if (run->trouble == NULL)
        run->trouble = why;
}

/* ---- the tables ---- */

/* Each ends with an entry without a name. */
extern const struct leat_operator leat_ops_elementwise[]; /* Add … Where: several inputs, with broadcasting */
extern const struct leat_operator leat_ops_unary[];       /* Abs …, activations */
extern const struct leat_operator leat_ops_cast[];        /* Cast, CastLike */
extern const struct leat_operator leat_ops_shape[];       /* Reshape, Concat, Slice, … */
extern const struct leat_operator leat_ops_gather[];      /* Gather*, Scatter*, and what depends on content */
extern const struct leat_operator leat_ops_fill[];        /* Pad, Trilu, Range, EyeLike, OneHot */
extern const struct leat_operator leat_ops_math[];        /* MatMul, Gemm, Einsum */
extern const struct leat_operator leat_ops_reduce[];      /* Reduce*, ArgMax, TopK, CumSum */
extern const struct leat_operator leat_ops_normalize[];   /* *Normalization, Softmax */
extern const struct leat_operator leat_ops_ml[];          /* ai.onnx.ml but trees */
extern const struct leat_operator leat_ops_trees[];       /* TreeEnsemble* */
extern const struct leat_operator leat_ops_control[];     /* If, Scan, Loop */
extern const struct leat_operator *const leat_ops_all[];  /* these, NULL at the end */
/* NULL: there is none by this name for this opset. */
const struct leat_operator *leat_operator_find(struct leat_bytes domain, struct leat_bytes name, int opset);

#endif
