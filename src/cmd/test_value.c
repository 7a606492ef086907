#include "cmd/test.h"

#include "base/time.h"

#include <math.h>
#include <string.h>

#define TOLERANCE 1e-9 /* of the larger of two numbers */

/* -- YAML → a record ------------------------------------------------------------------------------------------------- */

static const struct leat_field *find_field(const struct leat_field *fields, size_t count, struct leat_bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (leat_bytes_equal(fields[i].name, name))
            return &fields[i];
    return NULL;
}

/* A time as the schema has it: RFC 3339 is put in its unit. False when it is none. */
static bool put_time(struct leat_buffer *out, enum leat_encoding encoding, struct leat_bytes text)
{
    int64_t time;
    if (encoding == LEAT_ENCODING_TIME_TEXT || leat_time_parse(text, &time) < 0)
        return false;
    leat_encode_json_value(out, LEAT_TYPE_TIME, encoding, leat_value_int(time));
    return true;
}

static void put_scalar(struct leat_buffer *out, const struct leat_field *field, const struct leat_yaml *node)
{
    enum leat_type type = field && field->kind == LEAT_FIELD_SCALAR ? field->type : LEAT_TYPE_NULL;
    int64_t integer;
    double number;
    if (leat_yaml_is_null(node))
        leat_buffer_append_text(out, "null");
    else if (type == LEAT_TYPE_TIME && put_time(out, field->encoding, node->text))
        return;
    else if (node->quoted || type == LEAT_TYPE_STRING)
        leat_json_put_string(out, node->text);
    else if (leat_bytes_is(node->text, "true") || leat_bytes_is(node->text, "false"))
        leat_buffer_append(out, node->text.data, node->text.len);
    else if (leat_int_parse(node->text, &integer) == 0)
        leat_json_put_int(out, integer);
    else if (leat_double_parse(node->text, &number) == 0)
        leat_json_put_double(out, number);
    else
        leat_json_put_string(out, node->text);
}

static void put_json(struct leat_buffer *out, const struct leat_field *field, const struct leat_field *children,
                     size_t count, const struct leat_yaml *node)
{
    if (node->type == LEAT_YAML_SCALAR) {
        put_scalar(out, field, node);
        return;
    }
    bool mapping = node->type == LEAT_YAML_MAPPING;
    leat_buffer_append_char(out, mapping ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        const struct leat_yaml *value = mapping ? &node->members[i].value : &node->elements[i];
        const struct leat_field *inner = count > 0 ? &children[0] : NULL;
        leat_buffer_append_text(out, i ? "," : "");
        if (mapping) {
            inner = find_field(children, count, node->members[i].key.text);
            leat_json_put_string(out, node->members[i].key.text);
            leat_buffer_append_char(out, ':');
        }
        put_json(out, inner, inner ? inner->children : NULL, inner ? inner->count : 0, value);
    }
    leat_buffer_append_char(out, mapping ? '}' : ']');
}

static void put_csv_cell(struct leat_buffer *out, const struct leat_field *field, const struct leat_yaml *node)
{
    if (leat_yaml_is_null(node) || node->type != LEAT_YAML_SCALAR)
        return;
    if (field->type == LEAT_TYPE_TIME && put_time(out, field->encoding, node->text))
        return;
    struct leat_out_field text = {.name = field->name, .type = LEAT_TYPE_STRING};
    struct leat_value value = leat_value_string(node->text);
    leat_encode_csv(out, &text, &value, 1);
}

static void put_csv(struct leat_buffer *out, const struct leat_schema *schema, const struct leat_yaml *node)
{
    for (size_t i = 0; i < schema->count; i++) {
        leat_buffer_append_text(out, i ? "," : "");
        for (size_t m = 0; m < node->count; m++)
            if (leat_bytes_equal(node->members[m].key.text, schema->fields[i].name))
                put_csv_cell(out, &schema->fields[i], &node->members[m].value);
    }
}

int leat_test_put_record(const struct leat_source *source, const struct leat_yaml *value, struct leat_buffer *out)
{
    if (value->type == LEAT_YAML_SCALAR)
        leat_buffer_append(out, value->text.data, value->text.len);
    else if (source->format == LEAT_FORMAT_CSV && value->type == LEAT_YAML_MAPPING)
        put_csv(out, &source->schema, value);
    else
        put_json(out, NULL, source->schema.fields, source->schema.count, value);
    return out->failed ? -1 : 0;
}

/* -- what is expected, against what came ----------------------------------------------------------------------------- */

static bool close_enough(double a, double b)
{
    double larger = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return a == b || fabs(a - b) <= TOLERANCE * larger;
}

