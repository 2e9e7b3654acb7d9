#!/usr/bin/env python3
"""Runs one scripted command session against the salvage binary.

A script is a list of blocks:

    $ salvage footer block.txt --secret-file secret
    > *crypto footer 1.0*          a line of standard output, in order; * stands for anything; lines between may be skipped
    ! *error:*                     the same for standard error
    < typed text                   standard input
    = 6                            exit code; 0 where none is given
    >= words                       standard output must not hold this text: written as `x words`

Every script runs in an empty folder with SALVAGE (the binary), REPO (the checkout) and FOREIGN (other people's files) set.
Lines before the first `$` that start with `#!` are shell to prepare the folder; `#? path` skips the script where a path is missing.
"""
import fnmatch
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77


class Block:
    def __init__(self, command):
        self.command = command
        self.out, self.err, self.absent, self.typed = [], [], [], []
        self.exit = 0


def parse(text):
    prepare, needed, blocks = [], [], []
    for line in text.splitlines():
        if line.startswith("#!"):
            prepare.append(line[2:].strip())
        elif line.startswith("#?"):
            needed.append(line[2:].strip())
        elif line.startswith("#") or not line.strip():
            continue
        elif line.startswith("$ "):
            blocks.append(Block(line[2:]))
        elif line.startswith("> "):
            blocks[-1].out.append(line[2:])
        elif line.startswith("! "):
            blocks[-1].err.append(line[2:])
        elif line.startswith("x "):
            blocks[-1].absent.append(line[2:])
        elif line.startswith("< "):
            blocks[-1].typed.append(line[2:])
        elif line.startswith("= "):
            blocks[-1].exit = int(line[2:])
        else:
            sys.exit(f"script line not understood: {line!r}")
    return prepare, needed, blocks


def missing(patterns, text):
    """The first pattern that no line matches in order, or None."""
    lines = iter(text.splitlines())
    for pattern in patterns:
        escaped = pattern.replace("[", "[[]")
        if not any(fnmatch.fnmatchcase(line, escaped) for line in lines):
            return pattern
    return None


def main():
    script, binary, repo, foreign = sys.argv[1:5]
    prepare, needed, blocks = parse(pathlib.Path(script).read_text())
    with tempfile.TemporaryDirectory(prefix="salvage-cli-") as folder:
        env = dict(os.environ, SALVAGE=binary, REPO=repo, FOREIGN=foreign, HOME=folder, XDG_DATA_HOME="", LC_ALL="C.UTF-8",
                   PATH=f"{pathlib.Path(binary).parent}:{os.environ['PATH']}")
        for path in needed:
            if not os.path.exists(os.path.expandvars(path.replace("$FOREIGN", foreign).replace("$REPO", repo))):
                print(f"skipped: {path} is not present")
                return SKIPPED
        for line in prepare:
            subprocess.run(["bash", "-ec", line], cwd=folder, env=env, check=True)
        for block in blocks:
            done = subprocess.run(["bash", "-c", block.command], cwd=folder, env=env, capture_output=True,
                                  input="\n".join(block.typed).encode() + b"\n", timeout=240)
            out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
            problem = None
            if done.returncode != block.exit:
                problem = f"exit {done.returncode}, expected {block.exit}"
            elif (pattern := missing(block.out, out)) is not None:
                problem = f"standard output lacks (in order): {pattern}"
            elif (pattern := missing(block.err, err)) is not None:
                problem = f"standard error lacks (in order): {pattern}"
            elif (text := next((text for text in block.absent if text in out + err), None)) is not None:
                problem = f"output must not hold: {text}"
            if problem:
                print(f"$ {block.command}\n{problem}\n--- stdout\n{out}\n--- stderr\n{err}")
                return 1
    print(f"{len(blocks)} commands as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
