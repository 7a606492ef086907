/* A batch: input events become rows (windows, lookups, features), then all rows are scored together.
 *
 * Every row owns one frame, the array that all expressions read:
 *     event columns | aggregates | lookups | features | results | answers
 * and one row of the matrix that models are fed from. What a row must keep of its record (bytes for a dead letter, text
 * that values point to) is copied into the batch's arena, so a source may move on at once. */
#include "function/bound.h"
#include "function/state.h"

#include "base/json.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_SLOT ((size_t)-1)

struct leat_batch {
    const struct leat_function *function;
    size_t count;
    struct leat_value *frames; /* LEAT_BATCH_MAX × frame_size */
    double *matrix;            /* LEAT_BATCH_MAX × feature_count */
    struct leat_result *results;
    size_t *feature_slot; /* a feature that is one plain slot is copied, not evaluated */
    size_t *output_slot;  /* likewise */
    struct leat_out_field *output_fields;
    struct leat_bytes *output_names; /* JSON: what stands before each value: {"a": and ,"b": and so on */
    struct leat_buffer meta; /* JSON: as far as it is the same for all of this bound and role; empty: to be made */
    const struct leat_bound *meta_bound;
    const char *meta_role;
    struct leat_arena texts; /* for the batch's life */
    struct leat_arena arena;
    struct leat_expr_scratch scratch;
    struct leat_buffer output;
    /* model scratch, grown to the largest model that was met */
    double *rows, *out, *raw, *contributions;
    size_t rows_size, out_size, raw_size, contributions_size, model_scratch_size, explain_scratch_size;
    void *model_scratch, *explain_scratch;
};

static size_t slot_of(const struct leat_expr *expr)
{
    size_t slot;
    return leat_expr_is_slot(expr, &slot) ? slot : NO_SLOT;
}

static void init_outputs(struct leat_batch *batch)
{
    const struct leat_function *function = batch->function;
    LEAT_CLEAN_BUFFER name = {0};
    batch->output_slot = leat_calloc(function->output_count + 1, sizeof *batch->output_slot);
    batch->output_fields = leat_calloc(function->output_count + 1, sizeof *batch->output_fields);
    batch->output_names = leat_calloc(function->output_count + 1, sizeof *batch->output_names);
    for (size_t i = 0; i < function->output_count; i++) {
        batch->output_slot[i] = function->outputs[i].expr ? slot_of(function->outputs[i].expr) : NO_SLOT;
        batch->output_fields[i] = function->outputs[i].field;
        leat_buffer_reset(&name);
        leat_buffer_append_char(&name, i > 0 ? ',' : '{');
        leat_json_put_string(&name, function->outputs[i].field.name);
        leat_buffer_append_char(&name, ':');
        batch->output_names[i] = leat_arena_bytes(&batch->texts, leat_buffer_view(&name));
    }
}

struct leat_batch *leat_batch_new(const struct leat_function *function)
{
    struct leat_batch *batch = leat_calloc(1, sizeof *batch);
    batch->function = function;
    batch->frames = leat_calloc(LEAT_BATCH_MAX * (function->frame_size + 1), sizeof *batch->frames);
    batch->matrix = leat_calloc(LEAT_BATCH_MAX * (function->feature_count + 1), sizeof *batch->matrix);
    batch->results = leat_calloc(LEAT_BATCH_MAX, sizeof *batch->results);
    batch->feature_slot = leat_calloc(function->feature_count + 1, sizeof *batch->feature_slot);
    for (size_t f = 0; f < function->feature_count; f++)
        batch->feature_slot[f] = slot_of(function->features[f].expr);
    init_outputs(batch);
    batch->scratch.text = &batch->arena;
    leat_expr_scratch_reserve(&batch->scratch, function->registers);
    return batch;
}

void leat_batch_free(struct leat_batch *batch)
{
    if (!batch)
        return;
    free(batch->frames);
    free(batch->matrix);
    free(batch->results);
    free(batch->feature_slot);
    free(batch->output_slot);
    free(batch->output_fields);
    free(batch->output_names);
    leat_buffer_done(&batch->meta);
    leat_arena_done(&batch->texts);
    leat_expr_scratch_done(&batch->scratch);
    leat_arena_done(&batch->arena);
    leat_buffer_done(&batch->output);
    free(batch->rows);
    free(batch->out);
    free(batch->raw);
    free(batch->contributions);
    free(batch->model_scratch);
    free(batch->explain_scratch);
    free(batch);
}

