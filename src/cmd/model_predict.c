/* leat model predict: rows through a model file. */
#include "cmd/model.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/model_draft.h"
#include "model/onnx/tensors.h"
#include "model/row.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX ((size_t)64 << 20)

struct predictor {
    struct leat_model *model;
    const struct leat_model_info *info;
    struct leat_row_names names;
    bool raw;
    double *row, *out, *sums;
    void *scratch;
    struct leat_onnx_tensors *tensors; /* NULL: rows */
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
    leat_put_name(line, name);
    leat_buffer_append_char(line, '[');
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(line, i == 0 ? "" : ", ");
        put_value(p, line, values[i]);
    }
    leat_buffer_append_char(line, ']');
}

/* A row that a graph can not score. */
static bool is_answered(const struct predictor *p)
{
    for (size_t i = 0; i < p->info->output_count; i++)
        if (isnan(p->out[i]))
            return false;
    return true;
}

/* The class as the trainer calls it, or its index; null without an answer. */
static void put_label(const struct predictor *p, struct leat_buffer *line)
{
    if (!is_answered(p)) {
        leat_put_name(line, "label");
        leat_buffer_append_text(line, "null");
        return;
    }
    size_t label = leat_model_label(p->model, p->out, p->sums);
    const char *name = p->info->class_names == NULL ? NULL : p->info->class_names[label];
    if (name == NULL) {
        leat_put_count(line, "label", label);
        return;
    }
    leat_put_name(line, "label");
    if (p->info->class_numbers)
        leat_buffer_append_text(line, name);
    else
        leat_json_put_string(line, leat_bytes_of(name));
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
        put_label(p, &line);
    if (p->raw)
        put_values(p, &line, "raw", p->sums, p->info->margin_count);
    leat_buffer_append_char(&line, '}');
    printf("%s\n", leat_buffer_text(&line));
    return 0;
}

static int predict_tensors(const struct predictor *p, struct leat_bytes line, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER out = {0};
    if (leat_onnx_tensors_run(p->tensors, line, &out, err) != 0)
        return -1;
    printf("%s\n", leat_buffer_text(&out));
    return 0;
}

static int predict_line(const struct predictor *p, struct leat_bytes line, struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    if (line.len > LINE_BYTES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%zu bytes; a row may have at most %zu", line.len,
                              LINE_BYTES_MAX);
    if (p->tensors != NULL)
        return predict_tensors(p, line, err);
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

/* What the model is, by its folder and by options. */
static int take_model(const struct leat_arguments *arguments, struct leat_draft *draft, struct leat_error *err)
{
    const char *rounds = leat_arguments_get(arguments, "--rounds");
    const char *features = leat_arguments_get(arguments, "--features");
    if (leat_draft_folder(draft, arguments->positional[0], NULL, err) != 0 ||
        (rounds != NULL && leat_draft_rounds_text(draft, rounds, err) != 0))
        return -1;
    if (features != NULL)
        leat_draft_features(draft, features);
    return 0;
}

static int load_model(struct predictor *p, const struct leat_version_draft *draft, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER file = {0};
    if (leat_file_read(draft->model_file, LEAT_MODEL_BYTES_MAX, &file, err) != 0 ||
        leat_model_load(draft->model_file, leat_buffer_view(&file), &draft->options, &p->model, err) != 0)
        return -1;
    p->info = leat_model_info(p->model);
    if (draft->feature_names == NULL)
        return 0;
    return leat_registry_check_features(p->info, draft->feature_names, draft->feature_count, err);
}

static int predict_rows(struct predictor *p, const struct leat_version_draft *draft,
                        const struct leat_arguments *arguments, struct leat_error *err)
{
    leat_row_names_init(&p->names, p->model, draft->feature_names);
    p->row = leat_calloc(p->info->feature_count, sizeof *p->row);
    p->out = leat_calloc(p->info->output_count, sizeof *p->out);
    p->sums = leat_calloc(p->info->raw_count, sizeof *p->sums);
    p->scratch = leat_model_scratch_new(p->model, 1);
    int status = predict_input(p, leat_arguments_get(arguments, "--input"), err);
    free(p->row);
    free(p->out);
    free(p->sums);
    free(p->scratch);
    leat_row_names_done(&p->names);
    return status;
}

static int predict(const struct leat_arguments *arguments, struct leat_error *err)
{
    struct predictor p = {.raw = leat_arguments_get(arguments, "--raw") != NULL};
    struct leat_draft draft = {.draft = {.model_file = arguments->positional[0], .trained_at = LEAT_TIME_NONE}};
    int status = take_model(arguments, &draft, err);
    if (status == 0)
        status = load_model(&p, &draft.draft, err);
    if (status == 0) {
        leat_note_rounds(&leat_command_model_predict, draft.draft.model_file, p.info);
        status = predict_rows(&p, &draft.draft, arguments, err);
    }
    leat_model_unref(p.model);
    leat_arena_done(&draft.arena);
    return status;
}

static int predict_graph(const struct leat_arguments *arguments, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct predictor p = {0};
    const char *name = arguments->positional[0];
    if (leat_file_read(name, LEAT_MODEL_BYTES_MAX, &file, err) != 0 ||
        leat_onnx_tensors_new(name, leat_buffer_view(&file), &p.tensors, err) != 0)
        return -1;
    int status = predict_input(&p, leat_arguments_get(arguments, "--input"), err);
    leat_onnx_tensors_free(p.tensors);
    return status;
}

static int run_predict(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    int code;
    if (!leat_model_begin(command, argc, argv, 1, 1, &arguments, &code))
        return code;
    bool tensors = leat_arguments_get(&arguments, "--tensors") != NULL;
    if ((tensors ? predict_graph(&arguments, &err) : predict(&arguments, &err)) != 0) {
        fflush(stdout);
        return leat_command_fail(command, &err);
    }
    return 0;
}

static const struct leat_option predict_options[] = {
    {"--input", 0, "ROWS.jsonl", "the rows (else standard input)"},
    {"--rounds", 0, "N", "XGBoost: only the first N boosting rounds (best_iteration + 1)"},
    {"--features", 0, "A,B,C", "names in the model's order, when its file has none"},
    {"--raw", 0, NULL, "also the sums before the link: margins, log odds"},
    {"--tensors", 0, NULL, "an ONNX graph as it is: a line has whole tensors by input name"},
    {0},
};

const struct leat_command leat_command_model_predict = {
    .name = "model predict",
    .arguments = "FILE|FOLDER [--raw] [--input ROWS.jsonl]",
    .summary = "score rows with a model file",
    .details =
        "A row is a JSON object by feature name or an array in the model's order; null is missing. Prints one object a\n"
        "line: \"out\" is what the trainer's predict (or predict_proba) gives, \"label\" a classifier's answer, null where\n"
        "the model has none. Of a folder that leat.save or MLflow wrote, what it tells of names, classes and rounds counts\n"
        "too.\n\n"
        "example:\n"
        "  echo '{\"amount\": 12.5, \"country\": null}' | leat model predict model.json --raw",
    .options = predict_options,
    .run = run_predict,
};
