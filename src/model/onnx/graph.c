/* Compiling a graph: names become tensors, nodes prepared operators, constants are folded, and what is left gets its
 * buffers (plan.c).
 *
 * Nodes are taken in file order, which must be an order in which they can run. Functions of the model, and the branch
 * of an If whose condition is a constant, are compiled in place of their node. The clock ticks twice for a node, with
 * the graphs within it between the ticks: a buffer that a node reads or writes is in use for all of that time. */
#include "model/onnx/inside.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/* Names that are visible in a graph: its own, then those of the graphs around it. */
struct leat_scope {
    struct leat_map *values; /* name → struct leat_value * */
    struct leat_map *wanted; /* names that somebody reads */
    const struct leat_scope *outer;
    const struct leat_onnx_opset *opsets;
    uint32_t opset_count;
    const struct leat_call *call;
    uint32_t depth;
};

static int compile_nodes(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_node *nodes,
                         uint32_t count, struct leat_made_block *block, struct leat_error *err);

/* ---- values ---- */

struct leat_value *leat_value_new(struct leat_graph *graph, const char *name)
{
    struct leat_value *value = leat_arena_zalloc(&graph->arena, 1, sizeof *value);
    value->tensor.name = name;
    value->born = value->dies = graph->clock;
    value->next = graph->values;
    graph->values = value;
    return value;
}

static void use(struct leat_graph *graph, struct leat_value *value)
{
    if (value->dies < graph->clock)
        value->dies = graph->clock;
    for (struct leat_repeat *repeat = graph->repeat; repeat != NULL; repeat = repeat->outer) {
        if (value->born >= repeat->begin)
            break;
        if (repeat->used_count == repeat->used_room) {
            repeat->used_room = 2 * repeat->used_room + 16;
            repeat->used = leat_realloc(repeat->used, repeat->used_room, sizeof(struct leat_value *));
        }
        repeat->used[repeat->used_count++] = value;
    }
}

int leat_graph_charge(struct leat_graph *graph, size_t bytes, struct leat_error *err)
{
    if (bytes > graph->limits.bytes - graph->bytes)
        return leat_error_set(err, LEAT_ERROR_FINDING, "with %zu bytes more the tensors take more than %zu bytes",
                              bytes, graph->limits.bytes);
    graph->bytes += bytes;
    return 0;
}

int leat_graph_work(struct leat_graph *graph, size_t times, size_t work, struct leat_error *err)
{
    if (work > 0 && times > (graph->limits.work - graph->work) / work)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a run takes more than %zu steps", graph->limits.work);
    graph->work += times * work;
    return 0;
}

/* ---- scopes ---- */

static uint64_t *find_value(const struct leat_scope *scope, struct leat_bytes name)
{
    for (; scope != NULL; scope = scope->outer) {
        uint64_t *found = leat_map_find(scope->values, name);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static struct leat_value *lookup(const struct leat_scope *scope, const char *name)
{
    const uint64_t *found = find_value(scope, leat_bytes_of(name));
    return found == NULL ? NULL : (struct leat_value *)(uintptr_t)*found;
}

static int bind(struct leat_scope *scope, const char *name, struct leat_value *value, struct leat_error *err)
{
    bool new;
    uint64_t *place = leat_map_put(scope->values, leat_bytes_of(name), &new);
    if (!new)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the value '%s' is made twice", name);
    *place = (uint64_t)(uintptr_t)value;
    return 0;
}

static bool is_wanted(const struct leat_scope *scope, const char *name)
{
    return leat_map_find(scope->wanted, leat_bytes_of(name)) != NULL;
}

static void want(struct leat_map *wanted, const char *name)
{
    leat_map_put(wanted, leat_bytes_of(name), NULL);
}

/* Names that nodes read, and those in the graphs within them: one of the same name there is wanted for nothing. */
static void want_of_nodes(struct leat_map *wanted, const struct leat_onnx_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < nodes[i].input_count; k++)
            want(wanted, nodes[i].inputs[k]);
        for (uint32_t k = 0; k < nodes[i].attribute_count; k++) {
            const struct leat_onnx_graph *graph = nodes[i].attributes[k].graph;
            if (graph == NULL)
                continue;
            want_of_nodes(wanted, graph->nodes, graph->node_count);
            for (uint32_t o = 0; o < graph->output_count; o++)
                want(wanted, graph->outputs[o].name);
        }
    }
}

static void scope_init(struct leat_scope *scope, const struct leat_scope *outer)
{
    *scope = (struct leat_scope){.values = leat_map_new(), .wanted = leat_map_new(), .outer = outer};
    if (outer == NULL)
        return;
    scope->opsets = outer->opsets;
    scope->opset_count = outer->opset_count;
    scope->call = outer->call;
    scope->depth = outer->depth + 1;
}

