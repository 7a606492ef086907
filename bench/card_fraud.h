/* The card-fraud load: payments by card, of which examples/card-fraud makes scores. For benchmarks and tests.
 *
 * A record and its bytes depend on the seed and on its number alone: integers only, so they are the same anywhere.
 * 50,000 cards are drawn with weights 1/(k + 50), now and then in a short burst of one card. Event time starts at
 * midnight, goes on by 864 ms on average, and never goes back: a million records are ten days. One payment in 64 is at a
 * merchant that the table does not have. */
#ifndef BENCH_CARD_FRAUD_H
#define BENCH_CARD_FRAUD_H

#include <stddef.h>
#include <stdint.h>

#define CARD_FRAUD_CARDS 50000
#define CARD_FRAUD_MERCHANTS 5000                  /* in the table */
#define CARD_FRAUD_STEP_MS 864                     /* on average */
#define CARD_FRAUD_START_MS INT64_C(1717372800000) /* 2024-06-03T00:00:00Z */
#define CARD_FRAUD_SEED 20240603
#define CARD_FRAUD_RECORD_BYTES 270   /* at most; at least 250 */
#define CARD_FRAUD_MERCHANT_BYTES 120 /* at most */

struct card_fraud; /* the load at one place; one thread */

struct card_fraud_record {
    uint64_t number;
    uint64_t id;
    uint32_t card;
    uint32_t merchant;
    uint32_t cents;
    uint32_t terminal;
    uint32_t country; /* an index, like those below */
    uint32_t kind;
    uint32_t entry;
    int64_t ts_ms;
};

struct card_fraud *card_fraud_new(uint64_t seed);
void card_fraud_free(struct card_fraud *load); /* NULL is fine */
void card_fraud_next(struct card_fraud *load, struct card_fraud_record *ret);

/* As JSON, without a line end or a NUL. Returns the length: at most CARD_FRAUD_RECORD_BYTES. */
size_t card_fraud_write(const struct card_fraud_record *record, char *ret);
/* Row `merchant` of the table, likewise: at most CARD_FRAUD_MERCHANT_BYTES. */
size_t card_fraud_write_merchant(const struct card_fraud *load, uint32_t merchant, char *ret);

#endif
