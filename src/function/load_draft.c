/* The document's tree against the table of options: every key is one of the table's, every value has its type, and lands
 * in the draft where the table says. What the values mean together is load_sources.c's and load_expr.c's. */
#include "function/load.h"

#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 249 /* Kafka's limit for a topic */
#define SECRET_MAX ((size_t)65536)
#define KEYS_MAX 64 /* of one section of the table */

/* -- errors --------------------------------------------------------------------------------------------------------- */

int leat_load_fail(const struct leat_loader *loader, const struct leat_yaml *at, const char *format, ...)
{
    char sentence[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return leat_yaml_error(loader->document, at->line, at->column, loader->err, "%s", sentence);
}

int leat_load_place(const struct leat_loader *loader, const struct leat_given *given)
{
    if (!loader->err)
        return -1;
    if (given->secret)
        return leat_load_fail(loader, given->node,
                              "this does not do with what ${…} stands for (it is not shown, for it may be a secret)");
    char sentence[1000];
    snprintf(sentence, sizeof sentence, "%.999s", loader->err->text);
    return leat_load_fail(loader, given->node, "%s", sentence);
}

const char *leat_load_shown(const struct leat_given *given)
{
    return given->secret ? "${…}" : given->text;
}

/* -- ${…} ----------------------------------------------------------------------------------------------------------- */

/* The byte of the source at which a node begins; '\0' when it is beyond. */
static struct leat_bytes source_at(const struct leat_yaml_document *document, int line, int column)
{
    struct leat_bytes rest = document->source;
    for (int i = 1; i < line; i++) {
        const char *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
        if (!end)
            return (struct leat_bytes){NULL, 0};
        rest.len -= (size_t)(end + 1 - rest.data);
        rest.data = end + 1;
    }
    for (int i = 1; i < column && rest.len > 0;) {
        rest.data++;
        rest.len--;
        if (rest.len > 0 && ((unsigned char)rest.data[0] & 0xC0) != 0x80)
            i++;
    }
    return rest;
}

struct leat_expr_place leat_load_text_place(const struct leat_loader *loader, const struct leat_yaml *node)
{
    const struct leat_yaml_document *document = loader->document;
    struct leat_expr_place place = {.file = document->file, .line = node->line, .column = node->column};
    struct leat_bytes at = source_at(document, node->line, node->column);
    if (!node->quoted || at.len == 0)
        return place;
    if (at.data[0] == '"' || at.data[0] == '\'') {
        place.column++;
        return place;
    }
    if (at.data[0] != '|' && at.data[0] != '>')
        return place;
    struct leat_bytes below = source_at(document, node->line + 1, 1);
    size_t indent = 0;
    while (indent < below.len && below.data[indent] == ' ')
        indent++;
    place.line++;
    place.column = (int)indent + 1;
    place.indent = (int)indent;
    return place;
}

/* An error at a byte of a scalar's text. */
static int fail_within(const struct leat_loader *loader, const struct leat_yaml *node, size_t at, const char *sentence)
{
    struct leat_expr_place place = leat_load_text_place(loader, node);
    bool one_line = memchr(node->text.data, '\n', node->text.len) == NULL;
    return leat_yaml_error(loader->document, place.line, place.column + (one_line ? (int)at : 0), loader->err, "%s",
                           sentence);
}

static bool is_name_byte(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool is_variable(struct leat_bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.data[i], i == 0))
            return false;
    return name.len > 0;
}

/* "path/to/fn.yaml" and "models" give "path/to/models". */
static char *beside(struct leat_arena *arena, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash)
        return leat_arena_strdup(arena, path);
    return leat_arena_format(arena, "%.*s%s", (int)(slash + 1 - file), file, path);
}

const char *leat_load_path(const struct leat_loader *loader, const char *path)
{
    return beside(&loader->function->arena, loader->document->file, path);
}

