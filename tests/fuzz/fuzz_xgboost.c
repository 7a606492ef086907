#include "fuzz/fuzz_model.h"

/* Again with the first rounds only: they may be refused, but what is left out may do no harm. */
static void fuzz_rounds(const uint8_t *data, size_t size)
{
    const struct leat_model_options options = {.rounds = size % 4 + 1};
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("fuzzed", (struct leat_bytes){(const char *)data, size}, &options, &model, &err) != 0)
        return;
    if (strcmp(leat_model_info(model)->format, "xgboost-json") == 0)
        fuzz_compare(model);
    leat_model_unref(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_rounds(data, size);
    return fuzz_model(data, size, "xgboost-json");
}
