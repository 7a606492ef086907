/* TreeEnsembleClassifier, TreeEnsembleRegressor (versions 1, 3 and 5) and TreeEnsemble (version 5): their attributes
 * to the tables of ensemble.h, and its sums to labels and scores. Thresholds and sums are double where the input is,
 * else floats, as in ONNX Runtime. */
#include "base/map.h"
#include "model/onnx/ensemble.h"
#include "model/onnx/graph.h"
#include "model/onnx/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trees {
    const struct leat_ensemble *ensemble;
    size_t rows, features, targets;
    struct leat_labels labels;
    const double *base; /* base_count of them */
    size_t base_count;
    enum leat_post_transform transform;
    double divisor; /* of averages; 0: none */
    bool wide;
    bool binary;       /* two classes, and weights for one of them */
    bool all_positive; /* the weights */
    bool scored_asked;
    size_t sums_at, scored_at, finish_at, scratch_at; /* within the workspace */
};

/* An ensemble and, if it walks them, the tables that it was made of. */
struct forest {
    struct leat_ensemble *ensemble;
    struct leat_arena tables;
};

/* What the file's arrays are read into. */
struct reader {
    struct leat_graph *graph;
    struct leat_node *node;
    struct forest *forest;
    struct leat_arena *arena; /* the forest's */
    struct leat_error *err;
    struct trees *trees;
    struct leat_ensemble_tables tables;
};

/* ---- attributes ---- */

static int read_ints(const struct reader *r, const char *name, size_t count, const int64_t **ret)
{
    size_t found = 0;
    *ret = leat_node_ints(r->node, name, &found);
    if (*ret == NULL)
        found = 0;
    if (found != count)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "%s has %zu values, not %zu", name, found, count);
    return 0;
}

static double number_of(const struct leat_tensor *tensor, size_t i)
{
    return tensor->type == LEAT_TENSOR_DOUBLE ? ((const double *)tensor->data)[i]
                                              : (double)((const float *)tensor->data)[i];
}

/* An attribute of numbers, or its form as a tensor (NULL: it has none). *ret NULL and *ret_count 0: neither is there. */
static int read_numbers(const struct reader *r, const char *floats_name, const char *tensor_name, const double **ret,
                        size_t *ret_count)
{
    const struct leat_tensor *tensor = NULL;
    size_t count = 0;
    const float *floats = floats_name == NULL ? NULL : leat_node_floats(r->node, floats_name, &count);
    if (leat_node_tensor(r->graph, r->node, tensor_name, &tensor, r->err) < 0)
        return -1;
    *ret = NULL;
    *ret_count = 0;
    if (tensor != NULL && floats != NULL && count > 0)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "both %s and %s are there", floats_name, tensor_name);
    enum leat_tensor_type wanted = r->trees->wide ? LEAT_TENSOR_DOUBLE : LEAT_TENSOR_FLOAT;
    if (tensor != NULL && tensor->type != wanted)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "does not run here: %s is %s where %s belongs to the input",
                              tensor_name, leat_tensor_type_name(tensor->type), leat_tensor_type_name(wanted));
    if (tensor != NULL)
        count = tensor->count;
    if (count == 0)
        return 0;
    double *numbers = leat_arena_zalloc(r->arena, count, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = tensor != NULL ? number_of(tensor, i) : (double)floats[i];
    *ret = numbers;
    *ret_count = count;
    return 0;
}

static int wrong_count(const struct reader *r, const char *name, size_t found, size_t count)
{
    return leat_error_set(r->err, LEAT_ERROR_FINDING, "%s has %zu values, not %zu", name, found, count);
}

/* The table of features is checked for reached splits only: what leaves have there means nothing. */
static uint32_t feature_of(int64_t id)
{
    return id < 0 || id > UINT32_MAX ? UINT32_MAX : (uint32_t)id;
}

/* ---- versions 1 and 3 ---- */

/* Trees are mostly written one behind the other in rising order, with their nodes numbered from 0: then a node's place
 * follows from its numbers. Else there is a table of places. */
struct listed {
    const int64_t *tree, *id, *feature, *yes, *no, *missing;
    size_t missing_count;
    const struct leat_bytes *mode;
    const double *value;
    size_t count;
    const uint32_t *roots;
    size_t root_count;
    size_t near;             /* the tree that was asked for last */
    struct leat_map *places; /* (tree, id) to place + 1; NULL: the nodes lie in order */
};

static struct leat_bytes key_of(const int64_t *key)
{
    return (struct leat_bytes){(const char *)key, 2 * sizeof *key};
}

static int64_t tree_at(const struct listed *l, size_t root)
{
    return l->tree[l->roots[root]];
}

/* Which of the roots, in rising order, is the tree's; root_count: none. Mostly the one of the last call or the next. */
static size_t root_of(struct listed *l, int64_t tree)
{
    size_t low = 0;
    size_t high = l->root_count;
    for (size_t i = l->near; i < l->near + 2 && i < l->root_count; i++)
        if (tree_at(l, i) == tree)
            return l->near = i;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tree_at(l, middle) < tree)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == l->root_count || tree_at(l, low) != tree)
        return l->root_count;
    return l->near = low;
}

