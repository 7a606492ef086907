/* XGBoost's trees. Each is a table of arrays with an entry a node:
 *
 *   left_children, right_children, split_indices, split_conditions, default_left, sum_hessian
 *   split_type                     1: a split on categories; categories_{nodes,segments,sizes} say which run of
 *                                  `categories` a node has
 *
 * The child arrays are what counts; deleted nodes may lie between the others. A leaf's value stands in
 * split_conditions. With leaves of several values (size_leaf_vector) they stand in base_weights, at the node's number,
 * or from 3.2 on in leaf_weights, at the number that the leaf has for a right child.
 *
 * Numbers are read as doubles and rounded to float32: the trainer writes the shortest decimal of a float32, which
 * comes back as the same one either way. */
#include "model/xgboost.h"

#include <stdlib.h>
#include <string.h>

/* The trainer's own limit: codes from here on are in no set. */
#define CATEGORY_MAX ((int64_t)1 << 24)
/* The names of a tree's arrays alone are longer. */
#define TREE_BYTES_MIN 64

struct arrays {
    const struct leat_json *left, *right, *feature, *value, *default_left;
    const struct leat_json *split_type; /* NULL before 1.3 */
    const struct leat_json *cover;
    const struct leat_json *leaf_values; /* NULL: leaves have one value */
    bool by_leaf;                        /* leaf_values is indexed by the leaf's number */
    size_t first_value;                  /* where they begin in the forest's */
    const struct leat_json *set_nodes, *set_segments, *set_sizes, *categories;
};

struct reader {
    struct leat_xgboost *l;
    struct leat_forest *forest;
    const struct leat_json *trees;
    struct arrays *arrays; /* of each tree */
    uint32_t *queue;
    uint32_t largest; /* nodes of a tree */
    size_t word_count;
    size_t words_filled, sets_filled;
};

#define refuse(r, ...) leat_xgboost_refuse((r)->l, __VA_ARGS__)

/* ---- finding arrays ---- */

static int need_array(struct reader *r, size_t tree, const char *name, uint32_t count, const struct leat_json **ret)
{
    const struct leat_json *array = leat_json_get(&r->trees->as.elements[tree], name);
    if (array == NULL || array->type != LEAT_JSON_ARRAY)
        return refuse(r, "tree %zu has no array '%s'", tree, name);
    if (count != UINT32_MAX && array->count != count)
        return refuse(r, "tree %zu: '%s' has %u entries, but 'left_children' has %u", tree, name, array->count, count);
    *ret = array;
    return 0;
}

/* *ret stays NULL when there is no such member. */
static int find_array(struct reader *r, size_t tree, const char *name, uint32_t count, const struct leat_json **ret)
{
    if (leat_json_get(&r->trees->as.elements[tree], name) == NULL)
        return 0;
    return need_array(r, tree, name, count, ret);
}

static int find_leaf_values(struct reader *r, size_t tree, size_t width)
{
    struct arrays *arrays = &r->arrays[tree];
    uint32_t nodes = arrays->left->count;
    if (find_array(r, tree, "leaf_weights", UINT32_MAX, &arrays->leaf_values) != 0)
        return -1;
    arrays->by_leaf = arrays->leaf_values != NULL;
    if (!arrays->by_leaf && need_array(r, tree, "base_weights", UINT32_MAX, &arrays->leaf_values) != 0)
        return -1;
    uint32_t count = arrays->leaf_values->count;
    if (arrays->by_leaf ? count % width != 0 : count != nodes * width)
        return refuse(r, "tree %zu: '%s' has %u values; leaves have %zu each", tree,
                      arrays->by_leaf ? "leaf_weights" : "base_weights", count, width);
    return 0;
}

