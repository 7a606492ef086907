/* The consumer group. librdkafka's callback only takes note of a change; the next poll hands it out. The client is told
 * what to fetch, by assign(), when the caller has opened its readers, for only then the offsets are known; and it is told
 * that partitions are given up when the caller acknowledges it. Until then the group waits for us. */
#include "stream/kafka_inside.h"

#include <stdlib.h>
#include <string.h>

#define SERVED_MAX 100 /* errors and callbacks of the group in one poll */

static int need_client(struct kafka_stream *stream, struct leat_error *err)
{
    if (stream->group_client != NULL)
        return 0;
    if (stream->group == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "kafka: group.id is missing");
    return kafka_client_make(stream, KAFKA_GROUP, &stream->group_client, err);
}

int kafka_group_subscribe(struct leat_stream *base, const char *topic, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    leat_assert(stream->subscribed == NULL);
    if (need_client(stream, err) < 0)
        return -1;
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(stream->group_client->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(stream, err, code, "can not subscribe to '%s'", topic);
    stream->subscribed = leat_arena_strdup(&stream->arena, topic);
    return 0;
}

static bool is_cooperative(const struct kafka_stream *stream)
{
    const char *protocol = rd_kafka_rebalance_protocol(stream->group_client->rk);
    return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

struct kafka_assigned *kafka_group_find(struct kafka_stream *stream, int32_t partition)
{
    for (size_t i = 0; i < stream->assigned_count; i++) {
        if (stream->assigned[i].partition == partition)
            return &stream->assigned[i];
    }
    return NULL;
}

/* -- changes ------------------------------------------------------------------------------------------------------- */

static void give_up(struct kafka_stream *stream)
{
    rd_kafka_t *rk = stream->group_client->rk;
    if (is_cooperative(stream)) {
        rd_kafka_topic_partition_list_t *all;
        if (rd_kafka_assignment(rk, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(rk, all));
        rd_kafka_topic_partition_list_destroy(all);
    } else {
        rd_kafka_assign(rk, NULL);
    }
    stream->assigned_count = 0;
}

static void note_change(struct kafka_stream *stream, enum leat_change_kind kind,
                        const rd_kafka_topic_partition_list_t *partitions)
{
    size_t count = (size_t)partitions->cnt;
    stream->change_partitions = leat_realloc(stream->change_partitions, count + 1, sizeof *stream->change_partitions);
    for (size_t i = 0; i < count; i++)
        stream->change_partitions[i] = partitions->elems[i].partition;
    stream->change = (struct leat_change){.kind = kind, .partitions = stream->change_partitions, .count = count};
    if (kind != LEAT_CHANGE_ASSIGNED)
        return;
    stream->assigned = leat_realloc(stream->assigned, stream->assigned_count + count + 1, sizeof *stream->assigned);
    for (size_t i = 0; i < count; i++)
        stream->assigned[stream->assigned_count++] = (struct kafka_assigned){stream->change_partitions[i], NULL};
    stream->assign_due = true;
    stream->answer_due = true;
}

void kafka_group_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                            void *opaque)
{
    struct kafka_stream *stream = opaque;
    if (stream->closing) {
        give_up(stream);
        return;
    }
    rd_kafka_yield(rk); /* one change at a time */
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        note_change(stream, LEAT_CHANGE_ASSIGNED, partitions);
    } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        note_change(stream, rd_kafka_assignment_lost(rk) ? LEAT_CHANGE_LOST : LEAT_CHANGE_REVOKED, partitions);
    } else {
        kafka_trouble(stream, "the group '%s' could not divide the partitions: %s", stream->group,
                      rd_kafka_err2str(code));
        give_up(stream);
    }
}

