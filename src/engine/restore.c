/* Partitions come and go: their cursors are opened where the last commit says, and state is rebuilt from the logs.
 *
 * Any change of the assignment rebuilds all of the worker's state: global windows are shared by its partitions, so a new
 * partition may need an older stretch of a global stream than is held. */
#include "engine/worker_inside.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define POLL_EVERY 4096 /* rows of a table: the group must not take a long load for a death, nor wait for its end */

void leat_worker_forget(struct leat_worker *worker)
{
    for (size_t c = 0; c < worker->cursor_count; c++)
        leat_cursor_free(worker->cursors[c]);
    worker->cursor_count = 0;
    for (size_t i = 0; i < worker->input_count; i++)
        leat_state_free(worker->inputs[i].state);
    free(worker->inputs);
    worker->inputs = NULL;
    worker->input_count = 0;
    leat_state_free(worker->shared);
    worker->shared = NULL;
    leat_reader_close(worker->control);
    worker->control = NULL;
    worker->restored = false;
}

/* Whether a partition of the input is scored with this cursor's records. */
static bool serves(const struct leat_function *function, const struct leat_log_cursor *cursor, int32_t partition)
{
    const struct leat_source *source = &function->sources[cursor->source];
    return source->global || source->kind == LEAT_SOURCE_TABLE || cursor->reader->partition == partition;
}

struct leat_input *leat_worker_input(struct leat_worker *worker, const struct leat_log_cursor *cursor)
{
    for (size_t i = 0; i < worker->input_count; i++)
        if (worker->inputs[i].cursor == cursor)
            return &worker->inputs[i];
    return NULL;
}

struct leat_state *leat_worker_state(struct leat_worker *worker, const struct leat_log_cursor *cursor)
{
    for (size_t i = 0; !worker->function->sources[cursor->source].global && i < worker->input_count; i++)
        if (worker->inputs[i].partition == cursor->reader->partition)
            return worker->inputs[i].state;
    return worker->shared;
}

size_t leat_worker_positions(const struct leat_worker *worker, int32_t partition, struct leat_position *ret)
{
    size_t count = 0;
    for (size_t c = 0; c < worker->cursor_count && count < LEAT_POSITIONS_MAX; c++) {
        const struct leat_log_cursor *cursor = worker->cursors[c];
        if (cursor->source != 0 && serves(worker->function, cursor, partition))
            ret[count++] = (struct leat_position){cursor->source, cursor->reader->partition, cursor->reader->position};
    }
    return count;
}

/* The stretch of a source's log that events after `watermark` may still ask for begins after this time. */
static int64_t horizon_of(const struct leat_function *function, size_t source, int64_t watermark)
{
    int64_t horizon = watermark;
    for (size_t w = 0; w < function->window_count; w++) {
        const struct leat_function_window *window = &function->windows[w];
        if (window->source != source)
            continue;
        if (window->range_max == LEAT_RANGE_NONE)
            return LEAT_TIME_NONE;
        if (watermark - window->range_max < horizon)
            horizon = watermark - window->range_max;
    }
    return horizon - function->sources[0].grace;
}

static struct leat_cursor_sample restart_of(const struct leat_function *function, const struct leat_log_cursor *cursor,
                                            int64_t watermark)
{
    struct leat_cursor_sample begin = {LEAT_OFFSET_BEGIN, LEAT_TIME_NONE};
    if (watermark == LEAT_TIME_NONE || function->sources[cursor->source].kind == LEAT_SOURCE_TABLE)
        return begin; /* a row may be as old as the log */
    int64_t horizon = horizon_of(function, cursor->source, watermark);
    return horizon == LEAT_TIME_NONE ? begin : leat_cursor_restart(cursor, horizon - cursor->delay);
}

