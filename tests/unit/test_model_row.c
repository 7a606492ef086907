/* Rows as JSON and the parity gate over them, with categories: the model is that of tests/scenario/categories. */
#include "base/file.h"
#include "model/row.h"
#include "model/version.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "tests/scenario/categories/models/plan/1/"

static struct leat_model *load(const char *path)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct leat_model *model = NULL;
    struct leat_error err = {0};
    if (leat_file_read(path, LEAT_MODEL_BYTES_MAX, &file, &err) < 0 ||
        leat_model_load(path, leat_buffer_view(&file), NULL, &model, &err) < 0)
        fail_msg("%s", err.text);
    return model;
}

static int read_row(const struct leat_row_names *names, const char *text, double *ret, struct leat_buffer *shown,
                    struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    assert_int_equal(leat_json_parse(leat_bytes_of(text), LEAT_JSON_NONFINITE, &document, err), 0);
    int status = leat_row_read(names, leat_json_root(document), ret, err);
    if (status == 0)
        leat_row_show(names, leat_json_root(document), 100, shown);
    leat_json_free(document);
    return status;
}

static void categories_are_read_as_their_codes_and_shown_as_they_were_given(void **state)
{
    (void)state;
    /* country, amount, floor; categories in the trainer's order: DE, FR, NL and -1, 0, 7 */
    static const struct {
        const char *row;
        double values[3];
        const char *shown;
    } cases[] = {
        {"{\"amount\": 12.5, \"floor\": 7, \"country\": \"NL\"}", {2, 12.5, 2}, "country=\"NL\" amount=12.5 floor=7"},
        {"[\"DE\", null, -1]", {0, NAN, 0}, "country=\"DE\" amount=NaN floor=-1"},
        {"[null, NaN, 0.0]", {NAN, NAN, 1}, "country=NaN amount=NaN floor=0"},
        {"{\"amount\": \"Infinity\"}", {NAN, INFINITY, NAN}, "country=NaN amount=\"Infinity\" floor=NaN"},
        {"{\"country\": \"FR\", \"floor\": false}", {1, NAN, 1}, "country=\"FR\" amount=NaN floor=false"},
    };
    struct leat_model *model = load(FOLDER "model.json");
    struct leat_row_names names;
    leat_row_names_init(&names, model, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        LEAT_CLEAN_BUFFER shown = {0};
        struct leat_error err = {0};
        double row[3];
        if (read_row(&names, cases[i].row, row, &shown, &err) != 0)
            fail_msg("%s", err.text);
        for (size_t f = 0; f < 3; f++)
            assert_true(row[f] == cases[i].values[f] || (isnan(row[f]) && isnan(cases[i].values[f])));
        assert_string_equal(leat_buffer_text(&shown), cases[i].shown);
    }
    leat_row_names_done(&names);
    leat_model_unref(model);
}

static void what_is_no_category_of_the_training_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *row, *says;
    } cases[] = {
        {"{\"country\": \"XX\"}", "feature 'country': the category \"XX\" was not seen in training"},
        {"{\"floor\": 3}", "feature 'floor': the category 3 was not seen in training"},
        {"{\"floor\": 0.5}", "feature 'floor': the category 0.5 was not seen in training"},
        {"{\"country\": 1}", "feature 'country' is integer; the text of a category or null belongs there"},
        {"{\"floor\": \"7\"}", "feature 'floor' is \"7\"; the whole number of a category or null belongs there"},
        {"{\"country\": [\"NL\"]}", "feature 'country' is array; the text of a category or null belongs there"},
        {"{\"amount\": \"NL\"}", "feature 'amount' is \"NL\"; a number or null belongs there"},
        {"[[\"NL\", 1, 0]]", "the row has 1 values; the model has 3 features"},
        {"[[\"NL\"], 1, 0]", "feature 'country' is array"},
        {"{\"land\": \"NL\"}", "the model has no feature 'land'"},
        {"\"NL\"", "a row is an object by feature name or an array, not string"},
    };
    struct leat_model *model = load(FOLDER "model.json");
    struct leat_row_names names;
    leat_row_names_init(&names, model, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_error err = {0};
        double row[3];
        assert_int_equal(read_row(&names, cases[i].row, row, NULL, &err), -1);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("says '%s', which lacks '%s'", err.text, cases[i].says);
    }
    leat_row_names_done(&names);
    leat_model_unref(model);
}

