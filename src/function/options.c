/* The keys of the function file, each in one row: the loader, `leat docs` and its reference page read them here. */
#include "function/load.h"

#include <stddef.h>

#define GOES(member) offsetof(struct leat_draft, member)
#define OF_SOURCE(member) offsetof(struct leat_source_draft, member)
#define NOWHERE LEAT_OPTION_NOWHERE
#define SCOPES "partitioned|global"
#define STALE "warn|mark|fallback|stop" /* in the order of enum leat_on_stale */
#define GUARANTEES "at_least_once|exactly_once|exactly_once_v2"

#define SECTION LEAT_OPTION_SECTION, "section"
#define TEXT LEAT_OPTION_TEXT, "text"
#define NAME LEAT_OPTION_NAME, "name"
#define DURATION LEAT_OPTION_DURATION, "duration"
#define DURATION_ZERO LEAT_OPTION_DURATION_ZERO, "duration"
#define CHOICE(list) LEAT_OPTION_CHOICE, list
#define FORMAT LEAT_OPTION_FORMAT, "json|csv"
#define EXPRESSION LEAT_OPTION_EXPRESSION, "expression"
#define WINDOW LEAT_OPTION_WINDOW, "window"
#define FIELD LEAT_OPTION_FIELD, "field"
#define FIELDS LEAT_OPTION_FIELDS, "field or list of fields"
#define SCHEMA LEAT_OPTION_SCHEMA, "schema"

#define ROW(path, section, key, kind, type, standard, where, summary) \
    {                                                                 \
        section, key, kind, where,                                    \
        {                                                             \
            path, type, standard, summary                             \
        }                                                             \
    }
#define TOP(key, ...) ROW(key, "", key, __VA_ARGS__)
#define IN(section, key, ...) ROW(section "." key, section, key, __VA_ARGS__)

