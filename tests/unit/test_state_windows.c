#include "state/windows.h"

#include "base/time.h"

#include <float.h>
#include <math.h>
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
    static const double ODD[] = {0x1p51, -0x1p51, 0.0, -0.0, DBL_TRUE_MIN, -DBL_MIN, 0x1p-53, 0x1.8p-52, 0x1p50, 1e-9};
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
    size_t aggregates; /* so many of all, by chance; 0: all */
};

static void play(const struct random_load *load, uint64_t seed)
{
    struct leat_window_aggregate aggregates[300];
    size_t count = all_aggregates(aggregates, load->ranges, load->range_count);
    assert_true(count <= COUNT_OF(aggregates));
    for (size_t i = 0; i < load->aggregates; i++) {
        size_t other = i + below(&seed, count - i);
        struct leat_window_aggregate chosen = aggregates[other];
        aggregates[other] = aggregates[i];
        aggregates[i] = chosen;
    }
    if (load->aggregates > 0)
        count = load->aggregates;
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

/* Streams of all sorts: long and short windows, many ties, much disorder, reads in the past and the future. */
static void random_streams_read_as_the_plain_twin_reads_them(void **state)
{
    (void)state;
    int operations = 0;
    for (uint64_t seed = 1; operations < 1000000; seed++) {
        struct random_load load = {
            .ranges = {(int64_t)(1 + seed % 7), 40, 40, 300 + 100 * (int64_t)(seed % 9)},
            .range_count = 4,
            .keys = 1 + (int)(seed % 5),
            .step = 1 + (int64_t)(seed % 13) * 2,
            .disorder = (int64_t)(seed % 4) * 60,
            .wild = seed % 2,
            .evicts = seed % 3 != 0,
            .events_per_key_max = seed % 5 == 0 ? 30 : 0,
            .operations = seed % 20 == 0 ? 500 : 5000,
            .aggregates = seed % 20 == 0 ? 0 : 1 + seed % 11,
        };
        play(&load, seed);
        operations += load.operations;
    }
}

/* Logs of thousands of events, of which windows end anywhere. */
static void long_logs_out_of_order_read_as_the_plain_twin_reads_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct random_load load = {
            .ranges = {64, 700, 3000, 20000},
            .range_count = 4,
            .keys = seed == 8 ? 3 : 1,
            .step = seed % 2 ? 4 : 12,
            .disorder = seed % 3 ? 900 : 8000,
            .wild = seed % 2,
            .evicts = seed % 4 != 0,
            .events_per_key_max = seed == 5 ? 1500 : 0,
            .operations = 6000,
            .aggregates = 9,
        };
        play(&load, seed);
    }
}

/* ---- At the borders ---- */

#define SECOND LEAT_SECOND
#define HOUR LEAT_HOUR

static const struct leat_window_aggregate NUMBERS[] = {
    {LEAT_AGGREGATE_COUNT, -1, 10}, {LEAT_AGGREGATE_COUNT, 0, 10}, {LEAT_AGGREGATE_SUM, 0, 10},
    {LEAT_AGGREGATE_AVG, 0, 10},    {LEAT_AGGREGATE_MIN, 0, 10},   {LEAT_AGGREGATE_MAX, 0, 10},
    {LEAT_AGGREGATE_STDDEV, 0, 10}, {LEAT_AGGREGATE_VAR, 0, 10},   {LEAT_AGGREGATE_FIRST, 0, 10},
    {LEAT_AGGREGATE_LAST, 0, 10},   {LEAT_AGGREGATE_LAG, 0, 10},
};

enum { EVENTS, VALUES, SUM, AVG, MIN, MAX, STDDEV, VAR, FIRST, LAST, LAG };

static void open_numbers(struct fixture *f)
{
    open_windows(f, LEAT_TYPE_DOUBLE, NUMBERS, COUNT_OF(NUMBERS));
}

static void expect_number(const struct fixture *f, size_t i, double expected)
{
    assert_int_equal(f->values[i].null, 0);
    if (f->values[i].as.d != expected)
        fail_msg("aggregate %d is %.17g, not %.17g", (int)i, f->values[i].as.d, expected);
}

static void expect_int(const struct fixture *f, size_t i, int64_t expected)
{
    assert_int_equal(f->values[i].null, 0);
    assert_int_equal(f->values[i].as.i, expected);
}

static void expect_null(const struct fixture *f, size_t i)
{
    assert_int_equal(f->values[i].null, 1);
}

static void expect_text(const struct fixture *f, size_t i, const char *expected)
{
    assert_int_equal(f->values[i].null, 0);
    assert_int_equal(f->values[i].len, strlen(expected));
    assert_memory_equal(f->values[i].as.s, expected, strlen(expected));
}

static void a_window_excludes_its_beginning_and_includes_its_end(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(1));
    read_at(&f, "k", 99);
    expect_int(&f, EVENTS, 0);
    read_at(&f, "k", 100);
    expect_int(&f, EVENTS, 1);
    read_at(&f, "k", 109);
    expect_int(&f, EVENTS, 1);
    expect_number(&f, SUM, 1);
    read_at(&f, "k", 110);
    expect_int(&f, EVENTS, 0);
    expect_null(&f, SUM);
    read_at(&f, "k", 105);
    expect_int(&f, EVENTS, 1);
    expect_number(&f, SUM, 1);
    close_windows(&f);
}

