/* A model and a function together: features by name and type, categories as codes, numbers of the answer by name,
 * reasons. The model is that of tests/scenario/categories: XGBoost's, with two categories and three classes. */
#include "base/file.h"
#include "base/json.h"
#include "function/score.h"
#include "support/allocations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                                        \
    "function: f\n"                                                                                                 \
    "input: {topic: in, event_time: ts, schema: {land: string, spent: double, storey: int, flag: bool, x: double, " \
    "ts: timestamp_ms}}\n"
#define FEATURES "features: {country: land, amount: spent, floor: storey}\n"

static const char *const names[] = {"country", "amount", "floor"};
static const char *const classes[] = {"basic", "plus", "pro"};

static struct leat_model *load(const char *path, bool named)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct leat_model_options options = {.class_names = classes, .class_count = 3};
    struct leat_model *model = NULL;
    struct leat_error err = {0};
    if (leat_file_read(path, LEAT_MODEL_BYTES_MAX, &file, &err) < 0 ||
        leat_model_load(path, leat_buffer_view(&file), named ? &options : NULL, &model, &err) < 0)
        fail_msg("%s", err.text);
    return model;
}

static struct leat_version version_of(struct leat_model *model)
{
    return (struct leat_version){.name = "plan",
                                 .number = 3,
                                 .model = model,
                                 .feature_names = names,
                                 .feature_count = 3,
                                 .trained_at = INT64_MIN,
                                 .threshold = NAN,
                                 .references = 1};
}

static struct leat_function *function_of(const char *text)
{
    struct leat_function *function = NULL;
    struct leat_error err = {0};
    if (leat_function_parse("fn.yaml", leat_bytes_of(text), &function, &err) < 0)
        fail_msg("%s", err.text);
    return function;
}

/* -- binding -------------------------------------------------------------------------------------------------------- */

struct refusal {
    const char *text, *says;
};

static void refuses(struct leat_model *model, const struct refusal *cases, size_t count)
{
    struct leat_version version = version_of(model);
    for (size_t i = 0; i < count; i++) {
        struct leat_function *function = function_of(cases[i].text);
        struct leat_bound *bound = NULL;
        struct leat_error err = {0};
        assert_int_equal(leat_bound_new(function, &version, &bound, &err), -1);
        assert_int_equal(err.kind, LEAT_ERROR_FINDING);
        if (!strstr(err.text, cases[i].says))
            fail_msg("says '%s', which lacks '%s'", err.text, cases[i].says);
        leat_function_free(function);
    }
    assert_int_equal(version.references, 1);
    leat_model_unref(model);
}

#define REFUSES(model, ...) \
    refuses(model, (struct refusal[])__VA_ARGS__, sizeof(struct refusal[]) __VA_ARGS__ / sizeof(struct refusal))

static void a_feature_of_another_type_than_the_model_was_trained_on_is_refused_with_both(void **state)
{
    (void)state;
    REFUSES(load("tests/scenario/categories/models/plan/1/model.json", true),
            {{HEAD "features: {country: storey, amount: spent, floor: storey}\nmodel: {name: plan}\n",
              "feature 'country' is int in fn.yaml:3, and model plan/3"},
             {HEAD "features: {country: x, amount: spent, floor: storey}\nmodel: {name: plan}\n",
              "feature 'country' is double in fn.yaml:3, and model plan/3 was trained on a category by its text there "
              "(text); write cast(x as string)"},
             {HEAD "features: {country: land, amount: spent, floor: x * 2}\nmodel: {name: plan}\n",
              "feature 'floor' is double in fn.yaml:3, and model plan/3 was trained on a category by its whole number "
              "there (category number); write cast(x * 2 as int)"},
             {HEAD "features: {country: land, amount: spent, floor: land || ''}\nmodel: {name: plan}\n",
              "feature 'floor' is string"},
             {HEAD "features: {country: land, amount: spent, floor: flag}\nmodel: {name: plan, output: value}\n",
              "model.output: value of plan/3"},
             {HEAD "features: {country: land, floor: storey}\nmodel: {name: plan}\n",
              "needs feature 'amount', and fn.yaml does not make it\n  the model's 3: country, amount, floor\n  the "
              "function's 2: country, floor"}});
}

