/* Chooses a kernel for a forest and compiles it; the loops are in kernel_step.h. */
#include "model/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NARROW_MAX ((size_t)UINT16_MAX + 1) /* nodes of a group; places × LEAT_LANES */
#define BLOCK_MAX 128                       /* rows */
#define BLOCK_BYTES ((size_t)16 << 10)      /* and what they may take of the cache */

/* ---- numbers as integers in the same order ---- */

/* Of two numbers the smaller has the smaller integer, -0.0 that just below 0.0's; NaN is the largest. */
static inline uint32_t order32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t flip = (0u - (bits >> 31)) | 0x80000000u;
    return (bits ^ flip) | (0u - (uint32_t)(x != x));
}

static inline uint64_t order64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t flip = (0u - (bits >> 63)) | 0x8000000000000000u;
    return (bits ^ flip) | (0u - (uint64_t)(x != x));
}

/* LightGBM's kinds; XGBoost knows only the first. Without branches: which values are missing is hard to foretell. */
static inline uint64_t order_kind(double x, uint32_t kind)
{
    double value = fabs(x) <= LEAT_TINY ? 0 : x;
    if (kind == LEAT_COLUMN_NO_NAN)
        return order64(value != value ? 0 : value);
    uint64_t ordered = order64(value);
    return kind == LEAT_COLUMN_NO_ZERO ? ordered | (0u - (uint64_t)(value == 0)) : ordered;
}