/* Where the node lies, or `count`. */
static size_t place_in_order(struct listed *l, int64_t tree, int64_t id)
{
    size_t root = root_of(l, tree);
    if (root == l->root_count)
        return l->count;
    size_t first = l->roots[root];
    size_t end = root + 1 == l->root_count ? l->count : l->roots[root + 1];
    uint64_t offset = (uint64_t)id - (uint64_t)l->id[first];
    return offset < end - first ? first + offset : l->count;
}

static int find_listed(const struct reader *r, struct listed *l, int64_t tree, int64_t id, uint32_t *ret)
{
    const int64_t key[2] = {tree, id};
    const uint64_t *found = l->places == NULL ? NULL : leat_map_find(l->places, key_of(key));
    size_t place = found != NULL ? *found - 1 : l->places != NULL ? l->count : place_in_order(l, tree, id);
    if (place == l->count)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "tree %lld has no node %lld", (long long)tree, (long long)id);
    *ret = (uint32_t)place;
    return 0;
}

/* A new tree has a larger number than the one before, and within a tree nodes are numbered one by one. */
static bool is_in_order(const struct listed *l)
{
    for (size_t i = 1; i < l->count; i++)
        if (l->tree[i] == l->tree[i - 1] ? l->id[i - 1] == INT64_MAX || l->id[i] != l->id[i - 1] + 1
                                         : l->tree[i] < l->tree[i - 1])
            return false;
    return true;
}

static int make_places(const struct reader *r, struct listed *l)
{
    l->places = leat_map_new();
    for (size_t i = 0; i < l->count; i++) {
        const int64_t key[2] = {l->tree[i], l->id[i]};
        bool added = false;
        *leat_map_put(l->places, key_of(key), &added) = i + 1;
        if (!added)
            return leat_error_set(r->err, LEAT_ERROR_FINDING, "tree %lld has node %lld twice", (long long)key[0],
                                  (long long)key[1]);
    }
    return 0;
}

static int read_mode(const struct reader *r, struct leat_bytes text, uint8_t *ret)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                        "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (leat_bytes_is(text, names[i])) {
            *ret = (uint8_t)i;
            return 0;
        }
    }
    *ret = LEAT_SPLIT_LEAF;
    if (!leat_bytes_is(text, "LEAF"))
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "nodes_modes has '%.*s', which is none of the format's",
                              LEAT_BYTES_FORMAT(leat_shown(text)));
    return 0;
}

static int list_nodes(struct reader *r, struct listed *l)
{
    for (size_t i = 0; i < r->tables.split_count; i++) {
        if (i == 0 || l->tree[i] != l->tree[i - 1])
            r->tables.roots[r->tables.root_count++] = (uint32_t)i;
        struct leat_split *split = &r->tables.splits[i];
        *split = (struct leat_split){.value = l->value[i], .feature = feature_of(l->feature[i])};
        split->missing_yes = i < l->missing_count && l->missing[i] == 1;
        if (read_mode(r, l->mode[i], &split->mode) < 0)
            return -1;
    }
    l->roots = r->tables.roots;
    l->root_count = r->tables.root_count;
    return is_in_order(l) ? 0 : make_places(r, l);
}

/* A tree's root is its first node in the file. */
static int link_nodes(struct reader *r, struct listed *l)
{
    uint8_t *is_child = leat_arena_zalloc(r->arena, r->tables.split_count + 1, 1);
    for (size_t i = 0; i < r->tables.split_count; i++) {
        struct leat_split *split = &r->tables.splits[i];
        if (split->mode == LEAT_SPLIT_LEAF)
            continue;
        if (find_listed(r, l, l->tree[i], l->yes[i], &split->yes) < 0 ||
            find_listed(r, l, l->tree[i], l->no[i], &split->no) < 0)
            return -1;
        is_child[split->yes] = 1;
        is_child[split->no] = 1;
    }
    for (size_t tree = 0; tree < r->tables.root_count; tree++) {
        uint32_t root = r->tables.roots[tree];
        if (is_child[root])
            return leat_error_set(r->err, LEAT_ERROR_FINDING,
                                  "the first node of tree %lld, %lld, is a child of another (or its nodes do not lie "
                                  "together)",
                                  (long long)l->tree[root], (long long)l->id[root]);
    }
    return 0;
}

