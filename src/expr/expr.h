/* The expression language: a small, typed, side-effect-free subset of SQL.
 *
 *   text → scan → parse (tree) → type → flat program → evaluate
 *
 * An expression is compiled once against a scope, which says what names stand for. All that it reads at run time is one
 * array of values, the frame: columns of the event, results of aggregates and of table lookups are numbered slots of it
 * that the scope hands out. So this module knows nothing of state: when it meets an aggregate or a lookup it hands the
 * compiled parts to the scope, which answers with a slot.
 *
 * Semantics (docs/reference/expressions.md): types are checked at load. null follows SQL. INT is taken for DOUBLE where
 * one side is DOUBLE; `/` always gives DOUBLE, `div` and `%` are for INT. Division by zero, a logarithm or root outside
 * its domain, and any result that is not finite are null (a missing feature), for an event must not be lost for them;
 * INT overflow, a time that leaves the years 1 to 9999, a text of more than 1 MiB that || or replace would make and a
 * `cast` that fails are reasons of stage FEATURE; `try_cast` gives null. Comparison of text is bytewise. What SQL need
 * not evaluate (the side of and, or, case, coalesce, in, between that does not count) gives no reason; evaluation goes
 * from left to right. What is constant and always fails is an error when it is compiled. */
#ifndef LEAT_EXPR_EXPR_H
#define LEAT_EXPR_EXPR_H

#include "base/arena.h"
#include "base/error.h"
#include "event/reason.h"
#include "event/value.h"

#include <stdbool.h>

enum leat_aggregate_kind {
    LEAT_AGGREGATE_COUNT, /* count(*), count(s.*): events; count(x): events with x not null. INT, never null */
    LEAT_AGGREGATE_SUM,   /* of BOOL and INT: INT; of DOUBLE: DOUBLE. null when there is no value */
    LEAT_AGGREGATE_AVG,   /* DOUBLE; of BOOL: the share that is true */
    LEAT_AGGREGATE_MIN,   /* INT, DOUBLE, TIME */
    LEAT_AGGREGATE_MAX,
    LEAT_AGGREGATE_STDDEV, /* of the sample; null below two values */
    LEAT_AGGREGATE_VAR,
    LEAT_AGGREGATE_FIRST, /* by (time, order of arrival); any type; nulls count as values */
    LEAT_AGGREGATE_LAST,
    LEAT_AGGREGATE_LAG, /* the latest before the newest event of the window */
};
#define LEAT_AGGREGATE_KINDS 10
const char *leat_aggregate_name(enum leat_aggregate_kind kind);

#define LEAT_RANGE_NONE INT64_C(-1)
#define LEAT_EXPR_TEXT_MAX 8192 /* bytes of one expression */
#define LEAT_EXPR_DEPTH_MAX 100 /* of nesting: parentheses, calls, brackets, prefix operators */

struct leat_expr; /* compiled; immutable; lives in the arena that it was compiled into */

/* Where the text stands, for messages: the position of its first byte. Errors read
 *   fn.yaml:23:15: 'amount' is a string, and ln takes a number
 *     ln(1 + amount)
 *            ^ */
struct leat_expr_place {
    const char *file;
    int line, column; /* from 1 */
    int indent;       /* characters that its further lines have lost, as those of a YAML block have */
};

/* What is to be remembered for one aggregate. Expressions with `stream_` are over the frame of that stream's own event
 * (its scope); `input_key` is over the frame of the input event. All live in the arena of the expression. */
struct leat_expr_aggregate {
    enum leat_aggregate_kind kind;
    size_t stream;                             /* 0 is the input; others as the scope numbers them */
    const struct leat_expr *argument;          /* NULL for count(*) */
    const struct leat_expr *filter;            /* NULL: none; BOOL; null is not counted in */
    const struct leat_expr *const *stream_key; /* `partition by`, evaluated on the stream's event */
    const struct leat_expr *const *input_key;  /* the same names, evaluated on the input event that asks */
    size_t key_count;                          /* 0: one window for all events */
    int64_t range;                             /* µs, or LEAT_RANGE_NONE */
    enum leat_type type;                       /* of the result */
};

/* A window as written: `partition by a, b range 1h preceding`; both parts may be absent. */
struct leat_expr_window;
int leat_expr_window_parse(struct leat_expr_place place, struct leat_bytes text, struct leat_arena *arena,
                           const struct leat_expr_window **ret, struct leat_error *err);

