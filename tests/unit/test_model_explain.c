/* Contributions against the definition of Shapley values, against their own sum, and against the trainers' own for the
 * models of tests/data/explain (for many more: tests/integration/slow_explain.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "model/explain.h"
#include "model/row.h"
#include "model/forest.h"
#include "support/allocations.h"
#include "support/make_model.h"

#include <stdio.h>

#define TREE_LEAVES_MAX 40
#define FEATURES_MAX 8

/* ---- forests out of nothing ---- */

struct shape {
    size_t trees, features, groups, width; /* width: values a leaf */
    uint32_t leaves;
    bool categories;
    double empty; /* share of nodes that no training row reached */
    uint64_t seed;
};

static void make_node(struct make_random *random, const struct shape *shape, struct leat_forest *forest,
                      struct leat_tree_node *node, size_t *leaf_values)
{
    static const uint32_t flags[] = {0, LEAT_NODE_DEFAULT_LEFT, LEAT_NODE_CLOSED, LEAT_NODE_NAN_IS_ZERO,
                                     LEAT_NODE_ZERO_MISSING | LEAT_NODE_DEFAULT_LEFT};
    if (node->left >= 0) {
        node->feature = make_below(random, (uint32_t)shape->features);
        node->value = make_unit(random) * 4 - 2;
        node->flags = flags[make_below(random, 5)];
        if (shape->categories && make_below(random, 2) == 0) {
            node->value = make_below(random, (uint32_t)forest->set_count);
            node->flags = LEAT_NODE_CATEGORIES | (node->flags & LEAT_NODE_DEFAULT_LEFT);
        }
        return;
    }
    node->value = make_unit(random) - 0.5;
    if (shape->width <= 1)
        return;
    node->value = (double)*leaf_values;
    for (size_t i = 0; i < shape->width; i++)
        forest->leaf_values[(*leaf_values)++] = make_unit(random) - 0.5;
}

static void make_forest(const struct shape *shape, struct leat_forest *ret)
{
    struct make_random random = {shape->seed};
    struct leat_forest *forest = ret;
    size_t leaf_values = 0;
    *forest = (struct leat_forest){
        .format = "made",
        .objective = "made",
        .arithmetic = LEAT_FLOAT64,
        .feature_count = shape->features,
        .raw_count = shape->groups * (shape->width < 1 ? 1 : shape->width),
        .leaf_width = shape->width,
        .tree_count = shape->trees,
        .set_count = 4,
    };
    struct leat_arena *arena = &forest->arena;
    forest->trees = leat_arena_zalloc(arena, shape->trees, sizeof *forest->trees);
    forest->nodes = leat_arena_zalloc(arena, shape->trees * 2 * shape->leaves, sizeof *forest->nodes);
    forest->cover = leat_arena_zalloc(arena, shape->trees * 2 * shape->leaves, sizeof *forest->cover);
    forest->base = leat_arena_zalloc(arena, forest->raw_count, sizeof *forest->base);
    forest->leaf_values = leat_arena_zalloc(arena, shape->trees * shape->leaves * (shape->width + 1), sizeof(double));
    forest->sets = leat_arena_zalloc(arena, forest->set_count, sizeof *forest->sets);
    forest->words = leat_arena_zalloc(arena, forest->set_count, sizeof *forest->words);
    for (uint32_t i = 0; i < forest->set_count; i++) {
        forest->sets[i] = (struct leat_category_set){.first = i, .count = 1};
        forest->words[i] = make_below(&random, 16);
    }
    for (size_t i = 0; i < forest->raw_count; i++)
        forest->base[i] = make_unit(&random);
    for (size_t t = 0; t < shape->trees; t++) {
        struct make_options options = {.leaves = shape->leaves};
        struct make_tree tree = make_tree_new(&random, &options);
        forest->trees[t] = (struct leat_tree){
            .first = (uint32_t)forest->node_count, .count = tree.count, .group = (uint32_t)(t % shape->groups)};
        struct leat_tree_node *nodes = forest->nodes + forest->node_count;
        double *cover = forest->cover + forest->node_count;
        for (uint32_t i = 0; i < tree.count; i++) {
            nodes[i].left = tree.left[i];
            nodes[i].right = tree.left[i] < 0 ? -1 : tree.right[i];
            make_node(&random, shape, forest, &nodes[i], &leaf_values);
        }
        /* Children are behind their parents, so a leaf's weight is known before it is added up. */
        for (uint32_t i = tree.count; i-- > 0;)
            cover[i] = tree.left[i] >= 0                   ? cover[tree.left[i]] + cover[tree.right[i]]
                       : make_unit(&random) < shape->empty ? 0
                                                           : 1 + make_below(&random, 1000);
        forest->node_count += tree.count;
        make_tree_done(&tree);
    }
}

