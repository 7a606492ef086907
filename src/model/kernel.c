/* Chooses a kernel for a forest and compiles it; the loops are in kernel_step.h. */
#include "model/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NARROW_MAX ((size_t)UINT16_MAX + 1) /* nodes of a group, columns of a row */
#define BLOCK_MAX 128                       /* rows */
#define BLOCK_BYTES ((size_t)64 << 10)      /* and what they may take of the cache */

/* ---- the loops ---- */

/* What a column of kind `kind` holds; float32 trainers know only the first kind. */
static inline double column64(double x, int kind)
{
    bool zero = fabs(x) <= LEAT_TINY;
    if (kind == LEAT_COLUMN_NO_ZERO)
        return zero ? (double)NAN : x;
    if (kind == LEAT_COLUMN_NO_NAN)
        return zero || isnan(x) ? 0.0 : x;
    return zero ? 0.0 : x;
}

#define KERNEL(name)               name##_narrow
#define KERNEL_NODE                struct leat_node_narrow
#define KERNEL_NODES(kernel)       (kernel)->nodes.narrow
#define KERNEL_X                   float
#define KERNEL_SUM                 float
#define KERNEL_RIGHT(x, threshold) (uint32_t)!((x) < (threshold))
#define KERNEL_COLUMN(x, kind)     (double)(float)(x)
#include "model/kernel_step.h"

/* Thresholds here were moved down by one double, so that both trainers compare by <=. */
#define KERNEL(name)               name##_wide32
#define KERNEL_NODE                struct leat_node_wide
#define KERNEL_NODES(kernel)       (kernel)->nodes.wide
#define KERNEL_X                   double
#define KERNEL_SUM                 float
#define KERNEL_RIGHT(x, threshold) (uint32_t)!((x) <= (threshold))
#define KERNEL_COLUMN(x, kind)     (double)(float)(x)
#include "model/kernel_step.h"

#define KERNEL(name)               name##_wide64
#define KERNEL_NODE                struct leat_node_wide
#define KERNEL_NODES(kernel)       (kernel)->nodes.wide
#define KERNEL_X                   double
#define KERNEL_SUM                 double
#define KERNEL_RIGHT(x, threshold) (uint32_t)!((x) <= (threshold))
#define KERNEL_COLUMN(x, kind)     column64(x, kind)
#include "model/kernel_step.h"

void leat_kernel_run32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, float *ret_raw,
                       void *scratch)
{
    if (kernel->kind == LEAT_KERNEL_NARROW) {
        run_narrow(kernel, rows, stride, count, ret_raw, scratch);
        return;
    }
    if (kernel->kind == LEAT_KERNEL_WIDE32) {
        run_wide32(kernel, rows, stride, count, ret_raw, scratch);
        return;
    }
    for (size_t row = 0; row < count; row++)
        leat_forest_walk32(kernel->forest, rows + row * stride, ret_raw + row * kernel->forest->raw_count);
}

void leat_kernel_run64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, double *ret_raw,
                       void *scratch)
{
    if (kernel->kind == LEAT_KERNEL_WIDE64) {
        run_wide64(kernel, rows, stride, count, ret_raw, scratch);
        return;
    }
    for (size_t row = 0; row < count; row++)
        leat_forest_walk64(kernel->forest, rows + row * stride, ret_raw + row * kernel->forest->raw_count);
}

size_t leat_kernel_scratch(const struct leat_kernel *kernel, size_t count)
{
    if (kernel->kind == LEAT_KERNEL_WALK)
        return 0;
    size_t rows = count < LEAT_LANES ? 1 : count < kernel->block ? count / LEAT_LANES * LEAT_LANES : kernel->block;
    return rows * (kernel->column_count + 1) * (kernel->kind == LEAT_KERNEL_NARROW ? sizeof(float) : sizeof(double));
}

/* ---- the choice ---- */

static struct leat_column column_of(const struct leat_node *node)
{
    struct leat_column column = {.feature = node->feature, .kind = LEAT_COLUMN_VALUE};
    if ((node->flags & LEAT_NODE_ZERO_MISSING) != 0)
        column.kind = LEAT_COLUMN_NO_ZERO;
    else if ((node->flags & LEAT_NODE_NAN_IS_ZERO) != 0)
        column.kind = LEAT_COLUMN_NO_NAN;
    column.negated = column.kind != LEAT_COLUMN_NO_NAN && (node->flags & LEAT_NODE_DEFAULT_LEFT) != 0;
    return column;
}

/* Compiled nodes have no sets, no linear leaves, no leaves that are not numbers, and no float32 threshold that nothing but a
 * missing value is left of. */
static bool can_compile(const struct leat_forest *forest, const struct leat_node *node)
{
    if (node->left < 0)
        return isfinite(node->value) && node->right < 0;
    bool nothing = forest->arithmetic == LEAT_FLOAT32 && node->value == -INFINITY && column_of(node).negated;
    return !isnan(node->value) && !nothing && (node->flags & LEAT_NODE_CATEGORIES) == 0;
}

