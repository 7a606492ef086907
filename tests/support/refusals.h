/* Model files that are refused: a good one in which `find` is replaced by `put`; the error must hold `says`. */
#ifndef LEAT_TESTS_REFUSALS_H
#define LEAT_TESTS_REFUSALS_H

#include "base/arena.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mutation {
    const char *find;
    const char *put;
    const char *says;
};

static inline char *mutate(const char *file, const char *find, const char *put)
{
    const char *at = strstr(file, find);
    if (at == NULL)
        fail_msg("the file has no '%s'", find);
    size_t size = strlen(file) + strlen(put) + 1;
    char *mutated = leat_malloc(size);
    snprintf(mutated, size, "%.*s%s%s", (int)(at - file), file, put, at + strlen(find));
    return mutated;
}

static inline void assert_refused_with(struct leat_bytes file, const struct leat_model_options *options,
                                       const char *says)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("the-file", file, options, &model, &err) == 0)
        fail_msg("loaded, but should say '%s'", says);
    assert_null(model);
    assert_int_equal(err.kind, LEAT_ERROR_FINDING);
    if (strstr(err.text, says) == NULL || strncmp(err.text, "the-file: ", 10) != 0)
        fail_msg("says '%s', which lacks '%s'", err.text, says);
}

static inline void assert_refused(struct leat_bytes file, const char *says)
{
    assert_refused_with(file, NULL, says);
}

static inline struct leat_model *load_with(const char *file, const struct leat_model_options *options)
{
    struct leat_error err = {0};
    struct leat_model *model = NULL;
    if (leat_model_load("the-file", leat_bytes_of(file), options, &model, &err) != 0)
        fail_msg("%s", err.text);
    return model;
}

static inline void assert_loads(const char *file)
{
    leat_model_unref(load_with(file, NULL));
}

static inline void check_mutations(const char *file, const struct mutation *mutations, size_t count)
{
    assert_loads(file);
    for (size_t i = 0; i < count; i++) {
        char *mutated = mutate(file, mutations[i].find, mutations[i].put);
        assert_refused(leat_bytes_of(mutated), mutations[i].says);
        free(mutated);
    }
}

#define CHECK(file, ...)                                                          \
    do {                                                                          \
        static const struct mutation mutations[] = {__VA_ARGS__};                 \
        check_mutations(file, mutations, sizeof mutations / sizeof mutations[0]); \
    } while (0)

#endif
