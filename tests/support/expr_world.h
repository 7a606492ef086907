/* A small world for tests of expressions: an input with columns of every type, two streams, a table and two windows.
 * Slots beyond the columns are handed out to aggregates and lookups as they are asked for. */
#ifndef LEAT_TESTS_EXPR_WORLD_H
#define LEAT_TESTS_EXPR_WORLD_H

#include "base/json.h"
#include "base/time.h"
#include "event/schema.h"
#include "expr/expr.h"

#include <stdio.h>
#include <string.h>

#define WORLD_SLOTS 512

struct world_column {
    const char *path;
    enum leat_type type;
};

static const struct world_column world_input[] = {
    {"b", LEAT_TYPE_BOOL},
    {"b2", LEAT_TYPE_BOOL},
    {"i", LEAT_TYPE_INT},
    {"i2", LEAT_TYPE_INT},
    {"i3", LEAT_TYPE_INT},
    {"d", LEAT_TYPE_DOUBLE},
    {"d2", LEAT_TYPE_DOUBLE},
    {"d3", LEAT_TYPE_DOUBLE},
    {"s", LEAT_TYPE_STRING},
    {"s2", LEAT_TYPE_STRING},
    {"t", LEAT_TYPE_TIME},
    {"t2", LEAT_TYPE_TIME},
    {"a.b[0]", LEAT_TYPE_INT},
    {"odd name", LEAT_TYPE_INT},
    {"card_id", LEAT_TYPE_STRING},
    {"amount", LEAT_TYPE_DOUBLE},
    {"country", LEAT_TYPE_STRING},
    {"channel", LEAT_TYPE_STRING},
    {"merchant_id", LEAT_TYPE_STRING},
    {"ts", LEAT_TYPE_TIME},
    {"origin", LEAT_TYPE_STRING},
    {"tail", LEAT_TYPE_STRING},
    {"range", LEAT_TYPE_INT},
    {"\"x.y\"", LEAT_TYPE_INT},
    {"number", LEAT_TYPE_INT},
};
#define WORLD_COLUMNS (sizeof world_input / sizeof *world_input)

static const struct world_column world_chargebacks[] = {
    {"card_id", LEAT_TYPE_STRING}, {"amount", LEAT_TYPE_DOUBLE}, {"ts", LEAT_TYPE_TIME},
    {"fee", LEAT_TYPE_DOUBLE},     {"number", LEAT_TYPE_STRING},
};
static const struct world_column world_arrivals[] = {
    {"origin", LEAT_TYPE_STRING}, {"tail", LEAT_TYPE_STRING}, {"arr_delay", LEAT_TYPE_INT},
    {"dep_delay", LEAT_TYPE_INT}, {"ts", LEAT_TYPE_TIME},
};

struct world;
struct world_stream {
    struct world *world;
    const char *name;
    const struct world_column *columns;
    size_t count;
    struct leat_expr_scope scope;
};

struct world {
    struct leat_arena arena;
    struct leat_expr_scope scope;
    struct world_stream streams[3]; /* 0 is the input */
    const struct leat_expr_window *hour, *day, *bad;
    size_t slots; /* handed out */
    enum leat_type types[WORLD_SLOTS];
    const struct leat_expr_aggregate *aggregates[WORLD_SLOTS]; /* by slot */
    char lookups[WORLD_SLOTS][160];                            /* by slot: merchants[card_id].risk */
};

static int world_find(const struct world_column *columns, size_t count, struct leat_bytes path, size_t *ret_slot,
                      enum leat_type *ret_type)
{
    for (size_t i = 0; i < count; i++) {
        if (leat_bytes_is(path, columns[i].path)) {
            *ret_slot = i;
            *ret_type = columns[i].type;
            return 0;
        }
    }
    return -1;
}

static int world_column_of_input(void *self, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type,
                                 struct leat_error *err)
{
    (void)self;
    if (leat_bytes_is(path, "a"))
        return leat_error_set(err, LEAT_ERROR_FINDING, "'a' is an object");
    return world_find(world_input, WORLD_COLUMNS, path, ret_slot, ret_type);
}

static int world_column_of_stream(void *self, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type,
                                  struct leat_error *err)
{
    struct world_stream *stream = self;
    (void)err;
    return world_find(stream->columns, stream->count, path, ret_slot, ret_type);
}

static const char *const *world_names(void *self, size_t *ret_count)
{
    static const char *const names[] = {
        "b",      "b2",   "i",         "i2",          "i3",       "d",       "d2",      "d3",          "s",
        "s2",     "t",    "t2",        "card_id",     "amount",   "country", "channel", "merchant_id", "ts",
        "origin", "tail", "merchants", "chargebacks", "arrivals", "hour",    "day",
    };
    (void)self;
    *ret_count = sizeof names / sizeof *names;
    return names;
}

static const char *const *world_stream_names(void *self, size_t *ret_count)
{
    static const char *names[16];
    struct world_stream *stream = self;
    for (size_t i = 0; i < stream->count; i++)
        names[i] = stream->columns[i].path;
    *ret_count = stream->count;
    return names;
}

static bool world_is_stream(void *self, struct leat_bytes name, size_t *ret_stream)
{
    (void)self;
    *ret_stream = leat_bytes_is(name, "chargebacks") ? 1 : leat_bytes_is(name, "arrivals") ? 2 : 0;
    return *ret_stream != 0 || leat_bytes_is(name, "transactions");
}

static const struct leat_expr_scope *world_stream_scope(void *self, size_t stream)
{
    return &((struct world *)self)->streams[stream].scope;
}

static bool world_is_table(void *self, struct leat_bytes name)
{
    (void)self;
    return leat_bytes_is(name, "merchants");
}

