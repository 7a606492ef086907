/* CatBoost's JSON (save_model with format="json"). */
#include "model/forest.h"

int leat_catboost_load(const char *name, struct leat_bytes file, struct leat_forest *ret, struct leat_error *err)
{
    (void)file;
    (void)ret;
    return leat_error_set(err, LEAT_ERROR_FINDING, "%s: CatBoost models are not read yet", name);
}
