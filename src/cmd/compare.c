/* leat compare: versions judged by what became of their decisions. */
#include "base/time.h"
#include "cmd/comparison.h"

#include <stdio.h>

static int read_versions(const struct leat_arguments *arguments, const struct leat_roles *roles,
                         struct leat_comparison_plan *plan, struct leat_error *err)
{
    plan->baseline = roles->champion.version;
    if (arguments->positional_count == 2)
        return leat_error_set(err, LEAT_ERROR_USAGE, "name two versions, or none to compare all with the champion");
    if (arguments->positional_count < 3)
        return 0;
    return leat_govern_version(arguments->positional[1], &plan->baseline, err) < 0 ||
                   leat_govern_version(arguments->positional[2], &plan->only, err) < 0
               ? -1
               : 0;
}

static int compare(const struct leat_command *command, const struct leat_arguments *arguments,
                   struct leat_govern *govern, struct leat_error *err)
{
    struct leat_comparison_plan plan = {.known = govern->watermark == LEAT_TIME_NONE ? LEAT_TIME_MAX
                                                                                     : govern->watermark};
    struct leat_comparison comparison;
    struct leat_roles roles;
    (void)command;
    if (leat_govern_time(arguments, "--from", &plan.from, err) < 0 ||
        leat_govern_time(arguments, "--to", &plan.to, err) < 0)
        return -1;
    if (leat_govern_read(govern, NULL, NULL, err) < 0 || leat_govern_roles(govern, &roles, err) < 0 ||
        read_versions(arguments, &roles, &plan, err) < 0 || leat_comparison_make(govern, &plan, &comparison, err) < 0)
        return -1;
    if (leat_arguments_get(arguments, "--json")) {
        LEAT_CLEAN_BUFFER text = {0};
        leat_comparison_put(&comparison, &roles, &text);
        puts(leat_buffer_text(&text));
    } else {
        leat_comparison_print(&comparison, &roles);
    }
    leat_comparison_done(&comparison);
    return 0;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_govern_main(command, argc, argv, 3, compare);
}

static const struct leat_option options[] = {
    LEAT_GOVERN_FILES,
    {"--from", 0, "TIME", "decisions about events from this event time on"},
    {"--to", 0, "TIME", "decisions about events before this event time"},
    LEAT_GOVERN_JSON,
    {0},
};

const struct leat_command leat_command_compare = {
    .name = "compare",
    .arguments = "fn.yaml [VERSION VERSION] [--from TIME] [--to TIME]",
    .summary = "versions judged by what became of their decisions",
    .details =
        "Joins the recorded decisions with the labels that have come since, and shows for each version that scored them,\n"
        "as champion or as a shadow, log loss, AUC, Brier score and the share of positives among the tenth with the\n"
        "highest scores. Then each version less the champion (or the second version named less the first), on the very\n"
        "same events. Intervals are 95 %, by resampling whole UTC days (hours where there are fewer than seven days, events\n"
        "where there are fewer than seven hours). The verdict is by log loss: better or worse when the interval leaves out 0\n"
        "and there are at least 30 labelled events.\n\n"
        "Events whose label is still awaited, or did not come within labels.wait, are counted and left out. Over files the\n"
        "labels are those up to the event time that `leat run --files` has come to.\n\n"
        "example: leat compare fn.yaml\n"
        "         leat compare fn.yaml 3 4 --from 2013-04-01 --to 2013-05-01 --json\n",
    .options = options,
    .run = run,
};
