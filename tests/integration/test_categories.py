#!/usr/bin/env python3
"""Text features, numbers of the answer by name and contributions, as a user meets them: check, features, explain, predict.
Over the records, versions and decisions of tests/scenario/categories."""
# timeout: 60

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
SCENARIO = ROOT / "tests/scenario/categories"
MODEL = SCENARIO / "models/plan/1/model.json"


def check(name, good, why=""):
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines()[-40:]:
        print(f"# {line}")


def leat(*arguments, stdin=None):
    return subprocess.run([LEAT, *map(str, arguments)], text=True, capture_output=True, check=False, input=stdin)


def said(name, done, code, *texts):
    out = done.stdout + done.stderr
    missing = [text for text in texts if text not in out]
    check(name, done.returncode == code and not missing, f"exit code {done.returncode}, without {missing}\n{out}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))


def run(folder):
    files = folder / "files"
    shutil.copytree(SCENARIO / "events", files)
    shutil.copy(SCENARIO / "expected/decisions.jsonl", files)
    shutil.copytree(SCENARIO / "models", folder / "models")
    function = folder / "function.yaml"
    shutil.copy(SCENARIO / "function.yaml", function)

    said("check shows what versions give, their categories and how they explain themselves", leat("check", function), 0,
         "plan/1  fits (xgboost-json, 3 features), parity of 24 rows\n    categories: country (text), floor (category number)",
         "gives probability, probability[basic], probability[plus], probability[pro], class, margin[basic]",
         "reasons: TreeSHAP", "note: plan/3 does not use 1 of the function's features: unused")
    other = folder / "other.yaml"
    other.write_text(function.read_text().replace("floor: int", "size: double").replace("floor: floor", "floor: size"))
    said("check refuses a category that is made of another type, and says what to write", leat("check", other), 1,
         "finding: plan/3: feature 'floor' is double in", "write cast(size as int)")
    other.write_text(function.read_text().replace("outputs['probability[pro]']\n", "outputs['probability[gold]']\n"))
    said("check refuses a number that a version does not give, and lists those that there are", leat("check", other), 1,
         "outputs['probability[gold]'] of plan/3: the model has no class of", "it has probability, probability[basic]")

    rows = leat("features", function, "--files", files)
    check("features writes categories as text", rows.stdout.splitlines()[:4] ==
          ["ts,amount,country,floor,unused", "1000,80,NL,0,2", "2000,3.5,DE,7,2", "3000,,,,"], rows.stdout + rows.stderr)
    rows = leat("features", function, "--files", files, "--format", "json")
    check("features writes categories as JSON strings", json.loads(rows.stdout.splitlines()[0]) ==
          {"ts": 1000, "amount": 80, "country": "NL", "floor": 0, "unused": 2}, rows.stdout + rows.stderr)

    said("explain scores recorded texts again, and shows what moved the margin, the largest first",
         leat("explain", function, "in/0/0", "--files", files), 0, "  country                  NL\n",
         "plan/1 (champion) gave 0.7263603210449219: the version gives the same, bit for bit",
         "what moved the margin of plan/1 (TreeSHAP", "\n  amount                   80                       0.5714")
    said("a shadow that refused the category is reproduced as such",
         leat("explain", function, "in/0/3", "--files", files), 0,
         "plan/2 (shadow) gave missing: the category of 'country' was not seen in training")
    told = json.loads(leat("explain", function, "in/0/9", "--files", files, "--json").stdout or "{}")
    answer = told.get("scores", [{}])[0]
    total = sum(answer.get("contributions", {}).values()) + answer.get("base", 0)
    check("contributions and the base add up to the margin, for a missing category too",
          told.get("features", {}).get("country", 1) is None and abs(total - -0.8325216951738629) < 1e-9, told)

    done = leat("model", "predict", MODEL, stdin='{"country": "NL", "amount": 80, "floor": 0}\n["DE", null, 7]\n')
    check("predict takes categories by name and in order", done.returncode == 0 and
          abs(json.loads(done.stdout.splitlines()[0])["out"][2] - 0.7263603) < 1e-6, done.stdout + done.stderr)
    said("predict refuses what the trainer refuses", leat("model", "predict", MODEL, stdin='["XX", 1, 0]\n'), 1,
         "feature 'country': the category \"XX\" was not seen in training")


main()
