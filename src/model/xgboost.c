/* XGBoost's JSON and UBJSON, 1.0 to 3.x: boosters gbtree, dart (in its three layouts) and gblinear, every objective.
 *
 *   learner.learner_model_param   base_score, num_class, num_feature, num_target: numbers in strings
 *   learner.objective.name
 *   learner.gradient_booster      name, model.{gbtree_model_param, iteration_indptr, tree_info, trees[], cats} */
#include "model/xgboost.h"

#include "base/ubjson.h"

#include <math.h>
#include <string.h>

enum margin { MARGIN_IDENTITY, MARGIN_LOGIT, MARGIN_LOG };
enum answer { ANSWER_NUMBER, ANSWER_BINARY, ANSWER_CLASS };

struct leat_xgboost_objective {
    const char *name;
    enum leat_link link;
    enum margin margin; /* from base_score, which the file has in output space */
    enum answer answer;
    const char *levels[2]; /* where the levels of quantiles stand: each is an output's name */
};

static const struct leat_xgboost_objective objectives[] = {
    {"reg:squarederror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"reg:linear", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"reg:squaredlogerror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"reg:pseudohubererror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"reg:absoluteerror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"reg:quantileerror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {"quantile_loss_param", "quantile_alpha"}},
    {"reg:expectileerror",
     LEAT_LINK_EXPECTILES,
     MARGIN_IDENTITY,
     ANSWER_NUMBER,
     {"expectile_loss_param", "expectile_alpha"}},
    {"reg:logistic", LEAT_LINK_SIGMOID, MARGIN_LOGIT, ANSWER_NUMBER, {NULL}},
    {"binary:logistic", LEAT_LINK_SIGMOID, MARGIN_LOGIT, ANSWER_BINARY, {NULL}},
    {"binary:logitraw", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_BINARY, {NULL}},
    {"binary:hinge", LEAT_LINK_HINGE, MARGIN_IDENTITY, ANSWER_BINARY, {NULL}},
    {"count:poisson", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER, {NULL}},
    {"reg:gamma", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER, {NULL}},
    {"reg:tweedie", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER, {NULL}},
    {"survival:cox", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER, {NULL}},
    {"survival:aft", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER, {NULL}},
    {"multi:softprob", LEAT_LINK_SOFTMAX, MARGIN_IDENTITY, ANSWER_CLASS, {NULL}},
    {"multi:softmax", LEAT_LINK_ARGMAX, MARGIN_IDENTITY, ANSWER_CLASS, {NULL}},
    {"rank:pairwise", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"rank:ndcg", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
    {"rank:map", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER, {NULL}},
};

#define refuse(l, ...) leat_xgboost_refuse(l, __VA_ARGS__)

/* ---- members ---- */

int leat_xgboost_need(struct leat_xgboost *l, const struct leat_json *object, const char *where, const char *name,
                      enum leat_json_type type, const struct leat_json **ret)
{
    const struct leat_json *node = leat_json_get(object, name);
    if (node == NULL)
        return refuse(l, "%s.%s is missing: not a model of XGBoost's, or cut short", where, name);
    if (node->type != type)
        return refuse(l, "%s.%s is %s where %s belongs", where, name, leat_json_type_name(node->type),
                      leat_json_type_name(type));
    *ret = node;
    return 0;
}

int leat_xgboost_count(struct leat_xgboost *l, const struct leat_json *object, const char *where, const char *name,
                       int64_t otherwise, int64_t max, int64_t *ret)
{
    const struct leat_json *node = leat_json_get(object, name);
    int64_t value = otherwise;
    bool good = node == NULL || leat_json_integer(node, &value);
    if (node != NULL && node->type == LEAT_JSON_STRING)
        good = leat_int_parse(node->as.string, &value) == 0;
    if (!good)
        return refuse(l, "%s.%s is not a whole number", where, name);
    if (value < 0 || value > max)
        return refuse(l, "%s.%s is %lld; 0 to %lld are possible", where, name, (long long)value, (long long)max);
    *ret = value;
    return 0;
}

bool leat_xgboost_before(const struct leat_xgboost *l, int64_t major, int64_t minor)
{
    return l->version_major < major || (l->version_major == major && l->version_minor < minor);
}

/* ---- the model's parameters ---- */

static float margin_of(const struct leat_xgboost *l, float base)
{
    bool raw = l->objective->answer == ANSWER_BINARY && l->objective->link == LEAT_LINK_IDENTITY;
    if (raw && leat_xgboost_before(l, 1, 3))
        return -logf(1.0f / base - 1.0f);
    if (l->objective->margin == MARGIN_LOG)
        return logf(base);
    if (l->objective->margin == MARGIN_IDENTITY)
        return base;
    if (!leat_xgboost_before(l, 3, 1))
        base = fminf(fmaxf(base, 1e-6f), 1.0f - 1e-6f);
    return -logf(1.0f / base - 1.0f);
}

static int put_base(struct leat_xgboost *l, size_t group, struct leat_bytes text)
{
    float base = 0;
    if (leat_float_parse(text, &base) != 0)
        return refuse(l, "learner.learner_model_param.base_score: '%.*s' is not a number", LEAT_BYTES_FORMAT(text));
    float margin = margin_of(l, base);
    if (!isfinite(margin))
        return refuse(l, "learner.learner_model_param.base_score is %g, which %s can not have", (double)base,
                      l->objective->name);
    l->forest->base[group] = (double)margin;
    return 0;
}

static struct leat_bytes trim(struct leat_bytes text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* Lists that are texts: "[1E0,2E0]", and "5E-1" is one of one. */
static struct leat_bytes list_of(struct leat_bytes text)
{
    text = trim(text);
    if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        return (struct leat_bytes){text.data + 1, text.len - 2};
    return text;
}

/* Takes an item off the list; behind the last one its data is NULL. */
static bool next_item(struct leat_bytes *list, struct leat_bytes *ret)
{
    if (list->data == NULL)
        return false;
    const char *comma = list->len == 0 ? NULL : memchr(list->data, ',', list->len);
    size_t len = comma == NULL ? list->len : (size_t)(comma - list->data);
    *ret = trim((struct leat_bytes){list->data, len});
    *list = comma == NULL ? (struct leat_bytes){0} : (struct leat_bytes){comma + 1, list->len - len - 1};
    return true;
}

/* Of expectiles, what the link adds up to the given ones: the inverse of a softplus of each step. */
static void steps_from_levels(struct leat_forest *forest)
{
    for (size_t group = forest->raw_count - 1; group > 0; group--) {
        float step = (float)forest->base[group] - (float)forest->base[group - 1] - 1e-6f;
        step = fmaxf(step, 1e-6f);
        forest->base[group] = (double)(step + logf(-expm1f(-step)));
    }
}

/* From 3.1 on a value for each group; one number stands for all groups. */
static int read_base(struct leat_xgboost *l, const struct leat_json *params)
{
    size_t groups = l->forest->raw_count;
    const struct leat_json *node = leat_json_get(params, "base_score");
    if (node == NULL || node->type != LEAT_JSON_STRING)
        return refuse(l, "learner.learner_model_param.base_score is missing");
    struct leat_bytes item;
    size_t count = 0;
    for (struct leat_bytes rest = list_of(node->as.string); next_item(&rest, &item); count++) {
        if (count == groups)
            return refuse(l, "learner.learner_model_param.base_score has more than the model's %zu values", groups);
        if (put_base(l, count, item) != 0)
            return -1;
    }
    if (count != 1 && count != groups)
        return refuse(l, "learner.learner_model_param.base_score has %zu values, but the model has %zu groups", count,
                      groups);
    for (size_t group = 1; group < groups && count == 1; group++)
        l->forest->base[group] = l->forest->base[0];
    if (l->forest->link == LEAT_LINK_EXPECTILES)
        steps_from_levels(l->forest);
    return 0;
}

static int read_objective(struct leat_xgboost *l)
{
    const struct leat_json *node = NULL;
    const struct leat_json *name = NULL;
    if (leat_xgboost_need(l, l->learner, "learner", "objective", LEAT_JSON_OBJECT, &node) != 0 ||
        leat_xgboost_need(l, node, "learner.objective", "name", LEAT_JSON_STRING, &name) != 0)
        return -1;
    for (size_t i = 0; i < sizeof objectives / sizeof objectives[0]; i++)
        if (leat_bytes_is(name->as.string, objectives[i].name))
            l->objective = &objectives[i];
    if (l->objective == NULL)
        return refuse(l, "learner.objective.name: the objective '%.64s' is not known", name->as.string.data);
    l->forest->objective = l->objective->name;
    l->forest->link = l->objective->link;
    return 0;
}

static int read_names(struct leat_xgboost *l)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *names = leat_json_get(l->learner, "feature_names");
    if (names == NULL || names->type != LEAT_JSON_ARRAY || names->count == 0)
        return 0;
    if (names->count != forest->feature_count)
        return refuse(l, "learner.feature_names has %u names, but num_feature is %zu", names->count,
                      forest->feature_count);
    forest->feature_names = leat_arena_zalloc(&forest->arena, names->count, sizeof *forest->feature_names);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct leat_json *name = &names->as.elements[i];
        if (name->type != LEAT_JSON_STRING || memchr(name->as.string.data, 0, name->as.string.len) != NULL)
            return refuse(l, "learner.feature_names[%u] is not a name", i);
        forest->feature_names[i] = leat_arena_copy(&forest->arena, name->as.string.data, name->as.string.len);
    }
    return leat_forest_check_names(forest, l->err);
}

/* "[1E-1,5E-1]" names the outputs "0.1" and "0.5"; anything else, and they have no names. */
static void read_levels(struct leat_xgboost *l)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *param = leat_json_get(leat_json_get(l->learner, "objective"), l->objective->levels[0]);
    struct leat_bytes text = leat_bytes_of(leat_json_text(leat_json_get(param, l->objective->levels[1]), ""));
    const char **names = leat_arena_zalloc(&forest->arena, forest->raw_count, sizeof *names);
    struct leat_bytes rest = list_of(text);
    struct leat_bytes item;
    for (size_t i = 0; i < forest->raw_count; i++) {
        char digits[32];
        float level = 0;
        if (!next_item(&rest, &item) || leat_float_parse(item, &level) != 0)
            return;
        leat_float_format(level, digits);
        names[i] = leat_arena_strdup(&forest->arena, digits);
    }
    if (rest.data == NULL)
        forest->output_names = names;
}