static double *make_row(struct make_random *random, size_t features)
{
    static const double corners[] = {(double)NAN, 0, 1, 2, 3};
    double *row = leat_calloc(features, sizeof *row);
    for (size_t i = 0; i < features; i++)
        row[i] = make_below(random, 3) == 0 ? corners[make_below(random, 5)] : make_unit(random) * 4 - 2;
    return row;
}

/* ---- the definition ---- */

/* What the tree gives when only the features of `known` are: otherwise both ways, by the rows that went each. */
static double expectation(const struct leat_forest *forest, size_t tree, uint32_t at, const double *row, uint32_t known,
                          size_t output)
{
    const struct leat_tree_node *nodes = forest->nodes + forest->trees[tree].first;
    const double *cover = forest->cover + forest->trees[tree].first;
    const struct leat_tree_node *node = nodes + at;
    if (node->left < 0)
        return forest->leaf_width <= 1 ? node->value : forest->leaf_values[(size_t)node->value + output];
    if ((known >> node->feature & 1) != 0) {
        int32_t child = leat_forest_goes_left(forest, node, row) ? node->left : node->right;
        return expectation(forest, tree, (uint32_t)child, row, known, output);
    }
    if (cover[at] == 0)
        return 0;
    return cover[node->left] / cover[at] * expectation(forest, tree, (uint32_t)node->left, row, known, output) +
           cover[node->right] / cover[at] * expectation(forest, tree, (uint32_t)node->right, row, known, output);
}

static double factorial(size_t n)
{
    double product = 1;
    for (size_t i = 2; i <= n; i++)
        product *= (double)i;
    return product;
}

/* Over all sets of features. */
static void brute_force(const struct leat_forest *forest, const double *row, double *ret)
{
    size_t features = forest->feature_count, stride = features + 1;
    size_t width = forest->leaf_width <= 1 ? 1 : forest->leaf_width;
    double scale = forest->sum_scale == 0 ? 1 : forest->sum_scale;
    memset(ret, 0, forest->raw_count * stride * sizeof *ret);
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        for (size_t output = 0; output < width; output++) {
            double given[1 << FEATURES_MAX];
            double *of = ret + (forest->trees[tree].group + output) * stride;
            for (uint32_t known = 0; known < 1u << features; known++)
                given[known] = scale * expectation(forest, tree, 0, row, known, output);
            for (uint32_t known = 0; known < 1u << features; known++) {
                size_t size = (size_t)__builtin_popcount(known);
                for (size_t i = 0; i < features; i++)
                    if ((known >> i & 1) == 0)
                        of[i] += factorial(size) * factorial(features - size - 1) / factorial(features) *
                                 (given[known | 1u << i] - given[known]);
            }
            of[features] += given[0];
        }
    }
    for (size_t group = 0; group < forest->raw_count; group++)
        ret[group * stride + features] += forest->base[group];
}

static void *scratch_of(size_t size)
{
    void *scratch = aligned_alloc(64, size + 64);
    memset(scratch, 0xa5, size + 64); /* what was there before must not matter */
    return scratch;
}

static void compare(const struct shape *shape, double sum_scale)
{
    struct leat_forest forest;
    make_forest(shape, &forest);
    forest.sum_scale = sum_scale;
    struct leat_explainer *explainer = leat_explainer_new(&forest);
    assert_non_null(explainer);
    struct make_random random = {shape->seed ^ 77};
    void *scratch = scratch_of(leat_explainer_scratch(explainer));
    size_t count = forest.raw_count * (shape->features + 1);
    double *expected = leat_calloc(count, sizeof *expected);
    double *got = leat_calloc(count, sizeof *got);
    for (int i = 0; i < 5; i++) {
        double *row = make_row(&random, shape->features);
        brute_force(&forest, row, expected);
        leat_explainer_run(explainer, row, got, scratch);
        for (size_t k = 0; k < count; k++)
            if (!(fabs(expected[k] - got[k]) <= 1e-12 * (double)shape->trees))
                fail_msg("seed %u, feature %zu: %.17g by definition, got %.17g", (unsigned)shape->seed,
                         k % (shape->features + 1), expected[k], got[k]);
        free(row);
    }
    free(expected);
    free(got);
    free(scratch);
    leat_explainer_free(explainer);
    leat_forest_done(&forest);
}

