/* What is said about an expression that is wrong: the whole text, with the caret. */
#include "expr/expr.h"

#include "support/expr_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* In `error` the head "fn.yaml:23:15: " and the lines below are as leat_expr_compile writes them, but the caret stands
 * in the expression itself, as «. */
struct expectation {
    const char *text;  /* with « before the place of the error */
    const char *error; /* the sentence */
};

static bool check(const struct expectation *expected, enum leat_type want)
{
    const char *mark = strstr(expected->text, "«");
    char text[400], wanted[2000], pad[200] = "";
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;
    bool right;
    int column = 0;

    assert_non_null(mark);
    snprintf(text, sizeof text, "%.*s%s", (int)(mark - expected->text), expected->text, mark + strlen("«"));
    for (const char *c = expected->text; c < mark; c++) {
        if (((unsigned char)*c & 0xC0) != 0x80)
            pad[column++] = ' ';
    }
    snprintf(wanted, sizeof wanted, "fn.yaml:23:%d: %s\n  %s\n  %s^", 15 + column, expected->error, text, pad);

    world_init(&world);
    if (world_compile(&world, text, want, &expr, &err) == 0)
        snprintf(err.text, sizeof err.text, "%s compiled, as %s", text, leat_expr_text(expr));
    right = err.kind == LEAT_ERROR_FINDING && strcmp(err.text, wanted) == 0;
    if (!right)
        print_message("met:\n%s\nexpected:\n%s\n", err.text, wanted);
    world_done(&world);
    return right;
}

#define CHECK_WANTED(want, ...)                                   \
    do {                                                          \
        static const struct expectation table[] = {__VA_ARGS__};  \
        bool right = true;                                        \
        for (size_t i = 0; i < sizeof table / sizeof *table; i++) \
            right = check(&table[i], want) && right;              \
        assert_true(right);                                       \
    } while (0)
#define CHECK(...) CHECK_WANTED(LEAT_TYPE_NULL, __VA_ARGS__)

static void what_can_not_be_read_is_shown(void **state)
{
    (void)state;
    CHECK(
        {"«", "the expression is empty"}, {"1 +«", "a value was expected, and the text ends"},
        {"(1 + 2«", "')' was expected, and the text ends"},
        {"i «d", "an operator or the end was expected, and 'd' was met"},
        {"i + «)", "a value was expected, and ')' was met"}, {"1«.", "digits are needed behind the decimal point"},
        {"«'open", "this text has no closing quote (')"}, {"«\"open", "this name has no closing quote (\")"},
        {"«\"\"", "a name can not be empty; text stands in single quotes"},
        {"i «== 7", "'==' is not known: one = compares"}, {"i «&& b", "'&&' is not known: write and"},
        {"i«::double", "'::' is not known: write cast(x as type)"}, {"«!b", "'!' is not known: write not"},
        {"s = «‘x’", "a typographic quote: text stands in straight quotes, '…'"},
        {"i «− 1", "a typographic minus: write -"}, {"i «# 1", "'#' is not known here"},
        {"i «| 1", "'|' is not known: || joins text, and or joins conditions"},
        {"1 < i «< 3", "comparisons do not chain: write a < b and b < c"},
        {"i «30m", "an operator or the end was expected, and '30m' was met"},
        {"t - «1h",
         "'1h' is not a number; a duration reads interval '1h', and a name that begins with a digit stands in double quotes"},
        {"i in «7", "a list in parentheses was expected, and '7' was met"},
        {"i in («)", "a value was expected, and ')' was met"},
        {"i in («select 1)", "queries can not stand in an expression; a list can: in ('a', 'b')"},
        {"i between 1 «or 2", "and (between low and high) was expected, and 'or' was met"},
        {"i is «7", "null or not null was expected, and '7' was met"},
        {"s like 'a' «escape 'b'", "like has no escape; contains, starts_with and ends_with take text as it is"},
        {"case «end", "a value was expected, and 'end' was met"},
        {"case when b then 1«", "when, else or end was expected, and the text ends"},
        {"case when b «else 1 end", "then was expected, and 'else' was met"},
        {"case i «then", "when was expected, and 'then' was met"},
        {"cast(i as «number)", "a type (int, double, string, bool or timestamp) was expected, and 'number' was met"},
        {"cast(i«, int)", "as and a type was expected, and ',' was met"},
        {"extract(«dow from t)", "write day_of_week (0 is Monday) or day_of_year (from 1)"},
        {"a.«+ 1", "a name behind the point was expected, and '+' was met"},
        {"i + «and", "a value was expected, and 'and' was met"},
        {"timestamp «'soon'", "this is not a time; one reads '2013-07-08T12:00:00Z' or '2013-07-08'"},
        {"«9223372036854775808",
         "9223372036854775808 is beyond the largest int, 9223372036854775807; with a decimal point it is a double"},
        {"-«9223372036854775809",
         "-9223372036854775809 is beyond the largest int, -9223372036854775808; with a decimal point it is a double"},
        {"«1e999", "1e999 is beyond the largest double"}, {"'Zürich' || «+", "a value was expected, and '+' was met"});
}

