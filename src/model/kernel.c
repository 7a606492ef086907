/* Kernels at work: laying rows out, and the loops of kernel_step.h. */
#include "model/kernel.h"

#include <math.h>
#include <string.h>

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

/* ---- laying out ---- */

static inline void put(int32_t *ret, const struct leat_column *column, int32_t value, int32_t negated)
{
    ret[(size_t)column->place * LEAT_LANES] = value;
    ret[(size_t)column->negated * LEAT_LANES] = negated;
}

static void lay_out_floats(const struct leat_kernel *kernel, const double *row, int32_t *ret)
{
    ret[0] = INT32_MIN;
    for (size_t c = 0; c < kernel->kind_first[LEAT_COLUMN_NO_NAN]; c++) {
        int32_t value = leat_order32((float)row[kernel->columns[c].feature]);
        put(ret, &kernel->columns[c], value, ~value ^ -(value == INT32_MAX)); /* without a branch */
    }
}

/* What a split sees of a feature. */
static inline double seen(const struct leat_forest *forest, double x)
{
    double value = forest->arithmetic == LEAT_FLOAT64 ? x : (double)(float)x;
    return forest->tiny_is_zero && fabs(value) <= LEAT_TINY ? 0 : value;
}

/* Eight features at once, whose thresholds lie side by side; as in a kernel's step, without branches. */
static inline void find_eight(const struct leat_search *search, const uint64_t *x, uint32_t *ret)
{
    const uint64_t *thresholds = search->thresholds;
    size_t at[LEAT_LANES] = {0};
    for (size_t half = (size_t)LEAT_LANES << search->steps >> 1; half >= LEAT_LANES; half >>= 1) {
        UNROLLED
        for (size_t lane = 0; lane < LEAT_LANES; lane++) {
            size_t below = thresholds[at[lane] + half - LEAT_LANES + lane] < x[lane];
            at[lane] += half & (0 - below);
        }
    }
    UNROLLED
    for (size_t lane = 0; lane < LEAT_LANES; lane++)
        ret[lane] = (uint32_t)(at[lane] / LEAT_LANES);
}

/* The rank in each search, one after the other. */
static void find_ranks(const struct leat_kernel *kernel, const double *row, uint32_t *ret)
{
    bool wide = kernel->forest->arithmetic == LEAT_FLOAT64;
    double tiny = kernel->forest->tiny_is_zero ? LEAT_TINY : 0;
    for (size_t s = 0; s < kernel->search_count; s += LEAT_LANES) {
        const struct leat_search *search = &kernel->searches[s];
        uint64_t x[LEAT_LANES];
        for (int lane = 0; lane < LEAT_LANES; lane++) {
            double given = row[search[lane].feature];
            double value = wide ? given : (double)(float)given;
            x[lane] = leat_order64(value);
            x[lane] = fabs(value) <= tiny ? (uint64_t)1 << 63 : x[lane];
        }
        find_eight(search, x, ret + s);
    }
}

/* The columns of one kind, which is a constant wherever this is inlined. Without branches: which values are missing
 * is hard to foretell. */
static inline void put_ranks(const struct leat_kernel *kernel, const double *row, const uint32_t *ranks, uint32_t kind,
                             int32_t *ret)
{
    for (size_t c = kernel->kind_first[kind]; c < kernel->kind_first[kind + 1]; c++) {
        const struct leat_column *column = &kernel->columns[c];
        const struct leat_search *search = &kernel->searches[column->search];
        double x = row[column->feature];
        uint32_t count = search->count;
        uint32_t rank = ranks[column->search];
        bool missing = x != x;
        if (kind == LEAT_COLUMN_NO_NAN) {
            rank = missing ? search->zero : rank;
            missing = false;
        }
        if (kind == LEAT_COLUMN_NO_ZERO)
            missing |= seen(kernel->forest, x) == 0;
        put(ret, column, (int32_t)(missing ? count : rank), (int32_t)(missing ? count : count - rank));
    }
}

