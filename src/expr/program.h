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
enum leat_opcode {
    LEAT_OP_RETURN, LEAT_OP_MOVE, LEAT_OP_TO_DOUBLE,
    LEAT_OP_ADD_INT, LEAT_OP_SUB_INT, LEAT_OP_MUL_INT, LEAT_OP_DIV_INT, LEAT_OP_MOD_INT, LEAT_OP_NEGATE_INT,
    LEAT_OP_ADD_DOUBLE, LEAT_OP_SUB_DOUBLE, LEAT_OP_MUL_DOUBLE, LEAT_OP_DIV_DOUBLE, LEAT_OP_NEGATE_DOUBLE,
    LEAT_OP_ADD_TIME, LEAT_OP_SUB_TIME, LEAT_OP_CONCAT,
    LEAT_OP_EQ_INT, LEAT_OP_NE_INT, LEAT_OP_LT_INT, LEAT_OP_LE_INT,
    LEAT_OP_EQ_DOUBLE, LEAT_OP_NE_DOUBLE, LEAT_OP_LT_DOUBLE, LEAT_OP_LE_DOUBLE,
    LEAT_OP_EQ_STRING, LEAT_OP_NE_STRING, LEAT_OP_LT_STRING, LEAT_OP_LE_STRING,
    LEAT_OP_AND, LEAT_OP_OR, LEAT_OP_NOT, LEAT_OP_IS_NULL, LEAT_OP_IS_NOT_NULL, LEAT_OP_LIKE,
    LEAT_OP_IN_INT, LEAT_OP_IN_DOUBLE, LEAT_OP_IN_STRING,
    LEAT_OP_SELECT, LEAT_OP_COALESCE, LEAT_OP_NULL_IF,
    LEAT_OP_LEAST_INT, LEAT_OP_LEAST_DOUBLE, LEAT_OP_LEAST_STRING,
    LEAT_OP_GREATEST_INT, LEAT_OP_GREATEST_DOUBLE, LEAT_OP_GREATEST_STRING,
    LEAT_OP_JUMP, LEAT_OP_JUMP_TRUE, LEAT_OP_JUMP_FALSE, LEAT_OP_JUMP_NOT_TRUE, LEAT_OP_JUMP_NOT_NULL,
    LEAT_OP_CALL_NUMBER, LEAT_OP_CALL_NUMBERS, LEAT_OP_CALL, LEAT_OP_CAST,
};
/* clang-format on */

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
