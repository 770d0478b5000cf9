"""addr-isemail and addr-flanker: which addresses are accepted, and that others read them alike."""
import email.headerregistry

import pytest

import corpus

ISEMAIL = corpus.rows("addr-isemail/tests.tsv")
ISEMAIL_TAKEN = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"}

# What mailgun calls valid and SMTP has no place for (RFC 5321 §4.1.2): display names, comments,
# underscores in a domain, a domain alone.
NOT_SMTP = ("<", "(", "under_scope")

VALID = [*corpus.lines("addr-flanker/mailbox_valid.txt"),
         *(f"{local}@host.example" for local in corpus.lines("addr-flanker/abridged_localpart_valid.txt"))]
INVALID = [*corpus.lines("addr-flanker/mailbox_invalid.txt"),
           *(f"{local}@host.example" for local in corpus.lines("addr-flanker/abridged_localpart_invalid.txt"))]
DOMAINS = [line.split(",")[0] for name in ("domain_typos_valid", "domain_typos_invalid")
           for line in corpus.lines(f"addr-flanker/{name}.txt")]


def check_form(inspect, report):
    """The canonical form reads back as itself, and Python's parser finds the same domain in it."""
    again = inspect.address(report["address"].encode())
    assert {**again, "input": None} == {**report, "input": None}
    assert report["address"].endswith("@" + report["domain"])
    if report["local"].isascii():
        assert email.headerregistry.Address(addr_spec=report["address"]).domain == report["domain"]


@corpus.cases(ISEMAIL, "row", [row["id"] for row in ISEMAIL])
def test_isemail(inspect, row):
    raw = corpus.unescape(row["address_escaped"])
    report = inspect.address(raw)
    assert report["accepted"] == (row["category"] in ISEMAIL_TAKEN), report
    if report["accepted"]:
        check_form(inspect, report)


@corpus.cases(VALID, "text", range(len(VALID)))
def test_flanker_valid(inspect, text):
    report = inspect.address(text.encode())
    assert report["accepted"] == (not any(mark in text.partition('"@')[2] or mark in text and '"' not in text
                                          for mark in NOT_SMTP)), report
    if report["accepted"]:
        check_form(inspect, report)


@corpus.cases(INVALID, "text", range(len(INVALID)))
def test_flanker_invalid(inspect, text):
    assert not inspect.address(text.encode())["accepted"]


@pytest.mark.skipif(not DOMAINS, reason=f"skipped: corpora not found ({corpus.FOLDER})")
def test_domains_are_judged_by_form_alone(inspect):
    """A misspelt but well-formed domain is no fault of syntax; one with a strange character is."""
    for domain in DOMAINS:
        odd = set(domain) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert inspect.address(f"a@{domain}".encode())["accepted"] == (not odd), domain
