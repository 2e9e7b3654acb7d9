"""Debian's hashcat and our rules and combinations make the same candidates of the same words.

usage: hashcat_rules.py RULE_WORDS [--all]

--all takes every rule file that hashcat ships, not one in three: ten minutes.

`hashcat --stdout` prints what it would try.  Both outputs are compared as multisets of lines: the order within one word
list is hashcat's own business (it depends on the device).  Where hashcat has a fault that we do not share, the words
that show it are left out here; docs/formats/rules.md lists them.
"""
import collections
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SKIP = 77
SHIPPED_RULES = "/usr/share/hashcat/rules"
MOST_CANDIDATES = 200_000  # of one shipped rule file
LONGEST_HASHCAT_TAKES = 256


def fail(text):
    sys.exit(f"hashcat_rules: {text}")


# ---- What is compared

POSITIONS = "0125ABZ"
CHARACTERS = ["a", "A", "s", "1", " ", "$", "\\x00", "\\xe4", "\\x41"]

NO_PARAMETER = ":lucCtrdf{}[]qkKE"
ONE_POSITION = "TpD'zZLR+-.,yY"
ONE_CHARACTER = "$^@e"
TWO_POSITIONS = "xO*"
POSITION_AND_CHARACTER = "3io"
SIDE_ONE_POSITION = "<>_"
SIDE_ONE_CHARACTER = "!/()"
SIDE_POSITION_AND_CHARACTER = "=%"
SIDE_MEMORY = ["M4", "M6", "u M 4", "M u Q", "M r 6", "M d X021", "M X120", "M u X035", "M r X12Z", "M c X001", "r M 4 u",
               "M [ 4", "M ] 6", "M X012 u", "u M l Q 4"]
SIDE_FOUND = ["/a Dp", "/a ip1", "/1 o0x 'p", "%1a Tp", "%2a Dp", "/s xp2", "/e Op1", "%1s 3pa", "/  Lp"]
CHAINS = ["l $1 ^2", "c so0 sa@ $!", "r d ]", "T0 T2 { }", "d 'A q", "E $2 $0 $1 $9", "[ [ ] ]", "u r Z2 y3", "D0 D0 D0",
          "i3- i6-", "  l  $  u ", "K k *03", "x13 d", "p3 O12", "f 'B", "e- C", "30a t", "31s", "+0 +0 +0", "-0 L1 R2",
          ".0 ,1", "@a @e @i @o @u", "sa\\xe4", "$\\x41$\\x42", "^\\x20", "o0\\xff", "$" + "a$" * 30 + "a"]


def file_rules():
    out = list(NO_PARAMETER)
    out += [f + n for f in ONE_POSITION for n in POSITIONS]
    out += [f + c for f in ONE_CHARACTER for c in CHARACTERS]
    out += [f + n + m for f in TWO_POSITIONS for n in POSITIONS for m in POSITIONS]
    out += [f + n + c for f in POSITION_AND_CHARACTER for n in POSITIONS for c in CHARACTERS]
    out += ["s" + c + d for c in CHARACTERS for d in CHARACTERS]
    return out + CHAINS


def side_rules():
    """hashcat starts anew for each, so there are fewer."""
    out = [f for f in NO_PARAMETER if f != ":"]
    out += [f + "2" for f in ONE_POSITION] + ["R0", "L0"]
    out += ["ea", "e ", "eA", "$1", "^\\x41", "@a", "sa1"]
    out += ["x12", "O12", "*03", "30a", "31s", "3 a".replace(" ", "2"), "i2-", "o1\\xe4"]
    out += [f + n for f in SIDE_ONE_POSITION for n in "05C"]
    out += [f + c for f in SIDE_ONE_CHARACTER for c in ("a", "1")]
    out += [f + n + c for f in SIDE_POSITION_AND_CHARACTER for n in "012" for c in "as"]
    return out + SIDE_MEMORY + SIDE_FOUND + ["l /a $1", ">3 <8 c", "!1 $1"]


