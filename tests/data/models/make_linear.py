#!/usr/bin/env python3
"""Linear models as JSON of our own, from scikit-learn's coefficients, with scikit-learn's answers: the oracle of
tests/unit/test_model_linear.c.

    $(scripts/venv.sh scikit-learn) tests/data/models/make_linear.py [FOLDER]      makes the models of linear/ again
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

COUNTRIES = ["DE", "FR", "é", "12"]


def plain(value):
    return value if isinstance(value, str) else None if value != value else float(value)


def write(out, name, model, rows, score, raw):
    score = np.asarray(score, dtype=float).reshape(len(rows), -1)
    raw = np.asarray(raw, dtype=float).reshape(len(rows), -1)
    (out / f"linear-{name}.json").write_text(json.dumps(model, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with open(out / f"linear-{name}.rows.jsonl", "w", encoding="utf-8") as file:
        for row, s, r in zip(rows, score, raw):
            line = {"features": [plain(v) for v in row], "score": s.tolist(), "raw": r.tolist()}
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def coefficients(columns):
    return columns[0] if len(columns) == 1 else columns


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "linear"
    out.mkdir(exist_ok=True)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 3)) * [1, 100, 1e-3] + [0, 40, 0]
    signal = x[:, 0] + x[:, 1] / 100 - 500 * x[:, 2] + rng.normal(size=400) * 0.3
    asked = np.vstack([x[:40], [[0, 0, 0], [-0.0, 1e-36, 5e-324], [1e15, 16777217, -1e-40]]])
    names = ["a", "b", "c"]

    m = LinearRegression().fit(x, signal)
    raw = m.predict(asked)
    model = {"leat_model": "linear", "features": dict(zip(names, m.coef_.tolist())), "intercept": float(m.intercept_)}
    write(out, "regression", model, asked, raw, raw)

    m = LinearRegression().fit(x, np.stack([signal, -signal, x[:, 0]], 1))
    model = {"leat_model": "linear", "link": "identity", "intercept": m.intercept_.tolist(), "outputs": ["up", "down", "same"]}
    model["features"] = dict(zip(names, m.coef_.T.tolist()))
    raw = m.predict(asked)
    write(out, "targets", model, asked, raw, raw)

    m = LogisticRegression().fit(x, signal > 0)
    model = {"leat_model": "linear", "link": "logistic", "intercept": float(m.intercept_[0]), "classes": ["no", "yes"]}
    model["features"] = dict(zip(names, m.coef_[0].tolist()))
    write(out, "logistic", model, asked, m.predict_proba(asked)[:, 1], m.decision_function(asked))

    m = LogisticRegression(max_iter=1000).fit(x, np.digitize(signal, [-1, 1]))
    model = {"leat_model": "linear", "link": "softmax", "intercept": m.intercept_.tolist(), "classes": [0, 1, 2]}
    model["features"] = dict(zip(names, m.coef_.T.tolist()))
    write(out, "softmax", model, asked, m.predict_proba(asked), m.decision_function(asked))

    m = PoissonRegressor(alpha=1e-3).fit(x[:, [0, 2]], np.round(np.exp(np.clip(signal, -2, 2))))
    model = {"leat_model": "linear", "link": "exp", "intercept": float(m.intercept_), "features": dict(zip("ac", m.coef_.tolist()))}
    few = asked[:42][:, [0, 2]]
    write(out, "poisson", model, few, m.predict(few), few @ m.coef_ + m.intercept_)

    # Scaled numbers with missing ones, and categories with unknown ones.
    for classes in (2, 3):
        table = x.astype(object)
        table[:, 2] = rng.choice(COUNTRIES, 400)
        table[rng.random(400) < 0.1, 1] = np.nan
        y = np.digitize(signal + (table[:, 2] == "FR") * 1.5, [0] if classes == 2 else [-1, 1])
        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        prepare = ColumnTransformer([("numbers", numbers, [0, 1]), ("texts", OneHotEncoder(handle_unknown="ignore"), [2])])
        pipeline = make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(table, y)
        scaler = pipeline[0].named_transformers_["numbers"][1]
        imputer = pipeline[0].named_transformers_["numbers"][0]
        found = pipeline[0].named_transformers_["texts"].categories_[0]
        coef = pipeline[1].coef_
        margins = len(coef)
        features = {}
        for i, name in enumerate(["amount", "age"]):
            features[name] = {"coefficient": coefficients(coef[:, i].tolist()), "mean": float(scaler.mean_[i])}
            features[name].update(std=float(scaler.scale_[i]), missing=float(imputer.statistics_[i]))
        features["country"] = {"categories": {c: coefficients(coef[:, 2 + i].tolist()) for i, c in enumerate(found)}}
        features["country"]["other"] = coefficients([0.0] * margins)
        model = {"leat_model": "linear", "link": "logistic" if margins == 1 else "softmax", "features": features}
        model["intercept"] = coefficients(pipeline[1].intercept_.tolist())
        rows = table[:60].copy()
        rows[:10, 2] = ["zz", "", "de", "DE ", "1", "012", "e", "FRA", "12.0", "-12"]
        rows[10:14, 0] = np.nan
        probability = pipeline.predict_proba(rows)
        score = probability[:, 1] if margins == 1 else probability
        write(out, f"pipeline-{classes}", model, rows, score, pipeline.decision_function(rows))


if __name__ == "__main__":
    main()
