/* A loaded model: which kind it is of, and what all kinds share. */
#include "model/model.h"

#include "base/arena.h"
#include "base/map.h"
#include "model/forest.h"
#include "model/kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int load_forest(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                       struct leat_forest *ret, struct leat_error *err)
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
        return leat_xgboost_load(name, file, options, ret, err);
    if (starts(text, "{") && contains(text, "\"scale_and_bias\"", text.len) && !contains(text, "\"learner\"", text.len))
        return leat_catboost_load(name, text, ret, err);
    if (starts(text, "{"))
        return leat_xgboost_load(name, text, options, ret, err);
    if (starts(text, "CBM1"))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "%s: CatBoost's binary format is not read; save the model with "
                              "save_model(…, format=\"json\", pool=pool)",
                              name);
    if (starts(text, "binf") || starts(text, "\x80"))
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "%s: %s is not read; save the model as data: XGBoost's .json or .ubj, LightGBM's .txt, CatBoost's .json, "
            "ONNX, or linear JSON; the Python package's leat.save does so, of scikit-learn's models too",
            name, text.data[0] == 'b' ? "XGBoost's old binary format" : "a Python pickle");
    return leat_error_set(
        err, LEAT_ERROR_FINDING,
        "%s: not a model that is known: neither XGBoost's JSON or UBJSON, nor LightGBM's text (begins with 'tree'), "
        "nor CatBoost's JSON, nor ONNX, nor a linear model's JSON",
        name);
}

/* ---- the life of a model ---- */

/* A protobuf ModelProto begins with one of its fields: 1 and 5 are numbers, the others have a length, and fit into the
 * file. No other format begins so. The graph need not fit: a file that was cut off is told as what it was. */
static bool is_onnx(struct leat_bytes file)
{
    static const char *const fields[] = {"\x08", "\x28", ":", "\x12",     "\x1a",    "\x22",
                                         "\x32", "B",    "r", "\xa2\x01", "\xca\x01"};
    uint64_t len = 0;
    size_t i = 0;
    while (i < sizeof fields / sizeof fields[0] && !starts(file, fields[i]))
        i++;
    if (i < 3)
        return true;
    if (i == sizeof fields / sizeof fields[0])
        return false;
    size_t at = strlen(fields[i]);
    for (unsigned shift = 0; at < file.len && shift < 63; shift += 7) {
        unsigned char byte = (unsigned char)file.data[at++];
        len |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return len <= file.len - at;
    }
    return false;
}

static bool is_linear(struct leat_bytes file)
{
    return starts(skip_space(file), "{") && contains(file, "\"leat_model\"", file.len);
}

static int load(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                struct leat_model **ret, struct leat_error *err)
{
    struct leat_forest forest = {0};
    if (file.len <= LEAT_MODEL_BYTES_MAX && is_onnx(file))
        return leat_onnx_load(name, file, ret, err);
    if (file.len <= LEAT_MODEL_BYTES_MAX && is_linear(file))
        return leat_linear_load(name, file, ret, err);
    if (load_forest(name, file, options, &forest, err) != 0) {
        leat_forest_done(&forest);
        return -1;
    }
    return leat_forest_model_new(&forest, ret, err);
}

/* A file's own names may be told again; those that are no more than 0, 1, … may be replaced. */
static int check_class_names(const struct leat_model_info *info, const struct leat_model_options *options,
                             struct leat_error *err)
{
    size_t differing = info->class_count;
    bool places = true;
    for (size_t i = info->class_names == NULL ? 0 : info->class_count; i-- > 0;) {
        char place[24];
        snprintf(place, sizeof place, "%zu", i);
        places = places && strcmp(info->class_names[i], place) == 0;
        differing = strcmp(info->class_names[i], options->class_names[i]) == 0 ? differing : i;
    }
    if (places || differing == info->class_count)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "class %zu is told to be '%.60s', but the file itself calls it '%.60s'", differing,
                          options->class_names[differing], info->class_names[differing]);
}

/* An answer is asked for by its class's name, so each is told once and is not empty. */
static int check_told_names(const struct leat_model_options *options, struct leat_error *err)
{
    struct leat_map *places = leat_map_new();
    int status = 0;
    for (size_t i = 0; status == 0 && i < options->class_count; i++) {
        const char *name = options->class_names[i];
        uint64_t *place = leat_map_put(places, leat_bytes_of(name), NULL);
        if (name[0] == '\0')
            status = leat_error_set(err, LEAT_ERROR_FINDING, "the name of class %zu is empty", i);
        else if (*place != 0)
            status = leat_error_set(err, LEAT_ERROR_FINDING, "classes %zu and %zu have the same name, '%.60s'",
                                    (size_t)*place - 1, i, name);
        *place = i + 1;
    }
    leat_map_free(places);
    return status;
}

