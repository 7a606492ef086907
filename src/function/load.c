/* The function file → an immutable function. The steps: YAML, draft, sources, expressions, and what is checked between. */
#include "function/load.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)
#define COMMIT_INTERVAL (100 * INT64_C(1000)) /* µs */

static void read_kafka(struct leat_loader *loader)
{
    const struct leat_named_list *list = &loader->draft.kafka;
    struct leat_function *function = loader->function;
    struct leat_setting *settings = leat_arena_zalloc(&function->arena, list->count + 1, sizeof *settings);
    for (size_t i = 0; i < list->count; i++) {
        const struct leat_given *given = &list->items[i].given;
        settings[i] = (struct leat_setting){.name = list->items[i].name, .value = given->text, .secret = given->secret};
    }
    function->kafka = settings;
    function->kafka_count = list->count;
}

/* Kafka's own name for it; the client's own commits are off in any case. */
static int read_commit_interval(struct leat_loader *loader)
{
    const struct leat_named_list *list = &loader->draft.kafka;
    loader->function->commit_interval = COMMIT_INTERVAL;
    for (size_t i = 0; i < list->count; i++) {
        const struct leat_given *given = &list->items[i].given;
        if (strcmp(list->items[i].name, "auto.commit.interval.ms") != 0)
            continue;
        char *end;
        long ms = strtol(given->text, &end, 10);
        if (end == given->text || *end || ms < 1 || ms > 3600000)
            return leat_load_fail(loader, given->node,
                                  "auto.commit.interval.ms is a number of milliseconds from 1 to 3600000; this is '%s'",
                                  leat_load_shown(given));
        loader->function->commit_interval = ms * INT64_C(1000);
    }
    return 0;
}

/* A name, which only a version can know, or an index. */
static int read_model_output(struct leat_loader *loader)
{
    const struct leat_given *given = &loader->draft.model_output;
    double number;
    bool index = given->text[strspn(given->text, "0123456789")] == 0;
    if (given->text[0] && (index || leat_double_parse(leat_bytes_of(given->text), &number) < 0))
        return 0;
    return leat_load_fail(loader, given->node,
                          "model.output is one of the model's numbers by name (probability, probability[yes], margin, "
                          "class, value[0.9]) or the index of an output from 0; this is '%s'",
                          leat_load_shown(given));
}

static int read_model(struct leat_loader *loader)
{
    const struct leat_draft *draft = &loader->draft;
    struct leat_function *function = loader->function;
    function->registry = leat_load_path(loader, draft->registry.text ? draft->registry.text : "models");
    function->on_stale = LEAT_STALE_MARK;
    if (!draft->model.node)
        return 0;
    function->model_name = draft->model_name.text;
    function->model_output = draft->model_output.text;
    if (draft->model_output.node && read_model_output(loader) < 0)
        return -1;
    function->model_max_age = draft->model_max_age.number;
    function->on_stale = (enum leat_on_stale)draft->on_stale.number;
    function->fallback_name = draft->fallback.text;
    if (draft->features.count == 0)
        return leat_load_fail(loader, draft->model.node, "a model, and no features to give it");
    if (function->on_stale == LEAT_STALE_FALLBACK && !function->fallback_name)
        return leat_load_fail(loader, draft->on_stale.node,
                              "on_stale: fallback needs `fallback`, the name of a model whose features need no stream");
    if (function->on_stale != LEAT_STALE_FALLBACK && function->fallback_name)
        return leat_load_fail(loader, draft->fallback.node, "a fallback serves only with `on_stale: fallback`");
    return 0;
}

static void read_output(struct leat_loader *loader)
{
    const struct leat_draft *draft = &loader->draft;
    struct leat_function *function = loader->function;
    if (!draft->output.node)
        return;
    function->output_topic = draft->output_topic.text;
    function->output_format = (enum leat_format)draft->output_format.number;
    if (strcmp(draft->output_meta.text, "none") != 0 && function->output_format == LEAT_FORMAT_JSON)
        function->output_meta = draft->output_meta.text;
}

static int check_output(struct leat_loader *loader)
{
    const struct leat_draft *draft = &loader->draft;
    if (!draft->output.node)
        return 0;
    if (draft->output_value.count == 0)
        return leat_load_fail(loader, draft->output.node, "output.value has no fields");
    if (draft->output_value.count > LEAT_OUTPUTS_MAX)
        return leat_load_fail(loader, draft->output.node, "output.value has %zu fields, and at most %d are possible",
                              draft->output_value.count, LEAT_OUTPUTS_MAX);
    if (draft->output_format.number == LEAT_FORMAT_CSV && draft->output_meta.node &&
        strcmp(draft->output_meta.text, "none") != 0)
        return leat_load_fail(loader, draft->output_meta.node,
                              "meta is a nested object, which csv can not hold; name `marks` and `model.version` in "
                              "output.value instead");
    return 0;
}

