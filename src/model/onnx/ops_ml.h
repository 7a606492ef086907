/* The operators of ai.onnx.ml that lie in files of their own; their table is in ops_ml.c. */
#ifndef LEAT_MODEL_ONNX_OPS_ML_H
#define LEAT_MODEL_ONNX_OPS_ML_H

#include "model/onnx/graph.h"

/* ml_encoders.c */
int leat_prepare_label_encoder(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
int leat_prepare_one_hot(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
int leat_prepare_category_mapper(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
/* ml_linear.c */
int leat_prepare_linear_classifier(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
int leat_prepare_linear_regressor(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
/* ml_vectors.c */
int leat_prepare_svm_classifier(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);
int leat_prepare_svm_regressor(struct leat_graph *graph, struct leat_node *node, struct leat_error *err);

/* Σ a·b of floats, in double. */
double leat_dot(const float *a, const float *b, size_t count);

#endif
