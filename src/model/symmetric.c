#include "model/symmetric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TILE 16       /* rows that are compared at once */
#define TILES_MAX 8   /* that are held in registers */
#define RANK_MAX 255  /* a feature with more borders has several columns */
#define BYTE_LEVELS 8 /* deeper trees number their leaves with two bytes */
#define TREES_AT_ONCE 4
#define LANES 8   /* searches at once */
#define BLOCK 128 /* rows */
#define SINGLES 4 /* fewer rows are faster one by one */

typedef uint8_t tile __attribute__((vector_size(TILE), aligned(TILE), may_alias));

/* What the borders of one feature are, and where its ranks go. */
struct ranking {
    const float *borders; /* ascending; 2^steps - 1 of them, the last ones infinite */
    uint32_t feature;
    uint32_t count;
    uint32_t steps;
    uint32_t column; /* the first one: RANK_MAX borders each */
    uint32_t rank_of_nan;
};

/* The categories of one feature that splits ask for: a column has their number, RANK_MAX for those of others. */
struct coding {
    const double *codes; /* ascending */
    uint32_t feature;
    uint32_t count;
    uint32_t column;
};

/* The bit of a level: (column ^ mask) >= least. A border's mask is 0; a category's turns its number, and no other, to
 * 255. */
struct level {
    uint32_t column;
    uint8_t mask;
    uint8_t least;
};

/* For a single row all questions of a column are answered first, a byte each. */
struct answers {
    uint32_t first; /* of the column's answers */
    uint32_t count; /* a multiple of TILE */
    bool codes;     /* else ranks */
};

struct tree {
    const double *leaves;
    uint32_t first; /* level; the root's */
    uint16_t depth;
    bool masked; /* some mask is not 0 */
};

struct leat_symmetric {
    const struct leat_forest *forest;
    struct ranking *rankings; /* by eights of one length of search; behind the last one its copies */
    size_t ranking_count;
    struct coding *codings;
    size_t coding_count;
    size_t column_count;
    struct answers *answers; /* of each column */
    size_t answer_count;
    struct level *levels;
    uint32_t *asked;    /* of each level: the place of its answer */
    struct tree *trees; /* by fours: filled up with trees of one leaf, -0.0, which changes no sum */
    size_t tree_count;
};

/* ---- rows to bytes ---- */

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

/* How many borders are below each x; none for NaN. Searches wait for each other's loads otherwise, so there are eight of
 * one length at a time. */
static inline __attribute__((always_inline)) void rank_lanes(const float *const *borders, uint32_t steps,
                                                             const float *x, uint32_t *ret)
{
    uint32_t rank[LANES] = {0};
    for (uint32_t half = 1u << steps >> 1; half > 0; half >>= 1) {
        UNROLLED
        for (int lane = 0; lane < LANES; lane++)
            rank[lane] += half & (0u - (uint32_t)(borders[lane][rank[lane] + half - 1] < x[lane]));
    }
    memcpy(ret, rank, sizeof rank);
}

static inline uint8_t within_column(uint32_t rank, uint32_t first)
{
    uint32_t rest = rank < first ? 0 : rank - first;
    return (uint8_t)(rest > RANK_MAX ? RANK_MAX : rest);
}

static inline void put_rank(const struct ranking *ranking, float x, uint32_t rank, size_t lanes, uint8_t *ret)
{
    rank += ranking->rank_of_nan & (0u - (uint32_t)(x != x));
    ret[0] = within_column(rank, 0);
    for (uint32_t first = RANK_MAX; first < ranking->count; first += RANK_MAX)
        ret[first / RANK_MAX * lanes] = within_column(rank, first);
}

