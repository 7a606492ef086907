#include "observe/fields.h"

#include "base/time.h"

#include <math.h>

int leat_field_put_time(struct leat_buffer *out, int64_t us)
{
    int64_t ms = us / LEAT_MILLISECOND;
    int rest = (int)(us % LEAT_MILLISECOND);
    if (rest == 0)
        return leat_json_put_int(out, ms);
    if (us < 0 && ms == 0)
        leat_buffer_append_char(out, '-');
    leat_json_put_int(out, ms);
    rest = rest < 0 ? -rest : rest;
    char fraction[4] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
    return leat_buffer_append(out, fraction, sizeof fraction);
}

int leat_field_wrong(const char *what, const char *name, const char *wanted, const struct leat_json *node,
                     struct leat_error *err)
{
    if (!node)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a %s without '%s'", what, name);
    return leat_error_set(err, LEAT_ERROR_FINDING, "a %s whose '%s' is not %s (%s)", what, name, wanted,
                          leat_json_type_name(node->type));
}

int leat_field_text(const char *what, const struct leat_json *record, const char *name, const char **ret,
                    struct leat_error *err)
{
    const struct leat_json *node = leat_json_get(record, name);
    const char *text = leat_json_text(node, NULL);
    if (!text)
        return leat_field_wrong(what, name, "a string", node, err);
    *ret = text;
    return 0;
}

int leat_field_integer(const char *what, const struct leat_json *record, const char *name, int64_t min, int64_t max,
                       int64_t *ret, struct leat_error *err)
{
    const struct leat_json *node = leat_json_get(record, name);
    int64_t number;
    if (!leat_json_integer(node, &number))
        return leat_field_wrong(what, name, "an integer", node, err);
    if (number < min || number > max)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a %s whose '%s' is %lld, which is not between %lld and %lld",
                              what, name, (long long)number, (long long)min, (long long)max);
    *ret = number;
    return 0;
}

int leat_field_time(const char *what, const struct leat_json *record, const char *name, int64_t *ret,
                    struct leat_error *err)
{
    const struct leat_json *node = leat_json_get(record, name);
    double ms;
    if (!leat_json_number(node, &ms))
        return leat_field_wrong(what, name, "a number of milliseconds", node, err);
    bool sane = ms >= -1e15 && ms <= 1e15;
    int64_t us = !sane ? 0 : node->type == LEAT_JSON_INT ? node->as.integer * LEAT_MILLISECOND : llround(ms * 1e3);
    if (!sane || us < LEAT_TIME_MIN || us > LEAT_TIME_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a %s whose '%s' is not between the years 1 and 9999", what,
                              name);
    *ret = us;
    return 0;
}

int leat_field_number(const char *what, const struct leat_json *record, const char *name, bool optional, double *ret,
                      struct leat_error *err)
{
    const struct leat_json *node = leat_json_get(record, name);
    double number = NAN;
    bool missing = node ? node->type == LEAT_JSON_NULL : optional;
    if (!leat_json_number(node, &number) && !missing)
        return leat_field_wrong(what, name, "a number or null", node, err);
    *ret = number;
    return 0;
}

int leat_field_list(const char *what, const struct leat_json *record, const char *name, enum leat_json_type type,
                    const struct leat_json **ret, struct leat_error *err)
{
    const struct leat_json *node = leat_json_get(record, name);
    if (!node || node->type != type)
        return leat_field_wrong(what, name, type == LEAT_JSON_OBJECT ? "an object" : "an array", node, err);
    *ret = node;
    return 0;
}
