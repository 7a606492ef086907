#include "cmd/job.h"

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "cmd/open.h"
#include "cmd/progress.h"
#include "registry/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_time(const struct leat_arguments *arguments, const char *option, int64_t *ret, struct leat_error *err)
{
    const char *text = leat_arguments_get(arguments, option);
    *ret = LEAT_TIME_NONE;
    if (text && leat_time_parse(leat_bytes_of(text), ret) < 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "%s '%s' is not a time; write 2013-07-08 or 2013-07-08T12:00:00Z",
                              option, text);
    return 0;
}

int leat_job_delay(struct leat_job *job, const char *text, struct leat_error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--delay '%s' is not SOURCE=DURATION; write departures=15m", text);
    int64_t delay;
    if (leat_duration_parse(leat_bytes_of(equals + 1), &delay, err) < 0) {
        err->kind = LEAT_ERROR_USAGE;
        return leat_error_prefix(err, "--delay %s", text);
    }
    const struct leat_function *function = job->function;
    struct leat_bytes name = {text, (size_t)(equals - text)};
    bool all = leat_bytes_is(name, "all"), found = false;
    const char *names[LEAT_SOURCES_MAX];
    size_t count = 0;
    for (size_t s = 1; s < function->source_count; s++) {
        if (function->sources[s].time_slot < 0)
            continue;
        names[count++] = function->sources[s].name;
        if (!all && !leat_bytes_is(name, function->sources[s].name))
            continue;
        job->config.delays[s] = delay;
        found = true;
    }
    if (found || all)
        return 0;
    const char *nearest = leat_nearest(name, names, count);
    return leat_error_set(err, LEAT_ERROR_USAGE, "--delay: %s has no stream or timed table '%.*s'%s%s%s",
                          function->file, LEAT_BYTES_FORMAT(name), nearest ? "; did you mean '" : "",
                          nearest ? nearest : "", nearest ? "'?" : "");
}

int leat_job_open(const struct leat_arguments *arguments, struct leat_job *ret, struct leat_error *err)
{
    memset(ret, 0, sizeof *ret);
    if (arguments->positional_count != 1)
        return leat_error_set(err, LEAT_ERROR_USAGE, "one function file is needed, and %zu were given",
                              arguments->positional_count);
    struct leat_worker_config *config = &ret->config;
    if (read_time(arguments, "--from", &config->from, err) < 0 || read_time(arguments, "--to", &config->to, err) < 0)
        return -1;
    config->until = LEAT_TIME_NONE;
    ret->files = leat_arguments_get(arguments, "--files");
    if (leat_function_load(arguments->positional[0], &ret->function, err) < 0)
        return -1;
    config->function = ret->function;
    const char *input = leat_arguments_get(arguments, "--input");
    if (input) {
        ret->overrides[0] = (struct leat_stream_override){.topic = ret->function->sources[0].topic,
                                                          .path = input,
                                                          .csv = ret->function->sources[0].format == LEAT_FORMAT_CSV};
        if (!ret->files)
            ret->files = ".";
    }
    size_t iterator = 0;
    const char *delay;
    while ((delay = leat_arguments_each(arguments, "--delay", &iterator)))
        if (leat_job_delay(ret, delay, err) < 0) {
            leat_job_close(ret);
            return -1;
        }
    ret->metrics = leat_calloc(1, sizeof *ret->metrics);
    return 0;
}

void leat_job_close(struct leat_job *job)
{
    leat_function_free(job->function);
    free(job->metrics);
    job->function = NULL;
    job->metrics = NULL;
}

int leat_job_version(const struct leat_job *job, const char *text, uint32_t *ret, struct leat_error *err)
{
    const struct leat_function *function = job->function;
    *ret = 0;
    if (!function->model_name)
        return 0;
    int64_t number;
    if (text) {
        if (leat_int_parse(leat_bytes_of(text), &number) < 0 || number < 1 || number > UINT32_MAX)
            return leat_error_set(err, LEAT_ERROR_USAGE, "--version '%s' is not the number of a version", text);
        *ret = (uint32_t)number;
        return 0;
    }
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(function->registry, function->model_name, &numbers, &count, err) < 0)
        return -1;
    *ret = count > 0 ? numbers[count - 1] : 0;
    free(numbers);
    if (*ret == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "model '%s' has no version in %s; add one: leat model add %s FILE --registry %s",
                              function->model_name, function->registry, function->model_name, function->registry);
    fprintf(stderr, "leat: scoring with the newest version, %s/%u (--version chooses another)\n", function->model_name,
            *ret);
    return 0;
}

int leat_job_run(struct leat_job *job, struct leat_error *err)
{
    struct leat_worker_config *config = &job->config;
    leat_metrics_init(job->metrics);
    config->metrics = job->metrics;
    config->stop = leat_stop_flag();
    struct leat_stream *stream;
    if (leat_cmd_open_stream(job->function, job->files, job->overrides, &stream, err) < 0)
        return -1;
    config->stream = stream;
    struct leat_progress *progress = leat_progress_start(job->function, job->metrics);
    int result = leat_worker_run(config, err);
    leat_progress_stop(progress, &job->seconds, &job->cpu_seconds);
    leat_stream_close(stream);
    return result;
}

int leat_job_main(const struct leat_command *command, int argc, char **argv,
                  int (*act)(const struct leat_arguments *arguments, struct leat_job *job, struct leat_error *err))
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    struct leat_job job;
    bool help = false;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (leat_job_open(&arguments, &job, &err) < 0)
        return leat_command_fail(command, &err);
    int result = act(&arguments, &job, &err);
    leat_job_close(&job);
    return result == 0 ? 0 : leat_command_fail(command, &err);
}
