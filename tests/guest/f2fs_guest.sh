#!/usr/bin/env bash
# f2fs volumes by Debian's own kernel: one put away cleanly, one copied while it was mounted, and some from which files
# were deleted; and the kernel's listing of them.
#
#   f2fs_guest.sh GUEST_FOLDER OUTPUT_FOLDER TOOL      TOOL is the built f2fs_volume
#
# Leaves clean.img, dirty.img and their .entries, .sums, .attributes, .devices, and deleted.img, deleted_open.img, churned.img
# with before.* and after.*; does nothing when they are newer than the scripts.  Ends with 77 where Debian's kernel package or f2fs-tools cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
guest=$1
out=$2
tool=$(realpath "$3")
export PATH=$PATH:/sbin:/usr/sbin
for needed in mkfs.f2fs qemu-system-x86_64 busybox cpio setfattr lsattr; do
    command -v $needed >/dev/null || { echo "guest: $needed is missing" >&2; exit 77; }
done
mkdir -p "$guest" "$out"
is_newer() { [ -s "$out/dirty.entries" ] && [ "$out/dirty.entries" -nt "$1" ]; }
if is_newer "$here/f2fs_inside.sh" && is_newer "$here/f2fs_deleted_inside.sh" && is_newer "$0"; then
    exit 0
fi
"$here/make_guest.sh" "$guest"
guest=$(realpath "$guest")
out=$(realpath "$out")

"$here/make_initramfs.sh" "$guest" "$out/initramfs.gz" virtio_pci virtio_blk 9pnet_virtio 9p overlay f2fs quota_v2 xts cts cbc ecb sha512_generic

rm -f "$out"/{clean,live,recovered,dirty}.img "$out/listing.tar"
truncate -s 160M "$out"/{clean,live,recovered,dirty}.img
truncate -s 8M "$out/listing.tar"
rm -f "$out"/small_{clean,live,recovered,dirty,emptied,deleted}.img
truncate -s 54M "$out"/small_{clean,live,recovered,dirty,emptied,deleted}.img
rm -f "$out"/{deleted,deleted_open,churned}.img
truncate -s 100M "$out"/{deleted,deleted_open}.img
truncate -s 64M "$out"/churned.img
drive() { echo "-drive file=$out/$1,format=raw,if=virtio,cache=unsafe"; }
# shellcheck disable=SC2046
timeout "${SALVAGE_GUEST_SECONDS:-700}" qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 1024 -smp 2 -nographic -nic none -no-reboot \
    -kernel "$guest/vmlinuz" -initrd "$out/initramfs.gz" \
    $(drive clean.img) $(drive live.img) $(drive recovered.img) $(drive dirty.img) $(drive listing.tar) \
    $(drive small_clean.img) $(drive small_live.img) $(drive small_recovered.img) $(drive small_dirty.img) \
    $(drive deleted.img) $(drive deleted_open.img) $(drive churned.img) $(drive small_emptied.img) $(drive small_deleted.img) \
    -virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap \
    -append "console=ttyS0 quiet panic=1 salvage.run=$here/f2fs_inside.sh salvage.arg=$tool" </dev/null 2>&1 | tr -d '\r' | tee "$out/console.log"
grep -q '^guest: ended with 0$' "$out/console.log"
tar -xf "$out/listing.tar" -C "$out"
rm -f "$out"/{live,recovered,small_live,small_recovered,small_emptied}.img "$out/listing.tar" "$out/initramfs.gz"
