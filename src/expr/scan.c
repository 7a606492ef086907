/* The scanner. It never fails: what it does not know becomes an error token, which the parser reports when it gets
 * there, so that the first error in reading order is the one that is told. */
#include "expr/scan.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Letters beyond ASCII are parts of names; punctuation that word processors put for ' " - and space is not. */
static size_t letter_beyond_ascii(struct leat_bytes text, size_t at)
{
    size_t left = text.len - at;
    const unsigned char *p = (const unsigned char *)text.data + at;
    size_t len = 1;

    if (p[0] < 0x80)
        return 0;
    if (left >= 2 && p[0] == 0xC2 && p[1] < 0xC0) /* U+0080 … U+00BF: signs and the space that does not break */
        return 0;
    if (left >= 2 && p[0] == 0xE2 && p[1] <= 0x8B) /* U+2000 … U+22FF: dashes, quotes, mathematical signs */
        return 0;
    while (len < left && len < 4 && (p[len] & 0xC0) == 0x80)
        len++;
    return len;
}

static size_t name_character(struct leat_bytes text, size_t at, bool first)
{
    if (at >= text.len)
        return 0;
    if (is_letter(text.data[at]) || (!first && is_digit(text.data[at])))
        return 1;
    return letter_beyond_ascii(text, at);
}

bool leat_expr_word_equal(struct leat_bytes name, const char *word)
{
    for (size_t i = 0; i < name.len; i++) {
        if (word[i] == '\0' || lower(name.data[i]) != word[i])
            return false;
    }
    return word[name.len] == '\0';
}

bool leat_expr_token_is(const struct leat_expr_token *token, const char *word)
{
    return token->kind == LEAT_TOKEN_NAME && leat_expr_word_equal(token->text, word);
}

bool leat_expr_reserved(struct leat_bytes name)
{
    static const char *const words[] = {
        "and", "between", "case", "div",  "else", "end",  "false", "in",
        "is",  "like",    "not",  "null", "or",   "then", "true",  "when",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (leat_expr_word_equal(name, words[i]))
            return true;
    }
    return false;
}

bool leat_expr_plain_name(struct leat_bytes name)
{
    size_t at = 0;
    while (at < name.len) {
        size_t step = name_character(name, at, at == 0);
        if (step == 0)
            return false;
        at += step;
    }
    return name.len > 0 && !leat_expr_reserved(name);
}

static struct leat_expr_token token_to(struct leat_expr_scanner *scanner, size_t end, enum leat_expr_token_kind kind)
{
    struct leat_expr_token token = {
        .kind = kind,
        .at = scanner->at,
        .end = end,
        .text = {scanner->source.data + scanner->at, end - scanner->at},
    };
    scanner->at = end;
    return token;
}

static struct leat_expr_token error_at(struct leat_expr_scanner *scanner, size_t at, const char *sentence)
{
    scanner->at = scanner->source.len;
    return (struct leat_expr_token){.kind = LEAT_TOKEN_ERROR, .at = at, .end = at, .text = leat_bytes_of(sentence)};
}

/* White space and comments. */
static void skip(struct leat_expr_scanner *scanner)
{
    struct leat_bytes s = scanner->source;
    for (;;) {
        while (scanner->at < s.len && s.data[scanner->at] != '\0' && strchr(" \t\r\n", s.data[scanner->at]))
            scanner->at++;
        if (s.len - scanner->at < 2 || s.data[scanner->at] != '-' || s.data[scanner->at + 1] != '-')
            return;
        while (scanner->at < s.len && s.data[scanner->at] != '\n')
            scanner->at++;
    }
}

static size_t digits(struct leat_bytes s, size_t at)
{
    while (at < s.len && is_digit(s.data[at]))
        at++;
    return at;
}

/* The end of an exponent at `at`, or `at` if there is none. */
static size_t exponent(struct leat_bytes s, size_t at)
{
    size_t end = at;
    if (end >= s.len || lower(s.data[end]) != 'e')
        return at;
    end++;
    if (end < s.len && (s.data[end] == '+' || s.data[end] == '-'))
        end++;
    return digits(s, end) > end ? digits(s, end) : at;
}

static struct leat_expr_token number(struct leat_expr_scanner *scanner)
{
    struct leat_bytes s = scanner->source;
    size_t end = digits(s, scanner->at);
    enum leat_expr_token_kind kind = LEAT_TOKEN_INT;

    if (end < s.len && s.data[end] == '.') {
        size_t fraction = digits(s, end + 1);
        if (fraction == end + 1)
            return error_at(scanner, end, "digits are needed behind the decimal point");
        end = fraction;
        kind = LEAT_TOKEN_DOUBLE;
    }
    if (exponent(s, end) > end) {
        end = exponent(s, end);
        kind = LEAT_TOKEN_DOUBLE;
    }
    if (name_character(s, end, true)) {
        kind = LEAT_TOKEN_DURATION;
        while (name_character(s, end, false))
            end += name_character(s, end, false);
    }
    return token_to(scanner, end, kind);
}

static struct leat_expr_token quoted(struct leat_expr_scanner *scanner, char quote, enum leat_expr_token_kind kind)
{
    struct leat_bytes s = scanner->source;
    size_t start = scanner->at + 1, end = start, doubled = 0;
    struct leat_expr_token token;

