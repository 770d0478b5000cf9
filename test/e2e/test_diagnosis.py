"""What is said of records that are not right, and of name servers that are not: the cause, where it was seen, what to do."""

import json
import pathlib
import shutil
import subprocess
import types

import pytest

import faulty_dns
import stage

ZONE = "museum.example"
KNOT_ZONES = {
    "letterhead.example": f"mail A {stage.LOOPBACK}\n",
    "signed.example": '_dmarc TXT "v=DMARC1; p=none"\n',
    "twice.example": '_dmarc TXT "v=DMARC1; p=none"\n',
}


class Bind(stage.Server):
    """BIND 9 with one zone, whose records may change."""

    def __init__(self, directory, zone):
        super().__init__(directory)
        self.zone = zone
        self.port, = stage.free_ports(1)
        self.serial = 1
        self.records = ""

    def _write(self):
        (self.directory / "zone").write_text(
            f"$ORIGIN {self.zone}.\n$TTL 1\n@ SOA ns.{self.zone}. hostmaster.{self.zone}. {self.serial} 3600 600 86400 1\n"
            f'@ NS ns.{self.zone}.\nns A {stage.LOOPBACK}\n_dmarc TXT "v=DMARC1; p=none"\n{self.records}')

    def start(self):
        self._write()
        (self.directory / "named.conf").write_text(
            f'options {{ directory "{self.directory}"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};\n'
            f"  listen-on port {self.port} {{ {stage.LOOPBACK}; }}; recursion no; dnssec-validation no; }};\n"
            f'controls {{ }};\nzone "{self.zone}" {{ type primary; file "{self.directory}/zone"; }};\n')
        self.spawn("named", "-g", "-c", str(self.directory / "named.conf"))
        stage.wait_for_port(self.port, self.process, self.log)

    def set(self, records):
        self.records = records
        self.serial += 1
        self._write()
        self.process.send_signal(1)  # reads its zones anew
        stage.wait_until("the new zone", lambda: str(self.serial) in subprocess.run(
            ["kdig", f"@{stage.LOOPBACK}", "-p", str(self.port), self.zone, "SOA", "+short"],
            capture_output=True, text=True).stdout.split())


@pytest.fixture(scope="module")
def faulty():
    with faulty_dns.FaultyDns(ZONE) as server:
        yield server


@pytest.fixture(scope="module")
def knot(directory):
    with stage.Dns(directory / "knot", KNOT_ZONES, signed=("signed.example",)) as server:
        yield server


@pytest.fixture(scope="module")
def bind(directory):
    with Bind(directory / "bind", "twice.example") as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, faulty, knot, bind):
    anchor = directory / "anchor"
    anchor.write_text(knot.trust_anchor("signed.example") + "\n")
    stubs = [{"zone": z, "address": f"{stage.LOOPBACK}:{knot.port}", **({"signed": True} if z == "signed.example" else {})}
             for z in KNOT_ZONES]
    stubs.append({"zone": ZONE, "address": f"{stage.LOOPBACK}:{faulty.port}"})
    stubs.append({"zone": "twice.example", "address": f"{stage.LOOPBACK}:{bind.port}"})
    settings = {"dkim": {"revoke_after": "0s"}, "resolver": {"stubs": stubs, "trust_anchor": str(anchor)}}
    with stage.Service(directory / "letterhead", types.SimpleNamespace(zones={}, port=0), settings=settings) as server:
        yield server


def add(service, name, domain):
    """Adds a site; yields its records as (name below the zone, value)."""
    records = service.ask("site", "add", name, "--domain", domain, "--senders", "any")["identity"]["records"]
    return [(r["name"].removesuffix(f".{domain}"), r["value"]) for r in records]


def check(service, name):
    return json.loads(service.call("identity", "check", name, "--json", check=False).stdout)["identities"][0]


def right(records):
    return [(name, "TXT", faulty_dns.quoted(value)) for name, value in records]


def test_each_slip_is_named(service, faulty):
    records = add(service, "museum", ZONE)
    (one, first), (two, second), (three, third) = records
    rounds = [
        ({one: [("TXT", faulty_dns.quoted(first[:200]))],
          f"{two}.{ZONE}": [("TXT", faulty_dns.quoted(second))],
          three: [("CNAME", f"{three}.elsewhere.museum.example.")]}, ["truncated", "wrong-name", "wrong-type"]),
        ({one: [("TXT", faulty_dns.quoted(first[:255])), ("TXT", faulty_dns.quoted(first[255:]))],
          two: [("TXT", '"\\"' + second[:100] + '\\""')],
          three: [("A", "192.0.2.1")]}, ["split", "damaged", "proxied"]),
        ({one: [("TXT", faulty_dns.quoted(second))],
          two: [("TXT", '"v=spf1 -all"')],
          three: [("TXT", '"v=DKIM1; k=rsa; p="')]}, ["other-key", "foreign", "revoked"]),
    ]
    for names, causes in rounds:
        faulty.set([(name, kind, text) for name, values in names.items() for kind, text in values])
        shown = check(service, "museum")
        assert shown["state"] == "PENDING" and not shown["sending"]
        assert [r["cause"] for r in shown["records"]] == causes
        for record in shown["records"]:
            assert record["advice"] and record["server"].startswith(stage.LOOPBACK)
    faulty.habit, faulty.wildcard = "wildcard", '"hello"'
    faulty.set([])
    assert {r["cause"] for r in check(service, "museum")["records"]} == {"wildcard"}
    faulty.habit = "serves"
    waiting = service.call("identity", "show", "museum").stdout
    assert "waits for the DNS records" in waiting and not any(word in waiting.lower() for word in ("fail", "error", "missing"))
    faulty.set(right(records))
    assert check(service, "museum")["state"] == "SUCCESS"


