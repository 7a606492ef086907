/* leat docs: the reference pages that are made from the program's own tables, so that they can not be out of date. */
#include "base/file.h"
#include "cmd/command.h"
#include "cmd/model.h"
#include "expr/expr.h"
#include "function/function.h"
#include "model/onnx/graph.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERATED(what) "<!-- Made by `leat docs` from " what ". Change it there, then run `make docs`. -->\n\n"

/* A cell of a table: '|' would end it. */
static void put_cell(struct leat_buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            leat_buffer_append_char(out, '\\');
        leat_buffer_append_char(out, *text);
    }
}

static void put_code_cell(struct leat_buffer *out, const char *text)
{
    if (!text[0])
        return;
    leat_buffer_append_char(out, '`');
    put_cell(out, text);
    leat_buffer_append_char(out, '`');
}

/* -- function-file.md ------------------------------------------------------------------------------------------------ */

static const char function_file_intro[] = GENERATED(
    "the table in src/function/options.c") "# The function file\n"
                                           "\n"
                                           "One YAML file says what a function reads, what it remembers, what it computes and where the answers go.\n"
                                           "`leat init` writes a first one from a topic's records, `leat check` says what is wrong with one.\n"
                                           "\n"
                                           "- An unknown key is an error; so is a nested spelling of a dotted key, and the other way round.\n"
                                           "- **Durations** are whole numbers with units: `250us`, `1500ms`, `30s`, `5m`, `24h`, `30d`, `2w`, and sums like\n"
                                           "  `1h30m`. A bare number is an error, but for `0`.\n"
                                           "- **`${NAME}`** in any value is the environment variable, **`${file:PATH}`** the content of a file (without its last\n"
                                           "  line end; a relative path begins at the function file's folder). What is not set is an error. What came in this\n"
                                           "  way is not shown in errors, and as a value of `kafka:` nowhere. Expressions can not hold it: the file's digest stands\n"
                                           "  for what they compute. A dollar sign before `{` is written `$$`.\n"
                                           "- **Schemas** name fields and their types: `string`, `int` (64 bits), `double`, `bool`, `timestamp` (RFC 3339 text),\n"
                                           "  `timestamp_s`, `timestamp_ms`, `timestamp_us` (numbers since 1970). A nested mapping is an object, `[type]` a list.\n"
                                           "  Fields that are not declared are passed over. Every declared field may be absent or null.\n"
                                           "- **Fields** are paths into the schema: `a`, `a.b`, `a[0].b`.\n"
                                           "- **Expressions** are described in [expressions.md](expressions.md).\n"
                                           "\n"
                                           "A `*` stands for a name of your choice.\n";

static const char function_file_names[] =
    "\n"
    "## Which names an expression may use\n"
    "\n"
    "| where | names |\n"
    "|---|---|\n"
    "| `features.*` | columns of the input; features above it; `table[key].column`; aggregates over windows |\n"
    "| `output.value.*` | the same, all features, `marks`, and with a model `score`, `model.name`, `model.version`, "
    "`model.role`, `model.threshold` |\n"
    "| `input.filter`, `*.heartbeat`, `labels.value` | columns of that source |\n"
    "| the argument, filter and key of an aggregate over a stream | columns of that stream |\n"
    "\n"
    "A feature may have the name of an input column: in its own expression, in features above it, in\n"
    "the keys of windows and inside aggregates the name is the column; in features below it and in the output the feature\n"
    "(`country: upper(country)`).\n"
    "The key of a window may use columns only; the key of a lookup may also use aggregates and other lookups.\n"
    "\n"
    "## Where state lives\n"
    "\n"
    "State lives with its partition. So the key of a window contains its topic's partition key, and a stream has the\n"
    "input's key (same type, partitioner and number of partitions), or `scope: global`: then every worker reads all of\n"
    "it, and any key will do. `leat check` refuses other combinations and says what to do.\n";

static void put_option(struct leat_buffer *out, const struct leat_option_help *option)
{
    leat_buffer_append_text(out, "| ");
    put_code_cell(out, option->path);
    leat_buffer_append_text(out, " | ");
    put_cell(out, option->type);
    leat_buffer_append_text(out, " | ");
    if (strcmp(option->standard, "required") == 0)
        leat_buffer_append_text(out, "required");
    else
        put_code_cell(out, option->standard);
    leat_buffer_append_text(out, " | ");
    put_cell(out, option->summary);
    leat_buffer_append_text(out, " |\n");
}

