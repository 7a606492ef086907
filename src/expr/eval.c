/* Evaluation of the compiled form. Every value that is written has `null` 0 or 1, and `as` 0 where it is null, so that
 * most instructions need no branch on it. */
#include "expr/expr.h"

#include "expr/program.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

enum leat_type leat_expr_type(const struct leat_expr *expr)
{
    return expr->type;
}

const char *leat_expr_text(const struct leat_expr *expr)
{
    return expr->text;
}

bool leat_expr_is_slot(const struct leat_expr *expr, size_t *ret_slot)
{
    if (!expr->trivial || !leat_operand_is(expr->result, LEAT_SPACE_FRAME))
        return false;
    *ret_slot = expr->result >> 2;
    return true;
}

size_t leat_expr_registers(const struct leat_expr *expr)
{
    return expr->registers;
}

void leat_expr_scratch_reserve(struct leat_expr_scratch *scratch, size_t registers)
{
    if (registers <= scratch->register_count)
        return;
    scratch->registers = leat_realloc(scratch->registers, registers, sizeof *scratch->registers);
    memset(scratch->registers, 0, registers * sizeof *scratch->registers);
    scratch->register_count = registers;
}

void leat_expr_scratch_done(struct leat_expr_scratch *scratch)
{
    free(scratch->registers);
    *scratch = (struct leat_expr_scratch){0};
}

int leat_expr_compare_strings(const struct leat_value *a, const struct leat_value *b)
{
    uint32_t shared = a->len < b->len ? a->len : b->len;
    int sign = shared ? memcmp(a->as.s, b->as.s, shared) : 0;
    return sign ? sign : (a->len > b->len) - (a->len < b->len);
}

static inline bool same_strings(const struct leat_value *a, const struct leat_value *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->as.s, b->as.s, a->len) == 0);
}

/* ---- values ---- */

static inline uint32_t either_null(const struct leat_value *a, const struct leat_value *b)
{
    return (a->null | b->null) != 0;
}

/* Keeps the bits where ok is 1, else makes them 0. */
static inline int64_t kept(int64_t bits, uint32_t ok)
{
    return bits & -(int64_t)ok;
}

static inline struct leat_value of_int(int64_t i, uint32_t null)
{
    return (struct leat_value){.as.i = kept(i, !null), .null = null};
}

/* Null as well when the number is not finite. */
static inline struct leat_value of_double(double d, uint32_t null)
{
    const int64_t exponent = INT64_C(0x7FF0000000000000);
    int64_t bits;

    memcpy(&bits, &d, sizeof bits);
    null |= (bits & exponent) == exponent;
    return of_int(bits, null);
}

static inline struct leat_value pick(bool first, const struct leat_value *a, const struct leat_value *b)
{
    const struct leat_value *from = first ? a : b;
    return *from;
}

/* `better` is whether b is better than a where both are there. */
static inline struct leat_value extreme(const struct leat_value *a, const struct leat_value *b, bool better)
{
    return pick(b->null || (!a->null && !better), a, b);
}

static struct leat_value search(const struct leat_expr_set *set, const struct leat_value *x,
                                int (*order)(const struct leat_value *, const struct leat_value *))
{
    size_t low = 0, high = set->count;

    if (x->null)
        return leat_value_null();
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int sign = order(x, &set->values[middle]);
        if (sign == 0)
            return leat_value_int(1);
        if (sign < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return set->has_null ? leat_value_null() : leat_value_int(0);
}

static int order_int(const struct leat_value *a, const struct leat_value *b)
{
    return (a->as.i > b->as.i) - (a->as.i < b->as.i);
}

static int order_double(const struct leat_value *a, const struct leat_value *b)
{
    return (a->as.d > b->as.d) - (a->as.d < b->as.d);
}

/* ---- what can fail, and is out of the way ---- */

static int failed(const struct leat_expr *expr, const struct leat_instruction *in, enum leat_expr_fault fault,
                  struct leat_reason *reason)
{
    return leat_expr_fault_reason(fault, expr->texts[in - expr->code], LEAT_TYPE_NULL, NULL, LEAT_TYPE_NULL, reason);
}

static enum leat_expr_fault call(const struct leat_instruction *in, const struct leat_value *const arguments[4],
                                 struct leat_arena *text, struct leat_value *ret)
{
    size_t count = in->count >> 1;
    uint32_t null = 0;
    enum leat_expr_fault fault;

    for (size_t i = 0; i < count; i++)
        null |= arguments[i]->null;
    if (null) {
        *ret = leat_value_null();
        return LEAT_FAULT_NONE;
    }
    fault = in->with.call(arguments, count, text, ret);
    if (fault == LEAT_FAULT_NONE && (in->count & 1) && !ret->null)
        *ret = of_double(ret->as.d, 0);
    return fault;
}

static int cast(const struct leat_expr *expr, const struct leat_instruction *in, const struct leat_value *from,
                struct leat_arena *text, struct leat_value *ret, struct leat_reason *reason)
{
    const struct leat_expr_cast_plan *plan = in->with.cast;
    struct leat_value made;
    enum leat_expr_fault fault;

    if (from->null) {
        *ret = leat_value_null();
        return 0;
    }
    fault = leat_expr_cast(plan->from, plan->to, from, text, &made);
    if (fault && !plan->attempt)
        return leat_expr_fault_reason(fault, expr->texts[in - expr->code], plan->from, from, plan->to, reason);
    *ret = fault ? leat_value_null() : made;
    return 0;
}

/* ---- the loop ---- */

#define COMPARE(name, truth)               \
    case LEAT_OP_##name: {                 \
        uint32_t null = either_null(A, B); \
        *to = of_int(truth, null);         \
        break;                             \
    }
