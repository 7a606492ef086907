/* leat model add|list|show|verify|predict: the registry of versions, and a model file tried out. */
#include "cmd/command.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "model/row.h"
#include "registry/versions.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define META_BYTES_MAX ((size_t)64 << 20)
#define LINE_BYTES_MAX ((size_t)64 << 20)

#define OPTION_REGISTRY                                                                       \
    {                                                                                         \
        "--registry", 0, "DIR", "the folder of versions (else $LEAT_REGISTRY, else ./models)" \
    }
#define OPTION_JSON                     \
    {                                   \
        "--json", 0, NULL, "print JSON" \
    }

static const char *registry_of(const struct leat_arguments *arguments)
{
    const char *told = leat_arguments_get(arguments, "--registry");
    const char *environment = getenv("LEAT_REGISTRY");
    if (told != NULL)
        return told;
    return environment != NULL && environment[0] != '\0' ? environment : "models";
}

static int expect_positional(const struct leat_command *command, const struct leat_arguments *arguments, size_t min,
                             size_t max, struct leat_error *err)
{
    if (arguments->positional_count >= min && arguments->positional_count <= max)
        return 0;
    return leat_error_set(err, LEAT_ERROR_USAGE, "usage: leat %s %s", command->name, command->arguments);
}

static int parse_number(const char *text, uint32_t *ret, struct leat_error *err)
{
    int64_t number;
    if (leat_int_parse(leat_bytes_of(text), &number) != 0 || number < 1 || number > UINT32_MAX)
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s' is not a version's number", text);
    *ret = (uint32_t)number;
    return 0;
}

/* ---- printing ---- */

static void time_text(int64_t time, char ret[32])
{
    if (time == LEAT_TIME_NONE)
        strcpy(ret, "-");
    else
        leat_time_format(time, ret);
}

static void put_name(struct leat_buffer *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        leat_buffer_append_text(out, ", ");
    leat_json_put_string(out, leat_bytes_of(name));
    leat_buffer_append_text(out, ": ");
}

static void put_text(struct leat_buffer *out, const char *name, const char *text)
{
    put_name(out, name);
    leat_json_put_string(out, leat_bytes_of(text));
}

static void put_count(struct leat_buffer *out, const char *name, size_t count)
{
    put_name(out, name);
    leat_json_put_int(out, (int64_t)count);
}

static void put_time(struct leat_buffer *out, const char *name, int64_t time)
{
    char text[32];
    put_name(out, name);
    if (time == LEAT_TIME_NONE) {
        leat_buffer_append_text(out, "null");
        return;
    }
    leat_time_format(time, text);
    leat_json_put_string(out, leat_bytes_of(text));
}

static void put_version(struct leat_buffer *out, const struct leat_version *version)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    leat_buffer_append_char(out, '{');
    put_text(out, "name", version->name);
    put_count(out, "version", version->number);
    put_text(out, "digest", version->digest);
    put_time(out, "trained_at", version->trained_at);
    put_time(out, "added_at", version->added_at);
    put_text(out, "parity", version->parity_rows > 0 ? "passed" : "unverified");
    put_count(out, "parity_rows", version->parity_rows);
    put_text(out, "format", info->format);
    put_text(out, "objective", info->objective);
    put_text(out, "kernel", info->kernel);
    put_count(out, "trees", info->tree_count);
    put_count(out, "nodes", info->node_count);
    put_count(out, "memory_bytes", info->bytes);
    put_count(out, "outputs", info->output_count);
    put_count(out, "classes", info->class_count);
    put_name(out, "threshold");
    leat_json_put_double(out, version->threshold);
    put_name(out, "metrics");
    leat_buffer_append_char(out, '{');
    for (size_t i = 0; i < version->metric_count; i++) {
        put_name(out, version->metrics[i].name);
        leat_json_put_double(out, version->metrics[i].value);
    }
    leat_buffer_append_char(out, '}');
    put_name(out, "features");
    leat_buffer_append_char(out, '[');
    for (size_t i = 0; i < version->feature_count; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        leat_json_put_string(out, leat_bytes_of(version->feature_names[i]));
    }
    leat_buffer_append_char(out, ']');
    if (version->note != NULL)
        put_text(out, "note", version->note);
    leat_buffer_append_char(out, '}');
}

