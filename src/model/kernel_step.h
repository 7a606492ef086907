/* The loops of one kernel, made several times by kernel.c. Before it is included:
 *
 *   KERNEL(name)        the name with the kernel's suffix
 *   KERNEL_SMALL        defined: nodes are small ones, else large
 *   KERNEL_FLOATS       defined: columns are turned floats and leaves the bits of one; else ranks
 *   KERNEL_SUM64        defined: sums are in double, else in float
 *   KERNEL_CATEGORIES   defined: nodes may split on sets of categories
 *
 * UNROLLED, before a loop over the lanes, keeps each lane's place in a register.
 *
 * A row is laid out as x[place × LEAT_LANES], eight rows (a tile) side by side. No include guard: that is the point
 * of it. */

#ifdef KERNEL_SMALL
#define NODE struct leat_node_small
#define NODES(kernel) (kernel)->nodes.small
#else
#define NODE struct leat_node_large
#define NODES(kernel) (kernel)->nodes.large
#endif

#ifdef KERNEL_SUM64
#define SUM double
#define BEGIN leat_forest_begin64
#define END leat_forest_end64
#define TABLE(kernel) (kernel)->leaves64
#else
#define SUM float
#define BEGIN leat_forest_begin32
#define END leat_forest_end32
#define TABLE(kernel) (kernel)->leaves32
#endif

/* What a leaf holds, which is one value: itself, among the group's nodes, or in the table. */
static inline SUM KERNEL(value)(const struct leat_kernel *kernel, const NODE *nodes, uint32_t leaf)
{
    int32_t place = nodes[leaf].threshold;
#if defined(KERNEL_FLOATS)
    (void)kernel;
    return bits32(place);
#elif defined(KERNEL_SMALL)
    SUM value;
    (void)kernel;
    memcpy(&value, &nodes[place], sizeof value);
    return value;
#else
    return TABLE(kernel)[place];
#endif
}

/* Asks for the upper nodes of the next group, and for the roots of the one behind it, before they are needed: the
 * children of a tree's root and the two levels below them lie together. Behind the last group are two that name the first.
 * Inlined by force: a function that only fetches is taken for one without effect, and dropped. */
static inline __attribute__((always_inline)) void KERNEL(fetch)(const struct leat_kernel *kernel,
                                                                const struct leat_tree_group *group)
{
    const NODE *next = NODES(kernel) + group[1].first;
    __builtin_prefetch(NODES(kernel) + group[2].first);
    UNROLLED
    for (int lane = 0; lane < LEAT_LANES; lane++) {
        const NODE *below = &next[next[lane].left];
        __builtin_prefetch(below);
        __builtin_prefetch((const char *)below + 64);
    }
}

static inline uint32_t KERNEL(step)(const struct leat_kernel *kernel, const NODE *node, const int32_t *x)
{
    int32_t value = x[node->column];
    uint32_t right = node->threshold < value;
#ifdef KERNEL_CATEGORIES
    /* The bits are enough for a rank and a threshold, too: what is read for these is not used. */
    uint32_t bit = (uint32_t)node->threshold + (uint32_t)value;
    uint32_t outside = kernel->bits[bit / 32] >> (bit % 32) & 1;
    right = node->column >= kernel->category_from ? outside : right;
#else
    (void)kernel;
#endif
    return (uint32_t)node->left + right;
}

/* Adds a leaf of several values, or a linear one, to the sums of a row. */
static inline void KERNEL(add)(const struct leat_kernel *kernel, const NODE *leaf, uint32_t target, const double *row,
                               SUM *sums)
{
#ifndef KERNEL_FLOATS
    size_t place = (size_t)leaf->threshold;
    size_t width = kernel->forest->leaf_width;
    if (width > 1) {
        const SUM *values = TABLE(kernel) + place * width;
        for (size_t i = 0; i < width; i++)
            sums[i] += values[i];
        return;
    }
    SUM value = TABLE(kernel)[place];
    if (kernel->linear != NULL && kernel->linear[place] >= 0)
        value = (SUM)leat_forest_linear(kernel->forest, kernel->linear[place], (double)value, row);
    sums[target] += value;
#else
    (void)kernel;
    (void)leaf;
    (void)target;
    (void)row;
    (void)sums; /* no such leaves are in float */
#endif
}

