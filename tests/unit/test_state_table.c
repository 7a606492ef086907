#include "state/table.h"

#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum leat_type COLUMNS[] = {LEAT_TYPE_DOUBLE, LEAT_TYPE_STRING, LEAT_TYPE_INT, LEAT_TYPE_STRING};
#define COLUMN_COUNT 4

static struct leat_table *new_table(int64_t ttl, uint64_t bytes_max)
{
    struct leat_table_plan plan = {.columns = COLUMNS, .column_count = COLUMN_COUNT, .ttl = ttl, .bytes_max = bytes_max};
    return leat_table_new(&plan);
}

static int put(struct leat_table *table, const char *key, int64_t time, double risk, const char *country)
{
    struct leat_value row[COLUMN_COUNT] = {
        leat_value_double(risk),
        country != NULL ? leat_value_string(leat_bytes_of(country)) : leat_value_null(),
        leat_value_int((int64_t)(risk * 1000)),
        leat_value_string(leat_bytes_of("")),
    };
    return leat_table_put(table, leat_bytes_of(key), time, row);
}

static bool get(const struct leat_table *table, const char *key, struct leat_value *row)
{
    return leat_table_get(table, leat_bytes_of(key), 0, row, NULL);
}

static void expect_row(const struct leat_table *table, const char *key, double risk, const char *country)
{
    struct leat_value row[COLUMN_COUNT];
    assert_true(get(table, key, row));
    assert_true(row[0].as.d == risk);
    assert_int_equal(row[1].null, country == NULL);
    if (country != NULL)
        assert_true(leat_bytes_is(leat_value_bytes(row[1]), country));
    assert_int_equal(row[2].as.i, (int64_t)(risk * 1000));
    assert_int_equal(row[3].len, 0);
    assert_int_equal(row[3].null, 0);
}

static void a_row_is_read_as_it_was_put(void **state)
{
    (void)state;
    struct leat_table *table = new_table(0, 0);
    assert_int_equal(put(table, "m1", LEAT_TIME_NONE, 0.25, "DE"), 0);
    assert_int_equal(put(table, "", LEAT_TIME_NONE, -1, NULL), 0);
    expect_row(table, "m1", 0.25, "DE");
    expect_row(table, "", -1, NULL);
    struct leat_value row[COLUMN_COUNT];
    assert_false(get(table, "m2", row));
    assert_int_equal(leat_table_count(table), 2);
    leat_table_free(table);
}

static void a_later_row_replaces_and_a_removed_one_is_gone(void **state)
{
    (void)state;
    struct leat_table *table = new_table(0, 0);
    put(table, "m1", LEAT_TIME_NONE, 0.25, "DE");
    put(table, "m1", LEAT_TIME_NONE, 0.5, "a country with a name that is rather long");
    expect_row(table, "m1", 0.5, "a country with a name that is rather long");
    assert_int_equal(leat_table_count(table), 1);
    assert_true(leat_table_remove(table, leat_bytes_of("m1")));
    assert_false(leat_table_remove(table, leat_bytes_of("m1")));
    struct leat_value row[COLUMN_COUNT];
    assert_false(get(table, "m1", row));
    assert_int_equal(leat_table_count(table), 0);
    leat_table_free(table);
    leat_table_free(NULL);
}

static void a_row_may_be_put_from_what_was_read_of_it(void **state)
{
    (void)state;
    struct leat_table *table = new_table(0, 0);
    put(table, "m1", LEAT_TIME_NONE, 0.25, "DE");
    struct leat_value row[COLUMN_COUNT];
    for (int i = 0; i < 100; i++) {
        assert_true(get(table, "m1", row));
        assert_int_equal(leat_table_put(table, leat_bytes_of("m1"), LEAT_TIME_NONE, row), 0);
    }
    expect_row(table, "m1", 0.25, "DE");
    leat_table_free(table);
}

static void a_row_older_than_the_ttl_reads_as_absent_and_says_so(void **state)
{
    (void)state;
    struct leat_table *table = new_table(100, 0);
    struct leat_value row[COLUMN_COUNT];
    bool expired;
    put(table, "m1", 1000, 0.25, "DE");
    put(table, "ever", LEAT_TIME_NONE, 0.25, "DE");
    assert_true(leat_table_get(table, leat_bytes_of("m1"), 1100, row, &expired));
    assert_false(expired);
    assert_false(leat_table_get(table, leat_bytes_of("m1"), 1101, row, &expired));
    assert_true(expired);
    assert_false(leat_table_get(table, leat_bytes_of("m2"), 1101, row, &expired));
    assert_false(expired);
    assert_true(leat_table_get(table, leat_bytes_of("ever"), LEAT_TIME_MAX, row, &expired));
    assert_true(leat_table_get(table, leat_bytes_of("m1"), LEAT_TIME_MIN, row, NULL));
    put(table, "m1", 1050, 0.5, "FR");
    assert_true(leat_table_get(table, leat_bytes_of("m1"), 1150, row, &expired));
    leat_table_free(table);
}

