#!/usr/bin/env python3
"""Searches on a real Slurm that loses machines, cables and its controller on the way.

slurm_test.py SCENARIO WITNESS_TASK CLUSTER_SH

Each scenario ends with the same questions, asked of the files and not of our own program: does the ledger hold each
candidate exactly once, was each one really tried, is the hit there once, and did nobody wait for Slurm's two minutes?
77: such a cluster cannot be had here.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

NAME, WITNESS, CLUSTER_SH = sys.argv[1:4]
# Slurm would let a task wait 121 s after a lost machine.
TWO_MINUTES = 100
ALWAYS = ["--also", "never"]


class Search:
    """A search under way, and its folder."""

    def __init__(self, candidates, chunk, hit, rate, also=True, cpus=1):
        self.root = pathlib.Path(os.environ["CLUSTER"]) / "shared"
        self.root.mkdir()
        self.folder, self.witness = self.root / "job", self.root / "witness"
        self.candidates, self.chunk, self.hit = candidates, chunk, hit
        self.command = [WITNESS, "--json", "--candidates", str(candidates), "--hit", str(hit), "--rate", str(rate),
                        "--witness", str(self.witness), "--slurm", str(self.folder)] + (ALWAYS if also else [])
        self.options = ["--slurm-chunk", str(chunk), "--slurm-cpus", str(cpus), "--slurm-gpus", "1"]
        self.released = []
        self.submitted = []

    def call(self, *words):
        done = subprocess.run([*self.command, *words], capture_output=True, text=True, cwd=self.root, timeout=150)
        assert done.returncode in (0, 1, 3), f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        report = json.loads(done.stdout)
        assert report["schema"] == "salvage.slurm/1"
        self.released += report["released"]
        self.submitted += report["submitted"]
        return report

    def submit(self):
        return self.call(*self.options)

    def look(self):
        return self.call("--slurm-status")

    def wait_for(self, what, condition, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            report = self.look()
            if condition(report):
                return report
            time.sleep(0.5)
        raise AssertionError(f"waited {seconds} s for {what}\n{json.dumps(report, indent=1)}\n{cluster_log()}")

    def wait_until_running(self, node, at_least=4):
        """Until `node` has tasks that have tried some candidates of their chunks; returns those chunks."""
        def is_running(report):
            chunks = [t["chunk"] for t in report["tasks"] if t["state"] == "running" and t["node"] == node]
            tried = self.tried()
            return len(chunks) == 2 and all(len(tried.get(c, [])) >= at_least for c in chunks)
        self.wait_for(f"tasks on {node}", is_running)
        return self.running_on(node)

    def running_on(self, node):
        report = self.look()
        return [t["chunk"] for t in report["tasks"] if t["state"] == "running" and t["node"] == node]

    def wait_until_over(self, seconds=90):
        return self.wait_for("the end", lambda r: r["state"] in ("found", "exhausted"), seconds)

    def tried(self):
        """chunk -> [(life, number)], as the witness saw them."""
        out = {}
        if self.witness.exists():
            for line in self.witness.read_text().splitlines():
                chunk, life, number = map(int, line.split())
                out.setdefault(chunk, []).append((life, number))
        return out

    def records(self):
        """The ledger, read by this script's own understanding of docs/formats/chunk-folder.md."""
        out = {}
        job = hashlib.sha256((self.folder / "job.json").read_bytes()).hexdigest()
        for path in (self.folder / "done").iterdir():
            if path.name.startswith("."):
                continue
            text = path.read_bytes()
            body, check = text.rsplit(b"check=", 1)
            assert check.strip().decode() == hashlib.sha256(body).hexdigest(), f"{path}: its checksum is wrong"
            lines = [line.split("=", 1) for line in body.decode().splitlines()]
            record = {key: value for key, value in lines if key != "hit"}
            assert record["job"] == job and record["chunk"] == path.name, path
            record["hit"] = [value.split(" ") for key, value in lines if key == "hit"]
            out[int(path.name)] = record
        return out

    def assert_exactly_once(self):
        records, tried = self.records(), self.tried()
        covered = []
        for chunk, record in records.items():
            covered += range(int(record["begin"]), int(record["next"]))
            seen = {number for _, number in tried[chunk]}
            missing = set(range(int(record["begin"]), int(record["next"]))) - seen
            assert not missing, f"chunk {chunk} counts as tried, and nobody saw {sorted(missing)[:5]}"
        assert sorted(covered) == list(range(self.candidates)), "the ledger does not hold each candidate exactly once"
        hits = [hit for record in records.values() for hit in record["hit"]]
        secret = f"secret:{self.hit}".encode().hex()
        assert [(hit[0], hit[3]) for hit in hits] == [(str(self.hit), f"$HEX[{secret}]")], f"hits in the ledger: {hits}"
        assert len(list((self.folder / "hits").glob("[0-9]*"))) == 1

    def assert_resumed(self, chunks):
        """Later lives went on from the checkpoint: none began its chunk anew."""
        for chunk in chunks:
            lives = {}
            for life, number in self.tried()[chunk]:
                lives.setdefault(life, []).append(number)
            assert len(lives) >= 2, f"chunk {chunk} had one life: {lives}"
            for life in sorted(lives)[1:]:
                assert lives[life][0] > chunk * self.chunk, f"chunk {chunk} was begun anew: {lives}"


