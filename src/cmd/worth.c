/* leat worth: what freshness is worth. The same events, scored with the other sources known later and later. */
#include "base/json.h"
#include "base/time.h"
#include "cmd/job.h"
#include "cmd/open.h"
#include "cmd/progress.h"
#include "cmd/truth.h"
#include "observe/quality.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAYS_MAX 16
#define SEED 2013

/* Scores of the labelled events of one run, in the input's order. */
struct sample {
    int64_t *times;
    double *labels, *scores, *fallback;
    size_t count, capacity;
};

struct worth_run {
    const char *name; /* "15m"; the fallback's name */
    struct sample sample;
    struct leat_quality quality;
    struct leat_quality_difference against_fresh;
    double cpu_per_million;
    uint64_t peak_bytes;
    bool compared;
};

struct worth_sink {
    const struct leat_labels *labels;
    struct sample *sample;
};

static void sample_grow(struct sample *sample)
{
    if (sample->count < sample->capacity)
        return;
    sample->capacity = sample->capacity ? sample->capacity * 2 : 65536;
    sample->times = leat_realloc(sample->times, sample->capacity, sizeof *sample->times);
    sample->labels = leat_realloc(sample->labels, sample->capacity, sizeof *sample->labels);
    sample->scores = leat_realloc(sample->scores, sample->capacity, sizeof *sample->scores);
    sample->fallback = leat_realloc(sample->fallback, sample->capacity, sizeof *sample->fallback);
}

static void sample_done(struct sample *sample)
{
    free(sample->times);
    free(sample->labels);
    free(sample->scores);
    free(sample->fallback);
}

static int put_decision(void *self, struct leat_stream *stream, struct leat_fence *fence,
                        const struct leat_result *result, const struct leat_position *positions, size_t position_count,
                        int64_t now, struct leat_error *err)
{
    struct worth_sink *sink = self;
    struct sample *sample = sink->sample;
    double label;
    (void)stream, (void)fence, (void)positions, (void)position_count, (void)now, (void)err;
    if (leat_labels_find(sink->labels, result->label_key, result->time, &label) != LEAT_LABEL_FOUND)
        return 0;
    sample_grow(sample);
    sample->times[sample->count] = result->time;
    sample->labels[sample->count] = label;
    sample->scores[sample->count] = result->score;
    sample->fallback[sample->count] = result->shadow_count > 0 ? result->shadows[0].score : NAN;
    sample->count++;
    return 0;
}

static void measure(struct worth_run *run, const struct worth_run *fresh)
{
    const struct sample *sample = &run->sample;
    struct leat_quality_data data = {
        .times = sample->times, .labels = sample->labels, .scores = sample->scores, .count = sample->count};
    leat_quality_measure(&data, SEED, &run->quality);
    if (run == fresh || fresh->sample.count != sample->count)
        return;
    data.scores = fresh->sample.scores;
    data.others = sample->scores;
    leat_quality_compare(&data, SEED, &run->against_fresh);
    run->compared = true;
}

/* -- telling -------------------------------------------------------------------------------------------------------- */

static void print_run(const struct worth_run *run)
{
    const struct leat_estimate *metrics = run->quality.metrics;
    printf("%-20s %8.3f %10.4f %12.3f", run->name, metrics[LEAT_QUALITY_AUC].value,
           metrics[LEAT_QUALITY_LOG_LOSS].value, metrics[LEAT_QUALITY_PRECISION].value);
    if (run->compared) {
        const struct leat_estimate *loss = &run->against_fresh.metrics[LEAT_QUALITY_LOG_LOSS];
        printf("   %+.4f [%+.4f, %+.4f]", loss->value, loss->low, loss->high);
    } else {
        printf("   %-26s", "");
    }
    if (isfinite(run->cpu_per_million))
        printf(" %9.2f %7.0f", run->cpu_per_million, (double)run->peak_bytes / 1e6);
    printf("\n");
}

