/* Every expression of the file, compiled against the frame.
 *
 * An expression reads numbered slots of the frame, and where aggregates, lookups and features begin is known only when
 * all have been met. So all is compiled twice, in the same order: the first pass, in memory of its own, counts; the
 * second knows where each zone begins. Both hand out the same numbers within a zone.
 *
 * On the way equal things become one: the same (argument, filter) is one column, the same stream and key one window
 * with one log, the same aggregate one slot, the same table and key one lookup. Equal is what reads the same in the
 * canonical spelling. */
#include "function/load.h"

#include "base/json.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 16384
#define ZONE_UNKNOWN ((size_t)1 << 20) /* the first pass: beyond any column of the event */

struct window_draft {
    size_t source;
    const struct leat_expr *const *stream_key;
    const struct leat_expr *const *input_key;
    enum leat_type *key_types;
    size_t key_count;
    struct leat_window_input *columns;
    enum leat_type *column_types;
    size_t column_count;
    struct leat_window_aggregate *aggregates;
    size_t aggregate_count;
    size_t first_slot;
};

struct lookup_draft {
    size_t source;
    const struct leat_expr *const *keys;
    size_t key_count;
    size_t first_slot;
};

struct table_columns { /* of one table, in the order in which expressions name them */
    size_t *slots;
    enum leat_type *types;
    size_t count;
};

struct pass;

struct scope {
    struct leat_expr_scope face;
    struct pass *pass;
    const struct leat_schema *schema;
    struct leat_projection *projection;
    bool features, results;
};

struct pass {
    struct leat_loader *loader;
    struct leat_function *function;
    struct leat_arena *arena;
    const struct pass *counted; /* the first pass; NULL: this is it */
    size_t zone_aggregates, zone_lookups, zone_features, zone_results;
    struct window_draft *windows;
    size_t window_count;
    struct lookup_draft *lookups;
    size_t lookup_count;
    struct table_columns tables[LEAT_SOURCES_MAX];
    size_t feature_count; /* compiled so far: what a feature may use */
    const char **answers; /* outputs['NAME'], in the order in which they were met */
    size_t answer_count;
    bool uses_class;
    size_t registers;
    const struct leat_expr_window **named; /* by draft.windows */
    struct scope columns[LEAT_SOURCES_MAX];
    struct scope label, feature, output;
};

static const struct {
    const char *name;
    enum leat_type type;
    bool of_model;
    bool gives_way; /* to a column or a feature of this name */
} results[LEAT_RESULT_SLOTS] = {
    [LEAT_RESULT_SCORE] = {"score", LEAT_TYPE_DOUBLE, true, false},
    [LEAT_RESULT_MODEL_NAME] = {"model.name", LEAT_TYPE_STRING, true, false},
    [LEAT_RESULT_MODEL_VERSION] = {"model.version", LEAT_TYPE_INT, true, false},
    [LEAT_RESULT_MODEL_ROLE] = {"model.role", LEAT_TYPE_STRING, true, false},
    [LEAT_RESULT_MODEL_THRESHOLD] = {"model.threshold", LEAT_TYPE_DOUBLE, true, false},
    [LEAT_RESULT_MARKS] = {"marks", LEAT_TYPE_STRING, false, false},
    [LEAT_RESULT_MARGIN] = {"margin", LEAT_TYPE_DOUBLE, true, true},
    [LEAT_RESULT_CLASS] = {"class", LEAT_TYPE_STRING, true, true},
};

/* Names of lists, which only a whole output field can be; they give way, too. */
#define LIST_NAME "outputs"
#define REASONS_NAME "reasons"

/* Room for one more: the capacity is the next power of two. */
static void *room(struct leat_arena *arena, void *items, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return items;
    void *grown = leat_arena_zalloc(arena, count ? 2 * count : 1, size);
    if (count > 0)
        memcpy(grown, items, count * size);
    return grown;
}

static bool same_text(const struct leat_expr *a, const struct leat_expr *b)
{
    return a == b || (a && b && strcmp(leat_expr_text(a), leat_expr_text(b)) == 0);
}

static bool same_texts(const struct leat_expr *const *a, const struct leat_expr *const *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!same_text(a[i], b[i]))
            return false;
    return true;
}

static void note_registers(struct pass *pass, const struct leat_expr *expr)
{
    size_t registers = expr ? leat_expr_registers(expr) : 0;
    if (registers > pass->registers)
        pass->registers = registers;
}

/* Is the expression one column of the event, and which? */
static bool is_column(const struct pass *pass, const struct leat_expr *expr, size_t *ret)
{
    return leat_expr_is_slot(expr, ret) && *ret < pass->zone_aggregates;
}

/* -- scopes: columns ------------------------------------------------------------------------------------------------- */

static const struct leat_field *find_field(const struct leat_schema *schema, struct leat_bytes name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (leat_bytes_equal(schema->fields[i].name, name))
            return &schema->fields[i];
    return NULL;
}

/* Is it the path of this name? A name that is not a plain word comes in double quotes. */
static bool path_is(struct leat_bytes path, const char *name)
{
    if (leat_bytes_is(path, name))
        return true;
    if (path.len < 2 || path.data[0] != '"' || path.data[path.len - 1] != '"')
        return false;
    size_t at = 1;
    for (; *name && at < path.len - 1; name++, at++) {
        if (path.data[at] != *name)
            return false;
        at += *name == '"';
    }
    return !*name && at == path.len - 1;
}

static bool result_slot(const struct scope *scope, struct leat_bytes path, bool gives_way, size_t *ret_slot,
                        enum leat_type *ret_type)
{
    struct pass *pass = scope->pass;
    for (size_t i = 0; i < LEAT_RESULT_SLOTS; i++) {
        if (!leat_bytes_is(path, results[i].name) || (results[i].of_model && !pass->function->model_name) ||
            results[i].gives_way != gives_way)
            continue;
        pass->uses_class |= i == LEAT_RESULT_CLASS;
        *ret_slot = pass->zone_results + i;
        *ret_type = results[i].type;
        return true;
    }
    return false;
}

