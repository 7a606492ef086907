#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_yaml_document parsed(const char *text)
{
    struct leat_error err = {0};
    struct leat_yaml_document document = {0};
    if (leat_yaml_parse("fn.yaml", leat_bytes_of(text), &document, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return document;
}

static void check_refused_bytes(struct leat_bytes text, const char *beginning)
{
    struct leat_error err = {0};
    struct leat_yaml_document document = {0};
    if (leat_yaml_parse("fn.yaml", text, &document, &err) == 0)
        fail_msg("%.*s is read", LEAT_BYTES_FORMAT(text));
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    assert_null(document.memory);
    if (strncmp(err.text, beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, beginning);
}

static void check_refused(const char *text, const char *beginning)
{
    check_refused_bytes(leat_bytes_of(text), beginning);
}

static void nodes_know_their_line_and_column(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("a: 1\nlist:\n  - x\n  - 'y'\nm: {k: v}\n");
    const struct leat_yaml *root = document.root;
    assert_int_equal(root->type, LEAT_YAML_MAPPING);
    assert_int_equal(root->count, 3);
    assert_int_equal(root->members[1].key.line, 2);
    assert_int_equal(root->members[1].key.column, 1);
    const struct leat_yaml *list = leat_yaml_get(root, "list");
    assert_int_equal(list->type, LEAT_YAML_SEQUENCE);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->elements[1].line, 4);
    assert_int_equal(list->elements[1].column, 5);
    assert_true(list->elements[1].quoted);
    assert_false(list->elements[0].quoted);
    const struct leat_yaml *value = leat_yaml_get(leat_yaml_get(root, "m"), "k");
    assert_string_equal(value->text.data, "v");
    assert_int_equal(value->line, 5);
    assert_int_equal(value->column, 8);
    assert_null(leat_yaml_get(root, "none"));
    assert_null(leat_yaml_get(list, "a"));
    assert_null(leat_yaml_get(NULL, "a"));
    leat_yaml_done(&document);
    leat_yaml_done(&document);
}

static void columns_count_characters_not_bytes(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("\xC3\xA9\xC3\xA9: x");
    assert_int_equal(document.root->members[0].value.column, 5);
    leat_yaml_done(&document);
}

static void an_empty_file_has_no_root(void **state)
{
    (void)state;
    const char *const texts[] = {"", "\n", "# nothing\n", "---\n...\n"};
    for (size_t i = 0; i < 3; i++) {
        struct leat_yaml_document document = parsed(texts[i]);
        assert_null(document.root);
        leat_yaml_done(&document);
    }
    struct leat_yaml_document document = parsed(texts[3]);
    assert_true(leat_yaml_is_null(document.root));
    leat_yaml_done(&document);
}

static void plain_empty_tilde_and_null_are_null_but_quoted_ones_are_not(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("[~, null, Null, NULL, '', \"~\", 'null', nul, !!str null, {}]");
    const struct leat_yaml *list = document.root->elements;
    for (size_t i = 0; i < 4; i++)
        assert_true(leat_yaml_is_null(&list[i]));
    for (size_t i = 4; i < 10; i++)
        assert_false(leat_yaml_is_null(&list[i]));
    assert_true(leat_yaml_is_null(NULL));
    leat_yaml_done(&document);
    document = parsed("a:\nb: |\n  null\n");
    assert_true(leat_yaml_is_null(leat_yaml_get(document.root, "a")));
    assert_false(leat_yaml_is_null(leat_yaml_get(document.root, "b")));
    assert_string_equal(leat_yaml_get(document.root, "b")->text.data, "null\n");
    leat_yaml_done(&document);
}

static void scalars_keep_nuls_and_end_with_one(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("\"a\\0b\"");
    assert_int_equal(document.root->text.len, 3);
    assert_memory_equal(document.root->text.data, "a\0b", 4);
    leat_yaml_done(&document);
}

static void an_alias_stands_for_its_anchor_at_its_own_place(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("a: &x {k: [1, 2]}\nb: *x\nc: &x 7\nd: *x\n");
    const struct leat_yaml *b = leat_yaml_get(document.root, "b");
    assert_int_equal(b->line, 2);
    assert_int_equal(b->column, 4);
    assert_int_equal(leat_yaml_get(b, "k")->count, 2);
    assert_int_equal(leat_yaml_get(b, "k")->line, 1);
    assert_string_equal(leat_yaml_get(document.root, "d")->text.data, "7");
    leat_yaml_done(&document);
}

static void aliases_to_nothing_and_to_themselves_are_refused(void **state)
{
    (void)state;
    check_refused("a: *x", "fn.yaml:1:4: an alias without an anchor");
    check_refused("a: &x\n  b: *x", "fn.yaml:2:6: an alias to what it is part of");
    check_refused("&x [*x]", "fn.yaml:1:5: an alias to what it is part of");
    check_refused("&x {a: &y {b: *x}}", "fn.yaml:1:15: an alias to what it is part of");
}

static void aliases_that_blow_up_are_refused(void **state)
{
    (void)state;
    char text[4000] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 10; i++) {
        char line[200];
        snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(text, line);
    }
    check_refused(text, "fn.yaml:4:");

    static char large[300000];
    size_t len = (size_t)snprintf(large, sizeof large, "a: &a %0200000d\n", 1);
    for (int i = 0; i < 6; i++)
        len += (size_t)snprintf(large + len, sizeof large - len, "b%d: *a\n", i);
    check_refused(large, "fn.yaml:6:5: more than 1 MiB of text");

    /* 20 levels within an alias at level 20. */
    check_refused("a: &a [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\nb: [[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]",
                  "fn.yaml:2:24: more than 32 levels");
}

static void limits_are_exact(void **state)
{
    (void)state;
    static char text[40000];
    for (size_t nodes = 10000; nodes <= 10001; nodes++) {
        size_t len = 0;
        text[len++] = '[';
        for (size_t i = 0; i < nodes - 1; i++) {
            text[len++] = 'x';
            text[len++] = ',';
        }
        text[len++] = ']';
        text[len] = '\0';
        if (nodes == 10000) {
            struct leat_yaml_document document = parsed(text);
            assert_int_equal(document.root->count, 9999);
            leat_yaml_done(&document);
        } else {
            check_refused(text, "fn.yaml:1:20000: more than 10000 nodes");
        }
    }
    for (size_t depth = 32; depth <= 33; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        if (depth == 33) {
            check_refused(text, "fn.yaml:1:33: more than 32 levels");
            continue;
        }
        struct leat_yaml_document document = parsed(text);
        leat_yaml_done(&document);
    }
    size_t limit = 1 << 20;
    char *large = malloc(limit + 2);
    assert_non_null(large);
    memset(large, 'x', limit + 1);
    struct leat_error err = {0};
    struct leat_yaml_document document = {0};
    assert_int_equal(leat_yaml_parse("fn.yaml", (struct leat_bytes){large, limit}, &document, &err), 0);
    leat_yaml_done(&document);
    check_refused_bytes((struct leat_bytes){large, limit + 1}, "fn.yaml: it has 1048577 bytes, and at most 1048576");
    free(large);
}

static void a_key_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    check_refused("a: 1\nb: 2\na: 3\n",
                  "fn.yaml:3:1: the key 'a' is here a second time; the first is in line 1\n  a: 3\n  ^");
    check_refused("{a: 1, 'a': 2}", "fn.yaml:1:8: the key 'a'");
    struct leat_yaml_document document = parsed("a: {a: 1}\nb: {a: 2}");
    leat_yaml_done(&document);
}

