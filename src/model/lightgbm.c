/* LightGBM's text, v3 (3.x) and v4 (4.x): lines of name=value, a header and then a block a tree.
 *
 * Read line by line within the file's bounds; an array is only made after its line was seen to be long enough for
 * it. Leaves are numbered apart from splits in the file (a child below 0 is leaf ~child); here they follow the
 * splits. */
#include "model/forest.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct leat_bytes rest;
    struct leat_bytes line;
    size_t number; /* of the line, from 1 */
};

/* The lines of a tree that matter; data is NULL for one that is absent. */
enum field {
    FIELD_LEAVES,
    FIELD_CATEGORIES,
    FIELD_FEATURE,
    FIELD_THRESHOLD,
    FIELD_DECISION,
    FIELD_LEFT,
    FIELD_RIGHT,
    FIELD_VALUE,
    FIELD_BOUNDARIES,
    FIELD_WORDS,
    FIELD_LINEAR,
    FIELD_CONSTANT,
    FIELD_TERM_COUNTS,
    FIELD_TERM_FEATURES,
    FIELD_TERM_COEFFICIENTS,
    FIELD_SPLIT_ROWS,
    FIELD_LEAF_ROWS,
    FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_LEAVES] = "num_leaves",
    [FIELD_CATEGORIES] = "num_cat",
    [FIELD_FEATURE] = "split_feature",
    [FIELD_THRESHOLD] = "threshold",
    [FIELD_DECISION] = "decision_type",
    [FIELD_LEFT] = "left_child",
    [FIELD_RIGHT] = "right_child",
    [FIELD_VALUE] = "leaf_value",
    [FIELD_BOUNDARIES] = "cat_boundaries",
    [FIELD_WORDS] = "cat_threshold",
    [FIELD_LINEAR] = "is_linear",
    [FIELD_CONSTANT] = "leaf_const",
    [FIELD_TERM_COUNTS] = "num_features",
    [FIELD_TERM_FEATURES] = "leaf_features",
    [FIELD_TERM_COEFFICIENTS] = "leaf_coeff",
    [FIELD_SPLIT_ROWS] = "internal_count",
    [FIELD_LEAF_ROWS] = "leaf_count",
};

struct tree_text {
    struct leat_bytes value[FIELD_COUNT];
    size_t line[FIELD_COUNT];
};

struct loader {
    struct leat_forest *forest;
    struct reader reader;
    struct leat_error *err;

    bool average;
    bool objective_read;
    int64_t trees_an_iteration;
    int64_t declared_trees;                /* by tree_sizes; -1: not told */
    bool uncounted;                        /* a tree does not say how many rows came to its nodes */
    struct leat_bytes infos;               /* the line feature_infos; data is NULL without it */
    struct leat_bytes declared_categories; /* the parameter categorical_feature */

    /* Growing arrays, copied to the arena when their size is known. */
    size_t node_room, cover_room, tree_room, set_room, word_room, linear_room, term_room;
    size_t word_count, linear_count, term_count;
    struct leat_tree_node *nodes;
    double *cover;
    struct leat_tree *trees;
    struct leat_category_set *sets;
    uint32_t *words;
    struct leat_linear_leaf *linear;
    struct leat_linear_term *terms;
};

#define refuse(l, ...) leat_error_set((l)->err, LEAT_ERROR_FINDING, __VA_ARGS__)

/* ---- lines and numbers ---- */

static bool next_line(struct reader *reader)
{
    if (reader->rest.len == 0)
        return false;
    const char *end = memchr(reader->rest.data, '\n', reader->rest.len);
    size_t len = end == NULL ? reader->rest.len : (size_t)(end - reader->rest.data);
    reader->line = (struct leat_bytes){reader->rest.data, len};
    if (len > 0 && reader->line.data[len - 1] == '\r')
        reader->line.len--;
    size_t taken = end == NULL ? len : len + 1;
    reader->rest = (struct leat_bytes){reader->rest.data + taken, reader->rest.len - taken};
    reader->number++;
    return true;
}

