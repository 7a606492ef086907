/* Finds blocks by the bytes of their key: open addressing, linear probing, no tombstones.
 *
 * A block begins with the key's length as a uint32_t and has the key's bytes at an offset that is the same for all. A slot
 * keeps 32 bits of the hash, so that probing and growing touch no block, and 32 bits for the owner's use. */
#ifndef LEAT_STATE_INDEX_H
#define LEAT_STATE_INDEX_H

#include "base/bytes.h"
#include "state/slab.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct leat_index_slot {
    void *block; /* NULL: free */
    uint32_t hash;
    uint32_t note; /* the owner's */
};

struct leat_index {
    struct leat_index_slot *slots;
    size_t mask; /* slots − 1 */
    size_t count;
    size_t key_offset;
    struct leat_slab *slab; /* whose account it is charged to */
};

#define LEAT_INDEX_NOT_FOUND SIZE_MAX

void leat_index_init(struct leat_index *index, size_t key_offset, struct leat_slab *slab);
void leat_index_done(struct leat_index *index);
/* The slot of a new block, which must not be there yet: its key and length are already in it. LEAT_INDEX_NOT_FOUND when
 * it can not grow within the bound. Slots move: numbers from before are void. */
size_t leat_index_insert(struct leat_index *index, uint32_t hash, void *block);
/* Frees a slot; later ones may move into its place: to sweep on, look at the same slot again. */
void leat_index_remove(struct leat_index *index, size_t slot);
void leat_index_clear(struct leat_index *index);

/* memcmp for short ones, without its call: two words that may overlap. */
static inline bool leat_index_same_bytes(const char *a, const char *b, size_t len)
{
    if (len < 8 || len > 16)
        return len == 0 || memcmp(a, b, len) == 0;
    uint64_t x[2], y[2];
    memcpy(&x[0], a, 8);
    memcpy(&y[0], b, 8);
    memcpy(&x[1], a + len - 8, 8);
    memcpy(&y[1], b + len - 8, 8);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static inline bool leat_index_same(const struct leat_index *index, const void *block, struct leat_bytes key)
{
    uint32_t len;
    memcpy(&len, block, sizeof(len));
    return len == key.len && leat_index_same_bytes((const char *)block + index->key_offset, key.data, len);
}

/* A block is about to be read: its first lines are fetched at once, not one after the other. */
static inline void leat_index_fetch(const void *block)
{
    const char *lines = block;
    for (int i = 0; i < 4; i++)
        __builtin_prefetch(lines + (ptrdiff_t)i * 64);
}

static inline size_t leat_index_find(const struct leat_index *index, uint32_t hash, struct leat_bytes key)
{
    for (size_t at = hash & index->mask; index->slots[at].block != NULL; at = (at + 1) & index->mask) {
        if (index->slots[at].hash != hash)
            continue;
        leat_index_fetch(index->slots[at].block);
        if (leat_index_same(index, index->slots[at].block, key))
            return at;
    }
    return LEAT_INDEX_NOT_FOUND;
}

#endif
