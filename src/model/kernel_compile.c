/* Chooses a kernel for a forest, and compiles it. */
#include "model/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_MAX ((size_t)UINT16_MAX + 1) /* nodes of a group; places × LEAT_LANES */
#define BLOCK_MAX 128                      /* rows */
#define BLOCK_BYTES ((size_t)16 << 10)     /* and what they may take of the cache */
#define CATEGORIES_MAX (1u << 24)          /* in one set; the trainers have no more */
#define BITS_FREE ((size_t)1 << 23)        /* what sets may take in any case, and then this many times */
#define BITS_FACTOR 16                     /* what they take in the file */

#define LINE ((uint32_t)8) /* small nodes of a cache line */

/* A tree's nodes in the group: those of the upper levels, of which the root lies with the other roots, and of the
 * level below them are there in any case. */
#define FIXED_NODES (LEAT_TOP_NODES - 1 + LEAT_TOP_WAYS)

struct compiler {
    const struct leat_forest *forest;
    struct leat_kernel *kernel;
    /* Of one tree, by the numbers of its nodes. */
    uint32_t *queue; /* from the root downwards */
    uint32_t *open;  /* those whose children have no place yet */
    uint32_t *place; /* where each goes in the group */
    uint32_t *value; /* and what a leaf holds, if `values` */
    uint32_t *level;
    uint32_t *path; /* from the root: a bit a level, set for right */
    /* Of each feature. */
    uint32_t *places;     /* of columns by kind, negation and feature; 0: not read */
    size_t *first;        /* its thresholds in `thresholds`; one more than there are features */
    uint32_t *count;      /* how many different ones */
    uint32_t *search;     /* its search */
    uint32_t *categories; /* how many categories its sets have */
    uint64_t *thresholds; /* of all features, in rising order within each */
    size_t leaf, bit;     /* those that were put so far */
    bool values;          /* what leaves hold lies among the nodes */
};

/* ---- nodes ---- */

static uint32_t kind_of(const struct leat_tree_node *node)
{
    if ((node->flags & LEAT_NODE_CATEGORIES) != 0)
        return LEAT_COLUMN_CATEGORY;
    if ((node->flags & LEAT_NODE_ZERO_MISSING) != 0)
        return LEAT_COLUMN_NO_ZERO;
    return (node->flags & LEAT_NODE_NAN_IS_ZERO) != 0 ? LEAT_COLUMN_NO_NAN : LEAT_COLUMN_VALUE;
}

/* Whether something goes left for being missing. */
static bool is_negated(const struct leat_tree_node *node)
{
    uint32_t kind = kind_of(node);
    return (kind == LEAT_COLUMN_VALUE || kind == LEAT_COLUMN_NO_ZERO) && (node->flags & LEAT_NODE_DEFAULT_LEFT) != 0;
}

/* Both zeros must be on one side of a threshold of zero: right where equals go right, else left. */
static double one_zero(const struct leat_tree_node *node, double threshold)
{
    if (threshold != 0)
        return threshold;
    return (node->flags & LEAT_NODE_CLOSED) != 0 ? 0.0 : -0.0;
}

/* The threshold t of a split such that what goes right, and is not missing, is t < x. One that is NaN has everything
 * to its right. */
static uint64_t threshold_of(const struct leat_forest *forest, const struct leat_tree_node *node)
{
    double value = forest->arithmetic == LEAT_FLOAT64 ? node->value : (double)(float)node->value;
    uint64_t ordered = leat_order64(one_zero(node, value));
    if (isnan(value))
        return 0;
    return (node->flags & LEAT_NODE_CLOSED) != 0 ? ordered : ordered - 1;
}

/* The same for turned floats, and in the order of the column that the split reads: in a negated one the children are
 * exchanged, and 'right' is the file's left. */
static int32_t turned_threshold_of(const struct leat_tree_node *node)
{
    float value = (float)node->value;
    int32_t ordered = leat_order32((float)one_zero(node, (double)value));
    bool negated = is_negated(node);
    bool closed = (node->flags & LEAT_NODE_CLOSED) != 0;
    if (isnan(value))
        return negated ? INT32_MAX - 1 : INT32_MIN;
    return negated ? ~ordered - closed : ordered - !closed;
}

