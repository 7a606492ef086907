/* How long one decision record of 20 features takes: bench_decision [ROUNDS] */
#include "observe/decision.h"

#include "function/bound.h"
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FEATURES 20
#define RECORDS 1000

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 300;
    static struct leat_feature features[FEATURES];
    static char names[FEATURES][16];
    static double values[RECORDS][FEATURES];
    static struct leat_source sources[4] = {
        {.name = "input", .topic = "transactions"}, {.name = "a"}, {.name = "b"}, {.name = "c"}};
    for (int f = 0; f < FEATURES; f++) {
        snprintf(names[f], sizeof names[f], "feature_%02d", f);
        features[f].name = names[f];
    }
    /* As features are: half counts, some missing, the rest averages and amounts. */
    srand(1);
    for (int r = 0; r < RECORDS; r++)
        for (int f = 0; f < FEATURES; f++)
            values[r][f] = f % 2 ? rand() % 200 : f % 10 == 4 ? NAN : rand() / 1e3 / (1 + rand() % 97);
    struct leat_function function = {.name = "card-fraud",
                                     .digest = "00112233445566778899aabbccddeeff",
                                     .sources = sources,
                                     .source_count = 4,
                                     .features = features,
                                     .feature_count = FEATURES};
    struct leat_version version = {.name = "fraud", .number = 3, .threshold = 0.5, .references = 1};
    struct leat_bound bound = {.version = &version, .references = 1};
    struct leat_result result = {.record = {.topic = "transactions", .partition = 3, .offset = 123456789},
                                 .label_key = leat_bytes_of("\"tx-123456789\""),
                                 .bound = &bound,
                                 .role = "champion"};
    const struct leat_position positions[] = {{1, 3, 123456}, {2, 0, 345678}, {3, 0, 987}};
    struct leat_decision_writer *writer = leat_decision_writer_new(&function);
    struct leat_buffer out = {0};
    double best = 1e18;
    for (int round = 0; round < rounds; round++) {
        leat_buffer_reset(&out);
        double start = now_ns();
        for (int r = 0; r < RECORDS; r++) {
            result.features = values[r];
            result.time = INT64_C(1372636800000000) + r * 1000;
            result.score = values[r][0] / 1e6;
            result.raw = values[r][2];
            leat_decision_encode(writer, &result, positions, 3, INT64_C(1372636801000000), &out);
        }
        double took = (now_ns() - start) / RECORDS;
        best = took < best ? took : best;
    }
    char against[32];
    snprintf(against, sizeof against, "%zu bytes", out.len / RECORDS);
    bench_report("decision record of 20 features", best, "ns", "", against);
    leat_decision_writer_free(writer);
    leat_buffer_done(&out);
    return 0;
}
