#include "card_fraud.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define MERCHANTS_UNKNOWN 100 /* numbered after those of the table */
#define MERCHANTS (CARD_FRAUD_MERCHANTS + MERCHANTS_UNKNOWN)
#define TERMINALS 16 /* per merchant */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    char code[3], currency[4];
} COUNTRIES[] = {
    {"US", "USD"}, {"GB", "GBP"}, {"DE", "EUR"}, {"FR", "EUR"},
    {"ES", "EUR"}, {"PL", "PLN"}, {"BR", "BRL"}, {"JP", "JPY"},
};

static const struct {
    char mcc[5];
    const char *category;
} KINDS[] = {
    {"5411", "grocery"}, {"5812", "restaurant"}, {"4829", "transfer"},    {"7995", "gambling"},
    {"5541", "fuel"},    {"5912", "pharmacy"},   {"5732", "electronics"}, {"4111", "transport"},
    {"7011", "hotel"},   {"5651", "clothing"},   {"5999", "retail"},      {"4814", "telecom"},
};

static const struct {
    const char *channel, *mode;
} ENTRIES[] = {
    {"pos", "chip"},   {"pos", "nfc"},    {"pos", "swipe"}, {"web", "keyed"},
    {"web", "wallet"}, {"app", "wallet"}, {"atm", "chip"},  {"moto", "keyed"},
};

struct merchant {
    uint32_t country, kind, risk; /* risk in thousandths */
};

/* The alias method: column k is drawn evenly, and stands for itself with `share` of `total`, else for `alias`. */
struct column {
    uint64_t share;
    uint32_t alias;
    uint32_t card; /* names are in another order than popularity */
};

struct card_fraud {
    uint64_t random;
    uint64_t number;
    int64_t ts_ms;
    uint32_t card, burst; /* so many more records of this card */
    uint64_t total;
    struct column columns[CARD_FRAUD_CARDS];
    struct merchant merchants[MERCHANTS];
};

/* splitmix64 */
static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t next_random(struct card_fraud *load)
{
    return mixed(load->random += UINT64_C(0x9e3779b97f4a7c15));
}

static uint32_t random_below(struct card_fraud *load, uint32_t limit)
{
    return (uint32_t)(((next_random(load) >> 32) * limit) >> 32);
}

static void make_columns(struct card_fraud *load)
{
    static const uint64_t UNIT = UINT64_C(1) << 32;
    struct column *columns = load->columns;
    uint32_t *small = leat_calloc(CARD_FRAUD_CARDS, sizeof(*small)),
             *large = leat_calloc(CARD_FRAUD_CARDS, sizeof(*large));
    size_t smalls = 0, larges = 0;
    for (uint32_t k = 0; k < CARD_FRAUD_CARDS; k++)
        load->total += UNIT / (k + 50);
    for (uint32_t k = 0; k < CARD_FRAUD_CARDS; k++) {
        columns[k] = (struct column){.share = UNIT / (k + 50) * CARD_FRAUD_CARDS, .alias = k, .card = k};
        if (columns[k].share < load->total)
            small[smalls++] = k;
        else
            large[larges++] = k;
    }
    while (smalls > 0 && larges > 0) {
        uint32_t poor = small[--smalls], rich = large[larges - 1];
        columns[poor].alias = rich;
        columns[rich].share -= load->total - columns[poor].share;
        if (columns[rich].share < load->total) {
            larges--;
            small[smalls++] = rich;
        }
    }
    free(small);
    free(large);
    for (uint32_t k = CARD_FRAUD_CARDS - 1; k > 0; k--) {
        uint32_t other = random_below(load, k + 1), card = columns[k].card;
        columns[k].card = columns[other].card;
        columns[other].card = card;
    }
}

struct card_fraud *card_fraud_new(uint64_t seed)
{
    struct card_fraud *load = leat_calloc(1, sizeof(*load));
    load->random = mixed(seed);
    load->ts_ms = CARD_FRAUD_START_MS;
    make_columns(load);
    for (size_t i = 0; i < MERCHANTS; i++)
        load->merchants[i] = (struct merchant){random_below(load, COUNT(COUNTRIES)), random_below(load, COUNT(KINDS)),
                                               random_below(load, 1000)};
    return load;
}

void card_fraud_free(struct card_fraud *load)
{
    free(load);
}

