/* ONNX files, read by protobuf with the schema that the distribution ships (onnx.proto), to plain structs.
 *
 * The wire format is walked once before protobuf sees it: that finds broken files by their byte, and counts the parts,
 * because an empty part takes two bytes of the file and hundreds in memory. */
extern "C" {
#include "model/onnx/file.h"
}

#include "onnx.pb.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include <google/protobuf/io/coded_stream.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw tensors are little-endian and taken as they are");

struct leat_onnx_long {
    struct leat_onnx_long *previous, *next;
    size_t bytes; /* with this */
    alignas(16) char data[];
};

namespace
{

using google::protobuf::RepeatedField;
using google::protobuf::RepeatedPtrField;

constexpr int depth_max = 64; /* of parts within parts: graphs take three each */

/* ---- the walk over the bytes ---- */

enum Part {
    MODEL,
    TRAINING,
    GRAPH,
    NODE,
    ATTRIBUTE,
    TENSOR,
    SPARSE,
    VALUE,
    TYPE,
    TENSOR_TYPE,
    SHAPE,
    SEQUENCE,
    MAP,
    FUNCTION,
    NOTE,
    LEAF
};

struct Child {
    Part part;
    unsigned field;
    Part child;
};

constexpr Child children[] = {
    {MODEL, 7, GRAPH},     {MODEL, 8, LEAF},          {MODEL, 14, LEAF},       {MODEL, 20, TRAINING},
    {MODEL, 25, FUNCTION}, {TRAINING, 1, GRAPH},      {TRAINING, 2, GRAPH},    {TRAINING, 3, LEAF},
    {TRAINING, 4, LEAF},   {GRAPH, 1, NODE},          {GRAPH, 5, TENSOR},      {GRAPH, 11, VALUE},
    {GRAPH, 12, VALUE},    {GRAPH, 13, VALUE},        {GRAPH, 14, NOTE},       {GRAPH, 15, SPARSE},
    {GRAPH, 16, LEAF},     {NODE, 5, ATTRIBUTE},      {NODE, 9, LEAF},         {ATTRIBUTE, 5, TENSOR},
    {ATTRIBUTE, 6, GRAPH}, {ATTRIBUTE, 10, TENSOR},   {ATTRIBUTE, 11, GRAPH},  {ATTRIBUTE, 14, TYPE},
    {ATTRIBUTE, 15, TYPE}, {ATTRIBUTE, 22, SPARSE},   {ATTRIBUTE, 23, SPARSE}, {TENSOR, 3, LEAF},
    {TENSOR, 13, LEAF},    {TENSOR, 16, LEAF},        {SPARSE, 1, TENSOR},     {SPARSE, 2, TENSOR},
    {VALUE, 2, TYPE},      {VALUE, 4, LEAF},          {TYPE, 1, TENSOR_TYPE},  {TYPE, 4, SEQUENCE},
    {TYPE, 5, MAP},        {TYPE, 8, TENSOR_TYPE},    {TYPE, 9, SEQUENCE},     {TENSOR_TYPE, 2, SHAPE},
    {SHAPE, 1, LEAF},      {SEQUENCE, 1, TYPE},       {MAP, 2, TYPE},          {FUNCTION, 7, NODE},
    {FUNCTION, 9, LEAF},   {FUNCTION, 11, ATTRIBUTE}, {FUNCTION, 12, VALUE},   {FUNCTION, 14, LEAF},
    {NOTE, 2, LEAF},
};

/* -1: the field is not a part. */
int child_of(Part part, uint64_t field)
{
    for (const Child &child : children)
        if (child.part == part && child.field == field)
            return child.child;
    return -1;
}

struct Walk {
    const uint8_t *data;
    size_t len;
    size_t at;
    size_t parts;
    const char *why;
};

bool stop(Walk &walk, const char *why)
{
    walk.why = why;
    return false;
}

bool varint(Walk &walk, size_t end, uint64_t &ret)
{
    ret = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (walk.at >= end)
            return stop(walk, "the file ends within a number, or a part ends there");
        uint8_t byte = walk.data[walk.at++];
        ret |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return stop(walk, "a number of more than ten bytes");
}

bool skip(Walk &walk, size_t end, uint64_t bytes)
{
    if (bytes > end - walk.at)
        return stop(walk, "a part that is longer than what is left of the file or of the part around it");
    walk.at += bytes;
    return true;
}

bool walk_part(Walk &walk, size_t end, Part part, int depth)
{
    if (depth > depth_max)
        return stop(walk, "parts within parts, deeper than 64");
    if (++walk.parts > LEAT_ONNX_PARTS_MAX)
        return stop(walk, "more than 1048576 nodes, attributes, tensors and other parts");
    while (walk.at < end) {
        uint64_t tag, bytes;
        if (!varint(walk, end, tag))
            return false;
        switch (tag & 7) {
        case 0:
            if (!varint(walk, end, bytes))
                return false;
            break;
        case 1:
            if (!skip(walk, end, 8))
                return false;
            break;
        case 5:
            if (!skip(walk, end, 4))
                return false;
            break;
        case 2: {
            if (!varint(walk, end, bytes))
                return false;
            size_t start = walk.at;
            if (!skip(walk, end, bytes))
                return false;
            int child = child_of(part, tag >> 3);
            if (child < 0)
                break;
            walk.at = start;
            if (!walk_part(walk, start + bytes, static_cast<Part>(child), depth + 1))
                return false;
            break;
        }
        default:
            return stop(walk, "a field of a kind that there is not");
        }
    }
    return true;
}

/* ---- from protobuf's objects to plain structs ---- */

struct Reader {
    struct leat_onnx_file *file;
    struct leat_arena *arena; /* the file's */
    struct leat_error *err;
};

template <class T> T *make(const Reader &reader, int count)
{
    return static_cast<T *>(leat_arena_zalloc(reader.arena, count > 0 ? static_cast<size_t>(count) : 1, sizeof(T)));
}

/* ---- long arrays ---- */

constexpr size_t long_from = 16384; /* bytes */

bool is_long(size_t count, size_t size)
{
    return count * size >= long_from;
}

struct leat_onnx_long *long_of(const void *data)
{
    auto at = const_cast<char *>(static_cast<const char *>(data)) - offsetof(struct leat_onnx_long, data);
    return reinterpret_cast<struct leat_onnx_long *>(at);
}

/* An array, zeroed; a long one by itself. */
template <class T> T *make_array(const Reader &reader, size_t count, size_t size = sizeof(T))
{
    if (!is_long(count, size))
        return static_cast<T *>(leat_arena_zalloc(reader.arena, count + 1, size));
    size_t bytes = sizeof(struct leat_onnx_long) + count * size;
    auto made = static_cast<struct leat_onnx_long *>(leat_calloc(bytes, 1));
    made->bytes = bytes;
    made->next = reader.file->longs;
    if (made->next != nullptr)
        made->next->previous = made;
    reader.file->longs = made;
    reader.file->long_bytes += bytes;
    return reinterpret_cast<T *>(made->data);
}

void drop(struct leat_onnx_file *file, struct leat_onnx_long *array)
{
    if (array->previous != nullptr)
        array->previous->next = array->next;
    else
        file->longs = array->next;
    if (array->next != nullptr)
        array->next->previous = array->previous;
    file->long_bytes -= array->bytes;
    std::free(array);
}

/* `array` is an attribute's, NULL if it is of another kind; a short one is only forgotten. */
template <class T> void drop_array(struct leat_onnx_file *file, const T *&array, size_t count)
{
    if (array != nullptr && is_long(count, sizeof(T)))
        drop(file, long_of(array));
    array = nullptr;
}

struct leat_bytes bytes_of(const Reader &reader, const std::string &text)
{
    return leat_arena_bytes(reader.arena, {text.data(), text.size()});
}

bool read_name(const Reader &reader, const std::string &text, const char *&ret)
{
    ret = leat_arena_copy(reader.arena, text.data(), text.size());
    if (std::strlen(ret) == text.size())
        return true;
    leat_error_set(reader.err, LEAT_ERROR_FINDING, "the name '%s' has a zero byte in it", ret);
    return false;
}

bool read_domain(const Reader &reader, const std::string &text, const char *&ret)
{
    return read_name(reader, text == "ai.onnx" ? std::string() : text, ret);
}

bool read_names(const Reader &reader, const RepeatedPtrField<std::string> &names, const char **&ret, uint32_t &ret_count)
{
    ret = make<const char *>(reader, names.size());
    ret_count = static_cast<uint32_t>(names.size());
    for (int i = 0; i < names.size(); i++)
        if (!read_name(reader, names.Get(i), ret[i]))
            return false;
    return true;
}

/* Few different texts often come in long lists: one that was among the last different ones is there already. */
const struct leat_bytes *read_texts(const Reader &reader, const RepeatedPtrField<std::string> &texts)
{
    constexpr unsigned kept = 8;
    struct leat_bytes recent[kept] = {};
    unsigned made = 0;
    auto ret = make_array<struct leat_bytes>(reader, static_cast<size_t>(texts.size()));
    for (int i = 0; i < texts.size(); i++) {
        const std::string &text = texts.Get(i);
        unsigned k = 0;
        while (k < kept && (recent[k].data == nullptr || recent[k].len != text.size() ||
                            std::memcmp(recent[k].data, text.data(), text.size()) != 0))
            k++;
        if (k == kept) {
            k = made++ % kept;
            recent[k] = bytes_of(reader, text);
        }
        ret[i] = recent[k];
    }
    return ret;
}

/* ---- tensors ---- */

bool wrong_count(const Reader &reader, const struct leat_tensor &tensor, size_t got, const char *what)
{
    leat_error_set(reader.err, LEAT_ERROR_FINDING, "tensor '%s' has %zu %s where its shape asks for %zu", tensor.name,
                   got, what, tensor.count);
    return false;
}

/* Fields hold wider numbers than the tensor's type. */
template <class To, class From>
bool fill_from(const Reader &reader, struct leat_tensor &tensor, const RepeatedField<From> &field)
{
    if (static_cast<size_t>(field.size()) != tensor.count)
        return wrong_count(reader, tensor, static_cast<size_t>(field.size()), "values");
    auto data = static_cast<To *>(tensor.data);
    for (int i = 0; i < field.size(); i++) {
        data[i] = static_cast<To>(field.Get(i));
        if (!std::numeric_limits<From>::is_integer || static_cast<From>(data[i]) == field.Get(i))
            continue;
        leat_error_set(reader.err, LEAT_ERROR_FINDING, "tensor '%s': value %d is beyond its type, %s", tensor.name, i,
                       leat_tensor_type_name(tensor.type));
        return false;
    }
    return true;
}

bool fill_texts(const Reader &reader, struct leat_tensor &tensor, const onnx::TensorProto &file)
{
    if (static_cast<size_t>(file.string_data_size()) != tensor.count)
        return wrong_count(reader, tensor, static_cast<size_t>(file.string_data_size()), "values");
    tensor.data = const_cast<struct leat_bytes *>(read_texts(reader, file.string_data()));
    return true;
}

bool fill_raw(const Reader &reader, struct leat_tensor &tensor, const std::string &raw)
{
    if (raw.size() != tensor.count * leat_tensor_type_size(tensor.type))
        return wrong_count(reader, tensor, raw.size(), "raw bytes (its elements have their own width)");
    if (!raw.empty())
        std::memcpy(tensor.data, raw.data(), raw.size());
    auto flags = static_cast<uint8_t *>(tensor.data);
    for (size_t i = 0; tensor.type == LEAT_TENSOR_BOOL && i < tensor.count; i++)
        flags[i] = flags[i] != 0;
    return true;
}

bool fill_fields(const Reader &reader, struct leat_tensor &tensor, const onnx::TensorProto &file)
{
    switch (tensor.type) {
    case LEAT_TENSOR_FLOAT:
        return fill_from<float>(reader, tensor, file.float_data());
    case LEAT_TENSOR_DOUBLE:
        return fill_from<double>(reader, tensor, file.double_data());
    case LEAT_TENSOR_INT64:
        return fill_from<int64_t>(reader, tensor, file.int64_data());
    case LEAT_TENSOR_UINT64:
        return fill_from<uint64_t>(reader, tensor, file.uint64_data());
    case LEAT_TENSOR_UINT32:
        return fill_from<uint32_t>(reader, tensor, file.uint64_data());
    case LEAT_TENSOR_INT32:
        return fill_from<int32_t>(reader, tensor, file.int32_data());
    case LEAT_TENSOR_INT16:
        return fill_from<int16_t>(reader, tensor, file.int32_data());
    case LEAT_TENSOR_UINT16:
        return fill_from<uint16_t>(reader, tensor, file.int32_data());
    case LEAT_TENSOR_INT8:
        return fill_from<int8_t>(reader, tensor, file.int32_data());
    case LEAT_TENSOR_BOOL:
    case LEAT_TENSOR_UINT8:
        return fill_from<uint8_t>(reader, tensor, file.int32_data());
    default:
        return true;
    }
}

/* What the bytes that are there can hold at most: nothing larger is allocated. */
bool fill(const Reader &reader, struct leat_tensor &tensor, const onnx::TensorProto &file)
{
    size_t size = leat_tensor_type_size(tensor.type);
    size_t there = file.raw_data().size() / size + static_cast<size_t>(file.float_data_size()) +
                   static_cast<size_t>(file.double_data_size()) + static_cast<size_t>(file.int32_data_size()) +
                   static_cast<size_t>(file.int64_data_size()) + static_cast<size_t>(file.uint64_data_size());
    if (tensor.type == LEAT_TENSOR_STRING)
        return fill_texts(reader, tensor, file);
    if (tensor.count > there)
        return wrong_count(reader, tensor, there, "values");
    tensor.data = make_array<char>(reader, tensor.count, size);
    if (!file.has_raw_data() || (file.raw_data().empty() && there > 0))
        return fill_fields(reader, tensor, file);
    return fill_raw(reader, tensor, file.raw_data());
}

bool read_tensor(const Reader &reader, const onnx::TensorProto &file, struct leat_tensor &ret)
{
    if (!read_name(reader, file.name(), ret.name))
        return false;
    int type = file.data_type();
    std::memcpy(&ret.type, &type, sizeof ret.type); /* it may be none of the enum, which C allows and C++ does not */
    if (file.data_location() == onnx::TensorProto::EXTERNAL || file.external_data_size() > 0) {
        leat_error_set(reader.err, LEAT_ERROR_FINDING,
                       "tensor '%s' lies outside of the file (external data); save the model with its tensors in it",
                       ret.name);
        return false;
    }
    if (file.has_segment()) {
        leat_error_set(reader.err, LEAT_ERROR_FINDING, "tensor '%s' is a segment of another", ret.name);
        return false;
    }
    if (file.dims_size() > LEAT_RANK_MAX) {
        leat_error_set(reader.err, LEAT_ERROR_FINDING, "tensor '%s' has %d dimensions; there may be %d", ret.name,
                       file.dims_size(), LEAT_RANK_MAX);
        return false;
    }
    ret.rank = static_cast<uint32_t>(file.dims_size());
    for (uint32_t i = 0; i < ret.rank; i++)
        ret.dims[i] = file.dims(static_cast<int>(i));
    if (leat_tensor_elements(ret.rank, ret.dims, &ret.count, reader.err) < 0) {
        leat_error_prefix(reader.err, "tensor '%s'", ret.name);
        return false;
    }
    if (type != LEAT_TENSOR_STRING && (type <= 0 || type > LEAT_TENSOR_UINT64 || type == onnx::TensorProto::FLOAT16))
        return true; /* whoever uses it refuses it */
    return fill(reader, ret, file);
}

/* ---- graphs ---- */

bool read_graph(const Reader &reader, const onnx::GraphProto &file, struct leat_onnx_graph &ret);

/* The oldest files do not say what kind an attribute is. */
int kind_of(const onnx::AttributeProto &file)
{
    if (file.type() != onnx::AttributeProto::UNDEFINED)
        return file.type();
    return file.has_f()              ? LEAT_ONNX_FLOAT
           : file.has_i()            ? LEAT_ONNX_INT
           : file.has_s()            ? LEAT_ONNX_TEXT
           : file.has_t()            ? LEAT_ONNX_TENSOR
           : file.has_g()            ? LEAT_ONNX_GRAPH
           : file.floats_size() > 0  ? LEAT_ONNX_FLOATS
           : file.ints_size() > 0    ? LEAT_ONNX_INTS
           : file.strings_size() > 0 ? LEAT_ONNX_TEXTS
                                     : 0;
}

template <class To, class From> const To *read_numbers(const Reader &reader, const RepeatedField<From> &numbers)
{
    static_assert(sizeof(To) == sizeof(From));
    auto ret = make_array<To>(reader, static_cast<size_t>(numbers.size()));
    if (!numbers.empty())
        std::memcpy(ret, numbers.data(), static_cast<size_t>(numbers.size()) * sizeof(To));
    return ret;
}

bool read_attribute(const Reader &reader, const onnx::AttributeProto &file, struct leat_onnx_attribute &ret)
{
    ret.kind = kind_of(file);
    if (!read_name(reader, file.name(), ret.name) || !read_name(reader, file.ref_attr_name(), ret.reference))
        return false;
    switch (ret.kind) {
    case LEAT_ONNX_FLOAT:
        ret.number = file.f();
        return true;
    case LEAT_ONNX_INT:
        ret.integer = file.i();
        return true;
    case LEAT_ONNX_TEXT:
        ret.text = bytes_of(reader, file.s());
        return true;
    case LEAT_ONNX_TENSOR:
        ret.tensor = make<struct leat_tensor>(reader, 1);
        return read_tensor(reader, file.t(), *ret.tensor);
    case LEAT_ONNX_GRAPH:
        ret.graph = make<struct leat_onnx_graph>(reader, 1);
        return read_graph(reader, file.g(), *ret.graph);
    case LEAT_ONNX_FLOATS:
        ret.count = static_cast<size_t>(file.floats_size());
        ret.floats = read_numbers<float>(reader, file.floats());
        return true;
    case LEAT_ONNX_INTS:
        ret.count = static_cast<size_t>(file.ints_size());
        ret.ints = read_numbers<int64_t>(reader, file.ints());
        return true;
    case LEAT_ONNX_TEXTS:
        ret.count = static_cast<size_t>(file.strings_size());
        ret.texts = read_texts(reader, file.strings());
        return true;
    default:
        return true;
    }
}

bool read_node(const Reader &reader, const onnx::NodeProto &file, struct leat_onnx_node &ret)
{
    if (!read_name(reader, file.name(), ret.name) || !read_name(reader, file.op_type(), ret.op) ||
        !read_domain(reader, file.domain(), ret.domain) ||
        !read_names(reader, file.input(), ret.inputs, ret.input_count) ||
        !read_names(reader, file.output(), ret.outputs, ret.output_count))
        return false;
    ret.attributes = make<struct leat_onnx_attribute>(reader, file.attribute_size());
    ret.attribute_count = static_cast<uint32_t>(file.attribute_size());
    for (int i = 0; i < file.attribute_size(); i++)
        if (!read_attribute(reader, file.attribute(i), ret.attributes[i])) {
            leat_error_prefix(reader.err, "node '%s' (%s), attribute '%s'", ret.name, ret.op,
                              ret.attributes[i].name != nullptr ? ret.attributes[i].name : "");
            return false;
        }
    return true;
}

bool read_nodes(const Reader &reader, const RepeatedPtrField<onnx::NodeProto> &nodes, struct leat_onnx_node *&ret,
                uint32_t &ret_count)
{
    ret = make<struct leat_onnx_node>(reader, nodes.size());
    ret_count = static_cast<uint32_t>(nodes.size());
    for (int i = 0; i < nodes.size(); i++)
        if (!read_node(reader, nodes.Get(i), ret[i]))
            return false;
    return true;
}

const char *other_kind(const onnx::TypeProto &type)
{
    switch (type.value_case()) {
    case onnx::TypeProto::kTensorType:
        return nullptr;
    case onnx::TypeProto::kSequenceType:
        return "a sequence";
    case onnx::TypeProto::kMapType:
        return "a map";
    case onnx::TypeProto::VALUE_NOT_SET:
        return "of no declared type";
    default:
        return "neither a tensor nor a sequence";
    }
}

bool read_value(const Reader &reader, const onnx::ValueInfoProto &file, struct leat_onnx_value &ret)
{
    const auto &tensor = file.type().tensor_type();
    if (!read_name(reader, file.name(), ret.name))
        return false;
    ret.other = other_kind(file.type());
    ret.type = tensor.elem_type();
    ret.has_shape = tensor.has_shape();
    if (tensor.shape().dim_size() > LEAT_RANK_MAX) {
        leat_error_set(reader.err, LEAT_ERROR_FINDING, "value '%s' has %d dimensions; there may be %d", ret.name,
                       tensor.shape().dim_size(), LEAT_RANK_MAX);
        return false;
    }
    ret.rank = static_cast<uint32_t>(tensor.shape().dim_size());
    for (uint32_t i = 0; i < ret.rank; i++) {
        const auto &dim = tensor.shape().dim(static_cast<int>(i));
        ret.dims[i] = dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1;
    }
    return true;
}

bool read_values(const Reader &reader, const RepeatedPtrField<onnx::ValueInfoProto> &values,
                 struct leat_onnx_value *&ret, uint32_t &ret_count)
{
    ret = make<struct leat_onnx_value>(reader, values.size());
    ret_count = static_cast<uint32_t>(values.size());
    for (int i = 0; i < values.size(); i++)
        if (!read_value(reader, values.Get(i), ret[i]))
            return false;
    return true;
}

bool read_graph(const Reader &reader, const onnx::GraphProto &file, struct leat_onnx_graph &ret)
{
    ret.sparse = file.sparse_initializer_size() > 0;
    ret.initializers = make<struct leat_tensor>(reader, file.initializer_size());
    ret.initializer_count = static_cast<uint32_t>(file.initializer_size());
    for (int i = 0; i < file.initializer_size(); i++)
        if (!read_tensor(reader, file.initializer(i), ret.initializers[i]))
            return false;
    return read_name(reader, file.name(), ret.name) && read_nodes(reader, file.node(), ret.nodes, ret.node_count) &&
           read_values(reader, file.input(), ret.inputs, ret.input_count) &&
           read_values(reader, file.output(), ret.outputs, ret.output_count) &&
           read_values(reader, file.value_info(), ret.values, ret.value_count);
}

/* ---- the file ---- */

bool read_opsets(const Reader &reader, const RepeatedPtrField<onnx::OperatorSetIdProto> &opsets,
                 struct leat_onnx_opset *&ret, uint32_t &ret_count)
{
    ret = make<struct leat_onnx_opset>(reader, opsets.size());
    ret_count = static_cast<uint32_t>(opsets.size());
    for (int i = 0; i < opsets.size(); i++) {
        ret[i].version = opsets.Get(i).version();
        if (!read_domain(reader, opsets.Get(i).domain(), ret[i].domain))
            return false;
    }
    return true;
}

/* Newer schemas know the defaults of a function's attributes as field 11; to older ones they are unknown bytes. */
template <class F> auto has_defaults(const F &function, int) -> decltype(function.attribute_proto_size() > 0)
{
    return function.attribute_proto_size() > 0;
}

template <class F> bool has_defaults(const F &function, long)
{
    const std::string &unknown = function.unknown_fields();
    Walk walk = {reinterpret_cast<const uint8_t *>(unknown.data()), unknown.size(), 0, 0, nullptr};
    while (walk.at < walk.len) {
        uint64_t tag, bytes;
        if (!varint(walk, walk.len, tag) || tag >> 3 == 11 || (tag & 7) != 2 || !varint(walk, walk.len, bytes) ||
            !skip(walk, walk.len, bytes))
            return true; /* or something that can not be told: it is not taken */
    }
    return false;
}

bool read_function(const Reader &reader, const onnx::FunctionProto &file, struct leat_onnx_function &ret)
{
    ret.defaults = has_defaults(file, 0);
    return read_name(reader, file.name(), ret.name) && read_domain(reader, file.domain(), ret.domain) &&
           read_names(reader, file.input(), ret.inputs, ret.input_count) &&
           read_names(reader, file.output(), ret.outputs, ret.output_count) &&
           read_nodes(reader, file.node(), ret.nodes, ret.node_count) &&
           read_opsets(reader, file.opset_import(), ret.opsets, ret.opset_count);
}

bool read_functions(const Reader &reader, const onnx::ModelProto &model, struct leat_onnx_file &ret)
{
    ret.functions = make<struct leat_onnx_function>(reader, model.functions_size());
    ret.function_count = static_cast<uint32_t>(model.functions_size());
    for (int i = 0; i < model.functions_size(); i++)
        if (!read_function(reader, model.functions(i), ret.functions[i]))
            return false;
    return true;
}

bool read_properties(const Reader &reader, const onnx::ModelProto &model, struct leat_onnx_file &ret)
{
    ret.properties = make<struct leat_onnx_property>(reader, model.metadata_props_size());
    ret.property_count = static_cast<uint32_t>(model.metadata_props_size());
    for (int i = 0; i < model.metadata_props_size(); i++) {
        ret.properties[i].value = bytes_of(reader, model.metadata_props(i).value());
        if (!read_name(reader, model.metadata_props(i).key(), ret.properties[i].name))
            return false;
    }
    return true;
}

bool read_model(const Reader &reader, const onnx::ModelProto &model, struct leat_onnx_file &ret)
{
    ret.ir_version = model.ir_version();
    return read_name(reader, model.producer_name(), ret.producer) &&
           read_opsets(reader, model.opset_import(), ret.opsets, ret.opset_count) &&
           read_functions(reader, model, ret) && read_properties(reader, model, ret) &&
           read_graph(reader, model.graph(), ret.graph);
}

int parse(const char *name, struct leat_bytes file, onnx::ModelProto &model, struct leat_error *err)
{
    Walk walk = {reinterpret_cast<const uint8_t *>(file.data), file.len, 0, 0, nullptr};
    if (!walk_part(walk, walk.len, MODEL, 0))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: not a whole ONNX file: at byte %zu of %zu: %s", name,
                              walk.at, walk.len, walk.why);
    google::protobuf::io::CodedInputStream input(walk.data, static_cast<int>(walk.len));
    input.SetRecursionLimit(2 * depth_max);
    if (!model.ParsePartialFromCodedStream(&input) || !input.ConsumedEntireMessage())
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: not an ONNX file, or a broken one", name);
    if (!model.has_graph())
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: not an ONNX model: there is no graph in it", name);
    return 0;
}

} // namespace

