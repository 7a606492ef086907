#!/usr/bin/env python3
"""The Python package: what leat.save writes of each trainer's models, `leat model add` takes and `leat model predict` scores
as the trainer does."""
# requires: numpy pandas xgboost-cpu lightgbm catboost scikit-learn skl2onnx onnxruntime
# timeout: 1800

import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parents[2]
LEAT = Path(os.environ.get("LEAT", ROOT / "build/leat")).resolve()
WORK = Path(tempfile.mkdtemp(prefix="leat-python-"))


def install():
    """As a user does, but for the place; pip builds beside the sources, so of a copy."""
    shutil.copytree(ROOT / "python", WORK / "source")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", WORK / "site", WORK / "source"], check=True)
    sys.path.insert(0, str(WORK / "site"))


install()

import leat  # noqa: E402

loaded = set(sys.modules)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

warnings.filterwarnings("ignore")
RANDOM = np.random.default_rng(1)
ROWS = 600
X = RANDOM.normal(size=(ROWS, 5))
X[RANDOM.random(X.shape) < 0.1] = np.nan
FULL = np.nan_to_num(X)
Y = FULL[:, 0] * 2 + np.sin(FULL[:, 1] * 3) + (FULL[:, 2] > 0)
BINARY = (Y > 0.5).astype(int)
CLASSES = np.digitize(Y, [0, 1.5])
NAMES = [f"n{i}" for i in range(5)]
FRAME = pd.DataFrame(X, columns=NAMES)
MIXED = FRAME.assign(shop=RANDOM.choice(["north", "south", "east"], ROWS), level=RANDOM.integers(0, 6, ROWS))
MIXED_Y = Y + 2 * (MIXED["shop"] == "south") - (MIXED["level"] == 3)
CATEGORIES = MIXED.assign(shop=MIXED["shop"].astype("category"), level=MIXED["level"].astype("category"))


