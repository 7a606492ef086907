#include "state/exact.h"

#include "base/error.h"

#include <math.h>

/* The nearest double to (m + something in (0, 1) if sticky) × 2^exponent, where m has its top bit set. */
static double round_once(uint64_t m, bool sticky, int exponent)
{
    uint64_t kept = m >> 11, rest = m & 0x7ff;
    if (rest > 0x400 || (rest == 0x400 && (sticky || (kept & 1))))
        kept++;
    return (double)kept * leat_exact_power(exponent + 11);
}

static leat_uint128 magnitude(leat_int128 x)
{
    return x < 0 ? (leat_uint128)0 - (leat_uint128)x : (leat_uint128)x;
}

static int leading_zeros(leat_uint128 x) /* x > 0 */
{
    uint64_t high = (uint64_t)(x >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)x);
}

double leat_exact_wide(leat_int128 sum, int scale)
{
    leat_uint128 x = magnitude(sum);
    int zeros = leading_zeros(x);
    x <<= zeros;
    double d = round_once((uint64_t)(x >> 64), (uint64_t)x != 0, 64 - zeros + scale);
    return sum < 0 ? -d : d;
}

/* x / divisor where the quotient is known to fit: true when something remains. */
static bool divide_once(leat_uint128 x, uint64_t divisor, uint64_t *ret)
{
#if defined(__x86_64__)
    uint64_t rest;
    __asm__("divq %4" : "=a"(*ret), "=d"(rest) : "a"((uint64_t)x), "d"((uint64_t)(x >> 64)), "r"(divisor) : "cc");
    return rest != 0;
#else
    *ret = (uint64_t)(x / divisor);
    return x % divisor != 0;
#endif
}

double leat_exact_mean(leat_int128 sum, uint64_t n, int scale)
{
    if (sum == 0 || n == 1)
        return leat_exact_double(sum, scale);
    /* Both are moved up so that the quotient has 63 or 64 bits: one division of the machine. */
    leat_uint128 x = magnitude(sum);
    int up = leading_zeros(x) - 1, divisor_up = __builtin_clzll(n);
    bool sticky = up < 0 && (x & 1);
    x = up < 0 ? x >> 1 : x << up;
    uint64_t quotient;
    sticky |= divide_once(x, n << divisor_up, &quotient);
    int zeros = __builtin_clzll(quotient);
    double d = round_once(quotient << zeros, sticky, scale - up + divisor_up - zeros);
    return sum < 0 ? -d : d;
}

/* x² as 256 bits. */
static struct leat_squares square_of(leat_int128 x)
{
    leat_uint128 m = magnitude(x);
    uint64_t low = (uint64_t)m, high = (uint64_t)(m >> 64);
    leat_uint128 a = (leat_uint128)low * low, b = (leat_uint128)low * high, c = (leat_uint128)high * high;
    struct leat_squares r;
    r.limb[0] = (uint64_t)a;
    leat_uint128 carry = (a >> 64) + ((b & UINT64_MAX) << 1);
    r.limb[1] = (uint64_t)carry;
    carry = (carry >> 64) + ((b >> 64) << 1) + (uint64_t)c;
    r.limb[2] = (uint64_t)carry;
    r.limb[3] = (uint64_t)(carry >> 64) + (uint64_t)(c >> 64);
    return r;
}

