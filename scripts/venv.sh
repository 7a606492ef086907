#!/usr/bin/env bash
# Makes the Python environment build/venv hold some packages, and prints the path of its python.
#
#   python=$(scripts/venv.sh duckdb numpy)
#   python=$(scripts/venv.sh -r examples/flights/requirements.txt)
#
# Versions come from tests/requirements.txt. Installs only what is missing; needs python3 with venv.
# LEAT_VENV names another folder. Exit code 3 when it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${LEAT_VENV:-build/venv}
[[ $venv == /* ]] || venv=$PWD/$venv
python=$venv/bin/python
mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9

if ! "$python" -c 'import pip' 2>/dev/null; then
    # A version manager's shim may stand first on the path; any python3 with venv will do.
    made=
    for base in python3 /usr/bin/python3; do
        rm -rf "$venv"
        if "$base" -m venv "$venv" >"$venv.log" 2>&1 9>&-; then
            made=1
            break
        fi
    done
    if [ -z "$made" ]; then
        cat "$venv.log" >&2
        echo "venv: python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 3
    fi
fi

wanted=()
requirements=()
while [ $# -gt 0 ]; do
    case $1 in
    -r)
        requirements+=(-r "$2")
        while IFS= read -r line; do
            line=${line%%#*}
            line=${line//[[:space:]]/}
            [ -z "$line" ] || wanted+=("$line")
        done <"$2"
        shift
        ;;
    *)
        # A name without a version gets the pinned one.
        pin=$(grep -iE "^$1==" tests/requirements.txt | head -n 1 | sed 's/[[:space:]]*#.*//') || true
        wanted+=("${pin:-$1}")
        ;;
    esac
    shift
done

missing=$("$python" - "${wanted[@]}" <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

for spec in sys.argv[1:]:
    name, _, pin = spec.partition(";")[0].partition("==")
    try:
        found = version(name.split("[")[0])
    except PackageNotFoundError:
        found = None
    if found is None or (pin and found != pin):
        print(spec)
PY
)
if [ -n "$missing" ]; then
    mapfile -t list <<<"$missing"
    echo "venv: installing ${list[*]}" >&2
    if ! "$python" -m pip install -q --disable-pip-version-check \
        -c tests/requirements.txt "${list[@]}" >"$venv.log" 2>&1 9>&-; then
        tail -n 20 "$venv.log" >&2
        echo "venv: pip could not install ${list[*]} (see above)" >&2
        exit 3
    fi
fi
echo "$python"
