/* Aggregates and lookups: what an expression asks of the world around it. Their parts are compiled here and handed to
 * the scope, which answers with a slot. */
#include "expr/node.h"

#include <stdio.h>
#include <string.h>

static int fail(struct leat_expr_typer *t, size_t at, const char *sentence)
{
    return leat_expr_fail(t->source, at, t->err, "%s", sentence);
}

static const char *what(const struct leat_expr_scope *scope)
{
    return scope->what ? scope->what : "this expression";
}

/* ---- whose columns an aggregate names ---- */

struct survey {
    struct leat_expr_typer *typer;
    size_t stream; /* 0 until a stream is named */
    struct leat_bytes name;
};

static int note_stream(struct survey *survey, struct leat_bytes name, size_t at)
{
    const struct leat_expr_scope *scope = survey->typer->scope;
    size_t stream;

    if (!scope->is_stream || !scope->is_stream(scope->self, name, &stream) || stream == 0)
        return 0;
    if (survey->stream != 0 && survey->stream != stream)
        return leat_expr_fail(survey->typer->source, at, survey->typer->err,
                              "an aggregate looks at one stream, and this one names '%.*s' and '%.*s'",
                              LEAT_BYTES_FORMAT(survey->name), LEAT_BYTES_FORMAT(name));
    survey->stream = stream;
    survey->name = name;
    return 0;
}

static int survey_node(struct survey *survey, const struct leat_expr_node *node)
{
    if (!node)
        return 0;
    if (node->kind == LEAT_NODE_AGGREGATE)
        return fail(survey->typer, node->start, "an aggregate can not stand inside another");
    if (node->kind == LEAT_NODE_NAME && node->as.name.step_count > 1 && node->as.name.steps[1].name.data &&
        note_stream(survey, node->as.name.steps[0].name, node->start))
        return -1;
    for (size_t i = 0; i < node->kid_count; i++) {
        if (survey_node(survey, node->kids[i]))
            return -1;
    }
    return 0;
}

static int survey_star(struct survey *survey, const struct leat_expr_step *star)
{
    const struct leat_expr_scope *scope = survey->typer->scope;
    const char *near;
    size_t stream;

    if (!star->name.data)
        return 0;
    if (scope->is_stream && scope->is_stream(scope->self, star->name, &stream))
        return note_stream(survey, star->name, star->at);
    near = leat_expr_nearest(scope, star->name);
    if (near)
        return leat_expr_fail(survey->typer->source, star->at, survey->typer->err,
                              "there is no stream '%.*s'; the nearest name is '%s'", LEAT_BYTES_FORMAT(star->name),
                              near);
    return leat_expr_fail(survey->typer->source, star->at, survey->typer->err, "there is no stream '%.*s'",
                          LEAT_BYTES_FORMAT(star->name));
}

/* ---- types ---- */

static int wrong_value(struct leat_expr_typer *t, const struct leat_expr_node *node, const char *takes)
{
    const struct leat_expr_node *argument = node->as.aggregate->argument;
    return leat_expr_fail(t->source, argument->start, t->err, "%s, and %s takes %s", leat_expr_describe(t, argument),
                          leat_aggregate_name(node->as.aggregate->kind), takes);
}

static int aggregate_type(struct leat_expr_typer *t, const struct leat_expr_node *node, enum leat_type *ret)
{
    const struct leat_expr_node *argument = node->as.aggregate->argument;
    enum leat_type type = argument ? argument->type : LEAT_TYPE_NULL;
    bool number = type == LEAT_TYPE_INT || type == LEAT_TYPE_DOUBLE;

    if (argument && type == LEAT_TYPE_NULL)
        return wrong_value(t, node, "a value that has a type");
    *ret = type;
    switch (node->as.aggregate->kind) {
    case LEAT_AGGREGATE_COUNT:
        *ret = LEAT_TYPE_INT;
        return 0;
    case LEAT_AGGREGATE_SUM:
        *ret = type == LEAT_TYPE_BOOL ? LEAT_TYPE_INT : type;
        return number || type == LEAT_TYPE_BOOL ? 0 : wrong_value(t, node, "a number or a bool");
    case LEAT_AGGREGATE_AVG:
        *ret = LEAT_TYPE_DOUBLE;
        return number || type == LEAT_TYPE_BOOL ? 0 : wrong_value(t, node, "a number or a bool");
    case LEAT_AGGREGATE_MIN:
    case LEAT_AGGREGATE_MAX:
        return number || type == LEAT_TYPE_TIME ? 0 : wrong_value(t, node, "a number or a time");
    case LEAT_AGGREGATE_STDDEV:
    case LEAT_AGGREGATE_VAR:
        *ret = LEAT_TYPE_DOUBLE;
        return number ? 0 : wrong_value(t, node, "a number");
    case LEAT_AGGREGATE_FIRST:
    case LEAT_AGGREGATE_LAST:
    case LEAT_AGGREGATE_LAG:
        return 0;
    }
    return 0;
}

