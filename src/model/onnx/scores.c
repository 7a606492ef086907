#include "model/onnx/scores.h"

#include <float.h>
#include <math.h>

struct leat_bytes leat_shown(struct leat_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] > '~' || i == 60)
            return leat_bytes_of("(no name)");
    return text;
}

int leat_post_transform_read(const struct leat_node *node, enum leat_post_transform *ret, struct leat_error *err)
{
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    struct leat_bytes text = leat_node_text(node, "post_transform", "NONE");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (leat_bytes_is(text, names[i])) {
            *ret = (enum leat_post_transform)i;
            return 0;
        }
    }
    return leat_error_set(err, LEAT_ERROR_FINDING, "post_transform is '%.*s', which is none of the format's",
                          LEAT_BYTES_FORMAT(leat_shown(text)));
}

/* ---- transforms ---- */

static float logistic(float x)
{
    float v = 1 / (1 + expf(-fabsf(x)));
    return x < 0 ? 1 - v : v;
}

/* Winitzki's approximation of the inverse error function, with its constant 0.147. */
static float probit(float p)
{
    float x = 2 * p - 1;
    float sign = x < 0 ? -1.0f : 1.0f;
    float log = logf((1 - x) * (1 + x));
    float first = 2 / (3.14159265f * 0.147f) + 0.5f * log;
    float second = 1 / 0.147f * log;
    return 1.41421356f * (sign * sqrtf(-first + sqrtf(first * first - second)));
}

static float largest(const double *scores, size_t count)
{
    float max = -FLT_MAX;
    for (size_t i = 0; i < count; i++)
        max = (float)scores[i] > max ? (float)scores[i] : max;
    return max;
}

static void softmax(double *scores, size_t count)
{
    float max = largest(scores, count);
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        float value = expf((float)scores[i] - max);
        scores[i] = (double)value;
        sum += value;
    }
    for (size_t i = 0; i < count; i++)
        scores[i] = (double)((float)scores[i] / sum);
}

/* Scores of about 0 stay what they are (times e^-max), and are not in the sum. */
static void softmax_zero(double *scores, size_t count)
{
    float max = largest(scores, count);
    float scale = expf(-max);
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        float score = (float)scores[i];
        bool counts = score > 0.0000001f || score < -0.0000001f;
        float value = counts ? expf(score - max) : score * scale;
        scores[i] = (double)value;
        sum += counts ? value : 0;
    }
    for (size_t i = 0; i < count; i++)
        scores[i] = (double)((float)scores[i] / sum);
}

static void finish_several(double *scores, size_t count, enum leat_post_transform transform)
{
    if (transform == LEAT_POST_SOFTMAX)
        softmax(scores, count);
    if (transform == LEAT_POST_SOFTMAX_ZERO)
        softmax_zero(scores, count);
    for (size_t i = 0; transform == LEAT_POST_LOGISTIC && i < count; i++)
        scores[i] = (double)logistic((float)scores[i]);
    for (size_t i = 0; transform == LEAT_POST_PROBIT && i < count; i++)
        scores[i] = (double)probit((float)scores[i]);
}

void leat_scores_finish(double *scores, size_t count, enum leat_post_transform transform, enum leat_second_score second)
{
    if (count != 1) {
        finish_several(scores, count, transform);
        return;
    }
    double score = scores[0];
    if (transform == LEAT_POST_PROBIT) {
        scores[0] = (double)probit((float)score);
    } else if (second != LEAT_SECOND_NONE && transform == LEAT_POST_LOGISTIC) {
        scores[0] = (double)logistic((float)-score);
        scores[1] = (double)logistic((float)score);
    } else if (second == LEAT_SECOND_OPPOSITE) {
        scores[0] = 1 - score;
        scores[1] = score;
    } else if (second == LEAT_SECOND_NEGATED) {
        scores[0] = -score;
        scores[1] = score;
    }
}

/* ---- labels ---- */

struct leat_labels leat_labels_read(const struct leat_node *node, const char *texts, const char *numbers)
{
    struct leat_labels labels = {0};
    labels.texts = leat_node_texts(node, texts, &labels.count);
    if (labels.texts != NULL && labels.count > 0)
        return labels;
    labels.texts = NULL;
    labels.numbers = leat_node_ints(node, numbers, &labels.count);
    if (labels.numbers == NULL)
        labels.count = 0;
    return labels;
}

enum leat_tensor_type leat_labels_type(const struct leat_labels *labels)
{
    return labels->texts != NULL ? LEAT_TENSOR_STRING : LEAT_TENSOR_INT64;
}

void leat_labels_put(const struct leat_labels *labels, void *output, size_t row, size_t label)
{
    if (output == NULL)
        return;
    if (labels->texts != NULL)
        ((struct leat_bytes *)output)[row] = labels->texts[label];
    else
        ((int64_t *)output)[row] = labels->numbers[label];
}

/* ---- rows ---- */

int leat_rows_of(const struct leat_node *node, size_t *ret_rows, size_t *ret_features, struct leat_error *err)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    if (x->rank != 1 && x->rank != 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: its input has %u dimensions, not one or two",
                              x->rank);
    *ret_rows = x->rank == 1 ? 1 : (size_t)x->dims[0];
    *ret_features = (size_t)x->dims[x->rank - 1];
    return 0;
}

bool leat_by_matrix_row(const struct leat_node *node)
{
    const struct leat_tensor *x = leat_node_input(node, 0);
    return x->rank == 2 || !x->carries_row;
}

#define WIDEN(TYPE)                    \
    for (size_t i = 0; i < count; i++) \
    ret[i] = (float)((const TYPE *)data)[first + i]

void leat_floats_of(const struct leat_tensor *tensor, const void *data, size_t first, size_t count, float *ret)
{
    switch (tensor->type) {
    case LEAT_TENSOR_FLOAT:
        WIDEN(float);
        return;
    case LEAT_TENSOR_DOUBLE:
        WIDEN(double);
        return;
    case LEAT_TENSOR_INT32:
        WIDEN(int32_t);
        return;
    case LEAT_TENSOR_INT64:
        WIDEN(int64_t);
        return;
    default:
        leat_assert(false);
    }
}
