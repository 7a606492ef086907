/* What the contributions of one row cost: TreeSHAP by leat, and by the trainers' own C interfaces on the same models
 * and rows, in turn. The models are those of bench_peers. CatBoost's Python package has no C interface: only leat's
 * figure is told of its models. */
#include "base/file.h"
#include "model/model.h"
#include "report.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES 32
#define ROWS 64 /* different ones: the walk goes to every node, whatever the row */
#define ROUNDS 5
#define FOLDER "build/bench-peers"

static float rows32[ROWS * FEATURES];
static double rows64[ROWS * FEATURES];

static void stop(const char *what)
{
    fprintf(stderr, "bench_explain: %s\n", what);
    exit(3);
}

static void read_file(const char *name, struct leat_buffer *ret)
{
    struct leat_error err = {0};
    char path[256];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    if (leat_file_read(path, (size_t)1 << 30, ret, &err) != 0)
        stop(err.text);
}

static void *library(const char *name)
{
    LEAT_CLEAN_BUFFER path = {0};
    char file[64];
    snprintf(file, sizeof file, "%s.path", name);
    read_file(file, &path);
    void *handle = dlopen(leat_buffer_text(&path), RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        stop(dlerror());
    return handle;
}

/* A function of a library as a pointer of any type. */
static void symbol(void *handle, const char *name, void *ret)
{
    void *found = dlsym(handle, name);
    if (found == NULL)
        stop(name);
    memcpy(ret, &found, sizeof found);
}

/* Whoever explains all rows: ROWS × (FEATURES + 1) contributions. */
struct peer {
    const char *name;
    void *handle;
    void (*explain)(const struct peer *peer, double *ret);
    void *state;
};

/* ---- leat ---- */

static void explain_own(const struct peer *peer, double *ret)
{
    for (size_t row = 0; row < ROWS; row++)
        leat_model_explain(peer->handle, rows64 + row * FEATURES, NULL, 0, ret + row * (FEATURES + 1), peer->state);
}

static struct peer open_own(const char *file)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    read_file(file, &text);
    if (leat_model_load(file, leat_buffer_view(&text), NULL, &model, &err) != 0)
        stop(err.text);
    if (leat_model_info(model)->explanation == NULL)
        stop("the model has no explanation");
    void *scratch = aligned_alloc(64, (leat_model_explain_scratch(model) + 63) / 64 * 64);
    return (struct peer){"leat", model, explain_own, scratch};
}

/* ---- XGBoost ---- */

static int (*xgb_predict)(void *booster, void *matrix, const char *config, const uint64_t **shape, uint64_t *dim,
                          const float **result);

static void explain_xgboost(const struct peer *peer, double *ret)
{
    static const char config[] = "{\"type\":2,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
                                 "\"strict_shape\":false}";
    const uint64_t *shape;
    uint64_t dim;
    const float *result;
    if (xgb_predict(peer->handle, peer->state, config, &shape, &dim, &result) != 0)
        stop("XGBoost does not explain");
    for (size_t i = 0; i < ROWS * (FEATURES + 1); i++)
        ret[i] = (double)result[i];
}

static struct peer open_xgboost(const char *file)
{
    void *lib = library("xgboost");
    int (*create)(const void *dmats, uint64_t count, void **ret);
    int (*load)(void *booster, const char *file);
    int (*set)(void *booster, const char *name, const char *value);
    int (*matrix)(const float *data, uint64_t rows, uint64_t columns, float missing, void **ret);
    struct peer peer = {.name = "XGBoost", .explain = explain_xgboost};
    char path[256];
    symbol(lib, "XGBoosterCreate", &create);
    symbol(lib, "XGBoosterLoadModel", &load);
    symbol(lib, "XGBoosterSetParam", &set);
    symbol(lib, "XGDMatrixCreateFromMat", &matrix);
    symbol(lib, "XGBoosterPredictFromDMatrix", &xgb_predict);
    snprintf(path, sizeof path, FOLDER "/%s", file);
    if (create(NULL, 0, &peer.handle) != 0 || load(peer.handle, path) != 0 || set(peer.handle, "nthread", "1") != 0 ||
        matrix(rows32, ROWS, FEATURES, NAN, &peer.state) != 0)
        stop("XGBoost does not load its model");
    return peer;
}

