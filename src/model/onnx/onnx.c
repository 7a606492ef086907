/* A graph as a model: rows in, outputs and labels out.
 *
 * Inputs become features: each has one row a row of ours, its elements are features in order. The graph is compiled
 * for one row and, when no row depends on another, for a block of rows. Texts come as codes: place in a table of all
 * texts that are in the file, since graphs only compare them; a text that is not in it stands for all others. */
#include "base/map.h"
#include "model/categories.h"
#include "model/explain.h"
#include "model/kind.h"
#include "model/onnx/compile.h"
#include "model/onnx/onnx.h"
#include "model/onnx/runtime.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 32
#define ROW_BYTES_MAX ((size_t)64 << 20)
#define ROW_WORK_MAX ((size_t)1 << 30)
#define WIDTH_MAX ((size_t)1 << 20)

struct column_range {
    uint32_t tensor; /* which input or output */
    size_t first, width;
};

struct onnx_model {
    struct leat_model model;
    struct leat_onnx_file *file;
    struct leat_arena arena;
    struct leat_graph *single;
    struct leat_runtime *runtime; /* instead, if not NULL */
    struct leat_graph *block;     /* NULL: rows are not independent, or it could not be told */
    struct column_range *inputs;
    size_t input_count;
    struct column_range *outputs; /* those that are `out` */
    size_t output_count;
    int64_t label_output; /* -1: none */
    struct leat_tensor classes;
    struct leat_bytes *texts; /* by code; the last is the text that is none of the others */
    size_t text_count;
    struct leat_categories *categories;
};

static const struct onnx_model *onnx_model(const struct leat_model *model)
{
    return (const struct onnx_model *)model;
}

static const struct leat_onnx_value *declared_input(const struct onnx_model *model, size_t i)
{
    return &model->file->graph.inputs[model->inputs[i].tensor];
}

/* ---- a graph of ours or, when `graph` is NULL, ONNX Runtime ---- */

static const struct leat_tensor *input_of(const struct onnx_model *model, const struct leat_graph *graph, size_t i)
{
    return graph != NULL ? leat_graph_input(graph, (uint32_t)i) : leat_runtime_input(model->runtime, (uint32_t)i);
}

static uint32_t output_count(const struct onnx_model *model)
{
    return model->single != NULL ? leat_graph_output_count(model->single) : leat_runtime_output_count(model->runtime);
}

static const struct leat_tensor *output_of(const struct onnx_model *model, const struct leat_graph *graph, uint32_t i)
{
    return graph != NULL ? leat_graph_output(graph, i, NULL) : leat_runtime_output(model->runtime, i);
}

static const char *run_graph(const struct onnx_model *model, const struct leat_graph *graph, char *scratch)
{
    return graph != NULL ? leat_graph_run(graph, scratch) : leat_runtime_run(model->runtime, scratch);
}

/* ---- rows to tensors ---- */

#define WHOLE(ctype, low, high)                                           \
    do {                                                                  \
        if (!(value >= (low) && value < (high)) || value != floor(value)) \
            return false;                                                 \
        ((ctype *)data)[i] = (ctype)value;                                \
        return true;                                                      \
    } while (0)

/* false: the value is none of the type's. */
static bool put_value(const struct onnx_model *model, enum leat_tensor_type type, void *data, size_t i, double value)
{
    switch (type) {
    case LEAT_TENSOR_FLOAT:
        ((float *)data)[i] = (float)value;
        return true;
    case LEAT_TENSOR_DOUBLE:
        ((double *)data)[i] = value;
        return true;
    case LEAT_TENSOR_INT64:
        WHOLE(int64_t, -0x1p63, 0x1p63);
    case LEAT_TENSOR_UINT64:
        WHOLE(uint64_t, 0, 0x1p64);
    case LEAT_TENSOR_INT32:
        WHOLE(int32_t, -0x1p31, 0x1p31);
    case LEAT_TENSOR_UINT32:
        WHOLE(uint32_t, 0, 0x1p32);
    case LEAT_TENSOR_INT16:
        WHOLE(int16_t, -0x1p15, 0x1p15);
    case LEAT_TENSOR_UINT16:
        WHOLE(uint16_t, 0, 0x1p16);
    case LEAT_TENSOR_INT8:
        WHOLE(int8_t, -0x1p7, 0x1p7);
    case LEAT_TENSOR_UINT8:
        WHOLE(uint8_t, 0, 0x1p8);
    case LEAT_TENSOR_BOOL:
        WHOLE(uint8_t, 0, 2);
    case LEAT_TENSOR_STRING:
        if (!(value >= 0 && value < (double)model->text_count))
            return false;
        ((struct leat_bytes *)data)[i] = model->texts[(size_t)value];
        return true;
    default:
        return false;
    }
}

