#include "model/onnx/tensors.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "model/onnx/compile.h"
#include "model/onnx/runtime.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORK_MAX ((size_t)1 << 36)

/* Which inputs are constants: none, those of at most one dimension, all. The first that compiles is taken. */
#define STAGES 3

struct leat_onnx_tensors {
    struct leat_onnx_file *file;
    uint32_t *places;
    size_t input_count;
    struct leat_graph *graph; /* compiled for the line before */
    char *content;            /* of a file that goes to ONNX Runtime; NULL: it runs here */
    size_t content_length;
    struct leat_graph_input *shapes;
    struct leat_graph_limits limits;
    bool constants;          /* it holds values of that line */
    struct leat_arena arena; /* of a line */
};

int leat_onnx_tensors_new(const char *name, struct leat_bytes file, struct leat_onnx_tensors **ret,
                          struct leat_error *err)
{
    struct leat_onnx_tensors *tensors = leat_calloc(1, sizeof *tensors);
    LEAT_CLEAN_BUFFER unknown = {0};
    int status = leat_onnx_file_read(name, file, &tensors->file, err);
    if (status == 0 && leat_graph_unknown(tensors->file, &unknown)) {
        status = leat_runtime_find(err);
        if (status < 0)
            leat_error_prefix(err, "%s: needs operators that leat does not run: %s. ONNX Runtime would be asked, but",
                              name, leat_buffer_text(&unknown));
        tensors->content = leat_malloc(file.len);
        tensors->content_length = file.len;
        memcpy(tensors->content, file.data, file.len);
    }
    if (status < 0) {
        leat_onnx_tensors_free(tensors);
        return -1;
    }
    tensors->places = leat_calloc(tensors->file->graph.input_count + 1, sizeof *tensors->places);
    tensors->input_count = leat_graph_inputs(tensors->file, tensors->places);
    tensors->shapes = leat_calloc(tensors->input_count + 1, sizeof *tensors->shapes);
    tensors->limits = (struct leat_graph_limits){LEAT_GRAPH_BYTES_MAX, WORK_MAX};
    *ret = tensors;
    return 0;
}

void leat_onnx_tensors_limit(struct leat_onnx_tensors *tensors, size_t bytes, size_t work)
{
    tensors->limits = (struct leat_graph_limits){bytes, work};
}

void leat_onnx_tensors_free(struct leat_onnx_tensors *tensors)
{
    if (tensors == NULL)
        return;
    leat_graph_free(tensors->graph);
    leat_onnx_file_free(tensors->file);
    leat_arena_done(&tensors->arena);
    free(tensors->content);
    free(tensors->places);
    free(tensors->shapes);
    free(tensors);
}

/* ---- reading ---- */

static bool nonfinite(const struct leat_json *node, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } names[] = {{"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", (double)-INFINITY}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (node->type == LEAT_JSON_STRING && leat_bytes_is(node->as.string, names[i].text)) {
            *ret = names[i].value;
            return true;
        }
    return leat_json_number(node, ret);
}

static bool read_uint64(const struct leat_json *node, uint64_t *ret)
{
    int64_t number;
    if (node->type == LEAT_JSON_INT && node->as.integer >= 0) {
        *ret = (uint64_t)node->as.integer;
        return true;
    }
    if (node->type != LEAT_JSON_STRING || node->as.string.len == 0 || node->as.string.len > 20)
        return false;
    if (leat_int_parse(node->as.string, &number) == 0 && number >= 0) {
        *ret = (uint64_t)number;
        return true;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < node->as.string.len; i++) {
        char digit = node->as.string.data[i];
        if (digit < '0' || digit > '9' || sum > (UINT64_MAX - (uint64_t)(digit - '0')) / 10)
            return false;
        sum = sum * 10 + (uint64_t)(digit - '0');
    }
    *ret = sum;
    return true;
}

#define READ_INT(ctype, low, high)                                               \
    do {                                                                         \
        int64_t whole;                                                           \
        if (!leat_json_integer(node, &whole) || whole < (low) || whole > (high)) \
            return false;                                                        \
        ((ctype *)data)[i] = (ctype)whole;                                       \
        return true;                                                             \
    } while (0)

