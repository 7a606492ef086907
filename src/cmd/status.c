/* leat status: who serves, and how far the service has come, from the logs alone: no worker is asked. */
#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/govern.h"
#include "cmd/progress.h"
#include "engine/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct partition {
    int64_t committed; /* LEAT_OFFSET_NONE */
    int64_t end;
    int64_t watermark; /* LEAT_TIME_NONE */
    int64_t control;   /* last control record it has taken; −1 */
};

static int64_t behind(const struct partition *partition)
{
    return partition->end - (partition->committed < 0 ? 0 : partition->committed);
}

static int read_partition(struct leat_govern *govern, const char *topic, int32_t number, struct partition *ret,
                          struct leat_error *err)
{
    LEAT_CLEAN_BUFFER metadata = {0};
    struct leat_checkpoint checkpoint;
    struct leat_reader *reader;
    if (leat_stream_committed(govern->stream, topic, number, &ret->committed, &metadata, err) < 0 ||
        leat_reader_open(govern->stream, topic, number, LEAT_OFFSET_END, false, &reader, err) < 0)
        return -1;
    ret->end = reader->position;
    leat_reader_close(reader);
    leat_checkpoint_parse(govern->function, leat_buffer_view(&metadata), &checkpoint);
    ret->watermark = checkpoint.watermark;
    ret->control = checkpoint.control;
    return 0;
}

/* -- for people ---------------------------------------------------------------------------------------------------- */

static void print_role(const char *name, const char *model, const struct leat_role *role)
{
    char time[32];
    printf("  %-9s %s/%u", name, model, role->version);
    if (role->since == LEAT_TIME_NONE)
        printf("  %s\n", role->why);
    else
        printf("  since %s by %s: %s\n", leat_govern_time_text(role->since, time), role->by, role->why);
}

static void print_roles(const struct leat_function *function, const struct leat_roles *roles)
{
    const char *model = function->model_name;
    if (roles->champion.version)
        print_role("champion", model, &roles->champion);
    else
        printf("  champion  nobody: outputs are withheld until a version is promoted\n");
    if (roles->previous.version)
        print_role("previous", model, &roles->previous);
    for (size_t i = 0; i < roles->shadow_count; i++)
        print_role("shadow", model, &roles->shadows[i]);
    if (function->fallback_name)
        printf("  fallback  %s (its newest version)\n", function->fallback_name);
}

static void print_partitions(const struct leat_roles *roles, const struct partition *partitions, int32_t count)
{
    printf("\n%9s  %14s  %14s  %14s  %s\n", "partition", "committed", "end", "behind", "watermark");
    for (int32_t p = 0; p < count; p++) {
        const struct partition *partition = &partitions[p];
        char numbers[3][32], time[32];
        printf("%9d  %14s  %14s  %14s  %s", p,
               partition->committed < 0 ? "-" : leat_grouped((uint64_t)partition->committed, numbers[0]),
               leat_grouped((uint64_t)partition->end, numbers[1]),
               leat_grouped((uint64_t)behind(partition), numbers[2]), leat_govern_time_text(partition->watermark, time));
        if (partition->committed >= 0 && partition->control < roles->last)
            printf("  (record %" PRId64 " of the control log is still to come)", roles->last);
        putchar('\n');
    }
}

/* -- for scripts --------------------------------------------------------------------------------------------------- */

static void put_time(struct leat_buffer *out, const char *name, int64_t time)
{
    char text[32];
    leat_time_format(time, text);
    if (time == LEAT_TIME_NONE)
        leat_buffer_format(out, ",\"%s\":null", name);
    else
        leat_buffer_format(out, ",\"%s\":\"%s\"", name, text);
}

static void put_role(struct leat_buffer *out, const struct leat_role *role)
{
    if (role->version == 0) {
        leat_buffer_append_text(out, "null");
        return;
    }
    leat_buffer_format(out, "{\"version\":%u", role->version);
    put_time(out, "since", role->since);
    leat_buffer_append_text(out, ",\"by\":");
    leat_json_put_string(out, leat_bytes_of(role->by));
    leat_buffer_append_text(out, ",\"why\":");
    leat_json_put_string(out, leat_bytes_of(role->why));
    leat_buffer_format(out, ",\"offset\":%lld}", (long long)role->offset);
}

