/* Binding: a version's features, by name, to the features that a function computes. */
#include "function/bound.h"

#include "base/json.h"
#include "base/map.h"

#include <stdio.h>
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

/* -- features ------------------------------------------------------------------------------------------------------- */

/* What a version may ask of a feature, and what to write where it is of another type. */
static const struct {
    bool types[LEAT_TYPE_TIME + 1]; /* that the function's feature may have */
    const char *needs, *advice;
} kinds[] = {
    [LEAT_FEATURE_NUMBER] =
        {.types = {[LEAT_TYPE_BOOL] = true, [LEAT_TYPE_INT] = true, [LEAT_TYPE_DOUBLE] = true, [LEAT_TYPE_TIME] = true},
         .needs = "a number",
         .advice = "make one of it: cast(%s as double), case …, hash(%s, n)"},
    [LEAT_FEATURE_TEXT] = {.types = {[LEAT_TYPE_STRING] = true},
                           .needs = "a category by its text",
                           .advice = "write cast(%s as string)"},
    [LEAT_FEATURE_CODED] = {.types = {[LEAT_TYPE_BOOL] = true, [LEAT_TYPE_INT] = true},
                            .needs = "a category by its whole number",
                            .advice = "write cast(%s as int)"},
    [LEAT_FEATURE_CATEGORY] = {.types = {[LEAT_TYPE_BOOL] = true, [LEAT_TYPE_INT] = true, [LEAT_TYPE_STRING] = true},
                               .needs = "a category, by its text or whole number",
                               .advice = "write cast(%s as int) or cast(%s as string)"},
};

static enum leat_feature_kind kind_of(const struct leat_version *version, size_t column)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    return info->feature_kinds ? info->feature_kinds[column] : LEAT_FEATURE_NUMBER;
}

static int refuse_type(const struct leat_function *function, const struct leat_version *version, size_t column,
                       const struct leat_feature *feature, struct leat_error *err)
{
    enum leat_feature_kind kind = kind_of(version, column);
    const char *text = leat_expr_text(feature->expr);
    LEAT_CLEAN_BUFFER advice = {0};
    for (const char *at = kinds[kind].advice; *at; at++)
        if (at[0] == '%')
            leat_buffer_format(&advice, "%.80s", text), at++;
        else
            leat_buffer_append_char(&advice, *at);
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "feature '%s' is %s in %s:%d, and model %s/%u was trained on %s there (%s); %s",
                          feature->name, leat_type_name(feature->type), function->file, feature->line, version->name,
                          version->number, kinds[kind].needs, leat_feature_kind_name(kind), leat_buffer_text(&advice));
}

static int bind_feature(struct leat_bound *bound, const struct leat_function *function, const struct leat_map *index,
                        size_t column, struct leat_error *err)
{
    const struct leat_version *version = bound->version;
    const uint64_t *at = leat_map_find(index, leat_bytes_of(version->feature_names[column]));
    if (!at)
        return refuse_missing(function, version, version->feature_names[column], err);
    enum leat_feature_kind kind = kind_of(version, column);
    if (!kinds[kind].types[function->features[*at].type])
        return refuse_type(function, version, column, &function->features[*at], err);
    bound->feature[column] = (uint32_t)*at;
    if (kind != LEAT_FEATURE_NUMBER)
        bound->codes[bound->code_count++] = (struct leat_bound_code){(uint32_t)column, (uint32_t)*at};
    return 0;
}

static int bind_features(struct leat_bound *bound, const struct leat_function *function, struct leat_error *err)
{
    struct leat_map *index = leat_map_new();
    int result = 0;
    for (size_t f = 0; f < function->feature_count; f++)
        *leat_map_put(index, leat_bytes_of(function->features[f].name), NULL) = f;
    bound->feature = leat_calloc(bound->feature_count + 1, sizeof *bound->feature);
    bound->codes = leat_calloc(bound->feature_count + 1, sizeof *bound->codes);
    for (size_t i = 0; i < bound->feature_count && result == 0; i++)
        result = bind_feature(bound, function, index, i, err);
    leat_map_free(index);
    return result;
}

int leat_version_code(const struct leat_version *version, size_t column, struct leat_bytes text, double number,
                      double *ret)
{
    bool coded = kind_of(version, column) != LEAT_FEATURE_NUMBER;
    if (coded && text.data)
        return leat_model_code_text(version->model, column, text, ret);
    if (coded)
        return leat_model_code_number(version->model, column, number, ret);
    *ret = number;
    return 0;
}

/* -- answers -------------------------------------------------------------------------------------------------------- */

static bool is_index(const char *name)
{
    return name[0] && name[strspn(name, "0123456789")] == 0;
}

