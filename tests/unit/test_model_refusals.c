/* Files that are not models, are broken or hold what is not done: refused with a sentence that says what and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "model/version.h"
#include "support/make_model.h"
#include "support/refusals.h"

#include <stdio.h>

static const char xgboost[] =
    "{\"version\":[3,2,0],\"learner\":{\"objective\":{\"name\":\"binary:logistic\"},\"feature_names\":[\"a\",\"b\"],"
    "\"learner_model_param\":{\"base_score\":\"[5E-1]\",\"num_feature\":\"2\",\"num_class\":\"0\",\"num_target\":\"1\"},"
    "\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"gbtree_model_param\":{\"num_trees\":\"1\"},\"tree_info\":[0],"
    "\"trees\":[{\"tree_param\":{\"num_nodes\":\"5\",\"size_leaf_vector\":\"1\"},"
    "\"left_children\":[1,-1,3,-1,-1],\"right_children\":[2,-1,4,-1,-1],\"split_indices\":[0,0,1,0,0],"
    "\"split_conditions\":[0.5,-1,1.5,2,3],\"default_left\":[1,0,0,0,0],\"split_type\":[0,0,0,0,0]}]}}}}";

static const char lightgbm[] =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n"
    "objective=binary sigmoid:1\nfeature_names=a b\nfeature_infos=none none\ntree_sizes=99 99\n\n"
    "Tree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 1\nthreshold=0.5 1.5\ndecision_type=2 8\n"
    "left_child=1 -2\nright_child=-1 -3\nleaf_value=1 2 3\nshrinkage=1\n\n"
    "Tree=1\nnum_leaves=2\nnum_cat=1\nsplit_feature=1\nthreshold=0\ndecision_type=1\nleft_child=-1\n"
    "right_child=-2\nleaf_value=1 2\ncat_boundaries=0 2\ncat_threshold=5 1\nshrinkage=1\n\n"
    "end of trees\n\npandas_categorical:null\n";

static void other_formats_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused((struct leat_bytes){0}, "the file is empty");
    assert_refused(leat_bytes_of(" \n\t"), "the file is empty");
    assert_refused(leat_bytes_of("hello"), "not a model that is known");
    assert_refused((struct leat_bytes){"{L\0\0\0\0\0\0\0\7learner", 17}, "byte 17: not UBJSON");
    assert_refused((struct leat_bytes){"{L\0\0\0\0\0\0\0\1xZ}", 13}, "there is no 'learner'");
    assert_refused(leat_bytes_of("{\"oblivious_trees\": [], \"scale_and_bias\": 1}"), "CatBoost");
    assert_refused(leat_bytes_of("CBM1...."), "CatBoost");
    assert_refused(leat_bytes_of("binf...."), "old binary format");
    assert_refused(leat_bytes_of("\x80\x04\x95"), "pickle");
    assert_refused(leat_bytes_of("\x08\x0a\x12\x08skl2onnx ai.onnx.ml"), "ONNX");
    assert_refused(leat_bytes_of("{}"), "there is no 'learner'");
    assert_refused(leat_bytes_of("[{\"nodeid\": 0}]"), "not a model that is known");
    assert_refused(leat_bytes_of("{\"learner\": {"), "1:");
}

static void what_is_not_done_for_xgboost_is_refused_by_name(void **state)
{
    (void)state;
    CHECK(xgboost, {"\"name\":\"gbtree\"", "\"name\":\"gbforest\"", "the booster 'gbforest' is not known"},
          {"binary:logistic", "binary:secret", "the objective 'binary:secret' is not known"});
}

static void categorical_marks_on_leaves_do_no_harm(void **state)
{
    (void)state;
    char *mutated = mutate(xgboost, "\"split_type\":[0,0,0,0,0]", "\"split_type\":[0,1,0,1,1]");
    assert_loads(mutated);
    free(mutated);
}

static void deleted_nodes_do_no_harm(void **state)
{
    (void)state;
    const char *const edits[][2] = {
        {"\"num_nodes\":\"5\"", "\"num_nodes\":\"6\""},
        {"[1,-1,3,-1,-1]", "[1,-1,3,-1,-1,-1]"},
        {"[2,-1,4,-1,-1]", "[2,-1,4,-1,-1,-1]"},
        {"[0,0,1,0,0]", "[0,0,1,0,0,2147483647]"},
        {"[0.5,-1,1.5,2,3]", "[0.5,-1,1.5,2,3,NaN]"},
        {"[1,0,0,0,0]", "[1,0,0,0,0,0]"},
        {"\"split_type\":[0,0,0,0,0]", "\"split_type\":[0,0,0,0,0,1]"},
    };
    char *file = leat_strdup(xgboost);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char *next = mutate(file, edits[i][0], edits[i][1]);
        free(file);
        file = next;
    }
    assert_loads(file);
    free(file);
}

static void broken_xgboost_parameters_are_refused(void **state)
{
    (void)state;
    CHECK(xgboost,
          {"\"base_score\":\"[5E-1]\"", "\"base_score\":\"[5E-1,5E-1]\"",
           "base_score has more than the model's 1 values"},
          {"\"base_score\":\"[5E-1]\"", "\"base_score\":\"[]\"", "base_score: '' is not a number"},
          {"\"base_score\":\"[5E-1]\"", "\"base_score\":\"half\"", "base_score: 'half' is not a number"},
          {"\"base_score\":\"[5E-1]\"", "\"base_score\":5", "base_score is missing"},
          {"\"num_feature\":\"2\"", "\"num_feature\":\"-2\"", "num_feature is -2; 0 to 1048576 are possible"},
          {"\"num_feature\":\"2\"", "\"num_feature\":\"99999999999\"", "num_feature is 99999999999"},
          {"\"num_feature\":\"2\"", "\"num_feature\":\"many\"", "num_feature is not a whole number"},
          {"\"num_feature\":\"2\"", "\"num_feature\":\"3\"", "feature_names has 2 names, but num_feature is 3"},
          {"\"num_class\":\"0\"", "\"num_class\":\"4000000\"", "num_class is 4000000"},
          {"[\"a\",\"b\"]", "[\"a\",\"a\"]", "two features are named 'a'"},
          {"[\"a\",\"b\"]", "[\"a\",\"\"]", "feature 1 has an empty name"},
          {"[\"a\",\"b\"]", "[\"a\",7]", "feature_names[1] is not a name"},
          {"\"binary:logistic\"", "\"multi:softprob\"", "num_class is 0; multi:softprob needs 2"},
          {"\"gradient_booster\"", "\"gradient_rooster\"", "learner.gradient_booster is missing"});
}

static void a_base_score_that_an_objective_can_not_have_is_refused(void **state)
{
    (void)state;
    char *old = mutate(xgboost, "[3,2,0]", "[2,1,0]");
    char *zero = mutate(old, "[5E-1]", "0");
    assert_refused(leat_bytes_of(zero), "base_score is 0, which binary:logistic can not have");
    free(old);
    free(zero);
    zero = mutate(xgboost, "[5E-1]", "[0E0]"); /* clamped from 3.1 on */
    assert_loads(zero);
    free(zero);
}

