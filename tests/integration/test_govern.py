#!/usr/bin/env python3
"""Versions governed over files: roles, races, comparison with labels, promotion that asks first, reproducible decisions.

A function whose features are its input's columns, and two versions of the flights model. Labels are drawn from what
version 2 says, so that version 2 is the better one.
"""
# timeout: 120

import json
import math
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
MODELS = ROOT / "examples/flights/models"
T0 = 1372636800000
DAY = 86400000
EVENTS, DAYS = 3000, 20
FEATURES = json.loads((MODELS / "v1.json").read_text())["features"]

failed = 0


def check(name, good, why=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines()[-30:]:
        print(f"# {line}")


def leat(*arguments):
    return subprocess.run([LEAT, *map(str, arguments)], text=True, capture_output=True, check=False)


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def make_function(folder):
    schema = ", ".join(["id: string", "ts: timestamp_ms"] + [f"{name}: double" for name in FEATURES])
    (folder / "fn.yaml").write_text(
        f"""
function: flights
kafka: {{group.id: flights}}
input:
  topic: events
  key: id
  event_time: ts
  schema: {{{schema}}}
features:
{"".join(f"  {name}: {name}{chr(10)}" for name in FEATURES)}
model: {{name: delay, registry: registry}}
labels: {{topic: outcomes, key: id, event_time: ts, schema: {{id: string, ts: timestamp_ms, late: bool}}, value: late, wait: 1d}}
output: {{topic: scored, value: {{id: id, score: score, version: model.version}}}}
decisions: {{topic: decisions}}
"""
    )


def make_events(folder):
    rows = [json.loads(line)["features"] for line in (MODELS / "v2.parity.jsonl").read_text().splitlines()]
    chance = random.Random(1)
    events = []
    for i in range(EVENTS):
        time = T0 + i * DAYS * DAY // EVENTS
        values = {name: chance.choice(rows)[name] for name in FEATURES}
        events.append({"id": f"e{i}", "ts": time, **values})
    write_lines(folder / "data/events.jsonl", events)


def make_labels(folder, scores):
    """Most events have a label after an hour; some none, some too late, some twice."""
    chance = random.Random(2)
    labels = []
    for i, score in enumerate(scores):
        time = T0 + i * DAYS * DAY // EVENTS + 3600000
        label = {"id": f"e{i}", "ts": time, "late": chance.random() < score}
        if i % 20 == 7:
            continue
        if i % 20 == 9:
            label["ts"] += DAY
        labels.append(label)
        if i % 20 == 11:
            labels.append({**label, "late": not label["late"], "ts": label["ts"] + 5})
    labels.sort(key=lambda label: label["ts"])
    write_lines(folder / "data/outcomes.jsonl", labels)


def auc(labels, scores):
    """By pairs, ties half: the plain definition."""
    positives = [s for l, s in zip(labels, scores) if l]
    negatives = [s for l, s in zip(labels, scores) if not l]
    return sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives) / len(positives) / len(negatives)


def log_loss(labels, scores):
    return -sum(math.log(s if l else 1 - s) for l, s in zip(labels, scores)) / len(labels)


def known_labels(folder, until):
    first = {}
    for label in read_lines(folder / "data/outcomes.jsonl"):
        if label["ts"] <= until:
            first.setdefault(label["id"], label)
    return first


def check_figures(folder, comparison, until):
    """Every figure again, from the files, by definition."""
    labels = known_labels(folder, until)
    joined = {1: ([], []), 2: ([], [])}
    for decision in read_lines(folder / "data/decisions.jsonl"):
        label = labels.get(decision["key"])
        if label and label["ts"] - decision["time"] <= DAY:
            for version, score in [(decision["version"], decision["score"])] + [
                (shadow["version"], shadow["score"]) for shadow in decision["shadows"]
            ]:
                joined[version][0].append(label["late"])
                joined[version][1].append(score)
    for row in comparison["versions"]:
        got_labels, got_scores = joined[row["version"]]
        expected = (len(got_labels), auc(got_labels, got_scores), log_loss(got_labels, got_scores))
        got = (row["labelled"], row["auc"]["value"], row["log_loss"]["value"])
        good = all(abs(a - b) < 1e-9 for a, b in zip(expected, got))
        check(f"the figures of version {row['version']} are those of a plain computation", good, f"{expected} {got}")


