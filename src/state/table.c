#include "state/table.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/time.h"
#include "state/index.h"
#include "state/slab.h"

#include <stdlib.h>

/* A row: this, the key's bytes, then (aligned to 8) one word per column, one byte of null per column, and the text. A
 * STRING's word is where its text begins in the row (upper half) and its length (lower half). */
struct row {
    uint32_t key_len; /* first, as the index wants it */
    uint32_t size;    /* of it all */
    int64_t time;
    char key[];
};

struct leat_table {
    struct leat_table_plan plan;
    struct leat_slab slab;
    struct leat_index rows;
};

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t words_offset(size_t key_len)
{
    return align8(offsetof(struct row, key) + key_len);
}

static uint32_t hash_of(struct leat_bytes key)
{
    return (uint32_t)leat_hash(key.data, key.len);
}

struct leat_table *leat_table_new(const struct leat_table_plan *plan)
{
    struct leat_table *table = leat_calloc(1, sizeof(*table));
    table->plan = *plan;
    table->slab.bytes = sizeof(*table);
    table->slab.bytes_max = plan->bytes_max;
    leat_index_init(&table->rows, offsetof(struct row, key), &table->slab);
    return table;
}

static void give_rows(struct leat_table *table)
{
    for (size_t i = 0; i <= table->rows.mask; i++) {
        struct row *row = table->rows.slots[i].block;
        if (row != NULL)
            leat_slab_give(&table->slab, row, row->size);
    }
}

void leat_table_free(struct leat_table *table)
{
    if (table == NULL)
        return;
    give_rows(table);
    leat_index_done(&table->rows);
    leat_slab_done(&table->slab);
    free(table);
}

void leat_table_clear(struct leat_table *table)
{
    give_rows(table);
    leat_index_clear(&table->rows);
}

static bool is_text(const struct leat_table *table, size_t column, struct leat_value value)
{
    return table->plan.columns[column] == LEAT_TYPE_STRING && !value.null;
}

static size_t row_size(const struct leat_table *table, struct leat_bytes key, const struct leat_value *values)
{
    size_t size = words_offset(key.len) + table->plan.column_count * 9;
    for (size_t i = 0; i < table->plan.column_count; i++)
        if (is_text(table, i, values[i]))
            size += values[i].len;
    leat_assert(size <= UINT32_MAX);
    return size;
}

static void fill_row(const struct leat_table *table, struct row *row, struct leat_bytes key, int64_t time,
                     const struct leat_value *values)
{
    size_t count = table->plan.column_count, words = words_offset(key.len);
    char *base = (char *)row;
    row->key_len = (uint32_t)key.len;
    row->time = time;
    if (key.len > 0)
        memcpy(row->key, key.data, key.len);
    size_t text = words + count * 9;
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, &values[i].as, sizeof(word));
        if (is_text(table, i, values[i])) {
            if (values[i].len > 0)
                memcpy(base + text, values[i].as.s, values[i].len);
            word = (uint64_t)text << 32 | values[i].len;
            text += values[i].len;
        }
        memcpy(base + words + i * 8, &word, sizeof(word));
        base[words + count * 8 + i] = values[i].null != 0;
    }
}

int leat_table_put(struct leat_table *table, struct leat_bytes key, int64_t time, const struct leat_value *values)
{
    leat_assert(key.len <= UINT32_MAX);
    size_t size = row_size(table, key, values);
    uint32_t hash = hash_of(key);
    size_t at = leat_index_find(&table->rows, hash, key);
    bool replaces = at != LEAT_INDEX_NOT_FOUND;
    struct row *row = replaces ? leat_slab_force(&table->slab, size) : leat_slab_take(&table->slab, size);
    if (row == NULL)
        return -1;
    row->size = (uint32_t)size;
    fill_row(table, row, key, time, values);
    if (replaces) {
        /* Only now: the new values may have been read from the old row. */
        struct row *old = table->rows.slots[at].block;
        table->rows.slots[at].block = row;
        leat_slab_give(&table->slab, old, old->size);
        return 0;
    }
    if (leat_index_insert(&table->rows, hash, row) == LEAT_INDEX_NOT_FOUND) {
        leat_slab_give(&table->slab, row, size);
        return -1;
    }
    return 0;
}

bool leat_table_remove(struct leat_table *table, struct leat_bytes key)
{
    size_t at = leat_index_find(&table->rows, hash_of(key), key);
    if (at == LEAT_INDEX_NOT_FOUND)
        return false;
    struct row *row = table->rows.slots[at].block;
    leat_index_remove(&table->rows, at);
    leat_slab_give(&table->slab, row, row->size);
    return true;
}

static bool is_expired(const struct leat_table *table, const struct row *row, int64_t now)
{
    if (table->plan.ttl == 0 || row->time == LEAT_TIME_NONE)
        return false;
    return now - row->time > table->plan.ttl;
}

static struct leat_value value_of(const struct leat_table *table, const struct row *row, size_t column)
{
    const char *base = (const char *)row;
    size_t words = words_offset(row->key_len);
    if (base[words + table->plan.column_count * 8 + column])
        return leat_value_null();
    uint64_t word;
    memcpy(&word, base + words + column * 8, sizeof(word));
    struct leat_value value = {.null = 0};
    if (table->plan.columns[column] == LEAT_TYPE_STRING) {
        value.as.s = base + (word >> 32);
        value.len = (uint32_t)word;
        return value;
    }
    memcpy(&value.as, &word, sizeof(word));
    return value;
}

bool leat_table_get(const struct leat_table *table, struct leat_bytes key, int64_t now, struct leat_value *ret,
                    bool *ret_expired)
{
    if (ret_expired != NULL)
        *ret_expired = false;
    size_t at = leat_index_find(&table->rows, hash_of(key), key);
    if (at == LEAT_INDEX_NOT_FOUND)
        return false;
    const struct row *row = table->rows.slots[at].block;
    if (is_expired(table, row, now)) {
        if (ret_expired != NULL)
            *ret_expired = true;
        return false;
    }
    for (size_t i = 0; i < table->plan.column_count; i++)
        ret[i] = value_of(table, row, i);
    return true;
}

size_t leat_table_count(const struct leat_table *table)
{
    return table->rows.count;
}

size_t leat_table_memory(const struct leat_table *table)
{
    return (size_t)table->slab.bytes;
}
