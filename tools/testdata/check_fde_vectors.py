#!/usr/bin/env python3
"""Recomputes tests/data/fde/*.vec by Python's hashlib, hmac and cryptography, none of our code.

Usage: check_fde_vectors.py tests/data/fde        Prints what it checked; exits with 1 at the first difference.
"""
import hashlib
import hmac
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def records(path):
    """The records of a vector file: lines between empty ones, under [Section] headings."""
    section, current = "", None
    for line in path.read_text().splitlines() + [""]:
        line = line.strip()
        if line.startswith("#"):
            continue
        if line and not line.startswith("["):
            key, value = (part.strip() for part in line.split("=", 1))
            current = current or {"Section": section}
            current[key] = value
            continue
        if current:
            yield current
        current = None
        section = line.strip("[]") or section


def raw(value):
    return value[1:-1].encode() if value.startswith('"') else bytes.fromhex(value)


def aes(key, mode, data, decrypt=True):
    cipher = Cipher(algorithms.AES(key), mode)
    return (cipher.decryptor() if decrypt else cipher.encryptor()).update(data)


def essiv(key, sector):
    number = sector.to_bytes(8, "little") + bytes(8)
    return aes(hashlib.sha256(key).digest(), modes.ECB(), number, decrypt=False)


class Checker:
    def __init__(self):
        self.count = 0

    def same(self, record, name, got):
        if raw(record[name]) != got:
            sys.exit(f"{record['Section']}: {name} should be {got.hex()}")
        self.count += 1

    def edk(self, record, blob):
        edk, mac, salt = blob[:32], blob[32:64], blob[64:80]
        key = hashlib.pbkdf2_hmac("sha256", raw(record["Password"]), salt, 4096, 32)
        if hmac.new(key, edk, "sha256").digest() != mac:
            sys.exit(f"{record['Section']}: the HMAC disagrees")
        stream = b"".join(aes(key, modes.ECB(), bytes([i]) + bytes(range(1, 16)), decrypt=False) for i in (0, 1))
        self.same(record, "Dek", bytes(a ^ b for a, b in zip(edk, stream)))

    def hash_line(self, record):
        _, _, _, salt, _, wrapped, sectors = record["Line"].split("$")
        derived = hashlib.pbkdf2_hmac("sha1", raw(record["Password"]), bytes.fromhex(salt), 2000, 32)
        self.same(record, "Key", derived[:16])
        self.same(record, "Iv", derived[16:])
        key = aes(derived[:16], modes.CBC(derived[16:]), bytes.fromhex(wrapped))
        self.same(record, "MasterKey", key)
        data = bytes.fromhex(sectors)
        plain = b"".join(
            aes(key, modes.CBC(essiv(key, i)), data[i * 512 : (i + 1) * 512]) for i in range(len(data) // 512)
        )
        if plain[:1024] != bytes(1024) or plain[0x438:0x43A] != b"\x53\xef":
            sys.exit("Hash line: no ext superblock")
        self.same(record, "IvOfSector0", essiv(key, 0))
        if "EssivKey" in record:
            self.same(record, "EssivKey", hashlib.sha256(key).digest())
            self.same(record, "IvOfSector2", essiv(key, 2))

    def scrypt(self, record):
        salt = raw(record["Salt"])
        n, r, p = (1 << power for power in raw(record["Factors"]))

        def derive(password, size):
            return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=1 << 27, dklen=size)

        derived = derive(raw(record["Password"]), 48)
        self.same(record, "Derived", derived)
        self.same(record, "Sik", derive(derived[:16], 32))
        narrow = modes.CBC(derived[16:32])
        self.same(record, "WrappedKey", aes(derived[:16], narrow, raw(record["MasterKey"]), decrypt=False))
        long_key = raw(record["LongMasterKey"])
        self.same(record, "LongWrappedByAes128", aes(derived[:16], narrow, long_key, decrypt=False))
        wide = aes(derived[:32], modes.CBC(derived[32:]), long_key, decrypt=False)
        self.same(record, "LongWrappedByAes256", wide)

    def check(self, record):
        match record["Section"]:
            case "Samsung EDK":
                self.edk(record, raw(record["Line"]))
            case "Samsung footer":
                self.edk(record, raw(record["Footer"])[0x84:0xD4])
            case "HTC 1.0":
                derived = hashlib.pbkdf2_hmac("sha1", raw(record["Password"]), raw(record["Salt"]), 2000, 48)
                self.same(record, "Key", derived[:32])
                self.same(record, "Iv", derived[32:])
                self.same(record, "MasterKey", aes(derived[:32], modes.CBC(derived[32:]), raw(record["WrappedKey"])))
            case "Hash line":
                self.hash_line(record)
            case "scrypt":
                self.scrypt(record)


def main():
    checker = Checker()
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.vec")):
        for record in records(path):
            checker.check(record)
    print(f"{checker.count} values agree")


if __name__ == "__main__":
    main()
