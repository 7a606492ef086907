/* The parser: precedence climbing over the scanner's tokens, two of which are in sight. It knows words, shapes and the
 * names of functions; what columns, streams, tables and windows there are is the business of typing.
 *
 * From loose to tight: or, and, not, is, comparisons (which do not chain), in/between/like, ||, + -, * / % div, unary
 * minus, as in PostgreSQL. */
#include "expr/node.h"
#include "expr/scan.h"

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"

#include <string.h>

struct parser {
    const struct leat_expr_source *source;
    struct leat_arena *arena;
    struct leat_error *err;
    struct leat_expr_scanner scanner;
    struct leat_expr_token token, next;
    int depth;
};

struct list {
    struct leat_expr_node **items;
    size_t count, capacity;
};

static struct leat_expr_node *parse_level(struct parser *p, enum leat_expr_level level);

static struct leat_expr_node *parse_any(struct parser *p)
{
    return parse_level(p, LEAT_LEVEL_OR);
}

static void advance(struct parser *p)
{
    p->token = p->next;
    p->next = leat_expr_scan(&p->scanner);
}

/* What stands at the current token, for messages. */
static const char *met(struct parser *p)
{
    struct leat_bytes source = p->source->text;
    size_t len = p->token.end - p->token.at;

    if (p->token.kind == LEAT_TOKEN_END)
        return "the text ends";
    if (len > 40)
        len = 40;
    while (len > 0 && p->token.at + len < source.len && ((unsigned char)source.data[p->token.at + len] & 0xC0) == 0x80)
        len--;
    if (p->token.kind == LEAT_TOKEN_STRING)
        return leat_arena_format(p->arena, "%.*s%s was met", (int)len, source.data + p->token.at,
                                 len < p->token.end - p->token.at ? "…" : "");
    return leat_arena_format(p->arena, "'%.*s' was met", (int)len, source.data + p->token.at);
}

static void *expected(struct parser *p, const char *what)
{
    if (p->token.kind == LEAT_TOKEN_ERROR)
        leat_expr_fail(p->source, p->token.at, p->err, "%.*s", LEAT_BYTES_FORMAT(p->token.text));
    else
        leat_expr_fail(p->source, p->token.at, p->err, "%s was expected, and %s", what, met(p));
    return NULL;
}

static void *fail_at(struct parser *p, size_t at, const char *sentence)
{
    leat_expr_fail(p->source, at, p->err, "%s", sentence);
    return NULL;
}

/* The same for those that answer with a truth. */
static bool missing(struct parser *p, const char *what)
{
    return expected(p, what) != NULL;
}

static bool wrong(struct parser *p, size_t at, const char *sentence)
{
    return fail_at(p, at, sentence) != NULL;
}

static bool is_word(const struct parser *p, const char *word)
{
    return leat_expr_token_is(&p->token, word);
}

static bool take(struct parser *p, enum leat_expr_token_kind kind)
{
    if (p->token.kind != kind)
        return false;
    advance(p);
    return true;
}

static bool take_word(struct parser *p, const char *word)
{
    if (!is_word(p, word))
        return false;
    advance(p);
    return true;
}

static struct leat_expr_node *node_new(struct parser *p, enum leat_expr_node_kind kind, size_t start, size_t at)
{
    struct leat_expr_node *node = leat_arena_zalloc(p->arena, 1, sizeof *node);
    node->kind = kind;
    node->start = (uint32_t)start;
    node->at = (uint32_t)at;
    node->height = 1;
    return node;
}

/* Takes note of a kid's height; NULL when the tree is too high. */
static struct leat_expr_node *grow(struct parser *p, struct leat_expr_node *node, const struct leat_expr_node *kid)
{
    if (kid && kid->height >= node->height)
        node->height = (uint16_t)(kid->height + 1);
    if (node->height > LEAT_EXPR_HEIGHT_MAX)
        return fail_at(p, node->at,
                       "the expression is too long here: no more than 1000 operations can hang together; split it");
    return node;
}

static struct leat_expr_node *with_kids(struct parser *p, struct leat_expr_node *node,
                                        struct leat_expr_node *const *kids, size_t count)
{
    node->kids = leat_arena_zalloc(p->arena, count, sizeof *node->kids);
    node->kid_count = count;
    for (size_t i = 0; i < count; i++) {
        node->kids[i] = kids[i];
        if (!grow(p, node, kids[i]))
            return NULL;
    }
    return node;
}

static void append(struct parser *p, struct list *list, struct leat_expr_node *node)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        struct leat_expr_node **items = leat_arena_zalloc(p->arena, capacity, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = node;
}

/* Nesting: parentheses, calls, brackets, prefix operators. */
static bool enter(struct parser *p)
{
    if (p->depth >= LEAT_EXPR_DEPTH_MAX) {
        leat_expr_fail(p->source, p->token.at, p->err, "the expression is nested deeper than %d levels",
                       LEAT_EXPR_DEPTH_MAX);
        return false;
    }
    p->depth++;
    return true;
}

