#include "cmd/truth.h"

#include "function/score.h"
#include "stream/drain.h"

#include <math.h>

struct reading {
    const struct leat_function *function;
    struct leat_labels *labels;
    int64_t until;
    struct leat_event_decoder *decoder;
    struct leat_expr_scratch scratch;
    struct leat_arena text;
    struct leat_buffer key;
    bool header_told;
    uint64_t unread;
    struct leat_error err;
};

static int take(struct reading *reading, const struct leat_event *event)
{
    const struct leat_label_plan *plan = &reading->function->labels;
    struct leat_reason reason;
    struct leat_value value;
    if (leat_expr_eval(plan->value, event->values, &reading->scratch, &value, &reason) < 0)
        return -1;
    struct leat_value joined = event->values[plan->key_slot];
    double number = leat_value_number(leat_expr_type(plan->value), value);
    if (joined.null || isnan(number) || event->time > reading->until)
        return 0; /* says nothing of any event, or not yet */
    const struct leat_slot *slot = &plan->source.projection.slots[plan->key_slot];
    leat_buffer_reset(&reading->key);
    leat_encode_json_value(&reading->key, slot->type, slot->encoding, joined);
    leat_labels_add(reading->labels, leat_buffer_view(&reading->key), event->time, number);
    return 0;
}

static bool visit(void *self, const struct leat_reader *reader)
{
    struct reading *reading = self;
    struct leat_event event;
    struct leat_reason reason;
    if (reader->header.len > 0 && !reading->header_told) {
        reading->header_told = true;
        if (leat_event_decoder_header(reading->decoder, reader->header, &reading->err) < 0)
            return false;
    }
    leat_arena_reset(&reading->text);
    bool decoded = leat_event_decode(reading->decoder, reader->head, &event, &reason) == 0;
    if (!decoded || (!event.heartbeat && take(reading, &event) < 0))
        reading->unread++;
    return true;
}

int leat_truth_read(const struct leat_function *function, struct leat_stream *stream, int64_t until,
                    struct leat_labels **ret, uint64_t *ret_unread, struct leat_error *err)
{
    if (!function->labels.present)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s has no labels: section", function->file);
    const char *topic = function->labels.source.topic;
    int32_t partitions = 0;
    if (leat_stream_partitions(stream, topic, &partitions, err) < 0)
        return -1;
    if (partitions == 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "the labels' topic '%s' does not exist", topic);
    struct reading reading = {.function = function,
                              .labels = leat_labels_new(function->labels.wait),
                              .until = until,
                              .decoder = leat_event_decoder_new(function, LEAT_SOURCE_LABELS)};
    reading.scratch.text = &reading.text;
    leat_expr_scratch_reserve(&reading.scratch, function->registers);
    int result = 0;
    for (int32_t p = 0; result == 0 && p < partitions; p++)
        result = leat_stream_drain(stream, topic, p, LEAT_OFFSET_BEGIN, visit, &reading, err);
    if (result == 0 && reading.err.kind != LEAT_ERROR_NONE) {
        *err = reading.err;
        result = leat_error_prefix(err, "topic %s", topic);
    }
    leat_event_decoder_free(reading.decoder);
    leat_expr_scratch_done(&reading.scratch);
    leat_arena_done(&reading.text);
    leat_buffer_done(&reading.key);
    if (result < 0) {
        leat_labels_free(reading.labels);
        return -1;
    }
    *ret = reading.labels;
    if (ret_unread)
        *ret_unread = reading.unread;
    return 0;
}
