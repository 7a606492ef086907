/* The tree's parser: simdjson reads the text, a walk over its tape makes our nodes in an arena.
 *
 * What simdjson does not do is done around it. A text with bare NaN or Infinity, or with integers beyond 64 bits, is
 * rewritten first: an integer gets a ".0", and a non-finite number becomes a null whose ordinal among the nulls of the
 * text is noted, so that no real string, number or null can be taken for one. A text that simdjson refuses is read
 * again by a plain scanner, which only finds the place and the words for the error. */
#include <cstddef>
#include <cstdint>
#include <cstring>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

extern "C" {
#include "base/arena.h"
#include "base/json.h"
}

#include <cstdlib>
#include <new>

struct leat_json_document {
    struct leat_arena arena;
    struct leat_json root;
};

namespace
{

constexpr size_t depth_max = 256;

/* ---- the scanner that words an error ---- */

struct scanner {
    const char *start;
    const char *at;
    const char *end;
    bool nonfinite;
    const char *problem; /* what is wrong at `at` */
};

bool wrong(scanner &s, const char *problem)
{
    s.problem = problem;
    return false;
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void skip_space(scanner &s)
{
    while (s.at < s.end && (*s.at == ' ' || *s.at == '\t' || *s.at == '\n' || *s.at == '\r'))
        s.at++;
}

bool take_word(scanner &s, const char *word)
{
    size_t len = std::strlen(word);
    if (static_cast<size_t>(s.end - s.at) < len || std::memcmp(s.at, word, len) != 0)
        return false;
    s.at += len;
    return true;
}

/* Four hexadecimal digits. */
bool take_hex(scanner &s, unsigned *ret)
{
    if (s.end - s.at < 4)
        return false;
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = s.at[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        value = value * 16 + static_cast<unsigned>(digit);
    }
    s.at += 4;
    *ret = value;
    return true;
}

bool scan_escape(scanner &s)
{
    const char *backslash = s.at++;
    if (s.at < s.end && std::strchr("\"\\/bfnrt", *s.at) != nullptr && *s.at != '\0') {
        s.at++;
        return true;
    }
    unsigned unit = 0;
    unsigned low = 0;
    bool ok = s.at < s.end && *s.at++ == 'u' && take_hex(s, &unit);
    if (ok && unit >= 0xD800 && unit < 0xDC00)
        ok = take_word(s, "\\u") && take_hex(s, &low) && low >= 0xDC00 && low < 0xE000;
    else if (ok && unit >= 0xDC00 && unit < 0xE000)
        ok = false;
    if (ok)
        return true;
    s.at = backslash;
    return wrong(s, unit >= 0xD800 && unit < 0xE000 ? "half of a surrogate pair" : "an escape that JSON does not have");
}

bool scan_string(scanner &s)
{
    const char *open = s.at++;
    while (s.at < s.end && *s.at != '"') {
        if (static_cast<unsigned char>(*s.at) < 0x20)
            return wrong(s, "a control character within a string");
        if (*s.at != '\\') {
            s.at++;
            continue;
        }
        if (!scan_escape(s))
            return false;
    }
    if (s.at == s.end) {
        s.at = open;
        return wrong(s, "a string without its closing quote");
    }
    s.at++;
    return true;
}

bool take_digits(scanner &s)
{
    const char *start = s.at;
    while (s.at < s.end && is_digit(*s.at))
        s.at++;
    return s.at > start;
}

bool scan_number(scanner &s)
{
    const char *start = s.at;
    if (*s.at == '-')
        s.at++;
    if (s.nonfinite && take_word(s, "Infinity"))
        return true;
    const char *digits = s.at;
    bool ok = take_digits(s) && (*digits != '0' || s.at - digits == 1);
    if (ok && s.at < s.end && *s.at == '.') {
        s.at++;
        ok = take_digits(s);
    }
    if (ok && s.at < s.end && (*s.at == 'e' || *s.at == 'E')) {
        s.at++;
        if (s.at < s.end && (*s.at == '+' || *s.at == '-'))
            s.at++;
        ok = take_digits(s);
    }
    double number;
    bool fits = ok && leat_double_parse({start, static_cast<size_t>(s.at - start)}, &number) == 0;
    if (fits)
        return true;
    s.at = start;
    return wrong(s, ok ? "a number beyond the range of a double" : "a number that is not one of JSON's");
}

bool scan_scalar(scanner &s)
{
    if (s.at == s.end)
        return wrong(s, "the end where a value should be");
    if (*s.at == '"')
        return scan_string(s);
    if (*s.at == '-' || is_digit(*s.at))
        return scan_number(s);
    if (take_word(s, "true") || take_word(s, "false") || take_word(s, "null"))
        return true;
    if (s.nonfinite && (take_word(s, "NaN") || take_word(s, "Infinity")))
        return true;
    return wrong(s, "something that is not a value");
}

/* Member name and colon. */
bool scan_name(scanner &s)
{
    skip_space(s);
    if (s.at == s.end || *s.at != '"')
        return wrong(s, s.at == s.end ? "the end where a member should be"
                                      : "something that is not a member name in quotes");
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (s.at == s.end || *s.at != ':')
        return wrong(s, "no colon behind a member name");
    s.at++;
    return true;
}

/* After a value: closes containers, or steps over the comma to the next value. *ret_done: the outermost is closed. */
bool scan_behind(scanner &s, char *closers, size_t *depth, bool *ret_done)
{
    for (;;) {
        skip_space(s);
        if (*depth == 0) {
            *ret_done = true;
            return s.at == s.end || wrong(s, "something behind the end of the value");
        }
        if (s.at == s.end)
            return wrong(s, closers[*depth - 1] == '}' ? "the end within an object" : "the end within an array");
        if (*s.at == closers[*depth - 1]) {
            s.at++;
            (*depth)--;
            continue;
        }
        if (*s.at != ',')
            return wrong(s, closers[*depth - 1] == '}' ? "neither a comma nor a closing brace"
                                                       : "neither a comma nor a closing bracket");
        s.at++;
        return closers[*depth - 1] == ']' || scan_name(s);
    }
}

/* false with the place and the problem; true when this scanner finds nothing wrong. */
bool scan(scanner &s)
{
    char closers[depth_max];
    size_t depth = 0;
    bool done = false;
    while (!done) {
        skip_space(s);
        if (s.at < s.end && (*s.at == '{' || *s.at == '[')) {
            if (depth == depth_max)
                return wrong(s, "more than 256 levels");
            bool object = *s.at == '{';
            closers[depth++] = object ? '}' : ']';
            s.at++;
            skip_space(s);
            bool empty = s.at < s.end && *s.at == closers[depth - 1];
            if (!empty) {
                if (object && !scan_name(s))
                    return false;
                continue;
            }
        } else if (!scan_scalar(s)) {
            return false;
        }
        if (!scan_behind(s, closers, &depth, &done))
            return false;
    }
    return true;
}

int refused_at(leat_bytes text, size_t at, const char *problem, leat_error *err)
{
    size_t line = 1;
    size_t column = 1; /* in characters */
    for (size_t i = 0; i < at; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if ((static_cast<unsigned char>(text.data[i]) & 0xC0) != 0x80) {
            column++;
        }
    }
    return leat_error_set(err, LEAT_ERROR_FINDING, "%zu:%zu (byte %zu): not JSON: %s", line, column, at, problem);
}

int refused(leat_bytes text, int flags, simdjson::error_code code, leat_error *err)
{
    if (code == simdjson::MEMALLOC || code == simdjson::CAPACITY)
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "no memory to read %zu bytes of JSON", text.len);
    size_t valid = leat_utf8_prefix(text);
    if (valid < text.len)
        return refused_at(text, valid, "bytes that are not UTF-8", err);
    scanner s = {text.data, text.data, text.data + text.len, (flags & LEAT_JSON_NONFINITE) != 0, nullptr};
    if (!scan(s))
        return refused_at(text, static_cast<size_t>(s.at - s.start), s.problem, err);
    return leat_error_set(err, LEAT_ERROR_FINDING, "not JSON: %s", simdjson::error_message(code));
}

/* ---- rewriting what simdjson does not take ---- */

enum nonfinite : uint64_t { is_nan = 0, is_infinity = 1, is_minus_infinity = 2 };

/* Memory that its scope releases. */
template <typename T> struct owned {
    T *data = nullptr;
    owned() = default;
    owned(const owned &) = delete;
    owned &operator=(const owned &) = delete;
    ~owned() { std::free(data); }
};

struct rewritten {
    owned<char> text;
    size_t len = 0;
    owned<uint64_t> marks; /* ordinal among the nulls << 2 | kind, ascending */
    size_t marks_count = 0;
    size_t marks_capacity = 0;
};

void mark(rewritten &out, uint64_t ordinal, nonfinite kind)
{
    if (out.marks_count == out.marks_capacity) {
        out.marks_capacity = out.marks_capacity == 0 ? 64 : out.marks_capacity * 2;
        out.marks.data = static_cast<uint64_t *>(
            leat_realloc(out.marks.data, out.marks_capacity, sizeof *out.marks.data));
    }
    out.marks.data[out.marks_count++] = ordinal << 2 | kind;
}

/* Past the closing quote, or to the end. */
const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return at < end ? at + 1 : end;
}

