#!/usr/bin/env python3
"""The script that decrypt --print-dmsetup prints: its table, read by Python's cryptography, gives what decrypt writes.

    dmsetup_test.py SALVAGE MAKE_SAMPLE_PHONE

Where this machine's kernel has dm-crypt and we are root, the script itself is run as well.
"""
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

from support import run, SECTOR, skip


def by_table(script, dump, key):
    """The mapped device as the script's own numbers say.  Cipher: CBC with ESSIV, Linux dm-crypt.rst."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    start, size = map(int, re.search(r"--offset (\d+) --sizelimit (\d+)", script).groups())
    count, iv_base = map(int, re.search(r"^0 (\d+) crypt aes-cbc-essiv:sha256 \$\(.*\) (\d+) \$device 0$", script,
                                        re.MULTILINE).groups())
    assert size == count * SECTOR, "the loop device is of another size than the table"
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key)
    salt = Cipher(algorithms.AES(digest.finalize()), modes.ECB()).encryptor()
    out = bytearray()
    with open(dump, "rb") as raw:
        raw.seek(start)
        for number in range(count):
            iv = salt.update((number + iv_base).to_bytes(16, "little"))
            out += Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor().update(raw.read(SECTOR))
    return bytes(out)


def by_kernel(script_file, wanted):
    if os.geteuid() != 0 or subprocess.run(["dmsetup", "targets"], capture_output=True, check=False).stdout.find(b"crypt") < 0:
        print("the kernel's dm-crypt was not asked: it is not there, or we are not root")
        return
    told = run("sh", script_file)
    try:
        assert pathlib.Path("/dev/mapper/salvage-userdata").read_bytes() == wanted, "the kernel deciphers something else"
    finally:
        run("dmsetup", "remove", "salvage-userdata")
        run("losetup", "-d", told.split()[-1])
    print("the kernel maps it so, too")


def main():
    salvage, make_sample_phone = sys.argv[1:3]
    try:
        import cryptography  # noqa: F401
    except ImportError:
        skip("python3-cryptography is not installed")
    with tempfile.TemporaryDirectory(prefix="salvage-dm-") as name:
        work = pathlib.Path(name)
        phone = work / "a phone"
        phone.mkdir()
        dump = run(make_sample_phone, phone, text=True).strip()
        run(salvage, "decrypt", dump, "-o", work / "image", "--quiet")
        wanted = (work / "image").read_bytes()
        key_file = work / "the key"
        script = run(salvage, "decrypt", dump, "--print-dmsetup", "--key-out", key_file, "--quiet", text=True)
        key = key_file.read_bytes()
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600, "others can read the key"
        assert key.hex() not in script, "the key is shown"
        (work / "map.sh").write_text(script)
        run("sh", "-n", work / "map.sh")
        assert by_table(script, dump, key) == wanted, "the table deciphers to something else than decrypt writes"
        run(salvage, "decrypt", dump, "--print-dmsetup", "--key-out", key_file, allowed=(2,))
        assert key_file.read_bytes() == key, "a file was written over"
        run(salvage, "decrypt", dump, "--print-dmsetup", allowed=(2,))
        run(salvage, "decrypt", dump, allowed=(2,))
        run(salvage, "decrypt", work / "image", "--print-dmsetup", "--key-out", work / "none", allowed=(3,))
        assert not (work / "none").exists()
        print("the table gives what decrypt writes; the key is in its file only")
        by_kernel(work / "map.sh", wanted)


if __name__ == "__main__":
    main()
