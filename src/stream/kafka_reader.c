/* Partitions. Each reader takes messages from the queue of its partition, up to a thousand at once, and destroys one when
 * its head moves on: a message that is kept keeps the whole answer of the broker in memory. */
#include "base/time.h"
#include "stream/kafka_inside.h"

#include <stdlib.h>
#include <string.h>

/* -- questions ----------------------------------------------------------------------------------------------------- */

int kafka_partitions(struct leat_stream *base, const char *topic, int32_t *ret_count, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(stream->plain->rk, topic, NULL);
    if (handle == NULL)
        return kafka_error(stream, err, rd_kafka_last_error(), "topic '%s'", topic);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(stream->plain->rk, 0, handle, &metadata, KAFKA_QUERY_MS);
    int count = 0;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) {
        code = metadata->topics[0].err;
        count = metadata->topics[0].partition_cnt;
    }
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        *ret_count = 0;
        return 0;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(stream, err, code, "can not look up topic '%s'", topic);
    *ret_count = count;
    return 0;
}

static int query_range(struct kafka_stream *stream, struct kafka_client *client, const char *topic, int32_t partition,
                       int64_t *ret_start, int64_t *ret_end, struct leat_error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(client->rk, topic, partition, ret_start, ret_end,
                                                                KAFKA_QUERY_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return kafka_error(stream, err, code, "%s/%d: can not ask for its first and last offset", topic, partition);
}

int kafka_offset_at(struct leat_stream *base, const char *topic, int32_t partition, int64_t time, int64_t *ret_offset,
                    struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    int64_t ms = time / LEAT_MILLISECOND + (time % LEAT_MILLISECOND > 0 ? 1 : 0);
    one->offset = ms < 0 ? 0 : ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(stream->plain->rk, list, KAFKA_QUERY_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = one->err;
    int64_t found = one->offset, start;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(stream, err, code, "%s/%d: can not look up the offset of a time", topic, partition);
    if (found < 0 && query_range(stream, stream->plain, topic, partition, &start, &found, err) < 0)
        return -1;
    *ret_offset = found;
    return 0;
}

/* -- opening and closing ------------------------------------------------------------------------------------------- */

/* A handle reads a partition once: the second reader of one gets another handle. */
static int client_for(struct kafka_stream *stream, const char *topic, int32_t partition, struct kafka_client **ret,
                      struct leat_error *err)
{
    for (struct kafka_client *client = stream->plain; client != NULL; client = client->next) {
        bool taken = false;
        for (const struct kafka_reader *reader = stream->readers; reader != NULL; reader = reader->next)
            taken = taken || (reader->client == client && reader->base.partition == partition &&
                              strcmp(reader->base.topic, topic) == 0);
        if (!taken) {
            *ret = client;
            return 0;
        }
    }
    struct kafka_client *client;
    if (kafka_client_make(stream, KAFKA_PLAIN, &client, err) < 0)
        return -1;
    client->next = stream->plain->next;
    stream->plain->next = client;
    *ret = client;
    return 0;
}

static int resolve(struct kafka_stream *stream, struct kafka_reader *reader, int64_t offset, struct leat_error *err)
{
    const char *topic = reader->base.topic;
    int32_t partition = reader->base.partition;
    int64_t start, end;
    if (query_range(stream, reader->client, topic, partition, &start, &end, err) < 0)
        return -1;
    if (offset == LEAT_OFFSET_NONE && stream->reset == LEAT_OFFSET_NONE)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "%s/%d: group '%s' has no committed offset, and auto.offset.reset is error", topic,
                              partition, stream->group == NULL ? "" : stream->group);
    if (offset == LEAT_OFFSET_NONE)
        offset = stream->reset;
    reader->base.start = start;
    reader->base.position = offset == LEAT_OFFSET_END ? end : offset < start ? start : offset;
    return 0;
}

static void listen_to_queue(struct kafka_stream *stream, struct kafka_reader *reader)
{
    static const uint64_t one = 1;
    reader->queue = rd_kafka_queue_get_partition(reader->client->rk, reader->base.topic, reader->base.partition);
    leat_assert(reader->queue != NULL);
    rd_kafka_queue_forward(reader->queue, NULL);
    rd_kafka_queue_io_event_enable(reader->queue, stream->wake, &one, sizeof one);
}

static int start(struct kafka_stream *stream, struct kafka_reader *reader, struct leat_error *err)
{
    listen_to_queue(stream, reader);
    if (reader->group) {
        kafka_group_find(stream, reader->base.partition)->reader = reader;
        stream->assign_due = true;
        return 0;
    }
    reader->topic = rd_kafka_topic_new(reader->client->rk, reader->base.topic, NULL);
    if (reader->topic == NULL ||
        rd_kafka_consume_start(reader->topic, reader->base.partition, reader->base.position) < 0)
        return kafka_error(stream, err, rd_kafka_last_error(), "%s/%d: can not be read", reader->base.topic,
                           reader->base.partition);
    reader->fetching = true;
    return 0;
}

int kafka_reader_open(struct leat_stream *base, const char *topic, int32_t partition, int64_t offset, bool group,
                      struct leat_reader **ret, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    struct kafka_client *client = stream->group_client;
    if (!group && client_for(stream, topic, partition, &client, err) < 0)
        return -1;
    if (group) {
        const struct kafka_assigned *assigned = kafka_group_find(stream, partition);
        leat_assert(assigned != NULL && assigned->reader == NULL && strcmp(topic, stream->subscribed) == 0);
    }
    struct kafka_reader *reader = leat_calloc(1, sizeof *reader);
    reader->base.topic = leat_strdup(topic);
    reader->base.partition = partition;
    reader->base.stream = base;
    reader->client = client;
    reader->group = group;
    reader->next = stream->readers;
    stream->readers = reader;
    if (resolve(stream, reader, offset, err) < 0 || start(stream, reader, err) < 0) {
        kafka_reader_close(&reader->base);
        return -1;
    }
    *ret = &reader->base;
    return 0;
}

static void stop(struct kafka_stream *stream, struct kafka_reader *reader)
{
    if (reader->topic != NULL) {
        if (reader->fetching)
            rd_kafka_consume_stop(reader->topic, reader->base.partition);
        rd_kafka_topic_destroy(reader->topic);
    }
    struct kafka_assigned *assigned = reader->group ? kafka_group_find(stream, reader->base.partition) : NULL;
    if (assigned != NULL && assigned->reader == reader) {
        assigned->reader = NULL;
        stream->assign_due = true;
    }
    if (reader->queue == NULL)
        return;
    rd_kafka_queue_io_event_enable(reader->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(reader->queue);
}

void kafka_reader_close(struct leat_reader *base)
{
    struct kafka_stream *stream = kafka_stream_of(base->stream);
    struct kafka_reader **at = &stream->readers;
    while (&(*at)->base != base)
        at = &(*at)->next;
    struct kafka_reader *reader = *at;
    *at = reader->next;
    for (; reader->at < reader->count; reader->at++)
        rd_kafka_message_destroy(reader->ring[reader->at]);
    stop(stream, reader);
    char *topic = (char *)(uintptr_t)base->topic;
    free(topic);
    free(reader->headers);
    free(reader);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

int64_t kafka_reader_fetch_from(const struct kafka_reader *reader)
{
    int64_t from = reader->base.position;
    for (size_t i = reader->at; i < reader->count; i++) {
        if (reader->ring[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            from = reader->ring[i]->offset + 1;
    }
    return from;
}

/* The log's end was asked for, and all before it has been taken. */
static void settle(struct kafka_reader *reader)
{
    if (reader->asked_mark > reader->base.end_mark && reader->base.position >= reader->asked_end)
        reader->base.end_mark = reader->asked_mark;
}

static void move_to(struct kafka_reader *reader, int64_t position)
{
    if (position > reader->base.position)
        reader->base.position = position;
    settle(reader);
}

/* What the client has passed over without showing it (marks of transactions) counts, too. */
static void pass_unseen(struct kafka_reader *reader)
{
    if (reader->asked_mark <= reader->base.end_mark)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    const rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, reader->base.topic,
                                                                              reader->base.partition);
    rd_kafka_position(reader->client->rk, list);
    int64_t position = one->err == RD_KAFKA_RESP_ERR_NO_ERROR ? one->offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    move_to(reader, position);
}

static void out_of_range(struct kafka_stream *stream, struct kafka_reader *reader)
{
    int64_t first = -1, end = -1;
    struct leat_error ignored;
    query_range(stream, reader->client, reader->base.topic, reader->base.partition, &first, &end, &ignored);
    kafka_trouble_fatal(stream,
                        "%s/%d: offset %lld is not there: the log reaches from %lld to %lld. Records were lost to "
                        "retention, or the topic was made anew. To go on, reset the offset of group '%s'",
                        reader->base.topic, reader->base.partition, (long long)reader->base.position, (long long)first,
                        (long long)end, stream->group == NULL ? "" : stream->group);
}

static void take_error(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    struct kafka_stream *stream = kafka_stream_of(reader->base.stream);
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: /* comes behind the messages before it */
        move_to(reader, message->offset);
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        out_of_range(stream, reader);
        return;
    default:
        kafka_trouble(stream, "%s/%d: can not read on from offset %lld: %s", reader->base.topic, reader->base.partition,
                      (long long)reader->base.position, rd_kafka_message_errstr(message));
    }
}

static size_t take_headers(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    size_t count = 0, len;
    const char *name;
    const void *value;
    for (; rd_kafka_header_get_all(headers, count, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; count++) {
        if (count == reader->header_room) {
            reader->header_room = count == 0 ? 8 : count * 2;
            reader->headers = leat_realloc(reader->headers, reader->header_room, sizeof *reader->headers);
        }
        reader->headers[count].name = leat_bytes_of(name);
        reader->headers[count].value = (struct leat_bytes){value, value == NULL ? 0 : len};
    }
    return count;
}

static void take_head(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(message, &type);
    size_t header_count = take_headers(reader, message);
    reader->record = (struct leat_record){
        .topic = reader->base.topic,
        .partition = reader->base.partition,
        .offset = message->offset,
        .timestamp = ms < 0 || ms > LEAT_TIME_MAX / LEAT_MILLISECOND ? LEAT_TIME_NONE : ms * LEAT_MILLISECOND,
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
        .headers = reader->headers,
        .header_count = header_count,
    };
    reader->taken_bytes += message->len + message->key_len;
    reader->base.head = &reader->record;
    reader->base.head_mark = reader->ring_mark;
    move_to(reader, message->offset);
}

/* When a partition's queue was full librdkafka 2.0 looks again only after up to a second, and by then the
 * queue may be empty. Any request to the broker makes it look at once, so one is sent, its answer not waited for, when
 * half a queue has been taken and little is left. */
static void wake_fetcher(struct kafka_reader *reader)
{
    size_t half = kafka_stream_of(reader->base.stream)->queue_bytes / 2;
    if (reader->taken_bytes < half || reader->count == 0)
        return;
    size_t average = reader->taken_bytes / reader->taken_count + 1;
    if (rd_kafka_queue_length(reader->queue) > half / average)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reader->base.topic, reader->base.partition)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(reader->client->rk, list, 0);
    rd_kafka_topic_partition_list_destroy(list);
    reader->taken_bytes = reader->taken_count = 0;
}

static void refill(struct kafka_reader *reader)
{
    reader->at = reader->count = 0;
    reader->ring_mark = reader->base.stream->mark;
    ssize_t count = rd_kafka_consume_batch_queue(reader->queue, 0, reader->ring, KAFKA_RING);
    reader->count = count < 0 ? 0 : (size_t)count;
    reader->taken_count += reader->count;
    wake_fetcher(reader);
}

void kafka_reader_fill(struct leat_reader *base)
{
    struct kafka_reader *reader = kafka_reader_of(base);
    if (base->head != NULL || !reader->fetching)
        return;
    if (reader->at == reader->count)
        refill(reader);
    for (; reader->at < reader->count; reader->at++) {
        rd_kafka_message_t *message = reader->ring[reader->at];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_head(reader, message);
            return;
        }
        take_error(reader, message);
        rd_kafka_message_destroy(message);
    }
    pass_unseen(reader);
}

void kafka_reader_next(struct leat_reader *base)
{
    struct kafka_reader *reader = kafka_reader_of(base);
    move_to(reader, base->head->offset + 1);
    base->head = NULL;
    rd_kafka_message_destroy(reader->ring[reader->at++]);
    kafka_reader_fill(base);
}

/* -- ends ---------------------------------------------------------------------------------------------------------- */

static struct kafka_reader *find_reader(struct kafka_stream *stream, const struct kafka_client *client,
                                        const rd_kafka_topic_partition_t *one)
{
    struct kafka_reader *reader = stream->readers;
    while (reader->client != client || reader->base.partition != one->partition ||
           strcmp(reader->base.topic, one->topic) != 0)
        reader = reader->next;
    return reader;
}

/* A query by time with the time "end" asks for all ends at once; with read_committed it answers the last stable offset,
 * which is what the client calls the end, too. */
static int ask_client(struct kafka_stream *stream, const struct kafka_client *client, struct leat_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (const struct kafka_reader *reader = stream->readers; reader != NULL; reader = reader->next) {
        if (reader->client == client)
            rd_kafka_topic_partition_list_add(list, reader->base.topic, reader->base.partition)->offset =
                RD_KAFKA_OFFSET_END;
    }
    int status = 0;
    rd_kafka_resp_err_t code = list->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR
                                              : rd_kafka_offsets_for_times(client->rk, list, KAFKA_QUERY_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = kafka_error(stream, err, code, "can not ask for the ends of %d partitions", list->cnt);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        if (one->err != RD_KAFKA_RESP_ERR_NO_ERROR || one->offset < 0) {
            status = kafka_error(stream, err, one->err, "%s/%d: can not ask for its end", one->topic, one->partition);
            continue;
        }
        struct kafka_reader *reader = find_reader(stream, client, one);
        reader->asked_end = one->offset;
        reader->asked_mark = stream->base.mark;
        settle(reader);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

int kafka_ends(struct leat_stream *base, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    int status = 0;
    base->mark++;
    for (const struct kafka_client *client = stream->plain; client != NULL; client = client->next) {
        if (ask_client(stream, client, err) < 0)
            status = -1;
    }
    for (struct kafka_reader *reader = stream->readers; reader != NULL; reader = reader->next) {
        if (!reader->group)
            kafka_reader_fill(&reader->base);
    }
    return status;
}
