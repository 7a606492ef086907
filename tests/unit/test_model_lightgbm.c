/* What LightGBM's text says beside its trees: pandas' categories, and how many training rows came to each node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/forest.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Features a to d, the infos, declared features and lists as given. */
static struct leat_bytes file_of(char *room, size_t size, const char *infos, const char *declared, const char *lists)
{
    int len = snprintf(room, size,
                       "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=3\n"
                       "objective=regression\nfeature_names=a b c d\nfeature_infos=%s\n\n"
                       "Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nthreshold=0.5 0\ndecision_type=2 1\n"
                       "left_child=-1 -2\nright_child=1 -3\nleaf_value=1 2 3\nleaf_count=10 4 6\n"
                       "internal_count=20 10\ncat_boundaries=0 1\ncat_threshold=5\nshrinkage=1\n\n"
                       "end of trees\n\nparameters:\n[boosting: gbdt]\n[categorical_feature: %s]\nend of parameters\n\n"
                       "pandas_categorical:%s\n",
                       infos, declared, lists);
    assert_true(len > 0 && (size_t)len < size);
    return (struct leat_bytes){room, (size_t)len};
}

static struct leat_model *load(const char *infos, const char *declared, const char *lists)
{
    char room[4000];
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("made", file_of(room, sizeof room, infos, declared, lists), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static void assert_refused(const char *infos, const char *declared, const char *lists, const char *says)
{
    char room[4000];
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    assert_int_equal(leat_model_load("made", file_of(room, sizeof room, infos, declared, lists), NULL, &model, &err),
                     -1);
    if (strstr(err.text, says) == NULL)
        fail_msg("says '%s', which lacks '%s'", err.text, says);
}

static double text_code(const struct leat_model *model, size_t feature, const char *text)
{
    double code;
    assert_int_equal(leat_model_code_text(model, feature, leat_bytes_of(text), &code), 0);
    return code;
}

static double number_code(const struct leat_model *model, size_t feature, double number)
{
    double code;
    assert_int_equal(leat_model_code_number(model, feature, number, &code), 0);
    return code;
}

static void a_category_is_its_place_in_the_list_and_one_not_seen_is_missing(void **state)
{
    (void)state;
    struct leat_model *model = load("[-1:1] 0:1:2 -1:1:0 [0:9]", "1,2",
                                    "[[\"Bern\", \"K\\u00f6ln\", \"\"], [false, true]]");
    const enum leat_feature_kind *kinds = leat_model_info(model)->feature_kinds;
    const enum leat_feature_kind expected[] = {LEAT_FEATURE_NUMBER, LEAT_FEATURE_TEXT, LEAT_FEATURE_CODED,
                                               LEAT_FEATURE_NUMBER};
    assert_memory_equal(kinds, expected, sizeof expected);
    assert_true(text_code(model, 1, "Bern") == 0);
    assert_true(text_code(model, 1, "Köln") == 1);
    assert_true(text_code(model, 1, "") == 2);
    assert_true(isnan(text_code(model, 1, "bern")));
    assert_true(number_code(model, 2, 0) == 0);
    assert_true(number_code(model, 2, -0.0) == 0);
    assert_true(number_code(model, 2, 1) == 1);
    assert_true(isnan(number_code(model, 2, 2)));
    assert_true(isnan(number_code(model, 2, (double)NAN)));
    leat_model_unref(model);
}

static void texts_and_numbers_in_one_list_are_told_apart(void **state)
{
    (void)state;
    struct leat_model *model = load("[-1:1] 0:1:2 [0:9] [0:9]", "1", "[[\"1\", 1, 2.5]]");
    assert_int_equal(leat_model_info(model)->feature_kinds[1], LEAT_FEATURE_CATEGORY);
    assert_true(text_code(model, 1, "1") == 0);
    assert_true(number_code(model, 1, 1) == 1);
    assert_true(number_code(model, 1, 2.5) == 2);
    leat_model_unref(model);
}

static void as_many_lists_as_declared_features_are_theirs(void **state)
{
    (void)state;
    /* Feature c could have two categories as well. */
    struct leat_model *model = load("[-1:1] 0:1 [0:1] 1:0", "1,3", "[[\"x\", \"y\"], [\"z\", \"w\"]]");
    assert_int_equal(leat_model_info(model)->feature_kinds[2], LEAT_FEATURE_NUMBER);
    assert_true(text_code(model, 3, "w") == 1);
    leat_model_unref(model);
}

static void an_ordered_column_is_found_by_its_range_where_only_one_fits(void **state)
{
    (void)state;
    struct leat_model *model = load("[-1:1] 0:1 [0:2] [0:9]", "1", "[[\"x\", \"y\"], [\"lo\", \"mid\", \"hi\"]]");
    assert_int_equal(leat_model_info(model)->feature_kinds[2], LEAT_FEATURE_TEXT);
    assert_true(text_code(model, 2, "hi") == 2);
    leat_model_unref(model);
}

static void lists_that_may_belong_to_several_features_are_refused(void **state)
{
    (void)state;
    const char *says = "the file does not tell which features";
    assert_refused("[-1:1] 0:1 [0:2] [0:2]", "1", "[[\"x\", \"y\"], [\"lo\", \"mid\", \"hi\"]]", says);
    assert_refused("[-1:1] 0:1 0:1 [0:2]", "1,2", "[[\"x\", \"y\"]]", says);
    assert_refused("[-1:1] 0:1 [0:9] [0:9]", "", "[[\"x\", \"y\"]]", says);
    assert_refused("[-1:1] 0:1:2 [0:9] [0:9]", "1", "[[\"x\", \"y\"]]", says); /* code 2 has no category */
    assert_refused("[0:1] 0:1 [0:1] [0:1]", "1", "[[0,1],[0,1],[0,1],[0,1],[0,1]]", "the 5 lists");
}

static void broken_lists_are_refused(void **state)
{
    (void)state;
    const char *infos = "[-1:1] 0:1 [0:9] [0:9]";
    assert_refused(infos, "1", "[[\"x\"", "pandas_categorical: ");
    assert_refused(infos, "1", "{\"x\": 1}", "pandas_categorical is not a list of lists");
    assert_refused(infos, "1", "[\"x\"]", "pandas_categorical is not a list of lists");
    assert_refused(infos, "1", "[[\"x\", \"x\"]]", "feature 1 has category 1 twice");
    assert_refused(infos, "1", "[[1, true]]", "feature 1 has category 1 twice");
    assert_refused(infos, "1", "[[\"x\", null]]", "category 1 of feature 1 is null");
    assert_refused(infos, "1", "[[\"x\", NaN]]", "category 1 of feature 1 is");
    assert_refused(infos, "b", "[[\"x\", \"y\"]]", "categorical_feature has 'b'");
    assert_refused(infos, "4", "[[\"x\", \"y\"]]", "categorical_feature has '4'");
    assert_refused(infos, "1", "[[\"x\", \"y\"]]\npandas_categorical:[[\"x\", \"y\"]]", "is there twice");
}

static void nodes_know_how_many_training_rows_came_to_them(void **state)
{
    (void)state;
    char room[4000];
    struct leat_forest forest = {0};
    struct leat_error err = {0};
    struct leat_bytes file = file_of(room, sizeof room, "[-1:1] 0:1 none none", "1", "null");
    if (leat_lightgbm_load("made", file, &forest, &err) != 0)
        fail_msg("%s", err.text);
    const double expected[] = {20, 10, 10, 4, 6};
    assert_int_equal(forest.node_count, 5);
    assert_memory_equal(forest.cover, expected, sizeof expected);
    leat_forest_done(&forest);
    /* One that does not tell is read as well. */
    memcpy(strstr(room, "leaf_count"), "leaf_other", strlen("leaf_other"));
    assert_int_equal(leat_lightgbm_load("made", file, &forest, &err), 0);
    assert_null(forest.cover);
    leat_forest_done(&forest);
    memcpy(strstr(room, "leaf_other=10"), "leaf_count=-1", strlen("leaf_count=-1"));
    assert_int_equal(leat_lightgbm_load("made", file, &forest, &err), -1);
    assert_non_null(strstr(err.text, "'leaf_count' is not 3 numbers"));
    leat_forest_done(&forest);
}

/* With feature_importances, as the trainer writes it. */
static size_t whole_file(char *room, size_t size)
{
    char made[4000];
    file_of(made, sizeof made, "[-1:1] 0:1 none none", "1", "[[\"x\", \"y\"]]");
    char *parameters = strstr(made, "parameters:");
    int len = snprintf(room, size, "%.*sfeature_importances:\na=1\nb=1\n\n%s", (int)(parameters - made), made,
                       parameters);
    assert_true(len > 0 && (size_t)len < size);
    return (size_t)len;
}

static void assert_cut(const char *file, size_t len, const char *says)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("made", (struct leat_bytes){file, len}, NULL, &model, &err) == 0)
        fail_msg("taken, though cut: …%s", file + (len < 30 ? 0 : len - 30));
    if (strstr(err.text, says) == NULL)
        fail_msg("says '%s', which lacks '%s'", err.text, says);
}

