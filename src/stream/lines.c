/* A line is found by memchr in a buffer of 1 MiB that is filled by read() alone when the file is plain; the tail of an
 * unfinished line moves to the front before it is filled again. The buffer grows up to the longest line that is handed
 * over whole. */
#include "stream/lines.h"

#include "base/arena.h"
#include "event/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define BUFFER_SIZE ((size_t)1 << 20)
#define PACKED_SIZE ((size_t)256 << 10)
#define LINE_BYTES_MAX ((size_t)LEAT_RECORD_BYTES_MAX + 1)

static const char gzip_magic[2] = "\x1F\x8B", zstd_magic[4] = "\x28\xB5\x2F\xFD";

enum packing { PLAIN, GZIP, ZSTD };

struct leat_lines {
    char *path;
    int fd;
    bool follow, pipe, ended, failed;
    struct leat_error error;

    enum packing packing;
    bool sniffed; /* the packing is known */
    bool within;  /* within a gzip member or a Zstandard frame */
    bool holding; /* the decoder may have more without reading more */
    bool padded;  /* zeros follow the last gzip member */
    char *packed; /* bytes of the file, not yet unpacked */
    size_t packed_at, packed_len;
    z_stream gzip;
    ZSTD_DStream *zstd;

    char *data;
    size_t start, scan, end, capacity; /* the current line begins at start; no newline before scan */
    int64_t count;                     /* lines passed */
    int64_t number;
    int64_t skip;
    int64_t bytes; /* read from the file */
    bool cutting;  /* within the rest of a line that was cut */
};

static enum leat_lines_status fail(struct leat_lines *lines, const char *what)
{
    lines->failed = true;
    leat_error_set(&lines->error, LEAT_ERROR_ENVIRONMENT, "can not read '%s' behind its line %lld: %s", lines->path,
                   (long long)lines->count, what);
    return LEAT_LINES_FAILED;
}

static int open_path(const char *path)
{
    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int leat_lines_open(const char *path, bool follow, struct leat_lines **ret, struct leat_error *err)
{
    int fd = open_path(path);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        int saved = errno;
        if (fd > STDIN_FILENO)
            close(fd);
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read '%s': %s", path, strerror(saved));
    }
    if (S_ISDIR(info.st_mode)) {
        close(fd);
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read '%s': it is a folder", path);
    }
    struct leat_lines *lines = leat_calloc(1, sizeof *lines);
    lines->path = leat_strdup(path);
    lines->fd = fd;
    lines->pipe = !S_ISREG(info.st_mode);
    lines->follow = follow && !lines->pipe;
    *ret = lines;
    return 0;
}

void leat_lines_close(struct leat_lines *lines)
{
    if (lines == NULL)
        return;
    if (lines->fd != STDIN_FILENO)
        close(lines->fd);
    if (lines->packing == GZIP)
        inflateEnd(&lines->gzip);
    ZSTD_freeDStream(lines->zstd);
    free(lines->packed);
    free(lines->data);
    free(lines->path);
    free(lines);
}

static bool is_readable(const struct leat_lines *lines)
{
    struct pollfd fd = {.fd = lines->fd, .events = POLLIN};
    return !lines->pipe || poll(&fd, 1, 0) > 0;
}

/* Bytes of the file: RECORD with *ret_len of at least 1, or another status. */
static enum leat_lines_status read_raw(struct leat_lines *lines, char *data, size_t len, size_t *ret_len)
{
    for (;;) {
        if (!is_readable(lines))
            return LEAT_LINES_WAIT;
        ssize_t n = read(lines->fd, data, len);
        if (n > 0) {
            lines->bytes += n;
            *ret_len = (size_t)n;
            return LEAT_LINES_RECORD;
        }
        if (n == 0)
            break;
        if (errno == EAGAIN)
            return LEAT_LINES_WAIT;
        if (errno != EINTR)
            return fail(lines, strerror(errno));
    }
    if (!lines->follow)
        return LEAT_LINES_END;
    struct stat info;
    if (fstat(lines->fd, &info) == 0 && info.st_size < lines->bytes)
        return fail(lines, "it has become shorter than what was read of it");
    return LEAT_LINES_WAIT;
}

static enum leat_lines_status read_packed(struct leat_lines *lines)
{
    if (lines->packed_at < lines->packed_len)
        return LEAT_LINES_RECORD;
    lines->packed_at = lines->packed_len = 0;
    return read_raw(lines, lines->packed, PACKED_SIZE, &lines->packed_len);
}

static enum leat_lines_status start_unpacking(struct leat_lines *lines)
{
    if (lines->packing == PLAIN)
        return LEAT_LINES_RECORD;
    lines->follow = false; /* a packed file does not grow a line at a time */
    bool good;
    if (lines->packing == GZIP)
        good = inflateInit2(&lines->gzip, 15 + 16) == Z_OK;
    else
        good = (lines->zstd = ZSTD_createDStream()) != NULL;
    return good ? LEAT_LINES_RECORD : fail(lines, "no memory to unpack it");
}