static int read_listed(struct reader *r, struct listed *l)
{
    size_t count = 0;
    size_t values = 0;
    l->id = leat_node_ints(r->node, "nodes_nodeids", &count);
    if (l->id == NULL || count == 0 || count > INT32_MAX)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "it has no nodes, or too many");
    if (read_ints(r, "nodes_treeids", count, &l->tree) < 0 || read_ints(r, "nodes_featureids", count, &l->feature) < 0 ||
        read_ints(r, "nodes_truenodeids", count, &l->yes) < 0 || read_ints(r, "nodes_falsenodeids", count, &l->no) < 0 ||
        read_numbers(r, "nodes_values", "nodes_values_as_tensor", &l->value, &values) < 0)
        return -1;
    if (values != count)
        return wrong_count(r, "nodes_values", values, count);
    size_t modes = 0;
    l->mode = leat_node_texts(r->node, "nodes_modes", &modes);
    if (l->mode == NULL || modes != count)
        return wrong_count(r, "nodes_modes", l->mode == NULL ? 0 : modes, count);
    l->missing = leat_node_ints(r->node, "nodes_missing_value_tracks_true", &l->missing_count);
    if (l->missing == NULL)
        l->missing_count = 0;
    l->count = count;
    r->tables.split_count = count;
    r->tables.splits = leat_arena_zalloc(r->arena, count, sizeof *r->tables.splits);
    r->tables.roots = leat_arena_zalloc(r->arena, count, sizeof *r->tables.roots);
    if (list_nodes(r, l) < 0)
        return -1;
    return link_nodes(r, l);
}

struct weight_names {
    const char *tree, *node, *target, *floats, *tensor;
};

struct weight_table {
    const int64_t *tree, *node, *target;
    const double *value;
    size_t count;
};

static int read_weight_table(const struct reader *r, const struct weight_names *names, struct weight_table *ret)
{
    size_t values = 0;
    if (leat_node_ints(r->node, names->node, &ret->count) == NULL)
        ret->count = 0;
    if (read_ints(r, names->tree, ret->count, &ret->tree) < 0 || read_ints(r, names->node, ret->count, &ret->node) < 0 ||
        read_ints(r, names->target, ret->count, &ret->target) < 0 ||
        read_numbers(r, names->floats, names->tensor, &ret->value, &values) < 0)
        return -1;
    return values == ret->count ? 0 : wrong_count(r, names->floats, values, ret->count);
}

/* Counts first, then fills: each leaf's weights come to lie together, in file order. */
static int read_weights(struct reader *r, struct listed *l, const struct weight_table *w)
{
    uint32_t *leaf_of = leat_arena_zalloc(r->arena, w->count + 1, sizeof *leaf_of);
    struct leat_split *splits = r->tables.splits;
    for (size_t i = 0; i < w->count; i++) {
        if (find_listed(r, l, w->tree[i], w->node[i], &leaf_of[i]) < 0)
            return -1;
        if (w->target[i] < 0 || (size_t)w->target[i] >= r->tables.target_count)
            return leat_error_set(r->err, LEAT_ERROR_FINDING, "a weight is of target %lld, but there are %zu",
                                  (long long)w->target[i], r->tables.target_count);
        splits[leaf_of[i]].count++;
    }
    r->tables.weights = leat_arena_zalloc(r->arena, w->count + 1, sizeof *r->tables.weights);
    uint32_t first = 0;
    for (size_t i = 0; i < r->tables.split_count; i++) {
        splits[i].first = first;
        first += splits[i].count;
        splits[i].count = 0;
    }
    for (size_t i = 0; i < w->count; i++) {
        struct leat_split *leaf = &splits[leaf_of[i]];
        /* With one target ONNX Runtime looks at a leaf's first weight only. */
        if (r->tables.target_count == 1 && leaf->count == 1)
            continue;
        r->tables.weights[leaf->first + leaf->count++] = (struct leat_leaf_weight){(uint32_t)w->target[i], w->value[i]};
    }
    for (size_t i = 0; i < r->tables.split_count; i++)
        if (splits[i].mode == LEAT_SPLIT_LEAF && splits[i].count == 0)
            return leat_error_set(r->err, LEAT_ERROR_FINDING, "node %lld of tree %lld is a leaf without a weight",
                                  (long long)l->id[i], (long long)l->tree[i]);
    return 0;
}

static int read_old(struct reader *r, const struct weight_names *names, struct weight_table *weights)
{
    struct listed l = {0};
    int status = read_weight_table(r, names, weights);
    if (status == 0)
        status = read_listed(r, &l);
    if (status == 0)
        status = read_weights(r, &l, weights);
    leat_map_free(l.places);
    return status;
}

/* ---- preparing ---- */

static void release(void *object)
{
    struct forest *forest = object;
    leat_ensemble_free(forest->ensemble);
    leat_arena_done(&forest->tables);
    free(forest);
}

/* What the twin has of attributes alone, when its input is of the same kind. */
static bool take_twin(const struct reader *r)
{
    const struct leat_node *node = leat_node_twin(r->graph, r->node);
    const struct trees *twin = node == NULL ? NULL : node->state;
    size_t rows = r->trees->rows;
    if (twin == NULL || twin->features != r->trees->features ||
        leat_node_input(node, 0)->type != leat_node_input(r->node, 0)->type)
        return false;
    *r->trees = *twin;
    r->trees->rows = rows;
    return true;
}

