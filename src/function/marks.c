/* The marks that a result can carry, by name: in outputs, decision records, metrics and documents. */
#include "function/score.h"

#include <stdio.h>

static const char *const names[LEAT_MARK_COUNT] = {
    "late", "partial", "stale_source", "stale_model", "event_age", "fallback", "stopped", "no_champion", "expired_row",
};

const char *leat_mark_name(enum leat_mark mark)
{
    return names[__builtin_ctz((unsigned)mark)];
}

size_t leat_marks_format(const struct leat_function *function, uint32_t marks, uint64_t stale_sources, char *ret,
                         size_t size)
{
    size_t len = 0;
    ret[0] = '\0';
#define PUT(...) len += (size_t)snprintf(ret + (len < size ? len : size - 1), len < size ? size - len : 1, __VA_ARGS__)
    for (unsigned m = 0; m < LEAT_MARK_COUNT; m++) {
        if (!(marks & (1u << m)))
            continue;
        PUT("%s%s", len ? "," : "", names[m]);
        if ((1u << m) != LEAT_MARK_STALE_SOURCE)
            continue;
        char separator = ':';
        for (size_t s = 0; s < function->source_count; s++) {
            if (!(stale_sources & (UINT64_C(1) << s)))
                continue;
            PUT("%c%s", separator, function->sources[s].name);
            separator = '+';
        }
    }
#undef PUT
    return len < size ? len : size - 1;
}

void leat_marks_put_json(const struct leat_function *function, uint32_t marks, uint64_t stale_sources,
                         struct leat_buffer *out)
{
    const char *comma = "";
    for (unsigned m = 0; m < LEAT_MARK_COUNT; m++) {
        if (!(marks & (1u << m)))
            continue;
        if ((1u << m) != LEAT_MARK_STALE_SOURCE) {
            leat_buffer_format(out, "%s\"%s\"", comma, names[m]);
            comma = ",";
            continue;
        }
        for (size_t s = 0; s < function->source_count; s++) {
            if (!(stale_sources & (UINT64_C(1) << s)))
                continue;
            leat_buffer_format(out, "%s\"%s:%s\"", comma, names[m], function->sources[s].name);
            comma = ",";
        }
    }
}
