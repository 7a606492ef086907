#include "cmd/comparison.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/progress.h"
#include "cmd/truth.h"
#include "observe/decision.h"
#include "stream/drain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEED 20130708 /* the same figures each time that the same records are read */

/* Scores of one version, by labelled event, ascending. */
struct leat_comparison_scores {
    uint32_t *events;
    double *scores;
    size_t count, capacity;
};

struct reading {
    struct leat_comparison *comparison;
    struct leat_labels *labels;
    int64_t *times; /* of labelled events */
    double *values; /* their labels */
    size_t count, capacity;
    struct leat_error err;
    time_t began;
    uint64_t seen;
};

/* -- reading ------------------------------------------------------------------------------------------------------- */

static struct leat_comparison_row *find_row(struct leat_comparison *comparison, const char *model, uint32_t version)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        struct leat_comparison_row *row = &comparison->rows[i];
        if (row->version == version && strcmp(row->model, model) == 0)
            return row;
    }
    return NULL;
}

static bool is_wanted(const struct leat_comparison *comparison, const char *model, uint32_t version)
{
    const struct leat_comparison_plan *plan = &comparison->plan;
    if (plan->only == 0)
        return true;
    bool named = version == plan->baseline || version == plan->only;
    return named && strcmp(model, comparison->function->model_name) == 0;
}

static struct leat_comparison_row *need_row(struct reading *reading, const char *model, uint32_t version)
{
    struct leat_comparison *comparison = reading->comparison;
    struct leat_comparison_row *row = find_row(comparison, model, version);
    if (row || !is_wanted(comparison, model, version))
        return row;
    if (comparison->row_count == LEAT_COMPARISON_ROWS_MAX) {
        leat_error_set(
            &reading->err, LEAT_ERROR_FINDING,
            "there are decisions of more than %d versions; name two, or a shorter stretch with --from and --to",
            LEAT_COMPARISON_ROWS_MAX);
        return NULL;
    }
    row = &comparison->rows[comparison->row_count++];
    *row = (struct leat_comparison_row){
        .model = leat_strdup(model), .version = version, .scores = leat_calloc(1, sizeof *row->scores)};
    return row;
}

static void add_score(struct leat_comparison_scores *scores, size_t event, double score)
{
    if (scores->count == scores->capacity) {
        scores->capacity = scores->capacity ? scores->capacity * 2 : 1024;
        scores->events = leat_realloc(scores->events, scores->capacity, sizeof *scores->events);
        scores->scores = leat_realloc(scores->scores, scores->capacity, sizeof *scores->scores);
    }
    scores->events[scores->count] = (uint32_t)event;
    scores->scores[scores->count++] = score;
}

static void add_event(struct reading *reading, int64_t time, double label)
{
    if (reading->count == reading->capacity) {
        reading->capacity = reading->capacity ? reading->capacity * 2 : 4096;
        reading->times = leat_realloc(reading->times, reading->capacity, sizeof *reading->times);
        reading->values = leat_realloc(reading->values, reading->capacity, sizeof *reading->values);
    }
    reading->times[reading->count] = time;
    reading->values[reading->count++] = label;
}

/* One version's answer to the newest event. */
static void take_score(struct reading *reading, bool labelled, bool shadow, const char *model, uint32_t version,
                       double score)
{
    struct leat_comparison_row *row = isnan(score) ? NULL : need_row(reading, model, version);
    if (!row)
        return;
    row->served += !shadow;
    row->watched += shadow;
    if (labelled)
        add_score(row->scores, reading->count - 1, score);
}

static void take_decision(struct reading *reading, const struct leat_decision *decision)
{
    struct leat_comparison *comparison = reading->comparison;
    const struct leat_comparison_plan *plan = &comparison->plan;
    if ((plan->from != LEAT_TIME_NONE && decision->time < plan->from) ||
        (plan->to != LEAT_TIME_NONE && decision->time >= plan->to))
        return;
    double label = NAN;
    enum leat_label_status status = leat_labels_join(reading->labels, decision->partition, decision->offset,
                                                     decision->key, decision->time, &label);
    if (status == LEAT_LABEL_REPEATED)
        return;
    bool labelled = status == LEAT_LABEL_FOUND;
    if (labelled)
        add_event(reading, decision->time, label);
    comparison->decisions++;
    if (comparison->first == LEAT_TIME_NONE || decision->time < comparison->first)
        comparison->first = decision->time;
    if (comparison->last == LEAT_TIME_NONE || decision->time > comparison->last)
        comparison->last = decision->time;
    if (decision->model)
        take_score(reading, labelled, false, decision->model, decision->version, decision->score);
    for (size_t i = 0; i < decision->shadow_count; i++) {
        const struct leat_decision_shadow *shadow = &decision->shadows[i];
        bool twice = decision->model && shadow->version == decision->version &&
                     strcmp(shadow->model, decision->model) == 0;
        if (!twice)
            take_score(reading, labelled, true, shadow->model, shadow->version, shadow->score);
    }
}

