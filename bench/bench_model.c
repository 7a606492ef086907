/* What scoring a row costs, alone and in batches, for three sizes of forest in both arithmetics.
 *
 * Rows differ and rotate: a single repeated row would train the branch predictor and flatter every kernel that
 * branches. Others may use the machine too: each stretch of rows is timed by itself, and of several rounds its
 * fastest time counts. */
#include "model/model.h"
#include "report.h"
#include "support/make_model.h"

#include <stdio.h>
#include <time.h>

#define FEATURES 32
#define ROWS 8192
#define ROUNDS 9
#define STRETCH 1024

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct leat_model *make(bool xgboost, const struct make_options *options)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    struct leat_buffer text = {0};
    (xgboost ? make_xgboost : make_lightgbm)(options, &text);
    if (leat_model_load("made", leat_buffer_view(&text), NULL, &model, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    leat_buffer_done(&text);
    return model;
}

static void score(const struct leat_model *model, const double *rows, size_t size, size_t total, double *ret_out,
                  void *scratch)
{
    if (size == 0) {
        for (size_t row = 0; row < total; row++)
            leat_model_predict_plain(model, rows + row * FEATURES, ret_out + row, NULL);
        return;
    }
    for (size_t row = 0; row < total; row += size)
        leat_model_predict(model, rows + row * FEATURES, FEATURES, size, ret_out + row, NULL, scratch);
}

/* µs a row in batches of `size`; 0: by the plain twin. */
static double measure(const struct leat_model *model, const double *rows, size_t size, double *ret_check)
{
    static double out[ROWS];
    double best[ROWS / STRETCH];
    double sum = 0;
    void *scratch = leat_model_scratch_new(model, size);
    for (int round = 0; round < (size == 0 ? 1 : ROUNDS); round++) {
        for (size_t s = 0; s < ROWS / STRETCH; s++) {
            double start = now_us();
            score(model, rows + s * STRETCH * FEATURES, size, STRETCH, out + s * STRETCH, scratch);
            double took = now_us() - start;
            best[s] = round == 0 || took < best[s] ? took : best[s];
        }
    }
    for (size_t s = 0; s < ROWS / STRETCH; s++)
        sum += best[s];
    for (size_t row = 0; row < ROWS; row++)
        *ret_check += out[row];
    free(scratch);
    return sum / ROWS;
}

static void report(const char *name, double single, double batch, double plain)
{
    char metric[64], against[64];
    snprintf(against, sizeof against, "its plain twin: %.2f us", plain);
    snprintf(metric, sizeof metric, "model of %s, one row", name);
    bench_report(metric, single, "us", "", against);
    snprintf(metric, sizeof metric, "model of %s, a row of 256", name);
    bench_report(metric, batch, "us", "", against);
}

int main(void)
{
    static const struct {
        const char *name;
        struct make_options options;
    } sizes[] = {
        {"100 trees, depth 6", {.trees = 100, .leaves = 64, .depth = 6}},
        {"500 trees, 64 leaves", {.trees = 500, .leaves = 64}},
        {"1000 trees, depth 8", {.trees = 1000, .leaves = 256, .depth = 8}},
    };
    const size_t batches[] = {1, 8, 64, 256, 1024};
    double *rows = make_rows(1, ROWS, FEATURES, false);
    double *with_missing = make_rows(2, ROWS, FEATURES, true);
    double check = 0;
    printf("# %-10s %-22s %-8s %8s %8s %8s %8s %8s %8s   us a row\n", "format", "model", "rows", "plain", "1", "8",
           "64", "256", "1024");
    for (int xgboost = 1; xgboost >= 0; xgboost--) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct make_options options = sizes[s].options;
            options.features = FEATURES;
            options.groups = 1;
            options.missing = 0.5;
            options.same_missing = true;
            options.seed = s;
            struct leat_model *model = make(xgboost != 0, &options);
            for (int missing = 0; missing < 2; missing++) {
                const double *values = missing != 0 ? with_missing : rows;
                double plain = measure(model, values, 0, &check), us[sizeof batches / sizeof batches[0]];
                printf("# %-10s %-22s %-8s %8.3f", xgboost != 0 ? "xgboost" : "lightgbm", sizes[s].name,
                       missing != 0 ? "missing" : "whole", plain);
                for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
                    us[b] = measure(model, values, batches[b], &check);
                    printf(" %8.3f", us[b]);
                    fflush(stdout);
                }
                printf("\n");
                if (xgboost != 0 && missing == 0)
                    report(sizes[s].name, us[0], us[3], plain);
            }
            leat_model_unref(model);
        }
    }
    free(rows);
    free(with_missing);
    return check == 0; /* keeps the results in use */
}