static bool read_element(const struct leat_json *node, enum leat_tensor_type type, void *data, size_t i)
{
    double number;
    switch (type) {
    case LEAT_TENSOR_FLOAT:
        if (!nonfinite(node, &number))
            return false;
        ((float *)data)[i] = (float)number;
        return true;
    case LEAT_TENSOR_DOUBLE:
        return nonfinite(node, &((double *)data)[i]);
    case LEAT_TENSOR_STRING:
        if (node->type != LEAT_JSON_STRING)
            return false;
        ((struct leat_bytes *)data)[i] = node->as.string;
        return true;
    case LEAT_TENSOR_BOOL:
        if (node->type != LEAT_JSON_BOOL)
            return false;
        ((uint8_t *)data)[i] = node->as.boolean;
        return true;
    case LEAT_TENSOR_UINT64:
        return read_uint64(node, &((uint64_t *)data)[i]);
    case LEAT_TENSOR_INT64:
        READ_INT(int64_t, INT64_MIN, INT64_MAX);
    case LEAT_TENSOR_INT32:
        READ_INT(int32_t, INT32_MIN, INT32_MAX);
    case LEAT_TENSOR_INT16:
        READ_INT(int16_t, INT16_MIN, INT16_MAX);
    case LEAT_TENSOR_INT8:
        READ_INT(int8_t, INT8_MIN, INT8_MAX);
    case LEAT_TENSOR_UINT32:
        READ_INT(uint32_t, 0, UINT32_MAX);
    case LEAT_TENSOR_UINT16:
        READ_INT(uint16_t, 0, UINT16_MAX);
    case LEAT_TENSOR_UINT8:
        READ_INT(uint8_t, 0, UINT8_MAX);
    default:
        return false;
    }
}

/* Dims by the first element of each level; what an empty array does not show is as declared, or 0. */
static int read_dims(const struct leat_json *node, const struct leat_onnx_value *declared, struct leat_graph_input *ret,
                     struct leat_error *err)
{
    bool empty = false;
    ret->rank = 0;
    for (; !empty && node->type == LEAT_JSON_ARRAY; node = node->count > 0 ? &node->as.elements[0] : node) {
        if (ret->rank == LEAT_RANK_MAX)
            return leat_error_set(err, LEAT_ERROR_FINDING, "arrays deeper than %d", LEAT_RANK_MAX);
        ret->dims[ret->rank++] = node->count;
        empty = node->count == 0;
    }
    while (empty && declared->has_shape && ret->rank < declared->rank) {
        ret->dims[ret->rank] = declared->dims[ret->rank] < 0 ? 0 : declared->dims[ret->rank];
        ret->rank++;
    }
    if (!declared->has_shape)
        return 0;
    if (ret->rank != declared->rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%u dimensions; it is declared with %u", ret->rank,
                              declared->rank);
    for (uint32_t i = 0; i < ret->rank; i++)
        if (declared->dims[i] >= 0 && declared->dims[i] != ret->dims[i])
            return leat_error_set(err, LEAT_ERROR_FINDING, "dimension %u is %" PRId64 "; it is declared as %" PRId64, i,
                                  ret->dims[i], declared->dims[i]);
    return 0;
}

static int read_level(const struct leat_json *node, const struct leat_graph_input *shape, uint32_t level, void *data,
                      size_t *at, struct leat_error *err)
{
    if (level == shape->rank) {
        if (!read_element(node, shape->type, data, *at))
            return leat_error_set(err, LEAT_ERROR_FINDING, "element %zu is not a value of type %s", *at,
                                  leat_tensor_type_name(shape->type));
        ++*at;
        return 0;
    }
    if (node->type != LEAT_JSON_ARRAY || node->count != shape->dims[level])
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "before element %zu: arrays of the same level must have the same length", *at);
    for (uint32_t i = 0; i < node->count; i++)
        if (read_level(&node->as.elements[i], shape, level + 1, data, at, err) < 0)
            return -1;
    return 0;
}

