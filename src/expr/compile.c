/* From typed tree to program. Registers are a stack: a node leaves its value in register `base` (or needs none, when it
 * is a slot or a constant) and works above it.
 *
 * What SQL need not evaluate is jumped over when it could fail or is long. When it is short and can not fail it is
 * computed all the same and a value is selected: a jump that the processor guesses wrong costs more. */
#include "expr/node.h"
#include "expr/program.h"
#include "expr/tree.h"

#include <stdlib.h>
#include <string.h>

#define EAGER_COST_MAX 6  /* of one operand of and, or, coalesce, … */
#define EAGER_CASE_MAX 12 /* of a whole case */
#define REASON_TEXT_MAX 120

struct compiler {
    struct leat_expr_typer *typer;
    struct leat_arena *arena;
    struct leat_arena folding; /* text of constants on the way */
    struct leat_instruction *code;
    const char **texts;
    size_t code_count, code_capacity;
    struct leat_value *constants;
    size_t constant_count, constant_capacity;
    size_t registers;
    bool conditional; /* what is compiled now may be left out at run time */
    bool failed;
};

static leat_operand compile(struct compiler *c, struct leat_expr_node *node, uint32_t base);

static leat_operand in_register(uint32_t index)
{
    return leat_operand_of(LEAT_SPACE_REGISTER, index);
}

static void *grown(struct compiler *c, const void *items, size_t count, size_t capacity, size_t size)
{
    void *more = leat_arena_zalloc(c->arena, capacity, size);
    if (count)
        memcpy(more, items, count * size);
    return more;
}

static struct leat_instruction *emit(struct compiler *c, enum leat_opcode op, uint32_t to, leat_operand a,
                                     leat_operand b)
{
    struct leat_instruction *instruction;

    if (c->code_count == c->code_capacity) {
        size_t capacity = c->code_capacity ? 2 * c->code_capacity : 8;
        c->code = grown(c, c->code, c->code_count, capacity, sizeof *c->code);
        c->texts = grown(c, c->texts, c->code_count, capacity, sizeof *c->texts);
        c->code_capacity = capacity;
    }
    instruction = &c->code[c->code_count++];
    *instruction = (struct leat_instruction){.op = (uint16_t)op, .to = to, .a = a, .b = b};
    if (to >= c->registers)
        c->registers = to + 1;
    return instruction;
}

/* A jump whose target is set by land(). */
static size_t emit_jump(struct compiler *c, enum leat_opcode op, leat_operand a)
{
    emit(c, op, 0, a, 0);
    return c->code_count - 1;
}

static void land(struct compiler *c, size_t jump)
{
    c->code[jump].b = (uint32_t)c->code_count;
}

static void name_reason(struct compiler *c, struct leat_expr_node *node)
{
    if (!node->text)
        node->text = leat_expr_node_text(node, REASON_TEXT_MAX, c->arena);
    c->texts[c->code_count - 1] = node->text;
}

static leat_operand constant(struct compiler *c, struct leat_value value)
{
    if (c->constant_count == c->constant_capacity) {
        size_t capacity = c->constant_capacity ? 2 * c->constant_capacity : 4;
        c->constants = grown(c, c->constants, c->constant_count, capacity, sizeof *c->constants);
        c->constant_capacity = capacity;
    }
    c->constants[c->constant_count] = value;
    return leat_operand_of(LEAT_SPACE_CONSTANT, c->constant_count++);
}

/* Puts a value into the register itself. */
static void settle(struct compiler *c, leat_operand value, uint32_t base)
{
    if (value != in_register(base))
        emit(c, LEAT_OP_MOVE, base, value, 0);
}

/* The first register that is free beside this value, which was compiled at `base`. */
static uint32_t above(leat_operand value, uint32_t base)
{
    return leat_operand_is(value, LEAT_SPACE_REGISTER) ? base + 1 : base;
}

