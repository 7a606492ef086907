#include "model/onnx/runtime.h"

#include "model/onnx/runtime_api.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct leat_runtime {
    struct leat_arena arena;
    const ort_function *api;
    char *name;
    struct ort_env *env;
    struct ort_memory *memory;
    struct ort_session *session;
    uint32_t input_count, output_count;
    struct leat_tensor *inputs, *outputs;
    const char **input_names, **output_names;
    size_t scratch;
};

/* The function in a slot, as its type. */
#define CALL(runtime, slot, type) ((type *)(runtime)->api[slot])

static void release(const struct leat_runtime *runtime, enum ort_slot slot, void *object)
{
    if (object != NULL)
        CALL(runtime, slot, ort_release)(object);
}

/* 0, or −1 with what ONNX Runtime said, on one line. Releases the status. */
static int check(const struct leat_runtime *runtime, struct ort_status *status, struct leat_error *err)
{
    if (status == NULL)
        return 0;
    char text[400];
    const char *said = CALL(runtime, ORT_GET_ERROR_MESSAGE, ort_get_error_message)(status);
    size_t length = 0;
    for (; said[length] != 0 && length + 1 < sizeof text; length++)
        text[length] = (unsigned char)said[length] < ' ' ? ' ' : said[length];
    text[length] = 0;
    leat_text_mend_end(text);
    release(runtime, ORT_RELEASE_STATUS, status);
    return leat_error_set(err, LEAT_ERROR_FINDING, "%s: %s", runtime->name, text);
}

/* ---- the library ---- */

static void *open_library(struct leat_error *err)
{
    /* It stays loaded: it has threads and tables of its own that do not stand being taken away. */
    const int how = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
    const char *named = getenv("LEAT_ONNXRUNTIME");
    if (named != NULL && *named != 0) {
        void *library = dlopen(named, how);
        if (library == NULL)
            (void)leat_error_set(err, LEAT_ERROR_FINDING, "LEAT_ONNXRUNTIME: %s", dlerror());
        return library;
    }
    static const char *const names[] = {"libonnxruntime.so", "libonnxruntime.so.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], how);
        if (library != NULL)
            return library;
    }
    (void)leat_error_set(err, LEAT_ERROR_FINDING,
                         "ONNX Runtime's library was not found: LEAT_ONNXRUNTIME=/path/to/libonnxruntime.so says where "
                         "it is (the Python package onnxruntime has it in onnxruntime/capi/)");
    return NULL;
}

static int find_api(struct leat_runtime *runtime, struct leat_error *err)
{
    void *library = open_library(err);
    if (library == NULL)
        return -1;
    ort_get_api_base *get_base = NULL;
    void *symbol = dlsym(library, "OrtGetApiBase");
    memcpy(&get_base, &symbol, sizeof get_base);
    if (get_base == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "LEAT_ONNXRUNTIME: the library is not ONNX Runtime's");
    const struct ort_api_base *base = get_base();
    if (base == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "LEAT_ONNXRUNTIME: the library has no interface to give");
    runtime->name = leat_arena_format(&runtime->arena, "ONNX Runtime %s", base->get_version());
    runtime->api = base->get_api(LEAT_ORT_API_VERSION);
    if (runtime->api == NULL)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s is too old: 1.11 or newer is needed", runtime->name);
    return 0;
}

int leat_runtime_find(struct leat_error *err)
{
    struct leat_runtime found = {0};
    int status = find_api(&found, err);
    leat_arena_done(&found.arena);
    return status;
}

/* ---- the session ---- */

enum {
    LOG_FATAL = 4,
    SEQUENTIAL = 0,
    ALLOCATOR_DEVICE = 0,
    MEMORY_DEFAULT = 0,
};

static int set_options(const struct leat_runtime *r, struct ort_options *options, struct leat_error *err)
{
    if (check(r, CALL(r, ORT_SET_SESSION_EXECUTION_MODE, ort_set_option)(options, SEQUENTIAL), err) < 0 ||
        check(r, CALL(r, ORT_SET_INTRA_OP_NUM_THREADS, ort_set_option)(options, 1), err) < 0 ||
        check(r, CALL(r, ORT_SET_INTER_OP_NUM_THREADS, ort_set_option)(options, 1), err) < 0)
        return -1;
    ort_add_session_config_entry *add = CALL(r, ORT_ADD_SESSION_CONFIG_ENTRY, ort_add_session_config_entry);
    if (check(r, add(options, "session.intra_op.allow_spinning", "0"), err) < 0)
        return -1;
    return check(r, add(options, "session.inter_op.allow_spinning", "0"), err);
}

