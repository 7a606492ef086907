/* The core: decoded records in, scored events out. Pure: no clock, thread, file or Kafka. `run`, `score`, `features`,
 * `worth`, `test`, `explain`, fuzzers and embedders all come through here.
 *
 *   leat_event_decode     a record of any source → its values, key and time
 *   leat_state_apply      a stream's or table's event → windows, tables, clocks
 *   leat_batch_add        an input event → windows, features (one row of the batch)
 *   leat_batch_score      all rows → models, limits, outputs
 */
#ifndef LEAT_FUNCTION_SCORE_H
#define LEAT_FUNCTION_SCORE_H

#include "event/record.h"
#include "function/function.h"

/* A version bound to a function: which of the function's features is the model's i-th. Immutable, reference-counted. */
struct leat_bound;
/* Finding: a feature that the model needs and the function lacks (both lists shown) or makes of another type; a number
 * of the answer, or reasons, that the function asks for and this version does not have. */
int leat_bound_new(const struct leat_function *function, struct leat_version *version, struct leat_bound **ret,
                   struct leat_error *err); /* takes a reference to the version */
/* What a version of a test answers, whatever the features. */
struct leat_fixed {
    double score, margin;     /* NaN: none */
    const char *class_name;   /* NULL: none */
    const char *const *names; /* of `outputs`, as in outputs['NAME'] */
    const double *outputs;
    size_t count;
};
/* A version without a model. `fixed` must outlive it. */
struct leat_bound *leat_bound_fixed(struct leat_version *version, const struct leat_fixed *fixed);
struct leat_bound *leat_bound_ref(struct leat_bound *bound);
void leat_bound_unref(struct leat_bound *bound); /* NULL is fine */
const struct leat_version *leat_bound_version(const struct leat_bound *bound);
/* A number of a version's answer as function files name it: what leat_model_answer_find takes, or the index of an
 * output from 0. */
int leat_version_answer(const struct leat_version *version, const char *name, struct leat_answer *ret,
                        struct leat_error *err);
/* The margin that an answer is made from, as an index of `raw`; of a class that of the answer's class. */
size_t leat_version_margin(const struct leat_version *version, struct leat_answer answer, const double *out,
                           const double *raw);
/* What a model is given for a feature: its number, or the code of its category. `text` data NULL: `number` (NaN:
 * missing). -1: a category that was not seen in training. */
int leat_version_code(const struct leat_version *version, size_t column, struct leat_bytes text, double number,
                      double *ret);

/* Who serves. Not owned; the engine publishes whole lineups and switches between batches. Any may be NULL. */
struct leat_lineup {
    struct leat_bound *champion, *fallback, *previous;
    struct leat_bound *shadows[LEAT_SHADOWS_MAX];
    size_t shadow_count;
    bool limits_off; /* the champion answers whatever the age of model and sources: what it would say by itself */
};

/* State of one input partition, or (partition −1) what a worker shares: global windows, tables, clocks. */
struct leat_state;
struct leat_state *leat_state_new(const struct leat_function *function, bool shared);
void leat_state_free(struct leat_state *state);
int64_t leat_state_watermark(const struct leat_state *state); /* of an input partition; LEAT_TIME_NONE: no event yet */
int64_t leat_state_clock(const struct leat_state *shared, size_t source); /* largest time shown; LEAT_TIME_NONE */
/* Events of `source` before `from` may be missing. */
void leat_state_cover(struct leat_state *state, size_t source, int64_t from);
/* After a restart: the watermark (source 0 of a partition's state) and the source clocks (of the shared one) are at least
 * these. LEAT_TIME_NONE changes nothing. */
void leat_state_resume(struct leat_state *state, size_t source, int64_t time);
/* Nobody asks for a time before `horizon` any more. */
void leat_state_evict(struct leat_state *state, int64_t horizon);
struct leat_windows_counters leat_state_counters(const struct leat_state *state); /* summed over its windows */

#define LEAT_SOURCE_LABELS ((size_t)-1) /* in place of a source: the labels' topic */

/* One source's decoder and head; one thread. */
struct leat_event {
    const struct leat_record *record;
    struct leat_value *values; /* by the source's projection */
    int64_t time;              /* LEAT_TIME_NONE: a table without event_time */
    bool heartbeat;
    bool tombstone; /* a table's removal: values hold the key alone */
    bool filtered;  /* the input's filter is not true */
};
struct leat_event_decoder;
struct leat_event_decoder *leat_event_decoder_new(const struct leat_function *function, size_t source);
void leat_event_decoder_free(struct leat_event_decoder *decoder);
int leat_event_decoder_header(struct leat_event_decoder *decoder, struct leat_bytes line,
                              struct leat_error *err); /* CSV */
/* Decodes; the event lives until the decoder's next call, and uses the record's memory. −1: *reason. */
int leat_event_decode(struct leat_event_decoder *decoder, const struct leat_record *record, struct leat_event *ret,
                      struct leat_reason *reason);

/* Applies a stream's or a table's event. `shared` may be the same object for all partitions of a worker; `partition`
 * is the state of the stream's partition (NULL for global sources). −1: *reason. */
