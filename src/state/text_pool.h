/* Texts that many events repeat, each held once and counted. */
#ifndef LEAT_STATE_TEXT_POOL_H
#define LEAT_STATE_TEXT_POOL_H

#include "base/bytes.h"
#include "state/index.h"
#include "state/slab.h"

#include <stdint.h>

struct leat_text {
    uint32_t len; /* first, as the index wants it */
    uint32_t hash;
    uint64_t holders;
    char data[];
};

struct leat_text_pool {
    struct leat_index index;
    struct leat_slab *slab;
};

void leat_text_pool_init(struct leat_text_pool *pool, struct leat_slab *slab);
void leat_text_pool_done(struct leat_text_pool *pool);
/* The text with one more holder; NULL when the slab's bound is reached. */
struct leat_text *leat_text_hold(struct leat_text_pool *pool, struct leat_bytes bytes);
/* One holder less; the last one frees it. */
void leat_text_drop(struct leat_text_pool *pool, struct leat_text *text);

#endif
