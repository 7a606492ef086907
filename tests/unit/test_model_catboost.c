/* CatBoost's models: those of tests/data/models/catboost score as their trainer did, on every path; other files are
 * refused with what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/model_cases.h"

#define FOLDER "tests/data/models/catboost/"

static void scores_as_its_trainer_does(void **state)
{
    model_case_check(FOLDER, *state, 0);
}

/* ---- small files, written here ---- */

#define FEATURES(list) "\"features_info\":{\"float_features\":[" list "]}"
#define NUMBER(index)                                                                                     \
    "{\"feature_index\":" #index ",\"flat_feature_index\":" #index ",\"feature_id\":\"\",\"borders\":[]," \
    "\"nan_value_treatment\":\"AsFalse\"}"
#define INFO(loss) "\"model_info\":{\"params\":{\"loss_function\":{\"type\":\"" loss "\",\"params\":{}}}}"
#define BIAS "\"scale_and_bias\":[1,[0]]"
#define SPLIT(index, border) \
    "{\"split_type\":\"FloatFeature\",\"float_feature_index\":" #index ",\"border\":" #border "}"
#define TREE "{\"splits\":[" SPLIT(0, 0.5) "," SPLIT(1, -1) "],\"leaf_values\":[1,2,3,4],\"leaf_weights\":[1,2,3,4]}"
#define TWO FEATURES(NUMBER(0) "," NUMBER(1))
#define MODEL(features, info, bias, trees) "{" features "," info "," bias ",\"oblivious_trees\":[" trees "]}"
#define CATEGORIES(hashes)                                                                                       \
    "\"features_info\":{\"categorical_features\":[{\"feature_index\":0,\"flat_feature_index\":0,\"feature_id\":" \
    "\"c\"}],\"cat_features_hash\":[" hashes "]}"
#define ONE_HOT \
    "{\"splits\":[{\"split_type\":\"OneHotFeature\",\"cat_feature_index\":0,\"value\":-5}],\"leaf_values\":[1,2]}"

static struct leat_model *load_text(const char *text)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("m", leat_bytes_of(text), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static double score(const struct leat_model *model, const double *row)
{
    double out = 0;
    double plain = 0;
    void *scratch = leat_model_scratch_new(model, 1);
    leat_model_predict(model, row, leat_model_info(model)->feature_count, 1, &out, NULL, scratch);
    leat_model_predict_plain(model, row, &plain, NULL);
    assert_true(out == plain);
    free(scratch);
    return out;
}

static void the_first_split_is_the_lowest_bit_of_the_leaf(void **state)
{
    (void)state;
    struct leat_model *model = load_text(MODEL(TWO, INFO("RMSE"), BIAS, TREE));
    const double rows[][3] = {{0, -2, 1},  {1, -2, 2},           {0, 0, 3},
                              {1, 0, 4},   {0.5, -1, 1},         {NAN, 0, 3},
                              {1, NAN, 2}, {0.5 + 1e-12, -2, 1}, {0.5000001, -1, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(score(model, rows[i]) == rows[i][2]);
    leat_model_unref(model);
}

static void a_tree_of_one_leaf_and_no_tree_at_all_are_models(void **state)
{
    (void)state;
    const double row[2] = {0, 0};
    struct leat_model *model = load_text(MODEL(TWO, INFO("RMSE"), "\"scale_and_bias\":[2,[1]]",
                                               "{\"splits\":null,\"leaf_values\":[3]},{\"leaf_values\":[4]}"));
    assert_true(score(model, row) == 15);
    leat_model_unref(model);
    model = load_text(MODEL(TWO, INFO("RMSE"), "\"scale_and_bias\":[2,1.5]", ""));
    assert_true(score(model, row) == 1.5);
    leat_model_unref(model);
}

static void a_category_is_a_text_or_the_whole_number_that_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number, score;
    } cases[] = {{"-3", 0, 2}, {NULL, -3, 2},  {NULL, -3.5, 1}, {"03", 0, 2}, {NULL, 3, 1},
                 {"", 0, 1},   {NULL, NAN, 1}, {"-3 ", 0, 1},   {"x", 0, 1},  {NULL, 1e300, 1}};
    struct leat_model *model = load_text(
        MODEL(CATEGORIES("{\"hash\":4294967291,\"value\":\"-3\"},{\"hash\":7,\"value\":\"x\"},{\"hash\":4294967291,"
                         "\"value\":\"03\"}"),
              INFO("RMSE"), BIAS, ONE_HOT));
    assert_int_equal(leat_model_info(model)->feature_kinds[0], LEAT_FEATURE_CATEGORY);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double code = 99;
        int status = cases[i].text != NULL ? leat_model_code_text(model, 0, leat_bytes_of(cases[i].text), &code)
                                           : leat_model_code_number(model, 0, cases[i].number, &code);
        assert_int_equal(status, 0);
        if (score(model, &code) != cases[i].score)
            fail_msg("case %zu: %g", i, score(model, &code));
    }
    leat_model_unref(model);
}

