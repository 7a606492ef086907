/* One resample is a weight for each block: how often it was drawn. All metrics are computed from weights, and the values
 * themselves are those for weights of 1. */
#include "observe/quality.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLAMP 1e-15
#define RESAMPLES LEAT_QUALITY_RESAMPLES

const char *leat_quality_metric_name(enum leat_quality_metric metric)
{
    static const char *const names[] = {"log_loss", "auc", "brier", "precision_top10"};
    return names[metric];
}

bool leat_quality_lower_is_better(enum leat_quality_metric metric)
{
    return metric == LEAT_QUALITY_LOG_LOSS || metric == LEAT_QUALITY_BRIER;
}

const char *leat_quality_blocks_name(enum leat_quality_blocks blocks)
{
    static const char *const names[] = {"days", "hours", "events"};
    return names[blocks];
}

const char *leat_verdict_name(enum leat_verdict verdict)
{
    static const char *const names[] = {"undecided", "better", "worse"};
    return names[verdict];
}

/* -- chance: xoshiro256**, seeded by splitmix64 --------------------------------------------------------------------- */

struct chance {
    uint64_t s[4];
};

static struct chance chance_of(uint64_t seed)
{
    struct chance chance;
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        chance.s[i] = z ^ (z >> 31);
    }
    return chance;
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t chance_next(struct chance *chance)
{
    uint64_t *s = chance->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static size_t chance_below(struct chance *chance, size_t limit)
{
    return (size_t)(((unsigned __int128)chance_next(chance) * limit) >> 64);
}

/* -- blocks -------------------------------------------------------------------------------------------------------- */

struct blocks {
    enum leat_quality_blocks kind;
    uint32_t *of; /* by event */
    size_t count;
};

static int64_t floor_to(int64_t time, int64_t unit)
{
    int64_t whole = time / unit;
    return time % unit < 0 ? whole - 1 : whole;
}

/* Numbers the blocks as they are met. */
static size_t number_blocks(const struct leat_quality_data *data, int64_t unit, uint32_t *of)
{
    struct leat_map *index = leat_map_new();
    for (size_t i = 0; i < data->count; i++) {
        int64_t block = floor_to(data->times[i], unit);
        bool is_new;
        uint64_t *at = leat_map_put(index, (struct leat_bytes){(const char *)&block, sizeof block}, &is_new);
        if (is_new)
            *at = leat_map_count(index) - 1;
        of[i] = (uint32_t)*at;
    }
    size_t count = leat_map_count(index);
    leat_map_free(index);
    return count;
}

static struct blocks make_blocks(const struct leat_quality_data *data)
{
    struct blocks blocks = {.of = leat_calloc(data->count + 1, sizeof *blocks.of)};
    blocks.kind = LEAT_BLOCKS_DAYS;
    blocks.count = number_blocks(data, LEAT_DAY, blocks.of);
    if (blocks.count >= LEAT_QUALITY_BLOCKS_MIN)
        return blocks;
    blocks.kind = LEAT_BLOCKS_HOURS;
    blocks.count = number_blocks(data, LEAT_HOUR, blocks.of);
    if (blocks.count >= LEAT_QUALITY_BLOCKS_MIN)
        return blocks;
    blocks.kind = LEAT_BLOCKS_EVENTS;
    blocks.count = data->count;
    for (size_t i = 0; i < data->count; i++)
        blocks.of[i] = (uint32_t)i;
    return blocks;
}

/* -- one version's scores, prepared for any weights ------------------------------------------------------------------ */

#define RANK_POSITIVE 1u
#define RANK_TIED 2u /* with the one before it */
#define RANK_SHIFT 2

struct prepared {
    bool binary;
    size_t count, block_count;
    double *block_loss, *block_square; /* sums */
    uint64_t *block_events;
    uint32_t *ranked; /* block << RANK_SHIFT | flags, by score, the highest first */
};

static bool is_binary(const struct leat_quality_data *data)
{
    for (size_t i = 0; i < data->count; i++)
        if (!(data->labels[i] >= 0 && data->labels[i] <= 0) && !(data->labels[i] >= 1 && data->labels[i] <= 1))
            return false;
    return true;
}

static double log_loss(double label, double score)
{
    double p = score < CLAMP ? CLAMP : score > 1 - CLAMP ? 1 - CLAMP : score;
    return label > 0.5 ? -log(p) : -log1p(-p);
}

struct scored {
    double score;
    uint32_t event;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return x->event < y->event ? -1 : 1;
}

static uint32_t *rank(const struct leat_quality_data *data, const double *scores, const struct blocks *blocks)
{
    uint32_t *ranked = leat_calloc(data->count + 1, sizeof *ranked);
    struct scored *order = leat_calloc(data->count + 1, sizeof *order);
    for (size_t i = 0; i < data->count; i++)
        order[i] = (struct scored){scores[i], (uint32_t)i};
    qsort(order, data->count, sizeof *order, by_score);
    for (size_t i = 0; i < data->count; i++) {
        bool tied = i > 0 && !(order[i].score < order[i - 1].score);
        ranked[i] = blocks->of[order[i].event] << RANK_SHIFT | (tied ? RANK_TIED : 0u) |
                    (data->labels[order[i].event] > 0.5 ? RANK_POSITIVE : 0u);
    }
    free(order);
    return ranked;
}

static struct prepared prepare(const struct leat_quality_data *data, const double *scores, const struct blocks *blocks)
{
    struct prepared prepared = {.binary = is_binary(data), .count = data->count, .block_count = blocks->count};
    prepared.block_loss = leat_calloc(blocks->count + 1, sizeof *prepared.block_loss);
    prepared.block_square = leat_calloc(blocks->count + 1, sizeof *prepared.block_square);
    prepared.block_events = leat_calloc(blocks->count + 1, sizeof *prepared.block_events);
    for (size_t i = 0; i < data->count; i++) {
        uint32_t block = blocks->of[i];
        double off = scores[i] - data->labels[i];
        prepared.block_square[block] += off * off;
        prepared.block_loss[block] += prepared.binary ? log_loss(data->labels[i], scores[i]) : 0;
        prepared.block_events[block]++;
    }
    if (prepared.binary)
        prepared.ranked = rank(data, scores, blocks);
    return prepared;
}

static void prepared_done(struct prepared *prepared)
{
    free(prepared->block_loss);
    free(prepared->block_square);
    free(prepared->block_events);
    free(prepared->ranked);
}

/* The share of positives among the first `top` events; the run of equal scores at its end counts by its share. */
static double measure_top(const struct prepared *prepared, const uint32_t *weights, uint64_t top)
{
    uint64_t before = 0;
    double found = 0;
    for (size_t i = 0; i < prepared->count && before < top;) {
        uint64_t run = 0, positives = 0;
        do {
            uint32_t at = prepared->ranked[i], weight = weights[at >> RANK_SHIFT];
            run += weight;
            positives += at & RANK_POSITIVE ? weight : 0;
        } while (++i < prepared->count && prepared->ranked[i] & RANK_TIED);
        double share = run > top - before ? (double)(top - before) / (double)run : 1;
        found += (double)positives * share;
        before += run;
    }
    return found / (double)top;
}

/* Twice the area, in pairs: a negative is below all positives of earlier runs, and half below those of its own. */
static double measure_area(const struct prepared *prepared, const uint32_t *weights)
{
    uint64_t twice = 0, seen[2] = {0, 0}, run[2] = {0, 0}; /* negatives, positives */
    for (size_t i = 0; i < prepared->count; i++) {
        uint32_t at = prepared->ranked[i];
        if (!(at & RANK_TIED)) {
            twice += run[0] * (2 * seen[1] + run[1]);
            seen[0] += run[0];
            seen[1] += run[1];
            run[0] = run[1] = 0;
        }
        uint64_t weight = weights[at >> RANK_SHIFT];
        uint64_t positive = weight & -(uint64_t)(at & RANK_POSITIVE);
        run[1] += positive;
        run[0] += weight - positive;
    }
    twice += run[0] * (2 * seen[1] + run[1]);
    seen[0] += run[0];
    seen[1] += run[1];
    return seen[0] > 0 && seen[1] > 0 ? (double)twice / 2 / ((double)seen[0] * (double)seen[1]) : NAN;
}

static void measure_ranking(const struct prepared *prepared, const uint32_t *weights, double *ret)
{
    ret[LEAT_QUALITY_AUC] = ret[LEAT_QUALITY_PRECISION] = NAN;
    uint64_t events = 0;
    for (size_t b = 0; b < prepared->block_count; b++)
        events += weights[b] * prepared->block_events[b];
    if (!prepared->binary || events == 0)
        return;
    ret[LEAT_QUALITY_PRECISION] = measure_top(prepared, weights, events >= 10 ? events / 10 : 1);
    ret[LEAT_QUALITY_AUC] = measure_area(prepared, weights);
}

static void measure(const struct prepared *prepared, const uint32_t *weights, double ret[LEAT_QUALITY_METRICS])
{
    double loss = 0, square = 0, events = 0;
    for (size_t b = 0; b < prepared->block_count; b++) {
        loss += weights[b] * prepared->block_loss[b];
        square += weights[b] * prepared->block_square[b];
        events += (double)(weights[b] * prepared->block_events[b]);
    }
    ret[LEAT_QUALITY_LOG_LOSS] = events > 0 && prepared->binary ? loss / events : NAN;
    ret[LEAT_QUALITY_BRIER] = events > 0 ? square / events : NAN;
    measure_ranking(prepared, weights, ret);
}

/* -- resampling ---------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear between the two nearest, as NumPy's default. */
static double percentile(const double *sorted, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (sorted[above] - sorted[below]) * (at - (double)below);
}

/* Resamples in which the metric is not defined (one class only) are left out; when they are many there is no interval. */
static void find_interval(double *drawn, struct leat_estimate *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < RESAMPLES; i++)
        if (!isnan(drawn[i]))
            drawn[count++] = drawn[i];
    ret->low = ret->high = NAN;
    if (isnan(ret->value) || count < RESAMPLES / 2)
        return;
    qsort(drawn, count, sizeof *drawn, by_value);
    ret->low = percentile(drawn, count, 0.025);
    ret->high = percentile(drawn, count, 0.975);
}

