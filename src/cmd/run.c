/* leat run: the service. */
#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/command.h"
#include "cmd/open.h"
#include "cmd/progress.h"
#include "engine/worker.h"
#include "registry/versions.h"
#include "server/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MAX_S 30

struct service_worker {
    struct service *service;
    unsigned number;
    pthread_t thread;
    struct leat_metrics metrics;
    bool ready;
    int result;
    struct leat_error err;
};

struct service {
    const struct leat_function *function;
    const char *files;
    int64_t until;
    struct service_worker *workers;
    unsigned worker_count;
};

static int64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * LEAT_SECOND + now.tv_nsec / 1000;
}

static void say(void *self, const char *text)
{
    const struct service_worker *worker = self;
    fprintf(stderr, "leat run: %s: worker %u: %s\n", worker->service->function->name, worker->number, text);
}

static int run_once(struct service_worker *worker)
{
    struct service *service = worker->service;
    struct leat_stream *stream;
    if (leat_cmd_open_worker(service->function, service->files, worker->number, &stream, &worker->err) < 0)
        return -1;
    struct leat_topic_emitter *emitter = leat_topic_emitter_new(service->function);
    struct leat_worker_config config = {.function = service->function,
                                        .stream = stream,
                                        .emitter = leat_topic_emitter_face(emitter),
                                        .service = true,
                                        .now = service->files ? NULL : wall_clock,
                                        .from = LEAT_TIME_NONE,
                                        .to = LEAT_TIME_NONE,
                                        .until = service->until,
                                        .stop = leat_stop_flag(),
                                        .metrics = &worker->metrics,
                                        .ready = &worker->ready,
                                        .say = say,
                                        .say_self = worker};
    int result = leat_worker_run(&config, &worker->err);
    __atomic_store_n(&worker->ready, false, __ATOMIC_RELEASE);
    leat_topic_emitter_free(emitter);
    leat_stream_close(stream);
    return result;
}

/* A failing environment is waited for: nothing is given up and nothing becomes a dead letter. Over files there is nobody to
 * wait for, and what is wrong with the function itself does not pass by waiting. */
static void *run_worker(void *self)
{
    struct service_worker *worker = self;
    unsigned wait_s = 1;
    for (;;) {
        int64_t began = wall_clock();
        worker->result = run_once(worker);
        if (worker->result == 0 || *leat_stop_flag())
            return NULL;
        if (worker->service->files)
            return NULL;
        if (worker->err.kind != LEAT_ERROR_ENVIRONMENT) {
            say(worker, worker->err.text); /* the others may go on: it is not left to their end to be told */
            return NULL;
        }
        if (wall_clock() - began > RETRY_MAX_S * LEAT_SECOND)
            wait_s = 1; /* it had worked for a while */
        fprintf(stderr, "leat run: %s: worker %u: %s; trying again in %u s\n", worker->service->function->name,
                worker->number, worker->err.text, wait_s);
        for (unsigned tenth = 0; tenth < wait_s * 10 && !*leat_stop_flag(); tenth++)
            usleep(100000);
        wait_s = wait_s * 2 > RETRY_MAX_S ? RETRY_MAX_S : wait_s * 2;
        if (*leat_stop_flag()) {
            worker->result = 0;
            return NULL;
        }
    }
}

/* -- HTTP ----------------------------------------------------------------------------------------------------------- */

static bool health(void *self, struct leat_buffer *out)
{
    const struct service *service = self;
    unsigned ready = 0;
    for (unsigned i = 0; i < service->worker_count; i++)
        ready += __atomic_load_n(&service->workers[i].ready, __ATOMIC_ACQUIRE);
    leat_buffer_format(out, "{\"ready\":%s,\"workers\":%u,\"workers_ready\":%u,\"reasons\":[", ready ? "true" : "false",
                       service->worker_count, ready);
    if (ready == 0)
        leat_buffer_append_text(out, "\"no worker has partitions whose tables and windows are filled\"");
    leat_buffer_append_text(out, "]}\n");
    return ready > 0;
}

static void metrics(void *self, struct leat_buffer *out)
{
    const struct service *service = self;
    const struct leat_metrics **blocks = leat_calloc(service->worker_count, sizeof *blocks);
    for (unsigned i = 0; i < service->worker_count; i++)
        blocks[i] = &service->workers[i].metrics;
    leat_metrics_render(service->function, blocks, service->worker_count, wall_clock(), out);
    free(blocks);
}

