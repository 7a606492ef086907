#include "base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/leat-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[5000];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_write(in_folder("a"), (struct leat_bytes){"a\0b\n", 4}, &err), 0);
    assert_int_equal(leat_file_read(in_folder("a"), 4, &content, &err), 0);
    assert_int_equal(content.len, 4);
    assert_memory_equal(content.data, "a\0b\n", 4);
    leat_buffer_done(&content);

    assert_int_equal(leat_file_write(in_folder("a"), (struct leat_bytes){NULL, 0}, &err), 0);
    assert_int_equal(leat_file_read(in_folder("a"), 4, &content, &err), 0);
    assert_int_equal(content.len, 0);
    assert_string_equal(leat_buffer_text(&content), "");
    leat_buffer_done(&content);
}

static void a_file_beyond_the_maximum_is_refused_with_both_numbers(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_write(in_folder("b"), leat_bytes_of("12345"), &err), 0);
    assert_int_equal(leat_file_read(in_folder("b"), 4, &content, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "5 bytes"));
    assert_non_null(strstr(err.text, "at most 4"));
    assert_null(content.data);
}

static void an_endless_file_is_refused(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_read("/dev/zero", 1000000, &content, &err), -1);
    assert_non_null(strstr(err.text, "1000000"));
}

static void a_file_whose_size_is_not_known_beforehand_is_read_whole(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_read("/proc/self/maps", 1 << 24, &content, &err), 0);
    assert_true(content.len > 1000);
    leat_buffer_done(&content);
}

static void a_missing_file_and_a_folder_are_named_in_the_error(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_read(in_folder("none"), 10, &content, &err), -1);
    assert_non_null(strstr(err.text, "/none': No such file"));
    assert_int_equal(leat_file_read(folder, 10, &content, &err), -1);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_false(leat_file_exists(in_folder("none")));
    assert_true(leat_file_exists(folder));
}

static void a_write_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(leat_folder_make(in_folder("c/taken"), &err), 0);
    assert_int_equal(leat_file_write(in_folder("c/taken"), leat_bytes_of("x"), &err), -1);
    assert_int_equal(leat_file_write(in_folder("no/such/folder"), leat_bytes_of("x"), &err), -1);
    DIR *entries = opendir(in_folder("c"));
    int count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        count += entry->d_name[0] != '.';
    closedir(entries);
    assert_int_equal(count, 1);
}

static void a_name_longer_than_the_system_allows_is_refused(void **state)
{
    (void)state;
    struct leat_error err = {0};
    char name[4800];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(leat_file_write(in_folder(name), leat_bytes_of("x"), &err), -1);
    assert_int_equal(leat_folder_make(in_folder(name), &err), -1);
}

static void records_are_appended_in_order(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    assert_int_equal(leat_file_append(in_folder("log"), leat_bytes_of("one\n"), &err), 0);
    assert_int_equal(leat_file_append(in_folder("log"), leat_bytes_of("two\n"), &err), 0);
    assert_int_equal(leat_file_read(in_folder("log"), 100, &content, &err), 0);
    assert_string_equal(leat_buffer_text(&content), "one\ntwo\n");
    leat_buffer_done(&content);
    assert_int_equal(leat_file_append(in_folder("none/log"), leat_bytes_of("x"), &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
}

static void an_append_without_room_says_so(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(leat_file_append("/dev/full", leat_bytes_of("x"), &err), -1);
    assert_non_null(strstr(err.text, "No space left"));
}

static void a_folder_is_made_with_its_parents_and_may_exist(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(leat_folder_make(in_folder("x/y//z/"), &err), 0);
    assert_int_equal(leat_folder_make(in_folder("x/y/z"), &err), 0);
    assert_true(leat_file_exists(in_folder("x/y/z")));
    assert_int_equal(leat_folder_make("/", &err), 0);
    assert_int_equal(leat_file_write(in_folder("x/file"), leat_bytes_of(""), &err), 0);
    assert_int_equal(leat_folder_make(in_folder("x/file/z"), &err), -1);
    assert_non_null(strstr(err.text, "Not a directory"));
    assert_int_equal(leat_folder_make("", &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_file_beyond_the_maximum_is_refused_with_both_numbers),
        cmocka_unit_test(an_endless_file_is_refused),
        cmocka_unit_test(a_file_whose_size_is_not_known_beforehand_is_read_whole),
        cmocka_unit_test(a_missing_file_and_a_folder_are_named_in_the_error),
        cmocka_unit_test(a_write_that_fails_leaves_nothing_behind),
        cmocka_unit_test(a_name_longer_than_the_system_allows_is_refused),
        cmocka_unit_test(records_are_appended_in_order),
        cmocka_unit_test(an_append_without_room_says_so),
        cmocka_unit_test(a_folder_is_made_with_its_parents_and_may_exist),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
