/* A model as its file has it: the form that the loaders make, that the plain twin evaluates and that kernels are
 * compiled from. Everything is owned by the arena. */
#ifndef LEAT_MODEL_FOREST_H
#define LEAT_MODEL_FOREST_H

#include "base/arena.h"
#include "base/error.h"
#include "model/categories.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Named limits of what a file may declare. Beyond them a sentence, not an allocation. */
#define LEAT_FEATURES_MAX ((size_t)1 << 20)
#define LEAT_GROUPS_MAX ((size_t)1 << 16)

/* How wide features and leaves are. */
enum leat_arithmetic {
    LEAT_FLOAT32,       /* XGBoost: features are rounded to float32; sums in float32, in file order */
    LEAT_FLOAT64,       /* LightGBM: all in double, in file order */
    LEAT_FLOAT32_SUM64, /* CatBoost: features are rounded to float32; sums in double, in file order */
};

enum leat_node_flag {
    LEAT_NODE_DEFAULT_LEFT = 1, /* where a missing value goes */
    LEAT_NODE_NAN_IS_ZERO = 2,  /* NaN counts as 0 (and, without the next flag, nothing is missing) */
    LEAT_NODE_ZERO_MISSING = 4, /* 0 is missing */
    LEAT_NODE_CATEGORIES = 8,   /* in the set `sets[value]` goes left; else, or negative, right */
    LEAT_NODE_CLOSED = 16,      /* x <= value goes left; without it x < value */
    LEAT_NODE_EQUAL = 32,       /* x == value goes left; codes of categories, never rounded */
};

struct leat_tree_node {
    double value;  /* the threshold; a leaf's value, or with leaf_width > 1 the first one's place in `leaf_values` */
    int32_t left;  /* both within the tree; -1: a leaf */
    int32_t right; /* of a leaf: its entry in `linear`, or -1 */
    uint32_t feature;
    uint32_t flags;
};

struct leat_tree {
    uint32_t first; /* its root's place in `nodes` */
    uint32_t count;
    uint32_t group; /* which raw sum it adds to; 0 when leaves have several values */
};

/* Categories as bits of `words`, from `first` on. */
struct leat_category_set {
    uint32_t first;
    uint32_t count;
};

/* A leaf that is constant + Σ coefficient · feature; with any of these missing, the leaf's value instead. */
struct leat_linear_leaf {
    double constant;
    uint32_t first;
    uint32_t count;
};

struct leat_linear_term {
    double coefficient;
    uint32_t feature;
};

/* From raw sums to what the trainer's predict gives. */
enum leat_link {
    LEAT_LINK_IDENTITY,
    LEAT_LINK_SIGMOID, /* LEAT_FLOAT64: of scale · x */
    LEAT_LINK_EXP,
    LEAT_LINK_SOFTMAX,
    LEAT_LINK_ARGMAX,
    LEAT_LINK_HINGE,
    LEAT_LINK_EXPECTILES,
    LEAT_LINK_SIGNED_SQUARE,
    LEAT_LINK_LOG1P_EXP,
    LEAT_LINK_UNCERTAINTY, /* CatBoost: a mean and, of its logarithm's half, a variance */
};

struct leat_forest {
    struct leat_arena arena;
    const char *format;
    const char *objective;
    enum leat_arithmetic arithmetic;
    bool tiny_is_zero; /* |x| ≤ LEAT_TINY is 0 before any split */
    size_t feature_count;
    const char **feature_names;            /* NULL: the file has none */
    enum leat_feature_kind *feature_kinds; /* NULL: all are numbers */
    struct leat_categories **categories; /* one for each feature that is not a number; NULL: there are none; freed with
                                              the forest */
    size_t raw_count;
    double *base;              /* raw_count of them: what the sums begin with */
    bool base_last;            /* or what is added to them at the end */
    double sum_scale;          /* 0, or what sums are multiplied by before that */
    const char **output_names; /* one for each output; NULL: none */
    const char **class_names;  /* class_count of them; NULL: 0, 1, … */
    bool class_numbers;        /* the names are whole numbers */

