"""spf-suite: an address that sends for a domain is judged as by the test suite of RFC 7208."""
import os
import pathlib
import subprocess

import corpus

SUITE = corpus.FOLDER / "spf-suite" / "rfc7208-tests.yml"
BUILD = pathlib.Path(os.environ.get("LETTERHEAD_BUILD", corpus.TOP / "build-asan"))
HARNESS = BUILD / "test" / "corpora" / "spf_harness"
SECONDS_MAX = 20
# Names with ":", "/", "%" or a blank are no host's, and the resolver does not ask for them.
NEVER_ASKED = {"a-colon-domain", "a-colon-domain-ip4mapped", "mx-colon-domain", "mx-colon-domain-ip4mapped",
               "macro-mania-in-domain"}


def scenarios():
    """The suite's parts: cases that share a DNS."""
    if not SUITE.is_file():
        return []
    import yaml  # of the system, with the packages for tests
    return list(yaml.safe_load_all(SUITE.read_text()))


def text_of(kind, value):
    if kind == "MX":
        return value[1]
    return "".join(value) if isinstance(value, list) else str(value)


def records(name, entries):
    """The lines of one name. What is given as type SPF alone stands for TXT, too, as the suite says."""
    name = name.lower().rstrip(".")
    txt = any(isinstance(entry, dict) and "TXT" in entry for entry in entries)
    for entry in entries:
        if entry == "TIMEOUT":
            yield f"record\t{name}\tsilent"
            continue
        (kind, value), = entry.items()
        if kind == "SPF":
            kind = None if txt else "TXT"
        if kind is None or value == "NONE":
            continue
        text = text_of(kind, value).replace("\0", "\1")  # as little allowed, and no end of the harness's lines
        yield f"record\t{name}\t{kind}\t{text if kind == 'TXT' else text.lower().rstrip('.')}"


def sender(case):
    helo, address = case["helo"], case["mailfrom"]
    local, at, domain = address.rpartition("@")
    return f"case\t{case['host']}\t{helo}\t{local}\t{domain if at else helo}"


@corpus.cases(scenarios(), "scenario", lambda scenario: scenario["description"].replace(" ", "_"))
def test_spf(scenario):
    lines = [line for name, entries in scenario["zonedata"].items() for line in records(str(name), entries)]
    lines.sort(key=lambda line: line.endswith("\tsilent"))
    lines += map(sender, scenario["tests"].values())
    done = subprocess.run([HARNESS], input=("\n".join(lines) + "\n").encode("latin-1"), capture_output=True,
                          timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    results = done.stdout.decode().splitlines()
    assert len(results) == len(scenario["tests"])
    wrong = {}
    for (name, case), result in zip(scenario["tests"].items(), results):
        expected = case["result"] if isinstance(case["result"], list) else [case["result"]]
        if name not in NEVER_ASKED and result not in expected:
            wrong[name] = (result, expected)
    assert not wrong
