"""Every case of the corpus smtp-wire, as its table says.

The table's `bytes` are said in its `state`; `expect` is judged by one function a kind below. Some rows
describe their bytes in words; BYTES has those. Beyond what a row asks, each case must leave the session
in order (the next command has its own answer, or the connection is closed), and nothing may be queued
that has a bare CR, a bare LF or a NUL.
"""
import os
import pathlib
import re
import time

import pytest

from harness import HEADER, HERE, Client, connect, plain

SHARED = pathlib.Path(os.environ.get("LETTERHEAD_SHARED", HERE.parent.parent.parent / "shared"))
CORPORA = pathlib.Path(os.environ.get("LETTERHEAD_CORPORA", SHARED / "corpora"))
TABLE = CORPORA / "smtp-wire" / "cases.tsv"


def corpus_cases(rows):
    """Parametrises a test by the rows of a corpus; one that says it is skipped where that is absent."""
    absent = pytest.param(None, marks=pytest.mark.skip(reason=f"skipped: corpora not found ({CORPORA})"))
    return pytest.mark.parametrize("row", rows or [absent], ids=[row["id"] for row in rows] or ["absent"])


def unescape(text):
    text = re.sub(r"\{(.)\*(\d+)\}", lambda match: match[1] * int(match[2]), text)
    one = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}

    def value(match):
        if match[1] in one:
            return one[match[1]].decode("latin-1")
        if match[1][0] == "x":
            return bytes.fromhex(match[1][1:]).decode("latin-1")
        return chr(int(match[1][1:], 16)).encode().decode("latin-1")

    return re.sub(r"\\(r|n|t|\\|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})", value, text).encode("latin-1")


BYTES = {
    "pipeline-before-ehlo": b"EHLO x\r\nMAIL FROM:<a@own.example>\r\n",
    "rcpt-101": b"".join(b"RCPT TO:<user%d@dst.example>\r\n" % i for i in range(101)),
    "data-received-30": b"Received: by x\r\n" * 30 + HEADER + b"x\r\n.\r\n",
    "data-disconnect-dot": HEADER + b"x\r\n.\r\n",
    "bdat-bare-lf": b"BDAT 70 LAST\r\n" + (b"x\n.\nMAIL FROM:<evil@own.example>\r\nRCPT TO:<v@dst.example>\r\nDATA\r\n"
                                           b"smuggled\r\n").ljust(70, b"x")[:70],
    "auth-brute": b"AUTH PLAIN " + plain("LHKAWRONG", "wrong") + b"\r\n",
}


def read_table():
    if not TABLE.is_file():
        return []
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()[1:]]
    return [dict(zip(("id", "state", "bytes", "expect", "why"), row)) for row in rows]


def bytes_of(row):
    if row["id"] in BYTES:
        return BYTES[row["id"]]
    said = unescape(row["bytes"])
    shows_header = re.match(rb" ?[A-Za-z-]+ ?:", said)
    if row["state"] == "in-DATA" and not shows_header:
        said = HEADER + said
    return said


class Case:
    """A row under way: the client in its state, and what was queued before."""

    def __init__(self, server, row):
        self.server, self.row = server, row
        self.before = len(server.queued())
        state, *parameters = row["state"].split()
        if parameters:
            self.client = connect(server, "after-AUTH")
            assert self.client.ask(b"MAIL FROM:<a@own.example> " + " ".join(parameters).encode()) == 250
        elif row["id"] == "pipeline-before-ehlo":
            self.client = Client(server.where["starttls"])
        elif state == "connect":
            self.client = Client(server.where["starttls"])
            assert self.client.reply()[0] == 220
        else:
            self.client = connect(server, state)
        self.said = bytes_of(row)

    def say(self):
        """All of it, "|" in a row that splits being a pause; the session's replies."""
        pieces = self.said.split(b"|") if "split" in self.row["id"] else [self.said]
        for piece in pieces:
            self.client.send(piece)
            if len(pieces) > 1:
                time.sleep(0.05)
        return self.client.settle()

    def queued(self):
        return self.server.queued()[self.before:]


def answered(replies):
    """The replies, without the mark of a session that was closed."""
    return [code for code in replies if code is not None]


def one_code(*codes):
    def judge(case):
        replies = answered(case.say())
        assert len(replies) == 1 and replies[0] in codes, f"{replies}, expected one of {codes}"
        assert case.row["state"] != "in-DATA" or len(case.queued()) == (replies[0] == 250)
    return judge


def judge_one_transaction(case):
    replies = answered(case.say())
    queued = case.queued()
    assert len(replies) == 1
    assert len(queued) == (1 if replies[0] == 250 else 0)
    assert all(b"evil@own.example" not in message["envelope_from"].encode() for message in queued)


def judge_refused(case):
    replies = answered(case.say())
    assert len(replies) == 1 and 500 <= replies[0] <= 599
    assert not case.queued()


def judge_refused_or_kept(case):
    replies = answered(case.say())
    assert len(replies) == 1
    for message in case.queued():
        assert case.said.removesuffix(b".\r\n") in message["content"]


def judge_one_error(case):
    replies = case.say()
    assert len(answered(replies)) <= 1
    assert all(500 <= code <= 599 for code in answered(replies))