int leat_onnx_file_read(const char *name, struct leat_bytes file, struct leat_onnx_file **ret, struct leat_error *err)
{
    onnx::ModelProto model;
    if (file.len > static_cast<size_t>(std::numeric_limits<int>::max()))
        return leat_error_set(err, LEAT_ERROR_FINDING, "%s: %zu bytes; an ONNX file has less than 2 GiB", name,
                              file.len);
    if (parse(name, file, model, err) < 0)
        return -1;
    auto made = static_cast<struct leat_onnx_file *>(leat_calloc(1, sizeof(struct leat_onnx_file)));
    if (!read_model({made, &made->arena, err}, model, *made)) {
        leat_onnx_file_free(made);
        return leat_error_prefix(err, "%s", name);
    }
    *ret = made;
    return 0;
}

void leat_onnx_node_drop(struct leat_onnx_file *file, const struct leat_onnx_node *node)
{
    for (uint32_t i = 0; i < node->attribute_count; i++) {
        struct leat_onnx_attribute *attribute = &node->attributes[i];
        drop_array(file, attribute->floats, attribute->count);
        drop_array(file, attribute->ints, attribute->count);
        drop_array(file, attribute->texts, attribute->count);
        struct leat_tensor *tensor = attribute->tensor;
        if (tensor == nullptr || tensor->data == nullptr)
            continue;
        if (is_long(tensor->count, leat_tensor_type_size(tensor->type)))
            drop(file, long_of(tensor->data));
        tensor->data = nullptr;
        tensor->count = 0;
    }
}

size_t leat_onnx_file_bytes(const struct leat_onnx_file *file)
{
    return sizeof *file + file->arena.allocated + file->long_bytes;
}

void leat_onnx_file_free(struct leat_onnx_file *file)
{
    if (file == nullptr)
        return;
    while (file->longs != nullptr)
        drop(file, file->longs);
    leat_arena_done(&file->arena);
    std::free(file);
}
