/* leat init, in parts:
 *
 *   init.c         the command and the file that it writes
 *   init_shape.c   what a topic's records look like */
#ifndef LEAT_CMD_INIT_H
#define LEAT_CMD_INIT_H

#include "base/arena.h"
#include "base/error.h"
#include "event/schema.h"
#include "stream/stream.h"

enum leat_shape_kind { /* what a field was; a set of bits */
                       LEAT_SHAPE_NULL = 1 << 0,
                       LEAT_SHAPE_BOOL = 1 << 1,
                       LEAT_SHAPE_INT = 1 << 2,
                       LEAT_SHAPE_DOUBLE = 1 << 3,
                       LEAT_SHAPE_STRING = 1 << 4,
                       LEAT_SHAPE_OBJECT = 1 << 5,
                       LEAT_SHAPE_LIST = 1 << 6,
};

/* A field over all records that were looked at; a tree. */
struct leat_shape {
    struct leat_bytes name;
    unsigned kinds;
    uint64_t seen;                  /* records (or elements) in which it was, null or not */
    uint64_t values;                /* not null */
    uint64_t bools, numbers, texts; /* values of these kinds */
    uint64_t times;                 /* texts that are RFC 3339 */
    uint64_t in_s, in_ms, in_us;    /* numbers that are likely times in this unit */
    uint64_t keys;                  /* values that are the record's key */
    uint64_t backward;              /* values that are less than the one before: what is no time goes up and down */
    double last;
    bool whole;                  /* every double is a whole number */
    char example[64];            /* as JSON, cut */
    struct leat_shape *children; /* of an OBJECT; of a LIST one: its elements */
    size_t count, capacity;
};

/* What it is taken for. */
enum leat_guess_kind { LEAT_GUESS_SCALAR, LEAT_GUESS_OBJECT, LEAT_GUESS_LIST, LEAT_GUESS_UNKNOWN };
struct leat_guess {
    enum leat_guess_kind kind;
    enum leat_type type;
    enum leat_encoding encoding;
    const char *why; /* a remark for the file; NULL: plain */
    uint64_t others; /* values that are of another type */
};

struct leat_shapes {
    struct leat_arena arena;
    struct leat_shape root; /* an OBJECT: the records */
    enum leat_format format;
    int32_t partitions;
    uint64_t records, unread, with_key;
};

/* The first `most` records of a topic. */
int leat_shapes_read(struct leat_stream *stream, const char *topic, size_t most, struct leat_shapes *ret,
                     struct leat_error *err);
void leat_shapes_done(struct leat_shapes *shapes);
/* `time`: it is the event time, whatever it is called. */
struct leat_guess leat_shape_guess(const struct leat_shape *shape, bool time);

#endif
