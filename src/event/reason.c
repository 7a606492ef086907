#include "event/reason.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

int(leat_reason_set)(struct leat_reason *reason, enum leat_stage stage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    if (len < 0)
        reason->text[0] = '\0';
    if (len >= (int)sizeof reason->text)
        leat_text_mend_end(reason->text);
    reason->stage = stage;
    return -1;
}

const char *leat_stage_name(enum leat_stage stage)
{
    switch (stage) {
    case LEAT_STAGE_NONE:
        return "none";
    case LEAT_STAGE_DECODE:
        return "decode";
    case LEAT_STAGE_SCHEMA:
        return "schema";
    case LEAT_STAGE_TIME:
        return "time";
    case LEAT_STAGE_FEATURE:
        return "feature";
    case LEAT_STAGE_MODEL:
        return "model";
    case LEAT_STAGE_ENCODE:
        return "encode";
    case LEAT_STAGE_PRODUCE:
        return "produce";
    }
    return "unknown";
}