/* Appends what `${inside}` stands for. */
static int fill_in(const struct leat_loader *loader, const struct leat_yaml *node, size_t at, struct leat_bytes inside,
                   struct leat_buffer *out)
{
    struct leat_arena *arena = &loader->function->arena;
    size_t before = out->len;
    if (inside.len > 5 && memcmp(inside.data, "file:", 5) == 0) {
        char *path = leat_arena_copy(arena, inside.data + 5, inside.len - 5);
        LEAT_CLEAN_BUFFER content = {0};
        if (leat_file_read(leat_load_path(loader, path), SECRET_MAX, &content, loader->err) < 0)
            return loader->err ? fail_within(loader, node, at, leat_arena_strdup(arena, loader->err->text)) : -1;
        struct leat_bytes text = leat_buffer_view(&content);
        if (text.len > 0 && text.data[text.len - 1] == '\n') /* editors and echo leave one */
            text.len--;
        leat_buffer_append(out, text.data, text.len);
    } else if (is_variable(inside)) {
        char *name = leat_arena_copy(arena, inside.data, inside.len);
        const char *value = getenv(name);
        if (!value)
            return fail_within(loader, node, at,
                               leat_arena_format(arena, "the environment variable '%s' is not set", name));
        leat_buffer_append_text(out, value);
    } else {
        return fail_within(loader, node, at,
                           "${…} holds the name of an environment variable, or file: and a path; a "
                           "dollar sign by itself is written $$");
    }
    struct leat_bytes added = {out->data + before, out->len - before};
    if (out->failed || (added.len > 0 && memchr(added.data, 0, added.len)) || !leat_utf8_valid(added))
        return fail_within(loader, node, at, "what this stands for is not a text (UTF-8 of at most 64 KiB)");
    return 0;
}

int leat_load_scalar(const struct leat_loader *loader, const struct leat_yaml *node, struct leat_given *ret)
{
    struct leat_arena *arena = &loader->function->arena;
    struct leat_bytes text = node->text;
    *ret = (struct leat_given){.node = node, .text = leat_arena_copy(arena, text.data, text.len)};
    if (memchr(ret->text, 0, text.len))
        return leat_load_fail(loader, node, "a text with a zero byte in it");
    if (!memchr(ret->text, '$', text.len))
        return 0;
    LEAT_CLEAN_BUFFER out = {.max = SECRET_MAX};
    for (size_t at = 0; at < text.len; at++) {
        const char *here = text.data + at;
        size_t left = text.len - at;
        if (left < 2 || here[0] != '$' || (here[1] != '$' && here[1] != '{')) {
            leat_buffer_append_char(&out, here[0]);
            continue;
        }
        if (here[1] == '$') {
            leat_buffer_append_char(&out, '$');
            at++;
            continue;
        }
        const char *end = memchr(here, '}', left);
        if (!end)
            return fail_within(loader, node, at, "${ without a }; a dollar sign by itself is written $$");
        if (fill_in(loader, node, at, (struct leat_bytes){here + 2, (size_t)(end - here) - 2}, &out) < 0)
            return -1;
        ret->secret = true;
        at += (size_t)(end - here);
    }
    if (out.failed)
        return leat_load_fail(loader, node, "a text of more than 64 KiB");
    ret->text = leat_arena_copy(arena, out.data, out.len);
    return 0;
}

/* -- values --------------------------------------------------------------------------------------------------------- */

static bool is_topic(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > NAME_MAX_LEN || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_name_byte(text[i], false) && text[i] != '.' && text[i] != '-')
            return false;
    return true;
}

/* The place of `text` among "a|b|c", or -1. */
static int choice_of(const char *choices, const char *text)
{
    size_t len = strlen(text);
    int which = 0;
    for (const char *at = choices;; which++) {
        const char *end = strchr(at, '|');
        size_t size = end ? (size_t)(end - at) : strlen(at);
        if (size == len && memcmp(at, text, len) == 0)
            return which;
        if (!end)
            return -1;
        at = end + 1;
    }
}

static int bad_choice(const struct leat_loader *loader, const struct leat_option_row *row, const char *path,
                      const struct leat_given *given)
{
    LEAT_CLEAN_BUFFER list = {0};
    for (const char *at = row->help.type; *at; at++) {
        if (*at == '|')
            leat_buffer_append_text(&list, ", ");
        else
            leat_buffer_append_char(&list, *at);
    }
    return leat_load_fail(loader, given->node, "%s is one of %s; this is '%s'", path, leat_buffer_text(&list),
                          leat_load_shown(given));
}

static int read_duration(const struct leat_loader *loader, bool zero, const char *path, struct leat_given *given)
{
    if (leat_duration_parse(leat_bytes_of(given->text), &given->number, loader->err) < 0)
        return leat_load_place(loader, given);
    if (given->number == 0 && !zero)
        return leat_load_fail(loader, given->node, "%s must be more than 0; leave it out to have none", path);
    return 0;
}

