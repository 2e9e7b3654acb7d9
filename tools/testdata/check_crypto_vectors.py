#!/usr/bin/env python3
"""Recomputes tests/data/crypto/{hash,kdf,aes,sector}.vec by Python's hashlib, hmac and cryptography, none of our code.

Usage: check_crypto_vectors.py tests/data/crypto        Prints what it checked; exits with 1 at the first difference.
"""
import hashlib
import hmac
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def records(path):
    section, current = "", None
    for line in path.read_text().splitlines() + [""]:
        line = line.strip()
        if line.startswith("#"):
            continue
        if not line or line.startswith("["):
            if current:
                yield current
            current = None
            section = line.strip("[]") if line else section
            continue
        key, value = (part.strip() for part in line.split("=", 1))
        current = current or {"Section": section}
        current[key] = value


def raw(value):
    return value[1:-1].encode() if value.startswith('"') else bytes.fromhex(value)


def encrypt(key, mode, data):
    return Cipher(algorithms.AES(key), mode).encryptor().update(data)


def counting():
    return bytes(range(256)) * 2


class Checker:
    def __init__(self):
        self.count = 0
        self.previous = b""

    def same(self, record, name, got):
        if raw(record[name]) != got:
            sys.exit(f"{record['Section']}: {name} should be {got.hex()}: {record}")
        self.count += 1

    def check(self, r):
        match r["Section"]:
            case "SHA-256":
                self.same(r, "Digest", hashlib.sha256(raw(r["Message"])).digest())
            case "HMAC-SHA256":
                self.same(r, "Mac", hmac.new(raw(r["Key"]), raw(r["Message"]), "sha256").digest())
            case "Samsung EDK":
                key = hashlib.pbkdf2_hmac("sha256", raw(r["Password"]), raw(r["Salt"]), 4096, 32)
                self.same(r, "Mac", hmac.new(key, raw(r["Edk"]), "sha256").digest())
                if "Key" in r:
                    self.same(r, "Key", key)
            case "PBKDF2-HMAC-SHA1" | "PBKDF2-HMAC-SHA256":
                name = r["Section"].rsplit("-", 1)[1].lower()
                size = len(raw(r["Key"]))
                self.same(r, "Key", hashlib.pbkdf2_hmac(name, raw(r["Password"]), raw(r["Salt"]), int(r["Iterations"]), size))
            case "scrypt":
                self.same(r, "Key", hashlib.scrypt(raw(r["Password"]), salt=raw(r["Salt"]), n=int(r["N"]), r=int(r["R"]),
                                                   p=int(r["P"]), maxmem=2**30, dklen=len(raw(r["Key"]))))
            case "AES block":
                self.same(r, "Cipher", encrypt(raw(r["Key"]), modes.ECB(), raw(r["Plain"])))
            case "AES-CBC":
                self.same(r, "Cipher", encrypt(raw(r["Key"]), modes.CBC(raw(r["Iv"])), raw(r["Plain"])))
            case "XTS":
                plain = counting() if r["Plain"] == "count" else self.previous
                tweak = int(r["Sector"], 0).to_bytes(16, "little")
                self.previous = encrypt(raw(r["Key"]), modes.XTS(tweak), plain)
                self.same(r, "First", self.previous[:16])
                self.same(r, "Last", self.previous[-16:])
                self.same(r, "Sha256", hashlib.sha256(self.previous).digest())
            case "ESSIV":
                key = hashlib.sha256(raw(r["Key"])).digest()
                if "EssivKey" in r:
                    self.same(r, "EssivKey", key)
                self.same(r, "Iv", encrypt(key, modes.ECB(), int(r["Sector"], 0).to_bytes(16, "little")))
            case other:
                sys.exit(f"no rule for section {other}")


checker = Checker()
for file in ("hash.vec", "kdf.vec", "aes.vec", "sector.vec"):
    for record in records(pathlib.Path(sys.argv[1]) / file):
        checker.check(record)
print(f"{checker.count} values agree")