static void show_parity(const struct leat_version *version)
{
    if (version->parity_rows > 0)
        printf("parity      %zu rows of the trainer's score the same here\n", version->parity_rows);
    else
        printf("parity      unverified: it was added without the trainer's rows\n");
}

static void show_version(const struct leat_version *version)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    char trained[32];
    char added[32];
    char number[32];
    time_text(version->trained_at, trained);
    time_text(version->added_at, added);
    printf("model       %s version %u\n", version->name, version->number);
    printf("digest      %s\n", version->digest);
    printf("trained at  %s\nadded at    %s\n", trained, added);
    show_parity(version);
    printf("format      %s, objective %s\n", info->format, info->objective);
    printf("kernel      %s\n", info->kernel);
    printf("size        %zu trees, %zu nodes, %zu bytes of memory\n", info->tree_count, info->node_count, info->bytes);
    printf("outputs     %zu a row", info->output_count);
    printf(info->class_count > 0 ? ", %zu classes\n" : "\n", info->class_count);
    leat_double_format(version->threshold, number);
    printf("threshold   %s\n", isnan(version->threshold) ? "-" : number);
    for (size_t i = 0; i < version->metric_count; i++) {
        leat_double_format(version->metrics[i].value, number);
        printf("%s%s = %s\n", i == 0 ? "metrics     " : "            ", version->metrics[i].name, number);
    }
    if (version->note != NULL)
        printf("note        %s\n", version->note);
    printf("features    %zu\n", version->feature_count);
    for (size_t i = 0; i < version->feature_count; i++)
        printf("%11zu %s\n", i + 1, version->feature_names[i]);
}

static void print_buffer(struct leat_buffer *out)
{
    printf("%s\n", leat_buffer_text(out));
}

/* ---- add ---- */

/* What was told by --meta and by options; an option counts more. */
struct draft_memory {
    struct leat_version_draft draft;
    struct leat_arena arena;
    struct leat_metric metrics[2 * LEAT_ARGUMENTS_MAX];
};

static int add_metric(struct draft_memory *memory, const char *name, double value, struct leat_error *err)
{
    struct leat_version_draft *draft = &memory->draft;
    size_t at = 0;
    while (at < draft->metric_count && strcmp(memory->metrics[at].name, name) != 0)
        at++;
    if (at == sizeof memory->metrics / sizeof memory->metrics[0])
        return leat_error_set(err, LEAT_ERROR_USAGE, "more than %zu metrics", at);
    if (!isfinite(value) || name[0] == '\0')
        return leat_error_set(err, LEAT_ERROR_USAGE, "metric '%s' needs a name and a finite number", name);
    memory->metrics[at] = (struct leat_metric){leat_arena_strdup(&memory->arena, name), value};
    draft->metric_count += at == draft->metric_count;
    draft->metrics = memory->metrics;
    return 0;
}

static int parse_metric(struct draft_memory *memory, const char *text, struct leat_error *err)
{
    double value;
    const char *equals = strchr(text, '=');
    if (equals == NULL || leat_double_parse(leat_bytes_of(equals + 1), &value) != 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--metric %s: NAME=NUMBER belongs there", text);
    return add_metric(memory, leat_arena_copy(&memory->arena, text, (size_t)(equals - text)), value, err);
}

static int parse_trained_at(struct draft_memory *memory, const char *text, const char *where, struct leat_error *err)
{
    if (leat_time_parse(leat_bytes_of(text), &memory->draft.trained_at) == 0)
        return 0;
    return leat_error_set(err, LEAT_ERROR_USAGE, "%s: '%s' is not a time such as 2013-07-08T12:00:00Z", where, text);
}

static void take_features(struct draft_memory *memory, const char **names, size_t count)
{
    memory->draft.feature_names = names;
    memory->draft.feature_count = count;
}

static void parse_features(struct draft_memory *memory, const char *text)
{
    size_t count = 1;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == ',';
    const char **names = leat_arena_zalloc(&memory->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(text, ",");
        names[i] = leat_arena_copy(&memory->arena, text, len);
        text += len + 1;
    }
    take_features(memory, names, count);
}

static int meta_features(struct draft_memory *memory, const struct leat_json *features, const char *file,
                         struct leat_error *err)
{
    if (features->type != LEAT_JSON_ARRAY)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"features\" is not an array of names", file);
    const char **names = leat_arena_zalloc(&memory->arena, features->count, sizeof *names);
    for (uint32_t i = 0; i < features->count; i++) {
        const char *name = leat_json_text(&features->as.elements[i], NULL);
        if (name == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"features\" is not an array of names", file);
        names[i] = leat_arena_strdup(&memory->arena, name);
    }
    take_features(memory, names, features->count);
    return 0;
}

