#!/usr/bin/env python3
"""leat init, check, test and docs, as a user runs them: over files, by their output and exit codes."""
# timeout: 120

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]

failed = 0


def check(name, good, why=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines()[-40:]:
        print(f"# {line}")


def leat(*arguments, cwd=None):
    return subprocess.run([LEAT, *map(str, arguments)], text=True, capture_output=True, check=False, cwd=cwd)


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))


def said(name, done, code, *texts):
    """The exit code, and texts that standard output and error hold."""
    out = done.stdout + done.stderr
    missing = [text for text in texts if text not in out]
    check(name, done.returncode == code and not missing, f"exit code {done.returncode}, without {missing}\n{out}")


# ---- init ----


def payments():
    return [
        {
            "card id": f"c{i % 5}",
            "amount": 10 * i + 0.5 * (i % 2),
            "count": i,
            "web": i % 3 == 0,
            "score": 0.5,
            "case": i,
            "place": {"lat": 50.5, "lon": 8, "tags": ["a", "b"]},
            "items": [{"sku": "x", "qty": 2}],
            "nothing": None,
            "mixed": i if i % 2 else str(i),
            "empty": [],
            "created_at": 1700000000 + 60 * i,
            "ts": (1700000000 + 60 * i) * 1000,
            "text_time": "2023-11-14T22:13:20Z",
            **({"sometimes": 1} if i % 2 else {}),
        }
        for i in range(40)
    ]


def init(folder):
    data = folder / "data"
    write_lines(data / "payments.jsonl", payments())
    fn = folder / "payments.yaml"
    done = leat("init", "--topic", "payments", "--files", data, "--key", "card id", "-o", fn)
    said("init writes a function file", done, 0)
    text = fn.read_text() if fn.exists() else ""
    for line in (
        '  key: "\\"card id\\""',
        "  event_time: ts",
        "    amount: double",
        "    count: int",
        "    web: bool",
        "    created_at: timestamp_s",
        "    ts: timestamp_ms",
        "    text_time: timestamp ",
        "    place:\n      lat: double",
        "      tags: [string]",
        "    items: [{sku: string, qty: int}]",
        '    # "nothing": left out, always null in the records that were looked at',
        '    # "mixed": left out, of several types',
        '    # "empty": left out, a list whose elements are never there, or of several types',
        "null or absent at times",
        '  case: "\\"case\\""',
    ):
        check(f"init finds {' '.join(line.split())}", line in text, text)
    check("a column that a result hides is no feature", "\n  score: score" not in text, text)
    done = leat("check", fn, "--files", data)
    said("check accepts what init wrote", done, 0, "no findings")
    done = leat("score", fn, "--files", data)
    said("and it runs", done, 0, '"events_1h":8')
    said("init does not write over a file", leat("init", "--topic", "payments", "--files", data, "-o", fn), 2, "is there already")
    done = leat("init", "--topic", "payments", "--files", data, "--event-time", "created_at", "--name", "other")
    said("the event time can be named", done, 0, "event_time: created_at", "function: other")
    done = leat("init", "--topic", "payments", "--files", data, "--event-time", "crated_at")
    said("a field that is not there is refused with the nearest", done, 1, "'crated_at'; the nearest is 'created_at'")
    done = leat("init", "--topic", "payments", "--files", data, "--event-time", "count")
    said("a number that is no time is refused", done, 1, "'count' is no time in the records that were looked at (0)")
    said("a topic that is not there is refused", leat("init", "--topic", "none", "--files", data), 1, "topic 'none' does not exist")
    said("init needs a topic", leat("init", "--files", data), 2, "--topic TOPIC")
    said("init needs a place", leat("init", "--topic", "payments"), 2, "--bootstrap.servers HOST:PORT, or --files DIR")


