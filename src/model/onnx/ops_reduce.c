/* Reduce*, ArgMax and ArgMin, TopK, CumSum.
 *
 * Sums are made in one order, which does not depend on the number of rows; those of floats in double. */
#include "model/onnx/operands.h"

#include <float.h>
#include <math.h>

/* ---- Reduce* ---- */

/* One element of the output from `n` of the input, `step` apart, in each of the places that the walk goes to. */
typedef void reduce_loop(const struct leat_walk *walk, const void *in, void *out);

/* E: the type of the elements; x: one of them; S: the sum so far, which begins as FIRST. */
#define REDUCE(TYPE, T, NAME, SUM, FIRST, EXPRESSION, LAST)                         \
    static void NAME##_##T(const struct leat_walk *walk, const void *in, void *out) \
    {                                                                               \
        typedef T E;                                                                \
        struct leat_walk_place place = {0};                                         \
        SUM S = (SUM)(FIRST);                                                       \
        size_t n = 0;                                                               \
        if (walk->inner > 0) {                                                      \
            do {                                                                    \
                const E *from = (const E *)in + place.at[0];                        \
                for (size_t i = 0; i < walk->inner; i++) {                          \
                    const E x = from[(int64_t)i * walk->step[0]];                   \
                    S = (SUM)(EXPRESSION);                                          \
                }                                                                   \
                n += walk->inner;                                                   \
            } while (leat_walk_next(walk, &place));                                 \
        }                                                                           \
        (void)n;                                                                    \
        *(E *)out = (E)(LAST);                                                      \
    }

LEAT_FLOAT_TYPES(REDUCE, sum, double, 0, S + (double)x, S)
LEAT_INTEGER_TYPES(REDUCE, sum, uint64_t, 0, S + (uint64_t)x, S)
LEAT_FLOAT_TYPES(REDUCE, mean, double, 0, S + (double)x, S / (double)n)
LEAT_SIGNED_TYPES(REDUCE, mean, int64_t, 0, (uint64_t)S + (uint64_t)x, n == 0 ? 0 : S / (int64_t)n)
LEAT_UNSIGNED_TYPES(REDUCE, mean, uint64_t, 0, S + x, n == 0 ? 0 : S / n)
LEAT_FLOAT_TYPES(REDUCE, product, double, 1, S *(double)x, S)
LEAT_INTEGER_TYPES(REDUCE, product, uint64_t, 1, S *(uint64_t)x, S)
LEAT_FLOAT_TYPES(REDUCE, squares, double, 0, S + (double)x * (double)x, S)
LEAT_INTEGER_TYPES(REDUCE, squares, uint64_t, 0, S + (uint64_t)x * (uint64_t)x, S)
LEAT_FLOAT_TYPES(REDUCE, norm_1, double, 0, S + fabs((double)x), S)
LEAT_SIGNED_TYPES(REDUCE, norm_1, uint64_t, 0, S + (x < 0 ? 0 - (uint64_t)x : (uint64_t)x), S)
LEAT_UNSIGNED_TYPES(REDUCE, norm_1, uint64_t, 0, S + x, S)
LEAT_FLOAT_TYPES(REDUCE, norm_2, double, 0, S + (double)x * (double)x, sqrt(S))
LEAT_FLOAT_TYPES(REDUCE, log_sum, double, 0, S + (double)x, log(S))

/* NaN wins. */
LEAT_FLOAT_TYPES(REDUCE, largest, E, -INFINITY, x > S || isnan(x) ? x : S, S)
LEAT_FLOAT_TYPES(REDUCE, smallest, E, INFINITY, x < S || isnan(x) ? x : S, S)
#define LARGEST(TYPE, T, ...) REDUCE(TYPE, T, largest, T, TYPE##_MIN, x > S ? x : S, S)
#define SMALLEST(TYPE, T, ...) REDUCE(TYPE, T, smallest, T, TYPE##_MAX, x < S ? x : S, S)
#define UINT8_MIN 0
#define UINT16_MIN 0
#define UINT32_MIN 0
#define UINT64_MIN 0
LEAT_INTEGER_TYPES(LARGEST, )
LEAT_INTEGER_TYPES(SMALLEST, )

