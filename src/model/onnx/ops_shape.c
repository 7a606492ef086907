/* Operators that move elements and do not look at them, and those that make them from shapes alone. */
#include "model/onnx/operands.h"

static int missing(struct leat_error *err)
{
    return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
}

/* ---- as it is, in another shape ---- */

static void run_copy(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *in = node->inputs[0];
    void *out = leat_node_out(node, run, 0);
    if (out != NULL && in->count > 0)
        memcpy(out, leat_tensor_data(run, in), in->count * leat_tensor_type_size(in->type));
}

/* Rows stay rows when the first axis does. */
static bool by_row_first_axis(const struct leat_node *node)
{
    const struct leat_tensor *out = node->outputs[0];
    return leat_by_row_first(node) && out != NULL && out->rank > 0 && out->dims[0] == node->inputs[0]->dims[0];
}

static int prepare_identity(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    return in == NULL ? missing(err) : leat_node_output_like(graph, node, in->type, in, err);
}

/* Replaces 0 and -1 by what they stand for. */
static int reshape_dims(const struct leat_tensor *in, bool keep_zero, uint32_t rank, int64_t *dims,
                        struct leat_error *err)
{
    uint32_t open = rank;
    size_t known = 1;
    for (uint32_t axis = 0; axis < rank; axis++) {
        if (dims[axis] == 0 && !keep_zero) {
            if (axis >= in->rank)
                return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u of the shape is 0, and its input has %u axes",
                                      axis, in->rank);
            dims[axis] = in->dims[axis];
        }
        if (dims[axis] == -1 && open < rank)
            return leat_error_set(err, LEAT_ERROR_FINDING, "the shape has two axes of -1");
        if (dims[axis] == -1)
            open = axis;
        else if (dims[axis] < 0 || (uint64_t)dims[axis] > LEAT_TENSOR_ELEMENTS_MAX ||
                 (known *= (size_t)dims[axis]) > LEAT_TENSOR_ELEMENTS_MAX)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u of the shape is %lld", axis, (long long)dims[axis]);
    }
    if (open < rank) {
        dims[open] = known == 0 ? 0 : (int64_t)(in->count / known);
        known *= (size_t)dims[open];
    }
    if (known != in->count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input has %zu elements, and the shape has %zu", in->count,
                              known);
    return 0;
}

static int prepare_reshape(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    const int64_t *shape = NULL;
    int64_t dims[LEAT_RANK_MAX];
    size_t rank = 0;
    if (in == NULL)
        return missing(err);
    if (leat_node_constant_ints(graph, node, 1, &shape, &rank, err) < 0)
        return -1;
    if (rank > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the shape has %zu axes; at most %d are held", rank,
                              LEAT_RANK_MAX);
    if (rank > 0)
        memcpy(dims, shape, rank * sizeof dims[0]);
    if (reshape_dims(in, leat_node_int(node, "allowzero", 0) != 0, (uint32_t)rank, dims, err) < 0)
        return -1;
    return leat_node_output(graph, node, 0, in->type, (uint32_t)rank, dims, err);
}

static int prepare_flatten(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t axis = leat_node_int(node, "axis", 1), dims[2] = {1, 1};
    if (in == NULL)
        return missing(err);
    int64_t from = axis < 0 ? axis + (int64_t)in->rank : axis;
    if (from < 0 || from > (int64_t)in->rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "axis is %lld, and its input has %u axes", (long long)axis,
                              in->rank);
    for (uint32_t i = 0; i < in->rank; i++)
        dims[i < (uint32_t)from ? 0 : 1] *= in->dims[i];
    return leat_node_output(graph, node, 0, in->type, 2, dims, err);
}

static int prepare_squeeze(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t dims[LEAT_RANK_MAX];
    uint32_t set = 0, rank = 0;
    size_t count = 0;
    if (in == NULL)
        return missing(err);
    if (leat_node_axes(graph, node, 13, in->rank, &set, &count, err) < 0)
        return -1;
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        bool named = (set >> axis & 1) != 0;
        if (named && in->dims[axis] != 1)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u is to be left out, and it is of length %lld", axis,
                                  (long long)in->dims[axis]);
        if (!named && (count > 0 || in->dims[axis] != 1))
            dims[rank++] = in->dims[axis];
    }
    return leat_node_output(graph, node, 0, in->type, rank, dims, err);
}

