/* What scoring a row by a small network costs, alone and in batches: dense layers of two sizes, with what stands
 * before and behind them, and one of embeddings and normalised layers.
 *
 * As bench_model.c: different rows, short stretches, the fastest of several rounds. With a folder as its argument it
 * writes the networks there as files too, for comparison with other programs. */
#include "model/model.h"
#include "report.h"
#include "support/make_graph.h"
#include "support/make_model.h"

#include <stdio.h>

#define ROWS 4096
#define ROUNDS 9
#define STRETCH 512

static struct make_random randomness = {1};

static void weights(struct make_graph *g, const char *name, const char *dims, size_t count, double scale)
{
    float *values = leat_calloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((make_unit(&randomness) - 0.5) * scale);
    make_graph_constant(g, name, 1, dims, values, count * sizeof *values);
    free(values);
}

/* One dense layer: weights, what they are added to, and what comes behind. */
static void layer(struct make_graph *g, int number, const char *in, int width_in, int width_out, const char *activation,
                  bool gemm)
{
    char w[16], b[16], sum[16], out[16], product[16], dims[32], inputs[64];
    snprintf(w, sizeof w, "w%d", number);
    snprintf(b, sizeof b, "b%d", number);
    snprintf(sum, sizeof sum, "s%d", number);
    snprintf(out, sizeof out, "h%d", number);
    snprintf(product, sizeof product, "p%d", number);
    snprintf(dims, sizeof dims, "%d,%d", gemm ? width_out : width_in, gemm ? width_in : width_out);
    weights(g, w, dims, (size_t)width_in * (size_t)width_out, 4.0 / width_in);
    snprintf(dims, sizeof dims, "%d", width_out);
    weights(g, b, dims, (size_t)width_out, 0.2);
    if (gemm) {
        snprintf(inputs, sizeof inputs, "%s,%s,%s", in, w, b);
        make_graph_node(g, "Gemm", inputs, sum, "transB=1");
    } else {
        snprintf(inputs, sizeof inputs, "%s,%s", in, w);
        make_graph_node(g, "MatMul", inputs, product, "");
        snprintf(inputs, sizeof inputs, "%s,%s", product, b);
        make_graph_node(g, "Add", inputs, sum, "");
    }
    make_graph_node(g, activation, sum, out, "");
}

struct network {
    const char *name, *activation;
    int widths[4];
    bool gemm, scaled;
    const char *target;
};

static void dense(const struct network *network, struct leat_buffer *ret)
{
    struct make_graph g = {0};
    const char *in = "x";
    char names[3][16];
    char dims[16];
    make_graph_input(&g, "x", 1, network->widths[0]);
    if (network->scaled) {
        snprintf(dims, sizeof dims, "1,%d", network->widths[0]);
        weights(&g, "mean", dims, (size_t)network->widths[0], 1);
        weights(&g, "deviation", dims, (size_t)network->widths[0], 1);
        make_graph_node(&g, "Sub", "x,mean", "centered", "");
        make_graph_node(&g, "Div", "centered,deviation", "scaled", "");
        in = "scaled";
    }
    for (int i = 0; i < 3; i++) {
        layer(&g, i, in, network->widths[i], network->widths[i + 1], i == 2 ? "Sigmoid" : network->activation,
              network->gemm);
        snprintf(names[i], sizeof names[i], "h%d", i);
        in = names[i];
    }
    make_graph_output(&g, "h2", 1, 1);
    make_graph_file(&g, 17, ret);
}

