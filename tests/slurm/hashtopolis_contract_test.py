#!/usr/bin/env python3
"""Drives salvage exactly as a Hashtopolis agent drives a cracker that is not hashcat, and is as strict as it is.

hashtopolis_contract_test.py SALVAGE [VECTORS]

The agent reads standard output by line: "STATUS" lines are split at single blanks and their fields made integers, any
other line with a ':' waits as a hit until the next STATUS line takes it along, and "STATUS 10000 n" ends the chunk.
A stub of the server hands out chunks until the keyspace is covered.  Behaviour after hashtopolis/agent-python,
htpclient/generic_cracker.py and generic_status.py; none of its code is here.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

# A line, its password and a mask around it: hashcat's own self-test of mode 8800.
PASSWORD = b"hashcat"
MASK = "hash?l?l?l"
CANDIDATES = 26 ** 3
ALIAS = "#HL#"
ATTACK = f"-a {ALIAS} -a 3 {MASK}"
# What the server does not let through in an attack command.
FORBIDDEN = set("&|`\"'{}()[]$<>;")


class Failed(Exception):
    pass


def require(holds, what):
    if not holds:
        raise Failed(what)


class Server:
    """The part of the server that hands out chunks and takes what comes of them."""

    def __init__(self, keyspace):
        self.keyspace, self.next, self.open, self.hits, self.done = keyspace, 0, {}, {}, []

    def chunk(self, length):
        """A chunk that was not finished is handed out again; then the next one."""
        if self.open:
            return next(iter(self.open.items()))
        if self.next == self.keyspace:
            return None
        skip, self.next = self.next, min(self.keyspace, self.next + length)
        self.open[skip] = self.next - skip
        return skip, self.open[skip]

    def progress(self, skip, share, speed, state, hits):
        require(0 <= share <= 10000 and speed >= 0, f"progress {share}, speed {speed}")
        require(skip in self.open, "progress for a chunk that is not this agent's")
        for hit in hits:
            name, plain = split_hit(hit)
            self.hits.setdefault(name, set()).add(plain)
        if state == 4:
            self.done.append((skip, self.open.pop(skip)))
        return {"stop": False}  # a generic cracker is never told to stop


def split_hit(line):
    """As the server does: at colons, "hash:plain" or "hash:salt:plain"."""
    parts = line.split(":")
    require(len(parts) == 2, f"the server would cut this hit into {len(parts)} parts: {line}")
    plain = re.fullmatch(r"\$HEX\[((?:[0-9a-f]{2})*)\]", parts[1])
    require(plain, f"a plain that is not $HEX[…]: {line}")
    return parts[0], bytes.fromhex(plain[1])


def parse_status(line):
    """(share, speed) or None; what would raise in the agent fails here."""
    fields = line.strip().split(" ")
    if fields[0] != "STATUS":
        return None
    require(len(fields) == 3, f"a STATUS line with {len(fields)} fields: {line!r}")
    require(all(re.fullmatch(r"[0-9]+", field) for field in fields[1:]), f"no integers: {line!r}")
    return int(fields[1]), int(fields[2])


class Agent:
    def __init__(self, program, files, hash_list):
        self.program, self.files, self.hash_list = program, files, hash_list

    def keyspace(self):
        require(not FORBIDDEN & set(ATTACK), "the server refuses this attack command")
        command = f"{self.program} keyspace " + ATTACK.replace(f"-a {ALIAS} ", "")
        done = subprocess.run(command, shell=True, cwd=self.files, capture_output=True, text=True, timeout=60)
        require(done.returncode == 0, f"keyspace: exit {done.returncode}\n{done.stdout}{done.stderr}")
        lines = [line for line in done.stdout.split("\n") if line]
        return int(lines[-1])

    def attack(self):
        return ATTACK.replace(ALIAS, f"'{self.hash_list}'")

    def benchmark(self, keyspace, seconds):
        command = f"{self.program} crack {self.attack()} -s 0 -l {keyspace} --timeout={seconds}"
        begin = time.monotonic()
        done = subprocess.run(command, shell=True, cwd=self.files, capture_output=True, text=True,
                              timeout=seconds + 60)
        require(done.returncode == 0, f"benchmark: exit {done.returncode}\n{done.stdout}{done.stderr}")
        require(time.monotonic() - begin < seconds + 30, "the benchmark does not keep its time")
        status = [parse_status(line) for line in done.stdout.split("\n") if line]
        status = [each for each in status if each]
        require(status, f"a benchmark without a STATUS line\n{done.stdout}")
        return status[-1][0] / 10000

    def run_chunk(self, server, skip, length):
        """One chunk; hits go to the server with the STATUS line that follows them, or never."""
        command = f"'{self.program}' crack -s {skip} -l {length} {self.attack()}"
        process = subprocess.Popen(command, shell=True, cwd=self.files, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        talk = []
        reader = threading.Thread(target=lambda: talk.extend(process.stderr))
        reader.start()
        waiting, last = [], -1
        for raw in process.stdout:
            line = raw.decode()
            status = parse_status(line)
            if status is None:
                if ":" in line:
                    waiting.append(line.strip())
                continue
            share, speed = status
            require(share >= last, f"progress goes back from {last} to {share}")
            require(last != 10000, "a line after the last one")
            last = share
            server.progress(skip, share, speed, 4 if share == 10000 else 2, waiting)
            waiting = []
        process.wait(timeout=60)
        reader.join()
        said = b"".join(talk).decode(errors="replace")
        require(not waiting, f"hits after the last STATUS line are lost: {waiting}")
        require(last == 10000, f"the chunk at {skip} never ends: last progress {last}\n{said}")


def hash_line(vectors):
    for line in vectors.read_text().splitlines():
        if line.startswith("Line = $fde$16$ca56e82e"):
            return line.removeprefix("Line = ")
    return None


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    vectors = pathlib.Path(sys.argv[2])
    line = hash_line(vectors)
    if not program.exists() or line is None:
        print(f"skipped: {program} or the hash line in {vectors} is missing")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        files = pathlib.Path(folder, "files")
        files.mkdir()
        # The server names hash lists by number; a blank in the path shows whether the quotes do their work.
        hash_list = pathlib.Path(folder, "hash lists", "17")
        hash_list.parent.mkdir()
        hash_list.write_text(line + "\n")
        agent = Agent(program, files, hash_list)
        keyspace = agent.keyspace()
        require(keyspace == CANDIDATES, f"keyspace {keyspace}, expected {CANDIDATES}")
        share = agent.benchmark(keyspace, 3)
        server = Server(keyspace)
        # The last chunk is handed out whatever was found before: every one has to come to its end.
        while (chunk := server.chunk(keyspace // 3)) is not None:
            agent.run_chunk(server, *chunk)
        plains = set().union(*server.hits.values()) if server.hits else set()
        require(plains == {PASSWORD}, f"found {plains}")
        covered = sorted(server.done)
        require(sum(length for _, length in covered) == keyspace, f"covered {covered}")
        print(f"hashtopolis.contract: keyspace {keyspace}, benchmark {share:.4f}, {len(covered)} chunks, "
              f"{len(server.hits)} hash with its plain")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        print(f"hashtopolis.contract: {failed}", file=sys.stderr)
        sys.exit(1)
