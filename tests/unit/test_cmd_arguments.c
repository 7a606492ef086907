/* The command line against a table of options, and the program `leat` itself: help, exit codes, model add to predict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cmd/command.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct leat_option options[] = {
    {"--from", 'f', "TIME", "where to begin"},
    {"--label", 0, "NAME=X", "may be repeated"},
    {"--verbose", 'v', NULL, "say more"},
    {0},
};

static const struct leat_command command = {
    .name = "try", .arguments = "FILE", .summary = "tries", .options = options, .details = "example:\n  leat try x"};

struct parsed {
    struct leat_arguments arguments;
    struct leat_error err;
    bool help;
    int status;
};

#define PARSE(...) parse((const char *[]){"try", __VA_ARGS__, NULL})

static struct parsed parse(const char **words)
{
    struct parsed p = {0};
    int count = 0;
    while (words[count] != NULL)
        count++;
    p.status = leat_arguments_parse(&command, count, (char **)words, &p.arguments, &p.help, &p.err);
    return p;
}

static void assert_usage(struct parsed p, const char *says)
{
    assert_int_equal(p.status, -1);
    assert_int_equal(p.err.kind, LEAT_ERROR_USAGE);
    if (strstr(p.err.text, says) == NULL)
        fail_msg("says '%s', which lacks '%s'", p.err.text, says);
}

static void options_may_stand_anywhere_and_take_their_value_either_way(void **state)
{
    (void)state;
    struct parsed p = PARSE("a", "--from", "1", "b", "--from=2", "-v", "-f", "3", "-f4", "c");
    assert_int_equal(p.status, 0);
    assert_int_equal(p.arguments.positional_count, 3);
    assert_string_equal(p.arguments.positional[2], "c");
    assert_string_equal(leat_arguments_get(&p.arguments, "--from"), "4");
    assert_string_equal(leat_arguments_get(&p.arguments, "--verbose"), "");
    assert_null(leat_arguments_get(&p.arguments, "--label"));
    size_t iterator = 0;
    const char *const expected[] = {"1", "2", "3", "4"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(leat_arguments_each(&p.arguments, "--from", &iterator), expected[i]);
    assert_null(leat_arguments_each(&p.arguments, "--from", &iterator));
}

static void a_value_may_look_like_an_option_or_hold_an_equals_sign(void **state)
{
    (void)state;
    struct parsed p = PARSE("--from", "-1", "--label=a=b=c", "--label", "--from", "--label=");
    assert_int_equal(p.status, 0);
    size_t iterator = 0;
    assert_string_equal(leat_arguments_get(&p.arguments, "--from"), "-1");
    assert_string_equal(leat_arguments_each(&p.arguments, "--label", &iterator), "a=b=c");
    assert_string_equal(leat_arguments_each(&p.arguments, "--label", &iterator), "--from");
    assert_string_equal(leat_arguments_each(&p.arguments, "--label", &iterator), "");
}

static void two_dashes_end_the_options_and_one_is_an_argument(void **state)
{
    (void)state;
    struct parsed p = PARSE("-", "--", "--from", "--", "-v");
    assert_int_equal(p.status, 0);
    assert_int_equal(p.arguments.positional_count, 4);
    assert_string_equal(p.arguments.positional[0], "-");
    assert_string_equal(p.arguments.positional[1], "--from");
    assert_int_equal(p.arguments.option_count, 0);
}

static void unknown_options_are_named_with_the_nearest_known_one(void **state)
{
    (void)state;
    assert_usage(PARSE("--form", "1"), "unknown option '--form'; did you mean '--from'?");
    assert_usage(PARSE("--form=1"), "unknown option '--form'; did you mean '--from'?");
    assert_usage(PARSE("--hepl"), "did you mean '--help'?");
    assert_usage(PARSE("--something-else"), "unknown option '--something-else'; see 'leat try --help'");
    assert_usage(PARSE("-x"), "unknown option '-x'");
    assert_usage(PARSE("-vx"), "unknown option '-vx'");
}

static void values_that_lack_or_are_too_many_are_said(void **state)
{
    (void)state;
    assert_usage(PARSE("--from"), "--from needs a value: --from TIME");
    assert_usage(PARSE("-f"), "--from needs a value");
    assert_usage(PARSE("--verbose=1"), "--verbose takes no value");
}

static void more_than_64_of_either_are_refused(void **state)
{
    (void)state;
    const char *words[LEAT_ARGUMENTS_MAX + 3] = {"try"};
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 1; i <= LEAT_ARGUMENTS_MAX; i++)
            words[i] = kind == 0 ? "-v" : "x";
        assert_int_equal(parse(words).status, 0);
        words[LEAT_ARGUMENTS_MAX + 1] = words[1];
        assert_usage(parse(words), kind == 0 ? "more than 64 options" : "more than 64 arguments");
        words[LEAT_ARGUMENTS_MAX + 1] = NULL;
    }
}

/* ---- the program ---- */

