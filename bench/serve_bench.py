#!/usr/bin/env python3
"""salvage serve: what a person waits for, and downloads beside `salvage export`.

    serve_bench.py --salvage SALVAGE [--volume 1GiB] [--pairs 5]

- from the start of the program to the first answer of the page's calls, with a volume given;
- a folder of 10,000 entries, listed by the server, cold and again;
- 4096 bytes of a sparse file (32 GiB; --far 256GiB takes minutes, for all of it is hashed on opening), at its start and
  at its far end;
- a zip of a whole volume, downloaded over loopback, beside `salvage export --format zip -o -`: 1 is as fast, above 1 is
  faster.  Names, sizes and hashes of both are compared.
"""
import argparse
import hashlib
import http.client
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import compare  # noqa: E402

MIB = 1 << 20
ENTRIES = 10_000


class Served:
    """The server on a dump, with a browser's cookie and token."""

    def __init__(self, salvage, dump, case):
        self.begun = time.perf_counter()
        self.process = subprocess.Popen([salvage, "serve", dump, "--case", case, "--statement", "my own"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        link = urllib.parse.urlsplit(self.process.stdout.readline().split()[-1])
        self.where = (link.hostname, link.port)
        answer = self.ask(f"{link.path}?{link.query}", headers={})
        self.headers = {"Cookie": answer.getheader("Set-Cookie").split(";")[0]}
        self.headers["X-Salvage-Token"] = self.get("/session")["token"]

    def ask(self, path, headers=None, method="GET", body=None):
        self.connection = http.client.HTTPConnection(*self.where, timeout=600)
        self.connection.request(method, path, body, self.headers if headers is None else headers)
        return self.connection.getresponse()

    def get(self, path):
        answer = self.ask("/api/v1" + path)
        value = json.loads(answer.read())
        compare.require(answer.status == 200, f"{path} gave {answer.status}: {value}")
        return value

    def post(self, path, value):
        body = json.dumps(value)
        answer = self.ask("/api/v1" + path, {**self.headers, "Content-Type": "application/json"}, "POST", body)
        return json.loads(answer.read())

    def wait_until_open(self):
        while self.get("/workplace")["state"] == "opening":
            time.sleep(0.005)
        place = self.get("/workplace")
        compare.require(place["state"] == "open", f"the dump did not open: {place}")
        return time.perf_counter() - self.begun

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def timed(work):
    start = time.perf_counter()
    out = work()
    return time.perf_counter() - start, out


def volume_of(folder, source, size):
    image = folder / f"{source.name}.img"
    with open(image, "wb") as file:
        file.truncate(size)
    compare.Run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d", source, image])
    return image


def first_page(options, folder):
    source = folder / "many"
    (source / "DCIM").mkdir(parents=True)
    for number in range(ENTRIES):
        (source / "DCIM" / f"IMG_{number:05}.jpg").touch()
    image = volume_of(folder, source, 128 * MIB)
    waits, colds, warms = [], [], []
    for number in range(options.pairs):
        with Served(options.salvage, image, folder / f"case-{number}") as server:
            waits.append(server.wait_until_open())
            listing = f"/api/v1/files?path=/DCIM&limit={ENTRIES}"
            cold, listed = timed(lambda: server.ask(listing).read())  # what the reader makes of it is not the server's
            warm, again = timed(lambda: server.ask(listing).read())
            listed, again = json.loads(listed), json.loads(again)
            compare.require(listed == again and listed["total"] == ENTRIES == len(listed["entries"]), "not all is listed")
            colds.append(cold)
            warms.append(warm)
    print(f"start to a volume of 128 MiB opened and judged: {statistics.median(waits) * 1000:.0f} ms; target 1000 ms")
    print(f"{ENTRIES} entries of a folder: {statistics.median(colds) * 1000:.0f} ms cold, "
          f"{statistics.median(warms) * 1000:.0f} ms again; target 100 ms")


def far_end(options, folder):
    image = folder / "far.img"
    with open(image, "wb") as file:
        file.truncate(options.far)
        for at in (0, options.far - 8192):
            file.seek(at)
            file.write(b"here it is" + bytes(4086))
    with Served(options.salvage, image, folder / "case-far") as server:
        server.wait_until_open()
        times = {0: [], options.far - 8192: []}
        for _ in range(20):
            for at, taken in times.items():
                seconds, answer = timed(lambda: server.get(f"/bytes?source=dump&at={at}&length=4096"))
                compare.require(answer["base64"].startswith("aGVyZSBpdCBpc"), "other bytes than were written")
                taken.append(seconds)
    start, end = (statistics.median(taken) * 1000 for taken in times.values())
    print(f"4096 bytes of {options.far >> 30} GiB: {start:.2f} ms at the start, {end:.2f} ms at the far end: {start / end:.2f}x")


def content_of(path):
    with zipfile.ZipFile(path) as archive:
        return {info.orig_filename: hashlib.sha256(archive.read(info)).hexdigest() for info in archive.infolist()
                if not info.is_dir() and not info.orig_filename.startswith("salvage-export/")}


def downloads(options, folder):
    source = folder / "photos"
    source.mkdir()
    chance = random.Random(5)
    for number in range(options.volume // (3 * MIB)):
        (source / f"IMG_{number:04}.jpg").write_bytes(chance.randbytes(3 * MIB - 1000))
    image = volume_of(folder, source, options.volume + options.volume // 4 + 64 * MIB)
    taken, made = folder / "taken.zip", folder / "made.zip"

    def download(server):
        chosen = server.post("/selections", {"keys": ["/"]})["id"]
        answer = server.ask(f"/api/v1/download/{chosen}?format=zip")
        with open(taken, "wb", buffering=0) as file:
            while piece := answer.read(MIB):
                file.write(piece)

    ratios = []
    with Served(options.salvage, image, folder / "case-zip") as server:
        server.wait_until_open()
        for pair in range(options.pairs + 1):
            for old in (taken, made):
                old.unlink(missing_ok=True)
            compare.warm_memory()
            ours, _ = timed(lambda: download(server))
            command = [options.salvage, "export", image, "-o", "-", "--format", "zip", "--quiet"]
            compare.warm_memory()
            with open(made, "wb") as file:
                theirs, _ = timed(lambda: subprocess.run(command, stdout=file, check=True))
            if pair == 0:  # warms up, and is compared
                compare.require(content_of(taken) == content_of(made), "the archives differ")
                continue
            ratios.append(theirs / ours)
    rate = taken.stat().st_size / ours / 1e9
    print(f"a zip of {options.volume // MIB} MiB, downloaded: {rate:.2f} GB/s, {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f}-{max(ratios):.2f}) of export; target 0.80")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salvage", required=True)
    parser.add_argument("--volume", type=compare.parse_size, default=512 * MIB)
    parser.add_argument("--far", type=compare.parse_size, default=32 << 30)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="salvage-bench-", dir=memory) as name:
        folder = pathlib.Path(name)
        compare.warmed_bytes = options.volume * 5 // 4 if memory else 0
        first_page(options, folder)
        far_end(options, folder)
        downloads(options, folder)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