static bool begins(struct leat_bytes text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* Parts a line at its first '='; false when it has none. */
static bool part(struct leat_bytes line, struct leat_bytes *ret_name, struct leat_bytes *ret_value)
{
    const char *equals = line.len == 0 ? NULL : memchr(line.data, '=', line.len);
    if (equals == NULL)
        return false;
    size_t len = (size_t)(equals - line.data);
    *ret_name = (struct leat_bytes){line.data, len};
    *ret_value = (struct leat_bytes){equals + 1, line.len - len - 1};
    return true;
}

/* Takes the next word of a list that is parted by spaces. */
static bool next_word(struct leat_bytes *list, struct leat_bytes *ret)
{
    while (list->len > 0 && list->data[0] == ' ') {
        list->data++;
        list->len--;
    }
    if (list->len == 0)
        return false;
    const char *end = memchr(list->data, ' ', list->len);
    size_t len = end == NULL ? list->len : (size_t)(end - list->data);
    *ret = (struct leat_bytes){list->data, len};
    list->data += len;
    list->len -= len;
    return true;
}

static bool word_int(struct leat_bytes *list, int64_t min, int64_t max, int64_t *ret)
{
    struct leat_bytes word;
    return next_word(list, &word) && leat_int_parse(word, ret) == 0 && *ret >= min && *ret <= max;
}

/* The trainer writes "inf" as a threshold where only missing values go right. */
static bool word_double(struct leat_bytes *list, double *ret)
{
    struct leat_bytes word;
    if (!next_word(list, &word))
        return false;
    if (leat_double_parse(word, ret) == 0)
        return true;
    bool negative = leat_bytes_is(word, "-inf");
    *ret = negative ? (double)-INFINITY : (double)INFINITY;
    return negative || leat_bytes_is(word, "inf");
}

static bool at_end(struct leat_bytes list)
{
    struct leat_bytes word;
    return !next_word(&list, &word);
}

/* Room for `extra` more behind `count` elements of *array. */
static void grow(void **array, size_t *room, size_t count, size_t extra, size_t size)
{
    if (extra <= *room - count)
        return;
    size_t wanted = *room + *room / 2;
    *room = wanted < count + extra ? count + extra : wanted;
    *array = leat_realloc(*array, *room, size);
}

/* ---- the header ---- */

static int header_int(struct loader *l, struct leat_bytes value, const char *name, int64_t min, int64_t max,
                      int64_t *ret)
{
    struct leat_bytes list = value;
    if (!word_int(&list, min, max, ret) || !at_end(list))
        return refuse(l, "line %zu: %s is '%.*s'; a whole number from %lld to %lld belongs there", l->reader.number,
                      name, (int)(value.len > 40 ? 40 : value.len), value.data, (long long)min, (long long)max);
    return 0;
}

struct objective {
    const char *name;
    enum leat_link link;
    bool classes; /* one group a class */
};

static const struct objective objectives[] = {
    {"regression", LEAT_LINK_IDENTITY, false},   {"regression_l1", LEAT_LINK_IDENTITY, false},
    {"huber", LEAT_LINK_IDENTITY, false},        {"fair", LEAT_LINK_IDENTITY, false},
    {"quantile", LEAT_LINK_IDENTITY, false},     {"mape", LEAT_LINK_IDENTITY, false},
    {"poisson", LEAT_LINK_EXP, false},           {"gamma", LEAT_LINK_EXP, false},
    {"tweedie", LEAT_LINK_EXP, false},           {"binary", LEAT_LINK_SIGMOID, false},
    {"multiclass", LEAT_LINK_SOFTMAX, true},     {"multiclassova", LEAT_LINK_SIGMOID, true},
    {"cross_entropy", LEAT_LINK_SIGMOID, false}, {"cross_entropy_lambda", LEAT_LINK_LOG1P_EXP, false},
    {"lambdarank", LEAT_LINK_IDENTITY, false},   {"rank_xendcg", LEAT_LINK_IDENTITY, false},
    {"custom", LEAT_LINK_IDENTITY, false},
};

/* Behind the name: "sigmoid:1", "num_class:3", "sqrt", and parameters that only matter in training. */
static int read_objective_words(struct loader *l, struct leat_bytes list)
{
    struct leat_bytes word;
    while (next_word(&list, &word)) {
        if (leat_bytes_is(word, "sqrt") && l->forest->link == LEAT_LINK_IDENTITY)
            l->forest->link = LEAT_LINK_SIGNED_SQUARE;
        if (!begins(word, "sigmoid:") || l->forest->link != LEAT_LINK_SIGMOID)
            continue;
        struct leat_bytes number = {word.data + 8, word.len - 8};
        if (leat_double_parse(number, &l->forest->scale) != 0 || !isfinite(l->forest->scale))
            return refuse(l, "line %zu: the objective's sigmoid is not a number", l->reader.number);
    }
    return 0;
}

static int read_objective(struct loader *l, struct leat_bytes value)
{
    const struct objective *found = NULL;
    struct leat_bytes list = value;
    struct leat_bytes name = {0};
    next_word(&list, &name);
    for (size_t i = 0; i < sizeof objectives / sizeof objectives[0]; i++)
        if (leat_bytes_is(name, objectives[i].name))
            found = &objectives[i];
    if (found == NULL)
        return refuse(l, "line %zu: the objective '%.*s' is not known", l->reader.number,
                      (int)(name.len > 64 ? 64 : name.len), name.data);
    l->objective_read = true;
    l->forest->objective = found->name;
    l->forest->link = found->link;
    l->forest->scale = 1;
    if (strcmp(found->name, "binary") == 0)
        l->forest->class_count = 2;
    if (found->classes)
        l->forest->class_count = 1; /* as many as groups, once these are known */
    return read_objective_words(l, list);
}

static int read_names(struct loader *l, struct leat_bytes list)
{
    struct leat_forest *forest = l->forest;
    if (forest->feature_count == 0)
        return refuse(l, "line %zu: feature_names comes before max_feature_idx", l->reader.number);
    if (list.len + 1 < 2 * forest->feature_count)
        return refuse(l, "line %zu: feature_names has fewer than the model's %zu features", l->reader.number,
                      forest->feature_count);
    forest->feature_names = leat_arena_zalloc(&forest->arena, forest->feature_count, sizeof *forest->feature_names);
    size_t count = 0;
    for (struct leat_bytes word; next_word(&list, &word); count++) {
        if (count == forest->feature_count || memchr(word.data, 0, word.len) != NULL)
            return refuse(l, "line %zu: feature_names has more than the model's %zu features", l->reader.number,
                          forest->feature_count);
        forest->feature_names[count] = leat_arena_copy(&forest->arena, word.data, word.len);
    }
    if (count != forest->feature_count)
        return refuse(l, "line %zu: feature_names has %zu names, but the model has %zu features", l->reader.number,
                      count, forest->feature_count);
    return leat_forest_check_names(forest, l->err);
}

static int read_header_line(struct loader *l, struct leat_bytes line)
{
    struct leat_bytes name;
    struct leat_bytes value;
    if (leat_bytes_is(line, "average_output"))
        l->average = true;
    if (!part(line, &name, &value))
        return 0;
    if (leat_bytes_is(name, "version") && !leat_bytes_is(value, "v3") && !leat_bytes_is(value, "v4"))
        return refuse(l, "line %zu: version '%.*s' of LightGBM's text is not read; v3 and v4 are", l->reader.number,
                      (int)(value.len > 20 ? 20 : value.len), value.data);
    if (leat_bytes_is(name, "num_tree_per_iteration"))
        return header_int(l, value, "num_tree_per_iteration", 1, LEAT_GROUPS_MAX, &l->trees_an_iteration);
    if (leat_bytes_is(name, "max_feature_idx")) {
        int64_t index;
        if (header_int(l, value, "max_feature_idx", 0, (int64_t)LEAT_FEATURES_MAX - 1, &index) != 0)
            return -1;
        l->forest->feature_count = (size_t)index + 1;
    }
    if (leat_bytes_is(name, "objective"))
        return read_objective(l, value);
    if (leat_bytes_is(name, "feature_names"))
        return read_names(l, value);
    if (leat_bytes_is(name, "feature_infos"))
        l->infos = value;
    if (leat_bytes_is(name, "tree_sizes")) {
        l->declared_trees = 0;
        for (struct leat_bytes word; next_word(&value, &word);)
            l->declared_trees++;
    }
    return 0;
}

static int close_header(struct loader *l)
{
    struct leat_forest *forest = l->forest;
    if (forest->feature_count == 0)
        return refuse(l, "line %zu: the header ends without max_feature_idx: not a model of LightGBM's, or cut short",
                      l->reader.number);
    if (l->trees_an_iteration == 0)
        return refuse(l, "line %zu: the header ends without num_tree_per_iteration", l->reader.number);
    forest->raw_count = (size_t)l->trees_an_iteration;
    forest->base = leat_arena_zalloc(&forest->arena, forest->raw_count, sizeof *forest->base);
    if (!l->objective_read)
        forest->objective = "custom"; /* trained by a function of the user's: predict gives the sums */
    if (forest->class_count == 1)
        forest->class_count = forest->raw_count;
    if (forest->class_count == 2 && forest->raw_count > 2)
        return refuse(l, "objective binary with %zu trees an iteration", forest->raw_count);
    return 0;
}

/* ---- a tree ---- */

static int bad_array(struct loader *l, const struct tree_text *text, size_t tree, enum field field, size_t expected)
{
    if (text->value[field].data == NULL)
        return refuse(l, "tree %zu (before line %zu) has no line '%s='", tree, l->reader.number, field_names[field]);
    return refuse(l, "line %zu: tree %zu: '%s' is not %zu numbers that are possible there", text->line[field], tree,
                  field_names[field], expected);
}

/* Whether a line can hold so many numbers at all: one digit each and a space between. */
static bool long_enough(struct leat_bytes value, size_t count)
{
    return value.data != NULL && value.len / 2 + 1 >= count;
}

static int read_single(struct loader *l, const struct tree_text *text, size_t tree, enum field field, int64_t max,
                       int64_t *ret)
{
    struct leat_bytes list = text->value[field];
    if (list.data == NULL || !word_int(&list, 0, max, ret) || !at_end(list))
        return bad_array(l, text, tree, field, 1);
    return 0;
}

static int read_leaves(struct loader *l, const struct tree_text *text, size_t tree, size_t leaves,
                       struct leat_tree_node *nodes)
{
    struct leat_bytes values = text->value[FIELD_VALUE];
    for (size_t i = 0; i < leaves; i++) {
        nodes[i] = (struct leat_tree_node){.left = -1, .right = -1};
        if (!word_double(&values, &nodes[i].value))
            return bad_array(l, text, tree, FIELD_VALUE, leaves);
    }
    return at_end(values) ? 0 : bad_array(l, text, tree, FIELD_VALUE, leaves);
}

/* Bit 0: categories, of which missing ones go right whatever the other bits say. Bit 1: missing goes left. Bits 2 and
 * 3: what is missing: nothing, zero, NaN. */
static uint32_t flags_of(int64_t decision)
{
    if ((decision & 1) != 0)
        return LEAT_NODE_CATEGORIES;
    uint32_t flags = LEAT_NODE_CLOSED | ((decision & 2) != 0 ? LEAT_NODE_DEFAULT_LEFT : 0);
    int64_t missing = decision >> 2 & 3;
    if (missing != 2)
        flags |= LEAT_NODE_NAN_IS_ZERO;
    if (missing == 1)
        flags |= LEAT_NODE_ZERO_MISSING;
    return flags;
}

static int32_t child_of(int64_t child, size_t splits)
{
    return (int32_t)(child >= 0 ? child : (int64_t)splits - child - 1);
}

static int read_splits(struct loader *l, const struct tree_text *text, size_t tree, size_t splits, int64_t categories,
                       struct leat_tree_node *nodes)
{
    struct leat_bytes list[FIELD_COUNT];
    memcpy(list, text->value, sizeof list);
    for (size_t i = 0; i < splits; i++) {
        int64_t feature;
        int64_t decision;
        int64_t left;
        int64_t right;
        double threshold;
        if (!word_int(&list[FIELD_FEATURE], 0, INT32_MAX, &feature))
            return bad_array(l, text, tree, FIELD_FEATURE, splits);
        if (!word_double(&list[FIELD_THRESHOLD], &threshold))
            return bad_array(l, text, tree, FIELD_THRESHOLD, splits);
        if (!word_int(&list[FIELD_DECISION], 0, 11, &decision))
            return bad_array(l, text, tree, FIELD_DECISION, splits);
        if (!word_int(&list[FIELD_LEFT], -(int64_t)splits - 1, (int64_t)splits - 1, &left))
            return bad_array(l, text, tree, FIELD_LEFT, splits);
        if (!word_int(&list[FIELD_RIGHT], -(int64_t)splits - 1, (int64_t)splits - 1, &right))
            return bad_array(l, text, tree, FIELD_RIGHT, splits);
        nodes[i] = (struct leat_tree_node){
            .value = threshold,
            .left = child_of(left, splits),
            .right = child_of(right, splits),
            .feature = (uint32_t)feature,
            .flags = flags_of(decision),
        };
        if ((decision & 1) == 0)
            continue;
        if (!(threshold >= 0 && threshold < (double)categories))
            return refuse(l, "line %zu: tree %zu, node %zu: there is no category set %g; num_cat is %lld",
                          text->line[FIELD_THRESHOLD], tree, i, threshold, (long long)categories);
        nodes[i].value = (double)(l->forest->set_count + (size_t)threshold);
    }
    for (enum field field = FIELD_FEATURE; field <= FIELD_RIGHT; field++)
        if (!at_end(list[field]))
            return bad_array(l, text, tree, field, splits);
    return 0;
}

/* num_cat sets: boundaries are places in the list of words. */
static int read_sets(struct loader *l, const struct tree_text *text, size_t tree, size_t count)
{
    struct leat_bytes boundaries = text->value[FIELD_BOUNDARIES];
    struct leat_bytes words = text->value[FIELD_WORDS];
    if (count == 0)
        return 0;
    if (!long_enough(boundaries, count + 1))
        return bad_array(l, text, tree, FIELD_BOUNDARIES, count + 1);
    grow((void **)&l->sets, &l->set_room, l->forest->set_count, count, sizeof *l->sets);
    int64_t first;
    if (!word_int(&boundaries, 0, 0, &first))
        return bad_array(l, text, tree, FIELD_BOUNDARIES, count + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t end;
        if (!word_int(&boundaries, first, INT32_MAX, &end))
            return bad_array(l, text, tree, FIELD_BOUNDARIES, count + 1);
        size_t len = (size_t)(end - first);
        if (!long_enough(words, len))
            return bad_array(l, text, tree, FIELD_WORDS, (size_t)end);
        grow((void **)&l->words, &l->word_room, l->word_count, len, sizeof *l->words);
        l->sets[l->forest->set_count + i] = (struct leat_category_set){(uint32_t)l->word_count, (uint32_t)len};
        for (size_t w = 0; w < len; w++) {
            int64_t word;
            if (!word_int(&words, 0, UINT32_MAX, &word))
                return bad_array(l, text, tree, FIELD_WORDS, (size_t)end);
            l->words[l->word_count++] = (uint32_t)word;
        }
        first = end;
    }
    if (!at_end(boundaries) || !at_end(words))
        return bad_array(l, text, tree, FIELD_WORDS, (size_t)first);
    l->forest->set_count += count;
    return 0;
}

static int read_linear(struct loader *l, const struct tree_text *text, size_t tree, size_t leaves,
                       struct leat_tree_node *nodes)
{
    struct leat_bytes constants = text->value[FIELD_CONSTANT];
    struct leat_bytes counts = text->value[FIELD_TERM_COUNTS];
    struct leat_bytes features = text->value[FIELD_TERM_FEATURES];
    struct leat_bytes coefficients = text->value[FIELD_TERM_COEFFICIENTS];
    grow((void **)&l->linear, &l->linear_room, l->linear_count, leaves, sizeof *l->linear);
    for (size_t i = 0; i < leaves; i++) {
        int64_t count;
        struct leat_linear_leaf *leaf = &l->linear[l->linear_count];
        if (!word_double(&constants, &leaf->constant))
            return bad_array(l, text, tree, FIELD_CONSTANT, leaves);
        if (!word_int(&counts, 0, INT32_MAX, &count))
            return bad_array(l, text, tree, FIELD_TERM_COUNTS, leaves);
        if (count > 0 && !long_enough(features, (size_t)count))
            return bad_array(l, text, tree, FIELD_TERM_FEATURES, (size_t)count);
        grow((void **)&l->terms, &l->term_room, l->term_count, (size_t)count, sizeof *l->terms);
        leaf->first = (uint32_t)l->term_count;
        leaf->count = (uint32_t)count;
        for (int64_t t = 0; t < count; t++) {
            struct leat_linear_term *term = &l->terms[l->term_count++];
            int64_t feature;
            if (!word_int(&features, 0, (int64_t)l->forest->feature_count - 1, &feature))
                return bad_array(l, text, tree, FIELD_TERM_FEATURES, (size_t)count);
            if (!word_double(&coefficients, &term->coefficient))
                return bad_array(l, text, tree, FIELD_TERM_COEFFICIENTS, (size_t)count);
            term->feature = (uint32_t)feature;
        }
        nodes[i].right = (int32_t)l->linear_count++;
    }
    return 0;
}

static int read_counts(struct loader *l, const struct tree_text *text, size_t tree, enum field field, size_t count,
                       double *ret)
{
    struct leat_bytes list = text->value[field];
    for (size_t i = 0; i < count; i++) {
        int64_t rows;
        if (!word_int(&list, 0, INT64_MAX, &rows))
            return bad_array(l, text, tree, field, count);
        ret[i] = (double)rows;
    }
    return at_end(list) ? 0 : bad_array(l, text, tree, field, count);
}

/* How many training rows came to each node; a tree of one leaf need not say. */
static int read_cover(struct loader *l, const struct tree_text *text, size_t tree, size_t splits, size_t leaves)
{
    size_t first = l->forest->node_count;
    bool told = text->value[FIELD_SPLIT_ROWS].data != NULL && text->value[FIELD_LEAF_ROWS].data != NULL;
    l->uncounted |= splits > 0 && !told;
    if (l->uncounted)
        return 0;
    grow((void **)&l->cover, &l->cover_room, first, splits + leaves, sizeof *l->cover);
    l->cover[first] = 0;
    if (splits == 0)
        return 0;
    if (read_counts(l, text, tree, FIELD_SPLIT_ROWS, splits, l->cover + first) != 0)
        return -1;
    return read_counts(l, text, tree, FIELD_LEAF_ROWS, leaves, l->cover + first + splits);
}

static int read_tree(struct loader *l, const struct tree_text *text)
{
    struct leat_forest *forest = l->forest;
    size_t tree = forest->tree_count;
    int64_t leaves;
    int64_t categories = 0;
    int64_t linear = 0;
    if (read_single(l, text, tree, FIELD_LEAVES, INT32_MAX / 2, &leaves) != 0)
        return -1;
    if (text->value[FIELD_CATEGORIES].data != NULL &&
        read_single(l, text, tree, FIELD_CATEGORIES, INT32_MAX, &categories) != 0)
        return -1;
    if (text->value[FIELD_LINEAR].data != NULL && read_single(l, text, tree, FIELD_LINEAR, 1, &linear) != 0)
        return -1;
    if (leaves < 1 || !long_enough(text->value[FIELD_VALUE], (size_t)leaves))
        return bad_array(l, text, tree, FIELD_VALUE, (size_t)leaves);
    size_t splits = (size_t)leaves - 1;
    for (enum field field = FIELD_FEATURE; field <= FIELD_RIGHT; field++)
        if (splits > 0 && !long_enough(text->value[field], splits))
            return bad_array(l, text, tree, field, splits);
    grow((void **)&l->nodes, &l->node_room, forest->node_count, splits + (size_t)leaves, sizeof *l->nodes);
    grow((void **)&l->trees, &l->tree_room, tree, 1, sizeof *l->trees);
    struct leat_tree_node *nodes = l->nodes + forest->node_count;
    l->trees[tree] = (struct leat_tree){
        .first = (uint32_t)forest->node_count,
        .count = (uint32_t)(splits + (size_t)leaves),
        .group = (uint32_t)(tree % forest->raw_count),
    };
    if (splits > 0 && read_splits(l, text, tree, splits, categories, nodes) != 0)
        return -1;
    if (read_leaves(l, text, tree, (size_t)leaves, nodes + splits) != 0 ||
        read_sets(l, text, tree, (size_t)categories) != 0 || read_cover(l, text, tree, splits, (size_t)leaves) != 0)
        return -1;
    if (linear != 0 && read_linear(l, text, tree, (size_t)leaves, nodes + splits) != 0)
        return -1;
    forest->node_count += l->trees[tree].count;
    forest->tree_count++;
    return 0;
}

/* ---- all trees ---- */

static void take_field(struct tree_text *text, const struct reader *reader)
{
    struct leat_bytes name;
    struct leat_bytes value;
    if (!part(reader->line, &name, &value))
        return;
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        if (!leat_bytes_is(name, field_names[field]))
            continue;
        text->value[field] = value;
        text->line[field] = reader->number;
    }
}

