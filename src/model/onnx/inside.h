/* What graph.c, node.c and plan.c share: graphs while they are compiled, and after. */
#ifndef LEAT_MODEL_ONNX_INSIDE_H
#define LEAT_MODEL_ONNX_INSIDE_H

#include "model/onnx/compile.h"

/* A tensor, and when it is in use: between two ticks of the compiling graph's clock. A workspace is one, too. */
struct leat_value {
    struct leat_tensor tensor;
    struct leat_made_node *maker; /* NULL: an input or an initializer */
    size_t bytes;                 /* in the scratch; 0 for a constant */
    uint32_t born, dies;
    struct leat_value *next;       /* of all that may need a place */
    struct leat_value *next_born;  /* at the same tick */
    struct leat_value *next_dying; /* at the same tick */
};

static inline struct leat_value *leat_value_of(struct leat_tensor *tensor)
{
    return (struct leat_value *)tensor;
}

static inline const struct leat_made_node *leat_maker_of(const struct leat_tensor *tensor)
{
    return ((const struct leat_value *)tensor)->maker;
}

/* A node and what operators need not see. */
struct leat_made_node {
    struct leat_node node;
    const struct leat_call *call; /* NULL: not in a function */
    const char *bad_name;         /* an attribute that was asked for as another kind than it is */
    int bad_kind, asked_kind;
    struct leat_value *work;
    const struct leat_scope *scope;
    struct leat_made_block *blocks;
    uint32_t depth; /* of graphs and functions around it */
};

static inline struct leat_made_node *leat_made_of(const struct leat_node *node)
{
    return (struct leat_made_node *)(uintptr_t)node;
}

/* A call of one of the model's functions: what its attributes stand for. */
struct leat_call {
    const struct leat_onnx_node *node;
    const struct leat_call *outer;
};

struct leat_made_block {
    struct leat_block block;
    size_t room;                  /* of nodes */
    struct leat_made_block *next; /* of the same node */
};

/* A block that runs several times: what it uses from outside must outlive all of them. */
struct leat_repeat {
    uint32_t begin;
    struct leat_value **used;
    size_t used_count, used_room;
    struct leat_repeat *outer;
};

struct leat_kept {
    void *object;
    void (*release)(void *object);
    struct leat_kept *next;
};

struct leat_graph {
    struct leat_arena arena;
    const struct leat_onnx_file *file;
    struct leat_made_block main;
    struct leat_kept *kept;
    size_t scratch_bytes; /* of all buffers */
    size_t bytes;         /* buffers and folded constants, for the limit */
    size_t work;          /* of one run */
    size_t fold_work;
    size_t node_total;
    struct leat_graph_limits limits;
    const struct leat_graph *twin; /* compiled before, for other rows; NULL: none */
    struct leat_map *offered;      /* address of a node of the file → const struct leat_node *; NULL: none */
    size_t outside;                /* bytes of what it keeps outside the arena */
    uint32_t clock;
    struct leat_value *values; /* that may need a place */
    struct leat_repeat *repeat;
    const struct leat_made_node **output_makers; /* of main's outputs: the ZipMap, or NULL */
};

/* graph.c */
struct leat_value *leat_value_new(struct leat_graph *graph, const char *name);
int leat_graph_charge(struct leat_graph *graph, size_t bytes, struct leat_error *err);
/* node.c */
const struct leat_onnx_graph *leat_node_graph(const struct leat_node *node, const char *name); /* NULL: absent */
/* plan.c */
int leat_graph_place(struct leat_graph *graph, struct leat_error *err);

#endif
