/* Forests out of nothing, as no generator of files makes them: every arithmetic, flag and kind of leaf. Include once a
 * program. */
#ifndef LEAT_TESTS_MAKE_FOREST_H
#define LEAT_TESTS_MAKE_FOREST_H

#include "model/forest.h"
#include "model/kind.h"
#include "support/make_model.h"

struct make_forest_options {
    enum leat_arithmetic arithmetic;
    bool closed; /* every split, else as it comes */
    bool tiny_is_zero;
    bool missing_kinds; /* NaN counts as 0, 0 is missing */
    bool categories;
    bool linear;
    uint32_t width; /* of leaves */
    bool base_last;
    double sum_scale;
    bool coarse; /* thresholds and values are multiples of 1/4, so that they often meet */
    struct make_options shape;
};

static inline double make_coarse(struct make_random *random)
{
    return (double)make_below(random, 17) / 4 - 2;
}

static inline void make_sets(struct leat_forest *forest, struct make_random *random)
{
    const uint32_t words = 3;
    forest->set_count = 40;
    forest->sets = leat_arena_zalloc(&forest->arena, forest->set_count, sizeof *forest->sets);
    forest->words = leat_arena_zalloc(&forest->arena, forest->set_count * words, sizeof *forest->words);
    for (uint32_t i = 0; i < forest->set_count; i++) {
        forest->sets[i] = (struct leat_category_set){i * words, make_below(random, words + 1)};
        for (uint32_t w = 0; w < words; w++)
            forest->words[i * words + w] = (uint32_t)make_bits(random) & (uint32_t)make_bits(random);
    }
}

static inline void make_linear_leaves(struct leat_forest *forest, struct make_random *random)
{
    const uint32_t count = 30;
    forest->linear = leat_arena_zalloc(&forest->arena, count, sizeof *forest->linear);
    forest->terms = leat_arena_zalloc(&forest->arena, (size_t)3 * count, sizeof *forest->terms);
    for (uint32_t i = 0; i < count; i++) {
        forest->linear[i] = (struct leat_linear_leaf){make_unit(random), 3 * i, make_below(random, 4)};
        for (uint32_t t = 0; t < 3; t++)
            forest->terms[3 * i + t] = (struct leat_linear_term){make_unit(random) - 0.5,
                                                                 make_below(random, (uint32_t)forest->feature_count)};
    }
}

static inline void make_split(const struct make_forest_options *options, struct make_random *random,
                              struct leat_tree_node *ret)
{
    ret->feature = make_below(random, options->shape.features);
    ret->value = options->coarse ? make_coarse(random) : make_threshold(random, options->shape.awkward);
    if (options->arithmetic == LEAT_FLOAT64 && !options->coarse && make_below(random, 2) == 0)
        ret->value += make_unit(random) * 1e-9;
    if (options->closed || make_below(random, 2) == 0)
        ret->flags |= LEAT_NODE_CLOSED;
    if (make_unit(random) < options->shape.missing)
        ret->flags |= LEAT_NODE_DEFAULT_LEFT;
    /* A feature is either numbers or categories. */
    if (options->categories && ret->feature % 3 == 0) {
        ret->flags = (ret->flags & LEAT_NODE_DEFAULT_LEFT) | LEAT_NODE_CATEGORIES;
        ret->value = make_below(random, 40);
    } else if (options->missing_kinds) {
        ret->flags |= make_below(random, 2) == 0 ? LEAT_NODE_NAN_IS_ZERO : 0;
        ret->flags |= make_below(random, 2) == 0 ? LEAT_NODE_ZERO_MISSING : 0;
    }
}

static inline void make_forest(const struct make_forest_options *options, struct leat_forest *ret)
{
    struct make_random random = {options->shape.seed};
    uint32_t trees = options->shape.trees;
    *ret = (struct leat_forest){
        .format = "made",
        .objective = "made",
        .arithmetic = options->arithmetic,
        .tiny_is_zero = options->tiny_is_zero,
        .feature_count = options->shape.features,
        .raw_count = options->shape.groups,
        .base_last = options->base_last,
        .sum_scale = options->sum_scale,
        .scale = 1,
        .leaf_width = options->width,
        .tree_count = trees,
    };
    uint32_t room = 2 * options->shape.leaves;
    ret->base = leat_arena_zalloc(&ret->arena, ret->raw_count, sizeof *ret->base);
    ret->trees = leat_arena_zalloc(&ret->arena, trees, sizeof *ret->trees);
    ret->nodes = leat_arena_zalloc(&ret->arena, (size_t)trees * room, sizeof *ret->nodes);
    ret->leaf_values = leat_arena_zalloc(&ret->arena, (size_t)trees * room * (options->width + 1), sizeof(double));
    for (size_t i = 0; i < ret->raw_count; i++)
        ret->base[i] = make_unit(&random);
    make_sets(ret, &random);
    make_linear_leaves(ret, &random);
    size_t values = 0;
    for (uint32_t t = 0; t < trees; t++) {
        struct make_tree tree = make_tree_new(&random, &options->shape);
        ret->trees[t] = (struct leat_tree){(uint32_t)ret->node_count, tree.count, 0};
        ret->trees[t].group = options->width > 1 ? 0 : t % options->shape.groups;
        for (uint32_t i = 0; i < tree.count; i++) {
            struct leat_tree_node *node = &ret->nodes[ret->node_count++];
            *node = (struct leat_tree_node){.left = tree.left[i], .right = tree.right[i]};
            if (node->left >= 0) {
                make_split(options, &random, node);
                continue;
            }
            node->value = options->width > 1 ? (double)values : make_unit(&random) - 0.5;
            for (uint32_t w = 0; w < options->width && options->width > 1; w++)
                ret->leaf_values[values++] = make_unit(&random) - 0.5;
            if (options->linear && make_below(&random, 2) == 0)
                node->right = (int32_t)make_below(&random, 30);
        }
        make_tree_done(&tree);
    }
}

#endif
