/* A function: the YAML file compiled to an immutable plan that workers share.
 *
 * load.c reads the file by the table of options.c and compiles every expression; score.c runs the plan. The structs
 * are open to the floors above (engine, observe, cmd), which read them and never write. */
#ifndef LEAT_FUNCTION_FUNCTION_H
#define LEAT_FUNCTION_FUNCTION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/yaml.h"
#include "event/codec.h"
#include "event/schema.h"
#include "expr/expr.h"
#include "model/version.h"
#include "state/table.h"
#include "state/windows.h"

#include <stdbool.h>

#define LEAT_SOURCES_MAX 64 /* input, streams and tables together: marks are a 64-bit set of them */
#define LEAT_FEATURES_MAX 4096
#define LEAT_SHADOWS_MAX 8

enum leat_source_kind { LEAT_SOURCE_TABLE, LEAT_SOURCE_STREAM, LEAT_SOURCE_INPUT }; /* in the order of ties */

enum leat_guarantee { LEAT_AT_LEAST_ONCE, LEAT_EXACTLY_ONCE };
enum leat_on_stale { LEAT_STALE_WARN, LEAT_STALE_MARK, LEAT_STALE_FALLBACK, LEAT_STALE_STOP };

struct leat_setting { /* passed through to the client unchanged */
    const char *name, *value;
    bool secret; /* came from ${…}: never shown */
};

/* One column of the windows' logs: filter first, then the argument. */
struct leat_window_input {
    const struct leat_expr *argument; /* NULL: the constant 1 is remembered (count(*) with a filter) */
    const struct leat_expr *filter;   /* NULL: none */
};

/* One log per key of one source's events, with all aggregates that read it. */
struct leat_function_window {
    size_t source;
    struct leat_window_plan plan;
    const struct leat_expr *const *stream_key; /* over the source's own frame */
    const struct leat_expr *const *input_key;  /* over the input's frame */
    size_t key_count;
    const enum leat_type *key_types;
    const struct leat_window_input *columns; /* plan.column_count */
    size_t frame_slot;                       /* aggregate i is written to the input frame's slot frame_slot + i */
    bool global;                             /* the worker's (scope: global), not the partition's */
    int64_t range_max;                       /* of its aggregates; LEAT_RANGE_NONE if any has none */
};

/* One table[key]: evaluated in order, so that a key may use an earlier lookup's column. */
struct leat_function_lookup {
    size_t source; /* of kind TABLE */
    const struct leat_expr *const *keys;
    size_t key_count;
    const enum leat_type *key_types;
    size_t frame_slot; /* the table's columns are written to slots frame_slot … + column_count − 1 */
};

struct leat_source {
    enum leat_source_kind kind;
    const char *name; /* "input", or the stream's or table's */
    const char *topic;
    enum leat_format format;
    int line; /* of its key in the file, for messages */
    struct leat_schema schema;
    struct leat_projection projection; /* slots 0 … of its frame, in this order */
    const size_t *key_slots;           /* the field(s) by which it is partitioned (a table: looked up) */
    size_t key_count;
    int time_slot;                     /* −1: a table without event_time */
    const struct leat_expr *heartbeat; /* NULL: none. BOOL over its frame: such a record only moves the clock */
    bool global;
    int64_t warn_after, error_after; /* µs; 0: no limit */
    /* input */
    int64_t grace, max_ahead;
    const struct leat_expr *filter; /* NULL: none. Input: events for which it is not true are neither applied nor scored */
    /* table */
    struct leat_table_plan table;
    const size_t *table_slots; /* the row's columns: column i is the projection's slot table_slots[i] */
};

struct leat_feature {
    const char *name;
    enum leat_type type;
    const struct leat_expr *expr;
    int line;
};

enum leat_output_kind {
    LEAT_OUTPUT_VALUE,   /* an expression over the input frame with features and results */
    LEAT_OUTPUT_LIST,    /* `outputs`: all that the model gives, as a JSON array */
    LEAT_OUTPUT_REASONS, /* `reasons(k)`: the features that moved the score most, as a JSON array */
};

#define LEAT_REASONS_MAX 64
#define LEAT_REASONS_STANDARD 3

struct leat_output_field {
    struct leat_out_field field;
    enum leat_output_kind kind;
    const struct leat_expr *expr; /* VALUE; else NULL */
    size_t reasons;               /* REASONS: at most so many */
};