def test_a_fault_revokes_nothing(service, faulty):
    faulty.habit = "fails"
    try:
        shown = check(service, "museum")
        assert shown["state"] == "SUCCESS" and shown["sending"]
        assert {r["state"] for r in shown["records"]} == {"right"}
        assert {r["cause"] for r in shown["records"]} == {"lame-delegation"}
    finally:
        faulty.habit = "serves"
    stage.wait_until("the end of the fault, which the resolver remembers", lambda: (
        {r["cause"] for r in check(service, "museum")["records"]} == {""}))


def test_large_answers_come_over_tcp(service, faulty):
    faulty.habit = "truncates"
    shown = check(service, "museum")
    assert shown["state"] == "SUCCESS" and {r["cause"] for r in shown["records"]} == {""}
    faulty.habit = "serves"


def test_what_is_empty_is_revoked_after_two_looks(service, faulty):
    faulty.habit = "empty"
    assert check(service, "museum")["state"] == "TEMPORARY_FAILURE"
    assert check(service, "museum")["state"] == "FAILED"
    faulty.habit = "serves"
    assert check(service, "museum")["state"] == "SUCCESS"


def test_servers_that_disagree_revoke_nothing(service, knot, bind):
    """Knot and BIND serve the same zone; one of them has lost the records."""
    add(service, "twice", "twice.example")
    zone = service.call("identity", "records", "twice", "--format", "zone").stdout
    knot.set("twice.example", KNOT_ZONES["twice.example"] + zone)
    bind.set(zone)
    assert check(service, "twice")["state"] == "SUCCESS"
    bind.set("")
    for _ in range(4):
        shown = check(service, "twice")
        assert shown["sending"]
        bad = [r for r in shown["records"] if r["state"] != "right"]
        assert {r["cause"] for r in bad} <= {"servers-disagree"}
        assert all(str(bind.port) in r["server"] for r in bad)
    selector = service.ask("identity", "show", "twice")["identities"][0]["records"][0]["name"].split(".")[0]
    seen = inspect(service, "twice.example", "--selector", selector)
    assert not seen["servers_agree"] and len(seen["name_servers"]) == 2
    knot.set("twice.example", KNOT_ZONES["twice.example"])
    assert check(service, "twice")["state"] == "TEMPORARY_FAILURE"
    assert check(service, "twice")["state"] == "FAILED"
    knot.set("twice.example", KNOT_ZONES["twice.example"] + zone)
    bind.set(zone)
    assert check(service, "twice")["state"] == "SUCCESS"
    seen = inspect(service, "twice.example", "--selector", selector)
    assert seen["servers_agree"] and seen["accepted"] and seen["records"][0]["state"] == "right"
    assert seen["dmarc"] == "found"


def inspect(service, *words):
    result = subprocess.run([service.binary, "inspect", "dns", "--json", "--config", str(service.config), *words],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


def test_inspect_shows_any_domain(service, faulty):
    seen = inspect(service, ZONE, "--selector", "nothing")
    assert seen["zone"] == ZONE and seen["records"][0]["cause"] == "absent" and not seen["accepted"]
    assert seen["name_servers"][0]["answers"][f"nothing._domainkey.{ZONE}"] == "has no such record"
    shown = subprocess.run([service.binary, "inspect", "dns", "--config", str(service.config), ZONE],
                           capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0 and "they agree" in shown.stdout


def test_broken_signatures_prove_nothing(service, knot):
    add(service, "signed", "signed.example")
    zone = service.call("identity", "records", "signed", "--format", "zone").stdout
    knot.set("signed.example", KNOT_ZONES["signed.example"] + zone)
    assert check(service, "signed")["state"] == "SUCCESS"
    knot.stop()
    shutil.rmtree(pathlib.Path(knot.directory) / "db")  # new keys, which the trust anchor does not know
    knot.zones["signed.example"] = KNOT_ZONES["signed.example"]  # and no records any more
    knot.start()
    for _ in range(2):
        shown = check(service, "signed")
        assert shown["state"] == "SUCCESS" and shown["sending"]
        assert {r["cause"] for r in shown["records"]} == {"bogus-dnssec"}
        assert "DNSSEC" in shown["records"][0]["trouble"]


def test_identities_are_listed(service):
    listed = service.ask("identity", "list")["identities"]
    assert {i["domain"]: i["state"] for i in listed}[ZONE] == "SUCCESS"
    assert {i["records_right"] for i in listed if i["state"] == "SUCCESS"} == {3}
    page = service.ask("identity", "list", "--limit", "1")
    rest = service.ask("identity", "list", "--after", str(page["next"]))["identities"]
    assert page["identities"] + rest == listed
    assert service.ask("identity", "list", "--state", "FAILED")["identities"] == []
    assert ZONE in service.call("identity", "list").stdout
