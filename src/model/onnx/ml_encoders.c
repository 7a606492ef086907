/* LabelEncoder, CategoryMapper and OneHotEncoder: one value for another by a table. */
#include "base/map.h"
#include "model/onnx/operands.h"
#include "model/onnx/ops_ml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From keys to the places of their values. Numbers are keyed by their bits: whole ones as int64, others as double
 * with one zero and one NaN. */
struct encoder {
    struct leat_map *places;
    enum leat_tensor_type key_type, value_type;
    bool nan_is_a_key; /* or else never found */
    const void *values;
    union {
        int64_t integer;
        double number; /* wide enough for all */
        struct leat_bytes text;
        char bytes[16];
    } otherwise;
    size_t value_size;
    size_t rows;  /* OneHotEncoder: */
    size_t count; /* of categories */
    bool unseen_fails;
};

static void release(void *map)
{
    leat_map_free(map);
}

static struct encoder *encoder_new(struct leat_graph *graph, struct leat_node *node)
{
    struct encoder *encoder = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *encoder);
    encoder->places = leat_map_new();
    leat_graph_keep(graph, encoder->places, release);
    node->state = encoder;
    return encoder;
}

/* ---- keys ---- */

static double canonical(double x)
{
    return isnan(x) ? (double)NAN : x == 0 ? 0 : x;
}

/* The i-th element as a key; `buffer` is where a number's bits are put. */
static struct leat_bytes key_of(enum leat_tensor_type type, const void *data, size_t i, void *buffer)
{
    int64_t integer = 0;
    double number = 0;
    switch (type) {
    case LEAT_TENSOR_STRING:
        return ((const struct leat_bytes *)data)[i];
    case LEAT_TENSOR_FLOAT:
        number = canonical((double)((const float *)data)[i]);
        break;
    case LEAT_TENSOR_DOUBLE:
        number = canonical(((const double *)data)[i]);
        break;
    case LEAT_TENSOR_INT16:
        integer = ((const int16_t *)data)[i];
        break;
    case LEAT_TENSOR_INT32:
        integer = ((const int32_t *)data)[i];
        break;
    default:
        integer = ((const int64_t *)data)[i];
    }
    memcpy(buffer, leat_type_is_float(type) ? (const void *)&number : (const void *)&integer, sizeof integer);
    return (struct leat_bytes){buffer, sizeof integer};
}

static bool is_nan(enum leat_tensor_type type, const void *data, size_t i)
{
    if (type == LEAT_TENSOR_FLOAT)
        return isnan(((const float *)data)[i]);
    return type == LEAT_TENSOR_DOUBLE && isnan(((const double *)data)[i]);
}

/* A repeated key means its last value. */
static void add_keys(struct encoder *encoder, const void *keys, size_t count)
{
    int64_t buffer;
    for (size_t i = 0; i < count; i++)
        if (encoder->nan_is_a_key || !is_nan(encoder->key_type, keys, i))
            *leat_map_put(encoder->places, key_of(encoder->key_type, keys, i, &buffer), NULL) = i;
}

/* ---- LabelEncoder and CategoryMapper ---- */

static void run_encoder(const struct leat_node *node, struct leat_run *run)
{
    const struct encoder *encoder = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    const void *in = leat_tensor_data(run, x);
    char *out = leat_node_out(node, run, 0);
    size_t size = encoder->value_size;
    int64_t buffer;
    for (size_t i = 0; i < x->count; i++) {
        const uint64_t *place = leat_map_find(encoder->places, key_of(encoder->key_type, in, i, &buffer));
        const void *value = place == NULL ? encoder->otherwise.bytes : (const char *)encoder->values + *place * size;
        memcpy(out + i * size, value, size);
    }
}

static int finish_encoder(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct encoder *encoder = node->state;
    encoder->value_size = leat_tensor_type_size(encoder->value_type);
    node->run = run_encoder;
    return leat_node_output_like(graph, node, encoder->value_type, leat_node_input(node, 0), err);
}

static const struct {
    enum leat_tensor_type type;
    const char *keys, *values;
} lists[] = {
    {LEAT_TENSOR_STRING, "keys_strings", "values_strings"},
    {LEAT_TENSOR_INT64, "keys_int64s", "values_int64s"},
    {LEAT_TENSOR_FLOAT, "keys_floats", "values_floats"},
};

struct listed {
    enum leat_tensor_type type;
    const void *data;
    size_t count;
};

