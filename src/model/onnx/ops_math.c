/* Products of matrices: MatMul, Gemm, Einsum.
 *
 * The right matrix is packed as lanes.h has it, so that the inner loop runs over columns: every element of the output
 * is a sum over k in order, whatever the number of rows. A constant is packed when the graph is loaded. */
#include "model/onnx/lanes.h"
#include "model/onnx/operands.h"

/* Element (i, j) of `in` is in[i * row + j * step]. */
#define PACK(TYPE, T, ...)                                                                         \
    static void pack_##T(size_t n, size_t k, int64_t row, int64_t step, const void *in, void *ret) \
    {                                                                                              \
        const size_t columns = LEAT_PANEL_BYTES / sizeof(T);                                       \
        const T *b = in;                                                                           \
        T *out = ret;                                                                              \
        for (size_t j = 0; j < n; j += columns)                                                    \
            for (size_t i = 0; i < k; i++)                                                         \
                for (size_t c = j; c < j + columns; c++)                                           \
                    *out++ = c < n ? b[(int64_t)i * row + (int64_t)c * step] : 0;                  \
    }
LEAT_FLOAT_TYPES(PACK, )

/* Whole numbers, which wrap around: plainly, from a copy of the matrix that is not packed. */
#define PRODUCT_OF_WHOLES(TYPE, T, ...)                                                                         \
    static void product_##T(const struct leat_product *p, const void *in, const void *right, const void *more,  \
                            void *ret)                                                                          \
    {                                                                                                           \
        const T *a = in, *b = right;                                                                            \
        leat_assert(more == NULL);                                                                              \
        T *out = ret;                                                                                           \
        for (size_t r = 0; r < p->m; r++) {                                                                     \
            for (size_t j = 0; j < p->n; j++) {                                                                 \
                uint64_t sum = 0;                                                                               \
                for (size_t i = 0; i < p->k; i++)                                                               \
                    sum += (uint64_t)a[(int64_t)r * p->row + (int64_t)i * p->step] * (uint64_t)b[j * p->k + i]; \
                *out++ = (T)sum;                                                                                \
            }                                                                                                   \
        }                                                                                                       \
    }                                                                                                           \
    static void pack_##T(size_t n, size_t k, int64_t row, int64_t step, const void *in, void *ret)              \
    {                                                                                                           \
        const T *b = in;                                                                                        \
        T *out = ret;                                                                                           \
        for (size_t j = 0; j < n; j++)                                                                          \
            for (size_t i = 0; i < k; i++)                                                                      \
                *out++ = b[(int64_t)i * row + (int64_t)j * step];                                               \
    }
LEAT_INTEGER_TYPES(PRODUCT_OF_WHOLES, )

typedef void pack_loop(size_t n, size_t k, int64_t row, int64_t step, const void *in, void *ret);
#define PACK_LOOP(TYPE, T, ...) [LEAT_TENSOR_##TYPE] = pack_##T,
static pack_loop *const pack_loops[LEAT_TENSOR_TYPES] = {LEAT_NUMBER_TYPES(PACK_LOOP, )};

/* NULL: there is none for this type. */
static leat_product_loop *product_loop(enum leat_tensor_type type)
{
#define PRODUCT_LOOP(TYPE, T, ...) [LEAT_TENSOR_##TYPE] = product_##T,
    static leat_product_loop *const of_wholes[LEAT_TENSOR_TYPES] = {LEAT_INTEGER_TYPES(PRODUCT_LOOP, )};
    if (type == LEAT_TENSOR_FLOAT)
        return leat_lanes()->multiply_float;
    if (type == LEAT_TENSOR_DOUBLE)
        return leat_lanes()->multiply_double;
    return type < LEAT_TENSOR_TYPES ? of_wholes[type] : NULL;
}

struct matrices {
    struct leat_product product;
    leat_product_loop *multiply;
    pack_loop *pack;
    struct leat_walk walk;   /* over products: the matrices of input 0, and of input 1 */
    size_t size;             /* of an element */
    int64_t b_row, b_step;   /* of the right matrix, as it is */
    size_t b_matrix;         /* elements of it */
    size_t packed_bytes;     /* of one, packed */
    const char *packed;      /* constant matrices; NULL: packed in the workspace when it runs */
    float alpha, beta;       /* Gemm */
    int64_t c_row, c_column; /* strides of its input 2 */
};

