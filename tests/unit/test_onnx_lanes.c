/* The loops of small networks: all variants give the same bits, products are plain sums in order, and functions are as
 * near to libm's in double as they say. */
#include "model/onnx/lanes.h"
#include "support/make_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- products ---- */

struct shape {
    struct leat_product product;
    bool turned; /* the left matrix lies column by column */
    bool more;
};

static struct shape make_shape(struct make_random *random)
{
    size_t m = 1 + make_below(random, make_below(random, 4) == 0 ? 150 : 20);
    size_t n = 1 + make_below(random, 90), k = make_below(random, 40);
    bool turned = make_below(random, 4) == 0;
    struct leat_product product = {m, n, k, turned ? 1 : (int64_t)k, turned ? (int64_t)m : 1};
    return (struct shape){product, turned, make_below(random, 2) == 0};
}

/* Numbers of all sizes, so that another order of adding gives another sum. */
static double number(struct make_random *random)
{
    return (make_unit(random) - 0.5) * exp2((double)make_below(random, 40) - 20);
}

/* The packed matrix starts at a whole panel. */
#define TWIN(T)                                                                                                   \
    static void expect_plain_##T(const struct shape *shape, struct make_random *random)                           \
    {                                                                                                             \
        const struct leat_product *p = &shape->product;                                                           \
        const size_t panel = LEAT_PANEL_BYTES / sizeof(T), panels = (p->n + panel - 1) / panel;                   \
        T *a = leat_calloc(p->m * p->k + 1, sizeof(T)), *b = leat_calloc(p->k * p->n + 1, sizeof(T));             \
        T *more = leat_calloc(p->n, sizeof(T)), *out = leat_calloc(p->m * p->n + 1, sizeof(T));                   \
        T *packed = aligned_alloc(LEAT_PANEL_BYTES, (panels * p->k + 1) * LEAT_PANEL_BYTES);                      \
        for (size_t i = 0; i < p->m * p->k; i++)                                                                  \
            a[i] = (T)number(random);                                                                             \
        for (size_t i = 0; i < p->k * p->n; i++)                                                                  \
            b[i] = (T)number(random);                                                                             \
        for (size_t i = 0; i < p->n; i++)                                                                         \
            more[i] = (T)number(random);                                                                          \
        memset(packed, 0, (panels * p->k + 1) * LEAT_PANEL_BYTES);                                                \
        for (size_t i = 0; i < p->k; i++)                                                                         \
            for (size_t j = 0; j < p->n; j++)                                                                     \
                packed[(j / panel * p->k + i) * panel + j % panel] = b[i * p->n + j];                             \
        const struct leat_lanes *lanes;                                                                           \
        for (size_t v = 0; (lanes = leat_lanes_variant(v)) != NULL; v++) {                                        \
            out[p->m * p->n] = 77;                                                                                \
            lanes->multiply_##T(p, a, packed, shape->more ? more : NULL, out);                                    \
            assert_true(out[p->m * p->n] == 77);                                                                  \
            for (size_t r = 0; r < p->m; r++)                                                                     \
                for (size_t j = 0; j < p->n; j++) {                                                               \
                    T sum = 0;                                                                                    \
                    for (size_t i = 0; i < p->k; i++)                                                             \
                        sum += a[(int64_t)r * p->row + (int64_t)i * p->step] * b[i * p->n + j];                   \
                    if (shape->more)                                                                              \
                        sum += more[j];                                                                           \
                    if (memcmp(&sum, &out[r * p->n + j], sizeof sum) != 0)                                        \
                        fail_msg("%s, %zu x %zu x %zu, row %zu, column %zu: %.17g, not %.17g", lanes->name, p->m, \
                                 p->k, p->n, r, j, (double)out[r * p->n + j], (double)sum);                       \
                }                                                                                                 \
        }                                                                                                         \
        free(packed);                                                                                             \
        free(out);                                                                                                \
        free(more);                                                                                               \
        free(b);                                                                                                  \
        free(a);                                                                                                  \
    }
TWIN(float)
TWIN(double)

static void products_of_any_shape_are_plain_sums_in_order(void **state)
{
    (void)state;
    struct make_random random = {7};
    for (int i = 0; i < 400; i++) {
        struct shape shape = make_shape(&random);
        expect_plain_float(&shape, &random);
        expect_plain_double(&shape, &random);
    }
}

/* ---- functions ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static const struct function {
    const char *name;
    size_t place; /* in struct leat_lanes */
    double (*truth)(double);
    double ulps; /* how far from it at most */
} functions[] = {
    {"exp", offsetof(struct leat_lanes, exponential), exp, 1.25},
    {"tanh", offsetof(struct leat_lanes, tangent_hyperbolic), tanh, 1.5},
    {"sigmoid", offsetof(struct leat_lanes, sigmoid), sigmoid, 2.5},
    {"softplus", offsetof(struct leat_lanes, softplus), softplus, 2.5},
};

