/* The kernel of symmetric trees against the plain twin, on random models and rows, bit for bit at every batch size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/model.h"
#include "support/make_model.h"
/* The header before it. */
#include "support/make_catboost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct leat_model *make(const struct make_catboost *options)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    LEAT_CLEAN_BUFFER text = {0};
    make_catboost(options, &text);
    if (leat_model_load("made", leat_buffer_view(&text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    assert_non_null(strstr(leat_model_info(model)->kernel, "symmetric"));
    return model;
}

/* Numbers as make_rows has them, with every value that is a border or next to one; categories that are known, unknown,
 * missing. */
static double *rows_for(const struct make_catboost *options, size_t count, size_t stride)
{
    struct make_random random = {options->seed + 1};
    double *rows = leat_calloc(count * stride, sizeof *rows);
    for (size_t i = 0; i < count * stride; i++) {
        rows[i] = make_value(&random, true);
        if (i % stride < options->floats)
            continue;
        static const double odd[] = {-1, 0.5, 1e300, (double)NAN, (double)INFINITY, 4294967296.0, 256, 255};
        rows[i] = make_below(&random, 4) == 0 ? odd[make_below(&random, 8)] : make_below(&random, options->values);
    }
    return rows;
}

static void compare(const struct make_catboost *options, size_t count, size_t stride)
{
    static const size_t sizes[] = {1, 2, 4, 5, 6, 15, 16, 17, 64, 127, 128, 129, 300};
    struct leat_model *model = make(options);
    size_t width = leat_model_info(model)->raw_count;
    double *rows = rows_for(options, count, stride);
    double *plain = leat_calloc(count * width, sizeof *plain);
    double *raw = leat_calloc(count * width, sizeof *raw);
    double *out = leat_calloc(count * width, sizeof *out);
    for (size_t row = 0; row < count; row++)
        leat_model_predict_plain(model, rows + row * stride, out, plain + row * width);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && sizes[i] <= count; i++) {
        void *scratch = leat_model_scratch_new(model, sizes[i]);
        memset(raw, 0, count * width * sizeof *raw);
        for (size_t row = 0; row < count; row += sizes[i]) {
            size_t some = count - row < sizes[i] ? count - row : sizes[i];
            leat_model_predict(model, rows + row * stride, stride, some, out, raw + row * width, scratch);
        }
        free(scratch);
        for (size_t k = 0; k < count * width; k++)
            if (memcmp(&raw[k], &plain[k], sizeof raw[k]) != 0)
                fail_msg("seed %llu, batches of %zu, row %zu: %.17g, plain %.17g", (unsigned long long)options->seed,
                         sizes[i], k / width, raw[k], plain[k]);
    }
    free(rows);
    free(plain);
    free(raw);
    free(out);
    leat_model_unref(model);
}

static void random_forests_score_alike_on_every_path(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct make_random random = {seed};
        struct make_catboost options = {
            .trees = 1 + make_below(&random, 40),
            .floats = 1 + make_below(&random, 20),
            .categories = make_below(&random, 3),
            .values = 1 + make_below(&random, 40),
            .depth = 1 + make_below(&random, 8),
            .ragged = make_below(&random, 2) == 0,
            .dimension = make_below(&random, 3) == 0 ? 1 + make_below(&random, 5) : 1,
            .borders = make_below(&random, 2) == 0 ? 1 + make_below(&random, 60) : 0,
            .awkward = true,
            .seed = seed,
        };
        compare(&options, 140, options.floats + options.categories + make_below(&random, 3));
    }
}

static void a_feature_with_more_than_255_borders_takes_several_columns(void **state)
{
    (void)state;
    struct make_catboost options = {.trees = 400, .floats = 2, .depth = 4, .dimension = 1, .seed = 3};
    compare(&options, 300, 2);
}

static void a_feature_with_255_and_256_borders_is_right_at_the_seam(void **state)
{
    (void)state;
    /* One border a tree: 1, 2, 3, …; rows at, below and above each. */
    for (int borders = 253; borders <= 258; borders++) {
        struct leat_error err = {0};
        struct leat_model *model = NULL;
        LEAT_CLEAN_BUFFER text = {0};
        leat_buffer_append_text(&text, "{\"features_info\":{\"float_features\":[{\"feature_index\":0,"
                                       "\"flat_feature_index\":0}]},\"model_info\":{\"params\":{\"loss_function\":{"
                                       "\"type\":\"RMSE\"}}},\"scale_and_bias\":[1,[0]],\"oblivious_trees\":[");
        for (int i = 0; i < borders; i++)
            leat_buffer_format(&text,
                               "%s{\"splits\":[{\"split_type\":\"FloatFeature\",\"float_feature_index\":0,\"border\":%d}"
                               "],\"leaf_values\":[0,1]}",
                               i == 0 ? "" : ",", i + 1);
        leat_buffer_append_text(&text, "]}");
        assert_int_equal(leat_model_load("m", leat_buffer_view(&text), NULL, &model, &err), 0);
        for (int i = 0; i <= 2 * borders + 2; i++) {
            double rows[17], out[17];
            double expected = ceil(i / 2.0) - 1 < 0 ? 0 : ceil(i / 2.0) - 1;
            for (int k = 0; k < 17; k++)
                rows[k] = i / 2.0;
            void *scratch = leat_model_scratch_new(model, 17);
            leat_model_predict(model, rows, 1, 17, out, NULL, scratch);
            assert_true(out[0] == (expected > borders ? borders : expected) && out[16] == out[0]);
            leat_model_predict(model, rows, 1, 1, out, NULL, scratch);
            assert_true(out[0] == out[16]);
            free(scratch);
        }
        leat_model_unref(model);
    }
}

static void a_feature_with_more_than_255_categories_takes_several_columns(void **state)
{
    (void)state;
    struct make_catboost options = {
        .trees = 300, .floats = 1, .categories = 1, .values = 700, .depth = 5, .dimension = 1, .seed = 9};
    compare(&options, 300, 2);
}

static void trees_of_sixteen_levels_number_their_leaves_with_two_bytes(void **state)
{
    (void)state;
    for (uint32_t depth = 7; depth <= 16; depth += depth < 10 ? 1 : 6) {
        struct make_catboost options = {
            .trees = 3, .floats = 9, .depth = depth, .dimension = 1 + depth % 2, .borders = 40, .seed = depth};
        compare(&options, 140, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_forests_score_alike_on_every_path),
        cmocka_unit_test(a_feature_with_more_than_255_borders_takes_several_columns),
        cmocka_unit_test(a_feature_with_255_and_256_borders_is_right_at_the_seam),
        cmocka_unit_test(a_feature_with_more_than_255_categories_takes_several_columns),
        cmocka_unit_test(trees_of_sixteen_levels_number_their_leaves_with_two_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
