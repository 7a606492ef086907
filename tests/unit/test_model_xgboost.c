/* XGBoost's later members: sets of categories, tables of categories, leaves of several values, rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "support/refusals.h"

#include <math.h>

/* Feature 0 is a text, 1 a whole number, 2 a number. Codes 1 and 33 of the text go right. */
static const char sets[] =
    "{\"version\":[3,4,1],\"learner\":{\"objective\":{\"name\":\"reg:squarederror\"},\"learner_model_param\":"
    "{\"base_score\":\"[0E0]\",\"num_feature\":\"3\"},\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{"
    "\"cats\":{\"enc\":[{\"offsets\":[0,1,3,3],\"values\":[97,98,99]},{\"type\":11,\"values\":[700,-3]},"
    "{\"offsets\":[],\"values\":[]}],\"feature_segments\":[],\"sorted_idx\":[]},"
    "\"gbtree_model_param\":{\"num_trees\":\"1\",\"num_parallel_tree\":\"1\"},\"iteration_indptr\":[0,1],\"tree_info\":[0],"
    "\"trees\":[{\"tree_param\":{\"num_nodes\":\"5\",\"size_leaf_vector\":\"1\"},\"left_children\":[1,-1,3,-1,-1],"
    "\"right_children\":[2,-1,4,-1,-1],\"split_indices\":[0,0,1,0,0],\"split_conditions\":[NaN,1,NaN,2,3],"
    "\"default_left\":[1,0,0,0,0],\"split_type\":[1,0,1,0,0],\"sum_hessian\":[9,4,5,3,2],"
    "\"categories_nodes\":[0,2],\"categories_segments\":[0,2],\"categories_sizes\":[2,1],\"categories\":[1,33,0]}]}}}}";

/* Two targets; leaf 1 has -1 and 2. */
static const char vectors[] =
    "{\"version\":[3,2,0],\"learner\":{\"objective\":{\"name\":\"reg:squarederror\"},\"learner_model_param\":"
    "{\"base_score\":\"[5E-1,5E-1]\",\"num_feature\":\"1\",\"num_target\":\"2\"},\"gradient_booster\":{\"name\":\"gbtree\","
    "\"model\":{\"gbtree_model_param\":{\"num_trees\":\"2\"},\"iteration_indptr\":[0,1,2],\"tree_info\":[0,0],"
    "\"trees\":[{\"tree_param\":{\"num_nodes\":\"3\",\"size_leaf_vector\":\"2\"},\"left_children\":[1,-1,-1],"
    "\"right_children\":[2,0,1],\"split_indices\":[0,0,0],\"split_conditions\":[3,1E-45,1E-45],\"default_left\":[1,0,0],"
    "\"leaf_weights\":[10,20,-1,2]},{\"tree_param\":{\"num_nodes\":\"1\",\"size_leaf_vector\":\"2\"},\"left_children\":[-1],"
    "\"right_children\":[-1],\"split_indices\":[0],\"split_conditions\":[0],\"default_left\":[0],"
    "\"base_weights\":[100,200]}]}}}}";

static double raw_of(const struct leat_model *model, double a, double b, double c)
{
    const double row[3] = {a, b, c};
    double out;
    double raw;
    double plain;
    void *scratch = leat_model_scratch_new(model, 1);
    leat_model_predict(model, row, 3, 1, &out, &raw, scratch);
    leat_model_predict_plain(model, row, &out, &plain);
    assert_true(raw == plain);
    free(scratch);
    return raw;
}

static void a_category_in_the_set_goes_right_and_what_is_in_no_set_left(void **state)
{
    (void)state;
    struct leat_model *model = load_with(sets, NULL);
    const double in_no_set[] = {0, 2, 32, 34, 64, 1e9, 16777216, -1, -0.5, -1e-40, 3e38, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof in_no_set / sizeof in_no_set[0]; i++)
        assert_true(raw_of(model, in_no_set[i], 0, 0) == 1);
    assert_true(raw_of(model, 1, 0, 0) == 3);
    assert_true(raw_of(model, 1.99, 0, 0) == 3);
    assert_true(raw_of(model, 33, 1, 0) == 2);
    assert_true(raw_of(model, 33, -0.0, 0) == 3); /* which is 0 */
    assert_true(raw_of(model, 33, NAN, 0) == 3);  /* missing goes right there */
    leat_model_unref(model);
}

