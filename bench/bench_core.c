/* The core without I/O: what an event costs from the record's bytes to its encoded output, and where that goes.
 *
 *   bench_core [--once] [card-fraud] [flights [FOLDER]]        --once: for a profiler: all steps together, one time
 *
 * The same records are played four times, each time a step further (decode; apply what is not the input; windows, lookups and
 * features; models and outputs), and steps are told apart by subtraction: no clock is read between events. All runs of
 * one repetition follow each other, so that a busy machine slows all of them. Figures are medians of the repetitions;
 * beside the sums stands what they are undisturbed: each stretch of records at the fastest that it was. */
#include "base/file.h"
#include "base/time.h"
#include "play.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPETITIONS 5
#define ROWS 8192   /* kept for timing the model alone */
#define STRETCH 512 /* records that are timed together */

enum step { STEP_DECODE, STEP_APPLY, STEP_FEATURES, STEP_SCORE, STEPS };

struct player {
    const struct play *play;
    struct leat_event_decoder *decoders[LEAT_SOURCES_MAX];
    struct leat_state *partition, *shared;
    struct leat_batch *batch;
    struct leat_expr_scratch scratch;
    struct leat_arena text;
    struct leat_lineup lineup;
    size_t batch_size;
    enum step step;
    size_t inputs, scored, output_bytes;
    double *rows; /* NULL: not wanted */
    size_t row_count;
};

static void open_player(struct player *player, const struct play *play, enum step step, size_t batch_size)
{
    const struct leat_function *function = play->function;
    *player = (struct player){.play = play, .step = step, .batch_size = batch_size};
    for (size_t s = 0; s < function->source_count; s++)
        player->decoders[s] = leat_event_decoder_new(function, s);
    player->partition = leat_state_new(function, false);
    player->shared = leat_state_new(function, true);
    player->batch = leat_batch_new(function);
    player->lineup.champion = play->bound;
    player->scratch.text = &player->text;
    leat_expr_scratch_reserve(&player->scratch, function->registers);
}

static void close_player(struct player *player)
{
    for (size_t s = 0; s < player->play->function->source_count; s++)
        leat_event_decoder_free(player->decoders[s]);
    leat_state_free(player->partition);
    leat_state_free(player->shared);
    leat_batch_free(player->batch);
    leat_expr_scratch_done(&player->scratch);
    leat_arena_done(&player->text);
}

static void keep_rows(struct player *player)
{
    size_t features = player->play->function->feature_count;
    for (size_t row = 0; row < leat_batch_count(player->batch) && player->row_count < ROWS; row++)
        memcpy(player->rows + features * player->row_count++, leat_batch_result(player->batch, row)->features,
               features * sizeof(double));
}

static void end_batch(struct player *player)
{
    const struct leat_function *function = player->play->function;
    if (player->step == STEP_SCORE)
        leat_batch_score(player->batch, &player->lineup);
    for (size_t row = 0; row < leat_batch_count(player->batch); row++) {
        const struct leat_result *result = leat_batch_result(player->batch, row);
        player->scored += result->reason.stage == LEAT_STAGE_NONE && result->bound;
        player->output_bytes += result->output.len;
    }
    if (player->rows)
        keep_rows(player);
    int64_t horizon = leat_state_watermark(player->partition) - function->sources[0].grace;
    leat_state_evict(player->partition, horizon);
    leat_state_evict(player->shared, horizon);
    leat_batch_reset(player->batch);
    leat_arena_reset(&player->text);
}

static void play_record(struct player *player, const struct play_record *from, enum step step)
{
    const struct leat_function *function = player->play->function;
    struct leat_event event;
    struct leat_reason reason = {.stage = LEAT_STAGE_NONE};
    int status = leat_event_decode(player->decoders[from->source], &from->record, &event, &reason);
    if (status == 0 && from->source != 0 && step >= STEP_APPLY)
        status = leat_state_apply(function, player->partition, player->shared, from->source, &event, &player->scratch,
                                  &reason);
    if (status == 0 && from->source == 0) {
        player->inputs++;
        if (step >= STEP_FEATURES)
            leat_batch_add(player->batch, player->partition, player->shared, &event, event.time, true);
        if (leat_batch_count(player->batch) >= player->batch_size)
            end_batch(player);
    }
    if (status != 0) {
        fprintf(stderr, "%s: record %lld: %s\n", function->file, (long long)from->record.offset, reason.text);
        exit(1);
    }
}

