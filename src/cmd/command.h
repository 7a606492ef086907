/* A subcommand: one file each, one line in the table of main.c. */
#ifndef LEAT_CMD_COMMAND_H
#define LEAT_CMD_COMMAND_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct leat_option {
    const char *name;     /* "--from"; a single dash and letter may stand in `letter` */
    char letter;          /* 0: none */
    const char *argument; /* "TIME"; NULL: a switch */
    const char *summary;
};

struct leat_command {
    const char *name;
    const char *arguments;             /* "fn.yaml [VERSION] --why TEXT" */
    const char *summary;               /* one line */
    const char *details;               /* paragraphs for --help, with an example; may be NULL */
    const struct leat_option *options; /* ends with a NULL name */
    int (*run)(const struct leat_command *command, int argc,
               char **argv); /* argv[0] is the subcommand; returns the exit code */
};

#define LEAT_ARGUMENTS_MAX 64

/* The parsed command line: each option at most once unless `multiple` values are asked by leat_arguments_each. */
struct leat_arguments {
    const char *positional[LEAT_ARGUMENTS_MAX];
    size_t positional_count;
    const struct leat_option *option[LEAT_ARGUMENTS_MAX];
    const char *value[LEAT_ARGUMENTS_MAX]; /* NULL for a switch */
    size_t option_count;
};

/* Options may stand anywhere; "--name value" and "--name=value"; "--" ends them. --help prints the page and sets
 * *ret_help. LEAT_ERROR_USAGE names the unknown option and the nearest known one. */
int leat_arguments_parse(const struct leat_command *command, int argc, char **argv, struct leat_arguments *ret,
                         bool *ret_help, struct leat_error *err);
const char *leat_arguments_get(const struct leat_arguments *arguments,
                               const char *name); /* the last value; "" for a switch; NULL */
/* The next value of a repeated option; start with *iterator = 0; NULL at the end. */
const char *leat_arguments_each(const struct leat_arguments *arguments, const char *name, size_t *iterator);

/* The page that --help prints, on standard output. */
void leat_command_help(const struct leat_command *command);

/* Prints "leat <command>: <text>" on stderr and returns the kind's exit code. */
int leat_command_fail(const struct leat_command *command, const struct leat_error *err);

/* The table of main.c, in the order of the help page; NULL behind the last. */
const struct leat_command *leat_command_at(size_t index);

extern const struct leat_command leat_command_init;
extern const struct leat_command leat_command_check;
extern const struct leat_command leat_command_docs;
extern const struct leat_command leat_command_test;
extern const struct leat_command leat_command_run;
extern const struct leat_command leat_command_score;
extern const struct leat_command leat_command_features;
extern const struct leat_command leat_command_worth;
extern const struct leat_command leat_command_shadow;
extern const struct leat_command leat_command_promote;
extern const struct leat_command leat_command_rollback;
extern const struct leat_command leat_command_retire;
extern const struct leat_command leat_command_status;
extern const struct leat_command leat_command_history;
extern const struct leat_command leat_command_compare;
extern const struct leat_command leat_command_explain;
extern const struct leat_command leat_command_model; /* model add|list|show|diff|verify|predict */

#endif