/* Blocks "Tree=N" up to "end of trees". */
static int read_trees(struct loader *l)
{
    struct tree_text text = {0};
    bool open = false;
    do {
        bool end = leat_bytes_is(l->reader.line, "end of trees");
        bool begin = begins(l->reader.line, "Tree=");
        if (open && (end || begin) && read_tree(l, &text) != 0)
            return -1;
        if (end)
            return 0;
        if (begin) {
            struct leat_bytes number = {l->reader.line.data + 5, l->reader.line.len - 5};
            int64_t declared;
            if (leat_int_parse(number, &declared) != 0 || declared != (int64_t)l->forest->tree_count)
                return refuse(l, "line %zu: Tree=%.*s where Tree=%zu belongs", l->reader.number,
                              (int)(number.len > 20 ? 20 : number.len), number.data, l->forest->tree_count);
            memset(&text, 0, sizeof text);
            open = true;
        }
        if (open)
            take_field(&text, &l->reader);
    } while (next_line(&l->reader));
    return refuse(l, "line %zu: the file ends before 'end of trees': it was cut short", l->reader.number);
}

/* ---- categories of pandas ---- */

/* What feature_infos says of a feature's values. */
struct feature_range {
    bool categories; /* "0:2:1": those that were seen; else "[0:2]", the smallest and the largest number */
    bool whole;      /* all are whole numbers */
    double min, max; /* of categories that are not negative */
};