static void rows_of_a_graph_may_name_its_inputs(void **state)
{
    (void)state;
    /* Of the first the inputs are columns: amount, age, colour, city. The second has x, six wide, and kind. */
    static const struct {
        const char *model;
        const char *rows[5]; /* that are all the same */
    } same[] = {
        {"tests/data/models/onnx/columns-logistic.onnx",
         {"{\"amount\": 9.5, \"age\": 33, \"colour\": \"red\", \"city\": \"Oslo\"}",
          "{\"city\": [[\"Oslo\"]], \"colour\": [\"red\"], \"age\": [33], \"amount\": [9.5]}",
          "[9.5, 33, \"red\", \"Oslo\"]", "[[9.5], [33], [\"red\"], [[\"Oslo\"]]]"}},
        {"tests/data/models/onnx/network-embedding.onnx",
         {"{\"x\": [1, 2, 3, 4, 5, 6], \"kind\": 1}", "{\"kind\": [1], \"x\": [[1, 2], [3, 4], [5, 6]]}",
          "[1, 2, 3, 4, 5, 6, 1]", "[[1, 2, 3, 4, 5, 6], 1]", "[[1, 2, 3, 4, 5, 6], [1]]"}},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct leat_model *model = load(same[i].model);
        struct leat_row_names names;
        double first[16], row[16];
        leat_row_names_init(&names, model, NULL);
        assert_true(names.count <= 16);
        for (size_t r = 0; r < 5 && same[i].rows[r] != NULL; r++) {
            LEAT_CLEAN_BUFFER shown = {0};
            struct leat_error err = {0};
            if (read_row(&names, same[i].rows[r], r == 0 ? first : row, &shown, &err) != 0)
                fail_msg("%s", err.text);
            assert_true(r == 0 || memcmp(first, row, names.count * sizeof *row) == 0);
        }
        leat_row_names_done(&names);
        leat_model_unref(model);
    }
}

static void an_input_of_a_graph_with_another_width_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *row, *says;
    } cases[] = {
        {"{\"x\": [1, 2, 3, 4, 5], \"kind\": 1}", "input 'x' has another number of values than the model's 6"},
        {"{\"x\": [1, 2, 3, 4, 5, 6, 7], \"kind\": 1}", "input 'x' has another number of values than the model's 6"},
        {"{\"x\": 1}", "input 'x' has another number of values than the model's 6"},
        {"[[1, 2, 3, 4, 5, 6]]", "the row has 1 values; the model has 7 features"},
        {"[1, 2, 3, 4, 5, 6, 1, 1]", "the row has 8 values; the model has 7 features"},
        {"{\"y\": 1}", "the model has no feature 'y'"},
        {"{\"kind\": {\"a\": 1}}", "is object; a number or null belongs there"},
    };
    struct leat_model *model = load("tests/data/models/onnx/network-embedding.onnx");
    struct leat_row_names names;
    leat_row_names_init(&names, model, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_error err = {0};
        double row[16];
        assert_int_equal(read_row(&names, cases[i].row, row, NULL, &err), -1);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("says '%s', which lacks '%s'", err.text, cases[i].says);
    }
    leat_row_names_done(&names);
    leat_model_unref(model);
}

