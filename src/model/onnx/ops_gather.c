/* Operators that take or put elements by index, and those whose shape depends on content, which must then be known
 * when the graph is loaded. */
#include "model/onnx/operands.h"

/* ---- indexes ---- */

static int64_t index_at(const struct leat_tensor *tensor, const void *data, size_t i)
{
    return tensor->type == LEAT_TENSOR_INT64 ? ((const int64_t *)data)[i] : (int64_t)((const int32_t *)data)[i];
}

/* Within 0 … dim - 1; one that is not fails the run and is 0. `dim` is not 0. */
static int64_t index_within(int64_t index, int64_t dim, struct leat_run *run)
{
    int64_t at = index < 0 ? index + dim : index;
    if (at >= 0 && at < dim)
        return at;
    leat_run_fail(run, "an index is beyond the end of its axis");
    return 0;
}

static int check_indexes(const struct leat_node *node, uint32_t input, struct leat_error *err)
{
    const struct leat_tensor *data = leat_node_input(node, 0), *indexes = leat_node_input(node, input);
    if (data == NULL || indexes == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "an input is missing");
    if (indexes->type != LEAT_TENSOR_INT64 && indexes->type != LEAT_TENSOR_INT32)
        return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is %s; indexes are int64 or int32", input,
                              leat_tensor_type_name(indexes->type));
    return 0;
}

/* Indexes into an axis of length 0 have nothing that they could mean. */
static int refuse_empty(struct leat_error *err)
{
    return leat_error_set(err, LEAT_ERROR_FINDING, "it takes elements from an axis of length 0");
}

static size_t product_of(const int64_t *dims, uint32_t from, uint32_t to)
{
    size_t product = 1;
    for (uint32_t i = from; i < to; i++)
        product *= (size_t)dims[i];
    return product;
}

/* ---- Gather ---- */

struct gather {
    size_t outer, inner; /* stretches before the axis, bytes of an element of it */
    int64_t dim;
};

static void run_gather(const struct leat_node *node, struct leat_run *run)
{
    const struct gather *state = node->state;
    const struct leat_tensor *indexes = node->inputs[1];
    const char *data = leat_node_in(node, run, 0);
    const void *index = leat_node_in(node, run, 1);
    char *out = leat_node_out(node, run, 0);
    if (out == NULL || state->inner == 0)
        return;
    for (size_t o = 0; o < state->outer; o++, data += (size_t)state->dim * state->inner) {
        for (size_t i = 0; i < indexes->count; i++, out += state->inner) {
            int64_t at = index_within(index_at(indexes, index, i), state->dim, run);
            memcpy(out, data + (size_t)at * state->inner, state->inner);
        }
    }
}

