/* Random expressions over the columns of expr_world.h: well typed, of bounded depth, with all operators and functions,
 * and random values for the columns that lean to the borders. Seeded: the same seed gives the same. */
#ifndef LEAT_TESTS_EXPR_RANDOM_H
#define LEAT_TESTS_EXPR_RANDOM_H

#include "support/expr_world.h"

struct generator {
    uint64_t state;
    struct leat_buffer out;
};

static inline uint32_t random_below(struct generator *g, uint32_t n)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (uint32_t)((g->state >> 32) % n);
}

#define ONE_OF(g, list) list[random_below(g, sizeof(list) / sizeof *(list))]

/* clang-format off */
/* '%' stands for a part: %b %i %d %s %t are expressions of that type, %% is a percent sign. */
static const char *const random_bools[] = {
    "(%b and %b)", "(%b or %b)", "(not %b)", "(%i = %i)", "(%d <> %d)", "(%i < %d)", "(%d >= %i)", "(%s = %s)",
    "(%s < %s)", "(%s >= %s)", "(%t > %t)", "(%t <= %t)", "(%b = %b)", "(%b is null)", "(%i is not null)",
    "(%s is null)", "(%d is null)", "(%i in (%i, %i, %i))", "(%i not in (1, 2, null, -3))", "(%d in (0, 1.5, 2, 1e300))",
    "(%s in ('a', 'b', '', 'Kestrel', 'zz'))", "(%s not in (%s, %s))", "(%t in (%t))", "(%i between %i and %i)",
    "(%d not between %d and %i)", "(%s between %s and %s)", "(%s like 'K%%')", "(%s not like '%%_e%%')",
    "(%s like %s)", "starts_with(%s, %s)", "ends_with(%s, %s)", "contains(%s, %s)", "cast(%i as bool)",
    "try_cast(%s as bool)", "case when %b then %b else %b end", "coalesce(%b, %b)", "nullif(%b, %b)",
    "greatest(%b, %b)", "case %i when %i then %b when %d then %b end", "(%b and %b and %b)", "(%b or %b or %b)",
};
static const char *const random_ints[] = {
    "(%i + %i)", "(%i - %i)", "(%i * %i)", "(%i div %i)", "(%i %% %i)", "(- %i)", "abs(%i)", "sign(%i)", "sign(%d)",
    "mod(%i, %i)", "ceil(%i)", "round(%i)", "length(%s)", "year(%t)", "month(%t)", "day(%t)", "hour(%t)", "minute(%t)",
    "second(%t)", "millisecond(%t)", "day_of_week(%t)", "day_of_year(%t)", "minute_of_day(%t)",
    "extract(month from %t)", "hash(%s, %i)", "hash(%i, 100)", "hash(%d, 7)", "hash(%t, %i)", "hash(%b, 2)",
    "cast(%d as int)", "try_cast(%d as int)", "cast(%b as int)", "try_cast(%s as int)", "cast(%s as int)",
    "case when %b then %i else %i end", "case when %b then %i when %b then %i end", "case %s when %s then %i else %i end",
    "coalesce(%i, %i)", "coalesce(%i, %i, %i)", "nullif(%i, %i)", "nullif(%i, %d)", "least(%i, %i)",
    "greatest(%i, %i, %i)",
};
static const char *const random_doubles[] = {
    "(%d + %d)", "(%d - %d)", "(%d * %d)", "(%d / %d)", "(%i / %i)", "(%i + %d)", "(%d * %i)", "(- %d)", "abs(%d)",
    "ceil(%d)", "floor(%d)", "round(%d)", "round(%d, %i)", "round(%d, 2)", "trunc(%d)", "sqrt(%d)", "exp(%d)",
    "ln(%d)", "log10(%d)", "log2(%d)", "power(%d, %d)", "mod(%d, %d)", "sin(%d)", "cos(%d)", "tan(%d)",
    "atan2(%d, %d)", "radians(%d)", "degrees(%d)", "haversine(%d, %d, %d, %d)", "epoch(%t)", "seconds_between(%t, %t)",
    "cast(%i as double)", "cast(%b as double)", "try_cast(%s as double)", "cast(%s as double)",
    "case when %b then %d else %i end", "case when %b then %i when %b then %d end", "coalesce(%d, %i)",
    "coalesce(%d, %d, %d)", "nullif(%d, %d)", "nullif(%d, %i)", "least(%d, %d)", "greatest(%d, %i, %d)",
};
static const char *const random_strings[] = {
    "(%s || %s)", "(%s || '-' || %s)", "lower(%s)", "upper(%s)", "trim(%s)", "ltrim(%s)", "rtrim(%s)", "substr(%s, %i)",
    "substr(%s, %i, %i)", "substr(%s, 2, 3)", "replace(%s, %s, %s)", "replace(%s, 'e', 'ee')", "split_part(%s, %s, %i)",
    "split_part(%s, 'e', 2)", "cast(%i as string)", "cast(%d as string)", "cast(%b as string)", "cast(%t as string)",
    "case when %b then %s else %s end", "case %i when 1 then %s else %s end", "coalesce(%s, %s)", "nullif(%s, %s)",
    "least(%s, %s)", "greatest(%s, %s, %s)",
};
static const char *const random_times[] = {
    "(%t + interval '1h')", "(%t - interval '30d')", "(interval '90s' + %t)", "(%t + interval '36500d')",
    "date_trunc('hour', %t)", "date_trunc('second', %t)", "date_trunc('week', %t)", "date_trunc('month', %t)",
    "date_trunc('quarter', %t)", "date_trunc('year', %t)", "try_cast(%s as timestamp)", "cast(%s as timestamp)",
    "case when %b then %t else %t end", "coalesce(%t, %t)", "nullif(%t, %t)", "least(%t, %t)", "greatest(%t, %t)",
};
/* clang-format on */

