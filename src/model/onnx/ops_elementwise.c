/* Operators of two and more inputs, element by element, with broadcasting. */
#include "model/onnx/operands.h"

#include <tgmath.h>

/* An inner loop: `a` and `b` go on by sa and sb, each 0 or 1, and not both by 0 when n > 1. */
typedef void binary_loop(size_t n, void *out, const void *a, int64_t sa, const void *b, int64_t sb,
                         struct leat_run *run);

/* In fixed stretches, which compilers do in vectors when the expression allows it; AX and BY are where its x and y are
 * for number i. */
#define STRETCH 16
#define LOOP_OVER(R, EXPRESSION, AX, BY)                   \
    for (; i + STRETCH <= n; i += STRETCH, o += STRETCH) { \
        R results[STRETCH];                                \
        for (size_t j = 0; j < STRETCH; j++) {             \
            const E x = AX(i + j), y = BY(i + j);          \
            results[j] = (R)(EXPRESSION);                  \
        }                                                  \
        memcpy(o, results, sizeof results);                \
    }                                                      \
    for (; i < n; i++) {                                   \
        const E x = AX(i), y = BY(i);                      \
        *o++ = (R)(EXPRESSION);                            \
    }
#define EACH_A(i) a[i]
#define EACH_B(i) b[i]
#define ONE_A(i) one_a
#define ONE_B(i) one_b

/* E: the type of the elements; x, y: one of each input. */
#define BINARY(TYPE, T, NAME, R, EXPRESSION)                                                                \
    static void NAME##_##T(size_t n, void *out, const void *in_a, int64_t sa, const void *in_b, int64_t sb, \
                           struct leat_run *run)                                                            \
    {                                                                                                       \
        typedef T E;                                                                                        \
        R *o = out;                                                                                         \
        const E *a = in_a, *b = in_b;                                                                       \
        if (n == 0)                                                                                         \
            return;                                                                                         \
        const E one_a = *a, one_b = *b;                                                                     \
        size_t i = 0;                                                                                       \
        (void)run;                                                                                          \
        if (sb == 0) {                                                                                      \
            LOOP_OVER(R, EXPRESSION, EACH_A, ONE_B)                                                         \
        } else if (sa == 0) {                                                                               \
            LOOP_OVER(R, EXPRESSION, ONE_A, EACH_B)                                                         \
        } else {                                                                                            \
            LOOP_OVER(R, EXPRESSION, EACH_A, EACH_B)                                                        \
        }                                                                                                   \
    }

/* Whole numbers wrap around, as two's complement. */
LEAT_FLOAT_TYPES(BINARY, add, E, x + y)
LEAT_INTEGER_TYPES(BINARY, add, E, (uint64_t)x + (uint64_t)y)
LEAT_FLOAT_TYPES(BINARY, sub, E, x - y)
LEAT_INTEGER_TYPES(BINARY, sub, E, (uint64_t)x - (uint64_t)y)
LEAT_FLOAT_TYPES(BINARY, mul, E, x *y)
LEAT_INTEGER_TYPES(BINARY, mul, E, (uint64_t)x *(uint64_t)y)