static int read_list(struct leat_graph *graph, const struct leat_node *node, bool keys, struct listed *ret,
                     struct leat_error *err)
{
    const struct leat_tensor *tensor = NULL;
    size_t counts[3] = {0};
    const void *found[3] = {leat_node_texts(node, keys ? lists[0].keys : lists[0].values, &counts[0]),
                            leat_node_ints(node, keys ? lists[1].keys : lists[1].values, &counts[1]),
                            leat_node_floats(node, keys ? lists[2].keys : lists[2].values, &counts[2])};
    *ret = (struct listed){0};
    for (size_t i = 0; i < 3; i++)
        if (found[i] != NULL && counts[i] > 0)
            *ret = (struct listed){lists[i].type, found[i], counts[i]};
    if (ret->data == NULL) {
        if (leat_node_tensor(graph, node, keys ? "keys_tensor" : "values_tensor", &tensor, err) < 0)
            return -1;
        if (tensor != NULL)
            *ret = (struct listed){tensor->type, tensor->data, tensor->count};
    }
    if (ret->data == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has no %s", keys ? "keys" : "values");
    return 0;
}

static int read_default(struct leat_graph *graph, const struct leat_node *node, struct encoder *encoder,
                        struct leat_error *err)
{
    const struct leat_tensor *tensor = NULL;
    if (leat_node_tensor(graph, node, "default_tensor", &tensor, err) < 0)
        return -1;
    if (tensor != NULL && tensor->type == encoder->value_type && tensor->count == 1) {
        memcpy(encoder->otherwise.bytes, tensor->data, leat_tensor_type_size(tensor->type));
        return 0;
    }
    if (tensor != NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "default_tensor is not one %s",
                              leat_tensor_type_name(encoder->value_type));
    int64_t integer = leat_node_int(node, "default_int64", -1);
    float number = leat_node_float(node, "default_float", -0.0f);
    double wide = (double)number;
    int32_t narrow = (int32_t)integer;
    int16_t short_one = (int16_t)integer;
    switch (encoder->value_type) {
    case LEAT_TENSOR_STRING:
        encoder->otherwise.text = leat_node_text(node, "default_string", "_Unused");
        return 0;
    case LEAT_TENSOR_FLOAT:
        memcpy(encoder->otherwise.bytes, &number, sizeof number);
        return 0;
    case LEAT_TENSOR_DOUBLE:
        memcpy(encoder->otherwise.bytes, &wide, sizeof wide);
        return 0;
    case LEAT_TENSOR_INT16:
        memcpy(encoder->otherwise.bytes, &short_one, sizeof short_one);
        return 0;
    case LEAT_TENSOR_INT32:
        memcpy(encoder->otherwise.bytes, &narrow, sizeof narrow);
        return 0;
    default:
        memcpy(encoder->otherwise.bytes, &integer, sizeof integer);
        return 0;
    }
}

static bool is_label(enum leat_tensor_type type)
{
    return type == LEAT_TENSOR_STRING || type == LEAT_TENSOR_INT64 || type == LEAT_TENSOR_FLOAT ||
           type == LEAT_TENSOR_INT32 || type == LEAT_TENSOR_INT16 || type == LEAT_TENSOR_DOUBLE;
}

/* Texts and whole numbers, each by the other: version 1 and CategoryMapper. `numbers` NULL: a text's place. */
static int prepare_pairs(struct leat_graph *graph, struct leat_node *node, const char *texts_name,
                         const char *numbers_name, struct leat_error *err)
{
    struct encoder *encoder = encoder_new(graph, node);
    enum leat_tensor_type type = leat_node_input(node, 0)->type;
    size_t count = 0;
    size_t number_count = 0;
    const struct leat_bytes *texts = leat_node_texts(node, texts_name, &count);
    const int64_t *numbers = numbers_name == NULL ? NULL : leat_node_ints(node, numbers_name, &number_count);
    if (type != LEAT_TENSOR_STRING && type != LEAT_TENSOR_INT64)
        return leat_node_refuse_type(node, 0, err);
    if (texts == NULL)
        count = 0;
    if (numbers_name == NULL) {
        int64_t *places = leat_arena_zalloc(leat_graph_arena(graph), count + 1, sizeof *places);
        for (size_t i = 0; i < count; i++)
            places[i] = (int64_t)i;
        numbers = places;
    } else if (numbers == NULL || number_count != count) {
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s and %s are not of the same length", texts_name, numbers_name);
    }
    bool from_text = type == LEAT_TENSOR_STRING;
    encoder->key_type = type;
    encoder->value_type = from_text ? LEAT_TENSOR_INT64 : LEAT_TENSOR_STRING;
    encoder->values = from_text ? (const void *)numbers : (const void *)texts;
    add_keys(encoder, from_text ? (const void *)texts : (const void *)numbers, count);
    if (read_default(graph, node, encoder, err) < 0)
        return -1;
    return finish_encoder(graph, node, err);
}

int leat_prepare_label_encoder(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    if (node->opset < 2)
        return prepare_pairs(graph, node, "classes_strings", NULL, err);
    struct encoder *encoder = encoder_new(graph, node);
    struct listed keys;
    struct listed values;
    if (read_list(graph, node, true, &keys, err) < 0 || read_list(graph, node, false, &values, err) < 0)
        return -1;
    if (keys.type != leat_node_input(node, 0)->type)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its keys are %s, its input is %s",
                              leat_tensor_type_name(keys.type), leat_tensor_type_name(leat_node_input(node, 0)->type));
    if (!is_label(keys.type) || !is_label(values.type))
        return leat_node_refuse_type(node, 0, err);
    if (keys.count != values.count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu keys and %zu values", keys.count, values.count);
    encoder->key_type = keys.type;
    encoder->value_type = values.type;
    encoder->values = values.data;
    encoder->nan_is_a_key = node->opset >= 4;
    add_keys(encoder, keys.data, keys.count);
    if (read_default(graph, node, encoder, err) < 0)
        return -1;
    return finish_encoder(graph, node, err);
}

int leat_prepare_category_mapper(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    return prepare_pairs(graph, node, "cats_strings", "cats_int64s", err);
}

/* ---- OneHotEncoder ---- */

/* What a cast to int64 gives on this machine and on ONNX Runtime's. */
static int64_t whole(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static struct leat_bytes category_of(enum leat_tensor_type type, const void *data, size_t i, int64_t *buffer)
{
    if (!leat_type_is_float(type))
        return key_of(type, data, i, buffer);
    *buffer = whole(type == LEAT_TENSOR_FLOAT ? (double)((const float *)data)[i] : ((const double *)data)[i]);
    return (struct leat_bytes){(const char *)buffer, sizeof *buffer};
}

static void run_one_hot(const struct leat_node *node, struct leat_run *run)
{
    const struct encoder *encoder = node->state;
    const struct leat_tensor *x = leat_node_input(node, 0);
    const void *in = leat_tensor_data(run, x);
    float *out = leat_node_out(node, run, 0);
    int64_t buffer;
    memset(out, 0, x->count * encoder->count * sizeof *out);
    for (size_t i = 0; i < x->count; i++) {
        const uint64_t *place = leat_map_find(encoder->places, category_of(x->type, in, i, &buffer));
        if (place != NULL)
            out[i * encoder->count + *place] = 1;
        else if (encoder->unseen_fails)
            leat_run_fail(run, "OneHotEncoder: a category that was not seen in training");
    }
}

int leat_prepare_one_hot(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct encoder *encoder = encoder_new(graph, node);
    const struct leat_tensor *x = leat_node_input(node, 0);
    bool text = x->type == LEAT_TENSOR_STRING;
    const void *categories = text ? (const void *)leat_node_texts(node, "cats_strings", &encoder->count)
                                  : (const void *)leat_node_ints(node, "cats_int64s", &encoder->count);
    if (!is_label(x->type) || x->type == LEAT_TENSOR_INT16)
        return leat_node_refuse_type(node, 0, err);
    if (categories == NULL || encoder->count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has no %s for its input",
                              text ? "cats_strings" : "cats_int64s");
    if (x->rank + 1 > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input has %u dimensions", x->rank);
    encoder->key_type = text ? LEAT_TENSOR_STRING : LEAT_TENSOR_INT64;
    encoder->unseen_fails = leat_node_int(node, "zeros", 1) == 0;
    add_keys(encoder, categories, encoder->count);
    int64_t dims[LEAT_RANK_MAX] = {0};
    memcpy(dims, x->dims, x->rank * sizeof *dims);
    dims[x->rank] = (int64_t)encoder->count;
    node->run = run_one_hot;
    return leat_node_output(graph, node, 0, LEAT_TENSOR_FLOAT, x->rank + 1, dims, err);
}