/* What follows up to `close`, as one list of at least one expression. */
static bool parse_list(struct parser *p, struct list *list, enum leat_expr_token_kind close, const char *fits)
{
    if (!enter(p))
        return false;
    do {
        struct leat_expr_node *item = parse_any(p);
        if (!item)
            return false;
        append(p, list, item);
    } while (take(p, LEAT_TOKEN_COMMA));
    p->depth--;
    if (!take(p, close)) {
        expected(p, fits);
        return false;
    }
    return true;
}

/* ---- literals ---- */

static struct leat_expr_node *literal(struct parser *p, size_t at, enum leat_type type, struct leat_value value)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_LITERAL, at, at);
    node->type = type;
    node->value = value;
    return node;
}

static struct leat_expr_node *parse_number(struct parser *p, size_t start, bool negative)
{
    struct leat_expr_token token = p->token;
    char *text = leat_arena_format(p->arena, "%s%.*s", negative ? "-" : "", LEAT_BYTES_FORMAT(token.text));
    int64_t integer;
    double number;

    if (token.kind == LEAT_TOKEN_INT) {
        if (leat_int_parse(leat_bytes_of(text), &integer)) {
            leat_expr_fail(p->source, token.at, p->err,
                           "%.60s is beyond the largest int, %s; with a decimal point it is a double", text,
                           negative ? "-9223372036854775808" : "9223372036854775807");
            return NULL;
        }
        advance(p);
        return literal(p, start, LEAT_TYPE_INT, leat_value_int(integer));
    }
    if (leat_double_parse(leat_bytes_of(text), &number) || number - number != 0) {
        leat_expr_fail(p->source, token.at, p->err, "%.60s is beyond the largest double", text);
        return NULL;
    }
    advance(p);
    return literal(p, start, LEAT_TYPE_DOUBLE, leat_value_double(number));
}

static struct leat_expr_node *parse_timestamp(struct parser *p)
{
    size_t start = p->token.at;
    int64_t time;

    advance(p);
    if (leat_time_parse(p->token.text, &time))
        return fail_at(p, p->token.at, "this is not a time; one reads '2013-07-08T12:00:00Z' or '2013-07-08'");
    advance(p);
    return literal(p, start, LEAT_TYPE_TIME, leat_value_int(time));
}

static struct leat_expr_node *parse_interval(struct parser *p)
{
    size_t start = p->token.at;
    struct leat_error reason = {0};
    struct leat_expr_node *node;
    int64_t duration;

    advance(p);
    if (leat_duration_parse(p->token.text, &duration, &reason))
        return fail_at(p, p->token.at, reason.text);
    advance(p);
    node = node_new(p, LEAT_NODE_INTERVAL, start, start);
    node->value = leat_value_int(duration);
    return node;
}

/* ---- names ---- */

static bool is_name(const struct leat_expr_token *token)
{
    return token->kind == LEAT_TOKEN_NAME || token->kind == LEAT_TOKEN_QUOTED;
}

static struct leat_expr_step step_of(const struct leat_expr_token *token)
{
    return (struct leat_expr_step){.name = token->text, .quoted = token->kind == LEAT_TOKEN_QUOTED, .at = token->at};
}

/* a.b[0].c; the current token is the first name. Stops before `.*`. */
static struct leat_expr_node *parse_path(struct parser *p)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_NAME, p->token.at, p->token.at);
    struct leat_expr_step *steps = leat_arena_zalloc(p->arena, 4, sizeof *steps);
    size_t count = 0, capacity = 4;

    steps[count++] = step_of(&p->token);
    advance(p);
    for (;;) {
        struct leat_expr_step step = {.at = p->token.at};

        if (p->token.kind == LEAT_TOKEN_POINT && p->next.kind != LEAT_TOKEN_STAR) {
            advance(p);
            if (!is_name(&p->token))
                return expected(p, "a name behind the point");
            step = step_of(&p->token);
            advance(p);
        } else if (take(p, LEAT_TOKEN_OPEN_INDEX)) {
            struct list keys = {0};
            if (!parse_list(p, &keys, LEAT_TOKEN_CLOSE_INDEX, "']'"))
                return NULL;
            step.keys = keys.items;
            step.key_count = keys.count;
            for (size_t i = 0; i < keys.count; i++) {
                if (!grow(p, node, keys.items[i]))
                    return NULL;
            }
        } else {
            break;
        }
        if (count == capacity) {
            struct leat_expr_step *more = leat_arena_zalloc(p->arena, 2 * capacity, sizeof *more);
            memcpy(more, steps, count * sizeof *steps);
            steps = more;
            capacity *= 2;
        }
        steps[count++] = step;
    }
    node->as.name.steps = steps;
    node->as.name.step_count = count;
    return node;
}

