#!/usr/bin/env python3
"""Every input format under every verb that reads a dump: the same phone, the same answers.

    input_matrix_test.py SALVAGE MAKE_SAMPLE_PHONE

The containers are made by other people's tools where there are some (split, img2simg, ewfacquire) and by `salvage
convert`; what convert writes is given back by simg2img, ewfexport, zstd and cat.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SALVAGE, MAKE = sys.argv[1:3]


def run(*arguments, expect=0, cwd=None):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, timeout=240, cwd=cwd)
    if done.returncode != expect:
        sys.exit(f"{' '.join(str(a) for a in arguments)}\nended with {done.returncode}, expected {expect}\n"
                 f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done.stdout


def shell(command, cwd):
    return run("bash", "-o", "pipefail", "-c", command, cwd=cwd)


def tree_of(folder):
    """Every file below `folder` with the hash of its content; our own records name the source and are left out."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in ("manifest.json", "manifest.jsonl", "log.jsonl", "dfxml.xml") and not path.name.startswith(".salvage")}


def without_names(text, dump):
    """A JSON report without what has to differ: the file's path, its container and what that knows of holes, times."""
    def clean(node):
        if isinstance(node, dict):
            return {key: clean(value) for key, value in node.items()
                    if key not in ("path", "container", "extents", "zero_bytes", "source_path", "command", "next", "seconds", "cost", "rate")}
        if isinstance(node, list):
            return [clean(value) for value in node]
        return node.replace(str(dump), "DUMP") if isinstance(node, str) else node
    return json.dumps(clean(json.loads(text)), sort_keys=True)


def answers_of(dump, work):
    """What each verb says about one dump."""
    out = {
        "inspect": without_names(run(SALVAGE, "inspect", dump, "--json"), dump),
        "layout": without_names(run(SALVAGE, "layout", dump, "--json"), dump),
        "find": without_names(run(SALVAGE, "find", dump, "--json"), dump),
        "ls": run(SALVAGE, "ls", dump, "/", "-R", "-q"),
    }
    files = [json.loads(line) for line in run(SALVAGE, "ls", dump, "/", "-R", "--json", "-q").splitlines()]
    largest = max((entry for entry in files if entry.get("type") == "file"), key=lambda entry: entry["size"])
    out["cat"] = hashlib.sha256(run(SALVAGE, "cat", dump, largest["path"])).hexdigest()
    for verb in ("split", "export", "decrypt"):
        target = work / "out"
        if verb == "export":
            run(SALVAGE, "export", dump, "/", "-o", target, "-q")
        else:
            run(SALVAGE, verb, dump, "-o", target, "-q")
        out[verb] = tree_of(target) if target.is_dir() else hashlib.sha256(target.read_bytes()).hexdigest()
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    return out


def difference(got, wanted):
    """The first place where two answers part."""
    got, wanted = str(got), str(wanted)
    at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
    return f"\n{got[max(at - 200, 0):at + 200]}\nexpected:\n{wanted[max(at - 200, 0):at + 200]}"


def make_containers(raw, work):
    """The same content in every container; by name."""
    out = {"raw": raw}
    shell(f"split -b 20M -d -a 3 --numeric-suffixes=1 {raw} foreign.", work)
    out["split by split"] = work / "foreign.001"
    if shutil.which("img2simg"):
        shell(f"img2simg {raw} foreign.simg", work)
        out["sparse by img2simg"] = work / "foreign.simg"
    if shutil.which("ewfacquire"):
        shell(f"ewfacquire -u -q -c fast -S 8388608 -d sha1 -t foreign {raw} >/dev/null 2>&1", work)
        out["E01 by ewfacquire"] = work / "foreign.E01"
    for kind, name in (("raw", "ours.raw"), ("split", "ours.001"), ("sparse", "ours.simg"), ("e01", "ours.E01"), ("zst", "ours.zst")):
        run(SALVAGE, "convert", raw, "-o", work / name, "--format", kind, "--segment-size", "16MiB", "--verify", "-q")
        out[f"{kind} by us"] = work / name
    return out


