/* The compiled form: a flat program over registers. An operand is a slot of the frame, a constant or a register; slots
 * and constants are read where they are. Each instruction writes one register. */
#ifndef LEAT_EXPR_PROGRAM_H
#define LEAT_EXPR_PROGRAM_H

#include "expr/expr.h"
#include "expr/functions.h"

/* index << 2 | space */
typedef uint32_t leat_operand;
enum leat_operand_space { LEAT_SPACE_FRAME, LEAT_SPACE_CONSTANT, LEAT_SPACE_REGISTER };
#define LEAT_OPERAND_INDEX_MAX ((UINT32_MAX >> 2) - 1)

static inline leat_operand leat_operand_of(enum leat_operand_space space, size_t index)
{
    return (leat_operand)(index << 2) | (leat_operand)space;
}
static inline bool leat_operand_is(leat_operand operand, enum leat_operand_space space)
{
    return (operand & 3u) == (leat_operand)space;
}

/* INT instructions also serve TIME and BOOL. */
/* clang-format off */
#define LEAT_OPCODES(X) \
    X(RETURN) X(MOVE) X(TO_DOUBLE) \
    X(ADD_INT) X(SUB_INT) X(MUL_INT) X(DIV_INT) X(MOD_INT) X(NEGATE_INT) \
    X(ADD_DOUBLE) X(SUB_DOUBLE) X(MUL_DOUBLE) X(DIV_DOUBLE) X(NEGATE_DOUBLE) \
    X(ADD_TIME) X(SUB_TIME) X(CONCAT) \
    X(EQ_INT) X(NE_INT) X(LT_INT) X(LE_INT) \
    X(EQ_DOUBLE) X(NE_DOUBLE) X(LT_DOUBLE) X(LE_DOUBLE) \
    X(EQ_STRING) X(NE_STRING) X(LT_STRING) X(LE_STRING) \
    X(AND) X(OR) X(NOT) X(IS_NULL) X(IS_NOT_NULL) X(LIKE) \
    X(IN_INT) X(IN_DOUBLE) X(IN_STRING) \
    X(SELECT) X(COALESCE) X(NULL_IF) \
    X(LEAST_INT) X(LEAST_DOUBLE) X(LEAST_STRING) X(GREATEST_INT) X(GREATEST_DOUBLE) X(GREATEST_STRING) \
    X(JUMP) X(JUMP_TRUE) X(JUMP_FALSE) X(JUMP_NOT_TRUE) X(JUMP_NOT_NULL) \
    X(CALL_NUMBER) X(CALL_NUMBERS) X(CALL) X(CAST)
/* clang-format on */

enum leat_opcode {
#define LEAT_OPCODE(name) LEAT_OP_##name,
    LEAT_OPCODES(LEAT_OPCODE)
#undef LEAT_OPCODE
};

/* A list of constants that `in` searches: sorted, without nulls. */
struct leat_expr_set {
    size_t count;
    bool has_null;
    const struct leat_value *values;
};

struct leat_expr_cast_plan {
    enum leat_type from, to;
    bool attempt;
};

struct leat_instruction {
    uint16_t op;
    uint16_t count;          /* CALL: arguments; and whether the result is a DOUBLE */
    uint32_t to;             /* the register that is written */
    leat_operand a, b, c, d; /* of a jump b is the instruction that comes next */
    union {
        double (*number)(double);
        double (*numbers)(double, double);
        leat_expr_call_function *call;
        const struct leat_expr_set *set;
        const struct leat_expr_cast_plan *cast;
    } with;
};

struct leat_expr {
    const struct leat_instruction *code;
    const char *const *texts; /* by instruction: what it computes, where it can fail */
    const struct leat_value *constants;
    leat_operand result; /* of a program without instructions */
    bool trivial;        /* no instructions: `result` is the value */
    size_t code_count;
    size_t registers;
    enum leat_type type;
    const char *text;
    const struct leat_expr_node *tree;
};

/* Bytewise, the shorter first. */
int leat_expr_compare_strings(const struct leat_value *a, const struct leat_value *b);

#endif
