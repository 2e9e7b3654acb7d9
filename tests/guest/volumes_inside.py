"""Inside the guest: fills ext4 and f2fs by the kernel, copies them clean and live, enciphers each by dm-crypt, lists them.

    volumes_inside.py make JOB.json       or       volumes_inside.py compare JOB.json
"""
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from volume_listing import differences, list_tree

OUT = pathlib.Path("/tmp/listings")


def run(*command, data=None):
    done = subprocess.run([*map(str, command)], capture_output=True, input=data, check=False)
    if done.returncode != 0:
        raise SystemExit(f"guest: {command} ended with {done.returncode}: {done.stdout!r:.300} {done.stderr.decode()}")
    return done.stdout


def noise(count, seed):
    return random.Random(seed).randbytes(count)


def put(path, data, sync=False):
    with open(path, "wb") as file:
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def put_at(path, at, data, sync=False):
    with open(path, "r+b" if os.path.exists(path) else "wb") as file:
        file.seek(at)
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def fill(root, many):
    for number, size in enumerate((0, 1, 59, 60, 61, 150, 3400, 3700, 4095, 4096, 4097, 65536, 3_780_608, 6_000_000)):
        put(root / f"size {size}", noise(size, number))
    camera = root / "media/0/DCIM/Camera"
    camera.mkdir(parents=True)
    for i in range(12):
        put(camera / f"IMG_{i}.jpg", noise(20_000 + i * 777, 100 + i))
    for name in ("имя", "日本語の名前", "ünïcödé", "quote\"back\\slash", "..three", "n" * 255, "with\nline", "🙂"):
        put(root / name, name.encode())
    put(os.fsencode(root) + b"/\xff\xfe not utf-8", b"bytes")
    (root / "a folder/of a folder/of a folder").mkdir(parents=True)
    (root / "empty folder").mkdir()
    os.link(root / "size 4096", root / "media/another name")
    os.symlink("media/0/DCIM", root / "short link")
    os.symlink("/" + "c" * 3000, root / "long link")
    os.mkfifo(root / "fifo")
    os.mknod(root / "character device", 0o020600, os.makedev(10, 229))
    os.mknod(root / "block device", 0o060600, os.makedev(259, 70000))
    put_at(root / "holes", 3 * 4096, noise(4096, 20))
    put_at(root / "holes", 2000 * 4096, noise(8192, 21))
    os.truncate(root / "holes", 20_000_000)
    for at in (0, 1 << 30, (5 << 30) - 8192):
        put_at(root / "five GiB", at, noise(8192, at % 97))
    put(root / "punched", noise(40_000, 22))
    run("fallocate", "-p", "-o", "8192", "-l", "12288", root / "punched")
    run("fallocate", "-l", "100000", root / "reserved and never written")
    (root / "attributes").mkdir()
    for i in range(3):
        put(root / f"attributes/{i}", b"x")
        os.setxattr(root / f"attributes/{i}", "user.note", f"a note {i}".encode())
        os.setxattr(root / f"attributes/{i}", "security.selinux", b"u:object_r:media_rw_data_file:s0\0")
    os.setxattr(root / "attributes/1", "user.large", noise(2000, 23))
    os.setxattr(root / "attributes/2", "trusted.of.root", b"\0\xff")
    os.setxattr(root / "attributes", "user.of.a.folder", b"yes")
    (root / "five hundred").mkdir()
    for i in range(500):
        put(root / f"five hundred/a name that is long enough {i}", str(i).encode())
    for i in range(0, 500, 7):
        os.unlink(root / f"five hundred/a name that is long enough {i}")
    (root / "many").mkdir()
    for i in range(many):
        os.link(root / "size 1", root / f"many/{i:05}")
    os.chmod(root / "size 1", 0o4751)
    os.chmod(root / "media", 0o2770)
    os.chown(root / "media", 10123, 9997)
    os.chown(root / "short link", 1000, 1000, follow_symlinks=False)
    os.utime(root / "size 4097", ns=(0, 1_500_000_000_123_456_789))
    os.utime(root / "size 4096", ns=(0, -157_766_399_500_000_000))
    os.utime(root / "short link", ns=(0, 2_208_988_800_000_000_000), follow_symlinks=False)


def squeeze(root):
    """Compressed files of f2fs."""
    folder = root / "compressed"
    folder.mkdir()
    run("chattr", "+c", folder)
    put(folder / "prose", b"".join(b"%d\n" % i for i in range(200_000)))
    put(folder / "noise", noise(100_000, 30))


def change(root):
    """After the last sync of everything: what is synced by itself comes back, the rest may."""
    put(root / "new and small", b"after the checkpoint", sync=True)
    put(root / "new and large", noise(3_000_000, 31), sync=True)
    put_at(root / "size 65536", 8192, noise(4096, 33), sync=True)
    put_at(root / "holes", 1500 * 4096, noise(4096, 35), sync=True)
    with open(root / "size 6000000", "r+b") as file:
        file.truncate(12_345)
        os.fsync(file.fileno())
    with open(root / "size 3700", "ab") as file:
        file.write(noise(100_000, 36))
        file.flush()
        os.fsync(file.fileno())
    os.unlink(root / "size 60")
    put(root / "size 60", b"another file", sync=True)
    for i in range(600, 620):
        put(root / f"five hundred/a name that is long enough {i}", str(i).encode(), sync=True)
    os.chmod(root / "size 150", 0o600)
    os.setxattr(root / "attributes/0", "user.added", b"later")
    os.rename(root / "quote\"back\\slash", root / "renamed")
    put(root / "last", b"the last one", sync=True)
    put(root / "never synced", noise(5000, 37))