/* `one` alone, or `two` less `one` under the very same weights. */
static void measure_both(const struct prepared *one, const struct prepared *two, const uint32_t *weights,
                         double ret[LEAT_QUALITY_METRICS])
{
    double other[LEAT_QUALITY_METRICS];
    measure(one, weights, ret);
    if (!two)
        return;
    measure(two, weights, other);
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++)
        ret[m] = other[m] - ret[m];
}

static void estimate(const struct prepared *one, const struct prepared *two, uint64_t seed,
                     struct leat_estimate ret[LEAT_QUALITY_METRICS])
{
    size_t blocks = one->block_count;
    uint32_t *weights = leat_calloc(blocks + 1, sizeof *weights);
    double *drawn = leat_calloc(LEAT_QUALITY_METRICS * RESAMPLES, sizeof *drawn);
    double values[LEAT_QUALITY_METRICS];
    struct chance chance = chance_of(seed);
    for (size_t b = 0; b < blocks; b++)
        weights[b] = 1;
    measure_both(one, two, weights, values);
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++)
        ret[m].value = values[m];
    for (size_t r = 0; r < RESAMPLES; r++) {
        memset(weights, 0, blocks * sizeof *weights);
        for (size_t b = 0; b < blocks; b++)
            weights[chance_below(&chance, blocks)]++;
        measure_both(one, two, weights, values);
        for (int m = 0; m < LEAT_QUALITY_METRICS; m++)
            drawn[(size_t)m * RESAMPLES + r] = values[m];
    }
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++)
        find_interval(drawn + (size_t)m * RESAMPLES, &ret[m]);
    free(weights);
    free(drawn);
}

