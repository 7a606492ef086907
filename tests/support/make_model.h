/* Model files out of nothing: random trees in the trainers' formats, for tests and benchmarks of kernels. What
 * matters is the shape; the numbers are arbitrary. Include once a program. */
#ifndef LEAT_TESTS_MAKE_MODEL_H
#define LEAT_TESTS_MAKE_MODEL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct make_random {
    uint64_t state;
};

static inline uint64_t make_bits(struct make_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint32_t make_below(struct make_random *random, uint32_t end)
{
    return (uint32_t)((make_bits(random) >> 32) * end >> 32);
}

/* From 0 to below 1. */
static inline double make_unit(struct make_random *random)
{
    return (double)(make_bits(random) >> 11) * 0x1p-53;
}

struct make_options {
    uint32_t trees;
    uint32_t features;
    uint32_t groups;
    uint32_t leaves; /* a tree */
    uint32_t depth;  /* 0: any; trees with 2^depth leaves are complete */
    double missing; /* XGBoost: share of splits whose missing values go left; LightGBM: also the share of each missing type */
    bool awkward;      /* thresholds of 0, huge, tiny */
    uint32_t bins;     /* LightGBM: at most so many thresholds a feature, as the trainer has it; 0: any */
    bool same_missing; /* LightGBM: a feature's missing type is the same at every split, as the trainer has it */
    uint64_t seed;
};

/* A tree while it is made: splits and leaves in one array, the root first. */
struct make_tree {
    int32_t *left, *right;
    uint32_t *level;
    uint32_t count;
};

static inline struct make_tree make_tree_new(struct make_random *random, const struct make_options *options)
{
    uint32_t room = 2 * options->leaves;
    struct make_tree tree = {
        .left = leat_calloc(room, sizeof(int32_t)),
        .right = leat_calloc(room, sizeof(int32_t)),
        .level = leat_calloc(room, sizeof(uint32_t)),
        .count = 1,
    };
    uint32_t *open = leat_calloc(room, sizeof *open);
    uint32_t open_count = 1;
    tree.left[0] = tree.right[0] = -1;
    for (uint32_t leaves = 1; leaves < options->leaves && open_count > 0;) {
        uint32_t at = make_below(random, open_count);
        uint32_t node = open[at];
        open[at] = open[--open_count];
        if (options->depth != 0 && tree.level[node] >= options->depth)
            continue;
        for (int side = 0; side < 2; side++) {
            uint32_t child = tree.count++;
            *(side == 0 ? &tree.left[node] : &tree.right[node]) = (int32_t)child;
            tree.left[child] = tree.right[child] = -1;
            tree.level[child] = tree.level[node] + 1;
            open[open_count++] = child;
        }
        leaves++;
    }
    free(open);
    return tree;
}

static inline void make_tree_done(struct make_tree *tree)
{
    free(tree->left);
    free(tree->right);
    free(tree->level);
}

/* Features are mostly from -2 to 2, so thresholds are too. */
static inline double make_threshold(struct make_random *random, bool awkward)
{
    static const double corners[] = {0.0, -0.0, 1e-35, -1e-35, 1e-40, 3.4e38, -3.4e38, 1.0, -1.0, 16777216.0};
    if (awkward && make_below(random, 4) == 0)
        return corners[make_below(random, sizeof corners / sizeof corners[0])];
    return (double)(float)(make_unit(random) * 4 - 2);
}

static inline double make_value(struct make_random *random, bool awkward)
{
    if (awkward && make_below(random, 5) == 0)
        return (double)NAN;
    if (awkward && make_below(random, 5) == 0)
        return make_threshold(random, true);
    return make_unit(random) * 4 - 2;
}

static inline void make_put_number(struct leat_buffer *out, bool first, double number)
{
    if (!first)
        leat_buffer_append_char(out, ',');
    leat_json_put_double(out, number);
}

static inline void make_xgboost_tree(struct make_random *random, const struct make_options *options,
                                     struct leat_buffer *out)
{
    struct make_tree tree = make_tree_new(random, options);
    const char *const names[] = {"left_children", "right_children", "split_indices", "split_conditions", "default_left"};
    leat_buffer_format(out, "{\"tree_param\":{\"num_nodes\":\"%u\",\"size_leaf_vector\":\"1\"}", tree.count);
    for (int array = 0; array < 5; array++) {
        leat_buffer_format(out, ",\"%s\":[", names[array]);
        for (uint32_t i = 0; i < tree.count; i++) {
            bool leaf = tree.left[i] < 0;
            double numbers[5] = {tree.left[i], tree.right[i], 0, 0, 0};
            numbers[2] = leaf ? 0 : make_below(random, options->features);
            numbers[3] = leaf ? (double)(float)(make_unit(random) - 0.5) : make_threshold(random, options->awkward);
            numbers[4] = !leaf && make_unit(random) < options->missing;
            make_put_number(out, i == 0, numbers[array]);
        }
        leat_buffer_append_char(out, ']');
    }
    leat_buffer_append_char(out, '}');
    make_tree_done(&tree);
}

static inline void make_xgboost(const struct make_options *options, struct leat_buffer *out)
{
    struct make_random random = {options->seed};
    leat_buffer_append_text(out, "{\"version\":[3,2,0],\"learner\":{\"objective\":{\"name\":\"reg:squarederror\"},");
    leat_buffer_format(
        out, "\"learner_model_param\":{\"base_score\":\"[5E-1]\",\"num_feature\":\"%u\",\"num_target\":\"%u\"},",
        options->features, options->groups);
    leat_buffer_append_text(out, "\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"tree_info\":[");
    for (uint32_t i = 0; i < options->trees; i++)
        leat_buffer_format(out, "%s%u", i == 0 ? "" : ",", i % options->groups);
    leat_buffer_append_text(out, "],\"trees\":[");
    for (uint32_t i = 0; i < options->trees; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ",");
        make_xgboost_tree(&random, options, out);
    }
    leat_buffer_append_text(out, "]}}}}");
}

