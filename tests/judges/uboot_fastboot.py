"""Our client flashes U-Boot's sandbox fastboot over UDP, raw and sparse; every byte of the eMMC is compared.

usage: uboot_fastboot.py FASTBOOT_CLIENT FOLDER      FOLDER as tools/build_uboot_fastboot.sh leaves it

U-Boot takes packets past the system it runs on, so each end gets a network namespace of its own, joined by a virtual
cable: needs root.  Without U-Boot the test is skipped, unless SALVAGE_UBOOT=1 says that it must be there.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
SKIP = 77
EMMC_BYTES = 96 * MIB
# name: (first sector, sectors)
PARTITIONS = {"boot": (2048, 8 * MIB // 512), "metadata": (32768, 32 * MIB // 512), "userdata": (131072, 24 * MIB // 512)}
HOST, PHONE = "10.99.0.1", "10.99.0.2"


def fail(text):
    sys.exit(f"uboot_fastboot: {text}")


def skip(text):
    print(text)
    sys.exit(1 if os.environ.get("SALVAGE_UBOOT") == "1" else SKIP)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    if done.returncode != 0:
        fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Cable:
    """Two network namespaces and a virtual cable between them."""

    def __init__(self):
        self.host, self.phone = f"salvage-host-{os.getpid()}", f"salvage-phone-{os.getpid()}"
        made = subprocess.run(["ip", "netns", "add", self.host], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            skip(f"this machine gives us no network namespace: {made.stderr.strip()}")
        run("ip", "netns", "add", self.phone)
        run("ip", "link", "add", "fbv0", "netns", self.host, "type", "veth", "peer", "name", "fbv1", "netns", self.phone)
        run("ip", "-n", self.host, "addr", "add", f"{HOST}/24", "dev", "fbv0")
        for namespace, link in ((self.host, "fbv0"), (self.phone, "fbv1"), (self.phone, "lo")):
            run("ip", "-n", namespace, "link", "set", link, "up")

    def close(self):
        for namespace in (self.host, self.phone):
            subprocess.run(["ip", "netns", "del", namespace], check=False)


class Uboot:
    def __init__(self, folder, work, cable):
        commands = [f"setenv ethrotate no; setenv ethact host_fbv1; setenv ipaddr {PHONE}",
                    f"setenv netmask 255.255.255.0; setenv serverip {HOST}", "fastboot -l 12000000 -s 4000000 udp"]
        # An end of its input would stop it, so the input stays open.
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", cable.phone, os.path.join(folder, "u-boot"), "-d",
             os.path.join(folder, "fastboot.dtb"), "-c", "; ".join(commands)],
            cwd=work, stdin=subprocess.PIPE, stdout=open(os.path.join(work, "u-boot.log"), "w", encoding="utf-8"),
            stderr=subprocess.STDOUT)

    def close(self):
        self.process.kill()
        self.process.wait()


class Judge:
    def __init__(self, program, cable, work):
        self.program, self.cable, self.work = program, cable, work

    def client(self, *arguments):
        return run("ip", "netns", "exec", self.cable.host, self.program, "udp", PHONE, "5554", *arguments)

    def wait(self):
        for _ in range(10):
            done = subprocess.run(["ip", "netns", "exec", self.cable.host, self.program, "udp", PHONE, "5554", "getvar",
                                   "version"], capture_output=True, text=True, timeout=60)
            if done.returncode == 0:
                return
            time.sleep(1)
        with open(os.path.join(self.work, "u-boot.log"), encoding="utf-8", errors="replace") as log:
            fail(f"U-Boot does not answer:\n{done.stderr}\n{log.read()[-2000:]}")

    def flash(self, partition, data, *limit):
        path = os.path.join(self.work, "image")
        with open(path, "wb") as file:
            file.write(data)
        begun = time.monotonic()
        said = self.client("flash", partition, path, *limit)
        print(f"{partition}: {len(data)} bytes, {said.splitlines()[0]}, {time.monotonic() - begun:.1f} s")
        return said

    def emmc(self):
        with open(os.path.join(self.work, "emmc.img"), "rb") as file:
            return bytearray(file.read())


def make_emmc(work):
    path = os.path.join(work, "emmc.img")
    with open(path, "wb") as file:
        file.write(b"\xa5" * EMMC_BYTES)
    arguments = []
    for number, (name, (start, count)) in enumerate(PARTITIONS.items(), 1):
        arguments += ["-n", f"{number}:{start}:{start + count - 1}", "-c", f"{number}:{name}"]
    run("sgdisk", "-Z", path)
    run("sgdisk", *arguments, path)


def image(size, seed):
    data = bytearray(random.Random(seed).randbytes(size))
    data[size // 3:size // 3 + MIB] = bytes(MIB)  # zeros must arrive as zeros
    return bytes(data)


def check(judge):
    expected = judge.emmc()
    for partition, size, limit, word in (("metadata", 32 * MIB, (), "raw image"),
                                         ("boot", 8 * MIB, ("512KiB",), "sparse pieces"),
                                         ("userdata", 24 * MIB - 512, ("5MiB",), "sparse pieces")):
        data = image(size, size)
        if word not in judge.flash(partition, data, *limit):
            fail(f"{partition} did not go over as {word}")
        start = PARTITIONS[partition][0] * 512
        expected[start:start + size] = data
        if judge.emmc() != expected:
            fail(f"the eMMC is not as it should be after flashing {partition}")
        print(f"{partition}: identical, and nothing else was touched")
    judge.client("erase", "boot")
    if judge.client("getvar", "no-such-variable").strip() != "(unknown)":
        fail("a variable that U-Boot does not know")
    if judge.client("getvar", "max-download-size").strip() != "0x04000000":
        fail("max-download-size")


def main():
    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    if not os.access(os.path.join(folder, "u-boot"), os.X_OK):
        skip("U-Boot's sandbox is not built: tools/build_uboot_fastboot.sh")
    for tool in ("ip", "sgdisk"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        skip("network namespaces need root")
    with tempfile.TemporaryDirectory() as work:
        make_emmc(work)
        cable = Cable()
        try:
            phone = Uboot(folder, work, cable)
            try:
                judge = Judge(program, cable, work)
                judge.wait()
                check(judge)
            finally:
                phone.close()
        finally:
            cable.close()


main()
