/* Operators with graphs in them: If, Scan. An If whose condition is a constant is not seen here: its branch is compiled
 * in its place. */
#include "model/onnx/compile.h"

#include <string.h>

static size_t bytes_of(const struct leat_tensor *tensor)
{
    return tensor->count * leat_tensor_type_size(tensor->type);
}

static void copy(const struct leat_run *run, const struct leat_tensor *to, const struct leat_tensor *from)
{
    if (to != NULL && bytes_of(from) > 0)
        memcpy(leat_tensor_data(run, to), leat_tensor_data(run, from), bytes_of(from));
}

static bool same_shape(const struct leat_tensor *a, const struct leat_tensor *b)
{
    return a->type == b->type && a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) == 0;
}

static int check_tensors(const struct leat_block *block, struct leat_error *err)
{
    for (uint32_t i = 0; i < block->output_count; i++)
        if (block->outputs[i]->sequence || leat_tensor_type_size(block->outputs[i]->type) == 0)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "does not run here: a graph within it has no tensor as output %u", i);
    return 0;
}

/* ---- If ---- */

struct branches {
    const struct leat_block *of[2]; /* else, then */
};

static void run_if(const struct leat_node *node, struct leat_run *run)
{
    const struct branches *branches = node->state;
    const uint8_t *condition = leat_tensor_data(run, node->inputs[0]);
    const struct leat_block *block = branches->of[*condition != 0];
    leat_block_run(block, run);
    for (uint32_t i = 0; i < node->output_count; i++)
        copy(run, node->outputs[i], block->outputs[i]);
}

static int compile_branch(struct leat_graph *graph, struct leat_node *node, const char *name,
                          const struct leat_block **ret, struct leat_error *err)
{
    if (leat_block_compile(graph, node, name, NULL, 0, false, ret, err) < 0)
        return -1;
    if ((*ret)->output_count != node->output_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' has %u outputs; there must be %u", name,
                              (*ret)->output_count, node->output_count);
    return check_tensors(*ret, err);
}