static int meta_metrics(struct draft_memory *memory, const struct leat_json *metrics, const char *file,
                        struct leat_error *err)
{
    if (metrics->type != LEAT_JSON_OBJECT)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"metrics\" is not an object", file);
    for (uint32_t i = 0; i < metrics->count; i++) {
        double value;
        if (!leat_json_number(&metrics->as.members[i].value, &value))
            return leat_error_set(err, LEAT_ERROR_FINDING, "%s: metric '%.100s' is not a number", file,
                                  metrics->as.members[i].name.data);
        if (add_metric(memory, metrics->as.members[i].name.data, value, err) != 0)
            return -1;
    }
    return 0;
}

static bool is_given(const struct leat_json *node)
{
    return node != NULL && node->type != LEAT_JSON_NULL;
}

static int apply_meta(struct draft_memory *memory, const struct leat_json *meta, const char *file,
                      struct leat_error *err)
{
    const struct leat_json *trained_at = leat_json_get(meta, "trained_at");
    const struct leat_json *threshold = leat_json_get(meta, "threshold");
    const struct leat_json *features = leat_json_get(meta, "features");
    const struct leat_json *metrics = leat_json_get(meta, "metrics");
    if (meta->type != LEAT_JSON_OBJECT)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s is not a JSON object", file);
    if (is_given(trained_at) && parse_trained_at(memory, leat_json_text(trained_at, "(not a text)"), file, err) != 0)
        return -1;
    if (is_given(threshold) && !leat_json_number(threshold, &memory->draft.threshold))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"threshold\" is not a number", file);
    if (is_given(features) && meta_features(memory, features, file, err) != 0)
        return -1;
    return is_given(metrics) ? meta_metrics(memory, metrics, file, err) : 0;
}

static int read_meta(struct draft_memory *memory, const char *file, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_json_document *document = NULL;
    if (leat_file_read(file, META_BYTES_MAX, &text, err) != 0)
        return -1;
    if (leat_json_parse(leat_buffer_view(&text), LEAT_JSON_STRICT, &document, err) != 0)
        return leat_error_prefix(err, "%s", file);
    int status = apply_meta(memory, leat_json_root(document), file, err);
    leat_json_free(document);
    return status;
}

static int fill_draft(struct draft_memory *memory, const struct leat_arguments *arguments, struct leat_error *err)
{
    struct leat_version_draft *draft = &memory->draft;
    const char *meta = leat_arguments_get(arguments, "--meta");
    const char *trained_at = leat_arguments_get(arguments, "--trained-at");
    const char *threshold = leat_arguments_get(arguments, "--threshold");
    const char *features = leat_arguments_get(arguments, "--features");
    if (meta != NULL && read_meta(memory, meta, err) != 0)
        return -1;
    if (trained_at != NULL && parse_trained_at(memory, trained_at, "--trained-at", err) != 0)
        return -1;
    if (threshold != NULL && leat_double_parse(leat_bytes_of(threshold), &draft->threshold) != 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--threshold %s: a number belongs there", threshold);
    if (features != NULL)
        parse_features(memory, features);
    size_t iterator = 0;
    for (const char *metric; (metric = leat_arguments_each(arguments, "--metric", &iterator)) != NULL;)
        if (parse_metric(memory, metric, err) != 0)
            return -1;
    return 0;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * LEAT_SECOND + now.tv_nsec / 1000;
}

static int add(const struct leat_arguments *arguments, struct leat_error *err)
{
    uint32_t number = 0;
    struct draft_memory memory = {.draft = {
                                      .name = arguments->positional[0],
                                      .model_file = arguments->positional[1],
                                      .parity_file = leat_arguments_get(arguments, "--parity"),
                                      .trained_at = LEAT_TIME_NONE,
                                      .added_at = now_us(),
                                      .threshold = (double)NAN,
                                      .note = leat_arguments_get(arguments, "--note"),
                                  }};
    int status = fill_draft(&memory, arguments, err);
    if (status == 0)
        status = leat_registry_add(registry_of(arguments), &memory.draft, &number, err);
    if (status == 0)
        printf("added model '%s' version %u%s\n", memory.draft.name, number,
               memory.draft.parity_file == NULL ? " (unverified: no --parity rows)" : "");
    leat_arena_done(&memory.arena);
    return status;
}

static int run_add(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) != 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (expect_positional(command, &arguments, 2, 2, &err) != 0 || add(&arguments, &err) != 0)
        return leat_command_fail(command, &err);
    return 0;
}