static void put_function_file(struct leat_buffer *out)
{
    const struct leat_option_help *option;
    leat_buffer_append_text(out, function_file_intro);
    leat_buffer_append_text(out, "\n| key | type | default | |\n|---|---|---|---|\n");
    for (size_t i = 0; (option = leat_function_option(i)); i++)
        put_option(out, option);
    leat_buffer_append_text(out, function_file_names);
}

/* -- expressions.md -------------------------------------------------------------------------------------------------- */

static const char expressions_intro[] = GENERATED(
    "the tables in src/expr/functions.c and the text in src/cmd/docs.c") "# Expressions\n"
                                                                         "\n"
                                                                         "A small, typed subset of SQL without side effects, for features, outputs, filters and labels. Types are checked when\n"
                                                                         "the file is loaded: `bool`, `int` (64 bits), `double`, `string`, `time` (microseconds).\n"
                                                                         "\n"
                                                                         "| | |\n"
                                                                         "|---|---|\n"
                                                                         "| literals | `12`, `0.5`, `1e-3`, `'text'` (`''` is a quote in it), `true`, `false`, `null`, "
                                                                         "`timestamp '2013-07-08T12:00:00Z'`, `interval '90s'` |\n"
                                                                         "| names | `amount`, `a.b[0]`; in double quotes when a name is not a plain word: `\"card id\"` |\n"
                                                                         "| times | `ts + interval '5m'`, `seconds_between(a, b)` |\n"
                                                                         "| arithmetic | `+ - *`, `/` (always a double), `div` and `%` (of ints) |\n"
                                                                         "| text | `a \\|\\| b`, `like 'a%'` |\n"
                                                                         "| comparison | `= <> < <= > >=`, `between a and b`, `in (a, b, …)`, `is null`, `is not null`; text by its bytes |\n"
                                                                         "| logic | `and`, `or`, `not` |\n"
                                                                         "| choice | `case when c then a … else b end`, `case x when a then b … end` |\n"
                                                                         "| lookup | `table[key].column`; null where there is no row, or where it is older than the table's `ttl` |\n"
                                                                         "| aggregate | `f(x) [filter (where c)] over w` |\n"
                                                                         "\n"
                                                                         "**null** follows SQL: an operation on null is null, `null and false` is false, a filter that is null is not true. A null\n"
                                                                         "number reaches the model as missing (NaN).\n"
                                                                         "\n"
                                                                         "**What can not be computed:** division by zero, a logarithm or root outside its domain, and any result that is not finite\n"
                                                                         "are null, for an event must not be lost for them. An int that overflows and a `cast` that fails are reasons: the event\n"
                                                                         "becomes a dead letter of stage `feature`; `try_cast` gives null instead.\n"
                                                                         "\n"
                                                                         "**From loose to tight:** `or`, `and`, `not`, `is`, comparisons (which do not chain), `in between like`, `||`, `+ -`,\n"
                                                                         "`* / % div`, unary minus, as in PostgreSQL.\n"
                                                                         "\n"
                                                                         "**An int** is taken for a double where the other side is a double.\n"
                                                                         "\n"
                                                                         "## Windows\n"
                                                                         "\n"
                                                                         "`over` names a window of the file, or holds one: `over (partition by card_id range 1h preceding)`. Both parts may be\n"
                                                                         "absent: without `partition by` there is one window for all events, without `range` nothing is ever forgotten.\n"
                                                                         "\n"
                                                                         "For event *e* at time *t* an aggregate looks at the events of its key that were applied before *e*, and (over the input)\n"
                                                                         "at *e* itself, with an event time in (t − range, t]. The value depends on that set alone.\n"
                                                                         "\n"
                                                                         "An aggregate over a stream says its columns with the stream's name: `avg(departures.dep_delay)`, `count(departures.*)`.\n"
                                                                         "Each aggregate looks at one stream. There is no lookup inside an aggregate, and no aggregate inside another.\n";

