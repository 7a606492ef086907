/* Inside the loader of XGBoost's models: what its parts share.
 *
 *   xgboost.c             the file, its parameters, objectives and boosters
 *   xgboost_trees.c       trees: splits, sets of categories, leaves of one or several values, rounds
 *   xgboost_categories.c  the table of categories as text or numbers, of 3.1 and later */
#ifndef LEAT_MODEL_XGBOOST_H
#define LEAT_MODEL_XGBOOST_H

#include "base/json.h"
#include "model/forest.h"

/* Sets of categories are bits, as the trainer has them, so that one large code needs many. Together they may take so
 * much, whatever the codes say, and so much for each byte of the file. */
#define LEAT_XGBOOST_SETS_BYTES ((size_t)64 << 20)
#define LEAT_XGBOOST_SETS_MULTIPLE 32

struct leat_xgboost_objective;

struct leat_xgboost {
    struct leat_forest *forest;
    const struct leat_model_options *options;
    const struct leat_xgboost_objective *objective;
    const struct leat_json *learner;
    size_t file_size;
    int64_t version_major, version_minor;
    struct leat_error *err;
};

#define leat_xgboost_refuse(l, ...) leat_error_set((l)->err, LEAT_ERROR_FINDING, __VA_ARGS__)

bool leat_xgboost_before(const struct leat_xgboost *l, int64_t major, int64_t minor); /* its version */

/* A member of a type; `where` is for the message. */
int leat_xgboost_need(struct leat_xgboost *l, const struct leat_json *object, const char *where, const char *name,
                      enum leat_json_type type, const struct leat_json **ret);
/* A count that the file writes as "3" or as 3; absent is `otherwise`. */
int leat_xgboost_count(struct leat_xgboost *l, const struct leat_json *object, const char *where, const char *name,
                       int64_t otherwise, int64_t max, int64_t *ret);

/* Everything of gradient_booster.model that is about trees. `dart`: their leaves count by `weights`, else NULL. */
int leat_xgboost_trees(struct leat_xgboost *l, const struct leat_json *model, const struct leat_json *weights);
int leat_xgboost_categories(struct leat_xgboost *l, const struct leat_json *model);

#endif
