/* Files as topics. Partition 0 of a topic is <folder>/<topic>.jsonl (or .csv, and packed), partition p is
 * <topic>.<p>.jsonl; a record's offset is its line's number. Commits are kept in <folder>/.leat/<group>.json. */
#include "stream/stream.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "stream/backend.h"
#include "stream/lines.h"
#include "stream/sink.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COMMITS_BYTES_MAX ((size_t)64 << 20)
#define PARTITIONS_MAX 10000
#define GROWTH_STEP_MS 10 /* how often a followed file is looked at */
#define SINK_WAIT_MS 50   /* how long a record may wait in a sink's buffer */

struct file_reader {
    struct leat_reader base;
    struct file_reader *next;
    struct leat_lines *lines;
    struct leat_record record;
    struct leat_buffer header;
    int64_t first;  /* the line of offset 0: 1 behind a CSV file's header */
    int64_t opened; /* offset at which it was opened */
    bool csv, has_header, began, ended;
    char path[];
};

struct file_sink {
    struct file_sink *next;
    struct leat_sink *sink;
    const char *topic;
    int32_t partition;
    int64_t since_ms; /* 0: nothing waits */
};

struct file_commit {
    struct file_commit *next;
    char *topic, *metadata;
    int32_t partition;
    int64_t offset;
};

struct file_stream {
    struct leat_stream base;
    struct leat_arena arena;
    const char *folder, *group;
    struct leat_stream_override *overrides;
    size_t override_count;
    bool follow;

    struct file_reader *readers;
    struct file_sink *sinks;

    const char *subscribed;
    bool assigned;
    int32_t *partitions;

    char *commits_path; /* NULL: commits are not kept */
    int lock;           /* held by the one that subscribed; −1: not */
    struct file_commit *commits;
    bool commits_read, commits_changed;

    bool failed; /* a reader: what is broken in a file stays broken */
    struct leat_error error;
};

static struct file_stream *stream_of(struct leat_stream *stream)
{
    return (struct file_stream *)stream;
}

static struct file_reader *reader_of(struct leat_reader *reader)
{
    return (struct file_reader *)reader;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- opening ------------------------------------------------------------------------------------------------------- */

static void copy_overrides(struct file_stream *stream, const struct leat_stream_override *from)
{
    size_t count = 0;
    while (from != NULL && from[count].topic != NULL)
        count++;
    stream->overrides = leat_arena_zalloc(&stream->arena, count + 1, sizeof *stream->overrides);
    stream->override_count = count;
    for (size_t i = 0; i < count; i++) {
        stream->overrides[i].topic = leat_arena_strdup(&stream->arena, from[i].topic);
        stream->overrides[i].path = leat_arena_strdup(&stream->arena, from[i].path);
        stream->overrides[i].csv = from[i].csv;
    }
}

/* The group's name as that of a file: what is not plain is %XX. */
static char *commits_path(struct leat_arena *arena, const char *folder, const char *group)
{
    LEAT_CLEAN_BUFFER path = {0};
    leat_buffer_format(&path, "%s/.leat/", folder);
    for (const char *c = group; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) || *c == '-' || *c == '_' || (*c == '.' && c > group))
            leat_buffer_append_char(&path, *c);
        else
            leat_buffer_format(&path, "%%%02X", (unsigned char)*c);
    }
    leat_buffer_append_text(&path, ".json");
    return leat_arena_strdup(arena, leat_buffer_text(&path));
}

static int file_open(const struct leat_stream_config *config, struct leat_stream **ret, struct leat_error *err)
{
    struct stat info;
    if (config->folder != NULL && stat(config->folder, &info) < 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read the folder '%s': %s", config->folder,
                              strerror(errno));
    if (config->folder != NULL && !S_ISDIR(info.st_mode))
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "'%s' is not a folder", config->folder);
    struct file_stream *stream = leat_calloc(1, sizeof *stream);
    stream->base.backend = &leat_stream_files;
    stream->follow = config->follow;
    stream->lock = -1;
    stream->folder = leat_arena_strdup(&stream->arena, config->folder);
    stream->group = leat_arena_strdup(&stream->arena, config->group);
    copy_overrides(stream, config->overrides);
    if (stream->folder != NULL && stream->group != NULL)
        stream->commits_path = commits_path(&stream->arena, stream->folder, stream->group);
    *ret = &stream->base;
    return 0;
}

