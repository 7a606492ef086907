/* The canonical spelling: lower-case keywords, one space, parentheses only where they are needed. It reads back to the
 * same expression. Windows are written out, so that two expressions that read the same mean the same. */
#include "expr/node.h"
#include "expr/scan.h"

#include "base/json.h"
#include "base/time.h"

#include <string.h>

struct printer {
    struct leat_buffer *out;
    bool bare;
};

static void print(const struct printer *p, const struct leat_expr_node *node, enum leat_expr_level least);

static void put(const struct printer *p, const char *text)
{
    leat_buffer_append_text(p->out, text);
}

static void put_quoted(struct leat_buffer *out, struct leat_bytes text, char quote)
{
    leat_buffer_append_char(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == quote)
            leat_buffer_append_char(out, quote);
        leat_buffer_append_char(out, text.data[i]);
    }
    leat_buffer_append_char(out, quote);
}

static void put_name(struct leat_buffer *out, struct leat_bytes name)
{
    if (leat_expr_plain_name(name))
        leat_buffer_append(out, name.data, name.len);
    else
        put_quoted(out, name, '"');
}

static enum leat_expr_level level_of(const struct leat_expr_node *node)
{
    switch (node->kind) {
    case LEAT_NODE_LITERAL:
        if (node->type == LEAT_TYPE_INT && node->value.as.i < 0)
            return LEAT_LEVEL_NEGATE;
        if (node->type == LEAT_TYPE_DOUBLE && __builtin_signbit(node->value.as.d))
            return LEAT_LEVEL_NEGATE;
        return LEAT_LEVEL_PRIMARY;
    case LEAT_NODE_NEGATE:
        return LEAT_LEVEL_NEGATE;
    case LEAT_NODE_NOT:
        return LEAT_LEVEL_NOT;
    case LEAT_NODE_BINARY:
        return leat_expr_operator_level(node->op);
    case LEAT_NODE_IS_NULL:
        return LEAT_LEVEL_IS;
    case LEAT_NODE_IN:
    case LEAT_NODE_BETWEEN:
    case LEAT_NODE_LIKE:
        return LEAT_LEVEL_IN;
    case LEAT_NODE_CONVERT:
        return level_of(node->kids[0]);
    default:
        return LEAT_LEVEL_PRIMARY;
    }
}

static void print_double(const struct printer *p, double number)
{
    char text[32];
    leat_double_format(number, text);
    put(p, text);
    if (!strpbrk(text, ".eE"))
        put(p, ".0");
}

static void print_literal(const struct printer *p, const struct leat_expr_node *node)
{
    char text[32];

    if (node->value.null) {
        put(p, "null");
        return;
    }
    switch (node->type) {
    case LEAT_TYPE_NULL:
        put(p, "null");
        return;
    case LEAT_TYPE_BOOL:
        put(p, node->value.as.i ? "true" : "false");
        return;
    case LEAT_TYPE_INT:
        leat_buffer_format(p->out, "%lld", (long long)node->value.as.i);
        return;
    case LEAT_TYPE_DOUBLE:
        print_double(p, node->value.as.d);
        return;
    case LEAT_TYPE_STRING:
        put_quoted(p->out, leat_value_bytes(node->value), '\'');
        return;
    case LEAT_TYPE_TIME:
        leat_time_format(node->value.as.i, text);
        leat_buffer_format(p->out, "timestamp '%s'", text);
        return;
    }
}

static void print_list(const struct printer *p, struct leat_expr_node *const *kids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(p, ", ");
        print(p, kids[i], LEAT_LEVEL_OR);
    }
}

static void print_steps(const struct printer *p, const struct leat_expr_step *steps, size_t from, size_t count)
{
    for (size_t i = from; i < count; i++) {
        if (steps[i].name.data) {
            if (i > from)
                put(p, ".");
            put_name(p->out, steps[i].name);
        } else {
            put(p, "[");
            print_list(p, steps[i].keys, steps[i].key_count);
            put(p, "]");
        }
    }
}

