"""provider-replies: what `letterhead inspect auth-reply` makes of the replies of well-known providers."""
import json
import re

import corpus

# A row about two replies is a dialogue, and no case for a single reply.
ROWS = [row for row in corpus.rows("provider-replies/cases.tsv")
        if re.match(r"\d{3}[ -]", row["reply"]) and " but " not in row["reply"]]
STAGES = {"AUTH": "auth", "AUTH XOAUTH2": "auth", "MAIL": "mail", "RCPT": "rcpt", "DATA-end": "data",
          "DATA": "data", "EHLO": "auth"}


def diagnose(inspect, row):
    """The report; its exit status says whether that is what one would want to hear."""
    words = ["auth-reply", "--json", "--host", row["provider"], "--stage", STAGES[row["stage"]]]
    if row["stage"] == "EHLO":
        words.append("--ehlo")
    status, out = inspect.run(*words, data=corpus.unescape(row["reply"]) + b"\r\n")
    assert status in (0, 1)
    return json.loads(out)


def fits(report, expected):
    """The cause is named in what is expected. That it is of passing nature is all that some rows ask, and
    all that a stranger's 4xx says about relaying."""
    wanted = re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", expected)
    if wanted[0] in ("transient", "relay-inconclusive"):
        return report["transient"]
    return report["diagnosis"] in wanted


@corpus.cases(ROWS, "row", [row["id"] for row in ROWS])
def test_diagnosis(inspect, row):
    report = diagnose(inspect, row)
    if row["stage"] == "EHLO":
        named = re.search(r"mechanisms ([A-Z0-9 -]+)", row["expect"])[1].split()
        assert [one for one in report["mechanisms"] if one in named] and set(named) <= set(report["mechanisms"])
        size = re.search(r"size (\d+)", row["expect"])
        assert report["size_bytes"] == int(size[1])
        return
    assert fits(report, row["expect"]), f"{report['diagnosis']} for {row['expect']}"
    assert report["what"] and report["cure"]
    assert report["transient"] or not row["reply"].startswith("4") or row["reply"].startswith("432")
