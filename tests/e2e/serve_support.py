"""A running `salvage serve`, and a judge of its answers: docs/api/openapi.yaml read by python3-jsonschema."""
import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

from support import skip

try:
    import jsonschema
    import yaml
except ImportError as missing:
    skip(f"python3-jsonschema and python3-yaml are needed: {missing}")

PATTERN = "1-4-7-8-9"  # of the sample phone
CAMERA = "/media/0/DCIM/Camera"
PATIENCE = 300  # seconds; sanitizers and busy machines are slow
COOKIE = re.compile(r"^(salvage-\d+)=([0-9a-f]{64}); Path=/; HttpOnly; SameSite=Strict$")


class Api:
    """What the document says of each answer."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        self.seen = set()
        self.judges = {}

    def _resolved(self, node):
        """Without references, and with OpenAPI 3.0's `nullable` as JSON Schema has it."""
        if isinstance(node, list):
            return [self._resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return self._resolved(target)
        out = {key: self._resolved(value) for key, value in node.items() if key != "nullable"}
        return {"anyOf": [out, {"type": "null"}]} if node.get("nullable") else out

    def template_of(self, path):
        for template in self.document["paths"]:
            pattern = re.sub(r"\{[a-z]+\}", "[^/]+", template)
            if re.fullmatch(pattern, path):
                return template
        return None

    def check(self, method, path, status, media_type, body):
        template = self.template_of(path)
        assert template, f"the document has no {path}"
        responses = self.document["paths"][template][method.lower()]["responses"]
        answer = responses.get(str(status), responses["default"])
        judge = self._judge(json.dumps(answer, sort_keys=True))
        if str(status) in responses:
            self.seen.add((method, template))
        else:
            assert status >= 400, f"{method} {path}: {status} is not in the document"
        if judge == "nothing":
            assert not body, f"{method} {path}: a body where the document has none"
        if isinstance(judge, str):
            return None
        assert media_type == "application/json", f"{method} {path}: {media_type}"
        value = json.loads(body)
        judge.validate(value)
        return value

    def _judge(self, answer):
        """Of an answer's JSON; else what is there instead."""
        if answer not in self.judges:
            content = self._resolved(json.loads(answer)).get("content")
            if not content:
                self.judges[answer] = "nothing"
            elif "application/json" not in content:
                self.judges[answer] = "bytes"
            else:
                schema = content["application/json"]["schema"]
                jsonschema.Draft7Validator.check_schema(schema)
                self.judges[answer] = jsonschema.Draft7Validator(schema)
        return self.judges[answer]

    def missing(self):
        """Calls whose success nobody has seen."""
        calls = {(method.upper(), template) for template, item in self.document["paths"].items()
                 for method in item if method in ("get", "post", "delete")}
        return calls - self.seen


class Answer:
    def __init__(self, status, headers, body, value):
        self.status, self.headers, self.body, self.value = status, headers, body, value

    def header(self, name):
        return self.headers.get(name)


class Server:
    """One run of `salvage serve` and the browser that was let in."""

    def __init__(self, salvage, api, *arguments, cwd=None):
        self.api = api
        self.process = subprocess.Popen([str(salvage), "serve", *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=cwd)
        self.link = self.process.stdout.readline().strip()
        assert self.link, self.process.stderr.read()
        self.port = urllib.parse.urlsplit(self.link).port
        self.cookie = self.let_in(self.link)
        self.token = self.get("/session").value["token"]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            if kind is None:
                self.end()
            else:
                self.process.kill()
                print(self.process.stderr.read())

    def end(self):
        """Ctrl-C; it has to end well and soon."""
        self.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        code = self.process.wait(PATIENCE)
        talk = self.process.stderr.read()
        assert code == 0, f"serve ended with {code}: {talk}"
        assert not talk, talk
        return time.monotonic() - begun

    def let_in(self, link):
        parts = urllib.parse.urlsplit(link)
        answer = self.raw("GET", f"{parts.path}?{parts.query}")
        assert answer.status == 303 and answer.header("Location") == "/", answer.status
        name, value = COOKIE.match(answer.header("Set-Cookie")).groups()
        return f"{name}={value}"

    def raw(self, method, target, body=None, headers=None):
        """As it is given; nothing is added but Host."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read(), None)
        finally:
            connection.close()

    def own_headers(self, method="GET"):
        out = {"Cookie": self.cookie}
        if method != "GET":
            out["X-Salvage-Token"] = self.token
            out["Origin"] = f"http://127.0.0.1:{self.port}"
        return out

    def call(self, method, path, query=None, body=None, headers=None, expected=None):
        """Asks as the page does and has the answer judged by the document."""
        # A key goes into a query as it is; everything else is encoded.
        target = "/api/v1" + path
        if query:
            target += "?" + "&".join(f"{name}={value if name == 'path' else urllib.parse.quote(str(value), safe='')}"
                                     for name, value in query.items())
        sent = {**self.own_headers(method), **(headers or {})}
        if body is not None:
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        answer = self.raw(method, target, body, sent)
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Resource-Policy", "same-origin"), ("Cache-Control", "no-store")):
            assert answer.header(name) == value, f"{target}: {name} is {answer.header(name)}"
        assert "default-src 'none'" in answer.header("Content-Security-Policy"), target
        media_type = (answer.header("Content-Type") or "").split(";")[0]
        answer.value = self.api.check(method, path, answer.status, media_type, answer.body)
        if expected is not None:
            assert answer.status == expected, f"{method} {target}: {answer.status}, {answer.body[:500]}"
        return answer

    def get(self, path, query=None, expected=200, **more):
        return self.call("GET", path, query, expected=expected, **more)

    def post(self, path, body=None, expected=None, **more):
        return self.call("POST", path, body=body, expected=expected, **more)

    def wait_for(self, holds, what):
        end = time.monotonic() + PATIENCE
        while True:
            value = holds()
            if value:
                return value
            assert time.monotonic() < end, f"waited too long for {what}"
            time.sleep(0.1)

    def job(self, kind):
        """The newest of a kind."""
        return next((job for job in self.get("/jobs").value["jobs"] if job["kind"] == kind), None)

    def wait_for_job(self, kind, states=("done",)):
        job = self.wait_for(lambda: (lambda job: job if job and job["state"] not in ("running", "paused") else None)(
            self.job(kind)), f"the end of {kind}")
        assert job["state"] in states, job
        return job

    def wait_until_open(self):
        def settled():
            place = self.get("/workplace").value
            return place if place["state"] not in ("empty", "opening") else None

        place = self.wait_for(settled, "a dump to be open")
        assert place["state"] == "open", place
        self.wait_for_job("open")
        return self.get("/workplace").value


def open_sample(server, work, unlocked=True):
    """A sample phone in `work`/phone, opened."""
    server.post("/sample-phone", {"folder": str(work / "phone")}, expected=202)
    made = server.wait_for_job("sample-phone", ("done", "failed"))
    if made["state"] == "failed":
        skip(made["error"]["error"]["what"])
    assert made["result"]["pattern"] == PATTERN
    place = server.wait_until_open()
    assert place["verdict"]["code"] == "needs-secret" and not place["is_open"] and not place["needs_right"]
    if unlocked:
        assert server.post("/unlock", {"pattern": PATTERN}, expected=200).value["is_open"]
    return pathlib.Path(made["result"]["dump"])


class Listener:
    """An EventSource."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                            f"Cookie: {server.cookie}\r\n\r\n".encode())
        self.api = server.api
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def next(self):
        """The next event, judged by the document."""
        while True:
            while b"\n\n" not in self.text:
                size = int(self.file.readline(), 16)
                assert size, "the stream ended"
                self.text += self.file.read(size)
                self.file.readline()
            message, self.text = self.text.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in message.decode().split("\n") if not line.startswith(":"))
            if "event" in fields:
                value = json.loads(fields["data"])
                path = {"job": "/jobs/1", "workplace": "/workplace"}[fields["event"]]
                self.api.check("GET", path, 200, "application/json", fields["data"])
                return fields["event"], value


def run_case(tests):
    """argv: CASE SALVAGE openapi.yaml; runs test_CASE of `tests` in a folder of its own."""
    case, salvage, document = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    with tempfile.TemporaryDirectory(prefix="salvage-serve-") as name:
        tests["test_" + case](salvage, document, pathlib.Path(name).resolve())
    print("passed")