/* ---- windows ---- */

static bool parse_range(struct parser *p, struct leat_expr_window *window)
{
    struct leat_error reason = {0};

    if (is_word(p, "between") || is_word(p, "unbounded") || is_word(p, "interval"))
        return wrong(p, p->token.at,
                     "a range reads: range 1h preceding; without a range a window reaches over all events");
    if (p->token.kind != LEAT_TOKEN_DURATION && p->token.kind != LEAT_TOKEN_INT)
        return missing(p, "a duration such as 30m, 1h or 7d");
    if (leat_duration_parse(p->token.text, &window->range, &reason))
        return wrong(p, p->token.at, reason.text);
    if (window->range <= 0)
        return wrong(p, p->token.at, "a range must be longer than 0");
    advance(p);
    if (!take_word(p, "preceding"))
        return missing(p, "preceding");
    return true;
}

static struct leat_expr_window *parse_window(struct parser *p)
{
    struct leat_expr_window *window = leat_arena_zalloc(p->arena, 1, sizeof *window);
    struct list keys = {0};

    window->source = p->source;
    window->at = p->token.at;
    window->range = LEAT_RANGE_NONE;
    if (take_word(p, "partition")) {
        if (!take_word(p, "by"))
            return expected(p, "by");
        if (!enter(p))
            return NULL;
        do {
            struct leat_expr_node *key = parse_any(p);
            if (!key)
                return NULL;
            append(p, &keys, key);
        } while (take(p, LEAT_TOKEN_COMMA));
        p->depth--;
        window->keys = keys.items;
        window->key_count = keys.count;
    }
    if (is_word(p, "order"))
        return fail_at(p, p->token.at, "a window is by event time: leave order by out");
    if (is_word(p, "rows") || is_word(p, "groups"))
        return fail_at(p, p->token.at, "windows are by time: range 1h preceding");
    if (take_word(p, "range") && !parse_range(p, window))
        return NULL;
    return window;
}

/* What may stand behind what was read of a window, for messages. */
static const char *behind_window(struct parser *p, const struct leat_expr_window *window, const char *end)
{
    if (window->range != LEAT_RANGE_NONE)
        return end;
    return leat_arena_format(p->arena, "%s or %s", window->key_count ? "',', range" : "partition by, range", end);
}

/* ---- calls ---- */

static struct leat_expr_node *unknown_function(struct parser *p)
{
    struct leat_bytes name = p->token.text;
    const char *other = leat_expr_function_other_name(name), *near;
    const char *const *names;
    size_t count;

    if (other) {
        leat_expr_fail(p->source, p->token.at, p->err, "there is no function '%.*s': %s", LEAT_BYTES_FORMAT(name),
                       other);
        return NULL;
    }
    names = leat_expr_function_names(p->arena, &count);
    near = leat_nearest(name, names, count);
    if (near)
        leat_expr_fail(p->source, p->token.at, p->err, "there is no function '%.*s'; the nearest is %s",
                       LEAT_BYTES_FORMAT(name), near);
    else
        leat_expr_fail(p->source, p->token.at, p->err, "there is no function '%.*s'", LEAT_BYTES_FORMAT(name));
    return NULL;
}

static struct leat_expr_node *parse_call(struct parser *p)
{
    const struct leat_expr_function_help *function = leat_expr_function_find(p->token.text);
    struct leat_expr_node *node = node_new(p, LEAT_NODE_CALL, p->token.at, p->token.at);
    struct list arguments = {0};

    node->as.call.function = function;
    advance(p);
    advance(p);
    if (p->token.kind == LEAT_TOKEN_CLOSE)
        advance(p);
    else if (!parse_list(p, &arguments, LEAT_TOKEN_CLOSE, "')'"))
        return NULL;
    if (is_word(p, "over") || (is_word(p, "filter") && p->next.kind == LEAT_TOKEN_OPEN)) {
        leat_expr_fail(p->source, p->token.at, p->err,
                       "%s is not an aggregate and has no window; the aggregates are count, sum, avg, min, max, "
                       "stddev, var, first, last and lag",
                       function->name);
        return NULL;
    }
    return with_kids(p, node, arguments.items, arguments.count);
}

static enum leat_type type_named(struct leat_bytes name)
{
    static const struct {
        const char *name;
        enum leat_type type;
    } names[] = {
        {"int", LEAT_TYPE_INT},        {"integer", LEAT_TYPE_INT},   {"bigint", LEAT_TYPE_INT},
        {"double", LEAT_TYPE_DOUBLE},  {"string", LEAT_TYPE_STRING}, {"text", LEAT_TYPE_STRING},
        {"varchar", LEAT_TYPE_STRING}, {"bool", LEAT_TYPE_BOOL},     {"boolean", LEAT_TYPE_BOOL},
        {"timestamp", LEAT_TYPE_TIME}, {"time", LEAT_TYPE_TIME},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (leat_expr_word_equal(name, names[i].name))
            return names[i].type;
    }
    return LEAT_TYPE_NULL;
}

