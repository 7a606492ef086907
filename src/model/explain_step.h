/* The walk of TreeSHAP over one tree, made by explain.c for each small number of points. Before it is included:
 *
 *   VISIT          the function's name
 *   POINTS         how many points; a constant makes the loops straight code
 *
 * No include guard: that is the point of it. */

/* Gives the features what the leaves below a split owe them, and ret_sum the sum of the leaves' products. `level` has
 * the split's own product. */
static void VISIT(struct walk *walk, const struct leat_node *split, size_t level)
{
    const size_t points = POINTS;
    const double *t = walk->rule->t;
    double *here = walk->levels + level * LEVEL_VECTORS * points;
    double *below = here + LEVEL_VECTORS * points;
    double *product = here, *sum = here + 2 * points, *rest = here + 3 * points;
    size_t before = walk->last[split->feature];
    const double *inverse_before = walk->levels + (before * LEVEL_VECTORS + 1) * points;
    const struct edge edge_before = walk->edges[before];
    double whole = 0;
    for (size_t q = 0; q < points; q++) {
        rest[q] = product[q] * inverse_before[q];
        whole += rest[q];
        sum[q] = 0;
    }
    double contribution = 0;
    double cover = walk->cover[split - walk->nodes];
    double share = cover > 0 ? 1 / cover : 0;
    bool goes_left = leat_forest_goes_left(walk->forest, split, walk->row);
    walk->last[split->feature] = (uint16_t)(level + 1);
    for (int side = 0; side < 2; side++) {
        const struct leat_node *child = walk->nodes + (side == 0 ? split->left : split->right);
        double taken = goes_left == (side == 0) ? edge_before.taken : 0;
        double z = edge_before.z * walk->cover[child - walk->nodes] * share;
        if (child->left < 0) {
            double value = leaf_value(walk, child);
            for (size_t q = 0; q < points; q++)
                sum[q] += value * rest[q] * (z + (taken - z) * t[q]);
            contribution += value * (taken - z) * whole;
            continue;
        }
        z = z < SHARE_MIN ? SHARE_MIN : z;
        walk->edges[level + 1] = (struct edge){taken, z};
        for (size_t q = 0; q < points; q++) {
            double factor = z + (taken - z) * t[q];
            below[q] = rest[q] * factor;
            below[points + q] = 1 / factor;
        }
        VISIT(walk, child, level + 1);
        double given = 0;
        for (size_t q = 0; q < points; q++) {
            sum[q] += below[2 * points + q];
            given += below[2 * points + q] * below[points + q];
        }
        contribution += (taken - z) * given;
    }
    walk->last[split->feature] = (uint16_t)before;
    double given_before = 0;
    for (size_t q = 0; q < points; q++)
        given_before += sum[q] * inverse_before[q];
    walk->ret[split->feature] += contribution - (edge_before.taken - edge_before.z) * given_before;
}

#undef VISIT
#undef POINTS