/* One row, eight trees at a time. */
static void KERNEL(run_row)(const struct leat_kernel *kernel, const int32_t *x, const double *row, SUM *sums)
{
    bool plain = kernel->forest->leaf_width <= 1 && kernel->linear == NULL;
    bool single = plain && kernel->forest->raw_count == 1;
    SUM sum = sums[0];
    for (size_t g = 0; g < kernel->group_count; g++) {
        const struct leat_tree_group *group = &kernel->groups[g];
        const NODE *nodes = NODES(kernel) + group->first;
        uint32_t at[LEAT_LANES];
        UNROLLED
        for (int lane = 0; lane < LEAT_LANES; lane++)
            at[lane] = (uint32_t)lane;
        KERNEL(fetch)(kernel, group);
        for (uint32_t depth = group->depth; depth > 0; depth--) {
            UNROLLED
            for (int lane = 0; lane < LEAT_LANES; lane++)
                at[lane] = KERNEL(step)(kernel, &nodes[at[lane]], x);
        }
        if (single) {
            UNROLLED
            for (int lane = 0; lane < LEAT_LANES; lane++)
                sum += KERNEL(value)(kernel, nodes, at[lane]);
        } else if (plain) {
            UNROLLED
            for (int lane = 0; lane < LEAT_LANES; lane++)
                sums[group->target[lane]] += KERNEL(value)(kernel, nodes, at[lane]);
        } else {
            UNROLLED
            for (uint32_t lane = 0; lane < LEAT_LANES; lane++)
                if (lane < group->count)
                    KERNEL(add)(kernel, &nodes[at[lane]], group->target[lane], row, sums);
        }
    }
    if (single)
        sums[0] = sum;
}

/* Where eight rows are below the upper levels of a tree. */
static inline void KERNEL(run_top)(const struct leat_tree_top *top, const int32_t *x, uint32_t *at)
{
    UNROLLED
    for (int half = 0; half < LEAT_LANES; half += 4) {
        four right[LEAT_TOP_NODES];
        UNROLLED
        for (int i = 0; i < LEAT_TOP_NODES; i++) {
            int32_t t = top->threshold[i];
            right[i] = *(const four *)(x + half + top->column[i]) > (four){t, t, t, t};
        }
        four first = right[0];
        four second = (first & right[2]) | (~first & right[1]);
        four outer = (second & right[4]) | (~second & right[3]);
        four inner = (second & right[6]) | (~second & right[5]);
        four third = (first & inner) | (~first & outer);
        int32_t below = (int32_t)top->below;
        *(four *)(at + half) = ((first & 4) | (second & 2) | (third & 1)) + (four){below, below, below, below};
    }
}

/* Eight rows through one tree. */
static inline void KERNEL(run_tile)(const struct leat_kernel *kernel, const NODE *nodes, uint32_t root, uint32_t depth,
                                    const struct leat_tree_top *top, const int32_t *x, uint32_t *ret)
{
    uint32_t at[LEAT_LANES] __attribute__((aligned(16)));
    if (top->below != 0) {
        KERNEL(run_top)(top, x, at);
        depth = depth < LEAT_TOP_LEVELS ? 0 : depth - LEAT_TOP_LEVELS;
    } else {
        UNROLLED
        for (int lane = 0; lane < LEAT_LANES; lane++)
            at[lane] = root;
    }
    for (; depth > 0; depth--) {
        UNROLLED
        for (int lane = 0; lane < LEAT_LANES; lane++)
            at[lane] = KERNEL(step)(kernel, &nodes[at[lane]], x + lane);
    }
    UNROLLED
    for (int lane = 0; lane < LEAT_LANES; lane++)
        ret[lane] = at[lane];
}

