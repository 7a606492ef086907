/* What scoring a row costs with CatBoost's symmetric trees, alone and in batches, and how long such a model loads.
 *
 * Rows differ and rotate; of several rounds the fastest time of each stretch of rows counts. */
#include "model/model.h"
#include "report.h"
#include "support/make_model.h"
/* The header before it. */
#include "support/make_catboost.h"

#include <stdio.h>

#define FEATURES 32
#define ROWS 8192
#define ROUNDS 9
#define STRETCH 1024

static struct leat_model *make(const struct make_catboost *options, double *ret_ms)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    struct leat_buffer text = {0};
    make_catboost(options, &text);
    double start = bench_cpu_ns();
    if (leat_model_load("made", leat_buffer_view(&text), NULL, &model, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    *ret_ms = (bench_cpu_ns() - start) / 1e6;
    leat_buffer_done(&text);
    return model;
}

/* µs a row in batches of `size`. */
static double measure(const struct leat_model *model, const double *rows, size_t size)
{
    static double out[ROWS];
    double best[ROWS / STRETCH];
    double sum = 0;
    void *scratch = leat_model_scratch_new(model, size);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t s = 0; s < ROWS / STRETCH; s++) {
            double start = bench_cpu_ns();
            for (size_t row = s * STRETCH; row < (s + 1) * STRETCH; row += size)
                leat_model_predict(model, rows + row * FEATURES, FEATURES, size, out + row, NULL, scratch);
            double took = bench_cpu_ns() - start;
            best[s] = round == 0 || took < best[s] ? took : best[s];
        }
    }
    for (size_t s = 0; s < ROWS / STRETCH; s++)
        sum += best[s];
    free(scratch);
    return sum / ROWS / 1e3;
}

static void bench(const char *name, const struct make_catboost *options, const char *single, const char *batch)
{
    char metric[64], against[64];
    double ms = 0;
    struct leat_model *model = make(options, &ms);
    double *rows = make_rows(3, ROWS, FEATURES, false);
    snprintf(against, sizeof against, "in batches of 2, 8, 16: %.2f, %.2f, %.2f us", measure(model, rows, 2),
             measure(model, rows, 8), measure(model, rows, 16));
    snprintf(metric, sizeof metric, "symmetric trees, %s, one row", name);
    bench_report(metric, measure(model, rows, 1), "us", single, against);
    snprintf(metric, sizeof metric, "symmetric trees, %s, a row of 64", name);
    bench_report(metric, measure(model, rows, 64), "us", batch, "");
    snprintf(metric, sizeof metric, "symmetric trees, %s, a row of 1024", name);
    bench_report(metric, measure(model, rows, 1024), "us", batch, "");
    snprintf(metric, sizeof metric, "symmetric trees, %s, loading", name);
    snprintf(against, sizeof against, "%.1f MB", (double)leat_model_info(model)->bytes / 1e6);
    bench_report(metric, ms, "ms", "<= 300", against);
    leat_model_unref(model);
    free(rows);
}

int main(void)
{
    struct make_catboost options = {
        .trees = 100, .floats = FEATURES, .depth = 6, .dimension = 1, .borders = 254, .seed = 5};
    bench("100 x depth 6", &options, "<= 0.6", "<= 0.45");
    options.trees = 500;
    bench("500 x depth 6", &options, "<= 6", "<= 3");
    options.trees = 1000;
    options.depth = 8;
    bench("1000 x depth 8", &options, "<= 15", "<= 6.5");
    return 0;
}
