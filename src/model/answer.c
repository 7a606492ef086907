/* Names for the numbers of a model's answer. */
#include "model/model.h"

#include "base/json.h"

#include <string.h>

#define LISTED_MAX 8 /* names in a message */

/* ---- what a model has ---- */

static bool has_probabilities(const struct leat_model_info *info)
{
    return info->classifier && !info->no_probability;
}

/* A binary classifier gives one probability, of its second class. */
static bool has_one_probability(const struct leat_model_info *info)
{
    return has_probabilities(info) && info->output_count == 1 && info->class_count == 2;
}

/* A detector of anomalies, say: a graph gives a label, and beside it a score that is no class's. */
static bool has_score_beside(const struct leat_model_info *info)
{
    return !has_probabilities(info) && info->output_count == 1 && info->raw_count > info->margin_count;
}

static bool has_value(const struct leat_model_info *info)
{
    return !info->classifier || has_score_beside(info);
}

/* The names of a series of numbers, in brackets behind "probability", "value" or "margin"; NULL: indexes only. */
static const char *const *names_of(const struct leat_model_info *info, enum leat_answer_kind kind)
{
    size_t count = kind == LEAT_ANSWER_MARGIN ? info->margin_count : info->output_count;
    if (info->output_names != NULL && info->output_count == count)
        return info->output_names;
    return info->class_names != NULL && info->class_count == count ? info->class_names : NULL;
}

/* ---- messages ---- */

static void list_name(struct leat_buffer *text, const char *word, const char *const *names, size_t index)
{
    leat_buffer_append_text(text, text->len == 0 ? "" : ", ");
    if (names == NULL)
        leat_buffer_format(text, "%s[%zu]", word, index);
    else
        leat_buffer_format(text, "%s[%.64s]", word, names[index]);
}

/* A series: of one its word alone, of many the first ones and how many there are. */
static void list_series(struct leat_buffer *text, const char *word, const char *const *names, size_t count)
{
    if (count == 1)
        leat_buffer_format(text, "%s%s", text->len == 0 ? "" : ", ", word);
    for (size_t i = 0; i < count && i < LISTED_MAX && count > 1; i++)
        list_name(text, word, names, i);
    if (count > LISTED_MAX)
        leat_buffer_format(text, ", … (%zu in all)", count);
}

void leat_model_answer_list(const struct leat_model *model, struct leat_buffer *text)
{
    const struct leat_model_info *info = leat_model_info(model);
    if (has_probabilities(info)) {
        leat_buffer_append_text(text, "probability");
        if (has_one_probability(info))
            list_name(text, "probability", info->class_names, 1);
        else
            list_series(text, "probability", names_of(info, LEAT_ANSWER_OUTPUT), info->output_count);
    } else if (has_value(info)) {
        list_series(text, "value", names_of(info, LEAT_ANSWER_OUTPUT), info->output_count);
    }
    if (info->classifier)
        leat_buffer_append_text(text, text->len == 0 ? "class" : ", class");
    list_series(text, "margin", names_of(info, LEAT_ANSWER_MARGIN), info->margin_count);
}

static int refuse(const struct leat_model *model, struct leat_error *err, const char *what, struct leat_bytes name)
{
    struct leat_buffer text = {0};
    leat_model_answer_list(model, &text);
    leat_error_set(err, LEAT_ERROR_FINDING, "%s '%.*s'; it has %s", what, (int)(name.len > 64 ? 64 : name.len),
                   name.data, leat_buffer_text(&text));
    leat_buffer_done(&text);
    return -1;
}

/* ---- finding ---- */

/* Names come first. Where these are numbers themselves, an index would be mistaken for one of them. */
static bool find_index(const struct leat_model_info *info, const char *const *names, size_t count,
                       struct leat_bytes wanted, size_t *ret)
{
    for (size_t i = 0; i < count && names != NULL; i++) {
        *ret = i;
        if (leat_bytes_is(wanted, names[i]))
            return true;
    }
    bool numbers = names != NULL && (names == info->output_names || info->class_numbers);
    double ignored;
    for (size_t i = 0; i < count && numbers && names == info->output_names; i++)
        numbers = leat_double_parse(leat_bytes_of(names[i]), &ignored) == 0;
    int64_t index;
    if (numbers || leat_int_parse(wanted, &index) != 0 || index < 0 || (uint64_t)index >= count)
        return false;
    *ret = (size_t)index;
    return true;
}

/* Outputs that are named by numbers between 0 and 1 in rising order. */
static bool are_quantiles(const struct leat_model_info *info)
{
    double last = 0;
    if (info->classifier || info->output_names == NULL || info->output_count < 2)
        return false;
    for (size_t i = 0; i < info->output_count; i++) {
        double level;
        if (leat_double_parse(leat_bytes_of(info->output_names[i]), &level) != 0 || !(level > last && level < 1))
            return false;
        last = level;
    }
    return true;
}

