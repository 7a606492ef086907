#!/usr/bin/env python3
"""Random models of CatBoost, hundreds of rows each: the same raw sums, bit for bit, and the same answers within 1e-12.

Installs the trainer into build/trainers (see tests/data/models/make_catboost.py). LEAT_TRAINERS_SEED picks other models,
LEAT_TRAINERS_COUNT says how many of each version (20).
"""
# timeout: 3600

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
SEED = int(os.environ.get("LEAT_TRAINERS_SEED", "1"))
COUNT = int(os.environ.get("LEAT_TRAINERS_COUNT", "20"))

sys.path.insert(0, str(ROOT / "tests/data/models"))
import make_catboost  # noqa: E402


def same(expected, got):
    return expected == got or (math.isnan(expected) and math.isnan(got))


def near(expected, got):
    return same(expected, got) or abs(expected - got) <= 1e-12 * abs(expected)


def compare(model, rows_file):
    """What differs in one model's rows, or None."""
    rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    given = "".join(json.dumps(row["features"]) + "\n" for row in rows)
    ran = subprocess.run([LEAT, "model", "predict", "--raw", model], input=given, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        return ran.stderr.strip()
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    if len(answers) != len(rows):
        return f"{len(answers)} answers to {len(rows)} rows"
    for number, (row, answer) in enumerate(zip(rows, answers), 1):
        for told, printed, test in (("raw", "raw", same), ("score", "out", near)):
            expected = [float(x) for x in row[told]]
            got = [float(x) for x in answer[printed]]
            if len(expected) != len(got) or not all(test(e, g) for e, g in zip(expected, got)):
                return f"row {number}: {told} is {expected}, leat's is {got}; features {row['features']}"
    return None


def check(name, folder):
    make_catboost.run(name, "random", folder, SEED, COUNT)
    files = sorted(folder.glob("*.rows.jsonl"))
    wrong = 0
    for rows_file in files:
        stem = rows_file.name.removesuffix(".rows.jsonl")
        difference = compare(folder / f"{stem}.json", rows_file)
        if difference:
            wrong += 1
            print(f"# {name} seed {SEED} {stem}: {difference}")
    return len(files) == COUNT and wrong == 0


def main():
    failed = 0
    for name in make_catboost.VERSIONS:
        with tempfile.TemporaryDirectory(prefix="leat-catboost-") as folder:
            try:
                good = check(name, Path(folder))
            except (subprocess.CalledProcessError, OSError) as error:
                print(f"# {error}")
                good = False
        print(f"{'ok' if good else 'not ok'} {COUNT} random models of {name} score as the trainer does", flush=True)
        failed += not good
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