static bool put_input(const struct onnx_model *model, const struct leat_graph *graph, size_t input, const double *rows,
                      size_t stride, size_t count, char *scratch)
{
    const struct column_range *range = &model->inputs[input];
    const struct leat_tensor *tensor = input_of(model, graph, input);
    void *data = scratch + tensor->offset;
    bool good = true;
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < range->width; i++)
            if (!put_value(model, tensor->type, data, row * range->width + i, rows[row * stride + range->first + i]))
                good = false;
    return good;
}

/* ---- tensors to answers ---- */

static double get_value(const struct leat_tensor *tensor, const void *data, size_t i)
{
    switch (tensor->type) {
    case LEAT_TENSOR_FLOAT:
        return (double)((const float *)data)[i];
    case LEAT_TENSOR_DOUBLE:
        return ((const double *)data)[i];
    case LEAT_TENSOR_INT64:
        return (double)((const int64_t *)data)[i];
    case LEAT_TENSOR_UINT64:
        return (double)((const uint64_t *)data)[i];
    case LEAT_TENSOR_INT32:
        return (double)((const int32_t *)data)[i];
    case LEAT_TENSOR_UINT32:
        return (double)((const uint32_t *)data)[i];
    case LEAT_TENSOR_INT16:
        return (double)((const int16_t *)data)[i];
    case LEAT_TENSOR_UINT16:
        return (double)((const uint16_t *)data)[i];
    case LEAT_TENSOR_INT8:
        return (double)((const int8_t *)data)[i];
    case LEAT_TENSOR_UINT8:
    case LEAT_TENSOR_BOOL:
        return (double)((const uint8_t *)data)[i];
    default:
        return (double)NAN;
    }
}

/* The index of a label among the classes, or -1. */
static int64_t class_of(const struct onnx_model *model, const struct leat_tensor *label, const void *data, size_t row)
{
    const struct leat_tensor *classes = &model->classes;
    if (classes->count == 0) {
        double value = get_value(label, data, row);
        return value >= 0 && value < (double)model->model.info.class_count ? (int64_t)value : -1;
    }
    for (size_t i = 0; i < classes->count; i++)
        if (label->type == LEAT_TENSOR_STRING
                ? leat_bytes_equal(((const struct leat_bytes *)data)[row], ((const struct leat_bytes *)classes->data)[i])
                : get_value(label, data, row) == (double)((const int64_t *)classes->data)[i])
            return (int64_t)i;
    return -1;
}

static void get_outputs(const struct onnx_model *model, const struct leat_graph *graph, const struct leat_run *run,
                        size_t row, double *ret)
{
    size_t at = 0;
    for (size_t i = 0; i < model->output_count; i++) {
        const struct leat_tensor *tensor = output_of(model, graph, model->outputs[i].tensor);
        const void *data = leat_tensor_data(run, tensor);
        for (size_t k = 0; k < model->outputs[i].width; k++)
            ret[at++] = get_value(tensor, data, row * model->outputs[i].width + k);
    }
}

static double get_label(const struct onnx_model *model, const struct leat_graph *graph, const struct leat_run *run,
                        size_t row)
{
    const struct leat_tensor *label = output_of(model, graph, (uint32_t)model->label_output);
    int64_t class = class_of(model, label, leat_tensor_data(run, label), row);
    return class < 0 ? (double)NAN : (double)class;
}

static void get_nothing(const struct onnx_model *model, double *ret_out, double *ret_raw)
{
    const struct leat_model_info *info = &model->model.info;
    for (size_t i = 0; i < info->output_count; i++)
        ret_out[i] = (double)NAN;
    for (size_t i = 0; ret_raw != NULL && i < info->raw_count; i++)
        ret_raw[i] = (double)NAN;
}