static void broken_xgboost_trees_are_refused_with_their_place(void **state)
{
    (void)state;
    CHECK(xgboost, {"\"left_children\":[1,", "\"left_children\":[0,", "tree 0, node 0: a child is reached twice"},
          {"\"left_children\":[1,", "\"left_children\":[2,", "reached twice"},
          {"\"left_children\":[1,-1,3", "\"left_children\":[1,-1,0", "tree 0, node 2: a child is reached twice"},
          {"\"right_children\":[2,-1,4", "\"right_children\":[2,-1,1", "tree 0, node 2: a child is reached twice"},
          {"\"left_children\":[1,", "\"left_children\":[5,",
           "tree 0, node 0: its left child is 5, but the tree has 5 nodes"},
          {"\"left_children\":[1,", "\"left_children\":[1.5,", "tree 0, node 0: a child's number is not one"},
          {"\"left_children\":[1,", "\"left_children\":[-7,", "tree 0, node 0: a child's number is not one"},
          {"\"left_children\":[1,", "\"left_children\":[99999999999,", "tree 0, node 0: a child's number is not one"},
          {"\"right_children\":[2,", "\"right_children\":[-1,", "tree 0, node 0: its right child is -1"},
          {"\"right_children\":[2,-1,4,-1,-1]", "\"right_children\":[2,-1,4,-1]", "'right_children' has 4 entries, but"},
          {"\"split_indices\":[0,0,1", "\"split_indices\":[0,0,2",
           "tree 0, node 2: splits on feature 2, but the model has 2"},
          {"\"split_indices\":[0,0,1", "\"split_indices\":[0,0,-1",
           "tree 0, node 2: split_indices has no feature's number"},
          {"\"split_conditions\":[0.5", "\"split_conditions\":[null", "tree 0, node 0: split_conditions has no number"},
          {"\"split_conditions\"", "\"split_condition\"", "tree 0 has no array 'split_conditions'"},
          {"\"default_left\":[1", "\"default_left\":[2", "tree 0, node 0: default_left is neither 0 nor 1"},
          {"\"num_nodes\":\"5\"", "\"num_nodes\":\"6\"", "tree 0: tree_param says 6 nodes, but the arrays have 5"},
          {"\"num_nodes\":\"5\"", "\"num_nodes\":\"x\"", "tree 0: tree_param.num_nodes is not a whole number"},
          {"\"num_trees\":\"1\"", "\"num_trees\":\"2\"", "num_trees is 2, but there are 1 trees"},
          {"\"tree_info\":[0]", "\"tree_info\":[1]", "tree_info[0] is not one of the model's 1 groups"},
          {"\"tree_info\":[0]", "\"tree_info\":[0,0]", "tree_info has 2 entries, but there are 1 trees"},
          {"\"name\":\"gbtree\",", "\"name\":\"gbtree\",\"weight_drop\":[1,2],",
           "weight_drop has 2 entries, but there are 1"},
          {"\"name\":\"gbtree\",", "\"name\":\"dart\",", "gradient_booster.gbtree is missing"},
          {"\"trees\":[{", "\"trees\":[7,{", "num_trees is 1, but there are 2 trees"},
          {"\"trees\":[{", "\"trees\":{\"a\":[{", ""});
}