static bool number_agrees(const struct leat_yaml *expected, double number)
{
    double wanted;
    return leat_double_parse(expected->text, &wanted) == 0 && close_enough(wanted, number);
}

static bool integer_agrees(const struct leat_yaml *expected, int64_t integer)
{
    int64_t wanted;
    if (leat_int_parse(expected->text, &wanted) == 0)
        return wanted == integer;
    return number_agrees(expected, (double)integer);
}

bool leat_test_value_agrees(const struct leat_yaml *expected, enum leat_type type, struct leat_value value)
{
    int64_t time;
    if (leat_yaml_is_null(expected) || value.null)
        return leat_yaml_is_null(expected) && value.null;
    if (expected->type != LEAT_YAML_SCALAR)
        return false;
    switch (type) {
    case LEAT_TYPE_NULL:
        return false;
    case LEAT_TYPE_BOOL:
        return leat_bytes_is(expected->text, value.as.i ? "true" : "false");
    case LEAT_TYPE_INT:
        return integer_agrees(expected, value.as.i);
    case LEAT_TYPE_DOUBLE:
        return number_agrees(expected, value.as.d);
    case LEAT_TYPE_STRING:
        return leat_bytes_equal(expected->text, leat_value_bytes(value));
    case LEAT_TYPE_TIME:
        return leat_time_parse(expected->text, &time) == 0 && time == value.as.i;
    }
    return false;
}

static bool time_agrees(const struct leat_yaml *expected, const struct leat_json *value, enum leat_encoding encoding)
{
    LEAT_CLEAN_BUFFER wanted = {0};
    LEAT_CLEAN_BUFFER came = {0};
    int64_t time;
    if (leat_time_parse(expected->text, &time) < 0)
        return false;
    leat_encode_json_value(&wanted, LEAT_TYPE_TIME, encoding, leat_value_int(time));
    leat_json_put(&came, value);
    return leat_bytes_equal(leat_buffer_view(&wanted), leat_buffer_view(&came));
}

static bool scalar_agrees(const struct leat_yaml *expected, const struct leat_json *value, enum leat_type type,
                          enum leat_encoding encoding)
{
    if (leat_yaml_is_null(expected))
        return value->type == LEAT_JSON_NULL;
    if (type == LEAT_TYPE_TIME && time_agrees(expected, value, encoding))
        return true;
    switch (value->type) {
    case LEAT_JSON_BOOL:
        return !expected->quoted && leat_bytes_is(expected->text, value->as.boolean ? "true" : "false");
    case LEAT_JSON_INT:
        return !expected->quoted && integer_agrees(expected, value->as.integer);
    case LEAT_JSON_DOUBLE:
        return !expected->quoted && number_agrees(expected, value->as.number);
    case LEAT_JSON_STRING:
        return leat_bytes_equal(expected->text, value->as.string);
    case LEAT_JSON_NULL:
    case LEAT_JSON_ARRAY:
    case LEAT_JSON_OBJECT:
        return false;
    }
    return false;
}

static const struct leat_json *member(const struct leat_json *object, struct leat_bytes name)
{
    for (uint32_t i = 0; i < object->count; i++)
        if (leat_bytes_equal(object->as.members[i].name, name))
            return &object->as.members[i].value;
    return NULL;
}

bool leat_test_json_agrees(const struct leat_yaml *expected, const struct leat_json *value, enum leat_type type,
                           enum leat_encoding encoding)
{
    if (expected->type == LEAT_YAML_SCALAR)
        return scalar_agrees(expected, value, type, encoding);
    bool mapping = expected->type == LEAT_YAML_MAPPING;
    if (value->type != (mapping ? LEAT_JSON_OBJECT : LEAT_JSON_ARRAY))
        return false;
    if (!mapping && expected->count != value->count)
        return false;
    for (size_t i = 0; i < expected->count; i++) {
        const struct leat_yaml *wanted = mapping ? &expected->members[i].value : &expected->elements[i];
        const struct leat_json *came = mapping ? member(value, expected->members[i].key.text) : &value->as.elements[i];
        if (!came || !leat_test_json_agrees(wanted, came, LEAT_TYPE_NULL, LEAT_ENCODING_PLAIN))
            return false;
    }
    return true;
}

void leat_test_put_expected(const struct leat_yaml *expected, struct leat_buffer *out)
{
    if (expected->type == LEAT_YAML_SCALAR && leat_yaml_is_null(expected))
        leat_buffer_append_text(out, "null");
    else if (expected->type == LEAT_YAML_SCALAR && !expected->quoted)
        leat_buffer_append(out, expected->text.data, expected->text.len);
    else
        put_json(out, NULL, NULL, 0, expected);
}
