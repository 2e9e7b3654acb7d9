#!/usr/bin/env python3
"""salvage extract beside `cp -r` of the same files: photos in an ext4 image, and a database of messages.

    extract_bench.py --salvage SALVAGE [--photos 50000] [--messages 200000] [--photo-size 32KiB] [--pairs 3] [--quick]

The peer copies the tree that the image was made of and flushes it, as extract does; it reads no image, hashes nothing,
reads no database and draws no page.  Ratios are its time by ours: 1 is as fast.  The messages are taken out once more
without the photos: that has no peer.  The answer is asserted: every photo by its hash, every message by its text in the
XML, the conversations' pages; and that memory stays below 256 MiB.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import compare  # noqa: E402

MEMORY_LIMIT_MIB = 256
INDEX_LIMIT_BYTES = 4 << 20
THREADS = 300
TELEPHONY = "data/com.android.providers.telephony/databases/mmssms.db"
CONTACTS = "data/com.android.providers.contacts/databases/contacts2.db"
# ext4 passes over the inodes of files that were deleted less than five seconds ago, one by one.
AFTER_DELETING_S = 6


def text_of(number):
    return f"Nachricht {number} \U0001F6A2 " + "lorem ipsum " * (number % 12)


def make_photos(tree, count, size):
    random.seed(1)
    base = random.randbytes(size)
    hashes = set()
    for i in range(count):
        day = 1 + i * 28 // count
        folder = tree / "media/0/DCIM" / f"{100 + i // 1000}MEDIA"
        folder.mkdir(parents=True, exist_ok=True)
        content = b"\xff\xd8\xff\xe0" + i.to_bytes(4, "big") + base
        time_of_day = f"{i % 86400 // 3600:02}{i % 3600 // 60:02}{i % 60:02}"
        (folder / f"IMG_201706{day:02}_{time_of_day}_{i}.jpg").write_bytes(content)
        hashes.add(hashlib.sha256(content).hexdigest())
    return hashes


def make_messages(tree, count):
    path = tree / TELEPHONY
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript("""CREATE TABLE canonical_addresses(_id INTEGER PRIMARY KEY, address TEXT);
        CREATE TABLE threads(_id INTEGER PRIMARY KEY, recipient_ids TEXT);
        CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, date INTEGER, date_sent INTEGER,
                         type INTEGER, read INTEGER, body TEXT);""")
    for thread in range(1, THREADS + 1):
        connection.execute("INSERT INTO canonical_addresses VALUES(?,?)", (thread, f"+49301{thread:06}"))
        connection.execute("INSERT INTO threads VALUES(?,?)", (thread, str(thread)))
    threads = ((i, 1 + i * 7919 % THREADS) for i in range(1, count + 1))
    connection.executemany("INSERT INTO sms VALUES(?,?,?,?,0,?,1,?)",
                           ((i, thread, f"+49301{thread:06}", 1400000000000 + i * 60000, 1 + i % 2, text_of(i))
                            for i, thread in threads))
    connection.commit()
    connection.close()


def make_contacts(tree):
    path = tree / CONTACTS
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript("""CREATE TABLE mimetypes(_id INTEGER PRIMARY KEY, mimetype TEXT);
        INSERT INTO mimetypes VALUES(5,'vnd.android.cursor.item/phone_v2');
        CREATE TABLE raw_contacts(_id INTEGER PRIMARY KEY, contact_id INTEGER, deleted INTEGER, display_name TEXT);
        CREATE TABLE data(_id INTEGER PRIMARY KEY, mimetype_id INTEGER, raw_contact_id INTEGER, data1, data2);""")
    for i in range(1, THREADS + 1):
        connection.execute("INSERT INTO raw_contacts VALUES(?,?,0,?)", (i, i, f"Person {i}"))
        connection.execute("INSERT INTO data VALUES(?,5,?,?,'2')", (i, i, f"+49301{i:06}"))
    connection.commit()
    connection.close()


def make_image(tree, image):
    used = sum(max(4096, file.stat().st_size + 4095) for file in tree.rglob("*") if file.is_file())
    with open(image, "wb") as file:
        file.truncate(used * 5 // 4 + (64 << 20))
    inodes = sum(1 for _ in tree.rglob("*")) * 2 + 1000
    compare.Run(["/sbin/mke2fs", "-q", "-t", "ext4", "-N", str(inodes), "-d", tree, image])


def photos_found(out):
    with open(out / "manifest.jsonl", encoding="utf-8") as lines:
        stored = (json.loads(line) for line in lines if '"stored":"photos/' in line)
        return {line["sha256"] for line in stored if line["path"]}


def messages_found(path):
    texts = set()
    for _, element in xml.etree.ElementTree.iterparse(path):
        if element.tag == "sms":
            texts.add(element.get("body"))
        element.clear()
    return texts


def check(out, hashes, messages):
    report = json.loads((out / "extract.json").read_text())
    counts = {kind["name"]: kind["items"] for kind in report["kinds"]}
    wanted = {"photos": len(hashes), "messages": messages, "contacts": THREADS}
    compare.require(all(counts[name] == wanted[name] for name in wanted), f"wrong counts: {counts}")
    compare.require(photos_found(out) == hashes, "other photos than were put in, by their hashes")
    compare.require(messages_found(out / "messages/sms-backup.xml") == {text_of(i) for i in range(1, messages + 1)},
                    "other texts of messages than were put in")
    for path in random.Random(3).sample(sorted((out / "photos").glob("*/IMG*.jpg")), min(50, len(hashes))):
        compare.require(hashlib.sha256(path.read_bytes()).hexdigest() in hashes, f"{path.name} is another")
    compare.require(not report["files_with_losses"] and not any(kind["problems"] for kind in report["kinds"]), "losses")


def opening(page):
    """Seconds from the start of a browser without a window until an empty page, and `page`, is built."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        return None
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
        addresses = ("about:blank", page.as_uri())
        return [min(compare.Run([*command, address]).wall for _ in range(3)) for address in addresses]


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def remove(folder):
    shutil.rmtree(folder)
    os.sync()
    time.sleep(AFTER_DELETING_S)


