/* Binding: a version's features, by name, to the features that a function computes. */
#include "function/bound.h"

#include "base/map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "a, b, c" of names, shortened to what a message can hold. */
static void list_names(struct leat_buffer *out, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && out->len < 700; i++)
        leat_buffer_format(out, "%s%s", i ? ", " : "", names[i]);
    if (out->len >= 700)
        leat_buffer_append_text(out, ", …");
}

static int refuse_missing(const struct leat_function *function, const struct leat_version *version, const char *missing,
                          struct leat_error *err)
{
    LEAT_CLEAN_BUFFER wants = {0};
    LEAT_CLEAN_BUFFER has = {0};
    list_names(&wants, version->feature_names, version->feature_count);
    const char **names = leat_calloc(function->feature_count + 1, sizeof *names);
    for (size_t i = 0; i < function->feature_count; i++)
        names[i] = function->features[i].name;
    list_names(&has, names, function->feature_count);
    const char *nearest = leat_nearest(leat_bytes_of(missing), names, function->feature_count);
    leat_error_set(
        err, LEAT_ERROR_FINDING,
        "model %s/%u needs feature '%s', and %s does not make it%s%s%s\n  the model's %zu: %s\n  the function's %zu: %s",
        version->name, version->number, missing, function->file, nearest ? " (it makes '" : "", nearest ? nearest : "",
        nearest ? "')" : "", version->feature_count, leat_buffer_text(&wants), function->feature_count,
        leat_buffer_text(&has));
    free(names);
    return -1;
}

static int choose_output(const struct leat_function *function, const struct leat_version *version, size_t *ret,
                         struct leat_error *err)
{
    size_t outputs = leat_model_info(version->model)->output_count;
    if (function->model_output < 0 && outputs != 1)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "model %s/%u gives %zu outputs a row; say which one is the score: model.output: 0 … %zu",
                              version->name, version->number, outputs, outputs - 1);
    if (function->model_output >= 0 && (size_t)function->model_output >= outputs)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "model.output is %d, and model %s/%u gives %zu output%s a row (from 0)",
                              function->model_output, version->name, version->number, outputs, outputs == 1 ? "" : "s");
    *ret = function->model_output < 0 ? 0 : (size_t)function->model_output;
    return 0;
}

int leat_bound_new(const struct leat_function *function, struct leat_version *version, struct leat_bound **ret,
                   struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    size_t output;
    if (choose_output(function, version, &output, err) < 0)
        return -1;
    struct leat_map *index = leat_map_new();
    for (size_t f = 0; f < function->feature_count; f++)
        *leat_map_put(index, leat_bytes_of(function->features[f].name), NULL) = f;
    uint32_t *feature = leat_calloc(version->feature_count + 1, sizeof *feature);
    for (size_t i = 0; i < version->feature_count; i++) {
        const uint64_t *at = leat_map_find(index, leat_bytes_of(version->feature_names[i]));
        if (!at) {
            leat_map_free(index);
            free(feature);
            return refuse_missing(function, version, version->feature_names[i], err);
        }
        feature[i] = (uint32_t)*at;
    }
    leat_map_free(index);
    struct leat_bound *bound = leat_calloc(1, sizeof *bound);
    *bound = (struct leat_bound){.version = leat_version_ref(version),
                                 .feature = feature,
                                 .feature_count = version->feature_count,
                                 .output_count = info->output_count,
                                 .raw_count = info->raw_count,
                                 .output = output,
                                 .references = 1};
    *ret = bound;
    return 0;
}

struct leat_bound *leat_bound_ref(struct leat_bound *bound)
{
    if (bound)
        __atomic_add_fetch(&bound->references, 1, __ATOMIC_RELAXED);
    return bound;
}

void leat_bound_unref(struct leat_bound *bound)
{
    if (!bound || __atomic_sub_fetch(&bound->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    leat_version_unref(bound->version);
    free(bound->feature);
    free(bound);
}

const struct leat_version *leat_bound_version(const struct leat_bound *bound)
{
    return bound->version;
}