def nasty_words():
    """About 200: empty, one byte, digits, case, blanks, bytes beyond ASCII, hashcat's own notation, the longest."""
    words = [b"", b"a", b"A", b"1", b" ", b"\xe4", b"aa", b"aA", b"ab", b"s1", b"  ", b" a", b"a ", b"abc", b"Abc", b"aBC"]
    words += [b"password", b"Password1", b"PASSWORD", b"passWORD 123", b"p@$$w0rd", b"letmein", b"sommer2019", b"123456"]
    words += [b"a b c", b"a  b  c", b"aab aab", b"AaB-AaB", b"-a-b-", b"s s s", b"sassas", b"assa", b"1a1a1", b"$a$a", b"\\x41"]
    words += ["größe".encode(), "größe".encode("latin-1"), "пароль".encode(), b"\x80\x81\x82", b"\xff" * 5, b"\x01\x02\x7f"]
    words += [b"$HEX[]", b"$HEX[41]", b"$HEX[616263]", b"$HEX[e4F6fC]", b"$HEX[6]", b"$HEX[6g]", b"$HEX[", b"x$HEX[41]",
              b"$HEX[2448455835b5d]", b"$hex[41]"]
    words += [b"a\rb", b"\rx", b"tab\there", b"#comment", b":", b"'quote'", b'"double"', b"%s%n", b"a" * 10, b"0123456789"]
    words += [bytes([first, 0x61, first]) for first in range(0x21, 0x7f, 3)]
    words += [b"w" * length for length in (11, 12, 31, 32, 33, 35, 36, 37, 63, 64, 65, 100, 126, 127, 128, 129)]
    words += [bytes(0x61 + i % 26 for i in range(length)) for length in (15, 16, 17, 84, 85, 86, 120, 200, 218, 219, 220, 221,
                                                                         250, 251, 252, 253, 254, 255, 256)]
    words += [b"aB" * count for count in (3, 7, 50, 64, 127, 128)]
    words += [f"{word}{number}".encode() for word in ("hallo", "Qwertz", "MARIA", "x") for number in (0, 7, 69, 1987, 2024)]
    words += [bytes([byte]) + b"Z" + bytes([byte, byte]) for byte in range(0x81, 0x100, 5)]
    words += [b"n" + word for word in words[:12]]
    words += [f"{day:02}{month:02}19{year}".encode() for day in (1, 31) for month in (1, 12) for year in (70, 99)]
    return words


# ---- How it is compared

# hashcat 6.2.6 copies 256 bytes of its packed words for each word, those after it too, and `d` and `f` write over them
# without clearing: --stdout then prints a mixture of both.  So after every word stands one of 256 NULs.
NULS = b"$HEX[" + b"00" * 256 + b"]"


def parted(words):
    return [line for word in words for line in (word, NULS)]


# Among the candidates stands which lines of a rule file hashcat passes over.
PASSED_OVER = re.compile(rb"(?:Skipping invalid or unsupported rule|Cannot convert rule for use on OpenCL device) in file "
                         rb".* on line (\d+): ")


