/* Each graph of tests/data/models/onnx scores as ONNX Runtime did when it was written (make_onnx.py): one row at a
 * time and in batches, outputs and labels. Those named runtime-… have operators that are not done here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "model/row.h"
#include "model/version.h"

#include <dirent.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/data/models/onnx/"
#define CASES_MAX 100
#define ROWS_MAX 100

struct expected {
    struct leat_model *model;
    const struct leat_model_info *info;
    size_t rows;
    double *features, *out, *raw;
    double expected_out[ROWS_MAX][64];
    size_t out_count;
    char label[ROWS_MAX][64]; /* "": none */
};

static struct leat_buffer read_file(const char *name)
{
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    if (leat_file_read(name, 1 << 26, &content, &err) != 0)
        fail_msg("%s", err.text);
    return content;
}

static int load_model(const char *name, struct leat_model **ret, struct leat_error *err)
{
    char path[300];
    snprintf(path, sizeof path, FOLDER "%s.onnx", name);
    struct leat_buffer file = read_file(path);
    int status = leat_model_load(path, leat_buffer_view(&file), NULL, ret, err);
    leat_buffer_done(&file);
    return status;
}

static void read_label(const struct leat_json *label, char ret[64])
{
    ret[0] = 0;
    if (label == NULL)
        return;
    if (label->type == LEAT_JSON_STRING)
        snprintf(ret, 64, "%.*s", LEAT_BYTES_FORMAT(label->as.string));
    else {
        double value = 0;
        assert_true(leat_row_value(label, &value));
        snprintf(ret, 64, "%.0f", value);
    }
}

static void read_row(struct expected *e, struct leat_row_names *names, const char *line)
{
    struct leat_json_document *document = NULL;
    struct leat_error err = {0};
    assert_int_equal(leat_json_parse(leat_bytes_of(line), LEAT_JSON_STRICT, &document, &err), 0);
    const struct leat_json *root = leat_json_root(document);
    if (leat_row_read(names, leat_json_get(root, "features"), e->features + e->rows * e->info->feature_count, &err) != 0)
        fail_msg("%s", err.text);
    const struct leat_json *out = leat_json_get(root, "out");
    e->out_count = out->count;
    assert_true(e->out_count <= 64);
    for (size_t i = 0; i < e->out_count; i++)
        assert_true(leat_row_value(&out->as.elements[i], &e->expected_out[e->rows][i]));
    read_label(leat_json_get(root, "label"), e->label[e->rows]);
    leat_json_free(document);
    assert_true(++e->rows < ROWS_MAX);
}

static struct expected *load(const char *name)
{
    char path[300];
    struct leat_error err = {0};
    struct leat_row_names names;
    struct expected *e = leat_calloc(1, sizeof *e);
    if (load_model(name, &e->model, &err) != 0)
        fail_msg("%s", err.text);
    leat_row_names_init(&names, e->model, NULL);
    e->info = leat_model_info(e->model);
    e->features = leat_calloc(ROWS_MAX * e->info->feature_count, sizeof(double));
    e->out = leat_calloc(ROWS_MAX * e->info->output_count, sizeof(double));
    e->raw = leat_calloc(ROWS_MAX * e->info->raw_count, sizeof(double));
    snprintf(path, sizeof path, FOLDER "%s.rows.jsonl", name);
    struct leat_buffer rows = read_file(path);
    for (char *line = strtok((char *)leat_buffer_text(&rows), "\n"); line != NULL; line = strtok(NULL, "\n"))
        read_row(e, &names, line);
    assert_true(e->rows > 0);
    leat_row_names_done(&names);
    leat_buffer_done(&rows);
    return e;
}

static void done(struct expected *e)
{
    leat_model_unref(e->model);
    free(e->features);
    free(e->out);
    free(e->raw);
    free(e);
}

static void check_label(const struct expected *e, size_t row, const double *out, const double *raw)
{
    char label[64];
    if (e->label[row][0] == 0 || !e->info->classifier)
        return;
    size_t class = leat_model_label(e->model, out, raw);
    assert_true(class < e->info->class_count);
    snprintf(label, sizeof label, "%zu", class);
    const char *got = e->info->class_names == NULL ? label : e->info->class_names[class];
    if (strcmp(got, e->label[row]) != 0)
        fail_msg("row %zu: the label is %s, ONNX Runtime's is %s", row, got, e->label[row]);
}

static void check_row(const struct expected *e, size_t row, const double *out, const double *raw, size_t size)
{
    if (e->out_count > 0)
        assert_int_equal(e->out_count, e->info->output_count);
    for (size_t i = 0; i < e->out_count; i++) {
        double expected = e->expected_out[row][i];
        double scale = fabs(expected) > 1 ? fabs(expected) : 1;
        if (!(fabs(out[i] - expected) <= 1e-5 * scale) && !(isnan(out[i]) && isnan(expected)))
            fail_msg("row %zu, batches of %zu: output %zu is %.9g, ONNX Runtime's is %.9g", row, size, i, out[i],
                     expected);
    }
    check_label(e, row, out, raw);
}