def judge_success(case):
    replies = answered(case.say())
    assert len(replies) == 1 and 200 <= replies[0] <= 299


def judge_pipelined(case):
    case.client.send(case.said)
    assert [case.client.reply()[0] for _ in range(3)] == [250, 250, 354]
    assert case.client.ask(HEADER + b"x\r\n.\r\n") == 250


def judge_early_talker(case):
    replies = case.say()
    assert replies[0] in (220, 554)
    assert not case.queued()


def judge_injection(case):
    """Everything in one segment; then a handshake if the server still wants one."""
    case.client.send(case.said)
    code = case.client.reply()[0]
    if code != 220:
        assert code in (421, 503, 554) and case.client.rest() == [None]
        return
    try:
        case.client.start_tls()
    except OSError:
        return
    assert case.client.settle() == []
    assert case.client.ask(b"MAIL FROM:<a@own.example>") == 503


def judge_cancelled(case):
    """The exchange is under way when it is cancelled."""
    assert answered(case.say()) == [334, 501]


def judge_normal(case):
    """As any login that is wrong: not as a command that is unknown."""
    assert answered(case.say()) == [535]


def judge_brute(case):
    codes = []
    for _ in range(50):
        codes.append(case.client.ask(case.said))
        if codes[-1] == 421:
            break
        assert codes[-1] == 535
    assert len(codes) <= 5 and codes[-1] == 421
    assert case.client.reply() == (None, [])


def judge_recipient(domain):
    def judge(case):
        assert answered(case.say()) == [250]
        case.client.ask(b"DATA")
        assert case.client.ask(HEADER + b"x\r\n.\r\n") == 250
        (message,) = case.queued()
        (recipient,) = [r for r in message["recipients"] if r["address"] != "b@dst.example"] or message["recipients"]
        assert recipient["domain"] == domain
        assert recipient["address"].encode() == re.search(rb"<(.*)>\r\n$", case.said, re.S)[1]
    return judge


def judge_hundred(case):
    replies = answered(case.say())
    assert replies.count(250) >= 100
    assert set(replies) <= {250, 452} and len(replies) == 101


def judge_one_meaning(case):
    replies = answered(case.say())
    assert len(replies) == 1
    if replies[0] != 250:
        assert 500 <= replies[0] <= 599
        return
    case.client.ask(b"DATA")
    assert case.client.ask(HEADER + b"x\r\n.\r\n") == 250
    (message,) = case.queued()
    assert {r["domain"] for r in message["recipients"]} == {"dst.example"}
    assert all(r["address"].endswith("@dst.example") for r in message["recipients"])


def judge_cut_off(case):
    case.client.send(case.said)
    case.client.close()
    time.sleep(0.2)
    assert len(case.queued()) in (0, 1)


def judge_unmixed(case):
    replies = answered(case.say())
    assert replies and all(code in (500, 503, 554) for code in replies) and 503 in replies
    assert not case.queued()


def judge_end(case):
    assert answered(case.say()) == [250]
    assert len(case.queued()) == 1


def judge_closed_or_500(case):
    assert answered(case.say()) in ([], [421], [500])


KINDS = {
    "one-transaction": judge_one_transaction,
    "end": judge_end,
    "reject": judge_refused,
    "reject-or-normalise": judge_refused_or_kept,
    "reject-or-keep": judge_refused_or_kept,
    "reject-or-fold": judge_refused_or_kept,
    "one-error": judge_one_error,
    "2xx": judge_success,
    "250-or-5xx": one_code(250, 500, 501, 502, 503, 554),
    "3 replies in order": judge_pipelined,
    "554-or-ok": judge_early_talker,
    "no-plaintext-after-tls": judge_injection,
    "normal": judge_normal,
    "421-within-5": judge_brute,
    "at least 100 accepted": judge_hundred,
    "one meaning": judge_one_meaning,
    "0-or-1 queued": judge_cut_off,
    "500-or-close": judge_closed_or_500,
}


# Rows whose column `expect` names the last reply alone.
BY_ID = {"bdat-then-data": judge_unmixed, "auth-cancel": judge_cancelled}


def judge_of(row):
    """By the row's own words: a kind above, or codes such as "501-or-250", "500-501" and "250"."""
    if row["id"] in BY_ID:
        return BY_ID[row["id"]]
    if row["expect"] in KINDS:
        return KINDS[row["expect"]]
    if "; domain " in row["expect"]:
        return judge_recipient(row["expect"].split("; domain ")[1])
    assert re.fullmatch(r"\d{3}((-or)?-\d{3})*", row["expect"]), f"nobody can judge {row['expect']!r}"
    return one_code(*map(int, re.findall(r"\d{3}", row["expect"])))


def test_corpus_is_there():
    if not TABLE.is_file():
        pytest.skip(f"corpora not found: {TABLE}")
    assert len(read_table()) >= 60


@corpus_cases(read_table())
def test_case(server, row):
    case = Case(server, row)
    try:
        judge_of(row)(case)
    finally:
        case.client.close()
    for message in case.queued():
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", message["content"])
    # no trouble for who comes next, and nothing raw in the log
    with connect(server, "after-AUTH") as client:
        assert client.ask(b"NOOP") == 250
    assert not re.search(r"[^\x20-\x7e\n]", server.log)
