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
version=$(ls lin/lib/modules)
/sbin/depmod -b lin "$version"
rm -rf root
mkdir -p root/bin root/modules root/host root/over root/proc root/dev
cp "$(command -v busybox)" root/bin/busybox
cp "$here/init" root/init
chmod +x root/init
number=100
for module in virtio_pci 9pnet_virtio 9p overlay dummy_hcd cdc-acm usb_f_acm usb_f_fs; do
    /sbin/modprobe -d lin -S "$version" --show-depends "$module" | awk '/^insmod/{print $2}'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "root/modules/$number-$(basename "$file")"
    number=$((number + 1))
done
(cd root && find . | cpio --quiet -o -H newc | gzip -1 >../initramfs.new)
cp lin/boot/vmlinuz-* vmlinuz
mv initramfs.new initramfs.gz
rm -rf root
