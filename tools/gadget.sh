#!/usr/bin/env bash
# Prepares a USB gadget for `salvage phone`; as root.
#
#   gadget.sh mediatek-ffs|fastboot-ffs|mediatek-tty NAME
#
# *-ffs: prints the FunctionFS mount and the gadget's folder, for --functionfs MOUNT --gadget FOLDER (which plugs it in).
# mediatek-tty: a CDC ACM gadget, plugged in at once; prints the phone's end (/dev/ttyGS0), for --serial.
# Needs configfs and a USB device controller; `modprobe dummy_hcd` makes one that is plugged into this machine itself.
set -euo pipefail
kind=$1
name=$2
config=/sys/kernel/config
mountpoint -q $config || mount -t configfs none $config
gadget=$config/usb_gadget/$name
mkdir -p "$gadget/strings/0x409" "$gadget/configs/c.1/strings/0x409"
cd "$gadget"
echo salvage >strings/0x409/manufacturer
echo "${name}0123456789" >strings/0x409/serialnumber
echo phone >strings/0x409/product
case $kind in
mediatek-*)
    echo 0x0e8d >idVendor
    echo 0x2000 >idProduct
    echo 0x02 >bDeviceClass
    ;;
fastboot-ffs)
    echo 0x0bb4 >idVendor
    echo 0x0c01 >idProduct
    ;;
*)
    echo "gadget.sh: there is no kind '$kind'" >&2
    exit 2
    ;;
esac
case $kind in
*-ffs)
    mkdir -p "functions/ffs.$name"
    ln -sf "$gadget/functions/ffs.$name" configs/c.1/
    mkdir -p "/run/salvage-$name"
    mount -t functionfs "$name" "/run/salvage-$name"
    echo "/run/salvage-$name $gadget"
    ;;
*-tty)
    mkdir -p functions/acm.0
    ln -sf "$gadget/functions/acm.0" configs/c.1/
    ls /sys/class/udc | head -n 1 >UDC
    echo "/dev/ttyGS$(cat functions/acm.0/port_num)"
    ;;
esac
