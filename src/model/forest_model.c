/* Trees and linear models: the forest as the file has it and the kernel compiled from it. */
#include "model/forest.h"

#include "base/arena.h"
#include "model/explain.h"
#include "model/kernel.h"
#include "model/kind.h"

#include <stdlib.h>
#include <string.h>

struct forest_model {
    struct leat_model model;
    struct leat_forest forest;
    struct leat_kernel kernel;
    struct leat_explainer *explainer; /* NULL: it can not be explained */
};

static const struct forest_model *forest_model(const struct leat_model *model)
{
    return (const struct forest_model *)model;
}

/* ---- predicting ---- */

/* Scratch is the sums of one block, then what the kernel lays out. */
static size_t sums_size(const struct forest_model *model, size_t rows)
{
    size_t size = model->forest.arithmetic == LEAT_FLOAT32 ? sizeof(float) : sizeof(double);
    return (rows * model->forest.raw_count * size + 63) / 64 * 64;
}

static size_t block_of(const struct forest_model *model, size_t count)
{
    return count < model->kernel.block ? count : model->kernel.block;
}

static size_t scratch_of(const struct leat_model *base, size_t count)
{
    const struct forest_model *model = forest_model(base);
    return sums_size(model, block_of(model, count)) + leat_kernel_scratch(&model->kernel, count);
}

static void predict32(const struct forest_model *model, const double *rows, size_t stride, size_t count,
                      double *ret_out, double *ret_raw, void *scratch)
{
    size_t raw_count = model->forest.raw_count;
    float *raw = scratch;
    leat_kernel_run32(&model->kernel, rows, stride, count, raw, (char *)scratch + sums_size(model, count));
    for (size_t row = 0; row < count; row++)
        leat_link32(&model->forest, raw + row * raw_count, ret_out + row * model->model.info.output_count);
    for (size_t i = 0; ret_raw != NULL && i < count * raw_count; i++)
        ret_raw[i] = (double)raw[i];
}

static void predict64(const struct forest_model *model, const double *rows, size_t stride, size_t count,
                      double *ret_out, double *ret_raw, void *scratch)
{
    size_t raw_count = model->forest.raw_count;
    double *raw = scratch;
    leat_kernel_run64(&model->kernel, rows, stride, count, raw, (char *)scratch + sums_size(model, count));
    for (size_t row = 0; row < count; row++)
        leat_link64(&model->forest, raw + row * raw_count, ret_out + row * model->model.info.output_count);
    if (ret_raw != NULL)
        memcpy(ret_raw, raw, count * raw_count * sizeof *raw);
}

static void predict(const struct leat_model *base, const double *rows, size_t stride, size_t count, double *ret_out,
                    double *ret_raw, void *scratch)
{
    const struct forest_model *model = forest_model(base);
    const struct leat_model_info *info = &model->model.info;
    for (size_t row = 0; row < count;) {
        size_t block = block_of(model, count - row);
        double *out = ret_out + row * info->output_count;
        double *raw = ret_raw == NULL ? NULL : ret_raw + row * info->raw_count;
        if (info->float32)
            predict32(model, rows + row * stride, stride, block, out, raw, scratch);
        else
            predict64(model, rows + row * stride, stride, block, out, raw, scratch);
        row += block;
    }
}

static void plain32(const struct forest_model *model, const double *row, double *ret_out, double *ret_raw)
{
    float *raw = leat_calloc(model->model.info.raw_count, sizeof *raw);
    leat_forest_walk32(&model->forest, row, raw);
    leat_link32(&model->forest, raw, ret_out);
    for (size_t i = 0; ret_raw != NULL && i < model->model.info.raw_count; i++)
        ret_raw[i] = (double)raw[i];
    free(raw);
}

static void predict_plain(const struct leat_model *base, const double *row, double *ret_out, double *ret_raw)
{
    const struct forest_model *model = forest_model(base);
    if (model->model.info.float32) {
        plain32(model, row, ret_out, ret_raw);
        return;
    }
    double *raw = leat_calloc(model->model.info.raw_count, sizeof *raw);
    leat_forest_walk64(&model->forest, row, raw);
    leat_link64(&model->forest, raw, ret_out);
    if (ret_raw != NULL)
        memcpy(ret_raw, raw, model->model.info.raw_count * sizeof *raw);
    free(raw);
}