static void get_row(const struct onnx_model *model, const struct leat_graph *graph, const struct leat_run *run,
                    size_t row, double *ret_out, double *ret_raw)
{
    const struct leat_model_info *info = &model->model.info;
    double label = model->label_output < 0 ? (double)NAN : get_label(model, graph, run, row);
    if (model->label_output >= 0 && isnan(label)) { /* one that is none of the classes has no number here */
        get_nothing(model, ret_out, ret_raw);
        return;
    }
    if (model->output_count > 0)
        get_outputs(model, graph, run, row, ret_out);
    else
        ret_out[0] = label;
    if (ret_raw == NULL)
        return;
    memcpy(ret_raw, ret_out, info->output_count * sizeof *ret_raw);
    if (model->label_output >= 0)
        ret_raw[info->output_count] = label;
}

/* ---- predicting ---- */

static bool run_rows(const struct onnx_model *model, const struct leat_graph *graph, const double *rows, size_t stride,
                     size_t count, double *ret_out, double *ret_raw, char *scratch)
{
    const struct leat_model_info *info = &model->model.info;
    const struct leat_run run = {scratch, NULL};
    for (size_t i = 0; i < model->input_count; i++)
        if (!put_input(model, graph, i, rows, stride, count, scratch))
            return false;
    if (run_graph(model, graph, scratch) != NULL)
        return false;
    for (size_t row = 0; row < count; row++)
        get_row(model, graph, &run, row, ret_out + row * info->output_count,
                ret_raw == NULL ? NULL : ret_raw + row * info->raw_count);
    return true;
}

static void predict_single(const struct onnx_model *model, const double *row, double *ret_out, double *ret_raw,
                           void *scratch)
{
    if (!run_rows(model, model->single, row, 0, 1, ret_out, ret_raw, scratch))
        get_nothing(model, ret_out, ret_raw);
}

static void predict(const struct leat_model *base, const double *rows, size_t stride, size_t count, double *ret_out,
                    double *ret_raw, void *scratch)
{
    const struct onnx_model *model = onnx_model(base);
    const struct leat_model_info *info = &base->info;
    for (size_t row = 0; row < count;) {
        double *out = ret_out + row * info->output_count;
        double *raw = ret_raw == NULL ? NULL : ret_raw + row * info->raw_count;
        const double *at = rows + row * stride;
        if (model->block != NULL && count - row >= BLOCK_ROWS &&
            run_rows(model, model->block, at, stride, BLOCK_ROWS, out, raw, scratch)) {
            row += BLOCK_ROWS;
            continue;
        }
        /* Also when a row of the block failed: only this one has no answer. */
        size_t end = count - row < BLOCK_ROWS ? count : row + BLOCK_ROWS;
        for (; row < end; row++) {
            predict_single(model, rows + row * stride, ret_out + row * info->output_count,
                           ret_raw == NULL ? NULL : ret_raw + row * info->raw_count, scratch);
        }
    }
}

static size_t scratch_of(const struct leat_model *base, size_t count)
{
    const struct onnx_model *model = onnx_model(base);
    size_t single = model->single != NULL ? leat_graph_scratch(model->single) : leat_runtime_scratch(model->runtime);
    size_t block = model->block == NULL || count < BLOCK_ROWS ? 0 : leat_graph_scratch(model->block);
    return single > block ? single : block;
}

static void predict_plain(const struct leat_model *base, const double *row, double *ret_out, double *ret_raw)
{
    void *scratch = leat_model_scratch_new(base, 1);
    predict_single(onnx_model(base), row, ret_out, ret_raw, scratch);
    free(scratch);
}

static size_t label_of(const struct leat_model *base, const double *out, const double *raw)
{
    const struct onnx_model *model = onnx_model(base);
    size_t largest = 0;
    if (model->label_output >= 0 && raw != NULL && !isnan(raw[base->info.output_count]))
        return (size_t)raw[base->info.output_count];
    for (size_t i = 1; i < base->info.output_count && i < base->info.class_count; i++)
        if (out[i] > out[largest])
            largest = i;
    return largest;
}

