/* XGBoost's JSON, 1.0 to 3.x: boosters gbtree, dart (in its three layouts) and gblinear, every objective, numeric
 * splits.
 *
 *   learner.learner_model_param   base_score, num_class, num_feature, num_target: numbers in strings
 *   learner.objective.name
 *   learner.gradient_booster      name, model.{gbtree_model_param, tree_info, trees[]}
 *
 * Numbers are read as doubles and rounded to float32: the trainer writes the shortest decimal of a float32, which
 * comes back as the same one either way. The child arrays are what counts; deleted nodes may lie between the
 * others. */
#include "model/forest.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum margin { MARGIN_IDENTITY, MARGIN_LOGIT, MARGIN_LOG };
enum answer { ANSWER_NUMBER, ANSWER_BINARY, ANSWER_CLASS };

struct objective {
    const char *name;
    enum leat_link link;
    enum margin margin; /* from base_score, which the file has in output space */
    enum answer answer;
};

static const struct objective objectives[] = {
    {"reg:squarederror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:linear", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:squaredlogerror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:pseudohubererror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:absoluteerror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:quantileerror", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:expectileerror", LEAT_LINK_EXPECTILES, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"reg:logistic", LEAT_LINK_SIGMOID, MARGIN_LOGIT, ANSWER_NUMBER},
    {"binary:logistic", LEAT_LINK_SIGMOID, MARGIN_LOGIT, ANSWER_BINARY},
    {"binary:logitraw", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_BINARY},
    {"binary:hinge", LEAT_LINK_HINGE, MARGIN_IDENTITY, ANSWER_BINARY},
    {"count:poisson", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER},
    {"reg:gamma", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER},
    {"reg:tweedie", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER},
    {"survival:cox", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER},
    {"survival:aft", LEAT_LINK_EXP, MARGIN_LOG, ANSWER_NUMBER},
    {"multi:softprob", LEAT_LINK_SOFTMAX, MARGIN_IDENTITY, ANSWER_CLASS},
    {"multi:softmax", LEAT_LINK_ARGMAX, MARGIN_IDENTITY, ANSWER_CLASS},
    {"rank:pairwise", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"rank:ndcg", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
    {"rank:map", LEAT_LINK_IDENTITY, MARGIN_IDENTITY, ANSWER_NUMBER},
};

struct loader {
    struct leat_forest *forest;
    const struct objective *objective;
    const struct leat_json *learner;
    int64_t version_major, version_minor;
    struct leat_error *err;
};

#define refuse(l, ...) leat_error_set((l)->err, LEAT_ERROR_FINDING, __VA_ARGS__)

/* ---- members ---- */

static int need(struct loader *l, const struct leat_json *object, const char *where, const char *name,
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

/* A count that the file writes as "3" or as 3; absent is `otherwise`. */
static int read_count(struct loader *l, const struct leat_json *object, const char *where, const char *name,
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

static bool version_is_before(const struct loader *l, int64_t major, int64_t minor)
{
    return l->version_major < major || (l->version_major == major && l->version_minor < minor);
}

/* ---- the model's parameters ---- */

static float margin_of(const struct loader *l, float base)
{
    bool raw = l->objective->answer == ANSWER_BINARY && l->objective->link == LEAT_LINK_IDENTITY;
    if (raw && version_is_before(l, 1, 3))
        return -logf(1.0f / base - 1.0f);
    if (l->objective->margin == MARGIN_LOG)
        return logf(base);
    if (l->objective->margin == MARGIN_IDENTITY)
        return base;
    if (!version_is_before(l, 3, 1))
        base = fminf(fmaxf(base, 1e-6f), 1.0f - 1e-6f);
    return -logf(1.0f / base - 1.0f);
}

static int put_base(struct loader *l, size_t group, struct leat_bytes text)
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

/* "5E-1", or from 3.1 on "[5E-1]" or "[1E0,2E0,3E0]". One number stands for all groups. */
static int read_base(struct loader *l, const struct leat_json *params)
{
    size_t groups = l->forest->raw_count;
    const struct leat_json *node = leat_json_get(params, "base_score");
    if (node == NULL || node->type != LEAT_JSON_STRING)
        return refuse(l, "learner.learner_model_param.base_score is missing");
    struct leat_bytes text = trim(node->as.string);
    if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = (struct leat_bytes){text.data + 1, text.len - 2};
    size_t count = 0;
    for (bool more = true; more; count++) {
        const char *comma = text.len == 0 ? NULL : memchr(text.data, ',', text.len);
        size_t len = comma == NULL ? text.len : (size_t)(comma - text.data);
        if (count == groups)
            return refuse(l, "learner.learner_model_param.base_score has more than the model's %zu values", groups);
        if (put_base(l, count, trim((struct leat_bytes){text.data, len})) != 0)
            return -1;
        more = comma != NULL;
        if (more)
            text = (struct leat_bytes){comma + 1, text.len - len - 1};
    }
    if (count != 1 && count != groups)
        return refuse(l, "learner.learner_model_param.base_score has %zu values, but the model has %zu groups", count,
                      groups);
    for (size_t group = 1; group < groups && count == 1; group++)
        l->forest->base[group] = l->forest->base[0];
    return 0;
}

static int read_objective(struct loader *l)
{
    const struct leat_json *node = NULL;
    const struct leat_json *name = NULL;
    if (need(l, l->learner, "learner", "objective", LEAT_JSON_OBJECT, &node) != 0 ||
        need(l, node, "learner.objective", "name", LEAT_JSON_STRING, &name) != 0)
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

static int read_names(struct loader *l)
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

static int read_params(struct loader *l)
{
    const char *where = "learner.learner_model_param";
    struct leat_forest *forest = l->forest;
    const struct leat_json *params = NULL;
    int64_t features = 0;
    int64_t classes = 0;
    int64_t targets = 0;
    if (need(l, l->learner, "learner", "learner_model_param", LEAT_JSON_OBJECT, &params) != 0 ||
        read_count(l, params, where, "num_feature", 0, LEAT_FEATURES_MAX, &features) != 0 ||
        read_count(l, params, where, "num_class", 0, LEAT_GROUPS_MAX, &classes) != 0 ||
        read_count(l, params, where, "num_target", 1, LEAT_GROUPS_MAX, &targets) != 0)
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
    return read_base(l, params) != 0 ? -1 : read_names(l);
}

/* ---- trees ---- */

struct tree_arrays {
    const struct leat_json *left, *right, *feature, *value, *default_left;
    const struct leat_json *split_type; /* NULL before 1.3 */
};

static int need_array(struct loader *l, const struct leat_json *tree, size_t number, const char *name, uint32_t count,
                      const struct leat_json **ret)
{
    const struct leat_json *array = leat_json_get(tree, name);
    if (array == NULL || array->type != LEAT_JSON_ARRAY)
        return refuse(l, "tree %zu has no array '%s'", number, name);
    if (count != UINT32_MAX && array->count != count)
        return refuse(l, "tree %zu: '%s' has %u entries, but 'left_children' has %u", number, name, array->count, count);
    *ret = array;
    return 0;
}

static int find_arrays(struct loader *l, const struct leat_json *tree, size_t number, struct tree_arrays *ret)
{
    if (need_array(l, tree, number, "left_children", UINT32_MAX, &ret->left) != 0)
        return -1;
    uint32_t count = ret->left->count;
    if (need_array(l, tree, number, "right_children", count, &ret->right) != 0 ||
        need_array(l, tree, number, "split_indices", count, &ret->feature) != 0 ||
        need_array(l, tree, number, "split_conditions", count, &ret->value) != 0 ||
        need_array(l, tree, number, "default_left", count, &ret->default_left) != 0)
        return -1;
    ret->split_type = NULL;
    if (leat_json_get(tree, "split_type") != NULL &&
        need_array(l, tree, number, "split_type", count, &ret->split_type) != 0)
        return -1;
    return 0;
}

/* A child's or feature's number as it stands; what it may be is checked for the nodes that are reached. */
static bool index_at(const struct leat_json *array, uint32_t i, int64_t min, int64_t *ret)
{
    return leat_json_integer(&array->as.elements[i], ret) && *ret >= min && *ret <= INT32_MAX;
}

static bool flag_at(const struct leat_json *array, uint32_t i, bool *ret)
{
    const struct leat_json *node = &array->as.elements[i];
    int64_t number = node->type == LEAT_JSON_BOOL ? node->as.boolean : 0;
    bool good = node->type == LEAT_JSON_BOOL || leat_json_integer(node, &number);
    *ret = number != 0;
    return good && (number == 0 || number == 1);
}

static int read_node(struct loader *l, const struct tree_arrays *arrays, size_t number, uint32_t i,
                     struct leat_node *ret)
{
    int64_t left;
    int64_t right;
    int64_t feature;
    double value;
    bool default_left;
    if (!index_at(arrays->left, i, -1, &left) || !index_at(arrays->right, i, INT32_MIN, &right))
        return refuse(l, "tree %zu, node %u: a child's number is not one", number, i);
    if (!index_at(arrays->feature, i, 0, &feature))
        return refuse(l, "tree %zu, node %u: split_indices has no feature's number", number, i);
    if (!leat_json_number(&arrays->value->as.elements[i], &value))
        return refuse(l, "tree %zu, node %u: split_conditions has no number", number, i);
    if (!flag_at(arrays->default_left, i, &default_left))
        return refuse(l, "tree %zu, node %u: default_left is neither 0 nor 1", number, i);
    ret->value = (double)(float)value;
    ret->left = (int32_t)left;
    ret->right = left < 0 ? -1 : (int32_t)right;
    ret->feature = (uint32_t)feature;
    ret->flags = default_left ? LEAT_NODE_DEFAULT_LEFT : 0;
    return 0;
}

/* Of the nodes that are reached. */
static int refuse_categories(struct loader *l, const struct tree_arrays *arrays, size_t number, const uint32_t *queue,
                             size_t count)
{
    for (size_t i = 0; i < count && arrays->split_type != NULL; i++) {
        int64_t type = 0;
        bool leaf = l->forest->nodes[l->forest->trees[number].first + queue[i]].left < 0;
        if (!leaf && (!leat_json_integer(&arrays->split_type->as.elements[queue[i]], &type) || type != 0))
            return refuse(l,
                          "tree %zu, node %u: splits on categories, which are not read for XGBoost yet; train with "
                          "enable_categorical off (one-hot or ordinal numbers)",
                          number, queue[i]);
    }
    return 0;
}

static int check_tree_param(struct loader *l, const struct leat_json *tree, size_t number, uint32_t nodes)
{
    const struct leat_json *param = leat_json_get(tree, "tree_param");
    int64_t declared = 0;
    int64_t vector = 0;
    if (read_count(l, param, "tree_param", "num_nodes", nodes, INT32_MAX, &declared) != 0 ||
        read_count(l, param, "tree_param", "size_leaf_vector", 0, INT32_MAX, &vector) != 0)
        return leat_error_prefix(l->err, "tree %zu", number);
    if (vector > 1)
        return refuse(
            l,
            "tree %zu has leaves of %lld values (multi_strategy: multi_output_tree), which are not read yet; train with "
            "one_output_per_tree",
            number, (long long)vector);
    if (nodes == 0 || (uint64_t)declared != nodes)
        return refuse(l, "tree %zu: tree_param says %lld nodes, but the arrays have %u", number, (long long)declared,
                      nodes);
    return 0;
}

static int read_tree(struct loader *l, const struct leat_json *tree, size_t number, uint32_t *queue)
{
    struct leat_forest *forest = l->forest;
    struct tree_arrays arrays = {0};
    uint32_t nodes = forest->trees[number].count;
    if (check_tree_param(l, tree, number, nodes) != 0 || find_arrays(l, tree, number, &arrays) != 0)
        return -1;
    for (uint32_t i = 0; i < nodes; i++)
        if (read_node(l, &arrays, number, i, &forest->nodes[forest->trees[number].first + i]) != 0)
            return -1;
    if (leat_forest_check_tree(forest, number, queue, l->err) != 0)
        return -1;
    size_t depth = 0;
    size_t reached = leat_forest_order(forest, number, queue, &depth);
    return refuse_categories(l, &arrays, number, queue, reached);
}

/* Counts nodes before any is read, so that they lie in one array. */
static int count_nodes(struct loader *l, const struct leat_json *trees, uint32_t *ret_largest)
{
    struct leat_forest *forest = l->forest;
    for (uint32_t i = 0; i < trees->count; i++) {
        const struct leat_json *left = NULL;
        if (need_array(l, &trees->as.elements[i], i, "left_children", UINT32_MAX, &left) != 0)
            return -1;
        forest->trees[i].first = (uint32_t)forest->node_count;
        forest->trees[i].count = left->count;
        forest->node_count += left->count;
        *ret_largest = left->count > *ret_largest ? left->count : *ret_largest;
    }
    return 0;
}

static int read_groups(struct loader *l, const struct leat_json *model)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *info = NULL;
    if (need(l, model, "model", "tree_info", LEAT_JSON_ARRAY, &info) != 0)
        return -1;
    if (info->count != forest->tree_count)
        return refuse(l, "model.tree_info has %u entries, but there are %zu trees", info->count, forest->tree_count);
    for (uint32_t i = 0; i < info->count; i++) {
        int64_t group;
        if (!leat_json_integer(&info->as.elements[i], &group) || group < 0 || (uint64_t)group >= forest->raw_count)
            return refuse(l, "model.tree_info[%u] is not one of the model's %zu groups", i, forest->raw_count);
        forest->trees[i].group = (uint32_t)group;
    }
    return 0;
}

static int read_trees(struct loader *l, const struct leat_json *model)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *trees = NULL;
    const struct leat_json *param = leat_json_get(model, "gbtree_model_param");
    int64_t declared = 0;
    uint32_t largest = 1;
    if (need(l, model, "model", "trees", LEAT_JSON_ARRAY, &trees) != 0 ||
        read_count(l, param, "gbtree_model_param", "num_trees", trees->count, INT32_MAX, &declared) != 0)
        return -1;
    if ((uint64_t)declared != trees->count)
        return refuse(l, "gbtree_model_param.num_trees is %lld, but there are %u trees", (long long)declared,
                      trees->count);
    forest->tree_count = trees->count;
    forest->trees = leat_arena_zalloc(&forest->arena, trees->count, sizeof *forest->trees);
    if (read_groups(l, model) != 0 || count_nodes(l, trees, &largest) != 0)
        return -1;
    forest->nodes = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->nodes);
    uint32_t *queue = leat_calloc(2 * (size_t)largest, sizeof *queue);
    int status = 0;
    for (uint32_t i = 0; i < trees->count && status == 0; i++)
        status = read_tree(l, &trees->as.elements[i], i, queue);
    free(queue);
    return status;
}

/* DART: a tree's leaves count by its weight; the trainer multiplies in float32 before it adds. */
static int apply_weights(struct loader *l, const struct leat_json *weights)
{
    struct leat_forest *forest = l->forest;
    if (weights->type != LEAT_JSON_ARRAY || weights->count != forest->tree_count)
        return refuse(l, "weight_drop has %u entries, but there are %zu trees",
                      weights->type == LEAT_JSON_ARRAY ? weights->count : 0, forest->tree_count);
    for (uint32_t i = 0; i < weights->count; i++) {
        double weight;
        if (!leat_json_number(&weights->as.elements[i], &weight))
            return refuse(l, "weight_drop[%u] is not a number", i);
        struct leat_node *nodes = forest->nodes + forest->trees[i].first;
        for (uint32_t n = 0; n < forest->trees[i].count; n++)
            if (nodes[n].left < 0)
                nodes[n].value = (double)((float)nodes[n].value * (float)weight);
    }
    return 0;
}

/* ---- linear models ---- */

static int read_linear(struct loader *l, const struct leat_json *booster)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *model = NULL;
    const struct leat_json *weights = NULL;
    if (need(l, booster, "learner.gradient_booster", "model", LEAT_JSON_OBJECT, &model) != 0 ||
        need(l, model, "learner.gradient_booster.model", "weights", LEAT_JSON_ARRAY, &weights) != 0)
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
    forest->weights = values;
    /* The trainer adds the first base score to every group. */
    for (size_t group = 1; group < forest->raw_count; group++)
        forest->base[group] = forest->base[0];
    return 0;
}

