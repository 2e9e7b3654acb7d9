#!/usr/bin/env bash
# Inside the guest: fills f2fs volumes by the kernel, and lists them as the kernel sees them.
#
#   f2fs_inside.sh TOOL
set -eu # no pipefail: head ends its sources early
trap 'echo "guest: failed in line $LINENO"' ERR
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
tool=$1
out=/tmp/listing
mkdir -p $out /tmp/volume
cd /tmp
deep_blocks="0 922 923 2816 3300 1039283 2075607 2100000"
step() { echo "guest: $*"; }
noise() { openssl enc -aes-128-ctr -nosalt -K 000102030405060708090a0b0c0d0e0f -iv $(printf %032x "$2") -in /dev/zero 2>/dev/null | head -c "$1"; }
prose() { seq "$2" 1000000 | head -c "$1"; }

# What the kernel says of a mounted volume.  Folders of a recovered volume have the time of the recovery.
list() {
    local root=$1 name=$2
    (cd "$root" && find . -mindepth 1 -printf '%y\t%s\t%m\t%U\t%G\t%T@\t%C@\t%n\t%l\t%P\n' | sort >$out/"$name".entries)
    (cd "$root" && getfattr -h -R -d -m - -e hex . 2>/dev/null >$out/"$name".attributes) || true
    (cd "$root" && find . '(' -type b -o -type c ')' -exec stat -c '%n %t %T' '{}' + >$out/"$name".devices)
    (cd "$root" && find . -type f -size -64M ! -path './secret/*' -print0 | sort -z | xargs -0 sha256sum >$out/"$name".sums)
    if [ -f "$root/deep" ]; then
        for block in $deep_blocks; do
            dd if="$root/deep" bs=4096 skip=$block count=1 2>/dev/null # nothing beyond the end
        done | sha256sum >$out/"$name".deep
    fi
}

fill() {
    local root=$1
    : >"$root/empty"
    noise 1 1 >"$root/one byte"
    noise 3400 2 >"$root/inline limit"
    noise 3700 3 >"$root/inline beyond"
    noise 4096 4 >"$root/one block"
    noise 4097 5 >"$root/one more"
    noise 3780608 6 >"$root/whole inode"
    noise 6000000 7 >"$root/direct nodes"
    noise 13000000 8 >"$root/indirect nodes"
    mkdir -p "$root/media/0/DCIM/Camera" "$root/many" "$root/attributes" "$root/a folder/of a folder/of a folder"
    for i in $(seq 12); do noise $((20000 + i * 777)) $((100 + i)) >"$root/media/0/DCIM/Camera/IMG_$i.jpg"; done
    for i in $(seq 500); do echo "$i" >"$root/many/a name that is long enough to fill a few slots $i"; done
    for i in $(seq 1 7 500); do rm "$root/many/a name that is long enough to fill a few slots $i"; done
    for name in 'имя' '日本語の名前' 'ünïcödé' $'\xff\xfe not utf-8' 'quote"back\slash' '..three' "$(printf 'n%.0s' $(seq 255))"; do
        echo "$name" >"$root/$name"
    done
    ln "$root/one block" "$root/media/another name"
    ln -s media/0/DCIM "$root/short link"
    ln -s "/$(printf 'c%.0s' $(seq 3000))" "$root/long link"
    mkfifo "$root/fifo"
    mknod "$root/character device" c 10 229
    mknod "$root/block device" b 259 70000
    noise 4096 20 | dd of="$root/holes" bs=4096 seek=3 conv=notrunc 2>/dev/null
    noise 8192 21 | dd of="$root/holes" bs=4096 seek=2000 conv=notrunc 2>/dev/null
    truncate -s 20000000 "$root/holes"
    fallocate -l 100000 "$root/reserved and never written"
    noise 40000 22 >"$root/punched"
    fallocate -p -o 8192 -l 12288 "$root/punched"
    for block in $deep_blocks; do
        noise 4096 $block | dd of="$root/deep" bs=4096 seek=$block conv=notrunc 2>/dev/null
    done
    for i in 1 2 3; do
        echo "$i" >"$root/attributes/$i"
        setfattr -n user.note -v "a note $i" "$root/attributes/$i"
        setfattr -n security.selinux -v "u:object_r:media_rw_data_file:s0" "$root/attributes/$i"
    done
    setfattr -n user.large -v "$(prose 2500 1 | tr '\n' ' ')" "$root/attributes/2"
    setfattr -n trusted.of.root -v "0x00ff00" "$root/attributes/3"
    setfattr -n user.of.a.folder -v yes "$root/attributes"
    chmod 4751 "$root/one byte"
    chmod 2770 "$root/media"
    chown 10123:9997 "$root/media" "$root/one more"
    chown -h 1000:1000 "$root/short link"
    touch -d '2017-07-14 02:40:00.123456789 UTC' "$root/one more"
    touch -d '1965-01-01 00:00:00.5 UTC' "$root/one block"
    touch -h -d '2040-01-01 00:00:00 UTC' "$root/short link"
}

