/* The versions in the registry: does each load, is it what its trainer said, and does the function make its features? */
#include "cmd/check.h"

#include "base/map.h"
#include "base/time.h"
#include "registry/control.h"
#include "registry/versions.h"

#include <stdlib.h>
#include <string.h>

/* Does a feature, or one that it is made of, need a source whose silence makes the model stale? */
static const struct leat_source *fresh_source_of(const struct leat_function *function, size_t feature)
{
    const struct leat_expr *expr = function->features[feature].expr;
    for (size_t w = 0; w < function->window_count; w++) {
        const struct leat_function_window *window = &function->windows[w];
        const struct leat_source *source = &function->sources[window->source];
        if (source->error_after > 0 &&
            leat_expr_reads(expr, window->frame_slot, window->frame_slot + window->plan.aggregate_count))
            return source;
    }
    for (size_t l = 0; l < function->lookup_count; l++) {
        const struct leat_function_lookup *lookup = &function->lookups[l];
        const struct leat_source *source = &function->sources[lookup->source];
        if (source->error_after > 0 &&
            leat_expr_reads(expr, lookup->frame_slot, lookup->frame_slot + source->table.column_count))
            return source;
    }
    for (size_t f = 0; f < feature; f++) { /* a feature uses only those above it */
        size_t slot = function->frame_features + f;
        const struct leat_source *source = leat_expr_reads(expr, slot, slot + 1) ? fresh_source_of(function, f) : NULL;
        if (source)
            return source;
    }
    return NULL;
}

static void check_fallback(struct leat_check *check, const struct leat_version *version)
{
    const struct leat_function *function = check->function;
    for (size_t i = 0; i < version->feature_count; i++)
        for (size_t f = 0; f < function->feature_count; f++) {
            const struct leat_source *source = strcmp(function->features[f].name, version->feature_names[i]) == 0
                                                   ? fresh_source_of(function, f)
                                                   : NULL;
            if (source)
                leat_check_find(check, true,
                                "the fallback %s/%u uses '%s', which is made from '%s': when that is silent the fallback "
                                "serves on stale values too",
                                version->name, version->number, function->features[f].name, source->name);
        }
}

static bool uses(const struct leat_version *version, const char *feature)
{
    for (size_t i = 0; i < version->feature_count; i++)
        if (strcmp(version->feature_names[i], feature) == 0)
            return true;
    return false;
}

/* Is it part of another feature, or of the output? */
static bool is_read(const struct leat_function *function, size_t feature)
{
    size_t slot = function->frame_features + feature;
    for (size_t f = feature + 1; f < function->feature_count; f++)
        if (leat_expr_reads(function->features[f].expr, slot, slot + 1))
            return true;
    for (size_t i = 0; i < function->output_count; i++)
        if (function->outputs[i].expr && leat_expr_reads(function->outputs[i].expr, slot, slot + 1))
            return true;
    return false;
}

/* Features that are made, and that neither the newest version nor anything in the file uses. */
static void note_unused(struct leat_check *check, const struct leat_version *version)
{
    const struct leat_function *function = check->function;
    LEAT_CLEAN_BUFFER names = {0};
    size_t count = 0;
    for (size_t f = 0; f < function->feature_count; f++) {
        if (uses(version, function->features[f].name) || is_read(function, f))
            continue;
        if (names.len < 300)
            leat_buffer_format(&names, "%s%s", count ? ", " : "", function->features[f].name);
        count++;
    }
    if (count > 0)
        leat_check_find(check, true, "%s/%u does not use %zu of the function's features: %s%s", version->name,
                        version->number, count, leat_buffer_text(&names), names.len < 300 ? "" : ", …");
}

static void describe(struct leat_check *check, const struct leat_version *version, struct leat_check_version *ret)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    LEAT_CLEAN_BUFFER answers = {0};
    LEAT_CLEAN_BUFFER categories = {0};
    leat_model_answer_list(version->model, &answers);
    ret->format = leat_arena_strdup(&check->arena, info->format);
    ret->kernel = leat_arena_strdup(&check->arena, info->kernel);
    ret->explanation = leat_version_explains(version) ? leat_arena_strdup(&check->arena, info->explanation) : NULL;
    ret->lacks_rows = info->explanation != NULL && ret->explanation == NULL;
    ret->answers = leat_arena_strdup(&check->arena, leat_buffer_text(&answers));
    for (size_t i = 0; info->feature_kinds && i < info->feature_count && categories.len < 300; i++)
        if (info->feature_kinds[i] != LEAT_FEATURE_NUMBER)
            leat_buffer_format(&categories, "%s%s (%s)", categories.len > 0 ? ", " : "", version->feature_names[i],
                               leat_feature_kind_name(info->feature_kinds[i]));
    ret->categories = leat_arena_format(&check->arena, "%s%s", leat_buffer_text(&categories),
                                        categories.len < 300 ? "" : ", …");
}