static int code_text(const struct leat_model *base, size_t feature, struct leat_bytes text, double *ret)
{
    (void)feature;
    return leat_categories_of_text(onnx_model(base)->categories, text, ret);
}

static int code_number(const struct leat_model *base, size_t feature, double number, double *ret)
{
    (void)feature;
    return leat_categories_of_number(onnx_model(base)->categories, number, ret);
}

static void free_model(struct leat_model *base)
{
    struct onnx_model *model = (struct onnx_model *)base;
    leat_graph_free(model->block);
    leat_graph_free(model->single);
    leat_runtime_free(model->runtime);
    leat_categories_free(model->categories);
    leat_onnx_file_free(model->file);
    leat_arena_done(&model->arena);
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
    .explain = leat_explain_occlusion,
    .explain_scratch = leat_explain_occlusion_scratch,
};

/* ---- inputs ---- */

static int find_width(const struct onnx_model *model, const struct leat_onnx_value *input, size_t *ret,
                      struct leat_error *err)
{
    *ret = 1;
    if (input->rank == 1)
        return 0;
    int64_t width = input->dims[1] >= 0 ? input->dims[1] : leat_onnx_width(&model->file->graph, input->name);
    if (width <= 0)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "the number of its columns is left open, and no operator behind it tells; export the "
                              "model with a shape like [None, 8]");
    if ((size_t)width > WIDTH_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%" PRId64 " columns; there may be %zu", width, WIDTH_MAX);
    *ret = (size_t)width;
    return 0;
}

static int check_input(const struct leat_onnx_value *input, struct leat_error *err)
{
    if (input->other != NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: it is %s", input->other);
    if (leat_tensor_type_size((enum leat_tensor_type)input->type) == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: it is of type %s",
                              leat_tensor_type_name((enum leat_tensor_type)input->type));
    if (!input->has_shape)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has no shape; export the model with one, like [None, 8]");
    if (input->rank < 1 || input->rank > 2)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "it has %u dimensions; rows have a shape like [None] or [None, 8]. Whole tensors go "
                              "through 'leat model predict --tensors'",
                              input->rank);
    if (input->dims[0] >= 0 && input->dims[0] != 1)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "its first dimension is always %" PRId64 "; export the model with it left open",
                              input->dims[0]);
    return 0;
}