/* ---- what there is ---- */

struct survey {
    bool walk;       /* something is there that no kernel does */
    bool categories; /* or that only some do */
    bool missing_kinds;
    bool linear;
    size_t leaves;
    size_t largest; /* nodes of a tree */
};

static void survey_node(const struct leat_tree_node *node, struct survey *ret)
{
    if (node->left < 0) {
        ret->leaves++;
        ret->linear |= node->right >= 0;
        return;
    }
    bool categories = (node->flags & LEAT_NODE_CATEGORIES) != 0;
    bool missing_kind = (node->flags & (LEAT_NODE_NAN_IS_ZERO | LEAT_NODE_ZERO_MISSING)) != 0;
    ret->walk |= (node->flags & LEAT_NODE_EQUAL) != 0 || (categories && missing_kind);
    ret->categories |= categories;
    ret->missing_kinds |= missing_kind;
}

/* Every node that is reached, in file order. */
#define EACH_NODE(c, tree, i, node)                                                                                 \
    for (size_t tree = 0, i##_depth = 0; tree < (c)->forest->tree_count; tree++)                                    \
        for (size_t i = 0, i##_count = leat_forest_order((c)->forest, tree, (c)->queue, &i##_depth); i < i##_count; \
             i++)                                                                                                   \
            for (const struct leat_tree_node *node =                                                                \
                     &(c)->forest->nodes[(c)->forest->trees[tree].first + (c)->queue[i]];                           \
                 node != NULL; node = NULL)

static struct survey look(struct compiler *c)
{
    struct survey survey = {.walk = c->forest->weights != NULL || c->forest->tree_count == 0};
    if (survey.walk)
        return survey;
    EACH_NODE(c, tree, i, node)
    survey_node(node, &survey);
    survey.walk |= survey.leaves >= INT32_MAX / 2;
    return survey;
}

/* ---- columns ---- */

static uint32_t *place_of(const struct compiler *c, uint32_t kind, bool negated, uint32_t feature)
{
    return &c->places[((size_t)kind * 2 + negated) * c->forest->feature_count + feature];
}

/* Gives every column that some split reads a place. */
static void place_columns(struct compiler *c)
{
    struct leat_kernel *kernel = c->kernel;
    uint32_t features = (uint32_t)c->forest->feature_count;
    c->places = leat_calloc((size_t)LEAT_COLUMN_KINDS * 2 * features, sizeof *c->places);
    EACH_NODE(c, tree, i, node)
    if (node->left >= 0)
        *place_of(c, kind_of(node), is_negated(node), node->feature) = 1;
    size_t count = 0;
    for (uint32_t kind = 0; kind < LEAT_COLUMN_KINDS; kind++)
        for (uint32_t feature = 0; feature < features; feature++)
            count += (*place_of(c, kind, false, feature) | *place_of(c, kind, true, feature)) != 0;
    kernel->columns = leat_arena_zalloc(&kernel->arena, count, sizeof *kernel->columns);
    kernel->place_count = LEAT_PLACES_KEPT;
    size_t column = 0;
    for (uint32_t kind = 0; kind < LEAT_COLUMN_KINDS; kind++) {
        kernel->kind_first[kind] = column;
        if (kind == LEAT_COLUMN_CATEGORY)
            kernel->category_from = (uint32_t)kernel->place_count * LEAT_LANES;
        for (uint32_t feature = 0; feature < features; feature++) {
            uint32_t *plain = place_of(c, kind, false, feature);
            uint32_t *negated = place_of(c, kind, true, feature);
            if ((*plain | *negated) == 0)
                continue;
            *plain = *plain == 0 ? 1 : (uint32_t)kernel->place_count++;
            *negated = *negated == 0 ? 1 : (uint32_t)kernel->place_count++;
            kernel->columns[column++] = (struct leat_column){feature, 0, *plain, *negated, 0};
        }
    }
    kernel->kind_first[LEAT_COLUMN_KINDS] = column;
}

/* ---- ranks ---- */

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* The thresholds of every feature, in order and each once. */
static void collect_thresholds(struct compiler *c)
{
    size_t features = c->forest->feature_count;
    c->first = leat_calloc(features + 2, sizeof *c->first);
    c->count = leat_calloc(features, sizeof *c->count);
    EACH_NODE(c, tree, i, node)
    if (node->left >= 0 && kind_of(node) != LEAT_COLUMN_CATEGORY)
        c->first[node->feature + 2]++;
    for (size_t feature = 0; feature < features; feature++)
        c->first[feature + 2] += c->first[feature + 1];
    c->thresholds = leat_calloc(c->first[features + 1] + 1, sizeof *c->thresholds);
    EACH_NODE(c, tree, i, node)
    if (node->left >= 0 && kind_of(node) != LEAT_COLUMN_CATEGORY)
        c->thresholds[c->first[node->feature + 1]++] = threshold_of(c->forest, node);
    for (size_t feature = 0; feature < features; feature++) {
        uint64_t *thresholds = c->thresholds + c->first[feature];
        size_t count = c->first[feature + 1] - c->first[feature];
        qsort(thresholds, count, sizeof *thresholds, compare);
        for (size_t i = 0; i < count; i++)
            if (i == 0 || thresholds[i] != thresholds[i - 1])
                thresholds[c->count[feature]++] = thresholds[i];
    }
}

/* How many of a feature's thresholds are below x. */
static uint32_t rank_of(const struct compiler *c, uint32_t feature, uint64_t x)
{
    const uint64_t *thresholds = c->thresholds + c->first[feature];
    uint32_t low = 0;
    for (uint32_t count = c->count[feature]; count > 0;) {
        uint32_t half = count / 2;
        bool below = thresholds[low + half] < x;
        low = below ? low + half + 1 : low;
        count = below ? count - half - 1 : half;
    }
    return low;
}

static uint32_t steps_of(uint32_t count)
{
    uint32_t steps = 0;
    while (((uint64_t)1 << steps) - 1 < count)
        steps++;
    return steps;
}

/* A feature's thresholds, between those of the other seven that are searched with it. */
static void put_thresholds(const struct compiler *c, uint32_t feature, uint64_t *ret, size_t room)
{
    for (size_t i = 0; i < room; i++)
        ret[i * LEAT_LANES] = i < c->count[feature] ? c->thresholds[c->first[feature] + i] : UINT64_MAX;
}

/* `features`: eight of them, or fewer at the end, the first with the most thresholds. */
static void make_eight(struct compiler *c, const uint32_t *features, size_t count, struct leat_search *ret)
{
    uint32_t steps = steps_of(c->count[features[0]]);
    size_t room = ((size_t)1 << steps) - 1;
    uint64_t *thresholds = leat_arena_alloc(&c->kernel->arena, room * LEAT_LANES * sizeof *thresholds);
    for (size_t lane = 0; lane < LEAT_LANES; lane++) {
        uint32_t feature = features[lane < count ? lane : 0];
        put_thresholds(c, feature, thresholds + lane, room);
        uint32_t zero = rank_of(c, feature, leat_order64(0.0));
        ret[lane] = (struct leat_search){thresholds, feature, c->count[feature], zero, steps};
    }
}

/* Features with as many steps as others stand together: by steps, most first. */
static void make_searches(struct compiler *c)
{
    struct leat_kernel *kernel = c->kernel;
    uint32_t features = (uint32_t)c->forest->feature_count;
    size_t used = 0;
    for (uint32_t feature = 0; feature < features; feature++)
        used += c->count[feature] > 0;
    kernel->searches = leat_arena_zalloc(&kernel->arena, (used + LEAT_LANES - 1) / LEAT_LANES * LEAT_LANES,
                                         sizeof *kernel->searches);
    c->search = leat_calloc(features, sizeof *c->search);
    uint32_t *order = leat_calloc(features, sizeof *order);
    size_t ordered = 0;
    for (uint32_t steps = 33; steps-- > 1;)
        for (uint32_t feature = 0; feature < features && ordered < used; feature++)
            if (steps_of(c->count[feature]) == steps)
                order[ordered++] = feature;
    for (size_t i = 0; i < used; i++)
        c->search[order[i]] = (uint32_t)i;
    for (size_t i = 0; i < used; i += LEAT_LANES)
        make_eight(c, order + i, used - i, &kernel->searches[i]);
    kernel->search_count = (used + LEAT_LANES - 1) / LEAT_LANES * LEAT_LANES;
    for (size_t i = 0; i < kernel->kind_first[LEAT_COLUMN_CATEGORY]; i++)
        kernel->columns[i].search = c->search[kernel->columns[i].feature];
    free(order);
}

static int32_t rank_threshold_of(const struct compiler *c, const struct leat_tree_node *node)
{
    uint32_t rank = rank_of(c, node->feature, threshold_of(c->forest, node));
    return (int32_t)(is_negated(node) ? c->count[node->feature] - rank - 1 : rank);
}

/* ---- sets of categories ---- */

/* One behind the largest that a row may have. */
static uint32_t set_end(const struct leat_forest *forest, size_t set)
{
    const struct leat_category_set *s = &forest->sets[set];
    for (uint32_t word = s->count; word-- > 0;)
        for (uint32_t bit = 32; bit-- > 0 && forest->words[s->first + word] != 0;)
            if ((forest->words[s->first + word] >> bit & 1) != 0)
                return word >= CATEGORIES_MAX / 32 ? UINT32_MAX : word * 32 + bit + 1;
    return 0;
}

/* All sets of a feature are made equally wide, so that a step needs no check. -1: that would take too much. */
static int measure_sets(struct compiler *c)
{
    size_t words = 0;
    size_t bits = 0;
    c->categories = leat_calloc(c->forest->feature_count, sizeof *c->categories);
    EACH_NODE(c, tree, i, node)
    {
        if (node->left < 0 || kind_of(node) != LEAT_COLUMN_CATEGORY)
            continue;
        uint32_t end = set_end(c->forest, (size_t)node->value);
        if (end > CATEGORIES_MAX)
            return -1;
        words += c->forest->sets[(size_t)node->value].count;
        c->categories[node->feature] = end > c->categories[node->feature] ? end : c->categories[node->feature];
    }
    EACH_NODE(c, tree, i, node)
    if (node->left >= 0 && kind_of(node) == LEAT_COLUMN_CATEGORY)
        bits += c->categories[node->feature] + 2;
    return bits / BITS_FACTOR / 32 > words && bits > BITS_FREE ? -1 : bits < INT32_MAX / 2 ? 0 : -1;
}

/* Room for all sets, and for what a step reads beside them where it splits on a number or is at a leaf, whose
 * `threshold` is below `places`. */
static void make_bits(struct compiler *c, size_t places)
{
    size_t bits = places;
    EACH_NODE(c, tree, i, node)
    if (node->left >= 0 && kind_of(node) == LEAT_COLUMN_CATEGORY)
        c->bit += c->categories[node->feature] + 2;
    bits = c->bit > bits ? c->bit : bits;
    for (size_t feature = 0; feature < c->forest->feature_count; feature++)
        bits = 2 * (size_t)c->count[feature] > bits ? 2 * (size_t)c->count[feature] : bits;
    c->kernel->bits = leat_arena_zalloc(&c->kernel->arena, bits / 32 + 2, sizeof *c->kernel->bits);
    c->bit = 0;
    for (size_t i = c->kernel->kind_first[LEAT_COLUMN_CATEGORY]; i < c->kernel->kind_first[LEAT_COLUMN_KINDS]; i++)
        c->kernel->columns[i].categories = c->categories[c->kernel->columns[i].feature];
}

static void set_bit(uint32_t *bits, size_t bit)
{
    bits[bit / 32] |= (uint32_t)1 << (bit % 32);
}

/* A set in `bits`: what goes right. */
static int32_t put_set(struct compiler *c, const struct leat_tree_node *node)
{
    const struct leat_category_set *set = &c->forest->sets[(size_t)node->value];
    uint32_t end = c->categories[node->feature];
    size_t first = c->bit;
    for (uint32_t i = 0; i < end; i++)
        if (i / 32 >= set->count || (c->forest->words[set->first + i / 32] >> (i % 32) & 1) == 0)
            set_bit(c->kernel->bits, first + i);
    set_bit(c->kernel->bits, first + end);
    if ((node->flags & LEAT_NODE_DEFAULT_LEFT) == 0)
        set_bit(c->kernel->bits, first + end + 1);
    c->bit += end + 2;
    return (int32_t)first;
}

/* ---- leaves ---- */

/* The first is a filler's. */
static void make_leaves(struct compiler *c, const struct survey *survey)
{
    struct leat_kernel *kernel = c->kernel;
    size_t width = c->forest->leaf_width > 1 ? c->forest->leaf_width : 1;
    size_t count = survey->leaves + 1;
    if (c->forest->arithmetic == LEAT_FLOAT32)
        kernel->leaves32 = leat_arena_zalloc(&kernel->arena, count * width, sizeof *kernel->leaves32);
    else
        kernel->leaves64 = leat_arena_zalloc(&kernel->arena, count * width, sizeof *kernel->leaves64);
    if (survey->linear)
        kernel->linear = leat_arena_alloc(&kernel->arena, count * sizeof *kernel->linear);
}

static int32_t put_leaf(struct compiler *c, const struct leat_tree_node *node)
{
    struct leat_kernel *kernel = c->kernel;
    size_t width = c->forest->leaf_width > 1 ? c->forest->leaf_width : 1;
    size_t place = c->leaf++;
    for (size_t i = 0; i < width; i++) {
        double value = width > 1 && place > 0 ? c->forest->leaf_values[(size_t)node->value + i] : node->value;
        if (kernel->leaves32 != NULL)
            kernel->leaves32[place * width + i] = (float)value;
        else
            kernel->leaves64[place * width + i] = value;
    }
    if (kernel->linear != NULL)
        kernel->linear[place] = node->right;
    return (int32_t)place;
}

/* ---- trees ---- */

/* A tree's nodes from the root downwards, their levels and their ways. Returns how many. */
static size_t lay_levels(struct compiler *c, size_t tree, size_t *ret_depth)
{
    const struct leat_tree_node *nodes = c->forest->nodes + c->forest->trees[tree].first;
    size_t count = leat_forest_order(c->forest, tree, c->queue, ret_depth);
    c->level[0] = c->path[0] = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = c->queue[i];
        if (nodes[at].left < 0)
            continue;
        bool exchanged = is_negated(&nodes[at]);
        c->level[nodes[at].left] = c->level[nodes[at].right] = c->level[at] + 1;
        c->path[nodes[at].left] = c->path[at] * 2 + exchanged;
        c->path[nodes[at].right] = c->path[at] * 2 + !exchanged;
    }
    return count;
}