static leat_function_loop *loop_of(const struct leat_lanes *lanes, const struct function *function)
{
    leat_function_loop *loop;
    memcpy(&loop, (const char *)lanes + function->place, sizeof loop);
    return loop;
}

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* How many of the floats around `truth` lie between it and x. */
static double ulps_off(float x, double truth)
{
    int exponent;
    if (isinf(x) || isinf((float)truth))
        return (double)x == truth || x == (float)truth ? 0 : INFINITY;
    frexp(truth, &exponent);
    return fabs((double)x - truth) / ldexp(1, exponent - 24 > -149 ? exponent - 24 : -149);
}

#define CHUNK 4096
/* Every 997th float: some 8000 of each exponent and sign. */
#define STEP 997u

static void functions_are_near_to_libm_for_floats_of_all_exponents(void **state)
{
    (void)state;
    static float in[CHUNK], out[CHUNK];
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        double worst = 0;
        float where = 0;
        for (uint64_t bits = 0; bits < UINT32_MAX;) {
            size_t n = 0;
            for (; n < CHUNK && bits < UINT32_MAX; bits += STEP)
                in[n++] = of_bits((uint32_t)bits);
            loop_of(leat_lanes(), &functions[f])(n, out, in);
            for (size_t i = 0; i < n; i++) {
                if (isnan(in[i]) != isnan(out[i]))
                    fail_msg("%s of %a is %a", functions[f].name, (double)in[i], (double)out[i]);
                double off = isnan(in[i]) ? 0 : ulps_off(out[i], functions[f].truth((double)in[i]));
                where = off > worst ? in[i] : where;
                worst = off > worst ? off : worst;
            }
        }
        if (getenv("LEAT_TEST_SHOW") != NULL)
            printf("%s: %.3f ulp at %a\n", functions[f].name, worst, (double)where);
        if (worst > functions[f].ulps)
            fail_msg("%s is %.3f ulp off at %a", functions[f].name, worst, (double)where);
    }
}

static void functions_have_libms_values_at_the_borders(void **state)
{
    (void)state;
    static const float edges[] = {0.0f, -0.0f, INFINITY, -INFINITY, 0x1p-149f, -0x1p-149f, 3.4e38f, -3.4e38f};
    enum { N = sizeof edges / sizeof edges[0] };
    static const float wanted[][N] = {
        {1, 1, INFINITY, 0, 1, 1, INFINITY, 0},
        {0.0f, -0.0f, 1, -1, 0x1p-149f, -0x1p-149f, 1, -1},
        {0.5f, 0.5f, 1, 0, 0.5f, 0.5f, 1, 0},
        {0x1.62e43p-1f, 0x1.62e43p-1f, INFINITY, 0, 0x1.62e43p-1f, 0x1.62e43p-1f, 3.4e38f, 0},
    };
    const struct leat_lanes *lanes;
    for (size_t v = 0; (lanes = leat_lanes_variant(v)) != NULL; v++)
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
            float out[N];
            loop_of(lanes, &functions[f])(N, out, edges);
            for (size_t i = 0; i < N; i++)
                if (memcmp(&out[i], &wanted[f][i], sizeof out[i]) != 0)
                    fail_msg("%s of %a is %a, not %a", functions[f].name, (double)edges[i], (double)out[i],
                             (double)wanted[f][i]);
        }
}

/* Lengths with and without a rest, and floats of all kinds. */
static void functions_give_the_same_bits_in_any_company_and_in_all_variants(void **state)
{
    (void)state;
    struct make_random random = {3};
    for (int round = 0; round < 4000; round++) {
        float in[40], alone[40], out[40];
        size_t n = 1 + make_below(&random, 39);
        const struct function *function = &functions[make_below(&random, sizeof functions / sizeof functions[0])];
        const struct leat_lanes *lanes;
        for (size_t i = 0; i < n; i++)
            in[i] = make_below(&random, 2) == 0 ? of_bits(make_below(&random, UINT32_MAX))
                                                : (float)((make_unit(&random) - 0.5) * 200);
        for (size_t i = 0; i < n; i++)
            loop_of(leat_lanes_variant(0), function)(1, alone + i, in + i);
        for (size_t v = 0; (lanes = leat_lanes_variant(v)) != NULL; v++) {
            loop_of(lanes, function)(n, out, in);
            for (size_t i = 0; i < n; i++)
                if (memcmp(&out[i], &alone[i], sizeof out[i]) != 0 && !(isnan(out[i]) && isnan(alone[i])))
                    fail_msg("%s, %s of %a is %a among %zu and %a alone", lanes->name, function->name, (double)in[i],
                             (double)out[i], n, (double)alone[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_any_shape_are_plain_sums_in_order),
        cmocka_unit_test(functions_are_near_to_libm_for_floats_of_all_exponents),
        cmocka_unit_test(functions_have_libms_values_at_the_borders),
        cmocka_unit_test(functions_give_the_same_bits_in_any_company_and_in_all_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