static int begin(struct reader *r, struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct leat_arena *arena = leat_graph_arena(graph);
    struct trees *trees = leat_arena_zalloc(arena, 1, sizeof *trees);
    const struct leat_tensor *x = leat_node_input(node, 0);
    struct forest *forest = leat_calloc(1, sizeof *forest);
    leat_graph_keep(graph, forest, release);
    *r = (struct reader){graph, node, forest, &forest->tables, err, trees, {0}};
    if (x->type != LEAT_TENSOR_FLOAT && x->type != LEAT_TENSOR_DOUBLE && x->type != LEAT_TENSOR_INT64 &&
        x->type != LEAT_TENSOR_INT32)
        return leat_node_refuse_type(node, 0, err);
    trees->wide = x->type == LEAT_TENSOR_DOUBLE;
    node->state = trees;
    return leat_rows_of(node, &trees->rows, &trees->features, err);
}

static size_t aligned(size_t size)
{
    return (size + 63) / 64 * 64;
}

/* The workspace: the rows as doubles, sums, marks, one row to finish, and what the ensemble needs. */
static int lay_out(const struct reader *r)
{
    struct trees *t = r->trees;
    if (t->targets > LEAT_TENSOR_ELEMENTS_MAX / (t->rows + 1) || t->features > LEAT_TENSOR_ELEMENTS_MAX / (t->rows + 1))
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "%zu rows of %zu features and %zu targets are too many",
                              t->rows, t->features, t->targets);
    size_t work = leat_ensemble_row_work(t->ensemble);
    r->node->copied = true;
    r->node->work = work > SIZE_MAX / 2 / (t->rows + 1) ? SIZE_MAX / 2 : work * (t->rows + 1);
    t->sums_at = aligned(t->rows * t->features * sizeof(double));
    t->scored_at = t->sums_at + aligned(t->rows * t->targets * sizeof(double));
    t->finish_at = t->scored_at + aligned(t->rows * t->targets * sizeof(bool));
    t->scratch_at = t->finish_at + aligned((t->targets + 1) * sizeof(double));
    return leat_node_workspace(r->graph, r->node, t->scratch_at + leat_ensemble_scratch(t->ensemble, t->rows), r->err);
}

static int finish(struct reader *r)
{
    struct trees *t = r->trees;
    r->tables.wide = t->wide;
    r->tables.feature_count = t->features;
    r->tables.scored_asked = t->scored_asked;
    t->targets = r->tables.target_count;
    if (leat_ensemble_new(&r->tables, &r->forest->ensemble, r->err) < 0)
        return -1;
    t->ensemble = r->forest->ensemble;
    if (!leat_ensemble_is_plain(t->ensemble))
        leat_arena_done(&r->forest->tables);
    leat_graph_count_bytes(r->graph, leat_ensemble_bytes(t->ensemble) + r->forest->tables.allocated);
    leat_node_offer(r->graph, r->node);
    return 0;
}

/* ---- running ---- */

/* Returns the sums: rows × targets, widened to double. */
static double *sum_up(const struct leat_node *node, const struct leat_run *run, bool **ret_scored)
{
    const struct trees *t = node->state;
    char *workspace = run->scratch + node->workspace;
    const struct leat_tensor *x = leat_node_input(node, 0);
    const void *data = leat_tensor_data(run, x);
    const double *rows = data;
    size_t count = t->rows * t->features;
    if (x->type == LEAT_TENSOR_FLOAT) {
        double *wide = (double *)(void *)workspace;
        for (size_t i = 0; i < count; i++)
            wide[i] = (double)((const float *)data)[i];
        rows = wide;
    } else if (x->type != LEAT_TENSOR_DOUBLE) {
        double *wide = (double *)(void *)workspace;
        for (size_t i = 0; i < count; i++)
            wide[i] = x->type == LEAT_TENSOR_INT32 ? (double)(float)((const int32_t *)data)[i]
                                                   : (double)(float)((const int64_t *)data)[i];
        rows = wide;
    }
    double *sums = (double *)(void *)(workspace + t->sums_at);
    *ret_scored = t->scored_asked ? (bool *)(workspace + t->scored_at) : NULL;
    leat_ensemble_run(t->ensemble, rows, t->rows, sums, *ret_scored, workspace + t->scratch_at);
    return sums;
}

static double plus(const struct trees *t, double a, double b)
{
    return t->wide ? a + b : (double)((float)a + (float)b);
}

static double divided(const struct trees *t, double sum)
{
    if (t->divisor == 0)
        return sum;
    return t->wide ? sum / t->divisor : (double)((float)sum / (float)t->divisor);
}

static void put_scores(const struct leat_tensor *output, void *data, size_t first, const double *scores, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (output->type == LEAT_TENSOR_DOUBLE)
            ((double *)data)[first + i] = scores[i];
        else
            ((float *)data)[first + i] = (float)scores[i];
    }
}

