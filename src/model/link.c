/* From raw sums to what the trainer's predict gives, in the trainer's own arithmetic: XGBoost's links are float32
 * throughout (a softmax's sum excepted), LightGBM's and CatBoost's are double. */
#include "model/forest.h"

#include <math.h>

static float sigmoid32(float x, bool unclamped)
{
    float negated = !unclamped && -x > 88.7f ? 88.7f : -x; /* beyond it expf would overflow; NaN stays NaN */
    return 1.0f / (expf(negated) + 1.0f + 1e-16f);
}

static void softmax32(const float *raw, size_t count, double *ret_out)
{
    float max = raw[0];
    for (size_t i = 1; i < count; i++)
        max = fmaxf(raw[i], max);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        float power = expf(raw[i] - max);
        sum += (double)power;
        ret_out[i] = (double)power;
    }
    for (size_t i = 0; i < count; i++)
        ret_out[i] = (double)((float)ret_out[i] / (float)sum);
}

static size_t first_largest(const float *raw, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; i++)
        if (raw[i] > raw[largest])
            largest = i;
    return largest;
}

/* Expectiles may not cross: each is the one before it plus a positive step. */
static void expectiles32(const float *raw, size_t count, double *ret_out)
{
    float last = raw[0];
    ret_out[0] = (double)last;
    for (size_t i = 1; i < count; i++) {
        float step = fmaxf(raw[i], 0.0f) + log1pf(expf(-fabsf(raw[i])));
        last = last + (step + 1e-6f);
        ret_out[i] = (double)last;
    }
}

void leat_link32(const struct leat_forest *forest, const float *raw, double *ret_out)
{
    size_t count = forest->raw_count;
    switch (forest->link) {
    case LEAT_LINK_SOFTMAX:
        softmax32(raw, count, ret_out);
        return;
    case LEAT_LINK_ARGMAX:
        ret_out[0] = (double)first_largest(raw, count);
        return;
    case LEAT_LINK_EXPECTILES:
        expectiles32(raw, count, ret_out);
        return;
    case LEAT_LINK_SIGMOID:
        for (size_t i = 0; i < count; i++)
            ret_out[i] = (double)sigmoid32(raw[i], forest->sigmoid_unclamped);
        return;
    case LEAT_LINK_EXP:
        for (size_t i = 0; i < count; i++)
            ret_out[i] = (double)expf(raw[i]);
        return;
    case LEAT_LINK_HINGE:
        for (size_t i = 0; i < count; i++)
            ret_out[i] = raw[i] > 0 ? 1 : 0;
        return;
    case LEAT_LINK_IDENTITY:
    case LEAT_LINK_SIGNED_SQUARE: /* only in double */
    case LEAT_LINK_LOG1P_EXP:
    case LEAT_LINK_UNCERTAINTY:
        for (size_t i = 0; i < count; i++)
            ret_out[i] = (double)raw[i];
        return;
    }
}

static void softmax64(double *values, size_t count)
{
    double max = values[0];
    for (size_t i = 1; i < count; i++)
        max = values[i] > max ? values[i] : max;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        values[i] = exp(values[i] - max);
        sum += values[i];
    }
    for (size_t i = 0; i < count; i++)
        values[i] /= sum;
}

static size_t first_largest64(const double *raw, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; i++)
        if (raw[i] > raw[largest])
            largest = i;
    return largest;
}

static void expectiles64(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        values[i] = values[i - 1] + (fmax(values[i], 0) + log1p(exp(-fabs(values[i]))) + 1e-6);
}

static double link64(const struct leat_forest *forest, double x)
{
    switch (forest->link) {
    case LEAT_LINK_SIGMOID:
        return 1.0 / (1.0 + exp(-x * forest->scale));
    case LEAT_LINK_EXP:
        return exp(x);
    case LEAT_LINK_SIGNED_SQUARE:
        return copysign(x * x, x);
    case LEAT_LINK_LOG1P_EXP:
        return log1p(exp(x));
    case LEAT_LINK_HINGE:
        return x > 0 ? 1 : 0;
    default:
        return x;
    }
}

void leat_link64(const struct leat_forest *forest, const double *raw, double *ret_out)
{
    size_t count = forest->raw_count;
    if (forest->link == LEAT_LINK_ARGMAX) {
        ret_out[0] = (double)first_largest64(raw, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        ret_out[i] = link64(forest, forest->rounds > 0 ? raw[i] / forest->rounds : raw[i]);
    if (forest->link == LEAT_LINK_SOFTMAX)
        softmax64(ret_out, count);
    if (forest->link == LEAT_LINK_EXPECTILES)
        expectiles64(ret_out, count);
    if (forest->link == LEAT_LINK_UNCERTAINTY)
        ret_out[1] = exp(2 * ret_out[1]);
}