static bool begins(const struct leat_lines *lines, const char *magic, size_t len)
{
    return memcmp(lines->packed, magic, lines->packed_len < len ? lines->packed_len : len) == 0;
}

/* The first bytes say how a file is packed; a name that says otherwise is a mistake that the lines would not show. */
static enum leat_lines_status sniff(struct leat_lines *lines)
{
    if (lines->packed == NULL)
        lines->packed = leat_malloc(PACKED_SIZE);
    for (;;) {
        bool gzip = begins(lines, gzip_magic, sizeof gzip_magic);
        bool zstd = begins(lines, zstd_magic, sizeof zstd_magic);
        size_t needed = gzip ? sizeof gzip_magic : zstd ? sizeof zstd_magic : 0;
        if (lines->packed_len > 0 && lines->packed_len >= needed) {
            lines->packing = gzip ? GZIP : zstd ? ZSTD : PLAIN;
            break;
        }
        size_t len = 0;
        enum leat_lines_status status = read_raw(lines, lines->packed + lines->packed_len,
                                                 PACKED_SIZE - lines->packed_len, &len);
        if (status == LEAT_LINES_WAIT || status == LEAT_LINES_FAILED)
            return status;
        if (status == LEAT_LINES_END)
            break;
        lines->packed_len += len;
    }
    const char *dot = strrchr(lines->path, '.');
    if (lines->packing == PLAIN && dot != NULL && strcmp(dot, ".gz") == 0)
        return fail(lines, "its content is not gzip");
    if (lines->packing == PLAIN && dot != NULL && strcmp(dot, ".zst") == 0)
        return fail(lines, "its content is not Zstandard");
    lines->sniffed = true;
    return start_unpacking(lines);
}

/* What comes behind a member of a gzip file: another one, or zeros that some tools pad with. */
static enum leat_lines_status begin_member(struct leat_lines *lines)
{
    if (lines->packed[lines->packed_at] == '\0')
        lines->padded = true;
    if (!lines->padded) {
        inflateReset(&lines->gzip);
        lines->within = true;
        return LEAT_LINES_RECORD;
    }
    for (; lines->packed_at < lines->packed_len; lines->packed_at++) {
        if (lines->packed[lines->packed_at] != '\0')
            return fail(lines, "there is something else behind its gzip data");
    }
    return LEAT_LINES_RECORD;
}

static enum leat_lines_status unpack_gzip(struct leat_lines *lines, char *data, size_t len, size_t *ret_len)
{
    enum leat_lines_status begun = lines->within ? LEAT_LINES_RECORD : begin_member(lines);
    if (!lines->within)
        return begun; /* padding, or broken */
    z_stream *gzip = &lines->gzip;
    gzip->next_in = (Bytef *)lines->packed + lines->packed_at;
    gzip->avail_in = (uInt)(lines->packed_len - lines->packed_at);
    gzip->next_out = (Bytef *)data;
    gzip->avail_out = (uInt)len;
    int status = inflate(gzip, Z_NO_FLUSH);
    lines->packed_at = lines->packed_len - gzip->avail_in;
    *ret_len = len - gzip->avail_out;
    if (status == Z_STREAM_END)
        lines->within = false;
    else if (status != Z_OK && status != Z_BUF_ERROR)
        return fail(lines, gzip->msg != NULL ? gzip->msg : "its gzip data is broken");
    return LEAT_LINES_RECORD;
}

static enum leat_lines_status unpack_zstd(struct leat_lines *lines, char *data, size_t len, size_t *ret_len)
{
    ZSTD_inBuffer in = {.src = lines->packed, .size = lines->packed_len, .pos = lines->packed_at};
    ZSTD_outBuffer out = {.dst = data, .size = len};
    size_t left = ZSTD_decompressStream(lines->zstd, &out, &in);
    if (ZSTD_isError(left))
        return fail(lines, ZSTD_getErrorName(left));
    lines->packed_at = in.pos;
    lines->within = left != 0;
    *ret_len = out.pos;
    return LEAT_LINES_RECORD;
}

/* Unpacked bytes: RECORD with *ret_len of at least 1, or another status. What the decoder still holds because there was
 * no room comes out before more is read. */
static enum leat_lines_status read_unpacked(struct leat_lines *lines, char *data, size_t len, size_t *ret_len)
{
    for (*ret_len = 0; *ret_len == 0;) {
        enum leat_lines_status status = lines->holding ? LEAT_LINES_RECORD : read_packed(lines);
        if (status == LEAT_LINES_END && lines->within)
            return fail(lines, "it ends within its packed data: it was cut off");
        if (status != LEAT_LINES_RECORD)
            return status;
        status = lines->packing == GZIP ? unpack_gzip(lines, data, len, ret_len)
                                        : unpack_zstd(lines, data, len, ret_len);
        if (status != LEAT_LINES_RECORD)
            return status;
        lines->holding = lines->within && *ret_len == len;
    }
    return LEAT_LINES_RECORD;
}

