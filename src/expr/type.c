/* Typing: what names stand for, what type each node has, and where an INT becomes a DOUBLE. Also what later stages ask
 * for: whether a node is constant, whether it can fail, and about how much work it is. */
#include "expr/node.h"
#include "expr/scan.h"

#include "base/map.h"

#include <string.h>
#include <strings.h>

#define COST_MAX 1000

static int type_node(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    return leat_expr_type_node(t, node);
}

static int fail(struct leat_expr_typer *t, size_t at, const char *sentence)
{
    return leat_expr_fail(t->source, at, t->err, "%s", sentence);
}

/* ---- how nodes and types read in messages ---- */

const char *leat_expr_a_type(enum leat_type type)
{
    switch (type) {
    case LEAT_TYPE_NULL:
        return "null";
    case LEAT_TYPE_BOOL:
        return "a bool";
    case LEAT_TYPE_INT:
        return "an int";
    case LEAT_TYPE_DOUBLE:
        return "a double";
    case LEAT_TYPE_STRING:
        return "a string";
    case LEAT_TYPE_TIME:
        return "a time";
    }
    return "";
}

const char *leat_expr_quote(struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    const char *text = leat_expr_node_text(node, 60, t->arena);
    if (node->kind == LEAT_NODE_LITERAL)
        return text;
    return leat_arena_format(t->arena, "'%s'", text);
}

const char *leat_expr_describe(struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    if (node->kind == LEAT_NODE_INTERVAL)
        return leat_arena_format(t->arena, "%s is an interval", leat_expr_quote(t, node));
    if (node->kind == LEAT_NODE_LITERAL && node->type == LEAT_TYPE_NULL)
        return "this is null";
    return leat_arena_format(t->arena, "%s is %s", leat_expr_quote(t, node), leat_expr_a_type(node->type));
}

static int mismatch(struct leat_expr_typer *t, const struct leat_expr_node *node, const char *wanted)
{
    return leat_expr_fail(t->source, node->start, t->err, "%s, and %s", leat_expr_describe(t, node), wanted);
}

/* ---- facts about a node ---- */

static void add_cost(struct leat_expr_node *node, size_t cost)
{
    size_t sum = node->cost + cost;
    node->cost = (uint16_t)(sum < COST_MAX ? sum : COST_MAX);
}

/* A node's own work in instructions, about. */
static size_t own_cost(const struct leat_expr_node *node)
{
    switch (node->kind) {
    case LEAT_NODE_LITERAL:
    case LEAT_NODE_INTERVAL:
    case LEAT_NODE_NAME:
    case LEAT_NODE_AGGREGATE:
        return 0;
    case LEAT_NODE_CALL:
    case LEAT_NODE_CAST:
    case LEAT_NODE_LIKE:
        return 5;
    case LEAT_NODE_IN:
        return 1 + node->kid_count;
    case LEAT_NODE_BETWEEN:
        return 3;
    case LEAT_NODE_CASE:
        return node->kid_count;
    case LEAT_NODE_BINARY:
        return node->kids[0]->type == LEAT_TYPE_STRING ? 2 : 1;
    default:
        return 1;
    }
}

static void gather(struct leat_expr_node *node)
{
    node->constant = !node->slot_is;
    node->any_fails = node->may_fail;
    node->cost = 0;
    add_cost(node, own_cost(node));
    for (size_t i = 0; i < node->kid_count; i++) {
        node->constant = node->constant && node->kids[i]->constant;
        node->any_fails = node->any_fails || node->kids[i]->any_fails;
        add_cost(node, node->kids[i]->cost);
    }
}

static struct leat_expr_node *converted(struct leat_expr_typer *t, struct leat_expr_node *kid, enum leat_type type)
{
    struct leat_expr_node *node;

