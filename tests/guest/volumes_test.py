#!/usr/bin/env python3
"""Volumes that Debian's kernel filled and its dm-crypt enciphered, against the kernel's own listing.

    volumes_test.py GUEST_FOLDER WORK_FOLDER SALVAGE [NBDKIT_PLUGIN]

Two ciphers for ext4 and one for f2fs, and with SALVAGE_ALL_VOLUMES=1 all of {cbc-essiv 128, 256; xts 256, 512; cbc-essiv with
4096-byte sectors; Adiantum} for both; each {put away cleanly, copied while mounted}.  Of each: the script of `decrypt
--print-dmsetup` run in the guest, `export`, the FUSE
mount, and (with a plugin) NBD mounted by the guest's kernel.  Content, size, mode, owner, time to the nanosecond, link
target, extended attributes.  Ends with 77 where the guest cannot be had.
"""
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from volume_listing import content_digest, differences, list_tree

SKIPPED = 77
CIPHERS = {  # name: cipher, bytes of the key, of a sector
    "cbc-128": ("aes-cbc-essiv:sha256", 16, 512),
    "xts-512": ("aes-xts-plain64", 64, 512),
    "cbc-256": ("aes-cbc-essiv:sha256", 32, 512),
    "xts-256": ("aes-xts-plain64", 32, 512),
    "cbc-4096": ("aes-cbc-essiv:sha256", 16, 4096),
    "adiantum": ("xchacha12,aes-adiantum-plain64", 32, 4096),
}
SIZES = {"ext4": 64 << 20, "f2fs": 128 << 20}
USUAL = {"cbc-128": "ext4", "xts-512": "f2fs", "cbc-4096": "ext4", "adiantum": "f2fs"}
IS_ALL = bool(os.environ.get("SALVAGE_ALL_VOLUMES"))


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, check=False, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout!r} {done.stderr!r}"
    return done.stdout


def volumes_of(work):
    out = []
    for name, (cipher, key_bytes, sector) in CIPHERS.items():
        key = random.Random(name).randbytes(key_bytes)
        (work / f"{name}.key").write_bytes(key)
        for kind in SIZES if IS_ALL else [USUAL.get(name)] if name in USUAL else []:
            for state in ("clean", "dirty"):
                out.append({"name": f"{kind}-{state}-{name}", "plain": f"{kind}-{state}", "cipher": cipher, "key": key.hex(),
                            "sector": sector, "key_file": str(work / f"{name}.key")})
    return out


def drives(disks):
    out = ["-device", "virtio-scsi-pci,id=scsi"]
    for number, (name, file) in enumerate(disks):
        out += ["-drive", f"file={file},format=raw,if=none,id=d{number},cache=unsafe",
                "-device", f"scsi-hd,drive=d{number},serial={name},lun={number}"]
    return out


def guest(folder, job_file, job, options, seconds):
    job_file.write_text(json.dumps({**job, "guest": str(folder)}))
    return subprocess.run([HERE / "run_guest.sh", folder, HERE / "volumes_inside.sh", job_file, *options],
                          env={**os.environ, "SALVAGE_GUEST_SECONDS": str(seconds)}, check=False).returncode


def make(folder, work, salvage, volumes):
    disks = []
    for kind, size in SIZES.items():
        disks += [(f"{kind}-{state}", work / f"{kind}-{state}.img", size) for state in ("clean", "dirty", "scratch")]
    disks += [(v["name"], work / f"{v['name']}.img", SIZES[v["plain"].split("-")[0]]) for v in volumes]
    disks.append(("listings", work / "listings.tar", 64 << 20))
    for _, path, size in disks:
        path.unlink(missing_ok=True)
        with open(path, "wb") as file:
            file.truncate(size)
    many = 50_000 if IS_ALL else 12_000
    status = guest(folder, work / "make.json", {"filesystems": list(SIZES), "volumes": volumes, "many": many,
                                                    "salvage": str(salvage.resolve())},
                   drives([disk[:2] for disk in disks]), 1500 if IS_ALL else 500)
    if status != 0:
        sys.exit(status)
    run("tar", "-xf", work / "listings.tar", "-C", work)


