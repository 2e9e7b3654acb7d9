#!/usr/bin/env bash
# ext volumes of which Debian's own kernel deleted a third, and what it said of them before.
#
#   ext4_guest.sh GUEST_FOLDER OUTPUT_FOLDER
#
# Leaves clean, dirty, phone, reused, ext3, orphans .img with their .before, .sums, .after; does nothing when they are newer
# than the scripts.  Ends with 77 where Debian's kernel package cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
guest=$1
out=$2
export PATH=$PATH:/sbin:/usr/sbin
for needed in mke2fs qemu-system-x86_64 busybox cpio openssl; do
    command -v $needed >/dev/null || { echo "guest: $needed is missing" >&2; exit 77; }
done
mkdir -p "$guest" "$out"
if [ -s "$out/orphans.after" ] && [ "$out/orphans.after" -nt "$here/ext4_inside.sh" ] && [ "$out/orphans.after" -nt "$0" ]; then
    exit 0
fi
"$here/make_guest.sh" "$guest"
guest=$(realpath "$guest")
out=$(realpath "$out")

"$here/make_initramfs.sh" "$guest" "$out/initramfs.gz" virtio_pci virtio_blk 9pnet_virtio 9p overlay crc32c_generic ext4

drives=(clean live dirty phone live_reused reused ext3 live_orphans orphans)
arguments=()
for drive in "${drives[@]}"; do
    rm -f "$out/$drive.img"
    truncate -s 64M "$out/$drive.img"
    arguments+=(-drive "file=$out/$drive.img,format=raw,if=virtio,cache=unsafe")
done
rm -f "$out/listing.tar"
truncate -s 8M "$out/listing.tar"
timeout "${SALVAGE_GUEST_SECONDS:-700}" qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 1024 -smp 2 -nographic -nic none -no-reboot \
    -kernel "$guest/vmlinuz" -initrd "$out/initramfs.gz" "${arguments[@]}" \
    -drive "file=$out/listing.tar,format=raw,if=virtio,cache=unsafe" \
    -virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap \
    -append "console=ttyS0 quiet panic=1 salvage.run=$here/ext4_inside.sh" </dev/null 2>&1 | tr -d '\r' | tee "$out/console.log"
grep -q '^guest: ended with 0$' "$out/console.log"
tar -xf "$out/listing.tar" -C "$out"
rm -f "$out"/live*.img "$out/listing.tar" "$out/initramfs.gz"