/* Types that no line can help. */
static int check_held(const struct leat_onnx_value *declared, struct leat_error *err)
{
    enum leat_tensor_type type = (enum leat_tensor_type)declared->type;
    if (declared->other != NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: input '%s' is %s", declared->name,
                              declared->other);
    if (leat_tensor_type_size(type) == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: input '%s' is of type %s", declared->name,
                              leat_tensor_type_name(type));
    return 0;
}

static int read_tensor(struct leat_arena *arena, const struct leat_json *node, const struct leat_onnx_value *declared,
                       struct leat_graph_input *ret, struct leat_error *err)
{
    size_t count, at = 0;
    ret->type = (enum leat_tensor_type)declared->type;
    size_t size = leat_tensor_type_size(ret->type);
    if (read_dims(node, declared, ret, err) < 0 || leat_tensor_elements(ret->rank, ret->dims, &count, err) < 0)
        return -1;
    void *data = leat_arena_zalloc(arena, count + 1, size);
    ret->constant = data;
    return count == 0 ? 0 : read_level(node, ret, 0, data, &at, err);
}

static const struct leat_onnx_value *declared_input(const struct leat_onnx_tensors *tensors, size_t i)
{
    return &tensors->file->graph.inputs[tensors->places[i]];
}

static int unknown_input(const struct leat_onnx_tensors *tensors, struct leat_bytes name, struct leat_error *err)
{
    const char **names = leat_calloc(tensors->input_count + 1, sizeof *names);
    for (size_t i = 0; i < tensors->input_count; i++)
        names[i] = declared_input(tensors, i)->name;
    const char *nearest = leat_nearest(name, names, tensors->input_count);
    free(names);
    return leat_error_set(err, LEAT_ERROR_FINDING, "the graph has no input '%.100s'%s%s%s", name.data,
                          nearest == NULL ? "" : "; the nearest is '", nearest == NULL ? "" : nearest,
                          nearest == NULL ? "" : "'");
}

static bool is_input(const struct leat_onnx_tensors *tensors, struct leat_bytes name)
{
    for (size_t i = 0; i < tensors->input_count; i++)
        if (leat_bytes_is(name, declared_input(tensors, i)->name))
            return true;
    return false;
}

static int read_line(struct leat_onnx_tensors *tensors, const struct leat_json *root, struct leat_graph_input *ret,
                     struct leat_error *err)
{
    if (root->type != LEAT_JSON_OBJECT)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a line is an object of tensors by input name, not %s",
                              leat_json_type_name(root->type));
    for (size_t i = 0; i < tensors->input_count; i++)
        if (check_held(declared_input(tensors, i), err) < 0)
            return -1;
    for (uint32_t i = 0; i < root->count; i++)
        if (!is_input(tensors, root->as.members[i].name))
            return unknown_input(tensors, root->as.members[i].name, err);
    for (size_t i = 0; i < tensors->input_count; i++) {
        const struct leat_onnx_value *declared = declared_input(tensors, i);
        const struct leat_json *node = leat_json_get(root, declared->name);
        if (node == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "the graph's input '%s' is not there", declared->name);
        if (read_tensor(&tensors->arena, node, declared, &ret[i], err) < 0)
            return leat_error_prefix(err, "input '%s'", declared->name);
    }
    return 0;
}

/* ---- writing ---- */

