/* The walk of TreeSHAP over one tree, made by explain.c for each small number of points. Before it is included:
 *
 *   VISIT          the function's name
 *   PAIRS          half of how many points; a constant makes the loops straight code
 *
 * No include guard: that is the point of it. */

/* Gives the features what the leaves below a split owe them, and leaves in its level the sum of those leaves'
 * products. The level has the split's own product. */
static void VISIT(struct walk *walk, const struct leat_tree_node *split, size_t level)
{
    const size_t pairs = PAIRS;
    const pair *restrict t = walk->rule->t;
    pair *restrict here = walk->levels + level * LEVEL_VECTORS * pairs;
    pair *restrict below = here + LEVEL_VECTORS * pairs;
    pair *sum = here + 2 * pairs;
    pair *rest = here + 3 * pairs;
    size_t before = walk->last[split->feature];
    const pair *inverse_before = walk->levels + (before * LEVEL_VECTORS + 1) * pairs;
    const struct edge edge_before = walk->edges[before];
    pair whole = {0, 0};
    UNROLLED
    for (size_t q = 0; q < pairs; q++) {
        rest[q] = here[q] * inverse_before[q];
        whole += rest[q];
        sum[q] = (pair){0, 0};
    }
    double contribution = 0;
    double cover = walk->cover[split - walk->nodes];
    double share = cover > 0 ? 1 / cover : 0;
    bool goes_left = leat_forest_goes_left(walk->forest, split, walk->row);
    walk->last[split->feature] = (uint16_t)(level + 1);
    for (int side = 0; side < 2; side++) {
        const struct leat_tree_node *child = walk->nodes + (side == 0 ? split->left : split->right);
        double taken = goes_left == (side == 0) ? edge_before.taken : 0;
        double z = edge_before.z * walk->cover[child - walk->nodes] * share;
        if (child->left < 0) {
            double value = leaf_value(walk, child);
            UNROLLED
            for (size_t q = 0; q < pairs; q++)
                sum[q] += value * rest[q] * (z + (taken - z) * t[q]);
            contribution += value * (taken - z) * (whole[0] + whole[1]);
            continue;
        }
        z = z < SHARE_MIN ? SHARE_MIN : z;
        walk->edges[level + 1] = (struct edge){taken, z};
        UNROLLED
        for (size_t q = 0; q < pairs; q++) {
            pair factor = z + (taken - z) * t[q];
            below[q] = rest[q] * factor;
            below[pairs + q] = 1.0 / factor;
        }
        VISIT(walk, child, level + 1);
        pair given = {0, 0};
        UNROLLED
        for (size_t q = 0; q < pairs; q++) {
            sum[q] += below[2 * pairs + q];
            given += below[2 * pairs + q] * below[pairs + q];
        }
        contribution += (taken - z) * (given[0] + given[1]);
    }
    walk->last[split->feature] = (uint16_t)before;
    pair given_before = {0, 0};
    UNROLLED
    for (size_t q = 0; q < pairs; q++)
        given_before += sum[q] * inverse_before[q];
    walk->ret[split->feature] += contribution -
                                 (edge_before.taken - edge_before.z) * (given_before[0] + given_before[1]);
}

#undef VISIT
#undef PAIRS
