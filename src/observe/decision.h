/* The decision record: what was decided for one event, by which version, from which features. One JSON object a record
 * (docs/reference/decision-record.md). Audit, `explain` and `compare` read nothing else. */
#ifndef LEAT_OBSERVE_DECISION_H
#define LEAT_OBSERVE_DECISION_H

#include "base/bytes.h"
#include "base/error.h"
#include "function/score.h"

#define LEAT_DECISION_VERSION 1

/* How far a source had been applied when the event was scored: `offset` is that of its next record. */
struct leat_position {
    size_t source;     /* of the function; never the input */
    int32_t partition; /* the source's own */
    int64_t offset;
};

/* Writes the records of one function: names are escaped once, here. Immutable; any number of threads. */
struct leat_decision_writer;
struct leat_decision_writer *leat_decision_writer_new(const struct leat_function *function);
void leat_decision_writer_free(struct leat_decision_writer *writer); /* NULL is fine */

/* Appends one object without line end; shadows are the result's. `positions`: ordered by source, then by partition from
 * 0 on; a source that has one entry is written as a number, one with several as an array. `now`: µs, when it was scored.
 * Allocates only while `out` grows. -1: out is full (as it was before). */
int leat_decision_encode(const struct leat_decision_writer *writer, const struct leat_result *result,
                         const struct leat_position *positions, size_t position_count, int64_t now,
                         struct leat_buffer *out);

struct leat_decision_feature {
    const char *name;
    double value;           /* NaN: missing, or a text */
    struct leat_bytes text; /* of a category; data NULL: it is a number */
};

struct leat_decision_position {
    const char *source;
    int32_t partition; /* −1: a source with one entry: its only partition, or the one of the input's number */
    int64_t offset;
};

struct leat_decision_shadow {
    const char *model;
    uint32_t version;
    double score; /* NaN: none */
};

/* A record read back. All is owned by `memory`. */
struct leat_decision {
    const char *function, *digest; /* the function's */
    const char *topic;             /* the input's */
    int32_t partition;
    int64_t offset;
    int64_t time;                                 /* event time, µs */
    int64_t scored_at;                            /* µs */
    struct leat_bytes key;                        /* canonical JSON text of the label's join key; empty: none */
    const char *model;                            /* NULL: nobody scored it */
    uint32_t version;                             /* 0: nobody */
    const char *role;                             /* "champion", "fallback", "" */
    double score, raw;                            /* NaN: none */
    double threshold;                             /* NaN: the version has none */
    const struct leat_decision_feature *features; /* in the function's order */
    size_t feature_count;
    const char *const *marks; /* "late", "stale_source:departures" */
    size_t mark_count;
    const struct leat_decision_position *positions;
    size_t position_count;
    const struct leat_decision_shadow *shadows;
    size_t shadow_count;
    struct leat_decision_memory *memory;
};

/* Fields that are not known are skipped; a missing or mistyped one is a finding that names it. */
int leat_decision_parse(struct leat_bytes text, struct leat_decision *ret, struct leat_error *err);
void leat_decision_done(struct leat_decision *decision); /* as all-zero afterwards */

/* What a version answered: as the one who served or as a shadow. false: it did not score this event. */
bool leat_decision_score(const struct leat_decision *decision, const char *model, uint32_t version, double *ret);

#endif
