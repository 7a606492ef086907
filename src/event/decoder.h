/* What the decoders share: the face that each format implements, and a slot's value from the text of a field. */
#ifndef LEAT_EVENT_DECODER_H
#define LEAT_EVENT_DECODER_H

#include "event/codec.h"

/* One const struct for each format, listed in codec.c. */
struct leat_decoder_kind {
    struct leat_decoder *(*create)(const struct leat_schema *schema, const struct leat_projection *projection);
    void (*destroy)(struct leat_decoder *decoder);
    int (*header)(struct leat_decoder *decoder, struct leat_bytes line, struct leat_error *err);
    int (*decode)(struct leat_decoder *decoder, struct leat_bytes record, struct leat_arena *arena,
                  struct leat_value *values, struct leat_reason *reason);
};

extern const struct leat_decoder_kind leat_decoder_json;
extern const struct leat_decoder_kind leat_decoder_csv;

/* The first member of each format's decoder. */
struct leat_decoder {
    const struct leat_decoder_kind *kind;
    const struct leat_schema *schema;
    const struct leat_projection *projection;
};

/* "field 'amount' is declared as double; met "abc"<why>", stage SCHEMA; of a long text the beginning. Returns -1. */
int leat_slot_refuse(const struct leat_slot *slot, struct leat_bytes met, const char *why, struct leat_reason *reason);

/* The value of an INT, DOUBLE or TIME slot from a number in decimal notation, which the text must be: 3.0 is an
 * integer, 3.5 is none; seconds may have decimals, of which those beyond microseconds are cut off. */
int leat_slot_number(const struct leat_slot *slot, struct leat_bytes text, struct leat_value *ret,
                     struct leat_reason *reason);

/* Of a TIME_TEXT slot. met is what a reason shows. */
int leat_slot_time_text(const struct leat_slot *slot, struct leat_bytes text, struct leat_bytes met,
                        struct leat_value *ret, struct leat_reason *reason);

#endif
