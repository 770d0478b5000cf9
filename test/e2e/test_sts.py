"""The life of a policy of MTA-STS: fetched by the real steward from a real HTTPS server at port 443 of
mta-sts.DOMAIN on loopback, obeyed by real gateways, kept and let go of as RFC 8461 has it."""

import pathlib
import socket
import sqlite3
import subprocess
import time

import pytest

import stage
import tls_peer
from conftest import DMARC
from policy_host import PolicyHost, policy

ZONE = "town.example"
WEB, SHORT_WEB, WRONG_WEB, SILENT_WEB = "127.0.4.1", "127.0.4.2", "127.0.4.3", "127.0.4.6"
MX = {"mx": "127.0.4.4", "impostor": "127.0.4.5"}  # the second has another host's certificate
REFUSED = {  # what the policy's host answers, by the first label of the domain, and what is said of it
    "redirects": ((301, {"Location": f"https://mta-sts.secret.{ZONE}/.well-known/mta-sts.txt"}, ""),
                  "redirects (301), which must not be followed"),
    "oversize": (policy("enforce", f"mx.{ZONE}") + "x" * 70000, "the answer is larger than 65536 bytes"),
    "html": ((200, {"Content-Type": "text/html"}, policy("enforce", f"mx.{ZONE}")), "is not of the type text/plain"),
    "nonsense": ("version: STSv1\r\nmode: perhaps\r\n", "the policy file cannot be read"),
    "missing": ((404, {}, ""), "answered 404 instead of 200"),
    "wrong": (policy("enforce", f"mx.{ZONE}"), "the server's certificate is refused: hostname mismatch"),
    "inside": (policy("enforce", f"mx.{ZONE}"), "addresses that must not be connected to"),
}


class Town:
    """Domains below one zone, each with an MX host and, perhaps, a policy."""

    def __init__(self, dns):
        self.dns = dns
        self.ids = {}
        self.fixed = [f"{host} A {address}" for host, address in MX.items()]

    def add(self, name, web=WEB, mx="mx", record_id="1"):
        self.fixed += [f"{name} MX 10 {mx}", f"mta-sts.{name} A {web}"]
        self.ids[name] = record_id
        return f"{name}.{ZONE}"

    def publish(self):
        records = [f'_mta-sts.{name} TXT "v=STSv1; id={i}"' for name, i in self.ids.items() if i]
        self.dns.set(ZONE, "\n".join([*self.fixed, *records]) + "\n")
        time.sleep(1.5)  # the records live for a second


@pytest.fixture(scope="module")
def authority(directory):
    return tls_peer.Authority(directory / "authority", "Test authority")


def serve_policies(directory, authority, address, names):
    stem = str(directory / f"web-{address}")
    authority.issue(stem, names)
    try:
        return PolicyHost(address, stem + ".pem")
    except PermissionError:
        pytest.skip("skipped: port 443, where policies are fetched from, takes a privilege to open")


@pytest.fixture(scope="module")
def web(directory, authority):
    names = ["strict", "life", *REFUSED, "secret"]
    host = serve_policies(directory, authority, WEB, [f"mta-sts.{name}.{ZONE}" for name in names])
    host.files = {f"mta-sts.{name}.{ZONE}": answer for name, (answer, _) in REFUSED.items()}
    host.files[f"mta-sts.secret.{ZONE}"] = policy("none")
    yield host
    host.close()


@pytest.fixture(scope="module")
def town(directory, authority, web):
    wrong = serve_policies(directory, authority, WRONG_WEB, [f"mta-sts.elsewhere.{ZONE}"])
    wrong.files = web.files
    with stage.Dns(directory / "dns", {"library.example": DMARC, ZONE: ""}) as dns:
        found = Town(dns)
        for name in REFUSED:
            found.add(name, {"wrong": WRONG_WEB, "inside": "10.0.0.1"}.get(name, WEB))
        yield found
    wrong.close()


@pytest.fixture(scope="module")
def mail_hosts(directory, authority):
    port, = stage.free_ports(1)
    peers = {}
    for host, address in MX.items():
        stem = str(directory / host)
        authority.issue(stem, [f"{host if host == 'mx' else 'elsewhere'}.{ZONE}"])
        peers[host] = tls_peer.Peer(address, port, "good", stem + ".pem")
    yield port
    for peer in peers.values():
        peer.close()


@pytest.fixture(scope="module")
def service(directory, authority, town, mail_hosts):
    settings = {"gateways": 2, "delivery": {"authorities_file": str(authority.certificate), "dane": False}}
    with stage.Service(directory / "letterhead", town.dns, mail_hosts, settings) as server:
        yield server


@pytest.fixture(scope="module")
def library(service, town):
    return stage.Site(service, town.dns, "library", "library.example")


def send(library, domain):
    """The first event of a message to the domain after it was tried."""
    message_id = library.send(recipients=(f"reader@{domain}",))
    return library.service.first_attempt(message_id)[1]


def assert_verified(event):
    assert event["event"] == "delivered" and "verified" in event["tls"], event


def assert_not_demanded(event):
    assert event["event"] == "delivered" and "verified" not in event["tls"], event


def let_a_minute_pass(service, domain):
    """A record that keeps changing is fetched for once a minute (STS_CHANGE_S)."""
    with sqlite3.connect(service.data / "control.db", timeout=30) as base:
        base.execute("UPDATE sts_policy SET tried_us = tried_us - 61000000 WHERE domain = ?", (domain,))


