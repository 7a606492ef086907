/* The table of metrics, and their text. Each row says where its numbers lie in a worker's block and how those of several
 * workers become one; nothing else knows the names. */
#include "observe/metrics.h"

#include "base/json.h"
#include "base/time.h"

#include <stddef.h>
#include <string.h>

struct rendering {
    const struct leat_function *function;
    const struct leat_metrics *const *workers;
    size_t count;
    int64_t now;
    struct leat_buffer *out;
};

enum merge { MERGE_SUM, MERGE_MIN, MERGE_MAX };

struct metric {
    struct leat_metrics_help help;
    void (*render)(const struct rendering *rendering, const struct metric *metric);
    size_t offset;       /* in struct leat_metrics */
    size_t first, count; /* of an array with one label */
    const char *(*label)(const struct leat_function *function, size_t index);
    enum merge merge;
    double unit; /* what one of the block's is in the metric's unit; 0: 1 */
    bool since;  /* the metric is now less the gauge */
};

void leat_metrics_init(struct leat_metrics *metrics)
{
    *metrics = (struct leat_metrics){0};
    for (size_t s = 0; s < LEAT_SOURCES_MAX; s++)
        metrics->source_age[s] = LEAT_GAUGE_NONE;
    metrics->watermark = metrics->model_trained_at = LEAT_GAUGE_NONE;
}

/* -- counting ------------------------------------------------------------------------------------------------------ */

uint64_t *leat_metrics_version(struct leat_metrics *metrics, const char *model, uint32_t version, const char *role)
{
    for (uint32_t i = 0; i < metrics->version_count; i++) {
        struct leat_metrics_version *known = &metrics->versions[i];
        if (known->version == version && strncmp(known->model, model, sizeof known->model - 1) == 0 &&
            strcmp(known->role, role) == 0)
            return &known->scores;
    }
    if (metrics->version_count == LEAT_METRICS_VERSIONS_MAX)
        return NULL;
    struct leat_metrics_version *fresh = &metrics->versions[metrics->version_count];
    *fresh = (struct leat_metrics_version){.version = version};
    size_t len = strnlen(model, sizeof fresh->model - 1);
    memcpy(fresh->model, model, len);
    len = strnlen(role, sizeof fresh->role - 1);
    memcpy(fresh->role, role, len);
    /* A reader that sees the count sees the entry. */
    __atomic_store_n(&metrics->version_count, metrics->version_count + 1, __ATOMIC_RELEASE);
    return &fresh->scores;
}

static void count_version(struct leat_metrics *metrics, const struct leat_bound *bound, const char *role)
{
    const struct leat_version *version = leat_bound_version(bound);
    uint64_t *scores = leat_metrics_version(metrics, version->name, version->number, role);
    if (scores)
        leat_metrics_add(scores, 1);
}

void leat_metrics_result(struct leat_metrics *metrics, const struct leat_result *result)
{
    enum leat_metrics_result what = result->withheld ? LEAT_EVENT_WITHHELD : LEAT_EVENT_SCORED;
    if (result->reason.stage != LEAT_STAGE_NONE) {
        what = LEAT_EVENT_DEAD;
        leat_metrics_add(&metrics->dead_letters[result->reason.stage], 1);
    }
    leat_metrics_add(&metrics->events[what], 1);
    for (uint32_t marks = result->marks; marks; marks &= marks - 1)
        leat_metrics_add(&metrics->marks[__builtin_ctz(marks)], 1);
    for (uint64_t slow = result->slow_sources; slow; slow &= slow - 1)
        leat_metrics_add(&metrics->source_slow[__builtin_ctzll(slow)], 1);
    for (uint64_t stale = result->stale_sources; stale; stale &= stale - 1)
        leat_metrics_add(&metrics->source_stale[__builtin_ctzll(stale)], 1);
    if (result->bound)
        count_version(metrics, result->bound, result->role);
    for (size_t i = 0; i < result->shadow_count; i++)
        count_version(metrics, result->shadows[i].bound, "shadow");
}

/* -- the text ------------------------------------------------------------------------------------------------------ */

static void put_label_value(struct leat_buffer *out, const char *text)
{
    leat_buffer_append_char(out, '"');
    for (; *text; text++) {
        if (*text == '\n')
            leat_buffer_append_text(out, "\\n");
        else if (*text == '"' || *text == '\\')
            leat_buffer_format(out, "\\%c", *text);
        else
            leat_buffer_append_char(out, *text);
    }
    leat_buffer_append_char(out, '"');
}

