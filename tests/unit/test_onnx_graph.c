/* Graphs: what is refused and why, what is folded, and that rows are scored the same however many come. Files are put
 * together here, byte by byte; whole ones are those of the fuzzer's corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "model/model.h"
#include "model/onnx/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS "tests/fuzz/corpus/onnx/"

/* ---- writing protobuf ---- */

static void put_varint(struct leat_buffer *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        leat_buffer_append_char(out, (char)(number | 0x80));
    leat_buffer_append_char(out, (char)number);
}

static void put_int(struct leat_buffer *out, unsigned field, int64_t number)
{
    put_varint(out, field << 3);
    put_varint(out, (uint64_t)number);
}

static void put_bytes(struct leat_buffer *out, unsigned field, const void *data, size_t len)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, len);
    leat_buffer_append(out, data, len);
}

static void put_text(struct leat_buffer *out, unsigned field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* Puts a part in and empties it. */
static void put_part(struct leat_buffer *out, unsigned field, struct leat_buffer *part)
{
    put_bytes(out, field, part->data, part->len);
    leat_buffer_done(part);
}

/* Names that are divided by spaces; "-" is an empty one. */
static void put_names(struct leat_buffer *out, unsigned field, const char *names)
{
    char copy[200], *rest = copy, *name;
    snprintf(copy, sizeof copy, "%s", names);
    while ((name = strsep(&rest, " ")) != NULL)
        if (name[0] != '\0')
            put_text(out, field, strcmp(name, "-") == 0 ? "" : name);
}

struct maker {
    struct leat_buffer graph, model; /* what is in the file beside the graph */
};

static struct leat_buffer node_of(const char *op, const char *inputs, const char *outputs)
{
    struct leat_buffer node = {0};
    put_names(&node, 1, inputs);
    put_names(&node, 2, outputs);
    put_text(&node, 4, op);
    return node;
}

static void put_node(struct maker *maker, const char *op, const char *inputs, const char *outputs)
{
    struct leat_buffer node = node_of(op, inputs, outputs);
    put_part(&maker->graph, 1, &node);
}

static void put_attribute_int(struct leat_buffer *node, const char *name, int64_t number)
{
    struct leat_buffer attribute = {0};
    put_text(&attribute, 1, name);
    put_int(&attribute, 3, number);
    put_int(&attribute, 20, 2);
    put_part(node, 5, &attribute);
}

static struct leat_buffer tensor_of(const char *name, int type, size_t rank, const int64_t *dims, const void *raw,
                                    size_t bytes)
{
    struct leat_buffer tensor = {0};
    for (size_t i = 0; i < rank; i++)
        put_int(&tensor, 1, dims[i]);
    put_int(&tensor, 2, type);
    put_text(&tensor, 8, name);
    put_bytes(&tensor, 9, raw, bytes);
    return tensor;
}

static void put_constant(struct maker *maker, const char *name, int type, size_t rank, const int64_t *dims,
                         const void *raw, size_t bytes)
{
    struct leat_buffer tensor = tensor_of(name, type, rank, dims, raw, bytes);
    put_part(&maker->graph, 5, &tensor);
}

/* A width of 0: one dimension. */
static void put_value(struct maker *maker, unsigned field, const char *name, int type, int64_t width)
{
    struct leat_buffer value = {0}, whole = {0}, tensor = {0}, shape = {0}, dim = {0};
    put_text(&dim, 2, "N");
    put_part(&shape, 1, &dim);
    if (width != 0) {
        put_int(&dim, 1, width);
        put_part(&shape, 1, &dim);
    }
    put_int(&tensor, 1, type);
    put_part(&tensor, 2, &shape);
    put_part(&whole, 1, &tensor);
    put_text(&value, 1, name);
    put_part(&value, 2, &whole);
    put_part(&maker->graph, field, &value);
}

static void put_input(struct maker *maker, const char *name, int type, int64_t width)
{
    put_value(maker, 11, name, type, width);
}

static void put_output(struct maker *maker, const char *name)
{
    put_value(maker, 12, name, 1, 2);
}

/* The file; the maker is empty then. */
static struct leat_buffer made(struct maker *maker)
{
    struct leat_buffer opset = {0}, file = {0};
    put_int(&file, 1, 8);
    leat_buffer_append(&file, maker->model.data, maker->model.len);
    leat_buffer_done(&maker->model);
    put_text(&opset, 1, "");
    put_int(&opset, 2, 17);
    put_part(&file, 8, &opset);
    put_part(&file, 7, &maker->graph);
    *maker = (struct maker){0};
    return file;
}

/* ---- loading ---- */

static struct leat_model *loaded(struct leat_buffer *file)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("m.onnx", leat_buffer_view(file), NULL, &model, &err) != 0)
        fail_msg("%s", err.text);
    leat_buffer_done(file);
    return model;
}

