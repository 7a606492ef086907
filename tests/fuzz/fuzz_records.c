/* Our own records, from whoever wrote them: a line is a decision record or none, and all lines are one control log. The fold
 * keeps its promises whatever it is fed, and feeding the same again gives the same. */
#include "base/json.h"
#include "observe/decision.h"
#include "registry/control.h"

#include <stdint.h>
#include <string.h>

static void check_decision(struct leat_bytes line)
{
    struct leat_decision decision;
    struct leat_error err = {0};
    if (leat_decision_parse(line, &decision, &err) < 0) {
        leat_assert(err.kind == LEAT_ERROR_FINDING && err.text[0] && leat_utf8_valid(leat_bytes_of(err.text)));
        return;
    }
    double score;
    leat_assert(decision.function && decision.role && (decision.model != NULL) == (decision.version != 0));
    for (size_t i = 0; i < decision.shadow_count; i++)
        leat_decision_score(&decision, decision.shadows[i].model, decision.shadows[i].version, &score);
    leat_decision_done(&decision);
}

static void check_roles(const struct leat_roles *roles, int64_t offset)
{
    uint32_t champion = roles->champion.version;
    leat_assert(roles->last <= offset && roles->shadow_count <= LEAT_SHADOWS_MAX);
    leat_assert(champion == 0 || champion != roles->previous.version);
    for (size_t i = 0; i < roles->shadow_count; i++) {
        leat_assert(roles->shadows[i].version != 0 && roles->shadows[i].version != champion);
        for (size_t j = 0; j < i; j++)
            leat_assert(roles->shadows[i].version != roles->shadows[j].version);
    }
}

static void check_event(const struct leat_control_event *event)
{
    bool told = event->kind == LEAT_CONTROL_IGNORED || event->kind == LEAT_CONTROL_UNKNOWN;
    leat_assert(told == (event->reason[0] != '\0') && leat_utf8_valid(leat_bytes_of(event->reason)));
    if (event->kind == LEAT_CONTROL_ACCEPTED || event->kind == LEAT_CONTROL_IGNORED)
        leat_assert(event->role.by && event->role.why && event->role.model && event->role.digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leat_control *once = leat_control_new("m"), *again = leat_control_new("m");
    const char *at = (const char *)data, *end = at + size;
    for (int64_t offset = 0; at < end; offset++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct leat_bytes line = {at, (size_t)((stop ? stop : end) - at)};
        check_decision(line);
        check_event(leat_control_feed(once, offset, line));
        leat_control_feed(again, offset, line);
        check_roles(leat_control_roles(once), offset);
        leat_assert(leat_control_roles(once)->last == leat_control_roles(again)->last);
        at = stop ? stop + 1 : end;
    }
    leat_control_free(once);
    leat_control_free(again);
    return 0;
}