static bool feature_slot(const struct scope *scope, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type)
{
    const struct pass *pass = scope->pass;
    for (size_t i = 0; i < pass->feature_count; i++) {
        if (!path_is(path, pass->function->features[i].name))
            continue;
        *ret_slot = pass->zone_features + i;
        *ret_type = pass->function->features[i].type;
        return true;
    }
    return false;
}

/* What stands in the brackets of outputs['NAME'] or outputs[0], without quotes; NULL: it is no such path. */
static const char *answer_name(struct pass *pass, struct leat_bytes path)
{
    size_t head = strlen(LIST_NAME "[");
    if (path.len < head + 2 || memcmp(path.data, LIST_NAME "[", head) != 0 || path.data[path.len - 1] != ']')
        return NULL;
    const char *from = path.data + head, *end = path.data + path.len - 1;
    bool quoted = *from == '\'';
    char *name = leat_arena_zalloc(pass->arena, (size_t)(end - from) + 1, 1), *to = name;
    for (from += quoted, end -= quoted; from < end; from++) {
        from += quoted && *from == '\'' && from + 1 < end; /* two are one */
        *to++ = *from;
    }
    return name;
}

static int answer_slot(struct pass *pass, const char *name, size_t *ret_slot, enum leat_type *ret_type)
{
    size_t at = 0;
    while (at < pass->answer_count && strcmp(pass->answers[at], name) != 0)
        at++;
    if (at == pass->answer_count) {
        pass->answers = room(pass->arena, pass->answers, pass->answer_count, sizeof *pass->answers);
        pass->answers[pass->answer_count++] = name;
    }
    *ret_slot = pass->zone_results + LEAT_RESULT_SLOTS + at;
    *ret_type = LEAT_TYPE_DOUBLE;
    return 0;
}

/* What gives way to columns and features. */
static int late_slot(const struct scope *scope, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type,
                     struct leat_error *err)
{
    if (result_slot(scope, path, true, ret_slot, ret_type))
        return 0;
    if (!scope->pass->function->model_name)
        return -1;
    const char *answer = answer_name(scope->pass, path);
    if (answer)
        return answer_slot(scope->pass, answer, ret_slot, ret_type);
    if (leat_bytes_is(path, LIST_NAME))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "'" LIST_NAME "' is a list, which only a whole field of the output can be; one of them is "
                              "outputs['probability'], say, or outputs[0]");
    if (leat_bytes_is(path, REASONS_NAME))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "'" REASONS_NAME "' is a list, which only a whole field of the output can be");
    return -1;
}

/* Is it the name of a feature that is made otherwise than just from the column of its name? From there on that is the
 * feature; in what it is made from, and within windows, the column. */
static bool hides_column(const struct pass *pass, struct leat_bytes path)
{
    for (size_t i = 0; i < pass->feature_count; i++) {
        const struct leat_feature *feature = &pass->function->features[i];
        size_t slot;
        if (path_is(path, feature->name))
            return !is_column(pass, feature->expr, &slot) ||
                   !path_is(pass->function->sources[0].projection.slots[slot].path, feature->name);
    }
    return false;
}

/* A feature that stands further down. */
static int refuse_later_feature(const struct pass *pass, struct leat_bytes path, struct leat_error *err)
{
    const struct leat_named_list *features = &pass->loader->draft.features;
    for (size_t i = pass->feature_count; i < features->count; i++)
        if (path_is(path, features->items[i].name))
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  i == pass->feature_count ? "feature '%s' can not use itself"
                                                           : "feature '%s' comes further down, and a feature may use "
                                                             "only those above it",
                                  features->items[i].name);
    return 0;
}

static int source_slot(const struct scope *scope, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type,
                       struct leat_error *err)
{
    struct leat_error found = {0};
    if (leat_projection_slot(scope->projection, scope->schema, path, scope->pass->arena, ret_slot, &found) == 0) {
        *ret_type = scope->projection->slots[*ret_slot].type;
        return 0;
    }
    size_t first = 0;
    while (first < path.len && path.data[first] != '.' && path.data[first] != '[')
        first++;
    if (find_field(scope->schema, (struct leat_bytes){path.data, first}) && err)
        *err = found; /* the field is there; what is said of its parts is wrong */
    return -1;
}

static int column(void *self, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type, struct leat_error *err)
{
    const struct scope *scope = self;
    if (scope->results && result_slot(scope, path, false, ret_slot, ret_type))
        return 0;
    if (scope->features && hides_column(scope->pass, path) && feature_slot(scope, path, ret_slot, ret_type))
        return 0;
    /* Before features: one that is just the column of its name is that column, and keys may use it. */
    if (source_slot(scope, path, ret_slot, ret_type, err) == 0)
        return 0;
    if (scope->features && feature_slot(scope, path, ret_slot, ret_type)) {
        if (err)
            *err = (struct leat_error){0};
        return 0;
    }
    if (scope->features && !(err && err->text[0]))
        refuse_later_feature(scope->pass, path, err);
    return scope->results && !(err && err->text[0]) ? late_slot(scope, path, ret_slot, ret_type, err) : -1;
}