static uint32_t next_card(struct card_fraud *load)
{
    if (load->burst > 0) {
        load->burst--;
        return load->card;
    }
    const struct column *column = &load->columns[random_below(load, CARD_FRAUD_CARDS)];
    if (next_random(load) % load->total >= column->share)
        column = &load->columns[column->alias];
    load->burst = random_below(load, 64) == 0 ? 1 + random_below(load, 4) : 0;
    return load->card = column->card;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t next_merchant(struct card_fraud *load)
{
    if (random_below(load, 64) == 0)
        return CARD_FRAUD_MERCHANTS + random_below(load, MERCHANTS_UNKNOWN);
    return smaller(random_below(load, CARD_FRAUD_MERCHANTS), random_below(load, CARD_FRAUD_MERCHANTS));
}

/* From 0.64 to 5242.87, the most of them small: about as many below 10 as above. */
static uint32_t next_cents(struct card_fraud *load)
{
    uint32_t power = 6 + smaller(random_below(load, 13), random_below(load, 13));
    return (1u << power) + random_below(load, 1u << power);
}

void card_fraud_next(struct card_fraud *load, struct card_fraud_record *ret)
{
    ret->number = load->number++;
    ret->id = next_random(load);
    ret->card = next_card(load);
    ret->merchant = next_merchant(load);
    ret->cents = next_cents(load);
    ret->terminal = ret->merchant * TERMINALS + random_below(load, TERMINALS);
    ret->kind = load->merchants[ret->merchant].kind;
    ret->country = load->merchants[ret->merchant].country;
    if (random_below(load, 16) == 0)
        ret->country = random_below(load, COUNT(COUNTRIES));
    ret->entry = random_below(load, COUNT(ENTRIES));
    ret->ts_ms = load->ts_ms += random_below(load, 2 * CARD_FRAUD_STEP_MS + 1);
}

static char *put_text(char *at, const char *text)
{
    size_t len = strlen(text);
    memcpy(at, text, len);
    return at + len;
}

static char *put_digits(char *at, uint64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

static char *put_hex(char *at, uint64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value >>= 4)
        at[i] = "0123456789abcdef"[value & 15];
    return at + width;
}

static char *put_cents(char *at, uint32_t cents)
{
    int width = 1;
    for (uint32_t units = cents / 100; units >= 10; units /= 10)
        width++;
    at = put_digits(at, cents / 100, width);
    *at++ = '.';
    return put_digits(at, cents % 100, 2);
}

size_t card_fraud_write(const struct card_fraud_record *record, char *ret)
{
    char *at = put_text(ret, "{\"tx_id\":\"tx-");
    at = put_digits(at, record->number, 10);
    *at++ = '-';
    at = put_hex(at, record->id, 16);
    at = put_text(at, "\",\"card_id\":\"card-");
    at = put_digits(at, record->card, 6);
    at = put_text(at, "\",\"merchant_id\":\"mer-");
    at = put_digits(at, record->merchant, 5);
    at = put_text(at, "\",\"amount\":");
    at = put_cents(at, record->cents);
    at = put_text(at, ",\"currency\":\"");
    at = put_text(at, COUNTRIES[record->country].currency);
    at = put_text(at, "\",\"country\":\"");
    at = put_text(at, COUNTRIES[record->country].code);
    at = put_text(at, "\",\"mcc\":\"");
    at = put_text(at, KINDS[record->kind].mcc);
    at = put_text(at, "\",\"channel\":\"");
    at = put_text(at, ENTRIES[record->entry].channel);
    at = put_text(at, "\",\"entry_mode\":\"");
    at = put_text(at, ENTRIES[record->entry].mode);
    at = put_text(at, "\",\"terminal_id\":\"term-");
    at = put_digits(at, record->terminal, 7);
    at = put_text(at, "\",\"device\":\"dev-");
    at = put_hex(at, mixed(record->card), 8);
    at = put_text(at, "\",\"ts\":");
    at = put_digits(at, (uint64_t)record->ts_ms, 13);
    *at++ = '}';
    return (size_t)(at - ret);
}

size_t card_fraud_write_merchant(const struct card_fraud *load, uint32_t merchant, char *ret)
{
    const struct merchant *row = &load->merchants[merchant];
    char *at = put_text(ret, "{\"merchant_id\":\"mer-");
    at = put_digits(at, merchant, 5);
    at = put_text(at, "\",\"risk\":0.");
    at = put_digits(at, row->risk, 3);
    at = put_text(at, ",\"category\":\"");
    at = put_text(at, KINDS[row->kind].category);
    at = put_text(at, "\",\"country\":\"");
    at = put_text(at, COUNTRIES[row->country].code);
    at = put_text(at, "\"}");
    return (size_t)(at - ret);
}
