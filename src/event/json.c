/* The JSON decoder: one walk over the tokens of a record, in its order. Fields that a function reads go straight into
 * their slots; the others are checked and passed over, so that a record is well-formed or not for every function alike.
 *
 * The paths of the projection make a tree of plans, one for each object or list on the way. Which member a name is, is
 * first guessed: producers write their fields in one order, so that the name met at a position is mostly the one that
 * was met there last. A guess costs one comparison; what it misses is looked up in a hash table.
 *
 * Nothing is copied but strings with escapes: the other strings are views into the record. */
#include "event/decoder.h"
#include "event/json_tokens.h"

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define GUESSES_MAX 64 /* positions of an object that are guessed */
#define GUESS_MAX 52   /* bytes of a name with its quotes that is guessed */
#define DEPTH_MAX 256

/* The walk over one field, from name to comma, is to be one function: it is called for every field of every record. */
#define HOT static inline __attribute__((always_inline))
#define COLD static __attribute__((cold, noinline))

enum plan_kind {
    PLAN_STRING,
    PLAN_COUNT, /* an integer, or a time as a number of units */
    PLAN_DOUBLE,
    PLAN_BOOL,
    PLAN_TIME, /* as text */
    PLAN_OBJECT,
    PLAN_LIST,
};

/* What is to be read of one value. */
struct plan {
    enum plan_kind kind;
    uint64_t unit;             /* PLAN_COUNT: what it is multiplied by */
    uint64_t max[2];           /* PLAN_COUNT: the largest that fits, and the largest below zero */
    size_t slot;               /* of what is no object and no list */
    struct leat_bytes name;    /* as a member of its parent */
    uint32_t index;            /* as an element of its parent */
    uint64_t record;           /* the last record in which it was met: twice in one is refused */
    struct plan *first, *next; /* children, siblings; of a list in the order of their indexes */
    struct leat_map *names;    /* PLAN_OBJECT: child by name */
    struct guess *guesses;     /* PLAN_OBJECT */
    struct leat_bytes path;    /* of a slot at or below it, for messages */
};

struct guess {
    struct plan *child;   /* NULL: a name that is not read */
    uint32_t span;        /* from its opening quote to the colon; 0: none yet */
    char text[GUESS_MAX]; /* as it is written, quotes, escapes and all */
};

struct json_decoder {
    struct leat_decoder base;
    struct leat_json_tokenizer *tokenizer;
    struct leat_arena memory;
    struct plan root;
    uint64_t records;
};

/* One record being read. A token is given by its place in `tokens`; the functions that read one return the token behind
 * what they read, or NULL with the reason set: what moves stays in registers. */
struct reader {
    const char *data;
    const uint32_t *end; /* of the tokens; *end is the length of the record */
    bool escapes;        /* there is a backslash in it */
    struct json_decoder *decoder;
    struct leat_arena *arena;
    struct leat_value *values;
    struct leat_reason *reason;
};

/* ---- the plan ---- */

static struct plan *plan_child(struct json_decoder *decoder, struct plan *parent, const struct leat_path_step *step)
{
    bool is_name = step->name.data != NULL;
    struct plan **link = &parent->first;
    for (; *link != NULL; link = &(*link)->next) {
        if (is_name && leat_bytes_equal((*link)->name, step->name))
            return *link;
        if (!is_name && (*link)->index == step->index)
            return *link;
        if (!is_name && (*link)->index > step->index)
            break;
    }
    struct plan *child = leat_arena_zalloc(&decoder->memory, 1, sizeof *child);
    child->name = step->name;
    child->index = step->index;
    child->next = *link;
    *link = child;
    parent->kind = is_name ? PLAN_OBJECT : PLAN_LIST;
    if (is_name && parent->names == NULL) {
        parent->names = leat_map_new();
        parent->guesses = leat_arena_zalloc(&decoder->memory, GUESSES_MAX, sizeof *parent->guesses);
    }
    if (is_name)
        *leat_map_put(parent->names, step->name, NULL) = (uint64_t)(uintptr_t)child;
    return child;
}

static void plan_free(struct plan *plan)
{
    for (struct plan *child = plan->first; child != NULL; child = child->next)
        plan_free(child);
    leat_map_free(plan->names);
}

