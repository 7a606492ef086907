/* Batches on their way to the sinks. An input offset is committed only when all that came of it, and of every batch
 * before it, is acknowledged. */
#include "engine/worker_inside.h"

#include "base/time.h"

#include <stdlib.h>

static struct leat_delivery *open_delivery(struct leat_worker *worker)
{
    return &worker->deliveries[(worker->delivery_first + worker->delivery_count) % LEAT_DELIVERIES];
}

void leat_delivery_init(struct leat_worker *worker)
{
    worker->deliveries = leat_calloc(LEAT_DELIVERIES, sizeof *worker->deliveries);
    for (size_t i = 0; i < LEAT_DELIVERIES; i++) {
        worker->deliveries[i].next = leat_calloc(LEAT_INPUTS_MAX, sizeof(int64_t));
        worker->deliveries[i].metadata = leat_calloc(LEAT_INPUTS_MAX, sizeof(struct leat_buffer));
    }
    worker->committed_ns = leat_worker_monotonic_ns();
}

void leat_delivery_done(struct leat_worker *worker)
{
    for (size_t i = 0; worker->deliveries && i < LEAT_DELIVERIES; i++) {
        for (size_t p = 0; p < LEAT_INPUTS_MAX; p++)
            leat_buffer_done(&worker->deliveries[i].metadata[p]);
        free(worker->deliveries[i].metadata);
        free(worker->deliveries[i].next);
    }
    free(worker->deliveries);
    worker->deliveries = NULL;
}

struct leat_fence *leat_delivery_fence(struct leat_worker *worker)
{
    return &open_delivery(worker)->fence;
}

static void measure(struct leat_worker *worker, const struct leat_delivery *delivery)
{
    if (delivery->rows == 0)
        return;
    struct leat_metrics *metrics = worker->config.metrics;
    uint64_t turnaround = (uint64_t)(leat_worker_monotonic_ns() - delivery->read_ns);
    leat_histogram_add(&metrics->turnaround, turnaround, delivery->rows);
    if (!worker->config.now)
        return;
    int64_t now = worker->config.now();
    for (size_t i = 0; i < delivery->rows; i++)
        if (delivery->timestamps[i] != LEAT_TIME_NONE && now >= delivery->timestamps[i])
            leat_histogram_add(&metrics->end_to_end, (uint64_t)(now - delivery->timestamps[i]) * 1000, 1);
}

int leat_delivery_settle(struct leat_worker *worker, bool sync, struct leat_error *err)
{
    while (worker->delivery_count > 0) {
        struct leat_delivery *delivery = &worker->deliveries[worker->delivery_first];
        if (delivery->fence.failed > 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                                  "%llu records could not be delivered and were given up by the client; nothing after the last "
                                  "commit counts as processed",
                                  (unsigned long long)delivery->fence.failed);
        if (delivery->fence.outstanding > 0)
            return 0;
        measure(worker, delivery);
        for (size_t i = 0; delivery->commit && i < worker->input_count; i++) {
            const struct leat_input *input = &worker->inputs[i];
            if (delivery->next[i] < 0)
                continue;
            if (leat_stream_commit(worker->stream, worker->function->sources[0].topic, input->partition,
                                   delivery->next[i], leat_buffer_text(&delivery->metadata[i]), sync, err) < 0)
                return -1;
            leat_metrics_add(&worker->config.metrics->commits, 1);
        }
        worker->delivery_first = (worker->delivery_first + 1) % LEAT_DELIVERIES;
        worker->delivery_count--;
    }
    return 0;
}

int leat_delivery_close(struct leat_worker *worker, bool commit, struct leat_error *err)
{
    struct leat_delivery *delivery = open_delivery(worker);
    int64_t now = leat_worker_monotonic_ns();
    bool due = commit || now - worker->committed_ns >= worker->function->commit_interval * 1000;
    delivery->commit = worker->config.service && due;
    for (size_t i = 0; delivery->commit && i < worker->input_count; i++) {
        const struct leat_input *input = &worker->inputs[i];
        leat_buffer_reset(&delivery->metadata[i]);
        delivery->next[i] = input->next;
        if (input->next >= 0 && leat_worker_capture(worker, input, &delivery->metadata[i]) < 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no memory for a commit's metadata");
    }
    if (delivery->commit)
        worker->committed_ns = now;
    worker->delivery_count++;
    while (worker->delivery_count == LEAT_DELIVERIES) { /* back-pressure: wait for the oldest */
        if (leat_delivery_settle(worker, false, err) < 0)
            return -1;
        if (worker->delivery_count == LEAT_DELIVERIES && leat_stream_flush(worker->stream, 100, err) < 0 &&
            err->kind != LEAT_ERROR_NONE && worker->deliveries[worker->delivery_first].fence.failed > 0)
            return -1;
    }
    struct leat_delivery *next = open_delivery(worker);
    next->fence = (struct leat_fence){0, 0};
    next->rows = 0;
    next->read_ns = now;
    return leat_delivery_settle(worker, false, err);
}

int leat_delivery_drain(struct leat_worker *worker, struct leat_error *err)
{
    if (leat_delivery_close(worker, true, err) < 0)
        return -1;
    while (worker->delivery_count > 0) {
        if (leat_stream_flush(worker->stream, 10000, err) < 0)
            return -1;
        if (leat_delivery_settle(worker, true, err) < 0)
            return -1;
    }
    return 0;
}
