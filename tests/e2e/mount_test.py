#!/usr/bin/env python3
"""Mounts a sample phone and an ext4 image that the kernel wrote, and compares with the kernel's own mount.

    mount_test.py CASE SALVAGE MAKE_SAMPLE_PHONE

CASE is phone (the decrypted image and its partitions beside decrypt, debugfs and the dump itself), kernel (every file and
attribute beside a loop mount), damage (lost sectors cost their own bytes only), endings (no way to end leaves a mount
behind), reader (killed and crowded readers), rootless, or refusals.  Where FUSE, or what else a case needs, is not
permitted, it says so and is skipped.
"""
import concurrent.futures
import errno
import hashlib
import os
import pathlib
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

from support import run, sample_phone, SECTOR, sha256, skip


def is_mounted(folder):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        return any(line.split()[4] == str(folder) for line in table)


class Mount:
    """salvage mount while the block lasts."""

    def __init__(self, salvage, dump, folder, *options, prefix=()):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen([*prefix, str(salvage), "mount", str(dump), str(folder), *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told = self.process.stdout.readline().decode().rstrip("\n")
        if told != str(folder):
            raise RuntimeError(self.process.communicate()[1].decode())

    def __enter__(self):
        return self.folder

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, err.decode()

    def __exit__(self, *_):
        if self.process.poll() is None:
            status, err = self.end()
            assert status == 0, f"Ctrl-C ended with {status}: {err}"


# --- phone -----------------------------------------------------------------------------------------------------------


def phone(work, salvage, make_sample_phone):
    dump = sample_phone(work, make_sample_phone)
    image = work / "decrypted.img"
    run(salvage, "decrypt", dump, "-o", image, "--quiet")
    dumped = work / "rdump"
    dumped.mkdir()
    run("/sbin/debugfs", "-R", f"rdump / {dumped}", image)
    with Mount(salvage, dump, work / "m") as m:
        assert sha256(m / "userdata.img") == sha256(image), "userdata.img is not what decrypt writes"
        compared = 0
        for path in dumped.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert sha256(path) == sha256(m / "files" / path.relative_to(dumped)), f"{path} differs from debugfs'"
                compared += 1
        assert compared > 20, f"debugfs took {compared} files out: nothing was compared"
        # The partitions lie in the dump as its own table says, read here by sgdisk.
        table = [line.split() for line in run("/sbin/sgdisk", "-p", dump).decode().splitlines()]
        rows = [row for row in table if row and row[0].isdigit()]
        assert len(rows) > 5
        with open(dump, "rb") as raw:
            for row in rows:
                first, last, name = int(row[1]), int(row[2]), row[-1]
                raw.seek(first * SECTOR)
                wanted = hashlib.sha256(raw.read((last + 1 - first) * SECTOR)).hexdigest()
                assert sha256(m / "partitions" / f"{name}.img") == wanted, f"partition {name} differs"
    print(f"{compared} files beside debugfs, {len(rows)} partitions beside sgdisk, userdata.img beside decrypt")


# --- kernel ----------------------------------------------------------------------------------------------------------


def loop_mount(image, folder, options):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "ext4", "-o", f"loop,{options}", str(image), str(folder)], capture_output=True,
                          check=False)
    if done.returncode != 0:
        skip(f"the kernel may not mount ext4 here: {done.stderr.decode().strip()}")