static struct leat_model *corpus_model(const char *name)
{
    struct leat_error err = {0};
    struct leat_buffer file = {0};
    char path[200];
    snprintf(path, sizeof path, CORPUS "%s.onnx", name);
    if (leat_file_read(path, 1 << 20, &file, &err) != 0)
        fail_msg("%s", err.text);
    return loaded(&file);
}

static void refused(struct leat_buffer file, const char *why)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    assert_int_equal(leat_model_load("m.onnx", leat_buffer_view(&file), NULL, &model, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
    assert_non_null(strstr(err.text, "m.onnx"));
    leat_buffer_done(&file);
}

static void predict_one(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw)
{
    void *scratch = leat_model_scratch_new(model, 1);
    leat_model_predict(model, row, 0, 1, ret_out, ret_raw, scratch);
    free(scratch);
}

/* ---- files ---- */

static void test_a_file_that_is_cut_off_anywhere_is_refused_or_is_another_whole_one(void **state)
{
    struct leat_error err = {0};
    struct leat_buffer file = {0};
    struct leat_model *model;
    (void)state;
    assert_int_equal(leat_file_read(CORPUS "shapes.onnx", 1 << 20, &file, &err), 0);
    for (size_t len = 0; len < file.len; len++) {
        struct leat_buffer cut = {0};
        leat_buffer_append(&cut, file.data, len); /* its own memory: a read beyond the end is found */
        err = (struct leat_error){0};
        if (leat_model_load("cut", leat_buffer_view(&cut), NULL, &model, &err) == 0)
            leat_model_unref(model);
        else
            assert_true(err.kind == LEAT_ERROR_FINDING && err.text[0] != '\0');
        leat_buffer_done(&cut);
    }
    leat_buffer_done(&file);
}

static void test_an_impossible_tensor_is_refused_before_anything_is_allocated_for_it(void **state)
{
    const int64_t huge[] = {1 << 20, 1 << 20}, negative[] = {-1}, three[] = {3}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const int64_t empty[] = {0, 1ll << 40};
    const float values[] = {1, 2};
    struct maker maker = {0};
    (void)state;
    put_constant(&maker, "W", 1, 2, huge, values, sizeof values);
    refused(made(&maker), "tensor 'W': more than 67108864 elements");
    put_constant(&maker, "W", 1, 1, negative, values, sizeof values);
    refused(made(&maker), "dimension 0 is -1");
    put_constant(&maker, "W", 1, 1, three, values, sizeof values);
    refused(made(&maker), "where its shape asks for 3");
    put_constant(&maker, "W", 1, 2, empty, values, 0);
    refused(made(&maker), "tensor 'W': more than 67108864 elements");
    put_constant(&maker, "W", 1, 9, nine, values, sizeof values);
    refused(made(&maker), "9 dimensions; there may be 8");
}

static void test_tensors_outside_of_the_file_are_refused_by_name(void **state)
{
    const int64_t two[] = {2};
    struct maker maker = {0};
    struct leat_buffer tensor = tensor_of("far", 1, 1, two, "", 0);
    (void)state;
    put_int(&tensor, 14, 1);
    put_part(&maker.graph, 5, &tensor);
    refused(made(&maker), "tensor 'far' lies outside of the file");
}

static void test_more_parts_than_a_file_may_have_are_refused(void **state)
{
    struct maker maker = {0};
    (void)state;
    for (size_t i = 0; i <= 1 << 20; i++)
        put_bytes(&maker.graph, 1, "", 0);
    refused(made(&maker), "more than 1048576 nodes");
}

/* ---- names ---- */

static void test_a_value_must_be_made_before_it_is_read_and_once(void **state)
{
    struct maker maker = {0};
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_node(&maker, "Abs", "later", "Y");
    put_node(&maker, "Abs", "X", "later");
    refused(made(&maker), "its input 'later' is neither an input of the graph nor made by a node before it");

    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_node(&maker, "Abs", "X", "Y");
    put_node(&maker, "Neg", "X", "Y");
    refused(made(&maker), "the value 'Y' is made twice");

    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    refused(made(&maker), "its output 'Y' is made by nothing");
}

static void test_operators_that_are_not_there_are_all_named(void **state)
{
    struct maker maker = {0};
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_node(&maker, "Conv", "X X", "a");
    put_node(&maker, "Abs", "a", "b");
    put_node(&maker, "NoSuch", "b", "c");
    put_node(&maker, "Conv", "c X", "Y");
    refused(made(&maker), "Conv, NoSuch (2 of 3)");
}

static void test_an_attribute_of_a_wrong_kind_is_refused(void **state)
{
    struct maker maker = {0};
    struct leat_buffer node = node_of("LeakyRelu", "X", "Y");
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_attribute_int(&node, "alpha", 1);
    put_part(&maker.graph, 1, &node);
    refused(made(&maker), "attribute 'alpha' is an int; it must be a float");
}

static void test_a_function_that_calls_itself_is_refused(void **state)
{
    struct maker maker = {0};
    struct leat_buffer function = {0}, node = node_of("Again", "v", "w"), call = node_of("Again", "X", "Y");
    (void)state;
    put_text(&node, 7, "mine");
    put_text(&call, 7, "mine");
    put_text(&function, 1, "Again");
    put_text(&function, 4, "v");
    put_text(&function, 5, "w");
    put_part(&function, 7, &node);
    put_text(&function, 10, "mine");
    put_part(&maker.model, 25, &function);
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_part(&maker.graph, 1, &call);
    refused(made(&maker), "graphs and functions within each other, deeper than 8");
}

/* ---- limits ---- */

static void test_buffers_beyond_the_limit_of_a_row_are_refused(void **state)
{
    const int64_t one[] = {1}, size = 1 << 25;
    struct maker maker = {0};
    (void)state;
    put_input(&maker, "X", 1, 1);
    put_output(&maker, "Y");
    put_constant(&maker, "n", 7, 1, one, &size, sizeof size);
    put_node(&maker, "Expand", "X n", "Y");
    refused(made(&maker), "more than 67108864 bytes");
}

static void test_what_is_worked_out_at_load_has_a_limit(void **state)
{
    const int64_t shape[] = {1, 1000, 1000}, three[] = {3};
    struct maker maker = {0};
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_constant(&maker, "s", 7, 1, three, shape, sizeof shape);
    put_node(&maker, "ConstantOfShape", "s", "A");
    put_node(&maker, "MatMul", "A A", "B");
    put_node(&maker, "ReduceSum", "B", "c");
    put_node(&maker, "Add", "X c", "Y");
    refused(made(&maker), "can be worked out at load takes more than 268435456 steps");
}

/* ---- rows ---- */

static void test_rows_score_the_same_however_many_come(void **state)
{
    static const char *const names[] = {"network", "logistic",  "tree", "boosting", "vectors", "neighbours",
                                        "bayes",   "isolation", "if",   "reduce",   "shapes",  "function"};
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        struct leat_model *model = corpus_model(names[n]);
        const struct leat_model_info *info = leat_model_info(model);
        double rows[2 * 70], out[70 * 8], raw[70 * 8], one_out[8], one_raw[8];
        void *scratch = leat_model_scratch_new(model, 70);
        for (size_t i = 0; i < 2 * 70; i++)
            rows[i] = i == 77 ? (double)NAN : sin((double)i) * 3;
        for (size_t count = 1; count <= 70; count += count < 4 ? 1 : 11) {
            leat_model_predict(model, rows, 2, count, out, raw, scratch);
            for (size_t row = 0; row < count; row++) {
                predict_one(model, rows + 2 * row, one_out, one_raw);
                assert_memory_equal(one_out, out + row * info->output_count, info->output_count * sizeof(double));
                assert_memory_equal(one_raw, raw + row * info->raw_count, info->raw_count * sizeof(double));
            }
        }
        free(scratch);
        leat_model_unref(model);
    }
}