/* Without axes named, those of length 1 go: for one row that is the first too. */
static bool by_row_squeeze(const struct leat_node *node)
{
    const struct leat_tensor *in = node->inputs[0], *out = node->outputs[0];
    if (!by_row_first_axis(node))
        return false;
    bool named = node->opset < 13 ? leat_node_has(node, "axes") : leat_node_input(node, 1) != NULL;
    return named ? out->dims[0] == in->dims[0] : in->dims[0] != 1;
}

static int prepare_unsqueeze(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    const int64_t *axes = NULL;
    int64_t dims[LEAT_RANK_MAX];
    uint32_t set = 0;
    size_t count = 0;
    if (in == NULL)
        return missing(err);
    if (node->opset < 13)
        axes = leat_node_ints(node, "axes", &count);
    else if (leat_node_constant_ints(graph, node, 1, &axes, &count, err) < 0)
        return -1;
    if (axes == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its axes are missing");
    if (count > LEAT_RANK_MAX || in->rank + count > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu axes more than %u are beyond the %d that are held", count,
                              in->rank, LEAT_RANK_MAX);
    uint32_t rank = in->rank + (uint32_t)count;
    if (leat_node_axes(graph, node, 13, rank, &set, &count, err) < 0)
        return -1;
    for (uint32_t axis = 0, from = 0; axis < rank; axis++)
        dims[axis] = (set >> axis & 1) != 0 ? 1 : in->dims[from++];
    return leat_node_output(graph, node, 0, in->type, rank, dims, err);
}

static bool by_row_unsqueeze(const struct leat_node *node)
{
    const int64_t *axes = NULL;
    size_t count = 0;
    const struct leat_tensor *in = node->inputs[0], *out = node->outputs[0];
    if (!by_row_first_axis(node))
        return false;
    if (node->opset < 13)
        axes = leat_node_ints(node, "axes", &count);
    else if (node->inputs[1]->type == LEAT_TENSOR_INT64) {
        axes = node->inputs[1]->data;
        count = node->inputs[1]->count;
    }
    for (size_t i = 0; i < count && axes != NULL; i++) {
        if (axes[i] == 0 || axes[i] == -(int64_t)out->rank)
            return false;
    }
    return axes != NULL && in->rank > 0;
}

static int prepare_dropout(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0), *training = leat_node_input(node, 2);
    const struct leat_tensor *ratio = leat_node_input(node, 1);
    if (in == NULL)
        return missing(err);
    if (training != NULL && (training->type != LEAT_TENSOR_BOOL || training->data == NULL || training->count != 1))
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: its training_mode is not a constant bool");
    bool keeps_all = ratio != NULL && ratio->data != NULL && ratio->type == LEAT_TENSOR_FLOAT && ratio->count == 1 &&
                     *(const float *)ratio->data == 0;
    if (training != NULL && *(const uint8_t *)training->data != 0 && !keeps_all)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: dropout as in training is random");
    return leat_node_output_like(graph, node, in->type, in, err) < 0
               ? -1
               : leat_node_output(graph, node, 1, LEAT_TENSOR_BOOL, in->rank, in->dims, err);
}

static void run_dropout(const struct leat_node *node, struct leat_run *run)
{
    void *mask = leat_node_out(node, run, 1);
    run_copy(node, run);
    if (mask != NULL && node->inputs[0]->count > 0)
        memset(mask, 1, node->inputs[0]->count);
}

/* ---- from a shape ---- */

static void run_nothing(const struct leat_node *node, struct leat_run *run)
{
    (void)node;
    (void)run;
}

/* What depends on the shape of the input alone is a constant, whatever the input is. */
static int give_constant(struct leat_graph *graph, struct leat_node *node, uint32_t rank, const int64_t *values,
                         int64_t count, struct leat_error *err)
{
    if (leat_node_output(graph, node, 0, LEAT_TENSOR_INT64, rank, &count, err) < 0)
        return -1;
    if (node->outputs[0] != NULL)
        node->outputs[0]->data = leat_arena_copy(leat_graph_arena(graph), values, (size_t)count * sizeof values[0]);
    node->run = run_nothing;
    return 0;
}

static int64_t shape_bound(int64_t bound, uint32_t rank)
{
    int64_t at = bound < 0 ? bound + (int64_t)rank : bound;
    return at < 0 ? 0 : at > (int64_t)rank ? (int64_t)rank : at;
}