def init_of_mistakes(folder):
    data = folder / "mistakes"
    write_lines(
        data / "sales.jsonl",
        [
            {"ts": (1700000000 + i) * 1000, "rarely": "-" if i == 7 else 1.5, "often": "-" if i < 3 else 1.5, "shop": 5 if i < 2 else "a"}
            for i in range(40)
        ],
    )
    done = leat("init", "--topic", "sales", "--files", data)
    said("of several types a field has the one of nearly all values", done, 0, "    rarely: double ", "    shop: string ")
    said("and how many will be dead letters", done, 0, "1.5; 1 of 40 are of another type: their records will be dead letters")
    said("where more differ it is left out", done, 0, '    # "often": left out, of several types')


def init_csv(folder):
    data = folder / "csv"
    data.mkdir()
    (data / "trips.csv").write_text(
        'id,at,"the city",fare,paid\n'
        + "".join(f'{i},2024-01-01T00:{i:02}:00Z,"a, b",{i * 1.5},{"true" if i % 2 else ""}\n' for i in range(20))
    )
    fn = folder / "trips.yaml"
    done = leat("init", "--topic", "trips", "--files", data, "--key", "id", "-o", fn)
    said("init reads CSV", done, 0)
    text = fn.read_text() if fn.exists() else ""
    for line in ("format: csv", "id: int", "at: timestamp", '"the city": string', "fare: double", "paid: bool"):
        check(f"init finds {line} in CSV", line in text, text)
    said("check accepts it", leat("check", fn, "--files", data), 0, "no findings")


# ---- check ----

FUNCTION = """
function: cards
input:
  topic: tx
  key: card
  event_time: ts
  schema: {card: string, amount: double, merchant: string, ts: timestamp_ms}
streams:
  back: {topic: back, key: card, event_time: ts, schema: {card: string, amount: double, ts: timestamp_ms}}
tables:
  merchants: {topic: merchants, key: id, schema: {id: string, risk: double}}
features:
  n: count(*) over (partition by card range 1h preceding)
  returned: sum(back.amount) over (partition by card range 1h preceding)
  risk: merchants[merchant].risk
output: {topic: out, value: {card: card, n: n}}
"""


def good_data(data, seconds=False):
    scale = 1 if seconds else 1000
    rows = [{"card": f"c{i % 4}", "amount": i, "merchant": "m", "ts": (1700000000 + 60 * i) * scale} for i in range(200)]
    write_lines(data / "tx.jsonl", rows)
    write_lines(data / "back.jsonl", [{"card": "c1", "amount": 1, "ts": 1700000000000}])
    write_lines(data / "merchants.jsonl", [{"id": "m", "risk": 0.5}])


def check_records(folder):
    fn, data = folder / "cards.yaml", folder / "good"
    fn.write_text(FUNCTION)
    good_data(data)
    done = leat("check", fn, "--files", data)
    said("check finds nothing wrong where nothing is", done, 0, "no findings", "of the first 200 records 0 can not be used")
    said("it estimates the windows' memory", done, 0, "back 1h, 1 aggregate; about 60 events, ")
    report = json.loads(leat("check", fn, "--files", data, "--json").stdout or "{}")
    names = [source["name"] for source in report.get("sources", [])]
    check("the report is JSON on demand", names == ["input", "back", "merchants"] and report["findings"] == [], report)
    said("without a broker the file alone is checked", leat("check", fn), 0, "no records were looked at")

    bad = folder / "bad"
    good_data(bad, seconds=True)
    write_lines(bad / "back.jsonl", [{"card": "c1", "amount": 1, "ts": 1700000000000}] * 2)
    write_lines(bad / "back.1.jsonl", [{"card": "c1", "amount": "much", "ts": 1700000000000}, {"amount": 1, "ts": 1}])
    (bad / "merchants.jsonl").unlink()
    done = leat("check", fn, "--files", bad)
    said("a time in another unit is a finding", done, 1, "'ts' is declared timestamp_ms, and numbers like 1700011940 are likely timestamp_s")
    said("a topic that is not there is a finding", done, 1, "topic 'merchants' (merchants) does not exist")
    said("a stream with other partitions is a finding", done, 1, "topic 'back' (back) has 2 partitions, and the input's 'tx' has 1")
    said("a record of another type is a finding", done, 1, "back/1/0 (back): schema: field 'amount' is declared as double; met \"much\"")
    said("a record without its key is a finding", done, 1, "back/1/1 (back): schema: the key field 'card' is missing or null")
    split = folder / "split"
    good_data(split)
    write_lines(split / "tx.1.jsonl", [{"card": "c1", "amount": 1, "merchant": "m", "ts": 1700000000000}])
    write_lines(split / "back.1.jsonl", [])
    done = leat("check", fn, "--files", split)
    said("a key in two partitions is a finding", done, 1, "topic 'tx' is not partitioned by the key of input: \"c1\" is in partitions 0 and 1")

    renamed = folder / "renamed"
    good_data(renamed)
    write_lines(renamed / "merchants.jsonl", [{"id": "m", "Risk": 0.5}])
    done = leat("check", fn, "--files", renamed)
    said("a field that is never there is a note", done, 0, "merchants: 'risk' is null or absent in all 1 records; they have 'Risk'")

    fn.write_text(FUNCTION + "processing.guarantee: exactly_once\n")
    said("exactly once is refused for now", leat("check", fn), 1, "exactly_once comes with the transactional engine")
    fn.write_text(FUNCTION.replace("partition by card range", "partition by merchant range"))
    said("a file that can not be loaded is a finding", leat("check", fn), 1, "cards.yaml:13:6: this window looks at the input")
    said("a file that is not there is the environment's", leat("check", folder / "none.yaml"), 3, "can not read")
    said("check takes one file", leat("check"), 2, "it takes one function file")


