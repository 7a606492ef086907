/* Kernels: a forest compiled to small nodes, and evaluated eight ways at once.
 *
 * One way is a chain of loads that wait for each other; eight interleaved keep the core busy. A single row walks eight trees
 * at once, a batch walks eight rows through each tree. There are no branches in a step:
 *
 *     next = node.left + !(x[node.column] < node.threshold)        right is always left + 1
 *
 * and a leaf steps to itself, so that trees of different depth go in step. Missing values cost nothing in the step either:
 * the row is first laid out as *columns*, and a split whose missing values go left reads the negated column with its children
 * exchanged. A comparison with NaN is false, which is 'right' in the one case and 'left' in the other. */
#ifndef LEAT_MODEL_KERNEL_H
#define LEAT_MODEL_KERNEL_H

#include "model/forest.h"

enum leat_kernel_kind {
    LEAT_KERNEL_WALK,   /* the plain walk: linear models, category sets, linear leaves, thresholds that are not numbers */
    LEAT_KERNEL_NARROW, /* 8-byte nodes; float32 thresholds and sums */
    LEAT_KERNEL_WIDE32, /* 16-byte nodes for forests too large for the former; float32 sums */
    LEAT_KERNEL_WIDE64, /* 16-byte nodes; double thresholds and sums */
};

/* How a column comes from a feature. */
enum leat_column_kind {
    LEAT_COLUMN_VALUE,   /* NaN stays NaN */
    LEAT_COLUMN_NO_NAN,  /* NaN is 0 */
    LEAT_COLUMN_NO_ZERO, /* NaN and 0 are NaN */
    LEAT_COLUMN_KINDS,
};

struct leat_column {
    uint32_t feature;
    uint8_t kind;
    bool negated;
};

struct leat_node_narrow {
    float threshold; /* a leaf's value */
    uint16_t column; /* of a leaf: the last column, which is below everything */
    uint16_t left;   /* within the group; a leaf's own place */
};

struct leat_node_wide {
    double threshold;
    uint32_t column;
    uint32_t left;
};

#define LEAT_LANES 8

/* Eight trees that lie together, their roots at places 0 to 7 from `first`. A forest's last group is filled up with leaves of
 * -0.0, which change no sum. */
struct leat_tree_group {
    uint32_t first;
    uint32_t count; /* of real trees */
    uint32_t depth; /* of the deepest */
    uint32_t tree_depth[LEAT_LANES];
    uint32_t target[LEAT_LANES]; /* which raw sum each adds to */
};

struct leat_kernel {
    enum leat_kernel_kind kind;
    const char *name;
    const struct leat_forest *forest;
    struct leat_arena arena;
    struct leat_column *columns;
    size_t column_count;         /* without the last one */
    union {
        struct leat_node_narrow *narrow;
        struct leat_node_wide *wide;
    } nodes;
    size_t node_count;
    struct leat_tree_group *groups;
    size_t group_count;
    size_t block; /* rows that a batch lays out at a time, a multiple of LEAT_LANES */
};

/* Chooses and compiles. The forest must outlive the kernel. */
void leat_kernel_compile(const struct leat_forest *forest, struct leat_kernel *ret);
void leat_kernel_done(struct leat_kernel *kernel);

size_t leat_kernel_scratch(const struct leat_kernel *kernel, size_t count);
/* count rows to count × raw_count sums. */
void leat_kernel_run32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, float *ret_raw,
                       void *scratch);
void leat_kernel_run64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, double *ret_raw,
                       void *scratch);

#endif
