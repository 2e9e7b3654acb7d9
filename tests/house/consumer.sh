#!/usr/bin/env bash
# Installs the built tree into a fresh folder, builds a stranger's project against it, and runs that.
#   consumer.sh BUILD_DIR PROJECT_DIR SCATTER CXX
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/prefix" >/dev/null
cmake -S "$2" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$4" -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/consumer" "$3" | grep -x metadata
"$work/prefix/bin/salvage" --version
