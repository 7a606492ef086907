#include "bare_json.h"

#include <simdjson.h>

#include <string_view>

static_assert(BARE_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads further");

struct bare_json {
    simdjson::ondemand::parser parser;
};

bare_json *bare_json_new(void)
{
    return new bare_json;
}

void bare_json_free(bare_json *loop)
{
    delete loop;
}

static double text(simdjson::ondemand::object &object, const char *name)
{
    std::string_view value = object[name];
    return static_cast<double>(value.size()) + value.back();
}

double bare_json_read(bare_json *loop, const char *const *records, const size_t *lengths, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        simdjson::padded_string_view view(records[i], lengths[i], lengths[i] + BARE_JSON_PADDING);
        simdjson::ondemand::document document = loop->parser.iterate(view);
        simdjson::ondemand::object object = document.get_object();
        sum += text(object, "tx_id") + text(object, "card_id") + text(object, "merchant_id");
        sum += double(object["amount"]);
        sum += text(object, "country") + text(object, "mcc") + text(object, "channel");
        sum += static_cast<double>(int64_t(object["ts"]));
    }
    return sum;
}
