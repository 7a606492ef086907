#include "observe/metrics.h"

#include "base/time.h"
#include "function/bound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1372636800) * LEAT_SECOND)

static struct leat_source sources[] = {{.name = "input"}, {.name = "charge\"backs"}, {.name = "merchants"}};
static struct leat_function function = {.name = "card-fraud", .sources = sources, .source_count = 3};
static struct leat_version version_3 = {.name = "fraud", .number = 3, .references = 1};
static struct leat_version version_4 = {.name = "fraud", .number = 4, .references = 1};
static struct leat_bound bound_3 = {.version = &version_3, .references = 1};
static struct leat_bound bound_4 = {.version = &version_4, .references = 1};
static struct leat_metrics first, second;
static struct leat_buffer out;

static int setup(void **state)
{
    (void)state;
    leat_metrics_init(&first);
    leat_metrics_init(&second);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    leat_buffer_done(&out);
    return 0;
}

static const char *render(void)
{
    const struct leat_metrics *workers[] = {&first, &second};
    leat_buffer_reset(&out);
    leat_metrics_render(&function, workers, 2, NOW, &out);
    return leat_buffer_text(&out);
}

/* The text has exactly this line. */
static void assert_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return;
    print_error("no line: %s\n", line);
    fail();
}

static void counters_of_all_workers_are_summed(void **state)
{
    (void)state;
    leat_metrics_add(&first.events[LEAT_EVENT_FILTERED], 2);
    leat_metrics_add(&second.events[LEAT_EVENT_FILTERED], 3);
    leat_metrics_add(&second.source_records[1], 7);
    leat_metrics_add(&first.batches, 1);
    const char *text = render();
    assert_line(text, "leat_events_total{function=\"card-fraud\",result=\"filtered\"} 5");
    assert_line(text, "leat_events_total{function=\"card-fraud\",result=\"scored\"} 0");
    assert_line(text, "leat_source_records_total{function=\"card-fraud\",source=\"charge\\\"backs\"} 7");
    assert_line(text, "leat_batches_total{function=\"card-fraud\"} 1");
    assert_line(text, "leat_workers{function=\"card-fraud\"} 2");
    assert_line(text, "# TYPE leat_events_total counter");
}

static void a_result_is_counted_once_with_its_marks_and_with_every_version_that_scored_it(void **state)
{
    (void)state;
    struct leat_result result = {.bound = &bound_3, .role = "champion", .marks = LEAT_MARK_LATE | LEAT_MARK_PARTIAL};
    result.shadows[0] = (struct leat_shadow_score){&bound_4, 0.5};
    result.shadow_count = 1;
    leat_metrics_result(&first, &result);
    leat_metrics_result(&second, &result);
    result.withheld = true;
    result.shadow_count = 0;
    leat_metrics_result(&second, &result);
    result.reason.stage = LEAT_STAGE_MODEL;
    result.bound = NULL;
    result.marks = 0;
    leat_metrics_result(&second, &result);
    const char *text = render();
    assert_line(text, "leat_events_total{function=\"card-fraud\",result=\"scored\"} 2");
    assert_line(text, "leat_events_total{function=\"card-fraud\",result=\"withheld\"} 1");
    assert_line(text, "leat_events_total{function=\"card-fraud\",result=\"dead_letter\"} 1");
    assert_line(text, "leat_dead_letters_total{function=\"card-fraud\",stage=\"model\"} 1");
    assert_line(text, "leat_marks_total{function=\"card-fraud\",mark=\"late\"} 3");
    assert_line(text, "leat_scores_total{function=\"card-fraud\",model=\"fraud\",version=\"3\",role=\"champion\"} 3");
    assert_line(text, "leat_scores_total{function=\"card-fraud\",model=\"fraud\",version=\"4\",role=\"shadow\"} 2");
}

