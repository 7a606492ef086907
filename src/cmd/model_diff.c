/* leat model diff: two versions side by side: what they are, what they read, what they were told to be worth, and how
 * they score each other's parity rows. */
#include "cmd/model.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "model/row.h"
#include "registry/versions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct side {
    const char *name;
    uint32_t number;
    char label[160]; /* "fraud/3" */
    struct leat_version *version;
    const struct leat_model_info *info;
};

struct diff {
    struct side a, b;
    const char *root;
    bool json;
    int width; /* of the column of a */
    struct leat_buffer out;
};

/* ---- which two ---- */

/* "fraud/3", or "fraud" for its newest version */
static int parse_label(const char *root, const char *text, struct leat_arena *arena, struct side *ret,
                       struct leat_error *err)
{
    const char *slash = strrchr(text, '/');
    int64_t number;
    if (slash == NULL && leat_int_parse(leat_bytes_of(text), &number) == 0)
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s': NAME or NAME/NUMBER belongs there, or NAME A B", text);
    ret->name = text;
    if (slash == NULL)
        return leat_newest_version(root, text, &ret->number, err);
    ret->name = leat_arena_copy(arena, text, (size_t)(slash - text));
    return leat_parse_version(slash + 1, &ret->number, err);
}

static int parse_sides(struct diff *diff, const struct leat_arguments *arguments, struct leat_arena *arena,
                       struct leat_error *err)
{
    const char *const *given = arguments->positional;
    if (arguments->positional_count == 2)
        return parse_label(diff->root, given[0], arena, &diff->a, err) != 0
                   ? -1
                   : parse_label(diff->root, given[1], arena, &diff->b, err);
    diff->a.name = diff->b.name = given[0];
    return leat_parse_version(given[1], &diff->a.number, err) != 0 ? -1
                                                                   : leat_parse_version(given[2], &diff->b.number, err);
}

static int load_side(const struct diff *diff, struct side *side, struct leat_error *err)
{
    snprintf(side->label, sizeof side->label, "%.120s/%u", side->name, side->number);
    if (leat_registry_load(diff->root, side->name, side->number, &side->version, err) != 0)
        return -1;
    side->info = leat_model_info(side->version->model);
    return 0;
}

/* ---- facts ---- */

#define WIDTH_MIN 34
#define WIDTH_MAX 60

/* As wide as the longest of its texts. */
static int width_of(const struct side *a)
{
    const char *const texts[] = {a->label, a->version->digest, a->info->format, a->info->objective, a->info->kernel};
    size_t width = WIDTH_MIN;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]);
        width = len > width ? len : width;
    }
    return width > WIDTH_MAX ? WIDTH_MAX : (int)width;
}

static void put_fact(struct diff *diff, const char *name, const char *a, const char *b)
{
    if (!diff->json) {
        printf("%-14s %-*s %s%s\n", name, diff->width, a, b, strcmp(a, b) == 0 ? "" : "  *");
        return;
    }
    leat_put_name(&diff->out, name);
    leat_buffer_append_char(&diff->out, '[');
    leat_json_put_string(&diff->out, leat_bytes_of(a));
    leat_buffer_append_text(&diff->out, ", ");
    leat_json_put_string(&diff->out, leat_bytes_of(b));
    leat_buffer_append_char(&diff->out, ']');
}

static void put_sizes(struct diff *diff, const char *name, size_t a, size_t b)
{
    char texts[2][32];
    snprintf(texts[0], sizeof texts[0], "%zu", a);
    snprintf(texts[1], sizeof texts[1], "%zu", b);
    put_fact(diff, name, texts[0], texts[1]);
}

static void number_text(double number, char ret[32])
{
    if (isnan(number))
        strcpy(ret, "-");
    else
        leat_double_format(number, ret);
}

static void put_numbers(struct diff *diff, const char *name, double a, double b)
{
    char texts[2][32];
    number_text(a, texts[0]);
    number_text(b, texts[1]);
    put_fact(diff, name, texts[0], texts[1]);
}

static void put_times(struct diff *diff, const char *name, int64_t a, int64_t b)
{
    char texts[2][32];
    leat_show_time(a, texts[0]);
    leat_show_time(b, texts[1]);
    put_fact(diff, name, texts[0], texts[1]);
}

static double metric_of(const struct side *side, const char *name)
{
    for (size_t i = 0; i < side->version->metric_count; i++)
        if (strcmp(side->version->metrics[i].name, name) == 0)
            return side->version->metrics[i].value;
    return (double)NAN;
}

