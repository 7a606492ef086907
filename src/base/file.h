/* Small files read and written whole. */
#ifndef LEAT_BASE_FILE_H
#define LEAT_BASE_FILE_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

/* Reads a file of at most max bytes (beyond: an error with both numbers) into *ret, which the caller releases. */
int leat_file_read(const char *path, size_t max, struct leat_buffer *ret, struct leat_error *err);
/* Writes to a temporary name beside it, syncs, renames. */
int leat_file_write(const char *path, struct leat_bytes content, struct leat_error *err);
/* Appends one record and syncs; the file is made when absent. */
int leat_file_append(const char *path, struct leat_bytes content, struct leat_error *err);
int leat_folder_make(const char *path, struct leat_error *err); /* with its parents; existing is fine */
bool leat_file_exists(const char *path);

#endif
