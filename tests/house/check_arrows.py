#!/usr/bin/env python3
"""Checks that every include follows an arrow of the house: a box may include itself and the boxes its target links.

    check_arrows.py REPOSITORY

The arrows are read from the salvage_box(…) lines of CMakeLists.txt, so there is one place to change them.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def arrows(cmake):
    """Box -> the boxes it may include."""
    direct = {}
    for name, rest in re.findall(r"salvage_box\((\w+)(.*?)\)\n", cmake, re.S):
        direct[name] = set(re.findall(r"salvage::(\w+)", rest))

    def reach(box):
        return {box}.union(*(reach(below) for below in direct[box]))

    return {box: reach(box) for box in direct}


def main():
    repository = pathlib.Path(sys.argv[1])
    allowed = arrows((repository / "CMakeLists.txt").read_text())
    if len(allowed) < 8:
        sys.exit(f"only {len(allowed)} boxes were found in CMakeLists.txt")
    wrong, seen = [], 0
    for box, reach in allowed.items():
        files = [*(repository / "src" / box).rglob("*.[ch]pp"), *(repository / "include/salvage" / box).rglob("*.hpp")]
        for file in files:
            for include in INCLUDE.findall(file.read_text()):
                parts = include.split("/")
                target = parts[1] if parts[0] == "salvage" else parts[0] if parts[0] in allowed else box
                seen += 1
                if target not in reach:
                    wrong.append(f"{file.relative_to(repository)}: {box} may not include {include}")
    print("\n".join(wrong) or f"{seen} includes follow the arrows of {len(allowed)} boxes")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
