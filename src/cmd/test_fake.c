/* A version without a model, so that a test can say what the model says. */
#include "cmd/test.h"

#include "base/arena.h"
#include "model/version.h"

#include <stdlib.h>

struct fake_version {
    struct leat_version version;
    struct leat_fixed answer;
    struct leat_arena arena;
};

static void release(struct leat_version *version)
{
    struct fake_version *fake = (struct fake_version *)version;
    leat_arena_done(&fake->arena);
    free(fake);
}

static struct leat_fixed copy_answer(const struct leat_fixed *from, struct leat_arena *arena)
{
    struct leat_fixed copy = *from;
    const char **names = leat_arena_zalloc(arena, from->count + 1, sizeof *names);
    double *outputs = leat_arena_zalloc(arena, from->count + 1, sizeof *outputs);
    for (size_t i = 0; i < from->count; i++) {
        names[i] = leat_arena_strdup(arena, from->names[i]);
        outputs[i] = from->outputs[i];
    }
    copy.class_name = leat_arena_strdup(arena, from->class_name);
    copy.names = names;
    copy.outputs = outputs;
    return copy;
}

struct leat_bound *leat_test_fake(const struct leat_fake *fake)
{
    struct fake_version *made = leat_calloc(1, sizeof *made);
    made->answer = copy_answer(&fake->answer, &made->arena);
    made->version = (struct leat_version){
        .name = fake->name,
        .number = fake->number,
        .trained_at = fake->trained_at,
        .added_at = fake->trained_at,
        .threshold = fake->threshold,
        .references = 1,
        .release = release,
    };
    struct leat_bound *bound = leat_bound_fixed(&made->version, &made->answer);
    leat_version_unref(&made->version);
    return bound;
}
