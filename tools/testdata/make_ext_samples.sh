#!/usr/bin/env bash
# Makes the small images in fuzz/corpus/ext and fuzz/corpus/jbd2 with mke2fs and debugfs (e2fsprogs 1.47.0).
# The images are seeds for the fuzz targets and samples for the damage tests.  Needs: e2fsprogs, python3.
set -euo pipefail
export PATH=$PATH:/sbin:/usr/sbin LC_ALL=C E2FSPROGS_FAKE_TIME=1500000000 MKE2FS_CONFIG=/dev/null
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
uuid=00112233-4455-6677-8899-aabbccddeeff

mkdir -p "$work/tree/media/0"
printf 'a small file\n' > "$work/tree/small.txt"
head -c 3000 /dev/zero | tr '\0' p > "$work/tree/media/0/photo.jpg"
: > "$work/tree/empty"
ln -s small.txt "$work/tree/link"
ln -s "/data/$(printf 'x%.0s' {1..90})" "$work/tree/long-link"
ln "$work/tree/small.txt" "$work/tree/media/again"
truncate -s 20000 "$work/tree/sparse"
printf end >> "$work/tree/sparse"
find "$work/tree" -exec touch -h -d @1500000000 {} +

# NAME OPTIONS: 64 blocks of 1024 bytes, or as many as `blocks` says.
blocks=64
make() {
    local image="fuzz/corpus/ext/$1"
    rm -f "$image"
    shift
    mke2fs -q -F -b 1024 -N 32 -U $uuid -E hash_seed=$uuid,root_owner=0:0 "$@" -d "$work/tree" "$image" "$blocks" 2> /dev/null
    truncate -s "${blocks}K" "$image"
    debugfs -w -R 'rmdir lost+found' "$image" 2>/dev/null
}
change() { # IMAGE COMMANDS
    printf '%s\n' "$2" > "$work/commands"
    debugfs -w -f "$work/commands" "fuzz/corpus/ext/$1" > /dev/null 2>&1
}

mkdir -p fuzz/corpus/ext fuzz/corpus/jbd2
make ext2 -t ext2 -I 128 -O none,filetype,sparse_super
change ext2 'mknod null c 1 3'
make ext4 -t ext4 -I 256 -O none,extent,filetype,ext_attr,extra_isize,metadata_csum,64bit
change ext4 "ea_set small.txt user.note hello
ea_set small.txt user.long $(printf 'v%.0s' {1..300})"
make inline -t ext4 -I 256 -O none,extent,filetype,ext_attr,extra_isize,inline_data
# A tree of extents with one level: every second block of a file freed.
head -c 16384 /dev/zero | tr '\0' q > "$work/fragments"
make tree -t ext4 -I 256 -O none,extent,filetype,extra_isize
change tree "rm media/0/photo.jpg
write $work/fragments fragments
punch fragments 1 1
punch fragments 3 3
punch fragments 5 5
punch fragments 7 7
punch fragments 9 9
punch fragments 11 11"

head -c 2048 /dev/zero | tr '\0' j > "$work/two"

# Deleted files: the log of a journal of 40 blocks still has inode table, folders and a block of extents as they were; the
# inodes were emptied as Linux does it.  mke2fs makes no journal so small: it is a file of the volume here.
head -c 40960 /dev/zero | tr '\0' J > "$work/journal"
blocks=128 make deleted -t ext4 -I 256 -O none,extent,filetype,extra_isize
change deleted "write $work/journal journal
write $work/fragments fragments
punch fragments 1 1
punch fragments 3 3
punch fragments 5 5
punch fragments 7 7
punch fragments 9 9
mkdir gone
cd gone
write $work/two in-a-folder
symlink dead-link small.txt"
cp fuzz/corpus/ext/deleted "$work/before"
change deleted "rm gone/in-a-folder
rm gone/dead-link
rmdir gone
rm media/0/photo.jpg
rm fragments"
python3 - "$work/before" fuzz/corpus/ext/deleted "$(debugfs -R 'blocks journal' "$work/before" 2>/dev/null)" \
    "$(debugfs -R 'ex -n fragments' "$work/before" 2>/dev/null | awk 'NR==2{print $8}')" <<'PYTHON'
import struct, sys