/* Results in the frame, behind the features: what output expressions may name. */
enum leat_result_slot {
    LEAT_RESULT_SCORE,           /* score: DOUBLE; null when there is none */
    LEAT_RESULT_MODEL_NAME,      /* model.name */
    LEAT_RESULT_MODEL_VERSION,   /* model.version: INT */
    LEAT_RESULT_MODEL_ROLE,      /* model.role: 'champion' or 'fallback' */
    LEAT_RESULT_MODEL_THRESHOLD, /* model.threshold: DOUBLE; null when the version has none */
    LEAT_RESULT_MARKS,           /* marks: STRING, comma-separated; '' */
    /* What follows gives way to a column or a feature of its name. */
    LEAT_RESULT_MARGIN, /* margin: DOUBLE; the sum before the link that the score was made from */
    LEAT_RESULT_CLASS,  /* class: STRING; the name of a classifier's answer */
    LEAT_RESULT_SLOTS
};

struct leat_label_plan {
    bool present;
    struct leat_source source;     /* topic, schema, projection, time_slot */
    size_t key_slot;               /* in its projection: joined with… */
    size_t input_slot;             /* …this slot of the input's projection */
    const struct leat_expr *value; /* BOOL or number over its frame; null: no label */
    int64_t wait;
};

struct leat_function {
    const char *name;
    const char *file;
    char digest[LEAT_DIGEST_TEXT]; /* of the file's text as written (secrets are not in it) */
    const struct leat_setting *kafka;
    size_t kafka_count;
    const char *registry; /* folder of model versions: `model.registry`, or ./models beside the file */

    /* sources[0] is the input; then streams, then tables, as declared. */
    struct leat_source *sources;
    size_t source_count;

    struct leat_function_window *windows;
    size_t window_count;
    struct leat_function_lookup *lookups;
    size_t lookup_count;
    struct leat_feature *features;
    size_t feature_count;
    struct leat_output_field *outputs;
    size_t output_count;

    /* The input frame: event slots, aggregates, lookups, features, results, answers. */
    size_t frame_aggregates, frame_lookups, frame_features, frame_results, frame_size;
    size_t registers; /* the most that any expression needs */

    /* What the outputs ask of a model beside the score. */
    const char *const *answers; /* outputs['NAME']: the i-th is the frame's slot frame_results + LEAT_RESULT_SLOTS + i */
    size_t answer_count;
    bool uses_class, uses_list;
    size_t reason_count; /* the most of any field; 0: none asks */

    const char *model_name; /* NULL: a function without a model */
    const char *model_output; /* which number of the model's answer is the score: leat_version_answer; NULL: its default */
    int64_t model_max_age;    /* µs; 0: none */
    enum leat_on_stale on_stale;
    const char *fallback_name; /* NULL: none */

    struct leat_label_plan labels;

    const char *output_topic; /* NULL: none */
    enum leat_format output_format;
    const char *output_meta;     /* name of the field with version and marks that is added to each output; NULL: none */
    const char *decisions_topic; /* NULL: none */
    const char *dead_letter_topic; /* NULL: none: dead letters are only counted */
    const char *control_topic;     /* default "<function>.control" */
    enum leat_guarantee guarantee;
    int64_t event_age;       /* µs; 0: no limit */
    int64_t commit_interval; /* µs */

    struct leat_arena arena; /* owns all of it */
};

/* Reads and compiles. All errors carry file:line:column. */
int leat_function_load(const char *file, struct leat_function **ret, struct leat_error *err);
/* The same from text; `file` is for messages and for the folder of relative paths. */
int leat_function_parse(const char *file, struct leat_bytes text, struct leat_function **ret, struct leat_error *err);
void leat_function_free(struct leat_function *function); /* NULL is fine */

/* A source by name or topic, or −1. */
int leat_function_source(const struct leat_function *function, const char *name_or_topic);

/* A row of the table of options, for --help and the reference page. */
struct leat_option_help {
    const char *path;     /* "input.grace", "streams.*.topic" */
    const char *type;     /* "duration", "text", "expression", … */
    const char *standard; /* the default as text; "": none; "required" */
    const char *summary;
};
const struct leat_option_help *leat_function_option(size_t index); /* in file order; NULL beyond the last */

#endif