static int read_format(const struct leat_loader *loader, struct leat_given *given)
{
    enum leat_format format;
    if (leat_format_parse(leat_bytes_of(given->text), &format, loader->err) < 0)
        return leat_load_place(loader, given);
    given->number = format;
    return 0;
}

/* The number of a value whose text is there, for the types that have one. */
static int interpret(const struct leat_loader *loader, const struct leat_option_row *row, const char *path,
                     struct leat_given *given)
{
    switch (row->type) {
    case LEAT_OPTION_NAME:
        if (!is_topic(given->text))
            return leat_load_fail(loader, given->node,
                                  "%s is made of at most 249 letters, digits, '.', '_' and '-'; this is '%s'", path,
                                  leat_load_shown(given));
        return 0;
    case LEAT_OPTION_DURATION:
    case LEAT_OPTION_DURATION_ZERO:
        return read_duration(loader, row->type == LEAT_OPTION_DURATION_ZERO, path, given);
    case LEAT_OPTION_CHOICE:
        given->number = choice_of(row->help.type, given->text);
        return given->number < 0 ? bad_choice(loader, row, path, given) : 0;
    case LEAT_OPTION_FORMAT:
        return read_format(loader, given);
    case LEAT_OPTION_SECTION:
    case LEAT_OPTION_TEXT:
    case LEAT_OPTION_EXPRESSION:
    case LEAT_OPTION_WINDOW:
    case LEAT_OPTION_FIELD:
    case LEAT_OPTION_FIELDS:
    case LEAT_OPTION_SCHEMA:
        return 0;
    }
    return 0;
}

static const char *shape_of(const struct leat_yaml *node)
{
    switch (node->type) {
    case LEAT_YAML_SCALAR:
        return "a single value";
    case LEAT_YAML_SEQUENCE:
        return "a list";
    case LEAT_YAML_MAPPING:
        return "a mapping";
    }
    return "";
}

static const char *article(const char *word)
{
    return strchr("aeiou", word[0]) ? "an" : "a";
}

static int read_value(const struct leat_loader *loader, const struct leat_option_row *row, const char *path,
                      const struct leat_yaml *node, struct leat_given *ret)
{
    *ret = (struct leat_given){.node = node};
    if (leat_yaml_is_null(node))
        return leat_load_fail(loader, node, "%s has no value%s", path,
                              strchr(path, ' ') ? "; a text with a comma in it needs quotes within {}" : "");
    bool list = row->type == LEAT_OPTION_FIELDS && node->type == LEAT_YAML_SEQUENCE;
    bool mapping = row->type == LEAT_OPTION_SCHEMA && node->type == LEAT_YAML_MAPPING;
    if (list || mapping)
        return 0;
    if (node->type != LEAT_YAML_SCALAR || row->type == LEAT_OPTION_SCHEMA) {
        const char *what = row->type == LEAT_OPTION_CHOICE || row->type == LEAT_OPTION_FORMAT ? "name" : row->help.type;
        if (row->type == LEAT_OPTION_SCHEMA)
            what = "mapping of field names to types";
        return leat_load_fail(loader, node, "%s is %s %s, and this is %s", path, article(what), what, shape_of(node));
    }
    if (leat_load_scalar(loader, node, ret) < 0)
        return -1;
    if (ret->secret && (row->type == LEAT_OPTION_EXPRESSION || row->type == LEAT_OPTION_WINDOW))
        return leat_load_fail(loader, node,
                              "${…} can not be part of an expression: what it computes would depend on where it runs, and "
                              "reports of it would show what may be a secret");
    return interpret(loader, row, path, ret);
}

/* -- sections ------------------------------------------------------------------------------------------------------- */

static const struct leat_option_row *find_row(const char *section, struct leat_bytes key)
{
    size_t count;
    const struct leat_option_row *rows = leat_option_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].section, section) == 0 && (strcmp(rows[i].key, "*") == 0 || leat_bytes_is(key, rows[i].key)))
            return &rows[i];
    return NULL;
}

static const struct leat_option_row *find_path(struct leat_bytes path)
{
    size_t count;
    const struct leat_option_row *rows = leat_option_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (leat_bytes_is(path, rows[i].help.path))
            return &rows[i];
    return NULL;
}

