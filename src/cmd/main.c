/* leat: the table of commands, and help. */
#include "base/map.h"
#include "cmd/command.h"
#include "function/function.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run_version(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) != 0)
        return leat_command_fail(command, &err);
    if (!help)
        printf("leat %s\n", LEAT_VERSION);
    return 0;
}

static const struct leat_command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .run = run_version,
};

/* Each is one file; in the order of the help page. */
/* clang-format off */
static const struct leat_command *const commands[] = {
    &leat_command_init,
    &leat_command_check,
    &leat_command_test,
    &leat_command_run,
    &leat_command_score,
    &leat_command_features,
    &leat_command_worth,
    &leat_command_model,
    &leat_command_shadow,
    &leat_command_promote,
    &leat_command_rollback,
    &leat_command_retire,
    &leat_command_status,
    &leat_command_history,
    &leat_command_compare,
    &leat_command_explain,
    &leat_command_docs,
    &command_version,
};
/* clang-format on */

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

const struct leat_command *leat_command_at(size_t index)
{
    return index < COMMAND_COUNT ? commands[index] : NULL;
}

static void print_help(FILE *out)
{
    fprintf(out, "leat: machine-learning models on Kafka streams\n\nusage: leat COMMAND …\n\ncommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s  %s\n", commands[i]->name, commands[i]->summary);
    fprintf(
        out,
        "\n'leat COMMAND --help' tells more of one, with an example; 'leat help function-file' lists the keys of the YAML.\n"
        "exit codes: 0 done, 1 a finding, 2 wrong usage, 3 the environment failed\n");
}

static const struct leat_command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i]->name;
    const char *nearest = leat_nearest(leat_bytes_of(name), names, COMMAND_COUNT);
    if (nearest == NULL)
        fprintf(stderr, "leat: there is no command '%s'; see 'leat --help'\n", name);
    else
        fprintf(stderr, "leat: there is no command '%s'; did you mean '%s'?\n", name, nearest);
    return LEAT_ERROR_USAGE;
}

/* All keys of a function file, from the table that reads it. */
static int print_keys(void)
{
    const struct leat_option_help *key;
    for (size_t i = 0; (key = leat_function_option(i)); i++) {
        printf("%s (%s", key->path, key->type);
        if (strcmp(key->standard, "required") == 0)
            printf(", required");
        else if (key->standard[0] != '\0')
            printf(", default %s", key->standard);
        printf(")\n    %s\n", key->summary);
    }
    return 0;
}

/* "leat help model add" is "leat model add --help". */
static int run_help(int argc, char **argv)
{
    if (argc < 3) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[2], "function-file") == 0)
        return print_keys();
    const struct leat_command *command = find(argv[2]);
    if (command == NULL)
        return unknown(argv[2]);
    char help[] = "--help";
    char *arguments[4] = {argv[2], argc > 3 ? argv[3] : help, argc > 3 ? help : NULL, NULL};
    return command->run(command, argc > 3 ? 3 : 2, arguments);
}

/* A file that got the number of a closed standard stream would be given what is meant for a terminal. */
static void open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    if (argc < 2) {
        print_help(stderr);
        return LEAT_ERROR_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return run_help(argc, argv);
    const struct leat_command *command = find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (command == NULL)
        return unknown(argv[1]);
    int code = command->run(command, argc - 1, argv + 1);
    /* A full disk or a closed pipe must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (code != 0)
            return code; /* it has said why */
        perror("leat: standard output");
        return LEAT_ERROR_ENVIRONMENT;
    }
    return code;
}
