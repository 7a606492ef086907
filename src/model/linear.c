/* Linear and logistic models as a small JSON file, for people who have only coefficients (docs/reference/models.md):
 *
 *   {"leat_model": "linear", "link": "logistic", "intercept": -1.5,
 *    "features": {"amount": 0.02,
 *                 "age": {"coefficient": 0.4, "mean": 41.5, "std": 12, "missing": 41.5},
 *                 "country": {"categories": {"DE": 0.1, "FR": -0.2}, "other": 0, "missing": "DE"}},
 *    "classes": ["good", "bad"]}
 *
 * All in double: margin = intercept, and then, in the file's order, + coefficient · (x - mean) / std of each feature. With
 * several margins an intercept and a coefficient are lists. What is missing, and the file does not say what it counts as,
 * makes the margins NaN: no score is better than a wrong one. */
#include "model/forest.h"
#include "model/kind.h"

#include "base/json.h"
#include "base/map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Trainers add the products up in other orders, and they may be far larger than their sum. */
#define LINEAR_TOLERANCE 1e-9

/* One feature. Of a category the code is the place of its coefficients. */
struct term {
    const double *coefficients; /* one for each margin; of categories one after the other */
    size_t codes;               /* 0: a number */
    double mean, std, missing;
};

struct linear_model {
    struct leat_model model;
    struct leat_arena arena;
    struct leat_forest shape; /* nothing but what the link reads */
    struct term *terms;
    struct leat_categories **categories; /* of each feature, or NULL */
    const double *intercept;
};

struct link {
    const char *name;
    enum leat_link link;
    bool several; /* margins: at least two */
    bool classifier;
};

static const struct link links[] = {
    {"identity", LEAT_LINK_IDENTITY, false, false},
    {"logistic", LEAT_LINK_SIGMOID, false, true},
    {"softmax", LEAT_LINK_SOFTMAX, true, true},
    {"exp", LEAT_LINK_EXP, false, false},
};

static const struct linear_model *linear_model(const struct leat_model *model)
{
    return (const struct linear_model *)model;
}

/* ---- predicting ---- */

/* The coefficients that a value chooses, and what they are multiplied by: NaN if it is missing. */
static double choose(const struct term *term, size_t margins, double x, const double **ret_coefficients)
{
    double value = isnan(x) ? term->missing : x;
    *ret_coefficients = term->coefficients;
    if (term->codes == 0)
        return (value - term->mean) / term->std;
    if (!(value >= 0 && value < (double)term->codes))
        return (double)NAN;
    *ret_coefficients += (size_t)value * margins;
    return 1;
}

static void sum(const struct linear_model *model, const double *row, double *ret_raw)
{
    size_t margins = model->model.info.raw_count;
    memcpy(ret_raw, model->intercept, margins * sizeof *ret_raw);
    for (size_t feature = 0; feature < model->model.info.feature_count; feature++) {
        const double *coefficients = NULL;
        double z = choose(&model->terms[feature], margins, row[feature], &coefficients);
        for (size_t k = 0; k < margins; k++)
            ret_raw[k] += coefficients[k] * z;
    }
}

static void predict(const struct leat_model *base, const double *rows, size_t stride, size_t count, double *ret_out,
                    double *ret_raw, void *scratch)
{
    const struct linear_model *model = linear_model(base);
    size_t margins = base->info.raw_count;
    double *raw = scratch;
    for (size_t row = 0; row < count; row++) {
        sum(model, rows + row * stride, raw);
        leat_link64(&model->shape, raw, ret_out + row * margins);
        if (ret_raw != NULL)
            memcpy(ret_raw + row * margins, raw, margins * sizeof *raw);
    }
}

static size_t scratch_of(const struct leat_model *base, size_t count)
{
    (void)count;
    return base->info.raw_count * sizeof(double);
}

static void predict_plain(const struct leat_model *base, const double *row, double *ret_out, double *ret_raw)
{
    void *scratch = leat_calloc(base->info.raw_count, sizeof(double));
    predict(base, row, 0, 1, ret_out, ret_raw, scratch);
    free(scratch);
}

