/* Why one event could not be processed: bad data, not a failure of the program. It is counted and goes to the dead
 * letters with its record; it is never logged per event. */
#ifndef LEAT_EVENT_REASON_H
#define LEAT_EVENT_REASON_H

#include "base/error.h"

enum leat_stage {
    LEAT_STAGE_NONE,
    LEAT_STAGE_DECODE, /* the bytes are not of the format */
    LEAT_STAGE_SCHEMA, /* well-formed, but a field has another type or range than declared, or key or time is missing */
    LEAT_STAGE_TIME,   /* the event time is out of bounds */
    LEAT_STAGE_FEATURE, /* an expression failed (division of integers by zero, overflow, a cast) */
    LEAT_STAGE_MODEL,   /* the model gave no usable score */
    LEAT_STAGE_ENCODE,  /* the output could not be written */
    LEAT_STAGE_PRODUCE, /* the broker refused the output for what it is (too large) */
};
#define LEAT_STAGE_COUNT 8

struct leat_reason {
    enum leat_stage stage;
    char text[256]; /* one sentence with field, what was met, and where */
};

/* Fills *reason and returns -1. */
int leat_reason_set(struct leat_reason *reason, enum leat_stage stage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define leat_reason_set(...) ((void)(leat_reason_set)(__VA_ARGS__), leat_failed())

const char *leat_stage_name(enum leat_stage stage); /* "decode", "schema", … */

#endif
