/* Producing. Each record carries its fence to the delivery report; an appended one carries the stream itself. */
#include "base/time.h"
#include "event/reason.h"
#include "stream/kafka_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL_WAIT_MS 10000 /* how long a produce waits for room in the queue */
#define APPEND_WAIT_MS 35000
#define CREATE_WAIT_MS 15000
#define LIMIT_WAIT_MS 3000 /* how long the answer about a topic's limit is waited for, once */
#define BATCH_OVERHEAD 100 /* bytes of a batch and a record around key, value and headers */

/* -- reports ------------------------------------------------------------------------------------------------------- */

void kafka_sink_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_stream *stream = opaque;
    if (message->_private == stream) {
        stream->appended = true;
        stream->append_error = message->err;
        stream->append_offset = message->offset;
        return;
    }
    struct leat_fence *fence = message->_private;
    stream->acknowledged++;
    if (fence != NULL)
        fence->outstanding--;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (fence != NULL)
        fence->failed++;
    char text[512] = "";
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(rk, text, sizeof text);
    kafka_trouble(stream, "%s/%d: a record could not be delivered: %s%s%s", rd_kafka_topic_name(message->rkt),
                  message->partition, rd_kafka_err2str(message->err), fatal == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : ": ",
                  text);
}

/* -- topics -------------------------------------------------------------------------------------------------------- */

static size_t read_bytes_max(rd_kafka_event_t *event)
{
    size_t count = 0, entry_count = 0;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return SIZE_MAX;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    for (size_t i = 0; i < entry_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "max.message.bytes") == 0 && value != NULL)
            return (size_t)strtoull(value, NULL, 10);
    }
    return SIZE_MAX;
}

/* The largest batch that the broker takes for a topic; who may not ask is told by the broker when it is too late. */
static size_t ask_bytes_max(rd_kafka_t *rk, const char *name)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    char text[128];
    rd_kafka_AdminOptions_set_request_timeout(options, LIMIT_WAIT_MS, text, sizeof text);
    rd_kafka_DescribeConfigs(rk, &resource, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, LIMIT_WAIT_MS);
    size_t bytes = SIZE_MAX;
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
        bytes = read_bytes_max(event);
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_queue_destroy(queue);
    return bytes;
}

static void read_setting(rd_kafka_t *rk, const char *name, char *ret, size_t size)
{
    ret[0] = '\0';
    rd_kafka_conf_get(rd_kafka_conf(rk), name, ret, &size);
}

/* A batch beyond the topic's limit is refused whole and would be sent again for ever. */
static int check_batch(struct kafka_stream *stream, const char *name, size_t bytes_max, struct leat_error *err)
{
    char batch[32], compression[32];
    read_setting(stream->producer->rk, "batch.size", batch, sizeof batch);
    read_setting(stream->producer->rk, "compression.codec", compression, sizeof compression);
    if (strcmp(compression, "none") != 0 || strtoull(batch, NULL, 10) <= bytes_max)
        return 0;
    leat_error_set(err, LEAT_ERROR_FINDING,
                   "topic '%s' takes batches of at most %zu bytes (max.message.bytes), and the producer makes them up to "
                   "%s: set batch.size to %zu or less below kafka, or give the topic more",
                   name, bytes_max, batch, bytes_max);
    return -1;
}

