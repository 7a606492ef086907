/* A region of memory that is released at once: scratch that is reset per batch, and the memory of compiled objects. */
#ifndef LEAT_BASE_ARENA_H
#define LEAT_BASE_ARENA_H

#include "base/bytes.h"

#include <stddef.h>

struct leat_arena_chunk;

struct leat_arena {
    struct leat_arena_chunk *first; /* chunks are kept over a reset, so a steady state allocates nothing */
    struct leat_arena_chunk *current;
    size_t used;      /* of the current chunk */
    size_t allocated; /* bytes of all chunks */
};

/* All-zero is an empty arena. Allocation never returns NULL: out of memory ends the process with a message. */
void *leat_arena_alloc(struct leat_arena *arena, size_t size);                 /* aligned to 16, not zeroed */
void *leat_arena_zalloc(struct leat_arena *arena, size_t count, size_t size);  /* zeroed; overflow is checked */
char *leat_arena_copy(struct leat_arena *arena, const void *data, size_t len); /* NUL added behind */
char *leat_arena_strdup(struct leat_arena *arena, const char *text);           /* NULL gives NULL */
struct leat_bytes leat_arena_bytes(struct leat_arena *arena, struct leat_bytes bytes);
char *leat_arena_format(struct leat_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void leat_arena_reset(struct leat_arena *arena); /* all that was handed out is void; the memory is kept */
void leat_arena_done(struct leat_arena *arena);  /* releases all; the arena is as all-zero */

/* malloc/realloc/calloc that end the process with a message when memory runs out. */
void *leat_malloc(size_t size);
void *leat_calloc(size_t count, size_t size);
void *leat_realloc(void *memory, size_t count, size_t size);
char *leat_strdup(const char *text);

#endif