    if (kid->type != LEAT_TYPE_INT || type != LEAT_TYPE_DOUBLE)
        return kid;
    node = leat_arena_zalloc(t->arena, 1, sizeof *node);
    node->kind = LEAT_NODE_CONVERT;
    node->type = LEAT_TYPE_DOUBLE;
    node->start = kid->start;
    node->at = kid->at;
    node->kids = leat_arena_zalloc(t->arena, 1, sizeof *node->kids);
    node->kids[0] = kid;
    node->kid_count = 1;
    gather(node);
    return node;
}

static void convert_kids(struct leat_expr_typer *t, struct leat_expr_node *node, size_t from, enum leat_type type)
{
    for (size_t i = from; i < node->kid_count; i++)
        node->kids[i] = converted(t, node->kids[i], type);
}

/* The one type that both can be taken for. */
static bool unite(enum leat_type a, enum leat_type b, enum leat_type *ret)
{
    if (a == b || b == LEAT_TYPE_NULL)
        return *ret = a, true;
    if (a == LEAT_TYPE_NULL)
        return *ret = b, true;
    if ((a == LEAT_TYPE_INT && b == LEAT_TYPE_DOUBLE) || (a == LEAT_TYPE_DOUBLE && b == LEAT_TYPE_INT))
        return *ret = LEAT_TYPE_DOUBLE, true;
    return false;
}

static bool is_numeric(enum leat_type type)
{
    return type == LEAT_TYPE_NULL || type == LEAT_TYPE_INT || type == LEAT_TYPE_DOUBLE;
}

/* An interval is no value of its own. */
static int type_value(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    if (node->kind == LEAT_NODE_INTERVAL)
        return fail(t, node->start, "an interval can only be added to a time or taken from one");
    return type_node(t, node);
}

static int type_kids(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    for (size_t i = 0; i < node->kid_count; i++) {
        if (type_value(t, node->kids[i]))
            return -1;
    }
    return 0;
}

static int need_condition(struct leat_expr_typer *t, const struct leat_expr_node *node, const char *who)
{
    if (node->type == LEAT_TYPE_BOOL || node->type == LEAT_TYPE_NULL)
        return 0;
    return mismatch(t, node, leat_arena_format(t->arena, "%s takes conditions (bool)", who));
}

/* ---- comparisons ---- */

static int incomparable(struct leat_expr_typer *t, size_t at, const struct leat_expr_node *a,
                        const struct leat_expr_node *b)
{
    const struct leat_expr_node *text = a->type == LEAT_TYPE_STRING ? a : b;
    const struct leat_expr_node *other = text == a ? b : a;
    const char *hint = "";

    if (text->type == LEAT_TYPE_STRING && other->type == LEAT_TYPE_TIME && text->kind == LEAT_NODE_LITERAL)
        hint = "; a time is written timestamp '2013-07-08T12:00:00Z'";
    else if (text->type == LEAT_TYPE_STRING && other->type != LEAT_TYPE_STRING)
        hint = "; cast(x as type) converts";
    return leat_expr_fail(t->source, at, t->err, "%s and %s: they can not be compared%s", leat_expr_describe(t, a),
                          leat_expr_describe(t, b), hint);
}

/* All kids from the first on are compared with one another: one type for all. */
static int unite_compared(struct leat_expr_typer *t, struct leat_expr_node *node, size_t at)
{
    enum leat_type type = node->kids[0]->type;

    for (size_t i = 1; i < node->kid_count; i++) {
        if (!unite(type, node->kids[i]->type, &type))
            return incomparable(t, at ? at : node->kids[i]->start, node->kids[0], node->kids[i]);
    }
    convert_kids(t, node, 0, type);
    return 0;
}

/* ---- arithmetic ---- */