static void names_that_are_not_there_are_told_with_the_nearest(void **state)
{
    (void)state;
    CHECK({"i + «amont", "there is no 'amont' in features; the nearest name is 'amount'"},
          {"«AMOUNT", "there is no 'AMOUNT' in features; the nearest name is 'amount'"},
          {"«no_such_thing_at_all", "there is no 'no_such_thing_at_all' in features"},
          {"channel = «\"some text here\"",
           "there is no 'some text here' in features; text stands in single quotes, names in double ones"},
          {"«a", "'a' is an object"}, {"«a.b[1]", "there is no 'a.b[1]' in features"});
}

static void functions_that_are_not_there_are_told_with_the_nearest(void **state)
{
    (void)state;
    CHECK({"«haversin(1, 2, 3, 4)", "there is no function 'haversin'; the nearest is haversine"},
          {"1 + «pow(2, 3)", "there is no function 'pow': write power(x, y)"},
          {"«now()", "there is no function 'now': the time is that of the event: use its event time column"},
          {"«nothing_like_it(1)", "there is no function 'nothing_like_it'"},
          {"«power", "there is no 'power' in features; as a function it is written power(…)"});
}

static void types_that_do_not_fit_are_told(void **state)
{
    (void)state;
    CHECK(
        {"ln(1 + «s)", "'s' is a string, and + takes numbers; || joins text"},
        {"ln(«country)", "'country' is a string, and ln takes a number"},
        {"«s * 2", "'s' is a string, and * takes numbers"},
        {"i - «b", "'b' is a bool, and - takes numbers; cast(x as int) makes 0 or 1 of it"},
        {"«d % 2", "'d' is a double, and % takes ints; mod(x, y) takes doubles"},
        {"i div «2.0", "2.0 is a double, and div takes ints; floor(x / y) or trunc(x / y) takes doubles"},
        {"t «- t2", "times are not subtracted: seconds_between(a, b) gives b - a in seconds"},
        {"t + «60", "60 is an int, and what is added to a time is an interval, such as interval '1h'"},
        {"«interval '1h'", "an interval can only be added to a time or taken from one"},
        {"«i + interval '1h'", "'i' is an int, and an interval can only be added to a time or taken from one"},
        {"«interval '1h' - t", "an interval can only be added to a time or taken from one"},
        {"t * «interval '1h'", "an interval can only be added to a time or taken from one"},
        {"t + interval «'1 hour'",
         "'1 hour' is not a duration: a unit is missing; write a whole number with a unit (us, ms, s, m, h, d or w), as in 90s or 1h30m"},
        {"s «= 3", "'s' is a string and 3 is an int: they can not be compared; cast(x as type) converts"},
        {"t «> '2013-01-01'",
         "'t' is a time and '2013-01-01' is a string: they can not be compared; a time is written timestamp '2013-07-08T12:00:00Z'"},
        {"b «= 1", "'b' is a bool and 1 is an int: they can not be compared"},
        {"s in ('a', «1)", "'s' is a string and 1 is an int: they can not be compared; cast(x as type) converts"},
        {"i between 1 and «'9'", "'i' is an int and '9' is a string: they can not be compared; cast(x as type) converts"},
        {"b and «i", "'i' is an int, and and takes conditions (bool)"},
        {"not «s", "'s' is a string, and not takes conditions (bool)"}, {"-«s", "'s' is a string, and - takes a number"},
        {"s || «i", "'i' is an int, and || joins text; cast(x as string) converts"},
        {"«b || b", "'b' is a bool, and || joins text; conditions are joined by or"},
        {"«i like 'a'", "'i' is an int, and like takes text"},
        {"case when «i then 1 end", "'i' is an int, and when takes conditions (bool)"},
        {"case when b then 1 else «'x' end", "'x' is a string, and an earlier result of this case is an int"},
        {"case i when «'x' then 1 end",
         "'i' is an int and 'x' is a string: they can not be compared; cast(x as type) converts"},
        {"coalesce(i, «'x')", "'x' is a string, and an earlier value of this coalesce is an int"},
        {"«nullif(i, 'x')", "'i' is an int and 'x' is a string: they can not be compared; cast(x as type) converts"},
        {"cast(«t as int)", "'t' is a time, and a time is cast to string alone; epoch(t) gives seconds since 1970"},
        {"cast(«i as timestamp)",
         "'i' is an int, and only a string can be cast to a time; timestamp '1970-01-01' + interval '1s' adds"},
        {"cast(«d as bool)", "'d' is a double, and a double can not be cast to a bool; write x <> 0"},
        {"«power(2)", "power takes 2 values, and 1 is given: power(x, y)"},
        {"«round(1, 2, 3)", "round takes 1 or 2 values, and 3 are given: round(x [, digits])"},
        {"«ln()", "ln takes 1 value, and 0 are given: ln(x)"},
        {"«nullif(1)", "nullif takes 2 values, and 1 is given: nullif(a, b)"},
        {"«coalesce()", "coalesce takes 1 or more values, and 0 are given: coalesce(a, b, …)"},
        {"substr(s, «'1')", "'1' is a string, and substr(s, start [, length]) takes an int there"},
        {"hour(«'2013-07-08')",
         "'2013-07-08' is a string, and hour(t) takes a time there; one is written timestamp '2013-07-08T12:00:00Z'"},
        {"year(«s)", "'s' is a string, and year(t) takes a time there; cast(x as timestamp) converts"},
        {"seconds_between(t, «i)", "'i' is an int, and seconds_between(a, b) takes a time there"},
        {"date_trunc(«s, t)",
         "the unit of date_trunc is a text in quotes: second, minute, hour, day, week, month, quarter or year"},
        {"date_trunc(«'hours', t)",
         "'hours' is not a unit of date_trunc: second, minute, hour, day, week, month, quarter or year"});
}

