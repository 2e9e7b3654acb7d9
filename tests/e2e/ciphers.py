"""The phone's ciphers as Python's `cryptography` has them; without it, whoever imports this is skipped."""
import hashlib
import struct

from support import SECTOR, skip

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    skip("python3-cryptography is not installed")


def encipher(mode, key, data):
    encryptor = Cipher(algorithms.AES(key), mode).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def essiv(key, plain, first_sector=0):
    """Linux, Documentation/admin-guide/device-mapper/dm-crypt.rst: aes-cbc-essiv:sha256 of whole sectors."""
    iv_key = hashlib.sha256(key).digest()
    out = bytearray()
    for number in range(len(plain) // SECTOR):
        iv = encipher(modes.ECB(), iv_key, struct.pack("<QQ", first_sector + number, 0))
        out += encipher(modes.CBC(iv), key, plain[number * SECTOR:(number + 1) * SECTOR])
    return bytes(out)
