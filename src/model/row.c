#include "model/row.h"

#include "base/map.h"

#include <math.h>
#include <string.h>

void leat_row_names_init(struct leat_row_names *ret, const struct leat_model *model, const char *const *names)
{
    const struct leat_model_info *info = leat_model_info(model);
    *ret = (struct leat_row_names){
        .model = model,
        .names = names != NULL ? names : info->feature_names,
        .count = info->feature_count,
    };
    if (ret->names == NULL) {
        char **made = leat_arena_zalloc(&ret->arena, ret->count, sizeof *made);
        for (size_t i = 0; i < ret->count; i++)
            made[i] = leat_arena_format(&ret->arena, "f%zu", i);
        ret->names = (const char *const *)made;
    }
    ret->cells = leat_arena_zalloc(&ret->arena, ret->count + 1, sizeof *ret->cells);
    ret->places = leat_map_new();
    for (size_t i = 0; i < ret->count; i++)
        *leat_map_put(ret->places, leat_bytes_of(ret->names[i]), NULL) = i;
    ret->inputs = leat_map_new();
    for (size_t i = 0; info->inputs != NULL && i < info->input_count; i++)
        *leat_map_put(ret->inputs, leat_bytes_of(info->inputs[i].name), NULL) = i;
}

void leat_row_names_done(struct leat_row_names *names)
{
    leat_map_free(names->places);
    leat_map_free(names->inputs);
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

/* -- which value of the row is which feature's ---------------------------------------------------------------------- */

/* The values of an input, nested as it likes, one after the other. -1: more than `count`. */
static int flatten(const struct leat_json *node, const struct leat_json **cells, size_t count, size_t *at)
{
    if (node->type != LEAT_JSON_ARRAY) {
        if (*at == count)
            return -1;
        cells[(*at)++] = node;
        return 0;
    }
    for (uint32_t i = 0; i < node->count; i++)
        if (flatten(&node->as.elements[i], cells, count, at) != 0)
            return -1;
    return 0;
}

static int place_array(const struct leat_row_names *names, const struct leat_json *row, struct leat_error *err)
{
    size_t at = 0;
    bool nested = leat_model_info(names->model)->inputs != NULL;
    if (nested && flatten(row, names->cells, names->count, &at) == 0 && at == names->count)
        return 0;
    for (at = 0; !nested && row->count == names->count && at < names->count; at++)
        names->cells[at] = &row->as.elements[at];
    if (!nested && row->count == names->count)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING, "the row has %u values; the model has %zu features", row->count,
                          names->count);
}

static const struct leat_model_input *find_input(const struct leat_row_names *names, struct leat_bytes name)
{
    const uint64_t *place = leat_map_find(names->inputs, name);
    return place == NULL ? NULL : &leat_model_info(names->model)->inputs[*place];
}

bool leat_row_knows(const struct leat_row_names *names, struct leat_bytes name)
{
    return find_input(names, name) != NULL || leat_map_find(names->places, name) != NULL;
}

static int place_input(const struct leat_row_names *names, const struct leat_model_input *input,
                       const struct leat_json *value, struct leat_error *err)
{
    size_t at = 0;
    if (value->type == LEAT_JSON_NULL) /* all of it is missing */
        return 0;
    if (flatten(value, names->cells + input->first, input->width, &at) == 0 && at == input->width)
        return 0;
    return leat_error_set(err, LEAT_ERROR_FINDING, "input '%.100s' has another number of values than the model's %zu",
                          input->name, input->width);
}

static int unknown_name(const struct leat_row_names *names, struct leat_bytes name, struct leat_error *err)
{
    const char *nearest = leat_nearest(name, names->names, names->count);
    return leat_error_set(err, LEAT_ERROR_FINDING, "the model has no feature '%.100s'%s%s%s", name.data,
                          nearest == NULL ? "" : "; the nearest is '", nearest == NULL ? "" : nearest,
                          nearest == NULL ? "" : "'");
}

static int place_object(const struct leat_row_names *names, const struct leat_json *row, struct leat_error *err)
{
    for (size_t i = 0; i < names->count; i++)
        names->cells[i] = NULL;
    for (uint32_t i = 0; i < row->count; i++) {
        const struct leat_json_member *member = &row->as.members[i];
        const struct leat_model_input *input = find_input(names, member->name);
        const uint64_t *place = input == NULL ? leat_map_find(names->places, member->name) : NULL;
        if (input == NULL && place == NULL)
            return unknown_name(names, member->name, err);
        if (input != NULL && place_input(names, input, &member->value, err) != 0)
            return -1;
        if (place != NULL)
            names->cells[*place] = &member->value;
    }
    return 0;
}