static struct kafka_topic *find_topic(struct kafka_stream *stream, const char *name, struct leat_error *err)
{
    for (struct kafka_topic *topic = stream->topics; topic != NULL; topic = topic->next) {
        if (strcmp(topic->name, name) == 0)
            return topic;
    }
    if (stream->producer == NULL && kafka_client_make(stream, KAFKA_PRODUCER, &stream->producer, err) < 0)
        return NULL;
    rd_kafka_t *rk = stream->producer->rk;
    size_t bytes_max = ask_bytes_max(rk, name);
    if (check_batch(stream, name, bytes_max, err) < 0)
        return NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, name, NULL);
    if (handle == NULL) {
        kafka_error(stream, err, rd_kafka_last_error(), "topic '%s'", name);
        return NULL;
    }
    struct kafka_topic *topic = leat_arena_zalloc(&stream->arena, 1, sizeof *topic);
    topic->name = leat_arena_strdup(&stream->arena, name);
    topic->topic = handle;
    char compression[32];
    read_setting(rk, "compression.codec", compression, sizeof compression);
    topic->bytes_max = strcmp(compression, "none") == 0 ? bytes_max : SIZE_MAX; /* the limit is one of packed bytes */
    topic->next = stream->topics;
    stream->topics = topic;
    return topic;
}

/* -- producing ----------------------------------------------------------------------------------------------------- */

static rd_kafka_resp_err_t enqueue_whole(rd_kafka_t *rk, rd_kafka_topic_t *topic, const struct leat_produce *record,
                                         void *opaque)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_vu_t fields[8] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)record->value.data, record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)record->key.data, record->key.len}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = opaque},
    };
    size_t count = 6;
    if (record->timestamp != LEAT_TIME_NONE)
        fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP,
                                          .u.i64 = record->timestamp / LEAT_MILLISECOND};
    if (record->header_count > 0) {
        headers = rd_kafka_headers_new(record->header_count);
        for (size_t i = 0; i < record->header_count; i++)
            rd_kafka_header_add(headers, record->headers[i].name.data, (ssize_t)record->headers[i].name.len,
                                record->headers[i].value.data, (ssize_t)record->headers[i].value.len);
        fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    }
    rd_kafka_error_t *error = rd_kafka_produceva(rk, fields, count);
    if (error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    return code;
}

static rd_kafka_resp_err_t enqueue(rd_kafka_t *rk, rd_kafka_topic_t *topic, const struct leat_produce *record,
                                   void *opaque)
{
    if (record->header_count > 0 || record->timestamp != LEAT_TIME_NONE)
        return enqueue_whole(rk, topic, record, opaque);
    int32_t partition = record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition;
    int status = rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)record->value.data,
                                  record->value.len, record->key.data, record->key.len, opaque);
    return status == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
}

static size_t size_of(const struct leat_produce *record)
{
    size_t bytes = BATCH_OVERHEAD + record->key.len + record->value.len;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].name.len + record->headers[i].value.len + 4;
    return bytes;
}

static int too_large(struct kafka_stream *stream, const struct leat_produce *record, struct leat_reason *reason)
{
    char bytes[32];
    read_setting(stream->producer->rk, "message.max.bytes", bytes, sizeof bytes);
    return leat_reason_set(reason, LEAT_STAGE_PRODUCE,
                           "the record for topic '%s' has %zu bytes, and message.max.bytes is %s", record->topic,
                           size_of(record), bytes);
}

/* Waiting here must not make the group believe that we are gone. */
static void serve(struct kafka_stream *stream)
{
    rd_kafka_poll(stream->producer->rk, 50);
    if (stream->group_client != NULL)
        kafka_group_serve(stream);
}

int kafka_sink_produce(struct leat_stream *base, const struct leat_produce *record, struct leat_fence *fence,
                       struct leat_reason *reason, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    const struct kafka_topic *topic = find_topic(stream, record->topic, err);
    if (topic == NULL)
        return 1;
    if (size_of(record) > topic->bytes_max)
        return leat_reason_set(reason, LEAT_STAGE_PRODUCE,
                               "the record has %zu bytes, and topic '%s' takes at most %zu (max.message.bytes)",
                               size_of(record), record->topic, topic->bytes_max);
    rd_kafka_t *rk = stream->producer->rk;
    rd_kafka_resp_err_t code = enqueue(rk, topic->topic, record, fence);
    for (int64_t until = kafka_now_ms() + FULL_WAIT_MS;
         code == RD_KAFKA_RESP_ERR__QUEUE_FULL && kafka_now_ms() < until;) {
        serve(stream);
        code = enqueue(rk, topic->topic, record, fence);
    }
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return too_large(stream, record, reason);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_error(stream, err, code, "can not produce to '%s' (%d records wait for the broker)", record->topic,
                    rd_kafka_outq_len(stream->producer->rk));
        return 1;
    }
    if (fence != NULL)
        fence->outstanding++;
    return 0;
}

