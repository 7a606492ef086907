/* Decoding records to values and encoding values to records: one file per format behind one face.
 *
 * A decoder belongs to one thread, is reused for every record, and allocates nothing in the steady state. Strings among
 * the values point into the record's bytes or into the arena: they live until either goes. */
#ifndef LEAT_EVENT_CODEC_H
#define LEAT_EVENT_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "event/reason.h"
#include "event/schema.h"

enum leat_format { LEAT_FORMAT_JSON, LEAT_FORMAT_CSV };
/* -1 with the known names (and, for a format that is planned but not there, a sentence that says so). */
int leat_format_parse(struct leat_bytes name, enum leat_format *ret, struct leat_error *err);
const char *leat_format_name(enum leat_format format);

#define LEAT_RECORD_BYTES_MAX (16u << 20) /* a longer record is a decode reason, unread */

struct leat_decoder;

/* Schema and projection must outlive the decoder. */
struct leat_decoder *leat_decoder_new(enum leat_format format, const struct leat_schema *schema,
                                      const struct leat_projection *projection);
void leat_decoder_free(struct leat_decoder *decoder); /* NULL is fine */

/* CSV: names the columns by a header line (names not in the schema are ignored). Without it the columns are the
 * schema's fields in order. Finding: a duplicate name; a used field that the header lacks. JSON: no effect. */
int leat_decoder_header(struct leat_decoder *decoder, struct leat_bytes line, struct leat_error *err);

/* Fills values[0 … projection->count-1]. An absent field or a JSON null is null. -1: *reason says the stage (DECODE or
 * SCHEMA), the field and what was met; values are then undefined.
 * JSON: the record must be one object, valid UTF-8, nothing behind it but white space. Integers are accepted for DOUBLE;
 * 3.0 for INT; numbers are never accepted for STRING, nor text for numbers. A used field that occurs twice is refused.
 * CSV: an empty unquoted field is null. */
int leat_decoder_decode(struct leat_decoder *decoder, struct leat_bytes record, struct leat_arena *arena,
                        struct leat_value *values, struct leat_reason *reason);

/* One field of a record that is written. */
struct leat_out_field {
    struct leat_bytes name;
    enum leat_type type;
    enum leat_encoding encoding; /* TIME: how it is written; PLAIN is TIME_MS */
};

/* Appends {"name":value,…} without line end. Doubles in shortest round-trip digits; NaN and infinities are null. */
int leat_encode_json(struct leat_buffer *out, const struct leat_out_field *fields, const struct leat_value *values,
                     size_t count);
/* Appends one value as JSON. */
int leat_encode_json_value(struct leat_buffer *out, enum leat_type type, enum leat_encoding encoding,
                           struct leat_value value);
/* Appends a CSV row without line end; null is empty, an empty string is "". */
int leat_encode_csv(struct leat_buffer *out, const struct leat_out_field *fields, const struct leat_value *values,
                    size_t count);
int leat_encode_csv_header(struct leat_buffer *out, const struct leat_out_field *fields, size_t count);

#endif
