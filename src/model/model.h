/* Models: a file in one of the trainers' formats, compiled once to an immutable form that a kernel evaluates
 * exactly as the trainer does (arithmetic: docs/reference/models.md).
 *
 * Shared by workers, reference-counted. Untrusted input: loading takes time linear in the file and memory of a
 * stated multiple of it, and ends in a model or in a sentence that says what and where. */
#ifndef LEAT_MODEL_MODEL_H
#define LEAT_MODEL_MODEL_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leat_model;

/* Facts that hold for the model's life; strings belong to the model. */
struct leat_model_info {
    const char *format;    /* "xgboost-json", "lightgbm-text" */
    const char *objective; /* as in the file */
    const char *kernel;    /* which kernel serves it */
    size_t feature_count;
    const char *const *feature_names; /* NULL: the file has none */
    size_t raw_count;                 /* margins a row: groups (classes, targets) */
    size_t output_count;              /* what the trainer's predict or predict_proba gives a row */
    /* binary classifiers: 1 output, the probability of the positive class */
    bool classifier;
    size_t class_count; /* 2 for a binary classifier; 0 for none */
    size_t tree_count, node_count;
    size_t bytes;   /* memory that the compiled form takes */
    bool float32;   /* the trainer's own width: outputs have 9 significant digits, else 17 */
    bool raw_exact; /* raw sums are bit-equal to the trainer's: parity tolerance 0 on raw, see docs */
};

#define LEAT_MODEL_BYTES_MAX (1u << 30)

/* The format is told from the content; `name` is only for messages. Refused with the reason: formats, boosters and
 * objectives that are not done. */
int leat_model_load(const char *name, struct leat_bytes file, struct leat_model **ret, struct leat_error *err);
struct leat_model *leat_model_ref(struct leat_model *model); /* any thread */
void leat_model_unref(struct leat_model *model);             /* any thread; NULL is fine */
const struct leat_model_info *leat_model_info(const struct leat_model *model);

/* Scores `count` rows. rows[r * stride + f] is feature f of row r, NaN is missing. ret_out has count × output_count
 * values, ret_raw (NULL: not wanted) count × raw_count. float32 trainers' values are widened. `scratch` is at least
 * leat_model_scratch(model, count) bytes, aligned to 64. Bit-equal for every count. No allocation. */
void leat_model_predict(const struct leat_model *model, const double *rows, size_t stride, size_t count,
                        double *ret_out, double *ret_raw, void *scratch);
size_t leat_model_scratch(const struct leat_model *model, size_t count);    /* never less for a larger count */
void *leat_model_scratch_new(const struct leat_model *model, size_t count); /* so much of it; release with free() */
/* A classifier's answer from its outputs: the class with the largest probability, or whether the one is above one
 * half. */
size_t leat_model_label(const struct leat_model *model, const double *out);
/* The plain twin: one row, node by node over the tree as the file has it. For tests. */
void leat_model_predict_plain(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw);

#endif