static void check_batches(struct expected *e, size_t size)
{
    size_t features = e->info->feature_count;
    void *scratch = leat_model_scratch_new(e->model, size);
    for (size_t row = 0; row < e->rows; row += size) {
        size_t count = e->rows - row < size ? e->rows - row : size;
        leat_model_predict(e->model, e->features + row * features, features, count, e->out, e->raw, scratch);
        for (size_t i = 0; i < count; i++)
            check_row(e, row + i, e->out + i * e->info->output_count, e->raw + i * e->info->raw_count, size);
    }
    free(scratch);
}

/* So many rows that a graph is run in blocks: what a row gives does not depend on the others, bit for bit. */
static void check_many(struct expected *e)
{
    size_t features = e->info->feature_count;
    size_t outputs = e->info->output_count;
    double *rows = leat_calloc(ROWS_MAX * features, sizeof *rows);
    double *one = leat_calloc(outputs, sizeof *one);
    void *scratch = leat_model_scratch_new(e->model, ROWS_MAX);
    for (size_t row = 0; row < ROWS_MAX; row++)
        memcpy(rows + row * features, e->features + row % e->rows * features, features * sizeof *rows);
    leat_model_predict(e->model, rows, features, ROWS_MAX, e->out, NULL, scratch);
    for (size_t row = 0; row < ROWS_MAX; row++) {
        leat_model_predict(e->model, rows + row * features, features, 1, one, NULL, scratch);
        assert_memory_equal(one, e->out + row * outputs, outputs * sizeof *one);
    }
    free(scratch);
    free(rows);
    free(one);
}

static void each_graph_scores_as_onnx_runtime_does(void **state)
{
    struct expected *e = load(*state);
    check_batches(e, 1);
    check_batches(e, 7);
    check_many(e);
    done(e);
}

/* ---- graphs for ONNX Runtime itself ---- */

static void a_graph_with_operators_that_are_not_done_is_refused_with_their_names(void **state)
{
    static const struct {
        const char *name, *operators;
    } graphs[] = {{"runtime-lstm", "LSTM"}, {"runtime-conv", "Conv, GlobalAveragePool"}};
    (void)state;
    setenv("LEAT_ONNXRUNTIME", "/nowhere/libonnxruntime.so", 1);
    for (size_t i = 0; i < 2; i++) {
        struct leat_model *model = NULL;
        struct leat_error err = {0};
        assert_int_equal(load_model(graphs[i].name, &model, &err), -1);
        if (strstr(err.text, graphs[i].operators) == NULL || strstr(err.text, "LEAT_ONNXRUNTIME") == NULL)
            fail_msg("%s", err.text);
    }
    unsetenv("LEAT_ONNXRUNTIME");
}

static bool find_library(char *ret, size_t size)
{
    glob_t found = {0};
    const char *named = getenv("LEAT_TEST_ONNXRUNTIME");
    bool good = named != NULL ||
                glob("build/venv/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so*", 0, NULL, &found) == 0;
    if (good)
        snprintf(ret, size, "%s", named != NULL ? named : found.gl_pathv[0]);
    globfree(&found);
    return good;
}

static void a_graph_with_operators_that_are_not_done_runs_in_onnx_runtime(void **state)
{
    char library[1000];
    (void)state;
    if (!find_library(library, sizeof library)) {
        print_message("skipped: the Python package onnxruntime is not in build/venv\n");
        skip();
    }
    setenv("LEAT_ONNXRUNTIME", library, 1);
    static const char *const names[] = {"runtime-lstm", "runtime-conv"};
    for (size_t i = 0; i < 2; i++) {
        struct expected *e = load(names[i]);
        if (strncmp(e->info->kernel, "ONNX Runtime 1.", 15) != 0)
            fail_msg("%s", e->info->kernel);
        check_batches(e, 1);
        check_batches(e, 7);
        done(e);
    }
    unsetenv("LEAT_ONNXRUNTIME");
}

/* ---- the list ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(void)
{
    struct CMUnitTest tests[CASES_MAX] = {
        cmocka_unit_test(a_graph_with_operators_that_are_not_done_is_refused_with_their_names),
        cmocka_unit_test(a_graph_with_operators_that_are_not_done_runs_in_onnx_runtime),
    };
    size_t first = 2;
    size_t count = first;
    struct leat_arena arena = {0};
    DIR *folder = opendir(FOLDER);
    if (folder == NULL)
        return 1;
    for (struct dirent *entry = readdir(folder); entry != NULL && count < CASES_MAX; entry = readdir(folder)) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".onnx") != 0 || strncmp(entry->d_name, "runtime-", 8) == 0)
            continue;
        char *name = leat_arena_copy(&arena, entry->d_name, length - 5);
        tests[count++] = (struct CMUnitTest){leat_arena_format(&arena, "%s scores as ONNX Runtime does", name),
                                             each_graph_scores_as_onnx_runtime_does, NULL, NULL, name};
    }
    closedir(folder);
    qsort(tests + first, count - first, sizeof *tests, by_name);
    if (count < 30)
        return 1;
    int failed = _cmocka_run_group_tests("onnx models", tests, count, NULL, NULL);
    leat_arena_done(&arena);
    return failed;
}
