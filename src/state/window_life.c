#include "base/time.h"
#include "state/window_key.h"

/* The parts of a life, as they stand in the key's block. */
struct life_sum {
    leat_int128 sum;
    bool overflowed; /* for good: the true sum may be beyond 128 bits */
};

struct life_value {
    int64_t time; /* LEAT_TIME_NONE: none yet */
    int64_t word;
};

struct life_lag {
    struct life_value before; /* the last value but one */
    int64_t newest;           /* time of the newest event, with or without a value here */
    int64_t newest_has_value;
};

static const struct life_value NO_VALUE = {LEAT_TIME_NONE, WORD_ABSENT};

void leat_window_life_init(const struct leat_windows *windows, struct leat_window_key *key)
{
    for (size_t i = 0; i < windows->layout.life_count; i++) {
        const struct leat_window_life *life = &windows->layout.lives[i];
        if (life->n)
            *(uint64_t *)leat_key_part(key, life->n) = 0;
        if (life->sum)
            *(struct life_sum *)leat_key_part(key, life->sum) = (struct life_sum){.sum = 0};
        if (life->squares)
            *(struct leat_squares *)leat_key_part(key, life->squares) = (struct leat_squares){.limb = {0}};
        if (life->min)
            *(int64_t *)leat_key_part(key, life->min) = WORD_NULL;
        if (life->max)
            *(int64_t *)leat_key_part(key, life->max) = WORD_NULL;
        if (life->first)
            *(struct life_value *)leat_key_part(key, life->first) = NO_VALUE;
        if (life->last)
            *(struct life_value *)leat_key_part(key, life->last) = NO_VALUE;
        if (life->lag)
            *(struct life_lag *)leat_key_part(key, life->lag) = (struct life_lag){NO_VALUE, LEAT_TIME_NONE, 0};
    }
}

static void add_number(struct leat_window_key *key, const struct leat_window_life *life, int64_t word)
{
    if (life->n)
        ++*(uint64_t *)leat_key_part(key, life->n);
    if (life->min) {
        int64_t *min = leat_key_part(key, life->min);
        *min = *min == WORD_NULL || word < *min ? word : *min;
    }
    if (life->max) {
        int64_t *max = leat_key_part(key, life->max);
        *max = word > *max ? word : *max;
    }
    if (!life->sum)
        return;
    leat_int128 steps = leat_word_steps(word, life->type == LEAT_TYPE_DOUBLE);
    struct life_sum *sum = leat_key_part(key, life->sum);
    sum->overflowed |= __builtin_add_overflow(sum->sum, steps, &sum->sum);
    if (life->squares)
        leat_squares_add(leat_key_part(key, life->squares), steps);
}

static void release(struct leat_windows *windows, const struct leat_window_life *life, struct life_value value)
{
    if (life->type == LEAT_TYPE_STRING && leat_word_is_value(value.word))
        leat_text_drop(&windows->texts, leat_word_text(value.word));
}

static struct life_value hold(const struct leat_window_life *life, int64_t time, int64_t word)
{
    if (life->type == LEAT_TYPE_STRING && leat_word_is_value(word))
        leat_word_text(word)->holders++;
    return (struct life_value){time, word};
}

/* Keeps the last value, and where lag is asked the one before it, by (time, arrival). */
static void add_last(struct leat_windows *windows, struct leat_window_key *key, const struct leat_window_life *life,
                     int64_t time, int64_t word)
{
    struct life_value *last = leat_key_part(key, life->last);
    struct life_lag *lag = life->lag ? leat_key_part(key, life->lag) : NULL;
    if (time >= last->time) {
        struct life_value left = *last;
        if (lag != NULL) {
            left = lag->before;
            lag->before = *last;
        }
        *last = hold(life, time, word);
        release(windows, life, left);
    } else if (lag != NULL && time >= lag->before.time) {
        struct life_value left = lag->before;
        lag->before = hold(life, time, word);
        release(windows, life, left);
    }
}

static void add_first(struct leat_windows *windows, struct leat_window_key *key, const struct leat_window_life *life,
                      int64_t time, int64_t word)
{
    struct life_value *first = leat_key_part(key, life->first);
    if (first->time != LEAT_TIME_NONE && time >= first->time)
        return;
    struct life_value left = *first;
    *first = hold(life, time, word);
    release(windows, life, left);
}

void leat_window_life_add(struct leat_windows *windows, struct leat_window_key *key)
{
    int64_t time = windows->event[0];
    for (size_t i = 0; i < windows->layout.life_count; i++) {
        const struct leat_window_life *life = &windows->layout.lives[i];
        if (life->column < 0) {
            ++*(uint64_t *)leat_key_part(key, life->n);
            continue;
        }
        int64_t word = windows->event[1 + life->column];
        if (leat_word_is_value(word))
            add_number(key, life, word);
        if (life->lag) {
            struct life_lag *lag = leat_key_part(key, life->lag);
            if (time >= lag->newest) {
                lag->newest = time;
                lag->newest_has_value = word != WORD_ABSENT;
            }
        }
        if (word != WORD_ABSENT && life->last)
            add_last(windows, key, life, time, word);
        if (word != WORD_ABSENT && life->first)
            add_first(windows, key, life, time, word);
    }
}

void leat_window_life_clear(struct leat_windows *windows, struct leat_window_key *key)
{
    for (size_t i = 0; i < windows->layout.life_count; i++) {
        const struct leat_window_life *life = &windows->layout.lives[i];
        if (life->first)
            release(windows, life, *(struct life_value *)leat_key_part(key, life->first));
        if (life->last)
            release(windows, life, *(struct life_value *)leat_key_part(key, life->last));
        if (life->lag)
            release(windows, life, ((struct life_lag *)leat_key_part(key, life->lag))->before);
    }
}

uint64_t leat_window_life_count(const struct leat_window_key *key, const struct leat_window_life *life)
{
    return *(uint64_t *)leat_key_part(key, life->n);
}

bool leat_window_life_sum(const struct leat_window_key *key, const struct leat_window_life *life, leat_int128 *ret_sum,
                          const struct leat_squares **ret_squares)
{
    const struct life_sum *sum = leat_key_part(key, life->sum);
    *ret_sum = sum->sum;
    *ret_squares = life->squares ? leat_key_part(key, life->squares) : NULL;
    return !sum->overflowed;
}

int64_t leat_window_life_word(const struct leat_window_key *key, const struct leat_window_life *life,
                              enum leat_aggregate_kind kind)
{
    if (kind == LEAT_AGGREGATE_MIN)
        return *(int64_t *)leat_key_part(key, life->min);
    if (kind == LEAT_AGGREGATE_MAX)
        return *(int64_t *)leat_key_part(key, life->max);
    if (kind == LEAT_AGGREGATE_FIRST)
        return ((struct life_value *)leat_key_part(key, life->first))->word;
    if (kind == LEAT_AGGREGATE_LAG) {
        const struct life_lag *lag = leat_key_part(key, life->lag);
        /* When the newest event is absent here, all values are before it. */
        if (lag->newest_has_value)
            return lag->before.word;
    }
    return ((struct life_value *)leat_key_part(key, life->last))->word;
}