/* Without overflow: against the largest. */
#define LOG_SUM_EXP(TYPE, T, ...)                                                        \
    static void log_sum_exp_##T(const struct leat_walk *walk, const void *in, void *out) \
    {                                                                                    \
        T most;                                                                          \
        double sum = 0;                                                                  \
        struct leat_walk_place place = {0};                                              \
        largest_##T(walk, in, &most);                                                    \
        if (isinf(most) || walk->inner == 0) {                                           \
            *(T *)out = most;                                                            \
            return;                                                                      \
        }                                                                                \
        do {                                                                             \
            const T *from = (const T *)in + place.at[0];                                 \
            for (size_t i = 0; i < walk->inner; i++)                                     \
                sum += exp((double)from[(int64_t)i * walk->step[0]] - (double)most);     \
        } while (leat_walk_next(walk, &place));                                          \
        *(T *)out = (T)((double)most + log(sum));                                        \
    }
LEAT_FLOAT_TYPES(LOG_SUM_EXP, )

struct reduction {
    const char *name;
    int axes_since; /* the opset from which axes are an input */
    reduce_loop *loops[LEAT_TENSOR_TYPES];
};
#define LOOP(TYPE, T, NAME) [LEAT_TENSOR_##TYPE] = NAME##_##T,

static const struct reduction reductions[] = {
    {"ReduceSum", 13, {LEAT_NUMBER_TYPES(LOOP, sum)}},
    {"ReduceMean", 18, {LEAT_NUMBER_TYPES(LOOP, mean)}},
    {"ReduceProd", 18, {LEAT_NUMBER_TYPES(LOOP, product)}},
    {"ReduceMax", 18, {LEAT_NUMBER_TYPES(LOOP, largest)[LEAT_TENSOR_BOOL] = largest_uint8_t}},
    {"ReduceMin", 18, {LEAT_NUMBER_TYPES(LOOP, smallest)[LEAT_TENSOR_BOOL] = smallest_uint8_t}},
    {"ReduceSumSquare", 18, {LEAT_NUMBER_TYPES(LOOP, squares)}},
    {"ReduceL1", 18, {LEAT_NUMBER_TYPES(LOOP, norm_1)}},
    {"ReduceL2", 18, {LEAT_FLOAT_TYPES(LOOP, norm_2)}},
    {"ReduceLogSum", 18, {LEAT_FLOAT_TYPES(LOOP, log_sum)}},
    {"ReduceLogSumExp", 18, {LEAT_FLOAT_TYPES(LOOP, log_sum_exp)}},
};

static const struct reduction *reduction_find(const struct leat_node *node)
{
    for (size_t i = 0; i < sizeof reductions / sizeof reductions[0]; i++) {
        if (strcmp(reductions[i].name, node->op->name) == 0)
            return &reductions[i];
    }
    leat_assert(false); /* each of them in the table of operators has loops */
    return NULL;
}

struct reduce {
    reduce_loop *loop; /* NULL: nothing is reduced */
    struct leat_walk kept, reduced;
    uint32_t axes;
    size_t size, count;
};

static void run_reduce(const struct leat_node *node, struct leat_run *run)
{
    const struct reduce *state = node->state;
    const char *in = leat_node_in(node, run, 0);
    char *out = leat_node_out(node, run, 0);
    struct leat_walk_place place = {0};
    if (state->loop == NULL && state->count > 0)
        memcpy(out, in, state->count * state->size);
    if (state->loop == NULL || state->kept.inner == 0)
        return;
    do {
        for (size_t i = 0; i < state->kept.inner; i++, out += state->size) {
            int64_t at = place.at[0] + (int64_t)i * state->kept.step[0];
            state->loop(&state->reduced, in + at * (int64_t)state->size, out);
        }
    } while (leat_walk_next(&state->kept, &place));
}

/* Walks over the axes that are kept and, for each element of those, over the others. */
static void split_walks(struct reduce *state, const struct leat_tensor *in)
{
    int64_t own[LEAT_RANK_MAX], dims[2][LEAT_RANK_MAX], strides[2][LEAT_WALK_INPUTS][LEAT_WALK_RANK] = {0};
    uint32_t rank[2] = {0};
    leat_strides(in->rank, in->dims, own);
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        uint32_t side = state->axes >> axis & 1;
        strides[side][0][rank[side]] = own[axis];
        dims[side][rank[side]++] = in->dims[axis];
    }
    leat_walk_init(&state->kept, 1, rank[0], dims[0], strides[0]);
    leat_walk_init(&state->reduced, 1, rank[1], dims[1], strides[1]);
}