static int prepare_shape(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    if (in == NULL)
        return missing(err);
    int64_t start = shape_bound(leat_node_int(node, "start", 0), in->rank);
    int64_t end = shape_bound(leat_node_int(node, "end", (int64_t)in->rank), in->rank);
    return give_constant(graph, node, 1, in->dims + start, end > start ? end - start : 0, err);
}

/* The first axis of a batch is its size. */
static bool by_row_shape(const struct leat_node *node)
{
    const struct leat_tensor *in = node->inputs[0];
    return !in->carries_row || shape_bound(leat_node_int(node, "start", 0), in->rank) > 0;
}

static int prepare_size(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    if (in == NULL)
        return missing(err);
    int64_t size = (int64_t)in->count;
    return give_constant(graph, node, 0, &size, 1, err);
}

static bool by_row_size(const struct leat_node *node)
{
    return !node->inputs[0]->carries_row;
}

/* ---- constants ---- */

struct constant {
    const void *data; /* as many elements as the output has, or one for all */
    size_t count;
};

static void run_constant(const struct leat_node *node, struct leat_run *run)
{
    const struct constant *constant = node->state;
    const struct leat_tensor *out = node->outputs[0];
    if (out == NULL || out->count == 0)
        return;
    struct leat_walk walk = {.inner = out->count, .step = {constant->count == out->count ? 1 : 0}};
    leat_walk_copy(&walk, leat_tensor_type_size(out->type), leat_tensor_data(run, out), constant->data);
}

static void set_constant(struct leat_graph *graph, struct leat_node *node, const void *data, size_t count)
{
    struct constant *constant = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *constant);
    *constant = (struct constant){data, count};
    node->state = constant;
}

static int keep_constant(struct leat_graph *graph, struct leat_node *node, const void *data, size_t count,
                         enum leat_tensor_type type, uint32_t rank, struct leat_error *err)
{
    set_constant(graph, node, data, count);
    return leat_node_output(graph, node, 0, type, rank, (int64_t[]){(int64_t)count}, err);
}

/* One number of an attribute. */
static int keep_scalar(struct leat_graph *graph, struct leat_node *node, const void *value, size_t size,
                       enum leat_tensor_type type, struct leat_error *err)
{
    return keep_constant(graph, node, leat_arena_copy(leat_graph_arena(graph), value, size), 1, type, 0, err);
}

static int prepare_constant(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *value = NULL;
    const void *list = NULL;
    size_t count = 0;
    if (leat_node_tensor(graph, node, "value", &value, err) < 0)
        return -1;
    if (value != NULL)
        set_constant(graph, node, value->data, value->count);
    if (value != NULL)
        return leat_node_output_like(graph, node, value->type, value, err);
    if ((list = leat_node_floats(node, "value_floats", &count)) != NULL)
        return keep_constant(graph, node, list, count, LEAT_TENSOR_FLOAT, 1, err);
    if ((list = leat_node_ints(node, "value_ints", &count)) != NULL)
        return keep_constant(graph, node, list, count, LEAT_TENSOR_INT64, 1, err);
    if ((list = leat_node_texts(node, "value_strings", &count)) != NULL)
        return keep_constant(graph, node, list, count, LEAT_TENSOR_STRING, 1, err);
    float real = leat_node_float(node, "value_float", 0);
    int64_t whole = leat_node_int(node, "value_int", 0);
    struct leat_bytes text = leat_node_text(node, "value_string", "");
    if (leat_node_has(node, "value_float"))
        return keep_scalar(graph, node, &real, sizeof real, LEAT_TENSOR_FLOAT, err);
    if (leat_node_has(node, "value_int"))
        return keep_scalar(graph, node, &whole, sizeof whole, LEAT_TENSOR_INT64, err);
    if (leat_node_has(node, "value_string"))
        return keep_scalar(graph, node, &text, sizeof text, LEAT_TENSOR_STRING, err);
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          leat_node_has(node, "sparse_value") ? "does not run here: a sparse constant"
                                                              : "it has no value");
}

