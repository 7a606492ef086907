/* A version: an immutable model with its metadata and the trainer's own rows and scores. Loaded by
 * registry/versions. */
#ifndef LEAT_MODEL_VERSION_H
#define LEAT_MODEL_VERSION_H

#include "base/arena.h"
#include "base/digest.h"
#include "model/model.h"

struct leat_metric {
    const char *name;
    double value;
};

struct leat_version {
    const char *name; /* of the model, e.g. "fraud" */
    uint32_t number;  /* from 1 */
    struct leat_model *model;
    const char *const *feature_names; /* in the model's order; from the model, or from the metadata; never NULL */
    size_t feature_count;
    int64_t trained_at; /* µs: the end of what it was trained on; LEAT_TIME_NONE if not told */
    int64_t added_at;
    double threshold;                  /* decision threshold on the score; NaN if not told */
    const struct leat_metric *metrics; /* as the trainer told them */
    size_t metric_count;
    const char *note;         /* NULL: none */
    size_t parity_rows;       /* 0: unverified */
    const double *background; /* background_count × feature_count: some of the parity rows, for explanations */
    size_t background_count;
    char digest[LEAT_DIGEST_TEXT]; /* over all its files */
    int references;
    void (*release)(struct leat_version *version); /* set by whoever made it: frees it and all that it owns */
};

struct leat_version *leat_version_ref(struct leat_version *version); /* any thread */
void leat_version_unref(struct leat_version *version);               /* any thread; NULL is fine */

/* Whether its scores can be explained: some ways compare with the trainer's rows, which a version may not have. */
bool leat_version_explains(const struct leat_version *version);

/* The trainer's rows: JSON lines {"features": {name: value, …} or [value, …], "score": number or [numbers]}; null
 * or "NaN" is missing, and so is an absent name; categories are as the trainer was given them. Scores every row singly
 * and all in one batch, on the kernel that serves. 0 and *ret_rows, or LEAT_ERROR_FINDING naming row number, feature
 * values, expected and got. Tolerance: the model's own, or what the trainer's float width leaves (float32: 1 unit in
 * the last place of the output; double: 1e-12 relative). */
int leat_parity_check(const struct leat_model *model, const char *const *feature_names, struct leat_bytes rows,
                      size_t *ret_rows, struct leat_error *err);

/* Some of the rows as the model is given them, spread over all, which leat_model_explain may compare with: *ret is
 * count × feature_count, in the arena. The rows have passed the check. Returns the count. */
#define LEAT_BACKGROUND_MAX 16
size_t leat_parity_background(const struct leat_model *model, const char *const *feature_names, struct leat_bytes rows,
                              struct leat_arena *arena, const double **ret);

#endif