class Hashcat:
    """lines() gives the candidates, and the numbers of the lines that were passed over."""

    def __init__(self, folder):
        self.folder = folder

    def lines(self, *arguments):
        done = subprocess.run(["hashcat", "--stdout", "--session", f"judge{os.getpid()}-{id(arguments)}", *arguments],
                              capture_output=True, cwd=self.folder, timeout=300)
        if done.returncode != 0:
            fail(f"hashcat --stdout {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        lines = split(done.stdout)
        return [line for line in lines if not PASSED_OVER.match(line)], [
            int(found[1]) for found in map(PASSED_OVER.match, lines) if found]

    def is_usable(self):
        path = os.path.join(self.folder, "one.txt")
        with open(path, "wb") as file:
            file.write(b"one\n")
        done = subprocess.run(["hashcat", "--stdout", path], capture_output=True, cwd=self.folder, timeout=300)
        return done.returncode == 0 and done.stdout == b"one\n"


def split(output):
    return output.split(b"\n")[:-1] if output else []


class Ours:
    def __init__(self, program):
        self.program = program

    def run(self, *arguments):
        return subprocess.run([self.program, *arguments], capture_output=True, timeout=300)

    def lines(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            fail(f"{self.program} {' '.join(arguments)}: {done.stderr.decode()}")
        return split(done.stdout)


def compare(name, theirs, ours):
    left, right = collections.Counter(theirs), collections.Counter(ours)
    if left == right:
        return len(theirs)
    missing, extra = left - right, right - left
    fail(f"{name}: {sum(missing.values())} candidates of hashcat's are missing, {sum(extra.values())} are too many\n"
         f"  missing: {list(missing)[:5]}\n  too many: {list(extra)[:5]}")
    return 0


class Judge:
    def __init__(self, program, folder):
        self.folder = folder
        self.hashcat = Hashcat(folder)
        self.ours = Ours(program)

    def write(self, name, lines):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))
        return path

    def rules_one_by_one(self):
        """All rules at once first; where they differ, one by one, to name the rule."""
        words = nasty_words()
        path = self.write("words.txt", parted(words))
        rules = file_rules()
        whole = self.write("rules.rule", [rule.encode() for rule in rules])
        theirs, skipped = self.hashcat.lines(path, "-r", whole)
        if skipped:
            fail(f"hashcat does not take the rules in lines {skipped}")
        ours = self.ours.lines("-r", whole, path)
        if collections.Counter(theirs) != collections.Counter(ours):
            for rule in rules:
                single = self.write("single.rule", [rule.encode()])
                compare(f"rule {rule!r}", self.hashcat.lines(path, "-r", single)[0],
                        self.ours.lines("-r", single, path))
        count = compare("rules", theirs, ours) // 2
        functions = {rule[0] for rule in rules if rule not in CHAINS}
        print(f"-r: {len(functions)} functions in {len(rules)} rules x {len(words)} words: {count} candidates agree")

    def side_one_by_one(self):
        # An engine over C strings: words with NUL are left out, and words of 256 bytes are by hashcat.
        words = [word for word in nasty_words() if len(word) < LONGEST_HASHCAT_TAKES]
        path = self.write("side.txt", words)

        def one(rule):
            theirs, _ = self.hashcat.lines(path, "-j", rule)
            return compare(f"-j {rule!r}", theirs, self.ours.lines("-j", rule, path))

        with ThreadPoolExecutor(2) as pool:
            count = sum(pool.map(one, side_rules()))
        functions = {c for rule in side_rules() for c in re.sub(r"\\x..", "", rule)[:1]} | set("M46XQp")
        print(f"-j: {len(functions)} functions in {len(side_rules())} rules x {len(words)} words: {count} candidates agree")

    def several_files(self):
        words = self.write("few.txt", parted(nasty_words()[:40]))
        first = self.write("first.rule", [b":", b"u", b"$1", b"r"])
        second = self.write("second.rule", [b"# nothing", b"", b"$a", b"]", b" ", b"d"])
        third = self.write("third.rule", [b"c\r", b"^x"])
        arguments = ["-r", first, "-r", second, "-r", third]
        count = compare("three rule files", self.hashcat.lines(words, *arguments)[0], self.ours.lines(*arguments, words))
        print(f"-r -r -r: {count} candidates agree")

    def combinations(self):
        # Together they fit in 256 bytes: beyond, hashcat 6.2.6 writes over its own memory.
        short = [word for word in nasty_words() if len(word) <= LONGEST_HASHCAT_TAKES // 2 - 8]
        left = self.write("left.txt", short[::3])
        right = self.write("right.txt", short[1::4])
        count = 0
        # Not those that reject: where the list with fewer words loses some, hashcat 6.2.6 tries others than are left.
        for rules in ([], ["-j", "c"], ["-k", "u"], ["-j", "$-", "-k", "r"], ["-j", "]", "-k", "$! $!"], ["-j", "R0 ea"]):
            theirs, _ = self.hashcat.lines("-a", "1", left, right, *rules)
            count += compare(f"-a 1 {rules}", theirs, self.ours.lines(*rules, left, right))
        print(f"-a 1: 6 combinations of rules: {count} candidates agree")

    def long_words(self):
        path = self.write("long.txt", [b"x" * 257, b"y" * 1000, b"$HEX[" + b"41" * 300 + b"]"])
        theirs, _ = self.hashcat.lines(path)
        if theirs:
            fail(f"hashcat takes words over 256 bytes now: {theirs[:1]}")
        if len(self.ours.lines(path)) != 3:
            fail("we do not take words over 256 bytes")
        print("words over 256 bytes: hashcat leaves them out, we do not")

    def shipped_rules(self):
        paths = sorted(glob.glob(f"{SHIPPED_RULES}/**/*.rule", recursive=True))
        paths = paths if "--all" in sys.argv else [path for path in paths if "best64" in path] + paths[::3]
        if not paths:
            print(f"{SHIPPED_RULES} (Debian package hashcat-data) is not there: its rule files are not compared")
            return
        count = sum(self.shipped(path) for path in paths)
        print(f"{len(paths)} rule files that hashcat ships: {count} candidates agree")

    def shipped(self, path):
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
        words = [b"password", b"Anna 1987", b"aAs1", b"", b"x" * 20, b"gr\xf6\xdfe"] + nasty_words()[20:40]
        words = words[:max(2, min(len(words), MOST_CANDIDATES // len(lines)))]
        words_path = self.write("shipped.txt", parted(words))
        name = os.path.basename(path)
        theirs, skipped = self.hashcat.lines(words_path, "-r", path)
        if skipped:
            refused = self.ours.run("-r", path, words_path)
            print(f"  {name}: hashcat passes over {len(skipped)} lines; "
                  f"we {'take them' if refused.returncode == 0 else 'say: ' + refused.stderr.decode().strip()[:100]}")
            kept = [line for number, line in enumerate(lines, 1) if number not in set(skipped)]
            path = self.write("kept.rule", kept)
        return compare(name, theirs, self.ours.lines("-r", path, words_path)) // 2


def main():
    if shutil.which("hashcat") is None:
        print("hashcat (Debian package hashcat) is not installed")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(os.path.abspath(sys.argv[1]), folder)
        if not judge.hashcat.is_usable():
            print("hashcat --stdout does not run: it wants an OpenCL device (Debian package pocl-opencl-icd)")
            sys.exit(SKIP)
        judge.rules_one_by_one()
        judge.several_files()
        judge.combinations()
        judge.long_words()
        judge.side_one_by_one()
        judge.shipped_rules()


main()
