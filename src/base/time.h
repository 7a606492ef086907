/* Time is a signed 64-bit count of microseconds since 1970-01-01T00:00:00Z. Durations are the same unit. No clocks. */
#ifndef LEAT_BASE_TIME_H
#define LEAT_BASE_TIME_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdint.h>

#define LEAT_MILLISECOND INT64_C(1000)
#define LEAT_SECOND INT64_C(1000000)
#define LEAT_MINUTE (60 * LEAT_SECOND)
#define LEAT_HOUR (60 * LEAT_MINUTE)
#define LEAT_DAY (24 * LEAT_HOUR)

/* Times beyond these are refused wherever they come in (years 1 and 9999), so that sums of a time and a duration never
 * overflow. LEAT_TIME_NONE marks an unknown time and is outside. */
#define LEAT_TIME_MIN INT64_C(-62135596800000000)
#define LEAT_TIME_MAX INT64_C(253402300799999999)
#define LEAT_TIME_NONE INT64_MIN
#define LEAT_DURATION_MAX (INT64_C(36525) * LEAT_DAY) /* a hundred years */

/* "250us", "1500ms", "30s", "5m", "24h", "30d", "2w", sums of falling units like "1h30m"; "0" needs no unit. The error
 * text names the units. */
int leat_duration_parse(struct leat_bytes text, int64_t *ret_us, struct leat_error *err);
/* In days and smaller units, each once: 90s is "1m30s", two weeks are "14d", 0 is "0s". Writes at most 32 bytes with
 * NUL; returns its length. */
size_t leat_duration_format(int64_t us, char ret[32]);

/* "64MB", "1GiB", "512k": powers of 1024 for KiB MiB GiB and of 1000 for kB MB GB; a bare number is bytes. */
int leat_size_parse(struct leat_bytes text, uint64_t *ret_bytes, struct leat_error *err);

/* RFC 3339 ("2013-07-08T12:00:00.25Z", offset, a space for T, or a date alone = midnight UTC; also "+0200", "+02",
 * and no offset, which is UTC). Digits beyond microseconds are cut off. -1 if it is not one. */
int leat_time_parse(struct leat_bytes text, int64_t *ret_us);
/* "2013-07-08T12:00:00Z", with .mmm or .uuuuuu when needed. At most 32 bytes with NUL; returns its length. */
size_t leat_time_format(int64_t us, char ret[32]);

struct leat_calendar {
    int year, month, day;     /* month and day from 1 */
    int hour, minute, second; /* UTC */
    int microsecond;
    int weekday; /* 0 = Monday */
    int yearday; /* 1 = 1 January */
};
struct leat_calendar leat_time_calendar(int64_t us);
int64_t leat_time_of_date(int year, int month, int day); /* midnight UTC; proleptic Gregorian */

#endif