def story(folder):
    function, data = folder / "fn.yaml", folder / "data"

    def on(command, *arguments):
        return leat(command, function, *arguments, "--files", data)

    done = on("promote", 1, "--why", "first")
    check("a version without labelled decisions is not promoted", done.returncode == 1, done.stderr)
    check("and the refusal says so", "delay/1 has no labelled decisions yet" in done.stderr, done.stderr)
    done = on("history")
    check("a refusal leaves no record", "nobody has been given a role yet" in done.stdout, done.stdout + done.stderr)
    done = on("promote", 1, "--why", "first", "--by", "ada", "--force")
    check("by force it is", done.returncode == 0 and "delay/1 is the champion" in done.stdout, done.stderr)
    on("shadow", 2, "--why", "trained to March")
    done = on("run", "--until", "2013-07-13")
    check("the service runs over files", done.returncode == 0, done.stderr)

    done = on("compare", "--json")
    check("compare answers in JSON", done.returncode == 0, done.stderr)
    comparison = json.loads(done.stdout)
    until = max(event["ts"] for event in read_lines(data / "events.jsonl") if event["ts"] < T0 + 12 * DAY)
    check_figures(folder, comparison, until)
    second = next(row for row in comparison["versions"] if row["version"] == 2)
    check("the better version is found better", second["difference"]["verdict"] == "better", done.stdout)
    check("labels beyond the wait are counted and left out", comparison["late"] > 0 and comparison["missing"] > 0, done.stdout)
    check("of labels that contradict each other the first counts", comparison["labels_contradicting"] > 0, done.stdout)
    done = on("compare", 2, 1)
    check("the other way round the verdict is worse", "verdict: delay/1 is worse" in done.stdout, done.stdout + done.stderr)

    done = on("promote", 2, "--why", "better in July", "--json")
    check("the better version is promoted without force", done.returncode == 0, done.stderr)
    check("with the figures as evidence", json.loads(done.stdout)["evidence"]["difference"]["verdict"] == "better", done.stdout)
    on("run", "--until", "2013-07-20")
    versions = [(d["offset"], d["version"]) for d in read_lines(data / "decisions.jsonl")]
    switched = next(offset for offset, version in versions if version == 2)
    check(
        "the switch is clean: one version before an offset, the other from it on",
        all(version == (2 if offset >= switched else 1) for offset, version in versions),
    )
    history = json.loads(on("history", "--json").stdout)["records"]
    applied = [r for r in history if r["type"] == "applied"]
    check("and history tells that offset", applied[-1]["input_offset"] == switched, applied)
    done = on("promote", 1, "--why", "back")
    check("a worse version is refused with its figures", done.returncode == 1 and "log loss  +" in done.stderr, done.stderr)
    done = on("rollback", "--why", "the desk does not trust it")
    check("a rollback asks nobody", done.returncode == 0 and "delay/1 is the champion" in done.stdout, done.stderr)
    on("run")
    status = json.loads(on("status", "--json").stdout)
    good = status["champion"]["version"] == 1 and status["previous"]["version"] == 2
    check("status knows who serves", good and status["partitions"][0]["behind"] == 0, status)
    check("the last event was scored by who serves", read_lines(data / "decisions.jsonl")[-1]["version"] == 1)
    done = on("shadow", 2, "--why", "too early", "--at", "2013-07-01")
    check("a change before the latest one is refused", done.returncode == 1 and "too late" in done.stderr, done.stderr)
    done = on("retire", 1, "--why", "x")
    check("the champion is not retired without force", done.returncode == 1 and "is the champion" in done.stderr, done.stderr)


