/* Prints what each feature contributes to each margin, for tests and benchmarks that compare it with another's.
 *
 *   explain_driver MODEL ROWS           rows as JSON lines; prints a line of raw_count arrays of feature_count + 1 for
 *                                       each, or "none" when the model has no explanation
 *   explain_driver MODEL ROWS BACKGROUND
 *   explain_driver --time MODEL ROWS    prints microseconds of processor time a row, the fastest of five rounds */
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "model/row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX ((size_t)1 << 30)
#define TIME_ROUNDS 5

static void stop(const struct leat_error *err)
{
    fprintf(stderr, "explain_driver: %s\n", err->text);
    exit(1);
}

static struct leat_model *load(const char *path)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_file_read(path, FILE_MAX, &file, &err) != 0 ||
        leat_model_load(path, leat_buffer_view(&file), NULL, &model, &err) != 0)
        stop(&err);
    return model;
}

static double *read_rows(const struct leat_model *model, const char *path, size_t *ret_count)
{
    LEAT_CLEAN_BUFFER file = {0};
    struct leat_error err = {0};
    struct leat_row_names names;
    size_t features = leat_model_info(model)->feature_count;
    double *rows = NULL;
    size_t count = 0;
    if (leat_file_read(path, FILE_MAX, &file, &err) != 0)
        stop(&err);
    leat_row_names_init(&names, model, NULL);
    leat_buffer_text(&file); /* puts a NUL behind it */
    for (char *line = file.data, *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct leat_json_document *document = NULL;
        rows = leat_realloc(rows, ++count * features, sizeof *rows);
        if (leat_json_parse((struct leat_bytes){line, (size_t)(end - line)}, LEAT_JSON_NONFINITE, &document, &err) != 0 ||
            leat_row_read(&names, leat_json_root(document), rows + (count - 1) * features, &err) != 0)
            stop(&err);
        leat_json_free(document);
    }
    leat_row_names_done(&names);
    *ret_count = count;
    return rows;
}

static void print_row(const struct leat_model_info *info, const double *contributions)
{
    for (size_t group = 0; group < info->margin_count; group++) {
        for (size_t i = 0; i <= info->feature_count; i++) {
            double value = contributions[group * (info->feature_count + 1) + i];
            printf("%s", i > 0 ? ", " : group > 0 ? ", [" : "[[");
            printf(isfinite(value) ? "%.17g" : "\"%g\"", value);
        }
        printf("]");
    }
    printf("]\n");
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void print_time(const struct leat_model *model, const double *rows, size_t count, double *ret, void *scratch)
{
    double best = INFINITY;
    for (int round = 0; round < TIME_ROUNDS; round++) {
        double start = now_us();
        for (size_t row = 0; row < count; row++)
            leat_model_explain(model, rows + row * leat_model_info(model)->feature_count, NULL, 0, ret, scratch);
        best = fmin(best, now_us() - start);
    }
    printf("%.3f\n", best / (double)count);
}

int main(int argc, char **argv)
{
    bool timed = argc > 1 && strcmp(argv[1], "--time") == 0;
    if (argc - timed < 3 || argc - timed > 4) {
        fprintf(stderr, "usage: explain_driver [--time] MODEL ROWS [BACKGROUND]\n");
        return 2;
    }
    argv += timed;
    size_t count = 0, background_count = 0;
    struct leat_model *model = load(argv[1]);
    const struct leat_model_info *info = leat_model_info(model);
    double *rows = read_rows(model, argv[2], &count);
    double *background = argc - timed > 3 ? read_rows(model, argv[3], &background_count) : NULL;
    if (info->explanation == NULL) {
        printf("none\n");
        free(rows);
        free(background);
        leat_model_unref(model);
        return 0;
    }
    double *contributions = leat_calloc(info->raw_count * (info->feature_count + 1), sizeof *contributions);
    void *scratch = aligned_alloc(64, (leat_model_explain_scratch(model) + 64) / 64 * 64);
    if (timed)
        print_time(model, rows, count, contributions, scratch);
    for (size_t row = 0; row < count && !timed; row++) {
        if (leat_model_explain(model, rows + row * info->feature_count, background, background_count, contributions,
                               scratch) != 0)
            printf("no background\n");
        else
            print_row(info, contributions);
    }
    free(scratch);
    free(contributions);
    free(rows);
    free(background);
    leat_model_unref(model);
    return 0;
}