static void beyond_its_bytes_a_new_key_fails_and_the_table_is_as_before(void **state)
{
    (void)state;
    struct leat_table *table = new_table(0, 200000);
    char key[32];
    int rows = 0;
    for (;; rows++) {
        snprintf(key, sizeof(key), "merchant-%d", rows);
        if (put(table, key, LEAT_TIME_NONE, rows, "DE") != 0)
            break;
        assert_true(rows < 10000);
    }
    assert_true(rows > 100);
    assert_int_equal(leat_table_count(table), rows);
    assert_true(leat_table_memory(table) <= 200000);
    struct leat_value row[COLUMN_COUNT];
    assert_false(get(table, key, row));
    for (int i = 0; i < rows; i++) {
        snprintf(key, sizeof(key), "merchant-%d", i);
        expect_row(table, key, i, "DE");
        assert_int_equal(put(table, key, LEAT_TIME_NONE, i + 1, "AT"), 0);
        expect_row(table, key, i + 1, "AT");
    }
    /* One that leaves makes room for another. */
    assert_true(leat_table_remove(table, leat_bytes_of("merchant-7")));
    assert_int_equal(put(table, "merchant-x", LEAT_TIME_NONE, 1, "DE"), 0);
    leat_table_free(table);
}

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void random_changes_leave_what_was_put_last(void **state)
{
    (void)state;
    enum { KEYS = 700 };
    struct leat_table *table = new_table(0, 0);
    int held[KEYS]; /* the length of a key's text, -1: no row */
    memset(held, -1, sizeof(held));
    static char text[3000];
    memset(text, 'x', sizeof(text));
    uint64_t seed = 9, bytes = 0;
    size_t count = 0;
    for (int i = 0; i < 400000; i++) {
        int k = (int)(next_random(&seed) % KEYS);
        char key[16];
        snprintf(key, sizeof(key), "k%d", k);
        switch (next_random(&seed) % 4) {
        case 0:
            assert_int_equal(leat_table_remove(table, leat_bytes_of(key)), held[k] >= 0);
            count -= held[k] >= 0;
            held[k] = -1;
            break;
        case 1: {
            int len = (int)(next_random(&seed) % (next_random(&seed) % 20 ? 60 : 3000));
            struct leat_value row[COLUMN_COUNT] = {leat_value_double(k),
                                                   leat_value_string((struct leat_bytes){text, (size_t)len}),
                                                   leat_value_int(i), leat_value_null()};
            assert_int_equal(leat_table_put(table, leat_bytes_of(key), i, row), 0);
            count += held[k] < 0;
            held[k] = len;
            break;
        }
        default: {
            struct leat_value row[COLUMN_COUNT];
            assert_int_equal(get(table, key, row), held[k] >= 0);
            if (held[k] >= 0) {
                assert_int_equal(row[1].len, held[k]);
                assert_int_equal(row[3].null, 1);
                assert_memory_equal(row[1].as.s, text, row[1].len);
            }
        }
        }
        assert_int_equal(leat_table_count(table), count);
        if (i == 100000)
            bytes = leat_table_memory(table);
    }
    assert_true(leat_table_memory(table) < 2 * bytes);
    leat_table_clear(table);
    assert_int_equal(leat_table_count(table), 0);
    struct leat_value row[COLUMN_COUNT];
    assert_false(get(table, "k1", row));
    put(table, "k1", LEAT_TIME_NONE, 1, "DE");
    expect_row(table, "k1", 1, "DE");
    leat_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read_as_it_was_put),
        cmocka_unit_test(a_later_row_replaces_and_a_removed_one_is_gone),
        cmocka_unit_test(a_row_may_be_put_from_what_was_read_of_it),
        cmocka_unit_test(a_row_older_than_the_ttl_reads_as_absent_and_says_so),
        cmocka_unit_test(beyond_its_bytes_a_new_key_fails_and_the_table_is_as_before),
        cmocka_unit_test(random_changes_leave_what_was_put_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
