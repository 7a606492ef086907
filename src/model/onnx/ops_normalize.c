/* Softmax and its kin, and *Normalization. Sums of floats are made in double, in one order. */
#include "model/onnx/operands.h"

#include <tgmath.h>

#define LOOP(TYPE, T, NAME) [LEAT_TENSOR_##TYPE] = NAME##_##T,

static int check_reals(const struct leat_node *node, uint32_t inputs, struct leat_error *err)
{
    for (uint32_t i = 0; i < inputs; i++) {
        const struct leat_tensor *in = leat_node_input(node, i);
        if (in == NULL && i > 0)
            continue;
        if (in == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
        if (!leat_type_is_float(in->type) || in->type != node->inputs[0]->type)
            return leat_node_refuse_type(node, i, err);
    }
    return 0;
}

/* ---- along an axis: Softmax, LogSoftmax, Hardmax, LpNormalization ---- */

struct along {
    /* One stretch: element k is at x[k * inner]. */
    void (*loop)(const struct along *along, const void *x, void *y);
    size_t outer, inner, dim, size;
    int64_t p; /* LpNormalization */
};

#define ALONG(TYPE, T, ...)                                                           \
    static T largest_##T(const T *x, size_t n, size_t inner)                          \
    {                                                                                 \
        T most = x[0];                                                                \
        for (size_t k = inner; k < n; k += inner)                                     \
            most = x[k] > most || isnan(x[k]) ? x[k] : most;                          \
        return most;                                                                  \
    }                                                                                 \
    static void softmax_##T(const struct along *along, const void *in, void *out)     \
    {                                                                                 \
        const T *x = in;                                                              \
        T *y = out;                                                                   \
        const size_t inner = along->inner, n = along->dim * inner;                    \
        const T most = largest_##T(x, n, inner);                                      \
        double sum = 0;                                                               \
        for (size_t k = 0; k < n; k += inner) {                                       \
            y[k] = exp(x[k] - most);                                                  \
            sum += (double)y[k];                                                      \
        }                                                                             \
        for (size_t k = 0; k < n; k += inner)                                         \
            y[k] /= (T)sum;                                                           \
    }                                                                                 \
    static void log_softmax_##T(const struct along *along, const void *in, void *out) \
    {                                                                                 \
        const T *x = in;                                                              \
        T *y = out;                                                                   \
        const size_t inner = along->inner, n = along->dim * inner;                    \
        const T most = largest_##T(x, n, inner);                                      \
        double sum = 0;                                                               \
        for (size_t k = 0; k < n; k += inner)                                         \
            sum += (double)exp(x[k] - most);                                          \
        const T scale = (T)log(sum);                                                  \
        for (size_t k = 0; k < n; k += inner)                                         \
            y[k] = x[k] - most - scale;                                               \
    }                                                                                 \
    static void hardmax_##T(const struct along *along, const void *in, void *out)     \
    {                                                                                 \
        const T *x = in;                                                              \
        T *y = out;                                                                   \
        const size_t inner = along->inner, n = along->dim * inner;                    \
        size_t best = 0;                                                              \
        for (size_t k = inner; k < n; k += inner)                                     \
            best = x[k] > x[best] ? k : best;                                         \
        for (size_t k = 0; k < n; k += inner)                                         \
            y[k] = k == best ? 1 : 0;                                                 \
    }                                                                                 \
    /* What is of length 0 stays. */                                                  \
    static void lp_##T(const struct along *along, const void *in, void *out)          \
    {                                                                                 \
        const T *x = in;                                                              \
        T *y = out;                                                                   \
        const size_t inner = along->inner, n = along->dim * inner;                    \
        double sum = 0;                                                               \
        for (size_t k = 0; k < n; k += inner)                                         \
            sum += along->p == 1 ? (double)fabs(x[k]) : (double)x[k] * (double)x[k];  \
        const T length = (T)(along->p == 1 ? sum : sqrt(sum));                        \
        for (size_t k = 0; k < n; k += inner)                                         \
            y[k] = length == 0 ? 0 : x[k] / length;                                   \
    }
LEAT_FLOAT_TYPES(ALONG, )

static const struct {
    const char *name;
    void (*loops[LEAT_TENSOR_TYPES])(const struct along *, const void *, void *);
} alongs[] = {
    {"Softmax", {LEAT_FLOAT_TYPES(LOOP, softmax)}},
    {"LogSoftmax", {LEAT_FLOAT_TYPES(LOOP, log_softmax)}},
    {"Hardmax", {LEAT_FLOAT_TYPES(LOOP, hardmax)}},
    {"LpNormalization", {LEAT_FLOAT_TYPES(LOOP, lp)}},
};

static void run_along(const struct leat_node *node, struct leat_run *run)
{
    const struct along *state = node->state;
    const char *in = leat_node_in(node, run, 0);
    char *out = leat_node_out(node, run, 0);
    for (size_t o = 0; o < state->outer && state->dim > 0; o++) {
        for (size_t i = 0; i < state->inner; i++) {
            size_t at = (o * state->dim * state->inner + i) * state->size;
            state->loop(state, in + at, out + at);
        }
    }
}

/* `joined`: the axis and all behind it are one. */
static int keep_along(struct leat_graph *graph, struct leat_node *node, int64_t named, bool joined,
                      struct leat_error *err)
{
    struct along *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    uint32_t axis = 0;
    if (check_reals(node, 1, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0];
    if (in->rank > 0 && leat_node_axis(node, named, in->rank, &axis, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof alongs / sizeof alongs[0]; i++) {
        if (strcmp(alongs[i].name, node->op->name) == 0)
            state->loop = alongs[i].loops[in->type];
    }
    state->outer = state->inner = state->dim = 1;
    for (uint32_t i = 0; i < in->rank; i++) {
        if (i < axis)
            state->outer *= (size_t)in->dims[i];
        else if (i == axis || joined)
            state->dim *= (size_t)in->dims[i];
        else
            state->inner *= (size_t)in->dims[i];
    }
    state->p = leat_node_int(node, "p", 2);
    state->size = leat_tensor_type_size(in->type);
    node->state = state;
    if (state->p != 1 && state->p != 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "p is %lld; it is 1 or 2", (long long)state->p);
    return leat_node_output_like(graph, node, in->type, in, err);
}

static int prepare_softmax(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    bool joined = node->opset < 13;
    return keep_along(graph, node, leat_node_int(node, "axis", joined ? 1 : -1), joined, err);
}

static bool by_row_softmax(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", node->opset < 13 ? 1 : -1);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

static int prepare_lp(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    return keep_along(graph, node, leat_node_int(node, "axis", -1), false, err);
}

static bool by_row_lp(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", -1);
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)node->inputs[0]->rank;
}

/* ---- BatchNormalization, as it was trained ---- */

struct batch {
    size_t rows, channels, stretch;
    double epsilon;
    void *factor; /* scale / sqrt(var + epsilon), when both are constants; NULL: in the workspace */
};

#define BATCH(TYPE, T, ...)                                                                                       \
    static void factor_##T(const struct batch *b, const T *scale, const T *var, T *ret)                           \
    {                                                                                                             \
        for (size_t c = 0; c < b->channels; c++)                                                                  \
            ret[c] = scale[c] / sqrt(var[c] + (T)b->epsilon);                                                     \
    }                                                                                                             \
    static void batch_##T(const struct batch *b, const T *x, const T *factor, const T *bias, const T *mean, T *y) \
    {                                                                                                             \
        for (size_t r = 0; r < b->rows; r++) {                                                                    \
            for (size_t c = 0; c < b->channels; c++) {                                                            \
                for (size_t i = 0; i < b->stretch; i++)                                                           \
                    *y++ = (*x++ - mean[c]) * factor[c] + bias[c];                                                \
            }                                                                                                     \
        }                                                                                                         \
    }
LEAT_FLOAT_TYPES(BATCH, )

static void run_batch(const struct leat_node *node, struct leat_run *run)
{
    const struct batch *state = node->state;
    const void *x = leat_node_in(node, run, 0), *scale = leat_node_in(node, run, 1), *bias = leat_node_in(node, run, 2);
    const void *mean = leat_node_in(node, run, 3), *var = leat_node_in(node, run, 4);
    void *factor = state->factor != NULL ? state->factor : run->scratch + node->workspace;
    if (node->inputs[0]->type == LEAT_TENSOR_FLOAT) {
        if (state->factor == NULL)
            factor_float(state, scale, var, factor);
        batch_float(state, x, factor, bias, mean, leat_node_out(node, run, 0));
    } else {
        if (state->factor == NULL)
            factor_double(state, scale, var, factor);
        batch_double(state, x, factor, bias, mean, leat_node_out(node, run, 0));
    }
}

static int keep_factor(struct leat_graph *graph, struct leat_node *node, struct batch *state, struct leat_error *err)
{
    const struct leat_tensor *scale = node->inputs[1], *var = node->inputs[4];
    size_t size = leat_tensor_type_size(scale->type);
    if (scale->data == NULL || var->data == NULL)
        return leat_node_workspace(graph, node, state->channels * size, err);
    state->factor = leat_arena_zalloc(leat_graph_arena(graph), state->channels + 1, size);
    if (scale->type == LEAT_TENSOR_FLOAT)
        factor_float(state, scale->data, var->data, state->factor);
    else
        factor_double(state, scale->data, var->data, state->factor);
    return 0;
}

static int prepare_batch(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct batch *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    if (check_reals(node, 5, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0];
    if (leat_node_int(node, "training_mode", 0) != 0 || (node->opset < 9 && leat_node_int(node, "spatial", 1) == 0))
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: normalisation as in training");
    for (uint32_t i = 1; i < node->output_count; i++) {
        if (node->outputs[i] != NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: output %u is of training", i);
    }
    if (in->rank == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is a single number");
    state->rows = in->rank > 1 ? (size_t)in->dims[0] : 1;
    state->channels = in->rank > 1 ? (size_t)in->dims[1] : 1;
    state->stretch = in->rank == 1 ? (size_t)in->dims[0] : 1;
    for (uint32_t i = 2; i < in->rank; i++)
        state->stretch *= (size_t)in->dims[i];
    for (uint32_t i = 1; i < 5; i++) {
        if (node->inputs[i] == NULL || node->inputs[i]->count != state->channels)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u has not %zu elements, as there are channels", i,
                                  state->channels);
    }
    state->epsilon = (double)leat_node_float(node, "epsilon", 1e-5f);
    node->state = state;
    return keep_factor(graph, node, state, err) < 0 ? -1 : leat_node_output_like(graph, node, in->type, in, err);
}

static bool by_row_batch(const struct leat_node *node)
{
    return leat_by_row_first(node) && node->inputs[0]->rank > 1;
}

/* ---- over stretches: LayerNormalization, RMS…, Instance…, Group… ---- */

struct stretches {
    size_t count, length;
    bool centered; /* around the mean */
    double epsilon;
    struct leat_walk scale; /* over the output: the output, the scale, the bias */
    bool scaled, shifted;
};

/* In four sums, always the same way. */
#define STRETCH(TYPE, T, ...)                                                                            \
    static double sum_##T(const T *x, size_t n)                                                          \
    {                                                                                                    \
        double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;                                                   \
        size_t i = 0;                                                                                    \
        for (; i + 4 <= n; i += 4) {                                                                     \
            sum0 += (double)x[i];                                                                        \
            sum1 += (double)x[i + 1];                                                                    \
            sum2 += (double)x[i + 2];                                                                    \
            sum3 += (double)x[i + 3];                                                                    \
        }                                                                                                \
        for (; i < n; i++)                                                                               \
            sum0 += (double)x[i];                                                                        \
        return sum0 + sum1 + (sum2 + sum3);                                                              \
    }                                                                                                    \
    static double squares_##T(const T *x, size_t n, double mean)                                         \
    {                                                                                                    \
        double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;                                                   \
        size_t i = 0;                                                                                    \
        for (; i + 4 <= n; i += 4) {                                                                     \
            sum0 += ((double)x[i] - mean) * ((double)x[i] - mean);                                       \
            sum1 += ((double)x[i + 1] - mean) * ((double)x[i + 1] - mean);                               \
            sum2 += ((double)x[i + 2] - mean) * ((double)x[i + 2] - mean);                               \
            sum3 += ((double)x[i + 3] - mean) * ((double)x[i + 3] - mean);                               \
        }                                                                                                \
        for (; i < n; i++)                                                                               \
            sum0 += ((double)x[i] - mean) * ((double)x[i] - mean);                                       \
        return sum0 + sum1 + (sum2 + sum3);                                                              \
    }                                                                                                    \
    static void normalize_##T(const struct stretches *s, const T *x, T *y, float *means, float *factors) \
    {                                                                                                    \
        for (size_t r = 0; r < s->count; r++, x += s->length, y += s->length) {                          \
            double mean = s->centered ? sum_##T(x, s->length) / (double)s->length : 0;                   \
            double factor = 1 / sqrt(squares_##T(x, s->length, mean) / (double)s->length + s->epsilon);  \
            const T center = (T)mean, by = (T)factor;                                                    \
            for (size_t i = 0; i < s->length; i++)                                                       \
                y[i] = (x[i] - center) * by;                                                             \
            if (means != NULL)                                                                           \
                means[r] = (float)mean;                                                                  \
            if (factors != NULL)                                                                         \
                factors[r] = (float)factor;                                                              \
        }                                                                                                \
    }                                                                                                    \
    static void scale_##T(const struct stretches *s, T *y, const T *scale, const T *bias)                \
    {                                                                                                    \
        const struct leat_walk *walk = &s->scale;                                                        \
        struct leat_walk_place place = {0};                                                              \
        do {                                                                                             \
            const T *by = scale + place.at[1], *to = bias != NULL ? bias + place.at[2] : NULL;           \
            for (size_t i = 0; i < walk->inner; i++)                                                     \
                y[i] *= by[(int64_t)i * walk->step[1]];                                                  \
            for (size_t i = 0; to != NULL && i < walk->inner; i++)                                       \
                y[i] += to[(int64_t)i * walk->step[2]];                                                  \
            y += walk->inner;                                                                            \
        } while (leat_walk_next(walk, &place));                                                          \
    }
LEAT_FLOAT_TYPES(STRETCH, )

static void run_stretches(const struct leat_node *node, struct leat_run *run)
{
    const struct stretches *state = node->state;
    void *y = leat_node_out(node, run, 0);
    if (state->scale.inner == 0 || y == NULL)
        return;
    if (node->inputs[0]->type == LEAT_TENSOR_FLOAT) {
        normalize_float(state, leat_node_in(node, run, 0), y, leat_node_out(node, run, 1), leat_node_out(node, run, 2));
        scale_float(state, y, leat_node_in(node, run, 1), leat_node_in(node, run, 2));
    } else {
        normalize_double(state, leat_node_in(node, run, 0), y, leat_node_out(node, run, 1), leat_node_out(node, run, 2));
        scale_double(state, y, leat_node_in(node, run, 1), leat_node_in(node, run, 2));
    }
}

static struct stretches *keep_stretches(struct leat_graph *graph, struct leat_node *node, uint32_t axis, bool centered)
{
    const struct leat_tensor *in = node->inputs[0];
    struct stretches *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    state->count = state->length = 1;
    for (uint32_t i = 0; i < in->rank; i++) {
        state->count *= i < axis ? (size_t)in->dims[i] : 1;
        state->length *= i < axis ? 1 : (size_t)in->dims[i];
    }
    state->centered = centered;
    state->epsilon = (double)leat_node_float(node, "epsilon", 1e-5f);
    node->state = state;
    return state;
}

/* The scale, and the bias if there is one, broadcast to the input. */
static int broadcast_scale(struct leat_node *node, struct stretches *state, struct leat_error *err)
{
    uint32_t inputs = leat_node_input(node, 2) != NULL ? 3 : 2, rank = 0;
    int64_t dims[LEAT_RANK_MAX];
    if (leat_broadcast(node, 0, inputs, &rank, dims, &state->scale, err) < 0)
        return -1;
    if (rank != node->inputs[0]->rank || memcmp(dims, node->inputs[0]->dims, rank * sizeof dims[0]) != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the scale or the bias is larger than what it is for");
    return 0;
}

/* Outputs 1 and 2: one number for each stretch. */
static int output_statistics(struct leat_graph *graph, struct leat_node *node, uint32_t axis, struct leat_error *err)
{
    const struct leat_tensor *in = node->inputs[0];
    int64_t dims[LEAT_RANK_MAX];
    for (uint32_t i = 0; i < in->rank; i++)
        dims[i] = i < axis ? in->dims[i] : 1;
    if (leat_node_output(graph, node, 1, LEAT_TENSOR_FLOAT, in->rank, dims, err) < 0)
        return -1;
    return leat_node_output(graph, node, 2, LEAT_TENSOR_FLOAT, in->rank, dims, err);
}

static int prepare_layer(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    bool centered = strcmp(node->op->name, "LayerNormalization") == 0;
    uint32_t axis = 0;
    if (check_reals(node, 3, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0];
    if (leat_node_int(node, "stash_type", 1) != 1 && in->type != LEAT_TENSOR_DOUBLE)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: stash_type %lld",
                              (long long)leat_node_int(node, "stash_type", 1));
    if (leat_node_axis(node, leat_node_int(node, "axis", -1), in->rank, &axis, err) < 0 ||
        broadcast_scale(node, keep_stretches(graph, node, axis, centered), err) < 0 ||
        output_statistics(graph, node, axis, err) < 0)
        return -1;
    return leat_node_output_like(graph, node, in->type, in, err);
}

static bool by_row_layer(const struct leat_node *node)
{
    int64_t axis = leat_node_int(node, "axis", -1);
    const struct leat_tensor *in = node->inputs[0];
    for (uint32_t i = 1; i < node->input_count; i++) {
        if (node->inputs[i] != NULL && node->inputs[i]->rank == in->rank && node->inputs[i]->dims[0] != 1)
            return false;
    }
    return leat_by_row_first(node) && axis != 0 && axis != -(int64_t)in->rank;
}

/* The scale and the bias have one element for a channel, or for a group of them. */
static int scale_channels(struct leat_node *node, struct stretches *state, int64_t each, struct leat_error *err)
{
    const struct leat_tensor *in = node->inputs[0];
    int64_t dims[] = {in->dims[0], each, each == 0 ? 0 : (int64_t)in->count / (in->dims[0] * each)};
    int64_t strides[LEAT_WALK_INPUTS][LEAT_WALK_RANK] = {{dims[1] * dims[2], dims[2], 1}, {0, 1, 0}, {0, 1, 0}};
    for (uint32_t i = 1; i < 3; i++) {
        if (leat_node_input(node, i) == NULL || node->inputs[i]->count != (size_t)each)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u has not %lld elements", i, (long long)each);
    }
    leat_walk_init(&state->scale, 3, 3, dims, strides);
    return 0;
}

static int prepare_channels(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    bool groups = strcmp(node->op->name, "GroupNormalization") == 0;
    if (check_reals(node, 3, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0];
    if (in->rank < 2 || in->count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is of %u axes and %zu elements; it has channels",
                              in->rank, in->count);
    int64_t count = groups ? leat_node_int(node, "num_groups", 0) : in->dims[1];
    if (count <= 0 || in->dims[1] % count != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%lld channels are not %lld groups", (long long)in->dims[1],
                              (long long)count);
    struct stretches *state = keep_stretches(graph, node, 1, true);
    state->count = (size_t)(in->dims[0] * count);
    state->length = in->count / state->count;
    if (scale_channels(node, state, groups && node->opset < 21 ? count : in->dims[1], err) < 0)
        return -1;
    return leat_node_output_like(graph, node, in->type, in, err);
}

/* ---- MeanVarianceNormalization ---- */

struct variance {
    struct leat_walk kept, over;
    uint32_t axes;
};

#define VARIANCE(TYPE, T, ...)                                                          \
    static void variance_##T(const struct leat_walk *walk, const T *in, T *out)         \
    {                                                                                   \
        double sum = 0, squares = 0, n = 0;                                             \
        struct leat_walk_place place = {0};                                             \
        do {                                                                            \
            for (size_t i = 0; i < walk->inner; i++, n++)                               \
                sum += (double)in[place.at[0] + (int64_t)i * walk->step[0]];            \
        } while (leat_walk_next(walk, &place));                                         \
        const double mean = sum / n;                                                    \
        do {                                                                            \
            for (size_t i = 0; i < walk->inner; i++) {                                  \
                double x = (double)in[place.at[0] + (int64_t)i * walk->step[0]] - mean; \
                squares += x * x;                                                       \
            }                                                                           \
        } while (leat_walk_next(walk, &place));                                         \
        const double by = sqrt(squares / n) + 1e-9;                                     \
        do {                                                                            \
            for (size_t i = 0; i < walk->inner; i++) {                                  \
                int64_t at = place.at[0] + (int64_t)i * walk->step[0];                  \
                out[at] = (T)(((double)in[at] - mean) / by);                            \
            }                                                                           \
        } while (leat_walk_next(walk, &place));                                         \
    }
LEAT_FLOAT_TYPES(VARIANCE, )

static void run_variance(const struct leat_node *node, struct leat_run *run)
{
    const struct variance *state = node->state;
    const void *in = leat_node_in(node, run, 0);
    void *out = leat_node_out(node, run, 0);
    struct leat_walk_place place = {0};
    if (state->kept.inner == 0 || state->over.inner == 0)
        return;
    do {
        for (size_t i = 0; i < state->kept.inner; i++) {
            int64_t at = place.at[0] + (int64_t)i * state->kept.step[0];
            if (node->inputs[0]->type == LEAT_TENSOR_FLOAT)
                variance_float(&state->over, (const float *)in + at, (float *)out + at);
            else
                variance_double(&state->over, (const double *)in + at, (double *)out + at);
        }
    } while (leat_walk_next(&state->kept, &place));
}

static int prepare_variance(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    static const int64_t usual[] = {0, 2, 3};
    struct variance *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t own[LEAT_RANK_MAX], dims[2][LEAT_RANK_MAX], strides[2][LEAT_WALK_INPUTS][LEAT_WALK_RANK] = {0};
    uint32_t rank[2] = {0}, axis = 0;
    size_t count = 3;
    if (check_reals(node, 1, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0];
    const int64_t *axes = leat_node_has(node, "axes") ? leat_node_ints(node, "axes", &count) : usual;
    for (size_t i = 0; axes != NULL && i < count; i++) {
        if (leat_node_axis(node, axes[i], in->rank, &axis, err) < 0)
            return -1;
        state->axes |= 1u << axis;
    }
    leat_strides(in->rank, in->dims, own);
    for (axis = 0; axis < in->rank; axis++) {
        uint32_t side = state->axes >> axis & 1;
        strides[side][0][rank[side]] = own[axis];
        dims[side][rank[side]++] = in->dims[axis];
    }
    leat_walk_init(&state->kept, 1, rank[0], dims[0], strides[0]);
    leat_walk_init(&state->over, 1, rank[1], dims[1], strides[1]);
    node->state = state;
    return leat_node_output_like(graph, node, in->type, in, err);
}

static bool by_row_variance(const struct leat_node *node)
{
    const struct variance *state = node->state;
    return leat_by_row_first(node) && (state->axes & 1) == 0;
}

/* ---- the table ---- */

const struct leat_operator leat_ops_normalize[] = {
    {"", "Softmax", 1, 0, prepare_softmax, run_along, by_row_softmax, 1, 1},
    {"", "LogSoftmax", 1, 0, prepare_softmax, run_along, by_row_softmax, 1, 1},
    {"", "Hardmax", 1, 0, prepare_softmax, run_along, by_row_softmax, 1, 1},
    {"", "LpNormalization", 1, 0, prepare_lp, run_along, by_row_lp, 1, 1},
    {"", "BatchNormalization", 7, 0, prepare_batch, run_batch, by_row_batch, 5, 5},
    {"", "LayerNormalization", 17, 0, prepare_layer, run_stretches, by_row_layer, 3, 2},
    {"", "RMSNormalization", 23, 0, prepare_layer, run_stretches, by_row_layer, 2, 2},
    {"", "InstanceNormalization", 6, 0, prepare_channels, run_stretches, leat_by_row_first, 3, 3},
    {"", "GroupNormalization", 18, 0, prepare_channels, run_stretches, leat_by_row_first, 3, 3},
    {"", "MeanVarianceNormalization", 9, 0, prepare_variance, run_variance, by_row_variance, 1, 1},
    {0},
};