/* Eight features of one row. */
static void rank_row(const struct ranking *rankings, const double *row, uint8_t *ret)
{
    const float *borders[LANES];
    float x[LANES];
    uint32_t ranks[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        borders[lane] = rankings[lane].borders;
        x[lane] = (float)row[rankings[lane].feature];
    }
    rank_lanes(borders, rankings->steps, x, ranks);
    for (int lane = 0; lane < LANES; lane++)
        put_rank(&rankings[lane], x[lane], ranks[lane], 1, ret + rankings[lane].column);
}

/* One feature of eight rows, or of the last ones. */
static void rank_column(const struct ranking *ranking, const double *rows, size_t stride, size_t count, size_t lanes,
                        uint8_t *ret)
{
    const float *borders[LANES];
    float x[LANES] = {0};
    uint32_t ranks[LANES];
    for (int lane = 0; lane < LANES; lane++)
        borders[lane] = ranking->borders;
    for (size_t row = 0; row < count; row += LANES) {
        size_t some = count - row < LANES ? count - row : LANES;
        for (size_t lane = 0; lane < some; lane++)
            x[lane] = (float)rows[(row + lane) * stride + ranking->feature];
        rank_lanes(borders, ranking->steps, x, ranks);
        for (size_t lane = 0; lane < some; lane++)
            put_rank(ranking, x[lane], ranks[lane], lanes, ret + row + lane);
    }
}