/* ---- windows ---- */

static const struct leat_expr_window *find_window(struct leat_expr_typer *t, const struct leat_expr_call_window *window)
{
    struct leat_bytes name = window->name.name;
    const struct leat_expr_window *found;
    const char *near;

    if (!window->named)
        return window->inlined;
    found = t->scope->window ? t->scope->window(t->scope->self, name) : NULL;
    if (found)
        return found;
    near = leat_expr_nearest(t->scope, name);
    if (near)
        leat_expr_fail(t->source, window->name.at, t->err, "there is no window '%.*s'; the nearest name is '%s'",
                       LEAT_BYTES_FORMAT(name), near);
    else
        leat_expr_fail(
            t->source, window->name.at, t->err,
            "there is no window '%.*s'; one can also be written here: over (partition by … range 1h preceding)",
            LEAT_BYTES_FORMAT(name));
    return NULL;
}

static int compile_key(struct leat_expr_typer *t, const struct leat_expr_window *window, size_t i, size_t stream,
                       const struct leat_expr **ret)
{
    struct leat_expr_node *key = leat_expr_node_copy(window->keys[i], t->arena);
    struct leat_expr_typer sub = {
        .scope = t->scope->stream_scope(t->scope->self, stream),
        .source = window->source,
        .arena = t->arena,
        .err = t->err,
        .outer = t->scope,
        .window_key = true,
    };
    return leat_expr_type_root(&sub, &key, LEAT_TYPE_NULL) ? -1 : leat_expr_compile_node(&sub, key, ret);
}

static int compile_keys(struct leat_expr_typer *t, const struct leat_expr_window *window,
                        struct leat_expr_aggregate *aggregate)
{
    const struct leat_expr **of_stream = leat_arena_zalloc(t->arena, window->key_count, sizeof *of_stream);
    const struct leat_expr **of_input = leat_arena_zalloc(t->arena, window->key_count, sizeof *of_input);

    for (size_t i = 0; i < window->key_count; i++) {
        if (compile_key(t, window, i, aggregate->stream, &of_stream[i]) || compile_key(t, window, i, 0, &of_input[i]))
            return -1;
        if (leat_expr_type(of_stream[i]) == leat_expr_type(of_input[i]))
            continue;
        return leat_expr_fail(window->source, window->keys[i]->start, t->err,
                              "'%s' is %s in the input and %s in %s: a window's key must be of one type",
                              leat_expr_text(of_input[i]), leat_expr_a_type(leat_expr_type(of_input[i])),
                              leat_expr_a_type(leat_expr_type(of_stream[i])),
                              what(t->scope->stream_scope(t->scope->self, aggregate->stream)));
    }
    aggregate->stream_key = of_stream;
    aggregate->input_key = of_input;
    aggregate->key_count = window->key_count;
    return 0;
}

/* An error within a named window is told at the window; this adds who looks through it. */
static int add_user(struct leat_expr_typer *t, const struct leat_expr_node *node)
{
    size_t used;

    if (!t->err || !node->as.aggregate->window.named)
        return -1;
    used = strlen(t->err->text);
    snprintf(t->err->text + used, sizeof t->err->text - used, "\n  in a window that %s looks through",
             leat_expr_quote(t, node));
    return -1;
}

/* ---- aggregates ---- */

static int compile_part(struct leat_expr_typer *sub, struct leat_expr_node **node, enum leat_type want,
                        const struct leat_expr **ret)
{
    if (!*node)
        return 0;
    return leat_expr_type_root(sub, node, want) ? -1 : leat_expr_compile_node(sub, *node, ret);
}

