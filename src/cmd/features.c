/* leat features: the training set, made by the code that serves. */
#include "base/json.h"
#include "base/time.h"
#include "cmd/job.h"
#include "cmd/open.h"
#include "cmd/progress.h"
#include "cmd/truth.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct features_sink {
    const struct leat_function *function;
    const struct leat_labels *labels; /* NULL: without labels */
    bool labelled_only;
    FILE *out;
    const char *path;
    struct leat_buffer text;
    enum leat_format format;
    uint64_t rows, unlabelled;
};

static void put_name(struct features_sink *sink, const char *comma, const char *name)
{
    leat_buffer_append_text(&sink->text, comma);
    if (sink->format == LEAT_FORMAT_CSV) {
        leat_buffer_append_text(&sink->text, name);
        return;
    }
    leat_json_put_string(&sink->text, leat_bytes_of(name));
    leat_buffer_append_char(&sink->text, ':');
}

/* NaN is null in JSON and empty in CSV. */
static void put_number(struct features_sink *sink, double number)
{
    if (sink->format == LEAT_FORMAT_JSON || isfinite(number))
        leat_json_put_double(&sink->text, number);
}

static void put_feature(struct features_sink *sink, const struct leat_result *result, size_t feature)
{
    const struct leat_function *function = sink->function;
    struct leat_out_field field = {.type = function->features[feature].type};
    if (sink->format == LEAT_FORMAT_JSON)
        leat_result_put_feature(function, result, feature, &sink->text);
    else if (field.type == LEAT_TYPE_STRING)
        leat_encode_csv(&sink->text, &field, &result->frame[function->frame_features + feature], 1);
    else
        put_number(sink, result->features[feature]);
}

/* The columns that say which event a row is: the input's key fields, the labels' join key, the event time. */
static void put_identity(struct features_sink *sink, const struct leat_result *result)
{
    const struct leat_source *input = &sink->function->sources[0];
    const struct leat_label_plan *labels = &sink->function->labels;
    const char *comma = "";
    for (size_t slot = 0; slot < input->projection.count; slot++) {
        bool wanted = labels->present && slot == labels->input_slot;
        for (size_t k = 0; k < input->key_count; k++)
            wanted |= input->key_slots[k] == slot;
        wanted |= input->time_slot == (int)slot;
        if (!wanted)
            continue;
        const struct leat_slot *from = &input->projection.slots[slot];
        char name[256];
        snprintf(name, sizeof name, "%.*s", LEAT_BYTES_FORMAT(from->path));
        if (!result) {
            leat_buffer_append_text(&sink->text, comma);
            leat_buffer_append_text(&sink->text, name);
        } else if (sink->format == LEAT_FORMAT_JSON) {
            put_name(sink, comma, name);
            leat_encode_json_value(&sink->text, from->type, from->encoding, result->frame[slot]);
        } else {
            struct leat_out_field field = {from->path, from->type, from->encoding};
            leat_buffer_append_text(&sink->text, comma);
            leat_encode_csv(&sink->text, &field, &result->frame[slot], 1);
        }
        comma = ",";
    }
}

static int write_text(struct features_sink *sink, struct leat_error *err)
{
    leat_buffer_append_char(&sink->text, '\n');
    if (fwrite(sink->text.data, 1, sink->text.len, sink->out) == sink->text.len)
        return 0;
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s", sink->path, strerror(errno));
}

static int write_header(struct features_sink *sink, struct leat_error *err)
{
    if (sink->format != LEAT_FORMAT_CSV)
        return 0;
    leat_buffer_reset(&sink->text);
    put_identity(sink, NULL);
    for (size_t f = 0; f < sink->function->feature_count; f++)
        put_name(sink, ",", sink->function->features[f].name);
    if (sink->labels)
        put_name(sink, ",", "label");
    return write_text(sink, err);
}