static int read_inputs(struct onnx_model *model, struct leat_error *err)
{
    const struct leat_onnx_graph *graph = &model->file->graph;
    uint32_t *places = leat_arena_zalloc(&model->arena, graph->input_count + 1, sizeof *places);
    size_t *features = &model->model.info.feature_count;
    model->input_count = leat_graph_inputs(model->file, places);
    model->inputs = leat_arena_zalloc(&model->arena, model->input_count + 1, sizeof *model->inputs);
    for (size_t i = 0; i < model->input_count; i++) {
        const struct leat_onnx_value *input = &graph->inputs[places[i]];
        struct column_range *range = &model->inputs[i];
        *range = (struct column_range){.tensor = places[i], .first = *features};
        if (check_input(input, err) < 0 || find_width(model, input, &range->width, err) < 0)
            return leat_error_prefix(err, "input '%s'", input->name);
        *features += range->width;
        if (*features > WIDTH_MAX)
            return leat_error_set(err, LEAT_ERROR_FINDING, "more than %zu features", WIDTH_MAX);
    }
    if (*features == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the graph has no inputs");
    return 0;
}

static void name_features(struct onnx_model *model)
{
    struct leat_model_info *info = &model->model.info;
    if (model->input_count == 1 && model->inputs[0].width > 1)
        return;
    const char **names = leat_arena_zalloc(&model->arena, info->feature_count, sizeof *names);
    for (size_t i = 0; i < model->input_count; i++) {
        const struct column_range *range = &model->inputs[i];
        const char *name = declared_input(model, i)->name;
        for (size_t k = 0; k < range->width; k++)
            names[range->first + k] = range->width == 1 ? name
                                                        : leat_arena_format(&model->arena, "%.200s[%zu]", name, k);
    }
    info->feature_names = names;
}

static bool is_text(const struct onnx_model *model, size_t input)
{
    return declared_input(model, input)->type == LEAT_TENSOR_STRING;
}

static void describe_features(struct onnx_model *model)
{
    struct leat_model_info *info = &model->model.info;
    struct leat_model_input *inputs = leat_arena_zalloc(&model->arena, model->input_count, sizeof *inputs);
    enum leat_feature_kind *kinds = leat_arena_zalloc(&model->arena, info->feature_count, sizeof *kinds);
    for (size_t i = 0; i < model->input_count; i++) {
        const struct column_range *range = &model->inputs[i];
        inputs[i] = (struct leat_model_input){declared_input(model, i)->name, range->first, range->width};
        for (size_t k = 0; k < range->width && is_text(model, i); k++) {
            kinds[range->first + k] = LEAT_FEATURE_TEXT;
            info->feature_kinds = kinds;
        }
    }
    info->inputs = inputs;
    info->input_count = model->input_count;
    name_features(model);
}

/* ---- texts ---- */

static void add_text(struct leat_map *codes, struct leat_bytes text)
{
    bool new;
    uint64_t code = leat_map_count(codes);
    uint64_t *place = leat_map_put(codes, text, &new);
    if (new)
        *place = code;
}

static void add_texts_of(struct leat_map *codes, const struct leat_tensor *tensor)
{
    for (size_t i = 0; tensor->type == LEAT_TENSOR_STRING && i < tensor->count; i++)
        add_text(codes, ((const struct leat_bytes *)tensor->data)[i]);
}

static void add_texts_of_nodes(struct leat_map *codes, const struct leat_onnx_node *nodes, uint32_t count);

static void add_texts_of_graph(struct leat_map *codes, const struct leat_onnx_graph *graph)
{
    for (uint32_t i = 0; i < graph->initializer_count; i++)
        add_texts_of(codes, &graph->initializers[i]);
    add_texts_of_nodes(codes, graph->nodes, graph->node_count);
}

static void add_texts_of_nodes(struct leat_map *codes, const struct leat_onnx_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < nodes[i].attribute_count; k++) {
            const struct leat_onnx_attribute *attribute = &nodes[i].attributes[k];
            for (size_t t = 0; attribute->texts != NULL && t < attribute->count; t++)
                add_text(codes, attribute->texts[t]);
            if (attribute->kind == LEAT_ONNX_TEXT)
                add_text(codes, attribute->text);
            if (attribute->tensor != NULL)
                add_texts_of(codes, attribute->tensor);
            if (attribute->graph != NULL)
                add_texts_of_graph(codes, attribute->graph);
        }
}

/* A text that is not there: none of n + 1 different ones can all be. */
static struct leat_bytes other_text(struct onnx_model *model, const struct leat_map *codes)
{
    for (size_t i = 0;; i++) {
        struct leat_bytes text = leat_bytes_of(leat_arena_format(&model->arena, "\x01text %zu", i));
        if (leat_map_find(codes, text) == NULL)
            return text;
    }
}

static void collect_texts(struct onnx_model *model)
{
    struct leat_map *codes = leat_map_new();
    size_t iterator = 0;
    struct leat_bytes text;
    uint64_t code;
    add_texts_of_graph(codes, &model->file->graph);
    for (uint32_t i = 0; i < model->file->function_count; i++)
        add_texts_of_nodes(codes, model->file->functions[i].nodes, model->file->functions[i].node_count);
    size_t count = leat_map_count(codes);
    model->text_count = count + 1;
    model->texts = leat_arena_zalloc(&model->arena, count + 1, sizeof *model->texts);
    model->categories = leat_categories_new(LEAT_UNSEEN_CODE, (double)count);
    while (leat_map_next(codes, &iterator, &text, &code)) {
        model->texts[code] = leat_arena_bytes(&model->arena, text);
        leat_categories_add_text(model->categories, text, (double)code);
    }
    model->texts[count] = other_text(model, codes);
    leat_map_free(codes);
}

/* Operators that compare texts, or move them. To others their letters matter, and those of a text that is not in the
 * file are not there. */
