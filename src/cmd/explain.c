/* leat explain: what was decided for one event and from what, and whether the version still gives that very score. */
#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/govern.h"
#include "cmd/progress.h"
#include "observe/decision.h"
#include "registry/versions.h"
#include "stream/drain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct leat_bytes topic;
    int32_t partition;
    int64_t offset;
};

/* "topic/partition/offset"; a topic has no slash. */
static int parse_place(const char *text, struct place *ret, struct leat_error *err)
{
    const char *first = strchr(text, '/');
    const char *second = first ? strchr(first + 1, '/') : NULL;
    int64_t partition, offset;
    if (!second || first == text ||
        leat_int_parse((struct leat_bytes){first + 1, (size_t)(second - first - 1)}, &partition) < 0 ||
        leat_int_parse(leat_bytes_of(second + 1), &offset) < 0 || partition < 0 || partition > INT32_MAX || offset < 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s' is not an event's place: topic/partition/offset", text);
    *ret = (struct place){{text, (size_t)(first - text)}, (int32_t)partition, offset};
    return 0;
}

/* -- finding the record -------------------------------------------------------------------------------------------- */

struct search {
    const struct place *place;
    char needle[24]; /* the offset's digits: records without them are passed over unparsed */
    struct leat_decision decision;
    bool found;
    uint64_t seen;
};

static bool visit(void *self, const struct leat_reader *reader)
{
    struct search *search = self;
    struct leat_bytes value = reader->head->value;
    struct leat_decision decision;
    search->seen++;
    if (!value.data || !memmem(value.data, value.len, search->needle, strlen(search->needle)) ||
        leat_decision_parse(value, &decision, NULL) < 0)
        return true;
    if (decision.partition == search->place->partition && decision.offset == search->place->offset &&
        leat_bytes_is(search->place->topic, decision.topic)) {
        search->decision = decision;
        search->found = true;
        return false;
    }
    leat_decision_done(&decision);
    return true;
}

static int find(struct leat_govern *govern, const struct place *place, struct search *search, struct leat_error *err)
{
    const char *topic = govern->function->decisions_topic;
    int32_t partitions;
    char seen[32];
    if (!topic)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s keeps no decisions; add decisions: {topic: NAME}",
                              govern->function->file);
    if (leat_stream_partitions(govern->stream, topic, &partitions, err) < 0)
        return -1;
    search->place = place;
    snprintf(search->needle, sizeof search->needle, "%lld", (long long)place->offset);
    for (int32_t p = 0; p < partitions && !search->found; p++)
        if (leat_stream_drain(govern->stream, topic, p, LEAT_OFFSET_BEGIN, visit, search, err) < 0)
            return leat_error_prefix(err, "the decisions' topic '%s'", topic);
    if (search->found)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING,
                          "no decision is recorded for %.*s/%d/%lld (%s records of '%s' looked through): it has not been "
                          "decided yet, is a dead letter, was filtered, or its record has expired",
                          LEAT_BYTES_FORMAT(place->topic), place->partition, (long long)place->offset,
                          leat_grouped(search->seen, seen), topic);
}

/* -- scoring again ------------------------------------------------------------------------------------------------- */

struct check {
    const char *model, *role;
    uint32_t version;
    double recorded, recorded_raw; /* raw: NaN when it is not recorded */
    double score, raw;
    bool reproduced;
    char why[400]; /* not reproduced, when it is not for the numbers */
    char digest[LEAT_DIGEST_TEXT];
    struct leat_version *loaded; /* NULL: it could not be */
    double *contributions;       /* of its features, and the margin without any; NULL: none */
};

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static const struct leat_decision_feature *find_feature(const struct leat_decision *decision, const char *name)
{
    for (size_t i = 0; i < decision->feature_count; i++)
        if (strcmp(decision->features[i].name, name) == 0)
            return &decision->features[i];
    return NULL;
}

/* The recorded features as the version takes them. false: check->why says what is wrong. */
static bool make_row(const struct leat_version *version, const struct leat_decision *decision, double *row,
                     struct check *check)
{
    for (size_t i = 0; i < version->feature_count; i++) {
        const char *name = version->feature_names[i];
        const struct leat_decision_feature *feature = find_feature(decision, name);
        if (!feature) {
            snprintf(check->why, sizeof check->why, "the record lacks the feature '%s'", name);
            return false;
        }
        if (leat_version_code(version, i, feature->text, feature->value, &row[i]) < 0) {
            snprintf(check->why, sizeof check->why, "the category of '%s' was not seen in training", name);
            check->reproduced = isnan(check->recorded); /* it gave no score then, and for this */
            return false;
        }
    }
    return true;
}

