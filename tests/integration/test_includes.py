"""scripts/check-includes.py finds what it is there to find, and nothing else."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("LEAT_ROOT", Path(__file__).resolve().parents[2]))
CASES = [
    ("a floor may include itself and what is below", "expr/a.c", '#include "expr/a.h"\n#include "base/b.h"\n', None),
    ("a floor may not include what is above", "base/a.c", '#include "event/b.h"\n', "base includes event/b.h"),
    ("a relative include is resolved", "base/a.c", '#include "../stream/b.h"\n', "base includes ../stream/b.h"),
    ("model includes only base", "model/a.c", '#include "event/b.h"\n', "model includes event/b.h"),
    ("model includes base", "model/a.c", '#include "base/b.h"\n', None),
    ("cmd includes everything", "cmd/a.c", '#include "engine/b.h"\n#include <pthread.h>\n', None),
    ("an include in a comment does not count", "base/a.c", '/*\n#include "event/b.h"\n*/\n', None),
    ("no threads in the core", "state/a.c", "#include <pthread.h>\n", "includes <pthread.h>"),
    ("no kafka in the core", "function/a.c", "#include <librdkafka/rdkafka.h>\n", "includes <librdkafka/rdkafka.h>"),
    ("no sockets in the core", "base/a.c", "#include <sys/socket.h>\n", "includes <sys/socket.h>"),
    ("no clock in the core", "expr/a.c", "int f(void)\n{\n    clock_gettime(0, 0);\n}\n", "expr/a.c:3: expr"),
    ("no time(NULL) in the core", "event/a.c", "long f(void) { return time(NULL); }\n", "calls time(NULL)"),
    ("a clock above the core is fine", "engine/a.c", "void f(void) { clock_gettime(0, 0); }\n", None),
    ("a clock in a comment or string is fine", "base/a.c", 'char *s = "time(NULL)"; /* clock_gettime() */\n', None),
    ("a name that merely ends so is fine", "base/a.c", "void f(void) { leat_clock(0); event_time(0); }\n", None),
    ("a floor that does not exist", "misc/a.c", "\n", "src/misc is not one of the floors"),
]


def findings(path, text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "src", path)
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, ROOT / "scripts/check-includes.py", folder], stdout=subprocess.PIPE, text=True, check=False
        )
        return done.returncode, done.stdout


failed = 0
for name, path, text, expected in CASES:
    code, output = findings(path, text)
    good = (code == 1 and expected in output) if expected else (code == 0 and output == "")
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}")
    if not good:
        print(f"# expected {expected!r}, got exit code {code} and {output!r}")
sys.exit(1 if failed else 0)