static bool keeps_texts(const char *op)
{
    static const char *const names[] = {
        "LabelEncoder", "OneHotEncoder",  "CategoryMapper", "Equal",   "Identity", "Reshape",
        "Concat",       "Gather",         "Unsqueeze",      "Squeeze", "Flatten",  "Transpose",
        "Slice",        "Split",          "Where",          "Expand",  "Tile",     "ArrayFeatureExtractor",
        "GatherND",     "GatherElements", "Shape",          "Size",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], op) == 0)
            return true;
    return false;
}

static int check_texts(const struct leat_graph *graph, struct leat_error *err)
{
    for (size_t i = 0; i < leat_graph_node_count(graph); i++) {
        const struct leat_node *node = leat_graph_node(graph, i);
        for (uint32_t k = 0; k < node->input_count; k++) {
            const struct leat_tensor *input = node->inputs[k];
            if (input == NULL || input->data != NULL || input->type != LEAT_TENSOR_STRING || keeps_texts(node->op->name))
                continue;
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "does not run here: node '%s' (%s) looks into a text, and rows hold texts as "
                                  "categories; whole tensors go through 'leat model predict --tensors'",
                                  node->file->name, node->op->name);
        }
    }
    return 0;
}

/* ---- outputs ---- */

static size_t width_of(const struct leat_tensor *tensor)
{
    return tensor->count; /* of one row */
}

static bool is_float(const struct leat_tensor *tensor)
{
    return tensor->type == LEAT_TENSOR_FLOAT || tensor->type == LEAT_TENSOR_DOUBLE;
}

static void add_output(struct onnx_model *model, uint32_t i)
{
    struct leat_model_info *info = &model->model.info;
    const struct leat_tensor *tensor = output_of(model, model->single, i);
    model->outputs[model->output_count++] = (struct column_range){i, info->output_count, width_of(tensor)};
    info->output_count += width_of(tensor);
}

/* The label is the one output that is a single text or whole number. */
static void find_label(struct onnx_model *model)
{
    size_t found = 0;
    model->label_output = -1;
    for (uint32_t i = 0; i < output_count(model); i++) {
        const struct leat_tensor *tensor = output_of(model, model->single, i);
        if (is_float(tensor) || tensor->type == LEAT_TENSOR_BOOL || width_of(tensor) != 1)
            continue;
        model->label_output = i;
        found++;
    }
    if (found > 1)
        model->label_output = -1;
}

static int text_output(const struct leat_tensor *tensor, struct leat_error *err)
{
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "output '%s' is text, and it is not the label of a classifier with known classes; rows have "
                          "numbers as answers. Whole tensors go through 'leat model predict --tensors'",
                          tensor->name);
}

static int collect_outputs(struct onnx_model *model, struct leat_error *err)
{
    uint32_t count = output_count(model);
    size_t floats = 0;
    model->outputs = leat_arena_zalloc(&model->arena, count + 1, sizeof *model->outputs);
    for (uint32_t i = 0; i < count; i++)
        floats += is_float(output_of(model, model->single, i));
    for (uint32_t i = 0; i < count; i++) {
        const struct leat_tensor *tensor = output_of(model, model->single, i);
        if (i == model->label_output || (floats > 0 && !is_float(tensor)))
            continue;
        if (tensor->type == LEAT_TENSOR_STRING)
            return text_output(tensor, err);
        add_output(model, i);
    }
    return 0;
}

static void name_classes(struct onnx_model *model)
{
    struct leat_model_info *info = &model->model.info;
    const struct leat_tensor *classes = &model->classes;
    const char **names = leat_arena_zalloc(&model->arena, classes->count + 1, sizeof *names);
    info->class_count = classes->count;
    info->class_numbers = classes->type == LEAT_TENSOR_INT64;
    for (size_t i = 0; i < classes->count; i++) {
        if (info->class_numbers)
            names[i] = leat_arena_format(&model->arena, "%" PRId64, ((const int64_t *)classes->data)[i]);
        else
            names[i] = leat_arena_copy(&model->arena, ((const struct leat_bytes *)classes->data)[i].data,
                                       ((const struct leat_bytes *)classes->data)[i].len);
    }
    info->class_names = names;
}

/* Without a list of classes a label is a number from 0, and there are as many as there are columns; else it is a value
 * like others. */
