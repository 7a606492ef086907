/* Expected numbers are scikit-learn's: tests/data/quality/oracle.py draws the same events and the same resamples. */
#include "observe/quality.h"

#include "base/time.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define T0 (INT64_C(1372636800) * LEAT_SECOND)
#define MOST 100000

static int64_t times[MOST];
static double labels[MOST], first[MOST], second[MOST];

static uint64_t splitmix(uint64_t *seed)
{
    *seed += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double draw(uint64_t *seed)
{
    return (double)(splitmix(seed) >> 11) * 0x1p-53;
}

static struct leat_quality_data events(size_t count, int64_t span, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        double u = draw(&seed), truth = draw(&seed), label = draw(&seed), noise = draw(&seed);
        times[i] = T0 + (int64_t)(u * u * (double)span);
        labels[i] = label < truth;
        first[i] = (1 + (int)(truth * 98)) / 100.0;
        second[i] = (1 + (int)((0.6 * truth + 0.4 * noise) * 98)) / 100.0;
    }
    return (struct leat_quality_data){times, labels, first, second, count};
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-12)) {
        print_error("%.17g, expected %.17g\n", value, expected);
        fail();
    }
}

static void assert_estimates(const struct leat_estimate *got, const double expected[LEAT_QUALITY_METRICS][3])
{
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++) {
        assert_near(got[m].value, expected[m][0]);
        assert_near(got[m].low, expected[m][1]);
        assert_near(got[m].high, expected[m][2]);
    }
}

static void metrics_and_their_intervals_by_days_are_those_of_scikit_learn(void **state)
{
    (void)state;
    static const double alone[LEAT_QUALITY_METRICS][3] = {
        {0.524323776010957, 0.470555958049253, 0.575740126685139},
        {0.810931093109311, 0.769180550014194, 0.854728449765801},
        {0.17799025, 0.155832824326882, 0.19809824820267},
        {0.958333333333333, 0.857142857142857, 1},
    };
    static const double paired[LEAT_QUALITY_METRICS][3] = {
        {0.0657660531630231, 0.0269809990959156, 0.0980365792930365},
        {-0.0587808780878089, -0.0872184879834691, -0.0206100577933772},
        {0.02496475, 0.00912281779420929, 0.0376707088622363},
        {-0.183333333333333, -0.282645750988142, -0.0666369047619048},
    };
    struct leat_quality_data data = events(400, 20 * LEAT_DAY, 1);
    struct leat_quality quality;
    struct leat_quality_difference difference;
    leat_quality_measure(&data, 7, &quality);
    assert_estimates(quality.metrics, alone);
    assert_int_equal(quality.count, 400);
    assert_int_equal(quality.positives, 202);
    assert_near(quality.label_rate, 0.505);
    assert_near(quality.mean_score, 0.492025);
    assert_int_equal(quality.blocks, LEAT_BLOCKS_DAYS);
    assert_int_equal(quality.block_count, 20);
    leat_quality_compare(&data, 7, &difference);
    assert_estimates(difference.metrics, paired);
    assert_int_equal(difference.verdict, LEAT_WORSE);
    assert_int_equal(difference.verdicts[LEAT_QUALITY_AUC], LEAT_WORSE);
}

static void with_few_days_hours_are_resampled_and_with_few_hours_events(void **state)
{
    (void)state;
    static const double by_hours[LEAT_QUALITY_METRICS][3] = {
        {0.100924098095705, 0.0634258645302432, 0.131052369724454},
        {-0.0681009957325747, -0.116645504115671, -0.0243096666418264},
        {0.0397546666666667, 0.0235705765577508, 0.052958134677944},
        {-0.0666666666666667, -0.277884615384615, 0},
    };
    static const double by_events[LEAT_QUALITY_METRICS][3] = {
        {0.152678160975103, 0.0918205570936754, 0.210152815774817},
        {-0.148148148148148, -0.239141757246377, -0.0678902116402117},
        {0.0619366666666667, 0.0352065000000001, 0.0870850416666667},
        {0, -0.333333333333333, 0},
    };
    struct leat_quality_difference difference;
    struct leat_quality_data data = events(150, 30 * LEAT_HOUR, 2);
    leat_quality_compare(&data, 7, &difference);
    assert_int_equal(difference.blocks, LEAT_BLOCKS_HOURS);
    assert_int_equal(difference.block_count, 30);
    assert_estimates(difference.metrics, by_hours);
    assert_int_equal(difference.verdicts[LEAT_QUALITY_PRECISION], LEAT_UNDECIDED);
    data = events(60, 2 * LEAT_HOUR, 3);
    leat_quality_compare(&data, 7, &difference);
    assert_int_equal(difference.blocks, LEAT_BLOCKS_EVENTS);
    assert_estimates(difference.metrics, by_events);
}

static void the_better_of_two_is_better_and_two_that_are_the_same_are_undecided(void **state)
{
    (void)state;
    struct leat_quality_difference difference;
    struct leat_quality_data data = events(400, 20 * LEAT_DAY, 1);
    data.scores = second;
    data.others = first;
    leat_quality_compare(&data, 7, &difference);
    assert_int_equal(difference.verdict, LEAT_BETTER);
    data.others = second;
    leat_quality_compare(&data, 7, &difference);
    assert_int_equal(difference.verdict, LEAT_UNDECIDED);
    assert_near(difference.metrics[LEAT_QUALITY_LOG_LOSS].low, 0);
    assert_string_equal(leat_verdict_name(LEAT_UNDECIDED), "undecided");
}

