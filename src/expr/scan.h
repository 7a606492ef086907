/* Text to tokens. Words are not told apart here: most are keywords only where the grammar asks for them, so that a
 * column may be called `range` or `timestamp`. */
#ifndef LEAT_EXPR_SCAN_H
#define LEAT_EXPR_SCAN_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum leat_expr_token_kind {
    LEAT_TOKEN_END,
    LEAT_TOKEN_ERROR, /* text is a sentence */
    LEAT_TOKEN_INT,
    LEAT_TOKEN_DOUBLE,
    LEAT_TOKEN_DURATION, /* 1h30m */
    LEAT_TOKEN_STRING,   /* text is what it says, without quotes */
    LEAT_TOKEN_NAME,
    LEAT_TOKEN_QUOTED, /* a name in double quotes; text is without them */
    LEAT_TOKEN_OPEN,
    LEAT_TOKEN_CLOSE,
    LEAT_TOKEN_OPEN_INDEX,
    LEAT_TOKEN_CLOSE_INDEX,
    LEAT_TOKEN_COMMA,
    LEAT_TOKEN_POINT,
    LEAT_TOKEN_STAR,
    LEAT_TOKEN_PLUS,
    LEAT_TOKEN_MINUS,
    LEAT_TOKEN_SLASH,
    LEAT_TOKEN_PERCENT,
    LEAT_TOKEN_CONCAT,
    LEAT_TOKEN_EQ,
    LEAT_TOKEN_NE,
    LEAT_TOKEN_LT,
    LEAT_TOKEN_LE,
    LEAT_TOKEN_GT,
    LEAT_TOKEN_GE,
};

struct leat_expr_token {
    enum leat_expr_token_kind kind;
    size_t at, end; /* bytes of the source */
    struct leat_bytes text;
};

struct leat_expr_scanner {
    struct leat_bytes source;
    size_t at;
    struct leat_arena *arena; /* for text with doubled quotes and for sentences */
};

struct leat_expr_token leat_expr_scan(struct leat_expr_scanner *scanner);

/* Is the token this word (a name without quotes, in any case)? `word` is lower case. */
bool leat_expr_token_is(const struct leat_expr_token *token, const char *word);
bool leat_expr_word_equal(struct leat_bytes name, const char *word);
/* A word that can not be a name without quotes. */
bool leat_expr_reserved(struct leat_bytes name);
/* May this name stand without quotes? */
bool leat_expr_plain_name(struct leat_bytes name);

#endif
