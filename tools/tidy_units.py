#!/usr/bin/env python3
"""Runs clang-tidy over the product's sources, several files to a unit.

    tidy_units.py BUILD_DIR [JOBS]          BUILD_DIR/compile_commands.json tells how each file is compiled

Nearly all of clang-tidy's time goes into the headers that every file includes.  A unit is a file that includes several
sources, so that the headers are read once; source_units.py says which go together.  A unit that does not compile all the
same is halved, down to single sources.  A source that is compiled for an instruction set of its own stands alone, with its
flags.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

import source_units

REPOSITORY = source_units.REPOSITORY

# Sources in a unit, about: twice as many take hardly longer, and memory grows.
PER_UNIT = 60


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    commands = {pathlib.Path(entry["file"]): entry["command"] for entry in json.loads((build / "compile_commands.json").read_text())}
    files = [file for file in commands if file.is_relative_to(REPOSITORY / "src") or file.is_relative_to(REPOSITORY / "apps")]
    sources = {file for folder in ("src", "apps") for file in (REPOSITORY / folder).rglob("*.cpp") if "node_modules" not in file.parts}
    missing = sources - set(files)
    if missing:
        sys.exit(f"{len(missing)} sources are in no compile command, {min(missing)} among them: configured with SALVAGE_UNITS, or is a library absent?")
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
        together = source_units.units([file for file in files if not own_flags[file]], PER_UNIT)
        for texts in pool.map(lambda numbered: check(f"{numbered[0]:02}", numbered[1]), enumerate(together + alone)):
            for text in texts:
                failed += 1
                print(text)
    print(f"{len(files)} files looked at, {failed} units with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
