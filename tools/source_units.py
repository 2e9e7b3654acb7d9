#!/usr/bin/env python3
"""Packs sources into units that are compiled as one file each, so that the headers they share are read once.

    source_units.py PER_UNIT < FILES        a line each: the number of its unit, and the file

Nearly all of a compiler's time goes into headers that every file includes.  Two sources of one namespace may declare the
same name for themselves; such two are put into different units.
"""
import functools
import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent

# What a source declares at namespace level, in this house's layout: at the first column.
DECLARATIONS = (
    re.compile(r"^(?:class|struct|union|enum class|enum) (\w+)", re.M),
    re.compile(r"^(?:inline |static )?(?:constexpr|const) [^=({]*?\b(\w+)(?:\{|\[| =|;)", re.M),
    re.compile(r"^#define (\w+)", re.M),
    re.compile(r"^concept (\w+) =", re.M),
    re.compile(r"^(?!using|namespace|return|#|//|\s|\})[\w:<>,*&\[\] ]*?(?<![:\w])(\w+)\(", re.M),
)
# May be said twice, if the same is said.
ALIASES = (
    re.compile(r"^(using (?:[\w:]+::)?(\w+)(?:;| =.*))", re.M),
    re.compile(r"^(namespace (\w+) =.*)", re.M),
)
# An unscoped enumeration's names are its surroundings' names.
ENUMERATION = re.compile(r"^enum (?!class)[^{;]*\{([^}]*)\}", re.M)
ENUMERATOR = re.compile(r"^\s*(\w+)\s*(?:=|,|$|/)", re.M)
# Of these, each use declares something else.
REPEATED = {"TEST", "TEST_F", "TEST_P", "TYPED_TEST", "TYPED_TEST_SUITE", "TYPED_TEST_P", "INSTANTIATE_TEST_SUITE_P", "static_assert"}


INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
# Macros that a header is to see must stand before it: such a source stays alone.
EARLY_MACRO = re.compile(r"\A(?:(?!#include).*\n)*#define ", re.M)


def box_of(path):
    """Names of one box meet; those of two boxes are in two namespaces.  Tests name what they test: they are one box."""
    parts = path.relative_to(REPOSITORY).parts
    return {"src": parts[1], "include": parts[min(2, len(parts) - 1)]}.get(parts[0], parts[0])


@functools.cache
def names_of(path):
    """All that a file of ours declares at namespace level, as (box, name)."""
    text = path.read_text()
    box = box_of(path)
    declared = {name for pattern in DECLARATIONS for name in pattern.findall(text)} - REPEATED
    enumerators = {name for body in ENUMERATION.findall(text) for line in body.split(",") for name in ENUMERATOR.findall(line)}
    return frozenset((box, name) for name in declared | enumerators)


@functools.cache
def aliases_of(path):
    """(box, name) to what it stands for."""
    text = path.read_text()
    box = box_of(path)
    return {(box, name): line for pattern in ALIASES for line, name in pattern.findall(text)}


@functools.cache
def headers_of(path):
    """Our own headers that a file includes, theirs too."""
    out = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        for name in INCLUDE.findall(file.read_text()):
            places = (folder / name for folder in (file.parent, REPOSITORY / "include", REPOSITORY / "src", REPOSITORY / "tests"))
            header = next((place.resolve() for place in places if place.is_file()), None)
            if header and header not in out and header.is_relative_to(REPOSITORY):
                out.add(header)
                waiting.append(header)
    return frozenset(out)


class Names:
    """The names that a source brings into a unit: its own, which nothing else there may have, and those of headers."""

    def __init__(self, path):
        # Tests name what they test: to them all boxes are one.
        key = (lambda boxed: boxed[1]) if box_of(path) == "tests" else (lambda boxed: boxed)
        files = [path, *headers_of(path)]
        known = {key(name) for header in files[1:] for name in names_of(header)}
        declared = {key(name) for name in names_of(path)}
        self.all = declared | known
        self.own = declared - known
        self.own_aliases = {key(name): line for name, line in aliases_of(path).items()}
        self.aliases = {key(name): line for file in reversed(files) for name, line in aliases_of(file).items()}


def clash(one, other):
    """Whether what `one` declares for itself means something else beside `other`."""
    return bool(
        one.own & (other.all | other.aliases.keys())
        or one.own_aliases.keys() & other.all - one.all
        or any(other.aliases.get(name, line) != line for name, line in one.own_aliases.items())
    )


class Unit:
    def __init__(self):
        self.files = []
        self.all = set()
        self.own = set()
        self.own_aliases = {}
        self.aliases = {}

    def takes(self, names):
        return not clash(self, names) and not clash(names, self)

    def add(self, file, names):
        self.files.append(file)
        self.all |= names.all
        self.own |= names.own
        self.own_aliases.update(names.own_aliases)
        self.aliases.update(names.aliases)


def units(files, per_unit):
    """Each source goes to the shortest unit whose names go with its own."""
    together = [file.resolve() for file in sorted(files)]
    alone = [file for file in together if EARLY_MACRO.search(file.read_text())]
    out = [Unit() for _ in range(-(-len(together) // per_unit))]
    for file in together:
        if file in alone:
            continue
        names = Names(file)
        free = [unit for unit in out if unit.takes(names)]
        if not free:
            out.append(Unit())
            free = out[-1:]
        min(free, key=lambda unit: len(unit.files)).add(file, names)
    return [unit.files for unit in out if unit.files] + [[file] for file in alone]


def main():
    files = [pathlib.Path(line) for line in sys.stdin.read().split("\n") if line]
    for number, unit in enumerate(units(files, int(sys.argv[1]))):
        for file in unit:
            print(f"{number};{file}")


if __name__ == "__main__":
    main()
