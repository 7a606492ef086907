#!/usr/bin/env python3
r"""Trains the demo's models from a table of features, or evaluates them on it.

    train.py --features build/flights/features.csv --out examples/flights/models
    train.py --features build/flights/features.csv --models examples/flights/models --evaluate
    train.py --features build/flights/features.csv --models examples/flights/models \
             --stalled build/flights/features-stalled.csv --stalled-from 2013-07-08 --stalled-to 2013-07-15

The table is what `leat features` writes, or oracle.py: flight_id, ts, the features by name, label; an empty cell is
missing. Rows without a label (cancelled flights) are left out. A flight's month is that of its local date, with which
its flight_id begins.

Every model is trained on whole months and knows nothing after them:

    v1           January                 the first champion
    v2           January to March        the challenger that is better in April
    v3           January to August       the champion of autumn
    v4           September to November   the challenger that is worse in December
    static       January, with the first five features alone: the fallback, which no stalled feed can mislead. It
                 has only January so that wherever the story falls back on it, it does not know that time's future
    static-v2    January to March, likewise: the fallback to go with v2
    v3-xgboost   v3's twin in another format, for tests

For each: the model as its trainer saves it, NAME.parity.jsonl (50 rows with the scores that the trainer gives them,
by which the model's users can tell that theirs are the same), and NAME.json (when the training data ends, metrics, the
decision threshold, the names of the features). One thread and no sampling: the same table gives the same files.
"""

import argparse
import json
from datetime import date, datetime, timezone
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd

from events import new_york_midnight

STATIC = ["lmin", "dow", "crs", "seats", "age"]
MODELS = {  # name: (first month, last month, trainer, features (None: all))
    "v1": (1, 1, "lightgbm", None),
    "v2": (1, 3, "lightgbm", None),
    "v3": (1, 8, "lightgbm", None),
    "v4": (9, 11, "lightgbm", None),
    "static": (1, 1, "lightgbm", STATIC),
    "static-v2": (1, 3, "lightgbm", STATIC),
    "v3-xgboost": (1, 8, "xgboost", None),
}
ROUNDS = 100
LIGHTGBM = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.12, "seed": 1, "deterministic": True,
    "force_row_wise": True, "num_threads": 1, "verbosity": -1,
}
XGBOOST = {"objective": "binary:logistic", "max_depth": 5, "eta": 0.12, "seed": 1, "nthread": 1, "tree_method": "hist"}
PARITY_ROWS = 50
STALE_AFTER = 30 * 60_000  # milliseconds: the function's limit, from which on it falls back
FLAGGED = 0.1  # the threshold flags this share of the training flights


class LightGBM:
    suffix = ".txt"

    def __init__(self, booster):
        self.booster = booster

    @classmethod
    def train(cls, rows, labels):
        return cls(lightgbm.train(LIGHTGBM, lightgbm.Dataset(rows, labels), ROUNDS))

    @classmethod
    def load(cls, path):
        return cls(lightgbm.Booster(model_file=str(path)))

    def save(self, path):
        self.booster.save_model(str(path), importance_type="gain")

    def features(self):
        return self.booster.feature_name()

    def predict(self, rows):
        return self.booster.predict(rows[self.features()].to_numpy(np.float64), num_threads=1)


class XGBoost:
    suffix = ".model.json"

    def __init__(self, booster):
        self.booster = booster

    @classmethod
    def train(cls, rows, labels):
        import xgboost
        return cls(xgboost.train(XGBOOST, xgboost.DMatrix(rows.astype(np.float64), labels), ROUNDS))

    @classmethod
    def load(cls, path):
        import xgboost
        return cls(xgboost.Booster(model_file=str(path)))

    def save(self, path):
        self.booster.save_model(str(path))

    def features(self):
        return self.booster.feature_names

    def predict(self, rows):
        import xgboost
        return self.booster.predict(xgboost.DMatrix(rows[self.features()].astype(np.float64))).astype(np.float64)


TRAINERS = {"lightgbm": LightGBM, "xgboost": XGBoost}


def load(path):
    """A model by its file's name."""
    return (XGBoost if path.name.endswith(".json") else LightGBM).load(path)


