#include "state/windows.h"

#include "base/error.h"
#include "base/map.h"
#include "base/time.h"
#include "state/window_key.h"

#include <stdlib.h>

/* So many sums of the largest value still fit in 128 bits. */
#define EVENTS_MAX ((UINT32_C(1) << 24) - 1)

/* How much of the table one call of evict looks at: a little, for it is called with every event, and more after many
 * adds, so that a lap of the sweep takes fewer adds than the table has slots. */
#define SWEEP_SLOTS 4
#define SWEEP_SLOTS_PER_ADD 1
#define SWEEP_SLOTS_MAX 16384

#define NEW_KEY_EVENTS 2 /* so many have room in a new key's block */

#define NO_EVENTS UINT32_MAX /* the note of a key that stays though its events have left */

/* ---- Life and death ---- */

struct leat_windows *leat_windows_new(const struct leat_window_plan *plan)
{
    struct leat_windows *windows = leat_calloc(1, sizeof(*windows));
    windows->plan = *plan;
    leat_window_layout_make(&windows->layout, plan, sizeof(struct leat_window_key), &windows->arena);
    const struct leat_window_layout *layout = &windows->layout;
    windows->event = leat_arena_zalloc(&windows->arena, layout->stride, sizeof(*windows->event));
    windows->lows = leat_arena_zalloc(&windows->arena, layout->range_count + 1, sizeof(*windows->lows));
    windows->steps = leat_arena_zalloc(&windows->arena, layout->stride, sizeof(*windows->steps));
    windows->sums = leat_arena_zalloc(&windows->arena, layout->cell_count + 1, sizeof(*windows->sums));
    windows->counts = leat_arena_zalloc(&windows->arena, layout->cell_count + 1, sizeof(*windows->counts));
    windows->squares = leat_arena_zalloc(&windows->arena, layout->squares_count + 1, sizeof(*windows->squares));
    for (size_t i = 0; i < 2; i++)
        windows->prefixes[i] = leat_arena_zalloc(&windows->arena, layout->values_count + 1,
                                                 sizeof(*windows->prefixes[i]));
    windows->events_max = plan->events_per_key_max;
    if (windows->events_max == 0 || windows->events_max > EVENTS_MAX)
        windows->events_max = EVENTS_MAX;
    windows->covered_from = LEAT_TIME_MIN;
    windows->evicted_until = windows->lost_until = LEAT_TIME_NONE;
    windows->recent_slot = LEAT_INDEX_NOT_FOUND;
    windows->slab.bytes = sizeof(*windows) + windows->arena.allocated;
    windows->slab.bytes_max = plan->bytes_max;
    leat_index_init(&windows->keys, layout->key, &windows->slab);
    leat_text_pool_init(&windows->texts, &windows->slab);
    return windows;
}

static void free_key(struct leat_windows *windows, struct leat_window_key *key)
{
    leat_window_log_clear(windows, key);
    leat_window_life_clear(windows, key);
    leat_slab_give(&windows->slab, key, leat_window_key_size(windows, key, key->capacity));
}

void leat_windows_free(struct leat_windows *windows)
{
    if (windows == NULL)
        return;
    for (size_t i = 0; i <= windows->keys.mask; i++)
        if (windows->keys.slots[i].block != NULL)
            free_key(windows, windows->keys.slots[i].block);
    leat_index_done(&windows->keys);
    leat_text_pool_done(&windows->texts);
    leat_slab_done(&windows->slab);
    leat_arena_done(&windows->arena);
    free(windows);
}

/* ---- Keys ---- */

/* The slot of a key, or LEAT_INDEX_NOT_FOUND. One that was just asked for is found without hashing. */
static size_t find_slot(const struct leat_windows *windows, struct leat_bytes key, uint32_t *ret_hash)
{
    size_t recent = windows->recent_slot;
    if (recent != LEAT_INDEX_NOT_FOUND && leat_index_same(&windows->keys, windows->keys.slots[recent].block, key))
        return recent;
    *ret_hash = (uint32_t)leat_hash(key.data, key.len);
    return leat_index_find(&windows->keys, *ret_hash, key);
}

static void init_key(const struct leat_windows *windows, struct leat_window_key *key, struct leat_bytes bytes)
{
    memset(key, 0, windows->layout.key);
    key->len = (uint32_t)bytes.len;
    key->capacity = windows->layout.range_count > 0 ? NEW_KEY_EVENTS : 0;
    key->dropped_until = windows->lost_until;
    key->lost = windows->lost;
    if (bytes.len > 0)
        memcpy(leat_key_part(key, windows->layout.key), bytes.data, bytes.len);
    uint32_t *edges = leat_key_part(key, windows->layout.edge_ids);
    for (size_t i = 0; i < 2 * windows->layout.edge_count; i++)
        edges[i] = key->base - 1;
    leat_window_life_init(windows, key);
}

