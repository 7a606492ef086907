/* Exact sums of numbers: what was added can be taken away again, in any order, and nothing is left behind.
 *
 * A DOUBLE is held as an integer count of steps of 2^-52 (rounded to the nearest step, ties to even, which is exact from
 * 1 upwards and for whatever has no finer part), an INT as itself. Sums have 128 bits and sums of squares 256; they
 * wrap, so that a sum is right whenever its true value fits, whatever came in between. Rounding to a double happens once, at the end. */
#ifndef LEAT_STATE_EXACT_H
#define LEAT_STATE_EXACT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

__extension__ typedef __int128 leat_int128;
__extension__ typedef unsigned __int128 leat_uint128;

#define LEAT_EXACT_SCALE (-52) /* the exponent of a DOUBLE's step; an INT's is 0 */
#define LEAT_EXACT_MAX 0x1p51  /* DOUBLEs within ± this can be held */

/* An unsigned number of 256 bits, the lowest first. All-zero is 0. */
struct leat_squares {
    uint64_t limb[4];
};

/* |d| ≤ LEAT_EXACT_MAX. In steps, by the bits: the plain twin, and the way for large numbers and other machines. */
static inline leat_int128 leat_exact_of_bits(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | (UINT64_C(1) << 52);
    int shift = (int)(bits >> 52 & 0x7ff) - (1075 + LEAT_EXACT_SCALE);
    leat_uint128 steps;
    if (shift >= 0) {
        steps = (leat_uint128)mantissa << shift;
    } else {
        /* Half a step less one, and one more if the result would be odd: rounds to even without a branch. From 54
         * places on nothing is left of it; zero and denormals are among those. */
        int down = shift < -63 ? 63 : -shift;
        uint64_t half = (UINT64_C(1) << (down - 1)) - 1;
        steps = (mantissa + half + (mantissa >> down & 1)) >> down;
    }
    leat_uint128 sign = (leat_uint128)0 - (leat_uint128)(bits >> 63);
    return (leat_int128)((steps ^ sign) - sign);
}

/* The same. The product is exact, and the conversion rounds to the nearest, ties to even. */
static inline leat_int128 leat_exact_of(double d)
{
#if defined(__SSE2__)
    double steps = d * 0x1p52;
    if (steps < 0x1p62 && steps > -0x1p62)
        return _mm_cvtsd_si64(_mm_set_sd(steps));
#endif
    return leat_exact_of_bits(d);
}

static inline leat_int128 leat_exact_add(leat_int128 a, leat_int128 b)
{
    return (leat_int128)((leat_uint128)a + (leat_uint128)b);
}

static inline leat_int128 leat_exact_sub(leat_int128 a, leat_int128 b)
{
    return (leat_int128)((leat_uint128)a - (leat_uint128)b);
}

/* Adds x² to the squares, or takes it away. */
void leat_squares_add(struct leat_squares *squares, leat_int128 x);
void leat_squares_sub(struct leat_squares *squares, leat_int128 x);
/* Adds or takes away another sum of squares. */
void leat_squares_join(struct leat_squares *squares, const struct leat_squares *other);
void leat_squares_part(struct leat_squares *squares, const struct leat_squares *other);

static inline double leat_exact_power(int exponent) /* of 2, within those of normal numbers */
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

double leat_exact_wide(leat_int128 sum, int scale);

/* The nearest double to sum × 2^scale; a sum of 0 is +0. */
static inline double leat_exact_double(leat_int128 sum, int scale)
{
    if (sum == (int64_t)sum)
        return (double)(int64_t)sum * leat_exact_power(scale);
    return leat_exact_wide(sum, scale);
}
/* The nearest double to sum × 2^scale / n; n > 0. */
double leat_exact_mean(leat_int128 sum, uint64_t n, int scale);
/* The nearest doubles to the sample variance and its root; n > 1. */
double leat_exact_variance(leat_int128 sum, const struct leat_squares *squares, uint64_t n, int scale);
double leat_exact_deviation(leat_int128 sum, const struct leat_squares *squares, uint64_t n, int scale);

#endif
