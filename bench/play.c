#include "play.h"

#include "base/file.h"
#include "base/time.h"
#include "card_fraud.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1 << 30)

static void stop(const struct leat_error *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit((int)err->kind);
}

static void keep_version(struct leat_version *version)
{
    (void)version; /* it is a part of the play */
}

static void open_function(struct play *play, const char *file, const char *model_file)
{
    struct leat_error err;
    LEAT_CLEAN_BUFFER text = {0};
    if (leat_function_load(file, &play->function, &err) != 0 ||
        leat_file_read(model_file, LEAT_MODEL_BYTES_MAX, &text, &err) != 0 ||
        leat_model_load(model_file, leat_buffer_view(&text), NULL, &play->version.model, &err) != 0)
        stop(&err);
    const struct leat_function *function = play->function;
    const struct leat_model_info *info = leat_model_info(play->version.model);
    const char **names = leat_arena_zalloc(&play->arena, info->feature_count, sizeof(*names));
    for (size_t i = 0; i < info->feature_count; i++)
        names[i] = info->feature_names ? info->feature_names[i] : function->features[i].name;
    play->version.name = function->model_name;
    play->version.number = 1;
    play->version.feature_names = names;
    play->version.feature_count = info->feature_count;
    play->version.trained_at = play->version.added_at = LEAT_TIME_NONE;
    play->version.threshold = 0.5;
    play->version.references = 1;
    play->version.release = keep_version;
    if (leat_bound_new(function, &play->version, &play->bound, &err) != 0)
        stop(&err);
}

/* The bytes stay the caller's. */
static void add_record(struct play *play, size_t source, int64_t time, struct leat_bytes key, struct leat_bytes value)
{
    if (play->count == play->capacity) {
        play->capacity = play->capacity ? 2 * play->capacity : 1024;
        play->records = leat_realloc(play->records, play->capacity, sizeof(*play->records));
    }
    play->records[play->count] = (struct play_record){source,
                                                      time,
                                                      {.topic = play->function->sources[source].topic,
                                                       .offset = (int64_t)play->count,
                                                       .timestamp = LEAT_TIME_NONE,
                                                       .key = key,
                                                       .value = value}};
    play->count++;
}

void play_card_fraud(struct play *ret, size_t warm, size_t measured)
{
    *ret = (struct play){.name = "card-fraud"};
    open_function(ret, "examples/card-fraud/card-fraud.yaml", "examples/card-fraud/model.json");
    struct card_fraud *load = card_fraud_new(CARD_FRAUD_SEED);
    struct card_fraud_record record;
    char text[CARD_FRAUD_RECORD_BYTES], name[16];
    size_t merchants = (size_t)leat_function_source(ret->function, "merchants");
    for (uint32_t i = 0; i < CARD_FRAUD_MERCHANTS; i++) {
        struct leat_bytes key = {name, (size_t)snprintf(name, sizeof(name), "mer-%05u", i)};
        struct leat_bytes value = {text, card_fraud_write_merchant(load, i, text)};
        add_record(ret, merchants, LEAT_TIME_NONE, leat_arena_bytes(&ret->arena, key),
                   leat_arena_bytes(&ret->arena, value));
    }
    ret->first = CARD_FRAUD_MERCHANTS + warm;
    for (size_t i = 0; i < warm + measured; i++) {
        card_fraud_next(load, &record);
        struct leat_bytes key = {name, (size_t)snprintf(name, sizeof(name), "card-%06u", record.card)};
        struct leat_bytes value = {text, card_fraud_write(&record, text)};
        add_record(ret, 0, record.ts_ms * LEAT_MILLISECOND, leat_arena_bytes(&ret->arena, key),
                   leat_arena_bytes(&ret->arena, value));
    }
    card_fraud_free(load);
}

/* -- flights -- */

static int64_t time_of(struct leat_bytes line)
{
    const char *at = memmem(line.data, line.len, "\"ts\":", 5);
    return at ? strtoll(at + 5, NULL, 10) * LEAT_MILLISECOND : LEAT_TIME_NONE;
}

/* One source's records until a time. */
static void add_file(struct play *play, size_t source, const char *folder, int64_t end)
{
    struct leat_error err;
    LEAT_CLEAN_BUFFER text = {0};
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.jsonl", folder, play->function->sources[source].topic);
    if (leat_file_read(path, FILE_BYTES_MAX, &text, &err) != 0)
        stop(&err);
    for (const char *at = text.data, *stop_at = text.data + text.len; at < stop_at;) {
        const char *line_end = memchr(at, '\n', (size_t)(stop_at - at));
        struct leat_bytes line = {at, (size_t)((line_end ? line_end : stop_at) - at)};
        int64_t time = time_of(line);
        if (time != LEAT_TIME_NONE && time >= end)
            break;
        add_record(play, source, time, (struct leat_bytes){NULL, 0}, leat_arena_bytes(&play->arena, line));
        at += line.len + 1;
    }
}

/* By time; tables before streams, streams before the input, then as they came. */
static int compare_records(const void *a, const void *b)
{
    const struct play_record *left = a, *right = b;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    if (left->source != right->source)
        return left->source > right->source ? -1 : 1;
    return left->record.offset < right->record.offset ? -1 : 1;
}

void play_flights(struct play *ret, const char *folder, int warm_days, int days)
{
    int64_t start = leat_time_of_date(2013, 1, 1);
    int64_t from = start + warm_days * LEAT_DAY;
    *ret = (struct play){.name = "flights"};
    open_function(ret, "examples/flights/flights.yaml", "examples/flights/models/v3.txt");
    for (size_t source = 0; source < ret->function->source_count; source++)
        add_file(ret, source, folder, from + days * LEAT_DAY);
    qsort(ret->records, ret->count, sizeof(*ret->records), compare_records);
    while (ret->first < ret->count && ret->records[ret->first].time < from)
        ret->first++;
}

void play_done(struct play *play)
{
    leat_bound_unref(play->bound);
    leat_model_unref(play->version.model);
    leat_function_free(play->function);
    free(play->records);
    leat_arena_done(&play->arena);
}
