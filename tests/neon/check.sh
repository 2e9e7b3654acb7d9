#!/usr/bin/env bash
# Builds the NEON kernels and their check for 64-bit ARM and runs it.  Ends with 77 where that cannot be done here.
#   check.sh BUILD_FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
src=$(cd "$here/../../src" && pwd)
out=$1/neon_check

if [ "$(uname -m)" = aarch64 ]; then
    compiler=${CXX:-g++}
    emulator=()
else
    compiler=aarch64-linux-gnu-g++
    emulator=(qemu-aarch64-static)
    for tool in "$compiler" "${emulator[@]}"; do
        if ! command -v "$tool" >/dev/null; then
            echo "skipped: no $tool here (packages g++-aarch64-linux-gnu and qemu-user-static)" >&2
            exit 77
        fi
    done
fi

mkdir -p "$1"
rm -f "$1"/*.o
for source in "$src"/crypto/kdf/{pbkdf2,scrypt}_{neon,portable}.cpp "$src"/crypto/sector/{aes_neon,adiantum_neon,adiantum_portable}.cpp \
    "$here"/{neon_check,sector_check}.cpp; do
    case $source in */aes_neon.cpp) flags=(-march=armv8-a+crypto) ;; *) flags=() ;; esac
    "$compiler" -std=c++2b -O2 -Wall -Wextra -Werror "${flags[@]}" -I"$src" -c "$source" -o "$1/$(basename "$source" .cpp).o"
done
"$compiler" -static "$1"/*.o -o "$out"
timeout 300 "${emulator[@]}" "$out"