static bool is_eager(const struct leat_expr_node *node)
{
    return !node->any_fails && node->cost <= EAGER_COST_MAX;
}

static leat_operand compile_conditional(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    bool before = c->conditional;
    leat_operand value;

    c->conditional = true;
    value = compile(c, node, base);
    c->conditional = before;
    return value;
}

/* ---- constants ---- */

/* Every node that can fail has its text before the tree is evaluated. */
static void name_reasons(struct compiler *c, struct leat_expr_node *node)
{
    if (node->may_fail && !node->text)
        node->text = leat_expr_node_text(node, REASON_TEXT_MAX, c->arena);
    for (size_t i = 0; i < node->kid_count; i++)
        name_reasons(c, node->kids[i]);
}

/* A value that is known now. False: it fails, or is a long text, and is left for run time. */
static bool fold(struct compiler *c, struct leat_expr_node *node, struct leat_value *ret)
{
    struct leat_reason reason;

    if (!node->constant || node->kind == LEAT_NODE_INTERVAL)
        return false;
    leat_arena_reset(&c->folding);
    if (leat_expr_tree_eval(node, NULL, &c->folding, ret, &reason)) {
        if (!c->conditional && !c->failed) {
            leat_expr_fail(c->typer->source, node->start, c->typer->err, "this always fails: %s", reason.text);
            c->failed = true;
        }
        return false;
    }
    if (node->type == LEAT_TYPE_STRING && !ret->null) {
        if (ret->len > LEAT_EXPR_TEXT_MAX)
            return false;
        *ret = leat_value_string(leat_arena_bytes(c->arena, leat_value_bytes(*ret)));
    }
    return true;
}

/* ---- operators ---- */

enum flavour { FLAVOUR_INT, FLAVOUR_DOUBLE, FLAVOUR_STRING };

static enum flavour flavour_of(enum leat_type type)
{
    if (type == LEAT_TYPE_DOUBLE)
        return FLAVOUR_DOUBLE;
    return type == LEAT_TYPE_STRING ? FLAVOUR_STRING : FLAVOUR_INT;
}

/* Of two that are compared: their type, where one may be the bare null. */
static enum flavour compared(const struct leat_expr_node *a, const struct leat_expr_node *b)
{
    return flavour_of(a->type == LEAT_TYPE_NULL ? b->type : a->type);
}

static enum leat_opcode equal_opcode(enum flavour flavour)
{
    static const enum leat_opcode codes[] = {LEAT_OP_EQ_INT, LEAT_OP_EQ_DOUBLE, LEAT_OP_EQ_STRING};
    return codes[flavour];
}

static enum leat_opcode at_most_opcode(enum flavour flavour)
{
    static const enum leat_opcode codes[] = {LEAT_OP_LE_INT, LEAT_OP_LE_DOUBLE, LEAT_OP_LE_STRING};
    return codes[flavour];
}

static enum leat_opcode binary_opcode(const struct leat_expr_node *node)
{
    static const enum leat_opcode unequal[] = {LEAT_OP_NE_INT, LEAT_OP_NE_DOUBLE, LEAT_OP_NE_STRING};
    static const enum leat_opcode less[] = {LEAT_OP_LT_INT, LEAT_OP_LT_DOUBLE, LEAT_OP_LT_STRING};
    enum flavour flavour = compared(node->kids[0], node->kids[1]);
    bool is_double = node->type == LEAT_TYPE_DOUBLE, is_time = node->type == LEAT_TYPE_TIME;

