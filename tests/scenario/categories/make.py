#!/usr/bin/env python3
"""Makes the versions of this scenario again: build/venv/bin/python tests/scenario/categories/make.py LEAT

Three classes from two categories and a number. XGBoost refuses a category that it has not seen; version 2 has not seen
FR. For LightGBM, version 3, it is missing."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import lightgbm
import numpy
import pandas
import xgboost

FOLDER = Path(__file__).resolve().parent
CLASSES = ["basic", "plus", "pro"]


def data():
    random = numpy.random.default_rng(7)
    country = random.choice(["DE", "FR", "NL"], 400)
    floor = random.choice([-1, 0, 7], 400)
    amount = numpy.round(random.gamma(2, 20, 400), 2)
    amount[random.random(400) < 0.1] = numpy.nan
    score = numpy.nan_to_num(amount) / 40 + (country == "NL") * 1.5 - (floor == 7) + random.normal(0, 0.3, 400)
    target = numpy.digitize(score, [0.6, 1.6])
    frame = pandas.DataFrame({"country": country, "amount": amount, "floor": floor})
    frame["country"] = frame["country"].where(random.random(400) > 0.05).astype("category")
    frame["floor"] = frame["floor"].astype("category")
    return frame, target


def add(leat, name, file, frame, scores, told):
    rows = []
    for features, score in zip(frame.astype(object).where(frame.notna(), None).to_dict("records"), scores):
        rows.append(json.dumps({"features": features, "score": [float(s) for s in score]}))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rows.jsonl").write_text("\n".join(rows) + "\n")
        Path(folder, "meta.json").write_text(json.dumps(told))
        subprocess.run([leat, "model", "add", name, str(file), "--parity", folder + "/rows.jsonl", "--meta",
                        folder + "/meta.json", "--registry", str(FOLDER / "models")], check=True)


def main():
    leat = sys.argv[1]
    frame, target = data()
    shutil.rmtree(FOLDER / "models", ignore_errors=True)
    for number, seen in (1, slice(None)), (2, frame["country"] != "FR"):
        model = xgboost.XGBClassifier(n_estimators=4, max_depth=3, tree_method="hist", enable_categorical=True,
                                      max_cat_to_onehot=2, random_state=1)
        rows = frame[seen].copy()
        rows["country"] = rows["country"].cat.remove_unused_categories()
        model.fit(rows, target[seen])
        with tempfile.TemporaryDirectory() as folder:
            model.save_model(folder + "/model.json")
            add(leat, "plan", folder + "/model.json", rows.iloc[:24], model.predict_proba(rows.iloc[:24]),
                {"classes": CLASSES, "trained_at": "2024-01-01"})
    model = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, min_child_samples=5, min_data_per_group=5,
                                    random_state=1, verbose=-1)
    model.fit(frame, target)
    with tempfile.TemporaryDirectory() as folder:
        model.booster_.save_model(folder + "/model.txt")
        add(leat, "plan", folder + "/model.txt", frame.iloc[:24], model.predict_proba(frame.iloc[:24]),
            {"classes": CLASSES, "trained_at": "2024-01-01"})


main()
