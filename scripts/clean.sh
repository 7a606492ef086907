#!/usr/bin/env bash
# Removes what the build made. The Python environment and the downloaded broker stay: they are slow to fetch.
#
#   scripts/clean.sh [BUILD]
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build}
[ -d "$build" ] || exit 0
find "$build" -mindepth 1 -maxdepth 1 ! -name venv ! -name kafka -exec rm -rf {} +