static int prepare_if(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct branches *branches = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *branches);
    const struct leat_tensor *condition = node->inputs[0];
    node->state = branches;
    if (condition->type != LEAT_TENSOR_BOOL || condition->count != 1)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its condition is not one bool");
    if (compile_branch(graph, node, "else_branch", &branches->of[0], err) < 0 ||
        compile_branch(graph, node, "then_branch", &branches->of[1], err) < 0)
        return -1;
    for (uint32_t i = 0; i < node->output_count; i++) {
        const struct leat_tensor *output = branches->of[0]->outputs[i];
        if (!same_shape(output, branches->of[1]->outputs[i]))
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "does not run here: its branches differ in type or shape of output %u", i);
        if (leat_node_output(graph, node, i, output->type, output->rank, output->dims, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- Scan ---- */

/* How one input or output is cut along its axis. */
struct cut {
    size_t outer; /* elements before the axis */
    size_t inner; /* bytes behind it */
    bool backward;
};

struct scan {
    const struct leat_block *body;
    uint32_t states, scans, results; /* results: outputs that are put together */
    size_t steps;
    struct cut *inputs, *outputs; /* of scans and results */
};

static void cut_out(const struct scan *scan, const struct cut *cut, char *to, const char *from, size_t step)
{
    size_t at = cut->backward ? scan->steps - 1 - step : step;
    for (size_t i = 0; i < cut->outer && cut->inner > 0; i++)
        memcpy(to + i * cut->inner, from + (i * scan->steps + at) * cut->inner, cut->inner);
}

static void put_in(const struct scan *scan, const struct cut *cut, char *to, const char *from, size_t step)
{
    size_t at = cut->backward ? scan->steps - 1 - step : step;
    for (size_t i = 0; i < cut->outer && cut->inner > 0; i++)
        memcpy(to + (i * scan->steps + at) * cut->inner, from + i * cut->inner, cut->inner);
}

/* By way of the workspace: a state may come out as what another state is. */
static void pass_states(const struct leat_node *node, struct leat_run *run)
{
    const struct scan *scan = node->state;
    char *at = run->scratch + node->workspace;
    for (uint32_t i = 0; i < scan->states; i++) {
        const struct leat_tensor *output = scan->body->outputs[i];
        if (bytes_of(output) > 0)
            memcpy(at, leat_tensor_data(run, output), bytes_of(output));
        at += bytes_of(output);
    }
    at = run->scratch + node->workspace;
    for (uint32_t i = 0; i < scan->states; i++) {
        const struct leat_tensor *input = scan->body->inputs[i];
        if (bytes_of(input) > 0)
            memcpy(leat_tensor_data(run, input), at, bytes_of(input));
        at += bytes_of(input);
    }
}

static void run_scan(const struct leat_node *node, struct leat_run *run)
{
    const struct scan *scan = node->state;
    const struct leat_block *body = scan->body;
    for (uint32_t i = 0; i < scan->states; i++)
        copy(run, body->inputs[i], node->inputs[i]);
    for (size_t step = 0; step < scan->steps; step++) {
        for (uint32_t i = 0; i < scan->scans; i++)
            cut_out(scan, &scan->inputs[i], leat_tensor_data(run, body->inputs[scan->states + i]),
                    leat_tensor_data(run, node->inputs[scan->states + i]), step);
        leat_block_run(body, run);
        for (uint32_t i = 0; i < scan->results; i++)
            if (node->outputs[scan->states + i] != NULL)
                put_in(scan, &scan->outputs[i], leat_tensor_data(run, node->outputs[scan->states + i]),
                       leat_tensor_data(run, body->outputs[scan->states + i]), step);
        pass_states(node, run);
    }
    for (uint32_t i = 0; i < scan->states; i++)
        copy(run, node->outputs[i], body->inputs[i]);
}

static size_t product(const int64_t *dims, uint32_t from, uint32_t to)
{
    size_t count = 1;
    for (uint32_t i = from; i < to; i++)
        count *= (size_t)dims[i];
    return count;
}

static void set_cut(struct cut *cut, const struct leat_tensor *whole, uint32_t axis, bool backward)
{
    cut->outer = product(whole->dims, 0, axis);
    cut->inner = product(whole->dims, axis + 1, whole->rank) * leat_tensor_type_size(whole->type);
    cut->backward = backward;
}

/* The i-th of an attribute with one number for each, 0 when it is absent. */
static int number_of(const struct leat_node *node, const char *name, uint32_t count, uint32_t i, int64_t *ret,
                     struct leat_error *err)
{
    size_t given;
    const int64_t *numbers = leat_node_ints(node, name, &given);
    *ret = 0;
    if (numbers == NULL)
        return 0;
    if (given != count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "attribute '%s' has %zu numbers; there must be %u", name, given,
                              count);
    *ret = numbers[i];
    return 0;
}

static int cut_input(struct leat_graph *graph, struct leat_node *node, struct scan *scan, uint32_t i,
                     const struct leat_tensor **ret, struct leat_error *err)
{
    const struct leat_tensor *whole = leat_node_input(node, scan->states + i);
    struct leat_tensor *part = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *part);
    int64_t told, backward;
    uint32_t axis;
    if (whole == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input %u is left out", scan->states + i);
    if (number_of(node, "scan_input_axes", scan->scans, i, &told, err) < 0 ||
        number_of(node, "scan_input_directions", scan->scans, i, &backward, err) < 0 ||
        leat_node_axis(node, told, whole->rank, &axis, err) < 0)
        return -1;
    if (i > 0 && (size_t)whole->dims[axis] != scan->steps)
        return leat_error_set(err, LEAT_ERROR_FINDING, "input %u has %lld steps, others have %zu", scan->states + i,
                              (long long)whole->dims[axis], scan->steps);
    scan->steps = (size_t)whole->dims[axis];
    set_cut(&scan->inputs[i], whole, axis, backward != 0);
    part->type = whole->type;
    for (uint32_t k = 0; k < whole->rank; k++)
        if (k != axis)
            part->dims[part->rank++] = whole->dims[k];
    part->count = product(part->dims, 0, part->rank);
    *ret = part;
    return 0;
}

static int put_output(struct leat_graph *graph, struct leat_node *node, struct scan *scan, uint32_t i,
                      struct leat_error *err)
{
    const struct leat_tensor *part = scan->body->outputs[scan->states + i];
    struct leat_tensor whole = {.type = part->type, .rank = part->rank + 1};
    int64_t told, backward;
    uint32_t axis;
    if (part->rank >= LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%u dimensions; there may be %d", whole.rank, LEAT_RANK_MAX);
    if (number_of(node, "scan_output_axes", scan->results, i, &told, err) < 0 ||
        number_of(node, "scan_output_directions", scan->results, i, &backward, err) < 0 ||
        leat_node_axis(node, told, whole.rank, &axis, err) < 0)
        return -1;
    for (uint32_t k = 0, from = 0; k < whole.rank; k++)
        whole.dims[k] = k == axis ? (int64_t)scan->steps : part->dims[from++];
    set_cut(&scan->outputs[i], &whole, axis, backward != 0);
    return leat_node_output(graph, node, scan->states + i, whole.type, whole.rank, whole.dims, err);
}

static int compile_body(struct leat_graph *graph, struct leat_node *node, struct scan *scan, struct leat_error *err)
{
    const struct leat_tensor **inputs = leat_arena_zalloc(leat_graph_arena(graph), node->input_count + 1,
                                                          sizeof(struct leat_tensor *));
    for (uint32_t i = 0; i < scan->states; i++) {
        inputs[i] = leat_node_input(node, i);
        if (inputs[i] == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "its input %u is left out", i);
    }
    for (uint32_t i = 0; i < scan->scans; i++)
        if (cut_input(graph, node, scan, i, &inputs[scan->states + i], err) < 0)
            return -1;
    if (leat_block_compile(graph, node, "body", inputs, node->input_count, true, &scan->body, err) < 0 ||
        check_tensors(scan->body, err) < 0)
        return -1;
    if (scan->body->output_count != node->output_count || node->output_count < scan->states)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its body has %u outputs; there must be %u",
                              scan->body->output_count, node->output_count);
    return leat_graph_work(graph, scan->steps, scan->body->work, err);
}

static int prepare_scan(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct leat_arena *arena = leat_graph_arena(graph);
    struct scan *scan = leat_arena_zalloc(arena, 1, sizeof *scan);
    int64_t scans = leat_node_int(node, "num_scan_inputs", 0);
    size_t state_bytes = 0;
    node->state = scan;
    if (scans < 1 || scans > node->input_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "num_scan_inputs is %lld of %u inputs", (long long)scans,
                              node->input_count);
    scan->scans = (uint32_t)scans;
    scan->states = node->input_count - scan->scans;
    scan->inputs = leat_arena_zalloc(arena, scan->scans, sizeof *scan->inputs);
    if (compile_body(graph, node, scan, err) < 0)
        return -1;
    scan->results = node->output_count - scan->states;
    scan->outputs = leat_arena_zalloc(arena, scan->results + 1, sizeof *scan->outputs);
    for (uint32_t i = 0; i < scan->states; i++) {
        const struct leat_tensor *state = scan->body->outputs[i];
        if (!same_shape(state, node->inputs[i]))
            return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: state %u changes its type or shape", i);
        if (leat_node_output(graph, node, i, state->type, state->rank, state->dims, err) < 0)
            return -1;
        state_bytes += bytes_of(state);
    }
    for (uint32_t i = 0; i < scan->results; i++)
        if (put_output(graph, node, scan, i, err) < 0)
            return -1;
    return leat_node_workspace(graph, node, state_bytes, err);
}

const struct leat_operator leat_ops_control[] = {
    {.name = "If", .domain = "", .since = 1, .prepare = prepare_if, .run = run_if, .min_inputs = 1, .max_inputs = 1},
    {.name = "Scan", .domain = "", .since = 9, .prepare = prepare_scan, .run = run_scan, .min_inputs = 1},
    {.name = NULL},
};
