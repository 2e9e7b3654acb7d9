#!/usr/bin/env bash
# Makes fuzz/corpus/erofs/* and tests/data/erofs/tree.tsv: one small tree in every form that mkfs.erofs writes, and what
# the kernel says of the tree.  To be run as root, for devices and labels.
#
# Usage: make_erofs_samples.sh REPOSITORY [MKFS]
#   MKFS: a mkfs.erofs of 1.9 with liblzma and libzstd, built with EROFS_MAX_BLOCK_SIZE 65536.  Without it only the images
#   of Debian 12's 1.5 are made.
set -euo pipefail
repository=$1
newer=${2:-}
images=$repository/fuzz/corpus/erofs
mkdir -p "$images" "$repository/tests/data/erofs"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree

noise() { # bytes, key: the same each time
    head -c "$1" /dev/zero | openssl enc -aes-128-ctr -K "$(printf '%032x' "$2")" -iv 00000000000000000000000000000000
}
lines() { seq -f 'line %g of a text that can be packed' "$1" "$2"; }

mkdir -p "$tree/folder/deeper" "$tree/many"
lines 1 300 >"$tree/text"
noise 5000 1 >"$tree/noise"
{ lines 1 120; noise 5000 2; lines 120 260; } >"$tree/mixed"
{ lines 1 120; echo another end; } >"$tree/folder/alike"
noise 100 3 >"$tree/folder/small"
: >"$tree/empty"
truncate -s 8192 "$tree/folder/deeper/holes"
lines 1 3 >>"$tree/folder/deeper/holes"
ln -s ../text "$tree/folder/link"
ln "$tree/text" "$tree/folder/deeper/second name"
mkfifo "$tree/fifo"
mknod "$tree/device" c 260 70000
for i in $(seq 12); do echo "$i" >"$tree/many/!file-$i"; done
chmod 4751 "$tree/noise"
chown 100000:70000 "$tree/mixed"
setfattr -n user.note -v hello "$tree/text"
setfattr -n user.note -v hello "$tree/noise"
setfattr -n user.note -v hello "$tree/mixed"
setfattr -n user.nothing "$tree/empty"
setfattr -n trusted.key -v 0x00ff10 "$tree/folder"
setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 "$tree/noise"
setfattr -n security.selinux -v 'u:object_r:system_file:s0' "$tree/text"
setfacl -m u:1000:r "$tree/folder/small"
(cd "$tree" && find . -print0 | sort -z | while IFS= read -r -d '' path; do
    touch -h -d "@$((1500000000 + ${#path})).123456789" "$path"
done)

# path, type and permissions, owners, links, size, time, device, SHA-256, link, attributes
python3 - "$tree" >"$repository/tests/data/erofs/tree.tsv" <<'PYTHON'
import hashlib, os, stat, sys
root = sys.argv[1]
for folder, folders, files in os.walk(root):
    folders.sort()
    for name in folders + sorted(files):
        path = os.path.join(folder, name)
        status = os.lstat(path)
        is_file, is_link = stat.S_ISREG(status.st_mode), stat.S_ISLNK(status.st_mode)
        digest = hashlib.sha256(open(path, "rb").read()).hexdigest() if is_file else "-"
        names = sorted(os.listxattr(path, follow_symlinks=False))
        attributes = ",".join(n + "=" + os.getxattr(path, n, follow_symlinks=False).hex() for n in names)
        print(os.path.relpath(path, root), oct(status.st_mode)[2:], status.st_uid, status.st_gid, status.st_nlink,
              status.st_size if is_file or is_link else "-", status.st_mtime_ns,
              f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}", digest,
              os.readlink(path) if is_link else "-", attributes or "-", sep="\t")
PYTHON

image() { # mkfs, name, options
    rm -f "$images/$2"
    "$1" "${@:3}" -U 00112233-4455-6677-8899-aabbccddeeff "$images/$2" "$tree" >"$scratch/log" 2>&1 || { tail -3 "$scratch/log"; return 1; }
}
debian=mkfs.erofs
image $debian plain
image $debian compact-inodes -Eforce-inode-compact -T1500000000 --all-root -x-1
image $debian shared -x0
image $debian lz4 -zlz4
image $debian lz4-large -zlz4hc -C16384
image $debian lz4-tails -zlz4 -Eztailpacking
image $debian lz4-full -zlz4 -Elegacy-compress
[ -n "$newer" ] || exit 0
image "$newer" no-tails -b1024 -E^inline_data
image "$newer" chunks -b1024 --chunksize=1024
image "$newer" chunk-indexes -b1024 --chunksize=2048 -Eforce-chunk-indexes
image "$newer" lz4-fragments -b1024 -zlz4 -Efragments
image "$newer" lz4-all-fragments -zlz4 -Eall-fragments,dedupe
image "$newer" lz4-dedupe -b1024 -zlz4 -Ededupe,ztailpacking -C4096
image "$newer" lzma -zlzma -C16384
image "$newer" lzma-dedupe -zlzma -Ededupe
image "$newer" deflate -zdeflate -Eztailpacking
image "$newer" zstd -zzstd
image "$newer" zstd-dedupe -zzstd -Ededupe -C16384
image "$newer" lz4-blocks-of-512 -b512 -zlz4
image "$newer" lz4-blocks-of-16k -b16384 -zlz4 -C65536
image "$newer" two-algorithms -zlz4:lzma
image "$newer" fragment-prefixes -b1024 -zlz4 -Efragments --xattr-prefix=user.no
image "$newer" prefixes -b1024 --xattr-prefix=user.no --xattr-prefix=security.se
image "$newer" refused-48bit -b512 -E48bit -zlz4