def listing_of_export(out):
    """The export's folder and its manifest, in the words of volume_listing."""
    found = {}
    for line in (out / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        path = bytes.fromhex(entry["path_hex"]) if "path_hex" in entry else entry["path"].encode()
        row = {key: entry[key] for key in ("type", "mode", "uid", "gid", "mtime")}
        row["xattrs"] = entry.get("xattrs") or {}
        if entry["type"] == "file":
            stored = bytes.fromhex(entry["stored_hex"]) if "stored_hex" in entry else entry["stored"].encode()
            row["size"] = entry["size"]
            row["content"] = content_digest(os.fsencode(out) + b"/" + stored, entry["size"])
            assert entry["lost_bytes"] == 0
        if entry["type"] == "symlink":
            target = bytes.fromhex(entry["target_hex"]) if "target_hex" in entry else entry["target"].encode()
            row["target"] = target.hex()
        if "device" in entry:
            row["device"] = entry["device"]
        found[path.lstrip(b"/").hex()] = row
    return found


def options_of(volume):
    return ["--master-key", volume["key_file"], "--cipher", volume["cipher"], "--sector-size", str(volume["sector"])]


def not_compared(volume, keys):
    is_recovered = volume["plain"] == "f2fs-dirty"
    # Rolling forward gives folders the time of day of the recovery.
    return lambda _, row: (*keys, "mtime") if is_recovered and row["type"] == "directory" else keys


def by_export(work, salvage, volume, wanted):
    out = work / "exported"
    shutil.rmtree(out, ignore_errors=True)
    run(salvage, "export", work / f"{volume['name']}.img", "-o", out, "--quiet", *options_of(volume))
    wrong = differences(wanted, listing_of_export(out), not_compared(volume, ("links",)))
    shutil.rmtree(out)
    return wrong


def by_fuse(work, salvage, volume, wanted):
    folder = work / "mounted"
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen([salvage, "mount", work / f"{volume['name']}.img", folder, "--quiet", *options_of(volume)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not process.stdout.readline():
        print(f"FUSE is not looked at: {process.communicate()[1].decode().strip()}")
        return None
    try:
        # Only root is shown attributes of "trusted".
        hidden = () if os.geteuid() == 0 else ("xattrs",)
        return differences(wanted, list_tree(folder / "files"), not_compared(volume, hidden))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def by_nbd(folder, work, plugin, volumes):
    servers, disks = [], []
    for volume in volumes:
        socket = work / f"{volume['name']}.sock"
        socket.unlink(missing_ok=True)
        parameters = [f"file={work}/{volume['name']}.img", "what=userdata", f"key-file={volume['key_file']}",
                      f"cipher={volume['cipher']}", f"sector-size={volume['sector']}"]
        servers.append(subprocess.Popen(["nbdkit", "-f", "-r", "-U", str(socket), plugin, *parameters]))
        disks.append((volume["name"], f"nbd+unix:///?socket={socket}"))
    try:
        for volume in volumes:
            while not (work / f"{volume['name']}.sock").exists():
                assert all(server.poll() is None for server in servers), "nbdkit ended"
        options = [option.replace("cache=unsafe", "cache=unsafe,snapshot=on") for option in drives(disks)]
        return guest(folder, work / "compare.json", {"volumes": volumes, "listings": str(work)}, options, 1500 if IS_ALL else 500)
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def main():
    folder, work, salvage = map(pathlib.Path, sys.argv[1:4])
    plugin = sys.argv[4] if len(sys.argv) > 4 else None
    for program in ("qemu-system-x86_64", "mkfs.f2fs", "dmsetup", "busybox", "cpio"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/sbin:/usr/sbin"):
            print(f"skipped: {program} is not installed")
            sys.exit(SKIPPED)
    work.mkdir(parents=True, exist_ok=True)
    folder, work = folder.resolve(), work.resolve()
    volumes = volumes_of(work)
    make(folder, work, salvage, volumes)
    failed = False
    for volume in volumes:
        wanted = json.loads(gzip.decompress((work / f"{volume['plain']}.json.gz").read_bytes()))
        assert len(wanted) > 500
        for way in (by_export, by_fuse):
            wrong = way(work, salvage, volume, wanted)
            if wrong is not None:
                print(f"{volume['name']} {way.__name__}: {len(wanted)} entries, {len(wrong)} differences", *wrong[:10], sep="\n  ")
                failed = failed or bool(wrong)
    if plugin and shutil.which("nbdkit"):
        failed = by_nbd(folder, work, plugin, volumes) != 0 or failed
    else:
        print("NBD is not looked at: there is no plugin")
    if not failed:
        shutil.rmtree(work)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