static void put_number(struct leat_buffer *out, double number, int digits)
{
    if (isfinite(number))
        leat_buffer_format(out, "%.*g", digits, number);
    else
        leat_buffer_append_text(out, isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void put_element(struct leat_buffer *out, const struct leat_tensor *tensor, const void *data, size_t i)
{
    switch (tensor->type) {
    case LEAT_TENSOR_FLOAT:
        put_number(out, (double)((const float *)data)[i], 9);
        return;
    case LEAT_TENSOR_DOUBLE:
        put_number(out, ((const double *)data)[i], 17);
        return;
    case LEAT_TENSOR_STRING:
        leat_json_put_string(out, ((const struct leat_bytes *)data)[i]);
        return;
    case LEAT_TENSOR_BOOL:
        leat_buffer_append_text(out, ((const uint8_t *)data)[i] != 0 ? "true" : "false");
        return;
    case LEAT_TENSOR_UINT64:
        leat_buffer_format(out, "%" PRIu64, ((const uint64_t *)data)[i]);
        return;
    case LEAT_TENSOR_INT64:
        leat_json_put_int(out, ((const int64_t *)data)[i]);
        return;
    case LEAT_TENSOR_INT32:
        leat_json_put_int(out, ((const int32_t *)data)[i]);
        return;
    case LEAT_TENSOR_UINT32:
        leat_json_put_int(out, ((const uint32_t *)data)[i]);
        return;
    case LEAT_TENSOR_INT16:
        leat_json_put_int(out, ((const int16_t *)data)[i]);
        return;
    case LEAT_TENSOR_UINT16:
        leat_json_put_int(out, ((const uint16_t *)data)[i]);
        return;
    case LEAT_TENSOR_INT8:
        leat_json_put_int(out, ((const int8_t *)data)[i]);
        return;
    case LEAT_TENSOR_UINT8:
        leat_json_put_int(out, ((const uint8_t *)data)[i]);
        return;
    default:
        leat_buffer_append_text(out, "null");
    }
}

static void put_level(struct leat_buffer *out, const struct leat_tensor *tensor, const void *data, uint32_t level,
                      size_t *at)
{
    if (level == tensor->rank) {
        put_element(out, tensor, data, (*at)++);
        return;
    }
    leat_buffer_append_char(out, '[');
    /* Empty levels below an empty one are not shown. */
    for (int64_t i = 0; i < tensor->dims[level] && !out->failed; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        put_level(out, tensor, data, level + 1, at);
    }
    leat_buffer_append_char(out, ']');
}

static void put_key(struct leat_buffer *out, const struct leat_node *zipmap, size_t i)
{
    size_t ints, texts;
    const int64_t *numbers = leat_node_ints(zipmap, "classlabels_int64s", &ints);
    const struct leat_bytes *names = leat_node_texts(zipmap, "classlabels_strings", &texts);
    if (i < texts)
        leat_json_put_string(out, names[i]);
    else
        leat_buffer_format(out, "\"%" PRId64 "\"", i < ints ? numbers[i] : (int64_t)i);
}

static void put_maps(struct leat_buffer *out, const struct leat_tensor *tensor, const void *data,
                     const struct leat_node *zipmap)
{
    size_t columns = tensor->rank == 0 ? 1 : (size_t)tensor->dims[tensor->rank - 1];
    leat_buffer_append_char(out, '[');
    for (size_t i = 0; i < tensor->count && !out->failed; i++) {
        size_t column = i % columns;
        leat_buffer_append_text(out, column > 0 ? ", " : i > 0 ? ", {" : "{");
        put_key(out, zipmap, column);
        leat_buffer_append_text(out, ": ");
        put_element(out, tensor, data, i);
        leat_buffer_append_text(out, column + 1 == columns ? "}" : "");
    }
    leat_buffer_append_char(out, ']');
}

/* Of the graph, or else of ONNX Runtime. */
static void put_outputs(const struct leat_onnx_tensors *tensors, const struct leat_runtime *runtime,
                        const struct leat_run *run, struct leat_buffer *out)
{
    uint32_t count = runtime != NULL ? leat_runtime_output_count(runtime) : leat_graph_output_count(tensors->graph);
    leat_buffer_append_char(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        const struct leat_node *zipmap = NULL;
        const struct leat_tensor *tensor = runtime != NULL ? leat_runtime_output(runtime, i)
                                                           : leat_graph_output(tensors->graph, i, &zipmap);
        const void *data = leat_tensor_data(run, tensor);
        size_t at = 0;
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        leat_json_put_string(out, leat_bytes_of(tensors->file->graph.outputs[i].name));
        leat_buffer_append_text(out, ": ");
        if (zipmap != NULL)
            put_maps(out, tensor, data, zipmap);
        else
            put_level(out, tensor, data, 0, &at);
    }
    leat_buffer_append_char(out, '}');
}

/* ---- running ---- */

static bool fits(const struct leat_onnx_tensors *tensors, const struct leat_graph_input *inputs)
{
    if (tensors->graph == NULL || tensors->constants)
        return false;
    for (size_t i = 0; i < tensors->input_count; i++)
        if (inputs[i].rank != tensors->shapes[i].rank ||
            memcmp(inputs[i].dims, tensors->shapes[i].dims, inputs[i].rank * sizeof inputs[i].dims[0]) != 0)
            return false;
    return true;
}

static bool is_constant(const struct leat_graph_input *input, int stage)
{
    return stage == 2 || (stage == 1 && input->rank <= 1);
}

static int compile(struct leat_onnx_tensors *tensors, const struct leat_graph_input *inputs, struct leat_error *err)
{
    int status = -1;
    leat_graph_free(tensors->graph);
    tensors->graph = NULL;
    for (int stage = 0; stage < STAGES && status < 0; stage++) {
        for (size_t i = 0; i < tensors->input_count; i++) {
            tensors->shapes[i] = inputs[i];
            if (!is_constant(&inputs[i], stage))
                tensors->shapes[i].constant = NULL;
        }
        tensors->constants = stage > 0;
        status = leat_graph_compile(tensors->file, tensors->shapes, &tensors->limits, NULL, &tensors->graph, err);
        if (status < 0 && strstr(err->text, "does not run here: ") == NULL)
            break;
    }
    return status;
}

static void write_inputs(const struct leat_onnx_tensors *tensors, const struct leat_graph_input *inputs, char *scratch)
{
    for (uint32_t i = 0; i < tensors->input_count; i++) {
        const struct leat_tensor *tensor = leat_graph_input(tensors->graph, i);
        if (tensor != NULL && tensor->count > 0)
            memcpy(scratch + tensor->offset, inputs[i].constant, tensor->count * leat_tensor_type_size(tensor->type));
    }
}

static int run_inputs(struct leat_onnx_tensors *tensors, const struct leat_graph_input *inputs, struct leat_buffer *ret,
                      struct leat_error *err)
{
    if (!fits(tensors, inputs) && compile(tensors, inputs, err) < 0)
        return -1;
    struct leat_run run = {aligned_alloc(64, leat_graph_scratch(tensors->graph)), NULL};
    leat_assert(run.scratch != NULL);
    write_inputs(tensors, inputs, run.scratch);
    const char *trouble = leat_graph_run(tensors->graph, run.scratch);
    if (trouble == NULL)
        put_outputs(tensors, NULL, &run, ret);
    free(run.scratch);
    if (ret->failed)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the answer takes more than %zu bytes", ret->max);
    return trouble == NULL ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "%s", trouble);
}

/* With the line's values as constants, so that outputs have the shapes that they have for them. */
static int run_elsewhere(const struct leat_onnx_tensors *tensors, const struct leat_graph_input *inputs,
                         struct leat_buffer *ret, struct leat_error *err)
{
    const struct leat_bytes content = {tensors->content, tensors->content_length};
    struct leat_runtime *runtime = NULL;
    if (leat_runtime_new(content, tensors->file, inputs, &runtime, err) < 0)
        return -1;
    struct leat_run run = {aligned_alloc(64, leat_runtime_scratch(runtime) + 64), NULL};
    leat_assert(run.scratch != NULL);
    const char *trouble = leat_runtime_run(runtime, run.scratch);
    if (trouble == NULL)
        put_outputs(tensors, runtime, &run, ret);
    free(run.scratch);
    leat_runtime_free(runtime);
    return trouble == NULL ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "%s", trouble);
}

int leat_onnx_tensors_run(struct leat_onnx_tensors *tensors, struct leat_bytes line, struct leat_buffer *ret,
                          struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    if (leat_json_parse(line, LEAT_JSON_NONFINITE, &document, err) < 0)
        return -1;
    struct leat_graph_input *inputs = leat_calloc(tensors->input_count + 1, sizeof *inputs);
    leat_arena_reset(&tensors->arena);
    int status = read_line(tensors, leat_json_root(document), inputs, err);
    if (status == 0)
        status = tensors->content != NULL ? run_elsewhere(tensors, inputs, ret, err)
                                          : run_inputs(tensors, inputs, ret, err);
    if (tensors->constants) { /* they are gone with the line */
        leat_graph_free(tensors->graph);
        tensors->graph = NULL;
    }
    free(inputs);
    leat_json_free(document);
    return status;
}
