/* ONNX files: one that loads predicts, the same for one row and for blocks; and it runs on whole tensors, or says why
 * not. */
#include "fuzz/fuzz_model.h"
#include "model/onnx/tensors.h"

#include <time.h>

/* Beyond a block of rows and one single. */
#define ROWS 33

static void compare_rows(const struct leat_model *model)
{
    const struct leat_model_info *info = leat_model_info(model);
    if (info->feature_count > FUZZ_FEATURES_MAX || info->raw_count > FUZZ_OUTPUTS_MAX)
        return;
    double *rows = leat_calloc(ROWS * info->feature_count, sizeof *rows);
    double *out = leat_calloc(ROWS * info->output_count, sizeof *out);
    double *raw = leat_calloc(ROWS * info->raw_count, sizeof *raw);
    double *plain_out = leat_calloc(info->output_count, sizeof *plain_out);
    double *plain = leat_calloc(info->raw_count, sizeof *plain);
    void *scratch = leat_model_scratch_new(model, ROWS);
    for (size_t i = 0; i < ROWS * info->feature_count; i++)
        rows[i] = fuzz_value(i + i / info->feature_count);
    clock_t start = clock();
    leat_model_predict(model, rows, info->feature_count, 1, out, raw, scratch);
    bool slow = clock() - start > CLOCKS_PER_SEC / 50; /* a file may ask for a second, not for a minute */
    if (!slow)
        leat_model_predict(model, rows, info->feature_count, ROWS, out, raw, scratch);
    for (size_t row = 0; row < ROWS && !slow; row++) {
        leat_model_predict_plain(model, rows + row * info->feature_count, plain_out, plain);
        for (size_t i = 0; i < info->raw_count; i++) {
            double got = raw[row * info->raw_count + i];
            leat_assert(got == plain[i] || (isnan(got) && isnan(plain[i])));
        }
        leat_assert(!info->classifier || info->class_count == 0 ||
                    leat_model_label(model, out + row * info->output_count, raw + row * info->raw_count) <
                        info->class_count);
    }
    free(rows);
    free(out);
    free(raw);
    free(plain_out);
    free(plain);
    free(scratch);
}

/* Most graphs of the corpus have one input X. */
static void run_tensors(struct leat_bytes file)
{
    static const char *const lines[] = {"{\"X\": [[1, -2.5], [\"NaN\", 0]]}", "{\"X\": [\"a\", \"b\"]}", "{\"X\": 3}",
                                        "{\"X\": [[0, 1, 2, 3]]}"};
    struct leat_error err = {0};
    struct leat_onnx_tensors *tensors;
    if (leat_onnx_tensors_new("fuzzed", file, &tensors, &err) < 0) {
        leat_assert(err.text[0] != '\0' && err.kind == LEAT_ERROR_FINDING);
        return;
    }
    leat_onnx_tensors_limit(tensors, 1 << 24, 1 << 24);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        LEAT_CLEAN_BUFFER out = {.max = 1 << 16};
        if (leat_onnx_tensors_run(tensors, leat_bytes_of(lines[i]), &out, &err) < 0)
            leat_assert(err.text[0] != '\0' && err.kind == LEAT_ERROR_FINDING);
    }
    leat_onnx_tensors_free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leat_bytes file = {(const char *)data, size};
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("fuzzed", file, NULL, &model, &err) != 0) {
        leat_assert(err.text[0] != '\0' && err.kind == LEAT_ERROR_FINDING);
    } else {
        if (strcmp(leat_model_info(model)->format, "onnx") == 0)
            compare_rows(model);
        leat_model_unref(model);
    }
    run_tensors(file);
    return 0;
}