def explain(folder):
    function, data = folder / "fn.yaml", folder / "data"
    wrong = [
        i for i in range(0, EVENTS, EVENTS // 8)
        if leat("explain", function, f"events/0/{i}", "--files", data).returncode != 0
    ]
    check("recorded scores are reproduced bit for bit", not wrong, wrong)
    done = leat("explain", function, "events/0/999999", "--files", data)
    check("an event without a record is a finding", done.returncode == 1 and "no decision is recorded" in done.stderr, done.stderr)
    done = leat("explain", function, "events/x/1", "--files", data)
    check("a place that is none is wrong usage", done.returncode == 2, done.stderr)
    path = data / "decisions.jsonl"
    kept = path.read_text()
    records = read_lines(path)
    records[5]["score"] = math.nextafter(records[5]["score"], 1)
    write_lines(path, records)
    done = leat("explain", function, "events/0/5", "--files", data, "--json")
    scores = json.loads(done.stdout)["scores"] if done.stdout else []
    good = bool(scores) and not scores[0]["reproduced"] and all(score["reproduced"] for score in scores[1:])
    check("a score that was changed in its last bit is found out", good, done.stdout + done.stderr)
    at, alone = next((i, record) for i, record in enumerate(read_lines(path)) if record["shadows"])
    shadow = alone["shadows"][0]
    alone.update(model=None, version=None, role="", score=None, raw=None)
    records = read_lines(path)
    records[at] = alone
    write_lines(path, records)
    done = leat("explain", function, f"events/0/{at}", "--files", data)
    says = f"what moved the margin of delay/{shadow['version']}"
    check("where only a shadow scored its contributions are shown", says in done.stdout, done.stdout + done.stderr)
    path.write_text(kept)


def race(folder):
    """Of many operators at once, those who are told that they won are those whose records count."""
    function, data = folder / "fn.yaml", folder / "race"
    data.mkdir()
    (data / "events.jsonl").write_text("")
    (data / "outcomes.jsonl").write_text("")
    told = 0
    for _ in range(4):
        commands = [
            [LEAT, "shadow", function, str(number), "--why", "race", "--by", f"operator {number}", "--files", data]
            for number in (1, 2)
        ] + [[LEAT, "promote", function, "1", "--why", "race", "--force", "--files", data]] * 2
        started = [subprocess.Popen(c, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands]
        codes = [process.wait() for process in started]
        told += codes.count(0)
        check("an operator is told that it won or lost", set(codes) <= {0, 1}, codes)
        leat("retire", function, "2", "--why", "again", "--files", data)
    records = json.loads(leat("history", function, "--files", data, "--json").stdout)["records"]
    accepted = [r for r in records if r.get("accepted") and r["why"] == "race"]
    check("as many were told that they won as records count", len(accepted) == told, f"{len(accepted)} {told}")


def usage(folder):
    function = folder / "fn.yaml"
    for command in ("shadow", "promote", "rollback", "retire", "status", "history", "compare", "explain"):
        done = leat(command, "--help")
        check(f"leat {command} --help has an example", done.returncode == 0 and "example: leat " in done.stdout, done.stdout)
    cases = {
        ("promote", 2): "say why: --why TEXT",
        ("promote", "two", "--why", "x"): "'two' is not the number of a version",
        ("shadow", "--why", "x"): "which version?",
        ("compare", 1): "name two versions",
    }
    for (command, *arguments), text in cases.items():
        done = leat(command, function, *arguments, "--files", folder / "data")
        check(f"leat {command} {' '.join(map(str, arguments))}: {text}", done.returncode == 2 and text in done.stderr, done.stderr)
    done = leat("shadow", function, 9, "--why", "x", "--files", folder / "data")
    check("a version that is not there is a finding", done.returncode == 1 and "no version 9" in done.stderr, done.stderr)


def main():
    folder = Path(tempfile.mkdtemp())
    (folder / "data").mkdir()
    make_function(folder)
    make_events(folder)
    for version in ("v1", "v2"):
        done = leat("model", "add", "delay", MODELS / f"{version}.txt", "--parity", MODELS / f"{version}.parity.jsonl",
                    "--meta", MODELS / f"{version}.json", "--registry", folder / "registry")
        check(f"{version} is added", done.returncode == 0, done.stderr)
    (folder / "data/outcomes.jsonl").write_text("")
    done = leat("score", folder / "fn.yaml", "--files", folder / "data", "--version", 2, "--out", folder / "two.jsonl")
    check("score writes what version 2 says", done.returncode == 0, done.stderr)
    make_labels(folder, [record["score"] for record in read_lines(folder / "two.jsonl")])
    story(folder)
    explain(folder)
    race(folder)
    usage(folder)
    if failed:
        print(f"# kept: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if failed else 0


raise SystemExit(main())
