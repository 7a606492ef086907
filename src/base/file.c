#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP ((size_t)65536)

static void close_descriptor(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLEAN_DESCRIPTOR __attribute__((cleanup(close_descriptor))) int

static int fail(struct leat_error *err, const char *what, const char *path)
{
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not %s '%s': %s", what, path, strerror(errno));
}

static int open_again(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int write_all(int fd, struct leat_bytes content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        content.data += n;
        content.len -= (size_t)n;
    }
    return 0;
}

/* A new or renamed name is only as durable as its folder. */
static int sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    const char *name = slash == NULL ? "." : len == 0 ? "/" : folder;

    CLEAN_DESCRIPTOR fd = open_again(name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS) /* some file systems can not sync a folder */
        return -1;
    return 0;
}

int leat_file_read(const char *path, size_t max, struct leat_buffer *ret, struct leat_error *err)
{
    CLEAN_DESCRIPTOR fd = open_again(path, O_RDONLY, 0);
    if (fd < 0)
        return fail(err, "read", path);
    struct stat info;
    if (fstat(fd, &info) < 0)
        return fail(err, "read", path);
    if (S_ISDIR(info.st_mode))
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read '%s': it is a folder", path);
    if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > max)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                              "can not read '%s': it has %" PRIu64 " bytes, and at most %zu are read", path,
                              (uint64_t)info.st_size, max);

    LEAT_CLEAN_BUFFER content = {0};
    /* One byte more than the file is said to have: then its end is seen without growing. */
    size_t step = S_ISREG(info.st_mode) ? (size_t)info.st_size + 1 : READ_STEP;
    for (;;) {
        if (leat_buffer_reserve(&content, step) < 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not read '%s': no memory for its %zu bytes", path,
                                  content.len + step);
        ssize_t n = read(fd, content.data + content.len, content.capacity - content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, "read", path);
        if (n == 0)
            break;
        content.len += (size_t)n;
        if (content.len > max)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                                  "can not read '%s': it has more than %zu bytes, and at most %zu are read", path, max,
                                  max);
        if (content.capacity - content.len == 0)
            step = READ_STEP;
        else
            step = 1;
    }
    *ret = content;
    content = (struct leat_buffer){0};
    return 0;
}

static int write_synced(const char *path, struct leat_bytes content)
{
    CLEAN_DESCRIPTOR fd = open_again(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        return -1;
    if (write_all(fd, content) < 0 || fsync(fd) < 0)
        return -1;
    return 0;
}

int leat_file_write(const char *path, struct leat_bytes content, struct leat_error *err)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return fail(err, "write", path);
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof temporary, "%s.%016" PRIx64 ".tmp", path, random);
    if (len < 0 || (size_t)len >= sizeof temporary) {
        errno = ENAMETOOLONG;
        return fail(err, "write", path);
    }

    if (write_synced(temporary, content) < 0) {
        int saved = errno;
        if (saved != EEXIST)
            unlink(temporary);
        errno = saved;
        return fail(err, "write", temporary);
    }
    if (rename(temporary, path) < 0) {
        int saved = errno;
        unlink(temporary);
        errno = saved;
        return fail(err, "write", path);
    }
    if (sync_folder_of(path) < 0)
        return fail(err, "sync the folder of", path);
    return 0;
}

int leat_file_append(const char *path, struct leat_bytes content, struct leat_error *err)
{
    bool is_new = !leat_file_exists(path);
    CLEAN_DESCRIPTOR fd = open_again(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (fd < 0)
        return fail(err, "append to", path);
    /* Held until the close: two processes never mix their records, and a torn one can be taken back. */
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return fail(err, "lock", path);
    }
    struct stat info;
    if (fstat(fd, &info) < 0)
        return fail(err, "append to", path);

    if (write_all(fd, content) < 0 || fsync(fd) < 0) {
        int saved = errno;
        if (S_ISREG(info.st_mode) && ftruncate(fd, info.st_size) < 0)
            return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                                  "can not append to '%s': %s; a torn record was left behind byte %" PRId64, path,
                                  strerror(saved), (int64_t)info.st_size);
        errno = saved;
        return fail(err, "append to", path);
    }
    if (is_new && sync_folder_of(path) < 0)
        return fail(err, "sync the folder of", path);
    return 0;
}

static int make_one(const char *path)
{
    if (mkdir(path, 0777) == 0)
        return 0;
    int saved = errno;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return 0; /* also when it may not be made because its file system is read-only */
    errno = saved == EEXIST ? ENOTDIR : saved;
    return -1;
}

int leat_folder_make(const char *path, struct leat_error *err)
{
    char folder[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof folder) {
        errno = ENAMETOOLONG;
        return fail(err, "make the folder", path);
    }
    memcpy(folder, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (folder[i] != '/')
            continue;
        folder[i] = '\0';
        if (make_one(folder) < 0)
            return fail(err, "make the folder", folder);
        folder[i] = '/';
    }
    if (make_one(folder) < 0)
        return fail(err, "make the folder", folder);
    return 0;
}

bool leat_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}
