/* Inside the model floor: what the kinds of models have in common. A kind's own struct begins with a leat_model. */
#ifndef LEAT_MODEL_KIND_H
#define LEAT_MODEL_KIND_H

#include "model/model.h"

#include <stdatomic.h>

/* As model.h says of leat_model_*; `free` is called when the last reference has gone. */
struct leat_model_kind {
    void (*free)(struct leat_model *model);
    void (*predict)(const struct leat_model *model, const double *rows, size_t stride, size_t count, double *ret_out,
                    double *ret_raw, void *scratch);
    void (*predict_plain)(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw);
    size_t (*scratch)(const struct leat_model *model, size_t count);
    size_t (*label)(const struct leat_model *model, const double *out, const double *raw);
    int (*code_text)(const struct leat_model *model, size_t feature, struct leat_bytes text, double *ret);
    int (*code_number)(const struct leat_model *model, size_t feature, double number, double *ret);
    /* Both NULL: info.explanation is NULL too. */
    int (*explain)(const struct leat_model *model, const double *row, const double *background, size_t background_count,
                   double *ret, void *scratch);
    size_t (*explain_scratch)(const struct leat_model *model);
};

struct leat_model {
    atomic_uint references;
    const struct leat_model_kind *kind;
    struct leat_model_info info;
    char **class_names; /* those that the options told, in one block; NULL: the kind's own */
};

/* Trees and linear models: forest_model.c. The forest is taken over, also on failure. */
struct leat_forest;
int leat_forest_model_new(struct leat_forest *forest, struct leat_model **ret, struct leat_error *err);
/* A plain linear model, in JSON of ours: linear.c. */
int leat_linear_load(const char *name, struct leat_bytes file, struct leat_model **ret, struct leat_error *err);
/* Graphs: onnx/onnx.c. */
int leat_onnx_load(const char *name, struct leat_bytes file, struct leat_model **ret, struct leat_error *err);

#endif