def parse_labels(texts):
    """1, 0 or missing."""
    return texts.str.lower().map({"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}).astype(np.float64)


def parse_times(times):
    """Milliseconds from the same or from RFC 3339 text."""
    if pd.api.types.is_numeric_dtype(times):
        return times
    return pd.to_datetime(times, utc=True, format="ISO8601").astype("datetime64[ms, UTC]").astype("int64")


def read_table(path):
    """The labelled rows, with their month and day."""
    table = pd.read_csv(path, dtype={"flight_id": str, "label": str})
    table["label"] = parse_labels(table["label"])
    table["ts"] = parse_times(table["ts"])
    table = table[table["label"].notna()].reset_index(drop=True)
    table["month"] = table["flight_id"].str[5:7].astype(int)
    table["day"] = table["flight_id"].str[:10]
    return table.sort_values(["ts", "flight_id"], ignore_index=True)  # whatever order the rows came in


def feature_names(table):
    return [name for name in table.columns if name not in ("flight_id", "ts", "label", "month", "day")]


def auc(labels, scores):
    ranks = pd.Series(scores).rank().to_numpy()
    late = labels == 1
    positives, negatives = late.sum(), (~late).sum()
    return (ranks[late].sum() - positives * (positives + 1) / 2) / (positives * negatives)


def losses(labels, scores):
    return -np.log(np.where(labels == 1, scores, 1 - scores))


def precision_at_top(labels, scores, share=0.1):
    top = np.argsort(-scores, kind="stable")[: int(len(scores) * share)]
    return labels[top].mean()


def measure(table, scores):
    labels = table["label"].to_numpy()
    return {
        "auc": auc(labels, scores),
        "log_loss": losses(labels, scores).mean(),
        "precision_top_10_percent": precision_at_top(labels, scores),
        "mean_score": scores.mean(),
        "label_rate": labels.mean(),
    }


def utc(day):
    return datetime.fromtimestamp(new_york_midnight(day) * 60, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parity_rows(rows):
    """Half of them with something missing, half without."""
    random = np.random.default_rng(1)
    missing = rows.isna().any(axis=1).to_numpy()
    chosen = [random.choice(np.flatnonzero(some), PARITY_ROWS // 2, replace=False) for some in (missing, ~missing)]
    return rows.iloc[np.sort(np.concatenate(chosen))]


def train(table, name, out):
    first, last, trainer_name, names = MODELS[name]
    trainer = TRAINERS[trainer_name]
    names = names or feature_names(table)
    period = table[table["month"].between(first, last)]
    days = np.sort(period["day"].unique())
    if len(days) < 28 * (last - first + 1):
        raise SystemExit(f"{name}: the table has {len(days)} days of months {first} to {last}")

    # The metrics are those of a trial on the last week, by a model that has not seen it.
    earlier, week = period[period["day"] < days[-7]], period[period["day"] >= days[-7]]
    trial = trainer.train(earlier[names], earlier["label"])
    metrics = measure(week, trial.predict(week))

    path = out / f"{name}{trainer.suffix}"
    trainer.train(period[names], period["label"]).save(path)
    model = load(path)  # what is told of the model is told of the file

    rows = parity_rows(period[names])
    with open(out / f"{name}.parity.jsonl", "w") as file:
        for (_, row), score in zip(rows.iterrows(), model.predict(rows)):
            features = {key: None if np.isnan(x) else float(x) for key, x in row.items()}
            file.write(json.dumps({"features": features, "score": float(score)}) + "\n")

    begin = date(2013, first, 1)
    end = date(2013 + last // 12, last % 12 + 1, 1)
    metadata = {
        "name": name,
        "format": trainer_name,
        "file": path.name,
        "trained_at": utc(end),
        "trained_from": utc(begin),
        "rows": len(period),
        "threshold": round(float(np.quantile(model.predict(period), 1 - FLAGGED)), 4),
        "metrics": {key: round(float(value), 4) for key, value in metrics.items()},
        "features": names,
    }
    (out / f"{name}.json").write_text(json.dumps(metadata, indent=2) + "\n")
    print(f"{path}: {len(period)} rows, {path.stat().st_size} bytes, threshold {metadata['threshold']}, last week "
          f"{metadata['metrics']}")


def compare(table, champion, challenger, months):
    """Mean log loss of the challenger less the champion's, and its 95 % interval by resampling days."""
    part = table[table["month"].between(*months)]
    labels = part["label"].to_numpy()
    difference = losses(labels, challenger.predict(part)) - losses(labels, champion.predict(part))
    by_day = pd.DataFrame({"day": part["day"], "sum": difference, "count": 1}).groupby("day").sum().to_numpy()
    drawn = np.random.default_rng(1).integers(len(by_day), size=(2000, len(by_day)))
    sums = by_day[drawn].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    return difference.mean(), low, high


def evaluate(table, folder):
    models = {name: load(folder / f"{name}{TRAINERS[MODELS[name][2]].suffix}") for name in MODELS}
    august = table[table["month"] <= 8]
    models["static-august"] = LightGBM.train(august[STATIC], august["label"])  # for this table only

    print(f"{'model':14} {'months':>7} {'auc':>7} {'loss':>7} {'top 10%':>8} {'score':>7} {'rate':>7}")
    for name, first, last in [
        ("v3", 10, 12), ("v3-xgboost", 10, 12),
        ("static-august", 10, 12), ("static", 10, 12), ("static-v2", 10, 12),
        ("v1", 4, 4), ("v2", 4, 4), ("v3", 12, 12), ("v4", 12, 12),
        *(("v1", month, month) for month in range(2, 13)),
        *(("static", month, month) for month in range(2, 13)),
    ]:
        part = table[table["month"].between(first, last)]
        if part.empty:
            continue
        m = measure(part, models[name].predict(part))
        print(f"{name:14} {first:>3}-{last:<3} {m['auc']:7.4f} {m['log_loss']:7.4f} "
              f"{m['precision_top_10_percent']:8.4f} {m['mean_score']:7.4f} {m['label_rate']:7.4f}")
    for champion, challenger, month in [("v1", "v2", 4), ("v3", "v4", 12)]:
        if (table["month"] == month).any():
            mean, low, high = compare(table, models[champion], models[challenger], (month, month))
            print(f"log loss in month {month}, {challenger} less {champion}: {mean:+.4f} [{low:+.4f}, {high:+.4f}]")


def evaluate_stall(table, stalled, folder, first, last):
    """What the fallback is worth: the same flights with feeds that flow, with feeds that stall, and without feeds."""
    begin, end = new_york_midnight(first) * 60_000 + STALE_AFTER, new_york_midnight(last) * 60_000
    flowing, stalled = (part[part["ts"].between(begin, end, inclusive="left")] for part in (table, stalled))
    print(f"{len(stalled)} flights, {stalled['label'].mean():.4f} of them late")
    for name, (_, _, trainer, names) in MODELS.items():
        model = load(folder / f"{name}{TRAINERS[trainer].suffix}")
        for what, part in [("without feeds", stalled)] if names else [("flowing", flowing), ("stalled", stalled)]:
            m = measure(part, model.predict(part))
            print(f"{name:14} {what:14} auc {m['auc']:.4f}  loss {m['log_loss']:.4f}  score {m['mean_score']:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True, metavar="CSV")
    parser.add_argument("--out", type=Path, metavar="DIR", help="train, and write the models here")
    parser.add_argument("--only", choices=MODELS, help="train this one alone")
    parser.add_argument("--models", type=Path, metavar="DIR", help="the models to evaluate (default: those of --out)")
    parser.add_argument("--evaluate", action="store_true", help="print how good they are, month by month")
    parser.add_argument("--stalled", type=Path, metavar="CSV", help="features of stalled feeds, to compare")
    parser.add_argument("--stalled-from", type=date.fromisoformat, metavar="DATE", help="midnight in New York")
    parser.add_argument("--stalled-to", type=date.fromisoformat, metavar="DATE", help="midnight in New York")
    args = parser.parse_args()
    models = args.models or args.out
    if not (args.out or args.evaluate or args.stalled):
        parser.error("nothing to do: give --out, --evaluate or --stalled")
    if not models:
        parser.error("--evaluate and --stalled need --models")
    if args.stalled and not (args.stalled_from and args.stalled_to):
        parser.error("--stalled needs --stalled-from and --stalled-to")

    table = read_table(args.features)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        for name in [args.only] if args.only else MODELS:
            train(table, name, args.out)
    if args.evaluate:
        evaluate(table, models)
    if args.stalled:
        evaluate_stall(table, read_table(args.stalled), models, args.stalled_from, args.stalled_to)


if __name__ == "__main__":
    main()