static void put_run(const struct worth_run *run, bool is_fallback, struct leat_buffer *out)
{
    leat_buffer_append_text(out, is_fallback ? "{\"fallback\":" : "{\"delay\":");
    leat_json_put_string(out, leat_bytes_of(run->name));
    leat_buffer_format(out, ",\"labelled\":%zu", run->quality.count);
    for (size_t m = 0; m < LEAT_QUALITY_METRICS; m++) {
        leat_buffer_format(out, ",\"%s\":", leat_quality_metric_name((enum leat_quality_metric)m));
        leat_json_put_double(out, run->quality.metrics[m].value);
    }
    if (run->compared) {
        const struct leat_estimate *loss = &run->against_fresh.metrics[LEAT_QUALITY_LOG_LOSS];
        leat_buffer_append_text(out, ",\"log_loss_against_fresh\":[");
        leat_json_put_double(out, loss->value);
        leat_buffer_append_char(out, ',');
        leat_json_put_double(out, loss->low);
        leat_buffer_append_char(out, ',');
        leat_json_put_double(out, loss->high);
        leat_buffer_append_char(out, ']');
    }
    if (isfinite(run->cpu_per_million))
        leat_buffer_format(out, ",\"cpu_seconds_per_million_records\":%.3f,\"peak_bytes\":%llu", run->cpu_per_million,
                           (unsigned long long)run->peak_bytes);
    leat_buffer_append_char(out, '}');
}

static void tell(const struct leat_job *job, struct worth_run *runs, size_t count, const struct worth_run *fallback,
                 bool json)
{
    if (json) {
        LEAT_CLEAN_BUFFER out = {0};
        leat_buffer_append_text(&out, "{\"function\":");
        leat_json_put_string(&out, leat_bytes_of(job->function->name));
        leat_buffer_format(&out, ",\"version\":%u,\"runs\":[", job->config.version);
        for (size_t i = 0; i < count; i++) {
            leat_buffer_append_text(&out, i ? "," : "");
            put_run(&runs[i], false, &out);
        }
        if (fallback->name) {
            leat_buffer_append_char(&out, ',');
            put_run(fallback, true, &out);
        }
        leat_buffer_append_text(&out, "]}");
        puts(leat_buffer_text(&out));
        return;
    }
    char labelled[32];
    printf("%s/%u on %s labelled events, other sources known later, limits off\n\n", job->function->model_name,
           job->config.version, leat_grouped(runs[0].quality.count, labelled));
    printf("%-20s %8s %10s %12s   %-26s %9s %7s\n", "known later by", "AUC", "log loss", "top 10 %",
           "log loss against the first", "CPU s/M", "MB");
    if (fallback->name)
        print_run(fallback);
    for (size_t i = count; i-- > 0;)
        print_run(&runs[i]);
    printf("\nCPU s/M: CPU seconds for a million records of all sources; MB: peak memory of the process so far.\n");
}

/* -- running -------------------------------------------------------------------------------------------------------- */

static int read_delays(const char *text, char *copy, size_t size, const char **names, size_t *ret_count,
                       struct leat_error *err)
{
    if (strlen(text) >= size)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--delays is longer than %zu bytes", size - 1);
    strcpy(copy, text);
    *ret_count = 0;
    for (char *save = NULL, *name = strtok_r(copy, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
        if (*ret_count == DELAYS_MAX)
            return leat_error_set(err, LEAT_ERROR_USAGE, "--delays takes at most %d delays", DELAYS_MAX);
        names[(*ret_count)++] = name;
    }
    return *ret_count > 0 ? 0 : leat_error_set(err, LEAT_ERROR_USAGE, "--delays is empty; write 0,15m,1h,6h,24h");
}

static int run_delay(struct leat_job *job, const char *source, struct worth_run *run, struct worth_sink *sink,
                     struct leat_error *err)
{
    char text[256];
    memset(job->config.delays, 0, sizeof job->config.delays);
    snprintf(text, sizeof text, "%s=%s", source, run->name);
    if (leat_job_delay(job, text, err) < 0)
        return -1;
    sink->sample = &run->sample;
    job->config.emitter = (struct leat_emitter){.self = sink, .decision = put_decision};
    fprintf(stderr, "leat worth: %s known %s later\n", source, run->name);
    if (leat_job_run(job, err) < 0)
        return -1;
    struct leat_figures figures;
    leat_figures_of(job->metrics, job->seconds, job->cpu_seconds, &figures);
    run->cpu_per_million = figures.records > 0 ? figures.cpu_seconds * 1e6 / (double)figures.records : NAN;
    run->peak_bytes = figures.peak_bytes;
    return run->sample.count > 0 ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "no event of this stretch has a label");
}