/* -- names --------------------------------------------------------------------------------------------------------- */

static const struct leat_stream_override *find_override(const struct file_stream *stream, const char *topic)
{
    for (size_t i = 0; i < stream->override_count; i++) {
        if (strcmp(stream->overrides[i].topic, topic) == 0)
            return &stream->overrides[i];
    }
    return NULL;
}

static void put_path(struct leat_buffer *path, const struct file_stream *stream, const char *topic, int32_t partition,
                     const char *ending)
{
    leat_buffer_reset(path);
    leat_buffer_format(path, "%s/%s", stream->folder, topic);
    if (partition > 0)
        leat_buffer_format(path, ".%d", partition);
    leat_buffer_append_text(path, ending);
}

static int check_topic(const struct file_stream *stream, const char *topic, struct leat_error *err)
{
    if (stream->folder == NULL)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no file and no folder was given for topic '%s'", topic);
    if (*topic == '\0' || strchr(topic, '/') != NULL)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "'%s' can not be the name of a topic", topic);
    return 0;
}

/* The path of a partition's file; empty when there is none. Two that could be meant are an error. */
static int find_path(const struct file_stream *stream, const char *topic, int32_t partition, struct leat_buffer *ret,
                     struct leat_error *err)
{
    static const char *const endings[] = {".jsonl", ".csv", ".jsonl.gz", ".jsonl.zst", ".csv.gz", ".csv.zst"};
    leat_buffer_reset(ret);
    const struct leat_stream_override *override = find_override(stream, topic);
    if (override != NULL) {
        if (partition == 0)
            leat_buffer_append_text(ret, override->path);
        return 0;
    }
    if (check_topic(stream, topic, err) < 0)
        return -1;
    LEAT_CLEAN_BUFFER path = {0};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        put_path(&path, stream, topic, partition, endings[i]);
        if (!leat_file_exists(leat_buffer_text(&path)))
            continue;
        if (ret->len > 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "both '%s' and '%s' exist: which one is topic '%s'?",
                                  leat_buffer_text(ret), leat_buffer_text(&path), topic);
        leat_buffer_append(ret, path.data, path.len);
    }
    return 0;
}

static int file_partitions(struct leat_stream *base, const char *topic, int32_t *ret_count, struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    const struct leat_stream_override *override = find_override(stream, topic);
    if (override != NULL) {
        *ret_count = strcmp(override->path, "-") == 0 || leat_file_exists(override->path) ? 1 : 0;
        return 0;
    }
    LEAT_CLEAN_BUFFER path = {0};
    int32_t count = 0;
    for (; count < PARTITIONS_MAX; count++) {
        if (find_path(stream, topic, count, &path, err) < 0)
            return -1;
        if (path.len == 0)
            break;
    }
    *ret_count = count;
    return 0;
}

/* -- readers ------------------------------------------------------------------------------------------------------- */

static bool is_csv(const char *path)
{
    size_t len = strlen(path);
    if (len > 3 && strcmp(path + len - 3, ".gz") == 0)
        len -= 3;
    else if (len > 4 && strcmp(path + len - 4, ".zst") == 0)
        len -= 4;
    return len > 4 && strncmp(path + len - 4, ".csv", 4) == 0;
}

static void fail_reader(struct file_reader *reader, const struct leat_error *err)
{
    struct file_stream *stream = stream_of(reader->base.stream);
    reader->ended = true;
    if (stream->failed)
        return;
    stream->failed = true;
    stream->error = *err;
}

/* At the end: of a file that may grow, as of now, which is after the last question for the ends. */
static void reach_end(struct file_reader *reader, bool final)
{
    int64_t there = leat_lines_count(reader->lines) - reader->first;
    if (there < 0)
        there = 0;
    if (there < reader->opened) {
        struct leat_error err;
        leat_error_set(&err, LEAT_ERROR_ENVIRONMENT,
                       "'%s' has %lld lines of records: offset %lld is beyond its end. Was it replaced? Commits are kept "
                       "in the folder's .leat",
                       reader->path, (long long)there, (long long)reader->opened);
        fail_reader(reader, &err);
        return;
    }
    reader->base.position = there;
    reader->base.end_mark = final ? UINT64_MAX : reader->base.stream->mark;
    reader->ended = final;
}

