/* The tree, evaluated as the language is described and without haste. Each operator is written out here once more, apart
 * from the program; only functions, casts and like are shared. */
#include "expr/tree.h"

#include "expr/program.h"

#include "base/time.h"

#include <math.h>
#include <string.h>

struct walk {
    const struct leat_value *frame;
    struct leat_arena *text;
    struct leat_reason *reason;
};

static int eval(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret);

static int give(struct leat_value *ret, struct leat_value value)
{
    *ret = value;
    return 0;
}

static int give_bool(struct leat_value *ret, bool truth)
{
    return give(ret, leat_value_int(truth));
}

static int give_null(struct leat_value *ret)
{
    return give(ret, leat_value_null());
}

static int give_double(struct leat_value *ret, double number)
{
    return isfinite(number) ? give(ret, leat_value_double(number)) : give_null(ret);
}

static int give_fault(const struct walk *w, const struct leat_expr_node *node, enum leat_expr_fault fault)
{
    return leat_expr_fault_reason(fault, node->text ? node->text : "", LEAT_TYPE_NULL, NULL, LEAT_TYPE_NULL, w->reason);
}

static bool is_true(struct leat_value value)
{
    return !value.null && value.as.i != 0;
}

static bool is_false(struct leat_value value)
{
    return !value.null && value.as.i == 0;
}

static int order(enum leat_type type, struct leat_value a, struct leat_value b)
{
    if (type == LEAT_TYPE_DOUBLE)
        return (a.as.d > b.as.d) - (a.as.d < b.as.d);
    if (type == LEAT_TYPE_STRING)
        return leat_bytes_compare(leat_value_bytes(a), leat_value_bytes(b));
    return (a.as.i > b.as.i) - (a.as.i < b.as.i);
}

static enum leat_type known(enum leat_type a, enum leat_type b)
{
    return a == LEAT_TYPE_NULL ? b : a;
}

static int eval_arithmetic(const struct walk *w, const struct leat_expr_node *node, struct leat_value a,
                           struct leat_value b, struct leat_value *ret)
{
    int64_t i = 0;
    bool overflow = false;

    if (node->type == LEAT_TYPE_DOUBLE) {
        double x = a.as.d, y = b.as.d;
        switch (node->op) {
        case LEAT_OPERATOR_ADD:
            return give_double(ret, x + y);
        case LEAT_OPERATOR_SUB:
            return give_double(ret, x - y);
        case LEAT_OPERATOR_MUL:
            return give_double(ret, x * y);
        default:
            return y == 0 ? give_null(ret) : give_double(ret, x / y);
        }
    }
    if ((node->op == LEAT_OPERATOR_IDIV || node->op == LEAT_OPERATOR_MOD) && b.as.i == 0)
        return give_null(ret);
    switch (node->op) {
    case LEAT_OPERATOR_ADD:
        overflow = __builtin_add_overflow(a.as.i, b.as.i, &i);
        break;
    case LEAT_OPERATOR_SUB:
        overflow = __builtin_sub_overflow(a.as.i, b.as.i, &i);
        break;
    case LEAT_OPERATOR_MUL:
        overflow = __builtin_mul_overflow(a.as.i, b.as.i, &i);
        break;
    case LEAT_OPERATOR_IDIV:
        overflow = a.as.i == INT64_MIN && b.as.i == -1;
        i = overflow ? 0 : a.as.i / b.as.i;
        break;
    default:
        i = b.as.i == -1 ? 0 : a.as.i % b.as.i;
        break;
    }
    if (node->type == LEAT_TYPE_TIME)
        return overflow || i < LEAT_TIME_MIN || i > LEAT_TIME_MAX ? give_fault(w, node, LEAT_FAULT_TIME)
                                                                  : give(ret, leat_value_int(i));
    return overflow ? give_fault(w, node, LEAT_FAULT_OVERFLOW) : give(ret, leat_value_int(i));
}

static int eval_logic(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    bool is_and = node->op == LEAT_OPERATOR_AND;
    struct leat_value a, b;

    if (eval(w, node->kids[0], &a))
        return -1;
    if (is_and ? is_false(a) : is_true(a))
        return give_bool(ret, !is_and);
    if (eval(w, node->kids[1], &b))
        return -1;
    if (is_and ? is_false(b) : is_true(b))
        return give_bool(ret, !is_and);
    if (a.null || b.null)
        return give_null(ret);
    return give_bool(ret, is_and);
}

