/* SVMClassifier and SVMRegressor: support vectors with their kernels, or a linear model where there are none. */
#include "model/onnx/operands.h"
#include "model/onnx/ops_ml.h"
#include "model/onnx/scores.h"

#include <math.h>
#include <string.h>

enum svm_kernel {
    KERNEL_LINEAR,
    KERNEL_POLY,
    KERNEL_RBF,
    KERNEL_SIGMOID,
};

struct svm {
    size_t rows, features;
    enum svm_kernel kernel;
    float gamma, coef0, degree;
    const float *vectors, *coefficients, *rho;
    size_t vector_count, coefficient_count, rho_count;
    bool one_class;
    enum leat_post_transform transform;
    struct leat_labels labels; /* of classifiers, as all below */
    size_t class_count;
    size_t pair_count;
    const int64_t *per_class;
    size_t *starts;
    const float *prob_a, *prob_b; /* NULL: no probabilities */
    bool all_positive;
    size_t width;                                                /* scores of a row */
    size_t kernels_at, pairs_at, scores_at, votes_at, matrix_at; /* within the workspace, behind a row of floats */
};

/* ---- kernels ---- */

static double squared_distance(const float *a, const float *b, size_t count)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        for (size_t lane = 0; lane < 4; lane++) {
            double difference = (double)a[i + lane] - (double)b[i + lane];
            sums[lane] += difference * difference;
        }
    }
    double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < count; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

static double kernel_of(const struct svm *s, const float *a, const float *b)
{
    if (s->kernel == KERNEL_RBF)
        return exp(-(double)s->gamma * squared_distance(a, b, s->features));
    double dot = leat_dot(a, b, s->features);
    if (s->kernel == KERNEL_LINEAR)
        return dot;
    double scaled = (double)s->gamma * dot + (double)s->coef0;
    return s->kernel == KERNEL_SIGMOID ? tanh(scaled) : pow(scaled, (double)s->degree);
}

/* ---- reading ---- */

static int read_kernel(const struct leat_node *node, struct svm *s, struct leat_error *err)
{
    static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    struct leat_bytes text = leat_node_text(node, "kernel_type", "LINEAR");
    size_t count = 0;
    size_t kind = 0;
    while (kind < 4 && !leat_bytes_is(text, names[kind]))
        kind++;
    if (kind == 4)
        return leat_error_set(err, LEAT_ERROR_FINDING, "kernel_type is '%.*s', which is none of the format's",
                              LEAT_BYTES_FORMAT(leat_shown(text)));
    s->kernel = (enum svm_kernel)kind;
    const float *params = leat_node_floats(node, "kernel_params", &count);
    if (params == NULL || count == 0)
        return 0;
    if (count != 3)
        return leat_error_set(err, LEAT_ERROR_FINDING, "kernel_params has %zu values, not 3", count);
    s->gamma = params[0];
    s->coef0 = params[1];
    s->degree = params[2];
    return 0;
}

static int begin(struct leat_graph *graph, struct leat_node *node, struct svm **ret, struct leat_error *err)
{
    struct svm *s = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *s);
    const struct leat_tensor *x = leat_node_input(node, 0);
    node->state = s;
    *ret = s;
    if (!leat_type_is_float(x->type) && x->type != LEAT_TENSOR_INT32 && x->type != LEAT_TENSOR_INT64)
        return leat_node_refuse_type(node, 0, err);
    if (leat_rows_of(node, &s->rows, &s->features, err) < 0 || read_kernel(node, s, err) < 0 ||
        leat_post_transform_read(node, &s->transform, err) < 0)
        return -1;
    s->coefficients = leat_node_floats(node, "coefficients", &s->coefficient_count);
    s->rho = leat_node_floats(node, "rho", &s->rho_count);
    if (s->coefficients == NULL || s->coefficient_count == 0 || s->rho == NULL || s->rho_count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has no coefficients or no rho");
    return 0;
}

static int read_vectors(const struct leat_node *node, struct svm *s, struct leat_error *err)
{
    size_t count = 0;
    s->vectors = leat_node_floats(node, "support_vectors", &count);
    if (s->vectors == NULL || s->vector_count > LEAT_TENSOR_ELEMENTS_MAX || count != s->vector_count * s->features)
        return leat_error_set(err, LEAT_ERROR_FINDING, "support_vectors has %zu numbers for %zu vectors of %zu features",
                              s->vectors == NULL ? 0 : count, s->vector_count, s->features);
    return 0;
}