/* cast(x as type), try_cast(x as type) */
static struct leat_expr_node *parse_cast(struct parser *p, bool attempt)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_CAST, p->token.at, p->token.at);
    struct leat_expr_node *kid;

    node->attempt = attempt;
    advance(p);
    advance(p);
    if (!enter(p))
        return NULL;
    kid = parse_any(p);
    if (!kid)
        return NULL;
    p->depth--;
    if (!take_word(p, "as"))
        return expected(p, "as and a type");
    if (p->token.kind != LEAT_TOKEN_NAME || type_named(p->token.text) == LEAT_TYPE_NULL)
        return expected(p, "a type (int, double, string, bool or timestamp)");
    node->type = type_named(p->token.text);
    advance(p);
    if (!take(p, LEAT_TOKEN_CLOSE))
        return expected(p, "')'");
    return with_kids(p, node, &kid, 1);
}

/* extract(hour from t) is hour(t). */
static struct leat_expr_node *parse_extract(struct parser *p)
{
    static const char *const fields[] = {
        "year",        "month",       "day",         "hour",  "minute",        "second",
        "millisecond", "day_of_week", "day_of_year", "epoch", "minute_of_day",
    };
    struct leat_expr_node *node = node_new(p, LEAT_NODE_CALL, p->token.at, p->token.at);
    struct leat_expr_node *kid;

    advance(p);
    advance(p);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (is_word(p, fields[i]))
            node->as.call.function = leat_expr_function_find(leat_bytes_of(fields[i]));
    }
    if (is_word(p, "dow") || is_word(p, "doy"))
        return fail_at(p, p->token.at, "write day_of_week (0 is Monday) or day_of_year (from 1)");
    if (!node->as.call.function)
        return expected(p, "year, month, day, hour, minute, second, millisecond, day_of_week, day_of_year, "
                           "minute_of_day or epoch");
    advance(p);
    if (!take_word(p, "from"))
        return expected(p, "from");
    if (!enter(p))
        return NULL;
    kid = parse_any(p);
    if (!kid)
        return NULL;
    p->depth--;
    if (!take(p, LEAT_TOKEN_CLOSE))
        return expected(p, "')'");
    return with_kids(p, node, &kid, 1);
}

/* The star of count(*) or count(stream.*), which is the current token. */
static bool parse_star(struct parser *p, struct leat_expr_aggregate_node *aggregate, const char *name)
{
    if (aggregate->kind != LEAT_AGGREGATE_COUNT) {
        leat_expr_fail(p->source, p->token.at, p->err, "only count takes *; %s takes a value", name);
        return false;
    }
    aggregate->star = true;
    advance(p);
    return true;
}

/* What stands in the parentheses of an aggregate. */
static bool parse_aggregate_argument(struct parser *p, struct leat_expr_aggregate_node *aggregate, const char *name)
{
    struct leat_expr_node *node;

    if (is_word(p, "distinct") &&
        (is_name(&p->next) || p->next.kind == LEAT_TOKEN_OPEN || p->next.kind == LEAT_TOKEN_STRING))
        return wrong(p, p->token.at, "distinct values can not be counted yet: count_distinct comes later");
    if (p->token.kind == LEAT_TOKEN_STAR)
        return parse_star(p, aggregate, name);
    if (p->token.kind == LEAT_TOKEN_CLOSE)
        return missing(p, "a value");
    aggregate->argument = node = parse_any(p);
    if (!node)
        return false;
    if (p->token.kind != LEAT_TOKEN_POINT)
        return true;
    /* A point that the path did not take: a star is behind it. */
    if (node->kind != LEAT_NODE_NAME || node->as.name.step_count != 1)
        return wrong(p, p->token.at, ".* stands behind the name of a stream");
    advance(p);
    aggregate->star_stream = node->as.name.steps[0];
    aggregate->argument = NULL;
    return parse_star(p, aggregate, name);
}

static void *too_many_values(struct parser *p, const struct leat_expr_aggregate_node *aggregate, const char *name)
{
    if (aggregate->kind == LEAT_AGGREGATE_MIN || aggregate->kind == LEAT_AGGREGATE_MAX)
        leat_expr_fail(p->source, p->token.at, p->err,
                       "%s takes one value, over a window; of several values it is %s(…)", name,
                       aggregate->kind == LEAT_AGGREGATE_MIN ? "least" : "greatest");
    else
        leat_expr_fail(
            p->source, p->token.at, p->err, "%s takes one value%s", name,
            aggregate->kind == LEAT_AGGREGATE_LAG ? ": that of the latest event before the newest of the window" : "");
    return NULL;
}

