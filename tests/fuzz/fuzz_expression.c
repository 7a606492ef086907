/* Any bytes as an expression: the compiler refuses or compiles without harm; what compiles gives the same by the program
 * and by its twin, and its canonical text reads back to itself. The first byte seeds the values of the columns. */
#include "expr/expr.h"

#include "support/expr_random.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct leat_expr *expr, const struct leat_expr *again, const struct leat_value *frame)
{
    struct leat_expr_scratch scratch = {.text = &(struct leat_arena){0}};
    struct leat_value program = leat_value_null(), tree = leat_value_null(), second = leat_value_null();
    struct leat_reason reason = {0}, tree_reason = {0}, second_reason = {0};
    enum leat_type type = leat_expr_type(expr);
    int status;

    leat_expr_scratch_reserve(&scratch, leat_expr_registers(expr));
    leat_expr_scratch_reserve(&scratch, leat_expr_registers(again));
    status = leat_expr_eval(expr, frame, &scratch, &program, &reason);
    leat_assert(leat_expr_eval_tree(expr, frame, scratch.text, &tree, &tree_reason) == status);
    leat_assert(leat_expr_eval(again, frame, &scratch, &second, &second_reason) == status);
    if (status) {
        leat_assert(reason.stage == LEAT_STAGE_FEATURE && strcmp(reason.text, tree_reason.text) == 0);
        leat_assert(strcmp(reason.text, second_reason.text) == 0);
    } else {
        leat_assert(identical(type, program, tree));
        leat_assert(identical(type, program, second));
    }
    leat_arena_done(scratch.text);
    leat_expr_scratch_done(&scratch);
}

/* Aggregates and lookups are numbered slots: filled by their type, and of the second text with the same values. */
static void fill(struct generator *g, const struct world *world, size_t first, size_t count, struct leat_value *frame)
{
    random_frame(g, frame);
    for (size_t i = 0; i < count; i++) {
        frame[first + i] = random_value(g, world->types[first + i]);
        if (first + count + i < WORLD_SLOTS)
            frame[first + count + i] = frame[first + i];
    }
}

static void play(struct world *world, struct generator *g, const char *text)
{
    struct leat_value frame[WORLD_SLOTS];
    const struct leat_expr *expr, *again;
    struct leat_error err = {0};
    size_t first = world->slots, count;

    if (world_compile(world, text, LEAT_TYPE_NULL, &expr, &err)) {
        leat_assert(err.kind == LEAT_ERROR_FINDING && strstr(err.text, "^"));
        return;
    }
    count = world->slots - first;
    again = expr;
    if (strlen(leat_expr_text(expr)) <= LEAT_EXPR_TEXT_MAX && world->slots + count <= WORLD_SLOTS) {
        if (world_compile(world, leat_expr_text(expr), LEAT_TYPE_NULL, &again, &err)) {
            /* Written out it may be nested one level deeper: -(-x) for - -x. */
            leat_assert(strstr(err.text, "deeper than"));
            again = expr;
        }
        leat_assert(strcmp(leat_expr_text(again), leat_expr_text(expr)) == 0);
    }
    for (int i = 0; i < 4; i++) {
        fill(g, world, first, count, frame);
        compare(expr, again, frame);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct generator g = {.state = UINT64_C(0x9E3779B97F4A7C15)};
    struct world world;
    const struct leat_expr_window *window;
    struct leat_error err;
    char *text;

    if (size < 1 || size > LEAT_EXPR_TEXT_MAX + 2)
        return 0;
    g.state ^= (uint64_t)data[0] << 32;
    text = leat_malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    world_init(&world);
    play(&world, &g, text);
    leat_expr_window_parse((struct leat_expr_place){"w", 1, 1}, (struct leat_bytes){text, size - 1}, &world.arena,
                           &window, &err);
    world_done(&world);
    free(text);
    return 0;
}
