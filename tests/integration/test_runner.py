"""The runner's own judgement: what counts as passed and as failed."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(os.environ.get("LEAT_ROOT", Path(__file__).resolve().parents[2]))
spec = importlib.util.spec_from_file_location("run", ROOT / "tests/run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

# name, output, exit code, late, passed, failed, skipped
CASES = [
    ("lines are counted", "1..2\nok 1 - a\nok 2 - b\n", 0, False, 2, 0, 0),
    ("a failed line is a failure", "1..2\nok 1 - a\nnot ok 2 - b\n", 1, False, 1, 1, 0),
    ("a failed line counts whatever the exit code", "not ok b\n", 0, False, 0, 1, 0),
    ("a skipped test is neither", "ok a\nok b # SKIP no broker\n", 0, False, 1, 0, 1),
    ("a bad exit code alone is a failure", "ok a\n", 3, False, 1, 1, 0),
    ("a crash is a failure", "1..2\nok 1 - a\n", -11, False, 1, 1, 0),
    ("an unfulfilled plan is a failure", "1..2\nok 1 - a\n", 0, False, 1, 1, 0),
    ("a time-out is a failure", "ok a\n", -15, True, 1, 1, 0),
    ("a sanitizer's report is a failure", "ok a\nx.c:1:2: runtime error: bad shift\n", 0, False, 1, 1, 0),
    ("a program without lines is one test", "all is well\n", 0, False, 1, 0, 0),
    ("a comment is not a test", "# not ok - group\nok a\n", 0, False, 1, 0, 0),
    ("words that begin with ok are not tests", "okay\nok a\n", 0, False, 1, 0, 0),
    ("several groups add up", "1..1\nok 1 - a\n1..1\nok 1 - b\n", 0, False, 2, 0, 0),
]

wrong = 0
for name, output, code, late, passed, failed, skipped in CASES:
    result = run.Result(run.Program("unit", "x", ["x"]))
    result.output = output
    run.judge(result, code, late, False)
    seen = (len(result.passed), len(result.failed), len(result.skipped))
    good = seen == (passed, failed, skipped)
    wrong += not good
    print(f"{'ok' if good else 'not ok'} {name}")
    if not good:
        print(f"#   {seen}: {result.passed} {result.failed} {result.skipped}")
sys.exit(1 if wrong else 0)