static const char *const *names(void *self, size_t *ret_count)
{
    const struct scope *scope = self;
    const struct pass *pass = scope->pass;
    const struct leat_function *function = pass->function;
    const struct leat_named_list *windows = &pass->loader->draft.windows;
    size_t most = scope->schema->count + pass->feature_count + function->source_count + windows->count +
                  LEAT_RESULT_SLOTS + 2;
    size_t count = 0;
    const char **list = leat_arena_zalloc(pass->arena, most, sizeof *list);
    for (size_t i = 0; i < scope->schema->count; i++) {
        struct leat_bytes name = scope->schema->fields[i].name;
        list[count++] = leat_arena_copy(pass->arena, name.data, name.len);
    }
    for (size_t i = 0; scope->features && i < pass->feature_count; i++)
        list[count++] = function->features[i].name;
    for (size_t i = 1; scope->features && i < function->source_count; i++)
        list[count++] = function->sources[i].name;
    for (size_t i = 0; scope->features && i < windows->count; i++)
        list[count++] = windows->items[i].name;
    for (size_t i = 0; scope->results && i < LEAT_RESULT_SLOTS; i++)
        if (function->model_name || !results[i].of_model)
            list[count++] = results[i].name;
    if (scope->results && function->model_name) {
        list[count++] = LIST_NAME;
        list[count++] = REASONS_NAME;
    }
    *ret_count = count;
    return list;
}

/* -- scopes: streams, tables, windows -------------------------------------------------------------------------------- */

static int find_source(const struct leat_function *function, struct leat_bytes name)
{
    for (size_t i = 1; i < function->source_count; i++)
        if (leat_bytes_is(name, function->sources[i].name))
            return (int)i;
    return -1;
}

static bool is_stream(void *self, struct leat_bytes name, size_t *ret_stream)
{
    const struct scope *scope = self;
    int index = find_source(scope->pass->function, name);
    if (index < 0 || scope->pass->function->sources[index].kind != LEAT_SOURCE_STREAM)
        return false;
    *ret_stream = (size_t)index;
    return true;
}

static const struct leat_expr_scope *stream_scope(void *self, size_t stream)
{
    const struct scope *scope = self;
    return &scope->pass->columns[stream].face;
}

static bool is_table(void *self, struct leat_bytes name)
{
    const struct scope *scope = self;
    int index = find_source(scope->pass->function, name);
    return index >= 0 && scope->pass->function->sources[index].kind == LEAT_SOURCE_TABLE;
}

static const struct leat_expr_window *named_window(void *self, struct leat_bytes name)
{
    const struct scope *scope = self;
    const struct leat_named_list *windows = &scope->pass->loader->draft.windows;
    for (size_t i = 0; i < windows->count; i++)
        if (path_is(name, windows->items[i].name))
            return scope->pass->named[i];
    return NULL;
}

/* -- scopes: aggregates ---------------------------------------------------------------------------------------------- */

/* "card_id" or "card_id, country": the source's partition key. */
static const char *key_text(struct leat_arena *arena, const struct leat_source *source)
{
    const char *text = "";
    for (size_t i = 0; i < source->key_count; i++)
        text = leat_arena_format(arena, "%s%s%.*s", text, i ? ", " : "",
                                 LEAT_BYTES_FORMAT(source->projection.slots[source->key_slots[i]].path));
    return text;
}

/* Is the source's key field number `field` among the window's keys, and asked for by the input's own key field? */
static bool has_key_field(const struct pass *pass, const struct leat_expr_aggregate *aggregate, size_t field)
{
    const struct leat_source *input = &pass->function->sources[0];
    const struct leat_source *source = &pass->function->sources[aggregate->stream];
    for (size_t i = 0; i < aggregate->key_count; i++) {
        size_t ours, asked;
        if (is_column(pass, aggregate->stream_key[i], &ours) && ours == source->key_slots[field] &&
            is_column(pass, aggregate->input_key[i], &asked) && asked == input->key_slots[field])
            return true;
    }
    return false;
}

/* State lives with its partition: the events of one key must all be there. */
static int check_partition(const struct pass *pass, const struct leat_expr_aggregate *aggregate, struct leat_error *err)
{
    const struct leat_source *source = &pass->function->sources[aggregate->stream];
    if (source->global)
        return 0;
    bool input = aggregate->stream == 0;
    if (source->key_count == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "a window over the input needs `input.key`, the field by which the topic is partitioned");
    for (size_t field = 0; field < source->key_count; field++) {
        if (has_key_field(pass, aggregate, field))
            continue;
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "this window looks at %s%s%s, whose topic is partitioned by %s: without it in `partition by` (and in the "
            "input's key), events of one window are in several partitions. Put it there, or %s",
            input ? "the input" : "stream '", input ? "" : source->name, input ? "" : "'", key_text(pass->arena, source),
            input ? "declare the same topic as a stream with `scope: global`" : "give the stream `scope: global`");
    }
    return 0;
}

/* A key may use what is in the frame before it. */
static int check_key_order(const struct leat_expr *key, size_t zone, const char *what, struct leat_error *err)
{
    if (leat_expr_reads(key, zone, SIZE_MAX))
        return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' uses what is computed after %s", leat_expr_text(key), what);
    return 0;
}

static int add_window(struct pass *pass, const struct leat_expr_aggregate *aggregate, struct window_draft **ret,
                      struct leat_error *err)
{
    if (aggregate->key_count > LEAT_KEY_FIELDS_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a window's key has at most %d parts", LEAT_KEY_FIELDS_MAX);
    enum leat_type *types = leat_arena_zalloc(pass->arena, aggregate->key_count + 1, sizeof *types);
    for (size_t i = 0; i < aggregate->key_count; i++) {
        types[i] = leat_expr_type(aggregate->stream_key[i]);
        enum leat_type asked = leat_expr_type(aggregate->input_key[i]);
        if (types[i] != asked)
            return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' is %s in the stream and %s in the input",
                                  leat_expr_text(aggregate->stream_key[i]), leat_type_name(types[i]),
                                  leat_type_name(asked));
        if (check_key_order(aggregate->input_key[i], pass->zone_aggregates,
                            "windows: the key of a window is made of columns", err) < 0)
            return -1;
        note_registers(pass, aggregate->stream_key[i]);
        note_registers(pass, aggregate->input_key[i]);
    }
    pass->windows = room(pass->arena, pass->windows, pass->window_count, sizeof *pass->windows);
    size_t index = pass->window_count++;
    size_t first = pass->counted ? pass->counted->windows[index].first_slot : ZONE_UNKNOWN;
    pass->windows[index] = (struct window_draft){
        .source = aggregate->stream,
        .stream_key = aggregate->stream_key,
        .input_key = aggregate->input_key,
        .key_types = types,
        .key_count = aggregate->key_count,
        .first_slot = first,
    };
    *ret = &pass->windows[index];
    return 0;
}