static void random_trees_give_shapley_values(void **state)
{
    (void)state;
    struct make_random random = {1};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct shape shape = {
            .trees = 1 + make_below(&random, 5),
            .features = 1 + make_below(&random, FEATURES_MAX),
            .groups = 1 + make_below(&random, 3),
            .width = 1,
            .leaves = 1 + make_below(&random, TREE_LEAVES_MAX),
            .categories = make_below(&random, 2) == 0,
            .seed = seed,
        };
        compare(&shape, make_below(&random, 3) == 0 ? 0.25 : 0);
    }
}

static void leaves_of_several_values_give_shapley_values_of_each(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        compare(
            &(struct shape){.trees = 3, .features = 6, .groups = 1, .width = 2 + seed % 4, .leaves = 20, .seed = seed},
            0);
}

static void a_feature_that_is_split_on_all_the_way_counts_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        compare(&(struct shape){.trees = 2, .features = 1 + seed % 2, .groups = 1, .leaves = 40, .seed = seed}, 0);
}

static void nodes_that_no_training_row_reached_have_no_weight(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        compare(
            &(struct shape){
                .trees = 3, .features = 5, .groups = 1, .leaves = 30, .empty = 0.4 + 0.6 * (seed % 10 == 0), .seed = seed},
            0);
}

/* ---- sums ---- */

/* A chain: one leaf at each split. */
static void make_chain(size_t splits, size_t features, struct leat_forest *forest)
{
    struct make_random random = {splits};
    *forest = (struct leat_forest){
        .arithmetic = LEAT_FLOAT64, .feature_count = features, .raw_count = 1, .tree_count = 1};
    forest->node_count = 2 * splits + 1;
    forest->trees = leat_arena_zalloc(&forest->arena, 1, sizeof *forest->trees);
    forest->nodes = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->nodes);
    forest->cover = leat_arena_zalloc(&forest->arena, forest->node_count, sizeof *forest->cover);
    forest->base = leat_arena_zalloc(&forest->arena, 1, sizeof *forest->base);
    forest->trees[0].count = (uint32_t)forest->node_count;
    for (size_t i = 0; i < forest->node_count; i++) {
        bool split = i % 2 == 0 && i + 2 < forest->node_count;
        forest->nodes[i] = (struct leat_tree_node){.left = split ? (int32_t)i + 1 : -1,
                                                   .right = split ? (int32_t)i + 2 : -1,
                                                   .feature = (uint32_t)(i / 2 % features),
                                                   .value = split ? 0.1 : make_unit(&random) - 0.5};
        forest->cover[i] = i % 2 == 0 ? (double)(forest->node_count - i) : 1;
    }
}

static double sum_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

static void check_sum(const struct leat_forest *forest, const double *row)
{
    struct leat_explainer *explainer = leat_explainer_new(forest);
    assert_non_null(explainer);
    size_t stride = forest->feature_count + 1;
    void *scratch = scratch_of(leat_explainer_scratch(explainer));
    double *raw = leat_calloc(forest->raw_count, sizeof *raw);
    double *got = leat_calloc(forest->raw_count * stride, sizeof *got);
    leat_forest_walk64(forest, row, raw);
    leat_explainer_run(explainer, row, got, scratch);
    for (size_t group = 0; group < forest->raw_count; group++)
        if (!(fabs(sum_of(got + group * stride, stride) - raw[group]) <= 1e-11))
            fail_msg("they add up to %.17g, the margin is %.17g", sum_of(got + group * stride, stride), raw[group]);
    free(raw);
    free(got);
    free(scratch);
    leat_explainer_free(explainer);
}

static void contributions_add_up_to_the_margin(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct leat_forest forest;
        struct make_random random = {seed};
        make_forest(&(struct shape){.trees = 20,
                                    .features = 1 + 3 * seed,
                                    .groups = 2,
                                    .leaves = 200,
                                    .categories = true,
                                    .empty = 0.1,
                                    .seed = seed},
                    &forest);
        double *row = make_row(&random, forest.feature_count);
        check_sum(&forest, row);
        free(row);
        leat_forest_done(&forest);
    }
}

static void ways_up_to_the_limit_add_up_whatever_number_of_points_they_need(void **state)
{
    (void)state;
    for (size_t splits = 1; splits <= LEAT_EXPLAIN_DEPTH_MAX; splits += splits < 40 ? 1 : 8) {
        struct leat_forest forest;
        struct make_random random = {splits};
        make_chain(splits, splits, &forest);
        double *row = make_row(&random, splits);
        check_sum(&forest, row);
        free(row);
        leat_forest_done(&forest);
    }
}