/* What tree_param says must be so. Of a model with leaves of several values every tree has such. */
static int check_tree_param(struct reader *r, size_t tree)
{
    const struct leat_json *param = leat_json_get(&r->trees->as.elements[tree], "tree_param");
    uint32_t nodes = r->arrays[tree].left->count;
    int64_t declared = 0;
    int64_t width = 0;
    if (leat_xgboost_count(r->l, param, "tree_param", "num_nodes", nodes, INT32_MAX, &declared) != 0 ||
        leat_xgboost_count(r->l, param, "tree_param", "size_leaf_vector", 0, INT32_MAX, &width) != 0)
        return leat_error_prefix(r->l->err, "tree %zu", tree);
    if (nodes == 0 || (uint64_t)declared != nodes)
        return refuse(r, "tree %zu: tree_param says %lld nodes, but the arrays have %u", tree, (long long)declared,
                      nodes);
    if (width > 1 && (uint64_t)width != r->forest->raw_count)
        return refuse(r, "tree %zu has leaves of %lld values, but the model has %zu groups", tree, (long long)width,
                      r->forest->raw_count);
    if (tree > 0 && (width > 1) != (r->forest->leaf_width > 1))
        return refuse(r, "tree %zu has leaves of %lld values, other trees have not", tree, (long long)width);
    if (width <= 1)
        return 0;
    r->forest->leaf_width = (size_t)width;
    return find_leaf_values(r, tree, (size_t)width);
}

static int find_arrays(struct reader *r, size_t tree)
{
    struct arrays *arrays = &r->arrays[tree];
    if (need_array(r, tree, "left_children", UINT32_MAX, &arrays->left) != 0 || check_tree_param(r, tree) != 0)
        return -1;
    uint32_t count = arrays->left->count;
    if (need_array(r, tree, "right_children", count, &arrays->right) != 0 ||
        need_array(r, tree, "split_indices", count, &arrays->feature) != 0 ||
        need_array(r, tree, "split_conditions", count, &arrays->value) != 0 ||
        need_array(r, tree, "default_left", count, &arrays->default_left) != 0 ||
        find_array(r, tree, "split_type", count, &arrays->split_type) != 0 ||
        find_array(r, tree, "sum_hessian", count, &arrays->cover) != 0 ||
        find_array(r, tree, "categories_nodes", UINT32_MAX, &arrays->set_nodes) != 0)
        return -1;
    if (arrays->set_nodes == NULL || arrays->set_nodes->count == 0)
        return 0;
    return need_array(r, tree, "categories_segments", UINT32_MAX, &arrays->set_segments) != 0 ||
                   need_array(r, tree, "categories_sizes", UINT32_MAX, &arrays->set_sizes) != 0 ||
                   need_array(r, tree, "categories", UINT32_MAX, &arrays->categories) != 0
               ? -1
               : 0;
}

/* ---- sets of categories ---- */

static size_t set_count(const struct arrays *arrays)
{
    return arrays->set_nodes == NULL ? 0 : arrays->set_nodes->count;
}

static int64_t integer_at(const struct leat_json *array, uint32_t i)
{
    int64_t value = -1;
    return leat_json_integer(&array->as.elements[i], &value) ? value : -1;
}

/* Checks the sets of one tree and adds up the words that they take. Runs of categories may not overlap, which keeps
 * this linear. */
static int measure_sets(struct reader *r, size_t tree)
{
    const struct arrays *arrays = &r->arrays[tree];
    size_t sets = set_count(arrays);
    int64_t used = 0;
    if (sets == 0)
        return 0;
    if (arrays->set_segments->count != sets || arrays->set_sizes->count != sets)
        return refuse(r, "tree %zu: categories_nodes has %zu entries, categories_segments %u, categories_sizes %u",
                      tree, sets, arrays->set_segments->count, arrays->set_sizes->count);
    for (uint32_t i = 0; i < sets; i++) {
        int64_t node = integer_at(arrays->set_nodes, i);
        int64_t begin = integer_at(arrays->set_segments, i);
        int64_t size = integer_at(arrays->set_sizes, i);
        int64_t largest = 0;
        if (node < 0 || node >= arrays->left->count)
            return refuse(r, "tree %zu: categories_nodes[%u] is not one of its %u nodes", tree, i, arrays->left->count);
        if (begin < used || size < 0 || begin > arrays->categories->count || size > arrays->categories->count - begin)
            return refuse(r,
                          "tree %zu: categories_segments[%u] and categories_sizes[%u] are not the next run of its %u "
                          "categories",
                          tree, i, i, arrays->categories->count);
        used = begin + size;
        for (int64_t k = begin; k < used; k++) {
            int64_t category = integer_at(arrays->categories, (uint32_t)k);
            if (category < 0 || category >= CATEGORY_MAX)
                return refuse(r, "tree %zu: categories[%lld] is not a code from 0 to %lld", tree, (long long)k,
                              (long long)CATEGORY_MAX - 1);
            largest = category > largest ? category : largest;
        }
        r->word_count += (size_t)largest / 32 + 1;
    }
    return 0;
}

