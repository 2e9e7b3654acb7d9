#!/usr/bin/env bash
# Makes the small exFAT and NTFS volumes of tests/data/card with tools of other people: exfat-fuse and ntfs-3g write
# them, through FUSE.  Needs root (it mounts in a mount namespace of its own), and
#   apt-get install exfatprogs exfat-fuse ntfs-3g attr gcc libc6-dev zstd
# Two runs differ in times and serial numbers.  Usage: make_card_images.sh OUT_FOLDER
set -euo pipefail
export PATH=$PATH:/sbin:/usr/sbin LC_ALL=C.UTF-8 TZ=UTC
if [ "${1:-}" != --inside ]; then
    mkdir -p "$1"
    exec unshare -m "$0" --inside "$(realpath "$1")"
fi
out=$2
work=$(mktemp -d)
trap 'umount "$work/at" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/at" "$work/tree"

noise() { # SEED BYTES
    openssl enc -aes-128-ctr -K "$(printf '%032x' "$1")" -iv 00 -in /dev/zero 2>/dev/null | head -c "$2" || true
}

# exfat-fuse mounts block devices alone; through this, image files too.
cat >"$work/mount.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
    int (*real)(const char *, const char *, const char *, unsigned long, const void *) = dlsym(RTLD_NEXT, "mount");
    char options[512] = "";
    if (type == NULL || strncmp(type, "fuseblk", 7) != 0)
        return real(source, target, type, flags, data);
    char text[512];
    snprintf(text, sizeof text, "%s", (const char *)data);
    for (char *one = strtok(text, ","); one != NULL; one = strtok(NULL, ","))
        if (strncmp(one, "blksize=", 8) != 0) {
            strcat(options, *options ? "," : "");
            strcat(options, one);
        }
    return real("card", target, "fuse", flags, options);
}
C
gcc -shared -fPIC -o "$work/mount.so" "$work/mount.c" -ldl

fill() { # of both: folders, long and foreign names, empty files, one in pieces
    mkdir -p "$work/at/DCIM/Camera" "$work/at/many" "$work/at/Ünïcödé ✓/deep"
    noise 1 9000 >"$work/at/DCIM/Camera/IMG_0001.jpg"
    noise 2 700 >"$work/at/Ünïcödé ✓/deep/файл 😀.txt"
    : >"$work/at/empty"
    for i in $(seq 40); do echo "$i" >"$work/at/many/a file with a long name, number $i.txt"; done
    for i in $(seq 12); do # two files that grow in turns
        noise $((100 + i)) 4096 >>"$work/at/one in pieces"; noise $((200 + i)) 4096 >>"$work/at/other in pieces"; sync
    done
    noise 3 6000 >"$work/at/deleted.jpg"; noise 4 300 >"$work/at/deleted small.txt"
    mkdir "$work/at/deleted folder"; noise 5 5000 >"$work/at/deleted folder/inner file.bin"
}

sums() { # of live files, and of those that are deleted next
    (cd "$work/at" && find . -type f | LC_ALL=C sort | sed 's|^\./||' | while read -r f; do sha256sum "$f"; done)
}

delete() {
    rm "$work/at/deleted.jpg" "$work/at/deleted small.txt" "$work/at/deleted folder/inner file.bin"
    rmdir "$work/at/deleted folder"
    sync
}

truncate -s 1M "$work/exfat.img"
mkfs.exfat -c 512 -b 512 -L "CARD ✓" "$work/exfat.img" >/dev/null
LD_PRELOAD="$work/mount.so" mount.exfat-fuse "$work/exfat.img" "$work/at" >/dev/null
fill
touch -d '2019-03-04 05:06:08 UTC' "$work/at/DCIM/Camera/IMG_0001.jpg"
sums >"$out/exfat.sums"
delete
umount "$work/at"
fsck.exfat -n "$work/exfat.img" >/dev/null

truncate -s 3M "$work/ntfs.img"
mkntfs -F -Q -q -c 512 -s 512 -p 0 -H 0 -S 0 -L "CARD ✓" "$work/ntfs.img" 2>/dev/null >/dev/null
ntfs-3g -o compression "$work/ntfs.img" "$work/at"
fill
mkdir "$work/at/packed"
setfattr -h -n system.ntfs_attrib_be -v 0x00000800 "$work/at/packed"
for i in $(seq 6000); do echo "line $i of a text that can be packed"; done >"$work/at/packed/text.txt"
noise 6 40000 >"$work/at/packed/noise.bin"
{ head -c 70000 /dev/zero; noise 7 3000; head -c 100000 /dev/zero; } >"$work/at/packed/mixed.bin"
truncate -s 500000 "$work/at/sparse"; echo end >>"$work/at/sparse"
ln "$work/at/empty" "$work/at/second name"
setfattr -n user.Zone.Identifier -v "[ZoneTransfer]" "$work/at/DCIM/Camera/IMG_0001.jpg"
touch -d '2019-03-04 05:06:08.123456700 UTC' "$work/at/DCIM/Camera/IMG_0001.jpg"
setfattr -h -n system.ntfs_attrib_be -v 0x00000023 "$work/at/empty"
for i in $(seq 120); do # more pieces than a record has room for
    noise $((1000 + i)) 512 >>"$work/at/shredded"; noise $((2000 + i)) 512 >>"$work/at/shreds"; sync
done
sums >"$out/ntfs.sums"
delete
umount "$work/at"
for one in exfat ntfs; do zstd -q -f -19 "$work/$one.img" -o "$out/$one.img.zst"; done
ls -l "$out"