    enum leat_link link;
    double scale;           /* of LEAT_LINK_SIGMOID, double */
    bool sigmoid_unclamped; /* of LEAT_LINK_SIGMOID, float32 */
    size_t boosted;         /* rounds and best_rounds of leat_model_info */
    size_t boosted_best;
    double rounds;      /* 0, or what sums are divided by before the link */
    size_t class_count; /* 0: not a classifier */
    double label_above; /* 0, or what the one probability must exceed for the positive class instead of 0.5 */

    struct leat_tree_node *nodes;
    size_t node_count;
    double *cover;     /* of each node: the weight of the training rows that reached it; NULL: the file does not say */
    size_t leaf_width; /* 0 and 1: a leaf has one value; else raw_count of them */
    double *leaf_values;
    struct leat_tree *trees;
    size_t tree_count;
    struct leat_category_set *sets;
    size_t set_count;
    uint32_t *words;
    struct leat_linear_leaf *linear;
    struct leat_linear_term *terms;

    /* Instead of trees: raw_count weights a feature, and behind them the biases. LEAT_FLOAT32: whole floats. */
    const double *weights;
};

void leat_forest_done(struct leat_forest *forest);
size_t leat_forest_outputs(const struct leat_forest *forest);
size_t leat_forest_bytes(const struct leat_forest *forest);

/* Checks one tree whose nodes are filled in: every child is within it, none is reached twice (so there is no
 * cycle), every feature exists. `queue` has room for twice as many numbers as the tree has nodes. Linear; no
 * recursion. */
int leat_forest_check_tree(const struct leat_forest *forest, size_t tree, uint32_t *queue, struct leat_error *err);
/* The nodes of a checked tree from the root downwards: fills `queue`, returns how many. Nodes that are not reached
 * are not in it. *ret_depth is the number of splits on the longest way. */
size_t leat_forest_order(const struct leat_forest *forest, size_t tree, uint32_t *queue, size_t *ret_depth);

/* Names may not be empty or occur twice. */
int leat_forest_check_names(const struct leat_forest *forest, struct leat_error *err);

/* The plain evaluation of one row: raw_count sums. Nothing is prepared or interleaved. */
void leat_forest_walk32(const struct leat_forest *forest, const double *row, float *ret_raw);
void leat_forest_walk64(const struct leat_forest *forest, const double *row, double *ret_raw);

/* Whether a row goes left at a split. */
bool leat_forest_goes_left(const struct leat_forest *forest, const struct leat_tree_node *node, const double *row);
/* What kernels share with the plain walk: sums before the first tree and after the last one, of `count` rows; and the
 * value of linear leaf `leaf`, or `otherwise` when a feature of it is missing. */
void leat_forest_begin32(const struct leat_forest *forest, size_t count, float *ret_raw);
void leat_forest_begin64(const struct leat_forest *forest, size_t count, double *ret_raw);
void leat_forest_end32(const struct leat_forest *forest, size_t count, float *raw);
void leat_forest_end64(const struct leat_forest *forest, size_t count, double *raw);
double leat_forest_linear(const struct leat_forest *forest, int32_t leaf, double otherwise, const double *row);

/* The link: raw_count sums to leat_forest_outputs values. */
void leat_link32(const struct leat_forest *forest, const float *raw, double *ret_out);
void leat_link64(const struct leat_forest *forest, const double *raw, double *ret_out);

/* The formats. `name` is for messages; on failure the caller still calls leat_forest_done. */
int leat_xgboost_load(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                      struct leat_forest *ret, struct leat_error *err); /* JSON and UBJSON */
int leat_lightgbm_load(const char *name, struct leat_bytes file, struct leat_forest *ret, struct leat_error *err);
int leat_catboost_load(const char *name, struct leat_bytes file, struct leat_forest *ret, struct leat_error *err);

/* What LightGBM takes for zero: 1e-35 as a float. */
#define LEAT_TINY 1.0000000180025095e-35

#endif
