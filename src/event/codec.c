#include "event/decoder.h"

#include "base/map.h"

struct format {
    const char *name;
    const struct leat_decoder_kind *kind; /* NULL: planned */
};

/* In the order of enum leat_format; those that are only planned come behind. */
static const struct format formats[] = {
    {"json", &leat_decoder_json}, {"csv", &leat_decoder_csv}, {"avro", NULL},
    {"protobuf", NULL},           {"debezium-json", NULL},
};
#define FORMATS (sizeof formats / sizeof formats[0])

int leat_format_parse(struct leat_bytes name, enum leat_format *ret, struct leat_error *err)
{
    const char *names[FORMATS];
    for (size_t i = 0; i < FORMATS; i++) {
        names[i] = formats[i].name;
        if (!leat_bytes_is(name, formats[i].name))
            continue;
        if (formats[i].kind == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "the format '%s' is planned, but not there yet; there are json and csv", names[i]);
        *ret = (enum leat_format)i;
        return 0;
    }
    const char *nearest = leat_nearest(name, names, FORMATS);
    int len = name.len < 60 ? (int)name.len : 60;
    if (nearest != NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "there is no format '%.*s'; did you mean '%s'? There are json and csv", len, name.data,
                              nearest);
    return leat_error_set(err, LEAT_ERROR_FINDING, "there is no format '%.*s'; there are json and csv", len, name.data);
}

const char *leat_format_name(enum leat_format format)
{
    return formats[format].name;
}

struct leat_decoder *leat_decoder_new(enum leat_format format, const struct leat_schema *schema,
                                      const struct leat_projection *projection)
{
    const struct leat_decoder_kind *kind = formats[format].kind;
    struct leat_decoder *decoder = kind->create(schema, projection);
    decoder->kind = kind;
    decoder->schema = schema;
    decoder->projection = projection;
    return decoder;
}

void leat_decoder_free(struct leat_decoder *decoder)
{
    if (decoder != NULL)
        decoder->kind->destroy(decoder);
}

int leat_decoder_header(struct leat_decoder *decoder, struct leat_bytes line, struct leat_error *err)
{
    return decoder->kind->header(decoder, line, err);
}

int leat_decoder_decode(struct leat_decoder *decoder, struct leat_bytes record, struct leat_arena *arena,
                        struct leat_value *values, struct leat_reason *reason)
{
    if (record.len > LEAT_RECORD_BYTES_MAX)
        return leat_reason_set(reason, LEAT_STAGE_DECODE, "the record has %zu bytes, and at most %u are read",
                               record.len, LEAT_RECORD_BYTES_MAX);
    return decoder->kind->decode(decoder, record, arena, values, reason);
}
