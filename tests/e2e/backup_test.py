#!/usr/bin/env python3
"""Copies of a case: never called right when they are not, always to be gone on with.

    backup_test.py (journey|seeds|full|restic) SALVAGE MAKE_SAMPLE_PHONE

What is true of a copy is read by this program, byte by byte, from the folders themselves.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from support import completed, run, sample_phone, skip

MISMATCH = 7
PIECE = 16 << 20
OURS = {"salvage-backup.json", "salvage-backup.jsonl", "SHA256SUMS", "salvage-backup.new", "salvage-backup.new.partial"}


def tree(folder, left_out=()):
    """Path → bytes or link target."""
    out = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            out[name] = ("link", os.readlink(path))
        elif path.is_file() and name.split("/")[0] not in left_out:
            out[name] = path.read_bytes()
    return out


def wanted(case):
    return {name: content for name, content in tree(case, {"backups"}).items() if not name.endswith((".partial", ".lock"))}


def is_equal(case, there):
    """All of the case, and of its log the beginning: it goes on after the copy was made."""
    copied = wanted(case)
    return set(copied) == set(there) and all(
        copied[name].startswith(there[name]) if name == "log.jsonl" else copied[name] == there[name] for name in copied)


def is_copy(case, copy):
    return copy.is_dir() and is_equal(case, tree(copy, OURS))


def backup(salvage, verb, *arguments, allowed=(0,)):
    done = completed(salvage, "backup", verb, *arguments, "--json", "--quiet", allowed=allowed)
    return json.loads(done.stdout) if done.stdout else None


def make_case(folder, chance, big=False):
    folder.mkdir()
    (folder / "case.json").write_text("{}")
    (folder / "files" / "DCIM").mkdir(parents=True)
    for number in range(chance.randrange(1, 6)):
        size = chance.choice([0, 1, 511, 4096, 4097, chance.randrange(200_000)])
        (folder / "files" / "DCIM" / f"IMG_{number}é.jpg").write_bytes(chance.randbytes(size))
    if big:
        (folder / "userdata.img").write_bytes(chance.randbytes(PIECE + chance.randrange(1, 5000)))
        os.truncate(folder / "userdata.img", 2 * PIECE + 100)
    os.symlink("DCIM/IMG_0é.jpg", folder / "files" / "newest")
    return folder


def journey(salvage, maker):
    """A rescued phone, two copies, a flipped bit, a cut and a lost file, parts of a check, and the mending."""
    with tempfile.TemporaryDirectory(prefix="salvage-backup-") as name:
        work = pathlib.Path(name)
        dump = sample_phone(work, maker)
        case = work / "case"
        completed(salvage, "rescue", dump, "-o", case, "--secret-file", work / "phone" / "pattern.txt", "--quiet",
                  "--statement", "my own phone", allowed=(0, 1, 2)) if (work / "phone" / "pattern.txt").exists() else \
            completed(salvage, "rescue", dump, "-o", case, "--quiet", "--statement", "my own phone", allowed=(0, 1))
        first, second = work / "first", work / "second"
        told = backup(salvage, "add", case, first, "--medium", "stick", "--place", "a drawer")
        assert told["good_copies"] == 2 and not told["mismatches"], told
        told = backup(salvage, "add", case, second)
        assert told["copies"][0]["whole"] and told["copies"][1]["whole"], told
        assert run("sha256sum", "-c", "--quiet", "SHA256SUMS", cwd=first) == b"", "coreutils agrees"
        for copy in (first, second):
            assert is_copy(case, copy)
        assert completed(salvage, "case", "verify", case).returncode == 0, "copies are no strangers in a case"

        image = max((case / "parts").glob("*.img"), key=lambda path: path.stat().st_size).relative_to(case)
        bad = bytearray((second / image).read_bytes())
        at = len(bad) // 3
        bad[at] ^= 0x10
        (second / image).write_bytes(bad)
        told = backup(salvage, "verify", case, allowed=(MISMATCH,))
        (wrong,) = told["mismatches"]
        assert (wrong["copy"], wrong["path"], wrong["first_difference"]) == (str(second), str(image), at), wrong
        assert "the case" in wrong["text"] and str(first) in wrong["text"], "both others have it as it was"
        assert backup(salvage, "status", case, allowed=(MISMATCH,))["good_copies"] == 2

        report = first / "report.txt"
        report.write_bytes(report.read_bytes()[:10])
        os.unlink(first / "case.json")
        found = set()
        for part in range(1, 6):
            told = backup(salvage, "verify", case, "--part", f"{part}/5", allowed=(0, MISMATCH))
            found |= {(wrong["path"], wrong["code"]) for wrong in told["mismatches"]}
        assert found == {(str(image), "sha256"), ("report.txt", "size"), ("case.json", "missing")}, found
        told = backup(salvage, "repair", case)
        assert told["repaired"] >= 3 and not told["mismatches"], told
        for copy in (first, second):
            assert run("sha256sum", "-c", "--quiet", "SHA256SUMS", cwd=copy) == b""
        assert not backup(salvage, "verify", case)["mismatches"]

        os.rename(second, work / "unplugged")
        told = backup(salvage, "verify", case)
        assert [bool(copy["unreachable"]) for copy in sorted(told["copies"], key=lambda c: c["address"])] == [False, True]
        (second).mkdir()
        (second / "letter.txt").write_text("someone's own")
        assert "something else" in completed(salvage, "backup", "add", case, second, allowed=(2,)).stderr.decode()
        assert "in the case" in completed(salvage, "backup", "add", case, case / "copy", allowed=(2,)).stderr.decode()
        (case / "parts" / image.name).write_bytes(bytes(bad))
        stopped = completed(salvage, "backup", "add", case, work / "third", allowed=(MISMATCH,))
        assert b"not as its log says" in stopped.stderr, "a damaged case is not copied as if it were whole"


def damage(copy, chance):
    """One fault of a medium.  Says what it did."""
    files = [path for path in sorted(copy.rglob("*")) if path.is_file() and not path.is_symlink() and path.name not in OURS]
    path = chance.choice(files)
    size = path.stat().st_size
    kind = chance.choice(["flip", "cut", "grow", "lose", "zeros"])
    if kind == "lose" or size == 0:
        path.unlink()
    elif kind == "flip":
        with open(path, "r+b") as file:
            at = chance.randrange(size)
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ (1 << chance.randrange(8))]))
    elif kind == "cut":
        os.truncate(path, chance.randrange(size))
    elif kind == "grow":
        with open(path, "ab") as file:
            file.write(b"more")
    else:
        content = path.read_bytes()
        path.write_bytes(bytes(size) if any(content) else b"\1" * size)
    return f"{kind} {path.name}"


def killed_add(salvage, case, copy, seconds):
    process = subprocess.Popen([salvage, "backup", "add", case, copy, "--quiet"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()


def one_seed(salvage, seed, work, whole_run):
    chance = random.Random(seed)
    case = make_case(work / "case", chance, big=seed % 25 == 0)
    first, second = work / "first", work / "second"
    backup(salvage, "add", case, first)
    for _ in range(chance.randrange(3)):
        killed_add(salvage, case, second, chance.random() * whole_run)
        told = backup(salvage, "status", case)
        for copy in told["copies"]:
            if copy["good"]:
                assert is_copy(case, pathlib.Path(copy["address"])), f"seed {seed}: {copy['address']} is called good"
    if chance.random() < 0.3:
        (case / "files" / "later.txt").write_bytes(chance.randbytes(3000))
        backup(salvage, "add", case, first)
    backup(salvage, "add", case, second)
    assert is_copy(case, first) and is_copy(case, second), f"seed {seed}: whole, and not equal"
    as_made = [tree(copy, OURS) for copy in (first, second)]
    did = [damage(chance.choice([first, second]), chance) for _ in range(chance.randrange(3))]
    is_right = [tree(copy, OURS) for copy in (first, second)] == as_made
    told = backup(salvage, "verify", case, allowed=(0, MISMATCH))
    assert told["sound"] == is_right, f"seed {seed}: {did}, and it is called {told['text']}"
    for wrong in told["mismatches"]:
        at = wrong["first_difference"]
        source, copy = case / wrong["path"], pathlib.Path(wrong["copy"]) / wrong["path"]
        right = source.read_bytes()
        have = copy.read_bytes() if copy.exists() else b""
        if wrong["code"] == "sha256":
            start = wrong["start"]
            assert right[start:at] == have[start:at] and right[at:at + 1] != have[at:at + 1], f"seed {seed}: {wrong}"
    backup(salvage, "repair", case)
    assert [tree(copy, OURS) for copy in (first, second)] == as_made, f"seed {seed}: {did} was not mended"
    return len(did)


def seeds(salvage, _maker, count):
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="salvage-backup-") as name:
        case = make_case(pathlib.Path(name) / "case", random.Random(0))
        backup(salvage, "add", case, pathlib.Path(name) / "copy")
    whole_run = time.monotonic() - begun
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    faults = 0
    for seed in range(count):
        with tempfile.TemporaryDirectory(prefix="salvage-backup-", dir=memory) as name:
            faults += one_seed(salvage, seed, pathlib.Path(name), whole_run)
    print(f"{count} seeds, {faults} faults of media; none was called right, all were mended")


def full(salvage, _maker):
    """A medium that fills up: what is missing is said, and a larger one goes on."""
    with tempfile.TemporaryDirectory(prefix="salvage-backup-") as name:
        work = pathlib.Path(name)
        case = make_case(work / "case", random.Random(1), big=True)
        medium = work / "medium"
        medium.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", medium], check=False,
                          capture_output=True).returncode != 0:
            skip("a small filesystem cannot be mounted here")
        try:
            stopped = completed(salvage, "backup", "add", case, medium / "copy", allowed=(4, 5))
            assert b"the medium is full" in stopped.stderr, stopped.stderr
            assert backup(salvage, "status", case)["good_copies"] == 1
            completed("mount", "-o", "remount,size=64m", medium)
            backup(salvage, "add", case, medium / "copy")
            assert is_copy(case, medium / "copy")
        finally:
            completed("umount", medium)


def restic(salvage, _maker):
    if not shutil.which("restic"):
        skip("restic is not installed")
    with tempfile.TemporaryDirectory(prefix="salvage-backup-") as name:
        work = pathlib.Path(name)
        os.environ["RESTIC_CACHE_DIR"] = str(work / "cache")
        case = make_case(work / "case", random.Random(2), big=True)
        (work / "password").write_text("secret\n")
        repository = work / "repository"
        told = backup(salvage, "add", case, f"restic:{repository}", "--medium", "cloud", "--place", "a host",
                      "--password-file", work / "password")
        assert told["good_copies"] == 2 and told["places"] == 2, told
        completed("restic", "-r", repository, "--password-file", work / "password", "restore", "latest", "--target",
                  work / "restored")
        assert is_equal(case, tree(work / "restored" / case.relative_to("/"))), "restic gives back what was put in"
        assert not backup(salvage, "verify", case, "--part", "1/2")["mismatches"]
        (case / "files" / "later.txt").write_text("more")
        assert backup(salvage, "status", case)["copies"][0]["changed"] == 1
        backup(salvage, "add", case, f"restic:{repository}", "--password-file", work / "password")
        pack = max((repository / "data").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        os.chmod(pack, 0o600)
        pack.write_bytes(content)
        told = backup(salvage, "verify", case, allowed=(MISMATCH,))
        assert told["mismatches"][0]["code"] == "restic", told


if __name__ == "__main__":
    what, salvage_program, sample_maker = sys.argv[1:4]
    if what == "seeds":
        seeds(salvage_program, sample_maker, int(os.environ.get("SALVAGE_BACKUP_SEEDS", "60")))
    else:
        {"journey": journey, "full": full, "restic": restic}[what](salvage_program, sample_maker)
