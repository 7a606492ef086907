#!/usr/bin/env python3
"""Contributions equal the trainers' own: XGBoost's pred_contribs, LightGBM's pred_contrib, CatBoost's ShapValues.

LEAT_EXPLAIN_SEED picks other models. Where a trainer has none (vector leaves), they add up
to its margin."""
# requires: numpy pandas xgboost-cpu lightgbm catboost
# timeout: 1800

import json
import math
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost

warnings.filterwarnings("ignore")
DRIVER = Path(os.environ.get("LEAT_BUILD", "build/test")) / "explain_driver"
SEED = int(os.environ.get("LEAT_EXPLAIN_SEED", "1"))
TOLERANCE = 1e-5
ROWS = 60


class Data:
    """Numbers of which some are missing or zero, a target that needs several of them, and classes of it."""

    def __init__(self, features=8, rows=1500, categories=0, seed=0):
        random = np.random.default_rng([SEED, seed])
        self.X = random.normal(size=(rows, features))
        self.X[random.random(self.X.shape) < 0.1] = np.nan
        self.X[random.random(self.X.shape) < 0.05] = 0
        for column in range(categories):
            self.X[:, column] = random.integers(0, 4 + 20 * column, rows)
        filled = np.nan_to_num(self.X)
        last = features - 1
        self.y = np.sin(filled[:, 0] * 2) + filled[:, 1 % features] * filled[:, last] + 0.3 * random.normal(size=rows)
        self.y += 0.5 * (filled[:, 0] % 3 == 1)
        self.classes = np.digitize(self.y, [-0.5, 0.1, 0.8])
        self.binary = (self.y > 0).astype(int)
        self.positive = np.exp(self.y / 3)
        self.categories = list(range(categories))

    def frame(self, kind):
        frame = pd.DataFrame(self.X, columns=[f"f{i}" for i in range(self.X.shape[1])])
        for column in self.categories:
            name = f"f{column}"
            frame[name] = frame[name].astype(int).astype(kind)
        return frame


# ---- the trainers ----


def xgboost_case(data, target="y", rounds=20, kind=None, **options):
    options = {"nthread": 1, "max_depth": 5, "seed": SEED, **options}
    given = xgboost.DMatrix(data.frame(kind), getattr(data, target), enable_categorical=True) if kind else xgboost.DMatrix(
        data.X, getattr(data, target)
    )
    booster = xgboost.train(options, given, rounds)

    def answer(folder):
        path = folder / "model.json"
        booster.save_model(path)
        rows = data.frame(kind).head(ROWS) if kind else data.X[:ROWS]
        matrix = xgboost.DMatrix(rows, enable_categorical=bool(kind))
        expected = booster.predict(matrix, pred_contribs=True)
        return path, data.X[:ROWS], expected if expected.ndim == 3 else expected[:, None, :], {}

    return answer


def xgboost_vector_case(data):
    targets = np.stack([data.y, data.positive, -data.y], axis=1)
    booster = xgboost.train(
        {"nthread": 1, "multi_strategy": "multi_output_tree", "max_depth": 5}, xgboost.DMatrix(data.X, targets), 10
    )

    def answer(folder):
        path = folder / "model.json"
        booster.save_model(path)
        margin = booster.predict(xgboost.DMatrix(data.X[:ROWS]), output_margin=True)
        return path, data.X[:ROWS], margin, {"sums": True}

    return answer


def lightgbm_case(data, target="y", rounds=20, explained=True, **options):
    options = {"verbose": -1, "num_threads": 1, "seed": SEED, "objective": "regression", **options}
    given = lightgbm.Dataset(data.X, getattr(data, target), categorical_feature=data.categories)
    booster = lightgbm.train(options, given, rounds)

    def answer(folder):
        path = folder / "model.txt"
        booster.save_model(path)
        if not explained:
            return path, data.X[:ROWS], None, {}
        expected = booster.predict(data.X[:ROWS], pred_contrib=True)
        return path, data.X[:ROWS], expected.reshape(ROWS, -1, data.X.shape[1] + 1), {}

    return answer


