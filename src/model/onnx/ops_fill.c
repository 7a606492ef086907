/* Operators that fill what they make with something else than their input: Pad, Trilu, Range, EyeLike, OneHot. */
#include "model/onnx/operands.h"

#include <math.h>

static int missing(struct leat_error *err)
{
    return leat_error_set(err, LEAT_ERROR_FINDING, "an input is missing");
}

/* ---- Pad: for every axis a table of where its elements come from ---- */

struct pad {
    int64_t *from[LEAT_RANK_MAX]; /* by place in the output: in elements of the input; -1: filled */
    size_t size;
};

/* Writes one stretch along the last axis. */
static char *pad_stretch(const struct pad *state, uint32_t axis, int64_t length, const char *in, const void *fill,
                         char *out)
{
    for (int64_t i = 0; i < length; i++, out += state->size) {
        int64_t from = in != NULL ? state->from[axis][i] : -1;
        memcpy(out, from < 0 ? fill : in + from * (int64_t)state->size, state->size);
    }
    return out;
}

/* `in` NULL: all is filled. Goes as deep as there are axes. */
static char *pad_axis(const struct pad *state, const struct leat_tensor *tensor, uint32_t axis, const char *in,
                      const void *fill, char *out)
{
    if (axis + 1 == tensor->rank)
        return pad_stretch(state, axis, tensor->dims[axis], in, fill, out);
    for (int64_t i = 0; i < tensor->dims[axis]; i++) {
        int64_t from = in != NULL ? state->from[axis][i] : -1;
        out = pad_axis(state, tensor, axis + 1, from < 0 ? NULL : in + from * (int64_t)state->size, fill, out);
    }
    return out;
}

static void run_pad(const struct leat_node *node, struct leat_run *run)
{
    static const struct leat_bytes nothing; /* as long as any element, and the value when none is given */
    const struct leat_tensor *out = node->outputs[0];
    const void *fill = leat_node_in(node, run, 2);
    float value = leat_node_float(node, "value", 0);
    if (node->opset < 11 && node->inputs[0]->type == LEAT_TENSOR_FLOAT)
        fill = &value;
    if (fill == NULL)
        fill = &nothing;
    if (out->count == 0)
        return;
    if (out->rank == 0)
        memcpy(leat_node_out(node, run, 0), leat_node_in(node, run, 0), leat_tensor_type_size(out->type));
    else
        pad_axis(node->state, out, 0, leat_node_in(node, run, 0), fill, leat_node_out(node, run, 0));
}

enum pad_mode { CONSTANT, REFLECT, EDGE, WRAP };

static int64_t modulo(int64_t x, int64_t by)
{
    return x % by < 0 ? x % by + by : x % by;
}

/* Which of `dim` elements stands at place `at`, which may be outside; -1: none. */
static int64_t source_of(enum pad_mode mode, int64_t at, int64_t dim)
{
    if (at >= 0 && at < dim)
        return at;
    if (dim == 0 || mode == CONSTANT)
        return -1;
    if (mode == EDGE)
        return at < 0 ? 0 : dim - 1;
    if (mode == WRAP)
        return modulo(at, dim);
    int64_t turn = dim > 1 ? modulo(at, 2 * (dim - 1)) : 0;
    return turn < dim ? turn : 2 * (dim - 1) - turn;
}

static int read_mode(const struct leat_node *node, enum pad_mode *ret, struct leat_error *err)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    struct leat_bytes mode = leat_node_text(node, "mode", "constant");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!leat_bytes_is(mode, names[i]))
            continue;
        *ret = (enum pad_mode)i;
        return 0;
    }
    return leat_error_set(err, LEAT_ERROR_FINDING, "mode is \"%.*s\"; it is constant, reflect, edge or wrap",
                          LEAT_BYTES_FORMAT(mode));
}

