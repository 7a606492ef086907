#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_key_that_was_put_is_found_and_one_that_was_not_is_not(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    bool is_new;
    assert_null(leat_map_find(map, leat_bytes_of("a")));
    *leat_map_put(map, leat_bytes_of("a"), &is_new) = 7;
    assert_true(is_new);
    assert_int_equal(*leat_map_find(map, leat_bytes_of("a")), 7);
    assert_int_equal(*leat_map_put(map, leat_bytes_of("a"), &is_new), 7);
    assert_false(is_new);
    assert_null(leat_map_find(map, leat_bytes_of("b")));
    assert_int_equal(leat_map_count(map), 1);
    leat_map_free(map);
    leat_map_free(NULL);
}

static void the_empty_key_and_keys_with_nuls_are_keys(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    *leat_map_put(map, (struct leat_bytes){NULL, 0}, NULL) = 1;
    *leat_map_put(map, (struct leat_bytes){"a\0b", 3}, NULL) = 2;
    *leat_map_put(map, (struct leat_bytes){"a\0c", 3}, NULL) = 3;
    assert_int_equal(*leat_map_find(map, leat_bytes_of("")), 1);
    assert_int_equal(*leat_map_find(map, (struct leat_bytes){"a\0b", 3}), 2);
    assert_int_equal(*leat_map_find(map, (struct leat_bytes){"a\0c", 3}), 3);
    assert_null(leat_map_find(map, leat_bytes_of("a")));
    leat_map_free(map);
}

static void keys_of_every_length_are_kept_apart(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    char text[1200];
    memset(text, 'k', sizeof text);
    for (size_t len = 0; len < sizeof text; len++)
        *leat_map_put(map, (struct leat_bytes){text, len}, NULL) = len;
    for (size_t len = 0; len < sizeof text; len++)
        assert_int_equal(*leat_map_find(map, (struct leat_bytes){text, len}), len);
    uint64_t old;
    for (size_t len = 0; len < sizeof text; len += 2) {
        assert_true(leat_map_remove(map, (struct leat_bytes){text, len}, &old));
        assert_int_equal(old, len);
    }
    for (size_t len = 0; len < sizeof text; len++)
        assert_int_equal(leat_map_find(map, (struct leat_bytes){text, len}) != NULL, len % 2);
    leat_map_free(map);
}

static void removing_what_is_absent_changes_nothing(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    uint64_t old = 5;
    assert_false(leat_map_remove(map, leat_bytes_of("a"), &old));
    assert_int_equal(old, 5);
    leat_map_put(map, leat_bytes_of("a"), NULL);
    assert_true(leat_map_remove(map, leat_bytes_of("a"), NULL));
    assert_false(leat_map_remove(map, leat_bytes_of("a"), NULL));
    assert_int_equal(leat_map_count(map), 0);
    leat_map_free(map);
}

#define KEYS 500

/* The plain twin is an array: presence and value for each of KEYS keys. */
static void random_puts_and_removals_agree_with_an_array(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    static bool present[KEYS];
    static uint64_t values[KEYS];
    size_t count = 0;
    uint32_t random = 42;
    for (int step = 0; step < 200000; step++) {
        random = random * 1664525 + 1013904223;
        size_t i = (random >> 10) % KEYS;
        char key[100];
        snprintf(key, sizeof key, "%0*zu", (int)(5 + i % 60), i);
        uint64_t old = 0;
        if (random >> 31) {
            bool is_new;
            uint64_t *value = leat_map_put(map, leat_bytes_of(key), &is_new);
            assert_int_equal(is_new, !present[i]);
            assert_true(*value == (present[i] ? values[i] : 0));
            *value = values[i] = random;
            count += is_new;
            present[i] = true;
        } else {
            assert_int_equal(leat_map_remove(map, leat_bytes_of(key), &old), present[i]);
            assert_true(!present[i] || old == values[i]);
            count -= present[i];
            present[i] = false;
        }
        assert_int_equal(leat_map_count(map), count);
    }
    for (size_t i = 0; i < KEYS; i++) {
        char key[100];
        snprintf(key, sizeof key, "%0*zu", (int)(5 + i % 60), i);
        const uint64_t *value = leat_map_find(map, leat_bytes_of(key));
        assert_int_equal(value != NULL, present[i]);
        assert_true(value == NULL || *value == values[i]);
    }
    leat_map_free(map);
}

