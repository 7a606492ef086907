/* The CSV decoder, as RFC 4180 has it: commas, double quotes that are doubled within quotes, one record at a time.
 *
 * A record must have as many fields as the header (or the schema) has columns: a comma that was forgotten or not quoted
 * would otherwise shift all that follows. */
#include "event/decoder.h"

#include "base/json.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX ((size_t)10000)
#define NO_SLOT SIZE_MAX

struct csv_decoder {
    struct leat_decoder base;
    size_t *slots; /* by column: its slot, or NO_SLOT */
    size_t columns;
};

/* Fields are taken from a record one after the other. */
struct row {
    struct leat_bytes text;
    size_t at;
    const char *problem;
};

struct field {
    struct leat_bytes text; /* within its quotes */
    bool quoted;
    bool doubled; /* there are quotes in it, written twice */
};

static struct leat_bytes without_line_end(struct leat_bytes line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static int wrong(struct row *row, const char *problem)
{
    row->problem = problem;
    return -1;
}

/* From the opening quote to behind the closing one. */
static int take_quoted(struct row *row, struct field *ret)
{
    const char *data = row->text.data;
    size_t start = row->at + 1;
    ret->quoted = true;
    for (size_t at = start; at < row->text.len; at++) {
        const char *quote = memchr(data + at, '"', row->text.len - at);
        if (quote == NULL)
            break;
        at = (size_t)(quote - data);
        if (at + 1 < row->text.len && data[at + 1] == '"') {
            ret->doubled = true;
            at++;
            continue;
        }
        ret->text = (struct leat_bytes){.data = data + start, .len = at - start};
        row->at = at + 1;
        return 0;
    }
    return wrong(row, "a quote that is not closed");
}

static int take_plain(struct row *row, struct field *ret)
{
    size_t start = row->at;
    for (; row->at < row->text.len && row->text.data[row->at] != ','; row->at++) {
        char c = row->text.data[row->at];
        if (c == '"')
            return wrong(row, "a quote within a field that does not begin with one");
        if (c == '\n' || c == '\r')
            return wrong(row, "a line end outside of quotes");
    }
    ret->text = (struct leat_bytes){.data = row->text.data + start, .len = row->at - start};
    return 0;
}

/* 1: a field; 0: there are no more; -1: *row says the problem, at row->at. The first field begins at 0, and each other
 * one behind a comma, which is where `at` is left. */
static int take_field(struct row *row, bool first, struct field *ret)
{
    if (!first && row->at == row->text.len)
        return 0;
    row->at += first ? 0 : 1;
    *ret = (struct field){0};
    bool quoted = row->at < row->text.len && row->text.data[row->at] == '"';
    if ((quoted ? take_quoted(row, ret) : take_plain(row, ret)) < 0)
        return -1;
    if (row->at < row->text.len && row->text.data[row->at] != ',')
        return wrong(row, "something between a closing quote and the comma");
    return 1;
}

static struct leat_bytes undoubled(const struct field *field, struct leat_arena *arena)
{
    if (!field->doubled)
        return field->text;
    char *copy = leat_arena_alloc(arena, field->text.len);
    size_t len = 0;
    for (size_t i = 0; i < field->text.len; i++) {
        copy[len++] = field->text.data[i];
        i += field->text.data[i] == '"' ? 1 : 0;
    }
    return (struct leat_bytes){.data = copy, .len = len};
}

/* ---- columns ---- */

static size_t slot_of(const struct leat_projection *projection, struct leat_bytes name)
{
    for (size_t i = 0; i < projection->count; i++) {
        const struct leat_slot *slot = &projection->slots[i];
        bool plain = slot->step_count == 1 && leat_bytes_equal(slot->steps[0].name, name);
        if (plain || leat_bytes_equal(slot->path, name))
            return i;
    }
    return NO_SLOT;
}

static struct leat_decoder *create(const struct leat_schema *schema, const struct leat_projection *projection)
{
    struct csv_decoder *decoder = leat_calloc(1, sizeof *decoder);
    decoder->columns = schema->count;
    decoder->slots = leat_calloc(schema->count, sizeof *decoder->slots);
    for (size_t i = 0; i < schema->count; i++)
        decoder->slots[i] = slot_of(projection, schema->fields[i].name);
    return &decoder->base;
}

static void destroy(struct leat_decoder *base)
{
    struct csv_decoder *decoder = (struct csv_decoder *)base;
    free(decoder->slots);
    free(decoder);
}

static int header_refused(struct leat_error *err, const char *what, struct leat_bytes name)
{
    return leat_error_set(err, LEAT_ERROR_FINDING, "the CSV header %s '%.*s'", what,
                          (int)(name.len < 100 ? name.len : 100), name.data);
}

/* A header while it is read. */
struct columns {
    struct leat_arena memory;
    struct leat_map *names;
    size_t *slots;
    size_t count;
};

static void columns_done(struct columns *columns)
{
    leat_arena_done(&columns->memory);
    leat_map_free(columns->names);
    free(columns->slots);
}

static int read_columns(const struct leat_projection *projection, struct row *row, struct columns *columns,
                        struct leat_error *err)
{
    struct field field;
    int more;
    while ((more = take_field(row, columns->count == 0, &field)) > 0) {
        if (columns->count == COLUMNS_MAX)
            return leat_error_set(err, LEAT_ERROR_FINDING, "the CSV header has more than %zu columns", COLUMNS_MAX);
        struct leat_bytes name = undoubled(&field, &columns->memory);
        bool is_new;
        leat_map_put(columns->names, name, &is_new);
        if (!is_new)
            return header_refused(err, "names twice the column", name);
        columns->slots[columns->count++] = slot_of(projection, name);
    }
    if (more < 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the CSV header can not be read: %s at byte %zu", row->problem,
                              row->at);
    return 0;
}

static int check_columns(const struct leat_projection *projection, const struct columns *columns, struct leat_error *err)
{
    for (size_t slot = 0; slot < projection->count; slot++) {
        size_t column = 0;
        while (column < columns->count && columns->slots[column] != slot)
            column++;
        if (column == columns->count)
            return header_refused(err, "lacks the column", projection->slots[slot].path);
    }
    return 0;
}

static int header(struct leat_decoder *base, struct leat_bytes line, struct leat_error *err)
{
    struct csv_decoder *decoder = (struct csv_decoder *)base;
    if (line.len >= 3 && memcmp(line.data, "\xEF\xBB\xBF", 3) == 0) /* spreadsheets write a byte order mark */
        line = (struct leat_bytes){.data = line.data + 3, .len = line.len - 3};
    struct row row = {.text = without_line_end(line)};
    if (!leat_utf8_valid(row.text))
        return leat_error_set(err, LEAT_ERROR_FINDING, "the CSV header is not valid UTF-8 at byte %zu",
                              leat_utf8_prefix(row.text));
    __attribute__((cleanup(columns_done))) struct columns columns = {
        .names = leat_map_new(),
        .slots = leat_calloc(row.text.len < COLUMNS_MAX ? row.text.len + 1 : COLUMNS_MAX, sizeof *columns.slots),
    };
    if (read_columns(base->projection, &row, &columns, err) < 0 || check_columns(base->projection, &columns, err) < 0)
        return -1;
    free(decoder->slots);
    decoder->slots = columns.slots;
    decoder->columns = columns.count;
    columns.slots = NULL;
    return 0;
}

/* ---- records ---- */

static int read_bool(const struct leat_slot *slot, struct leat_bytes text, struct leat_value *ret,
                     struct leat_reason *reason)
{
    static const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE", "1", "0", "t", "f"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (leat_bytes_is(text, words[i])) {
            *ret = leat_value_int(i % 2 == 0);
            return 0;
        }
    }
    return leat_slot_refuse(slot, text, "", reason);
}