MODEL = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
feature_names={name}
feature_infos=[0:10]

Tree=0
num_leaves=1
num_cat=0
leaf_value=0.25
shrinkage=1

end of trees
"""


def help_of_keys(_folder):
    done = leat("help", "function-file")
    said("leat help function-file lists the keys", done, 0, "input.topic (name, required)",
         "input.grace (duration, default 30s)", "model.on_stale (warn|mark|fallback|stop, default mark)")


def check_models(folder):
    fn = folder / "scored.yaml"
    fn.write_text(FUNCTION.replace("{card: card, n: n}", "{card: card, score: score}") + "model: {name: m}\n")
    registry = folder / "models"
    for name in ("n", "risky"):
        (folder / f"{name}.txt").write_text(MODEL.format(name=name))
    said("a registry without the model is a note", leat("check", fn), 0, "model 'm' has no version in ")
    leat("model", "add", "mm", folder / "n.txt", "--registry", registry)
    said("and a near name is offered", leat("check", fn), 0, "model 'm' has no version in ", "did you mean 'mm'?")
    leat("model", "add", "m", folder / "n.txt", "--registry", registry)
    said("a version that fits", leat("check", fn), 0, "m/1  fits (lightgbm-text, 1 features), unverified", "no findings")
    leat("model", "add", "m", folder / "risky.txt", "--registry", registry)
    done = leat("check", fn)
    said("a newest version that does not fit is a finding", done, 1, "m/2  does not fit", "needs feature 'risky'")
    said("both lists of features are shown", done, 1, "the model's 1: risky", "the function's 3: n, returned, risk")
    leat("model", "add", "m", folder / "n.txt", "--registry", registry)
    role = {"v": 1, "type": "role", "time": 1700000000000, "by": "a", "why": "b", "action": "promote", "model": "m",
            "version": 2, "digest": "", "predecessor": -1, "forced": True}
    name = FUNCTION.split("function:", 1)[1].split()[0]
    roles = folder / "roles"
    write_lines(roles / f"{name}.control.jsonl", [role])
    done = leat("check", fn, "--files", roles)
    said("a champion that does not fit is a finding though a newer version fits", done, 1,
         "m/2 is the champion, and does not fit this file")


# ---- test ----

TESTS = """
- name: it counts
  events:
    - tx: {card: a, amount: 1, ts: '2024-01-01T00:00:00Z'}
  expect:
    - features: {n: 1}