static void keys_that_are_not_scalars_are_refused(void **state)
{
    (void)state;
    check_refused("[1, 2]: x", "fn.yaml:1:1: a key must be a plain text");
    check_refused("? {a: 1}\n: x", "fn.yaml:1:3: a key must be a plain text");
    check_refused("a: &x [1]\n*x : 2\n", "fn.yaml:2:1: a key must be a plain text");
}

static void a_second_document_is_refused(void **state)
{
    (void)state;
    check_refused("a: 1\n---\nb: 2\n", "fn.yaml:2:1: a second document");
    struct leat_yaml_document document = parsed("---\na: 1\n...\n");
    assert_int_equal(document.root->count, 1);
    leat_yaml_done(&document);
}

static void plain_tags_are_accepted_and_others_are_refused(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("{a: !!str 5, b: !!int 5, c: !!seq [1], d: !!map {x: 1}, e: ! 5}");
    assert_true(leat_yaml_get(document.root, "a")->quoted);
    assert_false(leat_yaml_get(document.root, "b")->quoted);
    assert_true(leat_yaml_get(document.root, "e")->quoted);
    leat_yaml_done(&document);
    check_refused("a: !!binary aGVs", "fn.yaml:1:4: the tag 'tag:yaml.org,2002:binary' is not supported");
    check_refused("a: !secret x", "fn.yaml:1:4: the tag '!secret' is not supported");
    check_refused("a: !!python/object:os.system {}", "fn.yaml:1:4: the tag");
}

static void the_parsers_own_errors_have_a_place_and_a_caret(void **state)
{
    (void)state;
    check_refused("a: b: c\n", "fn.yaml:1:5: not YAML: mapping values are not allowed in this context; a text with a "
                               "colon and a space in it needs quotes\n  a: b: c\n      ^");
    check_refused("a:\n\tb: 1\n", "fn.yaml:2:1: not YAML: while scanning for the next token, found character that "
                                  "cannot start any token; YAML is indented with spaces, not with tabs\n  \tb: 1\n  ^");
    check_refused("a: @x\n", "fn.yaml:1:4: not YAML: while scanning for the next token, found character that cannot "
                             "start any token; a text that begins so needs quotes");
    check_refused("a: [1, 2\nb: 3\n", "fn.yaml:2:2: not YAML: while parsing a flow sequence");
    check_refused("a: 'x\n", "fn.yaml:2:1: not YAML: while scanning a quoted scalar");
}