def ran(*command, given=None, good=True):
    done = subprocess.run([LEAT, *map(str, command)], input=given, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == good, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
    return done.stdout if good else done.stderr


def answers(folder):
    """What leat gives the parity rows, by the version as it is in a registry and by the file alone."""
    registry = folder.parent / "registry"
    ran("model", "add", "made", folder, "--registry", registry)
    shown = ran("model", "show", "made", "--registry", registry)
    assert "unverified" not in shown, shown
    file = next(path for path in folder.iterdir() if path.name.startswith("model."))
    meta = json.loads((folder / "leat.json").read_text())
    lines = [json.loads(line) for line in (folder / "parity.jsonl").read_text().splitlines()]
    rows = [line["features"] for line in lines]
    if isinstance(rows[0], dict) and meta["features"] is not None:
        rows = [[row[name] for name in meta["features"]] for row in rows]
    given = "".join(json.dumps(row) + "\n" for row in rows)
    rounds = ["--rounds", meta["rounds"]] if meta["rounds"] else []
    out = [json.loads(line)["out"] for line in ran("model", "predict", file, *rounds, given=given).splitlines()]
    return lines, np.array(out, dtype=float), meta


def check(model, sample, expected, tolerance=1e-6, **options):
    """Saves; `expected` is of a whole sample, the rows that were chosen are found in it by their scores' equality."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        saved = leat.save(model, sample, Path(folder) / "export", **options)
        lines, out, meta = answers(saved)
        told = np.array([line["score"] for line in lines], dtype=float).reshape(len(lines), -1)
        expected = np.asarray(expected, dtype=float).reshape(len(sample), -1)
        if expected.shape[1] == 2 and told.shape[1] == 1:
            expected = expected[:, 1:]
        if out.shape[1] == 1 and told.shape[1] == 2:
            told, expected = told[:, 1:], expected[:, 1:]
        every = {tuple(row) for row in expected.tolist()}
        assert all(min(max(abs(a - b) for a, b in zip(row, one)) for one in every) < 1e-12 for row in told.tolist())
        assert len(lines) >= min(50, len(sample))
        assert np.abs(out - told).max() <= tolerance, f"largest difference {np.abs(out - told).max()}"
        return lines, meta


# ---- XGBoost ----


def xgboost_booster():
    import xgboost

    booster = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(X, Y), 20)
    lines, meta = check(booster, X, booster.predict(xgboost.DMatrix(X)))
    assert meta["features"] is None and isinstance(lines[0]["features"], list)
    assert meta["library"] == f"xgboost {xgboost.__version__}"


def xgboost_regressor_with_names():
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=20).fit(FRAME, Y)
    lines, meta = check(model, FRAME, model.predict(FRAME))
    assert list(lines[0]["features"]) == NAMES and meta["features"] is None
    assert any(None in line["features"].values() for line in lines)


def xgboost_names_that_the_model_lacks():
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=20).fit(X, Y)
    lines, meta = check(model, X, model.predict(X), feature_names=NAMES)
    assert meta["features"] == NAMES and list(lines[0]["features"]) == NAMES


def xgboost_binary_classifier():
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=20).fit(FRAME, BINARY)
    lines, meta = check(model, FRAME, model.predict_proba(FRAME), classes=["no", "yes"], threshold=0.4)
    assert meta["classes"] == ["no", "yes"] and meta["threshold"] == 0.4


def xgboost_many_classes_with_early_stopping():
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=300, learning_rate=0.5, early_stopping_rounds=3)
    model.fit(FRAME[:400], CLASSES[:400], eval_set=[(FRAME[400:], CLASSES[400:])], verbose=False)
    lines, meta = check(model, FRAME, model.predict_proba(FRAME))
    assert meta["rounds"] == model.best_iteration + 1 < 300 and meta["classes"] is None


def xgboost_ranker():
    import xgboost

    model = xgboost.XGBRanker(n_estimators=10).fit(FRAME, BINARY, qid=np.arange(ROWS) // 20)
    check(model, FRAME, model.predict(FRAME))


def xgboost_random_forest():
    import xgboost

    model = xgboost.XGBRFRegressor(n_estimators=10).fit(FRAME, Y)
    check(model, FRAME, model.predict(FRAME))


def xgboost_linear():
    import xgboost

    model = xgboost.XGBRegressor(booster="gblinear", n_estimators=10).fit(FRAME, Y)
    check(model, FRAME, model.predict(FRAME))


def xgboost_categories():
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=20, enable_categorical=True).fit(CATEGORIES, MIXED_Y)
    lines, _ = check(model, CATEGORIES, model.predict(CATEGORIES))
    assert {line["features"]["shop"] for line in lines} == {"north", "south", "east"}
    assert all(isinstance(line["features"]["level"], int) for line in lines)


def xgboost_categories_that_are_cut_short_are_refused():
    import xgboost

    frame = MIXED[["n0", "shop"]].replace("south", "süd")
    frame["shop"] = frame["shop"].astype("category")
    model = xgboost.XGBRegressor(n_estimators=5, enable_categorical=True).fit(frame, MIXED_Y)
    version = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
    if (3, 1) <= version < (3, 4):
        refused(lambda: leat.save(model, frame, WORK / "cut"), ValueError, "'shop'")
        assert not (WORK / "cut").exists()
    else:
        check(model, frame, model.predict(frame))


def xgboost_another_missing_value():
    import xgboost

    given = np.where(np.isnan(X), -999, X)
    model = xgboost.XGBRegressor(n_estimators=20, missing=-999).fit(given, Y)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        lines, _ = check(model, given, model.predict(given))
    assert any("-999" in str(one.message) for one in told)
    assert not any(-999 in line["features"] for line in lines) and any(None in line["features"] for line in lines)


# ---- LightGBM ----


def lightgbm_booster():
    import lightgbm

    booster = lightgbm.train({"objective": "regression", "verbose": -1}, lightgbm.Dataset(X, Y), 20)
    lines, _ = check(booster, X, booster.predict(X), tolerance=1e-12)
    assert list(lines[0]["features"])[0] == "Column_0"


def lightgbm_classifier_of_texts():
    import lightgbm

    words = np.array(["low", "middle", "top"])[CLASSES]
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(FRAME, words)
    _, meta = check(model, FRAME, model.predict_proba(FRAME), tolerance=1e-12)
    assert meta["classes"] == ["low", "middle", "top"]


def lightgbm_binary_with_spaces_in_names():
    import lightgbm

    frame = FRAME.rename(columns={"n0": "amount paid"})
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(frame, np.where(BINARY, "yes", "no"))
    lines, meta = check(model, frame, model.predict_proba(frame), tolerance=1e-12)
    assert "amount_paid" in lines[0]["features"] and meta["classes"] == ["no", "yes"]


def lightgbm_early_stopping():
    import lightgbm

    model = lightgbm.LGBMRegressor(n_estimators=500, learning_rate=0.3, verbose=-1)
    stop = lightgbm.early_stopping(3, verbose=False)
    model.fit(FRAME[:400], Y[:400], eval_set=[(FRAME[400:], Y[400:])], callbacks=[stop])
    check(model, FRAME, model.predict(FRAME), tolerance=1e-12)


def lightgbm_categories():
    import lightgbm

    model = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(CATEGORIES, MIXED_Y)
    lines, _ = check(model, CATEGORIES, model.predict(CATEGORIES), tolerance=1e-12)
    assert {line["features"]["shop"] for line in lines} == {"north", "south", "east"}


def lightgbm_ranker():
    import lightgbm

    model = lightgbm.LGBMRanker(n_estimators=10, verbose=-1).fit(FRAME, BINARY, group=[20] * (ROWS // 20))
    check(model, FRAME, model.predict(FRAME), tolerance=1e-12)


# ---- CatBoost ----


def catboost_options(**more):
    return {"iterations": 15, "verbose": False, "allow_writing_files": False, "thread_count": 1, **more}


def catboost_regressor():
    import catboost

    model = catboost.CatBoostRegressor(**catboost_options()).fit(FRAME, Y)
    check(model, FRAME, model.predict(FRAME), tolerance=1e-12)


def catboost_poisson():
    import catboost

    model = catboost.CatBoostRegressor(**catboost_options(loss_function="Poisson")).fit(FRAME, np.exp(Y / 3))
    check(model, FRAME, model.predict(FRAME), tolerance=1e-9)


def catboost_binary_classifier():
    import catboost

    model = catboost.CatBoostClassifier(**catboost_options()).fit(FRAME, np.where(BINARY, "yes", "no"))
    check(model, FRAME, model.predict_proba(FRAME), tolerance=1e-12)


def catboost_many_classes():
    import catboost

    model = catboost.CatBoostClassifier(**catboost_options()).fit(X, CLASSES)
    check(model, X, model.predict_proba(X), tolerance=1e-12)


def catboost_two_classes_as_of_many():
    """With a score for each, unlike those of Logloss."""
    import catboost

    model = catboost.CatBoostClassifier(**catboost_options(loss_function="MultiClass")).fit(X, BINARY)
    lines, _ = check(model, X, model.predict_proba(X), tolerance=1e-12)
    assert len(lines[0]["score"]) == 2


def catboost_categories():
    import catboost

    options = catboost_options(one_hot_max_size=20, cat_features=["shop", "level"])
    model = catboost.CatBoostRegressor(**options).fit(MIXED, MIXED_Y)
    lines, _ = check(model, MIXED, model.predict(MIXED), tolerance=1e-12)
    assert {line["features"]["shop"] for line in lines} == {"north", "south", "east"}


def catboost_categories_that_the_sample_lacks():
    import catboost

    options = catboost_options(one_hot_max_size=20, cat_features=["shop", "level"])
    model = catboost.CatBoostRegressor(**options).fit(MIXED, MIXED_Y)
    refused(lambda: leat.save(model, MIXED[MIXED["shop"] != "south"], WORK / "lacks"), ValueError, "'shop'")
    assert not (WORK / "lacks").exists()


def catboost_statistics_of_categories_are_refused_before_they_are_written():
    import catboost

    model = catboost.CatBoostRegressor(**catboost_options(cat_features=["shop", "level"])).fit(MIXED, MIXED_Y)
    refused(lambda: leat.save(model, MIXED, WORK / "statistics"), ValueError, "one_hot_max_size=255")
    assert not (WORK / "statistics").exists()


# ---- scikit-learn ----


def sklearn_forest():
    from sklearn.ensemble import RandomForestClassifier

    sample = FULL.astype(np.float32)
    model = RandomForestClassifier(20, max_depth=6, random_state=1).fit(sample, CLASSES)
    check(model, sample, model.predict_proba(sample), tolerance=1e-5)


def sklearn_pipeline_of_texts_and_numbers():
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = MIXED.assign(**{name: np.float32(MIXED[name].fillna(0)) for name in NAMES})
    columns = ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), ["shop"]), ("number", StandardScaler(), NAMES)])
    model = make_pipeline(columns, GradientBoostingRegressor(n_estimators=20, random_state=1)).fit(frame, MIXED_Y)
    lines, _ = check(model, frame, model.predict(frame), tolerance=1e-4)
    assert {line["features"]["shop"] for line in lines} == {"north", "south", "east"}


def sklearn_network():
    from sklearn.neural_network import MLPClassifier

    sample = pd.DataFrame(FULL.astype(np.float32), columns=NAMES)
    model = MLPClassifier((16, 8), max_iter=50, random_state=1).fit(sample, BINARY)
    _, meta = check(model, sample, model.predict_proba(sample), tolerance=1e-5)
    assert meta["features"] == NAMES


def sklearn_detectors_of_anomalies():
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import OneClassSVM

    sample = FULL.astype(np.float32)
    for model in (
        IsolationForest(n_estimators=20, random_state=1),
        LocalOutlierFactor(novelty=True),
        make_pipeline(StandardScaler(), OneClassSVM(nu=0.1)),
    ):
        model.fit(sample)
        lines, _ = check(model, sample, model.decision_function(sample), tolerance=1e-5)
        assert {line["score"] < 0 for line in lines} == {True, False}


def sklearn_graph_that_is_unlike_the_model_is_warned_of():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # All are float32, but their mean is not.
    sample = RANDOM.integers(0, 600, (ROWS, 3)) + 16e6
    y = RANDOM.integers(0, 2, ROWS)
    forest = RandomForestClassifier(20, random_state=1)
    for model, expected in ((forest, 0), (make_pipeline(StandardScaler(), forest), 1)):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            leat.save(model.fit(sample, y), sample, WORK / "unlike")
        assert sum("trees need no scaler" in str(one.message) for one in told) == expected, told
    told = ran("model", "add", "unlike", WORK / "unlike", "--registry", WORK / "registry", good=False)
    assert "is the converter unlike the trainer" in told, told


def sklearn_histogram_boosting():
    from onnx import helper
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    before = helper.make_attribute
    sample = X.astype(np.float32)
    for model, y in ((HistGradientBoostingClassifier(max_iter=10), BINARY), (HistGradientBoostingClassifier(max_iter=10), CLASSES)):
        check(model.fit(sample, y), sample, model.predict_proba(sample), tolerance=1e-5)
    model = HistGradientBoostingRegressor(max_iter=10).fit(sample, Y)
    check(model, sample, model.predict(sample), tolerance=1e-5)
    assert helper.make_attribute is before


def sklearn_histogram_boosting_that_the_converter_gets_wrong_is_refused():
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sample = np.column_stack([FULL[:, :2], MIXED["level"]]).astype(np.float32)
    poisson = HistGradientBoostingRegressor(loss="poisson", max_iter=5).fit(sample, np.exp(FULL[:, 0]))
    refused(lambda: leat.save(poisson, sample, WORK / "histogram"), ValueError, "loss='poisson'")
    scaled = make_pipeline(StandardScaler(), HistGradientBoostingRegressor(loss="gamma", max_iter=5))
    refused(lambda: leat.save(scaled.fit(sample, np.exp(Y)), sample, WORK / "histogram"), ValueError, "loss='gamma'")
    categories = HistGradientBoostingRegressor(categorical_features=[2], max_iter=5).fit(sample, MIXED_Y)
    refused(lambda: leat.save(categories, sample, WORK / "histogram"), ValueError, "categorical_features")
    assert not (WORK / "histogram").exists()


def is_linear(model, expected, sample=None, tolerance=1e-12, **options):
    """Written as the plain JSON file."""
    sample = pd.DataFrame(FULL, columns=NAMES) if sample is None else sample
    folder = leat.save(model, sample, WORK / "linear", **options)
    assert json.loads((folder / "model.json").read_text())["leat_model"] == "linear"
    return check(model, sample, expected(sample), tolerance=tolerance, **options)


def sklearn_linear_regression():
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(pd.DataFrame(FULL, columns=NAMES), Y)
    is_linear(model, model.predict)
    model = LinearRegression().fit(FULL, np.stack([Y, -Y], axis=1))
    lines, meta = is_linear(model, model.predict, FULL)
    assert meta["features"] is None and isinstance(lines[0]["features"], list)
    is_linear(model, model.predict, FULL, feature_names=NAMES)


def sklearn_linear_regression_of_large_numbers_with_a_small_sum():
    from sklearn.linear_model import LinearRegression

    sample = pd.DataFrame(FULL + 1e5, columns=NAMES)
    model = LinearRegression().fit(sample, Y - Y.mean())
    is_linear(model, model.predict, sample, tolerance=1e-9)


def sklearn_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame(FULL, columns=NAMES)
    model = LogisticRegression().fit(frame, np.where(BINARY, "yes", "no"))
    is_linear(model, model.predict_proba)
    model = LogisticRegression().fit(frame, CLASSES)
    is_linear(model, model.predict_proba)


def sklearn_linear_pipeline_with_missing_values():
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(FRAME, BINARY)
    lines, _ = is_linear(model, model.predict_proba, FRAME)
    assert any(None in line["features"].values() for line in lines)


def sklearn_another_missing_value_is_not_left_out():
    """The plain JSON knows only null, and a sample without the value would not show it."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    sample = np.round(FULL * 4)
    model = make_pipeline(SimpleImputer(missing_values=-1.0), LinearRegression()).fit(sample, Y)
    seen = sample[(sample != -1).all(axis=1)]
    folder = leat.save(model, seen, WORK / "other-missing")
    out = json.loads(ran("model", "predict", next(folder.glob("model.*")), given="[-1, 0, 0, 0, 0]"))["out"]
    assert abs(out[0] - model.predict([[-1, 0, 0, 0, 0]])[0]) < 1e-5, out


def sklearn_poisson_regression():
    from sklearn.linear_model import PoissonRegressor

    model = PoissonRegressor().fit(FULL, np.exp(Y / 3))
    is_linear(model, model.predict, FULL)


def sklearn_classes_one_by_one_are_no_softmax():
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    sample = FULL.astype(np.float32)
    model = OneVsRestClassifier(LogisticRegression()).fit(sample, CLASSES)
    check(model, sample, model.predict_proba(sample), tolerance=1e-5)


# ---- the folder ----


def refused(call, kind, words):
    try:
        call()
    except kind as error:
        assert words in str(error), error
        return
    raise AssertionError(f"not refused: {words}")


def what_is_not_known_is_refused():
    refused(lambda: leat.save(object(), X, WORK / "none"), TypeError, "not a model that leat.save knows")


def wrong_metadata_is_refused_before_anything_is_written():
    import lightgbm

    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2)
    for options, words in (
        ({"trained_at": "yesterday"}, "trained_at"),
        ({"metrics": {"auc": float("nan")}}, "'auc'"),
        ({"threshold": "high"}, "threshold"),
        ({"classes": [1.5]}, "1.5"),
    ):
        refused(lambda: leat.save(booster, X, WORK / "wrong", **options), ValueError, words)
    refused(lambda: leat.save(booster, X[:, :3], WORK / "wrong"), ValueError, "3 columns")
    assert not (WORK / "wrong").exists()