void leat_batch_reset(struct leat_batch *batch)
{
    batch->count = 0;
    leat_arena_reset(&batch->arena);
    leat_buffer_reset(&batch->output);
    leat_buffer_reset(&batch->meta); /* another bound may get this one's address */
}

size_t leat_batch_count(const struct leat_batch *batch)
{
    return batch->count;
}

const struct leat_result *leat_batch_result(const struct leat_batch *batch, size_t row)
{
    return &batch->results[row];
}

/* -- a row ---------------------------------------------------------------------------------------------------------- */

static struct leat_record keep_record(struct leat_arena *arena, const struct leat_record *record)
{
    struct leat_record kept = *record;
    kept.key = leat_arena_bytes(arena, record->key);
    kept.value = leat_arena_bytes(arena, record->value);
    if (record->header_count == 0) {
        kept.headers = NULL;
        return kept;
    }
    struct leat_header *headers = leat_arena_zalloc(arena, record->header_count, sizeof *headers);
    for (size_t i = 0; i < record->header_count; i++)
        headers[i] = (struct leat_header){leat_arena_bytes(arena, record->headers[i].name),
                                          leat_arena_bytes(arena, record->headers[i].value)};
    kept.headers = headers;
    return kept;
}

/* Values into the frame. Text inside the record's bytes now points into the kept copy; other text is copied. */
static void keep_values(struct leat_batch *batch, const struct leat_event *event, const struct leat_record *kept,
                        struct leat_value *frame)
{
    const struct leat_projection *projection = &batch->function->sources[0].projection;
    const char *from = event->record->value.data;
    size_t from_len = event->record->value.len;
    for (size_t i = 0; i < projection->count; i++) {
        struct leat_value value = event->values[i];
        if (projection->slots[i].type == LEAT_TYPE_STRING && !value.null) {
            bool inside = value.as.s >= from && value.as.s < from + from_len;
            value.as.s = inside ? kept->value.data + (value.as.s - from)
                                : leat_arena_copy(&batch->arena, value.as.s, value.len);
        }
        frame[i] = value;
    }
}

static void read_windows(struct leat_batch *batch, struct leat_state *partition, struct leat_state *shared,
                         struct leat_value *frame, struct leat_result *result)
{
    const struct leat_function *function = batch->function;
    for (size_t w = 0; w < function->window_count; w++) {
        const struct leat_function_window *window = &function->windows[w];
        struct leat_state *owner = window->global ? shared : partition;
        int has_key = leat_key_evaluate(&shared->key, window->input_key, window->key_types, window->key_count, frame,
                                        &batch->scratch, &result->reason);
        struct leat_bytes key = has_key > 0 ? leat_buffer_view(&shared->key) : (struct leat_bytes){NULL, 0};
        bool complete = true;
        leat_windows_read(owner->windows[w], key, result->time, frame + window->frame_slot, &complete);
        /* Text of a window lives until its next change; a later event of this batch may be that change. */
        for (size_t a = 0; a < window->plan.aggregate_count; a++) {
            const struct leat_window_aggregate *aggregate = &window->plan.aggregates[a];
            struct leat_value *value = frame + window->frame_slot + a;
            bool text = aggregate->kind >= LEAT_AGGREGATE_FIRST &&
                        window->plan.columns[aggregate->column] == LEAT_TYPE_STRING && !value->null;
            if (text)
                value->as.s = leat_arena_copy(&batch->arena, value->as.s, value->len);
        }
        if (!complete)
            result->marks |= LEAT_MARK_PARTIAL;
    }
}

static void read_tables(struct leat_batch *batch, struct leat_state *shared, struct leat_value *frame,
                        struct leat_result *result)
{
    const struct leat_function *function = batch->function;
    for (size_t l = 0; l < function->lookup_count; l++) {
        const struct leat_function_lookup *lookup = &function->lookups[l];
        const struct leat_table_plan *plan = &function->sources[lookup->source].table;
        struct leat_value *row = frame + lookup->frame_slot;
        int has_key = leat_key_evaluate(&shared->key, lookup->keys, lookup->key_types, lookup->key_count, frame,
                                        &batch->scratch, &result->reason);
        bool expired = false;
        if (has_key <= 0 || !leat_table_get(shared->tables[lookup->source], leat_buffer_view(&shared->key),
                                            result->time, row, &expired)) {
            for (size_t c = 0; c < plan->column_count; c++)
                row[c] = leat_value_null();
        }
        if (expired)
            result->marks |= LEAT_MARK_EXPIRED_ROW;
        for (size_t c = 0; c < plan->column_count; c++)
            if (plan->columns[c] == LEAT_TYPE_STRING && !row[c].null)
                row[c].as.s = leat_arena_copy(&batch->arena, row[c].as.s, row[c].len);
    }
}

