#!/usr/bin/env python3
"""Opens a sample phone without any code of Salvage: a second witness for `salvage demo` and the whole-rescue tests.

Reads GPT (or takes --userdata START:SIZE), finds the crypto footer in `metadata` or 16 KiB before the end of userdata,
derives the master key with hashlib and python3-cryptography, proves it by the ext4 superblock, and prints what it found.

    check_sample_phone.py phone.img --secret 1397 [--decrypt plain.img] [--sector 4096] [--iv-base disk]

Needs Python 3.9 and the Debian package python3-cryptography.
"""
import argparse
import hashlib
import hmac
import struct
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_der_private_key

AOSP, SAMSUNG = 0xD0B5B1C4, 0xD0B5B1C5


def partitions(dump):
    """Name -> (start, size) by the primary GPT, or by the backup at the end of the file."""
    dump.seek(0, 2)
    size = dump.tell()
    for header_at in (512, size - 512):
        dump.seek(header_at)
        header = dump.read(92)
        if header[:8] != b"EFI PART":
            continue
        entries_lba, count, entry_bytes = struct.unpack_from("<QII", header, 72)
        found = {}
        for i in range(count):
            dump.seek(entries_lba * 512 + i * entry_bytes)
            entry = dump.read(entry_bytes)
            first, last = struct.unpack_from("<QQ", entry, 32)
            name = entry[56:128].decode("utf-16-le").rstrip("\0")
            if name:
                found[name] = (first * 512, (last + 1 - first) * 512)
        return found
    sys.exit("no GPT: give --userdata START:SIZE")


def read_at(dump, at, size):
    dump.seek(at)
    return dump.read(size)


def aes_cbc(key, iv, data):
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def aes_ecb(key, data):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def rsa_key(blob, args):
    """(n, d) from a software blob, or from BKMK with --enc-key."""
    if blob[:4] == b"PK#8":
        public_bytes = struct.unpack_from(">I", blob, 8)[0]
        private_bytes = struct.unpack_from(">I", blob, 12 + public_bytes)[0]
        der = blob[16 + public_bytes:16 + public_bytes + private_bytes]
    elif blob[:1] == b"\0":
        der = blob[5:5 + struct.unpack_from("<I", blob, 1)[0]]
        hidden = struct.pack("<I", 2) + b"SW" + struct.pack("<II", 1, 12) + struct.pack("<III", 0x900002C0, 2, 0)
        wanted = hmac.new(b"IntegrityAssuredBlob0\0", blob[:-8] + hidden, "sha256").digest()[:8]
        print("keymaster blob integrity:", "right" if wanted == blob[-8:] else "WRONG")
    elif blob[:4] == b"BKMK" and args.enc_key:
        n = int.from_bytes(blob[8:8 + 256], "big")
        iv = blob[8 + 516 + 516:][:16]
        d = int.from_bytes(aes_cbc(bytes.fromhex(args.enc_key), iv, blob[8 + 516 + 516 + 16:][:256]), "big")
        mac = hmac.new(bytes.fromhex(args.hmac_key), blob[:1572], "sha256").digest()
        print("BKMK hmac:", "right" if mac == blob[1572:1604] else "WRONG")
        return n, d
    else:
        sys.exit("needs the phone's key: keymaster blob begins " + blob[:8].hex())
    numbers = load_der_private_key(der, None).private_numbers()
    return numbers.public_numbers.n, numbers.d


def samsung_key(footer, secret):
    edk, mac, salt = footer[0x84:0xA4], footer[0xA4:0xC4], footer[0xC4:0xD4]
    key = hashlib.pbkdf2_hmac("sha256", secret, salt, 4096, 32)
    print("footer's check value:", "right" if hmac.new(key, edk, "sha256").digest() == mac else "WRONG")
    stream = aes_ecb(key, bytes(range(16))) + aes_ecb(key, b"\x01" + bytes(range(1, 16)))
    return bytes(a ^ b for a, b in zip(edk, stream))


def aosp_candidates(footer, secret, args):
    """Every master key that the secret may stand for: salts and unwraps that the footer leaves open."""
    minor, struct_bytes, flags, key_bytes = struct.unpack_from("<HIII", footer, 6)
    base = struct_bytes if minor == 0 else 0x68
    wrapped = footer[base:base + key_bytes]
    salts = [footer[base + key_bytes + 32:][:16]] if minor == 0 else [footer[0x98:0xA8]]
    if minor and key_bytes == 32:
        salts.append(footer[0xA8:0xB8])
    kdf, n, r, p = footer[0xBC:0xC0] if minor >= 2 else (1, 0, 0, 0)
    if flags & 1:
        return [wrapped]

    def scrypt(password, salt, size):
        return hashlib.scrypt(password, salt=salt, n=1 << n, r=1 << r, p=1 << p, dklen=size, maxmem=1 << 30)

    def derive(password, salt):
        if kdf == 1:
            return hashlib.pbkdf2_hmac("sha1", password, salt, 2000, 48)
        if kdf == 2:
            return scrypt(password, salt, 48)
        blob = footer[0xE8:0xE8 + struct.unpack_from("<I", footer, 0x8E8)[0]]
        modulus, exponent = rsa_key(blob, args)
        middle = scrypt(password, salt, 32)
        message = {3: middle.rjust(256, b"\0"), 4: middle.ljust(256, b"\0"), 5: (b"\0" + middle).ljust(256, b"\0")}[kdf]
        return scrypt(pow(int.from_bytes(message, "big"), exponent, modulus).to_bytes(256, "big"), salt, 48)

    out, checks = [], []
    for salt in salts:
        owner = derive(secret, salt)
        if minor >= 3 and any(footer[0x8EC:0x90C]):
            checks.append(scrypt(owner[:16], salt, 32) == footer[0x8EC:0x90C])
        material = derive(b"default_password", salt) if flags & 0x30 else owner
        out.append(aes_cbc(material[:16], material[16:32], wrapped))
        if key_bytes == 32:
            out.append(aes_cbc(material[:32], material[32:48], wrapped))
    if checks:
        print("footer's check value:", "right" if any(checks) else "WRONG")
    if minor >= 3 and struct_bytes == 0x930:
        whole = footer[:0x90C] + bytes(32) + footer[0x92C:0x930]
        print("footer's own hash:", "right" if hashlib.sha256(whole).digest() == footer[0x90C:0x92C] else "WRONG")
    return out