/* `newest`: what does not fit is a finding; of an older version it is a note. */
static void check_version(struct leat_check *check, const char *model, uint32_t number, bool newest)
{
    const struct leat_function *function = check->function;
    struct leat_check_version *ret = &check->versions[check->version_count++];
    struct leat_version *version = NULL;
    struct leat_bound *bound = NULL;
    struct leat_error err = {0};
    *ret = (struct leat_check_version){.model = model, .number = number};
    if (leat_registry_load(function->registry, model, number, &version, &err) == 0) {
        ret->parity_rows = version->parity_rows;
        ret->features = version->feature_count;
        describe(check, version, ret);
        ret->fits = leat_bound_new(function, version, &bound, &err) == 0;
    }
    if (!ret->fits) {
        ret->why = leat_arena_strdup(&check->arena, err.text);
        leat_check_find(check, !newest, "%s/%u: %s", model, number, err.text);
    }
    bool fallback = function->fallback_name && strcmp(model, function->fallback_name) == 0;
    if (ret->fits && newest && fallback)
        check_fallback(check, version);
    if (ret->fits && newest && !fallback)
        note_unused(check, version);
    leat_bound_unref(bound);
    leat_version_unref(version);
}

static int note_absent(struct leat_check *check, const char *model, struct leat_error *err)
{
    const char *registry = check->function->registry;
    char **names = NULL;
    size_t count = 0;
    if (leat_registry_names(registry, &names, &count, err) < 0)
        return -1;
    const char *near = leat_nearest(leat_bytes_of(model), (const char *const *)names, count);
    leat_check_find(check, true, "model '%s' has no version in %s yet%s%s%s: leat model add %s FILE --registry %s",
                    model, registry, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", model,
                    registry);
    free(names);
    return 0;
}

static int check_model(struct leat_check *check, const char *model, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(check->function->registry, model, &numbers, &count, err) < 0)
        return -1;
    if (count == 0 && note_absent(check, model, err) < 0)
        return -1;
    struct leat_check_version *versions = leat_arena_zalloc(&check->arena, check->version_count + count + 1,
                                                            sizeof *versions);
    if (check->version_count > 0)
        memcpy(versions, check->versions, check->version_count * sizeof *versions);
    check->versions = versions;
    for (size_t i = 0; i < count; i++)
        check_version(check, model, numbers[i], i + 1 == count);
    free(numbers);
    return 0;
}

int leat_check_models(struct leat_check *check, struct leat_error *err)
{
    const struct leat_function *function = check->function;
    if (!function->model_name)
        return 0;
    if (check_model(check, function->model_name, err) < 0)
        return -1;
    if (function->fallback_name && strcmp(function->fallback_name, function->model_name) != 0)
        return check_model(check, function->fallback_name, err);
    return 0;
}

static void check_role(struct leat_check *check, const char *role, uint32_t number)
{
    const char *model = check->function->model_name;
    for (size_t i = 0; i < check->version_count; i++) {
        const struct leat_check_version *version = &check->versions[i];
        if (version->number != number || strcmp(version->model, model) != 0)
            continue;
        if (!version->fits)
            leat_check_find(check, false, "%s/%u is the %s, and does not fit this file: %s", model, number, role,
                            version->why);
        return;
    }
    if (number > 0)
        leat_check_find(check, false, "%s/%u is the %s, and is not in the registry %s", model, number, role,
                        check->function->registry);
}

int leat_check_roles(struct leat_check *check, struct leat_stream *stream, struct leat_error *err)
{
    const struct leat_function *function = check->function;
    if (!function->model_name)
        return 0;
    struct leat_control *control = leat_control_new(function->model_name);
    int result = leat_control_read(stream, function->control_topic, LEAT_TIME_MAX, control, NULL, NULL, err);
    const struct leat_roles *roles = leat_control_roles(control);
    if (result == 0) {
        check_role(check, "champion", roles->champion.version);
        check_role(check, "previous version", roles->previous.version);
        for (size_t i = 0; i < roles->shadow_count; i++)
            check_role(check, "shadow", roles->shadows[i].version);
    }
    leat_control_free(control);
    return result;
}