static void test_networks_and_trees_go_in_blocks_and_a_scan_over_rows_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *name, *kernel;
    } cases[] = {{"network", "in blocks"}, {"tree", "in blocks"}, {"shapes", "in blocks"}, {"scan", "row by row"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_model *model = corpus_model(cases[i].name);
        if (strstr(leat_model_info(model)->kernel, cases[i].kernel) == NULL)
            fail_msg("%s: %s", cases[i].name, leat_model_info(model)->kernel);
        leat_model_unref(model);
    }
}

static void test_a_row_that_depends_on_others_is_not_scored_in_a_block(void **state)
{
    struct maker maker = {0};
    struct leat_buffer file;
    double rows[2 * 40], out[40];
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_node(&maker, "ReduceSum", "X", "Y"); /* over the rows, too */
    file = made(&maker);
    struct leat_model *model = loaded(&file);
    void *scratch = leat_model_scratch_new(model, 40);
    for (size_t i = 0; i < 2 * 40; i++)
        rows[i] = (double)i;
    leat_model_predict(model, rows, 2, 40, out, NULL, scratch);
    for (size_t row = 0; row < 40; row++)
        assert_float_equal(out[row], rows[2 * row] + rows[2 * row + 1], 0);
    free(scratch);
    leat_model_unref(model);
}

