/* Each model of tests/data/models scores as its trainer did: raw sums bit for bit, on every path. */
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
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "tests/data/models/"
#define CASES_MAX 400
#define ROWS_MAX 1000

struct expected {
    struct leat_model *model;
    const struct leat_model_info *info;
    size_t rows;
    double *features, *out, *raw;
};

static struct leat_buffer read_file(const char *name)
{
    struct leat_error err = {0};
    struct leat_buffer content = {0};
    if (leat_file_read(name, 1 << 26, &content, &err) != 0)
        fail_msg("%s", err.text);
    return content;
}

static void read_numbers(const struct leat_json *array, size_t count, double *ret)
{
    assert_non_null(array);
    assert_int_equal(array->count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(leat_row_value(&array->as.elements[i], &ret[i]));
}

/* By the one ending that is there. */
static void load_model(const char *name, struct leat_model **ret)
{
    static const char *const endings[] = {"json", "ubj", "txt"};
    const char *rounds = strstr(name, "-rounds-"); /* the answers are of so many rounds */
    struct leat_model_options options = {.rounds = rounds == NULL ? 0 : strtoul(rounds + 8, NULL, 10)};
    char path[300];
    struct leat_error err = {0};
    size_t i = 0;
    do
        snprintf(path, sizeof path, FOLDER "%s.%s", name, endings[i]);
    while (access(path, R_OK) != 0 && ++i < sizeof endings / sizeof endings[0]);
    struct leat_buffer file = read_file(path);
    if (leat_model_load(path, leat_buffer_view(&file), &options, ret, &err) != 0)
        fail_msg("%s", err.text);
    leat_buffer_done(&file);
}

static struct expected load(const char *name)
{
    char path[300];
    struct leat_error err = {0};
    struct leat_row_names names;
    struct expected e = {0};
    load_model(name, &e.model);
    leat_row_names_init(&names, e.model, NULL);
    e.info = leat_model_info(e.model);
    e.features = leat_calloc(ROWS_MAX * e.info->feature_count, sizeof(double));
    e.out = leat_calloc(ROWS_MAX * e.info->output_count, sizeof(double));
    e.raw = leat_calloc(ROWS_MAX * e.info->raw_count, sizeof(double));

    snprintf(path, sizeof path, FOLDER "%s.rows.jsonl", name);
    struct leat_buffer rows = read_file(path);
    for (char *line = strtok((char *)leat_buffer_text(&rows), "\n"); line != NULL; line = strtok(NULL, "\n")) {
        struct leat_json_document *document = NULL;
        assert_int_equal(leat_json_parse(leat_bytes_of(line), LEAT_JSON_STRICT, &document, &err), 0);
        const struct leat_json *root = leat_json_root(document);
        if (leat_row_read(&names, leat_json_get(root, "features"), e.features + e.rows * e.info->feature_count, &err) !=
            0)
            fail_msg("%s", err.text);
        read_numbers(leat_json_get(root, "score"), e.info->output_count, e.out + e.rows * e.info->output_count);
        read_numbers(leat_json_get(root, "raw"), e.info->raw_count, e.raw + e.rows * e.info->raw_count);
        leat_json_free(document);
        assert_true(++e.rows <= ROWS_MAX);
    }
    assert_true(e.rows > 0);
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
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Links may differ by the C library: one unit in the last place, or 1e-12. */
static bool near(const struct expected *e, double a, double b)
{
    if (same(a, b))
        return true;
    if (!e->info->float32)
        return fabs(a - b) <= 1e-12 * fabs(a);
    return (float)b >= nextafterf((float)a, -INFINITY) && (float)b <= nextafterf((float)a, INFINITY);
}

static void check_row(const struct expected *e, size_t row, const double *out, const double *raw, const char *how)
{
    for (size_t i = 0; i < e->info->raw_count; i++)
        if (!same(raw[i], e->raw[row * e->info->raw_count + i]))
            fail_msg("row %zu, %s: raw %zu is %.17g, the trainer's is %.17g", row, how, i, raw[i],
                     e->raw[row * e->info->raw_count + i]);
    for (size_t i = 0; i < e->info->output_count; i++)
        if (!near(e, e->out[row * e->info->output_count + i], out[i]))
            fail_msg("row %zu, %s: output %zu is %.17g, the trainer's is %.17g", row, how, i, out[i],
                     e->out[row * e->info->output_count + i]);
}

static void check_batches(const struct expected *e, size_t size)
{
    char how[40];
    double *out = leat_calloc(e->rows * e->info->output_count, sizeof *out);
    double *raw = leat_calloc(e->rows * e->info->raw_count, sizeof *raw);
    void *scratch = leat_model_scratch_new(e->model, size);
    snprintf(how, sizeof how, "batches of %zu", size);
    for (size_t row = 0; row < e->rows; row += size) {
        size_t count = e->rows - row < size ? e->rows - row : size;
        leat_model_predict(e->model, e->features + row * e->info->feature_count, e->info->feature_count, count, out,
                           raw, scratch);
        for (size_t i = 0; i < count; i++)
            check_row(e, row + i, out + i * e->info->output_count, raw + i * e->info->raw_count, how);
    }
    free(scratch);
    free(out);
    free(raw);
}

static void check_plain(const struct expected *e)
{
    double *out = leat_calloc(e->info->output_count, sizeof *out);
    double *raw = leat_calloc(e->info->raw_count, sizeof *raw);
    for (size_t row = 0; row < e->rows; row++) {
        leat_model_predict_plain(e->model, e->features + row * e->info->feature_count, out, raw);
        check_row(e, row, out, raw, "plain");
    }
    free(out);
    free(raw);
}

static void check_parity(const struct expected *e, const char *name)
{
    char path[300];
    struct leat_error err = {0};
    size_t rows = 0;
    snprintf(path, sizeof path, FOLDER "%s.rows.jsonl", name);
    struct leat_buffer text = read_file(path);
    if (leat_parity_check(e->model, NULL, leat_buffer_view(&text), &rows, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(rows, e->rows);
    leat_buffer_done(&text);
}

static void scores_as_its_trainer_does(void **state)
{
    const char *name = *state;
    struct expected e = load(name);
    const size_t sizes[] = {1, 2, 7, 8, 9, 16, 31, e.rows};
    check_plain(&e);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check_batches(&e, sizes[i]);
    check_parity(&e, name);
    done(&e);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
    static char *names[CASES_MAX];
    static struct CMUnitTest tests[CASES_MAX];
    size_t count = 0;
    DIR *dir = opendir(FOLDER);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *end = strstr(entry->d_name, ".rows.jsonl");
        if (end != NULL && count < CASES_MAX)
            names[count++] = strndup(entry->d_name, (size_t)(end - entry->d_name));
    }
    if (dir != NULL)
        closedir(dir);
    if (count < 100) {
        fprintf(stderr, "%zu models in " FOLDER "; run from the checkout's top\n", count);
        return 1;
    }
    qsort(names, count, sizeof names[0], compare_names);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]) + 40;
        char *title = leat_malloc(size);
        snprintf(title, size, "%s scores as its trainer does", names[i]);
        tests[i] = (struct CMUnitTest){title, scores_as_its_trainer_does, NULL, NULL, names[i]};
    }
    int failed = _cmocka_run_group_tests("model_trainers", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        free((char *)tests[i].name);
        free(names[i]);
    }
    return failed;
}
