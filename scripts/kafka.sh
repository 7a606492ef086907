#!/usr/bin/env bash
# A single Kafka broker (KRaft) on 127.0.0.1, for tests and the demo.
#
#   scripts/kafka.sh fetch                                      download it into build/kafka/lib
#   scripts/kafka.sh start [--port PORT] [--dir DIR] [--set NAME=VALUE]...   start, print host:port
#   scripts/kafka.sh stop   [--dir DIR] [--kill]                end that broker (--kill: without a goodbye)
#   scripts/kafka.sh status [--dir DIR]                         print host:port; exit code 1 when it is down
#
# DIR (build/kafka/broker) holds everything of one broker: its data, log, pid and port. Without --port the
# port of its last start is taken again, or a free one. Starting a broker that runs and stopping one that
# does not change nothing. `rm -r DIR` forgets its topics. Exit codes: 0 done, 1 down, 2 wrong usage,
# 3 cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

home=${LEAT_KAFKA_HOME:-$PWD/build/kafka}
dir=$home/broker
port=
extra=()
signal=TERM
say() { echo "kafka: $1" >&2; }
die() { say "$1"; exit 3; }
usage() { sed -n '2,13s/^# \{0,1\}//p' "$0"; }

command=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
    case $1 in
    --port | --dir | --set)
        [ $# -ge 2 ] || { say "$1 needs a value"; exit 2; }
        case $1 in
        --port) port=$2 ;;
        --dir) dir=$2 ;;
        --set) extra+=("$2") ;;
        esac
        shift
        ;;
    --kill) signal=KILL ;;
    *) say "unknown option '$1'"; usage >&2; exit 2 ;;
    esac
    shift