/* What the features did to the margin that the score was made from. */
static void contribute(const struct leat_version *version, const double *row, size_t margin, struct check *check)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    size_t width = version->feature_count + 1;
    if (!info->explanation)
        return;
    double *all = leat_calloc(info->raw_count * width + 1, sizeof *all);
    void *scratch = aligned_alloc(64, (leat_model_explain_scratch(version->model) + 127) / 64 * 64);
    leat_assert(scratch != NULL);
    if (leat_model_explain(version->model, row, version->background, version->background_count, all, scratch) == 0) {
        check->contributions = leat_calloc(width, sizeof *check->contributions);
        memcpy(check->contributions, all + margin * width, width * sizeof *all);
    }
    free(scratch);
    free(all);
}

static void predict(const struct leat_function *function, const struct leat_version *version,
                    const struct leat_decision *decision, struct check *check)
{
    const struct leat_model_info *info = leat_model_info(version->model);
    struct leat_answer answer;
    struct leat_error err = {0};
    double *row = leat_calloc(version->feature_count + 1, sizeof *row);
    double *out = leat_calloc(info->output_count + 1, sizeof *out);
    double *raw = leat_calloc(info->raw_count + 1, sizeof *raw);
    void *scratch = leat_model_scratch_new(version->model, 1);
    if (leat_version_answer(version, function->model_output, &answer, &err) < 0) {
        snprintf(check->why, sizeof check->why, "model.output: %.380s", err.text);
    } else if (make_row(version, decision, row, check)) {
        leat_model_predict(version->model, row, version->feature_count, 1, out, raw, scratch);
        size_t margin = leat_version_margin(version, answer, out, raw);
        check->score = leat_model_answer(version->model, answer, out, raw);
        check->raw = info->raw_count > 0 ? raw[margin] : NAN;
        check->reproduced = same_bits(check->score, check->recorded) &&
                            (isnan(check->recorded_raw) || same_bits(check->raw, check->recorded_raw));
        contribute(version, row, margin, check);
    }
    free(row);
    free(out);
    free(raw);
    free(scratch);
}

static void verify(const struct leat_function *function, const struct leat_decision *decision, struct check *check)
{
    struct leat_version *version;
    struct leat_error err = {0};
    check->score = check->raw = NAN;
    if (leat_registry_load(function->registry, check->model, check->version, &version, &err) < 0) {
        snprintf(check->why, sizeof check->why, "%.390s", err.text);
        return;
    }
    memcpy(check->digest, version->digest, sizeof check->digest);
    check->loaded = version;
    predict(function, version, decision, check);
}

/* -- telling ------------------------------------------------------------------------------------------------------- */

static const char *number_text(double number, char ret[32])
{
    if (isnan(number))
        return "missing";
    leat_double_format(number, ret);
    return ret;
}

static const char *feature_text(const struct leat_decision_feature *feature, char ret[32])
{
    return feature->text.data ? feature->text.data : number_text(feature->value, ret);
}

struct contribution {
    const char *name;
    double value;
};

static int larger_first(const void *a, const void *b)
{
    double first = fabs(((const struct contribution *)a)->value), second = fabs(((const struct contribution *)b)->value);
    return first < second ? 1 : first > second ? -1 : 0;
}

static void print_contributions(const struct check *check, const struct leat_decision *decision)
{
    char text[32], value[32];
    if (!check->contributions)
        return;
    const struct leat_version *version = check->loaded;
    struct contribution *sorted = leat_calloc(version->feature_count + 1, sizeof *sorted);
    for (size_t i = 0; i < version->feature_count; i++)
        sorted[i] = (struct contribution){version->feature_names[i], check->contributions[i]};
    qsort(sorted, version->feature_count, sizeof *sorted, larger_first);
    printf("\nwhat moved the margin of %s/%u (%s)\n", check->model, check->version,
           leat_model_info(version->model)->explanation);
    for (size_t i = 0; i < version->feature_count; i++)
        printf("  %-24s %-24s %s\n", sorted[i].name, feature_text(find_feature(decision, sorted[i].name), value),
               number_text(sorted[i].value, text));
    printf("  %-24s %-24s %s\n", "(without any feature)", "",
           number_text(check->contributions[version->feature_count], text));
    free(sorted);
}

static void print_check(const struct check *check)
{
    char recorded[32], again[32];
    printf("  %s/%u (%s) gave %s: ", check->model, check->version, check->role, number_text(check->recorded, recorded));
    if (check->why[0])
        printf("%s%s\n", check->reproduced ? "" : "can not be scored again: ", check->why);
    else if (check->reproduced)
        printf("the version gives the same, bit for bit\n");
    else
        printf("NOT REPRODUCED, the version gives %s (margin %s)\n", number_text(check->score, again),
               number_text(check->raw, recorded));
}