static int read_params(struct leat_xgboost *l)
{
    const char *where = "learner.learner_model_param";
    struct leat_forest *forest = l->forest;
    const struct leat_json *params = NULL;
    int64_t features = 0;
    int64_t classes = 0;
    int64_t targets = 0;
    if (leat_xgboost_need(l, l->learner, "learner", "learner_model_param", LEAT_JSON_OBJECT, &params) != 0 ||
        leat_xgboost_count(l, params, where, "num_feature", 0, LEAT_FEATURES_MAX, &features) != 0 ||
        leat_xgboost_count(l, params, where, "num_class", 0, LEAT_GROUPS_MAX, &classes) != 0 ||
        leat_xgboost_count(l, params, where, "num_target", 1, LEAT_GROUPS_MAX, &targets) != 0)
        return -1;
    if (classes > 1 && targets > 1)
        return refuse(l, "%s: %lld classes and %lld targets at once are not read", where, (long long)classes,
                      (long long)targets);
    if (l->objective->answer == ANSWER_CLASS && classes < 2)
        return refuse(l, "%s.num_class is %lld; %s needs 2 or more", where, (long long)classes, l->objective->name);
    int64_t groups = classes > targets ? classes : targets;
    forest->feature_count = (size_t)features;
    forest->raw_count = groups < 1 ? 1 : (size_t)groups;
    forest->base = leat_arena_zalloc(&forest->arena, forest->raw_count, sizeof *forest->base);
    if (l->objective->answer == ANSWER_CLASS)
        forest->class_count = forest->raw_count;
    if (l->objective->answer == ANSWER_BINARY && forest->raw_count == 1)
        forest->class_count = 2;
    if (l->objective->levels[0] != NULL)
        read_levels(l);
    return read_base(l, params) != 0 ? -1 : read_names(l);
}

