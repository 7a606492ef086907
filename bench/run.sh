#!/usr/bin/env bash
# Runs the benchmarks of a build folder, and makes one table of what they report; bench.json beside the folder has the same.
#
#   bench/run.sh BUILD-DIR [NAME...]     NAME: of bench/bench_NAME.c, or `score` for whole runs of `leat score`
#
# A figure that misses its target is marked, and is no failure: another machine, or a busy one, has other figures. Those
# that are ratios were taken in turn with what they are compared to.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:?usage: bench/run.sh BUILD-DIR [NAME...]}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
events=build/flights/events # made by examples/flights/events.py
leat=$dir/leat

wanted() {
    local name=$1
    shift
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]]
}

# Runs a command, and writes its wall seconds, processor seconds and largest resident megabytes to $work/usage.
measure() {
    python3 - "$work/usage" "$@" <<'PYTHON'
import os, sys, time

start = time.monotonic()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - start
with open(sys.argv[1], "w") as file:
    print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, file=file)
sys.exit(os.waitstatus_to_exitcode(status))
PYTHON
}

# The table's rows for one whole run: title, how many events were scored.
report_run() {
    local title=$1 count=$2 wall cpu rss
    read -r wall cpu rss <"$work/usage"
    awk -v t="$title" -v n="$count" -v wall="$wall" -v cpu="$cpu" -v rss="$rss" 'BEGIN {
        printf "leat score, %s | %.0f | events/s |  | %d events in %.1f s\n", t, n / wall, n, wall
        printf "leat score, %s: processor | %.2f | us/event |  | \n", t, cpu * 1e6 / n
        printf "leat score, %s: memory | %.0f | MB |  | most that was resident\n", t, rss
    }'
}

score_card_fraud() {
    local features
    sed 's|^  registry: .*|  registry: registry|' examples/card-fraud/card-fraud.yaml >"$work/card-fraud.yaml"
    features=$(sed -n '/^features:/,/^model:/s/^  \([a-z0-9_]*\): .*/\1/p' examples/card-fraud/card-fraud.yaml | paste -sd,)
    "$leat" model add fraud examples/card-fraud/model.json --registry "$work/registry" --features "$features" >/dev/null
    "$dir/make_card_fraud" "$work/card-fraud" 1000000
    measure "$leat" score "$work/card-fraud.yaml" --files "$work/card-fraud" --version 1 --out "$work/scored" 2>"$work/log"
    report_run "card-fraud" "$(wc -l <"$work/scored")"
    rm -r "$work/card-fraud" "$work/scored"
}

score_flights() {
    if [ ! -d "$events" ]; then
        echo "# no $events: examples/flights/events.py makes it"
        return
    fi
    sed 's|^  registry: [^ ]*|  registry: registry|' examples/flights/flights.yaml >"$work/flights.yaml"
    "$leat" model add flight-delay examples/flights/models/v3.txt --registry "$work/registry" >/dev/null
    "$leat" model add flight-delay-static examples/flights/models/static.txt --registry "$work/registry" >/dev/null
    measure "$leat" score "$work/flights.yaml" --files "$events" --version 1 --out "$work/scored" 2>"$work/log"
    report_run "flights, a year" "$(wc -l <"$work/scored")"
}

score() {
    score_card_fraud && score_flights || {
        cat "$work/log" >&2
        return 1
    }
}

run() {
    local name=$1
    shift
    echo "# $name" >&2
    # Lines of other kinds are for whoever runs the program alone.
    "$@" | tee >(grep '^#' >&2 || true) | { grep '^[^#].* | ' || true; } >>"$work/figures"
}

: >"$work/figures"
for name in event expr windows model decision core stream; do
    if wanted "$name" "$@" && [ -x "$dir/bench_$name" ]; then
        run "$name" "$dir/bench_$name"
    fi
done
# The peers' own libraries are large: build/bench-peers is made once.
if wanted peers "$@" || wanted explain "$@"; then
    python=$(scripts/venv.sh numpy xgboost-cpu lightgbm catboost onnx onnxruntime)
    "$python" bench/peers.py build/bench-peers
fi
for source in bench/bench_*.c; do
    name=$(basename "$source" .c)
    name=${name#bench_}
    case $name in event | expr | windows | model | decision | core | stream) continue ;; esac
    if wanted "$name" "$@"; then
        run "$name" "$dir/bench_$name"
    fi
done
if wanted score "$@"; then
    run score score
fi
bench/table.py "$work/figures" --json "$(dirname "$dir")/bench.json"