/* ---- the whole ---- */

static int read_booster(struct loader *l)
{
    const struct leat_json *booster = NULL;
    const struct leat_json *name = NULL;
    const struct leat_json *model = NULL;
    if (need(l, l->learner, "learner", "gradient_booster", LEAT_JSON_OBJECT, &booster) != 0 ||
        need(l, booster, "learner.gradient_booster", "name", LEAT_JSON_STRING, &name) != 0)
        return -1;
    if (leat_bytes_is(name->as.string, "gblinear"))
        return read_linear(l, booster);
    bool dart = leat_bytes_is(name->as.string, "dart");
    if (!dart && !leat_bytes_is(name->as.string, "gbtree"))
        return refuse(l, "learner.gradient_booster.name: the booster '%.64s' is not known", name->as.string.data);
    const struct leat_json *trees = booster;
    if (dart && need(l, booster, "learner.gradient_booster", "gbtree", LEAT_JSON_OBJECT, &trees) != 0)
        return -1;
    if (need(l, trees, "learner.gradient_booster", "model", LEAT_JSON_OBJECT, &model) != 0 || read_trees(l, model) != 0)
        return -1;
    const struct leat_json *weights = leat_json_get(booster, "weight_drop");
    if (weights == NULL)
        weights = leat_json_get(model, "weight_drop");
    if (dart && weights == NULL)
        return refuse(l, "learner.gradient_booster.weight_drop is missing");
    if (dart)
        l->forest->base_last = version_is_before(l, 1, 4);
    /* A gbtree may carry the member, empty. */
    if (weights == NULL || (!dart && weights->type == LEAT_JSON_ARRAY && weights->count == 0))
        return 0;
    return apply_weights(l, weights);
}

