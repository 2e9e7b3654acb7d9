#!/usr/bin/env python3
"""Kills the writing verbs with SIGKILL at random moments, and looks at what they leave behind.

    kill_test.py VERB SALVAGE MAKE_SAMPLE_PHONE

VERB is split, decrypt or export.  After each kill no file may be under its own name that is short or wrong; a last run
that is left alone must end with the same result as one that was never disturbed.  At the end the same is done to a disk
that fills up, where mounting one is permitted.  SALVAGE_KILL_SEED chooses other moments.
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from support import sample_phone, sha256

ROUNDS = 8


def snapshot(folder):
    """What of a result a person would look at: path to type, content, mode and time."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(".salvage-") or name.endswith((".partial", ".partial.state")):
            continue
        status = path.lstat()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_file():
            found[name] = ("file", status.st_size, sha256(path), oct(status.st_mode), status.st_mtime_ns, status.st_nlink)
        else:
            found[name] = ("folder", oct(status.st_mode), status.st_mtime_ns)
    return found


# Of our own making, and with times of today.
OWN = {"manifest.json", "manifest.jsonl", "SHA256SUMS", "bodyfile.txt", "dfxml.xml", "userdata.img", "userdata.simg"}


def comparable(entry, name, verb):
    if entry[0] == "file" and (verb != "export" or name in OWN):
        return entry[:3]
    return entry


class Job:
    def __init__(self, verb, salvage, dump):
        self.verb, self.salvage, self.dump = verb, salvage, dump

    def commands(self, folder):
        """Each command with the file or folder that it makes."""
        if self.verb == "decrypt":
            return [([self.salvage, "decrypt", self.dump, "-o", str(folder / "userdata.img"), "--quiet"],
                     folder / "userdata.img"),
                    ([self.salvage, "decrypt", self.dump, "-o", str(folder / "userdata.simg"), "--format", "sparse",
                      "--quiet"], folder / "userdata.simg")]
        options = ["--gaps"] if self.verb == "split" else []
        return [([self.salvage, self.verb, self.dump, "-o", str(folder), "--quiet", *options], None)]

    def run_undisturbed(self, folder):
        for command, made in self.commands(folder):
            if made is not None and made.exists():
                continue  # a run that was killed after its last step had finished
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def check_no_lies(job, folder, reference, moment):
    """Every file under its own name is what it will be in the end."""
    for name, entry in snapshot(folder).items():
        if entry[0] == "folder":
            continue
        if name in ("manifest.json", "manifest.jsonl", "SHA256SUMS", "bodyfile.txt", "dfxml.xml"):
            # Written last, whole or not at all.
            text = (folder / name).read_text(encoding="utf-8", errors="surrogateescape")
            assert text.endswith("\n"), f"{moment}: {name} is torn"
            if name.endswith(".json"):
                json.loads(text)
            continue
        assert name in reference, f"{moment}: {name} is there and should never be"
        wanted, there = reference[name], entry
        if entry[0] == "file":
            wanted, there = wanted[:3], there[:3]
        assert there == wanted, f"{moment}: {name} looks whole and is {there}, not {wanted}"


def kill_once(job, folder, seconds):
    """True when it was really killed on its way."""
    for command, made in job.commands(folder):
        if made is not None and made.exists():
            continue
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {process.returncode} before it was killed")
        seconds = max(0.0, seconds / 2)
    return False


def check_equal(job, folder, reference, what):
    result = snapshot(folder)
    assert result.keys() == reference.keys(), f"{what}: {sorted(result.keys() ^ reference.keys())} differ"
    for name, entry in result.items():
        if job.verb != "export" and entry[0] == "folder":
            continue
        wanted = comparable(reference[name], name, job.verb)
        assert comparable(entry, name, job.verb) == wanted, f"{what}: {name} is {entry}, not {wanted}"


def kill_at_random_moments(job, work, reference, seconds, chance):
    kills = 0
    for number in range(ROUNDS):
        folder = work / f"killed-{number}"
        folder.mkdir()
        # Some are killed once, some again and again on the way to their end.
        for again in range(1 + number % 3):
            moment = f"round {number}.{again}"
            began = time.monotonic()
            was_killed = kill_once(job, folder, chance.uniform(0, seconds))
            kills += was_killed
            if not was_killed and again == 0:
                seconds = min(seconds, time.monotonic() - began)  # the machine was busier when a run was measured
            check_no_lies(job, folder, reference, moment)
        job.run_undisturbed(folder)
        check_equal(job, folder, reference, f"round {number}, at its end")
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    print(f"{job.verb}: {kills} kills in {ROUNDS} rounds, a run takes {seconds:.2f} s")
    assert kills >= ROUNDS // 3, "hardly any run was killed on its way: the moments are wrong"


def fill_a_disk(job, work, undisturbed, reference):
    disk = work / "disk"
    disk.mkdir()
    needed = sum(entry[1] for entry in reference.values() if entry[0] == "file")
    # Half of what the files really take: holes take nothing.
    taken = sum(path.lstat().st_blocks * 512 for path in undisturbed.rglob("*") if path.is_file() and not path.is_symlink())
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={min(taken // 2, 3 << 20)}", "tmpfs", str(disk)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        print("full disk: not tried, mounting a small filesystem is not permitted here")
        return
    try:
        folder = disk / "out"
        folder.mkdir()
        command, _ = job.commands(folder)[0]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 4, f"a full disk ends with {done.returncode}: {done.stderr}"
        assert "more are needed" in done.stderr and "bytes)" in done.stderr, f"no word of the room needed: {done.stderr}"
        check_no_lies(job, folder, reference, "full disk")
        subprocess.run(["mount", "-o", f"remount,size={needed * 2 + (64 << 20)}", str(disk)], check=True)
        job.run_undisturbed(folder)
        check_equal(job, folder, reference, "after the disk was full")
        print(f"full disk: ended with 4, went on with more room; it said:\n{done.stderr}")
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def main():
    verb, salvage, make_sample_phone = sys.argv[1:4]
    chance = random.Random(int(os.environ.get("SALVAGE_KILL_SEED", "1")))
    with tempfile.TemporaryDirectory(prefix="salvage-kill-") as name:
        work = pathlib.Path(name)
        job = Job(verb, salvage, str(sample_phone(work, make_sample_phone)))
        undisturbed = work / "reference"
        undisturbed.mkdir()
        start = time.monotonic()
        job.run_undisturbed(undisturbed)
        seconds = time.monotonic() - start
        reference = snapshot(undisturbed)
        assert reference, "the undisturbed run made nothing"
        kill_at_random_moments(job, work, reference, seconds, chance)
        fill_a_disk(job, work, undisturbed, reference)


if __name__ == "__main__":
    main()
