/* Plain linear models: those of tests/data/models/linear score as scikit-learn does; other files are refused with what is
 * wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/model_cases.h"

#define FOLDER "tests/data/models/linear/"

/* scikit-learn adds the products up in another order. */
static void scores_as_scikit_learn_does(void **state)
{
    model_case_check(FOLDER, *state, 1e-12);
}

static struct leat_model *load_text(const char *text)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("m", leat_bytes_of(text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static void the_sum_begins_with_the_intercept_and_follows_the_file(void **state)
{
    (void)state;
    /* In any other order 1 would be lost. */
    struct leat_model *model = load_text(
        "{\"leat_model\":\"linear\",\"intercept\":1e16,\"features\":{\"b\":-1,\"a\":1}}");
    const double row[2] = {1e16, 1};
    double out = 0;
    leat_model_predict_plain(model, row, &out, NULL);
    assert_true(out == 1);
    assert_string_equal(leat_model_info(model)->feature_names[0], "b");
    assert_string_equal(leat_model_info(model)->format, "linear-json");
    leat_model_unref(model);
}

static void what_is_missing_is_what_the_file_says_or_no_score(void **state)
{
    (void)state;
    struct leat_model *model = load_text(
        "{\"leat_model\":\"linear\",\"features\":{\"x\":{\"coefficient\":2,\"mean\":1,\"std\":4,\"missing\":3},\"y\":1,"
        "\"c\":{\"categories\":{\"a\":10,\"7\":20},\"missing\":\"7\"}}}");
    double code = 0;
    assert_int_equal(leat_model_code_number(model, 2, 7, &code), 0);
    assert_true(code == 1);
    assert_int_equal(leat_model_code_text(model, 2, leat_bytes_of("b"), &code), -1);
    assert_int_equal(leat_model_code_number(model, 2, 8, &code), -1);
    const double rows[][4] = {{NAN, 0, 0, 11}, {5, 0, 0, 12},   {3, 0, NAN, 21},   {3, NAN, 0, NAN},
                              {3, 0, 2, NAN},  {3, 0, -1, NAN}, {3, 0, 1e300, NAN}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double out = 0;
        leat_model_predict_plain(model, rows[i], &out, NULL);
        assert_true(out == rows[i][3] || (isnan(out) && isnan(rows[i][3])));
    }
    leat_model_unref(model);
}

static void contributions_add_up_to_the_margin(void **state)
{
    (void)state;
    struct leat_model *model = load_text(
        "{\"leat_model\":\"linear\",\"link\":\"softmax\",\"intercept\":[0.5,1],\"features\":{"
        "\"x\":{\"coefficient\":[2,3],\"mean\":1,\"std\":2},\"c\":{\"categories\":{\"a\":[10,-10]}}}}");
    const double row[2] = {5, 0};
    double ret[6];
    assert_non_null(leat_model_info(model)->explanation);
    assert_int_equal(leat_model_explain(model, row, NULL, 0, ret, NULL), 0);
    const double expected[6] = {4, 10, 0.5, 6, -10, 1};
    for (int i = 0; i < 6; i++)
        assert_true(ret[i] == expected[i]);
    leat_model_unref(model);
}

static void a_label_is_the_likelier_class(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double x;
        size_t label;
    } cases[] = {
        {"{\"leat_model\":\"linear\",\"link\":\"logistic\",\"features\":{\"x\":1},\"classes\":[3,5]}", 0.1, 1},
        {"{\"leat_model\":\"linear\",\"link\":\"logistic\",\"features\":{\"x\":1},\"classes\":[3,5]}", 0, 0},
        {"{\"leat_model\":\"linear\",\"link\":\"softmax\",\"intercept\":[0,0,0],\"features\":{\"x\":[1,3,2]}}", 1, 1},
        {"{\"leat_model\":\"linear\",\"link\":\"softmax\",\"intercept\":[0,0,0],\"features\":{\"x\":[1,3,2]}}", -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_model *model = load_text(cases[i].text);
        double out[3], raw[3];
        leat_model_predict_plain(model, &cases[i].x, out, raw);
        assert_int_equal(leat_model_label(model, out, raw), cases[i].label);
        assert_true(leat_model_info(model)->classifier);
        leat_model_unref(model);
    }
}

#define MODEL(rest) "{\"leat_model\":\"linear\"," rest "}"

static void broken_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"leat_model\":\"quadratic\",\"features\":{}}", "is not \"linear\""},
        {"{\"leat_model\":", "m.json"},
        {MODEL("\"intercept\":1"), "'features' is not an object"},
        {MODEL("\"features\":[1,2]"), "'features' is not an object"},
        {MODEL("\"features\":{\"x\":1},\"intercpt\":1"), "'intercpt' is not known; the nearest is 'intercept'"},
        {MODEL("\"features\":{\"x\":1},\"intercept\":1,\"intercept\":2"), "'intercept' is there twice"},
        {MODEL("\"features\":{\"x\":1},\"link\":\"logit\""), "there are identity, logistic, softmax and exp"},
        {MODEL("\"features\":{\"x\":1},\"link\":\"logistik\""), "the nearest is 'logistic'"},
        {MODEL("\"features\":{\"x\":1},\"link\":3"), "the link"},
        {MODEL("\"features\":{\"x\":1},\"link\":\"softmax\""), "softmax has 2 to"},
        {MODEL("\"features\":{\"x\":1},\"intercept\":[]"), "intercept: 0 margins"},
        {MODEL("\"features\":{\"x\":1},\"intercept\":\"1\""), "not a finite number"},
        {MODEL("\"features\":{\"x\":1},\"intercept\":[1,2]"), "'x': one coefficient; the model has 2"},
        {MODEL("\"features\":{\"x\":[1,2]}"), "'x': a list"},
        {MODEL("\"features\":{\"x\":true}"), "'x': a coefficient is not a finite number"},
        {MODEL("\"features\":{\"x\":1,\"x\":2}"), "two features are named 'x'"},
        {MODEL("\"features\":{\"\":1}"), "empty name"},
        {MODEL("\"features\":{\"a\\u0000b\":1}"), "NUL"},
        {MODEL("\"features\":{\"x\":{}}"), "neither 'coefficient' nor 'categories'"},
        {MODEL("\"features\":{\"x\":{\"coefficient\":1,\"sd\":1}}"), "'sd' is not known; the nearest is 'std'"},
        {MODEL("\"features\":{\"x\":{\"coefficient\":1,\"std\":0}}"), "'std' is 0"},
        {MODEL("\"features\":{\"x\":{\"coefficient\":1,\"mean\":null}}"), "'mean' is not a finite number"},
        {MODEL("\"features\":{\"x\":{\"coefficient\":1,\"missing\":\"a\"}}"), "'missing' is not a finite number"},
        {MODEL("\"features\":{\"x\":{\"categories\":[]}}"), "'categories' is not an object"},
        {MODEL("\"features\":{\"x\":{\"categories\":{}}}"), "'categories' is not an object"},
        {MODEL("\"features\":{\"x\":{\"categories\":{\"a\":[1]},\"mean\":1}}"), "'mean' is not known"},
        {MODEL("\"features\":{\"x\":{\"categories\":{\"a\":1,\"a\":1}}}"), "'a' is there twice"},
        {MODEL("\"features\":{\"x\":{\"categories\":{\"a\":1},\"other\":\"b\"}}"), "not a finite number"},
        {MODEL("\"features\":{\"x\":{\"categories\":{\"a\":1},\"missing\":\"b\"}}"), "not one of the categories"},
        {MODEL("\"features\":{\"x\":{\"categories\":{\"a\":1},\"missing\":1}}"), "not one of the categories"},
        {MODEL("\"features\":{\"x\":1},\"classes\":[\"a\",\"b\"]"), "'classes' does not go with the link identity"},
        {MODEL("\"features\":{\"x\":1},\"link\":\"logistic\",\"classes\":[\"a\"]"), "'classes' is not a list of 2"},
        {MODEL("\"features\":{\"x\":1},\"link\":\"logistic\",\"classes\":[\"a\",0.5]"), "text or a whole number"},
        {MODEL("\"features\":{\"x\":1},\"link\":\"logistic\",\"outputs\":[\"a\"]"), "'outputs' does not go"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_error err = {0};
        struct leat_model *model = NULL;
        assert_int_equal(leat_model_load("m.json", leat_bytes_of(cases[i].text), NULL, &model, &err), -1);
        assert_int_equal(err.kind, LEAT_ERROR_FINDING);
        if (strstr(err.text, cases[i].says) == NULL || strstr(err.text, "m.json") == NULL)
            fail_msg("says '%s', which lacks '%s'", err.text, cases[i].says);
    }
}

