"""The Kafka backend of src/stream against a real broker: tests/unit/test_stream_kafka.c with all it has."""
# timeout: 600
# serial

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("LEAT_ROOT", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("LEAT_BUILD", ROOT / "build/test"))
KAFKA = ROOT / "scripts/kafka.sh"

with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    started = subprocess.run([KAFKA, "start", "--dir", folder], stdout=subprocess.PIPE, text=True, check=False)
    print(f"{'not ok' if started.returncode else 'ok'} a broker starts", flush=True)
    if started.returncode != 0:
        sys.exit(1)
    try:
        env = dict(os.environ)
        env["LEAT_KAFKA"] = started.stdout.strip()
        env["LEAT_KAFKA_RESTART"] = f"'{KAFKA}' stop --dir '{folder}' && '{KAFKA}' start --dir '{folder}'"
        tests = subprocess.run([BUILD / "test_stream_kafka"], env=env, stdin=subprocess.DEVNULL, check=False)
    finally:
        subprocess.run([KAFKA, "stop", "--dir", folder], check=False)
sys.exit(1 if tests.returncode else 0)