def times_and_numbers_of_any_kind_are_written_plainly():
    import lightgbm

    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2)
    zone = datetime.timezone(datetime.timedelta(hours=2))
    for given, expected in (
        (datetime.datetime(2026, 3, 1, 12), "2026-03-01T12:00:00Z"),
        (datetime.datetime(2026, 3, 1, 12, tzinfo=zone), "2026-03-01T10:00:00Z"),
        (datetime.date(2026, 3, 1), "2026-03-01T00:00:00Z"),
        (pd.Timestamp("2026-03-01T12:00:00Z"), "2026-03-01T12:00:00Z"),
        ("2026-03-01T12:00:00+02:00", "2026-03-01T12:00:00+02:00"),
    ):
        _, meta = check(booster, X, booster.predict(X), trained_at=given, metrics={"auc": np.float32(0.5)}, note="a note")
        assert meta["trained_at"] == expected and meta["metrics"] == {"auc": 0.5} and meta["note"] == "a note"


def rows_have_the_extremes_and_the_missing_values_and_are_as_many_as_asked_for():
    import lightgbm

    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2)
    folder = leat.save(booster, X, WORK / "rows", rows=40)
    rows = [json.loads(line)["features"] for line in (folder / "parity.jsonl").read_text().splitlines()]
    assert len(rows) == 40
    for at in range(5):
        values = [row[f"Column_{at}"] for row in rows]
        numbers = [value for value in values if value is not None]
        assert None in values and min(numbers) == np.nanmin(X[:, at]) and max(numbers) == np.nanmax(X[:, at])
    folder = leat.save(booster, X[:3].tolist(), WORK / "rows", rows=40)
    assert len((folder / "parity.jsonl").read_text().splitlines()) == 3


