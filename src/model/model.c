/* A loaded model: the forest as the file has it and the kernel compiled from it. */
#include "model/model.h"

#include "base/arena.h"
#include "model/forest.h"
#include "model/kernel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct leat_model {
    atomic_uint references;
    struct leat_forest forest;
    struct leat_kernel kernel;
    struct leat_model_info info;
};

/* ---- telling formats apart ---- */

static struct leat_bytes skip_space(struct leat_bytes file)
{
    while (file.len > 0 &&
           (file.data[0] == ' ' || file.data[0] == '\t' || file.data[0] == '\r' || file.data[0] == '\n')) {
        file.data++;
        file.len--;
    }
    return file;
}

static bool contains(struct leat_bytes file, const char *text, size_t within)
{
    size_t len = file.len < within ? file.len : within;
    return len > 0 && memmem(file.data, len, text, strlen(text)) != NULL;
}

static bool starts(struct leat_bytes file, const char *text)
{
    return file.len >= strlen(text) && memcmp(file.data, text, strlen(text)) == 0;
}

static int load_forest(const char *name, struct leat_bytes file, struct leat_forest *ret, struct leat_error *err)
{
    struct leat_bytes text = skip_space(file);
    if (file.len > LEAT_MODEL_BYTES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: %zu bytes; a model may have at most %u", name, file.len,
                              LEAT_MODEL_BYTES_MAX);
    if (text.len == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: the file is empty", name);
    if (starts(text, "tree\n") || starts(text, "tree\r\n"))
        return leat_lightgbm_load(name, text, ret, err);
    if (starts(text, "{L") || starts(text, "{l") || starts(text, "{i") || starts(text, "{U") || starts(text, "{$"))
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "%s: XGBoost's binary JSON (UBJSON) is not read yet; save the model with a name that ends in .json", name);
    if (starts(text, "{") && contains(text, "\"oblivious_trees\"", text.len) && !contains(text, "\"learner\"", text.len))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: CatBoost models are not read yet", name);
    if (starts(text, "{"))
        return leat_xgboost_load(name, text, ret, err);
    if (starts(text, "CBM1"))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: CatBoost models are not read yet", name);
    if (starts(text, "binf") || starts(text, "\x80"))
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "%s: %s is not read; save the model in its trainer's text format (XGBoost: .json, LightGBM: .txt)", name,
            text.data[0] == 'b' ? "XGBoost's old binary format" : "a Python pickle");
    if (starts(file, "\x08") && contains(file, "ai.onnx", file.len))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: ONNX models are not read yet", name);
    return leat_error_set(
        err, LEAT_ERROR_FINDING,
        "%s: not a model that is known: neither XGBoost's JSON (begins with '{') nor LightGBM's text (begins "
        "with 'tree')",
        name);
}

/* ---- the life of a model ---- */

static void fill_info(struct leat_model *model)
{
    const struct leat_forest *forest = &model->forest;
    size_t linear_leaves = forest->linear != NULL;
    model->info = (struct leat_model_info){
        .format = forest->format,
        .objective = forest->objective,
        .kernel = model->kernel.name,
        .feature_count = forest->feature_count,
        .feature_names = forest->feature_names,
        .raw_count = forest->raw_count,
        .output_count = leat_forest_outputs(forest),
        .classifier = forest->class_count > 0,
        .class_count = forest->class_count,
        .tree_count = forest->tree_count,
        .node_count = forest->node_count,
        .bytes = sizeof *model + leat_forest_bytes(forest) + model->kernel.arena.allocated,
        .raw_exact = linear_leaves == 0,
        .float32 = forest->arithmetic == LEAT_FLOAT32,
    };
}

int leat_model_load(const char *name, struct leat_bytes file, struct leat_model **ret, struct leat_error *err)
{
    struct leat_model *model = leat_calloc(1, sizeof *model);
    if (load_forest(name, file, &model->forest, err) != 0) {
        leat_forest_done(&model->forest);
        free(model);
        return -1;
    }
    leat_kernel_compile(&model->forest, &model->kernel);
    fill_info(model);
    atomic_init(&model->references, 1);
    *ret = model;
    return 0;
}