static uint32_t first_child(const struct leat_tree_node *node)
{
    return (uint32_t)(is_negated(node) ? node->right : node->left);
}

static uint32_t second_child(const struct leat_tree_node *node)
{
    return (uint32_t)(is_negated(node) ? node->left : node->right);
}

/* What a split's children take: their nodes, and as much for values if one of them is a leaf. */
static uint32_t pair_size(const struct compiler *c, const struct leat_tree_node *nodes,
                          const struct leat_tree_node *node)
{
    return c->values && (nodes[node->left].left < 0 || nodes[node->right].left < 0) ? 4 : 2;
}

/* Those of the upper levels by their ways, whoever is among them. */
static uint32_t place_top(struct compiler *c, const struct leat_tree_node *nodes, size_t count, uint32_t *next)
{
    uint32_t begin = *next;
    uint32_t open = 0;
    *next += FIXED_NODES;
    for (size_t i = 0; i < count && c->level[c->queue[i]] <= LEAT_TOP_LEVELS; i++) {
        uint32_t at = c->queue[i];
        uint32_t level = c->level[at];
        if (nodes[at].left < 0) {
            c->value[at] = *next;
            *next += c->values ? 2 : 0;
        } else if (level == LEAT_TOP_LEVELS) {
            c->open[open++] = at;
        } else {
            uint32_t left = begin + ((uint32_t)2 << level) - 2 + 2 * c->path[at];
            c->place[first_child(&nodes[at])] = left;
            c->place[second_child(&nodes[at])] = left + 1;
        }
    }
    return open;
}

