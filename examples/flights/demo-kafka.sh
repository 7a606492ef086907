#!/usr/bin/env bash
# The flights demo through a real Kafka broker. Called by `make demo-kafka`.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(scripts/venv.sh -r examples/flights/requirements.txt confluent-kafka)
exec "$python" examples/flights/demo_kafka.py "$@"