/* What names stand for. A callback that is NULL means: none of that kind here (the error then says "… can not be used
 * in <what>"). Callbacks return 0, or -1 with a sentence (no place: it is added). */
struct leat_expr_scope {
    void *self;
    const char *what; /* "features", "the output", "the filter of stream 'x'": for messages */
    /* A column by path ("amount", "a.b[0]"; a name that holds a point, a bracket or a quote stands in double quotes). -1
     * without a text in *err: unknown; the error then offers the nearest of `names`. */
    int (*column)(void *self, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type,
                  struct leat_error *err);
    const char *const *(*names)(void *self, size_t *ret_count); /* all that may have been meant: columns, streams, … */
    const char *named_list; /* a column whose brackets may hold a text, too: name['a']; NULL: none */
    bool (*is_stream)(void *self, struct leat_bytes name, size_t *ret_stream);
    const struct leat_expr_scope *(*stream_scope)(void *self, size_t stream); /* 0 is the input; columns only */
    bool (*is_table)(void *self, struct leat_bytes name);
    const struct leat_expr_window *(*window)(void *self, struct leat_bytes name); /* NULL: unknown */
    int (*aggregate)(void *self, const struct leat_expr_aggregate *aggregate, size_t *ret_slot, struct leat_error *err);
    /* `name[keys].column`: keys are over this scope's frame. The scope checks their types. What a key itself looks up or
     * aggregates was handed over before, so slots that are filled in order are filled in time. */
    int (*lookup)(void *self, struct leat_bytes table, const struct leat_expr *const *keys, size_t key_count,
                  struct leat_bytes column, size_t *ret_slot, enum leat_type *ret_type, struct leat_error *err);
};

/* Compiles. `want` is the type that is needed, LEAT_TYPE_NULL for any (INT is converted where DOUBLE is wanted). */
int leat_expr_compile(const struct leat_expr_scope *scope, struct leat_expr_place place, struct leat_bytes text,
                      enum leat_type want, struct leat_arena *arena, const struct leat_expr **ret,
                      struct leat_error *err);

enum leat_type leat_expr_type(const struct leat_expr *expr);
/* The expression in one canonical spelling (names, parentheses, spaces), which reads back to itself: two that are the
 * same read the same. Windows are written out; a stream's name is left out of the parts of an aggregate over it. */
const char *leat_expr_text(const struct leat_expr *expr);
/* When the expression is one plain slot (a column, a lookup): true and the slot. Lets a caller skip evaluation. */
bool leat_expr_is_slot(const struct leat_expr *expr, size_t *ret_slot);
size_t leat_expr_registers(const struct leat_expr *expr);
/* Does it read a slot of [from, to)? (The keys of its lookups are expressions of their own.) */
bool leat_expr_reads(const struct leat_expr *expr, size_t from, size_t to);

/* What evaluation works in; one per thread, all-zero at first. Text that is made goes to `text`, whose owner resets it. */
struct leat_expr_scratch {
    struct leat_value *registers;
    size_t register_count;
    struct leat_arena *text;
};
/* Room for all expressions that will be evaluated with it. */
void leat_expr_scratch_reserve(struct leat_expr_scratch *scratch, size_t registers);
void leat_expr_scratch_done(struct leat_expr_scratch *scratch);

/* 0 and *ret; or -1 and *reason (stage FEATURE). No allocation but text in the arena. In the frame a value's `null` is 0
 * or 1, `as` is 0 where it is null, and a DOUBLE is finite; so it is in *ret. */
int leat_expr_eval(const struct leat_expr *expr, const struct leat_value *frame, struct leat_expr_scratch *scratch,
                   struct leat_value *ret, struct leat_reason *reason);
/* The plain twin: walks the typed tree. Same results, bit for bit. For tests. */
int leat_expr_eval_tree(const struct leat_expr *expr, const struct leat_value *frame, struct leat_arena *text,
                        struct leat_value *ret, struct leat_reason *reason);

/* The table of scalar functions, for --help and the reference page. */
struct leat_expr_signature;
struct leat_expr_function_help {
    const char *name, *arguments, *result, *summary, *example;
    int form;                                     /* what follows is for this module */
    const struct leat_expr_signature *signatures; /* ends with one without types */
};
const struct leat_expr_function_help *leat_expr_functions(size_t *ret_count);
/* Likewise of the aggregates. */
const struct leat_expr_function_help *leat_expr_aggregates(size_t *ret_count);

#endif