static void fewer_than_thirty_labelled_events_decide_nothing(void **state)
{
    (void)state;
    struct leat_quality_difference difference;
    for (size_t i = 0; i < 30; i++) {
        times[i] = T0 + (int64_t)i * LEAT_DAY;
        labels[i] = 1;
        first[i] = 0.9;
        second[i] = 0.1;
    }
    struct leat_quality_data data = {times, labels, first, second, 29};
    leat_quality_compare(&data, 7, &difference);
    assert_int_equal(difference.verdict, LEAT_UNDECIDED);
    assert_true(difference.metrics[LEAT_QUALITY_LOG_LOSS].low > 0);
    data.count = 30;
    leat_quality_compare(&data, 7, &difference);
    assert_int_equal(difference.verdict, LEAT_WORSE);
}

static void scores_of_nought_and_one_that_are_wrong_cost_a_clamped_log_loss(void **state)
{
    (void)state;
    struct leat_quality quality;
    for (size_t i = 0; i < 2; i++) {
        times[i] = T0;
        labels[i] = (double)i;
        first[i] = 1 - (double)i;
    }
    leat_quality_measure(&(struct leat_quality_data){times, labels, first, NULL, 2}, 7, &quality);
    assert_true(fabs(quality.metrics[LEAT_QUALITY_LOG_LOSS].value - 34.538776394910684) < 0.05);
    assert_near(quality.metrics[LEAT_QUALITY_AUC].value, 0);
    assert_near(quality.metrics[LEAT_QUALITY_BRIER].value, 1);
}

static void what_is_not_defined_is_nan_and_decides_nothing(void **state)
{
    (void)state;
    struct leat_quality quality;
    struct leat_quality_difference difference;
    leat_quality_measure(&(struct leat_quality_data){times, labels, first, second, 0}, 7, &quality);
    assert_true(isnan(quality.label_rate) && isnan(quality.mean_score));
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++)
        assert_true(isnan(quality.metrics[m].value) && isnan(quality.metrics[m].low));
    leat_quality_compare(&(struct leat_quality_data){times, labels, first, second, 0}, 7, &difference);
    assert_int_equal(difference.verdict, LEAT_UNDECIDED);
    struct leat_quality_data data = events(100, 20 * LEAT_DAY, 4);
    for (size_t i = 0; i < 100; i++)
        labels[i] = 0; /* one class only */
    leat_quality_measure(&data, 7, &quality);
    assert_true(isnan(quality.metrics[LEAT_QUALITY_AUC].value) && isnan(quality.metrics[LEAT_QUALITY_AUC].high));
    assert_false(isnan(quality.metrics[LEAT_QUALITY_LOG_LOSS].high));
}

static void labels_that_are_not_nought_and_one_are_judged_by_the_squared_difference(void **state)
{
    (void)state;
    struct leat_quality_data data = events(200, 20 * LEAT_DAY, 5);
    struct leat_quality_difference difference;
    for (size_t i = 0; i < data.count; i++) {
        labels[i] = first[i] * 100;
        second[i] = first[i] * 100 + 3;
    }
    leat_quality_compare(&data, 7, &difference);
    assert_true(isnan(difference.metrics[LEAT_QUALITY_LOG_LOSS].value));
    assert_true(isnan(difference.metrics[LEAT_QUALITY_AUC].value));
    assert_int_equal(difference.verdict, LEAT_BETTER);
}

static void the_same_seed_gives_the_same_interval_and_another_one_another(void **state)
{
    (void)state;
    struct leat_quality_data data = events(400, 20 * LEAT_DAY, 1);
    struct leat_quality quality, again;
    leat_quality_measure(&data, 7, &quality);
    leat_quality_measure(&data, 7, &again);
    assert_memory_equal(&quality, &again, sizeof quality);
    leat_quality_measure(&data, 8, &again);
    assert_true(again.metrics[LEAT_QUALITY_AUC].value == quality.metrics[LEAT_QUALITY_AUC].value);
    assert_true(again.metrics[LEAT_QUALITY_AUC].low != quality.metrics[LEAT_QUALITY_AUC].low);
}

static void a_comparison_of_a_hundred_thousand_events_takes_seconds_and_not_minutes(void **state)
{
    (void)state;
    struct leat_quality_data data = events(100000, 90 * LEAT_DAY, 6);
    struct leat_quality_difference difference;
    clock_t start = clock();
    leat_quality_compare(&data, 7, &difference);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("compared 100,000 events in %.2f s\n", seconds);
    assert_true(seconds < 20); /* with sanitizers on; a tenth without */
    assert_int_equal(difference.verdict, LEAT_WORSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_and_their_intervals_by_days_are_those_of_scikit_learn),
        cmocka_unit_test(with_few_days_hours_are_resampled_and_with_few_hours_events),
        cmocka_unit_test(the_better_of_two_is_better_and_two_that_are_the_same_are_undecided),
        cmocka_unit_test(fewer_than_thirty_labelled_events_decide_nothing),
        cmocka_unit_test(scores_of_nought_and_one_that_are_wrong_cost_a_clamped_log_loss),
        cmocka_unit_test(what_is_not_defined_is_nan_and_decides_nothing),
        cmocka_unit_test(labels_that_are_not_nought_and_one_are_judged_by_the_squared_difference),
        cmocka_unit_test(the_same_seed_gives_the_same_interval_and_another_one_another),
        cmocka_unit_test(a_comparison_of_a_hundred_thousand_events_takes_seconds_and_not_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
