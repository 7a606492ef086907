#!/usr/bin/env bash
# Runs the fuzzers of a build folder, each for some seconds on tests/fuzz/corpus/<name>.
#
#   scripts/fuzz.sh BUILD-DIR SECONDS [NAME...]
#
# What a fuzzer learns goes to BUILD-DIR/corpus; a crashing input is left in BUILD-DIR/crashes.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:?usage: scripts/fuzz.sh BUILD-DIR SECONDS [NAME...]}
seconds=${2:?usage: scripts/fuzz.sh BUILD-DIR SECONDS [NAME...]}
shift 2
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <(find tests/fuzz -maxdepth 1 -name 'fuzz_*.c' -o -maxdepth 1 -name 'fuzz_*.cc' |
        sed 's/.*\/fuzz_//; s/\..*//' | LC_ALL=C sort)
fi

passed=0
failed=0
mkdir -p "$dir/crashes"
for name in "${names[@]}"; do
    name=${name#fuzz_}
    seeds=tests/fuzz/corpus/$name
    learned=$dir/corpus/$name
    mkdir -p "$learned"
    folders=("$learned")
    [ ! -d "$seeds" ] || folders+=("$seeds")
    log=$dir/crashes/$name.log
    options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
    options+=(-artifact_prefix="$dir/crashes/$name-")
    [ ! -f "tests/fuzz/$name.dict" ] || options+=(-dict="tests/fuzz/$name.dict")
    if "$dir/fuzz_$name" "${options[@]}" "${folders[@]}" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok fuzz_$name: ${runs:-?} inputs in $seconds s"
        passed=$((passed + 1))
        rm -f "$log"
    else
        tail -n 60 "$log"
        echo "not ok fuzz_$name: see $dir/crashes"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