static const struct leat_option add_options[] = {
    {"--parity", 0, "ROWS.jsonl", "the trainer's own rows and scores, checked now and at every load"},
    {"--meta", 0, "FILE.json", "{\"trained_at\", \"threshold\", \"metrics\": {}, \"features\": []}"},
    {"--trained-at", 0, "TIME", "the end of what it was trained on"},
    {"--threshold", 0, "X", "the decision threshold on the score"},
    {"--metric", 0, "NAME=X", "a training metric; may be repeated"},
    {"--features", 0, "A,B,C", "names in the model's order, when its file has none"},
    {"--note", 0, "TEXT", "a remark"},
    OPTION_REGISTRY,
    {0},
};

static const struct leat_command command_add = {
    .name = "model add",
    .arguments = "NAME FILE [--parity ROWS.jsonl] [--meta FILE.json]",
    .summary = "add a model file as the next version",
    .details = "FILE is XGBoost's JSON or LightGBM's text. It is loaded, and with --parity scored and compared with the\n"
               "trainer; a difference refuses it, and the registry stays as it was. Rows are JSON lines:\n"
               "  {\"features\": {\"amount\": 12.5, \"country\": null}, \"score\": 0.7315}\n\n"
               "example:\n"
               "  leat model add fraud model.txt --parity rows.jsonl --trained-at 2013-09-01 --metric auc=0.91",
    .options = add_options,
    .run = run_add,
};

/* ---- list, show, verify ---- */

static int newest(const char *root, const char *name, uint32_t *ret, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(root, name, &numbers, &count, err) != 0)
        return -1;
    if (count > 0)
        *ret = numbers[count - 1];
    free(numbers);
    return count > 0 ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "there is no model '%s' in '%s'", name, root);
}

/* What happens to each version of a name; `refused` has the reason when it did not load, and version is NULL. */
typedef void (*version_visitor)(const char *name, uint32_t number, const struct leat_version *version,
                                const struct leat_error *refused, struct leat_buffer *json);

static bool visit(const char *root, const char *name, uint32_t number, version_visitor visitor, struct leat_buffer *json)
{
    struct leat_version *version = NULL;
    struct leat_error err = {0};
    bool good = leat_registry_load(root, name, number, &version, &err) == 0;
    visitor(name, number, version, &err, json);
    leat_version_unref(version);
    return good;
}

static int visit_name(const char *root, const char *name, version_visitor visitor, struct leat_buffer *json,
                      size_t *ret_refused, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(root, name, &numbers, &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        *ret_refused += !visit(root, name, numbers[i], visitor, json);
    free(numbers);
    return count > 0 ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "there is no model '%s' in '%s'", name, root);
}

