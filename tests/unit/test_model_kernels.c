/* Kernels against the plain twin, on random models and rows, bit for bit at every batch size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/make_forest.h"

#include <stdio.h>

#define ROWS 200

static struct leat_model *make(bool xgboost, const struct make_options *options)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    struct leat_buffer text = {0};
    (xgboost ? make_xgboost : make_lightgbm)(options, &text);
    if (leat_model_load("made", leat_buffer_view(&text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    leat_buffer_done(&text);
    return model;
}

/* Bit for bit, but that any NaN is as good as another. */
static bool alike(const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof a[i]) != 0 && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

static void compare_rows(const struct leat_model *model, const double *rows)
{
    const struct leat_model_info *info = leat_model_info(model);
    const size_t sizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 64, 127, 128, 129, ROWS};
    double *plain = leat_calloc(ROWS * info->raw_count, sizeof *plain);
    double *plain_out = leat_calloc(ROWS * info->output_count, sizeof *plain_out);
    double *raw = leat_calloc(ROWS * info->raw_count, sizeof *raw);
    double *out = leat_calloc(ROWS * info->output_count, sizeof *out);
    for (size_t row = 0; row < ROWS; row++)
        leat_model_predict_plain(model, rows + row * info->feature_count, plain_out + row * info->output_count,
                                 plain + row * info->raw_count);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        void *scratch = leat_model_scratch_new(model, sizes[s]);
        for (size_t row = 0; row + sizes[s] <= ROWS; row += sizes[s])
            leat_model_predict(model, rows + row * info->feature_count, info->feature_count, sizes[s],
                               out + row * info->output_count, raw + row * info->raw_count, scratch);
        size_t whole = ROWS / sizes[s] * sizes[s];
        if (!alike(raw, plain, whole * info->raw_count))
            fail_msg("%s: batches of %zu differ from the plain walk", info->kernel, sizes[s]);
        assert_true(alike(out, plain_out, whole * info->output_count));
        free(scratch);
    }
    free(plain);
    free(plain_out);
    free(raw);
    free(out);
}

static void compare(const struct leat_model *model, bool awkward, uint64_t seed)
{
    const struct leat_model_info *info = leat_model_info(model);
    double *rows = make_rows(seed, ROWS, info->feature_count, awkward);
    compare_rows(model, rows);
    free(rows);
}
static void check(bool xgboost, const struct make_options *options, const char *kernel)
{
    struct leat_model *model = make(xgboost, options);
    if (strstr(leat_model_info(model)->kernel, kernel) == NULL)
        fail_msg("the kernel is '%s', not '%s'", leat_model_info(model)->kernel, kernel);
    compare(model, false, options->seed + 1);
    compare(model, true, options->seed + 2);
    leat_model_unref(model);
}

static void random_forests(bool xgboost, uint64_t seed)
{
    struct make_random random = {seed};
    for (uint64_t i = 0; i < 60; i++) {
        struct make_options options = {
            .trees = 1 + make_below(&random, 40),
            .features = 1 + make_below(&random, 30),
            .groups = 1,
            .leaves = 1 + make_below(&random, 60),
            .depth = make_below(&random, 2) * make_below(&random, 9),
            .missing = make_unit(&random),
            .awkward = make_below(&random, 2) == 1,
            .seed = seed * 1000 + i,
        };
        if (make_below(&random, 3) == 0) {
            options.groups = 2 + make_below(&random, 4);
            options.trees *= options.groups;
        }
        check(xgboost, &options, xgboost ? "8-byte nodes, float32" : "8-byte nodes, ranks");
    }
}

static void random_xgboost_forests_score_alike_on_every_path(void **state)
{
    (void)state;
    random_forests(true, 1);
}

static void random_lightgbm_forests_score_alike_on_every_path(void **state)
{
    (void)state;
    random_forests(false, 2);
}

static void a_tree_beyond_65536_nodes_takes_wide_nodes(void **state)
{
    (void)state;
    struct make_options options = {
        .trees = 3, .features = 9, .groups = 1, .leaves = 40000, .missing = 0.5, .awkward = true, .seed = 3};
    check(true, &options, "12-byte");
}

static void eight_trees_of_65528_nodes_are_narrow_and_one_pair_more_each_is_wide(void **state)
{
    (void)state;
    struct make_options options = {.trees = 8, .features = 9, .groups = 1, .leaves = 4096, .missing = 0.5, .seed = 4};
    check(true, &options, "8-byte");
    options.leaves = 4097;
    check(true, &options, "12-byte");
}

static void more_features_than_columns_take_wide_nodes(void **state)
{
    (void)state;
    struct make_options options = {
        .trees = 600, .features = 200000, .groups = 1, .leaves = 128, .missing = 0.5, .seed = 5};
    struct leat_model *model = make(true, &options);
    assert_non_null(strstr(leat_model_info(model)->kernel, "12-byte"));
    double *rows = make_rows(6, 9, options.features, true);
    double expected;
    double out[9];
    void *scratch = leat_model_scratch_new(model, 9);
    leat_model_predict(model, rows, options.features, 9, out, NULL, scratch);
    for (size_t row = 0; row < 9; row++) {
        leat_model_predict_plain(model, rows + row * options.features, &expected, NULL);
        assert_true(out[row] == expected);
    }
    free(scratch);
    free(rows);
    leat_model_unref(model);
}