static int describe_label(struct onnx_model *model, struct leat_error *err)
{
    struct leat_model_info *info = &model->model.info;
    if (model->label_output < 0)
        return 0;
    uint32_t output = (uint32_t)model->label_output;
    const struct leat_tensor *label = output_of(model, model->single, output);
    if (model->single != NULL)
        leat_onnx_classes(model->single, output, &model->arena, &model->classes);
    bool text = label->type == LEAT_TENSOR_STRING;
    bool known = model->classes.count > 0 && (model->classes.type == LEAT_TENSOR_STRING) == text;
    if (!known)
        model->classes = (struct leat_tensor){0};
    if (!known && text)
        return text_output(label, err);
    if (!known && info->output_count < 2) {
        model->label_output = -1;
        if (model->output_count == 0)
            add_output(model, output);
        return 0;
    }
    info->classifier = true;
    info->class_count = info->output_count;
    if (known)
        name_classes(model);
    if (model->output_count == 0)
        info->output_count = 1; /* the index of the class */
    info->no_probability = info->output_count != info->class_count;
    return 0;
}

static void name_outputs(struct onnx_model *model)
{
    struct leat_model_info *info = &model->model.info;
    if (info->classifier && info->output_count == info->class_count) {
        info->output_names = info->class_names;
        return;
    }
    if (model->output_count == 0 || (model->output_count == 1 && model->outputs[0].width > 1))
        return;
    const char **names = leat_arena_zalloc(&model->arena, info->output_count, sizeof *names);
    for (size_t i = 0; i < model->output_count; i++) {
        const struct column_range *range = &model->outputs[i];
        const char *name = model->file->graph.outputs[range->tensor].name;
        for (size_t k = 0; k < range->width; k++)
            names[range->first + k] = range->width == 1 ? name
                                                        : leat_arena_format(&model->arena, "%.200s[%zu]", name, k);
    }
    info->output_names = names;
}

static int read_outputs(struct onnx_model *model, struct leat_error *err)
{
    struct leat_model_info *info = &model->model.info;
    find_label(model);
    if (collect_outputs(model, err) < 0 || describe_label(model, err) < 0)
        return -1;
    if (info->output_count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the graph has no outputs");
    if (info->output_count > WIDTH_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu outputs a row; there may be %zu", info->output_count,
                              WIDTH_MAX);
    name_outputs(model);
    info->margin_count = info->output_count;
    info->raw_count = info->margin_count + (model->label_output >= 0);
    info->float32 = true;
    for (size_t i = 0; i < model->output_count; i++)
        if (output_of(model, model->single, model->outputs[i].tensor)->type != LEAT_TENSOR_FLOAT)
            info->float32 = false;
    info->tolerance = info->float32 ? 1e-5 : 1e-12;
    return 0;
}

/* ---- compiling ---- */

static struct leat_graph_input *shapes_of(const struct onnx_model *model, int64_t rows)
{
    struct leat_graph_input *inputs = leat_calloc(model->input_count + 1, sizeof *inputs);
    for (size_t i = 0; i < model->input_count; i++) {
        const struct leat_onnx_value *declared = declared_input(model, i);
        inputs[i] = (struct leat_graph_input){
            .type = (enum leat_tensor_type)declared->type,
            .rank = declared->rank,
            .dims = {rows, (int64_t)model->inputs[i].width},
            .carries_row = true,
        };
    }
    return inputs;
}

/* What is folded may take as much as the long constants of the file do, besides the buffers. */
static int compile(const struct onnx_model *model, int64_t rows, const struct leat_graph *twin, struct leat_graph **ret,
                   struct leat_error *err)
{
    const struct leat_graph_limits limits = {ROW_BYTES_MAX + model->file->long_bytes, ROW_WORK_MAX};
    struct leat_graph_input *inputs = shapes_of(model, rows);
    int status = leat_graph_compile(model->file, inputs, &limits, twin, ret, err);
    free(inputs);
    return status;
}

static bool rows_are_open(const struct onnx_model *model)
{
    for (size_t i = 0; i < model->input_count; i++)
        if (declared_input(model, i)->dims[0] >= 0)
            return false;
    return true;
}

/* A graph that does not go in blocks goes row by row: that is no error. */
static void compile_block(struct onnx_model *model)
{
    struct leat_error ignored;
    if (!rows_are_open(model) || compile(model, BLOCK_ROWS, model->single, &model->block, &ignored) < 0)
        return;
    if (leat_graph_by_row(model->single, model->block, BLOCK_ROWS))
        return;
    leat_graph_free(model->block);
    model->block = NULL;
}

/* What operators have copied need not be there twice. Nothing is compiled after this. */
static void drop_copied(struct onnx_model *model)
{
    for (size_t i = 0; model->single != NULL && i < leat_graph_node_count(model->single); i++)
        if (leat_graph_node(model->single, i)->copied)
            leat_onnx_node_drop(model->file, leat_graph_node(model->single, i)->file);
}

static void fill_info(struct onnx_model *model)
{
    struct leat_model_info *info = &model->model.info;
    size_t count = model->single != NULL ? leat_graph_node_count(model->single) : model->file->graph.node_count;
    info->format = "onnx";
    info->explanation = LEAT_EXPLAIN_OCCLUSION;
    info->objective = model->file->producer[0] == '\0'
                          ? "graph"
                          : leat_arena_format(&model->arena, "graph of %.60s", model->file->producer);
    info->kernel = model->runtime != NULL
                       ? leat_runtime_name(model->runtime)
                       : leat_arena_format(&model->arena, "graph of %zu operator%s, %s", count, count == 1 ? "" : "s",
                                           model->block == NULL ? "row by row" : "in blocks of 32 rows");
    info->node_count = count;
    info->bytes = sizeof *model + model->arena.allocated + leat_onnx_file_bytes(model->file);
    info->bytes += model->single != NULL ? leat_graph_bytes(model->single) : leat_runtime_bytes(model->runtime);
    if (model->block != NULL)
        info->bytes += leat_graph_bytes(model->block);
    if (model->categories != NULL)
        info->bytes += leat_categories_bytes(model->categories);
}

/* Why a graph is not done here, and that it may go elsewhere: true. */
static bool is_elsewhere(const struct leat_error *err)
{
    return strstr(err->text, "does not run here: ") != NULL;
}

static int check_known(const struct onnx_model *model, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER unknown = {0};
    if (!leat_graph_unknown(model->file, &unknown))
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: it needs operators that leat does not have: %s",
                          leat_buffer_text(&unknown));
}