/* The next line; false when there is none now. */
static bool next_line(struct file_reader *reader, struct leat_bytes *ret)
{
    struct leat_error err;
    switch (leat_lines_next(reader->lines, ret, &err)) {
    case LEAT_LINES_RECORD:
        return true;
    case LEAT_LINES_WAIT:
        if (leat_lines_descriptor(reader->lines) < 0)
            reach_end(reader, false);
        return false;
    case LEAT_LINES_END:
        reach_end(reader, true);
        return false;
    case LEAT_LINES_FAILED:
        fail_reader(reader, &err);
        return false;
    }
    return false;
}

/* A CSV file's first line is no record; the lines before `opened` are passed over without being handed out. */
static bool begin(struct file_reader *reader)
{
    struct leat_bytes line;
    if (reader->csv && !reader->has_header) {
        if (!next_line(reader, &line))
            return false;
        leat_buffer_append(&reader->header, line.data, line.len);
        reader->base.header = leat_buffer_view(&reader->header);
        reader->first = leat_lines_number(reader->lines) + 1;
        reader->has_header = true;
    }
    if (reader->opened > 0)
        leat_lines_skip(reader->lines, reader->first + reader->opened);
    reader->began = true;
    return true;
}

static void file_fill(struct leat_reader *base)
{
    struct file_reader *reader = reader_of(base);
    struct leat_bytes line;
    if (reader->ended || (!reader->began && !begin(reader)) || !next_line(reader, &line))
        return;
    reader->record.value = line;
    reader->record.offset = leat_lines_number(reader->lines) - reader->first;
    base->position = reader->record.offset;
    base->head_mark = base->stream->mark;
    base->head = &reader->record;
}

static void file_next(struct leat_reader *base)
{
    base->head = NULL;
    base->position++;
    file_fill(base);
}

static void file_reader_close(struct leat_reader *base)
{
    struct file_reader **at = &stream_of(base->stream)->readers;
    while (&(*at)->base != base)
        at = &(*at)->next;
    struct file_reader *reader = *at;
    *at = reader->next;
    leat_lines_close(reader->lines);
    leat_buffer_done(&reader->header);
    free(reader);
}

/* A file's end is found by reading all of it. */
static int pass_to_end(struct file_reader *reader, struct leat_error *err)
{
    if (leat_lines_is_pipe(reader->lines))
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "'%s' can not be opened at its end", reader->path);
    struct leat_bytes line;
    reader->opened = 0;
    if (reader->began || begin(reader)) {
        leat_lines_skip(reader->lines, INT64_MAX);
        next_line(reader, &line);
        leat_lines_skip(reader->lines, 0);
    }
    struct file_stream *stream = stream_of(reader->base.stream);
    if (!stream->failed)
        return 0;
    *err = stream->error;
    return -1;
}

static int file_reader_open(struct leat_stream *base, const char *topic, int32_t partition, int64_t offset, bool group,
                            struct leat_reader **ret, struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    (void)group;
    LEAT_CLEAN_BUFFER path = {0};
    if (find_path(stream, topic, partition, &path, err) < 0)
        return -1;
    if (path.len == 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "there is no file for topic '%s', partition %d", topic,
                              partition);
    struct leat_lines *lines;
    if (leat_lines_open(leat_buffer_text(&path), stream->follow, &lines, err) < 0)
        return -1;

    const struct leat_stream_override *override = find_override(stream, topic);
    struct file_reader *reader = leat_calloc(1, sizeof *reader + path.len + 1);
    memcpy(reader->path, path.data, path.len);
    reader->lines = lines;
    reader->csv = is_csv(reader->path) || (override != NULL && override->csv);
    reader->opened = offset < 0 ? 0 : offset;
    reader->base.topic = leat_arena_strdup(&stream->arena, topic);
    reader->base.partition = partition;
    reader->base.position = reader->opened;
    reader->base.stream = base;
    reader->record = (struct leat_record){
        .topic = reader->base.topic, .partition = partition, .timestamp = LEAT_TIME_NONE};
    reader->next = stream->readers;
    stream->readers = reader;

    if (!leat_lines_is_pipe(lines))
        begin(reader); /* a CSV file shows its header at once */
    if (offset == LEAT_OFFSET_END && pass_to_end(reader, err) < 0) {
        file_reader_close(&reader->base);
        return -1;
    }
    *ret = &reader->base;
    return 0;
}

