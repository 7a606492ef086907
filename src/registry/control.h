/* The control log: every change of role, by whom, when and why, in one partition that is never compacted or expired
 * (docs/reference/control-log.md). The lineup is a fold over it: pure, fed record by record as they come.
 *
 * A role record names the offset of the last accepted role record before it. Of two operators at once the second names one
 * that is no longer the last, so all readers ignore it alike. */
#ifndef LEAT_REGISTRY_CONTROL_H
#define LEAT_REGISTRY_CONTROL_H

#include "base/bytes.h"
#include "base/error.h"
#include "function/score.h"
#include "stream/stream.h"

#define LEAT_CONTROL_VERSION 1

enum leat_role_action { LEAT_ROLE_SHADOW, LEAT_ROLE_PROMOTE, LEAT_ROLE_ROLLBACK, LEAT_ROLE_RETIRE };
#define LEAT_ROLE_ACTIONS 4
const char *leat_role_action_name(enum leat_role_action action); /* "shadow", "promote", "rollback", "retire" */

struct leat_role_record {
    int64_t time; /* µs */
    const char *by, *why;
    enum leat_role_action action;
    const char *model;
    uint32_t version;    /* rollback: the one that is to serve again; 0: whichever was previous */
    const char *digest;  /* the function's */
    int64_t predecessor; /* offset of the last accepted role record; −1: none */
    bool forced;
    struct leat_bytes evidence; /* a JSON object as text; empty: none */
};

/* Written by the worker that switched a partition. */
struct leat_applied_record {
    int64_t control_offset; /* of the role record */
    int32_t partition;      /* of the input */
    int64_t input_offset;   /* the first event under the new lineup */
    int64_t time;           /* µs; LEAT_TIME_NONE: over files, before the first event */
    int64_t micros;         /* how long the switch kept events waiting */
};

/* Append one JSON object without line end. */
int leat_role_record_put(const struct leat_role_record *record, struct leat_buffer *out);
int leat_applied_record_put(const struct leat_applied_record *record, struct leat_buffer *out);

enum leat_control_kind {
    LEAT_CONTROL_ACCEPTED, /* a role record; the lineup is now another, unless it is about another model */
    LEAT_CONTROL_IGNORED,  /* a role record without effect: `reason` */
    LEAT_CONTROL_APPLIED,
    LEAT_CONTROL_UNKNOWN, /* neither of the two types, or no record of ours at all: `reason` */
};

/* One record as the fold took it; valid until the fold's next record. */
struct leat_control_event {
    enum leat_control_kind kind;
    int64_t offset;
    const char *reason;                 /* IGNORED, UNKNOWN; otherwise "" */
    struct leat_role_record role;       /* ACCEPTED, IGNORED */
    struct leat_applied_record applied; /* APPLIED */
};

struct leat_role {
    uint32_t version;     /* 0: nobody */
    int64_t since;        /* time of the record that gave the role, µs; LEAT_TIME_NONE: by the rule for an empty log */
    int64_t offset;       /* of that record; −1 */
    const char *by, *why; /* owned by the fold */
};

struct leat_roles {
    struct leat_role champion, previous;
    struct leat_role shadows[LEAT_SHADOWS_MAX];
    size_t shadow_count;
    int64_t last; /* offset of the last accepted role record: the predecessor of the next; −1: none */
};

struct leat_control; /* the fold, for one model of a function; one thread */
struct leat_control *leat_control_new(const char *model);
void leat_control_free(struct leat_control *control); /* NULL is fine */
/* Takes the next record (offsets ascend; value.data NULL is a tombstone) and says what became of it. Any bytes do. */
const struct leat_control_event *leat_control_feed(struct leat_control *control, int64_t offset,
                                                   struct leat_bytes value);
/* When a record says that it was written, without a fold: for merging a file's records by time. -1: it does not say. */
int leat_control_time(struct leat_bytes value, int64_t *ret);
const struct leat_roles *leat_control_roles(const struct leat_control *control);
/* The same with the rule for a log without an accepted role record: the newest version (0: the registry has none)
 * enters as a shadow, and nobody serves. */
void leat_control_lineup(const struct leat_control *control, uint32_t newest, struct leat_roles *ret);
/* Whether the fold would accept it; -1 and a finding with the reason. `predecessor` is not looked at. */
int leat_control_try(const struct leat_control *control, const struct leat_role_record *record, struct leat_error *err);

/* Reads the whole log up to its present end through a fold; `visit` (may be NULL) sees each record. A topic that does
 * not exist is an empty log. FILES: records whose time is after `until` are left (LEAT_TIME_MAX: none). */
int leat_control_read(struct leat_stream *stream, const char *topic, int64_t until, struct leat_control *control,
                      void (*visit)(void *self, const struct leat_control_event *event), void *self,
                      struct leat_error *err);

#endif