static int make_sets(struct reader *r)
{
    struct leat_forest *forest = r->forest;
    size_t most = LEAT_XGBOOST_SETS_BYTES + LEAT_XGBOOST_SETS_MULTIPLE * r->l->file_size;
    most = most < UINT32_MAX ? most : UINT32_MAX;
    size_t sets = 0;
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        sets += set_count(&r->arrays[tree]);
        if (sets > 0 && leat_xgboost_before(r->l, 1, 6))
            return refuse(r,
                          "tree %zu splits on categories, which XGBoost before 1.6 did in its own ways: load the model "
                          "with a later version and save it again, after comparing their scores",
                          tree);
        if (measure_sets(r, tree) != 0)
            return -1;
        if (r->word_count * sizeof *forest->words > most)
            return refuse(r,
                          "tree %zu: the sets of categories up to here take %zu bytes; a file of %zu bytes may ask "
                          "for %zu",
                          tree, r->word_count * sizeof *forest->words, r->l->file_size, most);
    }
    if (sets == 0)
        return 0;
    forest->set_count = sets;
    forest->sets = leat_arena_zalloc(&forest->arena, sets, sizeof *forest->sets);
    forest->words = leat_arena_zalloc(&forest->arena, r->word_count, sizeof *forest->words);
    return 0;
}

/* The next set, from checked arrays. */
static void read_set(struct reader *r, const struct arrays *arrays, uint32_t i)
{
    struct leat_forest *forest = r->forest;
    int64_t begin = integer_at(arrays->set_segments, i);
    int64_t size = integer_at(arrays->set_sizes, i);
    uint32_t *words = forest->words + r->words_filled;
    uint32_t last = 0;
    for (int64_t k = begin; k < begin + size; k++) {
        uint32_t category = (uint32_t)integer_at(arrays->categories, (uint32_t)k);
        words[category / 32] |= (uint32_t)1 << category % 32;
        last = category / 32 > last ? category / 32 : last;
    }
    forest->sets[r->sets_filled++] = (struct leat_category_set){(uint32_t)r->words_filled, last + 1};
    r->words_filled += last + 1;
}

/* In the set goes right here, but left in a forest: the children are exchanged, and where a missing value goes. What
 * can be in no set goes left here, right in a forest; but in 1.6 it goes where a missing value goes. Where that is
 * right, the complement of the set says the same. */
static void split_by_set(struct reader *r, struct leat_tree_node *node, size_t set)
{
    const struct leat_category_set *s = &r->forest->sets[set];
    bool complement = leat_xgboost_before(r->l, 1, 7) && (node->flags & LEAT_NODE_DEFAULT_LEFT) == 0;
    node->value = (double)set;
    node->flags |= LEAT_NODE_CATEGORIES;
    for (uint32_t i = 0; complement && i < s->count; i++)
        r->forest->words[s->first + i] ^= UINT32_MAX;
    if (complement)
        return;
    int32_t left = node->left;
    node->left = node->right;
    node->right = left;
    node->flags ^= LEAT_NODE_DEFAULT_LEFT;
}

static int read_sets(struct reader *r, size_t tree)
{
    const struct arrays *arrays = &r->arrays[tree];
    struct leat_tree_node *nodes = r->forest->nodes + r->forest->trees[tree].first;
    for (uint32_t i = 0; i < set_count(arrays); i++) {
        struct leat_tree_node *node = &nodes[integer_at(arrays->set_nodes, i)];
        size_t set = r->sets_filled;
        read_set(r, arrays, i);
        if ((node->flags & LEAT_NODE_CATEGORIES) != 0)
            return refuse(r, "tree %zu: categories_nodes has node %lld twice", tree,
                          (long long)integer_at(arrays->set_nodes, i));
        bool split = arrays->split_type != NULL &&
                     integer_at(arrays->split_type, (uint32_t)integer_at(arrays->set_nodes, i)) == 1;
        if (node->left < 0 || node->right < 0 || !split)
            continue; /* a leaf; or a split with one child, which is refused where it is reached */
        split_by_set(r, node, set);
    }
    return 0;
}

/* ---- nodes ---- */

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

