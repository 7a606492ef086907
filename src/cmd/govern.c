#include "cmd/govern.h"

#include "base/json.h"
#include "base/time.h"
#include "cmd/open.h"
#include "engine/checkpoint.h"
#include "registry/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int find_watermark(struct leat_govern *govern, struct leat_error *err)
{
    const char *topic = govern->function->sources[0].topic;
    int32_t partitions;
    govern->watermark = LEAT_TIME_NONE;
    if (!govern->files)
        return 0;
    if (leat_stream_partitions(govern->stream, topic, &partitions, err) < 0)
        return -1;
    for (int32_t p = 0; p < partitions; p++) {
        LEAT_CLEAN_BUFFER metadata = {0};
        struct leat_checkpoint checkpoint;
        int64_t offset;
        if (leat_stream_committed(govern->stream, topic, p, &offset, &metadata, err) < 0)
            return -1;
        if (leat_checkpoint_parse(govern->function, leat_buffer_view(&metadata), &checkpoint) &&
            checkpoint.watermark > govern->watermark)
            govern->watermark = checkpoint.watermark;
    }
    return 0;
}

int leat_govern_open(const struct leat_command *command, const struct leat_arguments *arguments, size_t max,
                     struct leat_govern *ret, struct leat_error *err)
{
    *ret = (struct leat_govern){.files = leat_arguments_get(arguments, "--files"), .watermark = LEAT_TIME_NONE};
    if (arguments->positional_count < 1 || arguments->positional_count > max)
        return leat_error_set(err, LEAT_ERROR_USAGE, "usage: leat %s %s", command->name, command->arguments);
    if (leat_function_load(arguments->positional[0], &ret->function, err) < 0)
        return -1;
    if (!ret->function->model_name)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s has no model, so there are no versions to govern",
                              ret->function->file);
    if (leat_cmd_open_stream(ret->function, ret->files, NULL, &ret->stream, err) < 0)
        return -1;
    return find_watermark(ret, err);
}

void leat_govern_close(struct leat_govern *govern)
{
    leat_control_free(govern->control);
    leat_stream_close(govern->stream);
    leat_function_free(govern->function);
    *govern = (struct leat_govern){0};
}

int leat_govern_read(struct leat_govern *govern, void (*visit)(void *self, const struct leat_control_event *event),
                     void *self, struct leat_error *err)
{
    leat_control_free(govern->control);
    govern->control = leat_control_new(govern->function->model_name);
    return leat_control_read(govern->stream, govern->function->control_topic, LEAT_TIME_MAX, govern->control, visit,
                             self, err);
}

int leat_govern_roles(const struct leat_govern *govern, struct leat_roles *ret, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(govern->function->registry, govern->function->model_name, &numbers, &count, err) < 0)
        return -1;
    leat_control_lineup(govern->control, count > 0 ? numbers[count - 1] : 0, ret);
    free(numbers);
    return 0;
}

int64_t leat_govern_now(const struct leat_govern *govern)
{
    if (govern->files)
        return govern->watermark == LEAT_TIME_NONE ? 0 : govern->watermark;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * LEAT_SECOND + now.tv_nsec / 1000;
}

int leat_govern_version(const char *text, uint32_t *ret, struct leat_error *err)
{
    int64_t number;
    if (leat_int_parse(leat_bytes_of(text), &number) < 0 || number < 1 || number > UINT32_MAX)
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s' is not the number of a version", text);
    *ret = (uint32_t)number;
    return 0;
}

int leat_govern_time(const struct leat_arguments *arguments, const char *option, int64_t *ret, struct leat_error *err)
{
    const char *text = leat_arguments_get(arguments, option);
    int64_t time = LEAT_TIME_NONE;
    if (text && leat_time_parse(leat_bytes_of(text), &time) < 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "%s '%s' is not a time; write 2013-07-08 or 2013-07-08T12:00:00Z",
                              option, text);
    *ret = time;
    return 0;
}

const char *leat_govern_time_text(int64_t time, char ret[32])
{
    if (time == LEAT_TIME_NONE)
        strcpy(ret, "-");
    else
        leat_time_format(time, ret);
    return ret;
}

int leat_govern_main(const struct leat_command *command, int argc, char **argv, size_t positional_max,
                     int (*act)(const struct leat_command *command, const struct leat_arguments *arguments,
                                struct leat_govern *govern, struct leat_error *err))
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    struct leat_govern govern = {0};
    bool help = false;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    int result = leat_govern_open(command, &arguments, positional_max, &govern, &err);
    if (result == 0)
        result = act(command, &arguments, &govern, &err);
    leat_govern_close(&govern);
    return result == 0 ? 0 : leat_command_fail(command, &err);
}