static void an_unknown_key_has_counts_of_zero_and_nulls(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(1));
    read_at(&f, "other", 100);
    assert_true(f.complete);
    for (size_t i = 0; i < COUNT_OF(NUMBERS); i++)
        if (i == EVENTS || i == VALUES)
            expect_int(&f, i, 0);
        else
            expect_null(&f, i);
    close_windows(&f);
}

static void every_aggregate_has_the_value_that_arithmetic_gives_it(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    for (size_t i = 0; i < COUNT_OF(values); i++)
        add(&f, "k", 100 + (int64_t)i, number(values[i]));
    read_at(&f, "k", 107);
    expect_int(&f, EVENTS, 8);
    expect_int(&f, VALUES, 8);
    expect_number(&f, SUM, 40);
    expect_number(&f, AVG, 5);
    expect_number(&f, MIN, 2);
    expect_number(&f, MAX, 9);
    expect_number(&f, VAR, 32.0 / 7.0);
    expect_number(&f, STDDEV, 2.1380899352993950);
    expect_number(&f, FIRST, 2);
    expect_number(&f, LAST, 9);
    expect_number(&f, LAG, 7);
    close_windows(&f);
}

static void one_value_has_no_variance_and_nothing_before_it(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(3));
    read_at(&f, "k", 100);
    expect_null(&f, VAR);
    expect_null(&f, STDDEV);
    expect_null(&f, LAG);
    expect_number(&f, FIRST, 3);
    add(&f, "k", 101, number(3));
    read_at(&f, "k", 101);
    expect_number(&f, VAR, 0);
    expect_number(&f, STDDEV, 0);
    expect_number(&f, LAG, 3);
    close_windows(&f);
}

static void events_of_equal_time_keep_the_order_of_their_arrival(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 105, number(9));
    add(&f, "k", 100, number(1));
    add(&f, "k", 100, number(2));
    add(&f, "k", 100, number(3));
    read_at(&f, "k", 100);
    expect_number(&f, FIRST, 1);
    expect_number(&f, LAST, 3);
    expect_number(&f, LAG, 2);
    add(&f, "k", 105, number(10));
    read_at(&f, "k", 105);
    expect_number(&f, FIRST, 1);
    expect_number(&f, LAST, 10);
    expect_number(&f, LAG, 9);
    assert_int_equal(leat_windows_counters(f.windows).out_of_order, 3);
    close_windows(&f);
}

static void nulls_are_events_but_no_values_and_first_and_last_may_be_null(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, leat_value_null());
    read_at(&f, "k", 100);
    expect_int(&f, EVENTS, 1);
    expect_int(&f, VALUES, 0);
    for (size_t i = SUM; i <= LAG; i++)
        expect_null(&f, i);
    add(&f, "k", 101, number(5));
    add(&f, "k", 102, leat_value_null());
    read_at(&f, "k", 102);
    expect_int(&f, EVENTS, 3);
    expect_int(&f, VALUES, 1);
    expect_number(&f, AVG, 5);
    expect_number(&f, MIN, 5);
    expect_null(&f, FIRST);
    expect_null(&f, LAST);
    expect_number(&f, LAG, 5);
    close_windows(&f);
}

static void what_a_filter_leaves_out_is_passed_over(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, leat_value_absent());
    read_at(&f, "k", 100);
    expect_int(&f, EVENTS, 1);
    expect_int(&f, VALUES, 0);
    expect_null(&f, FIRST);
    expect_null(&f, LAST);
    add(&f, "k", 101, number(5));
    add(&f, "k", 102, number(6));
    read_at(&f, "k", 102);
    expect_number(&f, FIRST, 5);
    expect_number(&f, LAST, 6);
    expect_number(&f, LAG, 5);
    /* The newest event is left out: all others are before it. */
    add(&f, "k", 103, leat_value_absent());
    read_at(&f, "k", 103);
    expect_number(&f, LAST, 6);
    expect_number(&f, LAG, 6);
    expect_int(&f, VALUES, 2);
    close_windows(&f);
}

static void an_event_that_comes_late_counts_wherever_a_range_holds_it(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(1));
    add(&f, "k", 109, number(2));
    read_at(&f, "k", 109);
    add(&f, "k", 104, number(40));
    read_at(&f, "k", 104);
    expect_number(&f, SUM, 41);
    expect_number(&f, LAST, 40);
    read_at(&f, "k", 109);
    expect_number(&f, SUM, 43);
    expect_number(&f, MAX, 40);
    expect_number(&f, LAG, 40);
    read_at(&f, "k", 113);
    expect_number(&f, SUM, 42);
    read_at(&f, "k", 114);
    expect_number(&f, SUM, 2);
    expect_number(&f, MAX, 2);
    close_windows(&f);
}