static bool next_part(struct leat_bytes *list, char separator, struct leat_bytes *ret)
{
    if (list->len == 0)
        return false;
    const char *end = memchr(list->data, separator, list->len);
    size_t len = end == NULL ? list->len : (size_t)(end - list->data);
    *ret = (struct leat_bytes){list->data, len};
    size_t taken = end == NULL ? len : len + 1;
    *list = (struct leat_bytes){list->data + taken, list->len - taken};
    return true;
}

static struct feature_range range_of(struct leat_bytes info)
{
    struct feature_range range = {.categories = true, .whole = true, .min = INFINITY, .max = -1};
    if (info.len >= 2 && info.data[0] == '[') {
        range.categories = false;
        info = (struct leat_bytes){info.data + 1, info.len - 2};
    }
    for (struct leat_bytes word; next_part(&info, ':', &word);) {
        double number;
        if (leat_double_parse(word, &number) != 0 || number != floor(number)) {
            range.whole = false;
            continue;
        }
        if (number < 0 && range.categories)
            continue; /* -1: missing */
        range.min = number < range.min ? number : range.min;
        range.max = number > range.max ? number : range.max;
    }
    return range;
}

/* Whether `count` categories can be those of a feature: of one that the trainer was told to be one, if none is beyond
 * them; of another, whose codes it took for numbers (ordered ones), if they are its range exactly. */
