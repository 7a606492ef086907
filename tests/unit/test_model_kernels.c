/* Kernels against the plain twin, on random models and rows, bit for bit at every batch size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/model.h"
#include "support/make_model.h"

#include <stdio.h>

#define ROWS 150

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

static void compare(const struct leat_model *model, bool awkward, uint64_t seed)
{
    const struct leat_model_info *info = leat_model_info(model);
    const size_t sizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 64, 127, 128, 129, ROWS};
    double *rows = make_rows(seed, ROWS, info->feature_count, awkward);
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
        if (memcmp(raw, plain, whole * info->raw_count * sizeof *raw) != 0)
            fail_msg("%s: batches of %zu differ from the plain walk", info->kernel, sizes[s]);
        assert_memory_equal(out, plain_out, whole * info->output_count * sizeof *out);
        free(scratch);
    }
    free(rows);
    free(plain);
    free(plain_out);
    free(raw);
    free(out);
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
        check(xgboost, &options, xgboost ? "8-byte" : "16-byte");
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
    check(true, &options, "16-byte nodes, float32");
}

static void eight_trees_of_65528_nodes_are_narrow_and_one_pair_more_each_is_wide(void **state)
{
    (void)state;
    struct make_options options = {.trees = 8, .features = 9, .groups = 1, .leaves = 4096, .missing = 0.5, .seed = 4};
    check(true, &options, "8-byte");
    options.leaves = 4097;
    check(true, &options, "16-byte");
}

static void more_features_than_columns_take_wide_nodes(void **state)
{
    (void)state;
    struct make_options options = {
        .trees = 600, .features = 200000, .groups = 1, .leaves = 128, .missing = 0.5, .seed = 5};
    struct leat_model *model = make(true, &options);
    assert_non_null(strstr(leat_model_info(model)->kernel, "16-byte"));
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
        cmocka_unit_test(infinite_values_and_thresholds_go_where_the_plain_walk_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
