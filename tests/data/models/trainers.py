"""Models of the real trainers with their own answers: the oracle of the tests of src/model.

Two sides. `make.py` and tests/integration/slow_trainers.py import this file, make an environment for each version of a
trainer (below build/trainers) and run this file in it:

    python trainers.py small OUT                 the models that are checked in
    python trainers.py random OUT SEED COUNT     COUNT random ones

Either writes, for each model, NAME.json, NAME.ubj or NAME.txt and NAME.rows.jsonl: lines {"features": […], "score": […], "raw": […]}.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

OLD = ["numpy==1.23.5", "scipy==1.10.1"]
MIDDLE = ["numpy==1.26.4", "scipy==1.11.4"]
NEW = ["numpy==2.2.6", "scipy==1.15.3"]
PANDAS = ["pandas==2.2.3"]

# Of the trainer's name and version: what is installed beside it. XGBoost's own dependencies are for GPUs.
ENVIRONMENTS = {
    "xgboost-1.0.2": (["xgboost==1.0.2"], OLD),
    "xgboost-1.4.2": (["xgboost==1.4.2"], OLD),
    "xgboost-1.6.2": (["xgboost==1.6.2"], OLD),
    "xgboost-1.7.6": (["xgboost==1.7.6"], MIDDLE),
    "xgboost-2.1.4": (["xgboost-cpu==2.1.4"], MIDDLE),
    "xgboost-3.0.5": (["xgboost-cpu==3.0.5"], NEW),
    "xgboost-3.1.3": (["xgboost-cpu==3.1.3"], NEW + PANDAS),
    "xgboost-3.2.0": (["xgboost-cpu==3.2.0"], NEW + PANDAS),
    "xgboost-3.3.0": (["xgboost-cpu==3.3.0"], NEW + PANDAS),
    "xgboost-3.4.1": (["xgboost-cpu==3.4.1"], NEW + PANDAS),
    "lightgbm-3.3.5": (["lightgbm==3.3.5"], MIDDLE + ["scikit-learn==1.3.2"]),
    "lightgbm-4.6.0": (["lightgbm==4.6.0"], NEW + PANDAS),
}

# The least version of Python that a trainer wants; where there is none such, its environment can not be made.
PYTHON_LEAST = {"xgboost-3.3.0": (3, 12), "xgboost-3.4.1": (3, 12)}


class NoPython(Exception):
    """No Python here is new enough for a trainer."""


def base_python(least):
    if least is None:
        return "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    found = [Path(path) for minor in (12, 13, 14) if (path := shutil.which(f"python3.{minor}"))]
    found += sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    for path in found:
        probe = [path, "-c", f"import sys, venv, ensurepip; sys.exit(sys.version_info < {least})"]
        if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return path
    raise NoPython("no Python {}.{} or later".format(*least))


def python_of(name):
    """The python of an environment, which is made when it is not there."""
    packages, beside = ENVIRONMENTS[name]
    folder = Path(os.environ.get("LEAT_TRAINERS", ROOT / "build/trainers")) / name
    python = folder / "bin/python"
    wanted = "\n".join([*packages, *beside])
    complete = folder / ".complete"
    if complete.exists() and complete.read_text() == wanted:
        return python
    subprocess.run([base_python(PYTHON_LEAST.get(name)), "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *beside], check=True)
    subprocess.run([*pip, "--no-deps", *packages], check=True)
    complete.write_text(wanted)
    return python


def run(name, *arguments):
    """Runs this file in an environment."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([python_of(name), __file__, *map(str, arguments)], check=True, env=env)


# ---- from here on inside an environment ----


def number(value):
    """A number for JSON: the shortest text that reads back to the same double (a float32 is widened first)."""
    value = float(value)
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def write_rows(path, rows, score, raw):
    import numpy as np

    score = np.asarray(score).reshape(len(rows), -1)
    raw = np.asarray(raw).reshape(len(rows), -1)
    with open(path, "w", encoding="utf-8") as out:
        for row, s, r in zip(rows, score, raw):
            features = [x if isinstance(x, (str, int, type(None))) else None if x != x else number(x) for x in row]
            line = {"features": features, "score": [number(x) for x in s], "raw": [number(x) for x in r]}
            out.write(json.dumps(line, separators=(",", ":")) + "\n")