static int read_number(const struct leat_slot *slot, struct leat_bytes text, struct leat_value *ret,
                       struct leat_reason *reason)
{
    double number;
    int64_t integer;
    if (slot->type == LEAT_TYPE_INT && leat_int_parse(text, &integer) == 0) {
        *ret = leat_value_int(integer);
        return 0;
    }
    if (leat_double_parse(text, &number) < 0)
        return leat_slot_refuse(slot, text, ", which is not a number that fits", reason);
    if (slot->type == LEAT_TYPE_DOUBLE) {
        *ret = leat_value_double(number);
        return 0;
    }
    return leat_slot_number(slot, text, ret, reason);
}

static int read_field(const struct leat_slot *slot, const struct field *field, struct leat_arena *arena,
                      struct leat_value *ret, struct leat_reason *reason)
{
    /* Only of a string can quotes tell the empty text from null. */
    bool empty = field->text.len == 0;
    if (empty && (!field->quoted || slot->type != LEAT_TYPE_STRING)) {
        *ret = leat_value_null();
        return 0;
    }
    struct leat_bytes text = undoubled(field, arena);
    if (slot->type == LEAT_TYPE_STRING) {
        *ret = leat_value_string(text);
        return 0;
    }
    if (slot->type == LEAT_TYPE_BOOL)
        return read_bool(slot, text, ret, reason);
    if (slot->type == LEAT_TYPE_TIME && slot->encoding == LEAT_ENCODING_TIME_TEXT)
        return leat_slot_time_text(slot, text, text, ret, reason);
    return read_number(slot, text, ret, reason);
}

static int decode(struct leat_decoder *base, struct leat_bytes record, struct leat_arena *arena,
                  struct leat_value *values, struct leat_reason *reason)
{
    const struct csv_decoder *decoder = (const struct csv_decoder *)base;
    struct row row = {.text = without_line_end(record)};
    if (!leat_utf8_valid(row.text))
        return leat_reason_set(reason, LEAT_STAGE_DECODE, "not CSV: it is not valid UTF-8 at byte %zu",
                               leat_utf8_prefix(row.text));
    for (size_t i = 0; i < base->projection->count; i++)
        values[i] = leat_value_null();

    size_t columns = 0;
    struct field field;
    int more;
    for (; (more = take_field(&row, columns == 0, &field)) > 0; columns++) {
        size_t slot = columns < decoder->columns ? decoder->slots[columns] : NO_SLOT;
        if (slot != NO_SLOT && read_field(&base->projection->slots[slot], &field, arena, &values[slot], reason) < 0)
            return -1;
    }
    if (more < 0)
        return leat_reason_set(reason, LEAT_STAGE_DECODE, "not CSV: %s at byte %zu", row.problem, row.at);
    if (columns != decoder->columns)
        return leat_reason_set(reason, LEAT_STAGE_DECODE, "not CSV of this header: it has %zu fields and not %zu",
                               columns, decoder->columns);
    return 0;
}

const struct leat_decoder_kind leat_decoder_csv = {create, destroy, header, decode};
