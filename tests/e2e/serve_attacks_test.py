#!/usr/bin/env python3
"""The server of the local page: everything that somebody else may try.

usage: serve_attacks_test.py CASE SALVAGE openapi.yaml
"""
import socket
import urllib.parse

from serve_support import Api, Server, open_sample, run_case


def test_strangers(salvage, document, work):
    """Whoever is not the page in the browser that was let in: nothing happens."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        own = f"127.0.0.1:{server.port}"
        for _ in range(2):  # the link was used already
            spent = server.raw("GET", server.link.split(own)[1])
            assert spent.status == 403 and not spent.header("Set-Cookie")
        for token in ("", "0" * 64, "%00", "../x", "a" * 5000):
            assert server.raw("GET", "/open?token=" + token).status == 403
        fresh = server.process.stdout.readline().strip()  # for another browser
        assert server.let_in(fresh) == server.cookie
        assert server.raw("GET", "/").status == 401 and server.raw("GET", "/files").status == 401
        assert server.raw("GET", "/", headers={"Cookie": server.cookie}).status == 200
        old = server.cookie[:-1] + ("0" if server.cookie[-1] != "0" else "1")
        calls = [("GET", path) for path in ("/session", "/folders", "/jobs", "/events", "/report", "/files", "/log")]
        calls += [("POST", path) for path in ("/workplace", "/sample-phone", "/unlock", "/searches", "/exports")]
        calls += [("DELETE", "/workplace")]
        for method, path in calls:
            whole = server.own_headers(method)
            for bad, status in (({"Cookie": None}, 401), ({"Cookie": old}, 401), ({"Origin": "http://evil.example"}, 403),
                                ({"Origin": "null"}, 403), ({"Host": "evil.example"}, 403), ({"Host": "127.0.0.1"}, 403),
                                ({"Host": f"evil.example:{server.port}"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403),
                                ({"Sec-Fetch-Site": "same-site"}, 403)):
                headers = {name: value for name, value in {**whole, **bad}.items() if value is not None}
                body = "{}" if method == "POST" else None
                if body:
                    headers["Content-Type"] = "application/json"
                answer = server.raw(method, "/api/v1" + path, body, headers)
                assert answer.status == status, f"{method} {path} with {bad}: {answer.status}"
            if method != "GET":
                for token in (None, "", "0" * 64, server.token[:-1]):
                    headers = {**whole, "X-Salvage-Token": token}
                    if token is None:
                        del headers["X-Salvage-Token"]
                    answer = server.raw(method, "/api/v1" + path, None, {**headers, "Content-Length": "0"})
                    assert answer.status == 403, f"{method} {path} with the token {token}"
        assert server.get("/workplace").value["state"] == "empty" and not server.get("/jobs").value["jobs"]
        assert not list(work.iterdir()), "something was written"
        for path in ("/etc/passwd", "/../../etc/passwd", "/%2e%2e/etc/passwd", "/assets/../../x", "/x.js", "//evil.example/"):
            answer = server.raw("GET", path, headers={"Cookie": server.cookie})
            assert b"root:" not in answer.body and answer.status in (200, 404), path


def test_hostile(salvage, document, work):
    """Requests that no page sends, each answered, and the server lives."""
    api = Api(document)
    with Server(salvage, api, cwd=work) as server:
        open_sample(server, work)
        nasty = ["..", "/..", "/../", "/../../etc/passwd", "/media/../../etc", "/.", "/a/%2E%2E/b", "/%2e%2e/", "/%00", "/a%00b",
                 "%", "/%", "/%2", "/%zz", "/%u0041", "\\..\\", "/" + "a" * 300, "/" + "a/" * 1000, "a", ""]
        for path in ("/files", "/file", "/file-info", "/sqlite", "/thumbnail"):
            for name in nasty:
                if name == "" and path in ("/files", "/file-info"):
                    continue
                answer = server.call("GET", path, {"path": name})
                assert answer.status in (400, 404), f"{path}?path={name[:30]}: {answer.status}"
        for name in nasty:
            if name:
                assert server.post("/selections", {"keys": [name]}).status in (400, 404), name
                assert server.post("/exports", {"to": str(work / "x"), "path": name}).status in (400, 404), name
        for name in ("../x", "x", "/tmp/../etc", "/" + "a" * 5000, "/a\0b", ""):
            for path, key in (("/workplace", "path"), ("/workplace", "case"), ("/exports", "to"), ("/sample-phone", "folder")):
                body = {"path": "/nowhere", key: name}
                if name or key in ("path", "to"):
                    assert server.post(path, body).status == 400, f"{path} {key} {name[:20]!r}"
            assert server.call("GET", "/folders", {"path": urllib.parse.quote(name, safe="")}).status == 400 or name == ""
        for body in ("", "[]", "1", "\"x\"", "{", "{\"path\": 1}", "{\"path\": [[[[[[[[1]]]]]]]]}", "[" * 100000,
                     "{\"path\":\"\\ud800\"}", "null"):
            answer = server.raw("POST", "/api/v1/workplace", body,
                                {**server.own_headers("POST"), "Content-Type": "application/json"})
            assert answer.status == 400, f"{body[:20]}: {answer.status}"
        for query in ("at=x", "at=1e3", "at=-1", "at=99999999999999999999", "at=0&length=0", "at=0&length=65537", "at=%", ""):
            assert server.raw("GET", "/api/v1/bytes?" + query, headers=server.own_headers()).status == 400, query
        sizes(server)
        raw_bytes(server)
        assert server.get("/workplace").value["is_open"]
        assert not (work / "x").exists()


def sizes(server):
    own = {**server.own_headers("POST"), "Content-Type": "application/json"}
    assert server.raw("GET", "/" + "a" * 9000).status == 414
    assert server.raw("GET", "/", headers={"X": "a" * 9000}).status in (400, 413, 431)
    try:
        assert server.raw("POST", "/api/v1/unlock", b"x" * (2 << 20), own).status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # closed before all of it was sent
    assert server.raw("POST", "/api/v1/unlock", "a=b", {**own, "Content-Type": "application/x-www-form-urlencoded"}).status == 415
    assert server.raw("POST", "/api/v1/unlock", "{}", {**own, "Content-Type": "text/plain"}).status == 415
    assert server.raw("POST", "/api/v1/unlock", "{}", {**own, "Content-Encoding": "gzip"}).status == 415
    assert server.raw("POST", "/api/v1/unlock", iter([b"{}"]), {**own, "Transfer-Encoding": "chunked"}).status == 415
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE"):
        assert server.raw(method, "/api/v1/session", headers=own).status == 405, method
    assert server.raw("DELETE", "/api/v1/session", headers=own).status == 405
    assert server.raw("HEAD", "/api/v1/session", headers=server.own_headers()).body == b""


def raw_bytes(server):
    """What is no HTTP at all."""
    for data in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"POST /api/v1/unlock HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET http://evil.example/ HTTP/1.1\r\n\r\n",
                 b"POST /api/v1/unlock HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(100)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), (data, answer)


if __name__ == "__main__":
    run_case(globals())