static int find_default(const struct leat_model *model, struct leat_answer *ret, struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(model);
    *ret = (struct leat_answer){LEAT_ANSWER_OUTPUT, 0};
    if (info->classifier && !has_probabilities(info))
        ret->kind = has_score_beside(info) ? LEAT_ANSWER_OUTPUT : LEAT_ANSWER_CLASS;
    else if (info->classifier && info->class_count == 2 && info->output_count == 2)
        ret->index = 1; /* graphs have a column for each of two classes, too */
    else if (info->classifier && !has_one_probability(info))
        ret->kind = LEAT_ANSWER_TOP;
    else if (are_quantiles(info))
        ret->index = (info->output_count - 1) / 2;
    else if (info->output_count > 1)
        return refuse(model, err, "the model has several outputs; one of them must be named, not",
                      (struct leat_bytes){"", 0});
    return 0;
}

/* What stands before and in the brackets; false when they do not close at the end. */
static bool part(struct leat_bytes name, struct leat_bytes *ret_word, struct leat_bytes *ret_inner)
{
    const char *open = memchr(name.data, '[', name.len);
    *ret_word = name;
    *ret_inner = (struct leat_bytes){NULL, 0};
    if (open == NULL)
        return true;
    size_t len = (size_t)(open - name.data);
    *ret_word = (struct leat_bytes){name.data, len};
    *ret_inner = (struct leat_bytes){open + 1, name.len - len - 2};
    return name.len >= len + 2 && name.data[name.len - 1] == ']';
}

static int find_probability(const struct leat_model *model, struct leat_bytes name, struct leat_bytes inner,
                            struct leat_answer *ret, struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(model);
    if (!has_probabilities(info))
        return refuse(model, err, "the model gives no probability, so there is no", name);
    if (inner.data == NULL)
        return find_default(model, ret, err);
    if (!has_one_probability(info)) {
        if (find_index(info, names_of(info, LEAT_ANSWER_OUTPUT), info->output_count, inner, &ret->index))
            return 0;
        return refuse(model, err, "the model has no class of", name);
    }
    size_t class_index;
    if (!find_index(info, info->class_names, 2, inner, &class_index))
        return refuse(model, err, "the model has no class of", name);
    if (class_index == 0)
        return refuse(model, err, "a binary model gives the probability of its second class only, not", name);
    return 0;
}

static int find_series(const struct leat_model *model, enum leat_answer_kind kind, struct leat_bytes name,
                       struct leat_bytes inner, struct leat_answer *ret, struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(model);
    size_t count = kind == LEAT_ANSWER_MARGIN ? info->margin_count : info->output_count;
    ret->kind = kind;
    if (inner.data == NULL && count == 1)
        return 0;
    if (inner.data == NULL)
        return refuse(model, err, "there are several, or none, of", name);
    if (find_index(info, names_of(info, kind), count, inner, &ret->index))
        return 0;
    return refuse(model, err, "the model has no", name);
}

int leat_model_answer_find(const struct leat_model *model, const char *name, struct leat_answer *ret,
                           struct leat_error *err)
{
    const struct leat_model_info *info = leat_model_info(model);
    struct leat_bytes whole = leat_bytes_of(name);
    struct leat_bytes word;
    struct leat_bytes inner;
    struct leat_answer answer = {LEAT_ANSWER_OUTPUT, 0};
    int status;
    if (whole.len == 0)
        status = find_default(model, &answer, err);
    else if (!part(whole, &word, &inner))
        status = refuse(model, err, "a bracket is not closed at the end of", whole);
    else if (leat_bytes_is(word, "probability"))
        status = find_probability(model, whole, inner, &answer, err);
    else if (leat_bytes_is(word, "margin"))
        status = find_series(model, LEAT_ANSWER_MARGIN, whole, inner, &answer, err);
    else if (leat_bytes_is(word, "value") && has_value(info))
        status = find_series(model, LEAT_ANSWER_OUTPUT, whole, inner, &answer, err);
    else if (leat_bytes_is(whole, "class") && info->classifier)
        answer.kind = LEAT_ANSWER_CLASS, status = 0;
    else
        status = refuse(model, err, "the model has no", whole);
    if (status == 0)
        *ret = answer;
    return status;
}

/* ---- the number ---- */

static double class_number(const struct leat_model_info *info, size_t label)
{
    double number;
    if (!info->class_numbers || info->class_names == NULL || label >= info->class_count ||
        leat_double_parse(leat_bytes_of(info->class_names[label]), &number) != 0)
        return (double)label;
    return number;
}

double leat_model_answer(const struct leat_model *model, struct leat_answer answer, const double *out, const double *raw)
{
    switch (answer.kind) {
    case LEAT_ANSWER_MARGIN:
        return raw[answer.index];
    case LEAT_ANSWER_CLASS:
        return class_number(leat_model_info(model), leat_model_label(model, out, raw));
    case LEAT_ANSWER_TOP:
        return out[leat_model_label(model, out, raw)];
    case LEAT_ANSWER_OUTPUT:
        break;
    }
    return out[answer.index];
}
