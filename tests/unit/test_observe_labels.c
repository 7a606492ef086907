#include "observe/labels.h"

#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1372636800) * LEAT_SECOND)

static void add(struct leat_labels *labels, const char *key, int64_t time, double value)
{
    leat_labels_add(labels, leat_bytes_of(key), time, value);
}

static enum leat_label_status join(struct leat_labels *labels, int64_t offset, const char *key, int64_t time,
                                   double *ret)
{
    return leat_labels_join(labels, 0, offset, leat_bytes_of(key), time, ret);
}

static void a_label_is_found_whether_it_came_after_the_decision_or_before(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    double value = -1;
    add(labels, "\"a\"", T0 + LEAT_HOUR, 1);
    add(labels, "\"b\"", T0 - 30 * LEAT_DAY, 0);
    assert_int_equal(join(labels, 0, "\"a\"", T0, &value), LEAT_LABEL_FOUND);
    assert_true(value == 1);
    assert_int_equal(join(labels, 1, "\"b\"", T0, &value), LEAT_LABEL_FOUND);
    assert_true(value == 0);
    leat_labels_free(labels);
    leat_labels_free(NULL);
}

static void a_label_counts_up_to_the_wait_and_not_a_microsecond_longer(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    double value = -1;
    add(labels, "1", T0 + LEAT_DAY, 1);
    add(labels, "2", T0 + LEAT_DAY + 1, 1);
    assert_int_equal(join(labels, 0, "1", T0, &value), LEAT_LABEL_FOUND);
    value = -1;
    assert_int_equal(join(labels, 1, "2", T0, &value), LEAT_LABEL_LATE);
    assert_true(value == -1);
    leat_labels_free(labels);
}

static void a_decision_without_a_label_is_pending_until_the_labels_clock_has_passed_its_wait(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    double value;
    assert_int_equal(join(labels, 0, "\"x\"", T0, &value), LEAT_LABEL_PENDING);
    add(labels, "\"a\"", T0 + LEAT_DAY, 1);
    assert_true(leat_labels_clock(labels) == T0 + LEAT_DAY);
    assert_int_equal(join(labels, 1, "\"x\"", T0, &value), LEAT_LABEL_PENDING);
    assert_int_equal(join(labels, 2, "\"x\"", T0 - 1, &value), LEAT_LABEL_MISSING);
    leat_labels_free(labels);
    labels = leat_labels_new(0);
    add(labels, "\"a\"", T0 + 400 * LEAT_DAY, 1);
    assert_int_equal(join(labels, 0, "\"x\"", T0, &value), LEAT_LABEL_PENDING);
    assert_int_equal(join(labels, 1, "\"a\"", T0, &value), LEAT_LABEL_FOUND);
    leat_labels_free(labels);
}

static void the_first_label_of_a_key_counts_and_repeats_and_contradictions_are_counted(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    double value;
    add(labels, "\"a\"", T0, 1);
    add(labels, "\"a\"", T0 + 5, 1);
    add(labels, "\"a\"", T0 + 9, 0);
    assert_int_equal(join(labels, 0, "\"a\"", T0, &value), LEAT_LABEL_FOUND);
    assert_true(value == 1);
    assert_int_equal(leat_labels_counts(labels)->labels, 1);
    assert_int_equal(leat_labels_counts(labels)->repeats, 2);
    assert_int_equal(leat_labels_counts(labels)->conflicts, 1);
    assert_true(leat_labels_clock(labels) == T0 + 9);
    leat_labels_free(labels);
}

static void a_decision_that_was_recorded_twice_counts_once(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    double value;
    add(labels, "\"a\"", T0, 1);
    assert_int_equal(leat_labels_join(labels, 0, 7, leat_bytes_of("\"a\""), T0, &value), LEAT_LABEL_FOUND);
    assert_int_equal(leat_labels_join(labels, 0, 7, leat_bytes_of("\"a\""), T0, &value), LEAT_LABEL_REPEATED);
    assert_int_equal(leat_labels_join(labels, 1, 7, leat_bytes_of("\"a\""), T0, &value), LEAT_LABEL_FOUND);
    assert_int_equal(leat_labels_join(labels, 0, 8, leat_bytes_of("\"a\""), T0, &value), LEAT_LABEL_FOUND);
    assert_int_equal(leat_labels_counts(labels)->decisions[LEAT_LABEL_FOUND], 3);
    assert_int_equal(leat_labels_counts(labels)->decisions[LEAT_LABEL_REPEATED], 1);
    leat_labels_free(labels);
}

static void an_event_without_a_join_key_has_no_label(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    double value;
    assert_int_equal(join(labels, 0, "", T0, &value), LEAT_LABEL_NO_KEY);
    assert_int_equal(join(labels, 1, "null", T0, &value), LEAT_LABEL_NO_KEY);
    assert_int_equal(leat_labels_find(labels, leat_bytes_of("\"null\""), T0, &value), LEAT_LABEL_PENDING);
    leat_labels_free(labels);
}

static void many_labels_are_kept_apart(void **state)
{
    (void)state;
    struct leat_labels *labels = leat_labels_new(LEAT_DAY);
    char key[32];
    double value;
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "\"%d\"", i);
        add(labels, key, T0, i);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "\"%d\"", i);
        assert_int_equal(join(labels, i, key, T0, &value), LEAT_LABEL_FOUND);
        assert_true(value == i);
    }
    leat_labels_free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_found_whether_it_came_after_the_decision_or_before),
        cmocka_unit_test(a_label_counts_up_to_the_wait_and_not_a_microsecond_longer),
        cmocka_unit_test(a_decision_without_a_label_is_pending_until_the_labels_clock_has_passed_its_wait),
        cmocka_unit_test(the_first_label_of_a_key_counts_and_repeats_and_contradictions_are_counted),
        cmocka_unit_test(a_decision_that_was_recorded_twice_counts_once),
        cmocka_unit_test(an_event_without_a_join_key_has_no_label),
        cmocka_unit_test(many_labels_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