#define SOFTMAX(classes)                                                                                                  \
    "{\"leat_model\":\"linear\",\"link\":\"softmax\",\"intercept\":[0,1],\"features\":{\"x\":[1,2]},\"classes\":" classes \
    "}"

static struct leat_error load_told(const char *text, const struct leat_model_options *options, struct leat_model **ret)
{
    struct leat_error err = {0};
    *ret = NULL;
    int status = leat_model_load("m", leat_bytes_of(text), options, ret, &err);
    assert_int_equal(status, *ret == NULL ? -1 : 0);
    return err;
}

static void many_categories_without_coefficients_take_no_memory(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_model *model;
    leat_buffer_append_text(&text, "{\"leat_model\":\"linear\",\"intercept\":[0");
    for (int i = 1; i < 65536; i++)
        leat_buffer_append_text(&text, ",0");
    leat_buffer_append_text(&text, "],\"features\":{\"c\":{\"categories\":{\"a\":1");
    for (int i = 0; i < 100000; i++)
        leat_buffer_format(&text, ",\"%d\":1", i);
    leat_buffer_append_text(&text, "}}}}");
    struct leat_error err = load_told(leat_buffer_text(&text), NULL, &model);
    assert_null(model);
    assert_string_equal(err.text, "m: features: 'c': one coefficient; the model has 65536, by its intercept");
}

