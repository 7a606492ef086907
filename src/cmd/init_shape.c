/* What a topic's records look like: every field with the kinds of values that it had. */
#include "cmd/init.h"

#include "base/json.h"
#include "base/time.h"
#include "stream/drain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 16
#define FIELDS_MAX 2000  /* of one object */
#define ELEMENTS_MAX 100 /* of one list that are looked at */
#define MOST 0.95        /* this share of the values is the field's type; the others are mistakes */

struct reading {
    struct leat_shapes *shapes;
    uint64_t left;
    struct leat_bytes key; /* of the record */
    struct leat_arena columns;
    struct leat_bytes *header; /* CSV */
    size_t header_count;
    bool csv;
};

static struct leat_shape *child_of(struct leat_arena *arena, struct leat_shape *shape, struct leat_bytes name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (leat_bytes_equal(shape->children[i].name, name))
            return &shape->children[i];
    if (shape->count == FIELDS_MAX)
        return NULL;
    if (shape->count == shape->capacity) {
        shape->capacity = shape->capacity ? 2 * shape->capacity : 8;
        struct leat_shape *more = leat_arena_zalloc(arena, shape->capacity, sizeof *more);
        if (shape->count > 0)
            memcpy(more, shape->children, shape->count * sizeof *more);
        shape->children = more;
    }
    struct leat_shape *child = &shape->children[shape->count++];
    *child = (struct leat_shape){.name = leat_arena_bytes(arena, name), .whole = true, .last = -INFINITY};
    return child;
}

/* -- values ---------------------------------------------------------------------------------------------------------- */

static bool is_likely(double number, double unit)
{
    double seconds = number * unit / 1e6;
    return seconds >= 631152000 && seconds < 4102444800; /* 1990 to 2100 */
}

static void note_order(struct leat_shape *shape, double number)
{
    shape->backward += number < shape->last;
    shape->last = number;
}

static void note_number(struct leat_shape *shape, double number, bool whole)
{
    shape->kinds |= whole ? LEAT_SHAPE_INT : LEAT_SHAPE_DOUBLE;
    shape->numbers++;
    shape->whole = shape->whole && (whole || floor(number) == number);
    shape->in_s += is_likely(number, 1e6);
    shape->in_ms += is_likely(number, 1e3);
    shape->in_us += is_likely(number, 1);
    note_order(shape, number);
}

static void note_bool(struct leat_shape *shape)
{
    shape->kinds |= LEAT_SHAPE_BOOL;
    shape->bools++;
}

static void note_text(struct leat_shape *shape, struct leat_bytes text)
{
    int64_t time;
    shape->kinds |= LEAT_SHAPE_STRING;
    shape->texts++;
    if (leat_time_parse(text, &time) < 0)
        return;
    shape->times++;
    note_order(shape, (double)time);
}

static void note_example(struct leat_shape *shape, struct leat_bytes json)
{
    if (shape->example[0])
        return;
    size_t len = json.len < sizeof shape->example - 4 ? json.len : sizeof shape->example - 4;
    while (len > 0 && len < json.len && ((unsigned char)json.data[len] & 0xC0) == 0x80)
        len--;
    snprintf(shape->example, sizeof shape->example, "%.*s%s", (int)len, json.data, len < json.len ? "…" : "");
}

static void note_key(struct reading *reading, struct leat_shape *shape, struct leat_bytes text)
{
    struct leat_bytes key = reading->key;
    if (key.len >= 2 && key.data[0] == '"' && key.data[key.len - 1] == '"')
        key = (struct leat_bytes){key.data + 1, key.len - 2};
    shape->keys += key.len > 0 && leat_bytes_equal(key, text);
}

static void note_json(struct reading *reading, struct leat_shape *shape, const struct leat_json *value, int depth);

static void note_members(struct reading *reading, struct leat_shape *shape, const struct leat_json *value, int depth)
{
    shape->kinds |= LEAT_SHAPE_OBJECT;
    for (uint32_t i = 0; i < value->count && depth < DEPTH_MAX; i++) {
        struct leat_shape *child = child_of(&reading->shapes->arena, shape, value->as.members[i].name);
        if (child)
            note_json(reading, child, &value->as.members[i].value, depth + 1);
    }
}