/* `more`: what is added to each row, or NULL. */
static void multiply(const struct leat_node *node, struct leat_run *run, const struct matrices *state, const void *more)
{
    const struct leat_product *p = &state->product;
    const char *a = leat_node_in(node, run, 0), *b = leat_node_in(node, run, 1);
    char *out = leat_node_out(node, run, 0);
    struct leat_walk_place place = {0};
    if (state->walk.inner == 0)
        return;
    do {
        for (size_t i = 0; i < state->walk.inner; i++) {
            size_t matrix_a = (size_t)(place.at[0] + (int64_t)i * state->walk.step[0]);
            size_t matrix_b = (size_t)(place.at[1] + (int64_t)i * state->walk.step[1]);
            const char *packed = state->packed != NULL ? state->packed + matrix_b * state->packed_bytes
                                                       : run->scratch + node->workspace;
            if (state->packed == NULL)
                state->pack(p->n, p->k, state->b_row, state->b_step, b + matrix_b * state->b_matrix * state->size,
                            run->scratch + node->workspace);
            state->multiply(p, a + matrix_a * p->m * p->k * state->size, packed, more, out);
            out += p->m * p->n * state->size;
        }
    } while (leat_walk_next(&state->walk, &place));
}

/* The right matrix, or how much workspace it takes. `count`: of constant matrices. */
static int pack(struct leat_graph *graph, struct leat_node *node, struct matrices *state, size_t count,
                struct leat_error *err)
{
    const struct leat_tensor *b = node->inputs[1];
    const struct leat_product *p = &state->product;
    size_t columns = LEAT_PANEL_BYTES / state->size;
    if (leat_type_is_float(b->type))
        columns = (p->n + columns - 1) / columns * columns;
    else
        columns = p->n;
    state->packed_bytes = columns * p->k * state->size;
    if (b->count == 0)
        state->packed = ""; /* of which nothing is read */
    if (b->count == 0)
        return 0;
    if (b->data == NULL)
        return leat_node_workspace(graph, node, state->packed_bytes, err);
    if (state->packed_bytes * count > LEAT_GRAPH_BYTES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its matrices take %zu bytes; at most %zu may",
                              state->packed_bytes * count, LEAT_GRAPH_BYTES_MAX);
    char *packed = leat_arena_zalloc(leat_graph_arena(graph), state->packed_bytes * count + LEAT_PANEL_BYTES, 1);
    packed += -(uintptr_t)packed % LEAT_PANEL_BYTES;
    for (size_t i = 0; i < count; i++)
        state->pack(p->n, p->k, state->b_row, state->b_step, (const char *)b->data + i * state->b_matrix * state->size,
                    packed + i * state->packed_bytes);
    state->packed = packed;
    return 0;
}

static int check_matrices(const struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *a = leat_node_input(node, 0), *b = leat_node_input(node, 1);
    if (a == NULL || b == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "an input is missing");
    if (product_loop(a->type) == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (a->type != b->type)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its inputs are %s and %s; they must be of one type",
                              leat_tensor_type_name(a->type), leat_tensor_type_name(b->type));
    return 0;
}

static int refuse_inner(int64_t left, int64_t right, struct leat_error *err)
{
    return leat_error_set(err, LEAT_ERROR_FINDING, "its inputs do not fit together: %lld columns times %lld rows",
                          (long long)left, (long long)right);
}

/* ---- MatMul ---- */

static void run_matmul(const struct leat_node *node, struct leat_run *run)
{
    multiply(node, run, node->state, NULL);
}

/* The axes before the last two, as a tensor. */
static struct leat_tensor batch_of(const struct leat_tensor *tensor)
{
    struct leat_tensor batch = {.rank = tensor->rank > 2 ? tensor->rank - 2 : 0, .count = 1};
    for (uint32_t axis = 0; axis < batch.rank; axis++) {
        batch.dims[axis] = tensor->dims[axis];
        batch.count *= (size_t)tensor->dims[axis];
    }
    return batch;
}

