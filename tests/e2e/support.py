"""What these journeys share: running programs, skipping with a reason, a sample phone."""
import hashlib
import pathlib
import subprocess
import sys

SKIPPED = 77
SECTOR = 512


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def completed(*command, allowed=(0,), **options):
    """The program, run to its end; it has to end with one of `allowed`."""
    done = subprocess.run([*map(str, command)], capture_output=True, check=False, **options)
    assert done.returncode in allowed, f"{command} ended with {done.returncode}: {done.stdout!r} {done.stderr!r}"
    return done


def run(*command, **options):
    """What it printed."""
    return completed(*command, **options).stdout


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


def sample_phone(work, make_sample_phone):
    """The dump of a new sample phone in `work`/phone."""
    folder = work / "phone"
    folder.mkdir()
    made = subprocess.run([make_sample_phone, str(folder)], capture_output=True, text=True, check=False)
    if made.returncode == SKIPPED:
        skip(made.stderr)
    assert made.returncode == 0, made.stderr
    return pathlib.Path(made.stdout.strip())