static int put_result(void *self, struct leat_stream *stream, struct leat_fence *fence,
                      const struct leat_result *result, struct leat_error *err)
{
    struct features_sink *sink = self;
    double label = NAN;
    bool labelled = sink->labels &&
                    leat_labels_find(sink->labels, result->label_key, result->time, &label) == LEAT_LABEL_FOUND;
    (void)stream;
    (void)fence;
    sink->unlabelled += !labelled;
    if (!labelled && sink->labelled_only)
        return 0;
    leat_buffer_reset(&sink->text);
    if (sink->format == LEAT_FORMAT_JSON)
        leat_buffer_append_char(&sink->text, '{');
    put_identity(sink, result);
    for (size_t f = 0; f < sink->function->feature_count; f++) {
        if (sink->format == LEAT_FORMAT_JSON)
            put_name(sink, ",", sink->function->features[f].name);
        else
            leat_buffer_append_char(&sink->text, ',');
        put_feature(sink, result, f);
    }
    if (sink->labels) {
        if (sink->format == LEAT_FORMAT_JSON)
            put_name(sink, ",", "label");
        else
            leat_buffer_append_char(&sink->text, ',');
        put_number(sink, label);
    }
    if (sink->format == LEAT_FORMAT_JSON)
        leat_buffer_append_char(&sink->text, '}');
    sink->rows++;
    return write_text(sink, err);
}

static int read_labels(const struct leat_job *job, struct leat_labels **ret, struct leat_error *err)
{
    struct leat_stream *stream;
    if (leat_cmd_open_stream(job->function, job->files, NULL, &stream, err) < 0)
        return -1;
    int result = leat_truth_read(job->function, stream, LEAT_TIME_MAX, ret, NULL, err);
    leat_stream_close(stream);
    return result;
}

static int make(const struct leat_arguments *arguments, struct leat_job *job, struct leat_error *err)
{
    struct features_sink sink = {.function = job->function, .out = stdout, .path = "standard output"};
    struct leat_labels *labels = NULL;
    const char *out = leat_arguments_get(arguments, "--out");
    const char *format = leat_arguments_get(arguments, "--format");
    sink.format = LEAT_FORMAT_CSV;
    sink.labelled_only = leat_arguments_get(arguments, "--labelled") != NULL;
    if (format && leat_format_parse(leat_bytes_of(format), &sink.format, err) < 0)
        return -1;
    if (sink.labelled_only && !job->function->labels.present)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--labelled: %s has no labels: section", job->function->file);
    if (job->function->labels.present && read_labels(job, &labels, err) < 0)
        return -1;
    sink.labels = labels;
    if (out && strcmp(out, "-") != 0) {
        sink.out = fopen(out, "w");
        sink.path = out;
    }
    int result = sink.out ? 0 : leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s", out, strerror(errno));
    job->config.emitter = (struct leat_emitter){.self = &sink, .result = put_result};
    if (result == 0)
        result = write_header(&sink, err);
    if (result == 0)
        result = leat_job_run(job, err);
    if (sink.out && (sink.out == stdout ? fflush(stdout) : fclose(sink.out)) != 0 && result == 0)
        result = leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s", sink.path, strerror(errno));
    if (result == 0) {
        char rows[32], without[32], dead[32];
        struct leat_figures figures;
        leat_figures_of(job->metrics, job->seconds, job->cpu_seconds, &figures);
        fprintf(stderr, "%s rows of %zu features", leat_grouped(sink.rows, rows), job->function->feature_count);
        if (labels)
            fprintf(stderr, ", %s without a label", leat_grouped(sink.unlabelled, without));
        if (figures.dead > 0)
            fprintf(stderr, "; %s record%s could not be used (leat check --records N says why)",
                    leat_grouped(figures.dead, dead), figures.dead == 1 ? "" : "s");
        fprintf(stderr, "\n");
    }
    leat_labels_free(labels);
    leat_buffer_done(&sink.text);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_job_main(command, argc, argv, make);
}

static const struct leat_option options[] = {
    LEAT_JOB_OPTIONS,
    {"--out", 'o', "FILE", "where the rows go (default: standard output)"},
    {"--format", 0, "csv|json", "the rows' format (default: csv)"},
    {"--labelled", 0, NULL, "only events that have a label"},
    {0},
};

const struct leat_command leat_command_features = {
    .name = "features",
    .arguments = "fn.yaml [--files DIR] [--from TIME] [--to TIME]",
    .summary = "the training set: point-in-time features and labels by the code that serves",
    .details = "One row an event, in event-time order: key, time, the features as they were known at that time, and the label if one\n"
               "came within labels.wait. Needs no model.\n\n"
               "example: leat features fn.yaml --files data --to 2013-09-01 --labelled -o train.csv\n",
    .options = options,
    .run = run,
};
