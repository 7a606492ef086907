/* What the formats share: the checks that make a tree safe to walk, and the plain walk itself. */
#include "model/forest.h"

#include "base/json.h"
#include "base/map.h"

#include <math.h>
#include <string.h>

void leat_forest_done(struct leat_forest *forest)
{
    for (size_t i = 0; forest->categories != NULL && i < forest->feature_count; i++)
        leat_categories_free(forest->categories[i]);
    leat_arena_done(&forest->arena);
    memset(forest, 0, sizeof *forest);
}

size_t leat_forest_outputs(const struct leat_forest *forest)
{
    return forest->link == LEAT_LINK_ARGMAX ? 1 : forest->raw_count;
}

size_t leat_forest_bytes(const struct leat_forest *forest)
{
    size_t size = forest->arena.allocated;
    for (size_t i = 0; forest->categories != NULL && i < forest->feature_count; i++)
        size += forest->categories[i] == NULL ? 0 : leat_categories_bytes(forest->categories[i]);
    return size;
}

int leat_forest_check_tree(const struct leat_forest *forest, size_t tree, uint32_t *queue, struct leat_error *err)
{
    const struct leat_tree *t = &forest->trees[tree];
    const struct leat_tree_node *nodes = forest->nodes + t->first;
    uint32_t *reached = queue + t->count;
    memset(reached, 0, t->count * sizeof *reached);
    size_t filled = 0;
    queue[filled++] = 0;
    reached[0] = 1;
    for (size_t at = 0; at < filled; at++) {
        const struct leat_tree_node *node = &nodes[queue[at]];
        if (node->left < 0)
            continue;
        if (node->feature >= forest->feature_count)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "tree %zu, node %u: splits on feature %u, but the model has %zu features", tree,
                                  queue[at], node->feature, forest->feature_count);
        const int32_t children[2] = {node->left, node->right};
        for (int side = 0; side < 2; side++) {
            int32_t child = children[side];
            if (child < 0 || (uint32_t)child >= t->count)
                return leat_error_set(err, LEAT_ERROR_FINDING,
                                      "tree %zu, node %u: its %s child is %d, but the tree has %u nodes", tree,
                                      queue[at], side == 0 ? "left" : "right", child, t->count);
            if (reached[child] != 0)
                return leat_error_set(err, LEAT_ERROR_FINDING,
                                      "tree %zu, node %u: a child is reached twice (a cycle or a shared node)", tree,
                                      queue[at]);
            reached[child] = 1;
            queue[filled++] = (uint32_t)child;
        }
    }
    return 0;
}

size_t leat_forest_order(const struct leat_forest *forest, size_t tree, uint32_t *queue, size_t *ret_depth)
{
    const struct leat_tree_node *nodes = forest->nodes + forest->trees[tree].first;
    size_t filled = 0;
    size_t level_end = 1;
    size_t depth = 0;
    queue[filled++] = 0;
    for (size_t at = 0; at < filled; at++) {
        if (at == level_end) {
            depth++;
            level_end = filled;
        }
        const struct leat_tree_node *node = &nodes[queue[at]];
        if (node->left < 0)
            continue;
        queue[filled++] = (uint32_t)node->left;
        queue[filled++] = (uint32_t)node->right;
    }
    *ret_depth = depth;
    return filled;
}

int leat_forest_check_names(const struct leat_forest *forest, struct leat_error *err)
{
    if (forest->feature_names == NULL)
        return 0;
    struct leat_map *seen = leat_map_new();
    int status = 0;
    for (size_t i = 0; i < forest->feature_count && status == 0; i++) {
        struct leat_bytes name = leat_bytes_of(forest->feature_names[i]);
        bool added = false;
        if (!leat_utf8_valid(name))
            status = leat_error_set(err, LEAT_ERROR_FINDING, "the name of feature %zu is not UTF-8", i);
        *leat_map_put(seen, name, &added) = i;
        if (name.len == 0)
            status = leat_error_set(err, LEAT_ERROR_FINDING, "feature %zu has an empty name", i);
        if (name.len > 0 && !added)
            status = leat_error_set(err, LEAT_ERROR_FINDING, "two features are named '%s'", name.data);
    }
    leat_map_free(seen);
    return status;
}