static size_t label_of(const struct leat_model *base, const double *out, const double *raw)
{
    (void)raw;
    if (base->info.output_count == 1)
        return out[0] > 0.5;
    size_t largest = 0;
    for (size_t i = 1; i < base->info.output_count; i++)
        if (out[i] > out[largest])
            largest = i;
    return largest;
}

/* Coefficient · (x - mean) / std; the intercept is what is left without any feature. */
static int explain(const struct leat_model *base, const double *row, const double *background, size_t background_count,
                   double *ret, void *scratch)
{
    (void)background;
    (void)background_count;
    (void)scratch;
    const struct linear_model *model = linear_model(base);
    size_t margins = base->info.raw_count;
    size_t features = base->info.feature_count;
    for (size_t feature = 0; feature < features; feature++) {
        const double *coefficients = NULL;
        double z = choose(&model->terms[feature], margins, row[feature], &coefficients);
        for (size_t k = 0; k < margins; k++)
            ret[k * (features + 1) + feature] = coefficients[k] * z;
    }
    for (size_t k = 0; k < margins; k++)
        ret[k * (features + 1) + features] = model->intercept[k];
    return 0;
}

static size_t explain_scratch(const struct leat_model *base)
{
    (void)base;
    return 0;
}

static int code_text(const struct leat_model *base, size_t feature, struct leat_bytes text, double *ret)
{
    return leat_categories_of_text(linear_model(base)->categories[feature], text, ret);
}

static int code_number(const struct leat_model *base, size_t feature, double number, double *ret)
{
    return leat_categories_of_number(linear_model(base)->categories[feature], number, ret);
}

static void free_model(struct leat_model *base)
{
    struct linear_model *model = (struct linear_model *)base;
    for (size_t i = 0; model->categories != NULL && i < base->info.feature_count; i++)
        leat_categories_free(model->categories[i]);
    leat_arena_done(&model->arena);
    free(model);
}

static const struct leat_model_kind kind = {
    .free = free_model,
    .predict = predict,
    .predict_plain = predict_plain,
    .scratch = scratch_of,
    .label = label_of,
    .code_text = code_text,
    .code_number = code_number,
    .explain = explain,
    .explain_scratch = explain_scratch,
};

/* ---- loading ---- */

struct loader {
    struct linear_model *model;
    const struct link *link;
    size_t margins;
    enum leat_feature_kind *kinds;
    const char **names;
    struct leat_error *err;
};

#define refuse(l, ...) leat_error_set((l)->err, LEAT_ERROR_FINDING, __VA_ARGS__)

/* Members that are known, each at most once. */
static int check_members(struct loader *l, const struct leat_json *object, const char *where, const char *const *known,
                         size_t count)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < object->count; i++) {
        struct leat_bytes name = object->as.members[i].name;
        size_t at = 0;
        while (at < count && !leat_bytes_is(name, known[at]))
            at++;
        if (at == count) {
            const char *nearest = leat_nearest(name, known, count);
            return refuse(l, "%s: the member '%.60s' is not known%s%s%s", where, name.data,
                          nearest == NULL ? "" : "; the nearest is '", nearest == NULL ? "" : nearest,
                          nearest == NULL ? "" : "'");
        }
        if ((seen >> at & 1) != 0)
            return refuse(l, "%s: '%s' is there twice", where, known[at]);
        seen |= 1u << at;
    }
    return 0;
}

static int read_finite(struct loader *l, const struct leat_json *object, const char *where, const char *name,
                       double otherwise, double *ret)
{
    const struct leat_json *node = leat_json_get(object, name);
    *ret = otherwise;
    if (node == NULL || (leat_json_number(node, ret) && isfinite(*ret)))
        return 0;
    return refuse(l, "%s: '%s' is not a finite number", where, name);
}

/* A number, or with several margins a list of as many: that is looked at before there is memory for them. */
static int check_coefficients(struct loader *l, const struct leat_json *node, const char *where)
{
    bool list = node->type == LEAT_JSON_ARRAY;
    if (list ? node->count == l->margins : l->margins == 1)
        return 0;
    return refuse(l, "%s: %s; the model has %zu, by its intercept", where,
                  list ? "a list that has not one coefficient for each margin" : "one coefficient", l->margins);
}