static void put_worker(const struct service_worker *worker, struct leat_buffer *out)
{
    char watermark[32] = "";
    int64_t time = __atomic_load_n(&worker->metrics.watermark, __ATOMIC_RELAXED);
    int64_t partitions = __atomic_load_n(&worker->metrics.partitions, __ATOMIC_RELAXED);
    if (time != LEAT_GAUGE_NONE)
        leat_time_format(time, watermark);
    leat_buffer_format(out, "{\"worker\":%u,\"ready\":%s,\"partitions\":%lld,\"watermark\":\"%s\"", worker->number,
                       __atomic_load_n(&worker->ready, __ATOMIC_ACQUIRE) ? "true" : "false",
                       (long long)(partitions == LEAT_GAUGE_NONE ? 0 : partitions), watermark);
    static const char *const names[LEAT_EVENT_RESULTS] = {"scored", "withheld", "dead_letters", "filtered", "replayed"};
    for (size_t i = 0; i < LEAT_EVENT_RESULTS; i++)
        leat_buffer_format(out, ",\"%s\":%llu", names[i],
                           (unsigned long long)__atomic_load_n(&worker->metrics.events[i], __ATOMIC_RELAXED));
    leat_buffer_append_char(out, '}');
}

/* What this process does; who serves and how far the group has come is told by `leat status`. */
static void status(void *self, struct leat_buffer *out)
{
    const struct service *service = self;
    leat_buffer_append_text(out, "{\"function\":");
    leat_json_put_string(out, leat_bytes_of(service->function->name));
    leat_buffer_format(out, ",\"digest\":\"%s\",\"version\":\"%s\",\"workers\":[", service->function->digest,
                       LEAT_VERSION);
    for (unsigned i = 0; i < service->worker_count; i++) {
        leat_buffer_append_text(out, i ? "," : "");
        put_worker(&service->workers[i], out);
    }
    leat_buffer_append_text(out, "]}\n");
}

static int start_http(struct service *service, const char *text, struct leat_http **ret, struct leat_error *err)
{
    char address[64] = LEAT_HTTP_ADDRESS;
    const char *colon = strrchr(text, ':');
    const char *port_text = colon ? colon + 1 : text;
    int64_t port;
    if (leat_int_parse(leat_bytes_of(port_text), &port) < 0 || port < 0 || port > 65535 ||
        (colon && (size_t)(colon - text) >= sizeof address))
        return leat_error_set(err, LEAT_ERROR_USAGE, "--http '%s' is not PORT or ADDRESS:PORT", text);
    if (colon && colon > text)
        snprintf(address, sizeof address, "%.*s", (int)(colon - text), text);
    struct leat_http_handlers handlers = {.self = service, .health = health, .metrics = metrics, .status = status};
    if (leat_http_start(address, (uint16_t)port, &handlers, ret, err) < 0)
        return -1;
    fprintf(stderr, "leat run: http://%s:%u/health, /metrics, /status\n", address, leat_http_port(*ret));
    return 0;
}

/* -- the command ---------------------------------------------------------------------------------------------------- */

static int read_options(const struct leat_arguments *arguments, struct service *service, struct leat_error *err)
{
    if (arguments->positional_count != 1)
        return leat_error_set(err, LEAT_ERROR_USAGE, "one function file is needed, and %zu were given",
                              arguments->positional_count);
    service->files = leat_arguments_get(arguments, "--files");
    service->until = LEAT_TIME_NONE;
    const char *until = leat_arguments_get(arguments, "--until");
    if (until && leat_time_parse(leat_bytes_of(until), &service->until) < 0)
        return leat_error_set(err, LEAT_ERROR_USAGE,
                              "--until '%s' is not a time; write 2013-07-08 or 2013-07-08T12:00:00Z", until);
    if (until && !service->files)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--until is for files; stop a service with SIGTERM");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    service->worker_count = service->files || cores < 1 ? 1 : (unsigned)cores;
    const char *workers = leat_arguments_get(arguments, "--workers");
    int64_t number;
    if (workers && (leat_int_parse(leat_bytes_of(workers), &number) < 0 || number < 1 || number > LEAT_WORKERS_MAX))
        return leat_error_set(err, LEAT_ERROR_USAGE, "--workers '%s' is not a number from 1 to %d", workers,
                              LEAT_WORKERS_MAX);
    if (workers && service->files && number != 1)
        return leat_error_set(err, LEAT_ERROR_USAGE,
                              "over files one worker reads all partitions in one order; leave --workers out");
    if (workers)
        service->worker_count = (unsigned)number;
    return 0;
}

