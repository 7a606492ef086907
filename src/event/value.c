#include "event/value.h"

#include <math.h>
#include <string.h>

const char *leat_type_name(enum leat_type type)
{
    switch (type) {
    case LEAT_TYPE_NULL:
        return "null";
    case LEAT_TYPE_BOOL:
        return "bool";
    case LEAT_TYPE_INT:
        return "int";
    case LEAT_TYPE_DOUBLE:
        return "double";
    case LEAT_TYPE_STRING:
        return "string";
    case LEAT_TYPE_TIME:
        return "time";
    }
    return "unknown";
}

double leat_value_number(enum leat_type type, struct leat_value value)
{
    if (value.null)
        return NAN;
    switch (type) {
    case LEAT_TYPE_BOOL:
    case LEAT_TYPE_INT:
        return (double)value.as.i;
    case LEAT_TYPE_DOUBLE:
        return value.as.d;
    case LEAT_TYPE_TIME:
        return (double)value.as.i / 1e6;
    case LEAT_TYPE_NULL:
    case LEAT_TYPE_STRING:
        return NAN;
    }
    return NAN;
}

bool leat_value_same(enum leat_type type, struct leat_value a, struct leat_value b)
{
    if (a.null || b.null)
        return a.null && b.null;
    switch (type) {
    case LEAT_TYPE_NULL:
        return true;
    case LEAT_TYPE_BOOL:
    case LEAT_TYPE_INT:
    case LEAT_TYPE_TIME:
        return a.as.i == b.as.i;
    case LEAT_TYPE_DOUBLE:
        return a.as.d == b.as.d || (isnan(a.as.d) && isnan(b.as.d));
    case LEAT_TYPE_STRING:
        return leat_bytes_equal(leat_value_bytes(a), leat_value_bytes(b));
    }
    return false;
}

static void put_word(struct leat_buffer *out, uint64_t word, size_t bytes)
{
    char data[8];
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)(word >> (8 * i));
    leat_buffer_append(out, data, bytes);
}

/* Doubles that are equal have one pattern: no negative zero, one NaN. */
static uint64_t double_pattern(double number)
{
    if (number == 0.0)
        return 0;
    if (isnan(number))
        return UINT64_C(0x7FF8000000000000);
    uint64_t pattern;
    memcpy(&pattern, &number, sizeof pattern);
    return pattern;
}

bool leat_key_encode(struct leat_buffer *out, const enum leat_type *types, const struct leat_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].null)
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_char(out, (char)types[i]);
        if (types[i] == LEAT_TYPE_STRING) {
            /* Alone it ends where the key ends; among others its length keeps tuples apart. */
            if (count > 1)
                put_word(out, values[i].len, 4);
            leat_buffer_append(out, values[i].as.s, values[i].len);
            continue;
        }
        put_word(out, types[i] == LEAT_TYPE_DOUBLE ? double_pattern(values[i].as.d) : (uint64_t)values[i].as.i, 8);
    }
    return !out->failed;
}
