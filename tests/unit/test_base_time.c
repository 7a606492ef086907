#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_duration(const char *text, int64_t expected)
{
    struct leat_error err = {0};
    int64_t us = -1;
    assert_int_equal(leat_duration_parse(leat_bytes_of(text), &us, &err), 0);
    assert_true(us == expected);
}

static void check_no_duration(const char *text, const char *why)
{
    struct leat_error err = {0};
    int64_t us = -1;
    assert_int_equal(leat_duration_parse(leat_bytes_of(text), &us, &err), -1);
    assert_int_equal(us, -1);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, err.text);
    assert_non_null(strstr(err.text, "us, ms, s, m, h, d or w"));
}

static void durations_of_every_unit_are_read(void **state)
{
    (void)state;
    check_duration("250us", 250);
    check_duration("1500ms", 1500000);
    check_duration("30s", 30 * LEAT_SECOND);
    check_duration("5m", 5 * LEAT_MINUTE);
    check_duration("24h", LEAT_DAY);
    check_duration("30d", 30 * LEAT_DAY);
    check_duration("2w", 14 * LEAT_DAY);
}

static void sums_of_falling_units_are_read(void **state)
{
    (void)state;
    check_duration("1h30m", 90 * LEAT_MINUTE);
    check_duration("1w1d1h1m1s1ms1us", 8 * LEAT_DAY + 3661 * LEAT_SECOND + 1001);
    check_duration("0s", 0);
    check_no_duration("30m1h", "from large to small");
    check_no_duration("1h1h", "from large to small");
}

static void a_duration_without_a_unit_is_refused(void **state)
{
    (void)state;
    check_duration("0", 0);
    check_no_duration("5", "a unit is missing");
    check_no_duration("00", "a unit is missing");
    check_no_duration("1h30", "a unit is missing");
}

static void texts_that_are_no_durations_are_refused(void **state)
{
    (void)state;
    check_no_duration("", "empty");
    check_no_duration("h", "a number is missing");
    check_no_duration("-5m", "a number is missing");
    check_no_duration(" 5m", "a number is missing");
    check_no_duration("5 m", "a unit is missing");
    check_no_duration("5m ", "a number is missing");
    check_no_duration("1.5h", "fractions");
    check_no_duration("5minutes", "not known");
    check_no_duration("5M", "not known");
    check_no_duration("5\xC2\xB5s", "a unit is missing");
}

static void a_hundred_years_is_the_longest_duration(void **state)
{
    (void)state;
    check_duration("36525d", LEAT_DURATION_MAX);
    check_no_duration("36525d1us", "hundred years");
    check_no_duration("36526d", "hundred years");
    check_no_duration("99999999999999999999us", "hundred years");
    check_no_duration("9223372036854775807w", "hundred years");
    check_no_duration("9223372036854775807us", "hundred years");
}

