#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_arena_is_all_zero_and_again_so_when_done(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    leat_arena_reset(&arena);
    leat_arena_done(&arena);
    leat_arena_alloc(&arena, 10);
    leat_arena_done(&arena);
    assert_null(arena.first);
    assert_null(arena.current);
    assert_int_equal(arena.used, 0);
    assert_int_equal(arena.allocated, 0);
}

static void what_is_allocated_is_aligned_and_apart(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    char *last = NULL;
    for (size_t size = 0; size < 300; size++) {
        char *memory = leat_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        assert_ptr_not_equal(memory, last);
        memset(memory, (int)size, size);
        last = memory;
    }
    leat_arena_done(&arena);
}

static void zeroed_memory_is_zero_after_a_reset_too(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    memset(leat_arena_alloc(&arena, 1000), 0xAA, 1000);
    leat_arena_reset(&arena);
    const char *memory = leat_arena_zalloc(&arena, 10, 100);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(memory[i], 0);
    leat_arena_done(&arena);
}

static void a_load_that_repeats_allocates_nothing_more(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    size_t allocated = 0;
    for (int batch = 0; batch < 50; batch++) {
        leat_arena_reset(&arena);
        for (size_t i = 0; i < 3000; i++)
            memset(leat_arena_alloc(&arena, (i * 37) % 5000), 1, (i * 37) % 5000);
        leat_arena_alloc(&arena, 3 << 20);
        if (batch == 0)
            allocated = arena.allocated;
        assert_int_equal(arena.allocated, allocated);
    }
    leat_arena_done(&arena);
}

static void loads_of_random_sizes_settle(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    uint32_t random = 1;
    size_t settled = 0;
    for (int batch = 0; batch < 2000; batch++) {
        leat_arena_reset(&arena);
        for (int i = 0; i < 100; i++) {
            random = random * 1664525 + 1013904223;
            leat_arena_alloc(&arena, (random >> 8) % 100000);
        }
        if (batch == 1000)
            settled = arena.allocated;
    }
    assert_true(arena.allocated <= settled + settled / 4);
    leat_arena_done(&arena);
}

static void a_piece_larger_than_any_chunk_is_given(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    char *large = leat_arena_alloc(&arena, 40 << 20);
    memset(large, 7, 40 << 20);
    char *small = leat_arena_alloc(&arena, 8);
    memset(small, 1, 8);
    assert_int_equal(large[(40 << 20) - 1], 7);
    leat_arena_done(&arena);
}

static void copies_end_with_a_nul(void **state)
{
    (void)state;
    struct leat_arena arena = {0};
    assert_string_equal(leat_arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(leat_arena_copy(&arena, NULL, 0), "");
    assert_string_equal(leat_arena_strdup(&arena, "text"), "text");
    assert_null(leat_arena_strdup(&arena, NULL));
    struct leat_bytes view = leat_arena_bytes(&arena, (struct leat_bytes){"a\0b", 3});
    assert_int_equal(view.len, 3);
    assert_memory_equal(view.data, "a\0b", 4);
    assert_string_equal(leat_arena_format(&arena, "%s-%d", "x", 12), "x-12");
    assert_string_equal(leat_arena_format(&arena, "%s", ""), "");
    leat_arena_done(&arena);
}

static void the_checked_allocators_accept_nothing(void **state)
{
    (void)state;
    free(leat_malloc(0));
    free(leat_calloc(0, 8));
    free(leat_calloc(8, 0));
    char *text = leat_realloc(NULL, 4, 2);
    memset(text, 1, 8);
    text = leat_realloc(text, 0, 2);
    assert_non_null(text);
    free(text);
    text = leat_strdup("abc");
    assert_string_equal(text, "abc");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_arena_is_all_zero_and_again_so_when_done),
        cmocka_unit_test(what_is_allocated_is_aligned_and_apart),
        cmocka_unit_test(zeroed_memory_is_zero_after_a_reset_too),
        cmocka_unit_test(a_load_that_repeats_allocates_nothing_more),
        cmocka_unit_test(loads_of_random_sizes_settle),
        cmocka_unit_test(a_piece_larger_than_any_chunk_is_given),
        cmocka_unit_test(copies_end_with_a_nul),
        cmocka_unit_test(the_checked_allocators_accept_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
