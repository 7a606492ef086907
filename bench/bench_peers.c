/* One row and batches against the trainers' own C interfaces and ONNX Runtime, in turn, on the same models and rows.
 *
 * bench/peers.py makes the models, by the trainers themselves, and says where their libraries are. Each library is
 * held to one thread, loaded at run time and called by the few functions declared here. A stretch of rows is timed by
 * each of them in turn; of several rounds the fastest time of a stretch counts, since others may use the machine too.
 * CatBoost's Python package has no C interface: its figures are bench/peers.py's own, in batches.
 *
 * With an argument only what has it in its title is compared: bench_peers 'LightGBM 1000'. */
#include "base/file.h"
#include "model/model.h"
#include "report.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FEATURES 32
#define ROWS 8192
#define STRETCH 1024
#define ROUNDS 7
#define FOLDER "build/bench-peers"

static float *rows32;
static double *rows64;

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void stop(const char *what)
{
    fprintf(stderr, "bench_peers: %s\n", what);
    exit(3);
}

static char *read_text(const char *name)
{
    struct leat_buffer text = {0};
    struct leat_error err = {0};
    char path[256];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    if (leat_file_read(path, (size_t)1 << 30, &text, &err) != 0)
        stop(err.text);
    return strdup(leat_buffer_text(&text));
}