static int eval_binary(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value a, b;
    enum leat_expr_fault fault;
    int sign;

    if (node->op == LEAT_OPERATOR_AND || node->op == LEAT_OPERATOR_OR)
        return eval_logic(w, node, ret);
    if (eval(w, node->kids[0], &a) || eval(w, node->kids[1], &b))
        return -1;
    if (a.null || b.null)
        return give_null(ret);
    if (node->op == LEAT_OPERATOR_CONCAT) {
        fault = leat_expr_concat(leat_value_bytes(a), leat_value_bytes(b), w->text, ret);
        return fault ? give_fault(w, node, fault) : 0;
    }
    if (node->type != LEAT_TYPE_BOOL)
        return eval_arithmetic(w, node, a, b, ret);
    sign = order(known(node->kids[0]->type, node->kids[1]->type), a, b);
    switch (node->op) {
    case LEAT_OPERATOR_EQ:
        return give_bool(ret, sign == 0);
    case LEAT_OPERATOR_NE:
        return give_bool(ret, sign != 0);
    case LEAT_OPERATOR_LT:
        return give_bool(ret, sign < 0);
    case LEAT_OPERATOR_LE:
        return give_bool(ret, sign <= 0);
    case LEAT_OPERATOR_GT:
        return give_bool(ret, sign > 0);
    default:
        return give_bool(ret, sign >= 0);
    }
}

static int eval_negate(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value a;

    if (eval(w, node->kids[0], &a))
        return -1;
    if (a.null)
        return give_null(ret);
    if (node->type == LEAT_TYPE_DOUBLE)
        return give_double(ret, -a.as.d);
    if (a.as.i == INT64_MIN)
        return give_fault(w, node, LEAT_FAULT_OVERFLOW);
    return give(ret, leat_value_int(-a.as.i));
}

/* Null stays null; true and false change places when `negated`. */
static int give_negated(struct leat_value *ret, struct leat_value value, bool negated)
{
    return value.null ? give_null(ret) : give_bool(ret, (value.as.i != 0) != negated);
}

/* x = a or x = b or … */
static int eval_in(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value x, element, found = leat_value_int(0);

    if (eval(w, node->kids[0], &x))
        return -1;
    for (size_t i = 1; i < node->kid_count && !is_true(found); i++) {
        if (eval(w, node->kids[i], &element))
            return -1;
        if (x.null || element.null)
            found = leat_value_null();
        else if (order(known(node->kids[0]->type, node->kids[i]->type), x, element) == 0)
            found = leat_value_int(1);
    }
    return give_negated(ret, found, node->negated);
}

/* x >= low and x <= high */
static int eval_between(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value x, low, high, least = leat_value_null(), most = leat_value_null();

    if (eval(w, node->kids[0], &x) || eval(w, node->kids[1], &low))
        return -1;
    if (!x.null && !low.null)
        least = leat_value_int(order(known(node->kids[0]->type, node->kids[1]->type), x, low) >= 0);
    if (is_false(least))
        return give_negated(ret, least, node->negated);
    if (eval(w, node->kids[2], &high))
        return -1;
    if (!x.null && !high.null)
        most = leat_value_int(order(known(node->kids[0]->type, node->kids[2]->type), x, high) <= 0);
    return give_negated(ret, least.null && !is_false(most) ? least : most, node->negated);
}

static int eval_like(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value a, b;

    if (eval(w, node->kids[0], &a) || eval(w, node->kids[1], &b))
        return -1;
    if (a.null || b.null)
        return give_null(ret);
    return give_bool(ret, leat_expr_like(leat_value_bytes(a), leat_value_bytes(b)) != node->negated);
}

static int eval_case(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value x = leat_value_null(), when;
    size_t i = 0;

    if (node->has_operand && eval(w, node->kids[i++], &x))
        return -1;
    for (; i + 1 < node->kid_count; i += 2) {
        bool taken;
        if (eval(w, node->kids[i], &when))
            return -1;
        if (node->has_operand)
            taken = !x.null && !when.null && order(known(node->kids[0]->type, node->kids[i]->type), x, when) == 0;
        else
            taken = is_true(when);
        if (taken)
            return eval(w, node->kids[i + 1], ret);
    }
    return node->has_else ? eval(w, node->kids[i], ret) : give_null(ret);
}

static int eval_cast(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value a;
    enum leat_expr_fault fault;

    if (eval(w, node->kids[0], &a))
        return -1;
    if (a.null)
        return give_null(ret);
    fault = leat_expr_cast(node->kids[0]->type, node->type, &a, w->text, ret);
    if (fault && node->attempt)
        return give_null(ret);
    if (fault)
        return leat_expr_fault_reason(fault, node->text, node->kids[0]->type, &a, node->type, w->reason);
    return 0;
}

static int eval_coalesce(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value value = leat_value_null();
    for (size_t i = 0; i < node->kid_count && value.null; i++) {
        if (eval(w, node->kids[i], &value))
            return -1;
    }
    return give(ret, value);
}

