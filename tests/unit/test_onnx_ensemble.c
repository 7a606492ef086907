/* Tree ensembles: what runs on a kernel gives the same bits as the plain walk over the file's table, whatever the
 * comparisons, the widths and the missing values; and tables that are no trees are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/onnx/ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPLITS_MAX 4000
#define ROWS 70
#define FEATURES 5
#define TARGETS_MAX 4

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

struct table {
    struct leat_ensemble_tables tables;
    struct leat_split splits[SPLITS_MAX];
    uint32_t roots[20];
    struct leat_leaf_weight weights[SPLITS_MAX * TARGETS_MAX];
    size_t weight_count;
    bool one_target; /* each tree scores one */
};

static double number(bool wide)
{
    static const double numbers[] = {0, -0.0, 1, -1, 0.5, 1e-40, INFINITY, -INFINITY, NAN, 16777216, 3, 2};
    double given = numbers[random_below(sizeof numbers / sizeof *numbers)];
    return wide ? given : (double)(float)given;
}

static void put_leaf(struct table *t, uint32_t at, size_t tree)
{
    struct leat_split *leaf = &t->splits[at];
    size_t targets = t->tables.target_count;
    *leaf = (struct leat_split){.mode = LEAT_SPLIT_LEAF, .first = (uint32_t)t->weight_count};
    leaf->count = t->one_target ? 1 : (uint32_t)targets;
    for (uint32_t i = 0; i < leaf->count; i++)
        t->weights[t->weight_count++] = (struct leat_leaf_weight){
            t->one_target ? (uint32_t)(tree % targets) : i, (double)(float)((double)random_below(2000) / 700 - 1)};
}

static uint32_t put_tree(struct table *t, size_t tree, int depth)
{
    uint32_t at = (uint32_t)t->tables.split_count++;
    if (depth == 0 || random_below(6) == 0) {
        put_leaf(t, at, tree);
        return at;
    }
    struct leat_split split = {.value = number(t->tables.wide),
                               .feature = random_below(FEATURES),
                               .mode = (uint8_t)random_below(LEAT_SPLIT_MEMBER),
                               .missing_yes = random_below(3) == 0};
    split.yes = put_tree(t, tree, depth - 1);
    split.no = put_tree(t, tree, depth - 1);
    t->splits[at] = split;
    return at;
}

static struct table *random_table(uint64_t seed)
{
    struct table *t = calloc(1, sizeof *t);
    assert_non_null(t);
    random_state = seed;
    t->tables = (struct leat_ensemble_tables){.splits = t->splits, .roots = t->roots, .weights = t->weights};
    t->tables.wide = random_below(2) == 0;
    t->tables.aggregate = random_below(4) == 0 ? LEAT_ENSEMBLE_AVERAGE : LEAT_ENSEMBLE_SUM;
    t->tables.feature_count = FEATURES;
    t->tables.target_count = 1 + random_below(TARGETS_MAX);
    t->one_target = random_below(2) == 0;
    t->tables.root_count = 1 + random_below(20);
    for (size_t tree = 0; tree < t->tables.root_count; tree++)
        t->roots[tree] = put_tree(t, tree, (int)random_below(6));
    return t;
}

static void a_kernel_gives_the_bits_of_the_plain_walk(void **state)
{
    size_t on_kernels = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct table *t = random_table(seed);
        struct leat_ensemble *e = NULL;
        struct leat_error err = {0};
        double rows[ROWS][FEATURES];
        double sums[ROWS][TARGETS_MAX];
        double plain[TARGETS_MAX];
        bool scored[TARGETS_MAX];
        size_t targets = t->tables.target_count;
        if (leat_ensemble_new(&t->tables, &e, &err) != 0)
            fail_msg("%s", err.text);
        for (size_t i = 0; i < ROWS * FEATURES; i++)
            rows[i / FEATURES][i % FEATURES] = number(t->tables.wide);
        static const size_t counts[] = {1, 9, ROWS};
        for (size_t c = 0; c < 3; c++) {
            void *scratch = aligned_alloc(64, (leat_ensemble_scratch(e, counts[c]) + 127) / 64 * 64);
            leat_ensemble_run(e, rows[0], counts[c], sums[0], NULL, scratch);
            for (size_t row = 0; row < counts[c]; row++) {
                leat_ensemble_run_plain(&t->tables, rows[row], plain, scored);
                if (memcmp(plain, &sums[0][0] + row * targets, targets * sizeof *plain) != 0)
                    fail_msg("seed %llu, row %zu of %zu: %.17g, plainly %.17g", (unsigned long long)seed, row,
                             counts[c], (&sums[0][0])[row * targets], plain[0]);
            }
            free(scratch);
        }
        on_kernels += !leat_ensemble_is_plain(e);
        leat_ensemble_free(e);
        free(t);
    }
    assert_true(on_kernels > 350);
}

/* ---- tables that are no trees ---- */

static const struct leat_split small[] = {
    {.mode = LEAT_SPLIT_LEQ, .value = 1, .yes = 1, .no = 2},
    {.mode = LEAT_SPLIT_LEAF, .first = 0, .count = 1},
    {.mode = LEAT_SPLIT_LEAF, .first = 1, .count = 1},
};

