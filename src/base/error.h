/* Errors of the operator's or the environment's making: a kind and one sentence with place and numbers.
 *
 * Functions that can fail return 0, or -1 with the error filled in; outputs are written only on success.
 * A broken invariant is an assertion (leat_assert, always on). Bad data is neither: see event/reason.h. */
#ifndef LEAT_BASE_ERROR_H
#define LEAT_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

enum leat_error_kind {
    LEAT_ERROR_NONE = 0,
    LEAT_ERROR_FINDING = 1,     /* what was checked is not right: exit code 1 */
    LEAT_ERROR_USAGE = 2,       /* the command line is wrong: exit code 2 */
    LEAT_ERROR_ENVIRONMENT = 3, /* disk, network, broker, memory: exit code 3 */
};

struct leat_error {
    enum leat_error_kind kind;
    /* UTF-8, no trailing newline; may hold several lines (a caret under the place), but no other control characters:
     * what is quoted from a file can not speak to a terminal. */
    char text[2000];
};

/* Fills *err (NULL is allowed and ignored) and returns -1, so that a caller may `return leat_error_set(…)`. */
int leat_error_set(struct leat_error *err, enum leat_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "<prefix>: " before the text that is already there; returns -1. */
int leat_error_prefix(struct leat_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For texts that quote what others wrote (a file, a row): line ends in it become spaces; returns -1. */
int leat_error_one_line(struct leat_error *err);

/* Lets a compiler see that the functions above, and others of their kind, give −1, so that it can tell which values a
 * caller may use after them. */
static inline int leat_failed(void)
{
    return -1;
}
#define leat_error_set(...) ((void)(leat_error_set)(__VA_ARGS__), leat_failed())
#define leat_error_prefix(...) ((void)(leat_error_prefix)(__VA_ARGS__), leat_failed())

/* Ends the process with file, line and condition. For broken invariants only; stays on in release builds. */
#define leat_assert(condition) ((condition) ? (void)0 : leat_assert_failed(#condition, __FILE__, __LINE__))
void leat_assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

#endif