/* Features from `first` on are missing: those of an event that failed. */
static void void_features(const struct leat_function *function, size_t first, struct leat_value *frame, double *features)
{
    for (size_t f = first; f < function->feature_count; f++) {
        features[f] = NAN;
        frame[function->frame_features + f] = leat_value_null();
    }
}

static void make_features(struct leat_batch *batch, struct leat_value *frame, double *features,
                          struct leat_result *result)
{
    const struct leat_function *function = batch->function;
    struct leat_value *values = frame + function->frame_features;
    for (size_t f = 0; f < function->feature_count; f++) {
        const struct leat_feature *feature = &function->features[f];
        if (batch->feature_slot[f] != NO_SLOT) {
            values[f] = frame[batch->feature_slot[f]];
        } else if (leat_expr_eval(feature->expr, frame, &batch->scratch, &values[f], &result->reason) < 0) {
            char text[sizeof result->reason.text];
            memcpy(text, result->reason.text, sizeof text);
            leat_reason_set(&result->reason, LEAT_STAGE_FEATURE, "feature '%s': %.180s", feature->name, text);
            void_features(function, f, frame, features);
            return;
        }
        features[f] = leat_value_number(feature->type, values[f]);
    }
}

static bool beyond(int64_t limit, int64_t time, int64_t clock)
{
    return limit > 0 && (clock == LEAT_TIME_NONE || time - clock > limit);
}

/* Marks from the event's time: late, too old, and sources that have fallen silent. */
static void judge_times(const struct leat_function *function, const struct leat_state *partition,
                        const struct leat_state *shared, int64_t now, struct leat_result *result)
{
    const struct leat_source *input = &function->sources[0];
    if (partition->watermark != LEAT_TIME_NONE && partition->watermark - result->time > input->grace)
        result->marks |= LEAT_MARK_LATE;
    if (function->event_age > 0 && now - result->time > function->event_age)
        result->marks |= LEAT_MARK_EVENT_AGE;
    for (size_t s = 1; s < function->source_count; s++) {
        const struct leat_source *source = &function->sources[s];
        if (beyond(source->warn_after, result->time, shared->clocks[s]))
            result->slow_sources |= UINT64_C(1) << s;
        if (beyond(source->error_after, result->time, shared->clocks[s]))
            result->stale_sources |= UINT64_C(1) << s;
    }
}

/* What lies behind the watermark that held before this event, and its grace, is gone for it. */
static void move_watermark(const struct leat_function *function, struct leat_state *partition,
                           struct leat_state *shared, int64_t time)
{
    if (partition->watermark != LEAT_TIME_NONE)
        leat_state_evict(partition, partition->watermark - function->sources[0].grace);
    if (time > partition->watermark)
        partition->watermark = time;
    if (time > shared->clocks[0])
        shared->clocks[0] = time;
}

static struct leat_bytes label_key(struct leat_batch *batch, const struct leat_value *frame)
{
    const struct leat_label_plan *labels = &batch->function->labels;
    if (!labels->present)
        return (struct leat_bytes){NULL, 0};
    const struct leat_slot *slot = &batch->function->sources[0].projection.slots[labels->input_slot];
    size_t at = batch->output.len;
    leat_encode_json_value(&batch->output, slot->type, slot->encoding, frame[labels->input_slot]);
    struct leat_bytes text = {batch->output.data + at, batch->output.len - at};
    text = leat_arena_bytes(&batch->arena, text);
    batch->output.len = at;
    return text;
}

