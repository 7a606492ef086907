/* leat test: the function's own tests. The report is TAP, which people and machines read. */
#include "cmd/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "cmd/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void leat_test_report(struct leat_test_report *report, const char *name, struct leat_bytes failures)
{
    bool passed = failures.len == 0;
    report->passed += passed;
    report->failed += !passed;
    printf("%s %zu - %s\n", passed ? "ok" : "not ok", report->passed + report->failed, name);
    while (failures.len > 0) {
        const char *end = memchr(failures.data, '\n', failures.len);
        size_t len = end ? (size_t)(end - failures.data) : failures.len;
        printf("  # %.*s\n", (int)len, failures.data);
        len += end ? 1 : 0;
        failures = (struct leat_bytes){failures.data + len, failures.len - len};
    }
}

/* "path/fn.yaml" → "path/fn.test.yaml" */
static char *tests_of(struct leat_arena *arena, const char *file)
{
    size_t len = strlen(file);
    const char *const ends[] = {".yaml", ".yml"};
    for (size_t i = 0; i < 2; i++) {
        size_t end = strlen(ends[i]);
        if (len > end && strcmp(file + len - end, ends[i]) == 0)
            return leat_arena_format(arena, "%.*s.test%s", (int)(len - end), file, ends[i]);
    }
    return leat_arena_format(arena, "%s.test.yaml", file);
}

static char *folder_of(struct leat_arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? leat_arena_format(arena, "%.*s", (int)(slash - file), file) : leat_arena_strdup(arena, ".");
}

static int run_all(const struct leat_arguments *arguments, struct leat_arena *arena, struct leat_test_report *report,
                   struct leat_error *err)
{
    const char *file = arguments->positional[0];
    const char *given = leat_arguments_get(arguments, "--tests");
    const char *tests = given ? given : tests_of(arena, file);
    const char *folder = folder_of(arena, file);
    bool accept = leat_arguments_get(arguments, "--accept") != NULL;
    bool cases = given || leat_file_exists(tests);
    bool scenario = leat_file_exists(leat_arena_format(arena, "%s/events", folder));
    struct leat_function *function;
    if (!cases && !scenario)
        return leat_error_set(err, LEAT_ERROR_USAGE,
                              "there are no tests: neither %s nor the folder %s/events (see 'leat test --help')", tests,
                              folder);
    if (leat_function_load(file, &function, err) < 0)
        return -1;
    int result = 0;
    if (cases)
        result = leat_test_cases(function, tests, report, err);
    if (result == 0 && scenario)
        result = leat_test_scenario(function, folder, accept, report, err);
    leat_function_free(function);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    struct leat_arena arena = {0};
    struct leat_test_report report = {0};
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (arguments.positional_count != 1) {
        leat_error_set(&err, LEAT_ERROR_USAGE, "it takes one function file; see 'leat test --help'");
        return leat_command_fail(command, &err);
    }
    int result = run_all(&arguments, &arena, &report, &err);
    leat_arena_done(&arena);
    if (result < 0)
        return leat_command_fail(command, &err);
    printf("1..%zu\n", report.passed + report.failed);
    return report.failed > 0 ? LEAT_ERROR_FINDING : 0;
}

static const struct leat_option options[] = {
    {"--tests", 0, "FILE", "the tests (fn.test.yaml beside fn.yaml when not given)"},
    {"--accept", 0, NULL, "take what a scenario gives now as what is expected of it"},
    {NULL, 0, NULL, NULL},
};

const struct leat_command leat_command_test = {
    .name = "test",
    .arguments = "fn.yaml [--tests FILE]",
    .summary = "run the function's own tests: given events, expect features and outputs",
    .details =
        "fn.test.yaml is a list of tests. Each begins with empty state; events come in the order in which they stand, and\n"
        "`expect` has one entry for each input event:\n"
        "\n"
        "  - name: the second transaction of an hour counts the first\n"
        "    score: 0.9                  # what the model says; or version: 3, of the registry\n"
        "    threshold: 0.5\n"
        "    tables:\n"
        "      merchants: [{merchant_id: m1, country: SE}]\n"
        "    events:\n"
        "      - input: {card_id: c1, amount: 5, merchant_id: m1, ts: '2024-01-01T00:00:00Z'}\n"
        "      - chargebacks: {card_id: c1, amount: 3, ts: '2024-01-01T00:10:00Z'}\n"
        "      - input: {card_id: c1, amount: 7, merchant_id: m1, ts: '2024-01-01T00:20:00Z'}\n"
        "      - input: 'no JSON'\n"
        "    expect:\n"
        "      - {}\n"
        "      - features: {tx_1h: 2}\n"
        "        output: {decision: review}\n"
        "        marks: []\n"
        "      - dead_letter: decode\n"
        "\n"
        "An event may also have `timestamp` (the record's), `key`, `now` (the clock, for limits.event_age) and, on a stream or\n"
        "table, `dead_letter`. Times may be written as RFC 3339 whatever the schema says. An expectation may have `features`,\n"
        "`output` (some of its fields; or its whole text; or none), `marks`, `score`, `role`, `dead_letter`, `reason`,\n"
        "`filtered: true`. A test may also have `trained_at`, `fallback_score`, `fallback_version`, and what the model says\n"
        "beside its score: `class`, `margin`, `outputs: {'probability[yes]': 0.9}` or `outputs: [0.1, 0.9]`. Numbers agree to\n"
        "nine digits.\n"
        "\n"
        "A folder with `events/` and `expected/` beside the function file is a scenario: the files of events/ are read as\n"
        "topics, and what comes out must be the files of expected/.\n"
        "\n"
        "example: leat test examples/flights/flights.yaml",
    .options = options,
    .run = run,
};
