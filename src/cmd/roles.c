/* leat shadow, promote, rollback, retire: changes of role, each a record in the control log. */
#include "base/json.h"
#include "base/time.h"
#include "cmd/comparison.h"
#include "registry/versions.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct change {
    enum leat_role_action action;
    const struct leat_arguments *arguments;
    struct leat_govern *govern;
    struct leat_role_record record;
    struct leat_buffer evidence;
    struct leat_buffer note; /* figures for people */
    int64_t offset;          /* of the record once it is written */
    /* what became of it, when the log was read again */
    enum leat_control_kind kind;
    char reason[sizeof((struct leat_error *)0)->text];
    int64_t latest; /* time of the latest role record; LEAT_TIME_NONE */
};

/* -- what is asked ------------------------------------------------------------------------------------------------- */

static const char *who(void)
{
    const char *name = getenv("USER");
    if (!name || !name[0])
        name = getenv("LOGNAME");
    if (name && name[0])
        return name;
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : NULL;
}

static int read_request(const struct leat_command *command, struct change *change, struct leat_error *err)
{
    const struct leat_arguments *arguments = change->arguments;
    struct leat_role_record *record = &change->record;
    const char *by = leat_arguments_get(arguments, "--by");
    record->by = by ? by : who();
    record->why = leat_arguments_get(arguments, "--why");
    record->forced = leat_arguments_get(arguments, "--force") != NULL;
    if (!record->why || !record->why[0])
        return leat_error_set(err, LEAT_ERROR_USAGE, "say why: --why TEXT (it is kept in the control log)");
    if (!record->by || !record->by[0])
        return leat_error_set(err, LEAT_ERROR_USAGE, "say who: --by NAME ($USER is not set)");
    if (arguments->positional_count == 2)
        return leat_govern_version(arguments->positional[1], &record->version, err);
    if (change->action == LEAT_ROLE_ROLLBACK)
        return 0;
    return leat_error_set(err, LEAT_ERROR_USAGE, "which version? usage: leat %s %s", command->name, command->arguments);
}

/* Over files a record's time decides from which event on it holds, and a log is in the order of time. */
static int read_time(struct change *change, struct leat_error *err)
{
    const struct leat_govern *govern = change->govern;
    int64_t at;
    char text[32];
    if (leat_govern_time(change->arguments, "--at", &at, err) < 0)
        return -1;
    if (at != LEAT_TIME_NONE && !govern->files)
        return leat_error_set(err, LEAT_ERROR_USAGE, "--at is for files; over Kafka a change holds from now on");
    if (at != LEAT_TIME_NONE && change->latest != LEAT_TIME_NONE && at < change->latest)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "the latest change holds from %s on, and one before it would come too late",
                              leat_govern_time_text(change->latest, text));
    if (at == LEAT_TIME_NONE)
        at = leat_govern_now(govern);
    if (govern->files && change->latest != LEAT_TIME_NONE && at < change->latest)
        at = change->latest;
    change->record.time = at;
    return 0;
}

/* What every worker will do before it switches: what does not load, or lacks a feature, is refused here already. */
static int check_version(const struct change *change, uint32_t number, struct leat_error *err)
{
    const struct leat_function *function = change->govern->function;
    struct leat_version *version;
    struct leat_bound *bound;
    if (leat_registry_load(function->registry, function->model_name, number, &version, err) < 0)
        return -1;
    int result = leat_bound_new(function, version, &bound, err);
    leat_version_unref(version);
    if (result == 0)
        leat_bound_unref(bound);
    return result;
}

/* -- promotion asks first ------------------------------------------------------------------------------------------ */

static int judge(struct change *change, const struct leat_comparison *comparison, struct leat_error *err)
{
    const struct leat_role_record *record = &change->record;
    const struct leat_comparison_row *row = leat_comparison_find(comparison, NULL, record->version);
    uint32_t champion = comparison->plan.baseline;
    if (!row || row->quality.count == 0)
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "%s/%u has no labelled decisions yet (of %llu decisions it scored %llu): let it be a shadow until "
            "labels have come, or --force",
            record->model, record->version, (unsigned long long)comparison->decisions,
            (unsigned long long)(row ? row->served + row->watched : 0));
    if (!row->compared && champion == 0)
        return 0;
    if (!row->compared || row->difference.count == 0)
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "%s/%u and the champion %s/%u have no labelled decision in common: let it be a shadow beside it, or "
            "--force",
            record->model, record->version, record->model, champion);
    leat_comparison_put_difference(comparison, row, &change->note);
    if (row->difference.verdict != LEAT_WORSE)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "%s/%u is worse than the champion on live labels\n%s\n(--force promotes it all "
                          "the same, and records that)",
                          record->model, record->version, leat_buffer_text(&change->note));
}

