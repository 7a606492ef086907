/* Contributions: the walk over a forest's trees, linear models, and occlusion. */
#include "model/explain.h"

#include "base/error.h"
#include "model/forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two points: what the baseline instructions take at once. */
typedef double pair __attribute__((vector_size(16)));

#define PAIRS_MAX (LEAT_EXPLAIN_DEPTH_MAX / 4)

/* Gauss-Legendre on (0, 1). */
struct rule {
    pair *t, *weight;
};

struct leat_explainer {
    const struct leat_forest *forest;
    struct leat_arena arena;
    struct rule rules[PAIRS_MAX + 1]; /* by the number of pairs of points */
    uint8_t *pairs;                   /* of each tree; 0: a single leaf */
    double *expected;                 /* of each group: the margin when no feature is known */
    size_t depth;                     /* of the deepest tree */
    size_t pairs_max;                 /* the most that a tree needs */
};

/* ---- what does not depend on the row ---- */

struct survey {
    struct leat_explainer *explainer;
    const struct leat_tree_node *nodes;
    const double *cover;
    uint16_t *seen; /* of each feature: how often it is on the way */
    size_t group;
    size_t depth, features; /* the most on any way */
};

static void expect_leaf(const struct survey *survey, const struct leat_tree_node *leaf, double share)
{
    const struct leat_forest *forest = survey->explainer->forest;
    double *expected = survey->explainer->expected;
    if (forest->leaf_width <= 1) {
        expected[survey->group] += share * leaf->value;
        return;
    }
    for (size_t i = 0; i < forest->leaf_width; i++)
        expected[i] += share * forest->leaf_values[(size_t)leaf->value + i];
}

static bool is_weight(double cover)
{
    return isfinite(cover) && cover >= 0;
}

/* Recursion is bounded by LEAT_EXPLAIN_DEPTH_MAX. False: this tree can not be explained. */
static bool survey_node(struct survey *survey, uint32_t at, size_t depth, size_t features, double share)
{
    const struct leat_tree_node *node = survey->nodes + at;
    if (depth > LEAT_EXPLAIN_DEPTH_MAX || !is_weight(survey->cover[at]) || !is_weight(share))
        return false;
    survey->depth = depth > survey->depth ? depth : survey->depth;
    survey->features = features > survey->features ? features : survey->features;
    if (node->left < 0) {
        expect_leaf(survey, node, share);
        return true;
    }
    uint16_t *seen = &survey->seen[node->feature];
    double part = survey->cover[at] > 0 ? share / survey->cover[at] : 0;
    features += (*seen)++ == 0;
    bool good = survey_node(survey, (uint32_t)node->left, depth + 1, features, part * survey->cover[node->left]) &&
                survey_node(survey, (uint32_t)node->right, depth + 1, features, part * survey->cover[node->right]);
    (*seen)--;
    return good;
}

/* The roots of the Legendre polynomial of degree `count`, by Newton's method. */
static void make_rule(struct rule *rule, size_t count)
{
    const double pi = 3.14159265358979323846;
    for (size_t i = 0; i < count; i++) {
        double x = cos(pi * ((double)i + 0.75) / ((double)count + 0.5));
        double slope = 1;
        for (int round = 0; round < 100; round++) {
            double p0 = 1, p1 = x;
            for (size_t k = 2; k <= count; k++) {
                double p2 = ((double)(2 * k - 1) * x * p1 - (double)(k - 1) * p0) / (double)k;
                p0 = p1;
                p1 = p2;
            }
            slope = (double)count * (x * p1 - p0) / (x * x - 1);
            double step = p1 / slope;
            x -= step;
            if (fabs(step) < 1e-16)
                break;
        }
        rule->t[i / 2][i % 2] = (1 - x) / 2;
        rule->weight[i / 2][i % 2] = 1 / ((1 - x * x) * slope * slope);
    }
}

static void need_rule(struct leat_explainer *explainer, size_t pairs)
{
    struct rule *rule = &explainer->rules[pairs];
    if (rule->t != NULL)
        return;
    rule->t = leat_arena_zalloc(&explainer->arena, pairs, sizeof *rule->t);
    rule->weight = leat_arena_zalloc(&explainer->arena, pairs, sizeof *rule->weight);
    make_rule(rule, 2 * pairs);
}

/* With `features` on a way the integrand has degree features - 1, for which half as many points are enough. */
static bool survey_tree(struct leat_explainer *explainer, size_t tree, uint16_t *seen)
{
    const struct leat_forest *forest = explainer->forest;
    struct survey survey = {
        .explainer = explainer,
        .nodes = forest->nodes + forest->trees[tree].first,
        .cover = forest->cover + forest->trees[tree].first,
        .seen = seen,
        .group = forest->trees[tree].group,
    };
    if (!survey_node(&survey, 0, 0, 0, 1))
        return false;
    size_t pairs = (survey.features + 3) / 4;
    explainer->pairs[tree] = (uint8_t)pairs;
    if (pairs > 0)
        need_rule(explainer, pairs);
    explainer->depth = survey.depth > explainer->depth ? survey.depth : explainer->depth;
    explainer->pairs_max = pairs > explainer->pairs_max ? pairs : explainer->pairs_max;
    return true;
}