static uint32_t reduced_dims(const struct leat_tensor *in, uint32_t axes, bool keep, int64_t *dims)
{
    uint32_t rank = 0;
    for (uint32_t axis = 0; axis < in->rank; axis++) {
        bool reduced = (axes >> axis & 1) != 0;
        if (!reduced || keep)
            dims[rank++] = reduced ? 1 : in->dims[axis];
    }
    return rank;
}

static int prepare_reduce(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct reduction *reduction = reduction_find(node);
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct reduce *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t dims[LEAT_RANK_MAX];
    size_t named = 0;
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->type >= LEAT_TENSOR_TYPES || reduction->loops[in->type] == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (leat_node_axes(graph, node, reduction->axes_since, in->rank, &state->axes, &named, err) < 0)
        return -1;
    bool nothing = node->opset >= reduction->axes_since && leat_node_int(node, "noop_with_empty_axes", 0) != 0;
    state->loop = named > 0 || !nothing ? reduction->loops[in->type] : NULL;
    if (named == 0 && !nothing)
        state->axes = (1u << in->rank) - 1;
    state->size = leat_tensor_type_size(in->type);
    state->count = in->count;
    split_walks(state, in);
    node->state = state;
    uint32_t rank = reduced_dims(in, state->axes, leat_node_int(node, "keepdims", 1) != 0, dims);
    return leat_node_output(graph, node, 0, in->type, rank, dims, err);
}

static bool by_row_reduce(const struct leat_node *node)
{
    const struct reduce *state = node->state;
    return leat_by_row_first(node) && (state->axes & 1) == 0;
}

/* ---- ArgMax, ArgMin ---- */

struct arg {
    void (*loop)(const struct arg *arg, const void *in, int64_t *out);
    size_t outer, inner, dim;
    bool last; /* of equals the last counts */
    bool least;
};

#define ARG(TYPE, T, ...)                                                              \
    static void arg_##T(const struct arg *arg, const void *data, int64_t *out)         \
    {                                                                                  \
        const T *in = data;                                                            \
        for (size_t o = 0; o < arg->outer; o++, in += arg->dim * arg->inner) {         \
            for (size_t i = 0; i < arg->inner; i++) {                                  \
                size_t best = 0;                                                       \
                for (size_t k = 1; k < arg->dim; k++) {                                \
                    const T x = in[k * arg->inner + i], y = in[best * arg->inner + i]; \
                    if ((arg->least ? x < y : x > y) || (arg->last && x == y))         \
                        best = k;                                                      \
                }                                                                      \
                *out++ = (int64_t)best;                                                \
            }                                                                          \
        }                                                                              \
    }
LEAT_NUMBER_TYPES(ARG, )

static void run_arg(const struct leat_node *node, struct leat_run *run)
{
    const struct arg *state = node->state;
    state->loop(state, leat_node_in(node, run, 0), leat_node_out(node, run, 0));
}

