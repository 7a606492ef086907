/* ONNX operators: a block of rows is scored as its rows are one by one, whatever the graph, and one whose rows are not
 * independent goes row by row. What each operator gives is shown by the onnx package's own tests and by ONNX Runtime
 * (tests/integration/slow_onnx_nodes.py, slow_onnx_ops.py). */
#include "model/model.h"
#include "support/make_graph.h"
#include "support/make_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROWS 77  /* two blocks and a rest */
#define WIDTH 32 /* as many as rows in a block: what is aligned wrongly still fits */

/* A graph while it is made: all its tensors are N × 32, named t0, t1, … */
struct random_graph {
    struct make_graph g;
    struct make_random random;
    int tensors, constants;
    bool mixes; /* a row depends on others */
};

static const char *constant(struct random_graph *r, const char *dims, size_t count)
{
    static char names[8][16];
    char *name = names[r->constants % 8];
    float values[WIDTH * WIDTH];
    snprintf(name, sizeof names[0], "c%d", r->constants++);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(make_unit(&r->random) - 0.4);
    make_graph_constant(&r->g, name, 1, dims, values, count * sizeof values[0]);
    return name;
}

static const char *whole(struct random_graph *r, const char *dims, const int64_t *values, size_t count)
{
    static char names[8][16];
    char *name = names[r->constants % 8];
    snprintf(name, sizeof names[0], "c%d", r->constants++);
    make_graph_constant(&r->g, name, 7, dims, values, count * sizeof values[0]);
    return name;
}

/* inputs: "%s" is the tensor so far; outputs as they are. */
static void add(struct random_graph *r, const char *op, const char *in, const char *more, const char *out,
                const char *attributes)
{
    char inputs[128];
    snprintf(inputs, sizeof inputs, "%s%s%s", in, more[0] != '\0' ? "," : "", more);
    make_graph_node(&r->g, op, inputs, out, attributes);
}

/* Steps from a tensor of N × 32 to another: `in` and `other` are earlier tensors, `out` is new, `a` and `b` are names
 * for what lies between. */
struct names {
    const char *in, *other, *out, *a, *b;
};

static void step_unary(struct random_graph *r, const struct names *n)
{
    static const char *const ops[] = {"Relu", "Tanh",     "Sigmoid",  "Neg",     "Softplus",    "Erf",
                                      "Abs",  "Identity", "Softsign", "Elu",     "HardSigmoid", "LeakyRelu",
                                      "Selu", "Floor",    "Celu",     "Softmax", "LogSoftmax",  "LpNormalization"};
    add(r, ops[make_below(&r->random, sizeof ops / sizeof ops[0])], n->in, "", n->out, "");
}

static void step_binary(struct random_graph *r, const struct names *n)
{
    static const char *const ops[] = {"Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"};
    static const struct {
        const char *dims;
        size_t count;
    } shapes[] = {{"", 1}, {"1", 1}, {"32", WIDTH}, {"1,32", WIDTH}, {"1,1", 1}};
    uint32_t shape = make_below(&r->random, 6);
    const char *more = shape == 5 ? n->other : constant(r, shapes[shape].dims, shapes[shape].count);
    const char *op = ops[make_below(&r->random, sizeof ops / sizeof ops[0])];
    if (make_below(&r->random, 2) == 0)
        add(r, op, n->in, more, n->out, "");
    else
        add(r, op, more, n->in, n->out, "");
}

static void step_matrix(struct random_graph *r, const struct names *n)
{
    const char *weights = constant(r, "32,32", (size_t)WIDTH * WIDTH);
    char more[64];
    if (make_below(&r->random, 2) == 0) {
        add(r, "MatMul", n->in, weights, n->out, "");
        return;
    }
    snprintf(more, sizeof more, "%s,%s", weights,
             make_below(&r->random, 2) == 0 ? constant(r, "32", WIDTH) : constant(r, "1,32", WIDTH));
    add(r, "Gemm", n->in, more, n->out, make_below(&r->random, 2) == 0 ? "transB=1 alpha=0.5" : "beta=2.0");
}