static size_t keys_of(const char *section, const char *ret[KEYS_MAX])
{
    size_t count, found = 0;
    const struct leat_option_row *rows = leat_option_rows(&count);
    for (size_t i = 0; i < count && found < KEYS_MAX; i++)
        if (strcmp(rows[i].section, section) == 0)
            ret[found++] = rows[i].key;
    return found;
}

/* A key that is spelled the other way, nested for dotted or dotted for nested: says so and returns -1; 0: it is not. */
static int other_spelling(const struct leat_loader *loader, const char *section, const struct leat_yaml *key)
{
    const struct leat_option_row *nested = section[0] ? NULL : find_path(key->text);
    if (nested)
        return leat_load_fail(loader, key, "'%s' is written as '%s' below '%s'", nested->help.path, nested->key,
                              nested->section);
    const char *keys[KEYS_MAX];
    size_t count = keys_of(section, keys);
    LEAT_CLEAN_BUFFER dotted = {0};
    for (size_t i = 0; i < count; i++) {
        size_t len = key->text.len;
        if (strncmp(keys[i], key->text.data, len) == 0 && keys[i][len] == '.')
            leat_buffer_format(&dotted, "%s%s: …", dotted.len > 0 ? ", or " : "", keys[i]);
    }
    if (dotted.len > 0)
        return leat_load_fail(loader, key, "keys that begin with '%.*s' are written with their dots: %s",
                              LEAT_BYTES_FORMAT(key->text), leat_buffer_text(&dotted));
    return 0;
}

static int unknown_key(const struct leat_loader *loader, const char *section, const char *path,
                       const struct leat_yaml *key)
{
    if (other_spelling(loader, section, key) < 0)
        return -1;
    const char *keys[KEYS_MAX];
    size_t count = keys_of(section, keys);
    const char *nearest = leat_nearest(key->text, keys, count);
    int shown = key->text.len < 100 ? (int)key->text.len : 100;
    const char *of = path[0] ? path : "a function file";
    if (nearest)
        return leat_load_fail(loader, key, "'%.*s' is not a key of %s; the nearest is '%s'", shown, key->text.data, of,
                              nearest);
    LEAT_CLEAN_BUFFER list = {0};
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(&list, i ? ", " : "");
        leat_buffer_append_text(&list, keys[i]);
    }
    return leat_load_fail(loader, key, "'%.*s' is not a key of %s; it has %s", shown, key->text.data, of,
                          leat_buffer_text(&list));
}

/* Keys that were not given: an error, or the default. */
static int complete_section(const struct leat_loader *loader, const char *section, const char *path,
                            const struct leat_yaml *at, const struct leat_yaml *node, char *base)
{
    size_t count;
    const struct leat_option_row *rows = leat_option_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct leat_option_row *row = &rows[i];
        if (strcmp(row->section, section) != 0 || strcmp(row->key, "*") == 0 || leat_yaml_get(node, row->key))
            continue;
        if (strcmp(row->help.standard, "required") == 0)
            return path[0] ? leat_load_fail(loader, at, "%s has no '%s', which it needs", path, row->key)
                           : leat_load_fail(loader, at, "there is no '%s', which every function needs", row->key);
        bool plain = row->type == LEAT_OPTION_DURATION || row->type == LEAT_OPTION_DURATION_ZERO ||
                     row->type == LEAT_OPTION_CHOICE || row->type == LEAT_OPTION_FORMAT || row->type == LEAT_OPTION_TEXT;
        if (row->offset == LEAT_OPTION_NOWHERE || row->help.standard[0] == '\0' || !plain)
            continue;
        struct leat_given *given = (struct leat_given *)(void *)(base + row->offset);
        *given = (struct leat_given){.text = row->help.standard};
        if (interpret(loader, row, row->help.path, given) < 0)
            return -1;
    }
    return 0;
}

static int read_section(const struct leat_loader *loader, const char *section, const char *path,
                        const struct leat_yaml *at, const struct leat_yaml *node, char *base);

static int check_name(const struct leat_loader *loader, const char *path, const struct leat_yaml *key)
{
    if (key->text.len == 0 || key->text.len > NAME_MAX_LEN)
        return leat_load_fail(loader, key, "a name in %s has 1 to %d bytes", path, NAME_MAX_LEN);
    for (size_t i = 0; i < key->text.len; i++)
        if ((unsigned char)key->text.data[i] < 0x20 || key->text.data[i] == 0x7F)
            return leat_load_fail(loader, key, "a name in %s has a control character in it", path);
    return 0;
}