def data(rng, rows, columns, missing):
    """Columns of several kinds: continuous, small integers with many zeros, large integers, tiny numbers."""
    import numpy as np

    x = rng.normal(size=(rows, columns))
    for c in range(columns):
        kind = c % 4
        if kind == 1:
            x[:, c] = rng.integers(-2, 5, size=rows)
        if kind == 2:
            x[:, c] = np.round(x[:, c] * 3e8)
        if kind == 3:
            x[:, c] = np.where(rng.random(rows) < 0.5, 0.0, x[:, c] * 1e-3)
    signal = np.nan_to_num(x[:, 0] + 0.5 * x[:, 1 % columns] + (x[:, 2 % columns] > 1e8) + 500 * x[:, 3 % columns])
    if missing:
        x[rng.random(x.shape) < missing] = np.nan
    return x, signal


def awkward_rows(rng, x, thresholds, count, infinite):
    """Rows that hit thresholds exactly and by one unit, in double and in float32, and the corners of the number formats."""
    import numpy as np

    rows = x[rng.integers(0, len(x), size=count)].copy()
    special = [np.nan, 0.0, -0.0, 1e-35, -1e-35, 1e-36, -1e-36, 1.0000000180025095e-35, 1.0000000180025097e-35]
    special += [5e-324, 1e-310, 1e-40, -1e-45, 16777217.0, 16777216.0, 33554433.0, 3.0e38, -3.0e38, 1e-20, 0.1, -0.5]
    special += [float("inf"), float("-inf"), 1e300] if infinite else []
    for r in range(count):
        for c in range(x.shape[1]):
            chance = rng.random()
            near = thresholds.get(c)
            if chance < 0.45 and near:
                t = near[rng.integers(0, len(near))]
                f = np.float32(t)
                up, down = np.float32(np.inf), np.float32(-np.inf)
                around = [t, np.nextafter(t, np.inf), np.nextafter(t, -np.inf), f, np.nextafter(f, up), np.nextafter(f, down)]
                around += [(float(f) + float(np.nextafter(f, up))) / 2, -t]
                rows[r, c] = around[rng.integers(0, len(around))]
            elif chance < 0.6:
                rows[r, c] = special[rng.integers(0, len(special))]
    if not infinite:
        rows[np.abs(rows) > 3.3e38] = 3.0e38
    return rows


# ---- LightGBM ----


def lightgbm_thresholds(path):
    found = {}
    features, kinds = [], []
    lines = path.read_text().splitlines()
    for line in lines:
        key, _, value = line.partition("=")
        if key == "split_feature":
            features = [int(x) for x in value.split()]
        if key == "threshold":
            thresholds = [float(x) for x in value.split()]
        if key == "decision_type":
            kinds = [int(x) for x in value.split()]
            for feature, threshold, kind in zip(features, thresholds, kinds):
                if kind % 2 == 0 and abs(threshold) < 1e300:
                    found.setdefault(feature, []).append(threshold)
    return found


def lightgbm_labels(rng, objective, params, signal):
    import numpy as np

    noisy = signal + rng.normal(size=len(signal)) * 0.5
    if objective.startswith("multiclass"):
        classes = params["num_class"]
        return np.digitize(noisy, np.quantile(noisy, np.arange(1, classes) / classes))
    if objective == "binary":
        return (noisy > 0.3).astype(float)
    if objective.startswith("cross_entropy"):
        return 1 / (1 + np.exp(-np.clip(noisy, -30, 30)))
    if objective in ("lambdarank", "rank_xendcg"):
        return np.digitize(noisy, [0, 1]).astype(float)
    if objective in ("poisson", "gamma", "tweedie"):
        return np.round(np.exp(np.clip(noisy, -2, 2)) + 1)
    return noisy


def squared_gradient(predictions, train):
    import numpy as np

    return predictions - train.get_label(), np.ones(len(predictions))


