/* Operators of one input, element by element: arithmetic, activations, tests. */
#include "model/onnx/lanes.h"
#include "model/onnx/operands.h"

#include <float.h>
#include <tgmath.h>

/* An operator's attributes, or what has been worked out of them. */
struct parameters {
    double alpha, beta;
};

typedef void unary_loop(size_t n, void *out, const void *in, const struct parameters *parameters);

/* E: the type of the elements; x: one of them; A and B: the parameters. In fixed stretches, which compilers do in
 * vectors when the expression allows it. */
#define STRETCH 16
#define UNARY(TYPE, T, NAME, R, EXPRESSION)                                                          \
    static void NAME##_##T(size_t n, void *out, const void *in, const struct parameters *parameters) \
    {                                                                                                \
        typedef T E;                                                                                 \
        const E A = (E)parameters->alpha, B = (E)parameters->beta;                                   \
        const E *from = in;                                                                          \
        R *o = out;                                                                                  \
        size_t i = 0;                                                                                \
        (void)A;                                                                                     \
        (void)B;                                                                                     \
        for (; i + STRETCH <= n; i += STRETCH) {                                                     \
            E all[STRETCH];                                                                          \
            R results[STRETCH];                                                                      \
            memcpy(all, from + i, sizeof all);                                                       \
            for (size_t j = 0; j < STRETCH; j++) {                                                   \
                const E x = all[j];                                                                  \
                results[j] = (R)(EXPRESSION);                                                        \
            }                                                                                        \
            memcpy(o + i, results, sizeof results);                                                  \
        }                                                                                            \
        for (; i < n; i++) {                                                                         \
            const E x = from[i];                                                                     \
            o[i] = (R)(EXPRESSION);                                                                  \
        }                                                                                            \
    }
#define REAL(NAME, EXPRESSION) LEAT_FLOAT_TYPES(UNARY, NAME, E, EXPRESSION)

REAL(absolute, fabs(x))
LEAT_SIGNED_TYPES(UNARY, absolute, E, x < 0 ? 0 - (uint64_t)x : (uint64_t)x)
LEAT_UNSIGNED_TYPES(UNARY, absolute, E, x)
REAL(negative, -x)
LEAT_SIGNED_TYPES(UNARY, negative, E, 0 - (uint64_t)x)
REAL(sign, isnan(x) ? x : (E)((x > 0) - (x < 0)))
LEAT_SIGNED_TYPES(UNARY, sign, E, (x > 0) - (x < 0))
LEAT_UNSIGNED_TYPES(UNARY, sign, E, x > 0)
LEAT_INTEGER_TYPES(UNARY, complement, E, ~x)
UNARY(BOOL, uint8_t, negation, uint8_t, x == 0)

REAL(square_root, sqrt(x))
UNARY(DOUBLE, double, exponential, E, exp(x))
REAL(logarithm, log(x))
REAL(round_down, floor(x))
REAL(round_up, ceil(x))
REAL(round_even, rint(x))
REAL(reciprocal, 1 / x)
REAL(sine, sin(x))
REAL(cosine, cos(x))
REAL(tangent, tan(x))
REAL(arcsine, asin(x))
REAL(arccosine, acos(x))
REAL(arctangent, atan(x))
REAL(sine_hyperbolic, sinh(x))
REAL(cosine_hyperbolic, cosh(x))
REAL(arcsine_hyperbolic, asinh(x))
REAL(arccosine_hyperbolic, acosh(x))
REAL(arctangent_hyperbolic, atanh(x))
REAL(error_function, erf(x))
UNARY(DOUBLE, double, tangent_hyperbolic, E, tanh(x))

