/* The sources: topics, schemas, freshness. Their keys, times and expressions come with the projections, in load_expr.c. */
#include "function/load.h"

#include "base/map.h"

#include <string.h>

static int read_field(struct leat_loader *loader, struct leat_bytes name, const struct leat_yaml *node,
                      struct leat_field *ret);

static int read_fields(struct leat_loader *loader, const struct leat_yaml *node, struct leat_field **ret,
                       size_t *ret_count)
{
    struct leat_field *fields = leat_arena_zalloc(&loader->function->arena, node->count + 1, sizeof *fields);
    for (size_t i = 0; i < node->count; i++) {
        const struct leat_yaml *key = &node->members[i].key;
        if (key->text.len == 0)
            return leat_load_fail(loader, key, "a field without a name");
        if (read_field(loader, key->text, &node->members[i].value, &fields[i]) < 0)
            return -1;
    }
    if (node->count == 0)
        return leat_load_fail(loader, node, "a schema without fields");
    *ret = fields;
    *ret_count = node->count;
    return 0;
}

static int unknown_type(const struct leat_loader *loader, const struct leat_given *given)
{
    static const char *const names[] = {"string",    "int",         "double",       "bool",
                                        "timestamp", "timestamp_s", "timestamp_ms", "timestamp_us"};
    struct leat_bytes text = leat_bytes_of(given->secret ? "" : given->text);
    const char *nearest = leat_nearest(text, names, sizeof names / sizeof names[0]);
    if (nearest)
        return leat_load_fail(loader, given->node, "there is no type '%.100s'; the nearest is '%s'", given->text,
                              nearest);
    return leat_load_fail(loader, given->node,
                          "there is no type '%.100s'; there are string, int, double, bool, timestamp (RFC 3339 text), "
                          "timestamp_s, timestamp_ms and timestamp_us (numbers since 1970)",
                          leat_load_shown(given));
}

static int read_scalar_type(struct leat_loader *loader, const struct leat_yaml *node, struct leat_field *ret)
{
    struct leat_given given;
    if (leat_yaml_is_null(node))
        return leat_load_fail(loader, node, "a field without a type");
    if (leat_load_scalar(loader, node, &given) < 0)
        return -1;
    if (leat_field_type_parse(leat_bytes_of(given.text), &ret->type, &ret->encoding) < 0)
        return unknown_type(loader, &given);
    ret->kind = LEAT_FIELD_SCALAR;
    return 0;
}

static int read_field(struct leat_loader *loader, struct leat_bytes name, const struct leat_yaml *node,
                      struct leat_field *ret)
{
    ret->name = leat_arena_bytes(&loader->function->arena, name);
    if (node->type == LEAT_YAML_SCALAR)
        return read_scalar_type(loader, node, ret);
    if (node->type == LEAT_YAML_MAPPING) {
        ret->kind = LEAT_FIELD_OBJECT;
        return read_fields(loader, node, &ret->children, &ret->count);
    }
    if (node->count != 1)
        return leat_load_fail(loader, node, "a list is written with the type of its elements: [int]");
    ret->kind = LEAT_FIELD_LIST;
    ret->count = 1;
    ret->children = leat_arena_zalloc(&loader->function->arena, 1, sizeof *ret->children);
    return read_field(loader, (struct leat_bytes){NULL, 0}, &node->elements[0], ret->children);
}

static int read_source(struct leat_loader *loader, enum leat_source_kind kind, const struct leat_source_draft *draft,
                       struct leat_source *ret)
{
    ret->kind = kind;
    ret->name = draft->name;
    ret->topic = draft->topic.text;
    ret->format = (enum leat_format)draft->format.number;
    ret->line = draft->at->line;
    ret->time_slot = -1;
    ret->global = kind == LEAT_SOURCE_TABLE || draft->scope.number == 1;
    ret->warn_after = draft->warn_after.number;
    ret->error_after = draft->error_after.number;
    ret->grace = draft->grace.number;
    ret->max_ahead = draft->max_ahead.number;
    ret->table.ttl = draft->ttl.number;
    return read_fields(loader, draft->schema.node, &ret->schema.fields, &ret->schema.count);
}

static bool is_identifier(const char *name)
{
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '_';
        if (!letter && (at == name || *at < '0' || *at > '9'))
            return false;
    }
    return name[0] != '\0';
}

static const struct leat_field *find_field(const struct leat_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (leat_bytes_is(schema->fields[i].name, name))
            return &schema->fields[i];
    return NULL;
}

