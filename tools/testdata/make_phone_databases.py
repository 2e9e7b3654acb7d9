#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets sqlite and phone_settings: small databases, one with a WAL, one with a journal; settings.

    make_phone_databases.py REPOSITORY
"""
import pathlib
import sqlite3
import struct
import sys
import tempfile

SCHEMA = """CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, date INTEGER, type INTEGER, body TEXT);
CREATE TABLE keyed(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID; CREATE INDEX by_thread ON sms(thread_id);"""


def rows(connection, first, count):
    for i in range(first, first + count):
        connection.execute("INSERT INTO sms VALUES(?,?,?,?,?,?)", (i, i % 3, "+49301234", 1502557200000 + i, 1 + i % 2, "Gr\u00fc\u00dfe \U0001F6A2 " * (i % 40)))


def seed(kind, database, rest=b""):
    """As sqlite_fuzz.cpp cuts it: padded so that the length in 64 bytes is whole."""
    return bytes([kind]) + struct.pack("<H", len(database) // 64) + database + rest


def databases(folder):
    path = folder / "a.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size=512")
    connection.executescript(SCHEMA)
    rows(connection, 1, 20)
    connection.execute("INSERT INTO keyed VALUES('a', zeroblob(2000))")
    plain = path.read_bytes()
    connection.execute("PRAGMA journal_mode=WAL")
    rows(connection, 100, 5)
    with_wal = path.read_bytes(), pathlib.Path(f"{path}-wal").read_bytes()
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN")
    rows(connection, 200, 60)
    with_journal = path.read_bytes(), pathlib.Path(f"{path}-journal").read_bytes()
    connection.execute("ROLLBACK")
    return {"plain": seed(0, plain), "wal": seed(1, *with_wal), "journal": seed(2, *with_journal)}


SETTINGS = {
    "wpa_supplicant": b'network={\n\tssid="Caf\xc3\xa9"\n\tpsk="latte"\n\tkey_mgmt=WPA-PSK\n}\nnetwork={\n\tssid=436166\n}\n',
    "wifi_config_store": b'<WifiConfigStoreData><NetworkList><Network><WifiConfiguration><string name="SSID">&quot;a&quot;</string>'
                         b'<string name="ConfigKey">&quot;a&quot;WPA_PSK</string></WifiConfiguration></Network></NetworkList></WifiConfigStoreData>',
    "packages": b'<packages><version sdkVersion="24" fingerprint="a/b"/><package name="com.example" it="15dd2f6b400" version="4"/></packages>',
    "bookmarks": b'{"roots":{"other":{"type":"folder","children":[{"type":"url","name":"a","url":"b","date_added":"13146999600000000"}]}}}',
    "properties": b"\x0a\x24\x0a\x14persist.sys.timezone\x12\x0cEurope/Paris",
    "java": b"\xac\xed\x00\x05t\x00\x14Media/Images/IMG.jpg",
}


def main():
    repository = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        made = {"sqlite": databases(pathlib.Path(folder)), "phone_settings": SETTINGS}
    for target, files in made.items():
        corpus = repository / "fuzz/corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (corpus / name).write_bytes(content)


if __name__ == "__main__":
    main()