def decrypt_sector(cipher, key, number, data):
    iv = struct.pack("<QQ", number, 0)
    if cipher == "aes-xts-plain64":
        decryptor = Cipher(algorithms.AES(key), modes.XTS(iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()
    if cipher == "aes-cbc-essiv:sha256":
        iv = aes_ecb(hashlib.sha256(key).digest(), iv)
    return aes_cbc(key, iv, data)


class Volume:
    def __init__(self, dump, start, cipher, key, args):
        self.dump, self.start, self.cipher, self.key = dump, start, cipher, key
        self.sector = args.sector
        self.unit = args.sector if args.iv_counts == "sectors" else 512
        self.base = start if args.iv_base == "disk" else 0

    def read(self, at, size):
        out = b""
        raw = read_at(self.dump, self.start + at, size)
        for i in range(0, size, self.sector):
            out += decrypt_sector(self.cipher, self.key, (self.base + at + i) // self.unit, raw[i:i + self.sector])
        return out


def superblock_facts(first_4096):
    block = first_4096[1024:2048]
    if block[0x38:0x3A] != b"\x53\xEF":
        return None
    inodes, blocks = struct.unpack_from("<II", block, 0)
    return f"ext4 magic at 0x438, {inodes} inodes, {blocks} blocks of {1024 << struct.unpack_from('<I', block, 0x18)[0]} bytes"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("--secret", default="default_password")
    parser.add_argument("--secret-hex")
    parser.add_argument("--userdata", help="START:SIZE in bytes, where there is no GPT")
    parser.add_argument("--sector", type=int, default=512)
    parser.add_argument("--iv-counts", choices=["sectors", "512"], default="sectors")
    parser.add_argument("--iv-base", choices=["partition", "disk"], default="partition")
    parser.add_argument("--enc-key")
    parser.add_argument("--hmac-key")
    parser.add_argument("--decrypt", metavar="FILE", help="write the plain volume (free blocks become noise)")
    args = parser.parse_args()
    secret = bytes.fromhex(args.secret_hex) if args.secret_hex else args.secret.encode()

    with open(args.dump, "rb") as dump:
        if args.userdata:
            start, size = (int(text, 0) for text in args.userdata.split(":"))
            places = []
        else:
            table = partitions(dump)
            start, size = table["userdata"]
            places = [table["metadata"][0]]
        places.append(start + size - 0x4000)
        for place in places:
            footer = read_at(dump, place, 0x4000)
            magic = struct.unpack_from("<I", footer)[0]
            if magic in (AOSP, SAMSUNG):
                break
        else:
            sys.exit("no crypto footer at " + ", ".join(map(hex, places)))
        cipher = footer[0x24:0x64].split(b"\0")[0].decode()
        sectors, upto = struct.unpack_from("<Q", footer, 0x18)[0], None
        print(f"footer at {place:#x}: minor {footer[6]}, {cipher}, {sectors} sectors")
        if magic == AOSP and footer[6] >= 3 and struct.unpack_from("<I", footer, 0x0C)[0] & 2:
            upto = (struct.unpack_from("<Q", footer, 0xC0)[0] + 1) * 512
            print(f"encrypted up to byte {upto:#x} of the volume")
        keys = [samsung_key(footer, secret)] if magic == SAMSUNG else aosp_candidates(footer, secret, args)
        for key in keys:
            volume = Volume(dump, start, cipher, key, args)
            facts = superblock_facts(volume.read(0, 4096))
            if facts:
                break
        else:
            sys.exit("no master key opens userdata: " + " ".join(key.hex() for key in keys))
        print("master key:", key.hex())
        print("proof:", facts)
        if upto and hashlib.sha256(volume.read(0, 4096)).digest() != footer[0xC8:0xE8]:
            sys.exit("hash of the first block is wrong")
        if args.decrypt:
            with open(args.decrypt, "wb") as out:
                for at in range(0, sectors * 512, 4096):
                    if upto and at >= upto:
                        out.write(read_at(dump, start + at, 4096))
                        continue
                    raw = read_at(dump, start + at, 4096)
                    if any(raw):  # a hole was never encrypted
                        out.seek(at)
                        out.write(volume.read(at, 4096))
                out.truncate(sectors * 512)


if __name__ == "__main__":
    main()
