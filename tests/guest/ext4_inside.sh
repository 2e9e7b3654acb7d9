#!/usr/bin/env bash
# Inside the guest: fills ext volumes by the kernel, records what is in them, deletes a third and leaves them so.
set -eu
trap 'echo "guest: failed in line $LINENO"' ERR
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
out=/tmp/listing
mkdir -p $out /tmp/volume
cd /tmp
step() { echo "guest: $*"; }
noise() { openssl enc -aes-128-ctr -nosalt -K 000102030405060708090a0b0c0d0e0f -iv $(printf %032x "$2") -in /dev/zero 2>/dev/null | head -c "$1"; }

# Sixty files in eight folders, of a few bytes up to some with extents enough for a tree of their own.
fill() {
    local root=$1
    mkdir -p "$root/media/0/DCIM/Camera" "$root/media/0/Download" "$root/data/com.example/databases" "$root/gone/within"
    for i in $(seq 24); do noise $((30000 + i * 1777)) $i >"$root/media/0/DCIM/Camera/IMG_$i.jpg"; done
    for i in $(seq 12); do noise $((i * 37)) $((100 + i)) >"$root/media/0/Download/note $i.txt"; done
    for i in $(seq 8); do noise $((i * 8192)) $((200 + i)) >"$root/data/com.example/databases/store_$i.db"; done
    for i in $(seq 6); do noise $((i * 4096 + 1)) $((300 + i)) >"$root/gone/file_$i"; done
    for i in $(seq 6); do noise $((i * 5000)) $((400 + i)) >"$root/gone/within/deep_$i"; done
    # Every second block a hole: more extents than an inode has room for.
    for i in 1 2 3; do
        for block in $(seq 0 2 30); do noise 4096 $((block + i * 1000)) | dd of="$root/media/0/fragments_$i" bs=4096 seek="$block" conv=notrunc 2>/dev/null; done
    done
    noise 3000000 500 >"$root/media/0/video.mp4"
    ln -s DCIM/Camera "$root/media/0/short"
    ln -s "/$(printf 'c%.0s' $(seq 300))" "$root/media/0/long"
}

# What the kernel says before anything is deleted: type, size, mode, owner, time, target, path; and the contents.
record() {
    (cd "$1" && find . -mindepth 1 -printf '%y\t%s\t%m\t%U\t%T@\t%i\t%l\t%P\n' | sort -t "$(printf '\t')" -k8 >"$out/$2.before")
    (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum >"$out/$2.sums")
}

delete() {
    local root=$1
    for i in 3 7 11 19; do rm "$root/media/0/DCIM/Camera/IMG_$i.jpg"; done
    rm "$root/media/0/Download/note 1.txt" "$root/media/0/Download/note 12.txt"
    rm "$root/data/com.example/databases/store_5.db"
    rm "$root/media/0/fragments_2" "$root/media/0/video.mp4" "$root/media/0/short" "$root/media/0/long"
    rm -r "$root/gone"
    mv "$root/media/0/DCIM/Camera/IMG_1.jpg" "$root/media/0/renamed.jpg"
    mv "$root/media/0/DCIM/Camera/IMG_2.jpg" "$root/media/0/DCIM/Camera/moved.jpg"
}

volume() { # device name options
    step "$2: mke2fs $3"
    # shellcheck disable=SC2086
    mke2fs -q -F $3 -L "$2" "$1" 2>/dev/null
    mount -t ext4 "$1" volume
    fill volume
    sync
    record volume "$2"
    delete volume
    sync
    (cd volume && find . -mindepth 1 -printf '%P\n' | sort >"$out/$2.after")
}

volume /dev/vda clean "-t ext4"
umount volume
volume /dev/vdb dirty "-t ext4 -b 4096"
dd if=/dev/vdb of=/dev/vdc bs=1M iflag=direct oflag=direct 2>/dev/null
umount volume

# As phones had it: no checksums, no 64bit.
volume /dev/vdd phone "-t ext4 -b 4096 -I 256 -O none,has_journal,ext_attr,resize_inode,filetype,extent,flex_bg,sparse_super,large_file,huge_file,uninit_bg,dir_nlink,extra_isize,dir_index"
umount volume

# New files take the place of deleted ones; two files are deleted while they are open.
volume /dev/vde reused "-t ext4 -b 1024 -O inline_data"
for i in $(seq 30); do noise $((20000 + i * 999)) $((600 + i)) >"volume/new_$i"; done
noise 70000 700 >volume/held_1
noise 90 701 >volume/held_2
sync
(cd volume && sha256sum ./held_1 ./held_2 >>$out/reused.sums && sha256sum ./new_* >$out/reused.live)
exec 8<volume/held_1 9<volume/held_2
rm volume/held_1 volume/held_2
sync
dd if=/dev/vde of=/dev/vdf bs=1M iflag=direct oflag=direct 2>/dev/null
exec 8<&- 9<&-
umount volume

volume /dev/vdg ext3 "-t ext3 -b 1024"
umount volume
volume /dev/vdh orphans "-t ext4 -O ^orphan_file,^metadata_csum,uninit_bg"
noise 70000 700 >volume/held_1
noise 90 701 >volume/held_2
sync
(cd volume && sha256sum ./held_1 ./held_2 >>$out/orphans.sums)
exec 8<volume/held_1 9<volume/held_2
rm volume/held_1 volume/held_2
sync
dd if=/dev/vdh of=/dev/vdi bs=1M iflag=direct oflag=direct 2>/dev/null
exec 8<&- 9<&-
umount volume
tar -cf /dev/vdj -C $out .
sync /dev/vdj
step "done"
