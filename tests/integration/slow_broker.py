"""scripts/kafka.sh starts, reports and ends a broker, and doing either twice changes nothing."""
# timeout: 300
# serial

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("LEAT_ROOT", Path(__file__).resolve().parents[2]))
failed = 0


def kafka(*args):
    return subprocess.run(
        [ROOT / "scripts/kafka.sh", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )


def check(name, good, detail=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}")
    if not good:
        print(f"# {detail}")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    try:
        started = kafka("start", "--dir", folder)
        address = started.stdout.strip()
        check("a broker starts and tells its address", started.returncode == 0 and ":" in address, started)
        again = kafka("start", "--dir", folder)
        check("starting it again changes nothing", again.stdout.strip() == address, again)
        status = kafka("status", "--dir", folder)
        check("its status is its address", status.returncode == 0 and status.stdout.strip() == address, status)
        port = int(address.rpartition(":")[2])
        listed = subprocess.run(
            ["kcat", "-L", "-b", address], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        check("a client can list it", "1 brokers" in listed.stdout, listed)
        with socket.socket() as other:
            check("it listens on no other address", other.connect_ex(("127.0.0.2", port)) != 0)
        taken = kafka("start", "--dir", f"{folder}/other", "--port", str(port))
        check("a taken port is refused", taken.returncode == 3, taken)
        stopped = kafka("stop", "--dir", folder)
        check("it stops", stopped.returncode == 0 and kafka("status", "--dir", folder).returncode == 1, stopped)
        check("stopping it again changes nothing", kafka("stop", "--dir", folder).returncode == 0)
        back = kafka("start", "--dir", folder)
        check("it comes back on the same port", back.stdout.strip() == address, back)
        check("it can be killed", kafka("stop", "--kill", "--dir", folder).returncode == 0)
    finally:
        kafka("stop", "--dir", folder)
sys.exit(1 if failed else 0)
