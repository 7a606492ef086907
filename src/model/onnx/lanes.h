/* The loops that a small network spends its time in, several elements at once: products of matrices, and exp and its
 * kin for floats.
 *
 * There is a variant for the platform's baseline and one for each wider set of registers; which one runs is decided
 * when the graph is loaded. They are one text compiled several times: every element is made by the same operations in
 * the same order, whatever the width, the variant, its place in the tensor and the number of rows, and nothing is added
 * across a vector or contracted. So all of them are bit-equal. */
#ifndef LEAT_MODEL_ONNX_LANES_H
#define LEAT_MODEL_ONNX_LANES_H

#include <stddef.h>
#include <stdint.h>

/* out[m × n] = a[m × k] · b; element (r, i) of `a` is a[r * row + i * step]. */
struct leat_product {
    size_t m, n, k;
    int64_t row, step; /* in elements */
};

/* `b` is packed into panels of so many bytes, the last one filled up: column after column of a panel, k by k.
 * It begins at a multiple of that. */
#define LEAT_PANEL_BYTES 64

/* Every element of the output is a sum over k in order; `more` is n numbers that are added to each row then, or NULL. */
typedef void leat_product_loop(const struct leat_product *product, const void *a, const void *packed, const void *more,
                               void *out);
/* `out` may be `in`. */
typedef void leat_function_loop(size_t n, float *out, const float *in);

struct leat_lanes {
    const char *name;
    leat_product_loop *multiply_float, *multiply_double;
    /* NaN, infinities and denormals as libm has them. At most 1.25 ulp from the true value (exponential), 1.5
     * (tangent_hyperbolic), 2.5 (sigmoid, softplus). */
    leat_function_loop *exponential, *tangent_hyperbolic, *sigmoid, *softplus;
};

/* The best one for this processor. */
const struct leat_lanes *leat_lanes(void);
/* All that this processor runs, by number; NULL behind the last. For tests. */
const struct leat_lanes *leat_lanes_variant(size_t i);

#endif
