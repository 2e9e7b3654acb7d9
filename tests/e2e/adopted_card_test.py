#!/usr/bin/env python3
"""A memory card that a phone made its own storage, opened with the key that lies on the phone.

    adopted_card_test.py SALVAGE

Card and phone are other programs': sgdisk's table, mke2fs' filesystems, the cipher of Python's `cryptography`.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from ciphers import essiv
from support import SECTOR, skip

os.environ["PATH"] += ":/sbin:/usr/sbin"
for tool in ("mke2fs", "sgdisk"):
    if shutil.which(tool) is None:
        skip(f"{tool} is not installed")

MIB = 1 << 20
META_TYPE = "19A710A2-B3CA-11E4-B026-10604B889DCF"
EXPAND_TYPE = "193D1EA4-B3CA-11E4-B075-10604B889DCF"
GUID = "0F3C6A1B-2D4E-4F60-8192-A3B4C5D6E7F8"
PHOTO = os.urandom(100_000)


def ext4(image, tree, size):
    with open(image, "wb") as file:
        file.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", "-d", tree, image], check=True)
    return image.read_bytes()


def make_card(folder, key):
    tree = folder / "card"
    (tree / "media/0/DCIM").mkdir(parents=True)
    (tree / "media/0/DCIM/IMG_1.jpg").write_bytes(PHOTO)
    plain = ext4(folder / "card.ext4", tree, 8 * MIB)
    card = folder / "card.img"
    with open(card, "wb") as file:
        file.truncate(32 * MIB)
    subprocess.run(["sgdisk", "-n", "1:2048:+16M", "-t", f"1:{META_TYPE}", "-c", "1:android_meta", "-n", "2:0:+8M", "-t",
                    f"2:{EXPAND_TYPE}", "-u", f"2:{GUID}", "-c", "2:android_expand", card],
                   check=True, stdout=subprocess.DEVNULL)
    start = int(subprocess.run(["sgdisk", "-i", "2", card], check=True, capture_output=True,
                               text=True).stdout.split("First sector: ")[1].split()[0]) * SECTOR
    with open(card, "r+b") as file:
        file.seek(start)
        file.write(essiv(key, plain))
    return card


def make_phone(folder, name, guid, key):
    tree = folder / name
    (tree / "misc/vold").mkdir(parents=True)
    (tree / "misc/vold" / f"expand_{guid.replace('-', '').lower()}.key").write_bytes(key)
    image = folder / f"{name}.img"
    ext4(image, tree, 8 * MIB)
    return image


def main():
    salvage = sys.argv[1]

    def run(*arguments):
        done = subprocess.run([salvage, *arguments], capture_output=True)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def must(condition, what):
        if not condition:
            sys.exit(f"failed: {what}")

    with tempfile.TemporaryDirectory(prefix="salvage-card-") as name:
        folder = pathlib.Path(name)
        key = os.urandom(16)
        card = make_card(folder, key)
        phone = make_phone(folder, "phone", GUID, key)
        stranger = make_phone(folder, "stranger", "11111111-2222-3333-4444-555555555555", os.urandom(16))
        photo = "/media/0/DCIM/IMG_1.jpg"

        code, out, talk = run("cat", card, photo, "--adopted-by", phone)
        must(code == 0 and out == PHOTO, f"cat: {code} {talk}")
        (folder / "key").write_bytes(key)
        code, out, talk = run("cat", card, photo, "--master-key", folder / "key")
        must(code == 0 and out == PHOTO, f"cat with the key: {code} {talk}")
        code, _, talk = run("export", card, "-o", folder / "out", "--adopted-by", phone)
        must(code == 0 and (folder / "out" / photo[1:]).read_bytes() == PHOTO, f"export: {code} {talk}")

        code, out, talk = run("inspect", card)
        must(b"--adopted-by" in out and b"made part of its own storage" in out, f"inspect: {out.decode()} {talk}")
        code, _, talk = run("ls", card, "--adopted-by", stranger)
        must(code != 0 and "no key for this card" in talk and "11111111222233334444555555555555" in talk, talk)
        code, _, talk = run("ls", phone, "--adopted-by", phone)
        must(code != 0 and "no phone has adopted this card" in talk, talk)
        code, out, talk = run("rescue", phone, "-o", folder / "case")
        must(code == 0 and b"made 1 memory card its own storage" in out, f"rescue: {out.decode()} {talk}")
    print("a card opened by its phone, and by no other")


main()