/* The slot of a key, which is made when it is new; LEAT_INDEX_NOT_FOUND when there is no room for it. */
static size_t put_slot(struct leat_windows *windows, struct leat_bytes bytes)
{
    leat_assert(bytes.len <= UINT32_MAX);
    uint32_t hash = 0;
    size_t slot = find_slot(windows, bytes, &hash);
    if (slot != LEAT_INDEX_NOT_FOUND)
        return slot;
    struct leat_window_key header = {.len = (uint32_t)bytes.len};
    size_t size = leat_window_key_size(windows, &header, windows->layout.range_count > 0 ? NEW_KEY_EVENTS : 0);
    struct leat_window_key *key = leat_slab_take(&windows->slab, size);
    if (key == NULL)
        return LEAT_INDEX_NOT_FOUND;
    init_key(windows, key, bytes);
    slot = leat_index_insert(&windows->keys, hash, key);
    if (slot == LEAT_INDEX_NOT_FOUND)
        leat_slab_give(&windows->slab, key, size);
    return slot;
}

/* ---- Adding ---- */

static int word_of(enum leat_type type, struct leat_value value, int64_t *ret, struct leat_reason *reason)
{
    if (value.null) {
        *ret = value.null == 1 ? WORD_NULL : WORD_ABSENT;
        return 0;
    }
    if (type == LEAT_TYPE_DOUBLE) {
        if (!(value.as.d >= -LEAT_EXACT_MAX && value.as.d <= LEAT_EXACT_MAX))
            return leat_reason_set(reason, LEAT_STAGE_FEATURE,
                                   "a window is given the number %g; it can hold those from -2^51 to 2^51 (2.3e15)",
                                   value.as.d);
        *ret = leat_word_of_double(value.as.d);
        return 0;
    }
    if (!leat_word_is_value(value.as.i))
        return leat_reason_set(reason, LEAT_STAGE_FEATURE,
                               "a window is given the integer %lld; it can hold those from -2^63 + 2 to 2^63 - 1",
                               (long long)value.as.i);
    *ret = value.as.i;
    return 0;
}

/* Columns that are not text, into the scratch event. */
static int set_event(struct leat_windows *windows, int64_t time, const struct leat_value *columns,
                     struct leat_reason *reason)
{
    windows->event[0] = time;
    for (size_t i = 0; i < windows->plan.column_count; i++) {
        windows->event[1 + i] = WORD_NULL;
        if (windows->plan.columns[i] == LEAT_TYPE_STRING && !columns[i].null)
            continue;
        if (word_of(windows->plan.columns[i], columns[i], &windows->event[1 + i], reason) != 0)
            return -1;
    }
    return 0;
}

static void drop_event_texts(struct leat_windows *windows)
{
    for (size_t i = 0; i < windows->layout.text_count; i++) {
        int64_t word = windows->event[1 + windows->layout.texts[i]];
        if (leat_word_is_value(word))
            leat_text_drop(&windows->texts, leat_word_text(word));
    }
}

/* The texts of the scratch event, which holds each until drop_event_texts. False when there is no room. */
static bool hold_event_texts(struct leat_windows *windows, const struct leat_value *columns)
{
    for (size_t i = 0; i < windows->layout.text_count; i++) {
        uint32_t c = windows->layout.texts[i];
        if (columns[c].null)
            continue;
        struct leat_text *text = leat_text_hold(&windows->texts, leat_value_bytes(columns[c]));
        if (text == NULL) {
            drop_event_texts(windows);
            return false;
        }
        windows->event[1 + c] = (int64_t)(intptr_t)text;
    }
    return true;
}

/* An event that found no room is remembered by its time: windows that would reach it are not complete. */
static void lose_event(struct leat_windows *windows, struct leat_window_key *key)
{
    int64_t time = windows->event[0];
    windows->counters.dropped++;
    int64_t *until = key != NULL ? &key->dropped_until : &windows->lost_until;
    *until = time > *until ? time : *until;
    if (key != NULL)
        key->lost = 1;
    else
        windows->lost = true;
}

/* Times in steps of two minutes, from 0 on: enough to tell idle keys, and 32 bits hold them all. 0 is older than all. */
static uint32_t coarse(int64_t time)
{
    if (time < LEAT_TIME_MIN)
        return 0;
    return 1 + (uint32_t)((time - LEAT_TIME_MIN) >> 27);
}

int leat_windows_add(struct leat_windows *windows, struct leat_bytes key, int64_t time,
                     const struct leat_value *columns, struct leat_reason *reason)
{
    leat_assert(time >= LEAT_TIME_MIN && time <= LEAT_TIME_MAX);
    if (set_event(windows, time, columns, reason) != 0)
        return -1;
    /* What no range reaches any more needs no room, and no key of its own. */
    bool is_held = windows->layout.range_count > 0 && time > windows->evicted_until;
    if (!is_held && windows->layout.life_count == 0)
        return 0;
    windows->adds++;
    size_t slot = put_slot(windows, key);
    windows->recent_slot = slot;
    if (slot == LEAT_INDEX_NOT_FOUND) {
        lose_event(windows, NULL);
        return 0;
    }
    struct leat_window_key *block = windows->keys.slots[slot].block;
    if (!hold_event_texts(windows, columns)) {
        lose_event(windows, block);
        return 0;
    }
    if (is_held) {
        uint32_t now = coarse(time), *note = &windows->keys.slots[slot].note;
        if (now > *note || *note == NO_EVENTS)
            *note = now;
        block = leat_window_log_insert(windows, block);
        windows->keys.slots[slot].block = block;
    }
    if (windows->layout.life_count > 0)
        leat_window_life_add(windows, block);
    drop_event_texts(windows);
    return 0;
}