struct leat_model *leat_model_ref(struct leat_model *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void leat_model_unref(struct leat_model *model)
{
    if (model == NULL || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
        return;
    leat_kernel_done(&model->kernel);
    leat_forest_done(&model->forest);
    free(model);
}

const struct leat_model_info *leat_model_info(const struct leat_model *model)
{
    return &model->info;
}

/* ---- predicting ---- */

/* Scratch is the sums of one block, then what the kernel lays out. */
static size_t sums_size(const struct leat_model *model, size_t rows)
{
    size_t size = model->forest.arithmetic == LEAT_FLOAT32 ? sizeof(float) : sizeof(double);
    return (rows * model->forest.raw_count * size + 63) / 64 * 64;
}

static size_t block_of(const struct leat_model *model, size_t count)
{
    return count < model->kernel.block ? count : model->kernel.block;
}

size_t leat_model_scratch(const struct leat_model *model, size_t count)
{
    return sums_size(model, block_of(model, count)) + leat_kernel_scratch(&model->kernel, count);
}

void *leat_model_scratch_new(const struct leat_model *model, size_t count)
{
    size_t size = (leat_model_scratch(model, count) + 63) / 64 * 64;
    void *scratch = aligned_alloc(64, size == 0 ? 64 : size);
    leat_assert(scratch != NULL);
    return scratch;
}

static void predict32(const struct leat_model *model, const double *rows, size_t stride, size_t count, double *ret_out,
                      double *ret_raw, void *scratch)
{
    size_t raw_count = model->forest.raw_count;
    float *raw = scratch;
    leat_kernel_run32(&model->kernel, rows, stride, count, raw, (char *)scratch + sums_size(model, count));
    for (size_t row = 0; row < count; row++)
        leat_link32(&model->forest, raw + row * raw_count, ret_out + row * model->info.output_count);
    for (size_t i = 0; ret_raw != NULL && i < count * raw_count; i++)
        ret_raw[i] = (double)raw[i];
}

static void predict64(const struct leat_model *model, const double *rows, size_t stride, size_t count, double *ret_out,
                      double *ret_raw, void *scratch)
{
    size_t raw_count = model->forest.raw_count;
    double *raw = scratch;
    leat_kernel_run64(&model->kernel, rows, stride, count, raw, (char *)scratch + sums_size(model, count));
    for (size_t row = 0; row < count; row++)
        leat_link64(&model->forest, raw + row * raw_count, ret_out + row * model->info.output_count);
    if (ret_raw != NULL)
        memcpy(ret_raw, raw, count * raw_count * sizeof *raw);
}

void leat_model_predict(const struct leat_model *model, const double *rows, size_t stride, size_t count,
                        double *ret_out, double *ret_raw, void *scratch)
{
    const struct leat_model_info *info = &model->info;
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

static void plain32(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw)
{
    float *raw = leat_calloc(model->info.raw_count, sizeof *raw);
    leat_forest_walk32(&model->forest, row, raw);
    leat_link32(&model->forest, raw, ret_out);
    for (size_t i = 0; ret_raw != NULL && i < model->info.raw_count; i++)
        ret_raw[i] = (double)raw[i];
    free(raw);
}

void leat_model_predict_plain(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw)
{
    if (model->info.float32) {
        plain32(model, row, ret_out, ret_raw);
        return;
    }
    double *raw = leat_calloc(model->info.raw_count, sizeof *raw);
    leat_forest_walk64(&model->forest, row, raw);
    leat_link64(&model->forest, raw, ret_out);
    if (ret_raw != NULL)
        memcpy(ret_raw, raw, model->info.raw_count * sizeof *raw);
    free(raw);
}

size_t leat_model_label(const struct leat_model *model, const double *out)
{
    const struct leat_forest *forest = &model->forest;
    if (forest->link == LEAT_LINK_ARGMAX)
        return (size_t)out[0];
    if (forest->raw_count == 1)
        return out[0] > (forest->link == LEAT_LINK_IDENTITY ? 0.0 : 0.5);
    size_t largest = 0;
    for (size_t i = 1; i < model->info.output_count; i++)
        if (out[i] > out[largest])
            largest = i;
    return largest;
}
