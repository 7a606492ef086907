/* Expressions of five operations over 4096 different frames: the compiled program and, in the same run, its plain twin
 * that walks the tree. One value in 16 is null. */
#include "base/arena.h"
#include "expr/expr.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAMES 4096
#define COLUMNS 8
#define ROUNDS 20
#define REPETITIONS 9

static const struct column {
    const char *name;
    enum leat_type type;
} COLUMN[COLUMNS] = {
    {"a", LEAT_TYPE_DOUBLE}, {"b", LEAT_TYPE_DOUBLE}, {"c", LEAT_TYPE_DOUBLE}, {"d", LEAT_TYPE_DOUBLE},
    {"i", LEAT_TYPE_INT},    {"j", LEAT_TYPE_INT},    {"s", LEAT_TYPE_STRING}, {"t", LEAT_TYPE_TIME},
};

static int find_column(void *self, struct leat_bytes path, size_t *ret_slot, enum leat_type *ret_type,
                       struct leat_error *err)
{
    (void)self;
    (void)err;
    for (size_t i = 0; i < COLUMNS; i++)
        if (leat_bytes_is(path, COLUMN[i].name)) {
            *ret_slot = i;
            *ret_type = COLUMN[i].type;
            return 0;
        }
    return -1;
}

static void fill_frames(struct leat_value *frames)
{
    static const char *const CODES[] = {"5411", "5812", "4829", "7995", "5541"};
    uint64_t seed = 7;
    for (size_t i = 0; i < FRAMES * COLUMNS; i++) {
        uint64_t random = bench_random(&seed);
        switch (COLUMN[i % COLUMNS].type) {
        case LEAT_TYPE_DOUBLE:
            frames[i] = leat_value_double((double)(random >> 44) / 64);
            break;
        case LEAT_TYPE_STRING:
            frames[i] = leat_value_string(leat_bytes_of(CODES[random % 5]));
            break;
        default:
            frames[i] = leat_value_int((int64_t)(random >> 40));
        }
        if (bench_random(&seed) % 16 == 0)
            frames[i] = leat_value_null();
    }
}

static double run(const struct leat_expr *expr, const struct leat_value *frames, bool tree, struct leat_arena *text)
{
    struct leat_expr_scratch scratch = {.text = text};
    struct leat_reason reason;
    struct leat_value value;
    uint64_t nulls = 0;
    leat_expr_scratch_reserve(&scratch, leat_expr_registers(expr));
    double start = bench_cpu_ns();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < FRAMES; i++) {
            const struct leat_value *frame = frames + i * COLUMNS;
            int status = tree ? leat_expr_eval_tree(expr, frame, text, &value, &reason)
                              : leat_expr_eval(expr, frame, &scratch, &value, &reason);
            if (status != 0)
                exit(1);
            nulls += value.null;
        }
    double ns = (bench_cpu_ns() - start) / (ROUNDS * FRAMES);
    leat_expr_scratch_done(&scratch);
    leat_arena_reset(text);
    return nulls < ROUNDS * FRAMES ? ns : 0;
}

int main(void)
{
    static const struct {
        const char *name, *text;
    } CASES[] = {
        {"arithmetic", "(a + b * c - d) / (a + 1)"},
        {"integers", "(i + j) * 3 - i % 7 + 2"},
        {"logic", "a > b and (c < d or i = j)"},
        {"text and case", "case when s = '5411' or s = '5812' then a else b - c end"},
        {"nulls", "coalesce(a, b, 0.5) + coalesce(c, d) - 1"},
    };
    const struct leat_expr_scope scope = {.what = "the benchmark", .column = find_column};
    struct leat_value *frames = leat_calloc(FRAMES * COLUMNS, sizeof(*frames));
    struct leat_arena arena = {0}, text = {0};
    double slowest = 0, slowest_tree = 0;
    fill_frames(frames);
    for (size_t c = 0; c < sizeof(CASES) / sizeof(CASES[0]); c++) {
        const struct leat_expr *expr;
        struct leat_error err;
        struct leat_expr_place place = {.file = "bench", .line = 1, .column = 1};
        if (leat_expr_compile(&scope, place, leat_bytes_of(CASES[c].text), LEAT_TYPE_NULL, &arena, &expr, &err) != 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        double program[REPETITIONS], tree[REPETITIONS];
        for (size_t r = 0; r < REPETITIONS; r++) {
            program[r] = run(expr, frames, false, &text);
            tree[r] = run(expr, frames, true, &text);
        }
        double ns = bench_median(program, REPETITIONS), tree_ns = bench_median(tree, REPETITIONS);
        printf("# %-14s %-60s %6.1f ns, tree %6.1f ns\n", CASES[c].name, CASES[c].text, ns, tree_ns);
        if (ns > slowest) {
            slowest = ns;
            slowest_tree = tree_ns;
        }
    }
    char against[64];
    snprintf(against, sizeof(against), "its tree: %.1f ns", slowest_tree);
    bench_report("expression of 5 operations, the slowest of 5", slowest, "ns", "<= 30", against);
    free(frames);
    leat_arena_done(&arena);
    leat_arena_done(&text);
    return 0;
}