/* The pairs below: a cache line takes those that follow each other, so that a walk takes a new one every second or
 * third step and not at each. Values lie in the line of their leaves. */
static void place_pairs(struct compiler *c, const struct leat_tree_node *nodes, uint32_t open, uint32_t *next)
{
    while (open > 0) {
        uint32_t line[2 * LINE] = {c->open[--open]};
        uint32_t filled = 1;
        for (uint32_t i = 0; i < filled; i++) {
            const struct leat_tree_node *node = &nodes[line[i]];
            uint32_t size = pair_size(c, nodes, node);
            bool fits = *next % LINE + size <= LINE;
            if (i > 0 && (*next % LINE == 0 || !fits)) {
                c->open[open++] = line[i];
                continue;
            }
            uint32_t left = fits ? *next : (*next + LINE - 1) / LINE * LINE;
            *next = left + size;
            for (uint32_t side = 0; side < 2; side++) {
                uint32_t child = side == 0 ? first_child(node) : second_child(node);
                c->place[child] = left + side;
                c->value[child] = left + 2 + side;
                if (nodes[child].left >= 0)
                    line[filled++] = child;
            }
        }
    }
}

/* Gives the nodes of one tree places in its group, from *next on. Returns how many they are. */
static size_t place_tree(struct compiler *c, size_t tree, uint32_t lane, uint32_t *next, size_t *ret_depth)
{
    const struct leat_tree_node *nodes = c->forest->nodes + c->forest->trees[tree].first;
    size_t count = lay_levels(c, tree, ret_depth);
    c->place[0] = lane;
    place_pairs(c, nodes, place_top(c, nodes, count, next), next);
    return count;
}

