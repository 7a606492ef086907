/* The tree's accessors and the writer; the parser is json.cc, the numbers are number.cc. */
#include "base/json.h"

#include <string.h>

const struct leat_json *leat_json_get(const struct leat_json *object, const char *name)
{
    if (object == NULL || object->type != LEAT_JSON_OBJECT)
        return NULL;
    struct leat_bytes wanted = leat_bytes_of(name);
    for (uint32_t i = 0; i < object->count; i++) {
        if (leat_bytes_equal(object->as.members[i].name, wanted))
            return &object->as.members[i].value;
    }
    return NULL;
}

const struct leat_json *leat_json_at(const struct leat_json *array, size_t index)
{
    if (array == NULL || array->type != LEAT_JSON_ARRAY || index >= array->count)
        return NULL;
    return &array->as.elements[index];
}

const char *leat_json_text(const struct leat_json *node, const char *otherwise)
{
    return node != NULL && node->type == LEAT_JSON_STRING ? node->as.string.data : otherwise;
}

bool leat_json_number(const struct leat_json *node, double *ret)
{
    if (node == NULL || (node->type != LEAT_JSON_INT && node->type != LEAT_JSON_DOUBLE))
        return false;
    *ret = node->type == LEAT_JSON_INT ? (double)node->as.integer : node->as.number;
    return true;
}

bool leat_json_integer(const struct leat_json *node, int64_t *ret)
{
    if (node == NULL || node->type != LEAT_JSON_INT)
        return false;
    *ret = node->as.integer;
    return true;
}

const char *leat_json_type_name(enum leat_json_type type)
{
    switch (type) {
    case LEAT_JSON_NULL:
        return "null";
    case LEAT_JSON_BOOL:
        return "boolean";
    case LEAT_JSON_INT:
        return "integer";
    case LEAT_JSON_DOUBLE:
        return "number";
    case LEAT_JSON_STRING:
        return "string";
    case LEAT_JSON_ARRAY:
        return "array";
    case LEAT_JSON_OBJECT:
        return "object";
    }
    return "unknown";
}

/* The length of the UTF-8 sequence at data (its first byte is 0x80 or more), or 0 when it is not a valid one. */
static size_t sequence_length(const unsigned char *data, size_t left)
{
    unsigned char lead = data[0];
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, and what is beyond U+10FFFF. */
    if ((lead == 0xE0 && data[1] < 0xA0) || (lead == 0xED && data[1] > 0x9F) || (lead == 0xF0 && data[1] < 0x90) ||
        (lead == 0xF4 && data[1] > 0x8F))
        return 0;
    return len;
}

size_t leat_utf8_prefix(struct leat_bytes text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t at = 0;
    while (at < text.len) {
        size_t len = data[at] < 0x80 ? 1 : sequence_length(data + at, text.len - at);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Whether one of eight bytes is not plain. A borrow may mark a byte that is, but only above one that is not. */
static bool has_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quotes = word ^ ones * '"', slashes = word ^ ones * '\\';
    uint64_t controls = (word - ones * 0x20) & ~word;
    return ((word | controls | ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes)) & tops) != 0;
}

static size_t plain_prefix(const unsigned char *data, size_t len)
{
    size_t at = 0;
    for (uint64_t word; len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, data + at, sizeof word);
        if (has_special(word))
            break;
    }
    while (at < len && is_plain(data[at]))
        at++;
    return at;
}

static int put_escape(struct leat_buffer *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', (char)c, '0', '0', digits[c >> 4], digits[c & 15]};
    switch (c) {
    case '"':
    case '\\':
        return leat_buffer_append(out, text, 2);
    case '\n':
        return leat_buffer_append(out, "\\n", 2);
    case '\r':
        return leat_buffer_append(out, "\\r", 2);
    case '\t':
        return leat_buffer_append(out, "\\t", 2);
    default:
        text[1] = 'u';
        return leat_buffer_append(out, text, 6);
    }
}

int leat_json_put_string(struct leat_buffer *out, struct leat_bytes text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    if (leat_buffer_reserve(out, text.len + 2) < 0)
        return -1;
    leat_buffer_append_char(out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t plain = plain_prefix(data + at, text.len - at);
        leat_buffer_append(out, data + at, plain);
        at += plain;
        if (at == text.len)
            break;
        if (data[at] < 0x80) {
            put_escape(out, data[at++]);
            continue;
        }
        size_t len = sequence_length(data + at, text.len - at);
        if (len == 0)
            leat_buffer_append(out, "\xEF\xBF\xBD", 3);
        else
            leat_buffer_append(out, data + at, len);
        at += len == 0 ? 1 : len;
    }
    return leat_buffer_append_char(out, '"'); /* fails when any of the others has */
}

static int put_array(struct leat_buffer *out, const struct leat_json *node)
{
    leat_buffer_append_char(out, '[');
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            leat_buffer_append_char(out, ',');
        if (leat_json_put(out, &node->as.elements[i]) < 0)
            return -1;
    }
    return leat_buffer_append_char(out, ']');
}

static int put_object(struct leat_buffer *out, const struct leat_json *node)
{
    leat_buffer_append_char(out, '{');
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            leat_buffer_append_char(out, ',');
        leat_json_put_string(out, node->as.members[i].name);
        leat_buffer_append_char(out, ':');
        if (leat_json_put(out, &node->as.members[i].value) < 0)
            return -1;
    }
    return leat_buffer_append_char(out, '}');
}

int leat_json_put(struct leat_buffer *out, const struct leat_json *node)
{
    switch (node->type) {
    case LEAT_JSON_NULL:
        return leat_buffer_append(out, "null", 4);
    case LEAT_JSON_BOOL:
        return leat_buffer_append_text(out, node->as.boolean ? "true" : "false");
    case LEAT_JSON_INT:
        return leat_json_put_int(out, node->as.integer);
    case LEAT_JSON_DOUBLE:
        return leat_json_put_double(out, node->as.number);
    case LEAT_JSON_STRING:
        return leat_json_put_string(out, node->as.string);
    case LEAT_JSON_ARRAY:
        return put_array(out, node);
    case LEAT_JSON_OBJECT:
        return put_object(out, node);
    }
    return -1;
}