static void tell_progress(struct reading *reading, const char *end)
{
    char number[32];
    if (isatty(STDERR_FILENO) && time(NULL) - reading->began > 1)
        fprintf(stderr, "\r%s decisions read%s", leat_grouped(reading->seen, number), end);
}

static bool visit(void *self, const struct leat_reader *reader)
{
    struct reading *reading = self;
    struct leat_decision decision;
    if (++reading->seen % 50000 == 0)
        tell_progress(reading, "");
    if (!reader->head->value.data || leat_decision_parse(reader->head->value, &decision, NULL) < 0) {
        reading->comparison->unreadable++;
        return true;
    }
    take_decision(reading, &decision);
    leat_decision_done(&decision);
    return reading->err.kind == LEAT_ERROR_NONE;
}

static int read_decisions(struct leat_govern *govern, struct reading *reading, struct leat_error *err)
{
    const char *topic = govern->function->decisions_topic;
    int32_t partitions;
    if (leat_stream_partitions(govern->stream, topic, &partitions, err) < 0)
        return -1;
    reading->began = time(NULL);
    for (int32_t p = 0; p < partitions; p++) {
        if (leat_stream_drain(govern->stream, topic, p, LEAT_OFFSET_BEGIN, visit, reading, err) < 0)
            return leat_error_prefix(err, "the decisions' topic '%s'", topic);
        if (reading->err.kind != LEAT_ERROR_NONE) {
            *err = reading->err;
            return -1;
        }
    }
    tell_progress(reading, "\n");
    return 0;
}

/* -- figures ------------------------------------------------------------------------------------------------------- */

static void measure(const struct reading *reading, struct leat_comparison_row *row)
{
    size_t count = row->scores->count;
    int64_t *times = leat_calloc(count + 1, sizeof *times);
    double *labels = leat_calloc(count + 1, sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        times[i] = reading->times[row->scores->events[i]];
        labels[i] = reading->values[row->scores->events[i]];
    }
    struct leat_quality_data data = {times, labels, row->scores->scores, NULL, count};
    leat_quality_measure(&data, SEED, &row->quality);
    free(times);
    free(labels);
}

/* On the events that both have scored. */
static void compare(const struct reading *reading, const struct leat_comparison_row *base,
                    struct leat_comparison_row *row)
{
    const struct leat_comparison_scores *a = base->scores, *b = row->scores;
    size_t most = a->count < b->count ? a->count : b->count, count = 0;
    int64_t *times = leat_calloc(most + 1, sizeof *times);
    double *columns[3];
    for (int c = 0; c < 3; c++)
        columns[c] = leat_calloc(most + 1, sizeof *columns[c]);
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        if (a->events[i] != b->events[j]) {
            a->events[i] < b->events[j] ? i++ : j++;
            continue;
        }
        times[count] = reading->times[a->events[i]];
        columns[0][count] = reading->values[a->events[i]];
        columns[1][count] = a->scores[i++];
        columns[2][count++] = b->scores[j++];
    }
    struct leat_quality_data data = {times, columns[0], columns[1], columns[2], count};
    leat_quality_compare(&data, SEED, &row->difference);
    row->compared = true;
    free(times);
    for (int c = 0; c < 3; c++)
        free(columns[c]);
}

static int by_version(const void *a, const void *b)
{
    const struct leat_comparison_row *x = a, *y = b;
    int order = strcmp(x->model, y->model);
    return order ? order : (x->version > y->version) - (x->version < y->version);
}

static void figure_out(const struct reading *reading)
{
    struct leat_comparison *comparison = reading->comparison;
    const char *model = comparison->function->model_name;
    qsort(comparison->rows, comparison->row_count, sizeof *comparison->rows, by_version);
    const struct leat_comparison_row *base = find_row(comparison, model, comparison->plan.baseline);
    for (size_t i = 0; i < comparison->row_count; i++) {
        struct leat_comparison_row *row = &comparison->rows[i];
        measure(reading, row);
        if (base && row != base && strcmp(row->model, model) == 0)
            compare(reading, base, row);
    }
}

