#include "state/exact.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* With any exponent from -1022 to 54, at most 2^51 in size. */
static double random_double(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    int exponent = r % 4 == 0 ? -(int)(next_random(seed) % 1022) : (int)(next_random(seed) % 110) - 55;
    double d = ldexp(1.0 + (double)(next_random(seed) >> 12) * 0x1p-52, exponent);
    d = d > 0x1p51 ? 0x1p51 : d;
    return r % 8 < 4 ? d : -d;
}

static void a_double_becomes_the_nearest_number_of_steps(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 2000000; i++) {
        double d = random_double(&seed);
        /* The product and nearbyint are exact; beyond 2^62 it is an integer already. */
        long double steps = nearbyintl((long double)d * 0x1p52L);
        leat_int128 expected = (leat_int128)steps;
        assert_true(leat_exact_of(d) == expected);
        assert_true(leat_exact_of_bits(d) == expected);
    }
}

static void halves_of_a_step_round_to_even(void **state)
{
    (void)state;
    const struct {
        double steps;
        int64_t expected;
    } cases[] = {{0.5, 0},
                 {1.5, 2},
                 {2.5, 2},
                 {-0.5, 0},
                 {-1.5, -2},
                 {-2.5, -2},
                 {0.5000000001, 1},
                 {0.25, 0},
                 {0.75, 1},
                 {0.0, 0},
                 {-0.0, 0},
                 {3.49, 3},
                 {0x1p51 + 0.5, INT64_C(1) << 51},
                 {-0.51, -1},
                 {0x1p62, INT64_C(1) << 62}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(leat_exact_of(cases[i].steps * 0x1p-52) == cases[i].expected);
        assert_true(leat_exact_of_bits(cases[i].steps * 0x1p-52) == cases[i].expected);
    }
    const double nothing[] = {DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_MIN, -DBL_MIN, 0x1p-54, 1e-300};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        assert_true(leat_exact_of(nothing[i]) == 0);
    assert_true(leat_exact_of(0x1p51) == (leat_int128)1 << 103);
    assert_true(leat_exact_of(-0x1p51) == -((leat_int128)1 << 103));
}

/* A number of 128 bits of which some top bits are set. */
static leat_int128 random_wide(uint64_t *seed)
{
    leat_uint128 x = (leat_uint128)next_random(seed) << 64 | next_random(seed);
    x >>= 1 + next_random(seed) % 127;
    return next_random(seed) % 2 ? (leat_int128)x : -(leat_int128)x;
}

static void a_sum_becomes_the_nearest_double(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 2000000; i++) {
        leat_int128 x = random_wide(&seed);
        /* The compiler's own conversion is rounded to nearest, too. */
        assert_true(leat_exact_double(x, 0) == (double)x);
        assert_true(leat_exact_double(x, LEAT_EXACT_SCALE) == (double)x * 0x1p-52);
    }
    assert_false(signbit(leat_exact_double(0, LEAT_EXACT_SCALE)));
}

/* Whether d is nearest to x / n: no other double is nearer, and of two that are the even one. Decided in integers of 128
 * bits, so x and n must be small. */
static void assert_nearest_quotient(leat_int128 x, int64_t n, double d)
{
    leat_int128 best = -1;
    double best_candidate = 0;
    const double candidates[] = {nextafter(d, -INFINITY), d, nextafter(d, INFINITY)};
    for (size_t i = 0; i < 3; i++) {
        /* |x / n − c| in units of 2^-52 of the candidate: c is an integer m × 2^e. */
        int e;
        double m = frexp(candidates[i], &e);
        leat_int128 mantissa = (leat_int128)ldexp(m, 53);
        e -= 53;
        if (e > 0)
            return;
        leat_int128 distance = x * ((leat_int128)1 << -e) - mantissa * n;
        distance = distance < 0 ? -distance : distance;
        if (best < 0 || distance < best || (distance == best && mantissa % 2 == 0)) {
            best = distance;
            best_candidate = candidates[i];
        }
    }
    assert_true(best_candidate == d);
}

static void a_mean_is_rounded_once(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 500000; i++) {
        leat_int128 x = (leat_int128)(next_random(&seed) >> (20 + next_random(&seed) % 40)) + 1;
        int64_t n = (int64_t)(next_random(&seed) % 1000) + 1;
        x = next_random(&seed) % 2 ? x : -x;
        assert_nearest_quotient(x, n, leat_exact_mean(x, (uint64_t)n, 0));
    }
    /* Small enough to be divided as doubles; halves, thirds, and any scale. */
    for (int i = 0; i < 1000000; i++) {
        int64_t x = (int64_t)(next_random(&seed) >> 11) - (INT64_C(1) << 52);
        uint64_t n = (next_random(&seed) >> (11 + next_random(&seed) % 52)) + 1;
        assert_true(leat_exact_mean(x, n, 0) == (double)x / (double)n);
        assert_true(leat_exact_mean(x, n, LEAT_EXACT_SCALE) == (double)x / (double)n * 0x1p-52);
        leat_int128 wide = x * ((leat_int128)1 << 74);
        assert_true(leat_exact_mean(wide, n, 0) == (double)x / (double)n * 0x1p74);
    }
    leat_int128 least = (leat_int128)((leat_uint128)1 << 127);
    assert_true(leat_exact_mean(least, 1, 0) == -0x1p127);
    assert_true(leat_exact_mean(least, 3, 0) == -0x1p127 / 3);
    assert_true(leat_exact_mean(0, 3, 0) == 0);
}

