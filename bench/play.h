/* What a benchmark of the core plays: a function with its model, and the records of all its sources in order of time, in
 * memory. The first of them only fill windows and tables. */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include "function/score.h"

struct play_record {
    size_t source;
    int64_t time; /* LEAT_TIME_NONE: of a table without one */
    struct leat_record record;
};

struct play {
    const char *name;
    struct leat_function *function;
    struct leat_version version;
    struct leat_bound *bound;
    struct play_record *records;
    size_t count, capacity;
    size_t first; /* what is measured begins here */
    struct leat_arena arena;
};

/* Both end the process with a message when a file is not there or not right. */
void play_card_fraud(struct play *ret, size_t warm, size_t measured);
/* `warm_days` and `days` of the year that examples/flights/events.py made in a folder. */
void play_flights(struct play *ret, const char *folder, int warm_days, int days);
void play_done(struct play *play);

#endif
