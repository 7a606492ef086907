#include "state/window_key.h"

#include "base/error.h"

#define NO_ID(key) ((key)->base - 1) /* of the event before the oldest: there is none */

/* Of a queue or log: a quarter more, for most keys are small and many. */
static uint32_t grown(uint32_t capacity)
{
    return capacity + capacity / 4 + 2;
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

/* Adds the scratch event, which is now at `index`, to the cells of all ranges whose tail is not behind it. */
static void apply_event(const struct leat_windows *windows, struct leat_window_key *key, uint32_t index)
{
    const struct leat_window_layout *layout = &windows->layout;
    for (size_t i = 0; i < layout->values_count; i++) {
        const struct leat_window_values *values = &layout->values[i];
        int64_t word = windows->event[1 + values->column];
        if (values->has_sum && leat_word_is_value(word))
            windows->steps[values->column] = leat_word_steps(word, values->is_double);
    }
    const uint32_t *tails = leat_key_part(key, layout->tails);
    uint32_t *counts = leat_key_part(key, layout->counts);
    leat_int128 *sums = leat_key_part(key, layout->sums);
    struct leat_squares *squares = leat_key_part(key, layout->squares);
    for (size_t i = 0; i < layout->cell_count; i++) {
        const struct leat_window_cell *cell = &layout->cells[i];
        if (!leat_word_is_value(windows->event[1 + cell->column]) || tails[cell->range] - key->base > index)
            continue;
        counts[i]++;
        if (cell->has_sum)
            sums[i] = leat_exact_add(sums[i], windows->steps[cell->column]);
        if (cell->squares >= 0)
            leat_squares_add(&squares[cell->squares], windows->steps[cell->column]);
    }
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

void leat_window_log_move_tail(const struct leat_windows *windows, struct leat_window_key *key, uint32_t r, uint32_t low)
{
    const struct leat_window_layout *layout = &windows->layout;
    uint32_t *tail = (uint32_t *)leat_key_part(key, layout->tails) + r;
    uint32_t at = *tail - key->base;
    bool back = low < at;
    if (back)
        hints_move_back(windows, key, r, low);
    leat_window_cells_apply(windows, r, leat_key_event(windows, key, back ? low : at), back ? at - low : low - at, back,
                            leat_key_part(key, layout->counts), leat_key_part(key, layout->sums),
                            leat_key_part(key, layout->squares));
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
    if (*leat_key_marks(windows, key) != NULL)
        leat_window_marks_drop(windows, key);
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

size_t leat_window_key_size(const struct leat_windows *windows, const struct leat_window_key *key, uint32_t capacity)
{
    return leat_key_events_at(windows, key) + words_size(windows, capacity);
}

static void move_to_front(struct leat_windows *windows, struct leat_window_key *key)
{
    const int64_t *from = leat_key_event(windows, key, 0);
    key->start = 0;
    memmove(leat_key_event(windows, key, 0), from, words_size(windows, key->count));
}

/* Another block, larger or smaller: NULL when the bound forbids it. */
static struct leat_window_key *resize(struct leat_windows *windows, struct leat_window_key *key, uint32_t capacity)
{
    size_t room = leat_slab_room(leat_window_key_size(windows, key, capacity)), at = leat_key_events_at(windows, key);
    struct leat_window_key *to = leat_slab_take(&windows->slab, room);
    if (to == NULL)
        return NULL;
    memcpy(to, key, at);
    to->start = 0;
    to->capacity = (uint32_t)((room - at) / words_size(windows, 1));
    memcpy(leat_key_event(windows, to, 0), leat_key_event(windows, key, 0), words_size(windows, key->count));
    leat_slab_give(&windows->slab, key, leat_window_key_size(windows, key, key->capacity));
    return to;
}

/* Room for one more event behind the last: by letting go what has expired, by moving to the front, by growing, and where
 * a bound forbids that by dropping the oldest. Returns where the key's block is then; without any room it is full. */
static struct leat_window_key *reserve(struct leat_windows *windows, struct leat_window_key *key)
{
    struct leat_window_key *to = NULL;
    if (key->start + key->count < key->capacity)
        return key;
    drop_expired(windows, key);
    if (key->capacity > SCAN_MAX && key->count < key->capacity / 8)
        to = resize(windows, key, grown(key->count));
    if (to == NULL && key->start > key->capacity / 4) {
        move_to_front(windows, key);
        return key;
    }
    if (to == NULL)
        to = resize(windows, key, grown(key->capacity));
    if (to != NULL)
        return to;
    /* Some at once, so that not every event moves all others. */
    if (key->start == 0 && key->count > 0)
        drop_oldest(windows, key, key->count / 16 + 1);
    move_to_front(windows, key);
    return key;
}

/* Keeps within the number of events of a key: false when the new event itself is the oldest, and goes. */
static bool make_way(struct leat_windows *windows, struct leat_window_key *key)
{
    if (key->count < windows->events_max)
        return true;
    drop_expired(windows, key);
    if (key->count < windows->events_max)
        return true;
    if (windows->event[0] < leat_key_time(windows, key, 0))
        return false;
    drop_oldest(windows, key, key->count - windows->events_max + 1);
    return true;
}

/* Opens a place at `index`, by moving the shorter side. */
static void open_place(struct leat_windows *windows, struct leat_window_key *key, uint32_t index)
{
    size_t stride = windows->layout.stride;
    if (index == key->count) {
        key->count++;
        return;
    }
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

struct leat_window_key *leat_window_log_insert(struct leat_windows *windows, struct leat_window_key *key)
{
    const struct leat_window_layout *layout = &windows->layout;
    int64_t time = windows->event[0];
    bool has_room = make_way(windows, key);
    if (has_room) {
        key = reserve(windows, key);
        has_room = key->start + key->count < key->capacity;
    }
    if (!has_room) {
        key->dropped_until = time > key->dropped_until ? time : key->dropped_until;
        windows->counters.dropped++;
        return key;
    }
    uint32_t index = key->count;
    if (index > 0 && leat_key_time(windows, key, index - 1) > time) {
        windows->counters.out_of_order++;
        index = leat_window_log_after(windows, key, time);
        places_follow(leat_key_part(key, layout->tails), layout->range_count, key, index);
        places_follow(leat_key_part(key, layout->hint_ids), layout->hint_count, key, index);
    }
    open_place(windows, key, index);
    int64_t *event = leat_key_event(windows, key, index);
    for (size_t i = 0; i < layout->stride; i++)
        event[i] = windows->event[i];
    windows->counters.events++;
    for (size_t c = 0; c < layout->text_count; c++) {
        int64_t word = windows->event[1 + layout->texts[c]];
        if (leat_word_is_value(word))
            leat_word_text(word)->holders++;
    }
    apply_event(windows, key, index);
    uint32_t *hints = leat_key_part(key, layout->hint_ids);
    for (size_t i = 0; i < layout->hint_count; i++)
        if (hints[i] - key->base > index)
            hints[i] = key->base + index;
    edges_follow(windows, key, index);
    if (layout->extreme_count > 0)
        queues_follow(windows, key, index);
    if (*leat_key_marks(windows, key) != NULL)
        leat_window_marks_insert(windows, key, index);
    return key;
}

void leat_window_log_clear(struct leat_windows *windows, struct leat_window_key *key)
{
    drop_front(windows, key, key->count);
    struct leat_window_queue **queues = leat_key_queues(windows, key);
    for (size_t i = 0; i < windows->layout.extreme_count; i++)
        queue_give(windows, &queues[i]);
    if (windows->layout.range_count > 0)
        leat_window_marks_give(windows, key);
    key->start = 0;
}

struct leat_window_key *leat_window_log_shrink(struct leat_windows *windows, struct leat_window_key *key)
{
    struct leat_window_key *to = key->capacity > 0 ? resize(windows, key, 0) : NULL;
    return to != NULL ? to : key;
}
