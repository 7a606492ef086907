#!/usr/bin/env python3
"""Makes the models of this folder again, with the contributions that their trainers give to some rows.

    $(scripts/venv.sh numpy pandas xgboost-cpu lightgbm catboost) tests/data/explain/make.py

Seeds are fixed. The trainers' versions are those of tests/requirements.txt."""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
import slow_explain as trainers  # noqa: E402


def cases():
    plain = trainers.Data(features=4, rows=400, seed=11)
    categories = trainers.Data(features=4, rows=400, categories=2, seed=12)
    small = {"rounds": 4}
    yield "xgboost-classes", trainers.xgboost_case(
        plain, "classes", objective="multi:softprob", num_class=4, max_depth=3, rounds=2
    )
    yield "xgboost-categories", trainers.xgboost_case(
        categories, objective="reg:squarederror", kind="category", max_cat_to_onehot=1, max_depth=4, **small
    )
    yield "xgboost-dart", trainers.xgboost_case(plain, booster="dart", rate_drop=0.5, max_depth=3, **small)
    yield "lightgbm-classes", trainers.lightgbm_case(
        plain, "classes", objective="multiclass", num_class=4, num_leaves=8, rounds=2
    )
    yield "lightgbm-categories", trainers.lightgbm_case(categories, num_leaves=12, min_data_per_group=5, **small)
    yield "lightgbm-forest", trainers.lightgbm_case(
        plain, boosting="rf", bagging_freq=1, bagging_fraction=0.5, num_leaves=12, **small
    )
    yield "catboost-classes", trainers.catboost_case(plain, "classes", iterations=4, depth=3)
    yield "catboost-symmetric", trainers.catboost_case(plain, iterations=4, depth=5)
    yield "catboost-lossguide", trainers.catboost_case(plain, iterations=4, grow_policy="Lossguide", max_leaves=10)


def main():
    for name, answer in cases():
        model, rows, expected, _ = answer(HERE)
        model.rename(HERE / f"{name}{model.suffix}")
        with open(HERE / f"{name}.contributions.jsonl", "w", encoding="utf-8") as file:
            for row, contributions in list(zip(rows, expected))[:16]:
                line = {"features": [trainers.as_json(x) for x in row], "contributions": contributions.astype(float).tolist()}
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