static int serve(struct service *service, bool as_json, struct leat_error *err)
{
    struct leat_metrics *sum = &service->workers[0].metrics;
    struct leat_progress *progress = service->files ? leat_progress_start(service->function, sum) : NULL;
    for (unsigned i = 0; i < service->worker_count; i++)
        if (pthread_create(&service->workers[i].thread, NULL, run_worker, &service->workers[i]) != 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "worker %u could not be started", i);
    int result = 0;
    for (unsigned i = 0; i < service->worker_count; i++) {
        pthread_join(service->workers[i].thread, NULL);
        if (service->workers[i].result < 0) {
            *err = service->workers[i].err;
            result = -1;
        }
    }
    if (!progress)
        return result;
    struct leat_figures figures;
    double seconds, cpu_seconds;
    leat_progress_stop(progress, &seconds, &cpu_seconds);
    leat_figures_of(sum, seconds, cpu_seconds, &figures);
    if (result == 0)
        leat_figures_print(&figures);
    if (result == 0 && as_json) {
        LEAT_CLEAN_BUFFER text = {0};
        leat_figures_put(service->function, sum, &figures, &text);
        puts(leat_buffer_text(&text));
    }
    return result;
}

/* Before the first version is there decisions are recorded, and that is all. */
static void tell_no_version(const struct leat_function *function)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (function->model_name &&
        leat_registry_numbers(function->registry, function->model_name, &numbers, &count, NULL) == 0 && count == 0)
        fprintf(
            stderr,
            "leat run: %s: model '%s' has no version in %s, so nothing is scored: leat model add %s FILE --registry %s\n",
            function->name, function->model_name, function->registry, function->model_name, function->registry);
    free(numbers);
}

static int refuse_unfinished(const struct leat_function *function, struct leat_error *err)
{
    if (function->guarantee == LEAT_EXACTLY_ONCE)
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "%s: processing.guarantee: exactly_once comes with the transactional engine, which is not done; "
            "at_least_once is (state counts each event once in both)",
            function->file);
    return 0;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    bool help = false;
    struct service service = {0};
    struct leat_function *function = NULL;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (read_options(&arguments, &service, &err) < 0 || leat_function_load(arguments.positional[0], &function, &err) < 0)
        return leat_command_fail(command, &err);
    service.function = function;
    service.workers = leat_calloc(service.worker_count, sizeof *service.workers);
    for (unsigned i = 0; i < service.worker_count; i++) {
        service.workers[i].service = &service;
        service.workers[i].number = i;
        leat_metrics_init(&service.workers[i].metrics);
    }
    leat_stop_flag();
    struct leat_http *http = NULL;
    const char *http_text = leat_arguments_get(&arguments, "--http");
    int result = refuse_unfinished(function, &err);
    if (result == 0 && http_text)
        result = start_http(&service, http_text, &http, &err);
    if (result == 0)
        tell_no_version(function);
    if (result == 0)
        result = serve(&service, leat_arguments_get(&arguments, "--json") != NULL, &err);
    leat_http_stop(http);
    free(service.workers);
    leat_function_free(function);
    return result == 0 ? 0 : leat_command_fail(command, &err);
}

static const struct leat_option options[] = {
    {"--files", 0, "DIR", "topics are DIR/<topic>.jsonl; outputs are appended there; a restart goes on where it stopped"},
    {"--until", 0, "TIME", "over files: stop before the first event at or after this event time"},
    {"--workers", 0, "N", "over Kafka: threads, each with its own partitions (default: one a core)"},
    {"--http", 0, "[ADDRESS:]PORT", "serve /health, /metrics and /status (on 127.0.0.1 unless ADDRESS says otherwise)"},
    {"--json", 0, NULL, "over files: print the run's figures as JSON"},
    {0},
};

const struct leat_command leat_command_run = {
    .name = "run",
    .arguments = "fn.yaml [--files DIR]",
    .summary = "the service",
    .details = "Reads the input as a member of its consumer group, keeps windows and tables, scores with the version that the control\n"
               "log says, and produces outputs, decisions and dead letters. SIGTERM drains, commits and ends.\n\n"
               "example: leat run fn.yaml --http 8080\n"
               "         leat run fn.yaml --files data --until 2013-07-01\n",
    .options = options,
    .run = run,
};