/* Those of a, then those that only b has. */
static void put_metrics(struct diff *diff)
{
    char name[80];
    for (size_t i = 0; i < diff->a.version->metric_count; i++) {
        const struct leat_metric *metric = &diff->a.version->metrics[i];
        snprintf(name, sizeof name, "metric %.60s", metric->name);
        put_numbers(diff, name, metric->value, metric_of(&diff->b, metric->name));
    }
    for (size_t i = 0; i < diff->b.version->metric_count; i++) {
        const struct leat_metric *metric = &diff->b.version->metrics[i];
        snprintf(name, sizeof name, "metric %.60s", metric->name);
        if (isnan(metric_of(&diff->a, metric->name)))
            put_numbers(diff, name, (double)NAN, metric->value);
    }
}

static void put_facts(struct diff *diff)
{
    const struct side *a = &diff->a;
    const struct side *b = &diff->b;
    put_fact(diff, "digest", a->version->digest, b->version->digest);
    put_fact(diff, "format", a->info->format, b->info->format);
    put_fact(diff, "objective", a->info->objective, b->info->objective);
    put_fact(diff, "kernel", a->info->kernel, b->info->kernel);
    put_sizes(diff, "trees", a->info->tree_count, b->info->tree_count);
    put_sizes(diff, "nodes", a->info->node_count, b->info->node_count);
    put_sizes(diff, "memory_bytes", a->info->bytes, b->info->bytes);
    put_sizes(diff, "outputs", a->info->output_count, b->info->output_count);
    put_sizes(diff, "classes", a->info->class_count, b->info->class_count);
    put_times(diff, "trained_at", a->version->trained_at, b->version->trained_at);
    put_times(diff, "added_at", a->version->added_at, b->version->added_at);
    put_numbers(diff, "threshold", a->version->threshold, b->version->threshold);
    put_sizes(diff, "parity_rows", a->version->parity_rows, b->version->parity_rows);
    put_metrics(diff);
}

/* ---- features ---- */

static struct leat_map *names_of(const struct side *side)
{
    struct leat_map *map = leat_map_new();
    for (size_t i = 0; i < side->version->feature_count; i++)
        *leat_map_put(map, leat_bytes_of(side->version->feature_names[i]), NULL) = i;
    return map;
}

/* Those of `side` that are not in `other`: "a, b", or as elements of a JSON array. */
static size_t put_only(const struct side *side, const struct leat_map *other, bool json, struct leat_buffer *out)
{
    size_t count = 0;
    for (size_t i = 0; i < side->version->feature_count; i++) {
        struct leat_bytes name = leat_bytes_of(side->version->feature_names[i]);
        if (leat_map_find(other, name) != NULL)
            continue;
        leat_buffer_append_text(out, count++ == 0 ? "" : ", ");
        if (json)
            leat_json_put_string(out, name);
        else
            leat_buffer_append(out, name.data, name.len);
    }
    return count;
}

static bool same_order(const struct diff *diff)
{
    const struct leat_version *a = diff->a.version;
    const struct leat_version *b = diff->b.version;
    for (size_t i = 0; i < a->feature_count && i < b->feature_count; i++)
        if (strcmp(a->feature_names[i], b->feature_names[i]) != 0)
            return false;
    return true;
}

/* How many they have in common. */
static size_t put_features(struct diff *diff, const struct leat_map *of_a, const struct leat_map *of_b)
{
    LEAT_CLEAN_BUFFER only_a = {0};
    LEAT_CLEAN_BUFFER only_b = {0};
    size_t gone = put_only(&diff->a, of_b, diff->json, &only_a);
    size_t added = put_only(&diff->b, of_a, diff->json, &only_b);
    size_t common = diff->a.version->feature_count - gone;
    if (diff->json) {
        leat_put_count(&diff->out, "features_in_common", common);
        leat_buffer_format(&diff->out, ", \"features_only\": [[%s], [%s]]", leat_buffer_text(&only_a),
                           leat_buffer_text(&only_b));
        return common;
    }
    printf("features       %zu in common", common);
    printf(gone + added == 0 && !same_order(diff) ? ", in another order\n" : "\n");
    if (gone > 0)
        printf("  only %s: %s\n", diff->a.label, leat_buffer_text(&only_a));
    if (added > 0)
        printf("  only %s: %s\n", diff->b.label, leat_buffer_text(&only_b));
    return common;
}

