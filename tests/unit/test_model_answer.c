/* The numbers of a model's answer by name, and what is said when there is none of that name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/forest.h"
#include "model/kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A model without trees, which answers `base`. */
struct shape {
    enum leat_link link;
    size_t raw_count;
    double base[12];
    size_t class_count;
    const char *const *class_names;
    bool class_numbers;
    const char *const *output_names;
};

static const char *const flowers[] = {"setosa", "versicolor", "virginica"};
static const char *const sizes[] = {"10", "20", "30"};
static const char *const yes_no[] = {"no", "yes"};
static const char *const levels[] = {"0.1", "0.5", "0.9"};
static const char *const targets[] = {"speed", "height"};

static const struct shape binary = {LEAT_LINK_SIGMOID, 1, {2}, 2, NULL, false, NULL};
static const struct shape named_binary = {LEAT_LINK_SIGMOID, 1, {-2}, 2, yes_no, false, NULL};
static const struct shape margin_only = {LEAT_LINK_IDENTITY, 1, {2}, 2, NULL, false, NULL};
static const struct shape label_only = {LEAT_LINK_ARGMAX, 3, {1, 3, 2}, 3, sizes, true, NULL};
static const struct shape classes = {LEAT_LINK_SOFTMAX, 3, {1, 1, 5}, 3, NULL, false, NULL};
static const struct shape named_classes = {LEAT_LINK_SOFTMAX, 3, {1, 5, 1}, 3, flowers, false, NULL};
static const struct shape number_classes = {LEAT_LINK_SOFTMAX, 3, {1, 5, 1}, 3, sizes, true, NULL};
static const struct shape many_classes = {LEAT_LINK_SOFTMAX, 12, {0}, 12, NULL, false, NULL};
static const struct shape one_value = {LEAT_LINK_IDENTITY, 1, {7}, 0, NULL, false, NULL};
static const struct shape quantiles = {LEAT_LINK_IDENTITY, 3, {1, 2, 3}, 0, NULL, false, levels};
static const struct shape two_targets = {LEAT_LINK_IDENTITY, 2, {8, 9}, 0, NULL, false, targets};