static int read_coefficients(struct loader *l, const struct leat_json *node, const char *where, double *ret)
{
    bool list = node->type == LEAT_JSON_ARRAY;
    if (check_coefficients(l, node, where) != 0)
        return -1;
    for (size_t k = 0; k < l->margins; k++)
        if (!leat_json_number(list ? &node->as.elements[k] : node, &ret[k]) || !isfinite(ret[k]))
            return refuse(l, "%s: a coefficient is not a finite number", where);
    return 0;
}

static int read_number(struct loader *l, const struct leat_json *node, const char *where, struct term *ret)
{
    static const char *const known[] = {"coefficient", "mean", "std", "missing"};
    double *coefficients = leat_arena_zalloc(&l->model->arena, l->margins, sizeof *coefficients);
    *ret = (struct term){.coefficients = coefficients, .std = 1, .missing = (double)NAN};
    if (node->type != LEAT_JSON_OBJECT)
        return read_coefficients(l, node, where, coefficients);
    const struct leat_json *coefficient = leat_json_get(node, "coefficient");
    if (check_members(l, node, where, known, sizeof known / sizeof known[0]) != 0)
        return -1;
    if (coefficient == NULL)
        return refuse(l, "%s has neither 'coefficient' nor 'categories'", where);
    if (read_coefficients(l, coefficient, where, coefficients) != 0 ||
        read_finite(l, node, where, "mean", 0, &ret->mean) != 0 ||
        read_finite(l, node, where, "std", 1, &ret->std) != 0 ||
        read_finite(l, node, where, "missing", (double)NAN, &ret->missing) != 0)
        return -1;
    return ret->std > 0 ? 0 : refuse(l, "%s: 'std' is %g; it must be above 0", where, ret->std);
}

/* "missing": one of the categories, in whose place what is missing counts. */
static int read_missing(struct loader *l, const struct leat_json *node, const char *where,
                        const struct leat_json *categories, struct term *ret)
{
    const struct leat_json *missing = leat_json_get(node, "missing");
    if (missing == NULL)
        return 0;
    for (uint32_t i = 0; missing->type == LEAT_JSON_STRING && i < categories->count && isnan(ret->missing); i++)
        if (leat_bytes_equal(categories->as.members[i].name, missing->as.string))
            ret->missing = (double)i;
    return isnan(ret->missing) ? refuse(l, "%s: 'missing' is not one of the categories", where) : 0;
}

static int read_categories(struct loader *l, const struct leat_json *node, const char *where, size_t feature)
{
    static const char *const known[] = {"categories", "other", "missing"};
    struct term *term = &l->model->terms[feature];
    const struct leat_json *list = leat_json_get(node, "categories");
    const struct leat_json *other = leat_json_get(node, "other");
    if (check_members(l, node, where, known, sizeof known / sizeof known[0]) != 0)
        return -1;
    if (list->type != LEAT_JSON_OBJECT || list->count == 0)
        return refuse(l, "%s: 'categories' is not an object of categories and coefficients", where);
    for (uint32_t i = 0; i < list->count; i++)
        if (check_coefficients(l, &list->as.members[i].value, where) != 0)
            return -1;
    size_t codes = (size_t)list->count + (other != NULL);
    double *coefficients = leat_arena_zalloc(&l->model->arena, codes * l->margins, sizeof *coefficients);
    *term = (struct term){.coefficients = coefficients, .codes = codes, .missing = (double)NAN};
    struct leat_categories *categories = leat_categories_new(other == NULL ? LEAT_UNSEEN_REFUSED : LEAT_UNSEEN_CODE,
                                                             (double)list->count);
    l->model->categories[feature] = categories;
    l->kinds[feature] = LEAT_FEATURE_CATEGORY;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct leat_json_member *member = &list->as.members[i];
        if (read_coefficients(l, &member->value, where, coefficients + i * l->margins) != 0)
            return -1;
        if (!leat_categories_add_text(categories, member->name, i))
            return refuse(l, "%s: the category '%.60s' is there twice", where, member->name.data);
        leat_categories_add_decimal(categories, member->name, i);
    }
    if (other != NULL && read_coefficients(l, other, where, coefficients + list->count * l->margins) != 0)
        return -1;
    return read_missing(l, node, where, list, term);
}

