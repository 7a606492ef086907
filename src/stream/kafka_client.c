/* librdkafka's handles: their settings, and what they say when something goes wrong. */
#include "base/map.h"
#include "stream/kafka_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONSUMERS = 1 << KAFKA_GROUP | 1 << KAFKA_PLAIN, PRODUCERS = 1 << KAFKA_PRODUCER | 1 << KAFKA_APPENDER };

/* What we set unless the user does. */
static const struct {
    unsigned roles;
    const char *name, *value;
} defaults[] = {
    {CONSUMERS | PRODUCERS, "socket.nagle.disable", "true"},
    {CONSUMERS | PRODUCERS, "reconnect.backoff.max.ms", "2000"}, /* 10 s would be what a restart of a broker costs */
    {CONSUMERS, "fetch.error.backoff.ms", "100"},
    /* For each partition: memory is bounded by bytes alone. */
    {CONSUMERS, "queued.min.messages", "1000000"},
    {CONSUMERS, "queued.max.messages.kbytes", "16384"},
    {1 << KAFKA_GROUP, "partition.assignment.strategy", "range"},
    {PRODUCERS, "enable.idempotence", "true"},
    {1 << KAFKA_PRODUCER, "message.timeout.ms", "0"}, /* the broker comes back, or an operator decides */
    {1 << KAFKA_APPENDER, "message.timeout.ms", "30000"},
    {1 << KAFKA_PRODUCER, "linger.ms", "1"},
    {1 << KAFKA_APPENDER, "linger.ms", "0"},
    {PRODUCERS, "queue.buffering.max.kbytes", "262144"},
    {PRODUCERS, "partitioner", "murmur2_random"}, /* as Java clients do: co-partitioning depends on it */
};

/* What the guarantees rest on. */
static const struct {
    const char *name, *value, *reason;
} fixed[] = {
    {"enable.auto.commit", "false", "offsets are committed when what came of their records is acknowledged"},
    {"enable.auto.offset.store", "false", "offsets are committed when what came of their records is acknowledged"},
    {"enable.partition.eof", "true", "the end of a partition has to be seen"},
};

/* Settings that would make a member of the group, or a transaction, out of a handle that is none. */
static const char *const skipped[] = {"group.id", "group.instance.id", "transactional.id", "client.id",
                                      "auto.offset.reset"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *find_setting(const struct kafka_stream *stream, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < stream->setting_count; i++) {
        if (strcmp(stream->settings[i].name, name) == 0)
            value = stream->settings[i].value;
    }
    return value;
}

static bool is_skipped(const char *name)
{
    for (size_t i = 0; i < COUNT(skipped); i++) {
        if (strcmp(skipped[i], name) == 0)
            return true;
    }
    return false;
}

/* -- trouble ------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void set_trouble(struct kafka_stream *stream, const char *format,
                                                              va_list arguments)
{
    if (stream->fatal)
        return;
    char text[sizeof stream->trouble.text];
    vsnprintf(text, sizeof text, format, arguments);
    leat_error_set(&stream->trouble, LEAT_ERROR_ENVIRONMENT, "%s", text);
}

void kafka_trouble(struct kafka_stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_trouble(stream, format, arguments);
    va_end(arguments);
}

void kafka_trouble_fatal(struct kafka_stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_trouble(stream, format, arguments);
    va_end(arguments);
    stream->fatal = true;
}

static bool is_connection(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__WAIT_COORD;
}

int kafka_error(const struct kafka_stream *stream, struct leat_error *err, rd_kafka_resp_err_t code, const char *format,
                ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bool explained = is_connection(code) && stream->last_reason[0] != '\0';
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "%s: %s%s%s", text, rd_kafka_err2str(code),
                          explained ? ": " : "", explained ? stream->last_reason : "");
}

/* One lost connection is the client's to mend; that none is left, or that we are not let in, is told. */
static void on_error(rd_kafka_t *rk, int number, const char *reason, void *opaque)
{
    struct kafka_stream *stream = opaque;
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)number;
    char text[512];
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
        code = rd_kafka_fatal_error(rk, text, sizeof text);
        kafka_trouble_fatal(stream, "Kafka: %s (%s)", text, rd_kafka_err2name(code));
        return;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
        snprintf(stream->last_reason, sizeof stream->last_reason, "%s", reason);
        return;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        kafka_trouble(stream, "no broker of %s answers%s%s", stream->servers,
                      stream->last_reason[0] == '\0' ? "" : ": ", stream->last_reason);
        return;
    default:
        kafka_trouble(stream, "Kafka: %s (%s)", reason, rd_kafka_err2name(code));
    }
}

