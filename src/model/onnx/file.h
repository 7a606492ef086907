/* An ONNX file as plain structs: what protobuf read, checked and with the content of tensors laid out for use.
 *
 * Names are NUL-terminated and never NULL; an absent one is "". Counts and sizes are checked against the bytes that
 * are there before anything is allocated. Everything lies in the file's arena, but for long arrays, which can be dropped
 * one by one. */
#ifndef LEAT_MODEL_ONNX_FILE_H
#define LEAT_MODEL_ONNX_FILE_H

#include "base/bytes.h"
#include "base/error.h"
#include "model/onnx/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parts of a file (nodes, attributes, tensors, …): a part of two bytes becomes a struct of some hundred. */
#define LEAT_ONNX_PARTS_MAX ((size_t)1 << 20)

/* With the numbers of the file format. */
enum leat_onnx_kind {
    LEAT_ONNX_FLOAT = 1,
    LEAT_ONNX_INT = 2,
    LEAT_ONNX_TEXT = 3,
    LEAT_ONNX_TENSOR = 4,
    LEAT_ONNX_GRAPH = 5,
    LEAT_ONNX_FLOATS = 6,
    LEAT_ONNX_INTS = 7,
    LEAT_ONNX_TEXTS = 8,
};
const char *leat_onnx_kind_name(int kind); /* "a float", "ints", … */

struct leat_onnx_attribute {
    const char *name;
    int kind;              /* also numbers that are not in the enum: kinds that nothing here asks for */
    const char *reference; /* within a function: the name of the caller's attribute that stands here; else "" */
    float number;
    int64_t integer;
    struct leat_bytes text;
    struct leat_tensor *tensor;
    struct leat_onnx_graph *graph;
    const float *floats;
    const int64_t *ints;
    const struct leat_bytes *texts;
    size_t count; /* of floats, ints or texts */
};

struct leat_onnx_node {
    const char *name;
    const char *op;
    const char *domain; /* "" for ai.onnx */
    const char **inputs;
    uint32_t input_count;
    const char **outputs;
    uint32_t output_count;
    struct leat_onnx_attribute *attributes;
    uint32_t attribute_count;
};

/* An input or output as it was declared. */
struct leat_onnx_value {
    const char *name;
    const char *other; /* NULL: a tensor; else what it is instead: "a sequence", "a map", … */
    int type;          /* enum leat_tensor_type, or a number that is not in it */
    bool has_shape;
    uint32_t rank;
    int64_t dims[LEAT_RANK_MAX]; /* -1: not told, or a symbol */
};

struct leat_onnx_graph {
    const char *name;
    struct leat_onnx_node *nodes;
    uint32_t node_count;
    struct leat_tensor *initializers; /* data NULL: of a type that we do not hold */
    uint32_t initializer_count;
    struct leat_onnx_value *inputs;
    uint32_t input_count;
    struct leat_onnx_value *outputs;
    uint32_t output_count;
    struct leat_onnx_value *values; /* declared types of what lies between */
    uint32_t value_count;
    bool sparse; /* it has sparse initializers */
};

struct leat_onnx_opset {
    const char *domain; /* "" for ai.onnx */
    int64_t version;
};

struct leat_onnx_function {
    const char *domain;
    const char *name;
    const char **inputs;
    uint32_t input_count;
    const char **outputs;
    uint32_t output_count;
    struct leat_onnx_node *nodes;
    uint32_t node_count;
    struct leat_onnx_opset *opsets;
    uint32_t opset_count;
    bool defaults; /* it has attributes with default values */
};

struct leat_onnx_property {
    const char *name;
    struct leat_bytes value;
};

struct leat_onnx_long; /* an array outside the arena */

struct leat_onnx_file {
    struct leat_arena arena;
    struct leat_onnx_long *longs;
    size_t long_bytes;
    int64_t ir_version;
    const char *producer;
    struct leat_onnx_graph graph;
    struct leat_onnx_opset *opsets;
    uint32_t opset_count;
    struct leat_onnx_function *functions;
    uint32_t function_count;
    struct leat_onnx_property *properties; /* metadata */
    uint32_t property_count;
};

/* The file is copied: `file` may go. */
int leat_onnx_file_read(const char *name, struct leat_bytes file, struct leat_onnx_file **ret, struct leat_error *err);
/* Releases the long arrays of a node's attributes: their numbers and texts are not there any more. */
void leat_onnx_node_drop(struct leat_onnx_file *file, const struct leat_onnx_node *node);
size_t leat_onnx_file_bytes(const struct leat_onnx_file *file); /* memory */
void leat_onnx_file_free(struct leat_onnx_file *file);          /* NULL is fine */

/* The product of the dims, or -1 with the reason: a negative one, or beyond LEAT_TENSOR_ELEMENTS_MAX. */
int leat_tensor_elements(uint32_t rank, const int64_t *dims, size_t *ret, struct leat_error *err);

#endif