static int prepare_gather(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct gather *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t dims[2 * LEAT_RANK_MAX];
    uint32_t axis = 0, rank = 0;
    if (check_indexes(node, 1, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0], *indexes = node->inputs[1];
    if (leat_node_axis(node, leat_node_int(node, "axis", 0), in->rank, &axis, err) < 0)
        return -1;
    for (uint32_t i = 0; i < axis; i++)
        dims[rank++] = in->dims[i];
    for (uint32_t i = 0; i < indexes->rank; i++)
        dims[rank++] = indexes->dims[i];
    for (uint32_t i = axis + 1; i < in->rank; i++)
        dims[rank++] = in->dims[i];
    state->outer = product_of(in->dims, 0, axis);
    state->inner = product_of(in->dims, axis + 1, in->rank) * leat_tensor_type_size(in->type);
    state->dim = in->dims[axis];
    node->state = state;
    if (state->dim == 0 && indexes->count > 0)
        return refuse_empty(err);
    return leat_node_output(graph, node, 0, in->type, rank, dims, err);
}

/* Rows of the data by the same indexes for all; or rows of indexes into one table. */
static bool by_row_gather(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", 0);
    bool first = axis == 0 || axis == -(int64_t)node->inputs[0]->rank;
    if (node->inputs[1]->carries_row)
        return first && !node->inputs[0]->carries_row && node->inputs[1]->rank > 0;
    return !first;
}

/* ---- GatherElements, ScatterElements ---- */

enum reduction { PUT, ADD, MULTIPLY, MAXIMUM, MINIMUM };

typedef void put_element(void *into, const void *from);

#define PUTS(TYPE, T, ...)                            \
    static void put_##T(void *into, const void *from) \
    {                                                 \
        *(T *)into = *(const T *)from;                \
    }                                                 \
    static void max_##T(void *into, const void *from) \
    {                                                 \
        const T x = *(T *)into, y = *(const T *)from; \
        *(T *)into = x < y ? y : x;                   \
    }                                                 \
    static void min_##T(void *into, const void *from) \
    {                                                 \
        const T x = *(T *)into, y = *(const T *)from; \
        *(T *)into = y < x ? y : x;                   \
    }
#define SUMS(TYPE, T, WIDE)                                              \
    static void add_##T(void *into, const void *from)                    \
    {                                                                    \
        *(T *)into = (T)((WIDE) * (T *)into + (WIDE) * (const T *)from); \
    }                                                                    \
    static void multiply_##T(void *into, const void *from)               \
    {                                                                    \
        *(T *)into = (T)((WIDE) * (T *)into * (WIDE) * (const T *)from); \
    }
LEAT_NUMBER_TYPES(PUTS, )
LEAT_INTEGER_TYPES(SUMS, uint64_t)
SUMS(FLOAT, float, float)
SUMS(DOUBLE, double, double)

static void put_text(void *into, const void *from)
{
    *(struct leat_bytes *)into = *(const struct leat_bytes *)from;
}

#define PUT_OF(TYPE, T, ...) [LEAT_TENSOR_##TYPE] = {put_##T, add_##T, multiply_##T, max_##T, min_##T},
static put_element *const puts_of[LEAT_TENSOR_TYPES][5] = {
    LEAT_NUMBER_TYPES(PUT_OF, )[LEAT_TENSOR_BOOL] = {put_uint8_t},
    [LEAT_TENSOR_STRING] = {put_text},
};

static int find_put(const struct leat_node *node, put_element **ret, struct leat_error *err)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    struct leat_bytes name = leat_node_text(node, "reduction", "none");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!leat_bytes_is(name, names[i]))
            continue;
        *ret = puts_of[node->inputs[0]->type][i];
        return *ret != NULL ? 0 : leat_node_refuse_type(node, 0, err);
    }
    return leat_error_set(err, LEAT_ERROR_FINDING, "reduction is \"%.*s\"; it is none, add, mul, max or min",
                          LEAT_BYTES_FORMAT(name));
}

struct elements {
    struct leat_walk walk; /* over the indexes; input 0: the data, without the axis */
    int64_t stride, dim;   /* of the axis */
    size_t size;
    put_element *put;
};

/* The indexes' place in the data. They may not be larger than it but along the axis. */
static int prepare_elements(struct leat_graph *graph, struct leat_node *node, struct elements **ret,
                            struct leat_error *err)
{
    struct elements *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t own[LEAT_RANK_MAX], strides[LEAT_WALK_INPUTS][LEAT_WALK_RANK] = {0};
    uint32_t axis = 0;
    if (check_indexes(node, 1, err) < 0)
        return -1;
    const struct leat_tensor *data = node->inputs[0], *indexes = node->inputs[1];
    if (leat_node_axis(node, leat_node_int(node, "axis", 0), data->rank, &axis, err) < 0)
        return -1;
    if (indexes->rank != data->rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its indexes have %u axes, and its data has %u", indexes->rank,
                              data->rank);
    leat_strides(data->rank, data->dims, own);
    for (uint32_t i = 0; i < data->rank; i++) {
        strides[0][i] = i == axis ? 0 : own[i];
        if (i != axis && indexes->dims[i] > data->dims[i])
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "axis %u of its indexes is of length %lld, and of its data "
                                  "%lld",
                                  i, (long long)indexes->dims[i], (long long)data->dims[i]);
    }
    leat_walk_init(&state->walk, 1, data->rank, indexes->dims, strides);
    state->stride = own[axis];
    state->dim = data->dims[axis];
    state->size = leat_tensor_type_size(data->type);
    node->state = *ret = state;
    return state->dim == 0 && indexes->count > 0 ? refuse_empty(err) : find_put(node, &state->put, err);
}

static int prepare_gather_elements(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct elements *state = NULL;
    if (prepare_elements(graph, node, &state, err) < 0)
        return -1;
    return leat_node_output_like(graph, node, node->inputs[0]->type, node->inputs[1], err);
}