static void play_warm(struct player *player)
{
    const struct play *play = player->play;
    for (size_t i = 0; i < play->first; i++)
        play_record(player, &play->records[i], player->step == STEP_DECODE ? STEP_DECODE : STEP_FEATURES);
    end_batch(player);
    player->inputs = player->scored = player->output_bytes = 0;
}

/* One way of playing, and what it took per input event. */
struct figure {
    enum step step;
    size_t batch_size;
    double ns[REPETITIONS];
    double *best; /* of each stretch, the fastest of the repetitions, for all of it */
};

static size_t stretch_count(const struct play *play)
{
    return (play->count - play->first + STRETCH - 1) / STRETCH;
}

/* Nanoseconds for all that is measured. */
__attribute__((noinline)) static double play_measured(struct player *player, double *best)
{
    const struct play *play = player->play;
    double start = bench_cpu_ns(), since = start, now = start;
    for (size_t i = play->first; i < play->count; i++) {
        play_record(player, &play->records[i], player->step);
        size_t done = i + 1 - play->first;
        if (done % STRETCH != 0 && i + 1 < play->count)
            continue;
        if (i + 1 == play->count)
            end_batch(player);
        now = bench_cpu_ns();
        double *stretch = &best[(done - 1) / STRETCH];
        if (*stretch == 0 || now - since < *stretch)
            *stretch = now - since;
        since = now;
    }
    return now - start;
}

static double time_model(const struct play *play, const double *rows, size_t count, size_t batch_size)
{
    struct leat_model *model = play->version.model;
    const struct leat_model_info *info = leat_model_info(model);
    void *scratch = leat_model_scratch_new(model, batch_size);
    double *out = leat_calloc(batch_size * info->output_count, sizeof(*out));
    double start = bench_cpu_ns();
    for (size_t row = 0; row + batch_size <= count; row += batch_size)
        leat_model_predict(model, rows + row * info->feature_count, info->feature_count, batch_size, out, NULL, scratch);
    double ns = (bench_cpu_ns() - start) / (double)(count / batch_size * batch_size);
    free(scratch);
    free(out);
    return ns;
}

/* The model's own rows, from the function's: their order may be another. */
static size_t collect_rows(const struct play *play, double *ret)
{
    const struct leat_function *function = play->function;
    struct player player;
    open_player(&player, play, STEP_FEATURES, LEAT_BATCH_MAX);
    double *rows = leat_calloc(ROWS * function->feature_count, sizeof(*rows));
    for (size_t i = 0; i < play->first; i++)
        play_record(&player, &play->records[i], STEP_FEATURES);
    player.rows = rows;
    for (size_t i = play->first; i < play->count && player.row_count < ROWS; i++)
        play_record(&player, &play->records[i], STEP_FEATURES);
    for (size_t f = 0; f < play->version.feature_count; f++)
        for (size_t g = 0; g < function->feature_count; g++)
            if (strcmp(play->version.feature_names[f], function->features[g].name) == 0)
                for (size_t row = 0; row < player.row_count; row++)
                    ret[row * play->version.feature_count + f] = rows[row * function->feature_count + g];
    size_t count = player.row_count;
    free(rows);
    close_player(&player);
    return count;
}

static void run_figure(const struct play *play, struct figure *figure, size_t repetition, size_t *ret_inputs)
{
    struct player player;
    open_player(&player, play, figure->step, figure->batch_size);
    play_warm(&player);
    double ns = play_measured(&player, figure->best);
    if (figure->step == STEP_SCORE && player.scored != player.inputs) {
        fprintf(stderr, "%s: %zu of %zu events were scored\n", play->function->file, player.scored, player.inputs);
        exit(1);
    }
    figure->ns[repetition] = ns / (double)player.inputs;
    *ret_inputs = player.inputs;
    close_player(&player);
}

static double undisturbed(const struct play *play, const struct figure *figure, size_t inputs)
{
    double sum = 0;
    for (size_t i = 0; i < stretch_count(play); i++)
        sum += figure->best[i];
    return sum / (double)inputs;
}

