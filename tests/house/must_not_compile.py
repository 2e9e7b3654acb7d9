#!/usr/bin/env python3
"""Compiles each snippet of a folder and expects the error that its first line names; control.cpp has to compile.

    must_not_compile.py COMPILER INCLUDE FOLDER
"""
import pathlib
import re
import subprocess
import sys


def main():
    compiler, include, folder = sys.argv[1:4]
    snippets = sorted(pathlib.Path(folder).glob("*.cpp"))
    failures = []
    for snippet in snippets:
        done = subprocess.run([compiler, "-std=c++23", "-Werror", "-Wunused-result", "-I", include, "-fsyntax-only", str(snippet)],
                              capture_output=True, text=True)
        expected = re.match(r"// expect: (.*)", snippet.read_text())
        if expected is None:
            if done.returncode != 0:
                failures.append(f"{snippet.name} should compile:\n{done.stderr}")
        elif done.returncode == 0:
            failures.append(f"{snippet.name} compiles, and must not")
        elif not re.search(expected[1], done.stderr):
            failures.append(f"{snippet.name} fails for another reason:\n{done.stderr}")
    print("\n".join(failures) or f"{len(snippets)} snippets as expected")
    return 1 if failures or len(snippets) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
