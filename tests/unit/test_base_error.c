#include "base/error.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void setting_an_error_returns_minus_one_and_fills_it(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(leat_error_set(&err, LEAT_ERROR_FINDING, "model '%s' has %d features", "fraud", 31), -1);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    assert_string_equal(err.text, "model 'fraud' has 31 features");
}

static void nobody_need_ask_for_the_error(void **state)
{
    (void)state;
    assert_int_equal(leat_error_set(NULL, LEAT_ERROR_USAGE, "x"), -1);
    assert_int_equal(leat_error_prefix(NULL, "x"), -1);
}

static void a_prefix_goes_before_the_text_and_keeps_the_kind(void **state)
{
    (void)state;
    struct leat_error err = {0};
    leat_error_set(&err, LEAT_ERROR_ENVIRONMENT, "no such file");
    assert_int_equal(leat_error_prefix(&err, "fn.yaml:%d", 3), -1);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
    assert_string_equal(err.text, "fn.yaml:3: no such file");
}

static void an_error_may_quote_itself(void **state)
{
    (void)state;
    struct leat_error err = {0};
    leat_error_set(&err, LEAT_ERROR_FINDING, "inner");
    leat_error_set(&err, LEAT_ERROR_USAGE, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    assert_int_equal(err.kind, LEAT_ERROR_USAGE);
}

static void a_text_that_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    char euros[3001];
    for (size_t i = 0; i < 1000; i++)
        memcpy(euros + 3 * i, "\xE2\x82\xAC", 4);
    for (int shift = 0; shift < 3; shift++) {
        struct leat_error err = {0};
        leat_error_set(&err, LEAT_ERROR_FINDING, "%.*s%s", shift, "ab", euros);
        assert_true(strlen(err.text) >= sizeof err.text - 4);
        assert_true(leat_utf8_valid(leat_bytes_of(err.text)));
        leat_error_prefix(&err, "%.*s", shift, "ab");
        assert_true(strlen(err.text) >= sizeof err.text - 4);
        assert_true(leat_utf8_valid(leat_bytes_of(err.text)));
    }
}

static void a_prefix_longer_than_the_room_leaves_a_valid_text(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'x', 4000);
    text[4000] = '\0';
    struct leat_error err = {0};
    leat_error_set(&err, LEAT_ERROR_FINDING, "short");
    leat_error_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_minus_one_and_fills_it),
        cmocka_unit_test(nobody_need_ask_for_the_error),
        cmocka_unit_test(a_prefix_goes_before_the_text_and_keeps_the_kind),
        cmocka_unit_test(an_error_may_quote_itself),
        cmocka_unit_test(a_text_that_is_too_long_is_cut_between_characters),
        cmocka_unit_test(a_prefix_longer_than_the_room_leaves_a_valid_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