static void in_1_6_what_is_in_no_set_goes_where_a_missing_value_goes(void **state)
{
    (void)state;
    char *old = mutate(sets, "[3,4,1]", "[1,6,2]");
    char *file = mutate(old, "[0E0]", "0E0");
    struct leat_model *model = load_with(file, NULL);
    assert_true(raw_of(model, 64, 0, 0) == 1); /* left, as the default */
    assert_true(raw_of(model, 1, 1, 0) == 2);
    assert_true(raw_of(model, 1, 0, 0) == 3);
    assert_true(raw_of(model, 1, 31, 0) == 2);
    assert_true(raw_of(model, 1, 32, 0) == 3); /* beyond the words of the set */
    assert_true(raw_of(model, 1, -1, 0) == 3);
    assert_true(raw_of(model, 1, NAN, 0) == 3);
    leat_model_unref(model);
    free(file);
    char *older = mutate(old, "[1,6,2]", "[1,5,2]");
    assert_refused(leat_bytes_of(older), "tree 0 splits on categories, which XGBoost before 1.6 did in its own ways");
    free(older);
    free(old);
}

static void texts_and_whole_numbers_become_the_codes_of_the_table(void **state)
{
    (void)state;
    double code = -1;
    struct leat_model *model = load_with(sets, NULL);
    const struct leat_model_info *info = leat_model_info(model);
    assert_int_equal(info->feature_kinds[0], LEAT_FEATURE_TEXT);
    assert_int_equal(info->feature_kinds[1], LEAT_FEATURE_CODED);
    assert_int_equal(info->feature_kinds[2], LEAT_FEATURE_NUMBER);
    const char *const texts[] = {"a", "bc", ""};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(leat_model_code_text(model, 0, leat_bytes_of(texts[i]), &code), 0);
        assert_true(code == (double)i);
    }
    assert_int_equal(leat_model_code_text(model, 0, leat_bytes_of("b"), &code), -1);
    assert_int_equal(leat_model_code_number(model, 1, -3, &code), 0);
    assert_true(code == 1);
    assert_int_equal(leat_model_code_number(model, 1, 5, &code), -1);
    assert_int_equal(leat_model_code_number(model, 1, NAN, &code), 0);
    assert_true(isnan(code));
    leat_model_unref(model);
}

static void unsigned_numbers_of_ubjson_are_the_signed_ones_of_the_same_bits(void **state)
{
    (void)state;
    double code = -1;
    char *file = mutate(sets, "\"type\":11,\"values\":[700,-3]", "\"type\":12,\"values\":[700,-3]");
    struct leat_model *model = load_with(file, NULL);
    assert_int_equal(leat_model_code_number(model, 1, 65533, &code), 0);
    assert_true(code == 1);
    leat_model_unref(model);
    free(file);
}

