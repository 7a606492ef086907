#!/usr/bin/env bash
# Formats the C and C++ files with clang-format.
#
#   scripts/format.sh [FILE...]      writes
#   scripts/format.sh --check        only reports, exit code 1 when a file would change
set -euo pipefail
cd "$(dirname "$0")/.."

files() { find include src tests bench examples \( -name '*.c' -o -name '*.cc' -o -name '*.h' \) -type f 2>/dev/null || true; }

if [ "${1:-}" = --check ]; then
    mapfile -t list < <(files)
    [ ${#list[@]} -eq 0 ] || clang-format --dry-run -Werror --ferror-limit=20 "${list[@]}"
    exit
fi
if [ $# -eq 0 ]; then
    mapfile -t list < <(files)
    set -- "${list[@]}"
fi
[ $# -eq 0 ] || clang-format -i "$@"
