#!/usr/bin/env python3
"""Carving: what this test puts into unused blocks comes out byte for byte, and no live file does.

    carve_test.py CASE SALVAGE MAKE_SAMPLE_PHONE

CASE is deleted (debugfs deletes files of a plain ext4), encrypted (one photo enciphered by Python's cryptography and one in
plain text, in unused blocks of an encrypted phone), raw (without the secret), copy (where FUSE is not to be had), full
(no room), or refusals.  Skipped, saying so, where PhotoRec is not installed.
"""
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

from support import run, sample_phone, SECTOR, sha256_of, skip

BLOCK = 4096


def photos(work, salvage, dump):
    """Photos that a phone made, as its export gives them, each different."""
    files = work / "files"
    run(salvage, "export", dump, "-o", files, "--quiet")
    found = {}
    for path in sorted(files.rglob("*.jpg")):
        data = path.read_bytes()
        if len(data) > 2 * BLOCK and sha256_of(data) not in found:
            found[sha256_of(data)] = data
    assert len(found) >= 3, "the sample phone has too few photos"
    return list(found.values())


def manifest(folder):
    lines = [json.loads(line) for line in (folder / "carved.jsonl").read_text().splitlines()]
    run("sha256sum", "-c", "--quiet", "SHA256SUMS", cwd=folder)
    for line in lines:
        assert (folder / line["path"]).stat().st_size == line["size"]
        assert sha256_of((folder / line["path"]).read_bytes()) == line["sha256"]
    on_disk = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.parent != folder}
    assert on_disk == {line["path"] for line in lines}, "the manifest and the folder differ"
    assert not [p for p in folder.rglob("*") if "partial" in p.name or "photorec" in p.name], "leftovers"
    return lines


def found_at(lines, data, name):
    hits = [line for line in lines if line["sha256"] == sha256_of(data) and line["path"].startswith(name + "/")]
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
    before = sha256_of(image.read_bytes())
    report = json.loads(run(salvage, "carve", image, "-o", work / "out", "--json", *options))
    assert sha256_of(image.read_bytes()) == before, "the evidence was written to"
    lines = manifest(work / "out")
    raw = image.read_bytes()
    for data in pictures[:-1]:
        line = found_at(lines, data, "unused")
        start = line["runs"][0]["dump"]
        lies = b"".join(raw[run["dump"]:run["dump"] + run["size"]] for run in line["runs"])[:line["size"]]
        assert lies == data[:line["size"]], "it does not lie where the manifest says"
        assert line["path"] == f"unused/{start:012x}.jpg"
    assert sha256_of(pictures[-1]) not in {line["sha256"] for line in lines}, "a live file was carved"
    assert report["schema"] == "salvage.carve/1" and report["parts"][0]["files"] == len(lines)
    print(f"{len(pictures) - 1} deleted photos carved, none of the live ones")


# --- encrypted -------------------------------------------------------------------------------------------------------


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
    from ciphers import essiv  # skips where cryptography is not installed
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
        raw.write(essiv((work / "key").read_bytes(), padded(once), first * sectors))
        raw.seek(start + second * BLOCK)
        raw.write(padded(plain))
    return dump, (once, first * BLOCK), (plain, second * BLOCK), start


def encrypted(work, salvage, make_sample_phone):
    dump, (once, once_at), (plain, plain_at), start = phone_with_remains(work, salvage, make_sample_phone)
    run(salvage, "carve", dump, "-o", work / "out", "--quiet", "--kind", "image")
    lines = manifest(work / "out")
    line = found_at(lines, once, "decrypted")
    assert line["runs"][0]["volume"] == once_at and line["runs"][0]["dump"] == start + once_at
    line = found_at(lines, plain, "raw")
    assert line["runs"][0]["volume"] == plain_at and line["runs"][0]["dump"] == start + plain_at
    live = {sha256_of(path.read_bytes()) for path in (work / "files").rglob("*") if path.is_file()}
    once_more = [line for line in lines if line["sha256"] in live - {sha256_of(once), sha256_of(plain)}]
    assert not once_more, f"live files were carved: {once_more}"
    print(f"both photos found; {len(lines)} files in all")