/* NaN stays NaN in all of them but ThresholdedRelu. */
REAL(relu, x < 0 ? 0 : x)
LEAT_SIGNED_TYPES(UNARY, relu, E, x < 0 ? 0 : x)
LEAT_UNSIGNED_TYPES(UNARY, relu, E, x)
REAL(leaky_relu, x < 0 ? A * x : x)
REAL(thresholded_relu, x > A ? x : 0)
REAL(elu, x < 0 ? A * expm1(x) : x)
REAL(selu, x > 0 ? B * x : B * (A * expm1(x)))
REAL(celu, x > 0 ? x : A * expm1(x / A))
UNARY(DOUBLE, double, sigmoid, E, 1 / (1 + exp(-x)))
UNARY(DOUBLE, double, softplus, E, (x > 0 ? x : 0) + log1p(exp(-fabs(x))))
REAL(softsign, x / (1 + fabs(x)))
REAL(hard_sigmoid, A *x + B < 0 ? 0 : A * x + B > 1 ? 1 : A * x + B)
REAL(hard_swish, x *(x / 6 + (E)0.5 < 0 ? 0 : x / 6 + (E)0.5 > 1 ? 1 : x / 6 + (E)0.5))
REAL(swish, x / (1 + exp(-A * x)))
REAL(mish, x *tanh((x > 0 ? x : 0) + log1p(exp(-fabs(x)))))
REAL(gelu, (E)0.5 * x * (1 + erf(x * (E)0.70710678118654752440)))
REAL(gelu_tanh, (E)0.5 * x * (1 + tanh((E)0.79788456080286535588 * (x + (E)0.044715 * x * x * x))))

LEAT_FLOAT_TYPES(UNARY, is_nan, uint8_t, isnan(x) != 0)
LEAT_FLOAT_TYPES(UNARY, is_inf, uint8_t, isinf(x) && (x > 0 ? A : B) != 0)

/* Floats go several at once where lanes.h has the function. */
#define IN_LANES(NAME)                                                                                    \
    static void NAME##_in_lanes(size_t n, void *out, const void *in, const struct parameters *parameters) \
    {                                                                                                     \
        (void)parameters;                                                                                 \
        leat_lanes()->NAME(n, out, in);                                                                   \
    }
IN_LANES(exponential)
IN_LANES(tangent_hyperbolic)
IN_LANES(sigmoid)
IN_LANES(softplus)

/* ---- the table of loops ---- */

struct unary {
    const char *name;
    bool truth; /* the output is bool */
    unary_loop *loops[LEAT_TENSOR_TYPES];
    struct {
        const char *name;
        float otherwise;
    } alpha, beta; /* attributes */
};

#define LOOP(TYPE, T, NAME) [LEAT_TENSOR_##TYPE] = NAME##_##T,
#define REALS(NAME) LEAT_FLOAT_TYPES(LOOP, NAME)
#define SIGNED(NAME) LEAT_FLOAT_TYPES(LOOP, NAME) LEAT_SIGNED_TYPES(LOOP, NAME)
#define NUMBERS(NAME) LEAT_NUMBER_TYPES(LOOP, NAME)