def train_lightgbm(out, name, rng, params, rounds, rows=500, columns=6, missing=0.1, categories=(), names=None, custom=False,
                   test_rows=40):
    import lightgbm
    import numpy as np

    x, signal = data(rng, rows, columns, missing)
    for c in categories:
        x[:, c] = rng.integers(0, 70, size=rows)
        signal = signal + (x[:, c] % 3 == 1)
    objective = params["objective"]
    y = lightgbm_labels(rng, objective, params, signal)
    group = [20] * (rows // 20) if objective in ("lambdarank", "rank_xendcg") else None
    params = {"verbosity": -1, "num_threads": 1, "seed": 7, "deterministic": True, "min_data_in_leaf": 5, **params}
    train = lightgbm.Dataset(x, label=y, group=group, feature_name=names or "auto", categorical_feature=list(categories) or "auto",
                             params=params, free_raw_data=False)
    if custom and lightgbm.__version__.startswith("3."):
        model = lightgbm.train({**params, "objective": "none"}, train, num_boost_round=rounds, fobj=squared_gradient)
    elif custom:
        model = lightgbm.train({**params, "objective": squared_gradient}, train, num_boost_round=rounds)
    else:
        model = lightgbm.train(params, train, num_boost_round=rounds)
    path = out / f"{name}.txt"
    model.save_model(str(path))
    model = lightgbm.Booster(model_file=str(path))
    test = awkward_rows(rng, x, lightgbm_thresholds(path), test_rows, not params.get("linear_tree"))
    for c in categories:
        codes = [0.0, 1.0, 2.0, 5.0, 31.0, 32.0, 63.0, 64.0, 69.0, 70.0, 1e6, 1e12, -1.0, -0.5, 3.7, np.nan, 2147483648.0]
        test[:, c] = [codes[rng.integers(0, len(codes))] for _ in range(test_rows)]
    write_rows(out / f"{name}.rows.jsonl", test, model.predict(test), model.predict(test, raw_score=True))


# Of each column of category: what training has, and what else the rows have. Truth values are 0 and 1 in rows.
PANDAS_COLUMNS = {
    "city": (["Bern", "Köln, Süd", "", "a b", "\U0001f40e"], ["Rom", "bern", " Bern"]),
    "code": ([10, 20, 70, -3, 4000000000], [0, 11, 2**53]),
    "flag": ([False, True], []),
    "mixed": (["u", "1", 1, 7], ["7", "x"]),
    "share": ([0.5, 1.0, 2.25], [3, 0.75]),
    "size": (["large", "medium", "small"], ["huge"]),
}


def pandas_frame(rng, rows, numbers, unseen):
    """Columns of category between columns of numbers. `size` is ordered, and so a number to the trainer."""
    import pandas

    columns = {"x": numbers[:, 0], "few": rng.integers(0, 7, size=rows).astype(float)}
    for name, (values, others) in PANDAS_COLUMNS.items():
        known = [*values, *(others if unseen else [])]
        drawn = [known[rng.integers(0, len(known))] if rng.random() < 0.93 else None for _ in range(rows)]
        columns[name] = pandas.Categorical(drawn, categories=known, ordered=name == "size")
    columns["y"] = numbers[:, 1]
    return pandas.DataFrame(columns)


def cell(value):
    import numpy as np

    if value is None or value != value:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return int(value) if isinstance(value, bool) else value


def train_lightgbm_pandas(out, name, rng, params, rounds, rows=900, test_rows=60):
    import lightgbm
    import numpy as np

    frame = pandas_frame(rng, rows, rng.normal(size=(rows, 2)), False)
    codes = {name: frame[name].cat.codes.to_numpy() for name in PANDAS_COLUMNS}
    y = frame["x"] + sum((i + 1) * np.cos(3 * codes[name] + i) for i, name in enumerate(PANDAS_COLUMNS))
    params = {"verbosity": -1, "num_threads": 1, "seed": 7, "deterministic": True, "min_data_in_leaf": 5, **params}
    params.update(min_data_per_group=5, cat_smooth=1.0)
    model = lightgbm.train(params, lightgbm.Dataset(frame, label=y), num_boost_round=rounds)
    model.save_model(str(out / f"{name}.txt"))
    test = pandas_frame(rng, test_rows, rng.normal(size=(test_rows, 2)), True)
    cells = [[cell(value) for value in row] for row in test.itertuples(index=False)]
    write_rows(out / f"{name}.rows.jsonl", cells, model.predict(test), model.predict(test, raw_score=True))


def small_lightgbm(out):
    import lightgbm
    import numpy as np

    version = lightgbm.__version__.split(".")[:2]
    prefix = "lightgbm-{}.{}-".format(*version)
    newest = version[0] == "4"
    seed = 100

    def case(name, objective, rounds=3, **options):
        nonlocal seed
        seed += 1
        keys = ("rows", "columns", "missing", "categories", "names", "custom", "test_rows")
        training = {key: options.pop(key) for key in keys if key in options}
        params = {"objective": objective, "num_leaves": 7, **options}
        train_lightgbm(out, prefix + name, np.random.default_rng(seed), params, rounds, **training)

    case("binary", "binary", num_leaves=15)
    case("multiclass", "multiclass", num_class=3, rounds=2)
    case("regression", "regression", missing=0)
    case("zero-missing", "regression", zero_as_missing=True)
    case("nothing-missing", "regression", use_missing=False)
    case("forest", "binary", boosting="rf", bagging_freq=1, bagging_fraction=0.6, feature_fraction=0.8)
    case("dart", "regression", boosting="dart", drop_rate=0.5, rounds=5)
    case("leaves-only", "regression", min_data_in_leaf=400, rounds=2, test_rows=8)
    case("categories", "binary", categories=(1, 4), min_data_per_group=10, cat_smooth=1.0, max_cat_threshold=64)
    case("linear", "regression", linear_tree=True)
    if not newest:
        return
    case("sigmoid", "binary", sigmoid=1.7, names=["amount", "count=24h", "länge", "a_b", "e", "g"])
    case("multiclassova", "multiclassova", num_class=3, rounds=2, sigmoid=0.8)
    case("sqrt", "regression", reg_sqrt=True)
    case("l1", "regression_l1")
    case("huber", "huber")
    case("fair", "fair")
    case("quantile", "quantile", alpha=0.8)
    case("mape", "mape")
    case("poisson", "poisson")
    case("gamma", "gamma")
    case("tweedie", "tweedie", tweedie_variance_power=1.3)
    case("cross-entropy", "cross_entropy")
    case("cross-entropy-lambda", "cross_entropy_lambda")
    case("lambdarank", "lambdarank")
    case("xendcg", "rank_xendcg")
    case("custom", "regression", custom=True)
    case("forest-classes", "multiclass", num_class=3, boosting="rf", bagging_freq=1, bagging_fraction=0.6, rounds=2)
    case("deep", "regression", num_leaves=40, rows=900, min_data_in_leaf=1, rounds=2)
    train_lightgbm_pandas(out, prefix + "pandas", np.random.default_rng(131), {"objective": "regression", "num_leaves": 12}, 4)
    text = (out / "lightgbm-4.6-binary.txt").read_bytes()
    (out / "lightgbm-4.6-crlf.txt").write_bytes(text.replace(b"\n", b"\r\n"))
    (out / "lightgbm-4.6-crlf.rows.jsonl").write_bytes((out / "lightgbm-4.6-binary.rows.jsonl").read_bytes())


def random_lightgbm(out, rng, count):
    objectives = ["regression", "binary", "multiclass", "multiclassova", "poisson", "gamma", "tweedie", "cross_entropy", "huber"]
    objectives += ["quantile", "lambdarank", "cross_entropy_lambda", "regression_l1", "fair", "mape"]
    for i in range(count):
        objective = str(rng.choice(objectives))
        params = {"objective": objective, "num_leaves": int(rng.integers(2, 120)), "learning_rate": float(rng.uniform(0.02, 0.5))}
        params.update(min_data_in_leaf=int(rng.integers(1, 30)), max_bin=int(rng.choice([15, 63, 255])), seed=int(rng.integers(1e6)))
        if objective.startswith("multiclass"):
            params["num_class"] = int(rng.integers(2, 7))
        kind = rng.random()
        if kind < 0.15:
            params.update(boosting="rf", bagging_freq=1, bagging_fraction=0.6)
        elif kind < 0.3:
            params.update(boosting="dart", drop_rate=0.3)
        elif kind < 0.4 and objective in ("regression", "binary", "poisson"):
            params["linear_tree"] = True
        chance = rng.random()
        if chance < 0.2:
            params["zero_as_missing"] = True
        elif chance < 0.4:
            params["use_missing"] = False
        if rng.random() < 0.2:
            params["max_depth"] = int(rng.integers(1, 9))
        if i % 5 == 4 and importlib.util.find_spec("pandas") is not None:
            params = {"objective": "regression", "num_leaves": int(rng.integers(2, 60)), "max_cat_to_onehot": int(rng.integers(1, 6))}
            train_lightgbm_pandas(out, f"model-{i}", rng, params, int(rng.integers(1, 40)), test_rows=400)
            continue
        columns = int(rng.integers(2, 60))
        categories = (1,) if rng.random() < 0.25 and not params.get("linear_tree") else ()
        train_lightgbm(out, f"model-{i}", rng, params, int(rng.integers(1, 40)), rows=int(rng.integers(10, 100)) * 20, columns=columns,
                       missing=float(rng.choice([0, 0.05, 0.4])), categories=categories, test_rows=400)


def main():
    import numpy as np
    import trainers_xgboost

    kind, out = sys.argv[1], Path(sys.argv[2])
    xgboost = importlib.util.find_spec("xgboost") is not None
    if kind == "small":
        (trainers_xgboost.small_xgboost if xgboost else small_lightgbm)(out)
    else:
        seed, count = int(sys.argv[3]), int(sys.argv[4])
        (trainers_xgboost.random_xgboost if xgboost else random_lightgbm)(out, np.random.default_rng(seed), count)


if __name__ == "__main__":
    main()
