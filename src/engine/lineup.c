/* The lineup: control log → version numbers (registry/control) → loaded and bound versions. */
#include "engine/lineup.h"

#include "base/time.h"
#include "registry/control.h"
#include "registry/versions.h"

#include <stdlib.h>
#include <string.h>

#define LEAT_ROSTER_KEPT 64 /* bound versions kept at hand; a rollback then loads nothing */

struct leat_roster {
    const struct leat_function *function;
    struct leat_control *control;
    struct leat_lineup lineup;
    struct leat_bound *kept[LEAT_ROSTER_KEPT]; /* by number; the lineup points into them */
    size_t kept_count;
    int64_t position;          /* last record taken */
    int64_t last_accepted;     /* offset of the role record that made the lineup */
    struct leat_error refusal; /* why the roles of the log are not those of the lineup */
};

static int load_bound(struct leat_roster *roster, const char *name, uint32_t number, struct leat_bound **ret,
                      struct leat_error *err)
{
    for (size_t i = 0; i < roster->kept_count; i++) {
        const struct leat_version *version = leat_bound_version(roster->kept[i]);
        if (version->number == number && strcmp(version->name, name) == 0) {
            *ret = roster->kept[i];
            return 0;
        }
    }
    if (roster->kept_count == LEAT_ROSTER_KEPT)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                              "%d versions have been loaded since the start; restart to load %s/%u", LEAT_ROSTER_KEPT,
                              name, number);
    struct leat_version *version;
    if (leat_registry_load(roster->function->registry, name, number, &version, err) < 0)
        return -1;
    struct leat_bound *bound;
    int result = leat_bound_new(roster->function, version, &bound, err);
    leat_version_unref(version);
    if (result < 0)
        return -1;
    roster->kept[roster->kept_count++] = bound;
    *ret = bound;
    return 0;
}

static int newest(const struct leat_roster *roster, const char *name, uint32_t *ret, struct leat_error *err)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (leat_registry_numbers(roster->function->registry, name, &numbers, &count, err) < 0)
        return -1;
    *ret = count > 0 ? numbers[count - 1] : 0;
    free(numbers);
    return 0;
}

int leat_roster_new(const struct leat_function *function, struct leat_roster **ret, struct leat_error *err)
{
    struct leat_roster *roster = leat_calloc(1, sizeof *roster);
    roster->function = function;
    roster->position = roster->last_accepted = -1;
    roster->control = leat_control_new(function->model_name ? function->model_name : "");
    uint32_t number = 0;
    bool wanted = function->model_name && function->fallback_name;
    if (wanted &&
        (newest(roster, function->fallback_name, &number, err) < 0 ||
         (number > 0 && load_bound(roster, function->fallback_name, number, &roster->lineup.fallback, err) < 0))) {
        leat_error_prefix(err, "the fallback '%s'", function->fallback_name);
        leat_roster_free(roster);
        return -1;
    }
    *ret = roster;
    return 0;
}

void leat_roster_free(struct leat_roster *roster)
{
    if (!roster)
        return;
    for (size_t i = 0; i < roster->kept_count; i++)
        leat_bound_unref(roster->kept[i]);
    leat_control_free(roster->control);
    free(roster);
}

static bool same(const struct leat_lineup *a, const struct leat_lineup *b)
{
    bool equal = a->champion == b->champion && a->previous == b->previous && a->shadow_count == b->shadow_count;
    for (size_t i = 0; equal && i < a->shadow_count; i++)
        equal = a->shadows[i] == b->shadows[i];
    return equal;
}

/* Loads what the roles name, then switches all at once: a champion that does not load leaves everything as it was. A shadow
 * that does not is left out and told of (−1): it must not stand in the way of a promotion, nor of a rollback. */
