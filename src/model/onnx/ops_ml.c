/* The operators of ai.onnx.ml but trees: here what changes numbers one by one, and the table of all. */
#include "model/onnx/ops_ml.h"

#include "model/onnx/operands.h"
#include "model/onnx/scores.h"

#include <math.h>
#include <string.h>

/* Numbers of an attribute for each feature, or one for all. */
struct by_feature {
    size_t rows, features;
    const float *offset, *scale; /* Scaler */
    const float *imputed;        /* Imputer */
    const int64_t *imputed_ints;
    float replaced;
    int64_t replaced_int;
    size_t step; /* 0: one for all */
};

static int check_type(const struct leat_node *node, struct leat_error *err)
{
    enum leat_tensor_type type = leat_node_input(node, 0)->type;
    if (type == LEAT_TENSOR_FLOAT || type == LEAT_TENSOR_DOUBLE || type == LEAT_TENSOR_INT32 ||
        type == LEAT_TENSOR_INT64)
        return 0;
    return leat_node_refuse_type(node, 0, err);
}

static int find_step(const struct by_feature *state, const char *name, size_t count, size_t *ret_step,
                     struct leat_error *err)
{
    if (count != state->features && count != 1)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s has %zu values, not 1 or %zu", name, count, state->features);
    *ret_step = count == 1 ? 0 : 1;
    return 0;
}

static int begin(struct leat_graph *graph, struct leat_node *node, struct by_feature **ret, struct leat_error *err)
{
    struct by_feature *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    node->state = state;
    *ret = state;
    if (check_type(node, err) < 0)
        return -1;
    return leat_rows_of(node, &state->rows, &state->features, err);
}

/* ---- Scaler: (x - offset) · scale ---- */

static void run_scaler(const struct leat_node *node, struct leat_run *run)
{
    const struct by_feature *s = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    const void *in = leat_tensor_data(run, x);
    float *out = leat_node_out(node, run, 0);
    for (size_t row = 0; row < s->rows; row++) {
        size_t first = row * s->features;
        if (x->type != LEAT_TENSOR_DOUBLE)
            leat_floats_of(x, in, first, s->features, out + first);
        for (size_t i = 0; i < s->features; i++) {
            float offset = s->offset[i * s->step];
            float scale = s->scale[i * s->step];
            if (x->type == LEAT_TENSOR_DOUBLE)
                out[first + i] = (float)((((const double *)in)[first + i] - (double)offset) * (double)scale);
            else
                out[first + i] = (out[first + i] - offset) * scale;
        }
    }
}

static int prepare_scaler(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct by_feature *state = NULL;
    size_t offsets = 0;
    size_t scales = 0;
    if (begin(graph, node, &state, err) < 0)
        return -1;
    state->offset = leat_node_floats(node, "offset", &offsets);
    state->scale = leat_node_floats(node, "scale", &scales);
    if (state->offset == NULL || state->scale == NULL || offsets != scales)
        return leat_error_set(err, LEAT_ERROR_FINDING, "offset and scale are not of the same length");
    if (find_step(state, "scale", scales, &state->step, err) < 0)
        return -1;
    return leat_node_output_like(graph, node, LEAT_TENSOR_FLOAT, leat_node_input(node, 0), err);
}

/* ---- Imputer ---- */

#define IMPUTE(TYPE, IS_REPLACED, VALUES)                                                               \
    for (size_t row = 0; row < s->rows; row++) {                                                        \
        for (size_t i = 0; i < s->features; i++) {                                                      \
            TYPE given = ((const TYPE *)in)[row * s->features + i];                                     \
            ((TYPE *)out)[row * s->features + i] = (IS_REPLACED) ? (TYPE)(VALUES)[i * s->step] : given; \
        }                                                                                               \
    }

