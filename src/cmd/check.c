/* leat check: all that can be known before running. */
#include "cmd/check.h"

#include "base/json.h"
#include "base/time.h"
#include "cmd/command.h"
#include "cmd/open.h"
#include "cmd/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 1000

void leat_check_find(struct leat_check *check, bool note, const char *format, ...)
{
    char text[2400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (check->finding_count == check->finding_capacity) {
        check->finding_capacity = check->finding_capacity ? 2 * check->finding_capacity : 16;
        check->findings = leat_realloc(check->findings, check->finding_capacity, sizeof *check->findings);
    }
    check->findings[check->finding_count++] = (struct leat_check_finding){
        .note = note, .text = leat_arena_strdup(&check->arena, text)};
}

static size_t count_findings(const struct leat_check *check, bool notes)
{
    size_t count = 0;
    for (size_t i = 0; i < check->finding_count; i++)
        count += check->findings[i].note == notes;
    return count;
}

/* -- what the function itself says ----------------------------------------------------------------------------------- */

static bool is_read(const struct leat_function *function, size_t source)
{
    for (size_t w = 0; w < function->window_count; w++)
        if (function->windows[w].source == source)
            return true;
    for (size_t l = 0; l < function->lookup_count; l++)
        if (function->lookups[l].source == source)
            return true;
    return false;
}

static void check_function(struct leat_check *check)
{
    const struct leat_function *function = check->function;
    bool limited = function->model_max_age > 0;
    for (size_t s = 1; s < function->source_count; s++) {
        const struct leat_source *source = &function->sources[s];
        limited = limited || source->error_after > 0;
        if (!is_read(function, s))
            leat_check_find(check, true, "no feature or output uses %s '%s'",
                            source->kind == LEAT_SOURCE_TABLE ? "table" : "stream", source->name);
        if (source->error_after > 0 && !source->heartbeat)
            leat_check_find(check, true,
                            "%s has a freshness limit and no `heartbeat`: a quiet time looks like a dead feed",
                            source->name);
    }
    for (size_t w = 0; w < function->window_count; w++)
        if (function->windows[w].range_max == LEAT_RANGE_NONE)
            leat_check_find(check, true, "a window over %s has no range: its keys are never forgotten",
                            function->sources[function->windows[w].source].name);
    if (function->guarantee == LEAT_EXACTLY_ONCE)
        leat_check_find(check, false,
                        "processing.guarantee: exactly_once comes with the transactional engine, which is not done; "
                        "at_least_once is (state counts each event once in both)");
    if (function->on_stale == LEAT_STALE_FALLBACK && !limited)
        leat_check_find(
            check, true,
            "on_stale: fallback, and nothing makes it stale: neither model.max_age nor freshness.error_after");
    if (function->model_name && !function->output_topic && !function->decisions_topic)
        leat_check_find(check, true, "scores go nowhere: there is neither `output` nor `decisions`");
}

/* -- the report, for people ------------------------------------------------------------------------------------------ */

static const char *kind_of(const struct leat_source *source)
{
    if (source->kind == LEAT_SOURCE_INPUT)
        return "input";
    if (source->kind == LEAT_SOURCE_TABLE)
        return "table";
    return source->global ? "stream, global" : "stream";
}

static void put_key(const struct leat_source *source, struct leat_buffer *out)
{
    for (size_t i = 0; i < source->key_count; i++)
        leat_buffer_format(out, "%s%.*s", i ? ", " : "",
                           LEAT_BYTES_FORMAT(source->projection.slots[source->key_slots[i]].path));
}

static void print_source(const struct leat_check_topic *topic, const struct leat_source *source, const char *kind)
{
    char text[32];
    LEAT_CLEAN_BUFFER key = {0};
    put_key(source, &key);
    printf("  %-14s %-14s topic %s, %s%s%s%s%.*s\n", source->name, kind, source->topic, leat_format_name(source->format),
           key.len ? ", key " : "", leat_buffer_text(&key), source->time_slot >= 0 ? ", time " : "",
           source->time_slot >= 0 ? (int)source->projection.slots[source->time_slot].path.len : 0,
           source->time_slot >= 0 ? source->projection.slots[source->time_slot].path.data : "");
    if (!topic->looked)
        return;
    printf("  %-14s %-14s %d partition%s; of the first %s records", "", "", (int)topic->partitions,
           topic->partitions == 1 ? "" : "s", leat_grouped(topic->records, text));
    printf(" %llu can not be used", (unsigned long long)topic->unread);
    if (topic->heartbeats)
        printf(", %llu are heartbeats", (unsigned long long)topic->heartbeats);
    if (topic->filtered)
        printf(", %llu are filtered", (unsigned long long)topic->filtered);
    if (topic->first != LEAT_TIME_NONE) {
        leat_time_format(topic->first, text);
        printf("; from %s", text);
        leat_time_format(topic->last, text);
        printf(" to %s", text);
    }
    printf("\n");
}

static void print_sources(const struct leat_check *check)
{
    const struct leat_function *function = check->function;
    printf("sources\n");
    for (size_t s = 0; s < function->source_count; s++)
        print_source(&check->topics[s], &function->sources[s], kind_of(&function->sources[s]));
    if (function->labels.present)
        print_source(&check->topics[function->source_count], &function->labels.source, "labels");
}

/* Events that a window holds at the rate of the records that were looked at; 0: not known. */
static double events_held(const struct leat_check_topic *topic, int64_t range)
{
    uint64_t events = topic->records - topic->unread - topic->heartbeats - topic->filtered;
    if (!topic->looked || range <= 0 || events < 100 || topic->last - topic->first < LEAT_SECOND)
        return 0;
    return (double)events / (double)(topic->last - topic->first) * (double)range;
}

static double bytes_held(const struct leat_check_topic *topic, int64_t range)
{
    if (topic->held_events == 0)
        return 0;
    return events_held(topic, range) * (double)topic->held_bytes / (double)topic->held_events;
}

static void put_bytes(double bytes, char ret[32])
{
    const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    snprintf(ret, 32, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void put_window_key(const struct leat_function_window *window, struct leat_buffer *out)
{
    for (size_t i = 0; i < window->key_count; i++)
        leat_buffer_format(out, "%s%s", i ? ", " : "", leat_expr_text(window->stream_key[i]));
    if (window->key_count == 0)
        leat_buffer_append_text(out, "all events together");
}

static void print_windows(const struct leat_check *check)
{
    const struct leat_function *function = check->function;
    if (function->window_count > 0)
        printf("windows\n");
    for (size_t w = 0; w < function->window_count; w++) {
        const struct leat_function_window *window = &function->windows[w];
        const struct leat_check_topic *topic = &check->topics[window->source];
        char range[32] = "without end", bytes[32];
        LEAT_CLEAN_BUFFER key = {0};
        put_window_key(window, &key);
        if (window->range_max != LEAT_RANGE_NONE)
            leat_duration_format(window->range_max, range);
        printf("  %-14s by %-24s back %s, %zu aggregate%s", function->sources[window->source].name,
               leat_buffer_text(&key), range, window->plan.aggregate_count,
               window->plan.aggregate_count == 1 ? "" : "s");
        double held = events_held(topic, window->range_max);
        put_bytes(bytes_held(topic, window->range_max), bytes);
        if (held > 0)
            printf("; about %.0f events, %s", held, bytes);
        printf("\n");
    }
}

static void print_features(const struct leat_function *function)
{
    if (function->feature_count > 0)
        printf("features: %zu\n", function->feature_count);
    for (size_t i = 0; i < function->feature_count; i++)
        printf("  %-20s %-8s %s\n", function->features[i].name, leat_type_name(function->features[i].type),
               leat_expr_text(function->features[i].expr));
}

/* What it gives, and by which kernel. */
static void print_version(const struct leat_check_version *version)
{
    if (version->categories[0])
        printf("    categories: %s\n", version->categories);
    printf("    gives %s\n    kernel %s; reasons: %s\n", version->answers, version->kernel,
           version->explanation  ? version->explanation
           : version->lacks_rows ? "none: occlusion needs parity rows"
                                 : "none");
}

static void print_models(const struct leat_check *check)
{
    const struct leat_function *function = check->function;
    if (!function->model_name)
        return;
    printf("model %s%s%s, of the registry %s\n", function->model_name, function->fallback_name ? ", fallback " : "",
           function->fallback_name ? function->fallback_name : "", function->registry);
    for (size_t i = 0; i < check->version_count; i++) {
        const struct leat_check_version *version = &check->versions[i];
        printf("  %s/%u%*s", version->model, version->number, 2, "");
        if (!version->fits)
            printf("does not fit\n");
        else if (version->parity_rows == 0)
            printf("fits (%s, %zu features), unverified: it has no parity rows\n", version->format, version->features);
        else
            printf("fits (%s, %zu features), parity of %llu rows\n", version->format, version->features,
                   (unsigned long long)version->parity_rows);
        if (version->format)
            print_version(version);
    }
}

static void print_labels(const struct leat_function *function)
{
    char wait[32];
    if (!function->labels.present)
        return;
    leat_duration_format(function->labels.wait, wait);
    printf("labels: %s, awaited for %s\n", leat_expr_text(function->labels.value), wait);
}

static void print_findings(const struct leat_check *check)
{
    size_t findings = count_findings(check, false);
    for (int notes = 1; notes >= 0; notes--)
        for (size_t i = 0; i < check->finding_count; i++)
            if (check->findings[i].note == (notes == 1))
                printf("%s: %s\n", notes ? "note" : "finding", check->findings[i].text);
    if (findings == 0)
        printf("no findings\n");
    else
        printf("%zu finding%s\n", findings, findings == 1 ? "" : "s");
}

static void print_all(const struct leat_check *check)
{
    const struct leat_function *function = check->function;
    printf("%s (%s, %s)\n", function->name, function->file, function->digest);
    print_sources(check);
    print_windows(check);
    print_features(function);
    print_models(check);
    print_labels(function);
    print_findings(check);
}

/* -- the report, for scripts ----------------------------------------------------------------------------------------- */

static void put_text(struct leat_buffer *out, const char *name, const char *text)
{
    leat_buffer_format(out, "\"%s\":", name);
    leat_json_put_string(out, leat_bytes_of(text));
}

static void put_sources(const struct leat_check *check, struct leat_buffer *out)
{
    const struct leat_function *function = check->function;
    leat_buffer_append_text(out, "\"sources\":[");
    for (size_t s = 0; s < function->source_count + function->labels.present; s++) {
        const struct leat_check_topic *topic = &check->topics[s];
        bool label = s == function->source_count;
        const struct leat_source *source = label ? &function->labels.source : &function->sources[s];
        leat_buffer_append_text(out, s ? ",{" : "{");
        put_text(out, "name", source->name);
        leat_buffer_append_char(out, ',');
        put_text(out, "kind", label ? "labels" : kind_of(source));
        leat_buffer_append_char(out, ',');
        put_text(out, "topic", source->topic);
        if (topic->looked)
            leat_buffer_format(
                out, ",\"partitions\":%d,\"records\":%llu,\"unread\":%llu,\"heartbeats\":%llu,\"filtered\":%llu",
                (int)topic->partitions, (unsigned long long)topic->records, (unsigned long long)topic->unread,
                (unsigned long long)topic->heartbeats, (unsigned long long)topic->filtered);
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_char(out, ']');
}

static void put_windows(const struct leat_check *check, struct leat_buffer *out)
{
    const struct leat_function *function = check->function;
    leat_buffer_append_text(out, ",\"windows\":[");
    for (size_t w = 0; w < function->window_count; w++) {
        const struct leat_function_window *window = &function->windows[w];
        const struct leat_check_topic *topic = &check->topics[window->source];
        LEAT_CLEAN_BUFFER key = {0};
        put_window_key(window, &key);
        leat_buffer_append_text(out, w ? ",{" : "{");
        put_text(out, "source", function->sources[window->source].name);
        leat_buffer_append_char(out, ',');
        put_text(out, "key", leat_buffer_text(&key));
        leat_buffer_format(out, ",\"range_us\":%lld,\"aggregates\":%zu,\"events\":",
                           (long long)(window->range_max == LEAT_RANGE_NONE ? 0 : window->range_max),
                           window->plan.aggregate_count);
        leat_json_put_double(out, events_held(topic, window->range_max));
        leat_buffer_append_text(out, ",\"bytes\":");
        leat_json_put_double(out, bytes_held(topic, window->range_max));
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_char(out, ']');
}

static void put_features(const struct leat_function *function, struct leat_buffer *out)
{
    leat_buffer_append_text(out, ",\"features\":[");
    for (size_t i = 0; i < function->feature_count; i++) {
        leat_buffer_append_text(out, i ? ",{" : "{");
        put_text(out, "name", function->features[i].name);
        leat_buffer_append_char(out, ',');
        put_text(out, "type", leat_type_name(function->features[i].type));
        leat_buffer_append_char(out, ',');
        put_text(out, "expression", leat_expr_text(function->features[i].expr));
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_char(out, ']');
}

/* Absent when it is not known. */
static void put_member(struct leat_buffer *out, const char *name, const char *text)
{
    if (!text)
        return;
    leat_buffer_append_char(out, ',');
    put_text(out, name, text);
}

static void put_versions(const struct leat_check *check, struct leat_buffer *out)
{
    leat_buffer_append_text(out, ",\"versions\":[");
    for (size_t i = 0; i < check->version_count; i++) {
        const struct leat_check_version *version = &check->versions[i];
        leat_buffer_append_text(out, i ? ",{" : "{");
        put_text(out, "model", version->model);
        leat_buffer_format(out, ",\"version\":%u,\"fits\":%s,\"parity_rows\":%llu", version->number,
                           version->fits ? "true" : "false", (unsigned long long)version->parity_rows);
        put_member(out, "why", version->why);
        put_member(out, "format", version->format);
        put_member(out, "kernel", version->kernel);
        put_member(out, "gives", version->answers);
        put_member(out, "categories", version->categories);
        put_member(out, "explanation", version->explanation);
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_char(out, ']');
}

static void put_findings(const struct leat_check *check, bool notes, struct leat_buffer *out)
{
    bool first = true;
    leat_buffer_format(out, ",\"%s\":[", notes ? "notes" : "findings");
    for (size_t i = 0; i < check->finding_count; i++) {
        if (check->findings[i].note != notes)
            continue;
        leat_buffer_append_text(out, first ? "" : ",");
        leat_json_put_string(out, leat_bytes_of(check->findings[i].text));
        first = false;
    }
    leat_buffer_append_char(out, ']');
}

static void print_json(const struct leat_check *check)
{
    LEAT_CLEAN_BUFFER out = {0};
    leat_buffer_append_char(&out, '{');
    put_text(&out, "function", check->function->name);
    leat_buffer_append_char(&out, ',');
    put_text(&out, "digest", check->function->digest);
    leat_buffer_append_char(&out, ',');
    put_sources(check, &out);
    put_windows(check, &out);
    put_features(check->function, &out);
    put_versions(check, &out);
    put_findings(check, false, &out);
    put_findings(check, true, &out);
    leat_buffer_append_char(&out, '}');
    puts(leat_buffer_text(&out));
}

/* -- the command ----------------------------------------------------------------------------------------------------- */

static int64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * LEAT_SECOND + now.tv_nsec / 1000;
}

static bool names_brokers(const struct leat_function *function)
{
    for (size_t i = 0; i < function->kafka_count; i++)
        if (strcmp(function->kafka[i].name, "bootstrap.servers") == 0 ||
            strcmp(function->kafka[i].name, "metadata.broker.list") == 0)
            return true;
    return false;
}

/* A broker that can not be reached is no fault of the file: a note. A folder that was named is another matter. */
static int check_records(struct leat_check *check, const char *files, struct leat_error *err)
{
    struct leat_stream *stream;
    if (!files && !names_brokers(check->function)) {
        leat_check_find(check, true, "no records were looked at: neither --files nor kafka: {bootstrap.servers: …}");
        return 0;
    }
    if (leat_cmd_open_stream(check->function, files, NULL, &stream, err) < 0)
        return -1;
    if (!files && isatty(STDERR_FILENO))
        fprintf(stderr, "leat check: looking at the topics; a broker that does not answer takes some seconds\n");
    int result = leat_check_records(check, stream, wall_clock(), err);
    if (result == 0)
        result = leat_check_roles(check, stream, err);
    leat_stream_close(stream);
    if (result == 0 || files || err->kind != LEAT_ERROR_ENVIRONMENT)
        return result;
    leat_check_find(check, true, "not all records could be looked at: %s", err->text);
    return 0;
}

static int run_check(struct leat_check *check, const struct leat_arguments *arguments, struct leat_error *err)
{
    const char *records = leat_arguments_get(arguments, "--records");
    int64_t number = RECORDS;
    if (records && (leat_int_parse(leat_bytes_of(records), &number) < 0 || number < 1 || number > 1000000000))
        return leat_error_set(err, LEAT_ERROR_USAGE, "--records '%s' is not a number from 1", records);
    check->records_max = (size_t)number;
    check->files = leat_arguments_get(arguments, "--files");
    check_function(check);
    if (leat_check_models(check, err) < 0 || check_records(check, check->files, err) < 0)
        return -1;
    if (leat_arguments_get(arguments, "--json"))
        print_json(check);
    else
        print_all(check);
    return 0;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_error err = {0};
    struct leat_function *function;
    bool help;
    if (leat_arguments_parse(command, argc, argv, &arguments, &help, &err) < 0)
        return leat_command_fail(command, &err);
    if (help)
        return 0;
    if (arguments.positional_count != 1) {
        leat_error_set(&err, LEAT_ERROR_USAGE, "it takes one function file; see 'leat check --help'");
        return leat_command_fail(command, &err);
    }
    if (leat_function_load(arguments.positional[0], &function, &err) < 0)
        return leat_command_fail(command, &err);
    struct leat_check *check = leat_calloc(1, sizeof *check);
    check->function = function;
    int result = run_check(check, &arguments, &err);
    size_t findings = count_findings(check, false);
    leat_arena_done(&check->arena);
    free(check->findings);
    free(check);
    leat_function_free(function);
    if (result < 0)
        return leat_command_fail(command, &err);
    return findings > 0 ? LEAT_ERROR_FINDING : 0;
}

static const struct leat_option options[] = {
    {"--files", 0, "DIR", "look at the records of DIR/<topic>.jsonl (csv, gz, zst) instead of Kafka's"},
    {"--records", 0, "N", "of each topic (1,000 when not given)"},
    {"--json", 0, NULL, "the report as JSON"},
    {NULL, 0, NULL, NULL},
};

const struct leat_command leat_command_check = {
    .name = "check",
    .arguments = "fn.yaml [--files DIR] [--json]",
    .summary = "all that can be known before running: types, keys, schemas, model, limits, retention",
    .details =
        "Reads the function file, loads every version of its models and scores their parity rows, and looks at the first\n"
        "records of each topic: are they what the schemas say, are times in the unit that is declared, is each topic\n"
        "partitioned by its key and as often as the input, does the log reach back as far as the windows do? The\n"
        "memory of windows is estimated from these records. Notes are worth knowing; findings make the exit code 1.\n"
        "\n"
        "example: leat check fn.yaml --files data",
    .options = options,
    .run = run,
};