static void step_normal(struct random_graph *r, const struct names *n)
{
    char more[64];
    snprintf(more, sizeof more, "%s,%s", constant(r, "32", WIDTH), constant(r, "32", WIDTH));
    add(r, "LayerNormalization", n->in, more, n->out, "");
}

static void step_turn(struct random_graph *r, const struct names *n)
{
    const int64_t there[] = {0, 4, 8}, back[] = {-1, 32};
    add(r, "Reshape", n->in, whole(r, "3", there, 3), n->a, "");
    add(r, "Transpose", n->a, "", n->b, "perm=0,2,1,");
    if (make_below(&r->random, 2) == 0)
        add(r, "Reshape", n->b, whole(r, "2", back, 2), n->out, "");
    else
        add(r, "Flatten", n->b, "", n->out, "");
}

static void step_pieces(struct random_graph *r, const struct names *n)
{
    char both[64], more[64];
    const int64_t starts[] = {5}, ends[] = {21}, axes[] = {1}, repeats[] = {1, 2};
    snprintf(both, sizeof both, "%s,%s", n->a, n->b);
    switch (make_below(&r->random, 3)) {
    case 0:
        add(r, "Split", n->in, "", both, "axis=1");
        add(r, "Concat", n->b, n->a, n->out, "axis=1");
        return;
    case 1:
        snprintf(more, sizeof more, "%s,%s,%s", whole(r, "1", starts, 1), whole(r, "1", ends, 1),
                 whole(r, "1", axes, 1));
        add(r, "Slice", n->in, more, n->a, "");
        add(r, "Tile", n->a, whole(r, "2", repeats, 2), n->out, "");
        return;
    default:
        add(r, "Split", n->in, "", both, "axis=-1");
        add(r, "Concat", n->a, n->a, n->out, "axis=-1");
    }
}

static void step_best(struct random_graph *r, const struct names *n)
{
    int64_t k = WIDTH, places[WIDTH];
    char both[64];
    if (make_below(&r->random, 2) == 0) {
        snprintf(both, sizeof both, "%s,%s", n->out, n->a);
        add(r, "TopK", n->in, whole(r, "1", &k, 1), both, "axis=1");
        return;
    }
    for (size_t i = 0; i < WIDTH; i++)
        places[i] = make_below(&r->random, WIDTH);
    add(r, "Gather", n->in, whole(r, "32", places, WIDTH), n->out, "axis=1");
}

/* An embedding: the place of the largest number finds a row of a table. */
static void step_embedding(struct random_graph *r, const struct names *n)
{
    add(r, "ArgMax", n->in, "", n->a, "axis=1 keepdims=0");
    add(r, "Gather", constant(r, "32,32", (size_t)WIDTH * WIDTH), n->a, n->out, "axis=0");
}

static void step_reduce(struct random_graph *r, const struct names *n)
{
    static const char *const ops[] = {"ReduceMean", "ReduceMax", "ReduceL2", "ReduceMin"};
    add(r, ops[make_below(&r->random, 4)], n->in, "", n->a, "axes=1, keepdims=1");
    add(r, "Sub", n->in, n->a, n->out, "");
}

/* ---- steps that mix rows: for one row they all are something ---- */

static void mix_reduce(struct random_graph *r, const struct names *n)
{
    add(r, "ReduceMax", n->in, "", n->a, "axes=0, keepdims=1");
    add(r, "Add", n->in, n->a, n->out, "");
}

/* A number for each row that broadcasting lays along the columns. */
static void mix_aligned(struct random_graph *r, const struct names *n)
{
    add(r, "ReduceMax", n->in, "", n->a, "axes=1, keepdims=0");
    add(r, "Add", n->in, n->a, n->out, "");
}

static void mix_running(struct random_graph *r, const struct names *n)
{
    const int64_t axis = 0;
    add(r, "CumSum", n->in, whole(r, "", &axis, 1), n->out, "");
}

