#include "stream/stream.h"

#include "stream/backend.h"

static int kafka_open(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err)
{
    (void)config, (void)ret;
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "Kafka is not there yet");
}

const struct leat_stream_backend leat_stream_kafka = {.open = kafka_open};