static int prepare_arg(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    static void (*const loops[LEAT_TENSOR_TYPES])(const struct arg *, const void *,
                                                  int64_t *) = {LEAT_NUMBER_TYPES(LOOP, arg)};
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct arg *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t dims[LEAT_RANK_MAX];
    uint32_t axis = 0;
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->type >= LEAT_TENSOR_TYPES || loops[in->type] == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (leat_node_axis(node, leat_node_int(node, "axis", 0), in->rank, &axis, err) < 0)
        return -1;
    *state = (struct arg){.loop = loops[in->type], .outer = 1, .inner = 1, .dim = (size_t)in->dims[axis]};
    for (uint32_t i = 0; i < in->rank; i++) {
        state->outer *= i < axis ? (size_t)in->dims[i] : 1;
        state->inner *= i > axis ? (size_t)in->dims[i] : 1;
    }
    state->last = leat_node_int(node, "select_last_index", 0) != 0;
    state->least = strcmp(node->op->name, "ArgMin") == 0;
    node->state = state;
    if (state->dim == 0 && state->outer * state->inner > 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it looks for the best of nothing: axis %u is of length 0", axis);
    uint32_t rank = reduced_dims(in, 1u << axis, leat_node_int(node, "keepdims", 1) != 0, dims);
    return leat_node_output(graph, node, 0, LEAT_TENSOR_INT64, rank, dims, err);
}

static bool by_row_arg(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", 0);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- TopK ---- */

struct top {
    void (*loop)(const struct top *top, const void *in, void *values, int64_t *indexes, uint32_t *work);
    size_t outer, inner, dim, k;
    bool least;
};

/* The places of the best, the first of equals before the others: by merging sorted runs, in `work` of 2 × dim. Which
 * of several best is at a place does not depend on k, so that all of them are sorted. */
#define TOP(TYPE, T, ...)                                                                                        \
    static const uint32_t *sort_##T(const struct top *top, const T *in, uint32_t *work)                          \
    {                                                                                                            \
        uint32_t *from = work, *to = work + top->dim;                                                            \
        for (size_t i = 0; i < top->dim; i++)                                                                    \
            from[i] = (uint32_t)i;                                                                               \
        for (size_t width = 1; width < top->dim; width *= 2) {                                                   \
            for (size_t begin = 0; begin < top->dim; begin += 2 * width) {                                       \
                size_t middle = begin + width < top->dim ? begin + width : top->dim;                             \
                size_t end = middle + width < top->dim ? middle + width : top->dim;                              \
                size_t a = begin, b = middle;                                                                    \
                for (size_t i = begin; i < end; i++) {                                                           \
                    bool second = a == middle;                                                                   \
                    if (a < middle && b < end) {                                                                 \
                        const T x = in[from[a] * top->inner], y = in[from[b] * top->inner];                      \
                        second = top->least ? y < x : y > x;                                                     \
                    }                                                                                            \
                    to[i] = second ? from[b++] : from[a++];                                                      \
                }                                                                                                \
            }                                                                                                    \
            uint32_t *other = from;                                                                              \
            from = to;                                                                                           \
            to = other;                                                                                          \
        }                                                                                                        \
        return from;                                                                                             \
    }                                                                                                            \
    static void top_##T(const struct top *top, const void *data, void *values, int64_t *indexes, uint32_t *work) \
    {                                                                                                            \
        for (size_t o = 0; o < top->outer; o++) {                                                                \
            for (size_t i = 0; i < top->inner; i++) {                                                            \
                const T *in = (const T *)data + o * top->dim * top->inner + i;                                   \
                const uint32_t *order = sort_##T(top, in, work);                                                 \
                for (size_t k = 0; k < top->k; k++) {                                                            \
                    size_t at = (o * top->k + k) * top->inner + i;                                               \
                    if (values != NULL)                                                                          \
                        ((T *)values)[at] = in[order[k] * top->inner];                                           \
                    if (indexes != NULL)                                                                         \
                        indexes[at] = (int64_t)order[k];                                                         \
                }                                                                                                \
            }                                                                                                    \
        }                                                                                                        \
    }
LEAT_NUMBER_TYPES(TOP, )

static void run_top(const struct leat_node *node, struct leat_run *run)
{
    const struct top *state = node->state;
    state->loop(state, leat_node_in(node, run, 0), leat_node_out(node, run, 0), leat_node_out(node, run, 1),
                (uint32_t *)(void *)(run->scratch + node->workspace));
}

static int prepare_top(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    static void (*const loops[LEAT_TENSOR_TYPES])(const struct top *, const void *, void *, int64_t *,
                                                  uint32_t *) = {LEAT_NUMBER_TYPES(LOOP, top)};
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct top *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t dims[LEAT_RANK_MAX], k = leat_node_int(node, "k", 0);
    uint32_t axis = 0;
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->type >= LEAT_TENSOR_TYPES || loops[in->type] == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (leat_node_axis(node, leat_node_int(node, "axis", -1), in->rank, &axis, err) < 0 ||
        (node->opset >= 10 && leat_node_constant_int(node, 1, &k, err) < 0))
        return -1;
    if (k < 0 || k > in->dims[axis])
        return leat_error_set(err, LEAT_ERROR_FINDING, "k is %lld, and axis %u is of length %lld", (long long)k, axis,
                              (long long)in->dims[axis]);
    *state = (struct top){loops[in->type],        1,         1,
                          (size_t)in->dims[axis], (size_t)k, leat_node_int(node, "largest", 1) == 0};
    for (uint32_t i = 0; i < in->rank; i++) {
        dims[i] = i == axis ? k : in->dims[i];
        state->outer *= i < axis ? (size_t)in->dims[i] : 1;
        state->inner *= i > axis ? (size_t)in->dims[i] : 1;
    }
    node->state = state;
    if (leat_node_output(graph, node, 0, in->type, in->rank, dims, err) < 0 ||
        leat_node_output(graph, node, 1, LEAT_TENSOR_INT64, in->rank, dims, err) < 0)
        return -1;
    return leat_node_workspace(graph, node, 2 * state->dim * sizeof(uint32_t), err);
}

static bool by_row_top(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", -1);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- CumSum ---- */

struct running {
    void (*loop)(const struct running *running, const void *in, void *out);
    size_t outer, inner, dim;
    bool exclusive, reverse;
    uint32_t axis;
};

#define RUNNING(TYPE, T, SUM)                                                           \
    static void running_##T(const struct running *running, const void *data, void *ret) \
    {                                                                                   \
        for (size_t o = 0; o < running->outer; o++) {                                   \
            for (size_t i = 0; i < running->inner; i++) {                               \
                SUM sum = 0;                                                            \
                for (size_t k = 0; k < running->dim; k++) {                             \
                    size_t step = running->reverse ? running->dim - 1 - k : k;          \
                    size_t at = (o * running->dim + step) * running->inner + i;         \
                    const SUM before = sum;                                             \
                    sum += (SUM)((const T *)data)[at];                                  \
                    ((T *)ret)[at] = (T)(running->exclusive ? before : sum);            \
                }                                                                       \
            }                                                                           \
        }                                                                               \
    }
RUNNING(FLOAT, float, float)
RUNNING(DOUBLE, double, double)
LEAT_INTEGER_TYPES(RUNNING, uint64_t)

static void run_running(const struct leat_node *node, struct leat_run *run)
{
    const struct running *state = node->state;
    state->loop(state, leat_node_in(node, run, 0), leat_node_out(node, run, 0));
}

static int prepare_running(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    static void (*const loops[LEAT_TENSOR_TYPES])(const struct running *, const void *,
                                                  void *) = {LEAT_NUMBER_TYPES(LOOP, running)};
    const struct leat_tensor *in = leat_node_input(node, 0);
    struct running *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t axis = 0;
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->type >= LEAT_TENSOR_TYPES || loops[in->type] == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (leat_node_constant_int(node, 1, &axis, err) < 0 || leat_node_axis(node, axis, in->rank, &state->axis, err) < 0)
        return -1;
    state->loop = loops[in->type];
    state->outer = state->inner = 1;
    state->dim = (size_t)in->dims[state->axis];
    for (uint32_t i = 0; i < in->rank; i++) {
        state->outer *= i < state->axis ? (size_t)in->dims[i] : 1;
        state->inner *= i > state->axis ? (size_t)in->dims[i] : 1;
    }
    state->exclusive = leat_node_int(node, "exclusive", 0) != 0;
    state->reverse = leat_node_int(node, "reverse", 0) != 0;
    node->state = state;
    return leat_node_output_like(graph, node, in->type, in, err);
}

static bool by_row_running(const struct leat_node *node)
{
    const struct running *state = node->state;
    return leat_by_row_first(node) && state->axis != 0;
}

/* ---- the table ---- */

#define REDUCED(NAME)                                                   \
    {                                                                   \
        "", NAME, 1, 0, prepare_reduce, run_reduce, by_row_reduce, 2, 1 \
    }

const struct leat_operator leat_ops_reduce[] = {
    REDUCED("ReduceSum"),
    REDUCED("ReduceMean"),
    REDUCED("ReduceProd"),
    REDUCED("ReduceMax"),
    REDUCED("ReduceMin"),
    REDUCED("ReduceSumSquare"),
    REDUCED("ReduceL1"),
    REDUCED("ReduceL2"),
    REDUCED("ReduceLogSum"),
    REDUCED("ReduceLogSumExp"),
    {"", "ArgMax", 1, 0, prepare_arg, run_arg, by_row_arg, 1, 1},
    {"", "ArgMin", 1, 0, prepare_arg, run_arg, by_row_arg, 1, 1},
    {"", "TopK", 1, 0, prepare_top, run_top, by_row_top, 2, 1},
    {"", "CumSum", 11, 0, prepare_running, run_running, by_row_running, 2, 2},
    {0},
};
