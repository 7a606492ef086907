/* libyaml's events, with a stack of open collections, become flat arrays in an arena.
 *
 * An alias shares the members of what it names, so expanding costs no memory; but whoever walks the tree meets them
 * again, and so each node knows what it holds in all, and the limits count what is met. */
#include "base/yaml.h"

#include "base/arena.h"
#include "base/map.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define NODES_MAX ((size_t)10000)
#define TEXT_MAX ((size_t)1 << 20)
#define DEPTH_MAX ((size_t)32)
#define ANCHORS_MAX ((size_t)1000)
#define SHOWN_MAX 120 /* characters of a source line in an error */

/* What a walk over a node meets. */
struct extent {
    size_t nodes;
    size_t text;
    size_t depth; /* 1 for a scalar */
};

struct item {
    struct leat_yaml node;
    struct extent extent;
};

struct anchor {
    struct leat_bytes name;
    bool open; /* its collection is not closed yet: an alias to it would be a cycle */
    struct item item;
};

struct frame {
    struct leat_yaml node;
    size_t anchor;         /* index + 1, or 0 */
    size_t first_item;     /* in builder.items; keys and values alternate in a mapping */
    struct leat_map *keys; /* NULL in a sequence */
};

struct builder {
    struct leat_yaml_document *document;
    struct leat_arena *arena;
    struct leat_error *err;
    struct frame frames[DEPTH_MAX];
    size_t depth;
    struct item *items;
    size_t items_count, items_capacity;
    struct anchor *anchors;
    size_t anchors_count, anchors_capacity;
    struct extent total;
    struct item root;
    bool has_root, has_document;
};

/* ---- errors ---- */

/* The length of the line break at data, or 0: what libyaml counts as one. */
static size_t line_break(const char *data, const char *end)
{
    size_t left = (size_t)(end - data);
    if (left >= 2 && memcmp(data, "\r\n", 2) == 0)
        return 2;
    if (left >= 1 && (data[0] == '\n' || data[0] == '\r'))
        return 1;
    if (left >= 2 && memcmp(data, "\xC2\x85", 2) == 0)
        return 2;
    if (left >= 3 && (memcmp(data, "\xE2\x80\xA8", 3) == 0 || memcmp(data, "\xE2\x80\xA9", 3) == 0))
        return 3;
    return 0;
}

static struct leat_bytes source_line(struct leat_bytes source, int line)
{
    const char *at = source.data;
    const char *end = at == NULL ? NULL : at + source.len;
    for (int i = 1; i < line && at < end;) {
        size_t len = line_break(at, end);
        at += len == 0 ? 1 : len;
        i += len == 0 ? 0 : 1;
    }
    const char *start = at;
    while (at < end && line_break(at, end) == 0)
        at++;
    return (struct leat_bytes){.data = start, .len = (size_t)(at - start)};
}

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* The line and a caret below its column. Of a long line only the part around the column is shown. */
static void append_place(struct leat_buffer *out, struct leat_bytes line, int column)
{
    int from = column > SHOWN_MAX / 2 ? column - SHOWN_MAX / 2 : 1;
    LEAT_CLEAN_BUFFER caret = {0};
    leat_buffer_append_text(out, "\n  ");
    leat_buffer_append_text(&caret, "\n  ");
    int character = 0; /* of the line, from 1 */
    for (size_t i = 0; i < line.len; i++) {
        character += starts_character(line.data[i]) ? 1 : 0;
        if (character < from || character >= from + SHOWN_MAX)
            continue;
        unsigned char c = (unsigned char)line.data[i];
        bool control = (c < 0x20 && c != '\t') || c == 0x7F;
        leat_buffer_append_char(out, control ? '?' : line.data[i]);
        if (character < column && starts_character(line.data[i]))
            leat_buffer_append_char(&caret, c == '\t' ? '\t' : ' ');
    }
    leat_buffer_append_char(&caret, '^');
    leat_buffer_append(out, caret.data, caret.len);
}

int(leat_yaml_error)(const struct leat_yaml_document *document, int line, int column, struct leat_error *err,
                     const char *format, ...)
{
    char sentence[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);

    LEAT_CLEAN_BUFFER place = {0};
    append_place(&place, source_line(document->source, line), column);
    return leat_error_set(err, LEAT_ERROR_FINDING, "%s:%d:%d: %s%s", document->file, line, column, sentence,
                          leat_buffer_text(&place));
}

