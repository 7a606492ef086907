/* Within the loader: the function file, read by the table of options, before anything is compiled.
 *
 *   options.c        the table: every key, its type, its default, and where its value goes
 *   load_draft.c     YAML → draft, by the table; ${…}; unknown keys
 *   load_sources.c   topics, schemas, keys and times
 *   load_expr.c      every expression, against the frame
 *   load.c           all of it in order, and the checks between the parts */
#ifndef LEAT_FUNCTION_LOAD_H
#define LEAT_FUNCTION_LOAD_H

#include "function/function.h"
#include "function/state.h"

enum leat_option_type {
    LEAT_OPTION_SECTION,       /* a mapping with keys of the table */
    LEAT_OPTION_TEXT,          /* any scalar */
    LEAT_OPTION_NAME,          /* letters, digits, '.', '_', '-' : functions, topics, models */
    LEAT_OPTION_DURATION,      /* more than 0 */
    LEAT_OPTION_DURATION_ZERO, /* 0 is allowed */
    LEAT_OPTION_CHOICE,        /* "one|of|these" */
    LEAT_OPTION_FORMAT,
    LEAT_OPTION_EXPRESSION,
    LEAT_OPTION_WINDOW,
    LEAT_OPTION_FIELD,  /* a path into the schema */
    LEAT_OPTION_FIELDS, /* one, or a list of them */
    LEAT_OPTION_SCHEMA,
};

#define LEAT_OPTION_NOWHERE ((size_t)-1)

struct leat_option_row {
    const char *section, *key; /* key "*": a name of the user's choice */
    enum leat_option_type type;
    size_t offset;                /* of a struct leat_given in the section's object (key "*": of a list), or NOWHERE */
    struct leat_option_help help; /* the type's text holds the choices */
};
const struct leat_option_row *leat_option_rows(size_t *ret_count);

/* A value of the file. */
struct leat_given {
    const struct leat_yaml *node; /* NULL: not in the file */
    const char *text;             /* of a scalar, with ${…} filled in; of the default */
    int64_t number;               /* DURATION: µs; CHOICE: which; FORMAT: enum leat_format */
    bool secret;                  /* holds something from ${…}: must not be shown */
};

struct leat_named {
    const char *name;
    const struct leat_yaml *key;
    struct leat_given given;
};

struct leat_named_list {
    struct leat_named *items;
    size_t count;
};

struct leat_source_draft {
    const char *name;
    const struct leat_yaml *at; /* its name in the file */
    struct leat_given topic, key, event_time, schema, format, scope, heartbeat, warn_after, error_after; /* any */
    struct leat_given grace, max_ahead, filter;                                                          /* input */
    struct leat_given ttl;                                                                               /* tables */
};

struct leat_source_list {
    struct leat_source_draft *items;
    size_t count;
};

struct leat_draft {
    struct leat_given name, input_section, model, labels, output; /* of a section: that it is there, and where */
    struct leat_named_list kafka, windows, features, output_value;
    struct leat_source_draft input, label_source;
    struct leat_source_list streams, tables;
    struct leat_given model_name, model_output, model_max_age, on_stale, fallback, registry;
    struct leat_given label_value, label_wait;
    struct leat_given output_topic, output_format, output_meta;
    struct leat_given decisions_topic, control_topic, dead_letter_topic, tolerance, guarantee, event_age;
};

struct leat_loader {
    const struct leat_yaml_document *document;
    struct leat_function *function; /* its arena owns all that is kept */
    struct leat_draft draft;
    struct leat_error *err;
};

/* Fills loader->draft from the document. */
int leat_load_draft(struct leat_loader *loader);
/* Fills function->sources (without projections and expressions) and labels.source. */
int leat_load_sources(struct leat_loader *loader);
/* Compiles all expressions and lays out the frame. */
int leat_load_expressions(struct leat_loader *loader);

/* A source's draft: of sources[index], or the labels'. */
const struct leat_source_draft *leat_load_source_draft(const struct leat_loader *loader, size_t index);

/* A path of the file: a relative one begins at the file's folder. */
const char *leat_load_path(const struct leat_loader *loader, const char *path);

/* A scalar with ${…} filled in. */
int leat_load_scalar(const struct leat_loader *loader, const struct leat_yaml *node, struct leat_given *ret);

/* An error at a node. Returns -1. */
int leat_load_fail(const struct leat_loader *loader, const struct leat_yaml *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Gives the error that is there the value's place; its text is replaced when it could show a secret. Returns -1. */
int leat_load_place(const struct leat_loader *loader, const struct leat_given *given);
/* The value's text for an error. */
const char *leat_load_shown(const struct leat_given *given);
/* Where the text of a scalar begins: behind the quote, or below the '|'. */
struct leat_expr_place leat_load_text_place(const struct leat_loader *loader, const struct leat_yaml *node);

#endif
