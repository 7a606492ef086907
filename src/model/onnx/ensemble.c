#include "model/onnx/ensemble.h"

#include "model/forest.h"
#include "model/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A vector of all targets in each leaf may take so many times the numbers that the file has. */
#define SPREAD_MAX 8
#define NO_TARGET UINT32_MAX

struct leat_ensemble {
    struct leat_ensemble_tables tables;
    bool plain;
    bool *always;            /* of each target: every tree, or none, scores it in all its leaves */
    struct leat_arena trees; /* the forest's nodes, until a kernel has been made of them */
    struct leat_forest forest;
    struct leat_kernel kernel;
    size_t row_work;
};

/* ---- the plain walk ---- */

static bool is_member(const struct leat_ensemble_tables *t, const struct leat_split *split, double x)
{
    for (uint32_t i = 0; i < split->count; i++)
        if (t->members[split->first + i] == x)
            return true;
    return false;
}

static bool goes_yes(const struct leat_ensemble_tables *t, const struct leat_split *split, double x)
{
    if (split->missing_yes && isnan(x))
        return true;
    switch (split->mode) {
    case LEAT_SPLIT_LEQ:
        return x <= split->value;
    case LEAT_SPLIT_LT:
        return x < split->value;
    case LEAT_SPLIT_GTE:
        return x >= split->value;
    case LEAT_SPLIT_GT:
        return x > split->value;
    case LEAT_SPLIT_EQ:
        return x == split->value;
    case LEAT_SPLIT_NEQ:
        return x != split->value;
    default:
        return is_member(t, split, x);
    }
}

static const struct leat_split *leaf_of(const struct leat_ensemble_tables *t, uint32_t root, const double *row)
{
    const struct leat_split *split = &t->splits[root];
    while (split->mode != LEAT_SPLIT_LEAF)
        split = &t->splits[goes_yes(t, split, row[split->feature]) ? split->yes : split->no];
    return split;
}

static double joined(const struct leat_ensemble_tables *t, bool scored, double sum, double value)
{
    if (t->aggregate == LEAT_ENSEMBLE_MIN)
        return !scored || value < sum ? value : sum;
    if (t->aggregate == LEAT_ENSEMBLE_MAX)
        return !scored || value > sum ? value : sum;
    return t->wide ? sum + value : (double)((float)sum + (float)value);
}

void leat_ensemble_run_plain(const struct leat_ensemble_tables *t, const double *row, double *ret_sums, bool *ret_scored)
{
    memset(ret_sums, 0, t->target_count * sizeof *ret_sums);
    memset(ret_scored, 0, t->target_count * sizeof *ret_scored);
    for (size_t tree = 0; tree < t->root_count; tree++) {
        const struct leat_split *leaf = leaf_of(t, t->roots[tree], row);
        for (uint32_t i = 0; i < leaf->count; i++) {
            const struct leat_leaf_weight *weight = &t->weights[leaf->first + i];
            ret_sums[weight->target] = joined(t, ret_scored[weight->target], ret_sums[weight->target], weight->value);
            ret_scored[weight->target] = true;
        }
    }
}

/* ---- checks ---- */

struct survey {
    const struct leat_ensemble_tables *tables;
    uint8_t *seen;   /* of each split: 1 on the way to it, 2 when all below it is checked */
    uint32_t *stack; /* twice the splits */
    uint32_t *order; /* the splits of the tree at hand, the root first */
    size_t order_count;
    bool shared; /* a split is reached in two ways */
    size_t leaf_count;
    size_t weight_count;
    bool repeated;           /* a leaf scores a target twice */
    uint32_t *scored_by;     /* of each target: the number of the last leaf that scored it, from 1 */
    uint32_t *scored_leaves; /* of each target: leaves of the tree at hand that score it */
    bool *sometimes;
    bool *always;
    uint32_t *tree_target; /* of each tree: the one target of all its leaves, or NO_TARGET */
};