static bool must_walk(const struct leat_forest *forest, uint32_t *queue)
{
    if (forest->weights != NULL || forest->tree_count == 0)
        return true;
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        size_t depth = 0;
        size_t count = leat_forest_order(forest, tree, queue, &depth);
        for (size_t i = 0; i < count; i++)
            if (!can_compile(forest, &forest->nodes[forest->trees[tree].first + queue[i]]))
                return true;
    }
    return false;
}

/* ---- compiling ---- */

struct compiler {
    const struct leat_forest *forest;
    struct leat_kernel *kernel;
    uint32_t *queue; /* a tree's nodes, from the root downwards */
    uint32_t *place; /* where each of a tree's nodes goes */
    uint32_t *column_places; /* by kind, negation and feature */
};

static size_t column_slot(const struct compiler *c, struct leat_column column)
{
    return ((size_t)column.kind * 2 + column.negated) * c->forest->feature_count + column.feature;
}

/* Gives every column that some split reads a place, ordered by kind, negation and feature. */
static void place_columns(struct compiler *c)
{
    const struct leat_forest *forest = c->forest;
    size_t slots = (size_t)LEAT_COLUMN_KINDS * 2 * forest->feature_count;
    c->column_places = leat_calloc(slots, sizeof *c->column_places);
    size_t count = 0;
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        size_t depth = 0;
        size_t nodes = leat_forest_order(forest, tree, c->queue, &depth);
        for (size_t i = 0; i < nodes; i++) {
            const struct leat_node *node = &forest->nodes[forest->trees[tree].first + c->queue[i]];
            if (node->left < 0)
                continue;
            uint32_t *place = &c->column_places[column_slot(c, column_of(node))];
            count += *place == 0;
            *place = 1;
        }
    }
    struct leat_kernel *kernel = c->kernel;
    kernel->columns = leat_arena_zalloc(&kernel->arena, count, sizeof *kernel->columns);
    for (size_t slot = 0; slot < slots; slot++) {
        if (c->column_places[slot] == 0)
            continue;
        size_t kind = slot / forest->feature_count;
        c->column_places[slot] = (uint32_t)kernel->column_count;
        kernel->columns[kernel->column_count++] = (struct leat_column){
            .feature = (uint32_t)(slot % forest->feature_count),
            .kind = (uint8_t)(kind / 2),
            .negated = kind % 2 != 0,
        };
    }
}

