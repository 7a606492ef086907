/* A model of one leaf, so that a test can say what the model says. */
#include "cmd/test.h"

#include "base/arena.h"
#include "base/json.h"
#include "model/version.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

struct fake_version {
    struct leat_version version;
    const char *feature;
};

static void release(struct leat_version *version)
{
    struct fake_version *fake = (struct fake_version *)version;
    leat_model_unref(fake->version.model);
    free(fake);
}

/* As LightGBM writes it, without an objective: the sums are the scores. One tree for each output that is asked for; two
 * where the sum is to be infinite, which no single leaf can be. */
static int make_model(const struct leat_function *function, double score, struct leat_model **ret,
                      struct leat_error *err)
{
    int outputs = function->model_output < 0 ? 1 : function->model_output + 1;
    int trees = isinf(score) ? 2 * outputs : outputs;
    char number[32];
    LEAT_CLEAN_BUFFER text = {0};
    leat_double_format(isinf(score) ? copysign(DBL_MAX, score) : score, number);
    leat_buffer_format(&text,
                       "tree\nversion=v4\nnum_class=%d\nnum_tree_per_iteration=%d\nlabel_index=0\nmax_feature_idx=0\n"
                       "feature_names=f\nfeature_infos=none\n\n",
                       outputs, outputs);
    for (int i = 0; i < trees; i++)
        leat_buffer_format(&text, "Tree=%d\nnum_leaves=1\nnum_cat=0\nleaf_value=%s\nshrinkage=1\n\n", i, number);
    leat_buffer_append_text(&text, "end of trees\n");
    return leat_model_load("the fake model", leat_buffer_view(&text), NULL, ret, err);
}

int leat_test_fake(const struct leat_function *function, const struct leat_fake *fake, struct leat_bound **ret,
                   struct leat_error *err)
{
    struct leat_model *model;
    if (make_model(function, fake->score, &model, err) < 0)
        return -1;
    struct fake_version *made = leat_calloc(1, sizeof *made);
    made->feature = function->features[0].name;
    made->version = (struct leat_version){
        .name = fake->name,
        .number = fake->number,
        .model = model,
        .feature_names = &made->feature,
        .feature_count = 1,
        .trained_at = fake->trained_at,
        .added_at = fake->trained_at,
        .threshold = fake->threshold,
        .references = 1,
        .release = release,
    };
    int result = leat_bound_new(function, &made->version, ret, err);
    leat_version_unref(&made->version);
    return result;
}