static void test_the_number_of_rows_is_no_part_of_an_answer(void **state)
{
    const int64_t one[] = {1}, zero = 0;
    struct maker maker = {0};
    struct leat_buffer file, cast = node_of("Cast", "n", "f");
    double rows[2 * 40] = {0}, out[2 * 40];
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_output(&maker, "Y");
    put_constant(&maker, "z", 7, 1, one, &zero, sizeof zero);
    put_node(&maker, "Shape", "X", "s");
    put_node(&maker, "Gather", "s z", "n");
    put_attribute_int(&cast, "to", 1);
    put_part(&maker.graph, 1, &cast);
    put_node(&maker, "Add", "X f", "Y");
    file = made(&maker);
    struct leat_model *model = loaded(&file);
    void *scratch = leat_model_scratch_new(model, 40);
    leat_model_predict(model, rows, 2, 40, out, NULL, scratch);
    for (size_t i = 0; i < 2 * 40; i++)
        assert_float_equal(out[i], 1, 0);
    free(scratch);
    leat_model_unref(model);
}

static void test_a_number_that_an_integer_input_can_not_hold_has_no_answer(void **state)
{
    static const double none[] = {0.5, (double)NAN, (double)INFINITY, 0x1p31, -0x1p31 - 1};
    struct maker maker = {0};
    struct leat_buffer file;
    double out, rows[40], outs[40];
    (void)state;
    put_input(&maker, "X", 6, 1);
    put_output(&maker, "Y");
    put_node(&maker, "Abs", "X", "Y");
    file = made(&maker);
    struct leat_model *model = loaded(&file);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        predict_one(model, &none[i], &out, NULL);
        assert_true(isnan(out));
    }
    void *scratch = leat_model_scratch_new(model, 40);
    for (size_t i = 0; i < 40; i++)
        rows[i] = i == 7 ? 0.25 : -(double)i;
    leat_model_predict(model, rows, 1, 40, outs, NULL, scratch);
    for (size_t i = 0; i < 40; i++)
        assert_true(i == 7 ? isnan(outs[i]) : outs[i] == (double)i);
    free(scratch);
    leat_model_unref(model);
}

static void test_texts_are_compared_and_those_of_no_constant_are_none_of_them(void **state)
{
    struct leat_model *model = corpus_model("encoder");
    const struct leat_model_info *info = leat_model_info(model);
    double a, b, other, out[3][3], raw[4];
    (void)state;
    assert_int_equal(info->feature_kinds[0], LEAT_FEATURE_TEXT);
    assert_int_equal(leat_model_code_text(model, 0, leat_bytes_of("a"), &a), 0);
    assert_int_equal(leat_model_code_text(model, 0, leat_bytes_of("b"), &b), 0);
    assert_int_equal(leat_model_code_text(model, 0, leat_bytes_of("nobody's"), &other), 0);
    predict_one(model, &a, out[0], raw);
    predict_one(model, &b, out[1], raw);
    predict_one(model, &other, out[2], raw);
    assert_true(out[0][0] != out[1][0] && out[2][0] != out[0][0] && out[2][0] != out[1][0]);
    a = (double)NAN;
    predict_one(model, &a, out[0], raw);
    assert_true(isnan(out[0][0]));
    leat_model_unref(model);
}