    switch (node->op) {
    case LEAT_OPERATOR_EQ:
        return equal_opcode(flavour);
    case LEAT_OPERATOR_NE:
        return unequal[flavour];
    case LEAT_OPERATOR_LT:
    case LEAT_OPERATOR_GT:
        return less[flavour];
    case LEAT_OPERATOR_LE:
    case LEAT_OPERATOR_GE:
        return at_most_opcode(flavour);
    case LEAT_OPERATOR_CONCAT:
        return LEAT_OP_CONCAT;
    case LEAT_OPERATOR_ADD:
        return is_time ? LEAT_OP_ADD_TIME : is_double ? LEAT_OP_ADD_DOUBLE : LEAT_OP_ADD_INT;
    case LEAT_OPERATOR_SUB:
        return is_time ? LEAT_OP_SUB_TIME : is_double ? LEAT_OP_SUB_DOUBLE : LEAT_OP_SUB_INT;
    case LEAT_OPERATOR_MUL:
        return is_double ? LEAT_OP_MUL_DOUBLE : LEAT_OP_MUL_INT;
    case LEAT_OPERATOR_DIV:
        return LEAT_OP_DIV_DOUBLE;
    case LEAT_OPERATOR_IDIV:
        return LEAT_OP_DIV_INT;
    case LEAT_OPERATOR_MOD:
        return LEAT_OP_MOD_INT;
    case LEAT_OPERATOR_AND:
        return LEAT_OP_AND;
    case LEAT_OPERATOR_OR:
        return LEAT_OP_OR;
    }
    return LEAT_OP_MOVE;
}

static leat_operand compile_binary(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    leat_operand a = compile(c, node->kids[0], base);
    leat_operand b = compile(c, node->kids[1], above(a, base));

    if (node->op == LEAT_OPERATOR_GT || node->op == LEAT_OPERATOR_GE)
        emit(c, binary_opcode(node), base, b, a);
    else
        emit(c, binary_opcode(node), base, a, b);
    if (node->may_fail)
        name_reason(c, node);
    return in_register(base);
}

/* The right side is left out when the left one decides: `a and b` where a is false. */
static leat_operand compile_logic(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    leat_operand a, b;
    size_t jump;

    if (is_eager(node->kids[1]))
        return compile_binary(c, node, base);
    a = compile(c, node->kids[0], base);
    settle(c, a, base);
    jump = emit_jump(c, node->op == LEAT_OPERATOR_AND ? LEAT_OP_JUMP_FALSE : LEAT_OP_JUMP_TRUE, in_register(base));
    b = compile_conditional(c, node->kids[1], base + 1);
    emit(c, binary_opcode(node), base, in_register(base), b);
    land(c, jump);
    return in_register(base);
}

static leat_operand compile_unary(struct compiler *c, struct leat_expr_node *node, enum leat_opcode op, uint32_t base)
{
    leat_operand a = compile(c, node->kids[0], base);
    emit(c, op, base, a, 0);
    if (node->may_fail)
        name_reason(c, node);
    return in_register(base);
}

static leat_operand negated(struct compiler *c, const struct leat_expr_node *node, uint32_t base)
{
    if (node->negated)
        emit(c, LEAT_OP_NOT, base, in_register(base), 0);
    return in_register(base);
}

static leat_operand compile_between(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    enum flavour flavour = FLAVOUR_INT;
    size_t jump = SIZE_MAX;
    leat_operand x, low, high;

    for (size_t i = 0; i < 3; i++) {
        if (node->kids[i]->type != LEAT_TYPE_NULL)
            flavour = flavour_of(node->kids[i]->type);
    }
    x = compile(c, node->kids[0], base + 1);
    low = compile(c, node->kids[1], base + 2);
    emit(c, at_most_opcode(flavour), base, low, x);
    if (!is_eager(node->kids[2]))
        jump = emit_jump(c, LEAT_OP_JUMP_FALSE, in_register(base));
    high = compile_conditional(c, node->kids[2], base + 2);
    emit(c, at_most_opcode(flavour), base + 2, x, high);
    emit(c, LEAT_OP_AND, base, in_register(base), in_register(base + 2));
    if (jump != SIZE_MAX)
        land(c, jump);
    return negated(c, node, base);
}

/* ---- in ---- */

static int by_int(const void *a, const void *b)
{
    int64_t x = ((const struct leat_value *)a)->as.i, y = ((const struct leat_value *)b)->as.i;
    return (x > y) - (x < y);
}