static void every_cut_of_an_xgboost_file_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof xgboost - 1; len++)
        assert_refused((struct leat_bytes){xgboost, len}, "");
}

static void broken_lightgbm_headers_are_refused_with_their_line(void **state)
{
    (void)state;
    CHECK(lightgbm, {"version=v4", "version=v2", "line 2: version 'v2' of LightGBM's text is not read"},
          {"num_tree_per_iteration=1", "num_tree_per_iteration=0", "line 4: num_tree_per_iteration is '0'"},
          {"num_tree_per_iteration=1", "num_tree_per_iteration=1e9", "line 4"},
          {"num_tree_per_iteration=1\n", "", "ends without num_tree_per_iteration"},
          {"num_tree_per_iteration=1", "num_tree_per_iteration=3", "with 3 trees an iteration"},
          {"max_feature_idx=1", "max_feature_idx=99999999", "line 6: max_feature_idx is '99999999'"},
          {"max_feature_idx=1", "max_feature_idx=1000000", "feature_names has fewer than the model's 1000001 features"},
          {"max_feature_idx=1\n", "", "feature_names comes before max_feature_idx"},
          {"objective=binary", "objective=secret", "line 7: the objective 'secret' is not known"},
          {"sigmoid:1", "sigmoid:one", "line 7: the objective's sigmoid is not a number"},
          {"feature_names=a b", "feature_names=a", "feature_names has fewer"},
          {"feature_names=a b", "feature_names=a  ", "feature_names has 1 names, but the model has 2"},
          {"feature_names=a b", "feature_names=a b c", "feature_names has more"},
          {"feature_names=a b", "feature_names=a a", "two features are named 'a'"},
          {"tree_sizes=99 99", "tree_sizes=99", "tree_sizes lists 1 trees, but there are 2"},
          {"pandas_categorical:null", "pandas_categorical:[[\"x\"]]",
           "line 38: the file does not tell which features the 1 lists of pandas_categorical belong to"});
}

