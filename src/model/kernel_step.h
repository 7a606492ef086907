/* The loops of one kernel, made thrice by kernel.c. Before it is included:
 *
 *   KERNEL(name)               the name with the kernel's suffix
 *   KERNEL_NODE                a node; KERNEL_NODES(kernel): where they are
 *   KERNEL_X                   an unsigned integer: what columns are laid out as
 *   KERNEL_SUM                 what leaves are added up in
 *   KERNEL_BEGIN, KERNEL_END   the sums before the first tree and after the last
 *   KERNEL_LEAF(bits)          a leaf's value
 *   KERNEL_ORDERED(x, kind)    the value x of a feature as an integer, for a column of that kind; the largest one: missing
 *
 * UNROLLED, before a loop over the lanes, keeps each lane's place in a register.
 *
 * A row is laid out as x[place × LEAT_LANES], eight rows (a tile) side by side. No include guard: that is the point
 * of it. */

/* Asks for the upper nodes of the next group, and for the roots of the one behind it, before they are needed: of a
 * tree's nodes those below the root lie level by level. Behind the last group are two that name the first.
 * Inlined by force: a function that only fetches is taken for one without effect, and dropped. */
static inline __attribute__((always_inline)) void KERNEL(fetch)(const struct leat_kernel *kernel,
                                                                const struct leat_tree_group *group)
{
    const KERNEL_NODE *next = KERNEL_NODES(kernel) + group[1].first;
    __builtin_prefetch(KERNEL_NODES(kernel) + group[2].first);
    UNROLLED
    for (int lane = 0; lane < LEAT_LANES; lane++) {
        const KERNEL_NODE *below = &next[next[lane].left];
        __builtin_prefetch(below);
        __builtin_prefetch((const char *)below + 64);
    }
}

/* One row, eight trees at a time. */
static void KERNEL(run_row)(const struct leat_kernel *kernel, const KERNEL_X *x, KERNEL_SUM *sums)
{
    bool single = kernel->forest->raw_count == 1;
    KERNEL_SUM sum = sums[0];
    for (size_t g = 0; g < kernel->group_count; g++) {
        const struct leat_tree_group *group = &kernel->groups[g];
        const KERNEL_NODE *nodes = KERNEL_NODES(kernel) + group->first;
        uint32_t at[LEAT_LANES];
        UNROLLED
        for (int lane = 0; lane < LEAT_LANES; lane++)
            at[lane] = (uint32_t)lane;
        KERNEL(fetch)(kernel, group);
        for (uint32_t depth = group->depth; depth > 0; depth--) {
            UNROLLED
            for (int lane = 0; lane < LEAT_LANES; lane++) {
                const KERNEL_NODE *node = &nodes[at[lane]];
                at[lane] = (uint32_t)node->left + (node->threshold < x[node->column]);
            }
        }
        if (single) {
            UNROLLED
            for (int lane = 0; lane < LEAT_LANES; lane++)
                sum += KERNEL_LEAF(nodes[at[lane]].threshold);
            continue;
        }
        UNROLLED
        for (int lane = 0; lane < LEAT_LANES; lane++)
            sums[group->target[lane]] += KERNEL_LEAF(nodes[at[lane]].threshold);
    }
    if (single)
        sums[0] = sum;
}

/* Eight rows through one tree. */
static inline void KERNEL(run_tile)(const KERNEL_NODE *nodes, uint32_t root, uint32_t depth, const KERNEL_X *x,
                                    KERNEL_SUM *sums, size_t sum_stride)
{
    uint32_t at[LEAT_LANES];
    UNROLLED
    for (int lane = 0; lane < LEAT_LANES; lane++)
        at[lane] = root;
    for (; depth > 0; depth--) {
        UNROLLED
        for (int lane = 0; lane < LEAT_LANES; lane++) {
            const KERNEL_NODE *node = &nodes[at[lane]];
            at[lane] = (uint32_t)node->left + (node->threshold < (x + lane)[node->column]);
        }
    }
    UNROLLED
    for (int lane = 0; lane < LEAT_LANES; lane++)
        sums[(size_t)lane * sum_stride] += KERNEL_LEAF(nodes[at[lane]].threshold);
}

static void KERNEL(run_block)(const struct leat_kernel *kernel, size_t tiles, const KERNEL_X *x, KERNEL_SUM *sums)
{
    size_t tile_size = kernel->place_count * LEAT_LANES;
    size_t raw_count = kernel->forest->raw_count;
    for (size_t g = 0; g < kernel->group_count; g++) {
        const struct leat_tree_group *group = &kernel->groups[g];
        const KERNEL_NODE *nodes = KERNEL_NODES(kernel) + group->first;
        for (uint32_t lane = 0; lane < group->count; lane++) {
            KERNEL_SUM *target = sums + group->target[lane];
            for (size_t tile = 0; tile < tiles; tile++)
                KERNEL(run_tile)
            (nodes, lane, group->tree_depth[lane], x + tile * tile_size, target + tile * LEAT_LANES * raw_count,
             raw_count);
        }
    }
}

/* The columns of one kind, which is a constant wherever this is inlined. */
static inline void KERNEL(lay_out_kind)(const struct leat_kernel *kernel, const double *row, KERNEL_X *ret,
                                        uint32_t kind)
{
    const KERNEL_X missing = (KERNEL_X)-1;
    for (size_t c = kernel->kind_first[kind]; c < kernel->kind_first[kind + 1]; c++) {
        const struct leat_column *column = &kernel->columns[c];
        KERNEL_X value = KERNEL_ORDERED(row[column->feature], kind);
        ret[(size_t)column->place * LEAT_LANES] = value;
        ret[(size_t)column->negated * LEAT_LANES] = ~value | (0 - (KERNEL_X)(value == missing));
    }
}

static void KERNEL(lay_out)(const struct leat_kernel *kernel, const double *row, KERNEL_X *ret)
{
    ret[0] = 0;
    KERNEL(lay_out_kind)(kernel, row, ret, LEAT_COLUMN_VALUE);
    KERNEL(lay_out_kind)(kernel, row, ret, LEAT_COLUMN_NO_NAN);
    KERNEL(lay_out_kind)(kernel, row, ret, LEAT_COLUMN_NO_ZERO);
}

static void KERNEL(run)(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                        KERNEL_SUM *ret_raw, KERNEL_X *x)
{
    size_t raw_count = kernel->forest->raw_count;
    size_t tile_size = kernel->place_count * LEAT_LANES;
    KERNEL_BEGIN(kernel->forest, count, ret_raw);
    size_t row = 0;
    while (count - row >= LEAT_LANES) {
        size_t block = count - row < kernel->block ? (count - row) / LEAT_LANES * LEAT_LANES : kernel->block;
        for (size_t i = 0; i < block; i++)
            KERNEL(lay_out)(kernel, rows + (row + i) * stride, x + i / LEAT_LANES * tile_size + i % LEAT_LANES);
        KERNEL(run_block)(kernel, block / LEAT_LANES, x, ret_raw + row * raw_count);
        row += block;
    }
    for (; row < count; row++) {
        KERNEL(lay_out)(kernel, rows + row * stride, x);
        KERNEL(run_row)(kernel, x, ret_raw + row * raw_count);
    }
    KERNEL_END(kernel->forest, count, ret_raw);
}

#undef KERNEL
#undef KERNEL_NODE
#undef KERNEL_NODES
#undef KERNEL_X
#undef KERNEL_SUM
#undef KERNEL_BEGIN
#undef KERNEL_END
#undef KERNEL_LEAF
#undef KERNEL_ORDERED