static int read_feature(struct loader *l, const struct leat_json_member *member, size_t feature)
{
    char where[120];
    snprintf(where, sizeof where, "features: '%.80s'", member->name.data);
    leat_text_mend_end(where);
    if (memchr(member->name.data, 0, member->name.len) != NULL)
        return refuse(l, "%s: a name may not have a NUL", where);
    l->names[feature] = leat_arena_copy(&l->model->arena, member->name.data, member->name.len);
    if (leat_json_get(&member->value, "categories") != NULL)
        return read_categories(l, &member->value, where, feature);
    return read_number(l, &member->value, where, &l->model->terms[feature]);
}

static int read_features(struct loader *l, const struct leat_json *root)
{
    struct linear_model *model = l->model;
    const struct leat_json *features = leat_json_get(root, "features");
    if (features == NULL || features->type != LEAT_JSON_OBJECT)
        return refuse(l, "'features' is not an object of names and coefficients");
    if (features->count > LEAT_FEATURES_MAX)
        return refuse(l, "%u features; a model may have at most %zu", features->count, LEAT_FEATURES_MAX);
    model->terms = leat_arena_zalloc(&model->arena, features->count, sizeof *model->terms);
    model->categories = leat_arena_zalloc(&model->arena, features->count, sizeof(void *));
    l->kinds = leat_arena_zalloc(&model->arena, features->count, sizeof *l->kinds);
    l->names = leat_arena_zalloc(&model->arena, features->count, sizeof *l->names);
    model->model.info.feature_count = features->count;
    model->model.info.feature_names = l->names;
    model->model.info.feature_kinds = l->kinds;
    for (uint32_t i = 0; i < features->count; i++)
        if (read_feature(l, &features->as.members[i], i) != 0)
            return -1;
    const struct leat_forest named = {.feature_count = features->count, .feature_names = l->names};
    return leat_forest_check_names(&named, l->err);
}

static int read_link(struct loader *l, const struct leat_json *root)
{
    const char *names[sizeof links / sizeof links[0]];
    const struct leat_json *node = leat_json_get(root, "link");
    l->link = node == NULL ? &links[0] : NULL;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        names[i] = links[i].name;
        if (strcmp(leat_json_text(node, ""), links[i].name) == 0)
            l->link = &links[i];
    }
    if (l->link != NULL)
        return 0;
    const char *nearest = leat_nearest(leat_bytes_of(leat_json_text(node, "")), names, sizeof names / sizeof names[0]);
    return refuse(l, "the link '%.40s' is not known; there are identity, logistic, softmax and exp%s%s%s",
                  leat_json_text(node, "?"), nearest == NULL ? "" : "; the nearest is '",
                  nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'");
}

static int read_intercept(struct loader *l, const struct leat_json *root)
{
    static const struct leat_json zero = {.type = LEAT_JSON_INT};
    const struct leat_json *node = leat_json_get(root, "intercept");
    if (node == NULL)
        node = &zero;
    l->margins = node->type == LEAT_JSON_ARRAY ? node->count : 1;
    if (l->margins < (l->link->several ? 2 : 1) || l->margins > LEAT_GROUPS_MAX)
        return refuse(l, "intercept: %zu margins; %s has %d to %zu", l->margins, l->link->name,
                      l->link->several ? 2 : 1, LEAT_GROUPS_MAX);
    double *intercept = leat_arena_zalloc(&l->model->arena, l->margins, sizeof *intercept);
    l->model->intercept = intercept;
    return read_coefficients(l, node, "intercept", intercept);
}