static void a_type_that_is_needed_is_told(void **state)
{
    (void)state;
    CHECK_WANTED(LEAT_TYPE_BOOL, {"«i", "'i' is an int, and a condition (bool) is needed here"});
    CHECK_WANTED(LEAT_TYPE_DOUBLE, {"«s", "'s' is a string, and a number is needed here"});
    CHECK_WANTED(LEAT_TYPE_INT, {"«d", "'d' is a double, and an int is needed here"});
    CHECK_WANTED(LEAT_TYPE_STRING, {"«i + 1", "'i + 1' is an int, and a string is needed here"});
}

static void what_always_fails_is_found_at_load(void **state)
{
    (void)state;
    CHECK({"i + «cast('abc' as int)", "this always fails: 'abc' is not an int, in 'cast('abc' as int)'"},
          {"round(d) + («9223372036854775807 + 1)", "this always fails: integer overflow in '9223372036854775807 + 1'"});
}

static void aggregates_are_checked(void **state)
{
    (void)state;
    CHECK(
        {"count(*)«",
         "count is an aggregate and needs a window: count(…) over w, or over (partition by … range 1h preceding)"},
        {"sum(«*) over hour", "only count takes *; sum takes a value"},
        {"sum(chargebacks.«*) over hour", "only count takes *; sum takes a value"},
        {"count(«distinct s) over hour", "distinct values can not be counted yet: count_distinct comes later"},
        {"min(i«, d) over hour", "min takes one value, over a window; of several values it is least(…)"},
        {"max(i«, d)", "max takes one value, over a window; of several values it is greatest(…)"},
        {"lag(i«, 2) over hour", "lag takes one value: that of the latest event before the newest of the window"},
        {"sum(«) over hour", "a value was expected, and ')' was met"},
        {"ln(d) «over hour",
         "ln is not an aggregate and has no window; the aggregates are count, sum, avg, min, max, stddev, var, first, last and lag"},
        {"sum(«s) over hour", "'s' is a string, and sum takes a number or a bool"},
        {"min(«s) over hour", "'s' is a string, and min takes a number or a time"},
        {"stddev(«b) over hour", "'b' is a bool, and stddev takes a number"},
        {"last(«null) over hour", "this is null, and last takes a value that has a type"},
        {"sum(d) filter (where «i) over hour", "'i' is an int, and a condition (bool) is needed here"},
        {"sum(d) filter («b) over hour", "where was expected, and 'b' was met"},
        {"count(*) over «hours", "there is no window 'hours'; the nearest name is 'hour'"},
        {"count(*) over «weekly",
         "there is no window 'weekly'; one can also be written here: over (partition by … range 1h preceding)"},
        {"count(*) over (partition «card_id)", "by was expected, and 'card_id' was met"},
        {"count(*) over (partition by card_id «order by ts)", "a window is by event time: leave order by out"},
        {"count(*) over («rows 5 preceding)", "windows are by time: range 1h preceding"},
        {"count(*) over (range «between 1h preceding)",
         "a range reads: range 1h preceding; without a range a window reaches over all events"},
        {"count(*) over (range «0s preceding)", "a range must be longer than 0"},
        {"count(*) over (range 1h«)", "preceding was expected, and ')' was met"},
        {"count(*) over (range «1fortnight preceding)",
         "'1fortnight' is not a duration: the unit is not known; write a whole number with a unit (us, ms, s, m, h, d or w), as in 90s or 1h30m"},
        {"count(*) over (partition by «nothing range 1h preceding)", "there is no 'nothing' in the input"},
        {"count(*) over (partition by i «range_ 1h preceding)", "',', range or ')' was expected, and 'range_' was met"},
        {"sum(«sum(d) over hour) over day", "an aggregate can not stand inside another"},
        {"sum(d) filter (where «count(*) over hour > 1) over day", "an aggregate can not stand inside another"},
        {"sum(«merchants[merchant_id].risk) over hour", "a table can not be looked up inside an aggregate"},
        {"count(*) over (partition by «merchants[merchant_id].seats)", "a window's key can not be looked up in a table"},
        {"count(*) over (partition by «count(*) over hour)", "a window's key can not be an aggregate"},
        {"count(«chargeback.*) over hour", "there is no stream 'chargeback'; the nearest name is 'chargebacks'"},
        {"sum(chargebacks.amount - «amount) over hour",
         "'amount' has no stream before it, and this aggregate looks at stream 'chargebacks': write chargebacks.amount"},
        {"sum(chargebacks.amount) filter (where «amount > 1) over hour",
         "'amount' has no stream before it, and this aggregate looks at stream 'chargebacks': write chargebacks.amount"},
        {"sum(chargebacks.fee + «arrivals.arr_delay) over hour",
         "an aggregate looks at one stream, and this one names 'chargebacks' and 'arrivals'"},
        {"count(chargebacks.*) filter (where «arrivals.arr_delay > 1) over hour",
         "an aggregate looks at one stream, and this one names 'chargebacks' and 'arrivals'"},
        {"sum(«chargebacks.amont) over hour",
         "there is no 'amont' in stream 'chargebacks'; the nearest name is 'amount'"},
        {"«chargebacks.amount * 2",
         "'chargebacks.amount' is of a stream, which is seen through an aggregate alone: last(chargebacks.amount) over …, say"},
        {"avg(«arrival.arr_delay) over hour",
         "there is no 'arrival.arr_delay' in the input; the nearest name is 'arrivals'"},
        {"count(chargebacks.*) over (partition by «number)",
         "'number' is an int in the input and a string in stream 'chargebacks': a window's key must be of one type"},
        {"count(arrivals.*) over (partition by «card_id)", "there is no 'card_id' in stream 'arrivals'"});
}

