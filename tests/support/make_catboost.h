/* CatBoost's JSON out of nothing: random symmetric trees, for tests and benchmarks of kernels. What matters is the shape;
 * the numbers are arbitrary. Include after support/make_model.h. */
#ifndef LEAT_TESTS_MAKE_CATBOOST_H
#define LEAT_TESTS_MAKE_CATBOOST_H

#include "support/make_model.h"

struct make_catboost {
    uint32_t trees;
    uint32_t floats;     /* features that are numbers */
    uint32_t categories; /* and behind them those that are not */
    uint32_t values;     /* categories of each */
    uint32_t depth;      /* of the deepest trees */
    bool ragged;         /* others are shallower */
    uint32_t dimension;  /* values of a leaf */
    uint32_t borders;    /* different ones of a feature; 0: as many as there are splits */
    bool awkward;        /* borders of 0, huge, tiny; scale and bias */
    uint64_t seed;
};

static inline void make_catboost_features(const struct make_catboost *options, struct leat_buffer *out)
{
    static const char *const treatments[] = {"AsIs", "AsFalse", "AsTrue"};
    leat_buffer_append_text(out, "{\"features_info\":{\"float_features\":[");
    for (uint32_t i = 0; i < options->floats; i++)
        leat_buffer_format(out,
                           "%s{\"feature_index\":%u,\"flat_feature_index\":%u,\"feature_id\":\"n%u\","
                           "\"nan_value_treatment\":\"%s\"}",
                           i == 0 ? "" : ",", i, i, i, treatments[i % 3]);
    leat_buffer_append_text(out, "],\"categorical_features\":[");
    for (uint32_t i = 0; i < options->categories; i++)
        leat_buffer_format(out, "%s{\"feature_index\":%u,\"flat_feature_index\":%u,\"feature_id\":\"c%u\"}",
                           i == 0 ? "" : ",", i, options->floats + i, i);
    leat_buffer_append_text(out, "],\"cat_features_hash\":[");
    for (uint32_t i = 0; i < options->values; i++)
        leat_buffer_format(out, "%s{\"value\":\"%u\",\"hash\":%u}", i == 0 ? "" : ",", i, i * 2654435761u);
    leat_buffer_append_text(out, "]}");
}

static inline void make_catboost_split(struct make_random *random, const struct make_catboost *options,
                                       struct leat_buffer *out)
{
    uint32_t feature = make_below(random, options->floats + options->categories);
    if (feature >= options->floats) {
        leat_buffer_format(out, "{\"split_type\":\"OneHotFeature\",\"cat_feature_index\":%u,\"value\":%d}",
                           feature - options->floats, (int32_t)(make_below(random, options->values) * 2654435761u));
        return;
    }
    struct make_random own = {options->seed + feature * 7919};
    uint32_t border = options->borders == 0 ? 0 : make_below(random, options->borders);
    own.state += border * 104729u;
    leat_buffer_format(out, "{\"split_type\":\"FloatFeature\",\"float_feature_index\":%u,\"border\":", feature);
    leat_json_put_double(out, make_threshold(options->borders == 0 ? random : &own, options->awkward));
    leat_buffer_append_char(out, '}');
}

static inline void make_catboost_tree(struct make_random *random, const struct make_catboost *options,
                                      struct leat_buffer *out)
{
    uint32_t depth = options->ragged ? make_below(random, options->depth + 1) : options->depth;
    leat_buffer_append_text(out, "{\"splits\":[");
    for (uint32_t i = 0; i < depth; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ",");
        make_catboost_split(random, options, out);
    }
    leat_buffer_append_text(out, "],\"leaf_values\":[");
    for (uint32_t i = 0; i < options->dimension << depth; i++)
        make_put_number(out, i == 0, make_unit(random) - 0.5);
    leat_buffer_append_text(out, "],\"leaf_weights\":[");
    for (uint32_t i = 0; i < 1u << depth; i++)
        make_put_number(out, i == 0, make_below(random, 1000));
    leat_buffer_append_text(out, "]}");
}

static inline void make_catboost(const struct make_catboost *options, struct leat_buffer *out)
{
    struct make_random random = {options->seed};
    make_catboost_features(options, out);
    leat_buffer_append_text(out, ",\"model_info\":{\"params\":{\"loss_function\":{\"type\":\"MultiRMSE\"}}},"
                                 "\"scale_and_bias\":[");
    leat_json_put_double(out, options->awkward ? 0.3 : 1);
    for (uint32_t i = 0; i < options->dimension; i++)
        leat_buffer_format(out, "%s0.%u", i == 0 ? ",[" : ",", i + 1);
    leat_buffer_append_text(out, "]],\"oblivious_trees\":[");
    for (uint32_t i = 0; i < options->trees; i++) {
        leat_buffer_append_text(out, i == 0 ? "" : ",");
        make_catboost_tree(&random, options, out);
    }
    leat_buffer_append_text(out, "]}");
}

#endif