/* ---- parity rows ---- */

struct scores {
    size_t rows;
    size_t unscored;     /* that a version refuses, or answers with no finite number */
    double sum, largest; /* of the differences */
    size_t largest_line;
    double at_a, at_b;
};

/* The row as a version reads it: without the features that it does not know. */
static int read_known(const struct leat_row_names *names, const struct leat_json *features, double *ret,
                      struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_json_document *document = NULL;
    if (features->type != LEAT_JSON_OBJECT)
        return leat_row_read(names, features, ret, err);
    leat_buffer_append_char(&text, '{');
    for (uint32_t i = 0; i < features->count; i++) {
        const struct leat_json_member *member = &features->as.members[i];
        if (!leat_row_knows(names, member->name))
            continue;
        leat_buffer_append_text(&text, text.len == 1 ? "" : ",");
        leat_json_put_string(&text, member->name);
        leat_buffer_append_char(&text, ':');
        leat_json_put(&text, &member->value);
    }
    leat_buffer_append_char(&text, '}');
    if (leat_json_parse(leat_buffer_view(&text), LEAT_JSON_NONFINITE, &document, err) != 0)
        return -1;
    int status = leat_row_read(names, leat_json_root(document), ret, err);
    leat_json_free(document);
    return status;
}

struct scorer {
    const struct leat_model *model;
    struct leat_row_names names;
    struct leat_answer answer;
    double *row, *out, *raw;
    void *scratch;
};

static void scorer_init(struct scorer *ret, const struct side *side, struct leat_answer answer)
{
    *ret = (struct scorer){.model = side->version->model, .answer = answer};
    leat_row_names_init(&ret->names, ret->model, side->version->feature_names);
    ret->row = leat_calloc(side->info->feature_count + 1, sizeof *ret->row);
    ret->out = leat_calloc(side->info->output_count + 1, sizeof *ret->out);
    ret->raw = leat_calloc(side->info->raw_count + 1, sizeof *ret->raw);
    ret->scratch = leat_model_scratch_new(ret->model, 1);
}

static void scorer_done(struct scorer *scorer)
{
    leat_row_names_done(&scorer->names);
    free(scorer->row);
    free(scorer->out);
    free(scorer->raw);
    free(scorer->scratch);
}

static int score(struct scorer *scorer, const struct leat_json *features, double *ret)
{
    struct leat_error err = {0};
    if (read_known(&scorer->names, features, scorer->row, &err) != 0)
        return -1;
    leat_model_predict(scorer->model, scorer->row, scorer->names.count, 1, scorer->out, scorer->raw, scorer->scratch);
    *ret = leat_model_answer(scorer->model, scorer->answer, scorer->out, scorer->raw);
    return 0;
}

static void compare_row(struct scorer *a, struct scorer *b, const struct leat_json *features, size_t line,
                        struct scores *ret)
{
    double at_a;
    double at_b;
    ret->rows++;
    if (features == NULL || score(a, features, &at_a) != 0 || score(b, features, &at_b) != 0 || !isfinite(at_a - at_b)) {
        ret->unscored++;
        return;
    }
    double difference = fabs(at_a - at_b);
    ret->sum += difference;
    if (ret->largest_line != 0 && !(difference > ret->largest))
        return;
    ret->largest = difference;
    ret->largest_line = line;
    ret->at_a = at_a;
    ret->at_b = at_b;
}

static void compare_rows(struct scorer *a, struct scorer *b, struct leat_buffer *rows, struct scores *ret)
{
    size_t number = 1;
    for (char *line = rows->data, *end; line != NULL && *line != '\0'; line = end + 1, number++) {
        struct leat_json_document *document = NULL;
        struct leat_error err = {0};
        end = strchrnul(line, '\n');
        struct leat_bytes text = {line, (size_t)(end - line)};
        if (strspn(line, " \t\r\n") < text.len && leat_json_parse(text, LEAT_JSON_NONFINITE, &document, &err) == 0)
            compare_row(a, b, leat_json_get(leat_json_root(document), "features"), number, ret);
        leat_json_free(document);
        if (*end == '\0')
            return;
    }
}