static int check_split(const struct leat_ensemble_tables *t, size_t tree, uint32_t at, struct leat_error *err)
{
    const struct leat_split *split = &t->splits[at];
    if (split->feature >= t->feature_count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "tree %zu asks for feature %u, but the input has %zu features",
                              tree, split->feature, t->feature_count);
    leat_assert(split->yes < t->split_count && split->no < t->split_count);
    return 0;
}

/* Depth first with marks: what is met again on the way to itself is a cycle. */
static int check_tree(struct survey *s, size_t tree, struct leat_error *err)
{
    const struct leat_ensemble_tables *t = s->tables;
    size_t depth = 0;
    s->order_count = 0;
    s->stack[depth++] = t->roots[tree];
    s->shared |= s->seen[t->roots[tree]] != 0;
    while (depth > 0) {
        uint32_t at = s->stack[depth - 1];
        const struct leat_split *split = &t->splits[at];
        if (s->seen[at] != 0 || split->mode == LEAT_SPLIT_LEAF) {
            s->shared |= s->seen[at] == 2; /* it lay on the stack already when a second way led to it */
            if (s->seen[at] == 0)
                s->order[s->order_count++] = at;
            s->seen[at] = 2;
            depth--;
            continue;
        }
        if (check_split(t, tree, at, err) < 0)
            return -1;
        s->seen[at] = 1;
        s->order[s->order_count++] = at;
        const uint32_t next[2] = {split->no, split->yes};
        for (int i = 0; i < 2; i++) {
            if (s->seen[next[i]] == 1)
                return leat_error_set(err, LEAT_ERROR_FINDING, "tree %zu has a cycle", tree);
            s->shared |= s->seen[next[i]] != 0 || next[0] == next[1];
            if (s->seen[next[i]] == 0)
                s->stack[depth++] = next[i];
        }
    }
    return 0;
}

/* Which targets the leaves of the tree at hand score. */
static int check_leaves(struct survey *s, size_t tree, struct leat_error *err)
{
    const struct leat_ensemble_tables *t = s->tables;
    size_t leaves = 0;
    size_t singles = 0;
    uint32_t target = NO_TARGET;
    for (size_t i = 0; i < s->order_count; i++) {
        const struct leat_split *leaf = &t->splits[s->order[i]];
        if (leaf->mode != LEAT_SPLIT_LEAF)
            continue;
        leaves++;
        s->leaf_count++;
        s->weight_count += leaf->count;
        for (uint32_t w = 0; w < leaf->count; w++) {
            uint32_t to = t->weights[leaf->first + w].target;
            if (to >= t->target_count)
                return leat_error_set(err, LEAT_ERROR_FINDING, "tree %zu scores target %u, but there are %zu", tree, to,
                                      t->target_count);
            s->repeated |= s->scored_by[to] == s->leaf_count;
            s->scored_by[to] = (uint32_t)s->leaf_count;
            s->scored_leaves[to]++;
        }
        if (leaf->count == 1 && (target == NO_TARGET || target == t->weights[leaf->first].target)) {
            target = t->weights[leaf->first].target;
            singles++;
        }
    }
    s->tree_target[tree] = singles == leaves ? target : NO_TARGET;
    /* Once for each weight of the tree, so that it stays linear. */
    for (size_t i = 0; i < s->order_count; i++) {
        const struct leat_split *leaf = &t->splits[s->order[i]];
        for (uint32_t w = 0; leaf->mode == LEAT_SPLIT_LEAF && w < leaf->count; w++) {
            uint32_t to = t->weights[leaf->first + w].target;
            if (s->scored_leaves[to] == 0)
                continue;
            s->always[to] |= s->scored_leaves[to] >= leaves;
            s->sometimes[to] = true;
            s->scored_leaves[to] = 0;
        }
    }
    return 0;
}

/* ---- to a forest ---- */