static void plan_leaf(struct plan *plan, const struct leat_slot *slot)
{
    bool is_time = slot->type == LEAT_TYPE_TIME;
    switch (slot->type) {
    case LEAT_TYPE_NULL:
    case LEAT_TYPE_STRING:
        plan->kind = PLAN_STRING;
        return;
    case LEAT_TYPE_BOOL:
        plan->kind = PLAN_BOOL;
        return;
    case LEAT_TYPE_DOUBLE:
        plan->kind = PLAN_DOUBLE;
        return;
    case LEAT_TYPE_INT:
    case LEAT_TYPE_TIME:
        break;
    }
    plan->kind = is_time && slot->encoding == LEAT_ENCODING_TIME_TEXT ? PLAN_TIME : PLAN_COUNT;
    plan->unit = !is_time                                  ? 1
                 : slot->encoding == LEAT_ENCODING_TIME_US ? 1
                 : slot->encoding == LEAT_ENCODING_TIME_S  ? LEAT_SECOND
                                                           : LEAT_MILLISECOND;
    plan->max[0] = (is_time ? LEAT_TIME_MAX : INT64_MAX) / plan->unit;
    plan->max[1] = (is_time ? -LEAT_TIME_MIN : INT64_MAX) / plan->unit;
}

static struct leat_decoder *create(const struct leat_schema *schema, const struct leat_projection *projection)
{
    (void)schema;
    struct json_decoder *decoder = leat_calloc(1, sizeof *decoder);
    decoder->tokenizer = leat_json_tokenizer_new();
    decoder->root.kind = PLAN_OBJECT;
    decoder->root.names = leat_map_new();
    decoder->root.guesses = leat_arena_zalloc(&decoder->memory, GUESSES_MAX, sizeof *decoder->root.guesses);
    for (size_t i = 0; i < projection->count; i++) {
        const struct leat_slot *slot = &projection->slots[i];
        struct plan *plan = &decoder->root;
        for (size_t step = 0; step < slot->step_count; step++) {
            plan = plan_child(decoder, plan, &slot->steps[step]);
            plan->path = slot->path;
        }
        plan->slot = i;
        plan_leaf(plan, slot);
    }
    return &decoder->base;
}

static void destroy(struct leat_decoder *base)
{
    struct json_decoder *decoder = (struct json_decoder *)base;
    leat_json_tokenizer_free(decoder->tokenizer);
    plan_free(&decoder->root);
    leat_arena_done(&decoder->memory);
    free(decoder);
}

static int header(struct leat_decoder *decoder, struct leat_bytes line, struct leat_error *err)
{
    (void)decoder;
    (void)line;
    (void)err;
    return 0;
}

/* ---- tokens ---- */

COLD const uint32_t *malformed(struct reader *r, const uint32_t *token, const char *problem)
{
    leat_reason_set(r->reason, LEAT_STAGE_DECODE, "not JSON: %s at byte %u", problem, (unsigned)*token);
    return NULL;
}