static int read_name(struct loader *l, const struct leat_json *node, const char *where, const char **ret, bool *numbers)
{
    int64_t number = 0;
    if (leat_json_integer(node, &number)) {
        *ret = leat_arena_format(&l->model->arena, "%lld", (long long)number);
        return 0;
    }
    *numbers = false;
    if (node->type != LEAT_JSON_STRING || memchr(node->as.string.data, 0, node->as.string.len) != NULL)
        return refuse(l, "%s: a name is a text or a whole number", where);
    *ret = leat_arena_copy(&l->model->arena, node->as.string.data, node->as.string.len);
    return 0;
}

/* "classes" of a classifier, "outputs" of several other numbers. */
static int read_names(struct loader *l, const struct leat_json *root, const char *what, size_t count,
                      const char *const **ret, bool *ret_numbers)
{
    const struct leat_json *list = leat_json_get(root, what);
    bool numbers = true;
    if (list == NULL)
        return 0;
    if (list->type != LEAT_JSON_ARRAY || list->count != count)
        return count == 0
                   ? refuse(l, "'%s' does not go with the link %s and %zu margins", what, l->link->name, l->margins)
                   : refuse(l, "'%s' is not a list of %zu names", what, count);
    const char **names = leat_arena_zalloc(&l->model->arena, count, sizeof *names);
    for (uint32_t i = 0; i < count; i++)
        if (read_name(l, &list->as.elements[i], what, &names[i], &numbers) != 0)
            return -1;
    *ret = names;
    *ret_numbers = numbers && count > 0;
    return 0;
}

static void fill_info(struct loader *l)
{
    struct linear_model *model = l->model;
    struct leat_model_info *info = &model->model.info;
    model->shape = (struct leat_forest){.link = l->link->link, .scale = 1, .raw_count = l->margins};
    info->format = "linear-json";
    info->objective = l->link->name;
    info->kernel = "plain loop, double";
    info->raw_count = info->margin_count = info->output_count = l->margins;
    info->explanation = "weight times value: exact";
    info->tolerance = LINEAR_TOLERANCE;
    info->bytes = sizeof *model + model->arena.allocated;
    for (size_t i = 0; i < info->feature_count; i++)
        info->bytes += model->categories[i] == NULL ? 0 : leat_categories_bytes(model->categories[i]);
}

static int read_model(struct loader *l, const struct leat_json *root)
{
    static const char *const known[] = {"leat_model", "link", "intercept", "features", "classes", "outputs"};
    struct leat_model_info *info = &l->model->model.info;
    bool ignored = false;
    if (strcmp(leat_json_text(leat_json_get(root, "leat_model"), ""), "linear") != 0)
        return refuse(l, "'leat_model' is not \"linear\", the only kind there is");
    if (check_members(l, root, "the model", known, sizeof known / sizeof known[0]) != 0 || read_link(l, root) != 0 ||
        read_intercept(l, root) != 0 || read_features(l, root) != 0)
        return -1;
    /* Several logistic margins are as many answers of yes or no. */
    info->classifier = l->link->classifier && (l->link->several || l->margins == 1);
    info->class_count = !info->classifier ? 0 : l->link->several ? l->margins : 2;
    if (read_names(l, root, "classes", info->class_count, &info->class_names, &info->class_numbers) != 0 ||
        read_names(l, root, "outputs", info->classifier ? 0 : l->margins, &info->output_names, &ignored) != 0)
        return -1;
    if (l->link->several)
        info->output_names = info->class_names;
    fill_info(l);
    return 0;
}

int leat_linear_load(const char *name, struct leat_bytes file, struct leat_model **ret, struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    struct linear_model *model = leat_calloc(1, sizeof *model);
    struct loader loader = {.model = model, .err = err};
    model->model.kind = &kind;
    atomic_init(&model->model.references, 1);
    int status = leat_json_parse(file, LEAT_JSON_STRICT, &document, err);
    if (status == 0)
        status = read_model(&loader, leat_json_root(document));
    leat_json_free(document);
    if (status == 0) {
        *ret = &model->model;
        return 0;
    }
    leat_model_unref(&model->model);
    return leat_error_prefix(err, "%s", name);
}