static void allocate_groups(struct compiler *c)
{
    struct leat_kernel *kernel = c->kernel;
    kernel->group_count = (c->forest->tree_count + LEAT_LANES - 1) / LEAT_LANES;
    /* Two more, all zero, for the kernel that looks ahead. */
    kernel->groups = leat_arena_zalloc(&kernel->arena, kernel->group_count + 2, sizeof *kernel->groups);
    kernel->tops = leat_arena_zalloc(&kernel->arena, kernel->group_count * LEAT_LANES, sizeof *kernel->tops);
}

/* A group begins with the roots, and what fillers hold. */
static uint32_t group_begin(const struct compiler *c)
{
    return c->values ? LEAT_LANES + 2 : LEAT_LANES;
}

/* Groups of eight in file order, which is the order of the sums. Returns the size of the largest. */
static size_t make_groups(struct compiler *c)
{
    const struct leat_forest *forest = c->forest;
    struct leat_kernel *kernel = c->kernel;
    size_t largest = 0;
    kernel->node_count = 0;
    for (size_t g = 0; g < kernel->group_count; g++) {
        struct leat_tree_group *group = &kernel->groups[g];
        *group = (struct leat_tree_group){.first = (uint32_t)kernel->node_count};
        uint32_t next = group_begin(c);
        for (size_t tree = g * LEAT_LANES; tree < forest->tree_count && group->count < LEAT_LANES; tree++) {
            size_t depth = 0;
            place_tree(c, tree, group->count, &next, &depth);
            group->tree_depth[group->count] = (uint32_t)depth;
            group->target[group->count] = forest->leaf_width > 1 ? 0 : forest->trees[tree].group;
            group->depth = depth > group->depth ? (uint32_t)depth : group->depth;
            group->count++;
        }
        largest = next > largest ? next : largest;
        kernel->node_count += (next + LINE - 1) / LINE * LINE;
    }
    return largest;
}

