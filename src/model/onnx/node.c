/* What operators prepare themselves with: inputs, attributes, outputs, workspace. */
#include "model/onnx/inside.h"

#include "base/map.h"

#include <string.h>

/* ---- types ---- */

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [LEAT_TENSOR_FLOAT] = {"float", 4},
    [LEAT_TENSOR_UINT8] = {"uint8", 1},
    [LEAT_TENSOR_INT8] = {"int8", 1},
    [LEAT_TENSOR_UINT16] = {"uint16", 2},
    [LEAT_TENSOR_INT16] = {"int16", 2},
    [LEAT_TENSOR_INT32] = {"int32", 4},
    [LEAT_TENSOR_INT64] = {"int64", 8},
    [LEAT_TENSOR_STRING] = {"string", sizeof(struct leat_bytes)},
    [LEAT_TENSOR_BOOL] = {"bool", 1},
    [10] = {"float16", 0},
    [LEAT_TENSOR_DOUBLE] = {"double", 8},
    [LEAT_TENSOR_UINT32] = {"uint32", 4},
    [LEAT_TENSOR_UINT64] = {"uint64", 8},
    [14] = {"complex64", 0},
    [15] = {"complex128", 0},
    [16] = {"bfloat16", 0},
    [17] = {"float8e4m3fn", 0},
    [18] = {"float8e4m3fnuz", 0},
    [19] = {"float8e5m2", 0},
    [20] = {"float8e5m2fnuz", 0},
    [21] = {"uint4", 0},
    [22] = {"int4", 0},
    [23] = {"float4e2m1", 0},
    [24] = {"float8e8m0", 0},
    [25] = {"uint2", 0},
    [26] = {"int2", 0},
};

const char *leat_tensor_type_name(enum leat_tensor_type type)
{
    size_t i = (size_t)type;
    if (i < sizeof types / sizeof types[0] && types[i].name != NULL)
        return types[i].name;
    return type == LEAT_TENSOR_NONE ? "no type" : "a type that is not known";
}

size_t leat_tensor_type_size(enum leat_tensor_type type)
{
    size_t i = (size_t)type;
    return i < sizeof types / sizeof types[0] ? types[i].size : 0;
}

int leat_tensor_elements(uint32_t rank, const int64_t *dims, size_t *ret, struct leat_error *err)
{
    size_t count = 1;
    bool none = false;
    if (rank > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%u dimensions; there may be %d", rank, LEAT_RANK_MAX);
    /* Of an empty tensor, too, the other dimensions are bounded: somebody will go through them. */
    for (uint32_t i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "dimension %u is %lld", i, (long long)dims[i]);
        if ((uint64_t)dims[i] > LEAT_TENSOR_ELEMENTS_MAX / count)
            return leat_error_set(err, LEAT_ERROR_FINDING, "more than %zu elements", LEAT_TENSOR_ELEMENTS_MAX);
        none = none || dims[i] == 0;
        count *= dims[i] == 0 ? 1 : (size_t)dims[i];
    }
    *ret = none ? 0 : count;
    return 0;
}

/* ---- inputs and attributes ---- */

const struct leat_tensor *leat_node_input(const struct leat_node *node, uint32_t i)
{
    return i < node->input_count ? node->inputs[i] : NULL;
}

const char *leat_onnx_kind_name(int kind)
{
    static const char *const names[] = {"nothing", "a float", "an int", "a text", "a tensor",
                                        "a graph", "floats",  "ints",   "texts"};
    return kind >= 0 && (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "of a kind that is not read";
}

static const struct leat_onnx_attribute *find_in(const struct leat_onnx_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    return NULL;
}

/* Within a function an attribute may be one of the caller's; if the caller has none, it is absent. */
static const struct leat_onnx_attribute *find(const struct leat_node *node, const char *name)
{
    const struct leat_onnx_attribute *found = find_in(node->file, name);
    const struct leat_call *call = leat_made_of(node)->call;
    while (found != NULL && found->reference[0] != '\0') {
        if (call == NULL)
            return NULL;
        found = find_in(call->node, found->reference);
        call = call->outer;
    }
    return found;
}

/* One of another kind is noted; the graph is refused after prepare. */
static const struct leat_onnx_attribute *find_kind(const struct leat_node *node, const char *name, int kind)
{
    const struct leat_onnx_attribute *found = find(node, name);
    if (found == NULL || found->kind == kind)
        return found;
    leat_made_of(node)->bad_name = found->name;
    leat_made_of(node)->bad_kind = found->kind;
    leat_made_of(node)->asked_kind = kind;
    return NULL;
}

bool leat_node_has(const struct leat_node *node, const char *name)
{
    return find(node, name) != NULL;
}

int64_t leat_node_int(const struct leat_node *node, const char *name, int64_t otherwise)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_INT);
    return found == NULL ? otherwise : found->integer;
}

float leat_node_float(const struct leat_node *node, const char *name, float otherwise)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_FLOAT);
    return found == NULL ? otherwise : found->number;
}

struct leat_bytes leat_node_text(const struct leat_node *node, const char *name, const char *otherwise)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_TEXT);
    return found == NULL ? leat_bytes_of(otherwise) : found->text;
}

const int64_t *leat_node_ints(const struct leat_node *node, const char *name, size_t *ret_count)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_INTS);
    *ret_count = found == NULL ? 0 : found->count;
    return found == NULL ? NULL : found->ints;
}

const float *leat_node_floats(const struct leat_node *node, const char *name, size_t *ret_count)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_FLOATS);
    *ret_count = found == NULL ? 0 : found->count;
    return found == NULL ? NULL : found->floats;
}