#define COMPARE_STRINGS(name, truth)                                         \
    case LEAT_OP_##name:                                                     \
        *to = either_null(A, B) ? leat_value_null() : leat_value_int(truth); \
        break;
#define DOUBLE(name, number)                        \
    case LEAT_OP_##name:                            \
        *to = of_double(number, either_null(A, B)); \
        break;
/* A null operand is 0, so that it can not overflow. */
#define INT(name, operation)                                                    \
    case LEAT_OP_##name: {                                                      \
        int64_t result;                                                         \
        uint32_t null = either_null(A, B);                                      \
        if (__builtin_expect(operation(A->as.i, B->as.i, &result), 0) && !null) \
            return failed(expr, in, LEAT_FAULT_OVERFLOW, reason);               \
        *to = of_int(result, null);                                             \
        break;                                                                  \
    }
#define TIME(name, operation)                                                                                   \
    case LEAT_OP_##name: {                                                                                      \
        int64_t result;                                                                                         \
        bool beyond = operation(A->as.i, B->as.i, &result) || result < LEAT_TIME_MIN || result > LEAT_TIME_MAX; \
        if (__builtin_expect(beyond, 0) && !A->null)                                                            \
            return failed(expr, in, LEAT_FAULT_TIME, reason);                                                   \
        *to = of_int(result, A->null != 0);                                                                     \
        break;                                                                                                  \
    }

int leat_expr_eval(const struct leat_expr *expr, const struct leat_value *frame, struct leat_expr_scratch *scratch,
                   struct leat_value *ret, struct leat_reason *reason)
{
    struct leat_value nothing = {.null = 1}; /* what stands for no frame and for no registers, whose addresses are taken */
    struct leat_value *registers = scratch->registers ? scratch->registers : &nothing;
    const struct leat_value *const spaces[4] = {frame ? frame : &nothing, expr->constants, registers, NULL};
    const struct leat_instruction *in = expr->code;

