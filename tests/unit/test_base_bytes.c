#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void views_compare_by_bytes_and_the_shorter_comes_first(void **state)
{
    (void)state;
    assert_true(leat_bytes_compare(leat_bytes_of("abc"), leat_bytes_of("abd")) < 0);
    assert_true(leat_bytes_compare(leat_bytes_of("ab"), leat_bytes_of("abc")) < 0);
    assert_true(leat_bytes_compare(leat_bytes_of("\xC3"), leat_bytes_of("z")) > 0);
    assert_int_equal(leat_bytes_compare(leat_bytes_of("abc"), leat_bytes_of("abc")), 0);
    assert_true(leat_bytes_compare(leat_bytes_of(""), leat_bytes_of("a")) < 0);
}

static void the_empty_view_equals_null_and_empty_text(void **state)
{
    (void)state;
    struct leat_bytes none = leat_bytes_of(NULL);
    assert_int_equal(none.len, 0);
    assert_true(leat_bytes_is(none, ""));
    assert_true(leat_bytes_equal(none, leat_bytes_of("")));
    assert_int_equal(leat_bytes_compare(none, leat_bytes_of("")), 0);
    assert_false(leat_bytes_is(none, "a"));
    assert_false(leat_bytes_is(leat_bytes_of("a"), ""));
}

static void a_buffer_grows_and_its_text_ends_with_a_nul(void **state)
{
    (void)state;
    struct leat_buffer buffer = {0};
    assert_string_equal(leat_buffer_text(&buffer), "");
    for (int i = 0; i < 10000; i++)
        assert_int_equal(leat_buffer_append(&buffer, "0123456789", 10), 0);
    assert_int_equal(buffer.len, 100000);
    assert_int_equal(strlen(leat_buffer_text(&buffer)), 100000);
    leat_buffer_reset(&buffer);
    assert_string_equal(leat_buffer_text(&buffer), "");
    assert_true(buffer.capacity >= 100000);
    leat_buffer_done(&buffer);
    assert_null(buffer.data);
}

static void a_buffer_takes_exactly_its_maximum(void **state)
{
    (void)state;
    struct leat_buffer buffer = {.max = 100};
    char text[100];
    memset(text, 'x', sizeof text);
    assert_int_equal(leat_buffer_append(&buffer, text, 99), 0);
    assert_int_equal(leat_buffer_append_char(&buffer, 'y'), 0);
    assert_false(buffer.failed);
    assert_int_equal(strlen(leat_buffer_text(&buffer)), 100);
    assert_int_equal(leat_buffer_append_char(&buffer, 'z'), -1);
    assert_true(buffer.failed);
    assert_int_equal(buffer.len, 100);
    leat_buffer_done(&buffer);
    assert_int_equal(buffer.max, 100);
}

static void after_a_failure_nothing_is_appended_until_a_reset(void **state)
{
    (void)state;
    struct leat_buffer buffer = {.max = 4};
    assert_int_equal(leat_buffer_append_text(&buffer, "ab"), 0);
    assert_int_equal(leat_buffer_append_text(&buffer, "cde"), -1);
    assert_int_equal(leat_buffer_append_text(&buffer, "c"), -1);
    assert_int_equal(leat_buffer_format(&buffer, "%d", 1), -1);
    assert_int_equal(leat_buffer_reserve(&buffer, 0), -1);
    assert_int_equal(buffer.len, 2);
    assert_memory_equal(buffer.data, "ab", 2);
    assert_string_equal(leat_buffer_text(&buffer), "");
    leat_buffer_reset(&buffer);
    assert_int_equal(leat_buffer_append_text(&buffer, "c"), 0);
    assert_string_equal(leat_buffer_text(&buffer), "c");
    leat_buffer_done(&buffer);
}

static void an_absurd_reservation_fails_without_overflow(void **state)
{
    (void)state;
    struct leat_buffer buffer = {0};
    leat_buffer_append_char(&buffer, 'a');
    assert_int_equal(leat_buffer_reserve(&buffer, SIZE_MAX), -1);
    leat_buffer_reset(&buffer);
    assert_int_equal(leat_buffer_reserve(&buffer, SIZE_MAX - 1), -1);
    leat_buffer_done(&buffer);
}