def test_a_policy_is_fetched_and_enforced(service, library, town, web):
    domain = town.add("strict", mx="impostor")
    web.files[f"mta-sts.{domain}"] = policy("enforce", f"impostor.{ZONE}")
    town.publish()
    event = send(library, domain)
    assert (event["event"], event["enhanced"]) == ("deferred", "4.7.5"), event
    assert [(s["policy"], s["result"]) for s in event["tls_sessions"]] == [("sts", "certificate-host-mismatch")]
    shown = service.ask("sts", "show", domain)
    assert (shown["policy"], shown["record_id"], shown["hosts"]) == ("enforce", "1", [f"impostor.{ZONE}"])
    assert "trouble" not in shown and "only to the hosts of the policy" in shown["why"]
    assert domain in service.call("sts", "list").stdout
    assert f"impostor.{ZONE}" in service.call("sts", "show", domain).stdout


def test_the_life_of_a_policy(service, library, town, web):
    domain = town.add("life")
    host = f"mta-sts.{domain}"
    web.files[host] = policy("enforce", f"mx.{ZONE}")
    town.publish()
    for _ in range(6):  # by either gateway
        assert_verified(send(library, domain))
    assert web.fetches[host] == 1

    # A new id: fetched anew.
    web.files[host] = policy("testing", f"mx.{ZONE}")
    town.ids["life"] = "2"
    town.publish()
    seen = []

    def is_new():
        let_a_minute_pass(service, domain)
        send(library, domain)
        seen.append(service.ask("sts", "show", domain))
        return (seen[-1]["policy"], seen[-1]["record_id"]) == ("testing", "2")

    stage.wait_until("the new policy", is_new, shown=seen)
    assert web.fetches[host] == 2

    # At an operator's word, too.
    web.files[host] = policy("enforce", f"mx.{ZONE}", max_age=7200)
    assert service.ask("sts", "refresh", domain)["policy"] == "enforce"
    assert web.fetches[host] == 3

    # The record vanishes: still in force, and whoever asks is told.
    town.ids["life"] = None
    town.publish()
    shown = service.ask("sts", "refresh", domain)
    assert (shown["policy"], shown["trouble"]) == ("enforce", "the TXT record is gone"), shown
    assert "goes on until it expires" in shown["why"] and "looked up again" in shown["next_step"]

    # A restart: what was kept is kept, without another fetch.
    service.stop()
    service.start()
    assert service.ask("sts", "show", domain)["policy"] == "enforce"
    assert_verified(send(library, domain))
    assert web.fetches[host] == 3


def test_a_policy_whose_host_is_gone_is_kept_until_it_expires(directory, service, library, town, authority):
    domain = town.add("short", web=SHORT_WEB)
    host = serve_policies(directory, authority, SHORT_WEB, [f"mta-sts.{domain}"])
    host.files[f"mta-sts.{domain}"] = policy("enforce", f"mx.{ZONE}", max_age=20)
    town.publish()
    assert_verified(send(library, domain))
    begun = time.monotonic()
    host.close()

    shown = service.ask("sts", "refresh", domain)
    assert (shown["policy"], shown["failures"]) == ("enforce", 1), shown
    assert "goes on until it expires" in shown["why"] and shown["trouble"] in shown["why"]
    assert shown["next"] and "tried again" in shown["next_step"]
    assert_verified(send(library, domain))
    assert time.monotonic() - begun < 20, "too slow a machine to tell"

    time.sleep(max(0, begun + 22 - time.monotonic()))
    assert_not_demanded(send(library, domain))
    assert service.ask("sts", "show", domain)["policy"] == "expired"


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_not_be_taken_is_refused_with_words(service, library, town, web, name):
    domain = f"{name}.{ZONE}"
    shown = service.ask("sts", "refresh", domain)
    assert (shown["policy"], shown["hosts"], shown["failures"]) == ("none kept", [], 1), shown
    assert REFUSED[name][1] in shown["trouble"], shown
    assert "no policy could be had" in shown["why"] and "tried again at the time named" in shown["next_step"]
    assert shown["next"] > shown["tried"]
    told = " ".join(service.call("sts", "show", domain).stdout.split())
    assert shown["trouble"] in told and "tried again" in told
    assert_not_demanded(send(library, domain))
    assert web.fetches[f"mta-sts.secret.{ZONE}"] == 0


def test_what_is_not_there_is_said_so(service):
    for words in (("sts", "show", "nobody.town.example"), ("sts", "refresh", "nobody.town.example")):
        result = service.call(*words, check=False)
        assert result.returncode == 1 and "nobody.town.example" in result.stderr
    assert service.call("sts", "show", "-", check=False).returncode != 0


def test_a_silent_host_does_not_hold_up_the_end(service, town):
    domain = town.add("silent", web=SILENT_WEB)
    town.publish()
    with socket.create_server((SILENT_WEB, 443)) as door:
        door.settimeout(20)
        with subprocess.Popen([service.binary, "sts", "refresh", domain, "--config", str(service.config)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            client, _ = door.accept()  # the fetch is on its way
            with client:
                begun = time.monotonic()
                service.stop()
                assert time.monotonic() - begun < 5
    service.start()
    assert service.call("sts", "show", domain, check=False).returncode == 1  # it says nothing about the domain


def test_the_steward_listens_on_no_port(service):
    steward = pathlib.Path("/proc", str(service.children()["steward"]))
    own = {entry.readlink().name for entry in (steward / "fd").iterdir() if entry.is_symlink()}
    listening = {f"socket:[{line.split()[9]}]" for table in ("tcp", "tcp6")
                 for line in (steward / "net" / table).read_text().splitlines()[1:] if line.split()[3] == "0A"}
    assert listening and not own & listening