/* ---- linear models ---- */

static int read_linear(struct leat_xgboost *l, const struct leat_json *booster)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *model = NULL;
    const struct leat_json *weights = NULL;
    if (leat_xgboost_need(l, booster, "learner.gradient_booster", "model", LEAT_JSON_OBJECT, &model) != 0 ||
        leat_xgboost_need(l, model, "learner.gradient_booster.model", "weights", LEAT_JSON_ARRAY, &weights) != 0)
        return -1;
    size_t expected = (forest->feature_count + 1) * forest->raw_count;
    if (weights->count != expected)
        return refuse(l, "learner.gradient_booster.model.weights has %u entries; %zu features in %zu groups need %zu",
                      weights->count, forest->feature_count, forest->raw_count, expected);
    double *values = leat_arena_zalloc(&forest->arena, expected, sizeof *values);
    for (uint32_t i = 0; i < weights->count; i++) {
        double weight;
        if (!leat_json_number(&weights->as.elements[i], &weight))
            return refuse(l, "learner.gradient_booster.model.weights[%u] is not a number", i);
        values[i] = (double)(float)weight;
    }
    if (l->options->rounds > 0)
        return refuse(l, "%zu rounds are asked for, but a linear model has none", l->options->rounds);
    forest->weights = values;
    /* The trainer adds the first base score to every group. */
    for (size_t group = 1; group < forest->raw_count; group++)
        forest->base[group] = forest->base[0];
    return 0;
}

