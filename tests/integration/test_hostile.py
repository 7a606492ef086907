#!/usr/bin/env python3
"""What a bad day brings: the process killed at any moment, broken files, a full disk, a reader that has gone.

After every interruption the decisions must be those of a run that nobody disturbed. Whatever a file holds, the program ends
with one of its four exit codes and a reason, and never by a crash.
"""
# timeout: 180

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
T0 = 1372636800000
EVENTS = 5000
SECRET = "correct-horse-battery"

FUNCTION = """
function: steps
kafka: {auto.commit.interval.ms: 1, sasl.password: "${HOSTILE_SECRET}"}
input:
  topic: in
  key: card
  event_time: ts
  grace: 5s
  schema: {id: string, card: string, cur: string, shop: string, x: double, ts: timestamp_ms}
  filter: x is null or x > -100
streams:
  back: {topic: back, key: card, event_time: ts, schema: {card: string, y: double, ts: timestamp_ms}, freshness: {error_after: 30s}}
  rates: {topic: rates, event_time: ts, scope: global, schema: {cur: string, r: double, ts: timestamp_ms}}
tables:
  shops: {topic: shops, key: shop, event_time: ts, ttl: 100s, schema: {shop: string, risk: double, ts: timestamp_ms}}
  names: {topic: names, key: shop, schema: {shop: string, risk: double}}
windows:
  w: partition by card range 20s preceding
  all: partition by card
features:
  x: x
  n: count(*) over w
  spread: stddev(x) over w
  mean: avg(x) over all
  before: lag(x) over w
  first: first(x) over w
  backs: count(back.*) over (partition by card range 40s preceding)
  sum_back: sum(back.y) over (partition by card range 40s preceding)
  rate: last(rates.r) over (partition by cur range 60s preceding)
  risk: shops[shop].risk
  name: names[shop].risk
model: {name: steps, registry: models}
labels: {topic: labels, key: id, event_time: ts, schema: {id: string, late: bool, ts: timestamp_ms}, value: late, wait: 1d}
output: {topic: out, value: {id: id, score: score, n: n}}
decisions: {topic: decisions}
errors.deadletterqueue.topic.name: dead
"""

failed = 0


