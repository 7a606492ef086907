#!/usr/bin/env python3
"""Compares what leat computed with the oracle's features and the trainer's scores. Exit code 1: something differs.

    verify.py --oracle build/flights/oracle.csv --features build/flights/features.csv
    verify.py --oracle build/flights/oracle.csv --scores build/flights/scored.jsonl --model examples/flights/models/v3.txt

Rows are matched by flight_id. Features and label may differ by 1e-9, scores by 1e-6, absolute or relative; a missing
value equals only a missing value. Scores are JSON lines or CSV with the fields flight_id and score; they are compared
with what the trainer's own library makes of the oracle's features.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import train

SHOWN = 5


def read_csv(path):
    table = pd.read_csv(path, dtype={"flight_id": str, "label": str})
    if "label" in table:
        table["label"] = train.parse_labels(table["label"])
    if "ts" in table:
        table["ts"] = train.parse_times(table["ts"])
    return table


def read_scores(path):
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype={"flight_id": str})[["flight_id", "score"]]
    with open(path) as file:
        records = [json.loads(line) for line in file if line.strip()]
    return pd.DataFrame({
        "flight_id": [record["flight_id"] for record in records],
        "score": np.array([record["score"] for record in records], dtype=np.float64),
    })


def match(expected, got, what):
    """Both tables with the rows that they share, in one order; and how many rows are not shared or come twice."""
    twice = got["flight_id"].duplicated()
    if twice.any():
        print(f"{what}: {twice.sum()} rows come again, e.g. {got['flight_id'][twice].iloc[0]}")
    got = got[~twice].set_index("flight_id")
    expected = expected.set_index("flight_id")
    absent, unknown = expected.index.difference(got.index), got.index.difference(expected.index)
    for rows, trouble in ((absent, "absent"), (unknown, "unknown to the oracle")):
        if len(rows):
            print(f"{what}: {len(rows)} rows are {trouble}, e.g. {rows[0]}")
    shared = expected.index.intersection(got.index)
    return expected.loc[shared], got.loc[shared], int(twice.sum()) + len(absent) + len(unknown)


def differing(name, expected, got, tolerance):
    """Prints and counts the rows of one column that differ."""
    a = expected[name].to_numpy(dtype=np.float64)
    b = got[name].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        same = np.abs(a - b) <= tolerance * np.maximum(1, np.abs(a))
    rows = np.flatnonzero(~(same | (np.isnan(a) & np.isnan(b))))
    print(f"{name:14} {len(a):8} rows, {len(rows):8} differ")
    for row in rows[:SHOWN]:
        print(f"    {expected.index[row]}: expected {a[row]}, got {b[row]}")
    return len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, metavar="CSV", help="what oracle.py wrote")
    parser.add_argument("--features", type=Path, metavar="CSV", help="what `leat features` wrote")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="leat's output, JSON lines or CSV")
    parser.add_argument("--model", type=Path, help="with --scores: the model that served")
    parser.add_argument("--month", type=int, help="compare this month's decisions alone")
    args = parser.parse_args()
    if not args.features and not args.scores:
        parser.error("nothing to do: give --features or --scores")
    if args.scores and not args.model:
        parser.error("--scores needs --model")

    oracle = read_csv(args.oracle)
    if args.month:
        oracle = oracle[oracle["flight_id"].str[5:7] == f"{args.month:02}"]
    trouble = 0
    if args.features:
        expected, got, trouble = match(oracle, read_csv(args.features), "features")
        for name in expected.columns:
            if name not in got:
                print(f"{name:14} absent")
                trouble += 1
                continue
            trouble += differing(name, expected, got, 1e-9)
    if args.scores:
        expected, got, unmatched = match(oracle, read_scores(args.scores), "scores")
        expected = expected.assign(score=train.load(args.model).predict(expected))
        trouble += unmatched + differing("score", expected, got, 1e-6)
    print("all the same" if not trouble else f"{trouble} differences")
    sys.exit(1 if trouble else 0)


if __name__ == "__main__":
    main()
