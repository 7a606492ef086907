#include "base/time.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t us;
};

/* Largest first: a sum must go down. */
static const struct unit units[] = {
    {"w", 7 * LEAT_DAY}, {"d", LEAT_DAY},          {"h", LEAT_HOUR}, {"m", LEAT_MINUTE},
    {"s", LEAT_SECOND},  {"ms", LEAT_MILLISECOND}, {"us", 1},
};
#define UNITS (sizeof units / sizeof units[0])
#define UNITS_TEXT "us, ms, s, m, h, d or w"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Reads digits from *at on; false when there are none or the number is beyond int64. */
static bool take_number(struct leat_bytes text, size_t *at, int64_t *ret)
{
    size_t i = *at;
    int64_t number = 0;
    for (; i < text.len && is_digit(text.data[i]); i++) {
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text.data[i] - '0', &number))
            return false;
    }
    if (i == *at)
        return false;
    *at = i;
    *ret = number;
    return true;
}

/* How much of an operator's text is shown in an error. */
static struct leat_bytes shown(struct leat_bytes text)
{
    if (text.len > 60)
        text.len = 60;
    return text;
}

static int duration_refused(struct leat_bytes text, const char *why, struct leat_error *err)
{
    text = shown(text);
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "'%.*s' is not a duration: %s; write a whole number with a unit (" UNITS_TEXT
                          "), as in 90s or 1h30m",
                          LEAT_BYTES_FORMAT(text), why);
}

static size_t find_unit(struct leat_bytes name)
{
    size_t i = 0;
    while (i < UNITS && !leat_bytes_is(name, units[i].name))
        i++;
    return i;
}

int leat_duration_parse(struct leat_bytes text, int64_t *ret_us, struct leat_error *err)
{
    if (text.len == 0)
        return duration_refused(text, "it is empty", err);
    if (leat_bytes_is(text, "0")) {
        *ret_us = 0;
        return 0;
    }
    int64_t total = 0;
    size_t next_unit = 0; /* units before it were used or passed */
    for (size_t at = 0; at < text.len;) {
        if (!is_digit(text.data[at]))
            return duration_refused(text, "a number is missing", err);
        int64_t number;
        if (!take_number(text, &at, &number))
            return duration_refused(text, "it is more than a hundred years", err);
        size_t start = at;
        while (at < text.len && is_letter(text.data[at]))
            at++;
        struct leat_bytes name = {.data = text.data + start, .len = at - start};
        if (name.len == 0 && at < text.len && text.data[at] == '.')
            return duration_refused(text, "fractions are not accepted", err);
        if (name.len == 0)
            return duration_refused(text, "a unit is missing", err);
        size_t unit = find_unit(name);
        if (unit == UNITS)
            return duration_refused(text, "the unit is not known", err);
        if (unit < next_unit)
            return duration_refused(text, "its units must go from large to small, each once", err);
        next_unit = unit + 1;
        int64_t part;
        if (__builtin_mul_overflow(number, units[unit].us, &part) || __builtin_add_overflow(total, part, &total) ||
            total > LEAT_DURATION_MAX)
            return duration_refused(text, "it is more than a hundred years", err);
    }
    *ret_us = total;
    return 0;
}

size_t leat_duration_format(int64_t us, char ret[32])
{
    if (us == 0)
        return (size_t)snprintf(ret, 32, "0s");
    size_t len = 0;
    uint64_t left = (uint64_t)us;
    if (us < 0) {
        ret[len++] = '-';
        left = 0 - left;
    }
    for (size_t i = 1; i < UNITS; i++) { /* without weeks: 30d, not 4w2d */
        uint64_t number = left / (uint64_t)units[i].us;
        left %= (uint64_t)units[i].us;
        if (number != 0)
            len += (size_t)snprintf(ret + len, 32 - len, "%" PRIu64 "%s", number, units[i].name);
    }
    return len;
}

struct size_unit {
    const char *name;
    uint64_t bytes;
};

static const struct size_unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"k", 1000},
    {"K", 1000},
    {"kB", 1000},
    {"KB", 1000},
    {"KiB", UINT64_C(1) << 10},
    {"M", 1000000},
    {"MB", 1000000},
    {"MiB", UINT64_C(1) << 20},
    {"G", 1000000000},
    {"GB", 1000000000},
    {"GiB", UINT64_C(1) << 30},
    {"T", UINT64_C(1000000000000)},
    {"TB", UINT64_C(1000000000000)},
    {"TiB", UINT64_C(1) << 40},
};

static int size_refused(struct leat_bytes text, const char *why, struct leat_error *err)
{
    text = shown(text);
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "'%.*s' is not a size: %s; write a whole number with a unit (kB, MB, GB, TB, KiB, MiB, GiB "
                          "or TiB; none is bytes), as in 64MB",
                          LEAT_BYTES_FORMAT(text), why);
}

int leat_size_parse(struct leat_bytes text, uint64_t *ret_bytes, struct leat_error *err)
{
    size_t at = 0;
    int64_t number;
    if (text.len == 0 || !is_digit(text.data[0]))
        return size_refused(text, "it does not begin with a number", err);
    if (!take_number(text, &at, &number))
        return size_refused(text, "it is too large", err);
    struct leat_bytes name = {.data = text.data + at, .len = text.len - at};
    for (size_t i = 0; i < sizeof size_units / sizeof size_units[0]; i++) {
        if (!leat_bytes_is(name, size_units[i].name))
            continue;
        uint64_t bytes;
        if (__builtin_mul_overflow((uint64_t)number, size_units[i].bytes, &bytes))
            return size_refused(text, "it is too large", err);
        *ret_bytes = bytes;
        return 0;
    }
    return size_refused(text, "the unit is not known", err);
}

