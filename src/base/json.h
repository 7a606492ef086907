/* JSON: a read-only tree for configuration, models and records of ours (events are decoded by event/json, without a
 * tree), and a writer. simdjson behind a C face. */
#ifndef LEAT_BASE_JSON_H
#define LEAT_BASE_JSON_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum leat_json_type {
    LEAT_JSON_NULL,
    LEAT_JSON_BOOL,
    LEAT_JSON_INT, /* fits int64 */
    LEAT_JSON_DOUBLE,
    LEAT_JSON_STRING,
    LEAT_JSON_ARRAY,
    LEAT_JSON_OBJECT,
};

struct leat_json_member;

/* A node; owned by its document. Strings are UTF-8 views into the document and NUL-terminated. */
struct leat_json {
    enum leat_json_type type;
    uint32_t count; /* of elements or members */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct leat_bytes string;
        const struct leat_json *elements;       /* ARRAY */
        const struct leat_json_member *members; /* OBJECT, in file order */
    } as;
};

struct leat_json_member {
    struct leat_bytes name;
    struct leat_json value;
};

struct leat_json_document; /* owns the tree */
struct leat_arena;

enum leat_json_flags {
    LEAT_JSON_STRICT = 0,
    LEAT_JSON_NONFINITE = 1, /* bare NaN, Infinity, -Infinity are DOUBLEs (Python's and XGBoost's writers make them) */
};

/* Parses the whole text (copied). Depth is at most 256; duplicate member names: the first wins in leat_json_get.
 * The error text says the byte offset (line:column) and what was met. */
int leat_json_parse(struct leat_bytes text, int flags, struct leat_json_document **ret, struct leat_error *err);
/* The same, but members of these names (the last is NULL) may be null whatever they are: large ones that nobody reads. */
int leat_json_parse_without(struct leat_bytes text, int flags, const char *const *unwanted,
                            struct leat_json_document **ret, struct leat_error *err);
/* An empty document (its root is null) for another parser to fill in: base/ubjson.h. */
struct leat_json_document *leat_json_document_new(struct leat_arena **ret_arena, struct leat_json **ret_root);
void leat_json_free(struct leat_json_document *document); /* NULL is fine */
const struct leat_json *leat_json_root(const struct leat_json_document *document);

const struct leat_json *leat_json_get(const struct leat_json *object,
                                      const char *name);                           /* NULL: absent or not an object */
const struct leat_json *leat_json_at(const struct leat_json *array, size_t index); /* NULL: beyond, or no array */
const char *leat_json_text(const struct leat_json *node, const char *otherwise);   /* of a STRING */
/* INT and DOUBLE as double. false when it is neither (or NULL). */
bool leat_json_number(const struct leat_json *node, double *ret);
bool leat_json_integer(const struct leat_json *node, int64_t *ret);
const char *leat_json_type_name(enum leat_json_type type);

/* Writing: append to a buffer. Strings are escaped; invalid UTF-8 bytes become U+FFFD. */
int leat_json_put_string(struct leat_buffer *out, struct leat_bytes text);
/* Shortest digits that read back to the same double; a whole number has no point ("3"). NaN and infinities: null. */
int leat_json_put_double(struct leat_buffer *out, double number);
int leat_json_put_float(struct leat_buffer *out, float number); /* the shortest that reads back to the same float */
int leat_json_put_int(struct leat_buffer *out, int64_t number);
/* The tree again, compact. NaN and infinities: null. */
int leat_json_put(struct leat_buffer *out, const struct leat_json *node);

/* Text of a number: the whole text must be one number in JSON's or C's decimal notation (no hex, no "nan").
 * Correctly rounded, independent of the locale. -1 if it is not one. */
int leat_double_parse(struct leat_bytes text, double *ret);
int leat_float_parse(struct leat_bytes text, float *ret); /* rounded once, to float */
int leat_int_parse(struct leat_bytes text, int64_t *ret);
/* Shortest round-trip digits; "NaN", "Infinity", "-Infinity". At most 32 bytes with NUL; returns the length. */
size_t leat_double_format(double number, char ret[32]);
size_t leat_float_format(float number, char ret[32]);
bool leat_utf8_valid(struct leat_bytes text);
size_t leat_utf8_prefix(struct leat_bytes text); /* the length of its longest valid beginning; slower, for errors */

#endif