static bool parse_filter(struct parser *p, struct leat_expr_aggregate_node *aggregate)
{
    advance(p);
    advance(p);
    if (!take_word(p, "where"))
        return missing(p, "where");
    aggregate->filter = parse_any(p);
    if (!aggregate->filter)
        return false;
    if (!take(p, LEAT_TOKEN_CLOSE))
        return missing(p, "')'");
    return true;
}

static bool parse_over(struct parser *p, struct leat_expr_aggregate_node *aggregate, const char *name)
{
    if (!is_word(p, "over")) {
        leat_expr_fail(p->source, p->token.at, p->err,
                       "%s is an aggregate and needs a window: %s(…) over w, or over (partition by … range 1h preceding)",
                       name, name);
        return false;
    }
    advance(p);
    if (is_name(&p->token)) {
        aggregate->window.named = true;
        aggregate->window.name = step_of(&p->token);
        advance(p);
        return true;
    }
    if (!take(p, LEAT_TOKEN_OPEN))
        return missing(p, "the name of a window or '('");
    aggregate->window.inlined = parse_window(p);
    if (!aggregate->window.inlined)
        return false;
    return take(p, LEAT_TOKEN_CLOSE) || missing(p, behind_window(p, aggregate->window.inlined, "')'"));
}

static struct leat_expr_node *parse_aggregate(struct parser *p, int kind)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_AGGREGATE, p->token.at, p->token.at);
    struct leat_expr_aggregate_node *aggregate = leat_arena_zalloc(p->arena, 1, sizeof *aggregate);
    const char *name = leat_aggregate_name((enum leat_aggregate_kind)kind);

    aggregate->kind = (enum leat_aggregate_kind)kind;
    node->as.aggregate = aggregate;
    advance(p);
    advance(p);
    if (!enter(p) || !parse_aggregate_argument(p, aggregate, name))
        return NULL;
    if (p->token.kind == LEAT_TOKEN_COMMA)
        return too_many_values(p, aggregate, name);
    if (!take(p, LEAT_TOKEN_CLOSE))
        return expected(p, "')'");
    if (is_word(p, "filter") && p->next.kind == LEAT_TOKEN_OPEN && !parse_filter(p, aggregate))
        return NULL;
    if (!parse_over(p, aggregate, name))
        return NULL;
    p->depth--;
    if (!grow(p, node, aggregate->argument))
        return NULL;
    return grow(p, node, aggregate->filter);
}

static struct leat_expr_node *parse_case(struct parser *p)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_CASE, p->token.at, p->token.at), *kid;
    struct list kids = {0};

    advance(p);
    if (!enter(p))
        return NULL;
    if (!is_word(p, "when")) {
        kid = parse_any(p);
        if (!kid)
            return NULL;
        node->has_operand = true;
        append(p, &kids, kid);
    }
    if (!is_word(p, "when"))
        return expected(p, "when");
    while (take_word(p, "when")) {
        kid = parse_any(p);
        if (!kid)
            return NULL;
        append(p, &kids, kid);
        if (!take_word(p, "then"))
            return expected(p, "then");
        kid = parse_any(p);
        if (!kid)
            return NULL;
        append(p, &kids, kid);
    }
    if (take_word(p, "else")) {
        kid = parse_any(p);
        if (!kid)
            return NULL;
        node->has_else = true;
        append(p, &kids, kid);
    }
    if (!take_word(p, "end"))
        return expected(p, node->has_else ? "end" : "when, else or end");
    p->depth--;
    return with_kids(p, node, kids.items, kids.count);
}

/* ---- operators ---- */

static struct leat_expr_node *parse_parentheses(struct parser *p)
{
    struct leat_expr_node *node;

    advance(p);
    if (is_word(p, "select"))
        return fail_at(p, p->token.at, "queries can not stand in an expression");
    if (!enter(p))
        return NULL;
    node = parse_any(p);
    if (!node)
        return NULL;
    p->depth--;
    return take(p, LEAT_TOKEN_CLOSE) ? node : expected(p, "')'");
}

static struct leat_expr_node *parse_word(struct parser *p)
{
    struct leat_bytes name = p->token.text;
    size_t at = p->token.at;

