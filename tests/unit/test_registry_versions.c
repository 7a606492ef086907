/* The folder of versions: what is added comes back, what was changed is found, and nothing half-done stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/time.h"
#include "registry/versions.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL "tests/data/models/xgboost-3.2-no-missing.json"
#define PARITY "tests/data/models/xgboost-3.2-no-missing.rows.jsonl"
#define OTHER "tests/data/models/lightgbm-4.6-binary.txt"

struct world {
    char root[64];
    struct leat_error err;
};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static int set_up(void **state)
{
    struct world *world = leat_calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/leat-registry-XXXXXX");
    if (mkdtemp(world->root) == NULL)
        return -1;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    nftw(world->root, remove_one, 10, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

static struct leat_version_draft draft(void)
{
    return (struct leat_version_draft){
        .name = "fraud",
        .model_file = MODEL,
        .parity_file = PARITY,
        .trained_at = LEAT_TIME_NONE,
        .added_at = LEAT_TIME_NONE,
        .threshold = (double)NAN,
    };
}

static uint32_t add(struct world *world, const struct leat_version_draft *draft)
{
    uint32_t number = 0;
    if (leat_registry_add(world->root, draft, &number, &world->err) != 0)
        fail_msg("%s", world->err.text);
    return number;
}

static void assert_says(const struct world *world, const char *says)
{
    if (strstr(world->err.text, says) == NULL)
        fail_msg("says '%s', which lacks '%s'", world->err.text, says);
}

static void assert_not_added(struct world *world, const struct leat_version_draft *draft, enum leat_error_kind kind,
                             const char *says)
{
    uint32_t number = 77;
    assert_int_equal(leat_registry_add(world->root, draft, &number, &world->err), -1);
    assert_int_equal(number, 77);
    assert_int_equal(world->err.kind, kind);
    assert_says(world, says);
}

static void assert_not_loaded(struct world *world, uint32_t number, const char *says)
{
    struct leat_version *version = NULL;
    assert_int_equal(leat_registry_load(world->root, "fraud", number, &version, &world->err), -1);
    assert_null(version);
    assert_int_equal(world->err.kind, LEAT_ERROR_FINDING);
    assert_says(world, says);
}

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static void all_that_was_told_comes_back(void **state)
{
    struct world *world = *state;
    struct leat_version *version = NULL;
    const struct leat_metric metrics[] = {{"auc", 0.91}, {"log \"loss\"", 1.0 / 3}};
    struct leat_version_draft told = draft();
    told.trained_at = INT64_C(1373284800000000);
    told.added_at = INT64_C(1373284800123456);
    told.threshold = 0.1;
    told.metrics = metrics;
    told.metric_count = 2;
    told.note = "the first – of many";
    assert_int_equal(add(world, &told), 1);
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &version, &world->err), 0);
    assert_string_equal(version->name, "fraud");
    assert_int_equal(version->number, 1);
    assert_int_equal(version->trained_at, told.trained_at);
    assert_int_equal(version->added_at, told.added_at);
    assert_true(version->threshold == 0.1);
    assert_int_equal(version->metric_count, 2);
    assert_string_equal(version->metrics[1].name, "log \"loss\"");
    assert_true(version->metrics[1].value == 1.0 / 3);
    assert_string_equal(version->note, told.note);
    assert_int_equal(version->parity_rows, 40);
    assert_int_equal(version->feature_count, 6);
    assert_string_equal(version->feature_names[2], "länge");
    assert_int_equal(strlen(version->digest), LEAT_DIGEST_TEXT - 1);
    leat_version_ref(version);
    leat_version_unref(version);
    assert_int_equal(leat_model_info(version->model)->tree_count, 4);
    leat_version_unref(version);
    leat_version_unref(NULL);
}

static void what_was_not_told_is_marked_as_such(void **state)
{
    struct world *world = *state;
    struct leat_version *version = NULL;
    struct leat_version_draft told = draft();
    told.parity_file = NULL;
    add(world, &told);
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &version, &world->err), 0);
    assert_int_equal(version->parity_rows, 0);
    assert_int_equal(version->trained_at, LEAT_TIME_NONE);
    assert_true(isnan(version->threshold));
    assert_int_equal(version->metric_count, 0);
    assert_null(version->note);
    leat_version_unref(version);
}

static void numbers_and_names_are_listed_in_order(void **state)
{
    struct world *world = *state;
    uint32_t *numbers = NULL;
    char **names = NULL;
    size_t count = 9;
    struct leat_version_draft told = draft();
    assert_int_equal(leat_registry_names("/no/such/folder", &names, &count, &world->err), 0);
    assert_int_equal(count, 0);
    free(names);
    assert_int_equal(leat_registry_numbers(world->root, "fraud", &numbers, &count, &world->err), 0);
    assert_int_equal(count, 0);
    for (uint32_t i = 1; i <= 11; i++)
        assert_int_equal(add(world, &told), i);
    told.name = "abuse";
    add(world, &told);
    char empty[100];
    snprintf(empty, sizeof empty, "%s/zebra", world->root);
    assert_int_equal(leat_folder_make(empty, &world->err), 0);
    assert_int_equal(leat_registry_numbers(world->root, "fraud", &numbers, &count, &world->err), 0);
    assert_int_equal(count, 11);
    for (uint32_t i = 0; i < 11; i++)
        assert_int_equal(numbers[i], i + 1);
    free(numbers);
    assert_int_equal(leat_registry_names(world->root, &names, &count, &world->err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "abuse");
    assert_string_equal(names[1], "fraud");
    free(names);
}

static void a_model_that_does_not_load_or_agree_leaves_no_trace(void **state)
{
    struct world *world = *state;
    struct leat_version_draft told = draft();
    told.model_file = "tests/data/models/make.py";
    assert_not_added(world, &told, LEAT_ERROR_FINDING, "not a model that is known");
    told = draft();
    told.parity_file = "tests/data/models/xgboost-3.1-binary.rows.jsonl";
    assert_not_added(world, &told, LEAT_ERROR_FINDING, "parity row 1 (line 1): the trainer's score is");
    told.parity_file = "/dev/null";
    assert_not_added(world, &told, LEAT_ERROR_FINDING, "'/dev/null' has no parity rows");
    told.parity_file = "/no/such/file";
    assert_not_added(world, &told, LEAT_ERROR_ENVIRONMENT, "/no/such/file");
    assert_int_equal(count_entries(world->root), 0);
}

static void names_that_are_no_folder_names_are_refused(void **state)
{
    struct world *world = *state;
    const char *const names[] = {"", ".", "..", ".hidden", "a/b", "../up", "a b", "ä", "a\n"};
    struct leat_version_draft told = draft();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        told.name = names[i];
        assert_not_added(world, &told, LEAT_ERROR_USAGE, "can not be a model's name");
    }
    char longest[102];
    memset(longest, 'n', 101);
    longest[101] = '\0';
    told.name = longest;
    assert_not_added(world, &told, LEAT_ERROR_USAGE, "can not be a model's name");
    longest[100] = '\0';
    add(world, &told);
}

static void features_given_by_hand_must_fit_the_model(void **state)
{
    struct world *world = *state;
    const char *const fewer[] = {"amount", "count_24h"};
    const char *const moved[] = {"amount", "länge", "count_24h", "a b", "e=f", "g"};
    const char *const twice[] = {"a", "b", "c", "d", "e", "a"};
    const char *const other[] = {"a", "b", "c", "d", "e", "f"};
    struct leat_version_draft told = draft();
    told.feature_names = fewer;
    told.feature_count = 2;
    assert_not_added(world, &told, LEAT_ERROR_FINDING, "2 features are given, but the model has 6");
    told.feature_count = 6;
    told.feature_names = moved;
    assert_not_added(world, &told, LEAT_ERROR_FINDING,
                     "in another order: number 2 is 'länge', in the file it is 'count_24h'");
    told.feature_names = twice;
    assert_not_added(world, &told, LEAT_ERROR_FINDING, "some have the same name");
    told.feature_names = other;
    add(world, &told);
    struct leat_version *version = NULL;
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &version, &world->err), 0);
    assert_string_equal(version->feature_names[5], "f");
    leat_version_unref(version);
}

static void a_model_without_names_has_them_counted(void **state)
{
    struct world *world = *state;
    struct leat_version *version = NULL;
    struct leat_version_draft told = draft();
    told.model_file = "tests/data/models/xgboost-3.2-binary.json";
    told.parity_file = NULL;
    add(world, &told);
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &version, &world->err), 0);
    assert_string_equal(version->feature_names[5], "f5");
    leat_version_unref(version);
}

static void what_does_not_exist_is_said(void **state)
{
    struct world *world = *state;
    struct leat_version_draft told = draft();
    assert_not_loaded(world, 1, "there is no model 'fraud'");
    add(world, &told);
    assert_not_loaded(world, 2, "model 'fraud' has no version 2; the newest is 1");
    assert_not_loaded(world, 0, "model 'fraud' has no version 0");
}

/* Changes every 97th byte in turn, and back. */
static void flip_bytes(struct world *world, const char *name)
{
    char path[200];
    struct leat_buffer content = {0};
    snprintf(path, sizeof path, "%s/fraud/1/%s", world->root, name);
    assert_int_equal(leat_file_read(path, 1 << 24, &content, &world->err), 0);
    for (size_t at = 0; at < content.len; at += 97) {
        content.data[at] ^= 1;
        assert_int_equal(leat_file_write(path, leat_buffer_view(&content), &world->err), 0);
        assert_not_loaded(world, 1, "was changed");
        content.data[at] ^= 1;
    }
    assert_int_equal(leat_file_write(path, (struct leat_bytes){content.data, content.len - 1}, &world->err), 0);
    assert_not_loaded(world, 1, "was changed");
    assert_int_equal(leat_file_write(path, leat_buffer_view(&content), &world->err), 0);
    leat_buffer_done(&content);
}

