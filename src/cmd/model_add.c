/* leat model add: a model file becomes the next version. */
#include "cmd/model.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "registry/versions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define META_BYTES_MAX ((size_t)64 << 20)

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
        status = leat_registry_add(leat_registry_of(arguments), &memory.draft, &number, err);
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
    int code;
    if (!leat_model_begin(command, argc, argv, 2, 2, &arguments, &code))
        return code;
    if (add(&arguments, &err) != 0)
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

const struct leat_command leat_command_model_add = {
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