def raw(work, salvage, make_sample_phone):
    dump, _, (plain, plain_at), start = phone_with_remains(work, salvage, make_sample_phone)
    run(salvage, "carve", "--raw", dump, "-o", work / "out", "--quiet", "--kind", "image")
    line = found_at(manifest(work / "out"), plain, "raw")
    assert line["runs"] == [{"volume": plain_at, "dump": start + plain_at, "size": len(padded(plain)), "file": str(dump)}]
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


def photorec_ends(work):
    """With the run that started it: the next one works in the same folder."""
    until = time.monotonic() + 10
    while subprocess.run(["pgrep", "-f", f"photorec.*{work}"], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < until, "PhotoRec outlives the run by 10 s"
        time.sleep(0.05)


def full(work, salvage, make_sample_phone):
    """PhotoRec on a full medium asks a person for another folder and waits for ever."""
    pictures = photos(work, salvage, sample_phone(work, make_sample_phone))
    image = plain_volume(work, pictures)
    small = work / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", small], capture_output=True, check=False).returncode:
        skip("a small medium cannot be mounted here")
    try:
        done = subprocess.run([salvage, "carve", image, "-o", small / "out"], capture_output=True, text=True, check=False,
                              timeout=60)
        assert done.returncode == 4 and "nearly full" in done.stderr, f"{done.returncode}: {done.stderr}"
        assert not (small / "out" / "carved.jsonl").exists()
        run("mount", "-o", "remount,size=400m", small)
        run(salvage, "carve", image, "-o", small / "out", "--quiet")
        for data in pictures[:-1]:
            found_at(manifest(small / "out"), data, "unused")
    finally:
        run("umount", small)
    print("stopped in time, and done again with more room")


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
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
    assert not (work / "out" / "carved.jsonl").exists(), "a killed run looks whole"
    photorec_ends(work)
    run(salvage, "carve", image, "-o", work / "out", "--quiet")
    for data in pictures[:-1]:
        found_at(manifest(work / "out"), data, "unused")
    run(salvage, "carve", image, "-o", work / "out", allowed=(2,))  # finished: not again
    (work / "out" / "carved.jsonl").rename(work / "mine.jsonl")
    run(salvage, "carve", image, "-o", work / "out", allowed=(2,))  # nor where somebody took the list away
    (work / "mine.jsonl").rename(work / "out" / "carved.jsonl")
    assert manifest(work / "out"), "a finished result was taken away"
    someones = work / "begun"
    process = subprocess.Popen([salvage, "carve", image, "-o", someones, "--everything", "--quiet"])
    while process.poll() is None and not (someones / ".salvage-carve.partial").exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (someones / "unused").mkdir()
    (someones / "unused" / "letter").write_text("dear")
    run(salvage, "carve", image, "-o", someones, allowed=(2,))
    assert (someones / "unused" / "letter").read_text() == "dear"
    (someones / "unused").rename(work / "mine")
    run(salvage, "carve", image, "-o", someones, "--quiet")
    assert manifest(someones)
    print(f"refused what is not ours; killed ({process.returncode}) and begun anew")


def main():
    case, salvage, make_sample_phone = sys.argv[1:4]
    if not shutil.which("photorec"):
        skip("PhotoRec is not installed (Debian package testdisk)")
    with tempfile.TemporaryDirectory(prefix="salvage-carve-", ignore_cleanup_errors=True) as name:
        {"deleted": deleted, "encrypted": encrypted, "raw": raw, "copy": copy,
         "full": full, "refusals": refusals}[case](pathlib.Path(name), salvage, make_sample_phone)


if __name__ == "__main__":
    main()