before = open(sys.argv[1], "rb").read()
after = bytearray(open(sys.argv[2], "rb").read())
journal = [int(block) for block in sys.argv[3].split()]
table = struct.unpack_from("<I", after, 2048 + 8)[0]
inodes = range(table, table + 8)  # 32 of 256 bytes
folders = set()
number_of_journal = 0
for number in range(1, 33):
    at = table * 1024 + (number - 1) * 256
    mode, size = struct.unpack_from("<H", before, at)[0], struct.unpack_from("<I", before, at + 4)[0]
    if mode & 0xF000 == 0x4000:
        folders.add(struct.unpack_from("<I", before, at + 0x28 + 20)[0])
    if size == 40960 and mode:
        number_of_journal = number
    if struct.unpack_from("<I", after, at + 0x14)[0]:  # deleted: nothing of the content is left in the inode
        after[at + 4 : at + 8] = bytes(4)
        after[at + 0x2A : at + 0x2C] = bytes(2)
        after[at + 0x2E : at + 0x64] = bytes(0x64 - 0x2E)
logged = [*inodes, *sorted(folders), int(sys.argv[4])]
log = bytearray(40 * 1024)
header = lambda kind, sequence: struct.pack(">III", 0xC03B3998, kind, sequence)
log[0:12] = header(4, 0)
log[12:32] = struct.pack(">IIIII", 1024, 40, 1, 9, 0)
at = 1
for sequence, source in ((7, before), (8, after)):
    tags = b"".join(
        struct.pack(">IHH", block, 0, (0 if i == 0 else 2) | (8 if i == len(logged) - 1 else 0)) + (bytes(16) if i == 0 else b"")
        for i, block in enumerate(logged)
    )
    log[at * 1024 : at * 1024 + 12 + len(tags)] = header(1, sequence) + tags
    for i, block in enumerate(logged):
        log[(at + 1 + i) * 1024 : (at + 2 + i) * 1024] = source[block * 1024 : (block + 1) * 1024]
    at += 1 + len(logged)
    log[at * 1024 : at * 1024 + 12] = header(2, sequence)
    at += 1
for i, block in enumerate(journal):
    after[block * 1024 : (block + 1) * 1024] = log[i * 1024 : (i + 1) * 1024]
after[1024 + 0x5C] |= 4  # has_journal
after[1024 + 0xE0 : 1024 + 0xE4] = struct.pack("<I", number_of_journal)
open(sys.argv[2], "wb").write(after)
PYTHON

# Journals: the log of a volume, cut to its first blocks, which the superblock of the journal is told.
printf '\xC0\x3B\x39\x98' | cat - <(head -c 1020 /dev/zero) > "$work/escaped"
journal() { # NAME OPEN OPTIONS
    rm -f "$work/volume"
    mke2fs -q -F -b 1024 -U $uuid -t ext4 -O "$3" "$work/volume" 4M 2> /dev/null
    printf '%s\n' "jo $2" "jw -b 50,51 $work/two" "jw -b 51 -r 50 $work/escaped" "jw -b 52 $work/escaped" \
        "jw -c -b 53 $work/escaped" jc > "$work/commands"
    debugfs -w -f "$work/commands" "$work/volume" > /dev/null 2>&1
    debugfs -R "dump <8> $work/log" "$work/volume" 2> /dev/null
    python3 - "$work/log" "fuzz/corpus/jbd2/$1" <<'PYTHON'
import struct, sys

def crc32c(data, crc=0xFFFFFFFF):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc

blocks = 16
log = bytearray(open(sys.argv[1], "rb").read()[: blocks * 1024])
log[0x10:0x14] = struct.pack(">I", blocks)
if struct.unpack(">I", log[0x28:0x2C])[0] & 0x18:  # checksums of version 2 or 3
    log[0xFC:0x100] = bytes(4)
    log[0xFC:0x100] = struct.pack(">I", crc32c(log[:1024]))
open(sys.argv[2], "wb").write(log)
PYTHON
}
journal plain "" none,has_journal,extent,filetype
journal checksum1 "-c -v 1" none,has_journal,extent,filetype
journal checksum2 "-c -v 2" none,has_journal,extent,filetype,metadata_csum
journal checksum3-64bit "-c -v 3" none,has_journal,extent,filetype,metadata_csum,64bit
