/* The categories of one feature: what the trainer saw, as text or numbers, and the number that its trees know each
 * by. Owned by the model; immutable once it is loaded. */
#ifndef LEAT_MODEL_CATEGORIES_H
#define LEAT_MODEL_CATEGORIES_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* What stands in a row for a category that was not seen in training. */
enum leat_unseen {
    LEAT_UNSEEN_MISSING, /* NaN: LightGBM */
    LEAT_UNSEEN_CODE,    /* `unseen`: a code that no split asks for */
    LEAT_UNSEEN_REFUSED, /* the row is refused, as the trainer does: XGBoost */
};

struct leat_categories;
struct leat_categories *leat_categories_new(enum leat_unseen unseen, double unseen_code);
void leat_categories_free(struct leat_categories *categories); /* NULL is fine */

/* false: it is there already. A number is one of the whole numbers that a double holds; -0 is 0, NaN is not one. */
bool leat_categories_add_text(struct leat_categories *categories, struct leat_bytes text, double code);
bool leat_categories_add_number(struct leat_categories *categories, double number, double code);

/* The whole number that a text is the decimal notation of, if it is one and not there already. */
void leat_categories_add_decimal(struct leat_categories *categories, struct leat_bytes text, double code);

/* The code of a category; NaN is NaN. -1: it was not seen, and such rows are refused. */
int leat_categories_of_text(const struct leat_categories *categories, struct leat_bytes text, double *ret);
int leat_categories_of_number(const struct leat_categories *categories, double number, double *ret);

size_t leat_categories_count(const struct leat_categories *categories);
size_t leat_categories_bytes(const struct leat_categories *categories);

#endif