/* Where the trainers part: LightGBM truncates towards zero, so that -0.5 is category 0; XGBoost takes what is below 0
 * for invalid, and 2^24 and more. */
static bool in_set(const struct leat_forest *forest, size_t set, double x)
{
    bool wide = forest->arithmetic == LEAT_FLOAT64;
    if (!(wide ? x > -1.0 && x < 2147483648.0 : x >= 0 && x < 16777216.0))
        return false;
    uint32_t category = (uint32_t)(int32_t)x;
    const struct leat_category_set *s = &forest->sets[set];
    if (category / 32 >= s->count)
        return false;
    return (forest->words[s->first + category / 32] >> (category % 32) & 1) != 0;
}

static double rounded(const struct leat_forest *forest, double x)
{
    return forest->arithmetic == LEAT_FLOAT64 ? x : (double)(float)x;
}

static bool goes_left(const struct leat_forest *forest, const struct leat_tree_node *node, double given)
{
    double x = rounded(forest, given);
    if (forest->tiny_is_zero && fabs(x) <= LEAT_TINY)
        x = 0;
    if (isnan(x) && (node->flags & LEAT_NODE_NAN_IS_ZERO) != 0)
        x = 0;
    if (isnan(x) || (x == 0 && (node->flags & LEAT_NODE_ZERO_MISSING) != 0))
        return (node->flags & LEAT_NODE_DEFAULT_LEFT) != 0;
    if ((node->flags & LEAT_NODE_CATEGORIES) != 0)
        return in_set(forest, (size_t)node->value, x);
    if ((node->flags & LEAT_NODE_EQUAL) != 0)
        return given == node->value;
    double threshold = rounded(forest, node->value);
    return (node->flags & LEAT_NODE_CLOSED) != 0 ? x <= threshold : x < threshold;
}

bool leat_forest_goes_left(const struct leat_forest *forest, const struct leat_tree_node *node, const double *row)
{
    return goes_left(forest, node, row[node->feature]);
}

static const struct leat_tree_node *leaf_of(const struct leat_forest *forest, size_t tree, const double *row)
{
    const struct leat_tree_node *nodes = forest->nodes + forest->trees[tree].first;
    const struct leat_tree_node *node = nodes;
    while (node->left >= 0)
        node = nodes + (goes_left(forest, node, row[node->feature]) ? node->left : node->right);
    return node;
}

double leat_forest_linear(const struct leat_forest *forest, int32_t leaf, double otherwise, const double *row)
{
    const struct leat_linear_leaf *linear = &forest->linear[leaf];
    double sum = linear->constant;
    for (uint32_t i = 0; i < linear->count; i++) {
        const struct leat_linear_term *term = &forest->terms[linear->first + i];
        double x = row[term->feature];
        if (isnan(x))
            return otherwise;
        sum += term->coefficient * (forest->tiny_is_zero && fabs(x) <= LEAT_TINY ? 0 : x);
    }
    return sum;
}

/* ---- sums in float ---- */

static void weigh32(const struct leat_forest *forest, const double *row, float *ret_raw)
{
    size_t groups = forest->raw_count;
    for (size_t group = 0; group < groups; group++) {
        float sum = (float)forest->weights[forest->feature_count * groups + group] + (float)forest->base[group];
        for (size_t feature = 0; feature < forest->feature_count; feature++) {
            float x = (float)row[feature];
            if (!isnan(x))
                sum += x * (float)forest->weights[feature * groups + group];
        }
        ret_raw[group] = sum;
    }
}