static void scope_done(struct leat_scope *scope)
{
    leat_map_free(scope->values);
    leat_map_free(scope->wanted);
}

#define CLEAN_SCOPE __attribute__((cleanup(scope_done))) struct leat_scope

static int check_depth(const struct leat_scope *scope, struct leat_error *err)
{
    if (scope->depth <= LEAT_GRAPH_DEPTH_MAX)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING, "graphs and functions within each other, deeper than %d",
                          LEAT_GRAPH_DEPTH_MAX);
}

/* The last of several wins, as in ONNX Runtime. */
static int opset_of(const struct leat_scope *scope, const char *domain)
{
    int64_t version = INT32_MAX; /* a domain that is not imported: the newest */
    for (uint32_t i = 0; i < scope->opset_count; i++)
        if (strcmp(scope->opsets[i].domain, domain) == 0)
            version = scope->opsets[i].version;
    return version < 0 ? 0 : version > INT32_MAX ? INT32_MAX : (int)version;
}

/* ---- what is not known ---- */

static const struct leat_onnx_function *find_function(const struct leat_onnx_file *file,
                                                      const struct leat_onnx_node *node)
{
    for (uint32_t i = 0; i < file->function_count; i++)
        if (strcmp(file->functions[i].name, node->op) == 0 && strcmp(file->functions[i].domain, node->domain) == 0)
            return &file->functions[i];
    return NULL;
}

struct census {
    const struct leat_onnx_file *file;
    struct leat_map *unknown;
    struct leat_map *known;
    bool *counted; /* functions */
    struct leat_buffer *names;
};

static void count_nodes(struct census *census, const struct leat_scope *scope, const struct leat_onnx_node *nodes,
                        uint32_t count);

static void count_function(struct census *census, const struct leat_onnx_function *function)
{
    struct leat_scope scope = {.opsets = function->opsets, .opset_count = function->opset_count};
    size_t i = (size_t)(function - census->file->functions);
    if (census->counted[i])
        return;
    census->counted[i] = true;
    count_nodes(census, &scope, function->nodes, function->node_count);
}

static void count_node(struct census *census, const struct leat_scope *scope, const struct leat_onnx_node *node)
{
    const struct leat_onnx_function *function = find_function(census->file, node);
    int opset = opset_of(scope, node->domain);
    bool new;
    LEAT_CLEAN_BUFFER full = {0};
    for (uint32_t i = 0; i < node->attribute_count; i++)
        if (node->attributes[i].graph != NULL)
            count_nodes(census, scope, node->attributes[i].graph->nodes, node->attributes[i].graph->node_count);
    if (function != NULL) {
        count_function(census, function);
        return;
    }
    leat_buffer_format(&full, "%s%s%s", node->domain, node->domain[0] == '\0' ? "" : ".", node->op);
    if (leat_operator_find(leat_bytes_of(node->domain), leat_bytes_of(node->op), opset) != NULL) {
        leat_map_put(census->known, leat_buffer_view(&full), NULL);
        return;
    }
    if (leat_operator_find(leat_bytes_of(node->domain), leat_bytes_of(node->op), INT32_MAX) != NULL)
        leat_buffer_format(&full, " of opset %d", opset);
    leat_map_put(census->unknown, leat_buffer_view(&full), &new);
    if (new && census->names->len < 400)
        leat_buffer_format(census->names, "%s%.100s", census->names->len == 0 ? "" : ", ", leat_buffer_text(&full));
    else if (new && census->names->data[census->names->len - 1] != '.')
        leat_buffer_append_text(census->names, ", ...");
}

static void count_nodes(struct census *census, const struct leat_scope *scope, const struct leat_onnx_node *nodes,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        count_node(census, scope, &nodes[i]);
}

bool leat_graph_unknown(const struct leat_onnx_file *file, struct leat_buffer *ret)
{
    struct leat_scope scope = {.opsets = file->opsets, .opset_count = file->opset_count};
    struct census census = {file, leat_map_new(), leat_map_new(), leat_calloc(file->function_count + 1, 1), ret};
    count_nodes(&census, &scope, file->graph.nodes, file->graph.node_count);
    size_t unknown = leat_map_count(census.unknown);
    if (unknown > 0)
        leat_buffer_format(ret, " (%zu of %zu)", unknown, unknown + leat_map_count(census.known));
    leat_map_free(census.unknown);
    leat_map_free(census.known);
    free(census.counted);
    return unknown > 0;
}

/* ---- folding ---- */

static bool is_constant(const struct leat_tensor *tensor)
{
    return tensor == NULL || tensor->data != NULL;
}

