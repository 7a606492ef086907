/* What fields a record declares, and which of them a function reads.
 *
 * A schema is a tree of fields (objects and lists may nest). A function reads scalar leaves by a path such as `a.b[0]`;
 * each distinct path becomes one slot of a projection, and decoding fills an array of values by slot and looks at
 * nothing else. Both are immutable once a function is compiled, and live in its arena. */
#ifndef LEAT_EVENT_SCHEMA_H
#define LEAT_EVENT_SCHEMA_H

#include "base/arena.h"
#include "base/error.h"
#include "event/value.h"

enum leat_encoding {
    LEAT_ENCODING_PLAIN,
    LEAT_ENCODING_TIME_S,    /* timestamp_s: an integer or decimal number of seconds */
    LEAT_ENCODING_TIME_MS,   /* timestamp_ms: an integer count */
    LEAT_ENCODING_TIME_US,   /* timestamp_us */
    LEAT_ENCODING_TIME_TEXT, /* timestamp: RFC 3339 text */
};

enum leat_field_kind { LEAT_FIELD_SCALAR, LEAT_FIELD_OBJECT, LEAT_FIELD_LIST };

struct leat_field {
    struct leat_bytes name; /* empty for the element of a list */
    enum leat_field_kind kind;
    enum leat_type type;         /* SCALAR */
    enum leat_encoding encoding; /* SCALAR of type TIME */
    struct leat_field *children; /* OBJECT: its fields; LIST: one, the element */
    size_t count;
};

struct leat_schema {
    struct leat_field *fields;
    size_t count;
};

/* "string", "int", "double", "bool", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_us". -1: no such name. */
int leat_field_type_parse(struct leat_bytes name, enum leat_type *ret_type, enum leat_encoding *ret_encoding);
const char *leat_field_type_name(enum leat_type type, enum leat_encoding encoding);

struct leat_path_step {
    struct leat_bytes name; /* of a member; data NULL: an index into a list */
    uint32_t index;
};

struct leat_slot {
    struct leat_bytes path; /* as written, e.g. "a.b[0]" */
    struct leat_path_step *steps;
    size_t step_count;
    enum leat_type type;
    enum leat_encoding encoding;
};

struct leat_projection {
    struct leat_slot *slots;
    size_t count;
    size_t capacity;
};

/* The slot of a path, added when it is new. LEAT_ERROR_FINDING: no such field (with the nearest name), not a scalar, an
 * index where no list is. The text names the path, and no place. Memory from the arena. */
int leat_projection_slot(struct leat_projection *projection, const struct leat_schema *schema, struct leat_bytes path,
                         struct leat_arena *arena, size_t *ret_slot, struct leat_error *err);

#endif