static int bad_operand(struct leat_expr_typer *t, const struct leat_expr_node *node, const struct leat_expr_node *kid)
{
    const char *op = leat_expr_operator_text(node->op), *hint = "";

    if (kid->type == LEAT_TYPE_STRING && node->op == LEAT_OPERATOR_ADD)
        hint = "; || joins text";
    else if (kid->type == LEAT_TYPE_DOUBLE && node->op == LEAT_OPERATOR_MOD)
        hint = "; mod(x, y) takes doubles";
    else if (kid->type == LEAT_TYPE_DOUBLE && node->op == LEAT_OPERATOR_IDIV)
        hint = "; floor(x / y) or trunc(x / y) takes doubles";
    else if (kid->type == LEAT_TYPE_BOOL)
        hint = "; cast(x as int) makes 0 or 1 of it";
    return mismatch(
        t, kid,
        leat_arena_format(t->arena, "%s takes %s%s", op,
                          node->op == LEAT_OPERATOR_MOD || node->op == LEAT_OPERATOR_IDIV ? "ints" : "numbers", hint));
}

/* time + interval, interval + time, time - interval: the interval becomes the second kid. */
static int type_time_sum(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    struct leat_expr_node *time = node->kids[0], *interval = node->kids[1];

    if (time->kind == LEAT_NODE_INTERVAL && node->op == LEAT_OPERATOR_ADD) {
        time = node->kids[1];
        interval = node->kids[0];
    }
    if (time->kind == LEAT_NODE_INTERVAL || (node->op != LEAT_OPERATOR_ADD && node->op != LEAT_OPERATOR_SUB))
        return fail(t, time->kind == LEAT_NODE_INTERVAL ? time->start : interval->start,
                    "an interval can only be added to a time or taken from one");
    if (type_node(t, time))
        return -1;
    if (time->type != LEAT_TYPE_TIME && time->type != LEAT_TYPE_NULL)
        return mismatch(t, time, "an interval can only be added to a time or taken from one");
    node->kids[0] = time;
    node->kids[1] = interval;
    interval->constant = true;
    node->type = LEAT_TYPE_TIME;
    node->may_fail = true;
    return 0;
}

static int type_arithmetic(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    bool whole = node->op == LEAT_OPERATOR_MOD || node->op == LEAT_OPERATOR_IDIV;
    enum leat_type type = LEAT_TYPE_NULL;

    if (node->kids[0]->kind == LEAT_NODE_INTERVAL || node->kids[1]->kind == LEAT_NODE_INTERVAL)
        return type_time_sum(t, node);
    if (type_kids(t, node))
        return -1;
    if (node->kids[0]->type == LEAT_TYPE_TIME && node->kids[1]->type == LEAT_TYPE_TIME && node->op == LEAT_OPERATOR_SUB)
        return fail(t, node->at, "times are not subtracted: seconds_between(a, b) gives b - a in seconds");
    if (node->kids[0]->type == LEAT_TYPE_TIME && node->kids[1]->type != LEAT_TYPE_TIME &&
        (node->op == LEAT_OPERATOR_ADD || node->op == LEAT_OPERATOR_SUB))
        return mismatch(t, node->kids[1], "what is added to a time is an interval, such as interval '1h'");
    for (size_t i = 0; i < 2; i++) {
        if (!is_numeric(node->kids[i]->type) || (whole && node->kids[i]->type == LEAT_TYPE_DOUBLE))
            return bad_operand(t, node, node->kids[i]);
    }
    unite(node->kids[0]->type, node->kids[1]->type, &type);
    if (type == LEAT_TYPE_NULL)
        type = LEAT_TYPE_INT;
    if (node->op == LEAT_OPERATOR_DIV)
        type = LEAT_TYPE_DOUBLE;
    convert_kids(t, node, 0, type);
    node->type = type;
    node->may_fail = type == LEAT_TYPE_INT && node->op != LEAT_OPERATOR_MOD;
    return 0;
}