/* What a leaf holds, in place of a node. */
static void put_value(struct compiler *c, uint32_t at, double value)
{
    float value32 = (float)value;
    if (c->forest->arithmetic == LEAT_FLOAT32)
        memcpy(&c->kernel->nodes.small[at], &value32, sizeof value32);
    else
        memcpy(&c->kernel->nodes.small[at], &value, sizeof value);
}

/* What a compiled node is, but for where its children are; of a leaf, where its value would be among the nodes. */
static struct leat_node_large compiled(struct compiler *c, const struct leat_tree_node *node, uint32_t first,
                                       uint32_t value_at)
{
    struct leat_node_large ret = {0, 0, 0};
    bool floats = c->kernel->kind == LEAT_KERNEL_FLOAT;
    float value = (float)node->value;
    if (node->left < 0) {
        if (floats)
            memcpy(&ret.threshold, &value, sizeof value);
        else
            ret.threshold = c->values ? (int32_t)value_at : put_leaf(c, node);
        if (c->values)
            put_value(c, first + value_at, node->value);
        return ret;
    }
    ret.column = *place_of(c, kind_of(node), is_negated(node), node->feature) * LEAT_LANES;
    if (kind_of(node) == LEAT_COLUMN_CATEGORY)
        ret.threshold = put_set(c, node);
    else
        ret.threshold = floats ? turned_threshold_of(node) : rank_threshold_of(c, node);
    return ret;
}

