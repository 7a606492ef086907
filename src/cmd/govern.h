/* What the commands about versions share: a function, its topics, and who serves, read from the control log. */
#ifndef LEAT_CMD_GOVERN_H
#define LEAT_CMD_GOVERN_H

#include "cmd/command.h"
#include "function/function.h"
#include "registry/control.h"

#define LEAT_GOVERN_FILES                                                                     \
    {                                                                                         \
        "--files", 0, "DIR", "topics are DIR/<topic>.jsonl (csv, gz, zst) instead of Kafka's" \
    }
#define LEAT_GOVERN_JSON                \
    {                                   \
        "--json", 0, NULL, "print JSON" \
    }

struct leat_govern {
    struct leat_function *function;
    const char *files; /* NULL: Kafka */
    struct leat_stream *stream;
    struct leat_control *control; /* fed by leat_govern_read */
    /* How far `leat run` has come: the largest committed watermark; LEAT_TIME_NONE: it has not committed. Looked up over
     * files only; there it is what `now` means. */
    int64_t watermark;
};

/* Loads positional[0], which must have a model, and opens its topics. The number of positional arguments is checked. */
int leat_govern_open(const struct leat_command *command, const struct leat_arguments *arguments, size_t max,
                     struct leat_govern *ret, struct leat_error *err);
void leat_govern_close(struct leat_govern *govern); /* also of a half-open one */

/* Reads the control log from its start into a new fold. */
int leat_govern_read(struct leat_govern *govern, void (*visit)(void *self, const struct leat_control_event *event),
                     void *self, struct leat_error *err);
/* Who has which role, with the rule for an empty log. */
int leat_govern_roles(const struct leat_govern *govern, struct leat_roles *ret, struct leat_error *err);

/* The time by which a role changes or labels are known now: over files the watermark, or the beginning of time where
 * nothing has run; else the wall clock. */
int64_t leat_govern_now(const struct leat_govern *govern);

int leat_govern_version(const char *text, uint32_t *ret, struct leat_error *err); /* USAGE: no version's number */
int leat_govern_time(const struct leat_arguments *arguments, const char *option, int64_t *ret,
                     struct leat_error *err);                  /* absent: NONE */
const char *leat_govern_time_text(int64_t time, char ret[32]); /* "-" for LEAT_TIME_NONE */
/* Parses, opens, calls, closes, and makes the exit code. */
int leat_govern_main(const struct leat_command *command, int argc, char **argv, size_t positional_max,
                     int (*act)(const struct leat_command *command, const struct leat_arguments *arguments,
                                struct leat_govern *govern, struct leat_error *err));

#endif
