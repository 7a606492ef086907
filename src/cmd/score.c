/* leat score: the function over files, a pipe, or a past stretch of the log. */
#include "base/arena.h"
#include "base/json.h"
#include "cmd/job.h"
#include "cmd/progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct score_sink {
    const struct leat_function *function;
    FILE *out, *decisions, *letters;
    struct leat_decision_writer *writer;
    struct leat_buffer text;
};

static int write_line(FILE *file, struct leat_bytes line, const char *what, struct leat_error *err)
{
    if (fwrite(line.data, 1, line.len, file) == line.len && fputc('\n', file) != EOF)
        return 0;
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s", what, strerror(errno));
}

static int put_result(void *self, struct leat_stream *stream, struct leat_fence *fence,
                      const struct leat_result *result, struct leat_error *err)
{
    struct score_sink *sink = self;
    (void)stream;
    (void)fence;
    return result->withheld ? 0 : write_line(sink->out, result->output, "output", err);
}

static int put_decision(void *self, struct leat_stream *stream, struct leat_fence *fence,
                        const struct leat_result *result, const struct leat_position *positions, size_t position_count,
                        int64_t now, struct leat_error *err)
{
    struct score_sink *sink = self;
    (void)stream;
    (void)fence;
    leat_buffer_reset(&sink->text);
    if (leat_decision_encode(sink->writer, result, positions, position_count, now, &sink->text) < 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no memory for a decision record");
    return write_line(sink->decisions, leat_buffer_view(&sink->text), "--decisions", err);
}

static int put_letter(void *self, struct leat_stream *stream, struct leat_fence *fence, const struct leat_record *record,
                      const struct leat_reason *reason, const struct leat_version *version, struct leat_error *err)
{
    struct score_sink *sink = self;
    (void)stream;
    (void)fence;
    (void)version;
    leat_buffer_reset(&sink->text);
    leat_buffer_append_text(&sink->text, "{\"topic\":");
    leat_json_put_string(&sink->text, leat_bytes_of(record->topic));
    leat_buffer_format(&sink->text, ",\"partition\":%d,\"offset\":%lld,\"stage\":\"%s\",\"reason\":", record->partition,
                       (long long)record->offset, leat_stage_name(reason->stage));
    leat_json_put_string(&sink->text, leat_bytes_of(reason->text));
    leat_buffer_append_text(&sink->text, ",\"value\":");
    leat_json_put_string(&sink->text, record->value);
    leat_buffer_append_char(&sink->text, '}');
    return write_line(sink->letters, leat_buffer_view(&sink->text), "--dead-letters", err);
}

/* "-" and NULL are standard output. */
static int open_out(const char *path, FILE **ret, struct leat_error *err)
{
    *ret = !path || strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!*ret)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    setvbuf(*ret, NULL, _IOFBF, 1 << 20);
    return 0;
}

static int close_out(FILE *file, const char *path, struct leat_error *err)
{
    if (!file)
        return 0;
    int failed = file == stdout ? fflush(file) : fclose(file);
    return failed
               ? leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s", path ? path : "standard output", strerror(errno))
               : 0;
}

static int score(const struct leat_arguments *arguments, struct leat_job *job, struct leat_error *err)
{
    struct score_sink sink = {.function = job->function};
    const char *out = leat_arguments_get(arguments, "--out");
    const char *decisions = leat_arguments_get(arguments, "--decisions");
    const char *letters = leat_arguments_get(arguments, "--dead-letters");
    if (!job->function->output_topic && !decisions)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s has no output; --decisions FILE writes features and scores",
                              job->function->file);
    if (leat_job_version(job, leat_arguments_get(arguments, "--version"), &job->config.version, err) < 0)
        return -1;
    if (open_out(out, &sink.out, err) < 0 || (decisions && open_out(decisions, &sink.decisions, err) < 0) ||
        (letters && open_out(letters, &sink.letters, err) < 0))
        return -1;
    sink.writer = leat_decision_writer_new(job->function);
    job->config.limits_off = leat_arguments_get(arguments, "--no-limits") != NULL;
    job->config.emitter = (struct leat_emitter){.self = &sink,
                                                .result = job->function->output_topic ? put_result : NULL,
                                                .decision = decisions ? put_decision : NULL,
                                                .dead_letter = letters ? put_letter : NULL};
    int result = leat_job_run(job, err);
    int closed = close_out(sink.out, out, result ? NULL : err) |
                 close_out(sink.decisions, decisions, result ? NULL : err) |
                 close_out(sink.letters, letters, result ? NULL : err);
    leat_decision_writer_free(sink.writer);
    leat_buffer_done(&sink.text);
    if (result || closed)
        return -1;
    struct leat_figures figures;
    leat_figures_of(job->metrics, job->seconds, job->cpu_seconds, &figures);
    leat_figures_print(&figures);
    return 0;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_job_main(command, argc, argv, score);
}

static const struct leat_option options[] = {
    LEAT_JOB_OPTIONS,
    {"--version", 0, "N", "the model version that scores (default: the newest)"},
    {"--out", 'o', "FILE", "where outputs go (default: standard output)"},
    {"--decisions", 0, "FILE", "also write decision records: features, scores, marks, positions"},
    {"--dead-letters", 0, "FILE", "also write what could not be processed, with stage and reason"},
    {"--no-limits", 0, NULL, "the version answers whatever the age of model and sources"},
    {0},
};

const struct leat_command leat_command_score = {
    .name = "score",
    .arguments = "fn.yaml [--files DIR] [--from TIME] [--to TIME] [--version N]",
    .summary = "the function over files, a pipe, or a past stretch of the log; no effect on what is live",
    .details = "Reads every topic from its start (or, with --from, far enough back to fill the windows), in event-time order,\n"
               "and writes one output record a line. Nothing is committed or produced.\n\n"
               "example: leat score fn.yaml --files data --version 3 --from 2013-07-01 --to 2013-08-01 -o july.jsonl\n"
               "         tail -f tx.jsonl | leat score fn.yaml --files data --input -\n",
    .options = options,
    .run = run,
};
