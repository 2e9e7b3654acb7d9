#!/usr/bin/env bash
# A guest for tests that need a real kernel's USB: Debian's own kernel and an initramfs that borrows this machine's files.
#
#   make_guest.sh FOLDER      leaves FOLDER/vmlinuz and FOLDER/initramfs.gz; does nothing when they are there
#
# Ends with 77 where Debian's kernel package cannot be had.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cd "$folder"
if [ -s vmlinuz ] && [ -s initramfs.gz ] && [ initramfs.gz -nt "$here/init" ] && [ initramfs.gz -nt "$0" ]; then
    exit 0
fi
if ! ls linux-image-*.deb >/dev/null 2>&1; then
    package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends/{print $2; exit}')
    [ -n "$package" ] && apt-get download -qq -o APT::Sandbox::User=root "$package" || { echo "the kernel package cannot be had" >&2; exit 77; }
fi
[ -d lin ] || { dpkg -x linux-image-*.deb lin.new && mv lin.new lin; }
/sbin/depmod -b lin "$(ls lin/lib/modules)"
"$here/make_initramfs.sh" . initramfs.gz virtio_pci 9pnet_virtio 9p overlay dummy_hcd cdc-acm usb_f_acm usb_f_fs
cp lin/boot/vmlinuz-* vmlinuz