static void print_name(const struct printer *p, const struct leat_expr_node *node)
{
    size_t from = node->as.name.skip;
    /* The input's own name is left out everywhere, a stream's in its own scope. */
    if (from > 0 && node->as.name.of_stream && !p->bare)
        from = 0;
    print_steps(p, node->as.name.steps, from, node->as.name.step_count);
}

static void print_binary(const struct printer *p, const struct leat_expr_node *node)
{
    enum leat_expr_level level = leat_expr_operator_level(node->op);
    enum leat_expr_level above = (enum leat_expr_level)(level + 1);

    print(p, node->kids[0], level == LEAT_LEVEL_COMPARE ? above : level);
    put(p, " ");
    put(p, leat_expr_operator_text(node->op));
    put(p, " ");
    print(p, node->kids[1], above);
}

/* "--" would begin a comment. */
static void print_negation(const struct printer *p, const struct leat_expr_node *node)
{
    put(p, "-");
    print(p, node->kids[0], LEAT_LEVEL_PRIMARY);
}

static void print_case(const struct printer *p, const struct leat_expr_node *node)
{
    size_t i = 0;

    put(p, "case");
    if (node->has_operand) {
        put(p, " ");
        print(p, node->kids[i++], LEAT_LEVEL_OR);
    }
    for (; i + 1 < node->kid_count; i += 2) {
        put(p, " when ");
        print(p, node->kids[i], LEAT_LEVEL_OR);
        put(p, " then ");
        print(p, node->kids[i + 1], LEAT_LEVEL_OR);
    }
    if (node->has_else) {
        put(p, " else ");
        print(p, node->kids[i], LEAT_LEVEL_OR);
    }
    put(p, " end");
}

static void print_cast(const struct printer *p, const struct leat_expr_node *node)
{
    put(p, node->attempt ? "try_cast(" : "cast(");
    print(p, node->kids[0], LEAT_LEVEL_OR);
    put(p, " as ");
    put(p, node->type == LEAT_TYPE_TIME ? "timestamp" : leat_type_name(node->type));
    put(p, ")");
}

static void print_window(const struct printer *p, const struct leat_expr_window *window)
{
    /* The keys are written as the window has them, whatever stream looks through it. */
    struct printer plain = {.out = p->out, .bare = true};
    char duration[32];

    put(p, "(");
    if (window->key_count > 0) {
        put(p, "partition by ");
        print_list(&plain, window->keys, window->key_count);
    }
    if (window->range != LEAT_RANGE_NONE) {
        leat_duration_format(window->range, duration);
        leat_buffer_format(p->out, "%srange %s preceding", window->key_count > 0 ? " " : "", duration);
    }
    put(p, ")");
}

static void print_aggregate(const struct printer *p, const struct leat_expr_aggregate_node *aggregate)
{
    put(p, leat_aggregate_name(aggregate->kind));
    put(p, "(");
    if (!aggregate->star) {
        print(p, aggregate->argument, LEAT_LEVEL_OR);
    } else {
        if (aggregate->star_stream.name.data && (aggregate->of_stream || !aggregate->resolved)) {
            put_name(p->out, aggregate->star_stream.name);
            put(p, ".");
        }
        put(p, "*");
    }
    put(p, ")");
    if (aggregate->filter) {
        put(p, " filter (where ");
        print(p, aggregate->filter, LEAT_LEVEL_OR);
        put(p, ")");
    }
    put(p, " over ");
    if (aggregate->resolved)
        print_window(p, aggregate->resolved);
    else if (aggregate->window.named)
        put_name(p->out, aggregate->window.name.name);
    else
        print_window(p, aggregate->window.inlined);
}

