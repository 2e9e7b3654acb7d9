#!/usr/bin/env python3
"""Serves dumps with nbdkit's salvage plugin and looks at them with other people's clients: libnbd's tools and qemu-img.

    nbdkit_test.py CASE PLUGIN SALVAGE MAKE_SAMPLE_PHONE

CASE is phone (userdata beside decrypt, partitions beside the dump), extents (holes of a plain image beside qemu-img's
own), key (a volume enciphered by Python's cryptography; secrets that are refused), damage (lost sectors), or crowd (many
connections, and a filter that writes).  Where a client is not installed the case says so and is skipped.
"""
import concurrent.futures
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from support import run, sample_phone, SECTOR, sha256, skip


class Served:
    """nbdkit on a socket of its own while the block lasts."""

    def __init__(self, work, plugin, *parameters, options=()):
        self.socket = work / f"socket{len(list(work.glob('socket*')))}"
        self.process = subprocess.Popen(["nbdkit", "-f", "-U", str(self.socket), *options, str(plugin),
                                         *map(str, parameters)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        while not self.socket.exists():
            if self.process.poll() is not None:
                raise AssertionError(f"nbdkit ended: {self.process.stderr.read().decode()}")
        return self

    def uri(self, export=""):
        return f"nbd+unix:///{export}?socket={self.socket}"

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=20)


def ext4_image(path, size, content):
    source = path.with_suffix(".source")
    source.mkdir()
    (source / "photo").write_bytes(content)
    with open(path, "wb") as file:
        file.truncate(size)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d", source, path)
    return path


def phone(work, plugin, salvage, make_sample_phone):
    dump = sample_phone(work, make_sample_phone)
    image = work / "decrypted.img"
    run(salvage, "decrypt", dump, "-o", image, "--quiet")
    with Served(work, plugin, f"file={dump}") as served:
        copied = work / "copied.img"
        run("nbdcopy", served.uri(), copied)
        assert sha256(copied) == sha256(image), "nbdcopy got something else than decrypt"
        told = run("qemu-img", "compare", "-f", "raw", "-F", "raw", served.uri(), image).decode()
        assert "identical" in told, told
        exports = {export["export-name"]: export for export in json.loads(run("nbdinfo", "--list", "--json",
                                                                              served.uri()))["exports"]}
        assert "userdata" in exports and "dump" in exports, exports.keys()
        assert exports["userdata"]["export-size"] == image.stat().st_size
        assert exports["userdata"]["is_read_only"] and exports["userdata"]["can_multi_conn"], exports["userdata"]
        assert exports["dump"]["export-size"] == dump.stat().st_size
        table = [line.split() for line in run("/sbin/sgdisk", "-p", dump).decode().splitlines()]
        rows = [row for row in table if row and row[0].isdigit()]
        assert len(rows) > 5
        with open(dump, "rb") as raw:
            for row in rows:
                raw.seek(int(row[1]) * SECTOR)
                wanted = raw.read((int(row[2]) + 1 - int(row[1])) * SECTOR)
                assert run("nbdcopy", served.uri(f"part:{row[-1]}"), "-") == wanted, f"partition {row[-1]} differs"
        done = subprocess.run(["nbdinfo", served.uri("absent")], capture_output=True, check=False)
        assert done.returncode != 0
    # Without its footer userdata cannot be opened; what needs no key is served all the same.
    footless = work / "footless.img"
    run("cp", "--sparse=always", dump, footless)
    metadata = next(row for row in rows if row[-1] == "metadata")
    with open(footless, "r+b") as raw:
        raw.seek(int(metadata[1]) * SECTOR)
        raw.write(bytes(1 << 16))
    with Served(work, plugin, footless, "what=part:metadata") as served:
        assert int(run("nbdinfo", "--size", served.uri())) == exports["part:metadata"]["export-size"]
    done = subprocess.run(["nbdkit", "-f", "-U", str(work / "never"), str(plugin), str(footless)], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode != 0 and "footer" in done.stderr, done.stderr
    print(f"userdata is what decrypt writes; {len(rows)} partitions are what lies where sgdisk says")


def extents(work, plugin, *_):
    made = ext4_image(work / "made.img", 64 << 20, random.Random(1).randbytes(5 << 20))
    image = work / "plain.img"
    # What mke2fs allocates and leaves unwritten is a hole or not, as the page cache stands; a sparse copy has neither.
    run("cp", "--sparse=always", made, image)
    run("sync", image)
    peer = json.loads(run("qemu-img", "map", "--output=json", "-f", "raw", image))

    def holes(extents_of_map):
        return [(one["start"], one["length"]) for one in extents_of_map if one["zero"] and not one["data"]]

    with Served(work, plugin, image) as served:
        ours = json.loads(run("qemu-img", "map", "--output=json", "-f", "raw", served.uri()))
        assert holes(ours) == holes(peer), f"holes are {holes(ours)}\nnot {holes(peer)}"
        total = sum(length for _, length in holes(ours))
        assert total > 40 << 20, "the image has hardly any holes: nothing was compared"
        shown = json.loads(run("nbdinfo", "--map", "--json", served.uri()))
        assert [(one["offset"], one["length"]) for one in shown if one["type"] == 3] == holes(peer), shown
        copied = work / "copied.img"
        run("nbdcopy", served.uri(), copied)
        assert sha256(copied) == sha256(image)
        assert copied.stat().st_blocks <= image.stat().st_blocks + 64, "nbdcopy wrote the holes"
    print(f"{len(holes(peer))} holes of {total >> 20} MiB are the same beside qemu-img and nbdinfo")


def key(work, plugin, *_):
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError:
        skip("python3-cryptography is not installed")
    plain = ext4_image(work / "plain.img", 16 << 20, random.Random(2).randbytes(3 << 20)).read_bytes()
    volume_key = random.Random(3).randbytes(32)
    enciphered = bytearray()
    for number in range(len(plain) // SECTOR):
        cipher = Cipher(algorithms.AES(volume_key), modes.XTS(number.to_bytes(16, "little"))).encryptor()
        enciphered += cipher.update(plain[number * SECTOR:(number + 1) * SECTOR])
    dump, key_file, wrong = work / "enciphered.img", work / "key", work / "wrong"
    dump.write_bytes(enciphered)
    key_file.write_text(volume_key.hex() + "\n")
    wrong.write_bytes(random.Random(4).randbytes(32))
    with Served(work, plugin, dump, f"key-file={key_file}", "cipher=aes-xts-plain64") as served:
        assert run("nbdcopy", served.uri(), "-") == plain, "the volume is deciphered to something else"
    for parameters, word in (((dump, f"key-file={wrong}", "cipher=aes-xts-plain64"), "key"),
                             ((dump, "secret=1234"), "command line"), ((dump, "colour=red"), "colour"),
                             ((dump, "iv-base=moon"), "iv-base"), ((work / "absent",), "absent"), ((), "file=")):
        done = subprocess.run(["nbdkit", "-f", "-U", str(work / "never"), str(plugin), *map(str, parameters)],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0 and word in done.stderr, f"{parameters}: {done.returncode} {done.stderr}"
        assert wrong.read_bytes().hex() not in done.stderr and "1234" not in done.stderr, "a secret was told"
    print("a volume that Python enciphered opens with its key file; six wrong calls end before they serve")


def damage(work, plugin, *_):
    try:
        import nbd
    except ImportError:
        skip("python3-libnbd is not installed")
    image = ext4_image(work / "damaged.img", 16 << 20, random.Random(5).randbytes(3 << 20))
    content = image.read_bytes()
    bad, size = 0x123400, 0x400
    pathlib.Path(f"{image}.map").write_text(
        f"0x0 +\n0x0 0x{bad:X} +\n0x{bad:X} 0x{size:X} -\n0x{bad + size:X} 0x{len(content) - bad - size:X} +\n")
    with Served(work, plugin, image) as served:
        client = nbd.NBD()
        client.connect_uri(served.uri())
        assert client.pread(bad, 0) == content[:bad]
        assert client.pread(len(content) - bad - size, bad + size) == content[bad + size:]
        for at in (bad, bad + size - 1):
            try:
                client.pread(1, at)
                raise AssertionError(f"the lost byte {at} was read")
            except nbd.Error as error:
                assert error.errno == "EIO", error
        assert client.pread(1, bad - 1) == content[bad - 1:bad]
        client.shutdown()
    print("all but the lost bytes are read; those are EIO")


def crowd(work, plugin, *_):
    try:
        import nbd
    except ImportError:
        skip("python3-libnbd is not installed")
    told = run("nbdkit", "--dump-plugin", plugin).decode()
    assert "thread_model=parallel" in told.splitlines(), told
    image = ext4_image(work / "plain.img", 32 << 20, random.Random(6).randbytes(20 << 20))
    content = image.read_bytes()

    def reads(uri, seed):
        chance = random.Random(seed)
        client = nbd.NBD()
        client.connect_uri(uri)
        for _ in range(200):
            at = chance.randrange(len(content))
            count = min(chance.randrange(1, 500000), len(content) - at)
            assert client.pread(count, at) == content[at:at + count], f"{count} bytes at {at} differ"
        client.shutdown()

    with Served(work, plugin, image) as served, concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: reads(served.uri(), seed), range(8)))
    with Served(work, plugin, image, options=("--filter=cow",)) as served:
        client = nbd.NBD()
        client.connect_uri(served.uri())
        client.pwrite(b"x" * 4096, 8192)
        assert client.pread(4096, 8192) == b"x" * 4096
        client.shutdown()
    assert image.read_bytes() == content, "the dump was written to"
    print("8 connections read right side by side; nbdkit's copy-on-write filter writes over it, not into it")


def main():
    case, plugin, salvage, make_sample_phone = sys.argv[1:5]
    for tool in ("nbdkit", "nbdcopy", "nbdinfo", "qemu-img"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    cases = {function.__name__: function for function in (phone, extents, key, damage, crowd)}
    with tempfile.TemporaryDirectory(prefix="salvage-nbd-") as name:
        cases[case](pathlib.Path(name), pathlib.Path(plugin).resolve(), salvage, make_sample_phone)


if __name__ == "__main__":
    main()
