/* Models: a file in one of the trainers' formats, compiled once to an immutable form that a kernel evaluates
 * exactly as the trainer does (arithmetic: docs/reference/models.md).
 *
 * Shared by workers, reference-counted. Untrusted input: loading takes time linear in the file and memory of a
 * stated multiple of it, and ends in a model or in a sentence that says what and where. */
#ifndef LEAT_MODEL_MODEL_H
#define LEAT_MODEL_MODEL_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leat_model;

/* What stands in a row for a feature: always a double. */
enum leat_feature_kind {
    LEAT_FEATURE_NUMBER,   /* the number itself; NaN is missing */
    LEAT_FEATURE_TEXT,     /* the code of a text: leat_model_code_text */
    LEAT_FEATURE_CODED,    /* the code of a whole number: leat_model_code_number */
    LEAT_FEATURE_CATEGORY, /* the code of either */
};
const char *leat_feature_kind_name(enum leat_feature_kind kind); /* "number", "text", "category number", "category" */

/* Features that a file puts together under one name: an input of a graph. */
struct leat_model_input {
    const char *name;
    size_t first, width;
};

/* Facts that hold for the model's life; strings belong to the model. */
struct leat_model_info {
    const char *format; /* "xgboost-json", "xgboost-ubjson", "lightgbm-text", "catboost-json", "linear-json", "onnx" */
    const char *objective; /* as in the file */
    const char *kernel;    /* which kernel serves it */
    size_t feature_count;
    const char *const *feature_names;            /* NULL: the file has none */
    const enum leat_feature_kind *feature_kinds; /* NULL: all are numbers */
    const struct leat_model_input *inputs;       /* graphs; NULL: none */
    size_t input_count;
    size_t margin_count; /* margins a row: groups (classes, targets); of a graph its outputs again */
    size_t raw_count;    /* these, and behind them of a graph that reckons a label the label */
    size_t output_count; /* what the trainer's predict or predict_proba gives a row */
    /* binary classifiers: 1 output, the probability of the positive class */
    const char *const *output_names; /* one each: a class, a target, a quantile; NULL: they have none */
    bool classifier;
    bool no_probability;            /* a classifier's outputs are a margin or a class instead */
    size_t class_count;             /* 2 for a binary classifier; 0 for none */
    const char *const *class_names; /* as text; NULL: 0, 1, … */
    bool class_numbers;             /* the names are whole numbers */
    size_t tree_count, node_count;
    size_t rounds;           /* XGBoost's trees: the boosting rounds that there are; 0: not told */
    size_t best_rounds;      /* best_iteration + 1, where that is fewer and none were asked for; else 0 */
    size_t bytes;            /* memory that the compiled form takes */
    bool float32;            /* the trainer's own width: outputs have 9 significant digits, else 17 */
    bool raw_exact;          /* raw sums are bit-equal to the trainer's: parity tolerance 0 on raw, see docs */
    double tolerance;        /* of the parity gate, relative; 0: what `float32` leaves (model/version.h) */
    const char *explanation; /* how leat_model_explain comes by contributions; NULL: it can not */
};

#define LEAT_MODEL_BYTES_MAX (1u << 30)
/* margin_count × (feature_count + 1); a model of more is not explained. */
#define LEAT_CONTRIBUTIONS_MAX ((size_t)1 << 24)

/* What the file does not say. All zero: nothing. */
struct leat_model_options {
    size_t rounds; /* XGBoost: only the first so many boosting rounds, best_iteration + 1; 0: all */
    /* Of a classifier whose file knows its classes only as 0, 1, …: what they stand for. NULL: not told. Copied. */
    const char *const *class_names;
    size_t class_count;
    bool class_numbers; /* the names are whole numbers */
};

/* The format is told from the content; `name` is only for messages. `options` NULL: none. Refused with the reason:
 * formats, boosters and objectives that are not done. */