static int by_double(const void *a, const void *b)
{
    double x = ((const struct leat_value *)a)->as.d, y = ((const struct leat_value *)b)->as.d;
    return (x > y) - (x < y);
}

static int by_string(const void *a, const void *b)
{
    return leat_expr_compare_strings(a, b);
}

/* The list as a set; NULL when it is not all constant. */
static const struct leat_expr_set *constant_set(struct compiler *c, struct leat_expr_node *node, enum flavour flavour)
{
    static int (*const orders[])(const void *, const void *) = {by_int, by_double, by_string};
    struct leat_value *values = leat_arena_zalloc(c->arena, node->kid_count, sizeof *values);
    struct leat_expr_set *set = leat_arena_zalloc(c->arena, 1, sizeof *set);

    for (size_t i = 1; i < node->kid_count; i++) {
        struct leat_value value;
        if (!fold(c, node->kids[i], &value))
            return NULL;
        if (value.null)
            set->has_null = true;
        else
            values[set->count++] = value;
    }
    qsort(values, set->count, sizeof *values, orders[flavour]);
    set->values = values;
    return set;
}

static leat_operand compile_in(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    static const enum leat_opcode searches[] = {LEAT_OP_IN_INT, LEAT_OP_IN_DOUBLE, LEAT_OP_IN_STRING};
    enum flavour flavour = FLAVOUR_INT;
    const struct leat_expr_set *set;
    size_t *jumps = leat_arena_zalloc(c->arena, node->kid_count, sizeof *jumps), jump_count = 0;
    bool constants = true, before = c->conditional;
    leat_operand x;

    for (size_t i = 0; i < node->kid_count; i++) {
        if (node->kids[i]->type != LEAT_TYPE_NULL)
            flavour = flavour_of(node->kids[i]->type);
        constants = constants && (i == 0 || node->kids[i]->constant);
    }
    x = compile(c, node->kids[0], base + 1);
    c->conditional = true;
    set = constants ? constant_set(c, node, flavour) : NULL;
    c->conditional = before;
    if (set) {
        emit(c, searches[flavour], base, x, 0)->with.set = set;
        return negated(c, node, base);
    }
    for (size_t i = 1; i < node->kid_count; i++) {
        leat_operand element;
        if (i > 1 && !is_eager(node->kids[i]))
            jumps[jump_count++] = emit_jump(c, LEAT_OP_JUMP_TRUE, in_register(base));
        element = i > 1 ? compile_conditional(c, node->kids[i], base + 2) : compile(c, node->kids[i], base + 2);
        emit(c, equal_opcode(flavour), i > 1 ? base + 2 : base, x, element);
        if (i > 1)
            emit(c, LEAT_OP_OR, base, in_register(base), in_register(base + 2));
    }
    for (size_t j = 0; j < jump_count; j++)
        land(c, jumps[j]);
    return negated(c, node, base);
}

/* ---- case ---- */

/* The condition of one `when`, against the operand x if there is one. */
static leat_operand compile_when(struct compiler *c, struct leat_expr_node *node, struct leat_expr_node *when,
                                 leat_operand x, uint32_t base)
{
    leat_operand value = compile(c, when, base);

    if (!node->has_operand)
        return value;
    emit(c, equal_opcode(compared(node->kids[0], when)), base, x, value);
    return in_register(base);
}

/* All is computed, and from the last `when` to the first one value is selected. */
static leat_operand compile_select(struct compiler *c, struct leat_expr_node *node, size_t first, size_t whens,
                                   uint32_t base)
{
    leat_operand result = node->has_else ? compile_conditional(c, node->kids[node->kid_count - 1], base)
                                         : constant(c, leat_value_null());
    leat_operand x = node->has_operand ? compile(c, node->kids[0], base + 1) : 0;
    bool before = c->conditional;

    c->conditional = true;
    for (size_t i = whens; i-- > 0;) {
        leat_operand when = compile_when(c, node, node->kids[first + 2 * i], x, base + 2);
        leat_operand then = compile(c, node->kids[first + 2 * i + 1], base + 3);
        struct leat_instruction *select = emit(c, LEAT_OP_SELECT, base, when, then);
        select->c = result;
        result = in_register(base);
    }
    c->conditional = before;
    return result;
}

