/* YAML as a read-only tree in which every node knows its line and column. libyaml behind it.
 *
 * Refused, with the place: several documents, duplicate keys, more than 10,000 nodes, 1 MiB of text or 32 levels (an
 * alias counts as what it stands for), keys that are not scalars, tags other than the plain ones, invalid UTF-8. */
#ifndef LEAT_BASE_YAML_H
#define LEAT_BASE_YAML_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum leat_yaml_type { LEAT_YAML_SCALAR, LEAT_YAML_SEQUENCE, LEAT_YAML_MAPPING };

struct leat_yaml_member;

struct leat_yaml {
    enum leat_yaml_type type;
    bool quoted;                            /* a scalar in quotes or as a block: never null, never a number */
    int line, column;                       /* from 1 */
    struct leat_bytes text;                 /* SCALAR; NUL-terminated behind */
    size_t count;                           /* of elements or members */
    const struct leat_yaml *elements;       /* SEQUENCE */
    const struct leat_yaml_member *members; /* MAPPING, in file order */
};

struct leat_yaml_member {
    struct leat_yaml key; /* SCALAR */
    struct leat_yaml value;
};

struct leat_yaml_document {
    const struct leat_yaml *root; /* NULL for an empty file */
    const char *file;             /* the name used in errors */
    struct leat_bytes source;     /* the whole text, for showing a line with a caret */
    void *memory;
};

/* `file` is only a name for messages; the text is copied. Errors read "fn.yaml:3:7: …". */
int leat_yaml_parse(const char *file, struct leat_bytes text, struct leat_yaml_document *ret, struct leat_error *err);
void leat_yaml_done(struct leat_yaml_document *document);

const struct leat_yaml *leat_yaml_get(const struct leat_yaml *mapping, const char *key); /* NULL: absent */
bool leat_yaml_is_null(const struct leat_yaml *node); /* NULL, or a plain scalar that is empty, ~ or null */

/* An error at a node: "fn.yaml:3:7: <sentence>" and below it the source line with a caret under the column.
 * Returns -1. */
int leat_yaml_error(const struct leat_yaml_document *document, int line, int column, struct leat_error *err,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));
#define leat_yaml_error(...) ((void)(leat_yaml_error)(__VA_ARGS__), leat_failed())

#endif
