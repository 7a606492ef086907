/* The control log's records and their fold. */
#include "registry/control.h"

#include "base/arena.h"
#include "base/time.h"
#include "observe/fields.h"
#include "stream/drain.h"

#include <stdlib.h>
#include <string.h>

static const char what[] = "control record";

static const char *const action_names[LEAT_ROLE_ACTIONS] = {"shadow", "promote", "rollback", "retire"};

const char *leat_role_action_name(enum leat_role_action action)
{
    return action_names[action];
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void put_text(struct leat_buffer *out, const char *name, const char *text)
{
    leat_buffer_format(out, ",\"%s\":", name);
    leat_json_put_string(out, leat_bytes_of(text ? text : ""));
}

static void put_integer(struct leat_buffer *out, const char *name, int64_t number)
{
    leat_buffer_format(out, ",\"%s\":%lld", name, (long long)number);
}

static void put_head(struct leat_buffer *out, const char *type, int64_t time)
{
    leat_buffer_format(out, "{\"v\":%d,\"type\":\"%s\",\"time\":", LEAT_CONTROL_VERSION, type);
    if (time == LEAT_TIME_NONE)
        leat_buffer_append_text(out, "null");
    else
        leat_field_put_time(out, time);
}

int leat_role_record_put(const struct leat_role_record *record, struct leat_buffer *out)
{
    put_head(out, "role", record->time);
    put_text(out, "by", record->by);
    put_text(out, "why", record->why);
    put_text(out, "action", action_names[record->action]);
    put_text(out, "model", record->model);
    put_integer(out, "version", record->version);
    put_text(out, "digest", record->digest);
    put_integer(out, "predecessor", record->predecessor);
    leat_buffer_append_text(out, record->forced ? ",\"forced\":true" : ",\"forced\":false");
    if (record->evidence.len > 0) {
        leat_buffer_append_text(out, ",\"evidence\":");
        leat_buffer_append(out, record->evidence.data, record->evidence.len);
    }
    return leat_buffer_append_char(out, '}');
}

int leat_applied_record_put(const struct leat_applied_record *record, struct leat_buffer *out)
{
    put_head(out, "applied", record->time);
    put_integer(out, "control_offset", record->control_offset);
    put_integer(out, "partition", record->partition);
    put_integer(out, "input_offset", record->input_offset);
    put_integer(out, "micros", record->micros);
    return leat_buffer_append_char(out, '}');
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

struct leat_control {
    char *model;
    struct leat_roles roles;
    struct leat_control_event event;
    struct leat_json_document *document; /* of the event */
    struct leat_buffer evidence;
    struct leat_error reason;
    struct leat_arena texts; /* by and why of the roles: as many as there are changes of role, which people make */
};

static int read_action(const struct leat_json *root, enum leat_role_action *ret, struct leat_error *err)
{
    const char *name;
    if (leat_field_text(what, root, "action", &name, err) < 0)
        return -1;
    for (int i = 0; i < LEAT_ROLE_ACTIONS; i++) {
        if (strcmp(name, action_names[i]) == 0) {
            *ret = (enum leat_role_action)i;
            return 0;
        }
    }
    return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' is no action: shadow, promote, rollback, retire", name);
}

static int read_role(struct leat_control *control, const struct leat_json *root, struct leat_role_record *ret,
                     struct leat_error *err)
{
    int64_t version;
    if (leat_field_time(what, root, "time", &ret->time, err) < 0 ||
        leat_field_text(what, root, "by", &ret->by, err) < 0 || leat_field_text(what, root, "why", &ret->why, err) < 0 ||
        read_action(root, &ret->action, err) < 0 || leat_field_text(what, root, "model", &ret->model, err) < 0 ||
        leat_field_integer(what, root, "version", 0, UINT32_MAX, &version, err) < 0 ||
        leat_field_text(what, root, "digest", &ret->digest, err) < 0 ||
        leat_field_integer(what, root, "predecessor", -1, INT64_MAX, &ret->predecessor, err) < 0)
        return -1;
    ret->version = (uint32_t)version;
    const struct leat_json *forced = leat_json_get(root, "forced");
    ret->forced = forced && forced->type == LEAT_JSON_BOOL && forced->as.boolean;
    const struct leat_json *evidence = leat_json_get(root, "evidence");
    leat_buffer_reset(&control->evidence);
    if (evidence && leat_json_put(&control->evidence, evidence) == 0)
        ret->evidence = leat_buffer_view(&control->evidence);
    return 0;
}

static int read_applied(const struct leat_json *root, struct leat_applied_record *ret, struct leat_error *err)
{
    int64_t partition;
    const struct leat_json *time = leat_json_get(root, "time");
    ret->time = LEAT_TIME_NONE;
    if ((!time || time->type != LEAT_JSON_NULL) && leat_field_time(what, root, "time", &ret->time, err) < 0)
        return -1;
    if (leat_field_integer(what, root, "control_offset", -1, INT64_MAX, &ret->control_offset, err) < 0 ||
        leat_field_integer(what, root, "partition", 0, INT32_MAX, &partition, err) < 0 ||
        leat_field_integer(what, root, "input_offset", 0, INT64_MAX, &ret->input_offset, err) < 0 ||
        leat_field_integer(what, root, "micros", 0, INT64_MAX, &ret->micros, err) < 0)
        return -1;
    ret->partition = (int32_t)partition;
    return 0;
}

/* -- the rules ----------------------------------------------------------------------------------------------------- */

static size_t find_shadow(const struct leat_roles *roles, uint32_t version)
{
    size_t at = 0;
    while (at < roles->shadow_count && roles->shadows[at].version != version)
        at++;
    return at;
}

static void remove_shadow(struct leat_roles *roles, uint32_t version)
{
    size_t at = find_shadow(roles, version);
    if (at == roles->shadow_count)
        return;
    roles->shadow_count--;
    memmove(&roles->shadows[at], &roles->shadows[at + 1], (roles->shadow_count - at) * sizeof roles->shadows[0]);
}

static const struct leat_role nobody = {.since = LEAT_TIME_NONE, .offset = -1, .by = "", .why = ""};

#define REFUSE(...) leat_error_set(err, LEAT_ERROR_FINDING, __VA_ARGS__)

static int may_retire(const struct leat_roles *roles, const struct leat_role_record *record, struct leat_error *err)
{
    uint32_t version = record->version;
    if (version == roles->champion.version && !record->forced)
        return REFUSE("version %u is the champion: promote another one or roll back first (forced, nobody would serve)",
                      version);
    if (version == roles->champion.version || version == roles->previous.version ||
        find_shadow(roles, version) < roles->shadow_count)
        return 0;
    return REFUSE("version %u has no role", version);
}

/* What each action asks of the roles as they are. */
static int check(const struct leat_roles *roles, const struct leat_role_record *record, struct leat_error *err)
{
    uint32_t version = record->version;
    if (version == 0 && record->action != LEAT_ROLE_ROLLBACK)
        return REFUSE("it names no version");
    switch (record->action) {
    case LEAT_ROLE_SHADOW:
        if (version == roles->champion.version)
            return REFUSE("version %u is the champion, and can not be a shadow too", version);
        if (find_shadow(roles, version) < roles->shadow_count)
            return REFUSE("version %u is a shadow already", version);
        if (roles->shadow_count == LEAT_SHADOWS_MAX)
            return REFUSE("there are %d shadows already, the most that there may be", LEAT_SHADOWS_MAX);
        return 0;
    case LEAT_ROLE_PROMOTE:
        return version != roles->champion.version ? 0 : REFUSE("version %u is the champion already", version);
    case LEAT_ROLE_ROLLBACK:
        if (roles->previous.version == 0)
            return REFUSE("there is no previous version to roll back to");
        if (version != 0 && version != roles->previous.version)
            return REFUSE("version %u is not the previous one, which is %u", version, roles->previous.version);
        return 0;
    case LEAT_ROLE_RETIRE:
        return may_retire(roles, record, err);
    }
    return -1;
}

static void change(struct leat_roles *roles, const struct leat_role_record *record, struct leat_role given)
{
    struct leat_role champion = roles->champion;
    switch (record->action) {
    case LEAT_ROLE_SHADOW:
        roles->shadows[roles->shadow_count++] = given;
        return;
    case LEAT_ROLE_ROLLBACK:
        given.version = roles->previous.version;
        __attribute__((fallthrough));
    case LEAT_ROLE_PROMOTE:
        remove_shadow(roles, given.version);
        roles->champion = given;
        given.version = champion.version;
        if (champion.version != 0)
            roles->previous = given;
        else if (roles->previous.version == roles->champion.version)
            roles->previous = nobody;
        return;
    case LEAT_ROLE_RETIRE:
        remove_shadow(roles, record->version);
        if (record->version == roles->previous.version)
            roles->previous = nobody;
        if (record->version == roles->champion.version)
            roles->champion = nobody;
        return;
    }
}

/* -- the fold ------------------------------------------------------------------------------------------------------ */

struct leat_control *leat_control_new(const char *model)
{
    struct leat_control *control = leat_calloc(1, sizeof *control);
    control->model = leat_strdup(model);
    control->roles.champion = control->roles.previous = nobody;
    control->roles.last = -1;
    return control;
}

void leat_control_free(struct leat_control *control)
{
    if (!control)
        return;
    free(control->model);
    leat_json_free(control->document);
    leat_buffer_done(&control->evidence);
    leat_arena_done(&control->texts);
    free(control);
}

const struct leat_roles *leat_control_roles(const struct leat_control *control)
{
    return &control->roles;
}

int leat_control_try(const struct leat_control *control, const struct leat_role_record *record, struct leat_error *err)
{
    return strcmp(record->model, control->model) == 0 ? check(&control->roles, record, err) : 0;
}

static int take_role(struct leat_control *control, int64_t offset, const struct leat_role_record *record,
                     struct leat_error *err)
{
    struct leat_roles *roles = &control->roles;
    if (record->predecessor != roles->last)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "it follows the record at offset %lld, and the last accepted one is at %lld: another change "
                              "came first",
                              (long long)record->predecessor, (long long)roles->last);
    if (leat_control_try(control, record, err) < 0)
        return -1;
    roles->last = offset;
    if (strcmp(record->model, control->model) != 0)
        return 0;
    struct leat_role given = {
        .version = record->version,
        .since = record->time,
        .offset = offset,
        .by = leat_arena_strdup(&control->texts, record->by),
        .why = leat_arena_strdup(&control->texts, record->why),
    };
    change(roles, record, given);
    return 0;
}

static enum leat_control_kind take(struct leat_control *control, int64_t offset, struct leat_bytes value)
{
    struct leat_control_event *event = &control->event;
    struct leat_error *err = &control->reason;
    int64_t version;
    const char *type;
    if (!value.data) {
        leat_error_set(err, LEAT_ERROR_FINDING, "it has no value");
        return LEAT_CONTROL_UNKNOWN;
    }
    if (leat_json_parse(value, LEAT_JSON_STRICT, &control->document, err) < 0)
        return LEAT_CONTROL_UNKNOWN;
    const struct leat_json *root = leat_json_root(control->document);
    if (leat_field_integer(what, root, "v", 0, INT64_MAX, &version, err) < 0 ||
        leat_field_text(what, root, "type", &type, err) < 0)
        return LEAT_CONTROL_UNKNOWN;
    bool role = strcmp(type, "role") == 0;
    if (!role && strcmp(type, "applied") != 0) {
        leat_error_set(err, LEAT_ERROR_FINDING, "'%s' is no type that this program knows: role, applied", type);
        return LEAT_CONTROL_UNKNOWN;
    }
    if (version != LEAT_CONTROL_VERSION) {
        leat_error_set(err, LEAT_ERROR_FINDING, "it is of version %lld; this program reads version %d",
                       (long long)version, LEAT_CONTROL_VERSION);
        return LEAT_CONTROL_UNKNOWN;
    }
    if (!role)
        return read_applied(root, &event->applied, err) < 0 ? LEAT_CONTROL_UNKNOWN : LEAT_CONTROL_APPLIED;
    if (read_role(control, root, &event->role, err) < 0)
        return LEAT_CONTROL_UNKNOWN;
    return take_role(control, offset, &event->role, err) < 0 ? LEAT_CONTROL_IGNORED : LEAT_CONTROL_ACCEPTED;
}

const struct leat_control_event *leat_control_feed(struct leat_control *control, int64_t offset, struct leat_bytes value)
{
    leat_json_free(control->document);
    control->document = NULL;
    control->reason = (struct leat_error){0};
    control->event = (struct leat_control_event){.offset = offset};
    control->event.kind = take(control, offset, value);
    control->event.reason = control->reason.text;
    return &control->event;
}

int leat_control_time(struct leat_bytes value, int64_t *ret)
{
    struct leat_json_document *document;
    if (!value.data || leat_json_parse(value, LEAT_JSON_STRICT, &document, NULL) < 0)
        return -1;
    int result = leat_field_time(what, leat_json_root(document), "time", ret, NULL);
    leat_json_free(document);
    return result;
}

void leat_control_lineup(const struct leat_control *control, uint32_t newest, struct leat_roles *ret)
{
    *ret = control->roles;
    if (ret->last >= 0 || newest == 0)
        return;
    ret->shadows[0] = nobody;
    ret->shadows[0].version = newest;
    ret->shadows[0].why = "the newest version, as nobody has been given a role yet";
    ret->shadow_count = 1;
}

/* -- the whole log ------------------------------------------------------------------------------------------------- */

struct reading {
    struct leat_control *control;
    int64_t until;
    void (*visit)(void *self, const struct leat_control_event *event);
    void *self;
};

static bool read_one(void *self, const struct leat_reader *reader)
{
    struct reading *reading = self;
    const struct leat_record *record = reader->head;
    int64_t time; /* is looked at first: a record of the future must leave no trace in the fold */
    if (reading->until < LEAT_TIME_MAX && leat_control_time(record->value, &time) == 0 && time > reading->until)
        return false;
    const struct leat_control_event *event = leat_control_feed(reading->control, record->offset, record->value);
    if (reading->visit)
        reading->visit(reading->self, event);
    return true;
}

int leat_control_read(struct leat_stream *stream, const char *topic, int64_t until, struct leat_control *control,
                      void (*visit)(void *self, const struct leat_control_event *event), void *self,
                      struct leat_error *err)
{
    struct reading reading = {control, until, visit, self};
    if (leat_stream_drain(stream, topic, 0, LEAT_OFFSET_BEGIN, read_one, &reading, err) < 0)
        return leat_error_prefix(err, "the control log '%s'", topic);
    return 0;
}