static bool all_constant(struct leat_tensor *const *tensors, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_constant(tensors[i]))
            return false;
    return true;
}

static size_t multiply(size_t a, size_t b)
{
    return b > 0 && a > SIZE_MAX / 2 / b ? SIZE_MAX / 2 : a * b;
}

static size_t elements_of(struct leat_tensor *const *tensors, uint32_t count)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += tensors[i] == NULL ? 0 : tensors[i]->count;
    return sum;
}

/* Elements of this operator's output that take a walk along an input's dimension, or along a table of the file. */
static size_t steps_per_element(const struct leat_node *node)
{
    static const char *const products[] = {"MatMul", "Gemm", "MatMulInteger", "Attention", "CDist", "TopK"};
    size_t steps = 1;
    if (strcmp(node->op->name, "Einsum") == 0) {
        for (uint32_t i = 0; i < node->input_count; i++)
            steps = node->inputs[i] == NULL ? steps : multiply(steps, node->inputs[i]->count + 1);
        return steps;
    }
    bool product = false;
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        product = product || strcmp(products[i], node->op->name) == 0;
    for (uint32_t i = 0; product && i < node->input_count; i++)
        for (uint32_t k = 0; node->inputs[i] != NULL && k < node->inputs[i]->rank; k++)
            if ((size_t)node->inputs[i]->dims[k] > steps)
                steps = (size_t)node->inputs[i]->dims[k];
    for (uint32_t i = 0; node->op->domain[0] != '\0' && i < node->file->attribute_count; i++)
        steps += node->file->attributes[i].count;
    return steps;
}

/* What a run of the node takes, roughly: multiply-adds, comparisons, copies. */
static size_t work_of(const struct leat_node *node)
{
    if (node->work > 0)
        return node->work;
    return multiply(elements_of(node->outputs, node->output_count) + elements_of(node->inputs, node->input_count) + 1,
                    steps_per_element(node));
}

static int charge_outputs(struct leat_graph *graph, const struct leat_node *node, struct leat_error *err)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct leat_tensor *output = node->outputs[i];
        if (output == NULL || output->data != NULL || output->sequence)
            continue;
        size_t bytes = (output->count * leat_tensor_type_size(output->type) + 63) / 64 * 64 + 64;
        if (leat_graph_charge(graph, bytes, err) < 0)
            return -1;
        leat_value_of(output)->bytes = bytes;
    }
    return 0;
}

/* Runs a node whose inputs are constants: its outputs are, then. */
static int fold(struct leat_graph *graph, struct leat_made_node *made, struct leat_error *err)
{
    struct leat_node *node = &made->node;
    struct leat_run run = {0};
    size_t work = work_of(node);
    size_t bytes = made->work == NULL ? 0 : made->work->bytes;
    if (work > LEAT_FOLD_WORK_MAX - graph->fold_work)
        return leat_error_set(err, LEAT_ERROR_FINDING, "what can be worked out at load takes more than %zu steps",
                              LEAT_FOLD_WORK_MAX);
    graph->fold_work += work;
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct leat_tensor *output = node->outputs[i];
        if (output != NULL && output->data == NULL) {
            output->data = leat_arena_zalloc(&graph->arena, leat_value_of(output)->bytes, 1);
            leat_value_of(output)->bytes = 0;
        }
    }
    run.scratch = aligned_alloc(64, (bytes + 127) / 64 * 64);
    leat_assert(run.scratch != NULL);
    node->workspace = 0;
    node->run(node, &run);
    free(run.scratch);
    if (made->work != NULL)
        made->work->bytes = 0;
    if (run.trouble != NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s", run.trouble);
    return 0;
}

/* ---- nodes ---- */

static int bind_inputs(struct leat_graph *graph, const struct leat_scope *scope, struct leat_made_node *made,
                       struct leat_error *err)
{
    const struct leat_onnx_node *file = made->node.file;
    made->node.inputs = leat_arena_zalloc(&graph->arena, file->input_count + 1, sizeof(struct leat_tensor *));
    made->node.input_count = file->input_count;
    for (uint32_t i = 0; i < file->input_count; i++) {
        if (file->inputs[i][0] == '\0')
            continue;
        struct leat_value *value = lookup(scope, file->inputs[i]);
        if (value == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "its input '%s' is neither an input of the graph nor made by a node before it",
                                  file->inputs[i]);
        if (value->tensor.sequence)
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: its input '%s' is a sequence",
                                  file->inputs[i]);
        if (leat_tensor_type_size(value->tensor.type) == 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: its input '%s' is of type %s",
                                  file->inputs[i], leat_tensor_type_name(value->tensor.type));
        made->node.inputs[i] = &value->tensor;
        use(graph, value);
    }
    return 0;
}