/* The file numbers splits and leaves apart: ranks[i] is the number of node i among its kind. */
static inline int64_t make_lightgbm_child(const struct make_tree *tree, const uint32_t *ranks, int32_t child)
{
    return tree->left[child] < 0 ? -1 - (int64_t)ranks[child] : (int64_t)ranks[child];
}

static inline void make_lightgbm_tree(struct make_random *random, const struct make_options *options, uint32_t number,
                                      struct leat_buffer *out)
{
    static const char *const names[] = {"split_feature", "threshold",   "decision_type",
                                        "left_child",    "right_child", "leaf_value"};
    struct make_tree tree = make_tree_new(random, options);
    uint32_t *ranks = leat_calloc(tree.count, sizeof *ranks);
    uint32_t *features = leat_calloc(tree.count, sizeof *features);
    uint32_t counts[2] = {0, 0};
    for (uint32_t i = 0; i < tree.count; i++)
        ranks[i] = counts[tree.left[i] < 0]++;
    leat_buffer_format(out, "Tree=%u\nnum_leaves=%u\nnum_cat=0\n", number, counts[1]);
    for (int array = 0; array < 6; array++) {
        leat_buffer_format(out, "%s=", names[array]);
        for (uint32_t i = 0; i < tree.count; i++) {
            bool leaf = tree.left[i] < 0;
            if (leaf != (array == 5))
                continue;
            int missing = make_unit(random) < options->missing ? (int)make_below(random, 3) : 0;
            double numbers[6] = {make_below(random, options->features), make_threshold(random, options->awkward)};
            if (options->bins > 0) /* not a float's value, nor any row's */
                numbers[1] = floor(numbers[1] * options->bins / 4) * 4 / options->bins + 1e-9;
            if (array == 0)
                features[i] = (uint32_t)numbers[0];
            if (options->same_missing)
                missing = features[i] < options->missing * options->features ? 2 : 0;
            numbers[2] = missing * 4 + (make_below(random, 2) == 0 ? 2 : 0);
            numbers[3] = leaf ? 0 : (double)make_lightgbm_child(&tree, ranks, tree.left[i]);
            numbers[4] = leaf ? 0 : (double)make_lightgbm_child(&tree, ranks, tree.right[i]);
            numbers[5] = make_unit(random) - 0.5;
            leat_json_put_double(out, numbers[array]);
            leat_buffer_append_char(out, ' ');
        }
        leat_buffer_append_char(out, '\n');
    }
    leat_buffer_append_char(out, '\n');
    free(ranks);
    free(features);
    make_tree_done(&tree);
}

static inline void make_lightgbm(const struct make_options *options, struct leat_buffer *out)
{
    struct make_random random = {options->seed};
    leat_buffer_format(out,
                       "tree\nversion=v4\nnum_class=%u\nnum_tree_per_iteration=%u\nlabel_index=0\nmax_feature_idx=%u\n",
                       options->groups, options->groups, options->features - 1);
    leat_buffer_append_text(out, options->groups == 1 ? "objective=regression\n" : "objective=multiclass num_class:2\n");
    leat_buffer_append_text(out, "feature_names=");
    for (uint32_t i = 0; i < options->features; i++)
        leat_buffer_format(out, "%sColumn_%u", i == 0 ? "" : " ", i);
    leat_buffer_append_text(out, "\n\n");
    for (uint32_t i = 0; i < options->trees; i++)
        make_lightgbm_tree(&random, options, i, out);
    leat_buffer_append_text(out, "end of trees\n");
}

static inline double *make_rows(uint64_t seed, size_t rows, size_t features, bool awkward)
{
    struct make_random random = {seed};
    double *values = leat_calloc(rows * features, sizeof *values);
    for (size_t i = 0; i < rows * features; i++)
        values[i] = make_value(&random, awkward);
    return values;
}

#endif
