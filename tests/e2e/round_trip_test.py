#!/usr/bin/env python3
"""A whole journey without hardware: read a phone out, look into it, cut it, plan, put it back onto another phone, open that.

    round_trip_test.py SALVAGE MAKE_SAMPLE_PHONE

The first phone is read over a pseudo terminal with the cable pulled on the way; the second has another ROM and other data
on it and is written over TCP fastboot.  In the end it opens exactly like the first, and nothing outside of the plan has changed.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SALVAGE, MAKE = sys.argv[1:3]


def run(*arguments, expect=0):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=240)
    if done.returncode != expect:
        sys.exit(f"{' '.join(str(a) for a in arguments)}\nended with {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done.stdout


class Phone:
    """`salvage phone` in the background; its first line of output says where it can be reached."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([SALVAGE, "phone", *[str(a) for a in arguments]], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.place = self.process.stdout.readline().strip()
        if not self.place:
            sys.exit(f"the phone does not start: {self.process.stderr.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=30)


def differing_ranges(old, new, block=65536):
    """Blocks in which two files differ, as (start, end)."""
    out = []
    with open(old, "rb") as a, open(new, "rb") as b:
        at = 0
        while True:
            x, y = a.read(block), b.read(block)
            if not x and not y:
                return out
            if x != y:
                out.append((at, at + block))
            at += block


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name, seed in (("first", 1), ("second", 2)):
            (work / name).mkdir()
            made = subprocess.run([MAKE, str(work / name), str(seed)], capture_output=True, text=True)
            if made.returncode != 0:
                print(f"the sample phone cannot be made: {made.stderr}")
                sys.exit(made.returncode)  # 77, a skip, where mke2fs or another tool is not installed
        first, second = work / "first/phone.img", work / "second/phone.img"
        before = work / "second-before.img"
        run("cp", "--sparse=always", second, before)

        # Read, with the cable pulled once in the middle.
        dump, port, agents = work / "dump.bin", work / "port", work / "da.bin"
        with Phone("--image", first, "--boot1", work / "first/boot1.bin", "--pty", port, "--make-agents", agents,
                   "--disconnect-at", 20_000_000):
            run(SALVAGE, "read", "--serial", port, "--da", agents, "--wait", 30, "-o", dump)
        run("cmp", first, dump)
        run("cmp", work / "first/boot1.bin", f"{dump}.boot1")

        # Look into it and cut it.
        verdict = json.loads(run(SALVAGE, "inspect", dump, "--json"))["verdict"]["code"]
        if verdict != "open":
            sys.exit(f"inspect says {verdict}, expected open")
        run(SALVAGE, "split", dump, "-o", work / "parts")

        # Put it back onto the second phone.
        with Phone("--image", second, "--writable", "--unlocked", "--fastboot", "tcp:0") as phone:
            plan = work / "plan.json"
            run(SALVAGE, "restore", "plan", dump, "--fastboot", phone.place, "--phone", before, "-o", plan)
            document = json.loads(plan.read_text())
            apply = (SALVAGE, "restore", "apply", plan, "--fastboot", phone.place, "--hash", document["hash"])
            run(*apply)  # a dry run
            run("cmp", second, before)
            run(*apply, "--write", "--yes")
        run(SALVAGE, "restore", "verify", plan, second)

        # It opens like the first one.
        run(SALVAGE, "export", first, "-o", work / "files-of-first")
        run(SALVAGE, "export", second, "-o", work / "files-of-second")
        sums = [(work / name / "SHA256SUMS").read_bytes() for name in ("files-of-first", "files-of-second")]
        if sums[0] != sums[1] or len(sums[0].splitlines()) < 20:
            sys.exit("the second phone does not open like the first")

        # Nothing outside of the plan has changed.
        layout = json.loads(run(SALVAGE, "layout", before, "--json"))
        planned = {step["partition"] for step in document["steps"]}
        ranges = [(p["start"], p["start"] + p["size"]) for p in layout["partitions"]
                  if p["name"] in planned and p["region"] == "user"]
        changed = differing_ranges(before, second)
        stray = [r for r in changed if not any(a < r[1] and r[0] < b for a, b in ranges)]
        if stray or not changed:
            sys.exit(f"changed outside of the plan: {stray[:5]}; {len(changed)} blocks changed")
        print(f"{len(planned)} partitions restored, {len(changed)} blocks changed, {len(sums[0].splitlines())} files equal")


if __name__ == "__main__":
    main()