static void print_node(const struct printer *p, const struct leat_expr_node *node)
{
    switch (node->kind) {
    case LEAT_NODE_LITERAL:
        print_literal(p, node);
        return;
    case LEAT_NODE_INTERVAL: {
        char text[32];
        leat_duration_format(node->value.as.i, text);
        leat_buffer_format(p->out, "interval '%s'", text);
        return;
    }
    case LEAT_NODE_NAME:
        print_name(p, node);
        return;
    case LEAT_NODE_NEGATE:
        print_negation(p, node);
        return;
    case LEAT_NODE_NOT:
        put(p, "not ");
        print(p, node->kids[0], LEAT_LEVEL_NOT);
        return;
    case LEAT_NODE_BINARY:
        print_binary(p, node);
        return;
    case LEAT_NODE_IS_NULL:
        print(p, node->kids[0], LEAT_LEVEL_IS);
        put(p, node->negated ? " is not null" : " is null");
        return;
    case LEAT_NODE_IN:
        print(p, node->kids[0], LEAT_LEVEL_IN);
        put(p, node->negated ? " not in (" : " in (");
        print_list(p, node->kids + 1, node->kid_count - 1);
        put(p, ")");
        return;
    case LEAT_NODE_BETWEEN:
        print(p, node->kids[0], LEAT_LEVEL_IN);
        put(p, node->negated ? " not between " : " between ");
        print(p, node->kids[1], LEAT_LEVEL_CONCAT);
        put(p, " and ");
        print(p, node->kids[2], LEAT_LEVEL_CONCAT);
        return;
    case LEAT_NODE_LIKE:
        print(p, node->kids[0], LEAT_LEVEL_IN);
        put(p, node->negated ? " not like " : " like ");
        print(p, node->kids[1], LEAT_LEVEL_CONCAT);
        return;
    case LEAT_NODE_CASE:
        print_case(p, node);
        return;
    case LEAT_NODE_CAST:
        print_cast(p, node);
        return;
    case LEAT_NODE_CONVERT:
        print_node(p, node->kids[0]);
        return;
    case LEAT_NODE_CALL:
        put(p, node->as.call.function->name);
        put(p, "(");
        print_list(p, node->kids, node->kid_count);
        put(p, ")");
        return;
    case LEAT_NODE_AGGREGATE:
        print_aggregate(p, node->as.aggregate);
        return;
    }
}

static void print(const struct printer *p, const struct leat_expr_node *node, enum leat_expr_level least)
{
    bool parentheses = level_of(node) < least;

    if (p->out->failed)
        return;
    if (parentheses)
        put(p, "(");
    print_node(p, node);
    if (parentheses)
        put(p, ")");
}

void leat_expr_print(const struct leat_expr_node *node, bool bare, struct leat_buffer *out)
{
    struct printer p = {.out = out, .bare = bare};
    print(&p, node, LEAT_LEVEL_OR);
}

/* A name is quoted only where it would not read as one step. */
static void put_step(struct leat_buffer *out, struct leat_bytes name)
{
    bool plain = name.len > 0;
    for (size_t i = 0; i < name.len; i++)
        plain = plain && name.data[i] != '.' && name.data[i] != '[' && name.data[i] != ']' && name.data[i] != '"';
    if (plain)
        leat_buffer_append(out, name.data, name.len);
    else
        put_quoted(out, name, '"');
}

void leat_expr_print_path(const struct leat_expr_step *steps, size_t from, size_t count, struct leat_buffer *out)
{
    for (size_t i = from; i < count; i++) {
        if (!steps[i].name.data) {
            leat_buffer_append_char(out, '[');
            leat_expr_print(steps[i].keys[0], false, out);
            leat_buffer_append_char(out, ']');
            continue;
        }
        if (i > from)
            leat_buffer_append_char(out, '.');
        put_step(out, steps[i].name);
    }
}

const char *leat_expr_node_text(const struct leat_expr_node *node, size_t max, struct leat_arena *arena)
{
    LEAT_CLEAN_BUFFER out = {.max = max};
    struct leat_bytes view;

    leat_expr_print(node, false, &out);
    view = leat_buffer_view(&out);
    while (out.failed && view.len > 0 && ((unsigned char)view.data[view.len - 1] & 0x80))
        view.len--;
    return leat_arena_format(arena, "%.*s%s", LEAT_BYTES_FORMAT(view), out.failed ? "…" : "");
}