    if (take_word(p, "null"))
        return literal(p, at, LEAT_TYPE_NULL, leat_value_null());
    if (take_word(p, "true"))
        return literal(p, at, LEAT_TYPE_BOOL, leat_value_int(1));
    if (take_word(p, "false"))
        return literal(p, at, LEAT_TYPE_BOOL, leat_value_int(0));
    if (is_word(p, "case"))
        return parse_case(p);
    if (leat_expr_reserved(name))
        return expected(p, "a value");
    if (p->next.kind == LEAT_TOKEN_STRING && is_word(p, "timestamp"))
        return parse_timestamp(p);
    if (p->next.kind == LEAT_TOKEN_STRING && is_word(p, "interval"))
        return parse_interval(p);
    if (p->next.kind != LEAT_TOKEN_OPEN)
        return parse_path(p);
    if (is_word(p, "cast"))
        return parse_cast(p, false);
    if (is_word(p, "try_cast"))
        return parse_cast(p, true);
    if (is_word(p, "extract"))
        return parse_extract(p);
    if (leat_aggregate_find(name) >= 0)
        return parse_aggregate(p, leat_aggregate_find(name));
    if (leat_expr_function_find(name))
        return parse_call(p);
    return unknown_function(p);
}

static struct leat_expr_node *parse_primary(struct parser *p)
{
    size_t at = p->token.at;
    struct leat_bytes text = p->token.text;

    switch (p->token.kind) {
    case LEAT_TOKEN_INT:
    case LEAT_TOKEN_DOUBLE:
        return parse_number(p, at, false);
    case LEAT_TOKEN_STRING:
        advance(p);
        return literal(p, at, LEAT_TYPE_STRING, leat_value_string(text));
    case LEAT_TOKEN_QUOTED:
        return parse_path(p);
    case LEAT_TOKEN_NAME:
        return parse_word(p);
    case LEAT_TOKEN_OPEN:
        return parse_parentheses(p);
    case LEAT_TOKEN_DURATION:
        leat_expr_fail(p->source, at, p->err,
                       "'%.*s' is not a number; a duration reads interval '1h', and a name that begins with a digit "
                       "stands in double quotes",
                       (int)(text.len > 40 ? 40 : text.len), text.data);
        return NULL;
    default:
        return expected(p, "a value");
    }
}

static bool is_number(const struct leat_expr_node *node)
{
    return node->kind == LEAT_NODE_LITERAL && (node->type == LEAT_TYPE_INT || node->type == LEAT_TYPE_DOUBLE);
}

static struct leat_expr_node *parse_negation(struct parser *p)
{
    size_t at = p->token.at;
    struct leat_expr_node *kid;

    advance(p);
    if (p->token.kind == LEAT_TOKEN_INT || p->token.kind == LEAT_TOKEN_DOUBLE)
        return parse_number(p, at, true);
    if (!enter(p))
        return NULL;
    kid = parse_level(p, LEAT_LEVEL_NEGATE);
    if (!kid)
        return NULL;
    p->depth--;
    /* So that a number has one spelling: -(5) is -5. */
    if (is_number(kid) && kid->type == LEAT_TYPE_DOUBLE)
        return literal(p, at, LEAT_TYPE_DOUBLE, leat_value_double(-kid->value.as.d));
    if (is_number(kid) && kid->value.as.i != INT64_MIN)
        return literal(p, at, LEAT_TYPE_INT, leat_value_int(-kid->value.as.i));
    return with_kids(p, node_new(p, LEAT_NODE_NEGATE, at, at), &kid, 1);
}

static struct leat_expr_node *parse_not(struct parser *p)
{
    size_t at = p->token.at;
    struct leat_expr_node *kid;

    advance(p);
    if (!enter(p))
        return NULL;
    kid = parse_level(p, LEAT_LEVEL_NOT);
    if (!kid)
        return NULL;
    p->depth--;
    return with_kids(p, node_new(p, LEAT_NODE_NOT, at, at), &kid, 1);
}

static struct leat_expr_node *parse_prefix(struct parser *p)
{
    if (p->token.kind == LEAT_TOKEN_MINUS)
        return parse_negation(p);
    if (is_word(p, "not"))
        return parse_not(p);
    return parse_primary(p);
}

static bool binary_operator(const struct parser *p, enum leat_expr_operator *ret)
{
    switch (p->token.kind) {
    case LEAT_TOKEN_EQ:
        *ret = LEAT_OPERATOR_EQ;
        return true;
    case LEAT_TOKEN_NE:
        *ret = LEAT_OPERATOR_NE;
        return true;
    case LEAT_TOKEN_LT:
        *ret = LEAT_OPERATOR_LT;
        return true;
    case LEAT_TOKEN_LE:
        *ret = LEAT_OPERATOR_LE;
        return true;
    case LEAT_TOKEN_GT:
        *ret = LEAT_OPERATOR_GT;
        return true;
    case LEAT_TOKEN_GE:
        *ret = LEAT_OPERATOR_GE;
        return true;
    case LEAT_TOKEN_CONCAT:
        *ret = LEAT_OPERATOR_CONCAT;
        return true;
    case LEAT_TOKEN_PLUS:
        *ret = LEAT_OPERATOR_ADD;
        return true;
    case LEAT_TOKEN_MINUS:
        *ret = LEAT_OPERATOR_SUB;
        return true;
    case LEAT_TOKEN_STAR:
        *ret = LEAT_OPERATOR_MUL;
        return true;
    case LEAT_TOKEN_SLASH:
        *ret = LEAT_OPERATOR_DIV;
        return true;
    case LEAT_TOKEN_PERCENT:
        *ret = LEAT_OPERATOR_MOD;
        return true;
    case LEAT_TOKEN_NAME:
        if (is_word(p, "or"))
            return *ret = LEAT_OPERATOR_OR, true;
        if (is_word(p, "and"))
            return *ret = LEAT_OPERATOR_AND, true;
        if (is_word(p, "div"))
            return *ret = LEAT_OPERATOR_IDIV, true;
        return false;
    default:
        return false;
    }
}