static inline void code_row(const struct coding *coding, double x, size_t lanes, uint8_t *ret)
{
    uint32_t low = 0;
    uint32_t high = coding->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (coding->codes[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    bool known = low < coding->count && coding->codes[low] == x;
    for (uint32_t first = 0; first < coding->count; first += RANK_MAX) {
        bool here = known && low >= first && low < first + RANK_MAX;
        ret[first / RANK_MAX * lanes] = here ? (uint8_t)(low - first) : RANK_MAX;
    }
}

static void lay_out_row(const struct leat_symmetric *s, const double *row, uint8_t *ret)
{
    for (size_t i = 0; i < s->ranking_count; i += LANES)
        rank_row(&s->rankings[i], row, ret);
    for (size_t i = 0; i < s->coding_count; i++)
        code_row(&s->codings[i], row[s->codings[i].feature], 1, ret + s->codings[i].column);
}

static void lay_out(const struct leat_symmetric *s, const double *rows, size_t stride, size_t count, size_t lanes,
                    uint8_t *ret)
{
    for (size_t i = 0; i < s->ranking_count; i++)
        rank_column(&s->rankings[i], rows, stride, count, lanes, ret + s->rankings[i].column * lanes);
    for (size_t i = 0; i < s->coding_count; i++) {
        const struct coding *coding = &s->codings[i];
        uint8_t *column = ret + coding->column * lanes;
        for (size_t row = 0; row < count; row++)
            code_row(coding, rows[row * stride + coding->feature], lanes, column + row);
    }
}

/* ---- one row ---- */

static inline tile splat(uint8_t byte)
{
    return (tile){0} + byte;
}

/* Whether each border of a column is below the value, or which category it is. */
static void answer(const struct leat_symmetric *s, const uint8_t *x, uint8_t *ret)
{
    for (size_t c = 0; c < s->column_count; c++) {
        const struct answers *answers = &s->answers[c];
        tile value = splat(x[c]);
        tile number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        for (uint32_t i = 0; i < answers->count; i += TILE, number += splat(TILE)) {
            tile holds = answers->codes ? (tile)(value == number) : (tile)(value > number);
            *(tile *)(ret + answers->first + i) = holds & splat(1);
        }
    }
}

static inline uint32_t leaf_of(const uint32_t *asked, uint32_t depth, const uint8_t *answers)
{
    uint32_t leaf = 0;
    for (; depth > BYTE_LEVELS; depth--)
        leaf = leaf * 2 + answers[*asked++];
    asked += depth;
    switch (depth) {
    case 8:
        leaf = leaf * 2 + answers[asked[-8]];
        __attribute__((fallthrough));
    case 7:
        leaf = leaf * 2 + answers[asked[-7]];
        __attribute__((fallthrough));
    case 6:
        leaf = leaf * 2 + answers[asked[-6]];
        __attribute__((fallthrough));
    case 5:
        leaf = leaf * 2 + answers[asked[-5]];
        __attribute__((fallthrough));
    case 4:
        leaf = leaf * 2 + answers[asked[-4]];
        __attribute__((fallthrough));
    case 3:
        leaf = leaf * 2 + answers[asked[-3]];
        __attribute__((fallthrough));
    case 2:
        leaf = leaf * 2 + answers[asked[-2]];
        __attribute__((fallthrough));
    case 1:
        leaf = leaf * 2 + answers[asked[-1]];
        __attribute__((fallthrough));
    default:
        return leaf;
    }
}

static void run_row(const struct leat_symmetric *s, const uint8_t *x, double *sums)
{
    size_t width = s->forest->raw_count;
    if (width > 1) {
        for (size_t t = 0; t < s->tree_count; t++) {
            const double *leaf = s->trees[t].leaves +
                                 leaf_of(s->asked + s->trees[t].first, s->trees[t].depth, x) * width;
            for (size_t k = 0; k < width; k++)
                sums[k] += leaf[k];
        }
        return;
    }
    double sum = sums[0];
    for (size_t t = 0; t < s->tree_count; t++)
        sum += s->trees[t].leaves[leaf_of(s->asked + s->trees[t].first, s->trees[t].depth, x)];
    sums[0] = sum;
}

/* ---- tiles of rows ---- */

/* The bits of at most eight levels, for some tiles side by side: constants wherever this is inlined. */
static inline __attribute__((always_inline)) void number_tiles(const struct level *level, uint32_t depth,
                                                               const uint8_t *x, size_t lanes, int tiles, bool masked,
                                                               uint8_t *ret)
{
    tile number[TILES_MAX];
    UNROLLED
    for (int i = 0; i < tiles; i++)
        number[i] = (tile){0};
    for (; depth > 0; depth--, level++) {
        const tile *column = (const tile *)(x + level->column * lanes);
        tile least = splat(level->least);
        tile mask = splat(level->mask);
        UNROLLED
        for (int i = 0; i < tiles; i++) {
            tile value = column[i];
            if (masked)
                value ^= mask;
            number[i] = number[i] + number[i] - (tile)(value >= least);
        }
    }
    UNROLLED
    for (int i = 0; i < tiles; i++)
        ((tile *)ret)[i] = number[i];
}

static void number_rows(const struct level *level, uint32_t depth, bool masked, const uint8_t *x, size_t lanes,
                        uint8_t *ret)
{
    size_t at = 0;
    for (; lanes - at >= (size_t)8 * TILE && !masked; at += (size_t)8 * TILE)
        number_tiles(level, depth, x + at, lanes, 8, false, ret + at);
    for (; lanes - at >= (size_t)4 * TILE; at += (size_t)4 * TILE) {
        if (masked)
            number_tiles(level, depth, x + at, lanes, 4, true, ret + at);
        else
            number_tiles(level, depth, x + at, lanes, 4, false, ret + at);
    }
    for (; at < lanes; at += TILE) {
        if (masked)
            number_tiles(level, depth, x + at, lanes, 1, true, ret + at);
        else
            number_tiles(level, depth, x + at, lanes, 1, false, ret + at);
    }
}

struct numbers {
    _Alignas(TILE) uint8_t low[BLOCK];
    _Alignas(TILE) uint8_t high[BLOCK];
};

/* The leaves of any tree, any number of values each. */
static void add_tree(const struct leat_symmetric *s, const struct tree *tree, const uint8_t *x, size_t lanes,
                     size_t count, double *sums)
{
    struct numbers numbers;
    size_t width = s->forest->raw_count;
    uint32_t upper = tree->depth > BYTE_LEVELS ? (uint32_t)tree->depth - BYTE_LEVELS : 0;
    const struct level *level = &s->levels[tree->first];
    number_rows(level, upper, tree->masked, x, lanes, numbers.high);
    number_rows(level + upper, tree->depth - upper, tree->masked, x, lanes, numbers.low);
    for (size_t row = 0; row < count; row++) {
        size_t leaf = (size_t)numbers.high[row] << BYTE_LEVELS | numbers.low[row];
        for (size_t k = 0; k < width; k++)
            sums[row * width + k] += tree->leaves[leaf * width + k];
    }
}

/* Four shallow trees with one value a leaf: a sum is read and written once for all. */
static void add_four(const struct leat_symmetric *s, const struct tree *trees, const uint8_t *x, size_t lanes,
                     size_t count, double *sums)
{
    _Alignas(TILE) uint8_t numbers[TREES_AT_ONCE][BLOCK];
    for (int i = 0; i < TREES_AT_ONCE; i++)
        number_rows(&s->levels[trees[i].first], trees[i].depth, trees[i].masked, x, lanes, numbers[i]);
    for (size_t row = 0; row < count; row++) {
        double sum = sums[row];
        sum += trees[0].leaves[numbers[0][row]];
        sum += trees[1].leaves[numbers[1][row]];
        sum += trees[2].leaves[numbers[2][row]];
        sum += trees[3].leaves[numbers[3][row]];
        sums[row] = sum;
    }
}

static bool are_shallow(const struct tree *trees)
{
    for (int i = 0; i < TREES_AT_ONCE; i++)
        if (trees[i].depth > BYTE_LEVELS)
            return false;
    return true;
}

static void run_tiles(const struct leat_symmetric *s, const uint8_t *x, size_t lanes, size_t count, double *sums)
{
    for (size_t t = 0; t < s->tree_count; t += TREES_AT_ONCE) {
        if (s->forest->raw_count == 1 && are_shallow(&s->trees[t])) {
            add_four(s, &s->trees[t], x, lanes, count, sums);
            continue;
        }
        for (size_t i = t; i < t + TREES_AT_ONCE; i++)
            add_tree(s, &s->trees[i], x, lanes, count, sums);
    }
}

/* ---- running ---- */

static size_t lanes_of(size_t count)
{
    return (count + TILE - 1) / TILE * TILE;
}

/* Columns, or one row's bytes and behind them its answers. */
size_t leat_symmetric_scratch(const struct leat_symmetric *symmetric, size_t count)
{
    size_t single = lanes_of(symmetric->column_count) + symmetric->answer_count;
    size_t tiles = lanes_of(count < BLOCK ? count : BLOCK) * symmetric->column_count;
    return single > tiles ? single : tiles;
}

static void run_single(const struct leat_symmetric *s, const double *row, double *sums, uint8_t *scratch)
{
    uint8_t *answers = scratch + lanes_of(s->column_count);
    lay_out_row(s, row, scratch);
    answer(s, scratch, answers);
    run_row(s, answers, sums);
}

static void run_block(const struct leat_symmetric *s, const double *rows, size_t stride, size_t count, double *sums,
                      uint8_t *scratch)
{
    size_t lanes = lanes_of(count);
    if (count >= SINGLES) {
        lay_out(s, rows, stride, count, lanes, scratch);
        run_tiles(s, scratch, lanes, count, sums);
        return;
    }
    for (size_t row = 0; row < count; row++)
        run_single(s, rows + row * stride, sums + row * s->forest->raw_count, scratch);
}

void leat_symmetric_run(const struct leat_symmetric *symmetric, const double *rows, size_t stride, size_t count,
                        double *ret_raw, void *scratch)
{
    leat_forest_begin64(symmetric->forest, count, ret_raw);
    for (size_t row = 0; row < count; row += BLOCK) {
        size_t block = count - row < BLOCK ? count - row : BLOCK;
        run_block(symmetric, rows + row * stride, stride, block, ret_raw + row * symmetric->forest->raw_count, scratch);
    }
    leat_forest_end64(symmetric->forest, count, ret_raw);
}

/* ---- compiling ---- */

/* What one level asks. */
struct question {
    double value;
    uint32_t feature;
    uint32_t flags;
    uint32_t level; /* its place in `levels` */
};

struct compiler {
    const struct leat_forest *forest;
    struct leat_arena *arena;
    struct leat_symmetric *symmetric;
    struct question *questions; /* one for each level of each tree */
    size_t question_count;
};

static bool is_border(const struct leat_tree_node *node)
{
    return (node->flags & ~(uint32_t)LEAT_NODE_DEFAULT_LEFT) == LEAT_NODE_CLOSED && !isnan(node->value);
}

/* Both kinds of split lead to the child of higher number when they hold. */
static bool is_in_place(const struct leat_tree_node *node, uint32_t at)
{
    bool crossed = node->flags == LEAT_NODE_EQUAL;
    return (crossed || is_border(node)) && node->left == (int32_t)(2 * at + 1 + crossed) &&
           node->right == (int32_t)(2 * at + 2 - crossed);
}

/* The depth of a tree whose nodes lie level by level and ask the same in each; false if it is none. */
static bool is_symmetric(const struct leat_tree_node *nodes, uint32_t count, uint32_t *ret_depth)
{
    uint32_t depth = 0;
    while (depth < 2 * BYTE_LEVELS && (2u << depth) - 1 < count)
        depth++;
    if ((2u << depth) - 1 != count)
        return false;
    for (uint32_t level = 0; level < depth; level++) {
        const struct leat_tree_node *first = &nodes[(1u << level) - 1];
        for (uint32_t at = (1u << level) - 1; at < (2u << level) - 1; at++)
            if (nodes[at].left < 0 || !is_in_place(&nodes[at], at) || nodes[at].feature != first->feature ||
                nodes[at].flags != first->flags || nodes[at].value != first->value)
                return false;
    }
    for (uint32_t at = (1u << depth) - 1; at < count; at++)
        if (nodes[at].left >= 0 || nodes[at].right >= 0)
            return false;
    *ret_depth = depth;
    return true;
}

static bool are_symmetric(const struct leat_forest *forest, size_t *ret_levels, size_t *ret_leaves)
{
    if (forest->arithmetic != LEAT_FLOAT32_SUM64 || forest->tiny_is_zero || forest->tree_count == 0 ||
        forest->weights != NULL || forest->raw_count != (forest->leaf_width > 1 ? forest->leaf_width : 1))
        return false;
    *ret_levels = *ret_leaves = 0;
    for (size_t i = 0; i < forest->tree_count; i++) {
        uint32_t depth = 0;
        if (!is_symmetric(forest->nodes + forest->trees[i].first, forest->trees[i].count, &depth))
            return false;
        *ret_levels += depth;
        *ret_leaves += (size_t)1 << depth;
    }
    return *ret_levels < UINT32_MAX;
}

static void compile_leaves(const struct leat_forest *forest, const struct leat_tree_node *nodes, uint32_t count,
                           double *ret)
{
    size_t width = forest->raw_count;
    for (uint32_t i = 0; i < count; i++) {
        const double *values = width > 1 ? forest->leaf_values + (size_t)nodes[i].value : &nodes[i].value;
        memcpy(ret + i * width, values, width * sizeof *ret);
    }
}

/* Trees with their leaves, and what their levels ask. */
static void compile_trees(struct compiler *c, size_t leaves)
{
    static const double nothing = -0.0;
    const struct leat_forest *forest = c->forest;
    struct leat_symmetric *s = c->symmetric;
    size_t width = forest->raw_count;
    double *leaf = leat_arena_alloc(c->arena, leaves * width * sizeof *leaf);
    double *none = leat_arena_alloc(c->arena, width * sizeof *none);
    for (size_t k = 0; k < width; k++)
        none[k] = nothing;
    s->tree_count = (forest->tree_count + TREES_AT_ONCE - 1) / TREES_AT_ONCE * TREES_AT_ONCE;
    s->trees = leat_arena_zalloc(c->arena, s->tree_count, sizeof *s->trees);
    for (size_t i = 0; i < s->tree_count; i++)
        s->trees[i].leaves = none;
    for (size_t i = 0; i < forest->tree_count; i++) {
        const struct leat_tree_node *nodes = forest->nodes + forest->trees[i].first;
        uint32_t count = forest->trees[i].count / 2 + 1;
        struct tree *tree = &s->trees[i];
        tree->leaves = leaf;
        tree->first = (uint32_t)c->question_count;
        compile_leaves(forest, nodes + count - 1, count, leaf);
        leaf += count * width;
        for (uint32_t at = 0; nodes[at].left >= 0; at = 2 * at + 1, tree->depth++) {
            const struct leat_tree_node *node = &nodes[at];
            tree->masked = tree->masked || (node->flags & LEAT_NODE_EQUAL) != 0;
            double value = (node->flags & LEAT_NODE_EQUAL) != 0 ? node->value : (double)(float)node->value;
            c->questions[c->question_count] = (struct question){value, node->feature, node->flags,
                                                                (uint32_t)c->question_count};
            c->question_count++;
        }
    }
}

static int by_feature(const void *left, const void *right)
{
    const struct question *a = left;
    const struct question *b = right;
    if (a->feature != b->feature)
        return a->feature < b->feature ? -1 : 1;
    if (a->flags != b->flags)
        return a->flags < b->flags ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

/* One run of questions about a feature: its different values, ascending, and for each question its place among them.
 * Returns how many. */
static uint32_t number_values(struct compiler *c, const struct question *from, const struct question *to,
                              uint32_t column, double *values)
{
    struct leat_symmetric *s = c->symmetric;
    uint32_t count = 0;
    bool equal = from->flags == LEAT_NODE_EQUAL;
    for (const struct question *q = from; q < to; q++) {
        if (count == 0 || values[count - 1] != q->value)
            values[count++] = q->value;
        uint32_t place = (count - 1) % RANK_MAX;
        s->levels[q->level] = (struct level){
            .column = column + (count - 1) / RANK_MAX,
            .mask = equal ? (uint8_t)~place : 0,
            .least = equal ? UINT8_MAX : (uint8_t)(place + 1),
        };
        /* A column's answers are at most 256, in tiles. */
        s->asked[q->level] = (uint32_t)s->answer_count + (count - 1) / RANK_MAX * (RANK_MAX + 1) + place;
    }
    return count;
}

static void put_ranking(struct compiler *c, const struct question *about, uint32_t column, const double *values,
                        uint32_t count)
{
    uint32_t steps = 1;
    while ((1u << steps) - 1 < count)
        steps++;
    float *borders = leat_arena_alloc(c->arena, count * sizeof *borders);
    for (uint32_t i = 0; i < count; i++)
        borders[i] = (float)values[i];
    c->symmetric->rankings[c->symmetric->ranking_count++] = (struct ranking){
        .borders = borders,
        .feature = about->feature,
        .count = count,
        .steps = steps,
        .column = column,
        .rank_of_nan = (about->flags & LEAT_NODE_DEFAULT_LEFT) == 0 ? count : 0,
    };
}

static void put_coding(struct compiler *c, const struct question *about, uint32_t column, const double *values,
                       uint32_t count)
{
    double *codes = leat_arena_alloc(c->arena, count * sizeof *codes);
    memcpy(codes, values, count * sizeof *codes);
    c->symmetric->codings[c->symmetric->coding_count++] = (struct coding){
        .codes = codes, .feature = about->feature, .count = count, .column = column};
}

static const struct question *end_of_run(const struct compiler *c, const struct question *from)
{
    const struct question *end = c->questions + c->question_count;
    const struct question *to = from;
    while (to < end && to->feature == from->feature && to->flags == from->flags)
        to++;
    return to;
}

static int by_steps(const void *left, const void *right)
{
    const struct ranking *a = left;
    const struct ranking *b = right;
    if (a->steps != b->steps)
        return a->steps < b->steps ? -1 : 1;
    return (a->feature > b->feature) - (a->feature < b->feature);
}

/* Makes eight searches, of which `count` are real, as long as the longest of them, the last. */
static void level_searches(struct compiler *c, struct ranking *rankings, size_t count)
{
    uint32_t steps = rankings[count < LANES ? count - 1 : LANES - 1].steps;
    for (size_t i = 0; i < count && i < LANES; i++) {
        float *borders = leat_arena_alloc(c->arena, ((size_t)1 << steps) * sizeof *borders);
        for (size_t k = 0; k < (size_t)1 << steps; k++)
            borders[k] = k < rankings[i].count ? rankings[i].borders[k] : INFINITY;
        rankings[i].borders = borders;
        rankings[i].steps = steps;
    }
    for (size_t i = count; i < LANES; i++)
        rankings[i] = rankings[count - 1];
}

/* Gives each feature, and where it must be each of its ways with missing values, columns of its own. */
static void compile_columns(struct compiler *c)
{
    struct leat_symmetric *s = c->symmetric;
    const struct question *end = c->questions + c->question_count;
    size_t runs = 0;
    if (c->question_count > 0)
        qsort(c->questions, c->question_count, sizeof *c->questions, by_feature);
    for (const struct question *q = c->questions; q < end; q = end_of_run(c, q))
        runs++;
    s->levels = leat_arena_zalloc(c->arena, c->question_count, sizeof *s->levels);
    s->asked = leat_arena_zalloc(c->arena, c->question_count, sizeof *s->asked);
    s->answers = leat_arena_zalloc(c->arena, c->question_count, sizeof *s->answers);
    s->rankings = leat_arena_zalloc(c->arena, runs + LANES, sizeof *s->rankings);
    s->codings = leat_arena_zalloc(c->arena, runs, sizeof *s->codings);
    double *values = leat_calloc(c->question_count, sizeof *values);
    for (const struct question *q = c->questions; q < end;) {
        const struct question *to = end_of_run(c, q);
        uint32_t column = (uint32_t)s->column_count;
        uint32_t count = number_values(c, q, to, column, values);
        (q->flags == LEAT_NODE_EQUAL ? put_coding : put_ranking)(c, q, column, values, count);
        for (uint32_t first = 0; first < count; first += RANK_MAX) {
            size_t answers = lanes_of(count - first < RANK_MAX ? count - first : RANK_MAX);
            s->answers[s->column_count++] = (struct answers){
                .first = (uint32_t)s->answer_count,
                .count = (uint32_t)answers,
                .codes = q->flags == LEAT_NODE_EQUAL,
            };
            s->answer_count += answers;
        }
        q = to;
    }
    free(values);
    if (s->ranking_count > 0)
        qsort(s->rankings, s->ranking_count, sizeof *s->rankings, by_steps);
    for (size_t i = 0; i < s->ranking_count; i += LANES)
        level_searches(c, &s->rankings[i], s->ranking_count - i);
}

const struct leat_symmetric *leat_symmetric_compile(const struct leat_forest *forest, struct leat_arena *arena)
{
    size_t levels = 0;
    size_t leaves = 0;
    if (!are_symmetric(forest, &levels, &leaves))
        return NULL;
    struct leat_symmetric *symmetric = leat_arena_zalloc(arena, 1, sizeof *symmetric);
    struct compiler c = {.forest = forest, .arena = arena, .symmetric = symmetric};
    symmetric->forest = forest;
    c.questions = leat_calloc(levels, sizeof *c.questions);
    compile_trees(&c, leaves);
    compile_columns(&c);
    free(c.questions);
    return symmetric;
}