int leat_worker_capture(const struct leat_worker *worker, const struct leat_input *input,
                        struct leat_buffer *ret_metadata)
{
    const struct leat_function *function = worker->function;
    struct leat_checkpoint checkpoint;
    leat_checkpoint_init(&checkpoint);
    checkpoint.watermark = leat_state_watermark(input->state);
    checkpoint.control = worker->roster ? leat_roster_position(worker->roster) : -1;
    checkpoint.input = restart_of(function, input->cursor, checkpoint.watermark);
    for (size_t c = 0; c < worker->cursor_count; c++) {
        const struct leat_log_cursor *cursor = worker->cursors[c];
        /* One position a source: of a source read in several partitions a restart reads all from the beginning. */
        if (cursor->source == 0 || !serves(function, cursor, input->partition))
            continue;
        struct leat_checkpoint_source *to = &checkpoint.sources[cursor->source];
        bool several = to->present;
        to->present = true;
        /* In the middle of a replay what was applied before it stands, or its dead letters would come again. */
        int64_t position = cursor->reader->position > cursor->silent_before ? cursor->reader->position
                                                                            : cursor->silent_before;
        to->position = several ? 0 : position;
        to->restart = several ? (struct leat_cursor_sample){LEAT_OFFSET_BEGIN, LEAT_TIME_NONE}
                              : restart_of(function, cursor, checkpoint.watermark);
        to->clock = leat_state_clock(worker->shared, cursor->source);
    }
    return leat_checkpoint_encode(function, &checkpoint, ret_metadata);
}

static int add_cursor(struct leat_worker *worker, size_t source, int32_t partition, struct leat_cursor_sample at,
                      bool group, struct leat_log_cursor **ret, struct leat_error *err)
{
    const struct leat_source *from = &worker->function->sources[source];
    if (worker->cursor_count == LEAT_CURSORS_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "a worker reads at most %d partitions; topic %s goes beyond it",
                              LEAT_CURSORS_MAX, from->topic);
    struct leat_reader *reader;
    if (leat_reader_open(worker->stream, from->topic, partition, at.offset, group, &reader, err) < 0)
        return -1;
    struct leat_log_cursor *cursor = leat_cursor_new(worker->function, source, reader, worker->config.delays[source]);
    if (at.offset >= 0)
        leat_cursor_resume(cursor, at);
    worker->cursors[worker->cursor_count++] = cursor;
    *ret = cursor;
    return 0;
}

void leat_worker_cover(struct leat_worker *worker, const struct leat_log_cursor *cursor)
{
    const struct leat_source *source = &worker->function->sources[cursor->source];
    int64_t from = LEAT_TIME_NONE;
    for (size_t c = 0; c < worker->cursor_count; c++) {
        const struct leat_log_cursor *other = worker->cursors[c];
        bool same = other->source == cursor->source &&
                    (source->global || other->reader->partition == cursor->reader->partition);
        if (same && other->covered_from > from)
            from = other->covered_from;
    }
    leat_state_cover(leat_worker_state(worker, cursor), cursor->source, from);
}

/* What is not read, for the log has lost it or the group begins at its end, is marked: windows that reach before the
 * first record are partial. */
static void cover(struct leat_worker *worker, struct leat_log_cursor *cursor, struct leat_cursor_sample at)
{
    if (cursor->reader->position <= (at.offset >= 0 ? at.offset : 0))
        return;
    cursor->covered_from = LEAT_TIME_MAX;
    leat_worker_cover(worker, cursor);
}