static void lookups_are_checked(void **state)
{
    (void)state;
    CHECK({"«merchants", "'merchants' is a table: write merchants[key].column"},
          {"«merchants[s]", "which column of the row? Write merchants[s].column"},
          {"«merchants[i].risk", "table 'merchants' has one key, a string"},
          {"«merchants[s].rsk", "table 'merchants' has no column 'rsk'"},
          {"«merchant[s].risk", "there is no table 'merchant'; of a list the brackets take a number: merchant[0]"},
          {"merchants[«s + 1].risk", "'s' is a string, and + takes numbers; || joins text"});
}

static void an_error_in_a_named_window_is_told_there(void **state)
{
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(world_compile(&world, "1 + count(chargebacks.*) over bad", LEAT_TYPE_NULL, &expr, &err), -1);
    assert_string_equal(err.text, "fn.yaml:7:22: there is no 'merchant_id' in stream 'chargebacks'\n"
                                  "  partition by merchant_id range 24h preceding\n"
                                  "               ^\n"
                                  "  in a window that 'count(chargebacks.*) over bad' looks through");
    world_done(&world);
}

static void what_a_scope_does_not_have_is_told(void **state)
{
    static const struct leat_expr_place place = {NULL, 1, 1};
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;

    (void)state;
    world_init(&world);
    world.scope.aggregate = NULL;
    world.scope.lookup = NULL;
    world.scope.what = "the output";
    assert_int_equal(leat_expr_compile(&world.scope, place, leat_bytes_of("count(*) over hour"), LEAT_TYPE_NULL,
                                       &world.arena, &expr, &err),
                     -1);
    assert_string_equal(err.text, "1:1: an aggregate can not be used in the output\n  count(*) over hour\n  ^");
    assert_int_equal(leat_expr_compile(&world.scope, place, leat_bytes_of("merchants[s].risk"), LEAT_TYPE_NULL,
                                       &world.arena, &expr, &err),
                     -1);
    assert_string_equal(err.text, "1:1: a table can not be used in the output\n  merchants[s].risk\n  ^");
    world_done(&world);
}

