#!/usr/bin/env python3
"""The log of a case: killed, verified, signed, forged; judged by us, by openssl, and by the shell lines of the document.

    case_test.py CASE SALVAGE MAKE_SAMPLE_PHONE CASE_MD

CASE is kill, document, sign, secrets or runs.  SALVAGE_KILL_SEED chooses other moments for kill.
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

from support import completed, sample_phone

ROUNDS = 8


def run(command, expected=0, **options):
    return completed(*command, allowed=(expected,), text=True, **options)


def rescue(salvage, dump, case, *more):
    return [salvage, "rescue", dump, "-o", case, "--statement", "a sample phone", "--quiet", *more]


def verify(salvage, case, expected=0, *more):
    return json.loads(run([salvage, "case", "verify", case, "--json", "--quiet", *more], expected).stdout)


def records(case):
    found = []
    for line in (case / "log.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            pass  # torn
    return found


def keys(work, name="private"):
    private, public = work / f"{name}.pem", work / f"{name}-public.pem"
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private])
    run(["openssl", "pkey", "-in", private, "-pubout", "-out", public])
    return private, public


def kill(salvage, dump, work, _):
    chance = random.Random(int(os.environ.get("SALVAGE_KILL_SEED", "1")))
    start = time.monotonic()
    run(rescue(salvage, dump, work / "reference"))
    seconds = time.monotonic() - start
    verify(salvage, work / "reference")
    kills = 0
    for number in range(ROUNDS):
        case = work / f"killed-{number}"
        for again in range(1 + number % 3):
            began_at = time.monotonic()
            process = subprocess.Popen([str(part) for part in rescue(salvage, dump, case)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=chance.uniform(0, seconds))
                # The machine was busier when a run was measured.
                seconds = seconds if again else min(seconds, time.monotonic() - began_at)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
            log = case / "log.jsonl"
            if log.exists():
                report = verify(salvage, case)
                assert report["sound"] and report["broken"] is None, report
            if log.exists() and chance.random() < 0.5 and log.stat().st_size > 100:
                # What a power cut in the middle of a record leaves.
                os.truncate(log, log.stat().st_size - chance.randrange(1, 60))
                assert verify(salvage, case)["sound"], "a torn last line"
        run(rescue(salvage, dump, case))
        report = verify(salvage, case)
        assert report["unfinished_count"] == 0 and report["extra_count"] == 0 and report["problem_count"] == 0, report
        began = [i for i, record in enumerate(records(case)) if record["event"] == "rescue.start"]
        named = [record for record in records(case) if record["event"] == "rescue.interrupted"]
        ended = [record for record in records(case) if record["event"] in ("rescue.done", "rescue.ended")]
        assert len(began) <= len(named) + len(ended) + 1, "an interrupted run that nobody names"
    print(f"{kills} kills in {ROUNDS} rounds, a run takes {seconds:.2f} s")
    assert kills >= ROUNDS // 3, "hardly any run was killed on its way: the moments are wrong"


def shell_lines(case_md):
    text = pathlib.Path(case_md).read_text(encoding="utf-8")
    found = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert found, "the document has no shell lines"
    return found.group(1)


def document(salvage, dump, work, case_md):
    lines = shell_lines(case_md)
    case = work / "case"
    run(rescue(salvage, dump, case))
    private, public = keys(work)
    run([salvage, "case", "sign", case, "--key", private])
    head = verify(salvage, case, 0, "--key", public)["log"]["sha256"]
    script = f"cp {public} public.pem\n{lines}rm public.pem\n"

    def judged():
        done = subprocess.run(["bash", "-c", script], cwd=case, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    said = judged()
    assert said.splitlines() == [f"head: {head}", "Signature Verified Successfully"], said
    for name in ("parts/manifest.json", "report.txt", "files/manifest.jsonl"):
        content = (case / name).read_bytes()
        (case / name).write_bytes(content[:-2] + b"x\n")
        assert f"{name}: FAILED" in judged(), name
        (case / name).write_bytes(content)
    photo = next(path for path in sorted((case / "files").rglob("*.jpg")))
    content = photo.read_bytes()
    photo.chmod(0o600)
    photo.write_bytes(content[:-1] + b"?")
    assert "FAILED" in judged(), "an exported file"
    assert verify(salvage, case, 7)["problems"][0]["code"] == "sha256"
    photo.write_bytes(content)
    log = (case / "log.jsonl").read_bytes()
    (case / "log.jsonl").write_bytes(log.replace(b"sample", b"SAMPLE", 1))
    assert "not in the chain" in judged()
    report = verify(salvage, case, 7)
    assert report["broken"]["line"] == 2, report
    (case / "log.jsonl").write_bytes(log[:log.rindex(b"\n", 0, -1) + 1])
    assert "not the log that was signed" in judged()
    assert not verify(salvage, case, 7)["sound"], "a log that was cut is noticed by its signature"
    (case / "log.jsonl").write_bytes(log)
    assert judged() == said


def sign(salvage, dump, work, _):
    case = work / "case"
    run(rescue(salvage, dump, case, "--no-split"))
    private, public = keys(work)
    other_private, other_public = keys(work, "other")
    verify(salvage, case, 7, "--key", public)  # not signed yet
    first = json.loads(run([salvage, "case", "sign", case, "--key", private, "--json"]).stdout)
    assert json.loads(run([salvage, "case", "sign", case, "--key", private, "--json"]).stdout)["was_there"]
    run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in",
         (case / first["signature"]).with_suffix(".head"), "-sigfile", case / first["signature"]])
    before = {path: path.read_bytes() for path in (case / "signatures").iterdir()}
    assert verify(salvage, case, 0, "--key", public)["signatures"][0]["state"] == "valid"
    assert verify(salvage, case, 7, "--key", other_public)["signatures"][0]["state"] == "other-key"
    run(rescue(salvage, dump, case, "--no-split"))  # further records
    run([salvage, "case", "sign", case, "--key", private])
    run([salvage, "case", "sign", case, "--key", other_private])
    assert all(path.read_bytes() == content for path, content in before.items()), "an older signature was changed"
    report = verify(salvage, case, 0, "--key", other_public)
    assert len(report["signatures"]) == 3 and report["extra_count"] == 0, report
    assert len({one["records"] for one in report["signatures"]}) == 2

    begun = case / json.loads(run([salvage, "case", "sign", case, "--key", private, "--json"]).stdout)["signature"]
    head, signed = begun.with_suffix(".head"), begun.read_bytes()
    right = head.read_bytes()
    begun.unlink()
    head.write_bytes(b"salvage.case-head/1 1 " + b"0" * 64 + b"\n")
    assert "not what would be signed" in run([salvage, "case", "sign", case, "--key", private], 7).stderr
    assert not begun.exists() and head.read_bytes() != right, "a signature beside a head that it does not cover"
    head.write_bytes(right)
    run([salvage, "case", "sign", case, "--key", private])
    assert begun.read_bytes() == signed, "what was begun is not finished"

    signature = case / first["signature"]
    content = signature.read_bytes()
    for i in range(0, len(content), 7):
        signature.write_bytes(content[:i] + bytes([content[i] ^ 1]) + content[i + 1:])
        assert verify(salvage, case, 7)["signatures"][0]["state"] == "wrong", i
    signature.write_bytes(content)
    verify(salvage, case)

    rsa, encrypted, passphrase = work / "rsa.pem", work / "encrypted.pem", work / "passphrase"
    run(["openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa])
    passphrase.write_text("open sesame\n", encoding="ascii")
    run(["openssl", "pkey", "-in", private, "-aes256", "-passout", f"file:{passphrase}", "-out", encrypted])
    assert "RSA" in run([salvage, "case", "sign", case, "--key", rsa], 3).stderr
    assert "encrypted" in run([salvage, "case", "sign", case, "--key", encrypted], 2).stderr
    run([salvage, "case", "sign", case, "--key", encrypted, "--passphrase-file", rsa], 1)
    run([salvage, "case", "sign", case, "--key", encrypted, "--passphrase-file", passphrase])
    assert "private key" in run([salvage, "case", "sign", case, "--key", public], 3).stderr
    run([salvage, "case", "sign", case, "--key", work / "absent"], 4)
    run([salvage, "case", "verify", case, "--key", rsa], 3)
    run([salvage, "case", "verify", work], 1)

    listed = run([salvage, "case", "log", case]).stdout
    assert "rescue.start" in listed and "a sample phone" in listed


def secrets(salvage, dump, work, _):
    """Neither the log nor anything else of a case says a secret that stood on the command line."""
    case = work / "case"
    pattern = "1-4-7-8-9"
    run(rescue(salvage, dump, case, "--pattern", pattern))
    run(rescue(salvage, dump, case, f"--pattern={pattern}"))
    log = (case / "log.jsonl").read_text(encoding="utf-8")
    assert pattern not in log and log.count("(a secret, not recorded)") == 2, log
    start = next(record for record in records(case) if record["event"] == "rescue.start")["data"]
    assert start["verb"] == "rescue" and start["version"] and "--pattern" in start["options"], start
    run([salvage, "rescue", work / "phone", "-o", case, "--quiet"], 1)
    other = work / "other.img"
    other.write_bytes(bytes(1 << 20))
    run(rescue(salvage, other, case), 2)
    assert records(case)[-1]["event"] == "rescue.refused", records(case)[-1]
    verify(salvage, case)


def runs(salvage, dump, work, _):
    """Verbs that work from a case: killed at any moment, named by the next one, and no secret of theirs in the log."""
    chance = random.Random(int(os.environ.get("SALVAGE_KILL_SEED", "1")))
    case = work / "case"
    run(rescue(salvage, dump, case, "--no-split"))
    verbs = [["export", case, "-o", work / "photos.tar", "--format", "tar"], ["extract", case, "-o", case / "mine"],
             ["decrypt", case, "-o", work / "plain.img"]]
    start = time.monotonic()
    run([salvage, *verbs[0], "--quiet"])
    seconds = time.monotonic() - start
    interrupted = 0
    for number in range(9):
        (work / "photos.tar").unlink(missing_ok=True)
        before = len(records(case))
        process = subprocess.Popen([salvage, *verbs[number % 3], "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(seconds / 4, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        new = [record["event"] for record in records(case)[before:]]
        report = verify(salvage, case)
        assert report["sound"] and report["broken"] is None, report
        began = verbs[number % 3][0] + ".start" in new and not any(event.endswith((".done", ".ended")) for event in new)
        last = len(records(case))
        run([salvage, "split", case, "-o", work / f"parts-{number}", "--only", "metadata", "--quiet"])
        named = [record for record in records(case)[last:] if record["event"].endswith(".interrupted")]
        assert len(named) == began, (new, named)
        if began:
            assert named[0]["event"] == verbs[number % 3][0] + ".interrupted", named
            assert records(case)[named[0]["data"]["record"] - 1]["event"] == verbs[number % 3][0] + ".start"
            interrupted += 1
    assert interrupted >= 2, "hardly any run was killed between its beginning and its end"
    run([salvage, *verbs[1], "--quiet"])
    run([salvage, "export", case, "-o", work / "by-pattern", "--pattern", "1-4-7-8-9", "--quiet"])
    log = (case / "log.jsonl").read_text(encoding="utf-8")
    assert "1-4-7-8-9" not in log and "(a secret, not recorded)" in log
    private, public = keys(work)
    run([salvage, "case", "sign", case, "--key", private])
    assert verify(salvage, case, 0, "--key", public)["signatures"][0]["state"] == "valid"
    sums = (case / "mine" / "SHA256SUMS").read_bytes()
    (case / "mine" / "SHA256SUMS").write_bytes(sums + b"x")
    assert any(problem["path"] == "mine/SHA256SUMS" for problem in verify(salvage, case, 7)["problems"])
    print(f"{interrupted} of 9 runs were interrupted and named")


def main():
    case, salvage, make_sample_phone, case_md = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="salvage-case-") as name:
        work = pathlib.Path(name)
        dump = sample_phone(work, make_sample_phone)
        {"kill": kill, "document": document, "sign": sign, "secrets": secrets, "runs": runs}[case](salvage, dump, work, case_md)


if __name__ == "__main__":
    main()
