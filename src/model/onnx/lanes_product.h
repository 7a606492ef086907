/* Products of matrices: the text of lanes.c's variants. T is the type of the elements, BYTES the size of a vector,
 * TARGET the attribute of functions that use it, NAME what makes a name the variant's own. No guard: it is included
 * once a variant and type. */

typedef T NAME(vector) __attribute__((vector_size(BYTES), may_alias));
typedef T NAME(loose) __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));

#define VECTOR NAME(vector)
#define LANES (BYTES / sizeof(T))
#define PANEL (LEAT_PANEL_BYTES / sizeof(T))

TARGET static inline void NAME(put)(T *out, VECTOR sum, const T *more)
{
    if (more != NULL)
        sum += *(const NAME(loose) *)more;
    *(NAME(loose) *)out = sum;
}

/* Writes the first `left` of `width` sums, row by row. Apart from the loops, because what calls a function keeps its
 * vectors in memory. */
__attribute__((noinline)) static void NAME(put_rest)(const struct leat_product *p, const T *sums, size_t rows,
                                                     size_t width, const T *more, T *out, size_t left)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < left; i++)
            out[r * p->n + i] = more != NULL ? sums[r * width + i] + more[i] : sums[r * width + i];
}

/* Where vector number v of the packed matrix begins. */
static inline const T *NAME(column)(const struct leat_product *p, const T *packed, size_t v)
{
    return packed + v / (PANEL / LANES) * PANEL * p->k + v % (PANEL / LANES) * LANES;
}

