#include "state/windows.h"

#include "base/time.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct leat_bytes key_of(const char *text)
{
    return leat_bytes_of(text);
}

static struct leat_value number(double d)
{
    return leat_value_double(d);
}

static struct leat_value text(const char *s)
{
    return leat_value_string(leat_bytes_of(s));
}

/* Windows over one column, for the tests at the borders. */
struct fixture {
    enum leat_type column;
    struct leat_window_aggregate aggregates[16];
    struct leat_window_plan plan;
    struct leat_windows *windows;
    struct leat_value values[16];
    bool complete;
};

static void open_windows(struct fixture *f, enum leat_type type, const struct leat_window_aggregate *aggregates,
                         size_t count)
{
    memset(f, 0, sizeof(*f));
    f->column = type;
    memcpy(f->aggregates, aggregates, count * sizeof(*aggregates));
    f->plan = (struct leat_window_plan){
        .columns = &f->column, .column_count = 1, .aggregates = f->aggregates, .aggregate_count = count};
    f->windows = leat_windows_new(&f->plan);
}

static void add(struct fixture *f, const char *key, int64_t time, struct leat_value value)
{
    struct leat_reason reason;
    assert_int_equal(leat_windows_add(f->windows, key_of(key), time, &value, &reason), 0);
}

static bool same_bits(enum leat_type type, struct leat_value a, struct leat_value b)
{
    if (a.null != b.null)
        return false;
    if (a.null)
        return true;
    if (type == LEAT_TYPE_STRING)
        return a.len == b.len && memcmp(a.as.s, b.as.s, a.len) == 0;
    return a.as.i == b.as.i;
}

static enum leat_type result_type(const struct leat_window_plan *plan, size_t i)
{
    const struct leat_window_aggregate *aggregate = &plan->aggregates[i];
    switch (aggregate->kind) {
    case LEAT_AGGREGATE_COUNT:
        return LEAT_TYPE_INT;
    case LEAT_AGGREGATE_AVG:
    case LEAT_AGGREGATE_VAR:
    case LEAT_AGGREGATE_STDDEV:
        return LEAT_TYPE_DOUBLE;
    default:
        return plan->columns[aggregate->column];
    }
}

/* Reads, and sees that the plain twin says the same. */
static void read_at(struct fixture *f, const char *key, int64_t t)
{
    struct leat_value plain[16];
    bool plain_complete;
    leat_windows_read(f->windows, key_of(key), t, f->values, &f->complete);
    leat_windows_read_plain(f->windows, key_of(key), t, plain, &plain_complete);
    assert_int_equal(f->complete, plain_complete);
    for (size_t i = 0; i < f->plan.aggregate_count; i++)
        assert_true(same_bits(result_type(&f->plan, i), f->values[i], plain[i]));
}

static void close_windows(struct fixture *f)
{
    leat_windows_free(f->windows);
}

/* ---- Random streams ---- */

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return next_random(seed) % n;
}

static const enum leat_type ALL_TYPES[] = {LEAT_TYPE_DOUBLE, LEAT_TYPE_INT,    LEAT_TYPE_BOOL,
                                           LEAT_TYPE_TIME,   LEAT_TYPE_STRING, LEAT_TYPE_DOUBLE};
#define RANDOM_COLUMNS COUNT_OF(ALL_TYPES)

static bool fits(enum leat_aggregate_kind kind, enum leat_type type)
{
    if (kind == LEAT_AGGREGATE_COUNT || kind >= LEAT_AGGREGATE_FIRST)
        return true;
    if (type == LEAT_TYPE_STRING)
        return false;
    return type != LEAT_TYPE_TIME || kind == LEAT_AGGREGATE_MIN || kind == LEAT_AGGREGATE_MAX;
}

/* All aggregates of all columns over these ranges. */
static size_t all_aggregates(struct leat_window_aggregate *ret, const int64_t *ranges, size_t range_count)
{
    size_t count = 0;
    for (size_t r = 0; r < range_count; r++) {
        ret[count++] = (struct leat_window_aggregate){LEAT_AGGREGATE_COUNT, -1, ranges[r]};
        for (int32_t c = 0; c < (int32_t)RANDOM_COLUMNS; c++)
            for (int kind = 0; kind < LEAT_AGGREGATE_KINDS; kind++)
                if (fits((enum leat_aggregate_kind)kind, ALL_TYPES[c]))
                    ret[count++] = (struct leat_window_aggregate){(enum leat_aggregate_kind)kind, c, ranges[r]};
    }
    return count;
}

