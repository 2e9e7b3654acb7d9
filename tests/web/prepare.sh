#!/usr/bin/env bash
# Copies the tests into the build folder and fetches their packages there, when the list of packages has changed.
set -euo pipefail
source=$1
target=$2
mkdir -p "$target"
cp -r "$source"/*.mjs "$source"/package.json "$source"/package-lock.json "$source"/.npmrc "$target"
rm -rf "$target/unit"
cp -r "$source/unit" "$target/unit"
if ! cmp -s "$target/package-lock.json" "$target/node_modules/.salvage-lock"; then
    (cd "$target" && npm ci --no-audit --no-fund --loglevel=error)
    cp "$target/package-lock.json" "$target/node_modules/.salvage-lock"
fi
