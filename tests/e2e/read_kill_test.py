#!/usr/bin/env python3
"""Kills `salvage read` with SIGKILL at random moments and looks at what it leaves behind.

    read_kill_test.py SALVAGE

After each kill the map may claim no byte that is not in the file; a last run that is left alone must end with the very
bytes of the device and with sums that sha256sum accepts.  SALVAGE_KILL_SEED chooses other moments.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROUNDS = 12
SIZE = 192 << 20


def make_device(path, chance):
    """Random bytes with stretches of zeros, as a flash has them."""
    with open(path, "wb") as file:
        for number in range(SIZE >> 20):
            file.write(bytes(1 << 20) if number % 5 == 3 else chance.randbytes(1 << 20))


def check_no_lies(out, device, moment):
    map_path = out.with_name(out.name + ".map")
    if not map_path.exists():
        return
    image = out if out.exists() else out.with_name(out.name + ".partial")
    lines = [line.split() for line in map_path.read_text().splitlines() if not line.startswith("#")]
    with open(image, "rb") as there, open(device, "rb") as wanted:
        for start, size, status in lines[1:]:
            if status != "+":
                continue
            there.seek(int(start, 16))
            wanted.seek(int(start, 16))
            left = int(size, 16)
            while left > 0:
                step = min(left, 1 << 20)
                assert there.read(step) == wanted.read(step), f"{moment}: the map claims bytes that are not there"
                left -= step
    assert not out.exists() or image.stat().st_size == SIZE, f"{moment}: {out} is short"


def main():
    salvage = sys.argv[1]
    chance = random.Random(int(os.environ.get("SALVAGE_KILL_SEED", "1")))
    with tempfile.TemporaryDirectory(prefix="salvage-kill-") as name:
        work = pathlib.Path(name)
        device = work / "device"
        make_device(device, chance)
        command = lambda out: [salvage, "read", "--device", str(device), "-o", str(out), "--quiet"]
        start = time.monotonic()
        subprocess.run(command(work / "reference.img"), check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        kills = 0
        for number in range(ROUNDS):
            out = work / f"killed-{number}.img"
            for again in range(1 + number % 3):
                began = time.monotonic()
                process = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    process.wait(timeout=chance.uniform(0, seconds * 0.8))
                    # The machine was busier when a run was measured.
                    seconds = seconds if again else min(seconds, time.monotonic() - began)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    kills += 1
                check_no_lies(out, device, f"round {number}.{again}")
            done = subprocess.run(command(out), capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"round {number} ended with {done.returncode}: {done.stderr}"
            subprocess.run(["cmp", str(out), str(device)], check=True)
            subprocess.run(["sha256sum", "--quiet", "-c", f"{out.name}.sha256"], cwd=work, check=True)
            for path in work.glob(f"killed-{number}.img*"):
                path.unlink()
        print(f"read: {kills} kills in {ROUNDS} rounds, a run takes {seconds:.2f} s")
        assert kills >= ROUNDS // 3, "hardly any run was killed on its way: the moments are wrong"


if __name__ == "__main__":
    main()