#define PUT2(r)                              \
    NAME(put)(out + (r)*p->n, low##r, more); \
    NAME(put)(out + (r)*p->n + LANES, high##r, more != NULL ? more + LANES : NULL)
#define SUM2(r)               \
    low##r += a##r[at] * low; \
    high##r += a##r[at] * high

/* Four rows by two vectors, which are loaded once for all of them. */
TARGET static inline void NAME(rows4)(const struct leat_product *p, const T *a0, const T *b, const T *more, T *out,
                                      size_t left)
{
    const T *a1 = a0 + p->row, *a2 = a1 + p->row, *a3 = a2 + p->row;
    VECTOR low0 = {0}, low1 = {0}, low2 = {0}, low3 = {0}, high0 = {0}, high1 = {0}, high2 = {0}, high3 = {0};
    const int64_t end = (int64_t)p->k * p->step, step = p->step;
    for (int64_t at = 0; at != end; at += step, b += PANEL) {
        const VECTOR low = *(const VECTOR *)b, high = *(const VECTOR *)(b + LANES);
        SUM2(0);
        SUM2(1);
        SUM2(2);
        SUM2(3);
    }
    if (left < 2 * LANES) {
        const VECTOR sums[] = {low0, high0, low1, high1, low2, high2, low3, high3};
        NAME(put_rest)(p, (const T *)sums, 4, 2 * LANES, more, out, left);
        return;
    }
    PUT2(0);
    PUT2(1);
    PUT2(2);
    PUT2(3);
}

#define PUT1(r) NAME(put)(out + (r)*p->n, sum##r, more)
#define SUM1(r) sum##r += a##r[at] * column

/* Eight rows by the last vector. */
TARGET static inline void NAME(rows8)(const struct leat_product *p, const T *a0, const T *b, const T *more, T *out,
                                      size_t left)
{
    const T *a1 = a0 + p->row, *a2 = a1 + p->row, *a3 = a2 + p->row;
    const T *a4 = a3 + p->row, *a5 = a4 + p->row, *a6 = a5 + p->row, *a7 = a6 + p->row;
    VECTOR sum0 = {0}, sum1 = {0}, sum2 = {0}, sum3 = {0}, sum4 = {0}, sum5 = {0}, sum6 = {0}, sum7 = {0};
    const int64_t end = (int64_t)p->k * p->step, step = p->step;
    for (int64_t at = 0; at != end; at += step, b += PANEL) {
        const VECTOR column = *(const VECTOR *)b;
        SUM1(0);
        SUM1(1);
        SUM1(2);
        SUM1(3);
        SUM1(4);
        SUM1(5);
        SUM1(6);
        SUM1(7);
    }
    if (left < LANES) {
        const VECTOR sums[] = {sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7};
        NAME(put_rest)(p, (const T *)sums, 8, LANES, more, out, left);
        return;
    }
    PUT1(0);
    PUT1(1);
    PUT1(2);
    PUT1(3);
    PUT1(4);
    PUT1(5);
    PUT1(6);
    PUT1(7);
}

/* One row by one, two, four or eight vectors: as many sums as that do not wait for each other. */
#define BEGIN(i)                                      \
    const T *b##i = NAME(column)(p, packed, v + (i)); \
    VECTOR sum##i = {0}
#define STEP(i) sum##i += x * *(const VECTOR *)(b##i + at)
#define SUM(i) sum##i
#define END(i) NAME(put)(out + (i)*LANES, sum##i, more != NULL ? more + (i)*LANES : NULL)
#define ROW1(COUNT, ALL, LIST)                                                                              \
    TARGET static inline void NAME(row1_##COUNT)(const struct leat_product *p, const T *a, const T *packed, \
                                                 const T *more, T *out, size_t v)                           \
    {                                                                                                       \
        const size_t end = p->k * PANEL, left = p->n - v * LANES;                                           \
        const int64_t step = p->step;                                                                       \
        ALL(BEGIN);                                                                                         \
        for (size_t at = 0; at != end; at += PANEL, a += step) {                                            \
            const T x = *a;                                                                                 \
            ALL(STEP);                                                                                      \
        }                                                                                                   \
        out += v * LANES;                                                                                   \
        more = more != NULL ? more + v * LANES : NULL;                                                      \
        if (left < COUNT * LANES) {                                                                         \
            const VECTOR sums[] = {LIST(SUM)};                                                              \
            NAME(put_rest)(p, (const T *)sums, 1, COUNT * LANES, more, out, left);                          \
            return;                                                                                         \
        }                                                                                                   \
        ALL(END);                                                                                           \
    }
#define ALL1(X) X(0)
#define ALL2(X) \
    X(0);       \
    X(1)
#define ALL4(X) \
    X(0);       \
    X(1);       \
    X(2);       \
    X(3)
#define ALL8(X) \
    X(0);       \
    X(1);       \
    X(2);       \
    X(3);       \
    X(4);       \
    X(5);       \
    X(6);       \
    X(7)
#define LIST2(X) X(0), X(1)
#define LIST4(X) X(0), X(1), X(2), X(3)
#define LIST8(X) X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7)
ROW1(1, ALL1, ALL1)
ROW1(2, ALL2, LIST2)
ROW1(4, ALL4, LIST4)
ROW1(8, ALL8, LIST8)

TARGET static inline void NAME(one_row)(const struct leat_product *p, const T *a, const T *packed, const T *more,
                                        T *out, size_t v, size_t end)
{
    for (; v + 8 <= end; v += 8)
        NAME(row1_8)(p, a, packed, more, out, v);
    for (; v + 4 <= end; v += 4)
        NAME(row1_4)(p, a, packed, more, out, v);
    for (; v + 2 <= end; v += 2)
        NAME(row1_2)(p, a, packed, more, out, v);
    if (v < end)
        NAME(row1_1)(p, a, packed, more, out, v);
}

/* Rows that stay near while all columns go by. */
TARGET static void NAME(some_rows)(const struct leat_product *p, const T *a, const T *packed, const T *more, T *out,
                                   size_t m)
{
    const size_t vectors = (p->n + LANES - 1) / LANES, fours = m / 4 * 4, eights = m / 8 * 8;
    size_t v = 0;
    for (; v + 2 <= vectors && fours > 0; v += 2)
        for (size_t r = 0; r < fours; r += 4)
            NAME(rows4)
    (p, a + (int64_t)r * p->row, NAME(column)(p, packed, v), more != NULL ? more + v * LANES : NULL,
     out + r * p->n + v * LANES, p->n - v * LANES);
    if (v < vectors)
        for (size_t r = 0; r < eights; r += 8)
            NAME(rows8)
    (p, a + (int64_t)r * p->row, NAME(column)(p, packed, v), more != NULL ? more + v * LANES : NULL,
     out + r * p->n + v * LANES, p->n - v * LANES);
    for (size_t r = v < vectors ? eights : fours; r < m; r++)
        NAME(one_row)(p, a + (int64_t)r * p->row, packed, more, out + r * p->n, r < fours ? v : 0, vectors);
}

#define ROWS 64
TARGET static void NAME(multiply)(const struct leat_product *p, const void *in, const void *packed, const void *more,
                                  void *ret)
{
    const T *a = in;
    T *out = ret;
    for (size_t r = 0; r < p->m; r += ROWS)
        NAME(some_rows)(p, a + (int64_t)r * p->row, packed, more, out + r * p->n, p->m - r < ROWS ? p->m - r : ROWS);
}

#undef ROWS
#undef LIST8
#undef LIST4
#undef LIST2
#undef ALL8
#undef ALL4
#undef ALL2
#undef ALL1
#undef ROW1
#undef END
#undef SUM
#undef STEP
#undef BEGIN
#undef SUM1
#undef PUT1
#undef SUM2
#undef PUT2
#undef PANEL
#undef LANES
#undef VECTOR