static int find_window(struct pass *pass, const struct leat_expr_aggregate *aggregate, struct window_draft **ret,
                       struct leat_error *err)
{
    for (size_t i = 0; i < pass->window_count; i++) {
        struct window_draft *window = &pass->windows[i];
        if (window->source == aggregate->stream && window->key_count == aggregate->key_count &&
            same_texts(window->stream_key, aggregate->stream_key, window->key_count) &&
            same_texts(window->input_key, aggregate->input_key, window->key_count)) {
            *ret = window;
            return 0;
        }
    }
    return add_window(pass, aggregate, ret, err);
}

/* The column of an aggregate's argument and filter; −1: all events, which needs none. −2: too many. */
static int32_t find_window_column(struct pass *pass, struct window_draft *window,
                                  const struct leat_expr_aggregate *aggregate)
{
    if (!aggregate->argument && !aggregate->filter)
        return -1;
    for (size_t i = 0; i < window->column_count; i++)
        if (same_text(window->columns[i].argument, aggregate->argument) &&
            same_text(window->columns[i].filter, aggregate->filter))
            return (int32_t)i;
    if (window->column_count == LEAT_WINDOW_COLUMNS_MAX)
        return -2;
    window->columns = room(pass->arena, window->columns, window->column_count, sizeof *window->columns);
    window->column_types = room(pass->arena, window->column_types, window->column_count, sizeof *window->column_types);
    size_t index = window->column_count++;
    window->columns[index] = (struct leat_window_input){aggregate->argument, aggregate->filter};
    window->column_types[index] = aggregate->argument ? leat_expr_type(aggregate->argument) : LEAT_TYPE_INT;
    note_registers(pass, aggregate->argument);
    note_registers(pass, aggregate->filter);
    return (int32_t)index;
}

static int aggregate_slot(void *self, const struct leat_expr_aggregate *aggregate, size_t *ret_slot,
                          struct leat_error *err)
{
    struct pass *pass = ((const struct scope *)self)->pass;
    struct window_draft *window;
    if (check_partition(pass, aggregate, err) < 0 || find_window(pass, aggregate, &window, err) < 0)
        return -1;
    int32_t at = find_window_column(pass, window, aggregate);
    if (at == -2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "more than %d different arguments in windows of one key",
                              LEAT_WINDOW_COLUMNS_MAX);
    struct leat_window_aggregate wanted = {.kind = aggregate->kind, .column = at, .range = aggregate->range};
    for (size_t i = 0; i < window->aggregate_count; i++) {
        const struct leat_window_aggregate *a = &window->aggregates[i];
        if (a->kind == wanted.kind && a->column == wanted.column && a->range == wanted.range) {
            *ret_slot = window->first_slot + i;
            return 0;
        }
    }
    window->aggregates = room(pass->arena, window->aggregates, window->aggregate_count, sizeof *window->aggregates);
    window->aggregates[window->aggregate_count] = wanted;
    *ret_slot = window->first_slot + window->aggregate_count++;
    return 0;
}

/* -- scopes: lookups ------------------------------------------------------------------------------------------------- */

static int check_lookup_keys(struct pass *pass, const struct leat_source *table, const struct leat_expr *const *keys,
                             size_t count, struct leat_error *err)
{
    if (count != table->key_count)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "table '%s' is looked up by %s: %zu value%s in the brackets, not %zu", table->name,
                              key_text(pass->arena, table), table->key_count, table->key_count == 1 ? "" : "s", count);
    for (size_t i = 0; i < count; i++) {
        const struct leat_slot *field = &table->projection.slots[table->key_slots[i]];
        enum leat_type type = leat_expr_type(keys[i]);
        if (type != field->type)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "table '%s' is looked up by '%.*s', of type %s, and '%s' is %s", table->name,
                                  LEAT_BYTES_FORMAT(field->path), leat_type_name(field->type), leat_expr_text(keys[i]),
                                  leat_type_name(type));
        if (check_key_order(keys[i], pass->zone_features,
                            "lookups: features can not be part of their keys, but the columns that they are made of can",
                            err) < 0)
            return -1;
        note_registers(pass, keys[i]);
    }
    return 0;
}

/* The place of a field among those that a table keeps; −1: *err. */
static int table_column(struct pass *pass, size_t source, struct leat_bytes path, size_t *ret, struct leat_error *err)
{
    struct leat_source *table = &pass->function->sources[source];
    struct table_columns *columns = &pass->tables[source];
    size_t slot;
    if (leat_projection_slot(&table->projection, &table->schema, path, pass->arena, &slot, err) < 0)
        return leat_error_prefix(err, "table '%s'", table->name);
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->slots[i] == slot) {
            *ret = i;
            return 0;
        }
    }
    if (columns->count == LEAT_TABLE_COLUMNS_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "more than %d columns of table '%s' are used",
                              LEAT_TABLE_COLUMNS_MAX, table->name);
    columns->slots = room(pass->arena, columns->slots, columns->count, sizeof *columns->slots);
    columns->types = room(pass->arena, columns->types, columns->count, sizeof *columns->types);
    columns->slots[columns->count] = slot;
    columns->types[columns->count] = table->projection.slots[slot].type;
    *ret = columns->count++;
    return 0;
}