/* A version is judged by events that it was not trained on. */
static int64_t trained_at(const struct change *change)
{
    struct leat_version *version;
    if (leat_registry_load(change->govern->function->registry, change->record.model, change->record.version, &version,
                           NULL) < 0)
        return LEAT_TIME_NONE; /* the caller has said, or will say, what is wrong with it */
    int64_t time = version->trained_at;
    leat_version_unref(version);
    return time;
}

static int ask(struct change *change, struct leat_error *err)
{
    struct leat_comparison_plan plan = {.from = trained_at(change),
                                        .to = LEAT_TIME_NONE,
                                        .known = LEAT_TIME_MAX,
                                        .baseline = leat_control_roles(change->govern->control)->champion.version,
                                        .only = change->record.version};
    struct leat_comparison comparison;
    if (change->govern->files)
        plan.to = (plan.known = change->record.time) + 1;
    if (leat_comparison_make(change->govern, &plan, &comparison, err) < 0)
        return -1;
    leat_comparison_put_evidence(&comparison, change->record.version, &change->evidence);
    int result = judge(change, &comparison, err);
    leat_comparison_done(&comparison);
    return result;
}

/* By force the refusal becomes part of the evidence. */
static int ask_unless_forced(struct change *change, struct leat_error *err)
{
    struct leat_error refusal = {0};
    if (change->action != LEAT_ROLE_PROMOTE)
        return 0;
    int result = ask(change, &refusal);
    if (result < 0 && !change->record.forced) {
        *err = refusal;
        return -1;
    }
    if (result < 0 && change->evidence.len == 0) {
        leat_buffer_append_text(&change->evidence, "{\"refused\":");
        leat_json_put_string(&change->evidence, leat_bytes_of(refusal.text));
        leat_buffer_append_char(&change->evidence, '}');
    }
    if (result == 0)
        change->record.forced = false; /* nothing had to be forced */
    else
        fprintf(stderr, "leat promote: forced: %s\n", refusal.text);
    change->record.evidence = leat_buffer_view(&change->evidence);
    return 0;
}

/* -- the record ---------------------------------------------------------------------------------------------------- */

static void see(void *self, const struct leat_control_event *event)
{
    struct change *change = self;
    if (event->kind == LEAT_CONTROL_ACCEPTED)
        change->latest = event->role.time;
    if (event->offset != change->offset)
        return;
    change->kind = event->kind;
    snprintf(change->reason, sizeof change->reason, "%s", event->reason);
}

static int append(struct change *change, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_govern *govern = change->govern;
    leat_role_record_put(&change->record, &text);
    if (leat_stream_append(govern->stream, govern->function->control_topic, leat_bytes_of(change->record.model),
                           leat_buffer_view(&text), &change->offset, err) < 0)
        return leat_error_prefix(err, "the control log '%s'", govern->function->control_topic);
    change->kind = LEAT_CONTROL_UNKNOWN;
    if (leat_govern_read(govern, see, change, err) < 0)
        return -1;
    if (change->kind == LEAT_CONTROL_ACCEPTED)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "the record at offset %lld of '%s' is without effect: %s; see leat history",
                          (long long)change->offset, govern->function->control_topic,
                          change->reason[0] ? change->reason : "it is not there");
}

static void put_role(struct leat_buffer *out, const char *name, uint32_t version)
{
    if (version)
        leat_buffer_format(out, ",\"%s\":%u", name, version);
    else
        leat_buffer_format(out, ",\"%s\":null", name);
}

static void tell_json(const struct change *change, const struct leat_roles *roles)
{
    LEAT_CLEAN_BUFFER text = {0};
    leat_buffer_format(&text, "{\"offset\":%lld,\"action\":\"%s\",\"forced\":%s", (long long)change->offset,
                       leat_role_action_name(change->action), change->record.forced ? "true" : "false");
    put_role(&text, "champion", roles->champion.version);
    put_role(&text, "previous", roles->previous.version);
    leat_buffer_append_text(&text, ",\"shadows\":[");
    for (size_t i = 0; i < roles->shadow_count; i++)
        leat_buffer_format(&text, "%s%u", i ? "," : "", roles->shadows[i].version);
    leat_buffer_append_char(&text, ']');
    if (change->evidence.len > 0) {
        leat_buffer_append_text(&text, ",\"evidence\":");
        leat_buffer_append(&text, change->evidence.data, change->evidence.len);
    }
    leat_buffer_append_char(&text, '}');
    puts(leat_buffer_text(&text));
}

static void tell(const struct change *change, const struct leat_roles *roles)
{
    const char *model = change->record.model;
    char from[64] = "", time[32];
    if (change->note.len > 0)
        printf("%.*s\n", LEAT_BYTES_FORMAT(leat_buffer_view(&change->note)));
    if (change->govern->files)
        snprintf(from, sizeof from, " from %s on",
                 change->record.time == 0 ? "the first event" : leat_govern_time_text(change->record.time, time));
    if (change->action == LEAT_ROLE_SHADOW)
        printf("%s/%u is a shadow%s", model, change->record.version, from);
    else if (change->action == LEAT_ROLE_RETIRE)
        printf("%s/%u has no role%s", model, change->record.version, from);
    else
        printf("%s/%u is the champion%s", model, roles->champion.version, from);
    if (roles->previous.version && change->action != LEAT_ROLE_SHADOW && change->action != LEAT_ROLE_RETIRE)
        printf("; %s/%u is kept ready for a rollback", model, roles->previous.version);
    if (!roles->champion.version)
        printf("; nobody serves, so outputs are withheld");
    printf(" (record %lld of '%s')\n", (long long)change->offset, change->govern->function->control_topic);
}