static enum leat_lines_status read_some(struct leat_lines *lines, char *data, size_t len, size_t *ret_len)
{
    enum leat_lines_status status = lines->sniffed ? LEAT_LINES_RECORD : sniff(lines);
    if (status != LEAT_LINES_RECORD)
        return status;
    if (lines->packing != PLAIN)
        return read_unpacked(lines, data, len, ret_len);
    if (lines->packed_at == lines->packed_len)
        return read_raw(lines, data, len, ret_len);
    size_t sniffed = lines->packed_len - lines->packed_at; /* what sniffing has read */
    *ret_len = sniffed < len ? sniffed : len;
    memcpy(data, lines->packed + lines->packed_at, *ret_len);
    lines->packed_at += *ret_len;
    return LEAT_LINES_RECORD;
}

static void make_room(struct leat_lines *lines)
{
    size_t tail = lines->end - lines->start;
    if (lines->start > 0 && tail > 0)
        memmove(lines->data, lines->data + lines->start, tail);
    lines->scan -= lines->start;
    lines->start = 0;
    lines->end = tail;
    if (lines->capacity - tail >= BUFFER_SIZE / 2)
        return;
    lines->capacity = lines->capacity == 0 ? BUFFER_SIZE : lines->capacity * 2;
    lines->data = leat_realloc(lines->data, lines->capacity, 1);
}

static enum leat_lines_status refill(struct leat_lines *lines)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* a byte order mark in UTF-8 is no part of the first line */
    make_room(lines);
    bool first = lines->count == 0 && lines->end < sizeof mark - 1;
    size_t len = 0;
    enum leat_lines_status status = read_some(lines, lines->data + lines->end, lines->capacity - lines->end, &len);
    if (status == LEAT_LINES_END)
        lines->ended = true;
    if (status != LEAT_LINES_RECORD)
        return status;
    lines->end += len;
    if (first && lines->end >= sizeof mark - 1 && memcmp(lines->data, mark, sizeof mark - 1) == 0)
        lines->start = lines->scan = sizeof mark - 1;
    return status;
}

/* Takes the line that ends at `end`, of which `next` bytes more are its line end. False: it is not to be handed over. */
static bool take(struct leat_lines *lines, size_t end, size_t next, struct leat_bytes *ret)
{
    struct leat_bytes line = {lines->data + lines->start, end - lines->start};
    lines->start = lines->scan = end + next;
    if (lines->cutting) {
        lines->cutting = false;
        return false;
    }
    int64_t number = lines->count++;
    if (number < lines->skip)
        return false;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len > LINE_BYTES_MAX)
        line.len = LINE_BYTES_MAX;
    lines->number = number;
    *ret = line;
    return line.len > 0;
}

/* The next line of the buffer. A line that has filled LINE_BYTES_MAX without an end is handed over, its rest is passed over. */
static bool take_buffered(struct leat_lines *lines, struct leat_bytes *ret)
{
    while (lines->scan < lines->end) {
        const char *newline = memchr(lines->data + lines->scan, '\n', lines->end - lines->scan);
        if (newline != NULL) {
            if (take(lines, (size_t)(newline - lines->data), 1, ret))
                return true;
            continue;
        }
        lines->scan = lines->end;
        if (lines->cutting) {
            lines->start = lines->end;
        } else if (lines->end - lines->start > LINE_BYTES_MAX) {
            bool handed = take(lines, lines->end, 0, ret);
            lines->cutting = true;
            if (handed)
                return true;
        }
    }
    return false;
}

enum leat_lines_status leat_lines_next(struct leat_lines *lines, struct leat_bytes *ret, struct leat_error *err)
{
    enum leat_lines_status status = LEAT_LINES_RECORD;
    while (!lines->failed) {
        if (take_buffered(lines, ret))
            return LEAT_LINES_RECORD;
        if (!lines->ended)
            status = refill(lines);
        if (lines->ended && lines->start < lines->end) {
            if (take(lines, lines->end, 0, ret))
                return LEAT_LINES_RECORD;
        }
        if (lines->ended)
            return LEAT_LINES_END;
        if (status == LEAT_LINES_WAIT)
            return status;
    }
    if (err != NULL)
        *err = lines->error;
    return LEAT_LINES_FAILED;
}

void leat_lines_skip(struct leat_lines *lines, int64_t number)
{
    lines->skip = number;
}

int64_t leat_lines_number(const struct leat_lines *lines)
{
    return lines->number;
}

int64_t leat_lines_count(const struct leat_lines *lines)
{
    return lines->count;
}

int leat_lines_descriptor(const struct leat_lines *lines)
{
    return lines->pipe && !lines->ended ? lines->fd : -1;
}

bool leat_lines_is_pipe(const struct leat_lines *lines)
{
    return lines->pipe;
}