static void put_functions(struct leat_buffer *out, const struct leat_expr_function_help *functions, size_t count)
{
    leat_buffer_append_text(out, "\n| | result | | example |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct leat_expr_function_help *f = &functions[i];
        leat_buffer_append_text(out, "| `");
        put_cell(out, f->name);
        leat_buffer_append_char(out, '(');
        put_cell(out, f->arguments);
        leat_buffer_append_text(out, ")` | ");
        put_cell(out, f->result);
        leat_buffer_append_text(out, " | ");
        put_cell(out, f->summary);
        leat_buffer_append_text(out, " | ");
        put_code_cell(out, f->example);
        leat_buffer_append_text(out, " |\n");
    }
}

static void put_expressions(struct leat_buffer *out)
{
    size_t count;
    const struct leat_expr_function_help *functions = leat_expr_aggregates(&count);
    leat_buffer_append_text(out, expressions_intro);
    leat_buffer_append_text(out, "\n### Aggregates\n");
    put_functions(out, functions, count);
    functions = leat_expr_functions(&count);
    leat_buffer_append_text(out, "\n## Functions\n");
    put_functions(out, functions, count);
}

/* -- commands.md ----------------------------------------------------------------------------------------------------- */

static const char commands_intro[] = GENERATED(
    "the commands' own tables in src/cmd") "# Commands\n"
                                           "\n"
                                           "Every command has `--help`. Exit codes: 0 done, 1 a finding (a failed check), 2 wrong usage, 3 the environment failed.\n"
                                           "Progress goes to standard error; colour only to a terminal.\n";

static void put_command(struct leat_buffer *out, const struct leat_command *command)
{
    leat_buffer_format(out, "\n## leat %s\n\n%s.\n\n```\nleat %s%s%s\n```\n", command->name, command->summary,
                       command->name, command->arguments[0] ? " " : "", command->arguments);
    if (command->options && command->options[0].name)
        leat_buffer_append_text(out, "\n| option | |\n|---|---|\n");
    for (const struct leat_option *option = command->options; option && option->name; option++) {
        leat_buffer_append_text(out, "| `");
        if (option->letter)
            leat_buffer_format(out, "-%c, ", option->letter);
        put_cell(out, option->name);
        leat_buffer_append_text(out, option->argument ? " " : "");
        put_cell(out, option->argument ? option->argument : "");
        leat_buffer_append_text(out, "` | ");
        put_cell(out, option->summary);
        leat_buffer_append_text(out, " |\n");
    }
    if (!command->details)
        return;
    size_t len = strlen(command->details);
    while (len > 0 && command->details[len - 1] == '\n')
        len--;
    leat_buffer_format(out, "\n```\n%.*s\n```\n", (int)len, command->details);
}

static void put_commands(struct leat_buffer *out)
{
    const struct leat_command *command;
    leat_buffer_append_text(out, commands_intro);
    leat_buffer_append_text(out, "\n| | |\n|---|---|\n");
    for (size_t i = 0; (command = leat_command_at(i)); i++) {
        leat_buffer_format(out, "| [`leat %s`](#leat-%s) | ", command->name, command->name);
        put_cell(out, command->summary);
        leat_buffer_append_text(out, " |\n");
    }
    for (size_t i = 0; (command = leat_command_at(i)); i++) {
        const struct leat_command *action;
        put_command(out, command);
        for (size_t k = 0; command == &leat_command_model && (action = leat_model_action_at(k)); k++)
            put_command(out, action);
    }
}

/* -- onnx-operators.md ----------------------------------------------------------------------------------------------- */

static const char operators_intro[] = GENERATED(
    "the tables in src/model/onnx/ops_*.c") "# ONNX operators\n"
                                            "\n"
                                            "The operators that leat runs itself, and from which version of their operator set. The `onnx` package's own tests of\n"
                                            "each of them pass, but for the types that leat does not hold: tensors are of float, double, the whole numbers of 8 to\n"
                                            "64 bits, bool and string. A model with another operator, type or form goes to ONNX Runtime, if that is there; else it\n"
                                            "is refused and they are named. See [models.md](models.md).\n"
                                            "\n"
                                            "| operator | domain | versions |\n"
                                            "|---|---|---|\n";