static int read_node(struct reader *r, size_t tree, uint32_t i, struct leat_tree_node *ret)
{
    const struct arrays *arrays = &r->arrays[tree];
    int64_t left;
    int64_t right;
    int64_t feature;
    double value;
    bool default_left;
    if (!index_at(arrays->left, i, -1, &left) || !index_at(arrays->right, i, INT32_MIN, &right))
        return refuse(r, "tree %zu, node %u: a child's number is not one", tree, i);
    if (!index_at(arrays->feature, i, 0, &feature))
        return refuse(r, "tree %zu, node %u: split_indices has no feature's number", tree, i);
    if (!leat_json_number(&arrays->value->as.elements[i], &value))
        return refuse(r, "tree %zu, node %u: split_conditions has no number", tree, i);
    if (!flag_at(arrays->default_left, i, &default_left))
        return refuse(r, "tree %zu, node %u: default_left is neither 0 nor 1", tree, i);
    ret->value = (double)(float)value;
    ret->left = (int32_t)left;
    ret->right = left < 0 ? -1 : (int32_t)right;
    ret->feature = (uint32_t)feature;
    ret->flags = default_left ? LEAT_NODE_DEFAULT_LEFT : 0;
    return 0;
}

static int read_cover(struct reader *r, size_t tree)
{
    const struct leat_json *cover = r->arrays[tree].cover;
    double *ret = r->forest->cover + r->forest->trees[tree].first;
    for (uint32_t i = 0; i < cover->count; i++) {
        double value;
        if (!leat_json_number(&cover->as.elements[i], &value))
            return refuse(r, "tree %zu, node %u: sum_hessian has no number", tree, i);
        ret[i] = (double)(float)value;
    }
    return 0;
}

/* All values of the tree's leaves are taken over as they lie. */
static int read_leaf_values(struct reader *r, size_t tree)
{
    const struct leat_json *values = r->arrays[tree].leaf_values;
    double *ret = r->forest->leaf_values + r->arrays[tree].first_value;
    for (uint32_t i = 0; i < values->count; i++) {
        double value;
        if (!leat_json_number(&values->as.elements[i], &value))
            return refuse(r, "tree %zu: value %u of its leaves is not a number", tree, i);
        ret[i] = (double)(float)value;
    }
    return 0;
}

/* What holds only for nodes that are reached. */
static int finish_node(struct reader *r, size_t tree, uint32_t i)
{
    const struct arrays *arrays = &r->arrays[tree];
    struct leat_tree_node *node = &r->forest->nodes[r->forest->trees[tree].first + i];
    int64_t type = arrays->split_type == NULL ? 0 : integer_at(arrays->split_type, i);
    if (node->left >= 0 && type != 0 && type != 1)
        return refuse(r, "tree %zu, node %u: split_type is neither 0 nor 1", tree, i);
    if (node->left >= 0 && type == 1 && (node->flags & LEAT_NODE_CATEGORIES) == 0)
        return refuse(r, "tree %zu, node %u: splits on categories, but categories_nodes lacks it", tree, i);
    if (node->left >= 0 || arrays->leaf_values == NULL)
        return 0;
    size_t width = r->forest->leaf_width;
    int64_t place = arrays->by_leaf ? integer_at(arrays->right, i) : i;
    if (place < 0 || (uint64_t)place >= arrays->leaf_values->count / width)
        return refuse(r, "tree %zu, node %u: there is no leaf %lld", tree, i, (long long)place);
    node->value = (double)(arrays->first_value + (size_t)place * width);
    return 0;
}

static int read_tree(struct reader *r, size_t tree)
{
    struct leat_forest *forest = r->forest;
    const struct arrays *arrays = &r->arrays[tree];
    struct leat_tree_node *nodes = forest->nodes + forest->trees[tree].first;
    size_t depth = 0;
    for (uint32_t i = 0; i < arrays->left->count; i++)
        if (read_node(r, tree, i, &nodes[i]) != 0)
            return -1;
    if ((forest->cover != NULL && read_cover(r, tree) != 0) || read_sets(r, tree) != 0 ||
        (arrays->leaf_values != NULL && read_leaf_values(r, tree) != 0) ||
        leat_forest_check_tree(forest, tree, r->queue, r->l->err) != 0)
        return -1;
    size_t reached = leat_forest_order(forest, tree, r->queue, &depth);
    for (size_t i = 0; i < reached; i++)
        if (finish_node(r, tree, r->queue[i]) != 0)
            return -1;
    return 0;
}

