/* Windows under the card-fraud load: every record is added and then twelve aggregates of its card are read: count, sum,
 * avg and max of the amount over 10 minutes, an hour and a day. Two days fill the windows before the clock runs. Beside
 * that: with records out of order, by the plain twin, sums alone, variances, and one key that has all events (of which
 * those that come 6 h late have 12,500 others behind them).
 *
 *   bench_windows [RECORDS [REPETITIONS [CASE]]] */
#include "base/arena.h"
#include "base/time.h"
#include "card_fraud.h"
#include "report.h"
#include "state/windows.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 500
#define KEY_LENGTH 12
#define GRACE (30 * LEAT_SECOND)
#define MOST 12

struct event {
    int64_t time;
    double amount;
    uint32_t card;
};

struct load {
    const char *name;
    enum leat_aggregate_kind kinds[4];
    size_t first_range; /* of RANGES: this and the longer ones */
    uint32_t late;      /* of 1000 events so many come late */
    int64_t late_max;
    bool plain;
    bool one_key;
    const char *target;
};

static const int64_t RANGES[] = {10 * LEAT_MINUTE, LEAT_HOUR, LEAT_DAY};

#define CARD                                                                             \
    {                                                                                    \
        LEAT_AGGREGATE_COUNT, LEAT_AGGREGATE_SUM, LEAT_AGGREGATE_AVG, LEAT_AGGREGATE_MAX \
    }

static const struct load LOADS[] = {
    {.name = "12 aggregates over 3 ranges", .kinds = CARD, .target = "<= 300"},
    {.name = "12 aggregates, 5 % up to 30 s late", .kinds = CARD, .late = 50, .late_max = GRACE, .target = ""},
    {.name = "12 aggregates, the plain twin", .kinds = CARD, .plain = true, .target = ""},
    {.name = "count, sum, avg over a day",
     .kinds = {LEAT_AGGREGATE_COUNT, LEAT_AGGREGATE_SUM, LEAT_AGGREGATE_AVG, LEAT_AGGREGATE_SUM},
     .first_range = 2,
     .target = ""},
    {.name = "count, var, min, stddev over 3 ranges",
     .kinds = {LEAT_AGGREGATE_COUNT, LEAT_AGGREGATE_VAR, LEAT_AGGREGATE_MIN, LEAT_AGGREGATE_STDDEV},
     .target = ""},
    {.name = "12 aggregates, one key", .kinds = CARD, .one_key = true, .target = ""},
    {.name = "12 aggregates, one key, 5 % up to 30 s late",
     .kinds = CARD,
     .one_key = true,
     .late = 50,
     .late_max = GRACE,
     .target = ""},
    {.name = "12 aggregates, one key, 5 % up to 6 h late",
     .kinds = CARD,
     .one_key = true,
     .late = 50,
     .late_max = 6 * LEAT_HOUR,
     .target = ""},
};
#define LOAD_COUNT (sizeof(LOADS) / sizeof(LOADS[0]))

static struct event *make_events(const struct load *load, size_t count)
{
    struct card_fraud *records = card_fraud_new(CARD_FRAUD_SEED);
    struct event *events = leat_calloc(count, sizeof(*events));
    uint64_t seed = 11;
    for (size_t i = 0; i < count; i++) {
        struct card_fraud_record record;
        card_fraud_next(records, &record);
        bool late = bench_random(&seed) % 1000 < load->late;
        events[i].time = record.ts_ms * LEAT_MILLISECOND;
        events[i].time -= late ? (int64_t)(bench_random(&seed) % (uint64_t)load->late_max) : 0;
        events[i].amount = record.cents / 100.0;
        events[i].card = load->one_key ? 0 : record.card;
    }
    card_fraud_free(records);
    return events;
}

static struct leat_bytes key_of(uint32_t card, char text[KEY_LENGTH])
{
    memcpy(text, "\1card-", 6);
    for (int i = KEY_LENGTH - 1; i >= 6; i--, card /= 10)
        text[i] = (char)('0' + card % 10);
    return (struct leat_bytes){text, KEY_LENGTH};
}

