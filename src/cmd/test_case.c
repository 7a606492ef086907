/* fn.test.yaml: a list of tests. Each begins with empty state; its tables are filled, then its events come one by one in
 * the order in which they stand, and every input event is scored at once and held against the next expectation. */
#include "cmd/test.h"

#include "base/file.h"
#include "base/map.h"
#include "base/time.h"
#include "registry/versions.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

struct player {
    const struct leat_function *function;
    const struct leat_yaml_document *document;
    struct leat_state *partition, *shared;
    struct leat_batch *batch;
    struct leat_event_decoder *decoders[LEAT_SOURCES_MAX];
    int64_t offsets[LEAT_SOURCES_MAX];
    struct leat_expr_scratch scratch;
    struct leat_arena text;  /* of an event */
    struct leat_arena texts; /* of a test */
    struct leat_lineup lineup;
    const struct leat_yaml *expect; /* NULL: nothing is expected of any event */
    size_t expect_at;               /* of the next input event */
    struct leat_buffer failures;
};

static int refuse(const struct player *player, const struct leat_yaml *at, struct leat_error *err, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
static int refuse(const struct player *player, const struct leat_yaml *at, struct leat_error *err, const char *format,
                  ...)
{
    char sentence[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return leat_yaml_error(player->document, at->line, at->column, err, "%s", sentence);
}

/* Every key of a mapping is one of `keys`, which ends with NULL. */
static int check_keys(const struct player *player, const struct leat_yaml *node, const char *what,
                      const char *const *keys, struct leat_error *err)
{
    size_t count = 0;
    while (keys[count])
        count++;
    if (node->type != LEAT_YAML_MAPPING)
        return refuse(player, node, err, "%s is a mapping", what);
    for (size_t i = 0; i < node->count; i++) {
        const struct leat_yaml *key = &node->members[i].key;
        size_t known = 0;
        while (known < count && !leat_bytes_is(key->text, keys[known]))
            known++;
        if (known < count)
            continue;
        const char *nearest = leat_nearest(key->text, keys, count);
        return refuse(player, key, err, "'%.*s' is not a key of %s%s%s%s", LEAT_BYTES_FORMAT(key->text), what,
                      nearest ? "; the nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
    }
    return 0;
}

/* -- failures -------------------------------------------------------------------------------------------------------- */

static void fail(struct player *player, const struct leat_yaml *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct player *player, const struct leat_yaml *at, const char *format, ...)
{
    char sentence[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    leat_buffer_format(&player->failures, "%s:%d: %s\n", player->document->file, at->line, sentence);
}

static void differs(struct player *player, const struct leat_yaml *expected, const char *what, struct leat_bytes name,
                    struct leat_bytes came)
{
    LEAT_CLEAN_BUFFER wanted = {0};
    leat_test_put_expected(expected, &wanted);
    fail(player, expected, "%s%s%.*s: expected %s, got %.*s", what, name.len ? " " : "", LEAT_BYTES_FORMAT(name),
         leat_buffer_text(&wanted), LEAT_BYTES_FORMAT(came));
}

/* -- expectations ---------------------------------------------------------------------------------------------------- */

static const struct leat_feature *find_feature(const struct leat_function *function, struct leat_bytes name,
                                               size_t *ret_index)
{
    for (*ret_index = 0; *ret_index < function->feature_count; ++*ret_index)
        if (leat_bytes_is(name, function->features[*ret_index].name))
            return &function->features[*ret_index];
    return NULL;
}

static int expect_features(struct player *player, const struct leat_yaml *expected, const struct leat_result *result,
                           struct leat_error *err)
{
    const struct leat_function *function = player->function;
    if (expected->type != LEAT_YAML_MAPPING)
        return refuse(player, expected, err, "features is a mapping of names to values");
    for (size_t i = 0; i < expected->count; i++) {
        const struct leat_yaml *key = &expected->members[i].key;
        size_t index;
        const struct leat_feature *feature = find_feature(function, key->text, &index);
        if (!feature)
            return refuse(player, key, err, "%s has no feature '%.*s'", function->file, LEAT_BYTES_FORMAT(key->text));
        struct leat_value value = result->frame[function->frame_features + index];
        if (leat_test_value_agrees(&expected->members[i].value, feature->type, value))
            continue;
        LEAT_CLEAN_BUFFER came = {0};
        leat_encode_json_value(&came, feature->type, LEAT_ENCODING_TIME_TEXT, value);
        differs(player, &expected->members[i].value, "feature", key->text, leat_buffer_view(&came));
    }
    return 0;
}

static const struct leat_out_field *find_output(const struct leat_function *function, struct leat_bytes name)
{
    for (size_t i = 0; i < function->output_count; i++)
        if (leat_bytes_equal(function->outputs[i].field.name, name))
            return &function->outputs[i].field;
    return NULL;
}

static void expect_output_fields(struct player *player, const struct leat_yaml *expected, const struct leat_json *root)
{
    for (size_t i = 0; i < expected->count; i++) {
        const struct leat_yaml_member *wanted = &expected->members[i];
        const struct leat_out_field *field = find_output(player->function, wanted->key.text);
        const struct leat_json *came = NULL;
        for (uint32_t m = 0; m < root->count; m++)
            if (leat_bytes_equal(root->as.members[m].name, wanted->key.text))
                came = &root->as.members[m].value;
        if (came && leat_test_json_agrees(&wanted->value, came, field ? field->type : LEAT_TYPE_NULL,
                                          field ? field->encoding : LEAT_ENCODING_PLAIN))
            continue;
        LEAT_CLEAN_BUFFER text = {0};
        if (came)
            leat_json_put(&text, came);
        else
            leat_buffer_append_text(&text, "no such field");
        differs(player, &wanted->value, "output", wanted->key.text, leat_buffer_view(&text));
    }
}

static bool is_none(const struct leat_yaml *node)
{
    return leat_yaml_is_null(node) || (node->type == LEAT_YAML_SCALAR && leat_bytes_is(node->text, "none"));
}

static const char *why_no_output(const struct player *player, const struct leat_result *result)
{
    if (!player->function->output_topic)
        return "the function has no output";
    if (result->marks & LEAT_MARK_NO_CHAMPION)
        return "nothing, since nobody serves; give the test a `score` or a `version`";
    return "nothing: it is withheld";
}

static int expect_output(struct player *player, const struct leat_yaml *expected, const struct leat_result *result,
                         struct leat_error *err)
{
    bool came = !result->withheld && result->output.len > 0;
    struct leat_bytes none = {NULL, 0};
    if (is_none(expected)) {
        if (came)
            differs(player, expected, "output", none, result->output);
        return 0;
    }
    if (!came) {
        differs(player, expected, "output", none, leat_bytes_of(why_no_output(player, result)));
        return 0;
    }
    if (expected->type == LEAT_YAML_SCALAR) {
        if (!leat_bytes_equal(expected->text, result->output))
            differs(player, expected, "output", none, result->output);
        return 0;
    }
    struct leat_json_document *json;
    if (expected->type != LEAT_YAML_MAPPING || player->function->output_format != LEAT_FORMAT_JSON)
        return refuse(player, expected, err,
                      "output is a mapping of fields to values, or the record's whole text, or none");
    if (leat_json_parse(result->output, LEAT_JSON_STRICT, &json, err) < 0)
        return -1;
    expect_output_fields(player, expected, leat_json_root(json));
    leat_json_free(json);
    return 0;
}

static bool has_mark(struct leat_bytes marks, struct leat_bytes mark)
{
    while (marks.len > 0) {
        const char *comma = memchr(marks.data, ',', marks.len);
        size_t len = comma ? (size_t)(comma - marks.data) : marks.len;
        if (leat_bytes_equal((struct leat_bytes){marks.data, len}, mark))
            return true;
        len += comma ? 1 : 0;
        marks = (struct leat_bytes){marks.data + len, marks.len - len};
    }
    return false;
}

static int expect_marks(struct player *player, const struct leat_yaml *expected, const struct leat_result *result,
                        struct leat_error *err)
{
    char text[512];
    size_t len = leat_marks_format(player->function, result->marks, result->stale_sources, text, sizeof text);
    struct leat_bytes marks = {text, len};
    size_t count = len > 0;
    for (size_t i = 0; i < len; i++)
        count += text[i] == ',';
    if (expected->type != LEAT_YAML_SEQUENCE)
        return refuse(player, expected, err, "marks is a list, as in [late, stale_source:departures]");
    bool agrees = count == expected->count;
    for (size_t i = 0; i < expected->count; i++)
        agrees = agrees && expected->elements[i].type == LEAT_YAML_SCALAR && has_mark(marks, expected->elements[i].text);
    if (!agrees)
        differs(player, expected, "marks", (struct leat_bytes){NULL, 0}, len ? marks : leat_bytes_of("none"));
    return 0;
}

static int expect_score(struct player *player, const struct leat_yaml *expected, const struct leat_result *result)
{
    struct leat_value value = isnan(result->score) ? leat_value_null() : leat_value_double(result->score);
    if (leat_test_value_agrees(expected, LEAT_TYPE_DOUBLE, value))
        return 0;
    LEAT_CLEAN_BUFFER came = {0};
    leat_json_put_double(&came, result->score);
    differs(player, expected, "score", (struct leat_bytes){NULL, 0}, leat_buffer_view(&came));
    return 0;
}

static int expect_role(struct player *player, const struct leat_yaml *expected, const struct leat_result *result)
{
    const char *role = result->bound ? result->role : "none";
    if (expected->type != LEAT_YAML_SCALAR || !leat_bytes_is(expected->text, role))
        differs(player, expected, "role", (struct leat_bytes){NULL, 0}, leat_bytes_of(role));
    return 0;
}

static const char *const expect_keys[] = {"features",    "output", "marks",    "score", "role",
                                          "dead_letter", "reason", "filtered", NULL};

/* The next input event's expectation, or NULL; its place for messages is always there. */
static const struct leat_yaml *next_expectation(struct player *player)
{
    size_t at = player->expect_at++;
    return player->expect && at < player->expect->count ? &player->expect->elements[at] : NULL;
}

static int expect_result(struct player *player, const struct leat_yaml *expected, const struct leat_result *result,
                         struct leat_error *err)
{
    for (size_t i = 0; i < expected->count; i++) {
        struct leat_bytes key = expected->members[i].key.text;
        const struct leat_yaml *value = &expected->members[i].value;
        int failed = 0;
        if (leat_bytes_is(key, "features"))
            failed = expect_features(player, value, result, err);
        else if (leat_bytes_is(key, "output"))
            failed = expect_output(player, value, result, err);
        else if (leat_bytes_is(key, "marks"))
            failed = expect_marks(player, value, result, err);
        else if (leat_bytes_is(key, "score"))
            failed = expect_score(player, value, result);
        else if (leat_bytes_is(key, "role"))
            failed = expect_role(player, value, result);
        else if (leat_bytes_is(key, "dead_letter"))
            differs(player, value, "dead_letter", (struct leat_bytes){NULL, 0}, leat_bytes_of("a result"));
        if (failed < 0)
            return -1;
    }
    return 0;
}

/* A dead letter is a failure unless it is expected, with this stage and (if given) these words. */
static void expect_reason(struct player *player, const struct leat_yaml *event, const struct leat_yaml *expected,
                          const struct leat_reason *reason)
{
    const struct leat_yaml *stage = expected ? leat_yaml_get(expected, "dead_letter") : NULL;
    const struct leat_yaml *words = expected ? leat_yaml_get(expected, "reason") : NULL;
    struct leat_bytes none = {NULL, 0};
    if (!stage) {
        fail(player, expected ? expected : event, "a dead letter of stage %s: %s", leat_stage_name(reason->stage),
             reason->text);
        return;
    }
    if (!leat_bytes_is(stage->text, leat_stage_name(reason->stage))) {
        LEAT_CLEAN_BUFFER came = {0};
        leat_buffer_format(&came, "%s: %s", leat_stage_name(reason->stage), reason->text);
        differs(player, stage, "dead_letter", none, leat_buffer_view(&came));
    }
    if (words && !leat_bytes_is(words->text, reason->text))
        differs(player, words, "reason", none, leat_bytes_of(reason->text));
}

/* -- events ---------------------------------------------------------------------------------------------------------- */

static const char *const event_words[] = {"timestamp", "key", "now", "dead_letter", "reason"};

static bool is_event_word(struct leat_bytes key)
{
    for (size_t i = 0; i < sizeof event_words / sizeof event_words[0]; i++)
        if (leat_bytes_is(key, event_words[i]))
            return true;
    return false;
}

/* The member of an event that names its source. */
static int find_source(const struct player *player, const struct leat_yaml *event, size_t *ret_source,
                       const struct leat_yaml **ret_value, struct leat_error *err)
{
    const struct leat_yaml *found = NULL;
    if (event->type != LEAT_YAML_MAPPING)
        return refuse(player, event, err, "an event is a mapping of a source or topic to a record, as in input: {a: 1}");
    for (size_t i = 0; i < event->count; i++) {
        const struct leat_yaml *key = &event->members[i].key;
        if (is_event_word(key->text))
            continue;
        int source = leat_function_source(player->function, key->text.data);
        if (source < 0)
            return refuse(player, key, err, "%s has no source or topic '%.*s'", player->function->file,
                          LEAT_BYTES_FORMAT(key->text));
        if (found)
            return refuse(player, key, err, "one event is one record; this is a second");
        found = &event->members[i].value;
        *ret_source = (size_t)source;
    }
    if (!found)
        return refuse(player, event, err,
                      "an event without a source; write input: {…}, or the name of a stream or table");
    *ret_value = found;
    return 0;
}

static int read_time(const struct player *player, const struct leat_yaml *mapping, const char *key, int64_t *ret,
                     struct leat_error *err)
{
    const struct leat_yaml *node = leat_yaml_get(mapping, key);
    if (!node)
        return 0;
    if (node->type != LEAT_YAML_SCALAR || leat_time_parse(node->text, ret) < 0)
        return refuse(player, node, err, "%s is a time, as in 2013-07-08T12:00:00Z", key);
    return 0;
}

static int apply(struct player *player, size_t source, const struct leat_event *event, struct leat_reason *reason)
{
    leat_arena_reset(&player->text);
    return leat_state_apply(player->function, player->partition, player->shared, source, event, &player->scratch,
                            reason);
}

static int score(struct player *player, const struct leat_yaml *at, const struct leat_event *event, int64_t now,
                 struct leat_error *err)
{
    const struct leat_yaml *expected = next_expectation(player);
    leat_batch_reset(player->batch);
    leat_batch_add(player->batch, player->partition, player->shared, event, now, true);
    leat_batch_score(player->batch, &player->lineup);
    const struct leat_result *result = leat_batch_result(player->batch, 0);
    if (result->reason.stage != LEAT_STAGE_NONE) {
        expect_reason(player, at, expected, &result->reason);
        return 0;
    }
    return expected ? expect_result(player, expected, result, err) : 0;
}

static void filtered(struct player *player)
{
    const struct leat_yaml *expected = next_expectation(player);
    const struct leat_yaml *wanted = expected ? leat_yaml_get(expected, "filtered") : NULL;
    if (expected && expected->count > 0 && !wanted)
        fail(player, expected, "expected a result, and the input's filter leaves the event out");
}

static int play_input(struct player *player, const struct leat_yaml *at, const struct leat_event *event, int64_t now,
                      struct leat_error *err)
{
    if (event->filtered) {
        filtered(player);
        return 0;
    }
    size_t next = player->expect_at;
    const struct leat_yaml *expected = player->expect && next < player->expect->count ? &player->expect->elements[next]
                                                                                      : NULL;
    const struct leat_yaml *wanted = expected ? leat_yaml_get(expected, "filtered") : NULL;
    if (wanted && leat_bytes_is(wanted->text, "true"))
        fail(player, wanted, "expected the input's filter to leave the event out, and it does not");
    return score(player, at, event, now, err);
}

static int play_record(struct player *player, const struct leat_yaml *at, size_t source,
                       const struct leat_record *record, int64_t now, struct leat_error *err)
{
    struct leat_event event;
    struct leat_reason reason;
    if (!player->decoders[source])
        player->decoders[source] = leat_event_decoder_new(player->function, source);
    if (leat_event_decode(player->decoders[source], record, &event, &reason) < 0) {
        expect_reason(player, at, source == 0 ? next_expectation(player) : at, &reason);
        return 0;
    }
    if (source == 0)
        return play_input(player, at, &event, now == LEAT_TIME_NONE ? event.time : now, err);
    const struct leat_yaml *stage = at->type == LEAT_YAML_MAPPING ? leat_yaml_get(at, "dead_letter") : NULL;
    if (apply(player, source, &event, &reason) < 0)
        expect_reason(player, at, at, &reason);
    else if (stage)
        differs(player, stage, "dead_letter", (struct leat_bytes){NULL, 0}, leat_bytes_of("a record that is used"));
    return 0;
}

static int play_value(struct player *player, const struct leat_yaml *at, size_t source, const struct leat_yaml *value,
                      const struct leat_yaml *key, int64_t timestamp, int64_t now, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER bytes = {.max = LEAT_RECORD_BYTES_MAX};
    bool tombstone = leat_yaml_is_null(value);
    if (!tombstone && leat_test_put_record(&player->function->sources[source], value, &bytes) < 0)
        return refuse(player, value, err, "a record that is too large");
    struct leat_record record = {
        .topic = player->function->sources[source].topic,
        .offset = player->offsets[source]++,
        .timestamp = timestamp,
        .key = key ? key->text : (struct leat_bytes){NULL, 0},
        .value = tombstone ? (struct leat_bytes){NULL, 0} : (struct leat_bytes){bytes.data ? bytes.data : "", bytes.len},
    };
    return play_record(player, at, source, &record, now, err);
}

static int play_event(struct player *player, const struct leat_yaml *event, struct leat_error *err)
{
    size_t source = 0;
    const struct leat_yaml *value = NULL;
    int64_t timestamp = LEAT_TIME_NONE, now = LEAT_TIME_NONE;
    if (find_source(player, event, &source, &value, err) < 0 ||
        read_time(player, event, "timestamp", &timestamp, err) < 0 || read_time(player, event, "now", &now, err) < 0)
        return -1;
    return play_value(player, event, source, value, leat_yaml_get(event, "key"), timestamp, now, err);
}

static int play_tables(struct player *player, const struct leat_yaml *tables, struct leat_error *err)
{
    if (tables && tables->type != LEAT_YAML_MAPPING)
        return refuse(player, tables, err, "tables is a mapping of table names to lists of rows");
    for (size_t t = 0; tables && t < tables->count; t++) {
        const struct leat_yaml *name = &tables->members[t].key, *rows = &tables->members[t].value;
        int source = leat_function_source(player->function, name->text.data);
        if (source < 0 || player->function->sources[source].kind != LEAT_SOURCE_TABLE)
            return refuse(player, name, err, "%s has no table '%.*s'", player->function->file,
                          LEAT_BYTES_FORMAT(name->text));
        if (rows->type != LEAT_YAML_SEQUENCE)
            return refuse(player, rows, err, "the rows of a table are a list");
        for (size_t i = 0; i < rows->count; i++)
            if (play_value(player, &rows->elements[i], (size_t)source, &rows->elements[i], NULL, LEAT_TIME_NONE,
                           LEAT_TIME_NONE, err) < 0)
                return -1;
    }
    return 0;
}

/* -- who serves ------------------------------------------------------------------------------------------------------ */

static int read_number(const struct player *player, const struct leat_yaml *test, const char *key, double *ret,
                       struct leat_error *err)
{
    const struct leat_yaml *node = leat_yaml_get(test, key);
    *ret = NAN;
    if (node && node->type == LEAT_YAML_SCALAR && leat_bytes_is(node->text, ".inf")) { /* YAML's spelling */
        *ret = INFINITY;
        return 0;
    }
    if (node && (node->type != LEAT_YAML_SCALAR || leat_double_parse(node->text, ret) < 0))
        return refuse(player, node, err, "%s is a number", key);
    return 0;
}

static int serve_version(const struct player *player, const struct leat_yaml *node, const char *model,
                         struct leat_bound **ret, struct leat_error *err)
{
    struct leat_version *version;
    int64_t number;
    if (node->type != LEAT_YAML_SCALAR || leat_int_parse(node->text, &number) < 0 || number < 1 || number > UINT32_MAX)
        return refuse(player, node, err, "the number of a version is a whole number from 1");
    if (leat_registry_load(player->function->registry, model, (uint32_t)number, &version, err) < 0)
        return -1;
    int result = leat_bound_new(player->function, version, ret, err);
    leat_version_unref(version);
    return result;
}

/* What the model says beside the score: `outputs` is a mapping of names as in outputs['NAME'], or a list. */
static int read_answer(struct player *player, const struct leat_yaml *test, struct leat_fixed *ret,
                       struct leat_error *err)
{
    const struct leat_yaml *class_name = leat_yaml_get(test, "class"), *outputs = leat_yaml_get(test, "outputs");
    if (class_name && class_name->type != LEAT_YAML_SCALAR)
        return refuse(player, class_name, err, "class is the name of one");
    ret->class_name = class_name ? class_name->text.data : NULL;
    if (read_number(player, test, "margin", &ret->margin, err) < 0)
        return -1;
    if (outputs && outputs->type == LEAT_YAML_SCALAR)
        return refuse(player, outputs, err, "outputs is a mapping of names to numbers, or a list of numbers");
    ret->count = outputs ? outputs->count : 0;
    const char **names = leat_arena_zalloc(&player->texts, ret->count + 1, sizeof *names);
    double *numbers = leat_arena_zalloc(&player->texts, ret->count + 1, sizeof *numbers);
    for (size_t i = 0; i < ret->count; i++) {
        bool mapping = outputs->type == LEAT_YAML_MAPPING;
        const struct leat_yaml *value = mapping ? &outputs->members[i].value : &outputs->elements[i];
        names[i] = mapping ? outputs->members[i].key.text.data : leat_arena_format(&player->texts, "%zu", i);
        if (value->type != LEAT_YAML_SCALAR || leat_double_parse(value->text, &numbers[i]) < 0)
            return refuse(player, value, err, "what a model gives is a number");
    }
    ret->names = names;
    ret->outputs = numbers;
    return 0;
}

static int serve(struct player *player, const struct leat_yaml *test, const char *model, const char *version_key,
                 const char *score_key, struct leat_bound **ret, struct leat_error *err)
{
    const struct leat_yaml *version = leat_yaml_get(test, version_key);
    const struct leat_yaml *fixed = leat_yaml_get(test, score_key);
    struct leat_fake fake = {.name = model, .number = 1, .trained_at = LEAT_TIME_NONE};
    if (!version && !fixed)
        return 0;
    if (!model)
        return refuse(player, version ? version : fixed, err, "%s has no model for this", player->function->file);
    if (version)
        return serve_version(player, version, model, ret, err);
    if (read_number(player, test, score_key, &fake.answer.score, err) < 0 ||
        read_number(player, test, "threshold", &fake.threshold, err) < 0 ||
        read_answer(player, test, &fake.answer, err) < 0 ||
        read_time(player, test, "trained_at", &fake.trained_at, err) < 0)
        return -1;
    *ret = leat_test_fake(&fake);
    return 0;
}

static int make_lineup(struct player *player, const struct leat_yaml *test, struct leat_error *err)
{
    static const char *const beside[] = {"class", "margin", "outputs"};
    const struct leat_function *function = player->function;
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
        if (leat_yaml_get(test, beside[i]) && !leat_yaml_get(test, "score") && !leat_yaml_get(test, "fallback_score"))
            return refuse(player, leat_yaml_get(test, beside[i]), err,
                          "%s is what the model says beside its `score`, which this test does not have", beside[i]);
    if (serve(player, test, function->model_name, "version", "score", &player->lineup.champion, err) < 0)
        return -1;
    return serve(player, test, function->fallback_name, "fallback_version", "fallback_score", &player->lineup.fallback,
                 err);
}

/* -- tests ----------------------------------------------------------------------------------------------------------- */

static const char *const test_keys[] = {"name",      "tables",     "events",         "expect",  "score",
                                        "threshold", "trained_at", "fallback_score", "version", "fallback_version",
                                        "class",     "margin",     "outputs",        NULL};

static void player_init(struct player *player, const struct leat_function *function,
                        const struct leat_yaml_document *document)
{
    *player = (struct player){.function = function, .document = document};
    player->partition = leat_state_new(function, false);
    player->shared = leat_state_new(function, true);
    player->batch = leat_batch_new(function);
    player->scratch.text = &player->text;
    leat_expr_scratch_reserve(&player->scratch, function->registers);
}

static void player_done(struct player *player)
{
    for (size_t i = 0; i < LEAT_SOURCES_MAX; i++)
        leat_event_decoder_free(player->decoders[i]);
    leat_state_free(player->partition);
    leat_state_free(player->shared);
    leat_batch_free(player->batch);
    leat_expr_scratch_done(&player->scratch);
    leat_arena_done(&player->text);
    leat_arena_done(&player->texts);
    leat_bound_unref(player->lineup.champion);
    leat_bound_unref(player->lineup.fallback);
    leat_buffer_done(&player->failures);
}

static int check_expect(const struct player *player, const struct leat_yaml *expect, struct leat_error *err)
{
    if (expect && expect->type != LEAT_YAML_SEQUENCE)
        return refuse(player, expect, err, "expect is a list, one for each input event");
    for (size_t i = 0; expect && i < expect->count; i++)
        if (check_keys(player, &expect->elements[i], "an expectation", expect_keys, err) < 0)
            return -1;
    return 0;
}

static int play(struct player *player, const struct leat_yaml *test, struct leat_error *err)
{
    const struct leat_yaml *events = leat_yaml_get(test, "events");
    player->expect = leat_yaml_get(test, "expect");
    if (!events || events->type != LEAT_YAML_SEQUENCE)
        return refuse(player, events ? events : test, err, "a test has `events`, a list");
    if (check_expect(player, player->expect, err) < 0 || make_lineup(player, test, err) < 0 ||
        play_tables(player, leat_yaml_get(test, "tables"), err) < 0)
        return -1;
    for (size_t i = 0; i < events->count; i++)
        if (play_event(player, &events->elements[i], err) < 0)
            return -1;
    if (player->expect && player->expect->count != player->expect_at)
        fail(player, player->expect, "%zu input events, and %zu expectations (write {} where nothing is)",
             player->expect_at, player->expect->count);
    return 0;
}

static int run_test(const struct leat_function *function, const struct leat_yaml_document *document,
                    const struct leat_yaml *test, struct leat_test_report *report, struct leat_error *err)
{
    struct player player;
    player_init(&player, function, document);
    int result = check_keys(&player, test, "a test", test_keys, err);
    const struct leat_yaml *name = result < 0 ? NULL : leat_yaml_get(test, "name");
    if (result == 0 && (!name || name->type != LEAT_YAML_SCALAR || name->text.len == 0))
        result = refuse(&player, test, err, "a test has a `name`: a sentence that says what holds");
    if (result == 0)
        result = play(&player, test, err);
    if (result == 0)
        leat_test_report(report, name->text.data, leat_buffer_view(&player.failures));
    player_done(&player);
    return result;
}

int leat_test_cases(const struct leat_function *function, const char *file, struct leat_test_report *report,
                    struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_yaml_document document;
    if (leat_file_read(file, FILE_MAX, &text, err) < 0 ||
        leat_yaml_parse(file, leat_buffer_view(&text), &document, err) < 0)
        return -1;
    const struct leat_yaml *root = document.root;
    int result = 0;
    if (!root || root->type != LEAT_YAML_SEQUENCE || root->count == 0)
        result = leat_error_set(err, LEAT_ERROR_FINDING, "%s: it holds no list of tests", file);
    for (size_t i = 0; result == 0 && i < root->count; i++)
        result = run_test(function, &document, &root->elements[i], report, err);
    leat_yaml_done(&document);
    return result;
}
