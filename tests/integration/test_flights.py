#!/usr/bin/env python3
"""The flights function over July against an independent pandas computation, and its scores against the trainer.

Also what a restart, files in pieces and a delay must not change, or must change as said.
"""
# requires: numpy pandas lightgbm
# timeout: 300

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
FLIGHTS = ROOT / "examples/flights"
MODELS = FLIGHTS / "models"
WORK = Path(os.environ["LEAT_BUILD"]) / "flights"

failures = 0


def report(name, good, text=""):
    global failures
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    if not good:
        failures += 1
        print("\n".join("# " + line for line in text.splitlines()[-40:]), flush=True)


def run(*command, **more):
    return subprocess.run([str(part) for part in command], text=True, capture_output=True, **more)


def leat(*arguments):
    return run(LEAT, *arguments)


def main():
    shutil.rmtree(WORK / "registry", ignore_errors=True)
    events, function = WORK / "july", WORK / "flights.yaml"
    done = run(sys.executable, FLIGHTS / "events.py", events, "--month", "7")
    report("the event files are made", done.returncode == 0, done.stdout + done.stderr)
    if done.returncode:
        return
    done = run(sys.executable, FLIGHTS / "oracle.py", events, WORK / "oracle.csv", "--month", "7")
    report("the oracle computes the features", done.returncode == 0, done.stdout + done.stderr)
    # The same function file with a registry of the test's own.
    text = (FLIGHTS / "flights.yaml").read_text()
    assert "registry: ../../build/flights/registry" in text
    function.write_text(text.replace("../../build/flights/registry", str(WORK / "registry")))

    done = leat("features", function, "--files", events, "--from", "2013-07-01T04:00:00Z", "-o", WORK / "features.csv")
    report("leat features runs over a month", done.returncode == 0, done.stderr)
    done = run(sys.executable, FLIGHTS / "verify.py", "--oracle", WORK / "oracle.csv", "--features", WORK / "features.csv",
               "--month", "7")
    report("features equal the pandas computation within 1e-9", done.returncode == 0, done.stdout + done.stderr)

    for number, version in enumerate(["v1", "v2"], 1):
        done = leat("model", "add", "flight-delay", MODELS / f"{version}.txt", "--parity", MODELS / f"{version}.parity.jsonl",
                    "--meta", MODELS / f"{version}.json", "--registry", WORK / "registry")
        report(f"version {number} passes the parity gate", done.returncode == 0, done.stderr)
    leat("model", "add", "flight-delay-static", MODELS / "static-v2.txt", "--parity", MODELS / "static-v2.parity.jsonl",
         "--meta", MODELS / "static-v2.json", "--registry", WORK / "registry")
    done = leat("score", function, "--files", events, "--version", "2", "--from", "2013-07-01T04:00:00Z", "--no-limits",
                "-o", WORK / "scored.jsonl")
    report("leat score runs over a month", done.returncode == 0, done.stderr)
    done = run(sys.executable, FLIGHTS / "verify.py", "--oracle", WORK / "oracle.csv", "--scores", WORK / "scored.jsonl",
               "--model", MODELS / "v2.txt", "--month", "7")
    report("scores equal the trainer's within 1e-6", done.returncode == 0, done.stdout + done.stderr)

    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        once, pieces = Path(folder, "once"), Path(folder, "pieces")
        shutil.copytree(events, once)
        shutil.copytree(events, pieces)
        done = leat("run", function, "--files", once, "--until", "2013-07-08")
        report("leat run over files", done.returncode == 0, done.stderr)
        for until in ["2013-06-29T03:07:00Z", "2013-07-01", "2013-07-02T11:11:11Z", "2013-07-05T12:00:00Z", "2013-07-08"]:
            done = leat("run", function, "--files", pieces, "--until", until)
            report(f"leat run goes on until {until}", done.returncode == 0, done.stderr)
        whole = (once / "flights.decisions.jsonl").read_text().splitlines()
        parts = (pieces / "flights.decisions.jsonl").read_text().splitlines()
        report("a run in pieces decides as a run in one: nothing lost, repeated or changed", len(whole) > 1000 and
               without_positions(whole) == without_positions(parts), f"{len(whole)} and {len(parts)} decisions")
        done = leat("promote", function, "2", "--files", once, "--why", "a test", "--by", "test")
        report("the version that shadowed is promoted", done.returncode == 0, done.stdout + done.stderr)
        control = (once / "flight-delay.control.jsonl").read_bytes()
        done = leat("score", function, "--files", once, "--version", "1", "--from", "2013-07-08", "--to", "2013-07-09")
        served = {json.loads(line)["leat"]["version"] for line in done.stdout.splitlines()}
        report("leat score answers with the version that it was told, whoever serves", served == {1}, f"{served} {done.stderr}")
        report("leat score leaves the control log as it was", (once / "flight-delay.control.jsonl").read_bytes() == control)


def without_positions(lines):
    """A restart may have read a source's next record ahead, or not yet: what was applied is the same."""
    records = [json.loads(line) for line in lines]
    for record in records:
        record.pop("positions")
    return records


main()
sys.exit(1 if failures else 0)