static int64_t quotient_signed(int64_t x, int64_t y, struct leat_run *run)
{
    if (y == 0)
        leat_run_fail(run, "a whole number was divided by 0");
    if (y == 0)
        return 0;
    return y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static uint64_t quotient_unsigned(uint64_t x, uint64_t y, struct leat_run *run)
{
    if (y == 0)
        leat_run_fail(run, "a whole number was divided by 0");
    return y == 0 ? 0 : x / y;
}

/* What is left by truncation, and by rounding down. */
static int64_t rest_signed(int64_t x, int64_t y, struct leat_run *run)
{
    int64_t quotient = quotient_signed(x, y, run);
    return (int64_t)((uint64_t)x - (uint64_t)quotient * (uint64_t)y);
}

static int64_t modulo_signed(int64_t x, int64_t y, struct leat_run *run)
{
    int64_t rest = rest_signed(x, y, run);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

static uint64_t rest_unsigned(uint64_t x, uint64_t y, struct leat_run *run)
{
    return x - quotient_unsigned(x, y, run) * y;
}

LEAT_FLOAT_TYPES(BINARY, div, E, x / y)
LEAT_SIGNED_TYPES(BINARY, div, E, quotient_signed((int64_t)x, (int64_t)y, run))
LEAT_UNSIGNED_TYPES(BINARY, div, E, quotient_unsigned((uint64_t)x, (uint64_t)y, run))
LEAT_FLOAT_TYPES(BINARY, rest, E, fmod(x, y))
LEAT_SIGNED_TYPES(BINARY, rest, E, rest_signed((int64_t)x, (int64_t)y, run))
LEAT_UNSIGNED_TYPES(BINARY, rest, E, rest_unsigned((uint64_t)x, (uint64_t)y, run))
LEAT_SIGNED_TYPES(BINARY, modulo, E, modulo_signed((int64_t)x, (int64_t)y, run))

#define MODULO(TYPE, T, ...)                            \
    static T modulo_of_##T(T x, T y)                    \
    {                                                   \
        T rest = fmod(x, y);                            \
        if (rest == 0)                                  \
            return copysign(rest, y);                   \
        return (rest < 0) != (y < 0) ? rest + y : rest; \
    }
LEAT_FLOAT_TYPES(MODULO, )
BINARY(FLOAT, float, modulo, E, modulo_of_float(x, y))
BINARY(DOUBLE, double, modulo, E, modulo_of_double(x, y))

/* NaN wins. */
LEAT_FLOAT_TYPES(BINARY, max, E, x > y || isnan(x) ? x : y)
LEAT_INTEGER_TYPES(BINARY, max, E, x > y ? x : y)
LEAT_FLOAT_TYPES(BINARY, min, E, x < y || isnan(x) ? x : y)
LEAT_INTEGER_TYPES(BINARY, min, E, x < y ? x : y)
LEAT_FLOAT_TYPES(BINARY, prelu, E, x < 0 ? x * y : x)
LEAT_SIGNED_TYPES(BINARY, prelu, E, x < 0 ? (uint64_t)x * (uint64_t)y : (uint64_t)x)
LEAT_UNSIGNED_TYPES(BINARY, prelu, E, ((void)y, x))

LEAT_NUMBER_TYPES(BINARY, equal, uint8_t, x == y)
LEAT_NUMBER_TYPES(BINARY, less, uint8_t, x < y)
LEAT_NUMBER_TYPES(BINARY, less_or_equal, uint8_t, x <= y)
LEAT_NUMBER_TYPES(BINARY, greater, uint8_t, x > y)
LEAT_NUMBER_TYPES(BINARY, greater_or_equal, uint8_t, x >= y)
typedef struct leat_bytes text;
BINARY(STRING, text, equal, uint8_t, leat_bytes_equal(x, y))

LEAT_INTEGER_TYPES(BINARY, bits_and, E, x &y)
LEAT_INTEGER_TYPES(BINARY, bits_or, E, x | y)
LEAT_INTEGER_TYPES(BINARY, bits_xor, E, x ^ y)
#define BITS (8 * sizeof(E))
LEAT_UNSIGNED_TYPES(BINARY, shift_left, E, y < BITS ? (uint64_t)x << y : 0)
LEAT_SIGNED_TYPES(BINARY, shift_left, E, (uint64_t)y < BITS ? (uint64_t)x << y : 0)
LEAT_UNSIGNED_TYPES(BINARY, shift_right, E, y < BITS ? (uint64_t)x >> y : 0)
LEAT_SIGNED_TYPES(BINARY, shift_right, E, (int64_t)x >> ((uint64_t)y < BITS ? y : 63))

/* ---- Pow: the exponent may be of another type ---- */

static uint64_t power_of_whole(uint64_t x, uint64_t exponent)
{
    uint64_t power = 1;
    for (; exponent != 0; exponent >>= 1, x *= x)
        power *= (exponent & 1) != 0 ? x : 1;
    return power;
}

static int64_t power_signed(int64_t x, int64_t exponent)
{
    if (exponent >= 0)
        return (int64_t)power_of_whole((uint64_t)x, (uint64_t)exponent);
    if (x == 1 || x == -1)
        return (exponent & 1) != 0 ? x : 1;
    return x == 0 ? INT64_MIN : 0; /* one divided by it */
}

static int64_t power_real(int64_t x, double exponent)
{
    double power = pow((double)x, exponent);
    return power > -0x1p63 && power < 0x1p63 ? (int64_t)power : INT64_MIN;
}

static float power_float(float x, double exponent)
{
    if (exponent == 2)
        return x * x;
    if (exponent == 3)
        return x * x * x;
    return (double)(float)exponent == exponent ? powf(x, (float)exponent) : (float)pow((double)x, exponent);
}

static double power_double(double x, double exponent)
{
    if (exponent == 2)
        return x * x;
    return exponent == 3 ? x * x * x : pow(x, exponent);
}

#define POWER(TYPE, T, X, EXPRESSION)                                                                          \
    static void pow_##X##_##T(size_t n, void *out, const void *in_a, int64_t sa, const void *in_b, int64_t sb, \
                              struct leat_run *run)                                                            \
    {                                                                                                          \
        X *o = out;                                                                                            \
        const X *a = in_a;                                                                                     \
        const T *b = in_b;                                                                                     \
        (void)run;                                                                                             \
        for (size_t i = 0; i < n; i++) {                                                                       \
            const X x = a[(int64_t)i * sa];                                                                    \
            const T y = b[(int64_t)i * sb];                                                                    \
            o[i] = (X)(EXPRESSION);                                                                            \
        }                                                                                                      \
    }
LEAT_NUMBER_TYPES(POWER, float, power_float(x, (double)y))
LEAT_NUMBER_TYPES(POWER, double, power_double(x, (double)y))
LEAT_SIGNED_TYPES(POWER, int32_t, power_signed(x, (int64_t)y))
LEAT_UNSIGNED_TYPES(POWER, int32_t, power_of_whole((uint64_t)x, (uint64_t)y))
LEAT_FLOAT_TYPES(POWER, int32_t, power_real(x, (double)y))
LEAT_SIGNED_TYPES(POWER, int64_t, power_signed(x, (int64_t)y))
LEAT_UNSIGNED_TYPES(POWER, int64_t, power_of_whole((uint64_t)x, (uint64_t)y))
LEAT_FLOAT_TYPES(POWER, int64_t, power_real(x, (double)y))

/* ---- the table of loops ---- */

struct binary {
    const char *name;
    bool truth; /* the output is bool */
    binary_loop *loops[LEAT_TENSOR_TYPES];
};

#define LOOP(TYPE, T, NAME) [LEAT_TENSOR_##TYPE] = NAME##_##T,
#define LOOP_OF_X(TYPE, T, X) [LEAT_TENSOR_##TYPE] = pow_##X##_##T,
#define NUMBERS(NAME) LEAT_NUMBER_TYPES(LOOP, NAME)
#define WHOLES(NAME) LEAT_INTEGER_TYPES(LOOP, NAME)

static const struct binary binaries[] = {
    {"Add", false, {NUMBERS(add)}},
    {"Sub", false, {NUMBERS(sub)}},
    {"Mul", false, {NUMBERS(mul)}},
    {"Div", false, {NUMBERS(div)}},
    {"PRelu", false, {NUMBERS(prelu)}},
    {"Max", false, {NUMBERS(max)}},
    {"Min", false, {NUMBERS(min)}},
    {"Sum", false, {LEAT_FLOAT_TYPES(LOOP, add)}},
    {"Mean", false, {LEAT_FLOAT_TYPES(LOOP, add)}},
    {"Equal", true, {NUMBERS(equal)[LEAT_TENSOR_BOOL] = equal_uint8_t, [LEAT_TENSOR_STRING] = equal_text}},
    {"Less", true, {NUMBERS(less)}},
    {"LessOrEqual", true, {NUMBERS(less_or_equal)}},
    {"Greater", true, {NUMBERS(greater)}},
    {"GreaterOrEqual", true, {NUMBERS(greater_or_equal)}},
    {"And", true, {[LEAT_TENSOR_BOOL] = bits_and_uint8_t}},
    {"Or", true, {[LEAT_TENSOR_BOOL] = bits_or_uint8_t}},
    {"Xor", true, {[LEAT_TENSOR_BOOL] = bits_xor_uint8_t}},
    {"BitwiseAnd", false, {WHOLES(bits_and)}},
    {"BitwiseOr", false, {WHOLES(bits_or)}},
    {"BitwiseXor", false, {WHOLES(bits_xor)}},
};
static const struct binary shift_left = {"BitShift", false, {WHOLES(shift_left)}};
static const struct binary shift_right = {"BitShift", false, {WHOLES(shift_right)}};
static const struct binary rest = {"Mod", false, {NUMBERS(rest)}};
static const struct binary modulo = {
    "Mod", false, {LEAT_FLOAT_TYPES(LOOP, modulo) LEAT_SIGNED_TYPES(LOOP, modulo) LEAT_UNSIGNED_TYPES(LOOP, rest)}};
static const struct binary modulo_of_wholes = {
    "Mod", false, {LEAT_SIGNED_TYPES(LOOP, modulo) LEAT_UNSIGNED_TYPES(LOOP, rest)}};

static binary_loop *const powers[LEAT_TENSOR_TYPES][LEAT_TENSOR_TYPES] = {
    [LEAT_TENSOR_FLOAT] = {LEAT_NUMBER_TYPES(LOOP_OF_X, float)},
    [LEAT_TENSOR_DOUBLE] = {LEAT_NUMBER_TYPES(LOOP_OF_X, double)},
    [LEAT_TENSOR_INT32] = {LEAT_NUMBER_TYPES(LOOP_OF_X, int32_t)},
    [LEAT_TENSOR_INT64] = {LEAT_NUMBER_TYPES(LOOP_OF_X, int64_t)},
};

/* By the operator's name: the table of operators takes its names from here. */
static const struct binary *binary_find(const struct leat_node *node)
{
    for (size_t i = 0; i < sizeof binaries / sizeof binaries[0]; i++) {
        if (strcmp(binaries[i].name, node->op->name) == 0)
            return &binaries[i];
    }
    leat_assert(false); /* each of them in the table of operators has loops */
    return NULL;
}

/* ---- two inputs ---- */

struct binary_state {
    binary_loop *loop;
    struct leat_walk walk;
    size_t size_a, size_b, size_out;
};

static void run_binary(const struct leat_node *node, struct leat_run *run)
{
    const struct binary_state *state = node->state;
    const struct leat_walk *walk = &state->walk;
    char *out = leat_node_out(node, run, 0);
    const char *a = leat_node_in(node, run, 0), *b = leat_node_in(node, run, 1);
    struct leat_walk_place place = {0};
    if (walk->inner == 0)
        return;
    do {
        state->loop(walk->inner, out, a + place.at[0] * (int64_t)state->size_a, walk->step[0],
                    b + place.at[1] * (int64_t)state->size_b, walk->step[1], run);
        out += walk->inner * state->size_out;
    } while (leat_walk_next(walk, &place));
}

static int prepare_loop(struct leat_graph *graph, struct leat_node *node, binary_loop *loop, bool truth,
                        struct leat_error *err)
{
    struct binary_state *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    enum leat_tensor_type type = truth ? LEAT_TENSOR_BOOL : node->inputs[0]->type;
    int64_t dims[LEAT_RANK_MAX];
    uint32_t rank = 0;
    if (leat_broadcast(node, 0, 2, &rank, dims, &state->walk, err) < 0)
        return -1;
    state->loop = loop;
    state->size_a = leat_tensor_type_size(node->inputs[0]->type);
    state->size_b = leat_tensor_type_size(node->inputs[1]->type);
    state->size_out = leat_tensor_type_size(type);
    node->state = state;
    return leat_node_output(graph, node, 0, type, rank, dims, err);
}

/* The loop for the type that all inputs have. */
static int find_loop(const struct leat_node *node, const struct binary *binary, binary_loop **ret,
                     struct leat_error *err)
{
    enum leat_tensor_type type = LEAT_TENSOR_NONE;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct leat_tensor *in = leat_node_input(node, i);
        if (in == NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u is missing", i);
        if (i > 0 && in->type != type)
            return leat_error_set(err, LEAT_ERROR_FINDING, "its inputs are %s and %s; they must be of one type",
                                  leat_tensor_type_name(type), leat_tensor_type_name(in->type));
        type = in->type;
    }
    *ret = type < LEAT_TENSOR_TYPES ? binary->loops[type] : NULL;
    return *ret != NULL ? 0 : leat_node_refuse_type(node, 0, err);
}

static int prepare_two(struct leat_graph *graph, struct leat_node *node, const struct binary *binary,
                       struct leat_error *err)
{
    binary_loop *loop = NULL;
    if (find_loop(node, binary, &loop, err) < 0)
        return -1;
    return prepare_loop(graph, node, loop, binary->truth, err);
}

static int prepare_binary(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    return prepare_two(graph, node, binary_find(node), err);
}

static int prepare_bit_shift(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct leat_bytes direction = leat_node_text(node, "direction", "");
    if (leat_bytes_is(direction, "LEFT"))
        return prepare_two(graph, node, &shift_left, err);
    if (leat_bytes_is(direction, "RIGHT"))
        return prepare_two(graph, node, &shift_right, err);
    return leat_error_set(err, LEAT_ERROR_FINDING, "direction is \"%.*s\"; it is LEFT or RIGHT",
                          LEAT_BYTES_FORMAT(direction));
}

static int prepare_mod(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    if (leat_node_int(node, "fmod", 0) != 0)
        return prepare_two(graph, node, &rest, err);
    return prepare_two(graph, node, node->opset < 28 ? &modulo_of_wholes : &modulo, err);
}

static int prepare_pow(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *base = leat_node_input(node, 0), *exponent = leat_node_input(node, 1);
    if (base == NULL || exponent == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "an input is missing");
    if (base->type >= LEAT_TENSOR_TYPES || powers[base->type][LEAT_TENSOR_FLOAT] == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (exponent->type >= LEAT_TENSOR_TYPES || powers[base->type][exponent->type] == NULL)
        return leat_node_refuse_type(node, 1, err);
    return prepare_loop(graph, node, powers[base->type][exponent->type], false, err);
}

static int prepare_prelu(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    int64_t dims[LEAT_RANK_MAX];
    uint32_t rank = 0;
    if (leat_broadcast(node, 0, 2, &rank, dims, NULL, err) < 0)
        return -1;
    const struct leat_tensor *in = node->inputs[0];
    if (rank != in->rank || memcmp(dims, in->dims, rank * sizeof dims[0]) != 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "the slope is larger than what it is for");
    return prepare_binary(graph, node, err);
}

/* ---- any number of inputs ---- */

struct variadic_state {
    binary_loop *loop;
    struct leat_walk *walks; /* one an input: the output itself, and the input */
    size_t size;
};

static void mean_of(const struct leat_node *node, const struct leat_run *run)
{
    const struct leat_tensor *out = node->outputs[0];
    void *data = leat_tensor_data(run, out);
    if (out->type == LEAT_TENSOR_FLOAT) {
        for (size_t i = 0; i < out->count; i++)
            ((float *)data)[i] /= (float)node->input_count;
        return;
    }
    for (size_t i = 0; i < out->count; i++)
        ((double *)data)[i] /= (double)node->input_count;
}

static void fold_input(const struct variadic_state *state, const struct leat_walk *walk, char *out, const char *in,
                       struct leat_run *run)
{
    struct leat_walk_place place = {0};
    do {
        state->loop(walk->inner, out, out, walk->step[1], in + place.at[0] * (int64_t)state->size, walk->step[0], run);
        out += walk->inner * state->size;
    } while (leat_walk_next(walk, &place));
}

static void run_variadic(const struct leat_node *node, struct leat_run *run)
{
    const struct variadic_state *state = node->state;
    if (state->walks[0].inner == 0)
        return;
    void *out = leat_node_out(node, run, 0);
    leat_walk_copy(&state->walks[0], state->size, out, leat_node_in(node, run, 0));
    for (uint32_t i = 1; i < node->input_count; i++)
        fold_input(state, &state->walks[i], out, leat_node_in(node, run, i), run);
}

static void run_mean(const struct leat_node *node, struct leat_run *run)
{
    run_variadic(node, run);
    mean_of(node, run);
}

/* Broadcasting goes over two inputs at a time: each with the output, as a tensor of its dims. */
static int prepare_variadic(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct leat_arena *arena = leat_graph_arena(graph);
    struct variadic_state *state = leat_arena_zalloc(arena, 1, sizeof *state);
    struct leat_tensor whole = {0};
    if (find_loop(node, binary_find(node), &state->loop, err) < 0 ||
        leat_broadcast(node, 0, node->input_count, &whole.rank, whole.dims, NULL, err) < 0)
        return -1;
    state->walks = leat_arena_zalloc(arena, node->input_count, sizeof *state->walks);
    state->size = leat_tensor_type_size(node->inputs[0]->type);
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct leat_tensor *pair[] = {node->inputs[i], &whole};
        struct leat_node both = {.inputs = pair, .input_count = 2};
        struct leat_tensor same = {0}; /* the dims that are asked for may not be those that are given */
        if (leat_broadcast(&both, 0, 2, &same.rank, same.dims, &state->walks[i], err) < 0)
            return -1;
    }
    node->state = state;
    return leat_node_output(graph, node, 0, node->inputs[0]->type, whole.rank, whole.dims, err);
}

/* ---- Where ---- */

struct where_state {
    struct leat_walk walk;
    void (*loop)(const struct leat_walk *walk, void *out, const uint8_t *condition, const void *x, const void *y);
};

#define WHERE(NAME, T)                                                                                            \
    static void where_##NAME(const struct leat_walk *walk, void *out, const uint8_t *condition, const void *in_x, \
                             const void *in_y)                                                                    \
    {                                                                                                             \
        struct leat_walk_place place = {0};                                                                       \
        T *o = out;                                                                                               \
        do {                                                                                                      \
            const uint8_t *c = condition + place.at[0];                                                           \
            const T *x = (const T *)in_x + place.at[1];                                                           \
            const T *y = (const T *)in_y + place.at[2];                                                           \
            for (size_t i = 0; i < walk->inner; i++) {                                                            \
                int64_t n = (int64_t)i;                                                                           \
                *o++ = c[n * walk->step[0]] != 0 ? x[n * walk->step[1]] : y[n * walk->step[2]];                   \
            }                                                                                                     \
        } while (leat_walk_next(walk, &place));                                                                   \
    }