/* Serves callbacks until a change was noted; errors come as messages. */
void kafka_group_serve(struct kafka_stream *stream)
{
    for (int i = 0; i < SERVED_MAX && stream->change.kind == LEAT_CHANGE_NONE; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(stream->group_client->rk, 0);
        if (message == NULL)
            return;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            kafka_trouble(stream, "group '%s': %s", stream->group, rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
    }
}

/* Tells the client what to fetch and from where. With the eager protocol that is always the whole, so partitions that
 * were fetched before go on behind what is at hand of them. */
int kafka_group_apply(struct kafka_stream *stream, struct leat_error *err)
{
    if (!stream->assign_due || stream->change.kind != LEAT_CHANGE_NONE)
        return 0; /* nothing new, or the caller has not heard of it */
    bool cooperative = is_cooperative(stream);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)stream->assigned_count);
    for (size_t i = 0; i < stream->assigned_count; i++) {
        struct kafka_reader *reader = stream->assigned[i].reader;
        if (reader == NULL || (cooperative && reader->fetching))
            continue;
        rd_kafka_topic_partition_list_add(list, stream->subscribed, reader->base.partition)->offset =
            kafka_reader_fetch_from(reader);
        reader->fetching = true;
    }
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!cooperative) {
        code = rd_kafka_assign(stream->group_client->rk, list);
    } else if (list->cnt > 0 || stream->answer_due) {
        rd_kafka_error_t *error = rd_kafka_incremental_assign(stream->group_client->rk, list);
        code = error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
    }
    rd_kafka_topic_partition_list_destroy(list);
    stream->assign_due = stream->answer_due = false;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : kafka_error(stream, err, code, "can not take partitions of '%s'", stream->subscribed);
}

static rd_kafka_resp_err_t unassign(struct kafka_stream *stream)
{
    rd_kafka_t *rk = stream->group_client->rk;
    if (!is_cooperative(stream))
        return rd_kafka_assign(rk, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)stream->change.count);
    rd_kafka_topic_partition_list_t *all = NULL;
    rd_kafka_assignment(rk, &all);
    for (int i = 0; all != NULL && i < all->cnt; i++) {
        if (kafka_group_find(stream, all->elems[i].partition) == NULL)
            rd_kafka_topic_partition_list_add(list, all->elems[i].topic, all->elems[i].partition);
    }
    rd_kafka_error_t *error = rd_kafka_incremental_unassign(rk, list);
    rd_kafka_resp_err_t code = error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(list);
    if (all != NULL)
        rd_kafka_topic_partition_list_destroy(all); /* destroying the client would wait for it for ever */
    return code;
}

int kafka_group_acknowledge(struct leat_stream *base, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    if (!stream->unanswered)
        return 0;
    for (size_t i = 0; i < stream->change.count; i++) {
        struct kafka_assigned *gone = kafka_group_find(stream, stream->change_partitions[i]);
        if (gone == NULL)
            continue;
        leat_assert(gone->reader == NULL); /* closed by the caller before */
        *gone = stream->assigned[--stream->assigned_count];
    }
    stream->unanswered = false;
    stream->assign_due = stream->answer_due = false;
    rd_kafka_resp_err_t code = unassign(stream);
    stream->change = (struct leat_change){.kind = LEAT_CHANGE_NONE};
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : kafka_error(stream, err, code, "can not give up partitions of '%s'", stream->subscribed);
}

/* -- commits ------------------------------------------------------------------------------------------------------- */

int kafka_group_committed(struct leat_stream *base, const char *topic, int32_t partition, int64_t *ret_offset,
                          struct leat_buffer *ret_metadata, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    if (need_client(stream, err) < 0)
        return -1;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    const rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(stream->group_client->rk, list, KAFKA_QUERY_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = one->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_offset = one->offset >= 0 ? one->offset : LEAT_OFFSET_NONE;
        leat_buffer_append(ret_metadata, one->metadata, one->metadata_size);
    } else {
        kafka_error(stream, err, code, "%s/%d: can not read the committed offset of group '%s'", topic, partition,
                    stream->group);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

int kafka_group_commit(struct leat_stream *base, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata, bool sync, struct leat_error *err)
{
    struct kafka_stream *stream = kafka_stream_of(base);
    if (need_client(stream, err) < 0)
        return -1;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    one->offset = offset;
    if (metadata != NULL && *metadata != '\0') {
        one->metadata = leat_strdup(metadata); /* goes with the list */
        one->metadata_size = strlen(metadata);
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(stream->group_client->rk, list, !sync);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && sync)
        code = one->err;
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0
                                              : kafka_error(stream, err, code, "%s/%d: can not commit offset %lld",
                                                            topic, partition, (long long)offset);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

void kafka_group_close(struct kafka_stream *stream)
{
    if (stream->group_client == NULL)
        return;
    stream->closing = true;
    if (stream->unanswered || stream->answer_due || stream->change.kind != LEAT_CHANGE_NONE)
        give_up(stream); /* the client would wait for this before it leaves the group */
    if (stream->subscribed != NULL)
        rd_kafka_consumer_close(stream->group_client->rk);
    kafka_client_free(stream->group_client);
}
