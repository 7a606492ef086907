#!/usr/bin/env bash
# The pages under docs/reference that the program writes itself (`leat docs DIR`) must equal what it
# would write now; and the relative links of all pages must lead somewhere. Nothing to check until the command exists.
#
#   scripts/check-docs.sh [LEAT]           reports stale pages, exit code 1
#   scripts/check-docs.sh --write [LEAT]   writes them
set -euo pipefail
cd "$(dirname "$0")/.."

write=
if [ "${1:-}" = --write ]; then
    write=1
    shift
fi
leat=${1:-build/leat}
# The command belongs to the program's own table, so its source says whether it exists.
[ -f src/cmd/docs.c ] || exit 0
if [ -n "$write" ]; then
    mkdir -p docs/reference
    exec "$leat" docs docs/reference
fi
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$leat" docs "$fresh"
stale=0
while IFS= read -r page; do
    if ! diff -u "docs/reference/$page" "$fresh/$page"; then
        echo "check-docs: docs/reference/$page is stale: run 'make docs'" >&2
        stale=1
    fi
done < <(cd "$fresh" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)
# A checkout without git has no list of its pages.
if git rev-parse --git-dir >/dev/null 2>&1; then
    scripts/check-links.py || stale=1
fi
exit $stale
