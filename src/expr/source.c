/* Errors with a place: the position, the line that it is on and a caret under it. Columns count characters, so that an
 * editor finds them; a long line is cut on both sides of the caret. */
#include "expr/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BEFORE 60 /* bytes of the line that are shown before the caret */
#define LINE_BEHIND 60

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t line_start(struct leat_bytes text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(struct leat_bytes text, size_t at)
{
    while (at < text.len && text.data[at] != '\n' && text.data[at] != '\r')
        at++;
    return at;
}

static int characters(struct leat_bytes text, size_t from, size_t to)
{
    int count = 0;
    for (size_t i = from; i < to; i++)
        count += !is_continuation(text.data[i]);
    return count;
}

/* Moves a cut to the start of a character. */
static size_t whole_character(struct leat_bytes text, size_t at)
{
    while (at > 0 && at < text.len && is_continuation(text.data[at]))
        at--;
    return at;
}

static void put_excerpt(const struct leat_expr_source *source, size_t at, struct leat_buffer *out)
{
    struct leat_bytes text = source->text;
    size_t start = line_start(text, at), end = line_end(text, at);
    size_t from = start, to = end;

    if (at - start > LINE_BEFORE)
        from = whole_character(text, at - LINE_BEFORE);
    if (end - at > LINE_BEHIND)
        to = whole_character(text, at + LINE_BEHIND);
    leat_buffer_append_text(out, from > start ? "\n  …" : "\n  ");
    leat_buffer_append(out, text.data + from, to - from);
    leat_buffer_append_text(out, to < end ? "…\n  " : "\n  ");
    if (from > start)
        leat_buffer_append_char(out, ' ');
    for (size_t i = from; i < at; i++) {
        if (is_continuation(text.data[i]))
            continue;
        leat_buffer_append_char(out, text.data[i] == '\t' ? '\t' : ' ');
    }
    leat_buffer_append_char(out, '^');
}

int leat_expr_fail(const struct leat_expr_source *source, size_t at, struct leat_error *err, const char *format, ...)
{
    struct leat_bytes text = source->text;
    char sentence[1200];
    LEAT_CLEAN_BUFFER out = {.max = sizeof err->text - 1};
    int line = source->place.line, column;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);

    if (at > text.len)
        at = text.len;
    at = whole_character(text, at);
    for (size_t i = 0; i < at; i++)
        line += text.data[i] == '\n';
    column = characters(text, line_start(text, at), at) + 1;
    column += line == source->place.line ? source->place.column - 1 : source->place.indent;

    if (source->place.file)
        leat_buffer_format(&out, "%.300s:", source->place.file);
    leat_buffer_format(&out, "%d:%d: %s", line, column, sentence);
    put_excerpt(source, at, &out);
    return leat_error_set(err, LEAT_ERROR_FINDING, "%s", leat_buffer_text(&out));
}