static void broken_lightgbm_trees_are_refused_with_their_line(void **state)
{
    (void)state;
    CHECK(lightgbm, {"num_leaves=3", "num_leaves=4", "tree 0: 'leaf_value' is not 4 numbers"},
          {"num_leaves=3", "num_leaves=2", "tree 0: 'left_child' is not 1 numbers"},
          {"num_leaves=3", "num_leaves=0", "tree 0"},
          {"num_leaves=3", "num_leaves=1000000000", "tree 0: 'leaf_value' is not"},
          {"num_leaves=3", "num_leaves=", "line 13: tree 0: 'num_leaves' is not 1 numbers"},
          {"num_leaves=3\n", "", "tree 0 (before line 22) has no line 'num_leaves='"},
          {"threshold=0.5 1.5\n", "", "tree 0 (before line 22) has no line 'threshold='"},
          {"threshold=0.5 1.5", "threshold=0.5 x", "line 16: tree 0: 'threshold' is not 2 numbers"},
          {"threshold=0.5 1.5", "threshold=0.5 nan", "line 16: tree 0: 'threshold' is not 2 numbers"},
          {"split_feature=0 1", "split_feature=0 2", "tree 0, node 1: splits on feature 2, but the model has 2 features"},
          {"split_feature=0 1", "split_feature=0 -1", "line 15: tree 0: 'split_feature'"},
          {"decision_type=2 8", "decision_type=2 16", "line 17: tree 0: 'decision_type'"},
          {"left_child=1 -2", "left_child=0 -2", "tree 0, node 0: a child is reached twice"},
          {"right_child=-1 -3", "right_child=-2 -3", "tree 0, node 1: a child is reached twice"},
          {"left_child=1 -2", "left_child=1 1", "tree 0, node 1: a child is reached twice"},
          {"left_child=1 -2", "left_child=2 -2", "line 18: tree 0: 'left_child'"},
          {"left_child=1 -2", "left_child=1 -4", "line 18: tree 0: 'left_child'"},
          {"leaf_value=1 2 3", "leaf_value=1 2", "tree 0: 'leaf_value' is not 3 numbers"},
          {"leaf_value=1 2 3", "leaf_value=1 2 3 4", "line 20: tree 0: 'leaf_value' is not 3 numbers"},
          {"Tree=1", "Tree=2", "line 23: Tree=2 where Tree=1 belongs"},
          {"Tree=0", "Tree=x", "line 12: Tree=x where Tree=0 belongs"},
          {"num_cat=1", "num_cat=0", "there is no category set 0; num_cat is 0"},
          {"num_cat=1", "num_cat=1000000000", "'cat_boundaries' is not 1000000001 numbers"},
          {"cat_boundaries=0 2", "cat_boundaries=0 3", "'cat_threshold' is not 3 numbers"},
          {"cat_boundaries=0 2", "cat_boundaries=0 1", "'cat_threshold' is not 1 numbers"},
          {"cat_boundaries=0 2", "cat_boundaries=1 2", "'cat_boundaries' is not 2 numbers"},
          {"cat_boundaries=0 2", "cat_boundaries=0 2000000000", "'cat_threshold' is not"},
          {"cat_threshold=5 1", "cat_threshold=5 4294967296", "'cat_threshold' is not"},
          {"shrinkage=1", "is_linear=1", "tree 0 (before line 23) has no line 'leaf_const='"},
          {"shrinkage=1", "is_linear=1\nleaf_const=1 2 3\nnum_features=1 0 0\nleaf_features=2\nleaf_coeff=1",
           "'leaf_features'"},
          {"shrinkage=1", "is_linear=1\nleaf_const=1 2 3\nnum_features=9 0 0\nleaf_features=1\nleaf_coeff=1",
           "'leaf_features'"},
          {"end of trees", "end", "the file ends before 'end of trees': it was cut short"});
}

static void every_cut_of_a_lightgbm_file_before_its_end_is_refused(void **state)
{
    (void)state;
    size_t end = (size_t)(strstr(lightgbm, "end of trees") - lightgbm) + strlen("end of trees");
    for (size_t len = 0; len < end; len++)
        assert_refused((struct leat_bytes){lightgbm, len}, "");
}