def check(name, good, why=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines()[-30:]:
        print(f"# {line[:2000]}")


def leat(*arguments, **options):
    environment = {**os.environ, "HOSTILE_SECRET": SECRET}
    return subprocess.run(
        [LEAT, *map(str, arguments)], capture_output=True, env=environment, timeout=60, check=False, **options
    )


def said(done):
    return done.stderr.decode(errors="replace")


def write_lines(path, lines):
    path.write_text("".join(line + "\n" for line in lines))


def make_events(data, count):
    """Out of order, late beyond the grace, at equal times, after gaps; now and then no event at all."""
    chance = random.Random(1)
    time_ms = T0
    topics = {"in": [], "back": [], "rates": [], "shops": []}
    for i in range(count):
        time_ms += chance.choice([0, 0, 1, 10, 50, 200]) + (3600000 if chance.random() < 0.0005 else 0)
        event = {
            "id": f"e{i}", "card": f"c{chance.randrange(20)}", "cur": "a", "shop": f"m{chance.randrange(5)}",
            "x": chance.choice([chance.random() * 10] * 40 + [None, -200, 1e300]),
            "ts": time_ms - chance.choice([0] * 10 + [500, 3000, 20000, 60000]),
        }  # fmt: skip
        topics["in"].append(json.dumps(event) if chance.random() > 0.02 else chance.choice(["{", "\x00", "[]", '{"ts":"x"}']))
        if chance.random() < 0.5:
            back = {"card": event["card"], "y": chance.random(), "ts": time_ms - chance.choice([0, 0, 100, 30000])}
            topics["back"].append(json.dumps(back) if chance.random() > 0.02 else "bad")
        if chance.random() < 0.1:
            topics["rates"].append(json.dumps({"cur": "a", "r": chance.random(), "ts": time_ms}))
        if chance.random() < 0.05:
            topics["shops"].append(json.dumps({"shop": event["shop"], "risk": chance.random(), "ts": time_ms}))
    topics["names"] = [json.dumps({"shop": f"m{i}", "risk": i / 7}) for i in range(4)] + ["nonsense"]
    topics["labels"] = [json.dumps({"id": f"e{i}", "late": i % 3 == 0, "ts": T0 + i * 30}) for i in range(count)]
    span = time_ms - T0
    roles = [("promote", 1, span // 5), ("promote", 2, span // 2), ("rollback", 1, 3 * span // 4)]
    topics["steps.control"] = [
        json.dumps(
            {"v": 1, "type": "role", "time": T0 + at, "by": "ada", "why": "x", "action": action, "model": "steps",
             "version": version, "digest": "0", "predecessor": i - 1, "forced": True}
        )  # fmt: skip
        for i, (action, version, at) in enumerate(roles)
    ]
    for topic, lines in topics.items():
        write_lines(data / f"{topic}.jsonl", lines)


def make_world(folder, count=EVENTS):
    (folder / "data").mkdir(parents=True)
    (folder / "fn.yaml").write_text(FUNCTION)
    shutil.copytree(ROOT / "tests/scenario/promotion/models", folder / "models")
    make_events(folder / "data", count)
    return folder


def on(folder, command, *arguments):
    return leat(command, folder / "fn.yaml", *arguments, "--files", folder / "data")


def records(path):
    """By place, each text once; and what is no record, or says something else of the same place."""
    found, wrong = {}, []
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        if not line:
            continue
        try:
            record = json.loads(line)
        except ValueError:
            wrong.append(line[:200])
            continue
        place = record.get("offset", line)
        text = json.dumps(record, sort_keys=True)
        if found.setdefault(place, text) != text:
            wrong.append((place, found[place], text))
    return found, wrong


def compare(name, folder, reference):
    """Decisions by place, and outputs and dead letters as sets: repeats are allowed, all else is not."""
    expected, _ = records(reference / "data/decisions.jsonl")
    got, wrong = records(folder / "data/decisions.jsonl")
    other = [(place, expected[place], got[place]) for place in expected if place in got and got[place] != expected[place]]
    check(f"{name}: no decision is lost", expected.keys() == got.keys(), expected.keys() ^ got.keys())
    check(f"{name}: none says something else", not other and not wrong, (other + wrong)[:2])
    for topic in ("out", "dead"):
        sets = [set((f / f"data/{topic}.jsonl").read_bytes().split(b"\n")) for f in (reference, folder)]
        check(f"{name}: {topic} has what it should", sets[0] == sets[1], list(sets[0] ^ sets[1])[:3])


def interrupt(base, reference, how, rounds, tear):
    """Starts and stops one run again and again, at random moments; `tear` leaves half a record behind each time."""
    folder = make_world(base / how.name)
    chance = random.Random(7)
    began = time.monotonic()
    on(reference, "run")
    took = time.monotonic() - began
    codes, slowest = set(), 0
    for _ in range(rounds):
        command = [LEAT, "run", folder / "fn.yaml", "--files", folder / "data"]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOSTILE_SECRET": SECRET}
        )
        time.sleep(chance.random() * took)
        process.send_signal(how)
        asked = time.monotonic()
        codes.add(process.wait(60))
        slowest = max(slowest, time.monotonic() - asked)
        for topic in ("out", "decisions", "dead", "steps.control") if tear else ():
            with open(folder / f"data/{topic}.jsonl", "a", encoding="utf-8") as file:
                file.write('{"v":1,"offset":3,"half')
    done = on(folder, "run")
    check(f"{how.name}: the last run ends well", done.returncode == 0, said(done))
    # Before the program can listen to it SIGTERM ends it as any other: nothing was begun then.
    check(f"{how.name}: every run ended as told", codes <= {0, -how}, codes)
    check(f"{how.name}: a stop takes less than 10 s", slowest < 10, slowest)
    if tear:  # what is torn is cut off by whoever writes next; the last run may have had nothing to write
        for topic in ("out", "decisions", "dead"):
            path = folder / f"data/{topic}.jsonl"
            path.write_bytes(path.read_bytes().removesuffix(b'{"v":1,"offset":3,"half'))
    compare(how.name, folder, reference)


def refuse_second(base):
    folder = make_world(base / "two", 20000)
    both = [
        subprocess.Popen(
            [LEAT, "run", folder / "fn.yaml", "--files", folder / "data"], stderr=subprocess.PIPE,
            env={**os.environ, "HOSTILE_SECRET": SECRET},
        )  # fmt: skip
        for _ in range(2)
    ]
    ends = sorted((process.communicate(timeout=60)[1].decode(), process.returncode) for process in both)
    codes = sorted(code for _, code in ends)
    text = "".join(error for error, _ in ends)
    check("of two runs on one folder the second is told of the first", codes == [0, 3] and "another process" in text, text)
    lines = (folder / "data/decisions.jsonl").read_bytes().splitlines()
    check("and no decision is made twice", len(lines) == len(set(lines)), len(lines))


def lose_registry(base, reference):
    """The models are not there at a restart: events must wait for them, not pass without an answer."""
    folder = make_world(base / "registry")
    newest = max(json.loads(line)["ts"] for line in (folder / "data/in.jsonl").read_text().splitlines() if '"x"' in line and "id" in line)
    third = T0 + (newest - T0) // 3  # the first promotion is at a fifth, the next one at a half
    on(folder, "run", "--until", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(third // 1000)))
    before = (folder / "data/decisions.jsonl").read_bytes()
    check("the run has come to its first champion", b'"role":"champion"' in before, before[-500:])
    (folder / "models").rename(folder / "gone")
    done = on(folder, "run")
    good = done.returncode == 3 and "is the champion and can not be loaded" in said(done)
    check("a champion that can not be loaded at a restart ends the run", good, f"{done.returncode} {said(done)}")
    check("and no event passes without an answer", (folder / "data/decisions.jsonl").read_bytes() == before)
    (folder / "gone").rename(folder / "models")
    on(folder, "run")
    compare("the registry is back", folder, reference)


def bad_files(base):
    """Every file in turn is something else. Commands by what they may end with."""
    whole = make_world(base / "whole", 300)
    on(whole, "run")
    chance = random.Random(3)
    contents = {
        "empty": b"", "zeros": b"\0" * 300, "noise": chance.randbytes(5000), "half an object": b"{", "a list": b"[]\n",
        "blank lines": b"\n\n\n", "packed": gzip.compress(b"x" * 1000), "UTF-16": '{"v":1}\n'.encode("utf-16"),
    }  # fmt: skip
    files = (
        "fn.yaml", "data/in.jsonl", "data/back.jsonl", "data/names.jsonl", "data/shops.jsonl", "data/steps.control.jsonl",
        "data/decisions.jsonl", "data/labels.jsonl", "data/.leat/steps.json", "models/steps/1/model.txt",
        "models/steps/1/version.json",
    )  # fmt: skip
    commands = ["run", "score", "check", "compare", "history", "features"]
    for i, name in enumerate(files):
        bad = []
        for j, (kind, content) in enumerate(contents.items()):
            folder = base / "bad"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(whole, folder)
            if name != "data/.leat/steps.json":
                shutil.rmtree(folder / "data/.leat")
            (folder / name).write_bytes(content)
            # `run` and the others in turn: all of them with everything would take minutes.
            command = commands[0 if (i + j) % 2 else 1 + (i + j) // 2 % 5]
            done = on(folder, command)
            crashed = done.returncode not in (0, 1, 2, 3) or b"Sanitizer" in done.stderr or b"runtime error" in done.stderr
            silent = done.returncode != 0 and not done.stderr and not done.stdout
            wants = {"fn.yaml": (1,), "data/.leat/steps.json": (3,)}.get(name) if command == "run" else None
            if crashed or silent or (wants and done.returncode not in wants):
                bad.append(f"{kind}: {command} ended with {done.returncode}: {said(done)[-600:]}")
        check(f"{name} may hold anything", not bad, "\n".join(bad))


def bad_events(base):
    folder = base / "events"
    (folder / "data").mkdir(parents=True)
    (folder / "fn.yaml").write_text(
        "function: f\n"
        "input: {topic: in, key: k, event_time: ts, schema: {k: string, x: double, i: int, ts: timestamp_ms}}\n"
        "features: {n: 'count(*) over (partition by k range 1h preceding)', d: x / (x - x), e: exp(x), im: i * 1000000,"
        " s: 'sum(x) over (partition by k range 1h preceding)'}\n"
        "output: {topic: out, value: {n: n}}\ndecisions: {topic: decisions}\nerrors.deadletterqueue.topic.name: dead\n"
    )
    at = b'"k":"c","ts":1372636800000'
    dead = [
        b"{", b'{"k":', b"[]", b"null", b" ", b"{}", b'{"k":"c","ts":null}', b'{"k":"c","ts":"x"}', b'{"k":"c","ts":1e300}',
        b'{"k":"c","ts":9223372036854775807}', b'{"k":"c","ts":-9223372036854775809}', b'{"k":1,"ts":1372636800000}',
        b"{" + at + b',"k":"d"}', b"{" + at + b',"x":"1"}', b"{" + at + b',"x":1e999}', b"{" + at + b',"x":1e308}',
        b"{" + at + b',"i":1.5}', b"{" + at + b',"i":9223372036854775808}', b"{" + at + b',"x":NaN}', b"{" + at + b"}{}",
        b'{"k":"\xff\xfe","ts":1372636800000}', b'{"k":"a\0b","ts":1372636800000}', b'{"k":"\\ud800","ts":1372636800000}',
        b"\0" * 100, b"{" + at + b',"z":"' + b"z" * (17 << 20) + b'"}', b"[" * 100000, b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'{"k":"c","ts":' + b"1" * 100000 + b"}", b"{" + at + b',"i":9223372036854775807}', b'{"k":"c","ts":-1}',
        b'{"k":"c","ts":-62135596800000}',
    ]  # fmt: skip
    scored = [
        b"{" + at + b',"x":0}', b"{" + at + b',"x":1000}', b"{" + at + b',"x":-0.0}', b'{"k":"' + b"k" * 1000000 + b'","ts":1372636800000}',
        b"{" + at + b',"z":"' + b"z" * 10000000 + b'"}', b'{"k":"\\u0000\\"\\n","ts":1372636800000}',
        b'{"k":"c","ts":253402300799000}', b"{" + at + b"}",
        b"{" + b",".join(b'"f%d":1' % i for i in range(10000)) + b"," + at + b"}",
    ]  # fmt: skip
    (folder / "data/in.jsonl").write_bytes(b"\n".join(dead + scored) + b"\n")
    done = on(folder, "run")
    check("no event stops the stream", done.returncode == 0, said(done))
    letters = (folder / "data/dead.jsonl").read_bytes().splitlines()
    offsets = {int(json.loads(line)["headers"]["__connect.errors.offset"]) for line in letters}
    wrong = [(i, dead[i][:60] if i < len(dead) else scored[i - len(dead)][:60]) for i in offsets ^ set(range(len(dead)))]
    check("every event that can not be read is a dead letter, and no other", not wrong, wrong)
    decided, wrong = records(folder / "data/decisions.jsonl")
    check("all others are decided", len(decided) == len(scored) and not wrong, wrong)


def full_disk(base, reference):
    for topic in ("out", "decisions", "dead"):
        folder = make_world(base / f"full-{topic}")
        (folder / f"data/{topic}.jsonl").symlink_to("/dev/full")
        done = on(folder, "run")
        text = said(done)
        check(f"a full disk under {topic} is said and ends the run", done.returncode == 3 and "No space left" in text, text)
        check(f"a full disk under {topic} does not fill the log", len(text) < 3000, len(text))
        (folder / f"data/{topic}.jsonl").unlink()
        on(folder, "run")
        compare(f"a disk that was full under {topic}", folder, reference)


def small_outputs_on_full_disk(base):
    """So small that all batches that may be on their way fit into the sink's buffer: the worker waits, and must still stop."""
    folder = base / "small"
    (folder / "data").mkdir(parents=True)
    (folder / "fn.yaml").write_text(
        "function: f\ninput: {topic: in, event_time: ts, schema: {ts: timestamp_ms}}\nfeatures: {n: '1'}\n"
        "output: {topic: out, meta: none, value: {n: n}}\n"
    )
    write_lines(folder / "data/in.jsonl", [f'{{"ts":{T0 + i}}}' for i in range(60000)])
    (folder / "data/out.jsonl").symlink_to("/dev/full")
    command = [LEAT, "run", folder / "fn.yaml", "--files", folder / "data"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    time.sleep(2)
    process.terminate()
    try:
        text = process.communicate(timeout=10)[1].decode()
    except subprocess.TimeoutExpired:
        process.kill()
        text = process.communicate()[1].decode()
    check("a worker that waits for a full disk can be stopped", process.returncode == 3 and "No space left" in text, text)
    check("and has committed nothing", not (folder / "data/.leat/f.json").exists())


def closed_streams(reference):
    command = f"{LEAT} score {reference}/fn.yaml --files {reference}/data"
    environment = {**os.environ, "HOSTILE_SECRET": SECRET}

    def shell(text):
        return subprocess.run(
            ["bash", "-c", text], capture_output=True, env=environment, timeout=60, check=False, cwd=reference
        )

    done = shell(f"{command} | head -1 > first; exit ${{PIPESTATUS[0]}}")
    text = said(done)
    check("a reader that goes away ends the command, with one reason", done.returncode == 3 and text.count("Broken pipe") == 1, text)
    done = shell(f"{command} > /dev/full")
    check("an output that is full is no success", done.returncode == 3 and "No space left" in said(done), said(done))
    shell(f"{command} -o closed.jsonl 2>&- >&- <&-")
    lines = (reference / "closed.jsonl").read_bytes().splitlines()
    check("with standard streams closed, files get what is theirs alone", lines and all(line[:1] == b"{" for line in lines))


def unended_decision(base):
    """Written by hand, or torn just before its line end: readers have counted it, so nobody may take it away."""
    folder = make_world(base / "unended", 300)
    path = folder / "data/steps.control.jsonl"
    first = path.read_text().splitlines()[0]
    path.write_text(first)
    done = on(folder, "shadow", 2, "--why", "x")
    lines = path.read_text().splitlines()
    check("a decision without its line end is kept when another one follows", lines[:1] == [first] and len(lines) == 2, lines)
    check("and the other one knows of it", done.returncode == 0 and json.loads(lines[-1])["predecessor"] == 0, said(done))


def secrets(base, reference):
    found = []
    for command in ("run", "check", "score", "status", "history"):
        done = on(reference, command)
        if SECRET.encode() in done.stdout + done.stderr:
            found.append(command)
    for path in [p for p in base.rglob("*") if p.is_file() and not p.is_symlink()]:
        if SECRET.encode() in path.read_bytes():
            found.append(path)
    check("a secret is in no message, output, decision, dead letter or commit", not found, found)


def main():
    base = Path(tempfile.mkdtemp())
    reference = make_world(base / "reference")
    done = on(reference, "run")
    check("a run that nobody disturbs", done.returncode == 0, said(done))
    interrupt(base, reference, signal.SIGKILL, 20, tear=True)
    interrupt(base, reference, signal.SIGTERM, 8, tear=False)
    refuse_second(base)
    lose_registry(base, reference)
    bad_files(base)
    bad_events(base)
    full_disk(base, reference)
    small_outputs_on_full_disk(base)
    closed_streams(reference)
    unended_decision(base)
    secrets(base, reference)
    if failed:
        print(f"# kept: {base}")
    else:
        shutil.rmtree(base)
    return 1 if failed else 0


raise SystemExit(main())