static void note_elements(struct reading *reading, struct leat_shape *shape, const struct leat_json *value, int depth)
{
    shape->kinds |= LEAT_SHAPE_LIST;
    for (uint32_t i = 0; i < value->count && i < ELEMENTS_MAX && depth < DEPTH_MAX; i++) {
        struct leat_shape *child = child_of(&reading->shapes->arena, shape, (struct leat_bytes){NULL, 0});
        note_json(reading, child, &value->as.elements[i], depth + 1);
    }
}

static void note_json(struct reading *reading, struct leat_shape *shape, const struct leat_json *value, int depth)
{
    LEAT_CLEAN_BUFFER text = {0};
    shape->seen++;
    if (value->type == LEAT_JSON_NULL) {
        shape->kinds |= LEAT_SHAPE_NULL;
        return;
    }
    shape->values++;
    if (value->type == LEAT_JSON_OBJECT)
        note_members(reading, shape, value, depth);
    else if (value->type == LEAT_JSON_ARRAY)
        note_elements(reading, shape, value, depth);
    if (value->type == LEAT_JSON_OBJECT || value->type == LEAT_JSON_ARRAY)
        return;
    leat_json_put(&text, value);
    note_example(shape, leat_buffer_view(&text));
    if (value->type == LEAT_JSON_BOOL)
        note_bool(shape);
    else if (value->type == LEAT_JSON_INT)
        note_number(shape, (double)value->as.integer, true);
    else if (value->type == LEAT_JSON_DOUBLE)
        note_number(shape, value->as.number, false);
    else
        note_text(shape, value->as.string);
    note_key(reading, shape, value->type == LEAT_JSON_STRING ? value->as.string : leat_buffer_view(&text));
}

/* -- CSV ------------------------------------------------------------------------------------------------------------- */

/* The next cell of a row; quotes are taken away. */
static bool next_cell(struct leat_arena *arena, struct leat_bytes *rest, struct leat_bytes *ret, bool *ret_quoted)
{
    if (!rest->data)
        return false;
    char *cell = leat_arena_alloc(arena, rest->len + 1);
    size_t len = 0, at = 0;
    *ret_quoted = rest->len > 0 && rest->data[0] == '"';
    bool inside = *ret_quoted;
    for (at = inside; at < rest->len; at++) {
        char c = rest->data[at];
        if (inside && c == '"' && at + 1 < rest->len && rest->data[at + 1] == '"')
            at++;
        else if (inside && c == '"') {
            inside = false;
            continue;
        } else if (!inside && (c == ',' || c == '\r' || c == '\n'))
            break;
        cell[len++] = c;
    }
    bool more = at < rest->len && rest->data[at] == ',';
    *ret = (struct leat_bytes){cell, len};
    *rest = more ? (struct leat_bytes){rest->data + at + 1, rest->len - at - 1} : (struct leat_bytes){NULL, 0};
    return true;
}

static void note_cell(struct leat_shape *shape, struct leat_bytes cell, bool quoted)
{
    int64_t integer;
    double number;
    shape->seen++;
    if (cell.len == 0 && !quoted) {
        shape->kinds |= LEAT_SHAPE_NULL;
        return;
    }
    shape->values++;
    note_example(shape, cell);
    if (leat_int_parse(cell, &integer) == 0)
        note_number(shape, (double)integer, true);
    else if (leat_double_parse(cell, &number) == 0)
        note_number(shape, number, false);
    else if (leat_bytes_is(cell, "true") || leat_bytes_is(cell, "false"))
        note_bool(shape);
    else
        note_text(shape, cell);
}

static void note_row(struct reading *reading, struct leat_bytes row)
{
    struct leat_arena cells = {0};
    struct leat_bytes cell;
    bool quoted;
    for (size_t i = 0; i < reading->header_count && next_cell(&cells, &row, &cell, &quoted); i++) {
        struct leat_shape *child = child_of(&reading->shapes->arena, &reading->shapes->root, reading->header[i]);
        if (!child)
            continue;
        note_cell(child, cell, quoted);
        note_key(reading, child, cell);
    }
    leat_arena_done(&cells);
}