done
[[ $dir == /* ]] || dir=$PWD/$dir

# The pid in the file is ours only if that process is a broker of this folder: pids are reused.
running_pid() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) || return 1
    [ -r "/proc/$pid/cmdline" ] && tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF "$dir/server.properties" &&
        echo "$pid"
}

# Asks for ApiVersions (key 18, version 0) and expects an answer to it without an error: the socket opens
# long before the broker serves.
is_healthy() {
    python3 - "$1" <<'PY' 2>/dev/null
import socket, struct, sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2) as s:
    client = b"leat"
    body = struct.pack(">hhih", 18, 0, 7, len(client)) + client
    s.sendall(struct.pack(">i", len(body)) + body)
    answer = b""
    while len(answer) < 10:
        part = s.recv(10 - len(answer))
        if not part:
            sys.exit(1)
        answer += part
    _, correlation, error = struct.unpack(">iih", answer)
    sys.exit(0 if correlation == 7 and error == 0 else 1)
PY
}

# The controller listens on the port after the broker's, so both must be free.
port_pair_is_free() {
    python3 - "$1" <<'PY'
import socket, sys

for port in (int(sys.argv[1]), int(sys.argv[1]) + 1):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            sys.exit(1)
PY
}

# Ports below the kernel's ephemeral range, so that no client's own port takes ours between check and use.
free_port() {
    local try candidate
    for try in $(seq 1 200); do
        candidate=$((20000 + 2 * (RANDOM % 6000)))
        if port_pair_is_free "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    die "found no two free ports next to each other"
}

write_properties() {
    local broker=127.0.0.1:$1 controller=127.0.0.1:$(($1 + 1))
    cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$broker,CONTROLLER://$controller
advertised.listeners=PLAINTEXT://$broker
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
P
    [ ${#extra[@]} -eq 0 ] || printf '%s\n' "${extra[@]}"
}

java_is_enough() {
    local major
    major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1) || return 1
    [ "${major:-0}" -ge 17 ]
}

fetch() {
    local stamp=$home/fetched
    cmp -s scripts/kafka-pom.xml "$stamp" && return
    mkdir -p "$home"
    exec 8>"$home/fetch.lock"
    flock 8
    cmp -s scripts/kafka-pom.xml "$stamp" && return
    command -v mvn >/dev/null || die "maven is needed to fetch it: scripts/install-deps.sh kafka"
    say "downloading the broker (about 60 MB, once)"
    rm -rf "$home/lib" "$home/classes.jsa"
    mvn -B -q -f scripts/kafka-pom.xml dependency:copy-dependencies -DoutputDirectory="$home/lib" \
        >"$home/fetch.log" 2>&1 8>&- || {
        tail -n 20 "$home/fetch.log" >&2
        die "maven could not download it (see above and $home/fetch.log)"
    }
    rm -rf scripts/target
    cp scripts/kafka-pom.xml "$stamp"
    exec 8>&-
}

wait_until_healthy() {
    local pid=$1 deadline=$((SECONDS + 60))
    while ! is_healthy "$port"; do
        if ! kill -0 "$pid" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
            tail -n 30 "$dir/log" >&2
            kill -KILL "$pid" 2>/dev/null || true
            rm -f "$dir/pid"
            die "the broker did not come up on 127.0.0.1:$port (see above and $dir/log)"
        fi
        sleep 0.1
    done
}

start() {
    local pid
    if running_pid >/dev/null; then
        status
        return
    fi
    java_is_enough || die "Java 17 or newer is needed: scripts/install-deps.sh kafka"
    fetch
    mkdir -p "$dir"
    [ -n "$port" ] || port=$(cat "$dir/port" 2>/dev/null || true)
    if [ -z "$port" ]; then
        port=$(free_port)
    elif ! port_pair_is_free "$port"; then
        die "port $port or $((port + 1)) on 127.0.0.1 is taken"
    fi
    write_properties "$port" >"$dir/server.properties"

    local java=(java -cp "$home/lib/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)
    # Loading classes takes most of a start. An archive of them, made by the first broker that ends
    # orderly, and the quick compiler alone for the tool, cut it to a third.
    local archive=$home/classes.jsa cds=()
    [ ! -f "$archive" ] || cds=("-XX:SharedArchiveFile=$archive")
    if [ ! -f "$dir/data/meta.properties" ]; then
        rm -rf "$dir/data"
        "${java[@]}" "${cds[@]}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC kafka.tools.StorageTool format \
            -t bGVhdC1mb3ItdGVzdHMtMQ -c "$dir/server.properties" >"$dir/format.log" 2>&1 || {
            cat "$dir/format.log" >&2
            die "could not format $dir/data (see above)"
        }
    fi
    rm -f "$dir/classes.jsa"
    [ -f "$archive" ] || cds=("-XX:ArchiveClassesAtExit=$dir/classes.jsa")
    # Only the JVM keeps running, detached, with no descriptor of ours but its log.
    setsid "${java[@]}" "${cds[@]}" -Xms256m -Xmx512m -XX:+UseSerialGC ${LEAT_KAFKA_JAVA_OPTIONS:-} \
        kafka.Kafka "$dir/server.properties" </dev/null >"$dir/log" 2>&1 &
    pid=$!
    echo "$pid" >"$dir/pid"
    echo "$port" >"$dir/port"
    wait_until_healthy "$pid"
    echo "127.0.0.1:$port"
}

stop() {
    local pid deadline=$((SECONDS + 30))
    pid=$(running_pid) || { rm -f "$dir/pid"; return 0; }
    kill -"$signal" "$pid" 2>/dev/null || true
    while running_pid >/dev/null; do
        [ $SECONDS -lt $deadline ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.05
    done
    rm -f "$dir/pid"
    if [ -f "$dir/classes.jsa" ] && [ "$signal" = TERM ]; then
        mv "$dir/classes.jsa" "$home/classes.jsa"
    fi
}

status() {
    running_pid >/dev/null || { say "no broker runs in $dir"; exit 1; }
    port=$(cat "$dir/port")
    is_healthy "$port" || { say "the broker in $dir does not answer on 127.0.0.1:$port"; exit 1; }
    echo "127.0.0.1:$port"
}

case $command in
fetch) java_is_enough || die "Java 17 or newer is needed: scripts/install-deps.sh kafka"; fetch ;;
start | stop | status) "$command" ;;
-h | --help | help) usage ;;
*) usage >&2; exit 2 ;;
esac
