#!/usr/bin/env python3
"""Checks that the floors of src/ lean only on those below them, and that the lower ones are pure.

    scripts/check-includes.py [ROOT]

Each floor includes only from itself and from the floors below it; `model` only from `base`. From `base`
to `function` there are no threads, sockets, clocks and no Kafka. Prints `file:line: what` for each
finding; exit code 1 when there are any.
"""

import re
import sys
from pathlib import Path

FLOORS = [
    "base",
    "event",
    "expr",
    "state",
    "model",
    "function",
    "observe",
    "stream",
    "registry",
    "engine",
    "server",
    "cmd",
]
PURE = FLOORS[: FLOORS.index("function") + 1]
ALLOWED = {floor: set(FLOORS[: at + 1]) for at, floor in enumerate(FLOORS)}
ALLOWED["model"] = {"base", "model"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
IMPURE_HEADERS = re.compile(
    r"^(pthread|threads|semaphore|librdkafka/.*|rdkafka|sys/socket|sys/un|netinet/.*|arpa/inet|netdb|poll"
    r"|sys/epoll|sys/select|microhttpd|curl/.*|sys/time|thread|mutex|atomic|chrono|signal)(\.h)?$"
)
IMPURE_CALLS = re.compile(
    r"\b(clock_gettime|gettimeofday|timespec_get|clock|times|nanosleep|usleep|sleep|pthread_\w+|thrd_\w+"
    r"|mtx_\w+|socket|connect|accept|listen|getaddrinfo|fork|rd_kafka_\w+|__rdtsc|std::chrono|std::thread"
    r"|std::mutex)\s*\("
)
TIME_CALL = re.compile(r"(?<![\w.>])time\s*\(\s*(NULL|0|nullptr|&\s*\w+)\s*\)")
EXTENSIONS = {".c", ".cc", ".h"}


def without_comments(text):
    """Blanks out comments and the insides of literals (not those of includes), keeping line numbers."""

    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]

    pattern = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
    lines = pattern.sub(blank, text).split("\n")
    for at, raw in enumerate(text.split("\n")):
        if re.match(r"\s*#\s*include\b", raw) and re.match(r"\s*#\s*include\b", lines[at]):
            lines[at] = raw
    return lines


def target_floor(root, path, name):
    """The floor that an include in quotes reaches: by path below src/, else beside the including file."""
    first = name.split("/")[0]
    if first in FLOORS and "/" in name:
        return first
    beside = (path.parent / name).resolve()
    try:
        return beside.relative_to((root / "src").resolve()).parts[0]
    except ValueError:
        return None


def check_file(root, path):
    floor = path.relative_to(root / "src").parts[0]
    if floor not in FLOORS:
        yield 1, f"src/{floor} is not one of the floors: {', '.join(FLOORS)}"
        return
    for number, line in enumerate(without_comments(path.read_text(encoding="utf-8")), 1):
        match = INCLUDE.match(line)
        if match:
            quote, name = match.groups()
            if quote == '"' and not name.startswith("leat/"):
                target = target_floor(root, path, name)
                if target in FLOORS and target not in ALLOWED[floor]:
                    allowed = ", ".join(f for f in FLOORS if f in ALLOWED[floor])
                    yield number, f"{floor} includes {name}; it may include from {allowed} only"
            if floor in PURE and IMPURE_HEADERS.match(name):
                yield number, f"{floor} is part of the pure core and includes <{name}>"
            continue
        if floor not in PURE:
            continue
        for pattern in (IMPURE_CALLS, TIME_CALL):
            found = pattern.search(line)
            if found:
                yield number, f"{floor} is part of the pure core and calls {found.group(0).rstrip('( ')}()"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    findings = 0
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in EXTENSIONS or not path.is_file():
            continue
        for number, what in check_file(root, path):
            print(f"{path.relative_to(root)}:{number}: {what}")
            findings += 1
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
