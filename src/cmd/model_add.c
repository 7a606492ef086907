/* leat model add: a model file becomes the next version. */
#include "cmd/model.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "model/row.h"
#include "registry/mlflow.h"
#include "registry/versions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void take_features(struct draft_memory *memory, const char *const *names, size_t count)
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

/* The classes: texts, or whole numbers. */
static int meta_classes(struct draft_memory *memory, const struct leat_json *classes, const char *file,
                        struct leat_error *err)
{
    struct leat_model_options *options = &memory->draft.options;
    bool numbers = classes->type == LEAT_JSON_ARRAY && classes->count > 0;
    if (!numbers)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"classes\" is not an array of names", file);
    const char **names = leat_arena_zalloc(&memory->arena, classes->count, sizeof *names);
    for (uint32_t i = 0; i < classes->count; i++) {
        const struct leat_json *class = &classes->as.elements[i];
        numbers &= class->type == LEAT_JSON_INT;
        names[i] = class->type == LEAT_JSON_INT ? leat_arena_format(&memory->arena, "%lld", (long long)class->as.integer)
                                                : leat_arena_strdup(&memory->arena, leat_json_text(class, NULL));
        if (names[i] == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "%s: class %u is neither text nor a whole number", file, i);
    }
    options->class_names = names;
    options->class_count = classes->count;
    options->class_numbers = numbers;
    return 0;
}

static int take_rounds(struct draft_memory *memory, bool good, int64_t rounds, const char *where, struct leat_error *err)
{
    if (!good || rounds < 1)
        return leat_error_set(err, LEAT_ERROR_USAGE, "%s: rounds is a whole number from 1 (best_iteration + 1)", where);
    memory->draft.options.rounds = (size_t)rounds;
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
    const struct leat_json *classes = leat_json_get(meta, "classes");
    const struct leat_json *rounds = leat_json_get(meta, "rounds");
    const char *note = leat_json_text(leat_json_get(meta, "note"), NULL);
    int64_t number = 0;
    if (meta->type != LEAT_JSON_OBJECT)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s is not a JSON object", file);
    if (is_given(trained_at) && parse_trained_at(memory, leat_json_text(trained_at, "(not a text)"), file, err) != 0)
        return -1;
    if (is_given(threshold) && !leat_json_number(threshold, &memory->draft.threshold))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"threshold\" is not a number", file);
    if (is_given(features) && meta_features(memory, features, file, err) != 0)
        return -1;
    if (is_given(classes) && meta_classes(memory, classes, file, err) != 0)
        return -1;
    bool whole = leat_json_integer(rounds, &number);
    if (is_given(rounds) && take_rounds(memory, whole, number, file, err) != 0)
        return -1;
    if (note != NULL)
        memory->draft.note = leat_arena_strdup(&memory->arena, note);
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

/* ---- what stands in the folder ---- */

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* `path`, when there is such a file. */
static const char *existing(struct leat_arena *arena, const char *folder, const char *name)
{
    const char *path = leat_arena_format(arena, "%s/%s", folder, name);
    return leat_file_exists(path) ? path : NULL;
}

/* As leat.save writes it: leat.json, parity.jsonl and the model. */
static int take_export(struct draft_memory *memory, const char *folder, struct leat_error *err)
{
    static const char *const names[] = {"model.json", "model.ubj", "model.txt", "model.onnx"};
    struct leat_version_draft *draft = &memory->draft;
    const char *meta = existing(&memory->arena, folder, "leat.json");
    draft->model_file = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && draft->model_file == NULL; i++)
        draft->model_file = existing(&memory->arena, folder, names[i]);
    if (draft->model_file == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "'%s' is a folder without model.json, model.ubj, model.txt or model.onnx (as leat.save "
                              "writes it), and without MLmodel (as MLflow does)",
                              folder);
    draft->parity_file = existing(&memory->arena, folder, "parity.jsonl");
    return meta == NULL ? 0 : read_meta(memory, meta, err);
}

