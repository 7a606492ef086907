#include "state/text_pool.h"

#include "base/error.h"
#include "base/map.h"

#include <stddef.h>

void leat_text_pool_init(struct leat_text_pool *pool, struct leat_slab *slab)
{
    pool->slab = slab;
    leat_index_init(&pool->index, offsetof(struct leat_text, data), slab);
}

void leat_text_pool_done(struct leat_text_pool *pool)
{
    if (pool->index.slots == NULL)
        return;
    for (size_t i = 0; i <= pool->index.mask; i++) {
        struct leat_text *text = pool->index.slots[i].block;
        if (text != NULL)
            leat_slab_give(pool->slab, text, sizeof(*text) + text->len);
    }
    leat_index_done(&pool->index);
}

struct leat_text *leat_text_hold(struct leat_text_pool *pool, struct leat_bytes bytes)
{
    leat_assert(bytes.len <= UINT32_MAX);
    uint32_t hash = (uint32_t)leat_hash(bytes.data, bytes.len);
    size_t at = leat_index_find(&pool->index, hash, bytes);
    if (at != LEAT_INDEX_NOT_FOUND) {
        struct leat_text *held = pool->index.slots[at].block;
        held->holders++;
        return held;
    }
    struct leat_text *text = leat_slab_take(pool->slab, sizeof(*text) + bytes.len);
    if (text == NULL)
        return NULL;
    text->len = (uint32_t)bytes.len;
    text->hash = hash;
    text->holders = 1;
    if (bytes.len > 0)
        memcpy(text->data, bytes.data, bytes.len);
    if (leat_index_insert(&pool->index, hash, text) == LEAT_INDEX_NOT_FOUND) {
        leat_slab_give(pool->slab, text, sizeof(*text) + bytes.len);
        return NULL;
    }
    return text;
}

void leat_text_drop(struct leat_text_pool *pool, struct leat_text *text)
{
    leat_assert(text->holders > 0);
    if (--text->holders > 0)
        return;
    struct leat_bytes bytes = {text->data, text->len};
    leat_index_remove(&pool->index, leat_index_find(&pool->index, text->hash, bytes));
    leat_slab_give(pool->slab, text, sizeof(*text) + text->len);
}