static void a_text_where_the_model_takes_a_number_is_refused(void **state)
{
    (void)state;
    struct leat_model *model = load("tests/data/models/lightgbm-4.6-binary.txt", false);
    const struct leat_model_info *info = leat_model_info(model);
    LEAT_CLEAN_BUFFER text = {0};
    leat_buffer_format(&text, HEAD "features:\n");
    for (size_t i = 0; i < info->feature_count; i++)
        leat_buffer_format(&text, "  %s: %s\n", info->feature_names[i], i == 1 ? "land" : "x");
    leat_buffer_append_text(&text, "model: {name: plan}\n");
    struct leat_function *function = function_of(leat_buffer_text(&text));
    struct leat_version version = version_of(model);
    version.feature_names = info->feature_names;
    version.feature_count = info->feature_count;
    struct leat_bound *bound = NULL;
    struct leat_error err = {0};
    assert_int_equal(leat_bound_new(function, &version, &bound, &err), -1);
    assert_non_null(strstr(err.text, "is string in fn.yaml:5, and model plan/3 was trained on a number there (number); "
                                     "make one of it: cast(land as double), case …, hash(land, n)"));
    leat_function_free(function);
    leat_model_unref(model);
}

static void a_number_that_the_version_does_not_give_is_refused_with_those_that_there_are(void **state)
{
    (void)state;
    REFUSES(load("tests/scenario/categories/models/plan/1/model.json", true),
            {{HEAD FEATURES "model: {name: plan, output: 'probability[gold]'}\n",
              "model.output: probability[gold] of plan/3: the model has no class of 'probability[gold]'; it has "
              "probability, probability[basic], probability[plus], probability[pro], class"},
             {HEAD FEATURES "model: {name: plan, output: 3}\n",
              "model.output: 3 of plan/3: the model gives 3 outputs a row, so there is no 3 (from 0)"},
             {HEAD FEATURES "model: {name: plan}\noutput: {topic: out, value: {a: \"outputs['value']\"}}\n",
              "outputs['value'] of plan/3: the model has no 'value'; it has probability"},
             {HEAD FEATURES "model: {name: plan}\noutput: {topic: out, value: {a: \"outputs[3]\"}}\n",
              "outputs['3'] of plan/3: the model gives 3 outputs"}});
}

static void a_class_of_a_model_that_gives_none_is_refused(void **state)
{
    (void)state;
    struct leat_model *model = load("tests/data/models/lightgbm-4.6-regression.txt", false);
    const struct leat_model_info *info = leat_model_info(model);
    LEAT_CLEAN_BUFFER text = {0};
    leat_buffer_format(&text, HEAD "model: {name: plan}\noutput: {topic: out, value: {a: class}}\nfeatures:\n");
    for (size_t i = 0; i < info->feature_count; i++)
        leat_buffer_format(&text, "  %s: x\n", info->feature_names[i]);
    struct leat_function *function = function_of(leat_buffer_text(&text));
    struct leat_version version = version_of(model);
    version.feature_names = info->feature_names;
    version.feature_count = info->feature_count;
    struct leat_bound *bound = NULL;
    struct leat_error err = {0};
    assert_int_equal(leat_bound_new(function, &version, &bound, &err), -1);
    assert_non_null(strstr(err.text, "an output field uses `class`, and plan/3 (regression) is no classifier"));
    leat_function_free(function);
    leat_model_unref(model);
}

/* -- scoring -------------------------------------------------------------------------------------------------------- */

struct play {
    struct leat_function *function;
    struct leat_state *partition, *shared;
    struct leat_event_decoder *decoder;
    struct leat_batch *batch;
    struct leat_version version;
    struct leat_lineup lineup;
    uint64_t events;
};

