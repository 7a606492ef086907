/* Records gather in a buffer of 1 MiB. A fence counts its records until the buffer that holds them was written whole. */
#include "stream/sink.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "event/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)1 << 20)
#define SCAN_SIZE ((size_t)64 << 10)

struct pending {
    struct leat_fence *fence;
    uint64_t count;
};

struct leat_sink {
    char *path;
    int fd;
    struct leat_buffer buffer;
    size_t written;          /* of the buffer */
    struct pending *pending; /* runs of equal fences */
    size_t pending_count, pending_room;
};

static int fail(struct leat_error *err, const char *path)
{
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not write to '%s': %s", path, strerror(errno));
}

static int open_path(const char *path)
{
    int fd;
    do {
        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0 && errno == EACCES) {
            fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC); /* a device or pipe that only takes */
            if (fd < 0 && errno == ENOENT)
                errno = EACCES; /* the folder may not be written, and that is why there is no file */
        }
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Where the last line that is ended ends; counts the lines before. -1: errno. */
static int64_t scan_lines(int fd, int64_t size, int64_t *ret_count)
{
    char *chunk = leat_malloc(SCAN_SIZE);
    int64_t at = 0, end = 0, count = 0;
    while (at < size) {
        ssize_t n = pread(fd, chunk, SCAN_SIZE, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (const char *next = chunk; (next = memchr(next, '\n', (size_t)(chunk + n - next))) != NULL; count++)
            end = at + (++next - chunk);
        at += n;
    }
    free(chunk);
    *ret_count = count;
    return at < size ? -1 : end;
}

/* The same for the end alone, from behind. */
static int64_t last_line_end(int fd, int64_t size)
{
    char *chunk = leat_malloc(SCAN_SIZE);
    int64_t end = 0;
    for (int64_t left = size; left > 0 && end == 0;) {
        size_t len = left < (int64_t)SCAN_SIZE ? (size_t)left : SCAN_SIZE;
        ssize_t n = pread(fd, chunk, len, left - (int64_t)len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)len) {
            end = -1;
            break;
        }
        left -= n;
        const char *newline = memrchr(chunk, '\n', len);
        if (newline != NULL)
            end = left + (newline - chunk) + 1;
    }
    free(chunk);
    return end;
}

/* Is all that stands behind `end` one whole JSON value? */
static bool is_whole(int fd, int64_t end, int64_t size)
{
    if (size - end > (int64_t)LEAT_RECORD_BYTES_MAX)
        return false;
    size_t len = (size_t)(size - end);
    char *line = leat_malloc(len);
    struct leat_json_document *document;
    bool whole = pread(fd, line, len, end) == (ssize_t)len &&
                 leat_json_parse((struct leat_bytes){line, len}, LEAT_JSON_STRICT, &document, NULL) == 0;
    free(line);
    if (whole)
        leat_json_free(document);
    return whole;
}

/* What a crash has torn is cut off. A record that only lacks its line end keeps its place: readers have counted it, and of
 * the control log it may be a decision that somebody serves by. */
static int mend_end(int fd, int64_t end, int64_t size, bool *ret_kept)
{
    *ret_kept = false;
    if (end == size)
        return 0;
    if (!is_whole(fd, end, size))
        return ftruncate(fd, end);
    *ret_kept = true;
    return write(fd, "\n", 1) == 1 ? 0 : -1;
}

