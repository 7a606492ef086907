/* CatBoost's JSON (save_model with format="json"): symmetric and other trees, every loss that gives sums, one-hot splits.
 *
 *   features_info.float_features        feature_index (what splits say) → flat_feature_index (its place in a row), names
 *   features_info.categorical_features  the same for categories
 *   features_info.cat_features_hash     value → hash, only when the file was saved with the pool: splits ask for hashes
 *   model_info.params.loss_function     what the sums mean
 *   scale_and_bias                      raw = sum · scale + bias
 *   oblivious_trees or trees
 *
 * A symmetric tree becomes a complete binary one in levels: its last split at the root, so that the leaves lie in the
 * file's order. Numbers are read correctly rounded: raw sums are those of the model that was trained (the trainer's own
 * reader of JSON is off by a bit now and then).
 *
 * Memory: at most 50 bytes for a byte of the file, when all leaves are written as `0,` (two nodes and their covers), and the
 * tree of JSON while it is read; of real files two or three bytes. */
#include "model/forest.h"

#include "base/json.h"
#include "base/map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16     /* of a symmetric tree: the trainer's own limit */
#define COLLISIONS_MAX 8 /* categories with one hash */

enum answer {
    ANSWER_NUMBERS,
    ANSWER_BINARY,
    ANSWER_CLASSES,
    ANSWER_LABELS,    /* several that may hold at once */
    ANSWER_QUANTILES, /* named by params.alpha */
};

struct loss {
    const char *name;
    enum leat_link link;
    enum answer answer;
};