static void mix_first(struct random_graph *r, const struct names *n)
{
    const int64_t first[] = {0};
    add(r, "Gather", n->in, whole(r, "1", first, 1), n->a, "axis=0");
    add(r, "Add", n->in, n->a, n->out, "");
}

static void mix_slice(struct random_graph *r, const struct names *n)
{
    const int64_t from[] = {0}, to[] = {1};
    char more[64];
    snprintf(more, sizeof more, "%s,%s", whole(r, "1", from, 1), whole(r, "1", to, 1));
    add(r, "Slice", n->in, more, n->a, "");
    add(r, "Mul", n->in, n->a, n->out, "");
}

static void mix_softmax(struct random_graph *r, const struct names *n)
{
    add(r, "Softmax", n->in, "", n->out, "axis=0");
}

/* The number of rows itself. */
static void mix_shape(struct random_graph *r, const struct names *n)
{
    add(r, "Shape", n->in, "", n->a, "start=0 end=1");
    add(r, "Cast", n->a, "", n->b, "to=1");
    add(r, "Mul", n->in, n->b, n->out, "");
}

/* As many rows as columns are turned. */
static void mix_product(struct random_graph *r, const struct names *n)
{
    add(r, "Transpose", n->in, "", n->a, "perm=1,0,");
    add(r, "MatMul", n->in, n->a, n->b, "");
    add(r, "MatMul", n->b, n->in, n->out, "");
}

typedef void step(struct random_graph *r, const struct names *names);
static step *const plain_steps[] = {step_unary,  step_binary, step_matrix,    step_normal, step_turn,
                                    step_pieces, step_best,   step_embedding, step_reduce};
static step *const mixing_steps[] = {mix_reduce, mix_aligned, mix_running, mix_first,
                                     mix_slice,  mix_softmax, mix_shape,   mix_product};

static void take_step(struct random_graph *r, step *take)
{
    char in[16], other[16], out[16], a[16], b[16];
    snprintf(in, sizeof in, "t%d", r->tensors - 1);
    snprintf(other, sizeof other, "t%u", make_below(&r->random, (uint32_t)r->tensors));
    snprintf(out, sizeof out, "t%d", r->tensors);
    snprintf(a, sizeof a, "a%d", r->tensors);
    snprintf(b, sizeof b, "b%d", r->tensors);
    take(r, &(struct names){in, other, out, a, b});
    r->tensors++;
}

static struct leat_model *finish(struct random_graph *r)
{
    struct leat_buffer file = {0};
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    char last[16];
    snprintf(last, sizeof last, "t%d", r->tensors - 1);
    make_graph_output(&r->g, last, 1, WIDTH);
    make_graph_file(&r->g, 17, &file);
    if (leat_model_load("made", leat_buffer_view(&file), NULL, &model, &err) < 0)
        fail_msg("%s", err.text);
    leat_buffer_done(&file);
    return model;
}

static void begin(struct random_graph *r, uint64_t seed)
{
    *r = (struct random_graph){.random = {seed}, .tensors = 1};
    make_graph_input(&r->g, "t0", 1, WIDTH);
}

/* Nobody else's row changes a row's score. */
static void expect_rows_alone(const struct leat_model *model, uint64_t seed)
{
    double *rows = make_rows(seed, ROWS, WIDTH, false);
    double *block = leat_calloc((size_t)ROWS * WIDTH, sizeof *block);
    double *alone = leat_calloc((size_t)ROWS * WIDTH, sizeof *alone);
    void *scratch = leat_model_scratch_new(model, ROWS);
    assert_int_equal(leat_model_info(model)->output_count, WIDTH);
    leat_model_predict(model, rows, WIDTH, ROWS, block, NULL, scratch);
    for (size_t row = 0; row < ROWS; row++)
        leat_model_predict(model, rows + row * WIDTH, WIDTH, 1, alone + row * WIDTH, NULL, scratch);
    for (size_t i = 0; i < (size_t)ROWS * WIDTH; i++)
        if (memcmp(&block[i], &alone[i], sizeof alone[i]) != 0)
            fail_msg("graph %llu, row %zu: %.9g in a block, %.9g alone", (unsigned long long)seed, i / WIDTH, block[i],
                     alone[i]);
    free(scratch);
    free(alone);
    free(block);
    free(rows);
}

