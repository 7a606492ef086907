/* simdjson's first stage behind a C face: a record's UTF-8 and quotes are checked, and its tokens are found. */
#ifndef LEAT_EVENT_JSON_TOKENS_H
#define LEAT_EVENT_JSON_TOKENS_H

#include "base/bytes.h"

#include <stdint.h>

struct leat_json_tokenizer; /* one thread; its memory grows to the largest text that it met */

struct leat_json_tokenizer *leat_json_tokenizer_new(void);
void leat_json_tokenizer_free(struct leat_json_tokenizer *tokenizer); /* NULL is fine */

/* The offsets of all tokens, ascending: of { } [ ] : and comma, of the opening quote of each string, and of the first
 * byte of whatever else follows white space, a bracket, a colon, a comma or a closing quote. So between the closing
 * quote of a string and the next token there is only white space. Behind the last offset is the length of the text, so
 * that each token is followed by another offset. The offsets live until the next call. No padding is needed behind the
 * text. On failure (-1) *ret_problem is a phrase. */
int leat_json_tokenize(struct leat_json_tokenizer *tokenizer, struct leat_bytes text, const uint32_t **ret_offsets,
                       size_t *ret_count, const char **ret_problem);

#endif
