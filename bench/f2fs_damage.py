#!/usr/bin/env python3
"""How many files survive when one block of an f2fs volume's metadata is lost: with Salvage, and with dump.f2fs.

  f2fs_damage.py F2FS_VOLUME      (build/release/tests/guest/f2fs_volume)

A volume of 60 files in six folders by mkfs.f2fs and sload.f2fs.  Each block that is not content becomes noise, one at a time.
Salvage lists and reads the volume.  dump.f2fs cannot list: it is told the number of each inode, which it would not know, and
must write the right content.  A file counts when every byte is right; of Salvage also its path must be.
"""
import hashlib, os, random, shutil, struct, subprocess, sys, tempfile

BLOCK = 4096
tool = os.path.abspath(sys.argv[1])
os.environ["PATH"] += ":/sbin:/usr/sbin"
work = tempfile.mkdtemp(prefix="f2fs-damage-")
os.chdir(work)
random.seed(1)
files = {}
for i in range(60):
    path = f"folder{i % 6}/file{i:02}.bin"
    os.makedirs("tree/" + os.path.dirname(path), exist_ok=True)
    content = random.randbytes([700, 3000, 9000, 40000, 100000][i % 5] + i if i else 4_500_000)
    files[path] = hashlib.sha256(content).hexdigest()
    open("tree/" + path, "wb").write(content)
run = lambda *words, **more: subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, **more)
subprocess.run("truncate -s 128M whole.img && mkfs.f2fs -q -f whole.img && sload.f2fs -P -f tree -t / whole.img", shell=True, check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
image = bytearray(open("whole.img", "rb").read())
number = lambda at: struct.unpack_from("<I", image, at)[0]
main, packs = number(1024 + 92), number(1024 + 76)
contents = {open("tree/" + path, "rb").read()[at:at + BLOCK].ljust(BLOCK, b"\0") for path in files
            for at in range(0, os.path.getsize("tree/" + path), BLOCK)}
inodes, metadata = {}, []
for block in range(len(image) // BLOCK):
    at = block * BLOCK
    bytes_ = bytes(image[at:at + BLOCK])
    if not any(bytes_) or (block >= main and bytes_ in contents):
        continue
    metadata.append(block)
    node, inode = struct.unpack_from("<II", bytes_, 4072)
    name = bytes_[92:92 + min(255, number(at + 88))].decode("latin1")
    if block >= main and node == inode and name.endswith(".bin"):
        inodes[name] = inode

def area(block):
    for name, start in (("main area (nodes, folders)", main), ("SSA", number(1024 + 88)), ("NAT", number(1024 + 84)),
                        ("SIT", number(1024 + 80)), ("checkpoints", packs)):
        if block >= start:
            return name
    return "superblocks"

def by_salvage():
    try:
        lines = run(tool, "list", "damaged.img").stdout.decode("utf8", "replace").splitlines()
    except subprocess.TimeoutExpired:
        return 0
    sums = {fields[2]: fields[1] for fields in (line.split("\t") for line in lines) if fields[0] == "sum"}
    return sum(sums.get(path) == digest for path, digest in files.items())

def by_dump():
    right = 0
    shutil.rmtree("lost_found", ignore_errors=True)
    for path, digest in files.items():
        name = os.path.basename(path)
        try:
            run("dump.f2fs", "-i", hex(inodes[name]), "damaged.img", input=b"y\n" * 8)
        except subprocess.TimeoutExpired:
            continue
        try:
            right += hashlib.sha256(open("lost_found/" + name, "rb").read()).hexdigest() == digest
        except OSError:
            pass
        shutil.rmtree("lost_found", ignore_errors=True)
    return right

def check():
    try:
        return run("fsck.f2fs", "--dry-run", "damaged.img", input=b"n\n" * 8).returncode
    except subprocess.TimeoutExpired:
        return None

shutil.copyfile("whole.img", "damaged.img")
print(f"{len(files)} files, {len(metadata)} blocks of metadata; undamaged: Salvage {by_salvage()}, dump.f2fs {by_dump()}", flush=True)
sums = {}
with open("damaged.img", "r+b") as damaged:
    for block in metadata:
        damaged.seek(block * BLOCK); damaged.write(random.Random(block).randbytes(BLOCK)); damaged.flush()
        row = sums.setdefault(area(block), [0, 0, 0, 0])
        salvage, dump = by_salvage(), by_dump()
        for i, value in enumerate((1, salvage, dump, check() == 0)):
            row[i] += value
        damaged.seek(block * BLOCK); damaged.write(image[block * BLOCK:(block + 1) * BLOCK]); damaged.flush()
total = [sum(column) for column in zip(*sums.values())]
for name, (blocks, salvage, dump, passed) in [*sums.items(), ("all", total)]:
    print(f"{name}: {blocks} blocks; of {blocks * len(files)} files Salvage {salvage} ({100 * salvage / blocks / len(files):.1f} %), dump.f2fs {dump} "
          f"({100 * dump / blocks / len(files):.1f} %); fsck.f2fs --dry-run ends with 0 on {passed}")
shutil.rmtree(work)