static bool can_be(const struct feature_range *range, bool declared, bool all_declared, size_t count)
{
    if (declared)
        return !range->categories || range->max < (double)count;
    return !all_declared && !range->categories && range->whole && range->min == 0 && range->max + 1 == (double)count;
}

/* lists[k] belongs to feature columns[k], in rising order. The file does not say which. As many lists as declared
 * features are theirs. Else the lists are dealt out as far to the left and as far to the right as they fit: if that
 * comes to the same there is no other way. */
static bool deal(const struct leat_json *lists, const struct feature_range *ranges, const bool *declared,
                 size_t features, bool all_declared, uint32_t *ret_columns)
{
    size_t next = 0;
    for (size_t feature = 0; feature < features && next < lists->count; feature++)
        if (can_be(&ranges[feature], declared[feature], all_declared, lists->as.elements[next].count))
            ret_columns[next++] = (uint32_t)feature;
    if (next < lists->count)
        return false;
    size_t left = lists->count;
    for (size_t feature = features; feature-- > 0 && left > 0;)
        if (can_be(&ranges[feature], declared[feature], all_declared, lists->as.elements[left - 1].count))
            if (ret_columns[--left] != feature)
                return false;
    return true;
}

/* "0,3": the features that the trainer was told to be categories. */
static int read_declared(struct loader *l, bool *ret_declared, size_t *ret_count)
{
    struct leat_bytes list = l->declared_categories;
    for (struct leat_bytes word; next_part(&list, ',', &word);) {
        int64_t feature;
        if (leat_int_parse(word, &feature) != 0 || feature < 0 || (uint64_t)feature >= l->forest->feature_count)
            return refuse(l, "the parameter categorical_feature has '%.*s', which is not a feature's number",
                          (int)(word.len > 40 ? 40 : word.len), word.data);
        *ret_count += !ret_declared[feature];
        ret_declared[feature] = true;
    }
    return 0;
}