int leat_batch_add(struct leat_batch *batch, struct leat_state *partition, struct leat_state *shared,
                   const struct leat_event *event, int64_t now, bool apply)
{
    const struct leat_function *function = batch->function;
    if (batch->count == LEAT_BATCH_MAX)
        return -1;
    size_t row = batch->count++;
    struct leat_value *frame = batch->frames + row * function->frame_size;
    struct leat_result *result = &batch->results[row];
    double *features = batch->matrix + row * function->feature_count;
    memset(result, 0, offsetof(struct leat_result, shadows));
    result->shadow_count = 0;
    result->reason.stage = LEAT_STAGE_NONE;
    result->record = keep_record(&batch->arena, event->record);
    result->time = event->time;
    result->role = "";
    result->score = result->raw = NAN;
    result->frame = frame;
    result->features = features;
    keep_values(batch, event, &result->record, frame);
    judge_times(function, partition, shared, now, result);
    if (apply)
        move_watermark(function, partition, shared, event->time);
    result->label_key = label_key(batch, frame);
    if (apply)
        leat_state_add(function, partition, shared, 0, event, &batch->scratch, &result->reason);
    if (result->reason.stage == LEAT_STAGE_NONE) {
        read_windows(batch, partition, shared, frame, result);
        read_tables(batch, shared, frame, result);
    }
    if (result->reason.stage == LEAT_STAGE_NONE)
        make_features(batch, frame, features, result);
    else
        void_features(function, 0, frame, features);
    return 0;
}

int leat_batch_replay(struct leat_batch *batch, struct leat_state *partition, struct leat_state *shared,
                      const struct leat_event *event, struct leat_reason *reason)
{
    if (batch->count == 0)
        leat_arena_reset(&batch->arena); /* a replay may be long, and no row needs the text that its expressions made */
    move_watermark(batch->function, partition, shared, event->time);
    return leat_state_add(batch->function, partition, shared, 0, event, &batch->scratch, reason);
}

/* -- scoring -------------------------------------------------------------------------------------------------------- */

static void *grow(void *memory, size_t *size, size_t want)
{
    if (*size >= want)
        return memory;
    free(memory);
    void *grown = aligned_alloc(64, (want + 63) / 64 * 64);
    leat_assert(grown != NULL);
    *size = want;
    return grown;
}

/* Puts the codes of categories into a model's row. −1 and *reason: one that the trainer, too, refuses. */
static int put_codes(const struct leat_function *function, const struct leat_bound *bound,
                     const struct leat_result *result, double *row, struct leat_reason *reason)
{
    for (size_t c = 0; c < bound->code_count; c++) {
        struct leat_bound_code code = bound->codes[c];
        struct leat_value value = result->frame[function->frame_features + code.feature];
        struct leat_bytes text = {NULL, 0};
        if (!value.null && function->features[code.feature].type == LEAT_TYPE_STRING)
            text = leat_value_bytes(value);
        if (leat_version_code(bound->version, code.column, text, result->features[code.feature], &row[code.column]) == 0)
            continue;
        char number[32];
        if (!text.data)
            text = (struct leat_bytes){number, leat_double_format(result->features[code.feature], number)};
        text.len = text.len > 80 ? 80 : text.len;
        return leat_reason_set(reason, LEAT_STAGE_MODEL,
                               "feature '%.60s': the category '%.*s' was not seen in training of %s/%u",
                               function->features[code.feature].name, LEAT_BYTES_FORMAT(text), bound->version->name,
                               bound->version->number);
    }
    return 0;
}

/* Lays out the rows in `which` as the version takes them, and leaves those in `which` that it does not refuse. */
static size_t lay_rows(struct leat_batch *batch, const struct leat_bound *bound, size_t *which, size_t count,
                       bool answers)
{
    const struct leat_function *function = batch->function;
    size_t features = bound->feature_count, kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct leat_result *result = &batch->results[which[i]];
        double *to = batch->rows + kept * features;
        struct leat_reason unheard;
        for (size_t f = 0; f < features; f++)
            to[f] = result->features[bound->feature[f]];
        if (bound->code_count == 0 || put_codes(function, bound, result, to, answers ? &result->reason : &unheard) == 0)
            which[kept++] = which[i];
    }
    return kept;
}

/* Scores the rows in `which` (count of them) by one version, to batch->out and batch->raw. Those that it refuses are
 * taken out of `which`, and are dead letters when it is the one who answers. Returns how many are left. */
static size_t predict(struct leat_batch *batch, const struct leat_bound *bound, size_t *which, size_t count,
                      bool answers)
{
    const struct leat_model *model = bound->version->model;
    size_t features = bound->feature_count;
    batch->rows = grow(batch->rows, &batch->rows_size, LEAT_BATCH_MAX * (features + 1) * sizeof(double));
    batch->out = grow(batch->out, &batch->out_size, LEAT_BATCH_MAX * bound->output_count * sizeof(double));
    batch->raw = grow(batch->raw, &batch->raw_size, LEAT_BATCH_MAX * bound->raw_count * sizeof(double));
    batch->model_scratch = grow(batch->model_scratch, &batch->model_scratch_size,
                                leat_model_scratch(model, LEAT_BATCH_MAX));
    count = lay_rows(batch, bound, which, count, answers);
    if (count > 0)
        leat_model_predict(model, batch->rows, features, count, batch->out, batch->raw, batch->model_scratch);
    return count;
}

