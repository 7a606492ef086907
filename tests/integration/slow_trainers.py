#!/usr/bin/env python3
"""Random models of each version of the trainers, hundreds of rows each: the same raw sums, bit for bit.

Installs the trainers into build/trainers (see tests/data/models/trainers.py). LEAT_TRAINERS_SEED picks other models,
LEAT_TRAINERS_COUNT says how many of each version (20).
"""
# timeout: 3600

import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
SEED = int(os.environ.get("LEAT_TRAINERS_SEED", "1"))
COUNT = int(os.environ.get("LEAT_TRAINERS_COUNT", "20"))

sys.path.insert(0, str(ROOT / "tests/data/models"))
import trainers  # noqa: E402


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def next_float32(value, step):
    bits = struct.unpack("<i", struct.pack("<f", value))[0]
    return struct.unpack("<f", struct.pack("<i", bits + step))[0]


def same(expected, got):
    return expected == got or (math.isnan(expected) and math.isnan(got))


def near(expected, got, float32):
    """Links use the C library's exp and log, which may differ in the last place."""
    if same(expected, got):
        return True
    if not float32:
        return abs(expected - got) <= 1e-12 * abs(expected)
    return got in (next_float32(expected, 1), next_float32(expected, -1))


def compare(model, rows_file):
    """What differs in one model's rows, or None."""
    float32 = model.suffix != ".txt"
    rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    given = "".join(json.dumps(row["features"]) + "\n" for row in rows)
    rounds = re.search(r"-rounds-(\d+)$", model.stem)
    options = ["--rounds", rounds[1]] if rounds else []
    ran = subprocess.run([LEAT, "model", "predict", "--raw", *options, model], input=given, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        return ran.stderr.strip()
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    if len(answers) != len(rows):
        return f"{len(answers)} answers to {len(rows)} rows"
    for number, (row, answer) in enumerate(zip(rows, answers), 1):
        for told, printed, test in (("raw", "raw", same), ("score", "out", lambda e, g: near(e, g, float32))):
            expected = [float(x) for x in row[told]]
            got = [float(x) for x in answer[printed]]
            if float32:
                got = [as_float32(x) for x in got]
            if len(expected) != len(got) or not all(test(e, g) for e, g in zip(expected, got)):
                return f"row {number}: {told} is {expected}, leat's is {got}; features {row['features']}"
    return None


def check(name, folder):
    trainers.run(name, "random", folder, SEED, COUNT)
    wrong = 0
    files = sorted(folder.glob("*.rows.jsonl"))
    for rows_file in files:
        stem = rows_file.name.removesuffix(".rows.jsonl")
        model = next(path for end in ("json", "ubj", "txt") if (path := folder / f"{stem}.{end}").exists())
        difference = compare(model, rows_file)
        if difference:
            wrong += 1
            print(f"# {name} seed {SEED} {stem}: {difference}")
    return len(files) == COUNT and wrong == 0


def main():
    failed = 0
    for name in trainers.ENVIRONMENTS:
        with tempfile.TemporaryDirectory(prefix="leat-trainers-") as folder:
            try:
                good = check(name, Path(folder))
            except trainers.NoPython as error:
                print(f"ok {name} # SKIP {error}", flush=True)
                continue
            except (subprocess.CalledProcessError, OSError) as error:
                print(f"# {error}")
                good = False
        print(f"{'ok' if good else 'not ok'} {COUNT} random models of {name} score as the trainer does", flush=True)
        failed += not good
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
