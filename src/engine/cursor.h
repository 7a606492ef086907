/* A cursor: one reader of one source's partition with its head decoded, placed in the design's one order.
 *
 * Within a partition log order rules: a head that is later holds back what follows it, so a record's place in the
 * order is the largest event time seen so far in its log (`order`), plus the source's delay. */
#ifndef LEAT_ENGINE_CURSOR_H
#define LEAT_ENGINE_CURSOR_H

#include "function/score.h"
#include "stream/stream.h"

struct leat_cursor_sample {
    int64_t offset; /* all records from here on… */
    int64_t order;  /* …come after a log whose largest time was this (exclusive of that offset) */
};

#define LEAT_CURSOR_SAMPLES 512

struct leat_log_cursor {
    const struct leat_function *function;
    size_t source;
    struct leat_reader *reader;
    struct leat_event_decoder *decoder;
    struct leat_event event; /* when has_head */
    bool has_head;
    bool timed;     /* merged by event time (not: a table without event_time) */
    int64_t latest; /* largest event time taken or at the head; LEAT_TIME_NONE: none yet */
    int64_t order;  /* of the head: latest + delay */
    int64_t delay;
    int64_t silent_before; /* offsets below were processed before a restart: no dead letters, no results */
    /* The time from which windows find all of the log's events: LEAT_TIME_NONE: always; LEAT_TIME_MAX: reading begins
     * later than it should, and its first event has yet to come. */
    int64_t covered_from;
    struct leat_reason reason; /* when the head can not be decoded: see leat_cursor_fill */
    /* where a restart would have to begin, oldest first */
    struct leat_cursor_sample samples[LEAT_CURSOR_SAMPLES];
    size_t sample_count;
    int64_t sample_step; /* µs of event time between samples */
};

struct leat_log_cursor *leat_cursor_new(const struct leat_function *function, size_t source, struct leat_reader *reader,
                                        int64_t delay);
void leat_cursor_free(struct leat_log_cursor *cursor); /* closes the reader; NULL is fine */

enum leat_cursor_state {
    LEAT_CURSOR_EMPTY,  /* nothing at hand */
    LEAT_CURSOR_HEAD,   /* cursor->event */
    LEAT_CURSOR_POISON, /* the head can not be decoded: cursor->reason; take it and go on */
};
/* Looks at the head. −1: the environment (a CSV header that does not fit). */
int leat_cursor_fill(struct leat_log_cursor *cursor, enum leat_cursor_state *ret, struct leat_error *err);
/* Takes the head. */
void leat_cursor_next(struct leat_log_cursor *cursor);
/* True when a comes before b: by order, then tables, streams, input, then as declared, then partition. */
bool leat_cursor_before(const struct leat_log_cursor *a, const struct leat_log_cursor *b);

/* The place to begin again so that every record with a time after `horizon` is read: the newest sample at or before it. */
struct leat_cursor_sample leat_cursor_restart(const struct leat_log_cursor *cursor, int64_t horizon);
/* Puts a cursor that begins in the middle of a log where an earlier one was. */
void leat_cursor_resume(struct leat_log_cursor *cursor, struct leat_cursor_sample sample);

#endif