static int file_offset_at(struct leat_stream *base, const char *topic, int32_t partition, int64_t time,
                          int64_t *ret_offset, struct leat_error *err)
{
    (void)base, (void)topic, (void)partition, (void)time, (void)err;
    *ret_offset = LEAT_OFFSET_BEGIN; /* lines have no time of their own */
    return 0;
}

static int file_ends(struct leat_stream *base, struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    base->mark++;
    for (struct file_reader *reader = stream->readers; reader != NULL; reader = reader->next)
        leat_reader_fill(&reader->base);
    if (!stream->failed)
        return 0;
    *err = stream->error;
    return -1;
}

/* -- commits ------------------------------------------------------------------------------------------------------- */

static struct file_commit *find_commit(struct file_stream *stream, const char *topic, int32_t partition)
{
    for (struct file_commit *commit = stream->commits; commit != NULL; commit = commit->next) {
        if (commit->partition == partition && strcmp(commit->topic, topic) == 0)
            return commit;
    }
    return NULL;
}

static void set_commit(struct file_stream *stream, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata)
{
    struct file_commit *commit = find_commit(stream, topic, partition);
    if (commit == NULL) {
        commit = leat_calloc(1, sizeof *commit);
        commit->topic = leat_strdup(topic);
        commit->partition = partition;
        commit->next = stream->commits;
        stream->commits = commit;
    }
    commit->offset = offset;
    free(commit->metadata);
    commit->metadata = leat_strdup(metadata == NULL ? "" : metadata);
}

static void free_commits(struct file_stream *stream)
{
    while (stream->commits != NULL) {
        struct file_commit *commit = stream->commits;
        stream->commits = commit->next;
        free(commit->topic);
        free(commit->metadata);
        free(commit);
    }
}

/* {"topic":{"0":{"offset":7,"metadata":""}}} */
static int take_commits(struct file_stream *stream, const struct leat_json *root)
{
    if (root->type != LEAT_JSON_OBJECT)
        return -1;
    for (uint32_t t = 0; t < root->count; t++) {
        const struct leat_json_member *topic = &root->as.members[t];
        if (topic->value.type != LEAT_JSON_OBJECT)
            return -1;
        for (uint32_t p = 0; p < topic->value.count; p++) {
            const struct leat_json_member *member = &topic->value.as.members[p];
            int64_t partition, offset;
            if (leat_int_parse(member->name, &partition) < 0 || partition < 0 || partition > INT32_MAX ||
                !leat_json_integer(leat_json_get(&member->value, "offset"), &offset) || offset < 0)
                return -1;
            const char *metadata = leat_json_text(leat_json_get(&member->value, "metadata"), "");
            set_commit(stream, topic->name.data, (int32_t)partition, offset, metadata);
        }
    }
    return 0;
}

static int read_commits(struct file_stream *stream, struct leat_error *err)
{
    if (stream->commits_read || stream->commits_path == NULL)
        return 0;
    if (!leat_file_exists(stream->commits_path)) {
        stream->commits_read = true;
        return 0;
    }
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_json_document *document;
    if (leat_file_read(stream->commits_path, COMMITS_BYTES_MAX, &text, err) < 0)
        return -1;
    int status = -1;
    if (leat_json_parse(leat_buffer_view(&text), LEAT_JSON_STRICT, &document, NULL) == 0) {
        status = take_commits(stream, leat_json_root(document));
        leat_json_free(document);
    }
    if (status < 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                              "'%s' does not hold offsets as they are written there; put it back, or delete it to begin "
                              "with the first record again",
                              stream->commits_path);
    stream->commits_read = true;
    return 0;
}

/* Is it the first of its topic in the list? */
static bool is_first(const struct file_stream *stream, const struct file_commit *commit)
{
    const struct file_commit *other = stream->commits;
    while (strcmp(other->topic, commit->topic) != 0)
        other = other->next;
    return other == commit;
}