int kafka_sink_flush(struct leat_stream *base, int timeout_ms, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    if (stream->producer == NULL)
        return 0;
    rd_kafka_resp_err_t code = rd_kafka_flush(stream->producer->rk, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return kafka_error(stream, err, code, "%d records are not acknowledged after %d ms",
                       rd_kafka_outq_len(stream->producer->rk), timeout_ms);
}

/* -- appending ----------------------------------------------------------------------------------------------------- */

static int create_result(rd_kafka_event_t *event, const char *name, struct leat_error *err)
{
    rd_kafka_resp_err_t code = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
    const char *text = event == NULL ? NULL : rd_kafka_event_error_string(event);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t count = 0;
        const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(event), &count);
        code = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
        text = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return 0;
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not make the topic '%s': %s", name,
                          text == NULL ? rd_kafka_err2str(code) : text);
}

/* One partition, kept for ever; replicated as the broker thinks fit. */
static int create_topic(rd_kafka_t *rk, const char *name, struct leat_error *err)
{
    char text[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, -1, text, sizeof text);
    if (topic == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "can not make the topic '%s': %s", name, text);
    rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
    rd_kafka_NewTopic_set_config(topic, "retention.bytes", "-1");
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CREATE_WAIT_MS);
    int status = create_result(event, name, err);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    return status;
}

static int prepare(struct kafka_stream *stream, const char *topic, struct leat_error *err)
{
    int32_t count;
    if (kafka_partitions(&stream->base, topic, &count, err) < 0)
        return -1;
    if (count > 1)
        return leat_error_set(err, LEAT_ERROR_FINDING, "topic '%s' has %d partitions, and it must have one", topic,
                              count);
    if (stream->appender == NULL && kafka_client_make(stream, KAFKA_APPENDER, &stream->appender, err) < 0)
        return -1;
    return count == 0 ? create_topic(stream->appender->rk, topic, err) : 0;
}

static rd_kafka_resp_err_t append(struct kafka_stream *stream, const struct leat_produce *record)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(stream->appender->rk, record->topic, NULL);
    if (topic == NULL)
        return rd_kafka_last_error();
    stream->appended = false;
    rd_kafka_resp_err_t code = enqueue(stream->appender->rk, topic, record, stream);
    for (int64_t until = kafka_now_ms() + APPEND_WAIT_MS;
         code == RD_KAFKA_RESP_ERR_NO_ERROR && !stream->appended && kafka_now_ms() < until;)
        rd_kafka_poll(stream->appender->rk, 100);
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    return stream->appended ? stream->append_error : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

int kafka_sink_append(struct leat_stream *base, const char *topic, struct leat_bytes key, struct leat_bytes value,
                      int64_t *ret_offset, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    if (prepare(stream, topic, err) < 0)
        return -1;
    struct leat_produce record = {.topic = topic, .key = key, .value = value, .timestamp = LEAT_TIME_NONE};
    rd_kafka_resp_err_t code = append(stream, &record);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* What is not known to be written must not be written later. */
        kafka_client_free(stream->appender);
        stream->appender = NULL;
        return kafka_error(stream, err, code, "can not append to '%s'", topic);
    }
    *ret_offset = stream->append_offset;
    return 0;
}

void kafka_sink_close(struct kafka_stream *stream)
{
    for (struct kafka_topic *topic = stream->topics; topic != NULL; topic = topic->next)
        rd_kafka_topic_destroy(topic->topic);
    kafka_client_free(stream->producer);
    kafka_client_free(stream->appender);
}
