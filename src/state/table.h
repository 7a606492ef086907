/* A table: the latest row of each key. One thread; rows are packed (values and their text in one block). */
#ifndef LEAT_STATE_TABLE_H
#define LEAT_STATE_TABLE_H

#include "base/bytes.h"
#include "event/value.h"

#include <stdbool.h>
#include <stdint.h>

struct leat_table_plan {
    const enum leat_type *columns;
    size_t column_count;
    int64_t ttl; /* µs; 0: rows do not age. A row whose time is more than this before the asker's reads as absent */
    uint64_t bytes_max; /* 0: none. Beyond it a put of a new key fails */
};

struct leat_table;

struct leat_table *leat_table_new(const struct leat_table_plan *plan);
void leat_table_free(struct leat_table *table);
/* Inserts or replaces. `time` is the row's event time, LEAT_TIME_NONE if it has none (then ttl does not apply).
 * -1: bytes_max is reached; the table is as before. */
int leat_table_put(struct leat_table *table, struct leat_bytes key, int64_t time, const struct leat_value *row);
bool leat_table_remove(struct leat_table *table, struct leat_bytes key);
void leat_table_clear(struct leat_table *table);
/* The row as of time `now`: false when there is none (or it is beyond its ttl: then *ret_expired, which may be NULL, is
 * true). Values are written to ret[0 … column_count-1]; text lives until the key's next change. */
bool leat_table_get(const struct leat_table *table, struct leat_bytes key, int64_t now, struct leat_value *ret,
                    bool *ret_expired);
size_t leat_table_count(const struct leat_table *table);
size_t leat_table_memory(const struct leat_table *table);

#endif