static int type_binary(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    enum leat_expr_level level = leat_expr_operator_level(node->op);

    if (level == LEAT_LEVEL_SUM || level == LEAT_LEVEL_PRODUCT)
        return type_arithmetic(t, node);
    if (type_kids(t, node))
        return -1;
    if (level == LEAT_LEVEL_COMPARE) {
        node->type = LEAT_TYPE_BOOL;
        return unite_compared(t, node, node->at);
    }
    if (level == LEAT_LEVEL_CONCAT) {
        node->type = LEAT_TYPE_STRING;
        node->may_fail = true;
        for (size_t i = 0; i < 2; i++) {
            enum leat_type type = node->kids[i]->type;
            if (type != LEAT_TYPE_STRING && type != LEAT_TYPE_NULL)
                return mismatch(t, node->kids[i],
                                type == LEAT_TYPE_BOOL ? "|| joins text; conditions are joined by or"
                                                       : "|| joins text; cast(x as string) converts");
        }
        return 0;
    }
    node->type = LEAT_TYPE_BOOL;
    for (size_t i = 0; i < 2; i++) {
        if (need_condition(t, node->kids[i], leat_expr_operator_text(node->op)))
            return -1;
    }
    return 0;
}

static int type_negate(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    if (type_kids(t, node))
        return -1;
    if (!is_numeric(node->kids[0]->type))
        return mismatch(t, node->kids[0], "- takes a number");
    node->type = node->kids[0]->type == LEAT_TYPE_DOUBLE ? LEAT_TYPE_DOUBLE : LEAT_TYPE_INT;
    node->may_fail = node->type == LEAT_TYPE_INT;
    return 0;
}

static int type_like(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    if (type_kids(t, node))
        return -1;
    for (size_t i = 0; i < 2; i++) {
        if (node->kids[i]->type != LEAT_TYPE_STRING && node->kids[i]->type != LEAT_TYPE_NULL)
            return mismatch(t, node->kids[i], "like takes text");
    }
    node->type = LEAT_TYPE_BOOL;
    return 0;
}

/* ---- case ---- */

static int case_conditions(struct leat_expr_typer *t, struct leat_expr_node *node, size_t results_from)
{
    enum leat_type type = node->has_operand ? node->kids[0]->type : LEAT_TYPE_BOOL;

    for (size_t i = results_from - 1; i + 1 < node->kid_count; i += 2) {
        if (!node->has_operand && need_condition(t, node->kids[i], "when"))
            return -1;
        if (node->has_operand && !unite(type, node->kids[i]->type, &type))
            return incomparable(t, node->kids[i]->start, node->kids[0], node->kids[i]);
    }
    if (!node->has_operand)
        return 0;
    node->kids[0] = converted(t, node->kids[0], type);
    for (size_t i = results_from - 1; i + 1 < node->kid_count; i += 2)
        node->kids[i] = converted(t, node->kids[i], type);
    return 0;
}

static bool is_result(const struct leat_expr_node *node, size_t results_from, size_t i)
{
    if (node->has_else && i == node->kid_count - 1)
        return true;
    return i >= results_from && (i - results_from) % 2 == 0;
}

static int type_case(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    size_t results_from = node->has_operand ? 2 : 1; /* [operand] when then … */
    enum leat_type type = LEAT_TYPE_NULL;

    if (type_kids(t, node) || case_conditions(t, node, results_from))
        return -1;
    for (size_t i = results_from; i < node->kid_count; i++) {
        enum leat_type before = type;
        if (is_result(node, results_from, i) && !unite(type, node->kids[i]->type, &type))
            return mismatch(
                t, node->kids[i],
                leat_arena_format(t->arena, "an earlier result of this case is %s", leat_expr_a_type(before)));
    }
    for (size_t i = results_from; i < node->kid_count; i++) {
        if (is_result(node, results_from, i))
            node->kids[i] = converted(t, node->kids[i], type);
    }
    node->type = type;
    return 0;
}

static int type_cast(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    enum leat_type from, to = node->type;

    if (type_kids(t, node))
        return -1;
    from = node->kids[0]->type;
    node->may_fail = !node->attempt && (from == LEAT_TYPE_STRING || from == LEAT_TYPE_DOUBLE) && from != to &&
                     to != LEAT_TYPE_STRING;
    if (leat_expr_cast_exists(from, to))
        return 0;
    if (from == LEAT_TYPE_TIME)
        return mismatch(t, node->kids[0], "a time is cast to string alone; epoch(t) gives seconds since 1970");
    if (to == LEAT_TYPE_TIME)
        return mismatch(t, node->kids[0],
                        "only a string can be cast to a time; timestamp '1970-01-01' + interval '1s' adds");
    return mismatch(t, node->kids[0], "a double can not be cast to a bool; write x <> 0");
}