static int lay_out(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct svm *s = node->state;
    size_t classes = s->class_count;
    s->kernels_at = (s->features * sizeof(float) + 63) / 64 * 64;
    s->pairs_at = s->kernels_at + s->vector_count * sizeof(double);
    s->scores_at = s->pairs_at + s->pair_count * sizeof(double);
    s->votes_at = s->scores_at + (s->pair_count + classes + 2) * sizeof(double);
    s->matrix_at = s->votes_at + classes * sizeof(size_t);
    size_t matrices = s->prob_a == NULL ? 0 : (2 * classes * classes + classes) * sizeof(float);
    return leat_node_workspace(graph, node, s->matrix_at + matrices, err);
}

/* ---- a row ---- */

static double *workspace_doubles(const struct leat_node *node, const struct leat_run *run, size_t at)
{
    return (double *)(void *)(run->scratch + node->workspace + at);
}

/* The row as floats. */
static const float *row_of(const struct leat_node *node, const struct leat_run *run, size_t row)
{
    const struct svm *s = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    float *values = (float *)(void *)(run->scratch + node->workspace);
    leat_floats_of(x, leat_tensor_data(run, x), row * s->features, s->features, values);
    return values;
}

static const double *kernels_of(const struct leat_node *node, const struct leat_run *run, const float *values)
{
    const struct svm *s = node->state;
    double *kernels = workspace_doubles(node, run, s->kernels_at);
    for (size_t i = 0; i < s->vector_count; i++)
        kernels[i] = (double)(float)kernel_of(s, values, s->vectors + i * s->features);
    return kernels;
}

/* ---- SVMRegressor ---- */

static void run_regressor(const struct leat_node *node, struct leat_run *run)
{
    const struct svm *s = node->state;
    float *out = leat_node_out(node, run, 0);
    for (size_t row = 0; row < s->rows; row++) {
        const float *values = row_of(node, run, row);
        double sum = (double)s->rho[0];
        if (s->vector_count == 0)
            sum += leat_dot(values, s->coefficients, s->features);
        const double *kernels = kernels_of(node, run, values);
        for (size_t i = 0; i < s->vector_count; i++)
            sum += kernels[i] * (double)s->coefficients[i];
        out[row] = s->one_class ? ((float)sum > 0 ? 1.0f : -1.0f) : (float)sum;
    }
}

int leat_prepare_svm_regressor(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct svm *s = NULL;
    if (begin(graph, node, &s, err) < 0)
        return -1;
    int64_t vectors = leat_node_int(node, "n_supports", 0);
    s->vector_count = vectors < 0 ? 0 : (size_t)vectors;
    s->one_class = leat_node_int(node, "one_class", 0) != 0;
    if (s->vector_count > 0 && read_vectors(node, s, err) < 0)
        return -1;
    size_t wanted = s->vector_count > 0 ? s->vector_count : s->features;
    if (s->coefficient_count != wanted)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu coefficients, not %zu", s->coefficient_count, wanted);
    if (lay_out(graph, node, err) < 0)
        return -1;
    const int64_t dims[2] = {(int64_t)s->rows, 1};
    node->run = run_regressor;
    return leat_node_output(graph, node, 0, LEAT_TENSOR_FLOAT, 2, dims, err);
}

/* ---- SVMClassifier: each pair of classes decides, and votes ---- */

static double decide(const struct svm *s, const double *kernels, size_t i, size_t j, size_t pair)
{
    const float *of_i = s->coefficients + s->vector_count * (j - 1) + s->starts[i];
    const float *of_j = s->coefficients + s->vector_count * i + s->starts[j];
    double sum = 0;
    for (size_t m = 0; m < (size_t)s->per_class[i]; m++)
        sum += (double)of_i[m] * kernels[s->starts[i] + m];
    for (size_t m = 0; m < (size_t)s->per_class[j]; m++)
        sum += (double)of_j[m] * kernels[s->starts[j] + m];
    return sum + (double)s->rho[pair];
}

/* Returns the class with the most votes, the first of them. */
static size_t vote(const struct leat_node *node, const struct leat_run *run, const double *kernels)
{
    const struct svm *s = node->state;
    double *pairs = workspace_doubles(node, run, s->pairs_at);
    size_t *votes = (size_t *)(void *)(run->scratch + node->workspace + s->votes_at);
    memset(votes, 0, s->class_count * sizeof *votes);
    size_t pair = 0;
    for (size_t i = 0; i + 1 < s->class_count; i++) {
        for (size_t j = i + 1; j < s->class_count; j++, pair++) {
            double sum = decide(s, kernels, i, j, pair);
            pairs[pair] = (double)(float)sum;
            votes[sum > 0 ? i : j]++;
        }
    }
    size_t most = 0;
    for (size_t i = 1; i < s->class_count; i++)
        most = votes[i] > votes[most] ? i : most;
    return most;
}

