"""smtp-client-wire and provider-replies: how single replies are read. What a client does after them
is tested in test/dialogues."""
import re

import corpus

CLIENT = [row for row in corpus.rows("smtp-client-wire/cases.tsv")
          if re.match(r"\d|hello", row["server_bytes"]) and "\\r\\n" in row["server_bytes"]]
PROVIDERS = corpus.rows("provider-replies/cases.tsv")
LINES_MAX, LINE_BYTES_MAX = 100, 2048  # LIMIT_REPLY_* in base/limits.h
CLASSES = {"2": "success", "3": "continue", "4": "transient", "5": "permanent"}


def endless(text):
    return text.endswith("forever")


def code_of(raw):
    """The code of the first reply by the letter of RFC 5321 §4.2.1, or None if it is none or passes
    our bounds."""
    code = raw[:3]
    for line in raw.split(b"\n")[:LINES_MAX]:
        if line[:3] != code or len(line) >= LINE_BYTES_MAX or not re.match(rb"[2-5]\d\d([ -]|\r?$)", line):
            return None
        if line[3:4] != b"-":
            return int(code)
    return None


def check_read(report, raw):
    """The class is that of the first digit, whatever else the reply says, and storing is safe."""
    assert report["class"] == CLASSES[raw[:1].decode()]
    assert report["code"] == int(raw[:3])
    assert report["stored_as"].isprintable()
    status = re.match(rb"\d{3}[ -]([245])\.\d{1,3}\.\d{1,3}(?= |\r|$)", raw)
    if status:
        assert report["status_mismatch"] == (status[1] != raw[:1])


@corpus.cases(CLIENT, "row", [row["id"] for row in CLIENT])
def test_replies_of_servers(inspect, row):
    text = row["server_bytes"]
    raw = corpus.unescape(text.partition(" forever")[0].replace("(close)", ""))
    if endless(text):
        raw *= 100000
    report = inspect.report("reply", data=raw)
    assert report["accepted"] == (code_of(raw) is not None), report
    if report["accepted"]:
        check_read(report, raw)


@corpus.cases([row for row in CLIENT if row["stage"] == "EHLO"], "row", lambda row: row["id"])
def test_what_servers_offer(inspect, row):
    raw = corpus.unescape(row["server_bytes"])
    report = inspect.report("reply", "--ehlo", data=raw)
    words = [line[4:].upper().split() for line in raw.decode().splitlines()]
    offered = {line[0]: line[1:] for line in words if line}
    for keyword in ("STARTTLS", "PIPELINING", "SMTPUTF8", "DSN", "SIZE", "AUTH"):
        assert report[keyword.lower()] == (keyword in offered), keyword
    known = {"PLAIN", "LOGIN", "CRAM-MD5"}
    assert known & set(report.get("mechanisms", [])) == known & set(offered.get("AUTH", []))
    sizes = [int(line[1]) for line in words if line[0] == "SIZE" and len(line) > 1 and line[1].isdigit()]
    assert report["size_bytes"] == min(sizes, default=0)


@corpus.cases(PROVIDERS, "row", lambda row: row["id"])
def test_replies_of_providers(inspect, row):
    raw = corpus.unescape(next(value for value in row.values() if re.match(r"[2-5]\d\d[ -]", value)))
    report = inspect.report("reply", data=raw)
    assert report["accepted"], report
    check_read(report, raw)