static int add_category(struct loader *l, size_t feature, const struct leat_json *value, uint32_t code, bool *ret_text,
                        bool *ret_number)
{
    struct leat_categories *categories = l->forest->categories[feature];
    double number = value->type == LEAT_JSON_BOOL && value->as.boolean;
    bool text = value->type == LEAT_JSON_STRING;
    if (!text && value->type != LEAT_JSON_BOOL && (!leat_json_number(value, &number) || !isfinite(number)))
        return refuse(l, "line %zu: category %u of feature %zu is %s; only texts, numbers and truth values are read",
                      l->reader.number, code, feature, leat_json_type_name(value->type));
    bool added = text ? leat_categories_add_text(categories, value->as.string, code)
                      : leat_categories_add_number(categories, number, code);
    *(text ? ret_text : ret_number) = true;
    return added ? 0 : refuse(l, "line %zu: feature %zu has category %u twice", l->reader.number, feature, code);
}

static int take_categories(struct loader *l, size_t feature, const struct leat_json *list)
{
    bool text = false;
    bool number = false;
    l->forest->categories[feature] = leat_categories_new(LEAT_UNSEEN_MISSING, 0);
    for (uint32_t i = 0; i < list->count; i++)
        if (add_category(l, feature, &list->as.elements[i], i, &text, &number) != 0)
            return -1;
    l->forest->feature_kinds[feature] = text == number ? LEAT_FEATURE_CATEGORY
                                        : text         ? LEAT_FEATURE_TEXT
                                                       : LEAT_FEATURE_CODED;
    return 0;
}

