/* What expressions give: tables of (expression, value), by the program and by its plain twin. */
#include "expr/expr.h"

#include "support/expr_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct expectation {
    const char *text, *value;
};

/* b is true, b2 is null; i = 7, i2 = -3, i3 is null; d = 2.5, d2 = -0.0, d3 is null; s = 'Kestrel', s2 is null;
 * t = 2013-07-08T12:34:56.789012Z, t2 is null. */
static void fill(struct leat_value *frame)
{
    int64_t t;
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        frame[i] = leat_value_null();
    leat_time_parse(leat_bytes_of("2013-07-08T12:34:56.789012Z"), &t);
    frame[0] = leat_value_int(1);
    frame[2] = leat_value_int(7);
    frame[3] = leat_value_int(-3);
    frame[5] = leat_value_double(2.5);
    frame[6] = leat_value_double(-0.0);
    frame[8] = leat_value_string(leat_bytes_of("Kestrel"));
    frame[10] = leat_value_int(t);
    frame[12] = leat_value_int(42);
    frame[13] = leat_value_int(13);
    frame[22] = leat_value_int(22);
    frame[23] = leat_value_int(23);
}

static void check(struct world *world, const struct leat_value *frame, const struct expectation *expected)
{
    struct leat_expr_scratch scratch = {.text = &(struct leat_arena){0}};
    struct leat_value value = {.null = 7}, twin = {.null = 7};
    struct leat_reason reason = {0}, twin_reason = {0};
    const struct leat_expr *expr;
    struct leat_error err = {0};
    char room[400];
    const char *met;
    int status;

    if (world_compile(world, expected->text, LEAT_TYPE_NULL, &expr, &err))
        fail_msg("%s", err.text);
    leat_expr_scratch_reserve(&scratch, leat_expr_registers(expr));
    status = leat_expr_eval(expr, frame, &scratch, &value, &reason);
    assert_int_equal(leat_expr_eval_tree(expr, frame, scratch.text, &twin, &twin_reason), status);
    if (status) {
        assert_string_equal(reason.text, twin_reason.text);
        assert_int_equal(reason.stage, LEAT_STAGE_FEATURE);
        met = reason.text;
    } else {
        if (!leat_value_same(leat_expr_type(expr), value, twin))
            fail_msg("%s: the program and the tree differ", expected->text);
        met = world_show(leat_expr_type(expr), value, room, sizeof room);
    }
    if (strcmp(met, expected->value) != 0)
        fail_msg("%s is %s, and %s was expected", expected->text, met, expected->value);
    leat_arena_done(scratch.text);
    leat_expr_scratch_done(&scratch);
}

static void check_all(const struct expectation *table, size_t count)
{
    struct leat_value frame[WORLD_SLOTS];
    struct world world;

    fill(frame);
    for (size_t i = 0; i < count; i++) {
        world_init(&world);
        check(&world, frame, &table[i]);
        world_done(&world);
    }
}
#define CHECK(...)                                               \
    do {                                                         \
        static const struct expectation table[] = {__VA_ARGS__}; \
        check_all(table, sizeof table / sizeof *table);          \
    } while (0)

static void literals_are_what_they_say(void **state)
{
    (void)state;
    CHECK({"1", "1"}, {"-1", "-1"}, {"- 1", "-1"}, {"-(1)", "-1"}, {"1.0", "1.0"}, {"1e3", "1000.0"},
          {"2.5e-1", "0.25"}, {"-0.0", "-0.0"}, {"9223372036854775807", "9223372036854775807"},
          {"-9223372036854775808", "-9223372036854775808"}, {"true", "true"}, {"FALSE", "false"}, {"Null", "null"},
          {"'it''s'", "'it's'"}, {"''", "''"}, {"timestamp '2013-01-01T00:00:00Z'", "2013-01-01T00:00:00Z"},
          {"TIMESTAMP '2013-01-01'", "2013-01-01T00:00:00Z"}, {"1 -- one\n + 2 -- two", "3"},
          {"1e308 * 10 is null", "true"});
}

static void names_are_columns(void **state)
{
    (void)state;
    CHECK({"i", "7"}, {"a.b[0]", "42"}, {"a . b [ 0 ]", "42"}, {"\"i\"", "7"}, {"\"odd name\"", "13"}, {"range", "22"},
          {"\"x.y\"", "23"}, {"transactions.i", "7"});
}