static int prepare_matmul(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    if (check_matrices(node, err) < 0)
        return -1;
    const struct leat_tensor *a = node->inputs[0], *b = node->inputs[1];
    if (a->rank == 0 || b->rank == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "an input is a single number; it takes matrices");
    int64_t m = a->rank > 1 ? a->dims[a->rank - 2] : 1, k = a->dims[a->rank - 1];
    int64_t n = b->rank > 1 ? b->dims[b->rank - 1] : 1, rows = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    if (k != rows)
        return refuse_inner(k, rows, err);
    struct matrices *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    struct leat_tensor batch_a = batch_of(a), batch_b = batch_of(b);
    struct leat_tensor *batches[] = {&batch_a, &batch_b};
    struct leat_node both = {.inputs = batches, .input_count = 2};
    int64_t dims[LEAT_RANK_MAX + 2];
    uint32_t rank = 0;
    if (leat_broadcast(&both, 0, 2, &rank, dims, &state->walk, err) < 0)
        return -1;
    *state = (struct matrices){.product = {(size_t)m, (size_t)n, (size_t)k, k, 1},
                               .multiply = product_loop(a->type),
                               .pack = pack_loops[a->type],
                               .walk = state->walk,
                               .size = leat_tensor_type_size(a->type),
                               .b_row = n,
                               .b_step = 1,
                               .b_matrix = (size_t)(n * k)};
    if (batch_b.count == 1 && batch_a.count > 0) { /* one matrix for all: more rows of one product */
        state->product.m *= batch_a.count;
        leat_walk_init(&state->walk, 0, 0, NULL, NULL);
    }
    if (a->rank > 1)
        dims[rank++] = m;
    if (b->rank > 1)
        dims[rank++] = n;
    node->state = state;
    if (rank > LEAT_RANK_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the product has %u axes; at most %d are held", rank,
                              LEAT_RANK_MAX);
    if (leat_node_output(graph, node, 0, a->type, rank, dims, err) < 0)
        return -1;
    return pack(graph, node, state, batch_b.count, err);
}

/* An input's rows must be the output's first axis, and neither the axis that is summed over nor, of the right matrix,
 * one that all rows of the left have in common. */
static bool by_row_matmul(const struct leat_node *node)
{
    const struct leat_tensor *a = node->inputs[0], *b = node->inputs[1], *out = node->outputs[0];
    if (out == NULL || out->rank == 0)
        return false;
    uint32_t batch = out->rank - (a->rank > 1) - (b->rank > 1); /* axes of the output before the matrices */
    bool a_first = a->rank > 1 && a->rank - 2 == batch && (batch == 0 || a->dims[0] == out->dims[0]);
    bool b_first = b->rank > 2 && b->rank - 2 == batch && b->dims[0] == out->dims[0];
    if (a->carries_row && b->carries_row)
        return a_first && b_first && batch > 0;
    if (a->carries_row)
        return a_first && (b->rank - (b->rank > 1 ? 2 : 1) < batch || batch == 0 || b->dims[0] == 1);
    return b->carries_row && b_first && (a->rank <= 2 || a->rank - 2 < batch || a->dims[0] == 1);
}

/* ---- Gemm ---- */

#define EPILOGUE(TYPE, T, ...)                                                       \
    static void finish_##T(const struct matrices *state, T *out, const T *c)         \
    {                                                                                \
        const T alpha = (T)state->alpha, beta = (T)state->beta;                      \
        const size_t n = state->product.n, count = state->product.m * n;             \
        if (state->alpha != 1)                                                       \
            for (size_t i = 0; i < count; i++)                                       \
                out[i] *= alpha;                                                     \
        if (c == NULL)                                                               \
            return;                                                                  \
        for (size_t r = 0; r < state->product.m; r++, out += n, c += state->c_row) { \
            for (size_t j = 0; j < n; j++)                                           \
                out[j] += beta * c[(int64_t)j * state->c_column];                    \
        }                                                                            \
    }
