#include "model/onnx/lanes.h"

#include <string.h>

#define VARIANT(LABEL, SUFFIX)                                                                           \
    {                                                                                                    \
        LABEL, multiply_float_##SUFFIX, multiply_double_##SUFFIX, exp_loop_##SUFFIX, tanh_loop_##SUFFIX, \
            sigmoid_loop_##SUFFIX, softplus_loop_##SUFFIX,                                               \
    }

/* ---- the baseline: 16 bytes ---- */

#define BYTES 16
#define TARGET
#define NAME(x) x##_baseline
#include "model/onnx/lanes_functions.h"
#undef NAME
#define T float
#define NAME(x) x##_float_baseline
#include "model/onnx/lanes_product.h"
#undef NAME
#undef T
#define T double
#define NAME(x) x##_double_baseline
#include "model/onnx/lanes_product.h"
#undef NAME
#undef T
#undef TARGET
#undef BYTES

static const struct leat_lanes baseline = VARIANT("baseline", baseline);

/* ---- AVX2: 32 bytes ---- */

#ifdef __x86_64__
#define BYTES 32
#define TARGET __attribute__((target("avx2")))
#define NAME(x) x##_avx2
#include "model/onnx/lanes_functions.h"
#undef NAME
#define T float
#define NAME(x) x##_float_avx2
#include "model/onnx/lanes_product.h"
#undef NAME
#undef T
#define T double
#define NAME(x) x##_double_avx2
#include "model/onnx/lanes_product.h"
#undef NAME
#undef T
#undef TARGET
#undef BYTES

static const struct leat_lanes avx2 = VARIANT("AVX2", avx2);
#endif

/* ---- which ---- */

const struct leat_lanes *leat_lanes_variant(size_t i)
{
    if (i == 0)
        return &baseline;
#ifdef __x86_64__
    if (i == 1 && __builtin_cpu_supports("avx2"))
        return &avx2;
#endif
    return NULL;
}

const struct leat_lanes *leat_lanes(void)
{
    const struct leat_lanes *best = &baseline;
    for (size_t i = 1; leat_lanes_variant(i) != NULL; i++)
        best = leat_lanes_variant(i);
    return best;
}