static void a_chain_of_splits_is_walked_to_its_end(void **state)
{
    (void)state;
    struct leat_buffer text = {0};
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    const int depth = 3000;
    const char *const names[] = {"split_feature", "threshold",   "decision_type",
                                 "left_child",    "right_child", "leaf_value"};
    leat_buffer_append_text(
        &text, "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=x\n\nTree=0\n");
    leat_buffer_format(&text, "num_leaves=%d\n", depth + 1);
    for (int array = 0; array < 6; array++) {
        leat_buffer_format(&text, "%s=", names[array]);
        for (int i = 0; i < depth + (array == 5); i++) {
            const int numbers[] = {0, -i, 2, i + 1 < depth ? i + 1 : -depth - 1, -1 - i, i};
            leat_buffer_format(&text, "%d ", numbers[array]);
        }
        leat_buffer_append_text(&text, "\n");
    }
    leat_buffer_append_text(&text, "\nend of trees\n");
    if (leat_model_load("chain", leat_buffer_view(&text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    double rows[20];
    double out[20];
    for (int i = 0; i < 20; i++)
        rows[i] = -i * 150.0 - 0.5;
    void *scratch = leat_model_scratch_new(model, 20);
    leat_model_predict(model, rows, 1, 20, out, NULL, scratch);
    for (int i = 0; i < 20; i++)
        assert_true(out[i] == i * 150 + 1);
    free(scratch);
    leat_model_unref(model);
    leat_buffer_done(&text);
}

static void rows_may_lie_further_apart_than_their_features(void **state)
{
    (void)state;
    struct make_options options = {.trees = 20, .features = 5, .groups = 1, .leaves = 16, .missing = 0.5, .seed = 7};
    struct leat_model *model = make(true, &options);
    double *rows = make_rows(8, 20, 11, true);
    double out[20];
    double expected;
    void *scratch = leat_model_scratch_new(model, 20);
    leat_model_predict(model, rows, 11, 20, out, NULL, scratch);
    for (size_t row = 0; row < 20; row++) {
        leat_model_predict_plain(model, rows + row * 11, &expected, NULL);
        assert_true(out[row] == expected);
    }
    free(scratch);
    free(rows);
    leat_model_unref(model);
}

static void infinite_values_and_thresholds_go_where_the_plain_walk_goes(void **state)
{
    (void)state;
    /* Of one split each, for every missing type and default: -inf, inf and the largest finite numbers as
     * thresholds. */
    const char *const thresholds[] = {"inf", "-inf", "1.7976931348623157e308", "-1.7976931348623157e308", "0"};
    double rows[] = {INFINITY, -INFINITY, 1.7976931348623157e308, -1.7976931348623157e308, 0.0, (double)NAN, 1e-35,
                     -1.0,     1.0};
    for (size_t t = 0; t < 5; t++) {
        for (int decision = 0; decision < 12; decision += 2) {
            struct leat_buffer text = {0};
            struct leat_error err = {0};
            struct leat_model *model = NULL;
            leat_buffer_format(
                &text,
                "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=x\n\nTree=0\nnum_leaves=2\n"
                "split_feature=0\nthreshold=%s\ndecision_type=%d\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n\n"
                "end of trees\n",
                thresholds[t], decision);
            if (leat_model_load("one split", leat_buffer_view(&text), NULL, &model, &err) != 0)
                fail_msg("%s", err.text);
            double out[9];
            double expected;
            void *scratch = leat_model_scratch_new(model, 9);
            leat_model_predict(model, rows, 1, 9, out, NULL, scratch);
            for (size_t row = 0; row < 9; row++) {
                leat_model_predict_plain(model, rows + row, &expected, NULL);
                if (out[row] != expected)
                    fail_msg("%g at threshold %s, decision_type %d: %g, plain %g", rows[row], thresholds[t], decision,
                             out[row], expected);
            }
            free(scratch);
            leat_model_unref(model);
            leat_buffer_done(&text);
        }
    }
}

/* ---- forests of every kind ---- */

/* Some are categories: whole, between two, negative, unseen, large. */
static double *rows_for(const struct make_forest_options *options, uint64_t seed)
{
    static const double corners[] = {-1, -0.5,     -0.0,     0.5,          95,       96,
                                     97, 16777215, 16777216, 4294967296.0, INFINITY, -INFINITY};
    struct make_random random = {seed};
    size_t features = options->shape.features;
    double *rows = make_rows(seed, ROWS, features, options->shape.awkward);
    for (size_t i = 0; i < ROWS * features; i++) {
        if (options->coarse && !isnan(rows[i]) && make_below(&random, 2) == 0)
            rows[i] = make_coarse(&random);
        if (options->categories && i % features % 3 == 0 && !isnan(rows[i]))
            rows[i] = make_below(&random, 100);
        if (options->shape.awkward && make_below(&random, 8) == 0)
            rows[i] = corners[make_below(&random, sizeof corners / sizeof corners[0])];
    }
    return rows;
}

static const char *check_forest(const struct make_forest_options *options)
{
    struct leat_forest forest;
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    make_forest(options, &forest);
    if (leat_forest_model_new(&forest, &model, &err) != 0)
        fail_msg("%s", err.text);
    const char *kernel = leat_model_info(model)->kernel;
    double *rows = rows_for(options, options->shape.seed + 1);
    compare_rows(model, rows);
    free(rows);
    leat_model_unref(model);
    return kernel;
}

static bool one_in(struct make_random *random, uint32_t many)
{
    return make_below(random, many) == 0;
}

static struct make_forest_options random_options(struct make_random *random)
{
    struct make_forest_options options = {
        .arithmetic = (enum leat_arithmetic)make_below(random, 3),
        .closed = one_in(random, 2),
        .tiny_is_zero = one_in(random, 2),
        .missing_kinds = one_in(random, 3),
        .categories = one_in(random, 3),
        .linear = one_in(random, 4),
        .base_last = one_in(random, 2),
        .coarse = one_in(random, 3),
        .shape =
            {
                .trees = 1 + make_below(random, 30),
                .features = 1 + make_below(random, 20),
                .groups = one_in(random, 3) ? 2 + make_below(random, 4) : 1,
                .leaves = 1 + make_below(random, 50),
                .depth = make_below(random, 2) * make_below(random, 7),
                .missing = make_unit(random),
                .awkward = one_in(random, 2),
                .seed = make_bits(random),
            },
    };
    options.sum_scale = options.base_last && one_in(random, 2) ? 0.7 : 0;
    if (options.shape.groups > 1 && !options.linear && one_in(random, 2))
        options.width = options.shape.groups;
    return options;
}

static void random_forests_of_every_kind_score_alike_on_every_path(void **state)
{
    (void)state;
    struct make_random random = {77};
    for (int i = 0; i < 400; i++) {
        struct make_forest_options options = random_options(&random);
        const char *kernel = check_forest(&options);
        if (strstr(kernel, "walk") != NULL && !(options.categories && options.missing_kinds))
            fail_msg("forest %d takes %s", i, kernel);
    }
}

static void large_trees_with_sets_vectors_and_linear_leaves_score_alike(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        struct make_forest_options options = {
            .arithmetic = i % 2 == 0 ? LEAT_FLOAT64 : LEAT_FLOAT32,
            .tiny_is_zero = i == 0,
            .categories = i < 4,
            .linear = i >= 4,
            .width = i == 2 || i == 3 ? 3 : 1,
            .shape = {.trees = 3,
                      .features = 9,
                      .groups = i == 2 || i == 3 ? 3 : 1,
                      .leaves = 40000,
                      .missing = 0.5,
                      .awkward = true,
                      .seed = i},
        };
        assert_non_null(strstr(check_forest(&options), "12-byte"));
    }
}

static void a_set_too_wide_for_every_split_is_walked(void **state)
{
    (void)state;
    struct make_forest_options options = {
        .arithmetic = LEAT_FLOAT64,
        .categories = true,
        .width = 1,
        .shape = {.trees = 20, .features = 1, .groups = 1, .leaves = 50, .missing = 0.5, .seed = 5}};
    struct leat_forest forest;
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    make_forest(&options, &forest);
    /* One set reaches to 2^20; a thousand splits would each have to. */
    const uint32_t count = (1u << 20) / 32;
    uint32_t *words = leat_arena_zalloc(&forest.arena, 120 + count, sizeof *words);
    memcpy(words, forest.words, 120 * sizeof *words);
    words[120 + count - 1] = 1u << 31;
    forest.words = words;
    forest.sets[0] = (struct leat_category_set){120, count};
    assert_int_equal(leat_forest_model_new(&forest, &model, &err), 0);
    assert_string_equal(leat_model_info(model)->kernel, "plain walk");
    double *rows = rows_for(&options, 6);
    rows[0] = (1u << 20) - 1;
    compare_rows(model, rows);
    free(rows);
    leat_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_xgboost_forests_score_alike_on_every_path),
        cmocka_unit_test(random_lightgbm_forests_score_alike_on_every_path),
        cmocka_unit_test(a_tree_beyond_65536_nodes_takes_wide_nodes),
        cmocka_unit_test(eight_trees_of_65528_nodes_are_narrow_and_one_pair_more_each_is_wide),
        cmocka_unit_test(more_features_than_columns_take_wide_nodes),
        cmocka_unit_test(a_chain_of_splits_is_walked_to_its_end),
        cmocka_unit_test(rows_may_lie_further_apart_than_their_features),
        cmocka_unit_test(random_forests_of_every_kind_score_alike_on_every_path),
        cmocka_unit_test(large_trees_with_sets_vectors_and_linear_leaves_score_alike),
        cmocka_unit_test(a_set_too_wide_for_every_split_is_walked),
        cmocka_unit_test(infinite_values_and_thresholds_go_where_the_plain_walk_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