static int mend_last_line(int fd)
{
    struct stat info;
    bool kept;
    if (fstat(fd, &info) < 0)
        return -1;
    if (!S_ISREG(info.st_mode) || info.st_size == 0)
        return 0;
    int64_t end = last_line_end(fd, info.st_size);
    return end < 0 ? -1 : mend_end(fd, end, info.st_size, &kept);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int make_folder_of(const char *path, struct leat_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    LEAT_CLEAN_BUFFER folder = {0};
    leat_buffer_append(&folder, path, (size_t)(slash - path));
    return leat_folder_make(leat_buffer_text(&folder), err);
}

int leat_sink_open(const char *path, struct leat_sink **ret, struct leat_error *err)
{
    if (ends_with(path, ".gz") || ends_with(path, ".zst"))
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not append to '%s': packed files are only read", path);
    bool standard = strcmp(path, "-") == 0;
    if (!standard && make_folder_of(path, err) < 0)
        return -1;
    int fd = standard ? STDOUT_FILENO : open_path(path);
    if (fd < 0)
        return fail(err, path);
    if (!standard && mend_last_line(fd) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return fail(err, path);
    }
    struct leat_sink *sink = leat_calloc(1, sizeof *sink);
    sink->path = leat_strdup(standard ? "standard output" : path);
    sink->fd = fd;
    *ret = sink;
    return 0;
}

void leat_sink_close(struct leat_sink *sink)
{
    if (sink == NULL)
        return;
    if (sink->fd != STDOUT_FILENO)
        close(sink->fd);
    leat_buffer_done(&sink->buffer);
    free(sink->pending);
    free(sink->path);
    free(sink);
}

bool leat_sink_is_empty(const struct leat_sink *sink)
{
    return sink->buffer.len == 0;
}

static void put_base64(struct leat_buffer *out, struct leat_bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    leat_buffer_append_char(out, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t three = 0;
        size_t len = bytes.len - i < 3 ? bytes.len - i : 3;
        for (size_t j = 0; j < 3; j++)
            three = three << 8 | (j < len ? (uint8_t)bytes.data[i + j] : 0);
        char four[4];
        for (size_t j = 0; j < 4; j++)
            four[j] = j <= len ? digits[three >> (18 - 6 * j) & 63] : '=';
        leat_buffer_append(out, four, 4);
    }
    leat_buffer_append_char(out, '"');
}

/* ,"name":"text" or ,"name_base64":"…" when the bytes are no text, or ,"name":null. */
static void put_bytes(struct leat_buffer *out, const char *separator, struct leat_bytes name, struct leat_bytes bytes)
{
    bool text = leat_utf8_valid(bytes);
    leat_buffer_append_text(out, separator);
    if (text) {
        leat_json_put_string(out, name);
    } else {
        LEAT_CLEAN_BUFFER longer = {0};
        leat_buffer_append(&longer, name.data, name.len);
        leat_buffer_append_text(&longer, "_base64");
        leat_json_put_string(out, leat_buffer_view(&longer));
    }
    leat_buffer_append_char(out, ':');
    if (bytes.data == NULL)
        leat_buffer_append_text(out, "null");
    else if (text)
        leat_json_put_string(out, bytes);
    else
        put_base64(out, bytes);
}

static void put_envelope(struct leat_buffer *out, const struct leat_produce *record)
{
    leat_buffer_append_text(out, "{\"topic\":");
    leat_json_put_string(out, leat_bytes_of(record->topic));
    if (record->timestamp != LEAT_TIME_NONE)
        leat_buffer_format(out, ",\"timestamp\":%lld", (long long)(record->timestamp / LEAT_MILLISECOND));
    put_bytes(out, ",", leat_bytes_of("key"), record->key);
    leat_buffer_append_text(out, ",\"headers\":{");
    for (size_t i = 0; i < record->header_count; i++)
        put_bytes(out, i == 0 ? "" : ",", record->headers[i].name, record->headers[i].value);
    leat_buffer_append_text(out, "}");
    put_bytes(out, ",", leat_bytes_of("value"), record->value);
    leat_buffer_append_text(out, "}");
}

static int check_line(const struct leat_produce *record, struct leat_reason *reason)
{
    struct leat_bytes value = record->value;
    if (value.len > LEAT_RECORD_BYTES_MAX)
        return leat_reason_set(reason, LEAT_STAGE_PRODUCE, "the record of %zu bytes is longer than %u", value.len,
                               LEAT_RECORD_BYTES_MAX);
    if (!record->envelope && value.len > 0 && memchr(value.data, '\n', value.len) != NULL)
        return leat_reason_set(reason, LEAT_STAGE_PRODUCE,
                               "the record has a line break, and a file has one record a line");
    return 0;
}

static void add_pending(struct leat_sink *sink, struct leat_fence *fence)
{
    if (fence == NULL)
        return;
    fence->outstanding++;
    if (sink->pending_count > 0 && sink->pending[sink->pending_count - 1].fence == fence) {
        sink->pending[sink->pending_count - 1].count++;
        return;
    }
    if (sink->pending_count == sink->pending_room) {
        sink->pending_room = sink->pending_room == 0 ? 64 : sink->pending_room * 2;
        sink->pending = leat_realloc(sink->pending, sink->pending_room, sizeof *sink->pending);
    }
    sink->pending[sink->pending_count++] = (struct pending){.fence = fence, .count = 1};
}

int leat_sink_put(struct leat_sink *sink, const struct leat_produce *record, struct leat_fence *fence,
                  struct leat_reason *reason, struct leat_error *err)
{
    bool fatal;
    if (check_line(record, reason) < 0)
        return -1;
    if (sink->buffer.len >= BUFFER_SIZE && leat_sink_write(sink, &fatal, err) < 0)
        return 1;

    size_t before = sink->buffer.len;
    if (record->envelope)
        put_envelope(&sink->buffer, record);
    else if (record->value.data == NULL)
        leat_buffer_append_text(&sink->buffer, "null");
    else
        leat_buffer_append(&sink->buffer, record->value.data, record->value.len);
    if (leat_buffer_append_char(&sink->buffer, '\n') < 0) {
        sink->buffer.len = before;
        sink->buffer.failed = false;
        leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not write to '%s': no memory for a record of %zu bytes",
                       sink->path, record->value.len);
        return 1;
    }
    add_pending(sink, fence);
    return 0;
}

