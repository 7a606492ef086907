/* What operators have in common: lists of types, walks over several tensors at once, and answers to by_row. */
#ifndef LEAT_MODEL_ONNX_OPERANDS_H
#define LEAT_MODEL_ONNX_OPERANDS_H

#include "model/onnx/graph.h"

#include <string.h>

/* For tables that have an entry for each type. */
#define LEAT_TENSOR_TYPES 14

/* X(TYPE, T, …) for each. */
#define LEAT_FLOAT_TYPES(X, ...) X(FLOAT, float, __VA_ARGS__) X(DOUBLE, double, __VA_ARGS__)
#define LEAT_SIGNED_TYPES(X, ...) \
    X(INT8, int8_t, __VA_ARGS__)  \
    X(INT16, int16_t, __VA_ARGS__) X(INT32, int32_t, __VA_ARGS__) X(INT64, int64_t, __VA_ARGS__)
#define LEAT_UNSIGNED_TYPES(X, ...) \
    X(UINT8, uint8_t, __VA_ARGS__)  \
    X(UINT16, uint16_t, __VA_ARGS__) X(UINT32, uint32_t, __VA_ARGS__) X(UINT64, uint64_t, __VA_ARGS__)
#define LEAT_INTEGER_TYPES(X, ...) LEAT_SIGNED_TYPES(X, __VA_ARGS__) LEAT_UNSIGNED_TYPES(X, __VA_ARGS__)
#define LEAT_NUMBER_TYPES(X, ...) LEAT_FLOAT_TYPES(X, __VA_ARGS__) LEAT_INTEGER_TYPES(X, __VA_ARGS__)

static inline bool leat_type_is_float(enum leat_tensor_type type)
{
    return type == LEAT_TENSOR_FLOAT || type == LEAT_TENSOR_DOUBLE;
}
bool leat_type_is_integer(enum leat_tensor_type type); /* not bool */

/* ---- walks ---- */

/* Goes over the elements of an output in order, and over those of up to three tensors by strides. Axes of length 1 are
 * left out and neighbours that go on alike are one axis; the last axis is the caller's inner loop. */
#define LEAT_WALK_RANK (2 * LEAT_RANK_MAX)
#define LEAT_WALK_INPUTS 3
struct leat_walk {
    uint32_t rank; /* of the axes before the last */
    size_t dims[LEAT_WALK_RANK];
    int64_t strides[LEAT_WALK_INPUTS][LEAT_WALK_RANK]; /* in elements */
    size_t inner;                                      /* 0: there are no elements at all */
    int64_t step[LEAT_WALK_INPUTS];                    /* the strides of the inner loop */
};
struct leat_walk_place {
    size_t index[LEAT_WALK_RANK];
    int64_t at[LEAT_WALK_INPUTS];
};

void leat_walk_init(struct leat_walk *walk, uint32_t inputs, uint32_t rank, const int64_t *dims,
                    int64_t strides[][LEAT_WALK_RANK]);

/* The beginning of the next inner loop; false behind the last. */
static inline bool leat_walk_next(const struct leat_walk *walk, struct leat_walk_place *place)
{
    for (uint32_t axis = walk->rank; axis-- > 0;) {
        for (int i = 0; i < LEAT_WALK_INPUTS; i++)
            place->at[i] += walk->strides[i][axis];
        if (++place->index[axis] < walk->dims[axis])
            return true;
        for (int i = 0; i < LEAT_WALK_INPUTS; i++)
            place->at[i] -= walk->strides[i][axis] * (int64_t)walk->dims[axis];
        place->index[axis] = 0;
    }
    return false;
}

/* The strides of a tensor that is stored in order. */
void leat_strides(uint32_t rank, const int64_t *dims, int64_t *ret);

/* The dims that inputs first … first + count - 1 have together; `walk` (NULL: not wanted; at most three inputs) goes
 * over them. */
int leat_broadcast(const struct leat_node *node, uint32_t first, uint32_t count, uint32_t *ret_rank, int64_t *ret_dims,
                   struct leat_walk *walk, struct leat_error *err);

/* Copies elements of `size` bytes to `out`, in order, from where input 0 of the walk is. */
void leat_walk_copy(const struct leat_walk *walk, size_t size, void *out, const void *in);

/* ---- numbers that must be known when a graph is loaded ---- */

/* The whole number in a constant input of one element, of any type of number. */
int leat_node_constant_int(const struct leat_node *node, uint32_t input, int64_t *ret, struct leat_error *err);

/* The axes of operators that have them as an attribute before opset `input_since` and as input 1 from then on, as a
 * set of bits; *ret_count is how many were named. */
int leat_node_axes(struct leat_graph *graph, const struct leat_node *node, int input_since, uint32_t rank,
                   uint32_t *ret_set, size_t *ret_count, struct leat_error *err);

/* ---- outputs ---- */

/* Output 0 is like `tensor`, of another type. */
int leat_node_output_like(struct leat_graph *graph, struct leat_node *node, enum leat_tensor_type type,
                          const struct leat_tensor *tensor, struct leat_error *err);
static inline void *leat_node_out(const struct leat_node *node, const struct leat_run *run, uint32_t i)
{
    return i < node->output_count && node->outputs[i] != NULL ? leat_tensor_data(run, node->outputs[i]) : NULL;
}
static inline const void *leat_node_in(const struct leat_node *node, const struct leat_run *run, uint32_t i)
{
    const struct leat_tensor *tensor = i < node->input_count ? node->inputs[i] : NULL;
    return tensor != NULL ? leat_tensor_data(run, tensor) : NULL;
}
/* Any output that is wanted: they all have their shape from prepare. NULL when none is. */
const struct leat_tensor *leat_node_any_output(const struct leat_node *node);

/* ---- by_row ---- */

bool leat_by_row_first(const struct leat_node *node);     /* input 0 carries rows, and no other input does */
bool leat_by_row_broadcast(const struct leat_node *node); /* all inputs, as leat_broadcast aligns them */

#endif