static void a_changed_byte_of_any_file_is_found(void **state)
{
    struct world *world = *state;
    struct leat_version *version = NULL;
    struct leat_version_draft told = draft();
    told.model_file = OTHER;
    told.parity_file = "tests/data/models/lightgbm-4.6-binary.rows.jsonl";
    add(world, &told);
    flip_bytes(world, "version.json");
    flip_bytes(world, "model.txt");
    flip_bytes(world, "parity.jsonl");
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &version, &world->err), 0);
    leat_version_unref(version);
    char path[200];
    snprintf(path, sizeof path, "%s/fraud/1/parity.jsonl", world->root);
    unlink(path);
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &version, &world->err), -1);
    assert_says(world, "parity.jsonl");
}

static void a_version_that_was_moved_is_refused(void **state)
{
    struct world *world = *state;
    struct leat_version_draft told = draft();
    add(world, &told);
    char from[200];
    char to[200];
    snprintf(from, sizeof from, "%s/fraud/1", world->root);
    snprintf(to, sizeof to, "%s/fraud/2", world->root);
    assert_int_equal(rename(from, to), 0);
    assert_not_loaded(world, 2, "version.json is of model 'fraud' version 1: the folder was moved");
}

static void versions_that_differ_in_anything_have_different_digests(void **state)
{
    struct world *world = *state;
    struct leat_version *first = NULL;
    struct leat_version *second = NULL;
    struct leat_version_draft told = draft();
    add(world, &told);
    told.threshold = 0.5;
    add(world, &told);
    assert_int_equal(leat_registry_load(world->root, "fraud", 1, &first, &world->err), 0);
    assert_int_equal(leat_registry_load(world->root, "fraud", 2, &second, &world->err), 0);
    assert_string_not_equal(first->digest, second->digest);
    leat_version_unref(first);
    leat_version_unref(second);
}