/* Nobody reads fast enough from a pipe that does not block: wait, as one that blocks would. */
static void wait_writable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    poll(&wait, 1, 1000);
}

int leat_sink_write(struct leat_sink *sink, bool *ret_fatal, struct leat_error *err)
{
    while (sink->written < sink->buffer.len) {
        ssize_t n = write(sink->fd, sink->buffer.data + sink->written, sink->buffer.len - sink->written);
        if (n >= 0) {
            sink->written += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN) {
            wait_writable(sink->fd);
            continue;
        }
        *ret_fatal = errno == EPIPE;
        if (errno == EPIPE)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not write to '%s': its reader has closed it (%s)",
                                  sink->path, strerror(errno));
        return fail(err, sink->path);
    }
    for (size_t i = 0; i < sink->pending_count; i++)
        sink->pending[i].fence->outstanding -= sink->pending[i].count;
    sink->pending_count = 0;
    sink->written = 0;
    leat_buffer_reset(&sink->buffer);
    return 0;
}

static int append_locked(int fd, struct leat_bytes line, int64_t *ret_number)
{
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return -1;
    }
    struct stat info;
    int64_t count = 0;
    if (fstat(fd, &info) < 0)
        return -1;
    int64_t end = scan_lines(fd, info.st_size, &count);
    bool kept;
    if (end < 0 || mend_end(fd, end, info.st_size, &kept) < 0)
        return -1;
    count += kept;
    for (size_t at = 0; at < line.len;) {
        ssize_t n = write(fd, line.data + at, line.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1; /* what is torn is cut off by the next one */
        at += (size_t)n;
    }
    if (fsync(fd) < 0)
        return -1;
    *ret_number = count;
    return 0;
}

int leat_sink_append(const char *path, struct leat_bytes line, int64_t *ret_number, struct leat_error *err)
{
    if (line.len > 0 && memchr(line.data, '\n', line.len) != NULL)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not append to '%s': the record has a line break", path);
    if (make_folder_of(path, err) < 0)
        return -1;
    LEAT_CLEAN_BUFFER ended = {0};
    leat_buffer_append(&ended, line.data, line.len);
    leat_buffer_append_char(&ended, '\n');
    int fd = open_path(path);
    if (fd < 0)
        return fail(err, path);
    int status = append_locked(fd, leat_buffer_view(&ended), ret_number);
    if (status < 0)
        fail(err, path);
    close(fd);
    return status;
}
