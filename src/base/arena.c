/* Chunks in a list. An allocation takes from the current chunk, else from the first later one that fits, else from a
 * new one behind it; a reset goes back to the first, so a load that repeats finds its memory where it left it. */
#include "base/arena.h"

#include "base/error.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

/* Under AddressSanitizer what was not handed out may not be touched, so a use after a reset is found. */
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define poison(address, size) ASAN_POISON_MEMORY_REGION(address, size)
#define unpoison(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#else
#define poison(address, size) ((void)0)
#define unpoison(address, size) ((void)0)
#endif

#define CHUNK_MIN ((size_t)4096)
#define CHUNK_MAX ((size_t)1 << 20)
#define ALIGNMENT ((size_t)16)

struct leat_arena_chunk {
    struct leat_arena_chunk *next;
    size_t capacity;
    alignas(16) char data[];
};

static void __attribute__((noreturn)) out_of_memory(size_t size)
{
    fprintf(stderr, "leat: out of memory (%zu bytes asked for)\n", size);
    abort();
}

void *leat_malloc(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL)
        out_of_memory(size);
    return memory;
}

void *leat_calloc(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (memory == NULL)
        out_of_memory(size > SIZE_MAX / (count == 0 ? 1 : count) ? SIZE_MAX : count * size);
    return memory;
}

void *leat_realloc(void *memory, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    void *moved = realloc(memory, total == 0 ? 1 : total);
    if (moved == NULL)
        out_of_memory(total);
    return moved;
}

char *leat_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(leat_malloc(size), text, size);
}

static struct leat_arena_chunk *chunk_new(struct leat_arena *arena, size_t size)
{
    /* As much again as there is: the number of chunks stays logarithmic until they have their largest size. */
    size_t capacity = arena->allocated;
    if (capacity < CHUNK_MIN)
        capacity = CHUNK_MIN;
    if (capacity > CHUNK_MAX)
        capacity = CHUNK_MAX;
    if (capacity < size)
        capacity = size;

    struct leat_arena_chunk *chunk = leat_malloc(sizeof *chunk + capacity);
    chunk->next = NULL;
    chunk->capacity = capacity;
    arena->allocated += sizeof *chunk + capacity;
    poison(chunk->data, capacity);
    return chunk;
}

/* Makes a chunk with room for size bytes the current one. */
static void advance(struct leat_arena *arena, size_t size)
{
    struct leat_arena_chunk *last = arena->current;
    struct leat_arena_chunk *chunk = last != NULL ? last->next : NULL;
    while (chunk != NULL && chunk->capacity < size) {
        last = chunk;
        chunk = chunk->next;
    }
    if (chunk == NULL) {
        chunk = chunk_new(arena, size);
        if (last != NULL)
            last->next = chunk;
        if (arena->first == NULL)
            arena->first = chunk;
    }
    arena->current = chunk;
    arena->used = 0;
}

void *leat_arena_alloc(struct leat_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (rounded == 0)
        rounded = ALIGNMENT; /* so that two allocations never share an address */
    if (arena->current == NULL || arena->current->capacity - arena->used < rounded)
        advance(arena, rounded);
    char *memory = arena->current->data + arena->used;
    arena->used += rounded;
    unpoison(memory, size);
    return memory;
}

void *leat_arena_zalloc(struct leat_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return memset(leat_arena_alloc(arena, total), 0, total);
}

char *leat_arena_copy(struct leat_arena *arena, const void *data, size_t len)
{
    char *copy = leat_arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

char *leat_arena_strdup(struct leat_arena *arena, const char *text)
{
    return text == NULL ? NULL : leat_arena_copy(arena, text, strlen(text));
}

struct leat_bytes leat_arena_bytes(struct leat_arena *arena, struct leat_bytes bytes)
{
    return (struct leat_bytes){.data = leat_arena_copy(arena, bytes.data, bytes.len), .len = bytes.len};
}

char *leat_arena_format(struct leat_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    leat_assert(len >= 0);

    char *text = leat_arena_alloc(arena, (size_t)len + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return text;
}

void leat_arena_reset(struct leat_arena *arena)
{
    for (struct leat_arena_chunk *chunk = arena->first; chunk != NULL; chunk = chunk->next) {
        poison(chunk->data, chunk->capacity);
        if (chunk == arena->current)
            break; /* those behind it were not used since the last reset */
    }
    arena->current = arena->first;
    arena->used = 0;
}

void leat_arena_done(struct leat_arena *arena)
{
    struct leat_arena_chunk *chunk = arena->first;
    while (chunk != NULL) {
        struct leat_arena_chunk *next = chunk->next;
        unpoison(chunk->data, chunk->capacity);
        free(chunk);
        chunk = next;
    }
    *arena = (struct leat_arena){0};
}