static void read_header(struct reading *reading, struct leat_bytes line)
{
    struct leat_bytes cell;
    bool quoted;
    if (reading->header || line.len == 0)
        return;
    reading->csv = true;
    reading->header = leat_arena_zalloc(&reading->columns, line.len + 1, sizeof *reading->header);
    char *copy = leat_arena_copy(&reading->columns, line.data, line.len);
    line.data = copy;
    while (next_cell(&reading->columns, &line, &cell, &quoted))
        reading->header[reading->header_count++] = cell;
}

/* -- the topic ------------------------------------------------------------------------------------------------------- */

static bool visit(void *self, const struct leat_reader *reader)
{
    struct reading *reading = self;
    struct leat_shapes *shapes = reading->shapes;
    struct leat_json_document *json;
    if (reading->left == 0)
        return false;
    reading->left--;
    shapes->records++;
    read_header(reading, reader->header);
    struct leat_bytes value = reader->head->value;
    reading->key = reader->head->key;
    shapes->with_key += reading->key.len > 0;
    if (reading->csv) {
        note_row(reading, value);
    } else if (!value.data || leat_json_parse(value, LEAT_JSON_STRICT, &json, NULL) < 0) {
        shapes->unread++;
    } else {
        bool object = leat_json_root(json)->type == LEAT_JSON_OBJECT;
        shapes->unread += !object;
        if (object)
            note_members(reading, &shapes->root, leat_json_root(json), 0);
        leat_json_free(json);
    }
    return true;
}

/* In CSV everything is text: a column that is not always a number is one. */
static void settle_csv(struct leat_shapes *shapes)
{
    shapes->format = LEAT_FORMAT_CSV;
    for (size_t i = 0; i < shapes->root.count; i++) {
        struct leat_shape *column = &shapes->root.children[i];
        unsigned null = column->kinds & LEAT_SHAPE_NULL, rest = column->kinds & ~(unsigned)LEAT_SHAPE_NULL;
        bool mixed = (rest & LEAT_SHAPE_STRING) || ((rest & LEAT_SHAPE_BOOL) && rest != LEAT_SHAPE_BOOL);
        if (mixed)
            column->kinds = null | LEAT_SHAPE_STRING;
    }
}

int leat_shapes_read(struct leat_stream *stream, const char *topic, size_t most, struct leat_shapes *ret,
                     struct leat_error *err)
{
    *ret = (struct leat_shapes){.format = LEAT_FORMAT_JSON};
    struct reading reading = {.shapes = ret};
    if (leat_stream_partitions(stream, topic, &ret->partitions, err) < 0)
        return -1;
    if (ret->partitions == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "topic '%s' does not exist", topic);
    int result = 0;
    for (int32_t p = 0; result == 0 && p < ret->partitions; p++) {
        reading.left = (most + (uint64_t)ret->partitions - 1) / (uint64_t)ret->partitions;
        result = leat_stream_drain(stream, topic, p, LEAT_OFFSET_BEGIN, visit, &reading, err);
    }
    if (reading.csv)
        settle_csv(ret);
    leat_arena_done(&reading.columns);
    if (result == 0 && ret->records == 0)
        result = leat_error_set(err, LEAT_ERROR_FINDING, "topic '%s' has no records to look at", topic);
    else if (result == 0 && ret->records == ret->unread)
        result = leat_error_set(err, LEAT_ERROR_FINDING, "none of the first %llu records of topic '%s' is a JSON object",
                                (unsigned long long)ret->records, topic);
    if (result < 0)
        leat_shapes_done(ret);
    return result;
}

void leat_shapes_done(struct leat_shapes *shapes)
{
    leat_arena_done(&shapes->arena);
}

/* -- guesses --------------------------------------------------------------------------------------------------------- */

static bool ends_with(struct leat_bytes name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && memcmp(name.data + name.len - len, end, len) == 0;
}