static void a_file_cut_behind_its_trees_is_refused(void **state)
{
    (void)state;
    char room[4000];
    size_t len = whole_file(room, sizeof room);
    size_t importances = (size_t)(strstr(room, "feature_importances:") - room) + strlen("feature_importances:");
    size_t parameters = (size_t)(strstr(room, "parameters:") - room) + strlen("parameters:");
    size_t ended = (size_t)(strstr(room, "end of parameters") - room) + strlen("end of parameters");
    for (size_t at = importances; at < len - 1; at++)
        if (at != ended && at != ended + 1) /* as from the C interface */
            assert_cut(room, at, "");
    assert_cut(room, importances, "the file ends before 'parameters:': it was cut short");
    assert_cut(room, parameters, "the file ends before 'end of parameters': it was cut short");
    assert_cut(room, ended + 2, "the file ends before 'pandas_categorical:': it was cut short");
    assert_cut(room, ended + 8, "'pandas' where pandas_categorical belongs: the file was cut short");
}

static void a_file_of_the_c_interface_has_no_lists_of_pandas(void **state)
{
    (void)state;
    char room[4000];
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    whole_file(room, sizeof room);
    size_t ended = (size_t)(strstr(room, "end of parameters\n") - room) + strlen("end of parameters\n");
    if (leat_model_load("made", (struct leat_bytes){room, ended}, NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    assert_null(leat_model_info(model)->feature_kinds);
    leat_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_category_is_its_place_in_the_list_and_one_not_seen_is_missing),
        cmocka_unit_test(texts_and_numbers_in_one_list_are_told_apart),
        cmocka_unit_test(as_many_lists_as_declared_features_are_theirs),
        cmocka_unit_test(an_ordered_column_is_found_by_its_range_where_only_one_fits),
        cmocka_unit_test(lists_that_may_belong_to_several_features_are_refused),
        cmocka_unit_test(broken_lists_are_refused),
        cmocka_unit_test(a_file_cut_behind_its_trees_is_refused),
        cmocka_unit_test(a_file_of_the_c_interface_has_no_lists_of_pandas),
        cmocka_unit_test(nodes_know_how_many_training_rows_came_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
