"""Where the corpora and the binary are, how cases are written, and how the binary is asked."""
import json
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("LETTERHEAD_BIN", TOP / "build/src/app/letterhead"))
SHARED = pathlib.Path(os.environ.get("LETTERHEAD_SHARED", TOP.parent / "shared"))
FOLDER = pathlib.Path(os.environ.get("LETTERHEAD_CORPORA", SHARED / "corpora"))
SECONDS_MAX = 20

ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[rnt\\])")
REPEAT = re.compile(rb"\{(.)\*(\d+)\}", re.S)
PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}


def unescape(text):
    """The bytes of a case: escapes as in the SOURCE.txt of each corpus, {a*N} for N letters."""
    def one(match):
        word = match[1]
        if word in PLAIN:
            return PLAIN[word]
        number = int(word[1:], 16)
        return bytes([number]) if word[:1] == b"x" else chr(number).encode()
    raw = ESCAPE.sub(one, text.encode())
    return REPEAT.sub(lambda match: match[1] * int(match[2]), raw)


def rows(name):
    """The rows of FOLDER/name, a table with a line of headings, as dicts; none if it is absent."""
    path = FOLDER / name
    if not path.is_file():
        return []
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return [dict(zip(lines[0], line + [""] * len(lines[0]))) for line in lines[1:]]


def lines(name):
    """The lines of FOLDER/name; none if it is absent."""
    path = FOLDER / name
    return path.read_text().splitlines() if path.is_file() else []


def cases(found, name, ids):
    """Parametrises a test by what was found; one that says it is skipped if that is nothing."""
    if found:
        return pytest.mark.parametrize(name, found, ids=ids)
    return pytest.mark.parametrize(name, [pytest.param(None, marks=pytest.mark.skip(
        reason=f"skipped: corpora not found ({FOLDER})"))], ids=["absent"])


def needs(name):
    """Says that the test is skipped where this corpus is absent."""
    return pytest.mark.skipif(not (FOLDER / name).is_dir(), reason=f"skipped: corpora not found ({FOLDER})")


class Inspect:
    def __init__(self, binary):
        self.binary = binary

    def run(self, *words, data=b""):
        """Runs it; returns (status, standard output as bytes). Only the three known statuses pass."""
        done = subprocess.run([self.binary, "inspect", *words], input=data, capture_output=True,
                              timeout=SECONDS_MAX, check=False)
        assert done.returncode in (0, 1, 2), done.stderr.decode(errors="replace")
        return done.returncode, done.stdout

    def report(self, *words, data=b""):
        """Runs it with --json; returns the one report, whose verdict the status must repeat."""
        status, out = self.run(words[0], "--json", *words[1:], data=data)
        report = json.loads(out)
        assert status == (0 if report["accepted"] else 1)
        return report

    def address(self, raw):
        """One address, by the command line if that can carry it."""
        if b"\0" in raw:
            return self.report("address", data=raw)
        return self.report("address", "--", raw)
