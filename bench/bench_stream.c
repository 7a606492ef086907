/* What reading and writing streams costs by itself: lines of a file, and with LEAT_KAFKA=host:port the loop that takes
 * records from one topic and produces them to another, which every throughput is a share of.
 *
 *   bench_stream [RECORDS] [PARTITIONS] [NAME=VALUE]...   (settings of the Kafka client) */
#include "base/arena.h"
#include "base/time.h"
#include "report.h"
#include "stream/stream.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void check(int status, const struct leat_error *err)
{
    if (status == 0)
        return;
    fprintf(stderr, "bench_stream: %s\n", err->text);
    exit(3);
}

static void report(const char *what, double records, double bytes, double wall, double cpu)
{
    char metric[64], against[64];
    snprintf(metric, sizeof metric, "stream: %s", what);
    snprintf(against, sizeof against, "%.2f GB/s, %.3f us CPU a record", bytes / wall * 1e-9, cpu / records * 1e6);
    bench_report(metric, records / wall, "records/s", "", against);
}

/* -- files ---------------------------------------------------------------------------------------------------------- */

static void bench_lines(const char *folder, const char *topic, int64_t offset, const char *what, double bytes)
{
    struct leat_error err;
    struct leat_stream *stream;
    struct leat_reader *reader;
    struct leat_stream_config config = {.kind = LEAT_STREAM_FILES, .folder = folder};
    check(leat_stream_open(&config, &stream, &err), &err);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    check(leat_reader_open(stream, topic, 0, offset, false, &reader, &err), &err);
    int64_t count = 0;
    for (leat_reader_fill(reader); reader->head != NULL; leat_reader_next(reader))
        count++;
    report(what, (double)reader->position, bytes, seconds(CLOCK_MONOTONIC) - wall,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    leat_stream_close(stream);
    if (reader == NULL || count < 0)
        abort();
}

static void bench_files(int64_t records)
{
    char folder[] = "/tmp/leat-bench-XXXXXX", path[128], line[256];
    if (mkdtemp(folder) == NULL)
        exit(3);
    struct leat_error err;
    struct leat_stream *stream;
    struct leat_stream_config config = {.kind = LEAT_STREAM_FILES, .folder = folder};
    check(leat_stream_open(&config, &stream, &err), &err);
    struct leat_fence fence = {0};
    struct leat_reason reason;
    double bytes = 0, wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    memset(line, 'x', sizeof line);
    for (int64_t i = 0; i < records; i++) {
        size_t len = 150 + (size_t)i % 100;
        struct leat_produce record = {.topic = "t", .value = {line, len}, .timestamp = LEAT_TIME_NONE};
        if (leat_stream_produce(stream, &record, &fence, &reason, &err) != 0)
            check(-1, &err);
        bytes += (double)len + 1;
    }
    check(leat_stream_flush(stream, 0, &err), &err);
    report("write a file", (double)records, bytes, seconds(CLOCK_MONOTONIC) - wall,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    leat_stream_close(stream);
    bench_lines(folder, "t", LEAT_OFFSET_BEGIN, "read a file (cold or not)", bytes);
    bench_lines(folder, "t", LEAT_OFFSET_BEGIN, "read a file", bytes);
    bench_lines(folder, "t", records - 1, "skip to its last line", bytes);
    snprintf(path, sizeof path, "%s/t.jsonl", folder);
    unlink(path);
    rmdir(folder);
}

/* -- Kafka ---------------------------------------------------------------------------------------------------------- */

static void fill_topic(struct leat_stream *stream, const char *topic, int64_t records, int partitions)
{
    struct leat_error err;
    struct leat_reason reason;
    struct leat_fence fence = {0};
    struct leat_change change;
    bool fatal;
    char line[300];
    memset(line, 'x', sizeof line);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int64_t i = 0; i < records; i++) {
        struct leat_produce record = {
            .topic = topic, .partition = (int32_t)(i % partitions), .value = {line, 200}, .timestamp = LEAT_TIME_NONE};
        if (leat_stream_produce(stream, &record, &fence, &reason, &err) != 0)
            check(-1, &err);
        if (i % 1000 == 0)
            check(leat_stream_poll(stream, 0, &change, &fatal, &err), &err);
    }
    check(leat_stream_flush(stream, 60000, &err), &err);
    report("produce", (double)records, 200.0 * (double)records, seconds(CLOCK_MONOTONIC) - wall,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void pass_through(struct leat_stream *stream, const char *from, const char *to, int64_t records, int partitions)
{
    struct leat_error err;
    struct leat_reason reason;
    struct leat_fence fence = {0};
    struct leat_change change;
    bool fatal;
    struct leat_reader *readers[64];
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), longest = 0, since = wall;
    for (int p = 0; p < partitions; p++)
        check(leat_reader_open(stream, from, p, LEAT_OFFSET_BEGIN, false, &readers[p], &err), &err);
    int wait_ms = 100;
    for (int64_t count = 0; count < records;) {
        check(leat_stream_poll(stream, wait_ms, &change, &fatal, &err), &err);
        int64_t before = count;
        wait_ms = 100;
        for (int p = 0; p < partitions; p++) {
            for (int i = 0; i < 500 && readers[p]->head != NULL; i++, count++) {
                struct leat_produce record = {
                    .topic = to, .partition = p, .value = readers[p]->head->value, .timestamp = LEAT_TIME_NONE};
                if (to != NULL && leat_stream_produce(stream, &record, &fence, &reason, &err) != 0)
                    check(-1, &err);
                leat_reader_next(readers[p]);
            }
            if (readers[p]->head != NULL)
                wait_ms = 0;
        }
        double now = seconds(CLOCK_MONOTONIC);
        if (count > before) {
            longest = now - since > longest ? now - since : longest;
            since = now;
        }
    }
    check(leat_stream_flush(stream, 60000, &err), &err);
    report(to == NULL ? "consume" : "consume and produce", (double)records, 200.0 * (double)records,
           seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    printf("# longest pause %.0f ms\n", longest * 1e3);
    for (int p = 0; p < partitions; p++)
        leat_reader_close(readers[p]);
}

static void bench_kafka(const char *servers, int64_t records, int partitions, int more, char **arguments)
{
    struct leat_error err;
    struct leat_stream_setting settings[32] = {{"bootstrap.servers", servers}, {"linger.ms", "10"}};
    size_t count = 2;
    for (int i = 0; i < more && count < 32; i++) {
        char *value = strchr(arguments[i], '=');
        if (value == NULL)
            continue;
        *value = '\0';
        settings[count++] = (struct leat_stream_setting){arguments[i], value + 1};
    }
    struct leat_stream_config config = {.kind = LEAT_STREAM_KAFKA, .settings = settings, .setting_count = count};
    struct leat_stream *stream;
    char from[64], to[64];
    snprintf(from, sizeof from, "leat-bench-from-%d", getpid());
    snprintf(to, sizeof to, "leat-bench-to-%d", getpid());
    check(leat_stream_open(&config, &stream, &err), &err);
    fill_topic(stream, from, records, partitions); /* made by the broker, with as many partitions as it is set to */
    leat_stream_close(stream);
    for (int round = 0; round < 3; round++) {
        check(leat_stream_open(&config, &stream, &err), &err);
        pass_through(stream, from, round < 2 ? NULL : to, records, partitions);
        leat_stream_close(stream);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("# most memory %ld MB\n", usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    int64_t records = argc > 1 ? atoll(argv[1]) : 1000000;
    int partitions = argc > 2 ? atoi(argv[2]) : 1;
    if (records < 1 || partitions < 1 || partitions > 64)
        return 2;
    bench_files(records);
    if (getenv("LEAT_KAFKA") != NULL)
        bench_kafka(getenv("LEAT_KAFKA"), records, partitions, argc - 3, argv + 3);
    return 0;
}