static float platt(float score, float a, float b)
{
    float x = score * a + b;
    float v = 1 / (1 + expf(-fabsf(x)));
    float p = 1 - (x < 0 ? 1 - v : v);
    return p < 1.0e-7f ? 1.0e-7f : p > 1 - 1.0e-7f ? 1 - 1.0e-7f : p;
}

/* Pairwise coupling: the second method of Wu, Lin and Weng (2004), as libsvm and ONNX Runtime have it; r[i][j] is the
 * probability of i in the pair of i and j. Floats, and the stop at 0.005 / classes, as there: its result is defined by
 * where it stops. */
static void couple(size_t classes, const float *r, float *q, float *qp, double *ret)
{
    for (size_t i = 0; i < classes; i++) {
        ret[i] = (double)(1.0f / (float)classes);
        float diagonal = 0;
        for (size_t j = 0; j < classes; j++) {
            float other = r[j * classes + i];
            if (j != i)
                diagonal += other * other;
            q[i * classes + j] = j == i ? 0 : j < i ? q[j * classes + i] : -other * r[i * classes + j];
        }
        q[i * classes + i] = diagonal;
    }
    for (int round = 0; round < 100; round++) {
        float pqp = 0;
        for (size_t i = 0; i < classes; i++) {
            qp[i] = 0;
            for (size_t j = 0; j < classes; j++)
                qp[i] += q[i * classes + j] * (float)ret[j];
            pqp += (float)ret[i] * qp[i];
        }
        float error = 0;
        for (size_t i = 0; i < classes; i++)
            error = fabsf(qp[i] - pqp) > error ? fabsf(qp[i] - pqp) : error;
        if (error < 0.005f / (float)classes)
            return;
        for (size_t i = 0; i < classes; i++) {
            float step = (-qp[i] + pqp) / q[i * classes + i];
            ret[i] = (double)((float)ret[i] + step);
            pqp = (pqp + step * (step * q[i * classes + i] + 2 * qp[i])) / (1 + step) / (1 + step);
            for (size_t j = 0; j < classes; j++) {
                qp[j] = (qp[j] + step * q[i * classes + j]) / (1 + step);
                ret[j] = (double)((float)ret[j] / (1 + step));
            }
        }
    }
}

static void probabilities(const struct leat_node *node, const struct leat_run *run, double *ret)
{
    const struct svm *s = node->state;
    size_t classes = s->class_count;
    const double *pairs = workspace_doubles(node, run, s->pairs_at);
    float *r = (float *)(void *)(run->scratch + node->workspace + s->matrix_at);
    float *q = r + classes * classes;
    memset(r, 0, classes * classes * sizeof *r);
    size_t pair = 0;
    for (size_t i = 0; i + 1 < classes; i++) {
        for (size_t j = i + 1; j < classes; j++, pair++) {
            float p = platt((float)pairs[pair], s->prob_a[pair], s->prob_b[pair]);
            r[i * classes + j] = p;
            r[j * classes + i] = 1 - p;
        }
    }
    couple(classes, r, q, q + classes * classes, ret);
}

/* The scores of a row in `ret`; returns its label. */
static size_t score_vectors(const struct leat_node *node, const struct leat_run *run, const float *values, double *ret)
{
    const struct svm *s = node->state;
    size_t label = vote(node, run, kernels_of(node, run, values));
    if (s->prob_a != NULL) {
        probabilities(node, run, ret);
        leat_scores_finish(ret, s->class_count, s->transform, LEAT_SECOND_NONE);
        return label;
    }
    memcpy(ret, workspace_doubles(node, run, s->pairs_at), s->pair_count * sizeof *ret);
    leat_scores_finish(ret, s->pair_count, s->transform,
                       s->transform == LEAT_POST_NONE ? LEAT_SECOND_NEGATED : LEAT_SECOND_OPPOSITE);
    return label;
}

static size_t score_linear(const struct svm *s, const float *values, double *ret)
{
    size_t label = 0;
    for (size_t i = 0; i < s->class_count; i++) {
        double sum = leat_dot(values, s->coefficients + i * s->features, s->features) + (double)s->rho[0];
        ret[i] = (double)(float)sum;
        label = ret[i] > ret[label] ? i : label;
    }
    if (s->class_count == 2 && s->prob_a == NULL && (s->all_positive ? ret[label] >= 0.5 : ret[label] > 0))
        label = 1;
    leat_scores_finish(ret, s->class_count, s->transform, LEAT_SECOND_NONE);
    return label;
}

