#!/usr/bin/env python3
"""Runs clang-tidy over the product's sources, several files to a unit.

    tidy_units.py BUILD_DIR [JOBS]          BUILD_DIR/compile_commands.json tells how each file is compiled

Nearly all of clang-tidy's time goes into the headers that every file includes.  A unit is a file that includes one source
of each box: their unnamed namespaces lie in different namespaces, so they do not meet, and the headers are read once.
A unit that does not compile fails the run.
"""
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


# Use cases of one box that live in several files and share no unnamed names with the others.
ROOMS = ("sample_phone_", "read_flash", "restore_")


def box_of(path):
    """What may not stand twice in a unit: the box, or its room: a folder of it, or the files of one use case."""
    parts = path.relative_to(REPOSITORY).parts
    if parts[0] == "apps":
        return "apps"
    room = next((room for room in ROOMS if path.name.startswith(room)), "")
    return "/".join(parts[1:-1]) + room


def units(files):
    by_box = collections.defaultdict(list)
    for file in sorted(files):
        by_box[box_of(file)].append(file)
    count = max(len(each) for each in by_box.values())
    # Long boxes fill every unit; short ones are spread evenly.
    out = [[] for _ in range(count)]
    for each in by_box.values():
        for index, file in enumerate(each):
            out[index * count // len(each)].append(file)
    return out


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    commands = {pathlib.Path(entry["file"]): entry["command"] for entry in json.loads((build / "compile_commands.json").read_text())}
    files = [file for file in commands if file.is_relative_to(REPOSITORY / "src") or file.is_relative_to(REPOSITORY / "apps")]
    if not files:
        sys.exit("no sources in the compile commands")
    flags = sorted({flag for file in files for flag in commands[file].split()
                    if flag.startswith(("-I/", "-D", "-std=")) and '"' not in flag})
    folder = build / "units"
    folder.mkdir(exist_ok=True)
    (folder / ".clang-tidy").write_text((REPOSITORY / ".clang-tidy").read_text())

    def check(number_and_unit):
        number, unit = number_and_unit
        source = folder / f"unit_{number:02}.cpp"
        includes = "".join(f'#include "{file}" // NOLINT\n' for file in unit)
        source.write_text("#define SALVAGE_VERSION \"0\" // NOLINT\n" + includes)
        command = ["clang-tidy-19", "--quiet", "--warnings-as-errors=*", f"--config-file={REPOSITORY}/.clang-tidy", str(source), "--", *flags]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
        return done.returncode, done.stdout + (done.stderr if "error:" in done.stderr else "")

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for code, text in pool.map(check, enumerate(units(files))):
            if code != 0:
                failed += 1
                print(text)
    print(f"{len(files)} files looked at, {failed} units with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
