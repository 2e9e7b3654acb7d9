#!/bin/sh
# Regenerates tests/data/{gpt,mbr,pmt}: tables written by sgdisk, fdisk and sfdisk, and what those say of them.
# Needs gdisk, fdisk, python3.  Usage: tools/testdata/make_layout_samples.sh
set -eu
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C
data=$(cd "$(dirname "$0")/../../tests/data" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- GPT, 512-byte sectors: the phone of docs/formats/gpt.md, shortened to 128 MiB ------------------------------------
disk=$work/mt6750.img
truncate -s 128M "$disk"
sgdisk --clear --set-alignment=1 --disk-guid=00000000-0000-0000-0000-000000000000 \
    -n 1:64:+6144      -c 1:proinfo  -u 1:F57AD330-39C2-4488-9BB0-00CB43C9CCD4 \
    -n 2:6208:+10240   -c 2:nvram    -u 2:FE686D97-3544-4A41-BE21-167E25B61B6F \
    -n 3:16448:+20480  -c 3:boot     -u 3:1CB143A8-B1A8-4B57-B251-945C5119E8FE \
    -n 4:122432:+65536 -c 4:metadata -u 4:3B9E343B-CDC8-4D7F-9FA6-B6812E50AB62 \
    -n 5:188416:+8192  -c 5:system   -u 5:5F6A2C79-6617-4B85-AC02-C2975A14D2D7 \
    -n 6:196608:229342 -c 6:userdata -u 6:4AE2050B-5DB5-4FF7-AAD3-5730534BE63D \
    -n 7:229343:262110 -c 7:flashinfo -u 7:1F9B0939-E16B-4BC9-A5BC-DC2EE969D801 \
    -t 1:EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 -A 3:set:60 "$disk" > /dev/null
dd if="$disk" of="$data/gpt/mt6750-primary.bin" bs=512 count=34 status=none
tail -c $((33 * 512)) "$disk" > "$data/gpt/mt6750-backup.bin"
sgdisk --print "$disk" | sed -n '/^Number/,$p' > "$data/gpt/mt6750.sgdisk.txt"

# --- GPT, 4096-byte sectors, as on UFS ---------------------------------------------------------------------------------
disk=$work/ufs.img
truncate -s 64M "$disk"
fdisk -b 4096 "$disk" > "$work/fdisk.log" 2>&1 <<'END' || { cat "$work/fdisk.log"; exit 1; }
g
n
1
256
1279
n
2
1280
9471
x
i
11111111-2222-3333-4444-555555555555
n
1
boot_a
n
2
userdata
u
1
22222222-3333-4444-5555-666666666666
u
2
33333333-4444-5555-6666-777777777777
r
w
END
dd if="$disk" of="$data/gpt/ufs-primary.bin" bs=4096 count=6 status=none
tail -c $((5 * 4096)) "$disk" > "$data/gpt/ufs-backup.bin"
fdisk -b 4096 -l -o Start,End,Sectors,Name "$disk" | sed -n '/Sectors Name/,$p' > "$data/gpt/ufs.fdisk.txt"

# --- MBR and a standard chain of EBRs ----------------------------------------------------------------------------------
disk=$work/chain.img
truncate -s 64K "$disk"
sfdisk --no-reread --no-tell-kernel -q "$disk" > /dev/null <<'END'
label: dos
label-id: 0x53414c56
unit: sectors
start=8, size=8, type=83
start=16, size=8, type=83
start=32, size=96, type=5
start=34, size=16, type=83
start=52, size=20, type=83
start=76, size=30, type=83
END
cp "$disk" "$data/mbr/chain.bin"
sfdisk -d "$disk" | sed -n 's/^.*img\([0-9]*\) : /\1 /p' > "$data/mbr/chain.sfdisk.txt"

# --- PMT: the layout of an MT6577 little kernel, and its mirror ---------------------------------------------------------
python3 - "$data/pmt" <<'END'
import struct, sys
rows = [("PRO_INFO", 0x300000, 0x100000), ("NVRAM", 0x500000, 0x400000), ("BOOTIMG", 0x600000, 0x1D80000),
        ("ANDROID", 0x20000000, 0x5100000), ("USRDATA", 0x40000000, 0x25100000), ("BMTPOOL", 0x1500000, 0xFFFF00A8)]
def table(signature, version, with_id):
    out = struct.pack("<I", signature) + version
    for i, (name, size, offset) in enumerate(rows):
        out += name.encode().ljust(64, b"\0") + struct.pack("<Q", size)
        out += (struct.pack("<Q", 8) if with_id else b"") + struct.pack("<QQ", offset, i & 1)
    return out.ljust(0x1000 - 4, b"\0") + struct.pack("<I", signature)
open(sys.argv[1] + "/ptv1.bin", "wb").write(table(0x50547631, b"1.0\0", False) + table(0x4D505431, b"1.0\0", False))
open(sys.argv[1] + "/ptv3.bin", "wb").write(table(0x50547633, b"3.0\0", True) + table(0x4D505433, b"3.0\0", True))
END

# --- Attacks: right checksums, wrong intentions --------------------------------------------------------------------------
python3 - "$data/gpt/mt6750-primary.bin" "$data/evil" <<'END'
import struct, sys, zlib
good, evil = open(sys.argv[1], "rb").read(), sys.argv[2]
def entry(first, last, name):
    return (bytes.fromhex("A2A0D0EBE5B9334487C068B6B72699C7") + name.encode().ljust(16, b"!") +
            struct.pack("<QQQ", first, last, 0) + name.encode("utf-16le").ljust(72, b"\0"))
def write(name, entries=None, count=128, size=128):
    area = bytearray(good)
    array = bytes(area[1024:]) if entries is None else b"".join(entries).ljust(16384, b"\0")
    area[1024:] = array
    struct.pack_into("<III", area, 512 + 0x50, count, size, zlib.crc32(array))
    struct.pack_into("<I", area, 512 + 16, 0)
    struct.pack_into("<I", area, 512 + 16, zlib.crc32(bytes(area[512:512 + 92])))
    open(f"{evil}/{name}", "wb").write(area)
write("gpt-entry-count-bomb.bin", count=0xFFFFFFFF)
write("gpt-entry-size-zero.bin", size=0)
write("gpt-overlapping.bin", [entry(64, 1000, "a"), entry(500, 2000, "b"), entry(64, 1000, "c"), entry(600, 700, "a")])
write("gpt-overflow.bin", [entry(2**64 - 2, 2**64 - 1, "past"), entry(2**55, 2**55 + 8, "far"), entry(9, 2, "reversed"),
                           entry(64, 2**64 - 1, "endless"), entry(70, 80, "")])
def ebr(*records):
    sector = bytearray(512)
    for i, (kind, start, count) in enumerate(records):
        struct.pack_into("<B3xB3xII", sector, 446 + 16 * i, 0, kind, start, count)
    sector[510:] = b"\x55\xaa"
    return bytes(sector)
loop = ebr((5, 1, 100)) + ebr((0x83, 8, 4), (5, 1, 10)) + ebr((0x83, 8, 4), (5, 0, 10))
open(f"{evil}/mbr-ebr-loop.bin", "wb").write(loop.ljust(16384, b"\0"))
open(f"{evil}/mbr-ebr-self.bin", "wb").write((ebr((5, 1, 100)) + ebr((0x83, 2, 4), (5, 0x7FFFFFFF, 10), (5, 0, 10))).ljust(8192, b"\0"))
pmt = struct.pack("<I", 0x50547631) + b"1.0\0" + b"".join(
    f"P{i}".encode().ljust(64, b"\0") + struct.pack("<QQQ", 2**64 - 1, 2**64 - 1 - i, 0) for i in range(46))
open(f"{evil}/pmt-overflow.bin", "wb").write(pmt.ljust(0xFFC, b"\0") + struct.pack("<I", 0x50547631))
def block(name, start, size):
    return (f"- partition_index: SYS0\n  partition_name: {name}\n  linear_start_addr: {start}\n  physical_start_addr: {start}\n"
            f"  partition_size: {size}\n  region: EMMC_USER\n  is_reserved: false\n")
open(f"{evil}/scatter-overflow.txt", "w").write(
    "- general: MTK_PLATFORM_CFG\n  info:\n    - config_version: V1.1.2\n" + block("a", "0xFFFFFFFFFFFFF000", "0x2000") +
    block("b", "0x10000000000000000", "0x1000") + block("c", "-1", "0xC0000000000000000") + block("d", "0x8000", "0xFFFFFFFFFFFFFFFF"))
END
