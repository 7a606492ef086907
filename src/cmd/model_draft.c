/* What a version is made of: a model file, or a folder that leat.save or MLflow wrote, and what is told of it. */
#include "cmd/model_draft.h"

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "model/row.h"
#include "registry/mlflow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define META_BYTES_MAX ((size_t)64 << 20)

static int add_metric(struct leat_draft *memory, const char *name, double value, struct leat_error *err)
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

int leat_draft_metric(struct leat_draft *memory, const char *text, struct leat_error *err)
{
    double value;
    const char *equals = strchr(text, '=');
    if (equals == NULL || leat_double_parse(leat_bytes_of(equals + 1), &value) != 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--metric %s: NAME=NUMBER belongs there", text);
    return add_metric(memory, leat_arena_copy(&memory->arena, text, (size_t)(equals - text)), value, err);
}

int leat_draft_trained_at(struct leat_draft *memory, const char *text, const char *where, struct leat_error *err)
{
    if (leat_time_parse(leat_bytes_of(text), &memory->draft.trained_at) == 0)
        return 0;
    return leat_error_set(err, LEAT_ERROR_USAGE, "%s: '%s' is not a time such as 2013-07-08T12:00:00Z", where, text);
}

static void take_features(struct leat_draft *memory, const char *const *names, size_t count)
{
    memory->draft.feature_names = names;
    memory->draft.feature_count = count;
}

void leat_draft_features(struct leat_draft *memory, const char *text)
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

static int meta_features(struct leat_draft *memory, const struct leat_json *features, const char *file,
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

static int meta_metrics(struct leat_draft *memory, const struct leat_json *metrics, const char *file,
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
static int meta_classes(struct leat_draft *memory, const struct leat_json *classes, const char *file,
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

int leat_draft_rounds(struct leat_draft *memory, bool good, int64_t rounds, const char *where, struct leat_error *err)
{
    if (!good || rounds < 1)
        return leat_error_set(err, LEAT_ERROR_USAGE, "%s: rounds is a whole number from 1 (best_iteration + 1)", where);
    memory->draft.options.rounds = (size_t)rounds;
    return 0;
}

int leat_draft_rounds_text(struct leat_draft *memory, const char *text, struct leat_error *err)
{
    int64_t rounds = 0;
    bool whole = leat_int_parse(leat_bytes_of(text), &rounds) == 0;
    return leat_draft_rounds(memory, whole, rounds, "--rounds", err);
}

void leat_note_rounds(const struct leat_command *command, const char *name, const struct leat_model_info *info)
{
    if (info->best_rounds > 0)
        fprintf(
            stderr,
            "leat %s: %s: training stopped early, its best round was %zu of %zu; scikit-learn's predict uses the first "
            "%zu (--rounds %zu)\n",
            command->name, name, info->best_rounds, info->rounds, info->best_rounds, info->best_rounds);
}

static bool is_given(const struct leat_json *node)
{
    return node != NULL && node->type != LEAT_JSON_NULL;
}

static int apply_meta(struct leat_draft *memory, const struct leat_json *meta, const char *file, struct leat_error *err)
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
    if (is_given(trained_at) && leat_draft_trained_at(memory, leat_json_text(trained_at, "(not a text)"), file, err) != 0)
        return -1;
    if (is_given(threshold) && !leat_json_number(threshold, &memory->draft.threshold))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: \"threshold\" is not a number", file);
    if (is_given(features) && meta_features(memory, features, file, err) != 0)
        return -1;
    if (is_given(classes) && meta_classes(memory, classes, file, err) != 0)
        return -1;
    bool whole = leat_json_integer(rounds, &number);
    if (is_given(rounds) && leat_draft_rounds(memory, whole, number, file, err) != 0)
        return -1;
    if (note != NULL)
        memory->draft.note = leat_arena_strdup(&memory->arena, note);
    return is_given(metrics) ? meta_metrics(memory, metrics, file, err) : 0;
}

int leat_draft_meta(struct leat_draft *memory, const char *file, struct leat_error *err)
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

/* The one model file of a folder. */
static int find_model(struct leat_draft *memory, const char *folder, struct leat_error *err)
{
    static const char *const names[] = {"model.json", "model.ubj", "model.txt", "model.onnx"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = existing(&memory->arena, folder, names[i]);
        if (path != NULL && found != NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "'%s' has two models, %s and %s; remove one of them, or name a file", folder,
                                  found + strlen(folder) + 1, names[i]);
        found = path != NULL ? path : found;
    }
    if (found == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "'%s' is a folder without model.json, model.ubj, model.txt or model.onnx (as leat.save "
                              "writes it), and without MLmodel (as MLflow does)",
                              folder);
    memory->draft.model_file = found;
    return 0;
}

/* As leat.save writes it: leat.json, parity.jsonl and the model. */
static int take_export(struct leat_draft *memory, const char *folder, struct leat_error *err)
{
    const char *meta = existing(&memory->arena, folder, "leat.json");
    if (find_model(memory, folder, err) != 0)
        return -1;
    memory->draft.parity_file = existing(&memory->arena, folder, "parity.jsonl");
    return meta == NULL ? 0 : leat_draft_meta(memory, meta, err);
}

/* Does the model take the example that MLflow keeps? It has no scores, so it proves nothing more. */
static void try_example(const struct leat_draft *memory, const struct leat_mlflow *from, const struct leat_model *model)
{
    LEAT_CLEAN_BUFFER rows = {0};
    struct leat_error err = {0};
    struct leat_row_names names;
    size_t count = 0;
    if (leat_mlflow_example(from->example_file, &rows, &err) != 0) {
        fprintf(stderr, "leat %s: the input example was passed over: %s\n", memory->command->name, err.text);
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
        fprintf(stderr, "leat %s: the model takes the %zu rows of the input example\n", memory->command->name, count);
    else
        fprintf(stderr, "leat %s: row %zu of the input example does not fit: %s\n", memory->command->name, count + 1,
                err.text);
    leat_row_names_done(&names);
    free(row);
}

/* The signature's names serve where the file has none. */
static int take_mlflow(struct leat_draft *memory, const char *folder, struct leat_error *err)
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
    if (from.example_file != NULL && memory->command != NULL)
        try_example(memory, &from, model);
    leat_model_unref(model);
    return 0;
}

int leat_draft_folder(struct leat_draft *memory, const char *folder, const char *from, struct leat_error *err)
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