def a_second_save_leaves_one_model():
    import lightgbm
    import xgboost

    leat.save(lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2), X, WORK / "twice")
    leat.save(xgboost.XGBRegressor(n_estimators=2).fit(X, Y), X, WORK / "twice")
    assert sorted(path.name for path in (WORK / "twice").iterdir()) == ["leat.json", "model.json", "parity.jsonl"]


def a_save_that_fails_leaves_what_was_there():
    import lightgbm

    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2)

    class Broken(lightgbm.Booster):
        def predict(self, *_, **__):
            raise MemoryError("no room for scores")

    broken = Broken(model_str=booster.model_to_string())
    refused(lambda: leat.save(broken, X, WORK / "broken"), MemoryError, "no room")
    assert not (WORK / "broken").exists() and not list(WORK.glob(".*"))
    folder = leat.save(booster, X, WORK / "kept")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    refused(lambda: leat.save(broken, X, WORK / "kept"), MemoryError, "no room")
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def a_model_that_leat_save_did_not_write_is_not_replaced():
    import lightgbm

    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2)
    for name, text in (("model.json", "{}"), ("parity.jsonl", "{}"), ("leat.json", '{"note": "by hand"}'), ("leat.json", "[")):
        shutil.rmtree(WORK / "own", ignore_errors=True)
        (WORK / "own").mkdir()
        (WORK / "own" / name).write_text(text)
        refused(lambda: leat.save(booster, X, WORK / "own"), FileExistsError, name)
        assert [path.name for path in (WORK / "own").iterdir()] == [name]
    (WORK / "own/leat.json").unlink()
    (WORK / "own/notes.txt").write_text("of the user's")
    leat.save(booster, X, WORK / "own")
    leat.save(booster, X, WORK / "own")
    assert sorted(path.name for path in (WORK / "own").iterdir()) == ["leat.json", "model.txt", "notes.txt", "parity.jsonl"]


