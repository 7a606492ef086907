/* What a file does not say outright, found by following its values: how many columns an input has, and which classes a
 * label is one of. */
#include "model/onnx/inside.h"
#include "model/onnx/onnx.h"

#include <math.h>
#include <string.h>

#define TRACE_MAX 32 /* nodes on the way */
#define CLASSES_MAX 4096

/* ---- columns of an input ---- */

static const struct leat_onnx_attribute *attribute_of(const struct leat_onnx_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    return NULL;
}

static size_t count_of(const struct leat_onnx_node *node, const char *name)
{
    const struct leat_onnx_attribute *found = attribute_of(node, name);
    return found == NULL ? 0 : found->count;
}

static const struct leat_tensor *initializer_of(const struct leat_onnx_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->initializer_count; i++)
        if (strcmp(graph->initializers[i].name, name) == 0)
            return &graph->initializers[i];
    return NULL;
}

/* A vector of one number for each column; a single one is for all. */
static int64_t of_vector(size_t count)
{
    return count > 1 ? (int64_t)count : -1;
}

static int64_t of_weights(const struct leat_onnx_graph *graph, const struct leat_onnx_node *node)
{
    const struct leat_tensor *weights = node->input_count > 1 ? initializer_of(graph, node->inputs[1]) : NULL;
    const struct leat_onnx_attribute *transposed = attribute_of(node, "transB");
    if (weights == NULL || weights->rank == 0 || weights->rank > 2)
        return -1;
    return weights->dims[weights->rank == 2 && transposed != NULL && transposed->integer != 0 ? 1 : 0];
}

static int64_t of_vector_input(const struct leat_onnx_graph *graph, const struct leat_onnx_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct leat_tensor *vector = initializer_of(graph, node->inputs[i]);
        if (vector != NULL && vector->rank > 0 && vector->rank <= 2 && vector->dims[vector->rank - 1] > 1)
            return vector->dims[vector->rank - 1];
    }
    return -1;
}

/* At least this many. */
static int64_t of_trees(const struct leat_onnx_node *node)
{
    const struct leat_onnx_attribute *features = attribute_of(node, "nodes_featureids");
    int64_t most = -1;
    for (size_t i = 0; features != NULL && features->ints != NULL && i < features->count; i++)
        if (features->ints[i] > most)
            most = features->ints[i];
    return most < 0 ? -1 : most + 1;
}

static int64_t of_coefficients(const struct leat_onnx_node *node)
{
    const struct leat_onnx_attribute *targets = attribute_of(node, "targets");
    size_t rows = targets != NULL && targets->integer > 1 ? (size_t)targets->integer : 1;
    if (strcmp(node->op, "LinearClassifier") == 0)
        rows = count_of(node, "intercepts");
    size_t coefficients = count_of(node, "coefficients");
    return rows == 0 || coefficients % rows != 0 ? -1 : (int64_t)(coefficients / rows);
}

static int64_t told_by(const struct leat_onnx_graph *graph, const struct leat_onnx_node *node)
{
    static const char *const vectors[] = {"Add", "Sub", "Mul", "Div"};
    if (strcmp(node->op, "MatMul") == 0 || strcmp(node->op, "Gemm") == 0)
        return of_weights(graph, node);
    if (strcmp(node->op, "Scaler") == 0)
        return of_vector(count_of(node, "scale"));
    if (strcmp(node->op, "Imputer") == 0)
        return of_vector(count_of(node, "imputed_value_floats") + count_of(node, "imputed_value_int64s"));
    if (strcmp(node->op, "LinearRegressor") == 0 || strcmp(node->op, "LinearClassifier") == 0)
        return of_coefficients(node);
    if (strncmp(node->op, "TreeEnsemble", 12) == 0)
        return of_trees(node);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        if (strcmp(vectors[i], node->op) == 0)
            return of_vector_input(graph, node);
    return -1;
}