static void one_split_beyond_the_limit_is_not_explained(void **state)
{
    (void)state;
    struct leat_forest forest;
    make_chain(LEAT_EXPLAIN_DEPTH_MAX, 3, &forest);
    struct leat_explainer *explainer = leat_explainer_new(&forest);
    assert_non_null(explainer);
    leat_explainer_free(explainer);
    leat_forest_done(&forest);
    make_chain(LEAT_EXPLAIN_DEPTH_MAX + 1, 3, &forest);
    assert_null(leat_explainer_new(&forest));
    leat_forest_done(&forest);
    make_chain(100000, 3, &forest);
    assert_null(leat_explainer_new(&forest));
    leat_forest_done(&forest);
}

static void what_is_no_weight_of_rows_is_not_explained(void **state)
{
    (void)state;
    const double wrong[] = {-1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct leat_forest forest;
        make_chain(5, 3, &forest);
        forest.cover[4] = wrong[i];
        assert_null(leat_explainer_new(&forest));
        leat_forest_done(&forest);
    }
    struct leat_forest forest;
    make_chain(5, 3, &forest);
    forest.cover[0] = 1e-300; /* and all behind it have more */
    forest.cover[2] = 1e300;
    assert_null(leat_explainer_new(&forest));
    leat_forest_done(&forest);
}

static void a_forest_without_cover_or_with_linear_leaves_is_not_explained(void **state)
{
    (void)state;
    struct leat_forest forest;
    make_chain(5, 3, &forest);
    double *cover = forest.cover;
    forest.cover = NULL;
    assert_null(leat_explainer_new(&forest));
    forest.cover = cover;
    forest.linear = leat_arena_zalloc(&forest.arena, 1, sizeof *forest.linear);
    assert_null(leat_explainer_new(&forest));
    leat_forest_done(&forest);
}

static void a_row_allocates_nothing(void **state)
{
    (void)state;
    struct leat_forest forest;
    struct make_random random = {3};
    double got[31];
    make_forest(&(struct shape){.trees = 5, .features = 30, .groups = 1, .leaves = 300, .seed = 3}, &forest);
    struct leat_explainer *explainer = leat_explainer_new(&forest);
    assert_non_null(explainer);
    void *scratch = scratch_of(leat_explainer_scratch(explainer));
    double *row = make_row(&random, 30);
    count_allocations();
    size_t before = allocations;
    leat_explainer_run(explainer, row, got, scratch);
    assert_int_equal(allocations, before);
    free(row);
    free(scratch);
    leat_explainer_free(explainer);
    leat_forest_done(&forest);
}

/* ---- linear models ---- */

static void a_linear_models_contributions_are_weight_times_value(void **state)
{
    (void)state;
    double weights[] = {2, 10, 0.5, 20, 7, 70}; /* two groups; the last two are biases */
    double base[] = {1, 1};
    struct leat_forest forest = {
        .arithmetic = LEAT_FLOAT64, .feature_count = 2, .raw_count = 2, .base = base, .weights = weights};
    struct leat_explainer *explainer = leat_explainer_new(&forest);
    const double expected[] = {6, -2, 8, 30, -80, 71};
    double got[6];
    leat_explainer_run(explainer, (const double[]){3, -4}, got, NULL);
    for (int i = 0; i < 6; i++)
        assert_true(got[i] == expected[i]);
    leat_explainer_free(explainer);
}

static void what_xgboosts_linear_booster_misses_contributes_nothing(void **state)
{
    (void)state;
    double weights[] = {(double)0.1f, 0.5, 7};
    double base[] = {1};
    struct leat_forest forest = {
        .arithmetic = LEAT_FLOAT32, .feature_count = 2, .raw_count = 1, .base = base, .weights = weights};
    struct leat_explainer *explainer = leat_explainer_new(&forest);
    double got[3];
    leat_explainer_run(explainer, (const double[]){0.3, (double)NAN}, got, NULL);
    assert_true(got[0] == (double)(0.3f * 0.1f));
    assert_true(got[1] == 0 && got[2] == 8);
    leat_explainer_free(explainer);
}

/* ---- through the model ---- */