static void parity_rows_that_differ_name_row_features_and_both_scores(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    size_t rows = 0;
    assert_int_equal(leat_model_load("m", leat_bytes_of(lightgbm), NULL, &model, &err), 0);
    /* a = 0.2 goes on to b = 9, which is leaf 2 with 3; category 9 is not in the set: leaf 1 with 2. */
    const char *good = "{\"features\": {\"a\": 0.2, \"b\": 9}, \"score\": 0.99330714907571527}\n"
                       "\n{\"features\": [0.2, 9], \"score\": [0.99330714907571527]}\r\n";
    const char *pair = "{\"features\": [0.2, 9], \"score\": [0.0066928509242847314, 0.99330714907571527]}";
    assert_int_equal(leat_parity_check(model, NULL, leat_bytes_of(good), &rows, &err), 0);
    assert_int_equal(rows, 2);
    assert_int_equal(leat_parity_check(model, NULL, leat_bytes_of(pair), &rows, &err), 0);
    assert_int_equal(rows, 1);
    const struct {
        const char *rows;
        const char *says;
    } cases[] = {
        {"{\"features\": {\"a\": 0.2, \"b\": 9}, \"score\": 0.9933}",
         "parity row 1 (line 1): the trainer's score is 0.9933, here it is 0.9933071490757153; features: a=0.2 b=9"},
        {"\n{\"features\": {\"a\": 0.2, \"c\": 9}, \"score\": 1}", "parity row 1 (line 2): the model has no feature 'c'"},
        {"{\"features\": [0.2], \"score\": 1}", "the row has 1 values; the model has 2 features"},
        {"{\"features\": [0.2, \"x\"], \"score\": 1}", "feature 'b' is \"x\""},
        {"{\"features\": [0.2, 9], \"score\": [1, 2, 3]}", "has 3 scores, but the model gives 1"},
        {"{\"features\": [0.2, 9], \"score\": \"high\"}", "a score that is not a number"},
        {"{\"features\": [0.2, 9]}", "has no \"score\""},
        {"{\"score\": 1}", "has no \"features\""},
        {"[1]", "has no \"features\""},
        {"{", "parity row 1 (line 1)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(leat_parity_check(model, NULL, leat_bytes_of(cases[i].rows), &rows, &err), -1);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("says '%s', which lacks '%s'", err.text, cases[i].says);
    }
    leat_model_unref(model);
}

static void parity_allows_one_unit_in_the_last_place_of_a_float32_and_no_more(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    size_t rows = 0;
    double row[2] = {0.7, 2};
    double out;
    assert_int_equal(leat_model_load("m", leat_bytes_of(xgboost), NULL, &model, &err), 0);
    leat_model_predict_plain(model, row, &out, NULL);
    float score = (float)out;
    for (int ulp = -2; ulp <= 2; ulp++) {
        char text[200];
        float told = score;
        for (int i = 0; i < abs(ulp); i++)
            told = nextafterf(told, ulp < 0 ? -INFINITY : INFINITY);
        snprintf(text, sizeof text, "{\"features\": [0.7, 2], \"score\": [%.9g, %.9g]}", (double)(1 - told),
                 (double)told);
        assert_int_equal(leat_parity_check(model, NULL, leat_bytes_of(text), &rows, &err), abs(ulp) == 2 ? -1 : 0);
    }
    leat_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_formats_are_refused_by_name),
        cmocka_unit_test(what_is_not_done_for_xgboost_is_refused_by_name),
        cmocka_unit_test(categorical_marks_on_leaves_do_no_harm),
        cmocka_unit_test(deleted_nodes_do_no_harm),
        cmocka_unit_test(broken_xgboost_parameters_are_refused),
        cmocka_unit_test(a_base_score_that_an_objective_can_not_have_is_refused),
        cmocka_unit_test(broken_xgboost_trees_are_refused_with_their_place),
        cmocka_unit_test(every_cut_of_an_xgboost_file_is_refused),
        cmocka_unit_test(broken_lightgbm_headers_are_refused_with_their_line),
        cmocka_unit_test(broken_lightgbm_trees_are_refused_with_their_line),
        cmocka_unit_test(every_cut_of_a_lightgbm_file_before_its_end_is_refused),
        cmocka_unit_test(parity_rows_that_differ_name_row_features_and_both_scores),
        cmocka_unit_test(parity_allows_one_unit_in_the_last_place_of_a_float32_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
