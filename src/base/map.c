/* Linear probing, at most three quarters full; a removal shifts its followers back, so there are no tombstones.
 *
 * Keys of up to 24 bytes lie in the slot. Longer ones lie in blocks of the map's own, in classes of 16 bytes, with a
 * free list each: a load in which keys come and go settles without asking the allocator. Keys beyond the largest
 * class are single allocations. */
#include "base/map.h"

#include "base/arena.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SLOTS_MIN ((size_t)16)
#define SLOTS_MAX ((size_t)1 << 31)
#define INLINE_MAX 24
#define CLASS_STEP ((size_t)16)
#define CLASSES ((size_t)32) /* keys of up to 512 bytes */
#define BLOCK_SIZE ((size_t)16384)

struct slot {
    uint64_t value;
    uint32_t hash; /* 0: free */
    uint32_t len;
    union {
        char here[INLINE_MAX];
        char *away;
    } key;
};

struct block {
    struct block *next;
    size_t used;
    char data[];
};

struct free_key {
    struct free_key *next;
};

struct leat_map {
    struct slot *slots;
    size_t mask; /* slots - 1 */
    size_t count;
    size_t memory;
    struct block *blocks; /* the first is the one being filled */
    struct free_key *free_keys[CLASSES];
};

uint64_t leat_hash(const void *data, size_t len)
{
    return XXH3_64bits(len == 0 ? "" : data, len);
}

static uint32_t hash_of(struct leat_bytes key)
{
    uint64_t hash = leat_hash(key.data, key.len);
    uint32_t folded = (uint32_t)(hash ^ (hash >> 32));
    return folded == 0 ? 1 : folded;
}

static const char *key_of(const struct slot *slot)
{
    return slot->len <= INLINE_MAX ? slot->key.here : slot->key.away;
}

static size_t class_of(size_t len)
{
    return (len - 1) / CLASS_STEP;
}

static char *key_alloc(struct leat_map *map, size_t len)
{
    size_t class = class_of(len);
    if (class >= CLASSES) {
        map->memory += len;
        return leat_malloc(len);
    }
    struct free_key *found = map->free_keys[class];
    if (found != NULL) {
        map->free_keys[class] = found->next;
        return (char *)found;
    }
    size_t size = (class + 1) * CLASS_STEP;
    if (map->blocks == NULL || BLOCK_SIZE - map->blocks->used < size) {
        struct block *block = leat_malloc(sizeof *block + BLOCK_SIZE);
        block->next = map->blocks;
        block->used = 0;
        map->blocks = block;
        map->memory += sizeof *block + BLOCK_SIZE;
    }
    char *key = map->blocks->data + map->blocks->used;
    map->blocks->used += size;
    return key;
}

static void key_free(struct leat_map *map, struct slot *slot)
{
    if (slot->len <= INLINE_MAX)
        return;
    size_t class = class_of(slot->len);
    if (class >= CLASSES) {
        map->memory -= slot->len;
        free(slot->key.away);
        return;
    }
    struct free_key *entry = (struct free_key *)(void *)slot->key.away;
    entry->next = map->free_keys[class];
    map->free_keys[class] = entry;
}

struct leat_map *leat_map_new(void)
{
    struct leat_map *map = leat_calloc(1, sizeof *map);
    map->slots = leat_calloc(SLOTS_MIN, sizeof *map->slots);
    map->mask = SLOTS_MIN - 1;
    map->memory = sizeof *map + SLOTS_MIN * sizeof *map->slots;
    return map;
}

void leat_map_free(struct leat_map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i <= map->mask; i++) {
        struct slot *slot = &map->slots[i];
        if (slot->hash != 0 && slot->len > INLINE_MAX && class_of(slot->len) >= CLASSES)
            free(slot->key.away);
    }
    struct block *block = map->blocks;
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(map->slots);
    free(map);
}

/* The slot that holds the key, or the free one where it belongs. */
static struct slot *probe(const struct leat_map *map, struct leat_bytes key, uint32_t hash)
{
    size_t at = hash & map->mask;
    for (;;) {
        struct slot *slot = &map->slots[at];
        if (slot->hash == 0)
            return slot;
        if (slot->hash == hash && leat_bytes_equal((struct leat_bytes){key_of(slot), slot->len}, key))
            return slot;
        at = (at + 1) & map->mask;
    }
}