static void put_node(struct compiler *c, size_t at, const struct leat_node_large *node, uint32_t left)
{
    if (c->kernel->kind == LEAT_KERNEL_LARGE)
        c->kernel->nodes.large[at] = (struct leat_node_large){node->threshold, node->column, left};
    else
        c->kernel->nodes.small[at] = (struct leat_node_small){node->threshold, (uint16_t)node->column, (uint16_t)left};
}

/* A leaf above the last of the upper levels stands below them once for each of its ways. */
static void put_copies(struct compiler *c, uint32_t first, uint32_t below, uint32_t at,
                       const struct leat_node_large *leaf)
{
    uint32_t ways = (uint32_t)1 << (LEAT_TOP_LEVELS - c->level[at]);
    for (uint32_t i = 0; i < ways; i++) {
        uint32_t place = below + c->path[at] * ways + i;
        put_node(c, first + place, leaf, place);
    }
}

static void put_top(struct leat_tree_top *top, uint32_t level, uint32_t path, const struct leat_node_large *node,
                    bool leaf)
{
    uint32_t place = ((uint32_t)1 << level) - 1 + path;
    top->threshold[place] = leaf ? INT32_MAX : node->threshold;
    top->column[place] = node->column;
}

/* Puts one tree into its group. From *next on: the children of the root, their children, the ways below them, and
 * then pairs of children. */
static void compile_tree(struct compiler *c, size_t tree, uint32_t first, uint32_t lane, uint32_t *next)
{
    const struct leat_tree_node *nodes = c->forest->nodes + c->forest->trees[tree].first;
    struct leat_tree_top *top = &c->kernel->tops[tree];
    uint32_t below = *next + LEAT_TOP_NODES - 1;
    size_t depth = 0;
    size_t count = place_tree(c, tree, lane, next, &depth);
    bool numbers = true;
    for (int i = 0; i < LEAT_TOP_NODES; i++)
        top->threshold[i] = INT32_MAX;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = c->queue[i];
        const struct leat_tree_node *node = &nodes[at];
        bool leaf = node->left < 0;
        struct leat_node_large put = compiled(c, node, first, c->value[at]);
        if (c->level[at] < LEAT_TOP_LEVELS) {
            put_top(top, c->level[at], c->path[at], &put, leaf);
            numbers &= leaf || kind_of(node) != LEAT_COLUMN_CATEGORY;
            if (leaf)
                put_copies(c, first, below, at, &put);
        }
        put_node(c, first + c->place[at], &put, leaf ? c->place[at] : c->place[first_child(node)]);
    }
    top->below = numbers ? below : 0;
}

static void *alloc_aligned(struct leat_arena *arena, size_t count, size_t size)
{
    char *memory = leat_arena_zalloc(arena, count + 128 / size, size);
    return memory + (64 - (uintptr_t)memory % 64) % 64;
}

static void compile_groups(struct compiler *c)
{
    const struct leat_tree_node filler = {.value = -0.0, .left = -1, .right = -1};
    struct leat_node_large leaf = {0, 0, 0};
    for (size_t g = 0; g < c->kernel->group_count; g++) {
        const struct leat_tree_group *group = &c->kernel->groups[g];
        uint32_t next = group_begin(c);
        if (g == 0 || c->values)
            leaf = compiled(c, &filler, group->first, LEAT_LANES);
        for (uint32_t lane = 0; lane < LEAT_LANES; lane++) {
            if (lane < group->count)
                compile_tree(c, g * LEAT_LANES + lane, group->first, lane, &next);
            else
                put_node(c, group->first + lane, &leaf, lane);
        }
    }
}

/* ---- the choice ---- */

static bool fits_floats(const struct leat_forest *forest, const struct survey *survey)
{
    return forest->arithmetic == LEAT_FLOAT32 && !forest->tiny_is_zero && forest->leaf_width <= 1 && !survey->linear &&
           !survey->missing_kinds && !survey->categories;
}

