/* Inside a worker: the parts that its files share.
 *
 *   worker.c    the loop: order, batches, results
 *   restore.c   partitions come and go: cursors opened, state rebuilt, positions captured
 *   delivery.c  what is on its way to the sinks, and which offset may be committed for it */
#ifndef LEAT_ENGINE_WORKER_INSIDE_H
#define LEAT_ENGINE_WORKER_INSIDE_H

#include "engine/checkpoint.h"
#include "engine/lineup.h"
#include "engine/worker.h"

#define LEAT_CURSORS_MAX 4096
#define LEAT_INPUTS_MAX 1024
#define LEAT_POSITIONS_MAX 128 /* of other sources in a decision record; further ones are left out */
#define LEAT_DELIVERIES 2048   /* batches on their way at once; beyond it the worker waits for acknowledgements */
#define LEAT_COMMITS 4         /* captured and not yet made; beyond it a commit waits for its next turn */

struct leat_input { /* one partition of the input */
    int32_t partition;
    struct leat_log_cursor *cursor;
    struct leat_state *state;
    int64_t committed; /* offsets below were processed before a restart */
    int64_t next;      /* behind the last record taken: where to commit when no batch is open; −1: none taken yet */
    bool done;         /* `to` or `until` is reached */
};

/* Where the inputs stood behind one batch: made when that batch and all before it are acknowledged. */
struct leat_commit {
    bool busy;
    int64_t *next;                /* by input: the offset to commit; −1: nothing processed yet */
    struct leat_buffer *metadata; /* by input */
};

/* One batch that was handed to the sinks; a ring of them, settled in order. */
struct leat_delivery {
    struct leat_fence fence;
    int64_t read_ns;
    size_t rows;
    int64_t *timestamps;        /* of the rows' records, for end to end */
    struct leat_commit *commit; /* NULL: none is due behind this batch */
};

struct leat_worker {
    struct leat_worker_config config;
    const struct leat_function *function;
    struct leat_stream *stream;

    struct leat_change change; /* polled and not answered yet; kind NONE: nothing */
    bool ready;                /* as it was told */
    bool restored;             /* the state stands for the committed offsets and what came after: it may be committed */

    struct leat_input *inputs;
    size_t input_count;
    struct leat_log_cursor *cursors[LEAT_CURSORS_MAX]; /* all of them; inputs' too */
    size_t cursor_count;
    struct leat_state *shared;
    struct leat_expr_scratch scratch;
    struct leat_arena text;

    struct leat_reader *control;          /* NULL: a job, or no control topic yet */
    int64_t control_offset, control_time; /* of the head whose time was read last */
    struct leat_roster *roster;
    struct leat_batch *batch;
    size_t batch_rows;
    int64_t batch_began_ns;
    struct leat_position *positions; /* rows × LEAT_POSITIONS_MAX, when decisions are wanted */
    size_t position_count[LEAT_BATCH_MAX];

    struct leat_delivery *deliveries; /* ring; the one behind the last is being made */
    size_t delivery_first, delivery_count;
    int64_t *timestamps; /* of all deliveries */
    struct leat_commit commits[LEAT_COMMITS];
    int64_t committed_ns;
    struct leat_error trouble; /* what was said last about the environment, and when */
    int64_t trouble_ns;
    uint64_t blocked_mark; /* STEP_ENDS: the mark under which the waiting event was read */
};

int64_t leat_worker_monotonic_ns(void);
void leat_worker_say(const struct leat_worker *worker, const char *format, ...) __attribute__((format(printf, 2, 3)));
int leat_worker_dead_letter(struct leat_worker *worker, const struct leat_record *record,
                            const struct leat_reason *reason, const struct leat_version *version,
                            struct leat_error *err);
/* Polls; a change goes to worker->change. Trouble that passes is told and waited for. */
int leat_worker_poll(struct leat_worker *worker, int timeout_ms, struct leat_error *err);
/* Applies what stands at a cursor of a stream or table and takes it. */
int leat_worker_apply(struct leat_worker *worker, struct leat_log_cursor *cursor, struct leat_error *err);
/* Deals with an undecodable head and takes it. */
int leat_worker_poison(struct leat_worker *worker, struct leat_log_cursor *cursor, struct leat_error *err);

/* restore.c */
/* Opens the control log and takes what the partitions had applied before (the furthest of them). */
int leat_worker_follow_control(struct leat_worker *worker, const struct leat_checkpoint *checkpoints, size_t count,
                               struct leat_error *err);

/* Not `restored` afterwards: a stop, or another change of the assignment (worker->change), came while logs were read. */
int leat_worker_restore(struct leat_worker *worker, const int32_t *partitions, size_t count, struct leat_error *err);
void leat_worker_forget(struct leat_worker *worker); /* closes all cursors, frees all state */
struct leat_input *leat_worker_input(struct leat_worker *worker, const struct leat_log_cursor *cursor);
/* Where the windows over a cursor's source live: its partition's state, or what the worker shares. */
struct leat_state *leat_worker_state(struct leat_worker *worker, const struct leat_log_cursor *cursor);
/* Tells the windows over a cursor's source since when they find all events: of all partitions that they are made of. */
void leat_worker_cover(struct leat_worker *worker, const struct leat_log_cursor *cursor);
/* Offsets of the other sources as of now, for a partition's decision; ordered by source. Returns how many. */
size_t leat_worker_positions(const struct leat_worker *worker, int32_t partition, struct leat_position *ret);
int leat_worker_capture(const struct leat_worker *worker, const struct leat_input *input,
                        struct leat_buffer *ret_metadata);

/* delivery.c */
void leat_delivery_init(struct leat_worker *worker);
void leat_delivery_done(struct leat_worker *worker);
struct leat_delivery *leat_delivery_open(struct leat_worker *worker); /* of the batch that is being made */
void leat_delivery_abandon(struct leat_worker *worker); /* the partitions are lost: what is on its way is not committed */
/* Closes the batch that is being made. Captures a commit when one is due, or when `commit` says so. */
int leat_delivery_close(struct leat_worker *worker, bool commit, struct leat_error *err);
/* Commits what has been acknowledged, in order. */
int leat_delivery_settle(struct leat_worker *worker, bool sync, struct leat_error *err);
/* Waits until everything is acknowledged and committed. */
int leat_delivery_drain(struct leat_worker *worker, struct leat_error *err);

#endif