LEAT_FLOAT_TYPES(EPILOGUE, )

static void run_gemm(const struct leat_node *node, struct leat_run *run)
{
    const struct matrices *state = node->state;
    const void *c = state->beta != 0 ? leat_node_in(node, run, 2) : NULL;
    if (state->alpha == 1 && state->beta == 1 && state->c_row == 0 && state->c_column == 1) { /* the usual one */
        multiply(node, run, state, c);
        return;
    }
    multiply(node, run, state, NULL);
    if (node->inputs[0]->type == LEAT_TENSOR_FLOAT)
        finish_float(state, leat_node_out(node, run, 0), c);
    else
        finish_double(state, leat_node_out(node, run, 0), c);
}

/* Input 2 is broadcast to the product. */
static int prepare_summand(const struct leat_node *node, struct matrices *state, struct leat_error *err)
{
    const struct leat_tensor *c = leat_node_input(node, 2);
    if (c == NULL)
        return 0;
    int64_t m = (int64_t)state->product.m, n = (int64_t)state->product.n;
    int64_t rows = c->rank == 2 ? c->dims[0] : 1, columns = c->rank > 0 ? c->dims[c->rank - 1] : 1;
    if (c->type != node->inputs[0]->type || c->rank > 2 || (rows != 1 && rows != m) || (columns != 1 && columns != n))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "input 2 is %s[%lld, %lld]; it does not fit a product of %s[%lld, %lld]",
                              leat_tensor_type_name(c->type), (long long)rows, (long long)columns,
                              leat_tensor_type_name(node->inputs[0]->type), (long long)m, (long long)n);
    state->c_row = rows == 1 ? 0 : columns;
    state->c_column = columns == 1 ? 0 : 1;
    return 0;
}

static int prepare_gemm(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    if (check_matrices(node, err) < 0)
        return -1;
    const struct leat_tensor *a = node->inputs[0], *b = node->inputs[1];
    if (!leat_type_is_float(a->type))
        return leat_node_refuse_type(node, 0, err);
    if (a->rank != 2 || b->rank != 2)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its inputs have %u and %u axes; it takes matrices", a->rank,
                              b->rank);
    bool turn_a = leat_node_int(node, "transA", 0) != 0, turn_b = leat_node_int(node, "transB", 0) != 0;
    int64_t m = a->dims[turn_a ? 1 : 0], k = a->dims[turn_a ? 0 : 1], n = b->dims[turn_b ? 0 : 1];
    if (k != b->dims[turn_b ? 1 : 0])
        return refuse_inner(k, b->dims[turn_b ? 1 : 0], err);
    struct matrices *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    *state = (struct matrices){.product = {(size_t)m, (size_t)n, (size_t)k, turn_a ? 1 : k, turn_a ? m : 1},
                               .multiply = product_loop(a->type),
                               .pack = pack_loops[a->type],
                               .walk = {.inner = 1},
                               .size = leat_tensor_type_size(a->type),
                               .b_row = turn_b ? 1 : n,
                               .b_step = turn_b ? k : 1,
                               .b_matrix = (size_t)(n * k),
                               .alpha = leat_node_float(node, "alpha", 1),
                               .beta = leat_node_float(node, "beta", 1)};
    int64_t dims[] = {m, n};
    node->state = state;
    if (prepare_summand(node, state, err) < 0 || leat_node_output(graph, node, 0, a->type, 2, dims, err) < 0)
        return -1;
    return pack(graph, node, state, 1, err);
}

static bool by_row_gemm(const struct leat_node *node)
{
    const struct leat_tensor *c = leat_node_input(node, 2);
    return leat_by_row_first(node) && leat_node_int(node, "transA", 0) == 0 &&
           (c == NULL || c->rank < 2 || c->dims[0] == 1);
}

/* ---- the table ---- */

const struct leat_operator leat_ops_math[] = {
    {"", "MatMul", 1, 0, prepare_matmul, run_matmul, by_row_matmul, 2, 2},
    {"", "Gemm", 7, 0, prepare_gemm, run_gemm, by_row_gemm, 3, 2},
    {0},
};