static size_t label_of(const struct leat_model *base, const double *out, const double *raw)
{
    (void)raw;
    const struct forest_model *model = forest_model(base);
    const struct leat_forest *forest = &model->forest;
    if (forest->link == LEAT_LINK_ARGMAX)
        return (size_t)out[0];
    if (forest->label_above > 0)
        return out[0] > forest->label_above;
    if (forest->raw_count == 1)
        return out[0] > (forest->link == LEAT_LINK_IDENTITY ? 0.0 : 0.5);
    size_t largest = 0;
    for (size_t i = 1; i < model->model.info.output_count; i++)
        if (out[i] > out[largest])
            largest = i;
    return largest;
}

/* ---- explaining ---- */

static int explain(const struct leat_model *base, const double *row, const double *background, size_t background_count,
                   double *ret, void *scratch)
{
    (void)background;
    (void)background_count;
    leat_explainer_run(forest_model(base)->explainer, row, ret, scratch);
    return 0;
}

static size_t explain_scratch(const struct leat_model *base)
{
    return leat_explainer_scratch(forest_model(base)->explainer);
}

/* ---- categories ---- */

static int code_text(const struct leat_model *base, size_t feature, struct leat_bytes text, double *ret)
{
    return leat_categories_of_text(forest_model(base)->forest.categories[feature], text, ret);
}

static int code_number(const struct leat_model *base, size_t feature, double number, double *ret)
{
    return leat_categories_of_number(forest_model(base)->forest.categories[feature], number, ret);
}

/* ---- the life of a model ---- */

static void fill_info(struct forest_model *model)
{
    const struct leat_forest *forest = &model->forest;
    size_t linear_leaves = forest->linear != NULL;
    model->model.info = (struct leat_model_info){
        .format = forest->format,
        .objective = forest->objective,
        .kernel = model->kernel.name,
        .feature_count = forest->feature_count,
        .feature_names = forest->feature_names,
        .feature_kinds = forest->feature_kinds,
        .margin_count = forest->raw_count,
        .raw_count = forest->raw_count,
        .output_count = leat_forest_outputs(forest),
        .classifier = forest->class_count > 0,
        .no_probability = forest->class_count > 0 && forest->link != LEAT_LINK_SIGMOID &&
                          forest->link != LEAT_LINK_SOFTMAX,
        .class_count = forest->class_count,
        .output_names = forest->output_names,
        .class_names = forest->class_names,
        .class_numbers = forest->class_numbers,
        .tree_count = forest->tree_count,
        .node_count = forest->node_count,
        .rounds = forest->boosted,
        .best_rounds = forest->boosted_best,
        .bytes = sizeof *model + leat_forest_bytes(forest) + model->kernel.arena.allocated,
        .raw_exact = linear_leaves == 0,
        .float32 = forest->arithmetic == LEAT_FLOAT32,
    };
}

static void free_model(struct leat_model *base)
{
    struct forest_model *model = (struct forest_model *)base;
    leat_explainer_free(model->explainer);
    leat_kernel_done(&model->kernel);
    leat_forest_done(&model->forest);
    free(model);
}

static const struct leat_model_kind kind = {
    .free = free_model,
    .predict = predict,
    .predict_plain = predict_plain,
    .scratch = scratch_of,
    .label = label_of,
    .code_text = code_text,
    .code_number = code_number,
    .explain = explain,
    .explain_scratch = explain_scratch,
};

int leat_forest_model_new(struct leat_forest *forest, struct leat_model **ret, struct leat_error *err)
{
    struct forest_model *model = leat_calloc(1, sizeof *model);
    (void)err;
    model->forest = *forest;
    model->model.kind = &kind;
    leat_kernel_compile(&model->forest, &model->kernel);
    model->explainer = leat_explainer_new(&model->forest);
    fill_info(model);
    if (model->explainer != NULL) {
        model->model.info.explanation = leat_explainer_name(model->explainer);
        model->model.info.bytes += leat_explainer_bytes(model->explainer);
    }
    atomic_init(&model->model.references, 1);
    *ret = &model->model;
    return 0;
}