static bool sounds_like_time(struct leat_bytes name)
{
    static const char *const ends[] = {"ts", "time", "Time", "date", "Date", "_at", "At", "timestamp", "Timestamp"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

static struct leat_guess scalar(enum leat_type type, enum leat_encoding encoding, const char *why)
{
    return (struct leat_guess){.kind = LEAT_GUESS_SCALAR, .type = type, .encoding = encoding, .why = why};
}

/* Seconds are as large as many another number: the name has to say it too. */
static struct leat_guess guess_number(const struct leat_shape *shape, bool time)
{
    bool whole = (shape->kinds & LEAT_SHAPE_DOUBLE) == 0;
    if (whole && shape->in_ms == shape->values)
        return scalar(LEAT_TYPE_TIME, LEAT_ENCODING_TIME_MS,
                      "numbers of this size are taken for milliseconds since 1970");
    if (whole && shape->in_us == shape->values)
        return scalar(LEAT_TYPE_TIME, LEAT_ENCODING_TIME_US,
                      "numbers of this size are taken for microseconds since 1970");
    if (shape->in_s == shape->values && (time || sounds_like_time(shape->name)))
        return scalar(LEAT_TYPE_TIME, LEAT_ENCODING_TIME_S,
                      "by its name and size taken for seconds since 1970; int if it is a plain number");
    if (whole)
        return scalar(LEAT_TYPE_INT, LEAT_ENCODING_PLAIN, NULL);
    return scalar(LEAT_TYPE_DOUBLE, LEAT_ENCODING_PLAIN, NULL);
}

/* Of several types: the one that nearly all values are of. */
static struct leat_guess guess_most(const struct leat_shape *shape, bool time)
{
    const struct {
        uint64_t count;
        unsigned kinds;
    } types[] = {{shape->bools, LEAT_SHAPE_BOOL},
                 {shape->numbers, shape->kinds & (LEAT_SHAPE_INT | LEAT_SHAPE_DOUBLE)},
                 {shape->texts, LEAT_SHAPE_STRING}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((double)types[i].count < MOST * (double)shape->values)
            continue;
        struct leat_shape most = *shape;
        most.kinds = types[i].kinds;
        most.values = types[i].count;
        struct leat_guess guess = leat_shape_guess(&most, time);
        guess.others = shape->values - types[i].count;
        return guess;
    }
    return (struct leat_guess){.kind = LEAT_GUESS_UNKNOWN, .why = "of several types"};
}

struct leat_guess leat_shape_guess(const struct leat_shape *shape, bool time)
{
    struct leat_guess unknown = {.kind = LEAT_GUESS_UNKNOWN};
    switch (shape->kinds & ~(unsigned)LEAT_SHAPE_NULL) {
    case 0:
        unknown.why = "always null in the records that were looked at";
        return unknown;
    case LEAT_SHAPE_BOOL:
        return scalar(LEAT_TYPE_BOOL, LEAT_ENCODING_PLAIN, NULL);
    case LEAT_SHAPE_INT:
    case LEAT_SHAPE_DOUBLE:
    case LEAT_SHAPE_INT | LEAT_SHAPE_DOUBLE:
        return guess_number(shape, time);
    case LEAT_SHAPE_STRING:
        if (shape->times == shape->values)
            return scalar(LEAT_TYPE_TIME, LEAT_ENCODING_TIME_TEXT, NULL);
        return scalar(LEAT_TYPE_STRING, LEAT_ENCODING_PLAIN, NULL);
    case LEAT_SHAPE_OBJECT:
        for (size_t i = 0; i < shape->count; i++)
            if (leat_shape_guess(&shape->children[i], false).kind != LEAT_GUESS_UNKNOWN)
                return (struct leat_guess){.kind = LEAT_GUESS_OBJECT};
        unknown.why = "an object without a field of a known type";
        return unknown;
    case LEAT_SHAPE_LIST:
        if (shape->count == 0 || leat_shape_guess(&shape->children[0], false).kind == LEAT_GUESS_UNKNOWN) {
            unknown.why = "a list whose elements are never there, or of several types";
            return unknown;
        }
        return (struct leat_guess){.kind = LEAT_GUESS_LIST};
    default:
        return guess_most(shape, time);
    }
}
