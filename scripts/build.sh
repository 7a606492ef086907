#!/usr/bin/env bash
# Configures and builds one build folder.
#
#   scripts/build.sh DIR [MESON-OPTION...] [-- NINJA-ARG...]
#
# Meson looks for source files only when it configures, so this notices added and removed files, and
# other options, and configures again. Of two builds of one folder at once the second waits.
# Under CI=true warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:?usage: scripts/build.sh DIR [MESON-OPTION...] [-- NINJA-ARG...]}
shift
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
done
[ $# -eq 0 ] || shift
[ "${CI:-}" != true ] || options+=(-Dwerror=true)

mkdir -p "$dir"
notes=$(dirname "$dir")/.$(basename "$dir")
exec 9>"$notes.lock"
flock 9

settings=$(printf '%s\n' "CC=${CC:-}" "CXX=${CXX:-}" "${options[@]}")
files=$(scripts/sources.sh --all)
how=
if ! [ -f "$dir/build.ninja" ]; then
    how=fresh
elif [ "$settings" != "$(cat "$notes.settings" 2>/dev/null)" ]; then
    how=--wipe # an option that is no longer given must not linger
elif [ "$files" != "$(cat "$notes.files" 2>/dev/null)" ]; then
    how=--reconfigure
fi
if [ -n "$how" ]; then
    rm -f "$notes.settings" "$notes.files"
    [ "$how" != fresh ] || how=
    meson setup ${how:+"$how"} "$dir" "${options[@]}" >"$notes.log" 2>&1 || {
        grep -v '^Compiler for' "$notes.log" | tail -n 25 >&2
        exit 1
    }
    printf '%s' "$settings" >"$notes.settings"
    printf '%s' "$files" >"$notes.files"
fi
quiet=
[ -t 1 ] || quiet=--quiet
exec ninja -C "$dir" ${quiet:+"$quiet"} "$@"
