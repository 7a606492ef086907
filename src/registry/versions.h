/* The registry of versions: a folder.
 *
 *   <root>/<name>/<number>/version.json   metadata and the digest of each file
 *                          model.json | model.ubj | model.txt | model.onnx
 *                          parity.jsonl   the trainer's rows and scores (absent: unverified)
 *
 * A version is written once: to a temporary folder, synced, renamed. */
#ifndef LEAT_REGISTRY_VERSIONS_H
#define LEAT_REGISTRY_VERSIONS_H

#include "base/bytes.h"
#include "base/error.h"
#include "model/version.h"

struct leat_version_draft { /* what `model add` is told */
    const char *name;
    const char *model_file;
    const char *parity_file;          /* NULL: none */
    const char *const *feature_names; /* NULL: from the model file */
    size_t feature_count;
    int64_t trained_at; /* LEAT_TIME_NONE: not told */
    int64_t added_at;
    double threshold; /* NaN: not told */
    const struct leat_metric *metrics;
    size_t metric_count;
    const char *note;                  /* NULL: none */
    struct leat_model_options options; /* rounds, class names: written down and given to the model at every load */
};

/* Adds the next number. Refuses a model that does not load or whose parity fails; the folder is then as before. */
int leat_registry_add(const char *root, const struct leat_version_draft *draft, uint32_t *ret_number,
                      struct leat_error *err);
/* Whether a model's features can be given these names: as many, each once, and not its own in another order. */
int leat_registry_check_features(const struct leat_model_info *info, const char *const *names, size_t count,
                                 struct leat_error *err);
/* Loads, checks every file's digest and the parity rows. The caller releases it with leat_version_unref. */
int leat_registry_load(const char *root, const char *name, uint32_t number, struct leat_version **ret,
                       struct leat_error *err);
/* The parity rows of a version that was loaded, as the file has them; empty when it has none. */
int leat_registry_parity(const char *root, const char *name, uint32_t number, struct leat_buffer *ret,
                         struct leat_error *err);
/* The numbers that exist, ascending; the caller frees *ret. A name that does not exist has none. */
int leat_registry_numbers(const char *root, const char *name, uint32_t **ret, size_t *ret_count, struct leat_error *err);
/* The names that exist, sorted; one block that the caller frees. */
int leat_registry_names(const char *root, char ***ret, size_t *ret_count, struct leat_error *err);

#endif