static inline float leaf32(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double leaf64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- the loops ---- */

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

#define KERNEL(name) name##_narrow
#define KERNEL_NODE struct leat_node_narrow
#define KERNEL_NODES(kernel) (kernel)->nodes.narrow
#define KERNEL_X uint32_t
#define KERNEL_SUM float
#define KERNEL_BEGIN leat_forest_begin32
#define KERNEL_END leat_forest_end32
#define KERNEL_LEAF(bits) leaf32(bits)
#define KERNEL_ORDERED(x, kind) order32((float)(x))
#include "model/kernel_step.h"

#define KERNEL(name) name##_wide32
#define KERNEL_NODE struct leat_node_wide
#define KERNEL_NODES(kernel) (kernel)->nodes.wide
#define KERNEL_X uint64_t
#define KERNEL_SUM float
#define KERNEL_BEGIN leat_forest_begin32
#define KERNEL_END leat_forest_end32
#define KERNEL_LEAF(bits) (float)leaf64(bits)
#define KERNEL_ORDERED(x, kind) order64((double)(float)(x))
#include "model/kernel_step.h"

#define KERNEL(name) name##_wide64
#define KERNEL_NODE struct leat_node_wide
#define KERNEL_NODES(kernel) (kernel)->nodes.wide
#define KERNEL_X uint64_t
#define KERNEL_SUM double
#define KERNEL_BEGIN leat_forest_begin64
#define KERNEL_END leat_forest_end64
#define KERNEL_LEAF(bits) leaf64(bits)
#define KERNEL_ORDERED(x, kind) order_kind(x, kind)
#include "model/kernel_step.h"

void leat_kernel_run32(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                       float *ret_raw, void *scratch)
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

void leat_kernel_run64(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                       double *ret_raw, void *scratch)
{
    if (kernel->kind == LEAT_KERNEL_WIDE64) {
        run_wide64(kernel, rows, stride, count, ret_raw, scratch);
        return;
    }
    for (size_t row = 0; row < count; row++)
        leat_forest_walk64(kernel->forest, rows + row * stride, ret_raw + row * kernel->forest->raw_count);
}

static size_t tile_bytes(const struct leat_kernel *kernel)
{
    size_t size = kernel->kind == LEAT_KERNEL_NARROW ? sizeof(uint32_t) : sizeof(uint64_t);
    return kernel->place_count * LEAT_LANES * size;
}

size_t leat_kernel_scratch(const struct leat_kernel *kernel, size_t count)
{
    if (kernel->kind == LEAT_KERNEL_WALK)
        return 0;
    size_t rows = count < kernel->block ? count : kernel->block;
    return (rows < LEAT_LANES ? 1 : rows / LEAT_LANES) * tile_bytes(kernel);
}

/* ---- the choice ---- */

static uint32_t kind_of(const struct leat_node *node)
{
    if ((node->flags & LEAT_NODE_ZERO_MISSING) != 0)
        return LEAT_COLUMN_NO_ZERO;
    return (node->flags & LEAT_NODE_NAN_IS_ZERO) != 0 ? LEAT_COLUMN_NO_NAN : LEAT_COLUMN_VALUE;
}

static bool is_negated(const struct leat_node *node)
{
    return kind_of(node) != LEAT_COLUMN_NO_NAN && (node->flags & LEAT_NODE_DEFAULT_LEFT) != 0;
}

/* Compiled nodes have no category sets and no linear leaves. */
static bool can_compile(const struct leat_forest *forest, const struct leat_node *node)
{
    uint32_t beyond = LEAT_NODE_CATEGORIES | LEAT_NODE_EQUAL;
    if (forest->arithmetic == LEAT_FLOAT32)
        beyond |= LEAT_NODE_NAN_IS_ZERO | LEAT_NODE_ZERO_MISSING;
    return node->left < 0 ? node->right < 0 : (node->flags & beyond) == 0;
}

static bool must_walk(const struct leat_forest *forest, uint32_t *queue)
{
    if (forest->weights != NULL || forest->tree_count == 0 || forest->leaf_width > 1 ||
        forest->arithmetic == LEAT_FLOAT32_SUM64 || forest->tiny_is_zero != (forest->arithmetic == LEAT_FLOAT64))
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
    uint32_t *queue;  /* a tree's nodes, from the root downwards */
    uint32_t *place;  /* where each of a tree's nodes goes */
    uint32_t *places; /* of columns by kind, negation and feature; 0: not read */
};

static uint32_t *place_of(const struct compiler *c, uint32_t kind, bool negated, uint32_t feature)
{
    return &c->places[((size_t)kind * 2 + negated) * c->forest->feature_count + feature];
}

static void mark_columns(struct compiler *c)
{
    const struct leat_forest *forest = c->forest;
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        size_t depth = 0;
        size_t count = leat_forest_order(forest, tree, c->queue, &depth);
        for (size_t i = 0; i < count; i++) {
            const struct leat_node *node = &forest->nodes[forest->trees[tree].first + c->queue[i]];
            if (node->left >= 0)
                *place_of(c, kind_of(node), is_negated(node), node->feature) = 1;
        }
    }
}

/* Gives every column that some split reads a place. */
static void place_columns(struct compiler *c)
{
    struct leat_kernel *kernel = c->kernel;
    uint32_t features = (uint32_t)c->forest->feature_count;
    c->places = leat_calloc((size_t)LEAT_COLUMN_KINDS * 2 * features, sizeof *c->places);
    mark_columns(c);
    size_t count = 0;
    for (uint32_t kind = 0; kind < LEAT_COLUMN_KINDS; kind++)
        for (uint32_t feature = 0; feature < features; feature++)
            count += (*place_of(c, kind, false, feature) | *place_of(c, kind, true, feature)) != 0;
    kernel->columns = leat_arena_zalloc(&kernel->arena, count, sizeof *kernel->columns);
    kernel->place_count = LEAT_PLACES_KEPT;
    size_t column = 0;
    for (uint32_t kind = 0; kind < LEAT_COLUMN_KINDS; kind++) {
        kernel->kind_first[kind] = column;
        for (uint32_t feature = 0; feature < features; feature++) {
            uint32_t *plain = place_of(c, kind, false, feature);
            uint32_t *negated = place_of(c, kind, true, feature);
            if ((*plain | *negated) == 0)
                continue;
            *plain = *plain == 0 ? 1 : (uint32_t)kernel->place_count++;
            *negated = *negated == 0 ? 1 : (uint32_t)kernel->place_count++;
            kernel->columns[column++] = (struct leat_column){feature, *plain, *negated};
        }
    }
    kernel->kind_first[LEAT_COLUMN_KINDS] = column;
}