/* The first byte of a token; NUL at the end, which no token of a well-formed record begins with. */
static inline char peek(const struct reader *r, const uint32_t *token)
{
    return token < r->end ? r->data[*token] : '\0';
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* From a token to the one behind it, without the white space between them. */
static inline struct leat_bytes token_text(const struct reader *r, const uint32_t *token)
{
    const char *start = r->data + token[0];
    const char *end = r->data + token[1];
    while (is_space(end[-1])) /* a token begins with something else */
        end--;
    return (struct leat_bytes){.data = start, .len = (size_t)(end - start)};
}

/* What is between the quotes of a string, escapes and all; false if it has none at its end. */
HOT bool string_text(const struct reader *r, const uint32_t *token, struct leat_bytes *ret)
{
    struct leat_bytes text = token_text(r, token);
    if (text.len < 2 || text.data[text.len - 1] != '"')
        return false;
    *ret = (struct leat_bytes){.data = text.data + 1, .len = text.len - 2};
    return true;
}

static bool is_word(struct leat_bytes text, const char *word)
{
    return leat_bytes_is(text, word);
}

/* ---- escapes ---- */

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* \uXXXX at text[at]; -1 when it is not one. */
static int32_t code_unit(struct leat_bytes text, size_t at)
{
    if (text.len - at < 6 || text.data[at] != '\\' || text.data[at + 1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static size_t put_utf8(char *to, uint32_t point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xC0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xE0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3F));
        to[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3F));
    to[2] = (char)(0x80 | (point >> 6 & 0x3F));
    to[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* The character of the \u escape at text[*at], which is stepped over with its second half; -1: none or half of one. */
static int32_t take_unicode(struct leat_bytes text, size_t *at)
{
    int32_t unit = code_unit(text, *at);
    if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000))
        return -1;
    *at += 6;
    if (unit < 0xD800 || unit >= 0xDC00)
        return unit;
    int32_t low = code_unit(text, *at);
    if (low < 0xDC00 || low >= 0xE000)
        return -1;
    *at += 6;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* The character of the escape at text[*at], which is stepped over; -1: it is not one of JSON's. */
static int32_t take_escape(struct leat_bytes text, size_t *at)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (text.len - *at < 2)
        return -1;
    const char *letter = memchr(letters, text.data[*at + 1], sizeof letters - 1);
    if (letter == NULL)
        return take_unicode(text, at);
    *at += 2;
    return meanings[letter - letters];
}

static bool escapes_valid(struct leat_bytes text)
{
    for (size_t at = 0; at < text.len;) {
        const char *found = memchr(text.data + at, '\\', text.len - at);
        if (found == NULL)
            return true;
        at = (size_t)(found - text.data);
        if (take_escape(text, &at) < 0)
            return false;
    }
    return true;
}

/* Writes at most text.len bytes: no escape is shorter than what it stands for. */
static int unescape(struct leat_bytes text, char *to, size_t *ret_len)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        if (text.data[at] != '\\') {
            to[len++] = text.data[at++];
            continue;
        }
        int32_t point = take_escape(text, &at);
        if (point < 0)
            return -1;
        len += put_utf8(to + len, (uint32_t)point);
    }
    *ret_len = len;
    return 0;
}

#define BAD_END "a string that does not end where it should"
#define BAD_ESCAPE "an escape that JSON does not have in the string"

static const uint32_t *take_escaped(struct reader *r, const uint32_t *token, struct leat_bytes *ret)
{
    if (memchr(ret->data, '\\', ret->len) == NULL)
        return token + 1;
    char *copy = leat_arena_alloc(r->arena, ret->len);
    size_t len;
    if (unescape(*ret, copy, &len) < 0)
        return malformed(r, token, BAD_ESCAPE);
    *ret = (struct leat_bytes){.data = copy, .len = len};
    return token + 1;
}

/* The string at a token into *ret, which is a view of the record unless it has escapes. */
HOT const uint32_t *take_string(struct reader *r, const uint32_t *token, struct leat_bytes *ret)
{
    if (!string_text(r, token, ret))
        return malformed(r, token, BAD_END);
    return r->escapes ? take_escaped(r, token, ret) : token + 1;
}

/* ---- numbers ---- */

