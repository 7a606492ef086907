/* The tree of an expression. The parser makes it, typing fills in types, slots and conversions, and then it stays: the
 * compiler reads it, and the plain twin evaluates it. All in one arena. */
#ifndef LEAT_EXPR_NODE_H
#define LEAT_EXPR_NODE_H

#include "expr/expr.h"
#include "expr/functions.h"
#include "expr/source.h"

/* The tree's height, which bounds recursion: a chain a + b + c + … is as high as it is long. */
#define LEAT_EXPR_HEIGHT_MAX 1000

enum leat_expr_node_kind {
    LEAT_NODE_LITERAL,
    LEAT_NODE_INTERVAL, /* stands beside a time only */
    LEAT_NODE_NAME,     /* a.b[0], or table[key].column */
    LEAT_NODE_NEGATE,
    LEAT_NODE_NOT,
    LEAT_NODE_BINARY,
    LEAT_NODE_IS_NULL,
    LEAT_NODE_IN,      /* kids: what is looked for, then the list */
    LEAT_NODE_BETWEEN, /* kids: x, low, high */
    LEAT_NODE_LIKE,
    LEAT_NODE_CASE, /* kids: [operand] (when, then)… [else] */
    LEAT_NODE_CAST,
    LEAT_NODE_CONVERT, /* INT to DOUBLE, put in by typing; not written */
    LEAT_NODE_CALL,
    LEAT_NODE_AGGREGATE,
};

enum leat_expr_operator {
    LEAT_OPERATOR_OR,
    LEAT_OPERATOR_AND,
    LEAT_OPERATOR_EQ,
    LEAT_OPERATOR_NE,
    LEAT_OPERATOR_LT,
    LEAT_OPERATOR_LE,
    LEAT_OPERATOR_GT,
    LEAT_OPERATOR_GE,
    LEAT_OPERATOR_CONCAT,
    LEAT_OPERATOR_ADD,
    LEAT_OPERATOR_SUB,
    LEAT_OPERATOR_MUL,
    LEAT_OPERATOR_DIV,
    LEAT_OPERATOR_IDIV,
    LEAT_OPERATOR_MOD,
};

/* How tightly an operator binds. */
enum leat_expr_level {
    LEAT_LEVEL_OR = 1,
    LEAT_LEVEL_AND,
    LEAT_LEVEL_NOT,
    LEAT_LEVEL_IS,
    LEAT_LEVEL_COMPARE,
    LEAT_LEVEL_IN, /* in, between, like */
    LEAT_LEVEL_CONCAT,
    LEAT_LEVEL_SUM,
    LEAT_LEVEL_PRODUCT,
    LEAT_LEVEL_NEGATE,
    LEAT_LEVEL_PRIMARY,
};

const char *leat_expr_operator_text(enum leat_expr_operator op);
enum leat_expr_level leat_expr_operator_level(enum leat_expr_operator op);

struct leat_expr_node;

/* One step of a path: a name, or what stands in brackets. */
struct leat_expr_step {
    struct leat_bytes name; /* data NULL: brackets */
    bool quoted;
    struct leat_expr_node *const *keys;
    size_t key_count;
    size_t at;
};

struct leat_expr_call_window {
    bool named;
    struct leat_expr_step name;
    const struct leat_expr_window *inlined;
};

struct leat_expr_aggregate_node {
    enum leat_aggregate_kind kind;
    bool star;
    struct leat_expr_step star_stream; /* name.data NULL: count(*) */
    struct leat_expr_node *argument;   /* NULL for the star */
    struct leat_expr_node *filter;     /* NULL: none */
    struct leat_expr_call_window window;
    const struct leat_expr_window *resolved; /* by typing */
    bool of_stream;                          /* by typing: not the input */
};