    leat_assert(scratch->register_count >= expr->registers);

#define OPERAND(operand) (spaces[(operand)&3u] + ((operand) >> 2))
#define A OPERAND(in->a)
#define B OPERAND(in->b)
    for (;; in++) {
        struct leat_value *to = registers + in->to;

        switch ((enum leat_opcode)in->op) {
        case LEAT_OP_RETURN:
            *ret = *A;
            return 0;
        case LEAT_OP_MOVE:
            *to = *A;
            break;
        case LEAT_OP_TO_DOUBLE:
            *to = of_double((double)A->as.i, A->null != 0);
            break;

            INT(ADD_INT, __builtin_add_overflow)
            INT(SUB_INT, __builtin_sub_overflow)
            INT(MUL_INT, __builtin_mul_overflow)
        case LEAT_OP_DIV_INT: {
            int64_t x = A->as.i, y = B->as.i;
            uint32_t null = either_null(A, B) || y == 0;
            if (__builtin_expect(y == -1 && x == INT64_MIN, 0) && !null)
                return failed(expr, in, LEAT_FAULT_OVERFLOW, reason);
            *to = null ? leat_value_null() : leat_value_int(x / y);
            break;
        }
        case LEAT_OP_MOD_INT: {
            int64_t x = A->as.i, y = B->as.i;
            if (either_null(A, B) || y == 0)
                *to = leat_value_null();
            else
                *to = leat_value_int(y == -1 ? 0 : x % y);
            break;
        }
        case LEAT_OP_NEGATE_INT: {
            int64_t result;
            if (__builtin_expect(__builtin_sub_overflow(INT64_C(0), A->as.i, &result), 0) && !A->null)
                return failed(expr, in, LEAT_FAULT_OVERFLOW, reason);
            *to = of_int(result, A->null != 0);
            break;
        }
            DOUBLE(ADD_DOUBLE, A->as.d + B->as.d)
            DOUBLE(SUB_DOUBLE, A->as.d - B->as.d)
            DOUBLE(MUL_DOUBLE, A->as.d * B->as.d)
            DOUBLE(DIV_DOUBLE, A->as.d / B->as.d)
        case LEAT_OP_NEGATE_DOUBLE:
            *to = of_double(-A->as.d, A->null != 0);
            break;
            TIME(ADD_TIME, __builtin_add_overflow)
            TIME(SUB_TIME, __builtin_sub_overflow)
        case LEAT_OP_CONCAT: {
            enum leat_expr_fault fault = LEAT_FAULT_NONE;
            if (either_null(A, B))
                *to = leat_value_null();
            else
                fault = leat_expr_concat(leat_value_bytes(*A), leat_value_bytes(*B), scratch->text, to);
            if (fault)
                return failed(expr, in, fault, reason);
            break;
        }

            COMPARE(EQ_INT, A->as.i == B->as.i)
            COMPARE(NE_INT, A->as.i != B->as.i)
            COMPARE(LT_INT, A->as.i < B->as.i)
            COMPARE(LE_INT, A->as.i <= B->as.i)
            COMPARE(EQ_DOUBLE, A->as.d == B->as.d)
            COMPARE(NE_DOUBLE, A->as.d != B->as.d)
            COMPARE(LT_DOUBLE, A->as.d < B->as.d)
            COMPARE(LE_DOUBLE, A->as.d <= B->as.d)
            COMPARE_STRINGS(EQ_STRING, same_strings(A, B))
            COMPARE_STRINGS(NE_STRING, !same_strings(A, B))
            COMPARE_STRINGS(LT_STRING, leat_expr_compare_strings(A, B) < 0)
            COMPARE_STRINGS(LE_STRING, leat_expr_compare_strings(A, B) <= 0)
        case LEAT_OP_AND: {
            /* Null when one side is, and none is false. */
            int64_t a = A->as.i, b = B->as.i;
            uint32_t a_null = A->null != 0, b_null = B->null != 0;
            uint32_t null = (a_null | b_null) & ((uint32_t)a | a_null) & ((uint32_t)b | b_null);
            *to = (struct leat_value){.as.i = a & b, .null = null};
            break;
        }
        case LEAT_OP_OR: {
            int64_t truth = A->as.i | B->as.i;
            *to = (struct leat_value){.as.i = truth, .null = either_null(A, B) & !truth};
            break;
        }
        case LEAT_OP_NOT:
            *to = of_int(!A->as.i, A->null != 0);
            break;
        case LEAT_OP_IS_NULL:
            *to = leat_value_int(A->null != 0);
            break;
        case LEAT_OP_IS_NOT_NULL:
            *to = leat_value_int(A->null == 0);
            break;
            COMPARE_STRINGS(LIKE, leat_expr_like(leat_value_bytes(*A), leat_value_bytes(*B)))
        case LEAT_OP_IN_INT:
            *to = search(in->with.set, A, order_int);
            break;
        case LEAT_OP_IN_DOUBLE:
            *to = search(in->with.set, A, order_double);
            break;
        case LEAT_OP_IN_STRING:
            *to = search(in->with.set, A, leat_expr_compare_strings);
            break;

        case LEAT_OP_SELECT:
            *to = pick(A->as.i != 0, B, OPERAND(in->c));
            break;
        case LEAT_OP_COALESCE:
            *to = pick(A->null == 0, A, B);
            break;
        case LEAT_OP_NULL_IF:
            *to = A->as.i ? leat_value_null() : *B;
            break;
        case LEAT_OP_LEAST_INT:
            *to = extreme(A, B, B->as.i < A->as.i);
            break;
        case LEAT_OP_LEAST_DOUBLE:
            *to = extreme(A, B, B->as.d < A->as.d);
            break;
        case LEAT_OP_LEAST_STRING:
            *to = extreme(A, B, leat_expr_compare_strings(B, A) < 0);
            break;
        case LEAT_OP_GREATEST_INT:
            *to = extreme(A, B, B->as.i > A->as.i);
            break;
        case LEAT_OP_GREATEST_DOUBLE:
            *to = extreme(A, B, B->as.d > A->as.d);
            break;
        case LEAT_OP_GREATEST_STRING:
            *to = extreme(A, B, leat_expr_compare_strings(B, A) > 0);
            break;

        case LEAT_OP_JUMP:
            in = expr->code + in->b - 1;
            break;
        case LEAT_OP_JUMP_TRUE:
            if (A->as.i)
                in = expr->code + in->b - 1;
            break;
        case LEAT_OP_JUMP_FALSE:
            if (!A->as.i && !A->null)
                in = expr->code + in->b - 1;
            break;
        case LEAT_OP_JUMP_NOT_TRUE:
            if (!A->as.i)
                in = expr->code + in->b - 1;
            break;
        case LEAT_OP_JUMP_NOT_NULL:
            if (!A->null)
                in = expr->code + in->b - 1;
            break;

        case LEAT_OP_CALL_NUMBER:
            *to = A->null ? leat_value_null() : of_double(in->with.number(A->as.d), 0);
            break;
        case LEAT_OP_CALL_NUMBERS:
            *to = either_null(A, B) ? leat_value_null() : of_double(in->with.numbers(A->as.d, B->as.d), 0);
            break;
        case LEAT_OP_CALL: {
            const struct leat_value *const arguments[4] = {A, B, OPERAND(in->c), OPERAND(in->d)};
            enum leat_expr_fault fault = call(in, arguments, scratch->text, to);
            if (fault)
                return failed(expr, in, fault, reason);
            break;
        }
        case LEAT_OP_CAST:
            if (cast(expr, in, A, scratch->text, to, reason))
                return -1;
            break;
        }
    }
#undef A
#undef B
#undef OPERAND
}