int leat_model_load(const char *name, struct leat_bytes file, const struct leat_model_options *options,
                    struct leat_model **ret, struct leat_error *err);
struct leat_model *leat_model_ref(struct leat_model *model); /* any thread */
void leat_model_unref(struct leat_model *model);             /* any thread; NULL is fine */
const struct leat_model_info *leat_model_info(const struct leat_model *model);

/* What stands in a row for a category of a feature that is not LEAT_FEATURE_NUMBER. -1: it was not seen in training,
 * and the trainer refuses such rows too. Any thread; no allocation for texts below 256 bytes. */
int leat_model_code_text(const struct leat_model *model, size_t feature, struct leat_bytes text, double *ret);
int leat_model_code_number(const struct leat_model *model, size_t feature, double number, double *ret);

/* Scores `count` rows. rows[r * stride + f] is feature f of row r, NaN is missing. ret_out has count × output_count
 * values, ret_raw (NULL: not wanted) count × raw_count. float32 trainers' values are widened. `scratch` is at least
 * leat_model_scratch(model, count) bytes, aligned to 64. Bit-equal for every count. No allocation. A row that a
 * graph can not score (an index beyond its tensor, say) has NaN in all its outputs. */
void leat_model_predict(const struct leat_model *model, const double *rows, size_t stride, size_t count,
                        double *ret_out, double *ret_raw, void *scratch);
size_t leat_model_scratch(const struct leat_model *model, size_t count);    /* never less for a larger count */
void *leat_model_scratch_new(const struct leat_model *model, size_t count); /* so much of it; release with free() */
/* A classifier's answer: the class with the largest probability, or whether the one is above one half. A graph works
 * out its label itself; that is the last of its raw values. */
size_t leat_model_label(const struct leat_model *model, const double *out, const double *raw);
/* The plain twin: one row, node by node over the tree as the file has it. For tests. */
void leat_model_predict_plain(const struct leat_model *model, const double *row, double *ret_out, double *ret_raw);

/* Contributions of the features to each margin: ret has margin_count × (feature_count + 1) values, the last of each
 * being what the margin is without any feature. info->explanation says how: exactly (TreeSHAP, linear), when they add
 * up to the margin; or approximately against the `background` rows (background_count × feature_count; exact ways do
 * not look at them). `scratch` as above, of leat_model_explain_scratch bytes. -1: this way needs background rows and
 * has none. Only when info->explanation is not NULL. */
int leat_model_explain(const struct leat_model *model, const double *row, const double *background,
                       size_t background_count, double *ret, void *scratch);
size_t leat_model_explain_scratch(const struct leat_model *model);

/* One number of a model's answer. */
enum leat_answer_kind {
    LEAT_ANSWER_OUTPUT, /* out[index] */
    LEAT_ANSWER_MARGIN, /* raw[index] */
    LEAT_ANSWER_CLASS,  /* the label: the class's number, or its index when classes are text */
    LEAT_ANSWER_TOP,    /* the probability of the label */
};
struct leat_answer {
    enum leat_answer_kind kind;
    size_t index;
};

/* Finds a number by name: "probability", "probability[setosa]", "value", "value[0.9]", "margin", "margin[2]", "class".
 * In brackets is a name of output_names (or class_names), else an index from 0. Without brackets, of a classifier
 * "probability" is the positive class's or, of several, the label's; others must have one only. NULL or "": the
 * default, which is the probability; without one the class, or of a detector of anomalies its score ("value"); the value
 * if it is the only one; of quantiles the middle one. Finding: a sentence that lists what there is. */
int leat_model_answer_find(const struct leat_model *model, const char *name, struct leat_answer *ret,
                           struct leat_error *err);
double leat_model_answer(const struct leat_model *model, struct leat_answer answer, const double *out,
                         const double *raw);
/* What names there are: "probability, probability[yes], class, margin", to an empty buffer; of many the first ones. */
void leat_model_answer_list(const struct leat_model *model, struct leat_buffer *out);

#endif