def fill(folder):
    """Everything a file can be, written by the kernel."""
    chance = random.Random(5)
    os.makedirs(folder / "a" / "b")
    (folder / "a" / "large").write_bytes(chance.randbytes(9 << 20))
    os.link(folder / "a" / "large", folder / "hard link")
    os.symlink("a/large", folder / "soft")
    os.symlink("/nowhere/" + "x" * 900, folder / "long and broken")
    os.mkfifo(folder / "fifo", 0o640)
    socket.socket(socket.AF_UNIX).bind(os.path.relpath(folder / "socket"))
    os.mknod(folder / "disk", 0o660 | stat.S_IFBLK, os.makedev(259, 70000))
    os.mknod(folder / "terminal", 0o620 | stat.S_IFCHR, os.makedev(4, 1))
    (folder / "empty").touch()
    with open(os.fsencode(folder) + b"/bytes \xff\xfe\n\x01 no text", "wb") as file:
        file.write(b"named in bytes")
    (folder / ("n" * 255)).write_text("a name as long as names get")
    with open(folder / "with holes", "wb") as file:
        for at in (1 << 20, 5 << 20, 6 << 20):
            file.seek(at)
            file.write(chance.randbytes(70000))
        file.truncate((8 << 20) + 5)
    os.chmod(folder / "empty", 0o6754)
    os.chmod(folder / "a" / "b", 0o1777)
    os.chown(folder / "empty", 10023, 1023)
    os.utime(folder / "empty", ns=(-1_234_567_891, 5_000_000_000_123_456_789))
    os.setxattr(folder / "empty", "user.note", b"bytes \0 and more")
    os.setxattr(folder / "a", "security.selinux", b"u:object_r:media_rw_data_file:s0\0")
    os.setxattr(folder / "a" / "large", "user.big", b"v" * 3000)
    many = folder / "many"
    many.mkdir()
    for number in range(10000):
        os.close(os.open(many / f"entry {number:05}", os.O_CREAT | os.O_WRONLY))


def attributes(path):
    status = os.lstat(path)
    out = {"mode": oct(status.st_mode), "links": status.st_nlink, "owner": (status.st_uid, status.st_gid),
           "times": (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)}
    if not stat.S_ISDIR(status.st_mode):
        out["size"] = status.st_size
    if stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
        out["device"] = status.st_rdev
    if stat.S_ISLNK(status.st_mode):
        out["target"] = os.readlink(path)
    else:
        out["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False)
                         for name in os.listxattr(path, follow_symlinks=False)}
    if stat.S_ISREG(status.st_mode):
        out["sha256"] = sha256(path)
        out["data"] = data_ranges(path, status.st_size)
    return out