static int open_global(struct leat_worker *worker, const struct leat_checkpoint *checkpoints, size_t count,
                       struct leat_error *err)
{
    const struct leat_function *function = worker->function;
    for (size_t s = 1; s < function->source_count; s++) {
        const struct leat_source *source = &function->sources[s];
        if (!source->global && source->kind != LEAT_SOURCE_TABLE)
            continue;
        int32_t partitions = 0;
        if (leat_stream_partitions(worker->stream, source->topic, &partitions, err) < 0)
            return -1;
        if (partitions == 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "topic '%s' of %s '%s' (%s:%d) does not exist",
                                  source->topic, source->kind == LEAT_SOURCE_TABLE ? "table" : "stream", source->name,
                                  function->file, source->line);
        struct leat_cursor_sample at = {LEAT_OFFSET_BEGIN, LEAT_TIME_NONE};
        int64_t position = count > 0 ? INT64_MAX : 0;
        for (size_t i = 0; i < count; i++) { /* the partition that needs the most decides */
            const struct leat_checkpoint_source *from = &checkpoints[i].sources[s];
            if (i == 0 || from->restart.offset < at.offset)
                at = from->restart;
            if (from->position < position)
                position = from->position;
            leat_state_resume(worker->shared, s, from->clock);
        }
        for (int32_t p = 0; p < partitions; p++) {
            struct leat_log_cursor *cursor;
            if (add_cursor(worker, s, p,
                           partitions > 1 ? (struct leat_cursor_sample){LEAT_OFFSET_BEGIN, LEAT_TIME_NONE} : at, false,
                           &cursor, err) < 0)
                return -1;
            cursor->silent_before = partitions > 1 ? 0 : position;
            if (source->kind == LEAT_SOURCE_STREAM)
                cover(worker, cursor, at);
        }
    }
    return 0;
}

static int open_partition(struct leat_worker *worker, struct leat_input *input,
                          const struct leat_checkpoint *checkpoint, struct leat_error *err)
{
    const struct leat_function *function = worker->function;
    struct leat_cursor_sample at = checkpoint->input;
    bool fresh = input->committed == LEAT_OFFSET_NONE;
    if (fresh && worker->config.service)
        at.offset = LEAT_OFFSET_NONE; /* where auto.offset.reset says */
    if (!fresh && checkpoint->watermark == LEAT_TIME_NONE)
        at.offset = LEAT_OFFSET_BEGIN; /* committed by someone else: all of the log is state */
    if (add_cursor(worker, 0, input->partition, at, worker->config.service, &input->cursor, err) < 0)
        return -1;
    if (!fresh && input->cursor->reader->start > input->committed)
        leat_worker_say(
            worker, "%s/%d: offsets %lld to %lld left the log (retention) before they were processed; going on at %lld",
            function->sources[0].topic, input->partition, (long long)input->committed,
            (long long)input->cursor->reader->start - 1, (long long)input->cursor->reader->start);
    input->cursor->silent_before = fresh ? 0 : input->committed;
    input->next = fresh ? -1 : input->committed;
    leat_state_resume(input->state, 0, checkpoint->watermark);
    leat_state_resume(worker->shared, 0, checkpoint->watermark);
    cover(worker, input->cursor, at);
    for (size_t s = 1; s < function->source_count; s++) {
        const struct leat_source *source = &function->sources[s];
        if (source->kind != LEAT_SOURCE_STREAM || source->global)
            continue;
        int32_t partitions = 0;
        if (leat_stream_partitions(worker->stream, source->topic, &partitions, err) < 0)
            return -1;
        if (partitions == 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "topic '%s' of stream '%s' (%s:%d) does not exist",
                                  source->topic, source->name, function->file, source->line);
        if (input->partition >= partitions)
            return leat_error_set(
                err, LEAT_ERROR_ENVIRONMENT,
                "stream '%s' (%s:%d) is read by the input's partitions, and topic '%s' has %d of them, so there is "
                "no partition %d; give both topics as many partitions, or say scope: global",
                source->name, function->file, source->line, source->topic, partitions, input->partition);
        struct leat_log_cursor *cursor;
        if (add_cursor(worker, s, input->partition, checkpoint->sources[s].restart, false, &cursor, err) < 0)
            return -1;
        cursor->silent_before = checkpoint->sources[s].position;
        cover(worker, cursor, checkpoint->sources[s].restart);
        leat_state_resume(worker->shared, s, checkpoint->sources[s].clock);
    }
    return 0;
}