/* Any thread. Errors come by on_error; the log is for those who asked for it by `debug`. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    const struct kafka_stream *stream = rd_kafka_opaque(rk);
    if (stream != NULL && stream->debug)
        fprintf(stderr, "kafka: %d %s %s: %s\n", level, rd_kafka_name(rk), facility, text);
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    (void)rk;
    for (int i = 0; offsets != NULL && i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *offset = &offsets->elems[i];
        rd_kafka_resp_err_t one = offset->err != RD_KAFKA_RESP_ERR_NO_ERROR ? offset->err : code;
        if (one != RD_KAFKA_RESP_ERR_NO_ERROR && one != RD_KAFKA_RESP_ERR__NO_OFFSET)
            kafka_trouble(opaque, "%s/%d: offset %lld could not be committed: %s", offset->topic, offset->partition,
                          (long long)offset->offset, rd_kafka_err2str(one));
    }
}

/* -- settings ------------------------------------------------------------------------------------------------------ */

/* The client's words, and the name that was meant. */
static int unknown_setting(rd_kafka_conf_t *conf, const char *name, const char *text, struct leat_error *err)
{
    /* The client lists neither its second names nor what belongs to a topic. */
    static const char *const others[] = {"bootstrap.servers",  "linger.ms",  "retries",           "compression.type",
                                         "sasl.mechanism",     "acks",       "auto.offset.reset", "delivery.timeout.ms",
                                         "message.timeout.ms", "partitioner"};
    size_t count = 0;
    const char **dump = rd_kafka_conf_dump(conf, &count);
    const char **names = leat_calloc(count + COUNT(others), sizeof *names);
    memcpy(names, others, sizeof others);
    for (size_t i = 0; i < count / 2; i++)
        names[COUNT(others) + i] = dump[2 * i];
    const char *nearest = leat_nearest(leat_bytes_of(name), names, COUNT(others) + count / 2);
    leat_error_set(err, LEAT_ERROR_FINDING, "kafka: %s%s%s%s", text, nearest == NULL ? "" : " (did you mean \"",
                   nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\"?)");
    free(names);
    rd_kafka_conf_dump_free(dump, count);
    return -1;
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct leat_error *err)
{
    char text[512];
    switch (rd_kafka_conf_set(conf, name, value, text, sizeof text)) {
    case RD_KAFKA_CONF_OK:
        return 0;
    case RD_KAFKA_CONF_UNKNOWN:
        return unknown_setting(conf, name, text, err);
    default:
        return leat_error_set(err, LEAT_ERROR_FINDING, "kafka: %s", text);
    }
}

/* With acks other than all the client can not be idempotent, and the user has chosen. */
static bool is_overruled(const struct kafka_stream *stream, const char *name)
{
    if (find_setting(stream, name) != NULL)
        return true;
    if (strcmp(name, "message.timeout.ms") == 0)
        return find_setting(stream, "delivery.timeout.ms") != NULL;
    if (strcmp(name, "linger.ms") == 0)
        return find_setting(stream, "queue.buffering.max.ms") != NULL;
    if (strcmp(name, "enable.idempotence") != 0)
        return false;
    const char *acks = find_setting(stream, "acks");
    if (acks == NULL)
        acks = find_setting(stream, "request.required.acks");
    return acks != NULL && strcmp(acks, "all") != 0 && strcmp(acks, "-1") != 0;
}

static int set_all(const struct kafka_stream *stream, enum kafka_role role, rd_kafka_conf_t *conf,
                   struct leat_error *err)
{
    for (size_t i = 0; i < COUNT(defaults); i++) {
        if ((defaults[i].roles & 1u << role) == 0 || is_overruled(stream, defaults[i].name))
            continue;
        if (set(conf, defaults[i].name, defaults[i].value, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < stream->setting_count; i++) {
        const struct leat_stream_setting *setting = &stream->settings[i];
        if (!is_skipped(setting->name) && set(conf, setting->name, setting->value, err) < 0)
            return -1;
    }
    return stream->client_id == NULL ? 0 : set(conf, "client.id", stream->client_id, err);
}

static int set_consumer(const struct kafka_stream *stream, enum kafka_role role, rd_kafka_conf_t *conf,
                        struct leat_error *err)
{
    for (size_t i = 0; i < COUNT(fixed); i++) {
        if (set(conf, fixed[i].name, fixed[i].value, err) < 0)
            return -1;
    }
    /* Where to begin is decided by who opens a reader; an offset that is gone must be told, not passed over. */
    if (set(conf, "auto.offset.reset", "error", err) < 0)
        return -1;
    if (role != KAFKA_GROUP)
        return 0;
    const char *instance = find_setting(stream, "group.instance.id");
    if (instance != NULL && set(conf, "group.instance.id", instance, err) < 0)
        return -1;
    return set(conf, "group.id", stream->group, err);
}

static int make_conf(struct kafka_stream *stream, enum kafka_role role, rd_kafka_conf_t **ret, struct leat_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool consumer = (CONSUMERS & 1u << role) != 0;
    if (set_all(stream, role, conf, err) < 0 || (consumer && set_consumer(stream, role, conf, err) < 0)) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    rd_kafka_conf_set_opaque(conf, stream);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (!consumer)
        rd_kafka_conf_set_dr_msg_cb(conf, kafka_sink_delivered);
    if (role == KAFKA_GROUP) {
        rd_kafka_conf_set_rebalance_cb(conf, kafka_group_rebalanced);
        rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    }
    *ret = conf;
    return 0;
}

static int parse_reset(struct kafka_stream *stream, struct leat_error *err)
{
    static const struct {
        const char *name;
        int64_t offset;
    } names[] = {
        {"earliest", LEAT_OFFSET_BEGIN}, {"smallest", LEAT_OFFSET_BEGIN}, {"beginning", LEAT_OFFSET_BEGIN},
        {"latest", LEAT_OFFSET_END},     {"largest", LEAT_OFFSET_END},    {"end", LEAT_OFFSET_END},
        {"error", LEAT_OFFSET_NONE},     {"none", LEAT_OFFSET_NONE},
    };
    const char *value = find_setting(stream, "auto.offset.reset");
    stream->reset = LEAT_OFFSET_BEGIN;
    if (value == NULL)
        return 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(names[i].name, value) == 0) {
            stream->reset = names[i].offset;
            return 0;
        }
    }
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "kafka: auto.offset.reset is '%s'; it can be earliest, latest or error", value);
}