WHERE(8, uint8_t)
WHERE(16, uint16_t)
WHERE(32, uint32_t)
WHERE(64, uint64_t)
WHERE(text, struct leat_bytes)

static void run_where(const struct leat_node *node, struct leat_run *run)
{
    const struct where_state *state = node->state;
    if (state->walk.inner > 0)
        state->loop(&state->walk, leat_node_out(node, run, 0), leat_node_in(node, run, 0), leat_node_in(node, run, 1),
                    leat_node_in(node, run, 2));
}

static int prepare_where(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct where_state *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    int64_t dims[LEAT_RANK_MAX];
    uint32_t rank = 0;
    if (leat_broadcast(node, 0, 3, &rank, dims, &state->walk, err) < 0)
        return -1;
    enum leat_tensor_type type = node->inputs[1]->type;
    if (node->inputs[0]->type != LEAT_TENSOR_BOOL || node->inputs[2]->type != type)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its inputs are %s, %s and %s; it takes bool and two alike",
                              leat_tensor_type_name(node->inputs[0]->type), leat_tensor_type_name(type),
                              leat_tensor_type_name(node->inputs[2]->type));
    switch (leat_tensor_type_size(type)) {
    case 1:
        state->loop = where_8;
        break;
    case 2:
        state->loop = where_16;
        break;
    case 4:
        state->loop = where_32;
        break;
    case 8:
        state->loop = where_64;
        break;
    default:
        state->loop = where_text;
    }
    node->state = state;
    return leat_node_output(graph, node, 0, type, rank, dims, err);
}