static void run_imputer(const struct leat_node *node, struct leat_run *run)
{
    const struct by_feature *s = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    const void *in = leat_tensor_data(run, x);
    void *out = leat_node_out(node, run, 0);
    bool nan = isnan(s->replaced);
    if (x->type == LEAT_TENSOR_FLOAT)
        IMPUTE(float, given == s->replaced || (nan && isnan(given)), s->imputed)
    else if (x->type == LEAT_TENSOR_DOUBLE)
        IMPUTE(double, given == (double)s->replaced || (nan && isnan(given)), s->imputed)
    else if (x->type == LEAT_TENSOR_INT32)
        IMPUTE(int32_t, given == s->replaced_int, s->imputed_ints)
    else
        IMPUTE(int64_t, given == s->replaced_int, s->imputed_ints)
}

static int prepare_imputer(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct by_feature *state = NULL;
    size_t floats = 0;
    size_t ints = 0;
    if (begin(graph, node, &state, err) < 0)
        return -1;
    state->imputed = leat_node_floats(node, "imputed_value_floats", &floats);
    state->imputed_ints = leat_node_ints(node, "imputed_value_int64s", &ints);
    state->replaced = leat_node_float(node, "replaced_value_float", 0);
    state->replaced_int = leat_node_int(node, "replaced_value_int64", 0);
    bool is_float = leat_type_is_float(leat_node_input(node, 0)->type);
    if (is_float ? state->imputed == NULL : state->imputed_ints == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has no %s for its input",
                              is_float ? "imputed_value_floats" : "imputed_value_int64s");
    if (find_step(state, "imputed_value", is_float ? floats : ints, &state->step, err) < 0)
        return -1;
    return leat_node_output_like(graph, node, leat_node_input(node, 0)->type, leat_node_input(node, 0), err);
}

/* ---- Normalizer ---- */

static void divide(float *values, size_t count, float by)
{
    for (size_t i = 0; i < count && by != 0; i++)
        values[i] /= by;
}

static void normalize_max(float *values, size_t count)
{
    float max = -INFINITY;
    for (size_t i = 0; i < count; i++)
        max = values[i] > max ? values[i] : max;
    divide(values, count, max);
}

static void normalize_l1(float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)fabsf(values[i]);
    divide(values, count, (float)sum);
}

/* As ONNX Runtime does it: the root of x² over their sum, with the sign of x. */
static void normalize_l2(float *values, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    for (size_t i = 0; i < count && sum != 0; i++) {
        float root = sqrtf(values[i] * values[i] / sum);
        values[i] = values[i] < 0 ? -root : root;
    }
}

static const struct {
    const char *name;
    void (*normalize)(float *values, size_t count);
} norms[] = {{"MAX", normalize_max}, {"L1", normalize_l1}, {"L2", normalize_l2}};

struct normalizer {
    size_t rows, features;
    void (*normalize)(float *values, size_t count);
};

static void run_normalizer(const struct leat_node *node, struct leat_run *run)
{
    const struct normalizer *state = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    const void *in = leat_tensor_data(run, x);
    float *out = leat_node_out(node, run, 0);
    for (size_t row = 0; row < state->rows; row++) {
        leat_floats_of(x, in, row * state->features, state->features, out + row * state->features);
        state->normalize(out + row * state->features, state->features);
    }
}