/* ---- the forest ---- */

/* Counts before anything is read, so that all nodes lie in one array. */
static int measure(struct reader *r)
{
    struct leat_forest *forest = r->forest;
    size_t values = 0;
    bool cover = true;
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        struct arrays *arrays = &r->arrays[tree];
        if (find_arrays(r, tree) != 0)
            return -1;
        arrays->first_value = values;
        forest->trees[tree].first = (uint32_t)forest->node_count;
        forest->trees[tree].count = arrays->left->count;
        forest->node_count += arrays->left->count;
        values += arrays->leaf_values == NULL ? 0 : arrays->leaf_values->count;
        cover = cover && arrays->cover != NULL;
        r->largest = arrays->left->count > r->largest ? arrays->left->count : r->largest;
    }
    forest->nodes = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->nodes);
    if (values > 0)
        forest->leaf_values = leat_arena_zalloc(&forest->arena, values, sizeof *forest->leaf_values);
    if (cover && forest->node_count > 0)
        forest->cover = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->cover);
    return make_sets(r);
}

static int read_groups(struct reader *r, const struct leat_json *model)
{
    struct leat_forest *forest = r->forest;
    const struct leat_json *info = NULL;
    if (leat_xgboost_need(r->l, model, "model", "tree_info", LEAT_JSON_ARRAY, &info) != 0)
        return -1;
    if (info->count != r->trees->count)
        return refuse(r, "model.tree_info has %u entries, but there are %u trees", info->count, r->trees->count);
    for (uint32_t i = 0; i < forest->tree_count; i++) {
        int64_t group;
        if (!leat_json_integer(&info->as.elements[i], &group) || group < 0 || (uint64_t)group >= forest->raw_count)
            return refuse(r, "model.tree_info[%u] is not one of the model's %zu groups", i, forest->raw_count);
        forest->trees[i].group = forest->leaf_width > 1 ? 0 : (uint32_t)group;
    }
    return 0;
}

static void weigh_tree(struct reader *r, size_t tree, float weight)
{
    struct leat_forest *forest = r->forest;
    const struct leat_json *values = r->arrays[tree].leaf_values;
    double *value = values == NULL ? NULL : forest->leaf_values + r->arrays[tree].first_value;
    for (uint32_t i = 0; values != NULL && i < values->count; i++)
        value[i] = (double)((float)value[i] * weight);
    struct leat_tree_node *nodes = forest->nodes + forest->trees[tree].first;
    for (uint32_t i = 0; values == NULL && i < forest->trees[tree].count; i++)
        if (nodes[i].left < 0)
            nodes[i].value = (double)((float)nodes[i].value * weight);
}

/* DART: a tree's leaves count by its weight; the trainer multiplies in float32 before it adds. */
static int apply_weights(struct reader *r, const struct leat_json *weights)
{
    if (weights->type != LEAT_JSON_ARRAY || weights->count != r->trees->count)
        return refuse(r, "weight_drop has %u entries, but there are %u trees",
                      weights->type == LEAT_JSON_ARRAY ? weights->count : 0, r->trees->count);
    for (uint32_t i = 0; i < r->forest->tree_count; i++) {
        double weight;
        if (!leat_json_number(&weights->as.elements[i], &weight))
            return refuse(r, "weight_drop[%u] is not a number", i);
        weigh_tree(r, i, (float)weight);
    }
    return 0;
}

/* ---- rounds ---- */

/* Before 1.6 the file says how many trees a group has in a round only where training ended early: best_ntree_limit
 * counts them up to the best round. */
static int64_t parallel_before_1_6(const struct leat_xgboost *l)
{
    const struct leat_json *attributes = leat_json_get(l->learner, "attributes");
    const char *best = leat_json_text(leat_json_get(attributes, "best_iteration"), "");
    const char *limit = leat_json_text(leat_json_get(attributes, "best_ntree_limit"), "");
    int64_t rounds = 0;
    int64_t trees = 0;
    if (leat_int_parse(leat_bytes_of(best), &rounds) != 0 || leat_int_parse(leat_bytes_of(limit), &trees) != 0)
        return 1;
    return rounds >= 0 && rounds < INT32_MAX && trees > 0 && trees % (rounds + 1) == 0 ? trees / (rounds + 1) : 1;
}