static void add_leaf32(const struct leat_forest *forest, uint32_t group, const struct leat_tree_node *leaf,
                       const double *row, float *ret_raw)
{
    if (forest->leaf_width <= 1) {
        ret_raw[group] += (float)(leaf->right < 0 ? leaf->value
                                                  : leat_forest_linear(forest, leaf->right, leaf->value, row));
        return;
    }
    const double *values = forest->leaf_values + (size_t)leaf->value;
    for (size_t i = 0; i < forest->leaf_width; i++)
        ret_raw[i] += (float)values[i];
}

void leat_forest_begin32(const struct leat_forest *forest, size_t count, float *ret_raw)
{
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < forest->raw_count; i++)
            *ret_raw++ = forest->base_last ? 0 : (float)forest->base[i];
}

void leat_forest_end32(const struct leat_forest *forest, size_t count, float *raw)
{
    for (size_t i = 0; forest->sum_scale != 0 && i < count * forest->raw_count; i++)
        raw[i] *= (float)forest->sum_scale;
    for (size_t row = 0; forest->base_last && row < count; row++)
        for (size_t i = 0; i < forest->raw_count; i++)
            *raw++ += (float)forest->base[i];
}

void leat_forest_walk32(const struct leat_forest *forest, const double *row, float *ret_raw)
{
    if (forest->weights != NULL) {
        weigh32(forest, row, ret_raw);
        return;
    }
    leat_forest_begin32(forest, 1, ret_raw);
    for (size_t tree = 0; tree < forest->tree_count; tree++)
        add_leaf32(forest, forest->trees[tree].group, leaf_of(forest, tree, row), row, ret_raw);
    leat_forest_end32(forest, 1, ret_raw);
}

/* ---- sums in double ---- */

/* What is missing makes the sum NaN: a linear model has no other answer to it. */
static void weigh64(const struct leat_forest *forest, const double *row, double *ret_raw)
{
    size_t groups = forest->raw_count;
    for (size_t group = 0; group < groups; group++) {
        double sum = forest->base[group] + forest->weights[forest->feature_count * groups + group];
        for (size_t feature = 0; feature < forest->feature_count; feature++)
            sum += rounded(forest, row[feature]) * forest->weights[feature * groups + group];
        ret_raw[group] = sum;
    }
}

static void add_leaf64(const struct leat_forest *forest, uint32_t group, const struct leat_tree_node *leaf,
                       const double *row, double *ret_raw)
{
    if (forest->leaf_width <= 1) {
        ret_raw[group] += leaf->right < 0 ? leaf->value : leat_forest_linear(forest, leaf->right, leaf->value, row);
        return;
    }
    const double *values = forest->leaf_values + (size_t)leaf->value;
    for (size_t i = 0; i < forest->leaf_width; i++)
        ret_raw[i] += values[i];
}

void leat_forest_begin64(const struct leat_forest *forest, size_t count, double *ret_raw)
{
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < forest->raw_count; i++)
            *ret_raw++ = forest->base_last ? 0 : forest->base[i];
}

void leat_forest_end64(const struct leat_forest *forest, size_t count, double *raw)
{
    for (size_t i = 0; forest->sum_scale != 0 && i < count * forest->raw_count; i++)
        raw[i] *= forest->sum_scale;
    for (size_t row = 0; forest->base_last && row < count; row++)
        for (size_t i = 0; i < forest->raw_count; i++)
            *raw++ += forest->base[i];
}

void leat_forest_walk64(const struct leat_forest *forest, const double *row, double *ret_raw)
{
    if (forest->weights != NULL) {
        weigh64(forest, row, ret_raw);
        return;
    }
    leat_forest_begin64(forest, 1, ret_raw);
    for (size_t tree = 0; tree < forest->tree_count; tree++)
        add_leaf64(forest, forest->trees[tree].group, leaf_of(forest, tree, row), row, ret_raw);
    leat_forest_end64(forest, 1, ret_raw);
}