static void gauges_that_were_never_set_are_not_told_and_others_tell_the_worst(void **state)
{
    (void)state;
    const char *text = render();
    assert_null(strstr(text, "\nleat_source_age_seconds{"));
    assert_null(strstr(text, "\nleat_watermark_lag_seconds{"));
    leat_metrics_set(&first.source_age[1], 2 * LEAT_MINUTE);
    leat_metrics_set(&second.source_age[1], 1500 * LEAT_MILLISECOND);
    leat_metrics_set(&first.watermark, NOW - LEAT_SECOND);
    leat_metrics_set(&second.watermark, NOW - 250 * LEAT_MILLISECOND);
    leat_metrics_set(&second.model_trained_at, NOW - LEAT_DAY);
    leat_metrics_set(&first.state_keys, 4);
    leat_metrics_set(&second.state_keys, 5);
    text = render();
    assert_line(text, "leat_source_age_seconds{function=\"card-fraud\",source=\"charge\\\"backs\"} 120");
    assert_line(text, "leat_watermark_lag_seconds{function=\"card-fraud\"} 1");
    assert_line(text, "leat_model_age_seconds{function=\"card-fraud\"} 86400");
    assert_line(text, "leat_state_keys{function=\"card-fraud\"} 9");
}

static void a_histogram_has_cumulative_buckets_in_seconds_and_its_sum(void **state)
{
    (void)state;
    leat_histogram_add(&first.scoring, 1500, 3);
    leat_histogram_add(&second.scoring, 40000000, 1);
    const char *text = render();
    assert_line(text, "# TYPE leat_scoring_seconds histogram");
    assert_line(text, "leat_scoring_seconds_bucket{function=\"card-fraud\",le=\"1e-06\"} 0");
    assert_line(text, "leat_scoring_seconds_bucket{function=\"card-fraud\",le=\"2e-06\"} 3");
    assert_line(text, "leat_scoring_seconds_bucket{function=\"card-fraud\",le=\"0.025\"} 3");
    assert_line(text, "leat_scoring_seconds_bucket{function=\"card-fraud\",le=\"0.05\"} 4");
    assert_line(text, "leat_scoring_seconds_bucket{function=\"card-fraud\",le=\"+Inf\"} 4");
    assert_line(text, "leat_scoring_seconds_sum{function=\"card-fraud\"} 0.0400045");
    assert_line(text, "leat_scoring_seconds_count{function=\"card-fraud\"} 4");
}

static void versions_beyond_the_most_are_not_counted_singly(void **state)
{
    (void)state;
    for (uint32_t v = 1; v <= LEAT_METRICS_VERSIONS_MAX; v++)
        assert_non_null(leat_metrics_version(&first, "fraud", v, "shadow"));
    assert_null(leat_metrics_version(&first, "fraud", LEAT_METRICS_VERSIONS_MAX + 1, "shadow"));
    assert_non_null(leat_metrics_version(&first, "fraud", 1, "shadow"));
    assert_null(leat_metrics_version(&first, "fraud", 1, "champion"));
}

static void every_metric_has_a_name_in_base_units_and_a_help_text(void **state)
{
    (void)state;
    const struct leat_metrics_help *help;
    size_t count = 0;
    for (; (help = leat_metrics_row(count)); count++) {
        const char *end = help->name + strlen(help->name);
        assert_memory_equal(help->name, "leat_", 5);
        assert_true(strlen(help->help) > 10 && help->help[strlen(help->help) - 1] == '.');
        assert_int_equal(help->type == LEAT_METRIC_COUNTER, strcmp(end - 6, "_total") == 0);
        if (help->type == LEAT_METRIC_HISTOGRAM)
            assert_string_equal(end - 8, "_seconds");
    }
    assert_true(count > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counters_of_all_workers_are_summed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_result_is_counted_once_with_its_marks_and_with_every_version_that_scored_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(gauges_that_were_never_set_are_not_told_and_others_tell_the_worst, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_histogram_has_cumulative_buckets_in_seconds_and_its_sum, setup, teardown),
        cmocka_unit_test_setup_teardown(versions_beyond_the_most_are_not_counted_singly, setup, teardown),
        cmocka_unit_test(every_metric_has_a_name_in_base_units_and_a_help_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