/* The first output is there whether wanted or not, so that operators need not ask. */
static int bind_outputs(struct leat_graph *graph, struct leat_scope *scope, struct leat_made_node *made,
                        struct leat_error *err)
{
    const struct leat_onnx_node *file = made->node.file;
    made->node.outputs = leat_arena_zalloc(&graph->arena, file->output_count + 1, sizeof(struct leat_tensor *));
    made->node.output_count = file->output_count;
    for (uint32_t i = 0; i < file->output_count; i++) {
        bool named = file->outputs[i][0] != '\0';
        if (i > 0 && (!named || !is_wanted(scope, file->outputs[i])))
            continue;
        struct leat_value *value = leat_value_new(graph, file->outputs[i]);
        value->maker = made;
        made->node.outputs[i] = &value->tensor;
        if (named && bind(scope, file->outputs[i], value, err) < 0)
            return -1;
    }
    return 0;
}

static bool any_wanted(const struct leat_scope *scope, const struct leat_onnx_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i][0] != '\0' && is_wanted(scope, node->outputs[i]))
            return true;
    return false;
}

static int check_counts(const struct leat_node *node, struct leat_error *err)
{
    if (node->output_count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has no outputs");
    if (node->input_count < node->op->min_inputs)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %u inputs; it needs %u", node->input_count,
                              node->op->min_inputs);
    if (node->op->max_inputs > 0 && node->input_count > node->op->max_inputs)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %u inputs; it may have %u", node->input_count,
                              node->op->max_inputs);
    for (uint32_t i = 0; i < node->op->min_inputs; i++)
        if (node->inputs[i] == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "its input %u is left out", i);
    return 0;
}

static int check_prepared(const struct leat_made_node *made, struct leat_error *err)
{
    if (made->bad_name != NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "attribute '%s' is %s; it must be %s", made->bad_name,
                              leat_onnx_kind_name(made->bad_kind), leat_onnx_kind_name(made->asked_kind));
    for (uint32_t i = 0; i < made->node.output_count; i++)
        if (made->node.outputs[i] != NULL && made->node.outputs[i]->type == LEAT_TENSOR_NONE)
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: it has %u outputs",
                                  made->node.output_count);
    return 0;
}

static int prepare(struct leat_graph *graph, struct leat_made_node *made, struct leat_error *err)
{
    struct leat_node *node = &made->node;
    struct leat_error own = {0};
    node->run = node->op->run;
    int status = node->op->prepare(graph, node, &own);
    if (made->bad_name != NULL || status == 0)
        return check_prepared(made, err);
    return leat_error_set(err, own.kind, "%s", own.text);
}

static void block_add(struct leat_made_block *block, struct leat_node *node)
{
    if (block->block.node_count == block->room) {
        block->room = 2 * block->room + 8;
        block->block.nodes = leat_realloc(block->block.nodes, block->room, sizeof(struct leat_node *));
    }
    block->block.nodes[block->block.node_count++] = node;
}

/* What a node touched is in use until its end, the graphs within it too. */
static void use_all(struct leat_graph *graph, struct leat_made_node *made)
{
    for (uint32_t i = 0; i < made->node.input_count; i++)
        if (made->node.inputs[i] != NULL)
            use(graph, leat_value_of(made->node.inputs[i]));
    for (uint32_t i = 0; i < made->node.output_count; i++)
        if (made->node.outputs[i] != NULL)
            use(graph, leat_value_of(made->node.outputs[i]));
    for (const struct leat_made_block *block = made->blocks; block != NULL; block = block->next) {
        for (uint32_t i = 0; i < block->block.input_count; i++)
            use(graph, leat_value_of(block->block.inputs[i]));
        for (uint32_t i = 0; i < block->block.output_count; i++)
            use(graph, leat_value_of(block->block.outputs[i]));
    }
    if (made->work != NULL)
        use(graph, made->work);
}

static bool makes_sequence(const struct leat_node *node)
{
    return node->output_count == 1 && node->outputs[0]->sequence;
}

