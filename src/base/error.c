#include "base/error.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void replace_controls(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f)
            *c = '?';
}

int(leat_error_set)(struct leat_error *err, enum leat_error_kind kind, const char *format, ...)
{
    if (err == NULL)
        return -1;
    char text[sizeof err->text]; /* the arguments may point into the old text */
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0)
        text[0] = '\0';
    if (len >= (int)sizeof text)
        leat_text_mend_end(text);
    replace_controls(text);
    err->kind = kind;
    memcpy(err->text, text, sizeof text);
    return -1;
}

int(leat_error_prefix)(struct leat_error *err, const char *format, ...)
{
    if (err == NULL)
        return -1;
    char text[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0)
        return -1;

    size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    int more = snprintf(text + used, sizeof text - used, ": %s", err->text);
    if (more < 0 || (size_t)more >= sizeof text - used)
        leat_text_mend_end(text);
    replace_controls(text);
    memcpy(err->text, text, sizeof text);
    return -1;
}

int leat_error_one_line(struct leat_error *err)
{
    for (char *c = err == NULL ? NULL : strchr(err->text, '\n'); c != NULL; c = strchr(c, '\n'))
        *c = ' ';
    return -1;
}

void leat_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "leat: %s:%d: this should hold: %s\n", file, line, condition);
    abort();
}
