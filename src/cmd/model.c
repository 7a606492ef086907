/* leat model: the registry of versions, and a model file tried out. One file for each action. */
#include "cmd/model.h"

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "registry/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *leat_registry_of(const struct leat_arguments *arguments)
{
    const char *told = leat_arguments_get(arguments, "--registry");
    const char *environment = getenv("LEAT_REGISTRY");
    if (told != NULL)
        return told;
    return environment != NULL && environment[0] != '\0' ? environment : "models";
}

bool leat_model_begin(const struct leat_command *command, int argc, char **argv, size_t min, size_t max,
                      struct leat_arguments *ret, int *ret_exit)
{
    struct leat_error err = {0};
    bool help = false;
    int status = leat_arguments_parse(command, argc, argv, ret, &help, &err);
    if (status == 0 && !help && (ret->positional_count < min || ret->positional_count > max))
        status = leat_error_set(&err, LEAT_ERROR_USAGE, "usage: leat %s %s", command->name, command->arguments);
    *ret_exit = status == 0 ? 0 : leat_command_fail(command, &err);
    return status == 0 && !help;
}

int leat_parse_version(const char *text, uint32_t *ret, struct leat_error *err)
{
    int64_t number;
    if (leat_int_parse(leat_bytes_of(text), &number) != 0 || number < 1 || number > UINT32_MAX)
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s' is not a version's number", text);
    *ret = (uint32_t)number;
    return 0;
}

int leat_newest_version(const char *root, const char *name, uint32_t *ret, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(root, name, &numbers, &count, err) != 0)
        return -1;
    if (count > 0)
        *ret = numbers[count - 1];
    free(numbers);
    return count > 0 ? 0 : leat_error_set(err, LEAT_ERROR_FINDING, "there is no model '%s' in '%s'", name, root);
}

/* ---- printing ---- */

void leat_show_time(int64_t time, char ret[32])
{
    if (time == LEAT_TIME_NONE)
        strcpy(ret, "-");
    else
        leat_time_format(time, ret);
}

void leat_put_name(struct leat_buffer *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        leat_buffer_append_text(out, ", ");
    leat_json_put_string(out, leat_bytes_of(name));
    leat_buffer_append_text(out, ": ");
}

void leat_put_text(struct leat_buffer *out, const char *name, const char *text)
{
    leat_put_name(out, name);
    leat_json_put_string(out, leat_bytes_of(text));
}

void leat_put_count(struct leat_buffer *out, const char *name, size_t count)
{
    leat_put_name(out, name);
    leat_json_put_int(out, (int64_t)count);
}

void leat_put_time(struct leat_buffer *out, const char *name, int64_t time)
{
    char text[32];
    leat_put_name(out, name);
    if (time == LEAT_TIME_NONE) {
        leat_buffer_append_text(out, "null");
        return;
    }
    leat_time_format(time, text);
    leat_json_put_string(out, leat_bytes_of(text));
}

/* ---- the family ---- */

static const struct leat_command *const actions[] = {
    &leat_command_model_add,  &leat_command_model_list,   &leat_command_model_show,
    &leat_command_model_diff, &leat_command_model_verify, &leat_command_model_predict,
};

#define ACTION_COUNT (sizeof actions / sizeof actions[0])

const struct leat_command *leat_model_action_at(size_t index)
{
    return index < ACTION_COUNT ? actions[index] : NULL;
}

/* What follows "model " in its name. */
static const char *action_name(size_t i)
{
    return actions[i]->name + strlen("model ");
}

static void print_actions(FILE *out)
{
    fprintf(out, "leat model: %s\n\nusage: leat model ACTION …\n\nactions:\n", leat_command_model.summary);
    for (size_t i = 0; i < ACTION_COUNT; i++)
        fprintf(out, "  %-8s %-52s %s\n", action_name(i), actions[i]->arguments, actions[i]->summary);
    fprintf(out, "\n'leat model ACTION --help' tells more of one, with an example.\n");
}

static int run_model(const struct leat_command *command, int argc, char **argv)
{
    struct leat_error err = {0};
    const char *names[ACTION_COUNT];
    if (argc < 2) {
        print_actions(stderr);
        return LEAT_ERROR_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_actions(stdout);
        return 0;
    }
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        names[i] = action_name(i);
        if (strcmp(names[i], argv[1]) == 0)
            return actions[i]->run(actions[i], argc - 1, argv + 1);
    }
    const char *nearest = leat_nearest(leat_bytes_of(argv[1]), names, ACTION_COUNT);
    leat_error_set(&err, LEAT_ERROR_USAGE, "there is no action '%s'%s%s%s; see 'leat model --help'", argv[1],
                   nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "'?");
    return leat_command_fail(command, &err);
}

const struct leat_command leat_command_model = {
    .name = "model",
    .arguments = "add|list|show|diff|verify|predict …",
    .summary = "keep versions of models, and try them out",
    .run = run_model,
};
