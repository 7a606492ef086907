#!/usr/bin/env python3
"""The flights demo through a real Kafka broker, with the same function file and `leat run`.

Starts a broker of its own, loads all topics but the decisions, starts the service, plays the decisions in event-time
order and pauses at the story's dates, where the role commands are given. In June the service is killed with SIGKILL while
events come. At the end every decision is compared with that of the demo over files: nothing may be lost, and no
score may be another.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import demo
from demo import FUNCTION, HERE, LEAT, ROOT, STALLED, WORK, add_version, leat, midnight, millis, say, stop

BROKER_DIR = WORK / "kafka"
PARTITIONS = 2  # of the decisions: two workers share them
LOADED = ("schedule", "departures", "arrivals", "weather", "planes", "outcomes")
DECISIONS = "flights.decisions"


# -- the broker --------------------------------------------------------------------------------------------------------


def start_broker():
    shutil.rmtree(BROKER_DIR, ignore_errors=True)
    done = subprocess.run([ROOT / "scripts/kafka.sh", "start", "--dir", BROKER_DIR], text=True, stdout=subprocess.PIPE)
    if done.returncode:
        stop("the broker did not start")
    return done.stdout.split()[-1]


def stop_broker():
    subprocess.run([ROOT / "scripts/kafka.sh", "stop", "--dir", BROKER_DIR], stdout=subprocess.DEVNULL)


def client(bootstrap):
    """Quiet: when the broker is stopped at the end, its clients would fill the screen with that."""
    return {"bootstrap.servers": bootstrap, "log_level": 2}


def make_topics(bootstrap):
    """Retention is off: the events are of 2013."""
    admin = AdminClient(client(bootstrap))
    keep = {"retention.ms": "-1"}
    topics = [NewTopic(topic, 1, 1, config=keep) for topic in (*LOADED, DECISIONS, "scored", "flights.dlq")]
    topics.append(NewTopic("decisions", PARTITIONS, 1, config=keep))
    for future in admin.create_topics(topics).values():
        future.result()


def produce(producer, topic, line, key, ts):
    while True:
        try:
            producer.produce(topic, line, key=key, timestamp=ts)
            return
        except BufferError:
            producer.poll(0.1)


def load(bootstrap):
    """Idempotent producers: without, a batch that is sent again overtakes others, and log order is part of the answer."""
    producer = Producer({**client(bootstrap), "linger.ms": 20, "batch.size": 500_000, "enable.idempotence": True,
                         "queue.buffering.max.messages": 500_000})
    count = 0
    for topic in LOADED:
        with open(STALLED / f"{topic}.jsonl", "rb") as file:
            for line in file:
                produce(producer, topic, line.rstrip(b"\n"), None, 0)
                count += 1
                if count % 1000 == 0:
                    producer.poll(0)
    producer.flush()
    return count


# -- the service -------------------------------------------------------------------------------------------------------


class Service:
    def __init__(self, function):
        self.function = function
        self.log = open(WORK / "kafka-service.log", "a+")
        self.log.truncate(0)
        self.process = None
        self.start()

    def start(self):
        begin = len(Path(self.log.name).read_text())
        command = [LEAT, "run", self.function, "--workers", str(PARTITIONS), "--http", "0"]
        self.process = subprocess.Popen(command, stderr=self.log)
        self.wait_ready(begin)

    def wait_ready(self, begin, seconds=60):
        """Until each worker has its partition: one that had both for a moment would read them one after the other, and
        a table may then be further than the slower partition's events."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            address = re.search(r"http://([\d.:]+)/", Path(self.log.name).read_text()[begin:])
            try:
                with urllib.request.urlopen(f"http://{address[1]}/health", timeout=5) as answer:
                    if json.load(answer)["workers_ready"] == PARTITIONS:
                        return
            except (TypeError, OSError):  # not there yet, or not ready
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        stop(f"leat run does not become ready; see {WORK / 'kafka-service.log'}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1


class Player:
    """Plays the decisions in order, and waits until the service has committed all of them."""

    def __init__(self, bootstrap):
        self.producer = Producer({**client(bootstrap), "linger.ms": 5, "enable.idempotence": True})
        self.group = Consumer({**client(bootstrap), "group.id": "flight-delay", "enable.auto.commit": False})
        self.file = open(STALLED / "decisions.jsonl", "rb")
        self.pending = None
        self.played = 0

    def next_line(self):
        line = self.pending or self.file.readline()
        self.pending = None
        return line

    def play(self, until=None, pace=None):
        limit = millis(until) if until else None
        began, sent = time.monotonic(), 0
        while line := self.next_line():
            record = json.loads(line)
            if limit is not None and record["ts"] >= limit:
                self.pending = line
                break
            produce(self.producer, "decisions", line.rstrip(b"\n"), record["flight_id"], record["ts"])
            sent += 1
            if sent % 500 == 0:
                self.producer.poll(0)
                if pace:
                    time.sleep(max(0.0, sent / pace - (time.monotonic() - began)))
        self.producer.flush()
        self.played += sent
        return sent

    def lag(self):
        partitions = [TopicPartition("decisions", p) for p in range(PARTITIONS)]
        lag = 0
        for at in self.group.committed(partitions, timeout=10):
            _, high = self.group.get_watermark_offsets(at, timeout=10)
            lag += high - max(at.offset, 0)
        return lag

    def wait(self, service, seconds=120):
        deadline = time.monotonic() + seconds
        while self.lag() > 0:
            if service.process.poll() is not None:
                stop(f"leat run ended with {service.process.returncode}; see {WORK / 'kafka-service.log'}")
            if time.monotonic() > deadline:
                stop(f"{self.lag()} decisions are still not processed after {seconds} s; see {WORK / 'kafka-service.log'}")
            time.sleep(0.1)


def role(function, action, *arguments, why, allowed=(0,)):
    return leat(action, function, *arguments, "--why", why, "--by", "demo", allowed=allowed)


def play_story(function, service, player):
    """The same dates and commands as over files; what was measured there decides nothing here."""
    def until(month, day, what):
        say(what)
        player.play(midnight(month, day))
        player.wait(service)

    until(2, 1, "January: no model yet, decisions are recorded")
    add_version("flight-delay", "v1")
    time.sleep(3)  # the service looks for a first version once a second
    until(2, 8, "February: v1 shadows for a week")
    role(function, "promote", 1, why="a week as shadow without surprises")
    time.sleep(1)
    until(4, 1, "v1 serves")
    add_version("flight-delay", "v2")
    role(function, "shadow", 2, why="trained on January to March")
    time.sleep(1)
    until(4, 30, "April: v2 shadows v1")
    role(function, "promote", 2, why="better on April's labels")
    time.sleep(1)
    until(6, 1, "v2 serves")

    say("June: events at 5,000/s, and the service is killed (SIGKILL) among them")
    killer_at = player.played + 5000
    player.play(midnight(6, 7), pace=5000)
    service.kill()
    killed = time.monotonic()
    player.play(midnight(6, 14))
    service.start()
    player.wait(service)
    say(f"restarted: caught up {time.monotonic() - killed:.1f} s after the kill")
    assert player.played > killer_at

    until(9, 1, "July: the outage; August")
    add_version("flight-delay", "v3")
    role(function, "shadow", 3, why="trained on January to August")
    time.sleep(1)
    until(9, 30, "September: v3 shadows v2")
    role(function, "promote", 3, why="better on September's labels")
    time.sleep(1)
    until(12, 1, "v3 serves")
    add_version("flight-delay", "v4")
    role(function, "shadow", 4, why="trained on September to November")
    time.sleep(1)
    until(12, 8, "December: v4 shadows v3")
    refused = role(function, "promote", 4, why="the newest data must be the best", allowed=(0, 1)).returncode == 1
    if refused:
        role(function, "promote", 4, "--force", why="the newest data must be the best")
    time.sleep(1)
    until(12, 15, f"v4 serves ({'refused, forced' if refused else 'promoted'})")
    role(function, "rollback", why="worse than what it replaced")
    time.sleep(1)
    say("v3 serves again, to the end of the year")
    player.play()
    player.wait(service)
    return refused


# -- the check ---------------------------------------------------------------------------------------------------------


def read_topic(bootstrap, topic, visit):
    consumer = Consumer({**client(bootstrap), "group.id": "demo-check", "enable.auto.commit": False})
    _, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    consumer.assign([TopicPartition(topic, 0, 0)])
    count = 0
    while count < high:
        for message in consumer.consume(10_000, timeout=5):
            visit(json.loads(message.value()))
            count += 1
    consumer.close()
    return count


def compare_with_files(bootstrap):
    expected = {}
    for record in demo.read_lines(demo.LIVE / "flights.decisions.jsonl"):
        expected[record["key"]] = (record["version"], record["score"], tuple(record["features"].values()))
    seen, repeated, wrong = set(), 0, []

    def visit(record):
        nonlocal repeated
        repeated += record["key"] in seen
        seen.add(record["key"])
        if expected.get(record["key"]) != (record["version"], record["score"], tuple(record["features"].values())):
            wrong.append(record["key"])

    read_topic(bootstrap, DECISIONS, visit)
    return len(expected), len(set(expected) - seen), repeated, wrong


def main():
    files_done = demo.LIVE / "flights.decisions.jsonl"
    if not files_done.exists() or sum(1 for _ in open(files_done, "rb")) != 336_776:
        say("first the demo over files, to compare with")
        if demo.main():
            return 1
    say("a Kafka broker of its own (the first time its jars are fetched)")
    bootstrap = start_broker()
    service = None
    try:
        function = WORK / "flights-kafka.yaml"
        text = FUNCTION.read_text().replace("localhost:9092", bootstrap)
        function.write_text(text.replace("../../build/flights/registry", str(WORK / "registry-kafka")))
        shutil.rmtree(WORK / "registry-kafka", ignore_errors=True)
        demo.REGISTRY = WORK / "registry-kafka"
        make_topics(bootstrap)
        say("streams, tables and outcomes are loaded")
        loaded = load(bootstrap)
        say(f"{loaded:,} records loaded; the service starts with {PARTITIONS} workers")
        add_version("flight-delay-static", "static-v2")
        service = Service(function)
        player = Player(bootstrap)
        play_story(function, service, player)
        code = service.end()
        say("every decision is compared with the demo over files")
        total, lost, repeated, wrong = compare_with_files(bootstrap)
        print(f"\n{total:,} decisions through Kafka · lost {lost} · repeated after the kill {repeated} (at least once) · "
              f"other than over files {len(wrong)} · clean end {'yes' if code == 0 else 'no'}")
        if wrong:
            print("   first:", ", ".join(wrong[:5]))
        print(f"The service's log: {(WORK / 'kafka-service.log').relative_to(ROOT)}")
        return 0 if lost == 0 and not wrong and code == 0 else 1
    finally:
        if service and service.process.poll() is None:
            service.kill()
        stop_broker()


if __name__ == "__main__":
    sys.exit(main())