/* ---- calls ---- */

/* How well arguments fit: the number of conversions, or -1. */
static int fit(const struct leat_expr_signature *signature, const struct leat_expr_node *node)
{
    int conversions = 0;

    if (leat_expr_signature_arguments(signature) != node->kid_count)
        return -1;
    for (size_t i = 0; i < node->kid_count; i++) {
        enum leat_type wanted = leat_expr_signature_type(signature->types[i]), met = node->kids[i]->type, united;
        if (met == wanted || met == LEAT_TYPE_NULL)
            continue;
        if (!unite(met, wanted, &united) || united != wanted)
            return -1;
        conversions++;
    }
    return conversions;
}

static int wrong_count(struct leat_expr_typer *t, const struct leat_expr_node *node, size_t least, size_t most)
{
    const struct leat_expr_function_help *function = node->as.call.function;
    const char *takes = leat_arena_format(t->arena, "%zu value%s", least, least == 1 ? "" : "s");

    if (most == SIZE_MAX)
        takes = leat_arena_format(t->arena, "%zu or more values", least);
    else if (most > least)
        takes = leat_arena_format(t->arena, "%zu or %zu values", least, most);
    return leat_expr_fail(t->source, node->at, t->err, "%s takes %s, and %zu %s given: %s(%s)", function->name, takes,
                          node->kid_count, node->kid_count == 1 ? "is" : "are", function->name, function->arguments);
}

/* May argument i have this type in a signature for so many arguments? */
static bool argument_may_be(const struct leat_expr_node *node, size_t i, enum leat_type type)
{
    for (const struct leat_expr_signature *s = node->as.call.function->signatures; s->types; s++) {
        if (leat_expr_signature_arguments(s) == node->kid_count && leat_expr_signature_type(s->types[i]) == type)
            return true;
    }
    return false;
}

static int wrong_argument(struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    const char *name = node->as.call.function->name, *fits = "an int", *hint = "";
    size_t i = 0;
    enum leat_type met;

    for (; i + 1 < node->kid_count; i++) {
        met = node->kids[i]->type;
        if (met == LEAT_TYPE_NULL || argument_may_be(node, i, met) ||
            (met == LEAT_TYPE_INT && argument_may_be(node, i, LEAT_TYPE_DOUBLE)))
            continue;
        break;
    }
    met = node->kids[i]->type;
    if (argument_may_be(node, i, LEAT_TYPE_DOUBLE))
        fits = "a number";
    else if (argument_may_be(node, i, LEAT_TYPE_STRING))
        fits = "a string";
    else if (argument_may_be(node, i, LEAT_TYPE_TIME))
        fits = "a time";
    if (met == LEAT_TYPE_STRING && fits[2] == 't')
        hint = node->kids[i]->kind == LEAT_NODE_LITERAL ? "; one is written timestamp '2013-07-08T12:00:00Z'"
                                                        : "; cast(x as timestamp) converts";
    else if (node->kid_count == 1)
        return mismatch(t, node->kids[i], leat_arena_format(t->arena, "%s takes %s", name, fits));
    return mismatch(
        t, node->kids[i],
        leat_arena_format(t->arena, "%s(%s) takes %s there%s", name, node->as.call.function->arguments, fits, hint));
}