    for (;; end++) {
        if (end >= s.len)
            return error_at(scanner, scanner->at,
                            quote == '\'' ? "this text has no closing quote (')"
                                          : "this name has no closing quote (\")");
        if (s.data[end] != quote)
            continue;
        if (end + 1 >= s.len || s.data[end + 1] != quote)
            break;
        doubled++;
        end++;
    }
    token = token_to(scanner, end + 1, kind);
    token.text = (struct leat_bytes){s.data + start, end - start};
    if (doubled > 0) {
        char *copy = leat_arena_alloc(scanner->arena, token.text.len);
        size_t len = 0;
        for (size_t i = start; i < end; i++) {
            copy[len++] = s.data[i];
            i += s.data[i] == quote;
        }
        token.text = (struct leat_bytes){copy, len};
    }
    if (kind == LEAT_TOKEN_QUOTED && token.text.len == 0)
        return error_at(scanner, token.at, "a name can not be empty; text stands in single quotes");
    return token;
}

static struct leat_expr_token name(struct leat_expr_scanner *scanner)
{
    size_t end = scanner->at;
    while (name_character(scanner->source, end, end == scanner->at))
        end += name_character(scanner->source, end, end == scanner->at);
    return token_to(scanner, end, LEAT_TOKEN_NAME);
}

static struct leat_expr_token symbol(struct leat_expr_scanner *scanner)
{
    static const struct {
        const char *text;
        enum leat_expr_token_kind kind;
    } symbols[] = {
        /* Longer ones first. */
        {"||", LEAT_TOKEN_CONCAT},     {"<>", LEAT_TOKEN_NE},   {"!=", LEAT_TOKEN_NE},   {"<=", LEAT_TOKEN_LE},
        {">=", LEAT_TOKEN_GE},         {"(", LEAT_TOKEN_OPEN},  {")", LEAT_TOKEN_CLOSE}, {"[", LEAT_TOKEN_OPEN_INDEX},
        {"]", LEAT_TOKEN_CLOSE_INDEX}, {",", LEAT_TOKEN_COMMA}, {".", LEAT_TOKEN_POINT}, {"*", LEAT_TOKEN_STAR},
        {"+", LEAT_TOKEN_PLUS},        {"-", LEAT_TOKEN_MINUS}, {"/", LEAT_TOKEN_SLASH}, {"%", LEAT_TOKEN_PERCENT},
        {"=", LEAT_TOKEN_EQ},          {"<", LEAT_TOKEN_LT},    {">", LEAT_TOKEN_GT},
    };
    struct leat_bytes s = scanner->source;
    size_t left = s.len - scanner->at;

    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t len = strlen(symbols[i].text);
        if (len <= left && memcmp(s.data + scanner->at, symbols[i].text, len) == 0)
            return token_to(scanner, scanner->at + len, symbols[i].kind);
    }
    return (struct leat_expr_token){.kind = LEAT_TOKEN_ERROR};
}

/* What other languages write, and what is written here. */
static struct leat_expr_token unknown(struct leat_expr_scanner *scanner)
{
    static const struct {
        const char *text, *sentence;
    } hints[] = {
        {"==", "'==' is not known: one = compares"},
        {"&&", "'&&' is not known: write and"},
        {"::", "'::' is not known: write cast(x as type)"},
        {"!", "'!' is not known: write not"},
        {";", "';' is not known: an expression stands alone"},
        {"\u2018", "a typographic quote: text stands in straight quotes, '…'"},
        {"\u2019", "a typographic quote: text stands in straight quotes, '…'"},
        {"\u201C", "a typographic quote: text stands in straight quotes, '…'"},
        {"\u201D", "a typographic quote: text stands in straight quotes, '…'"},
        {"\u2212", "a typographic minus: write -"},
        {"\u2013", "a typographic dash: write -"},
        {"\u2264", "write <="},
        {"\u2265", "write >="},
        {"\u2260", "write <>"},
        {"\u00A0", "a space that does not break: write a plain one"},
        {"^", "'^' is not known: write power(x, y)"},
        {"|", "'|' is not known: || joins text, and or joins conditions"},
    };
    struct leat_bytes s = scanner->source;
    size_t left = s.len - scanner->at;
    unsigned char met = (unsigned char)s.data[scanner->at];

    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        size_t len = strlen(hints[i].text);
        if (len <= left && memcmp(s.data + scanner->at, hints[i].text, len) == 0)
            return error_at(scanner, scanner->at, hints[i].sentence);
    }
    if (met < 0x20 || met == 0x7F)
        return error_at(scanner, scanner->at,
                        leat_arena_format(scanner->arena, "a control character (0x%02x) is not allowed here", met));
    if (met >= 0x80)
        return error_at(scanner, scanner->at,
                        "this character is not known here; a name that holds it stands in double quotes");
    return error_at(scanner, scanner->at, leat_arena_format(scanner->arena, "'%c' is not known here", met));
}

struct leat_expr_token leat_expr_scan(struct leat_expr_scanner *scanner)
{
    struct leat_bytes s = scanner->source;
    struct leat_expr_token token;
    char c;

    skip(scanner);
    if (scanner->at >= s.len)
        return token_to(scanner, s.len, LEAT_TOKEN_END);
    c = s.data[scanner->at];
    if (is_digit(c))
        return number(scanner);
    if (c == '\'')
        return quoted(scanner, '\'', LEAT_TOKEN_STRING);
    if (c == '"')
        return quoted(scanner, '"', LEAT_TOKEN_QUOTED);
    if (name_character(s, scanner->at, true))
        return name(scanner);
    if (c == '=' && scanner->at + 1 < s.len && s.data[scanner->at + 1] == '=')
        return unknown(scanner);
    token = symbol(scanner);
    return token.kind == LEAT_TOKEN_ERROR ? unknown(scanner) : token;
}
