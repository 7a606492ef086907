#!/usr/bin/env python3
"""CatBoost models with the trainer's own answers: the oracle of tests/unit/test_model_catboost.c.

    tests/data/models/make_catboost.py [VERSION…]      makes the models of catboost/ again

tests/integration/slow_catboost.py runs this file for random ones. As with trainers.py, it runs itself in an environment
for each version of the trainer, below build/trainers:

    python make_catboost.py small OUT
    python make_catboost.py random OUT SEED COUNT

Each model is NAME.json and NAME.rows.jsonl. The answers are those of the model in memory: CatBoost's own reader of JSON
is off by a bit in some leaves.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import trainers  # noqa: E402

BESIDE = ["pandas==2.2.3", "six==1.17.0", "graphviz==0.20.3"]
trainers.ENVIRONMENTS["catboost-1.2"] = (["catboost==1.2"], trainers.MIDDLE + BESIDE)
trainers.ENVIRONMENTS["catboost-1.2.10"] = (["catboost==1.2.10"], trainers.NEW + BESIDE)
VERSIONS = ["catboost-1.2", "catboost-1.2.10"]


def run(name, *arguments):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([trainers.python_of(name), __file__, *map(str, arguments)], check=True, env=env)


# ---- from here on inside an environment ----


def cell(value):
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return value
    return None if value != value else trainers.number(value)


def thresholds_of(path):
    model = json.loads(path.read_text())
    found = {}
    for feature in model["features_info"].get("float_features", []):
        if feature["borders"]:
            found[feature["flat_feature_index"]] = [float(b) for b in feature["borders"]]
    return found


CATEGORIES = [["a", "b", "", "é", "nan", "1.0", "True", "ünïcode と", "-1", "x y"], [0, 3, -3, 16777217, -7, 2**40, 12], ["only"]]
UNSEEN = ["zzz", "A", "3.0", "-0", 4, -1, 99, 2**53]


def score_of(model, rows, loss, raw):
    import numpy as np

    probability = ("Logloss", "CrossEntropy", "Focal", "Multi")
    if loss.startswith(("MultiRMSE", "MultiQuantile")) or not loss.startswith(probability):
        if loss.startswith(("Poisson", "Tweedie")):
            return model.predict(rows, prediction_type="Exponent")
        if loss == "RMSEWithUncertainty":
            return model.predict(rows, prediction_type="RMSEWithUncertainty")
        return raw
    score = np.asarray(model.predict(rows, prediction_type="Probability"))
    return score[:, 1] if np.asarray(raw).ndim == 1 else score


def target_of(loss, signal, rng, classes):
    import numpy as np

    rows = len(signal)
    positive = np.exp(np.clip(signal * 0.3, -2, 2))
    if loss.startswith("Poisson"):
        return np.round(positive * 2)
    if loss.startswith("Tweedie"):
        return positive
    if loss.startswith("Cox"):
        return np.where(rng.random(rows) < 0.3, -positive, positive)
    if loss.startswith("SurvivalAft"):
        return np.stack([positive, np.where(rng.random(rows) < 0.3, -1, positive)], 1)
    if loss in ("MultiRMSE", "MultiRMSEWithMissingValues"):
        return np.stack([signal, -signal + rng.normal(size=rows), rng.normal(size=rows)], 1)
    if loss == "CrossEntropy":
        return 1 / (1 + np.exp(-signal))
    if loss == "MultiLogloss":
        return np.stack([signal > 0, signal > 1, rng.random(rows) < 0.3], 1).astype(int)
    if loss == "MultiCrossEntropy":
        return np.stack([1 / (1 + np.exp(-signal)), 1 / (1 + np.exp(signal))], 1)
    if loss in ("Logloss", "MultiClass", "MultiClassOneVsAll") or loss.startswith("Focal"):
        count = 2 if loss == "Logloss" or loss.startswith("Focal") else len(classes) if classes else 3
        index = np.clip(np.digitize(signal, np.quantile(signal, np.linspace(0, 1, count + 1)[1:-1])), 0, count - 1)
        return np.array(classes, dtype=object)[index] if classes else index
    if loss.startswith(("QuerySoftMax", "PairLogit", "LambdaMart", "StochasticRank", "Yeti")):
        return np.clip(np.round(signal + 2), 0, 4)
    return signal


def train(out, name, rng, loss, params=None, rows=400, columns=5, missing=0.1, categories=(), names=None, classes=None, test_rows=60,
          scale=None, threshold=None):
    import catboost
    import numpy as np

    x, signal = trainers.data(rng, rows, columns, missing)
    table = x.astype(object)
    for number, c in enumerate(categories):
        choice = CATEGORIES[number % len(CATEGORIES)]
        picked = rng.integers(0, len(choice), size=rows)
        table[:, c] = [choice[i] for i in picked]
        signal = signal + (picked % 3 == 1) * 2.0
    y = target_of(loss, signal, rng, classes)
    grouped = any(word in loss for word in ("Rank", "Query", "PairLogit", "Lambda", "Group"))
    pool = catboost.Pool(table if categories else x, y, cat_features=list(categories) or None, feature_names=names,
                         group_id=np.arange(rows) // 20 if grouped else None)
    given = {"iterations": 8, "depth": 4, "learning_rate": 0.4, "loss_function": loss, "verbose": 0, "thread_count": 1}
    given.update(random_seed=7, allow_writing_files=False, one_hot_max_size=255)
    given.update(params or {})
    model = catboost.CatBoostClassifier(**given) if threshold else catboost.CatBoost(given)
    model.fit(pool)
    if scale:
        model.set_scale_and_bias(*scale)
    if threshold:
        model.set_probability_threshold(threshold)
    path = out / f"{name}.json"
    model.save_model(str(path), format="json", pool=pool)
    thresholds = {c: t for c, t in thresholds_of(path).items() if c not in categories}
    test = trainers.awkward_rows(rng, x, thresholds, test_rows, True)
    for c in range(columns):
        if c not in categories and c % 5 == 0:
            test[rng.random(test_rows) < 0.1, c] = np.nan
    given_rows = [[float(v) for v in row] for row in test]
    for row in given_rows:
        for number, c in enumerate(categories):
            choice = CATEGORIES[number % len(CATEGORIES)] + UNSEEN
            row[c] = choice[rng.integers(0, len(choice))]
            if isinstance(row[c], int) and rng.random() < 0.3:
                row[c] = str(row[c])
    as_given = np.array(given_rows, dtype=object) if categories else test
    asked = catboost.Pool(as_given, cat_features=list(categories) or None, feature_names=names)
    raw = model.predict(asked, prediction_type="RawFormulaVal")
    score = score_of(model, asked, loss, raw)
    score = np.asarray(score).reshape(test_rows, -1)
    raw = np.asarray(raw).reshape(test_rows, -1)
    with open(out / f"{name}.rows.jsonl", "w", encoding="utf-8") as file:
        for row, s, r in zip(given_rows, score, raw):
            line = {"features": [cell(v) for v in row], "score": [trainers.number(v) for v in s]}
            line["raw"] = [trainers.number(v) for v in r]
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def small(out):
    import catboost
    import numpy as np

    version = ".".join(catboost.__version__.split(".")[:3])
    rng = np.random.default_rng(11)

    def make(name, loss, **more):
        train(out, f"catboost-{version}-{name}", rng, loss, **more)

    make("rmse", "RMSE")
    make("one-hot", "Logloss", columns=6, categories=(1, 4), names=["amount", "country", "x", "y", "zone", "z"])
    make("lossguide", "RMSE", params={"grow_policy": "Lossguide", "max_leaves": 20, "depth": 8}, categories=(0, 3))
    make("multiclass", "MultiClass", classes=["low", "middle", "high"])
    if version == "1.2":
        return
    make("nan-max", "RMSE", params={"nan_mode": "Max"}, missing=0.3)
    make("nothing-missing", "RMSE", missing=0)
    make("depthwise", "Logloss", params={"grow_policy": "Depthwise", "depth": 5}, categories=(1, 2, 4))
    make("lossguide-classes", "MultiClass", params={"grow_policy": "Lossguide", "max_leaves": 9}, classes=[3, 5, 9])
    make("one-versus-all", "MultiClassOneVsAll", classes=[0.5, 2.0, 3.5])
    make("booleans", "Logloss", classes=[False, True])
    make("threshold", "Logloss", threshold=0.3)
    make("cross-entropy", "CrossEntropy")
    make("focal", "Focal:focal_alpha=0.5;focal_gamma=2.0")
    make("labels", "MultiLogloss")
    make("cross-labels", "MultiCrossEntropy")
    make("targets", "MultiRMSE")
    make("quantiles", "MultiQuantile:alpha=0.1,0.5,0.9")
    make("uncertainty", "RMSEWithUncertainty")
    for loss in ("MAE", "Quantile:alpha=0.7", "Poisson", "Tweedie:variance_power=1.5", "LogCosh", "MAPE", "Lq:q=3", "Huber:delta=1.0",
                 "Expectile:alpha=0.3", "SurvivalAft", "Cox", "YetiRank", "PairLogit", "QueryRMSE", "QuerySoftMax"):
        make(loss.split(":")[0].lower(), loss, params={"iterations": 3, "depth": 3}, test_rows=30)
    make("scaled", "RMSE", scale=(0.3, 1.7))
    make("deep", "RMSE", params={"depth": 10, "iterations": 2}, columns=12)
    make("many-borders", "RMSE", params={"border_count": 2000, "depth": 7, "iterations": 60}, columns=2, rows=3000)
    make("many-trees", "RMSE", params={"iterations": 120, "depth": 2}, columns=9)
    make("ignored", "RMSE", params={"ignored_features": [1, 4]}, columns=6)
    make("one-feature", "RMSE", params={"depth": 1}, columns=1)


def random(out, rng, count):
    losses = ["RMSE", "Logloss", "MultiClass", "MultiClassOneVsAll", "Poisson", "Tweedie:variance_power=1.3", "MultiRMSE", "MAE"]
    losses += ["CrossEntropy", "MultiLogloss", "MultiQuantile:alpha=0.1,0.9", "YetiRank", "RMSEWithUncertainty", "Quantile:alpha=0.2"]
    for i in range(count):
        loss = str(rng.choice(losses))
        columns = int(rng.integers(1, 30))
        kinds = rng.random()
        categories = tuple(sorted(rng.choice(columns, size=int(rng.integers(1, min(columns, 4) + 1)), replace=False).tolist())) \
            if kinds < 0.4 else ()
        params = {"iterations": int(rng.integers(1, 80)), "depth": int(rng.integers(1, 11)), "learning_rate": float(rng.uniform(0.03, 0.8))}
        params.update(border_count=int(rng.choice([1, 15, 254, 700])), random_seed=int(rng.integers(1e6)), nan_mode=str(rng.choice(["Min", "Max"])))
        policy = str(rng.choice(["SymmetricTree", "SymmetricTree", "Depthwise", "Lossguide"]))
        ranking = loss == "YetiRank"
        if policy != "SymmetricTree" and not ranking:
            params["grow_policy"] = policy
            params["depth"] = min(params["depth"], 6)
        train(out, f"model-{i}", rng, loss, params=params, rows=int(rng.integers(10, 100)) * 20, columns=columns, categories=categories,
              missing=float(rng.choice([0, 0.05, 0.4])), test_rows=400)


def inside():
    import numpy as np

    kind, out = sys.argv[1], Path(sys.argv[2])
    if kind == "small":
        small(out)
    else:
        random(out, np.random.default_rng(int(sys.argv[3])), int(sys.argv[4]))


def main():
    if sys.argv[1:2] in (["small"], ["random"]):
        inside()
        return
    folder = Path(__file__).resolve().parent / "catboost"
    folder.mkdir(exist_ok=True)
    for name in sys.argv[1:] or VERSIONS:
        print(name, flush=True)
        run(name, "small", folder)


if __name__ == "__main__":
    main()