static int compile_operator(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_node *file,
                            struct leat_made_block *block, struct leat_error *err)
{
    struct leat_made_node *made = leat_arena_zalloc(&graph->arena, 1, sizeof *made);
    struct leat_node *node = &made->node;
    node->file = file;
    node->opset = opset_of(scope, file->domain);
    node->op = leat_operator_find(leat_bytes_of(file->domain), leat_bytes_of(file->op), node->opset);
    made->call = scope->call;
    made->scope = scope;
    if (node->op == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: there is no such operator in opset %d",
                              node->opset);
    graph->clock++;
    if (bind_inputs(graph, scope, made, err) < 0 || bind_outputs(graph, scope, made, err) < 0 ||
        check_counts(node, err) < 0 || prepare(graph, made, err) < 0)
        return -1;
    made->scope = NULL;
    graph->clock++;
    use_all(graph, made);
    if (makes_sequence(node))
        return 0;
    if (charge_outputs(graph, node, err) < 0)
        return -1;
    if (all_constant(node->outputs, node->output_count))
        return 0;
    if (made->blocks == NULL && all_constant(node->inputs, node->input_count))
        return fold(graph, made, err);
    size_t work = work_of(node);
    block->block.work += work;
    block_add(block, node);
    return leat_graph_work(graph, 1, work, err);
}

/* ---- graphs within the graph ---- */

static int add_initializers(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_graph *file,
                            struct leat_error *err)
{
    if (file->sparse)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: sparse initializers");
    for (uint32_t i = 0; i < file->initializer_count; i++) {
        struct leat_value *value = leat_arena_zalloc(&graph->arena, 1, sizeof *value);
        value->tensor = file->initializers[i];
        if (bind(scope, value->tensor.name, value, err) < 0)
            return -1;
    }
    return 0;
}

static int find_outputs(struct leat_graph *graph, const struct leat_scope *scope, const struct leat_onnx_graph *file,
                        struct leat_made_block *block, struct leat_error *err)
{
    block->block.output_count = file->output_count;
    block->block.outputs = leat_arena_zalloc(&graph->arena, file->output_count + 1, sizeof(struct leat_tensor *));
    for (uint32_t i = 0; i < file->output_count; i++) {
        struct leat_value *value = lookup(scope, file->outputs[i].name);
        if (value == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "its output '%s' is made by nothing", file->outputs[i].name);
        block->block.outputs[i] = &value->tensor;
        use(graph, value);
    }
    return 0;
}

static void want_of_graph(struct leat_scope *scope, const struct leat_onnx_graph *file)
{
    want_of_nodes(scope->wanted, file->nodes, file->node_count);
    for (uint32_t i = 0; i < file->output_count; i++)
        want(scope->wanted, file->outputs[i].name);
}

/* The graph's nodes to `block`; its outputs are found in the scope then. */
static int compile_graph(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_graph *file,
                         struct leat_made_block *block, struct leat_error *err)
{
    want_of_graph(scope, file);
    if (check_depth(scope, err) < 0 || add_initializers(graph, scope, file, err) < 0)
        return -1;
    return compile_nodes(graph, scope, file->nodes, file->node_count, block, err);
}

/* Outputs of what was compiled in place of the node, by the names that the node gives them. */
static int bind_spliced(struct leat_scope *scope, const struct leat_onnx_node *node, const struct leat_scope *inner,
                        const char *const *names, uint32_t count, struct leat_error *err)
{
    if (node->output_count > count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %u outputs where %u are made", node->output_count, count);
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i][0] == '\0')
            continue;
        struct leat_value *value = lookup(inner, names[i]);
        if (value == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "its output '%s' is made by nothing", names[i]);
        if (bind(scope, node->outputs[i], value, err) < 0)
            return -1;
    }
    return 0;
}

static int splice_graph(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_node *node,
                        const struct leat_onnx_graph *file, struct leat_made_block *block, struct leat_error *err)
{
    CLEAN_SCOPE inner;
    scope_init(&inner, scope);
    if (compile_graph(graph, &inner, file, block, err) < 0)
        return -1;
    const char **names = leat_arena_zalloc(&graph->arena, file->output_count + 1, sizeof(char *));
    for (uint32_t i = 0; i < file->output_count; i++)
        names[i] = file->outputs[i].name;
    return bind_spliced(scope, node, &inner, names, file->output_count, err);
}

static int bind_arguments(const struct leat_scope *scope, struct leat_scope *inner, const struct leat_onnx_node *node,
                          const struct leat_onnx_function *function, struct leat_error *err)
{
    if (node->input_count > function->input_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %u inputs; the function has %u", node->input_count,
                              function->input_count);
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i][0] == '\0')
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "does not run here: input %u of a function of the model is left out", i);
        struct leat_value *value = lookup(scope, node->inputs[i]);
        if (value == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "its input '%s' is neither an input of the graph nor made by a node before it",
                                  node->inputs[i]);
        if (bind(inner, function->inputs[i], value, err) < 0)
            return -1;
    }
    return 0;
}