static const struct leat_expr_window *world_window(void *self, struct leat_bytes name)
{
    struct world *world = self;
    if (leat_bytes_is(name, "bad"))
        return world->bad;
    return leat_bytes_is(name, "hour") ? world->hour : leat_bytes_is(name, "day") ? world->day : NULL;
}

static int world_slot(struct world *world, enum leat_type type, size_t *ret_slot, struct leat_error *err)
{
    if (world->slots == WORLD_SLOTS)
        return leat_error_set(err, LEAT_ERROR_FINDING, "no slot is left");
    world->types[world->slots] = type;
    *ret_slot = world->slots++;
    return 0;
}

static int world_aggregate(void *self, const struct leat_expr_aggregate *aggregate, size_t *ret_slot,
                           struct leat_error *err)
{
    struct world *world = self;
    if (world_slot(world, aggregate->type, ret_slot, err))
        return -1;
    world->aggregates[*ret_slot] = aggregate;
    return 0;
}

static int world_lookup(void *self, struct leat_bytes table, const struct leat_expr *const *keys, size_t key_count,
                        struct leat_bytes column, size_t *ret_slot, enum leat_type *ret_type, struct leat_error *err)
{
    struct world *world = self;
    *ret_type = leat_bytes_is(column, "risk")      ? LEAT_TYPE_DOUBLE
                : leat_bytes_is(column, "seats")   ? LEAT_TYPE_INT
                : leat_bytes_is(column, "country") ? LEAT_TYPE_STRING
                                                   : LEAT_TYPE_NULL;
    if (*ret_type == LEAT_TYPE_NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "table '%.*s' has no column '%.*s'", LEAT_BYTES_FORMAT(table),
                              LEAT_BYTES_FORMAT(column));
    if (key_count != 1 || leat_expr_type(keys[0]) != LEAT_TYPE_STRING)
        return leat_error_set(err, LEAT_ERROR_FINDING, "table 'merchants' has one key, a string");
    if (world_slot(world, *ret_type, ret_slot, err))
        return -1;
    snprintf(world->lookups[*ret_slot], sizeof world->lookups[0], "%.*s[%s].%.*s", LEAT_BYTES_FORMAT(table),
             leat_expr_text(keys[0]), LEAT_BYTES_FORMAT(column));
    return 0;
}

static void world_init(struct world *world)
{
    static const struct leat_expr_place place = {"fn.yaml", 7, 9};
    struct leat_error err;

    *world = (struct world){.slots = WORLD_COLUMNS};
    for (size_t i = 0; i < WORLD_COLUMNS; i++)
        world->types[i] = world_input[i].type;
    world->streams[0] = (struct world_stream){world, "the input", world_input, WORLD_COLUMNS, {0}};
    world->streams[1] = (struct world_stream){
        world, "stream 'chargebacks'", world_chargebacks, sizeof world_chargebacks / sizeof *world_chargebacks, {0}};
    world->streams[2] = (struct world_stream){
        world, "stream 'arrivals'", world_arrivals, sizeof world_arrivals / sizeof *world_arrivals, {0}};
    for (size_t i = 0; i < 3; i++)
        world->streams[i].scope = (struct leat_expr_scope){.self = &world->streams[i],
                                                           .what = world->streams[i].name,
                                                           .column = world_column_of_stream,
                                                           .names = world_stream_names};
    world->streams[0].scope.names = world_names;
    world->scope = (struct leat_expr_scope){
        .self = world,
        .what = "features",
        .column = world_column_of_input,
        .names = world_names,
        .is_stream = world_is_stream,
        .stream_scope = world_stream_scope,
        .is_table = world_is_table,
        .window = world_window,
        .aggregate = world_aggregate,
        .lookup = world_lookup,
    };
    leat_assert(!leat_expr_window_parse(place, leat_bytes_of("partition by card_id range 1h preceding"), &world->arena,
                                        &world->hour, &err));
    leat_assert(!leat_expr_window_parse(place, leat_bytes_of("partition by card_id range 24h preceding"), &world->arena,
                                        &world->day, &err));
    leat_assert(!leat_expr_window_parse(place, leat_bytes_of("partition by merchant_id range 24h preceding"),
                                        &world->arena, &world->bad, &err));
}

static void world_done(struct world *world)
{
    leat_arena_done(&world->arena);
}

static inline int world_compile(struct world *world, const char *text, enum leat_type want,
                                const struct leat_expr **ret, struct leat_error *err)
{
    static const struct leat_expr_place place = {"fn.yaml", 23, 15};
    return leat_expr_compile(&world->scope, place, leat_bytes_of(text), want, &world->arena, ret, err);
}

/* How a value reads in tables of what is expected: null, true, 12, 2.5, 'text', 2013-07-08T12:00:00Z. A DOUBLE that is
 * a whole number has a point: 3.0. */
static inline const char *world_show(enum leat_type type, struct leat_value value, char *room, size_t size)
{
    char text[32];

    if (value.null)
        return "null";
    switch (type) {
    case LEAT_TYPE_NULL:
        return "no type";
    case LEAT_TYPE_BOOL:
        return value.as.i == 1 ? "true" : value.as.i == 0 ? "false" : "no bool";
    case LEAT_TYPE_INT:
        snprintf(room, size, "%lld", (long long)value.as.i);
        break;
    case LEAT_TYPE_DOUBLE:
        leat_double_format(value.as.d, text);
        snprintf(room, size, "%s%s", text, strpbrk(text, ".eNI") ? "" : ".0");
        break;
    case LEAT_TYPE_STRING:
        snprintf(room, size, "'%.*s'", (int)value.len, value.as.s ? value.as.s : "");
        break;
    case LEAT_TYPE_TIME:
        leat_time_format(value.as.i, text);
        snprintf(room, size, "%s", text);
        break;
    }
    return room;
}

#endif
