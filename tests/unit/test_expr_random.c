/* Random expressions: the program agrees with its plain twin bit for bit, the canonical text reads back to the same
 * expression, and evaluation allocates nothing. */
#include "expr/expr.h"

#include "support/allocations.h"
#include "support/expr_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define EXPRESSIONS 16000
#define FRAMES 8
#define DEPTH 6

/* ---- the two ways ---- */

struct outcome {
    int status;
    struct leat_value value;
    struct leat_reason reason;
};

static struct outcome by_program(const struct leat_expr *expr, const struct leat_value *frame,
                                 struct leat_expr_scratch *scratch)
{
    struct outcome outcome = {0};
    leat_expr_scratch_reserve(scratch, leat_expr_registers(expr));
    outcome.status = leat_expr_eval(expr, frame, scratch, &outcome.value, &outcome.reason);
    return outcome;
}

static struct outcome by_tree(const struct leat_expr *expr, const struct leat_value *frame, struct leat_arena *text)
{
    struct outcome outcome = {0};
    outcome.status = leat_expr_eval_tree(expr, frame, text, &outcome.value, &outcome.reason);
    return outcome;
}

static bool agree(enum leat_type type, const struct outcome *a, const struct outcome *b)
{
    if (a->status != b->status)
        return false;
    return a->status ? strcmp(a->reason.text, b->reason.text) == 0 : identical(type, a->value, b->value);
}

static void show(const char *who, enum leat_type type, const struct outcome *outcome)
{
    char room[2000];
    print_message("  %s: %s\n", who,
                  outcome->status ? outcome->reason.text : world_show(type, outcome->value, room, sizeof room));
}

struct tally {
    size_t compiled, refused, values, nulls, reasons;
};

static void run_one(struct generator *g, struct leat_expr_scratch *scratch, struct tally *tally)
{
    struct leat_value frame[WORLD_SLOTS];
    const struct leat_expr *expr, *again;
    struct leat_error err = {0};
    struct world world;
    const char *text = random_expression(g, DEPTH);

    world_init(&world);
    if (strlen(text) > LEAT_EXPR_TEXT_MAX || world_compile(&world, text, LEAT_TYPE_NULL, &expr, &err)) {
        if (err.text[0] && !strstr(err.text, "this always fails"))
            fail_msg("%s", err.text);
        tally->refused++;
        world_done(&world);
        return;
    }
    tally->compiled++;
    if (strlen(leat_expr_text(expr)) > LEAT_EXPR_TEXT_MAX) {
        again = expr;
    } else {
        if (world_compile(&world, leat_expr_text(expr), LEAT_TYPE_NULL, &again, &err))
            fail_msg("%s: its canonical text is refused: %s", text, err.text);
        assert_string_equal(leat_expr_text(again), leat_expr_text(expr));
        assert_int_equal(leat_expr_type(again), leat_expr_type(expr));
    }
    for (int i = 0; i < FRAMES; i++) {
        struct outcome program, tree, second;
        enum leat_type type = leat_expr_type(expr);
        random_frame(g, frame);
        leat_arena_reset(scratch->text);
        program = by_program(expr, frame, scratch);
        tree = by_tree(expr, frame, scratch->text);
        second = by_program(again, frame, scratch);
        if (!agree(type, &program, &tree) || !agree(type, &program, &second)) {
            show("program", type, &program);
            show("tree", type, &tree);
            show("canonical", type, &second);
            fail_msg("%s: they differ", text);
        }
        if (program.status)
            tally->reasons++;
        else if (program.value.null)
            tally->nulls++;
        else
            tally->values++;
    }
    world_done(&world);
}

static void the_program_and_the_tree_agree_bit_for_bit(void **state)
{
    struct leat_expr_scratch scratch = {.text = &(struct leat_arena){0}};
    struct generator g = {.state = UINT64_C(0x9E3779B97F4A7C15)};
    struct tally tally = {0};

    (void)state;
    if (getenv("LEAT_SEED"))
        g.state ^= strtoull(getenv("LEAT_SEED"), NULL, 10) * UINT64_C(0xD1342543DE82EF95);
    for (int i = 0; i < EXPRESSIONS; i++)
        run_one(&g, &scratch, &tally);
    print_message("%zu compiled, %zu refused since they always fail; %zu values, %zu nulls, %zu reasons\n",
                  tally.compiled, tally.refused, tally.values, tally.nulls, tally.reasons);
    assert_true(tally.compiled >= 10000);
    assert_true(tally.values > tally.compiled);
    leat_arena_done(scratch.text);
    leat_expr_scratch_done(&scratch);
    leat_buffer_done(&g.out);
}

static void evaluation_allocates_nothing(void **state)
{
    struct leat_expr_scratch scratch = {.text = &(struct leat_arena){0}};
    struct generator g = {.state = 42};
    struct leat_value frame[WORLD_SLOTS], value;
    struct leat_reason reason;
    const struct leat_expr *expr;
    struct leat_error err;
    size_t before;

    (void)state;
    count_allocations();
    free(leat_malloc(1));
    assert_true(allocations > 0);
    leat_expr_scratch_reserve(&scratch, 4096);
    random_frame(&g, frame);
    for (int i = 0; i < 2000; i++) {
        struct world world;
        world_init(&world);
        if (world_compile(&world, random_expression(&g, DEPTH), LEAT_TYPE_NULL, &expr, &err) == 0) {
            /* The first time may grow the arena. */
            leat_expr_eval(expr, frame, &scratch, &value, &reason);
            leat_arena_reset(scratch.text);
            before = allocations;
            leat_expr_eval(expr, frame, &scratch, &value, &reason);
            leat_arena_reset(scratch.text);
            assert_int_equal(allocations, before);
        }
        world_done(&world);
    }
    leat_arena_done(scratch.text);
    leat_expr_scratch_done(&scratch);
    leat_buffer_done(&g.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_and_the_tree_agree_bit_for_bit),
        cmocka_unit_test(evaluation_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