static void keys_are_apart_whatever_their_bytes(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    char many[1500];
    memset(many, 'x', sizeof(many));
    const struct leat_bytes keys[] = {{"", 0},    {"\0", 1},  {"\0\0", 2}, {"a\0b", 3},  {"a\0c", 3}, {"eight by", 8},
                                      {many, 17}, {many, 16}, {many, 7},   {many, 1499}, {many, 1500}};
    struct leat_reason reason;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct leat_value value = number((double)i);
        assert_int_equal(leat_windows_add(f.windows, keys[i], 100, &value, &reason), 0);
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        leat_windows_read(f.windows, keys[i], 100, f.values, &f.complete);
        expect_int(&f, EVENTS, 1);
        expect_number(&f, SUM, (double)i);
    }
    assert_int_equal(leat_windows_counters(f.windows).keys, COUNT_OF(keys));
    close_windows(&f);
}

static void integers_booleans_and_times_have_their_aggregates(void **state)
{
    (void)state;
    struct fixture f;
    open_windows(&f, LEAT_TYPE_BOOL, NUMBERS, 6);
    add(&f, "k", 100, leat_value_int(1));
    add(&f, "k", 101, leat_value_int(0));
    add(&f, "k", 102, leat_value_int(1));
    read_at(&f, "k", 102);
    expect_int(&f, SUM, 2);
    expect_number(&f, AVG, 2.0 / 3.0);
    close_windows(&f);

    open_windows(&f, LEAT_TYPE_INT, NUMBERS, COUNT_OF(NUMBERS));
    add(&f, "k", 100, leat_value_int(INT64_MAX));
    add(&f, "k", 100, leat_value_int(INT64_MIN + 2));
    add(&f, "k", 101, leat_value_int(-7));
    read_at(&f, "k", 101);
    assert_true(f.complete);
    expect_int(&f, SUM, -6);
    expect_int(&f, MIN, INT64_MIN + 2);
    expect_int(&f, MAX, INT64_MAX);
    expect_number(&f, AVG, -2);
    expect_int(&f, LAST, -7);
    close_windows(&f);

    static const struct leat_window_aggregate TIMES[] = {
        {LEAT_AGGREGATE_MIN, 0, 10}, {LEAT_AGGREGATE_MAX, 0, 10}, {LEAT_AGGREGATE_LAG, 0, 10}};
    open_windows(&f, LEAT_TYPE_TIME, TIMES, COUNT_OF(TIMES));
    add(&f, "k", 100, leat_value_int(LEAT_TIME_MIN));
    add(&f, "k", 101, leat_value_int(LEAT_TIME_MAX));
    read_at(&f, "k", 101);
    expect_int(&f, 0, LEAT_TIME_MIN);
    expect_int(&f, 1, LEAT_TIME_MAX);
    expect_int(&f, 2, LEAT_TIME_MIN);
    close_windows(&f);
}

static void a_sum_of_integers_beyond_an_integer_is_null_and_marked_until_it_fits_again(void **state)
{
    (void)state;
    struct fixture f;
    open_windows(&f, LEAT_TYPE_INT, NUMBERS, COUNT_OF(NUMBERS));
    add(&f, "k", 100, leat_value_int(INT64_MAX));
    add(&f, "k", 101, leat_value_int(1));
    read_at(&f, "k", 101);
    assert_false(f.complete);
    expect_null(&f, SUM);
    expect_int(&f, VALUES, 2);
    expect_number(&f, AVG, 0x1p62);
    read_at(&f, "k", 110);
    assert_true(f.complete);
    expect_int(&f, SUM, 1);
    close_windows(&f);
}

static void numbers_that_can_not_be_held_are_refused_and_nothing_is_added(void **state)
{
    (void)state;
    struct fixture f;
    struct leat_reason reason;
    open_numbers(&f);
    const double refused[] = {0x1.0000000000001p51, -0x1.0000000000001p51, 1e300, HUGE_VAL, -HUGE_VAL, NAN};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct leat_value value = number(refused[i]);
        memset(&reason, 0, sizeof(reason));
        assert_int_equal(leat_windows_add(f.windows, key_of("k"), 100, &value, &reason), -1);
        assert_int_equal(reason.stage, LEAT_STAGE_FEATURE);
        assert_true(strlen(reason.text) > 10);
    }
    assert_int_equal(leat_windows_counters(f.windows).keys, 0);
    close_windows(&f);

    open_windows(&f, LEAT_TYPE_INT, NUMBERS, COUNT_OF(NUMBERS));
    const int64_t refused_ints[] = {INT64_MIN, INT64_MIN + 1};
    for (size_t i = 0; i < COUNT_OF(refused_ints); i++) {
        struct leat_value value = leat_value_int(refused_ints[i]);
        assert_int_equal(leat_windows_add(f.windows, key_of("k"), 100, &value, &reason), -1);
        assert_int_equal(reason.stage, LEAT_STAGE_FEATURE);
    }
    add(&f, "k", 100, leat_value_int(INT64_MIN + 2));
    read_at(&f, "k", 100);
    expect_int(&f, SUM, INT64_MIN + 2);
    expect_int(&f, MIN, INT64_MIN + 2);
    close_windows(&f);
}

