/* Records that are written: JSON objects and CSV rows. */
#include "event/codec.h"

#include "base/json.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Seconds with as many decimals as are needed, exactly: "1373284800.25". */
static size_t format_seconds(int64_t us, char ret[32])
{
    uint64_t magnitude = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    int len = snprintf(ret, 32, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", magnitude / LEAT_SECOND,
                       magnitude % LEAT_SECOND);
    size_t end = (size_t)len;
    while (ret[end - 1] == '0')
        end--;
    if (ret[end - 1] == '.')
        end--;
    return end;
}

static int put_time(struct leat_buffer *out, enum leat_encoding encoding, int64_t us, const char *quote)
{
    char text[32];
    switch (encoding) {
    case LEAT_ENCODING_PLAIN:
    case LEAT_ENCODING_TIME_MS:
        return leat_json_put_int(out, floor_divide(us, LEAT_MILLISECOND));
    case LEAT_ENCODING_TIME_US:
        return leat_json_put_int(out, us);
    case LEAT_ENCODING_TIME_S:
        return leat_buffer_append(out, text, format_seconds(us, text));
    case LEAT_ENCODING_TIME_TEXT: {
        leat_buffer_append_text(out, quote);
        leat_buffer_append(out, text, leat_time_format(us, text));
        return leat_buffer_append_text(out, quote);
    }
    }
    return -1;
}

int leat_encode_json_value(struct leat_buffer *out, enum leat_type type, enum leat_encoding encoding,
                           struct leat_value value)
{
    if (value.null)
        return leat_buffer_append(out, "null", 4);
    switch (type) {
    case LEAT_TYPE_NULL:
        return leat_buffer_append(out, "null", 4);
    case LEAT_TYPE_BOOL:
        return value.as.i != 0 ? leat_buffer_append(out, "true", 4) : leat_buffer_append(out, "false", 5);
    case LEAT_TYPE_INT:
        return leat_json_put_int(out, value.as.i);
    case LEAT_TYPE_DOUBLE:
        return leat_json_put_double(out, value.as.d);
    case LEAT_TYPE_STRING:
        return leat_json_put_string(out, leat_value_bytes(value));
    case LEAT_TYPE_TIME:
        return put_time(out, encoding, value.as.i, "\"");
    }
    return -1;
}

int leat_encode_json(struct leat_buffer *out, const struct leat_out_field *fields, const struct leat_value *values,
                     size_t count)
{
    leat_buffer_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            leat_buffer_append_char(out, ',');
        leat_json_put_string(out, fields[i].name);
        leat_buffer_append_char(out, ':');
        leat_encode_json_value(out, fields[i].type, fields[i].encoding, values[i]);
    }
    return leat_buffer_append_char(out, '}'); /* fails when any of the others has */
}

/* Empty texts are quoted: without quotes they would be null. */
static bool needs_quotes(struct leat_bytes text)
{
    if (text.len == 0)
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == ',' || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

static int put_csv_text(struct leat_buffer *out, struct leat_bytes text)
{
    if (!needs_quotes(text))
        return leat_buffer_append(out, text.data, text.len);
    leat_buffer_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            leat_buffer_append_char(out, '"');
        leat_buffer_append_char(out, text.data[i]);
    }
    return leat_buffer_append_char(out, '"');
}

static int put_csv_value(struct leat_buffer *out, const struct leat_out_field *field, struct leat_value value)
{
    if (value.null || (field->type == LEAT_TYPE_DOUBLE && !isfinite(value.as.d)))
        return out->failed ? -1 : 0;
    if (field->type == LEAT_TYPE_STRING)
        return put_csv_text(out, leat_value_bytes(value));
    if (field->type == LEAT_TYPE_TIME)
        return put_time(out, field->encoding, value.as.i, "");
    return leat_encode_json_value(out, field->type, field->encoding, value);
}

int leat_encode_csv(struct leat_buffer *out, const struct leat_out_field *fields, const struct leat_value *values,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            leat_buffer_append_char(out, ',');
        put_csv_value(out, &fields[i], values[i]);
    }
    return out->failed ? -1 : 0;
}

int leat_encode_csv_header(struct leat_buffer *out, const struct leat_out_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            leat_buffer_append_char(out, ',');
        put_csv_text(out, fields[i].name);
    }
    return out->failed ? -1 : 0;
}