const struct leat_bytes *leat_node_texts(const struct leat_node *node, const char *name, size_t *ret_count)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_TEXTS);
    *ret_count = found == NULL ? 0 : found->count;
    return found == NULL ? NULL : found->texts;
}

int leat_node_tensor(struct leat_graph *graph, const struct leat_node *node, const char *name,
                     const struct leat_tensor **ret, struct leat_error *err)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_TENSOR);
    (void)graph;
    *ret = NULL;
    if (found == NULL)
        return 0;
    if (found->tensor->data == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: attribute '%s' is a tensor of type %s", name,
                              leat_tensor_type_name(found->tensor->type));
    *ret = found->tensor;
    return 0;
}

const struct leat_onnx_graph *leat_node_graph(const struct leat_node *node, const char *name)
{
    const struct leat_onnx_attribute *found = find_kind(node, name, LEAT_ONNX_GRAPH);
    return found == NULL ? NULL : found->graph;
}

int leat_node_constant_ints(struct leat_graph *graph, const struct leat_node *node, uint32_t input, const int64_t **ret,
                            size_t *ret_count, struct leat_error *err)
{
    const struct leat_tensor *tensor = leat_node_input(node, input);
    *ret = NULL;
    *ret_count = 0;
    if (tensor == NULL)
        return 0;
    if (tensor->data == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: input %u is not a constant", input);
    if (tensor->type != LEAT_TENSOR_INT64 && tensor->type != LEAT_TENSOR_INT32)
        return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is of type %s; it must be int64 or int32", input,
                              leat_tensor_type_name(tensor->type));
    int64_t *ints = leat_arena_zalloc(&graph->arena, tensor->count + 1, sizeof *ints);
    for (size_t i = 0; i < tensor->count; i++)
        ints[i] = tensor->type == LEAT_TENSOR_INT64 ? ((const int64_t *)tensor->data)[i]
                                                    : ((const int32_t *)tensor->data)[i];
    *ret = ints;
    *ret_count = tensor->count;
    return 0;
}

int leat_node_axis(const struct leat_node *node, int64_t axis, uint32_t rank, uint32_t *ret, struct leat_error *err)
{
    (void)node;
    if (axis < -(int64_t)rank || axis >= (int64_t)rank)
        return leat_error_set(err, LEAT_ERROR_FINDING, "axis %lld of a tensor of %u dimensions", (long long)axis, rank);
    *ret = (uint32_t)(axis < 0 ? axis + rank : axis);
    return 0;
}

/* ---- outputs ---- */

static int set_shape(struct leat_tensor *tensor, enum leat_tensor_type type, uint32_t rank, const int64_t *dims,
                     struct leat_error *err)
{
    if (leat_tensor_type_size(type) == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: type %s", leat_tensor_type_name(type));
    if (leat_tensor_elements(rank, dims, &tensor->count, err) < 0)
        return -1;
    tensor->type = type;
    tensor->rank = rank;
    for (uint32_t i = 0; i < rank; i++)
        tensor->dims[i] = dims[i];
    return 0;
}

int leat_node_output(struct leat_graph *graph, struct leat_node *node, uint32_t i, enum leat_tensor_type type,
                     uint32_t rank, const int64_t *dims, struct leat_error *err)
{
    (void)graph;
    if (i >= node->output_count || node->outputs[i] == NULL)
        return 0;
    if (set_shape(node->outputs[i], type, rank, dims, err) < 0)
        return leat_error_prefix(err, "output %u", i);
    return 0;
}

int leat_node_workspace(struct leat_graph *graph, struct leat_node *node, size_t bytes, struct leat_error *err)
{
    struct leat_made_node *made = leat_made_of(node);
    leat_assert(made->work == NULL);
    if (leat_graph_charge(graph, bytes, err) < 0)
        return -1;
    made->work = leat_value_new(graph, "");
    made->work->bytes = bytes;
    return 0;
}

struct leat_arena *leat_graph_arena(struct leat_graph *graph)
{
    return &graph->arena;
}

void leat_graph_keep(struct leat_graph *graph, void *object, void (*release)(void *object))
{
    struct leat_kept *kept = leat_arena_zalloc(&graph->arena, 1, sizeof *kept);
    *kept = (struct leat_kept){object, release, graph->kept};
    graph->kept = kept;
}

void leat_graph_count_bytes(struct leat_graph *graph, size_t bytes)
{
    graph->outside += bytes;
}

/* In a function's body attributes may be the caller's: there the node of the file does not tell all. */
static bool has_twins(const struct leat_node *node)
{
    return leat_made_of(node)->call == NULL;
}

static struct leat_bytes address_of(const struct leat_node *node)
{
    return (struct leat_bytes){(const char *)&node->file, sizeof node->file};
}

const struct leat_node *leat_node_twin(const struct leat_graph *graph, const struct leat_node *node)
{
    if (graph->twin == NULL || graph->twin->offered == NULL || !has_twins(node))
        return NULL;
    const uint64_t *found = leat_map_find(graph->twin->offered, address_of(node));
    return found == NULL ? NULL : (const struct leat_node *)(uintptr_t)*found;
}

void leat_node_offer(struct leat_graph *graph, const struct leat_node *node)
{
    if (!has_twins(node))
        return;
    if (graph->offered == NULL)
        graph->offered = leat_map_new();
    *leat_map_put(graph->offered, address_of(node), NULL) = (uint64_t)(uintptr_t)node;
}

int leat_node_refuse_type(const struct leat_node *node, uint32_t input, struct leat_error *err)
{
    const struct leat_tensor *tensor = leat_node_input(node, input);
    return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: input %u is of type %s", input,
                          tensor == NULL ? "nothing" : leat_tensor_type_name(tensor->type));
}