static void the_largest_numbers_add_up_and_cancel_exactly(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(0x1p51));
    add(&f, "k", 101, number(0x1p-52));
    read_at(&f, "k", 101);
    expect_number(&f, SUM, 0x1p51);
    add(&f, "k", 102, number(-0x1p51));
    read_at(&f, "k", 102);
    expect_number(&f, SUM, 0x1p-52);
    expect_number(&f, AVG, 0x1p-52 / 3);
    for (int i = 0; i < 100; i++)
        add(&f, "k", 103, number(0x1p51));
    read_at(&f, "k", 103);
    expect_number(&f, SUM, 100 * 0x1p51);
    expect_number(&f, MAX, 0x1p51);
    /* All but these have left. */
    add(&f, "k", 112, number(0x1p-52));
    add(&f, "k", 112, number(-0x1p-52));
    read_at(&f, "k", 113);
    expect_number(&f, SUM, 0);
    expect_number(&f, VAR, 0x1p-103);
    close_windows(&f);
}

static void the_sum_of_one_number_from_1_on_is_that_number(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    const double amounts[] = {6.58, 1.01, 12.34, 999.99, 1e15 + 0.125, 1.0000000000000002};
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        add(&f, "k", 100 * (int64_t)(i + 1), number(amounts[i]));
        read_at(&f, "k", 100 * (int64_t)(i + 1));
        expect_number(&f, SUM, amounts[i]);
        expect_number(&f, AVG, amounts[i]);
    }
    close_windows(&f);
}

static void the_smallest_numbers_are_kept_but_add_nothing(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(DBL_TRUE_MIN));
    add(&f, "k", 101, number(-DBL_MIN));
    add(&f, "k", 102, number(-0.0));
    read_at(&f, "k", 102);
    expect_number(&f, SUM, 0);
    assert_false(signbit(f.values[SUM].as.d));
    expect_number(&f, FIRST, DBL_TRUE_MIN);
    expect_number(&f, MIN, -DBL_MIN);
    expect_number(&f, MAX, DBL_TRUE_MIN);
    expect_number(&f, LAST, 0);
    assert_true(signbit(f.values[LAST].as.d));
    /* −0 is before +0, whichever came first. */
    add(&f, "z", 100, number(0.0));
    add(&f, "z", 101, number(-0.0));
    add(&f, "y", 100, number(-0.0));
    add(&f, "y", 101, number(0.0));
    for (int i = 0; i < 2; i++) {
        read_at(&f, i ? "y" : "z", 101);
        assert_true(signbit(f.values[MIN].as.d));
        assert_false(signbit(f.values[MAX].as.d));
    }
    close_windows(&f);
}

static void texts_are_kept_for_first_last_and_lag(void **state)
{
    (void)state;
    static const struct leat_window_aggregate TEXTS[] = {{LEAT_AGGREGATE_COUNT, 0, 10},
                                                         {LEAT_AGGREGATE_FIRST, 0, 10},
                                                         {LEAT_AGGREGATE_LAST, 0, 10},
                                                         {LEAT_AGGREGATE_LAG, 0, 10},
                                                         {LEAT_AGGREGATE_FIRST, 0, LEAT_RANGE_NONE},
                                                         {LEAT_AGGREGATE_LAG, 0, LEAT_RANGE_NONE}};
    struct fixture f;
    open_windows(&f, LEAT_TYPE_STRING, TEXTS, COUNT_OF(TEXTS));
    char buffer[] = "DE";
    add(&f, "k", 100, text(buffer));
    memcpy(buffer, "FR", 2);
    add(&f, "k", 101, text(buffer));
    add(&f, "k", 102, text(""));
    memcpy(buffer, "??", 2);
    read_at(&f, "k", 102);
    expect_int(&f, 0, 3);
    expect_text(&f, 1, "DE");
    expect_text(&f, 2, "");
    expect_text(&f, 3, "FR");
    read_at(&f, "k", 111);
    expect_text(&f, 1, "");
    expect_null(&f, 3);
    expect_text(&f, 4, "DE");
    expect_text(&f, 5, "FR");
    close_windows(&f);
}

/* A text's memory is free again when the last event that has it is gone. */
static void texts_that_nobody_holds_leave(void **state)
{
    (void)state;
    static const struct leat_window_aggregate LASTS[] = {{LEAT_AGGREGATE_LAST, 0, 10},
                                                         {LEAT_AGGREGATE_LAG, 0, LEAT_RANGE_NONE}};
    struct fixture f;
    open_windows(&f, LEAT_TYPE_STRING, LASTS, COUNT_OF(LASTS));
    uint64_t bytes = 0;
    for (int i = 0; i < 20000; i++) {
        char buffer[300];
        snprintf(buffer, sizeof(buffer), "%0250d", i);
        add(&f, "k", i, text(buffer));
        leat_windows_evict(f.windows, i);
        if (i == 2000)
            bytes = leat_windows_counters(f.windows).bytes;
    }
    assert_int_equal(leat_windows_counters(f.windows).bytes, bytes);
    close_windows(&f);
}