static void open_play(struct play *play, const char *text)
{
    struct leat_error err = {0};
    *play = (struct play){.function = function_of(text)};
    play->partition = leat_state_new(play->function, false);
    play->shared = leat_state_new(play->function, true);
    play->decoder = leat_event_decoder_new(play->function, 0);
    play->batch = leat_batch_new(play->function);
    play->version = version_of(load("tests/scenario/categories/models/plan/1/model.json", true));
    if (leat_bound_new(play->function, &play->version, &play->lineup.champion, &err) < 0)
        fail_msg("%s", err.text);
}

static void close_play(struct play *play)
{
    leat_bound_unref(play->lineup.champion);
    leat_model_unref(play->version.model);
    leat_batch_free(play->batch);
    leat_event_decoder_free(play->decoder);
    leat_state_free(play->partition);
    leat_state_free(play->shared);
    leat_function_free(play->function);
}

static void add_event(struct play *play, const char *members)
{
    char text[256];
    struct leat_event event;
    struct leat_reason reason;
    uint64_t n = play->events++;
    int len = snprintf(text, sizeof text, "{%s,\"ts\":%llu}", members, (unsigned long long)(1700000000000 + n));
    struct leat_record record = {
        .topic = "in", .offset = (int64_t)n, .timestamp = INT64_MIN, .value = {text, (size_t)len}};
    if (leat_event_decode(play->decoder, &record, &event, &reason) < 0)
        fail_msg("%s", reason.text);
    assert_int_equal(leat_batch_add(play->batch, play->partition, play->shared, &event, event.time, true), 0);
}

static void the_score_is_the_number_that_model_output_names(void **state)
{
    (void)state;
    static const struct {
        const char *output;
        double score; /* of NL, 80, 0: XGBoost gives 0.12665655, 0.14698312, 0.7263603 and the margin 1.1095718 */
    } cases[] = {{"probability", 0.7263603}, {"probability[basic]", 0.12665655}, {"'1'", 0.14698312},
                 {"0", 0.12665655},          {"'probability[2]'", 0.7263603},    {"class", 2},
                 {"margin[pro]", 1.1095718}, {"'probability[plus]'", 0.14698312}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1000];
        struct play play;
        snprintf(text, sizeof text, HEAD FEATURES "model:\n  name: plan\n  output: %s\n", cases[i].output);
        open_play(&play, text);
        add_event(&play, "\"land\":\"NL\",\"spent\":80,\"storey\":0");
        leat_batch_score(play.batch, &play.lineup);
        const struct leat_result *result = leat_batch_result(play.batch, 0);
        assert_int_equal(result->reason.stage, LEAT_STAGE_NONE);
        assert_true(fabs(result->score - cases[i].score) < 1e-6);
        close_play(&play);
    }
}

static void refused_categories_are_dead_letters_and_the_rest_of_the_batch_is_scored(void **state)
{
    (void)state;
    struct play play;
    open_play(&play, HEAD FEATURES "model: {name: plan}\n");
    add_event(&play, "\"land\":\"XX\",\"spent\":80,\"storey\":0");
    add_event(&play, "\"land\":\"NL\",\"spent\":80,\"storey\":0");
    add_event(&play, "\"land\":\"NL\",\"spent\":80,\"storey\":3");
    add_event(&play, "\"land\":null,\"spent\":null,\"storey\":null");
    play.lineup.shadows[0] = play.lineup.champion;
    play.lineup.shadow_count = 1;
    leat_batch_score(play.batch, &play.lineup);
    leat_batch_shadow(play.batch, &play.lineup);
    const struct leat_result *first = leat_batch_result(play.batch, 0), *third = leat_batch_result(play.batch, 2);
    assert_int_equal(first->reason.stage, LEAT_STAGE_MODEL);
    assert_string_equal(first->reason.text, "feature 'country': the category 'XX' was not seen in training of plan/3");
    assert_true(isnan(first->score));
    assert_string_equal(third->reason.text, "feature 'floor': the category '3' was not seen in training of plan/3");
    assert_true(fabs(leat_batch_result(play.batch, 1)->score - 0.7263603) < 1e-6);
    assert_true(fabs(leat_batch_result(play.batch, 1)->shadows[0].score - 0.7263603) < 1e-6);
    assert_true(fabs(leat_batch_result(play.batch, 3)->score - 0.6871211) < 1e-6);
    close_play(&play);
}

