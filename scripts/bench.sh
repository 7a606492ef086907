#!/usr/bin/env bash
# Runs every benchmark program of a build folder, then bench/run.sh when there is one.
#
#   scripts/bench.sh BUILD-DIR [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:?usage: scripts/bench.sh BUILD-DIR [NAME...]}
shift
export LEAT="$PWD/$dir/leat"
for source in bench/bench_*.c; do
    [ -f "$source" ] || continue
    name=$(basename "$source" .c)
    [ $# -eq 0 ] || [[ " $* " == *" ${name#bench_} "* ]] || continue
    echo "# $name"
    "$dir/$name"
done
if [ -x bench/run.sh ]; then
    bench/run.sh "$@"
fi