/* Groups of eight in file order, which is the order of the sums. Returns the size of the largest. */
static size_t make_groups(struct compiler *c)
{
    const struct leat_forest *forest = c->forest;
    struct leat_kernel *kernel = c->kernel;
    kernel->group_count = (forest->tree_count + LEAT_LANES - 1) / LEAT_LANES;
    kernel->groups = leat_arena_zalloc(&kernel->arena, kernel->group_count, sizeof *kernel->groups);
    size_t largest = 0;
    for (size_t g = 0; g < kernel->group_count; g++) {
        struct leat_tree_group *group = &kernel->groups[g];
        group->first = (uint32_t)kernel->node_count;
        size_t size = LEAT_LANES;
        for (size_t tree = g * LEAT_LANES; tree < forest->tree_count && group->count < LEAT_LANES; tree++) {
            size_t depth = 0;
            size += leat_forest_order(forest, tree, c->queue, &depth) - 1;
            group->tree_depth[group->count] = (uint32_t)depth;
            group->target[group->count] = forest->trees[tree].group;
            group->depth = depth > group->depth ? (uint32_t)depth : group->depth;
            group->count++;
        }
        kernel->node_count += size;
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* The threshold t of a compiled node, which goes right when !(x < t), or when !(x <= t) in wide nodes, so that it parts numbers
 * as the file's node does. Read negated, the children are exchanged: 'right' is then the file's left. NaN is a threshold that
 * everything is right of. */
static float narrow_threshold(const struct leat_node *node)
{
    float threshold = (float)node->value;
    return column_of(node).negated ? nextafterf(-threshold, INFINITY) : threshold;
}

static double wide_threshold(const struct compiler *c, const struct leat_node *node)
{
    bool negated = column_of(node).negated;
    bool equal_goes_left = c->forest->arithmetic == LEAT_FLOAT64;
    double threshold = negated ? -node->value : node->value;
    if (negated != equal_goes_left)
        return threshold;
    return threshold == -INFINITY ? (double)NAN : nextafter(threshold, -INFINITY);
}

static void put_node(struct compiler *c, size_t at, const struct leat_node *node, uint32_t left)
{
    struct leat_kernel *kernel = c->kernel;
    bool leaf = node->left < 0;
    size_t column = leaf ? kernel->column_count : c->column_places[column_slot(c, column_of(node))];
    if (kernel->kind == LEAT_KERNEL_NARROW) {
        kernel->nodes.narrow[at] = (struct leat_node_narrow){
            .threshold = leaf ? (float)node->value : narrow_threshold(node),
            .column = (uint16_t)column,
            .left = (uint16_t)left,
        };
        return;
    }
    kernel->nodes.wide[at] = (struct leat_node_wide){
        .threshold = leaf ? node->value : wide_threshold(c, node),
        .column = (uint32_t)column,
        .left = left,
    };
}

/* Puts one tree into its group, pairs of children from *next on. */
static void compile_tree(struct compiler *c, size_t tree, const struct leat_tree_group *group, uint32_t lane, uint32_t *next)
{
    const struct leat_node *nodes = c->forest->nodes + c->forest->trees[tree].first;
    size_t depth = 0;
    size_t count = leat_forest_order(c->forest, tree, c->queue, &depth);
    c->place[0] = lane;
    for (size_t i = 0; i < count; i++) {
        const struct leat_node *node = &nodes[c->queue[i]];
        uint32_t place = c->place[c->queue[i]];
        uint32_t left = place;
        if (node->left >= 0) {
            bool exchanged = column_of(node).negated;
            left = *next;
            *next += 2;
            c->place[exchanged ? node->right : node->left] = left;
            c->place[exchanged ? node->left : node->right] = left + 1;
        }
        put_node(c, group->first + place, node, left);
    }
}

static void *alloc_aligned(struct leat_arena *arena, size_t count, size_t size)
{
    char *memory = leat_arena_zalloc(arena, count + 64 / size, size);
    return memory + (64 - (uintptr_t)memory % 64) % 64;
}

static void compile_groups(struct compiler *c)
{
    const struct leat_node filler = {.value = -0.0, .left = -1, .right = -1};
    for (size_t g = 0; g < c->kernel->group_count; g++) {
        const struct leat_tree_group *group = &c->kernel->groups[g];
        uint32_t next = LEAT_LANES;
        for (uint32_t lane = 0; lane < LEAT_LANES; lane++) {
            if (lane < group->count)
                compile_tree(c, g * LEAT_LANES + lane, group, lane, &next);
            else
                put_node(c, group->first + lane, &filler, lane);
        }
    }
}

static void choose_block(struct leat_kernel *kernel)
{
    size_t row = (kernel->column_count + 1) * (kernel->kind == LEAT_KERNEL_NARROW ? sizeof(float) : sizeof(double));
    size_t rows = BLOCK_BYTES / row / LEAT_LANES * LEAT_LANES;
    kernel->block = rows < LEAT_LANES ? LEAT_LANES : rows > BLOCK_MAX ? BLOCK_MAX : rows;
}

static void compile(struct compiler *c)
{
    struct leat_kernel *kernel = c->kernel;
    place_columns(c);
    size_t largest = make_groups(c);
    if (c->forest->arithmetic == LEAT_FLOAT64) {
        kernel->kind = LEAT_KERNEL_WIDE64;
        kernel->name = "8 trees or rows at once, 16-byte nodes, double";
    } else if (largest <= NARROW_MAX && kernel->column_count < NARROW_MAX) {
        kernel->kind = LEAT_KERNEL_NARROW;
        kernel->name = "8 trees or rows at once, 8-byte nodes, float32";
    } else {
        kernel->kind = LEAT_KERNEL_WIDE32;
        kernel->name = "8 trees or rows at once, 16-byte nodes, float32";
    }
    if (kernel->kind == LEAT_KERNEL_NARROW)
        kernel->nodes.narrow = alloc_aligned(&kernel->arena, kernel->node_count, sizeof *kernel->nodes.narrow);
    else
        kernel->nodes.wide = alloc_aligned(&kernel->arena, kernel->node_count, sizeof *kernel->nodes.wide);
    choose_block(kernel);
    compile_groups(c);
}

void leat_kernel_compile(const struct leat_forest *forest, struct leat_kernel *ret)
{
    *ret = (struct leat_kernel){.kind = LEAT_KERNEL_WALK, .name = "plain walk", .forest = forest, .block = BLOCK_MAX};
    size_t largest = 1;
    for (size_t tree = 0; tree < forest->tree_count; tree++)
        largest = forest->trees[tree].count > largest ? forest->trees[tree].count : largest;
    struct compiler compiler = {.forest = forest, .kernel = ret};
    compiler.queue = leat_calloc(largest, sizeof *compiler.queue);
    compiler.place = leat_calloc(largest, sizeof *compiler.place);
    if (!must_walk(forest, compiler.queue))
        compile(&compiler);
    free(compiler.queue);
    free(compiler.place);
    free(compiler.column_places);
}

void leat_kernel_done(struct leat_kernel *kernel)
{
    leat_arena_done(&kernel->arena);
    memset(kernel, 0, sizeof *kernel);
}
