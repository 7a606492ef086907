/* Parsing a command line against a command's table of options, and the help page made from the same table. */
#include "cmd/command.h"

#include "base/bytes.h"
#include "base/map.h"

#include <stdio.h>
#include <string.h>

/* ---- help ---- */

static void print_option(const struct leat_option *option)
{
    char left[64];
    char letter[8] = "";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "%s%s%s%s", letter, option->name, option->argument == NULL ? "" : " ",
             option->argument == NULL ? "" : option->argument);
    if (strlen(left) > 24)
        printf("  %s\n  %-24s  %s\n", left, "", option->summary);
    else
        printf("  %-24s  %s\n", left, option->summary);
}

void leat_command_help(const struct leat_command *command)
{
    printf("leat %s: %s\n\nusage: leat %s%s%s\n", command->name, command->summary, command->name,
           command->arguments[0] == '\0' ? "" : " ", command->arguments);
    if (command->options != NULL && command->options[0].name != NULL)
        printf("\noptions:\n");
    for (const struct leat_option *option = command->options; option != NULL && option->name != NULL; option++)
        print_option(option);
    if (command->details != NULL)
        printf("\n%s\n", command->details);
}

/* ---- parsing ---- */

static size_t count_options(const struct leat_option *options)
{
    size_t count = 0;
    while (options != NULL && options[count].name != NULL)
        count++;
    return count;
}

static const struct leat_option *find_long(const struct leat_command *command, struct leat_bytes name)
{
    for (const struct leat_option *option = command->options; option != NULL && option->name != NULL; option++)
        if (leat_bytes_is(name, option->name))
            return option;
    return NULL;
}

static const struct leat_option *find_letter(const struct leat_command *command, char letter)
{
    for (const struct leat_option *option = command->options; option != NULL && option->name != NULL; option++)
        if (option->letter == letter)
            return option;
    return NULL;
}

static int unknown(const struct leat_command *command, struct leat_bytes name, struct leat_error *err)
{
    const char *known[LEAT_ARGUMENTS_MAX + 1];
    size_t count = count_options(command->options);
    leat_assert(count <= LEAT_ARGUMENTS_MAX);
    for (size_t i = 0; i < count; i++)
        known[i] = command->options[i].name;
    known[count++] = "--help";
    const char *nearest = leat_nearest(name, known, count);
    if (nearest == NULL)
        return leat_error_set(err, LEAT_ERROR_USAGE, "unknown option '%.*s'; see 'leat %s --help'",
                              LEAT_BYTES_FORMAT(name), command->name);
    return leat_error_set(err, LEAT_ERROR_USAGE, "unknown option '%.*s'; did you mean '%s'?", LEAT_BYTES_FORMAT(name),
                          nearest);
}

static int add_option(struct leat_arguments *arguments, const struct leat_option *option, const char *value,
                      struct leat_error *err)
{
    if (arguments->option_count == LEAT_ARGUMENTS_MAX)
        return leat_error_set(err, LEAT_ERROR_USAGE, "more than %d options", LEAT_ARGUMENTS_MAX);
    arguments->option[arguments->option_count] = option;
    arguments->value[arguments->option_count++] = value;
    return 0;
}

/* The value is behind '=' or is the next argument, whatever that looks like. */
static int take_option(const struct leat_command *command, const struct leat_option *option, const char *behind,
                       int argc, char **argv, int *at, struct leat_arguments *arguments, struct leat_error *err)
{
    if (option->argument == NULL && behind != NULL)
        return leat_error_set(err, LEAT_ERROR_USAGE, "%s takes no value", option->name);
    if (option->argument == NULL || behind != NULL)
        return add_option(arguments, option, behind, err);
    if (*at + 1 >= argc)
        return leat_error_set(err, LEAT_ERROR_USAGE, "%s needs a value: %s %s; see 'leat %s --help'", option->name,
                              option->name, option->argument, command->name);
    return add_option(arguments, option, argv[++*at], err);
}

static int take_long(const struct leat_command *command, int argc, char **argv, int *at,
                     struct leat_arguments *arguments, struct leat_error *err)
{
    const char *text = argv[*at];
    const char *equals = strchr(text, '=');
    struct leat_bytes name = {text, equals == NULL ? strlen(text) : (size_t)(equals - text)};
    const struct leat_option *option = find_long(command, name);
    if (option == NULL)
        return unknown(command, name, err);
    return take_option(command, option, equals == NULL ? NULL : equals + 1, argc, argv, at, arguments, err);
}

static int take_letter(const struct leat_command *command, int argc, char **argv, int *at,
                       struct leat_arguments *arguments, struct leat_error *err)
{
    const char *text = argv[*at];
    const struct leat_option *option = find_letter(command, text[1]);
    if (option == NULL || (text[2] != '\0' && option->argument == NULL))
        return unknown(command, leat_bytes_of(text), err);
    return take_option(command, option, text[2] == '\0' ? NULL : text + 2, argc, argv, at, arguments, err);
}

static int take_positional(const char *text, struct leat_arguments *arguments, struct leat_error *err)
{
    if (arguments->positional_count == LEAT_ARGUMENTS_MAX)
        return leat_error_set(err, LEAT_ERROR_USAGE, "more than %d arguments", LEAT_ARGUMENTS_MAX);
    arguments->positional[arguments->positional_count++] = text;
    return 0;
}

int leat_arguments_parse(const struct leat_command *command, int argc, char **argv, struct leat_arguments *ret,
                         bool *ret_help, struct leat_error *err)
{
    struct leat_arguments arguments = {0};
    bool options_end = false;
    *ret_help = false;
    for (int at = 1; at < argc; at++) {
        const char *text = argv[at];
        int status;
        if (!options_end && strcmp(text, "--") == 0) {
            options_end = true;
            continue;
        }
        if (!options_end &&
            (strcmp(text, "--help") == 0 || (strcmp(text, "-h") == 0 && find_letter(command, 'h') == NULL))) {
            leat_command_help(command);
            *ret_help = true;
            return 0;
        }
        /* A lone "-" is an argument: standard input, as a rule. */
        if (!options_end && text[0] == '-' && text[1] == '-')
            status = take_long(command, argc, argv, &at, &arguments, err);
        else if (!options_end && text[0] == '-' && text[1] != '\0')
            status = take_letter(command, argc, argv, &at, &arguments, err);
        else
            status = take_positional(text, &arguments, err);
        if (status != 0)
            return -1;
    }
    *ret = arguments;
    return 0;
}

const char *leat_arguments_get(const struct leat_arguments *arguments, const char *name)
{
    for (size_t i = arguments->option_count; i > 0; i--)
        if (strcmp(arguments->option[i - 1]->name, name) == 0)
            return arguments->value[i - 1] == NULL ? "" : arguments->value[i - 1];
    return NULL;
}

const char *leat_arguments_each(const struct leat_arguments *arguments, const char *name, size_t *iterator)
{
    while (*iterator < arguments->option_count) {
        size_t i = (*iterator)++;
        if (strcmp(arguments->option[i]->name, name) == 0)
            return arguments->value[i] == NULL ? "" : arguments->value[i];
    }
    return NULL;
}

int leat_command_fail(const struct leat_command *command, const struct leat_error *err)
{
    fprintf(stderr, "leat %s: %s\n", command->name, err->text);
    return err->kind == LEAT_ERROR_NONE ? (int)LEAT_ERROR_FINDING : (int)err->kind;
}