/* Reading logs whole ends early: the service stops, or the group has moved on, whose word is followed first. */
static bool interrupted(const struct leat_worker *worker)
{
    return (worker->config.stop && *worker->config.stop) || worker->change.kind != LEAT_CHANGE_NONE;
}

/* Tables without an event time are read to the ends that they have now, before anything is scored. */
static int load_tables(struct leat_worker *worker, struct leat_error *err)
{
    if (leat_stream_ends(worker->stream, err) < 0)
        return -1;
    uint64_t mark = leat_stream_mark(worker->stream);
    uint64_t rows = 0;
    for (size_t c = 0; c < worker->cursor_count; c++) {
        struct leat_log_cursor *cursor = worker->cursors[c];
        while (!cursor->timed) {
            enum leat_cursor_state state;
            if (leat_cursor_fill(cursor, &state, err) < 0)
                return -1;
            if (state == LEAT_CURSOR_HEAD && leat_worker_apply(worker, cursor, err) < 0)
                return -1;
            if (state == LEAT_CURSOR_POISON && leat_worker_poison(worker, cursor, err) < 0)
                return -1;
            bool at_hand = state != LEAT_CURSOR_EMPTY;
            if (at_hand && ++rows % POLL_EVERY != 0)
                continue;
            if (!at_hand && cursor->reader->end_mark >= mark)
                break;
            if (leat_worker_poll(worker, at_hand ? 0 : 50, err) < 0)
                return -1;
            if (interrupted(worker))
                return 0;
        }
    }
    return 0;
}

static int read_checkpoint(struct leat_worker *worker, struct leat_input *input, struct leat_checkpoint *ret,
                           struct leat_error *err)
{
    leat_checkpoint_init(ret);
    input->committed = LEAT_OFFSET_NONE;
    if (!worker->config.service)
        return 0;
    LEAT_CLEAN_BUFFER metadata = {0};
    if (leat_stream_committed(worker->stream, worker->function->sources[0].topic, input->partition, &input->committed,
                              &metadata, err) < 0)
        return -1;
    leat_checkpoint_parse(worker->function, leat_buffer_view(&metadata), ret);
    if (ret->other_function)
        leat_worker_say(worker,
                        "%s/%d: committed by another version of the function file; its state is rebuilt from the logs' "
                        "starts",
                        worker->function->sources[0].topic, input->partition);
    return 0;
}

int leat_worker_restore(struct leat_worker *worker, const int32_t *partitions, size_t count, struct leat_error *err)
{
    leat_worker_forget(worker);
    if (count > LEAT_INPUTS_MAX)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                              "a worker takes at most %d partitions of the input, and was given %zu", LEAT_INPUTS_MAX,
                              count);
    worker->inputs = leat_calloc(count + 1, sizeof *worker->inputs);
    worker->input_count = count;
    worker->shared = leat_state_new(worker->function, true);
    worker->restored = count == 0;
    if (count == 0)
        return 0; /* a stand-by reads nothing: there are more workers than partitions */
    struct leat_checkpoint *checkpoints = leat_calloc(count + 1, sizeof *checkpoints);
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        worker->inputs[i].partition = partitions[i];
        worker->inputs[i].state = leat_state_new(worker->function, false);
        result = read_checkpoint(worker, &worker->inputs[i], &checkpoints[i], err);
    }
    if (result == 0)
        result = open_global(worker, checkpoints, count, err);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = open_partition(worker, &worker->inputs[i], &checkpoints[i], err);
    if (result == 0)
        result = load_tables(worker, err);
    if (result == 0 && worker->config.service && worker->roster && !interrupted(worker))
        result = leat_worker_follow_control(worker, checkpoints, count, err);
    worker->restored = result == 0 && !interrupted(worker);
    free(checkpoints);
    return result;
}
