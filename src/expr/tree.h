/* The plain twin of the program: walks the typed tree. It folds constants, and tests hold the program against it. */
#ifndef LEAT_EXPR_TREE_H
#define LEAT_EXPR_TREE_H

#include "expr/node.h"

/* `frame` may be NULL for a constant node. */
int leat_expr_tree_eval(const struct leat_expr_node *node, const struct leat_value *frame, struct leat_arena *text,
                        struct leat_value *ret, struct leat_reason *reason);

#endif