int leat_state_apply(const struct leat_function *function, struct leat_state *partition, struct leat_state *shared,
                     size_t source, const struct leat_event *event, struct leat_expr_scratch *scratch,
                     struct leat_reason *reason);

enum leat_mark {
    LEAT_MARK_LATE = 1 << 0,         /* behind the watermark by more than grace */
    LEAT_MARK_PARTIAL = 1 << 1,      /* a window is not wholly covered */
    LEAT_MARK_STALE_SOURCE = 1 << 2, /* result.stale_sources says which */
    LEAT_MARK_STALE_MODEL = 1 << 3,
    LEAT_MARK_EVENT_AGE = 1 << 4,   /* older than limits.event_age when read: the output is withheld */
    LEAT_MARK_FALLBACK = 1 << 5,    /* the fallback served */
    LEAT_MARK_STOPPED = 1 << 6,     /* on_stale: stop, or no fallback at hand: no score, the output is withheld */
    LEAT_MARK_NO_CHAMPION = 1 << 7, /* nobody serves yet: recorded only, the output is withheld */
    LEAT_MARK_EXPIRED_ROW = 1 << 8, /* a table's row was beyond its ttl and read as null */
};
#define LEAT_MARK_COUNT 9
const char *leat_mark_name(enum leat_mark mark); /* "late", "partial", "stale_source", … */
/* "late,stale_source:departures+arrivals"; returns the length (at most size − 1). */
size_t leat_marks_format(const struct leat_function *function, uint32_t marks, uint64_t stale_sources, char *ret,
                         size_t size);

/* The same as the elements of a JSON array: "late","stale_source:departures". */
void leat_marks_put_json(const struct leat_function *function, uint32_t marks, uint64_t stale_sources,
                         struct leat_buffer *out);

/* How much a feature moved the margin that the score was made from. */
struct leat_reason_code {
    size_t feature; /* the function's */
    double contribution;
};

struct leat_shadow_score {
    const struct leat_bound *bound;
    double score;
};

/* One scored event; lives until the batch's next reset. */
struct leat_result {
    struct leat_record record;      /* copied: topic, partition, offset, bytes, headers */
    int64_t time;                   /* event time */
    struct leat_bytes label_key;    /* canonical bytes of the join key as JSON text; empty without labels */
    const struct leat_bound *bound; /* who gave the score; NULL: nobody */
    const char *role;               /* "champion", "fallback", "" */
    double score;                   /* NaN: none */
    double raw;                     /* margin before the link; NaN: none */
    const double *features;         /* in the function's order, NaN is missing, or text: that is in the frame */
    const double *outputs;          /* all that the model gave; NULL: no output field asks */
    size_t output_count;
    const struct leat_reason_code *reasons; /* the largest first; NULL: no output field asks */
    size_t reason_count;
    const struct leat_value *frame; /* input frame, features and results included */
    uint32_t marks;
    uint64_t slow_sources;    /* bit s: sources[s] is beyond warn_after: counted, and nothing else */
    uint64_t stale_sources;   /* bit s: sources[s] is beyond error_after */
    bool withheld;            /* no output record */
    struct leat_bytes output; /* encoded; empty when withheld */
    struct leat_shadow_score shadows[LEAT_SHADOWS_MAX]; /* filled by leat_batch_shadow */
    size_t shadow_count;
    struct leat_reason reason; /* stage ≠ NONE: this event is a dead letter; no output */
};

#define LEAT_BATCH_MAX 256

/* Scratch of a worker: frames, matrix, arena. Allocates nothing once warm. */
struct leat_batch;
struct leat_batch *leat_batch_new(const struct leat_function *function);
void leat_batch_free(struct leat_batch *batch);
void leat_batch_reset(struct leat_batch *batch);
size_t leat_batch_count(const struct leat_batch *batch);
/* Applies an input event to the partition's windows, reads all aggregates and lookups, evaluates the features; one row.
 * `now`: µs, for limits.event_age (over files: the event's time). `apply` false: the event was applied before (a
 * redriven dead letter). An event whose features fail is a row with a reason. −1 only when the batch is full. */
int leat_batch_add(struct leat_batch *batch, struct leat_state *partition, struct leat_state *shared,
                   const struct leat_event *event, int64_t now, bool apply);
/* The same without features or a row: state only. For replays. −1: *reason. */
int leat_batch_replay(struct leat_batch *batch, struct leat_state *partition, struct leat_state *shared,
                      const struct leat_event *event, struct leat_reason *reason);
/* Scores all rows by champion or fallback, evaluates limits and outputs. */
void leat_batch_score(struct leat_batch *batch, const struct leat_lineup *lineup);
/* Scores the shadows on the same rows; after the answers have left. */
void leat_batch_shadow(struct leat_batch *batch, const struct leat_lineup *lineup);
const struct leat_result *leat_batch_result(const struct leat_batch *batch, size_t row);
/* A feature of a result as JSON: the text of a category, else its number; null is missing. */
void leat_result_put_feature(const struct leat_function *function, const struct leat_result *result, size_t feature,
                             struct leat_buffer *out);

#endif