compressed() { # algorithm log_size options
    mount -t f2fs -o "compress_algorithm=$1,compress_log_size=$2,$3" /dev/vda volume
    mkdir -p "volume/compressed-$1"
    chattr +c "volume/compressed-$1"
    prose 3000000 7 >"volume/compressed-$1/prose"
    noise 300000 9 >"volume/compressed-$1/noise"
    { prose 70000 3; noise 70000 4; head -c 200000 /dev/zero; prose 50001 5; } >"volume/compressed-$1/mixed"
    prose 100 1 >"volume/compressed-$1/short"
    prose 500000 11 | dd of="volume/compressed-$1/holes" bs=4096 seek=100 conv=notrunc 2>/dev/null
    truncate -s 3000000 "volume/compressed-$1/holes"
    prose 6000000 1 >"volume/compressed-$1/released"
    sync
    f2fs_io release_cblocks "volume/compressed-$1/released" >/dev/null 2>&1 || step "release_cblocks failed"
    umount volume
}

step "a clean volume"
mkfs.f2fs -q -f -l 'clean volume' -C utf8 \
    -O encrypt,extra_attr,inode_checksum,inode_crtime,flexible_inline_xattr,compression,lost_found,sb_checksum,verity,project_quota,quota,casefold /dev/vda >/dev/null
mount -t f2fs /dev/vda volume
fill volume
mkdir volume/folded
chattr +F volume/folded
echo 1 >volume/folded/MixedCase
echo 2 >volume/folded/ÜMLAUT
mkdir volume/secret
"$tool" encrypt volume/secret
echo "a secret" >volume/secret/"a name that nobody may read"
mkdir volume/secret/folder
ln -s target volume/secret/link
umount volume
compressed lzo 2 nodiscard
compressed lz4 4 compress_chksum
compressed zstd 8 compress_chksum
compressed lzo-rle 3 nodiscard
mount -t f2fs -o ro,noatime /dev/vda volume
list volume clean
umount volume

step "a volume that is copied while it is mounted"
mkfs.f2fs -q -f -l 'dirty volume' -O encrypt,extra_attr,project_quota,quota,verity,compression /dev/vdb >/dev/null
mount -t f2fs -o background_gc=off,compress_algorithm=lz4 /dev/vdb volume
fill volume
echo old >"volume/replaced"
prose 3000 5 >"volume/grows"
prose 300000 6 >"volume/shrinks"
prose 90000 8 >"volume/overwritten"
mkdir volume/packed
chattr +c volume/packed
prose 200000 9 >volume/packed/changed
sync
synced() { sync "$1"; }
# A sync of a compressed file is a checkpoint.
prose 150000 10 >volume/packed/new; synced volume/packed/new
prose 50000 12 | dd of=volume/packed/changed bs=4096 seek=8 conv=notrunc,fsync 2>/dev/null
step "after the last checkpoint"
prose 200 1 >"volume/new and small"; synced "volume/new and small"
noise 5000000 31 >"volume/new and large"; synced "volume/new and large"
noise 13500000 32 >"volume/new and indirect"; synced "volume/new and indirect"
prose 100000 7 >>"volume/grows"; synced "volume/grows"
truncate -s 12345 "volume/shrinks"; synced "volume/shrinks"
noise 4096 33 | dd of=volume/overwritten bs=4096 seek=5 conv=notrunc,fsync 2>/dev/null
noise 4096 34 | dd of="volume/direct nodes" bs=4096 seek=1200 conv=notrunc,fsync 2>/dev/null
noise 4096 35 | dd of="volume/holes" bs=4096 seek=1500 conv=notrunc,fsync 2>/dev/null
setfattr -n user.added -v later volume/empty; synced volume/empty
echo x >"volume/new with attributes"
setfattr -n user.large -v "$(prose 3000 1 | tr '\n' ' ')" "volume/new with attributes"
synced "volume/new with attributes"
noise 70000 36 >volume/media/0/DCIM/Camera/IMG_99.jpg; synced volume/media/0/DCIM/Camera/IMG_99.jpg
for i in $(seq 600 640); do echo "$i" >"volume/many/a name that is long enough to fill a few slots $i"; synced "volume/many/a name that is long enough to fill a few slots $i"; done
rm volume/replaced
echo new >volume/replaced; synced volume/replaced
mv "volume/quote\"back\\slash" volume/renamed; echo x >>volume/renamed
chmod 600 "volume/one more"; synced "volume/one more"
fallocate -p -o 4096 -l 8192 "volume/inline beyond"; synced "volume/inline beyond"
fallocate -p -o 16384 -l 16384 "volume/whole inode"; synced "volume/whole inode"
ln -s "a target that was never synced" volume/lost-link
prose 5000 1 >"volume/never synced"
dd if=/dev/vdb of=/dev/vdc bs=1M iflag=direct oflag=direct 2>/dev/null
dd if=/dev/vdb of=/dev/vdd bs=1M iflag=direct oflag=direct 2>/dev/null
mkdir -p /tmp/recovered
mount -t f2fs -o noatime /dev/vdc /tmp/recovered
list /tmp/recovered dirty
umount /tmp/recovered

