"""spoof-from: for a site that has verified own.example, no message may pass as anybody else's."""
import email
import email.policy
import re

import corpus

OWN, VICTIM = "own.example", "victim.example"
ROWS = corpus.rows("spoof-from/cases.tsv")


def header_of(row):
    raw = corpus.unescape(row["header"])
    many = re.fullmatch(rb"(From: )(\S+), \.\.\. (\d+) addresses", raw)
    if many:
        raw = many[1] + b", ".join([many[2]] * int(many[3]))
    return raw + b"\r\n\r\n"


def may_be_accepted(expect):
    return not expect.startswith("reject") or re.match(r"reject or (accept|same|strip|add)", expect)


def must_be_accepted(expect):
    return (expect.startswith(("accept", "strip"))
            and not re.search(r" or reject|only if", expect))


def judge(inspect, header, *identities):
    words = [word for name in identities for word in ("--identity", name)]
    return inspect.report("from", *words, data=header)


@corpus.cases(ROWS, "row", [row["id"] for row in ROWS])
def test_verdict(inspect, row):
    report = judge(inspect, header_of(row), OWN)
    if must_be_accepted(row["expect"]):
        assert report["accepted"], report
    if report["accepted"]:
        assert may_be_accepted(row["expect"]), report
        assert report["domain"] == OWN
        assert all(claim["address"].endswith("@" + OWN) for claim in report.get("also_claims", []))
    else:
        assert report["explanation"] and report["verdict"] != "ok"
    if row["expect"].startswith("strip Return-Path"):
        assert report["stripped"] == ["Return-Path"]


@corpus.cases(ROWS, "row", [row["id"] for row in ROWS])
def test_another_parser_sees_the_same_sender(inspect, row):
    """Whatever passes for the two sites together is read by Python's parser with the same domain."""
    header = header_of(row)
    report = inspect.report("from", data=header)
    if not report["accepted"] or not report["domain"].isascii() or not header.isascii():
        return
    message = email.message_from_bytes(header, policy=email.policy.SMTP)
    try:
        seen = {address.domain.lower() for field in message.get_all("From") for address in field.addresses}
    except ValueError:
        return  # Python decodes a line end out of the display name and gives up: it sees no sender
    assert seen == {report["domain"]}


@corpus.cases([row for row in ROWS if row["expect"] == "compare in A-label form"], "row", None)
def test_one_form_of_a_domain(inspect, row):
    """A-labels and the U-labels that they stand for are one identity."""
    domain = header_of(row).partition(b"@")[2].strip().decode()
    unicode_domain = domain.encode().decode("idna")
    assert not judge(inspect, header_of(row), OWN)["accepted"]
    assert judge(inspect, header_of(row), domain)["accepted"]
    assert judge(inspect, header_of(row), unicode_domain)["accepted"]
