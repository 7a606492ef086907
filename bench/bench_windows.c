/* Windows under the card-fraud load: 50,000 cards by Zipf-Mandelbrot 1/(k + 50), 864 ms of event time a record, so that a day holds
 * 41 records of its card as a record sees it. Every record is added and then twelve aggregates are read: count, sum, avg
 * and max over 10 minutes, an hour and a day. Prints what one record costs and what is held. */
#include "base/time.h"
#include "state/windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CARDS 50000
#define RECORDS 1000000
#define BATCH 500
#define MEAN_STEP 864000 /* µs */
#define KEY_LENGTH 12

struct record {
    int64_t time;
    double amount;
    uint32_t card;
};

static uint64_t seed = 20240607;

static uint64_t next_random(void)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Cards in a random order of popularity, found by their cumulative weight in integers. */
static uint64_t weights[CARDS];
static uint32_t names[CARDS];

static void make_cards(void)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < CARDS; k++) {
        weights[k] = sum += (UINT64_C(1) << 40) / (k + 50);
        names[k] = k;
    }
    for (uint32_t k = CARDS - 1; k > 0; k--) {
        uint32_t other = (uint32_t)(next_random() % (k + 1)), name = names[k];
        names[k] = names[other];
        names[other] = name;
    }
}

static uint32_t random_card(void)
{
    uint64_t at = next_random() % weights[CARDS - 1];
    uint32_t low = 0, high = CARDS - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (weights[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return names[low];
}

/* `late`: of 1000 records so many come up to 30 s late. */
static struct record *make_records(uint32_t late)
{
    struct record *records = malloc(RECORDS * sizeof(*records));
    int64_t now = 0;
    uint32_t card = 0, burst = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        if (burst > 0)
            burst--;
        else {
            card = random_card();
            burst = next_random() % 64 == 0 ? (uint32_t)(next_random() % 4) : 0;
        }
        now += (int64_t)(next_random() % (2 * MEAN_STEP));
        records[i].time = now;
        if (next_random() % 1000 < late)
            records[i].time -= (int64_t)(next_random() % (uint64_t)(30 * LEAT_SECOND));
        if (records[i].time < 0)
            records[i].time = 0;
        records[i].amount = (double)(next_random() % 50000) / 100.0;
        records[i].card = card;
    }
    return records;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct leat_bytes key_of(uint32_t card, char text[KEY_LENGTH + 1])
{
    text[0] = 1;
    memcpy(text + 1, "card-", 5);
    for (int i = KEY_LENGTH - 1; i >= 6; i--, card /= 10)
        text[i] = (char)('0' + card % 10);
    return (struct leat_bytes){text, KEY_LENGTH};
}

struct load {
    const char *name;
    struct leat_window_aggregate aggregates[24];
    size_t count;
    uint32_t late;
    bool plain;
};

static void add_aggregates(struct load *load, const enum leat_aggregate_kind *kinds, size_t kind_count, int64_t range)
{
    for (size_t i = 0; i < kind_count; i++)
        load->aggregates[load->count++] = (struct leat_window_aggregate){
            kinds[i], kinds[i] == LEAT_AGGREGATE_COUNT ? -1 : 0, range};
}

static double run(const struct load *load, const struct record *records, bool report)
{
    static const enum leat_type COLUMNS[] = {LEAT_TYPE_DOUBLE};
    struct leat_window_plan plan = {
        .columns = COLUMNS, .column_count = 1, .aggregates = load->aggregates, .aggregate_count = load->count};
    struct leat_windows *windows = leat_windows_new(&plan);
    struct leat_value values[24];
    struct leat_reason reason;
    char text[KEY_LENGTH + 1];
    bool complete;
    double sum = 0, held = 0;
    int64_t watermark = 0;
    size_t first = RECORDS / 5; /* two days of filling are not timed */
    double start = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        if (i == first)
            start = seconds_now();
        const struct record *record = &records[i];
        struct leat_bytes key = key_of(record->card, text);
        struct leat_value amount = leat_value_double(record->amount);
        if (leat_windows_add(windows, key, record->time, &amount, &reason) != 0)
            abort();
        if (load->plain)
            leat_windows_read_plain(windows, key, record->time, values, &complete);
        else
            leat_windows_read(windows, key, record->time, values, &complete);
        sum += values[load->count - 1].null ? 0 : values[load->count - 1].as.d;
        held += (double)values[load->count - 4].as.i;
        watermark = record->time > watermark ? record->time : watermark;
        if (i % BATCH == BATCH - 1)
            leat_windows_evict(windows, watermark - 30 * LEAT_SECOND);
    }
    double ns = (seconds_now() - start) * 1e9 / (double)(RECORDS - first);
    struct leat_windows_counters counters = leat_windows_counters(windows);
    if (report)
        printf("%-44s %7.1f ns/event; %.1f events in the day; held: %llu keys, %llu events, %.1f MB = %.0f bytes per key "
               "(%.0f beside 16 per event) %s\n",
               load->name, ns, held / RECORDS, (unsigned long long)counters.keys, (unsigned long long)counters.events,
               (double)counters.bytes / 1e6, (double)counters.bytes / (double)counters.keys,
               ((double)counters.bytes - 16.0 * (double)counters.events) / (double)counters.keys, sum > 0 ? "" : "?");
    leat_windows_free(windows);
    return ns;
}

int main(void)
{
    static const int64_t RANGES[] = {10 * LEAT_MINUTE, LEAT_HOUR, 24 * LEAT_HOUR};
    static const enum leat_aggregate_kind CARD[] = {LEAT_AGGREGATE_COUNT, LEAT_AGGREGATE_SUM, LEAT_AGGREGATE_AVG,
                                                    LEAT_AGGREGATE_MAX};
    static const enum leat_aggregate_kind SUMS[] = {LEAT_AGGREGATE_COUNT, LEAT_AGGREGATE_SUM, LEAT_AGGREGATE_AVG,
                                                    LEAT_AGGREGATE_SUM};
    static const enum leat_aggregate_kind SPREAD[] = {LEAT_AGGREGATE_COUNT, LEAT_AGGREGATE_VAR, LEAT_AGGREGATE_MIN,
                                                      LEAT_AGGREGATE_STDDEV};
    struct load loads[] = {
        {.name = "12 aggregates, in order"},
        {.name = "12 aggregates, 5 % up to 30 s late", .late = 50},
        {.name = "12 aggregates, in order, plain twin", .plain = true},
        {.name = "sums alone over a day, in order"},
        {.name = "count, var, min, stddev over 3, in order"},
    };
    make_cards();
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        const enum leat_aggregate_kind *kinds = i == 4 ? SPREAD : i == 3 ? SUMS : CARD;
        for (size_t r = i == 3 ? 2 : 0; r < 3; r++)
            add_aggregates(&loads[i], kinds, 4, RANGES[r]);
        struct record *records = make_records(loads[i].late);
        run(&loads[i], records, false);
        run(&loads[i], records, true);
        free(records);
    }
    return 0;
}