static int visit_all(const char *root, version_visitor visitor, struct leat_buffer *json, size_t *ret_refused,
                     struct leat_error *err)
{
    char **names = NULL;
    size_t count = 0;
    int status = leat_registry_names(root, &names, &count, err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = visit_name(root, names[i], visitor, json, ret_refused, err);
    free(names);
    return status;
}

static void put_refused(struct leat_buffer *json, const char *name, uint32_t number, const struct leat_error *refused)
{
    leat_buffer_append_char(json, '{');
    put_text(json, "name", name);
    put_count(json, "version", number);
    put_text(json, "refused", refused->text);
    leat_buffer_append_char(json, '}');
}

static void list_json(const char *name, uint32_t number, const struct leat_version *version,
                      const struct leat_error *refused, struct leat_buffer *json)
{
    leat_buffer_append_text(json, json->len == 0 ? "[" : ",\n ");
    if (version == NULL) {
        put_refused(json, name, number, refused);
        return;
    }
    LEAT_CLEAN_BUFFER one = {0};
    put_version(&one, version);
    leat_buffer_append(json, one.data, one.len);
}

static void list_line(const char *name, uint32_t number, const struct leat_version *version,
                      const struct leat_error *refused, struct leat_buffer *json)
{
    char trained[32];
    (void)json;
    if (version == NULL) {
        printf("%-20s %7u  refused: %s\n", name, number, refused->text);
        return;
    }
    const struct leat_model_info *info = leat_model_info(version->model);
    time_text(version->trained_at, trained);
    printf("%-20s %7u  %-20s  %-10s  %8zu  %5zu  %.8s  %s\n", name, number, trained,
           version->parity_rows > 0 ? "passed" : "unverified", info->feature_count, info->tree_count, version->digest,
           info->objective);
}

static void verify_line(const char *name, uint32_t number, const struct leat_version *version,
                        const struct leat_error *refused, struct leat_buffer *json)
{
    (void)json;
    if (version == NULL)
        printf("not ok %s %u: %s\n", name, number, refused->text);
    else if (version->parity_rows == 0)
        printf("ok %s %u: unchanged; unverified (it has no parity rows)\n", name, number);
    else
        printf("ok %s %u: unchanged; %zu parity rows agree\n", name, number, version->parity_rows);
}

static int run_list(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    LEAT_CLEAN_BUFFER out = {0};
    bool help;
    size_t refused = 0;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) != 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (expect_positional(command, &arguments, 0, 1, &err) != 0)
        return leat_command_fail(command, &err);
    bool json = leat_arguments_get(&arguments, "--json") != NULL;
    const char *root = registry_of(&arguments);
    if (!json)
        printf("%-20s %7s  %-20s  %-10s  %8s  %5s  %-8s  %s\n", "model", "version", "trained at", "parity", "features",
               "trees", "digest", "objective");
    int status = arguments.positional_count == 1
                     ? visit_name(root, arguments.positional[0], json ? list_json : list_line, &out, &refused, &err)
                     : visit_all(root, json ? list_json : list_line, &out, &refused, &err);
    if (status != 0)
        return leat_command_fail(command, &err);
    if (json)
        printf("%s]\n", out.len == 0 ? "[" : leat_buffer_text(&out));
    return refused == 0 ? 0 : LEAT_ERROR_FINDING;
}

static const struct leat_option list_options[] = {OPTION_JSON, OPTION_REGISTRY, {0}};

static const struct leat_command command_list = {
    .name = "model list",
    .arguments = "[NAME] [--json]",
    .summary = "list the versions",
    .details = "Each version is loaded and checked; one that is refused is listed with the reason, and the exit code is 1.\n\n"
               "example:\n  leat model list fraud",
    .options = list_options,
    .run = run_list,
};

static int run_show(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    struct leat_version *version = NULL;
    LEAT_CLEAN_BUFFER out = {0};
    bool help;
    uint32_t number = 0;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) != 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (expect_positional(command, &arguments, 1, 2, &err) != 0)
        return leat_command_fail(command, &err);
    const char *root = registry_of(&arguments);
    const char *name = arguments.positional[0];
    int status = arguments.positional_count == 2 ? parse_number(arguments.positional[1], &number, &err)
                                                 : newest(root, name, &number, &err);
    if (status != 0 || leat_registry_load(root, name, number, &version, &err) != 0)
        return leat_command_fail(command, &err);
    if (leat_arguments_get(&arguments, "--json") != NULL) {
        put_version(&out, version);
        print_buffer(&out);
    } else {
        show_version(version);
    }
    leat_version_unref(version);
    return 0;
}

