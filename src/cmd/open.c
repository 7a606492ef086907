#include "cmd/open.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

static const char *group_of(const struct leat_function *function)
{
    for (size_t i = 0; i < function->kafka_count; i++)
        if (strcmp(function->kafka[i].name, "group.id") == 0)
            return function->kafka[i].value;
    return function->name;
}

static bool has_brokers(const struct leat_function *function)
{
    for (size_t i = 0; i < function->kafka_count; i++)
        if (strcmp(function->kafka[i].name, "bootstrap.servers") == 0 ||
            strcmp(function->kafka[i].name, "metadata.broker.list") == 0)
            return true;
    return false;
}

static int open_as(const struct leat_function *function, const char *files_dir,
                   const struct leat_stream_override *overrides, const char *instance, struct leat_stream **ret,
                   struct leat_error *err)
{
    struct leat_stream_config config = {
        .kind = LEAT_STREAM_FILES,
        .client_id = function->name,
        .group = group_of(function),
        .folder = files_dir,
        .overrides = overrides,
    };
    if (files_dir)
        return leat_stream_open(&config, ret, err);
    if (!has_brokers(function))
        return leat_error_set(
            err, LEAT_ERROR_USAGE,
            "%s names no broker: add kafka: {bootstrap.servers: HOST:PORT}, or read files with --files DIR",
            function->file);
    struct leat_stream_setting *settings = leat_calloc(function->kafka_count + 1, sizeof *settings);
    size_t count = 0;
    for (size_t i = 0; i < function->kafka_count; i++) {
        bool is_instance = strcmp(function->kafka[i].name, "group.instance.id") == 0;
        if (!is_instance || instance)
            settings[count++] = (struct leat_stream_setting){function->kafka[i].name,
                                                             is_instance ? instance : function->kafka[i].value};
    }
    config.kind = LEAT_STREAM_KAFKA;
    config.settings = settings;
    config.setting_count = count;
    int result = leat_stream_open(&config, ret, err);
    free(settings);
    return result;
}

int leat_cmd_open_stream(const struct leat_function *function, const char *files_dir,
                         const struct leat_stream_override *overrides, struct leat_stream **ret, struct leat_error *err)
{
    return open_as(function, files_dir, overrides, NULL, ret, err);
}

int leat_cmd_open_worker(const struct leat_function *function, const char *files_dir, unsigned worker,
                         struct leat_stream **ret, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER name = {0};
    for (size_t i = 0; i < function->kafka_count; i++)
        if (strcmp(function->kafka[i].name, "group.instance.id") == 0)
            leat_buffer_format(&name, "%s-%u", function->kafka[i].value, worker);
    return open_as(function, files_dir, NULL, name.len > 0 ? leat_buffer_text(&name) : NULL, ret, err);
}
