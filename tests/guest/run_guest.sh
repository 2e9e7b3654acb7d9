#!/usr/bin/env bash
# Runs a script inside the guest and ends as it ended.
#
#   run_guest.sh GUEST_FOLDER SCRIPT ARGUMENT [QEMU_OPTION…]      the script sees this machine's files, read-only, and the argument
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
script=$(realpath "$2")
argument=$3
shift 3
"$here/make_guest.sh" "$folder"
log=$folder/console.log
# TCG, not KVM: it is there everywhere, and USB needs no speed.
timeout ${SALVAGE_GUEST_SECONDS:-170} qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 1024 -smp 2 -nographic -nic none -no-reboot \
    -kernel "$folder/vmlinuz" -initrd "$folder/initramfs.gz" \
    -virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap "$@" \
    -append "console=ttyS0 quiet panic=1 salvage.run=$script salvage.arg=$argument" </dev/null 2>&1 | tr -d '\r' | tee "$log"
grep -q '^guest: ended with 0$' "$log"
