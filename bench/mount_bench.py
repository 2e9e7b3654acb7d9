#!/usr/bin/env python3
"""salvage mount and the nbdkit plugin beside `salvage decrypt`: the same enciphered volume, read to its end.

A ratio is decrypt's time by the other's: 1 is as fast as decrypt, above 1 is faster.  decrypt writes an image and hashes
it; a read through the mount does neither, nbdcopy writes.
The listing is that of 10,000 entries in one folder, names and attributes, cold each time.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import compare  # noqa: E402

MIB = 1 << 20
ENTRIES = 10_000


class Mounted:
    def __init__(self, salvage, folder, *arguments):
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen([salvage, "mount", arguments[0], folder, "--quiet", *arguments[1:]],
                                        stdout=subprocess.PIPE)
        compare.require(self.process.stdout.readline() != b"", "salvage mount ended")

    def __enter__(self):
        return self

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def read_all(path):
    with open(path, "rb", buffering=0) as file:
        room = bytearray(MIB)
        while file.readinto(room):
            pass


def sequential(options, folder, cipher):
    volume = compare.Volume(folder, options.volume, cipher)
    key = ["--master-key", volume.key, "--cipher", cipher]
    out = folder / "out.img"
    rows = {}

    def decrypt():
        compare.Run([options.salvage, "decrypt", volume.bare, *key, "-o", out, "--quiet"])

    def through_fuse():
        # A mount of its own each time: the page cache of the last one is gone with it.
        with Mounted(options.salvage, folder / "m", volume.bare, *key):
            return timed(lambda: read_all(folder / "m" / "userdata.img"))

    def through_nbd():
        compare.Run(["nbdkit", "-U", "-", options.plugin, volume.bare, f"key-file={volume.key}", f"cipher={cipher}",
                     "--run", f'nbdcopy "$uri" {out}'])
        compare.require(compare.same_file(out, volume.plain), "nbdcopy got something else")

    with Mounted(options.salvage, folder / "m", volume.bare, *key):
        compare.require(compare.same_file(folder / "m" / "userdata.img", volume.plain), "the mount shows something else")
    for _ in range(options.pairs):
        rows.setdefault("decrypt", []).append(timed(decrypt))
        compare.require(compare.same_file(out, volume.plain), "decrypt wrote something else")
        out.unlink()
        rows.setdefault("mount, read to the end", []).append(through_fuse())
        if options.plugin and shutil.which("nbdcopy"):
            rows.setdefault("nbdkit, nbdcopy to a file", []).append(timed(through_nbd))
            out.unlink()
    volume.remove()
    base = rows.pop("decrypt")
    print(f"{cipher}, {options.volume // MIB} MiB: decrypt {options.volume / statistics.median(base) / 1e9:.2f} GB/s")
    for name, seconds in rows.items():
        ratios = sorted(b / s for b, s in zip(base, seconds))
        print(f"  {name}: {options.volume / statistics.median(seconds) / 1e9:.2f} GB/s, "
              f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}) of decrypt; target 0.80")


def listing(options, folder):
    source = folder / "source"
    source.mkdir()
    for number in range(ENTRIES):
        (source / f"IMG_2017_{number:05}.jpg").write_bytes(b"x")
    image = folder / "many.img"
    with open(image, "wb") as file:
        file.truncate(128 * MIB)
    compare.Run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d", source, image])
    wall, cpu = [], []
    for _ in range(options.pairs):
        with Mounted(options.salvage, folder / "m", image) as mounted:
            before, own = mounted.cpu(), time.process_time()

            def look():
                with os.scandir(folder / "m" / "files") as entries:
                    compare.require(sum(1 for e in entries if e.stat(follow_symlinks=False).st_size >= 0) == ENTRIES + 1,
                                    "entries are missing")

            wall.append(timed(look))
            cpu.append((mounted.cpu() - before, time.process_time() - own))
    print(f"{ENTRIES} entries listed with attributes: {statistics.median(wall) * 1000:.0f} ms "
          f"({min(wall) * 1000:.0f}-{max(wall) * 1000:.0f}); processor: server {statistics.median(c[0] for c in cpu) * 1000:.0f} ms, "
          f"reader {statistics.median(c[1] for c in cpu) * 1000:.0f} ms; target 100 ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--salvage", type=pathlib.Path, required=True)
    parser.add_argument("--plugin", type=pathlib.Path, help="nbdkit-salvage-plugin.so")
    parser.add_argument("--volume", type=compare.parse_size, default=1 << 30)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    options = parser.parse_args()
    options.salvage = options.salvage.resolve()
    options.plugin = options.plugin and options.plugin.resolve()
    with tempfile.TemporaryDirectory(prefix="salvage-mount-", dir=options.dir) as name:
        for cipher in compare.Volume.CIPHERS:
            sequential(options, pathlib.Path(name), cipher)
        listing(options, pathlib.Path(name))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