def data_ranges(path, size):
    """Where lseek finds data, in blocks of 4096 bytes."""
    out, at = [], 0
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while at < size:
            try:
                start = os.lseek(descriptor, at, os.SEEK_DATA)
            except OSError as error:
                assert error.errno == errno.ENXIO, error
                break
            at = os.lseek(descriptor, start, os.SEEK_HOLE)
            out.append((start // 4096, -(-at // 4096)))
    finally:
        os.close(descriptor)
    return out


def tree_of(root):
    root = os.fsencode(root)
    out, numbers = {}, {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, root)
            out[inside] = attributes(path)
            numbers[inside] = os.lstat(path).st_ino
    return out, numbers


def kernel(work, salvage, _):
    if os.geteuid() != 0:
        skip("only root may mount the peer")
    image = work / "kernel.img"
    with open(image, "wb") as file:
        file.truncate(160 << 20)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", image)
    theirs = work / "theirs"
    loop_mount(image, theirs, "rw")
    try:
        fill(theirs)
    finally:
        run("umount", theirs)
    loop_mount(image, theirs, "ro,noatime")
    try:
        wanted, _ = tree_of(theirs)
        with Mount(salvage, image, work / "m") as m:
            start = time.perf_counter()
            with os.scandir(m / "files" / "many") as entries:
                count = sum(1 for entry in entries if entry.stat(follow_symlinks=False))
            seconds = time.perf_counter() - start
            assert count == 10000
            found, numbers = tree_of(m / "files")
        with Mount(salvage, image, work / "m") as m:
            _, again = tree_of(m / "files")
    finally:
        run("umount", theirs)
    assert found.keys() == wanted.keys(), f"names differ: {sorted(found.keys() ^ wanted.keys())[:10]}"
    for name, entry in found.items():
        assert entry == wanted[name], f"{name!r} is {entry}\nnot {wanted[name]}"
    assert numbers == again, "inode numbers differ from mount to mount"
    assert numbers[b"hard link"] == numbers[b"a/large"], "a hard link has a number of its own"
    print(f"{len(found)} entries are as the kernel shows them; 10,000 listed in {seconds * 1000:.0f} ms, "
          f"load {os.getloadavg()[0]:.1f}")


# --- damage ----------------------------------------------------------------------------------------------------------


def damage(work, salvage, _):
    source = work / "source"
    source.mkdir()
    content = random.Random(6).randbytes(3 << 20)
    (source / "photo").write_bytes(content)
    image = work / "damaged.img"
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d", source, image)
    first_block = int(run("/sbin/debugfs", "-R", "bmap /photo 0", image).split()[-1])
    lost = [(1 << 20, SECTOR), ((2 << 20) + 3 * SECTOR, 2 * SECTOR)]
    with open(f"{image}.map", "w", encoding="ascii") as rescue_map:
        rescue_map.write("# Mapfile.\n0x0 +\n")
        at = 0
        for start, size in lost:
            bad = first_block * 4096 + start
            rescue_map.write(f"0x{at:X} 0x{bad - at:X} +\n0x{bad:X} 0x{size:X} -\n")
            at = bad + size
        rescue_map.write(f"0x{at:X} 0x{(32 << 20) - at:X} +\n")

    def is_lost(at):
        return any(start <= at < start + size for start, size in lost)

    mount = Mount(salvage, image, work / "m")
    with mount as m:
        descriptor = os.open(m / "files" / "photo", os.O_RDONLY)
        for at in range(0, len(content), SECTOR):
            if is_lost(at):
                try:
                    os.pread(descriptor, SECTOR, at)
                    raise AssertionError(f"the lost sector at {at} was read")
                except OSError as error:
                    assert error.errno == errno.EIO, error
            else:
                assert os.pread(descriptor, SECTOR, at) == content[at:at + SECTOR], f"byte {at} differs"
        got = os.pread(descriptor, 1 << 20, (1 << 20) - 700)
        assert got == content[(1 << 20) - 700:1 << 20], "a read into the lost sector does not end before it"
        os.close(descriptor)
        # dd is told to go on, and fills what it misses with zeros.
        copied = subprocess.run(["dd", f"if={m / 'files' / 'photo'}", f"bs={SECTOR}", "conv=noerror,sync", "status=none"],
                                capture_output=True, check=False).stdout
        wanted = b"".join(bytes(SECTOR) if is_lost(at) else content[at:at + SECTOR]
                          for at in range(0, len(content), SECTOR))
        assert copied == wanted, "dd conv=noerror rescued something else"
        _, talk = mount.end()
        assert "photo" in talk or "damaged.img" in talk, f"nobody was told where the bytes are lost: {talk}"
    print(f"{len(content) // SECTOR} sectors one by one: {sum(size for _, size in lost) // SECTOR} lost, all others right")


# --- ways to end -----------------------------------------------------------------------------------------------------


def small_image(work):
    source = work / "source"
    source.mkdir()
    (source / "file").write_bytes(random.Random(7).randbytes(4 << 20))
    image = work / "small.img"
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", source, image)
    return image, (source / "file").read_bytes()


def wait_until_gone(folder, how):
    for _ in range(200):
        if not is_mounted(folder):
            break
        time.sleep(0.05)
    assert not is_mounted(folder), f"{how} left a mount behind"
    assert os.listdir(folder) == [], f"{how}: the folder is not empty"


def endings(work, salvage, _):
    image, content = small_image(work)
    folder = work / "m"
    for how, number, status in (("Ctrl-C", signal.SIGINT, 0), ("kill", signal.SIGTERM, 0),
                                ("kill -9", signal.SIGKILL, -signal.SIGKILL), ("hang-up", signal.SIGHUP, -signal.SIGHUP)):
        for is_busy in (False, True):
            mount = Mount(salvage, image, folder)
            held = open(folder / "files" / "file", "rb") if is_busy else None
            if held:
                assert held.read(1000) == content[:1000]
            ended, err = mount.end(number)
            assert ended == status, f"{how} ended with {ended}: {err}"
            wait_until_gone(folder, how)
            if held:
                held.close()
    mount = Mount(salvage, image, folder)
    run("fusermount3", "-u", folder)
    _, err = mount.process.communicate(timeout=20)
    assert mount.process.returncode == 0, f"fusermount3 -u ended with {mount.process.returncode}: {err}"
    wait_until_gone(folder, "fusermount3 -u")
    print("Ctrl-C, kill, kill -9, hang-up (each also while a file is open) and fusermount3 -u leave nothing behind")


def reader(work, salvage, _):
    image, content = small_image(work)
    with Mount(salvage, image, work / "m") as m:
        path = m / "files" / "file"
        chance = random.Random(8)
        for _ in range(20):
            readers = [subprocess.Popen(["sh", "-c", f"while :; do dd if='{path}' of=/dev/null bs=64k iflag=direct; "
                                         f"ls -lR '{m}'; done"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True) for _ in range(3)]
            time.sleep(chance.uniform(0.01, 0.2))
            for process in readers:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

        def check(seed):
            mine = random.Random(seed)
            with open(path, "rb", buffering=0) as file:
                for _ in range(200):
                    at, size = mine.randrange(len(content)), mine.randrange(1, 200000)
                    assert os.pread(file.fileno(), size, at) == content[at:at + size], f"{size} bytes at {at} differ"

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(check, range(8)))
    print("60 readers were killed on their way; 8 side by side read right")


def rootless(work, salvage, _):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        skip("needs root, to become someone who is not")
    if shutil.which("fusermount3") is None:
        skip("fusermount3 is not installed")
    image, content = small_image(work)
    for path in (work, image):
        os.chmod(path, 0o755)
    folder = work / "m"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    program = work / "salvage"  # the build folder may be closed to others
    shutil.copy(salvage, program)
    someone = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with Mount(program, image, folder, prefix=someone) as m:
        assert run(*someone, "cat", m / "files" / "file") == content
        for denied in (("touch", m / "files" / "new"), ("rm", "-f", m / "files" / "file"), ("chmod", "0", m / "userdata.img")):
            done = subprocess.run([*someone, *map(str, denied)], capture_output=True, text=True, check=False)
            assert done.returncode != 0 and "Read-only" in done.stderr, f"{denied}: {done.stderr}"
    wait_until_gone(folder, "Ctrl-C without root")
    print("a user without rights mounts, reads, cannot write, and unmounts")


def refusals(work, salvage, _):
    image, _ = small_image(work)
    full = work / "full"
    full.mkdir()
    (full / "something").touch()
    for folder, status, word in ((full, 2, "empty"), (work / "absent", 1, "mkdir"), (image, 2, "empty")):
        done = subprocess.run([salvage, "mount", str(image), str(folder)], capture_output=True, text=True, check=False)
        assert done.returncode == status and word in done.stderr, f"{folder}: {done.returncode} {done.stderr}"
        assert not is_mounted(folder)
    print("a full folder, an absent one and a file are refused with a way out")


def main():
    case, salvage, make_sample_phone = sys.argv[1:4]
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        skip("/dev/fuse cannot be used here")
    if "mount" not in run(salvage, "--help").decode():
        skip("this salvage was built without libfuse3")
    cases = {function.__name__: function for function in (phone, kernel, damage, endings, reader, rootless, refusals)}
    with tempfile.TemporaryDirectory(prefix="salvage-mount-") as name:
        work = pathlib.Path(name).resolve()
        try:
            cases[case](work, pathlib.Path(salvage).resolve(), make_sample_phone)
        finally:
            for folder in (work / "m", work / "theirs"):
                if is_mounted(folder):
                    subprocess.run(["umount", "-l", str(folder)], check=False)


if __name__ == "__main__":
    main()
