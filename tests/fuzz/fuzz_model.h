/* What the fuzzers of model formats share: a file that loads must predict, and its kernel as the plain twin does. */
#ifndef LEAT_TESTS_FUZZ_MODEL_H
#define LEAT_TESTS_FUZZ_MODEL_H

#include "base/arena.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_ROWS 9 /* a tile of eight and one single */
#define FUZZ_FEATURES_MAX 4096
#define FUZZ_OUTPUTS_MAX 4096

static inline double fuzz_value(size_t i)
{
    static const double values[] = {0.0,  1.0,   -1.0, 0.5, (double)NAN, 1e-35, -1e-36,    3.0,          1e300,
                                    -7.5, 1e-40, 64.0, 2.0, -0.0,        100.0, 16777217., -2147483649., INFINITY};
    return values[i * 7 % (sizeof values / sizeof values[0])];
}

/* Contributions of hostile weights may be any number, but must come to an end. */
static inline void fuzz_explain(const struct leat_model *model, const double *rows)
{
    const struct leat_model_info *info = leat_model_info(model);
    if (info->explanation == NULL || info->raw_count * (info->feature_count + 1) * info->node_count > 1u << 22)
        return;
    double *contributions = leat_calloc(info->raw_count * (info->feature_count + 1), sizeof *contributions);
    void *scratch = aligned_alloc(64, (leat_model_explain_scratch(model) + 64) / 64 * 64);
    leat_assert(leat_model_explain(model, rows, rows, FUZZ_ROWS, contributions, scratch) == 0);
    free(contributions);
    free(scratch);
}

static inline void fuzz_compare(const struct leat_model *model)
{
    const struct leat_model_info *info = leat_model_info(model);
    if (info->feature_count > FUZZ_FEATURES_MAX || info->raw_count > FUZZ_OUTPUTS_MAX)
        return;
    double *rows = leat_calloc(FUZZ_ROWS * info->feature_count, sizeof *rows);
    double *out = leat_calloc(FUZZ_ROWS * info->output_count, sizeof *out);
    double *raw = leat_calloc(FUZZ_ROWS * info->raw_count, sizeof *raw);
    double *plain_out = leat_calloc(info->output_count, sizeof *plain_out);
    double *plain = leat_calloc(info->raw_count, sizeof *plain);
    void *scratch = leat_model_scratch_new(model, FUZZ_ROWS);
    for (size_t i = 0; i < FUZZ_ROWS * info->feature_count; i++)
        rows[i] = fuzz_value(i + i / info->feature_count);
    leat_model_predict(model, rows, info->feature_count, FUZZ_ROWS, out, raw, scratch);
    for (size_t row = 0; row < FUZZ_ROWS; row++) {
        leat_model_predict_plain(model, rows + row * info->feature_count, plain_out, plain);
        for (size_t i = 0; i < info->raw_count; i++) {
            double got = raw[row * info->raw_count + i];
            leat_assert(got == plain[i] || (isnan(got) && isnan(plain[i])));
        }
        leat_model_label(model, out + row * info->output_count, raw + row * info->raw_count);
    }
    fuzz_explain(model, rows);
    free(rows);
    free(out);
    free(raw);
    free(plain_out);
    free(plain);
    free(scratch);
}

static inline int fuzz_model(const uint8_t *data, size_t size, const char *format)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("fuzzed", (struct leat_bytes){(const char *)data, size}, NULL, &model, &err) != 0) {
        leat_assert(err.text[0] != '\0' && err.kind == LEAT_ERROR_FINDING);
        return 0;
    }
    if (strcmp(leat_model_info(model)->format, format) == 0)
        fuzz_compare(model);
    leat_model_unref(model);
    return 0;
}

#endif
