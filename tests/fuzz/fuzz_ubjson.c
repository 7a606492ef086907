#include "fuzz/fuzz_model.h"

#include "base/ubjson.h"

/* XGBoost's UBJSON; and any other UBJSON through the parser alone. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leat_json_document *document = NULL;
    if (leat_ubjson_parse((struct leat_bytes){(const char *)data, size}, &document, NULL) == 0) {
        struct leat_buffer text = {.max = (size_t)1 << 20};
        leat_json_put(&text, leat_json_root(document));
        leat_buffer_done(&text);
    }
    leat_json_free(document);
    return fuzz_model(data, size, "xgboost-ubjson");
}