/* key, type, default or "required", where it goes, what it is for */
/* clang-format off */
static const struct leat_option_row rows[] = {
    TOP("function", NAME, "required", GOES(name),
        "the function's name: its consumer group, its control topic and its files are named after it"),
    TOP("kafka", SECTION, "", NOWHERE,
        "the Kafka client's own settings; they pass through unchanged"),
    IN("kafka", "*", TEXT, "", GOES(kafka),
       "any setting of librdkafka, by its name"),
    TOP("input", SECTION, "required", GOES(input_section),
        "the events that are scored, one by one"),
    IN("input", "topic", NAME, "required", GOES(input.topic),
       "the topic"),
    IN("input", "format", FORMAT, "json", GOES(input.format),
       "how its records are written"),
    IN("input", "key", FIELDS, "", GOES(input.key),
       "the field or fields by which the topic is partitioned; needed by windows over partitioned topics"),
    IN("input", "event_time", FIELD, "required", GOES(input.event_time),
       "the field that says when it happened"),
    IN("input", "grace", DURATION_ZERO, "30s", GOES(input.grace),
       "an event behind the partition's watermark by more than this is counted and marked late"),
    IN("input", "max_ahead", DURATION, "5m", GOES(input.max_ahead),
       "an event of any source whose time is ahead of its record's timestamp by more than this is a dead letter"),
    IN("input", "schema", SCHEMA, "required", GOES(input.schema),
       "its fields and their types"),
    IN("input", "filter", EXPRESSION, "", GOES(input.filter),
       "events for which it is not true are neither remembered nor scored"),
    TOP("streams", SECTION, "", NOWHERE,
        "other topics that windows may look at"),
    IN("streams", "*", SECTION, "", GOES(streams),
       "a stream, by the name that expressions use"),
    IN("streams.*", "topic", NAME, "required", OF_SOURCE(topic),
       "the topic"),
    IN("streams.*", "format", FORMAT, "json", OF_SOURCE(format),
       "how its records are written"),
    IN("streams.*", "key", FIELDS, "", OF_SOURCE(key),
       "the field or fields by which the topic is partitioned, of the types of `input.key`; required unless "
       "`scope: global`"),
    IN("streams.*", "event_time", FIELD, "required", OF_SOURCE(event_time),
       "the field that says when it happened"),
    IN("streams.*", "schema", SCHEMA, "required", OF_SOURCE(schema),
       "its fields and their types"),
    IN("streams.*", "scope", CHOICE(SCOPES), "partitioned", OF_SOURCE(scope),
       "partitioned: in as many partitions as the input and by the same key; global: every worker reads all of "
       "it, and windows may have any key"),
    IN("streams.*", "heartbeat", EXPRESSION, "", OF_SOURCE(heartbeat),
       "a record for which it is true only says that the source is alive"),
    IN("streams.*", "freshness", SECTION, "", NOWHERE,
       "how far the source's clock may be behind the event"),
    IN("streams.*.freshness", "warn_after", DURATION, "", OF_SOURCE(warn_after),
       "beyond it: counted"),
    IN("streams.*.freshness", "error_after", DURATION, "", OF_SOURCE(error_after),
       "beyond it: what `model.on_stale` says"),
    TOP("tables", SECTION, "", NOWHERE,
        "topics whose latest record of each key is looked up"),
    IN("tables", "*", SECTION, "", GOES(tables),
       "a table, by the name that expressions use"),
    IN("tables.*", "topic", NAME, "required", OF_SOURCE(topic),
       "the topic"),
    IN("tables.*", "format", FORMAT, "json", OF_SOURCE(format),
       "how its records are written"),
    IN("tables.*", "key", FIELDS, "required", OF_SOURCE(key),
       "the field or fields that name a row"),
    IN("tables.*", "event_time", FIELD, "", OF_SOURCE(event_time),
       "the field that says since when a row holds; without it the table is read to its end before anything is "
       "scored"),
    IN("tables.*", "schema", SCHEMA, "required", OF_SOURCE(schema),
       "its fields and their types"),
    IN("tables.*", "ttl", DURATION, "", OF_SOURCE(ttl),
       "a row older than this reads as null; needs `event_time`"),
    IN("tables.*", "heartbeat", EXPRESSION, "", OF_SOURCE(heartbeat),
       "a record for which it is true only says that the source is alive; needs `event_time`"),
    IN("tables.*", "freshness", SECTION, "", NOWHERE,
       "how far the source's clock may be behind the event; needs `event_time`"),
    IN("tables.*.freshness", "warn_after", DURATION, "", OF_SOURCE(warn_after),
       "beyond it: counted"),
    IN("tables.*.freshness", "error_after", DURATION, "", OF_SOURCE(error_after),
       "beyond it: what `model.on_stale` says"),
    TOP("windows", SECTION, "", NOWHERE,
        "windows that features name with `over`"),
    IN("windows", "*", WINDOW, "", GOES(windows),
       "`partition by a, b range 1h preceding`"),
    TOP("features", SECTION, "", NOWHERE,
        "the model's inputs"),
    IN("features", "*", EXPRESSION, "", GOES(features),
       "a feature, by the name that the model knows; it may use those above it"),
    TOP("model", SECTION, "", GOES(model),
        "without it the function only makes features"),
    IN("model", "name", NAME, "required", GOES(model_name),
       "the model; which of its versions serves is decided by promote and rollback"),
    IN("model", "output", TEXT, "", GOES(model_output),
       "which number of the model's answer is the score: `probability`, `probability[NAME]`, `value`, `value[0.9]`, "
       "`margin`, `class`, or an index from 0. Without it the probability (of several classes the largest), else the "
       "class; of quantiles the middle one; else the one value"),
    IN("model", "max_age", DURATION, "", GOES(model_max_age),
       "a version whose training data ended longer before the event is stale"),
    IN("model", "on_stale", CHOICE(STALE), "mark", GOES(on_stale),
       "what a stale model or a stale source means: nothing but a count, a mark, the fallback's score, or no score"),
    IN("model", "fallback", NAME, "", GOES(fallback),
       "the model for `on_stale: fallback`"),
    IN("model", "registry", TEXT, "models", GOES(registry),
       "the folder of model versions; a relative path begins at the function file's folder"),
    TOP("labels", SECTION, "", GOES(labels),
        "what turned out to be true, joined to the scores later"),
    IN("labels", "topic", NAME, "required", GOES(label_source.topic),
       "the topic"),
    IN("labels", "format", FORMAT, "json", GOES(label_source.format),
       "how its records are written"),
    IN("labels", "key", FIELD, "required", GOES(label_source.key),
       "the field that names the scored event; the input has one of the same name and type"),
    IN("labels", "event_time", FIELD, "required", GOES(label_source.event_time),
       "the field that says when it was known"),
    IN("labels", "schema", SCHEMA, "required", GOES(label_source.schema),
       "its fields and their types"),
    IN("labels", "value", EXPRESSION, "required", GOES(label_value),
       "the label, a bool or a number; null is no label"),
    IN("labels", "wait", DURATION, "required", GOES(label_wait),
       "an event without a label after this long is left out and counted"),
    TOP("output", SECTION, "", GOES(output),
        "the scored events"),
    IN("output", "topic", NAME, "required", GOES(output_topic),
       "the topic"),
    IN("output", "format", FORMAT, "json", GOES(output_format),
       "how they are written"),
    IN("output", "value", SECTION, "required", NOWHERE,
       "the record's fields"),
    IN("output.value", "*", EXPRESSION, "", GOES(output_value),
       "over input columns, features, `score`, `margin`, `class`, `outputs['NAME']`, `model.name`, `model.version`, "
       "`model.role`, `model.threshold` and `marks`; or, in JSON, a whole list: `outputs`, `reasons` or `reasons(5)`"),
    IN("output", "meta", TEXT, "leat", GOES(output_meta),
       "the field with model version and marks that is added to each JSON record; `none`: nothing is added"),
    TOP("decisions", SECTION, "", NOWHERE,
        "a full record of each decision: for explain, compare and audit"),
    IN("decisions", "topic", NAME, "required", GOES(decisions_topic),
       "the topic"),
    TOP("control", SECTION, "", NOWHERE,
        "the log of who serves"),
    IN("control", "topic", NAME, "<function>.control", GOES(control_topic),
       "the topic"),
    TOP("errors.tolerance", CHOICE("all|none"), "all", GOES(tolerance),
        "a bad event never stops the stream"),
    TOP("errors.deadletterqueue.topic.name", NAME, "", GOES(dead_letter_topic),
        "where events go that could not be processed; without it they are only counted"),
    TOP("processing.guarantee", CHOICE("at_least_once|exactly_once|exactly_once_v2"), "at_least_once", GOES(guarantee),
        "whether a crash may repeat outputs"),
    TOP("limits", SECTION, "", NOWHERE,
        "limits with an action"),
    IN("limits", "event_age", DURATION, "", GOES(event_age),
       "an event older than this when it is read is scored and recorded with a mark; its output is withheld"),
};
/* clang-format on */

const struct leat_option_row *leat_option_rows(size_t *ret_count)
{
    *ret_count = sizeof rows / sizeof rows[0];
    return rows;
}

const struct leat_option_help *leat_function_option(size_t index)
{
    return index < sizeof rows / sizeof rows[0] ? &rows[index].help : NULL;
}
