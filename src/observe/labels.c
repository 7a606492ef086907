#include "observe/labels.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

struct label {
    int64_t time;
    double value;
};

struct leat_labels {
    int64_t wait, clock;
    struct leat_map *index; /* key → labels[] */
    struct label *labels;
    size_t count, capacity;
    struct leat_map *seen; /* partition and offset of decisions */
    struct leat_labels_counts counts;
};

struct leat_labels *leat_labels_new(int64_t wait)
{
    struct leat_labels *labels = leat_calloc(1, sizeof *labels);
    labels->wait = wait;
    labels->clock = LEAT_TIME_NONE;
    labels->index = leat_map_new();
    labels->seen = leat_map_new();
    return labels;
}

void leat_labels_free(struct leat_labels *labels)
{
    if (!labels)
        return;
    leat_map_free(labels->index);
    leat_map_free(labels->seen);
    free(labels->labels);
    free(labels);
}

void leat_labels_add(struct leat_labels *labels, struct leat_bytes key, int64_t time, double value)
{
    bool is_new;
    uint64_t *at = leat_map_put(labels->index, key, &is_new);
    if (time > labels->clock)
        labels->clock = time;
    if (!is_new) {
        double known = labels->labels[*at].value;
        labels->counts.repeats++;
        labels->counts.conflicts += !(known >= value && known <= value);
        return;
    }
    if (labels->count == labels->capacity) {
        labels->capacity = labels->capacity ? labels->capacity * 2 : 1024;
        labels->labels = leat_realloc(labels->labels, labels->capacity, sizeof *labels->labels);
    }
    *at = labels->count;
    labels->labels[labels->count++] = (struct label){time, value};
    labels->counts.labels++;
}

enum leat_label_status leat_labels_find(const struct leat_labels *labels, struct leat_bytes key, int64_t time,
                                        double *ret)
{
    if (key.len == 0 || leat_bytes_is(key, "null"))
        return LEAT_LABEL_NO_KEY;
    const uint64_t *at = leat_map_find(labels->index, key);
    if (!at) {
        bool over = labels->wait > 0 && labels->clock != LEAT_TIME_NONE && labels->clock - time > labels->wait;
        return over ? LEAT_LABEL_MISSING : LEAT_LABEL_PENDING;
    }
    const struct label *label = &labels->labels[*at];
    if (labels->wait > 0 && label->time - time > labels->wait)
        return LEAT_LABEL_LATE;
    *ret = label->value;
    return LEAT_LABEL_FOUND;
}

static bool is_first(struct leat_labels *labels, int32_t partition, int64_t offset)
{
    char place[sizeof partition + sizeof offset];
    memcpy(place, &partition, sizeof partition);
    memcpy(place + sizeof partition, &offset, sizeof offset);
    bool is_new;
    leat_map_put(labels->seen, (struct leat_bytes){place, sizeof place}, &is_new);
    return is_new;
}

enum leat_label_status leat_labels_join(struct leat_labels *labels, int32_t partition, int64_t offset,
                                        struct leat_bytes key, int64_t time, double *ret)
{
    enum leat_label_status status = LEAT_LABEL_REPEATED;
    if (is_first(labels, partition, offset))
        status = leat_labels_find(labels, key, time, ret);
    labels->counts.decisions[status]++;
    return status;
}

const struct leat_labels_counts *leat_labels_counts(const struct leat_labels *labels)
{
    return &labels->counts;
}

int64_t leat_labels_clock(const struct leat_labels *labels)
{
    return labels->clock;
}