static int prepare_constant_of_shape(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    static const float zero;
    const struct leat_tensor *value = NULL;
    const int64_t *dims = NULL;
    size_t rank = 0;
    if (leat_node_tensor(graph, node, "value", &value, err) < 0 ||
        leat_node_constant_ints(graph, node, 0, &dims, &rank, err) < 0)
        return -1;
    if (value != NULL && value->count != 1)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its value has %zu elements; it takes one", value->count);
    if (rank > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the shape has %zu axes; at most %d are held", rank,
                              LEAT_RANK_MAX);
    set_constant(graph, node, value != NULL ? value->data : &zero, 1);
    return leat_node_output(graph, node, 0, value != NULL ? value->type : LEAT_TENSOR_FLOAT, (uint32_t)rank, dims, err);
}

/* ---- views: an output whose elements lie at strides in the input ---- */

struct view {
    struct leat_walk walk;
    int64_t offset; /* of the first element */
};

static void copy_view(const struct leat_node *node, const struct view *view, struct leat_run *run, void *out)
{
    size_t size = leat_tensor_type_size(node->inputs[0]->type);
    const char *in = leat_node_in(node, run, 0);
    if (out != NULL && view->walk.inner > 0)
        leat_walk_copy(&view->walk, size, out, in + view->offset * (int64_t)size);
}

static void run_view(const struct leat_node *node, struct leat_run *run)
{
    copy_view(node, node->state, run, leat_node_out(node, run, 0));
}

static void set_view(struct view *view, uint32_t rank, const int64_t *dims, const int64_t *strides)
{
    int64_t all[LEAT_WALK_INPUTS][LEAT_WALK_RANK] = {0};
    if (rank > 0)
        memcpy(all[0], strides, rank * sizeof strides[0]);
    leat_walk_init(&view->walk, 1, rank, dims, all);
}

static int keep_view(struct leat_graph *graph, struct leat_node *node, uint32_t rank, const int64_t *dims,
                     const int64_t *strides, int64_t offset, struct leat_error *err)
{
    struct view *view = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *view);
    set_view(view, rank, dims, strides);
    view->offset = offset;
    node->state = view;
    return leat_node_output(graph, node, 0, node->inputs[0]->type, rank, dims, err);
}

static int prepare_transpose(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t own[LEAT_RANK_MAX], dims[LEAT_RANK_MAX], strides[LEAT_RANK_MAX];
    uint32_t seen = 0;
    size_t count = 0;
    if (in == NULL)
        return missing(err);
    const int64_t *order = leat_node_ints(node, "perm", &count);
    if (order != NULL && count != in->rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "perm has %zu axes, and its input has %u", count, in->rank);
    leat_strides(in->rank, in->dims, own);
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        uint32_t from = in->rank - 1 - axis;
        if (order != NULL && leat_node_axis(node, order[axis], in->rank, &from, err) < 0)
            return -1;
        if ((seen >> from & 1) != 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "perm has axis %u twice", from);
        seen |= 1u << from;
        dims[axis] = in->dims[from];
        strides[axis] = own[from];
    }
    return keep_view(graph, node, in->rank, dims, strides, 0, err);
}

static bool by_row_transpose(const struct leat_node *node)
{
    size_t count = 0;
    const int64_t *order = leat_node_ints(node, "perm", &count);
    return leat_by_row_first(node) && (order != NULL ? order[0] == 0 : node->inputs[0]->rank == 1);
}

static int prepare_expand(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct leat_tensor shape = {0};
    const int64_t *dims = NULL;
    size_t rank = 0;
    if (in == NULL)
        return missing(err);
    if (leat_node_constant_ints(graph, node, 1, &dims, &rank, err) < 0)
        return -1;
    if (rank > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the shape has %zu axes; at most %d are held", rank,
                              LEAT_RANK_MAX);
    shape.rank = (uint32_t)rank;
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %zu of the shape is %lld", i, (long long)dims[i]);
        shape.dims[i] = dims[i];
    }
    struct view *view = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *view);
    struct leat_tensor *pair[] = {node->inputs[0], &shape};
    struct leat_node both = {.inputs = pair, .input_count = 2};
    int64_t all[LEAT_RANK_MAX];
    uint32_t all_rank = 0;
    if (leat_broadcast(&both, 0, 2, &all_rank, all, &view->walk, err) < 0)
        return -1;
    node->state = view;
    return leat_node_output(graph, node, 0, in->type, all_rank, all, err);
}

static bool by_row_expand(const struct leat_node *node)
{
    return by_row_first_axis(node) && node->inputs[0]->rank == node->outputs[0]->rank;
}