static void broken_sets_are_refused_with_their_place(void **state)
{
    (void)state;
    CHECK(sets, {"\"categories_nodes\":[0,2]", "\"categories_nodes\":[0,5]", "categories_nodes[1] is not one of its 5"},
          {"\"categories_nodes\":[0,2]", "\"categories_nodes\":[0,-2]", "categories_nodes[1] is not one of its 5"},
          {"\"categories_nodes\":[0,2]", "\"categories_nodes\":[0,0]", "tree 0: categories_nodes has node 0 twice"},
          {"\"categories_nodes\":[0,2]", "\"categories_nodes\":[0]",
           "categories_nodes has 1 entries, categories_segments 2"},
          {"\"categories_nodes\":[0,2]", "\"categories_nodes\":[0,1]",
           "tree 0, node 2: splits on categories, but categories_nodes lacks it"},
          {"\"categories_nodes\":[0,2]", "\"categories_nodes\":[]", "tree 0, node 0: splits on categories, but"},
          {"\"categories_nodes\":[0,2],", "", "tree 0, node 0: splits on categories, but"},
          {"\"categories_segments\":[0,2],", "", "tree 0 has no array 'categories_segments'"},
          {"\"categories_sizes\":[2,1],", "", "tree 0 has no array 'categories_sizes'"},
          {",\"categories\":[1,33,0]", "", "tree 0 has no array 'categories'"},
          {"\"categories_segments\":[0,2]", "\"categories_segments\":[0,1]",
           "categories_segments[1] and categories_sizes[1]"},
          {"\"categories_segments\":[0,2]", "\"categories_segments\":[-1,2]", "categories_segments[0]"},
          {"\"categories_segments\":[0,2]", "\"categories_segments\":[0,9223372036854775807]", "categories_segments[1]"},
          {"\"categories_sizes\":[2,1]", "\"categories_sizes\":[2,9223372036854775807]", "categories_sizes[1]"},
          {"\"categories_sizes\":[2,1]", "\"categories_sizes\":[2,2]", "are not the next run of its 3 categories"},
          {"\"categories_sizes\":[2,1]", "\"categories_sizes\":[2,-1]", "are not the next run of its 3 categories"},
          {"\"categories\":[1,33,0]", "\"categories\":[1,-33,0]",
           "tree 0: categories[1] is not a code from 0 to 16777215"},
          {"\"categories\":[1,33,0]", "\"categories\":[1,16777216,0]", "tree 0: categories[1] is not a code"},
          {"\"categories\":[1,33,0]", "\"categories\":[1,33,0.5]", "tree 0: categories[2] is not a code"},
          {"\"split_type\":[1,0,1,0,0]", "\"split_type\":[1,0,2,0,0]", "tree 0, node 2: split_type is neither 0 nor 1"},
          {"\"split_type\":[1,0,1,0,0]", "\"split_type\":[1,0,\"1\",0,0]", "split_type is neither 0 nor 1"},
          {"\"split_type\":[1,0,1,0,0]", "\"split_type\":[1,0,1,0]", "'split_type' has 4 entries"},
          {"\"sum_hessian\":[9,4", "\"sum_hessian\":[9,\"4\"", "tree 0, node 1: sum_hessian has no number"},
          {"\"sum_hessian\":[9,4", "\"sum_hessian\":[4", "'sum_hessian' has 4 entries"});
}

/* 2^24 bits each, from 30 bytes of file. */
static void sets_that_would_take_far_more_memory_than_the_file_are_refused(void **state)
{
    (void)state;
    struct leat_buffer nodes = {0};
    struct leat_buffer segments = {0};
    struct leat_buffer categories = {0};
    char number[16];
    for (int i = 0; i < 40; i++) {
        const char *comma = i == 0 ? "" : ",";
        snprintf(number, sizeof number, "%s%d", comma, i % 5);
        leat_buffer_append(&nodes, number, strlen(number));
        snprintf(number, sizeof number, "%s%d", comma, i);
        leat_buffer_append(&segments, number, strlen(number));
        snprintf(number, sizeof number, "%s16777215", comma);
        leat_buffer_append(&categories, number, strlen(number));
    }
    char *file = leat_malloc(sizeof sets + 2000);
    const char *at = strstr(sets, "\"categories_nodes\"");
    sprintf(
        file,
        "%.*s\"categories_nodes\":[%s],\"categories_segments\":[%s],\"categories_sizes\":[1%s],\"categories\":[%s]}]}}}}",
        (int)(at - sets), sets, leat_buffer_text(&nodes), leat_buffer_text(&segments),
        ",1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", leat_buffer_text(&categories));
    assert_refused(leat_bytes_of(file), "tree 0: the sets of categories up to here take 83886080 bytes; a file of");
    free(file);
    leat_buffer_done(&nodes);
    leat_buffer_done(&segments);
    leat_buffer_done(&categories);
}