static struct leat_expr_node *parse_binary(struct parser *p, struct leat_expr_node *left, enum leat_expr_operator op)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_BINARY, left->start, p->token.at);
    enum leat_expr_level level = leat_expr_operator_level(op);
    enum leat_expr_operator again;
    struct leat_expr_node *kids[2] = {left, NULL};

    node->op = op;
    advance(p);
    kids[1] = parse_level(p, (enum leat_expr_level)(level + 1));
    if (!kids[1])
        return NULL;
    if (level == LEAT_LEVEL_COMPARE && binary_operator(p, &again) &&
        leat_expr_operator_level(again) == LEAT_LEVEL_COMPARE)
        return fail_at(p, p->token.at, "comparisons do not chain: write a < b and b < c");
    return with_kids(p, node, kids, 2);
}

static struct leat_expr_node *parse_is(struct parser *p, struct leat_expr_node *left)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_IS_NULL, left->start, p->token.at);

    advance(p);
    node->negated = take_word(p, "not");
    if (!take_word(p, "null"))
        return expected(p, node->negated ? "null" : "null or not null");
    return with_kids(p, node, &left, 1);
}

static struct leat_expr_node *parse_in(struct parser *p, struct leat_expr_node *node, struct leat_expr_node *left)
{
    struct list kids = {0};

    if (!take(p, LEAT_TOKEN_OPEN))
        return expected(p, "a list in parentheses");
    if (is_word(p, "select"))
        return fail_at(p, p->token.at, "queries can not stand in an expression; a list can: in ('a', 'b')");
    append(p, &kids, left);
    if (!parse_list(p, &kids, LEAT_TOKEN_CLOSE, "',' or ')'"))
        return NULL;
    return with_kids(p, node, kids.items, kids.count);
}

static struct leat_expr_node *parse_between(struct parser *p, struct leat_expr_node *node, struct leat_expr_node *left)
{
    struct leat_expr_node *kids[3] = {left, parse_level(p, LEAT_LEVEL_CONCAT), NULL};

    if (!kids[1])
        return NULL;
    if (!take_word(p, "and"))
        return expected(p, "and (between low and high)");
    kids[2] = parse_level(p, LEAT_LEVEL_CONCAT);
    return kids[2] ? with_kids(p, node, kids, 3) : NULL;
}

static struct leat_expr_node *parse_like(struct parser *p, struct leat_expr_node *node, struct leat_expr_node *left)
{
    struct leat_expr_node *kids[2] = {left, parse_level(p, LEAT_LEVEL_CONCAT)};

    if (!kids[1])
        return NULL;
    if (is_word(p, "escape"))
        return fail_at(p, p->token.at, "like has no escape; contains, starts_with and ends_with take text as it is");
    return with_kids(p, node, kids, 2);
}

/* [not] in, between, like */
static struct leat_expr_node *parse_membership(struct parser *p, struct leat_expr_node *left)
{
    struct leat_expr_node *node = node_new(p, LEAT_NODE_IN, left->start, p->token.at);

    node->negated = take_word(p, "not");
    if (take_word(p, "in"))
        return parse_in(p, node, left);
    if (take_word(p, "between")) {
        node->kind = LEAT_NODE_BETWEEN;
        return parse_between(p, node, left);
    }
    advance(p);
    node->kind = LEAT_NODE_LIKE;
    return parse_like(p, node, left);
}

static bool is_membership(const struct parser *p)
{
    const struct leat_expr_token *token = is_word(p, "not") ? &p->next : &p->token;
    return leat_expr_token_is(token, "in") || leat_expr_token_is(token, "between") || leat_expr_token_is(token, "like");
}

static struct leat_expr_node *parse_level(struct parser *p, enum leat_expr_level level)
{
    struct leat_expr_node *left = parse_prefix(p);
    enum leat_expr_operator op;

    while (left) {
        if (is_membership(p)) {
            if (level > LEAT_LEVEL_IN)
                return left;
            left = parse_membership(p, left);
        } else if (is_word(p, "is")) {
            if (level > LEAT_LEVEL_IS)
                return left;
            left = parse_is(p, left);
        } else if (binary_operator(p, &op) && leat_expr_operator_level(op) >= level) {
            left = parse_binary(p, left, op);
        } else {
            return left;
        }
    }
    return NULL;
}