static const struct leat_command command_show = {
    .name = "model show",
    .arguments = "NAME [VERSION] [--json]",
    .summary = "show all that is known of a version (the newest, if not told)",
    .details = "example:\n  leat model show fraud 3",
    .options = list_options,
    .run = run_show,
};

static int run_verify(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    LEAT_CLEAN_BUFFER out = {0};
    bool help;
    uint32_t number = 0;
    size_t refused = 0;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) != 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (expect_positional(command, &arguments, 1, 2, &err) != 0)
        return leat_command_fail(command, &err);
    bool json = leat_arguments_get(&arguments, "--json") != NULL;
    const char *root = registry_of(&arguments);
    version_visitor visitor = json ? list_json : verify_line;
    if (arguments.positional_count == 2) {
        if (parse_number(arguments.positional[1], &number, &err) != 0)
            return leat_command_fail(command, &err);
        refused += !visit(root, arguments.positional[0], number, visitor, &out);
    } else if (visit_name(root, arguments.positional[0], visitor, &out, &refused, &err) != 0) {
        return leat_command_fail(command, &err);
    }
    if (json)
        printf("%s]\n", leat_buffer_text(&out));
    return refused == 0 ? 0 : LEAT_ERROR_FINDING;
}

static const struct leat_command command_verify = {
    .name = "model verify",
    .arguments = "NAME [VERSION] [--json]",
    .summary = "check a version's files and the trainer's rows again (all versions, if not told)",
    .details = "example:\n  leat model verify fraud",
    .options = list_options,
    .run = run_verify,
};

/* ---- predict ---- */

struct predictor {
    struct leat_model *model;
    const struct leat_model_info *info;
    struct leat_row_names names;
    bool raw;
    double *row, *out, *sums;
    void *scratch;
};

static void put_value(const struct predictor *p, struct leat_buffer *line, double value)
{
    if (isfinite(value))
        leat_buffer_format(line, "%.*g", p->info->float32 ? 9 : 17, value);
    else
        leat_buffer_append_text(line, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void put_values(const struct predictor *p, struct leat_buffer *line, const char *name, const double *values,
                       size_t count)
{
    put_name(line, name);
    leat_buffer_append_char(line, '[');
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(line, i == 0 ? "" : ", ");
        put_value(p, line, values[i]);
    }
    leat_buffer_append_char(line, ']');
}

static int predict_row(const struct predictor *p, const struct leat_json *row, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER line = {0};
    if (leat_row_read(&p->names, row, p->row, err) != 0)
        return -1;
    leat_model_predict(p->model, p->row, p->info->feature_count, 1, p->out, p->sums, p->scratch);
    leat_buffer_append_char(&line, '{');
    put_values(p, &line, "out", p->out, p->info->output_count);
    if (p->info->classifier)
        put_count(&line, "label", leat_model_label(p->model, p->out));
    if (p->raw)
        put_values(p, &line, "raw", p->sums, p->info->raw_count);
    leat_buffer_append_char(&line, '}');
    print_buffer(&line);
    return 0;
}

static int predict_line(const struct predictor *p, struct leat_bytes line, struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    if (line.len > LINE_BYTES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu bytes; a row may have at most %zu", line.len,
                              LINE_BYTES_MAX);
    if (leat_json_parse(line, LEAT_JSON_NONFINITE, &document, err) != 0)
        return -1;
    int status = predict_row(p, leat_json_root(document), err);
    leat_json_free(document);
    return status;
}

static int predict_stream(const struct predictor *p, FILE *in, const char *name, struct leat_error *err)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t len;
    int status = 0;
    errno = 0;
    for (size_t number = 1; status == 0 && (len = getline(&text, &room, in)) >= 0; number++) {
        struct leat_bytes line = {text, (size_t)len};
        if (strspn(text, " \t\r\n") == line.len)
            continue;
        status = predict_line(p, line, err);
        if (status != 0)
            leat_error_prefix(err, "%s:%zu", name, number);
    }
    if (status == 0 && ferror(in))
        status = leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read '%s': %s", name, strerror(errno));
    free(text);
    return status;
}