/* ---- refusals ---- */

static void check_refused(const char *text, const char *says)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    assert_int_equal(leat_model_load("m.json", leat_bytes_of(text), NULL, &model, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, says) == NULL || strstr(err.text, "m.json") == NULL)
        fail_msg("says '%s', which lacks '%s'", err.text, says);
}

#define CTRS                                                                                                     \
    "\"features_info\":{\"categorical_features\":[{\"feature_index\":0,\"flat_feature_index\":0,\"feature_id\":" \
    "\"shop\"}],\"ctrs\":[{\"elements\":[{\"cat_feature_index\":0}]}]}"
#define NODE(rest) "{" TWO "," INFO("RMSE") "," BIAS ",\"trees\":[" rest "]}"

static void what_can_not_be_scored_is_refused_with_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {MODEL(CTRS, INFO("RMSE"), BIAS, TREE), "feature shop"},
        {MODEL(CTRS, INFO("RMSE"), BIAS, TREE), "one_hot_max_size=255"},
        {MODEL("\"features_info\":{\"text_features\":[{\"feature_id\":\"title\"}]}", INFO("RMSE"), BIAS, TREE),
         "'title' is a text feature"},
        {MODEL("\"features_info\":{\"embedding_features\":[{\"feature_id\":\"v\"}]}", INFO("RMSE"), BIAS, TREE),
         "'v' is an embedding"},
        {MODEL(CATEGORIES(""), INFO("RMSE"), BIAS, ONE_HOT), "pool=pool"},
        {MODEL(CATEGORIES("{\"hash\":5,\"value\":\"x\"}"), INFO("RMSE"), BIAS, ONE_HOT), "hash 4294967291"},
        {MODEL(TWO, INFO("Loss of mine"), BIAS, TREE), "'Loss of mine' is not known"},
        {MODEL(TWO, "\"model_info\":{}", BIAS, TREE), "model_info.params is missing"},
        {MODEL(TWO, INFO("MultiClass"), BIAS, TREE), "MultiClass does not give 1 values"},
        {MODEL(TWO, INFO("Logloss"), "\"scale_and_bias\":[1,[0,0]]", ""), "Logloss does not give 2 values"},
        {MODEL(TWO,
               "\"model_info\":{\"params\":{\"loss_function\":{\"type\":\"MultiClass\"}},\"class_params\":{"
               "\"class_to_label\":[0,1,3],\"classes_count\":4}}",
               "\"scale_and_bias\":[1,[0,0,0]]", ""),
         "class 2 never occurred"},
        {MODEL(TWO,
               "\"model_info\":{\"params\":{\"loss_function\":{\"type\":\"Logloss\"}},\"class_params\":{"
               "\"class_names\":[\"a\"]}}",
               BIAS, ""),
         "names 1 classes"},
        {MODEL(TWO,
               "\"model_info\":{\"params\":{\"loss_function\":{\"type\":\"Logloss\"}},"
               "\"binclass_probability_threshold\":\"x\"}",
               BIAS, ""),
         "binclass_probability_threshold"},
        {MODEL(TWO,
               "\"model_info\":{\"params\":{\"loss_function\":{\"type\":\"MultiQuantile\",\"params\":{\"alpha\":"
               "\"0.1,0.2,0.3\"}}}}",
               "\"scale_and_bias\":[1,[0,0]]", ""),
         "not a list of 2 quantiles"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(cases[i].text, cases[i].says);
}

