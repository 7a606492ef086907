/* Where buffers lie: those that are not in use at the same time share their place. And whether a block of rows is
 * scored as single rows are. */
#include "model/onnx/inside.h"

#include <string.h>

/* ---- places ---- */

/* Sizes go up to one of four steps between powers of two, and a place that becomes free is used again for the same
 * step: linear in the number of buffers, at most a quarter more than what they need. */
#define STEPS (4 * 40)

struct freed {
    size_t offset;
    struct freed *next;
};

static size_t step_of(size_t bytes, size_t *ret_size)
{
    size_t power = 256, step = 4;
    if (bytes <= power) {
        *ret_size = (bytes + 63) / 64 * 64;
        return *ret_size / 64;
    }
    for (; 2 * power <= bytes; power *= 2)
        step += 4;
    size_t quarters = (bytes - power + power / 4 - 1) / (power / 4);
    *ret_size = power + quarters * (power / 4);
    return step + quarters;
}

int leat_graph_place(struct leat_graph *graph, struct leat_error *err)
{
    struct leat_arena work = {0};
    struct freed *freed[STEPS] = {0};
    size_t ticks = (size_t)graph->clock + 1;
    struct leat_value **born = leat_arena_zalloc(&work, ticks, sizeof(struct leat_value *));
    struct leat_value **dying = leat_arena_zalloc(&work, ticks, sizeof(struct leat_value *));
    size_t size, end = 0;
    for (struct leat_value *value = graph->values; value != NULL; value = value->next) {
        if (value->bytes == 0)
            continue;
        value->next_born = born[value->born];
        born[value->born] = value;
        value->next_dying = dying[value->dies];
        dying[value->dies] = value;
    }
    for (size_t tick = 0; tick < ticks; tick++) {
        for (struct leat_value *value = born[tick]; value != NULL; value = value->next_born) {
            size_t step = step_of(value->bytes, &size);
            struct freed *place = freed[step];
            value->tensor.offset = place == NULL ? end : place->offset;
            if (place == NULL)
                end += size;
            else
                freed[step] = place->next;
        }
        for (struct leat_value *value = dying[tick]; value != NULL; value = value->next_dying) {
            struct freed *place = leat_arena_zalloc(&work, 1, sizeof *place);
            size_t step = step_of(value->bytes, &size);
            *place = (struct freed){value->tensor.offset, freed[step]};
            freed[step] = place;
        }
    }
    leat_arena_done(&work);
    graph->scratch_bytes = end;
    if (end > graph->limits.bytes + graph->limits.bytes / 4)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its buffers take %zu bytes; there may be %zu", end,
                              graph->limits.bytes);
    return 0;
}

/* ---- rows ---- */

static bool same_content(const struct leat_tensor *a, const void *a_data, const void *b_data, size_t count)
{
    if (a->type != LEAT_TENSOR_STRING)
        return count == 0 || memcmp(a_data, b_data, count * leat_tensor_type_size(a->type)) == 0;
    for (size_t i = 0; i < count; i++)
        if (!leat_bytes_equal(((const struct leat_bytes *)a_data)[i], ((const struct leat_bytes *)b_data)[i]))
            return false;
    return true;
}

static bool same_dims(const struct leat_tensor *a, const struct leat_tensor *b, uint32_t from)
{
    if (a->type != b->type || a->rank != b->rank)
        return false;
    for (uint32_t i = from; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

/* `block` has the rows of `single` as often as there are rows. */
static bool rows_of(const struct leat_tensor *single, const struct leat_tensor *block, int64_t rows)
{
    return single->rank > 0 && same_dims(single, block, 1) && single->dims[0] == 1 && block->dims[0] == rows;
}

/* A constant may say the number of rows, or be made for it: then each of its rows is the one of `single`. */
static bool constant_by_row(const struct leat_tensor *single, struct leat_tensor *block, int64_t rows)
{
    if (same_dims(single, block, 0) && same_content(single, single->data, block->data, single->count))
        return true;
    if (!rows_of(single, block, rows))
        return false;
    for (int64_t row = 0; row < rows; row++)
        if (!same_content(single, single->data,
                          (const char *)block->data + (size_t)row * single->count * leat_tensor_type_size(single->type),
                          single->count))
            return false;
    block->carries_row = true;
    return true;
}

/* Inputs that only say a shape; what comes out is looked at anyway. */
static bool says_shape(const struct leat_node *node, uint32_t input)
{
    return input == 1 && node->op->domain[0] == '\0' &&
           (strcmp(node->op->name, "Reshape") == 0 || strcmp(node->op->name, "Expand") == 0);
}

static bool inputs_by_row(const struct leat_node *single, const struct leat_node *block, int64_t rows, bool *ret_carries)
{
    *ret_carries = false;
    for (uint32_t i = 0; i < block->input_count; i++) {
        struct leat_tensor *input = block->inputs[i];
        if (input == NULL || says_shape(block, i))
            continue;
        if ((input->data == NULL) != (single->inputs[i]->data == NULL))
            return false;
        if (input->data != NULL && !constant_by_row(single->inputs[i], input, rows))
            return false;
        *ret_carries = *ret_carries || input->carries_row;
    }
    return true;
}

static bool outputs_by_row(const struct leat_node *single, const struct leat_node *block, int64_t rows, bool carries)
{
    for (uint32_t i = 0; i < block->output_count; i++) {
        struct leat_tensor *output = block->outputs[i];
        if (output == NULL)
            continue;
        if (carries ? !rows_of(single->outputs[i], output, rows) : !same_dims(single->outputs[i], output, 0))
            return false;
        output->carries_row = carries;
    }
    return true;
}

static bool node_by_row(const struct leat_node *single, const struct leat_node *block, int64_t rows)
{
    bool carries;
    if (single->file != block->file || single->input_count != block->input_count ||
        !inputs_by_row(single, block, rows, &carries))
        return false;
    if (carries && (block->op->by_row == NULL || !block->op->by_row(block)))
        return false;
    return outputs_by_row(single, block, rows, carries);
}

bool leat_graph_by_row(const struct leat_graph *single, struct leat_graph *block, int64_t rows)
{
    const struct leat_block *a = &single->main.block, *b = &block->main.block;
    if (a->node_count != b->node_count)
        return false;
    for (size_t i = 0; i < a->node_count; i++)
        if (!node_by_row(a->nodes[i], b->nodes[i], rows))
            return false;
    for (uint32_t i = 0; i < b->output_count; i++) {
        const struct leat_tensor *one = leat_graph_output(single, i, NULL);
        const struct leat_tensor *output = leat_graph_output(block, i, NULL);
        if (output->data != NULL ? !constant_by_row(one, b->outputs[i], rows) : !output->carries_row)
            return false;
        if (!rows_of(one, output, rows))
            return false;
    }
    return true;
}
