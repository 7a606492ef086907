/* Counts calls of the allocator in the program that includes it (once): by the sanitizer's hooks where it owns malloc,
 * else by standing before the C library's. */
#ifndef LEAT_TESTS_ALLOCATIONS_H
#define LEAT_TESTS_ALLOCATIONS_H

#include <stddef.h>

static size_t allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATIONS_HOOKED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATIONS_HOOKED 1
#endif

#ifdef ALLOCATIONS_HOOKED
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
                                              void (*free_hook)(const volatile void *));

static void count_allocation(const volatile void *memory, size_t size)
{
    (void)memory;
    (void)size;
    allocations++;
}

static void ignore_release(const volatile void *memory)
{
    (void)memory;
}

static void count_allocations(void)
{
    __sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_release);
}
#else
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}

static void count_allocations(void) {}
#endif

#endif
