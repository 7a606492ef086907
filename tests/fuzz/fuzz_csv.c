/* The first line is a header, the rest one record. What is decoded, encoded and decoded again is the same. */
#include "base/error.h"
#include "base/json.h"
#include "event/codec.h"

#include <string.h>

static struct leat_field fields[] = {
    {.name = {"s", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_STRING},
    {.name = {"i", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_INT},
    {.name = {"d", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_DOUBLE},
    {.name = {"b", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_BOOL},
    {.name = {"t", 1}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_TEXT},
    {.name = {"sec", 3}, .kind = LEAT_FIELD_SCALAR, .type = LEAT_TYPE_TIME, .encoding = LEAT_ENCODING_TIME_S},
};
#define FIELDS (sizeof fields / sizeof fields[0])
static const struct leat_schema schema = {fields, FIELDS};
static struct leat_arena memory, scratch;
static struct leat_projection projection;

static void prepare(void)
{
    for (size_t i = 0; i < FIELDS; i++) {
        size_t slot;
        leat_assert(leat_projection_slot(&projection, &schema, fields[i].name, &memory, &slot, NULL) == 0);
    }
}

static void check_again(const struct leat_value *values)
{
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_out_field out_fields[FIELDS];
    struct leat_value again[FIELDS];
    struct leat_reason reason = {0};
    for (size_t i = 0; i < FIELDS; i++)
        out_fields[i] = (struct leat_out_field){fields[i].name, fields[i].type, fields[i].encoding};
    leat_assert(leat_encode_csv(&out, out_fields, values, FIELDS) == 0);
    struct leat_decoder *decoder = leat_decoder_new(LEAT_FORMAT_CSV, &schema, &projection);
    leat_assert(leat_decoder_decode(decoder, leat_buffer_view(&out), &scratch, again, &reason) == 0);
    for (size_t i = 0; i < FIELDS; i++)
        leat_assert(leat_value_same(fields[i].type, values[i], again[i]));
    leat_decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (projection.count == 0)
        prepare();
    leat_arena_reset(&scratch);
    const char *text = (const char *)data;
    const char *line_end = size == 0 ? NULL : memchr(text, '\n', size);
    size_t header_len = line_end == NULL ? 0 : (size_t)(line_end - text);
    size_t record_at = line_end == NULL ? 0 : header_len + 1;

    struct leat_decoder *decoder = leat_decoder_new(LEAT_FORMAT_CSV, &schema, &projection);
    struct leat_error err = {0};
    if (line_end != NULL && leat_decoder_header(decoder, (struct leat_bytes){text, header_len}, &err) < 0)
        leat_assert(err.kind == LEAT_ERROR_FINDING);
    struct leat_value values[FIELDS];
    struct leat_reason reason = {0};
    struct leat_bytes record = {text + record_at, size - record_at};
    if (leat_decoder_decode(decoder, record, &scratch, values, &reason) == 0)
        check_again(values);
    else
        leat_assert(leat_utf8_valid(leat_bytes_of(reason.text)));
    leat_decoder_free(decoder);
    return 0;
}