def catboost_case(data, target="y", scale=None, **options):
    options = {"iterations": 20, "depth": 4, "thread_count": 1, "verbose": False, "random_seed": SEED, **options}
    options.setdefault("loss_function", {"binary": "Logloss", "classes": "MultiClass"}.get(target, "RMSE"))
    columns = [f"f{i}" for i in data.categories]
    frame = data.frame(str) if columns else data.X
    pool = catboost.Pool(frame, getattr(data, target), cat_features=columns or None)
    model = catboost.CatBoost({**options, "allow_writing_files": False}).fit(pool)
    if scale:
        model.set_scale_and_bias(*scale)

    def answer(folder):
        path = folder / "model.json"
        model.save_model(str(path), format="json", pool=pool)
        rows = frame.head(ROWS) if columns else data.X[:ROWS]
        given = rows.values.tolist() if columns else rows
        # Of the file: of a non-symmetric model in memory CatBoost 1.2.10 may give values that do not add up.
        saved = catboost.CatBoost().load_model(str(path), format="json")
        rows = catboost.Pool(rows, cat_features=columns or None)
        if scale and scale[0] != 1:
            return path, given, saved.predict(rows, prediction_type="RawFormulaVal")[:, None], {"sums": True}
        expected = saved.get_feature_importance(rows, type="ShapValues")
        return path, given, expected if expected.ndim == 3 else expected[:, None, :], {}

    return answer


