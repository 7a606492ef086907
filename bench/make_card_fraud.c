/* Writes the card-fraud load as files, for `--files` or to be produced to Kafka.
 *
 *   make_card_fraud DIR [COUNT [SEED]]     DIR/tx.jsonl and DIR/merchants.jsonl; a million records are 263 MB */
#include "base/error.h"
#include "base/file.h"
#include "card_fraud.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_BYTES (1u << 20)

static FILE *open_file(const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    FILE *file = fopen(path, "w");
    if (file)
        setvbuf(file, NULL, _IOFBF, WRITE_BYTES);
    return file;
}

static int close_file(FILE *file)
{
    int failed = ferror(file);
    return fclose(file) != 0 || failed ? -1 : 0;
}

static int write_merchants(const struct card_fraud *load, const char *folder)
{
    char line[CARD_FRAUD_MERCHANT_BYTES + 1];
    FILE *file = open_file(folder, "merchants.jsonl");
    if (!file)
        return -1;
    for (uint32_t merchant = 0; merchant < CARD_FRAUD_MERCHANTS; merchant++) {
        size_t len = card_fraud_write_merchant(load, merchant, line);
        line[len++] = '\n';
        fwrite(line, 1, len, file);
    }
    return close_file(file);
}

static int write_records(struct card_fraud *load, uint64_t count, const char *folder)
{
    char line[CARD_FRAUD_RECORD_BYTES + 1];
    struct card_fraud_record record;
    FILE *file = open_file(folder, "tx.jsonl");
    if (!file)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        card_fraud_next(load, &record);
        size_t len = card_fraud_write(&record, line);
        line[len++] = '\n';
        fwrite(line, 1, len, file);
    }
    return close_file(file);
}

static int number_of(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' || *text < '0' || *text > '9' ? -1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t count = 1000000, seed = CARD_FRAUD_SEED;
    if (argc < 2 || argc > 4 || (argc > 2 && number_of(argv[2], &count) != 0) ||
        (argc > 3 && number_of(argv[3], &seed) != 0)) {
        fputs("usage: make_card_fraud DIR [COUNT [SEED]]\n", stderr);
        return 2;
    }
    struct leat_error err;
    if (leat_folder_make(argv[1], &err) != 0) {
        fprintf(stderr, "make_card_fraud: %s\n", err.text);
        return 3;
    }
    struct card_fraud *load = card_fraud_new(seed);
    int failed = write_merchants(load, argv[1]) != 0 || write_records(load, count, argv[1]) != 0;
    if (failed)
        fprintf(stderr, "make_card_fraud: writing to %s: %s\n", argv[1], strerror(errno));
    card_fraud_free(load);
    return failed ? 3 : 0;
}