struct number {
    uint64_t mantissa; /* all digits, when there are at most 19 of them */
    uint32_t digits;   /* how many these are; more than 19 for a number with an exponent too */
    uint32_t fraction; /* how many of them are behind the point */
    bool negative;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The value of eight bytes if all are digits. Neighbours are added up to pairs, these to quadruples, these to eight. */
static inline bool eight_digits(const char *at, uint64_t *ret)
{
    uint64_t word;
    memcpy(&word, at, 8);
    uint64_t values = word - UINT64_C(0x3030303030303030);
    /* Of a byte that is no digit, the value or the value + 118 has its top bit set. */
    if (((values | (values + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080)) != 0)
        return false;
    values = values * 10 + (values >> 8);
    uint64_t first = (values & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064);
    uint64_t second = (values >> 16 & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001);
    *ret = (first + second) >> 32;
    return true;
}
#endif

/* Adds digits to the mantissa. At `end`, the next token, or before it is a byte that is no digit. */
static inline const char *add_digits(const char *at, const char *end, uint64_t *mantissa)
{
    uint64_t sum = *mantissa;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t eight;
    for (; end - at >= 8 && eight_digits(at, &eight); at += 8)
        sum = sum * 100000000 + eight;
#else
    (void)end;
#endif
    for (;; at++) {
        unsigned digit = (unsigned char)*at - (unsigned)'0';
        if (digit > 9)
            break;
        sum = sum * 10 + digit;
    }
    *mantissa = sum;
    return at;
}

static const char *skip_exponent(const char *at)
{
    at++;
    if (*at == '+' || *at == '-')
        at++;
    if (!is_digit(*at))
        return NULL;
    while (is_digit(*at))
        at++;
    return at;
}

/* Finds out whether the token is a number of JSON's grammar. The last token of a record is none, since an object
 * closes behind it; so there is a next token, where the scan ends at the latest. */
HOT bool scan_number(const struct reader *r, const uint32_t *token, struct number *ret)
{
    if (token + 1 >= r->end)
        return false;
    const char *at = r->data + token[0];
    const char *end = r->data + token[1];
    ret->mantissa = 0;
    ret->fraction = 0;
    ret->negative = *at == '-';
    at += ret->negative ? 1 : 0;
    const char *start = at;
    at = add_digits(at, end, &ret->mantissa);
    ret->digits = (uint32_t)(at - start);
    if (ret->digits == 0 || (ret->digits > 1 && *start == '0'))
        return false;
    if (*at == '.') {
        start = ++at;
        at = add_digits(at, end, &ret->mantissa);
        ret->fraction = (uint32_t)(at - start);
        ret->digits += ret->fraction;
        if (ret->fraction == 0)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at = skip_exponent(at);
        ret->digits = UINT32_MAX;
        if (at == NULL)
            return false;
    }
    return at == end || is_space(*at);
}

/* mantissa / 10^fraction, correctly rounded: a quotient of 63 bits or more, whose last bit also stands for all that is
 * behind it, is rounded once when it becomes a double. Not zero, and far from the ends of the range of a double. */
static double rounded_quotient(uint64_t mantissa, uint32_t fraction)
{
    static const uint64_t powers[] = {
        UINT64_C(1),
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    int up = __builtin_clzll(mantissa);
    int down = __builtin_clzll(powers[fraction]);
    uint64_t divisor = powers[fraction] << down;
    unsigned __int128 dividend = (unsigned __int128)(mantissa << up) << 63;
    uint64_t quotient = (uint64_t)(dividend / divisor);
    quotient |= (unsigned __int128)quotient * divisor != dividend ? 1 : 0;
    uint64_t scale = (uint64_t)(1023 - 63 - up + down) << 52; /* the pattern of a power of two */
    double power;
    memcpy(&power, &scale, sizeof power);
    return (double)quotient * power;
}

/* Numbers of at most 19 digits without an exponent. Where both operands are exact, one division rounds once. */
HOT bool simple_double(const struct number *number, double *ret)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    if (number->digits > 19)
        return false;
    bool exact = number->mantissa <= UINT64_C(1) << 53;
    double magnitude = exact ? (double)number->mantissa / powers[number->fraction]
                             : rounded_quotient(number->mantissa, number->fraction);
    *ret = number->negative ? -magnitude : magnitude;
    return true;
}

HOT bool simple_count(const struct number *number, const struct plan *plan, int64_t *ret)
{
    if (number->digits > 19 || number->fraction > 0 || number->mantissa > plan->max[number->negative])
        return false;
    int64_t magnitude = (int64_t)(number->mantissa * plan->unit);
    *ret = number->negative ? -magnitude : magnitude;
    return true;
}

/* ---- passing over ---- */

static inline const uint32_t *skip_string(struct reader *r, const uint32_t *token)
{
    struct leat_bytes text;
    if (!string_text(r, token, &text))
        return malformed(r, token, BAD_END);
    if (r->escapes && !escapes_valid(text))
        return malformed(r, token, BAD_ESCAPE);
    return token + 1;
}

#define NO_VALUE "something that is not a value"

static const uint32_t *skip_scalar(struct reader *r, const uint32_t *token)
{
    char c = peek(r, token);
    if (c == '"')
        return skip_string(r, token);
    if (token == r->end)
        return malformed(r, token, "the end where a value should be");
    struct number number;
    if (c == '-' || is_digit(c))
        return scan_number(r, token, &number) ? token + 1 : malformed(r, token, NO_VALUE);
    struct leat_bytes text = token_text(r, token);
    bool ok = is_word(text, "true") || is_word(text, "false") || is_word(text, "null");
    return ok ? token + 1 : malformed(r, token, NO_VALUE);
}

/* A name and its colon. */
static const uint32_t *skip_name(struct reader *r, const uint32_t *token)
{
    if (token == r->end)
        return malformed(r, token, "the end within an object");
    if (peek(r, token) != '"')
        return malformed(r, token, "something that is not a name in quotes");
    token = skip_string(r, token);
    if (token != NULL && peek(r, token) != ':')
        return malformed(r, token, "no colon behind a name");
    return token == NULL ? NULL : token + 1;
}

/* Behind a value: closes what is closed, or steps over a comma to the next value. */
static const uint32_t *skip_behind(struct reader *r, const uint32_t *token, const char *closers, size_t *depth)
{
    while (*depth > 0) {
        char closer = closers[*depth - 1];
        char c = peek(r, token);
        if (c == closer) {
            token++;
            (*depth)--;
            continue;
        }
        if (token == r->end)
            return malformed(r, token, "the end within an object or a list");
        if (c != ',')
            return malformed(r, token, "neither a comma nor the matching bracket");
        return closer == '}' ? skip_name(r, token + 1) : token + 1;
    }
    return token;
}

static const uint32_t *skip_container(struct reader *r, const uint32_t *token)
{
    char closers[DEPTH_MAX];
    size_t depth = 0;
    do {
        char c = peek(r, token);
        if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX)
                return malformed(r, token, "more than 256 levels");
            closers[depth++] = c == '{' ? '}' : ']';
            token++;
            bool empty = peek(r, token) == closers[depth - 1];
            if (!empty && c == '{')
                token = skip_name(r, token);
            if (token == NULL)
                return NULL;
            if (!empty)
                continue;
        } else {
            token = skip_scalar(r, token);
        }
        if (token != NULL)
            token = skip_behind(r, token, closers, &depth);
    } while (token != NULL && depth > 0);
    return token;
}