static int refused(struct builder *b, yaml_mark_t mark, const char *problem)
{
    return leat_yaml_error(b->document, (int)mark.line + 1, (int)mark.column + 1, b->err, "%s", problem);
}

/* The place of a byte of the source, counted as libyaml counts. */
static yaml_mark_t mark_of(struct leat_bytes source, size_t offset)
{
    yaml_mark_t mark = {0};
    const char *end = source.data + source.len;
    for (const char *at = source.data; at < source.data + offset;) {
        size_t len = line_break(at, end);
        if (len > 0) {
            mark.line++;
            mark.column = 0;
            at += len;
            continue;
        }
        at++;
        if (at == end || starts_character(*at))
            mark.column++;
    }
    return mark;
}

/* Where libyaml's words help little. */
static const char *hint_for(const char *problem, struct leat_bytes line, size_t column)
{
    if (strstr(problem, "mapping values are not allowed") != NULL)
        return "; a text with a colon and a space in it needs quotes";
    if (strstr(problem, "cannot start any token") == NULL)
        return "";
    if (column < line.len && memchr(line.data, '\t', column + 1) != NULL)
        return "; YAML is indented with spaces, not with tabs";
    return "; a text that begins so needs quotes";
}

static int parser_refused(struct builder *b, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return leat_error_set(b->err, LEAT_ERROR_ENVIRONMENT, "%s: no memory to read it", b->document->file);
    bool unreadable = parser->error == YAML_READER_ERROR;
    yaml_mark_t mark = unreadable ? mark_of(b->document->source, parser->problem_offset) : parser->problem_mark;
    const char *problem = parser->problem != NULL ? parser->problem : "unknown problem";
    const char *context = parser->context != NULL && !unreadable ? parser->context : "";
    int line = (int)mark.line + 1;
    return leat_yaml_error(b->document, line, (int)mark.column + 1, b->err, "not YAML: %s%s%s%s", context,
                           context[0] != '\0' ? ", " : "", problem,
                           hint_for(problem, source_line(b->document->source, line), mark.column));
}

/* ---- building ---- */

static struct leat_bytes text_of(const yaml_char_t *text)
{
    return leat_bytes_of((const char *)text);
}

/* Doubles the capacity when it is used up. */
static void *room_for_one(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    return leat_realloc(array, *capacity, size);
}

/* Counts what a walk of the whole tree will meet, and keeps that bounded. */
static int account(struct builder *b, yaml_mark_t mark, struct extent extent)
{
    b->total.nodes += extent.nodes;
    b->total.text += extent.text;
    if (b->total.nodes > NODES_MAX)
        return refused(b, mark, "more than 10000 nodes (an alias counts as what it stands for)");
    if (b->total.text > TEXT_MAX)
        return refused(b, mark, "more than 1 MiB of text (an alias counts as what it stands for)");
    if (b->depth + extent.depth > DEPTH_MAX)
        return refused(b, mark, "more than 32 levels");
    return 0;
}

static struct anchor *find_anchor(struct builder *b, struct leat_bytes name)
{
    for (size_t i = b->anchors_count; i > 0; i--) { /* the latest of a name counts */
        if (leat_bytes_equal(b->anchors[i - 1].name, name))
            return &b->anchors[i - 1];
    }
    return NULL;
}

/* Notes the anchor of a node that begins; *ret is its index + 1, or 0 without one. */
static int open_anchor(struct builder *b, yaml_mark_t mark, const yaml_char_t *name, size_t *ret)
{
    *ret = 0;
    if (name == NULL)
        return 0;
    if (b->anchors_count == ANCHORS_MAX)
        return refused(b, mark, "more than 1000 anchors");
    b->anchors = room_for_one(b->anchors, b->anchors_count, &b->anchors_capacity, sizeof *b->anchors);
    b->anchors[b->anchors_count++] = (struct anchor){.name = leat_arena_bytes(b->arena, text_of(name)), .open = true};
    *ret = b->anchors_count;
    return 0;
}

static void close_anchor(struct builder *b, size_t anchor, const struct item *item)
{
    if (anchor == 0)
        return;
    b->anchors[anchor - 1].open = false;
    b->anchors[anchor - 1].item = *item;
}

static bool is_key_next(const struct builder *b)
{
    if (b->depth == 0 || b->frames[b->depth - 1].keys == NULL)
        return false;
    return (b->items_count - b->frames[b->depth - 1].first_item) % 2 == 0;
}

