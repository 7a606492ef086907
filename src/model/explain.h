/* Contributions of the features to a margin.
 *
 * Trees: path-dependent TreeSHAP, the values of XGBoost's pred_contribs, LightGBM's pred_contrib and CatBoost's
 * ShapValues. On the way to one leaf of value v let each feature that is split on have o, 1 if the row takes all of its
 * splits there, else 0, and z, the share of the training rows that do. The leaf then gives feature i
 *
 *     v (o_i - z_i) ∫ from 0 to 1 of ∏ over j ≠ i of (t o_j + (1 - t) z_j) dt
 *
 * which is its Shapley value: t is the chance of each other feature to be known already. The integrand is a polynomial
 * in t, so that half as many Gauss-Legendre points as there are features on the way give the integral exactly. All
 * factors are in (0, 1], so nothing cancels; and all leaves share one walk over the tree: downwards the products, upwards
 * their sums. A row costs nodes × points, whatever the depth, and nothing that depends on the row is kept.
 *
 * Linear models: weight × value, of the difference to the mean where the file has means.
 * Graphs: occlusion, an approximation: how much the margin falls, in the mean, when the feature is taken from a row of
 * the background instead. */
#ifndef LEAT_MODEL_EXPLAIN_H
#define LEAT_MODEL_EXPLAIN_H

#include "model/model.h"

struct leat_forest;

/* Trees with a way of more splits than this are scored, but not explained. */
#define LEAT_EXPLAIN_DEPTH_MAX 256

/* How many of the background rows are looked at. */
#define LEAT_EXPLAIN_BACKGROUND_MAX 16

/* What a forest needs for it beside itself. NULL: it has no cover, or one that is no weight of rows, linear leaves, or
 * ways that are too long. The forest must outlive it. */
struct leat_explainer;
struct leat_explainer *leat_explainer_new(const struct leat_forest *forest);
void leat_explainer_free(struct leat_explainer *explainer); /* NULL is fine */
const char *leat_explainer_name(const struct leat_explainer *explainer);
size_t leat_explainer_bytes(const struct leat_explainer *explainer);
/* As leat_model_explain. */
void leat_explainer_run(const struct leat_explainer *explainer, const double *row, double *ret, void *scratch);
size_t leat_explainer_scratch(const struct leat_explainer *explainer);

/* For any model, by leat_model_predict; the two functions of a kind. */
#define LEAT_EXPLAIN_OCCLUSION "occlusion against background rows: approximate"
int leat_explain_occlusion(const struct leat_model *model, const double *row, const double *background,
                           size_t background_count, double *ret, void *scratch);
size_t leat_explain_occlusion_scratch(const struct leat_model *model);

#endif