static bool can_be_forest(const struct survey *s)
{
    const struct leat_ensemble_tables *t = s->tables;
    if (s->shared || s->repeated || t->aggregate == LEAT_ENSEMBLE_MIN || t->aggregate == LEAT_ENSEMBLE_MAX)
        return false;
    if (t->feature_count > LEAT_FEATURES_MAX || t->target_count > LEAT_GROUPS_MAX || t->split_count > INT32_MAX)
        return false;
    bool single = true;
    for (size_t tree = 0; tree < t->root_count; tree++)
        single = single && s->tree_target[tree] != NO_TARGET;
    if (!single && s->leaf_count > SIZE_MAX / t->target_count)
        return false;
    if (!single && s->leaf_count * t->target_count > SPREAD_MAX * (t->split_count + s->weight_count))
        return false;
    for (size_t target = 0; target < t->target_count && t->scored_asked; target++)
        if (s->sometimes[target] && !s->always[target])
            return false;
    return true;
}

static bool has_sets(const struct leat_ensemble_tables *t)
{
    for (size_t i = 0; i < t->split_count; i++)
        if (t->splits[i].mode == LEAT_SPLIT_MEMBER)
            return true;
    return false;
}

/* How a forest says a comparison: which flags, and whether `yes` is its right child. */
static const struct {
    uint32_t flags;
    bool exchanged;
} comparisons[] = {
    [LEAT_SPLIT_LEQ] = {LEAT_NODE_CLOSED, false},
    [LEAT_SPLIT_LT] = {0, false},
    [LEAT_SPLIT_GTE] = {0, true},
    [LEAT_SPLIT_GT] = {LEAT_NODE_CLOSED, true},
    [LEAT_SPLIT_EQ] = {LEAT_NODE_EQUAL, false},
    [LEAT_SPLIT_NEQ] = {LEAT_NODE_EQUAL, true},
};

static struct leat_tree_node node_of(const struct leat_split *split, const uint32_t *place)
{
    uint32_t flags = comparisons[split->mode].flags;
    bool exchanged = comparisons[split->mode].exchanged;
    /* A NaN threshold is like nothing: only 'not equal' is true of it. `x < NaN` sends all to the right. */
    if (isnan(split->value)) {
        flags = 0;
        exchanged = split->mode == LEAT_SPLIT_NEQ;
    }
    bool missing_yes = split->missing_yes || split->mode == LEAT_SPLIT_NEQ;
    if (missing_yes != exchanged)
        flags |= LEAT_NODE_DEFAULT_LEFT;
    uint32_t left = exchanged ? split->no : split->yes;
    uint32_t right = exchanged ? split->yes : split->no;
    return (struct leat_tree_node){.value = split->value,
                                   .left = (int32_t)place[left],
                                   .right = (int32_t)place[right],
                                   .feature = split->feature,
                                   .flags = flags};
}

static struct leat_tree_node leaf_node(struct leat_forest *forest, const struct leat_ensemble_tables *t,
                                       const struct leat_split *split, size_t *values)
{
    struct leat_tree_node node = {.left = -1, .right = -1};
    if (forest->leaf_width <= 1) {
        node.value = split->count == 0 ? 0 : t->weights[split->first].value;
        return node;
    }
    for (uint32_t i = 0; i < split->count; i++)
        forest->leaf_values[*values + t->weights[split->first + i].target] = t->weights[split->first + i].value;
    node.value = (double)*values;
    *values += forest->leaf_width;
    return node;
}

/* `order` is made again for each tree, from the root downwards; `place` is where each split has come to lie. */
static void put_tree(struct leat_ensemble *e, size_t tree, uint32_t *order, uint32_t *place, size_t *values)
{
    const struct leat_ensemble_tables *t = &e->tables;
    struct leat_forest *forest = &e->forest;
    size_t count = 0;
    order[count++] = t->roots[tree];
    for (size_t at = 0; at < count; at++) {
        const struct leat_split *split = &t->splits[order[at]];
        place[order[at]] = (uint32_t)at;
        if (split->mode == LEAT_SPLIT_LEAF)
            continue;
        order[count++] = split->yes;
        order[count++] = split->no;
    }
    struct leat_tree_node *nodes = forest->nodes + forest->node_count;
    for (size_t at = 0; at < count; at++) {
        const struct leat_split *split = &t->splits[order[at]];
        nodes[at] = split->mode == LEAT_SPLIT_LEAF ? leaf_node(forest, t, split, values) : node_of(split, place);
    }
    forest->trees[tree].first = (uint32_t)forest->node_count;
    forest->trees[tree].count = (uint32_t)count;
    forest->node_count += count;
}

