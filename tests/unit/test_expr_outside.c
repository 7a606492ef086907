/* What an expression hands to its scope: aggregates with their parts, lookups with their keys; and the canonical text. */
#include "expr/expr.h"

#include "support/expr_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct leat_expr *compiled(struct world *world, const char *text)
{
    const struct leat_expr *expr;
    struct leat_error err = {0};
    if (world_compile(world, text, LEAT_TYPE_NULL, &expr, &err))
        fail_msg("%s", err.text);
    return expr;
}

static const struct leat_expr_aggregate *aggregate_of(struct world *world, const char *text)
{
    const struct leat_expr *expr = compiled(world, text);
    size_t slot;
    assert_true(leat_expr_is_slot(expr, &slot));
    assert_non_null(world->aggregates[slot]);
    assert_int_equal(leat_expr_type(expr), world->aggregates[slot]->type);
    return world->aggregates[slot];
}

static void an_aggregate_over_the_input_has_its_parts(void **state)
{
    const struct leat_expr_aggregate *aggregate;
    struct world world;
    size_t slot;

    (void)state;
    world_init(&world);
    aggregate = aggregate_of(&world, "sum(amount) filter (where channel = 'web') over day");
    assert_int_equal(aggregate->kind, LEAT_AGGREGATE_SUM);
    assert_int_equal(aggregate->stream, 0);
    assert_int_equal(aggregate->type, LEAT_TYPE_DOUBLE);
    assert_int_equal(aggregate->range, 24 * LEAT_HOUR);
    assert_true(leat_expr_is_slot(aggregate->argument, &slot));
    assert_int_equal(slot, 15);
    assert_string_equal(leat_expr_text(aggregate->filter), "channel = 'web'");
    assert_int_equal(leat_expr_type(aggregate->filter), LEAT_TYPE_BOOL);
    assert_int_equal(aggregate->key_count, 1);
    assert_string_equal(leat_expr_text(aggregate->stream_key[0]), "card_id");
    assert_true(leat_expr_is_slot(aggregate->input_key[0], &slot));
    assert_int_equal(slot, 14);
    world_done(&world);
}

static void an_aggregate_over_a_stream_reads_that_streams_columns(void **state)
{
    const struct leat_expr_aggregate *aggregate;
    struct world world;
    size_t slot;

    (void)state;
    world_init(&world);
    aggregate = aggregate_of(&world,
                             "max(chargebacks.amount - chargebacks.fee) filter (where chargebacks.fee > 0) over hour");
    assert_int_equal(aggregate->stream, 1);
    assert_string_equal(leat_expr_text(aggregate->argument), "amount - fee");
    assert_string_equal(leat_expr_text(aggregate->filter), "fee > 0");
    assert_true(leat_expr_is_slot(aggregate->stream_key[0], &slot));
    assert_int_equal(slot, 0);
    assert_true(leat_expr_is_slot(aggregate->input_key[0], &slot));
    assert_int_equal(slot, 14);

    aggregate = aggregate_of(&world, "count(chargebacks.*) over (partition by card_id range 30d preceding)");
    assert_int_equal(aggregate->stream, 1);
    assert_null(aggregate->argument);
    assert_null(aggregate->filter);
    assert_int_equal(aggregate->range, 30 * LEAT_DAY);

    aggregate = aggregate_of(&world, "count(*) filter (where arrivals.arr_delay > 15) over (partition by origin, tail)");
    assert_int_equal(aggregate->stream, 2);
    assert_int_equal(aggregate->key_count, 2);
    assert_int_equal(aggregate->range, LEAT_RANGE_NONE);

    aggregate = aggregate_of(&world, "sum(transactions.amount) over ()");
    assert_int_equal(aggregate->stream, 0);
    assert_int_equal(aggregate->key_count, 0);
    world_done(&world);
}

static void aggregates_have_types(void **state)
{
    static const struct {
        const char *text;
        enum leat_type type;
    } table[] = {
        {"count(*) over hour", LEAT_TYPE_INT},      {"count(s) over hour", LEAT_TYPE_INT},
        {"sum(i) over hour", LEAT_TYPE_INT},        {"sum(b) over hour", LEAT_TYPE_INT},
        {"sum(d) over hour", LEAT_TYPE_DOUBLE},     {"avg(i) over hour", LEAT_TYPE_DOUBLE},
        {"avg(b) over hour", LEAT_TYPE_DOUBLE},     {"min(t) over hour", LEAT_TYPE_TIME},
        {"max(i) over hour", LEAT_TYPE_INT},        {"stddev(i) over hour", LEAT_TYPE_DOUBLE},
        {"var(d) over hour", LEAT_TYPE_DOUBLE},     {"first(s) over hour", LEAT_TYPE_STRING},
        {"LAST(b) over hour", LEAT_TYPE_BOOL},      {"lag(t) over hour", LEAT_TYPE_TIME},
        {"sum(null + 1) over hour", LEAT_TYPE_INT}, {"min(i + 0.5) over hour", LEAT_TYPE_DOUBLE},
    };
    struct world world;

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(aggregate_of(&world, table[i].text)->type, table[i].type);
    world_done(&world);
}