static void run_classifier(const struct leat_node *node, struct leat_run *run)
{
    const struct svm *s = node->state;
    void *labels = leat_node_out(node, run, 0);
    float *out = leat_node_out(node, run, 1);
    double *scores = workspace_doubles(node, run, s->scores_at);
    for (size_t row = 0; row < s->rows; row++) {
        const float *values = row_of(node, run, row);
        size_t label = s->vector_count > 0 ? score_vectors(node, run, values, scores) : score_linear(s, values, scores);
        leat_labels_put(&s->labels, labels, row, label);
        for (size_t i = 0; out != NULL && i < s->width; i++)
            out[row * s->width + i] = (float)scores[i];
    }
}

static int read_classes(struct leat_graph *graph, const struct leat_node *node, struct svm *s, struct leat_error *err)
{
    size_t count = 0;
    s->labels = leat_labels_read(node, "classlabels_strings", "classlabels_ints");
    s->class_count = s->labels.count;
    if (s->class_count == 0 || s->class_count > (1u << 12))
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu class labels", s->class_count);
    s->pair_count = s->class_count * (s->class_count - 1) / 2;
    s->per_class = leat_node_ints(node, "vectors_per_class", &count);
    if (s->per_class == NULL || count == 0)
        return 0;
    if (count != s->class_count || s->class_count < 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "vectors_per_class has %zu values for %zu classes", count,
                              s->class_count);
    s->starts = leat_arena_zalloc(leat_graph_arena(graph), count, sizeof *s->starts);
    for (size_t i = 0; i < count; i++) {
        if (s->per_class[i] < 0 || s->per_class[i] > (int64_t)LEAT_TENSOR_ELEMENTS_MAX)
            return leat_error_set(err, LEAT_ERROR_FINDING, "vectors_per_class[%zu] is %lld", i,
                                  (long long)s->per_class[i]);
        s->starts[i] = s->vector_count;
        s->vector_count += (size_t)s->per_class[i];
    }
    return 0;
}

static int read_probabilities(const struct leat_node *node, struct svm *s, struct leat_error *err)
{
    size_t a = 0;
    size_t b = 0;
    s->prob_a = leat_node_floats(node, "prob_a", &a);
    s->prob_b = leat_node_floats(node, "prob_b", &b);
    if (s->prob_a == NULL || a == 0) {
        s->prob_a = NULL;
        return 0;
    }
    if (s->prob_b == NULL || a != b || (s->vector_count > 0 && a != s->pair_count))
        return leat_error_set(err, LEAT_ERROR_FINDING, "prob_a and prob_b have %zu and %zu values for %zu pairs", a, b,
                              s->pair_count);
    return 0;
}

static int check_counts(const struct svm *s, struct leat_error *err)
{
    size_t wanted = s->vector_count > 0 ? s->vector_count * (s->class_count - 1) : s->class_count * s->features;
    if (s->coefficient_count != wanted)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu coefficients, not %zu", s->coefficient_count, wanted);
    if (s->vector_count > 0 && s->rho_count != s->pair_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "rho has %zu values, not %zu", s->rho_count, s->pair_count);
    if (s->vector_count > 0 && s->class_count == 2 && s->prob_a == NULL && s->transform == LEAT_POST_PROBIT)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: PROBIT of one score for two classes");
    return 0;
}

int leat_prepare_svm_classifier(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct svm *s = NULL;
    if (begin(graph, node, &s, err) < 0 || read_classes(graph, node, s, err) < 0)
        return -1;
    if (s->vector_count > 0 && read_vectors(node, s, err) < 0)
        return -1;
    if (read_probabilities(node, s, err) < 0 || check_counts(s, err) < 0)
        return -1;
    s->all_positive = true;
    for (size_t i = 0; i < s->coefficient_count; i++)
        s->all_positive = s->all_positive && s->coefficients[i] >= 0;
    bool pairs = s->vector_count > 0 && s->prob_a == NULL;
    s->width = pairs && s->class_count > 2 ? s->pair_count : s->class_count;
    if (lay_out(graph, node, err) < 0)
        return -1;
    const int64_t dims[2] = {(int64_t)s->rows, (int64_t)s->width};
    node->run = run_classifier;
    if (leat_node_output(graph, node, 0, leat_labels_type(&s->labels), 1, dims, err) < 0)
        return -1;
    return leat_node_output(graph, node, 1, LEAT_TENSOR_FLOAT, 2, dims, err);
}