/* Groups of eight in file order, which is the order of the sums. Returns the size of the largest. */
static size_t make_groups(struct compiler *c)
{
    const struct leat_forest *forest = c->forest;
    struct leat_kernel *kernel = c->kernel;
    kernel->group_count = (forest->tree_count + LEAT_LANES - 1) / LEAT_LANES;
    /* Two more, all zero, for the kernel that looks ahead. */
    kernel->groups = leat_arena_zalloc(&kernel->arena, kernel->group_count + 2, sizeof *kernel->groups);
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

/* The threshold t of a compiled node, which goes right when t < x, such that it parts numbers as the file's node
 * does. In a negated column the order is opposite and the children are exchanged: 'right' is then the file's left.
 * `ordered` is the file's threshold as an integer, `missing` the largest one; a threshold that is NaN has
 * everything but missing values to its right. */
static uint64_t threshold_of(const struct leat_node *node, uint64_t ordered, uint64_t missing)
{
    bool negated = is_negated(node);
    bool equal_goes_left = (node->flags & LEAT_NODE_CLOSED) != 0;
    if (ordered == missing)
        return negated ? missing - 1 : 0;
    if (negated)
        return (ordered ^ missing) - equal_goes_left;
    return ordered - !equal_goes_left;
}

/* Both zeros must be on one side of a threshold of zero: right where equals go right, else left. */
static double one_zero(const struct leat_node *node)
{
    if (node->value != 0)
        return node->value;
    return (node->flags & LEAT_NODE_CLOSED) != 0 ? 0.0 : -0.0;
}

static void put_narrow(struct compiler *c, size_t at, const struct leat_node *node, uint64_t column, uint32_t left)
{
    float value = (float)node->value;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (node->left >= 0)
        bits = (uint32_t)threshold_of(node, order32((float)one_zero(node)), UINT32_MAX);
    c->kernel->nodes.narrow[at] = (struct leat_node_narrow){bits, (uint16_t)column, (uint16_t)left};
}

static void put_wide(struct compiler *c, size_t at, const struct leat_node *node, uint64_t column, uint32_t left)
{
    uint64_t bits;
    memcpy(&bits, &node->value, sizeof bits);
    if (node->left >= 0)
        bits = threshold_of(node, order64(one_zero(node)), UINT64_MAX);
    c->kernel->nodes.wide[at] = (struct leat_node_wide){bits, (uint32_t)column, left};
}

static void put_node(struct compiler *c, size_t at, const struct leat_node *node, uint32_t left)
{
    uint64_t place = node->left < 0 ? 0 : *place_of(c, kind_of(node), is_negated(node), node->feature);
    if (c->kernel->kind == LEAT_KERNEL_NARROW)
        put_narrow(c, at, node, place * LEAT_LANES, left);
    else
        put_wide(c, at, node, place * LEAT_LANES, left);
}

/* Puts one tree into its group, pairs of children from *next on. */
static void compile_tree(struct compiler *c, size_t tree, const struct leat_tree_group *group, uint32_t lane,
                         uint32_t *next)
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
            bool exchanged = is_negated(node);
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
    size_t rows = BLOCK_BYTES / tile_bytes(kernel) * LEAT_LANES;
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
    } else if (largest <= NARROW_MAX && kernel->place_count * LEAT_LANES <= NARROW_MAX) {
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
    free(compiler.places);
}

void leat_kernel_done(struct leat_kernel *kernel)
{
    leat_arena_done(&kernel->arena);
    memset(kernel, 0, sizeof *kernel);
}