static bool survey_forest(struct leat_explainer *explainer)
{
    const struct leat_forest *forest = explainer->forest;
    uint16_t *seen = leat_calloc(forest->feature_count + 1, sizeof *seen);
    bool good = true;
    explainer->pairs = leat_arena_zalloc(&explainer->arena, forest->tree_count + 1, sizeof *explainer->pairs);
    for (size_t tree = 0; tree < forest->tree_count && good; tree++)
        good = survey_tree(explainer, tree, seen);
    free(seen);
    for (size_t group = 0; group < forest->raw_count; group++) {
        explainer->expected[group] *= forest->sum_scale == 0 ? 1 : forest->sum_scale;
        explainer->expected[group] += forest->base[group];
    }
    return good;
}

struct leat_explainer *leat_explainer_new(const struct leat_forest *forest)
{
    if (forest->weights == NULL && (forest->cover == NULL || forest->linear != NULL))
        return NULL;
    struct leat_explainer *explainer = leat_calloc(1, sizeof *explainer);
    explainer->forest = forest;
    explainer->expected = leat_arena_zalloc(&explainer->arena, forest->raw_count, sizeof *explainer->expected);
    if (forest->weights != NULL || survey_forest(explainer))
        return explainer;
    leat_explainer_free(explainer);
    return NULL;
}

void leat_explainer_free(struct leat_explainer *explainer)
{
    if (explainer == NULL)
        return;
    leat_arena_done(&explainer->arena);
    free(explainer);
}

const char *leat_explainer_name(const struct leat_explainer *explainer)
{
    return explainer->forest->weights != NULL ? "weight times value: exact" : "TreeSHAP, path-dependent: exact";
}

size_t leat_explainer_bytes(const struct leat_explainer *explainer)
{
    return sizeof *explainer + explainer->arena.allocated;
}

/* ---- trees ---- */

/* A level of the walk has four numbers at each point: the product of all factors from the root on, 1 / the factor of
 * its last edge's feature, the sum over the leaves below, and the product without the next split's feature. */
#define LEVEL_VECTORS 4

/* Shares below are taken for it, so that no factor is 0 and all can be divided by. */
#define SHARE_MIN 1e-150

/* Of the splits on one feature from the root to here. */
struct edge {
    double taken; /* 1: the row takes all of them */
    double z;     /* which share of the training rows does */
};

struct walk {
    const struct leat_forest *forest;
    const struct leat_tree_node *nodes;
    const double *cover;
    const double *values; /* NULL: a leaf has one */
    const double *row;
    const struct rule *rule;
    size_t pairs;
    pair *levels;
    struct edge *edges; /* of each level */
    uint16_t *last;     /* of each feature: the level of its lowest edge on the way; 0: none */
    double *ret;
};

static inline double leaf_value(const struct walk *walk, const struct leat_tree_node *leaf)
{
    return walk->values == NULL ? leaf->value : walk->values[(size_t)leaf->value];
}

#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 4")
#endif

#define VISIT visit_1
#define PAIRS 1
#include "model/explain_step.h"

#define VISIT visit_2
#define PAIRS 2
#include "model/explain_step.h"

#define VISIT visit_3
#define PAIRS 3
#include "model/explain_step.h"

#define VISIT visit_4
#define PAIRS 4
#include "model/explain_step.h"

#undef UNROLLED
#define UNROLLED

#define VISIT visit_any
#define PAIRS walk->pairs
#include "model/explain_step.h"

static void explain_tree(struct walk *walk)
{
    static void (*const visits[])(struct walk *, const struct leat_tree_node *, size_t) = {NULL, visit_1, visit_2,
                                                                                           visit_3, visit_4};
    for (size_t q = 0; q < walk->pairs; q++) {
        walk->levels[q] = walk->rule->weight[q];
        walk->levels[walk->pairs + q] = (pair){1, 1};
    }
    walk->edges[0] = (struct edge){1, 1};
    (walk->pairs < sizeof visits / sizeof visits[0] ? visits[walk->pairs] : visit_any)(walk, walk->nodes, 0);
}

static void explain_forest(const struct leat_explainer *explainer, const double *row, double *ret, void *scratch)
{
    const struct leat_forest *forest = explainer->forest;
    size_t levels = explainer->depth + 1;
    size_t width = forest->leaf_width <= 1 ? 1 : forest->leaf_width;
    struct walk walk = {.forest = forest, .row = row, .levels = scratch};
    walk.edges = (struct edge *)(walk.levels + levels * LEVEL_VECTORS * explainer->pairs_max);
    walk.last = (uint16_t *)(walk.edges + levels);
    memset(walk.last, 0, forest->feature_count * sizeof *walk.last);
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        if (explainer->pairs[tree] == 0)
            continue;
        walk.nodes = forest->nodes + forest->trees[tree].first;
        walk.cover = forest->cover + forest->trees[tree].first;
        walk.pairs = explainer->pairs[tree];
        walk.rule = &explainer->rules[walk.pairs];
        for (size_t i = 0; i < width; i++) {
            walk.values = width == 1 ? NULL : forest->leaf_values + i;
            walk.ret = ret + (forest->trees[tree].group + i) * (forest->feature_count + 1);
            explain_tree(&walk);
        }
    }
}

