#!/usr/bin/env python3
"""The server of the local page under everything at once: tabs, slow clients, vanishing ones, searches, a dump that comes
and goes, openings and closings that cross each other.  Made for a server built with a sanitizer: its findings and its
leaks are an exit code that is not 0.

usage: serve_load_test.py CASE SALVAGE openapi.yaml; SALVAGE_LOAD_SECONDS is how long (8), SALVAGE_LOAD_SEED which calls (1)
"""
import http.client
import json
import os
import pathlib
import random
import socket
import threading
import time

from serve_support import CAMERA, PATTERN, Api, Listener, Server, open_sample, run_case
from support import run

SECONDS = float(os.environ.get("SALVAGE_LOAD_SECONDS", "8"))
SEED = int(os.environ.get("SALVAGE_LOAD_SEED", "1"))


class Load:
    """Threads that go on until the time is over; the first problem is told at the end."""

    def __init__(self):
        self.end = time.monotonic() + SECONDS
        self.threads = []
        self.problems = []

    def start(self, work, number):
        def go_on():
            chance = random.Random(f"{SEED} {work.__name__} {number}")
            try:
                while time.monotonic() < self.end:
                    work(chance)
            except BaseException as problem:  # pylint: disable=broad-except
                self.problems.append((work.__name__, problem))

        self.threads.append(threading.Thread(target=go_on))
        self.threads[-1].start()

    def finish(self):
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "something hangs"
        for name, problem in self.problems:
            raise AssertionError(f"{name}: {problem!r}") from problem


def test_load(salvage, document, work):
    """What ten people who know nothing of each other do to one dump that is open."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        dump = open_sample(server, work)
        load = Load()
        # 503: enough of them are served already; 409 and 404: it is closed, or something else goes on.
        calls = [("GET", "/files", {"path": CAMERA}), ("GET", "/files", {"path": "/data", "sort": "mtime"}),
                 ("GET", "/gallery", {"limit": 20}), ("GET", "/content", {"cells": 50}), ("GET", "/bytes", {"at": 4096}),
                 ("GET", "/bytes", {"at": 1024, "source": "userdata"}), ("GET", "/sources", None), ("GET", "/report", None),
                 ("GET", "/log", None), ("GET", "/attacks", None), ("GET", "/jobs", None), ("GET", "/restore", None),
                 ("GET", "/thumbnail", {"path": CAMERA + "/IMG_20170812_180411.jpg"}), ("GET", "/session", None)]

        def tab(chance):
            method, path, query = chance.choice(calls)
            assert server.call(method, path, query).status in (200, 404, 409), path

        def writer(chance):
            body = chance.choice([("/unlock", {"secret": "0000"}), ("/finds", {"text": "needle"}),
                                  ("/searches", {"attacks": ["pin4"]}), ("/exports", {"to": "/proc/no"})])
            assert server.post(*body).status in (200, 202, 404, 409), body

        def vanishing(chance):
            chosen = server.post("/selections", {"keys": ["/"]}, expected=201).value["id"]
            headers = {**server.own_headers(), "Connection": "close"}
            line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            line.request("GET", f"/api/v1/download/{chosen}?format={chance.choice(['zip', 'tar'])}", headers=headers)
            answer = line.getresponse()
            assert answer.status in (200, 503), answer.status
            answer.read(chance.choice([1, 1000, 100_000]))
            line.close()

        def listener(chance):
            with Listener(server) as events:
                assert events.status == 200 and events.next()[0] == "workplace"
                time.sleep(chance.random() / 2)

        for number in range(10):
            load.start(tab, number)
        for number in range(2):
            for each in (writer, vanishing, listener):
                load.start(each, number)
        half = load.end - SECONDS / 2
        away = dump.with_suffix(".away")
        dump.rename(away)  # what is open can be read on
        server.wait_for(lambda: server.get("/workplace").value["state"] == "gone", "the dump to be missed")
        away.rename(dump)
        server.wait_for(lambda: server.get("/workplace").value["state"] == "open" and time.monotonic() > half, "the dump")
        load.finish()
        assert server.get("/files", {"path": CAMERA}).value["total"] == 12
        fall_quiet(server)
    assert json.loads(run(salvage, "case", "verify", dump.parent / "case", "--json"))["sound"]


def test_crossing(salvage, document, work):
    """Several open, unlock, search and close the same dump at once: one at a time has its way, nobody is left hanging."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        dump = open_sample(server, work, unlocked=False)
        case = {"path": str(dump.parent / "case")}
        load = Load()

        def opener(chance):
            assert server.post("/workplace", case).status in (202, 409)
            time.sleep(chance.random() / 5)

        def closer(chance):
            time.sleep(chance.random())
            server.call("DELETE", "/workplace", expected=204)

        def searcher(chance):
            answer = server.post("/searches", {"attacks": [chance.choice(["pin6", "pattern3"])]})
            assert answer.status in (202, 404, 409), answer.body
            if answer.status == 202:
                time.sleep(chance.random() / 5)
                action = chance.choice(["pause", "stop"])
                assert server.post(f"/jobs/{answer.value['id']}/{action}").status in (200, 400, 404)

        def looker(chance):
            assert server.call("GET", chance.choice(["/gallery", "/jobs", "/workplace", "/report"])).status in (200, 404, 409)

        for number, each in enumerate((opener, opener, opener, closer, searcher, searcher, looker, looker)):
            load.start(each, number)
        load.finish()
        server.call("DELETE", "/workplace", expected=204)  # stops what was left paused, too
        assert server.get("/workplace").value["state"] == "empty" and not server.get("/jobs").value["jobs"]
        server.post("/workplace", case, expected=202)
        place = server.wait_until_open()
        if not place["is_open"]:  # a search may have found it
            assert server.post("/unlock", {"pattern": PATTERN}, expected=200).value["is_open"]
        assert server.get("/files", {"path": CAMERA}).value["total"] == 12
        fall_quiet(server)
    assert json.loads(run(salvage, "case", "verify", dump.parent / "case", "--json"))["sound"]


def fall_quiet(server):
    """Nothing that was begun stays behind: descriptors and threads are as few as those of a server that idles."""
    process = pathlib.Path(f"/proc/{server.process.pid}")
    idle_threads = 90  # 64 that answer, and room for what a sanitizer adds

    def is_quiet():
        sockets = [os.readlink(each) for each in (process / "fd").iterdir()]
        return len([name for name in sockets if name.startswith("socket:")]) <= 8 and \
            len(list((process / "task").iterdir())) <= idle_threads

    if os.access(process / "fd", os.R_OK):
        server.wait_for(is_quiet, "connections and threads to end")


if __name__ == "__main__":
    run_case(globals())