static void broken_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[\"scale_and_bias\"]", "m.json"},
        {"{\"scale_and_bias\":[1,[0]]}", "features_info is missing"},
        {"{\"scale_and_bias\":1,\"features_info\":3}", "features_info is"},
        {MODEL("\"features_info\":{\"float_features\":{}}", INFO("RMSE"), BIAS, TREE), "where a list belongs"},
        {MODEL(FEATURES(NUMBER(0) "," NUMBER(0)), INFO("RMSE"), BIAS, TREE), "two features are at place 0"},
        {MODEL(FEATURES(NUMBER(7)), INFO("RMSE"), BIAS, TREE), "not one of the 1 features"},
        {MODEL(FEATURES("{\"feature_index\":4,\"flat_feature_index\":0}"), INFO("RMSE"), BIAS, TREE),
         "float_features[0].feature_index"},
        {MODEL(FEATURES("{\"feature_index\":0,\"flat_feature_index\":0,\"nan_value_treatment\":\"AsIt\"}"),
               INFO("RMSE"), BIAS, TREE),
         "'AsIt'"},
        {MODEL(FEATURES("{\"feature_index\":0,\"flat_feature_index\":0,\"feature_id\":\"a\"},{\"feature_index\":1,"
                        "\"flat_feature_index\":1,\"feature_id\":\"a\"}"),
               INFO("RMSE"), BIAS, TREE),
         "two features are named 'a'"},
        {MODEL(TWO, INFO("RMSE"), "\"scale_and_bias\":[1]", TREE), "scale_and_bias"},
        {MODEL(TWO, INFO("RMSE"), "\"scale_and_bias\":[0,[0]]", TREE), "other than 0"},
        {MODEL(TWO, INFO("RMSE"), "\"scale_and_bias\":[1,[\"x\"]]", TREE), "bias 0 is not a finite number"},
        {MODEL(TWO, INFO("RMSE"), "\"scale_and_bias\":[1,[]]", TREE), "leaves have 0 values"},
        {MODEL(TWO, INFO("RMSE"), BIAS, "{\"splits\":[" SPLIT(0, 1) "],\"leaf_values\":[1]}"),
         "tree 0 has 1 leaf_values; 1 splits and 1 values a leaf make 2"},
        {MODEL(TWO, INFO("RMSE"), BIAS, "{\"splits\":[" SPLIT(0, 1) "],\"leaf_values\":[1,null]}"),
         "not a finite number"},
        {MODEL(TWO, INFO("RMSE"), BIAS, "{\"splits\":[" SPLIT(2, 1) "],\"leaf_values\":[1,2]}"), "does not list"},
        {MODEL(TWO, INFO("RMSE"), BIAS, "{\"splits\":[{\"split_type\":\"Odd\"}],\"leaf_values\":[1,2]}"), "type 'Odd'"},
        {MODEL(TWO, INFO("RMSE"), BIAS, "{\"splits\":[" SPLIT(0, "1") "],\"leaf_values\":[1,2]}"), "'border'"},
        {MODEL(TWO, INFO("RMSE"), BIAS, "{\"splits\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],\"leaf_values\":[1,2]}"),
         "at most 16"},
        {MODEL(CATEGORIES("{\"hash\":-9,\"value\":3}"), INFO("RMSE"), BIAS, ONE_HOT), "cat_features_hash[0]"},
        {MODEL(CATEGORIES("{\"hash\":-5,\"value\":\"x\"},{\"hash\":-5,\"value\":\"x\"}"), INFO("RMSE"), BIAS, ONE_HOT),
         "'x' is listed twice"},
        {NODE("{\"left\":{\"value\":1},\"split\":" SPLIT(0, 1) "}"), "neither two children nor a value"},
        {NODE("{\"left\":{\"value\":1},\"right\":{\"value\":[1,2]},\"split\":" SPLIT(0, 1) "}"), "has 2 values"},
        {NODE("{\"left\":{\"value\":1},\"right\":{\"value\":1}}"), "type ''"},
        {NODE("{\"left\":{\"value\":1},\"right\":{\"value\":true},\"split\":" SPLIT(0, 1) "}"), "not a finite number"},
        {NODE("7"), "tree 0: node 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(cases[i].text, cases[i].says);
}

static void more_categories_with_one_hash_than_chance_gives_are_refused(void **state)
{
    (void)state;
    LEAT_CLEAN_BUFFER text = {0};
    leat_buffer_append_text(&text, "{\"features_info\":{\"cat_features_hash\":[");
    for (int i = 0; i < 9; i++)
        leat_buffer_format(&text, "%s{\"hash\":1,\"value\":\"c%d\"}", i == 0 ? "" : ",", i);
    leat_buffer_append_text(&text, "]},\"scale_and_bias\":[1,[0]]," INFO("RMSE") ",\"oblivious_trees\":[]}");
    check_refused(leat_buffer_text(&text), "more than 8 categories have the hash 1");
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    const char text[] = MODEL(TWO, INFO("RMSE"), BIAS, TREE);
    for (size_t len = 0; len + 1 < sizeof text; len++) {
        struct leat_error err = {0};
        struct leat_model *model = NULL;
        char *cut = strndup(text, len);
        assert_int_equal(leat_model_load("m", (struct leat_bytes){cut, len}, NULL, &model, &err), -1);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_split_is_the_lowest_bit_of_the_leaf),
        cmocka_unit_test(a_tree_of_one_leaf_and_no_tree_at_all_are_models),
        cmocka_unit_test(a_category_is_a_text_or_the_whole_number_that_has_it),
        cmocka_unit_test(what_can_not_be_scored_is_refused_with_what_to_do),
        cmocka_unit_test(broken_files_are_refused_with_their_place),
        cmocka_unit_test(more_categories_with_one_hash_than_chance_gives_are_refused),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
    };
    int failed = model_cases_run(FOLDER, "scores as its trainer does", scores_as_its_trainer_does, 30);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