static int check_fixed(const struct kafka_stream *stream, struct leat_error *err)
{
    for (size_t i = 0; i < COUNT(fixed); i++) {
        const char *value = find_setting(stream, fixed[i].name);
        if (value != NULL && strcmp(value, fixed[i].value) != 0)
            return leat_error_set(err, LEAT_ERROR_FINDING, "kafka: %s can only be %s here: %s", fixed[i].name,
                                  fixed[i].value, fixed[i].reason);
    }
    return 0;
}

int kafka_client_settings(struct kafka_stream *stream, const struct leat_stream_config *config, struct leat_error *err)
{
    stream->settings = leat_arena_zalloc(&stream->arena, config->setting_count + 1, sizeof *stream->settings);
    stream->setting_count = config->setting_count;
    for (size_t i = 0; i < config->setting_count; i++) {
        stream->settings[i].name = leat_arena_strdup(&stream->arena, config->settings[i].name);
        stream->settings[i].value = leat_arena_strdup(&stream->arena, config->settings[i].value);
    }
    const char *client_id = find_setting(stream, "client.id");
    stream->client_id = client_id != NULL ? client_id : leat_arena_strdup(&stream->arena, config->client_id);
    stream->group = config->group != NULL ? leat_arena_strdup(&stream->arena, config->group)
                                          : find_setting(stream, "group.id");
    stream->debug = find_setting(stream, "debug") != NULL;
    stream->servers = find_setting(stream, "bootstrap.servers");
    if (stream->servers == NULL)
        stream->servers = find_setting(stream, "metadata.broker.list");
    if (parse_reset(stream, err) < 0 || check_fixed(stream, err) < 0)
        return -1;

    /* The producer is made later; what is wrong with its settings is known now. */
    char kbytes[32] = "";
    size_t size = sizeof kbytes;
    rd_kafka_conf_t *conf;
    if (make_conf(stream, KAFKA_PRODUCER, &conf, err) < 0)
        return -1;
    rd_kafka_conf_destroy(conf);
    if (make_conf(stream, KAFKA_PLAIN, &conf, err) < 0)
        return -1;
    rd_kafka_conf_get(conf, "queued.max.messages.kbytes", kbytes, &size);
    rd_kafka_conf_destroy(conf);
    stream->queue_bytes = (size_t)strtoull(kbytes, NULL, 10) * 1024;
    if (stream->servers == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "kafka: bootstrap.servers is missing");
    return 0;
}

/* -- handles ------------------------------------------------------------------------------------------------------- */

int kafka_client_make(struct kafka_stream *stream, enum kafka_role role, struct kafka_client **ret,
                      struct leat_error *err)
{
    rd_kafka_conf_t *conf;
    char text[512];
    if (make_conf(stream, role, &conf, err) < 0)
        return -1;
    rd_kafka_type_t type = (CONSUMERS & 1u << role) != 0 ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return leat_error_set(err, LEAT_ERROR_FINDING, "kafka: %s", text);
    }
    struct kafka_client *client = leat_calloc(1, sizeof *client);
    client->rk = rk;
    if (role == KAFKA_GROUP)
        rd_kafka_poll_set_consumer(rk);
    client->queue = role == KAFKA_GROUP ? rd_kafka_queue_get_consumer(rk) : rd_kafka_queue_get_main(rk);
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(client->queue, stream->wake, &one, sizeof one);
    *ret = client;
    return 0;
}

void kafka_client_free(struct kafka_client *client)
{
    if (client == NULL)
        return;
    rd_kafka_queue_io_event_enable(client->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(client->queue);
    rd_kafka_destroy(client->rk);
    free(client);
}