static const struct lookup_draft *find_lookup(struct pass *pass, size_t source, const struct leat_expr *const *keys,
                                              size_t count)
{
    for (size_t i = 0; i < pass->lookup_count; i++)
        if (pass->lookups[i].source == source && same_texts(pass->lookups[i].keys, keys, count))
            return &pass->lookups[i];
    pass->lookups = room(pass->arena, pass->lookups, pass->lookup_count, sizeof *pass->lookups);
    size_t index = pass->lookup_count++;
    pass->lookups[index] = (struct lookup_draft){
        .source = source,
        .keys = keys,
        .key_count = count,
        .first_slot = pass->counted ? pass->counted->lookups[index].first_slot : 2 * ZONE_UNKNOWN,
    };
    return &pass->lookups[index];
}

static int lookup_slot(void *self, struct leat_bytes name, const struct leat_expr *const *keys, size_t key_count,
                       struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type, struct leat_error *err)
{
    struct pass *pass = ((const struct scope *)self)->pass;
    size_t source = (size_t)find_source(pass->function, name), at;
    const struct leat_source *table = &pass->function->sources[source];
    if (check_lookup_keys(pass, table, keys, key_count, err) < 0 || table_column(pass, source, path, &at, err) < 0)
        return -1;
    *ret_slot = find_lookup(pass, source, keys, key_count)->first_slot + at;
    *ret_type = pass->tables[source].types[at];
    return 0;
}

/* -- scopes: making them --------------------------------------------------------------------------------------------- */

/* Columns alone: filters, heartbeats, labels, and what stands inside an aggregate. */
static struct scope column_scope(struct pass *pass, struct leat_source *source, const char *what)
{
    return (struct scope){
        .face = {.what = what, .column = column, .names = names},
        .pass = pass,
        .schema = &source->schema,
        .projection = &source->projection,
    };
}

static void make_scopes(struct pass *pass)
{
    struct leat_function *function = pass->function;
    for (size_t i = 0; i < function->source_count; i++) {
        struct leat_source *source = &function->sources[i];
        const char *what = i == 0 ? "the input"
                                  : leat_arena_format(pass->arena, "%s '%s'",
                                                      source->kind == LEAT_SOURCE_TABLE ? "table" : "stream",
                                                      source->name);
        pass->columns[i] = column_scope(pass, source, what);
        pass->columns[i].face.self = &pass->columns[i];
    }
    pass->label = column_scope(pass, &function->labels.source, "labels");
    pass->label.face.self = &pass->label;
    pass->feature = column_scope(pass, &function->sources[0], "features");
    pass->feature.features = true;
    pass->feature.face.is_stream = is_stream;
    pass->feature.face.stream_scope = stream_scope;
    pass->feature.face.is_table = is_table;
    pass->feature.face.window = named_window;
    pass->feature.face.aggregate = aggregate_slot;
    pass->feature.face.lookup = lookup_slot;
    pass->output = pass->feature;
    pass->output.face.what = "the output";
    pass->output.face.named_list = LIST_NAME;
    pass->output.results = true;
    pass->feature.face.self = &pass->feature;
    pass->output.face.self = &pass->output;
}

static int compile(struct pass *pass, const struct scope *scope, const struct leat_given *given, enum leat_type want,
                   const struct leat_expr **ret)
{
    struct leat_loader *loader = pass->loader;
    struct leat_expr_place place = leat_load_text_place(loader, given->node);
    if (leat_expr_compile(&scope->face, place, leat_bytes_of(given->text), want, pass->arena, ret, loader->err) < 0)
        return -1;
    note_registers(pass, *ret);
    return 0;
}

/* -- sources: keys, times, expressions ------------------------------------------------------------------------------- */

static int field_slot(struct pass *pass, struct leat_source *source, const struct leat_given *given, size_t *ret)
{
    if (leat_projection_slot(&source->projection, &source->schema, leat_bytes_of(given->text), pass->arena, ret,
                             pass->loader->err) < 0)
        return leat_load_place(pass->loader, given);
    return 0;
}

static int read_time(struct pass *pass, struct leat_source *source, const struct leat_given *given)
{
    size_t slot;
    source->time_slot = -1;
    if (!given->node)
        return 0;
    if (field_slot(pass, source, given, &slot) < 0)
        return -1;
    enum leat_type type = source->projection.slots[slot].type;
    if (type != LEAT_TYPE_TIME)
        return leat_load_fail(pass->loader, given->node,
                              "event_time '%s' is of type %s in the schema, and must be timestamp (RFC 3339 text), "
                              "timestamp_s, timestamp_ms or timestamp_us",
                              leat_load_shown(given), leat_type_name(type));
    source->time_slot = (int)slot;
    return 0;
}

static int read_key_field(struct pass *pass, struct leat_source *source, const struct leat_given *given, size_t *slots)
{
    size_t slot;
    if (field_slot(pass, source, given, &slot) < 0)
        return -1;
    for (size_t i = 0; i < source->key_count; i++)
        if (slots[i] == slot)
            return leat_load_fail(pass->loader, given->node, "'%s' is in the key already", leat_load_shown(given));
    slots[source->key_count++] = slot;
    return 0;
}

static int read_key(struct pass *pass, struct leat_source *source, const struct leat_given *given)
{
    size_t *slots = leat_arena_zalloc(pass->arena, LEAT_KEY_FIELDS_MAX, sizeof *slots);
    source->key_slots = slots;
    source->key_count = 0;
    if (!given->node)
        return 0;
    if (given->node->type == LEAT_YAML_SCALAR)
        return read_key_field(pass, source, given, slots);
    if (given->node->count == 0 || given->node->count > LEAT_KEY_FIELDS_MAX)
        return leat_load_fail(pass->loader, given->node, "a key has 1 to %d fields", LEAT_KEY_FIELDS_MAX);
    for (size_t i = 0; i < given->node->count; i++) {
        const struct leat_yaml *node = &given->node->elements[i];
        struct leat_given field;
        if (node->type != LEAT_YAML_SCALAR)
            return leat_load_fail(pass->loader, node, "a key is a field or a list of fields");
        if (leat_load_scalar(pass->loader, node, &field) < 0 || read_key_field(pass, source, &field, slots) < 0)
            return -1;
    }
    return 0;
}

