#!/usr/bin/env python3
"""Salvage beside the tools people use for the same job: same files, same machine, answers compared.

Every comparison runs the two programs in turn, several times, and reports the median and the spread of the ratios of
one pair.  A ratio above 1 means that salvage is faster.  An answer that differs ends the run with status 1; a missed
target does not, because a busy machine is not a fault.  docs/performance.md explains the choice of peers and targets.
"""

import argparse
import datetime
import hashlib
import json
import mmap
import os
import pathlib
import random
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import uuid
import zlib

MIB = 1 << 20
SECTOR = 512
TEXT = b"aes-cbc-essiv:sha256"
SECTIONS = ("find", "inspect", "decrypt", "split", "export", "convert")


class WrongAnswer(Exception):
    pass


def require(holds, what):
    if not holds:
        raise WrongAnswer(what)


# --- running ---------------------------------------------------------------------------------------------------------


# Set by main(): how much a measured process may newly allocate.
warmed_bytes = 0


def warm_memory():
    """A virtual machine may hand freed memory back to its host; the next to use it pays for getting it again, ours or
    the peer by chance.  Touching it first lets neither pay."""
    if warmed_bytes:
        mmap.mmap(-1, warmed_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


class Run:
    """One process, or a pipeline of a shell: what it cost and what it said."""

    def __init__(self, command, allowed=(0,)):
        shell = isinstance(command, str)
        shown = command if shell else shlex.join(map(str, command))
        # A child begins as a copy of this program, memory and all; only a grandchild's peak is its own.
        with tempfile.NamedTemporaryFile("r") as peak, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            warm_memory()
            whole = ["/usr/bin/time", "-f", "%M", "-o", peak.name, *(["sh", "-c", command] if shell else command)]
            start = time.perf_counter()
            child = subprocess.Popen(whole, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            _, status, usage = os.wait4(child.pid, 0)
            self.wall = time.perf_counter() - start
            child.returncode = self.code = os.waitstatus_to_exitcode(status)
            self.cpu = usage.ru_utime + usage.ru_stime  # its children's too
            self.peak_mib = int(peak.read().split()[-1]) / 1024
            out.seek(0)
            self.out = out.read()
            err.seek(0)
            talk = err.read().decode(errors="replace")
        require(self.code in allowed, f"status {self.code} of: {shown}\n{talk}")


class Comparison:
    """Pairs of runs of ours and a peer's, and their ratios."""

    def __init__(self, section, name, peer, size, metric, target):
        self.section, self.name, self.peer, self.size = section, name, peer, size
        self.metric, self.target = metric, target
        self.ours, self.theirs = [], []

    def measure(self, pairs, run_ours, run_peer):
        run_ours(), run_peer()  # once unmeasured: page cache, first touch of memory
        for _ in range(pairs):
            self.ours.append(run_ours())
            self.theirs.append(run_peer())
        return self

    def ratios(self, metric):
        return sorted(getattr(peer, metric) / max(getattr(our, metric), 1e-6)
                      for our, peer in zip(self.ours, self.theirs))

    def record(self):
        def medians(runs):
            return {"wall_s": statistics.median(r.wall for r in runs), "cpu_s": statistics.median(r.cpu for r in runs),
                    "peak_mib": max(r.peak_mib for r in runs)}

        ratios = self.ratios(self.metric)
        return {"section": self.section, "name": self.name, "peer": self.peer, "bytes": self.size,
                "pairs": len(self.ours), "salvage": medians(self.ours), "other": medians(self.theirs),
                "wall_ratios": self.ratios("wall"), "cpu_ratios": self.ratios("cpu"), "metric": self.metric,
                "target": self.target, "median_ratio": statistics.median(ratios),
                "met": self.target is None or statistics.median(ratios) >= self.target}


def show(records):
    head = ("job", "peer", "GB/s wall", "peer's", "GB/cpu-s", "peer's", "wall x", "cpu x", "target", "")
    rows = [head]
    for r in records:
        def rate(side, unit):
            return f"{r['bytes'] / r[side][unit] / 1e9:.2f}"

        def ratio(kind):
            values = r[kind]
            return f"{statistics.median(values):.2f} ({values[0]:.2f}-{values[-1]:.2f})"

        target = "" if r["target"] is None else f"{r['metric']} >= {r['target']}"
        rows.append((r["name"], r["peer"], rate("salvage", "wall_s"), rate("other", "wall_s"), rate("salvage", "cpu_s"),
                     rate("other", "cpu_s"), ratio("wall_ratios"), ratio("cpu_ratios"), target,
                     "" if r["met"] else "MISSED"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


# --- the dumps -------------------------------------------------------------------------------------------------------


def gpt(sectors, partitions):
    """Both copies of a partition table as (offset, bytes).  UEFI 2.10, chapter 5.3."""
    entries = b""
    for name, first, last in partitions:
        kind = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7").bytes_le
        own = uuid.uuid5(uuid.NAMESPACE_OID, name).bytes_le
        entries += kind + own + struct.pack("<QQQ", first, last, 0) + name.encode("utf-16le").ljust(72, b"\0")
    entries = entries.ljust(128 * 128, b"\0")

    def header(own, other, entries_at):
        def with_sum(value):
            return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, value, 0, own, other, 34, sectors - 34,
                               uuid.uuid5(uuid.NAMESPACE_OID, "disk").bytes_le, entries_at, 128, 128,
                               zlib.crc32(entries))

        return with_sum(zlib.crc32(with_sum(0))).ljust(SECTOR, b"\0")

    protective = bytearray(SECTOR)
    protective[446:462] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(sectors - 1, 2**32 - 1))
    protective[510:] = b"\x55\xaa"
    return [(0, bytes(protective)), (SECTOR, header(1, sectors - 1, 2)), (2 * SECTOR, entries),
            ((sectors - 33) * SECTOR, entries), ((sectors - 1) * SECTOR, header(sectors - 1, 1, sectors - 33))]


def layout(size):
    """Partitions as a MediaTek phone has them, in sectors: name, first, last."""
    small = [("proinfo", 3), ("nvram", 5), ("boot", 16), ("recovery", 16), ("metadata", 32)]
    rest = size // MIB - 2 - sum(mib for _, mib in small)
    parts, at = [], 2048
    for name, mib in (*small, ("system", rest // 4), ("cache", rest // 16), ("userdata", rest - rest // 4 - rest // 16)):
        parts.append((name, at, at + mib * 2048 - 1))
        at += mib * 2048
    require(at <= size // SECTOR - 34, "the layout does not fit")
    return parts


def write_random(path, size, seed):
    """Bytes that are cheap to make and that nothing compresses or recognises."""
    made = random.Random(seed)
    block = made.randbytes(64 * MIB)
    with open(path, "wb") as file:
        for at in range(0, size, len(block)):
            # A new permutation of slices each time is as good as new bytes for a search, and much faster.
            cut = made.randrange(len(block))
            file.write((block[cut:] + block[:cut])[:min(len(block), size - at)])


def put(path, pieces):
    with open(path, "r+b") as file:
        for at, data in pieces:
            file.seek(at)
            file.write(data)


class Phone:
    """A dump without holes: random bytes in a layout, with strings and structures whose places are known."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        write_random(path, size, 1)
        sectors = size // SECTOR
        parts = {name: (first * SECTOR, (last + 1) * SECTOR) for name, first, last in layout(size)}
        start, end = parts["userdata"]
        chunk = 256 * 1024
        edge = start // chunk * chunk
        self.text_at = sorted([parts["metadata"][0] + 0x24, start + 123457, edge + 8 * chunk - 7, edge + 9 * chunk - 20,
                               edge + 10 * chunk, end - len(TEXT)])
        structures = {"boot-image": parts["boot"][0], "vbmeta": parts["recovery"][0] + 4 * MIB,
                      "samsung-edk": start + 3 * MIB + 77, "sqlite": parts["system"][0] + 4096 * 11}
        magics = {"boot-image": b"ANDROID!", "vbmeta": b"AVB0\0\0\0\1", "samsung-edk": b"\xb1\xe4\x01\x10\x02\0\0\0",
                  "sqlite": b"SQLite format 3\0"}
        put(path, gpt(sectors, layout(size)))
        put(path, [(at, TEXT) for at in self.text_at] + [(at, magics[name]) for name, at in structures.items()])
        self.all_hits = sorted([(at, "cipher-cbc-essiv") for at in self.text_at] +
                               [(at, name) for name, at in structures.items()] +
                               [(SECTOR, "gpt"), ((sectors - 1) * SECTOR, "gpt")])


def copy_of_head(source, target, size):
    with open(source, "rb") as read, open(target, "wb") as write:
        write.write(read.read(size))


# --- the jobs --------------------------------------------------------------------------------------------------------


def offsets_of_hits(run):
    return [hit["offset"] for hit in json.loads(run.out)["hits"]]


def offsets_before_colon(run):
    return [int(line.split(b":", 1)[0]) for line in run.out.splitlines()]


def offsets_of_strings(run):
    found = []
    for line in run.out.splitlines():
        at, text = line.lstrip().split(b" ", 1)
        found += [int(at) + match.start() for match in re.finditer(re.escape(TEXT), text)]
    return found


def checked(run, answer, expected, who):
    got = answer(run)
    require(got == expected, f"{who} answered {got}, expected {expected}")
    return run


def find(options, folder):
    phone = Phone(folder / "phone.img", options.size)
    short = folder / "short.img"
    short_size = min(options.size, 512 * MIB)
    copy_of_head(phone.path, short, short_size)
    text = TEXT.decode()
    short_hits = [at for at in phone.text_at if at + len(TEXT) <= short_size]

    def ours(path, expected):
        command = [options.salvage, "find", path, text, "--json", "--quiet"]
        return lambda: checked(Run(command), offsets_of_hits, expected, "salvage")

    def peer(name, command, answer):
        return lambda: checked(Run(command), answer, phone.text_at, name)

    out = []
    rows = [("rg", ["rg", "--no-config", "-a", "-b", "-o", "--no-line-number", text, phone.path], offsets_before_colon,
             0.95), ("grep -abo", ["env", "LC_ALL=C", "grep", "-abo", "-F", text, phone.path], offsets_before_colon,
                     1.8)]
    for name, command, answer, target in rows:
        out.append(Comparison("find", "find one text", name, options.size, "wall", target).measure(
            options.pairs, ours(phone.path, phone.text_at), peer(name, command, answer)))
    pipeline = f"strings -a -t d {shlex.quote(str(short))} | grep -F {shlex.quote(text)}"
    out.append(Comparison("find", "find one text", "strings -t d | grep", short_size, "wall", 40).measure(
        options.pairs, ours(short, short_hits),
        lambda: checked(Run(pipeline), offsets_of_strings, short_hits, "strings")))

    def all_hits(run):
        return sorted((hit["offset"], hit["pattern"]) for hit in json.loads(run.out)["hits"])

    command = [options.salvage, "find", phone.path, "--json", "--quiet"]
    out.append(Comparison("find", "find all signatures", "cat >/dev/null", options.size, "cpu", 0.6).measure(
        options.pairs, lambda: checked(Run(command), all_hits, phone.all_hits, "salvage"),
        lambda: Run(f"exec cat {shlex.quote(str(phone.path))} >/dev/null")))
    short.unlink()
    return out


def inspect(options, folder):
    path = folder / "phone.img"
    if not path.exists():
        Phone(path, options.size)
    expected = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(16 * MIB):
            expected.update(piece)
    expected = expected.hexdigest()
    # Whether such a dump can be opened is not the question here: any verdict will do.
    command = [options.salvage, "inspect", path, "--json", "--quiet"]

    def ours():
        return checked(Run(command, allowed=(0, 1, 2, 3)), lambda run: json.loads(run.out)["source"]["sha256"],
                       expected, "salvage")

    out = []
    for name, peer, answer, target in (
            ("openssl dgst -sha256", ["openssl", "dgst", "-sha256", "-r", path], lambda run: run.out[:64].decode(), 0.95),
            ("sha256sum", ["sha256sum", path], lambda run: run.out[:64].decode(), 1.0)):
        out.append(Comparison("inspect", "inspect", name, options.size, "wall", target).measure(
            options.pairs, ours, lambda: checked(Run(peer), answer, expected, name)))
    path.unlink()
    return out


def same_file(left, right):
    return subprocess.run(["cmp", "-s", left, right], check=False).returncode == 0


class Volume:
    """A full ext4 volume, enciphered, bare for salvage and behind a LUKS header with the same key for qemu-img."""

    CIPHERS = {"aes-cbc-essiv:sha256": 128, "aes-xts-plain64": 256}

    def __init__(self, folder, size, cipher):
        self.plain, self.luks, self.bare = folder / "plain.img", folder / "volume.luks", folder / "userdata.img"
        self.key, self.password = folder / "key", folder / "password"
        write_random(self.plain, size, 2)
        # Only the metadata is written: every other block stays full of random bytes.
        Run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-E", "nodiscard,lazy_itable_init=1", "-b", "4096", self.plain])
        bits = self.CIPHERS[cipher]
        self.key.write_bytes(random.Random(3).randbytes(bits // 8))
        self.password.write_text("pw")
        with open(self.luks, "wb") as file:
            file.truncate(4 * MIB)
        Run(["/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks1", "--cipher", cipher, "--hash", "sha256",
             "--key-size", str(bits), "--master-key-file", self.key, "--key-file", self.password,
             "--pbkdf-force-iterations", "1000", self.luks])
        told = Run(["/sbin/cryptsetup", "luksDump", self.luks]).out.decode()
        payload = int(re.search(r"Payload offset:\s*(\d+)", told).group(1)) * SECTOR
        os.truncate(self.luks, payload + size)
        Run(["qemu-img", "convert", *self.secret(), "-n", "-f", "raw", "-W", "-m", "16", "--target-image-opts",
             self.plain, self.image_options()])
        with open(self.luks, "rb") as read, open(self.bare, "wb") as write:
            read.seek(payload)
            shutil.copyfileobj(read, write, 16 * MIB)

    def secret(self):
        return ["--object", f"secret,id=s0,file={self.password}"]

    def image_options(self):
        return f"driver=luks,key-secret=s0,file.driver=file,file.filename={self.luks}"

    def remove(self):
        for path in (self.plain, self.luks, self.bare, self.key, self.password):
            path.unlink(missing_ok=True)


def decrypt(options, folder):
    out = []
    for cipher in Volume.CIPHERS:
        volume = Volume(folder, options.volume, cipher)
        target, peer_target = folder / "ours.img", folder / "theirs.img"
        command = [options.salvage, "decrypt", volume.bare, "--master-key", volume.key, "--cipher", cipher, "-o", target,
                   "--quiet"]

        def run_into(path, command):
            for old in folder.glob(path.name + "*"):
                old.unlink()
            run = Run(command)
            require(same_file(path, volume.plain), f"{command[0]} deciphered something else")
            path.unlink()
            return run

        peer = ["qemu-img", "convert", *volume.secret(), "-W", "-m", "16", "-O", "raw", "--image-opts",
                volume.image_options(), peer_target]
        out.append(Comparison("decrypt", f"decrypt {cipher}", "qemu-img convert -W -m 16", options.volume, "wall", 1.0).measure(
            options.pairs, lambda: run_into(target, command), lambda: run_into(peer_target, peer)))
        out.append(Comparison("decrypt", f"decrypt --no-hash {cipher}", "qemu-img convert -W -m 16", options.volume, "cpu",
                              4.0 if "xts" in cipher else 2.0).measure(
            options.pairs, lambda: run_into(target, [*command, "--no-hash"]), lambda: run_into(peer_target, peer)))

        def copy():
            run = Run(["cp", volume.plain, peer_target])
            peer_target.unlink()
            return run

        out.append(Comparison("decrypt", f"decrypt --no-hash {cipher}", "cp (copies only)", options.volume, "cpu",
                              1 / 1.5).measure(options.pairs, lambda: run_into(target, [*command, "--no-hash"]), copy))
        volume.remove()
    return out


def make_sparse_phone(path, size):
    """System half written zeros, cache a hole, userdata half full."""
    parts = {name: (first * SECTOR, (last + 1) * SECTOR) for name, first, last in layout(size)}
    with open(path, "wb") as file:
        file.truncate(size)
    data = random.Random(4).randbytes(16 * MIB)
    with open(path, "r+b") as file:
        for name in ("boot", "recovery", "system", "userdata"):
            start, end = parts[name]
            for at in range(start, (start + end) // 2, len(data)):
                file.seek(at)
                file.write(data[:(start + end) // 2 - at])
        start, end = parts["system"]
        file.seek((start + end) // 2)
        for at in range((start + end) // 2, end, len(data)):
            file.write(bytes(min(len(data), end - at)))
    put(path, gpt(size // SECTOR, layout(size)))
    return parts


def split(options, folder):
    path, target, copied = folder / "sparse.img", folder / "parts", folder / "copied.img"
    parts = make_sparse_phone(path, options.volume)

    def allocated(files):
        return sum(file.stat().st_blocks * 512 for file in files)

    def check_parts(images):
        with open(path, "rb") as dump:
            for name, (start, end) in parts.items():
                dump.seek(start)
                digest, wanted = hashlib.sha256(), hashlib.sha256()
                left = end - start
                while left > 0:
                    piece = dump.read(min(16 * MIB, left))
                    wanted.update(piece)
                    left -= len(piece)
                with open(images[name], "rb") as image:
                    while piece := image.read(16 * MIB):
                        digest.update(piece)
                require(digest.digest() == wanted.digest(), f"the part {name} differs")

    checked_once = []

    def ours(*further):
        shutil.rmtree(target, ignore_errors=True)
        run = Run([options.salvage, "split", path, "-o", target, "--quiet", *further])
        images = {name: target / f"{name}.img" for name in parts}
        if not checked_once:
            check_parts(images)
        checked_once.append(allocated(images.values()))
        return run

    copies = []

    def peer(command):
        def run_it():
            copied.unlink(missing_ok=True)
            run = Run([*command, path, copied])
            copies.append(allocated([copied]))
            return run

        return run_it

    def hash_and_copy():
        copied.unlink(missing_ok=True)
        return Run(f"cp --sparse=always {shlex.quote(str(path))} {shlex.quote(str(copied))} && "
                   f"sha256sum {shlex.quote(str(path))} {shlex.quote(str(copied))}")

    out = [Comparison("split", "split --no-hash", "cp --sparse=always", options.volume, "cpu", 1.0).measure(
        options.pairs, lambda: ours("--no-hash"), peer(["cp", "--sparse=always"])),
           Comparison("split", "split, hashing", "cp, then sha256sum of both", options.volume, "wall", 1.0).measure(
               options.pairs, ours, hash_and_copy)]
    require(max(checked_once) <= max(copies) + 4 * MIB, "the parts take more room than cp's copy")
    shutil.rmtree(target, ignore_errors=True)
    for old in (path, copied):
        old.unlink(missing_ok=True)
    return out


# --- export and convert ----------------------------------------------------------------------------------------------


def make_volume_of_files(folder, size):
    """An ext4 of photo-sized files, and the tree it was made from."""
    tree = folder / "tree"
    pool = random.Random(9).randbytes(4 * MIB + 65536)
    written, number = 0, 0
    while written < size * 3 // 4:
        one = tree / f"{number // 200:03}" / f"IMG_{number:05}.jpg"
        one.parent.mkdir(parents=True, exist_ok=True)
        count = 200_000 + (number * 7919) % (4 * MIB - 200_000)
        one.write_bytes(pool[number % 65536:number % 65536 + count])
        written, number = written + count, number + 1
    image = folder / "userdata.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", tree, image, str(size // 1024)], check=True,
                   env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})
    return tree, image


def export(options, folder):
    tree, image = make_volume_of_files(folder, options.volume)
    files = [path for path in tree.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    out, peer_out = folder / "ours", folder / "theirs"

    def ours():
        shutil.rmtree(out, ignore_errors=True)
        run = Run([options.salvage, "export", image, "-o", out, "--quiet"])
        require(all(same_file(path, out / path.relative_to(tree)) for path in files[::17]), "an exported file differs")
        return run

    def copy():
        shutil.rmtree(peer_out, ignore_errors=True)
        return Run(f"cp -a {shlex.quote(str(tree))} {shlex.quote(str(peer_out))} && "
                   f"find {shlex.quote(str(peer_out))} -type f -print0 | xargs -0 sha256sum")

    def dump():
        shutil.rmtree(peer_out, ignore_errors=True)
        peer_out.mkdir()
        return Run(["/sbin/debugfs", "-R", f"rdump / {peer_out}", image])

    comparisons = [Comparison("export", "export, hashing", "cp -a of the mounted tree, sha256sum", size, "wall", 1.0).measure(
        options.pairs, ours, copy), Comparison("export", "export, hashing", "debugfs rdump", size, "wall", None).measure(
            options.pairs, ours, dump)]
    for old in (tree, out, peer_out):
        shutil.rmtree(old, ignore_errors=True)
    image.unlink()
    return comparisons


def convert(options, folder):
    path, parts = folder / "phone.img", []
    make_sparse_phone(path, options.volume)
    target, peer_target = folder / "ours.E01", folder / "theirs"

    def clean():
        for old in [*folder.glob("ours*"), *folder.glob("theirs*")]:
            old.unlink()

    def e01(hashes):
        def run_it():
            clean()
            run = Run([options.salvage, "convert", path, "-o", target, "--quiet", "--hash", hashes])
            told = subprocess.run(["ewfinfo", target], capture_output=True, text=True, check=True).stdout
            require("MD5" in told and ("SHA1" in told) == (hashes == "all"), f"the hashes in the E01: {told}")
            if not parts:
                parts.append(subprocess.run(["ewfverify", "-q", target], capture_output=True).returncode)
                require(parts == [0], "ewfverify finds the E01 wrong")
            return run

        return run_it

    def acquire(*further):
        def run_it():
            clean()
            return Run(["ewfacquire", "-u", "-c", "fast", *further, "-S", "2GiB", "-q", "-t", peer_target, path])

        return run_it

    def sparse():
        clean()
        return Run([options.salvage, "convert", path, "-o", folder / "ours.simg", "--format", "sparse", "--quiet"])

    def img2simg():
        clean()
        return Run(["img2simg", path, folder / "theirs.simg"])

    out = []
    if shutil.which("ewfacquire"):
        # The target is of the packing: like beside like, MD5 alone.  Three hashes cost both sides the same.
        for job, peer, wanted, ours, theirs in (
                ("convert to E01, MD5", "ewfacquire -c fast", 4.0, e01("md5"), acquire()),
                ("convert to E01, 3 hashes", "ewfacquire, the same 3", None, e01("all"), acquire("-d", "sha1,sha256"))):
            out.append(Comparison("convert", job, peer, options.volume, "cpu", wanted).measure(options.pairs, ours, theirs))
    if shutil.which("img2simg"):
        out.append(Comparison("convert", "convert to sparse", "img2simg", options.volume, "wall", 1.0).measure(
            options.pairs, sparse, img2simg))
    clean()
    path.unlink()
    return out


# --- the whole -------------------------------------------------------------------------------------------------------


def cpu_name():
    fields = dict(re.findall(r"^(cpu family|model|model name)\s*: (.*)$",
                             pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    words = f"{fields.get('model name', 'unknown')} {fields.get('cpu family', '')}-{fields.get('model', '')}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def version_of(command):
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return (told.stdout or told.stderr).splitlines()[0] if (told.stdout or told.stderr) else None


def whole_record(options, comparisons):
    return {"schema": "salvage.bench/1", "date": datetime.datetime.now(datetime.timezone.utc).isoformat("T", "seconds"),
            "cpu": cpu_name(), "cores": os.cpu_count(), "load_at_end": os.getloadavg()[0],
            "versions": {name: version_of(command) for name, command in {
                "kernel": ["uname", "-r"], "rg": ["rg", "--version"], "grep": ["grep", "--version"],
                "strings": ["strings", "--version"], "openssl": ["openssl", "version"], "cp": ["cp", "--version"],
                "qemu-img": ["qemu-img", "--version"]}.items()},
            "size": options.size, "volume": options.volume, "comparisons": comparisons}


def parse_size(text):
    match = re.fullmatch(r"(\d+)\s*(KiB|MiB|GiB|)", text)
    if not match:
        raise argparse.ArgumentTypeError("sizes are like 512MiB or 4GiB")
    return int(match.group(1)) * {"": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30}[match.group(2)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--salvage", type=pathlib.Path, required=True, help="the program, built for speed")
    parser.add_argument("--size", type=parse_size, default=4 << 30, help="of the dump for find and inspect (4GiB)")
    parser.add_argument("--volume", type=parse_size, default=1 << 30, help="of the volume for decrypt, split (1GiB)")
    parser.add_argument("--pairs", type=int, default=5, help="how often each pair runs (5)")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, by commas: " + ", ".join(SECTIONS))
    parser.add_argument("--dir", type=pathlib.Path, help="where the files go (/dev/shm, or the temporary folder)")
    parser.add_argument("--record", action="store_true", help="keep the figures in bench/records")
    options = parser.parse_args()
    options.sections = options.only.split(",")
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    if min(options.size, options.volume) < 256 * MIB or options.size % MIB or options.volume % MIB:
        parser.error("sizes are whole MiB, 256MiB at least: less is over before it can be measured")
    options.salvage = options.salvage.resolve()
    return options


def folder_for(options):
    if options.dir:
        return options.dir
    memory = pathlib.Path("/dev/shm")
    wanted = max(options.size + 512 * MIB, 5 * options.volume)
    if memory.is_dir() and shutil.disk_usage(memory).free > 2 * wanted:
        return memory
    return pathlib.Path(tempfile.gettempdir())


def main():
    global warmed_bytes
    options = arguments()
    records, status = [], 0
    jobs = {"find": find, "inspect": inspect, "decrypt": decrypt, "split": split, "export": export, "convert": convert}
    folder = folder_for(options)
    if os.stat(folder).st_dev == (os.stat("/dev/shm").st_dev if os.path.isdir("/dev/shm") else None):
        warmed_bytes = max(options.size, options.volume) * 5 // 4
    with tempfile.TemporaryDirectory(prefix="salvage-bench-", dir=folder) as name:
        for section in SECTIONS:
            if section not in options.sections:
                continue
            print(f"measuring {section} …", file=sys.stderr)
            try:
                records += [comparison.record() for comparison in jobs[section](options, pathlib.Path(name))]
            except WrongAnswer as wrong:
                print(f"{section}: WRONG: {wrong}", file=sys.stderr)
                status = 1
    if records:
        show(records)
        print(f"peak memory of salvage: {max(r['salvage']['peak_mib'] for r in records):.0f} MiB; "
              f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if options.record and records and status == 0:
        record = whole_record(options, records)
        path = pathlib.Path(__file__).parent / "records" / record["cpu"] / f"{record['date'][:10]}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"kept in {path}")
    return status


if __name__ == "__main__":
    sys.exit(main())
