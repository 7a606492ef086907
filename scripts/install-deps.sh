#!/usr/bin/env bash
# Installs the packages that a part of the project needs and this machine lacks.
#
#   scripts/install-deps.sh [build] [test] [clang] [lint] [tidy] [kafka] [demo] [bench]
#
# Does nothing, at once, when everything is there. Debian 12 and 13, Ubuntu 24.04; elsewhere it says
# what is needed. LEAT_NO_DEPS=1 turns it off. Exit codes: 0 done, 2 wrong usage, 3 cannot install.
set -euo pipefail

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; }
die() { echo "install-deps: $1" >&2; exit 3; }

packages_of() {
    case $1 in
    build) echo "gcc g++ meson ninja-build pkg-config librdkafka-dev libsimdjson-dev libyaml-dev" \
        "libmicrohttpd-dev libxxhash-dev zlib1g-dev libzstd-dev libonnx-dev libprotobuf-dev protobuf-compiler" ;;
    test) echo "libcmocka-dev python3 python3-venv" ;;
    clang) echo "clang @clang-rt" ;;
    lint) echo "clang-format python3" ;;
    tidy) echo "clang-tidy" ;;
    kafka) echo "@java maven kcat" ;;
    demo) echo "python3 python3-venv curl" ;;
    bench) echo "python3 python3-venv" ;;
    *) return 1 ;;
    esac
}

reason_of() {
    case $1 in
    build) echo "to build leat" ;;
    test) echo "to run the tests" ;;
    clang) echo "to build with clang and to fuzz" ;;
    lint) echo "to check the formatting" ;;
    tidy) echo "to look for bugs with clang-tidy" ;;
    kafka) echo "to run a real Kafka broker" ;;
    demo) echo "to run the demo" ;;
    bench) echo "to run the benchmarks" ;;
    esac
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

java_is_enough() {
    local major
    major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1) || return 1
    [ "${major:-0}" -ge 17 ]
}

# The sanitizer and fuzzer runtimes are named after the clang that the distribution calls `clang`.
clang_rt_package() {
    local deps version
    deps=$(dpkg-query -W -f '${Depends}' clang 2>/dev/null || true)
    [ -n "$deps" ] || deps=$(apt-cache depends clang 2>/dev/null || true)
    version=$(grep -oE 'clang-[0-9]+' <<<"$deps" | head -n 1 | tr -dc 0-9 || true)
    [ -z "$version" ] || echo "libclang-rt-$version-dev"
}

# Prints those of the packages of one group that are missing; the names that depend on the
# distribution are resolved here.
missing_of() {
    local name
    for name in $(packages_of "$1"); do
        case $name in
        @java)
            java_is_enough || echo default-jdk-headless
            continue
            ;;
        @clang-rt)
            name=$(clang_rt_package)
            [ -n "$name" ] || { echo "@clang-rt"; continue; }
            ;;
        esac
        is_installed "$name" || echo "$name"
    done
}

[ "${LEAT_NO_DEPS:-}" != 1 ] || exit 0
groups=()
for arg in "${@:-build}"; do
    case $arg in
    -h | --help) usage; exit 0 ;;
    esac
    packages_of "$arg" >/dev/null || { echo "install-deps: unknown group '$arg'" >&2; usage >&2; exit 2; }
    groups+=("$arg")
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    for group in "${groups[@]}"; do
        echo "  $(reason_of "$group"): $(packages_of "$group")" >&2
    done
    die "this system has no apt. Install the equivalents of these packages, then set LEAT_NO_DEPS=1."
fi

collect() {
    wanted=()
    local group list
    for group in "${groups[@]}"; do
        list=$(missing_of "$group" | tr '\n' ' ')
        [ -n "$list" ] || continue
        [ "${1:-}" != quiet ] && echo "install-deps: $(reason_of "$group"): $list" >&2
        # shellcheck disable=SC2206
        wanted+=($list)
    done
    return 0
}

collect quiet
[ ${#wanted[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
        die "missing: ${wanted[*]}. This needs root or sudo: apt-get install ${wanted[*]}"
    as_root=(sudo)
    [ -t 0 ] || as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Two makes may run at once: apt waits for the lock instead of failing.
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"; }

echo "install-deps: refreshing the package lists" >&2
apt update >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get update failed (see above)"; }
collect
for name in "${wanted[@]}"; do
    [ "$name" != "@clang-rt" ] || die "found no 'clang' package: clang and its runtime are needed"
done
apt install --no-install-recommends "${wanted[@]}" >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; die "apt-get install ${wanted[*]} failed (see above)"; }
collect quiet
[ ${#wanted[@]} -eq 0 ] || die "still missing after the installation: ${wanted[*]}"