def cases():
    plain, wide, two = Data(), Data(features=40, rows=4000, seed=1), Data(features=2, seed=2)
    small, categories = Data(rows=60, seed=3), Data(categories=2, seed=4)
    squared = {"objective": "reg:squarederror"}
    yield "xgboost, squared error", xgboost_case(plain, **squared)
    yield "xgboost, a base score of its own", xgboost_case(plain, base_score=2.5, **squared)
    yield "xgboost, binary:logistic", xgboost_case(plain, "binary", objective="binary:logistic")
    yield "xgboost, count:poisson", xgboost_case(plain, "positive", objective="count:poisson")
    yield "xgboost, multi:softprob", xgboost_case(plain, "classes", objective="multi:softprob", num_class=4)
    yield "xgboost, dart", xgboost_case(plain, booster="dart", rate_drop=0.3, **squared)
    yield "xgboost, random forest", xgboost_case(plain, rounds=3, num_parallel_tree=5, subsample=0.5, **squared)
    yield "xgboost, pruned trees", xgboost_case(plain, tree_method="exact", gamma=3.0, max_depth=8, **squared)
    yield "xgboost, deep trees of 40 features", xgboost_case(wide, max_depth=14, min_child_weight=0, **squared)
    yield "xgboost, 64 leaves", xgboost_case(wide, max_depth=0, max_leaves=64, grow_policy="lossguide", **squared)
    yield "xgboost, two features again and again", xgboost_case(two, max_depth=9, **squared)
    yield "xgboost, single leaves", xgboost_case(plain, gamma=1e9, **squared)
    yield "xgboost, categories by sets", xgboost_case(categories, kind="category", max_cat_to_onehot=1, **squared)
    yield "xgboost, categories one by one", xgboost_case(categories, kind="category", max_cat_to_onehot=100, **squared)
    yield "xgboost, quantiles", xgboost_case(plain, objective="reg:quantileerror", quantile_alpha=np.array([0.1, 0.5, 0.9]))
    yield "xgboost, gblinear", xgboost_case(plain, booster="gblinear", **squared)
    yield "xgboost, gblinear of classes", xgboost_case(
        plain, "classes", booster="gblinear", objective="multi:softprob", num_class=4
    )
    yield "xgboost, leaves of three values", xgboost_vector_case(plain)

    yield "lightgbm, regression", lightgbm_case(plain)
    yield "lightgbm, binary", lightgbm_case(plain, "binary", objective="binary", sigmoid=2.0)
    yield "lightgbm, multiclass", lightgbm_case(plain, "classes", objective="multiclass", num_class=4)
    yield "lightgbm, random forest", lightgbm_case(plain, boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    yield "lightgbm, dart", lightgbm_case(plain, boosting="dart")
    yield "lightgbm, zero is missing", lightgbm_case(plain, zero_as_missing=True)
    yield "lightgbm, nothing is missing", lightgbm_case(plain, use_missing=False)
    yield "lightgbm, square root", lightgbm_case(plain, reg_sqrt=True)
    yield "lightgbm, categories", lightgbm_case(categories, min_data_per_group=5, cat_smooth=1)
    yield "lightgbm, 200 leaves of 40 features", lightgbm_case(wide, num_leaves=200, min_data_in_leaf=1)
    yield "lightgbm, two features again and again", lightgbm_case(two, num_leaves=60, min_data_in_leaf=1)
    yield "lightgbm, single leaves", lightgbm_case(plain, min_data_in_leaf=10000)
    yield "lightgbm, linear trees have none, as in the trainer", lightgbm_case(plain, explained=False, linear_tree=True)

    yield "catboost, RMSE", catboost_case(plain)
    yield "catboost, leaves without rows", catboost_case(small, depth=7)
    yield "catboost, two features again and again", catboost_case(two, depth=6)
    yield "catboost, Logloss", catboost_case(plain, "binary")
    yield "catboost, MultiClass", catboost_case(plain, "classes")
    yield "catboost, depthwise", catboost_case(plain, grow_policy="Depthwise", min_data_in_leaf=3)
    yield "catboost, lossguide", catboost_case(plain, grow_policy="Lossguide", max_leaves=20)
    yield "catboost, lossguide of classes", catboost_case(plain, "classes", grow_policy="Lossguide", max_leaves=20)
    yield "catboost, missing is the largest", catboost_case(plain, nan_mode="Max")
    yield "catboost, a bias of its own", catboost_case(plain, scale=(1, 3.0))
    yield "catboost, a scale (the trainer has only the margin)", catboost_case(plain, scale=(0.5, 3.0))
    yield "catboost, one-hot categories", catboost_case(categories, one_hot_max_size=100)


# ---- comparing ----


def as_json(value):
    if isinstance(value, str):
        return value
    value = float(value)
    return None if math.isnan(value) else value


def difference(answer, folder):
    path, rows, expected, how = answer(folder)
    lines = "".join(json.dumps([as_json(x) for x in row]) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines)
    ran = subprocess.run([DRIVER, path, folder / "rows.jsonl"], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        return ran.stderr.strip()
    if expected is None:
        return None if ran.stdout == "none\n" else "explained, though the trainer does not"
    if ran.stdout == "none\n":
        return "no explanation"
    got = np.array([json.loads(line) for line in ran.stdout.splitlines()])
    if how.get("sums"):
        got = got.sum(axis=-1)
    if got.shape != expected.shape:
        return f"{got.shape} numbers, the trainer has {expected.shape}"
    wrong = np.abs(got - expected) / np.maximum(1, np.abs(expected))
    print(f"# largest difference {wrong.max():.2g}")
    if wrong.max() <= TOLERANCE:
        return None
    at = np.unravel_index(wrong.argmax(), wrong.shape)
    return f"at {at} the trainer says {expected[at]}, leat {got[at]}"


def main():
    wanted = sys.argv[1:]
    failed = 0
    for name, answer in cases():
        if wanted and not any(word in name for word in wanted):
            continue
        with tempfile.TemporaryDirectory(prefix="leat-explain-") as folder:
            problem = difference(answer, Path(folder))
        if problem:
            print(f"# {problem}")
        print(f"{'not ok' if problem else 'ok'} {name}", flush=True)
        failed += problem is not None
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