/* ---- LightGBM ---- */

static int (*lgb_predict)(void *booster, const void *data, int type, int32_t rows, int32_t columns, int row_major,
                          int kind, int start, int count, const char *parameters, int64_t *len, double *ret);

static void explain_lightgbm(const struct peer *peer, double *ret)
{
    int64_t len;
    if (lgb_predict(peer->handle, rows64, 1, ROWS, FEATURES, 1, 3, 0, -1, "num_threads=1", &len, ret) != 0)
        stop("LightGBM does not explain");
}

static struct peer open_lightgbm(const char *file)
{
    void *lib = library("lightgbm");
    int (*create)(const char *file, int *rounds, void **ret);
    struct peer peer = {.name = "LightGBM", .explain = explain_lightgbm};
    char path[256];
    int rounds;
    symbol(lib, "LGBM_BoosterCreateFromModelfile", &create);
    symbol(lib, "LGBM_BoosterPredictForMat", &lgb_predict);
    snprintf(path, sizeof path, FOLDER "/%s", file);
    if (create(path, &rounds, &peer.handle) != 0)
        stop("LightGBM does not load its model");
    return peer;
}

/* ---- timing ---- */

/* µs a row, the fastest of several rounds in which the peers take turns. */
static void measure(const struct peer *peers, size_t count, double (*values)[ROWS * (FEATURES + 1)], double *ret_us)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            double start = bench_cpu_ns();
            peers[i].explain(&peers[i], values[i]);
            double us = (bench_cpu_ns() - start) / 1e3 / ROWS;
            ret_us[i] = round == 0 || us < ret_us[i] ? us : ret_us[i];
        }
    }
}

static double largest_difference(const double *a, const double *b)
{
    double largest = 0;
    for (size_t i = 0; i < ROWS * (FEATURES + 1); i++)
        largest = fmax(largest, fabs(a[i] - b[i]));
    return largest;
}

static void compare(const char *size, const char *format, const char *ending, struct peer (*open_peer)(const char *))
{
    static double values[2][ROWS * (FEATURES + 1)];
    char file[64], metric[96], against[128] = "";
    double us[2];
    struct peer peers[2];
    snprintf(file, sizeof file, "%s.%s.%s", size, format, ending);
    peers[0] = open_own(file);
    if (open_peer != NULL)
        peers[1] = open_peer(file);
    measure(peers, open_peer == NULL ? 1 : 2, values, us);
    if (open_peer != NULL) {
        snprintf(against, sizeof against, "%s: %.0f us, %.1f times as much", peers[1].name, us[1], us[1] / us[0]);
        printf("# %s: largest difference to %s's %.2g\n", file, peers[1].name, largest_difference(values[0], values[1]));
    }
    snprintf(metric, sizeof metric, "contributions, %s of %s, one row", size, format);
    bench_report(metric, us[0], "us", "", against);
    leat_model_unref(peers[0].handle);
    free(peers[0].state);
}

int main(void)
{
    static const char *const sizes[] = {"100x6", "500x64", "1000x8"};
    LEAT_CLEAN_BUFFER rows = {0};
    if (!leat_file_exists(FOLDER "/complete")) {
        printf("# no " FOLDER ": bench/peers.py " FOLDER " makes it\n");
        return 0;
    }
    read_file("rows.f32", &rows);
    memcpy(rows32, rows.data, sizeof rows32);
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        rows64[i] = (double)rows32[i];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        compare(sizes[i], "xgboost", "json", open_xgboost);
        compare(sizes[i], "lightgbm", "txt", open_lightgbm);
        compare(sizes[i], "catboost", "json", NULL);
    }
    return 0;
}
