#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets footer, keymaster, persist, hash_line and filesystem_probe.

Usage: make_fde_seeds.py tests/data fuzz/corpus

Footers and lines come from the published values in tests/data/fde, RSA keys from fuzz/corpus/rsa_der, filesystems from
mke2fs.  Nothing here is random, so that a second run changes nothing.
"""
import hashlib
import hmac
import pathlib
import struct
import subprocess
import sys
import tempfile

from check_fde_vectors import raw, records


def vectors(path):
    found = {}
    for record in records(path):
        found.setdefault(record["Section"], record)
    return found


def counting(size, start=1):
    return bytes((i * 31 + start) & 0xFF for i in range(size))


def integrity_assured(material):
    empty = struct.pack("<III", 0, 0, 0)
    body = b"\0" + struct.pack("<I", len(material)) + material + empty + empty
    hidden = struct.pack("<I", 2) + b"SW" + struct.pack("<IIIII", 1, 12, 0x900002C0, 2, 0)
    return body + hmac.new(b"IntegrityAssuredBlob0\0", body + hidden, "sha256").digest()[:8]


def pk8(private_key):
    return b"PK#8" + struct.pack(">III", 6, 0, len(private_key)) + private_key


def bkmk():
    def number(value):
        return value.ljust(512, b"\0") + struct.pack("<I", len(value))

    body = b"BKMK" + struct.pack("<I", 1) + number(counting(256)) + number((65537).to_bytes(8, "big"))
    body += counting(16) + number(counting(256, 7))
    return body + hmac.new(bytes(32), body, "sha256").digest()


def ocb():
    parts = (counting(12), counting(80), counting(16))
    return b"\0" + b"".join(struct.pack("<I", len(part)) + part for part in parts) + bytes(24)


def footer(minor, kdf=1, blob=b"", flags=0, size=0x930, cipher=b"aes-cbc-essiv:sha256"):
    out = bytearray(0x930)
    struct.pack_into("<IHHIIIIQI", out, 0, 0xD0B5B1C4, 1, minor, size, flags, 16, 0, 0x8000, 0)
    out[0x24 : 0x24 + len(cipher)] = cipher
    out[0x68:0x78] = counting(16)
    out[0x98:0xA8] = counting(16, 9)
    if minor >= 1:
        struct.pack_into("<QQI", out, 0xA8, 0x1000, 0x2000, 0x1000)
    if minor >= 2:
        out[0xBC:0xC0] = bytes((kdf, 15, 3, 1))
    if minor >= 3:
        struct.pack_into("<Q", out, 0xC0, 0x8000)
        out[0xE8 : 0xE8 + len(blob)] = blob
        struct.pack_into("<I", out, 0x8E8, len(blob))
        out[0x8EC:0x90C] = counting(32, 3)
        out[0x90C:0x92C] = hashlib.sha256(out).digest()
    return bytes(out[:size]) if minor < 3 else bytes(out)


def ext(kind, features):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "image"
        path.write_bytes(bytes(8 << 20))
        uuid = "01234567-89ab-cdef-0123-456789abcdef"
        command = ["mke2fs", "-q", "-F", "-t", kind, "-U", uuid, "-E", f"hash_seed={uuid}", "-O", features]
        environment = {"E2FSPROGS_FAKE_TIME": "1500000000", "PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
        subprocess.run(command + ["-L", "data", path], check=True, env=environment)
        return path.read_bytes()[:4096]


def f2fs():
    block = bytearray(4096)
    struct.pack_into("<IHHIIIIIII", block, 1024, 0xF2F52010, 1, 14, 9, 3, 12, 9, 1, 1, 0)
    struct.pack_into("<Q", block, 1024 + 0x24, 2)
    struct.pack_into("<III", block, 1024 + 0x60, 3, 1, 2)
    return bytes(block + block)


def fat():
    sector = bytearray(512)
    sector[0:11] = b"\xeb\x58\x90MSDOS5.0"
    struct.pack_into("<HBHBHHBH", sector, 0x0B, 512, 8, 32, 2, 0, 0, 0xF8, 0)
    struct.pack_into("<I", sector, 0x20, 4)
    sector[0x42] = 0x29
    sector[0x47:0x5A] = b"CARD       FAT32   "
    sector[0x1FE:] = b"\x55\xaa"
    return bytes(sector) + bytes(1536)


def persist():
    out = bytearray(struct.pack("<II", 0xE950CD44, 2).ljust(128, b"\0"))
    for key, value in ((b"persist.sys.language", b"de"), (b"OwnerInfo", b"Call 0123")):
        out += key.ljust(32, b"\0") + value.ljust(92, b"\0")
    return bytes(out)


def main():
    data, corpus = (pathlib.Path(argument) for argument in sys.argv[1:3])
    samsung = vectors(data / "fde" / "samsung.vec")
    aosp = vectors(data / "fde" / "aosp.vec")
    keys = sorted((corpus / "rsa_der").glob("rsa*.der"))
    pkcs8, pkcs1 = (next(key for key in keys if form in key.name).read_bytes() for form in ("pkcs8", "pkcs1"))
    seeds = {
        "footer": {
            "samsung-edk.bin": raw(samsung["Samsung footer"]["Footer"]),
            "samsung-ode.bin": raw(samsung["Samsung ODE"]["Footer"]),
            "1.0.bin": footer(0, size=0x68)[:0x68] + counting(16) + bytes(32) + counting(16, 9),
            "1.2-scrypt.bin": footer(2, kdf=2, size=0xC0),
            "1.3-software.bin": footer(3, kdf=5, blob=integrity_assured(pkcs1)),
            "1.3-bkmk.bin": footer(3, kdf=5, blob=bkmk()),
            "1.3-clear.bin": footer(3, flags=1)[:0x100],
            "1.3-qualcomm.bin": footer(3, kdf=5, cipher=b"aes-xts")[:0x90C],
        },
        "keymaster": {
            "integrity-assured.bin": integrity_assured(pkcs8),
            "prefixed.bin": b"pKMblob\0" + integrity_assured(pkcs1),
            "pk8.bin": pk8(pkcs1),
            "bkmk.bin": bkmk(),
            "bkmk-inside.bin": integrity_assured(bkmk()),
            "ocb.bin": ocb(),
            "opaque.bin": counting(64),
        },
        "persist": {"two-entries.bin": persist()},
        "hash_line": {
            "fde.txt": aosp["Hash line"]["Line"].encode(),
            "samsung.txt": samsung["Samsung EDK"]["Line"].encode() + b"\n",
        },
        "filesystem_probe": {
            "ext4.bin": ext("ext4", "metadata_csum,64bit"),
            "ext3.bin": ext("ext3", "has_journal"),
            "f2fs.bin": f2fs(),
            "fat32.bin": fat(),
        },
    }
    for target, files in seeds.items():
        (corpus / target).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (corpus / target / name).write_bytes(content)


if __name__ == "__main__":
    main()