def another_models_scores_are_refused_by_leat():
    import xgboost

    folder = leat.save(xgboost.XGBRegressor(n_estimators=5).fit(X, Y), X, WORK / "other")
    xgboost.XGBRegressor(n_estimators=6).fit(X, Y).save_model(folder / "model.json")
    told = ran("model", "add", "other", folder, "--registry", WORK / "registry", good=False)
    assert "parity row 1" in told, told


def the_package_imports_no_trainer_by_itself():
    assert not loaded & {"numpy", "pandas", "xgboost", "lightgbm", "catboost", "sklearn", "skl2onnx"}


TESTS = [
    the_package_imports_no_trainer_by_itself,
    xgboost_booster,
    xgboost_regressor_with_names,
    xgboost_names_that_the_model_lacks,
    xgboost_binary_classifier,
    xgboost_many_classes_with_early_stopping,
    xgboost_ranker,
    xgboost_random_forest,
    xgboost_linear,
    xgboost_categories,
    xgboost_categories_that_are_cut_short_are_refused,
    xgboost_another_missing_value,
    lightgbm_booster,
    lightgbm_classifier_of_texts,
    lightgbm_binary_with_spaces_in_names,
    lightgbm_early_stopping,
    lightgbm_categories,
    lightgbm_ranker,
    catboost_regressor,
    catboost_poisson,
    catboost_binary_classifier,
    catboost_many_classes,
    catboost_two_classes_as_of_many,
    catboost_categories,
    catboost_categories_that_the_sample_lacks,
    catboost_statistics_of_categories_are_refused_before_they_are_written,
    sklearn_forest,
    sklearn_pipeline_of_texts_and_numbers,
    sklearn_network,
    sklearn_detectors_of_anomalies,
    sklearn_graph_that_is_unlike_the_model_is_warned_of,
    sklearn_histogram_boosting,
    sklearn_histogram_boosting_that_the_converter_gets_wrong_is_refused,
    sklearn_linear_regression,
    sklearn_linear_regression_of_large_numbers_with_a_small_sum,
    sklearn_logistic_regression,
    sklearn_linear_pipeline_with_missing_values,
    sklearn_another_missing_value_is_not_left_out,
    sklearn_poisson_regression,
    sklearn_classes_one_by_one_are_no_softmax,
    what_is_not_known_is_refused,
    wrong_metadata_is_refused_before_anything_is_written,
    times_and_numbers_of_any_kind_are_written_plainly,
    rows_have_the_extremes_and_the_missing_values_and_are_as_many_as_asked_for,
    a_second_save_leaves_one_model,
    a_save_that_fails_leaves_what_was_there,
    a_model_that_leat_save_did_not_write_is_not_replaced,
    another_models_scores_are_refused_by_leat,
]


def main():
    wanted = sys.argv[1:]
    failed = 0
    for test in TESTS:
        name = test.__name__.replace("_", " ")
        if wanted and not any(word in name for word in wanted):
            continue
        try:
            test()
            print(f"ok {name}", flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line[:600]}")
            print(f"not ok {name}", flush=True)
    shutil.rmtree(WORK)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