/* 12 numbers and 4 categories of 16 numbers each: a layer of 64, normalised, and one of 32. */
static void embeddings(const struct network *network, struct leat_buffer *ret)
{
    struct make_graph g = {0};
    make_graph_input(&g, "x", 1, network->widths[0]);
    const int64_t cuts[] = {12, 4};
    const int64_t flat[] = {0, 64};
    make_graph_constant(&g, "cuts", 7, "2", cuts, sizeof cuts);
    make_graph_constant(&g, "flat", 7, "2", flat, sizeof flat);
    make_graph_node(&g, "Split", "x,cuts", "numbers,codes", "axis=1");
    make_graph_node(&g, "Abs", "codes", "sizes", "");
    make_graph_node(&g, "Cast", "sizes", "indexes", "to=7");
    weights(&g, "table", "8,16", 8 * 16, 2);
    make_graph_node(&g, "Gather", "table,indexes", "vectors", "axis=0");
    make_graph_node(&g, "Reshape", "vectors,flat", "embedded", "");
    make_graph_node(&g, "Concat", "numbers,embedded", "all", "axis=1");
    layer(&g, 0, "all", 76, 64, "Relu", true);
    weights(&g, "scale", "64", 64, 2);
    weights(&g, "shift", "64", 64, 2);
    make_graph_node(&g, "LayerNormalization", "h0,scale,shift", "normal", "axis=-1");
    layer(&g, 1, "normal", 64, 32, "Relu", true);
    layer(&g, 2, "h1", 32, 1, "Sigmoid", true);
    make_graph_output(&g, "h2", 1, 1);
    make_graph_file(&g, 17, ret);
}

static struct leat_model *make(const struct network *network, const char *folder)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    struct leat_buffer file = {0};
    (network->activation != NULL ? dense : embeddings)(network, &file);
    if (leat_model_load(network->name, leat_buffer_view(&file), NULL, &model, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    if (folder != NULL) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.onnx", folder, network->name);
        FILE *out = fopen(path, "wb");
        if (out == NULL || fwrite(file.data, 1, file.len, out) != file.len || fclose(out) != 0)
            fprintf(stderr, "%s can not be written\n", path);
    }
    leat_buffer_done(&file);
    return model;
}

/* us a row in batches of `size`. */
static double measure(const struct leat_model *model, const double *rows, size_t features, size_t size,
                      double *ret_check)
{
    static double out[ROWS];
    double best[ROWS / STRETCH], sum = 0;
    void *scratch = leat_model_scratch_new(model, size);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t s = 0; s < ROWS / STRETCH; s++) {
            double start = bench_cpu_ns();
            for (size_t row = s * STRETCH; row < (s + 1) * STRETCH; row += size)
                leat_model_predict(model, rows + row * features, features, size, out + row, NULL, scratch);
            double took = (bench_cpu_ns() - start) / 1e3;
            best[s] = round == 0 || took < best[s] ? took : best[s];
        }
    }
    for (size_t s = 0; s < ROWS / STRETCH; s++)
        sum += best[s];
    for (size_t row = 0; row < ROWS; row++)
        *ret_check += out[row];
    free(scratch);
    return sum / ROWS;
}

int main(int argc, char **argv)
{
    static const struct network networks[] = {
        {"mlp 20-64-32-1", "Relu", {20, 64, 32, 1}, true, false, "<= 2"},
        {"scaled mlp 20-64-32-1", "Relu", {20, 64, 32, 1}, false, true, "<= 2"},
        {"tanh mlp 20-64-32-1", "Tanh", {20, 64, 32, 1}, false, true, "<= 2"},
        {"mlp 100-256-128-1", "Relu", {100, 256, 128, 1}, true, false, ""},
        {"embeddings 16-64-32-1", NULL, {16, 64, 32, 1}, true, false, ""},
    };
    const size_t batches[] = {1, 8, 32, 64, 256};
    double check = 0;
    printf("# %-24s %8s %8s %8s %8s %8s   us a row\n", "network", "1", "8", "32", "64", "256");
    for (size_t n = 0; n < sizeof networks / sizeof networks[0]; n++) {
        struct leat_model *model = make(&networks[n], argc > 1 ? argv[1] : NULL);
        size_t features = leat_model_info(model)->feature_count;
        double *rows = make_rows(n, ROWS, features, false), us[sizeof batches / sizeof batches[0]];
        char metric[96];
        printf("# %-24s", networks[n].name);
        for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
            us[b] = measure(model, rows, features, batches[b], &check);
            printf(" %8.3f", us[b]);
            fflush(stdout);
        }
        printf("   %s\n", leat_model_info(model)->kernel);
        snprintf(metric, sizeof metric, "network, %s, one row", networks[n].name);
        bench_report(metric, us[0], "us", networks[n].target, "");
        snprintf(metric, sizeof metric, "network, %s, a row of 256", networks[n].name);
        bench_report(metric, us[4], "us", "", "");
        free(rows);
        leat_model_unref(model);
    }
    return check == 0; /* keeps the results in use */
}