/* -- what is told -------------------------------------------------------------------------------------------------- */

void leat_quality_measure(const struct leat_quality_data *data, uint64_t seed, struct leat_quality *ret)
{
    *ret = (struct leat_quality){.count = data->count};
    double labels = 0, scores = 0;
    for (size_t i = 0; i < data->count; i++) {
        labels += data->labels[i];
        scores += data->scores[i];
        ret->positives += data->labels[i] > 0;
    }
    ret->label_rate = data->count ? labels / (double)data->count : NAN;
    ret->mean_score = data->count ? scores / (double)data->count : NAN;
    struct blocks blocks = make_blocks(data);
    struct prepared prepared = prepare(data, data->scores, &blocks);
    ret->blocks = blocks.kind;
    ret->block_count = blocks.count;
    estimate(&prepared, NULL, seed, ret->metrics);
    prepared_done(&prepared);
    free(blocks.of);
}

static enum leat_verdict judge(const struct leat_estimate *difference, enum leat_quality_metric metric, size_t count)
{
    if (count < LEAT_QUALITY_VERDICT_MIN || isnan(difference->low) || (difference->low <= 0 && difference->high >= 0))
        return LEAT_UNDECIDED;
    return (difference->high < 0) == leat_quality_lower_is_better(metric) ? LEAT_BETTER : LEAT_WORSE;
}

void leat_quality_compare(const struct leat_quality_data *data, uint64_t seed, struct leat_quality_difference *ret)
{
    *ret = (struct leat_quality_difference){.count = data->count};
    struct blocks blocks = make_blocks(data);
    struct prepared one = prepare(data, data->scores, &blocks);
    struct prepared two = prepare(data, data->others, &blocks);
    ret->blocks = blocks.kind;
    ret->block_count = blocks.count;
    estimate(&one, &two, seed, ret->metrics);
    for (int m = 0; m < LEAT_QUALITY_METRICS; m++)
        ret->verdicts[m] = judge(&ret->metrics[m], (enum leat_quality_metric)m, data->count);
    ret->verdict = ret->verdicts[one.binary ? LEAT_QUALITY_LOG_LOSS : LEAT_QUALITY_BRIER];
    prepared_done(&one);
    prepared_done(&two);
    free(blocks.of);
}
