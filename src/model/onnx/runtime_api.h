/* The slots of ONNX Runtime's C interface that runtime.c calls. There is no package with both its library and its
 * headers, so they are declared here: the table only ever grows at its end, and these are older than its version 11.
 *
 * Functions that can fail return a status, or NULL when all is well. */
#ifndef LEAT_MODEL_ONNX_RUNTIME_API_H
#define LEAT_MODEL_ONNX_RUNTIME_API_H

#include <stddef.h>
#include <stdint.h>

#define LEAT_ORT_API_VERSION 11

struct ort_status;
struct ort_env;
struct ort_session;
struct ort_options;
struct ort_memory;
struct ort_value;
struct ort_shape;

/* By number; the type of each is below. */
enum ort_slot {
    ORT_GET_ERROR_MESSAGE = 2,
    ORT_CREATE_ENV = 3,
    ORT_CREATE_SESSION_FROM_ARRAY = 8,
    ORT_RUN = 9,
    ORT_CREATE_SESSION_OPTIONS = 10,
    ORT_SET_SESSION_EXECUTION_MODE = 13,
    ORT_SET_INTRA_OP_NUM_THREADS = 24,
    ORT_SET_INTER_OP_NUM_THREADS = 25,
    ORT_CREATE_TENSOR_WITH_DATA = 49,
    ORT_GET_TENSOR_ELEMENT_TYPE = 60,
    ORT_GET_DIMENSIONS_COUNT = 61,
    ORT_GET_DIMENSIONS = 62,
    ORT_GET_TENSOR_TYPE_AND_SHAPE = 65,
    ORT_CREATE_CPU_MEMORY_INFO = 69,
    ORT_RELEASE_ENV = 92,
    ORT_RELEASE_STATUS = 93,
    ORT_RELEASE_MEMORY_INFO = 94,
    ORT_RELEASE_SESSION = 95,
    ORT_RELEASE_VALUE = 96,
    ORT_RELEASE_SHAPE = 99,
    ORT_RELEASE_SESSION_OPTIONS = 100,
    ORT_ADD_SESSION_CONFIG_ENTRY = 130,
};

typedef void (*ort_function)(void); /* a slot, before it is cast to its type */

struct ort_api_base {
    const ort_function *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};
typedef const struct ort_api_base *ort_get_api_base(void); /* the library's one symbol: OrtGetApiBase */

typedef const char *ort_get_error_message(const struct ort_status *status);
typedef struct ort_status *ort_create_env(int log_level, const char *name, struct ort_env **ret);
typedef struct ort_status *ort_create_session_from_array(const struct ort_env *env, const void *data, size_t len,
                                                         const struct ort_options *options, struct ort_session **ret);
typedef struct ort_status *ort_run(struct ort_session *session, const void *run_options, const char *const *input_names,
                                   const struct ort_value *const *inputs, size_t input_count,
                                   const char *const *output_names, size_t output_count, struct ort_value **outputs);
typedef struct ort_status *ort_create_session_options(struct ort_options **ret);
typedef struct ort_status *ort_set_option(struct ort_options *options, int value); /* mode, numbers of threads */
typedef struct ort_status *ort_add_session_config_entry(struct ort_options *options, const char *key, const char *value);
typedef struct ort_status *ort_create_tensor_with_data(const struct ort_memory *memory, void *data, size_t len,
                                                       const int64_t *dims, size_t rank, int type,
                                                       struct ort_value **ret);
typedef struct ort_status *ort_get_tensor_type_and_shape(const struct ort_value *value, struct ort_shape **ret);
typedef struct ort_status *ort_get_tensor_element_type(const struct ort_shape *shape, int *ret);
typedef struct ort_status *ort_get_dimensions_count(const struct ort_shape *shape, size_t *ret);
typedef struct ort_status *ort_get_dimensions(const struct ort_shape *shape, int64_t *ret, size_t count);
typedef struct ort_status *ort_create_cpu_memory_info(int allocator, int kind, struct ort_memory **ret);
typedef void ort_release(void *object);

#endif