static int open_session(struct leat_runtime *r, struct leat_bytes content, struct leat_error *err)
{
    struct ort_options *options = NULL;
    if (check(r, CALL(r, ORT_CREATE_ENV, ort_create_env)(LOG_FATAL, "leat", &r->env), err) < 0 ||
        check(r,
              CALL(r, ORT_CREATE_CPU_MEMORY_INFO, ort_create_cpu_memory_info)(ALLOCATOR_DEVICE, MEMORY_DEFAULT,
                                                                              &r->memory),
              err) < 0 ||
        check(r, CALL(r, ORT_CREATE_SESSION_OPTIONS, ort_create_session_options)(&options), err) < 0)
        return -1;
    int status = set_options(r, options, err);
    if (status == 0)
        status = check(r,
                       CALL(r, ORT_CREATE_SESSION_FROM_ARRAY,
                            ort_create_session_from_array)(r->env, content.data, content.len, options, &r->session),
                       err);
    release(r, ORT_RELEASE_SESSION_OPTIONS, options);
    return status;
}

/* ---- inputs and outputs ---- */

static int place(struct leat_runtime *r, struct leat_tensor *tensor, const char *what, struct leat_error *err)
{
    size_t size = leat_tensor_type_size(tensor->type);
    if (tensor->type == LEAT_TENSOR_STRING || size == 0)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s '%s' is of %s, which is not handed to ONNX Runtime", what,
                              tensor->name, leat_tensor_type_name(tensor->type));
    if (leat_tensor_elements(tensor->rank, tensor->dims, &tensor->count, err) < 0)
        return leat_error_prefix(err, "%s '%s'", what, tensor->name);
    if (tensor->count * size > LEAT_GRAPH_BYTES_MAX - r->scratch)
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s '%s' is too large", what, tensor->name);
    tensor->offset = r->scratch;
    r->scratch += (tensor->count * size + 63) / 64 * 64;
    return 0;
}

static int bind_inputs(struct leat_runtime *r, const struct leat_onnx_file *file, const struct leat_graph_input *inputs,
                       struct leat_error *err)
{
    uint32_t *places = leat_arena_zalloc(&r->arena, file->graph.input_count + 1, sizeof *places);
    size_t count = leat_graph_inputs(file, places);
    if (count > LEAT_RUNTIME_VALUES_MAX || file->graph.output_count > LEAT_RUNTIME_VALUES_MAX)
        return leat_error_set(err, LEAT_ERROR_FINDING, "it has %zu inputs and %u outputs, more than %d", count,
                              file->graph.output_count, LEAT_RUNTIME_VALUES_MAX);
    r->inputs = leat_arena_zalloc(&r->arena, count + 1, sizeof *r->inputs);
    r->input_names = leat_arena_zalloc(&r->arena, count + 1, sizeof *r->input_names);
    for (size_t i = 0; i < count; i++) {
        struct leat_tensor *tensor = &r->inputs[i];
        tensor->name = leat_arena_strdup(&r->arena, file->graph.inputs[places[i]].name);
        tensor->type = inputs[i].type;
        tensor->rank = inputs[i].rank;
        memcpy(tensor->dims, inputs[i].dims, sizeof tensor->dims);
        tensor->carries_row = inputs[i].carries_row;
        r->input_names[i] = tensor->name;
        if (place(r, tensor, "input", err) < 0)
            return -1;
        if (inputs[i].constant == NULL)
            continue;
        size_t bytes = tensor->count * leat_tensor_type_size(tensor->type);
        tensor->data = leat_arena_copy(&r->arena, inputs[i].constant, bytes);
    }
    r->input_count = (uint32_t)count;
    return 0;
}

static int name_outputs(struct leat_runtime *r, const struct leat_onnx_file *file, struct leat_error *err)
{
    r->output_count = file->graph.output_count;
    r->outputs = leat_arena_zalloc(&r->arena, r->output_count + 1, sizeof *r->outputs);
    r->output_names = leat_arena_zalloc(&r->arena, r->output_count + 1, sizeof *r->output_names);
    for (uint32_t i = 0; i < r->output_count; i++) {
        const struct leat_onnx_value *value = &file->graph.outputs[i];
        if (value->other != NULL)
            return leat_error_set(err, LEAT_ERROR_FINDING, "output '%s' is %s, which is not taken from ONNX Runtime",
                                  value->name, value->other);
        r->outputs[i].name = leat_arena_strdup(&r->arena, value->name);
        r->output_names[i] = r->outputs[i].name;
    }
    return 0;
}

/* ---- running ---- */

struct values {
    struct ort_value *inputs[LEAT_RUNTIME_VALUES_MAX];
    struct ort_value *outputs[LEAT_RUNTIME_VALUES_MAX];
};

static void release_values(const struct leat_runtime *r, struct values *values)
{
    for (uint32_t i = 0; i < r->input_count; i++)
        release(r, ORT_RELEASE_VALUE, values->inputs[i]);
    for (uint32_t i = 0; i < r->output_count; i++)
        release(r, ORT_RELEASE_VALUE, values->outputs[i]);
}

static struct ort_status *make_value(const struct leat_runtime *r, const struct leat_tensor *tensor, char *scratch,
                                     struct ort_value **ret)
{
    const struct leat_run run = {.scratch = scratch};
    return CALL(r, ORT_CREATE_TENSOR_WITH_DATA, ort_create_tensor_with_data)(
        r->memory, leat_tensor_data(&run, tensor), tensor->count * leat_tensor_type_size(tensor->type), tensor->dims,
        tensor->rank, (int)tensor->type, ret);
}

