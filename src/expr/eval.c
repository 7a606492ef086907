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

/* Each instruction ends by jumping to the next one's code: one jump for each, from a place of its own, is what
 * processors foresee best. */
#define NEXT()                 \
    do {                       \
        in++;                  \
        goto *code_of[in->op]; \
    } while (0)
#define JUMP_IF(condition)               \
    do {                                 \
        if (condition)                   \
            in = expr->code + in->b - 1; \
        NEXT();                          \
    } while (0)
#define GIVE(value)                  \
    do {                             \
        registers[in->to] = (value); \
        NEXT();                      \
    } while (0)
#define FAIL(fault) return failed(expr, in, fault, reason)

#define OPERAND(operand) (spaces[(operand)&3u] + ((operand) >> 2))
#define A OPERAND(in->a)
#define B OPERAND(in->b)

/* A null operand is 0, so that it can not overflow. */
#define INT(operation)                                                                       \
    do {                                                                                     \
        const struct leat_value *a = A, *b = B;                                              \
        int64_t result;                                                                      \
        if (__builtin_expect(operation(a->as.i, b->as.i, &result), 0) && !either_null(a, b)) \
            FAIL(LEAT_FAULT_OVERFLOW);                                                       \
        GIVE(of_int(result, either_null(a, b)));                                             \
    } while (0)
#define TIME(operation)                                                                                         \
    do {                                                                                                        \
        const struct leat_value *a = A;                                                                         \
        int64_t result;                                                                                         \
        bool beyond = operation(a->as.i, B->as.i, &result) || result < LEAT_TIME_MIN || result > LEAT_TIME_MAX; \
        if (__builtin_expect(beyond, 0) && !a->null)                                                            \
            FAIL(LEAT_FAULT_TIME);                                                                              \
        GIVE(of_int(result, a->null != 0));                                                                     \
    } while (0)
#define DOUBLE(operator)                                              \
    do {                                                              \
        const struct leat_value *a = A, *b = B;                       \
        GIVE(of_double(a->as.d operator b->as.d, either_null(a, b))); \
    } while (0)
#define COMPARE(member, operator)                                            \
    do {                                                                     \
        const struct leat_value *a = A, *b = B;                              \
        GIVE(of_int(a->as.member operator b->as.member, either_null(a, b))); \
    } while (0)
#define STRINGS(truth)                                                       \
    do {                                                                     \
        const struct leat_value *a = A, *b = B;                              \
        GIVE(either_null(a, b) ? leat_value_null() : leat_value_int(truth)); \
    } while (0)
#define EXTREME(better)                         \
    do {                                        \
        const struct leat_value *a = A, *b = B; \
        GIVE(extreme(a, b, better));            \
    } while (0)

int leat_expr_eval(const struct leat_expr *expr, const struct leat_value *frame, struct leat_expr_scratch *scratch,
                   struct leat_value *ret, struct leat_reason *reason)
{
    static const void *const code_of[] = {
#define LABEL(name) &&name,
        LEAT_OPCODES(LABEL)
#undef LABEL
    };
    struct leat_value nothing = {.null = 1}; /* for no frame and no registers, whose addresses are taken */
    struct leat_value *registers = scratch->registers ? scratch->registers : &nothing;
    const struct leat_value *const spaces[4] = {frame ? frame : &nothing, expr->constants, registers, NULL};
    const struct leat_instruction *in = expr->code;