bool is_wide_integer(leat_bytes token)
{
    int64_t number;
    size_t sign = token.data[0] == '-' ? 1 : 0;
    if (token.len - sign < 19)
        return false;
    for (size_t i = sign; i < token.len; i++) {
        if (!is_digit(token.data[i]))
            return false;
    }
    return leat_int_parse(token, &number) < 0;
}

/* Between strings a well-formed text has an 'n' only in "null", an 'N' and an 'I' only in what is rewritten here; a
 * text that is not well-formed stays so. */
void rewrite(leat_bytes text, bool nonfinite_too, rewritten &out)
{
    /* The worst are "NaN," (3 bytes to 4) and integers of 19 digits (to 21). */
    out.text.data = static_cast<char *>(leat_malloc(text.len + text.len / 2 + simdjson::SIMDJSON_PADDING + 8));
    char *to = out.text.data;
    scanner s = {text.data, text.data, text.data + text.len, nonfinite_too, nullptr};
    uint64_t nulls = 0;
    while (s.at < s.end) {
        const char *from = s.at;
        char c = *s.at;
        if (c == '"') {
            s.at = string_end(s.at, s.end);
        } else if (nonfinite_too && (take_word(s, "NaN") || take_word(s, "Infinity") || take_word(s, "-Infinity"))) {
            mark(out, nulls++, c == 'N' ? is_nan : c == 'I' ? is_infinity : is_minus_infinity);
            std::memcpy(to, "null", 4);
            to += 4;
            continue;
        } else if (c == '-' || is_digit(c)) {
            s.at++;
            while (s.at < s.end && (is_digit(*s.at) || std::strchr("+-.eE", *s.at) != nullptr) && *s.at != '\0')
                s.at++;
            if (is_wide_integer({from, static_cast<size_t>(s.at - from)})) {
                std::memcpy(to, from, static_cast<size_t>(s.at - from));
                to += s.at - from;
                std::memcpy(to, ".0", 2);
                to += 2;
                continue;
            }
        } else {
            nulls += c == 'n' ? 1 : 0;
            s.at++;
        }
        std::memcpy(to, from, static_cast<size_t>(s.at - from));
        to += s.at - from;
    }
    out.len = static_cast<size_t>(to - out.text.data);
}