/* Each axis becomes two: its repetitions, which stay where they are, and itself. */
static int prepare_tile(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t own[LEAT_RANK_MAX], dims[LEAT_RANK_MAX], split[LEAT_WALK_RANK];
    int64_t strides[LEAT_WALK_INPUTS][LEAT_WALK_RANK] = {0};
    const int64_t *repeats = NULL;
    size_t count = 0;
    if (in == NULL)
        return missing(err);
    if (leat_node_constant_ints(graph, node, 1, &repeats, &count, err) < 0)
        return -1;
    if (count != in->rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it repeats %zu axes, and its input has %u", count, in->rank);
    leat_strides(in->rank, in->dims, own);
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        if (repeats[axis] < 0 || repeats[axis] > (int64_t)LEAT_TENSOR_ELEMENTS_MAX)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u is repeated %lld times", axis,
                                  (long long)repeats[axis]);
        split[2 * axis] = repeats[axis];
        split[2 * axis + 1] = in->dims[axis];
        strides[0][2 * axis + 1] = own[axis];
        dims[axis] = repeats[axis] * in->dims[axis];
    }
    struct view *view = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *view);
    leat_walk_init(&view->walk, 1, 2 * in->rank, split, strides);
    node->state = view;
    return leat_node_output(graph, node, 0, in->type, in->rank, dims, err);
}

/* ---- Slice ---- */

struct cut {
    const int64_t *starts, *ends, *axes, *steps; /* axes and steps may be NULL */
    size_t count, end_count, axis_count, step_count;
};

static int read_cut(struct leat_graph *graph, const struct leat_node *node, struct cut *cut, struct leat_error *err)
{
    if (node->opset < 10) {
        cut->starts = leat_node_ints(node, "starts", &cut->count);
        cut->ends = leat_node_ints(node, "ends", &cut->end_count);
        cut->axes = leat_node_ints(node, "axes", &cut->axis_count);
    } else if (leat_node_constant_ints(graph, node, 1, &cut->starts, &cut->count, err) < 0 ||
               leat_node_constant_ints(graph, node, 2, &cut->ends, &cut->end_count, err) < 0 ||
               leat_node_constant_ints(graph, node, 3, &cut->axes, &cut->axis_count, err) < 0 ||
               leat_node_constant_ints(graph, node, 4, &cut->steps, &cut->step_count, err) < 0)
        return -1;
    if (cut->starts == NULL || cut->ends == NULL)
        cut->count = 0;
    else if (cut->count != cut->end_count || (cut->axes != NULL && cut->axis_count != cut->count) ||
             (cut->steps != NULL && cut->step_count != cut->count))
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu starts, %zu ends, %zu axes and %zu steps",
                              cut->count, cut->end_count, cut->axis_count, cut->step_count);
    return 0;
}

/* Where a bound is, within lowest … highest. */
static int64_t bound(int64_t at, int64_t dim, int64_t lowest, int64_t highest)
{
    int64_t from = at < 0 ? at + dim : at;
    return from < lowest ? lowest : from > highest ? highest : from;
}

