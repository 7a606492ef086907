#!/usr/bin/env python3
"""Runs the tests and counts them one by one; the last line is `N passed, N failed`.

    tests/run.py --build build/test [--slow] [--only TEXT] [--jobs N]

Four kinds of program, all spoken to in TAP (`ok NAME`, `not ok NAME`):

  unit         tests/unit/test_<module>.c, cmocka, built into the build folder
  scenario     tests/scenario/<name>/function.yaml, played by `leat test`
  integration  tests/integration/test_*.py
  slow         tests/integration/slow_*.py and the builds of both compilers, only with --slow

A crash, a time-out, a sanitizer's report, a plan that was not fulfilled or an exit code other than 0 is
a failure too. A line `# timeout: SECONDS` in a Python test replaces the default, `# requires: PACKAGE...`
has it run by a Python that has these packages (scripts/venv.sh), `# serial` runs it alone. The tests
find the program in $LEAT, the build folder in $LEAT_BUILD and the checkout in $LEAT_ROOT.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = {"unit": 120, "scenario": 120, "integration": 300, "slow": 1800}
TAP = re.compile(r"^\s*(ok|not ok)\b(?:\s+\d+)?(?:\s*-)?\s*(.*)$")
PLAN = re.compile(r"^\s*1\.\.(\d+)")
SKIP = re.compile(r"#\s*SKIP\b", re.IGNORECASE)
REPORT = re.compile(
    r"ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|: runtime error: "
)
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Program:
    """One process whose output is a number of tests."""

    def __init__(self, kind, name, command, timeout=None, serial=False, requires=(), env=None):
        self.kind = kind
        self.name = name
        self.command = [str(part) for part in command]
        self.timeout = timeout or TIMEOUT[kind]
        self.serial = serial
        self.requires = list(requires)
        self.env = env or {}


class Result:
    def __init__(self, program):
        self.program = program
        self.passed = []
        self.failed = []
        self.skipped = []
        self.output = ""
        self.seconds = 0.0


def python_program(kind, path):
    """Reads the directives that stand in comments of a Python test."""
    text = path.read_text(encoding="utf-8")

    def directive(word):
        match = re.search(rf"^# {word}(?::[ \t]*(.*))?$", text, re.MULTILINE)
        return match and (match.group(1) or "")

    timeout = directive("timeout")
    requires = (directive("requires") or "").split()
    serial = directive("serial") is not None
    return Program(
        kind, f"{kind}/{path.stem}", [sys.executable, path], int(timeout) if timeout else None, serial, requires
    )


def unit_programs(build, label="unit", prefix=()):
    """The unit tests of a build folder; the build listed their names."""
    listed = build / "units.txt"
    names = listed.read_text(encoding="utf-8").split() if listed.exists() else []
    return [Program("unit", f"{label}/{name}", [*prefix, build / name]) for name in names]


def fast_programs(build):
    programs = unit_programs(build)
    for folder in sorted((ROOT / "tests/scenario").glob("*/")):
        if (folder / "function.yaml").exists():
            path = (folder / "function.yaml").relative_to(ROOT)
            programs.append(Program("scenario", f"scenario/{folder.name}", [build / "leat", "test", path]))
    for path in sorted((ROOT / "tests/integration").glob("test_*.py")):
        programs.append(python_program("integration", path))
    return programs


# The other compilers and sanitizers: a build is a test by itself, and then its unit tests run.
BUILDS = [
    ("gcc", {"CC": "gcc", "CXX": "g++"}, ["-Dwerror=true", "-Dtests=true", "-Dbench=true"]),
    ("clang", {"CC": "clang", "CXX": "clang++"}, ["-Dwerror=true", "-Dtests=true", "-Dbench=true"]),
    ("tsan", {}, ["-Dtests=true", "-Doptimization=1", "-Db_sanitize=thread"]),
]


def slow_programs():
    return [python_program("slow", path) for path in sorted((ROOT / "tests/integration").glob("slow_*.py"))]


def build_programs(build):
    return [
        Program(
            "slow", f"build/{name}", [ROOT / "scripts/build.sh", build.parent / f"all-{name}", *options], env=env
        )
        for name, env, options in BUILDS
    ]


def fixed_addresses():
    """ThreadSanitizer of older compilers can not start where the kernel randomises addresses widely."""
    prefix = ["setarch", "-R"]
    try:
        done = subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return []
    return prefix if done.returncode == 0 else []


def kill_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def environment(program, build, reports):
    env = dict(os.environ)
    env.update(
        LEAT=str(build / "leat"),
        LEAT_BUILD=str(build),
        LEAT_ROOT=str(ROOT),
        CMOCKA_MESSAGE_OUTPUT="TAP",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONUNBUFFERED="1",
    )
    for name, options in SANITIZERS.items():
        log = f"log_path={reports}/report"
        env[name] = ":".join(part for part in (options, log, os.environ.get(name)) if part)
    env.update(program.env)
    return env


def provide_python(program):
    """Replaces the python of a test that needs packages; returns what went wrong, or None."""
    if not program.requires:
        return None
    made = subprocess.run(
        [ROOT / "scripts/venv.sh", *program.requires],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        return made.stderr
    program.command[0] = made.stdout.strip().splitlines()[-1]
    return None


def execute(program, build, reports):
    """Runs a program in its own process group; returns its output, exit code and whether time ran out."""
    with tempfile.TemporaryFile() as sink:
        try:
            process = subprocess.Popen(
                program.command,
                cwd=ROOT,
                env=environment(program, build, reports),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"can not run {program.command[0]}: {error}\n", 127, False
        late = False
        try:
            code = process.wait(timeout=program.timeout)
        except subprocess.TimeoutExpired:
            late = True
            kill_group(process, signal.SIGTERM)
            try:
                code = process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                code = None
        # What it left behind must not disturb the next one.
        kill_group(process, signal.SIGKILL)
        if code is None:
            code = process.wait()
        sink.seek(0)
        return sink.read().decode("utf-8", "replace"), code, late


def judge(result, code, late, reports):
    """Reads the TAP lines and what the process and the sanitizers say beside them."""
    planned = 0
    for line in result.output.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
        match = TAP.match(line)
        if not match:
            continue
        name = match.group(2).strip()
        if SKIP.search(line):
            result.skipped.append(SKIP.sub("", name).strip())
        elif match.group(1) == "ok":
            result.passed.append(name)
        else:
            result.failed.append(name)
    seen = len(result.passed) + len(result.failed) + len(result.skipped)
    wrong = None
    if late:
        wrong = f"stopped after {result.program.timeout} s"
    elif code < 0:
        wrong = f"killed by {signal.Signals(-code).name}"
    elif reports or REPORT.search(result.output):
        wrong = "sanitizer report"
    elif code != 0 and not result.failed:
        wrong = f"exit code {code}"
    elif planned > seen:
        wrong = f"{planned} tests planned, {seen} reported"
    if wrong:
        result.failed.append(wrong)
    elif seen == 0:
        result.passed.append("exit code 0")


def run(program, build):
    result = Result(program)
    trouble = provide_python(program)
    if trouble:
        result.output = trouble
        result.failed.append("python packages")
        return result
    start = time.monotonic()
    reports = Path(tempfile.mkdtemp(prefix="leat-reports-"))
    try:
        result.output, code, late = execute(program, build, reports)
        found = sorted(reports.iterdir())
        for path in found:
            result.output += path.read_text(encoding="utf-8", errors="replace")
        result.seconds = time.monotonic() - start
        judge(result, code, late, bool(found))
    finally:
        shutil.rmtree(reports, ignore_errors=True)
    return result


class Reporter:
    def __init__(self):
        self.lock = threading.Lock()
        self.results = []

    def add(self, result):
        with self.lock:
            self.results.append(result)
            counts = f"{len(result.passed)} passed"
            if result.skipped:
                counts += f", {len(result.skipped)} skipped"
            if result.failed:
                counts += f", {len(result.failed)} FAILED"
                print(f"---- {result.program.name}: output", flush=True)
                print(result.output.rstrip("\n"))
                print(f"---- {result.program.name}: end of output")
            word = "FAIL" if result.failed else "ok  "
            print(f"{word} {result.program.name} ({counts}, {result.seconds:.1f} s)", flush=True)

    def close(self):
        passed = sum(len(result.passed) for result in self.results)
        failed = sum(len(result.failed) for result in self.results)
        for result in self.results:
            for name in result.skipped:
                print(f"skipped {result.program.name}: {name}")
        for result in self.results:
            for name in result.failed:
                print(f"FAILED {result.program.name}: {name}")
        print(f"{passed} passed, {failed} failed", flush=True)
        return failed == 0 and passed > 0


def run_all(programs, jobs, build, reporter):
    """The parallel ones first, then those that want the machine for themselves."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for future in as_completed([pool.submit(run, p, build) for p in programs if not p.serial]):
            reporter.add(future.result())
    for program in programs:
        if program.serial:
            reporter.add(run(program, build))


def main():
    parser = argparse.ArgumentParser(description="Runs the tests and counts them one by one.")
    parser.add_argument("--build", type=Path, default=ROOT / "build/test", help="the build folder to test")
    parser.add_argument("--slow", action="store_true", help="the slow tests too")
    parser.add_argument("--only", default="", help="only programs whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="programs at once")
    args = parser.parse_args()
    build = args.build.resolve()

    def chosen(programs):
        return [program for program in programs if args.only in program.name]

    reporter = Reporter()
    run_all(chosen(fast_programs(build)), args.jobs, build, reporter)
    if args.slow:
        run_all(chosen(build_programs(build)), 1, build, reporter)
        for name, _, _ in BUILDS:
            folder = build.parent / f"all-{name}"
            prefix = fixed_addresses() if name == "tsan" else []
            run_all(chosen(unit_programs(folder, f"unit-{name}", prefix)), args.jobs, folder, reporter)
        for program in chosen(slow_programs()):
            reporter.add(run(program, build))
    sys.exit(0 if reporter.close() else 1)


if __name__ == "__main__":
    main()