static int read_source(const struct leat_loader *loader, const struct leat_option_row *row, const char *path,
                       const struct leat_yaml_member *member, struct leat_source_list *list)
{
    struct leat_source_draft *source = &list->items[list->count++];
    source->name = leat_arena_copy(&loader->function->arena, member->key.text.data, member->key.text.len);
    source->at = &member->key;
    return read_section(loader, row->help.path, path, &member->key, &member->value, (char *)source);
}

static int read_named(const struct leat_loader *loader, const struct leat_option_row *row, const char *path,
                      const struct leat_yaml_member *member, struct leat_named_list *list)
{
    struct leat_named *named = &list->items[list->count++];
    named->name = leat_arena_copy(&loader->function->arena, member->key.text.data, member->key.text.len);
    named->key = &member->key;
    return read_value(loader, row, path, &member->value, &named->given);
}

static int read_member(const struct leat_loader *loader, const struct leat_option_row *row, const char *path,
                       const struct leat_yaml_member *member, char *base)
{
    void *where = row->offset == LEAT_OPTION_NOWHERE ? NULL : base + row->offset;
    bool any_name = strcmp(row->key, "*") == 0;
    if (any_name && check_name(loader, row->section, &member->key) < 0)
        return -1;
    if (any_name && row->type == LEAT_OPTION_SECTION)
        return read_source(loader, row, path, member, where);
    if (any_name)
        return read_named(loader, row, path, member, where);
    if (row->type != LEAT_OPTION_SECTION)
        return read_value(loader, row, path, &member->value, where);
    if (where)
        *(struct leat_given *)where = (struct leat_given){.node = &member->key};
    return read_section(loader, row->help.path, path, &member->key, &member->value, base);
}

/* Room for the names of a section in which the user chooses them. */
static void make_room(const struct leat_loader *loader, const struct leat_option_row *row, size_t count, char *base)
{
    if (row->type == LEAT_OPTION_SECTION) {
        struct leat_source_list *list = (struct leat_source_list *)(void *)(base + row->offset);
        list->items = leat_arena_zalloc(&loader->function->arena, count + 1, sizeof *list->items);
    } else {
        struct leat_named_list *list = (struct leat_named_list *)(void *)(base + row->offset);
        list->items = leat_arena_zalloc(&loader->function->arena, count + 1, sizeof *list->items);
    }
}

static int read_section(const struct leat_loader *loader, const char *section, const char *path,
                        const struct leat_yaml *at, const struct leat_yaml *node, char *base)
{
    if (leat_yaml_is_null(node))
        return leat_load_fail(loader, at, "%s has nothing below it", path);
    if (node->type != LEAT_YAML_MAPPING)
        return leat_load_fail(loader, node, "%s is a mapping, and this is %s", path[0] ? path : "a function file",
                              shape_of(node));
    const struct leat_option_row *any = find_row(section, (struct leat_bytes){NULL, 0});
    if (any)
        make_room(loader, any, node->count, base);
    for (size_t i = 0; i < node->count; i++) {
        const struct leat_yaml_member *member = &node->members[i];
        const struct leat_option_row *row = find_row(section, member->key.text);
        if (!row)
            return unknown_key(loader, section, path, &member->key);
        const char *below = leat_arena_format(&loader->function->arena, "%s%s%.*s", path, path[0] ? "." : "",
                                              LEAT_BYTES_FORMAT(member->key.text));
        if (read_member(loader, row, below, member, base) < 0)
            return -1;
    }
    return complete_section(loader, section, path, at, node, base);
}

int leat_load_draft(struct leat_loader *loader)
{
    struct leat_draft *draft = &loader->draft;
    const struct leat_yaml *root = loader->document->root;
    if (!root || leat_yaml_is_null(root))
        return leat_error_set(loader->err, LEAT_ERROR_FINDING, "%s: it is empty; `leat init` writes a first one",
                              loader->document->file);
    if (read_section(loader, "", "", root, root, (char *)draft) < 0)
        return -1;
    draft->input.name = "input";
    draft->label_source.name = "labels";
    draft->input.at = draft->input_section.node;
    draft->label_source.at = draft->labels.node;
    return 0;
}