static void put_status(struct leat_buffer *out, const struct leat_function *function, const struct leat_roles *roles,
                       const struct partition *partitions, int32_t count)
{
    leat_buffer_append_text(out, "{\"function\":");
    leat_json_put_string(out, leat_bytes_of(function->name));
    leat_buffer_format(out, ",\"digest\":\"%s\",\"model\":", function->digest);
    leat_json_put_string(out, leat_bytes_of(function->model_name));
    leat_buffer_append_text(out, ",\"champion\":");
    put_role(out, &roles->champion);
    leat_buffer_append_text(out, ",\"previous\":");
    put_role(out, &roles->previous);
    leat_buffer_append_text(out, ",\"shadows\":[");
    for (size_t i = 0; i < roles->shadow_count; i++) {
        leat_buffer_append_text(out, i ? "," : "");
        put_role(out, &roles->shadows[i]);
    }
    leat_buffer_append_text(out, "],\"fallback\":");
    if (function->fallback_name)
        leat_json_put_string(out, leat_bytes_of(function->fallback_name));
    else
        leat_buffer_append_text(out, "null");
    leat_buffer_format(out, ",\"control_offset\":%lld,\"partitions\":[", (long long)roles->last);
    for (int32_t p = 0; p < count; p++) {
        const struct partition *partition = &partitions[p];
        leat_buffer_format(out, "%s{\"partition\":%d,\"committed\":", p ? "," : "", p);
        if (partition->committed < 0)
            leat_buffer_append_text(out, "null");
        else
            leat_json_put_int(out, partition->committed);
        leat_buffer_format(out, ",\"end\":%lld,\"behind\":%lld,\"control_offset\":%lld", (long long)partition->end,
                           (long long)behind(partition), (long long)partition->control);
        put_time(out, "watermark", partition->watermark);
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_text(out, "]}");
}

static int read_all(struct leat_govern *govern, struct partition *partitions, int32_t count, struct leat_error *err)
{
    for (int32_t p = 0; p < count; p++)
        if (read_partition(govern, govern->function->sources[0].topic, p, &partitions[p], err) < 0)
            return leat_error_prefix(err, "topic %s, partition %d", govern->function->sources[0].topic, p);
    return 0;
}

static int status(const struct leat_command *command, const struct leat_arguments *arguments,
                  struct leat_govern *govern, struct leat_error *err)
{
    const struct leat_function *function = govern->function;
    struct leat_roles roles;
    int32_t count;
    (void)command;
    if (leat_govern_read(govern, NULL, NULL, err) < 0 || leat_govern_roles(govern, &roles, err) < 0 ||
        leat_stream_partitions(govern->stream, function->sources[0].topic, &count, err) < 0)
        return -1;
    struct partition *partitions = leat_calloc((size_t)count + 1, sizeof *partitions);
    int result = read_all(govern, partitions, count, err);
    if (result == 0 && leat_arguments_get(arguments, "--json")) {
        LEAT_CLEAN_BUFFER text = {0};
        put_status(&text, function, &roles, partitions, count);
        puts(leat_buffer_text(&text));
    } else if (result == 0) {
        printf("%s (%.12s)\n", function->name, function->digest);
        print_roles(function, &roles);
        print_partitions(&roles, partitions, count);
    }
    free(partitions);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_govern_main(command, argc, argv, 1, status);
}

static const struct leat_option options[] = {LEAT_GOVERN_FILES, LEAT_GOVERN_JSON, {0}};

const struct leat_command leat_command_status = {
    .name = "status",
    .arguments = "fn.yaml",
    .summary = "who serves, and how far the service has come",
    .details =
        "Who has which role, since when and why; and for each partition of the input the committed offset, the end of the\n"
        "log, and the watermark. It reads the logs and asks no worker; a worker's own page is GET /status of `leat run`.\n\n"
        "example: leat status fn.yaml --json\n",
    .options = options,
    .run = run,
};
