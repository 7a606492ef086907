/* A tree ensemble of ai.onnx.ml, whichever version's attributes told it: splits and weighted leaves in one table.
 *
 * Most ensembles become a forest and run on the trees' kernels. What a forest can not say (least and largest values,
 * members of a set, leaves that score only some of the targets where that is asked for) is walked from this table,
 * which is also the plain twin of the kernel in tests; a kernel does not need it any more. Knows nothing of graphs. */
#ifndef LEAT_MODEL_ONNX_ENSEMBLE_H
#define LEAT_MODEL_ONNX_ENSEMBLE_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With version 5's numbers. */
enum leat_split_mode {
    LEAT_SPLIT_LEQ,
    LEAT_SPLIT_LT,
    LEAT_SPLIT_GTE,
    LEAT_SPLIT_GT,
    LEAT_SPLIT_EQ,
    LEAT_SPLIT_NEQ,
    LEAT_SPLIT_MEMBER,
    LEAT_SPLIT_LEAF,
};

enum leat_ensemble_aggregate {
    LEAT_ENSEMBLE_AVERAGE,
    LEAT_ENSEMBLE_SUM,
    LEAT_ENSEMBLE_MIN,
    LEAT_ENSEMBLE_MAX,
};

struct leat_split {
    double value;
    uint32_t feature;
    uint32_t yes, no;      /* where it goes on */
    uint32_t first, count; /* a leaf's weights; the members of a set */
    uint8_t mode;
    bool missing_yes; /* NaN goes to `yes` whatever the comparison says */
};

struct leat_leaf_weight {
    uint32_t target;
    double value;
};

/* Filled in by the caller, which owns the tables. */
struct leat_ensemble_tables {
    bool wide; /* thresholds, weights and sums are double; else all are floats */
    enum leat_ensemble_aggregate aggregate;
    size_t feature_count;
    size_t target_count;
    bool scored_asked; /* does the caller look at which targets were scored? */
    struct leat_split *splits;
    size_t split_count;
    uint32_t *roots;
    size_t root_count;
    struct leat_leaf_weight *weights;
    double *members;
};

struct leat_ensemble;
/* Checks that every walk ends at a leaf, every feature and target exists, and compiles. Linear; no recursion. The
 * tables must outlive it only if leat_ensemble_is_plain. */
int leat_ensemble_new(const struct leat_ensemble_tables *tables, struct leat_ensemble **ret, struct leat_error *err);
void leat_ensemble_free(struct leat_ensemble *ensemble); /* NULL is fine */

size_t leat_ensemble_scratch(const struct leat_ensemble *ensemble, size_t count);
/* count rows of feature_count to count × target_count sums (or least or largest values; 0 where nothing was scored).
 * ret_scored (NULL: not wanted): whether any leaf scored the target. Only with scored_asked. */
void leat_ensemble_run(const struct leat_ensemble *ensemble, const double *rows, size_t count, double *ret_sums,
                       bool *ret_scored, void *scratch);
void leat_ensemble_run_plain(const struct leat_ensemble_tables *tables, const double *row, double *ret_sums,
                             bool *ret_scored);
bool leat_ensemble_is_plain(const struct leat_ensemble *ensemble);   /* it has no kernel, and walks its tables */
size_t leat_ensemble_bytes(const struct leat_ensemble *ensemble);    /* memory, without the tables */
size_t leat_ensemble_row_work(const struct leat_ensemble *ensemble); /* steps that a row takes at most */

#endif
