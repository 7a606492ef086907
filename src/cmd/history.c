/* leat history: the control log, record by record. */
#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/govern.h"

#include <stdio.h>
#include <stdlib.h>

struct telling {
    bool json;
    uint64_t records;
    struct leat_buffer text;
};

static void put_role_json(struct leat_buffer *out, const struct leat_control_event *event)
{
    const struct leat_role_record *role = &event->role;
    char time[32];
    leat_time_format(role->time, time);
    leat_buffer_format(out, ",\"type\":\"role\",\"time\":\"%s\",\"by\":", time);
    leat_json_put_string(out, leat_bytes_of(role->by));
    leat_buffer_append_text(out, ",\"why\":");
    leat_json_put_string(out, leat_bytes_of(role->why));
    leat_buffer_format(out, ",\"action\":\"%s\",\"model\":", leat_role_action_name(role->action));
    leat_json_put_string(out, leat_bytes_of(role->model));
    leat_buffer_format(out, ",\"version\":%u,\"forced\":%s,\"accepted\":%s", role->version,
                       role->forced ? "true" : "false", event->kind == LEAT_CONTROL_ACCEPTED ? "true" : "false");
    if (event->kind != LEAT_CONTROL_ACCEPTED) {
        leat_buffer_append_text(out, ",\"reason\":");
        leat_json_put_string(out, leat_bytes_of(event->reason));
    }
    if (role->evidence.len > 0) {
        leat_buffer_append_text(out, ",\"evidence\":");
        leat_buffer_append(out, role->evidence.data, role->evidence.len);
    }
}

static void put_json(struct telling *telling, const struct leat_control_event *event)
{
    struct leat_buffer *out = &telling->text;
    char time[32];
    leat_buffer_format(out, "%s\n{\"offset\":%lld", telling->records ? "," : "", (long long)event->offset);
    switch (event->kind) {
    case LEAT_CONTROL_ACCEPTED:
    case LEAT_CONTROL_IGNORED:
        put_role_json(out, event);
        break;
    case LEAT_CONTROL_APPLIED:
        leat_buffer_append_text(out, ",\"type\":\"applied\",\"time\":");
        if (event->applied.time == LEAT_TIME_NONE)
            leat_buffer_append_text(out, "null");
        else
            leat_buffer_format(out, "\"%s\"", leat_govern_time_text(event->applied.time, time));
        leat_buffer_format(out, ",\"control_offset\":%lld,\"partition\":%d,\"input_offset\":%lld,\"micros\":%lld",
                           (long long)event->applied.control_offset, event->applied.partition,
                           (long long)event->applied.input_offset, (long long)event->applied.micros);
        break;
    case LEAT_CONTROL_UNKNOWN:
        leat_buffer_append_text(out, ",\"type\":null,\"reason\":");
        leat_json_put_string(out, leat_bytes_of(event->reason));
        break;
    }
    leat_buffer_append_char(out, '}');
}

static void put_text(struct telling *telling, const struct leat_control_event *event)
{
    struct leat_buffer *out = &telling->text;
    const struct leat_role_record *role = &event->role;
    char time[32];
    leat_buffer_format(out, "%6lld  ", (long long)event->offset);
    switch (event->kind) {
    case LEAT_CONTROL_ACCEPTED:
    case LEAT_CONTROL_IGNORED:
        leat_buffer_format(out, "%-20s  %-8s  %-8s %s/%u%s  %s\n", leat_govern_time_text(role->time, time), role->by,
                           leat_role_action_name(role->action), role->model, role->version,
                           role->forced ? " (forced)" : "", role->why);
        if (event->kind == LEAT_CONTROL_IGNORED)
            leat_buffer_format(out, "%30s  without effect: %s\n", "", event->reason);
        break;
    case LEAT_CONTROL_APPLIED:
        leat_buffer_format(
            out, "%-20s            record %lld took effect on partition %d from offset %lld, in %lld us\n",
            leat_govern_time_text(event->applied.time, time), (long long)event->applied.control_offset,
            event->applied.partition, (long long)event->applied.input_offset, (long long)event->applied.micros);
        break;
    case LEAT_CONTROL_UNKNOWN:
        leat_buffer_format(out, "%-20s            not understood: %s\n", "", event->reason);
        break;
    }
}

static void tell(void *self, const struct leat_control_event *event)
{
    struct telling *telling = self;
    if (telling->json)
        put_json(telling, event);
    else
        put_text(telling, event);
    telling->records++;
}

static int history(const struct leat_command *command, const struct leat_arguments *arguments,
                   struct leat_govern *govern, struct leat_error *err)
{
    struct telling telling = {.json = leat_arguments_get(arguments, "--json") != NULL};
    (void)command;
    int result = leat_govern_read(govern, tell, &telling, err);
    if (result == 0 && telling.json)
        printf("{\"records\":[%s]}\n", leat_buffer_text(&telling.text));
    else if (result == 0 && telling.records == 0)
        printf("nobody has been given a role yet ('%s' is empty)\n", govern->function->control_topic);
    else if (result == 0)
        fputs(leat_buffer_text(&telling.text), stdout);
    leat_buffer_done(&telling.text);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_govern_main(command, argc, argv, 1, history);
}

static const struct leat_option options[] = {LEAT_GOVERN_FILES, LEAT_GOVERN_JSON, {0}};

const struct leat_command leat_command_history = {
    .name = "history",
    .arguments = "fn.yaml",
    .summary = "who decided what about versions, when and why",
    .details = "The control log from its start: changes of role with who, when and why, those that came second and so have no\n"
               "effect, and from which input offset each change held on each partition.\n\n"
               "example: leat history fn.yaml\n",
    .options = options,
    .run = run,
};