static void print_decision(const struct leat_govern *govern, const struct leat_decision *decision)
{
    char text[32];
    printf("%s/%d/%lld\n", decision->topic, decision->partition, (long long)decision->offset);
    printf("  event time  %s\n", leat_govern_time_text(decision->time, text));
    printf("  scored at   %s\n", leat_govern_time_text(decision->scored_at, text));
    if (decision->key.len > 0)
        printf("  label key   %.*s\n", LEAT_BYTES_FORMAT(decision->key));
    bool now = strcmp(decision->digest, govern->function->digest) == 0;
    printf("  function    %s (%.12s)%s\n", decision->function, decision->digest,
           now ? "" : ", another text than the file has now");
    if (decision->model)
        printf("  score       %s by %s/%u, the %s\n", number_text(decision->score, text), decision->model,
               decision->version, decision->role);
    else
        printf("  score       none\n");
    if (!isnan(decision->threshold))
        printf("  threshold   %s\n", number_text(decision->threshold, text));
    for (size_t i = 0; i < decision->mark_count; i++)
        printf("  %-11s %s\n", i ? "" : "marks", decision->marks[i]);
    printf("\nfeatures\n");
    for (size_t i = 0; i < decision->feature_count; i++)
        printf("  %-24s %s\n", decision->features[i].name, feature_text(&decision->features[i], text));
    if (decision->position_count > 0)
        printf("\nthe other sources had been read up to\n");
    for (size_t i = 0; i < decision->position_count; i++) {
        const struct leat_decision_position *position = &decision->positions[i];
        if (position->partition < 0)
            printf("  %-24s offset %lld\n", position->source, (long long)position->offset);
        else
            printf("  %-24s partition %d, offset %lld\n", position->source, position->partition,
                   (long long)position->offset);
    }
}

static void put_contributions(struct leat_buffer *out, const struct check *check)
{
    if (!check->contributions)
        return;
    const struct leat_version *version = check->loaded;
    leat_buffer_append_text(out, ",\"explanation\":");
    leat_json_put_string(out, leat_bytes_of(leat_model_info(version->model)->explanation));
    leat_buffer_append_text(out, ",\"base\":");
    leat_json_put_double(out, check->contributions[version->feature_count]);
    leat_buffer_append_text(out, ",\"contributions\":{");
    for (size_t i = 0; i < version->feature_count; i++) {
        leat_buffer_append_text(out, i ? "," : "");
        leat_json_put_string(out, leat_bytes_of(version->feature_names[i]));
        leat_buffer_append_char(out, ':');
        leat_json_put_double(out, check->contributions[i]);
    }
    leat_buffer_append_char(out, '}');
}

static void put_check(struct leat_buffer *out, const struct check *check)
{
    leat_buffer_append_text(out, "{\"model\":");
    leat_json_put_string(out, leat_bytes_of(check->model));
    leat_buffer_format(out, ",\"version\":%u,\"digest\":\"%s\",\"role\":\"%s\",\"recorded\":", check->version,
                       check->digest, check->role);
    leat_json_put_double(out, check->recorded);
    leat_buffer_append_text(out, ",\"score\":");
    leat_json_put_double(out, check->score);
    leat_buffer_append_text(out, check->reproduced ? ",\"reproduced\":true" : ",\"reproduced\":false");
    if (check->why[0]) {
        leat_buffer_append_text(out, ",\"reason\":");
        leat_json_put_string(out, leat_bytes_of(check->why));
    }
    put_contributions(out, check);
    leat_buffer_append_char(out, '}');
}

static void print_json(const struct leat_decision *decision, const struct check *checks, size_t count)
{
    LEAT_CLEAN_BUFFER out = {0};
    char time[32];
    leat_buffer_append_text(&out, "{\"topic\":");
    leat_json_put_string(&out, leat_bytes_of(decision->topic));
    leat_time_format(decision->time, time);
    leat_buffer_format(&out, ",\"partition\":%d,\"offset\":%lld,\"time\":\"%s\",\"digest\":\"%s\",\"features\":{",
                       decision->partition, (long long)decision->offset, time, decision->digest);
    for (size_t i = 0; i < decision->feature_count; i++) {
        leat_buffer_append_text(&out, i ? "," : "");
        leat_json_put_string(&out, leat_bytes_of(decision->features[i].name));
        leat_buffer_append_char(&out, ':');
        if (decision->features[i].text.data)
            leat_json_put_string(&out, decision->features[i].text);
        else
            leat_json_put_double(&out, decision->features[i].value);
    }
    leat_buffer_append_text(&out, "},\"marks\":[");
    for (size_t i = 0; i < decision->mark_count; i++) {
        leat_buffer_append_text(&out, i ? "," : "");
        leat_json_put_string(&out, leat_bytes_of(decision->marks[i]));
    }
    leat_buffer_append_text(&out, "],\"positions\":[");
    for (size_t i = 0; i < decision->position_count; i++) {
        leat_buffer_append_text(&out, i ? ",{\"source\":" : "{\"source\":");
        leat_json_put_string(&out, leat_bytes_of(decision->positions[i].source));
        if (decision->positions[i].partition >= 0)
            leat_buffer_format(&out, ",\"partition\":%d", decision->positions[i].partition);
        leat_buffer_format(&out, ",\"offset\":%lld}", (long long)decision->positions[i].offset);
    }
    leat_buffer_append_text(&out, "],\"scores\":[");
    for (size_t i = 0; i < count; i++) {
        leat_buffer_append_text(&out, i ? "," : "");
        put_check(&out, &checks[i]);
    }
    leat_buffer_append_text(&out, "]}");
    puts(leat_buffer_text(&out));
}

