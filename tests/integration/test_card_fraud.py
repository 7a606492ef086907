"""The 22 features and the scores of the card-fraud example, over files, are those of an independent oracle."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
BUILD = Path(os.environ["LEAT_BUILD"])
EXAMPLE = ROOT / "examples/card-fraud"
RECORDS = 20000
sys.path.insert(0, str(EXAMPLE))
import oracle  # noqa: E402

failed = 0


def check(name, good, why=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines():
        print(f"# {line}")


def run(*command):
    return subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def runs(name, *command):
    done = run(*command)
    check(name, done.returncode == 0, done.stdout)


def main(folder):
    function = folder / "card-fraud.yaml"
    text = (EXAMPLE / "card-fraud.yaml").read_text(encoding="utf-8")
    function.write_text(text.replace("../../build/card-fraud/registry", "registry"), encoding="utf-8")
    features, scores, rows = folder / "features.csv", folder / "scored.jsonl", folder / "rows.csv"

    runs("the load is made", BUILD / "make_card_fraud", folder, RECORDS)
    runs(
        "a model whose file has no names is added with the function's",
        *(LEAT, "model", "add", "fraud", EXAMPLE / "model.json"),
        *("--registry", folder / "registry", "--features", ",".join(oracle.NAMES)),
    )
    runs("features runs over files", LEAT, "features", function, "--files", folder, "--out", features)
    runs("score runs over files", LEAT, "score", function, "--files", folder, "--version", 1, "--out", scores)
    done = run(sys.executable, EXAMPLE / "oracle.py", folder, "--features", features)
    check("the features are the oracle's to the last bit", done.returncode == 0, done.stdout)
    done = run(sys.executable, EXAMPLE / "oracle.py", folder, "--scores", scores)
    check("the scores are what the trees make of the oracle's features", done.returncode == 0, done.stdout)
    lines = features.read_text(encoding="utf-8").splitlines(keepends=True)
    rows.write_text("".join(lines[:-1] + [lines[-1].replace(",", ",1", 3)]), encoding="utf-8")
    done = run(sys.executable, EXAMPLE / "oracle.py", folder, "--features", rows)
    check("a changed feature is found", done.returncode == 1, done.stdout)


with tempfile.TemporaryDirectory() as path:
    main(Path(path))
sys.exit(1 if failed else 0)