static int check_date_trunc(struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    const struct leat_expr_node *unit = node->kids[0];

    if (unit->kind != LEAT_NODE_LITERAL || unit->type != LEAT_TYPE_STRING)
        return fail(t, unit->start, "the unit of date_trunc is a text in quotes: " LEAT_EXPR_TRUNC_UNITS);
    if (!leat_expr_trunc_unit(leat_value_bytes(unit->value)))
        return leat_expr_fail(t->source, unit->start, t->err, "%s is not a unit of date_trunc: " LEAT_EXPR_TRUNC_UNITS,
                              leat_expr_quote(t, unit));
    return 0;
}

static int type_signature(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    const struct leat_expr_signature *best = NULL, *s;
    size_t least = SIZE_MAX, most = 0;
    int best_fit = -1;

    for (s = node->as.call.function->signatures; s->types; s++) {
        size_t arguments = leat_expr_signature_arguments(s);
        int conversions = fit(s, node);
        least = arguments < least ? arguments : least;
        most = arguments > most ? arguments : most;
        if (conversions < 0 || (best && conversions >= best_fit))
            continue;
        best = s;
        best_fit = conversions;
    }
    if (node->kid_count < least || node->kid_count > most)
        return wrong_count(t, node, least, most);
    if (!best)
        return wrong_argument(t, node);
    for (size_t i = 0; i < node->kid_count; i++)
        node->kids[i] = converted(t, node->kids[i], leat_expr_signature_type(best->types[i]));
    node->as.call.signature = best;
    node->type = leat_expr_signature_type(best->types[node->kid_count + 1]);
    node->may_fail = best->may_fail;
    if (strcmp(node->as.call.function->name, "date_trunc") == 0)
        return check_date_trunc(t, node);
    return 0;
}

/* coalesce, least, greatest: one type for all. */
static int type_united(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    enum leat_type type = LEAT_TYPE_NULL;

    if (node->kid_count < 1)
        return wrong_count(t, node, 1, SIZE_MAX);
    for (size_t i = 0; i < node->kid_count; i++) {
        enum leat_type before = type;
        if (!unite(type, node->kids[i]->type, &type))
            return mismatch(t, node->kids[i],
                            leat_arena_format(t->arena, "an earlier value of this %s is %s",
                                              node->as.call.function->name, leat_expr_a_type(before)));
    }
    convert_kids(t, node, 0, type);
    node->type = type;
    return 0;
}

static int type_nullif(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    enum leat_type type;

    if (node->kid_count != 2)
        return wrong_count(t, node, 2, 2);
    node->type = node->kids[0]->type;
    if (!unite(node->kids[0]->type, node->kids[1]->type, &type))
        return incomparable(t, node->at, node->kids[0], node->kids[1]);
    /* The first stays what it is: its conversion for the comparison is made on the way. */
    node->kids[1] = converted(t, node->kids[1], type);
    return 0;
}

static int type_call(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    if (type_kids(t, node))
        return -1;
    switch ((enum leat_expr_form)node->as.call.function->form) {
    case LEAT_FORM_COALESCE:
    case LEAT_FORM_LEAST:
    case LEAT_FORM_GREATEST:
        return type_united(t, node);
    case LEAT_FORM_NULLIF:
        return type_nullif(t, node);
    case LEAT_FORM_SYNTAX:
        return wrong_count(t, node, 1, 1);
    case LEAT_FORM_FUNCTION:
        break;
    }
    return type_signature(t, node);
}

/* ---- names ---- */

static const char *place_name(const struct leat_expr_typer *t)
{
    return t->scope->what ? t->scope->what : "this expression";
}

/* A name that differs in case alone is nearer than any other. */
const char *leat_expr_nearest(const struct leat_expr_scope *scope, struct leat_bytes name)
{
    const char *const *names;
    size_t count = 0;

    if (!scope->names || name.len == 0)
        return NULL;
    names = scope->names(scope->self, &count);
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == name.len && strncasecmp(names[i], name.data, name.len) == 0)
            return names[i];
    }
    return leat_nearest(name, names, count);
}

static const char *nearest_to_path(const struct leat_expr_typer *t, const struct leat_expr_scope *around,
                                   struct leat_bytes first, const char *path)
{
    const char *near = leat_expr_nearest(t->scope, leat_bytes_of(path));
    return near || first.len < 3 || first.len == strlen(path) ? near : leat_expr_nearest(around, first);
}