/* As the trainers do it: see forest.c. */
static void put_categories(const struct leat_kernel *kernel, const double *row, int32_t *ret)
{
    bool wide = kernel->forest->arithmetic == LEAT_FLOAT64;
    for (size_t c = kernel->kind_first[LEAT_COLUMN_CATEGORY]; c < kernel->kind_first[LEAT_COLUMN_KINDS]; c++) {
        const struct leat_column *column = &kernel->columns[c];
        double x = seen(kernel->forest, row[column->feature]);
        bool valid = wide ? x > -1.0 : x >= 0;
        uint32_t category = valid && x < (double)column->categories ? (uint32_t)(int32_t)x : column->categories;
        ret[(size_t)column->place * LEAT_LANES] = (int32_t)(x != x ? column->categories + 1 : category);
    }
}

/* Behind the tile lies room for the ranks of one row. */
static void lay_out_ranks(const struct leat_kernel *kernel, const double *row, int32_t *ret, uint32_t *ranks)
{
    find_ranks(kernel, row, ranks);
    ret[0] = 0;
    put_ranks(kernel, row, ranks, LEAT_COLUMN_VALUE, ret);
    put_ranks(kernel, row, ranks, LEAT_COLUMN_NO_NAN, ret);
    put_ranks(kernel, row, ranks, LEAT_COLUMN_NO_ZERO, ret);
    put_categories(kernel, row, ret);
}

/* ---- the loops ---- */

typedef int32_t four __attribute__((vector_size(16), aligned(4), may_alias));

static inline float bits32(int32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define KERNEL(name) name##_float
#define KERNEL_SMALL
#define KERNEL_FLOATS
#include "model/kernel_step.h"

#define KERNEL(name) name##_rank32
#define KERNEL_SMALL
#include "model/kernel_step.h"

#define KERNEL(name) name##_rank64
#define KERNEL_SMALL
#define KERNEL_SUM64
#include "model/kernel_step.h"

#define KERNEL(name) name##_category32
#define KERNEL_SMALL
#define KERNEL_CATEGORIES
#include "model/kernel_step.h"

#define KERNEL(name) name##_category64
#define KERNEL_SMALL
#define KERNEL_SUM64
#define KERNEL_CATEGORIES
#include "model/kernel_step.h"

#define KERNEL(name) name##_large32
#define KERNEL_CATEGORIES
#include "model/kernel_step.h"

#define KERNEL(name) name##_large64
#define KERNEL_SUM64
#define KERNEL_CATEGORIES
#include "model/kernel_step.h"

typedef void run32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, float *ret_raw,
                   void *scratch);
typedef void run64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, double *ret_raw,
                   void *scratch);

static void walk32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, float *ret_raw,
                   void *scratch)
{
    (void)scratch;
    for (size_t row = 0; row < count; row++)
        leat_forest_walk32(kernel->forest, rows + row * stride, ret_raw + row * kernel->forest->raw_count);
}

static void walk64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, double *ret_raw,
                   void *scratch)
{
    (void)scratch;
    for (size_t row = 0; row < count; row++)
        leat_forest_walk64(kernel->forest, rows + row * stride, ret_raw + row * kernel->forest->raw_count);
}

void leat_kernel_run32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                       float *ret_raw, void *scratch)
{
    static run32 *const runs[] = {walk32, run_float, run_rank32, run_category32, run_large32};
    runs[kernel->kind](kernel, rows, stride, count, ret_raw, scratch);
}

static void run_symmetric64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                            double *ret_raw, void *scratch)
{
    leat_symmetric_run(kernel->symmetric, rows, stride, count, ret_raw, scratch);
}

void leat_kernel_run64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                       double *ret_raw, void *scratch)
{
    static run64 *const runs[] = {walk64, NULL, run_rank64, run_category64, run_large64, run_symmetric64};
    runs[kernel->kind](kernel, rows, stride, count, ret_raw, scratch);
}

/* The ranks of a row, then tiles. */
size_t leat_kernel_scratch(const struct leat_kernel *kernel, size_t count)
{
    if (kernel->kind == LEAT_KERNEL_WALK)
        return 0;
    if (kernel->kind == LEAT_KERNEL_SYMMETRIC)
        return leat_symmetric_scratch(kernel->symmetric, count);
    size_t rows = count < kernel->block ? count : kernel->block;
    size_t tiles = rows < LEAT_LANES ? 1 : rows / LEAT_LANES;
    return (kernel->search_count + tiles * kernel->place_count * LEAT_LANES) * sizeof(int32_t);
}