static int read_rest(struct leat_loader *loader)
{
    const struct leat_draft *draft = &loader->draft;
    struct leat_function *function = loader->function;
    function->name = draft->name.text;
    function->decisions_topic = draft->decisions_topic.text;
    function->dead_letter_topic = draft->dead_letter_topic.text;
    function->control_topic = draft->control_topic.text;
    if (!function->control_topic)
        function->control_topic = leat_arena_format(&function->arena, "%s.control", function->name);
    function->guarantee = draft->guarantee.number == 0 ? LEAT_AT_LEAST_ONCE : LEAT_EXACTLY_ONCE;
    function->event_age = draft->event_age.number;
    if (draft->tolerance.number != 0)
        return leat_load_fail(loader, draft->tolerance.node,
                              "errors.tolerance: none, to stop at the first bad event, is not there yet; with all they "
                              "go to errors.deadletterqueue.topic.name");
    if (draft->features.count > LEAT_FEATURES_MAX)
        return leat_load_fail(loader, draft->features.items[0].key, "%zu features, and at most %d are possible",
                              draft->features.count, LEAT_FEATURES_MAX);
    return 0;
}

/* What the function writes must not be what it reads, nor two things one topic. */
static int check_topics(const struct leat_loader *loader)
{
    const struct leat_draft *draft = &loader->draft;
    const struct leat_function *function = loader->function;
    const struct leat_given *written[] = {&draft->output_topic, &draft->decisions_topic, &draft->dead_letter_topic,
                                          &draft->control_topic};
    const char *const what[] = {"the output", "the decisions", "the dead letters", "the control log"};
    size_t count = sizeof written / sizeof written[0];
    for (size_t i = 0; i < count; i++) {
        if (!written[i]->node)
            continue;
        for (size_t s = 0; s < function->source_count; s++)
            if (strcmp(written[i]->text, function->sources[s].topic) == 0)
                return leat_load_fail(loader, written[i]->node, "%s would go to the topic that %s%s is read from",
                                      what[i], s == 0 ? "the " : "", function->sources[s].name);
        if (function->labels.present && strcmp(written[i]->text, function->labels.source.topic) == 0)
            return leat_load_fail(loader, written[i]->node, "%s would go to the topic of the labels", what[i]);
        for (size_t j = 0; j < i; j++)
            if (written[j]->node && strcmp(written[i]->text, written[j]->text) == 0)
                return leat_load_fail(loader, written[i]->node, "%s and %s would go to the same topic", what[j],
                                      what[i]);
    }
    return 0;
}

static int load(struct leat_loader *loader)
{
    if (leat_load_draft(loader) < 0)
        return -1;
    read_kafka(loader);
    read_output(loader);
    if (read_commit_interval(loader) < 0 || read_model(loader) < 0 || check_output(loader) < 0 || read_rest(loader) < 0)
        return -1;
    if (leat_load_sources(loader) < 0 || check_topics(loader) < 0)
        return -1;
    return leat_load_expressions(loader);
}

int leat_function_parse(const char *file, struct leat_bytes text, struct leat_function **ret, struct leat_error *err)
{
    struct leat_error unheard; /* messages are built on one another */
    struct leat_yaml_document document = {0};
    if (!err)
        err = &unheard;
    if (leat_yaml_parse(file, text, &document, err) < 0)
        return -1;
    struct leat_function *function = leat_calloc(1, sizeof *function);
    function->file = leat_arena_strdup(&function->arena, file);
    leat_digest(text, function->digest);
    struct leat_loader *loader = leat_calloc(1, sizeof *loader);
    *loader = (struct leat_loader){.document = &document, .function = function, .err = err};
    int result = load(loader);
    leat_yaml_done(&document);
    free(loader);
    if (result < 0) {
        leat_function_free(function);
        return -1;
    }
    *ret = function;
    return 0;
}

int leat_function_load(const char *file, struct leat_function **ret, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    if (leat_file_read(file, FILE_MAX, &text, err) < 0)
        return -1;
    return leat_function_parse(file, leat_buffer_view(&text), ret, err);
}

void leat_function_free(struct leat_function *function)
{
    if (!function)
        return;
    struct leat_arena arena = function->arena;
    leat_arena_done(&arena);
    free(function);
}

int leat_function_source(const struct leat_function *function, const char *name_or_topic)
{
    for (size_t i = 0; i < function->source_count; i++)
        if (strcmp(function->sources[i].name, name_or_topic) == 0)
            return (int)i;
    for (size_t i = 0; i < function->source_count; i++)
        if (strcmp(function->sources[i].topic, name_or_topic) == 0)
            return (int)i;
    return -1;
}
