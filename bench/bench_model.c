/* What scoring a row costs, alone and in batches: for three sizes of forest in both trainers' arithmetic, and for what
 * takes other kernels: categories, leaves of several values, linear leaves.
 *
 * Rows differ and rotate: a single repeated row would train the branch predictor and flatter every kernel that
 * branches. Others may use the machine too: each stretch of rows is timed by itself, and of several rounds its
 * fastest time counts. */
#include "model/model.h"
#include "report.h"
#include "support/make_forest.h"

#include <stdio.h>
#include <time.h>

#define FEATURES 32
#define ROWS 8192
#define ROUNDS 9
#define STRETCH 4096

static const size_t batches[] = {1, 8, 64, 256, 4096};
#define BATCHES (sizeof batches / sizeof batches[0])

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void must(int status, const struct leat_error *err)
{
    if (status == 0)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

/* From the text of a file, which is timed. */
static struct leat_model *load(bool xgboost, const struct make_options *options, double *ret_ms)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    struct leat_buffer text = {0};
    (xgboost ? make_xgboost : make_lightgbm)(options, &text);
    double start = now_us();
    must(leat_model_load("made", leat_buffer_view(&text), NULL, &model, &err), &err);
    *ret_ms = (now_us() - start) / 1e3;
    leat_buffer_done(&text);
    return model;
}

static struct leat_model *make(const struct make_forest_options *options)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    struct leat_forest forest;
    make_forest(options, &forest);
    must(leat_forest_model_new(&forest, &model, &err), &err);
    return model;
}

static void score(const struct leat_model *model, const double *rows, size_t size, size_t total, double *ret_out,
                  void *scratch)
{
    size_t outputs = leat_model_info(model)->output_count;
    if (size == 0) {
        for (size_t row = 0; row < total; row++)
            leat_model_predict_plain(model, rows + row * FEATURES, ret_out + row * outputs, NULL);
        return;
    }
    for (size_t row = 0; row < total; row += size)
        leat_model_predict(model, rows + row * FEATURES, FEATURES, size, ret_out + row * outputs, NULL, scratch);
}

/* µs a row in batches of `size`; 0: by the plain twin. */
static double measure(const struct leat_model *model, const double *rows, size_t size, double *ret_check)
{
    size_t outputs = leat_model_info(model)->output_count;
    double *out = leat_calloc(ROWS * outputs, sizeof *out);
    double best[ROWS / STRETCH];
    double sum = 0;
    void *scratch = leat_model_scratch_new(model, size);
    for (int round = 0; round < (size == 0 ? 1 : ROUNDS); round++) {
        for (size_t s = 0; s < ROWS / STRETCH; s++) {
            double start = now_us();
            score(model, rows + s * STRETCH * FEATURES, size, STRETCH, out + s * STRETCH * outputs, scratch);
            double took = now_us() - start;
            best[s] = round == 0 || took < best[s] ? took : best[s];
        }
    }
    for (size_t s = 0; s < ROWS / STRETCH; s++)
        sum += best[s];
    for (size_t i = 0; i < ROWS * outputs; i++)
        *ret_check += out[i];
    free(out);
    free(scratch);
    return sum / ROWS;
}

static void report(const char *name, const double *us, double plain)
{
    char metric[64], against[64];
    snprintf(against, sizeof against, "its plain twin: %.2f us", plain);
    snprintf(metric, sizeof metric, "model of %s, one row", name);
    bench_report(metric, us[0], "us", "", against);
    snprintf(metric, sizeof metric, "model of %s, a row of 256", name);
    bench_report(metric, us[3], "us", "", against);
}

/* One line of the table. */
static void run(const char *format, const char *name, const char *which, const struct leat_model *model,
                const double *rows, bool reported, double *ret_check)
{
    double us[BATCHES];
    double plain = measure(model, rows, 0, ret_check);
    printf("# %-10s %-22s %-8s %8.2f", format, name, which, plain);
    for (size_t b = 0; b < BATCHES; b++) {
        us[b] = measure(model, rows, batches[b], ret_check);
        printf(" %8.3f", us[b]);
        fflush(stdout);
    }
    printf("   %s\n", leat_model_info(model)->kernel);
    if (reported)
        report(name, us, plain);
}

/* Trainers' files. */
static void run_files(const double *whole, const double *missing, double *ret_check)
{
    static const struct {
        const char *name;
        struct make_options options;
    } sizes[] = {
        {"100 trees, depth 6", {.trees = 100, .leaves = 64, .depth = 6}},
        {"500 trees, 64 leaves", {.trees = 500, .leaves = 64}},
        {"1000 trees, depth 8", {.trees = 1000, .leaves = 256, .depth = 8}},
    };
    for (int xgboost = 1; xgboost >= 0; xgboost--) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct make_options options = sizes[s].options;
            const char *format = xgboost != 0 ? "xgboost" : "lightgbm";
            double ms;
            options.features = FEATURES;
            options.groups = 1;
            options.missing = 0.5;
            options.same_missing = true;
            options.bins = 254;
            options.seed = s;
            struct leat_model *model = load(xgboost != 0, &options, &ms);
            run(format, sizes[s].name, "whole", model, whole, xgboost != 0, ret_check);
            run(format, sizes[s].name, "missing", model, missing, false, ret_check);
            printf("# %-10s %-22s loaded in %.1f ms, takes %.2f MB\n", format, sizes[s].name, ms,
                   (double)leat_model_info(model)->bytes / 1e6);
            leat_model_unref(model);
        }
    }
}

/* Forests that take other kernels: 500 trees of 64 leaves each. */
static void run_kinds(const double *rows, double *ret_check)
{
    const struct {
        const char *name;
        struct make_forest_options options;
    } kinds[] = {
        {"categories", {.arithmetic = LEAT_FLOAT64, .closed = true, .tiny_is_zero = true, .categories = true}},
        {"categories, float32", {.arithmetic = LEAT_FLOAT32, .categories = true}},
        {"leaves of 5 values", {.arithmetic = LEAT_FLOAT32, .width = 5}},
        {"linear leaves", {.arithmetic = LEAT_FLOAT64, .closed = true, .tiny_is_zero = true, .linear = true}},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct make_forest_options options = kinds[k].options;
        options.shape = (struct make_options){
            .trees = 500, .features = FEATURES, .leaves = 64, .missing = 0.5, .seed = k};
        options.shape.groups = options.width > 1 ? options.width : 1;
        struct leat_model *model = make(&options);
        run("made", kinds[k].name, "missing", model, rows, false, ret_check);
        leat_model_unref(model);
    }
}

int main(void)
{
    double *whole = make_rows(1, ROWS, FEATURES, false);
    double *missing = make_rows(2, ROWS, FEATURES, true);
    double check = 0;
    printf("# %-10s %-22s %-8s %8s", "format", "model", "rows", "plain");
    for (size_t b = 0; b < BATCHES; b++)
        printf(" %8zu", batches[b]);
    printf("   us a row\n");
    run_files(whole, missing, &check);
    run_kinds(missing, &check);
    free(whole);
    free(missing);
    return check == 0; /* keeps the results in use */
}