/* ---- What is not there ---- */

static void a_key_that_is_full_drops_its_oldest_and_is_marked_while_a_window_reaches_that_far(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    leat_windows_free(f.windows);
    f.plan.events_per_key_max = 3;
    f.windows = leat_windows_new(&f.plan);
    for (int i = 0; i < 4; i++)
        add(&f, "k", 100 + i, number(i));
    add(&f, "other", 103, number(1));
    read_at(&f, "k", 103);
    assert_false(f.complete);
    expect_int(&f, EVENTS, 3);
    expect_number(&f, FIRST, 1);
    assert_int_equal(leat_windows_counters(f.windows).dropped, 1);
    read_at(&f, "k", 109);
    assert_false(f.complete);
    read_at(&f, "k", 110);
    assert_true(f.complete);
    expect_int(&f, EVENTS, 3);
    read_at(&f, "other", 103);
    assert_true(f.complete);
    /* Of equal times the first arrived leaves first. */
    for (int i = 0; i < 5; i++)
        add(&f, "k", 200, number(5 - i));
    read_at(&f, "k", 200);
    expect_number(&f, FIRST, 3);
    expect_number(&f, MAX, 3);
    /* One that is older than all held is the one that leaves, and the window says so. */
    add(&f, "k", 199, number(1000));
    read_at(&f, "k", 200);
    assert_false(f.complete);
    expect_int(&f, EVENTS, 3);
    expect_number(&f, MAX, 3);
    assert_int_equal(leat_windows_counters(f.windows).dropped, 1 + 5 + 1);
    close_windows(&f);
}

static void within_a_bound_of_bytes_events_are_dropped_and_marked(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    leat_windows_free(f.windows);
    f.aggregates[EVENTS].range = HOUR;
    f.plan.bytes_max = 300000;
    f.windows = leat_windows_new(&f.plan);
    for (int i = 0; i < 20000; i++)
        add(&f, "hot", i, number(i % 7));
    struct leat_windows_counters counters = leat_windows_counters(f.windows);
    assert_true(counters.bytes <= 300000 + 32768);
    assert_int_equal(counters.dropped + counters.events, 20000);
    assert_true(counters.events > 1000);
    read_at(&f, "hot", 19999);
    assert_false(f.complete);
    /* New keys find no room in the end; those that are asked for do not know what was lost. */
    char name[16];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "key-%d", i);
        add(&f, name, 20000, number(1));
    }
    counters = leat_windows_counters(f.windows);
    assert_true(counters.bytes <= 300000 + 32768);
    assert_true(counters.keys > 10 && counters.keys < 20000);
    read_at(&f, name, 20000);
    expect_int(&f, EVENTS, 0);
    assert_false(f.complete);
    read_at(&f, name, 20000 + HOUR);
    assert_true(f.complete);
    read_at(&f, "key-0", 20000 + HOUR - 1);
    assert_true(f.complete);
    expect_int(&f, EVENTS, 1);
    close_windows(&f);
}

static void behind_the_horizon_a_window_is_not_complete(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    add(&f, "k", 100, number(1));
    add(&f, "k", 130, number(2));
    leat_windows_evict(f.windows, 115);
    read_at(&f, "k", 115);
    assert_true(f.complete);
    read_at(&f, "k", 114);
    assert_false(f.complete);
    /* What has left is gone for all, in memory or not. */
    read_at(&f, "k", 105);
    assert_false(f.complete);
    expect_int(&f, EVENTS, 0);
    /* Late beyond the horizon, but in reach: it is there. */
    add(&f, "k", 106, number(4));
    read_at(&f, "k", 106);
    assert_false(f.complete);
    expect_number(&f, SUM, 4);
    read_at(&f, "k", 115);
    assert_true(f.complete);
    expect_number(&f, SUM, 4);
    /* Beyond reach: nothing is kept of it, nor of its key. */
    add(&f, "k", 105, number(8));
    add(&f, "other", 105, number(8));
    assert_int_equal(leat_windows_counters(f.windows).keys, 1);
    read_at(&f, "other", 105);
    assert_false(f.complete);
    expect_int(&f, EVENTS, 0);
    /* The horizon never goes back. */
    leat_windows_evict(f.windows, 0);
    read_at(&f, "k", 114);
    assert_false(f.complete);
    close_windows(&f);
}

static void before_the_covered_time_a_window_is_not_complete(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    leat_windows_cover(f.windows, 100);
    add(&f, "k", 105, number(1));
    read_at(&f, "k", 108);
    assert_false(f.complete);
    read_at(&f, "other", 108);
    assert_false(f.complete);
    read_at(&f, "k", 109); /* (99, 109] begins with 100 */
    assert_true(f.complete);
    leat_windows_cover(f.windows, LEAT_TIME_MIN);
    read_at(&f, "k", 105);
    assert_true(f.complete);
    close_windows(&f);

    static const struct leat_window_aggregate EVER[] = {{LEAT_AGGREGATE_COUNT, -1, LEAT_RANGE_NONE}};
    open_windows(&f, LEAT_TYPE_DOUBLE, EVER, 1);
    read_at(&f, "k", 105);
    assert_true(f.complete);
    leat_windows_cover(f.windows, 100);
    read_at(&f, "k", LEAT_TIME_MAX);
    assert_false(f.complete);
    close_windows(&f);
}

