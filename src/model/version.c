/* The life of a version: counted references, any thread. */
#include "model/version.h"

#include <stdlib.h>

struct leat_version *leat_version_ref(struct leat_version *version)
{
    if (version)
        __atomic_add_fetch(&version->references, 1, __ATOMIC_RELAXED);
    return version;
}

void leat_version_unref(struct leat_version *version)
{
    if (version && __atomic_sub_fetch(&version->references, 1, __ATOMIC_ACQ_REL) == 0)
        version->release(version);
}

bool leat_version_explains(const struct leat_version *version)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    if (info->explanation == NULL)
        return false;
    double *row = leat_calloc(info->feature_count + 1, sizeof *row);
    double *contributions = leat_calloc(info->raw_count * (info->feature_count + 1) + 1, sizeof *contributions);
    void *scratch = aligned_alloc(64, (leat_model_explain_scratch(version->model) + 127) / 64 * 64);
    leat_assert(scratch != NULL);
    int result = leat_model_explain(version->model, row, version->background, version->background_count, contributions,
                                    scratch);
    free(row);
    free(contributions);
    free(scratch);
    return result == 0;
}
