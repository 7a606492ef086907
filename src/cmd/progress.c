#include "cmd/progress.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void ask_to_stop(int signal_number)
{
    if (stop)
        _exit(128 + signal_number);
    stop = 1;
}

const volatile sig_atomic_t *leat_stop_flag(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return &stop;
}

struct leat_progress {
    const struct leat_function *function;
    const struct leat_metrics *metrics;
    struct timespec began;
    double cpu_began;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done, said;
};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double since(const struct timespec *began)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

const char *leat_grouped(uint64_t number, char ret[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    int at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            ret[at++] = ',';
        ret[at++] = digits[i];
    }
    ret[at] = '\0';
    return ret;
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void say(struct leat_progress *progress, bool terminal)
{
    uint64_t records = 0;
    for (size_t s = 0; s < progress->function->source_count; s++)
        records += load(&progress->metrics->source_records[s]);
    char number[32], scored[32], time[32] = "";
    int64_t watermark = __atomic_load_n(&progress->metrics->watermark, __ATOMIC_RELAXED);
    if (watermark != LEAT_GAUGE_NONE)
        leat_time_format(watermark, time);
    fprintf(stderr, "%s%s: %s records, %s scored, %.0f s%s%s%s", terminal ? "\r\033[K" : "", progress->function->name,
            leat_grouped(records, number), leat_grouped(load(&progress->metrics->events[LEAT_EVENT_SCORED]), scored),
            since(&progress->began), time[0] ? ", at " : "", time, terminal ? "" : "\n");
    fflush(stderr);
    progress->said = true;
}

static void *watch(void *self)
{
    struct leat_progress *progress = self;
    bool terminal = isatty(STDERR_FILENO);
    int64_t every = terminal ? 1 : 10;
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    pthread_mutex_lock(&progress->lock);
    while (!progress->done) {
        next.tv_sec += every;
        while (!progress->done && pthread_cond_timedwait(&progress->wake, &progress->lock, &next) == 0)
            continue;
        if (!progress->done)
            say(progress, terminal);
    }
    pthread_mutex_unlock(&progress->lock);
    if (terminal && progress->said)
        fprintf(stderr, "\r\033[K");
    return NULL;
}

struct leat_progress *leat_progress_start(const struct leat_function *function, const struct leat_metrics *metrics)
{
    struct leat_progress *progress = leat_calloc(1, sizeof *progress);
    progress->function = function;
    progress->metrics = metrics;
    clock_gettime(CLOCK_MONOTONIC, &progress->began);
    progress->cpu_began = cpu_seconds();
    pthread_mutex_init(&progress->lock, NULL);
    pthread_cond_init(&progress->wake, NULL);
    leat_assert(pthread_create(&progress->thread, NULL, watch, progress) == 0);
    return progress;
}

void leat_progress_stop(struct leat_progress *progress, double *ret_seconds, double *ret_cpu_seconds)
{
    pthread_mutex_lock(&progress->lock);
    progress->done = true;
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    *ret_seconds = since(&progress->began);
    *ret_cpu_seconds = cpu_seconds() - progress->cpu_began;
    pthread_cond_destroy(&progress->wake);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

void leat_figures_of(const struct leat_metrics *metrics, double seconds, double cpu, struct leat_figures *ret)
{
    *ret = (struct leat_figures){.seconds = seconds, .cpu_seconds = cpu};
    for (size_t s = 0; s < LEAT_SOURCES_MAX; s++)
        ret->records += load(&metrics->source_records[s]);
    for (size_t stage = 0; stage < LEAT_STAGE_COUNT; stage++)
        ret->dead += load(&metrics->dead_letters[stage]);
    ret->scored = load(&metrics->events[LEAT_EVENT_SCORED]);
    ret->withheld = load(&metrics->events[LEAT_EVENT_WITHHELD]);
    ret->replayed = load(&metrics->events[LEAT_EVENT_REPLAYED]);
    ret->scoring_p50_ns = leat_histogram_quantile(&metrics->scoring, 0.5);
    ret->scoring_p99_ns = leat_histogram_quantile(&metrics->scoring, 0.99);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    ret->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
}

void leat_figures_print(const struct leat_figures *figures)
{
    char records[32], scored[32], rate[32], withheld[32], dead[32];
    double per_second = figures->seconds > 0 ? (double)figures->records / figures->seconds : 0;
    fprintf(stderr,
            "%s records, %s scored, %s withheld, %s dead letters; %.1f s, %s records/s, %.1f CPU s, peak %.0f MB\n",
            leat_grouped(figures->records, records), leat_grouped(figures->scored, scored),
            leat_grouped(figures->withheld, withheld), leat_grouped(figures->dead, dead), figures->seconds,
            leat_grouped((uint64_t)per_second, rate), figures->cpu_seconds, (double)figures->peak_bytes / 1e6);
}

int leat_figures_put(const struct leat_function *function, const struct leat_metrics *metrics,
                     const struct leat_figures *figures, struct leat_buffer *out)
{
    leat_buffer_append_text(out, "{\"function\":");
    leat_json_put_string(out, leat_bytes_of(function->name));
    leat_buffer_format(
        out,
        ",\"records\":%llu,\"scored\":%llu,\"withheld\":%llu,\"dead_letters\":%llu,\"replayed\":%llu,\"seconds\":%.3f,"
        "\"cpu_seconds\":%.3f,\"peak_bytes\":%llu,\"scoring_p50_ns\":%llu,\"scoring_p99_ns\":%llu",
        (unsigned long long)figures->records, (unsigned long long)figures->scored,
        (unsigned long long)figures->withheld, (unsigned long long)figures->dead, (unsigned long long)figures->replayed,
        figures->seconds, figures->cpu_seconds, (unsigned long long)figures->peak_bytes,
        (unsigned long long)figures->scoring_p50_ns, (unsigned long long)figures->scoring_p99_ns);
    leat_buffer_append_text(out, ",\"marks\":{");
    const char *comma = "";
    for (unsigned m = 0; m < LEAT_MARK_COUNT; m++) {
        if (load(&metrics->marks[m]) == 0)
            continue;
        leat_buffer_format(out, "%s\"%s\":%llu", comma, leat_mark_name((enum leat_mark)(1u << m)),
                           (unsigned long long)load(&metrics->marks[m]));
        comma = ",";
    }
    leat_buffer_append_text(out, "},\"sources\":{");
    for (size_t s = 0; s < function->source_count; s++) {
        leat_buffer_append_text(out, s ? "," : "");
        leat_json_put_string(out, leat_bytes_of(function->sources[s].name));
        leat_buffer_format(out, ":%llu", (unsigned long long)load(&metrics->source_records[s]));
    }
    return leat_buffer_append_text(out, "}}");
}