def measure(options, folder, hashes):
    image, copy, out = folder / "userdata.img", folder / "copy", folder / "out"
    ours, theirs, texts = [], [], []
    for _ in range(options.pairs):
        theirs.append(compare.Run(f"cp -r '{folder}/tree' '{copy}' && sync -f '{copy}'"))
        remove(copy)
        ours.append(compare.Run([options.salvage, "extract", image, "-o", out, "--quiet", "--json"]))
        check(out, hashes, options.messages)
        index = (out / "index.html").stat().st_size
        compare.require(index < INDEX_LIMIT_BYTES, f"the first page has {index} bytes")
        opened = opening(out / "index.html") if len(ours) == options.pairs else None
        remove(out)
        texts.append(compare.Run([options.salvage, "extract", image, "-o", out, "--quiet", "--only", "messages"]))
        remove(out)
    return ours, theirs, texts, index, opened


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salvage", type=pathlib.Path, required=True)
    parser.add_argument("--photos", type=int, default=50_000)
    parser.add_argument("--photo-size", type=compare.parse_size, default=32 << 10)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, help="where the files are made: four times the photos' size")
    parser.add_argument("--quick", action="store_true", help="2,000 photos, 10,000 messages, one pair")
    options = parser.parse_args()
    if options.quick:
        options.photos, options.messages, options.pairs = 2_000, 10_000, 1
    options.salvage = options.salvage.resolve()
    with tempfile.TemporaryDirectory(prefix="salvage-bench-", dir=options.folder) as name:
        folder = pathlib.Path(name)
        tree = folder / "tree"
        tree.mkdir()
        hashes = make_photos(tree, options.photos, options.photo_size)
        make_messages(tree, options.messages)
        make_contacts(tree)
        make_image(tree, folder / "userdata.img")
        ours, theirs, texts, index, opened = measure(options, folder, hashes)
    peak = max(run.peak_mib for run in ours + texts)
    print(f"extract of {options.photos} photos of {options.photo_size >> 10} KiB and {options.messages} messages: "
          f"{spread([run.wall for run in ours])} s, CPU {spread([run.cpu for run in ours])} s; "
          f"the messages alone {spread([run.wall for run in texts])} s, CPU {spread([run.cpu for run in texts])} s")
    print(f"cp -r and sync: {spread([run.wall for run in theirs])} s, CPU {spread([run.cpu for run in theirs])} s; "
          f"ratio of wall {spread([t.wall / o.wall for o, t in zip(ours, theirs)])}, "
          f"of CPU {spread([t.cpu / o.cpu for o, t in zip(ours, theirs)])}")
    print(f"peak memory {peak:.0f} MiB; target {MEMORY_LIMIT_MIB} MiB")
    print(f"index.html: {index >> 10} KiB, " + ("not opened: no Chromium" if opened is None else
                                               f"opened in {opened[1]:.2f} s, an empty page in {opened[0]:.2f} s"))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    compare.require(peak < MEMORY_LIMIT_MIB, f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
