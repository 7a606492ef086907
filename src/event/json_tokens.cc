/* The second stage, which simdjson has in two kinds, is event/json.c: it reads fields straight into slots, and unlike
 * On-Demand it checks what it passes over, so that a record is well-formed or not whatever a function reads of it. */
#include <cstddef>
#include <cstdint>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

extern "C" {
#include "base/arena.h"
#include "base/error.h"
#include "event/json_tokens.h"
}

#include <cstdlib>
#include <memory>
#include <new>

struct leat_json_tokenizer {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

namespace
{

constexpr size_t capacity_min = 4096;
constexpr size_t depth = 1; /* of the second stage, which is not used */

simdjson::error_code make_room(leat_json_tokenizer &tokenizer, size_t len)
{
    size_t capacity = tokenizer.parser ? tokenizer.parser->capacity() : 0;
    if (len <= capacity && capacity > 0)
        return simdjson::SUCCESS;
    size_t wanted = capacity_min;
    while (wanted < len)
        wanted *= 2;
    if (tokenizer.parser)
        return tokenizer.parser->set_capacity(wanted);
    return simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, depth, tokenizer.parser);
}

} // namespace

extern "C" {

struct leat_json_tokenizer *leat_json_tokenizer_new(void)
{
    return new (leat_malloc(sizeof(leat_json_tokenizer))) leat_json_tokenizer();
}

void leat_json_tokenizer_free(struct leat_json_tokenizer *tokenizer)
{
    if (tokenizer == nullptr)
        return;
    tokenizer->~leat_json_tokenizer();
    std::free(tokenizer);
}

int leat_json_tokenize(struct leat_json_tokenizer *tokenizer, struct leat_bytes text, const uint32_t **ret_offsets,
                       size_t *ret_count, const char **ret_problem)
{
    simdjson::error_code code = text.len == 0 ? simdjson::EMPTY : make_room(*tokenizer, text.len);
    leat_assert(code != simdjson::MEMALLOC); /* no memory is never the record's fault */
    if (code == simdjson::SUCCESS)
        code = tokenizer->parser->stage1(reinterpret_cast<const uint8_t *>(text.data), text.len,
                                         simdjson::stage1_mode::regular);
    switch (code) {
    case simdjson::SUCCESS:
        tokenizer->parser->structural_indexes[tokenizer->parser->n_structural_indexes] = static_cast<uint32_t>(
            text.len); /* there is room for some more than the text has bytes */
        *ret_offsets = tokenizer->parser->structural_indexes.get();
        *ret_count = tokenizer->parser->n_structural_indexes;
        return 0;
    case simdjson::EMPTY:
        *ret_problem = "it is empty";
        return -1;
    case simdjson::UTF8_ERROR:
        *ret_problem = "it is not valid UTF-8";
        return -1;
    case simdjson::UNCLOSED_STRING:
        *ret_problem = "it ends within a string";
        return -1;
    case simdjson::UNESCAPED_CHARS:
        *ret_problem = "a string has a control character in it";
        return -1;
    default:
        *ret_problem = simdjson::error_message(code);
        return -1;
    }
}

} // extern "C"