static void parity_rows_with_categories_pass_and_say_what_differs_as_it_was_given(void **state)
{
    (void)state;
    struct leat_model *model = load(FOLDER "model.json");
    LEAT_CLEAN_BUFFER rows = {0};
    struct leat_error err = {0};
    size_t count = 0;
    assert_int_equal(leat_file_read(FOLDER "parity.jsonl", 1 << 20, &rows, &err), 0);
    assert_int_equal(leat_parity_check(model, NULL, leat_buffer_view(&rows), &count, &err), 0);
    assert_int_equal(count, 24);
    const char *other = "{\"features\": [\"NL\", 80, 0], \"score\": [0.1, 0.2, 0.7]}";
    assert_int_equal(leat_parity_check(model, NULL, leat_bytes_of(other), &count, &err), -1);
    assert_non_null(strstr(err.text, "parity row 1 (line 1): the trainer's score is 0.1, 0.2, 0.7, here it is 0.126656"));
    assert_non_null(
        strstr(err.text, "features: country=\"NL\" amount=80 floor=0\n  was the model saved from another fit"));
    assert_non_null(strstr(err.text, "--rounds best_iteration + 1"));
    leat_model_unref(model);
}

static void scores_of_another_kind_are_told_by_what_they_look_like(void **state)
{
    (void)state;
    struct leat_model *model = load("tests/data/models/lightgbm-4.6-binary.txt");
    const struct leat_model_info *info = leat_model_info(model);
    double row[64] = {0}, out, raw;
    assert_true(info->feature_count <= 64);
    leat_model_predict_plain(model, row, &out, &raw);
    const struct {
        double score;
        const char *says;
    } cases[] = {
        {raw, "these scores are margins, from before the link: give what predict or predict_proba gives"},
        {1 - out, "these scores are of the first class: give the second column of predict_proba"},
        {out + 0.01, "Write both from one fitted model"},
    };
    for (size_t i = 0; i < 3; i++) {
        LEAT_CLEAN_BUFFER text = {0};
        struct leat_error err = {0};
        size_t count;
        leat_buffer_append_text(&text, "{\"features\": [");
        for (size_t f = 0; f < info->feature_count; f++)
            leat_buffer_append_text(&text, f ? ",0" : "0");
        leat_buffer_format(&text, "], \"score\": %.17g}", cases[i].score);
        assert_int_equal(leat_parity_check(model, NULL, leat_buffer_view(&text), &count, &err), -1);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("says '%s', which lacks '%s'", err.text, cases[i].says);
    }
    leat_model_unref(model);
}

static void the_background_is_spread_over_the_rows(void **state)
{
    (void)state;
    struct leat_model *model = load(FOLDER "model.json");
    struct leat_arena arena = {0};
    const double *background = NULL;
    LEAT_CLEAN_BUFFER rows = {0};
    for (int i = 0; i < 40; i++)
        leat_buffer_format(&rows, "{\"features\": [\"NL\", %d, null], \"score\": 0}\n\n", i);
    assert_int_equal(leat_parity_background(model, NULL, leat_buffer_view(&rows), &arena, &background),
                     LEAT_BACKGROUND_MAX);
    for (size_t i = 0; i < LEAT_BACKGROUND_MAX; i++) {
        assert_true(background[3 * i] == 2);
        assert_true(background[3 * i + 1] == (double)(i * 40 / LEAT_BACKGROUND_MAX));
        assert_true(isnan(background[3 * i + 2]));
    }
    struct leat_bytes few = leat_bytes_of("{\"features\": [\"DE\", 5, 7], \"score\": 0}\n{\"features\": [\"DE\", 6, 7]}");
    assert_int_equal(leat_parity_background(model, NULL, few, &arena, &background), 2);
    assert_true(background[1] == 5 && background[4] == 6);
    assert_int_equal(leat_parity_background(model, NULL, (struct leat_bytes){"", 0}, &arena, &background), 0);
    leat_arena_done(&arena);
    leat_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(categories_are_read_as_their_codes_and_shown_as_they_were_given),
        cmocka_unit_test(what_is_no_category_of_the_training_is_refused),
        cmocka_unit_test(rows_of_a_graph_may_name_its_inputs),
        cmocka_unit_test(an_input_of_a_graph_with_another_width_is_refused),
        cmocka_unit_test(parity_rows_with_categories_pass_and_say_what_differs_as_it_was_given),
        cmocka_unit_test(scores_of_another_kind_are_told_by_what_they_look_like),
        cmocka_unit_test(the_background_is_spread_over_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