static const struct loss losses[] = {
    {"RMSE", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"MAE", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"MAPE", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"RMSPE", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Quantile", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"GroupQuantile", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"LogLinQuantile", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Lq", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Huber", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Expectile", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"LogCosh", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Cox", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"SurvivalAft", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Poisson", LEAT_LINK_EXP, ANSWER_NUMBERS},
    {"Tweedie", LEAT_LINK_EXP, ANSWER_NUMBERS},
    {"RMSEWithUncertainty", LEAT_LINK_UNCERTAINTY, ANSWER_NUMBERS},
    {"MultiRMSE", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"MultiRMSEWithMissingValues", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"MultiQuantile", LEAT_LINK_IDENTITY, ANSWER_QUANTILES},
    {"YetiRank", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"YetiRankPairwise", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"PairLogit", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"PairLogitPairwise", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"QueryRMSE", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"QuerySoftMax", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"StochasticRank", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"LambdaMart", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"Logloss", LEAT_LINK_SIGMOID, ANSWER_BINARY},
    {"CrossEntropy", LEAT_LINK_SIGMOID, ANSWER_BINARY},
    {"Focal", LEAT_LINK_SIGMOID, ANSWER_BINARY},
    {"MultiClass", LEAT_LINK_SOFTMAX, ANSWER_CLASSES},
    {"MultiClassOneVsAll", LEAT_LINK_SIGMOID, ANSWER_CLASSES},
    {"MultiLogloss", LEAT_LINK_SIGMOID, ANSWER_LABELS},
    {"MultiCrossEntropy", LEAT_LINK_SIGMOID, ANSWER_LABELS},
    {"PythonUserDefinedPerObject", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
    {"PythonUserDefinedMultiTarget", LEAT_LINK_IDENTITY, ANSWER_NUMBERS},
};

/* What splits call a feature: its number among those of its kind. */
struct source {
    uint32_t feature; /* its place in a row */
    uint32_t flags;   /* of splits on it */
};

struct sources {
    struct source *items;
    uint32_t count;
};

struct loader {
    struct leat_forest *forest;
    const struct loss *loss;
    const struct leat_json *root, *features, *model_info, *loss_node;
    struct sources floats, categories;
    struct leat_map *hashes; /* of a hash and the how-manieth category that has it: its place in hash_list */
    const struct leat_json *hash_list;
    struct leat_map *codes;         /* of a feature and a hash: the code */
    double *next_code;              /* of each feature */
    size_t dimension;               /* values of a leaf */
    size_t leaf_count;              /* of all trees */
    bool weighed;                   /* every leaf has its weight */
    const struct leat_json **queue; /* nodes of one tree, from the root downwards */
    size_t queue_room;
    struct leat_error *err;
};

#define refuse(l, ...) leat_error_set((l)->err, LEAT_ERROR_FINDING, __VA_ARGS__)

/* ---- members ---- */

static int need(struct loader *l, const struct leat_json *object, const char *where, const char *name,
                enum leat_json_type type, const struct leat_json **ret)
{
    const struct leat_json *node = leat_json_get(object, name);
    if (node == NULL)
        return refuse(l, "%s.%s is missing: not a model that CatBoost's save_model wrote as JSON, or cut short", where,
                      name);
    if (node->type != type)
        return refuse(l, "%s.%s is %s where %s belongs", where, name, leat_json_type_name(node->type),
                      leat_json_type_name(type));
    *ret = node;
    return 0;
}

/* A list that may be absent, null or empty alike. */
static int optional_list(struct loader *l, const struct leat_json *object, const char *where, const char *name,
                         const struct leat_json **ret)
{
    static const struct leat_json none = {.type = LEAT_JSON_ARRAY};
    const struct leat_json *node = leat_json_get(object, name);
    if (node != NULL && node->type != LEAT_JSON_NULL && node->type != LEAT_JSON_ARRAY)
        return refuse(l, "%s.%s is %s where a list belongs", where, name, leat_json_type_name(node->type));
    *ret = node == NULL || node->type == LEAT_JSON_NULL ? &none : node;
    return 0;
}

static bool index_below(const struct leat_json *object, const char *name, uint32_t end, uint32_t *ret)
{
    int64_t value = -1;
    if (!leat_json_integer(leat_json_get(object, name), &value) || value < 0 || value >= end)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static const char *copy_text(struct loader *l, struct leat_bytes text)
{
    return leat_arena_copy(&l->forest->arena, text.data, text.len);
}

/* ---- features ---- */

static const char *name_of(const struct leat_json *feature)
{
    const char *name = leat_json_text(leat_json_get(feature, "feature_name"), "");
    return name[0] != '\0' ? name : leat_json_text(leat_json_get(feature, "feature_id"), "");
}

/* Only numbers can be missing; of those every split on a feature sends what is missing to one side. */
static int read_missing(struct loader *l, const struct leat_json *node, const char *where, uint32_t *ret_flags)
{
    const char *treatment = leat_json_text(leat_json_get(node, "nan_value_treatment"), "AsIs");
    bool right = strcmp(treatment, "AsTrue") == 0;
    if (!right && strcmp(treatment, "AsIs") != 0 && strcmp(treatment, "AsFalse") != 0)
        return refuse(l, "%s: nan_value_treatment is '%.40s'; AsIs, AsFalse and AsTrue are known", where, treatment);
    *ret_flags = LEAT_NODE_CLOSED | (right ? 0 : LEAT_NODE_DEFAULT_LEFT);
    return 0;
}

static int read_feature(struct loader *l, const struct leat_json *node, const char *where, bool category,
                        struct sources *sources)
{
    struct leat_forest *forest = l->forest;
    uint32_t place = 0;
    uint32_t index = 0;
    uint32_t flags = LEAT_NODE_EQUAL;
    if (!index_below(node, "flat_feature_index", (uint32_t)forest->feature_count, &place))
        return refuse(l, "%s.flat_feature_index is not one of the %zu features that are listed", where,
                      forest->feature_count);
    if (forest->feature_names[place] != NULL)
        return refuse(l, "%s.flat_feature_index: two features are at place %u", where, place);
    if (!index_below(node, "feature_index", sources->count, &index) || sources->items[index].feature != UINT32_MAX)
        return refuse(l, "%s.feature_index is not one of %u, each once", where, sources->count);
    if (!category && read_missing(l, node, where, &flags) != 0)
        return -1;
    sources->items[index] = (struct source){place, flags};
    const char *name = name_of(node);
    forest->feature_names[place] = name[0] == '\0' ? leat_arena_format(&forest->arena, "%u", place)
                                                   : leat_arena_strdup(&forest->arena, name);
    if (category) {
        forest->feature_kinds[place] = LEAT_FEATURE_CATEGORY;
        forest->categories[place] = leat_categories_new(LEAT_UNSEEN_CODE, -1);
    }
    return 0;
}

static int read_list(struct loader *l, const struct leat_json *list, const char *name, bool category,
                     struct sources *ret)
{
    ret->count = list->count;
    ret->items = leat_calloc(list->count, sizeof *ret->items);
    for (uint32_t i = 0; i < list->count; i++)
        ret->items[i].feature = UINT32_MAX;
    for (uint32_t i = 0; i < list->count; i++) {
        char where[80];
        snprintf(where, sizeof where, "features_info.%s[%u]", name, i);
        if (read_feature(l, &list->as.elements[i], where, category, ret) != 0)
            return -1;
    }
    return 0;
}

/* What is computed from features before trees see it. */
static int refuse_computed(struct loader *l)
{
    static const struct {
        const char *list, *what, *instead;
    } computed[] = {
        {"text_features", "a text feature", "make numbers of it before training"},
        {"embedding_features", "an embedding", "give its numbers as features of their own"},
    };
    const struct leat_json *list = NULL;
    for (size_t i = 0; i < sizeof computed / sizeof computed[0]; i++) {
        if (optional_list(l, l->features, "features_info", computed[i].list, &list) != 0)
            return -1;
        if (list->count > 0)
            return refuse(l, "the feature '%.100s' is %s, which is not computed here; %s",
                          name_of(leat_json_at(list, 0)), computed[i].what, computed[i].instead);
    }
    return 0;
}

static bool any_named(const struct leat_json *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (name_of(&list->as.elements[i])[0] != '\0')
            return true;
    return false;
}

static int read_features(struct loader *l)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *floats = NULL;
    const struct leat_json *categories = NULL;
    if (need(l, l->root, "(top)", "features_info", LEAT_JSON_OBJECT, &l->features) != 0 || refuse_computed(l) != 0 ||
        optional_list(l, l->features, "features_info", "float_features", &floats) != 0 ||
        optional_list(l, l->features, "features_info", "categorical_features", &categories) != 0)
        return -1;
    forest->feature_count = (size_t)floats->count + categories->count;
    if (forest->feature_count > LEAT_FEATURES_MAX)
        return refuse(l, "features_info lists %zu features; a model may have at most %zu", forest->feature_count,
                      LEAT_FEATURES_MAX);
    forest->feature_names = leat_arena_zalloc(&forest->arena, forest->feature_count, sizeof *forest->feature_names);
    if (categories->count > 0) {
        forest->feature_kinds = leat_arena_zalloc(&forest->arena, forest->feature_count, sizeof *forest->feature_kinds);
        forest->categories = leat_arena_zalloc(&forest->arena, forest->feature_count, sizeof(void *));
        l->next_code = leat_calloc(forest->feature_count, sizeof *l->next_code);
    }
    if (read_list(l, floats, "float_features", false, &l->floats) != 0 ||
        read_list(l, categories, "categorical_features", true, &l->categories) != 0)
        return -1;
    /* Without any name of its own the file has none. */
    if (!any_named(floats) && !any_named(categories))
        forest->feature_names = NULL;
    return leat_forest_check_names(forest, l->err);
}

/* ---- categories ---- */

struct hash_key {
    uint32_t hash;
    uint32_t slot;
};

struct code_key {
    uint32_t feature;
    uint32_t hash;
};

#define key_bytes(key) ((struct leat_bytes){(const char *)(key), sizeof *(key)})

/* Hashes are written with a sign in splits and without one in the list. */
static bool read_hash(const struct leat_json *node, uint32_t *ret)
{
    int64_t value = 0;
    if (!leat_json_integer(node, &value) || value < INT32_MIN || value > UINT32_MAX)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static int read_hashes(struct loader *l)
{
    if (optional_list(l, l->features, "features_info", "cat_features_hash", &l->hash_list) != 0)
        return -1;
    l->hashes = leat_map_new();
    l->codes = leat_map_new();
    for (uint32_t i = 0; i < l->hash_list->count; i++) {
        const struct leat_json *entry = &l->hash_list->as.elements[i];
        const struct leat_json *value = leat_json_get(entry, "value");
        struct hash_key key = {0};
        if (!read_hash(leat_json_get(entry, "hash"), &key.hash) || value == NULL || value->type != LEAT_JSON_STRING)
            return refuse(l, "features_info.cat_features_hash[%u] is not a text and its hash", i);
        bool added = false;
        for (; !added && key.slot < COLLISIONS_MAX; key.slot++) {
            uint64_t *place = leat_map_put(l->hashes, key_bytes(&key), &added);
            if (added)
                *place = i;
        }
        if (!added)
            return refuse(l, "features_info.cat_features_hash[%u]: more than %d categories have the hash %u", i,
                          COLLISIONS_MAX, key.hash);
    }
    return 0;
}

static int add_category(struct loader *l, uint32_t feature, uint32_t hash, double code)
{
    struct leat_categories *categories = l->forest->categories[feature];
    struct hash_key key = {.hash = hash};
    for (; key.slot < COLLISIONS_MAX; key.slot++) {
        const uint64_t *place = leat_map_find(l->hashes, key_bytes(&key));
        if (place == NULL)
            break;
        struct leat_bytes text = leat_json_get(&l->hash_list->as.elements[*place], "value")->as.string;
        if (!leat_categories_add_text(categories, text, code))
            return refuse(l, "features_info.cat_features_hash[%llu]: '%.60s' is listed twice",
                          (unsigned long long)*place, text.data);
        leat_categories_add_decimal(categories, text, code); /* which a whole number is to the trainer */
    }
    if (key.slot == 0)
        return refuse(l,
                      "the feature %u%s%.100s%s is split by a category with the hash %u, which "
                      "features_info.cat_features_hash does not list; save the model with the pool it was trained on: "
                      "save_model(…, format=\"json\", pool=pool)",
                      feature, l->forest->feature_names == NULL ? "" : " ('",
                      l->forest->feature_names == NULL ? "" : l->forest->feature_names[feature],
                      l->forest->feature_names == NULL ? "" : "')", hash);
    return 0;
}

/* Codes are given to the categories that splits ask for, in the order in which they do. */
static int code_of(struct loader *l, uint32_t feature, uint32_t hash, double *ret)
{
    struct code_key key = {feature, hash};
    bool added = false;
    uint64_t *code = leat_map_put(l->codes, key_bytes(&key), &added);
    if (added) {
        *code = (uint64_t)l->next_code[feature]++;
        if (add_category(l, feature, hash, (double)*code) != 0)
            return -1;
    }
    *ret = (double)*code;
    return 0;
}

/* ---- what the sums mean ---- */

static int read_loss(struct loader *l)
{
    const struct leat_json *params = NULL;
    const struct leat_json *type = NULL;
    if (need(l, l->root, "(top)", "model_info", LEAT_JSON_OBJECT, &l->model_info) != 0 ||
        need(l, l->model_info, "model_info", "params", LEAT_JSON_OBJECT, &params) != 0 ||
        need(l, params, "model_info.params", "loss_function", LEAT_JSON_OBJECT, &l->loss_node) != 0 ||
        need(l, l->loss_node, "model_info.params.loss_function", "type", LEAT_JSON_STRING, &type) != 0)
        return -1;
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        if (leat_bytes_is(type->as.string, losses[i].name))
            l->loss = &losses[i];
    if (l->loss == NULL)
        return refuse(l, "model_info.params.loss_function.type: the loss '%.64s' is not known", type->as.string.data);
    l->forest->objective = l->loss->name;
    l->forest->link = l->loss->link;
    l->forest->scale = 1;
    return 0;
}

static int check_dimension(struct loader *l)
{
    size_t dimension = l->dimension;
    bool fits = true;
    if (l->loss->answer == ANSWER_BINARY)
        fits = dimension == 1;
    if (l->loss->answer == ANSWER_CLASSES)
        fits = dimension >= 2;
    if (l->loss->link == LEAT_LINK_UNCERTAINTY)
        fits = dimension == 2;
    return fits ? 0 : refuse(l, "the loss %s does not give %zu values a leaf", l->loss->name, dimension);
}

static int read_threshold(struct loader *l)
{
    const struct leat_json *node = leat_json_get(l->model_info, "binclass_probability_threshold");
    double threshold = 0.5;
    if (node == NULL || l->loss->answer != ANSWER_BINARY)
        return 0;
    bool good = leat_json_number(node, &threshold) ||
                (node->type == LEAT_JSON_STRING && leat_double_parse(node->as.string, &threshold) == 0);
    if (!good || !(threshold > 0 && threshold < 1))
        return refuse(l, "model_info.binclass_probability_threshold is not a number between 0 and 1");
    l->forest->label_above = threshold;
    return 0;
}

static int put_class_name(struct loader *l, const struct leat_json *node, uint32_t i)
{
    char number[32];
    double value = 0;
    struct leat_forest *forest = l->forest;
    if (node->type == LEAT_JSON_STRING && memchr(node->as.string.data, 0, node->as.string.len) == NULL) {
        forest->class_names[i] = copy_text(l, node->as.string);
        forest->class_numbers = false;
        return 0;
    }
    if (node->type == LEAT_JSON_BOOL) {
        forest->class_names[i] = node->as.boolean ? "True" : "False";
        forest->class_numbers = false;
        return 0;
    }
    if (!leat_json_number(node, &value))
        return refuse(l, "model_info.class_params.class_names[%u] is not the name of a class", i);
    leat_double_format(value, number);
    forest->class_names[i] = leat_arena_strdup(&forest->arena, number);
    forest->class_numbers = forest->class_numbers && value == rint(value) && fabs(value) < 0x1p53;
    return 0;
}

/* Classes without names are numbers from 0; not so if some of them never occurred in training. */
static int check_labels(struct loader *l, const struct leat_json *params, size_t classes)
{
    int64_t declared = 0;
    const struct leat_json *labels = leat_json_get(params, "class_to_label");
    leat_json_integer(leat_json_get(params, "classes_count"), &declared);
    for (uint32_t i = 0; labels != NULL && labels->type == LEAT_JSON_ARRAY && i < labels->count; i++) {
        double label = -1;
        leat_json_number(&labels->as.elements[i], &label);
        if (label != (double)i)
            return refuse(l,
                          "model_info.class_params: %lld classes were declared, but class %u never occurred in "
                          "training; train with the classes that there are",
                          (long long)declared, i);
    }
    if (declared != 0 && declared != (int64_t)classes)
        return refuse(l, "model_info.class_params: %lld classes were declared, but leaves have %zu values",
                      (long long)declared, classes);
    return 0;
}

static int read_classes(struct loader *l)
{
    struct leat_forest *forest = l->forest;
    bool several = l->loss->answer == ANSWER_CLASSES || l->loss->answer == ANSWER_LABELS;
    size_t classes = several ? l->dimension : 2;
    const struct leat_json *params = leat_json_get(l->model_info, "class_params");
    const struct leat_json *names = NULL;
    if (params == NULL)
        params = leat_json_get(l->model_info, "multiclass_params");
    if (optional_list(l, params, "model_info.class_params", "class_names", &names) != 0)
        return -1;
    if (l->loss->answer != ANSWER_LABELS)
        forest->class_count = classes;
    if (names->count == 0)
        return check_labels(l, params, classes);
    if (names->count != classes)
        return refuse(l, "model_info.class_params names %u classes, but the model tells %zu apart", names->count,
                      classes);
    forest->class_numbers = true;
    forest->class_names = leat_arena_zalloc(&forest->arena, classes, sizeof *forest->class_names);
    for (uint32_t i = 0; i < names->count; i++)
        if (put_class_name(l, &names->as.elements[i], i) != 0)
            return -1;
    if (several)
        forest->output_names = forest->class_names;
    if (l->loss->answer == ANSWER_LABELS)
        forest->class_names = NULL;
    return 0;
}

/* "0.1,0.5,0.9" */
static int read_quantiles(struct loader *l)
{
    const char *text = leat_json_text(leat_json_get(leat_json_get(l->loss_node, "params"), "alpha"), "");
    struct leat_forest *forest = l->forest;
    size_t count = 0;
    forest->output_names = leat_arena_zalloc(&forest->arena, l->dimension, sizeof *forest->output_names);
    for (bool more = true; more; count++) {
        size_t len = strcspn(text, ",");
        double quantile = 0;
        if (leat_double_parse((struct leat_bytes){text, len}, &quantile) != 0 || count == l->dimension)
            return refuse(l, "model_info.params.loss_function.params.alpha is not a list of %zu quantiles",
                          l->dimension);
        forest->output_names[count] = leat_arena_copy(&forest->arena, text, len);
        more = text[len] == ',';
        text += len + more;
    }
    return count == l->dimension
               ? 0
               : refuse(l, "model_info.params.loss_function.params.alpha has %zu quantiles, but leaves have %zu values",
                        count, l->dimension);
}

static int read_answer(struct loader *l)
{
    static const char *const uncertainty[] = {"mean", "variance"};
    if (check_dimension(l) != 0)
        return -1;
    if (l->loss->link == LEAT_LINK_UNCERTAINTY) {
        l->forest->output_names = leat_arena_zalloc(&l->forest->arena, 2, sizeof *l->forest->output_names);
        memcpy(l->forest->output_names, uncertainty, sizeof uncertainty);
    }
    if (l->loss->answer == ANSWER_QUANTILES)
        return read_quantiles(l);
    if (l->loss->answer == ANSWER_NUMBERS)
        return 0;
    return read_threshold(l) != 0 ? -1 : read_classes(l);
}

/* [scale, [bias…]], or with older versions [scale, bias] */
static int read_scale(struct loader *l)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *node = NULL;
    double scale = 0;
    if (need(l, l->root, "(top)", "scale_and_bias", LEAT_JSON_ARRAY, &node) != 0)
        return -1;
    if (node->count != 2 || !leat_json_number(&node->as.elements[0], &scale) || scale == 0 || !isfinite(scale))
        return refuse(l, "scale_and_bias is not a number other than 0 and the biases");
    const struct leat_json *bias = &node->as.elements[1];
    if (bias->type != LEAT_JSON_ARRAY ? l->dimension != 1 : bias->count != l->dimension)
        return refuse(l, "scale_and_bias has not one bias for each of the %zu values of a leaf", l->dimension);
    forest->raw_count = l->dimension;
    forest->base = leat_arena_zalloc(&forest->arena, l->dimension, sizeof *forest->base);
    forest->base_last = true;
    forest->sum_scale = scale == 1 ? 0 : scale;
    for (size_t i = 0; i < l->dimension; i++) {
        const struct leat_json *value = bias->type == LEAT_JSON_ARRAY ? &bias->as.elements[i] : bias;
        if (!leat_json_number(value, &forest->base[i]) || !isfinite(forest->base[i]))
            return refuse(l, "scale_and_bias: bias %zu is not a finite number", i);
    }
    return 0;
}

/* ---- trees ---- */

static int read_split(struct loader *l, const struct leat_json *split, size_t tree, struct leat_tree_node *ret)
{
    const char *type = leat_json_text(leat_json_get(split, "split_type"), "");
    bool category = strcmp(type, "OneHotFeature") == 0;
    const struct sources *sources = category ? &l->categories : &l->floats;
    uint32_t index = 0;
    uint32_t hash = 0;
    if (!category && strcmp(type, "FloatFeature") != 0)
        return refuse(l, "tree %zu: a split of the type '%.40s' is not known", tree, type);
    if (!index_below(split, category ? "cat_feature_index" : "float_feature_index", sources->count, &index))
        return refuse(l, "tree %zu: a split is on a feature that features_info does not list", tree);
    *ret = (struct leat_tree_node){.feature = sources->items[index].feature, .flags = sources->items[index].flags};
    if (category) {
        if (!read_hash(leat_json_get(split, "value"), &hash))
            return refuse(l, "tree %zu: the 'value' of a one-hot split is not a hash", tree);
        return code_of(l, ret->feature, hash, &ret->value);
    }
    double border = 0;
    if (!leat_json_number(leat_json_get(split, "border"), &border) || !isfinite(border))
        return refuse(l, "tree %zu: the 'border' of a split is not a finite number", tree);
    ret->value = (double)(float)border;
    return 0;
}

/* Where the next leaf's values go: into the node, or with several of them to `leaf_values`. */
static int put_leaf_value(struct loader *l, struct leat_tree_node *leaf, size_t k, const struct leat_json *value,
                          size_t tree)
{
    double number = 0;
    if (!leat_json_number(value, &number) || !isfinite(number))
        return refuse(l, "tree %zu: the value of a leaf is not a finite number", tree);
    if (l->forest->leaf_width == 0) {
        leaf->value = number;
        return 0;
    }
    if (k == 0)
        leaf->value = (double)(l->leaf_count * l->dimension);
    l->forest->leaf_values[l->leaf_count * l->dimension + k] = number;
    return 0;
}

/* A leaf's weight, if all have one. */
static void put_weight(struct loader *l, double *cover, const struct leat_json *weight)
{
    l->weighed = l->weighed && leat_json_number(weight, cover) && *cover >= 0 && isfinite(*cover);
}

static const struct leat_json *splits_of(const struct leat_json *tree)
{
    return leat_json_get(tree, "splits");
}

static uint32_t depth_of(const struct leat_json *tree)
{
    const struct leat_json *splits = splits_of(tree);
    return splits == NULL || splits->type != LEAT_JSON_ARRAY ? 0 : splits->count;
}

static int measure_symmetric(struct loader *l, const struct leat_json *tree, size_t number, size_t *ret_leaves)
{
    const struct leat_json *values = leat_json_get(tree, "leaf_values");
    uint32_t depth = depth_of(tree);
    if (depth > DEPTH_MAX)
        return refuse(l, "tree %zu has %u splits; a symmetric tree may have at most %d", number, depth, DEPTH_MAX);
    if (values == NULL || values->type != LEAT_JSON_ARRAY || values->count != l->dimension << depth)
        return refuse(l, "tree %zu has %u leaf_values; %u splits and %zu values a leaf make %zu", number,
                      values == NULL ? 0 : values->count, depth, l->dimension, l->dimension << depth);
    *ret_leaves = (size_t)1 << depth;
    return 0;
}

static int fill_symmetric(struct loader *l, const struct leat_json *tree, size_t number, struct leat_tree_node *nodes,
                          double *cover)
{
    uint32_t depth = depth_of(tree);
    uint32_t leaves = 1u << depth;
    const struct leat_json *values = leat_json_get(tree, "leaf_values");
    const struct leat_json *weights = leat_json_get(tree, "leaf_weights");
    for (uint32_t level = 0; level < depth; level++) {
        struct leat_tree_node split = {0};
        if (read_split(l, &splits_of(tree)->as.elements[depth - 1 - level], number, &split) != 0)
            return -1;
        /* What an equality holds for goes left; in the file, as with borders, to the higher index. */
        int32_t crossed = (split.flags & LEAT_NODE_EQUAL) != 0;
        for (uint32_t at = (1u << level) - 1; at < (2u << level) - 1; at++) {
            nodes[at] = split;
            nodes[at].left = (int32_t)(2 * at + 1) + crossed;
            nodes[at].right = (int32_t)(2 * at + 2) - crossed;
        }
    }
    for (uint32_t i = 0; i < leaves; i++, l->leaf_count++) {
        struct leat_tree_node *leaf = &nodes[leaves - 1 + i];
        *leaf = (struct leat_tree_node){.left = -1, .right = -1};
        for (size_t k = 0; k < l->dimension; k++)
            if (put_leaf_value(l, leaf, k, &values->as.elements[i * l->dimension + k], number) != 0)
                return -1;
        put_weight(l, &cover[leaves - 1 + i], leat_json_at(weights, i));
    }
    return 0;
}

static void queue_put(struct loader *l, size_t at, const struct leat_json *node)
{
    if (at >= l->queue_room) {
        l->queue_room = l->queue_room * 2 + 64;
        l->queue = leat_realloc(l->queue, l->queue_room, sizeof *l->queue);
    }
    l->queue[at] = node;
}

static uint32_t width_of(const struct leat_json *leaf)
{
    const struct leat_json *value = leat_json_get(leaf, "value");
    return value != NULL && value->type == LEAT_JSON_ARRAY ? value->count : 1;
}

/* Fills `queue` with a tree's nodes, level by level: the order in which they get their places. */
static int queue_tree(struct loader *l, const struct leat_json *tree, size_t number, size_t *ret_count,
                      size_t *ret_leaves)
{
    size_t count = 0;
    *ret_leaves = 0;
    queue_put(l, count++, tree);
    for (size_t at = 0; at < count; at++) {
        const struct leat_json *node = l->queue[at];
        const struct leat_json *left = leat_json_get(node, "left");
        const struct leat_json *right = leat_json_get(node, "right");
        if (left != NULL && right != NULL) {
            queue_put(l, count++, left);
            queue_put(l, count++, right);
            continue;
        }
        if (left != NULL || right != NULL || leat_json_get(node, "value") == NULL)
            return refuse(l, "tree %zu: node %zu has neither two children nor a value", number, at);
        if (width_of(node) != l->dimension)
            return refuse(l, "tree %zu: a leaf has %u values where the model has %zu", number, width_of(node),
                          l->dimension);
        *ret_leaves += 1;
    }
    *ret_count = count;
    return 0;
}

static int fill_leaf(struct loader *l, const struct leat_json *node, size_t number, struct leat_tree_node *ret,
                     double *cover)
{
    const struct leat_json *value = leat_json_get(node, "value");
    *ret = (struct leat_tree_node){.left = -1, .right = -1};
    for (size_t k = 0; k < l->dimension; k++)
        if (put_leaf_value(l, ret, k, value->type == LEAT_JSON_ARRAY ? &value->as.elements[k] : value, number) != 0)
            return -1;
    put_weight(l, cover, leat_json_get(node, "weight"));
    l->leaf_count++;
    return 0;
}

static int fill_tree(struct loader *l, const struct leat_json *tree, size_t number, struct leat_tree_node *nodes,
                     double *cover)
{
    size_t count = 0;
    size_t leaves = 0;
    int32_t next = 1;
    if (queue_tree(l, tree, number, &count, &leaves) != 0)
        return -1;
    for (size_t at = 0; at < count; at++) {
        const struct leat_json *node = l->queue[at];
        if (leat_json_get(node, "left") == NULL) {
            if (fill_leaf(l, node, number, &nodes[at], &cover[at]) != 0)
                return -1;
            continue;
        }
        if (read_split(l, leat_json_get(node, "split"), number, &nodes[at]) != 0)
            return -1;
        int32_t crossed = (nodes[at].flags & LEAT_NODE_EQUAL) != 0;
        nodes[at].left = next + crossed;
        nodes[at].right = next + 1 - crossed;
        next += 2;
    }
    return 0;
}

/* Children lie behind their parents. */
static void sum_cover(const struct leat_tree_node *nodes, uint32_t count, double *cover)
{
    for (uint32_t at = count; at-- > 0;)
        if (nodes[at].left >= 0)
            cover[at] = cover[nodes[at].left] + cover[nodes[at].right];
}

static int measure_tree(struct loader *l, const struct leat_json *tree, size_t number, bool symmetric,
                        size_t *ret_nodes, size_t *ret_leaves)
{
    if (!symmetric)
        return queue_tree(l, tree, number, ret_nodes, ret_leaves);
    if (measure_symmetric(l, tree, number, ret_leaves) != 0)
        return -1;
    *ret_nodes = 2 * *ret_leaves - 1;
    return 0;
}

static int measure_trees(struct loader *l, const struct leat_json *trees, bool symmetric, size_t *ret_leaves)
{
    struct leat_forest *forest = l->forest;
    forest->tree_count = trees->count;
    forest->trees = leat_arena_zalloc(&forest->arena, trees->count, sizeof *forest->trees);
    *ret_leaves = 0;
    for (uint32_t i = 0; i < trees->count; i++) {
        size_t nodes = 0;
        size_t leaves = 0;
        if (measure_tree(l, &trees->as.elements[i], i, symmetric, &nodes, &leaves) != 0)
            return -1;
        if (nodes > INT32_MAX || forest->node_count + nodes > UINT32_MAX)
            return refuse(l, "tree %u: the model has more than %u nodes", i, UINT32_MAX);
        forest->trees[i] = (struct leat_tree){.first = (uint32_t)forest->node_count, .count = (uint32_t)nodes};
        forest->node_count += nodes;
        *ret_leaves += leaves;
    }
    return 0;
}

/* How many values a leaf has: as many as there are biases, or before there were such, by the first tree. */
static size_t find_dimension(const struct leat_json *root, const struct leat_json *trees, bool symmetric)
{
    const struct leat_json *bias = leat_json_at(leat_json_get(root, "scale_and_bias"), 1);
    if (bias != NULL && bias->type == LEAT_JSON_ARRAY)
        return bias->count;
    const struct leat_json *first = leat_json_at(trees, 0);
    const struct leat_json *values = leat_json_get(first, "leaf_values");
    if (!symmetric || values == NULL || values->type != LEAT_JSON_ARRAY || depth_of(first) > DEPTH_MAX)
        return 1;
    return values->count >> depth_of(first);
}

static int find_trees(struct loader *l, const struct leat_json **ret, bool *ret_symmetric)
{
    *ret_symmetric = leat_json_get(l->root, "oblivious_trees") != NULL;
    const char *name = *ret_symmetric ? "oblivious_trees" : "trees";
    if (need(l, l->root, "(top)", name, LEAT_JSON_ARRAY, ret) != 0)
        return -1;
    l->dimension = find_dimension(l->root, *ret, *ret_symmetric);
    if (l->dimension < 1 || l->dimension > LEAT_GROUPS_MAX)
        return refuse(l, "scale_and_bias: leaves have %zu values; 1 to %zu are possible", l->dimension, LEAT_GROUPS_MAX);
    return 0;
}

static int read_trees(struct loader *l, const struct leat_json *trees, bool symmetric)
{
    struct leat_forest *forest = l->forest;
    size_t leaves = 0;
    if (measure_trees(l, trees, symmetric, &leaves) != 0)
        return -1;
    forest->nodes = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->nodes);
    forest->cover = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->cover);
    forest->leaf_width = l->dimension == 1 ? 0 : l->dimension;
    if (forest->leaf_width > 0)
        forest->leaf_values = leat_arena_zalloc(&forest->arena, leaves * l->dimension, sizeof *forest->leaf_values);
    l->weighed = true;
    for (uint32_t i = 0; i < trees->count; i++) {
        const struct leat_tree *tree = &forest->trees[i];
        int (*fill)(struct loader *, const struct leat_json *, size_t, struct leat_tree_node *,
                    double *) = symmetric ? fill_symmetric : fill_tree;
        if (fill(l, &trees->as.elements[i], i, forest->nodes + tree->first, forest->cover + tree->first) != 0)
            return -1;
        sum_cover(forest->nodes + tree->first, tree->count, forest->cover + tree->first);
    }
    if (!l->weighed)
        forest->cover = NULL;
    return 0;
}