static int eval_nullif(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value a, b, compared;
    enum leat_type type = known(node->kids[1]->type, node->kids[0]->type);

    if (eval(w, node->kids[0], &a) || eval(w, node->kids[1], &b))
        return -1;
    compared = a;
    if (node->kids[0]->type == LEAT_TYPE_INT && type == LEAT_TYPE_DOUBLE)
        compared.as.d = (double)a.as.i;
    if (!a.null && !b.null && order(type, compared, b) == 0)
        return give_null(ret);
    return give(ret, a);
}

/* Of equal values (0 and -0) the first. */
static int eval_extreme(const struct walk *w, const struct leat_expr_node *node, int sign, struct leat_value *ret)
{
    struct leat_value best = leat_value_null(), value;
    for (size_t i = 0; i < node->kid_count; i++) {
        if (eval(w, node->kids[i], &value))
            return -1;
        if (best.null || (!value.null && sign * order(node->type, value, best) > 0))
            best = value;
    }
    return give(ret, best);
}

static int eval_signature(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    const struct leat_expr_signature *signature = node->as.call.signature;
    struct leat_value values[LEAT_EXPR_ARGUMENTS_MAX];
    const struct leat_value *arguments[LEAT_EXPR_ARGUMENTS_MAX];
    enum leat_expr_fault fault;
    bool any_null = false;

    for (size_t i = 0; i < node->kid_count; i++) {
        if (eval(w, node->kids[i], &values[i]))
            return -1;
        arguments[i] = &values[i];
        any_null = any_null || values[i].null;
    }
    if (any_null)
        return give_null(ret);
    if (signature->number)
        return give_double(ret, signature->number(values[0].as.d));
    if (signature->numbers)
        return give_double(ret, signature->numbers(values[0].as.d, values[1].as.d));
    fault = signature->call(arguments, node->kid_count, w->text, ret);
    if (fault)
        return give_fault(w, node, fault);
    if (node->type == LEAT_TYPE_DOUBLE && !ret->null)
        return give_double(ret, ret->as.d);
    return 0;
}

static int eval_call(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    switch ((enum leat_expr_form)node->as.call.function->form) {
    case LEAT_FORM_COALESCE:
        return eval_coalesce(w, node, ret);
    case LEAT_FORM_NULLIF:
        return eval_nullif(w, node, ret);
    case LEAT_FORM_LEAST:
        return eval_extreme(w, node, -1, ret);
    case LEAT_FORM_GREATEST:
        return eval_extreme(w, node, 1, ret);
    case LEAT_FORM_FUNCTION:
    case LEAT_FORM_SYNTAX:
        break;
    }
    return eval_signature(w, node, ret);
}

static int eval(const struct walk *w, const struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_value a;

    switch (node->kind) {
    case LEAT_NODE_LITERAL:
    case LEAT_NODE_INTERVAL:
        return give(ret, node->value);
    case LEAT_NODE_NAME:
    case LEAT_NODE_AGGREGATE:
        return give(ret, w->frame[node->slot]);
    case LEAT_NODE_NEGATE:
        return eval_negate(w, node, ret);
    case LEAT_NODE_NOT:
        return eval(w, node->kids[0], &a) ? -1 : give_negated(ret, a, true);
    case LEAT_NODE_BINARY:
        return eval_binary(w, node, ret);
    case LEAT_NODE_IS_NULL:
        return eval(w, node->kids[0], &a) ? -1 : give_bool(ret, (a.null != 0) != node->negated);
    case LEAT_NODE_IN:
        return eval_in(w, node, ret);
    case LEAT_NODE_BETWEEN:
        return eval_between(w, node, ret);
    case LEAT_NODE_LIKE:
        return eval_like(w, node, ret);
    case LEAT_NODE_CASE:
        return eval_case(w, node, ret);
    case LEAT_NODE_CAST:
        return eval_cast(w, node, ret);
    case LEAT_NODE_CONVERT:
        if (eval(w, node->kids[0], &a))
            return -1;
        return a.null ? give_null(ret) : give(ret, leat_value_double((double)a.as.i));
    case LEAT_NODE_CALL:
        return eval_call(w, node, ret);
    }
    return give_null(ret);
}

int leat_expr_tree_eval(const struct leat_expr_node *node, const struct leat_value *frame, struct leat_arena *text,
                        struct leat_value *ret, struct leat_reason *reason)
{
    struct walk walk = {.frame = frame, .text = text, .reason = reason};
    return eval(&walk, node, ret);
}

int leat_expr_eval_tree(const struct leat_expr *expr, const struct leat_value *frame, struct leat_arena *text,
                        struct leat_value *ret, struct leat_reason *reason)
{
    struct leat_value value;

    if (leat_expr_tree_eval(expr->tree, frame, text, &value, reason))
        return -1;
    *ret = value;
    return 0;
}
