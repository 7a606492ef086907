"""Windows equal the self-join that defines them, as DuckDB computes it."""
# requires: duckdb numpy
# timeout: 600

import math
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np

BUILD = Path(os.environ.get("LEAT_BUILD", "build/test"))
DRIVER = BUILD / "windows_driver"
TOLERANCE = 1e-9

# Two columns: x, and y where the event passes a filter. What each aggregate is of the events `o` of a window.
NEWEST_FIRST = "list({{'p': {present}, 'v': {value}}} order by o.ts desc, o.position desc)"
KINDS = {
    "count": "count({value}) filter (where {present})",
    "sum": "sum({value}) filter (where {present})",
    "avg": "avg({value}) filter (where {present})",
    "min": "min({value}) filter (where {present})",
    "max": "max({value}) filter (where {present})",
    "stddev": "stddev_samp({value}) filter (where {present})",
    "var": "var_samp({value}) filter (where {present})",
    "first": f"list_filter({NEWEST_FIRST}, e -> e.p)[-1].v",
    "last": f"list_filter({NEWEST_FIRST}, e -> e.p)[1].v",
    "lag": f"list_filter({NEWEST_FIRST}[2:], e -> e.p)[1].v",
}
COLUMNS = [("o.x", "true"), ("o.y", "o.passes")]


class Scenario:
    def __init__(self, name, ranges, **how):
        self.name = name
        self.ranges = ranges
        self.events = how.get("events", 1500)
        self.streams = how.get("streams", 1)
        self.keys = how.get("keys", 6)
        self.step = how.get("step", 20)
        self.disorder = how.get("disorder", 0)
        self.gap = how.get("gap", 0)
        self.lag = how.get("lag", 0)


SCENARIOS = [
    Scenario("in order", [50, 500, 5000]),
    Scenario("ties: many events of one time", [1, 7, 40], step=3),
    Scenario("out of order", [50, 500, 5000], disorder=700),
    Scenario("far out of order, few keys", [10, 300, 20000], disorder=15000, keys=2),
    Scenario("gaps longer than the windows", [50, 400, 1000], gap=3000, disorder=100),
    Scenario("several streams", [30, 600, 3000], streams=3, events=3000),
    Scenario("several streams out of order and behind the input", [30, 600, 3000], streams=3, events=3000, disorder=800, lag=400),
    Scenario("many keys with few events", [100, 3000, 100000], keys=400, disorder=50),
]


def make_events(scenario, rng):
    """Events of all streams in the order in which they are applied; stream 0 is the input, which asks."""
    n = scenario.events
    now = 1_000_000 + np.cumsum(rng.integers(0, scenario.step, n))
    if scenario.gap:
        now += np.cumsum(np.where(rng.random(n) < 0.02, scenario.gap, 0))
    stream = rng.integers(0, scenario.streams, n)
    ts = now - np.where(rng.random(n) < 0.3, rng.integers(0, scenario.disorder + 1, n), 0)
    ts -= np.where(stream > 0, scenario.lag, 0)
    x = np.round(rng.normal(0, 1000, n), 2)
    y = rng.integers(-1000, 1000, n)
    return {
        "position": np.arange(n),
        "stream": stream,
        "key": rng.zipf(1.5, n) % scenario.keys,
        "ts": ts,
        "x": np.ma.masked_array(x, rng.random(n) < 0.1),
        "y": np.ma.masked_array(y, rng.random(n) < 0.1),
        "passes": rng.random(n) < rng.choice([0.1, 0.6]),
    }


def aggregates(scenario):
    """(kind, column, range), as the driver counts columns."""
    found = [("count", -1, r) for r in scenario.ranges]
    for column in range(len(COLUMNS)):
        for r in scenario.ranges:
            kinds = list(KINDS) if r == scenario.ranges[1] else ["count", "sum", "avg", "max", "last", "lag"]
            found += [(kind, column, r) for kind in kinds]
    return found