static void *library(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.path", name);
    char *path = read_text(file);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        stop(dlerror());
    free(path);
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

/* Whoever scores rows: `score` puts one margin or score a row into ret. */
struct peer {
    const char *name;
    void *handle;
    size_t width;
    void (*score)(const struct peer *peer, size_t first, size_t count, double *ret);
    void *state;
};

/* ---- leat ---- */

struct own {
    struct leat_model *model;
    void *scratch;
    bool margin;
};

static void score_own(const struct peer *peer, size_t first, size_t count, double *ret)
{
    static double out[ROWS];
    const struct own *own = peer->state;
    const double *rows = rows64 + first * FEATURES;
    leat_model_predict(own->model, rows, FEATURES, count, own->margin ? out : ret, own->margin ? ret : NULL,
                       own->scratch);
}

static struct peer open_own(const char *file, bool margin)
{
    struct leat_buffer text = {0};
    struct leat_error err = {0};
    struct own *own = calloc(1, sizeof *own);
    char path[256];
    snprintf(path, sizeof path, FOLDER "/%s", file);
    if (leat_file_read(path, (size_t)1 << 30, &text, &err) != 0)
        stop(err.text);
    double best = INFINITY;
    for (int round = 0; round < 3; round++) {
        double start = now_us();
        leat_model_unref(own->model);
        if (leat_model_load(file, leat_buffer_view(&text), NULL, &own->model, &err) != 0)
            stop(err.text);
        double took = (now_us() - start) / 1e3;
        best = took < best ? took : best;
    }
    own->scratch = leat_model_scratch_new(own->model, ROWS);
    own->margin = margin;
    const struct leat_model_info *info = leat_model_info(own->model);
    printf("# %s: %s; loaded in %.0f ms, %.1f MB for a file of %.1f\n", file, info->kernel, best,
           (double)info->bytes / 1e6, (double)text.len / 1e6);
    if (strstr(file, "1000x8") != NULL) {
        char metric[96];
        snprintf(metric, sizeof metric, "load %s", file);
        bench_report(metric, best, "ms", "<= 300", "1000 trees of depth 8");
    }
    leat_buffer_done(&text);
    return (struct peer){.name = "leat", .score = score_own, .state = own};
}

/* ---- XGBoost ---- */

static int (*xgb_predict)(void *booster, const char *values, const char *config, void *proxy, uint64_t const **shape,
                          uint64_t *dim, const float **result);

static void score_xgboost(const struct peer *peer, size_t first, size_t count, double *ret)
{
    char array[160];
    const uint64_t *shape;
    uint64_t dim;
    const float *result;
    snprintf(array, sizeof array, "{\"data\":[%zu,true],\"shape\":[%zu,%d],\"typestr\":\"<f4\",\"version\":3}",
             (size_t)(rows32 + first * FEATURES), count, FEATURES);
    static const char config[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
                                 "\"strict_shape\":false,\"missing\":NaN}";
    if (xgb_predict(peer->handle, array, config, NULL, &shape, &dim, &result) != 0)
        stop("XGBoost does not predict");
    for (size_t i = 0; i < count; i++)
        ret[i] = (double)result[i];
}

static struct peer open_xgboost(const char *file)
{
    void *lib = library("xgboost");
    int (*create)(const void *dmats, uint64_t count, void **ret);
    int (*load)(void *booster, const char *file);
    int (*set)(void *booster, const char *name, const char *value);
    struct peer peer = {.name = "XGBoost", .score = score_xgboost};
    char path[256];
    symbol(lib, "XGBoosterCreate", &create);
    symbol(lib, "XGBoosterLoadModel", &load);
    symbol(lib, "XGBoosterSetParam", &set);
    symbol(lib, "XGBoosterPredictFromDense", &xgb_predict);
    snprintf(path, sizeof path, FOLDER "/%s", file);
    if (create(NULL, 0, &peer.handle) != 0 || load(peer.handle, path) != 0 || set(peer.handle, "nthread", "1") != 0)
        stop("XGBoost does not load its model");
    return peer;
}

/* ---- LightGBM ---- */

static int (*lgb_one)(void *fast, const void *data, int64_t *len, double *ret);
static int (*lgb_many)(void *booster, const void *data, int type, int32_t rows, int32_t columns, int row_major,
                       int kind, int start, int count, const char *parameters, int64_t *len, double *ret);

static void score_lightgbm(const struct peer *peer, size_t first, size_t count, double *ret)
{
    int64_t len;
    const double *rows = rows64 + first * FEATURES;
    int status = count == 1 ? lgb_one(peer->state, rows, &len, ret)
                            : lgb_many(peer->handle, rows, 1, (int32_t)count, FEATURES, 1, 1, 0, -1, "num_threads=1",
                                       &len, ret);
    if (status != 0)
        stop("LightGBM does not predict");
}

static struct peer open_lightgbm(const char *file)
{
    void *lib = library("lightgbm");
    int (*create)(const char *file, int *rounds, void **ret);
    int (*prepare)(void *booster, int kind, int start, int count, int type, int32_t columns, const char *parameters,
                   void **ret);
    struct peer peer = {.name = "LightGBM", .score = score_lightgbm};
    char path[256];
    int rounds;
    symbol(lib, "LGBM_BoosterCreateFromModelfile", &create);
    symbol(lib, "LGBM_BoosterPredictForMatSingleRowFastInit", &prepare);
    symbol(lib, "LGBM_BoosterPredictForMatSingleRowFast", &lgb_one);
    symbol(lib, "LGBM_BoosterPredictForMat", &lgb_many);
    snprintf(path, sizeof path, FOLDER "/%s", file);
    if (create(path, &rounds, &peer.handle) != 0 ||
        prepare(peer.handle, 1, 0, -1, 1, FEATURES, "num_threads=1", &peer.state) != 0)
        stop("LightGBM does not load its model");
    return peer;
}

/* ---- ONNX Runtime ---- */

/* The table of functions is only ever appended to; these are the places of those that are called. */
enum { ORT_ENV = 3, ORT_SESSION = 7, ORT_RUN = 9, ORT_OPTIONS = 10, ORT_THREADS = 24, ORT_TENSOR = 49, ORT_DATA = 51 };
enum { ORT_MEMORY = 69, ORT_RELEASE_VALUE = 96 };

static void **ort;
static void *ort_memory;

struct graph {
    void *session;
    size_t width;
};

static void *ort_call(int slot)
{
    return ort[slot];
}

#define ORT(slot, type, ...)                     \
    do {                                         \
        void *function = ort_call(slot);         \
        void *(*call)type;                       \
        memcpy(&call, &function, sizeof call);   \
        if (call(__VA_ARGS__) != NULL)           \
            stop("ONNX Runtime refuses a call"); \
    } while (0)

static void score_onnx(const struct peer *peer, size_t first, size_t count, double *ret)
{
    static const char *const inputs[] = {"X"};
    static const char *const outputs[] = {"score"};
    static float out[ROWS];
    static float packed[ROWS * FEATURES];
    int64_t shape[2] = {(int64_t)count, (int64_t)peer->width};
    int64_t out_shape[2] = {(int64_t)count, 1};
    float *rows = rows32 + first * FEATURES;
    void *input = NULL;
    void *output = NULL;
    if (peer->width != FEATURES) {
        for (size_t i = 0; i < count; i++)
            memcpy(packed + i * peer->width, rows + i * FEATURES, peer->width * sizeof *rows);
        rows = packed;
    }
    ORT(ORT_TENSOR, (const void *, void *, size_t, const int64_t *, size_t, int, void **), ort_memory, rows,
        count * peer->width * sizeof(float), shape, 2, 1, &input);
    ORT(ORT_TENSOR, (const void *, void *, size_t, const int64_t *, size_t, int, void **), ort_memory, out,
        count * sizeof(float), out_shape, 2, 1, &output);
    ORT(ORT_RUN,
        (void *, const void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **),
        peer->handle, NULL, inputs, &input, 1, outputs, 1, &output);
    void *function = ort_call(ORT_RELEASE_VALUE);
    void (*release)(void *);
    memcpy(&release, &function, sizeof release);
    release(input);
    release(output);
    for (size_t i = 0; i < count; i++)
        ret[i] = (double)out[i];
}

static struct peer open_onnx(const char *file, size_t width)
{
    static void *env, *options;
    struct peer peer = {.name = "ONNX Runtime", .score = score_onnx, .width = width};
    char path[256];
    if (ort == NULL) {
        void *lib = library("onnxruntime");
        void **(*base)(void);
        symbol(lib, "OrtGetApiBase", &base);
        void **found = base();
        void *(*get_api)(uint32_t);
        memcpy(&get_api, &found[0], sizeof get_api);
        ort = get_api(11);
        ORT(ORT_ENV, (int, const char *, void **), 3, "bench", &env);
        ORT(ORT_OPTIONS, (void **), &options);
        ORT(ORT_THREADS, (void *, int), options, 1);
        ORT(ORT_MEMORY, (int, int, void **), 1, 0, &ort_memory);
    }
    snprintf(path, sizeof path, FOLDER "/%s", file);
    ORT(ORT_SESSION, (void *, const char *, const void *, void **), env, path, options, &peer.handle);
    return peer;
}

/* ---- in turn ---- */

#define PEERS_MAX 3

static void measure(const struct peer *peers, size_t count, size_t size, double ret_us[PEERS_MAX])
{
    static double best[PEERS_MAX][ROWS / STRETCH];
    static double out[STRETCH];
    size_t stretch = size > STRETCH ? size : STRETCH;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t s = 0; s < ROWS / stretch; s++)
            for (size_t p = 0; p < count; p++) {
                static double large[ROWS];
                double start = now_us();
                for (size_t row = 0; row < stretch; row += size)
                    peers[p].score(&peers[p], s * stretch + row, size, size > STRETCH ? large : out + row);
                double took = now_us() - start;
                best[p][s] = round == 0 || took < best[p][s] ? took : best[p][s];
            }
    for (size_t p = 0; p < count; p++) {
        ret_us[p] = 0;
        for (size_t s = 0; s < ROWS / stretch; s++)
            ret_us[p] += best[p][s] / ROWS;
    }
}

/* They must say the same, or the comparison is of different things. */
static void check_same(const struct peer *peers, size_t count, const char *title)
{
    static double own[ROWS], other[ROWS];
    peers[0].score(&peers[0], 0, ROWS, own);
    for (size_t p = 1; p < count; p++) {
        double worst = 0;
        peers[p].score(&peers[p], 0, ROWS, other);
        for (size_t i = 0; i < ROWS; i++)
            worst = fmax(worst, fabs(own[i] - other[i]));
        printf("# %s: leat and %s differ by %.2g at most\n", title, peers[p].name, worst);
        if (!(worst < 1e-4))
            stop("they differ too much to be compared");
    }
}

static void compare(const char *title, const struct peer *peers, size_t count, double single_target, double batch_target)
{
    static const size_t sizes[] = {1, 8, 64, 256, 4096};
    check_same(peers, count, title);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        double us[PEERS_MAX];
        char metric[96], target[32] = "", against[128] = "";
        measure(peers, count, sizes[s], us);
        double limit = sizes[s] == 1 ? single_target : sizes[s] >= 64 ? batch_target : 0;
        for (size_t p = 1; p < count; p++)
            snprintf(against + strlen(against), sizeof against - strlen(against), "%s%s %.2f us: %.1f x",
                     p == 1 ? "" : "; ", peers[p].name, us[p], us[p] / us[0]);
        if (limit > 0)
            snprintf(target, sizeof target, "<= %g", limit);
        if (sizes[s] == 1)
            snprintf(metric, sizeof metric, "%s, one row", title);
        else
            snprintf(metric, sizeof metric, "%s, a row of %zu", title, sizes[s]);
        bench_report(metric, us[0], "us", target, against);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    static const struct {
        const char *shape, *title;
        double single, batch;
    } shapes[] = {{"100x6", "100 x depth 6", 0.6, 0.45},
                  {"500x64", "500 x 64 leaves", 6, 3},
                  {"1000x8", "1000 x depth 8", 15, 6.5}};
    char *raw = NULL;
    struct leat_buffer file = {0};
    struct leat_error err = {0};
    if (leat_file_read(FOLDER "/rows.f32", (size_t)1 << 30, &file, &err) != 0)
        stop("run bench/peers.py " FOLDER " first");
    rows32 = (float *)(void *)file.data;
    rows64 = calloc(ROWS * FEATURES, sizeof *rows64);
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        rows64[i] = (double)rows32[i];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        char name[64], title[64];
        snprintf(name, sizeof name, "%s.xgboost.json", shapes[i].shape);
        snprintf(title, sizeof title, "XGBoost %s", shapes[i].title);
        if (strstr(title, wanted) != NULL) {
            struct peer peers[PEERS_MAX] = {open_own(name, true), open_xgboost(name)};
            compare(title, peers, 2, shapes[i].single, shapes[i].batch);
        }
        snprintf(name, sizeof name, "%s.onnx", shapes[i].shape);
        snprintf(title, sizeof title, "ONNX %s", shapes[i].title);
        if (strstr(title, wanted) != NULL) {
            struct peer peers[PEERS_MAX] = {open_own(name, false), open_onnx(name, FEATURES)};
            compare(title, peers, 2, 0, 0);
        }
        snprintf(name, sizeof name, "%s.lightgbm.txt", shapes[i].shape);
        snprintf(title, sizeof title, "LightGBM %s", shapes[i].title);
        if (strstr(title, wanted) != NULL) {
            struct peer peers[PEERS_MAX] = {open_own(name, true), open_lightgbm(name)};
            compare(title, peers, 2, shapes[i].single, shapes[i].batch);
        }
        snprintf(name, sizeof name, "%s.catboost.json", shapes[i].shape);
        snprintf(title, sizeof title, "CatBoost %s", shapes[i].title);
        if (strstr(title, wanted) == NULL)
            continue;
        struct peer own[PEERS_MAX] = {open_own(name, true)};
        compare(title, own, 1, shapes[i].single, shapes[i].batch);
        snprintf(name, sizeof name, "%s.catboost.us", shapes[i].shape);
        raw = read_text(name);
        for (char *line = strtok(raw, "\n"); line != NULL; line = strtok(NULL, "\n"))
            printf("# CatBoost itself (Python, one thread), rows in a batch and us a row: %s\n", line);
        free(raw);
    }
    if (strstr("network 20-64-32-1", wanted) != NULL) {
        struct peer networks[PEERS_MAX] = {open_own("network.onnx", false), open_onnx("network.onnx", 20)};
        compare("network 20-64-32-1", networks, 2, 2, 0);
    }
    return 0;
}