/* Gives a finished node to the open collection, or makes it the root. */
static int add_item(struct builder *b, yaml_mark_t mark, const struct item *item)
{
    if (b->depth == 0) {
        b->root = *item;
        b->has_root = true;
        return 0;
    }
    if (is_key_next(b)) {
        if (item->node.type != LEAT_YAML_SCALAR)
            return refused(b, mark, "a key must be a plain text, not a mapping or a list");
        bool is_new;
        uint64_t *line = leat_map_put(b->frames[b->depth - 1].keys, item->node.text, &is_new);
        if (!is_new)
            return leat_yaml_error(b->document, (int)mark.line + 1, (int)mark.column + 1, b->err,
                                   "the key '%.*s' is here a second time; the first is in line %d",
                                   (int)(item->node.text.len < 100 ? item->node.text.len : 100), item->node.text.data,
                                   (int)*line);
        *line = (uint64_t)item->node.line;
    }
    b->items = room_for_one(b->items, b->items_count, &b->items_capacity, sizeof *b->items);
    b->items[b->items_count++] = *item;
    return 0;
}

static struct leat_yaml node_at(enum leat_yaml_type type, yaml_mark_t mark)
{
    return (struct leat_yaml){.type = type, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
}

/* The tags that say what a plain node is anyway; *ret_text: it is a text, whatever it looks like. */
static int check_tag(struct builder *b, yaml_mark_t mark, const yaml_char_t *tag, bool *ret_text)
{
    static const char *const known[] = {YAML_NULL_TAG,  YAML_BOOL_TAG, YAML_INT_TAG,
                                        YAML_FLOAT_TAG, YAML_SEQ_TAG,  YAML_MAP_TAG};
    *ret_text = false;
    if (tag == NULL)
        return 0;
    struct leat_bytes name = text_of(tag);
    if (leat_bytes_is(name, YAML_STR_TAG) || leat_bytes_is(name, "!")) {
        *ret_text = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (leat_bytes_is(name, known[i]))
            return 0;
    }
    return leat_yaml_error(b->document, (int)mark.line + 1, (int)mark.column + 1, b->err,
                           "the tag '%.*s' is not supported; leave it out", (int)(name.len < 100 ? name.len : 100),
                           name.data);
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
    yaml_mark_t mark = event->start_mark;
    struct leat_bytes text = {.data = (const char *)event->data.scalar.value, .len = event->data.scalar.length};
    bool is_text;
    size_t anchor;
    if (check_tag(b, mark, event->data.scalar.tag, &is_text) < 0 ||
        open_anchor(b, mark, event->data.scalar.anchor, &anchor) < 0)
        return -1;
    struct item item = {.node = node_at(LEAT_YAML_SCALAR, mark), .extent = {.nodes = 1, .text = text.len, .depth = 1}};
    if (account(b, mark, item.extent) < 0)
        return -1;
    item.node.quoted = is_text || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    item.node.text = leat_arena_bytes(b->arena, text);
    close_anchor(b, anchor, &item);
    return add_item(b, mark, &item);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
    yaml_mark_t mark = event->start_mark;
    const struct anchor *anchor = find_anchor(b, text_of(event->data.alias.anchor));
    if (anchor == NULL)
        return refused(b, mark, "an alias without an anchor of its name before it");
    if (anchor->open)
        return refused(b, mark, "an alias to what it is part of");
    struct item item = anchor->item;
    if (account(b, mark, item.extent) < 0)
        return -1;
    item.node.line = (int)mark.line + 1;
    item.node.column = (int)mark.column + 1;
    return add_item(b, mark, &item);
}

static int on_start(struct builder *b, const yaml_event_t *event, bool mapping)
{
    yaml_mark_t mark = event->start_mark;
    const yaml_char_t *tag = mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_char_t *name = mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    if (is_key_next(b))
        return refused(b, mark, "a key must be a plain text, not a mapping or a list");
    bool is_text;
    size_t anchor;
    if (check_tag(b, mark, tag, &is_text) < 0 || open_anchor(b, mark, name, &anchor) < 0 ||
        account(b, mark, (struct extent){.nodes = 1, .text = 0, .depth = 1}) < 0)
        return -1;
    b->frames[b->depth++] = (struct frame){
        .node = node_at(mapping ? LEAT_YAML_MAPPING : LEAT_YAML_SEQUENCE, mark),
        .anchor = anchor,
        .first_item = b->items_count,
        .keys = mapping ? leat_map_new() : NULL,
    };
    return 0;
}

static void fill_mapping(struct builder *b, struct leat_yaml *node, const struct item *items, size_t count)
{
    struct leat_yaml_member *members = leat_arena_zalloc(b->arena, count / 2, sizeof *members);
    for (size_t i = 0; i < count / 2; i++)
        members[i] = (struct leat_yaml_member){.key = items[2 * i].node, .value = items[2 * i + 1].node};
    node->members = members;
    node->count = count / 2;
}

static void fill_sequence(struct builder *b, struct leat_yaml *node, const struct item *items, size_t count)
{
    struct leat_yaml *elements = leat_arena_zalloc(b->arena, count, sizeof *elements);
    for (size_t i = 0; i < count; i++)
        elements[i] = items[i].node;
    node->elements = elements;
    node->count = count;
}

static int on_end(struct builder *b, const yaml_event_t *event)
{
    struct frame *frame = &b->frames[--b->depth];
    size_t count = b->items_count - frame->first_item;
    const struct item *items = count == 0 ? NULL : b->items + frame->first_item;
    struct item item = {.node = frame->node, .extent = {.nodes = 1, .text = 0, .depth = 0}};
    for (size_t i = 0; i < count; i++) {
        item.extent.nodes += items[i].extent.nodes;
        item.extent.text += items[i].extent.text;
        if (items[i].extent.depth > item.extent.depth)
            item.extent.depth = items[i].extent.depth;
    }
    item.extent.depth++;
    if (frame->keys != NULL)
        fill_mapping(b, &item.node, items, count);
    else
        fill_sequence(b, &item.node, items, count);
    b->items_count = frame->first_item;
    leat_map_free(frame->keys);
    close_anchor(b, frame->anchor, &item);
    return add_item(b, event->start_mark, &item);
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->has_document)
            return refused(b, event->start_mark, "a second document; a file holds one");
        b->has_document = true;
        return 0;
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return on_alias(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(b, event, false);
    case YAML_MAPPING_START_EVENT:
        return on_start(b, event, true);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(b, event);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

static int build(struct builder *b, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return parser_refused(b, parser);
        bool end = event.type == YAML_STREAM_END_EVENT;
        int result = on_event(b, &event);
        yaml_event_delete(&event);
        if (result < 0 || end)
            return result;
    }
}

static void builder_done(struct builder *b)
{
    for (size_t i = 0; i < b->depth; i++)
        leat_map_free(b->frames[i].keys);
    free(b->items);
    free(b->anchors);
}

/* An empty file, and one with nothing but comments, has no root: libyaml makes no document of it. */
static int parse_into(struct leat_yaml_document *document, struct leat_error *err)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: no memory to read it", document->file);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)document->source.data, document->source.len);

