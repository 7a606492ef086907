#!/usr/bin/env python3
"""Computes what tests/unit/test_observe_quality.c expects, by scikit-learn.

    $(scripts/venv.sh numpy scikit-learn) tests/data/quality/oracle.py

Events are drawn by the same generator as in the test, and blocks are resampled by the same chance as in
src/observe/quality.c; the metrics and the percentiles are scikit-learn's and NumPy's.
"""

import numpy as np
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

MASK = (1 << 64) - 1
DAY = 86_400_000_000
HOUR = 3_600_000_000
T0 = 1_372_636_800_000_000


def splitmix(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def xoshiro(seed):
    words = splitmix(seed)
    s = [next(words) for _ in range(4)]

    def rotate(x, by):
        return ((x << by) | (x >> (64 - by))) & MASK

    while True:
        yield (rotate((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)


def events(count, span, seed):
    """Times, labels, and two versions' scores in steps of 0.01, so that there are ties."""
    words = splitmix(seed)
    draw = lambda: (next(words) >> 11) * 2.0**-53
    times, labels, a, b = [], [], [], []
    for _ in range(count):
        u, truth, label, noise = draw(), draw(), draw(), draw()
        times.append(T0 + int(u * u * span))
        labels.append(1.0 if label < truth else 0.0)
        a.append((1 + int(truth * 98)) / 100)
        b.append((1 + int((0.6 * truth + 0.4 * noise) * 98)) / 100)
    return np.array(times), np.array(labels), np.array(a), np.array(b)


def precision_top(labels, scores, weights):
    top = max(int(weights.sum()) // 10, 1)
    found = before = 0.0
    for score in np.unique(scores)[::-1]:
        run = weights[scores == score].sum()
        positives = (weights * labels)[scores == score].sum()
        if run > 0 and before < top:
            found += positives * min(top - before, run) / run
        before += run
    return found / top


def metrics(labels, scores, weights):
    return np.array(
        [
            log_loss(labels, scores, sample_weight=weights),
            roc_auc_score(labels, scores, sample_weight=weights),
            brier_score_loss(labels, scores, sample_weight=weights),
            precision_top(labels, scores, weights),
        ]
    )


def blocks(times):
    for unit in (DAY, HOUR):
        names = list(dict.fromkeys((times // unit).tolist()))
        if len(names) >= 7:
            return np.array([names.index(t) for t in (times // unit).tolist()]), len(names)
    return np.arange(len(times)), len(times)


def show(name, value, drawn):
    low, high = np.percentile(drawn, [2.5, 97.5])
    print(f"        {{{value:.15g}, {low:.15g}, {high:.15g}}}, // {name}")


def main():
    for count, span, seed in ((400, 20 * DAY, 1), (150, 30 * HOUR, 2), (60, 2 * HOUR, 3)):
        times, labels, a, b = events(count, span, seed)
        of, number = blocks(times)
        chance = xoshiro(7)
        drawn = []
        for _ in range(1000):
            weights = np.zeros(number)
            for _ in range(number):
                weights[(next(chance) * number) >> 64] += 1
            weights = weights[of]
            drawn.append((metrics(labels, a, weights), metrics(labels, b, weights)))
        drawn = np.array(drawn)
        ones = np.ones(count)
        one, two = metrics(labels, a, ones), metrics(labels, b, ones)
        print(f"{count} events, {number} blocks, positives {int(labels.sum())}, mean {a.mean():.15g}")
        for m, name in enumerate(("log_loss", "auc", "brier", "precision_top10")):
            show(name, one[m], drawn[:, 0, m])
        print("    the second less the first")
        for m, name in enumerate(("log_loss", "auc", "brier", "precision_top10")):
            show(name, two[m] - one[m], drawn[:, 1, m] - drawn[:, 0, m])


main()
