#!/usr/bin/env python3
"""salvage extract beside `cp -r` of the same files: photos in an ext4 image, and a database of messages.

The peer copies the tree that the image was made of, photos and databases; it hashes nothing and draws nothing.  A ratio is cp's time by ours: 1 is as
fast.  The answer is asserted: every photo by its hash, every message counted, and the memory.

    extract_bench.py --salvage SALVAGE [--photos 50000 --messages 200000 --photo-size 65536]
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

TELEPHONY = "data/com.android.providers.telephony/databases/mmssms.db"
CONTACTS = "data/com.android.providers.contacts/databases/contacts2.db"
MEMORY_LIMIT_MIB = 256


def require(holds, what):
    if not holds:
        sys.exit(f"wrong answer: {what}")


def make_photos(tree, count, size):
    random.seed(1)
    base = random.randbytes(size)
    hashes = set()
    for i in range(count):
        day = 1 + i * 28 // count
        folder = tree / "media/0/DCIM" / f"{100 + i // 1000}MEDIA"
        folder.mkdir(parents=True, exist_ok=True)
        content = b"\xff\xd8\xff\xe0" + i.to_bytes(4, "big") + base
        (folder / f"IMG_201706{day:02}_{i % 86400 // 3600:02}{i % 3600 // 60:02}{i % 60:02}_{i}.jpg").write_bytes(content)
        hashes.add(hashlib.sha256(content).hexdigest())
    return hashes


def make_messages(tree, count):
    path = tree / TELEPHONY
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript("""CREATE TABLE canonical_addresses(_id INTEGER PRIMARY KEY, address TEXT);
        CREATE TABLE threads(_id INTEGER PRIMARY KEY, recipient_ids TEXT);
        CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, date INTEGER, date_sent INTEGER, type INTEGER, read INTEGER, body TEXT);""")
    for thread in range(1, 301):
        connection.execute("INSERT INTO canonical_addresses VALUES(?,?)", (thread, f"+49301{thread:06}"))
        connection.execute("INSERT INTO threads VALUES(?,?)", (thread, str(thread)))
    connection.executemany("INSERT INTO sms VALUES(?,?,?,?,0,?,1,?)",
                           ((i, 1 + i * 7919 % 300, f"+49301{1 + i * 7919 % 300:06}", 1400000000000 + i * 60000, 1 + i % 2, f"Nachricht {i} \U0001F6A2 " + "lorem ipsum " * (i % 12))
                            for i in range(1, count + 1)))
    connection.commit()
    connection.close()


def make_contacts(tree):
    path = tree / CONTACTS
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript("""CREATE TABLE mimetypes(_id INTEGER PRIMARY KEY, mimetype TEXT); INSERT INTO mimetypes VALUES(5,'vnd.android.cursor.item/phone_v2');
        CREATE TABLE raw_contacts(_id INTEGER PRIMARY KEY, contact_id INTEGER, deleted INTEGER DEFAULT 0, display_name TEXT);
        CREATE TABLE data(_id INTEGER PRIMARY KEY, mimetype_id INTEGER, raw_contact_id INTEGER, data1 TEXT, data2 TEXT);""")
    for i in range(1, 301):
        connection.execute("INSERT INTO raw_contacts VALUES(?,?,0,?)", (i, i, f"Person {i}"))
        connection.execute("INSERT INTO data VALUES(?,5,?,?,'2')", (i, i, f"+49301{i:06}"))
    connection.commit()
    connection.close()


def make_image(tree, image):
    used = sum(max(4096, file.stat().st_size + 4095) for file in tree.rglob("*") if file.is_file())
    with open(image, "wb") as file:
        file.truncate(used * 5 // 4 + (64 << 20))
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-N", str(sum(1 for _ in tree.rglob("*")) * 2 + 1000), "-d", tree, image], check=True)


def check(out, hashes, messages):
    report = json.loads((out / "extract.json").read_text())
    counts = {kind["name"]: kind["items"] for kind in report["kinds"]}
    require(counts["photos"] == len(hashes), f"photos: {counts}")
    require(counts["messages"] == messages, f"messages: {counts}")
    require(counts["contacts"] == 300, f"contacts: {counts}")
    found = {json.loads(line)["sha256"] for line in open(out / "manifest.jsonl") if '"stored":"photos/' in line}
    require(hashes <= found, "the photos' hashes")
    require(sum(node.count("<sms ") for node in open(out / "messages/sms-backup.xml", encoding="utf-8")) == messages, "the XML's messages")
    require((out / "index.html").stat().st_size < 4 << 20, "the first page is small")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salvage", type=pathlib.Path, required=True)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--photo-size", type=int, default=64 << 10)
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, default=None)
    options = parser.parse_args()
    salvage = options.salvage.resolve()
    with tempfile.TemporaryDirectory(prefix="salvage-bench-", dir=options.folder) as name:
        folder = pathlib.Path(name)
        tree = folder / "tree"
        tree.mkdir()
        hashes = make_photos(tree, options.photos, options.photo_size)
        make_messages(tree, options.messages)
        make_contacts(tree)
        image = folder / "userdata.img"
        make_image(tree, image)
        ratios, ours, theirs = [], [], []
        for run in range(options.runs):
            copy = folder / "copy"
            start = time.perf_counter()
            subprocess.run(["cp", "-r", tree, copy], check=True)
            os.sync()
            theirs.append(time.perf_counter() - start)
            shutil.rmtree(copy)
            out = folder / "out"
            start = time.perf_counter()
            subprocess.run([salvage, "extract", image, "-o", out, "--quiet", "--json"], check=True, stdout=subprocess.DEVNULL)
            ours.append(time.perf_counter() - start)
            ratios.append(theirs[-1] / ours[-1])
            check(out, hashes, options.messages)
            shutil.rmtree(out)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"extract of {options.photos} photos, {options.messages} messages: {statistics.median(ours):.2f} s (median of {options.runs}); cp -r: {statistics.median(theirs):.2f} s; "
              f"{statistics.median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f}); peak {peak:.0f} MiB")
        require(peak < MEMORY_LIMIT_MIB, f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