# Small volumes, of which the seeds in fuzz/bases/f2fs were packed.
step "small volumes"
mkfs.f2fs -q -f -l small -C utf8 \
    -O encrypt,extra_attr,inode_checksum,inode_crtime,flexible_inline_xattr,compression,lost_found,sb_checksum,casefold /dev/vdf >/dev/null
level=2
for algorithm in lzo lz4 zstd lzo-rle; do
    mount -t f2fs -o compress_algorithm=$algorithm,compress_log_size=$level,compress_chksum /dev/vdf volume
    mkdir volume/$algorithm
    chattr +c volume/$algorithm
    prose 70000 $level >volume/$algorithm/prose
    { prose 9000 3; noise 9000 4; head -c 40000 /dev/zero; prose 5001 5; } >volume/$algorithm/mixed
    umount volume
    level=$((level + 1))
done
mount -t f2fs /dev/vdf volume
noise 3000 1 >volume/inline
noise 9000 2 >volume/blocks
for block in 0 923 3300 2075607; do noise 4096 $block | dd of=volume/deep bs=4096 seek=$block conv=notrunc 2>/dev/null; done
mkdir volume/many volume/secret volume/folded
for i in $(seq 250); do ln -s "$i" "volume/many/link $i"; done
for i in $(seq 1 3 250); do rm "volume/many/link $i"; done
chattr +F volume/folded
echo 1 >volume/folded/MixedCase
"$tool" encrypt volume/secret
echo "a secret" >volume/secret/"a name that nobody may read"
setfattr -n user.large -v "$(prose 2500 1 | tr '\n' ' ')" volume/inline
ln -s inline volume/link
ln volume/blocks volume/many/hard
mknod volume/device b 259 70000
umount volume
mount -t f2fs -o ro,noatime /dev/vdf volume
list volume small_clean
umount volume
mkfs.f2fs -q -f -l dirty -O extra_attr,inode_checksum /dev/vdg >/dev/null
mount -t f2fs -o background_gc=off /dev/vdg volume
prose 3000 5 >volume/grows
prose 60000 6 >volume/shrinks
prose 30000 8 >volume/overwritten
echo old >volume/replaced
sync
prose 20000 7 >>volume/grows; sync volume/grows
truncate -s 12345 volume/shrinks; sync volume/shrinks
noise 4096 33 | dd of=volume/overwritten bs=4096 seek=5 conv=notrunc,fsync 2>/dev/null
noise 4096 34 | dd of=volume/overwritten bs=4096 seek=1500 conv=notrunc,fsync 2>/dev/null
prose 200 1 >volume/new; sync volume/new
rm volume/replaced
echo new >volume/replaced; sync volume/replaced
prose 5000 1 >volume/never-synced
dd if=/dev/vdg of=/dev/vdh bs=1M iflag=direct oflag=direct 2>/dev/null
dd if=/dev/vdg of=/dev/vdi bs=1M iflag=direct oflag=direct 2>/dev/null
mount -t f2fs -o noatime /dev/vdh /tmp/recovered
list /tmp/recovered small_dirty
umount /tmp/recovered
umount volume
. "$(dirname "$0")/f2fs_deleted_inside.sh"
tar -cf /dev/vde -C $out .
sync /dev/vde
step "done"