/* Newer files say at which tree each round begins; in others each has the same number of trees. */
struct rounds {
    const struct leat_json *indices; /* NULL: each */
    size_t each;
    size_t count;
};

static int count_rounds(struct reader *r, const struct leat_json *model, struct rounds *ret)
{
    const struct leat_json *param = leat_json_get(model, "gbtree_model_param");
    int64_t parallel = 0;
    *ret = (struct rounds){.indices = leat_json_get(model, "iteration_indptr")};
    if (ret->indices != NULL && ret->indices->type == LEAT_JSON_ARRAY) {
        ret->count = ret->indices->count == 0 ? 0 : ret->indices->count - 1;
        return 0;
    }
    if (leat_xgboost_count(r->l, param, "gbtree_model_param", "num_parallel_tree", 0, INT32_MAX, &parallel) != 0)
        return -1;
    parallel = parallel > 0 ? parallel : parallel_before_1_6(r->l);
    ret->indices = NULL;
    ret->each = (size_t)parallel * r->forest->raw_count;
    ret->count = r->trees->count / ret->each;
    return 0;
}

/* How many trees the first rounds have, when so many are asked for. */
static int cut_rounds(struct reader *r, const struct rounds *rounds)
{
    size_t wanted = r->l->options->rounds;
    if (wanted == 0)
        return 0;
    if (wanted > rounds->count)
        return refuse(r, "%zu rounds are asked for, but the model has %zu", wanted, rounds->count);
    int64_t trees = rounds->indices != NULL ? integer_at(rounds->indices, (uint32_t)wanted)
                                            : (int64_t)(wanted * rounds->each);
    if (trees < 0 || trees > r->trees->count)
        return refuse(r, "model.iteration_indptr[%zu] is not a place among the %u trees", wanted, r->trees->count);
    r->forest->tree_count = (size_t)trees;
    return 0;
}

/* Training that ended early says which round was the best; scikit-learn's predict stops there. */
static void note_best(const struct reader *r, const struct rounds *rounds)
{
    const struct leat_json *attributes = leat_json_get(r->l->learner, "attributes");
    int64_t best = 0;
    r->forest->boosted = rounds->count;
    if (r->l->options->rounds == 0 &&
        leat_int_parse(leat_bytes_of(leat_json_text(leat_json_get(attributes, "best_iteration"), "")), &best) == 0 &&
        best >= 0 && (uint64_t)best + 1 < rounds->count)
        r->forest->boosted_best = (size_t)best + 1;
}

int leat_xgboost_trees(struct leat_xgboost *l, const struct leat_json *model, const struct leat_json *weights)
{
    struct leat_forest *forest = l->forest;
    struct reader r = {.l = l, .forest = forest, .largest = 1};
    const struct leat_json *param = leat_json_get(model, "gbtree_model_param");
    int64_t declared = 0;
    if (leat_xgboost_need(l, model, "model", "trees", LEAT_JSON_ARRAY, &r.trees) != 0 ||
        leat_xgboost_count(l, param, "gbtree_model_param", "num_trees", r.trees->count, INT32_MAX, &declared) != 0)
        return -1;
    if ((uint64_t)declared != r.trees->count)
        return refuse(&r, "gbtree_model_param.num_trees is %lld, but there are %u trees", (long long)declared,
                      r.trees->count);
    if (r.trees->count > l->file_size / TREE_BYTES_MIN)
        return refuse(&r, "%u trees in a file of %zu bytes: they have no arrays", r.trees->count, l->file_size);
    forest->tree_count = r.trees->count;
    struct rounds rounds;
    if (count_rounds(&r, model, &rounds) != 0 || cut_rounds(&r, &rounds) != 0)
        return -1;
    note_best(&r, &rounds);
    forest->trees = leat_arena_zalloc(&forest->arena, forest->tree_count, sizeof *forest->trees);
    r.arrays = leat_calloc(forest->tree_count, sizeof *r.arrays);
    int status = measure(&r) != 0 || read_groups(&r, model) != 0 ? -1 : 0;
    r.queue = leat_calloc(2 * (size_t)r.largest, sizeof *r.queue);
    for (size_t tree = 0; tree < forest->tree_count && status == 0; tree++)
        status = read_tree(&r, tree);
    if (status == 0 && weights != NULL)
        status = apply_weights(&r, weights);
    free(r.queue);
    free(r.arrays);
    return status;
}
