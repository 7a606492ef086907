#!/usr/bin/env python3
"""Computes the demo's features with pandas, from the event files and flights.md's definitions alone.

    oracle.py build/flights/events build/flights/oracle.csv
    oracle.py build/flights/events build/flights/late.csv --delay departures=1h,arrivals=1h

It shares no code with leat and works another way (sorted arrays, cumulative sums, binary search), so that the two
can be compared: see verify.py.

What a window holds: the records of its key with event time in (t - range, t] that are known at t. A record is known
once it and all before it in its file have come, each at its event time: one that is held back is known when the record
before it is. --delay makes all records of a feed known that much later. A table gives the last known row of its key;
a row of weather older than six hours is none. Nothing averaged is null, and so is what a null key finds.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

HOUR = 3_600_000  # milliseconds, like every time here
MARGIN = 100 * HOUR  # more than any range
UNITS = {"s": 1000, "m": 60_000, "h": HOUR, "d": 24 * HOUR}


def read(folder, name, delay=0):
    """The records of a topic in file order, with `known`: when each is known. Heartbeats count for that alone."""
    text = (folder / f"{name}.jsonl").read_text()
    events = pd.DataFrame(json.loads("[" + ",".join(text.splitlines()) + "]"))
    if "ts" in events:
        events["known"] = events["ts"].cummax() + delay
    if "heartbeat" in events:
        events = events[events["heartbeat"].isna()].drop(columns="heartbeat").reset_index(drop=True)
    return events


def key_codes(left, right, columns):
    """One integer per row of each frame, equal where the key columns are equal; -1 where one of them is null."""
    codes = np.zeros(len(left) + len(right), dtype=np.int64)
    null = np.zeros(len(codes), dtype=bool)
    for column in columns:
        values = pd.concat([left[column], right[column]], ignore_index=True)
        column_codes, uniques = pd.factorize(values)
        null |= column_codes < 0
        codes = codes * len(uniques) + column_codes
    codes = np.unique(codes, return_inverse=True)[1]
    codes[null] = -1
    return codes[: len(left)], codes[len(left) :]


class Places:
    """Sorts (key, time) pairs and finds where others would stand among them."""

    def __init__(self, codes, times):
        self.base = times.min() - MARGIN
        self.span = times.max() - self.base + MARGIN
        places = self.place(codes, times)
        self.order = np.argsort(places, kind="stable")
        self.sorted = places[self.order]

    def place(self, codes, times):
        return codes * self.span + np.clip(times - self.base, 0, self.span - 1)

    def after(self, codes, times):
        """How many of the sorted pairs have a smaller key, or the same key and a time not above."""
        return np.searchsorted(self.sorted, self.place(codes, times), side="right")


class Window:
    """For each decision, the stretch of events[order] that its window holds."""

    def __init__(self, events, decisions, columns, hours, delay):
        event_codes, codes = key_codes(events, decisions, columns)
        times, known, now = events["ts"].to_numpy(), events["known"].to_numpy(), decisions["ts"].to_numpy()
        self.parts = []  # (decisions, order, low, high); what is held back is in `order` from its release on
        held = known > times + delay
        releases = [*np.unique(known[held]), np.iinfo(np.int64).max]
        assert len(releases) < 10, "records far out of order: more than held-back feeds"
        begin = np.iinfo(np.int64).min
        for end in releases:
            seen = np.flatnonzero(~held | (known <= begin))
            asked = np.flatnonzero((now >= begin) & (now < end))
            begin = end
            places = Places(event_codes[seen], times[seen])
            low = places.after(codes[asked], now[asked] - hours * HOUR)
            high = places.after(codes[asked], now[asked] - delay)
            high = np.where(codes[asked] < 0, low, np.maximum(low, high))
            self.parts.append((asked, seen[places.order], low, high))
        self.size = len(decisions)

    def count(self):
        counts = np.zeros(self.size, dtype=np.int64)
        for asked, _, low, high in self.parts:
            counts[asked] = high - low
        return counts

    def avg(self, values):
        values = np.asarray(values, dtype=np.int64)
        averages = np.full(self.size, np.nan)
        for asked, order, low, high in self.parts:
            sums = np.concatenate([[0], np.cumsum(values[order])])
            some = high > low
            averages[asked[some]] = (sums[high] - sums[low])[some] / (high - low)[some]
        return averages

    def last(self, values):
        values = np.asarray(values, dtype=np.float64)
        latest = np.full(self.size, np.nan)
        for asked, order, low, high in self.parts:
            some = high > low
            latest[asked[some]] = values[order][high[some] - 1]
        return latest


def look_up(rows, decisions, column, ttl=None):
    """For each decision the position of the row of its key, or -1."""
    row_codes, codes = key_codes(rows, decisions, [column])
    now = decisions["ts"].to_numpy()
    known = rows["known"].to_numpy() if ttl else np.full(len(rows), now.min())
    places = Places(row_codes, known)
    found = places.after(codes, now) - 1
    position = places.order[found]
    good = (codes >= 0) & (found >= 0) & (row_codes[position] == codes)
    if ttl:
        good &= now - rows["ts"].to_numpy()[position] <= ttl
    return np.where(good, position, -1)


def take(rows, position, column):
    values = rows[column].to_numpy(dtype=np.float64)
    return np.where(position >= 0, values[position], np.nan)


def features(folder, delays, month):
    decisions = read(folder, "decisions")
    if month:
        decisions = decisions[decisions["flight_id"].str[5:7] == f"{month:02}"].reset_index(drop=True)
    schedule, departures, arrivals, weather = (
        read(folder, name, delays.get(name, 0)) for name in ("schedule", "departures", "arrivals", "weather"))
    planes = read(folder, "planes")
    outcomes = read(folder, "outcomes").set_index("flight_id")["dep_delay"]

    def window(events, name, columns, hours):
        return Window(events, decisions, columns, hours, delays.get(name, 0))

    out = decisions[["flight_id", "ts", "lmin", "dow", "crs"]].copy()
    plane = look_up(planes, decisions, "tail")
    out["seats"] = take(planes, plane, "seats")
    out["age"] = 2013 - take(planes, plane, "year")

    for prefix, columns in (("o", ["origin"]), ("co", ["origin", "carrier"])):
        due = window(schedule, "schedule", columns, 2).count()
        out[f"{prefix}_backlog"] = due - window(departures, "departures", columns, 2).count()

    late = departures["dep_delay"] >= 15
    o_1h = window(departures, "departures", ["origin"], 1)
    o_3h = window(departures, "departures", ["origin"], 3)
    co_3h = window(departures, "departures", ["origin", "carrier"], 3)
    out["o_dd_1h"] = o_1h.avg(departures["dep_delay"])
    out["o_l15_1h"] = o_1h.avg(late)
    out["o_l15_3h"] = o_3h.avg(late)
    excess = arrivals["arr_delay"] - arrivals["dep_delay"]
    out["o_exc_3h"] = window(arrivals, "arrivals", ["origin"], 3).avg(excess)
    out["co_dd_3h"] = co_3h.avg(departures["dep_delay"])
    out["co_l15_3h"] = co_3h.avg(late)
    out["de_ad_3h"] = window(arrivals, "arrivals", ["dest"], 3).avg(arrivals["arr_delay"])

    tail = window(arrivals, "arrivals", ["tail"], 48)
    out["t_ad"] = tail.last(arrivals["arr_delay"])
    out["t_since_arr"] = (decisions["ts"] - tail.last(arrivals["ts"])) / 1000
    out["t_crs"] = tail.last(arrivals["crs"])

    report = look_up(weather, decisions, "origin", ttl=6 * HOUR)
    for column in ("pressure", "visib", "wind_speed"):
        out[f"w_{column}"] = take(weather, report, column)

    delay = decisions["flight_id"].map(outcomes)
    out["label"] = (delay >= 15).astype("Int64").where(delay.notna())
    return out


def parse_delays(text):
    delays = {}
    for part in filter(None, text.split(",")):
        name, _, delay = part.partition("=")
        if name not in ("schedule", "departures", "arrivals", "weather"):
            raise argparse.ArgumentTypeError(f"{name}: not a feed")
        delays[name] = int(delay[:-1]) * UNITS[delay[-1]]
    return delays


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path, help="a folder that events.py made")
    parser.add_argument("out", type=Path, help="the CSV file to write")
    parser.add_argument("--month", type=int, help="only the decisions of this month")
    parser.add_argument("--delay", type=parse_delays, default={}, metavar="FEED=15m,…")
    args = parser.parse_args()
    features(args.events, args.delay, args.month).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