static void broken_tables_of_categories_are_refused_with_their_feature(void **state)
{
    (void)state;
    CHECK(sets, {"[0,1,3,3]", "[0,1,3,4]", "model.cats.enc[0]: offsets[3] is not a place in the 3 bytes of values"},
          {"[0,1,3,3]", "[0,3,1,3]", "offsets[2] is not a place"},
          {"[0,1,3,3]", "[1,1,3,3]", "offsets[0] is not a place"},
          {"[0,1,3,3]", "[0,-1,3,3]", "offsets[1] is not a place"},
          {"[0,1,3,3]", "[0,0,0]", "the category '' is there twice"},
          {"[0,1,3,3]", "[0,1.5,3]", "offsets[1] is not a place"}, {"[0,1,3,3]", "7", "there are no arrays"},
          {"[97,98,99]", "[97,298,99]", "values[1] is not a byte"},
          {"[97,98,99]", "[97,-61,99]", "model.cats.enc[0]: category 1 is not UTF-8"},
          {"\"type\":11", "\"type\":8", "model.cats.enc[1]: neither texts nor whole numbers"},
          {"\"type\":11", "\"type\":17", "neither texts nor whole numbers"},
          {"\"type\":11,", "", "neither texts nor whole numbers"},
          {"[700,-3]", "[700,700]", "model.cats.enc[1]: the category 700 is there twice"},
          {"[700,-3]", "[700,0.5]", "values[1] is not a whole number"},
          {"[700,-3]", "[700,9007199254740993]", "values[1] is not a whole number of at most 2^53"},
          {"[700,-3]", "[700,18446744073709551615]", "values[1] is not a whole number"},
          {"{\"offsets\":[],\"values\":[]}]", "{\"offsets\":[]}]", "model.cats.enc[2]: there are no arrays"},
          {"{\"offsets\":[],\"values\":[]}]", "7]", "model.cats.enc[2]: there are no arrays"},
          {",{\"offsets\":[],\"values\":[]}]", "]", "model.cats.enc has 2 entries, but the model has 3 features"},
          {"\"enc\":[", "\"encs\":[", "model.cats.enc is missing"});
}

static void categories_that_are_not_ascii_are_refused_where_the_trainer_cut_them(void **state)
{
    (void)state;
    char *utf8 = mutate(sets, "[97,98,99]", "[97,-61,-92]");
    struct leat_model *model = load_with(utf8, NULL);
    double code;
    assert_int_equal(leat_model_code_text(model, 0, leat_bytes_of("\xC3\xA4"), &code), 0);
    assert_true(code == 1);
    leat_model_unref(model);
    const char *const versions[] = {"[3,1,0]", "[3,2,0]", "[3,3,0]"};
    for (size_t i = 0; i < 3; i++) {
        char *cut = mutate(utf8, "[3,4,1]", versions[i]);
        assert_refused(leat_bytes_of(cut), "model.cats.enc[0]: a category is not ASCII; XGBoost 3.");
        free(cut);
    }
    free(utf8);
}

static void leaves_of_several_values_add_to_each_sum(void **state)
{
    (void)state;
    struct leat_model *model = load_with(vectors, NULL);
    const double rows[2] = {1, 3};
    double out[4];
    double raw[4];
    void *scratch = leat_model_scratch_new(model, 2);
    leat_model_predict(model, rows, 1, 2, out, raw, scratch);
    assert_true(raw[0] == 110.5 && raw[1] == 220.5 && raw[2] == 99.5 && raw[3] == 202.5);
    free(scratch);
    leat_model_unref(model);
}