/* The names that the options tell, behind their pointers in one block. */
static int take_class_names(struct leat_model *model, const struct leat_model_options *options, struct leat_error *err)
{
    struct leat_model_info *info = &model->info;
    size_t size = options->class_count * sizeof(char *);
    if (options->class_names == NULL)
        return 0;
    if (info->class_count != options->class_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu class names are told, but the model has %zu classes",
                              options->class_count, info->class_count);
    if (check_told_names(options, err) != 0 || check_class_names(info, options, err) != 0)
        return -1;
    for (size_t i = 0; i < options->class_count; i++)
        size += strlen(options->class_names[i]) + 1;
    model->class_names = leat_malloc(size);
    char *text = (char *)(model->class_names + options->class_count);
    for (size_t i = 0; i < options->class_count; i++) {
        model->class_names[i] = text;
        text = stpcpy(text, options->class_names[i]) + 1;
    }
    if (info->output_names == info->class_names && info->output_names != NULL)
        info->output_names = (const char *const *)model->class_names;
    info->class_names = (const char *const *)model->class_names;
    info->class_numbers = options->class_numbers;
    info->bytes += size;
    return 0;
}

/* An option that would do nothing would leave another model than was asked for. */
static int check_rounds(const struct leat_model *model, const struct leat_model_options *options, struct leat_error *err)
{
    const char *format = model->info.format;
    if (options->rounds == 0 || strncmp(format, "xgboost", strlen("xgboost")) == 0)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "%zu rounds are asked for, but only XGBoost's models are cut to their first ones here, and this "
                          "is %s; save it with the rounds that count",
                          options->rounds, format);
}

/* A small file can declare so many features and margins that no memory holds a contribution for each pair. */
static void limit_explanation(struct leat_model_info *info)
{
    if (info->margin_count > LEAT_CONTRIBUTIONS_MAX / (info->feature_count + 1))
        info->explanation = NULL;
}

int leat_model_load(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                    struct leat_model **ret, struct leat_error *err)
{
    const struct leat_model_options none = {0};
    struct leat_model *model = NULL;
    options = options == NULL ? &none : options;
    if (load(name, file, options, &model, err) != 0)
        return leat_error_one_line(err);
    if (check_rounds(model, options, err) != 0 || take_class_names(model, options, err) != 0) {
        leat_model_unref(model);
        (void)leat_error_prefix(err, "%s", name);
        return leat_error_one_line(err);
    }
    limit_explanation(&model->info);
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
    free(model->class_names);
    model->kind->free(model);
}

const struct leat_model_info *leat_model_info(const struct leat_model *model)
{
    return &model->info;
}

const char *leat_feature_kind_name(enum leat_feature_kind kind)
{
    static const char *const names[] = {"number", "text", "category number", "category"};
    return names[kind];
}

/* ---- by kind ---- */

int leat_model_code_text(const struct leat_model *model, size_t feature, struct leat_bytes text, double *ret)
{
    return model->kind->code_text(model, feature, text, ret);
}

int leat_model_code_number(const struct leat_model *model, size_t feature, double number, double *ret)
{
    return model->kind->code_number(model, feature, number, ret);
}

void leat_model_predict(const struct leat_model *model, const double *rows, size_t stride, size_t count,
                        double *ret_out, double *ret_raw, void *scratch)
{
    model->kind->predict(model, rows, stride, count, ret_out, ret_raw, scratch);
}

void leat_model_predict_plain(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw)
{
    model->kind->predict_plain(model, row, ret_out, ret_raw);
}

size_t leat_model_scratch(const struct leat_model *model, size_t count)
{
    return model->kind->scratch(model, count);
}

void *leat_model_scratch_new(const struct leat_model *model, size_t count)
{
    size_t size = (leat_model_scratch(model, count) + 63) / 64 * 64;
    void *scratch = aligned_alloc(64, size == 0 ? 64 : size);
    leat_assert(scratch != NULL);
    return scratch;
}

size_t leat_model_label(const struct leat_model *model, const double *out, const double *raw)
{
    return model->kind->label(model, out, raw);
}

int leat_model_explain(const struct leat_model *model, const double *row, const double *background,
                       size_t background_count, double *ret, void *scratch)
{
    return model->kind->explain(model, row, background, background_count, ret, scratch);
}

size_t leat_model_explain_scratch(const struct leat_model *model)
{
    return model->kind->explain_scratch(model);
}