static void run_regressor(const struct leat_node *node, struct leat_run *run)
{
    const struct trees *t = node->state;
    bool *scored = NULL;
    const double *sums = sum_up(node, run, &scored);
    double *scores = (double *)(void *)(run->scratch + node->workspace + t->finish_at);
    void *out = leat_tensor_data(run, node->outputs[0]);
    for (size_t row = 0; row < t->rows; row++) {
        for (size_t i = 0; i < t->targets; i++) {
            scores[i] = divided(t, sums[row * t->targets + i]);
            /* A target that no leaf scored stays 0, as in ONNX Runtime. */
            if (t->base_count > 0 && (scored == NULL || scored[row * t->targets + i]))
                scores[i] = plus(t, scores[i], t->base[i]);
        }
        leat_scores_finish(scores, t->targets, t->transform, LEAT_SECOND_NONE);
        put_scores(node->outputs[0], out, row * t->targets, scores, t->targets);
    }
}

/* ---- regressors ---- */

/* Beyond the tables and the file's attributes. */
static void *kept(const struct reader *r, const void *values, size_t count, size_t size)
{
    void *copy = leat_arena_zalloc(leat_graph_arena(r->graph), count + 1, size);
    if (count > 0)
        memcpy(copy, values, count * size);
    return copy;
}

static int read_base(struct reader *r, const char *floats_name, const char *tensor_name)
{
    struct trees *t = r->trees;
    const double *base = NULL;
    if (read_numbers(r, floats_name, tensor_name, &base, &t->base_count) < 0)
        return -1;
    t->base = kept(r, base, t->base_count, sizeof *base);
    return 0;
}

static int regressor_output(struct reader *r, enum leat_tensor_type type)
{
    const int64_t dims[2] = {(int64_t)r->trees->rows, (int64_t)r->trees->targets};
    r->node->run = run_regressor;
    return leat_node_output(r->graph, r->node, 0, type, 2, dims, r->err);
}

static int read_targets(struct reader *r)
{
    int64_t targets = leat_node_int(r->node, "n_targets", 0);
    if (targets <= 0 || targets > (int64_t)LEAT_TENSOR_ELEMENTS_MAX)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "n_targets is %lld", (long long)targets);
    r->tables.target_count = (size_t)targets;
    return 0;
}

static void set_aggregate(struct reader *r, enum leat_ensemble_aggregate aggregate)
{
    r->tables.aggregate = aggregate;
    r->trees->divisor = aggregate == LEAT_ENSEMBLE_AVERAGE ? (double)r->tables.root_count : 0;
}

static int read_aggregate(struct reader *r)
{
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    struct leat_bytes text = leat_node_text(r->node, "aggregate_function", "SUM");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (leat_bytes_is(text, names[i])) {
            set_aggregate(r, (enum leat_ensemble_aggregate)i);
            return 0;
        }
    }
    return leat_error_set(r->err, LEAT_ERROR_FINDING, "aggregate_function is '%.*s', which is none of the format's",
                          LEAT_BYTES_FORMAT(leat_shown(text)));
}

static int read_regressor(struct reader *r)
{
    static const struct weight_names names = {"target_treeids", "target_nodeids", "target_ids", "target_weights",
                                              "target_weights_as_tensor"};
    struct trees *t = r->trees;
    struct weight_table weights = {0};
    if (read_targets(r) < 0 || read_old(r, &names, &weights) < 0 || read_aggregate(r) < 0 ||
        leat_post_transform_read(r->node, &t->transform, r->err) < 0 ||
        read_base(r, "base_values", "base_values_as_tensor") < 0)
        return -1;
    if (t->base_count != 0 && t->base_count != r->tables.target_count)
        return wrong_count(r, "base_values", t->base_count, r->tables.target_count);
    t->scored_asked = t->base_count > 0 && r->tables.target_count > 1;
    return finish(r);
}

static int prepare_regressor(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct reader r;
    if (begin(&r, graph, node, err) < 0 || (!take_twin(&r) && read_regressor(&r) < 0) || lay_out(&r) < 0)
        return -1;
    return regressor_output(&r, LEAT_TENSOR_FLOAT);
}

/* ---- classifiers ---- */

/* The label of two classes when the scores are told by one number; *ret_second becomes how it is made two. */
static size_t binary_label(const struct trees *t, double score, enum leat_second_score *ret_second)
{
    if (!t->binary)
        return score > 0;
    *ret_second = t->all_positive ? LEAT_SECOND_OPPOSITE : LEAT_SECOND_NEGATED;
    return score > (t->all_positive ? 0.5 : 0);
}