static void make_forest(struct leat_ensemble *e, const struct survey *s, uint32_t *order, uint32_t *place)
{
    const struct leat_ensemble_tables *t = &e->tables;
    struct leat_forest *forest = &e->forest;
    forest->format = "onnx";
    forest->objective = "";
    forest->arithmetic = t->wide ? LEAT_FLOAT64 : LEAT_FLOAT32;
    forest->feature_count = t->feature_count;
    forest->raw_count = t->target_count;
    forest->base = leat_arena_zalloc(&forest->arena, t->target_count, sizeof *forest->base);
    forest->nodes = leat_arena_zalloc(&e->trees, t->split_count + 1, sizeof *forest->nodes);
    forest->trees = leat_arena_zalloc(&e->trees, t->root_count + 1, sizeof *forest->trees);
    forest->tree_count = t->root_count;
    for (size_t tree = 0; tree < t->root_count; tree++) {
        if (s->tree_target[tree] == NO_TARGET)
            forest->leaf_width = t->target_count;
        else
            forest->trees[tree].group = s->tree_target[tree];
    }
    if (forest->leaf_width > 1)
        forest->leaf_values = leat_arena_zalloc(&e->trees, s->leaf_count * t->target_count, sizeof *forest->leaf_values);
    size_t values = 0;
    for (size_t tree = 0; tree < t->root_count; tree++) {
        put_tree(e, tree, order, place, &values);
        if (forest->leaf_width > 1)
            forest->trees[tree].group = 0;
    }
}

static int check(struct survey *s, struct leat_error *err)
{
    for (size_t tree = 0; tree < s->tables->root_count; tree++)
        if (check_tree(s, tree, err) < 0 || check_leaves(s, tree, err) < 0)
            return -1;
    return 0;
}

/* A kernel has what it needs of the trees: the nodes go. */
static void compile_forest(struct leat_ensemble *e)
{
    leat_kernel_compile(&e->forest, &e->kernel);
    if (e->kernel.kind == LEAT_KERNEL_WALK)
        return;
    leat_arena_done(&e->trees);
    e->forest.nodes = NULL;
    e->forest.trees = NULL;
    e->forest.leaf_values = NULL;
}

/* A walk meets a split once at most; a set in it is gone through. */
static size_t walk_work(const struct survey *s)
{
    const struct leat_ensemble_tables *t = s->tables;
    size_t work = t->split_count + s->weight_count;
    for (size_t i = 0; i < t->split_count; i++)
        work += t->splits[i].mode == LEAT_SPLIT_MEMBER ? t->splits[i].count : 0;
    return s->shared && work > SIZE_MAX / 2 / t->root_count ? SIZE_MAX / 2 : work * (s->shared ? t->root_count : 1);
}

static size_t kernel_work(const struct leat_kernel *kernel)
{
    size_t work = kernel->place_count;
    for (size_t i = 0; i < kernel->group_count; i++)
        work += LEAT_LANES * (kernel->groups[i].depth + kernel->forest->leaf_width + 1);
    return work;
}

