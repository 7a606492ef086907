/* Fields of the records that leat itself writes as JSON: decisions and the control log. */
#ifndef LEAT_OBSERVE_FIELDS_H
#define LEAT_OBSERVE_FIELDS_H

#include "base/json.h"

/* Time in such a record is in milliseconds, with the microseconds behind the point where there are any: exact from 1692 to
 * 2248, where a double still tells microseconds apart. */
int leat_field_put_time(struct leat_buffer *out, int64_t us);

/* Each reads one member of `record`; -1 and a finding that names `what` ("decision record"), the member and what it is. */
int leat_field_text(const char *what, const struct leat_json *record, const char *name, const char **ret,
                    struct leat_error *err);
int leat_field_integer(const char *what, const struct leat_json *record, const char *name, int64_t min, int64_t max,
                       int64_t *ret, struct leat_error *err);
int leat_field_time(const char *what, const struct leat_json *record, const char *name, int64_t *ret,
                    struct leat_error *err);
/* null, and nothing when it is optional, is NaN. */
int leat_field_number(const char *what, const struct leat_json *record, const char *name, bool optional, double *ret,
                      struct leat_error *err);
/* An OBJECT or an ARRAY. */
int leat_field_list(const char *what, const struct leat_json *record, const char *name, enum leat_json_type type,
                    const struct leat_json **ret, struct leat_error *err);
/* The finding itself: `node` is not `wanted` ("a string"), or NULL and missing. Returns -1. */
int leat_field_wrong(const char *what, const char *name, const char *wanted, const struct leat_json *node,
                     struct leat_error *err);

#endif