static int make(const struct leat_command *command, struct change *change, struct leat_error *err)
{
    struct leat_govern *govern = change->govern;
    struct leat_role_record *record = &change->record;
    *record = (struct leat_role_record){
        .action = change->action, .model = govern->function->model_name, .digest = govern->function->digest};
    change->offset = -1;
    change->latest = LEAT_TIME_NONE;
    if (read_request(command, change, err) < 0 || leat_govern_read(govern, see, change, err) < 0)
        return -1;
    const struct leat_roles *roles = leat_control_roles(govern->control);
    record->predecessor = roles->last;
    if (change->action == LEAT_ROLE_ROLLBACK && record->version == 0)
        record->version = roles->previous.version;
    if (read_time(change, err) < 0 || leat_control_try(govern->control, record, err) < 0)
        return -1;
    if (change->action != LEAT_ROLE_RETIRE && check_version(change, record->version, err) < 0)
        return -1;
    if (ask_unless_forced(change, err) < 0 || append(change, err) < 0)
        return -1;
    if (leat_arguments_get(change->arguments, "--json"))
        tell_json(change, leat_control_roles(govern->control));
    else
        tell(change, leat_control_roles(govern->control));
    return 0;
}

/* The command's name is the action's. */
static int act(const struct leat_command *command, const struct leat_arguments *arguments, struct leat_govern *govern,
               struct leat_error *err)
{
    struct change change = {.arguments = arguments, .govern = govern};
    while (strcmp(leat_role_action_name(change.action), command->name) != 0)
        change.action++;
    int result = make(command, &change, err);
    leat_buffer_done(&change.evidence);
    leat_buffer_done(&change.note);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_govern_main(command, argc, argv, 2, act);
}

#define COMMON_OPTIONS                                                                                              \
    {"--why", 0, "TEXT", "the reason; it is kept"}, {"--by", 0, "NAME", "who decides (default: $USER)"},            \
        LEAT_GOVERN_FILES,                                                                                          \
        {"--at", 0, "TIME", "over files: the event time from which it holds (default: where the run has come to)"}, \
        LEAT_GOVERN_JSON

static const struct leat_option options[] = {COMMON_OPTIONS, {0}};
static const struct leat_option forcible_options[] = {
    COMMON_OPTIONS, {"--force", 0, NULL, "override a refusal; the record says so"}, {0}};

const struct leat_command leat_command_shadow = {
    .name = "shadow",
    .arguments = "fn.yaml VERSION --why TEXT",
    .summary = "let a version score beside the champion, without effect",
    .details = "A shadow sees the very features that the champion saw, after the answer has left. Its scores are in the decision\n"
               "records, and `leat compare` judges them once labels are there. There may be eight.\n\n"
               "example: leat shadow fn.yaml 4 --why 'trained on March'\n",
    .options = options,
    .run = run,
};

const struct leat_command leat_command_promote = {
    .name = "promote",
    .arguments = "fn.yaml VERSION --why TEXT [--force]",
    .summary = "make a version the champion; the present one is kept ready",
    .details =
        "Asks first: a version that `leat compare` finds worse than the champion on live labels, or that has no labelled\n"
        "decisions, is refused (exit code 1, with the figures). --force promotes it all the same, and the record keeps that\n"
        "and the figures. Every worker loads and checks the version, then switches between two batches.\n\n"
        "Of two operators at once one wins, and the other is told.\n\n"
        "example: leat promote fn.yaml 4 --why 'log loss 0.404 against 0.412 in April'\n",
    .options = forcible_options,
    .run = run,
};

const struct leat_command leat_command_rollback = {
    .name = "rollback",
    .arguments = "fn.yaml [VERSION] --why TEXT",
    .summary = "put the previous version back; it is loaded, so this is at once",
    .details = "Champion and previous version change places. VERSION, when given, must be the previous one.\n\n"
               "example: leat rollback fn.yaml --why 'scores doubled at noon'\n",
    .options = options,
    .run = run,
};

const struct leat_command leat_command_retire = {
    .name = "retire",
    .arguments = "fn.yaml VERSION --why TEXT [--force]",
    .summary = "take every role from a version",
    .details = "It is no shadow any more, nor kept ready for a rollback. The registry keeps it. The champion is retired only by\n"
               "--force; then nobody serves, and outputs are withheld until another one is promoted.\n\n"
               "example: leat retire fn.yaml 2 --why 'replaced in March'\n",
    .options = forcible_options,
    .run = run,
};