static void idle_keys_leave_and_their_memory_is_used_again(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    char name[32];
    uint64_t bytes = 0;
    for (int round = 0; round < 20; round++) {
        int64_t now = (round + 1) * HOUR;
        for (int i = 0; i < 2000; i++) {
            snprintf(name, sizeof(name), "key-%d-%d", round, i);
            for (int j = 0; j < 1 + i % 30; j++)
                add(&f, name, now + j, number(i));
            leat_windows_evict(f.windows, now);
        }
        assert_true(leat_windows_counters(f.windows).keys <= 4000);
        if (round == 3)
            bytes = leat_windows_counters(f.windows).bytes;
    }
    struct leat_windows_counters counters = leat_windows_counters(f.windows);
    assert_true(counters.bytes <= bytes + bytes / 10);
    assert_int_equal(counters.keys + counters.evicted_keys, 40000);
    for (int i = 0; i < 2000; i++)
        leat_windows_evict(f.windows, 100 * HOUR);
    counters = leat_windows_counters(f.windows);
    assert_int_equal(counters.keys, 0);
    assert_int_equal(counters.events, 0);
    assert_int_equal(counters.evicted_keys, 40000);
    close_windows(&f);
}

static void a_steady_load_of_one_key_takes_no_more_memory(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    uint64_t bytes = 0;
    for (int i = 0; i < 200000; i++) {
        add(&f, "k", i / 5, number(i % 100));
        leat_windows_evict(f.windows, i / 5);
        if (i == 1000)
            bytes = leat_windows_counters(f.windows).bytes;
    }
    assert_int_equal(leat_windows_counters(f.windows).bytes, bytes);
    assert_true(leat_windows_counters(f.windows).events < 200);
    close_windows(&f);
}

static void a_key_that_was_hot_gives_its_memory_back(void **state)
{
    (void)state;
    struct fixture f;
    open_numbers(&f);
    for (int i = 0; i < 100000; i++)
        add(&f, "k", 100, number(i % 100));
    uint64_t full = leat_windows_counters(f.windows).bytes;
    for (int i = 0; i < 100000; i++) {
        add(&f, "k", 200 + i, number(i));
        leat_windows_evict(f.windows, 200 + i);
    }
    assert_true(full > 1600000);
    assert_true(leat_windows_counters(f.windows).bytes < full / 10);
    close_windows(&f);
}

/* ---- Without a range ---- */

struct event {
    int64_t time;
    struct leat_value value;
};

/* All that can be asked without a range, by hand. */
static void expect_ever(const struct fixture *f, const struct event *events, size_t count)
{
    int64_t n = 0, sum = 0, squares = 0, min = INT64_MAX, max = INT64_MIN;
    struct event first = {.value = {.null = 2}}, last = first, lag = first, newest = first;
    for (size_t i = 0; i < count; i++) {
        const struct event *e = &events[i];
        if (i == 0 || e->time >= newest.time)
            newest = *e;
        if (e->value.null != 2 && (first.value.null == 2 || e->time < first.time))
            first = *e;
        if (e->value.null != 2 && (last.value.null == 2 || e->time >= last.time)) {
            lag = last;
            last = *e;
        } else if (e->value.null != 2 && (lag.value.null == 2 || e->time >= lag.time)) {
            lag = *e;
        }
        if (e->value.null)
            continue;
        int64_t x = e->value.as.i;
        n++, sum += x, squares += x * x;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    struct leat_value before = newest.value.null == 2 ? last.value : lag.value;
    const struct leat_value words[] = {first.value, last.value, before};
    expect_int(f, EVENTS, (int64_t)count);
    expect_int(f, VALUES, n);
    for (size_t i = 0; i < 3; i++)
        if (words[i].null)
            expect_null(f, FIRST + i);
        else
            expect_int(f, FIRST + i, words[i].as.i);
    if (n == 0) {
        expect_null(f, SUM);
        return;
    }
    expect_int(f, SUM, sum);
    expect_number(f, AVG, (double)sum / (double)n);
    expect_int(f, MIN, min);
    expect_int(f, MAX, max);
    if (n > 1)
        expect_number(f, VAR, (double)(n * squares - sum * sum) / (double)(n * (n - 1)));
    else
        expect_null(f, VAR);
}

static void open_ever(struct fixture *f, enum leat_type type)
{
    open_windows(f, type, NUMBERS, COUNT_OF(NUMBERS));
    leat_windows_free(f->windows);
    for (size_t i = 0; i < COUNT_OF(NUMBERS); i++)
        f->aggregates[i].range = LEAT_RANGE_NONE;
    f->windows = leat_windows_new(&f->plan);
}

static void without_a_range_all_events_count_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 300; seed++) {
        uint64_t random = seed;
        struct event events[60];
        struct fixture f;
        open_ever(&f, LEAT_TYPE_INT);
        for (size_t i = 0; i < COUNT_OF(events); i++) {
            events[i].time = (int64_t)below(&random, 40);
            uint64_t what = below(&random, 5);
            events[i].value = what == 0   ? leat_value_null()
                              : what == 1 ? leat_value_absent()
                                          : leat_value_int((int64_t)below(&random, 2000) - 1000);
            add(&f, "k", events[i].time, events[i].value);
            leat_windows_evict(f.windows, (int64_t)i * 1000);
            read_at(&f, "k", (int64_t)below(&random, 40));
            assert_true(f.complete);
            expect_ever(&f, events, i + 1);
        }
        close_windows(&f);
    }
}