static void grow(struct leat_map *map)
{
    size_t old_slots = map->mask + 1;
    leat_assert(old_slots < SLOTS_MAX);
    struct slot *old = map->slots;
    map->slots = leat_calloc(old_slots * 2, sizeof *map->slots);
    map->mask = old_slots * 2 - 1;
    map->memory += old_slots * sizeof *map->slots;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].hash == 0)
            continue;
        size_t at = old[i].hash & map->mask;
        while (map->slots[at].hash != 0)
            at = (at + 1) & map->mask;
        map->slots[at] = old[i];
    }
    free(old);
}

uint64_t *leat_map_find(const struct leat_map *map, struct leat_bytes key)
{
    struct slot *slot = probe(map, key, hash_of(key));
    return slot->hash == 0 ? NULL : &slot->value;
}

uint64_t *leat_map_put(struct leat_map *map, struct leat_bytes key, bool *ret_new)
{
    leat_assert(key.len <= UINT32_MAX);
    uint32_t hash = hash_of(key);
    struct slot *slot = probe(map, key, hash);
    bool is_new = slot->hash == 0;
    if (is_new && (map->count + 1) * 4 > (map->mask + 1) * 3) {
        grow(map);
        slot = probe(map, key, hash);
    }
    if (is_new) {
        char *copy = key.len <= INLINE_MAX ? slot->key.here : key_alloc(map, key.len);
        if (key.len > 0)
            memcpy(copy, key.data, key.len);
        if (key.len > INLINE_MAX)
            slot->key.away = copy;
        slot->hash = hash;
        slot->len = (uint32_t)key.len;
        slot->value = 0;
        map->count++;
    }
    if (ret_new != NULL)
        *ret_new = is_new;
    return &slot->value;
}

bool leat_map_remove(struct leat_map *map, struct leat_bytes key, uint64_t *ret_old)
{
    struct slot *slot = probe(map, key, hash_of(key));
    if (slot->hash == 0)
        return false;
    if (ret_old != NULL)
        *ret_old = slot->value;
    key_free(map, slot);
    map->count--;

    /* A follower moves into the hole unless its home lies behind the hole (cyclically). */
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & map->mask; map->slots[at].hash != 0; at = (at + 1) & map->mask) {
        size_t home = map->slots[at].hash & map->mask;
        if (((at - home) & map->mask) < ((at - hole) & map->mask))
            continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole].hash = 0;
    return true;
}

size_t leat_map_count(const struct leat_map *map)
{
    return map->count;
}

size_t leat_map_memory(const struct leat_map *map)
{
    return map->memory;
}

bool leat_map_next(const struct leat_map *map, size_t *iterator, struct leat_bytes *ret_key, uint64_t *ret_value)
{
    for (size_t i = *iterator; i <= map->mask; i++) {
        const struct slot *slot = &map->slots[i];
        if (slot->hash == 0)
            continue;
        *iterator = i + 1;
        *ret_key = (struct leat_bytes){.data = key_of(slot), .len = slot->len};
        *ret_value = slot->value;
        return true;
    }
    *iterator = map->mask + 1;
    return false;
}

uint32_t leat_murmur2(const void *data, size_t len)
{
    const uint32_t m = 0x5bd1e995U;
    const uint8_t *bytes = data;
    uint32_t h = 0x9747b28cU ^ (uint32_t)len;
    size_t at = 0;
    for (; len - at >= 4; at += 4) {
        uint32_t k = (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
                     (uint32_t)bytes[at + 3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    size_t left = len - at;
    if (left >= 3)
        h ^= (uint32_t)bytes[at + 2] << 16;
    if (left >= 2)
        h ^= (uint32_t)bytes[at + 1] << 8;
    if (left >= 1) {
        h ^= (uint32_t)bytes[at];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

#define NEAREST_MAX ((size_t)64) /* longer names are not compared */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits of one character, or of two neighbours exchanged, that make a into b. */
static size_t edit_distance(struct leat_bytes a, struct leat_bytes b)
{
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = a.data[i - 1] == b.data[j - 1] ? 0 : 1;
            row[j] = least(least(row[j - 1] + 1, above[j] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], second[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *leat_nearest(struct leat_bytes name, const char *const *names, size_t count)
{
    if (name.len > NEAREST_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = 1 + name.len / 3;
    for (size_t i = 0; i < count; i++) {
        struct leat_bytes candidate = leat_bytes_of(names[i]);
        if (candidate.len > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(name, candidate);
        if (distance > best_distance || (best != NULL && distance == best_distance))
            continue;
        best = names[i];
        best_distance = distance;
    }
    return best;
}