static int predict_input(const struct predictor *p, const char *input, struct leat_error *err)
{
    if (input == NULL || strcmp(input, "-") == 0)
        return predict_stream(p, stdin, "(standard input)", err);
    FILE *in = fopen(input, "re");
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read '%s': %s", input, strerror(errno));
    int status = predict_stream(p, in, input, err);
    fclose(in);
    return status;
}

static int predict(const struct leat_arguments *arguments, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct predictor p = {.raw = leat_arguments_get(arguments, "--raw") != NULL};
    const char *name = arguments->positional[0];
    if (leat_file_read(name, LEAT_MODEL_BYTES_MAX, &file, err) != 0 ||
        leat_model_load(name, leat_buffer_view(&file), NULL, &p.model, err) != 0)
        return -1;
    p.info = leat_model_info(p.model);
    leat_row_names_init(&p.names, p.model, NULL);
    p.row = leat_calloc(p.info->feature_count, sizeof *p.row);
    p.out = leat_calloc(p.info->output_count, sizeof *p.out);
    p.sums = leat_calloc(p.info->raw_count, sizeof *p.sums);
    p.scratch = leat_model_scratch_new(p.model, 1);
    int status = predict_input(&p, leat_arguments_get(arguments, "--input"), err);
    free(p.row);
    free(p.out);
    free(p.sums);
    free(p.scratch);
    leat_row_names_done(&p.names);
    leat_model_unref(p.model);
    return status;
}

static int run_predict(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) != 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (expect_positional(command, &arguments, 1, 1, &err) != 0)
        return leat_command_fail(command, &err);
    if (predict(&arguments, &err) != 0) {
        fflush(stdout);
        return leat_command_fail(command, &err);
    }
    return 0;
}

static const struct leat_option predict_options[] = {
    {"--input", 0, "ROWS.jsonl", "the rows (else standard input)"},
    {"--raw", 0, NULL, "also the sums before the link: margins, log odds"},
    {0},
};

static const struct leat_command command_predict = {
    .name = "model predict",
    .arguments = "FILE [--raw] [--input ROWS.jsonl]",
    .summary = "score rows with a model file",
    .details =
        "A row is a JSON object by feature name or an array in the model's order; null is missing. Prints one object a\n"
        "line: \"out\" is what the trainer's predict (or predict_proba) gives, \"label\" a classifier's answer.\n\n"
        "example:\n"
        "  echo '{\"amount\": 12.5, \"country\": null}' | leat model predict model.json --raw",
    .options = predict_options,
    .run = run_predict,
};

/* ---- the family ---- */

static const struct leat_command *const actions[] = {
    &command_add, &command_list, &command_show, &command_verify, &command_predict,
};

#define ACTION_COUNT (sizeof actions / sizeof actions[0])

/* What follows "model " in its name. */
static const char *action_name(size_t i)
{
    return actions[i]->name + strlen("model ");
}

static void print_actions(FILE *out)
{
    fprintf(out, "leat model: %s\n\nusage: leat model ACTION …\n\nactions:\n", leat_command_model.summary);
    for (size_t i = 0; i < ACTION_COUNT; i++)
        fprintf(out, "  %-8s %-52s %s\n", action_name(i), actions[i]->arguments, actions[i]->summary);
    fprintf(out, "\n'leat model ACTION --help' tells more of one, with an example.\n");
}

static int run_model(const struct leat_command *command, int argc, char **argv)
{
    struct leat_error err = {0};
    const char *names[ACTION_COUNT];
    if (argc < 2) {
        print_actions(stderr);
        return LEAT_ERROR_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_actions(stdout);
        return 0;
    }
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        names[i] = action_name(i);
        if (strcmp(names[i], argv[1]) == 0)
            return actions[i]->run(actions[i], argc - 1, argv + 1);
    }
    const char *nearest = leat_nearest(leat_bytes_of(argv[1]), names, ACTION_COUNT);
    leat_error_set(&err, LEAT_ERROR_USAGE, "there is no action '%s'%s%s%s; see 'leat model --help'", argv[1],
                   nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "'?");
    return leat_command_fail(command, &err);
}

const struct leat_command leat_command_model = {
    .name = "model",
    .arguments = "add|list|show|verify|predict …",
    .summary = "keep versions of models, and try them out",
    .run = run_model,
};
