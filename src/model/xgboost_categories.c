/* The categories that XGBoost 3.1 and later store: which text or number each code stands for.
 *
 *   cats.enc[feature]  {offsets, values}: texts, code k is the bytes from offsets[k] to offsets[k + 1], which are
 *                      signed; {type, values}: whole numbers, code k is values[k]. Empty: the feature is a number, or
 *                      its rows hold codes, as those of earlier versions all do.
 *
 * A category that the table lacks is refused. (XGBoost 3.1 and 3.2 say an error for those that sort behind all of the
 * table, and score others as the next one in order.) */
#include "model/xgboost.h"

#include "base/arena.h"

#include <stdlib.h>

#define WHOLE_MAX ((int64_t)1 << 53) /* a double holds each up to here */

/* Kinds of integer arrays by the trainer's own numbers: from 9 on i8, u8, i16, u16, i32, u32, i64, u64. */
#define TYPE_FIRST 9
#define TYPE_LAST 16

static int refuse_feature(struct leat_xgboost *l, uint32_t feature)
{
    return leat_error_prefix(l->err, "model.cats.enc[%u]", feature);
}

/* The bytes are put one behind another into `text`. Until 3.3 the trainer cut texts that are not ASCII. */
static int join_bytes(struct leat_xgboost *l, const struct leat_json *values, char *text)
{
    bool ascii_only = !leat_xgboost_before(l, 3, 1) && leat_xgboost_before(l, 3, 4);
    for (uint32_t i = 0; i < values->count; i++) {
        int64_t byte;
        if (!leat_json_integer(&values->as.elements[i], &byte) || byte < -128 || byte > 255)
            return leat_xgboost_refuse(l, "values[%u] is not a byte", i);
        if (ascii_only && (byte < 0 || byte > 127))
            return leat_xgboost_refuse(l,
                                       "a category is not ASCII; XGBoost %lld.%lld stores such cut short, so the model "
                                       "can not be read right: rename it, or save with XGBoost 3.4 or later",
                                       (long long)l->version_major, (long long)l->version_minor);
        text[i] = (char)byte;
    }
    return 0;
}

static int add_texts(struct leat_xgboost *l, const struct leat_json *offsets, struct leat_bytes text,
                     struct leat_categories *categories)
{
    int64_t begin = 0;
    for (uint32_t i = 0; i < offsets->count; i++) {
        int64_t end;
        if (!leat_json_integer(&offsets->as.elements[i], &end) || end < begin || (uint64_t)end > text.len ||
            (i == 0 && end != 0))
            return leat_xgboost_refuse(l, "offsets[%u] is not a place in the %zu bytes of values, in ascending order",
                                       i, text.len);
        struct leat_bytes category = {text.data + begin, (size_t)(end - begin)};
        if (i > 0 && !leat_utf8_valid(category))
            return leat_xgboost_refuse(l, "category %u is not UTF-8", i - 1);
        if (i > 0 && !leat_categories_add_text(categories, category, (double)(i - 1)))
            return leat_xgboost_refuse(l, "the category '%.*s' is there twice", LEAT_BYTES_FORMAT(category));
        begin = end;
    }
    return 0;
}

static int read_texts(struct leat_xgboost *l, const struct leat_json *offsets, const struct leat_json *values,
                      struct leat_categories *categories)
{
    char *text = leat_malloc(values->count);
    int status = join_bytes(l, values, text);
    if (status == 0)
        status = add_texts(l, offsets, (struct leat_bytes){text, values->count}, categories);
    free(text);
    return status;
}

/* UBJSON has no unsigned numbers beyond a byte: it holds them as the signed ones of the same bits. */
static int64_t as_unsigned(int64_t value, int64_t type)
{
    bool is_unsigned = type % 2 == 0;
    int bits = 8 << (type - TYPE_FIRST) / 2;
    return is_unsigned && value < 0 && bits < 64 ? value + ((int64_t)1 << bits) : value;
}

static int read_numbers(struct leat_xgboost *l, const struct leat_json *entry, const struct leat_json *values,
                        struct leat_categories *categories)
{
    int64_t type = 0;
    if (!leat_json_integer(leat_json_get(entry, "type"), &type) || type < TYPE_FIRST || type > TYPE_LAST)
        return leat_xgboost_refuse(l, "neither texts nor whole numbers");
    for (uint32_t i = 0; i < values->count; i++) {
        int64_t value;
        if (!leat_json_integer(&values->as.elements[i], &value) || value < -WHOLE_MAX || value > WHOLE_MAX ||
            (type == TYPE_LAST && value < 0))
            return leat_xgboost_refuse(l, "values[%u] is not a whole number of at most 2^53", i);
        value = as_unsigned(value, type);
        if (!leat_categories_add_number(categories, (double)value, (double)i))
            return leat_xgboost_refuse(l, "the category %lld is there twice", (long long)value);
    }
    return 0;
}

static int read_feature(struct leat_xgboost *l, const struct leat_json *entry, uint32_t feature)
{
    struct leat_forest *forest = l->forest;
    const struct leat_json *offsets = leat_json_get(entry, "offsets");
    const struct leat_json *values = leat_json_get(entry, "values");
    if (values == NULL || values->type != LEAT_JSON_ARRAY || (offsets != NULL && offsets->type != LEAT_JSON_ARRAY))
        return leat_xgboost_refuse(l, "there are no arrays of offsets and values");
    if (offsets == NULL ? values->count == 0 : offsets->count <= 1)
        return 0;
    if (forest->categories == NULL) {
        size_t count = forest->feature_count;
        forest->feature_kinds = leat_arena_zalloc(&forest->arena, count, sizeof *forest->feature_kinds);
        forest->categories = leat_arena_zalloc(&forest->arena, count, sizeof *forest->categories);
    }
    struct leat_categories *categories = leat_categories_new(LEAT_UNSEEN_REFUSED, 0);
    forest->feature_kinds[feature] = offsets == NULL ? LEAT_FEATURE_CODED : LEAT_FEATURE_TEXT;
    forest->categories[feature] = categories;
    return offsets == NULL ? read_numbers(l, entry, values, categories) : read_texts(l, offsets, values, categories);
}

int leat_xgboost_categories(struct leat_xgboost *l, const struct leat_json *model)
{
    const struct leat_json *cats = leat_json_get(model, "cats");
    const struct leat_json *enc = NULL;
    if (cats == NULL)
        return 0;
    if (leat_xgboost_need(l, cats, "model.cats", "enc", LEAT_JSON_ARRAY, &enc) != 0)
        return -1;
    if (enc->count != 0 && enc->count != l->forest->feature_count)
        return leat_xgboost_refuse(l, "model.cats.enc has %u entries, but the model has %zu features", enc->count,
                                   l->forest->feature_count);
    for (uint32_t i = 0; i < enc->count; i++)
        if (read_feature(l, &enc->as.elements[i], i) != 0)
            return refuse_feature(l, i);
    return 0;
}
