/* A hash table from byte strings to 64-bit values (xxh3, open addressing, grows; keys are copied in). */
#ifndef LEAT_BASE_MAP_H
#define LEAT_BASE_MAP_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leat_map; /* opaque; one thread */

struct leat_map *leat_map_new(void);
void leat_map_free(struct leat_map *map); /* NULL is fine */
/* The value's address, or NULL. Valid until the next put or remove. */
uint64_t *leat_map_find(const struct leat_map *map, struct leat_bytes key);
/* The value's address, made 0 when the key is new (*ret_new may be NULL). Valid until the next put or remove. */
uint64_t *leat_map_put(struct leat_map *map, struct leat_bytes key, bool *ret_new);
bool leat_map_remove(struct leat_map *map, struct leat_bytes key, uint64_t *ret_old); /* ret_old may be NULL */
size_t leat_map_count(const struct leat_map *map);
size_t leat_map_memory(const struct leat_map *map); /* bytes, keys included */
/* Visits all entries; start with *iterator = 0; false at the end. No change of the map meanwhile. */
bool leat_map_next(const struct leat_map *map, size_t *iterator, struct leat_bytes *ret_key, uint64_t *ret_value);

/* The hash that all our tables use: xxh3, 64 bits. */
uint64_t leat_hash(const void *data, size_t len);

/* The Java client's murmur2 and its partition for a key: toPositive(murmur2(key)) % partitions. */
uint32_t leat_murmur2(const void *data, size_t len);

/* The nearest of `names` to `name` by edit distance, or NULL when none is near (distance > 1 + len / 3). */
const char *leat_nearest(struct leat_bytes name, const char *const *names, size_t count);

#endif