/* Who answered first, then the shadows. */
static size_t list_checks(const struct leat_decision *decision, struct check *checks)
{
    size_t count = 0;
    if (decision->model)
        checks[count++] = (struct check){.model = decision->model,
                                         .role = decision->role,
                                         .version = decision->version,
                                         .recorded = decision->score,
                                         .recorded_raw = decision->raw};
    for (size_t i = 0; i < decision->shadow_count; i++)
        checks[count++] = (struct check){.model = decision->shadows[i].model,
                                         .role = "shadow",
                                         .version = decision->shadows[i].version,
                                         .recorded = decision->shadows[i].score,
                                         .recorded_raw = NAN};
    return count;
}

static int tell(const struct leat_govern *govern, const struct leat_decision *decision, bool json,
                struct leat_error *err)
{
    struct check *checks = leat_calloc(decision->shadow_count + 1, sizeof *checks);
    size_t count = list_checks(decision, checks), failed = 0;
    for (size_t i = 0; i < count; i++) {
        verify(govern->function, decision, &checks[i]);
        failed += !checks[i].reproduced;
    }
    if (json) {
        print_json(decision, checks, count);
    } else {
        print_decision(govern, decision);
        printf("\nscored again from these features\n");
        for (size_t i = 0; i < count; i++)
            print_check(&checks[i]);
        if (count == 0)
            printf("  nobody scored it\n");
        for (size_t i = 0; i < (decision->model && count > 0 ? 1 : count); i++) /* the answer's, else the shadows' */
            print_contributions(&checks[i], decision);
    }
    for (size_t i = 0; i < count; i++) {
        leat_version_unref(checks[i].loaded);
        free(checks[i].contributions);
    }
    free(checks);
    if (failed == 0)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING, "%zu of %zu recorded scores could not be reproduced", failed, count);
}

static int explain(const struct leat_command *command, const struct leat_arguments *arguments,
                   struct leat_govern *govern, struct leat_error *err)
{
    struct place place;
    struct search search = {0};
    if (arguments->positional_count != 2)
        return leat_error_set(err, LEAT_ERROR_USAGE, "usage: leat %s %s", command->name, command->arguments);
    const char *input = govern->function->sources[0].topic;
    if (parse_place(arguments->positional[1], &place, err) < 0)
        return -1;
    if (!leat_bytes_is(place.topic, input))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s decides about events of '%s', and not of '%.*s'",
                              govern->function->file, input, LEAT_BYTES_FORMAT(place.topic));
    if (find(govern, &place, &search, err) < 0)
        return -1;
    int result = tell(govern, &search.decision, leat_arguments_get(arguments, "--json") != NULL, err);
    leat_decision_done(&search.decision);
    return result;
}

static int run(const struct leat_command *command, int argc, char **argv)
{
    return leat_govern_main(command, argc, argv, 2, explain);
}

static const struct leat_option options[] = {LEAT_GOVERN_FILES, LEAT_GOVERN_JSON, {0}};

const struct leat_command leat_command_explain = {
    .name = "explain",
    .arguments = "fn.yaml TOPIC/PARTITION/OFFSET",
    .summary = "one recorded decision: from what, by whom, and whether it can be reproduced",
    .details =
        "Finds the decision record of an input event, shows its features, marks and the positions of the other sources,\n"
        "loads the version from the registry and scores the recorded features again. Of a model that can explain itself\n"
        "it shows how much each feature moved the margin, the largest first. Exit code 1 when the event has no record,\n"
        "or when a score, of the one who answered or of a shadow, does not come out bit for bit.\n\n"
        "example: leat explain fn.yaml transactions/3/81234567\n",
    .options = options,
    .run = run,
};