/* Does the model take the example that MLflow keeps? It has no scores, so it proves nothing more. */
static void try_example(const struct draft_memory *memory, const struct leat_mlflow *from,
                        const struct leat_model *model)
{
    LEAT_CLEAN_BUFFER rows = {0};
    struct leat_error err = {0};
    struct leat_row_names names;
    size_t count = 0;
    if (leat_mlflow_example(from->example_file, &rows, &err) != 0) {
        fprintf(stderr, "leat model add: the input example was passed over: %s\n", err.text);
        return;
    }
    double *row = leat_calloc(leat_model_info(model)->feature_count, sizeof *row);
    leat_row_names_init(&names, model, memory->draft.feature_names);
    int status = 0;
    leat_buffer_text(&rows); /* ends it with a NUL */
    for (char *line = rows.data, *end; status == 0 && line != NULL && (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        struct leat_json_document *document = NULL;
        status = leat_json_parse((struct leat_bytes){line, (size_t)(end - line)}, LEAT_JSON_NONFINITE, &document, &err);
        if (status == 0)
            status = leat_row_read(&names, leat_json_root(document), row, &err);
        leat_json_free(document);
        count += status == 0;
    }
    if (status == 0)
        fprintf(stderr, "leat model add: the model takes the %zu rows of the input example\n", count);
    else
        fprintf(stderr, "leat model add: row %zu of the input example does not fit: %s\n", count + 1, err.text);
    leat_row_names_done(&names);
    free(row);
}

/* The signature's names serve where the file has none. */
static int take_mlflow(struct draft_memory *memory, const char *folder, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct leat_mlflow from = {0};
    struct leat_model *model = NULL;
    if (leat_mlflow_read(folder, &memory->arena, &from, err) != 0 ||
        leat_file_read(from.model_file, LEAT_MODEL_BYTES_MAX, &file, err) != 0 ||
        leat_model_load(from.model_file, leat_buffer_view(&file), NULL, &model, err) != 0)
        return -1;
    memory->draft.model_file = from.model_file;
    memory->draft.note = from.note;
    const struct leat_model_info *info = leat_model_info(model);
    if (info->feature_names == NULL && from.input_count == info->feature_count)
        take_features(memory, from.inputs, from.input_count);
    if (from.example_file != NULL)
        try_example(memory, &from, model);
    leat_model_unref(model);
    return 0;
}

static int take_folder(struct draft_memory *memory, const char *folder, const char *from, struct leat_error *err)
{
    if (from != NULL && strcmp(from, "mlflow") != 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--from %s: 'mlflow' is known", from);
    if (from != NULL && !leat_mlflow_is(folder))
        return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' has no MLmodel: it is not what MLflow's save_model wrote",
                              folder);
    if (!is_folder(folder))
        return 0;
    return leat_mlflow_is(folder) ? take_mlflow(memory, folder, err) : take_export(memory, folder, err);
}

/* ---- what was told by options ---- */

static int take_options(struct draft_memory *memory, const struct leat_arguments *arguments, struct leat_error *err)
{
    struct leat_version_draft *draft = &memory->draft;
    const char *trained_at = leat_arguments_get(arguments, "--trained-at");
    const char *threshold = leat_arguments_get(arguments, "--threshold");
    const char *features = leat_arguments_get(arguments, "--features");
    const char *rounds = leat_arguments_get(arguments, "--rounds");
    const char *parity = leat_arguments_get(arguments, "--parity");
    const char *note = leat_arguments_get(arguments, "--note");
    int64_t number = 0;
    if (trained_at != NULL && parse_trained_at(memory, trained_at, "--trained-at", err) != 0)
        return -1;
    if (threshold != NULL && leat_double_parse(leat_bytes_of(threshold), &draft->threshold) != 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--threshold %s: a number belongs there", threshold);
    bool whole = rounds != NULL && leat_int_parse(leat_bytes_of(rounds), &number) == 0;
    if (rounds != NULL && take_rounds(memory, whole, number, "--rounds", err) != 0)
        return -1;
    if (features != NULL)
        parse_features(memory, features);
    draft->parity_file = parity != NULL ? parity : draft->parity_file;
    draft->note = note != NULL ? note : draft->note;
    size_t iterator = 0;
    for (const char *metric; (metric = leat_arguments_each(arguments, "--metric", &iterator)) != NULL;)
        if (parse_metric(memory, metric, err) != 0)
            return -1;
    return 0;
}

/* The folder, then --meta, then options: what is told later counts more. */
static int fill_draft(struct draft_memory *memory, const struct leat_arguments *arguments, struct leat_error *err)
{
    const char *meta = leat_arguments_get(arguments, "--meta");
    if (take_folder(memory, arguments->positional[1], leat_arguments_get(arguments, "--from"), err) != 0)
        return -1;
    if (meta != NULL && read_meta(memory, meta, err) != 0)
        return -1;
    return take_options(memory, arguments, err);
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
                                      .trained_at = LEAT_TIME_NONE,
                                      .added_at = now_us(),
                                      .threshold = (double)NAN,
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
    {"--from", 0, "mlflow", "FILE is a model folder of MLflow's (folders are told apart without it)"},
    {"--meta", 0, "FILE.json",
     "{\"trained_at\", \"threshold\", \"metrics\": {}, \"features\": [], \"classes\": [], \"rounds\"}"},
    {"--rounds", 0, "N", "XGBoost: only the first N boosting rounds (best_iteration + 1)"},
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
    .arguments = "NAME FILE [--parity ROWS.jsonl] [--meta FILE.json] [--from mlflow]",
    .summary = "add a model file as the next version",
    .details =
        "FILE is XGBoost's JSON or UBJSON, LightGBM's text, CatBoost's JSON, ONNX or linear JSON; or a folder that\n"
        "leat.save (the Python package) or MLflow wrote. It is loaded, and with --parity scored and compared with the\n"
        "trainer; a difference refuses it, and the registry stays as it was. Rows are JSON lines:\n"
        "  {\"features\": {\"amount\": 12.5, \"country\": null}, \"score\": 0.7315}\n\n"
        "examples:\n"
        "  leat model add fraud export/\n"
        "  leat model add fraud mlruns/0/3f2a/artifacts/model --from mlflow\n"
        "  leat model add fraud model.txt --parity rows.jsonl --trained-at 2013-09-01 --metric auc=0.91",
    .options = add_options,
    .run = run_add,
};