static leat_operand compile_case(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    size_t first = node->has_operand, whens = (node->kid_count - first) / 2;
    size_t *ends = leat_arena_zalloc(c->arena, whens, sizeof *ends);
    bool before = c->conditional;
    leat_operand x;

    if (!node->any_fails && node->cost <= EAGER_CASE_MAX)
        return compile_select(c, node, first, whens, base);
    x = node->has_operand ? compile(c, node->kids[0], base + 1) : 0;
    for (size_t i = 0; i < whens; i++) {
        leat_operand when = compile_when(c, node, node->kids[first + 2 * i], x, base + 2);
        size_t next = emit_jump(c, LEAT_OP_JUMP_NOT_TRUE, when);
        c->conditional = true;
        settle(c, compile(c, node->kids[first + 2 * i + 1], base), base);
        ends[i] = emit_jump(c, LEAT_OP_JUMP, 0);
        land(c, next);
    }
    settle(c, node->has_else ? compile(c, node->kids[node->kid_count - 1], base) : constant(c, leat_value_null()), base);
    c->conditional = before;
    for (size_t i = 0; i < whens; i++)
        land(c, ends[i]);
    return in_register(base);
}

/* ---- calls ---- */

static leat_operand compile_cast(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    enum leat_type from = node->kids[0]->type, to = node->type;
    struct leat_expr_cast_plan *plan;

    if (from == to || from == LEAT_TYPE_NULL || (from == LEAT_TYPE_BOOL && to == LEAT_TYPE_INT))
        return compile(c, node->kids[0], base);
    if (to == LEAT_TYPE_DOUBLE && from != LEAT_TYPE_STRING)
        return compile_unary(c, node, LEAT_OP_TO_DOUBLE, base);
    if (from == LEAT_TYPE_INT && to == LEAT_TYPE_BOOL) {
        leat_operand a = compile(c, node->kids[0], base);
        emit(c, LEAT_OP_NE_INT, base, a, constant(c, leat_value_int(0)));
        return in_register(base);
    }
    plan = leat_arena_zalloc(c->arena, 1, sizeof *plan);
    *plan = (struct leat_expr_cast_plan){.from = from, .to = to, .attempt = node->attempt};
    compile_unary(c, node, LEAT_OP_CAST, base);
    c->code[c->code_count - 1].with.cast = plan;
    return in_register(base);
}

static leat_operand compile_coalesce(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    size_t *ends = leat_arena_zalloc(c->arena, node->kid_count, sizeof *ends);
    size_t end_count = 0;
    leat_operand value = compile(c, node->kids[0], base);

    for (size_t i = 1; i < node->kid_count; i++) {
        leat_operand next;
        if (!is_eager(node->kids[i])) {
            settle(c, value, base);
            value = in_register(base);
            ends[end_count++] = emit_jump(c, LEAT_OP_JUMP_NOT_NULL, value);
        }
        next = compile_conditional(c, node->kids[i], base + 1);
        emit(c, LEAT_OP_COALESCE, base, value, next);
        value = in_register(base);
    }
    for (size_t i = 0; i < end_count; i++)
        land(c, ends[i]);
    return value;
}