static int splice_function(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_node *node,
                           const struct leat_onnx_function *function, struct leat_made_block *block,
                           struct leat_error *err)
{
    struct leat_call *call = leat_arena_zalloc(&graph->arena, 1, sizeof *call);
    CLEAN_SCOPE inner;
    scope_init(&inner, NULL);
    *call = (struct leat_call){node, scope->call};
    inner.call = call;
    inner.opsets = function->opsets;
    inner.opset_count = function->opset_count;
    inner.depth = scope->depth + 1;
    if (function->defaults)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "does not run here: a function of the model whose attributes have default values");
    want_of_nodes(inner.wanted, function->nodes, function->node_count);
    for (uint32_t i = 0; i < function->output_count; i++)
        want(inner.wanted, function->outputs[i]);
    if (check_depth(&inner, err) < 0 || bind_arguments(scope, &inner, node, function, err) < 0 ||
        compile_nodes(graph, &inner, function->nodes, function->node_count, block, err) < 0)
        return -1;
    return bind_spliced(scope, node, &inner, function->outputs, function->output_count, err);
}

static bool is_if(const struct leat_onnx_node *node)
{
    return node->domain[0] == '\0' && strcmp(node->op, "If") == 0 && node->input_count == 1;
}

/* The branch that an If with a constant condition takes, or NULL. */
static const struct leat_onnx_graph *branch_of(const struct leat_scope *scope, const struct leat_onnx_node *node)
{
    const struct leat_value *condition = is_if(node) ? lookup(scope, node->inputs[0]) : NULL;
    if (condition == NULL || condition->tensor.data == NULL || condition->tensor.type != LEAT_TENSOR_BOOL ||
        condition->tensor.count != 1)
        return NULL;
    const char *name = *(const uint8_t *)condition->tensor.data ? "then_branch" : "else_branch";
    for (uint32_t i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].name, name) == 0)
            return node->attributes[i].graph;
    return NULL;
}

static int compile_node(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_node *node,
                        struct leat_made_block *block, struct leat_error *err)
{
    const struct leat_onnx_function *function = find_function(graph->file, node);
    const struct leat_onnx_graph *branch = branch_of(scope, node);
    if (++graph->node_total > LEAT_GRAPH_NODES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "more than %zu nodes, with those of functions",
                              LEAT_GRAPH_NODES_MAX);
    if (function != NULL)
        return splice_function(graph, scope, node, function, block, err);
    if (branch != NULL)
        return splice_graph(graph, scope, node, branch, block, err);
    return compile_operator(graph, scope, node, block, err);
}

static int compile_nodes(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_node *nodes,
                         uint32_t count, struct leat_made_block *block, struct leat_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (nodes[i].output_count > 0 && !any_wanted(scope, &nodes[i]))
            continue;
        if (compile_node(graph, scope, &nodes[i], block, err) < 0)
            return leat_error_prefix(err, "node %u '%.100s' (%.100s)", i, nodes[i].name, nodes[i].op);
    }
    return 0;
}

static int bind_formal(struct leat_graph *graph, struct leat_scope *scope, const struct leat_onnx_graph *file,
                       const struct leat_tensor *const *inputs, struct leat_block *block, struct leat_error *err)
{
    block->inputs = leat_arena_zalloc(&graph->arena, file->input_count + 1, sizeof(struct leat_tensor *));
    block->input_count = file->input_count;
    for (uint32_t i = 0; i < file->input_count; i++) {
        struct leat_value *value = leat_value_new(graph, file->inputs[i].name);
        value->tensor.type = inputs[i]->type;
        value->tensor.rank = inputs[i]->rank;
        memcpy(value->tensor.dims, inputs[i]->dims, sizeof value->tensor.dims);
        value->tensor.count = inputs[i]->count;
        value->bytes = (value->tensor.count * leat_tensor_type_size(value->tensor.type) + 63) / 64 * 64 + 64;
        if (leat_graph_charge(graph, value->bytes, err) < 0 || bind(scope, value->tensor.name, value, err) < 0)
            return -1;
        block->inputs[i] = &value->tensor;
    }
    return 0;
}

static int compile_block(struct leat_graph *graph, const struct leat_scope *outer, const struct leat_onnx_graph *file,
                         const struct leat_tensor *const *inputs, struct leat_made_block *block, struct leat_error *err)
{
    CLEAN_SCOPE scope;
    scope_init(&scope, outer);
    if (bind_formal(graph, &scope, file, inputs, &block->block, err) < 0 ||
        compile_graph(graph, &scope, file, block, err) < 0)
        return -1;
    return find_outputs(graph, &scope, file, block, err);
}