/* ---- the whole ---- */

static int read_booster(struct leat_xgboost *l)
{
    const struct leat_json *booster = NULL;
    const struct leat_json *name = NULL;
    const struct leat_json *model = NULL;
    if (leat_xgboost_need(l, l->learner, "learner", "gradient_booster", LEAT_JSON_OBJECT, &booster) != 0 ||
        leat_xgboost_need(l, booster, "learner.gradient_booster", "name", LEAT_JSON_STRING, &name) != 0)
        return -1;
    if (leat_bytes_is(name->as.string, "gblinear"))
        return read_linear(l, booster);
    bool dart = leat_bytes_is(name->as.string, "dart");
    if (!dart && !leat_bytes_is(name->as.string, "gbtree"))
        return refuse(l, "learner.gradient_booster.name: the booster '%.64s' is not known", name->as.string.data);
    const struct leat_json *trees = booster;
    if (dart && leat_xgboost_need(l, booster, "learner.gradient_booster", "gbtree", LEAT_JSON_OBJECT, &trees) != 0)
        return -1;
    if (leat_xgboost_need(l, trees, "learner.gradient_booster", "model", LEAT_JSON_OBJECT, &model) != 0)
        return -1;
    const struct leat_json *weights = leat_json_get(booster, "weight_drop");
    if (weights == NULL)
        weights = leat_json_get(model, "weight_drop");
    if (dart && weights == NULL)
        return refuse(l, "learner.gradient_booster.weight_drop is missing");
    if (dart)
        l->forest->base_last = leat_xgboost_before(l, 1, 4);
    /* A gbtree may carry the member, empty. */
    if (!dart && weights != NULL && weights->type == LEAT_JSON_ARRAY && weights->count == 0)
        weights = NULL;
    return leat_xgboost_trees(l, model, weights) != 0 ? -1 : leat_xgboost_categories(l, model);
}

static int read_learner(struct leat_xgboost *l, const struct leat_json *root)
{
    const struct leat_json *version = leat_json_get(root, "version");
    if (!leat_json_integer(leat_json_at(version, 0), &l->version_major) ||
        !leat_json_integer(leat_json_at(version, 1), &l->version_minor))
        l->version_major = INT64_MAX; /* taken for the newest */
    l->forest->base_last = leat_xgboost_before(l, 1, 3);
    l->forest->sigmoid_unclamped = leat_xgboost_before(l, 1, 6);
    l->forest->arithmetic = LEAT_FLOAT32;
    if (root->type != LEAT_JSON_OBJECT ||
        leat_xgboost_need(l, root, "(top)", "learner", LEAT_JSON_OBJECT, &l->learner) != 0)
        return refuse(
            l,
            "there is no 'learner': not a model that XGBoost's save_model wrote (dump_model's output has too little)");
    return read_objective(l) != 0 || read_params(l) != 0 ? -1 : read_booster(l);
}

int leat_xgboost_load(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                      struct leat_forest *ret, struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    struct leat_xgboost loader = {.forest = ret, .options = options, .file_size = file.len, .err = err};
    static const char *const unwanted[] = {"parents", "loss_changes", NULL};
    bool binary = leat_ubjson_begins(file);
    ret->format = binary ? "xgboost-ubjson" : "xgboost-json";
    int status = binary ? leat_ubjson_parse(file, &document, err)
                        : leat_json_parse_without(file, LEAT_JSON_NONFINITE, unwanted, &document, err);
    if (status == 0)
        status = read_learner(&loader, leat_json_root(document));
    leat_json_free(document);
    return status == 0 ? 0 : leat_error_prefix(err, "%s", name);
}
