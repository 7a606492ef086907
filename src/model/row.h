/* Rows of features as JSON: an object by name, or an array in the model's order. */
#ifndef LEAT_MODEL_ROW_H
#define LEAT_MODEL_ROW_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "model/model.h"

struct leat_map;

/* One thread: reading works in `cells`. */
struct leat_row_names {
    struct leat_arena arena;
    const struct leat_model *model;
    const char *const *names;
    size_t count;
    struct leat_map *places;        /* of features */
    struct leat_map *inputs;        /* those of a graph, by name */
    const struct leat_json **cells; /* by feature; NULL: absent */
};

/* `names` NULL: the model file's; when that has none, f0, f1, … as XGBoost calls them. */
void leat_row_names_init(struct leat_row_names *ret, const struct leat_model *model, const char *const *names);
void leat_row_names_done(struct leat_row_names *names);

/* Whether an object's member of this name is a feature or an input of the model. */
bool leat_row_knows(const struct leat_row_names *names, struct leat_bytes name);
/* A number as JSON has it; true and false are 1 and 0; null and "NaN" are missing; "Infinity" and "-Infinity". */
bool leat_row_value(const struct leat_json *node, double *ret);
/* count values, categories as their codes. A name that is absent is missing; one that the model does not have is an
 * error that says which is near, and so is a category that the trainer refuses. Graphs with inputs: an object by input
 * name, too, each a scalar or an array, and in an array of arrays each is an input's. */
int leat_row_read(const struct leat_row_names *names, const struct leat_json *row, double *ret, struct leat_error *err);
/* "amount=12.5 country="NL" tx_1h=NaN …" of a row that was read, at most `max` bytes and then "…". For messages. */
void leat_row_show(const struct leat_row_names *names, const struct leat_json *row, size_t max, struct leat_buffer *out);

#endif
