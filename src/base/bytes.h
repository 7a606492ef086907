/* Views of bytes, a growable buffer with a maximum, and a bounded cursor for untrusted input. */
#ifndef LEAT_BASE_BYTES_H
#define LEAT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view: not owned, not NUL-terminated. data may be NULL when len is 0. */
struct leat_bytes {
    const char *data;
    size_t len;
};

struct leat_bytes leat_bytes_of(const char *text); /* of a NUL-terminated string; NULL gives the empty view */
bool leat_bytes_equal(struct leat_bytes a, struct leat_bytes b);
bool leat_bytes_is(struct leat_bytes a, const char *text);
int leat_bytes_compare(struct leat_bytes a, struct leat_bytes b); /* as memcmp, the shorter first */

/* Drops what is left of a UTF-8 sequence at the end of a NUL-terminated text that was cut. */
void leat_text_mend_end(char *text);

/* For printf's "%.*s". */
#define LEAT_BYTES_FORMAT(view) (int)(view).len, (view).data

/* A growable buffer. All-zero is an empty one without a maximum; set max before the first append to bound it.
 * After a failed append (out of memory, or beyond max) `failed` stays set and the content stays as it was. */
struct leat_buffer {
    char *data;
    size_t len;
    size_t capacity;
    size_t max; /* 0: none */
    bool failed;
};

void leat_buffer_reset(struct leat_buffer *buffer); /* len 0, failed false; keeps the memory */
void leat_buffer_done(struct leat_buffer *buffer);  /* releases; the buffer is as all-zero but for max */
/* Room for extra more bytes, or -1. grow is its other half: what happens when there is not enough yet. */
int leat_buffer_grow(struct leat_buffer *buffer, size_t extra);
static inline int leat_buffer_reserve(struct leat_buffer *buffer, size_t extra)
{
    return !buffer->failed && extra <= buffer->capacity - buffer->len ? 0 : leat_buffer_grow(buffer, extra);
}
int leat_buffer_append(struct leat_buffer *buffer, const void *data, size_t len);
int leat_buffer_append_text(struct leat_buffer *buffer, const char *text);
static inline int leat_buffer_append_char(struct leat_buffer *buffer, char c)
{
    if (leat_buffer_reserve(buffer, 1) < 0)
        return -1;
    buffer->data[buffer->len++] = c;
    return 0;
}
int leat_buffer_format(struct leat_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct leat_bytes leat_buffer_view(const struct leat_buffer *buffer);
const char *leat_buffer_text(struct leat_buffer *buffer); /* NUL-terminated (the NUL is not counted); "" on failure */

/* A cursor over untrusted bytes: a read beyond the end fails and moves nothing. Little-endian reads. */
struct leat_cursor {
    const uint8_t *data;
    size_t len;
    size_t at;
};

struct leat_cursor leat_cursor_of(const void *data, size_t len);
int leat_cursor_u8(struct leat_cursor *cursor, uint8_t *ret);
int leat_cursor_u32(struct leat_cursor *cursor, uint32_t *ret);
int leat_cursor_u64(struct leat_cursor *cursor, uint64_t *ret);
int leat_cursor_bytes(struct leat_cursor *cursor, size_t len, struct leat_bytes *ret);

/* For __attribute__((cleanup(leat_buffer_done))). */
#define LEAT_CLEAN_BUFFER __attribute__((cleanup(leat_buffer_done))) struct leat_buffer

#endif
