/* An MLflow model folder, as `mlflow.<flavour>.save_model` writes it: which file is the model, and what its signature
 * says. Only files that are data are ever read: a pickle is code. */
#ifndef LEAT_REGISTRY_MLFLOW_H
#define LEAT_REGISTRY_MLFLOW_H

#include "base/arena.h"
#include "base/error.h"

struct leat_mlflow {
    const char *flavor;        /* "xgboost", "lightgbm", "catboost", "onnx" */
    const char *model_file;    /* its path */
    const char *const *inputs; /* names by the signature, in order; NULL: it has none, or they are tensors without names */
    size_t input_count;
    const char *example_file; /* the input example's path; NULL: none */
    const char *note;         /* "MLflow run 3f2a…, model 91c0…"; NULL: it has neither */
};

/* Strings are the arena's. Finding: no MLmodel, no flavour that is read, or a model that is a pickle. */
int leat_mlflow_read(const char *folder, struct leat_arena *arena, struct leat_mlflow *ret, struct leat_error *err);
/* Is there an MLmodel in it? */
bool leat_mlflow_is(const char *folder);

/* The rows of an input example (pandas' split or records form, or a list of rows) as JSON lines that a model's row
 * reader takes. */
int leat_mlflow_example(const char *file, struct leat_buffer *ret, struct leat_error *err);

#endif