static int prepare_normalizer(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct normalizer *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    struct leat_bytes norm = leat_node_text(node, "norm", "MAX");
    node->state = state;
    if (check_type(node, err) < 0 || leat_rows_of(node, &state->rows, &state->features, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        if (leat_bytes_is(norm, norms[i].name))
            state->normalize = norms[i].normalize;
    if (state->normalize == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "norm is '%.*s', not MAX, L1 or L2",
                              LEAT_BYTES_FORMAT(leat_shown(norm)));
    return leat_node_output_like(graph, node, LEAT_TENSOR_FLOAT, leat_node_input(node, 0), err);
}

/* ---- Binarizer ---- */

#define BINARIZE(TYPE)                    \
    for (size_t i = 0; i < x->count; i++) \
    ((TYPE *)out)[i] = (double)((const TYPE *)in)[i] > *threshold

static void run_binarizer(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    const double *threshold = node->state;
    const void *in = leat_tensor_data(run, x);
    void *out = leat_node_out(node, run, 0);
    switch (x->type) {
    case LEAT_TENSOR_FLOAT:
        for (size_t i = 0; i < x->count; i++)
            if (isnan(((const float *)in)[i]))
                leat_run_fail(run, "Binarizer: a value is missing");
        BINARIZE(float);
        return;
    case LEAT_TENSOR_DOUBLE:
        BINARIZE(double);
        return;
    case LEAT_TENSOR_INT32:
        BINARIZE(int32_t);
        return;
    default:
        BINARIZE(int64_t);
    }
}

static int prepare_binarizer(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    double *threshold = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *threshold);
    *threshold = (double)leat_node_float(node, "threshold", 0);
    node->state = threshold;
    if (check_type(node, err) < 0)
        return -1;
    return leat_node_output_like(graph, node, leat_node_input(node, 0)->type, leat_node_input(node, 0), err);
}

/* ---- FeatureVectorizer: inputs side by side, each cut or filled up with 0 to its length ---- */

struct vectorizer {
    size_t rows, width;
    const int64_t *lengths;
};

static void run_vectorizer(const struct leat_node *node, struct leat_run *run)
{
    const struct vectorizer *state = node->state;
    float *out = leat_node_out(node, run, 0);
    size_t at = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct leat_tensor *x = node->inputs[i];
        const void *in = leat_tensor_data(run, x);
        size_t width = state->rows == 0 ? 0 : x->count / state->rows;
        size_t length = (size_t)state->lengths[i];
        size_t taken = width < length ? width : length;
        for (size_t row = 0; row < state->rows; row++) {
            float *to = out + row * state->width + at;
            leat_floats_of(x, in, row * width, taken, to);
            memset(to + taken, 0, (length - taken) * sizeof *to);
        }
        at += length;
    }
}

static int prepare_vectorizer(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct vectorizer *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    size_t count = 0;
    node->state = state;
    state->lengths = leat_node_ints(node, "inputdimensions", &count);
    if (state->lengths == NULL || count != node->input_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "inputdimensions has %zu values for %u inputs",
                              state->lengths == NULL ? 0 : count, node->input_count);
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct leat_tensor *x = leat_node_input(node, i);
        if (x == NULL || x->rank == 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is a scalar or left out", i);
        if (!leat_type_is_float(x->type) && x->type != LEAT_TENSOR_INT32 && x->type != LEAT_TENSOR_INT64)
            return leat_node_refuse_type(node, i, err);
        size_t rows = x->rank == 1 ? 1 : (size_t)x->dims[0];
        if (i > 0 && rows != state->rows)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u has %zu rows, the first has %zu", i, rows,
                                  state->rows);
        state->rows = rows;
        if (state->lengths[i] < 0 || (size_t)state->lengths[i] > LEAT_TENSOR_ELEMENTS_MAX - state->width)
            return leat_error_set(err, LEAT_ERROR_FINDING, "inputdimensions[%u] is %lld", i,
                                  (long long)state->lengths[i]);
        state->width += (size_t)state->lengths[i];
    }
    const int64_t dims[2] = {(int64_t)state->rows, (int64_t)state->width};
    return leat_node_output(graph, node, 0, LEAT_TENSOR_FLOAT, 2, dims, err);
}

static bool vectorizer_by_row(const struct leat_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++)
        if (!node->inputs[i]->carries_row || node->inputs[i]->rank < 2)
            return false;
    return true;
}

/* ---- ArrayFeatureExtractor: places of the last axis ---- */

static void run_extractor(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    const struct leat_tensor *places = leat_node_input(node, 1);
    const int64_t *place = leat_tensor_data(run, places);
    size_t width = (size_t)x->dims[x->rank - 1];
    size_t size = leat_tensor_type_size(x->type);
    size_t rows = width == 0 ? 0 : x->count / width;
    const char *in = leat_tensor_data(run, x);
    char *out = leat_node_out(node, run, 0);
    for (size_t i = 0; i < places->count; i++) {
        bool found = place[i] >= 0 && (size_t)place[i] < width;
        if (!found)
            leat_run_fail(run, "ArrayFeatureExtractor: an index is beyond its tensor");
        for (size_t row = 0; row < rows; row++) {
            const char *from = in + (row * width + (found ? (size_t)place[i] : 0)) * size;
            memcpy(out + (row * places->count + i) * size, from, size);
        }
    }
}

