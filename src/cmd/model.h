/* Inside the commands: what the actions of `leat model` share. */
#ifndef LEAT_CMD_MODEL_H
#define LEAT_CMD_MODEL_H

#include "base/bytes.h"
#include "cmd/command.h"

#include <stdint.h>

#define OPTION_REGISTRY                                                                       \
    {                                                                                         \
        "--registry", 0, "DIR", "the folder of versions (else $LEAT_REGISTRY, else ./models)" \
    }
#define OPTION_JSON                     \
    {                                   \
        "--json", 0, NULL, "print JSON" \
    }

/* Parses the arguments, of which min to max are without a name. false: that was all (--help, or a mistake that is
 * told by now), and *ret_exit is the exit code. */
bool leat_model_begin(const struct leat_command *command, int argc, char **argv, size_t min, size_t max,
                      struct leat_arguments *ret, int *ret_exit);
const char *leat_registry_of(const struct leat_arguments *arguments);
int leat_parse_version(const char *text, uint32_t *ret, struct leat_error *err);
int leat_newest_version(const char *root, const char *name, uint32_t *ret, struct leat_error *err);

/* Members of a JSON object, one behind the other. */
void leat_put_name(struct leat_buffer *out, const char *name);
void leat_put_text(struct leat_buffer *out, const char *name, const char *text);
void leat_put_count(struct leat_buffer *out, const char *name, size_t count);
void leat_put_time(struct leat_buffer *out, const char *name, int64_t time);
void leat_show_time(int64_t time, char ret[32]); /* "-": none */

/* The actions in the order of the help page; NULL behind the last. */
const struct leat_command *leat_model_action_at(size_t index);

extern const struct leat_command leat_command_model_add;
extern const struct leat_command leat_command_model_list;
extern const struct leat_command leat_command_model_show;
extern const struct leat_command leat_command_model_verify;
extern const struct leat_command leat_command_model_diff;
extern const struct leat_command leat_command_model_predict;

#endif
