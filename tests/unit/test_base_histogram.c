#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_empty_histogram_has_quantile_zero(void **state)
{
    (void)state;
    struct leat_histogram histogram = {0};
    assert_int_equal(leat_histogram_quantile(&histogram, 0.5), 0);
    assert_int_equal(leat_histogram_below(&histogram, UINT64_MAX), 0);
}

static void every_edge_is_within_the_stated_error(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns < UINT64_C(1) << 38; ns += 1 + ns / 97) {
        struct leat_histogram histogram = {0};
        leat_histogram_add(&histogram, ns, 1);
        uint64_t edge = leat_histogram_quantile(&histogram, 0.5);
        assert_true(edge >= ns);
        assert_true((double)(edge - ns) <= 0.032 * (double)ns);
    }
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < 64; ns++) {
        struct leat_histogram histogram = {0};
        leat_histogram_add(&histogram, ns, 1);
        assert_int_equal(leat_histogram_quantile(&histogram, 1), ns);
        assert_int_equal(leat_histogram_below(&histogram, ns), 1);
        if (ns > 0)
            assert_int_equal(leat_histogram_below(&histogram, ns - 1), 0);
    }
}

static void values_beyond_the_range_fall_into_the_last_bucket(void **state)
{
    (void)state;
    struct leat_histogram histogram = {0};
    leat_histogram_add(&histogram, UINT64_MAX, 1);
    leat_histogram_add(&histogram, (UINT64_C(1) << 38) - 1, 1);
    assert_int_equal(histogram.buckets[LEAT_HISTOGRAM_BUCKETS - 1], 2);
    assert_true(leat_histogram_quantile(&histogram, 1) == (UINT64_C(1) << 38) - 1);
    assert_int_equal(leat_histogram_below(&histogram, UINT64_MAX), 2);
}

static void quantiles_of_a_uniform_load_are_near(void **state)
{
    (void)state;
    struct leat_histogram histogram = {0};
    for (uint64_t i = 1; i <= 100000; i++)
        leat_histogram_add(&histogram, i * 100, 1);
    assert_int_equal(histogram.count, 100000);
    const double quantiles[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < 5; i++) {
        double found = (double)leat_histogram_quantile(&histogram, quantiles[i]);
        double exact = quantiles[i] * 1e7;
        assert_true(found >= exact && found <= exact * 1.032);
    }
    assert_true(leat_histogram_quantile(&histogram, 0) == 101); /* of the bucket that holds 100 */
    assert_true(leat_histogram_quantile(&histogram, 1) >= 10000000);
}

static void one_add_may_count_many_times(void **state)
{
    (void)state;
    struct leat_histogram histogram = {0};
    leat_histogram_add(&histogram, 1000, 99);
    leat_histogram_add(&histogram, 5000, 1);
    assert_int_equal(histogram.count, 100);
    assert_int_equal(histogram.sum_ns, 104000);
    assert_int_equal(leat_histogram_below(&histogram, 1000), 99);
    assert_true(leat_histogram_quantile(&histogram, 0.99) < 1032);
    assert_true(leat_histogram_quantile(&histogram, 0.991) >= 5000);
}

static void merging_adds_everything(void **state)
{
    (void)state;
    struct leat_histogram a = {0}, b = {0};
    leat_histogram_add(&a, 10, 2);
    leat_histogram_add(&b, 10, 3);
    leat_histogram_add(&b, 1000000, 5);
    leat_histogram_merge(&a, &b);
    assert_int_equal(a.count, 10);
    assert_int_equal(a.sum_ns, 5000050);
    assert_int_equal(leat_histogram_below(&a, 10), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_has_quantile_zero),
        cmocka_unit_test(every_edge_is_within_the_stated_error),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(values_beyond_the_range_fall_into_the_last_bucket),
        cmocka_unit_test(quantiles_of_a_uniform_load_are_near),
        cmocka_unit_test(one_add_may_count_many_times),
        cmocka_unit_test(merging_adds_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