static char folder[] = "/tmp/leat-cmd-XXXXXX";

/* Runs a shell line in which $leat is the program; the output, errors too, is in `output`. */
static int run(const char *line, char *output, size_t size)
{
    char whole[2000];
    const char *build = getenv("LEAT_BUILD");
    snprintf(whole, sizeof whole, "leat='%s/leat'; export LEAT_REGISTRY='%s/models'; { %s; } 2>&1",
             build == NULL ? "build/test" : build, folder, line);
    FILE *pipe = popen(whole, "r");
    assert_non_null(pipe);
    size_t len = fread(output, 1, size - 1, pipe);
    output[len] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void check(const char *line, int code, const char *says)
{
    static char output[20000];
    int got = run(line, output, sizeof output);
    if (got != code || strstr(output, says) == NULL)
        fail_msg("`%s` exits with %d (not %d?) and prints:\n%s\nwhich should hold: %s", line, got, code, output, says);
}

#define BINARY "tests/data/models/lightgbm-4.6-binary"
#define SOFTPROB "tests/data/models/xgboost-3.2-softprob"
#define NAMED "tests/data/models/xgboost-3.2-no-missing"

static void help_and_wrong_usage_have_their_exit_codes(void **state)
{
    (void)state;
    check("$leat", 2, "usage: leat COMMAND");
    check("$leat --help", 0, "  model ");
    check("$leat help", 0, "exit codes: 0 done");
    check("$leat help model", 0, "  predict ");
    check("$leat help model add", 0, "usage: leat model add NAME FILE");
    check("$leat model add --help", 0, "  leat model add fraud export");
    check("$leat model", 2, "usage: leat model ACTION");
    check("$leat version", 0, "leat ");
    check("$leat --version", 0, "leat ");
    check("$leat modle", 2, "there is no command 'modle'; did you mean 'model'?");
    check("$leat help modle", 2, "did you mean 'model'?");
    check("$leat model sho", 2, "there is no action 'sho'; did you mean 'show'?");
    check("$leat model add x", 2, "leat model add: usage: leat model add NAME FILE");
    check("$leat model show a 1 2", 2, "usage: leat model show");
    check("$leat model show a one", 2, "'one' is not a version's number");
    check("$leat model add x " BINARY ".txt --trained-at yesterday", 2, "'yesterday' is not a time");
    check("$leat model add x " BINARY ".txt --metric auc", 2, "--metric auc: NAME=NUMBER");
    check("$leat model add x " BINARY ".txt --threshold high", 2, "--threshold high: a number");
    check("$leat model add x /no/such/file", 3, "/no/such/file");
    check("$leat version >/dev/full", 3, "standard output");
}

static void a_model_file_is_tried_out(void **state)
{
    (void)state;
    check("printf '[1,2,3,4,5,6]\\n\\n[null,null,null,null,null,null]\\n' | $leat model predict " SOFTPROB ".json --raw",
          0, "\"raw\": [");
    check("echo '{\"amount\": 1.5, \"g\": \"NaN\"}' | $leat model predict " NAMED ".json --input -", 0, "\"label\": ");
    check("echo '{\"amont\": 1.5}' | $leat model predict " NAMED ".json", 1,
          "(standard input):1: the model has no feature 'amont'; the nearest is 'amount'");
    check("echo '[1,2]' | $leat model predict " NAMED ".json", 1, "the row has 2 values; the model has 6 features");
    check("printf '[1,2,3,4,5,6]\\n{' | $leat model predict " NAMED ".json", 1, "(standard input):2: ");
    check("$leat model predict tests/data/models/make.py", 1,
          "leat model predict: tests/data/models/make.py: not a model that is known");
    check("$leat model predict " NAMED ".json --input /no/such/file", 3, "/no/such/file");
}

static void versions_are_added_listed_shown_and_verified(void **state)
{
    (void)state;
    check("$leat model list", 0, "model ");
    check("$leat model list --json", 0, "[]");
    check("$leat model list fraud", 1, "there is no model 'fraud'");
    check("$leat model show fraud", 1, "there is no model 'fraud'");
    check("$leat model add fraud " BINARY ".txt --parity " BINARY ".rows.jsonl --trained-at 2013-09-01 --metric auc=0.91 "
          "--metric 'log loss=0.4' --threshold 0.5 --note hello",
          0, "added model 'fraud' version 1\n");
    check("$leat model add fraud " NAMED ".json", 0, "added model 'fraud' version 2 (unverified");
    check("$leat model add fraud " NAMED ".json --parity " BINARY ".rows.jsonl", 1, "parity row 1");
    check("$leat model list", 0, "2013-09-01T00:00:00Z");
    check("$leat model list fraud --json", 0, "\"parity\": \"unverified\"");
    check("$leat model show fraud 1", 0, "kernel      8 trees or rows at once");
    check("$leat model show fraud 1", 0, "log loss = 0.4");
    check("$leat model show fraud", 0, "version 2");
    check(
        "$leat model show fraud 1 --json | python3 -c 'import json,sys; v=json.load(sys.stdin); print(v[\"metrics\"][\"auc\"])'",
        0, "0.91");
    check("$leat model verify fraud", 0,
          "ok fraud 1: unchanged; 40 parity rows agree\nok fraud 2: unchanged; unverified");
    check("$leat model verify fraud --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'", 0, "2");
    check("printf x >>$LEAT_REGISTRY/fraud/1/model.txt; $leat model verify fraud", 1,
          "not ok fraud 1: model 'fraud' version 1: 'model.txt' was changed");
    check("$leat model verify fraud 2", 0, "ok fraud 2");
    check("$leat model verify fraud 1 --json", 1, "\"refused\": ");
    check("$leat model list", 1, "refused: ");
    check("$leat model verify fraud 3", 1, "has no version 3; the newest is 2");
}

static void metadata_comes_from_a_file_and_options_count_more(void **state)
{
    (void)state;
    check("echo '{\"name\": \"ignored\", \"trained_at\": \"2013-01-01\", \"threshold\": 0.25, \"metrics\": {\"auc\": 0.5, \"f1\": 0.75}, "
          "\"features\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]}' >$LEAT_REGISTRY.json; "
          "$leat model add meta " BINARY ".txt --meta $LEAT_REGISTRY.json --metric auc=0.625 --features u,v,w,x,y,z; "
          "$leat model show meta --json",
          0, "\"threshold\": 0.25, \"metrics\": {\"auc\": 0.625, \"f1\": 0.75}, \"features\": [\"u\", \"v\"");
    check("echo '{\"metrics\": {\"auc\": \"high\"}}' >$LEAT_REGISTRY.json; $leat model add meta " BINARY
          ".txt --meta $LEAT_REGISTRY.json",
          1, "metric 'auc' is not a number");
    check("echo '[' >$LEAT_REGISTRY.json; $leat model add meta " BINARY ".txt --meta $LEAT_REGISTRY.json", 1,
          "models.json: ");
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere_and_take_their_value_either_way),
        cmocka_unit_test(a_value_may_look_like_an_option_or_hold_an_equals_sign),
        cmocka_unit_test(two_dashes_end_the_options_and_one_is_an_argument),
        cmocka_unit_test(unknown_options_are_named_with_the_nearest_known_one),
        cmocka_unit_test(values_that_lack_or_are_too_many_are_said),
        cmocka_unit_test(more_than_64_of_either_are_refused),
        cmocka_unit_test(help_and_wrong_usage_have_their_exit_codes),
        cmocka_unit_test(a_model_file_is_tried_out),
        cmocka_unit_test(versions_are_added_listed_shown_and_verified),
        cmocka_unit_test(metadata_comes_from_a_file_and_options_count_more),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