static void the_line_and_the_column_are_those_of_the_file(void **state)
{
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(world_compile(&world, "i +\n\n\tö + 1", LEAT_TYPE_NULL, &expr, &err), -1);
    assert_string_equal(err.text, "fn.yaml:25:2: there is no 'ö' in features\n  \tö + 1\n  \t^");
    world_done(&world);
}

static void a_long_line_is_cut_around_the_caret(void **state)
{
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;
    char text[400] = "";

    (void)state;
    for (int n = 0; n < 30; n++)
        strcat(text, n == 15 ? "zzzzzzz + " : "amount + ");
    strcat(text, "1");
    world_init(&world);
    assert_int_equal(world_compile(&world, text, LEAT_TYPE_NULL, &expr, &err), -1);
    assert_string_equal(
        err.text,
        "fn.yaml:23:150: there is no 'zzzzzzz' in features\n"
        "  …unt + amount + amount + amount + amount + amount + amount + zzzzzzz + amount + amount + amount + amount + "
        "amount + amoun…\n"
        "                                                               ^");
    world_done(&world);
}

/* ---- limits ---- */

static int compile_repeated(const char *head, const char *part, int times, const char *tail, struct leat_error *err)
{
    const struct leat_expr *expr;
    struct world world;
    size_t size = strlen(head) + strlen(part) * (size_t)times + strlen(tail) * (size_t)times + 16;
    char *text = leat_malloc(size);
    int status;

    strcpy(text, head);
    for (int n = 0; n < times; n++)
        memcpy(text + strlen(head) + (size_t)n * strlen(part), part, strlen(part) + 1);
    strcat(text, "i");
    for (int n = 0; n < times; n++)
        memcpy(text + strlen(head) + strlen(part) * (size_t)times + 1 + (size_t)n * strlen(tail), tail,
               strlen(tail) + 1);
    world_init(&world);
    status = world_compile(&world, text, LEAT_TYPE_NULL, &expr, err);
    world_done(&world);
    free(text);
    return status;
}