void leat_squares_join(struct leat_squares *squares, const struct leat_squares *other)
{
    leat_uint128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (leat_uint128)squares->limb[i] + other->limb[i];
        squares->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

void leat_squares_part(struct leat_squares *squares, const struct leat_squares *other)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        leat_uint128 d = (leat_uint128)squares->limb[i] - other->limb[i] - borrow;
        squares->limb[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
}

void leat_squares_add(struct leat_squares *squares, leat_int128 x)
{
    struct leat_squares square = square_of(x);
    leat_squares_join(squares, &square);
}

void leat_squares_sub(struct leat_squares *squares, leat_int128 x)
{
    struct leat_squares square = square_of(x);
    leat_squares_part(squares, &square);
}

#define LIMBS 5

/* n·Σx² − (Σx)², which is never negative. */
static void spread_of(uint64_t ret[LIMBS], leat_int128 sum, const struct leat_squares *squares, uint64_t n)
{
    struct leat_squares square = square_of(sum);
    leat_uint128 carry = 0;
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += i < 4 ? (leat_uint128)squares->limb[i] * n : 0;
        leat_uint128 d = (leat_uint128)(uint64_t)carry - (i < 4 ? square.limb[i] : 0) - borrow;
        ret[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
        carry >>= 64;
    }
    leat_assert(borrow == 0);
}

/* Moves the number up until its top bit is set; returns by how much, or -1 for 0. */
static int normalize(uint64_t limbs[LIMBS])
{
    int top = LIMBS - 1;
    while (top >= 0 && limbs[top] == 0)
        top--;
    if (top < 0)
        return -1;
    int words = LIMBS - 1 - top, bits = __builtin_clzll(limbs[top]);
    for (int i = LIMBS - 1; i >= 0; i--) {
        uint64_t high = i - words >= 0 ? limbs[i - words] : 0;
        uint64_t low = i - words - 1 >= 0 ? limbs[i - words - 1] : 0;
        limbs[i] = bits ? high << bits | low >> (64 - bits) : high;
    }
    return words * 64 + bits;
}

/* Divides in place; true when something remains. */
static bool divide(uint64_t limbs[LIMBS], uint64_t divisor)
{
    leat_uint128 rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        leat_uint128 x = rest << 64 | limbs[i];
        divide_once(x, divisor, &limbs[i]);
        rest = x - (leat_uint128)limbs[i] * divisor;
    }
    return rest != 0;
}

/* The sample variance as m × 2^*ret_exponent, where m has its top bit set (0: the variance is 0). Of the division by
 * n and n − 1 at least 128 bits remain; *ret_sticky tells of what is behind them. */
static leat_uint128 variance_of(leat_int128 sum, const struct leat_squares *squares, uint64_t n, int scale,
                                int *ret_exponent, bool *ret_sticky)
{
    uint64_t limbs[LIMBS];
    spread_of(limbs, sum, squares, n);
    int up = normalize(limbs);
    if (up < 0)
        return 0;
    bool sticky;
    if (n <= UINT32_MAX) {
        sticky = divide(limbs, n * (n - 1));
    } else {
        sticky = divide(limbs, n);
        sticky |= divide(limbs, n - 1);
    }
    int more = normalize(limbs);
    *ret_sticky = sticky || limbs[0] || limbs[1] || limbs[2];
    *ret_exponent = 2 * scale - up - more + 192;
    return (leat_uint128)limbs[4] << 64 | limbs[3];
}

double leat_exact_variance(leat_int128 sum, const struct leat_squares *squares, uint64_t n, int scale)
{
    int exponent = 0;
    bool sticky = false;
    leat_uint128 v = variance_of(sum, squares, n, scale, &exponent, &sticky);
    if (v == 0)
        return 0.0;
    return round_once((uint64_t)(v >> 64), sticky || (uint64_t)v != 0, exponent + 64);
}

/* floor(√x) for x ≥ 2^126: the root of the upper half is good to 50 bits, one step of Newton's makes it 64 but for the last. */
static uint64_t root_of(leat_uint128 x)
{
    double estimate = sqrt((double)(uint64_t)(x >> 64)) * 0x1p32;
    uint64_t root = estimate >= 0x1p64 ? UINT64_MAX : (uint64_t)estimate;
    leat_uint128 mean = ((leat_uint128)root + x / root) >> 1;
    root = mean > UINT64_MAX ? UINT64_MAX : (uint64_t)mean;
    while ((leat_uint128)root * root > x)
        root--;
    while (root < UINT64_MAX && (leat_uint128)(root + 1) * (root + 1) <= x)
        root++;
    return root;
}

double leat_exact_deviation(leat_int128 sum, const struct leat_squares *squares, uint64_t n, int scale)
{
    int exponent = 0;
    bool sticky = false;
    leat_uint128 v = variance_of(sum, squares, n, scale, &exponent, &sticky);
    if (v == 0)
        return 0.0;
    if (exponent & 1) {
        sticky |= (v & 1) != 0;
        v >>= 1;
        exponent++;
    }
    uint64_t root = root_of(v);
    sticky |= (leat_uint128)root * root != v;
    return round_once(root, sticky, exponent / 2);
}
