/* The parity gate: the trainer's own rows, scored by the kernel that serves, singly and as one batch. */
#include "model/version.h"

#include "base/arena.h"
#include "base/json.h"
#include "model/row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARITY_ROWS_MAX ((size_t)1000000)
#define PARITY_VALUES_MAX ((size_t)1 << 26) /* half a gigabyte of features */

struct parity_line {
    struct leat_bytes text;
    size_t number;
};

struct gate {
    const struct leat_model *model;
    const struct leat_model_info *info;
    struct leat_row_names names;
    double *features; /* rows × feature_count */
    double *expected; /* rows × expected_count */
    struct parity_line *lines;
    size_t rows;
    size_t expected_count; /* output_count, or 2 for a binary classifier's pair */
    struct leat_error *err;
};

#define refuse(g, ...) leat_error_set((g)->err, LEAT_ERROR_FINDING, __VA_ARGS__)

/* ---- reading ---- */

static bool next_line(struct leat_bytes *rest, size_t *number, struct leat_bytes *ret)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    *ret = (struct leat_bytes){rest->data, len};
    size_t taken = end == NULL ? len : len + 1;
    *rest = (struct leat_bytes){rest->data + taken, rest->len - taken};
    ++*number;
    return true;
}

static bool blank(struct leat_bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

/* The score: one number, or as many as the model has outputs; for a binary classifier also both probabilities. */
static int read_score(struct gate *gate, const struct leat_json *score)
{
    bool list = score != NULL && score->type == LEAT_JSON_ARRAY;
    size_t count = list ? score->count : 1;
    if (score == NULL)
        return refuse(gate, "has no \"score\"");
    bool pair = count == 2 && gate->info->class_count == 2 && gate->info->output_count == 1;
    if (count != gate->info->output_count && !pair)
        return refuse(gate, "has %zu scores, but the model gives %zu", count, gate->info->output_count);
    if (gate->rows > 0 && count != gate->expected_count)
        return refuse(gate, "has %zu scores, but the rows before it have %zu", count, gate->expected_count);
    gate->expected_count = count;
    double *expected = gate->expected + gate->rows * count;
    for (size_t i = 0; i < count; i++)
        if (!leat_row_value(list ? &score->as.elements[i] : score, &expected[i]))
            return refuse(gate, "has a score that is not a number");
    return 0;
}

static int read_features(const struct gate *gate, const struct leat_json *root, double *ret)
{
    const struct leat_json *features = leat_json_get(root, "features");
    if (features == NULL)
        return refuse(gate, "has no \"features\"; a row is {\"features\": {…} or […], \"score\": …}");
    return leat_row_read(&gate->names, features, ret, gate->err);
}

static int read_row(struct gate *gate, const struct leat_json *root)
{
    if (read_features(gate, root, gate->features + gate->rows * gate->info->feature_count) != 0)
        return -1;
    return read_score(gate, leat_json_get(root, "score"));
}

static void count_rows(struct leat_bytes text, size_t *ret_rows)
{
    struct leat_bytes line;
    size_t number = 0;
    for (*ret_rows = 0; next_line(&text, &number, &line);)
        *ret_rows += !blank(line);
}

static int read_rows(struct gate *gate, struct leat_bytes text)
{
    size_t rows;
    size_t width = gate->info->feature_count + gate->info->output_count + 2;
    count_rows(text, &rows);
    if (rows > PARITY_ROWS_MAX || rows > PARITY_VALUES_MAX / width)
        return refuse(gate, "parity: %zu rows of %zu numbers are too many; some hundred do", rows, width);
    gate->features = leat_calloc(rows * gate->info->feature_count, sizeof *gate->features);
    gate->expected = leat_calloc(rows * (gate->info->output_count + 1), sizeof *gate->expected);
    gate->lines = leat_calloc(rows, sizeof *gate->lines);
    struct leat_bytes line;
    for (size_t number = 0; next_line(&text, &number, &line);) {
        if (blank(line))
            continue;
        struct leat_json_document *document = NULL;
        int status = leat_json_parse(line, LEAT_JSON_NONFINITE, &document, gate->err);
        if (status == 0)
            status = read_row(gate, leat_json_root(document));
        leat_json_free(document);
        if (status != 0)
            return leat_error_prefix(gate->err, "parity row %zu (line %zu)", gate->rows + 1, number);
        gate->lines[gate->rows++] = (struct parity_line){line, number};
    }
    return 0;
}

/* ---- comparing ---- */

/* The model's own tolerance, relative and at least as much absolutely; else one unit in the last place of a float32, or
 * 1e-12 relative. */
static bool near(const struct gate *gate, double expected, double got)
{
    if (isnan(expected) || isnan(got))
        return isnan(expected) && isnan(got);
    if (expected == got)
        return true;
    if (gate->info->tolerance > 0)
        return fabs(expected - got) <= gate->info->tolerance * fmax(1, fmax(fabs(expected), fabs(got)));
    if (!gate->info->float32)
        return fabs(expected - got) <= 1e-12 * fmax(fabs(expected), fabs(got));
    float rounded = (float)expected;
    return (float)got >= nextafterf(rounded, -INFINITY) && (float)got <= nextafterf(rounded, INFINITY);
}

/* Of a binary classifier's pair 1 - p and p only the latter is compared: the former has fewer digits left. */
static const double *expected_of(const struct gate *gate, size_t row)
{
    return gate->expected + row * gate->expected_count + (gate->expected_count - gate->info->output_count);
}

static void put_numbers(struct leat_buffer *out, const double *values, size_t count)
{
    for (size_t i = 0; i < count && i < 20; i++) {
        char number[32];
        leat_double_format(values[i], number);
        leat_buffer_format(out, "%s%s", i == 0 ? "" : ", ", number);
    }
    if (count > 20)
        leat_buffer_append_text(out, ", …");
}

static void show_features(const struct gate *gate, size_t row, struct leat_buffer *out)
{
    struct leat_json_document *document = NULL;
    if (leat_json_parse(gate->lines[row].text, LEAT_JSON_NONFINITE, &document, NULL) == 0)
        leat_row_show(&gate->names, leat_json_get(leat_json_root(document), "features"), 900, out);
    leat_json_free(document);
}

/* What is wrong most often, told by what the scores look like. */
static const char *guess(const struct gate *gate, size_t row, const double *out)
{
    const struct leat_model_info *info = gate->info;
    const double *expected = expected_of(gate, row);
    double *raw = leat_calloc(info->raw_count + 1, sizeof *raw),
           *again = leat_calloc(info->output_count + 1, sizeof *again);
    void *scratch = leat_model_scratch_new(gate->model, 1);
    leat_model_predict(gate->model, gate->features + row * info->feature_count, info->feature_count, 1, again, raw,
                       scratch);
    bool margins = info->margin_count == info->output_count;
    for (size_t i = 0; margins && i < info->output_count; i++)
        margins = raw[i] != out[i] && fabs(raw[i] - expected[i]) <= 1e-6 * fmax(1, fabs(raw[i]));
    free(raw);
    free(again);
    free(scratch);
    if (margins)
        return "these scores are margins, from before the link: give what predict or predict_proba gives";
    if (info->class_count == 2 && info->output_count == 1 && fabs(1 - expected[0] - out[0]) <= 1e-6)
        return "these scores are of the first class: give the second column of predict_proba";
    if (strncmp(info->format, "xgboost", 7) == 0)
        return "was the model saved from another fit than the scores were made with, or are they of fewer rounds (the "
               "scikit-learn wrapper stops at best_iteration: add it with --rounds best_iteration + 1)?";
    if (strcmp(info->format, "onnx") == 0)
        return "was the model saved from another fit than the scores were made with, were the features prepared "
               "otherwise, or is the converter unlike the trainer (docs/reference/models.md, 'Converters')?";
    return "was the model saved from another fit than the scores were made with, or were the features prepared "
           "otherwise? Write both from one fitted model";
}

static int differs(const struct gate *gate, size_t row, const double *out, const char *how)
{
    LEAT_CLEAN_BUFFER features = {0};
    LEAT_CLEAN_BUFFER expected = {0};
    LEAT_CLEAN_BUFFER got = {0};
    show_features(gate, row, &features);
    put_numbers(&expected, expected_of(gate, row), gate->info->output_count);
    put_numbers(&got, out, gate->info->output_count);
    return refuse(gate, "parity row %zu (line %zu)%s: the trainer's score is %s, here it is %s; features: %s\n  %s",
                  row + 1, gate->lines[row].number, how, leat_buffer_text(&expected), leat_buffer_text(&got),
                  leat_buffer_text(&features), guess(gate, row, out));
}

static int compare(const struct gate *gate, size_t row, const double *out, const char *how)
{
    for (size_t i = 0; i < gate->info->output_count; i++)
        if (!near(gate, expected_of(gate, row)[i], out[i]))
            return differs(gate, row, out, how);
    return 0;
}

static int score_rows(const struct gate *gate, const struct leat_model *model, double *out, void *scratch)
{
    size_t features = gate->info->feature_count;
    size_t outputs = gate->info->output_count;
    for (size_t row = 0; row < gate->rows; row++) {
        leat_model_predict(model, gate->features + row * features, features, 1, out, NULL, scratch);
        if (compare(gate, row, out, "") != 0)
            return -1;
    }
    leat_model_predict(model, gate->features, features, gate->rows, out, NULL, scratch);
    for (size_t row = 0; row < gate->rows; row++)
        if (compare(gate, row, out + row * outputs, " in a batch") != 0)
            return -1;
    return 0;
}

int leat_parity_check(const struct leat_model *model, const char *const *feature_names, struct leat_bytes rows,
                      size_t *ret_rows, struct leat_error *err)
{
    struct gate gate = {.model = model, .info = leat_model_info(model), .err = err};
    leat_row_names_init(&gate.names, model, feature_names);
    int status = read_rows(&gate, rows);
    if (status == 0 && gate.rows > 0) {
        double *out = leat_calloc(gate.rows * gate.info->output_count, sizeof *out);
        void *scratch = leat_model_scratch_new(model, gate.rows);
        status = score_rows(&gate, model, out, scratch);
        free(scratch);
        free(out);
    }
    if (status == 0)
        *ret_rows = gate.rows;
    free(gate.features);
    free(gate.expected);
    free(gate.lines);
    leat_row_names_done(&gate.names);
    return status;
}

size_t leat_parity_background(const struct leat_model *model, const char *const *feature_names, struct leat_bytes rows,
                              struct leat_arena *arena, const double **ret)
{
    struct gate gate = {.model = model, .info = leat_model_info(model)};
    size_t features = gate.info->feature_count, total, count = 0, seen = 0;
    struct leat_bytes line;
    leat_row_names_init(&gate.names, model, feature_names);
    count_rows(rows, &total);
    size_t wanted = total < LEAT_BACKGROUND_MAX ? total : LEAT_BACKGROUND_MAX;
    double *background = leat_arena_zalloc(arena, wanted * features + 1, sizeof *background);
    for (size_t number = 0; count < wanted && next_line(&rows, &number, &line);) {
        if (blank(line) || seen++ != count * total / wanted)
            continue;
        struct leat_json_document *document = NULL;
        bool good = leat_json_parse(line, LEAT_JSON_NONFINITE, &document, NULL) == 0 &&
                    read_features(&gate, leat_json_root(document), background + count * features) == 0;
        leat_json_free(document);
        if (!good)
            break;
        count++;
    }
    leat_row_names_done(&gate.names);
    *ret = background;
    return count;
}