static bool goes_in_blocks(const struct leat_model *model)
{
    return strstr(leat_model_info(model)->kernel, "in blocks") != NULL;
}

static void random_graphs_score_a_block_as_its_rows_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct random_graph r;
        begin(&r, seed);
        for (uint32_t i = 0, steps = 1 + make_below(&r.random, 6); i < steps; i++)
            take_step(&r, plain_steps[make_below(&r.random, sizeof plain_steps / sizeof plain_steps[0])]);
        struct leat_model *model = finish(&r);
        expect_rows_alone(model, seed);
        if (!goes_in_blocks(model))
            fail_msg("graph %llu goes row by row, and its rows are independent", (unsigned long long)seed);
        leat_model_unref(model);
    }
}

static void graphs_that_mix_rows_go_row_by_row(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct random_graph r;
        size_t which = seed % (sizeof mixing_steps / sizeof mixing_steps[0]);
        begin(&r, 1000 + seed);
        for (uint32_t i = 0, steps = make_below(&r.random, 3); i < steps; i++)
            take_step(&r, plain_steps[make_below(&r.random, sizeof plain_steps / sizeof plain_steps[0])]);
        take_step(&r, mixing_steps[which]);
        for (uint32_t i = 0, steps = make_below(&r.random, 3); i < steps; i++)
            take_step(&r, plain_steps[make_below(&r.random, sizeof plain_steps / sizeof plain_steps[0])]);
        struct leat_model *model = finish(&r);
        expect_rows_alone(model, seed);
        if (goes_in_blocks(model))
            fail_msg("graph %llu, with mixing step %zu, goes in blocks", (unsigned long long)seed, which);
        leat_model_unref(model);
    }
}

/* Each width of a product has other panels: whole ones, part of one, several. */
static void products_of_all_widths_are_sums_in_order(void **state)
{
    (void)state;
    for (int width = 1; width <= 70; width++) {
        struct make_graph g = {0};
        struct make_random random = {(uint64_t)width};
        struct leat_buffer file = {0};
        struct leat_error err = {0};
        struct leat_model *model = NULL;
        float weights[13 * 70];
        char dims[16];
        double rows[33 * 13], out[33 * 70];
        snprintf(dims, sizeof dims, "13,%d", width);
        for (size_t i = 0; i < 13 * (size_t)width; i++)
            weights[i] = (float)(make_unit(&random) - 0.5);
        for (size_t i = 0; i < 33 * 13; i++)
            rows[i] = (double)(float)make_unit(&random);
        make_graph_input(&g, "x", 1, 13);
        make_graph_constant(&g, "w", 1, dims, weights, 13 * (size_t)width * sizeof weights[0]);
        make_graph_node(&g, "MatMul", "x,w", "y", "");
        make_graph_output(&g, "y", 1, width);
        make_graph_file(&g, 17, &file);
        assert_int_equal(leat_model_load("made", leat_buffer_view(&file), NULL, &model, &err), 0);
        void *scratch = leat_model_scratch_new(model, 33);
        leat_model_predict(model, rows, 13, 33, out, NULL, scratch);
        for (int row = 0; row < 33; row++)
            for (int j = 0; j < width; j++) {
                float sum = 0;
                for (int i = 0; i < 13; i++)
                    sum += (float)rows[row * 13 + i] * weights[i * width + j];
                assert_memory_equal(&(double){(double)sum}, &out[row * width + j], sizeof(double));
            }
        free(scratch);
        leat_model_unref(model);
        leat_buffer_done(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_score_a_block_as_its_rows_alone),
        cmocka_unit_test(graphs_that_mix_rows_go_row_by_row),
        cmocka_unit_test(products_of_all_widths_are_sums_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