static int worth(const struct leat_arguments *arguments, struct leat_job *job, struct leat_error *err)
{
    static struct worth_run runs[DELAYS_MAX];
    struct worth_run fallback = {.cpu_per_million = NAN};
    const char *names[DELAYS_MAX];
    char copy[512];
    size_t count;
    const char *delays = leat_arguments_get(arguments, "--delays");
    const char *source = leat_arguments_get(arguments, "--source");
    if (!job->function->model_name)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s has no model", job->function->file);
    if (read_delays(delays ? delays : "0,15m,1h,6h,24h", copy, sizeof copy, names, &count, err) < 0 ||
        leat_job_version(job, leat_arguments_get(arguments, "--version"), &job->config.version, err) < 0)
        return -1;
    struct leat_stream *stream;
    struct leat_labels *labels = NULL;
    if (leat_cmd_open_stream(job->function, job->files, NULL, &stream, err) < 0)
        return -1;
    int result = leat_truth_read(job->function, stream, LEAT_TIME_MAX, &labels, NULL, err);
    leat_stream_close(stream);
    struct worth_sink sink = {.labels = labels};
    job->config.limits_off = true;
    job->config.shadow_fallback = true;
    for (size_t i = 0; result == 0 && i < count; i++) {
        runs[i].name = names[i];
        result = run_delay(job, source ? source : "all", &runs[i], &sink, err);
        if (result == 0)
            measure(&runs[i], &runs[0]);
    }
    if (result == 0 && job->function->fallback_name && isfinite(runs[0].sample.fallback[0])) {
        fallback.name = job->function->fallback_name;
        fallback.sample = runs[0].sample;
        fallback.sample.scores = runs[0].sample.fallback;
        measure(&fallback, &runs[0]);
    }
    if (result == 0)
        tell(job, runs, count, &fallback, leat_arguments_get(arguments, "--json") != NULL);
    for (size_t i = 0; i < count; i++)
        sample_done(&runs[i].sample);
    leat_labels_free(labels);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_job_main(command, argc, argv, worth);
}

static const struct leat_option options[] = {
    LEAT_JOB_OPTIONS,
    {"--delays", 0, "LIST", "how much later (default: 0,15m,1h,6h,24h); all are compared with the first"},
    {"--source", 0, "NAME", "which stream or timed table is late (default: all of them)"},
    {"--version", 0, "N", "the model version that scores (default: the newest)"},
    {"--json", 0, NULL, "print JSON"},
    {0},
};

const struct leat_command leat_command_worth = {
    .name = "worth",
    .arguments = "fn.yaml [--delays 0,15m,1h,6h,24h] [--files DIR] [--from TIME] [--to TIME]",
    .summary = "what freshness is worth: the metric against delay, beside the cost",
    .details =
        "Scores the same labelled events several times, with the other sources known later and later, without retraining and\n"
        "without limits, and compares each with the first. The fallback model, if there is one, stands beside them.\n\n"
        "example: leat worth fn.yaml --files data --version 3 --from 2013-10-01\n",
    .options = options,
    .run = run,
};
