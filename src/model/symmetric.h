/* A kernel for symmetric trees, as CatBoost grows them: every node of a level asks the same.
 *
 * A row's features are first turned into *ranks*: how many of the model's borders for that feature lie below the value,
 * as a byte. A level is then one comparison of bytes, made for sixteen rows at once, and the bits of a tree's levels are
 * the number of its leaf. All of it is done with whole numbers, so the leaves, and with their order the sums, are those
 * of the plain walk. */
#ifndef LEAT_MODEL_SYMMETRIC_H
#define LEAT_MODEL_SYMMETRIC_H

#include "model/forest.h"

struct leat_symmetric;

/* NULL: the forest's trees are not symmetric, or ask what this kernel does not know. Owned by `arena`. */
const struct leat_symmetric *leat_symmetric_compile(const struct leat_forest *forest, struct leat_arena *arena);

size_t leat_symmetric_scratch(const struct leat_symmetric *symmetric, size_t count);
void leat_symmetric_run(const struct leat_symmetric *symmetric, const double *rows, size_t stride, size_t count,
                        double *ret_raw, void *scratch);

#endif