static inline const uint32_t *skip_value(struct reader *r, const uint32_t *token)
{
    char c = peek(r, token);
    if (c == '"')
        return skip_string(r, token);
    return c == '{' || c == '[' ? skip_container(r, token) : skip_scalar(r, token);
}

/* ---- reading ---- */

static const uint32_t *read_object(struct reader *r, const uint32_t *token, struct plan *plan);
static const uint32_t *read_list(struct reader *r, const uint32_t *token, struct plan *plan);

static struct leat_bytes shown_path(const struct plan *plan)
{
    struct leat_bytes path = plan->path;
    if (path.len > 60)
        path.len = leat_utf8_prefix((struct leat_bytes){path.data, 60});
    return path;
}

static inline const struct leat_slot *slot_of(const struct reader *r, const struct plan *plan)
{
    return &r->decoder->base.projection->slots[plan->slot];
}

/* A value that is not what the plan wants, nor null: malformed, or of another type. */
COLD const uint32_t *refuse_value(struct reader *r, const uint32_t *token, const struct plan *plan)
{
    if (skip_value(r, token) == NULL)
        return NULL;
    char c = peek(r, token);
    struct leat_bytes met = token_text(r, token);
    if (c == '{' || c == '[')
        met = leat_bytes_of(c == '{' ? "an object" : "a list");
    if (plan->kind == PLAN_OBJECT || plan->kind == PLAN_LIST)
        leat_reason_set(r->reason, LEAT_STAGE_SCHEMA, "field '%.*s' should lie in %s; met %.*s",
                        LEAT_BYTES_FORMAT(shown_path(plan)), plan->kind == PLAN_OBJECT ? "an object" : "a list",
                        met.len < 48 ? (int)met.len : (int)leat_utf8_prefix((struct leat_bytes){met.data, 48}),
                        met.data);
    else
        leat_slot_refuse(slot_of(r, plan), met, "", r->reason);
    return NULL;
}

/* Null, which the values are from the start. */
static const uint32_t *read_null(struct reader *r, const uint32_t *token, const struct plan *plan)
{
    if (peek(r, token) == 'n' && is_word(token_text(r, token), "null"))
        return token + 1;
    return refuse_value(r, token, plan);
}

