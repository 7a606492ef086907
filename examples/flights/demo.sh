#!/usr/bin/env bash
# The flights demo over files: a whole year of real flights, with a model's life in it. Called by `make demo`.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(scripts/venv.sh -r examples/flights/requirements.txt)
exec "$python" examples/flights/demo.py "$@"
