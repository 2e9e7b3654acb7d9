#!/usr/bin/env bash
# An initramfs with busybox, our init, and modules of the guest's kernel with all that they depend on.
#
#   make_initramfs.sh GUEST_FOLDER FILE MODULE…      GUEST_FOLDER has Debian's kernel package unpacked in lin/
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
guest=$(realpath "$1")
file=$(realpath "$2")
shift 2
version=$(ls "$guest/lin/lib/modules")
root=$(mktemp -d "$file.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,modules,host,over,proc,dev}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$here/init" "$root/init"
chmod +x "$root/init"
number=100
for module in "$@"; do
    /sbin/modprobe -d "$guest/lin" -S "$version" --show-depends "$module" 2>/dev/null | awk '/^insmod/{print $2}'
done | awk '!seen[$0]++' | while read -r each; do
    cp "$each" "$root/modules/$number-$(basename "$each")"
    number=$((number + 1))
done
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1 >"$file.new")
mv "$file.new" "$file"
