#!/usr/bin/env python3
"""The server of the local page: every call of its document, many clients, searches, a dump that disappears.

usage: serve_test.py CASE SALVAGE openapi.yaml
"""
import base64
import hashlib
import io
import json
import os
import pathlib
import shutil
import socket
import struct
import tarfile
import threading
import time
import zipfile

from serve_items import all_entries, items
from serve_support import CAMERA, PATTERN, Api, Listener, Server, open_sample, run_case
from support import run, skip


def checked_archive(data, kind="zip"):
    """Names and content of an archive whose hashes are those of its manifest."""
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            content = {info.orig_filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            content = {info.name: archive.extractfile(info).read() for info in archive if info.isreg()}
    sums = {}
    for line in content["salvage-export/manifest.jsonl"].splitlines():
        entry = json.loads(line)
        if entry["type"] == "file" and entry["stored"] and "stored_hex" not in entry:
            sums[entry["stored"]] = entry["sha256"]
    assert sums
    for name, digest in sums.items():
        if digest and name in content:
            assert hashlib.sha256(content[name]).hexdigest() == digest, name
    return {name for name in content if not name.startswith("salvage-export/")}, content


def test_journey(salvage, document, work):
    """All calls, each answer as the document says."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        session = server.get("/session").value
        assert session["home"] == str(work) and session["workplace"]["state"] == "empty"
        assert server.get("/report", expected=404).value["error"]["code"] == "not_found"
        folder = server.get("/folders").value
        assert folder["path"] == str(work)
        assert server.get("/folders", {"path": "/"}).value["parent"] is None
        dump = open_sample(server, work, unlocked=False)
        names = {entry["name"]: entry["kind"] for entry in server.get("/folders", {"path": dump.parent}).value["entries"]}
        assert names["phone.img"] == "file" and names["case"] == "case"
        look(server, dump)
        assert server.get("/files", expected=409).value["error"]["code"] == "wrong_secret"
        unlock(server)
        files(server)
        media(server)
        items(server, work)
        take(server, work)
        keep(server)
        server.call("DELETE", "/workplace", expected=204)
        assert server.get("/workplace").value["state"] == "empty"
        case = server.post("/workplace", {"path": str(dump.parent / "case")}, expected=202).value
        assert case["kind"] == "open"
        assert server.wait_until_open()["case"] == str(dump.parent / "case")
        events(server)
        api.seen.add(("GET", "/events"))  # judged by events()
    assert not api.missing(), f"not asked: {api.missing()}"
    assert json.loads(run(salvage, "case", "verify", dump.parent / "case", "--json"))["sound"]


def look(server, dump):
    report = server.get("/report").value
    assert report["schema"] == "salvage.inspect/1" and report["source"]["size"] == dump.stat().st_size
    page = server.get("/report.html")
    assert page.body.startswith(b"<!DOCTYPE html>") or page.body.startswith(b"<!doctype html>")
    assert "sandbox" in page.header("Content-Security-Policy")
    cells = server.get("/content", {"cells": 100}).value
    assert len(cells["cells"]) == 100 and cells["to"] == dump.stat().st_size
    metadata = next(part for part in report["partitions"] if part["name"] == "metadata")
    fine = server.get("/content", {"from": metadata["start"], "to": metadata["start"] + 4096, "cells": 8}).value
    assert [cell["looks"] for cell in fine["cells"]].count("empty") < 8
    userdata = next(part for part in report["partitions"] if part["name"] == "userdata")
    middle = server.get("/content", {"from": userdata["start"], "to": userdata["start"] + 65536, "cells": 4}).value
    assert middle["cells"][0]["looks"] == "encrypted", middle
    assert server.get("/content", {"from": 5, "to": 5}, expected=400)
    sources = {source["id"]: source for source in server.get("/sources").value["sources"]}
    assert sources["part:metadata"]["start"] == metadata["start"] and "userdata" not in sources
    shown = server.get("/bytes", {"source": "part:metadata", "at": 0, "length": 512}).value
    with open(dump, "rb") as file:
        file.seek(metadata["start"])
        assert base64.b64decode(shown["base64"]) == file.read(512)
    assert shown["structure"] and shown["fields"][0]["name"] == "magic" and shown["place"] == "metadata+0x0"
    end = server.get("/bytes", {"at": dump.stat().st_size - 16, "length": 4096}).value
    assert end["length"] == 16
    hole = server.get("/bytes", {"at": userdata["start"] - 4096, "length": 16}).value
    assert hole["extents"] and hole["extents"][0]["length"] > 16  # in its whole length
    server.get("/bytes", {"at": dump.stat().st_size}, expected=400)
    server.get("/bytes", {"at": -1}, expected=400)
    server.get("/bytes", {"at": 0, "source": "part:nothing"}, expected=404)
    for text in ("62685220", "0x3bc8024", "metadata+0x24"):
        assert server.get("/place", {"text": text}).value["at"] == 62685220
    assert server.get("/place", {"text": "metadata+0x24", "source": "part:metadata"}).value["at"] == 0x24
    server.get("/place", {"text": "nowhere+1"}, expected=400)
    server.post("/finds", {"text": "aes-cbc-essiv:sha256"}, expected=202)
    hits = server.wait_for_job("find")["result"]["hits"]
    assert any(hit["offset"] == 62685220 and hit["structure"] for hit in hits), hits
    server.post("/finds", {"text": "zz", "is_hex": True}, expected=400)


def unlock(server):
    attacks = server.get("/attacks").value
    assert {each["id"] for each in attacks["attacks"]} >= {"pin4", "pin6", "pattern3", "dates", "words"}
    assert attacks["rate"] and attacks["why_not"] is None
    wrong = server.post("/unlock", {"secret": "0000"}, expected=200).value
    assert not wrong["is_open"] and wrong["verdict"]["cost"]
    for body in ({}, {"secret": ""}, {"secret": "x" * 1025}, {"pattern": "1-1"}, {"pattern": PATTERN, "side": 7},
                 {"secret": 1234}, {"secret": "a\0b"}):
        server.post("/unlock", body, expected=400)
    search = server.post("/searches", {"attacks": ["pin4"]}, expected=202).value  # more of it in test_search
    assert server.post(f"/jobs/{search['id']}/stop", expected=200).value["state"] == "stopped"
    right = server.post("/unlock", {"pattern": PATTERN, "side": 3}, expected=200).value
    assert right["is_open"] and right["verdict"]["code"] == "open"
    assert server.get("/attacks").value["why_not"]
    assert "userdata" in {source["id"] for source in server.get("/sources").value["sources"]}
    assert server.get("/bytes", {"source": "userdata", "at": 1024, "length": 64}).value["place"] == "userdata+0x400"


def files(server):
    listing = server.get("/files", {"path": CAMERA, "sort": "name"}).value
    keys = [entry["key"] for entry in listing["entries"]]
    assert keys == sorted(keys) and listing["total"] == len(keys) == 12
    backwards = server.get("/files", {"path": CAMERA, "descending": 1, "offset": 2, "limit": 3}).value
    assert [entry["key"] for entry in backwards["entries"]] == keys[::-1][2:5]
    whole = server.get("/file", {"path": keys[0]})
    assert whole.header("Content-Type") == "image/jpeg" and whole.body[:2] == b"\xff\xd8"
    assert "sandbox" in whole.header("Content-Security-Policy")
    part = server.get("/file", {"path": keys[0]}, expected=206, headers={"Range": "bytes=10-19"})
    assert part.body == whole.body[10:20] and part.header("Content-Range") == f"bytes 10-19/{len(whole.body)}"
    several = server.get("/file", {"path": keys[0]}, headers={"Range": "bytes=0-1,5-6"})
    assert several.body == whole.body and several.header("Content-Type") == "image/jpeg"
    past = server.raw("GET", "/api/v1/file?path=" + keys[0], headers={**server.own_headers(), "Range": "bytes=99999999-"})
    assert past.status == 416 and past.header("Content-Range") == f"bytes */{len(whole.body)}"
    saved = server.get("/file", {"path": keys[0], "download": 1})
    assert saved.header("Content-Disposition").startswith("attachment; filename=\"IMG_")
    info = server.get("/file-info", {"path": keys[0]}).value
    assert info["size"] == len(whole.body) and info["lost"] == [] and info["first_byte"] > 0
    every = list(all_entries(server))
    assert len(every) == len({entry["key"] for entry in every}) > 40
    assert any("%E9" in entry["key"] for entry in every), "no name that is not UTF-8"
    for entry in every:
        if entry["type"] == "file":
            body = server.get("/file", {"path": entry["key"]}).body
            assert len(body) == entry["size"], entry
    server.get("/files", {"deleted": 1})
    server.get("/files", {"path": keys[0]}, expected=400)
    server.get("/files", {"sort": "colour"}, expected=400)
    server.get("/file", {"path": CAMERA}, expected=400)
    server.get("/file", {"path": "/nothing"}, expected=404)


def media(server):
    gallery = server.wait_for(lambda: (lambda value: value if value["state"] == "ready" else None)(
        server.get("/gallery").value), "the gallery")
    assert gallery["total"] >= 12 and sum(day["count"] for day in gallery["days"]) == gallery["total"]
    days = [day["day"] for day in gallery["days"]]
    assert days == sorted(days, reverse=True)
    photo = next(item for item in gallery["items"] if item["key"].startswith(CAMERA))
    assert photo["width"] and photo["height"] and photo["taken"]
    small = server.get("/thumbnail", {"path": photo["key"]})
    assert small.header("Content-Type") == "image/jpeg" and small.body[:2] == b"\xff\xd8"
    assert server.get("/thumbnail", {"path": photo["key"]}).body == small.body  # from the case now
    databases = [entry for entry in all_entries(server, "/data") if entry["key"].endswith("contacts2.db")]
    tables = server.get("/sqlite", {"path": databases[0]["key"]}).value
    name = next(table["name"] for table in tables["tables"] if table["rows"])
    rows = server.get("/sqlite", {"path": databases[0]["key"], "table": name, "limit": 2}).value
    assert rows["columns"] and rows["rows"] and len(rows["rows"][0]) == len(rows["columns"])
    server.get("/sqlite", {"path": databases[0]["key"], "table": "x'; DROP TABLE y; --"}, expected=404)
    assert server.get("/sqlite", {"path": photo["key"]}, expected=422).value["error"]["what"]
    server.get("/thumbnail", {"path": databases[0]["key"]}, expected=404)


def take(server, work):
    for keys, kind in ((["/"], "zip"), ([CAMERA, "/data"], "zip"), ([CAMERA], "tar")):
        chosen = server.post("/selections", {"keys": keys}, expected=201).value["id"]
        answer = server.get(f"/download/{chosen}", {"format": kind})
        names, _ = checked_archive(answer.body, kind)
        assert names
        if keys == [CAMERA]:
            assert len(names) == 12 and all("/" not in name for name in names)
    server.post("/selections", {"keys": []}, expected=400)
    server.post("/selections", {"keys": ["/nothing"]}, expected=404)
    server.get("/download/0000", expected=404)
    server.post("/exports", {"to": str(work / "photos"), "kinds": ["image"]}, expected=202)
    result = server.wait_for_job("export")["result"]
    assert result["schema"] == "salvage.export/1" and result["files"] >= 12
    assert hashlib.sha256((work / "photos/manifest.jsonl").read_bytes()).hexdigest() == result["manifest_sha256"]
    server.post("/exports", {"to": str(work / "all.tar"), "format": "tar", "path": CAMERA}, expected=202)
    server.wait_for_job("export")
    assert len(checked_archive((work / "all.tar").read_bytes(), "tar")[0]) == 12
    server.post("/exports", {"to": str(work / "all.tar"), "format": "tar"}, expected=202)
    failed = server.wait_for_job("export", ("failed",))
    assert failed["error"]["error"]["code"] == "already_exists"
    server.post("/exports", {"to": "relative"}, expected=400)
    server.post("/exports", {"to": str(work / "read"), "format": "pages", "kinds": ["image"]}, expected=400)
    server.post("/exports", {"to": str(work / "read"), "format": "pages"}, expected=202)
    pages = server.wait_for_job("export")["result"]
    assert {kind["name"]: kind["items"] for kind in pages["kinds"]}["contacts"] == 4 and pathlib.Path(pages["index"]).is_file()
    run("sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS", cwd=work / "read")


def keep(server):
    plan = server.get("/restore").value
    assert plan["plan"]["schema"] == "salvage.restore-plan/1", plan["why"]
    log = server.get("/log", {"limit": 1000}).value
    events_of = [record["event"] for record in log["records"]]
    assert len(events_of) == log["total"] and log["head"]
    for event in ("case.statement", "serve.opened", "unlock.failed", "unlock.done", "find.start", "download.done",
                  "export.start", "export.done"):
        assert event in events_of, event
    text = json.dumps(log)
    assert "14789" not in text and PATTERN not in text and "0000\"" not in text
    part = server.get("/log", {"offset": 3, "limit": 2}).value
    assert [record["number"] for record in part["records"]] == [4, 5]
    job = server.job("open")
    server.get(f"/jobs/{job['id']}")
    server.post(f"/jobs/{job['id']}/stop", expected=200)
    server.post(f"/jobs/{job['id']}/pause", expected=400)
    server.get("/jobs/no-such", expected=404)


def events(server):
    """The first events tell the state as it is; a change comes by itself."""
    with Listener(server) as listener:
        first = [listener.next() for _ in range(2)]
        assert first[0][0] == "workplace" and first[0][1]["state"] == "open", first
        assert first[1][0] == "job", first
        server.post("/unlock", {"pattern": PATTERN}, expected=200)
        while True:
            kind, value = listener.next()
            if kind == "workplace" and value["is_open"]:
                return


def large_volume(work):
    """A volume with more in it than the buffers of a connection hold."""
    if not shutil.which("mke2fs"):
        skip("mke2fs is needed")
    camera = work / ("files" + CAMERA)
    camera.mkdir(parents=True)
    for number in range(12):
        (camera / f"IMG_{number}.jpg").write_bytes(os.urandom(8 << 20))
    header = struct.pack(">IIII80x", 0, 0, 1000, 65500)  # 65.5 seconds
    movie = b"".join(struct.pack(">I4s", 8 + len(content), kind) + content for kind, content in (
        (b"ftyp", b"isom\0\0\0\0"), (b"mdat", b"film" * 1000), (b"moov", struct.pack(">I4sI", 108, b"mvhd", 0) + header)))
    (camera / "VID_1.mp4").write_bytes(movie)
    (camera / "VID_2.mp4").write_bytes(movie[:-60])  # cut off, and its length still there
    (camera / "VID_3.mp4").write_bytes(b"no film")
    run("mke2fs", "-q", "-t", "ext4", "-d", work / "files", work / "volume.img", "160M")
    return work / "volume.img"


def test_clients(salvage, document, work):
    """Slow ones, vanishing ones, many of them."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        server.post("/workplace", {"path": str(large_volume(work)), "right": "made for this test"}, expected=202)
        assert server.wait_until_open()["is_open"]
        videos_have_a_length(server)
        chosen = server.post("/selections", {"keys": ["/"]}, expected=201).value["id"]
        ask = (f"GET /api/v1/download/{chosen} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
               f"Cookie: {server.cookie}\r\n\r\n").encode()
        lines = [slow_line(server, ask) for _ in range(8)]  # none holds up the others
        assert server.get(f"/download/{chosen}", expected=503).value["error"]["code"] == "busy"
        listeners = [Listener(server) for _ in range(10)]
        assert all(listener.status == 200 for listener in listeners)
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(10)]
        idle[0].sendall(b"GET /api/v1/sess")  # and never the rest
        begun = time.monotonic()
        assert server.get("/session").value["workplace"]["is_open"]
        assert time.monotonic() - begun < 5
        for line in lines + idle:  # they vanish in the middle
            line.close()
        server.wait_for(lambda: server.call("GET", f"/download/{chosen}").status == 200, "the downloads to end")
        ended = [record for record in server.get("/log", {"limit": 1000}).value["records"] if record["event"] == "download.ended"]
        assert len(ended) == 8, ended
        server.post("/finds", {"text": "needle"}, expected=202)
        threads = [threading.Thread(target=hears_of_find, args=(listener,)) for listener in listeners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a listener was not told"
        for listener in listeners[:5]:
            listener.__exit__()
        descriptors = pathlib.Path(f"/proc/{server.process.pid}/fd")
        if os.access(descriptors, os.R_OK):
            server.wait_for(lambda: len(list(descriptors.iterdir())) < 40, "descriptors to be freed")
        crowd(server)
        last = slow_line(server, ask)
        assert server.end() < 10, "it did not end soon with listeners that stay and a download under way"
        last.close()
        log = (work / "volume.img.case/log.jsonl").read_text()
        assert log.count('"download.ended"') == 9, "how the last download ended is not in the log"
        for listener in listeners:
            listener.__exit__()


def videos_have_a_length(server):
    gallery = server.wait_for(lambda: (lambda value: value if value["state"] == "ready" else None)(
        server.get("/gallery").value), "the gallery")
    lengths = {item["name"]: item["seconds"] for item in gallery["items"]}
    assert lengths["VID_1.mp4"] == lengths["VID_2.mp4"] == 65.5 and lengths["VID_3.mp4"] is None, lengths
    assert lengths["IMG_1.jpg"] is None


def slow_line(server, ask):
    """A client that reads no more than the first bytes."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", server.port))
    line.sendall(ask)
    assert line.recv(12) == b"HTTP/1.1 200"
    return line


def hears_of_find(listener):
    while True:
        kind, value = listener.next()
        if kind == "job" and value["kind"] == "find" and value["state"] == "done":
            return


def crowd(server):
    """Ten tabs at once."""
    problems = []

    def tab(number):
        try:
            for _ in range(5):
                server.get("/workplace")
                server.get("/files", {"path": CAMERA})
                server.get("/gallery", {"limit": 20})
                server.get("/bytes", {"at": number * 4096})
                server.get("/content", {"cells": 50})
        except BaseException as problem:  # pylint: disable=broad-except
            problems.append(problem)

    threads = [threading.Thread(target=tab, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems, problems[0]


def test_search(salvage, document, work):
    """Two at once, pause, stop, a restart in the middle: nothing is lost."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        dump = open_sample(server, work, unlocked=False)
        assert server.post("/searches", {"attacks": []}, expected=400)
        assert server.post("/searches", {"attacks": ["everything"]}, expected=400)
        assert server.post("/searches", {"attacks": ["words"]}, expected=400)
        job = server.post("/searches", {"attacks": ["pin6"]}, expected=202).value
        second = server.post("/searches", {"attacks": ["pattern3"]}, expected=409).value
        assert second["error"]["code"] == "busy" and second["error"]["hint"]
        server.wait_for(lambda: server.job("search")["done"] > 0, "the search to begin")
        assert server.post(f"/jobs/{job['id']}/pause", expected=200).value["state"] == "paused"
        time.sleep(1)
        held = server.job("search")["done"]
        time.sleep(1)
        assert server.job("search")["done"] <= held + 200  # what was under way
        assert server.post(f"/jobs/{job['id']}/resume", expected=200).value["state"] == "running"
        server.wait_for(lambda: server.job("search")["done"] > held, "the search to go on")
        server.end()
        sessions = list((dump.parent / "case/sessions").iterdir())
        assert len(sessions) == 1 and sessions[0].stat().st_mode & 0o077 == 0
    with Server(salvage, api, dump.parent / "case", cwd=work) as server:
        server.wait_until_open()
        left = server.job("search")
        assert left["state"] == "stopped" and left["can_resume"] and left["attacks"] == ["pin6"] and left["done"] >= held, left
        server.post("/searches", {"attacks": ["pin6"]}, expected=202)
        again = server.wait_for(lambda: (lambda job: job if job["done"] > left["done"] else None)(server.job("search")),
                                "the search to go on where it was")
        assert again["total"] == left["total"]
        stopped = server.post(f"/jobs/{again['id']}/stop", expected=200).value
        assert stopped["state"] == "stopped" and not stopped["result"]["found"] and stopped["result"]["searched"]
        server.process.kill()  # at any moment
        server.process.wait()
    with Server(salvage, api, dump.parent / "case", cwd=work) as server:
        server.wait_until_open()
        assert server.job("search")["done"] >= left["done"]
        server.post("/searches", {"attacks": ["pattern3"]}, expected=202)
        found = server.wait_for_job("search")["result"]
        assert found["found"] and found["secret"] == "14789" and found["encoding"] == "pattern-digits", found
        place = server.get("/workplace").value
        assert place["is_open"] and place["verdict"]["headline"] == "Open. The secret was found by searching."
        server.end()
    with Server(salvage, api, dump.parent / "case", cwd=work) as server:  # and it is open again by itself
        assert server.wait_until_open()["is_open"]


def test_gone(salvage, document, work):
    """A dump that disappears, one that cannot be opened, a case of another dump."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        dump = open_sample(server, work)
        dump.rename(work / "elsewhere.img")
        gone = server.wait_for(lambda: (lambda place: place if place["state"] == "gone" else None)(
            server.get("/workplace").value), "the dump to be missed")
        assert gone["error"]["error"]["hint"]
        for path in ("/report", "/files", "/gallery", "/content", "/sources", "/restore", "/log"):
            server.call("GET", path)
        (work / "elsewhere.img").rename(dump)
        server.wait_for(lambda: server.get("/workplace").value["state"] == "open", "the dump to be back")
        assert server.get("/files", {"path": CAMERA}).value["total"] == 12
        server.call("DELETE", "/workplace", expected=204)
        other = work / "other.img"
        other.write_bytes(b"\0" * (1 << 20))
        for body, code in (({"path": str(work / "nothing.img")}, "io"), ({"path": str(work)}, "not_found"),
                           ({"path": str(other), "case": str(dump.parent / "case")}, "already_exists")):
            server.post("/workplace", body, expected=202)
            failed = server.wait_for_job("open", ("failed",))
            assert failed["error"]["error"]["code"] == code, failed
            assert server.get("/workplace").value["state"] == "failed"
        server.post("/workplace", {"path": str(other)}, expected=202)
        place = server.wait_until_open()
        assert place["needs_right"] and place["case"] == str(other) + ".case", place
        server.post("/workplace", {"path": str(other), "right": "It is mine."}, expected=202)
        assert not server.get("/workplace").value["needs_right"]


if __name__ == "__main__":
    run_case(globals())