/* What one expression of a source is called in messages. */
static int compile_of_source(struct pass *pass, struct leat_source *source, const char *what,
                             const struct leat_given *given, const struct leat_expr **ret)
{
    *ret = NULL;
    if (!given->node)
        return 0;
    struct scope scope = column_scope(pass, source, leat_arena_format(pass->arena, "%s of %s", what, source->name));
    scope.face.self = &scope;
    return compile(pass, &scope, given, LEAT_TYPE_BOOL, ret);
}

static int read_source(struct pass *pass, struct leat_source *source, const struct leat_source_draft *draft)
{
    source->projection = (struct leat_projection){0};
    if (read_key(pass, source, &draft->key) < 0 || read_time(pass, source, &draft->event_time) < 0)
        return -1;
    if (compile_of_source(pass, source, "the heartbeat", &draft->heartbeat, &source->heartbeat) < 0)
        return -1;
    return compile_of_source(pass, source, "the filter", &draft->filter, &source->filter);
}

static enum leat_type key_type(const struct leat_source *source, size_t i)
{
    return source->projection.slots[source->key_slots[i]].type;
}

/* A partitioned stream is looked at by the input's key: same number of fields, same types. */
static int check_co_partitioned(const struct pass *pass, size_t index)
{
    const struct leat_source *input = &pass->function->sources[0], *stream = &pass->function->sources[index];
    const struct leat_source_draft *draft = leat_load_source_draft(pass->loader, index);
    if (stream->kind != LEAT_SOURCE_STREAM || stream->global)
        return 0;
    if (input->key_count == 0)
        return leat_load_fail(pass->loader, draft->key.node,
                              "stream '%s' is partitioned by its key, and the input has none: name it in `input.key`, "
                              "or give the stream `scope: global`",
                              stream->name);
    if (input->key_count != stream->key_count)
        return leat_load_fail(pass->loader, draft->key.node,
                              "stream '%s' is partitioned by %s, and the input by %s: both need the same key, or the "
                              "stream `scope: global`",
                              stream->name, key_text(pass->arena, stream), key_text(pass->arena, input));
    for (size_t i = 0; i < stream->key_count; i++)
        if (key_type(stream, i) != key_type(input, i))
            return leat_load_fail(pass->loader, draft->key.node,
                                  "'%.*s' is %s here, and '%.*s' of the input's key is %s: one key has one type",
                                  LEAT_BYTES_FORMAT(stream->projection.slots[stream->key_slots[i]].path),
                                  leat_type_name(key_type(stream, i)),
                                  LEAT_BYTES_FORMAT(input->projection.slots[input->key_slots[i]].path),
                                  leat_type_name(key_type(input, i)));
    return 0;
}

static int read_sources(struct pass *pass)
{
    struct leat_function *function = pass->function;
    for (size_t i = 0; i < function->source_count; i++) {
        if (read_source(pass, &function->sources[i], leat_load_source_draft(pass->loader, i)) < 0 ||
            check_co_partitioned(pass, i) < 0)
            return -1;
    }
    return 0;
}

static int read_labels(struct pass *pass)
{
    struct leat_label_plan *labels = &pass->function->labels;
    struct leat_source *input = &pass->function->sources[0];
    const struct leat_draft *draft = &pass->loader->draft;
    const struct leat_given *key = &draft->label_source.key;
    if (!labels->present)
        return 0;
    if (read_source(pass, &labels->source, &draft->label_source) < 0)
        return -1;
    labels->key_slot = labels->source.key_slots[0];
    if (leat_projection_slot(&input->projection, &input->schema, leat_bytes_of(key->text), pass->arena,
                             &labels->input_slot, pass->loader->err) < 0) {
        leat_error_prefix(pass->loader->err, "labels are joined to the input by this key");
        return leat_load_place(pass->loader, key);
    }
    enum leat_type ours = labels->source.projection.slots[labels->key_slot].type;
    enum leat_type theirs = input->projection.slots[labels->input_slot].type;
    if (ours != theirs)
        return leat_load_fail(pass->loader, key->node, "'%s' is %s in the labels and %s in the input",
                              leat_load_shown(key), leat_type_name(ours), leat_type_name(theirs));
    if (compile(pass, &pass->label, &draft->label_value, LEAT_TYPE_NULL, &labels->value) < 0)
        return -1;
    enum leat_type type = leat_expr_type(labels->value);
    if (type != LEAT_TYPE_BOOL && type != LEAT_TYPE_INT && type != LEAT_TYPE_DOUBLE)
        return leat_load_fail(pass->loader, draft->label_value.node, "a label is a bool or a number, and this is %s",
                              leat_type_name(type));
    return 0;
}

/* -- features and outputs -------------------------------------------------------------------------------------------- */

static int check_feature_name(const struct pass *pass, const struct leat_named *named)
{
    const struct leat_function *function = pass->function;
    for (size_t i = 0; i < LEAT_RESULT_SLOTS; i++)
        if (!results[i].gives_way && strcmp(named->name, results[i].name) == 0)
            return leat_load_fail(pass->loader, named->key,
                                  "'%s' means something else in the output; choose another name", named->name);
    if (find_source(function, leat_bytes_of(named->name)) >= 0)
        return leat_load_fail(pass->loader, named->key, "'%s' is a stream or table already; choose another name",
                              named->name);
    return 0;
}

static int check_feature_type(const struct pass *pass, const struct leat_named *named, enum leat_type type)
{
    if (type == LEAT_TYPE_NULL)
        return leat_load_fail(pass->loader, named->given.node, "feature '%s' is always null", named->name);
    return 0;
}