static int compare_operators(const void *a, const void *b)
{
    const struct leat_operator *const *left = a, *const *right = b;
    int order = strcmp((*left)->domain, (*right)->domain);
    if (order == 0)
        order = strcmp((*left)->name, (*right)->name);
    return order != 0 ? order : ((*left)->since > (*right)->since) - ((*left)->since < (*right)->since);
}

static void put_operator(struct leat_buffer *out, const struct leat_operator *op)
{
    leat_buffer_format(out, "| `%s` | %s | %d", op->name, op->domain[0] == '\0' ? "ai.onnx" : op->domain, op->since);
    if (op->until == 0)
        leat_buffer_append_text(out, " and later |\n");
    else
        leat_buffer_format(out, " to %d |\n", op->until);
}

static void put_operators(struct leat_buffer *out)
{
    const struct leat_operator *list[1024];
    size_t count = 0;
    for (size_t table = 0; leat_ops_all[table] != NULL; table++)
        for (const struct leat_operator *op = leat_ops_all[table]; op->name != NULL; op++) {
            leat_assert(count < sizeof list / sizeof list[0]);
            list[count++] = op;
        }
    qsort(list, count, sizeof list[0], compare_operators);
    leat_buffer_append_text(out, operators_intro);
    for (size_t i = 0; i < count; i++)
        put_operator(out, list[i]);
}

/* -- metrics.md ------------------------------------------------------------------------------------------------------ */

static const char metrics_intro[] = GENERATED(
    "the table in src/observe/metrics.c") "# Metrics\n"
                                          "\n"
                                          "`GET /metrics` of `leat run` gives them as Prometheus reads them, summed over the process's workers: units are\n"
                                          "seconds and bytes, counters end in `_total`. All have the label `function`; no label is ever a record's key. A gauge\n"
                                          "that has no value yet is left out.\n"
                                          "\n"
                                          "| metric | type | labels | |\n"
                                          "|---|---|---|---|\n";

static const char metrics_histograms[] =
    "\n"
    "Histograms have buckets from 1 µs to 60 s. They are merged from finer ones (32 steps a power of two), so a bucket's\n"
    "edge is met within 3.2 %.\n";

static void put_metrics(struct leat_buffer *out)
{
    const struct leat_metrics_help *metric;
    leat_buffer_append_text(out, metrics_intro);
    for (size_t i = 0; (metric = leat_metrics_row(i)); i++) {
        leat_buffer_format(out, "| `%s` | %s | ", metric->name, leat_metrics_type_name(metric->type));
        put_cell(out, metric->labels);
        leat_buffer_append_text(out, " | ");
        put_cell(out, metric->help);
        leat_buffer_append_text(out, " |\n");
    }
    leat_buffer_append_text(out, metrics_histograms);
}

/* -- the command ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*put)(struct leat_buffer *out);
} pages[] = {
    {"commands.md", put_commands}, {"expressions.md", put_expressions},  {"function-file.md", put_function_file},
    {"metrics.md", put_metrics},   {"onnx-operators.md", put_operators},
};

static int write_page(const char *folder, size_t page, struct leat_error *err)
{
    char path[4096];
    LEAT_CLEAN_BUFFER out = {0};
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, pages[page].name) >= sizeof path)
        return leat_error_set(err, LEAT_ERROR_USAGE, "the folder's name is too long");
    pages[page].put(&out);
    return leat_file_write(path, leat_buffer_view(&out), err);
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (arguments.positional_count != 1) {
        leat_error_set(&err, LEAT_ERROR_USAGE, "it takes one folder; see 'leat docs --help'");
        return leat_command_fail(command, &err);
    }
    if (leat_folder_make(arguments.positional[0], &err) < 0)
        return leat_command_fail(command, &err);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (write_page(arguments.positional[0], i, &err) < 0)
            return leat_command_fail(command, &err);
    return 0;
}

const struct leat_command leat_command_docs = {
    .name = "docs",
    .arguments = "DIR",
    .summary = "write the reference pages that the program makes itself",
    .details = "They are made from the same tables as the checks of the function file, the expressions and --help.\n"
               "\n"
               "  leat docs docs/reference",
    .run = run,
};