static void squares_that_were_added_can_be_taken_away_in_any_order(void **state)
{
    (void)state;
    uint64_t seed = 4;
    leat_int128 numbers[500];
    struct leat_squares squares = {.limb = {0}}, half = squares;
    for (int i = 0; i < 500; i++) {
        numbers[i] = random_wide(&seed);
        leat_squares_add(&squares, numbers[i]);
        if (i == 249)
            half = squares;
    }
    leat_squares_part(&squares, &half);
    leat_squares_join(&squares, &half);
    for (int i = 249; i >= 0; i--)
        leat_squares_sub(&squares, numbers[i]);
    for (int i = 250; i < 500; i++)
        leat_squares_sub(&squares, -numbers[i]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(squares.limb[i], 0);
}

static void a_variance_is_that_of_the_integers(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 200000; i++) {
        struct leat_squares squares = {.limb = {0}};
        int64_t n = 2 + (int64_t)(next_random(&seed) % 50), sum = 0, sum_of_squares = 0;
        int64_t range = INT64_C(1) << next_random(&seed) % 20;
        for (int64_t j = 0; j < n; j++) {
            int64_t x = (int64_t)(next_random(&seed) % (uint64_t)range) - range / 2;
            leat_squares_add(&squares, x);
            sum += x;
            sum_of_squares += x * x;
        }
        /* Below 2^53 all of this is exact but the one division. */
        double spread = (double)(n * sum_of_squares - sum * sum), variance = spread / (double)(n * (n - 1));
        assert_true(leat_exact_variance(sum, &squares, (uint64_t)n, 0) == variance);
        assert_true(leat_exact_variance(sum, &squares, (uint64_t)n, LEAT_EXACT_SCALE) == variance * 0x1p-104);
        double deviation = leat_exact_deviation(sum, &squares, (uint64_t)n, 0);
        /* The root of the exact variance, not of the rounded one: they may differ in the last place. */
        long double exact = sqrtl((long double)spread / (long double)(n * (n - 1)));
        assert_true(fabsl(exact - deviation) <= 0.501L * (nextafter(deviation, INFINITY) - deviation));
        assert_true(leat_exact_deviation(sum, &squares, (uint64_t)n, LEAT_EXACT_SCALE) == deviation * 0x1p-52);
    }
}

static void a_variance_survives_a_large_mean(void **state)
{
    (void)state;
    struct leat_squares squares = {.limb = {0}};
    leat_int128 sum = 0, large = leat_exact_of(0x1p50);
    for (int i = 0; i < 1000; i++) {
        leat_int128 x = large + leat_exact_of(i % 2 ? 0.25 : -0.25);
        sum += x;
        leat_squares_add(&squares, x);
    }
    assert_true(leat_exact_variance(sum, &squares, 1000, LEAT_EXACT_SCALE) == 62.5 / 999);
    assert_true(leat_exact_deviation(sum, &squares, 1000, LEAT_EXACT_SCALE) == sqrt(62.5 / 999));
}

static void the_largest_sums_of_squares_do_not_overflow(void **state)
{
    (void)state;
    /* 2^24 − 1 values of ±2^51, half of each: Σx² is n × 2^206. */
    uint64_t n = (UINT64_C(1) << 24) - 1;
    leat_int128 largest = (leat_int128)1 << 103;
    struct leat_squares squares = {.limb = {0}}, one = squares;
    leat_squares_add(&one, largest);
    for (uint64_t bit = UINT64_C(1) << 23; bit > 0; bit >>= 1) {
        struct leat_squares twice = squares;
        leat_squares_join(&squares, &twice);
        if (n & bit)
            leat_squares_join(&squares, &one);
    }
    assert_true(leat_exact_variance(largest, &squares, n, LEAT_EXACT_SCALE) ==
                ((double)n * (double)n - 1.0) / ((double)n * (double)(n - 1)) * 0x1p102);
    /* All alike: no variance at all. */
    assert_true(leat_exact_variance((leat_int128)n * largest, &squares, n, LEAT_EXACT_SCALE) == 0);
    assert_true(leat_exact_deviation((leat_int128)n * largest, &squares, n, LEAT_EXACT_SCALE) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_double_becomes_the_nearest_number_of_steps),
        cmocka_unit_test(halves_of_a_step_round_to_even),
        cmocka_unit_test(a_sum_becomes_the_nearest_double),
        cmocka_unit_test(a_mean_is_rounded_once),
        cmocka_unit_test(squares_that_were_added_can_be_taken_away_in_any_order),
        cmocka_unit_test(a_variance_is_that_of_the_integers),
        cmocka_unit_test(a_variance_survives_a_large_mean),
        cmocka_unit_test(the_largest_sums_of_squares_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