/* Two classes. ONNX Runtime's rules, case by case; a class is 'scored' when any leaf had a weight for it. */
static size_t finish_two(const struct trees *t, double *scores, const bool *scored)
{
    size_t count = 2;
    bool second_scored = scored[1];
    enum leat_second_score second = LEAT_SECOND_NONE;
    if (t->base_count == 2 && second_scored) {
        scores[1] = plus(t, t->base[1], scores[0]);
        scores[0] = -scores[1];
    } else if (t->base_count == 2) {
        scores[0] = plus(t, scores[0], t->base[0]);
    } else {
        if (t->base_count == 1)
            scores[0] = plus(t, scores[0], t->base[0]);
        else
            second = LEAT_SECOND_NEGATED;
        count = second_scored ? 2 : 1;
    }
    size_t label = binary_label(t, second_scored ? scores[1] : scores[0], &second);
    for (size_t i = 0; i < count; i++)
        scores[i] = scored[i] || count == 1 ? scores[i] : 0;
    leat_scores_finish(scores, count, t->transform, second);
    return label;
}

static size_t finish_many(const struct trees *t, double *scores, const bool *scored)
{
    size_t label = SIZE_MAX;
    for (size_t i = 0; i < t->targets; i++) {
        if (t->base_count > 0)
            scores[i] = plus(t, scores[i], t->base[i]);
        if (!scored[i] && t->base_count == 0)
            continue;
        if (label == SIZE_MAX || scores[i] > scores[label])
            label = i;
    }
    leat_scores_finish(scores, t->targets, t->transform, LEAT_SECOND_NONE);
    return label == SIZE_MAX ? 0 : label;
}

/* One class. */
static size_t finish_one(const struct trees *t, double *scores)
{
    if (t->base_count == 1)
        scores[0] = plus(t, scores[0], t->base[0]);
    size_t label = scores[0] > 0;
    leat_scores_finish(scores, 1, t->transform, LEAT_SECOND_NONE);
    return label;
}

static void run_classifier(const struct leat_node *node, struct leat_run *run)
{
    const struct trees *t = node->state;
    bool *scored = NULL;
    const double *sums = sum_up(node, run, &scored);
    double *scores = (double *)(void *)(run->scratch + node->workspace + t->finish_at);
    void *labels = node->outputs[0] == NULL ? NULL : leat_tensor_data(run, node->outputs[0]);
    const struct leat_tensor *output = node->output_count > 1 ? node->outputs[1] : NULL;
    for (size_t row = 0; row < t->rows; row++) {
        memcpy(scores, sums + row * t->targets, t->targets * sizeof *scores);
        const bool *marks = scored + row * t->targets;
        size_t label = t->targets == 1   ? finish_one(t, scores)
                       : t->targets == 2 ? finish_two(t, scores, marks)
                                         : finish_many(t, scores, marks);
        leat_labels_put(&t->labels, labels, row, label);
        if (output != NULL)
            put_scores(output, leat_tensor_data(run, output), row * t->targets, scores, t->targets);
    }
}

static void look_at_weights(struct trees *t, const struct weight_table *weights)
{
    bool one = true;
    t->all_positive = true;
    for (size_t i = 0; i < weights->count; i++) {
        one = one && weights->target[i] == weights->target[0];
        t->all_positive = t->all_positive && !(weights->value[i] < 0);
    }
    t->binary = one && weights->count > 0 && t->labels.count == 2;
}

static void read_labels(const struct reader *r)
{
    struct leat_labels *labels = &r->trees->labels;
    *labels = leat_labels_read(r->node, "classlabels_strings", "classlabels_int64s");
    if (labels->texts != NULL)
        labels->texts = kept(r, labels->texts, labels->count, sizeof *labels->texts);
    else if (labels->numbers != NULL)
        labels->numbers = kept(r, labels->numbers, labels->count, sizeof *labels->numbers);
}

static int check_classes(const struct reader *r)
{
    struct trees *t = r->trees;
    if (t->labels.count == 0)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "it has neither classlabels_strings nor classlabels_int64s");
    if (t->base_count != 0 && t->base_count != t->labels.count && !(t->labels.count == 2 && t->base_count == 1))
        return wrong_count(r, "base_values", t->base_count, t->labels.count);
    if (t->labels.count == 1 && t->labels.texts != NULL)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "does not run here: one class with a text for a name");
    /* Where a score above 0 is all that tells the label, ONNX Runtime gives 1 or 0 whatever the classes' numbers are. */
    static const int64_t numbers[2] = {0, 1};
    if (t->labels.count <= 2 && !t->binary && t->labels.texts == NULL)
        t->labels.numbers = numbers;
    if (t->labels.count == 2 && t->base_count < 2 && t->transform == LEAT_POST_PROBIT)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "does not run here: PROBIT of one score for two classes");
    /* What the second score would be is not said anywhere; ONNX Runtime leaves it unwritten. */
    if (t->labels.count == 2 && !t->binary && t->base_count == 1)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "does not run here: one base value for two classes");
    return 0;
}

