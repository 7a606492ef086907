/* Kernels: a forest compiled to small nodes, and evaluated eight ways at once.
 *
 * One way is a chain of loads that wait for each other; eight interleaved keep the core busy. A single row walks
 * eight trees at once, a batch walks eight rows through each tree. There are no branches in a step:
 *
 *     next = node.left + (node.threshold < x[node.column])         right is always left + 1
 *
 * and a leaf steps to itself, so that trees of different depth go in step. Numbers are compared as unsigned
 * integers in the same order, which is what makes a step six instructions. Missing values cost nothing in it
 * either: the row is first laid out as *columns* in which a missing value is the largest number, and so goes right;
 * a split whose missing values go left reads the *negated* column, in which the others are in opposite order, with
 * its children exchanged. */
#ifndef LEAT_MODEL_KERNEL_H
#define LEAT_MODEL_KERNEL_H

#include "model/forest.h"

enum leat_kernel_kind {
    LEAT_KERNEL_WALK,   /* the plain walk: linear models, category sets, linear leaves */
    LEAT_KERNEL_NARROW, /* 8-byte nodes; float32 thresholds and sums */
    LEAT_KERNEL_WIDE32, /* 16-byte nodes for forests too large for the former; float32 sums */
    LEAT_KERNEL_WIDE64, /* 16-byte nodes; double thresholds and sums */
};

/* What a column holds of a feature. */
enum leat_column_kind {
    LEAT_COLUMN_VALUE,   /* the value; NaN is missing */
    LEAT_COLUMN_NO_NAN,  /* NaN counts as 0 */
    LEAT_COLUMN_NO_ZERO, /* NaN and 0 are missing */
    LEAT_COLUMN_KINDS,
};

#define LEAT_LANES 8

/* A feature and the places of its two columns. Place 0 is always the lowest number: leaves read it. One that
 * nothing reads is written to place 1. */
struct leat_column {
    uint32_t feature;
    uint32_t place;
    uint32_t negated;
};

#define LEAT_PLACES_KEPT 2 /* 0 and 1 */

struct leat_node_narrow {
    uint32_t threshold; /* a leaf's value: the bits of the float */
    uint16_t column;    /* its place × LEAT_LANES */
    uint16_t left;      /* within the group; a leaf's own place */
};

struct leat_node_wide {
    uint64_t threshold; /* a leaf's value: the bits of the double */
    uint32_t column;
    uint32_t left;
};

/* Eight trees that lie together, their roots at places 0 to 7 from `first`. A forest's last group is filled up with
 * leaves of -0.0, which change no sum. */
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
    struct leat_column *columns; /* by kind */
    size_t kind_first[LEAT_COLUMN_KINDS + 1];
    size_t place_count; /* columns and negated columns that are read, and LEAT_PLACES_KEPT */
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
void leat_kernel_run32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                       float *ret_raw, void *scratch);
void leat_kernel_run64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                       double *ret_raw, void *scratch);

#endif
