#!/usr/bin/env python3
"""Which sources of one target can be compiled as one, so that the headers that each includes are read once.

    source_units.py PER_UNIT FILE…          prints "UNIT FILE" for each

Two sources of one target meet in a namespace: they go into different units where both declare the same name.
"""
import pathlib
import re
import sys

# What a source declares at namespace level, in this house's layout: at the first column.
DECLARATIONS = (
    re.compile(r"^(?:class|struct|union|enum class|enum) (\w+)", re.M),
    re.compile(r"^(?:inline |static )?(?:constexpr|const) [^=({]*?\b(\w+)(?:\{|\[| =|;)", re.M),
    re.compile(r"^using (?:[\w:]+::)?(\w+)(?:;| =)", re.M),
    re.compile(r"^(?!using|namespace|return|#|//|\s|\}|TEST|TYPED_TEST|INSTANTIATE)[\w:<>,*&\[\] ]*?(?<![:\w])(\w+)\(", re.M),
)


def names_of(path):
    """Names that the source declares for itself."""
    text = path.read_text()
    return {name for pattern in DECLARATIONS for name in pattern.findall(text)}


def units(files, per_unit, names=names_of):
    """Each source goes to the shortest unit that declares none of its names."""
    out = [([], set()) for _ in range(max(1, -(-len(files) // per_unit)))]
    for file in sorted(files):
        own = names(file)
        free = [unit for unit in out if not unit[1] & own]
        if not free:
            out.append(([], set()))
            free = out[-1:]
        unit = min(free, key=lambda each: len(each[0]))
        unit[0].append(file)
        unit[1].update(own)
    return [unit[0] for unit in out]


if __name__ == "__main__":
    for number, unit in enumerate(units([pathlib.Path(word) for word in sys.argv[2:]], int(sys.argv[1]))):
        for source in unit:
            print(f"u{number} {source}")