static void test_the_probability_of_two_classes_is_that_of_the_second(void **state)
{
    struct maker maker = {0};
    const double row[] = {1, 4};
    struct leat_error err = {0};
    struct leat_answer answer;
    struct leat_buffer best = node_of("ArgMax", "X", "label");
    double out[2], raw[3];
    (void)state;
    put_input(&maker, "X", 1, 2);
    put_attribute_int(&best, "axis", 1);
    put_part(&maker.graph, 1, &best);
    put_node(&maker, "Softmax", "X", "P");
    put_value(&maker, 12, "label", 7, 1);
    put_output(&maker, "P");
    struct leat_buffer file = made(&maker);
    struct leat_model *model = loaded(&file);
    assert_int_equal(leat_model_info(model)->class_count, 2);
    predict_one(model, row, out, raw);
    assert_int_equal(leat_model_label(model, out, raw), 1);
    assert_int_equal(leat_model_answer_find(model, "probability", &answer, &err), 0);
    assert_true(leat_model_answer(model, answer, out, raw) == out[1] && out[1] > 0.9);
    leat_model_unref(model);
}

/* An anomaly has one score and two labels: no column is a class's. */
static void test_a_detector_of_anomalies_answers_its_score_and_gives_no_probability(void **state)
{
    struct leat_model *model = corpus_model("isolation");
    struct leat_error err = {0};
    struct leat_answer answer;
    (void)state;
    assert_true(leat_model_info(model)->no_probability);
    assert_int_equal(leat_model_answer_find(model, "probability", &answer, &err), -1);
    assert_non_null(strstr(err.text, "it has value, class, margin"));
    assert_int_equal(leat_model_answer_find(model, NULL, &answer, &err), 0);
    assert_int_equal(answer.kind, LEAT_ANSWER_OUTPUT);
    assert_int_equal(leat_model_answer_find(model, "class", &answer, &err), 0);
    assert_int_equal(answer.kind, LEAT_ANSWER_CLASS);
    leat_model_unref(model);
}

static void test_a_label_is_one_of_the_graphs_classes(void **state)
{
    struct leat_model *model = corpus_model("isolation");
    const struct leat_model_info *info = leat_model_info(model);
    const double middle[] = {0, 0}, far[] = {1000, -1000};
    double out[2], raw[3];
    (void)state;
    assert_true(info->classifier && info->class_numbers && info->class_count == 2);
    predict_one(model, middle, out, raw);
    assert_string_equal(info->class_names[leat_model_label(model, out, raw)], "1");
    predict_one(model, far, out, raw);
    assert_string_equal(info->class_names[leat_model_label(model, out, raw)], "-1");
    leat_model_unref(model);
}

/* ---- whole tensors ---- */

static struct leat_onnx_tensors *tensors_of(const char *op, int type)
{
    struct maker maker = {0};
    struct leat_error err = {0};
    struct leat_onnx_tensors *ret;
    put_input(&maker, "X", type, 0);
    put_output(&maker, "Y");
    put_node(&maker, op, "X", "Y");
    struct leat_buffer file = made(&maker);
    if (leat_onnx_tensors_new("m.onnx", leat_buffer_view(&file), &ret, &err) != 0)
        fail_msg("%s", err.text);
    leat_buffer_done(&file);
    return ret;
}

static void run_line(struct leat_onnx_tensors *tensors, const char *line, const char *expected)
{
    LEAT_CLEAN_BUFFER out = {0};
    struct leat_error err = {0};
    if (leat_onnx_tensors_run(tensors, leat_bytes_of(line), &out, &err) != 0) {
        if (strstr(err.text, expected) == NULL)
            fail_msg("%s: '%s' does not say '%s'", line, err.text, expected);
        return;
    }
    assert_string_equal(leat_buffer_text(&out), expected);
}

