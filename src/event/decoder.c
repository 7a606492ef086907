#include "event/decoder.h"

#include "base/json.h"
#include "base/time.h"

#include <math.h>

#define SHOWN_MAX ((size_t)48)

int leat_slot_refuse(const struct leat_slot *slot, struct leat_bytes met, const char *why, struct leat_reason *reason)
{
    struct leat_bytes shown = met;
    if (met.len > SHOWN_MAX)
        shown.len = leat_utf8_prefix((struct leat_bytes){met.data, SHOWN_MAX});
    struct leat_bytes path = slot->path;
    if (path.len > SHOWN_MAX)
        path.len = leat_utf8_prefix((struct leat_bytes){path.data, SHOWN_MAX});
    return leat_reason_set(reason, LEAT_STAGE_SCHEMA, "field '%.*s' is declared as %s; met %.*s%s%s",
                           LEAT_BYTES_FORMAT(path), leat_field_type_name(slot->type, slot->encoding),
                           LEAT_BYTES_FORMAT(shown), met.len > SHOWN_MAX ? "…" : "", why);
}

/* A decimal number taken apart: digits with the point after the first `whole` of them (may lie outside). */
struct decimal {
    struct leat_bytes mantissa; /* digits and at most one point */
    int64_t whole;
    bool negative;
};

static struct decimal decimal_of(struct leat_bytes text)
{
    struct decimal decimal = {0};
    size_t at = 0;
    if (at < text.len && (text.data[at] == '-' || text.data[at] == '+'))
        decimal.negative = text.data[at++] == '-';
    size_t start = at;
    bool after_point = false;
    for (; at < text.len && text.data[at] != 'e' && text.data[at] != 'E'; at++) {
        after_point = after_point || text.data[at] == '.';
        decimal.whole += after_point ? 0 : 1;
    }
    decimal.mantissa = (struct leat_bytes){.data = text.data + start, .len = at - start};
    if (at == text.len)
        return decimal;

    at++;
    bool down = at < text.len && text.data[at] == '-';
    if (at < text.len && (text.data[at] == '-' || text.data[at] == '+'))
        at++;
    int64_t exponent = 0;
    for (; at < text.len && exponent < INT32_MAX; at++)
        exponent = exponent * 10 + (text.data[at] - '0');
    decimal.whole += down ? -exponent : exponent;
    return decimal;
}

enum outcome { FITS, HAS_FRACTION, BEYOND };

/* The whole part of the number times 10^scale, exactly; what is behind it is cut off, or refused. */
static enum outcome scaled(struct leat_bytes text, int64_t scale, bool cut, int64_t *ret)
{
    struct decimal decimal = decimal_of(text);
    int64_t left = decimal.whole + scale; /* digits that belong to the result */
    int64_t number = 0;                   /* negative, whose range is larger by one */
    for (size_t i = 0; i < decimal.mantissa.len; i++) {
        char c = decimal.mantissa.data[i];
        if (c == '.')
            continue;
        if (left <= 0 && c != '0' && !cut)
            return HAS_FRACTION;
        if (left-- <= 0)
            continue;
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_sub_overflow(number, c - '0', &number))
            return BEYOND;
    }
    for (; left > 0 && number != 0; left--) {
        if (__builtin_mul_overflow(number, 10, &number))
            return BEYOND;
    }
    if (!decimal.negative && __builtin_sub_overflow(0, number, &number))
        return BEYOND;
    *ret = number;
    return FITS;
}

static int from_integer(const struct leat_slot *slot, struct leat_bytes text, int64_t scale, bool cut, int64_t *ret,
                        struct leat_reason *reason)
{
    switch (scaled(text, scale, cut, ret)) {
    case FITS:
        return 0;
    case HAS_FRACTION:
        return leat_slot_refuse(slot, text, ", which is not a whole number", reason);
    case BEYOND:
        return leat_slot_refuse(slot, text, ", which is beyond 64 bits", reason);
    }
    return -1;
}

static int from_time(const struct leat_slot *slot, struct leat_bytes text, struct leat_value *ret,
                     struct leat_reason *reason)
{
    int64_t scale = slot->encoding == LEAT_ENCODING_TIME_US ? 0 : slot->encoding == LEAT_ENCODING_TIME_S ? 6 : 3;
    bool seconds = slot->encoding == LEAT_ENCODING_TIME_S;
    int64_t us, whole;
    /* Milliseconds are a count: a fraction of one is refused before the scale hides it. */
    if (!seconds && from_integer(slot, text, 0, false, &whole, reason) < 0)
        return -1;
    if (from_integer(slot, text, scale, seconds, &us, reason) < 0)
        return -1;
    if (us < LEAT_TIME_MIN || us > LEAT_TIME_MAX)
        return leat_slot_refuse(slot, text, ", which is outside the years 1 to 9999", reason);
    *ret = leat_value_int(us);
    return 0;
}

int leat_slot_number(const struct leat_slot *slot, struct leat_bytes text, struct leat_value *ret,
                     struct leat_reason *reason)
{
    switch (slot->type) {
    case LEAT_TYPE_INT: {
        int64_t integer;
        if (from_integer(slot, text, 0, false, &integer, reason) < 0)
            return -1;
        *ret = leat_value_int(integer);
        return 0;
    }
    case LEAT_TYPE_DOUBLE: {
        double number;
        if (leat_double_parse(text, &number) < 0)
            return leat_slot_refuse(slot, text, ", which is beyond a double", reason);
        *ret = leat_value_double(number);
        return 0;
    }
    case LEAT_TYPE_TIME:
        if (slot->encoding != LEAT_ENCODING_TIME_TEXT)
            return from_time(slot, text, ret, reason);
        break;
    case LEAT_TYPE_NULL:
    case LEAT_TYPE_BOOL:
    case LEAT_TYPE_STRING:
        break;
    }
    return leat_slot_refuse(slot, text, "", reason);
}

int leat_slot_time_text(const struct leat_slot *slot, struct leat_bytes text, struct leat_bytes met,
                        struct leat_value *ret, struct leat_reason *reason)
{
    int64_t us;
    if (leat_time_parse(text, &us) < 0)
        return leat_slot_refuse(slot, met, ", which is not a time as RFC 3339 writes it", reason);
    *ret = leat_value_int(us);
    return 0;
}
