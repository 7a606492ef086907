/* ONNX files out of nothing, for tests and benchmarks: the file's bytes are written as they are, without protobuf.
 * Include once a program. */
#ifndef LEAT_TESTS_MAKE_GRAPH_H
#define LEAT_TESTS_MAKE_GRAPH_H

#include "base/bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* All-zero is an empty one. */
struct make_graph {
    struct leat_buffer graph; /* the message GraphProto */
};

static inline void make_graph_varint(struct leat_buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        leat_buffer_append_char(out, (char)(value | 0x80));
    leat_buffer_append_char(out, (char)value);
}

static inline void make_graph_int(struct leat_buffer *out, uint32_t field, int64_t value)
{
    make_graph_varint(out, field << 3);
    make_graph_varint(out, (uint64_t)value);
}

static inline void make_graph_bytes(struct leat_buffer *out, uint32_t field, const void *data, size_t len)
{
    make_graph_varint(out, field << 3 | 2);
    make_graph_varint(out, len);
    leat_buffer_append(out, data, len);
}

static inline void make_graph_text(struct leat_buffer *out, uint32_t field, const char *text)
{
    make_graph_bytes(out, field, text, strlen(text));
}

/* Puts a message into another one, and releases it. */
static inline void make_graph_put(struct leat_buffer *out, uint32_t field, struct leat_buffer *message)
{
    make_graph_bytes(out, field, message->data, message->len);
    leat_buffer_done(message);
}

/* A constant. `type` is as in the file format: 1 float, 7 int64, 11 double. */
static inline void make_graph_constant(struct make_graph *g, const char *name, int type, const char *dims,
                                       const void *data, size_t bytes)
{
    struct leat_buffer tensor = {0};
    for (const char *at = dims; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        make_graph_int(&tensor, 1, atoll(at));
    make_graph_int(&tensor, 2, type);
    make_graph_text(&tensor, 8, name);
    make_graph_bytes(&tensor, 9, data, bytes);
    make_graph_put(&g->graph, 5, &tensor);
}

/* An input (field 11) or output (field 12) of N rows; width 0: of one axis. */
static inline void make_graph_value(struct make_graph *g, uint32_t field, const char *name, int type, int64_t width)
{
    struct leat_buffer value = {0}, kind = {0}, tensor = {0}, shape = {0}, rows = {0}, columns = {0};
    make_graph_text(&rows, 2, "N");
    make_graph_put(&shape, 1, &rows);
    make_graph_int(&columns, 1, width);
    if (width > 0)
        make_graph_put(&shape, 1, &columns);
    leat_buffer_done(&columns);
    make_graph_int(&tensor, 1, type);
    make_graph_put(&tensor, 2, &shape);
    make_graph_put(&kind, 1, &tensor);
    make_graph_text(&value, 1, name);
    make_graph_put(&value, 2, &kind);
    make_graph_put(&g->graph, field, &value);
}
static inline void make_graph_input(struct make_graph *g, const char *name, int type, int64_t width)
{
    make_graph_value(g, 11, name, type, width);
}
static inline void make_graph_output(struct make_graph *g, const char *name, int type, int64_t width)
{
    make_graph_value(g, 12, name, type, width);
}

/* "axis=1", "alpha=0.5", "perm=0,2,1," (a comma makes it a list, a point a float). */
static inline void make_graph_attribute(struct leat_buffer *node, const char *text, size_t len)
{
    struct leat_buffer attribute = {0};
    char copy[64] = {0};
    memcpy(copy, text, len < 63 ? len : 63);
    char *value = strchr(copy, '=');
    *value++ = '\0';
    make_graph_text(&attribute, 1, copy);
    if (strchr(value, ',') != NULL) {
        for (const char *at = value; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
            make_graph_int(&attribute, 8, atoll(at));
        make_graph_int(&attribute, 20, 7);
    } else if (strchr(value, '.') != NULL) {
        float number = strtof(value, NULL);
        make_graph_varint(&attribute, 2 << 3 | 5);
        leat_buffer_append(&attribute, &number, sizeof number);
        make_graph_int(&attribute, 20, 1);
    } else {
        make_graph_int(&attribute, 3, atoll(value));
        make_graph_int(&attribute, 20, 2);
    }
    make_graph_put(node, 5, &attribute);
}

/* Names are apart by commas, attributes by spaces. */
static inline void make_graph_node(struct make_graph *g, const char *op, const char *inputs, const char *outputs,
                                   const char *attributes)
{
    struct leat_buffer node = {0};
    for (const char *at = inputs; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        make_graph_bytes(&node, 1, at, strcspn(at, ","));
    for (const char *at = outputs; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        make_graph_bytes(&node, 2, at, strcspn(at, ","));
    make_graph_text(&node, 4, op);
    for (const char *at = attributes; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
        make_graph_attribute(&node, at, strcspn(at, " "));
    make_graph_put(&g->graph, 1, &node);
}

/* The whole file; the graph is empty again. */
static inline void make_graph_file(struct make_graph *g, int opset, struct leat_buffer *ret)
{
    struct leat_buffer version = {0};
    make_graph_int(ret, 1, 8);
    make_graph_text(&g->graph, 2, "made");
    make_graph_put(ret, 7, &g->graph);
    make_graph_int(&version, 2, opset);
    make_graph_put(ret, 8, &version);
}

#endif
