/* What operators have in common. */
#include "model/onnx/operands.h"

bool leat_type_is_integer(enum leat_tensor_type type)
{
    switch (type) {
#define CASE(TYPE, T, ...) case LEAT_TENSOR_##TYPE:
        LEAT_INTEGER_TYPES(CASE, )
#undef CASE
        return true;
    default:
        return false;
    }
}

/* ---- walks ---- */

/* Does the walk's newest axis go on where this one, further in, ends? */
static bool goes_on(const struct leat_walk *walk, uint32_t inputs, uint32_t axis, int64_t dim,
                    int64_t strides[][LEAT_WALK_RANK])
{
    for (uint32_t i = 0; i < inputs; i++) {
        if (walk->strides[i][walk->rank - 1] != strides[i][axis] * dim)
            return false;
    }
    return true;
}

void leat_walk_init(struct leat_walk *walk, uint32_t inputs, uint32_t rank, const int64_t *dims,
                    int64_t strides[][LEAT_WALK_RANK])
{
    *walk = (struct leat_walk){.inner = 1};
    for (uint32_t axis = 0; axis < rank; axis++) {
        if (dims[axis] == 0) {
            *walk = (struct leat_walk){0};
            return;
        }
        if (dims[axis] == 1)
            continue;
        if (walk->rank > 0 && goes_on(walk, inputs, axis, dims[axis], strides))
            walk->dims[walk->rank - 1] *= (size_t)dims[axis];
        else
            walk->dims[walk->rank++] = (size_t)dims[axis];
        for (uint32_t i = 0; i < inputs; i++)
            walk->strides[i][walk->rank - 1] = strides[i][axis];
    }
    if (walk->rank == 0)
        return;
    walk->rank--;
    walk->inner = walk->dims[walk->rank];
    for (uint32_t i = 0; i < inputs; i++)
        walk->step[i] = walk->strides[i][walk->rank];
}

void leat_strides(uint32_t rank, const int64_t *dims, int64_t *ret)
{
    int64_t stride = 1;
    for (uint32_t axis = rank; axis-- > 0;) {
        ret[axis] = stride;
        stride *= dims[axis];
    }
}

/* One input's dims joined to those so far. */
static int broadcast_dims(const struct leat_tensor *tensor, uint32_t rank, int64_t *dims, struct leat_error *err)
{
    for (uint32_t axis = 0; axis < tensor->rank; axis++) {
        int64_t *dim = &dims[rank - tensor->rank + axis];
        if (tensor->dims[axis] == *dim || tensor->dims[axis] == 1)
            continue;
        if (*dim != 1)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "its inputs do not fit together: %lld against %lld, counting axes from the end %u",
                                  (long long)*dim, (long long)tensor->dims[axis], tensor->rank - axis);
        *dim = tensor->dims[axis];
    }
    return 0;
}

static void broadcast_strides(const struct leat_tensor *tensor, uint32_t rank, int64_t *ret)
{
    int64_t own[LEAT_RANK_MAX];
    leat_strides(tensor->rank, tensor->dims, own);
    for (uint32_t axis = 0; axis < rank; axis++)
        ret[axis] = 0;
    for (uint32_t axis = 0; axis < tensor->rank; axis++)
        ret[rank - tensor->rank + axis] = tensor->dims[axis] == 1 ? 0 : own[axis];
}

