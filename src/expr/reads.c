/* Which slots an expression reads. */
#include "expr/node.h"
#include "expr/program.h"

static bool reads(const struct leat_expr_node *node, size_t from, size_t to)
{
    if (node->slot_is && node->slot >= from && node->slot < to)
        return true;
    for (size_t i = 0; i < node->kid_count; i++)
        if (reads(node->kids[i], from, to))
            return true;
    return false;
}

bool leat_expr_reads(const struct leat_expr *expr, size_t from, size_t to)
{
    return reads(expr->tree, from, to);
}