static int place(const struct leat_row_names *names, const struct leat_json *row, struct leat_error *err)
{
    if (row->type == LEAT_JSON_ARRAY)
        return place_array(names, row, err);
    if (row->type == LEAT_JSON_OBJECT)
        return place_object(names, row, err);
    return leat_error_set(err, LEAT_ERROR_FINDING, "a row is an object by feature name or an array, not %s",
                          leat_json_type_name(row->type));
}

/* -- values --------------------------------------------------------------------------------------------------------- */

static enum leat_feature_kind kind_of(const struct leat_row_names *names, size_t feature)
{
    const struct leat_model_info *info = leat_model_info(names->model);
    return info->feature_kinds != NULL ? info->feature_kinds[feature] : LEAT_FEATURE_NUMBER;
}

static int bad_value(const struct leat_row_names *names, size_t feature, const struct leat_json *node,
                     struct leat_error *err)
{
    static const char *const belongs[] = {
        [LEAT_FEATURE_NUMBER] = "a number",
        [LEAT_FEATURE_TEXT] = "the text of a category",
        [LEAT_FEATURE_CODED] = "the whole number of a category",
        [LEAT_FEATURE_CATEGORY] = "the text or whole number of a category",
    };
    const char *name = names->names[feature], *what = belongs[kind_of(names, feature)];
    if (node->type == LEAT_JSON_STRING)
        return leat_error_set(err, LEAT_ERROR_FINDING, "feature '%s' is \"%.60s\"; %s or null belongs there", name,
                              node->as.string.data, what);
    return leat_error_set(err, LEAT_ERROR_FINDING, "feature '%s' is %s; %s or null belongs there", name,
                          leat_json_type_name(node->type), what);
}

static int unseen(const struct leat_row_names *names, size_t feature, const struct leat_json *node,
                  struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {.max = 200};
    leat_json_put(&text, node);
    return leat_error_set(err, LEAT_ERROR_FINDING, "feature '%s': the category %s was not seen in training",
                          names->names[feature], text.failed ? "(a long text)" : leat_buffer_text(&text));
}

static int read_category(const struct leat_row_names *names, size_t feature, const struct leat_json *node, double *ret,
                         struct leat_error *err)
{
    enum leat_feature_kind kind = kind_of(names, feature);
    double number;
    int status;
    if (node->type == LEAT_JSON_STRING && kind != LEAT_FEATURE_CODED)
        status = leat_model_code_text(names->model, feature, node->as.string, ret);
    else if (node->type != LEAT_JSON_STRING && kind != LEAT_FEATURE_TEXT && leat_row_value(node, &number))
        status = leat_model_code_number(names->model, feature, number, ret);
    else
        return bad_value(names, feature, node, err);
    return status == 0 ? 0 : unseen(names, feature, node, err);
}

static int read_cell(const struct leat_row_names *names, size_t feature, double *ret, struct leat_error *err)
{
    const struct leat_json *node = names->cells[feature];
    *ret = (double)NAN;
    if (node == NULL || node->type == LEAT_JSON_NULL)
        return 0;
    if (kind_of(names, feature) != LEAT_FEATURE_NUMBER)
        return read_category(names, feature, node, ret, err);
    return leat_row_value(node, ret) ? 0 : bad_value(names, feature, node, err);
}

int leat_row_read(const struct leat_row_names *names, const struct leat_json *row, double *ret, struct leat_error *err)
{
    if (place(names, row, err) != 0)
        return leat_error_one_line(err);
    for (size_t i = 0; i < names->count; i++)
        if (read_cell(names, i, &ret[i], err) != 0)
            return leat_error_one_line(err);
    return 0;
}

static void put_cell(const struct leat_json *node, struct leat_buffer *out)
{
    double number;
    char text[32];
    if (node == NULL || node->type == LEAT_JSON_NULL || (leat_json_number(node, &number) && isnan(number)))
        leat_buffer_append_text(out, "NaN");
    else if (leat_json_number(node, &number))
        leat_buffer_append(out, text, leat_double_format(number, text));
    else
        leat_json_put(out, node);
}

void leat_row_show(const struct leat_row_names *names, const struct leat_json *row, size_t max, struct leat_buffer *out)
{
    size_t start = out->len;
    if (place(names, row, NULL) != 0)
        return;
    for (size_t i = 0; i < names->count; i++) {
        LEAT_CLEAN_BUFFER value = {0};
        put_cell(names->cells[i], &value);
        if (out->len - start + strlen(names->names[i]) + value.len + 2 > max) {
            leat_buffer_append_text(out, i == 0 ? "…" : " …");
            return;
        }
        leat_buffer_format(out, "%s%s=%s", i == 0 ? "" : " ", names->names[i], leat_buffer_text(&value));
    }
}