static int read_learner(struct loader *l, const struct leat_json *root)
{
    const struct leat_json *version = leat_json_get(root, "version");
    if (!leat_json_integer(leat_json_at(version, 0), &l->version_major) ||
        !leat_json_integer(leat_json_at(version, 1), &l->version_minor))
        l->version_major = INT64_MAX; /* taken for the newest */
    l->forest->base_last = version_is_before(l, 1, 3);
    l->forest->sigmoid_unclamped = version_is_before(l, 1, 6);
    l->forest->format = "xgboost-json";
    l->forest->arithmetic = LEAT_FLOAT32;
    if (root->type != LEAT_JSON_OBJECT || need(l, root, "(top)", "learner", LEAT_JSON_OBJECT, &l->learner) != 0)
        return refuse(
            l,
            "there is no 'learner': not a model that XGBoost's save_model wrote (dump_model's output has too little)");
    return read_objective(l) != 0 || read_params(l) != 0 ? -1 : read_booster(l);
}

int leat_xgboost_load(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                      struct leat_forest *ret, struct leat_error *err)
{
    (void)options;
    struct leat_json_document *document = NULL;
    struct loader loader = {.forest = ret, .err = err};
    int status = leat_json_parse(file, LEAT_JSON_NONFINITE, &document, err);
    if (status == 0)
        status = read_learner(&loader, leat_json_root(document));
    leat_json_free(document);
    return status == 0 ? 0 : leat_error_prefix(err, "%s", name);
}