/* "topic":{"0":{"offset":7,"metadata":""},…} with all partitions that stand behind `commit` in the list. */
static void put_commits(struct leat_buffer *out, const struct file_commit *commit)
{
    const char *topic = commit->topic, *separator = ":{";
    leat_json_put_string(out, leat_bytes_of(topic));
    for (; commit != NULL; commit = commit->next) {
        if (strcmp(commit->topic, topic) != 0)
            continue;
        leat_buffer_format(out, "%s\"%d\":{\"offset\":%lld,\"metadata\":", separator, commit->partition,
                           (long long)commit->offset);
        leat_json_put_string(out, leat_bytes_of(commit->metadata));
        leat_buffer_append_char(out, '}');
        separator = ",";
    }
    leat_buffer_append_char(out, '}');
}

static int make_commits_folder(const struct file_stream *stream, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER folder = {0};
    leat_buffer_format(&folder, "%s/.leat", stream->folder);
    return leat_folder_make(leat_buffer_text(&folder), err);
}

static int write_commits(struct file_stream *stream, struct leat_error *err)
{
    if (!stream->commits_changed || stream->commits_path == NULL)
        return 0;
    LEAT_CLEAN_BUFFER text = {0};
    for (const struct file_commit *commit = stream->commits; commit != NULL; commit = commit->next) {
        if (!is_first(stream, commit))
            continue;
        leat_buffer_append_char(&text, text.len == 0 ? '{' : ',');
        put_commits(&text, commit);
    }
    leat_buffer_append_text(&text, "}\n");

    if (make_commits_folder(stream, err) < 0)
        return -1;
    if (leat_file_write(stream->commits_path, leat_buffer_view(&text), err) < 0)
        return -1;
    stream->commits_changed = false;
    return 0;
}

/* A pipe begins anew in every run: its offsets are not kept. */
static bool is_kept(const struct file_stream *stream, const char *topic)
{
    const struct leat_stream_override *override = find_override(stream, topic);
    struct stat info;
    return override == NULL ||
           (strcmp(override->path, "-") != 0 && stat(override->path, &info) == 0 && S_ISREG(info.st_mode));
}

static int file_committed(struct leat_stream *base, const char *topic, int32_t partition, int64_t *ret_offset,
                          struct leat_buffer *ret_metadata, struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    if (read_commits(stream, err) < 0)
        return -1;
    const struct file_commit *commit = find_commit(stream, topic, partition);
    *ret_offset = commit == NULL ? LEAT_OFFSET_NONE : commit->offset;
    if (commit != NULL)
        leat_buffer_append_text(ret_metadata, commit->metadata);
    return 0;
}

static int file_commit(struct leat_stream *base, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata, bool sync, struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    if (!is_kept(stream, topic))
        return 0;
    if (read_commits(stream, err) < 0)
        return -1;
    set_commit(stream, topic, partition, offset, metadata);
    stream->commits_changed = true;
    return sync ? write_commits(stream, err) : 0;
}

/* -- sinks --------------------------------------------------------------------------------------------------------- */

static int sink_path(const struct file_stream *stream, const char *topic, int32_t partition, struct leat_buffer *ret,
                     struct leat_error *err)
{
    const struct leat_stream_override *override = find_override(stream, topic);
    leat_buffer_reset(ret);
    if (override != NULL) {
        leat_buffer_append_text(ret, override->path);
        return 0;
    }
    if (check_topic(stream, topic, err) < 0)
        return -1;
    put_path(ret, stream, topic, partition, ".jsonl");
    return 0;
}

static struct file_sink *open_sink(struct file_stream *stream, const char *topic, int32_t partition,
                                   struct leat_error *err)
{
    LEAT_CLEAN_BUFFER path = {0};
    struct leat_sink *opened;
    if (sink_path(stream, topic, partition, &path, err) < 0 || leat_sink_open(leat_buffer_text(&path), &opened, err) < 0)
        return NULL;
    struct file_sink *sink = leat_calloc(1, sizeof *sink);
    sink->topic = leat_arena_strdup(&stream->arena, topic);
    sink->partition = partition;
    sink->sink = opened;
    sink->next = stream->sinks;
    stream->sinks = sink;
    return sink;
}