def copy(source, target):
    run("dd", f"if={source}", f"of={target}", "bs=1M", "iflag=direct", "oflag=direct", "status=none")


def device(job, name):
    """By the serial number that the host gave it: the order of disks is nobody's promise."""
    for disk in pathlib.Path("/sys/block").glob("sd*"):
        page = disk / "device/vpd_pg80"
        if page.exists() and page.read_bytes()[4:].strip() == name.encode():  # behind its header
            return pathlib.Path("/dev") / disk.name
    raise SystemExit(f"guest: no disk {name}")


def keep(name, listing):
    OUT.mkdir(exist_ok=True)
    (OUT / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(listing).encode(), 1))
    print(f"guest: {name}: {len(listing)} entries", flush=True)


MAKE = {"ext4": ["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-O", "inline_data,metadata_csum,casefold,quota", "-E", "encoding=utf8", "-I", "256"],
        "f2fs": ["mkfs.f2fs", "-q", "-f", "-O", "extra_attr,inode_checksum,inode_crtime,compression,quota,project_quota"]}
OPTIONS = {"ext4": "noatime", "f2fs": "noatime,background_gc=off,compress_algorithm=lz4"}


def make(job):
    volume = pathlib.Path("/tmp/volume")
    volume.mkdir(exist_ok=True)
    for kind in job["filesystems"]:
        clean, dirty, scratch = (device(job, f"{kind}-{state}") for state in ("clean", "dirty", "scratch"))
        run(*MAKE[kind], scratch)
        run("mount", "-t", kind, "-o", OPTIONS[kind], scratch, volume)
        fill(volume, job["many"])
        if kind == "f2fs":
            squeeze(volume)
        run("umount", volume)
        copy(scratch, clean)
        run("mount", "-t", kind, "-o", OPTIONS[kind], scratch, volume)
        run("sync")
        change(volume)
        copy(scratch, dirty)  # while it is mounted
        run("umount", volume)
        copy(dirty, scratch)
        run("mount", "-t", kind, "-o", OPTIONS[kind], scratch, volume)  # the kernel replays
        keep(f"{kind}-dirty", list_tree(volume))
        run("umount", volume)
        run("mount", "-t", kind, "-o", "ro,noatime", clean, volume)
        keep(f"{kind}-clean", list_tree(volume))
        run("umount", volume)
    for volume in job["volumes"]:
        encipher(job, volume)
    run("tar", "-cf", device(job, "listings"), "-C", OUT, ".")
    run("sync")


def encipher(job, volume):
    source, target = device(job, volume["plain"]), device(job, volume["name"])
    sectors = int((pathlib.Path("/sys/block") / target.name / "size").read_text())
    options = "" if volume["sector"] == 512 else f" 2 sector_size:{volume['sector']} iv_large_sectors"
    table = f"0 {sectors} crypt {volume['cipher']} {volume['key']} 0 {target} 0{options}"
    run("dmsetup", "create", "--noudevsync", "volume", "--table", table)
    run("dmsetup", "mknodes", "volume")
    copy(source, "/dev/mapper/volume")
    run("dmsetup", "remove", "--noudevsync", "volume")
    print(f"guest: {volume['name']} enciphered", flush=True)
    map_by_script(job, volume, source, target)


def map_by_script(job, volume, source, target):
    """What `decrypt --print-dmsetup` prints, run by a kernel that has dm-crypt."""
    run("blockdev", "--flushbufs", target)  # dm-crypt wrote below what the kernel had read of it
    for old in ("/tmp/key", "/tmp/map.sh"):
        pathlib.Path(old).unlink(missing_ok=True)
    script = run(job["salvage"], "decrypt", target, "--quiet", "--master-key", volume["key_file"], "--cipher", volume["cipher"],
                 "--sector-size", volume["sector"], "--print-dmsetup", "--key-out", "/tmp/key")
    # Nobody makes the nodes of devices here: dmsetup itself has to.
    pathlib.Path("/tmp/map.sh").write_bytes(script.replace(b"dmsetup create", b"dmsetup create --noudevsync"))
    loop = run("sh", "/tmp/map.sh").split()[-1].decode()
    run("dmsetup", "mknodes", "salvage-userdata")
    run("blockdev", "--flushbufs", source)
    run("cmp", source, "/dev/mapper/salvage-userdata")
    run("dmsetup", "remove", "--noudevsync", "salvage-userdata")
    run("losetup", "-d", loop)
    print(f"guest: {volume['name']} mapped by the printed script, equal", flush=True)


def compare(job):
    """The disks are Salvage's, by NBD; what the kernel makes of them is what it made of its own."""
    folder = pathlib.Path("/tmp/volume")
    folder.mkdir(exist_ok=True)
    failed = False
    for volume in job["volumes"]:
        kind = volume["plain"].split("-")[0]
        run("mount", "-t", kind, "-o", OPTIONS[kind], device(job, volume["name"]), folder)  # writes go to qemu's snapshot
        wanted = json.loads(gzip.decompress(pathlib.Path(job["listings"], volume["plain"] + ".json.gz").read_bytes()))
        is_dirty = volume["plain"].endswith("dirty")
        # A recovery gives folders its own time of day.
        wrong = differences(wanted, list_tree(folder),
                            lambda _, row: ("mtime",) if is_dirty and row["type"] == "directory" else ())
        run("umount", folder)
        print(f"guest: {volume['name']} by NBD: {len(wanted)} entries, {len(wrong)} differences {wrong[:5]}", flush=True)
        failed = failed or bool(wrong)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](json.loads(pathlib.Path(sys.argv[2]).read_text()))
