/* A typed value. Its type is known from the slot, column or expression that it belongs to, not from itself. */
#ifndef LEAT_EVENT_VALUE_H
#define LEAT_EVENT_VALUE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum leat_type {
    LEAT_TYPE_NULL, /* the type of the literal null alone; fits everywhere */
    LEAT_TYPE_BOOL,
    LEAT_TYPE_INT,    /* int64 */
    LEAT_TYPE_DOUBLE, /* IEEE 754 binary64 */
    LEAT_TYPE_STRING, /* UTF-8 bytes, compared bytewise */
    LEAT_TYPE_TIME,   /* µs since 1970 UTC, within LEAT_TIME_MIN … LEAT_TIME_MAX */
};

struct leat_value {
    union {
        int64_t i;     /* BOOL (0 or 1), INT, TIME */
        double d;      /* DOUBLE */
        const char *s; /* STRING; not NUL-terminated; owned by whatever the value was read from */
    } as;
    uint32_t len;  /* of a STRING */
    uint32_t null; /* 1: SQL's null; `as` is then 0 */
};

const char *leat_type_name(enum leat_type type); /* "bool", "int", "double", "string", "time", "null" */

static inline struct leat_value leat_value_null(void)
{
    return (struct leat_value){.null = 1};
}
static inline struct leat_value leat_value_int(int64_t i) /* INT, TIME, BOOL */
{
    return (struct leat_value){.as.i = i};
}
static inline struct leat_value leat_value_double(double d)
{
    return (struct leat_value){.as.d = d};
}
static inline struct leat_value leat_value_string(struct leat_bytes text)
{
    return (struct leat_value){.as.s = text.data, .len = (uint32_t)text.len};
}
static inline struct leat_bytes leat_value_bytes(struct leat_value value)
{
    return (struct leat_bytes){value.as.s, value.len};
}
/* What the model is given: null is NaN, BOOL is 0 or 1, INT and TIME (in seconds) are converted. STRING is NaN. */
double leat_value_number(enum leat_type type, struct leat_value value);
/* Same type: both null, or equal content (bitwise for doubles but 0.0 = -0.0 and NaN = NaN). For tests and change checks. */
bool leat_value_same(enum leat_type type, struct leat_value a, struct leat_value b);

/* A canonical byte string for a tuple of values, so that tuples are equal exactly if their bytes are: the key of
 * windows and tables. One non-null STRING alone is its own bytes after a type byte. False if any is null. */
bool leat_key_encode(struct leat_buffer *out, const enum leat_type *types, const struct leat_value *values,
                     size_t count);

#endif