static void reasons_are_the_largest_contributions_of_the_margin_that_was_chosen(void **state)
{
    (void)state;
    struct play play;
    open_play(&play,
              HEAD FEATURES "model: {name: plan}\noutput: {topic: out, meta: none, value: {a: reasons, b: reasons(1), "
                            "c: class}}\n");
    add_event(&play, "\"land\":\"NL\",\"spent\":80,\"storey\":0");
    leat_batch_score(play.batch, &play.lineup);
    const struct leat_result *result = leat_batch_result(play.batch, 0);
    /* XGBoost's pred_contribs of class 2: 0.45201394, 0.571444, 0.160445 */
    static const double expected[] = {0.571444, 0.45201394, 0.160445};
    static const size_t features[] = {1, 0, 2};
    assert_int_equal(result->reason_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(result->reasons[i].feature, features[i]);
        assert_true(fabs(result->reasons[i].contribution - expected[i]) < 1e-5);
    }
    struct leat_json_document *json = NULL;
    assert_int_equal(leat_json_parse(result->output, LEAT_JSON_STRICT, &json, NULL), 0);
    const struct leat_json *root = leat_json_root(json);
    assert_int_equal(leat_json_get(root, "a")->count, 3);
    assert_int_equal(leat_json_get(root, "b")->count, 1);
    const struct leat_json *second = leat_json_at(leat_json_get(root, "a"), 1);
    assert_string_equal(leat_json_text(leat_json_get(second, "feature"), ""), "country");
    assert_string_equal(leat_json_text(leat_json_get(second, "value"), ""), "NL");
    assert_string_equal(leat_json_text(leat_json_get(root, "c"), ""), "pro");
    leat_json_free(json);
    close_play(&play);
}

static void categories_lists_and_reasons_allocate_nothing(void **state)
{
    (void)state;
    struct play play;
    static const char *const lands[] = {"NL", "DE", "FR"};
    open_play(&play, HEAD "features: {country: upper(land), amount: spent, floor: storey}\n"
                          "model: {name: plan}\n"
                          "output: {topic: out, value: {a: outputs, b: reasons, c: class, d: margin, e: "
                          "\"outputs['probability[pro]'] + outputs[0]\"}}\n");
    for (int round = 0; round < 600; round++) {
        if (round == 300) {
            count_allocations();
            allocations = 0;
        }
        for (int i = 0; i < 16; i++) {
            char members[100];
            snprintf(members, sizeof members, "\"land\":\"%s\",\"spent\":%d,\"storey\":%d",
                     i == 15 ? "XX" : lands[(round + i) % 3], (round * 7 + i) % 150, i % 2 ? 7 : -1);
            add_event(&play, members);
        }
        leat_batch_score(play.batch, &play.lineup);
        assert_int_equal(leat_batch_result(play.batch, 15)->reason.stage, LEAT_STAGE_MODEL);
        assert_true(leat_batch_result(play.batch, 14)->reason_count > 0);
        leat_batch_reset(play.batch);
    }
    assert_int_equal(allocations, 0);
    close_play(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feature_of_another_type_than_the_model_was_trained_on_is_refused_with_both),
        cmocka_unit_test(a_text_where_the_model_takes_a_number_is_refused),
        cmocka_unit_test(a_number_that_the_version_does_not_give_is_refused_with_those_that_there_are),
        cmocka_unit_test(a_class_of_a_model_that_gives_none_is_refused),
        cmocka_unit_test(the_score_is_the_number_that_model_output_names),
        cmocka_unit_test(refused_categories_are_dead_letters_and_the_rest_of_the_batch_is_scored),
        cmocka_unit_test(reasons_are_the_largest_contributions_of_the_margin_that_was_chosen),
        cmocka_unit_test(categories_lists_and_reasons_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