static leat_operand compile_nullif(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    leat_operand a = compile(c, node->kids[0], base + 1);
    leat_operand b = compile(c, node->kids[1], base + 2), same = a;

    if (node->kids[0]->type == LEAT_TYPE_INT && node->kids[1]->type == LEAT_TYPE_DOUBLE) {
        emit(c, LEAT_OP_TO_DOUBLE, base, a, 0);
        same = in_register(base);
    }
    emit(c,
         equal_opcode(node->kids[1]->type == LEAT_TYPE_NULL ? flavour_of(node->kids[0]->type)
                                                            : flavour_of(node->kids[1]->type)),
         base, same, b);
    emit(c, LEAT_OP_NULL_IF, base, in_register(base), a);
    return in_register(base);
}

static leat_operand compile_extreme(struct compiler *c, struct leat_expr_node *node, bool greatest, uint32_t base)
{
    static const enum leat_opcode least_codes[] = {LEAT_OP_LEAST_INT, LEAT_OP_LEAST_DOUBLE, LEAT_OP_LEAST_STRING};
    static const enum leat_opcode greatest_codes[] = {LEAT_OP_GREATEST_INT, LEAT_OP_GREATEST_DOUBLE,
                                                      LEAT_OP_GREATEST_STRING};
    enum flavour flavour = flavour_of(node->type);
    leat_operand value = compile(c, node->kids[0], base);

    for (size_t i = 1; i < node->kid_count; i++) {
        leat_operand next = compile(c, node->kids[i], base + 1);
        emit(c, greatest ? greatest_codes[flavour] : least_codes[flavour], base, value, next);
        value = in_register(base);
    }
    return value;
}

static leat_operand compile_signature(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    const struct leat_expr_signature *signature = node->as.call.signature;
    leat_operand arguments[LEAT_EXPR_ARGUMENTS_MAX] = {0};
    struct leat_instruction *call;
    uint32_t next = base;

    leat_assert(node->kid_count <= LEAT_EXPR_ARGUMENTS_MAX);
    for (size_t i = 0; i < node->kid_count; i++) {
        arguments[i] = compile(c, node->kids[i], next);
        next = above(arguments[i], next);
    }
    call = emit(c,
                signature->number    ? LEAT_OP_CALL_NUMBER
                : signature->numbers ? LEAT_OP_CALL_NUMBERS
                                     : LEAT_OP_CALL,
                base, arguments[0], arguments[1]);
    call->c = arguments[2];
    call->d = arguments[3];
    call->count = (uint16_t)(node->kid_count << 1 | (node->type == LEAT_TYPE_DOUBLE));
    if (signature->number)
        call->with.number = signature->number;
    else if (signature->numbers)
        call->with.numbers = signature->numbers;
    else
        call->with.call = signature->call;
    if (node->may_fail)
        name_reason(c, node);
    return in_register(base);
}

static leat_operand compile_call(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    switch ((enum leat_expr_form)node->as.call.function->form) {
    case LEAT_FORM_COALESCE:
        return compile_coalesce(c, node, base);
    case LEAT_FORM_NULLIF:
        return compile_nullif(c, node, base);
    case LEAT_FORM_LEAST:
        return compile_extreme(c, node, false, base);
    case LEAT_FORM_GREATEST:
        return compile_extreme(c, node, true, base);
    case LEAT_FORM_FUNCTION:
    case LEAT_FORM_SYNTAX:
        break;
    }
    return compile_signature(c, node, base);
}

/* ---- all ---- */

