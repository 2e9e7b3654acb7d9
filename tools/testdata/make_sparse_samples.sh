#!/bin/sh
# Writes the Android sparse images of tests/data/sparse and tests/data/evil, and as NAME.raw what Android's own simg2img
# unpacks each to.  Needs: img2simg and simg2img (Debian android-sdk-libsparse-utils), python3.
# Usage: make_sparse_samples.sh PROJECT_ROOT
set -eu
root=$(cd "$1" && pwd)
out=$root/tests/data/sparse
evil=$root/tests/data/evil
mkdir -p "$out" "$evil"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# By img2simg: data, a run of one word (becomes a fill chunk), zeros (become don't care or fill), data again.
python3 - "$work/mixed" <<'EOF'
import hashlib, sys
noise = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(64))
open(sys.argv[1], "wb").write(noise[:1024] + b"\xde\xad\xbe\xef" * 512 + bytes(3072) + noise[1024:2048])
EOF
img2simg "$work/mixed" "$out/mixed.simg" 1024

# By hand: what img2simg does not write.
python3 - "$out" "$evil" <<'EOF'
import struct, sys, zlib
out, evil = sys.argv[1], sys.argv[2]
RAW, FILL, SKIP, CRC = 0xCAC1, 0xCAC2, 0xCAC3, 0xCAC4

def image(chunks, block=512, header=28, chunk_header=12, blocks=None, count=None, major=1):
    total = sum(c[1] for c in chunks if c[0] != CRC) if blocks is None else blocks
    count = len(chunks) if count is None else count
    data = struct.pack("<IHHHHIIII", 0xED26FF3A, major, 0, header, chunk_header, block, total, count, 0)
    data += b"H" * (header - 28)
    for kind, n, body, *size in chunks:
        data += struct.pack("<HHII", kind, 0, n, size[0] if size else chunk_header + len(body))
        data += b"C" * (chunk_header - 12) + body
    return data

def crc(unpacked):
    return struct.pack("<I", zlib.crc32(unpacked))

def save(folder, name, data):
    open(f"{folder}/{name}.simg", "wb").write(data)

a, b = bytes(range(256)) * 2, bytes(reversed(range(256))) * 2
word = b"\x01\x02\x03\x04"
unpacked = a + word * 256 + bytes(1536) + b
good = [(RAW, 1, a), (FILL, 2, word), (CRC, 0, crc(a + word * 256)), (SKIP, 3, b""), (RAW, 1, b)]
save(out, "checksums", image(good + [(CRC, 0, crc(unpacked))]))
save(out, "wrong-checksum", image(good + [(CRC, 0, b"\0\0\0\0")]))
save(out, "long-headers", image([c for c in good if c[0] != CRC], header=36, chunk_header=20))
save(out, "fill-zero", image([(FILL, 2, bytes(4)), (RAW, 1, a), (FILL, 1, word)]))
save(out, "small-blocks", image([(RAW, 3, b"twelve bytes"), (SKIP, 1, b""), (FILL, 2, word)], block=4))

vast = 0xFFFFFFFF
save(evil, "sparse-size-overflow", image([(SKIP, vast, b"")] * 70, block=1 << 26, blocks=vast))
save(evil, "sparse-vast-checksum", image([(SKIP, vast, b""), (CRC, 0, word)], block=1 << 26))
save(evil, "sparse-chunk-count-bomb", image([(SKIP, 1, b"")], count=vast))
save(evil, "sparse-sum-too-small", image([(RAW, 1, a)], blocks=2))
save(evil, "sparse-sum-too-large", image([(RAW, 1, a), (SKIP, 5, b"")], blocks=2))
save(evil, "sparse-chunk-shorter-than-header", image([(SKIP, 1, b"", 3)]))
save(evil, "sparse-chunk-beyond-end", image([(RAW, 1, a, 0xFFFFFFF0)]))
save(evil, "sparse-raw-of-wrong-length", image([(RAW, 2, a)]))
save(evil, "sparse-unknown-chunk", image([(0xCAC5, 1, b"")]))
save(evil, "sparse-zero-block-size", image([(RAW, 1, a)], block=0))
save(evil, "sparse-odd-block-size", image([(RAW, 1, a)], block=514))
save(evil, "sparse-short-header-size", image([(SKIP, 1, b"")])[:8] + b"\x04\0\x02\0" + image([(SKIP, 1, b"")])[12:])
save(evil, "sparse-future-version", image([(RAW, 1, a)], major=2))
EOF

for packed in "$out"/*.simg; do
    simg2img "$packed" "${packed%.simg}.raw"
done