static int read_lists(struct loader *l, const struct leat_json *lists)
{
    struct leat_forest *forest = l->forest;
    size_t features = forest->feature_count;
    if (lists->type == LEAT_JSON_NULL || (lists->type == LEAT_JSON_ARRAY && lists->count == 0))
        return 0;
    bool good = lists->type == LEAT_JSON_ARRAY;
    for (uint32_t i = 0; good && i < lists->count; i++)
        good = lists->as.elements[i].type == LEAT_JSON_ARRAY;
    if (!good)
        return refuse(l, "line %zu: pandas_categorical is not a list of lists", l->reader.number);
    struct feature_range *ranges = leat_calloc(features, sizeof *ranges);
    bool *declared = leat_calloc(features, sizeof *declared);
    uint32_t *columns = leat_calloc(lists->count, sizeof *columns);
    size_t declared_count = 0;
    struct leat_bytes infos = l->infos;
    struct leat_bytes word = {0};
    for (size_t i = 0; i < features; i++)
        ranges[i] = range_of(next_word(&infos, &word) ? word : (struct leat_bytes){0});
    int status = read_declared(l, declared, &declared_count);
    if (status == 0 && !deal(lists, ranges, declared, features, declared_count == lists->count, columns))
        status = refuse(l,
                        "line %zu: the file does not tell which features the %u lists of pandas_categorical belong to "
                        "(it declares %zu of category); train with all columns of dtype category unordered and "
                        "without categorical_feature, or on codes",
                        l->reader.number, lists->count, declared_count);
    if (status == 0) {
        forest->categories = leat_arena_zalloc(&forest->arena, features, sizeof(struct leat_categories *));
        forest->feature_kinds = leat_arena_zalloc(&forest->arena, features, sizeof *forest->feature_kinds);
    }
    for (uint32_t i = 0; i < lists->count && status == 0; i++)
        status = take_categories(l, columns[i], &lists->as.elements[i]);
    free(ranges);
    free(declared);
    free(columns);
    return status;
}

/* What stands behind the trees, in this order. */
struct tail {
    bool importances; /* "feature_importances:" */
    bool parameters;  /* "parameters:" */
    bool ended;       /* "end of parameters" */
    bool parted;      /* and an empty line behind it: the Python package wrote the file, and goes on */
    bool pandas;      /* "pandas_categorical:" */
};

static int read_pandas(struct loader *l, struct leat_bytes value, struct tail *tail)
{
    struct leat_json_document *document = NULL;
    if (tail->pandas)
        return refuse(l, "line %zu: pandas_categorical is there twice", l->reader.number);
    if (leat_json_parse(value, LEAT_JSON_NONFINITE, &document, l->err) != 0)
        return leat_error_prefix(l->err, "line %zu: pandas_categorical", l->reader.number);
    tail->pandas = true;
    int status = read_lists(l, leat_json_root(document));
    leat_json_free(document);
    return status;
}