/* name{function="…",label="…"; the caller closes it. */
static void put_series(const struct rendering *rendering, const char *name, const char *suffix, const char *label,
                       const char *value)
{
    struct leat_buffer *out = rendering->out;
    leat_buffer_format(out, "%s%s{function=", name, suffix);
    put_label_value(out, rendering->function->name);
    if (!label)
        return;
    leat_buffer_format(out, ",%s=", label);
    put_label_value(out, value);
}

static void put_number(struct leat_buffer *out, double number)
{
    char text[32];
    leat_double_format(number, text);
    leat_buffer_format(out, "} %s\n", text);
}

static uint64_t load(const struct leat_metrics *worker, size_t offset, size_t index)
{
    const uint64_t *at = (const uint64_t *)(const void *)((const char *)worker + offset) + index;
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void render_counters(const struct rendering *rendering, const struct metric *metric)
{
    for (size_t i = metric->first; i < metric->first + metric->count; i++) {
        const char *label = metric->label ? metric->label(rendering->function, i) : NULL;
        if (metric->label && !label)
            continue;
        uint64_t sum = 0;
        for (size_t w = 0; w < rendering->count; w++)
            sum += load(rendering->workers[w], metric->offset, i);
        put_series(rendering, metric->help.name, "", label ? metric->help.labels : NULL, label);
        leat_buffer_format(rendering->out, "} %llu\n", (unsigned long long)sum);
    }
}

static bool merge_gauge(const struct rendering *rendering, const struct metric *metric, size_t index, int64_t *ret)
{
    bool any = false;
    int64_t merged = 0;
    for (size_t w = 0; w < rendering->count; w++) {
        int64_t value = (int64_t)load(rendering->workers[w], metric->offset, index);
        if (value == LEAT_GAUGE_NONE)
            continue;
        bool replaces = !any || (metric->merge == MERGE_MIN && value < merged) ||
                        (metric->merge == MERGE_MAX && value > merged);
        merged = metric->merge == MERGE_SUM ? merged + value : replaces ? value : merged;
        any = true;
    }
    *ret = merged;
    return any;
}

static void render_gauges(const struct rendering *rendering, const struct metric *metric)
{
    for (size_t i = metric->first; i < metric->first + metric->count; i++) {
        const char *label = metric->label ? metric->label(rendering->function, i) : NULL;
        int64_t value;
        if ((metric->label && !label) || !merge_gauge(rendering, metric, i, &value))
            continue;
        if (metric->since)
            value = rendering->now - value;
        put_series(rendering, metric->help.name, "", label ? metric->help.labels : NULL, label);
        put_number(rendering->out, metric->unit > 0 ? (double)value / metric->unit : (double)value);
    }
}

static void render_histogram(const struct rendering *rendering, const struct metric *metric)
{
    static const uint64_t edges_us[] = {1,      2,      5,       10,      25,      50,       100,      250,
                                        500,    1000,   2500,    5000,    10000,   25000,    50000,    100000,
                                        250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000};
    struct leat_histogram merged = {0};
    struct leat_buffer *out = rendering->out;
    for (size_t w = 0; w < rendering->count; w++)
        leat_histogram_merge(&merged, (const struct leat_histogram *)(const void *)((const char *)rendering->workers[w] +
                                                                                    metric->offset));
    for (size_t i = 0; i < sizeof edges_us / sizeof edges_us[0]; i++) {
        char edge[32];
        leat_double_format((double)edges_us[i] / 1e6, edge);
        put_series(rendering, metric->help.name, "_bucket", "le", edge);
        leat_buffer_format(out, "} %llu\n", (unsigned long long)leat_histogram_below(&merged, edges_us[i] * 1000));
    }
    put_series(rendering, metric->help.name, "_bucket", "le", "+Inf");
    leat_buffer_format(out, "} %llu\n", (unsigned long long)merged.count);
    put_series(rendering, metric->help.name, "_sum", NULL, NULL);
    put_number(out, (double)merged.sum_ns / 1e9);
    put_series(rendering, metric->help.name, "_count", NULL, NULL);
    leat_buffer_format(out, "} %llu\n", (unsigned long long)merged.count);
}

static bool same_version(const struct leat_metrics_version *a, const struct leat_metrics_version *b)
{
    return a->version == b->version && strcmp(a->model, b->model) == 0 && strcmp(a->role, b->role) == 0;
}

/* The scores of one version over all workers from `from` on; true when an earlier worker has told of it already. */
static bool sum_version(const struct rendering *rendering, size_t from, const struct leat_metrics_version *version,
                        uint64_t *ret)
{
    *ret = 0;
    for (size_t w = 0; w < rendering->count; w++) {
        const struct leat_metrics *worker = rendering->workers[w];
        uint32_t known = __atomic_load_n(&worker->version_count, __ATOMIC_ACQUIRE);
        for (uint32_t i = 0; i < known; i++) {
            if (!same_version(&worker->versions[i], version))
                continue;
            if (w < from)
                return true;
            *ret += __atomic_load_n(&worker->versions[i].scores, __ATOMIC_RELAXED);
        }
    }
    return false;
}

static void render_versions(const struct rendering *rendering, const struct metric *metric)
{
    for (size_t w = 0; w < rendering->count; w++) {
        const struct leat_metrics *worker = rendering->workers[w];
        uint32_t known = __atomic_load_n(&worker->version_count, __ATOMIC_ACQUIRE);
        for (uint32_t i = 0; i < known; i++) {
            const struct leat_metrics_version *version = &worker->versions[i];
            uint64_t scores;
            if (sum_version(rendering, w, version, &scores))
                continue;
            put_series(rendering, metric->help.name, "", "model", version->model);
            leat_buffer_format(rendering->out, ",version=\"%u\",role=", version->version);
            put_label_value(rendering->out, version->role);
            leat_buffer_format(rendering->out, "} %llu\n", (unsigned long long)scores);
        }
    }
}

static void render_workers(const struct rendering *rendering, const struct metric *metric)
{
    put_series(rendering, metric->help.name, "", NULL, NULL);
    leat_buffer_format(rendering->out, "} %zu\n", rendering->count);
}

static void render_build(const struct rendering *rendering, const struct metric *metric)
{
    put_series(rendering, metric->help.name, "", "version", LEAT_VERSION);
    leat_buffer_append_text(rendering->out, "} 1\n");
}

/* -- the table ----------------------------------------------------------------------------------------------------- */

static const char *result_label(const struct leat_function *function, size_t index)
{
    static const char *const names[LEAT_EVENT_RESULTS] = {"scored", "withheld", "dead_letter", "filtered", "replayed"};
    (void)function;
    return names[index];
}

static const char *stage_label(const struct leat_function *function, size_t index)
{
    (void)function;
    return leat_stage_name((enum leat_stage)index);
}

static const char *mark_label(const struct leat_function *function, size_t index)
{
    (void)function;
    return leat_mark_name((enum leat_mark)(1u << index));
}

static const char *source_label(const struct leat_function *function, size_t index)
{
    return index < function->source_count ? function->sources[index].name : NULL;
}

#define COUNTER(name, labels, text) .help = {name, LEAT_METRIC_COUNTER, labels, text}, .render = render_counters
#define GAUGE(name, labels, text) .help = {name, LEAT_METRIC_GAUGE, labels, text}, .render = render_gauges
#define HISTOGRAM(name, text) .help = {name, LEAT_METRIC_HISTOGRAM, "", text}, .render = render_histogram
#define AT(member) .offset = offsetof(struct leat_metrics, member)

static const struct metric metrics[] = {
    {COUNTER("leat_events_total", "result",
             "Input events by what became of them: scored (its output was produced), withheld (recorded only), "
             "dead_letter, filtered, replayed (into state only, after a start)."),
     AT(events), .count = LEAT_EVENT_RESULTS, .label = result_label},
    {COUNTER("leat_dead_letters_total", "stage",
             "Records of any source that became dead letters, by the stage that failed."),
     AT(dead_letters), .first = 1, .count = LEAT_STAGE_COUNT - 1, .label = stage_label},
    {COUNTER("leat_marks_total", "mark", "Marks on results. One result may carry several."), AT(marks),
     .count = LEAT_MARK_COUNT, .label = mark_label},
    {.help = {"leat_scores_total", LEAT_METRIC_COUNTER, "model, version, role",
              "Scores given, by version and by the role in which it gave them."},
     .render = render_versions},
    {COUNTER("leat_source_records_total", "source", "Records read, by source."), AT(source_records),
     .count = LEAT_SOURCES_MAX, .label = source_label},
    {COUNTER("leat_source_slow_events_total", "source",
             "Events for which a source's clock was further behind than its freshness.warn_after."),
     AT(source_slow), .first = 1, .count = LEAT_SOURCES_MAX - 1, .label = source_label},
    {COUNTER("leat_source_stale_events_total", "source",
             "Events for which a source's clock was further behind than its freshness.error_after."),
     AT(source_stale), .first = 1, .count = LEAT_SOURCES_MAX - 1, .label = source_label},
    {COUNTER("leat_source_dead_letters_total", "source",
             "Records of streams and tables that could not be used and became dead letters."),
     AT(source_dead), .first = 1, .count = LEAT_SOURCES_MAX - 1, .label = source_label},
    {COUNTER("leat_batches_total", "", "Batches scored. Events by batches is the mean size."), AT(batches), .count = 1},
    {HISTOGRAM("leat_scoring_seconds", "From decode to encode, in the process; the batch's time shared by its events."),
     AT(scoring)},
    {HISTOGRAM("leat_turnaround_seconds", "From a record's being read to its output's being acknowledged."),
     AT(turnaround)},
    {HISTOGRAM("leat_end_to_end_seconds", "From a record's timestamp to its output's being acknowledged."),
     AT(end_to_end)},
    {COUNTER("leat_commits_total", "", "Commits of input offsets that the broker acknowledged."), AT(commits),
     .count = 1},
    {COUNTER("leat_commit_failures_total", "", "Commits of input offsets that failed; they are tried again."),
     AT(commit_failures), .count = 1},
    {COUNTER("leat_lineup_switches_total", "", "Changes of the lineup that took effect, one a partition."),
     AT(switches), .count = 1},
    {HISTOGRAM("leat_lineup_switch_seconds", "How long a change of the lineup kept events waiting."), AT(switching)},
    {COUNTER("leat_versions_refused_total", "", "Versions that a worker could not load, and so did not switch to."),
     AT(version_refused), .count = 1},
    {GAUGE("leat_source_age_seconds", "source",
           "How far a source's clock is behind the input's, in event time: the worst of the workers."),
     AT(source_age), .first = 1, .count = LEAT_SOURCES_MAX - 1, .label = source_label, .merge = MERGE_MAX, .unit = 1e6},
    {GAUGE("leat_watermark_lag_seconds", "",
           "Now less the largest event time seen in the input: the slowest partition of all workers."),
     AT(watermark), .count = 1, .merge = MERGE_MIN, .unit = 1e6, .since = true},
    {GAUGE("leat_model_age_seconds", "", "Now less the end of what the champion was trained on."), AT(model_trained_at),
     .count = 1, .merge = MERGE_MIN, .unit = 1e6, .since = true},
    {GAUGE("leat_partitions", "", "Input partitions assigned to this process."), AT(partitions), .count = 1},
    {GAUGE("leat_state_keys", "", "Keys that windows hold."), AT(state_keys), .count = 1},
    {GAUGE("leat_state_events", "", "Events that windows hold."), AT(state_events), .count = 1},
    {GAUGE("leat_state_bytes", "", "Memory that windows and tables take."), AT(state_bytes), .count = 1},
    {COUNTER("leat_state_dropped_total", "", "Events that a window's bound dropped; results that miss them are marked."),
     AT(state_dropped), .count = 1},
    {.help = {"leat_workers", LEAT_METRIC_GAUGE, "", "Workers of this process."}, .render = render_workers},
    {.help = {"leat_build_info", LEAT_METRIC_GAUGE, "version", "Always 1; the program's version is a label."},
     .render = render_build},
};
#define METRIC_COUNT (sizeof metrics / sizeof metrics[0])

void leat_metrics_render(const struct leat_function *function, const struct leat_metrics *const *workers, size_t count,
                         int64_t now, struct leat_buffer *out)
{
    struct rendering rendering = {function, workers, count, now, out};
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct leat_metrics_help *help = &metrics[i].help;
        leat_buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", help->name, help->help, help->name,
                           leat_metrics_type_name(help->type));
        metrics[i].render(&rendering, &metrics[i]);
    }
}

const struct leat_metrics_help *leat_metrics_row(size_t index)
{
    return index < METRIC_COUNT ? &metrics[index].help : NULL;
}

const char *leat_metrics_type_name(enum leat_metrics_type type)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    return names[type];
}