"""


def tests(folder):
    fn, beside = folder / "tested.yaml", folder / "tested.test.yaml"
    fn.write_text(FUNCTION)
    said("a function without tests is told how to have some", leat("test", fn), 2, "there are no tests: neither ", "tested.test.yaml")
    beside.write_text(TESTS)
    said("a test that holds", leat("test", fn), 0, "ok 1 - it counts\n1..1\n")
    beside.write_text(TESTS.replace("n: 1}", "n: 2, risk: 0.5}"))
    done = leat("test", fn)
    said("a test that does not is a finding", done, 1, "not ok 1 - it counts\n", ":6: feature n: expected 2, got 1\n")
    said("all that differs is shown", done, 1, ":6: feature risk: expected 0.5, got null\n")
    other = folder / "others.yaml"
    other.write_text(TESTS.replace("tx:", "tz:"))
    said("tests may be elsewhere", leat("test", fn, "--tests", other), 1, "others.yaml:4:7: ", "has no source or topic 'tz'")
    for old, new, text in (
        ("name: it", "nam: it", "'nam' is not a key of a test; the nearest is 'name'"),
        ("features: {n", "features: {m", "has no feature 'm'"),
        ("    - features: {n: 1}", "    - {feature: {n: 1}}", "'feature' is not a key of an expectation; the nearest is 'features'"),
        ("  expect:", "  score: 0.5\n  expect:", "has no model for this"),
        ("- name: it counts\n", "- score: 1\n", "a test has a `name`"),
    ):
        beside.write_text(TESTS.replace(old, new))
        said(f"a mistake in the tests is shown: {text}", leat("test", fn), 1, text)


def scenario(folder):
    home = folder / "story"
    fn = home / "function.yaml"
    good_data(home / "events")
    fn.write_text(FUNCTION)
    said("what comes out can be accepted", leat("test", fn, "--accept"), 0, "ok 1")
    expected = home / "expected/out.jsonl"
    lines = expected.read_text().splitlines()
    check("it is a line an event", len(lines) == 200, len(lines))
    said("and then it is expected", leat("test", fn), 0, "ok 1")
    expected.write_text("\n".join(lines[:3] + ["{}"] + lines[4:]) + "\n")
    done = leat("test", fn)
    said("a line that differs is shown", done, 1, "expected/out.jsonl:4: this line differs", "  # " + "  expected: {}", "  # " + "  got     : " + lines[3])
    expected.unlink()
    done = leat("test", fn)
    said("a file that is not expected is a difference", done, 1, "out.jsonl:1: this line differs", "nothing: the file ends before")
    (home / "events/tx.jsonl").write_text("oops\n")
    check("nothing was written beside the events", sorted(p.name for p in (home / "events").iterdir()) == ["back.jsonl", "merchants.jsonl", "tx.jsonl"])


def example(folder):
    done = leat("test", ROOT / "examples/flights/flights.yaml")
    said("the demo's own tests hold", done, 0, "ok 1 - a flight that should have left and has not is backlog")


# ---- docs ----


def docs(folder):
    said("docs writes its pages", leat("docs", folder / "pages"), 0)
    for page in ("commands.md", "expressions.md", "function-file.md"):
        fresh = (folder / "pages" / page).read_text()
        kept = ROOT / "docs/reference" / page
        check(f"docs/reference/{page} is what the program writes", kept.exists() and kept.read_text() == fresh, "run 'make docs'")
    pages = (folder / "pages/commands.md").read_text()
    for action in ("add", "list", "show", "diff", "verify", "predict"):
        check(f"model {action} has a section", f"\n## leat model {action}\n" in pages)
    check("and MLflow's folders are there", "--from mlflow" in pages)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for at, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)):
            (folder / "block.yaml").write_text(block)
            told = leat("check", folder / "block.yaml").stderr
            check(f"block {at + 1} of {page.relative_to(ROOT)} is YAML", "not YAML" not in told, told)
    said("docs takes one folder", leat("docs"), 2, "it takes one folder")


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    for part in (init, init_of_mistakes, init_csv, help_of_keys, check_records, check_models, tests, scenario, example, docs):
        (folder / part.__name__).mkdir()
        part(folder / part.__name__)
raise SystemExit(1 if failed else 0)