static struct leat_model *make(const struct shape *shape)
{
    struct leat_forest forest = {
        .format = "made",
        .objective = "made",
        .arithmetic = LEAT_FLOAT64,
        .feature_count = 1,
        .raw_count = shape->raw_count,
        .link = shape->link,
        .scale = 1,
        .class_count = shape->class_count,
        .class_numbers = shape->class_numbers,
    };
    forest.base = leat_arena_zalloc(&forest.arena, shape->raw_count, sizeof *forest.base);
    memcpy(forest.base, shape->base, shape->raw_count * sizeof *forest.base);
    if (shape->class_names != NULL) {
        forest.class_names = leat_arena_zalloc(&forest.arena, shape->class_count, sizeof *forest.class_names);
        memcpy(forest.class_names, shape->class_names, shape->class_count * sizeof *forest.class_names);
    }
    if (shape->output_names != NULL) {
        forest.output_names = leat_arena_zalloc(&forest.arena, shape->raw_count, sizeof *forest.output_names);
        memcpy(forest.output_names, shape->output_names, shape->raw_count * sizeof *forest.output_names);
    }
    struct leat_model *model = NULL;
    struct leat_error err = {0};
    if (leat_forest_model_new(&forest, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static double answer(const struct shape *shape, const char *name)
{
    struct leat_model *model = make(shape);
    struct leat_error err = {0};
    struct leat_answer found = {0};
    const double row[1] = {0};
    double out[12];
    double raw[12];
    if (leat_model_answer_find(model, name, &found, &err) != 0)
        fail_msg("%s", err.text);
    leat_model_predict_plain(model, row, out, raw);
    double number = leat_model_answer(model, found, out, raw);
    leat_model_unref(model);
    return number;
}

static void assert_answer(const struct shape *shape, const char *name, double expected)
{
    double got = answer(shape, name);
    if (fabs(got - expected) > 1e-9)
        fail_msg("'%s' is %g, not %g", name == NULL ? "(default)" : name, got, expected);
}

static void assert_none(const struct shape *shape, const char *name, const char *says)
{
    struct leat_model *model = make(shape);
    struct leat_error err = {0};
    struct leat_answer found = {LEAT_ANSWER_TOP, 77};
    assert_int_equal(leat_model_answer_find(model, name, &found, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    assert_string_equal(err.text, says);
    assert_int_equal(found.index, 77); /* nothing is written on failure */
    leat_model_unref(model);
}

static void a_binary_classifier_answers_the_probability_of_its_second_class(void **state)
{
    (void)state;
    const char *const names[] = {NULL, "", "probability", "probability[1]"};
    for (size_t i = 0; i < 4; i++)
        assert_answer(&binary, names[i], 1 / (1 + exp(-2)));
    assert_answer(&named_binary, "probability[yes]", 1 / (1 + exp(2)));
    assert_answer(&binary, "margin", 2);
    assert_answer(&binary, "margin[0]", 2);
    assert_answer(&binary, "class", 1);
    assert_answer(&named_binary, "class", 0);
    assert_none(&binary, "probability[0]",
                "a binary model gives the probability of its second class only, not 'probability[0]'; it has "
                "probability, probability[1], class, margin");
    assert_none(&named_binary, "probability[no]",
                "a binary model gives the probability of its second class only, not 'probability[no]'; it has "
                "probability, probability[yes], class, margin");
    assert_none(&binary, "probability[2]",
                "the model has no class of 'probability[2]'; it has probability, probability[1], class, margin");
    assert_none(&binary, "value", "the model has no 'value'; it has probability, probability[1], class, margin");
}

static void a_classifier_of_several_classes_answers_the_label_s_probability(void **state)
{
    (void)state;
    double top = 1 / (1 + 2 * exp(-4));
    assert_answer(&classes, NULL, top);
    assert_answer(&classes, "probability", top);
    assert_answer(&classes, "probability[2]", top);
    assert_answer(&classes, "probability[0]", exp(-4) * top);
    assert_answer(&classes, "class", 2);
    assert_answer(&classes, "margin[2]", 5);
    assert_none(&classes, "margin",
                "there are several, or none, of 'margin'; it has probability, probability[0], probability[1], "
                "probability[2], class, margin[0], margin[1], margin[2]");
}

static void classes_are_named_in_brackets(void **state)
{
    (void)state;
    double top = 1 / (1 + 2 * exp(-4));
    assert_answer(&named_classes, "probability[versicolor]", top);
    assert_answer(&named_classes, "probability[1]", top);
    assert_answer(&named_classes, "margin[versicolor]", 5);
    assert_answer(&named_classes, "class", 1); /* its place: a text is no number */
    assert_none(&named_classes, "probability[rose]",
                "the model has no class of 'probability[rose]'; it has probability, probability[setosa], "
                "probability[versicolor], probability[virginica], class, margin[setosa], margin[versicolor], "
                "margin[virginica]");
}

static void classes_that_are_numbers_are_not_mistaken_for_places(void **state)
{
    (void)state;
    assert_answer(&number_classes, "class", 20);
    assert_answer(&number_classes, "probability[20]", 1 / (1 + 2 * exp(-4)));
    assert_answer(&number_classes, "margin[10]", 1);
    assert_none(&number_classes, "probability[1]",
                "the model has no class of 'probability[1]'; it has probability, probability[10], probability[20], "
                "probability[30], class, margin[10], margin[20], margin[30]");
}

static void a_classifier_without_probabilities_answers_the_class(void **state)
{
    (void)state;
    assert_answer(&label_only, NULL, 20);
    assert_answer(&label_only, "class", 20);
    assert_answer(&margin_only, NULL, 1);
    assert_answer(&margin_only, "margin", 2);
    assert_none(&margin_only, "probability",
                "the model gives no probability, so there is no 'probability'; it has class, margin");
    assert_none(&label_only, "value[0]",
                "the model has no 'value[0]'; it has class, margin[10], margin[20], margin[30]");
}

static void a_regression_answers_its_value(void **state)
{
    (void)state;
    const char *const names[] = {NULL, "value", "value[0]", "margin"};
    for (size_t i = 0; i < 4; i++)
        assert_answer(&one_value, names[i], 7);
    assert_none(&one_value, "class", "the model has no 'class'; it has value, margin");
    assert_none(&one_value, "value[1]", "the model has no 'value[1]'; it has value, margin");
    assert_none(&one_value, "value[0", "a bracket is not closed at the end of 'value[0'; it has value, margin");
    assert_none(&one_value, "value[", "a bracket is not closed at the end of 'value['; it has value, margin");
    assert_none(&one_value, "value[-1]", "the model has no 'value[-1]'; it has value, margin");
    assert_none(&one_value, "value[]", "the model has no 'value[]'; it has value, margin");
    assert_none(&one_value, "score", "the model has no 'score'; it has value, margin");
    assert_none(&one_value, "probability",
                "the model gives no probability, so there is no 'probability'; it has value, margin");
}

static void of_quantiles_the_middle_one_is_the_default(void **state)
{
    (void)state;
    assert_answer(&quantiles, NULL, 2);
    assert_answer(&quantiles, "value[0.9]", 3);
    assert_answer(&quantiles, "margin[0.1]", 1);
    const char *has = "it has value[0.1], value[0.5], value[0.9], margin[0.1], margin[0.5], margin[0.9]";
    char says[200];
    snprintf(says, sizeof says, "the model has no 'value[0]'; %s", has);
    assert_none(&quantiles, "value[0]", says);
    snprintf(says, sizeof says, "there are several, or none, of 'value'; %s", has);
    assert_none(&quantiles, "value", says);
}

static void of_several_targets_one_must_be_named(void **state)
{
    (void)state;
    assert_answer(&two_targets, "value[height]", 9);
    assert_answer(&two_targets, "value[0]", 8);
    assert_none(&two_targets, NULL,
                "the model has several outputs; one of them must be named, not ''; it has value[speed], value[height], "
                "margin[speed], margin[height]");
}

static void a_long_list_is_cut(void **state)
{
    (void)state;
    assert_answer(&many_classes, "probability[11]", 1.0 / 12);
    assert_none(&many_classes, "probability[12]",
                "the model has no class of 'probability[12]'; it has probability, probability[0], probability[1], "
                "probability[2], probability[3], probability[4], probability[5], probability[6], probability[7], … (12 "
                "in all), class, margin[0], margin[1], margin[2], margin[3], margin[4], margin[5], margin[6], "
                "margin[7], … (12 in all)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binary_classifier_answers_the_probability_of_its_second_class),
        cmocka_unit_test(a_classifier_of_several_classes_answers_the_label_s_probability),
        cmocka_unit_test(classes_are_named_in_brackets),
        cmocka_unit_test(classes_that_are_numbers_are_not_mistaken_for_places),
        cmocka_unit_test(a_classifier_without_probabilities_answers_the_class),
        cmocka_unit_test(a_regression_answers_its_value),
        cmocka_unit_test(of_quantiles_the_middle_one_is_the_default),
        cmocka_unit_test(of_several_targets_one_must_be_named),
        cmocka_unit_test(a_long_list_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
