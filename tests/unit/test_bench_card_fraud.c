/* The load of the benchmarks has the properties that its figures are told with. */
#include "base/map.h"
#include "card_fraud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define RECORDS 1000000
#define WINDOW_MS (24 * INT64_C(3600000))

struct times { /* of one card, ascending */
    int64_t *ts;
    size_t count, capacity, first; /* first: of the window */
};

static void times_add(struct times *times, int64_t ts)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity ? 2 * times->capacity : 8;
        times->ts = realloc(times->ts, times->capacity * sizeof(*times->ts));
    }
    times->ts[times->count++] = ts;
    while (times->ts[times->first] <= ts - WINDOW_MS)
        times->first++;
}

static void a_million_records_are_as_described(void **state)
{
    (void)state;
    struct card_fraud *load = card_fraud_new(CARD_FRAUD_SEED);
    struct times *cards = calloc(CARD_FRAUD_CARDS, sizeof(*cards));
    struct card_fraud_record record;
    char text[CARD_FRAUD_RECORD_BYTES];
    double held = 0, bytes = 0;
    size_t unknown = 0, repeated = 0, same = CARD_FRAUD_CARDS;
    int64_t ts = CARD_FRAUD_START_MS;
    for (size_t i = 0; i < RECORDS; i++) {
        card_fraud_next(load, &record);
        assert_int_equal(record.number, i);
        assert_true(record.ts_ms >= ts);
        ts = record.ts_ms;
        size_t len = card_fraud_write(&record, text);
        assert_in_range(len, 250, 270);
        bytes += (double)len;
        times_add(&cards[record.card], ts);
        held += (double)(cards[record.card].count - cards[record.card].first);
        unknown += record.merchant >= CARD_FRAUD_MERCHANTS;
        repeated += record.card == same;
        same = record.card;
    }
    size_t hottest = 0;
    for (size_t i = 0; i < CARD_FRAUD_CARDS; i++) {
        hottest = cards[i].count > hottest ? cards[i].count : hottest;
        free(cards[i].ts);
    }
    print_message(
        "# window of a day %.2f, hottest card %zu, %.1f bytes, mean step %.2f ms, unknown merchants %zu, the card before %zu\n",
        held / RECORDS, hottest, bytes / RECORDS, (double)(ts - CARD_FRAUD_START_MS) / RECORDS, unknown, repeated);
    assert_in_range(held / RECORDS * 100, 4050, 4199);
    assert_in_range(hottest, 2700, 3300);
    assert_in_range((ts - CARD_FRAUD_START_MS) / (RECORDS / 1000), 863000, 865000);
    assert_in_range(unknown, 15000, 16300);
    assert_in_range(repeated, 30000, 50000);
    free(cards);
    card_fraud_free(load);
}

static void the_bytes_are_the_same_anywhere(void **state)
{
    (void)state;
    struct card_fraud *load = card_fraud_new(CARD_FRAUD_SEED);
    struct card_fraud_record record;
    char text[CARD_FRAUD_RECORD_BYTES];
    uint64_t digest = 0;
    for (size_t i = 0; i < 20000; i++) {
        card_fraud_next(load, &record);
        digest = 31 * digest + leat_hash(text, card_fraud_write(&record, text));
    }
    for (uint32_t i = 0; i < CARD_FRAUD_MERCHANTS; i++)
        digest = 31 * digest + leat_hash(text, card_fraud_write_merchant(load, i, text));
    assert_int_equal(digest, UINT64_C(0x2cc1f506c6868831));
    card_fraud_free(load);
}

static void another_seed_makes_another_load(void **state)
{
    (void)state;
    struct card_fraud *one = card_fraud_new(1), *two = card_fraud_new(2);
    struct card_fraud_record a, b;
    card_fraud_next(one, &a);
    card_fraud_next(two, &b);
    assert_int_not_equal(a.id, b.id);
    card_fraud_free(one);
    card_fraud_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_records_are_as_described),
        cmocka_unit_test(the_bytes_are_the_same_anywhere),
        cmocka_unit_test(another_seed_makes_another_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