static void check_duration_text(int64_t us, const char *expected)
{
    char text[32];
    assert_int_equal(leat_duration_format(us, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void durations_are_written_in_falling_units(void **state)
{
    (void)state;
    check_duration_text(0, "0s");
    check_duration_text(90 * LEAT_SECOND, "1m30s");
    check_duration_text(LEAT_DAY, "1d");
    check_duration_text(14 * LEAT_DAY, "14d");
    check_duration_text(1500000, "1s500ms");
    check_duration_text(1, "1us");
    check_duration_text(-90 * LEAT_SECOND, "-1m30s");
    check_duration_text(INT64_MAX, "106751991d4h54s775ms807us");
    check_duration_text(INT64_MIN, "-106751991d4h54s775ms808us");
}

static void what_is_written_as_a_duration_reads_back(void **state)
{
    (void)state;
    for (int64_t us = 1; us < LEAT_DURATION_MAX; us += 1 + us / 3) {
        char text[32];
        struct leat_error err = {0};
        int64_t back = 0;
        struct leat_bytes view = {text, leat_duration_format(us, text)};
        assert_int_equal(leat_duration_parse(view, &back, &err), 0);
        assert_true(back == us);
    }
}

static void check_size(const char *text, uint64_t expected)
{
    struct leat_error err = {0};
    uint64_t bytes = 0;
    assert_int_equal(leat_size_parse(leat_bytes_of(text), &bytes, &err), 0);
    assert_true(bytes == expected);
}

static void check_no_size(const char *text)
{
    struct leat_error err = {0};
    uint64_t bytes = 77;
    assert_int_equal(leat_size_parse(leat_bytes_of(text), &bytes, &err), -1);
    assert_int_equal(bytes, 77);
    assert_non_null(strstr(err.text, "MiB"));
}

static void sizes_have_powers_of_1000_and_of_1024(void **state)
{
    (void)state;
    check_size("0", 0);
    check_size("123", 123);
    check_size("64MB", 64000000);
    check_size("1GiB", 1073741824);
    check_size("512k", 512000);
    check_size("512kB", 512000);
    check_size("4KiB", 4096);
    check_size("3TiB", UINT64_C(3) << 40);
    check_size("10B", 10);
}

static void texts_that_are_no_sizes_are_refused(void **state)
{
    (void)state;
    check_no_size("");
    check_no_size("MB");
    check_no_size("-1");
    check_no_size("1.5GB");
    check_no_size("1 MB");
    check_no_size("5XB");
    check_no_size("9223372036854775807TiB");
    check_no_size("99999999999999999999");
    check_size("16777215TiB", UINT64_C(16777215) << 40);
    check_no_size("16777216TiB");
}

static void check_time(const char *text, int64_t expected)
{
    int64_t us = -1;
    if (leat_time_parse(leat_bytes_of(text), &us) < 0)
        fail_msg("%s is refused", text);
    if (us != expected)
        fail_msg("%s is read as %lld", text, (long long)us);
}

static void check_no_time(const char *text)
{
    int64_t us = -1;
    if (leat_time_parse(leat_bytes_of(text), &us) == 0)
        fail_msg("%s is read", text);
    assert_int_equal(us, -1);
}

#define NOON INT64_C(1373284800000000) /* 2013-07-08T12:00:00Z */

static void times_are_read_with_fraction_and_offset(void **state)
{
    (void)state;
    check_time("2013-07-08T12:00:00Z", NOON);
    check_time("2013-07-08T12:00:00.25Z", NOON + 250000);
    check_time("2013-07-08 12:00:00.000001z", NOON + 1);
    check_time("2013-07-08t12:00:00.123456789Z", NOON + 123456);
    check_time("2013-07-08T14:00:00+02:00", NOON);
    check_time("2013-07-08T14:00:00+0200", NOON);
    check_time("2013-07-08T14:00:00+02", NOON);
    check_time("2013-07-08T06:30:00-05:30", NOON);
    check_time("2013-07-08T12:00:00", NOON);
    check_time("2013-07-08", NOON - 12 * LEAT_HOUR);
    check_time("1970-01-01", 0);
    check_time("1969-12-31T23:59:59.999999Z", -1);
}

static void leap_days_and_leap_seconds_are_read(void **state)
{
    (void)state;
    check_time("2000-02-29", INT64_C(951782400) * LEAT_SECOND);
    check_time("2024-02-29", INT64_C(1709164800) * LEAT_SECOND);
    check_no_time("1900-02-29");
    check_no_time("2023-02-29");
    check_time("2016-12-31T23:59:60Z", INT64_C(1483228800) * LEAT_SECOND);
    check_no_time("2016-12-31T23:58:60Z");
}

static void texts_that_are_no_times_are_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"",
                                 "2013",
                                 "2013-07",
                                 "2013-7-08",
                                 "2013-13-01",
                                 "2013-00-01",
                                 "2013-04-31",
                                 "2013-07-00",
                                 "20130708",
                                 "2013-07-08T",
                                 "2013-07-08Z",
                                 "2013-07-08T12:00",
                                 "2013-07-08T24:00:00Z",
                                 "2013-07-08T12:60:00Z",
                                 "2013-07-08T12:00:61Z",
                                 "2013-07-08T12:00:00.Z",
                                 "2013-07-08T12:00:00ZZ",
                                 "2013-07-08T12:00:00+24:00",
                                 "2013-07-08T12:00:00+02:",
                                 "2013-07-08T12:00:00+02:60",
                                 "2013-07-08T12:00:00 +02:00",
                                 "2013-07-08T12:00:00+",
                                 "2013-07-08X12:00:00Z",
                                 " 2013-07-08",
                                 "0000-01-01",
                                 "1373284800"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_no_time(texts[i]);
}

static void times_outside_years_1_to_9999_are_refused(void **state)
{
    (void)state;
    check_time("0001-01-01T00:00:00Z", LEAT_TIME_MIN);
    check_time("9999-12-31T23:59:59.999999Z", LEAT_TIME_MAX);
    check_no_time("0001-01-01T00:00:00+01:00");
    check_no_time("9999-12-31T23:59:59.999999-00:01");
    check_no_time("9999-12-31T23:59:60Z");
}

static void check_time_text(int64_t us, const char *expected)
{
    char text[32];
    assert_int_equal(leat_time_format(us, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void times_are_written_as_precisely_as_needed(void **state)
{
    (void)state;
    check_time_text(NOON, "2013-07-08T12:00:00Z");
    check_time_text(NOON + 250000, "2013-07-08T12:00:00.250Z");
    check_time_text(NOON + 1, "2013-07-08T12:00:00.000001Z");
    check_time_text(-1, "1969-12-31T23:59:59.999999Z");
    check_time_text(LEAT_TIME_MIN, "0001-01-01T00:00:00Z");
    check_time_text(LEAT_TIME_MAX, "9999-12-31T23:59:59.999999Z");
    check_time_text(LEAT_TIME_NONE, "none");
    check_time_text(INT64_MAX, "294247-01-10T04:00:54.775807Z");
    check_time_text(INT64_MIN + 1, "-290308-12-21T19:59:05.224193Z");
}

/* The plain twin counts days one by one. */
static void the_calendar_agrees_with_counting_days(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t us = LEAT_TIME_MIN;
    int weekday = 0; /* 0001-01-01 is a Monday */
    for (int year = 1; year <= 9999; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int yearday = 0;
        for (int month = 1; month <= 12; month++) {
            int days = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= days; day++) {
                yearday++;
                bool checked = day == 1 || day == days;
                if (checked) {
                    struct leat_calendar c = leat_time_calendar(us + LEAT_DAY - 1);
                    assert_int_equal(c.year, year);
                    assert_int_equal(c.month, month);
                    assert_int_equal(c.day, day);
                    assert_int_equal(c.weekday, weekday);
                    assert_int_equal(c.yearday, yearday);
                    assert_true(leat_time_of_date(year, month, day) == us);
                }
                us += LEAT_DAY;
                weekday = (weekday + 1) % 7;
            }
        }
    }
    assert_true(us - 1 == LEAT_TIME_MAX);
}

static void the_calendar_splits_the_time_of_day(void **state)
{
    (void)state;
    struct leat_calendar c = leat_time_calendar(-1);
    assert_int_equal(c.hour, 23);
    assert_int_equal(c.minute, 59);
    assert_int_equal(c.second, 59);
    assert_int_equal(c.microsecond, 999999);
    assert_int_equal(c.weekday, 2);
    c = leat_time_calendar(INT64_MIN);
    assert_int_equal(c.microsecond, 224192);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_of_every_unit_are_read),
        cmocka_unit_test(sums_of_falling_units_are_read),
        cmocka_unit_test(a_duration_without_a_unit_is_refused),
        cmocka_unit_test(texts_that_are_no_durations_are_refused),
        cmocka_unit_test(a_hundred_years_is_the_longest_duration),
        cmocka_unit_test(durations_are_written_in_falling_units),
        cmocka_unit_test(what_is_written_as_a_duration_reads_back),
        cmocka_unit_test(sizes_have_powers_of_1000_and_of_1024),
        cmocka_unit_test(texts_that_are_no_sizes_are_refused),
        cmocka_unit_test(times_are_read_with_fraction_and_offset),
        cmocka_unit_test(leap_days_and_leap_seconds_are_read),
        cmocka_unit_test(texts_that_are_no_times_are_refused),
        cmocka_unit_test(times_outside_years_1_to_9999_are_refused),
        cmocka_unit_test(times_are_written_as_precisely_as_needed),
        cmocka_unit_test(the_calendar_agrees_with_counting_days),
        cmocka_unit_test(the_calendar_splits_the_time_of_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
