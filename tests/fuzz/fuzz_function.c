/* The function file: any text is either refused with a place, or gives a function whose parts agree, and that decodes and
 * scores whatever bytes come. Files of secrets are not read: the text would choose what is opened. */
#include "function/score.h"

#include <stdlib.h>
#include <string.h>

#define SECRET "hunter two"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Slots of the frame are in their zones. */
static void check_frame(const struct leat_function *f)
{
    leat_assert(f->frame_aggregates == f->sources[0].projection.count);
    size_t slot = f->frame_aggregates;
    for (size_t w = 0; w < f->window_count; w++) {
        leat_assert(f->windows[w].frame_slot == slot);
        leat_assert(f->windows[w].source < f->source_count);
        slot += f->windows[w].plan.aggregate_count;
    }
    leat_assert(f->frame_lookups == slot);
    for (size_t l = 0; l < f->lookup_count; l++) {
        leat_assert(f->lookups[l].frame_slot == slot);
        slot += f->sources[f->lookups[l].source].table.column_count;
    }
    leat_assert(f->frame_features == slot);
    leat_assert(f->frame_results == slot + f->feature_count);
    leat_assert(f->frame_size == f->frame_results + LEAT_RESULT_SLOTS + f->answer_count);
    for (size_t i = 0; i < f->feature_count; i++)
        leat_assert(!leat_expr_reads(f->features[i].expr, f->frame_features + i, f->frame_size));
}

static struct leat_record record_of(const struct leat_function *f, size_t source, const char *value)
{
    return (struct leat_record){.topic = f->sources[source].topic, .value = {value, strlen(value)}};
}

/* A few records through every source, and through the windows and features. */
static void play(const struct leat_function *f)
{
    static const char *const records[] = {
        "{\"k\":\"a\",\"ts\":1000,\"x\":1.5,\"n\":3,\"s\":\"t\",\"b\":true,\"o\":{\"a\":1},\"l\":[1,2]}",
        "{\"k\":\"a\",\"ts\":2000,\"x\":null,\"n\":-9223372036854775808,\"s\":\"\",\"b\":false}",
        "a,1000,1.5,3",
    };
    struct leat_state *own = leat_state_new(f, false), *shared = leat_state_new(f, true);
    struct leat_batch *batch = leat_batch_new(f);
    struct leat_arena text = {0};
    struct leat_expr_scratch scratch = {.text = &text};
    const struct leat_lineup nobody = {0};
    leat_expr_scratch_reserve(&scratch, f->registers);
    for (size_t s = f->source_count; s-- > 0;) {
        struct leat_event_decoder *decoder = leat_event_decoder_new(f, s);
        for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
            struct leat_record record = record_of(f, s, records[i]);
            struct leat_reason reason;
            struct leat_event event;
            if (leat_event_decode(decoder, &record, &event, &reason) < 0)
                continue;
            if (s > 0)
                leat_state_apply(f, own, shared, s, &event, &scratch, &reason);
            else if (!event.filtered)
                leat_batch_add(batch, own, shared, &event, event.time, true);
        }
        leat_event_decoder_free(decoder);
    }
    leat_batch_score(batch, &nobody);
    leat_expr_scratch_done(&scratch);
    leat_arena_done(&text);
    leat_batch_free(batch);
    leat_state_free(own);
    leat_state_free(shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leat_function *f = NULL;
    struct leat_error err = {0};
    if (size > 20000 || memmem(data, size, "${file", 6) || memmem(data, size, SECRET, sizeof SECRET - 1))
        return 0;
    setenv("SECRET", SECRET, 1);
    if (leat_function_parse("fn.yaml", (struct leat_bytes){(const char *)data, size}, &f, &err) < 0) {
        leat_assert(err.kind == LEAT_ERROR_FINDING && strncmp(err.text, "fn.yaml:", 8) == 0);
        leat_assert(!strstr(err.text, SECRET));
        return 0;
    }
    check_frame(f);
    play(f);
    leat_function_free(f);
    return 0;
}
