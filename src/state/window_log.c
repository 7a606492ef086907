#include "state/window_key.h"

#include "base/error.h"

#define NO_ID(key) ((key)->base - 1) /* of the event before the oldest: there is none */

/* Of a queue's or log's next array: half as much again. */
static uint32_t grown(uint32_t capacity)
{
    return capacity + capacity / 2 + 2;
}

static bool id_is_held(const struct leat_window_key *key, uint32_t id)
{
    return (int32_t)(id - key->base) >= 0;
}

uint32_t leat_window_log_after(const struct leat_windows *windows, const struct leat_window_key *key, int64_t time)
{
    uint32_t low = 0, high = key->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (leat_key_time(windows, key, middle) > time)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- Counts, sums and squares ---- */

void leat_window_log_apply(const struct leat_windows *windows, uint32_t r, const int64_t *event, bool add,
                           uint32_t *counts, leat_int128 *sums, struct leat_squares *squares)
{
    const struct leat_window_layout *layout = &windows->layout;
    for (size_t i = layout->cells_of[r]; i < layout->cells_of[r + 1]; i++) {
        const struct leat_window_cell *cell = &layout->cells[i];
        int64_t word = event[1 + cell->column];
        if (!leat_word_is_value(word))
            continue;
        counts[i] += add ? 1 : UINT32_MAX;
        if (!cell->has_sum)
            continue;
        leat_int128 steps = leat_word_steps(word, cell->is_double);
        sums[i] = add ? leat_exact_add(sums[i], steps) : leat_exact_sub(sums[i], steps);
        if (cell->squares < 0)
            continue;
        if (add)
            leat_squares_add(&squares[cell->squares], steps);
        else
            leat_squares_sub(&squares[cell->squares], steps);
    }
}

static void apply_to_key(const struct leat_windows *windows, struct leat_window_key *key, uint32_t r, uint32_t index,
                         bool add)
{
    leat_window_log_apply(windows, r, leat_key_event(windows, key, index), add,
                          leat_key_part(key, windows->layout.counts), leat_key_part(key, windows->layout.sums),
                          leat_key_part(key, windows->layout.squares));
}

/* A hint says that from the tail to it all are absent: of events before the tail it knows nothing. */
static void hints_move_back(const struct leat_windows *windows, struct leat_window_key *key, uint32_t r, uint32_t low)
{
    const struct leat_window_layout *layout = &windows->layout;
    uint32_t *hints = leat_key_part(key, layout->hint_ids);
    for (size_t i = 0; i < layout->hint_count; i++)
        if (layout->hints[i].range == r)
            hints[i] = key->base + low;
}

void leat_window_log_move_tail(struct leat_windows *windows, struct leat_window_key *key, uint32_t r, uint32_t low)
{
    uint32_t *tail = (uint32_t *)leat_key_part(key, windows->layout.tails) + r;
    uint32_t at = *tail - key->base;
    if (at > low)
        hints_move_back(windows, key, r, low);
    for (; at < low; at++)
        apply_to_key(windows, key, r, at, false);
    while (at > low)
        apply_to_key(windows, key, r, --at, true);
    *tail = key->base + low;
}

/* ---- Extremes ---- */

static int64_t queue_word(const struct leat_windows *windows, const struct leat_window_key *key,
                          const struct leat_window_extreme *extreme, uint32_t id)
{
    return leat_key_event(windows, key, id - key->base)[1 + extreme->column];
}

/* Whether an event with `later` behind it is no extreme any more. Equal ones leave: the later stays longer. */
static bool is_beaten(const struct leat_window_extreme *extreme, int64_t word, int64_t later)
{
    return extreme->max ? word <= later : word >= later;
}

static size_t queue_size(uint32_t capacity)
{
    return sizeof(struct leat_window_queue) + capacity * sizeof(uint32_t);
}

static void queue_give(struct leat_windows *windows, struct leat_window_queue **queue)
{
    if (*queue != NULL)
        leat_slab_give(&windows->slab, *queue, queue_size((*queue)->capacity));
    *queue = NULL;
}

/* A queue of capacity `capacity` at least, in a whole block. */
static struct leat_window_queue *queue_take(struct leat_windows *windows, uint32_t capacity)
{
    size_t room = leat_slab_room(queue_size(capacity));
    struct leat_window_queue *queue = leat_slab_force(&windows->slab, room);
    queue->begin = queue->end = 0;
    queue->capacity = (uint32_t)((room - sizeof(*queue)) / sizeof(uint32_t));
    return queue;
}

/* Room for one more at the end: moves to the block's begin when half is free there, else to a larger block. */
static void queue_reserve(struct leat_windows *windows, struct leat_window_queue **ref)
{
    struct leat_window_queue *queue = *ref;
    if (queue->end < queue->capacity)
        return;
    uint32_t count = queue->end - queue->begin;
    struct leat_window_queue *to = queue;
    if (queue->begin <= queue->capacity / 2)
        to = queue_take(windows, grown(queue->capacity));
    memmove(to->ids, queue->ids + queue->begin, count * sizeof(uint32_t));
    to->begin = 0;
    to->end = count;
    if (to != queue)
        queue_give(windows, ref);
    *ref = to;
}

static void queue_drop_front(const struct leat_window_key *key, struct leat_window_queue *queue)
{
    while (queue->begin < queue->end && !id_is_held(key, queue->ids[queue->begin]))
        queue->begin++;
}

static void queue_push(struct leat_windows *windows, const struct leat_window_key *key,
                       const struct leat_window_extreme *extreme, struct leat_window_queue **ref, uint32_t index)
{
    struct leat_window_queue *queue = *ref;
    queue_drop_front(key, queue);
    int64_t word = leat_key_event(windows, key, index)[1 + extreme->column];
    if (!leat_word_is_value(word))
        return;
    while (queue->begin < queue->end &&
           is_beaten(extreme, queue_word(windows, key, extreme, queue->ids[queue->end - 1]), word))
        queue->end--;
    if (queue->begin == queue->end)
        queue->begin = queue->end = 0;
    queue_reserve(windows, ref);
    queue = *ref;
    queue->ids[queue->end++] = key->base + index;
}

/* An event came in at `index`, with others behind it. */
static void queue_insert(struct leat_windows *windows, const struct leat_window_key *key,
                         const struct leat_window_extreme *extreme, struct leat_window_queue **ref, uint32_t index)
{
    struct leat_window_queue *queue = *ref;
    queue_drop_front(key, queue);
    uint32_t at = queue->end;
    while (at > queue->begin && queue->ids[at - 1] - key->base >= index)
        queue->ids[--at]++;
    int64_t word = leat_key_event(windows, key, index)[1 + extreme->column];
    if (!leat_word_is_value(word))
        return;
    if (at < queue->end && is_beaten(extreme, word, queue_word(windows, key, extreme, queue->ids[at])))
        return;
    uint32_t from = at;
    while (from > queue->begin && is_beaten(extreme, queue_word(windows, key, extreme, queue->ids[from - 1]), word))
        from--;
    if (from < at) {
        /* It takes the place of those that it beats. */
        memmove(queue->ids + from + 1, queue->ids + at, (queue->end - at) * sizeof(uint32_t));
        queue->end -= at - from - 1;
        queue->ids[from] = key->base + index;
        return;
    }
    at -= queue->begin;
    queue_reserve(windows, ref);
    queue = *ref;
    at += queue->begin;
    memmove(queue->ids + at + 1, queue->ids + at, (queue->end - at) * sizeof(uint32_t));
    queue->end++;
    queue->ids[at] = key->base + index;
}

/* Makes the queues of a log that has become long, or forgets those of one that has become short. */
static void queues_follow(struct leat_windows *windows, struct leat_window_key *key, uint32_t index)
{
    const struct leat_window_layout *layout = &windows->layout;
    struct leat_window_queue **queues = leat_key_queues(windows, key);
    bool pushed = index + 1 == key->count;
    for (size_t i = 0; i < layout->extreme_count; i++) {
        const struct leat_window_extreme *extreme = &layout->extremes[i];
        if (key->count <= SCAN_MAX) {
            queue_give(windows, &queues[i]);
        } else if (queues[i] == NULL) {
            queues[i] = queue_take(windows, 4);
            for (uint32_t j = 0; j < key->count; j++)
                queue_push(windows, key, extreme, &queues[i], j);
        } else if (pushed) {
            queue_push(windows, key, extreme, &queues[i], index);
        } else {
            queue_insert(windows, key, extreme, &queues[i], index);
        }
    }
}

/* ---- First, last and lag ---- */

/* The last event that is not absent in a column, and the one before it. */
static void edges_follow(struct leat_windows *windows, struct leat_window_key *key, uint32_t index)
{
    const struct leat_window_layout *layout = &windows->layout;
    const int64_t *event = leat_key_event(windows, key, index);
    uint32_t *ids = leat_key_part(key, layout->edge_ids);
    for (size_t i = 0; i < layout->edge_count; i++, ids += 2) {
        bool present = event[1 + layout->edges[i]] != WORD_ABSENT;
        /* −1 where there is none. */
        int64_t last = (int32_t)(ids[0] - key->base), before = (int32_t)(ids[1] - key->base);
        last += last >= (int64_t)index;
        before += before >= (int64_t)index;
        if (present && (int64_t)index > last) {
            before = last;
            last = index;
        } else if (present && (int64_t)index > before) {
            before = index;
        }
        ids[0] = last < 0 ? NO_ID(key) : key->base + (uint32_t)last;
        ids[1] = before < 0 ? NO_ID(key) : key->base + (uint32_t)before;
    }
}

/* ---- The array of events ---- */

static size_t words_size(const struct leat_windows *windows, uint32_t capacity)
{
    return (size_t)capacity * windows->layout.stride * sizeof(int64_t);
}

static void drop_texts(struct leat_windows *windows, struct leat_window_key *key, uint32_t count)
{
    for (size_t c = 0; c < windows->layout.text_count; c++)
        for (uint32_t i = 0; i < count; i++) {
            int64_t word = leat_key_event(windows, key, i)[1 + windows->layout.texts[c]];
            if (leat_word_is_value(word))
                leat_text_drop(&windows->texts, leat_word_text(word));
        }
}

/* Lets the oldest `count` events go. */
static void drop_front(struct leat_windows *windows, struct leat_window_key *key, uint32_t count)
{
    if (count == 0)
        return;
    const struct leat_window_layout *layout = &windows->layout;
    uint32_t *tails = leat_key_part(key, layout->tails), *hints = leat_key_part(key, layout->hint_ids);
    uint32_t *edges = leat_key_part(key, layout->edge_ids);
    for (uint32_t r = 0; r < layout->range_count; r++)
        if (tails[r] - key->base < count)
            leat_window_log_move_tail(windows, key, r, count);
    for (size_t i = 0; i < layout->hint_count; i++)
        if (hints[i] - key->base < count)
            hints[i] = key->base + count;
    drop_texts(windows, key, count);
    key->start += count;
    key->count -= count;
    key->base += count;
    for (size_t i = 0; i < 2 * layout->edge_count; i++)
        if (!id_is_held(key, edges[i]))
            edges[i] = NO_ID(key);
    windows->counters.events -= count;
}

static void drop_expired(struct leat_windows *windows, struct leat_window_key *key)
{
    if (key->count > 0 && leat_key_time(windows, key, 0) <= windows->evicted_until)
        drop_front(windows, key, leat_window_log_after(windows, key, windows->evicted_until));
}

static void drop_oldest(struct leat_windows *windows, struct leat_window_key *key, uint32_t count)
{
    int64_t time = leat_key_time(windows, key, count - 1);
    if (time > key->dropped_until)
        key->dropped_until = time;
    windows->counters.dropped += count;
    drop_front(windows, key, count);
}

static void move_to_front(struct leat_windows *windows, struct leat_window_key *key)
{
    memmove(key->words, leat_key_event(windows, key, 0), words_size(windows, key->count));
    key->start = 0;
}

/* Another array, larger or smaller: false when the bound forbids it. */
static bool resize(struct leat_windows *windows, struct leat_window_key *key, uint32_t capacity)
{
    size_t room = leat_slab_room(words_size(windows, capacity));
    int64_t *words = leat_slab_take(&windows->slab, room);
    if (words == NULL)
        return false;
    if (key->count > 0)
        memcpy(words, leat_key_event(windows, key, 0), words_size(windows, key->count));
    leat_slab_give(&windows->slab, key->words, words_size(windows, key->capacity));
    key->words = words;
    key->capacity = (uint32_t)(room / words_size(windows, 1));
    key->start = 0;
    return true;
}

/* Room for one more event behind the last: by letting go what has expired, by moving to the front, by growing, and where
 * a bound forbids that by dropping the oldest. False: there is no room at all. */
static bool reserve(struct leat_windows *windows, struct leat_window_key *key)
{
    while (key->count >= windows->events_max) {
        uint32_t count = key->count;
        drop_expired(windows, key);
        if (key->count == count)
            drop_oldest(windows, key, 1);
    }
    if (key->start + key->count < key->capacity)
        return true;
    drop_expired(windows, key);
    if (key->capacity > SCAN_MAX && key->count < key->capacity / 8 && resize(windows, key, grown(key->count)))
        return true;
    if (key->start > key->capacity / 4) {
        move_to_front(windows, key);
        return true;
    }
    if (resize(windows, key, grown(key->capacity)))
        return true;
    if (key->capacity == 0)
        return false;
    /* Some at once, so that not every event moves all others. */
    if (key->start == 0)
        drop_oldest(windows, key, key->count / 16 + 1);
    move_to_front(windows, key);
    return true;
}

/* Opens a place at `index`, by moving the shorter side. */
static void open_place(struct leat_windows *windows, struct leat_window_key *key, uint32_t index)
{
    size_t stride = windows->layout.stride;
    if (key->start > 0 && index < key->count / 2) {
        int64_t *first = leat_key_event(windows, key, 0);
        memmove(first - stride, first, words_size(windows, index));
        key->start--;
    } else {
        int64_t *at = leat_key_event(windows, key, index);
        memmove(at + stride, at, words_size(windows, key->count - index));
    }
    key->count++;
}

/* Tails and hints name a place between events, so one at the new event's own index may stay before it. */
static void places_follow(uint32_t *ids, size_t count, const struct leat_window_key *key, uint32_t index)
{
    for (size_t i = 0; i < count; i++)
        ids[i] += ids[i] - key->base > index;
}

void leat_window_log_insert(struct leat_windows *windows, struct leat_window_key *key)
{
    const struct leat_window_layout *layout = &windows->layout;
    int64_t time = windows->event[0];
    if (!reserve(windows, key)) {
        if (time > key->dropped_until)
            key->dropped_until = time;
        windows->counters.dropped++;
        return;
    }
    uint32_t index = key->count;
    if (index > 0 && leat_key_time(windows, key, index - 1) > time) {
        windows->counters.out_of_order++;
        index = leat_window_log_after(windows, key, time);
    }
    uint32_t *tails = leat_key_part(key, layout->tails), *hints = leat_key_part(key, layout->hint_ids);
    if (index < key->count) {
        places_follow(tails, layout->range_count, key, index);
        places_follow(hints, layout->hint_count, key, index);
    }
    open_place(windows, key, index);
    memcpy(leat_key_event(windows, key, index), windows->event, words_size(windows, 1));
    windows->counters.events++;
    for (size_t c = 0; c < layout->text_count; c++) {
        int64_t word = windows->event[1 + layout->texts[c]];
        if (leat_word_is_value(word))
            leat_word_text(word)->holders++;
    }
    for (uint32_t r = 0; r < layout->range_count; r++)
        if (tails[r] - key->base <= index)
            apply_to_key(windows, key, r, index, true);
    for (size_t i = 0; i < layout->hint_count; i++)
        if (hints[i] - key->base > index)
            hints[i] = key->base + index;
    edges_follow(windows, key, index);
    if (layout->extreme_count > 0)
        queues_follow(windows, key, index);
}

void leat_window_log_clear(struct leat_windows *windows, struct leat_window_key *key)
{
    drop_front(windows, key, key->count);
    struct leat_window_queue **queues = leat_key_queues(windows, key);
    for (size_t i = 0; i < windows->layout.extreme_count; i++)
        queue_give(windows, &queues[i]);
    leat_slab_give(&windows->slab, key->words, words_size(windows, key->capacity));
    key->words = NULL;
    key->start = key->capacity = 0;
}