/* ---- the table ---- */

#define TWO(NAME, SINCE, PREPARE)                                            \
    {                                                                        \
        "", NAME, SINCE, 0, PREPARE, run_binary, leat_by_row_broadcast, 2, 2 \
    }
#define ANY(NAME, SINCE, RUN)                                                  \
    {                                                                          \
        "", NAME, SINCE, 0, prepare_variadic, RUN, leat_by_row_broadcast, 0, 1 \
    }

const struct leat_operator leat_ops_elementwise[] = {
    TWO("Add", 7, prepare_binary),
    TWO("Sub", 7, prepare_binary),
    TWO("Mul", 7, prepare_binary),
    TWO("Div", 7, prepare_binary),
    TWO("Mod", 10, prepare_mod),
    TWO("Pow", 7, prepare_pow),
    TWO("PRelu", 7, prepare_prelu),
    ANY("Max", 8, run_variadic),
    ANY("Min", 8, run_variadic),
    ANY("Sum", 8, run_variadic),
    ANY("Mean", 8, run_mean),
    TWO("Equal", 7, prepare_binary),
    TWO("Less", 7, prepare_binary),
    TWO("LessOrEqual", 12, prepare_binary),
    TWO("Greater", 7, prepare_binary),
    TWO("GreaterOrEqual", 12, prepare_binary),
    TWO("And", 7, prepare_binary),
    TWO("Or", 7, prepare_binary),
    TWO("Xor", 7, prepare_binary),
    TWO("BitwiseAnd", 18, prepare_binary),
    TWO("BitwiseOr", 18, prepare_binary),
    TWO("BitwiseXor", 18, prepare_binary),
    TWO("BitShift", 11, prepare_bit_shift),
    {"", "Where", 9, 0, prepare_where, run_where, leat_by_row_broadcast, 3, 3},
    {0},
};