static int read_tail_line(struct loader *l, struct leat_bytes line, struct tail *tail)
{
    const char *key = "pandas_categorical:";
    const char *parameter = "[categorical_feature: ";
    if (begins(line, key))
        return read_pandas(l, (struct leat_bytes){line.data + strlen(key), line.len - strlen(key)}, tail);
    if (begins(line, parameter) && line.data[line.len - 1] == ']')
        l->declared_categories = (struct leat_bytes){line.data + strlen(parameter), line.len - strlen(parameter) - 1};
    tail->importances |= begins(line, "feature_importances:");
    tail->parameters |= leat_bytes_is(line, "parameters:");
    tail->parted |= tail->ended && line.len == 0;
    if (tail->ended && line.len > 0 && memcmp(line.data, key, line.len < strlen(key) ? line.len : strlen(key)) == 0)
        return refuse(l, "line %zu: '%.*s' where pandas_categorical belongs: the file was cut short", l->reader.number,
                      (int)line.len, line.data);
    tail->ended |= leat_bytes_is(line, "end of parameters");
    return 0;
}

static bool has_categories(const struct loader *l)
{
    struct leat_bytes list = l->declared_categories;
    struct leat_bytes word;
    return l->forest->set_count > 0 || next_part(&list, ',', &word);
}

/* Where the last line is gone a category would be taken for its code. Without the empty line it
 * was not the Python package that wrote the file, and there is no such line. */
static int check_tail(struct loader *l, const struct tail *tail)
{
    const char *lacking = NULL;
    if (tail->parameters && !tail->ended)
        lacking = "end of parameters";
    else if (tail->pandas || !has_categories(l))
        return 0;
    else if (tail->importances && !tail->parameters)
        lacking = "parameters:";
    else if (tail->parted)
        lacking = "pandas_categorical:";
    if (lacking == NULL)
        return 0;
    return refuse(l, "line %zu: the file ends before '%s': it was cut short", l->reader.number, lacking);
}

/* Behind the trees: parameters, and on the last line the categories of each column of pandas' dtype category. A row
 * has the place in the list for it. */
static int read_tail(struct loader *l)
{
    struct tail tail = {0};
    while (next_line(&l->reader))
        if (read_tail_line(l, l->reader.line, &tail) != 0)
            return -1;
    return check_tail(l, &tail);
}

/* ---- the whole ---- */

static void *settle(struct leat_arena *arena, const void *array, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    void *settled = leat_arena_alloc(arena, count * size);
    memcpy(settled, array, count * size);
    return settled;
}

static int close_forest(struct loader *l)
{
    struct leat_forest *forest = l->forest;
    if (l->declared_trees >= 0 && (size_t)l->declared_trees != forest->tree_count)
        return refuse(l, "tree_sizes lists %lld trees, but there are %zu", (long long)l->declared_trees,
                      forest->tree_count);
    if (forest->tree_count % forest->raw_count != 0)
        return refuse(l, "there are %zu trees, which is not a multiple of the %zu of an iteration", forest->tree_count,
                      forest->raw_count);
    if (l->average)
        forest->rounds = (double)(forest->tree_count / forest->raw_count);
    forest->nodes = settle(&forest->arena, l->nodes, forest->node_count, sizeof *l->nodes);
    if (!l->uncounted)
        forest->cover = settle(&forest->arena, l->cover, forest->node_count, sizeof *l->cover);
    forest->trees = settle(&forest->arena, l->trees, forest->tree_count, sizeof *l->trees);
    forest->sets = settle(&forest->arena, l->sets, forest->set_count, sizeof *l->sets);
    forest->words = settle(&forest->arena, l->words, l->word_count, sizeof *l->words);
    forest->linear = settle(&forest->arena, l->linear, l->linear_count, sizeof *l->linear);
    forest->terms = settle(&forest->arena, l->terms, l->term_count, sizeof *l->terms);
    uint32_t *queue = leat_calloc(2 * forest->node_count, sizeof *queue);
    int status = 0;
    for (size_t tree = 0; tree < forest->tree_count && status == 0; tree++)
        status = leat_forest_check_tree(forest, tree, queue, l->err);
    free(queue);
    return status;
}

static int read_file(struct loader *l)
{
    while (next_line(&l->reader) && !begins(l->reader.line, "Tree=") && !leat_bytes_is(l->reader.line, "end of trees"))
        if (read_header_line(l, l->reader.line) != 0)
            return -1;
    if (close_header(l) != 0 || read_trees(l) != 0 || read_tail(l) != 0)
        return -1;
    return close_forest(l);
}

int leat_lightgbm_load(const char *name, struct leat_bytes file, struct leat_forest *ret, struct leat_error *err)
{
    struct loader loader = {.forest = ret, .reader = {.rest = file}, .err = err, .declared_trees = -1};
    ret->format = "lightgbm-text";
    ret->arithmetic = LEAT_FLOAT64;
    ret->tiny_is_zero = true;
    int status = read_file(&loader);
    free(loader.nodes);
    free(loader.cover);
    free(loader.trees);
    free(loader.sets);
    free(loader.words);
    free(loader.linear);
    free(loader.terms);
    return status == 0 ? 0 : leat_error_prefix(err, "%s", name);
}