static void a_format_fits_to_the_last_byte(void **state)
{
    (void)state;
    for (int width = 0; width < 300; width++) {
        struct leat_buffer buffer = {0};
        char expected[320];
        snprintf(expected, sizeof expected, "<%*s>", width, "");
        assert_int_equal(leat_buffer_format(&buffer, "<%*s>", width, ""), 0);
        assert_int_equal(leat_buffer_format(&buffer, "%s", ""), 0);
        assert_string_equal(leat_buffer_text(&buffer), expected);
        leat_buffer_done(&buffer);
    }
    struct leat_buffer buffer = {0};
    assert_int_equal(leat_buffer_format(&buffer, "%s", ""), 0);
    assert_int_equal(buffer.len, 0);
    leat_buffer_done(&buffer);
}

static void a_format_beyond_the_maximum_changes_nothing(void **state)
{
    (void)state;
    struct leat_buffer buffer = {.max = 5};
    assert_int_equal(leat_buffer_format(&buffer, "%s", "123"), 0);
    assert_int_equal(leat_buffer_format(&buffer, "%s", "456"), -1);
    assert_int_equal(buffer.len, 3);
    assert_memory_equal(leat_buffer_view(&buffer).data, "123", 3);
    leat_buffer_done(&buffer);
}

static void a_cursor_reads_little_endian(void **state)
{
    (void)state;
    const uint8_t data[] = {0xFF, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 0x88, 'a', 'b'};
    struct leat_cursor cursor = leat_cursor_of(data, sizeof data);
    uint8_t small;
    uint32_t middle;
    uint64_t large;
    struct leat_bytes view;
    assert_int_equal(leat_cursor_u8(&cursor, &small), 0);
    assert_int_equal(small, 0xFF);
    assert_int_equal(leat_cursor_u32(&cursor, &middle), 0);
    assert_int_equal(middle, 0x04030201);
    assert_int_equal(leat_cursor_u64(&cursor, &large), 0);
    assert_true(large == UINT64_C(0x8807060504030201));
    assert_int_equal(leat_cursor_bytes(&cursor, 2, &view), 0);
    assert_true(leat_bytes_is(view, "ab"));
    assert_int_equal(leat_cursor_bytes(&cursor, 0, &view), 0);
    assert_int_equal(view.len, 0);
}

static void a_read_beyond_the_end_moves_nothing(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2, 3};
    struct leat_cursor cursor = leat_cursor_of(data, sizeof data);
    uint8_t small = 9;
    uint32_t middle = 9;
    uint64_t large = 9;
    struct leat_bytes view = {0};
    assert_int_equal(leat_cursor_u32(&cursor, &middle), -1);
    assert_int_equal(leat_cursor_u64(&cursor, &large), -1);
    assert_int_equal(leat_cursor_bytes(&cursor, 4, &view), -1);
    assert_int_equal(leat_cursor_bytes(&cursor, SIZE_MAX, &view), -1);
    assert_int_equal(cursor.at, 0);
    assert_int_equal(middle, 9);
    assert_true(large == 9);
    assert_int_equal(leat_cursor_bytes(&cursor, 3, &view), 0);
    assert_int_equal(leat_cursor_u8(&cursor, &small), -1);
    assert_int_equal(small, 9);
    struct leat_cursor empty = leat_cursor_of(NULL, 0);
    assert_int_equal(leat_cursor_u8(&empty, &small), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_bytes_and_the_shorter_comes_first),
        cmocka_unit_test(the_empty_view_equals_null_and_empty_text),
        cmocka_unit_test(a_buffer_grows_and_its_text_ends_with_a_nul),
        cmocka_unit_test(a_buffer_takes_exactly_its_maximum),
        cmocka_unit_test(after_a_failure_nothing_is_appended_until_a_reset),
        cmocka_unit_test(an_absurd_reservation_fails_without_overflow),
        cmocka_unit_test(a_format_fits_to_the_last_byte),
        cmocka_unit_test(a_format_beyond_the_maximum_changes_nothing),
        cmocka_unit_test(a_cursor_reads_little_endian),
        cmocka_unit_test(a_read_beyond_the_end_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