static const struct unary unaries[] = {
    {"Abs", false, {NUMBERS(absolute)}, {0}, {0}},
    {"Neg", false, {SIGNED(negative)}, {0}, {0}},
    {"Sign", false, {NUMBERS(sign)}, {0}, {0}},
    {"BitwiseNot", false, {LEAT_INTEGER_TYPES(LOOP, complement)}, {0}, {0}},
    {"Not", true, {[LEAT_TENSOR_BOOL] = negation_uint8_t}, {0}, {0}},
    {"Sqrt", false, {REALS(square_root)}, {0}, {0}},
    {"Exp", false, {[LEAT_TENSOR_FLOAT] = exponential_in_lanes, [LEAT_TENSOR_DOUBLE] = exponential_double}, {0}, {0}},
    {"Log", false, {REALS(logarithm)}, {0}, {0}},
    {"Floor", false, {REALS(round_down)}, {0}, {0}},
    {"Ceil", false, {REALS(round_up)}, {0}, {0}},
    {"Round", false, {REALS(round_even)}, {0}, {0}},
    {"Reciprocal", false, {REALS(reciprocal)}, {0}, {0}},
    {"Sin", false, {REALS(sine)}, {0}, {0}},
    {"Cos", false, {REALS(cosine)}, {0}, {0}},
    {"Tan", false, {REALS(tangent)}, {0}, {0}},
    {"Asin", false, {REALS(arcsine)}, {0}, {0}},
    {"Acos", false, {REALS(arccosine)}, {0}, {0}},
    {"Atan", false, {REALS(arctangent)}, {0}, {0}},
    {"Sinh", false, {REALS(sine_hyperbolic)}, {0}, {0}},
    {"Cosh", false, {REALS(cosine_hyperbolic)}, {0}, {0}},
    {"Asinh", false, {REALS(arcsine_hyperbolic)}, {0}, {0}},
    {"Acosh", false, {REALS(arccosine_hyperbolic)}, {0}, {0}},
    {"Atanh", false, {REALS(arctangent_hyperbolic)}, {0}, {0}},
    {"Erf", false, {REALS(error_function)}, {0}, {0}},
    {"Tanh",
     false,
     {[LEAT_TENSOR_FLOAT] = tangent_hyperbolic_in_lanes, [LEAT_TENSOR_DOUBLE] = tangent_hyperbolic_double},
     {0},
     {0}},
    {"Sigmoid", false, {[LEAT_TENSOR_FLOAT] = sigmoid_in_lanes, [LEAT_TENSOR_DOUBLE] = sigmoid_double}, {0}, {0}},
    {"Relu", false, {NUMBERS(relu)}, {0}, {0}},
    {"LeakyRelu", false, {REALS(leaky_relu)}, {"alpha", 0.01f}, {0}},
    {"ThresholdedRelu", false, {REALS(thresholded_relu)}, {"alpha", 1}, {0}},
    {"Elu", false, {REALS(elu)}, {"alpha", 1}, {0}},
    {"Selu", false, {REALS(selu)}, {"alpha", 1.67326319217681884765625f}, {"gamma", 1.05070102214813232421875f}},
    {"Celu", false, {REALS(celu)}, {"alpha", 1}, {0}},
    {"Softplus", false, {[LEAT_TENSOR_FLOAT] = softplus_in_lanes, [LEAT_TENSOR_DOUBLE] = softplus_double}, {0}, {0}},
    {"Softsign", false, {REALS(softsign)}, {0}, {0}},
    {"HardSigmoid", false, {REALS(hard_sigmoid)}, {"alpha", 0.2f}, {"beta", 0.5f}},
    {"HardSwish", false, {REALS(hard_swish)}, {0}, {0}},
    {"Swish", false, {REALS(swish)}, {"alpha", 1}, {0}},
    {"Mish", false, {REALS(mish)}, {0}, {0}},
    {"IsNaN", true, {REALS(is_nan)}, {0}, {0}},
};
static const struct unary gelu = {"Gelu", false, {REALS(gelu)}, {0}, {0}};
static const struct unary gelu_tanh = {"Gelu", false, {REALS(gelu_tanh)}, {0}, {0}};
static const struct unary is_inf = {"IsInf", true, {REALS(is_inf)}, {0}, {0}};

/* By the operator's name. */
static const struct unary *unary_find(const struct leat_node *node)
{
    for (size_t i = 0; i < sizeof unaries / sizeof unaries[0]; i++) {
        if (strcmp(unaries[i].name, node->op->name) == 0)
            return &unaries[i];
    }
    leat_assert(false); /* each of them in the table of operators has loops */
    return NULL;
}

struct unary_state {
    unary_loop *loop;
    struct parameters parameters;
};

static void run_unary(const struct leat_node *node, struct leat_run *run)
{
    const struct unary_state *state = node->state;
    state->loop(node->inputs[0]->count, leat_node_out(node, run, 0), leat_node_in(node, run, 0), &state->parameters);
}