/* How many before and behind each axis. */
static int read_pads(struct leat_graph *graph, const struct leat_node *node, int64_t *before, int64_t *behind,
                     struct leat_error *err)
{
    uint32_t rank = node->inputs[0]->rank;
    const int64_t *pads = NULL, *axes = NULL;
    size_t count = 0, axis_count = 0;
    if (node->opset < 11)
        pads = leat_node_ints(node, "pads", &count);
    else if (leat_node_constant_ints(graph, node, 1, &pads, &count, err) < 0 ||
             leat_node_constant_ints(graph, node, 3, &axes, &axis_count, err) < 0)
        return -1;
    if (axes == NULL)
        axis_count = rank;
    if (pads == NULL || count != 2 * axis_count || axis_count > rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu pads for %zu axes, of %u", count, axis_count, rank);
    for (size_t i = 0; i < axis_count; i++) {
        uint32_t axis = (uint32_t)i;
        if (axes != NULL && leat_node_axis(node, axes[i], rank, &axis, err) < 0)
            return -1;
        before[axis] = pads[i];
        behind[axis] = pads[axis_count + i];
    }
    return 0;
}

static int prepare_pad(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0), *fill = leat_node_input(node, 2);
    struct pad *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t before[LEAT_RANK_MAX] = {0}, behind[LEAT_RANK_MAX] = {0}, dims[LEAT_RANK_MAX], strides[LEAT_RANK_MAX];
    enum pad_mode mode = CONSTANT;
    if (in == NULL)
        return missing(err);
    if (read_mode(node, &mode, err) < 0 || read_pads(graph, node, before, behind, err) < 0)
        return -1;
    if (fill != NULL && (fill->count != 1 || fill->type != in->type))
        return leat_error_set(err, LEAT_ERROR_FINDING, "its value is not one %s", leat_tensor_type_name(in->type));
    leat_strides(in->rank, in->dims, strides);
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        int64_t most = (int64_t)LEAT_TENSOR_ELEMENTS_MAX;
        if (before[axis] > most || before[axis] < -most || behind[axis] > most || behind[axis] < -most ||
            (dims[axis] = in->dims[axis] + before[axis] + behind[axis]) < 0 || dims[axis] > most)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u of length %lld is padded by %lld and %lld", axis,
                                  (long long)in->dims[axis], (long long)before[axis], (long long)behind[axis]);
    }
    if (leat_node_output(graph, node, 0, in->type, in->rank, dims, err) < 0)
        return -1;
    if (node->outputs[0] == NULL || node->outputs[0]->count == 0)
        return 0;
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        state->from[axis] = leat_arena_zalloc(leat_graph_arena(graph), (size_t)dims[axis], sizeof(int64_t));
        for (int64_t i = 0; i < dims[axis]; i++) {
            int64_t from = source_of(mode, i - before[axis], in->dims[axis]);
            state->from[axis][i] = from < 0 ? -1 : from * strides[axis];
        }
    }
    state->size = leat_tensor_type_size(in->type);
    node->state = state;
    return 0;
}

/* Not when pads on the first axis cancel each other out, either. */
static bool by_row_pad(const struct leat_node *node)
{
    const struct pad *state = node->state;
    const struct leat_tensor *in = node->inputs[0], *out = node->outputs[0];
    if (!leat_by_row_first(node) || state == NULL || out == NULL || out->dims[0] != in->dims[0])
        return false;
    int64_t stride = (int64_t)(in->count / (size_t)in->dims[0]);
    for (int64_t i = 0; i < in->dims[0]; i++) {
        if (state->from[0][i] != i * stride)
            return false;
    }
    return true;
}

/* ---- Trilu ---- */

struct triangle {
    int64_t shift;
    bool upper;
};

static void run_trilu(const struct leat_node *node, struct leat_run *run)
{
    const struct triangle *state = node->state;
    const struct leat_tensor *in = node->inputs[0];
    int64_t rows = in->dims[in->rank - 2], columns = in->dims[in->rank - 1];
    size_t size = leat_tensor_type_size(in->type);
    const char *from = leat_node_in(node, run, 0);
    char *out = leat_node_out(node, run, 0);
    for (size_t r = 0; columns > 0 && r < in->count / (size_t)columns; r++) {
        int64_t edge = (int64_t)r % rows + state->shift + (state->upper ? 0 : 1); /* the first that is right of it */
        size_t left = (size_t)(edge < 0 ? 0 : edge > columns ? columns : edge), stretch = (size_t)columns * size;
        memcpy(out, from, stretch);
        if (state->upper)
            memset(out, 0, left * size);
        else
            memset(out + left * size, 0, stretch - left * size);
        out += stretch;
        from += stretch;
    }
}

