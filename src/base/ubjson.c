#include "base/ubjson.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256

/* Containers whose count is not declared are gathered here; each takes its own off again when it ends. */
struct stack {
    struct leat_json_member *items; /* of arrays without names */
    size_t count, capacity;
};

struct reader {
    const char *start, *at, *end;
    struct leat_arena *arena;
    struct stack stack;
    size_t depth;
    struct leat_error *err;
};

#define refuse(r, ...) refuse_at(r, leat_error_set((r)->err, LEAT_ERROR_FINDING, __VA_ARGS__))

static int refuse_at(struct reader *r, int failed)
{
    (void)failed;
    return leat_error_prefix(r->err, "byte %zu: not UBJSON", (size_t)(r->at - r->start));
}

static size_t bytes_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* ---- numbers ---- */

static size_t number_size(char marker)
{
    switch (marker) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static uint64_t big_endian(const char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* The marker is one of number_size's, and the bytes are there. */
static void put_number(char marker, const char *at, struct leat_json *ret)
{
    uint64_t bits = big_endian(at, number_size(marker));
    uint32_t low = (uint32_t)bits;
    float single;
    ret->type = LEAT_JSON_INT;
    ret->count = 0;
    switch (marker) {
    case 'i':
        ret->as.integer = (int8_t)bits;
        return;
    case 'I':
        ret->as.integer = (int16_t)bits;
        return;
    case 'l':
        ret->as.integer = (int32_t)bits;
        return;
    case 'd':
        memcpy(&single, &low, sizeof single);
        ret->type = LEAT_JSON_DOUBLE;
        ret->as.number = (double)single;
        return;
    case 'D':
        ret->type = LEAT_JSON_DOUBLE;
        memcpy(&ret->as.number, &bits, sizeof bits);
        return;
    default: /* 'U' and 'L' */
        ret->as.integer = (int64_t)bits;
        return;
    }
}

/* A marker and the length behind it. */
static int take_length(struct reader *r, size_t *ret)
{
    struct leat_json length = {0};
    char marker = bytes_left(r) > 0 ? *r->at : 0;
    size_t size = number_size(marker);
    if (size == 0 || marker == 'd' || marker == 'D')
        return refuse(r, "a length belongs here");
    if (bytes_left(r) < 1 + size)
        return refuse(r, "the file ends within a length");
    put_number(marker, r->at + 1, &length);
    if (length.as.integer < 0)
        return refuse(r, "a length of %lld", (long long)length.as.integer);
    r->at += 1 + size;
    *ret = (size_t)length.as.integer;
    return 0;
}

/* ---- strings ---- */

static int take_string(struct reader *r, struct leat_bytes *ret)
{
    size_t len = 0;
    if (take_length(r, &len) != 0)
        return -1;
    if (len > bytes_left(r))
        return refuse(r, "a text of %zu bytes, but %zu are left", len, bytes_left(r));
    if (!leat_utf8_valid((struct leat_bytes){r->at, len}))
        return refuse(r, "a text that is not UTF-8");
    *ret = (struct leat_bytes){leat_arena_copy(r->arena, r->at, len), len};
    r->at += len;
    return 0;
}

/* ---- containers ---- */

static int take_value(struct reader *r, char marker, struct leat_json *ret);

static int take_marker(struct reader *r, char *ret)
{
    if (bytes_left(r) == 0)
        return refuse(r, "the file ends where a value belongs");
    *ret = *r->at++;
    return 0;
}

/* What may stand behind '[' or '{': "$" and the type of all elements, "#" and how many there are. */
struct header {
    char type; /* 0: each has its own */
    bool counted;
    size_t count;
};

static int take_header(struct reader *r, struct header *ret)
{
    *ret = (struct header){0};
    if (bytes_left(r) > 1 && *r->at == '$') {
        ret->type = r->at[1];
        if (number_size(ret->type) == 0 && (ret->type == '\0' || strchr("S[{", ret->type) == NULL))
            return refuse(r, "elements of the type 0x%02x, which have no bytes or are not read",
                          (unsigned char)r->at[1]);
        r->at += 2;
    }
    ret->counted = bytes_left(r) > 0 && *r->at == '#';
    if (ret->type != 0 && !ret->counted)
        return refuse(r, "a type without a count");
    if (!ret->counted)
        return 0;
    r->at++;
    return take_length(r, &ret->count);
}

/* Elements of one type of number, which is what models consist of. */
static int take_numbers(struct reader *r, const struct header *header, struct leat_json *ret)
{
    size_t size = number_size(header->type);
    if (header->count > bytes_left(r) / size || header->count > UINT32_MAX)
        return refuse(r, "%zu numbers of %zu bytes, but %zu bytes are left", header->count, size, bytes_left(r));
    struct leat_json *elements = leat_arena_alloc(r->arena, header->count * sizeof *elements);
    for (size_t i = 0; i < header->count; i++)
        put_number(header->type, r->at + i * size, &elements[i]);
    r->at += header->count * size;
    ret->count = (uint32_t)header->count;
    ret->as.elements = elements;
    return 0;
}

static void push(struct stack *stack, const struct leat_json_member *item)
{
    if (stack->count == stack->capacity) {
        stack->capacity = stack->capacity == 0 ? 64 : stack->capacity + stack->capacity / 2;
        stack->items = leat_realloc(stack->items, stack->capacity, sizeof *stack->items);
    }
    stack->items[stack->count++] = *item;
}

static int take_item(struct reader *r, bool named, char type)
{
    struct leat_json_member item = {0};
    char marker = type;
    if ((named && take_string(r, &item.name) != 0) || (type == 0 && take_marker(r, &marker) != 0) ||
        take_value(r, marker, &item.value) != 0)
        return -1;
    push(&r->stack, &item);
    return 0;
}

/* An item has at least one byte, so there are no more of them than bytes. */
static int take_items(struct reader *r, bool named, const struct header *header)
{
    char closer = named ? '}' : ']';
    if (header->counted && header->count > bytes_left(r))
        return refuse(r, "%zu elements, but %zu bytes are left", header->count, bytes_left(r));
    for (size_t i = 0; i < header->count; i++)
        if (take_item(r, named, header->type) != 0)
            return -1;
    while (!header->counted && bytes_left(r) > 0 && *r->at != closer)
        if (take_item(r, named, 0) != 0)
            return -1;
    if (!header->counted && bytes_left(r) == 0)
        return refuse(r, "the file ends within %s", named ? "an object" : "an array");
    r->at += header->counted ? 0 : 1;
    return 0;
}

/* The items from `first` on come off the stack. */
static void put_items(struct reader *r, bool named, size_t first, struct leat_json *ret)
{
    size_t count = r->stack.count - first;
    ret->count = (uint32_t)count;
    r->stack.count = first;
    if (named) {
        struct leat_json_member *members = leat_arena_alloc(r->arena, count * sizeof *members);
        for (size_t i = 0; i < count; i++)
            members[i] = r->stack.items[first + i];
        ret->as.members = members;
        return;
    }
    struct leat_json *elements = leat_arena_alloc(r->arena, count * sizeof *elements);
    for (size_t i = 0; i < count; i++)
        elements[i] = r->stack.items[first + i].value;
    ret->as.elements = elements;
}

static int take_container(struct reader *r, bool named, struct leat_json *ret)
{
    struct header header;
    size_t first = r->stack.count;
    if (r->depth == DEPTH_MAX)
        return refuse(r, "more than %d levels", DEPTH_MAX);
    if (take_header(r, &header) != 0)
        return -1;
    ret->type = named ? LEAT_JSON_OBJECT : LEAT_JSON_ARRAY;
    if (!named && number_size(header.type) > 0)
        return take_numbers(r, &header, ret);
    r->depth++;
    if (take_items(r, named, &header) != 0)
        return -1;
    r->depth--;
    put_items(r, named, first, ret);
    return 0;
}

static int take_value(struct reader *r, char marker, struct leat_json *ret)
{
    switch (marker) {
    case '{':
    case '[':
        return take_container(r, marker == '{', ret);
    case 'S':
        ret->type = LEAT_JSON_STRING;
        return take_string(r, &ret->as.string);
    case 'Z':
        ret->type = LEAT_JSON_NULL;
        return 0;
    case 'T':
    case 'F':
        ret->type = LEAT_JSON_BOOL;
        ret->as.boolean = marker == 'T';
        return 0;
    default:
        break;
    }
    size_t size = number_size(marker);
    if (size == 0)
        return refuse(r, "a value can not begin with the byte 0x%02x", (unsigned)(unsigned char)marker);
    if (size > bytes_left(r))
        return refuse(r, "the file ends within a number");
    put_number(marker, r->at, ret);
    r->at += size;
    return 0;
}

/* ---- the whole ---- */

bool leat_ubjson_begins(struct leat_bytes file)
{
    return file.len > 1 && file.data[0] == '{' && file.data[1] != '\0' && strchr("iUIlL$#", file.data[1]) != NULL;
}

int leat_ubjson_parse(struct leat_bytes file, struct leat_json_document **ret, struct leat_error *err)
{
    struct reader r = {.start = file.data, .at = file.data, .end = file.data + file.len, .err = err};
    struct leat_json *root = NULL;
    char marker = 0;
    if (file.len > UINT32_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu bytes of UBJSON; %u are possible", file.len, UINT32_MAX);
    struct leat_json_document *document = leat_json_document_new(&r.arena, &root);
    int status = take_marker(&r, &marker) != 0 || take_value(&r, marker, root) != 0 ? -1 : 0;
    if (status == 0 && r.at != r.end)
        status = refuse(&r, "something behind the end of the value");
    free(r.stack.items);
    if (status != 0) {
        leat_json_free(document);
        return -1;
    }
    *ret = document;
    return 0;
}