static void those_who_add_at_once_get_a_number_each(void **state)
{
    enum { PROCESSES = 8, ADDS = 5 };
    struct world *world = *state;
    struct leat_version_draft told = draft();
    pid_t children[PROCESSES];
    told.parity_file = NULL;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        uint32_t number = 0;
        int status = 0;
        for (int k = 0; k < ADDS && status == 0; k++)
            status = leat_registry_add(world->root, &told, &number, &world->err);
        _exit(status == 0 ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (uint32_t number = 1; number <= PROCESSES * ADDS; number++) {
        struct leat_version *version = NULL;
        if (leat_registry_load(world->root, "fraud", number, &version, &world->err) != 0)
            fail_msg("%s", world->err.text);
        leat_version_unref(version);
    }
    char path[100];
    snprintf(path, sizeof path, "%s/fraud", world->root);
    assert_int_equal(count_entries(path), PROCESSES * ADDS);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(all_that_was_told_comes_back),
        TEST(what_was_not_told_is_marked_as_such),
        TEST(numbers_and_names_are_listed_in_order),
        TEST(a_model_that_does_not_load_or_agree_leaves_no_trace),
        TEST(names_that_are_no_folder_names_are_refused),
        TEST(features_given_by_hand_must_fit_the_model),
        TEST(a_model_without_names_has_them_counted),
        TEST(what_does_not_exist_is_said),
        TEST(a_changed_byte_of_any_file_is_found),
        TEST(a_version_that_was_moved_is_refused),
        TEST(versions_that_differ_in_anything_have_different_digests),
        TEST(those_who_add_at_once_get_a_number_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
