"""Debian's hashcat and our masks describe the same candidates; compared as multisets, since orders differ by design.

usage: hashcat_masks.py PRINT_MASKS
"""
import collections
import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77

# hashcat takes two seconds for each mask, in a file too: few masks, each for several questions.
MASK_FILE = rb"""# comments and empty lines are passed over

a\,b,?1y
?l,?u?1,?d,?s,?4
ab,?l?1,?d?2,?1?3x,?4?h
\#?d
x\\y
,,x\?d
 q\,w\,
z\b?d#
"""
INCREMENT_FILE = b"?d?d\nab,?1x?1\n"
HEX_FILE = b"61e4,?1?d\n4a4B?l\n"

# Options that both take.  CHARSETS/x is a file.
MASKS = [
    ["?a?b"], ["?l?u"], ["?d?h?H"], ["?s??"], [" a,b #\\?d"],
    ["-1", "abca", "-2", "?1c-_", "-3", "?2?d", "-4", "?3?u??", "?1?2?3?4"],
    ["-1", "\u00e4\u00f6", "?1?1"],
    ["--hex-charset", "-1", "c3A4?d", "-2", "?1??", "4a?1?2??"],
    ["--hex-charset", "3f64"],
    ["-1", "CHARSETS/text.hcchr", "-2", "?1?u", "?2?1"],
    ["-1", "CHARSETS/lines.hcchr", "?1?1"],
    ["--hex-charset", "-1", "CHARSETS/hex.hcchr", "?1?d"],
    ["-1", "DEBIAN/standard/German/de_cp1252.hcchr", "?1?1"],
    ["--increment", "?d?d?d"],
    ["--increment", "--increment-min", "2", "--increment-max", "9", "-1", "ab", "x?1?dy"],
    ["--increment", "--increment-max", "2", "?l?d?u"],
    ["FILES/plain.hcmask"],
    ["FILES/increment.hcmask", "--increment", "--increment-min", "2"],
    ["FILES/hex.hcmask", "--hex-charset"],
]
# What both have to refuse.
MISTAKES = [
    ["a?"], ["?x"], ["-1", "?2", "-2", "a", "?1"], ["-1", "a?", "?1"], ["--hex-charset", "4"],
    ["-1", "CHARSETS/empty.hcchr", "?1"], ["--increment", "--increment-min", "4", "?d?d?d"],
]


def fail(text):
    sys.exit(f"hashcat_masks: {text}")


def write(folder, name, content):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def prepare(folder):
    write(folder, "text.hcchr", b"?dx\xe4\n")
    write(folder, "lines.hcchr", b"ab\r\nc")
    write(folder, "hex.hcchr", b"6162ff\n")
    write(folder, "empty.hcchr", b"")
    write(folder, "plain.hcmask", MASK_FILE)
    write(folder, "increment.hcmask", INCREMENT_FILE)
    write(folder, "hex.hcmask", HEX_FILE)


def with_paths(options, folder):
    debian = "/usr/share/hashcat/charsets"
    return [option.replace("CHARSETS", folder).replace("FILES", folder).replace("DEBIAN", debian)
            for option in options]


def hashcat(options, folder):
    environment = dict(os.environ, HOME=folder, XDG_DATA_HOME=folder, XDG_CACHE_HOME=folder)
    done = subprocess.run(["hashcat", "--session", "masks", "--potfile-disable", "--stdout", "-a", "3", *options],
                          capture_output=True, env=environment, timeout=600)
    return done.returncode, done.stdout


def ours(program, options):
    is_file = [] if not any(option.endswith(".hcmask") for option in options) else ["--mask-file"]
    done = subprocess.run([program, *is_file, *options], capture_output=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


def compare(program, options, folder):
    """How many candidates agree."""
    code, due = hashcat(options, folder)
    if code not in (0, 1):  # 1: exhausted
        fail(f"hashcat {options} ended with {code}")
    our_code, found, error = ours(program, options)
    if our_code != 0:
        fail(f"{options}: {error.decode()}")
    due_lines = collections.Counter(due.split(b"\n"))
    found_lines = collections.Counter(found.split(b"\n"))
    if due_lines != found_lines:
        fail(f"{options}: only hashcat has {list((due_lines - found_lines).items())[:5]}, "
             f"only we have {list((found_lines - due_lines).items())[:5]}")
    return sum(due_lines.values()) - 1


def expect_refusal(program, options, folder):
    _, printed = hashcat(options, folder)
    if printed.strip():
        fail(f"hashcat takes {options}: {printed[:40]}")
    if ours(program, options)[0] != 1:
        fail(f"we take {options}, hashcat does not")


def main():
    if shutil.which("hashcat") is None:
        print("hashcat_masks: skipped, hashcat is not installed")
        sys.exit(SKIP)
    program = sys.argv[1]
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        for options in MASKS:
            total += compare(program, with_paths(options, folder), folder)
        for options in MISTAKES:
            expect_refusal(program, with_paths(options, folder), folder)
    print(f"hashcat_masks: {total} candidates of {len(MASKS)} masks and mask files are the same; "
          f"{len(MISTAKES)} mistakes are refused by both")


if __name__ == "__main__":
    main()