static int read_features(struct pass *pass)
{
    struct leat_function *function = pass->function;
    const struct leat_named_list *list = &pass->loader->draft.features;
    function->features = leat_arena_zalloc(pass->arena, list->count + 1, sizeof *function->features);
    for (pass->feature_count = 0; pass->feature_count < list->count; pass->feature_count++) {
        const struct leat_named *named = &list->items[pass->feature_count];
        const struct leat_expr *expr;
        if (compile(pass, &pass->feature, &named->given, LEAT_TYPE_NULL, &expr) < 0)
            return -1;
        enum leat_type type = leat_expr_type(expr);
        if (check_feature_name(pass, named) < 0 || check_feature_type(pass, named, type) < 0)
            return -1;
        function->features[pass->feature_count] = (struct leat_feature){
            .name = named->name,
            .type = type,
            .expr = expr,
            .line = named->key->line,
        };
    }
    function->feature_count = pass->feature_count;
    return 0;
}

/* A time that is a column is written as it came. */
static enum leat_encoding encoding_of(const struct pass *pass, const struct leat_expr *expr)
{
    size_t slot;
    if (leat_expr_type(expr) == LEAT_TYPE_TIME && is_column(pass, expr, &slot))
        return pass->function->sources[0].projection.slots[slot].encoding;
    return LEAT_ENCODING_PLAIN;
}

/* Is it "reasons" or "reasons(5)", and how many? 0: it is not. */
static size_t reasons_of(struct leat_bytes text)
{
    LEAT_CLEAN_BUFFER bare = {0};
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n", text.data[i]))
            leat_buffer_append_char(&bare, text.data[i]);
    struct leat_bytes all = leat_buffer_view(&bare);
    size_t head = strlen(REASONS_NAME);
    if (leat_bytes_is(all, REASONS_NAME))
        return LEAT_REASONS_STANDARD;
    if (all.len < head + 3 || memcmp(all.data, REASONS_NAME "(", head + 1) != 0 || all.data[all.len - 1] != ')' ||
        leat_int_parse((struct leat_bytes){all.data + head + 1, all.len - head - 2}, &count) < 0)
        return 0;
    return count < 1 || count > LEAT_REASONS_MAX ? SIZE_MAX : (size_t)count;
}

/* A field that is a list of the model's, and no expression: 1 and *ret; 0: it is not; −1: it can not be. */
static int read_list(struct pass *pass, const struct leat_named *named, struct leat_output_field *ret)
{
    struct leat_function *function = pass->function;
    struct leat_bytes text = leat_bytes_of(named->given.text), name = {text.data, 0};
    size_t slot, reasons = reasons_of(text);
    enum leat_type type;
    while (name.len < text.len && strchr(" \t\r\n(", text.data[name.len]) == NULL)
        name.len++;
    bool list = leat_bytes_is(name, LIST_NAME) && text.data[name.len + strspn(text.data + name.len, " \t\r\n")] == 0;
    if ((!list && reasons == 0) || !function->model_name || source_slot(&pass->output, name, &slot, &type, NULL) == 0 ||
        feature_slot(&pass->output, name, &slot, &type))
        return 0;
    if (reasons == SIZE_MAX)
        return leat_load_fail(pass->loader, named->given.node, REASONS_NAME "(k) gives 1 to %d features",
                              LEAT_REASONS_MAX);
    if (function->output_format == LEAT_FORMAT_CSV)
        return leat_load_fail(
            pass->loader, named->given.node, "'%.*s' is a list, which csv can not hold%s", LEAT_BYTES_FORMAT(name),
            list ? "; name its numbers one by one: outputs[0], outputs[1]" : "; output.format: json can");
    *ret = (struct leat_output_field){
        .field = {.name = leat_bytes_of(named->name), .type = LEAT_TYPE_NULL},
        .kind = list ? LEAT_OUTPUT_LIST : LEAT_OUTPUT_REASONS,
        .reasons = list ? 0 : reasons,
    };
    function->uses_list |= list;
    if (!list && reasons > function->reason_count)
        function->reason_count = reasons;
    return 1;
}

static int read_outputs(struct pass *pass)
{
    struct leat_function *function = pass->function;
    const struct leat_named_list *list = &pass->loader->draft.output_value;
    function->outputs = leat_arena_zalloc(pass->arena, list->count + 1, sizeof *function->outputs);
    for (size_t i = 0; i < list->count; i++) {
        const struct leat_named *named = &list->items[i];
        const struct leat_expr *expr;
        if (function->output_meta && strcmp(named->name, function->output_meta) == 0)
            return leat_load_fail(pass->loader, named->key,
                                  "'%s' is the field with version and marks; choose another name, or another for "
                                  "`output.meta` (none switches it off)",
                                  named->name);
        int is_list = read_list(pass, named, &function->outputs[i]);
        if (is_list > 0)
            continue;
        if (is_list < 0 || compile(pass, &pass->output, &named->given, LEAT_TYPE_NULL, &expr) < 0)
            return -1;
        if (leat_expr_type(expr) == LEAT_TYPE_NULL)
            return leat_load_fail(pass->loader, named->given.node, "'%s' is always null", named->name);
        function->outputs[i] = (struct leat_output_field){
            .field = {.name = leat_bytes_of(named->name),
                      .type = leat_expr_type(expr),
                      .encoding = encoding_of(pass, expr)},
            .expr = expr,
        };
    }
    function->output_count = list->count;
    return 0;
}

/* -- passes ---------------------------------------------------------------------------------------------------------- */

static int parse_windows(struct pass *pass)
{
    const struct leat_named_list *list = &pass->loader->draft.windows;
    pass->named = leat_arena_zalloc(pass->arena, list->count + 1, sizeof *pass->named);
    for (size_t i = 0; i < list->count; i++) {
        const struct leat_given *given = &list->items[i].given;
        if (leat_expr_window_parse(leat_load_text_place(pass->loader, given->node), leat_bytes_of(given->text),
                                   pass->arena, &pass->named[i], pass->loader->err) < 0)
            return -1;
    }
    return 0;
}

