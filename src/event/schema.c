/* Names of field types, and paths: "a.b[0]", with a name in double quotes where it is not a plain one. */
#include "event/schema.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define PATH_STEPS_MAX 32

struct field_type {
    const char *name;
    enum leat_type type;
    enum leat_encoding encoding;
};

static const struct field_type field_types[] = {
    {"string", LEAT_TYPE_STRING, LEAT_ENCODING_PLAIN},       {"int", LEAT_TYPE_INT, LEAT_ENCODING_PLAIN},
    {"double", LEAT_TYPE_DOUBLE, LEAT_ENCODING_PLAIN},       {"bool", LEAT_TYPE_BOOL, LEAT_ENCODING_PLAIN},
    {"timestamp", LEAT_TYPE_TIME, LEAT_ENCODING_TIME_TEXT},  {"timestamp_s", LEAT_TYPE_TIME, LEAT_ENCODING_TIME_S},
    {"timestamp_ms", LEAT_TYPE_TIME, LEAT_ENCODING_TIME_MS}, {"timestamp_us", LEAT_TYPE_TIME, LEAT_ENCODING_TIME_US},
};
#define FIELD_TYPES (sizeof field_types / sizeof field_types[0])

int leat_field_type_parse(struct leat_bytes name, enum leat_type *ret_type, enum leat_encoding *ret_encoding)
{
    for (size_t i = 0; i < FIELD_TYPES; i++) {
        if (!leat_bytes_is(name, field_types[i].name))
            continue;
        *ret_type = field_types[i].type;
        *ret_encoding = field_types[i].encoding;
        return 0;
    }
    return -1;
}

const char *leat_field_type_name(enum leat_type type, enum leat_encoding encoding)
{
    if (type == LEAT_TYPE_TIME && encoding == LEAT_ENCODING_PLAIN)
        encoding = LEAT_ENCODING_TIME_MS;
    for (size_t i = 0; i < FIELD_TYPES; i++) {
        if (field_types[i].type == type && (type != LEAT_TYPE_TIME || field_types[i].encoding == encoding))
            return field_types[i].name;
    }
    return leat_type_name(type);
}

/* ---- paths ---- */

struct path {
    struct leat_bytes text;
    size_t at;
    struct leat_arena *arena;
    struct leat_error *err;
    struct leat_path_step steps[PATH_STEPS_MAX];
    size_t count;
};

static int malformed(struct path *path, const char *problem)
{
    return leat_error_set(path->err, LEAT_ERROR_FINDING, "'%.*s' is not a path: %s at character %zu",
                          LEAT_BYTES_FORMAT(path->text), problem, path->at + 1);
}

/* "a ""b""" is the name a "b". */
static int take_quoted(struct path *path, struct leat_bytes *ret)
{
    struct leat_bytes text = path->text;
    char *name = leat_arena_alloc(path->arena, text.len + 1);
    size_t len = 0;
    for (size_t at = path->at + 1; at < text.len; at++) {
        if (text.data[at] == '"' && (at + 1 == text.len || text.data[at + 1] != '"')) {
            path->at = at + 1;
            name[len] = '\0';
            *ret = (struct leat_bytes){.data = name, .len = len};
            return 0;
        }
        at += text.data[at] == '"' ? 1 : 0;
        name[len++] = text.data[at];
    }
    return malformed(path, "a quote that is not closed");
}

static int take_name(struct path *path, struct leat_bytes *ret)
{
    struct leat_bytes text = path->text;
    if (path->at < text.len && text.data[path->at] == '"')
        return take_quoted(path, ret);
    size_t start = path->at;
    while (path->at < text.len && strchr(".[]\"", text.data[path->at]) == NULL)
        path->at++;
    if (path->at == start)
        return malformed(path, "a name is missing");
    *ret = leat_arena_bytes(path->arena, (struct leat_bytes){text.data + start, path->at - start});
    return 0;
}

static int take_index(struct path *path, uint32_t *ret)
{
    struct leat_bytes text = path->text;
    uint32_t index = 0;
    size_t start = ++path->at;
    for (; path->at < text.len && text.data[path->at] >= '0' && text.data[path->at] <= '9'; path->at++) {
        uint32_t digit = (uint32_t)(text.data[path->at] - '0');
        if (__builtin_mul_overflow(index, 10U, &index) || __builtin_add_overflow(index, digit, &index))
            return malformed(path, "an index that is too large");
    }
    if (path->at == start || path->at == text.len || text.data[path->at] != ']')
        return malformed(path, "an index is missing, which is a number from 0 in brackets,");
    path->at++;
    *ret = index;
    return 0;
}