static int prepare_trilu(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct triangle *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    if (in == NULL)
        return missing(err);
    if (in->rank < 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input has %u axes; it takes matrices", in->rank);
    if (leat_node_input(node, 1) != NULL && leat_node_constant_int(node, 1, &state->shift, err) < 0)
        return -1;
    int64_t most = (int64_t)LEAT_TENSOR_ELEMENTS_MAX;
    state->shift = state->shift > most ? most : state->shift < -most ? -most : state->shift;
    state->upper = leat_node_int(node, "upper", 1) != 0;
    node->state = state;
    return leat_node_output_like(graph, node, in->type, in, err);
}

static bool by_row_trilu(const struct leat_node *node)
{
    return leat_by_row_first(node) && node->inputs[0]->rank > 2;
}

/* ---- Range ---- */

#define RANGE(TYPE, T, SUM)                                                          \
    static void range_##T(size_t n, void *ret, const void *start, const void *delta) \
    {                                                                                \
        const T from = *(const T *)start, by = *(const T *)delta;                    \
        for (size_t i = 0; i < n; i++)                                               \
            ((T *)ret)[i] = (T)(SUM);                                                \
    }
RANGE(FLOAT, float, from + (float)i * by)
RANGE(DOUBLE, double, from + (double)i * by)
RANGE(INT16, int16_t, (uint64_t)from + i * (uint64_t)by)
RANGE(INT32, int32_t, (uint64_t)from + i * (uint64_t)by)
RANGE(INT64, int64_t, (uint64_t)from + i * (uint64_t)by)

static void (*const ranges[LEAT_TENSOR_TYPES])(size_t, void *, const void *, const void *) = {
    [LEAT_TENSOR_FLOAT] = range_float,   [LEAT_TENSOR_DOUBLE] = range_double, [LEAT_TENSOR_INT16] = range_int16_t,
    [LEAT_TENSOR_INT32] = range_int32_t, [LEAT_TENSOR_INT64] = range_int64_t,
};

static void run_range(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *out = node->outputs[0];
    ranges[out->type](out->count, leat_tensor_data(run, out), leat_node_in(node, run, 0), leat_node_in(node, run, 2));
}

static double number_of(const struct leat_tensor *tensor)
{
    switch (tensor->type) {
    case LEAT_TENSOR_FLOAT:
        return (double)*(const float *)tensor->data;
    case LEAT_TENSOR_DOUBLE:
        return *(const double *)tensor->data;
    case LEAT_TENSOR_INT16:
        return (double)*(const int16_t *)tensor->data;
    case LEAT_TENSOR_INT32:
        return (double)*(const int32_t *)tensor->data;
    default:
        return (double)*(const int64_t *)tensor->data;
    }
}

static int prepare_range(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    double numbers[3];
    for (uint32_t i = 0; i < 3; i++) {
        const struct leat_tensor *in = leat_node_input(node, i);
        if (in == NULL)
            return missing(err);
        if (in->type >= LEAT_TENSOR_TYPES || ranges[in->type] == NULL)
            return leat_node_refuse_type(node, i, err);
        if (in->data == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: input %u is not a constant", i);
        if (in->count != 1 || in->type != node->inputs[0]->type)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is not one %s", i,
                                  leat_tensor_type_name(node->inputs[0]->type));
        numbers[i] = number_of(in);
    }
    double count = ceil((numbers[1] - numbers[0]) / numbers[2]);
    if (!(count <= (double)LEAT_TENSOR_ELEMENTS_MAX)) /* or it is no number */
        return leat_error_set(err, LEAT_ERROR_FINDING, "from %g to %g by %g are too many numbers", numbers[0],
                              numbers[1], numbers[2]);
    return leat_node_output(graph, node, 0, node->inputs[0]->type, 1, (int64_t[]){count < 0 ? 0 : (int64_t)count}, err);
}

/* ---- EyeLike ---- */

/* One, in each type. */
static const void *one_of(enum leat_tensor_type type)
{
#define ONE(TYPE, T, ...) static const T one_##T = 1;
    LEAT_NUMBER_TYPES(ONE, )
#undef ONE
    switch (type) {
#define CASE(TYPE, T, ...)   \
    case LEAT_TENSOR_##TYPE: \
        return &one_##T;
        LEAT_NUMBER_TYPES(CASE, )
#undef CASE
    case LEAT_TENSOR_BOOL:
        return &one_uint8_t;
    default:
        return NULL;
    }
}

static void run_eye(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *out = node->outputs[0];
    const int64_t *shift = node->state;
    size_t size = leat_tensor_type_size(out->type);
    char *data = leat_tensor_data(run, out);
    memset(data, 0, out->count * size);
    for (int64_t row = 0; row < out->dims[0]; row++) {
        int64_t column = row + *shift;
        if (column >= 0 && column < out->dims[1])
            memcpy(data + (size_t)(row * out->dims[1] + column) * size, one_of(out->type), size);
    }
}

static int prepare_eye(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t *shift = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *shift);
    if (in == NULL)
        return missing(err);
    int64_t type = leat_node_int(node, "dtype", (int64_t)in->type), most = (int64_t)LEAT_TENSOR_ELEMENTS_MAX;
    if (in->rank != 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input has %u axes; it takes a matrix", in->rank);
    if (type <= 0 || type >= LEAT_TENSOR_TYPES || one_of((enum leat_tensor_type)type) == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: dtype %lld", (long long)type);
    *shift = leat_node_int(node, "k", 0);
    *shift = *shift > most ? most : *shift < -most ? -most : *shift;
    node->state = shift;
    return leat_node_output_like(graph, node, (enum leat_tensor_type)type, in, err);
}

/* ---- OneHot ---- */

struct one_hot {
    int64_t depth;
    size_t inner; /* indexes behind the new axis */
};

static double index_of(const struct leat_tensor *tensor, const void *data, size_t i)
{
    switch (tensor->type) {
#define CASE(TYPE, T, ...)   \
    case LEAT_TENSOR_##TYPE: \
        return (double)((const T *)data)[i];
        LEAT_NUMBER_TYPES(CASE, )
#undef CASE
    default:
        return -1;
    }
}

/* An index outside has no place that is hot. */
static void run_one_hot(const struct leat_node *node, struct leat_run *run)
{
    const struct one_hot *state = node->state;
    const struct leat_tensor *indexes = node->inputs[0], *out = node->outputs[0];
    size_t size = leat_tensor_type_size(out->type);
    const char *values = leat_node_in(node, run, 2);
    const void *index = leat_node_in(node, run, 0);
    char *data = leat_tensor_data(run, out);
    struct leat_walk walk = {.inner = out->count};
    leat_walk_copy(&walk, size, data, values);
    for (size_t i = 0; i < indexes->count && out->count > 0; i++) {
        double at = trunc(index_of(indexes, index, i));
        at += at < 0 ? (double)state->depth : 0;
        if (at >= 0 && at < (double)state->depth)
            memcpy(data + ((i / state->inner * (size_t)state->depth + (size_t)at) * state->inner + i % state->inner) *
                              size,
                   values + size, size);
    }
}

static int prepare_one_hot(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *indexes = leat_node_input(node, 0), *values = leat_node_input(node, 2);
    struct one_hot *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t dims[LEAT_RANK_MAX + 1];
    uint32_t axis = 0;
    if (indexes == NULL || values == NULL)
        return missing(err);
    if (!leat_type_is_float(indexes->type) && !leat_type_is_integer(indexes->type))
        return leat_node_refuse_type(node, 0, err);
    if (values->count != 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu values; it takes two, for off and on", values->count);
    if (leat_node_constant_int(node, 1, &state->depth, err) < 0 ||
        leat_node_axis(node, leat_node_int(node, "axis", -1), indexes->rank + 1, &axis, err) < 0)
        return -1;
    if (state->depth < 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its depth is %lld", (long long)state->depth);
    state->inner = 1;
    for (uint32_t i = 0; i < indexes->rank; i++) {
        dims[i < axis ? i : i + 1] = indexes->dims[i];
        state->inner *= i < axis ? 1 : (size_t)indexes->dims[i];
    }
    dims[axis] = state->depth;
    node->state = state;
    return leat_node_output(graph, node, 0, values->type, indexes->rank + 1, dims, err);
}

static bool by_row_one_hot(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", -1);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank - 1;
}

/* ---- the table ---- */

const struct leat_operator leat_ops_fill[] = {
    {"", "Pad", 2, 0, prepare_pad, run_pad, by_row_pad, 4, 1},
    {"", "Trilu", 14, 0, prepare_trilu, run_trilu, by_row_trilu, 2, 1},
    {"", "Range", 11, 0, prepare_range, run_range, NULL, 3, 3},
    {"", "EyeLike", 9, 0, prepare_eye, run_eye, NULL, 1, 1},
    {"", "OneHot", 9, 0, prepare_one_hot, run_one_hot, by_row_one_hot, 3, 3},
    {0},
};