static inline const char *random_leaf(struct generator *g, char type)
{
    static const char *const bools[] = {"b", "b2", "b", "b2", "true", "false", "null"};
    static const char *const ints[] = {"i",
                                       "i2",
                                       "i3",
                                       "i",
                                       "i2",
                                       "i3",
                                       "0",
                                       "1",
                                       "-1",
                                       "2",
                                       "10",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "4611686018427387904",
                                       "null"};
    static const char *const doubles[] = {
        "d",   "d2", "d3", "d", "d2", "d3", "0.0", "-0.0", "1.5", "1e300", "-1e300", "5e-324", "9007199254740993.0",
        "null"};
    static const char *const strings[] = {"s",   "s2",        "s",       "s2",   "s",        "s2",  "''",
                                          "'a'", "'Kestrel'", "'it''s'", "'12'", "'Zürich'", "null"};
    static const char *const times[] = {"t",
                                        "t2",
                                        "t",
                                        "t2",
                                        "timestamp '2013-07-08T12:34:56.789Z'",
                                        "timestamp '1969-12-31T23:59:59Z'",
                                        "timestamp '9999-12-31'",
                                        "timestamp '0001-01-01'",
                                        "null"};
    switch (type) {
    case 'b':
        return ONE_OF(g, bools);
    case 'i':
        return ONE_OF(g, ints);
    case 'd':
        return ONE_OF(g, doubles);
    case 's':
        return ONE_OF(g, strings);
    default:
        return ONE_OF(g, times);
    }
}

static inline void random_part(struct generator *g, char type, int depth)
{
    const char *form;

    if (depth <= 1 || random_below(g, 6) == 0) {
        leat_buffer_append_text(&g->out, random_leaf(g, type));
        return;
    }
    switch (type) {
    case 'b':
        form = ONE_OF(g, random_bools);
        break;
    case 'i':
        form = ONE_OF(g, random_ints);
        break;
    case 'd':
        form = ONE_OF(g, random_doubles);
        break;
    case 's':
        form = ONE_OF(g, random_strings);
        break;
    default:
        form = ONE_OF(g, random_times);
        break;
    }
    for (; *form; form++) {
        if (*form != '%') {
            leat_buffer_append_char(&g->out, *form);
            continue;
        }
        form++;
        if (*form == '%')
            leat_buffer_append_char(&g->out, '%');
        else
            random_part(g, *form, depth - 1);
    }
}

/* The text lives until the next call. */
static inline const char *random_expression(struct generator *g, int depth)
{
    leat_buffer_reset(&g->out);
    random_part(g, "bidst"[random_below(g, 5)], depth);
    return leat_buffer_text(&g->out);
}

static inline struct leat_value random_value(struct generator *g, enum leat_type type)
{
    static const int64_t ints[] = {0,
                                   1,
                                   -1,
                                   2,
                                   3,
                                   7,
                                   10,
                                   60,
                                   1000,
                                   INT64_MAX,
                                   INT64_MIN,
                                   INT64_MAX - 1,
                                   INT64_MIN + 1,
                                   INT64_C(1) << 53,
                                   (INT64_C(1) << 53) + 1,
                                   INT64_C(3037000500)};
    static const double doubles[] = {0.0,
                                     -0.0,
                                     1.0,
                                     -1.0,
                                     0.5,
                                     2.5,
                                     -2.5,
                                     1e-9,
                                     1e300,
                                     -1e300,
                                     1.7976931348623157e308,
                                     5e-324,
                                     9007199254740993.0,
                                     40.64,
                                     -73.78,
                                     9.3e18};
    static const char *const strings[] = {"",
                                          "a",
                                          "b",
                                          "Kestrel",
                                          "kestrel",
                                          "e",
                                          "ee",
                                          " padded ",
                                          "12",
                                          "-7",
                                          "1.5",
                                          "true",
                                          "Z\xc3\xbcrich",
                                          "2013-07-08T12:00:00Z",
                                          "100%",
                                          "_",
                                          "it's",
                                          "\xe2\x82\xac"};
    static const int64_t times[] = {
        0, 1, -1, LEAT_TIME_MIN, LEAT_TIME_MAX, INT64_C(1373286896789012), INT64_C(-1000000), INT64_C(951782400000000)};

    if (random_below(g, 6) == 0)
        return leat_value_null();
    switch (type) {
    case LEAT_TYPE_BOOL:
        return leat_value_int(random_below(g, 2));
    case LEAT_TYPE_INT:
        return leat_value_int(random_below(g, 2) ? (int64_t)random_below(g, 20) - 10 : ONE_OF(g, ints));
    case LEAT_TYPE_DOUBLE:
        return leat_value_double(random_below(g, 2) ? ((double)random_below(g, 4000) - 2000) / 16 : ONE_OF(g, doubles));
    case LEAT_TYPE_STRING:
        return leat_value_string(leat_bytes_of(ONE_OF(g, strings)));
    default:
        return leat_value_int(ONE_OF(g, times));
    }
}

static inline void random_frame(struct generator *g, struct leat_value *frame)
{
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        frame[i] = i < WORLD_COLUMNS ? random_value(g, world_input[i].type) : leat_value_null();
}

/* Bit for bit: -0 is not 0, and null has no content. */
static inline bool identical(enum leat_type type, struct leat_value a, struct leat_value b)
{
    if (a.null > 1 || a.null != b.null)
        return false;
    if (a.null)
        return a.as.i == 0 && b.as.i == 0;
    if (type == LEAT_TYPE_STRING)
        return leat_bytes_equal(leat_value_bytes(a), leat_value_bytes(b));
    return a.as.i == b.as.i;
}

#endif