int leat_comparison_make(struct leat_govern *govern, const struct leat_comparison_plan *plan,
                         struct leat_comparison *ret, struct leat_error *err)
{
    const struct leat_function *function = govern->function;
    if (!function->decisions_topic)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s keeps no decisions; add decisions: {topic: NAME}",
                              function->file);
    if (!function->labels.present)
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "%s has no labels: section, so nothing says which version was right", function->file);
    struct leat_comparison comparison = {
        .function = function, .plan = *plan, .first = LEAT_TIME_NONE, .last = LEAT_TIME_NONE};
    struct reading reading = {.comparison = &comparison};
    if (leat_truth_read(function, govern->stream, plan->known, &reading.labels, &comparison.unread, err) < 0)
        return -1;
    comparison.rows = leat_calloc(LEAT_COMPARISON_ROWS_MAX, sizeof *comparison.rows);
    int result = read_decisions(govern, &reading, err);
    if (result == 0)
        figure_out(&reading);
    comparison.labels = *leat_labels_counts(reading.labels);
    leat_labels_free(reading.labels);
    free(reading.times);
    free(reading.values);
    if (result < 0)
        leat_comparison_done(&comparison);
    else
        *ret = comparison;
    return result;
}

void leat_comparison_done(struct leat_comparison *comparison)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        struct leat_comparison_row *row = &comparison->rows[i];
        free(row->scores->events);
        free(row->scores->scores);
        free(row->scores);
        free(row->model);
    }
    free(comparison->rows);
    *comparison = (struct leat_comparison){0};
}

const struct leat_comparison_row *leat_comparison_find(const struct leat_comparison *comparison, const char *model,
                                                       uint32_t version)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct leat_comparison_row *row = &comparison->rows[i];
        if (row->version == version && strcmp(row->model, model ? model : comparison->function->model_name) == 0)
            return row;
    }
    return NULL;
}

const char *leat_comparison_role(const struct leat_comparison *comparison, const struct leat_roles *roles,
                                 const struct leat_comparison_row *row)
{
    if (strcmp(row->model, comparison->function->model_name) != 0)
        return "fallback";
    if (row->version == roles->champion.version)
        return "champion";
    for (size_t i = 0; i < roles->shadow_count; i++)
        if (row->version == roles->shadows[i].version)
            return "shadow";
    return row->version == roles->previous.version ? "previous" : "";
}

/* -- for people ---------------------------------------------------------------------------------------------------- */

static const char *const metric_titles[LEAT_QUALITY_METRICS] = {"log loss", "AUC", "Brier", "top 10 %"};

static int digits_of(enum leat_quality_metric metric)
{
    return metric == LEAT_QUALITY_AUC || metric == LEAT_QUALITY_PRECISION ? 3 : 4;
}

/* "0.4042 [0.3980, 0.4110]", with a sign when it is a difference. */
static void put_estimate(struct leat_buffer *out, const struct leat_estimate *estimate, int digits, bool sign)
{
    char numbers[3][40];
    const double values[3] = {estimate->value, estimate->low, estimate->high};
    if (isnan(estimate->value)) {
        leat_buffer_append_text(out, "-");
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (sign)
            snprintf(numbers[i], sizeof numbers[i], "%+.*f", digits, values[i]);
        else
            snprintf(numbers[i], sizeof numbers[i], "%.*f", digits, values[i]);
    }
    leat_buffer_append_text(out, numbers[0]);
    if (!isnan(estimate->low))
        leat_buffer_format(out, " [%s, %s]", numbers[1], numbers[2]);
}

void leat_comparison_put_difference(const struct leat_comparison *comparison, const struct leat_comparison_row *row,
                                    struct leat_buffer *out)
{
    const struct leat_quality_difference *difference = &row->difference;
    char events[32];
    leat_buffer_format(out, "%s/%u less %s/%u, on the same %s labelled events (resampling %zu %s):", row->model,
                       row->version, row->model, comparison->plan.baseline, leat_grouped(difference->count, events),
                       difference->block_count, leat_quality_blocks_name(difference->blocks));
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++) {
        if (isnan(difference->metrics[m].value))
            continue;
        leat_buffer_format(out, "\n  %-9s ", metric_titles[m]);
        put_estimate(out, &difference->metrics[m], digits_of((enum leat_quality_metric)m) + 1, true);
        leat_buffer_format(out, "  %s", leat_verdict_name(difference->verdicts[m]));
    }
}