/* ---- from simdjson's tape to our nodes ---- */

struct walk {
    leat_arena *arena;
    const rewritten *source; /* NULL: nothing was rewritten */
    size_t next_mark;
    uint64_t nulls;
    size_t depth;
    bool surrogates;             /* the text has escapes, which simdjson 3.0 lets make lone low surrogates */
    const char *const *unwanted; /* NULL: all members are wanted */
};

/* These return false when a string is not valid or there are too many levels. */
bool convert(walk &w, simdjson::dom::element from, leat_json *to);

void convert_null(walk &w, leat_json *to)
{
    uint64_t ordinal = w.nulls++;
    to->type = LEAT_JSON_NULL;
    bool marked = w.source != nullptr && w.next_mark < w.source->marks_count;
    if (!marked || w.source->marks.data[w.next_mark] >> 2 != ordinal)
        return;
    uint64_t kind = w.source->marks.data[w.next_mark++] & 3;
    to->type = LEAT_JSON_DOUBLE;
    to->as.number = kind == is_nan ? __builtin_nan("") : kind == is_infinity ? __builtin_inf() : -__builtin_inf();
}

bool convert_string(walk &w, std::string_view from, leat_bytes *to)
{
    if (w.surrogates && !leat_utf8_valid({from.data(), from.size()}))
        return false;
    *to = {leat_arena_copy(w.arena, from.data(), from.size()), from.size()};
    return true;
}

