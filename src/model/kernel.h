/* Kernels: a forest compiled to small nodes, and evaluated eight ways at once.
 *
 * One way is a chain of loads that wait for each other; eight interleaved keep the core busy. A single row walks
 * eight trees at once, a batch walks eight rows through each tree. There are no branches in a step:
 *
 *     next = node.left + (node.threshold < x[node.column])         right is always left + 1
 *
 * and a leaf steps to itself, so that trees of different depth go in step. Missing values cost nothing in it either:
 * the row is first laid out as *columns* of integers in which a missing value is the largest, and so goes right; a
 * split whose missing values go left reads the *negated* column, in which the others are in opposite order, with its
 * children exchanged.
 *
 * The integers are a float's bits, turned so that they are in the same order; or *ranks*: how many of the forest's
 * thresholds for that feature lie below the value. Ranks are exact for doubles, too, and small, so that one kind of
 * node serves every arithmetic; finding them costs a binary search a feature and row. What a ranked leaf holds lies
 * behind it among the nodes, in the same cache line; several values, and linear sums, lie in a table. A set of
 * categories is a row of bits: one a category, set where it goes right. */
#ifndef LEAT_MODEL_KERNEL_H
#define LEAT_MODEL_KERNEL_H

#include "model/forest.h"
#include "model/symmetric.h"

enum leat_kernel_kind {
    LEAT_KERNEL_WALK,      /* the plain walk: linear models, splits on equality */
    LEAT_KERNEL_FLOAT,     /* 8-byte nodes; turned floats; leaves and sums in float */
    LEAT_KERNEL_RANK,      /* 8-byte nodes; ranks */
    LEAT_KERNEL_CATEGORY,  /* and sets of categories */
    LEAT_KERNEL_LARGE,     /* as the last, with 12-byte nodes, for what these can not number */
    LEAT_KERNEL_SYMMETRIC, /* symmetric.h */
};

/* What a column holds of a feature. */
enum leat_column_kind {
    LEAT_COLUMN_VALUE,    /* the value; NaN is missing */
    LEAT_COLUMN_NO_NAN,   /* NaN counts as 0 */
    LEAT_COLUMN_NO_ZERO,  /* NaN and 0 are missing */
    LEAT_COLUMN_CATEGORY, /* the category; then one for all that are in no set, and one for missing */
    LEAT_COLUMN_KINDS,
};

#define LEAT_LANES 8

/* A feature and the places of its two columns. Place 0 is always the lowest number: leaves read it. One that
 * nothing reads is written to place 1. */
struct leat_column {
    uint32_t feature;
    uint32_t search; /* which search has its rank */
    uint32_t place;
    uint32_t negated;
    uint32_t categories; /* of LEAT_COLUMN_CATEGORY: how many; the two others follow */
};

#define LEAT_PLACES_KEPT 2 /* 0 and 1 */

/* Finds a feature's rank: among 2^steps - 1 thresholds in rising order, `count` real ones and then the largest
 * number. Eight searches go in step: they have `steps` and `thresholds` in common, where number i of the one in lane
 * l is at i × LEAT_LANES + l. */
struct leat_search {
    const uint64_t *thresholds;
    uint32_t feature;
    uint32_t count;
    uint32_t zero; /* the rank of 0 */
    uint32_t steps;
};

struct leat_node_small {
    int32_t threshold; /* a leaf's: the bits of its float, or where its value is in the group, or in the table */
    uint16_t column;   /* its place × LEAT_LANES */
    uint16_t left;     /* within the group; a leaf's own place */
};

struct leat_node_large {
    int32_t threshold; /* of categories: where the set begins in `bits` */
    uint32_t column;
    uint32_t left;
};

/* The upper levels of a tree, which a batch decides for eight rows in a few vector instructions: the thresholds and
 * columns of its first 7 nodes, level by level. Below them are 8 nodes side by side, from `below` on: 2 for each of
 * the 4 nodes of the last level. A leaf further up is there in as many copies as it has ways. */
#define LEAT_TOP_LEVELS 3
#define LEAT_TOP_NODES 7
#define LEAT_TOP_WAYS 8
struct leat_tree_top {
    int32_t threshold[LEAT_TOP_NODES];
    uint32_t column[LEAT_TOP_NODES];
    uint32_t below; /* within the group; 0: a set of categories is among them, and they are walked */
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
    const struct leat_symmetric *symmetric; /* all that there is of LEAT_KERNEL_SYMMETRIC */
    struct leat_column *columns;            /* by kind */
    size_t kind_first[LEAT_COLUMN_KINDS + 1];
    size_t place_count;           /* columns and negated columns that are read, and LEAT_PLACES_KEPT */
    uint32_t category_from;       /* columns from here on hold categories: a place × LEAT_LANES */
    struct leat_search *searches; /* as many as features are read, and up to a multiple of LEAT_LANES */
    size_t search_count;
    union {
        struct leat_node_small *small;
        struct leat_node_large *large;
    } nodes;
    size_t node_count;
    struct leat_tree_group *groups;
    size_t group_count;
    struct leat_tree_top *tops; /* LEAT_LANES a group */
    float *leaves32;            /* the table, if there is one: leaf_width values a leaf */
    double *leaves64;           /* the same for sums in double */
    int32_t *linear;            /* which linear leaf it is, or -1; NULL: there are none */
    size_t leaf_count;
    uint32_t *bits;
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

/* ---- numbers as integers in the same order: for compiling and laying out ---- */

/* Of two numbers the smaller has the smaller integer, -0.0 that just below 0.0's; NaN is the largest. */
static inline int32_t leat_order32(float x)
{
    union {
        float value;
        uint32_t bits;
    } u = {x};
    uint32_t ordered = u.bits ^ ((0u - (u.bits >> 31)) >> 1);
    return (int32_t)(x != x ? (uint32_t)INT32_MAX : ordered);
}

static inline uint64_t leat_order64(double x)
{
    union {
        double value;
        uint64_t bits;
    } u = {x};
    uint64_t flip = (0u - (u.bits >> 63)) | 0x8000000000000000u;
    return (u.bits ^ flip) | (0u - (uint64_t)(x != x));
}

#endif