static void put_scores(struct diff *diff, const char *whose, const struct scores *scores)
{
    size_t scored = scores->rows - scores->unscored;
    double mean = scored == 0 ? 0 : scores->sum / (double)scored;
    if (diff->json) {
        leat_buffer_format(&diff->out,
                           ", \"rows_of\": {\"version\": \"%s\", \"rows\": %zu, \"unscored\": %zu, \"mean_difference\": "
                           "%.9g, \"largest_difference\": %.9g, \"line\": %zu}",
                           whose, scores->rows, scores->unscored, mean, scores->largest, scores->largest_line);
        return;
    }
    printf("rows of %s: %zu", whose, scores->rows);
    if (scores->unscored > 0)
        printf(", of which %zu are not scored by both", scores->unscored);
    if (scored > 0)
        printf("; the scores differ by %.6g on average, at most by %.6g (line %zu: %.6g and %.6g)", mean,
               scores->largest, scores->largest_line, scores->at_a, scores->at_b);
    printf("\n");
}

/* The parity rows of the newer one, or of the other when it has none, scored by both. */
static int put_parity(struct diff *diff, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER rows = {0};
    const struct side *owner = diff->b.version->parity_rows > 0 ? &diff->b : &diff->a;
    struct leat_answer answers[2];
    struct leat_error unclear = {0};
    if (leat_registry_parity(diff->root, owner->name, owner->number, &rows, err) != 0)
        return -1;
    bool known = leat_model_answer_find(diff->a.version->model, NULL, &answers[0], &unclear) == 0 &&
                 leat_model_answer_find(diff->b.version->model, NULL, &answers[1], &unclear) == 0;
    if (rows.len == 0 || !known) {
        if (!diff->json)
            printf("parity rows    %s\n", rows.len == 0 ? "neither version has any to compare scores on" : unclear.text);
        return 0;
    }
    struct scorer a;
    struct scorer b;
    struct scores scores = {0};
    scorer_init(&a, &diff->a, answers[0]);
    scorer_init(&b, &diff->b, answers[1]);
    leat_buffer_text(&rows);
    compare_rows(&a, &b, &rows, &scores);
    put_scores(diff, owner->label, &scores);
    scorer_done(&a);
    scorer_done(&b);
    return 0;
}

/* ---- the command ---- */

static int show(struct diff *diff, struct leat_error *err)
{
    struct leat_map *of_a = names_of(&diff->a);
    struct leat_map *of_b = names_of(&diff->b);
    if (diff->json) {
        leat_buffer_append_char(&diff->out, '{');
        put_fact(diff, "version", diff->a.label, diff->b.label);
    } else {
        diff->width = width_of(&diff->a);
        printf("%-14s %-*s %s\n", "", diff->width, diff->a.label, diff->b.label);
    }
    put_facts(diff);
    size_t common = put_features(diff, of_a, of_b);
    if (common == 0 && !diff->json)
        printf("parity rows    not compared: the two have no feature in common\n");
    int status = common == 0 ? 0 : put_parity(diff, err);
    if (diff->json && status == 0)
        printf("%s}\n", leat_buffer_text(&diff->out));
    leat_map_free(of_a);
    leat_map_free(of_b);
    return status;
}

static int run_diff(const struct leat_command *command, int argc, char **argv)
{
    struct leat_arguments arguments;
    struct leat_arena arena = {0};
    struct leat_error err = {0};
    int code;
    if (!leat_model_begin(command, argc, argv, 2, 3, &arguments, &code))
        return code;
    struct diff diff = {.root = leat_registry_of(&arguments), .json = leat_arguments_get(&arguments, "--json") != NULL};
    int status = parse_sides(&diff, &arguments, &arena, &err);
    if (status == 0)
        status = load_side(&diff, &diff.a, &err);
    if (status == 0)
        status = load_side(&diff, &diff.b, &err);
    if (status == 0)
        status = show(&diff, &err);
    leat_version_unref(diff.a.version);
    leat_version_unref(diff.b.version);
    leat_buffer_done(&diff.out);
    leat_arena_done(&arena);
    return status == 0 ? 0 : leat_command_fail(command, &err);
}

static const struct leat_option diff_options[] = {OPTION_JSON, OPTION_REGISTRY, {0}};

const struct leat_command leat_command_model_diff = {
    .name = "model diff",
    .arguments = "NAME A B | NAME[/A] NAME[/B] [--json]",
    .summary = "two versions side by side",
    .details =
        "What they are and read, their metrics, and how far apart their scores are on the parity rows of the second\n"
        "(of the first, when that has none). A star marks what is not the same. A name without a number is its newest\n"
        "version.\n\n"
        "example:\n  leat model diff fraud 2 3",
    .options = diff_options,
    .run = run_diff,
};