    leat_assert(scratch->register_count >= expr->registers);
    goto *code_of[in->op];

RETURN:
    *ret = *A;
    return 0;
MOVE:
    GIVE(*A);
TO_DOUBLE:
    GIVE(of_double((double)A->as.i, A->null != 0));

ADD_INT:
    INT(__builtin_add_overflow);
SUB_INT:
    INT(__builtin_sub_overflow);
MUL_INT:
    INT(__builtin_mul_overflow);
DIV_INT : {
    int64_t x = A->as.i, y = B->as.i;
    if (either_null(A, B) || y == 0)
        GIVE(leat_value_null());
    if (y == -1 && x == INT64_MIN)
        FAIL(LEAT_FAULT_OVERFLOW);
    GIVE(leat_value_int(x / y));
}
MOD_INT : {
    int64_t x = A->as.i, y = B->as.i;
    if (either_null(A, B) || y == 0)
        GIVE(leat_value_null());
    GIVE(leat_value_int(y == -1 ? 0 : x % y));
}
NEGATE_INT : {
    int64_t result;
    if (__builtin_expect(__builtin_sub_overflow(INT64_C(0), A->as.i, &result), 0) && !A->null)
        FAIL(LEAT_FAULT_OVERFLOW);
    GIVE(of_int(result, A->null != 0));
}
ADD_DOUBLE:
    DOUBLE(+);
SUB_DOUBLE:
    DOUBLE(-);
MUL_DOUBLE:
    DOUBLE(*);
DIV_DOUBLE:
    DOUBLE(/);
NEGATE_DOUBLE:
    GIVE(of_double(-A->as.d, A->null != 0));
ADD_TIME:
    TIME(__builtin_add_overflow);
SUB_TIME:
    TIME(__builtin_sub_overflow);
CONCAT : {
    enum leat_expr_fault fault;
    if (either_null(A, B))
        GIVE(leat_value_null());
    fault = leat_expr_concat(leat_value_bytes(*A), leat_value_bytes(*B), scratch->text, &registers[in->to]);
    if (fault)
        FAIL(fault);
    NEXT();
}

EQ_INT:
    COMPARE(i, ==);
NE_INT:
    COMPARE(i, !=);
LT_INT:
    COMPARE(i, <);
LE_INT:
    COMPARE(i, <=);
EQ_DOUBLE:
    COMPARE(d, ==);
NE_DOUBLE:
    COMPARE(d, !=);
LT_DOUBLE:
    COMPARE(d, <);
LE_DOUBLE:
    COMPARE(d, <=);
EQ_STRING:
    STRINGS(same_strings(a, b));
NE_STRING:
    STRINGS(!same_strings(a, b));
LT_STRING:
    STRINGS(leat_expr_compare_strings(a, b) < 0);
LE_STRING:
    STRINGS(leat_expr_compare_strings(a, b) <= 0);
AND : {
    /* Null when one side is, and none is false. */
    int64_t a = A->as.i, b = B->as.i;
    uint32_t a_null = A->null != 0, b_null = B->null != 0;
    uint32_t null = (a_null | b_null) & ((uint32_t)a | a_null) & ((uint32_t)b | b_null);
    GIVE(((struct leat_value){.as.i = a & b, .null = null}));
}
OR : {
    int64_t truth = A->as.i | B->as.i;
    GIVE(((struct leat_value){.as.i = truth, .null = either_null(A, B) & !truth}));
}
NOT:
    GIVE(of_int(!A->as.i, A->null != 0));
IS_NULL:
    GIVE(leat_value_int(A->null != 0));
IS_NOT_NULL:
    GIVE(leat_value_int(A->null == 0));
LIKE:
    STRINGS(leat_expr_like(leat_value_bytes(*a), leat_value_bytes(*b)));
IN_INT:
    GIVE(search(in->with.set, A, order_int));
IN_DOUBLE:
    GIVE(search(in->with.set, A, order_double));
IN_STRING:
    GIVE(search(in->with.set, A, leat_expr_compare_strings));

SELECT:
    GIVE(pick(A->as.i != 0, B, OPERAND(in->c)));
COALESCE:
    GIVE(pick(A->null == 0, A, B));
NULL_IF:
    GIVE(A->as.i ? leat_value_null() : *B);
LEAST_INT:
    EXTREME(b->as.i < a->as.i);
LEAST_DOUBLE:
    EXTREME(b->as.d < a->as.d);
LEAST_STRING:
    EXTREME(leat_expr_compare_strings(b, a) < 0);
GREATEST_INT:
    EXTREME(b->as.i > a->as.i);
GREATEST_DOUBLE:
    EXTREME(b->as.d > a->as.d);
GREATEST_STRING:
    EXTREME(leat_expr_compare_strings(b, a) > 0);

JUMP:
    JUMP_IF(true);
JUMP_TRUE:
    JUMP_IF(A->as.i);
JUMP_FALSE:
    JUMP_IF(!A->as.i && !A->null);
JUMP_NOT_TRUE:
    JUMP_IF(!A->as.i);
JUMP_NOT_NULL:
    JUMP_IF(!A->null);

CALL_NUMBER:
    GIVE(A->null ? leat_value_null() : of_double(in->with.number(A->as.d), 0));
CALL_NUMBERS:
    GIVE(either_null(A, B) ? leat_value_null() : of_double(in->with.numbers(A->as.d, B->as.d), 0));
CALL : {
    const struct leat_value *const arguments[4] = {A, B, OPERAND(in->c), OPERAND(in->d)};
    enum leat_expr_fault fault = call(in, arguments, scratch->text, &registers[in->to]);
    if (fault)
        FAIL(fault);
    NEXT();
}
CAST:
    if (cast(expr, in, A, scratch->text, &registers[in->to], reason))
        return -1;
    NEXT();
}