def select(kind, column, r):
    if column < 0:
        return f"count(o.position) filter (where o.ts > e.ts - {r})"
    value, present = COLUMNS[column]
    if kind in ("first", "last", "lag"):
        # Lists of the events in the range only.
        return KINDS[kind].format(value=value, present=present).replace(
            "o.position desc)", f"o.position desc) filter (where o.ts > e.ts - {r})"
        )
    return KINDS[kind].format(value=value, present=f"{present} and o.ts > e.ts - {r}")


def expected(scenario, events, stream):
    """The self-join of the definition, for all ranges at once: the longest joins, the others filter."""
    table = duckdb.connect()
    columns = {name: values for name, values in events.items() if name not in ("x", "y")}
    for name in ("x", "y"):
        columns[name] = events[name].filled(0)
        columns[name + "_null"] = np.ma.getmaskarray(events[name])
    arrow = {name: np.ascontiguousarray(values) for name, values in columns.items()}
    table.register("raw", arrow)
    table.execute(
        "create table events as select position, stream, key, ts, passes, "
        "case when x_null then null else x::double end as x, case when y_null then null else y::bigint end as y from raw"
    )
    longest = max(scenario.ranges)
    wanted = ", ".join(select(*a) for a in aggregates(scenario))
    return table.execute(
        f"select {wanted} from events e left join events o on o.stream = {stream} and o.key = e.key "
        f"and o.position <= e.position and e.ts - {longest} < o.ts and o.ts <= e.ts "
        "where e.stream = 0 group by e.position order by e.position"
    ).fetchall()


def operations(scenario, events):
    for stream in range(scenario.streams):
        yield f"plan {stream} di"
        for kind, column, r in aggregates(scenario):
            yield f"aggregate {stream} {kind} {column} {r}"
    grace = scenario.disorder + scenario.lag
    watermark = 0
    rows = zip(*(events[name].tolist() for name in ("stream", "key", "ts", "x", "y", "passes")))
    for stream, key, ts, x, y, passes in rows:
        x = "-" if x is None else repr(x)
        y = "!" if not passes else "-" if y is None else y
        yield f"add {stream} k{key} {ts} {x} {y}"
        if stream != 0:
            continue
        watermark = max(watermark, ts)
        for other in range(scenario.streams):
            yield f"read {other} k{key} {ts}"
            yield f"evict {other} {watermark - grace}"


def actual(scenario, events):
    """The driver's values, by stream."""
    done = subprocess.run(
        [DRIVER], input="\n".join(operations(scenario, events)) + "\n", stdout=subprocess.PIPE, text=True, check=True
    )
    lines = done.stdout.splitlines()
    return [[line.split() for line in lines[stream :: scenario.streams]] for stream in range(scenario.streams)]


def same(word, value):
    if value is None or word == "-":
        return value is None and word == "-"
    got = float(word)
    return math.isclose(got, float(value), rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def differences(scenario, seed):
    """Yields a sentence for each value that is not as it should be."""
    events = make_events(scenario, np.random.default_rng(seed))
    got = actual(scenario, events)
    for stream in range(scenario.streams):
        want = expected(scenario, events, stream)
        if len(want) != len(got[stream]):
            yield f"stream {stream}: {len(got[stream])} answers for {len(want)} events"
            continue
        for number, (words, row) in enumerate(zip(got[stream], want)):
            if words[-1] != "1":
                yield f"seed {seed}, stream {stream}, event {number}: marked as incomplete"
            for aggregate, word, value in zip(aggregates(scenario), words, row):
                if not same(word, value):
                    yield f"seed {seed}, stream {stream}, event {number}, {aggregate}: {word}, and DuckDB has {value}"


failed = 0
for scenario in SCENARIOS:
    found = [text for seed in range(2) for text in differences(scenario, seed)]
    failed += bool(found)
    print(f"{'not ok' if found else 'ok'} windows are the self-join: {scenario.name}")
    for text in found[:5]:
        print(f"# {text}")
sys.exit(1 if failed else 0)