static double answer_of(const struct leat_bound *bound, struct leat_answer answer, const double *out, const double *raw)
{
    return answer.kind == LEAT_ANSWER_OUTPUT ? out[answer.index]
                                             : leat_model_answer(bound->version->model, answer, out, raw);
}

/* Who answers for a row: the champion, the fallback when a limit says so, or nobody. */
static const struct leat_bound *choose(const struct leat_function *function, const struct leat_lineup *lineup,
                                       struct leat_result *result)
{
    if (!function->model_name) {
        if (result->stale_sources && function->on_stale != LEAT_STALE_WARN)
            result->marks |= LEAT_MARK_STALE_SOURCE;
        return NULL;
    }
    if (!lineup->champion) {
        result->marks |= LEAT_MARK_NO_CHAMPION;
        result->withheld = true;
        return NULL;
    }
    int64_t trained_at = lineup->champion->version->trained_at;
    bool old_model = function->model_max_age > 0 && trained_at != LEAT_TIME_NONE &&
                     result->time - trained_at > function->model_max_age;
    result->role = "champion";
    if ((!old_model && !result->stale_sources) || function->on_stale == LEAT_STALE_WARN || lineup->limits_off)
        return lineup->champion;
    result->marks |= (old_model ? LEAT_MARK_STALE_MODEL : 0) | (result->stale_sources ? LEAT_MARK_STALE_SOURCE : 0);
    if (function->on_stale == LEAT_STALE_MARK)
        return lineup->champion;
    if (function->on_stale == LEAT_STALE_FALLBACK && lineup->fallback) {
        result->marks |= LEAT_MARK_FALLBACK;
        result->role = "fallback";
        return lineup->fallback;
    }
    result->marks |= LEAT_MARK_STOPPED;
    result->withheld = true;
    result->role = "";
    return NULL;
}

static struct leat_value number_or_null(double number)
{
    return isfinite(number) ? leat_value_double(number) : leat_value_null();
}

/* Puts a contribution in its place among the `count` largest so far, of at most `max`; equal ones stay in order. */
static size_t place_reason(struct leat_reason_code *reasons, size_t count, size_t max, struct leat_reason_code reason)
{
    size_t at = count < max ? count : max - 1;
    if (count == max && fabs(reasons[at].contribution) >= fabs(reason.contribution))
        return count;
    while (at > 0 && fabs(reasons[at - 1].contribution) < fabs(reason.contribution)) {
        reasons[at] = reasons[at - 1];
        at--;
    }
    reasons[at] = reason;
    return count < max ? count + 1 : max;
}

/* The features that moved the margin most. What did not move it is no reason. */
static void keep_reasons(struct leat_batch *batch, const struct leat_bound *bound, const double *row, size_t margin,
                         struct leat_result *result)
{
    const struct leat_version *version = bound->version;
    size_t width = bound->feature_count + 1, max = batch->function->reason_count, count = 0;
    batch->contributions = grow(batch->contributions, &batch->contributions_size,
                                (bound->raw_count * width + 1) * sizeof(double));
    batch->explain_scratch = grow(batch->explain_scratch, &batch->explain_scratch_size,
                                  leat_model_explain_scratch(version->model));
    struct leat_reason_code *reasons = leat_arena_zalloc(&batch->arena, max, sizeof *reasons);
    if (leat_model_explain(version->model, row, version->background, version->background_count, batch->contributions,
                           batch->explain_scratch) == 0) {
        const double *contributions = batch->contributions + margin * width;
        for (size_t f = 0; f < bound->feature_count; f++)
            if (isfinite(contributions[f]) && contributions[f] != 0)
                count = place_reason(reasons, count, max,
                                     (struct leat_reason_code){bound->feature[f], contributions[f]});
    }
    result->reasons = reasons;
    result->reason_count = count;
}