static void report(const struct play *play, const char *what, double ns, double best, const char *target)
{
    char metric[100], against[40] = "";
    snprintf(metric, sizeof(metric), "core, %s: %s", play->name, what);
    if (best > 0)
        snprintf(against, sizeof(against), "undisturbed %.0f", best);
    bench_report(metric, ns, "ns/event", target, against);
}

static void measure(const struct play *play)
{
    struct figure figures[STEPS + 1];
    double model[REPETITIONS], model_single[REPETITIONS], median[STEPS + 1], best[STEPS + 1];
    double *rows = leat_calloc(ROWS * play->version.feature_count, sizeof(*rows));
    size_t row_count = collect_rows(play, rows), inputs = 0;
    for (size_t i = 0; i <= STEPS; i++)
        figures[i] = (struct figure){.step = i < STEPS ? (enum step)i : STEP_SCORE,
                                     .batch_size = i < STEPS ? LEAT_BATCH_MAX : 1,
                                     .best = leat_calloc(stretch_count(play), sizeof(double))};
    for (size_t r = 0; r < REPETITIONS; r++) {
        for (size_t i = 0; i <= STEPS; i++)
            run_figure(play, &figures[i], r, &inputs);
        model[r] = time_model(play, rows, row_count, LEAT_BATCH_MAX);
        model_single[r] = time_model(play, rows, row_count, 1);
    }
    for (size_t i = 0; i <= STEPS; i++) {
        median[i] = bench_median(figures[i].ns, REPETITIONS);
        best[i] = undisturbed(play, &figures[i], inputs);
        free(figures[i].best);
    }
    double model_ns = bench_median(model, REPETITIONS), all = median[STEP_SCORE];
    printf("# %s: %zu events of %zu records, %zu features, batches of %d\n", play->name, inputs,
           play->count - play->first, play->function->feature_count, LEAT_BATCH_MAX);
    report(play, "decode", median[STEP_DECODE], best[STEP_DECODE], "");
    if (play->function->source_count > 2)
        report(play, "streams and tables applied", median[STEP_APPLY] - median[STEP_DECODE],
               best[STEP_APPLY] - best[STEP_DECODE], "");
    report(play, "windows, lookups, features", median[STEP_FEATURES] - median[STEP_APPLY],
           best[STEP_FEATURES] - best[STEP_APPLY], "");
    report(play, "model", model_ns, 0, "");
    report(play, "limits and output", all - median[STEP_FEATURES] - model_ns, 0, "");
    report(play, "decoded event to output", all - median[STEP_APPLY], best[STEP_SCORE] - best[STEP_APPLY], "<= 2000");
    report(play, "the same, one at a time", median[STEPS] - median[STEP_APPLY], best[STEPS] - best[STEP_APPLY], "");
    report(play, "model, one at a time", bench_median(model_single, REPETITIONS), 0, "");
    report(play, "bytes to output", all, best[STEP_SCORE], "");
    free(rows);
}

static void run_once(const struct play *play)
{
    size_t inputs;
    struct figure figure = {.step = STEP_SCORE, .batch_size = LEAT_BATCH_MAX};
    figure.best = leat_calloc(stretch_count(play), sizeof(double));
    run_figure(play, &figure, 0, &inputs);
    printf("# %s: %.0f ns/event from bytes to output\n", play->name, figure.ns[0]);
    free(figure.best);
}

int main(int argc, char **argv)
{
    const char *folder = "build/flights/events";
    bool once = false, card_fraud = false, flights = false;
    for (int i = 1; i < argc; i++) {
        once |= strcmp(argv[i], "--once") == 0;
        card_fraud |= strcmp(argv[i], "card-fraud") == 0;
        if (strcmp(argv[i], "flights") == 0) {
            flights = true;
            folder = i + 1 < argc ? argv[++i] : folder;
        }
    }
    if (!card_fraud && !flights)
        card_fraud = flights = true;
    void (*run)(const struct play *play) = once ? run_once : measure;
    struct play play;
    if (card_fraud) {
        play_card_fraud(&play, 150000, 65536); /* a day holds 100,000 */
        run(&play);
        play_done(&play);
    }
    if (flights && !leat_file_exists(folder)) {
        printf("# flights: no %s (examples/flights/events.py makes it)\n", folder);
    } else if (flights) {
        play_flights(&play, folder, 10, 35);
        run(&play);
        play_done(&play);
    }
    return 0;
}
