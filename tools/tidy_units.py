#!/usr/bin/env python3
"""Runs clang-tidy over the product's sources, several files to a unit.

    tidy_units.py BUILD_DIR [JOBS]          BUILD_DIR/compile_commands.json tells how each file is compiled

Nearly all of clang-tidy's time goes into the headers that every file includes.  A unit is a file that includes several
sources, so that the headers are read once.  Two sources of one box meet in a namespace: they go into different units where
both declare the same name.  A unit that does not compile all the same is halved, down to single sources.  A source that is
compiled for an instruction set of its own stands alone, with its flags.
"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


# Sources in a unit, about: more save little, and memory grows.
PER_UNIT = 12

# What a source declares at namespace level, in this house's layout: at the first column.
DECLARATIONS = (
    re.compile(r"^(?:class|struct|union|enum class|enum) (\w+)", re.M),
    re.compile(r"^(?:inline |static )?(?:constexpr|const) [^=({]*?\b(\w+)(?:\{|\[| =|;)", re.M),
    re.compile(r"^using (?:[\w:]+::)?(\w+)(?:;| =)", re.M),
    re.compile(r"^(?!using|namespace|return|#|//|\s|\})[\w:<>,*&\[\] ]*?(?<![:\w])(\w+)\(", re.M),
)


def box_of(path):
    parts = path.relative_to(REPOSITORY).parts
    return parts[0] if parts[0] == "apps" else parts[1]


def names_of(path):
    text = path.read_text()
    return {(box_of(path), name) for pattern in DECLARATIONS for name in pattern.findall(text)}


def units(files):
    """Each source goes to the shortest unit that declares none of its names."""
    out = [([], set()) for _ in range(max(1, -(-len(files) // PER_UNIT)))]
    for file in sorted(files):
        names = names_of(file)
        free = [unit for unit in out if not unit[1] & names]
        if not free:
            out.append(([], set()))
            free = out[-1:]
        unit = min(free, key=lambda each: len(each[0]))
        unit[0].append(file)
        unit[1].update(names)
    return [unit[0] for unit in out]


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    commands = {pathlib.Path(entry["file"]): entry["command"] for entry in json.loads((build / "compile_commands.json").read_text())}
    files = [file for file in commands if file.is_relative_to(REPOSITORY / "src") or file.is_relative_to(REPOSITORY / "apps")]
    if not files:
        sys.exit("no sources in the compile commands")
    words = [commands[file].split() for file in files]
    flags = sorted({flag for line in words for flag in line
                    if flag.startswith(("-I/", "-D", "-std=")) and '"' not in flag})
    systems = sorted({folder for line in words for flag, folder in zip(line, line[1:]) if flag == "-isystem"})
    flags += [word for folder in systems for word in ("-isystem", folder)]
    own_flags = {file: [flag for flag in commands[file].split() if flag.startswith("-m")] for file in files}
    folder = build / "units"
    folder.mkdir(exist_ok=True)
    (folder / ".clang-tidy").write_text((REPOSITORY / ".clang-tidy").read_text())

    def check(name, unit):
        source = folder / f"unit_{name}.cpp"
        includes = "".join(f'#include "{file}" // NOLINT\n' for file in unit)
        source.write_text("#define SALVAGE_VERSION \"0\" // NOLINT\n" + includes)
        command = ["clang-tidy-19", "--quiet", "--warnings-as-errors=*", f"--config-file={REPOSITORY}/.clang-tidy", str(source), "--", *flags,
                   *own_flags[unit[0]]]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
        if "clang-diagnostic-error" in done.stdout and len(unit) > 1:
            halves = unit[: len(unit) // 2], unit[len(unit) // 2 :]
            return [text for number, half in enumerate(halves) for text in check(f"{name}_{number}", half)]
        return [done.stdout + (done.stderr if "error:" in done.stderr else "")] if done.returncode != 0 else []

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        alone = [[file] for file in files if own_flags[file]]
        together = units([file for file in files if not own_flags[file]])
        for texts in pool.map(lambda numbered: check(f"{numbered[0]:02}", numbered[1]), enumerate(together + alone)):
            for text in texts:
                failed += 1
                print(text)
    print(f"{len(files)} files looked at, {failed} units with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