static int take_roles(struct leat_roster *roster, const struct leat_roles *roles, bool *ret_changed,
                      struct leat_error *err)
{
    struct leat_lineup lineup = {.fallback = roster->lineup.fallback, .limits_off = roster->lineup.limits_off};
    const char *name = roster->function->model_name;
    int result = 0;
    if (roles->champion.version && load_bound(roster, name, roles->champion.version, &lineup.champion, err) < 0)
        return -1;
    if (roles->previous.version && load_bound(roster, name, roles->previous.version, &lineup.previous, NULL) < 0)
        lineup.previous = NULL; /* gone from the registry: no way back, but no reason to stop */
    /* What was replaced goes on as a shadow: only on the same events can a promotion be seen to have been a mistake. */
    if (lineup.previous)
        lineup.shadows[lineup.shadow_count++] = lineup.previous;
    for (size_t i = 0; i < roles->shadow_count && lineup.shadow_count < LEAT_SHADOWS_MAX; i++) {
        struct leat_bound *shadow;
        if (load_bound(roster, name, roles->shadows[i].version, &shadow, err) < 0)
            result = -1;
        else if (shadow != lineup.previous)
            lineup.shadows[lineup.shadow_count++] = shadow;
    }
    *ret_changed = !same(&lineup, &roster->lineup);
    roster->lineup = lineup;
    roster->last_accepted = roles->last;
    return result;
}

int leat_roster_feed(struct leat_roster *roster, int64_t offset, struct leat_bytes record, bool *ret_changed,
                     struct leat_error *err)
{
    *ret_changed = false;
    roster->position = offset;
    const struct leat_control_event *event = leat_control_feed(roster->control, offset, record);
    if (event->kind != LEAT_CONTROL_ACCEPTED)
        return 0;
    if (take_roles(roster, leat_control_roles(roster->control), ret_changed, &roster->refusal) == 0)
        return 0;
    *err = roster->refusal;
    return -1;
}

int leat_roster_check(const struct leat_roster *roster, struct leat_error *err)
{
    const struct leat_roles *roles = leat_control_roles(roster->control);
    if (roster->lineup.champion || roles->last < 0 || roles->champion.version == 0)
        return 0;
    return leat_error_set(err, LEAT_ERROR_ENVIRONMENT,
                          "%s/%u is the champion and can not be loaded, so nothing is scored: %s",
                          roster->function->model_name, roles->champion.version, roster->refusal.text);
}

int leat_roster_default(struct leat_roster *roster, bool *ret_changed, struct leat_error *err)
{
    *ret_changed = false;
    if (!roster->function->model_name || leat_control_roles(roster->control)->last >= 0 ||
        roster->lineup.shadow_count > 0)
        return 0;
    uint32_t number;
    if (newest(roster, roster->function->model_name, &number, err) < 0)
        return -1;
    struct leat_roles roles;
    leat_control_lineup(roster->control, number, &roles);
    return take_roles(roster, &roles, ret_changed, err);
}

int leat_roster_serve(struct leat_roster *roster, uint32_t version, bool limits_off, bool shadow_fallback,
                      struct leat_error *err)
{
    roster->lineup.limits_off = limits_off;
    if (shadow_fallback && roster->lineup.fallback)
        roster->lineup.shadows[roster->lineup.shadow_count++] = roster->lineup.fallback;
    return load_bound(roster, roster->function->model_name, version, &roster->lineup.champion, err);
}

const struct leat_lineup *leat_roster_lineup(const struct leat_roster *roster)
{
    return &roster->lineup;
}

int64_t leat_roster_position(const struct leat_roster *roster)
{
    return roster->position;
}

int leat_roster_applied(const struct leat_roster *roster, int32_t partition, int64_t input_offset, int64_t time,
                        int64_t micros, struct leat_buffer *out)
{
    struct leat_applied_record record = {.control_offset = roster->last_accepted,
                                         .partition = partition,
                                         .input_offset = input_offset,
                                         .time = time,
                                         .micros = micros};
    return leat_applied_record_put(&record, out);
}