/* Statistics of the target by category: what the trainer makes of categories unless it is told not to. */
static int refuse_statistics(struct loader *l)
{
    const struct leat_json *ctrs = NULL;
    if (optional_list(l, l->features, "features_info", "ctrs", &ctrs) != 0)
        return -1;
    if (ctrs->count == 0)
        return 0;
    const struct leat_json *elements = leat_json_get(&ctrs->as.elements[0], "elements");
    uint32_t index = 0;
    const char *name = "?";
    if (index_below(leat_json_at(elements, 0), "cat_feature_index", l->categories.count, &index) &&
        l->forest->feature_names != NULL)
        name = l->forest->feature_names[l->categories.items[index].feature];
    return refuse(l,
                  "the model uses target statistics of categories (CTRs; the first: %s%.100s), which are not computed "
                  "here; train with one_hot_max_size=255, or encode categories before training",
                  strcmp(name, "?") == 0 ? "categorical feature " : "feature ",
                  strcmp(name, "?") == 0 ? leat_arena_format(&l->forest->arena, "%u", index) : name);
}

static int read_model(struct loader *l)
{
    const struct leat_json *trees = NULL;
    bool symmetric = true;
    l->forest->format = "catboost-json";
    l->forest->arithmetic = LEAT_FLOAT32_SUM64;
    if (l->root->type != LEAT_JSON_OBJECT)
        return refuse(l, "not a model that CatBoost's save_model wrote as JSON");
    if (read_features(l) != 0 || refuse_statistics(l) != 0 || read_hashes(l) != 0 || read_loss(l) != 0 ||
        find_trees(l, &trees, &symmetric) != 0 || read_scale(l) != 0 || read_answer(l) != 0)
        return -1;
    return read_trees(l, trees, symmetric);
}

int leat_catboost_load(const char *name, struct leat_bytes file, struct leat_forest *ret, struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    struct loader loader = {.forest = ret, .err = err};
    int status = leat_json_parse(file, LEAT_JSON_STRICT, &document, err);
    if (status == 0) {
        loader.root = leat_json_root(document);
        status = read_model(&loader);
    }
    leat_map_free(loader.hashes);
    leat_map_free(loader.codes);
    free(loader.floats.items);
    free(loader.categories.items);
    free(loader.next_code);
    free(loader.queue);
    leat_json_free(document);
    return status == 0 ? 0 : leat_error_prefix(err, "%s", name);
}
