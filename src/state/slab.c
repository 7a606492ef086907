#include "state/slab.h"

#include "base/arena.h"

#include <stdlib.h>

#define PAGE_BYTES ((size_t)32 << 10)
#define PAGE_HEADER ((size_t)16)

struct leat_slab_free {
    struct leat_slab_free *next;
};

struct leat_slab_page {
    struct leat_slab_page *next;
};

static size_t size_index(size_t size)
{
    return size == 0 ? 0 : (size - 1) / 16;
}

bool leat_slab_charge(struct leat_slab *slab, uint64_t bytes)
{
    if (slab->bytes_max != 0 && slab->bytes + bytes > slab->bytes_max)
        return false;
    slab->bytes += bytes;
    return true;
}

void leat_slab_discharge(struct leat_slab *slab, uint64_t bytes)
{
    slab->bytes -= bytes;
}

/* What is left of the newest page becomes one block of its size, so that nothing is lost. */
static void give_rest(struct leat_slab *slab)
{
    if (slab->cut_left == 0)
        return;
    struct leat_slab_free *rest = (struct leat_slab_free *)(void *)slab->cut;
    size_t at = size_index(slab->cut_left < LEAT_SLAB_SMALL ? slab->cut_left : LEAT_SLAB_SMALL);
    rest->next = slab->free[at];
    slab->free[at] = rest;
    slab->cut_left = 0;
}

static void *cut(struct leat_slab *slab, size_t room, bool force)
{
    if (slab->cut_left < room) {
        if (!leat_slab_charge(slab, PAGE_BYTES)) {
            if (!force)
                return NULL;
            slab->bytes += PAGE_BYTES;
        }
        give_rest(slab);
        struct leat_slab_page *page = leat_malloc(PAGE_BYTES);
        page->next = slab->pages;
        slab->pages = page;
        slab->cut = (char *)page + PAGE_HEADER;
        slab->cut_left = PAGE_BYTES - PAGE_HEADER;
    }
    void *block = slab->cut;
    slab->cut += room;
    slab->cut_left -= room;
    return block;
}

static void *take(struct leat_slab *slab, size_t size, bool force)
{
    if (size > LEAT_SLAB_SMALL) {
        if (!leat_slab_charge(slab, leat_slab_room(size))) {
            if (!force)
                return NULL;
            slab->bytes += leat_slab_room(size);
        }
        return leat_malloc(leat_slab_room(size));
    }
    size_t at = size_index(size);
    struct leat_slab_free *block = slab->free[at];
    if (block == NULL)
        return cut(slab, (at + 1) * 16, force);
    slab->free[at] = block->next;
    return block;
}

void *leat_slab_take(struct leat_slab *slab, size_t size)
{
    return take(slab, size, false);
}

void *leat_slab_force(struct leat_slab *slab, size_t size)
{
    return take(slab, size, true);
}

void leat_slab_give(struct leat_slab *slab, void *block, size_t size)
{
    if (block == NULL)
        return;
    if (size > LEAT_SLAB_SMALL) {
        slab->bytes -= leat_slab_room(size);
        free(block);
        return;
    }
    struct leat_slab_free *freed = block;
    size_t at = size_index(size);
    freed->next = slab->free[at];
    slab->free[at] = freed;
}

void leat_slab_done(struct leat_slab *slab)
{
    while (slab->pages != NULL) {
        struct leat_slab_page *page = slab->pages;
        slab->pages = page->next;
        free(page);
    }
    *slab = (struct leat_slab){.bytes_max = slab->bytes_max};
}