int leat_broadcast(const struct leat_node *node, uint32_t first, uint32_t count, uint32_t *ret_rank, int64_t *ret_dims,
                   struct leat_walk *walk, struct leat_error *err)
{
    int64_t strides[LEAT_WALK_INPUTS][LEAT_WALK_RANK];
    uint32_t rank = 0;
    for (uint32_t i = first; i < first + count; i++) {
        if (leat_node_input(node, i) == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is missing", i);
        rank = node->inputs[i]->rank > rank ? node->inputs[i]->rank : rank;
    }
    for (uint32_t axis = 0; axis < rank; axis++)
        ret_dims[axis] = 1;
    for (uint32_t i = first; i < first + count; i++) {
        if (broadcast_dims(node->inputs[i], rank, ret_dims, err) < 0)
            return -1;
    }
    *ret_rank = rank;
    if (walk == NULL)
        return 0;
    leat_assert(count <= LEAT_WALK_INPUTS);
    for (uint32_t i = 0; i < count; i++)
        broadcast_strides(node->inputs[first + i], rank, strides[i]);
    leat_walk_init(walk, count, rank, ret_dims, strides);
    return 0;
}

#define COPY(BITS)                                                                                       \
    static void copy_##BITS(const struct leat_walk *walk, uint##BITS##_t *out, const uint##BITS##_t *in) \
    {                                                                                                    \
        struct leat_walk_place place = {0};                                                              \
        do {                                                                                             \
            const uint##BITS##_t *from = in + place.at[0];                                               \
            for (size_t i = 0; i < walk->inner; i++)                                                     \
                out[i] = from[(int64_t)i * walk->step[0]];                                               \
            out += walk->inner;                                                                          \
        } while (leat_walk_next(walk, &place));                                                          \
    }
COPY(8)
COPY(16)
COPY(32)
COPY(64)
#undef COPY

static void copy_texts(const struct leat_walk *walk, struct leat_bytes *out, const struct leat_bytes *in)
{
    struct leat_walk_place place = {0};
    do {
        for (size_t i = 0; i < walk->inner; i++)
            *out++ = in[place.at[0] + (int64_t)i * walk->step[0]];
    } while (leat_walk_next(walk, &place));
}

/* Inner loops over neighbours. */
static void copy_stretches(const struct leat_walk *walk, size_t size, char *out, const char *in)
{
    struct leat_walk_place place = {0};
    do {
        memcpy(out, in + place.at[0] * (int64_t)size, walk->inner * size);
        out += walk->inner * size;
    } while (leat_walk_next(walk, &place));
}

void leat_walk_copy(const struct leat_walk *walk, size_t size, void *out, const void *in)
{
    if (walk->inner == 0)
        return;
    if (walk->step[0] == 1 || walk->inner == 1)
        copy_stretches(walk, size, out, in);
    else if (size == 1)
        copy_8(walk, out, in);
    else if (size == 2)
        copy_16(walk, out, in);
    else if (size == 4)
        copy_32(walk, out, in);
    else if (size == 8)
        copy_64(walk, out, in);
    else
        copy_texts(walk, out, in);
}

/* ---- numbers that must be known when a graph is loaded ---- */

int leat_node_constant_int(const struct leat_node *node, uint32_t input, int64_t *ret, struct leat_error *err)
{
    const struct leat_tensor *tensor = leat_node_input(node, input);
    if (tensor == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is missing", input);
    if (tensor->data == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: input %u is not a constant", input);
    if (tensor->count != 1)
        return leat_error_set(err, LEAT_ERROR_FINDING, "input %u has %zu elements; it takes one", input, tensor->count);
    double real = 0;
    switch (tensor->type) {
#define CASE(TYPE, T, ...)                          \
    case LEAT_TENSOR_##TYPE:                        \
        *ret = (int64_t) * (const T *)tensor->data; \
        return 0;
        LEAT_INTEGER_TYPES(CASE, )
#undef CASE
    case LEAT_TENSOR_FLOAT:
        real = (double)*(const float *)tensor->data;
        break;
    case LEAT_TENSOR_DOUBLE:
        real = *(const double *)tensor->data;
        break;
    default:
        return leat_node_refuse_type(node, input, err);
    }
    if (!(real >= -0x1p53 && real <= 0x1p53))
        return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is %g; it takes a whole number", input, real);
    *ret = (int64_t)real;
    return 0;
}

int leat_node_axes(struct leat_graph *graph, const struct leat_node *node, int input_since, uint32_t rank,
                   uint32_t *ret_set, size_t *ret_count, struct leat_error *err)
{
    const int64_t *axes = NULL;
    size_t count = 0;
    if (node->opset < input_since)
        axes = leat_node_ints(node, "axes", &count);
    else if (leat_node_constant_ints(graph, node, 1, &axes, &count, err) < 0)
        return -1;
    if (axes == NULL)
        count = 0;
    uint32_t set = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t axis = 0;
        if (leat_node_axis(node, axes[i], rank, &axis, err) < 0)
            return -1;
        if ((set >> axis & 1) != 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %lld is named twice", (long long)axes[i]);
        set |= 1u << axis;
    }
    *ret_set = set;
    *ret_count = count;
    return 0;
}

/* ---- outputs ---- */

int leat_node_output_like(struct leat_graph *graph, struct leat_node *node, enum leat_tensor_type type,
                          const struct leat_tensor *tensor, struct leat_error *err)
{
    return leat_node_output(graph, node, 0, type, tensor->rank, tensor->dims, err);
}

const struct leat_tensor *leat_node_any_output(const struct leat_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != NULL)
            return node->outputs[i];
    }
    return NULL;
}

/* ---- by_row ---- */

bool leat_by_row_first(const struct leat_node *node)
{
    for (uint32_t i = 1; i < node->input_count; i++) {
        if (node->inputs[i] != NULL && node->inputs[i]->carries_row)
            return false;
    }
    return node->input_count > 0 && node->inputs[0] != NULL && node->inputs[0]->rank > 0 && node->inputs[0]->carries_row;
}

bool leat_by_row_broadcast(const struct leat_node *node)
{
    const struct leat_tensor *out = leat_node_any_output(node);
    if (out == NULL || out->rank == 0)
        return false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct leat_tensor *in = node->inputs[i];
        if (in == NULL)
            continue;
        bool reaches = in->rank == out->rank; /* else its first axis is not the output's first */
        if (in->carries_row ? !reaches || in->dims[0] != out->dims[0] : reaches && in->dims[0] != 1)
            return false;
    }
    return true;
}
