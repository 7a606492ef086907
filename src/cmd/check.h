/* leat check, in parts:
 *
 *   check.c           the command and its report
 *   check_records.c   the first records of every topic
 *   check_model.c     the versions in the registry, and whether they fit */
#ifndef LEAT_CMD_CHECK_H
#define LEAT_CMD_CHECK_H

#include "function/score.h"
#include "stream/stream.h"

struct leat_check_finding {
    bool note; /* worth knowing; no finding */
    const char *text;
};

/* What the first records of one source said. */
struct leat_check_topic {
    const struct leat_source *source;
    bool looked;        /* the rest is known */
    int32_t partitions; /* 0: the topic does not exist */
    uint64_t records, unread, heartbeats, tombstones, filtered, late;
    int64_t first, last;              /* event times; LEAT_TIME_NONE */
    uint64_t held_events, held_bytes; /* by all windows over it, of the records that were looked at */
};

struct leat_check_version {
    const char *model;
    uint32_t number;
    bool fits;
    uint64_t parity_rows;
    const char *format, *kernel;
    const char *answers;     /* the numbers that it gives, by name */
    const char *categories;  /* of its features, with their kinds; "" */
    const char *explanation; /* NULL: it can not explain itself */
    bool lacks_rows;         /* but could with parity rows */
    size_t features;
    const char *why; /* it does not fit */
};

struct leat_check {
    const struct leat_function *function;
    const char *files;  /* the folder of topics; NULL: Kafka */
    size_t records_max; /* of a topic that are looked at */
    struct leat_arena arena;
    struct leat_check_finding *findings;
    size_t finding_count, finding_capacity;
    struct leat_check_topic topics[LEAT_SOURCES_MAX + 1]; /* by source; the labels behind them */
    struct leat_check_version *versions;
    size_t version_count;
};

void leat_check_find(struct leat_check *check, bool note, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* −1: the environment (the rest of the report stands). */
int leat_check_records(struct leat_check *check, struct leat_stream *stream, int64_t now, struct leat_error *err);
int leat_check_models(struct leat_check *check, struct leat_error *err);
/* What has a role in the control log must fit: the service would not start, or would go on without it. */
int leat_check_roles(struct leat_check *check, struct leat_stream *stream, struct leat_error *err);

#endif