int leat_version_answer(const struct leat_version *version, const char *name, struct leat_answer *ret,
                        struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    int64_t index;
    if (!name || !is_index(name))
        return leat_model_answer_find(version->model, name ? name : "", ret, err);
    if (leat_int_parse(leat_bytes_of(name), &index) < 0 || (uint64_t)index >= info->output_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the model gives %zu output%s a row, so there is no %s (from 0)",
                              info->output_count, info->output_count == 1 ? "" : "s", name);
    *ret = (struct leat_answer){LEAT_ANSWER_OUTPUT, (size_t)index};
    return 0;
}

size_t leat_version_margin(const struct leat_version *version, struct leat_answer answer, const double *out,
                           const double *raw)
{
    size_t count = leat_model_info(version->model)->margin_count;
    bool of_class = answer.kind == LEAT_ANSWER_CLASS || answer.kind == LEAT_ANSWER_TOP;
    size_t index = of_class ? leat_model_label(version->model, out, raw) : answer.index;
    return index < count ? index : 0;
}

static int bind_answers(struct leat_bound *bound, const struct leat_function *function, struct leat_error *err)
{
    const struct leat_version *version = bound->version;
    if (leat_version_answer(version, function->model_output, &bound->score, err) < 0)
        return leat_error_prefix(err, "model.output%s%s of %s/%u%s", function->model_output ? ": " : "",
                                 function->model_output ? function->model_output : "", version->name, version->number,
                                 function->model_output ? "" : " must say which number is the score");
    bound->answers = leat_calloc(function->answer_count + 1, sizeof *bound->answers);
    for (size_t i = 0; i < function->answer_count; i++)
        if (leat_version_answer(version, function->answers[i], &bound->answers[i], err) < 0)
            return leat_error_prefix(err, "outputs['%s'] of %s/%u", function->answers[i], version->name,
                                     version->number);
    return 0;
}

/* The names of classes at hand, so that an event makes none. */
static int bind_classes(struct leat_bound *bound, const struct leat_function *function, struct leat_error *err)
{
    const struct leat_version *version = bound->version;
    const struct leat_model_info *info = leat_model_info(version->model);
    if (!function->uses_class)
        return 0;
    if (!info->classifier)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "an output field uses `class`, and %s/%u (%s) is no classifier: it gives no class",
                              version->name, version->number, info->objective);
    bound->class_count = info->class_count;
    bound->classes = leat_calloc(info->class_count + 1, sizeof *bound->classes);
    bound->class_text = leat_calloc(info->class_count + 1, 24);
    for (size_t i = 0; i < info->class_count; i++) {
        char *number = bound->class_text + 24 * i;
        snprintf(number, 24, "%zu", i);
        bound->classes[i] = leat_bytes_of(info->class_names ? info->class_names[i] : number);
    }
    return 0;
}

static int bind_reasons(const struct leat_bound *bound, const struct leat_function *function, struct leat_error *err)
{
    const struct leat_version *version = bound->version;
    const struct leat_model_info *info = leat_model_info(version->model);
    if (function->reason_count == 0)
        return 0;
    if (!info->explanation)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "an output field asks for `reasons`, and model %s/%u (%s, %s) can not explain itself",
                              version->name, version->number, info->format, info->objective);
    if (!leat_version_explains(version))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "an output field asks for `reasons`, and model %s/%u explains itself by comparing with "
                              "the trainer's rows (%s), of which it has none: add it with --parity ROWS.jsonl",
                              version->name, version->number, info->explanation);
    return 0;
}

/* -- a bound version ------------------------------------------------------------------------------------------------ */

int leat_bound_new(const struct leat_function *function, struct leat_version *version, struct leat_bound **ret,
                   struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    struct leat_bound *bound = leat_calloc(1, sizeof *bound);
    *bound = (struct leat_bound){.version = leat_version_ref(version),
                                 .feature_count = version->feature_count,
                                 .output_count = info->output_count,
                                 .raw_count = info->raw_count,
                                 .references = 1};
    if (bind_features(bound, function, err) < 0 || bind_answers(bound, function, err) < 0 ||
        bind_classes(bound, function, err) < 0 || bind_reasons(bound, function, err) < 0) {
        leat_bound_unref(bound);
        return -1;
    }
    *ret = bound;
    return 0;
}

struct leat_bound *leat_bound_fixed(struct leat_version *version, const struct leat_fixed *fixed)
{
    struct leat_bound *bound = leat_calloc(1, sizeof *bound);
    *bound = (struct leat_bound){.version = leat_version_ref(version), .fixed = fixed, .references = 1};
    return bound;
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
    free(bound->codes);
    free(bound->answers);
    free(bound->classes);
    free(bound->class_text);
    free(bound);
}

const struct leat_version *leat_bound_version(const struct leat_bound *bound)
{
    return bound->version;
}
