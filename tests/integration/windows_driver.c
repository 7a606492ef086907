/* Plays operations on windows, for tests that compare them with another implementation. Reads lines of words:
 *
 *   plan ID TYPES                   begins windows: one letter per column, d(ouble) i(nt) b(ool) t(ime) s(tring)
 *   aggregate ID KIND COLUMN RANGE  COLUMN -1: all events; RANGE -1: none
 *   add ID KEY TIME VALUE...        '-' is null, '!' is absent (left out by the filter)
 *   evict ID HORIZON
 *   read ID KEY TIME                prints the values of all aggregates, and whether they are complete (1 or 0)
 *
 * The first add, evict or read ends a plan. Exit code 2 for a line that it does not understand. */
#include "state/windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLANS 8
#define MOST 64 /* columns or aggregates of a plan */

struct program {
    enum leat_type columns[MOST];
    struct leat_window_aggregate aggregates[MOST];
    struct leat_window_plan plan;
    struct leat_windows *windows;
};

static struct program programs[PLANS];

static void stop(const char *line)
{
    fprintf(stderr, "windows_driver: can not understand: %s\n", line);
    exit(2);
}

static const char *next_word(const char *line)
{
    const char *word = strtok(NULL, " \n");
    if (word == NULL)
        stop(line);
    return word;
}

static int64_t next_number(const char *line)
{
    return strtoll(next_word(line), NULL, 10);
}

static struct program *next_program(const char *line)
{
    int64_t id = next_number(line);
    if (id < 0 || id >= PLANS)
        stop(line);
    return &programs[id];
}

static struct leat_windows *windows_of(struct program *program)
{
    program->plan.columns = program->columns;
    program->plan.aggregates = program->aggregates;
    if (program->windows == NULL)
        program->windows = leat_windows_new(&program->plan);
    return program->windows;
}

static void read_plan(const char *line)
{
    struct program *program = next_program(line);
    for (const char *type = next_word(line); *type != '\0' && program->plan.column_count < MOST; type++)
        program->columns[program->plan.column_count++] = *type == 'd'   ? LEAT_TYPE_DOUBLE
                                                         : *type == 'i' ? LEAT_TYPE_INT
                                                         : *type == 'b' ? LEAT_TYPE_BOOL
                                                         : *type == 't' ? LEAT_TYPE_TIME
                                                                        : LEAT_TYPE_STRING;
}

static void read_aggregate(const char *line)
{
    static const char *const KINDS[LEAT_AGGREGATE_KINDS] = {"count",  "sum", "avg",   "min",  "max",
                                                            "stddev", "var", "first", "last", "lag"};
    struct program *program = next_program(line);
    const char *name = next_word(line);
    int kind = 0;
    while (kind < LEAT_AGGREGATE_KINDS && strcmp(KINDS[kind], name) != 0)
        kind++;
    if (kind == LEAT_AGGREGATE_KINDS || program->plan.aggregate_count == MOST)
        stop(line);
    struct leat_window_aggregate *aggregate = &program->aggregates[program->plan.aggregate_count++];
    aggregate->kind = (enum leat_aggregate_kind)kind;
    aggregate->column = (int32_t)next_number(line);
    aggregate->range = next_number(line);
}

static struct leat_value value_of(enum leat_type type, const char *word)
{
    if (strcmp(word, "-") == 0)
        return leat_value_null();
    if (strcmp(word, "!") == 0)
        return leat_value_absent();
    if (type == LEAT_TYPE_STRING)
        return leat_value_string(leat_bytes_of(word));
    return type == LEAT_TYPE_DOUBLE ? leat_value_double(strtod(word, NULL)) : leat_value_int(strtoll(word, NULL, 10));
}

static void play_add(const char *line)
{
    struct program *program = next_program(line);
    struct leat_bytes key = leat_bytes_of(next_word(line));
    int64_t time = next_number(line);
    struct leat_value values[MOST];
    for (size_t i = 0; i < program->plan.column_count; i++)
        values[i] = value_of(program->columns[i], next_word(line));
    struct leat_reason reason;
    if (leat_windows_add(windows_of(program), key, time, values, &reason) == 0)
        return;
    fprintf(stderr, "windows_driver: %s\n", reason.text);
    exit(2);
}

static void print_value(const struct program *program, size_t i, struct leat_value value)
{
    const struct leat_window_aggregate *aggregate = &program->aggregates[i];
    enum leat_type type = aggregate->column < 0 ? LEAT_TYPE_INT : program->columns[aggregate->column];
    if (aggregate->kind == LEAT_AGGREGATE_COUNT)
        type = LEAT_TYPE_INT;
    if (aggregate->kind == LEAT_AGGREGATE_AVG || aggregate->kind == LEAT_AGGREGATE_VAR ||
        aggregate->kind == LEAT_AGGREGATE_STDDEV)
        type = LEAT_TYPE_DOUBLE;
    if (value.null)
        printf("- ");
    else if (type == LEAT_TYPE_DOUBLE)
        printf("%.17g ", value.as.d);
    else if (type == LEAT_TYPE_STRING)
        printf("%.*s ", LEAT_BYTES_FORMAT(leat_value_bytes(value)));
    else
        printf("%" PRId64 " ", value.as.i);
}

static void play_read(const char *line)
{
    struct program *program = next_program(line);
    struct leat_bytes key = leat_bytes_of(next_word(line));
    struct leat_value values[MOST];
    bool complete;
    leat_windows_read(windows_of(program), key, next_number(line), values, &complete);
    for (size_t i = 0; i < program->plan.aggregate_count; i++)
        print_value(program, i, values[i]);
    printf("%d\n", complete);
}

static void play_evict(const char *line)
{
    struct program *program = next_program(line);
    leat_windows_evict(windows_of(program), next_number(line));
}

int main(void)
{
    static char line[65536], whole[65536];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        strcpy(whole, line);
        const char *word = strtok(line, " \n");
        if (word == NULL)
            continue;
        if (strcmp(word, "plan") == 0)
            read_plan(whole);
        else if (strcmp(word, "aggregate") == 0)
            read_aggregate(whole);
        else if (strcmp(word, "add") == 0)
            play_add(whole);
        else if (strcmp(word, "read") == 0)
            play_read(whole);
        else if (strcmp(word, "evict") == 0)
            play_evict(whole);
        else
            stop(whole);
    }
    for (size_t i = 0; i < PLANS; i++)
        leat_windows_free(programs[i].windows);
    return 0;
}