static struct leat_model *load(const char *text)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("made", leat_bytes_of(text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static void a_model_without_cover_says_that_it_has_no_explanation(void **state)
{
    (void)state;
    struct leat_buffer text = {0};
    make_xgboost(&(struct make_options){.trees = 2, .leaves = 8, .features = 3, .groups = 1, .seed = 1}, &text);
    struct leat_model *model = load(leat_buffer_text(&text));
    assert_null(leat_model_info(model)->explanation);
    leat_model_unref(model);
    leat_buffer_done(&text);
}

static const char linear_booster[] =
    "{\"version\":[3,2,0],\"learner\":{\"objective\":{\"name\":\"reg:squarederror\"},\"learner_model_param\":"
    "{\"base_score\":\"[5E-1]\",\"num_feature\":\"3\",\"num_target\":\"1\"},\"gradient_booster\":{\"name\":\"gblinear\","
    "\"model\":{\"weights\":[2,-1,0.25,3]}}}}";

static struct leat_model *load_wide(int features)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_model *model = NULL;
    struct leat_error err = {0};
    leat_buffer_format(
        &text,
        "{\"version\":[2,0,0],\"learner\":{\"learner_model_param\":{\"base_score\":\"0.5\",\"num_class\":"
        "\"65536\",\"num_feature\":\"%d\",\"num_target\":\"1\"},\"objective\":{\"name\":\"multi:softprob\"},"
        "\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"gbtree_model_param\":{\"num_trees\":\"1\"},"
        "\"tree_info\":[0],\"trees\":[{\"left_children\":[-1],\"right_children\":[-1],\"split_indices\":[0],"
        "\"split_conditions\":[0.5],\"default_left\":[0],\"sum_hessian\":[1]}]}}}}",
        features);
    if (leat_model_load("wide", leat_buffer_view(&text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static void a_model_of_too_many_contributions_is_not_explained(void **state)
{
    (void)state;
    struct leat_model *model = load_wide(255);
    assert_non_null(leat_model_info(model)->explanation);
    leat_model_unref(model);
    model = load_wide(256);
    assert_null(leat_model_info(model)->explanation);
    leat_model_unref(model);
}

static void a_linear_boosters_contributions_come_through_the_model(void **state)
{
    (void)state;
    struct leat_model *model = load(linear_booster);
    double got[4];
    void *scratch = scratch_of(leat_model_explain_scratch(model));
    assert_string_equal(leat_model_info(model)->explanation, "weight times value: exact");
    assert_int_equal(leat_model_explain(model, (const double[]){1, 2, 4}, NULL, 0, got, scratch), 0);
    const double expected[] = {2, -2, 1, 3.5};
    assert_memory_equal(got, expected, sizeof got);
    free(scratch);
    leat_model_unref(model);
}

static void occlusion_is_how_much_the_margin_falls_in_the_mean(void **state)
{
    (void)state;
    struct leat_model *model = load(linear_booster);
    const double row[] = {1, 2, 4};
    const double background[] = {0, 0, 0, 2, 4, 8, 1, 2, (double)NAN};
    double got[4];
    void *scratch = scratch_of(leat_explain_occlusion_scratch(model));
    assert_int_equal(leat_explain_occlusion(model, row, background, 3, got, scratch), 0);
    /* Of a linear model: weight × (value - mean of the background, where missing counts as 0). */
    const double expected[] = {2 * (1 - 3.0 / 3), -1 * (2 - 6.0 / 3), 0.25 * (4 - 8.0 / 3), 3.5 + 2 - 2 + 2.0 / 3};
    for (int i = 0; i < 4; i++)
        assert_true(fabs(got[i] - expected[i]) < 1e-6);
    free(scratch);
    leat_model_unref(model);
}

static void occlusion_looks_at_sixteen_rows_and_needs_one(void **state)
{
    (void)state;
    struct leat_model *model = load(linear_booster);
    double got[4], again[4];
    double *background = make_rows(5, 40, 3, false);
    void *scratch = scratch_of(leat_explain_occlusion_scratch(model));
    assert_int_equal(leat_explain_occlusion(model, background, background, 0, got, scratch), -1);
    assert_int_equal(leat_explain_occlusion(model, background, background, LEAT_EXPLAIN_BACKGROUND_MAX, got, scratch),
                     0);
    assert_int_equal(leat_explain_occlusion(model, background, background, 40, again, scratch), 0);
    assert_memory_equal(got, again, sizeof got);
    free(background);
    free(scratch);
    leat_model_unref(model);
}

/* ---- the trainers' own ---- */

static void compare_line(const struct leat_model *model, const char *name, struct leat_bytes line)
{
    struct leat_error err = {0};
    struct leat_json_document *document = NULL;
    struct leat_row_names names;
    const struct leat_model_info *info = leat_model_info(model);
    size_t stride = info->feature_count + 1;
    double *row = leat_calloc(info->feature_count, sizeof *row);
    double *got = leat_calloc(info->raw_count * stride, sizeof *got);
    void *scratch = scratch_of(leat_model_explain_scratch(model));
    leat_row_names_init(&names, model, NULL);
    if (leat_json_parse(line, LEAT_JSON_STRICT, &document, &err) != 0 ||
        leat_row_read(&names, leat_json_get(leat_json_root(document), "features"), row, &err) != 0)
        fail_msg("%s: %s", name, err.text);
    const struct leat_json *groups = leat_json_get(leat_json_root(document), "contributions");
    assert_int_equal(groups->count, info->raw_count);
    assert_int_equal(leat_model_explain(model, row, NULL, 0, got, scratch), 0);
    for (size_t i = 0; i < info->raw_count * stride; i++) {
        double expected = NAN;
        assert_true(leat_json_number(leat_json_at(leat_json_at(groups, i / stride), i % stride), &expected));
        if (!(fabs(expected - got[i]) <= (info->float32 ? 1e-5 : 1e-12)))
            fail_msg("%s: margin %zu, feature %zu: the trainer says %.17g, got %.17g", name, i / stride, i % stride,
                     expected, got[i]);
    }
    leat_row_names_done(&names);
    leat_json_free(document);
    free(scratch);
    free(got);
    free(row);
}

static void contributions_are_the_trainers_own(void **state)
{
    static const char *const cases[][2] = {
        {"xgboost-classes", "json"},  {"xgboost-categories", "json"}, {"xgboost-dart", "json"},
        {"lightgbm-classes", "txt"},  {"lightgbm-categories", "txt"}, {"lightgbm-forest", "txt"},
        {"catboost-classes", "json"}, {"catboost-symmetric", "json"}, {"catboost-lossguide", "json"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        LEAT_CLEAN_BUFFER file = {0};
        LEAT_CLEAN_BUFFER lines = {0};
        struct leat_error err = {0};
        char path[200];
        size_t rows = 0;
        snprintf(path, sizeof path, "tests/data/explain/%s.%s", cases[i][0], cases[i][1]);
        if (leat_file_read(path, 1 << 24, &file, &err) != 0)
            fail_msg("%s", err.text);
        snprintf(path, sizeof path, "tests/data/explain/%s.contributions.jsonl", cases[i][0]);
        if (leat_file_read(path, 1 << 24, &lines, &err) != 0)
            fail_msg("%s", err.text);
        struct leat_model *model = load(leat_buffer_text(&file));
        assert_string_equal(leat_model_info(model)->explanation, "TreeSHAP, path-dependent: exact");
        leat_buffer_text(&lines); /* puts a NUL behind it */
        for (char *line = lines.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, rows++)
            compare_line(model, cases[i][0], (struct leat_bytes){line, (size_t)(end - line)});
        assert_int_equal(rows, 16);
        leat_model_unref(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contributions_are_the_trainers_own),
        cmocka_unit_test(random_trees_give_shapley_values),
        cmocka_unit_test(leaves_of_several_values_give_shapley_values_of_each),
        cmocka_unit_test(a_feature_that_is_split_on_all_the_way_counts_once),
        cmocka_unit_test(nodes_that_no_training_row_reached_have_no_weight),
        cmocka_unit_test(contributions_add_up_to_the_margin),
        cmocka_unit_test(ways_up_to_the_limit_add_up_whatever_number_of_points_they_need),
        cmocka_unit_test(one_split_beyond_the_limit_is_not_explained),
        cmocka_unit_test(what_is_no_weight_of_rows_is_not_explained),
        cmocka_unit_test(a_forest_without_cover_or_with_linear_leaves_is_not_explained),
        cmocka_unit_test(a_row_allocates_nothing),
        cmocka_unit_test(a_linear_models_contributions_are_weight_times_value),
        cmocka_unit_test(what_xgboosts_linear_booster_misses_contributes_nothing),
        cmocka_unit_test(a_model_without_cover_says_that_it_has_no_explanation),
        cmocka_unit_test(a_model_of_too_many_contributions_is_not_explained),
        cmocka_unit_test(a_linear_boosters_contributions_come_through_the_model),
        cmocka_unit_test(occlusion_is_how_much_the_margin_falls_in_the_mean),
        cmocka_unit_test(occlusion_looks_at_sixteen_rows_and_needs_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