struct leat_expr_node {
    enum leat_expr_node_kind kind;
    enum leat_expr_operator op;
    enum leat_type type; /* by typing */
    bool negated;        /* is not, not in, not between, not like */
    bool has_operand, has_else;
    bool attempt;   /* try_cast */
    bool slot_is;   /* by typing: reads `slot` of the frame (names, aggregates) */
    bool constant;  /* by typing: no slot is read below */
    bool may_fail;  /* by typing: this node itself can give a reason */
    bool any_fails; /* by typing: this node or one below can */
    uint16_t height;
    uint16_t cost;      /* by typing: instructions of the subtree, about; at most 1000 */
    uint32_t start, at; /* the first byte of the subtree, and the place that names this node */
    struct leat_expr_node **kids;
    size_t kid_count;
    struct leat_value value; /* LITERAL, INTERVAL */
    size_t slot;
    const char *text; /* by the compiler, where may_fail: this node as it stands in a reason */
    union {
        struct {
            const struct leat_expr_step *steps;
            size_t step_count;
            size_t skip; /* by typing: 1 when the first step is the stream's name */
            bool of_stream;
        } name;
        struct {
            const struct leat_expr_function_help *function;
            const struct leat_expr_signature *signature; /* by typing; NULL for the special forms */
        } call;
        struct leat_expr_aggregate_node *aggregate;
    } as;
};

struct leat_expr_window {
    const struct leat_expr_source *source;
    struct leat_expr_node **keys; /* not typed; copied for each use */
    size_t key_count;
    int64_t range;
    size_t at;
};

/* The whole text as one expression. */
int leat_expr_parse(const struct leat_expr_source *source, struct leat_arena *arena, struct leat_expr_node **ret,
                    struct leat_error *err);
struct leat_expr_node *leat_expr_node_copy(const struct leat_expr_node *node, struct leat_arena *arena);

/* Appends the canonical spelling. Within a stream's own scope its name is left out (`bare`). */
void leat_expr_print(const struct leat_expr_node *node, bool bare, struct leat_buffer *out);
/* The path of steps [from, count) as scopes know it. */
void leat_expr_print_path(const struct leat_expr_step *steps, size_t from, size_t count, struct leat_buffer *out);
/* In an arena, cut to about `max` bytes. */
const char *leat_expr_node_text(const struct leat_expr_node *node, size_t max, struct leat_arena *arena);

/* Typing: fills in the node's types and slots for a scope. *node may be replaced by a conversion. */
struct leat_expr_typer {
    const struct leat_expr_scope *scope;
    const struct leat_expr_source *source;
    struct leat_arena *arena;
    struct leat_error *err;
    const struct leat_expr_scope *outer; /* within an aggregate: the scope around it, else NULL */
    size_t stream;                       /* within an aggregate */
    struct leat_bytes stream_name;       /* within an aggregate over a stream, else data NULL */
    bool window_key;                     /* within `partition by` */
};
int leat_expr_type_node(struct leat_expr_typer *typer, struct leat_expr_node *node);
/* Types, then converts to `want` (LEAT_TYPE_NULL: any). */
int leat_expr_type_root(struct leat_expr_typer *typer, struct leat_expr_node **node, enum leat_type want);
int leat_expr_type_aggregate(struct leat_expr_typer *typer, struct leat_expr_node *node);
int leat_expr_type_lookup(struct leat_expr_typer *typer, struct leat_expr_node *node);
/* "'amount' is a string", for messages. */
const char *leat_expr_describe(struct leat_expr_typer *typer, const struct leat_expr_node *node);
const char *leat_expr_quote(struct leat_expr_typer *typer, const struct leat_expr_node *node);
const char *leat_expr_nearest(const struct leat_expr_scope *scope, struct leat_bytes name); /* NULL: none is near */
const char *leat_expr_a_type(enum leat_type type);                                          /* "a string", "an int" */

/* A program from a typed tree. */
int leat_expr_compile_node(struct leat_expr_typer *typer, struct leat_expr_node *node, const struct leat_expr **ret);

#endif