/* What output fields ask for beside the score; the model's numbers are gone with its next batch. */
static void keep_answers(struct leat_batch *batch, const struct leat_bound *bound, struct leat_result *result,
                         struct leat_value *slots, const double *row, const double *out, const double *raw)
{
    const struct leat_function *function = batch->function;
    slots[LEAT_RESULT_CLASS] = leat_value_null();
    if (bound->classes) {
        size_t label = leat_model_label(bound->version->model, out, raw);
        if (label < bound->class_count)
            slots[LEAT_RESULT_CLASS] = leat_value_string(bound->classes[label]);
    }
    for (size_t i = 0; i < function->answer_count; i++)
        slots[LEAT_RESULT_SLOTS + i] = number_or_null(answer_of(bound, bound->answers[i], out, raw));
    if (function->uses_list) {
        double *outputs = leat_arena_alloc(&batch->arena, bound->output_count * sizeof *outputs);
        memcpy(outputs, out, bound->output_count * sizeof *outputs);
        result->outputs = outputs;
        result->output_count = bound->output_count;
    }
    if (function->reason_count > 0)
        keep_reasons(batch, bound, row, leat_version_margin(bound->version, bound->score, out, raw), result);
}

static void check_score(const struct leat_bound *bound, struct leat_result *result)
{
    if (!isfinite(result->score))
        leat_reason_set(&result->reason, LEAT_STAGE_MODEL, "model %s/%u gave %s (margin %g)", bound->version->name,
                        bound->version->number, isnan(result->score) ? "NaN" : "an infinite score", result->raw);
}

static bool has_output(const struct leat_function *function, const struct leat_result *result)
{
    return result->reason.stage == LEAT_STAGE_NONE && !result->withheld && function->output_topic;
}

static void take_fixed(struct leat_batch *batch, const struct leat_bound *bound, struct leat_result *result,
                       struct leat_value *slots)
{
    const struct leat_function *function = batch->function;
    const struct leat_fixed *fixed = bound->fixed;
    result->score = fixed->score;
    result->raw = fixed->margin;
    result->outputs = fixed->outputs;
    result->output_count = fixed->count;
    slots[LEAT_RESULT_CLASS] = fixed->class_name ? leat_value_string(leat_bytes_of(fixed->class_name))
                                                 : leat_value_null();
    for (size_t i = 0; i < function->answer_count; i++) {
        slots[LEAT_RESULT_SLOTS + i] = leat_value_null();
        for (size_t o = 0; o < fixed->count; o++)
            if (strcmp(fixed->names[o], function->answers[i]) == 0)
                slots[LEAT_RESULT_SLOTS + i] = number_or_null(fixed->outputs[o]);
    }
}

static void score_rows(struct leat_batch *batch, const struct leat_bound *bound)
{
    const struct leat_function *function = batch->function;
    size_t which[LEAT_BATCH_MAX], count = 0;
    for (size_t row = 0; row < batch->count; row++)
        if (batch->results[row].bound == bound)
            which[count++] = row;
    if (!bound || count == 0)
        return;
    if (!bound->fixed)
        count = predict(batch, bound, which, count, true);
    for (size_t i = 0; i < count; i++) {
        struct leat_result *result = &batch->results[which[i]];
        struct leat_value *slots = batch->frames + which[i] * function->frame_size + function->frame_results;
        const double *out = batch->out + i * bound->output_count, *raw = batch->raw + i * bound->raw_count;
        if (bound->fixed) {
            take_fixed(batch, bound, result, slots);
            check_score(bound, result);
            continue;
        }
        result->score = answer_of(bound, bound->score, out, raw);
        if (bound->raw_count > 0)
            result->raw = raw[leat_version_margin(bound->version, bound->score, out, raw)];
        check_score(bound, result);
        if (has_output(function, result))
            keep_answers(batch, bound, result, slots, batch->rows + i * bound->feature_count, out, raw);
    }
}

static void fill_results(struct leat_batch *batch, struct leat_result *result, struct leat_value *slots)
{
    for (size_t i = 0; i < LEAT_RESULT_CLASS; i++)
        slots[i] = leat_value_null();
    for (size_t i = LEAT_RESULT_CLASS; !result->bound && i < LEAT_RESULT_SLOTS + batch->function->answer_count; i++)
        slots[i] = leat_value_null();
    if (!isnan(result->score))
        slots[LEAT_RESULT_SCORE] = leat_value_double(result->score);
    slots[LEAT_RESULT_MARGIN] = number_or_null(result->raw);
    if (result->bound) {
        const struct leat_version *version = result->bound->version;
        slots[LEAT_RESULT_MODEL_NAME] = leat_value_string(leat_bytes_of(version->name));
        slots[LEAT_RESULT_MODEL_VERSION] = leat_value_int(version->number);
        slots[LEAT_RESULT_MODEL_ROLE] = leat_value_string(leat_bytes_of(result->role));
        if (!isnan(version->threshold))
            slots[LEAT_RESULT_MODEL_THRESHOLD] = leat_value_double(version->threshold);
    }
    slots[LEAT_RESULT_MARKS] = leat_value_string((struct leat_bytes){"", 0});
    if (result->marks) {
        char text[512];
        size_t len = leat_marks_format(batch->function, result->marks, result->stale_sources, text, sizeof text);
        slots[LEAT_RESULT_MARKS] = leat_value_string((struct leat_bytes){leat_arena_copy(&batch->arena, text, len), len});
    }
}