static void aggregates_and_lookups_are_values_among_others(void **state)
{
    struct leat_expr_scratch scratch = {.text = &(struct leat_arena){0}};
    struct leat_value frame[WORLD_SLOTS] = {{{0}, 0, 0}}, value;
    struct leat_reason reason;
    const struct leat_expr *expr;
    struct world world;

    (void)state;
    world_init(&world);
    expr = compiled(&world, "count(*) over hour - count(chargebacks.*) over hour + merchants[merchant_id].risk");
    assert_int_equal(world.slots, WORLD_COLUMNS + 3);
    frame[WORLD_COLUMNS] = leat_value_int(10);
    frame[WORLD_COLUMNS + 1] = leat_value_int(3);
    frame[WORLD_COLUMNS + 2] = leat_value_double(0.5);
    leat_expr_scratch_reserve(&scratch, leat_expr_registers(expr));
    assert_int_equal(leat_expr_eval(expr, frame, &scratch, &value, &reason), 0);
    assert_true(value.as.d == 7.5);
    assert_string_equal(world.lookups[WORLD_COLUMNS + 2], "merchants[merchant_id].risk");
    leat_expr_scratch_done(&scratch);
    world_done(&world);
}

static void the_key_of_a_lookup_is_an_expression(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    compiled(&world, "merchants[lower(merchant_id)].risk");
    compiled(&world, "merchants[coalesce(merchants[merchant_id].country, 'x')].seats");
    compiled(&world, "merchants[last(chargebacks.card_id) over hour].seats");
    assert_string_equal(world.lookups[WORLD_COLUMNS], "merchants[lower(merchant_id)].risk");
    assert_string_equal(world.lookups[WORLD_COLUMNS + 1], "merchants[merchant_id].country");
    assert_string_equal(world.lookups[WORLD_COLUMNS + 2],
                        "merchants[coalesce(merchants[merchant_id].country, 'x')].seats");
    assert_non_null(world.aggregates[WORLD_COLUMNS + 3]);
    world_done(&world);
}

/* The second column is the canonical text, which reads back to itself. */
static void the_text_is_canonical(void **state)
{
    static const struct {
        const char *text, *canonical;
    } table[] = {
        {"i+1*2", "i + 1 * 2"},
        {"(i+1)*2", "(i + 1) * 2"},
        {"((i))", "i"},
        {"i-(i2-i3)", "i - (i2 - i3)"},
        {"(i-i2)-i3", "i - i2 - i3"},
        {"i - -1", "i - -1"},
        {"-(-i)", "-(-i)"},
        {"- - i", "-(-i)"},
        {"-(-1)", "1"},
        {"-(i + 1)", "-(i + 1)"},
        {"NOT (b AND b2) OR b", "not (b and b2) or b"},
        {"not (not b)", "not not b"},
        {"(not b) = b2", "(not b) = b2"},
        {"b and (b2 and b)", "b and (b2 and b)"},
        {"(i = 1) IS NOT NULL", "i = 1 is not null"},
        {"(i is null) = b", "(i is null) = b"},
        {"i != 1", "i <> 1"},
        {"i in(1,2)", "i in (1, 2)"},
        {"not i in (1)", "not i in (1)"},
        {"i NOT IN (1)", "i not in (1)"},
        {"s LIKE 'a' || 'b'", "s like 'a' || 'b'"},
        {"(i between 1 and 2) and b", "i between 1 and 2 and b"},
        {"i between (1) and (2 + 3)", "i between 1 and 2 + 3"},
        {"b between (b and b2) and b", "b between (b and b2) and b"},
        {"1.0", "1.0"},
        {"1e3", "1000.0"},
        {"1e300", "1e+300"},
        {"-0.0", "-0.0"},
        {"'it''s'", "'it''s'"},
        {"\"odd name\" + \"i\"", "\"odd name\" + i"},
        {"\"x.y\"", "\"x.y\""},
        {"a.b[0]", "a.b[0]"},
        {"transactions.i", "i"},
        {"timestamp '2013-01-01'", "timestamp '2013-01-01T00:00:00Z'"},
        {"interval '90m' + t", "t + interval '1h30m'"},
        {"extract(HOUR from t)", "hour(t)"},
        {"CAST(i AS text)", "cast(i as string)"},
        {"try_cast(s as timestamp)", "try_cast(s as timestamp)"},
        {"case i when 1 then 'a' end", "case i when 1 then 'a' end"},
        {"CASE WHEN b THEN 1 ELSE 2.5 END", "case when b then 1 else 2.5 end"},
        {"COALESCE(i,d)", "coalesce(i, d)"},
        {"Sum(i) Filter(Where b) Over hour", "sum(i) filter (where b) over (partition by card_id range 1h preceding)"},
        {"count(*) over()", "count(*) over ()"},
        {"count(*) over (range 60m preceding)", "count(*) over (range 1h preceding)"},
        {"count(chargebacks.*) over day", "count(chargebacks.*) over (partition by card_id range 1d preceding)"},
        {"count(transactions.*) over (partition by \"card_id\")", "count(*) over (partition by card_id)"},
        {"max(chargebacks.amount) over day", "max(chargebacks.amount) over (partition by card_id range 1d preceding)"},
        {"last(transactions.d) over day", "last(d) over (partition by card_id range 1d preceding)"},
        {"merchants [ s ] . risk", "merchants[s].risk"},
    };
    struct world world;

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct leat_expr *expr = compiled(&world, table[i].text);
        assert_string_equal(leat_expr_text(expr), table[i].canonical);
        assert_string_equal(leat_expr_text(compiled(&world, leat_expr_text(expr))), table[i].canonical);
    }
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_aggregate_over_the_input_has_its_parts),
        cmocka_unit_test(an_aggregate_over_a_stream_reads_that_streams_columns),
        cmocka_unit_test(aggregates_have_types),
        cmocka_unit_test(aggregates_and_lookups_are_values_among_others),
        cmocka_unit_test(the_key_of_a_lookup_is_an_expression),
        cmocka_unit_test(the_text_is_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
