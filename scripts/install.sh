#!/usr/bin/env bash
# Installs the program, the library and its header from a build folder.
#
#   scripts/install.sh BUILD-DIR PREFIX [DESTDIR]
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:?usage: scripts/install.sh BUILD-DIR PREFIX [DESTDIR]}
prefix=${2:?usage: scripts/install.sh BUILD-DIR PREFIX [DESTDIR]}
[[ $prefix == /* ]] || prefix=$PWD/$prefix
to=${3:-}$prefix

install -D -m 755 "$dir/leat" "$to/bin/leat"
[ ! -f include/leat/leat.h ] || install -D -m 644 include/leat/leat.h "$to/include/leat/leat.h"
install -D -m 644 "$dir/libleat.a" "$to/lib/libleat.a"
mkdir -p "$to/lib/pkgconfig"
cat >"$to/lib/pkgconfig/leat.pc" <<PC
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: leat
Description: scores events with a model, the way the leat program does
Version: $(cat VERSION)
Requires.private: yaml-0.1 simdjson libxxhash zlib libzstd
Libs: -L\${libdir} -lleat
Libs.private: -lstdc++ -lm
Cflags: -I\${includedir}
PC
echo "installed below $to"