static bool keeps_columns(const char *op)
{
    static const char *const names[] = {"Cast", "Identity", "Scaler", "Imputer", "Normalizer", "Add", "Sub",
                                        "Mul",  "Div",      "Abs",    "Clip",    "Log",        "Relu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], op) == 0)
            return true;
    return false;
}

/* Nodes are in order, so one walk follows all that has the columns of the input. */
int64_t leat_onnx_width(const struct leat_onnx_graph *graph, const char *input)
{
    const char *same[TRACE_MAX] = {input};
    size_t count = 1;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct leat_onnx_node *node = &graph->nodes[i];
        for (size_t k = 0; k < count && node->input_count > 0; k++) {
            if (strcmp(node->inputs[0], same[k]) != 0)
                continue;
            int64_t width = told_by(graph, node);
            if (width > 0)
                return width;
            if (keeps_columns(node->op) && node->output_count > 0 && count < TRACE_MAX)
                same[count++] = node->outputs[0];
            break;
        }
    }
    return -1;
}

/* ---- classes ---- */

static void take_ints(struct leat_arena *arena, const int64_t *ints, size_t count, struct leat_tensor *ret)
{
    if (ret->count > 0 && ret->type != LEAT_TENSOR_INT64)
        return;
    int64_t *all = leat_arena_zalloc(arena, ret->count + count + 1, sizeof *all);
    if (ret->count > 0)
        memcpy(all, ret->data, ret->count * sizeof *all);
    if (count > 0)
        memcpy(all + ret->count, ints, count * sizeof *all);
    ret->type = LEAT_TENSOR_INT64;
    ret->data = all;
    ret->count += count;
}

static void take_texts(struct leat_arena *arena, const struct leat_bytes *texts, size_t count, struct leat_tensor *ret)
{
    if (ret->count > 0 && ret->type != LEAT_TENSOR_STRING)
        return;
    struct leat_bytes *all = leat_arena_zalloc(arena, ret->count + count + 1, sizeof *all);
    if (ret->count > 0)
        memcpy(all, ret->data, ret->count * sizeof *all);
    if (count > 0)
        memcpy(all + ret->count, texts, count * sizeof *all);
    ret->type = LEAT_TENSOR_STRING;
    ret->data = all;
    ret->count += count;
}

static void take_constant(struct leat_arena *arena, const struct leat_tensor *constant, struct leat_tensor *ret)
{
    if (constant->type == LEAT_TENSOR_STRING)
        take_texts(arena, constant->data, constant->count, ret);
    if (constant->type == LEAT_TENSOR_INT64)
        take_ints(arena, constant->data, constant->count, ret);
    for (size_t i = 0; i < constant->count; i++) {
        int64_t whole;
        if (constant->type == LEAT_TENSOR_INT32)
            whole = ((const int32_t *)constant->data)[i];
        else if (constant->type == LEAT_TENSOR_FLOAT && fabsf(((const float *)constant->data)[i]) < 0x1p24f)
            whole = (int64_t)((const float *)constant->data)[i];
        else
            return;
        take_ints(arena, &whole, 1, ret);
    }
}

static bool take_attributes(struct leat_arena *arena, const struct leat_node *node, struct leat_tensor *ret)
{
    static const char *const names[] = {"classlabels_ints", "classlabels_int64s", "classlabels_strings",
                                        "values_int64s",    "values_strings",     "values_tensor"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct leat_onnx_attribute *found = attribute_of(node->file, names[i]);
        if (found == NULL)
            continue;
        if (found->kind == LEAT_ONNX_INTS && found->count > 0)
            take_ints(arena, found->ints, found->count, ret);
        if (found->kind == LEAT_ONNX_TEXTS && found->count > 0)
            take_texts(arena, found->texts, found->count, ret);
        if (found->kind == LEAT_ONNX_TENSOR && found->tensor->data != NULL)
            take_constant(arena, found->tensor, ret);
    }
    return ret->count > 0;
}

static bool is_op(const struct leat_node *node, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, node->op->name) == 0)
            return true;
    return false;
}

static void trace(const struct leat_tensor *tensor, struct leat_arena *arena, int depth, struct leat_tensor *ret);