def wait_until_saved():
    """Until the controller has written down what runs now.  One that is killed before starts everything again, finds the
    tasks running, and takes both machines out of service ("Duplicate jobid"): Slurm's own affair, and not ours."""
    state = pathlib.Path(os.environ["CLUSTER"]) / "state" / "job_state"
    begin = time.time()
    subprocess.run(["scontrol", "reconfigure"], check=True)  # it does so then, and else every ten seconds or so
    while not state.exists() or state.stat().st_mtime <= begin:
        assert time.time() - begin < 60, "the controller does not save its state"
        time.sleep(0.1)


def cluster(*words):
    subprocess.run([CLUSTER_SH, *words], check=True)


def cluster_log():
    folder = pathlib.Path(os.environ["CLUSTER"]) / "log"
    logs = [folder / "slurmctld.log", *sorted((folder.parent / "shared" / "job" / "log").glob("*"))[-3:]]
    return "\n".join(f"--- {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:])
                     for log in logs if log.exists())


def machine_killed(search):
    """Power is cut from a machine in the middle of its chunks; later it comes back."""
    search.submit()
    chunks = search.wait_until_running("n2")
    cluster("kill-machine", "2")
    killed = time.monotonic()
    search.wait_for("the lost chunks on another machine", lambda r: all(
        any(t["chunk"] == c and t["node"] == "n1" for t in r["tasks"]) or c not in r["missing"] for c in chunks))
    print(f"  the lost chunks ran elsewhere after {time.monotonic() - killed:.0f} s")
    cluster("start-machine", "2")
    search.wait_until_over()
    assert search.released, "no task had to be freed from Slurm's two minutes: this test shows nothing"
    assert time.monotonic() - killed < TWO_MINUTES
    search.assert_resumed(chunks)


def cable_pulled(search):
    """A machine is cut off and goes on; what it commits to the shared folder stands, and is not done twice."""
    search.submit()
    chunks = search.wait_until_running("n2")
    cluster("pull-cable", "2")
    pulled = time.monotonic()
    search.wait_for("its chunks, committed behind the pulled cable",
                    lambda r: all(c not in r["missing"] for c in chunks))
    before = search.records()
    search.wait_until_over()
    print(f"  over after {time.monotonic() - pulled:.0f} s")
    done = {c: search.records()[c] for c in chunks}
    assert done == {c: before[c] for c in chunks}, "a committed chunk was committed again"
    # Slurm could not know, and runs them again: those lives find the record and do nothing.
    end = time.monotonic() + 60
    while not all(is_queued_again(search, c) for c in chunks):
        assert time.monotonic() < end, f"Slurm did not queue the cut-off chunks again\n{cluster_log()}"
        time.sleep(0.5)
    cluster("plug-cable", "2")
    assert {c: search.records()[c] for c in chunks} == done


def is_queued_again(search, chunk):
    log = (pathlib.Path(os.environ["CLUSTER"]) / "log" / "slurmctld.log").read_text(errors="replace")
    return re.search(rf"requeue job JobId=\d+_{chunk}\(\d+\) due to failure of node n2", log) is not None


def controller_killed(search):
    """The controller dies with tasks running, and comes back; meanwhile a look says so and does no harm."""
    search.submit()
    search.wait_until_running("n1")
    wait_until_saved()
    cluster("kill-controller")
    before = len(search.records())
    report = search.look()
    assert report["queue_error"] and not report["submitted"] and report["state"] == "searching", report
    end = time.monotonic() + 60
    while len(search.records()) <= before:
        assert time.monotonic() < end, "tasks do not go on without a controller"
        time.sleep(0.2)
    cluster("start-controller")
    search.wait_until_over()
    assert len(search.submitted) == 1, f"chunks were submitted again: {search.submitted}"


def all_at_once(search):
    """A machine's power, the other's cable and the controller, within a second, and a submission cut off before."""
    search.submit()
    search.wait_until_running("n2")
    wait_until_saved()
    chunks = search.running_on("n2")
    assert len(chunks) == 2, chunks
    cluster("kill-controller")
    cluster("pull-cable", "1")
    cluster("kill-machine", "2")
    lost = time.monotonic()
    time.sleep(3)
    cluster("start-controller")
    cluster("start-machine", "2")
    time.sleep(3)
    cluster("plug-cable", "1")
    search.wait_until_over()
    assert time.monotonic() - lost < TWO_MINUTES
    print(f"  over {time.monotonic() - lost:.0f} s after everything broke")
    search.assert_resumed(chunks)