/* Cuts one axis: its new length, its stride and what that adds to the offset. */
static int cut_axis(int64_t start, int64_t end, int64_t step, int64_t *dim, int64_t *stride, int64_t *offset,
                    struct leat_error *err)
{
    if (step == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a step is 0");
    int64_t down = step < 0 ? 1 : 0;
    int64_t from = bound(start, *dim, 0, *dim - down), to = bound(end, *dim, -down, *dim - down);
    int64_t length = down != 0 ? from - to : to - from;
    uint64_t stretch = down != 0 ? 0 - (uint64_t)step : (uint64_t)step;
    if (*dim == 0)
        length = 0;
    *offset += length > 0 ? from * *stride : 0;
    *dim = length > 0 ? (int64_t)(1 + (uint64_t)(length - 1) / stretch) : 0;
    *stride = *dim > 1 ? *stride * step : 0;
    return 0;
}

static int prepare_slice(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    int64_t dims[LEAT_RANK_MAX], strides[LEAT_RANK_MAX], offset = 0;
    struct cut cut = {0};
    uint32_t seen = 0;
    if (in == NULL)
        return missing(err);
    if (read_cut(graph, node, &cut, err) < 0)
        return -1;
    leat_strides(in->rank, in->dims, strides);
    memcpy(dims, in->dims, sizeof dims);
    for (size_t i = 0; i < cut.count; i++) {
        uint32_t axis = 0;
        if (leat_node_axis(node, cut.axes != NULL ? cut.axes[i] : (int64_t)i, in->rank, &axis, err) < 0)
            return -1;
        if ((seen >> axis & 1) != 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "axis %u is cut twice", axis);
        seen |= 1u << axis;
        if (cut_axis(cut.starts[i], cut.ends[i], cut.steps != NULL ? cut.steps[i] : 1, &dims[axis], &strides[axis],
                     &offset, err) < 0)
            return -1;
    }
    return keep_view(graph, node, in->rank, dims, strides, offset, err);
}

/* Not when the first axis is among those that are cut, even if one row, or this many, would stay as it is. */
static bool by_row_slice(const struct leat_node *node)
{
    size_t count = 0;
    const int64_t *axes = NULL;
    const struct leat_tensor *in = node->inputs[0];
    if (!by_row_first_axis(node))
        return false;
    if (node->opset < 10)
        axes = leat_node_ints(node, "axes", &count);
    else if (leat_node_input(node, 3) != NULL && node->inputs[3]->type == LEAT_TENSOR_INT64) {
        axes = node->inputs[3]->data;
        count = node->inputs[3]->count;
    }
    for (size_t i = 0; i < count && axes != NULL; i++) {
        if (axes[i] == 0 || axes[i] == -(int64_t)in->rank)
            return false;
    }
    return axes != NULL;
}

/* ---- Split ---- */

static void run_split(const struct leat_node *node, struct leat_run *run)
{
    const struct view *views = node->state;
    for (uint32_t i = 0; i < node->output_count; i++)
        copy_view(node, &views[i], run, leat_node_out(node, run, i));
}

/* The lengths of the outputs along the axis. */
static int split_lengths(struct leat_graph *graph, const struct leat_node *node, int64_t dim, int64_t *ret,
                         struct leat_error *err)
{
    const int64_t *lengths = NULL;
    int64_t outputs = (int64_t)node->output_count, left = dim;
    size_t count = 0;
    if (node->opset < 13)
        lengths = leat_node_ints(node, "split", &count);
    else if (leat_node_constant_ints(graph, node, 1, &lengths, &count, err) < 0)
        return -1;
    if (lengths != NULL && count != node->output_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu lengths for %u outputs", count, node->output_count);
    if (lengths == NULL && node->opset < 18 && dim % outputs != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%lld can not be split into %lld equal parts", (long long)dim,
                              (long long)outputs);
    for (int64_t i = 0; i < outputs; i++) {
        int64_t even = (dim + outputs - 1) / outputs, length = lengths != NULL ? lengths[i] : even < left ? even : left;
        if (length < 0 || length > left)
            return leat_error_set(err, LEAT_ERROR_FINDING, "part %lld is of length %lld, and %lld are left",
                                  (long long)i, (long long)length, (long long)left);
        ret[i] = length;
        left -= length;
    }
    return left == 0 ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "%lld are left over", (long long)left);
}

static int prepare_split(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct leat_arena *arena = leat_graph_arena(graph);
    int64_t dims[LEAT_RANK_MAX], strides[LEAT_RANK_MAX], offset = 0;
    uint32_t axis = 0;
    if (in == NULL || node->output_count == 0)
        return missing(err);
    if (leat_node_axis(node, leat_node_int(node, "axis", 0), in->rank, &axis, err) < 0)
        return -1;
    int64_t *lengths = leat_arena_zalloc(arena, node->output_count, sizeof *lengths);
    struct view *views = leat_arena_zalloc(arena, node->output_count, sizeof *views);
    if (split_lengths(graph, node, in->dims[axis], lengths, err) < 0)
        return -1;
    leat_strides(in->rank, in->dims, strides);
    memcpy(dims, in->dims, sizeof dims);
    for (uint32_t i = 0; i < node->output_count; i++) {
        dims[axis] = lengths[i];
        set_view(&views[i], in->rank, dims, strides);
        views[i].offset = offset * strides[axis];
        offset += lengths[i];
        if (leat_node_output(graph, node, i, in->type, in->rank, dims, err) < 0)
            return -1;
    }
    node->state = views;
    return 0;
}

/* Not along the axis of the rows. */
static bool by_row_axis(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", 0);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- Concat ---- */

static void run_concat(const struct leat_node *node, struct leat_run *run)
{
    const size_t *stretches = node->state; /* bytes of each input for one of the output's; the first: how many */
    char *out = leat_node_out(node, run, 0);
    for (size_t i = 0; i < stretches[0]; i++) {
        for (uint32_t input = 0; input < node->input_count; input++) {
            size_t size = stretches[1 + input];
            if (size > 0)
                memcpy(out, (const char *)leat_node_in(node, run, input) + i * size, size);
            out += size;
        }
    }
}

static int check_concat(const struct leat_node *node, uint32_t axis, int64_t *dims, struct leat_error *err)
{
    const struct leat_tensor *first = node->inputs[0];
    for (uint32_t i = 1; i < node->input_count; i++) {
        const struct leat_tensor *in = leat_node_input(node, i);
        if (in == NULL || in->type != first->type || in->rank != first->rank)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is missing, or not like the first", i);
        for (uint32_t other = 0; other < in->rank; other++) {
            if (other != axis && in->dims[other] != first->dims[other])
                return leat_error_set(err, LEAT_ERROR_FINDING,
                                      "axis %u of input %u is of length %lld, and of the first %lld", other, i,
                                      (long long)in->dims[other], (long long)first->dims[other]);
        }
        dims[axis] += in->dims[axis];
    }
    return 0;
}

static int prepare_concat(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *first = leat_node_input(node, 0);
    int64_t dims[LEAT_RANK_MAX];
    uint32_t axis = 0;
    if (first == NULL)
        return missing(err);
    if (leat_node_axis(node, leat_node_int(node, "axis", 0), first->rank, &axis, err) < 0)
        return -1;
    memcpy(dims, first->dims, sizeof dims);
    if (check_concat(node, axis, dims, err) < 0)
        return -1;
    size_t *stretches = leat_arena_zalloc(leat_graph_arena(graph), 1 + (size_t)node->input_count, sizeof *stretches);
    stretches[0] = 1;
    for (uint32_t i = 0; i < axis; i++)
        stretches[0] *= (size_t)first->dims[i];
    for (uint32_t i = 0; i < node->input_count; i++)
        stretches[1 + i] = stretches[0] == 0
                               ? 0
                               : node->inputs[i]->count / stretches[0] * leat_tensor_type_size(first->type);
    node->state = stretches;
    return leat_node_output(graph, node, 0, first->type, first->rank, dims, err);
}

static bool by_row_concat(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", 0);
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (!node->inputs[i]->carries_row)
            return false;
    }
    return axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- the table ---- */

#define MOVE(NAME, SINCE, PREPARE, RUN, BY_ROW, MOST, LEAST)  \
    {                                                         \
        "", NAME, SINCE, 0, PREPARE, RUN, BY_ROW, MOST, LEAST \
    }

const struct leat_operator leat_ops_shape[] = {
    MOVE("Identity", 1, prepare_identity, run_copy, leat_by_row_first, 1, 1),
    MOVE("Dropout", 7, prepare_dropout, run_dropout, leat_by_row_first, 3, 1),
    MOVE("Reshape", 5, prepare_reshape, run_copy, by_row_first_axis, 2, 2),
    MOVE("Flatten", 1, prepare_flatten, run_copy, by_row_first_axis, 1, 1),
    MOVE("Squeeze", 1, prepare_squeeze, run_copy, by_row_squeeze, 2, 1),
    MOVE("Unsqueeze", 1, prepare_unsqueeze, run_copy, by_row_unsqueeze, 2, 1),
    MOVE("Shape", 1, prepare_shape, run_nothing, by_row_shape, 1, 1),
    MOVE("Size", 1, prepare_size, run_nothing, by_row_size, 1, 1),
    MOVE("Constant", 1, prepare_constant, run_constant, NULL, 0, 0),
    MOVE("ConstantOfShape", 9, prepare_constant_of_shape, run_constant, NULL, 1, 1),
    MOVE("Transpose", 1, prepare_transpose, run_view, by_row_transpose, 1, 1),
    MOVE("Expand", 8, prepare_expand, run_view, by_row_expand, 2, 2),
    MOVE("Tile", 6, prepare_tile, run_view, by_row_first_axis, 2, 2),
    MOVE("Slice", 1, prepare_slice, run_view, by_row_slice, 5, 1),
    MOVE("Split", 2, prepare_split, run_split, by_row_axis, 2, 1),
    MOVE("Concat", 4, prepare_concat, run_concat, by_row_concat, 0, 1),
    {0},
};