/* simdjson's own count stops at 0xFFFFFF. */
template <typename T> size_t count_of(T container)
{
    size_t count = container.size();
    if (count < 0xFFFFFF)
        return count;
    count = 0;
    for (auto it = container.begin(); it != container.end(); ++it)
        count++;
    return count;
}

bool convert_array(walk &w, simdjson::dom::array from, leat_json *to)
{
    size_t count = count_of(from);
    auto *elements = static_cast<leat_json *>(leat_arena_alloc(w.arena, count * sizeof(leat_json)));
    to->type = LEAT_JSON_ARRAY;
    to->count = static_cast<uint32_t>(count);
    to->as.elements = elements;
    for (simdjson::dom::element element : from) {
        if (!convert(w, element, elements++))
            return false;
    }
    return true;
}

/* What was rewritten is walked whole, because nulls are counted. */
bool is_unwanted(const walk &w, std::string_view name)
{
    for (size_t i = 0; w.unwanted != nullptr && w.source == nullptr && w.unwanted[i] != nullptr; i++)
        if (name == w.unwanted[i])
            return true;
    return false;
}

bool convert_object(walk &w, simdjson::dom::object from, leat_json *to)
{
    size_t count = count_of(from);
    auto *members = static_cast<leat_json_member *>(leat_arena_alloc(w.arena, count * sizeof(leat_json_member)));
    to->type = LEAT_JSON_OBJECT;
    to->count = static_cast<uint32_t>(count);
    to->as.members = members;
    for (auto it = from.begin(); it != from.end(); ++it, members++) {
        members->value = {};
        if (!convert_string(w, it.key(), &members->name))
            return false;
        if (!is_unwanted(w, it.key()) && !convert(w, it.value(), &members->value))
            return false;
    }
    return true;
}

bool convert_container(walk &w, simdjson::dom::element from, leat_json *to)
{
    if (w.depth == depth_max)
        return false;
    w.depth++;
    bool ok = from.is_array() ? convert_array(w, from.get_array().value_unsafe(), to)
                              : convert_object(w, from.get_object().value_unsafe(), to);
    w.depth--;
    return ok;
}

bool convert(walk &w, simdjson::dom::element from, leat_json *to)
{
    using simdjson::dom::element_type;
    to->count = 0;
    switch (from.type()) {
    case element_type::ARRAY:
    case element_type::OBJECT:
        return convert_container(w, from, to);
    case element_type::INT64:
        to->type = LEAT_JSON_INT;
        to->as.integer = from.get_int64().value_unsafe();
        return true;
    case element_type::UINT64:
        to->type = LEAT_JSON_DOUBLE;
        to->as.number = static_cast<double>(from.get_uint64().value_unsafe());
        return true;
    case element_type::DOUBLE:
        to->type = LEAT_JSON_DOUBLE;
        to->as.number = from.get_double().value_unsafe();
        return true;
    case element_type::STRING:
        to->type = LEAT_JSON_STRING;
        return convert_string(w, from.get_string().value_unsafe(), &to->as.string);
    case element_type::BOOL:
        to->type = LEAT_JSON_BOOL;
        to->as.boolean = from.get_bool().value_unsafe();
        return true;
    case element_type::NULL_VALUE:
        convert_null(w, to);
        return true;
    }
    return false;
}