static leat_operand compile_kind(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    switch (node->kind) {
    case LEAT_NODE_LITERAL:
    case LEAT_NODE_INTERVAL:
        return constant(c, node->value);
    case LEAT_NODE_NAME:
    case LEAT_NODE_AGGREGATE:
        return leat_operand_of(LEAT_SPACE_FRAME, node->slot);
    case LEAT_NODE_NEGATE:
        return compile_unary(c, node, node->type == LEAT_TYPE_DOUBLE ? LEAT_OP_NEGATE_DOUBLE : LEAT_OP_NEGATE_INT, base);
    case LEAT_NODE_NOT:
        return compile_unary(c, node, LEAT_OP_NOT, base);
    case LEAT_NODE_BINARY:
        if (node->op == LEAT_OPERATOR_AND || node->op == LEAT_OPERATOR_OR)
            return compile_logic(c, node, base);
        return compile_binary(c, node, base);
    case LEAT_NODE_IS_NULL:
        return compile_unary(c, node, node->negated ? LEAT_OP_IS_NOT_NULL : LEAT_OP_IS_NULL, base);
    case LEAT_NODE_IN:
        return compile_in(c, node, base);
    case LEAT_NODE_BETWEEN:
        return compile_between(c, node, base);
    case LEAT_NODE_LIKE: {
        leat_operand a = compile(c, node->kids[0], base), b = compile(c, node->kids[1], above(a, base));
        emit(c, LEAT_OP_LIKE, base, a, b);
        return negated(c, node, base);
    }
    case LEAT_NODE_CASE:
        return compile_case(c, node, base);
    case LEAT_NODE_CAST:
        return compile_cast(c, node, base);
    case LEAT_NODE_CONVERT:
        return compile_unary(c, node, LEAT_OP_TO_DOUBLE, base);
    case LEAT_NODE_CALL:
        return compile_call(c, node, base);
    }
    return 0;
}

static leat_operand compile(struct compiler *c, struct leat_expr_node *node, uint32_t base)
{
    struct leat_value value;

    leat_assert(node->slot <= LEAT_OPERAND_INDEX_MAX);
    if (node->kind != LEAT_NODE_LITERAL && fold(c, node, &value))
        return constant(c, value);
    return compile_kind(c, node, base);
}

static const char *canonical_text(const struct leat_expr_node *node, bool bare, struct leat_arena *arena)
{
    LEAT_CLEAN_BUFFER out = {0};
    leat_expr_print(node, bare, &out);
    return leat_arena_strdup(arena, leat_buffer_text(&out));
}

int leat_expr_compile_node(struct leat_expr_typer *typer, struct leat_expr_node *node, const struct leat_expr **ret)
{
    struct compiler c = {.typer = typer, .arena = typer->arena};
    struct leat_expr *expr = leat_arena_zalloc(typer->arena, 1, sizeof *expr);

    name_reasons(&c, node);
    expr->result = compile(&c, node, 0);
    leat_arena_done(&c.folding);
    if (c.failed)
        return -1;
    expr->trivial = c.code_count == 0;
    emit(&c, LEAT_OP_RETURN, 0, expr->result, 0);
    expr->code = c.code;
    expr->code_count = c.code_count;
    expr->texts = c.texts;
    expr->constants = c.constants;
    expr->registers = expr->trivial ? 0 : c.registers;
    expr->type = node->type;
    expr->text = canonical_text(node, typer->outer != NULL, typer->arena);
    expr->tree = node;
    *ret = expr;
    return 0;
}

int leat_expr_compile(const struct leat_expr_scope *scope, struct leat_expr_place place, struct leat_bytes text,
                      enum leat_type want, struct leat_arena *arena, const struct leat_expr **ret,
                      struct leat_error *err)
{
    struct leat_expr_source *source = leat_arena_zalloc(arena, 1, sizeof *source);
    struct leat_expr_typer typer = {.scope = scope, .source = source, .arena = arena, .err = err};
    struct leat_expr_node *node;
    const struct leat_expr *expr;

    source->place = place;
    source->place.file = leat_arena_strdup(arena, place.file);
    source->text = leat_arena_bytes(arena, text);
    if (leat_expr_parse(source, arena, &node, err) || leat_expr_type_root(&typer, &node, want) ||
        leat_expr_compile_node(&typer, node, &expr))
        return -1;
    if (want != LEAT_TYPE_NULL && expr->type == LEAT_TYPE_NULL) {
        struct leat_expr *typed = leat_arena_zalloc(arena, 1, sizeof *typed);
        *typed = *expr;
        typed->type = want;
        expr = typed;
    }
    *ret = expr;
    return 0;
}
