/* A record is decoded, and read by the tree parser, its plain twin: both must agree on what is JSON, and on the values
 * of the fields that are read. What is JSON reads the same whether non-finite numbers are accepted or not. */
#include "base/error.h"
#include "base/json.h"
#include "event/codec.h"

#include <math.h>
#include <string.h>

enum slot { S, I, D, B, X, SECOND, SLOTS };

static struct leat_field element = {.kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE};
static struct leat_field inner[] = {
    {.name = {"x", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
};
static struct leat_field fields[] = {
    {.name = {"s", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_STRING},
    {.name = {"int", 3}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
    {.name = {"a double", 8}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE},
    {.name = {"b", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_BOOL},
    {.name = {"o", 1}, .kind = LEAT_FIELD_OBJECT, .children = inner, .count = 1},
    {.name = {"l", 1}, .kind = LEAT_FIELD_LIST, .children = &element, .count = 1},
    {.name = {"t", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_TEXT},
    {.name = {"ms", 2}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_MS},
};
static const struct leat_schema schema = {fields, 8};
static const char *const paths[] = {"s", "int", "\"a double\"", "b", "o.x", "l[1]", "t", "ms"};
#define PATHS (sizeof paths / sizeof paths[0])

static struct leat_arena memory, scratch;
static struct leat_projection projection;
static struct leat_decoder *decoder;

static void prepare(void)
{
    for (size_t i = 0; i < PATHS; i++) {
        size_t slot;
        leat_assert(leat_projection_slot(&projection, &schema, leat_bytes_of(paths[i]), &memory, &slot, NULL) == 0);
    }
    decoder = leat_decoder_new(LEAT_FORMAT_JSON, &schema, &projection);
}

static void check_value(const struct leat_json *node, enum leat_type type, struct leat_value value)
{
    if (node == NULL || node->type == LEAT_JSON_NULL) {
        leat_assert(value.null == 1);
        return;
    }
    leat_assert(value.null == 0);
    double number;
    switch (type) {
    case LEAT_TYPE_STRING:
        leat_assert(node->type == LEAT_JSON_STRING && leat_bytes_equal(node->as.string, leat_value_bytes(value)));
        return;
    case LEAT_TYPE_BOOL:
        leat_assert(node->type == LEAT_JSON_BOOL && value.as.i == (node->as.boolean ? 1 : 0));
        return;
    case LEAT_TYPE_INT:
        leat_assert(node->type == LEAT_JSON_INT ? node->as.integer == value.as.i
                                                : (double)value.as.i == node->as.number);
        return;
    case LEAT_TYPE_DOUBLE:
        leat_assert(leat_json_number(node, &number) && number == value.as.d);
        return;
    case LEAT_TYPE_NULL:
    case LEAT_TYPE_TIME:
        return;
    }
}

static void check_values(const struct leat_json *root, const struct leat_value *values)
{
    check_value(leat_json_get(root, "s"), LEAT_TYPE_STRING, values[S]);
    check_value(leat_json_get(root, "int"), LEAT_TYPE_INT, values[I]);
    check_value(leat_json_get(root, "a double"), LEAT_TYPE_DOUBLE, values[D]);
    check_value(leat_json_get(root, "b"), LEAT_TYPE_BOOL, values[B]);
    check_value(leat_json_get(leat_json_get(root, "o"), "x"), LEAT_TYPE_INT, values[X]);
    check_value(leat_json_at(leat_json_get(root, "l"), 1), LEAT_TYPE_DOUBLE, values[SECOND]);
}

static void check_writer(const struct leat_json *root, struct leat_bytes record)
{
    LEAT_CLEAN_BUFFER strict = {0};
    LEAT_CLEAN_BUFFER lenient = {0};
    struct leat_json_document *document = NULL;
    leat_assert(leat_json_put(&strict, root) == 0);
    leat_assert(leat_json_parse(record, LEAT_JSON_NONFINITE, &document, NULL) == 0);
    leat_assert(leat_json_put(&lenient, leat_json_root(document)) == 0);
    leat_assert(leat_bytes_equal(leat_buffer_view(&strict), leat_buffer_view(&lenient)));
    leat_json_free(document);
    leat_assert(leat_json_parse(leat_buffer_view(&strict), LEAT_JSON_STRICT, &document, NULL) == 0);
    leat_json_free(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (decoder == NULL)
        prepare();
    struct leat_bytes record = {(const char *)data, size};
    struct leat_value values[PATHS];
    struct leat_reason reason = {0};
    leat_arena_reset(&scratch);
    bool decoded = leat_decoder_decode(decoder, record, &scratch, values, &reason) == 0;
    leat_assert(leat_utf8_valid(leat_bytes_of(reason.text)));

    struct leat_json_document *document = NULL;
    struct leat_error err = {0};
    bool json = leat_json_parse(record, LEAT_JSON_STRICT, &document, &err) == 0;
    /* Of a number that is not read, the decoder does not ask whether a double holds it. */
    bool judged_alike = json || strstr(err.text, "beyond the range of a double") == NULL;
    if (decoded && judged_alike) {
        leat_assert(json && leat_json_root(document)->type == LEAT_JSON_OBJECT);
        check_values(leat_json_root(document), values);
    }
    if (json && leat_json_root(document)->type == LEAT_JSON_OBJECT && !decoded)
        leat_assert(reason.stage == LEAT_STAGE_SCHEMA);
    if (json)
        check_writer(leat_json_root(document), record);
    leat_json_free(document);
    if (!json && leat_json_parse(record, LEAT_JSON_NONFINITE, &document, &err) == 0)
        leat_json_free(document);
    return 0;
}