/* A block's list of nodes grows on the heap; when it is complete it goes to the arena. */
static void settle(struct leat_graph *graph, struct leat_made_block *block)
{
    struct leat_node **nodes = block->block.nodes;
    block->block.nodes = leat_arena_zalloc(&graph->arena, block->block.node_count + 1, sizeof(struct leat_node *));
    if (block->block.node_count > 0)
        memcpy(block->block.nodes, nodes, block->block.node_count * sizeof(struct leat_node *));
    block->room = 0;
    free(nodes);
}

int leat_block_compile(struct leat_graph *graph, struct leat_node *node, const char *attribute,
                       const struct leat_tensor *const *inputs, uint32_t input_count, bool repeated,
                       const struct leat_block **ret, struct leat_error *err)
{
    const struct leat_onnx_graph *file = leat_node_graph(node, attribute);
    struct leat_made_block *block = leat_arena_zalloc(&graph->arena, 1, sizeof *block);
    struct leat_made_node *made = leat_made_of(node);
    struct leat_repeat repeat = {.begin = ++graph->clock, .outer = graph->repeat};
    if (file == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its attribute '%s', a graph, is not there", attribute);
    if (file->input_count != input_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its graph '%s' has %u inputs; there must be %u", attribute,
                              file->input_count, input_count);
    if (repeated)
        graph->repeat = &repeat;
    int status = compile_block(graph, made->scope, file, inputs, block, err);
    settle(graph, block);
    graph->repeat = repeat.outer;
    graph->clock++;
    for (size_t i = 0; i < repeat.used_count; i++)
        use(graph, repeat.used[i]);
    free(repeat.used);
    block->next = made->blocks;
    made->blocks = block;
    *ret = &block->block;
    return status < 0 ? leat_error_prefix(err, "in '%s'", attribute) : 0;
}

/* ---- the graph ---- */

static bool is_initializer(const struct leat_onnx_graph *graph, const struct leat_map *names, const char *name)
{
    (void)graph;
    return leat_map_find(names, leat_bytes_of(name)) != NULL;
}

size_t leat_graph_inputs(const struct leat_onnx_file *file, uint32_t *ret)
{
    struct leat_map *names = leat_map_new();
    size_t count = 0;
    for (uint32_t i = 0; i < file->graph.initializer_count; i++)
        leat_map_put(names, leat_bytes_of(file->graph.initializers[i].name), NULL);
    for (uint32_t i = 0; i < file->graph.input_count; i++)
        if (!is_initializer(&file->graph, names, file->graph.inputs[i].name))
            ret[count++] = i;
    leat_map_free(names);
    return count;
}

static int bind_graph_input(struct leat_graph *graph, struct leat_scope *scope, const char *name,
                            const struct leat_graph_input *input, uint32_t i, struct leat_error *err)
{
    struct leat_value *value = leat_value_new(graph, name);
    struct leat_tensor *tensor = &value->tensor;
    tensor->type = input->type;
    tensor->rank = input->rank;
    memcpy(tensor->dims, input->dims, sizeof tensor->dims);
    tensor->carries_row = input->carries_row;
    if (leat_tensor_elements(tensor->rank, tensor->dims, &tensor->count, err) < 0 || bind(scope, name, value, err) < 0)
        return leat_error_prefix(err, "input '%s'", name);
    tensor->data = (void *)(uintptr_t)input->constant;
    graph->main.block.inputs[i] = tensor;
    if (input->constant != NULL)
        return 0;
    value->bytes = (tensor->count * leat_tensor_type_size(tensor->type) + 63) / 64 * 64 + 64;
    return leat_graph_charge(graph, value->bytes, err);
}

static int bind_graph_inputs(struct leat_graph *graph, struct leat_scope *scope, const struct leat_graph_input *inputs,
                             struct leat_error *err)
{
    const struct leat_onnx_graph *file = &graph->file->graph;
    uint32_t *places = leat_arena_zalloc(&graph->arena, file->input_count + 1, sizeof *places);
    graph->main.block.input_count = (uint32_t)leat_graph_inputs(graph->file, places);
    graph->main.block.inputs = leat_arena_zalloc(&graph->arena, file->input_count + 1, sizeof(struct leat_tensor *));
    for (uint32_t i = 0; i < graph->main.block.input_count; i++)
        if (bind_graph_input(graph, scope, file->inputs[places[i]].name, &inputs[i], i, err) < 0)
            return -1;
    return 0;
}

/* A sequence of maps is a face of the tensor that it was made from. */
static void strip_sequences(struct leat_graph *graph)
{
    struct leat_block *block = &graph->main.block;
    graph->output_makers = leat_arena_zalloc(&graph->arena, block->output_count + 1, sizeof graph->output_makers[0]);
    for (uint32_t i = 0; i < block->output_count; i++) {
        struct leat_value *value = leat_value_of(block->outputs[i]);
        if (!value->tensor.sequence || value->maker == NULL)
            continue;
        graph->output_makers[i] = value->maker;
        block->outputs[i] = value->maker->node.inputs[0];
        use(graph, leat_value_of(block->outputs[i]));
    }
}

static int check_outputs(const struct leat_block *block, struct leat_error *err)
{
    for (uint32_t i = 0; i < block->output_count; i++)
        if (leat_tensor_type_size(block->outputs[i]->type) == 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: output '%s' is of type %s",
                                  block->outputs[i]->name, leat_tensor_type_name(block->outputs[i]->type));
    return 0;
}

static void place_workspaces(const struct leat_made_block *block)
{
    for (size_t i = 0; i < block->block.node_count; i++) {
        struct leat_made_node *made = leat_made_of(block->block.nodes[i]);
        if (made->work != NULL)
            made->node.workspace = made->work->tensor.offset;
        for (const struct leat_made_block *inner = made->blocks; inner != NULL; inner = inner->next)
            place_workspaces(inner);
    }
}

static int compile(struct leat_graph *graph, const struct leat_graph_input *inputs, struct leat_error *err)
{
    const struct leat_onnx_file *file = graph->file;
    CLEAN_SCOPE scope;
    scope_init(&scope, NULL);
    scope.opsets = file->opsets;
    scope.opset_count = file->opset_count;
    int status = bind_graph_inputs(graph, &scope, inputs, err);
    if (status == 0)
        status = compile_graph(graph, &scope, &file->graph, &graph->main, err);
    settle(graph, &graph->main);
    graph->clock++;
    if (status < 0 || find_outputs(graph, &scope, &file->graph, &graph->main, err) < 0)
        return -1;
    strip_sequences(graph);
    if (check_outputs(&graph->main.block, err) < 0)
        return -1;
    for (uint32_t i = 0; i < graph->main.block.input_count; i++)
        use(graph, leat_value_of(graph->main.block.inputs[i])); /* the caller may look at them after a run */
    if (leat_graph_place(graph, err) < 0)
        return -1;
    place_workspaces(&graph->main);
    return 0;
}

int leat_graph_compile(const struct leat_onnx_file *file, const struct leat_graph_input *inputs,
                       const struct leat_graph_limits *limits, const struct leat_graph *twin, struct leat_graph **ret,
                       struct leat_error *err)
{
    struct leat_graph *graph = leat_calloc(1, sizeof *graph);
    graph->file = file;
    graph->limits = *limits;
    graph->twin = twin;
    if (compile(graph, inputs, err) < 0) {
        leat_graph_free(graph);
        return -1;
    }
    *ret = graph;
    return 0;
}

void leat_graph_free(struct leat_graph *graph)
{
    if (graph == NULL)
        return;
    for (struct leat_kept *kept = graph->kept; kept != NULL; kept = kept->next)
        kept->release(kept->object);
    leat_map_free(graph->offered);
    leat_arena_done(&graph->arena);
    free(graph);
}

/* ---- its users ---- */

struct leat_tensor *leat_graph_input(const struct leat_graph *graph, uint32_t i)
{
    struct leat_tensor *input = graph->main.block.inputs[i];
    return input->data != NULL ? NULL : input;
}

uint32_t leat_graph_output_count(const struct leat_graph *graph)
{
    return graph->main.block.output_count;
}

const struct leat_tensor *leat_graph_output(const struct leat_graph *graph, uint32_t i,
                                            const struct leat_node **ret_maker)
{
    const struct leat_made_node *maker = graph->output_makers[i];
    if (ret_maker != NULL)
        *ret_maker = maker == NULL ? NULL : &maker->node;
    return graph->main.block.outputs[i];
}

size_t leat_graph_scratch(const struct leat_graph *graph)
{
    return (graph->scratch_bytes + 63) / 64 * 64 + 64;
}

size_t leat_graph_bytes(const struct leat_graph *graph)
{
    return sizeof *graph + graph->arena.allocated + graph->outside;
}

size_t leat_graph_node_count(const struct leat_graph *graph)
{
    return graph->main.block.node_count;
}

const struct leat_node *leat_graph_node(const struct leat_graph *graph, size_t i)
{
    return graph->main.block.nodes[i];
}

void leat_block_run(const struct leat_block *block, struct leat_run *run)
{
    for (size_t i = 0; i < block->node_count; i++)
        block->nodes[i]->run(block->nodes[i], run);
}

const char *leat_graph_run(const struct leat_graph *graph, char *scratch)
{
    struct leat_run run = {scratch, NULL};
    leat_block_run(&graph->main.block, &run);
    return run.trouble;
}