static void without_a_range_the_memory_of_a_key_does_not_grow_and_it_stays(void **state)
{
    (void)state;
    struct fixture f;
    open_ever(&f, LEAT_TYPE_DOUBLE);
    add(&f, "k", 0, number(0.5));
    uint64_t bytes = leat_windows_counters(f.windows).bytes;
    for (int i = 1; i < 100000; i++) {
        add(&f, "k", i, number(0.5));
        leat_windows_evict(f.windows, LEAT_TIME_MAX);
    }
    assert_int_equal(leat_windows_counters(f.windows).bytes, bytes);
    assert_int_equal(leat_windows_counters(f.windows).events, 0);
    read_at(&f, "k", 0);
    expect_int(&f, EVENTS, 100000);
    expect_number(&f, SUM, 50000);
    close_windows(&f);
}

static void beside_a_window_without_range_the_events_of_idle_keys_leave(void **state)
{
    (void)state;
    static const struct leat_window_aggregate BOTH[] = {
        {LEAT_AGGREGATE_SUM, 0, 10}, {LEAT_AGGREGATE_MAX, 0, 10}, {LEAT_AGGREGATE_SUM, 0, LEAT_RANGE_NONE}};
    struct fixture f;
    open_windows(&f, LEAT_TYPE_DOUBLE, BOTH, COUNT_OF(BOTH));
    for (int lap = 0; lap < 3; lap++) {
        int64_t now = (lap + 1) * HOUR;
        for (int i = 0; i < 100; i++)
            add(&f, "k", now, number(1));
        read_at(&f, "k", now);
        expect_number(&f, 0, 100);
        expect_number(&f, 2, 100 * (lap + 1));
        for (int i = 0; i < 10; i++)
            leat_windows_evict(f.windows, now + HOUR / 2);
        assert_int_equal(leat_windows_counters(f.windows).events, 0);
        assert_int_equal(leat_windows_counters(f.windows).keys, 1);
        read_at(&f, "k", now + HOUR / 2);
        assert_true(f.complete);
        expect_null(&f, 0);
        expect_null(&f, 1);
        expect_number(&f, 2, 100 * (lap + 1));
    }
    close_windows(&f);
}

/* ---- Drift ---- */

static void ten_million_updates_leave_no_drift(void **state)
{
    (void)state;
    static const struct leat_window_aggregate DRIFT[] = {{LEAT_AGGREGATE_SUM, 0, 10 * SECOND},
                                                         {LEAT_AGGREGATE_VAR, 0, 10 * SECOND},
                                                         {LEAT_AGGREGATE_AVG, 0, SECOND},
                                                         {LEAT_AGGREGATE_MIN, 0, SECOND}};
    struct fixture f;
    open_windows(&f, LEAT_TYPE_DOUBLE, DRIFT, COUNT_OF(DRIFT));
    uint64_t random = 7;
    int64_t now = 0;
    for (int i = 0; i < 10000000; i++) {
        /* Magnitudes from 2^-40 to 2^50, with all digits: floating point would be far off soon. */
        double value = (double)(int64_t)next_random(&random) * 0x1p-103;
        value *= (double)(UINT64_C(1) << below(&random, 91) / 2) * (double)(UINT64_C(1) << below(&random, 46));
        now += (int64_t)below(&random, 40000);
        int64_t late = below(&random, 50) == 0 ? (int64_t)below(&random, 500000) : 0;
        add(&f, "k", now > late ? now - late : 0, number(value));
        if (i % 4 == 0)
            leat_windows_read(f.windows, key_of("k"), now, f.values, &f.complete);
        if (i % 64 == 0)
            leat_windows_evict(f.windows, now - SECOND);
        if (i % 100000 == 0)
            read_at(&f, "k", now);
    }
    read_at(&f, "k", now);
    read_at(&f, "k", now + 11 * SECOND);
    for (size_t i = 0; i < COUNT_OF(DRIFT); i++)
        expect_null(&f, i);
    add(&f, "k", now + 20 * SECOND, number(0.0));
    add(&f, "k", now + 20 * SECOND, number(0.0));
    read_at(&f, "k", now + 20 * SECOND);
    for (size_t i = 0; i < COUNT_OF(DRIFT); i++)
        expect_number(&f, i, 0);
    close_windows(&f);
}