struct result {
    double ns, events_of_window, bytes_per_key, bytes_beside_events;
    struct leat_windows_counters counters;
};

static struct leat_windows *open_windows(const struct load *load, struct leat_window_plan *plan,
                                         struct leat_window_aggregate aggregates[MOST])
{
    static const enum leat_type COLUMNS[] = {LEAT_TYPE_DOUBLE};
    *plan = (struct leat_window_plan){.columns = COLUMNS, .column_count = 1, .aggregates = aggregates};
    for (size_t r = load->first_range; r < sizeof(RANGES) / sizeof(RANGES[0]); r++)
        for (size_t k = 0; k < 4; k++)
            aggregates[plan->aggregate_count++] = (struct leat_window_aggregate){
                load->kinds[k], load->kinds[k] == LEAT_AGGREGATE_COUNT ? -1 : 0, RANGES[r]};
    return leat_windows_new(plan);
}

static struct result run(const struct load *load, const struct event *events, size_t count)
{
    struct leat_window_plan plan;
    struct leat_window_aggregate aggregates[MOST];
    struct leat_windows *windows = open_windows(load, &plan, aggregates);
    struct leat_value values[MOST];
    struct leat_reason reason;
    char text[KEY_LENGTH];
    bool complete;
    size_t first = 2 * 100000 < count / 2 ? 2 * 100000 : count / 2;
    double in_window = 0, start = 0;
    int64_t watermark = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == first)
            start = bench_cpu_ns();
        struct leat_bytes key = key_of(events[i].card, text);
        struct leat_value amount = leat_value_double(events[i].amount);
        if (leat_windows_add(windows, key, events[i].time, &amount, &reason) != 0)
            abort();
        if (load->plain)
            leat_windows_read_plain(windows, key, events[i].time, values, &complete);
        else
            leat_windows_read(windows, key, events[i].time, values, &complete);
        in_window += (double)values[plan.aggregate_count - 4].as.i;
        watermark = events[i].time > watermark ? events[i].time : watermark;
        if (i % BATCH == BATCH - 1)
            leat_windows_evict(windows, watermark - (load->late ? load->late_max : GRACE));
    }
    struct result result = {.ns = (bench_cpu_ns() - start) / (double)(count - first)};
    result.counters = leat_windows_counters(windows);
    result.events_of_window = in_window / (double)count;
    result.bytes_per_key = (double)result.counters.bytes / (double)result.counters.keys;
    result.bytes_beside_events = ((double)result.counters.bytes - 16.0 * (double)result.counters.events) /
                                 (double)result.counters.keys;
    leat_windows_free(windows);
    return result;
}

static void report(const struct load *load, size_t count, size_t repetitions)
{
    struct event *events = make_events(load, count);
    double ns[99];
    struct result result = {.ns = 0};
    for (size_t i = 0; i < repetitions; i++) {
        result = run(load, events, count);
        ns[i] = result.ns;
    }
    char against[160];
    snprintf(against, sizeof(against), "%.0f events in the day as an event sees it", result.events_of_window);
    double median = bench_median(ns, repetitions);
    printf("# %-44s best %.0f ns; held: %llu keys, %llu events, %.1f MB: %.0f bytes per key, %.0f beside 16 per event\n",
           load->name, ns[0], (unsigned long long)result.counters.keys, (unsigned long long)result.counters.events,
           (double)result.counters.bytes / 1e6, result.bytes_per_key, result.bytes_beside_events);
    bench_report(load->name, median, "ns/event", load->target, against);
    free(events);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)atol(argv[1]) : 600000;
    size_t repetitions = argc > 2 ? (size_t)atol(argv[2]) : 5;
    if (count < 2 || repetitions < 1 || repetitions > 99) {
        fprintf(stderr, "usage: bench_windows [RECORDS [REPETITIONS [CASE]]]\n");
        return 2;
    }
    for (size_t i = 0; i < LOAD_COUNT; i++)
        if (argc <= 3 || atol(argv[3]) == (long)i)
            report(&LOADS[i], count, LOADS[i].plain ? 1 : repetitions);
    return 0;
}
