/* The scalar functions: what each does, and one table that says so to typing, to evaluation and to the reader. */
#include "expr/functions.h"

#include "expr/scan.h"

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EARTH_RADIUS_KM 6371.0088 /* the mean radius, IUGG */
#define PI 3.14159265358979323846

#define ARGUMENTS const struct leat_value *const *a, size_t count, struct leat_arena *text, struct leat_value *ret
#define UNUSED_HERE (void)count, (void)text

/* ---- numbers ---- */

static enum leat_expr_fault abs_int(ARGUMENTS)
{
    UNUSED_HERE;
    int64_t i = a[0]->as.i;
    if (i == INT64_MIN)
        return LEAT_FAULT_OVERFLOW;
    *ret = leat_value_int(i < 0 ? -i : i);
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault same(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = *a[0];
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault sign_int(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_int((a[0]->as.i > 0) - (a[0]->as.i < 0));
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault sign_double(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_int((a[0]->as.d > 0) - (a[0]->as.d < 0));
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault mod_int(ARGUMENTS)
{
    UNUSED_HERE;
    int64_t x = a[0]->as.i, y = a[1]->as.i;
    if (y == 0)
        *ret = leat_value_null();
    else
        *ret = leat_value_int(y == -1 ? 0 : x % y);
    return LEAT_FAULT_NONE;
}

/* Halves go away from zero, as SQL has it. Between -22 and 22 the power of ten is exact; beyond: null. */
static enum leat_expr_fault round_digits(ARGUMENTS)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double x = a[0]->as.d, scaled;
    int64_t digits = a[1]->as.i;

    UNUSED_HERE;
    if (digits < -22 || digits > 22) {
        *ret = leat_value_null();
        return LEAT_FAULT_NONE;
    }
    if (digits < 0) {
        *ret = leat_value_double(round(x / powers[-digits]) * powers[-digits]);
        return LEAT_FAULT_NONE;
    }
    scaled = x * powers[digits];
    /* From 2^52 on a double has no digits behind the point. */
    *ret = leat_value_double(fabs(scaled) < 0x1p52 ? round(scaled) / powers[digits] : x);
    return LEAT_FAULT_NONE;
}

static double radians(double degrees)
{
    return degrees * (PI / 180);
}

static double degrees(double angle)
{
    return angle * (180 / PI);
}

static enum leat_expr_fault haversine(ARGUMENTS)
{
    double lat1 = radians(a[0]->as.d), lat2 = radians(a[2]->as.d);
    double across = sin((lat2 - lat1) / 2), along = sin((radians(a[3]->as.d) - radians(a[1]->as.d)) / 2);
    double h = across * across + cos(lat1) * cos(lat2) * along * along;

    UNUSED_HERE;
    *ret = leat_value_double(2 * EARTH_RADIUS_KM * asin(h < 1 ? sqrt(h) : 1));
    return LEAT_FAULT_NONE;
}

/* ---- text ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The byte at which character `n` (from 0) starts, from byte `at` on; the end when there are fewer. */
static size_t skip_characters(struct leat_bytes s, size_t at, int64_t n)
{
    while (n > 0 && at < s.len) {
        at++;
        while (at < s.len && is_continuation(s.data[at]))
            at++;
        n--;
    }
    return at;
}

static struct leat_bytes trimmed(struct leat_bytes s, bool left, bool right)
{
    while (left && s.len > 0 && is_space(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (right && s.len > 0 && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

static const char *find(struct leat_bytes s, struct leat_bytes part)
{
    if (part.len == 0)
        return s.data ? s.data : "";
    if (s.len < part.len)
        return NULL;
    return memmem(s.data, s.len, part.data, part.len);
}

static enum leat_expr_fault length(ARGUMENTS)
{
    struct leat_bytes s = leat_value_bytes(*a[0]);
    int64_t characters = 0;

    UNUSED_HERE;
    for (size_t i = 0; i < s.len; i++)
        characters += !is_continuation(s.data[i]);
    *ret = leat_value_int(characters);
    return LEAT_FAULT_NONE;
}

static void mapped(struct leat_bytes s, char from, char to, struct leat_arena *text, struct leat_value *ret)
{
    char *copy = leat_arena_alloc(text, s.len);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        copy[i] = c >= from && c <= to ? (char)(c ^ 0x20) : c;
    }
    *ret = leat_value_string((struct leat_bytes){copy, s.len});
}

static enum leat_expr_fault lower(ARGUMENTS)
{
    UNUSED_HERE;
    mapped(leat_value_bytes(*a[0]), 'A', 'Z', text, ret);
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault upper(ARGUMENTS)
{
    UNUSED_HERE;
    mapped(leat_value_bytes(*a[0]), 'a', 'z', text, ret);
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault trim(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_string(trimmed(leat_value_bytes(*a[0]), true, true));
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault ltrim(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_string(trimmed(leat_value_bytes(*a[0]), true, false));
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault rtrim(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_string(trimmed(leat_value_bytes(*a[0]), false, true));
    return LEAT_FAULT_NONE;
}

/* Characters from `start` (the first is 1) on, `len` of them. As in SQL a start before 1 counts positions that are not
 * there: substr('abc', 0, 2) is 'a'. */
static enum leat_expr_fault substr(ARGUMENTS)
{
    struct leat_bytes s = leat_value_bytes(*a[0]);
    int64_t start = a[1]->as.i, end = INT64_MAX; /* end: the first position that is left out */
    size_t from, to;

    UNUSED_HERE;
    if (count == 3 && __builtin_add_overflow(start, a[2]->as.i, &end))
        end = a[2]->as.i > 0 ? INT64_MAX : INT64_MIN;
    if (start < 1)
        start = 1;
    if (end <= start) {
        *ret = leat_value_string((struct leat_bytes){"", 0});
        return LEAT_FAULT_NONE;
    }
    from = skip_characters(s, 0, start - 1);
    to = end == INT64_MAX ? s.len : skip_characters(s, from, end - start);
    *ret = leat_value_string((struct leat_bytes){s.len ? s.data + from : "", to - from});
    return LEAT_FAULT_NONE;
}

static size_t occurrences(struct leat_bytes s, struct leat_bytes part)
{
    size_t found = 0;
    const char *hit;
    while ((hit = find(s, part)) != NULL) {
        s.len -= (size_t)(hit - s.data) + part.len;
        s.data = hit + part.len;
        found++;
    }
    return found;
}

static enum leat_expr_fault replace(ARGUMENTS)
{
    struct leat_bytes s = leat_value_bytes(*a[0]), part = leat_value_bytes(*a[1]), by = leat_value_bytes(*a[2]);
    size_t found = part.len ? occurrences(s, part) : 0, len;
    const char *hit;
    char *copy, *at;

    UNUSED_HERE;
    if (found == 0) {
        *ret = *a[0];
        return LEAT_FAULT_NONE;
    }
    len = s.len - found * part.len + found * by.len; /* below 2^48: lengths are 32 bits, found at most s.len */
    if (len > LEAT_EXPR_STRING_MAX)
        return LEAT_FAULT_LONG;
    at = copy = leat_arena_alloc(text, len);
    while ((hit = find(s, part)) != NULL) {
        size_t before = (size_t)(hit - s.data);
        memcpy(at, s.data, before);
        if (by.len)
            memcpy(at + before, by.data, by.len);
        at += before + by.len;
        s.len -= before + part.len;
        s.data = hit + part.len;
    }
    memcpy(at, s.data, s.len);
    *ret = leat_value_string((struct leat_bytes){copy, len});
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault starts_with(ARGUMENTS)
{
    struct leat_bytes s = leat_value_bytes(*a[0]), part = leat_value_bytes(*a[1]);

    UNUSED_HERE;
    *ret = leat_value_int(part.len == 0 || (part.len <= s.len && memcmp(s.data, part.data, part.len) == 0));
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault ends_with(ARGUMENTS)
{
    struct leat_bytes s = leat_value_bytes(*a[0]), part = leat_value_bytes(*a[1]);

    UNUSED_HERE;
    *ret = leat_value_int(part.len == 0 ||
                          (part.len <= s.len && memcmp(s.data + s.len - part.len, part.data, part.len) == 0));
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault contains(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_int(find(leat_value_bytes(*a[0]), leat_value_bytes(*a[1])) != NULL);
    return LEAT_FAULT_NONE;
}

/* The n-th part between separators, from 1; '' beyond the last; null for n < 1. */
static enum leat_expr_fault split_part(ARGUMENTS)
{
    struct leat_bytes s = leat_value_bytes(*a[0]), separator = leat_value_bytes(*a[1]);
    int64_t n = a[2]->as.i;
    const char *hit;

    UNUSED_HERE;
    if (n < 1) {
        *ret = leat_value_null();
        return LEAT_FAULT_NONE;
    }
    for (;;) {
        hit = separator.len ? find(s, separator) : NULL;
        if (n == 1 || !hit)
            break;
        s.len -= (size_t)(hit - s.data) + separator.len;
        s.data = hit + separator.len;
        n--;
    }
    if (n > 1)
        s.len = 0;
    else if (hit)
        s.len = (size_t)(hit - s.data);
    *ret = leat_value_string(s);
    return LEAT_FAULT_NONE;
}

/* ---- time ---- */

static int64_t within(int64_t time, int64_t unit) /* what is behind the last whole unit */
{
    int64_t rest = time % unit;
    return rest < 0 ? rest + unit : rest;
}

static int64_t whole(int64_t time, int64_t unit)
{
    return time - within(time, unit);
}

#define TIME_PART(name, expression)             \
    static enum leat_expr_fault name(ARGUMENTS) \
    {                                           \
        int64_t t = a[0]->as.i;                 \
        UNUSED_HERE;                            \
        *ret = leat_value_int(expression);      \
        return LEAT_FAULT_NONE;                 \
    }
TIME_PART(year, leat_time_calendar(t).year)
TIME_PART(month, leat_time_calendar(t).month)
TIME_PART(day, leat_time_calendar(t).day)
TIME_PART(hour, within(t, LEAT_DAY) / LEAT_HOUR)
TIME_PART(minute, within(t, LEAT_HOUR) / LEAT_MINUTE)
TIME_PART(second, within(t, LEAT_MINUTE) / LEAT_SECOND)
TIME_PART(millisecond, within(t, LEAT_SECOND) / LEAT_MILLISECOND)
TIME_PART(day_of_week, leat_time_calendar(t).weekday)
TIME_PART(day_of_year, leat_time_calendar(t).yearday)
TIME_PART(minute_of_day, within(t, LEAT_DAY) / LEAT_MINUTE)

static enum leat_expr_fault epoch(ARGUMENTS)
{
    UNUSED_HERE;
    *ret = leat_value_double((double)a[0]->as.i / 1e6);
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault seconds_between(ARGUMENTS)
{
    int64_t difference;

    UNUSED_HERE;
    if (__builtin_sub_overflow(a[1]->as.i, a[0]->as.i, &difference))
        return LEAT_FAULT_OVERFLOW;
    *ret = leat_value_double((double)difference / 1e6);
    return LEAT_FAULT_NONE;
}

bool leat_expr_trunc_unit(struct leat_bytes name)
{
    static const char *const units[] = {"second", "minute", "hour", "day", "week", "month", "quarter", "year"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (leat_bytes_is(name, units[i]))
            return true;
    }
    return false;
}

/* The unit is a literal that typing has checked. */
static enum leat_expr_fault date_trunc(ARGUMENTS)
{
    struct leat_bytes unit = leat_value_bytes(*a[0]);
    int64_t t = a[1]->as.i;
    struct leat_calendar date;

    UNUSED_HERE;
    if (leat_bytes_is(unit, "second")) {
        t = whole(t, LEAT_SECOND);
    } else if (leat_bytes_is(unit, "minute")) {
        t = whole(t, LEAT_MINUTE);
    } else if (leat_bytes_is(unit, "hour")) {
        t = whole(t, LEAT_HOUR);
    } else if (leat_bytes_is(unit, "day")) {
        t = whole(t, LEAT_DAY);
    } else {
        date = leat_time_calendar(t);
        if (leat_bytes_is(unit, "week"))
            t = whole(t, LEAT_DAY) - date.weekday * LEAT_DAY;
        else if (leat_bytes_is(unit, "month"))
            t = leat_time_of_date(date.year, date.month, 1);
        else if (leat_bytes_is(unit, "quarter"))
            t = leat_time_of_date(date.year, (date.month - 1) / 3 * 3 + 1, 1);
        else
            t = leat_time_of_date(date.year, 1, 1);
    }
    *ret = leat_value_int(t);
    return LEAT_FAULT_NONE;
}

/* ---- hash ---- */

/* leat_hash of the canonical key bytes. The buffer has room from the start, so that nothing is allocated but the copy
 * of a text in the arena. */
static void hash_of(enum leat_type type, ARGUMENTS)
{
    int64_t buckets = a[1]->as.i;
    char room[128];
    struct leat_buffer key = {.data = room, .capacity = sizeof room - 1};

    UNUSED_HERE;
    if (buckets <= 0) {
        *ret = leat_value_null();
        return;
    }
    if (type == LEAT_TYPE_STRING && a[0]->len > sizeof room / 4) {
        key.capacity = 2 * (size_t)a[0]->len + 64;
        key.data = leat_arena_alloc(text, key.capacity + 1);
    }
    leat_assert(leat_key_encode(&key, &type, a[0], 1) && !key.failed);
    *ret = leat_value_int((int64_t)(leat_hash(key.data, key.len) % (uint64_t)buckets));
}

#define HASH(name, type)                        \
    static enum leat_expr_fault name(ARGUMENTS) \
    {                                           \
        hash_of(type, a, count, text, ret);     \
        return LEAT_FAULT_NONE;                 \
    }
HASH(hash_bool, LEAT_TYPE_BOOL)
HASH(hash_int, LEAT_TYPE_INT)
HASH(hash_double, LEAT_TYPE_DOUBLE)
HASH(hash_string, LEAT_TYPE_STRING)
HASH(hash_time, LEAT_TYPE_TIME)

/* ---- the table ---- */

#define SIGNATURES(...)                  \
    (const struct leat_expr_signature[]) \
    {                                    \
        __VA_ARGS__,                     \
        {                                \
            .types = NULL                \
        }                                \
    }
#define NUMBER(function_) SIGNATURES({.types = "d>d", .number = function_})

static const struct leat_expr_function_help functions[] = {
    /* clang-format off */
    {"abs", "x", "int or double", "x without its sign", "abs(-2.5) = 2.5", 0,
     SIGNATURES({"i>i", .call = abs_int, .may_fail = true}, {"d>d", .number = fabs})},
    {"ceil", "x", "int or double", "the least whole number that is not below x", "ceil(2.1) = 3", 0,
     SIGNATURES({"i>i", .call = same}, {"d>d", .number = ceil})},
    {"floor", "x", "int or double", "the greatest whole number that is not above x", "floor(-2.1) = -3", 0,
     SIGNATURES({"i>i", .call = same}, {"d>d", .number = floor})},
    {"round", "x [, digits]", "int or double", "x to the nearest whole number, or to -22 to 22 digits; halves go away from zero", "round(2.345, 2) = 2.35", 0,
     SIGNATURES({"i>i", .call = same}, {"d>d", .number = round}, {"di>d", .call = round_digits})},
    {"trunc", "x", "int or double", "x without what is behind the point", "trunc(-2.9) = -2", 0,
     SIGNATURES({"i>i", .call = same}, {"d>d", .number = trunc})},
    {"sign", "x", "int", "-1, 0 or 1", "sign(-2.5) = -1", 0,
     SIGNATURES({"i>i", .call = sign_int}, {"d>i", .call = sign_double})},
    {"mod", "x, y", "int or double", "the rest of x / y, with the sign of x; null when y is 0", "mod(7.5, 2) = 1.5", 0,
     SIGNATURES({"ii>i", .call = mod_int}, {"dd>d", .numbers = fmod})},
    {"sqrt", "x", "double", "the square root; null below 0", "sqrt(9) = 3", 0, NUMBER(sqrt)},
    {"exp", "x", "double", "e to the power of x; null when it is too large", "exp(0) = 1", 0, NUMBER(exp)},
    {"ln", "x", "double", "the natural logarithm; null at 0 and below", "ln(1) = 0", 0, NUMBER(log)},
    {"log10", "x", "double", "the logarithm to base 10; null at 0 and below", "log10(1000) = 3", 0, NUMBER(log10)},
    {"log2", "x", "double", "the logarithm to base 2; null at 0 and below", "log2(8) = 3", 0, NUMBER(log2)},
    {"power", "x, y", "double", "x to the power of y; null where it is not a number", "power(2, 10) = 1024", 0,
     SIGNATURES({"dd>d", .numbers = pow})},
    {"sin", "x", "double", "the sine of an angle in radians", "sin(0) = 0", 0, NUMBER(sin)},
    {"cos", "x", "double", "the cosine of an angle in radians", "cos(0) = 1", 0, NUMBER(cos)},
    {"tan", "x", "double", "the tangent of an angle in radians", "tan(0) = 0", 0, NUMBER(tan)},
    {"atan2", "y, x", "double", "the angle in radians of the point (x, y)", "atan2(0, 1) = 0", 0,
     SIGNATURES({"dd>d", .numbers = atan2})},
    {"radians", "x", "double", "degrees to radians", "radians(0) = 0", 0, NUMBER(radians)},
    {"degrees", "x", "double", "radians to degrees", "degrees(0) = 0", 0, NUMBER(degrees)},
    {"haversine", "lat1, lon1, lat2, lon2", "double", "the distance in km over a sphere of 6371.0088 km between two places in degrees", "round(haversine(40.64, -73.78, 33.94, -118.41)) = 3974", 0,
     SIGNATURES({"dddd>d", .call = haversine})},
    {"hash", "x, n", "int", "a stable number from 0 to n - 1: XXH3 (64 bits) of the value's canonical key bytes, modulo n; null when n is below 1", "hash('a', 1) = 0", 0,
     SIGNATURES({"bi>i", .call = hash_bool}, {"ii>i", .call = hash_int}, {"di>i", .call = hash_double},
                {"si>i", .call = hash_string}, {"ti>i", .call = hash_time})},

    {"length", "s", "int", "the number of characters", "length('Zürich') = 6", 0, SIGNATURES({"s>i", .call = length})},
    {"lower", "s", "string", "the letters A to Z as a to z; others stay", "lower('JFK') = 'jfk'", 0, SIGNATURES({"s>s", .call = lower})},
    {"upper", "s", "string", "the letters a to z as A to Z; others stay", "upper('jfk') = 'JFK'", 0, SIGNATURES({"s>s", .call = upper})},
    {"trim", "s", "string", "s without white space at both ends", "trim(' a ') = 'a'", 0, SIGNATURES({"s>s", .call = trim})},
    {"ltrim", "s", "string", "s without white space at its start", "ltrim(' a ') = 'a '", 0, SIGNATURES({"s>s", .call = ltrim})},
    {"rtrim", "s", "string", "s without white space at its end", "rtrim(' a ') = ' a'", 0, SIGNATURES({"s>s", .call = rtrim})},
    {"substr", "s, start [, length]", "string", "the characters from start (the first is 1) on", "substr('stream', 3, 2) = 're'", 0,
     SIGNATURES({"si>s", .call = substr}, {"sii>s", .call = substr})},
    {"replace", "s, from, to", "string", "s with every `from` replaced by `to`", "replace('a-b', '-', '+') = 'a+b'", 0,
     SIGNATURES({"sss>s", .call = replace, .may_fail = true})},
    {"starts_with", "s, part", "bool", "does s start with part?", "starts_with('stream', 'str')", 0, SIGNATURES({"ss>b", .call = starts_with})},
    {"ends_with", "s, part", "bool", "does s end with part?", "ends_with('stream', 'eam')", 0, SIGNATURES({"ss>b", .call = ends_with})},
    {"contains", "s, part", "bool", "is part somewhere in s?", "contains('stream', 'tre')", 0, SIGNATURES({"ss>b", .call = contains})},
    {"split_part", "s, separator, n", "string", "the n-th part of s (the first is 1); '' beyond the last, null when n is below 1", "split_part('a/b/c', '/', 2) = 'b'", 0,
     SIGNATURES({"ssi>s", .call = split_part})},

    {"year", "t", "int", "the year, UTC", "year(timestamp '2013-07-08') = 2013", 0, SIGNATURES({"t>i", .call = year})},
    {"month", "t", "int", "the month, 1 to 12, UTC", "month(timestamp '2013-07-08') = 7", 0, SIGNATURES({"t>i", .call = month})},
    {"day", "t", "int", "the day of the month, 1 to 31, UTC", "day(timestamp '2013-07-08') = 8", 0, SIGNATURES({"t>i", .call = day})},
    {"hour", "t", "int", "the hour, 0 to 23, UTC", "hour(timestamp '2013-07-08T12:30:00Z') = 12", 0, SIGNATURES({"t>i", .call = hour})},
    {"minute", "t", "int", "the minute of the hour", "minute(timestamp '2013-07-08T12:30:00Z') = 30", 0, SIGNATURES({"t>i", .call = minute})},
    {"second", "t", "int", "the second of the minute", "second(timestamp '2013-07-08T12:30:05Z') = 5", 0, SIGNATURES({"t>i", .call = second})},
    {"millisecond", "t", "int", "the millisecond of the second, 0 to 999", "millisecond(timestamp '2013-07-08T12:30:05.25Z') = 250", 0, SIGNATURES({"t>i", .call = millisecond})},
    {"day_of_week", "t", "int", "0 (Monday) to 6 (Sunday), UTC", "day_of_week(timestamp '2013-07-08') = 0", 0, SIGNATURES({"t>i", .call = day_of_week})},
    {"day_of_year", "t", "int", "1 to 366, UTC", "day_of_year(timestamp '2013-02-01') = 32", 0, SIGNATURES({"t>i", .call = day_of_year})},
    {"minute_of_day", "t", "int", "minutes since midnight, UTC", "minute_of_day(timestamp '2013-07-08T12:30:00Z') = 750", 0, SIGNATURES({"t>i", .call = minute_of_day})},
    {"epoch", "t", "double", "seconds since 1970-01-01T00:00:00Z", "epoch(timestamp '1970-01-02') = 86400", 0, SIGNATURES({"t>d", .call = epoch})},
    {"extract", "part from t", "int or double", "the same as part(t), for the functions above", "extract(hour from timestamp '2013-07-08T12:30:00Z') = 12", LEAT_FORM_SYNTAX, NULL},
    {"date_trunc", "unit, t", "time", "the start of the " LEAT_EXPR_TRUNC_UNITS " (in quotes) in which t lies, UTC; weeks start on Monday", "date_trunc('hour', timestamp '2013-07-08T12:30:00Z') = timestamp '2013-07-08T12:00:00Z'", 0,
     SIGNATURES({"st>t", .call = date_trunc})},
    {"seconds_between", "a, b", "double", "b - a in seconds", "seconds_between(timestamp '2013-07-08', timestamp '2013-07-09') = 86400", 0,
     SIGNATURES({"tt>d", .call = seconds_between, .may_fail = true})},

    {"coalesce", "a, b, …", "that of its values", "the first value that is not null", "coalesce(null, 2) = 2", LEAT_FORM_COALESCE, NULL},
    {"nullif", "a, b", "that of a", "null when a = b, else a", "nullif(3, 4) = 3", LEAT_FORM_NULLIF, NULL},
    {"least", "a, b, …", "that of its values", "the least of the values that are not null", "least(3, null, 2) = 2", LEAT_FORM_LEAST, NULL},
    {"greatest", "a, b, …", "that of its values", "the greatest of the values that are not null", "greatest(3, null, 2) = 3", LEAT_FORM_GREATEST, NULL},
    {"cast", "x as type", "the type", "x as int, double, string, bool or timestamp; a value that can not be converted is an error of the event", "cast('12' as int) = 12", LEAT_FORM_SYNTAX, NULL},
    {"try_cast", "x as type", "the type", "as cast, but null where cast fails", "try_cast('abc' as int) is null", LEAT_FORM_SYNTAX, NULL},
    /* clang-format on */
};
#define FUNCTION_COUNT (sizeof functions / sizeof *functions)

/* In the order of enum leat_aggregate_kind. */
static const struct leat_expr_function_help aggregates[LEAT_AGGREGATE_KINDS] = {
    /* clang-format off */
    {"count", "*, stream.* or x", "int", "how many events, or how many with x that is not null; never null", "count(*) over (partition by card_id range 1h preceding)", LEAT_FORM_SYNTAX, NULL},
    {"sum", "x", "int or double", "the sum of int, double or bool (how many are true); null when there is no value", "sum(amount) over (partition by card_id range 24h preceding)", LEAT_FORM_SYNTAX, NULL},
    {"avg", "x", "double", "the mean; of a bool the share that is true; null when there is no value", "avg(arrivals.arr_delay >= 15) over (partition by origin range 1h preceding)", LEAT_FORM_SYNTAX, NULL},
    {"min", "x", "that of x", "the least int, double or time; null when there is no value", "min(amount) over (partition by card_id range 30d preceding)", LEAT_FORM_SYNTAX, NULL},
    {"max", "x", "that of x", "the greatest int, double or time; null when there is no value", "max(ts) over (partition by card_id range 30d preceding)", LEAT_FORM_SYNTAX, NULL},
    {"stddev", "x", "double", "the standard deviation of the sample; null below two values", "stddev(amount) over (partition by card_id range 30d preceding)", LEAT_FORM_SYNTAX, NULL},
    {"var", "x", "double", "the variance of the sample; null below two values", "var(amount) over (partition by card_id range 30d preceding)", LEAT_FORM_SYNTAX, NULL},
    {"first", "x", "that of x", "the value of the earliest event, null or not", "first(country) over (partition by card_id range 30d preceding)", LEAT_FORM_SYNTAX, NULL},
    {"last", "x", "that of x", "the value of the latest event, null or not", "last(arrivals.arr_delay) over (partition by tail range 48h preceding)", LEAT_FORM_SYNTAX, NULL},
    {"lag", "x", "that of x", "the value of the latest event before the newest of the window", "seconds_between(lag(ts) over (partition by card_id), ts)", LEAT_FORM_SYNTAX, NULL},
    /* clang-format on */
};

const struct leat_expr_function_help *leat_expr_functions(size_t *ret_count)
{
    *ret_count = FUNCTION_COUNT;
    return functions;
}

const struct leat_expr_function_help *leat_expr_aggregates(size_t *ret_count)
{
    *ret_count = LEAT_AGGREGATE_KINDS;
    return aggregates;
}

const char *leat_aggregate_name(enum leat_aggregate_kind kind)
{
    leat_assert((size_t)kind < LEAT_AGGREGATE_KINDS);
    return aggregates[kind].name;
}

int leat_aggregate_find(struct leat_bytes name)
{
    for (int i = 0; i < LEAT_AGGREGATE_KINDS; i++) {
        if (leat_expr_word_equal(name, aggregates[i].name))
            return i;
    }
    return -1;
}

const struct leat_expr_function_help *leat_expr_function_find(struct leat_bytes name)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        if (leat_expr_word_equal(name, functions[i].name))
            return &functions[i];
    }
    return NULL;
}

const char *const *leat_expr_function_names(struct leat_arena *arena, size_t *ret_count)
{
    const char **names = leat_arena_zalloc(arena, FUNCTION_COUNT + LEAT_AGGREGATE_KINDS, sizeof *names);
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        names[i] = functions[i].name;
    for (size_t i = 0; i < LEAT_AGGREGATE_KINDS; i++)
        names[FUNCTION_COUNT + i] = aggregates[i].name;
    *ret_count = FUNCTION_COUNT + LEAT_AGGREGATE_KINDS;
    return names;
}

const char *leat_expr_function_other_name(struct leat_bytes name)
{
    static const struct {
        const char *name, *hint;
    } others[] = {
        {"len", "write length(s)"},
        {"char_length", "write length(s)"},
        {"strlen", "write length(s)"},
        {"pow", "write power(x, y)"},
        {"log", "write ln(x), log10(x) or log2(x)"},
        {"ceiling", "write ceil(x)"},
        {"truncate", "write trunc(x)"},
        {"substring", "write substr(s, start, length)"},
        {"ifnull", "write coalesce(x, y)"},
        {"nvl", "write coalesce(x, y)"},
        {"if", "write case when … then … else … end"},
        {"iif", "write case when … then … else … end"},
        {"isnull", "write x is null"},
        {"concat", "write a || b"},
        {"mean", "write avg(x) over …"},
        {"average", "write avg(x) over …"},
        {"std", "write stddev(x) over …"},
        {"stdev", "write stddev(x) over …"},
        {"variance", "write var(x) over …"},
        {"first_value", "write first(x) over …"},
        {"last_value", "write last(x) over …"},
        {"lead", "no event that comes later can be seen"},
        {"now", "the time is that of the event: use its event time column"},
        {"current_timestamp", "the time is that of the event: use its event time column"},
        {"random", "the same event must give the same result; hash(x, n) is stable"},
        {"rand", "the same event must give the same result; hash(x, n) is stable"},
        {"count_distinct", "it comes later"},
        {"median", "it is not there yet; avg, min and max are"},
        {"datediff", "write seconds_between(a, b)"},
        {"date_diff", "write seconds_between(a, b)"},
        {"dayofweek", "write day_of_week(t), where 0 is Monday"},
        {"dayofyear", "write day_of_year(t)"},
        {"date_part", "write extract(hour from t), or hour(t)"},
        {"timestamp", "a time is written timestamp '2013-07-08T12:00:00Z'"},
        {"interval", "a duration is written interval '1h'"},
        {"position", "write contains(s, part)"},
        {"strpos", "write contains(s, part)"},
        {"min_of", "write least(a, b)"},
        {"max_of", "write greatest(a, b)"},
        {"int", "write cast(x as int)"},
        {"double", "write cast(x as double)"},
        {"float", "write cast(x as double)"},
        {"string", "write cast(x as string)"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (leat_expr_word_equal(name, others[i].name))
            return others[i].hint;
    }
    return NULL;
}

size_t leat_expr_signature_arguments(const struct leat_expr_signature *signature)
{
    return (size_t)(strchr(signature->types, '>') - signature->types);
}

enum leat_type leat_expr_signature_type(char letter)
{
    switch (letter) {
    case 'b':
        return LEAT_TYPE_BOOL;
    case 'i':
        return LEAT_TYPE_INT;
    case 'd':
        return LEAT_TYPE_DOUBLE;
    case 's':
        return LEAT_TYPE_STRING;
    default:
        return LEAT_TYPE_TIME;
    }
}

/* ---- casts, like, || ---- */

bool leat_expr_cast_exists(enum leat_type from, enum leat_type to)
{
    if (from == to || from == LEAT_TYPE_NULL || from == LEAT_TYPE_STRING || to == LEAT_TYPE_STRING)
        return true;
    if (from == LEAT_TYPE_TIME || to == LEAT_TYPE_TIME)
        return false;
    return !(from == LEAT_TYPE_DOUBLE && to == LEAT_TYPE_BOOL);
}

static enum leat_expr_fault cast_to_string(enum leat_type from, const struct leat_value *value, struct leat_arena *text,
                                           struct leat_value *ret)
{
    char room[32];
    size_t len = 0;

    switch (from) {
    case LEAT_TYPE_BOOL:
        *ret = leat_value_string(leat_bytes_of(value->as.i ? "true" : "false"));
        return LEAT_FAULT_NONE;
    case LEAT_TYPE_INT:
        len = (size_t)snprintf(room, sizeof room, "%lld", (long long)value->as.i);
        break;
    case LEAT_TYPE_DOUBLE:
        len = leat_double_format(value->as.d, room);
        break;
    case LEAT_TYPE_TIME:
        len = leat_time_format(value->as.i, room);
        break;
    default:
        break;
    }
    *ret = leat_value_string((struct leat_bytes){leat_arena_copy(text, room, len), len});
    return LEAT_FAULT_NONE;
}

static enum leat_expr_fault cast_from_string(enum leat_type to, struct leat_bytes s, struct leat_value *ret)
{
    int64_t integer;
    double number;

    s = trimmed(s, true, true);
    switch (to) {
    case LEAT_TYPE_BOOL:
        if (!leat_expr_word_equal(s, "true") && !leat_expr_word_equal(s, "false"))
            return LEAT_FAULT_CAST;
        *ret = leat_value_int(s.len == 4);
        return LEAT_FAULT_NONE;
    case LEAT_TYPE_INT:
        if (leat_int_parse(s, &integer))
            return LEAT_FAULT_CAST;
        *ret = leat_value_int(integer);
        return LEAT_FAULT_NONE;
    case LEAT_TYPE_DOUBLE:
        if (leat_double_parse(s, &number) || number - number != 0)
            return LEAT_FAULT_CAST;
        *ret = leat_value_double(number);
        return LEAT_FAULT_NONE;
    default:
        if (leat_time_parse(s, &integer))
            return LEAT_FAULT_CAST;
        *ret = leat_value_int(integer);
        return LEAT_FAULT_NONE;
    }
}

/* `value` is not null. DOUBLE to INT goes to the nearest, halves to the even one, as in PostgreSQL and DuckDB. */
enum leat_expr_fault leat_expr_cast(enum leat_type from, enum leat_type to, const struct leat_value *value,
                                    struct leat_arena *text, struct leat_value *ret)
{
    double nearest;

    if (from == to) {
        *ret = *value;
        return LEAT_FAULT_NONE;
    }
    if (to == LEAT_TYPE_STRING)
        return cast_to_string(from, value, text, ret);
    if (from == LEAT_TYPE_STRING)
        return cast_from_string(to, leat_value_bytes(*value), ret);
    if (to == LEAT_TYPE_DOUBLE) {
        *ret = leat_value_double((double)value->as.i);
        return LEAT_FAULT_NONE;
    }
    if (from == LEAT_TYPE_DOUBLE) {
        nearest = nearbyint(value->as.d);
        if (!(nearest >= -0x1p63 && nearest < 0x1p63))
            return LEAT_FAULT_CAST;
        *ret = leat_value_int((int64_t)nearest);
        return LEAT_FAULT_NONE;
    }
    *ret = leat_value_int(to == LEAT_TYPE_BOOL ? value->as.i != 0 : value->as.i);
    return LEAT_FAULT_NONE;
}

/* % is any text, _ any one character. On a mismatch the last % takes one character more. */
bool leat_expr_like(struct leat_bytes text, struct leat_bytes pattern)
{
    size_t t = 0, p = 0, retry_text = 0, retry_pattern = SIZE_MAX;

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '%') {
            retry_pattern = ++p;
            retry_text = t;
        } else if (p < pattern.len && pattern.data[p] == '_') {
            t = skip_characters(text, t, 1);
            p++;
        } else if (p < pattern.len && pattern.data[p] == text.data[t]) {
            t++;
            p++;
        } else if (retry_pattern != SIZE_MAX) {
            p = retry_pattern;
            t = retry_text = skip_characters(text, retry_text, 1);
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '%')
        p++;
    return p == pattern.len;
}

enum leat_expr_fault leat_expr_concat(struct leat_bytes a, struct leat_bytes b, struct leat_arena *text,
                                      struct leat_value *ret)
{
    char *copy;

    if (a.len + b.len > LEAT_EXPR_STRING_MAX)
        return LEAT_FAULT_LONG;
    copy = leat_arena_alloc(text, a.len + b.len);
    if (a.len)
        memcpy(copy, a.data, a.len);
    if (b.len)
        memcpy(copy + a.len, b.data, b.len);
    *ret = leat_value_string((struct leat_bytes){copy, a.len + b.len});
    return LEAT_FAULT_NONE;
}

/* ---- reasons ---- */

static const char *show(enum leat_type type, const struct leat_value *value, char room[64])
{
    size_t len = 40;

    switch (type) {
    case LEAT_TYPE_INT:
        snprintf(room, 64, "%lld", (long long)value->as.i);
        break;
    case LEAT_TYPE_DOUBLE:
        leat_double_format(value->as.d, room);
        break;
    case LEAT_TYPE_STRING:
        if (value->len <= len) {
            snprintf(room, 64, "'%.*s'", (int)value->len, value->as.s ? value->as.s : "");
            break;
        }
        while (len > 0 && is_continuation(value->as.s[len]))
            len--;
        snprintf(room, 64, "'%.*s…'", (int)len, value->as.s);
        break;
    default:
        snprintf(room, 64, "a value");
        break;
    }
    return room;
}

int leat_expr_fault_reason(enum leat_expr_fault fault, const char *text, enum leat_type from,
                           const struct leat_value *met, enum leat_type to, struct leat_reason *reason)
{
    char room[64];

    switch (fault) {
    case LEAT_FAULT_OVERFLOW:
        return leat_reason_set(reason, LEAT_STAGE_FEATURE, "integer overflow in '%s'", text);
    case LEAT_FAULT_CAST:
        return leat_reason_set(reason, LEAT_STAGE_FEATURE, "%s is not %s %s, in '%s'", show(from, met, room),
                               to == LEAT_TYPE_INT ? "an" : "a", leat_type_name(to), text);
    case LEAT_FAULT_TIME:
        return leat_reason_set(reason, LEAT_STAGE_FEATURE, "the time leaves the years 1 to 9999 in '%s'", text);
    case LEAT_FAULT_LONG:
        return leat_reason_set(reason, LEAT_STAGE_FEATURE, "the text is longer than %u MiB in '%s'",
                               LEAT_EXPR_STRING_MAX >> 20, text);
    case LEAT_FAULT_NONE:
        break;
    }
    leat_assert(fault != LEAT_FAULT_NONE);
    return -1;
}