static int prepare_with(struct leat_graph *graph, struct leat_node *node, const struct unary *unary,
                        struct parameters parameters, struct leat_error *err)
{
    struct unary_state *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    const struct leat_tensor *in = leat_node_input(node, 0);
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->type >= LEAT_TENSOR_TYPES || unary->loops[in->type] == NULL)
        return leat_node_refuse_type(node, 0, err);
    state->loop = unary->loops[in->type];
    state->parameters = parameters;
    node->state = state;
    return leat_node_output_like(graph, node, unary->truth ? LEAT_TENSOR_BOOL : in->type, in, err);
}

static int prepare_unary(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct unary *unary = unary_find(node);
    struct parameters parameters = {0};
    if (unary->alpha.name != NULL)
        parameters.alpha = (double)leat_node_float(node, unary->alpha.name, unary->alpha.otherwise);
    if (unary->beta.name != NULL)
        parameters.beta = (double)leat_node_float(node, unary->beta.name, unary->beta.otherwise);
    return prepare_with(graph, node, unary, parameters, err);
}

static int prepare_gelu(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct leat_bytes approximate = leat_node_text(node, "approximate", "none");
    if (leat_bytes_is(approximate, "none"))
        return prepare_with(graph, node, &gelu, (struct parameters){0}, err);
    if (leat_bytes_is(approximate, "tanh"))
        return prepare_with(graph, node, &gelu_tanh, (struct parameters){0}, err);
    return leat_error_set(err, LEAT_ERROR_FINDING, "approximate is \"%.*s\"; it is none or tanh",
                          LEAT_BYTES_FORMAT(approximate));
}

static int prepare_is_inf(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct parameters parameters = {leat_node_int(node, "detect_positive", 1) != 0 ? 1 : 0,
                                    leat_node_int(node, "detect_negative", 1) != 0 ? 1 : 0};
    return prepare_with(graph, node, &is_inf, parameters, err);
}

/* ---- Clip: bounds are attributes before opset 11, inputs from then on ---- */

struct clip_state {
    void (*loop)(size_t n, void *out, const void *in, const void *low, const void *high);
    float low, high; /* the attributes */
};

#define CLIP(TYPE, T, LOWEST, HIGHEST)                                                                 \
    static void clip_##T(size_t n, void *out, const void *in, const void *in_low, const void *in_high) \
    {                                                                                                  \
        const T *from = in;                                                                            \
        const T low = in_low != NULL ? *(const T *)in_low : LOWEST;                                    \
        const T high = in_high != NULL ? *(const T *)in_high : HIGHEST;                                \
        T *o = out;                                                                                    \
        for (size_t i = 0; i < n; i++) {                                                               \
            const T x = from[i] < low ? low : from[i];                                                 \
            o[i] = high < x ? high : x;                                                                \
        }                                                                                              \
    }
CLIP(FLOAT, float, -FLT_MAX, FLT_MAX)
CLIP(DOUBLE, double, -DBL_MAX, DBL_MAX)
CLIP(INT8, int8_t, INT8_MIN, INT8_MAX)
CLIP(INT16, int16_t, INT16_MIN, INT16_MAX)
CLIP(INT32, int32_t, INT32_MIN, INT32_MAX)
CLIP(INT64, int64_t, INT64_MIN, INT64_MAX)
CLIP(UINT8, uint8_t, 0, UINT8_MAX)
CLIP(UINT16, uint16_t, 0, UINT16_MAX)
CLIP(UINT32, uint32_t, 0, UINT32_MAX)
CLIP(UINT64, uint64_t, 0, UINT64_MAX)

static void run_clip(const struct leat_node *node, struct leat_run *run)
{
    const struct clip_state *state = node->state;
    state->loop(node->inputs[0]->count, leat_node_out(node, run, 0), leat_node_in(node, run, 0),
                leat_node_in(node, run, 1), leat_node_in(node, run, 2));
}

static void run_clip_attributes(const struct leat_node *node, struct leat_run *run)
{
    const struct clip_state *state = node->state;
    clip_float(node->inputs[0]->count, leat_node_out(node, run, 0), leat_node_in(node, run, 0), &state->low,
               &state->high);
}