/* Streams and tables share one space of names with the input's columns, for expressions say `name.column`. */
static int check_name(const struct leat_loader *loader, size_t index)
{
    const struct leat_function *function = loader->function;
    const struct leat_source *source = &function->sources[index];
    const struct leat_yaml *at = leat_load_source_draft(loader, index)->at;
    if (!is_identifier(source->name))
        return leat_load_fail(loader, at,
                              "the name of a stream or table is used in expressions: letters, digits and '_', not "
                              "beginning with a digit");
    if (strcmp(source->name, "input") == 0 || strcmp(source->name, "model") == 0)
        return leat_load_fail(loader, at, "'%s' means something else in expressions; choose another name", source->name);
    if (find_field(&function->sources[0].schema, source->name))
        return leat_load_fail(loader, at, "'%s' is a column of the input already; choose another name", source->name);
    for (size_t i = 1; i < index; i++)
        if (strcmp(function->sources[i].name, source->name) == 0)
            return leat_load_fail(loader, at, "'%s' is the stream in line %d already; choose another name",
                                  source->name, function->sources[i].line);
    return 0;
}

static int check_freshness(const struct leat_loader *loader, const struct leat_source_draft *draft)
{
    if (draft->warn_after.node && draft->error_after.node && draft->warn_after.number > draft->error_after.number)
        return leat_load_fail(loader, draft->warn_after.node,
                              "warn_after is longer than error_after, which comes first");
    return 0;
}

/* What needs a time, in a table that has none. */
static int check_timeless(const struct leat_loader *loader, const struct leat_source_draft *draft)
{
    const struct {
        const char *what;
        const struct leat_given *given;
    } needs[] = {
        {"ttl", &draft->ttl},
        {"heartbeat", &draft->heartbeat},
        {"freshness.warn_after", &draft->warn_after},
        {"freshness.error_after", &draft->error_after},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (needs[i].given->node)
            return leat_load_fail(loader, needs[i].given->node,
                                  "%s needs the table's event_time, to know how old it is", needs[i].what);
    return 0;
}

static int check_source(const struct leat_loader *loader, size_t index)
{
    const struct leat_source *source = &loader->function->sources[index];
    const struct leat_source_draft *draft = leat_load_source_draft(loader, index);
    if (check_name(loader, index) < 0 || check_freshness(loader, draft) < 0)
        return -1;
    if (source->kind == LEAT_SOURCE_TABLE && !draft->event_time.node)
        return check_timeless(loader, draft);
    if (source->kind == LEAT_SOURCE_STREAM && !source->global && !draft->key.node)
        return leat_load_fail(loader, draft->at,
                              "stream '%s' has no key: name the field by which its topic is partitioned, or give it "
                              "`scope: global`, and every worker reads all of it",
                              source->name);
    return 0;
}

const struct leat_source_draft *leat_load_source_draft(const struct leat_loader *loader, size_t index)
{
    const struct leat_draft *draft = &loader->draft;
    if (index == 0)
        return &draft->input;
    if (index <= draft->streams.count)
        return &draft->streams.items[index - 1];
    return &draft->tables.items[index - 1 - draft->streams.count];
}

int leat_load_sources(struct leat_loader *loader)
{
    const struct leat_draft *draft = &loader->draft;
    struct leat_function *function = loader->function;
    function->source_count = 1 + draft->streams.count + draft->tables.count;
    if (function->source_count > LEAT_SOURCES_MAX)
        return leat_load_fail(loader, draft->input.at, "%zu sources, and at most %d are possible",
                              function->source_count, LEAT_SOURCES_MAX);
    function->sources = leat_arena_zalloc(&function->arena, function->source_count, sizeof *function->sources);
    for (size_t i = 0; i < function->source_count; i++) {
        enum leat_source_kind kind = i == 0                      ? LEAT_SOURCE_INPUT
                                     : i <= draft->streams.count ? LEAT_SOURCE_STREAM
                                                                 : LEAT_SOURCE_TABLE;
        if (read_source(loader, kind, leat_load_source_draft(loader, i), &function->sources[i]) < 0)
            return -1;
        if (i > 0 && check_source(loader, i) < 0)
            return -1;
    }
    if (!draft->labels.node)
        return 0;
    function->labels.present = true;
    function->labels.wait = draft->label_wait.number;
    return read_source(loader, LEAT_SOURCE_STREAM, &draft->label_source, &function->labels.source);
}