static struct file_sink *find_sink(struct file_stream *stream, const struct leat_produce *record, struct leat_error *err)
{
    int32_t partition = record->partition < 0 ? 0 : record->partition;
    for (struct file_sink *sink = stream->sinks; sink != NULL; sink = sink->next) {
        if (sink->partition == partition && strcmp(sink->topic, record->topic) == 0)
            return sink;
    }
    return open_sink(stream, record->topic, partition, err);
}

static int file_produce(struct leat_stream *base, const struct leat_produce *record, struct leat_fence *fence,
                        struct leat_reason *reason, struct leat_error *err)
{
    struct file_sink *sink = find_sink(stream_of(base), record, err);
    if (sink == NULL)
        return 1;
    int status = leat_sink_put(sink->sink, record, fence, reason, err);
    if (status == 0 && sink->since_ms == 0)
        sink->since_ms = now_ms();
    return status;
}

/* Writes what has waited since `before_ms` or longer. */
static int write_sinks(struct file_stream *stream, int64_t before_ms, bool *ret_fatal, struct leat_error *err)
{
    int status = 0;
    for (struct file_sink *sink = stream->sinks; sink != NULL; sink = sink->next) {
        if (sink->since_ms == 0 || sink->since_ms > before_ms)
            continue;
        if (leat_sink_write(sink->sink, ret_fatal, err) < 0)
            status = -1;
        else
            sink->since_ms = 0;
    }
    return status;
}

static int file_flush(struct leat_stream *base, int timeout_ms, struct leat_error *err)
{
    (void)timeout_ms;
    bool fatal = false;
    struct file_stream *stream = stream_of(base);
    if (write_sinks(stream, INT64_MAX, &fatal, err) < 0)
        return -1;
    return write_commits(stream, err);
}

static int file_append(struct leat_stream *base, const char *topic, struct leat_bytes key, struct leat_bytes value,
                       int64_t *ret_offset, struct leat_error *err)
{
    (void)key;
    LEAT_CLEAN_BUFFER path = {0};
    if (sink_path(stream_of(base), topic, 0, &path, err) < 0)
        return -1;
    return leat_sink_append(leat_buffer_text(&path), value, ret_offset, err);
}

/* -- poll ---------------------------------------------------------------------------------------------------------- */

/* Of a group one process works on a folder: two would write every output twice, and each undo the other's commits. The
 * lock goes with the process, however that ends. */
static int lock_group(struct file_stream *stream, struct leat_error *err)
{
    if (stream->commits_path == NULL || stream->lock >= 0)
        return 0;
    LEAT_CLEAN_BUFFER path = {0};
    if (make_commits_folder(stream, err) < 0)
        return -1;
    leat_buffer_format(&path, "%s.lock", stream->commits_path);
    int fd = open(leat_buffer_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not open '%s': %s", leat_buffer_text(&path),
                              strerror(errno));
    int status;
    while ((status = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EINTR)
        ;
    int saved = errno;
    if (status == 0) {
        stream->lock = fd;
        return 0;
    }
    close(fd);
    if (saved == EWOULDBLOCK)
        return leat_error_set(
            err, LEAT_ERROR_ENVIRONMENT,
            "another process of the group '%s' works on the folder '%s': end it first, or give this one another "
            "group.id",
            stream->group, stream->folder);
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not lock '%s': %s", leat_buffer_text(&path),
                          strerror(saved));
}

static int file_subscribe(struct leat_stream *base, const char *topic, struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    leat_assert(stream->subscribed == NULL);
    int32_t count;
    if (file_partitions(base, topic, &count, err) < 0)
        return -1;
    if (count == 0 && !stream->follow) {
        LEAT_CLEAN_BUFFER path = {0};
        if (sink_path(stream, topic, 0, &path, err) < 0)
            return -1;
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "there is no file for topic '%s': expected '%s'%s", topic,
                              leat_buffer_text(&path),
                              find_override(stream, topic) == NULL ? ", or .csv, or either with .gz or .zst" : "");
    }
    if (lock_group(stream, err) < 0)
        return -1;
    stream->subscribed = leat_arena_strdup(&stream->arena, topic);
    return 0;
}

