/* The loops of one kernel, made thrice by kernel.c. Before it is included:
 *
 *   KERNEL(name)         the name with the kernel's suffix
 *   KERNEL_NODE          a node; KERNEL_NODES(kernel): where they are
 *   KERNEL_X             what columns are laid out as
 *   KERNEL_SUM           what leaves are added up in
 *   KERNEL_RIGHT(x, t)   1 if x goes right of t, 0 if left; 1 for NaN
 *   KERNEL_COLUMN(x, k)  what a column of kind k holds for the value x
 *
 * Loops over lanes are unrolled, so that lanes stay in registers: gcc does not do so at -O2, and takes 1.7 times as long.
 *
 * No include guard: that is the point of it. */

/* One row, eight trees at a time. */
static void KERNEL(run_row)(const struct leat_kernel *kernel, const KERNEL_X *x, KERNEL_SUM *sums)
{
    bool single = kernel->forest->raw_count == 1;
    KERNEL_SUM sum = sums[0];
    for (size_t g = 0; g < kernel->group_count; g++) {
        const struct leat_tree_group *group = &kernel->groups[g];
        const KERNEL_NODE *nodes = KERNEL_NODES(kernel) + group->first;
        uint32_t at[LEAT_LANES];
#pragma GCC unroll 8
        for (int lane = 0; lane < LEAT_LANES; lane++)
            at[lane] = (uint32_t)lane;
        for (uint32_t depth = group->depth; depth > 0; depth--) {
#pragma GCC unroll 8
            for (int lane = 0; lane < LEAT_LANES; lane++) {
                const KERNEL_NODE *node = &nodes[at[lane]];
                at[lane] = (uint32_t)node->left + KERNEL_RIGHT(x[node->column], node->threshold);
            }
        }
        if (single) {
#pragma GCC unroll 8
            for (int lane = 0; lane < LEAT_LANES; lane++)
                sum += (KERNEL_SUM)nodes[at[lane]].threshold;
            continue;
        }
#pragma GCC unroll 8
        for (int lane = 0; lane < LEAT_LANES; lane++)
            sums[group->target[lane]] += (KERNEL_SUM)nodes[at[lane]].threshold;
    }
    if (single)
        sums[0] = sum;
}

/* Eight rows through one tree. x[column × LEAT_LANES + row]. */
static inline void KERNEL(run_tile)(const KERNEL_NODE *nodes, uint32_t root, uint32_t depth, const KERNEL_X *x,
                                    KERNEL_SUM *sums, size_t sum_stride)
{
    uint32_t at[LEAT_LANES];
#pragma GCC unroll 8
    for (int lane = 0; lane < LEAT_LANES; lane++)
        at[lane] = root;
    for (; depth > 0; depth--) {
#pragma GCC unroll 8
        for (int lane = 0; lane < LEAT_LANES; lane++) {
            const KERNEL_NODE *node = &nodes[at[lane]];
            at[lane] = (uint32_t)node->left +
                       KERNEL_RIGHT(x[(size_t)node->column * LEAT_LANES + (size_t)lane], node->threshold);
        }
    }
#pragma GCC unroll 8
    for (int lane = 0; lane < LEAT_LANES; lane++)
        sums[(size_t)lane * sum_stride] += (KERNEL_SUM)nodes[at[lane]].threshold;
}

static void KERNEL(run_block)(const struct leat_kernel *kernel, size_t tiles, const KERNEL_X *x, KERNEL_SUM *sums)
{
    size_t tile_size = (kernel->column_count + 1) * LEAT_LANES;
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

/* Lays a row out: column c at ret[c × step]. The last column is below every threshold. */
static void KERNEL(lay_out)(const struct leat_kernel *kernel, const double *row, KERNEL_X *ret, size_t step)
{
    for (size_t c = 0; c < kernel->column_count; c++) {
        const struct leat_column *column = &kernel->columns[c];
        double value = KERNEL_COLUMN(row[column->feature], column->kind);
        ret[c * step] = (KERNEL_X)(column->negated ? -value : value);
    }
    ret[kernel->column_count * step] = (KERNEL_X)-INFINITY;
}

static void KERNEL(run)(const struct leat_kernel *kernel, const double *rows, size_t stride, size_t count,
                        KERNEL_SUM *ret_raw, KERNEL_X *x)
{
    size_t raw_count = kernel->forest->raw_count;
    size_t tile_size = (kernel->column_count + 1) * LEAT_LANES;
    for (size_t i = 0; i < count * raw_count; i++)
        ret_raw[i] = kernel->forest->base_last ? 0 : (KERNEL_SUM)kernel->forest->base[i % raw_count];
    size_t row = 0;
    while (count - row >= LEAT_LANES) {
        size_t block = count - row < kernel->block ? (count - row) / LEAT_LANES * LEAT_LANES : kernel->block;
        for (size_t i = 0; i < block; i++)
            KERNEL(lay_out)
            (kernel, rows + (row + i) * stride, x + i / LEAT_LANES * tile_size + i % LEAT_LANES, LEAT_LANES);
        KERNEL(run_block)(kernel, block / LEAT_LANES, x, ret_raw + row * raw_count);
        row += block;
    }
    for (; row < count; row++) {
        KERNEL(lay_out)(kernel, rows + row * stride, x, 1);
        KERNEL(run_row)(kernel, x, ret_raw + row * raw_count);
    }
    for (size_t i = 0; i < count * raw_count && kernel->forest->base_last; i++)
        ret_raw[i] += (KERNEL_SUM)kernel->forest->base[i % raw_count];
}

#undef KERNEL
#undef KERNEL_NODE
#undef KERNEL_NODES
#undef KERNEL_X
#undef KERNEL_SUM
#undef KERNEL_RIGHT
#undef KERNEL_COLUMN
