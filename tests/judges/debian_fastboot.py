"""Debian's fastboot flashes our simulated bootloader over TCP, raw and sparse; every byte is compared.

usage: debian_fastboot.py SERVE_FASTBOOT
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

MIB = 1 << 20
SKIP = 77
FLASH_BYTES = 24 * MIB
PARTITIONS = {"metadata": (1 * MIB, 2 * MIB), "userdata": (4 * MIB, 16 * MIB + 512)}
ANOTHER_ROM = b"\xa5"


def fail(text):
    sys.exit(f"debian_fastboot: {text}")


class Phone:
    """The simulator over an image file."""

    def __init__(self, program, folder, max_download):
        self.path = os.path.join(folder, "flash.img")
        with open(self.path, "wb") as file:
            file.write(ANOTHER_ROM * FLASH_BYTES)
        partitions = [f"{name}:{start}:{size}" for name, (start, size) in PARTITIONS.items()]
        self.process = subprocess.Popen([program, "tcp", self.path, str(max_download), *partitions],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def fastboot(self, *arguments, expected=0):
        done = subprocess.run(["fastboot", "-s", f"tcp:127.0.0.1:{self.port}", *arguments], capture_output=True,
                              text=True, timeout=60)
        if done.returncode != expected:
            fail(f"fastboot {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=10) != 0:
            fail("the simulator ended with an error")

    def expect(self, content):
        """The flash holds `content` {name: bytes} and is untouched elsewhere."""
        whole = bytearray(ANOTHER_ROM * FLASH_BYTES)
        for name, data in content.items():
            start = PARTITIONS[name][0]
            whole[start:start + len(data)] = data
        with open(self.path, "rb") as file:
            found = file.read()
        if found == whole:
            return
        for at, (is_byte, due_byte) in enumerate(zip(found, whole)):
            if is_byte != due_byte:
                fail(f"byte {at:#x} is {is_byte:#04x}, expected {due_byte:#04x}")


def image(size, seed):
    data = bytearray(random.Random(seed).randbytes(size))
    data[size // 2:size // 2 + 256 * 1024] = bytes(256 * 1024)
    return bytes(data)


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def check_raw(program, folder):
    phone = Phone(program, folder, 32 * MIB)
    data = image(PARTITIONS["userdata"][1], 1)
    phone.fastboot("flash", "userdata", write(folder, "raw.img", data))
    phone.expect({"userdata": data})
    phone.close()


def check_sparse(program, folder):
    """-S cuts the image into sparse pieces.  Its zero blocks it turns into don't-care, which we would never do: the
    other ROM's bytes stay there, and the judge knows it."""
    phone = Phone(program, folder, 32 * MIB)
    data = bytearray(random.Random(2).randbytes(16 * MIB))
    said = phone.fastboot("-S", "512K", "flash", "userdata", write(folder, "sparse.img", data))
    if said.count("Sending sparse") < 16:
        fail(f"few sparse pieces:\n{said}")
    phone.expect({"userdata": data})
    phone.close()


def check_limit(program, folder):
    """A small max-download-size makes fastboot cut the image by itself."""
    phone = Phone(program, folder, 1 * MIB)
    data = random.Random(3).randbytes(2 * MIB)
    said = phone.fastboot("flash", "metadata", write(folder, "limit.img", data))
    if "Sending sparse" not in said:
        fail(f"no sparse piece:\n{said}")
    phone.expect({"metadata": data})
    phone.close()


def check_words(program, folder):
    phone = Phone(program, folder, 32 * MIB)
    if "product: salvage_phone" not in phone.fastboot("getvar", "product"):
        fail("getvar product")
    said = phone.fastboot("getvar", "all")
    if "partition-size:metadata: 200000" not in said:
        fail(f"getvar all:\n{said}")
    phone.fastboot("erase", "metadata")
    phone.expect({"metadata": bytes(2 * MIB)})
    too_large = write(folder, "large.img", bytes(3 * MIB))
    if "size too large" not in phone.fastboot("flash", "metadata", too_large, expected=1):
        fail("a raw image that is too large was not refused in LK's words")
    phone.expect({"metadata": bytes(2 * MIB)})
    phone.fastboot("oem", "unlock")
    phone.fastboot("reboot-bootloader")
    phone.close()


def main():
    if shutil.which("fastboot") is None:
        print("fastboot (Debian package fastboot) is not installed")
        sys.exit(SKIP)
    for check in (check_raw, check_sparse, check_limit, check_words):
        with tempfile.TemporaryDirectory() as folder:
            check(sys.argv[1], folder)
        print(f"{check.__name__}: as it should be")


main()