static void test_whole_tensors_come_out_as_they_went_in(void **state)
{
    static const struct {
        int type;
        const char *in, *out;
    } cases[] = {
        {1, "{\"X\": [0.1, \"NaN\", \"-Infinity\"]}", "{\"Y\": [0.100000001, \"NaN\", \"-Infinity\"]}"},
        {11, "{\"X\": [0.1, 1e300]}", "{\"Y\": [0.10000000000000001, 1.0000000000000001e+300]}"},
        {7, "{\"X\": [9007199254740993, -9223372036854775808]}", "{\"Y\": [9007199254740993, -9223372036854775808]}"},
        {13, "{\"X\": [1, \"18446744073709551615\"]}", "{\"Y\": [1, 18446744073709551615]}"},
        {9, "{\"X\": [true, false]}", "{\"Y\": [true, false]}"},
        {8, "{\"X\": [\"a\\n\", \"\"]}", "{\"Y\": [\"a\\n\", \"\"]}"},
        {2, "{\"X\": []}", "{\"Y\": []}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_onnx_tensors *tensors = tensors_of("Identity", cases[i].type);
        run_line(tensors, cases[i].in, cases[i].out);
        run_line(tensors, cases[i].in, cases[i].out);
        leat_onnx_tensors_free(tensors);
    }
}

static void test_each_line_may_have_its_own_shape_and_a_wrong_one_is_told(void **state)
{
    struct leat_onnx_tensors *tensors = tensors_of("Abs", 3);
    (void)state;
    run_line(tensors, "{\"X\": [1, -2]}", "{\"Y\": [1, 2]}");
    run_line(tensors, "{\"X\": [-3]}", "{\"Y\": [3]}");
    run_line(tensors, "{\"X\": [[1]]}", "input 'X': 2 dimensions; it is declared with 1");
    run_line(tensors, "{\"X\": [1, [2]]}", "input 'X': element 1 is not a value of type int8");
    run_line(tensors, "{\"X\": [128]}", "input 'X': element 0 is not a value of type int8");
    run_line(tensors, "{\"Z\": [1]}", "the graph has no input 'Z'; the nearest is 'X'");
    run_line(tensors, "{}", "the graph's input 'X' is not there");
    run_line(tensors, "[1]", "a line is an object of tensors by input name, not array");
    leat_onnx_tensors_free(tensors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_is_cut_off_anywhere_is_refused_or_is_another_whole_one),
        cmocka_unit_test(test_an_impossible_tensor_is_refused_before_anything_is_allocated_for_it),
        cmocka_unit_test(test_tensors_outside_of_the_file_are_refused_by_name),
        cmocka_unit_test(test_more_parts_than_a_file_may_have_are_refused),
        cmocka_unit_test(test_a_value_must_be_made_before_it_is_read_and_once),
        cmocka_unit_test(test_operators_that_are_not_there_are_all_named),
        cmocka_unit_test(test_an_attribute_of_a_wrong_kind_is_refused),
        cmocka_unit_test(test_a_function_that_calls_itself_is_refused),
        cmocka_unit_test(test_buffers_beyond_the_limit_of_a_row_are_refused),
        cmocka_unit_test(test_what_is_worked_out_at_load_has_a_limit),
        cmocka_unit_test(test_rows_score_the_same_however_many_come),
        cmocka_unit_test(test_networks_and_trees_go_in_blocks_and_a_scan_over_rows_does_not),
        cmocka_unit_test(test_a_row_that_depends_on_others_is_not_scored_in_a_block),
        cmocka_unit_test(test_the_number_of_rows_is_no_part_of_an_answer),
        cmocka_unit_test(test_a_number_that_an_integer_input_can_not_hold_has_no_answer),
        cmocka_unit_test(test_texts_are_compared_and_those_of_no_constant_are_none_of_them),
        cmocka_unit_test(test_the_probability_of_two_classes_is_that_of_the_second),
        cmocka_unit_test(test_a_detector_of_anomalies_answers_its_score_and_gives_no_probability),
        cmocka_unit_test(test_a_label_is_one_of_the_graphs_classes),
        cmocka_unit_test(test_whole_tensors_come_out_as_they_went_in),
        cmocka_unit_test(test_each_line_may_have_its_own_shape_and_a_wrong_one_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