/* memmem looks at short needles byte by byte; their first letters are rare. */
bool contains(leat_bytes text, const char *word)
{
    size_t len = std::strlen(word);
    const char *end = text.data + text.len;
    const char *at = text.data;
    while ((at = static_cast<const char *>(std::memchr(at, word[0], static_cast<size_t>(end - at)))) != nullptr) {
        if (static_cast<size_t>(end - at) >= len && std::memcmp(at, word, len) == 0)
            return true;
        at++;
    }
    return false;
}

bool has_nonfinite(leat_bytes text)
{
    return contains(text, "NaN") || contains(text, "Infinity");
}

/* Parses a text that has simdjson's padding behind it. */
simdjson::error_code build(const char *text, size_t len, const rewritten *source, const char *const *unwanted,
                           leat_json_document *document)
{
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    /* Its own limit does not count empty containers; it keeps the walk from recursing deeper than that. */
    simdjson::error_code code = parser.allocate(len, depth_max + 1);
    if (code == simdjson::SUCCESS)
        code = parser.parse(text, len, false).get(root);
    if (code != simdjson::SUCCESS)
        return code;
    walk w = {&document->arena, source, 0, 0, 0, contains({text, len}, "\\u"), unwanted};
    return convert(w, root, &document->root) ? simdjson::SUCCESS : simdjson::STRING_ERROR;
}

simdjson::error_code build_plain(leat_bytes text, const char *const *unwanted, leat_json_document *document)
{
    owned<char> padded;
    padded.data = static_cast<char *>(leat_malloc(text.len + simdjson::SIMDJSON_PADDING));
    if (text.len > 0)
        std::memcpy(padded.data, text.data, text.len);
    std::memset(padded.data + text.len, 0, simdjson::SIMDJSON_PADDING);
    return build(padded.data, text.len, nullptr, unwanted, document);
}

simdjson::error_code build_rewritten(leat_bytes text, bool nonfinite_too, leat_json_document *document)
{
    rewritten source;
    rewrite(text, nonfinite_too, source);
    std::memset(source.text.data + source.len, 0, simdjson::SIMDJSON_PADDING);
    return build(source.text.data, source.len, &source, nullptr, document);
}

} // namespace

extern "C" {

int leat_json_parse(struct leat_bytes text, int flags, struct leat_json_document **ret, struct leat_error *err)
{
    return leat_json_parse_without(text, flags, nullptr, ret, err);
}

int leat_json_parse_without(struct leat_bytes text, int flags, const char *const *unwanted,
                            struct leat_json_document **ret, struct leat_error *err)
{
    auto *document = static_cast<leat_json_document *>(leat_calloc(1, sizeof(leat_json_document)));
    bool nonfinite_too = (flags & LEAT_JSON_NONFINITE) != 0 && text.len > 0 && has_nonfinite(text);
    simdjson::error_code code = nonfinite_too ? build_rewritten(text, true, document)
                                              : build_plain(text, unwanted, document);
    /* Integers beyond 64 bits are rare enough to be looked for only now. */
    if (code == simdjson::NUMBER_ERROR && !nonfinite_too)
        code = build_rewritten(text, false, document);
    if (code != simdjson::SUCCESS) {
        leat_json_free(document);
        return refused(text, flags, code, err);
    }
    *ret = document;
    return 0;
}

struct leat_json_document *leat_json_document_new(struct leat_arena **ret_arena, struct leat_json **ret_root)
{
    auto *document = static_cast<leat_json_document *>(leat_calloc(1, sizeof(leat_json_document)));
    *ret_arena = &document->arena;
    *ret_root = &document->root;
    return document;
}

void leat_json_free(struct leat_json_document *document)
{
    if (document == nullptr)
        return;
    leat_arena_done(&document->arena);
    std::free(document);
}

const struct leat_json *leat_json_root(const struct leat_json_document *document)
{
    return &document->root;
}

bool leat_utf8_valid(struct leat_bytes text)
{
    return text.len == 0 || simdjson::validate_utf8(text.data, text.len);
}

} // extern "C"
