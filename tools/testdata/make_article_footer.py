#!/usr/bin/env python3
"""Writes the Samsung crypto footer that articles on Android disk encryption print, from its published field values.

The values are those of a Samsung SGH-T989D with Android 4.1.2 (Forensics Wiki, "How to decrypt Android full disk
encryption"; also hashcat issue 86); its password, printed there, is test123.  Only the bytes are the phone's: layout and
spelling of the dump are `hexdump -C`'s.

    tools/testdata/make_article_footer.py | hexdump -C > tests/data/fde/article.hexdump.txt
"""
import struct
import sys

EDK = "f1da84cf0f8230b9a7bc16d4bced2220436d7cb750aaa3f26f41d32848cc630d"
HMAC = "1030ae35b6e373b25c1c61dd3480078967342e47236820acdfcf413a100c2df4"
SALT = "189e50a04709ca5c901d42848a48627c"

footer = struct.pack("<IHHIIIIQI", 0xD0B5B1C5, 1, 0, 0xD8, 0, 32, 0, 0x401000, 0)
footer += b"aes-cbc-essiv:sha256".ljust(64, b"\0")
footer += struct.pack("<II", 0x1001E4B1, 2) + bytes(24)
footer += bytes.fromhex(EDK) + bytes.fromhex(HMAC) + bytes.fromhex(SALT)
sys.stdout.buffer.write(footer.ljust(0xD8, b"\0"))