/* ---- the whole ---- */

static void parser_init(struct parser *p, const struct leat_expr_source *source, struct leat_arena *arena,
                        struct leat_error *err)
{
    *p = (struct parser){
        .source = source, .arena = arena, .err = err, .scanner = {.source = source->text, .arena = arena}};
    p->token = leat_expr_scan(&p->scanner);
    p->next = leat_expr_scan(&p->scanner);
}

static int check_text(const struct leat_expr_source *source, struct leat_error *err)
{
    if (source->text.len > LEAT_EXPR_TEXT_MAX)
        return leat_expr_fail(source, LEAT_EXPR_TEXT_MAX, err,
                              "the expression has %zu bytes, and no more than %d are allowed", source->text.len,
                              LEAT_EXPR_TEXT_MAX);
    if (!leat_utf8_valid(source->text))
        return leat_expr_fail(source, 0, err, "the expression is not valid UTF-8");
    return 0;
}

int leat_expr_parse(const struct leat_expr_source *source, struct leat_arena *arena, struct leat_expr_node **ret,
                    struct leat_error *err)
{
    struct leat_expr_node *node;
    struct parser p;

    if (check_text(source, err))
        return -1;
    parser_init(&p, source, arena, err);
    if (p.token.kind == LEAT_TOKEN_END)
        return leat_expr_fail(source, p.token.at, err, "the expression is empty");
    node = parse_any(&p);
    if (!node)
        return -1;
    if (p.token.kind != LEAT_TOKEN_END) {
        expected(&p, "an operator or the end");
        return -1;
    }
    *ret = node;
    return 0;
}

int leat_expr_window_parse(struct leat_expr_place place, struct leat_bytes text, struct leat_arena *arena,
                           const struct leat_expr_window **ret, struct leat_error *err)
{
    struct leat_expr_source *source = leat_arena_zalloc(arena, 1, sizeof *source);
    struct leat_expr_window *window;
    struct parser p;

    source->place = place;
    source->place.file = leat_arena_strdup(arena, place.file);
    source->text = leat_arena_bytes(arena, text);
    if (check_text(source, err))
        return -1;
    parser_init(&p, source, arena, err);
    window = parse_window(&p);
    if (!window)
        return -1;
    if (p.token.kind != LEAT_TOKEN_END) {
        expected(&p, behind_window(&p, window, "the end"));
        return -1;
    }
    *ret = window;
    return 0;
}

const char *leat_expr_operator_text(enum leat_expr_operator op)
{
    static const char *const texts[] = {
        "or", "and", "=", "<>", "<", "<=", ">", ">=", "||", "+", "-", "*", "/", "div", "%"};
    return texts[op];
}

enum leat_expr_level leat_expr_operator_level(enum leat_expr_operator op)
{
    switch (op) {
    case LEAT_OPERATOR_OR:
        return LEAT_LEVEL_OR;
    case LEAT_OPERATOR_AND:
        return LEAT_LEVEL_AND;
    case LEAT_OPERATOR_CONCAT:
        return LEAT_LEVEL_CONCAT;
    case LEAT_OPERATOR_ADD:
    case LEAT_OPERATOR_SUB:
        return LEAT_LEVEL_SUM;
    case LEAT_OPERATOR_MUL:
    case LEAT_OPERATOR_DIV:
    case LEAT_OPERATOR_IDIV:
    case LEAT_OPERATOR_MOD:
        return LEAT_LEVEL_PRODUCT;
    default:
        return LEAT_LEVEL_COMPARE;
    }
}

static struct leat_expr_node **copy_kids(struct leat_expr_node *const *kids, size_t count, struct leat_arena *arena)
{
    struct leat_expr_node **copies = leat_arena_zalloc(arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++)
        copies[i] = leat_expr_node_copy(kids[i], arena);
    return copies;
}

/* Aggregates are not copied deeply: only window keys are copied, and there they are refused. */
struct leat_expr_node *leat_expr_node_copy(const struct leat_expr_node *node, struct leat_arena *arena)
{
    struct leat_expr_node *copy = leat_arena_zalloc(arena, 1, sizeof *copy);

    *copy = *node;
    copy->kids = copy_kids(node->kids, node->kid_count, arena);
    if (node->kind == LEAT_NODE_NAME) {
        struct leat_expr_step *steps = leat_arena_zalloc(arena, node->as.name.step_count, sizeof *steps);
        for (size_t i = 0; i < node->as.name.step_count; i++) {
            steps[i] = node->as.name.steps[i];
            steps[i].keys = copy_kids(steps[i].keys, steps[i].key_count, arena);
        }
        copy->as.name.steps = steps;
    }
    return copy;
}
