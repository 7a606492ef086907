/* LinearClassifier and LinearRegressor. */
#include "model/onnx/operands.h"
#include "model/onnx/ops_ml.h"
#include "model/onnx/scores.h"

#include <math.h>
#include <string.h>

struct linear {
    size_t rows, features;
    size_t targets; /* rows of coefficients */
    size_t width;   /* scores of a row */
    const float *coefficients, *intercepts;
    enum leat_post_transform transform;
    struct leat_labels labels;
    size_t scores_at; /* within the workspace: behind a row of floats */
};

double leat_dot(const float *a, const float *b, size_t count)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t lane = 0; lane < 4; lane++)
            sums[lane] += (double)a[i + lane] * (double)b[i + lane];
    double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static int begin(struct leat_graph *graph, struct leat_node *node, struct linear **ret, struct leat_error *err)
{
    struct linear *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    const struct leat_tensor *x = leat_node_input(node, 0);
    node->state = state;
    *ret = state;
    if (!leat_type_is_float(x->type) && x->type != LEAT_TENSOR_INT32 && x->type != LEAT_TENSOR_INT64)
        return leat_node_refuse_type(node, 0, err);
    if (leat_rows_of(node, &state->rows, &state->features, err) < 0)
        return -1;
    return leat_post_transform_read(node, &state->transform, err);
}

static int finish(struct leat_graph *graph, struct leat_node *node, size_t coefficients, struct leat_error *err)
{
    struct linear *state = node->state;
    if (state->targets == 0 || state->targets > LEAT_TENSOR_ELEMENTS_MAX || state->coefficients == NULL ||
        coefficients != state->targets * state->features)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu coefficients for %zu targets of %zu features",
                              state->coefficients == NULL ? 0 : coefficients, state->targets, state->features);
    state->scores_at = (state->features * sizeof(float) + 63) / 64 * 64;
    return leat_node_workspace(graph, node, state->scores_at + (state->targets + 1) * sizeof(double), err);
}

/* The sums of one row, rounded to floats. */
static double *weigh(const struct leat_node *node, const struct leat_run *run, size_t row)
{
    const struct linear *state = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    float *values = (float *)(void *)(run->scratch + node->workspace);
    double *scores = (double *)(void *)(run->scratch + node->workspace + state->scores_at);
    leat_floats_of(x, leat_tensor_data(run, x), row * state->features, state->features, values);
    for (size_t i = 0; i < state->targets; i++) {
        double sum = leat_dot(values, state->coefficients + i * state->features, state->features);
        if (state->intercepts != NULL)
            sum += (double)state->intercepts[i];
        scores[i] = (double)(float)sum;
    }
    return scores;
}

/* ---- LinearRegressor ---- */

static void run_regressor(const struct leat_node *node, struct leat_run *run)
{
    const struct linear *state = node->state;
    float *out = leat_node_out(node, run, 0);
    for (size_t row = 0; row < state->rows; row++) {
        double *scores = weigh(node, run, row);
        leat_scores_finish(scores, state->targets, state->transform, LEAT_SECOND_NONE);
        for (size_t i = 0; i < state->targets; i++)
            out[row * state->targets + i] = (float)scores[i];
    }
}

int leat_prepare_linear_regressor(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct linear *state = NULL;
    size_t coefficients = 0;
    size_t intercepts = 0;
    if (begin(graph, node, &state, err) < 0)
        return -1;
    int64_t targets = leat_node_int(node, "targets", 1);
    state->targets = targets < 0 ? 0 : (size_t)targets;
    state->coefficients = leat_node_floats(node, "coefficients", &coefficients);
    state->intercepts = leat_node_floats(node, "intercepts", &intercepts);
    if (state->intercepts != NULL && intercepts != state->targets)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu intercepts for %zu targets", intercepts,
                              state->targets);
    if (finish(graph, node, coefficients, err) < 0)
        return -1;
    const int64_t dims[2] = {(int64_t)state->rows, (int64_t)state->targets};
    node->run = run_regressor;
    return leat_node_output(graph, node, 0, LEAT_TENSOR_FLOAT, 2, dims, err);
}

/* ---- LinearClassifier ---- */

static size_t label_of(const struct linear *state, const double *scores)
{
    if (state->targets == 1)
        return scores[0] > 0;
    size_t label = 0;
    for (size_t i = 1; i < state->targets; i++)
        label = scores[i] > scores[label] ? i : label;
    return label;
}

static void run_classifier(const struct leat_node *node, struct leat_run *run)
{
    const struct linear *state = node->state;
    void *labels = leat_node_out(node, run, 0);
    float *out = leat_node_out(node, run, 1);
    enum leat_second_score second = state->width == state->targets ? LEAT_SECOND_NONE : LEAT_SECOND_OPPOSITE;
    for (size_t row = 0; row < state->rows; row++) {
        double *scores = weigh(node, run, row);
        leat_labels_put(&state->labels, labels, row, label_of(state, scores));
        leat_scores_finish(scores, state->targets, state->transform, second);
        for (size_t i = 0; out != NULL && i < state->width; i++)
            out[row * state->width + i] = (float)scores[i];
    }
}

int leat_prepare_linear_classifier(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct linear *state = NULL;
    size_t coefficients = 0;
    size_t intercepts = 0;
    if (begin(graph, node, &state, err) < 0)
        return -1;
    state->labels = leat_labels_read(node, "classlabels_strings", "classlabels_ints");
    state->coefficients = leat_node_floats(node, "coefficients", &coefficients);
    state->intercepts = leat_node_floats(node, "intercepts", &intercepts);
    state->targets = state->intercepts != NULL && intercepts > 0 ? intercepts
                     : state->features > 0                       ? coefficients / state->features
                                                                 : 0;
    if (intercepts == 0)
        state->intercepts = NULL;
    if (finish(graph, node, coefficients, err) < 0)
        return -1;
    bool two = state->targets == 1 && state->labels.count == 2;
    if (!two && state->labels.count != state->targets)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu class labels for %zu scores", state->labels.count,
                              state->targets);
    if (state->targets == 1 && (!two || state->transform == LEAT_POST_PROBIT))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "does not run here: one score for %zu classes with this "
                              "post_transform",
                              state->labels.count);
    state->width = two ? 2 : state->targets;
    node->run = run_classifier;
    const int64_t dims[2] = {(int64_t)state->rows, (int64_t)state->width};
    if (leat_node_output(graph, node, 0, leat_labels_type(&state->labels), 1, dims, err) < 0)
        return -1;
    return leat_node_output(graph, node, 1, LEAT_TENSOR_FLOAT, 2, dims, err);
}