HOT const uint32_t *read_string(struct reader *r, const uint32_t *token, const struct plan *plan)
{
    struct leat_bytes text;
    token = take_string(r, token, &text);
    if (token != NULL)
        r->values[plan->slot] = leat_value_string(text);
    return token;
}

HOT const uint32_t *read_number(struct reader *r, const uint32_t *token, const struct plan *plan)
{
    struct number number;
    if (!scan_number(r, token, &number))
        return malformed(r, token, NO_VALUE);
    struct leat_value *value = &r->values[plan->slot];
    value->null = 0;
    bool simple = plan->kind == PLAN_DOUBLE ? simple_double(&number, &value->as.d)
                                            : simple_count(&number, plan, &value->as.i);
    if (!simple && leat_slot_number(slot_of(r, plan), token_text(r, token), value, r->reason) < 0)
        return NULL;
    return token + 1;
}

static const uint32_t *read_bool(struct reader *r, const uint32_t *token, const struct plan *plan)
{
    bool is_true = peek(r, token) == 't';
    if (!is_word(token_text(r, token), is_true ? "true" : "false"))
        return malformed(r, token, NO_VALUE);
    r->values[plan->slot] = leat_value_int(is_true);
    return token + 1;
}

static const uint32_t *read_time(struct reader *r, const uint32_t *token, const struct plan *plan)
{
    struct leat_bytes text;
    const uint32_t *behind = take_string(r, token, &text);
    struct leat_value *value = &r->values[plan->slot];
    if (behind == NULL || leat_slot_time_text(slot_of(r, plan), text, token_text(r, token), value, r->reason) < 0)
        return NULL;
    return behind;
}

/* What the plan wants, by the first byte of the value; anything else is null or refused. */
HOT const uint32_t *read_value(struct reader *r, const uint32_t *token, struct plan *plan)
{
    char c = peek(r, token);
    switch (plan->kind) {
    case PLAN_STRING:
        return c == '"' ? read_string(r, token, plan) : read_null(r, token, plan);
    case PLAN_COUNT:
    case PLAN_DOUBLE:
        return c == '-' || is_digit(c) ? read_number(r, token, plan) : read_null(r, token, plan);
    case PLAN_BOOL:
        return c == 't' || c == 'f' ? read_bool(r, token, plan) : read_null(r, token, plan);
    case PLAN_TIME:
        return c == '"' ? read_time(r, token, plan) : read_null(r, token, plan);
    case PLAN_OBJECT:
        return c == '{' ? read_object(r, token, plan) : read_null(r, token, plan);
    case PLAN_LIST:
        return c == '[' ? read_list(r, token, plan) : read_null(r, token, plan);
    }
    return NULL;
}

/* Whether the bytes from the opening quote to the colon are the guessed ones. Reads two words that overlap rather than
 * call memcmp: names are short. */
HOT bool is_guess(const struct guess *guess, const char *text, uint32_t span)
{
    if (span != guess->span)
        return false;
    if (span > 16 || span < 4)
        return span >= 2 && memcmp(guess->text, text, span) == 0;
    if (span >= 8) {
        uint64_t a, b, a_end, b_end;
        memcpy(&a, guess->text, 8);
        memcpy(&b, text, 8);
        memcpy(&a_end, guess->text + span - 8, 8);
        memcpy(&b_end, text + span - 8, 8);
        return ((a ^ b) | (a_end ^ b_end)) == 0;
    }
    uint32_t a, b, a_end, b_end;
    memcpy(&a, guess->text, 4);
    memcpy(&b, text, 4);
    memcpy(&a_end, guess->text + span - 4, 4);
    memcpy(&b_end, text + span - 4, 4);
    return ((a ^ b) | (a_end ^ b_end)) == 0;
}

/* Reads a name that was not guessed, and remembers it for its position. false: the reason is set. */
static bool look_up(struct reader *r, const uint32_t *token, struct plan *plan, struct guess *guess, struct plan **ret)
{
    struct leat_bytes name;
    if (r->data[*token] != '"') {
        malformed(r, token, "something that is not a name in quotes");
        return false;
    }
    if (take_string(r, token, &name) == NULL)
        return false;
    const uint64_t *found = leat_map_find(plan->names, name);
    *ret = found == NULL ? NULL : (struct plan *)(uintptr_t)*found;
    uint32_t span = token[1] - token[0];
    if (guess != NULL && span <= GUESS_MAX) {
        *guess = (struct guess){.child = *ret, .span = span};
        memcpy(guess->text, r->data + token[0], span);
    }
    return true;
}