    struct builder builder = {.document = document, .arena = document->memory, .err = err};
    int result = build(&builder, &parser);
    if (result == 0 && builder.has_root) {
        struct leat_yaml *root = leat_arena_alloc(document->memory, sizeof *root);
        *root = builder.root.node;
        document->root = root;
    }
    builder_done(&builder);
    yaml_parser_delete(&parser);
    return result;
}

int leat_yaml_parse(const char *file, struct leat_bytes text, struct leat_yaml_document *ret, struct leat_error *err)
{
    if (text.len > TEXT_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: it has %zu bytes, and at most %zu are read", file, text.len,
                              TEXT_MAX);
    struct leat_arena *arena = leat_calloc(1, sizeof *arena);
    struct leat_yaml_document document = {
        .file = leat_arena_strdup(arena, file),
        .source = leat_arena_bytes(arena, text),
        .memory = arena,
    };
    if (parse_into(&document, err) < 0) {
        leat_yaml_done(&document);
        return -1;
    }
    *ret = document;
    return 0;
}

void leat_yaml_done(struct leat_yaml_document *document)
{
    if (document->memory != NULL)
        leat_arena_done(document->memory);
    free(document->memory);
    *document = (struct leat_yaml_document){0};
}

const struct leat_yaml *leat_yaml_get(const struct leat_yaml *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != LEAT_YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < mapping->count; i++) {
        if (leat_bytes_is(mapping->members[i].key.text, key))
            return &mapping->members[i].value;
    }
    return NULL;
}

bool leat_yaml_is_null(const struct leat_yaml *node)
{
    if (node == NULL)
        return true;
    if (node->type != LEAT_YAML_SCALAR || node->quoted)
        return false;
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        if (leat_bytes_is(node->text, nulls[i]))
            return true;
    }
    return false;
}
