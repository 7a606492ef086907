/* Decoding JSON: 8 of the 12 fields of 8192 different card-fraud records, beside the bare loop of bare_json.h in turn. */
#include "bare_json.h"
#include "base/time.h"
#include "card_fraud.h"
#include "event/codec.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDS 8192
#define REPETITIONS 31
#define USED 8

static const char *const FIELDS[] = {"tx_id", "card_id", "merchant_id", "amount",      "currency", "country",
                                     "mcc",   "channel", "entry_mode",  "terminal_id", "device",   "ts"};
#define FIELD_COUNT (sizeof(FIELDS) / sizeof(FIELDS[0]))
enum { AMOUNT = 3, TS = 7 };
static const char *const READ[USED] = {"tx_id", "card_id", "merchant_id", "amount", "country", "mcc", "channel", "ts"};

struct records {
    const char *data[RECORDS];
    size_t len[RECORDS];
    struct leat_arena arena;
};

static struct records *make_records(void)
{
    struct records *records = leat_calloc(1, sizeof(*records));
    struct card_fraud *load = card_fraud_new(CARD_FRAUD_SEED);
    struct card_fraud_record record;
    for (size_t i = 0; i < RECORDS; i++) {
        char *text = leat_arena_zalloc(&records->arena, 1, CARD_FRAUD_RECORD_BYTES + BARE_JSON_PADDING);
        card_fraud_next(load, &record);
        records->len[i] = card_fraud_write(&record, text);
        records->data[i] = text;
    }
    card_fraud_free(load);
    return records;
}

static struct leat_schema make_schema(struct leat_arena *arena)
{
    struct leat_field *fields = leat_arena_zalloc(arena, FIELD_COUNT, sizeof(*fields));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        fields[i].name = leat_bytes_of(FIELDS[i]);
        fields[i].type = LEAT_TYPE_STRING;
        if (leat_bytes_is(fields[i].name, READ[AMOUNT]))
            fields[i].type = LEAT_TYPE_DOUBLE;
        if (leat_bytes_is(fields[i].name, READ[TS])) {
            fields[i].type = LEAT_TYPE_TIME;
            fields[i].encoding = LEAT_ENCODING_TIME_MS;
        }
    }
    return (struct leat_schema){fields, FIELD_COUNT};
}

/* The same sum as the bare loop's. */
static double read_records(struct leat_decoder *decoder, struct leat_arena *arena, const struct records *records)
{
    struct leat_value values[USED];
    struct leat_reason reason;
    double sum = 0;
    for (size_t r = 0; r < RECORDS; r++) {
        struct leat_bytes record = {records->data[r], records->len[r]};
        leat_arena_reset(arena);
        if (leat_decoder_decode(decoder, record, arena, values, &reason) != 0) {
            fprintf(stderr, "%s\n", reason.text);
            exit(1);
        }
        for (size_t i = 0; i < USED; i++)
            if (i != AMOUNT && i != TS)
                sum += (double)values[i].len + values[i].as.s[values[i].len - 1];
        sum += values[AMOUNT].as.d + (double)(values[TS].as.i / LEAT_MILLISECOND);
    }
    return sum;
}

int main(void)
{
    struct leat_arena memory = {0}, arena = {0};
    struct leat_schema schema = make_schema(&memory);
    struct leat_projection projection = {0};
    for (size_t i = 0, slot; i < USED; i++) {
        struct leat_error err;
        if (leat_projection_slot(&projection, &schema, leat_bytes_of(READ[i]), &memory, &slot, &err) != 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    struct records *records = make_records();
    struct leat_decoder *decoder = leat_decoder_new(LEAT_FORMAT_JSON, &schema, &projection);
    struct bare_json *bare = bare_json_new();
    double ours[REPETITIONS], theirs[REPETITIONS], ratios[REPETITIONS];
    for (size_t r = 0; r < REPETITIONS; r++) {
        double start = bench_cpu_ns();
        double sum = read_records(decoder, &arena, records);
        double middle = bench_cpu_ns();
        double bare_sum = bare_json_read(bare, records->data, records->len, RECORDS);
        double end = bench_cpu_ns();
        if (sum < bare_sum * (1 - 1e-12) || sum > bare_sum * (1 + 1e-12)) {
            fprintf(stderr, "the loops read different values: %.17g and %.17g\n", sum, bare_sum);
            return 1;
        }
        ours[r] = (middle - start) / RECORDS;
        theirs[r] = (end - middle) / RECORDS;
        ratios[r] = ours[r] / theirs[r];
    }
    char against[64];
    snprintf(against, sizeof(against), "bare simdjson: %.0f ns", bench_median(theirs, REPETITIONS));
    bench_report("JSON decode, 8 of 12 fields of 260 bytes", bench_median(ours, REPETITIONS), "ns/event", "", against);
    bench_report("JSON decode, ratio", bench_median(ratios, REPETITIONS), "x", "<= 1.3", "bare simdjson On-Demand");
    leat_decoder_free(decoder);
    bare_json_free(bare);
    leat_arena_done(&records->arena);
    free(records);
    leat_arena_done(&memory);
    leat_arena_done(&arena);
    return 0;
}