int leat_expr_type_aggregate(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    struct leat_expr_aggregate_node *tree = node->as.aggregate;
    struct leat_expr_aggregate *aggregate = leat_arena_zalloc(t->arena, 1, sizeof *aggregate);
    struct survey survey = {.typer = t};
    struct leat_error reason = {0};
    struct leat_expr_typer sub = *t;
    const struct leat_expr_window *window;

    if (t->outer)
        return fail(t, node->start,
                    t->window_key ? "a window's key can not be an aggregate"
                                  : "an aggregate can not stand inside another");
    if (!t->scope->aggregate)
        return leat_expr_fail(t->source, node->start, t->err, "an aggregate can not be used in %s", what(t->scope));
    if (survey_star(&survey, &tree->star_stream) || survey_node(&survey, tree->argument) ||
        survey_node(&survey, tree->filter))
        return -1;

    sub.outer = t->scope;
    sub.scope = t->scope->stream_scope(t->scope->self, survey.stream);
    sub.stream = survey.stream;
    sub.stream_name = survey.name;
    tree->of_stream = survey.stream != 0;
    aggregate->kind = tree->kind;
    aggregate->stream = survey.stream;
    if (compile_part(&sub, &tree->argument, LEAT_TYPE_NULL, &aggregate->argument) ||
        compile_part(&sub, &tree->filter, LEAT_TYPE_BOOL, &aggregate->filter) ||
        aggregate_type(&sub, node, &aggregate->type))
        return -1;

    window = find_window(t, &tree->window);
    if (!window)
        return -1;
    if (compile_keys(t, window, aggregate))
        return add_user(t, node);
    aggregate->range = window->range;
    tree->resolved = window;
    node->slot_is = true;
    node->type = aggregate->type;
    if (t->scope->aggregate(t->scope->self, aggregate, &node->slot, &reason))
        return fail(t, node->start, reason.text[0] ? reason.text : "this aggregate can not be computed");
    return 0;
}

/* ---- lookups ---- */

int leat_expr_type_lookup(struct leat_expr_typer *t, struct leat_expr_node *node)
{
    const struct leat_expr_step *steps = node->as.name.steps;
    size_t count = node->as.name.step_count;
    LEAT_CLEAN_BUFFER path = {0};
    struct leat_error reason = {0};
    const struct leat_expr **keys;

    if (t->outer)
        return fail(t, node->start,
                    t->window_key ? "a window's key can not be looked up in a table"
                                  : "a table can not be looked up inside an aggregate");
    if (!t->scope->lookup)
        return leat_expr_fail(t->source, node->start, t->err, "a table can not be used in %s", what(t->scope));
    if (count < 3 || !steps[2].name.data)
        return leat_expr_fail(t->source, node->start, t->err, "which column of the row? Write %s.column",
                              leat_expr_node_text(node, 60, t->arena));
    for (size_t i = 3; i < count; i++) {
        const struct leat_expr_node *key = steps[i].name.data ? NULL : steps[i].keys[0];
        if (key && (steps[i].key_count != 1 || key->kind != LEAT_NODE_LITERAL || key->type != LEAT_TYPE_INT ||
                    key->value.as.i < 0 || key->value.as.i > UINT32_MAX))
            return fail(t, steps[i].at, "of a list the brackets take a number: [0]");
    }
    keys = leat_arena_zalloc(t->arena, steps[1].key_count, sizeof *keys);
    for (size_t i = 0; i < steps[1].key_count; i++) {
        struct leat_expr_node *key = steps[1].keys[i];
        if (leat_expr_type_root(t, &key, LEAT_TYPE_NULL) || leat_expr_compile_node(t, key, &keys[i]))
            return -1;
    }
    leat_expr_print_path(steps, 2, count, &path);
    node->slot_is = true;
    if (t->scope->lookup(t->scope->self, steps[0].name, keys, steps[1].key_count,
                         leat_arena_bytes(t->arena, leat_buffer_view(&path)), &node->slot, &node->type, &reason))
        return fail(t, node->start, reason.text[0] ? reason.text : "this row can not be looked up");
    return 0;
}