static void invalid_utf8_and_control_characters_are_refused_with_their_place(void **state)
{
    (void)state;
    check_refused("a: 1\nb\xC3\xA9: \xFF\n", "fn.yaml:2:5: not YAML: invalid leading UTF-8 octet");
    check_refused("a: \xED\xA0\x80\n", "fn.yaml:1:4: not YAML:");
    check_refused("a: \xE2\x82", "fn.yaml:1:4: not YAML: incomplete UTF-8 octet sequence");
    check_refused("a: \x01\n", "fn.yaml:1:4: not YAML: control characters are not allowed\n  a: ?\n     ^");
    check_refused_bytes((struct leat_bytes){"a: 1\0b", 6}, "fn.yaml:1:5: not YAML: control characters");
    check_refused_bytes((struct leat_bytes){"\xFF\xFE"
                                            "a\0:\0",
                                            6},
                        "fn.yaml:1:1: not YAML: invalid leading");
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("\xEF\xBB\xBF"
                                                "a: 1\n");
    assert_non_null(leat_yaml_get(document.root, "a"));
    leat_yaml_done(&document);
}

static void line_ends_of_every_kind_are_counted(void **state)
{
    (void)state;
    check_refused("a: 1\r\nb: 2\r\na: 3\r\n", "fn.yaml:3:1: the key 'a' is here a second time; the first is in line 1\n"
                                              "  a: 3\n  ^");
    check_refused("a: 1\rb: 2\ra: 3\r", "fn.yaml:3:1: the key 'a' is here a second time; the first is in line 1\n"
                                        "  a: 3\n  ^");
    check_refused("a: 1\xE2\x80\xA8"
                  "a: 3",
                  "fn.yaml:2:1: the key 'a' is here a second time; the first is in line 1\n"
                  "  a: 3\n  ^");
}

static void an_error_at_a_node_shows_the_line_and_a_caret(void **state)
{
    (void)state;
    struct leat_yaml_document document = parsed("input:\n\xC3\xA9: grace\n");
    struct leat_error err = {0};
    const struct leat_yaml *value = &document.root->members[1].value;
    assert_int_equal(leat_yaml_error(&document, value->line, value->column, &err, "no %s", "grace"), -1);
    assert_string_equal(err.text, "fn.yaml:2:4: no grace\n  \xC3\xA9: grace\n     ^");
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    leat_yaml_error(&document, 99, 1, &err, "x");
    assert_string_equal(err.text, "fn.yaml:99:1: x\n  \n  ^");
    leat_yaml_done(&document);
}

static void of_a_long_line_the_part_around_the_place_is_shown(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text);
    memcpy(text, "k: ", 3);
    memcpy(text + 3000, "HERE", 4);
    text[sizeof text - 1] = '\0';
    struct leat_yaml_document document = parsed(text);
    struct leat_error err = {0};
    leat_yaml_error(&document, 1, 3001, &err, "x");
    const char *line = strchr(err.text, '\n') + 1;
    const char *caret = strchr(line, '\n') + 1;
    size_t column = strcspn(caret, "^");
    assert_true(strlen(line) < 300);
    assert_memory_equal(line + column, "HERE", 4);
    leat_yaml_done(&document);
}

static void a_large_mapping_is_read_in_linear_time(void **state)
{
    (void)state;
    static char text[200000];
    size_t len = 0;
    for (int i = 0; i < 4999; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "key_number_%d: x\n", i);
    struct leat_yaml_document document = parsed(text);
    assert_int_equal(document.root->count, 4999);
    assert_non_null(leat_yaml_get(document.root, "key_number_4998"));
    leat_yaml_done(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_know_their_line_and_column),
        cmocka_unit_test(columns_count_characters_not_bytes),
        cmocka_unit_test(an_empty_file_has_no_root),
        cmocka_unit_test(plain_empty_tilde_and_null_are_null_but_quoted_ones_are_not),
        cmocka_unit_test(scalars_keep_nuls_and_end_with_one),
        cmocka_unit_test(an_alias_stands_for_its_anchor_at_its_own_place),
        cmocka_unit_test(aliases_to_nothing_and_to_themselves_are_refused),
        cmocka_unit_test(aliases_that_blow_up_are_refused),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(a_key_that_is_there_twice_is_refused),
        cmocka_unit_test(keys_that_are_not_scalars_are_refused),
        cmocka_unit_test(a_second_document_is_refused),
        cmocka_unit_test(plain_tags_are_accepted_and_others_are_refused),
        cmocka_unit_test(the_parsers_own_errors_have_a_place_and_a_caret),
        cmocka_unit_test(invalid_utf8_and_control_characters_are_refused_with_their_place),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(line_ends_of_every_kind_are_counted),
        cmocka_unit_test(an_error_at_a_node_shows_the_line_and_a_caret),
        cmocka_unit_test(of_a_long_line_the_part_around_the_place_is_shown),
        cmocka_unit_test(a_large_mapping_is_read_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
