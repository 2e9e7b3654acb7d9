#!/usr/bin/env python3
"""Carving: what this test puts into unused blocks comes out byte for byte, and no live file does.

    carve_test.py CASE SALVAGE MAKE_SAMPLE_PHONE

CASE is deleted (debugfs deletes files of a plain ext4), encrypted (one photo enciphered by Python's cryptography and one in
plain text, in unused blocks of an encrypted phone), raw (without the secret), copy (where FUSE is not to be had), or
refusals.  Skipped, saying so, where PhotoRec is not installed.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
SECTOR = 512
BLOCK = 4096


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def run(*command, allowed=(0,), **options):
    done = subprocess.run([*map(str, command)], capture_output=True, check=False, **options)
    assert done.returncode in allowed, f"{command} ended with {done.returncode}: {done.stdout!r} {done.stderr!r}"
    return done.stdout


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sample_phone(work, make_sample_phone):
    folder = work / "phone"
    folder.mkdir()
    made = subprocess.run([make_sample_phone, str(folder)], capture_output=True, text=True, check=False)
    if made.returncode == SKIPPED:
        skip(made.stderr)
    assert made.returncode == 0, made.stderr
    return pathlib.Path(made.stdout.strip())


def photos(work, salvage, dump):
    """Photos that a phone made, as its export gives them, each different."""
    files = work / "files"
    run(salvage, "export", dump, "-o", files, "--quiet")
    found = {}
    for path in sorted(files.rglob("*.jpg")):
        data = path.read_bytes()
        if len(data) > 2 * BLOCK and sha256(data) not in found:
            found[sha256(data)] = data
    assert len(found) >= 3, "the sample phone has too few photos"
    return list(found.values())


def manifest(folder):
    lines = [json.loads(line) for line in (folder / "carved.jsonl").read_text().splitlines()]
    run("sha256sum", "-c", "--quiet", "SHA256SUMS", cwd=folder)
    for line in lines:
        assert (folder / line["path"]).stat().st_size == line["size"]
        assert sha256((folder / line["path"]).read_bytes()) == line["sha256"]
    on_disk = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.parent != folder}
    assert on_disk == {line["path"] for line in lines}, "the manifest and the folder differ"
    assert not [p for p in folder.rglob("*") if "partial" in p.name or "photorec" in p.name], "leftovers"
    return lines


def found_at(lines, data, name):
    hits = [line for line in lines if line["sha256"] == sha256(data) and line["path"].startswith(name + "/")]
    assert len(hits) == 1, f"{len(hits)} files in {name}/ are the photo: {[line['path'] for line in lines]}"
    return hits[0]


# --- deleted ---------------------------------------------------------------------------------------------------------


def plain_volume(work, pictures):
    """An ext4 with all pictures; all but the last are deleted by debugfs."""
    tree = work / "tree"
    tree.mkdir()
    for number, data in enumerate(pictures):
        (tree / f"photo{number}.jpg").write_bytes(data)
    image = work / "userdata.img"
    run("/sbin/mke2fs", "-q", "-t", "ext4", "-b", BLOCK, "-d", tree, image, "48M")
    for number in range(len(pictures) - 1):
        run("/sbin/debugfs", "-w", "-R", f"rm /photo{number}.jpg", image)
    return image


def deleted(work, salvage, make_sample_phone, *options):
    pictures = photos(work, salvage, sample_phone(work, make_sample_phone))
    image = plain_volume(work, pictures)
    before = sha256(image.read_bytes())
    report = json.loads(run(salvage, "carve", image, "-o", work / "out", "--json", *options))
    assert sha256(image.read_bytes()) == before, "the evidence was written to"
    lines = manifest(work / "out")
    raw = image.read_bytes()
    for data in pictures[:-1]:
        line = found_at(lines, data, "unused")
        start = line["runs"][0]["dump"]
        assert raw[start:start + 64] == data[:64], "it does not lie where the manifest says"
        assert line["path"] == f"unused/{start:012x}.jpg"
    assert sha256(pictures[-1]) not in {line["sha256"] for line in lines}, "a live file was carved"
    assert report["schema"] == "salvage.carve/1" and report["parts"][0]["files"] == len(lines)
    print(f"{len(pictures) - 1} deleted photos carved, none of the live ones")


# --- encrypted -------------------------------------------------------------------------------------------------------


def essiv_enciphered(key, first_sector, data):
    """Linux, Documentation/admin-guide/device-mapper/dm-crypt.rst: aes-cbc-essiv:sha256."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    salt = Cipher(algorithms.AES(hashlib.sha256(key).digest()), modes.ECB()).encryptor()
    out = bytearray()
    for at in range(0, len(data), SECTOR):
        iv = salt.update((first_sector + at // SECTOR).to_bytes(16, "little"))
        out += Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(data[at:at + SECTOR])
    return bytes(out)


def free_blocks(image, count):
    """Two runs of unused blocks, far from each other, as debugfs sees them."""
    told = run("/sbin/debugfs", "-R", f"ffb {count * 2 + 64} 9000", image).decode()
    numbers = [int(word) for word in told.split(":", 1)[1].split()]
    runs = [numbers[i] for i in range(len(numbers) - count) if numbers[i + count - 1] == numbers[i] + count - 1]
    assert len(runs) > count, "no room on the sample phone"
    return runs[0], runs[count]


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def phone_with_remains(work, salvage, make_sample_phone):
    """An encrypted phone, with one photo enciphered and one in plain text where no file is."""
    dump = sample_phone(work, make_sample_phone)
    once, plain = photos(work, salvage, dump)[:2]
    run(salvage, "decrypt", dump, "-o", work / "image", "--quiet")
    run(salvage, "decrypt", dump, "--print-dmsetup", "--key-out", work / "key", "--quiet")
    blocks = max(len(padded(once)), len(padded(plain))) // BLOCK + 1
    first, second = free_blocks(work / "image", blocks)
    table = run("/sbin/sgdisk", "-p", dump).decode()
    start = int(re.search(r"^\s*\d+\s+(\d+)\s+\d+.*\suserdata$", table, re.MULTILINE).group(1)) * SECTOR
    sectors = BLOCK // SECTOR
    with open(dump, "r+b") as raw:
        raw.seek(start + first * BLOCK)
        raw.write(essiv_enciphered((work / "key").read_bytes(), first * sectors, padded(once)))
        raw.seek(start + second * BLOCK)
        raw.write(padded(plain))
    return dump, (once, first * BLOCK), (plain, second * BLOCK), start


def encrypted(work, salvage, make_sample_phone):
    try:
        import cryptography  # noqa: F401
    except ImportError:
        skip("python3-cryptography is not installed")
    dump, (once, once_at), (plain, plain_at), start = phone_with_remains(work, salvage, make_sample_phone)
    run(salvage, "carve", dump, "-o", work / "out", "--quiet", "--kind", "image")
    lines = manifest(work / "out")
    line = found_at(lines, once, "decrypted")
    assert line["runs"][0]["volume"] == once_at and line["runs"][0]["dump"] == start + once_at
    line = found_at(lines, plain, "raw")
    assert line["runs"][0]["volume"] == plain_at and line["runs"][0]["dump"] == start + plain_at
    live = {sha256(path.read_bytes()) for path in (work / "files").rglob("*") if path.is_file()}
    once_more = [line for line in lines if line["sha256"] in live - {sha256(once), sha256(plain)}]
    assert not once_more, f"live files were carved: {once_more}"
    print(f"both photos found; {len(lines)} files in all")


def raw(work, salvage, make_sample_phone):
    dump, _, (plain, plain_at), start = phone_with_remains(work, salvage, make_sample_phone)
    run(salvage, "carve", "--raw", dump, "-o", work / "out", "--quiet", "--kind", "image")
    line = found_at(manifest(work / "out"), plain, "raw")
    assert line["runs"] == [{"volume": plain_at, "dump": start + plain_at, "size": line["runs"][0]["size"]}]
    print("found without a secret")


# --- copy, refusals --------------------------------------------------------------------------------------------------


def copy(work, salvage, make_sample_phone):
    """A mount point that cannot be had: no fusermount3 in the path, and no right to mount."""
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if not setpriv:
            skip("no setpriv")
        work.chmod(0o777)
        # Where the program was built, nobody may not be allowed to look.
        salvage = shutil.copy(salvage, work / "salvage-itself")
        wrapper = work / "salvage-as-nobody"
        wrapper.write_text(f"#!/bin/sh\nexport PATH=/nowhere\nexec {setpriv} --reuid 65534 --clear-groups --no-new-privs "
                           f"{salvage} \"$@\"\n")
    else:
        wrapper = work / "salvage-without-fuse"
        wrapper.write_text(f"#!/bin/sh\nexport PATH=/nowhere\nexec {salvage} \"$@\"\n")
    wrapper.chmod(0o755)
    pictures = photos(work, salvage, sample_phone(work, make_sample_phone))
    image = plain_volume(work, pictures)
    done = subprocess.run([wrapper, "carve", image, "-o", work / "out"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "are copied" in done.stderr, f"it did not say that it copies: {done.stderr}"
    for data in pictures[:-1]:
        found_at(manifest(work / "out"), data, "unused")
    print("the same by a copy")


def refusals(work, salvage, make_sample_phone):
    pictures = photos(work, salvage, sample_phone(work, make_sample_phone))
    image = plain_volume(work, pictures)
    full = work / "full"
    full.mkdir()
    (full / "letter").write_text("dear")
    run(salvage, "carve", image, "-o", full, allowed=(2,))
    assert [p.name for p in full.iterdir()] == ["letter"], "something was written into a folder of someone else"
    # Stopped in its work it leaves nothing that looks whole, and begins anew.
    process = subprocess.Popen([salvage, "carve", image, "-o", work / "out", "--everything", "--quiet"])
    until = time.monotonic() + 20
    while process.poll() is None and not (work / "out" / ".salvage-carve.partial").exists() and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(["sh", "-c", f"for m in $(grep -o '{work}[^ ]*mounted' /proc/self/mountinfo); do fusermount3 -uz $m || umount -l $m; done"],
                   capture_output=True, check=False)
    if process.returncode != 0:
        assert not (work / "out" / "carved.jsonl").exists(), "a killed run looks whole"
        run(salvage, "carve", image, "-o", work / "out", "--quiet")
    for data in pictures[:-1]:
        found_at(manifest(work / "out"), data, "unused")
    run(salvage, "carve", image, "-o", work / "out", allowed=(2,))  # finished: not again
    print(f"refused what is not ours; killed ({process.returncode}) and begun anew")


def main():
    case, salvage, make_sample_phone = sys.argv[1:4]
    if not shutil.which("photorec"):
        skip("PhotoRec is not installed (Debian package testdisk)")
    with tempfile.TemporaryDirectory(prefix="salvage-carve-", ignore_cleanup_errors=True) as name:
        {"deleted": deleted, "encrypted": encrypted, "raw": raw, "copy": copy,
         "refusals": refusals}[case](pathlib.Path(name), salvage, make_sample_phone)


if __name__ == "__main__":
    main()