static int run_pass(struct pass *pass)
{
    make_scopes(pass);
    if (parse_windows(pass) < 0 || read_sources(pass) < 0 || read_labels(pass) < 0)
        return -1;
    return read_features(pass) < 0 ? -1 : read_outputs(pass);
}

/* Where the zones begin, and each window and lookup in its zone, once all is counted. */
static int lay_out(struct pass *counted, struct pass *next)
{
    size_t slot = counted->function->sources[0].projection.count;
    next->zone_aggregates = slot;
    for (size_t i = 0; i < counted->window_count; i++) {
        counted->windows[i].first_slot = slot;
        slot += counted->windows[i].aggregate_count;
    }
    next->zone_lookups = slot;
    for (size_t i = 0; i < counted->lookup_count; i++) {
        counted->lookups[i].first_slot = slot;
        slot += counted->tables[counted->lookups[i].source].count;
    }
    next->zone_features = slot;
    next->zone_results = slot + counted->feature_count;
    if (next->zone_results + counted->answer_count + LEAT_RESULT_SLOTS > FRAME_MAX)
        return leat_load_fail(counted->loader, counted->loader->draft.input.at,
                              "columns, aggregates, looked-up columns and features are %zu together, and at most %d are "
                              "possible",
                              next->zone_results + counted->answer_count, FRAME_MAX - LEAT_RESULT_SLOTS);
    return 0;
}

static struct leat_function_window finish_window(const struct pass *pass, const struct window_draft *draft)
{
    int64_t range_max = 0;
    for (size_t i = 0; i < draft->aggregate_count && range_max != LEAT_RANGE_NONE; i++) {
        int64_t range = draft->aggregates[i].range;
        range_max = range == LEAT_RANGE_NONE || range > range_max ? range : range_max;
    }
    return (struct leat_function_window){
        .source = draft->source,
        .plan = {.columns = draft->column_types,
                 .column_count = draft->column_count,
                 .aggregates = draft->aggregates,
                 .aggregate_count = draft->aggregate_count},
        .stream_key = draft->stream_key,
        .input_key = draft->input_key,
        .key_count = draft->key_count,
        .key_types = draft->key_types,
        .columns = draft->columns,
        .frame_slot = draft->first_slot,
        .global = pass->function->sources[draft->source].global,
        .range_max = range_max,
    };
}

static struct leat_function_lookup finish_lookup(const struct pass *pass, const struct lookup_draft *draft)
{
    enum leat_type *types = leat_arena_zalloc(pass->arena, draft->key_count + 1, sizeof *types);
    for (size_t i = 0; i < draft->key_count; i++)
        types[i] = leat_expr_type(draft->keys[i]);
    return (struct leat_function_lookup){
        .source = draft->source,
        .keys = draft->keys,
        .key_count = draft->key_count,
        .key_types = types,
        .frame_slot = draft->first_slot,
    };
}

static void finish(const struct pass *pass)
{
    struct leat_function *function = pass->function;
    function->windows = leat_arena_zalloc(pass->arena, pass->window_count + 1, sizeof *function->windows);
    function->window_count = pass->window_count;
    for (size_t i = 0; i < pass->window_count; i++)
        function->windows[i] = finish_window(pass, &pass->windows[i]);
    function->lookups = leat_arena_zalloc(pass->arena, pass->lookup_count + 1, sizeof *function->lookups);
    function->lookup_count = pass->lookup_count;
    for (size_t i = 0; i < pass->lookup_count; i++)
        function->lookups[i] = finish_lookup(pass, &pass->lookups[i]);
    for (size_t i = 1; i < function->source_count; i++) {
        struct leat_source *source = &function->sources[i];
        source->table_slots = pass->tables[i].slots;
        source->table.columns = pass->tables[i].types;
        source->table.column_count = pass->tables[i].count;
    }
    function->frame_aggregates = pass->zone_aggregates;
    function->frame_lookups = pass->zone_lookups;
    function->frame_features = pass->zone_features;
    function->frame_results = pass->zone_results;
    function->frame_size = pass->zone_results + LEAT_RESULT_SLOTS + pass->answer_count;
    function->answers = pass->answers;
    function->answer_count = pass->answer_count;
    function->uses_class = pass->uses_class;
    function->registers = pass->registers;
}

static int run_passes(struct leat_loader *loader, struct pass *first, struct pass *second)
{
    *first = (struct pass){
        .loader = loader,
        .function = loader->function,
        .arena = first->arena,
        .zone_aggregates = ZONE_UNKNOWN,
        .zone_lookups = 2 * ZONE_UNKNOWN,
        .zone_features = 3 * ZONE_UNKNOWN,
        .zone_results = 4 * ZONE_UNKNOWN,
    };
    *second = (struct pass){
        .loader = loader,
        .function = loader->function,
        .arena = &loader->function->arena,
        .counted = first,
    };
    if (run_pass(first) < 0 || lay_out(first, second) < 0 || run_pass(second) < 0)
        return -1;
    leat_assert(second->window_count == first->window_count && second->lookup_count == first->lookup_count &&
                second->answer_count == first->answer_count);
    leat_assert(loader->function->sources[0].projection.count == second->zone_aggregates);
    finish(second);
    return 0;
}

int leat_load_expressions(struct leat_loader *loader)
{
    struct leat_arena scratch = {0};
    struct pass *passes = leat_calloc(2, sizeof *passes); /* large, for scopes of all sources */
    passes[0].arena = &scratch;
    int result = run_passes(loader, &passes[0], &passes[1]);
    free(passes);
    leat_arena_done(&scratch);
    return result;
}
