#include "registry/mlflow.h"

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

#define MLMODEL_BYTES_MAX ((size_t)1 << 20)
#define EXAMPLE_BYTES_MAX ((size_t)64 << 20)

static const char *const flavors[] = {"xgboost", "lightgbm", "catboost", "onnx"};

#define FLAVOR_COUNT (sizeof flavors / sizeof flavors[0])

static const char *text_of(const struct leat_yaml *mapping, const char *key)
{
    const struct leat_yaml *node = leat_yaml_get(mapping, key);
    return node != NULL && node->type == LEAT_YAML_SCALAR && !leat_yaml_is_null(node) ? node->text.data : NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* A name within the folder: a path that leads out of it is not followed, nor (stays_inside) is a link. */
static bool is_inside(const char *path)
{
    return path[0] != '/' && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0 && strstr(path, "/../") == NULL &&
           !ends_with(path, "/..");
}

static bool stays_inside(const char *folder, const char *file)
{
    char *base = realpath(folder, NULL);
    char *path = realpath(file, NULL);
    size_t len = base == NULL ? 0 : strlen(base);
    bool good = path == NULL || (len > 0 && strncmp(path, base, len) == 0 && path[len] == '/');
    free(base);
    free(path);
    return good; /* what does not exist is told when it is read */
}

static int refuse_flavors(const struct leat_yaml *known, const char *folder, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER list = {0};
    for (size_t i = 0; known != NULL && known->type == LEAT_YAML_MAPPING && i < known->count && list.len < 200; i++)
        leat_buffer_format(&list, "%s%.60s", i == 0 ? "" : ", ", known->members[i].key.text.data);
    return leat_error_set(
        err, LEAT_ERROR_FINDING,
        "'%s/MLmodel' has the flavours %s; xgboost, lightgbm, catboost and onnx are read. Of scikit-learn's "
        "MLflow keeps a pickle, which is code and never loaded: log it as ONNX, or export it with leat.save",
        folder, list.len == 0 ? "(none)" : leat_buffer_text(&list));
}

static int find_model(const struct leat_yaml *known, const char *folder, struct leat_arena *arena,
                      struct leat_mlflow *ret, struct leat_error *err)
{
    const struct leat_yaml *flavor = NULL;
    for (size_t i = 0; i < FLAVOR_COUNT && flavor == NULL; i++) {
        flavor = leat_yaml_get(known, flavors[i]);
        ret->flavor = flavors[i];
    }
    if (flavor == NULL)
        return refuse_flavors(known, folder, err);
    const char *data = text_of(flavor, "data");
    if (data == NULL || !is_inside(data))
        return leat_error_set(err, LEAT_ERROR_FINDING,
                              "'%s/MLmodel': flavors.%s.data does not name a file of the folder", folder, ret->flavor);
    if (ends_with(data, ".pkl") || ends_with(data, ".pickle") || ends_with(data, ".skops"))
        return leat_error_set(
            err, LEAT_ERROR_FINDING,
            "'%s': the %s model is kept as '%s', a Python object (pickle or skops), which is code and "
            "never loaded; log the booster itself (model.booster_), or export the model with leat.save",
            folder, ret->flavor, data);
    ret->model_file = leat_arena_format(arena, "%s/%s", folder, data);
    if (!stays_inside(folder, ret->model_file))
        return leat_error_set(err, LEAT_ERROR_FINDING, "'%s' is a link that leads out of its folder", ret->model_file);
    return 0;
}

/* The signature is JSON inside the YAML: [{"type": "double", "name": "x"}, …], or one tensor without names. */
static int read_inputs(const char *signature, const char *folder, struct leat_arena *arena, struct leat_mlflow *ret,
                       struct leat_error *err)
{
    struct leat_json_document *document = NULL;
    if (signature == NULL)
        return 0;
    if (leat_json_parse(leat_bytes_of(signature), LEAT_JSON_STRICT, &document, err) != 0)
        return leat_error_prefix(err, "%s/MLmodel: signature.inputs", folder);
    const struct leat_json *root = leat_json_root(document);
    size_t count = root->type == LEAT_JSON_ARRAY ? root->count : 0;
    const char **names = leat_arena_zalloc(arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count && names != NULL; i++) {
        const char *name = leat_json_text(leat_json_get(leat_json_at(root, i), "name"), NULL);
        if (name == NULL)
            count = 0;
        else
            names[i] = leat_arena_strdup(arena, name);
    }
    ret->inputs = count > 0 ? names : NULL;
    ret->input_count = count;
    leat_json_free(document);
    return 0;
}

static int read_mlmodel(const struct leat_yaml *root, const char *folder, struct leat_arena *arena,
                        struct leat_mlflow *ret, struct leat_error *err)
{
    const char *run = text_of(root, "run_id");
    const char *model = text_of(root, "model_uuid");
    const char *example = text_of(leat_yaml_get(root, "saved_input_example_info"), "artifact_path");
    if (model == NULL)
        model = text_of(root, "model_id");
    if (find_model(leat_yaml_get(root, "flavors"), folder, arena, ret, err) != 0)
        return -1;
    if (run != NULL || model != NULL)
        ret->note = leat_arena_format(arena, "MLflow%s%s%s%s%s", run == NULL ? "" : " run ", run == NULL ? "" : run,
                                      run != NULL && model != NULL ? "," : "", model == NULL ? "" : " model ",
                                      model == NULL ? "" : model);
    if (example != NULL && is_inside(example))
        ret->example_file = leat_arena_format(arena, "%s/%s", folder, example);
    if (ret->example_file != NULL && !stays_inside(folder, ret->example_file))
        ret->example_file = NULL;
    return read_inputs(text_of(leat_yaml_get(root, "signature"), "inputs"), folder, arena, ret, err);
}

int leat_mlflow_read(const char *folder, struct leat_arena *arena, struct leat_mlflow *ret, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_yaml_document document = {0};
    const char *file = leat_arena_format(arena, "%s/MLmodel", folder);
    if (leat_file_read(file, MLMODEL_BYTES_MAX, &text, err) != 0)
        return -1;
    if (leat_yaml_parse(file, leat_buffer_view(&text), &document, err) != 0)
        return -1;
    int status = read_mlmodel(document.root, folder, arena, ret, err);
    leat_yaml_done(&document);
    return status;
}

bool leat_mlflow_is(const char *folder)
{
    LEAT_CLEAN_BUFFER file = {0};
    leat_buffer_format(&file, "%s/MLmodel", folder);
    return leat_file_exists(leat_buffer_text(&file));
}

/* ---- the input example ---- */

static void put_split_row(struct leat_buffer *out, const struct leat_json *columns, const struct leat_json *row)
{
    leat_buffer_append_char(out, '{');
    for (uint32_t i = 0; i < row->count && i < columns->count; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ", ");
        leat_json_put(out, &columns->as.elements[i]);
        leat_buffer_append_text(out, ": ");
        leat_json_put(out, &row->as.elements[i]);
    }
    leat_buffer_append_text(out, "}\n");
}

