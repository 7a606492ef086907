#!/bin/sh
# Prints the project's source files, one a line and sorted, for meson.build.
#
#   scripts/sources.sh FLOOR...           the .c and .cc files of src/FLOOR and its subfolders
#   scripts/sources.sh --in DIR [PATTERN] the .c and .cc files of one folder
#   scripts/sources.sh --all              every file that the build looks at
set -eu
cd "$(dirname "$0")/.."

list() { [ ! -d "$1" ] || find "$1" -name "${2:-*}" \( -name '*.c' -o -name '*.cc' \) | LC_ALL=C sort; }

case ${1:-} in
--in) list "$2" "${3:-*}" ;;
--all)
    for dir in src tests/support tests/unit tests/integration tests/fuzz bench; do list "$dir"; done
    [ ! -d include ] || find include -name '*.h' | LC_ALL=C sort
    ;;
*) for floor in "$@"; do list "src/$floor"; done ;;
esac