static void names_that_are_told_replace_numbers_from_zero_only(void **state)
{
    (void)state;
    const char *const told[] = {"yes", "no"};
    const struct leat_model_options options = {.class_names = told, .class_count = 2};
    struct leat_model *model;
    struct leat_answer answer;
    struct leat_error err = load_told(SOFTMAX("[0, 1]"), &options, &model);
    assert_non_null(model);
    assert_string_equal(leat_model_info(model)->class_names[1], "no");
    assert_string_equal(leat_model_info(model)->output_names[1], "no");
    assert_int_equal(leat_model_answer_find(model, "probability[no]", &answer, &err), 0);
    assert_int_equal(answer.index, 1);
    leat_model_unref(model);
    err = load_told(SOFTMAX("[\"no\", \"yes\"]"), &options, &model);
    assert_null(model);
    assert_string_equal(err.text, "m: class 0 is told to be 'yes', but the file itself calls it 'no'");
    load_told(SOFTMAX("[\"yes\", \"no\"]"), &options, &model);
    assert_non_null(model);
    leat_model_unref(model);
}

static void rounds_are_refused_where_there_is_nothing_to_cut(void **state)
{
    (void)state;
    struct leat_model *model;
    struct leat_error err = load_told(SOFTMAX("[0, 1]"), &(struct leat_model_options){.rounds = 3}, &model);
    assert_null(model);
    assert_non_null(strstr(err.text, "3 rounds are asked for, but only XGBoost's models"));
    assert_non_null(strstr(err.text, "this is linear-json"));
    err = load_told("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=x\n"
                    "feature_infos=none\n\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=1\nshrinkage=1\n\nend of trees\n",
                    &(struct leat_model_options){.rounds = 3}, &model);
    assert_null(model);
    assert_non_null(strstr(err.text, "this is lightgbm-text"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_begins_with_the_intercept_and_follows_the_file),
        cmocka_unit_test(what_is_missing_is_what_the_file_says_or_no_score),
        cmocka_unit_test(contributions_add_up_to_the_margin),
        cmocka_unit_test(a_label_is_the_likelier_class),
        cmocka_unit_test(broken_files_are_refused_with_their_place),
        cmocka_unit_test(names_that_are_told_replace_numbers_from_zero_only),
        cmocka_unit_test(many_categories_without_coefficients_take_no_memory),
        cmocka_unit_test(rounds_are_refused_where_there_is_nothing_to_cut),
    };
    int failed = model_cases_run(FOLDER, "scores as scikit-learn does", scores_as_scikit_learn_does, 7);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