static int put_rows(const struct leat_json *root, struct leat_buffer *out, struct leat_error *err)
{
    const struct leat_json *columns = leat_json_get(root, "columns");
    const struct leat_json *rows = root;
    static const char *const wrappers[] = {"data", "dataframe_split", "dataframe_records", "inputs", "instances"};
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0] && rows->type == LEAT_JSON_OBJECT; i++) {
        const struct leat_json *inner = leat_json_get(rows, wrappers[i]);
        if (inner != NULL && inner->type == LEAT_JSON_OBJECT)
            return put_rows(inner, out, err);
        rows = inner != NULL ? inner : rows;
    }
    if (rows->type != LEAT_JSON_ARRAY)
        return leat_error_set(err, LEAT_ERROR_FINDING, "neither pandas' split or records form nor a list of rows");
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct leat_json *row = &rows->as.elements[i];
        if (columns != NULL && columns->type == LEAT_JSON_ARRAY && row->type == LEAT_JSON_ARRAY) {
            put_split_row(out, columns, row);
            continue;
        }
        leat_json_put(out, row);
        leat_buffer_append_char(out, '\n');
    }
    return 0;
}

int leat_mlflow_example(const char *file, struct leat_buffer *ret, struct leat_error *err)
{
    LEAT_CLEAN_BUFFER text = {0};
    struct leat_json_document *document = NULL;
    if (leat_file_read(file, EXAMPLE_BYTES_MAX, &text, err) != 0)
        return -1;
    if (leat_json_parse(leat_buffer_view(&text), LEAT_JSON_NONFINITE, &document, err) != 0)
        return leat_error_prefix(err, "%s", file);
    int status = put_rows(leat_json_root(document), ret, err);
    leat_json_free(document);
    return status == 0 ? 0 : leat_error_prefix(err, "%s", file);
}