static int read_classifier(struct reader *r)
{
    static const struct weight_names names = {"class_treeids", "class_nodeids", "class_ids", "class_weights",
                                              "class_weights_as_tensor"};
    struct weight_table weights = {0};
    struct trees *t = r->trees;
    read_labels(r);
    t->scored_asked = true;
    r->tables.target_count = t->labels.count;
    if (read_old(r, &names, &weights) < 0 || leat_post_transform_read(r->node, &t->transform, r->err) < 0 ||
        read_base(r, "base_values", "base_values_as_tensor") < 0)
        return -1;
    look_at_weights(t, &weights);
    if (check_classes(r) < 0)
        return -1;
    set_aggregate(r, LEAT_ENSEMBLE_SUM);
    return finish(r);
}

static int prepare_classifier(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct reader r;
    if (begin(&r, graph, node, err) < 0 || (!take_twin(&r) && read_classifier(&r) < 0) || lay_out(&r) < 0)
        return -1;
    const struct trees *t = r.trees;
    node->run = run_classifier;
    const int64_t dims[2] = {(int64_t)t->rows, (int64_t)t->targets};
    if (leat_node_output(graph, node, 0, leat_labels_type(&t->labels), 1, dims, err) < 0)
        return -1;
    return leat_node_output(graph, node, 1, LEAT_TENSOR_FLOAT, 2, dims, err);
}

/* ---- TreeEnsemble 5 ---- */

struct arrays {
    const int64_t *yes, *no, *yes_leaf, *no_leaf, *feature, *missing, *roots, *leaf_target;
    size_t missing_count, root_count, leaf_count;
    const uint8_t *mode;
    const double *split, *leaf_weight, *member;
    size_t member_count;
};

static int read_arrays(struct reader *r, struct arrays *a)
{
    size_t count = 0;
    size_t found = 0;
    a->feature = leat_node_ints(r->node, "nodes_featureids", &count);
    if (a->feature == NULL || count == 0 || count > INT32_MAX / 2)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "it has no nodes, or too many");
    r->tables.split_count = count;
    if (read_ints(r, "nodes_truenodeids", count, &a->yes) < 0 || read_ints(r, "nodes_falsenodeids", count, &a->no) < 0 ||
        read_ints(r, "nodes_trueleafs", count, &a->yes_leaf) < 0 ||
        read_ints(r, "nodes_falseleafs", count, &a->no_leaf) < 0 ||
        read_numbers(r, NULL, "nodes_splits", &a->split, &found) < 0)
        return -1;
    if (found != count)
        return wrong_count(r, "nodes_splits", found, count);
    const struct leat_tensor *modes = NULL;
    if (leat_node_tensor(r->graph, r->node, "nodes_modes", &modes, r->err) < 0)
        return -1;
    if (modes == NULL || modes->type != LEAT_TENSOR_UINT8 || modes->count != count)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "nodes_modes is not %zu values of uint8", count);
    a->mode = modes->data;
    a->missing = leat_node_ints(r->node, "nodes_missing_value_tracks_true", &a->missing_count);
    if (a->missing == NULL)
        a->missing_count = 0;
    return 0;
}

static int read_leaf_arrays(struct reader *r, struct arrays *a)
{
    a->leaf_target = leat_node_ints(r->node, "leaf_targetids", &a->leaf_count);
    a->roots = leat_node_ints(r->node, "tree_roots", &a->root_count);
    if (a->leaf_target == NULL || a->leaf_count == 0 || a->leaf_count > INT32_MAX / 2 || a->roots == NULL ||
        a->root_count == 0)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "it has no leaves or no tree_roots");
    size_t found = 0;
    if (read_numbers(r, NULL, "leaf_weights", &a->leaf_weight, &found) < 0)
        return -1;
    if (found != a->leaf_count)
        return wrong_count(r, "leaf_weights", found, a->leaf_count);
    return read_numbers(r, NULL, "membership_values", &a->member, &a->member_count);
}

/* Leaves lie behind the nodes. */
static int place_of(const struct reader *r, const struct arrays *a, int64_t id, bool leaf, uint32_t *ret)
{
    size_t nodes = r->tables.split_count - a->leaf_count;
    size_t count = leaf ? a->leaf_count : nodes;
    if (id < 0 || (size_t)id >= count)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "there is no %s %lld, there are %zu", leaf ? "leaf" : "node",
                              (long long)id, count);
    *ret = (uint32_t)((leaf ? nodes : 0) + (size_t)id);
    return 0;
}

static int put_nodes(struct reader *r, const struct arrays *a)
{
    size_t member = 0;
    for (size_t i = 0; i < r->tables.split_count - a->leaf_count; i++) {
        struct leat_split *split = &r->tables.splits[i];
        *split = (struct leat_split){.value = a->split[i], .feature = feature_of(a->feature[i]), .mode = a->mode[i]};
        split->missing_yes = i < a->missing_count && a->missing[i] == 1;
        if (split->mode > LEAT_SPLIT_MEMBER)
            return leat_error_set(r->err, LEAT_ERROR_FINDING, "nodes_modes has %u, which is none of the format's",
                                  split->mode);
        if (place_of(r, a, a->yes[i], a->yes_leaf[i] != 0, &split->yes) < 0 ||
            place_of(r, a, a->no[i], a->no_leaf[i] != 0, &split->no) < 0)
            return -1;
        if (split->mode != LEAT_SPLIT_MEMBER)
            continue;
        split->first = (uint32_t)member;
        while (member < a->member_count && !isnan(a->member[member]))
            member++;
        split->count = (uint32_t)member - split->first;
        member++;
    }
    return 0;
}

