#!/usr/bin/env bash
# Inside the guest: simulated phones on a real kernel's USB, read and flashed through libusb, a terminal, and by Debian's
# own fastboot.
#
#   phone_over_usb.sh BUILD_FOLDER
set -euo pipefail
build=$1
source=$(cd "$(dirname "$0")/../.." && pwd)
salvage=$build/bin/salvage
work=/tmp/guest-work
mkdir -p $work
cd $work

step() { echo "guest: $*"; }
die() {
    echo "guest: FAILED: $*"
    tail -n 20 $work/*.log || true
    exit 1
}
# Waits until a command succeeds: 20 s at most.
soon() {
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

step "both ends of a cable"
read -r mount gadget < <("$source/tools/gadget.sh" mediatek-ffs pair)
timeout 60 "$build/tests/guest/usb_pair" "$mount" "$gadget" || die "usb_pair"

truncate -s 12M phone.img
sgdisk -n 1:64:+1M -c 1:metadata -n 2:4096:+4M -c 2:userdata phone.img >/dev/null
head -c 1000000 /dev/urandom | dd of=phone.img bs=32K seek=1 conv=notrunc status=none
head -c 4194304 /dev/urandom | dd of=phone.img bs=512 seek=4096 conv=notrunc status=none
head -c 524288 /dev/urandom >boot1.bin
sha256sum phone.img >before
"$salvage" phone --make-agents da.bin 2>/dev/null

step "a preloader through libusb"
read -r mount gadget < <("$source/tools/gadget.sh" mediatek-ffs phone1)
"$salvage" phone --image phone.img --boot1 boot1.bin --functionfs "$mount" --gadget "$gadget" \
    >phone1.log 2>&1 &
phone=$!
timeout 60 "$salvage" read --usb --da da.bin --wait 30 -o usb.bin >read1.log 2>&1 || die "read over libusb"
cmp phone.img usb.bin || die "the readback over libusb differs"
cmp boot1.bin usb.bin.boot1 || die "boot1 over libusb differs"
kill $phone
wait $phone || true

step "a preloader through the kernel's terminal"
terminal=$("$source/tools/gadget.sh" mediatek-tty phone2)
"$salvage" phone --image phone.img --boot1 boot1.bin --terminal "$terminal" >phone2.log 2>&1 &
phone=$!
soon test -e /dev/ttyACM0 || die "no /dev/ttyACM0"
timeout 60 "$salvage" read --serial /dev/ttyACM0 --da da.bin --wait 30 -o tty.bin >read2.log 2>&1 || die "read over the terminal"
cmp phone.img tty.bin || die "the readback over the terminal differs"
kill $phone
wait $phone || true
echo >/sys/kernel/config/usb_gadget/phone2/UDC

step "fastboot, by Debian's client"
cp phone.img rom.img
dd if=/dev/zero of=rom.img bs=512 seek=4096 count=8192 conv=notrunc status=none
dd if=phone.img of=userdata.img bs=512 skip=4096 count=8192 status=none
read -r mount gadget < <("$source/tools/gadget.sh" fastboot-ffs phone3)
"$salvage" phone --image rom.img --writable --unlocked --fastboot functionfs --functionfs "$mount" --gadget "$gadget" \
    >phone3.log 2>&1 &
phone=$!
soon sh -c "timeout 5 fastboot devices | grep -q phone3" || die "Debian's fastboot does not see the phone"
timeout 60 fastboot flash userdata userdata.img >fastboot.log 2>&1 || die "Debian's fastboot cannot flash"
cmp phone.img rom.img || die "what Debian's fastboot flashed differs"

step "fastboot, by our client"
dd if=/dev/zero of=rom.img bs=512 seek=4096 count=8192 conv=notrunc status=none
timeout 60 "$salvage" restore plan phone.img --fastboot usb --only userdata --accept backup-lacks-footer -o plan.json >plan.log 2>&1 || die "plan"
hash=$(sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p' plan.json | head -n 1)
timeout 60 "$salvage" restore apply plan.json --fastboot usb --hash "$hash" --write --yes >apply.log 2>&1 || die "apply"
cmp phone.img rom.img || die "what we flashed differs"
kill $phone
wait $phone || true

sha256sum --quiet -c before || die "the phone's image was changed by reading"
step "all passed"
