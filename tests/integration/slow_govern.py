#!/usr/bin/env python3
"""Roles over a real broker: changes need no consumer group, a race has one winner, and a running service switches."""
# timeout: 300
# serial

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
MODELS = ROOT / "examples/flights/models"
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


def kafka(*arguments):
    done = subprocess.run([ROOT / "scripts/kafka.sh", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip()


def produce(address, topic, records):
    text = "".join(f"{record['id']}\t{json.dumps(record)}\n" for record in records)
    subprocess.run(["kcat", "-P", "-b", address, "-t", topic, "-K", "\t"], input=text, text=True, check=True)


def until(what, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.3)
    return False


def make(folder, address):
    schema = ", ".join(["id: string", "ts: timestamp_ms"] + [f"{name}: double" for name in FEATURES])
    function = folder / "fn.yaml"
    function.write_text(
        f"""
function: flights
kafka: {{bootstrap.servers: "{address}", group.id: flights, auto.offset.reset: earliest}}
input: {{topic: events, key: id, event_time: ts, schema: {{{schema}}}}}
features:
{"".join(f"  {name}: {name}{chr(10)}" for name in FEATURES)}
model: {{name: delay, registry: registry}}
labels: {{topic: outcomes, key: id, event_time: ts, schema: {{id: string, ts: timestamp_ms, late: bool}}, value: late, wait: 1d}}
output: {{topic: scored, value: {{id: id, score: score, version: model.version}}}}
decisions: {{topic: decisions}}
"""
    )
    for version in ("v1", "v2"):
        leat("model", "add", "delay", MODELS / f"{version}.txt", "--meta", MODELS / f"{version}.json", "--registry",
             folder / "registry")
    return function


def events(first, count):
    rows = [json.loads(line)["features"] for line in (MODELS / "v2.parity.jsonl").read_text().splitlines()]
    return [{"id": f"e{i}", "ts": 1372636800000 + i * 1000, **rows[i % len(rows)]} for i in range(first, first + count)]


def race(function):
    commands = [[LEAT, "promote", function, "1", "--why", "race", "--force", "--by", f"operator {i}"] for i in range(4)]
    started = [subprocess.Popen(c, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for c in commands]
    errors = [process.communicate()[1] for process in started]
    codes = sorted(process.returncode for process in started)
    check("of four operators at once one wins and three are told that they lost", codes == [0, 1, 1, 1], f"{codes} {errors}")


def history(function):
    return json.loads(leat("history", function, "--json").stdout)["records"]


def versions(address):
    read = subprocess.run(["kcat", "-C", "-b", address, "-t", "scored", "-e", "-q"], text=True, capture_output=True, check=False)
    return [json.loads(line)["version"] for line in read.stdout.splitlines()]


def story(folder, address):
    function = make(folder, address)
    produce(address, "events", events(0, 500))
    produce(address, "outcomes", [{"id": "none", "ts": 1, "late": False}])
    race(function)
    kept = [r for r in history(function) if r.get("accepted")]
    check("one record of the race counts", len(kept) == 1, kept)
    done = leat("promote", function, 2, "--why", "x", "--at", "2013-07-01")
    check("--at is refused over Kafka", done.returncode == 2 and "--at is for files" in done.stderr, done.stderr)
    service = subprocess.Popen([LEAT, "run", function], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        check("the service scores by the winner", until(lambda: len(versions(address)) == 500), len(versions(address)))
        done = leat("promote", function, 2, "--why", "live", "--force")
        check("a promotion while it runs", done.returncode == 0, done.stderr)

        def applied():
            return [r for r in history(function) if r["type"] == "applied" and r["control_offset"] == offset]

        offset = [r for r in history(function) if r.get("accepted")][-1]["offset"]
        check("takes effect on the partition, and the log says where", until(applied), history(function))
        check("from the next event on", applied()[0]["input_offset"] == 500, applied())
        produce(address, "events", events(500, 500))
        check("the events after it are scored by the other version", until(lambda: len(versions(address)) == 1000))
        check("each by one", versions(address) == [1] * 500 + [2] * 500)
        done = leat("status", function, "--json")
        good = until(lambda: json.loads(leat("status", function, "--json").stdout)["partitions"][0]["behind"] == 0)
        check("status sees that all is committed", good and json.loads(done.stdout)["champion"]["version"] == 2, done.stdout)
        places = [f"events/0/{i}" for i in (0, 499, 500, 999)]
        codes = [leat("explain", function, place).returncode for place in places]
        check("scores before and after are reproduced", codes == [0] * 4, codes)
    finally:
        service.send_signal(signal.SIGTERM)
        check("the service ends when it is told", service.wait(30) == 0, service.stderr.read())


def main():
    with tempfile.TemporaryDirectory() as folder:
        try:
            story(Path(folder), kafka("start", "--dir", f"{folder}/broker"))
        finally:
            kafka("stop", "--kill", "--dir", f"{folder}/broker")
    return 1 if failed else 0


sys.exit(main())