def check_by_others(raw, work):
    """What convert wrote, unpacked by other people's tools."""
    shell(f"cmp ours.raw {raw} && sha256sum -c ours.raw.sha256", work)
    shell("cat ours.0?? | sha256sum -c ours.001.sha256", work)
    shell("zstd -q -dc ours.zst | sha256sum -c ours.zst.sha256", work)
    if shutil.which("simg2img"):
        shell(f"simg2img ours.simg back.raw && cmp back.raw {raw} && rm back.raw", work)
    if shutil.which("ewfexport"):
        shell(f"ewfverify -q -d sha1 ours.E01 && {{ ewfexport -u -q -f raw -t - ours.E01 2>/dev/null || true; }} | head -c {raw.stat().st_size} | sha256sum -c ours.E01.sha256", work)
    assert (work / "ours.raw").stat().st_blocks <= raw.stat().st_blocks + 64, "holes stay holes"


def check_bad_areas(raw, work):
    """A mapped dump keeps its bad area through every container and back."""
    bad = work / "bad.img"
    shutil.copy(raw, bad)
    size = raw.stat().st_size
    (work / "bad.img.map").write_text(f"# Mapfile\n0x0 + 1\n0x0 0x1000000 +\n0x1000000 0x2000 -\n0x1002000 {size - 0x1002000:#x} +\n")
    expected = [{"start": 0x1000000, "size": 0x2000}]
    for kind, name in (("raw", "lost.raw"), ("split", "lost.001"), ("sparse", "lost.simg"), ("e01", "lost.E01"), ("zst", "lost.zst")):
        first = json.loads(run(SALVAGE, "convert", bad, "-o", work / name, "--format", kind, "--json", "-q", expect=3))
        assert first["lost"] == expected, (kind, first["lost"])
        again = json.loads(run(SALVAGE, "convert", work / name, "-o", work / f"{kind}-again.raw", "--format", "raw", "--json", "-q", expect=3))
        assert again["lost"] == expected and again["sha256"] == first["sha256"], (kind, again)


def check_refusals(raw, work):
    """Nothing is overwritten, and what cannot be read says what to do."""
    before = (work / "ours.E01").read_bytes()
    for kind, name in (("raw", "ours.raw"), ("split", "ours.001"), ("e01", "ours.E01"), ("zst", "ours.zst")):
        run(SALVAGE, "convert", raw, "-o", work / name, "--format", kind, "-q", expect=2)
    assert (work / "ours.E01").read_bytes() == before
    shell("zstd -q ours.raw -o plain.zst", work)
    refused = subprocess.run([SALVAGE, "inspect", work / "plain.zst"], capture_output=True, text=True)
    assert refused.returncode == 3 and "zstd -d" in refused.stderr, refused.stderr
    damaged = bytearray(before)
    damaged[3_000_000] ^= 0xFF
    (work / "damaged.E01").write_bytes(damaged)
    for path in work.glob("ours.E0[2-9]"):
        shutil.copy(path, work / path.name.replace("ours", "damaged"))
    report = json.loads(run(SALVAGE, "convert", work / "damaged.E01", "--verify", "--json", "-q", expect=7))
    assert not report["stored_hashes"][0]["agrees"] and report["lost"] and report["lost"][0]["size"] == 32768, report


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        made = subprocess.run([MAKE, folder], capture_output=True, text=True)
        if made.returncode != 0:
            print(f"the sample phone cannot be made: {made.stderr}")
            sys.exit(made.returncode)  # 77, a skip, where mke2fs or another tool is not installed
        raw = work / "phone.img"
        containers = make_containers(raw, work)
        expected = answers_of(raw, work)
        assert len(expected["export"]) > 10 and expected["find"] != "[]", "the phone has files to compare"
        for name, dump in containers.items():
            answers = answers_of(dump, work)
            for verb, answer in answers.items():
                if answer != expected[verb]:
                    sys.exit(f"{verb} of {name} differs: {difference(answer, expected[verb])}")
        check_by_others(raw, work)
        check_bad_areas(raw, work)
        check_refusals(raw, work)
        print(f"{len(containers)} containers, {len(expected)} verbs: the same answers")


main()