/* A part of the next group, so that all of it is near when all trees of this one were walked. */
static inline __attribute__((always_inline)) void KERNEL(fetch_part)(const struct leat_kernel *kernel,
                                                                     const struct leat_tree_group *group, size_t part,
                                                                     size_t size)
{
    const char *from = (const char *)(NODES(kernel) + group[1].first) + part * size;
    const char *end = (const char *)(NODES(kernel) + group[2].first);
    end = end < from + size ? end : from + size;
    for (; from < end; from += 64)
        __builtin_prefetch(from, 0, 2);
}

/* `rows` are those that were laid out as `x`. */
static void KERNEL(run_block)(const struct leat_kernel *kernel, size_t tiles, const int32_t *x, const double *rows,
                              size_t stride, SUM *sums)
{
    size_t tile_size = kernel->place_count * LEAT_LANES;
    size_t raw_count = kernel->forest->raw_count;
    bool plain = kernel->forest->leaf_width <= 1 && kernel->linear == NULL;
    for (size_t g = 0; g < kernel->group_count; g++) {
        const struct leat_tree_group *group = &kernel->groups[g];
        const NODE *nodes = NODES(kernel) + group->first;
        size_t next = group[2].first < group[1].first ? 0 : (group[2].first - group[1].first) * sizeof(NODE);
        size_t size = (next / (tiles * LEAT_LANES) + 63) / 64 * 64;
        for (uint32_t lane = 0; lane < group->count; lane++) {
            SUM *target = sums + group->target[lane];
            for (size_t tile = 0; tile < tiles; tile++) {
                KERNEL(fetch_part)(kernel, group, lane * tiles + tile, size);
                uint32_t at[LEAT_LANES];
                KERNEL(run_tile)
                (kernel, nodes, lane, group->tree_depth[lane], &kernel->tops[g * LEAT_LANES + lane],
                 x + tile * tile_size, at);
                size_t row = tile * LEAT_LANES;
                if (plain) {
                    UNROLLED
                    for (size_t i = 0; i < LEAT_LANES; i++)
                        target[(row + i) * raw_count] += KERNEL(value)(kernel, nodes, at[i]);
                    continue;
                }
                for (size_t i = 0; i < LEAT_LANES; i++)
                    KERNEL(add)
                (kernel, &nodes[at[i]], group->target[lane], rows + (row + i) * stride, sums + (row + i) * raw_count);
            }
        }
    }
}

static inline void KERNEL(lay_out)(const struct leat_kernel *kernel, const double *row, int32_t *x, uint32_t *ranks)
{
#ifdef KERNEL_FLOATS
    (void)ranks;
    lay_out_floats(kernel, row, x);
#else
    lay_out_ranks(kernel, row, x, ranks);
#endif
}

static void KERNEL(run)(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count, SUM *ret_raw,
                        void *scratch)
{
    size_t raw_count = kernel->forest->raw_count;
    size_t tile_size = kernel->place_count * LEAT_LANES;
    uint32_t *ranks = scratch;
    int32_t *x = (int32_t *)scratch + kernel->search_count;
    BEGIN(kernel->forest, count, ret_raw);
    size_t row = 0;
    while (count - row >= LEAT_LANES) {
        size_t block = count - row < kernel->block ? (count - row) / LEAT_LANES * LEAT_LANES : kernel->block;
        for (size_t i = 0; i < block; i++)
            KERNEL(lay_out)
        (kernel, rows + (row + i) * stride, x + i / LEAT_LANES * tile_size + i % LEAT_LANES, ranks);
        KERNEL(run_block)
        (kernel, block / LEAT_LANES, x, rows + row * stride, stride, ret_raw + row * raw_count);
        row += block;
    }
    for (; row < count; row++) {
        KERNEL(lay_out)(kernel, rows + row * stride, x, ranks);
        KERNEL(run_row)(kernel, x, rows + row * stride, ret_raw + row * raw_count);
    }
    END(kernel->forest, count, ret_raw);
}

#undef KERNEL
#undef KERNEL_SMALL
#undef KERNEL_FLOATS
#undef KERNEL_SUM64
#undef KERNEL_CATEGORIES
#undef NODE
#undef NODES
#undef SUM
#undef BEGIN
#undef END
#undef TABLE
