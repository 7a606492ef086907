/* Memory for many blocks of few sizes, with an account and a bound.
 *
 * Blocks up to SLAB_SMALL bytes come from pages that are cut into blocks of one size (multiples of 16), and go back to a list of
 * that size; larger ones are malloc's. The caller says a block's size when it gives it back, so a block has no header. Pages
 * are kept until the end: in a steady state nothing is asked of malloc. */
#ifndef LEAT_STATE_SLAB_H
#define LEAT_STATE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAT_SLAB_SMALL 1024
#define LEAT_SLAB_SIZES (LEAT_SLAB_SMALL / 16)

struct leat_slab_free;
struct leat_slab_page;

/* All-zero is an empty one without a bound. */
struct leat_slab {
    struct leat_slab_free *free[LEAT_SLAB_SIZES];
    struct leat_slab_page *pages;
    char *cut; /* the rest of the newest page, from which all sizes are cut */
    size_t cut_left;
    uint64_t bytes;     /* of all pages and large blocks, and what others charge to it */
    uint64_t bytes_max; /* 0: none */
};

/* The bytes that a block of `size` really has. */
static inline size_t leat_slab_room(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* Aligned to 16, not zeroed. NULL when the bound would be passed. */
void *leat_slab_take(struct leat_slab *slab, size_t size);
/* Takes even beyond the bound: for what must not fail and is small. */
void *leat_slab_force(struct leat_slab *slab, size_t size);
void leat_slab_give(struct leat_slab *slab, void *block, size_t size); /* NULL is fine */
/* Charges memory that is not the slab's own to its account: false when the bound would be passed. */
bool leat_slab_charge(struct leat_slab *slab, uint64_t bytes);
void leat_slab_discharge(struct leat_slab *slab, uint64_t bytes);
/* Releases the pages; large blocks must have been given back. */
void leat_slab_done(struct leat_slab *slab);

#endif
