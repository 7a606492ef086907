/* The loop of a worker. */
#include "engine/worker_inside.h"

#include "base/time.h"
#include "registry/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_MS 50    /* the longest wait for data: bounds how late a stop or a commit is seen */
#define BATCH_ROWS 16 /* enough for the kernels, few enough that the first row does not wait long for the last */
#define CONTROL_RETRY_NS INT64_C(1000000000)
#define TROUBLE_AGAIN_NS INT64_C(10000000000)

int64_t leat_worker_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void leat_worker_say(const struct leat_worker *worker, const char *format, ...)
{
    if (!worker->config.say)
        return;
    char text[2400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    worker->config.say(worker->config.say_self, text);
}

static bool stopping(const struct leat_worker *worker)
{
    return worker->config.stop && *worker->config.stop;
}

static const struct leat_lineup no_lineup;

static const struct leat_lineup *lineup_of(const struct leat_worker *worker)
{
    return worker->roster ? leat_roster_lineup(worker->roster) : &no_lineup;
}

/* -- results -------------------------------------------------------------------------------------------------------- */

int leat_worker_dead_letter(struct leat_worker *worker, const struct leat_record *record,
                            const struct leat_reason *reason, const struct leat_version *version, struct leat_error *err)
{
    const struct leat_emitter *emitter = &worker->config.emitter;
    if (!emitter->dead_letter)
        return 0;
    return emitter->dead_letter(emitter->self, worker->stream, &leat_delivery_open(worker)->fence, record, reason,
                                version, err);
}

static int emit_results(struct leat_worker *worker, struct leat_error *err)
{
    const struct leat_emitter *emitter = &worker->config.emitter;
    for (size_t row = 0; row < leat_batch_count(worker->batch); row++) {
        const struct leat_result *result = leat_batch_result(worker->batch, row);
        const struct leat_version *version = result->bound ? leat_bound_version(result->bound) : NULL;
        int failed = 0;
        if (result->reason.stage != LEAT_STAGE_NONE)
            failed = leat_worker_dead_letter(worker, &result->record, &result->reason, version, err);
        else if (emitter->result)
            failed = emitter->result(emitter->self, worker->stream, &leat_delivery_open(worker)->fence, result, err);
        if (failed)
            return -1;
    }
    return 0;
}

static int emit_decisions(struct leat_worker *worker, struct leat_error *err)
{
    const struct leat_emitter *emitter = &worker->config.emitter;
    int64_t now = worker->config.now ? worker->config.now() : LEAT_TIME_NONE;
    for (size_t row = 0; emitter->decision && row < leat_batch_count(worker->batch); row++) {
        const struct leat_result *result = leat_batch_result(worker->batch, row);
        if (result->reason.stage != LEAT_STAGE_NONE)
            continue;
        if (emitter->decision(emitter->self, worker->stream, &leat_delivery_open(worker)->fence, result,
                              worker->positions + row * LEAT_POSITIONS_MAX, worker->position_count[row],
                              now == LEAT_TIME_NONE ? result->time : now, err) < 0)
            return -1;
    }
    return 0;
}

static void publish_gauges(struct leat_worker *worker)
{
    struct leat_metrics *metrics = worker->config.metrics;
    struct leat_windows_counters sum = leat_state_counters(worker->shared);
    int64_t watermark = LEAT_TIME_MAX;
    for (size_t i = 0; i < worker->input_count; i++) {
        struct leat_windows_counters one = leat_state_counters(worker->inputs[i].state);
        sum.keys += one.keys;
        sum.events += one.events;
        sum.bytes += one.bytes;
        sum.dropped += one.dropped;
        int64_t own = leat_state_watermark(worker->inputs[i].state);
        watermark = own < watermark ? own : watermark;
    }
    leat_metrics_set(&metrics->state_keys, (int64_t)sum.keys);
    leat_metrics_set(&metrics->state_events, (int64_t)sum.events);
    leat_metrics_set(&metrics->state_bytes, (int64_t)sum.bytes);
    leat_metrics_set(&metrics->state_dropped, (int64_t)sum.dropped);
    leat_metrics_set(&metrics->partitions, (int64_t)worker->input_count);
    if (watermark != LEAT_TIME_MAX && watermark != LEAT_TIME_NONE)
        leat_metrics_set(&metrics->watermark, watermark);
    int64_t input_clock = leat_state_clock(worker->shared, 0);
    for (size_t s = 1; input_clock != LEAT_TIME_NONE && s < worker->function->source_count; s++) {
        int64_t clock = leat_state_clock(worker->shared, s);
        if (clock != LEAT_TIME_NONE)
            leat_metrics_set(&metrics->source_age[s], input_clock - clock);
    }
    const struct leat_bound *champion = lineup_of(worker)->champion;
    if (champion && leat_bound_version(champion)->trained_at != LEAT_TIME_NONE)
        leat_metrics_set(&metrics->model_trained_at, leat_bound_version(champion)->trained_at);
}

/* Nobody asks for a time before watermark − grace any more. Called for each event, so that what a late one still finds is
 * decided by the log alone and not by where batches end. Of global windows the slowest partition decides; one that
 * has shown no event yet asks for nothing. */
static void evict_shared(struct leat_worker *worker)
{
    int64_t slowest = LEAT_TIME_MAX;
    for (size_t i = 0; i < worker->input_count; i++) {
        int64_t watermark = leat_state_watermark(worker->inputs[i].state);
        if (watermark != LEAT_TIME_NONE && watermark < slowest)
            slowest = watermark;
    }
    if (slowest != LEAT_TIME_MAX)
        leat_state_evict(worker->shared, slowest - worker->function->sources[0].grace);
}

static int finish_batch(struct leat_worker *worker, struct leat_error *err)
{
    size_t rows = leat_batch_count(worker->batch);
    if (rows == 0)
        return 0;
    if (worker->roster && leat_roster_check(worker->roster, err) < 0)
        return -1;
    const struct leat_lineup *lineup = lineup_of(worker);
    struct leat_metrics *metrics = worker->config.metrics;
    leat_batch_score(worker->batch, lineup);
    leat_histogram_add(&metrics->scoring, (uint64_t)(leat_worker_monotonic_ns() - worker->batch_began_ns), rows);
    if (emit_results(worker, err) < 0)
        return -1;
    if (worker->config.emitter.decision) /* a shadow's answer is seen in decisions alone */
        leat_batch_shadow(worker->batch, lineup);
    if (emit_decisions(worker, err) < 0)
        return -1;
    struct leat_delivery *delivery = leat_delivery_open(worker);
    delivery->read_ns = worker->batch_began_ns;
    delivery->rows = rows;
    for (size_t row = 0; row < rows; row++) {
        const struct leat_result *result = leat_batch_result(worker->batch, row);
        delivery->timestamps[row] = result->record.timestamp;
        leat_metrics_result(metrics, result);
    }
    leat_metrics_add(&metrics->batches, 1);
    leat_batch_reset(worker->batch);
    return leat_delivery_close(worker, false, err);
}

/* -- one step of the merge ------------------------------------------------------------------------------------------ */

int leat_worker_poison(struct leat_worker *worker, struct leat_log_cursor *cursor, struct leat_error *err)
{
    const struct leat_record *record = cursor->reader->head;
    struct leat_input *input = leat_worker_input(worker, cursor);
    bool silent = record->offset < cursor->silent_before;
    leat_metrics_add(&worker->config.metrics->source_records[cursor->source], 1);
    if (!silent) {
        leat_metrics_add(&worker->config.metrics->dead_letters[cursor->reason.stage], 1);
        leat_metrics_add(input ? &worker->config.metrics->events[LEAT_EVENT_DEAD]
                               : &worker->config.metrics->source_dead[cursor->source],
                         1);
        /* The rows before it come out first, so that dead letters stand in the log's order. */
        if (input && finish_batch(worker, err) < 0)
            return -1;
        if (leat_worker_dead_letter(worker, record, &cursor->reason, NULL, err) < 0)
            return -1;
        if (input)
            input->next = record->offset + 1;
    }
    leat_cursor_next(cursor);
    return 0;
}

int leat_worker_apply(struct leat_worker *worker, struct leat_log_cursor *cursor, struct leat_error *err)
{
    struct leat_reason reason;
    leat_arena_reset(&worker->text);
    leat_metrics_add(&worker->config.metrics->source_records[cursor->source], 1);
    int result = leat_state_apply(worker->function, leat_worker_state(worker, cursor), worker->shared, cursor->source,
                                  &cursor->event, &worker->scratch, &reason);
    if (result < 0 && cursor->event.record->offset >= cursor->silent_before) {
        leat_metrics_add(&worker->config.metrics->dead_letters[reason.stage], 1);
        leat_metrics_add(&worker->config.metrics->source_dead[cursor->source], 1);
        if (leat_worker_dead_letter(worker, cursor->event.record, &reason, NULL, err) < 0)
            return -1;
    }
    leat_cursor_next(cursor);
    return 0;
}

enum step {
    STEP_GO,   /* something was done */
    STEP_FULL, /* the batch is full, or must be finished before what comes next */
    STEP_WAIT, /* nothing at hand */
    STEP_ENDS, /* an event waits to know whether other sources are at their ends */
    STEP_DONE, /* the input is at its end for good, or at `to` */
};

/* Fills all heads. The smallest of the streams and timed tables, and of the inputs; NULL: none at hand. */
static int find_heads(struct leat_worker *worker, struct leat_log_cursor **ret_other,
                      struct leat_log_cursor **ret_input, bool *ret_all_done, struct leat_error *err)
{
    *ret_other = *ret_input = NULL;
    *ret_all_done = true;
    for (size_t c = 0; c < worker->cursor_count; c++) {
        struct leat_log_cursor *cursor = worker->cursors[c];
        enum leat_cursor_state state = LEAT_CURSOR_HEAD;
        while (!cursor->has_head) {
            if (leat_cursor_fill(cursor, &state, err) < 0)
                return -1;
            if (state == LEAT_CURSOR_EMPTY)
                break;
            if (state == LEAT_CURSOR_POISON && leat_worker_poison(worker, cursor, err) < 0)
                return -1;
            if (state == LEAT_CURSOR_HEAD && cursor->covered_from == LEAT_TIME_MAX) {
                cursor->covered_from = cursor->event.time;
                leat_worker_cover(worker, cursor);
            }
            /* Rows of tables without a time apply as they are read. */
            if (state == LEAT_CURSOR_HEAD && !cursor->timed && leat_worker_apply(worker, cursor, err) < 0)
                return -1;
        }
        bool input = cursor->source == 0;
        if (input && leat_worker_input(worker, cursor)->done)
            continue;
        if (input && (cursor->has_head || cursor->reader->end_mark != UINT64_MAX))
            *ret_all_done = false;
        if (!cursor->has_head)
            continue;
        struct leat_log_cursor **best = input ? ret_input : ret_other;
        if (!*best || leat_cursor_before(cursor, *best))
            *best = cursor;
    }
    return 0;
}

/* True when no other source can still show something that comes before this event. */
static bool nothing_before(const struct leat_worker *worker, const struct leat_log_cursor *event)
{
    for (size_t c = 0; c < worker->cursor_count; c++) {
        const struct leat_log_cursor *cursor = worker->cursors[c];
        if (cursor->has_head || !cursor->timed || cursor == event)
            continue;
        /* Other partitions of the input are independent, but a job reads them as one history. */
        if (cursor->source == 0 && worker->config.service)
            continue;
        if (cursor->reader->end_mark <= event->reader->head_mark)
            return false;
    }
    return true;
}

static void take_input(struct leat_worker *worker, struct leat_log_cursor *cursor, struct leat_input *input)
{
    const struct leat_event *event = &cursor->event;
    struct leat_metrics *metrics = worker->config.metrics;
    bool outside = (worker->config.from != LEAT_TIME_NONE && event->time < worker->config.from) ||
                   (worker->config.to != LEAT_TIME_NONE && event->time >= worker->config.to);
    leat_metrics_add(&metrics->source_records[0], 1);
    evict_shared(worker);
    if (event->heartbeat || event->filtered) {
        if (event->heartbeat)
            leat_state_resume(input->state, 0, event->time);
        leat_state_resume(worker->shared, 0, event->time);
        leat_metrics_add(&metrics->events[LEAT_EVENT_FILTERED], 1);
    } else if (outside || event->record->offset < cursor->silent_before) {
        struct leat_reason ignored; /* it was reported when it was first processed */
        leat_batch_replay(worker->batch, input->state, worker->shared, event, &ignored);
        leat_metrics_add(&metrics->events[LEAT_EVENT_REPLAYED], 1);
    } else {
        size_t row = leat_batch_count(worker->batch);
        if (row == 0)
            worker->batch_began_ns = leat_worker_monotonic_ns();
        if (worker->positions)
            worker->position_count[row] = leat_worker_positions(worker, input->partition,
                                                                worker->positions + row * LEAT_POSITIONS_MAX);
        /* The clock is read for limits.event_age alone. */
        bool by_clock = worker->config.now && worker->function->event_age > 0;
        int64_t now = by_clock ? worker->config.now() : event->time;
        leat_batch_add(worker->batch, input->state, worker->shared, event, now, true);
    }
    if (event->record->offset >= cursor->silent_before)
        input->next = event->record->offset + 1;
    leat_cursor_next(cursor);
}

/* -- the control log ------------------------------------------------------------------------------------------------ */

/* Takes the control record at hand and switches. The rows before it are scored first: a switch lies between batches. */
static int take_control(struct leat_worker *worker, bool tell, struct leat_error *err)
{
    const struct leat_record *record = worker->control->head;
    if (finish_batch(worker, err) < 0)
        return -1;
    int64_t began = leat_worker_monotonic_ns();
    bool changed = false;
    struct leat_error refused = {0};
    int failed = leat_roster_feed(worker->roster, record->offset, record->value, &changed, &refused);
    int64_t micros = (leat_worker_monotonic_ns() - began) / 1000;
    if (failed) {
        leat_metrics_add(&worker->config.metrics->version_refused, 1);
        leat_worker_say(worker, "control record %lld: %s; %s", (long long)record->offset, refused.text,
                        changed                       ? "serving without it"
                        : lineup_of(worker)->champion ? "serving as before"
                                                      : "nobody serves");
    }
    leat_reader_next(worker->control);
    if (!changed || !tell)
        return 0;
    leat_metrics_add(&worker->config.metrics->switches, 1);
    leat_histogram_add(&worker->config.metrics->switching, (uint64_t)micros * 1000, 1);
    for (size_t i = 0; i < worker->input_count; i++) {
        LEAT_CLEAN_BUFFER text = {0};
        struct leat_input *input = &worker->inputs[i];
        int64_t time = worker->config.now ? worker->config.now() : leat_state_watermark(input->state);
        leat_roster_applied(worker->roster, input->partition, input->next < 0 ? 0 : input->next, time, micros, &text);
        struct leat_produce produce = {.topic = worker->function->control_topic,
                                       .partition = 0,
                                       .value = leat_buffer_view(&text),
                                       .timestamp = LEAT_TIME_NONE};
        struct leat_reason reason;
        if (leat_stream_produce(worker->stream, &produce, &leat_delivery_open(worker)->fence, &reason, err) > 0)
            return -1;
    }
    return 0;
}

/* True when the control record at hand is due: as it is read; over files, when the input's next event is not before it. */
static bool control_due(struct leat_worker *worker, const struct leat_log_cursor *input)
{
    if (!worker->control)
        return false;
    if (!worker->control->head)
        leat_reader_fill(worker->control);
    if (!worker->control->head)
        return false;
    if (worker->config.now)
        return true;
    const struct leat_record *head = worker->control->head;
    if (head->offset != worker->control_offset) {
        worker->control_offset = head->offset;
        if (leat_control_time(head->value, &worker->control_time) < 0)
            worker->control_time = LEAT_TIME_NONE; /* no record of ours: taken at once, without effect */
    }
    return worker->control_time == LEAT_TIME_NONE || (input && input->event.time >= worker->control_time);
}

int leat_worker_follow_control(struct leat_worker *worker, const struct leat_checkpoint *checkpoints, size_t count,
                               struct leat_error *err)
{
    const char *topic = worker->function->control_topic;
    int32_t partitions = 0;
    if (leat_stream_partitions(worker->stream, topic, &partitions, err) < 0)
        return -1;
    if (partitions == 0)
        return 0;
    if (leat_reader_open(worker->stream, topic, 0, LEAT_OFFSET_BEGIN, false, &worker->control, err) < 0)
        return -1;
    int64_t applied = leat_roster_position(worker->roster);
    for (size_t i = 0; i < count; i++)
        applied = checkpoints[i].control > applied ? checkpoints[i].control : applied;
    /* Over Kafka a first start takes all that stands in the log: what was decided before holds from the first event. */
    bool take_all = worker->config.now && applied < 0;
    if (leat_stream_ends(worker->stream, err) < 0)
        return -1;
    uint64_t mark = leat_stream_mark(worker->stream);
    for (;;) {
        leat_reader_fill(worker->control);
        const struct leat_record *head = worker->control->head;
        if (head && (take_all || head->offset <= applied)) {
            if (take_control(worker, false, err) < 0)
                return -1;
            continue;
        }
        if (head || worker->control->end_mark >= mark || stopping(worker))
            return 0;
        if (leat_worker_poll(worker, IDLE_MS, err) < 0)
            return -1;
        if (worker->change.kind != LEAT_CHANGE_NONE)
            return 0; /* the group has moved on; a revocation forgets all of this */
    }
}

/* -- the loop ------------------------------------------------------------------------------------------------------- */

/* A service stops before the first event at `until`. A job looks for events before `to` as far behind it as grace goes. */
static bool is_beyond(const struct leat_worker *worker, const struct leat_log_cursor *input)
{
    const struct leat_worker_config *config = &worker->config;
    return (config->until != LEAT_TIME_NONE && input->event.time >= config->until) ||
           (config->to != LEAT_TIME_NONE && input->latest - worker->function->sources[0].grace >= config->to);
}

static int step(struct leat_worker *worker, enum step *ret, struct leat_error *err)
{
    struct leat_log_cursor *other, *next;
    bool all_done;
    if (find_heads(worker, &other, &next, &all_done, err) < 0)
        return -1;
    *ret = STEP_GO;
    if (control_due(worker, next))
        return take_control(worker, true, err);
    if (!next) {
        *ret = all_done && worker->input_count > 0 ? STEP_DONE : STEP_WAIT;
        return 0;
    }
    if (other && leat_cursor_before(other, next))
        return leat_worker_apply(worker, other, err);
    struct leat_input *input = leat_worker_input(worker, next);
    if (is_beyond(worker, next)) {
        input->done = true;
        return 0;
    }
    if (leat_batch_count(worker->batch) >= worker->batch_rows) {
        *ret = STEP_FULL;
        return 0;
    }
    if (!nothing_before(worker, next)) {
        worker->blocked_mark = next->reader->head_mark;
        *ret = STEP_ENDS;
        return 0;
    }
    take_input(worker, next, input);
    return 0;
}

/* What lasts is said again only now and then: a log that fills the disk is no help to a full disk. */
static void say_trouble(struct leat_worker *worker, const struct leat_error *trouble)
{
    int64_t now = leat_worker_monotonic_ns();
    if (strcmp(worker->trouble.text, trouble->text) == 0 && now - worker->trouble_ns < TROUBLE_AGAIN_NS)
        return;
    worker->trouble = *trouble;
    worker->trouble_ns = now;
    leat_worker_say(worker, "%s; waiting", trouble->text);
}

int leat_worker_poll(struct leat_worker *worker, int timeout_ms, struct leat_error *err)
{
    bool fatal = false;
    struct leat_error trouble = {0};
    if (leat_stream_poll(worker->stream, timeout_ms, &worker->change, &fatal, &trouble) == 0)
        return 0;
    if (fatal) {
        *err = trouble;
        return -1;
    }
    say_trouble(worker, &trouble);
    return 0;
}

static void tell_ready(struct leat_worker *worker, bool ready)
{
    if (worker->config.ready && worker->ready != ready)
        __atomic_store_n(worker->config.ready, ready, __ATOMIC_RELEASE);
    worker->ready = ready;
}

/* True when what comes next in every partition of the input was not processed before. */
static bool has_replayed(const struct leat_worker *worker)
{
    for (size_t i = 0; i < worker->input_count; i++)
        if (worker->inputs[i].cursor->reader->position < worker->inputs[i].cursor->silent_before)
            return false;
    return true;
}

static int take_partitions(struct leat_worker *worker, const struct leat_change *change, struct leat_error *err)
{
    if (leat_worker_restore(worker, change->partitions, change->count, err) < 0)
        return -1;
    if (worker->restored)
        leat_worker_say(worker, "%zu partition%s of %s assigned", change->count, change->count == 1 ? "" : "s",
                        worker->function->sources[0].topic);
    if (worker->restored && worker->input_count == 0)
        tell_ready(worker, true); /* a stand-by: there are more workers than partitions */
    return 0;
}

static int give_partitions(struct leat_worker *worker, const struct leat_change *change, struct leat_error *err)
{
    if (change->kind == LEAT_CHANGE_REVOKED && worker->restored) {
        if (finish_batch(worker, err) < 0 || leat_delivery_drain(worker, err) < 0)
            return -1;
    } else {
        leat_batch_reset(worker->batch);
        leat_delivery_abandon(worker);
    }
    tell_ready(worker, false);
    leat_worker_forget(worker);
    return leat_stream_acknowledge(worker->stream, err);
}

/* Answers the change that was polled last, and those that come while it is answered: tables may take long to read. */
static int follow_changes(struct leat_worker *worker, struct leat_error *err)
{
    while (worker->change.kind != LEAT_CHANGE_NONE) {
        struct leat_change change = worker->change;
        worker->change.kind = LEAT_CHANGE_NONE;
        int result = change.kind == LEAT_CHANGE_ASSIGNED ? take_partitions(worker, &change, err)
                                                         : give_partitions(worker, &change, err);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* What is done when nothing is at hand: looks for a control topic or a first version that has come meanwhile. */
static int idle(struct leat_worker *worker, int64_t *looked_ns, struct leat_error *err)
{
    int64_t now = leat_worker_monotonic_ns();
    if (!worker->roster || !worker->config.service || now - *looked_ns < CONTROL_RETRY_NS)
        return 0;
    *looked_ns = now;
    bool changed;
    struct leat_error trouble = {0};
    if (leat_roster_default(worker->roster, &changed, &trouble) < 0)
        say_trouble(worker, &trouble);
    if (!worker->control && worker->input_count > 0 && worker->config.now)
        return leat_worker_follow_control(worker, NULL, 0, err);
    return 0;
}

static int loop(struct leat_worker *worker, struct leat_error *err)
{
    int64_t looked_ns = 0, gauges_ns = 0;
    enum step result = STEP_WAIT;
    int wait_ms = 0;
    while (!stopping(worker)) {
        if (leat_worker_poll(worker, wait_ms, err) < 0 || follow_changes(worker, err) < 0)
            return -1;
        if (idle(worker, &looked_ns, err) < 0 || follow_changes(worker, err) < 0)
            return -1;
        wait_ms = 0;
        if (worker->input_count == 0) {
            wait_ms = IDLE_MS;
            continue;
        }
        result = STEP_GO;
        for (size_t n = 0; result == STEP_GO && n < 4096; n++)
            if (step(worker, &result, err) < 0)
                return -1;
        if (result != STEP_GO && finish_batch(worker, err) < 0)
            return -1;
        if (!worker->ready && has_replayed(worker))
            tell_ready(worker, true);
        if (leat_worker_monotonic_ns() - gauges_ns > 200000000) {
            gauges_ns = leat_worker_monotonic_ns();
            publish_gauges(worker);
        }
        if (result == STEP_DONE)
            break;
        /* The ends are asked for once after an event was read; then its wait is only for records that are known to come. */
        bool asked = result == STEP_ENDS && leat_stream_mark(worker->stream) > worker->blocked_mark;
        if (result == STEP_ENDS && !asked && leat_stream_ends(worker->stream, err) < 0)
            return -1;
        bool due = leat_worker_monotonic_ns() - worker->committed_ns >= worker->function->commit_interval * 1000;
        if (due && leat_batch_count(worker->batch) == 0 && leat_delivery_close(worker, false, err) < 0)
            return -1;
        if (leat_delivery_settle(worker, false, err) < 0)
            return -1;
        if (result == STEP_WAIT)
            wait_ms = worker->delivery_count > 0 ? 1 : IDLE_MS;
        if (asked)
            wait_ms = IDLE_MS;
    }
    return 0;
}

/* The cooperative protocol hands over a few partitions at a time, and a worker rebuilds all of its state at any change. */
static int refuse_cooperative(const struct leat_function *function, struct leat_error *err)
{
    for (size_t i = 0; i < function->kafka_count; i++)
        if (strcmp(function->kafka[i].name, "partition.assignment.strategy") == 0 &&
            strstr(function->kafka[i].value, "cooperative"))
            return leat_error_set(err, LEAT_ERROR_FINDING,
                                  "%s: kafka: partition.assignment.strategy is '%s'; it can be range or roundrobin, for a "
                                  "worker takes all of its partitions at once",
                                  function->file, function->kafka[i].value);
    return 0;
}

static int start(struct leat_worker *worker, struct leat_error *err)
{
    const struct leat_function *function = worker->function;
    const char *topic = function->sources[0].topic;
    if (function->model_name && (worker->config.service || worker->config.version)) {
        if (leat_roster_new(function, &worker->roster, err) < 0)
            return -1;
        if (worker->config.version && leat_roster_serve(worker->roster, worker->config.version, worker->config.limits_off,
                                                        worker->config.shadow_fallback, err) < 0)
            return -1;
    }
    if (worker->config.service && refuse_cooperative(function, err) < 0)
        return -1;
    if (worker->config.service)
        return leat_stream_subscribe(worker->stream, topic, err);
    int32_t count = 0;
    if (leat_stream_partitions(worker->stream, topic, &count, err) < 0)
        return -1;
    if (count == 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "the input's topic '%s' (%s:%d) does not exist", topic,
                              function->file, function->sources[0].line);
    int32_t *partitions = leat_calloc((size_t)count, sizeof *partitions);
    for (int32_t p = 0; p < count; p++)
        partitions[p] = p;
    int result = leat_worker_restore(worker, partitions, (size_t)count, err);
    free(partitions);
    return result;
}

int leat_worker_run(const struct leat_worker_config *config, struct leat_error *err)
{
    struct leat_worker *worker = leat_calloc(1, sizeof *worker);
    worker->config = *config;
    worker->function = config->function;
    worker->stream = config->stream;
    worker->batch = leat_batch_new(config->function);
    worker->control_offset = -1;
    worker->batch_rows = config->batch_rows ? config->batch_rows : BATCH_ROWS;
    worker->scratch.text = &worker->text;
    leat_expr_scratch_reserve(&worker->scratch, config->function->registers);
    if (config->emitter.decision)
        worker->positions = leat_calloc(LEAT_BATCH_MAX * LEAT_POSITIONS_MAX, sizeof *worker->positions);
    leat_delivery_init(worker);
    int result = start(worker, err);
    if (result == 0)
        result = loop(worker, err);
    if (result == 0 && worker->restored) {
        result = finish_batch(worker, err);
        if (result == 0)
            result = leat_delivery_drain(worker, err);
        if (result == 0)
            publish_gauges(worker);
    }
    leat_worker_forget(worker);
    leat_delivery_done(worker);
    leat_batch_free(worker->batch);
    leat_roster_free(worker->roster);
    leat_expr_scratch_done(&worker->scratch);
    leat_arena_done(&worker->text);
    free(worker->positions);
    free(worker);
    return result;
}