static void broken_leaves_of_several_values_are_refused(void **state)
{
    (void)state;
    CHECK(
        vectors, {"\"right_children\":[2,0,1]", "\"right_children\":[2,0,2]", "tree 0, node 2: there is no leaf 2"},
        {"\"right_children\":[2,0,1]", "\"right_children\":[2,0,-1]", "tree 0, node 2: there is no leaf -1"},
        {"[10,20,-1,2]", "[10,20,-1]", "tree 0: 'leaf_weights' has 3 values; leaves have 2 each"},
        {"[10,20,-1,2]", "[10,20,-1,null]", "tree 0: value 3 of its leaves is not a number"},
        {"[100,200]", "[100]", "tree 1: 'base_weights' has 1 values; leaves have 2 each"},
        {"\"base_weights\"", "\"best_weights\"", "tree 1 has no array 'base_weights'"},
        {"\"size_leaf_vector\":\"2\"", "\"size_leaf_vector\":\"3\"", "leaves of 3 values, but the model has 2 groups"},
        {"\"size_leaf_vector\":\"2\"", "\"size_leaf_vector\":\"1\"", "tree 1 has leaves of 2 values, other trees have"},
        {"\"num_target\":\"2\"", "\"num_target\":\"1\"", "base_score has more than the model's 1 values"});
}

static void only_the_first_rounds_are_used_when_so_told(void **state)
{
    (void)state;
    struct leat_model *model = load_with(vectors, &(struct leat_model_options){.rounds = 1});
    assert_int_equal(leat_model_info(model)->tree_count, 1);
    leat_model_unref(model);
    model = load_with(vectors, &(struct leat_model_options){.rounds = 2});
    assert_int_equal(leat_model_info(model)->tree_count, 2);
    leat_model_unref(model);
    assert_refused_with(leat_bytes_of(vectors), &(struct leat_model_options){.rounds = 3},
                        "3 rounds are asked for, but the model has 2");
    assert_refused_with(leat_bytes_of(vectors), &(struct leat_model_options){.rounds = SIZE_MAX}, "but the model has 2");
    const char *const indices[][2] = {{"[0,9]", "model.iteration_indptr[1] is not a place among the 2 trees"},
                                      {"[0,-1]", "model.iteration_indptr[1] is not a place"},
                                      {"[]", "1 rounds are asked for, but the model has 0"}};
    for (size_t i = 0; i < 3; i++) {
        char *file = mutate(vectors, "[0,1,2]", indices[i][0]);
        assert_refused_with(leat_bytes_of(file), &(struct leat_model_options){.rounds = 1}, indices[i][1]);
        free(file);
    }
}

/* Of files that only say how many trees a group has in a round, or (before 1.6) not even that. */
static void rounds_are_counted_in_trees_where_the_file_has_no_table(void **state)
{
    (void)state;
    char *file = mutate(sets, "\"iteration_indptr\":[0,1],", "");
    leat_model_unref(load_with(file, &(struct leat_model_options){.rounds = 1}));
    assert_refused_with(leat_bytes_of(file), &(struct leat_model_options){.rounds = 2}, "but the model has 1");
    char *parallel = mutate(file, "\"num_parallel_tree\":\"1\"", "\"num_parallel_tree\":\"2\"");
    assert_refused_with(leat_bytes_of(parallel), &(struct leat_model_options){.rounds = 1}, "but the model has 0");
    free(parallel);
    parallel = mutate(file, "\"num_parallel_tree\":\"1\"", "\"num_parallel_tree\":\"2147483647\"");
    assert_refused_with(leat_bytes_of(parallel), &(struct leat_model_options){.rounds = 1}, "but the model has 0");
    free(parallel);
    char *silent = mutate(file, ",\"num_parallel_tree\":\"1\"", "");
    leat_model_unref(load_with(silent, &(struct leat_model_options){.rounds = 1}));
    char *limit = mutate(silent, "\"learner\":{",
                         "\"learner\":{\"attributes\":{\"best_iteration\":\"4\",\"best_ntree_limit\":\"10\"},");
    assert_refused_with(leat_bytes_of(limit), &(struct leat_model_options){.rounds = 1}, "but the model has 0");
    free(limit);
    free(silent);
    free(file);
}