static void a_visit_meets_every_entry_once(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    static int seen[5000];
    for (uint64_t i = 0; i < 5000; i++) {
        char key[64];
        snprintf(key, sizeof key, "key-with-some-length-%d", (int)i);
        *leat_map_put(map, leat_bytes_of(key), NULL) = i;
    }
    size_t iterator = 0;
    struct leat_bytes key;
    uint64_t value;
    while (leat_map_next(map, &iterator, &key, &value)) {
        char expected[64];
        snprintf(expected, sizeof expected, "key-with-some-length-%d", (int)value);
        assert_true(leat_bytes_is(key, expected));
        seen[value]++;
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(seen[i], 1);
    assert_false(leat_map_next(map, &iterator, &key, &value));
    leat_map_free(map);
}

static void keys_that_come_and_go_do_not_make_it_grow(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    size_t settled = 0;
    for (int i = 0; i < 100000; i++) {
        char key[64], old[64];
        snprintf(key, sizeof key, "a-key-longer-than-a-slot-%d", i);
        snprintf(old, sizeof old, "a-key-longer-than-a-slot-%d", i - 100);
        leat_map_put(map, leat_bytes_of(key), NULL);
        leat_map_remove(map, leat_bytes_of(old), NULL);
        if (i == 1000)
            settled = leat_map_memory(map);
    }
    assert_int_equal(leat_map_count(map), 100);
    assert_int_equal(leat_map_memory(map), settled);
    leat_map_free(map);
}

static void memory_counts_large_keys_until_they_go(void **state)
{
    (void)state;
    struct leat_map *map = leat_map_new();
    size_t before = leat_map_memory(map);
    static char large[100000];
    leat_map_put(map, (struct leat_bytes){large, sizeof large}, NULL);
    assert_int_equal(leat_map_memory(map), before + sizeof large);
    leat_map_remove(map, (struct leat_bytes){large, sizeof large}, NULL);
    assert_int_equal(leat_map_memory(map), before);
    leat_map_free(map);
}

/* The values of org.apache.kafka.common.utils.UtilsTest. */
static void murmur2_is_the_java_clients(void **state)
{
    (void)state;
    assert_int_equal((int32_t)leat_murmur2("21", 2), -973932308);
    assert_int_equal((int32_t)leat_murmur2("foobar", 6), -790332482);
    assert_int_equal((int32_t)leat_murmur2("a-little-bit-long-string", 24), -985981536);
    assert_int_equal((int32_t)leat_murmur2("a-little-bit-longer-string", 26), -1486304829);
    assert_int_equal((int32_t)leat_murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 48), -58897971);
    assert_int_equal((int32_t)leat_murmur2("abc", 3), 479470107);
    assert_int_equal((int32_t)leat_murmur2(NULL, 0), 275646681);
}

static void the_nearest_name_is_offered_only_when_it_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"topic", "format", "key", "event_time", "grace", "schema"};
    assert_string_equal(leat_nearest(leat_bytes_of("topci"), names, 6), "topic");
    assert_string_equal(leat_nearest(leat_bytes_of("eventtime"), names, 6), "event_time");
    assert_string_equal(leat_nearest(leat_bytes_of("kee"), names, 6), "key");
    assert_string_equal(leat_nearest(leat_bytes_of("grace"), names, 6), "grace");
    assert_null(leat_nearest(leat_bytes_of("windows"), names, 6));
    assert_null(leat_nearest(leat_bytes_of("ab"), names, 6));
    assert_null(leat_nearest(leat_bytes_of("x"), names, 0));
    char text[300];
    memset(text, 'x', sizeof text);
    assert_null(leat_nearest((struct leat_bytes){text, sizeof text}, names, 6));
    assert_null(leat_nearest((struct leat_bytes){NULL, 0}, names, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_was_put_is_found_and_one_that_was_not_is_not),
        cmocka_unit_test(the_empty_key_and_keys_with_nuls_are_keys),
        cmocka_unit_test(keys_of_every_length_are_kept_apart),
        cmocka_unit_test(removing_what_is_absent_changes_nothing),
        cmocka_unit_test(random_puts_and_removals_agree_with_an_array),
        cmocka_unit_test(a_visit_meets_every_entry_once),
        cmocka_unit_test(keys_that_come_and_go_do_not_make_it_grow),
        cmocka_unit_test(memory_counts_large_keys_until_they_go),
        cmocka_unit_test(murmur2_is_the_java_clients),
        cmocka_unit_test(the_nearest_name_is_offered_only_when_it_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