/* Exactly `digits` digits. */
static bool take_digits(struct leat_bytes text, size_t *at, size_t digits, int *ret)
{
    if (text.len - *at < digits)
        return false;
    int number = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = text.data[*at + i];
        if (!is_digit(c))
            return false;
        number = number * 10 + (c - '0');
    }
    *at += digits;
    *ret = number;
    return true;
}

static bool take_char(struct leat_bytes text, size_t *at, char c)
{
    if (*at == text.len || text.data[*at] != c)
        return false;
    (*at)++;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(struct leat_bytes text, size_t *at, int64_t *ret_us)
{
    int year, month, day;
    if (!take_digits(text, at, 4, &year) || !take_char(text, at, '-') || !take_digits(text, at, 2, &month) ||
        !take_char(text, at, '-') || !take_digits(text, at, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    *ret_us = leat_time_of_date(year, month, day);
    return true;
}

/* ".25": digits beyond the sixth are cut off. */
static bool take_fraction(struct leat_bytes text, size_t *at, int *ret_us)
{
    int us = 0;
    int weight = 100000;
    size_t start = *at;
    for (; *at < text.len && is_digit(text.data[*at]); (*at)++) {
        us += (text.data[*at] - '0') * weight;
        weight /= 10;
    }
    *ret_us = us;
    return *at > start;
}

static bool take_clock(struct leat_bytes text, size_t *at, int64_t *ret_us)
{
    int hour, minute, second, fraction = 0;
    if (!take_digits(text, at, 2, &hour) || !take_char(text, at, ':') || !take_digits(text, at, 2, &minute) ||
        !take_char(text, at, ':') || !take_digits(text, at, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60 || (second == 60 && minute != 59))
        return false; /* a leap second reads as the one after it */
    if (take_char(text, at, '.') && !take_fraction(text, at, &fraction))
        return false;
    *ret_us = hour * LEAT_HOUR + minute * LEAT_MINUTE + second * LEAT_SECOND + fraction;
    return true;
}

/* "Z", "+02:00", "+0200", "+02", or nothing, which is UTC. */
static bool take_offset(struct leat_bytes text, size_t *at, int64_t *ret_us)
{
    *ret_us = 0;
    if (*at == text.len || take_char(text, at, 'Z') || take_char(text, at, 'z'))
        return true;
    int64_t sign = text.data[*at] == '-' ? -1 : 1;
    if (!take_char(text, at, '+') && !take_char(text, at, '-'))
        return false;
    int hour, minute = 0;
    if (!take_digits(text, at, 2, &hour))
        return false;
    bool colon = take_char(text, at, ':');
    if ((colon || *at < text.len) && !take_digits(text, at, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *ret_us = sign * (hour * LEAT_HOUR + minute * LEAT_MINUTE);
    return true;
}

int leat_time_parse(struct leat_bytes text, int64_t *ret_us)
{
    size_t at = 0;
    int64_t date, clock = 0, offset = 0;
    if (!take_date(text, &at, &date))
        return -1;
    if (at < text.len) {
        if (!take_char(text, &at, 'T') && !take_char(text, &at, 't') && !take_char(text, &at, ' '))
            return -1;
        if (!take_clock(text, &at, &clock) || !take_offset(text, &at, &offset) || at != text.len)
            return -1;
    }
    int64_t us = date + clock - offset;
    if (us < LEAT_TIME_MIN || us > LEAT_TIME_MAX)
        return -1;
    *ret_us = us;
    return 0;
}

size_t leat_time_format(int64_t us, char ret[32])
{
    if (us == LEAT_TIME_NONE)
        return (size_t)snprintf(ret, 32, "none");
    struct leat_calendar c = leat_time_calendar(us);
    int len = snprintf(ret, 32, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
    if (c.microsecond % 1000 != 0)
        len += snprintf(ret + len, 32 - (size_t)len, ".%06d", c.microsecond);
    else if (c.microsecond != 0)
        len += snprintf(ret + len, 32 - (size_t)len, ".%03d", c.microsecond / 1000);
    len += snprintf(ret + len, 32 - (size_t)len, "Z");
    return (size_t)len;
}

/* Years begin in March here, so that the leap day is the last of its year; an era is 400 of them (146097 days). */
#define DAYS_OF_ERA INT64_C(146097)
#define DAYS_TO_1970 INT64_C(719468) /* from 0000-03-01 */

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t days_of_date(int year, int month, int day)
{
    int64_t shifted = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = floor_divide(shifted, 400);
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_ERA + day_of_era - DAYS_TO_1970;
}

int64_t leat_time_of_date(int year, int month, int day)
{
    return days_of_date(year, month, day) * LEAT_DAY;
}

struct leat_calendar leat_time_calendar(int64_t us)
{
    int64_t days = floor_divide(us, LEAT_DAY);
    int64_t rest = us % LEAT_DAY;
    if (rest < 0)
        rest += LEAT_DAY;

    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = floor_divide(shifted, DAYS_OF_ERA);
    int64_t day_of_era = shifted - era * DAYS_OF_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;

    struct leat_calendar c;
    c.day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    c.month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    c.year = (int)(year_of_era + era * 400 + (c.month <= 2 ? 1 : 0));
    c.hour = (int)(rest / LEAT_HOUR);
    c.minute = (int)(rest % LEAT_HOUR / LEAT_MINUTE);
    c.second = (int)(rest % LEAT_MINUTE / LEAT_SECOND);
    c.microsecond = (int)(rest % LEAT_SECOND);
    c.weekday = (int)((days % 7 + 10) % 7); /* 1970-01-01 was a Thursday, 3 from Monday */
    c.yearday = (int)(days - days_of_date(c.year, 1, 1)) + 1;
    return c;
}