static int take_step(struct path *path)
{
    if (path->count == PATH_STEPS_MAX)
        return malformed(path, "more than 32 steps");
    struct leat_path_step step = {0};
    bool is_index = path->count > 0 && path->text.data[path->at] == '[';
    if (is_index && take_index(path, &step.index) < 0)
        return -1;
    if (!is_index && path->count > 0 && path->text.data[path->at++] != '.') {
        path->at--;
        return malformed(path, "neither a point nor a bracket");
    }
    if (!is_index && take_name(path, &step.name) < 0)
        return -1;
    path->steps[path->count++] = step;
    return 0;
}

static int parse_path(struct path *path)
{
    do {
        if (take_step(path) < 0)
            return -1;
    } while (path->at < path->text.len);
    return 0;
}

/* ---- finding ---- */

static const struct leat_field *find_field(const struct leat_field *fields, size_t count, struct leat_bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (leat_bytes_equal(fields[i].name, name))
            return &fields[i];
    }
    return NULL;
}

static int no_such_field(struct path *path, const struct leat_field *fields, size_t count, struct leat_bytes name)
{
    const char **names = leat_arena_alloc(path->arena, count * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = leat_arena_bytes(path->arena, fields[i].name).data;
    const char *nearest = leat_nearest(name, names, count);
    return leat_error_set(path->err, LEAT_ERROR_FINDING, "'%.*s': the schema has no field '%.*s'%s%s%s",
                          LEAT_BYTES_FORMAT(path->text), LEAT_BYTES_FORMAT(name),
                          nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                          nearest != NULL ? "'?" : "");
}

static int find_leaf(struct path *path, const struct leat_schema *schema, const struct leat_field **ret)
{
    const struct leat_field *fields = schema->fields;
    size_t count = schema->count;
    const struct leat_field *field = NULL;
    for (size_t i = 0; i < path->count; i++) {
        const struct leat_path_step *step = &path->steps[i];
        bool is_name = step->name.data != NULL;
        if (field != NULL && field->kind != (is_name ? LEAT_FIELD_OBJECT : LEAT_FIELD_LIST))
            return leat_error_set(path->err, LEAT_ERROR_FINDING, "'%.*s': %s where the schema has %s",
                                  LEAT_BYTES_FORMAT(path->text), is_name ? "a name" : "an index",
                                  field->kind == LEAT_FIELD_SCALAR ? "a single value"
                                  : is_name                        ? "a list"
                                                                   : "an object");
        const struct leat_field *next = is_name ? find_field(fields, count, step->name) : fields;
        if (next == NULL)
            return no_such_field(path, fields, count, step->name);
        field = next;
        fields = field->children;
        count = field->count;
    }
    if (field->kind != LEAT_FIELD_SCALAR)
        return leat_error_set(path->err, LEAT_ERROR_FINDING, "'%.*s' is %s; only a single value in it can be read",
                              LEAT_BYTES_FORMAT(path->text), field->kind == LEAT_FIELD_OBJECT ? "an object" : "a list");
    *ret = field;
    return 0;
}

static bool same_steps(const struct path *path, const struct leat_slot *slot)
{
    if (path->count != slot->step_count)
        return false;
    for (size_t i = 0; i < path->count; i++) {
        const struct leat_path_step *a = &path->steps[i];
        const struct leat_path_step *b = &slot->steps[i];
        if ((a->name.data == NULL) != (b->name.data == NULL) || a->index != b->index ||
            !leat_bytes_equal(a->name, b->name))
            return false;
    }
    return true;
}

static struct leat_slot *new_slot(struct leat_projection *projection, struct leat_arena *arena)
{
    if (projection->count == projection->capacity) {
        /* The old array stays in the arena: doubling bounds what is lost by what is used. */
        size_t capacity = projection->capacity == 0 ? 16 : projection->capacity * 2;
        struct leat_slot *slots = leat_arena_zalloc(arena, capacity, sizeof *slots);
        if (projection->count > 0)
            memcpy(slots, projection->slots, projection->count * sizeof *slots);
        projection->slots = slots;
        projection->capacity = capacity;
    }
    return &projection->slots[projection->count++];
}

int leat_projection_slot(struct leat_projection *projection, const struct leat_schema *schema, struct leat_bytes text,
                         struct leat_arena *arena, size_t *ret_slot, struct leat_error *err)
{
    struct path path = {.text = text, .arena = arena, .err = err};
    const struct leat_field *field = NULL;
    if (parse_path(&path) < 0 || find_leaf(&path, schema, &field) < 0)
        return -1;
    for (size_t i = 0; i < projection->count; i++) {
        if (same_steps(&path, &projection->slots[i])) {
            *ret_slot = i;
            return 0;
        }
    }

    struct leat_slot *slot = new_slot(projection, arena);
    slot->path = leat_arena_bytes(arena, text);
    slot->steps = leat_arena_alloc(arena, path.count * sizeof *slot->steps);
    memcpy(slot->steps, path.steps, path.count * sizeof *slot->steps);
    slot->step_count = path.count;
    slot->type = field->type;
    slot->encoding = field->encoding;
    *ret_slot = projection->count - 1;
    return 0;
}