static int put_roots(struct reader *r, const struct arrays *a)
{
    for (size_t i = 0; i < a->root_count; i++) {
        uint32_t *root = &r->tables.roots[i];
        if (place_of(r, a, a->roots[i], false, root) < 0)
            return -1;
        const struct leat_split *split = &r->tables.splits[*root];
        if (split->yes == split->no && r->tables.splits[split->yes].mode == LEAT_SPLIT_LEAF)
            *root = split->yes;
    }
    return 0;
}

static int put_arrays(struct reader *r, const struct arrays *a)
{
    size_t nodes = r->tables.split_count;
    r->tables.split_count += a->leaf_count;
    r->tables.root_count = a->root_count;
    r->tables.splits = leat_arena_zalloc(r->arena, r->tables.split_count, sizeof *r->tables.splits);
    r->tables.weights = leat_arena_zalloc(r->arena, a->leaf_count, sizeof *r->tables.weights);
    r->tables.roots = leat_arena_zalloc(r->arena, a->root_count, sizeof *r->tables.roots);
    r->tables.members = leat_arena_zalloc(r->arena, a->member_count + 1, sizeof *r->tables.members);
    if (a->member_count > 0)
        memcpy(r->tables.members, a->member, a->member_count * sizeof *a->member);
    for (size_t i = 0; i < a->leaf_count; i++) {
        if (a->leaf_target[i] < 0 || (size_t)a->leaf_target[i] >= r->tables.target_count)
            return leat_error_set(r->err, LEAT_ERROR_FINDING, "leaf %zu is of target %lld, but there are %zu", i,
                                  (long long)a->leaf_target[i], r->tables.target_count);
        r->tables.weights[i] = (struct leat_leaf_weight){(uint32_t)a->leaf_target[i], a->leaf_weight[i]};
        r->tables.splits[nodes + i] = (struct leat_split){.mode = LEAT_SPLIT_LEAF, .first = (uint32_t)i, .count = 1};
    }
    return put_nodes(r, a) < 0 ? -1 : put_roots(r, a);
}

static int read_ensemble(struct reader *r)
{
    struct arrays a = {0};
    if (read_targets(r) < 0 || read_arrays(r, &a) < 0 || read_leaf_arrays(r, &a) < 0 || put_arrays(r, &a) < 0)
        return -1;
    int64_t transform = leat_node_int(r->node, "post_transform", 0);
    int64_t aggregate = leat_node_int(r->node, "aggregate_function", 1);
    if (transform < 0 || transform > LEAT_POST_PROBIT || aggregate < 0 || aggregate > LEAT_ENSEMBLE_MAX)
        return leat_error_set(r->err, LEAT_ERROR_FINDING, "post_transform %lld or aggregate_function %lld is unknown",
                              (long long)transform, (long long)aggregate);
    r->trees->transform = (enum leat_post_transform)transform;
    set_aggregate(r, (enum leat_ensemble_aggregate)aggregate);
    return finish(r);
}

static int prepare_ensemble(struct leat_graph *graph, struct leat_node *node, struct leat_error *err)
{
    struct reader r;
    if (leat_node_input(node, 0)->type != LEAT_TENSOR_FLOAT && leat_node_input(node, 0)->type != LEAT_TENSOR_DOUBLE)
        return leat_node_refuse_type(node, 0, err);
    if (begin(&r, graph, node, err) < 0 || (!take_twin(&r) && read_ensemble(&r) < 0) || lay_out(&r) < 0)
        return -1;
    return regressor_output(&r, leat_node_input(node, 0)->type);
}

const struct leat_operator leat_ops_trees[] = {
    {.domain = "ai.onnx.ml",
     .name = "TreeEnsembleClassifier",
     .since = 1,
     .prepare = prepare_classifier,
     .run = run_classifier,
     .by_row = leat_by_matrix_row,
     .min_inputs = 1,
     .max_inputs = 1},
    {.domain = "ai.onnx.ml",
     .name = "TreeEnsembleRegressor",
     .since = 1,
     .prepare = prepare_regressor,
     .run = run_regressor,
     .by_row = leat_by_matrix_row,
     .min_inputs = 1,
     .max_inputs = 1},
    {.domain = "ai.onnx.ml",
     .name = "TreeEnsemble",
     .since = 5,
     .prepare = prepare_ensemble,
     .run = run_regressor,
     .by_row = leat_by_matrix_row,
     .min_inputs = 1,
     .max_inputs = 1},
    {.name = NULL},
};
