/* Models of a folder with their trainer's answers, NAME.json and NAME.rows.jsonl: each scores as told, on every path.
 * Include once a program, after cmocka. */
#ifndef LEAT_TESTS_MODEL_CASES_H
#define LEAT_TESTS_MODEL_CASES_H

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "model/model.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_CASES_MAX 100
#define MODEL_CASE_ROWS_MAX 1000

struct model_case {
    struct leat_model *model;
    const struct leat_model_info *info;
    double tolerance; /* of raw sums, relative */
    size_t rows;
    double *features, *out, *raw;
};

static inline struct leat_buffer model_case_read(const char *folder, const char *name, const char *suffix)
{
    char path[300];
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    snprintf(path, sizeof path, "%s%s.%s", folder, name, suffix);
    if (leat_file_read(path, 1 << 26, &content, &err) != 0)
        fail_msg("%s", err.text);
    return content;
}

/* null is missing; texts are categories, or the numbers that JSON has no other way to write. */
static inline double model_case_cell(const struct leat_model *model, size_t feature, const struct leat_json *node)
{
    const enum leat_feature_kind *kinds = leat_model_info(model)->feature_kinds;
    double value = (double)NAN;
    bool category = kinds != NULL && kinds[feature] != LEAT_FEATURE_NUMBER;
    if (node->type == LEAT_JSON_STRING && category) {
        assert_int_equal(leat_model_code_text(model, feature, node->as.string, &value), 0);
        return value;
    }
    if (node->type == LEAT_JSON_STRING)
        return strtod(node->as.string.data, NULL);
    if (leat_json_number(node, &value) && category)
        assert_int_equal(leat_model_code_number(model, feature, value, &value), 0);
    return value;
}

static inline void model_case_values(const struct leat_json *array, size_t count, double *ret)
{
    assert_non_null(array);
    assert_int_equal(array->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct leat_json *node = &array->as.elements[i];
        if (!leat_json_number(node, &ret[i]))
            ret[i] = strtod(leat_json_text(node, "nan"), NULL);
    }
}

static inline struct model_case model_case_load(const char *folder, const char *name, double tolerance)
{
    struct leat_error err = {0};
    struct model_case c = {.tolerance = tolerance};
    struct leat_buffer file = model_case_read(folder, name, "json");
    if (leat_model_load(name, leat_buffer_view(&file), NULL, &c.model, &err) != 0)
        fail_msg("%s", err.text);
    leat_buffer_done(&file);
    c.info = leat_model_info(c.model);
    size_t features = c.info->feature_count;
    c.features = leat_calloc(MODEL_CASE_ROWS_MAX * features, sizeof(double));
    c.out = leat_calloc(MODEL_CASE_ROWS_MAX * c.info->output_count, sizeof(double));
    c.raw = leat_calloc(MODEL_CASE_ROWS_MAX * c.info->raw_count, sizeof(double));
    struct leat_buffer rows = model_case_read(folder, name, "rows.jsonl");
    for (char *line = strtok((char *)leat_buffer_text(&rows), "\n"); line != NULL; line = strtok(NULL, "\n"), c.rows++) {
        struct leat_json_document *document = NULL;
        assert_true(c.rows < MODEL_CASE_ROWS_MAX);
        assert_int_equal(leat_json_parse(leat_bytes_of(line), LEAT_JSON_STRICT, &document, &err), 0);
        const struct leat_json *root = leat_json_root(document);
        const struct leat_json *cells = leat_json_get(root, "features");
        assert_int_equal(cells->count, features);
        for (size_t i = 0; i < features; i++)
            c.features[c.rows * features + i] = model_case_cell(c.model, i, &cells->as.elements[i]);
        model_case_values(leat_json_get(root, "score"), c.info->output_count, c.out + c.rows * c.info->output_count);
        model_case_values(leat_json_get(root, "raw"), c.info->raw_count, c.raw + c.rows * c.info->raw_count);
        leat_json_free(document);
    }
    assert_true(c.rows > 0);
    leat_buffer_done(&rows);
    return c;
}

static inline bool model_case_near(double a, double b, double tolerance)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * fabs(a);
}

static inline void model_case_row(const struct model_case *c, size_t row, const double *out, const double *raw,
                                  const char *how)
{
    const double *expected = c->raw + row * c->info->raw_count;
    for (size_t i = 0; i < c->info->raw_count; i++)
        if (!model_case_near(expected[i], raw[i], c->tolerance))
            fail_msg("row %zu, %s: raw %zu is %.17g, the trainer's is %.17g", row, how, i, raw[i], expected[i]);
    expected = c->out + row * c->info->output_count;
    for (size_t i = 0; i < c->info->output_count; i++)
        if (!model_case_near(expected[i], out[i], 1e-12))
            fail_msg("row %zu, %s: output %zu is %.17g, the trainer's is %.17g", row, how, i, out[i], expected[i]);
}

/* In batches of `size`; every one gives the bits of the plain twin. */
static inline void model_case_batches(const struct model_case *c, size_t size)
{
    char how[40];
    size_t outs = c->info->output_count;
    size_t raws = c->info->raw_count;
    double *out = leat_calloc(c->rows * outs, sizeof *out);
    double *raw = leat_calloc(c->rows * raws, sizeof *raw);
    double *plain = leat_calloc(raws + outs, sizeof *plain);
    void *scratch = leat_model_scratch_new(c->model, size);
    snprintf(how, sizeof how, "batches of %zu", size);
    for (size_t row = 0; row < c->rows; row += size) {
        size_t count = c->rows - row < size ? c->rows - row : size;
        leat_model_predict(c->model, c->features + row * c->info->feature_count, c->info->feature_count, count, out,
                           raw, scratch);
        for (size_t i = 0; i < count; i++) {
            model_case_row(c, row + i, out + i * outs, raw + i * raws, how);
            leat_model_predict_plain(c->model, c->features + (row + i) * c->info->feature_count, plain + raws, plain);
            assert_memory_equal(plain, raw + i * raws, raws * sizeof *raw);
        }
    }
    free(scratch);
    free(plain);
    free(out);
    free(raw);
}

static inline void model_case_check(const char *folder, const char *name, double tolerance)
{
    struct model_case c = model_case_load(folder, name, tolerance);
    const size_t sizes[] = {1, 2, 7, 8, 15, 16, 17, 33, c.rows};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        model_case_batches(&c, sizes[i]);
    leat_model_unref(c.model);
    free(c.features);
    free(c.out);
    free(c.raw);
}

static inline int model_case_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One test for each model of the folder, at least `least` of them; its name is the test's state. */
static inline int model_cases_run(const char *folder, const char *says, CMUnitTestFunction test, size_t least)
{
    static char *names[MODEL_CASES_MAX];
    static struct CMUnitTest tests[MODEL_CASES_MAX];
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *end = strstr(entry->d_name, ".rows.jsonl");
        if (end != NULL && count < MODEL_CASES_MAX)
            names[count++] = strndup(entry->d_name, (size_t)(end - entry->d_name));
    }
    if (dir != NULL)
        closedir(dir);
    if (count < least) {
        fprintf(stderr, "%zu models in %s; run from the checkout's top\n", count, folder);
        return 1;
    }
    qsort(names, count, sizeof names[0], model_case_order);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]) + strlen(says) + 2;
        char *title = leat_malloc(size);
        snprintf(title, size, "%s %s", names[i], says);
        tests[i] = (struct CMUnitTest){title, test, NULL, NULL, names[i]};
    }
    int failed = _cmocka_run_group_tests("models", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        free((char *)tests[i].name);
        free(names[i]);
    }
    return failed;
}

#endif
