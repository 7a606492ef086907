/* The text of an expression and where it stands, and errors that point into it. */
#ifndef LEAT_EXPR_SOURCE_H
#define LEAT_EXPR_SOURCE_H

#include "expr/expr.h"

struct leat_expr_source {
    struct leat_expr_place place;
    struct leat_bytes text;
};

/* "file:line:column: <sentence>", the line of the text, and a caret under byte `at`. Returns -1. */
int leat_expr_fail(const struct leat_expr_source *source, size_t at, struct leat_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