static int prepare_extractor(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    const struct leat_tensor *places = leat_node_input(node, 1);
    if (places->type != LEAT_TENSOR_INT64)
        return leat_node_refuse_type(node, 1, err);
    if (x->rank == 0 || places->count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is a scalar, or there are no indices");
    int64_t dims[LEAT_RANK_MAX];
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = (int64_t)places->count;
    if (x->rank > 1)
        return leat_node_output(graph, node, 0, x->type, x->rank, dims, err);
    const int64_t matrix[2] = {1, (int64_t)places->count};
    return leat_node_output(graph, node, 0, x->type, 2, matrix, err);
}

static bool extractor_by_row(const struct leat_node *node)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    return !leat_node_input(node, 1)->carries_row && (x->rank > 1 || !x->carries_row);
}

/* ---- ZipMap: a sequence of maps, which nobody asks for; the graph gives what it was made from ---- */

static void run_zip_map(const struct leat_node *node, struct leat_run *run)
{
    (void)node;
    (void)run;
}

static int prepare_zip_map(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    struct leat_labels labels = leat_labels_read(node, "classlabels_strings", "classlabels_int64s");
    size_t rows = 0;
    size_t width = 0;
    if (x->type != LEAT_TENSOR_FLOAT)
        return leat_node_refuse_type(node, 0, err);
    if (leat_rows_of(node, &rows, &width, err) < 0)
        return -1;
    if (labels.count != width)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu class labels for %zu scores", labels.count, width);
    if (leat_node_output(graph, node, 0, x->type, x->rank, x->dims, err) < 0)
        return -1;
    if (node->outputs[0] != NULL)
        node->outputs[0]->sequence = true;
    return 0;
}

/* ---- the table ---- */

#define ML(NAME, SINCE, PREPARE, RUN, BY_ROW, MIN, MAX)                                               \
    {                                                                                                 \
        .domain = "ai.onnx.ml", .name = (NAME), .since = (SINCE), .prepare = (PREPARE), .run = (RUN), \
        .by_row = (BY_ROW), .min_inputs = (MIN), .max_inputs = (MAX)                                  \
    }

/* Those without a run here have prepare set it. */
const struct leat_operator leat_ops_ml[] = {
    ML("Scaler", 1, prepare_scaler, run_scaler, leat_by_matrix_row, 1, 1),
    ML("Imputer", 1, prepare_imputer, run_imputer, leat_by_matrix_row, 1, 1),
    ML("Normalizer", 1, prepare_normalizer, run_normalizer, leat_by_matrix_row, 1, 1),
    ML("Binarizer", 1, prepare_binarizer, run_binarizer, leat_by_row_first, 1, 1),
    ML("FeatureVectorizer", 1, prepare_vectorizer, run_vectorizer, vectorizer_by_row, 1, 0),
    ML("ArrayFeatureExtractor", 1, prepare_extractor, run_extractor, extractor_by_row, 2, 2),
    ML("ZipMap", 1, prepare_zip_map, run_zip_map, leat_by_row_first, 1, 1),
    ML("LabelEncoder", 1, leat_prepare_label_encoder, NULL, leat_by_row_first, 1, 1),
    ML("OneHotEncoder", 1, leat_prepare_one_hot, NULL, leat_by_row_first, 1, 1),
    ML("CategoryMapper", 1, leat_prepare_category_mapper, NULL, leat_by_row_first, 1, 1),
    ML("LinearClassifier", 1, leat_prepare_linear_classifier, NULL, leat_by_matrix_row, 1, 1),
    ML("LinearRegressor", 1, leat_prepare_linear_regressor, NULL, leat_by_matrix_row, 1, 1),
    ML("SVMClassifier", 1, leat_prepare_svm_classifier, NULL, leat_by_matrix_row, 1, 1),
    ML("SVMRegressor", 1, leat_prepare_svm_regressor, NULL, leat_by_matrix_row, 1, 1),
    {.name = NULL},
};