static void make_meta(struct leat_batch *batch, const struct leat_result *result)
{
    const struct leat_function *function = batch->function;
    struct leat_buffer *out = &batch->meta;
    leat_buffer_reset(out);
    batch->meta_bound = result->bound;
    batch->meta_role = result->role;
    leat_buffer_append_char(out, function->output_count > 0 ? ',' : '{');
    leat_json_put_string(out, leat_bytes_of(function->output_meta));
    leat_buffer_append_text(out, ":{");
    if (result->bound) {
        leat_buffer_append_text(out, "\"model\":");
        leat_json_put_string(out, leat_bytes_of(result->bound->version->name));
        leat_buffer_append_text(out, ",\"version\":");
        leat_json_put_int(out, result->bound->version->number);
        leat_buffer_append_text(out, ",\"role\":");
        leat_json_put_string(out, leat_bytes_of(result->role));
        leat_buffer_append_char(out, ',');
    }
    leat_buffer_append_text(out, "\"marks\":[");
}

/* ,"leat":{"model":"fraud","version":3,"role":"champion","marks":["late"]} */
static void put_meta(struct leat_batch *batch, const struct leat_result *result, struct leat_buffer *out)
{
    if (batch->meta.len == 0 || batch->meta_bound != result->bound || batch->meta_role != result->role)
        make_meta(batch, result);
    out->failed |= batch->meta.failed;
    leat_buffer_append(out, batch->meta.data, batch->meta.len);
    leat_marks_put_json(batch->function, result->marks, result->stale_sources, out);
    leat_buffer_append(out, "]}", 2);
}

void leat_result_put_feature(const struct leat_function *function, const struct leat_result *result, size_t feature,
                             struct leat_buffer *out)
{
    if (function->features[feature].type == LEAT_TYPE_STRING)
        leat_encode_json_value(out, LEAT_TYPE_STRING, LEAT_ENCODING_PLAIN,
                               result->frame[function->frame_features + feature]);
    else
        leat_json_put_double(out, result->features[feature]);
}

/* [0.1,0.7,0.2]; null: nobody answered */
static void put_list(const struct leat_result *result, struct leat_buffer *out)
{
    if (!result->outputs) {
        leat_buffer_append(out, "null", 4);
        return;
    }
    leat_buffer_append_char(out, '[');
    for (size_t i = 0; i < result->output_count; i++) {
        if (i > 0)
            leat_buffer_append_char(out, ',');
        leat_json_put_double(out, result->outputs[i]);
    }
    leat_buffer_append_char(out, ']');
}

/* [{"feature":"amount","value":12.5,"contribution":0.31}]; null: nobody answered */
static void put_reasons(const struct leat_function *function, const struct leat_result *result, size_t max,
                        struct leat_buffer *out)
{
    if (!result->bound) {
        leat_buffer_append(out, "null", 4);
        return;
    }
    leat_buffer_append_char(out, '[');
    for (size_t i = 0; i < result->reason_count && i < max; i++) {
        struct leat_reason_code reason = result->reasons[i];
        leat_buffer_append_text(out, i > 0 ? ",{\"feature\":" : "{\"feature\":");
        leat_json_put_string(out, leat_bytes_of(function->features[reason.feature].name));
        leat_buffer_append_text(out, ",\"value\":");
        leat_result_put_feature(function, result, reason.feature, out);
        leat_buffer_append_text(out, ",\"contribution\":");
        leat_json_put_double(out, reason.contribution);
        leat_buffer_append_char(out, '}');
    }
    leat_buffer_append_char(out, ']');
}