/* To ONNX Runtime, if it is there. */
static int fall_back(struct onnx_model *model, struct leat_bytes content, struct leat_error *err)
{
    struct leat_error other = {0};
    struct leat_graph_input *inputs = shapes_of(model, 1);
    leat_graph_free(model->single);
    model->single = NULL;
    int status = leat_runtime_new(content, model->file, inputs, &model->runtime, &other);
    free(inputs);
    if (status < 0)
        return leat_error_set(err, err->kind, "%.1200s. ONNX Runtime would be asked, but: %.600s", err->text,
                              other.text);
    return 0;
}

static int compile_single(struct onnx_model *model, struct leat_bytes content, struct leat_error *err)
{
    if (check_known(model, err) == 0 && compile(model, 1, NULL, &model->single, err) == 0 &&
        check_texts(model->single, err) == 0)
        return 0;
    return is_elsewhere(err) ? fall_back(model, content, err) : -1;
}

static int build(struct onnx_model *model, struct leat_bytes content, struct leat_error *err)
{
    if (read_inputs(model, err) < 0)
        return -1;
    describe_features(model);
    if (model->model.info.feature_kinds != NULL)
        collect_texts(model);
    if (compile_single(model, content, err) < 0 || read_outputs(model, err) < 0)
        return -1;
    if (model->single != NULL)
        compile_block(model);
    drop_copied(model);
    fill_info(model);
    return 0;
}

int leat_onnx_load(const char *name, struct leat_bytes file, struct leat_model **ret, struct leat_error *err)
{
    struct onnx_model *model = leat_calloc(1, sizeof *model);
    model->model.kind = &kind;
    atomic_init(&model->model.references, 1);
    if (leat_onnx_file_read(name, file, &model->file, err) < 0) {
        free_model(&model->model);
        return -1;
    }
    if (build(model, file, err) < 0) {
        free_model(&model->model);
        return leat_error_prefix(err, "%s", name);
    }
    *ret = &model->model;
    return 0;
}
