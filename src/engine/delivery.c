/* Batches on their way to the sinks. An input offset is committed only when all that came of it, and of every batch
 * before it, is acknowledged. */
#include "engine/worker_inside.h"

#include "base/time.h"

#include <poll.h>
#include <stdlib.h>

#define STUCK_MS 50

void leat_delivery_init(struct leat_worker *worker)
{
    worker->deliveries = leat_calloc(LEAT_DELIVERIES, sizeof *worker->deliveries);
    worker->timestamps = leat_calloc(LEAT_DELIVERIES * worker->batch_rows, sizeof *worker->timestamps);
    for (size_t i = 0; i < LEAT_DELIVERIES; i++)
        worker->deliveries[i].timestamps = worker->timestamps + i * worker->batch_rows;
    for (size_t i = 0; i < LEAT_COMMITS; i++) {
        worker->commits[i].next = leat_calloc(LEAT_INPUTS_MAX, sizeof(int64_t));
        worker->commits[i].metadata = leat_calloc(LEAT_INPUTS_MAX, sizeof(struct leat_buffer));
    }
    worker->committed_ns = leat_worker_monotonic_ns();
}

void leat_delivery_done(struct leat_worker *worker)
{
    for (size_t i = 0; i < LEAT_COMMITS; i++) {
        for (size_t p = 0; p < LEAT_INPUTS_MAX; p++)
            leat_buffer_done(&worker->commits[i].metadata[p]);
        free(worker->commits[i].metadata);
        free(worker->commits[i].next);
    }
    free(worker->timestamps);
    free(worker->deliveries);
}

struct leat_delivery *leat_delivery_open(struct leat_worker *worker)
{
    return &worker->deliveries[(worker->delivery_first + worker->delivery_count) % LEAT_DELIVERIES];
}

/* What was sent keeps its place in the ring: its acknowledgements are still to come, and to the same fences. */
void leat_delivery_abandon(struct leat_worker *worker)
{
    for (size_t i = 0; i < worker->delivery_count; i++)
        worker->deliveries[(worker->delivery_first + i) % LEAT_DELIVERIES].commit = NULL;
    for (size_t i = 0; i < LEAT_COMMITS; i++)
        worker->commits[i].busy = false;
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

static int make_commit(struct leat_worker *worker, struct leat_commit *commit, bool sync, struct leat_error *err)
{
    commit->busy = false;
    for (size_t i = 0; i < worker->input_count; i++) {
        if (commit->next[i] < 0)
            continue;
        if (leat_stream_commit(worker->stream, worker->function->sources[0].topic, worker->inputs[i].partition,
                               commit->next[i], leat_buffer_text(&commit->metadata[i]), sync, err) < 0)
            return -1;
        leat_metrics_add(&worker->config.metrics->commits, 1);
    }
    return 0;
}

int leat_delivery_settle(struct leat_worker *worker, bool sync, struct leat_error *err)
{
    while (worker->delivery_count > 0) {
        struct leat_delivery *delivery = &worker->deliveries[worker->delivery_first];
        if (delivery->fence.failed > 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                                  "%llu records could not be delivered and were given up by the client; nothing after "
                                  "the last commit counts as processed",
                                  (unsigned long long)delivery->fence.failed);
        if (delivery->fence.outstanding > 0)
            return 0;
        measure(worker, delivery);
        struct leat_commit *commit = delivery->commit;
        worker->delivery_first = (worker->delivery_first + 1) % LEAT_DELIVERIES;
        worker->delivery_count--;
        if (commit && make_commit(worker, commit, sync, err) < 0)
            return -1;
    }
    return 0;
}

/* A free place for a commit behind the batch that is being closed; NULL: none is due, or all are taken. */
static struct leat_commit *take_commit(struct leat_worker *worker, bool wanted)
{
    bool due = leat_worker_monotonic_ns() - worker->committed_ns >= worker->function->commit_interval * 1000;
    for (size_t i = 0; worker->config.service && (wanted || due) && i < LEAT_COMMITS; i++)
        if (!worker->commits[i].busy)
            return &worker->commits[i];
    return NULL;
}

static int capture(struct leat_worker *worker, struct leat_commit *commit, struct leat_error *err)
{
    leat_assert(leat_batch_count(worker->batch) == 0); /* what was taken into a batch is not processed yet */
    for (size_t i = 0; i < worker->input_count; i++) {
        commit->next[i] = worker->inputs[i].next;
        leat_buffer_reset(&commit->metadata[i]);
        if (commit->next[i] >= 0 && leat_worker_capture(worker, &worker->inputs[i], &commit->metadata[i]) < 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no memory for a commit's metadata");
    }
    commit->busy = true;
    worker->committed_ns = leat_worker_monotonic_ns();
    return 0;
}

int leat_delivery_close(struct leat_worker *worker, bool commit, struct leat_error *err)
{
    struct leat_delivery *delivery = leat_delivery_open(worker);
    delivery->commit = take_commit(worker, commit);
    if (delivery->commit && capture(worker, delivery->commit, err) < 0)
        return -1;
    worker->delivery_count++;
    if (leat_delivery_settle(worker, commit, err) < 0) /* a commit that was asked for is the last: its answer counts */
        return -1;
    while (worker->delivery_count == LEAT_DELIVERIES) { /* back-pressure: wait for the oldest */
        struct leat_error slow = {0};
        bool stuck = leat_stream_flush(worker->stream, 100, &slow) < 0;
        if (leat_delivery_settle(worker, false, err) < 0)
            return -1;
        if (stuck && worker->config.stop && *worker->config.stop)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "stopped while %d batches wait to be written: %s",
                                  LEAT_DELIVERIES, slow.text);
        if (stuck)
            poll(NULL, 0, STUCK_MS); /* a full disk fails at once, again and again */
    }
    struct leat_delivery *next = leat_delivery_open(worker);
    next->fence = (struct leat_fence){0, 0};
    next->rows = 0;
    return 0;
}

int leat_delivery_drain(struct leat_worker *worker, struct leat_error *err)
{
    for (int pass = 0; pass < 2; pass++) { /* the first frees the places of commits, the second commits the end */
        if (leat_delivery_close(worker, pass == 1, err) < 0)
            return -1;
        while (worker->delivery_count > 0)
            if (leat_stream_flush(worker->stream, 10000, err) < 0 || leat_delivery_settle(worker, true, err) < 0)
                return -1;
    }
    return 0;
}