static int prepare_scatter_elements(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct elements *state = NULL;
    const struct leat_tensor *updates = leat_node_input(node, 2);
    if (updates == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its updates are missing");
    if (prepare_elements(graph, node, &state, err) < 0)
        return -1;
    const struct leat_tensor *data = node->inputs[0], *indexes = node->inputs[1];
    if (updates->type != data->type || updates->rank != indexes->rank ||
        memcmp(updates->dims, indexes->dims, indexes->rank * sizeof indexes->dims[0]) != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its updates are not of the data's type and the indexes' shape");
    return leat_node_output_like(graph, node, data->type, data, err);
}

/* Element i of the indexes is (or goes to) this element of the data. */
static size_t element_of(const struct elements *state, const struct leat_walk_place *place, size_t step, int64_t index,
                         struct leat_run *run)
{
    int64_t at = index_within(index, state->dim, run) * state->stride;
    return (size_t)(place->at[0] + (int64_t)step * state->walk.step[0] + at) * state->size;
}

static void run_gather_elements(const struct leat_node *node, struct leat_run *run)
{
    const struct elements *state = node->state;
    const struct leat_tensor *indexes = node->inputs[1];
    const char *data = leat_node_in(node, run, 0);
    const void *index = leat_node_in(node, run, 1);
    char *out = leat_node_out(node, run, 0);
    struct leat_walk_place place = {0};
    size_t i = 0;
    if (state->walk.inner == 0 || out == NULL)
        return;
    do {
        for (size_t step = 0; step < state->walk.inner; step++, i++, out += state->size)
            state->put(out, data + element_of(state, &place, step, index_at(indexes, index, i), run));
    } while (leat_walk_next(&state->walk, &place));
}

static void copy_data(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *data = node->inputs[0];
    if (data->count > 0)
        memcpy(leat_node_out(node, run, 0), leat_node_in(node, run, 0), data->count * leat_tensor_type_size(data->type));
}

static void run_scatter_elements(const struct leat_node *node, struct leat_run *run)
{
    const struct elements *state = node->state;
    const struct leat_tensor *indexes = node->inputs[1];
    const void *index = leat_node_in(node, run, 1);
    const char *updates = leat_node_in(node, run, 2);
    char *out = leat_node_out(node, run, 0);
    struct leat_walk_place place = {0};
    size_t i = 0;
    if (out == NULL)
        return;
    copy_data(node, run);
    if (state->walk.inner == 0)
        return;
    do {
        for (size_t step = 0; step < state->walk.inner; step++, i++, updates += state->size)
            state->put(out + element_of(state, &place, step, index_at(indexes, index, i), run), updates);
    } while (leat_walk_next(&state->walk, &place));
}

/* All of them row by row, along another axis. */
static bool by_row_elements(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", 0);
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (!node->inputs[i]->carries_row || node->inputs[i]->dims[0] != node->inputs[0]->dims[0])
            return false;
    }
    return axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- GatherND, ScatterND ---- */

struct places {
    uint32_t depth; /* axes that an index goes through */
    uint32_t first; /* the first of them */
    size_t batches; /* of both */
    size_t count;   /* indexes of a batch */
    size_t stretch; /* elements that an index is for */
    size_t batch;   /* elements of a batch of the data */
    size_t size;    /* of an element */
    const int64_t *dims;
    int64_t strides[LEAT_RANK_MAX];
    put_element *put;
};

static int prepare_places(struct leat_graph *graph, struct leat_node *node, uint32_t batch_axes, struct places **ret,
                          struct leat_error *err)
{
    struct places *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    if (check_indexes(node, 1, err) < 0)
        return -1;
    const struct leat_tensor *data = node->inputs[0], *indexes = node->inputs[1];
    int64_t depth = indexes->rank > 0 ? indexes->dims[indexes->rank - 1] : 0;
    if (indexes->rank == 0 || batch_axes >= indexes->rank || batch_axes >= data->rank ||
        depth > (int64_t)(data->rank - batch_axes))
        return leat_error_set(err, LEAT_ERROR_FINDING, "indexes of %lld axes into data of %u, of which %u are batches",
                              (long long)depth, data->rank, batch_axes);
    for (uint32_t i = 0; i < batch_axes; i++) {
        if (data->dims[i] != indexes->dims[i])
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u is of length %lld and %lld", i,
                                  (long long)data->dims[i], (long long)indexes->dims[i]);
    }
    state->depth = (uint32_t)depth;
    state->first = batch_axes;
    state->batches = product_of(data->dims, 0, batch_axes);
    state->count = product_of(indexes->dims, batch_axes, indexes->rank - 1);
    state->stretch = product_of(data->dims, batch_axes + state->depth, data->rank);
    state->batch = product_of(data->dims, batch_axes, data->rank);
    state->size = leat_tensor_type_size(data->type);
    state->dims = data->dims + batch_axes;
    int64_t own[LEAT_RANK_MAX];
    leat_strides(data->rank, data->dims, own);
    memcpy(state->strides, own + batch_axes, (data->rank - batch_axes) * sizeof own[0]);
    for (uint32_t i = 0; i < state->depth; i++) {
        if (state->dims[i] == 0 && state->count > 0)
            return refuse_empty(err);
    }
    node->state = *ret = state;
    return find_put(node, &state->put, err);
}

/* The first element that the i-th index is for. */
static size_t place_of(const struct places *state, const struct leat_tensor *indexes, const void *index, size_t i,
                       struct leat_run *run)
{
    int64_t at = 0;
    for (uint32_t axis = 0; axis < state->depth; axis++)
        at += index_within(index_at(indexes, index, i * state->depth + axis), state->dims[axis], run) *
              state->strides[axis];
    return (i / state->count * state->batch + (size_t)at) * state->size;
}

static void run_gather_nd(const struct leat_node *node, struct leat_run *run)
{
    const struct places *state = node->state;
    const char *data = leat_node_in(node, run, 0);
    const void *index = leat_node_in(node, run, 1);
    char *out = leat_node_out(node, run, 0);
    size_t bytes = state->stretch * state->size;
    for (size_t i = 0; out != NULL && bytes > 0 && i < state->batches * state->count; i++)
        memcpy(out + i * bytes, data + place_of(state, node->inputs[1], index, i, run), bytes);
}

static int prepare_gather_nd(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct places *state = NULL;
    int64_t batch_axes = leat_node_int(node, "batch_dims", 0), dims[2 * LEAT_RANK_MAX];
    uint32_t rank = 0;
    if (batch_axes < 0 || batch_axes > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "batch_dims is %lld", (long long)batch_axes);
    if (prepare_places(graph, node, (uint32_t)batch_axes, &state, err) < 0)
        return -1;
    const struct leat_tensor *data = node->inputs[0], *indexes = node->inputs[1];
    for (uint32_t i = 0; i + 1 < indexes->rank; i++)
        dims[rank++] = indexes->dims[i];
    for (uint32_t i = state->first + state->depth; i < data->rank; i++)
        dims[rank++] = data->dims[i];
    return leat_node_output(graph, node, 0, data->type, rank, dims, err);
}

static bool by_row_gather_nd(const struct leat_node *node)
{
    const struct leat_tensor *data = node->inputs[0], *indexes = node->inputs[1];
    if (leat_node_int(node, "batch_dims", 0) > 0)
        return data->carries_row && indexes->carries_row;
    return indexes->carries_row && indexes->rank > 1 && !data->carries_row;
}

static void run_scatter_nd(const struct leat_node *node, struct leat_run *run)
{
    const struct places *state = node->state;
    const void *index = leat_node_in(node, run, 1);
    const char *updates = leat_node_in(node, run, 2);
    char *out = leat_node_out(node, run, 0);
    if (out == NULL)
        return;
    copy_data(node, run);
    for (size_t i = 0; i < state->count && state->stretch > 0; i++) {
        char *into = out + place_of(state, node->inputs[1], index, i, run);
        for (size_t e = 0; e < state->stretch; e++, updates += state->size)
            state->put(into + e * state->size, updates);
    }
}

static int prepare_scatter_nd(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct places *state = NULL;
    const struct leat_tensor *updates = leat_node_input(node, 2);
    if (updates == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its updates are missing");
    if (prepare_places(graph, node, 0, &state, err) < 0)
        return -1;
    if (updates->type != node->inputs[0]->type || updates->count != state->count * state->stretch)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu updates, and its indexes are for %zu",
                              updates->count, state->count * state->stretch);
    return leat_node_output_like(graph, node, node->inputs[0]->type, node->inputs[0], err);
}

/* ---- Compress: what is kept must be known ---- */

struct kept {
    size_t outer, inner, dim; /* as Gather's */
    const uint8_t *condition;
    size_t condition_count;
};

static void run_compress(const struct leat_node *node, struct leat_run *run)
{
    const struct kept *state = node->state;
    const char *data = leat_node_in(node, run, 0);
    char *out = leat_node_out(node, run, 0);
    if (out == NULL || state->inner == 0)
        return;
    for (size_t o = 0; o < state->outer; o++) {
        for (size_t i = 0; i < state->condition_count; i++) {
            if (state->condition[i] == 0)
                continue;
            memcpy(out, data + (o * state->dim + i) * state->inner, state->inner);
            out += state->inner;
        }
    }
}

static int prepare_compress(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct kept *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    const struct leat_tensor *in = leat_node_input(node, 0), *condition = leat_node_input(node, 1);
    int64_t dims[LEAT_RANK_MAX], length = 0;
    bool along = leat_node_has(node, "axis");
    uint32_t axis = 0;
    if (in == NULL || condition == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "an input is missing");
    if (condition->data == NULL || condition->type != LEAT_TENSOR_BOOL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: its condition is not a constant bool");
    if (along && leat_node_axis(node, leat_node_int(node, "axis", 0), in->rank, &axis, err) < 0)
        return -1;
    state->dim = along ? (size_t)in->dims[axis] : in->count;
    state->outer = along ? product_of(in->dims, 0, axis) : 1;
    state->inner = (along ? product_of(in->dims, axis + 1, in->rank) : 1) * leat_tensor_type_size(in->type);
    state->condition = condition->data;
    state->condition_count = condition->count;
    for (size_t i = 0; i < condition->count; i++)
        length += state->condition[i] != 0 ? 1 : 0;
    node->state = state;
    if (condition->count > state->dim)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its condition has %zu elements, for %zu", condition->count,
                              state->dim);
    memcpy(dims, in->dims, sizeof dims);
    dims[along ? axis : 0] = length;
    return leat_node_output(graph, node, 0, in->type, along ? in->rank : 1, dims, err);
}

static bool by_row_compress(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", 0);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- NonZero: of a constant ---- */

static bool is_zero(const struct leat_tensor *tensor, size_t i)
{
    switch (tensor->type) {
#define CASE(TYPE, T, ...)   \
    case LEAT_TENSOR_##TYPE: \
        return ((const T *)tensor->data)[i] == 0;
        LEAT_NUMBER_TYPES(CASE, )
#undef CASE
    case LEAT_TENSOR_STRING:
        return ((const struct leat_bytes *)tensor->data)[i].len == 0;
    default:
        return ((const uint8_t *)tensor->data)[i] == 0;
    }
}

static void run_non_zero(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *in = node->inputs[0], *out = node->outputs[0];
    int64_t *ret = leat_node_out(node, run, 0), strides[LEAT_RANK_MAX];
    size_t found = 0;
    if (ret == NULL)
        return;
    leat_strides(in->rank, in->dims, strides);
    for (size_t i = 0; i < in->count; i++) {
        if (is_zero(in, i))
            continue;
        for (uint32_t axis = 0; axis < in->rank; axis++)
            ret[axis * (size_t)out->dims[1] + found] = (int64_t)i / strides[axis] % in->dims[axis];
        found++;
    }
}

static int prepare_non_zero(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t dims[2] = {0, 0};
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->data == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: how much comes out depends on what comes in");
    dims[0] = (int64_t)in->rank;
    for (size_t i = 0; i < in->count; i++)
        dims[1] += is_zero(in, i) ? 0 : 1;
    return leat_node_output(graph, node, 0, LEAT_TENSOR_INT64, 2, dims, err);
}

/* ---- the table ---- */

const struct leat_operator leat_ops_gather[] = {
    {"", "Gather", 1, 0, prepare_gather, run_gather, by_row_gather, 2, 2},
    {"", "GatherElements", 11, 0, prepare_gather_elements, run_gather_elements, by_row_elements, 2, 2},
    {"", "GatherND", 11, 0, prepare_gather_nd, run_gather_nd, by_row_gather_nd, 2, 2},
    {"", "Scatter", 9, 10, prepare_scatter_elements, run_scatter_elements, by_row_elements, 3, 3},
    {"", "ScatterElements", 11, 0, prepare_scatter_elements, run_scatter_elements, by_row_elements, 3, 3},
    {"", "ScatterND", 11, 0, prepare_scatter_nd, run_scatter_nd, NULL, 3, 3},
    {"", "Compress", 9, 0, prepare_compress, run_compress, by_row_compress, 2, 2},
    {"", "NonZero", 9, 0, prepare_non_zero, run_non_zero, NULL, 1, 1},
    {0},
};