/* All partitions at once, as soon as there are any. */
static int assign(struct file_stream *stream, struct leat_change *ret, struct leat_error *err)
{
    int32_t count;
    if (file_partitions(&stream->base, stream->subscribed, &count, err) < 0)
        return -1;
    if (count == 0)
        return 0;
    stream->partitions = leat_arena_zalloc(&stream->arena, (size_t)count, sizeof *stream->partitions);
    for (int32_t p = 0; p < count; p++)
        stream->partitions[p] = p;
    stream->assigned = true;
    *ret = (struct leat_change){LEAT_CHANGE_ASSIGNED, stream->partitions, (size_t)count};
    return 0;
}

/* Fills the readers; true when one has got a head, or when none is left that could. */
static bool fill_all(struct file_stream *stream)
{
    bool waiting = stream->subscribed != NULL && !stream->assigned;
    for (struct file_reader *reader = stream->readers; reader != NULL; reader = reader->next) {
        if (reader->base.head != NULL || reader->ended)
            continue;
        file_fill(&reader->base);
        if (reader->base.head != NULL || stream->failed)
            return true;
        waiting = waiting || !reader->ended;
    }
    return !waiting;
}

/* Waits for a pipe to have something, or a step for files to grow. */
static void wait_for_more(const struct file_stream *stream, int timeout_ms)
{
    struct pollfd fds[16];
    nfds_t count = 0;
    bool growing = stream->subscribed != NULL && !stream->assigned;
    for (const struct file_reader *reader = stream->readers; reader != NULL; reader = reader->next) {
        if (reader->base.head != NULL || reader->ended)
            continue;
        int fd = leat_lines_descriptor(reader->lines);
        if (fd >= 0 && count < sizeof fds / sizeof *fds)
            fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        else
            growing = true;
    }
    poll(fds, count, growing && timeout_ms > GROWTH_STEP_MS ? GROWTH_STEP_MS : timeout_ms);
}

static int file_poll(struct leat_stream *base, int timeout_ms, struct leat_change *ret, bool *ret_fatal,
                     struct leat_error *err)
{
    struct file_stream *stream = stream_of(base);
    int64_t now = now_ms();
    int64_t deadline = now + timeout_ms;
    if (write_commits(stream, err) < 0)
        return -1;
    if (write_sinks(stream, timeout_ms > 0 ? now : now - SINK_WAIT_MS, ret_fatal, err) < 0)
        return -1;
    for (;;) {
        if (stream->subscribed != NULL && !stream->assigned && assign(stream, ret, err) < 0)
            return -1;
        if (ret->kind != LEAT_CHANGE_NONE)
            return 0;
        bool done = fill_all(stream);
        if (stream->failed) {
            *ret_fatal = true;
            *err = stream->error;
            return -1;
        }
        now = now_ms();
        if (done || now >= deadline)
            return 0;
        wait_for_more(stream, (int)(deadline - now));
    }
}

static int file_acknowledge(struct leat_stream *stream, struct leat_error *err)
{
    (void)stream, (void)err; /* files are not taken away */
    return 0;
}

static void file_close(struct leat_stream *base)
{
    struct file_stream *stream = stream_of(base);
    write_commits(stream, NULL);
    while (stream->readers != NULL)
        file_reader_close(&stream->readers->base);
    while (stream->sinks != NULL) {
        struct file_sink *sink = stream->sinks;
        stream->sinks = sink->next;
        leat_sink_close(sink->sink);
        free(sink);
    }
    free_commits(stream);
    if (stream->lock >= 0)
        close(stream->lock);
    leat_arena_done(&stream->arena);
    free(stream);
}

const struct leat_stream_backend leat_stream_files = {
    .open = file_open,
    .close = file_close,
    .subscribe = file_subscribe,
    .poll = file_poll,
    .acknowledge = file_acknowledge,
    .committed = file_committed,
    .commit = file_commit,
    .partitions = file_partitions,
    .reader_open = file_reader_open,
    .reader_close = file_reader_close,
    .fill = file_fill,
    .next = file_next,
    .offset_at = file_offset_at,
    .ends = file_ends,
    .produce = file_produce,
    .flush = file_flush,
    .append = file_append,
};