/* Series that make extremes hard: rising, falling, constant, with what comes late on either side. */
static void extremes_are_right_on_series_that_never_turn(void **state)
{
    (void)state;
    static const struct leat_window_aggregate EXTREMES[] = {
        {LEAT_AGGREGATE_MIN, 0, 50},  {LEAT_AGGREGATE_MAX, 0, 50},   {LEAT_AGGREGATE_MIN, 0, 400},
        {LEAT_AGGREGATE_MAX, 0, 400}, {LEAT_AGGREGATE_MIN, 0, 1500}, {LEAT_AGGREGATE_MAX, 0, 1500}};
    for (int direction = -1; direction <= 1; direction++) {
        struct fixture f;
        open_windows(&f, LEAT_TYPE_DOUBLE, EXTREMES, COUNT_OF(EXTREMES));
        for (int i = 0; i < 6000; i++) {
            int64_t t = i % 10 == 9 ? i - 30 : i;
            add(&f, "k", t > 0 ? t : 0, number(direction * i));
            read_at(&f, "k", t > 0 ? t : 0);
            read_at(&f, "k", i);
            leat_windows_evict(f.windows, i - 60);
        }
        close_windows(&f);
    }
}

static void a_plan_may_have_no_columns_or_no_aggregates(void **state)
{
    (void)state;
    struct leat_window_aggregate counts[] = {{LEAT_AGGREGATE_COUNT, -1, 10},
                                             {LEAT_AGGREGATE_COUNT, -1, LEAT_RANGE_NONE}};
    struct leat_window_plan plan = {.aggregates = counts, .aggregate_count = 2};
    struct leat_windows *windows = leat_windows_new(&plan);
    struct leat_value values[2];
    struct leat_reason reason;
    bool complete;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(leat_windows_add(windows, key_of("k"), i, NULL, &reason), 0);
    leat_windows_read(windows, key_of("k"), 999, values, &complete);
    assert_int_equal(values[0].as.i, 10);
    assert_int_equal(values[1].as.i, 1000);
    leat_windows_free(windows);

    plan.aggregate_count = 0;
    windows = leat_windows_new(&plan);
    assert_int_equal(leat_windows_add(windows, key_of("k"), 1, NULL, &reason), 0);
    leat_windows_read(windows, key_of("k"), 1, values, &complete);
    leat_windows_evict(windows, 1);
    assert_true(complete);
    leat_windows_free(windows);
    leat_windows_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_excludes_its_beginning_and_includes_its_end),
        cmocka_unit_test(an_unknown_key_has_counts_of_zero_and_nulls),
        cmocka_unit_test(every_aggregate_has_the_value_that_arithmetic_gives_it),
        cmocka_unit_test(one_value_has_no_variance_and_nothing_before_it),
        cmocka_unit_test(events_of_equal_time_keep_the_order_of_their_arrival),
        cmocka_unit_test(nulls_are_events_but_no_values_and_first_and_last_may_be_null),
        cmocka_unit_test(what_a_filter_leaves_out_is_passed_over),
        cmocka_unit_test(an_event_that_comes_late_counts_wherever_a_range_holds_it),
        cmocka_unit_test(keys_are_apart_whatever_their_bytes),
        cmocka_unit_test(integers_booleans_and_times_have_their_aggregates),
        cmocka_unit_test(a_sum_of_integers_beyond_an_integer_is_null_and_marked_until_it_fits_again),
        cmocka_unit_test(numbers_that_can_not_be_held_are_refused_and_nothing_is_added),
        cmocka_unit_test(the_largest_numbers_add_up_and_cancel_exactly),
        cmocka_unit_test(the_sum_of_one_number_from_1_on_is_that_number),
        cmocka_unit_test(the_smallest_numbers_are_kept_but_add_nothing),
        cmocka_unit_test(texts_are_kept_for_first_last_and_lag),
        cmocka_unit_test(texts_that_nobody_holds_leave),
        cmocka_unit_test(a_key_that_is_full_drops_its_oldest_and_is_marked_while_a_window_reaches_that_far),
        cmocka_unit_test(within_a_bound_of_bytes_events_are_dropped_and_marked),
        cmocka_unit_test(behind_the_horizon_a_window_is_not_complete),
        cmocka_unit_test(before_the_covered_time_a_window_is_not_complete),
        cmocka_unit_test(idle_keys_leave_and_their_memory_is_used_again),
        cmocka_unit_test(a_steady_load_of_one_key_takes_no_more_memory),
        cmocka_unit_test(a_key_that_was_hot_gives_its_memory_back),
        cmocka_unit_test(without_a_range_all_events_count_in_any_order),
        cmocka_unit_test(without_a_range_the_memory_of_a_key_does_not_grow_and_it_stays),
        cmocka_unit_test(beside_a_window_without_range_the_events_of_idle_keys_leave),
        cmocka_unit_test(extremes_are_right_on_series_that_never_turn),
        cmocka_unit_test(a_plan_may_have_no_columns_or_no_aggregates),
        cmocka_unit_test(random_streams_read_as_the_plain_twin_reads_them),
        cmocka_unit_test(long_logs_out_of_order_read_as_the_plain_twin_reads_them),
        cmocka_unit_test(ten_million_updates_leave_no_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
