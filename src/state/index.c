#include "state/index.h"

#include "base/arena.h"
#include "base/error.h"

#include <stdlib.h>

#define SLOTS_MIN ((size_t)16)

void leat_index_init(struct leat_index *index, size_t key_offset, struct leat_slab *slab)
{
    *index = (struct leat_index){
        .slots = leat_calloc(SLOTS_MIN, sizeof(*index->slots)),
        .mask = SLOTS_MIN - 1,
        .key_offset = key_offset,
        .slab = slab,
    };
    slab->bytes += SLOTS_MIN * sizeof(*index->slots);
}

void leat_index_done(struct leat_index *index)
{
    if (index->slots == NULL)
        return;
    leat_slab_discharge(index->slab, (index->mask + 1) * sizeof(*index->slots));
    free(index->slots);
    *index = (struct leat_index){.slots = NULL};
}

static void place(struct leat_index *index, struct leat_index_slot slot)
{
    size_t at = slot.hash & index->mask;
    while (index->slots[at].block != NULL)
        at = (at + 1) & index->mask;
    index->slots[at] = slot;
}

/* The hash that a slot keeps has 32 bits, which bounds the number of slots. */
static bool grow(struct leat_index *index)
{
    size_t old_slots = index->mask + 1;
    if (old_slots > UINT32_MAX / 2 || !leat_slab_charge(index->slab, 2 * old_slots * sizeof(*index->slots)))
        return false;
    struct leat_index_slot *old = index->slots;
    index->slots = leat_calloc(2 * old_slots, sizeof(*index->slots));
    index->mask = 2 * old_slots - 1;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].block != NULL)
            place(index, old[i]);
    free(old);
    leat_slab_discharge(index->slab, old_slots * sizeof(*index->slots));
    return true;
}

size_t leat_index_insert(struct leat_index *index, uint32_t hash, void *block)
{
    /* Four fifths full, probing still looks at few slots. */
    if (index->count + 1 > (index->mask + 1) / 5 * 4 && !grow(index))
        return LEAT_INDEX_NOT_FOUND;
    size_t at = hash & index->mask;
    while (index->slots[at].block != NULL)
        at = (at + 1) & index->mask;
    index->slots[at] = (struct leat_index_slot){.block = block, .hash = hash};
    index->count++;
    return at;
}

void leat_index_remove(struct leat_index *index, size_t slot)
{
    leat_assert(index->slots[slot].block != NULL);
    size_t hole = slot;
    for (size_t at = (slot + 1) & index->mask; index->slots[at].block != NULL; at = (at + 1) & index->mask) {
        /* A slot may move back into the hole unless its home lies behind the hole. */
        size_t home = index->slots[at].hash & index->mask;
        if (((at - home) & index->mask) >= ((at - hole) & index->mask)) {
            index->slots[hole] = index->slots[at];
            hole = at;
        }
    }
    index->slots[hole] = (struct leat_index_slot){.block = NULL};
    index->count--;
}

void leat_index_clear(struct leat_index *index)
{
    memset(index->slots, 0, (index->mask + 1) * sizeof(*index->slots));
    index->count = 0;
}