/* What is done with whole numbers by a single one. */
static int64_t reckon(const char *op, int64_t a, int64_t b)
{
    const int64_t limit = (int64_t)1 << 30;
    if (a < -limit || a > limit || b < -limit || b > limit)
        return limit;
    return op[0] == 'A' ? a + b : op[0] == 'S' ? a - b : a * b;
}

static void trace_arithmetic(const struct leat_node *node, struct leat_arena *arena, int depth, struct leat_tensor *ret)
{
    struct leat_tensor second = {0};
    if (node->inputs[1]->data == NULL)
        return;
    take_constant(arena, node->inputs[1], &second);
    trace(node->inputs[0], arena, depth, ret);
    int64_t *values = ret->data;
    if (ret->type != LEAT_TENSOR_INT64 || second.type != LEAT_TENSOR_INT64 || second.count != 1)
        *ret = (struct leat_tensor){0};
    for (size_t i = 0; i < ret->count; i++)
        values[i] = reckon(node->op->name, values[i], *(const int64_t *)second.data);
}

static void trace_choice(const struct leat_node *node, struct leat_arena *arena, struct leat_tensor *ret)
{
    for (uint32_t i = 1; i <= 2; i++)
        if (node->inputs[i]->data == NULL)
            return;
    take_constant(arena, node->inputs[1], ret);
    take_constant(arena, node->inputs[2], ret);
}

static void trace_node(const struct leat_node *node, struct leat_arena *arena, int depth, struct leat_tensor *ret)
{
    static const char *const passing[] = {"Cast",      "Reshape",   "Identity",
                                          "Squeeze",   "Unsqueeze", "Flatten",
                                          "Transpose", "Gather",    "ArrayFeatureExtractor",
                                          NULL};
    static const char *const choosing[] = {"Where", NULL};
    static const char *const reckoning[] = {"Add", "Sub", "Mul", NULL};
    static const char *const comparing[] = {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Not", NULL};
    static const char *const signs[] = {"Sign", NULL};
    static const int64_t two[] = {0, 1}, three[] = {-1, 0, 1};
    if (is_op(node, passing))
        trace(node->inputs[0], arena, depth, ret);
    else if (is_op(node, choosing))
        trace_choice(node, arena, ret);
    else if (is_op(node, reckoning))
        trace_arithmetic(node, arena, depth, ret);
    else if (is_op(node, comparing))
        take_ints(arena, two, 2, ret);
    else if (is_op(node, signs))
        take_ints(arena, three, 3, ret);
}

static void trace(const struct leat_tensor *tensor, struct leat_arena *arena, int depth, struct leat_tensor *ret)
{
    const struct leat_made_node *maker = leat_maker_of(tensor);
    if (tensor->data != NULL)
        take_constant(arena, tensor, ret);
    else if (maker != NULL && depth < TRACE_MAX && !take_attributes(arena, &maker->node, ret))
        trace_node(&maker->node, arena, depth + 1, ret);
}

/* Without ones that are there twice: their index would be that of the first. */
static void drop_repeated(struct leat_tensor *classes)
{
    int64_t *ints = classes->data;
    size_t kept = 0;
    if (classes->count > CLASSES_MAX)
        *classes = (struct leat_tensor){0};
    for (size_t i = 0; i < classes->count && classes->type == LEAT_TENSOR_INT64; i++) {
        size_t k = 0;
        while (k < kept && ints[k] != ints[i])
            k++;
        if (k == kept)
            ints[kept++] = ints[i];
    }
    if (classes->type == LEAT_TENSOR_INT64)
        classes->count = kept;
}

void leat_onnx_classes(const struct leat_graph *graph, uint32_t label, struct leat_arena *arena, struct leat_tensor *ret)
{
    *ret = (struct leat_tensor){0};
    for (uint32_t i = 0; i < leat_graph_output_count(graph); i++) {
        const struct leat_node *zipmap;
        leat_graph_output(graph, i, &zipmap);
        if (zipmap != NULL && take_attributes(arena, zipmap, ret))
            return;
    }
    trace(leat_graph_output(graph, label, NULL), arena, 0, ret);
    drop_repeated(ret);
}
