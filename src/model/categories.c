#include "model/categories.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts and numbers in one map: a key begins with the letter that tells which. */
#define TEXT 't'
#define NUMBER 'n'
#define KEY_ROOM 256 /* longer keys are put together on the heap */

struct leat_categories {
    struct leat_map *codes;
    enum leat_unseen unseen;
    double unseen_code;
};

struct leat_categories *leat_categories_new(enum leat_unseen unseen, double unseen_code)
{
    struct leat_categories *categories = leat_calloc(1, sizeof *categories);
    *categories = (struct leat_categories){leat_map_new(), unseen, unseen_code};
    return categories;
}

void leat_categories_free(struct leat_categories *categories)
{
    if (categories == NULL)
        return;
    leat_map_free(categories->codes);
    free(categories);
}

/* The key in `room` when it fits there, else on the heap: *ret_heap. */
static struct leat_bytes key_of(char letter, struct leat_bytes content, char *room, char **ret_heap)
{
    *ret_heap = content.len < KEY_ROOM ? NULL : leat_calloc(content.len + 1, 1);
    char *key = *ret_heap == NULL ? room : *ret_heap;
    key[0] = letter;
    if (content.len > 0)
        memcpy(key + 1, content.data, content.len);
    return (struct leat_bytes){key, content.len + 1};
}

static struct leat_bytes bytes_of(const double *number)
{
    return (struct leat_bytes){(const char *)number, sizeof *number};
}

static bool add(struct leat_categories *categories, char letter, struct leat_bytes content, double code)
{
    char room[KEY_ROOM];
    char *heap;
    struct leat_bytes key = key_of(letter, content, room, &heap);
    bool added = false;
    uint64_t *value = leat_map_put(categories->codes, key, &added);
    if (added)
        memcpy(value, &code, sizeof code);
    free(heap);
    return added;
}

bool leat_categories_add_text(struct leat_categories *categories, struct leat_bytes text, double code)
{
    return add(categories, TEXT, text, code);
}

bool leat_categories_add_number(struct leat_categories *categories, double number, double code)
{
    double plain = number + 0.0; /* of the two zeros one */
    return add(categories, NUMBER, bytes_of(&plain), code);
}

void leat_categories_add_decimal(struct leat_categories *categories, struct leat_bytes text, double code)
{
    char again[24];
    int64_t number = 0;
    if (leat_int_parse(text, &number) != 0 || number > (int64_t)1 << 53 || number < -((int64_t)1 << 53))
        return;
    snprintf(again, sizeof again, "%lld", (long long)number);
    if (leat_bytes_is(text, again))
        leat_categories_add_number(categories, (double)number, code);
}

static int find(const struct leat_categories *categories, char letter, struct leat_bytes content, double *ret)
{
    char room[KEY_ROOM];
    char *heap;
    struct leat_bytes key = key_of(letter, content, room, &heap);
    const uint64_t *value = leat_map_find(categories->codes, key);
    free(heap);
    if (value != NULL) {
        memcpy(ret, value, sizeof *ret);
        return 0;
    }
    if (categories->unseen == LEAT_UNSEEN_REFUSED)
        return -1;
    *ret = categories->unseen == LEAT_UNSEEN_MISSING ? (double)NAN : categories->unseen_code;
    return 0;
}

int leat_categories_of_text(const struct leat_categories *categories, struct leat_bytes text, double *ret)
{
    return find(categories, TEXT, text, ret);
}

int leat_categories_of_number(const struct leat_categories *categories, double number, double *ret)
{
    double plain = number + 0.0;
    if (!isnan(number))
        return find(categories, NUMBER, bytes_of(&plain), ret);
    *ret = number;
    return 0;
}

size_t leat_categories_count(const struct leat_categories *categories)
{
    return leat_map_count(categories->codes);
}

size_t leat_categories_bytes(const struct leat_categories *categories)
{
    return sizeof *categories + leat_map_memory(categories->codes);
}