/* ---- linear models ---- */

static void explain_linear(const struct leat_forest *forest, const double *row, double *ret)
{
    size_t groups = forest->raw_count;
    size_t features = forest->feature_count;
    for (size_t group = 0; group < groups; group++) {
        double *contributions = ret + group * (features + 1);
        for (size_t i = 0; i < features; i++) {
            double weight = forest->weights[i * groups + group];
            if (forest->arithmetic != LEAT_FLOAT32)
                contributions[i] = row[i] * weight;
            else if (!isnan((float)row[i]))
                contributions[i] = (double)((float)row[i] * (float)weight);
        }
        contributions[features] = forest->weights[features * groups + group] + forest->base[group];
    }
}

/* ---- any forest ---- */

void leat_explainer_run(const struct leat_explainer *explainer, const double *row, double *ret, void *scratch)
{
    const struct leat_forest *forest = explainer->forest;
    size_t stride = forest->feature_count + 1;
    memset(ret, 0, forest->raw_count * stride * sizeof *ret);
    if (forest->weights != NULL) {
        explain_linear(forest, row, ret);
        return;
    }
    explain_forest(explainer, row, ret, scratch);
    for (size_t group = 0; group < forest->raw_count; group++) {
        for (size_t i = 0; i < forest->feature_count && forest->sum_scale != 0; i++)
            ret[group * stride + i] *= forest->sum_scale;
        ret[group * stride + forest->feature_count] = explainer->expected[group];
    }
}

size_t leat_explainer_scratch(const struct leat_explainer *explainer)
{
    size_t levels = explainer->depth + 1;
    size_t size = levels * (LEVEL_VECTORS * explainer->pairs_max * sizeof(pair) + sizeof(struct edge)) +
                  explainer->forest->feature_count * sizeof(uint16_t);
    return (size + 63) / 64 * 64;
}

/* ---- occlusion ---- */

/* The row so many times, each with one feature from a background row; outputs and margins of them; the model's own. */
static size_t part_size(size_t numbers)
{
    return (numbers * sizeof(double) + 63) / 64 * 64;
}

int leat_explain_occlusion(const struct leat_model *model, const double *row, const double *background,
                           size_t background_count, double *ret, void *scratch)
{
    const struct leat_model_info *info = leat_model_info(model);
    size_t features = info->feature_count;
    size_t count = background_count < LEAT_EXPLAIN_BACKGROUND_MAX ? background_count : LEAT_EXPLAIN_BACKGROUND_MAX;
    if (count == 0)
        return -1;
    char *at = scratch;
    double *rows = (double *)at;
    double *out = (double *)(at += part_size(LEAT_EXPLAIN_BACKGROUND_MAX * features));
    double *raw = (double *)(at += part_size(LEAT_EXPLAIN_BACKGROUND_MAX * info->output_count));
    double *own = (double *)(at += part_size(LEAT_EXPLAIN_BACKGROUND_MAX * info->raw_count));
    void *inner = at + part_size(info->raw_count);

    leat_model_predict(model, row, features, 1, out, own, inner);
    for (size_t b = 0; b < count; b++)
        memcpy(rows + b * features, row, features * sizeof *rows);
    for (size_t i = 0; i <= features; i++) {
        /* Last of all the background rows as they are: what the margin is without any feature. */
        for (size_t b = 0; b < count && i < features; b++)
            rows[b * features + i] = background[b * features + i];
        leat_model_predict(model, i < features ? rows : background, features, count, out, raw, inner);
        for (size_t b = 0; b < count && i < features; b++)
            rows[b * features + i] = row[i];
        for (size_t group = 0; group < info->margin_count; group++) {
            double sum = 0;
            for (size_t b = 0; b < count; b++)
                sum += raw[b * info->raw_count + group];
            double mean = sum / (double)count;
            ret[group * (features + 1) + i] = i < features ? own[group] - mean : mean;
        }
    }
    return 0;
}

size_t leat_explain_occlusion_scratch(const struct leat_model *model)
{
    const struct leat_model_info *info = leat_model_info(model);
    return part_size(LEAT_EXPLAIN_BACKGROUND_MAX * info->feature_count) +
           part_size(LEAT_EXPLAIN_BACKGROUND_MAX * info->output_count) +
           part_size(LEAT_EXPLAIN_BACKGROUND_MAX * info->raw_count) + part_size(info->raw_count) +
           leat_model_scratch(model, LEAT_EXPLAIN_BACKGROUND_MAX);
}