static struct leat_value random_value(uint64_t *seed, enum leat_type type, bool wild)
{
    static const char *const TEXTS[] = {"", "a", "b", "a rather long text that needs a block of its own, and then some"};
    uint64_t what = below(seed, 16);
    if (what == 0)
        return leat_value_null();
    if (what == 1)
        return leat_value_absent();
    switch (type) {
    case LEAT_TYPE_BOOL:
        return leat_value_int((int64_t)below(seed, 2));
    case LEAT_TYPE_STRING:
        return text(TEXTS[below(seed, COUNT_OF(TEXTS))]);
    case LEAT_TYPE_INT:
        if (wild && below(seed, 8) == 0)
            return leat_value_int(below(seed, 2) ? INT64_MAX : INT64_MIN + 2);
        return leat_value_int((int64_t)below(seed, 100) - 50);
    case LEAT_TYPE_TIME:
        return leat_value_int((int64_t)below(seed, 1000000));
    default:
        break;
    }
    static const double ODD[] = {0x1p55, -0x1p55, 0.0, -0.0, DBL_TRUE_MIN, -DBL_MIN, 0x1p-49, 0x1.8p-48, 0x1p54, 1e-9};
    if (wild && below(seed, 3) == 0)
        return number(ODD[below(seed, COUNT_OF(ODD))]);
    return number(((double)below(seed, 100000) - 50000.0) / 100.0);
}

struct random_load {
    int64_t ranges[4];
    size_t range_count;
    int keys;
    int64_t step;     /* of time per event, at most */
    int64_t disorder; /* events come up to this late */
    bool wild;
    uint32_t events_per_key_max;
    bool evicts;
    int operations;
};

static void play(const struct random_load *load, uint64_t seed)
{
    struct leat_window_aggregate aggregates[300];
    size_t count = all_aggregates(aggregates, load->ranges, load->range_count);
    assert_true(count <= COUNT_OF(aggregates));
    struct leat_window_plan plan = {.columns = ALL_TYPES,
                                    .column_count = RANDOM_COLUMNS,
                                    .aggregates = aggregates,
                                    .aggregate_count = count,
                                    .events_per_key_max = load->events_per_key_max};
    struct leat_windows *windows = leat_windows_new(&plan);
    struct leat_value fast[300], plain[300];
    int64_t now = LEAT_DAY;
    for (int i = 0; i < load->operations; i++) {
        char name[16];
        struct leat_bytes key = {
            name, (size_t)snprintf(name, sizeof(name), "key-%d", (int)below(&seed, (uint64_t)load->keys))};
        now += (int64_t)below(&seed, (uint64_t)load->step);
        int64_t t = below(&seed, 4) == 0 ? now - (int64_t)below(&seed, (uint64_t)load->disorder + 1) : now;
        struct leat_value event[RANDOM_COLUMNS];
        for (size_t c = 0; c < RANDOM_COLUMNS; c++)
            event[c] = random_value(&seed, ALL_TYPES[c], load->wild);
        struct leat_reason reason;
        if (below(&seed, 3) != 0)
            assert_int_equal(leat_windows_add(windows, key, t, event, &reason), 0);
        if (below(&seed, 50) == 0)
            t += load->step * (int64_t)below(&seed, 100);
        if (load->evicts)
            leat_windows_evict(windows, now - load->disorder / 2);
        bool fast_complete, plain_complete;
        leat_windows_read(windows, key, t, fast, &fast_complete);
        leat_windows_read_plain(windows, key, t, plain, &plain_complete);
        assert_int_equal(fast_complete, plain_complete);
        for (size_t a = 0; a < count; a++)
            if (!same_bits(result_type(&plan, a), fast[a], plain[a]))
                fail_msg("operation %d, aggregate %d of column %d over %lld: %g (%d) is not %g (%d)", i,
                         (int)aggregates[a].kind, (int)aggregates[a].column, (long long)aggregates[a].range,
                         fast[a].as.d, (int)fast[a].null, plain[a].as.d, (int)plain[a].null);
    }
    leat_windows_free(windows);
}

static void random_streams_read_as_the_plain_twin_reads_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random_load load = {
            .ranges = {(int64_t)(1 + seed % 7), 40, 40, 1000 + 100 * (int64_t)(seed % 9)},
            .range_count = 4,
            .keys = 1 + (int)(seed % 5),
            .step = 1 + (int64_t)(seed % 11),
            .disorder = (int64_t)(seed % 4) * 60,
            .wild = seed % 2,
            .evicts = seed % 3 != 0,
            .events_per_key_max = seed % 5 == 0 ? 30 : 0,
            .operations = 2500,
        };
        play(&load, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_streams_read_as_the_plain_twin_reads_them),
    };
    (void)open_windows, (void)add, (void)read_at, (void)close_windows;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