static int prepare_clip(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    static void (*const loops[LEAT_TENSOR_TYPES])(size_t, void *, const void *, const void *,
                                                  const void *) = {NUMBERS(clip)};
    struct clip_state *state = leat_arena_zalloc(leat_graph_arena(graph), 1, sizeof *state);
    const struct leat_tensor *in = leat_node_input(node, 0);
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    if (in->type >= LEAT_TENSOR_TYPES || loops[in->type] == NULL || (node->opset < 11 && in->type != LEAT_TENSOR_FLOAT))
        return leat_node_refuse_type(node, 0, err);
    for (uint32_t i = 1; i < 3; i++) {
        const struct leat_tensor *bound = leat_node_input(node, i);
        if (bound != NULL && (node->opset < 11 || bound->count != 1 || bound->type != in->type))
            return leat_error_set(err, LEAT_ERROR_FINDING, "input %u, a bound, is not one %s", i,
                                  leat_tensor_type_name(in->type));
    }
    state->loop = loops[in->type];
    state->low = leat_node_float(node, "min", -FLT_MAX);
    state->high = leat_node_float(node, "max", FLT_MAX);
    node->state = state;
    node->run = node->opset < 11 ? run_clip_attributes : run_clip;
    return leat_node_output_like(graph, node, in->type, in, err);
}

/* ---- the table ---- */

#define ONE(NAME, SINCE, PREPARE)                                       \
    {                                                                   \
        "", NAME, SINCE, 0, PREPARE, run_unary, leat_by_row_first, 1, 1 \
    }

const struct leat_operator leat_ops_unary[] = {
    ONE("Abs", 6, prepare_unary),
    ONE("Neg", 6, prepare_unary),
    ONE("Sign", 9, prepare_unary),
    ONE("BitwiseNot", 18, prepare_unary),
    ONE("Not", 1, prepare_unary),
    ONE("Sqrt", 6, prepare_unary),
    ONE("Exp", 6, prepare_unary),
    ONE("Log", 6, prepare_unary),
    ONE("Floor", 6, prepare_unary),
    ONE("Ceil", 6, prepare_unary),
    ONE("Round", 11, prepare_unary),
    ONE("Reciprocal", 6, prepare_unary),
    ONE("Sin", 7, prepare_unary),
    ONE("Cos", 7, prepare_unary),
    ONE("Tan", 7, prepare_unary),
    ONE("Asin", 7, prepare_unary),
    ONE("Acos", 7, prepare_unary),
    ONE("Atan", 7, prepare_unary),
    ONE("Sinh", 9, prepare_unary),
    ONE("Cosh", 9, prepare_unary),
    ONE("Asinh", 9, prepare_unary),
    ONE("Acosh", 9, prepare_unary),
    ONE("Atanh", 9, prepare_unary),
    ONE("Erf", 9, prepare_unary),
    ONE("Tanh", 6, prepare_unary),
    ONE("Sigmoid", 6, prepare_unary),
    ONE("Relu", 6, prepare_unary),
    ONE("LeakyRelu", 6, prepare_unary),
    ONE("ThresholdedRelu", 10, prepare_unary),
    ONE("Elu", 6, prepare_unary),
    ONE("Selu", 6, prepare_unary),
    ONE("Celu", 12, prepare_unary),
    ONE("Softplus", 1, prepare_unary),
    ONE("Softsign", 1, prepare_unary),
    ONE("HardSigmoid", 6, prepare_unary),
    ONE("HardSwish", 14, prepare_unary),
    ONE("Swish", 24, prepare_unary),
    ONE("Mish", 18, prepare_unary),
    ONE("Gelu", 20, prepare_gelu),
    ONE("IsNaN", 9, prepare_unary),
    ONE("IsInf", 10, prepare_is_inf),
    {"", "Clip", 6, 0, prepare_clip, run_clip, leat_by_row_first, 3, 1},
    {0},
};