/* ---- Reading ---- */

void leat_windows_cover(struct leat_windows *windows, int64_t covered_from)
{
    windows->covered_from = covered_from;
}

/* Whether all events that the windows at t ask for are there. */
static bool is_complete(const struct leat_windows *windows, const struct leat_window_key *key, int64_t t)
{
    bool lost = key != NULL ? key->lost : windows->lost;
    int64_t dropped_until = key != NULL ? key->dropped_until : windows->lost_until;
    if (windows->layout.life_count > 0 && (lost || windows->covered_from > LEAT_TIME_MIN))
        return false;
    if (windows->layout.range_count == 0)
        return true;
    int64_t after = t - windows->layout.ranges[windows->layout.range_count - 1];
    if (windows->covered_from > LEAT_TIME_MIN && after + 1 < windows->covered_from)
        return false;
    return after >= windows->evicted_until && after >= dropped_until;
}

void leat_windows_read(struct leat_windows *windows, struct leat_bytes key, int64_t t, struct leat_value *ret,
                       bool *ret_complete)
{
    uint32_t hash;
    size_t slot = find_slot(windows, key, &hash);
    if (slot == LEAT_INDEX_NOT_FOUND) {
        leat_window_read_none(windows, ret);
        *ret_complete = is_complete(windows, NULL, t);
        return;
    }
    windows->recent_slot = slot;
    struct leat_window_key *block = windows->keys.slots[slot].block;
    bool all = leat_window_read_fast(windows, block, t, ret);
    *ret_complete = all && is_complete(windows, block, t);
}

void leat_windows_read_plain(const struct leat_windows *windows, struct leat_bytes key, int64_t t,
                             struct leat_value *ret, bool *ret_complete)
{
    uint32_t hash;
    size_t slot = find_slot(windows, key, &hash);
    if (slot == LEAT_INDEX_NOT_FOUND) {
        leat_window_read_none(windows, ret);
        *ret_complete = is_complete(windows, NULL, t);
        return;
    }
    const struct leat_window_key *block = windows->keys.slots[slot].block;
    bool all = leat_window_read_plain(windows, block, t, ret);
    *ret_complete = all && is_complete(windows, block, t);
}

/* ---- Evicting ---- */

/* An idle key leaves; with values that have no range it stays, and only its events leave. True when it left. */
static bool evict_key(struct leat_windows *windows, size_t slot)
{
    struct leat_window_key *key = windows->keys.slots[slot].block;
    if (windows->layout.life_count > 0) {
        leat_window_log_clear(windows, key);
        windows->keys.slots[slot].block = leat_window_log_shrink(windows, key);
        windows->keys.slots[slot].note = NO_EVENTS;
        return false;
    }
    /* It still has to say that its windows are not complete. */
    if (key->dropped_until > windows->evicted_until)
        return false;
    windows->recent_slot = LEAT_INDEX_NOT_FOUND;
    leat_index_remove(&windows->keys, slot);
    free_key(windows, key);
    windows->counters.evicted_keys++;
    return true;
}

static void sweep(struct leat_windows *windows)
{
    uint64_t budget = SWEEP_SLOTS + SWEEP_SLOTS_PER_ADD * (windows->adds - windows->swept_adds);
    windows->swept_adds = windows->adds;
    uint32_t idle = coarse(windows->evicted_until);
    for (uint64_t i = 0; i < budget && i < SWEEP_SLOTS_MAX; i++) {
        windows->hand &= windows->keys.mask;
        const struct leat_index_slot *slot = &windows->keys.slots[windows->hand];
        if (slot->block == NULL || slot->note >= idle || !evict_key(windows, windows->hand))
            windows->hand++;
    }
}

void leat_windows_evict(struct leat_windows *windows, int64_t horizon)
{
    if (windows->layout.range_count == 0 || horizon < LEAT_TIME_MIN)
        return;
    int64_t until = horizon - windows->layout.ranges[windows->layout.range_count - 1];
    if (until > windows->evicted_until)
        windows->evicted_until = until;
    sweep(windows);
}

struct leat_windows_counters leat_windows_counters(const struct leat_windows *windows)
{
    struct leat_windows_counters counters = windows->counters;
    counters.keys = windows->keys.count;
    counters.bytes = windows->slab.bytes;
    return counters;
}