static int unknown_name(struct leat_expr_typer *t, const struct leat_expr_node *node, const char *path)
{
    const struct leat_expr_step *first = &node->as.name.steps[node->as.name.skip];
    const struct leat_expr_scope *scope = t->outer ? t->outer : t->scope;
    bool alone = node->as.name.step_count - node->as.name.skip == 1;
    const char *near;
    size_t stream;

    if (scope->is_table && scope->is_table(scope->self, first->name))
        return leat_expr_fail(t->source, node->start, t->err, "'%.*s' is a table: write %.*s[key].column",
                              LEAT_BYTES_FORMAT(first->name), LEAT_BYTES_FORMAT(first->name));
    if (scope->is_stream && scope->is_stream(scope->self, first->name, &stream) && stream != 0)
        return leat_expr_fail(t->source, node->start, t->err,
                              "'%s' is of a stream, which is seen through an aggregate alone: last(%s) over …, say",
                              path, alone ? leat_arena_format(t->arena, "%s.column", path) : path);
    if (alone && (leat_expr_word_equal(first->name, "now") || leat_expr_word_equal(first->name, "current_timestamp")))
        return leat_expr_fail(t->source, node->start, t->err,
                              "there is no clock: the time is that of the event, in its event time column");
    near = nearest_to_path(t, scope, first->name, path);
    if (near)
        return leat_expr_fail(t->source, node->start, t->err, "there is no '%s' in %s; the nearest name is '%s'", path,
                              place_name(t), near);
    if (first->quoted && alone)
        return leat_expr_fail(t->source, node->start, t->err,
                              "there is no '%s' in %s; text stands in single quotes, names in double ones", path,
                              place_name(t));
    if (alone && (leat_expr_function_find(first->name) || leat_aggregate_find(first->name) >= 0))
        return leat_expr_fail(t->source, node->start, t->err,
                              "there is no '%s' in %s; as a function it is written %s(…)", path, place_name(t), path);
    return leat_expr_fail(t->source, node->start, t->err, "there is no '%s' in %s", path, place_name(t));
}

/* Within an aggregate a leading name of a stream says whose column it is; the input's name may lead anywhere. */
static int strip_stream(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    const struct leat_expr_step *steps = node->as.name.steps;
    size_t stream;

    if (!t->outer && t->scope->is_stream && node->as.name.step_count > 1 && steps[1].name.data &&
        t->scope->is_stream(t->scope->self, steps[0].name, &stream) && stream == 0)
        node->as.name.skip = 1;
    if (t->outer && !t->window_key && t->outer->is_stream && node->as.name.step_count > 1 && steps[1].name.data &&
        t->outer->is_stream(t->outer->self, steps[0].name, &stream)) {
        node->as.name.skip = 1;
        node->as.name.of_stream = stream != 0;
        return 0;
    }
    if (!t->stream_name.data || t->window_key)
        return 0;
    return leat_expr_fail(t->source, node->start, t->err,
                          "%s has no stream before it, and this aggregate looks at stream '%.*s': write %.*s.%s",
                          leat_expr_quote(t, node), LEAT_BYTES_FORMAT(t->stream_name),
                          LEAT_BYTES_FORMAT(t->stream_name), leat_expr_node_text(node, 60, t->arena));
}

static bool has_lookup(const struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    const struct leat_expr_scope *scope = t->outer ? t->outer : t->scope;

    if (node->as.name.step_count < 2 || node->as.name.steps[1].name.data || !scope->is_table)
        return false;
    return scope->is_table(scope->self, node->as.name.steps[0].name);
}