static struct table *small_table(void)
{
    struct table *t = calloc(1, sizeof *t);
    assert_non_null(t);
    memcpy(t->splits, small, sizeof small);
    t->weights[0] = (struct leat_leaf_weight){0, 10};
    t->weights[1] = (struct leat_leaf_weight){0, 20};
    t->tables = (struct leat_ensemble_tables){.splits = t->splits,
                                              .split_count = 3,
                                              .roots = t->roots,
                                              .root_count = 1,
                                              .weights = t->weights,
                                              .aggregate = LEAT_ENSEMBLE_SUM,
                                              .feature_count = 1,
                                              .target_count = 1};
    return t;
}

static void refuse(struct table *t, const char *why)
{
    struct leat_ensemble *e = NULL;
    struct leat_error err = {0};
    assert_int_equal(leat_ensemble_new(&t->tables, &e, &err), -1);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s", err.text);
    free(t);
}

static void a_cycle_is_refused(void **state)
{
    (void)state;
    struct table *t = small_table();
    t->splits[0].no = 0;
    refuse(t, "has a cycle");
    t = small_table();
    t->splits[1] = (struct leat_split){.mode = LEAT_SPLIT_LT, .yes = 2, .no = 0};
    refuse(t, "has a cycle");
}

static void a_feature_that_the_input_lacks_is_refused(void **state)
{
    (void)state;
    struct table *t = small_table();
    t->splits[0].feature = 1;
    refuse(t, "asks for feature 1, but the input has 1 features");
}

static void a_target_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct table *t = small_table();
    t->weights[1].target = 1;
    refuse(t, "scores target 1, but there are 1");
}

static double score(struct table *t, double x)
{
    struct leat_ensemble *e = NULL;
    struct leat_error err = {0};
    double sum = NAN;
    if (leat_ensemble_new(&t->tables, &e, &err) != 0)
        fail_msg("%s", err.text);
    void *scratch = aligned_alloc(64, (leat_ensemble_scratch(e, 1) + 127) / 64 * 64);
    leat_ensemble_run(e, &x, 1, &sum, NULL, scratch);
    leat_ensemble_free(e);
    free(scratch);
    return sum;
}

static void a_node_that_is_reached_in_two_ways_is_walked(void **state)
{
    (void)state;
    struct table *t = small_table();
    t->splits[0].no = 1;
    assert_true(score(t, 5) == 10);
    t->roots[1] = 0;
    t->tables.root_count = 2;
    assert_true(score(t, 5) == 20);
    free(t);
}

static void the_least_and_the_largest_leaf_may_be_asked_for(void **state)
{
    (void)state;
    struct table *t = small_table();
    t->roots[0] = 1;
    t->roots[1] = 2;
    t->tables.root_count = 2;
    t->tables.aggregate = LEAT_ENSEMBLE_MIN;
    assert_true(score(t, 0) == 10);
    t->tables.aggregate = LEAT_ENSEMBLE_MAX;
    assert_true(score(t, 0) == 20);
    free(t);
}

static void a_set_holds_its_members_only(void **state)
{
    (void)state;
    static double members[] = {2, 7.5};
    struct table *t = small_table();
    t->splits[0].mode = LEAT_SPLIT_MEMBER;
    t->splits[0].count = 2;
    t->tables.members = members;
    assert_true(score(t, 7.5) == 10);
    assert_true(score(t, 7) == 20);
    assert_true(score(t, NAN) == 20);
    t->splits[0].missing_yes = true;
    assert_true(score(t, NAN) == 10);
    free(t);
}

/* A chain of so many splits would break what goes down by recursion. */
static void a_chain_of_a_million_splits_is_no_trouble(void **state)
{
    (void)state;
    const size_t count = 1000001;
    struct table *t = small_table();
    struct leat_split *splits = calloc(count, sizeof *splits);
    assert_non_null(splits);
    for (size_t i = 0; i + 1 < count; i++)
        splits[i] = (struct leat_split){.mode = LEAT_SPLIT_LEQ,
                                        .value = (double)i,
                                        .yes = (uint32_t)(count - 1),
                                        .no = (uint32_t)(i + 2 < count ? i + 1 : count - 1)};
    splits[count - 1] = (struct leat_split){.mode = LEAT_SPLIT_LEAF, .count = 1};
    t->tables.splits = splits;
    t->tables.split_count = count;
    assert_true(score(t, 5) == 10);
    free(splits);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_gives_the_bits_of_the_plain_walk),
        cmocka_unit_test(a_cycle_is_refused),
        cmocka_unit_test(a_feature_that_the_input_lacks_is_refused),
        cmocka_unit_test(a_target_that_is_not_there_is_refused),
        cmocka_unit_test(a_node_that_is_reached_in_two_ways_is_walked),
        cmocka_unit_test(the_least_and_the_largest_leaf_may_be_asked_for),
        cmocka_unit_test(a_set_holds_its_members_only),
        cmocka_unit_test(a_chain_of_a_million_splits_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
