/* What the classifiers and regressors of ai.onnx.ml do with their sums, as ONNX Runtime does it
 * (docs/reference/models.md lists where the specification says otherwise). */
#ifndef LEAT_MODEL_ONNX_SCORES_H
#define LEAT_MODEL_ONNX_SCORES_H

#include "model/onnx/graph.h"

/* What a message may show of a text of the file: the text when it is short and printable. */
struct leat_bytes leat_shown(struct leat_bytes text);

/* With TreeEnsemble 5's numbers. */
enum leat_post_transform {
    LEAT_POST_NONE,
    LEAT_POST_SOFTMAX,
    LEAT_POST_LOGISTIC,
    LEAT_POST_SOFTMAX_ZERO,
    LEAT_POST_PROBIT,
};
/* The attribute post_transform. */
int leat_post_transform_read(const struct leat_node *node, enum leat_post_transform *ret, struct leat_error *err);

/* How a single score of a binary classifier becomes two; with LOGISTIC they are the probabilities of -s and s. */
enum leat_second_score {
    LEAT_SECOND_NONE,     /* it stays one */
    LEAT_SECOND_OPPOSITE, /* 1 - s, s */
    LEAT_SECOND_NEGATED,  /* -s, s */
};

/* In place; `scores` has room for two. Sums are double only so that there is one such function; the transforms are
 * those of floats. */
void leat_scores_finish(double *scores, size_t count, enum leat_post_transform transform, enum leat_second_score second);

/* The names of classes: one of two attributes, texts before numbers. */
struct leat_labels {
    const struct leat_bytes *texts; /* NULL: numbers */
    const int64_t *numbers;
    size_t count;
};
struct leat_labels leat_labels_read(const struct leat_node *node, const char *texts, const char *numbers);
enum leat_tensor_type leat_labels_type(const struct leat_labels *labels);
/* `output` NULL: not wanted. */
void leat_labels_put(const struct leat_labels *labels, void *output, size_t row, size_t label);

/* A matrix of rows, or one row: how most operators of ai.onnx.ml take input 0. */
int leat_rows_of(const struct leat_node *node, size_t *ret_rows, size_t *ret_features, struct leat_error *err);
bool leat_by_matrix_row(const struct leat_node *node);
/* A number of a tensor of numbers as a float, and as a double. */
void leat_floats_of(const struct leat_tensor *tensor, const void *data, size_t first, size_t count, float *ret);

#endif