/* What stands in brackets is the place in a list: a whole number. */
static int check_indexes(struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    const struct leat_expr_step *steps = node->as.name.steps;

    for (size_t i = 0; i < node->as.name.step_count; i++) {
        const struct leat_expr_node *key;
        if (steps[i].name.data)
            continue;
        key = steps[i].keys[0];
        if (steps[i].key_count == 1 && key->kind == LEAT_NODE_LITERAL && key->type == LEAT_TYPE_INT &&
            key->value.as.i >= 0 && key->value.as.i <= UINT32_MAX)
            continue;
        if (i == 1 && steps[i].key_count == 1 && key->kind == LEAT_NODE_LITERAL && key->type == LEAT_TYPE_STRING &&
            t->scope->named_list && leat_bytes_is(steps[0].name, t->scope->named_list))
            continue;
        if (i == 1)
            return leat_expr_fail(t->source, node->start, t->err,
                                  "there is no table '%.*s'; of a list the brackets take a number: %.*s[0]",
                                  LEAT_BYTES_FORMAT(steps[0].name), LEAT_BYTES_FORMAT(steps[0].name));
        return fail(t, steps[i].at, "of a list the brackets take a number: [0]");
    }
    return 0;
}

static int type_name(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    LEAT_CLEAN_BUFFER path = {0};
    struct leat_error reason = {0};

    if (has_lookup(t, node))
        return leat_expr_type_lookup(t, node);
    if (check_indexes(t, node) || strip_stream(t, node))
        return -1;
    leat_expr_print_path(node->as.name.steps, node->as.name.skip, node->as.name.step_count, &path);
    node->slot_is = true;
    if (t->scope->column &&
        t->scope->column(t->scope->self, leat_buffer_view(&path), &node->slot, &node->type, &reason) == 0)
        return 0;
    if (reason.text[0])
        return fail(t, node->start, reason.text);
    return unknown_name(t, node, leat_buffer_text(&path));
}

/* ---- all ---- */

static int type_kind(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    switch (node->kind) {
    case LEAT_NODE_LITERAL:
        return 0;
    case LEAT_NODE_INTERVAL:
        return type_value(t, node);
    case LEAT_NODE_NAME:
        return type_name(t, node);
    case LEAT_NODE_NEGATE:
        return type_negate(t, node);
    case LEAT_NODE_NOT:
        node->type = LEAT_TYPE_BOOL;
        return type_kids(t, node) ? -1 : need_condition(t, node->kids[0], "not");
    case LEAT_NODE_BINARY:
        return type_binary(t, node);
    case LEAT_NODE_IS_NULL:
        node->type = LEAT_TYPE_BOOL;
        return type_kids(t, node);
    case LEAT_NODE_IN:
    case LEAT_NODE_BETWEEN:
        node->type = LEAT_TYPE_BOOL;
        return type_kids(t, node) ? -1 : unite_compared(t, node, 0);
    case LEAT_NODE_LIKE:
        return type_like(t, node);
    case LEAT_NODE_CASE:
        return type_case(t, node);
    case LEAT_NODE_CAST:
        return type_cast(t, node);
    case LEAT_NODE_CALL:
        return type_call(t, node);
    case LEAT_NODE_AGGREGATE:
        return leat_expr_type_aggregate(t, node);
    case LEAT_NODE_CONVERT:
        break;
    }
    leat_assert(false); /* typed twice */
    return -1;
}

int leat_expr_type_node(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    if (type_kind(t, node))
        return -1;
    gather(node);
    return 0;
}

int leat_expr_type_root(struct leat_expr_typer *t, struct leat_expr_node **node, enum leat_type want)
{
    enum leat_type united;

    if (type_value(t, *node))
        return -1;
    if (want == LEAT_TYPE_NULL)
        return 0;
    if (!unite((*node)->type, want, &united) || united != want)
        return mismatch(t, *node,
                        want == LEAT_TYPE_BOOL ? "a condition (bool) is needed here"
                        : want == LEAT_TYPE_DOUBLE
                            ? "a number is needed here"
                            : leat_arena_format(t->arena, "%s is needed here", leat_expr_a_type(want)));
    *node = converted(t, *node, want);
    return 0;
}