COLD const uint32_t *occurs_twice(struct reader *r, const struct plan *plan)
{
    bool inner = plan->kind == PLAN_OBJECT || plan->kind == PLAN_LIST;
    leat_reason_set(r->reason, LEAT_STAGE_SCHEMA, "%sfield '%.*s' occurs twice", inner ? "what holds " : "",
                    LEAT_BYTES_FORMAT(shown_path(plan)));
    return NULL;
}

/* An object that has less than a name, a colon, a value and a brace left. */
COLD const uint32_t *cut_short(struct reader *r, const uint32_t *token)
{
    token = skip_name(r, token);
    if (token != NULL)
        token = skip_value(r, token);
    return token == NULL ? NULL : malformed(r, r->end, "the end within an object");
}

static const uint32_t *read_object(struct reader *r, const uint32_t *token, struct plan *plan)
{
    uint64_t record = r->decoder->records;
    token++;
    if (peek(r, token) == '}')
        return token + 1;
    for (size_t position = 0;; position++) {
        struct plan *child = NULL;
        if (r->end - token < 4)
            return cut_short(r, token);
        struct guess *guess = position < GUESSES_MAX ? &plan->guesses[position] : NULL;
        if (guess != NULL && is_guess(guess, r->data + token[0], token[1] - token[0]))
            child = guess->child;
        else if (!look_up(r, token, plan, guess, &child))
            return NULL;
        if (r->data[token[1]] != ':')
            return malformed(r, token + 1, "no colon behind a name");
        token += 2;
        if (child != NULL && child->record == record)
            return occurs_twice(r, child);
        if (child != NULL)
            child->record = record;
        token = child != NULL ? read_value(r, token, child) : skip_value(r, token);
        if (token == NULL)
            return NULL;
        char c = peek(r, token);
        if (c == '}')
            return token + 1;
        if (c != ',')
            return malformed(r, token, token == r->end ? "the end within an object" : "neither a comma nor a brace");
        token++;
    }
}

static const uint32_t *read_list(struct reader *r, const uint32_t *token, struct plan *plan)
{
    token++;
    if (peek(r, token) == ']')
        return token + 1;
    struct plan *child = plan->first;
    for (uint32_t index = 0;; index++) {
        bool wanted = child != NULL && child->index == index;
        token = wanted ? read_value(r, token, child) : skip_value(r, token);
        if (token == NULL)
            return NULL;
        if (wanted)
            child = child->next;
        char c = peek(r, token);
        if (c == ']')
            return token + 1;
        if (c != ',')
            return malformed(r, token, token == r->end ? "the end within a list" : "neither a comma nor a bracket");
        token++;
    }
}

static int decode(struct leat_decoder *base, struct leat_bytes record, struct leat_arena *arena,
                  struct leat_value *values, struct leat_reason *reason)
{
    struct json_decoder *decoder = (struct json_decoder *)base;
    const uint32_t *tokens;
    size_t count;
    const char *problem;
    if (leat_json_tokenize(decoder->tokenizer, record, &tokens, &count, &problem) < 0)
        return leat_reason_set(reason, LEAT_STAGE_DECODE, "not JSON: %s (%zu bytes)", problem, record.len);

    decoder->records++;
    for (size_t i = 0; i < base->projection->count; i++)
        values[i] = leat_value_null();
    struct reader r = {
        .data = record.data,
        .end = tokens + count,
        .escapes = memchr(record.data, '\\', record.len) != NULL,
        .decoder = decoder,
        .arena = arena,
        .values = values,
        .reason = reason,
    };
    if (peek(&r, tokens) != '{')
        return leat_reason_set(reason, LEAT_STAGE_DECODE, "not a JSON object: it does not begin with a brace");
    const uint32_t *behind = read_object(&r, tokens, &decoder->root);
    if (behind == NULL)
        return -1;
    if (behind < r.end) {
        malformed(&r, behind, "something behind the end");
        return -1;
    }
    return 0;
}

const struct leat_decoder_kind leat_decoder_json = {create, destroy, header, decode};
