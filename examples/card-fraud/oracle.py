#!/usr/bin/env python3
"""Computes the 22 features in plain Python, from the records alone, and compares what leat made of them.

    oracle.py DIR                                  prints the features of DIR/tx.jsonl as CSV
    oracle.py DIR --features FILE --scores FILE    compares; exit code 1: something differs

It shares no code with leat and works the slow way: each window is a list of the card's payments in (t - range, t].
Windows sum numbers in steps of 2^-52, without further rounding but at the end. So all features must be equal to the last
bit but log_amount, which may differ by one unit in the last place. Scores are compared with what the trees of model.json
make of the features.
"""

import argparse
import csv
import datetime
import json
import math
import struct
import sys
from collections import defaultdict
from pathlib import Path

MINUTE = 60_000  # milliseconds
STEPS = 2**52
RANGES = {"10m": 10 * MINUTE, "1h": 60 * MINUTE, "24h": 24 * 60 * MINUTE}
CODES = {"is_grocery": "5411", "is_restaurant": "5812", "is_transfer": "4829", "is_gambling": "7995"}
NAMES = ["amount", "log_amount", "hour", "abroad", "risk", *CODES]
NAMES += [f"{what}_{window}" for window in RANGES for what in ("count", "sum", "avg", "max")] + ["since_last_s"]
SHOWN = 5


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def features_of(folder):
    """Yields each record with its features."""
    merchants = {row["merchant_id"]: row for row in read(folder / "merchants.jsonl")}
    cards = defaultdict(list)
    for record in read(folder / "tx.jsonl"):
        ts, amount = record["ts"], record["amount"]
        merchant = merchants.get(record["merchant_id"])
        row = [amount, math.log(1 + amount), datetime.datetime.fromtimestamp(ts / 1000, datetime.timezone.utc).hour]
        row.append(int(merchant is not None and merchant["country"] != record["country"]))
        row.append(merchant["risk"] if merchant else 0.5)
        row += [int(record["mcc"] == code) for code in CODES.values()]
        card = cards[record["card_id"]]
        last = card[-1][0] if card else None
        card.append((ts, amount))
        for reach in RANGES.values():
            held = []
            for then, value in reversed(card):
                if then <= ts - reach:
                    break
                held.append(value)
            total = sum(round(value * STEPS) for value in held)
            row += [len(held), total / STEPS, total / (len(held) * STEPS), max(held)]
        row.append(-1 if last is None else (ts - last) / 1000)
        yield record, row


def float32(values):
    """Rounded to single precision. A sum of two such numbers, rounded again, is the sum that float32 gives."""
    return struct.unpack(f"{len(values)}f", struct.pack(f"{len(values)}f", *values))


class Trees:
    """The XGBoost file, walked as the trainer does: float32 comparisons, float32 sums in the order of the trees."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            learner = json.load(file)["learner"]
        self.trees = []
        for tree in learner["gradient_booster"]["model"]["trees"]:
            conditions = float32(tree["split_conditions"])  # a leaf's is its value
            nodes = zip(tree["left_children"], tree["right_children"], tree["split_indices"], conditions)
            self.trees.append(list(nodes))
        base = float(learner["learner_model_param"]["base_score"].strip("[]"))
        self.base = -math.log(1 / base - 1)

    def score(self, row):
        values = float32(row)
        margin = 0.0
        for tree in self.trees:
            left, right, feature, condition = tree[0]
            while left != -1:
                left, right, feature, condition = tree[left if values[feature] < condition else right]
            margin = float32([margin + condition])[0]
        return 1 / (1 + math.exp(-(margin + self.base)))


class Report:
    def __init__(self):
        self.different = 0

    def differs(self, what):
        self.different += 1
        if self.different <= SHOWN:
            print(what)


def close(name, expected, got):
    if name == "log_amount":
        return abs(got - expected) <= math.ulp(expected)
    return got == expected


def compare_features(rows, path, report):
    with open(path, newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    if len(table) != len(rows):
        report.differs(f"{path} has {len(table)} rows for {len(rows)} records")
    for number, ((record, row), got) in enumerate(zip(rows, table)):
        for name, expected in zip(NAMES, row):
            value = float({"true": "1", "false": "0", "": "nan"}.get(got[name], got[name]))
            if not close(name, expected, value):
                report.differs(f"record {number} ({record['tx_id']}): {name} is {value!r}, expected {expected!r}")


def compare_scores(rows, path, model, report):
    trees, scores = Trees(model), read(path)
    if len(scores) != len(rows):
        report.differs(f"{path} has {len(scores)} rows for {len(rows)} records")
    for (record, row), got in zip(rows, scores):
        if any(got[name] != record[name] for name in ("tx_id", "card_id", "ts")):
            report.differs(f"{got} is not the answer to {record['tx_id']}")
        expected = trees.score(row)
        if abs(got["score"] - expected) > 1e-6:
            report.differs(f"{record['tx_id']}: the score is {got['score']!r}, expected {expected!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--model", type=Path, default=Path(__file__).parent / "model.json")
    arguments = parser.parse_args()
    rows = list(features_of(arguments.folder))
    if not arguments.features and not arguments.scores:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["tx_id", *NAMES])
        writer.writerows([record["tx_id"], *row] for record, row in rows)
        return 0
    report = Report()
    if arguments.features:
        compare_features(rows, arguments.features, report)
    if arguments.scores:
        compare_scores(rows, arguments.scores, arguments.model, report)
    print(f"{len(rows)} records, {report.different} differences")
    return 1 if report.different else 0


if __name__ == "__main__":
    sys.exit(main())