static void arithmetic_follows_sql(void **state)
{
    (void)state;
    CHECK({"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"10 - 4 - 3", "3"}, {"-i", "-7"}, {"- -i", "7"}, {"-i2", "3"},
          {"7 / 2", "3.5"}, {"8 / 2", "4.0"}, {"7 div 2", "3"}, {"-7 div 2", "-3"}, {"7 % 3", "1"}, {"-7 % 3", "-1"},
          {"7 % -3", "1"}, {"i + d", "9.5"}, {"i * 2.0", "14.0"}, {"d - 1", "1.5"}, {"-d", "-2.5"}, {"-d2", "0.0"},
          {"d2", "-0.0"}, {"d2 + 0", "0.0"}, {"i + i3", "null"}, {"d3 * 0", "null"}, {"null + 1", "null"},
          {"null + null", "null"}, {"-i3", "null"}, {"i - -3", "10"}, {"i--3\n", "7"});
}

static void what_is_no_number_is_null(void **state)
{
    (void)state;
    CHECK({"1 / 0", "null"}, {"i / 0", "null"}, {"0.0 / 0.0", "null"}, {"d / d2", "null"}, {"i div 0", "null"},
          {"i % 0", "null"}, {"mod(i, 0)", "null"}, {"mod(d, 0)", "null"}, {"ln(0)", "null"}, {"ln(-1)", "null"},
          {"ln(d2)", "null"}, {"sqrt(i2)", "null"}, {"exp(1000)", "null"}, {"power(-1, 0.5)", "null"},
          {"power(0, -1)", "null"}, {"1e308 + 1e308", "null"}, {"-1e308 - 1e308", "null"}, {"1e200 * 1e200", "null"},
          {"1e308 / 1e-10", "null"}, {"log10(0)", "null"}, {"log2(-2)", "null"});
}

static void an_int_that_overflows_is_a_reason(void **state)
{
    (void)state;
    CHECK({"i + 9223372036854775807", "integer overflow in 'i + 9223372036854775807'"},
          {"i2 - 9223372036854775807", "integer overflow in 'i2 - 9223372036854775807'"},
          {"i*9223372036854775807", "integer overflow in 'i * 9223372036854775807'"},
          {"-(i2 - 9223372036854775805)", "integer overflow in '-(i2 - 9223372036854775805)'"},
          {"(i2 - 9223372036854775805) div -1", "integer overflow in '(i2 - 9223372036854775805) div -1'"},
          {"(i2 - 9223372036854775805) div (6 - i)", "integer overflow in '(i2 - 9223372036854775805) div (6 - i)'"},
          {"(i2 - 9223372036854775805) % -1", "0"}, {"mod(i2 - 9223372036854775805, -1)", "0"},
          {"abs(i2 - 9223372036854775805)", "integer overflow in 'abs(i2 - 9223372036854775805)'"},
          {"i3 + 9223372036854775807", "null"}, {"i3 * 9223372036854775807", "null"},
          {"t + interval '36000d' + interval '36000d'", "2210-08-25T12:34:56.789012Z"},
          {"date_trunc('year', t) + interval '36500d' - interval '36500d'", "2013-01-01T00:00:00Z"});
}

static void a_time_beyond_the_calendar_is_a_reason(void **state)
{
    (void)state;
    CHECK({"case when i = 7 then timestamp '9999-12-31' + interval '1d' end",
           "the time leaves the years 1 to 9999 in 'timestamp '9999-12-31T00:00:00Z' + interval '1d''"},
          {"case when i = 7 then timestamp '0001-01-02' - interval '2d' end",
           "the time leaves the years 1 to 9999 in 'timestamp '0001-01-02T00:00:00Z' - interval '2d''"},
          {"t2 + interval '1h'", "null"}, {"null + interval '1h'", "null"});
}

static void comparisons_know_null(void **state)
{
    (void)state;
    CHECK({"1 = 1", "true"}, {"1 = 1.0", "true"}, {"1 <> 2", "true"}, {"1 != 1", "false"}, {"i < 8", "true"},
          {"i <= 7", "true"}, {"i > 7", "false"}, {"i >= 7", "true"}, {"d > i2", "true"}, {"d2 = 0", "true"},
          {"i3 = i3", "null"}, {"i3 <> 1", "null"}, {"null = null", "null"}, {"1 < null", "null"},
          {"s = 'Kestrel'", "true"}, {"s <> 'Kestrel'", "false"}, {"s < 'a'", "true"}, {"s > 'Kestre'", "true"},
          {"'' < 'a'", "true"}, {"'ab' < 'b'", "true"}, {"s2 = 'x'", "null"}, {"t > timestamp '2013-07-08'", "true"},
          {"t = t2", "null"}, {"b = true", "true"}, {"b <> b2", "null"}, {"false < true", "true"},
          {"i is null", "false"}, {"i3 is null", "true"}, {"i3 is not null", "false"}, {"(i3 = 1) is null", "true"},
          {"i3 = 1 is null", "true"});
}

static void logic_has_three_values(void **state)
{
    (void)state;
    CHECK({"true and true", "true"}, {"b and false", "false"}, {"b and b2", "null"}, {"b2 and b", "null"},
          {"b2 and false", "false"}, {"false and b2", "false"}, {"b2 and b2", "null"}, {"b or b2", "true"},
          {"b2 or b", "true"}, {"b2 or false", "null"}, {"false or b2", "null"}, {"b2 or b2", "null"},
          {"false or false", "false"}, {"not b", "false"}, {"not false", "true"}, {"not b2", "null"},
          {"not not b", "true"}, {"null and false", "false"}, {"null or true", "true"}, {"not null", "null"},
          {"b or b2 and false", "true"}, {"not b or b", "true"}, {"not b = b2", "null"},
          {"i > 1 and i < 10 and s like 'K%' and d > 1 and t > timestamp '2000-01-01'", "true"},
          {"b2 and cast(s as int) > 0", "'Kestrel' is not an int, in 'cast(s as int)'"});
}

static void membership_follows_sql(void **state)
{
    (void)state;
    CHECK({"i in (1, 7)", "true"}, {"i in (1, 2)", "false"}, {"i not in (1, 2)", "true"}, {"i in (1, null)", "null"},
          {"i in (7, null)", "true"}, {"i not in (7, null)", "false"}, {"i not in (1, null)", "null"},
          {"i3 in (1)", "null"}, {"i3 not in (1)", "null"}, {"null in (1)", "null"}, {"i in (null)", "null"},
          {"s in ('a', 'Kestrel', 'b')", "true"}, {"d in (1, 2.5)", "true"}, {"d2 in (0.0)", "true"},
          {"i in (i2, 7)", "true"}, {"i in (i2, i3)", "null"}, {"i in (i2, i + 1)", "false"}, {"i in (d, 7.0)", "true"},
          {"i in (7, cast(s as int))", "true"},
          {"i in (8, cast(s as int))", "'Kestrel' is not an int, in 'cast(s as int)'"},
          {"i in (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18)", "true"}, {"i between 1 and 7", "true"},
          {"i between 8 and 9", "false"}, {"i not between 8 and 9", "true"}, {"i3 between 1 and 2", "null"},
          {"i between i3 and 6", "false"}, {"i between i3 and 8", "null"}, {"i between 8 and i3", "false"},
          {"i not between 8 and i3", "true"}, {"i between 1 and i3", "null"}, {"i between 1.5 and d + 5", "true"},
          {"i between 8 and cast(s as int)", "false"},
          {"t between timestamp '2013-01-01' and timestamp '2014-01-01'", "true"}, {"b in (true, false)", "true"});
}

static void like_has_two_wildcards(void **state)
{
    (void)state;
    CHECK({"s like 'Kestrel'", "true"}, {"s like 'K%'", "true"}, {"s like '%el'", "true"}, {"s like '%str%'", "true"},
          {"s like 'k%'", "false"}, {"s like '_______'", "true"}, {"s like '______'", "false"}, {"s like '%'", "true"},
          {"s like ''", "false"}, {"'' like ''", "true"}, {"'' like '%'", "true"}, {"'' like '_'", "false"},
          {"s not like '%x%'", "true"}, {"s like s2", "null"}, {"s2 not like 'a'", "null"},
          {"'Zürich' like 'Z_rich'", "true"}, {"'aXbXc' like 'a%X%c'", "true"}, {"'aaab' like '%aab'", "true"},
          {"'abc' like 'a%b'", "false"}, {"'100%' like '100%'", "true"}, {"'mississippi' like '%iss%ip%i'", "true"},
          {"s like lower('KES') || '%'", "false"});
}

static void case_takes_the_first_that_is_true(void **state)
{
    (void)state;
    CHECK({"case when i = 7 then 'seven' else 'other' end", "'seven'"}, {"case when i3 = 7 then 1 else 2 end", "2"},
          {"case when b2 then 1 end", "null"}, {"case i when 1 then 'a' when 7 then 'b' else 'c' end", "'b'"},
          {"case i3 when null then 1 else 2 end", "2"}, {"case i when 7.0 then 1 else 2.5 end", "1.0"},
          {"case when i > 5 then 1 when i > 6 then 2 end", "1"}, {"case when b then null else 1 end", "null"},
          {"case when b then null end", "null"}, {"case when false then 1 when null then 2 end", "null"},
          {"case when i = 8 then cast(s as int) else i end", "7"},
          {"case when i = 7 then i else cast(s as int) end", "7"},
          {"case when i = 7 then cast(s as int) end", "'Kestrel' is not an int, in 'cast(s as int)'"},
          {"case s when 'x' then 1 when upper('Kestrel') then 2 when 'Kestrel' then 3 end", "3"},
          {"case when i > 0 then case when i > 5 then 'big' else 'small' end else 'none' end", "'big'"},
          {"case length(s) + i when 13 then 'no' when 14 then lower(s) || '!' else cast(s as string) end", "'kestrel!'"},
          {"case i + 1 when 8 then case i - 1 when 6 then i * 2 end else i * 3 end", "14"});
}

static void the_untaken_side_does_not_fail(void **state)
{
    (void)state;
    CHECK({"i = 8 and cast(s as int) > 0", "false"}, {"i = 7 or cast(s as int) > 0", "true"},
          {"coalesce(i, cast(s as int))", "7"},
          {"coalesce(i3, cast(s as int))", "'Kestrel' is not an int, in 'cast(s as int)'"},
          {"case when true then 1 else cast('x' as int) end", "1"}, {"false and 9223372036854775807 + 1 > 0", "false"},
          {"i = 7 and (i = 8 and cast(s as int) > 0 or b)", "true"},
          {"cast(s as int) > 0 and i = 8", "'Kestrel' is not an int, in 'cast(s as int)'"});
}

static void nulls_are_replaced(void **state)
{
    (void)state;
    CHECK({"coalesce(i3, 5)", "5"}, {"coalesce(i, 5)", "7"}, {"coalesce(i3, d)", "2.5"}, {"coalesce(i, d)", "7.0"},
          {"coalesce(null, null)", "null"}, {"coalesce(s2, s)", "'Kestrel'"}, {"coalesce(i3, i3, i2)", "-3"},
          {"coalesce(i)", "7"}, {"nullif(i, 7)", "null"}, {"nullif(i, 8)", "7"}, {"nullif(i, 7.0)", "null"},
          {"nullif(d, 2)", "2.5"}, {"nullif(i3, 7)", "null"}, {"nullif(i, i3)", "7"}, {"nullif(s, '')", "'Kestrel'"},
          {"nullif(i, null)", "7"}, {"nullif(null, 1)", "null"}, {"least(3, 1, 2)", "1"}, {"least(i, i3, i2)", "-3"},
          {"greatest(i, d)", "7.0"}, {"greatest(i3, i3)", "null"}, {"least(s, 'A')", "'A'"},
          {"greatest(s, s2, 'A')", "'Kestrel'"}, {"least(d2, 0.0)", "-0.0"}, {"greatest(0.0, d2)", "0.0"},
          {"least(t, t2)", "2013-07-08T12:34:56.789012Z"}, {"greatest(true, false)", "true"});
}

static void casts_convert(void **state)
{
    (void)state;
    CHECK({"cast('12' as int)", "12"}, {"cast(' 12 ' as integer)", "12"}, {"cast('1.5' as double)", "1.5"},
          {"cast(i as string)", "'7'"}, {"cast(d as string)", "'2.5'"}, {"cast(3.0 as text)", "'3'"},
          {"cast(b as varchar)", "'true'"}, {"cast(t as string)", "'2013-07-08T12:34:56.789012Z'"},
          {"cast('2013-07-08' as timestamp)", "2013-07-08T00:00:00Z"}, {"cast(d as int)", "2"},
          {"cast(3.5 as int)", "4"}, {"cast(-2.5 as int)", "-2"}, {"cast(i as double)", "7.0"}, {"cast(b as int)", "1"},
          {"cast(b as double)", "1.0"}, {"cast(i as bool)", "true"}, {"cast(0 as boolean)", "false"},
          {"cast('TRUE' as bool)", "true"}, {"cast(i3 as string)", "null"}, {"cast(null as int)", "null"},
          {"cast(s2 as int)", "null"}, {"try_cast(s as int)", "null"}, {"try_cast('7' as int)", "7"},
          {"try_cast('1e999' as double)", "null"}, {"try_cast('nan' as double)", "null"},
          {"try_cast('maybe' as bool)", "null"}, {"try_cast('soon' as timestamp)", "null"},
          {"try_cast(1e300 as int)", "null"}, {"try_cast(9223372036854775808.0 as int)", "null"},
          {"try_cast(-9223372036854775808.0 as int)", "-9223372036854775808"},
          {"cast(d * 1e300 as int)", "2.5e+300 is not an int, in 'cast(d * 1e+300 as int)'"},
          {"cast(s as double)", "'Kestrel' is not a double, in 'cast(s as double)'"},
          {"cast(s || ' and a tail that is longer than the forty bytes' as timestamp)",
           "'Kestrel and a tail that is longer than t…' is not a time, in 'cast(s || ' and a tail that is longer than the "
           "forty bytes' as timestamp)'"});
}

static void numbers_have_functions(void **state)
{
    (void)state;
    CHECK({"abs(i2)", "3"}, {"abs(-2.5)", "2.5"}, {"abs(d2)", "0.0"}, {"ceil(d)", "3.0"}, {"ceil(i)", "7"},
          {"floor(-2.5)", "-3.0"}, {"round(2.5)", "3.0"}, {"round(-2.5)", "-3.0"}, {"round(2.4567, 2)", "2.46"},
          {"round(1234.5, -2)", "1200.0"}, {"round(i)", "7"}, {"round(i, 1)", "7.0"}, {"round(1e300, 10)", "1e+300"},
          {"round(d, 23)", "null"}, {"round(d, i3)", "null"}, {"trunc(-2.9)", "-2.0"}, {"sqrt(16)", "4.0"},
          {"exp(0)", "1.0"}, {"ln(1)", "0.0"}, {"log10(1000)", "3.0"}, {"log2(8)", "3.0"}, {"power(2, 10)", "1024.0"},
          {"sign(i2)", "-1"}, {"sign(0.0)", "0"}, {"sign(d)", "1"}, {"mod(i, 4)", "3"}, {"mod(-7.5, 2)", "-1.5"},
          {"sin(0)", "0.0"}, {"cos(0)", "1.0"}, {"tan(0)", "0.0"}, {"atan2(0, 1)", "0.0"},
          {"round(degrees(radians(90)))", "90.0"}, {"sqrt(i3)", "null"}, {"power(i, i3)", "null"},
          {"haversine(0, 0, 0, 0)", "0.0"}, {"round(haversine(0, 0, 0, 180), 3)", "20015.114"},
          {"haversine(0, d3, 0, 0)", "null"}, {"round(haversine(40.6413, -73.7781, 33.9416, -118.4085))", "3974.0"},
          {"ABS(i2)", "3"});
}

static void text_has_functions(void **state)
{
    (void)state;
    CHECK({"s || '!'", "'Kestrel!'"}, {"s || s2", "null"}, {"'' || ''", "''"}, {"'a' || 'b' || 'c'", "'abc'"},
          {"length(s)", "7"}, {"length('Zürich')", "6"}, {"length('')", "0"}, {"lower(s)", "'kestrel'"},
          {"upper(s)", "'KESTREL'"}, {"upper('zürich')", "'ZüRICH'"}, {"trim('  a b ')", "'a b'"},
          {"ltrim('  a ')", "'a '"}, {"rtrim(' a  ')", "' a'"}, {"trim('   ')", "''"}, {"substr(s, 2)", "'estrel'"},
          {"substr(s, 2, 3)", "'est'"}, {"substr(s, 0, 2)", "'K'"}, {"substr(s, -5)", "'Kestrel'"},
          {"substr(s, -5, 7)", "'K'"}, {"substr(s, 8)", "''"}, {"substr(s, 100, 5)", "''"}, {"substr(s, 2, 0)", "''"},
          {"substr(s, 2, -1)", "''"}, {"substr('Zürich', 2, 2)", "'ür'"},
          {"substr(s, 2, 9223372036854775807)", "'estrel'"},
          {"substr(s, -9223372036854775808, 9223372036854775807)", "''"},
          {"substr(s, -9223372036854775808, -9223372036854775808)", "''"}, {"replace(s, 'e', 'ee')", "'Keestreel'"},
          {"replace(s, '', 'x')", "'Kestrel'"}, {"replace(s, 'Kestrel', '')", "''"},
          {"replace(s, 'x', 'y')", "'Kestrel'"}, {"replace('aaa', 'aa', 'b')", "'ba'"}, {"starts_with(s, 'Ke')", "true"},
          {"starts_with(s, '')", "true"}, {"starts_with(s, 'Kestrels')", "false"}, {"ends_with(s, 'rel')", "true"},
          {"ends_with(s, 'x')", "false"}, {"contains(s, 'str')", "true"}, {"contains(s, '')", "true"},
          {"contains('', 'a')", "false"}, {"contains(s, s2)", "null"}, {"split_part('a/b/c', '/', 2)", "'b'"},
          {"split_part('a/b/c', '/', 3)", "'c'"}, {"split_part('a/b/c', '/', 4)", "''"},
          {"split_part('a/b/c', '/', 0)", "null"}, {"split_part('abc', '', 1)", "'abc'"},
          {"split_part('abc', '', 2)", "''"}, {"split_part('a//b', '/', 2)", "''"});
}

static void times_have_parts(void **state)
{
    (void)state;
    CHECK({"year(t)", "2013"}, {"month(t)", "7"}, {"day(t)", "8"}, {"hour(t)", "12"}, {"minute(t)", "34"},
          {"second(t)", "56"}, {"millisecond(t)", "789"}, {"day_of_week(t)", "0"}, {"day_of_year(t)", "189"},
          {"minute_of_day(t)", "754"}, {"extract(hour from t)", "12"}, {"EXTRACT(Day_of_week FROM t)", "0"},
          {"epoch(timestamp '1970-01-01T00:00:01.5Z')", "1.5"},
          {"extract(epoch from timestamp '1969-12-31T23:59:59Z')", "-1.0"},
          {"hour(timestamp '1969-12-31T23:59:59.999Z')", "23"},
          {"millisecond(timestamp '1969-12-31T23:59:59.999Z')", "999"}, {"day_of_week(timestamp '1969-12-29')", "0"},
          {"date_trunc('second', t)", "2013-07-08T12:34:56Z"}, {"date_trunc('minute', t)", "2013-07-08T12:34:00Z"},
          {"date_trunc('hour', t)", "2013-07-08T12:00:00Z"}, {"date_trunc('day', t)", "2013-07-08T00:00:00Z"},
          {"date_trunc('week', timestamp '2013-07-14T23:00:00Z')", "2013-07-08T00:00:00Z"},
          {"date_trunc('month', t)", "2013-07-01T00:00:00Z"},
          {"date_trunc('quarter', timestamp '2013-12-31')", "2013-10-01T00:00:00Z"},
          {"date_trunc('year', timestamp '1969-12-31T23:00:00Z')", "1969-01-01T00:00:00Z"}, {"year(t2)", "null"},
          {"seconds_between(timestamp '2013-01-01', timestamp '2013-01-01T00:01:00.5Z')", "60.5"},
          {"seconds_between(t, t2)", "null"}, {"t + interval '1h'", "2013-07-08T13:34:56.789012Z"},
          {"interval '1h30m' + t", "2013-07-08T14:04:56.789012Z"}, {"t - interval '1d'", "2013-07-07T12:34:56.789012Z"},
          {"t - interval '1d' < t", "true"});
}

static void hashes_are_stable(void **state)
{
    (void)state;
    CHECK(
        {"hash('a', 1)", "0"}, {"hash(s, 0)", "null"}, {"hash(s, -5)", "null"}, {"hash(s2, 10)", "null"},
        {"hash(s, 1000000)", "416633"}, {"hash(7, 1000000) = hash(i, 1000000)", "true"},
        {"hash(d2, 1000) = hash(0.0, 1000)", "true"}, {"hash(t, 9223372036854775807) >= 0", "true"},
        {"hash(b, 1000000)", "114999"},
        {"hash(replace('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'a', s), 1000000)",
         "436930"});
}

static void a_wanted_double_is_made_of_an_int(void **state)
{
    const struct leat_expr *expr;
    struct leat_error err = {0};
    struct world world;
    size_t slot = 99;

    (void)state;
    world_init(&world);
    assert_int_equal(world_compile(&world, "i + 1", LEAT_TYPE_DOUBLE, &expr, &err), 0);
    assert_int_equal(leat_expr_type(expr), LEAT_TYPE_DOUBLE);
    assert_string_equal(leat_expr_text(expr), "i + 1");
    assert_int_equal(world_compile(&world, "null", LEAT_TYPE_TIME, &expr, &err), 0);
    assert_int_equal(leat_expr_type(expr), LEAT_TYPE_TIME);
    assert_int_equal(world_compile(&world, "( i )", LEAT_TYPE_INT, &expr, &err), 0);
    assert_true(leat_expr_is_slot(expr, &slot));
    assert_int_equal(slot, 2);
    assert_int_equal(world_compile(&world, "i", LEAT_TYPE_DOUBLE, &expr, &err), 0);
    assert_false(leat_expr_is_slot(expr, &slot));
    assert_int_equal(world_compile(&world, "1", LEAT_TYPE_INT, &expr, &err), 0);
    assert_false(leat_expr_is_slot(expr, &slot));
    assert_int_equal(leat_expr_registers(expr), 0);
    world_done(&world);
}

static void a_long_list_is_searched_from_left_to_right(void **state)
{
    struct leat_value frame[WORLD_SLOTS];
    struct expectation expected = {NULL, "true"};
    char text[4000] = "i in (";
    struct world world;

    (void)state;
    fill(frame);
    for (int n = 0; n < 100; n++)
        sprintf(text + strlen(text), "try_cast(s as int), i + %d, ", n + 1);
    strcat(text, "i2 + 10, cast(s as int))");
    expected.text = text;
    world_init(&world);
    check(&world, frame, &expected);
    world_done(&world);
    memcpy(strstr(text, "i2 + 10"), "i2 + 11", 7);
    expected.value = "'Kestrel' is not an int, in 'cast(s as int)'";
    world_init(&world);
    check(&world, frame, &expected);
    world_done(&world);
}

/* Every example of the reference is true (or an aggregate that compiles). */
static void the_examples_of_the_reference_are_true(void **state)
{
    const struct leat_expr_function_help *help;
    size_t count;

    (void)state;
    help = leat_expr_functions(&count);
    assert_true(count > 50);
    for (size_t i = 0; i < count; i++) {
        struct expectation expected = {help[i].example, "true"};
        assert_true(help[i].name && help[i].arguments && help[i].result && help[i].summary);
        check_all(&expected, 1);
    }
    help = leat_expr_aggregates(&count);
    assert_int_equal(count, LEAT_AGGREGATE_KINDS);
    for (size_t i = 0; i < count; i++) {
        struct expectation expected = {help[i].example, "null"};
        check_all(&expected, 1);
        assert_string_equal(help[i].name, leat_aggregate_name((enum leat_aggregate_kind)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_what_they_say),
        cmocka_unit_test(names_are_columns),
        cmocka_unit_test(arithmetic_follows_sql),
        cmocka_unit_test(what_is_no_number_is_null),
        cmocka_unit_test(an_int_that_overflows_is_a_reason),
        cmocka_unit_test(a_time_beyond_the_calendar_is_a_reason),
        cmocka_unit_test(comparisons_know_null),
        cmocka_unit_test(logic_has_three_values),
        cmocka_unit_test(membership_follows_sql),
        cmocka_unit_test(like_has_two_wildcards),
        cmocka_unit_test(case_takes_the_first_that_is_true),
        cmocka_unit_test(the_untaken_side_does_not_fail),
        cmocka_unit_test(nulls_are_replaced),
        cmocka_unit_test(casts_convert),
        cmocka_unit_test(numbers_have_functions),
        cmocka_unit_test(text_has_functions),
        cmocka_unit_test(times_have_parts),
        cmocka_unit_test(hashes_are_stable),
        cmocka_unit_test(a_wanted_double_is_made_of_an_int),
        cmocka_unit_test(a_long_list_is_searched_from_left_to_right),
        cmocka_unit_test(the_examples_of_the_reference_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
