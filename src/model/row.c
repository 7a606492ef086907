#include "model/row.h"

#include "base/map.h"

#include <math.h>
#include <string.h>

void leat_row_names_init(struct leat_row_names *ret, const struct leat_model *model, const char *const *names)
{
    const struct leat_model_info *info = leat_model_info(model);
    *ret = (struct leat_row_names){.names = names != NULL ? names : info->feature_names, .count = info->feature_count};
    if (ret->names == NULL) {
        char **made = leat_arena_zalloc(&ret->arena, ret->count, sizeof *made);
        for (size_t i = 0; i < ret->count; i++)
            made[i] = leat_arena_format(&ret->arena, "f%zu", i);
        ret->names = (const char *const *)made;
    }
    ret->places = leat_map_new();
    for (size_t i = 0; i < ret->count; i++)
        *leat_map_put(ret->places, leat_bytes_of(ret->names[i]), NULL) = i;
}

void leat_row_names_done(struct leat_row_names *names)
{
    leat_map_free(names->places);
    leat_arena_done(&names->arena);
    *names = (struct leat_row_names){0};
}

bool leat_row_value(const struct leat_json *node, double *ret)
{
    if (leat_json_number(node, ret))
        return true;
    if (node->type == LEAT_JSON_BOOL) {
        *ret = node->as.boolean ? 1 : 0;
        return true;
    }
    if (node->type == LEAT_JSON_NULL || (node->type == LEAT_JSON_STRING && leat_bytes_is(node->as.string, "NaN"))) {
        *ret = (double)NAN;
        return true;
    }
    if (node->type != LEAT_JSON_STRING)
        return false;
    bool negative = leat_bytes_is(node->as.string, "-Infinity");
    *ret = negative ? (double)-INFINITY : (double)INFINITY;
    return negative || leat_bytes_is(node->as.string, "Infinity");
}

static int bad_value(const char *name, const struct leat_json *node, struct leat_error *err)
{
    if (node->type == LEAT_JSON_STRING)
        return leat_error_set(err, LEAT_ERROR_FINDING, "feature '%s' is \"%.60s\"; a number or null belongs there",
                              name, node->as.string.data);
    return leat_error_set(err, LEAT_ERROR_FINDING, "feature '%s' is %s; a number or null belongs there", name,
                          leat_json_type_name(node->type));
}

static int read_array(const struct leat_row_names *names, const struct leat_json *row, double *ret,
                      struct leat_error *err)
{
    if (row->count != names->count)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the row has %u values; the model has %zu features", row->count,
                              names->count);
    for (uint32_t i = 0; i < row->count; i++)
        if (!leat_row_value(&row->as.elements[i], &ret[i]))
            return bad_value(names->names[i], &row->as.elements[i], err);
    return 0;
}

static int unknown_name(const struct leat_row_names *names, struct leat_bytes name, struct leat_error *err)
{
    const char *nearest = leat_nearest(name, names->names, names->count);
    return leat_error_set(err, LEAT_ERROR_FINDING, "the model has no feature '%.100s'%s%s%s", name.data,
                          nearest == NULL ? "" : "; the nearest is '", nearest == NULL ? "" : nearest,
                          nearest == NULL ? "" : "'");
}

static int read_object(const struct leat_row_names *names, const struct leat_json *row, double *ret,
                       struct leat_error *err)
{
    for (size_t i = 0; i < names->count; i++)
        ret[i] = (double)NAN;
    for (uint32_t i = 0; i < row->count; i++) {
        const struct leat_json_member *member = &row->as.members[i];
        const uint64_t *place = leat_map_find(names->places, member->name);
        if (place == NULL)
            return unknown_name(names, member->name, err);
        if (!leat_row_value(&member->value, &ret[*place]))
            return bad_value(names->names[*place], &member->value, err);
    }
    return 0;
}

int leat_row_read(const struct leat_row_names *names, const struct leat_json *row, double *ret, struct leat_error *err)
{
    if (row->type == LEAT_JSON_ARRAY)
        return read_array(names, row, ret, err);
    if (row->type == LEAT_JSON_OBJECT)
        return read_object(names, row, ret, err);
    return leat_error_set(err, LEAT_ERROR_FINDING, "a row is an object by feature name or an array, not %s",
                          leat_json_type_name(row->type));
}

void leat_row_show(const struct leat_row_names *names, const double *row, size_t max, struct leat_buffer *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < names->count; i++) {
        char number[32];
        leat_double_format(row[i], number);
        if (out->len - start + strlen(names->names[i]) + strlen(number) + 2 > max) {
            leat_buffer_append_text(out, i == 0 ? "…" : " …");
            return;
        }
        leat_buffer_format(out, "%s%s=%s", i == 0 ? "" : " ", names->names[i], number);
    }
}
