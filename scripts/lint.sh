#!/usr/bin/env bash
# Checks that need no test run: formatting, include directions, generated pages.
#
#   scripts/lint.sh [BUILD]
set -uo pipefail
cd "$(dirname "$0")/.."

build=${1:-build}
failed=0
check() {
    local title=$1
    shift
    if "$@"; then
        echo "ok $title"
    else
        echo "not ok $title"
        failed=1
    fi
}

check "formatting" scripts/format.sh --check
check "include directions" scripts/check-includes.py
check "generated pages" scripts/check-docs.sh "$build/leat"
check "shell syntax" bash -c 'for f in scripts/*.sh .ci/run; do bash -n "$f" || exit 1; done'
exit $failed