/* Without outputs' places ONNX Runtime makes them. */
static struct ort_status *run_values(const struct leat_runtime *r, char *scratch, bool outputs_placed,
                                     struct values *values)
{
    struct ort_status *status = NULL;
    for (uint32_t i = 0; i < r->input_count && status == NULL; i++)
        status = make_value(r, &r->inputs[i], scratch, &values->inputs[i]);
    for (uint32_t i = 0; i < r->output_count && outputs_placed && status == NULL; i++)
        status = make_value(r, &r->outputs[i], scratch, &values->outputs[i]);
    if (status != NULL)
        return status;
    return CALL(r, ORT_RUN, ort_run)(r->session, NULL, r->input_names, (const struct ort_value *const *)values->inputs,
                                     r->input_count, r->output_names, r->output_count, values->outputs);
}

const char *leat_runtime_run(const struct leat_runtime *runtime, char *scratch)
{
    struct values values = {0};
    struct ort_status *status = run_values(runtime, scratch, true, &values);
    release_values(runtime, &values);
    if (status == NULL)
        return NULL;
    release(runtime, ORT_RELEASE_STATUS, status);
    return "ONNX Runtime refused the row";
}

static int read_shape(struct leat_runtime *r, const struct ort_value *value, struct leat_tensor *tensor,
                      struct leat_error *err)
{
    struct ort_shape *shape = NULL;
    int type = 0;
    size_t rank = 0;
    if (check(r, CALL(r, ORT_GET_TENSOR_TYPE_AND_SHAPE, ort_get_tensor_type_and_shape)(value, &shape), err) < 0)
        return -1;
    int status = check(r, CALL(r, ORT_GET_TENSOR_ELEMENT_TYPE, ort_get_tensor_element_type)(shape, &type), err);
    if (status == 0)
        status = check(r, CALL(r, ORT_GET_DIMENSIONS_COUNT, ort_get_dimensions_count)(shape, &rank), err);
    if (status == 0 && rank > LEAT_RANK_MAX)
        status = leat_error_set(err, LEAT_ERROR_FINDING, "output '%s' has %zu dimensions", tensor->name, rank);
    if (status == 0)
        status = check(r, CALL(r, ORT_GET_DIMENSIONS, ort_get_dimensions)(shape, tensor->dims, rank), err);
    release(r, ORT_RELEASE_SHAPE, shape);
    tensor->type = (enum leat_tensor_type)type;
    tensor->rank = (uint32_t)rank;
    return status;
}

/* What the outputs are is seen by a run of zeros. */
static int probe(struct leat_runtime *r, struct leat_error *err)
{
    char *scratch = leat_calloc(r->scratch + 64, 1);
    struct values values = {0};
    int status = check(r, run_values(r, scratch, false, &values), err);
    for (uint32_t i = 0; i < r->output_count && status == 0; i++) {
        status = read_shape(r, values.outputs[i], &r->outputs[i], err);
        if (status == 0)
            status = place(r, &r->outputs[i], "output", err);
    }
    release_values(r, &values);
    free(scratch);
    return status;
}

/* ---- its life ---- */

int leat_runtime_new(struct leat_bytes content, const struct leat_onnx_file *file,
                     const struct leat_graph_input *inputs, struct leat_runtime **ret, struct leat_error *err)
{
    struct leat_runtime *r = leat_calloc(1, sizeof *r);
    if (find_api(r, err) < 0 || bind_inputs(r, file, inputs, err) < 0 || name_outputs(r, file, err) < 0 ||
        open_session(r, content, err) < 0 || probe(r, err) < 0) {
        leat_runtime_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void leat_runtime_free(struct leat_runtime *runtime)
{
    if (runtime == NULL)
        return;
    if (runtime->api != NULL) {
        release(runtime, ORT_RELEASE_SESSION, runtime->session);
        release(runtime, ORT_RELEASE_MEMORY_INFO, runtime->memory);
        release(runtime, ORT_RELEASE_ENV, runtime->env);
    }
    leat_arena_done(&runtime->arena);
    free(runtime);
}

const char *leat_runtime_name(const struct leat_runtime *runtime)
{
    return runtime->name;
}

struct leat_tensor *leat_runtime_input(const struct leat_runtime *runtime, uint32_t i)
{
    return &runtime->inputs[i];
}

uint32_t leat_runtime_output_count(const struct leat_runtime *runtime)
{
    return runtime->output_count;
}

const struct leat_tensor *leat_runtime_output(const struct leat_runtime *runtime, uint32_t i)
{
    return &runtime->outputs[i];
}

size_t leat_runtime_scratch(const struct leat_runtime *runtime)
{
    return runtime->scratch;
}

size_t leat_runtime_bytes(const struct leat_runtime *runtime)
{
    return sizeof *runtime + runtime->arena.allocated;
}