/* Lays the groups out in order to choose. */
static void choose(struct compiler *c, const struct survey *survey)
{
    static const char *const names[] = {
        [LEAT_KERNEL_WALK] = "plain walk",
        [LEAT_KERNEL_FLOAT] = "8 trees or rows at once, 8-byte nodes, float32",
        [LEAT_KERNEL_RANK] = "8 trees or rows at once, 8-byte nodes, ranks",
        [LEAT_KERNEL_CATEGORY] = "8 trees or rows at once, 8-byte nodes, ranks and sets",
        [LEAT_KERNEL_LARGE] = "8 trees or rows at once, 12-byte nodes, ranks and sets",
    };
    struct leat_kernel *kernel = c->kernel;
    kernel->kind = survey->categories ? LEAT_KERNEL_CATEGORY : LEAT_KERNEL_RANK;
    if (fits_floats(c->forest, survey))
        kernel->kind = LEAT_KERNEL_FLOAT;
    c->values = kernel->kind != LEAT_KERNEL_FLOAT && c->forest->leaf_width <= 1 && !survey->linear;
    if (make_groups(c) > SMALL_MAX || kernel->place_count * LEAT_LANES > SMALL_MAX) {
        kernel->kind = LEAT_KERNEL_LARGE;
        c->values = false;
        make_groups(c);
    }
    kernel->name = names[kernel->kind];
    size_t rows = BLOCK_BYTES / (kernel->place_count * LEAT_LANES * sizeof(int32_t)) * LEAT_LANES;
    kernel->block = rows < LEAT_LANES ? LEAT_LANES : rows > BLOCK_MAX ? BLOCK_MAX : rows;
}

static void compile(struct compiler *c, const struct survey *survey)
{
    struct leat_kernel *kernel = c->kernel;
    place_columns(c);
    allocate_groups(c);
    choose(c, survey);
    if (kernel->kind != LEAT_KERNEL_FLOAT) {
        collect_thresholds(c);
        make_searches(c);
        if (!c->values)
            make_leaves(c, survey);
        make_bits(c, c->values ? SMALL_MAX : survey->leaves + 1);
    }
    if (kernel->kind == LEAT_KERNEL_LARGE)
        kernel->nodes.large = alloc_aligned(&kernel->arena, kernel->node_count, sizeof *kernel->nodes.large);
    else
        kernel->nodes.small = alloc_aligned(&kernel->arena, kernel->node_count, sizeof *kernel->nodes.small);
    compile_groups(c);
}

void leat_kernel_compile(const struct leat_forest *forest, struct leat_kernel *ret)
{
    *ret = (struct leat_kernel){.kind = LEAT_KERNEL_WALK, .name = "plain walk", .forest = forest, .block = BLOCK_MAX};
    ret->symmetric = leat_symmetric_compile(forest, &ret->arena);
    if (ret->symmetric != NULL) {
        ret->kind = LEAT_KERNEL_SYMMETRIC;
        ret->name = "symmetric trees, 16 rows at once, ranks of a byte";
        return;
    }
    size_t largest = 1;
    for (size_t tree = 0; tree < forest->tree_count; tree++)
        largest = forest->trees[tree].count > largest ? forest->trees[tree].count : largest;
    struct compiler c = {.forest = forest, .kernel = ret};
    c.queue = leat_calloc(largest, sizeof *c.queue);
    c.open = leat_calloc(largest, sizeof *c.open);
    c.place = leat_calloc(largest, sizeof *c.place);
    c.value = leat_calloc(largest, sizeof *c.value);
    c.level = leat_calloc(largest, sizeof *c.level);
    c.path = leat_calloc(largest, sizeof *c.path);
    struct survey survey = look(&c);
    if (!survey.walk && measure_sets(&c) == 0)
        compile(&c, &survey);
    void *const freed[] = {c.queue,  c.open,  c.place, c.value,  c.level,      c.path,
                           c.places, c.first, c.count, c.search, c.categories, c.thresholds};
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        free(freed[i]);
}

void leat_kernel_done(struct leat_kernel *kernel)
{
    leat_arena_done(&kernel->arena);
    memset(kernel, 0, sizeof *kernel);
}