static void print_counts(const struct leat_comparison *comparison)
{
    const uint64_t *counts = comparison->labels.decisions;
    char number[32], first[32], last[32], wait[32];
    leat_duration_format(comparison->function->labels.wait, wait);
    printf("%s: %s decisions", comparison->function->name, leat_grouped(comparison->decisions, number));
    if (comparison->decisions > 0)
        printf(" from %s to %s", leat_govern_time_text(comparison->first, first),
               leat_govern_time_text(comparison->last, last));
    printf("\n  %s with a label", leat_grouped(counts[LEAT_LABEL_FOUND], number));
    static const struct {
        enum leat_label_status status;
        const char *text;
    } others[] = {
        {LEAT_LABEL_PENDING, "may still get one"},
        {LEAT_LABEL_MISSING, "without"},
        {LEAT_LABEL_LATE, "with one that came too late"},
        {LEAT_LABEL_NO_KEY, "without a join key"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (counts[others[i].status] > 0)
            printf(", %s %s", leat_grouped(counts[others[i].status], number), others[i].text);
    printf(" (labels.wait: %s)\n", comparison->function->labels.wait > 0 ? wait : "for ever");
    if (counts[LEAT_LABEL_REPEATED] > 0)
        printf("  %s repeated records counted once\n", leat_grouped(counts[LEAT_LABEL_REPEATED], number));
    if (comparison->labels.conflicts > 0)
        printf("  %s labels contradict the first one of their key, which counts\n",
               leat_grouped(comparison->labels.conflicts, number));
    if (comparison->unreadable > 0)
        printf("  %s records are no decisions\n", leat_grouped(comparison->unreadable, number));
    if (comparison->unread > 0)
        printf("  %s labels could not be read\n", leat_grouped(comparison->unread, number));
}

static void print_row(const struct leat_comparison *comparison, const struct leat_roles *roles,
                      const struct leat_comparison_row *row)
{
    const struct leat_quality *quality = &row->quality;
    LEAT_CLEAN_BUFFER text = {0};
    char name[64], count[32];
    snprintf(name, sizeof name, "%.48s/%u", row->model, row->version);
    leat_buffer_format(&text, "%-20s %-9s %9s", name, leat_comparison_role(comparison, roles, row),
                       leat_grouped(quality->count, count));
    if (quality->count > 0)
        leat_buffer_format(&text, " %6.3f %6.3f", quality->label_rate, quality->mean_score);
    for (int m = 0; quality->count > 0 && m < LEAT_QUALITY_METRICS; m++) {
        LEAT_CLEAN_BUFFER cell = {0};
        put_estimate(&cell, &quality->metrics[m], digits_of((enum leat_quality_metric)m), false);
        leat_buffer_format(&text, "  %-*s", m == LEAT_QUALITY_LOG_LOSS || m == LEAT_QUALITY_BRIER ? 23 : 20,
                           leat_buffer_text(&cell));
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    puts(leat_buffer_text(&text));
}

void leat_comparison_print(const struct leat_comparison *comparison, const struct leat_roles *roles)
{
    print_counts(comparison);
    if (comparison->row_count == 0) {
        puts("\nno version has scored any of them");
        return;
    }
    printf("\n%-20s %-9s %9s %6s %6s  %-23s  %-20s  %-23s  %s\n", "version", "role", "labelled", "rate", "mean",
           "log loss", "AUC", "Brier", "top 10 %");
    for (size_t i = 0; i < comparison->row_count; i++)
        print_row(comparison, roles, &comparison->rows[i]);
    const uint32_t named[] = {comparison->plan.baseline, comparison->plan.only};
    for (size_t i = 0; i < 2 && comparison->plan.only > 0; i++)
        if (!leat_comparison_find(comparison, NULL, named[i]))
            printf("\n%s/%u has scored none of them\n", comparison->function->model_name, named[i]);
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct leat_comparison_row *row = &comparison->rows[i];
        LEAT_CLEAN_BUFFER text = {0};
        if (!row->compared)
            continue;
        leat_comparison_put_difference(comparison, row, &text);
        printf("\n%s\n  verdict: %s/%u is %s\n", leat_buffer_text(&text), row->model, row->version,
               leat_verdict_name(row->difference.verdict));
    }
}

/* -- for scripts and the record ------------------------------------------------------------------------------------ */

static void put_number(struct leat_buffer *out, const char *name, double number)
{
    leat_buffer_format(out, ",\"%s\":", name);
    leat_json_put_double(out, number);
}

static void put_count(struct leat_buffer *out, const char *name, uint64_t count)
{
    leat_buffer_format(out, ",\"%s\":%llu", name, (unsigned long long)count);
}

static void put_metrics(struct leat_buffer *out, const struct leat_estimate *metrics)
{
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++) {
        leat_buffer_format(out, ",\"%s\":{\"value\":", leat_quality_metric_name((enum leat_quality_metric)m));
        leat_json_put_double(out, metrics[m].value);
        leat_buffer_append_text(out, ",\"interval\":[");
        leat_json_put_double(out, metrics[m].low);
        leat_buffer_append_char(out, ',');
        leat_json_put_double(out, metrics[m].high);
        leat_buffer_append_text(out, "]}");
    }
}

static void put_quality(struct leat_buffer *out, const struct leat_quality *quality)
{
    put_count(out, "labelled", quality->count);
    put_count(out, "positives", quality->positives);
    put_number(out, "label_rate", quality->label_rate);
    put_number(out, "mean_score", quality->mean_score);
    put_metrics(out, quality->metrics);
}

/* "difference":{…} */
static void put_difference(struct leat_buffer *out, uint32_t baseline, const struct leat_quality_difference *difference)
{
    leat_buffer_format(out, ",\"difference\":{\"to\":%u,\"labelled\":%zu,\"resampled\":\"%s\",\"blocks\":%zu", baseline,
                       difference->count, leat_quality_blocks_name(difference->blocks), difference->block_count);
    put_metrics(out, difference->metrics);
    leat_buffer_format(out, ",\"verdict\":\"%s\"}", leat_verdict_name(difference->verdict));
}

static void put_time(struct leat_buffer *out, const char *name, int64_t time)
{
    char text[32];
    leat_buffer_format(out, ",\"%s\":", name);
    if (time == LEAT_TIME_NONE) {
        leat_buffer_append_text(out, "null");
        return;
    }
    leat_time_format(time, text);
    leat_json_put_string(out, leat_bytes_of(text));
}

static void put_head(const struct leat_comparison *comparison, struct leat_buffer *out)
{
    const uint64_t *counts = comparison->labels.decisions;
    leat_buffer_format(out, "{\"decisions\":%llu", (unsigned long long)comparison->decisions);
    put_time(out, "first", comparison->first);
    put_time(out, "last", comparison->last);
    put_count(out, "labelled", counts[LEAT_LABEL_FOUND]);
    put_count(out, "pending", counts[LEAT_LABEL_PENDING]);
    put_count(out, "missing", counts[LEAT_LABEL_MISSING]);
    put_count(out, "late", counts[LEAT_LABEL_LATE]);
}

void leat_comparison_put_evidence(const struct leat_comparison *comparison, uint32_t version, struct leat_buffer *out)
{
    const struct leat_comparison_row *row = leat_comparison_find(comparison, NULL, version);
    put_head(comparison, out);
    if (row) {
        leat_buffer_format(out, ",\"version\":{\"number\":%u", row->version);
        put_quality(out, &row->quality);
        leat_buffer_append_char(out, '}');
    }
    if (row && row->compared)
        put_difference(out, comparison->plan.baseline, &row->difference);
    leat_buffer_append_char(out, '}');
}

void leat_comparison_put(const struct leat_comparison *comparison, const struct leat_roles *roles,
                         struct leat_buffer *out)
{
    const uint64_t *counts = comparison->labels.decisions;
    put_head(comparison, out);
    put_count(out, "without_key", counts[LEAT_LABEL_NO_KEY]);
    put_count(out, "repeated", counts[LEAT_LABEL_REPEATED]);
    put_count(out, "unreadable", comparison->unreadable);
    put_count(out, "labels", comparison->labels.labels);
    put_count(out, "labels_repeated", comparison->labels.repeats);
    put_count(out, "labels_contradicting", comparison->labels.conflicts);
    put_count(out, "labels_unreadable", comparison->unread);
    leat_buffer_append_text(out, ",\"versions\":[");
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct leat_comparison_row *row = &comparison->rows[i];
        leat_buffer_append_text(out, i ? ",{\"model\":" : "{\"model\":");
        leat_json_put_string(out, leat_bytes_of(row->model));
        leat_buffer_format(out, ",\"version\":%u,\"role\":\"%s\"", row->version,
                           leat_comparison_role(comparison, roles, row));
        put_count(out, "served", row->served);
        put_count(out, "watched", row->watched);
        put_quality(out, &row->quality);
        if (row->compared)
            put_difference(out, comparison->plan.baseline, &row->difference);
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_text(out, "]}");
}
