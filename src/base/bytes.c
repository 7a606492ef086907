/* A buffer's allocation is always one byte larger than its capacity, so that its text can be ended with a NUL at any
 * time, also when it is full to its maximum. */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN ((size_t)64)

struct leat_bytes leat_bytes_of(const char *text)
{
    return (struct leat_bytes){.data = text, .len = text == NULL ? 0 : strlen(text)};
}

bool leat_bytes_equal(struct leat_bytes a, struct leat_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool leat_bytes_is(struct leat_bytes a, const char *text)
{
    return leat_bytes_equal(a, leat_bytes_of(text));
}

int leat_bytes_compare(struct leat_bytes a, struct leat_bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

void leat_text_mend_end(char *text)
{
    size_t len = strlen(text);
    size_t tail = 0;
    while (tail < len && tail < 4 && ((unsigned char)text[len - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail == len)
        return;
    unsigned char lead = (unsigned char)text[len - 1 - tail];
    size_t needed = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (tail < needed)
        text[len - 1 - tail] = '\0';
}

void leat_buffer_reset(struct leat_buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
}

void leat_buffer_done(struct leat_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct leat_buffer){.max = buffer->max};
}

static int fail(struct leat_buffer *buffer)
{
    buffer->failed = true;
    return -1;
}

int leat_buffer_grow(struct leat_buffer *buffer, size_t extra)
{
    if (buffer->failed)
        return -1;
    if (extra <= buffer->capacity - buffer->len)
        return 0;

    size_t limit = buffer->max != 0 ? buffer->max : SIZE_MAX / 4;
    if (buffer->len > limit || extra > limit - buffer->len)
        return fail(buffer);
    size_t capacity = buffer->capacity < BUFFER_MIN ? BUFFER_MIN : buffer->capacity * 2;
    if (capacity > limit)
        capacity = limit;
    if (capacity < buffer->len + extra)
        capacity = buffer->len + extra;

    char *data = realloc(buffer->data, capacity + 1);
    if (data == NULL)
        return fail(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int leat_buffer_append(struct leat_buffer *buffer, const void *data, size_t len)
{
    if (leat_buffer_reserve(buffer, len) < 0)
        return -1;
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return 0;
}

int leat_buffer_append_text(struct leat_buffer *buffer, const char *text)
{
    return leat_buffer_append(buffer, text, strlen(text));
}

int leat_buffer_format(struct leat_buffer *buffer, const char *format, ...)
{
    if (leat_buffer_reserve(buffer, 0) < 0)
        return -1;
    size_t room = buffer->data == NULL ? 0 : buffer->capacity - buffer->len + 1;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(room == 0 ? NULL : buffer->data + buffer->len, room, format, arguments);
    va_end(arguments);
    if (len < 0)
        return fail(buffer);
    if ((size_t)len < room) {
        buffer->len += (size_t)len;
        return 0;
    }

    if (leat_buffer_reserve(buffer, (size_t)len) < 0)
        return -1;
    if (buffer->data == NULL) /* an empty text into an empty buffer */
        return 0;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    buffer->len += (size_t)len;
    return 0;
}

struct leat_bytes leat_buffer_view(const struct leat_buffer *buffer)
{
    return (struct leat_bytes){.data = buffer->data, .len = buffer->len};
}

const char *leat_buffer_text(struct leat_buffer *buffer)
{
    if (buffer->failed || buffer->data == NULL)
        return "";
    buffer->data[buffer->len] = '\0';
    return buffer->data;
}

struct leat_cursor leat_cursor_of(const void *data, size_t len)
{
    return (struct leat_cursor){.data = data, .len = len, .at = 0};
}

int leat_cursor_u8(struct leat_cursor *cursor, uint8_t *ret)
{
    if (cursor->len - cursor->at < 1)
        return -1;
    *ret = cursor->data[cursor->at++];
    return 0;
}

int leat_cursor_u32(struct leat_cursor *cursor, uint32_t *ret)
{
    if (cursor->len - cursor->at < 4)
        return -1;
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)cursor->data[cursor->at + i] << (8 * i);
    cursor->at += 4;
    *ret = value;
    return 0;
}

int leat_cursor_u64(struct leat_cursor *cursor, uint64_t *ret)
{
    if (cursor->len - cursor->at < 8)
        return -1;
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)cursor->data[cursor->at + i] << (8 * i);
    cursor->at += 8;
    *ret = value;
    return 0;
}

int leat_cursor_bytes(struct leat_cursor *cursor, size_t len, struct leat_bytes *ret)
{
    if (cursor->len - cursor->at < len)
        return -1;
    *ret = (struct leat_bytes){.data = len == 0 ? NULL : (const char *)cursor->data + cursor->at, .len = len};
    cursor->at += len;
    return 0;
}
