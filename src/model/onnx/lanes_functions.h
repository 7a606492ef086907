/* exp and its kin for floats: the text of lanes.c's variants. BYTES is the size of a vector, TARGET the attribute of
 * functions that use it, NAME what makes a name the variant's own. No guard: it is included once a variant.
 *
 * All of them stand on exp(x) = 2^k (1 + q): k is the whole number next to x / log 2, and q is expm1 of what is left,
 * by a polynomial that is off by less than 2e-8 of it. */

typedef float NAME(floats) __attribute__((vector_size(BYTES)));
typedef int32_t NAME(ints) __attribute__((vector_size(BYTES)));
typedef uint32_t NAME(words) __attribute__((vector_size(BYTES)));

#define FLOATS NAME(floats)
#define INTS NAME(ints)
#define WORDS NAME(words)
#define LANES (BYTES / sizeof(float))

TARGET static inline FLOATS NAME(all)(float x)
{
    return (FLOATS){0} + x;
}

/* By lane, where the mask is set the one, else the other. */
TARGET static inline FLOATS NAME(choose)(INTS mask, FLOATS one, FLOATS other)
{
    return (FLOATS)((mask & (INTS)one) | (~mask & (INTS)other));
}

/* 2^k for -126 ≤ k ≤ 127. */
TARGET static inline FLOATS NAME(power)(INTS k)
{
    return (FLOATS)((WORDS)(k + 127) << 23);
}

/* |x| < 2^21. NaN gives NaN, and any k. */
TARGET static inline FLOATS NAME(reduce)(FLOATS x, INTS *ret_k)
{
    const float rounder = 0x1.8p23f; /* beyond it there are no fractions, and k is in the lowest bits */
    const FLOATS shifted = x * 0x1.715476p+0f + rounder;
    const FLOATS whole = shifted - rounder;
    *ret_k = (INTS)shifted - 0x4b400000;
    /* log 2 in two pieces: the first has 16 bits, so that its products are exact */
    const FLOATS r = (x - whole * 0x1.62e4p-1f) - whole * 0x1.7f7d1cp-20f;
    const FLOATS p = (((0x1.6da16ap-10f * r + 0x1.122e1cp-7f) * r + 0x1.55547ep-5f) * r + 0x1.5554a8p-3f) * r + 0.5f;
    return r + r * r * p;
}

/* Rises from 0 to infinity between -104 and 89; in two steps, of which only the second may round. */
TARGET static inline FLOATS NAME(exp)(FLOATS x)
{
    INTS k;
    x = NAME(choose)(x < -104.0f, NAME(all)(-104.0f), x);
    x = NAME(choose)(x > 89.0f, NAME(all)(89.0f), x);
    const FLOATS q = NAME(reduce)(x, &k);
    const INTS half = k >> 1;
    return (q + 1.0f) * NAME(power)(half) * NAME(power)(k - half);
}

TARGET static inline FLOATS NAME(absolute)(FLOATS x)
{
    return (FLOATS)((INTS)x & 0x7fffffff);
}

/* A polynomial up to where it is one half; beyond that what is missing to 1, which then is the smaller part. */
TARGET static inline FLOATS NAME(tanh)(FLOATS x)
{
    INTS k;
    const FLOATS size = NAME(absolute)(x), v = x * x;
    const FLOATS p = (((-0x1.9a2b54p-8f * v + 0x1.591428p-6f) * v - 0x1.b92438p-5f) * v + 0x1.110d1p-3f) * v -
                     0x1.55554ap-2f;
    const FLOATS y = NAME(choose)(size > 10.0f, NAME(all)(-20.0f), size * -2.0f);
    const FLOATS q = NAME(reduce)(y, &k), e = (q + 1.0f) * NAME(power)(k);
    const FLOATS large = 1.0f - (e + e) / (e + 1.0f);
    return (FLOATS)((INTS)NAME(choose)(size < 0.55f, size + size * v * p, large) | ((INTS)x & INT32_MIN));
}

TARGET static inline FLOATS NAME(sigmoid)(FLOATS x)
{
    const FLOATS e = NAME(exp)(-NAME(absolute)(x));
    return NAME(choose)(x < 0.0f, e, NAME(all)(1.0f)) / (e + 1.0f);
}

/* max(x, 0) + log1p(exp(-|x|)); log1p(e) = 2 atanh(u / 2), where u is 2 e / (2 + e). */
TARGET static inline FLOATS NAME(softplus)(FLOATS x)
{
    const FLOATS e = NAME(exp)(-NAME(absolute)(x));
    const FLOATS u = (e + e) / (e + 2.0f), v = u * u;
    const FLOATS p = ((0x1.1ef87p-11f * v + 0x1.1eb612p-9f) * v + 0x1.99d27cp-7f) * v + 0x1.5555p-4f;
    return (FLOATS)((INTS)x & (x > 0.0f)) + (u + u * v * p);
}

/* The last elements go the same way as the others. */
#define LOOP(FUNCTION)                                                              \
    TARGET static void NAME(FUNCTION##_loop)(size_t n, float *out, const float *in) \
    {                                                                               \
        FLOATS x;                                                                   \
        size_t i = 0;                                                               \
        for (; i + LANES <= n; i += LANES) {                                        \
            memcpy(&x, in + i, sizeof x);                                           \
            x = NAME(FUNCTION)(x);                                                  \
            memcpy(out + i, &x, sizeof x);                                          \
        }                                                                           \
        if (i == n)                                                                 \
            return;                                                                 \
        x = (FLOATS){0};                                                            \
        memcpy(&x, in + i, (n - i) * sizeof(float));                                \
        x = NAME(FUNCTION)(x);                                                      \
        memcpy(out + i, &x, (n - i) * sizeof(float));                               \
    }
LOOP(exp)
LOOP(tanh)
LOOP(sigmoid)
LOOP(softplus)

#undef LOOP
#undef LANES
#undef WORDS
#undef INTS
#undef FLOATS