def submission_cut_off(search):
    """kill -9 between the note and sbatch, and between sbatch and the note: nothing is lost, nothing submitted twice."""
    sbatch = search.root / "sbatch"
    real = subprocess.run(["sh", "-c", "command -v sbatch"], capture_output=True, text=True, check=True).stdout.strip()
    environment = {**os.environ, "PATH": f"{search.root}:{os.environ['PATH']}"}

    def submit_and_die(script):
        sbatch.write_text(f"#!/bin/sh\n{script}\n")
        sbatch.chmod(0o700)
        done = subprocess.run([*search.command, *search.options], capture_output=True, env=environment,
                              cwd=search.root, timeout=60)
        assert done.returncode == -9, done
        sbatch.unlink()

    submit_and_die("kill -9 $PPID")
    assert search.submit()["submitted"], "the submission that never was is made"
    subprocess.run(["scancel", *search.submitted], check=True)
    search.submitted.clear()
    wait_until_queue_is_empty()
    submit_and_die(f"{real} \"$@\" >/dev/null; kill -9 $PPID")
    report = search.look()
    assert len(report["recovered"]) == 1 and not report["submitted"], report
    search.wait_until_over()
    assert not search.submitted, f"submitted again: {search.submitted}"


def told_to_end(search):
    """A task gets SIGTERM, as before its time limit: it writes a checkpoint, has itself queued again, and goes on."""
    search.submit()
    chunks = search.wait_until_running("n1")
    told = time.monotonic()
    array = search.submitted[0]
    for chunk in chunks:
        subprocess.run(["scancel", "--batch", "--signal=TERM", f"{array}_{chunk}"], check=True)
    search.wait_until_over()
    assert time.monotonic() - told < TWO_MINUTES
    assert len(search.submitted) == 1, f"submitted again instead of queued again: {search.submitted}"
    assert search.released, "no task had to be freed from Slurm's two minutes: this test shows nothing"
    search.assert_resumed(chunks)
    for chunk in chunks:
        numbers = [number for _, number in search.tried()[chunk]]
        assert len(numbers) == len(set(numbers)), f"chunk {chunk}: candidates were tried twice after a checkpoint"


def wait_until_queue_is_empty():
    end = time.monotonic() + 20
    while subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True).stdout.strip():
        assert time.monotonic() < end, "tasks are still in the queue"
        time.sleep(0.2)


def hit_ends_the_rest(search):
    """With the only target hit, running tasks end by themselves, and waiting ones are cancelled."""
    search.submit()
    report = search.wait_until_over()
    assert report["state"] == "found" and report["cancelled"], report
    assert report["hits"][0]["secret"] == f"secret:{search.hit}", report["hits"]
    wait_until_queue_is_empty()
    again = search.submit()
    assert again["state"] == "found" and not again["submitted"], again
    assert len(search.records()) < search.candidates // search.chunk, "nothing was saved by the hit"


SCENARIOS = {
    "machine-killed": (machine_killed, dict(candidates=360, chunk=30, hit=299, rate=8)),
    "cable-pulled": (cable_pulled, dict(candidates=360, chunk=30, hit=299, rate=8)),
    "controller-killed": (controller_killed, dict(candidates=240, chunk=40, hit=199, rate=4)),
    "all-at-once": (all_at_once, dict(candidates=300, chunk=60, hit=299, rate=4)),
    "submission-cut-off": (submission_cut_off, dict(candidates=80, chunk=10, hit=59, rate=20)),
    "told-to-end": (told_to_end, dict(candidates=160, chunk=40, hit=139, rate=8)),
    "hit-ends-the-rest": (hit_ends_the_rest, dict(candidates=2000, chunk=50, hit=61, rate=10, also=False)),
}


def main():
    if "CLUSTER" not in os.environ:
        os.execv(CLUSTER_SH, [CLUSTER_SH, "run", sys.executable, *sys.argv])
    scenario, settings = SCENARIOS[NAME]
    begin = time.monotonic()
    search = Search(**settings)
    try:
        scenario(search)
        if settings.get("also", True):
            search.assert_exactly_once()
    except Exception:
        print(cluster_log(), file=sys.stderr)
        raise
    lives = sorted(path.name for path in (search.folder / "attempt").iterdir() if not path.name.startswith("."))
    print(f"{NAME}: {len(search.records())} records of {len(lives)} lives, {time.monotonic() - begin:.0f} s, "
          f"freed from waiting: {' '.join(search.released) or 'none'}")


main()