int leat_ensemble_new(const struct leat_ensemble_tables *tables, struct leat_ensemble **ret, struct leat_error *err)
{
    struct leat_arena arena = {0};
    struct survey s = {.tables = tables};
    s.seen = leat_arena_zalloc(&arena, tables->split_count + 1, sizeof *s.seen);
    s.stack = leat_arena_zalloc(&arena, 2 * tables->split_count + 2, sizeof *s.stack);
    s.order = leat_arena_zalloc(&arena, tables->split_count + 1, sizeof *s.order);
    s.scored_by = leat_arena_zalloc(&arena, tables->target_count + 1, sizeof *s.scored_by);
    s.scored_leaves = leat_arena_zalloc(&arena, tables->target_count + 1, sizeof *s.scored_leaves);
    s.sometimes = leat_arena_zalloc(&arena, tables->target_count + 1, sizeof *s.sometimes);
    s.always = leat_arena_zalloc(&arena, tables->target_count + 1, sizeof *s.always);
    s.tree_target = leat_arena_zalloc(&arena, tables->root_count + 1, sizeof *s.tree_target);
    if (check(&s, err) < 0) {
        leat_arena_done(&arena);
        return -1;
    }
    struct leat_ensemble *e = leat_calloc(1, sizeof *e);
    e->tables = *tables;
    e->always = leat_calloc(tables->target_count + 1, sizeof *e->always);
    memcpy(e->always, s.always, tables->target_count * sizeof *e->always);
    e->plain = !can_be_forest(&s) || has_sets(tables);
    if (!e->plain) {
        make_forest(e, &s, s.order, s.stack);
        compile_forest(e);
    }
    e->row_work = tables->feature_count + tables->target_count;
    e->row_work += e->plain || e->kernel.kind == LEAT_KERNEL_WALK ? walk_work(&s) : kernel_work(&e->kernel);
    leat_arena_done(&arena);
    *ret = e;
    return 0;
}

void leat_ensemble_free(struct leat_ensemble *ensemble)
{
    if (ensemble == NULL)
        return;
    leat_kernel_done(&ensemble->kernel);
    leat_forest_done(&ensemble->forest);
    leat_arena_done(&ensemble->trees);
    free(ensemble->always);
    free(ensemble);
}

/* ---- running ---- */

bool leat_ensemble_is_plain(const struct leat_ensemble *ensemble)
{
    return ensemble->plain;
}

size_t leat_ensemble_bytes(const struct leat_ensemble *ensemble)
{
    return sizeof *ensemble + ensemble->tables.target_count * sizeof *ensemble->always + ensemble->trees.allocated +
           ensemble->forest.arena.allocated + ensemble->kernel.arena.allocated;
}

size_t leat_ensemble_row_work(const struct leat_ensemble *ensemble)
{
    return ensemble->row_work;
}

static size_t sums_size(const struct leat_ensemble *e, size_t count)
{
    return e->tables.wide ? 0 : (count * e->tables.target_count * sizeof(float) + 63) / 64 * 64;
}

size_t leat_ensemble_scratch(const struct leat_ensemble *ensemble, size_t count)
{
    if (ensemble->plain)
        return ensemble->tables.target_count * sizeof(bool);
    return sums_size(ensemble, count) + leat_kernel_scratch(&ensemble->kernel, count);
}

static void run_plain(const struct leat_ensemble *e, const double *rows, size_t count, double *ret_sums,
                      bool *ret_scored, bool *scratch)
{
    size_t targets = e->tables.target_count;
    for (size_t row = 0; row < count; row++)
        leat_ensemble_run_plain(&e->tables, rows + row * e->tables.feature_count, ret_sums + row * targets,
                                ret_scored == NULL ? scratch : ret_scored + row * targets);
}

void leat_ensemble_run(const struct leat_ensemble *ensemble, const double *rows, size_t count, double *ret_sums,
                       bool *ret_scored, void *scratch)
{
    size_t features = ensemble->tables.feature_count;
    size_t targets = ensemble->tables.target_count;
    if (ensemble->plain) {
        run_plain(ensemble, rows, count, ret_sums, ret_scored, scratch);
        return;
    }
    char *kernel_scratch = (char *)scratch + sums_size(ensemble, count);
    if (ensemble->tables.wide) {
        leat_kernel_run64(&ensemble->kernel, rows, features, count, ret_sums, kernel_scratch);
    } else {
        float *sums = scratch;
        leat_kernel_run32(&ensemble->kernel, rows, features, count, sums, kernel_scratch);
        for (size_t i = 0; i < count * targets; i++)
            ret_sums[i] = (double)sums[i];
    }
    for (size_t row = 0; ret_scored != NULL && row < count; row++)
        memcpy(ret_scored + row * targets, ensemble->always, targets * sizeof *ret_scored);
}
