/* A scenario: a folder with function.yaml, events/ and expected/. The engine runs as the service over a copy of events/,
 * and every file that it writes is compared, line by line, with that of the same name in expected/. Decision records are
 * compared when they are expected. */
#include "cmd/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/time.h"
#include "cmd/open.h"
#include "engine/worker.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)
#define LINE_SHOWN 600
#define FILES_MAX 256

struct scenario {
    const struct leat_function *function;
    const char *folder;
    char work[64]; /* the copy; "" until it is made */
    struct leat_arena arena;
    struct leat_buffer failures;
    struct leat_buffer said; /* by the worker; shown when something differs */
};

struct names {
    char *name[FILES_MAX];
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files of a folder, sorted; hidden ones and folders are left out. A folder that is not there has none. */
static int list_files(struct scenario *scenario, const char *folder, struct names *ret, struct leat_error *err)
{
    ret->count = 0;
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read the folder '%s': %s", folder, strerror(errno));
    const struct dirent *entry;
    while ((entry = readdir(dir)) && ret->count < FILES_MAX)
        if (entry->d_name[0] != '.' && entry->d_type != DT_DIR)
            ret->name[ret->count++] = leat_arena_strdup(&scenario->arena, entry->d_name);
    closedir(dir);
    if (ret->count == FILES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' holds more than %d files", folder, FILES_MAX - 1);
    if (ret->count > 1)
        qsort(ret->name, ret->count, sizeof ret->name[0], compare_names);
    return 0;
}

static char *path_of(struct scenario *scenario, const char *folder, const char *name)
{
    return leat_arena_format(&scenario->arena, "%s/%s", folder, name);
}

static int copy_events(struct scenario *scenario, struct leat_error *err)
{
    const char *events = path_of(scenario, scenario->folder, "events");
    struct names names;
    snprintf(scenario->work, sizeof scenario->work, "/tmp/leat-test-XXXXXX");
    if (!mkdtemp(scenario->work)) {
        scenario->work[0] = '\0';
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not make a folder in /tmp: %s", strerror(errno));
    }
    if (list_files(scenario, events, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        LEAT_CLEAN_BUFFER content = {0};
        if (leat_file_read(path_of(scenario, events, names.name[i]), FILE_MAX, &content, err) < 0 ||
            leat_file_write(path_of(scenario, scenario->work, names.name[i]), leat_buffer_view(&content), err) < 0)
            return -1;
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void say(void *self, const char *text)
{
    struct scenario *scenario = self;
    leat_buffer_format(&scenario->said, "the worker said: %s\n", text);
}

static int run_worker(struct scenario *scenario, struct leat_error *err)
{
    struct leat_stream *stream;
    if (leat_cmd_open_stream(scenario->function, scenario->work, NULL, &stream, err) < 0)
        return -1;
    struct leat_topic_emitter *emitter = leat_topic_emitter_new(scenario->function);
    struct leat_metrics *metrics = leat_calloc(1, sizeof *metrics);
    leat_metrics_init(metrics);
    struct leat_worker_config config = {
        .function = scenario->function,
        .stream = stream,
        .emitter = leat_topic_emitter_face(emitter),
        .service = true,
        .from = LEAT_TIME_NONE,
        .to = LEAT_TIME_NONE,
        .until = LEAT_TIME_NONE,
        .metrics = metrics,
        .say = say,
        .say_self = scenario,
    };
    int result = leat_worker_run(&config, err);
    free(metrics);
    leat_topic_emitter_free(emitter);
    leat_stream_close(stream);
    return result;
}

/* -- comparing ------------------------------------------------------------------------------------------------------- */

static struct leat_bytes take_line(struct leat_bytes *rest)
{
    const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    struct leat_bytes line = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t taken = line.len + (end ? 1 : 0);
    *rest = (struct leat_bytes){rest->data + taken, rest->len - taken};
    return line;
}

static void put_line(struct scenario *scenario, const char *what, bool there, struct leat_bytes line)
{
    bool cut = line.len > LINE_SHOWN;
    leat_buffer_format(&scenario->failures, "  %s: %.*s%s\n", what, (int)(cut ? LINE_SHOWN : line.len),
                       there ? line.data : "", there ? (cut ? "…" : "") : "nothing: the file ends before");
}

/* Reports the first line that differs. */
static void compare(struct scenario *scenario, const char *name, struct leat_bytes expected, struct leat_bytes came)
{
    for (size_t number = 1; expected.len > 0 || came.len > 0; number++) {
        bool has_expected = expected.len > 0, has_came = came.len > 0;
        struct leat_bytes wanted = take_line(&expected), got = take_line(&came);
        if (has_expected == has_came && leat_bytes_equal(wanted, got))
            continue;
        leat_buffer_format(&scenario->failures, "%s/expected/%s:%zu: this line differs\n", scenario->folder, name,
                           number);
        put_line(scenario, "expected", has_expected, wanted);
        put_line(scenario, "got     ", has_came, got);
        return;
    }
}

/* A file that is not there is an empty one. */
static int read_file(struct scenario *scenario, const char *folder, const char *name, struct leat_buffer *ret,
                     struct leat_error *err)
{
    const char *path = path_of(scenario, folder, name);
    return leat_file_exists(path) ? leat_file_read(path, FILE_MAX, ret, err) : 0;
}

static int compare_file(struct scenario *scenario, const char *name, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER expected = {0};
    LEAT_CLEAN_BUFFER came = {0};
    if (read_file(scenario, path_of(scenario, scenario->folder, "expected"), name, &expected, err) < 0 ||
        read_file(scenario, scenario->work, name, &came, err) < 0)
        return -1;
    compare(scenario, name, leat_buffer_view(&expected), leat_buffer_view(&came));
    return 0;
}

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return true;
    return false;
}

/* Is it a file of this topic: <topic>.jsonl, <topic>.3.jsonl, <topic>.csv? */
static bool is_of_topic(const char *name, const char *topic)
{
    size_t len = topic ? strlen(topic) : 0;
    return topic && strncmp(name, topic, len) == 0 && name[len] == '.';
}

/* What was written: all that was not there before. */
static int list_written(struct scenario *scenario, struct names *ret, struct leat_error *err)
{
    const struct leat_function *function = scenario->function;
    struct names all, events;
    if (list_files(scenario, scenario->work, &all, err) < 0 ||
        list_files(scenario, path_of(scenario, scenario->folder, "events"), &events, err) < 0)
        return -1;
    ret->count = 0;
    for (size_t i = 0; i < all.count; i++)
        if (!has_name(&events, all.name[i]) && !is_of_topic(all.name[i], function->control_topic))
            ret->name[ret->count++] = all.name[i];
    return 0;
}

static int compare_all(struct scenario *scenario, struct leat_error *err)
{
    const char *decisions = scenario->function->decisions_topic;
    struct names expected, written;
    if (list_files(scenario, path_of(scenario, scenario->folder, "expected"), &expected, err) < 0 ||
        list_written(scenario, &written, err) < 0)
        return -1;
    for (size_t i = 0; i < expected.count; i++)
        if (compare_file(scenario, expected.name[i], err) < 0)
            return -1;
    for (size_t i = 0; i < written.count; i++)
        if (!has_name(&expected, written.name[i]) && !is_of_topic(written.name[i], decisions) &&
            compare_file(scenario, written.name[i], err) < 0)
            return -1;
    return 0;
}

static int accept_all(struct scenario *scenario, struct leat_error *err)
{
    const char *folder = path_of(scenario, scenario->folder, "expected");
    struct names written;
    if (list_written(scenario, &written, err) < 0 || leat_folder_make(folder, err) < 0)
        return -1;
    for (size_t i = 0; i < written.count; i++) {
        LEAT_CLEAN_BUFFER content = {0};
        if (read_file(scenario, scenario->work, written.name[i], &content, err) < 0 ||
            leat_file_write(path_of(scenario, folder, written.name[i]), leat_buffer_view(&content), err) < 0)
            return -1;
    }
    return 0;
}

int leat_test_scenario(const struct leat_function *function, const char *folder, bool accept,
                       struct leat_test_report *report, struct leat_error *err)
{
    struct scenario scenario = {.function = function, .folder = folder};
    int result = copy_events(&scenario, err);
    if (result == 0)
        result = run_worker(&scenario, err);
    if (result == 0)
        result = accept ? accept_all(&scenario, err) : compare_all(&scenario, err);
    if (result == 0 && scenario.failures.len > 0)
        leat_buffer_append(&scenario.failures, scenario.said.data, scenario.said.len);
    if (result == 0)
        leat_test_report(report, "what comes out of events/ is what expected/ holds",
                         leat_buffer_view(&scenario.failures));
    if (scenario.work[0])
        nftw(scenario.work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    leat_buffer_done(&scenario.failures);
    leat_buffer_done(&scenario.said);
    leat_arena_done(&scenario.arena);
    return result;
}
