#!/usr/bin/env python3
"""A footer that our code did not make, with a random key and PIN, found by the command line.

    random_footer_test.py SALVAGE          small scrypt factors and PBKDF2: a second
    random_footer_test.py SALVAGE --full   Android's own factors (15:3:1): minutes; prints forecast and measured rate

The footer is Python's: hashlib derives, `cryptography` enciphers, mke2fs makes the superblock that proves the key.
"""
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from ciphers import encipher, essiv, modes
from support import skip

if shutil.which("mke2fs") is None:
    skip("mke2fs is not installed")

PBKDF2, SCRYPT = 1, 2
HEAD = 4096


def derive(kdf, n_log2, secret, salt):
    if kdf == PBKDF2:
        return hashlib.pbkdf2_hmac("sha1", secret, salt, 2000, 32)
    return hashlib.scrypt(secret, salt=salt, n=1 << n_log2, r=8, p=2, dklen=32, maxmem=1 << 27)


def essiv_head(folder, key):
    """The first 4 KiB of an ext4 volume under aes-cbc-essiv:sha256."""
    image = folder / "ext4.img"
    with open(image, "wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", image], check=True)
    plain = image.read_bytes()[:HEAD]
    return essiv(key, plain)


def line_of(folder, kdf, n_log2, pin):
    """AOSP footer 1.3 as `$salvage$1$FOOTER$LBA$START`."""
    salt, key = os.urandom(16), os.urandom(16)
    derived = derive(kdf, n_log2, pin, salt)
    footer = bytearray(0x930)
    struct.pack_into("<IHHIIIIQI", footer, 0, 0xD0B5B1C4, 1, 3, 0x930, 0, 16, 3, 8192, 0)
    footer[0x24:0x38] = b"aes-cbc-essiv:sha256"
    footer[0x68:0x78] = encipher(modes.CBC(derived[16:]), derived[:16], key)
    footer[0x98:0xA8] = salt
    struct.pack_into("<QQI", footer, 0xA8, 0x1000, 0x2000, 0x1000)
    footer[0xBC:0xC0] = bytes([kdf, n_log2, 3, 1])
    footer[0x8EC:0x90C] = derive(SCRYPT, n_log2, derived[:16], salt)
    footer[0x90C:0x92C] = hashlib.sha256(bytes(footer)).digest()
    return f"$salvage$1${bytes(footer).rstrip(bytes(1)).hex()}$0${essiv_head(folder, key).hex()}", key


def crack(salvage, folder, kdf, n_log2):
    pin = b"%04d" % secrets.randbelow(10000)
    line, key = line_of(folder, kdf, n_log2, pin)
    path = folder / "line"
    path.write_text(line + "\n")
    (folder / "key").unlink(missing_ok=True)
    started = time.monotonic()
    done = subprocess.run([salvage, "crack", path, "-a", "3", "?d?d?d?d", "--potfile-disable", "--key-out", folder / "key",
                           "--session", folder / f"{secrets.token_hex(4)}.session"], capture_output=True, text=True)
    seconds = time.monotonic() - started
    if done.returncode != 0 or done.stdout != f"{line}:{pin.decode()}\n":
        sys.exit(f"kdf {kdf}: PIN {pin.decode()} was not found: exit {done.returncode}\n{done.stdout[-200:]}\n{done.stderr}")
    if (folder / "key").read_bytes() != key:
        sys.exit(f"kdf {kdf}: another volume key than the one the footer was made with")
    return pin, seconds, done.stderr


def main():
    salvage = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="salvage-random-") as name:
        folder = pathlib.Path(name)
        if "--full" in sys.argv:
            pin, seconds, talk = crack(salvage, folder, SCRYPT, 15)
            forecast = float(re.search(r"([\d.]+) candidates a second;", talk).group(1))
            measured = float(re.search(r"\(([\d.]+) a second\)", talk).group(1))
            print(f"PIN {pin.decode()} in {seconds:.0f} s; forecast {forecast}, measured {measured} a second, "
                  f"{measured / forecast:.2f} of it")
            return
        for kdf in (PBKDF2, SCRYPT):
            pin, seconds, _ = crack(salvage, folder, kdf, 10)
            print(f"kdf {kdf}: PIN {pin.decode()} in {seconds:.1f} s")


main()
