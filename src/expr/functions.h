/* The one table of scalar functions: typing, evaluation and the reference page read it. */
#ifndef LEAT_EXPR_FUNCTIONS_H
#define LEAT_EXPR_FUNCTIONS_H

#include "base/arena.h"
#include "event/reason.h"
#include "event/value.h"
#include "expr/expr.h"

#define LEAT_EXPR_STRING_MAX (1u << 20) /* bytes of a text that || or replace make */
#define LEAT_EXPR_ARGUMENTS_MAX 4

/* What can go wrong at run time. */
enum leat_expr_fault {
    LEAT_FAULT_NONE,
    LEAT_FAULT_OVERFLOW,
    LEAT_FAULT_CAST,
    LEAT_FAULT_TIME,
    LEAT_FAULT_LONG,
};

/* Fills the reason. `text` is the expression that failed; `met` (of type `from`) and `to` are for casts. Returns -1. */
int leat_expr_fault_reason(enum leat_expr_fault fault, const char *text, enum leat_type from,
                           const struct leat_value *met, enum leat_type to, struct leat_reason *reason);

/* No argument is null. *ret is written on success, may be null, and may be the place of an argument. */
typedef enum leat_expr_fault leat_expr_call_function(const struct leat_value *const *arguments, size_t count,
                                                     struct leat_arena *text, struct leat_value *ret);

struct leat_expr_signature {
    /* Types of the arguments, '>', type of the result: b i d s t (as in BOOL, …, TIME). */
    const char *types;
    /* One of these; a DOUBLE that is not finite becomes null. */
    double (*number)(double);
    double (*numbers)(double, double);
    leat_expr_call_function *call;
    bool may_fail;
};

enum leat_expr_form {
    LEAT_FORM_FUNCTION, /* by signatures: null when an argument is null */
    LEAT_FORM_COALESCE,
    LEAT_FORM_NULLIF,
    LEAT_FORM_LEAST,
    LEAT_FORM_GREATEST,
    LEAT_FORM_SYNTAX, /* has a grammar of its own; here for the help */
};

const struct leat_expr_function_help *leat_expr_function_find(struct leat_bytes name);
size_t leat_expr_signature_arguments(const struct leat_expr_signature *signature);
enum leat_type leat_expr_signature_type(char letter);
/* What people from other systems write, or NULL: "len" gives "length". */
const char *leat_expr_function_other_name(struct leat_bytes name);
/* The names of functions and aggregates, for suggestions. */
const char *const *leat_expr_function_names(struct leat_arena *arena, size_t *ret_count);
/* The units of date_trunc, as a list for messages; and whether this is one. */
#define LEAT_EXPR_TRUNC_UNITS "second, minute, hour, day, week, month, quarter or year"
bool leat_expr_trunc_unit(struct leat_bytes name);

int leat_aggregate_find(struct leat_bytes name); /* the kind, or -1 */

/* Pieces that the program and the tree share. */
enum leat_expr_fault leat_expr_cast(enum leat_type from, enum leat_type to, const struct leat_value *value,
                                    struct leat_arena *text, struct leat_value *ret);
bool leat_expr_cast_exists(enum leat_type from, enum leat_type to);
bool leat_expr_like(struct leat_bytes text, struct leat_bytes pattern);
enum leat_expr_fault leat_expr_concat(struct leat_bytes a, struct leat_bytes b, struct leat_arena *text,
                                      struct leat_value *ret);
/* A number as a value: null when it is not finite. */
static inline struct leat_value leat_expr_double(double d)
{
    return d - d == 0 ? leat_value_double(d) : leat_value_null();
}

#endif