static void nesting_has_a_limit(void **state)
{
    struct leat_error err = {0};

    (void)state;
    assert_int_equal(compile_repeated("", "(", 100, ")", &err), 0);
    assert_int_equal(compile_repeated("", "(", 101, ")", &err), -1);
    assert_non_null(strstr(err.text, "the expression is nested deeper than 100 levels"));
    assert_int_equal(compile_repeated("", "abs(", 100, ")", &err), 0);
    assert_int_equal(compile_repeated("", "abs(", 101, ")", &err), -1);
    assert_int_equal(compile_repeated("", "- ", 101, "", &err), -1);
    assert_int_equal(compile_repeated("i = 1 and ", "not ", 99, "= 1", &err), -1);
    assert_int_equal(compile_repeated("", "case when b then ", 101, " end", &err), -1);
    assert_int_equal(compile_repeated("", "(", 3000, ")", &err), -1);
}

static void a_chain_has_a_limit(void **state)
{
    struct leat_error err = {0};

    (void)state;
    assert_int_equal(compile_repeated("", "i + ", 999, "", &err), 0);
    assert_int_equal(compile_repeated("", "i + ", 1000, "", &err), -1);
    assert_non_null(strstr(err.text, "no more than 1000 operations can hang together"));
}

static void the_text_has_a_limit(void **state)
{
    struct leat_error err = {0};

    (void)state;
    assert_int_equal(compile_repeated("", " ", LEAT_EXPR_TEXT_MAX - 1, "", &err), 0);
    assert_int_equal(compile_repeated("", " ", LEAT_EXPR_TEXT_MAX, "", &err), -1);
    assert_non_null(strstr(err.text, "the expression has 8193 bytes, and no more than 8192 are allowed"));
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(world_compile(&world, "'\xff'", LEAT_TYPE_NULL, &expr, &err), -1);
    assert_non_null(strstr(err.text, "the expression is not valid UTF-8"));
    world_done(&world);
}

static void a_window_says_what_is_wrong_with_it(void **state)
{
    static const struct leat_expr_place place = {"fn.yaml", 7, 9};
    static const struct {
        const char *text, *error;
    } table[] = {
        {"partition on a", "fn.yaml:7:19: by was expected, and 'on' was met\n  partition on a\n            ^"},
        {"card_id range 1h",
         "fn.yaml:7:9: partition by, range or the end was expected, and 'card_id' was met\n  card_id range 1h\n  ^"},
        {"partition by a range 1h",
         "fn.yaml:7:32: preceding was expected, and the text ends\n  partition by a range 1h\n                         ^"},
        {"range 1h preceding, b",
         "fn.yaml:7:27: the end was expected, and ',' was met\n  range 1h preceding, b\n                    ^"},
    };
    const struct leat_expr_window *window;
    struct leat_arena arena = {0};
    struct leat_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(leat_expr_window_parse(place, leat_bytes_of(table[i].text), &arena, &window, &err), -1);
        assert_string_equal(err.text, table[i].error);
    }
    assert_int_equal(leat_expr_window_parse(place, leat_bytes_of(""), &arena, &window, &err), 0);
    assert_int_equal(leat_expr_window_parse(place, leat_bytes_of("PARTITION BY a, b.c[0] RANGE 1h30m PRECEDING"),
                                            &arena, &window, &err),
                     0);
    leat_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_not_be_read_is_shown),
        cmocka_unit_test(names_that_are_not_there_are_told_with_the_nearest),
        cmocka_unit_test(functions_that_are_not_there_are_told_with_the_nearest),
        cmocka_unit_test(types_that_do_not_fit_are_told),
        cmocka_unit_test(a_type_that_is_needed_is_told),
        cmocka_unit_test(what_always_fails_is_found_at_load),
        cmocka_unit_test(aggregates_are_checked),
        cmocka_unit_test(lookups_are_checked),
        cmocka_unit_test(an_error_in_a_named_window_is_told_there),
        cmocka_unit_test(what_a_scope_does_not_have_is_told),
        cmocka_unit_test(the_line_and_the_column_are_those_of_the_file),
        cmocka_unit_test(a_long_line_is_cut_around_the_caret),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_chain_has_a_limit),
        cmocka_unit_test(the_text_has_a_limit),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(a_window_says_what_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