static void a_linear_model_has_no_rounds(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer file = {0};
    assert_int_equal(leat_file_read("tests/data/models/xgboost-3.2-linear.json", 1 << 20, &file, &err), 0);
    assert_refused_with(leat_buffer_view(&file), &(struct leat_model_options){.rounds = 2},
                        "2 rounds are asked for, but a linear model has none");
    leat_buffer_done(&file);
}

static void trees_without_arrays_are_refused_before_there_is_memory_for_each(void **state)
{
    (void)state;
    char many[601];
    for (size_t i = 0; i < 200; i++)
        memcpy(many + 3 * i, i == 199 ? "{}]" : "{},", 3);
    many[600] = '\0';
    char *file = leat_malloc(sizeof vectors + 2000);
    const char *at = strstr(vectors, "\"trees\":[");
    sprintf(file, "%.*s\"trees\":[%s}}}}", (int)(at - vectors), vectors, many);
    char *declared = mutate(file, "\"num_trees\":\"2\"", "\"num_trees\":\"200\"");
    assert_refused(leat_bytes_of(declared), "200 trees in a file of ");
    free(declared);
    free(file);
}

static void every_cut_of_a_ubjson_model_is_refused(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer file = {0};
    assert_int_equal(leat_file_read("tests/data/models/xgboost-3.4-texts-ubjson.ubj", 1 << 20, &file, &err), 0);
    struct leat_model *model = NULL;
    assert_int_equal(leat_model_load("m", leat_buffer_view(&file), NULL, &model, &err), 0);
    assert_string_equal(leat_model_info(model)->format, "xgboost-ubjson");
    leat_model_unref(model);
    for (size_t len = 0; len < file.len; len++)
        assert_refused((struct leat_bytes){file.data, len}, "");
    leat_buffer_done(&file);
}

static void levels_of_quantiles_name_the_outputs(void **state)
{
    (void)state;
    char *file = mutate(vectors, "\"reg:squarederror\"",
                        "\"reg:quantileerror\",\"quantile_loss_param\":{\"quantile_alpha\":\"[1E-1,9E-1]\"}");
    struct leat_model *model = load_with(file, NULL);
    assert_string_equal(leat_model_info(model)->output_names[0], "0.1");
    assert_string_equal(leat_model_info(model)->output_names[1], "0.9");
    leat_model_unref(model);
    const char *const unusable[] = {"[1E-1]", "[1E-1,2E-1,3E-1]", "[1E-1,x]", "", "["};
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        char *unnamed = mutate(file, "[1E-1,9E-1]", unusable[i]);
        model = load_with(unnamed, NULL);
        assert_null(leat_model_info(model)->output_names);
        leat_model_unref(model);
        free(unnamed);
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_category_in_the_set_goes_right_and_what_is_in_no_set_left),
        cmocka_unit_test(in_1_6_what_is_in_no_set_goes_where_a_missing_value_goes),
        cmocka_unit_test(texts_and_whole_numbers_become_the_codes_of_the_table),
        cmocka_unit_test(unsigned_numbers_of_ubjson_are_the_signed_ones_of_the_same_bits),
        cmocka_unit_test(broken_sets_are_refused_with_their_place),
        cmocka_unit_test(sets_that_would_take_far_more_memory_than_the_file_are_refused),
        cmocka_unit_test(broken_tables_of_categories_are_refused_with_their_feature),
        cmocka_unit_test(categories_that_are_not_ascii_are_refused_where_the_trainer_cut_them),
        cmocka_unit_test(leaves_of_several_values_add_to_each_sum),
        cmocka_unit_test(broken_leaves_of_several_values_are_refused),
        cmocka_unit_test(only_the_first_rounds_are_used_when_so_told),
        cmocka_unit_test(rounds_are_counted_in_trees_where_the_file_has_no_table),
        cmocka_unit_test(a_linear_model_has_no_rounds),
        cmocka_unit_test(trees_without_arrays_are_refused_before_there_is_memory_for_each),
        cmocka_unit_test(every_cut_of_a_ubjson_model_is_refused),
        cmocka_unit_test(levels_of_quantiles_name_the_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
