/* Cast and CastLike. What the specification leaves open is done as ONNX Runtime does it on x86-64: a number that is no
 * whole number of the type becomes the smallest of 32 bits, or of 64 for the wide types, cut to the type's width; one
 * that is too large for uint32 or uint64 becomes 0. */
#include "model/onnx/operands.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef void cast_loop(size_t n, void *out, const void *in, struct leat_run *run);

/* ---- numbers ---- */

static int32_t whole_32(double x)
{
    return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN;
}

static int64_t whole_64(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static int8_t to_int8_t(double x)
{
    return (int8_t)whole_32(x);
}

static int16_t to_int16_t(double x)
{
    return (int16_t)whole_32(x);
}

static int32_t to_int32_t(double x)
{
    return whole_32(x);
}

static int64_t to_int64_t(double x)
{
    return whole_64(x);
}

static uint8_t to_uint8_t(double x)
{
    return (uint8_t)whole_32(x);
}

static uint16_t to_uint16_t(double x)
{
    return (uint16_t)whole_32(x);
}

static uint32_t to_uint32_t(double x)
{
    return x >= 0x1p31 ? (uint32_t)whole_32(x - 0x1p31) ^ 0x80000000u : (uint32_t)whole_32(x);
}

static uint64_t to_uint64_t(double x)
{
    if (x >= 0x1p63)
        return x < 0x1p64 ? (uint64_t)x : 0;
    return (uint64_t)whole_64(x);
}

/* ---- texts ---- */

/* A number at the beginning of the text counts; one that is too large does not, nor does none. */
static bool text_number(const char *text, const char *end, struct leat_run *run)
{
    if (end != text && errno != ERANGE)
        return true;
    leat_run_fail(run, "a text that was to become a number is none");
    return false;
}

static const char *terminated(struct leat_bytes text, char copy[64])
{
    size_t len = text.len < 63 ? text.len : 63;
    if (len > 0)
        memcpy(copy, text.data, len);
    copy[len] = '\0';
    errno = 0;
    return copy;
}

static float text_float(struct leat_bytes text, struct leat_run *run)
{
    char copy[64], *end;
    const char *begin = terminated(text, copy);
    float number = strtof(begin, &end);
    if (errno == ERANGE && fabsf(number) < 1)
        errno = 0; /* tiny, and as near as there is */
    return text_number(begin, end, run) ? number : 0;
}

static double text_double(struct leat_bytes text, struct leat_run *run)
{
    char copy[64], *end;
    const char *begin = terminated(text, copy);
    double number = strtod(begin, &end);
    if (errno == ERANGE && fabs(number) < 1)
        errno = 0;
    return text_number(begin, end, run) ? number : 0;
}

static int64_t text_signed(struct leat_bytes text, struct leat_run *run)
{
    char copy[64], *end;
    const char *begin = terminated(text, copy);
    int64_t number = strtoll(begin, &end, 10);
    return text_number(begin, end, run) ? number : 0;
}

static uint64_t text_unsigned(struct leat_bytes text, struct leat_run *run)
{
    char copy[64], *end;
    const char *begin = terminated(text, copy);
    uint64_t number = strtoull(begin, &end, 10);
    return text_number(begin, end, run) ? number : 0;
}

/* ---- loops: from T, to TO ---- */

#define CAST(TYPE, T, NAME, TO, EXPRESSION)                                              \
    static void T##_to_##NAME(size_t n, void *out, const void *in, struct leat_run *run) \
    {                                                                                    \
        TO *o = out;                                                                     \
        const T *from = in;                                                              \
        (void)run;                                                                       \
        for (size_t i = 0; i < n; i++) {                                                 \
            const T x = from[i];                                                         \
            o[i] = (TO)(EXPRESSION);                                                     \
        }                                                                                \
    }
typedef struct leat_bytes text;

#define TO_FLOATS(TYPE, TO, ...)       \
    LEAT_NUMBER_TYPES(CAST, TO, TO, x) \
    CAST(STRING, text, TO, TO, text_##TO(x, run))
#define TO_SIGNED(TYPE, TO, ...)                       \
    LEAT_INTEGER_TYPES(CAST, TO, TO, x)                \
    LEAT_FLOAT_TYPES(CAST, TO, TO, to_##TO((double)x)) \
    CAST(STRING, text, TO, TO, text_signed(x, run))
#define TO_UNSIGNED(TYPE, TO, ...)                     \
    LEAT_INTEGER_TYPES(CAST, TO, TO, x)                \
    LEAT_FLOAT_TYPES(CAST, TO, TO, to_##TO((double)x)) \
    CAST(STRING, text, TO, TO, text_unsigned(x, run))

/* A macro is not expanded within itself: each target has a line. */
TO_FLOATS(, float)
TO_FLOATS(, double)
TO_SIGNED(, int8_t)
TO_SIGNED(, int16_t)
TO_SIGNED(, int32_t)
TO_SIGNED(, int64_t)
TO_UNSIGNED(, uint8_t)
TO_UNSIGNED(, uint16_t)
TO_UNSIGNED(, uint32_t)
TO_UNSIGNED(, uint64_t)
LEAT_NUMBER_TYPES(CAST, truth, uint8_t, x != 0)
CAST(STRING, text, truth, uint8_t, text_unsigned(x, run) != 0)
CAST(STRING, text, text, text, x)

#define LOOP(TYPE, T, TO) [LEAT_TENSOR_##TYPE] = T##_to_##TO,
#define LOOPS(TO)                                                                                            \
    {                                                                                                        \
        LEAT_NUMBER_TYPES(LOOP, TO)[LEAT_TENSOR_BOOL] = uint8_t_to_##TO, [LEAT_TENSOR_STRING] = text_to_##TO \
    }

static cast_loop *const loops[LEAT_TENSOR_TYPES][LEAT_TENSOR_TYPES] = {
    [LEAT_TENSOR_FLOAT] = LOOPS(float),     [LEAT_TENSOR_DOUBLE] = LOOPS(double),
    [LEAT_TENSOR_INT8] = LOOPS(int8_t),     [LEAT_TENSOR_INT16] = LOOPS(int16_t),
    [LEAT_TENSOR_INT32] = LOOPS(int32_t),   [LEAT_TENSOR_INT64] = LOOPS(int64_t),
    [LEAT_TENSOR_UINT8] = LOOPS(uint8_t),   [LEAT_TENSOR_UINT16] = LOOPS(uint16_t),
    [LEAT_TENSOR_UINT32] = LOOPS(uint32_t), [LEAT_TENSOR_UINT64] = LOOPS(uint64_t),
    [LEAT_TENSOR_BOOL] = LOOPS(truth),      [LEAT_TENSOR_STRING] = {[LEAT_TENSOR_STRING] = text_to_text},
};

/* ---- to texts: constants only, since a text needs a place ---- */

/* With eight digits, doubles too: what ONNX Runtime writes. */
static char *real_text(struct leat_arena *arena, double x)
{
    if (isnan(x))
        return leat_arena_strdup(arena, "NaN");
    if (isinf(x))
        return leat_arena_strdup(arena, x < 0 ? "-INF" : "INF");
    return leat_arena_format(arena, "%.8g", x);
}

static char *number_text(struct leat_arena *arena, const struct leat_tensor *tensor, size_t i)
{
    switch (tensor->type) {
    case LEAT_TENSOR_FLOAT:
        return real_text(arena, (double)((const float *)tensor->data)[i]);
    case LEAT_TENSOR_DOUBLE:
        return real_text(arena, ((const double *)tensor->data)[i]);
    case LEAT_TENSOR_UINT64:
        return leat_arena_format(arena, "%" PRIu64, ((const uint64_t *)tensor->data)[i]);
#define CASE(TYPE, T, ...)   \
    case LEAT_TENSOR_##TYPE: \
        return leat_arena_format(arena, "%" PRId64, (int64_t)((const T *)tensor->data)[i]);
        LEAT_SIGNED_TYPES(CASE, )
        CASE(UINT8, uint8_t)
        CASE(UINT16, uint16_t)
        CASE(UINT32, uint32_t)
#undef CASE
    default:
        return leat_arena_strdup(arena, ((const uint8_t *)tensor->data)[i] != 0 ? "1" : "0");
    }
}

static int prepare_texts(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *in = node->inputs[0];
    struct leat_arena *arena = leat_graph_arena(graph);
    if (in->data == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: numbers are made texts");
    if (leat_node_output_like(graph, node, LEAT_TENSOR_STRING, in, err) < 0)
        return -1;
    struct leat_bytes *texts = leat_arena_zalloc(arena, in->count + 1, sizeof *texts);
    for (size_t i = 0; i < in->count; i++)
        texts[i] = leat_bytes_of(number_text(arena, in, i));
    if (node->outputs[0] != NULL)
        node->outputs[0]->data = texts;
    return 0;
}

static void run_cast(const struct leat_node *node, struct leat_run *run)
{
    const struct leat_tensor *in = node->inputs[0], *out = node->outputs[0];
    if (in->type == out->type)
        loops[LEAT_TENSOR_UINT8][LEAT_TENSOR_UINT8](in->count * leat_tensor_type_size(in->type),
                                                    leat_tensor_data(run, out), leat_tensor_data(run, in), run);
    else
        loops[out->type][in->type](in->count, leat_tensor_data(run, out), leat_tensor_data(run, in), run);
}

static int prepare_to(struct leat_graph *graph, struct leat_node *node, int64_t to, struct leat_error *err)
{
    const struct leat_tensor *in = leat_node_input(node, 0);
    if (in == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "its input is missing");
    enum leat_tensor_type type = to > 0 && to < LEAT_TENSOR_TYPES ? (enum leat_tensor_type)to : LEAT_TENSOR_NONE;
    if (in->type >= LEAT_TENSOR_TYPES || loops[LEAT_TENSOR_FLOAT][in->type] == NULL)
        return leat_node_refuse_type(node, 0, err);
    if (loops[type][LEAT_TENSOR_STRING] == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "does not run here: type %s",
                              to > 0 && to < 64 ? leat_tensor_type_name((enum leat_tensor_type)to) : "of another kind");
    if (type == LEAT_TENSOR_STRING && in->type != type)
        return prepare_texts(graph, node, err);
    return leat_node_output_like(graph, node, type, in, err);
}

static int prepare_cast(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    return prepare_to(graph, node, leat_node_int(node, "to", 0), err);
}

static int prepare_cast_like(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    const struct leat_tensor *like = leat_node_input(node, 1);
    if (like == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "an input is missing");
    return prepare_to(graph, node, (int64_t)like->type, err);
}

/* The second input says a type alone. */
static bool by_row_cast_like(const struct leat_node *node)
{
    return node->inputs[0]->carries_row && node->inputs[0]->rank > 0;
}

const struct leat_operator leat_ops_cast[] = {
    {"", "Cast", 6, 0, prepare_cast, run_cast, leat_by_row_first, 1, 1},
    {"", "CastLike", 15, 0, prepare_cast_like, run_cast, by_row_cast_like, 2, 2},
    {0},
};