/* As leat_encode_json, with what it would write again and again at hand. */
static int put_json(struct leat_batch *batch, const struct leat_result *result, const struct leat_value *values,
                    struct leat_buffer *out)
{
    const struct leat_function *function = batch->function;
    for (size_t i = 0; i < function->output_count; i++) {
        const struct leat_out_field *field = &batch->output_fields[i];
        const struct leat_output_field *output = &function->outputs[i];
        leat_buffer_append(out, batch->output_names[i].data, batch->output_names[i].len);
        if (output->kind == LEAT_OUTPUT_LIST)
            put_list(result, out);
        else if (output->kind == LEAT_OUTPUT_REASONS)
            put_reasons(function, result, output->reasons, out);
        else
            leat_encode_json_value(out, field->type, field->encoding, values[i]);
    }
    if (function->output_meta)
        put_meta(batch, result, out);
    else if (function->output_count == 0)
        leat_buffer_append_char(out, '{');
    return leat_buffer_append_char(out, '}'); /* fails when any of the others has */
}

static void encode_output(struct leat_batch *batch, struct leat_result *result, struct leat_value *frame)
{
    const struct leat_function *function = batch->function;
    struct leat_value values[LEAT_OUTPUTS_MAX];
    for (size_t i = 0; i < function->output_count; i++) {
        const struct leat_output_field *output = &function->outputs[i];
        if (batch->output_slot[i] != NO_SLOT) {
            values[i] = frame[batch->output_slot[i]];
            continue;
        }
        if (!output->expr || leat_expr_eval(output->expr, frame, &batch->scratch, &values[i], &result->reason) == 0)
            continue;
        char text[sizeof result->reason.text];
        memcpy(text, result->reason.text, sizeof text);
        leat_reason_set(&result->reason, LEAT_STAGE_ENCODE, "output '%.*s': %.180s",
                        LEAT_BYTES_FORMAT(output->field.name), text);
        return;
    }
    struct leat_buffer *out = &batch->output;
    size_t at = out->len;
    int failed = function->output_format == LEAT_FORMAT_CSV
                     ? leat_encode_csv(out, batch->output_fields, values, function->output_count)
                     : put_json(batch, result, values, out);
    if (failed || out->failed) {
        leat_reason_set(&result->reason, LEAT_STAGE_ENCODE, "the output could not be encoded (%zu bytes)",
                        out->len - at);
        out->failed = false;
        out->len = at;
        return;
    }
    result->output = leat_arena_bytes(&batch->arena, (struct leat_bytes){out->data + at, out->len - at});
    out->len = at;
}

void leat_batch_score(struct leat_batch *batch, const struct leat_lineup *lineup)
{
    const struct leat_function *function = batch->function;
    bool by_fallback = false;
    for (size_t row = 0; row < batch->count; row++) {
        struct leat_result *result = &batch->results[row];
        if (result->reason.stage != LEAT_STAGE_NONE)
            continue;
        result->bound = choose(function, lineup, result);
        by_fallback |= result->bound && result->bound == lineup->fallback;
        if (result->marks & LEAT_MARK_EVENT_AGE)
            result->withheld = true;
    }
    score_rows(batch, lineup->champion);
    if (by_fallback && lineup->fallback != lineup->champion)
        score_rows(batch, lineup->fallback);
    for (size_t row = 0; row < batch->count; row++) {
        struct leat_result *result = &batch->results[row];
        struct leat_value *frame = batch->frames + row * function->frame_size;
        if (!has_output(function, result))
            continue;
        fill_results(batch, result, frame + function->frame_results);
        encode_output(batch, result, frame);
    }
}

void leat_batch_shadow(struct leat_batch *batch, const struct leat_lineup *lineup)
{
    size_t all[LEAT_BATCH_MAX], all_count = 0;
    for (size_t row = 0; row < batch->count; row++)
        if (batch->results[row].reason.stage == LEAT_STAGE_NONE)
            all[all_count++] = row;
    for (size_t s = 0; all_count > 0 && s < lineup->shadow_count; s++) {
        const struct leat_bound *bound = lineup->shadows[s];
        size_t which[LEAT_BATCH_MAX];
        for (size_t i = 0; i < all_count; i++) {
            struct leat_result *result = &batch->results[which[i] = all[i]];
            result->shadows[result->shadow_count++] = (struct leat_shadow_score){bound, NAN};
        }
        size_t count = predict(batch, bound, which, all_count, false);
        for (size_t i = 0; i < count; i++) {
            struct leat_result *result = &batch->results[which[i]];
            result->shadows[result->shadow_count - 1].score = answer_of(
                bound, bound->score, batch->out + i * bound->output_count, batch->raw + i * bound->raw_count);
        }
    }
}
