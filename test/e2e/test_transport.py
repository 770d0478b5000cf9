"""Transport security on the way out: the table of docs/transport-security.md, cell by cell, with a
server that misbehaves and the real gateway; and what the table does not say."""

import pathlib
import re
import smtplib
import sqlite3
import time

import pytest

import stage
import tls_peer
from conftest import DMARC

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "transport-security.md"

# The words of the table, and the letters that stand for them in the names of domains.
POLICIES = {"no policy": "none", "STS testing": "testing", "STS enforce": "enforce", "DANE-EE": "ee", "DANE-TA": "ta",
            "DANE unusable": "unusable", "site verified": "verified"}
SERVERS = {"has a good certificate": "good", "offers no STARTTLS": "no-starttls", "answers 454 to STARTTLS": "454",
           "breaks the handshake off": "breaks", "knows TLS 1.0 only": "tls10", "adds a clear answer to 220": "injects",
           "has another host's certificate": "name", "has an expired certificate": "expired",
           "has a self-signed certificate": "self", "has an unknown authority's certificate": "unknown",
           "has a certificate that no TLSA record names": "mismatch",
           "has TLSA records with broken signatures": "bogus", "is not named by the policy": "unnamed"}
DANE = ("ee", "ta", "unusable")
NO_DIGEST = "00" * 32
# Zones without signatures where a trust anchor or the zone above wants some.
BROKEN = ["broken.example", "_tcp.mx-bogus-ee.signed.example", "_tcp.mx-bogus-ta.signed.example"]


def read_table():
    """Cells as (policy, server, expected): the words of the document."""
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")]
            for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    head, _, *body = rows
    assert head[1:] == list(POLICIES) and [row[0] for row in body] == list(SERVERS), "words that the test does not know"
    return [(policy, row[0], cell) for row in body for policy, cell in zip(head[1:], row[1:]) if cell != "–"]


TABLE = read_table()


def host_of(policy, server):
    """Hosts of DANE are one for each policy, since their TLSA records differ; the others share."""
    return f"mx-{server}-{policy}.signed.example" if policy in DANE else f"mx-{server}.open.example"


def domain_of(policy, server):
    return f"{policy}-{server}.{'signed' if policy in DANE else 'open'}.example"


class Peers:
    """A server for each row of the table, each at an address of its own."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.port, = stage.free_ports(1)
        self.ours = tls_peer.Authority(directory / "ours", "Test authority")
        self.stranger = tls_peer.Authority(directory / "stranger", "Unknown authority")
        self.peers = {}

    def address(self, server):
        return f"127.0.3.{[*SERVERS.values(), 'requiretls'].index(server) + 1}"

    def start(self):
        for server in (*SERVERS.values(), "requiretls"):
            self.make_certificate(server)
            self.peers[server] = tls_peer.Peer(self.address(server), self.port, server, self.stem(server) + ".pem")

    def stem(self, server):
        return str(self.directory / server)

    def make_certificate(self, server):
        names = [host_of(policy, server) for policy in ("none", *DANE)] + ["mx-requiretls.signed.example"]
        if server == "self":
            tls_peer.self_sign(self.stem(server), names)
        elif server == "unknown":
            self.stranger.issue(self.stem(server), names)
        else:
            names = ["elsewhere.example"] if server == "name" else names
            self.ours.issue(self.stem(server), names, expired=server == "expired")

    def tlsa(self, policy, server):
        if policy == "unusable":  # PKIX-EE(1): not for SMTP
            return f"1 1 1 {tls_peer.digest(self.stem(server) + '.crt', 1)}"
        if server == "mismatch":
            return f"{'3 1 1' if policy == 'ee' else '2 0 1'} {NO_DIGEST}"
        if policy == "ee":
            return f"3 1 1 {tls_peer.digest(self.stem(server) + '.crt', 1)}"
        authority = self.stranger if server == "unknown" else self.ours
        return f"2 0 1 {tls_peer.digest(authority.certificate, 0)}"

    def close(self):
        for peer in self.peers.values():
            peer.close()


def zone_records(peers):
    """What the zones hold, by zone."""
    lines = {"open.example": set(), "signed.example": set(), "broken.example": {f"@ A {stage.LOOPBACK}"}}
    for policy, server, _ in TABLE:
        policy, server = POLICIES[policy], SERVERS[server]
        zone = "signed.example" if policy in DANE else "open.example"
        domain, host = domain_of(policy, server), host_of(policy, server)
        lines[zone] |= {f"{domain}. MX 10 {host}.", f"{host}. A {peers.address(server)}"}
        if policy in DANE and server == "bogus":
            lines[f"_tcp.{host}"] = {f"_{peers.port} TLSA {peers.tlsa(policy, server)}"}
            lines[zone] |= {f"_tcp.{host}. NS ns", f"_tcp.{host}. DS 1 13 2 {NO_DIGEST}"}
        elif policy in DANE:
            lines[zone].add(f"_{peers.port}._tcp.{host}. TLSA {peers.tlsa(policy, server)}")
        if policy in ("testing", "enforce"):
            lines[zone].add(f'_mta-sts.{domain}. TXT "v=STSv1; id=1"')
    for name in ("library", "museum"):
        lines["signed.example"].add(f"relaxed-{name} MX 10 {host_of('ee', 'no-starttls')}.")
    required = "mx-requiretls.signed.example"
    lines["signed.example"] |= {
        f"requiretls.signed.example. MX 10 {required}.", f"{required}. A {peers.address('requiretls')}",
        f"_{peers.port}._tcp.{required}. TLSA 3 1 1 {tls_peer.digest(peers.stem('requiretls') + '.crt', 1)}"}
    lines["open.example"] |= {
        f"two-hosts.open.example. MX 10 {host_of('none', 'expired')}.",
        f"two-hosts.open.example. MX 20 {host_of('none', 'good')}.",
        '_mta-sts.two-hosts.open.example. TXT "v=STSv1; id=1"',
        f"again.open.example. MX 10 {host_of('none', 'good')}."}
    return {zone: "\n".join(sorted(found)) + "\n" for zone, found in lines.items()}


def keep_policies(service):
    """Puts policies where the steward keeps those that it has fetched."""
    now = int(time.time() * 1e6)
    later = now + 86400 * 10**6
    found = [("two-hosts.open.example", "enforce", "mx-*.open.example")]
    for policy, server, _ in TABLE:
        policy, server = POLICIES[policy], SERVERS[server]
        if policy in ("testing", "enforce"):
            found.append((domain_of(policy, server), policy, None if server == "unnamed" else "*.open.example"))
    with sqlite3.connect(service.data / "control.db", timeout=30) as base:
        for domain, mode, pattern in found:
            pattern = "*.open.example" if pattern else "elsewhere.example"
            base.execute(
                "INSERT INTO sts_policy (domain, record_id, mode, policy, fetched_us, expires_us, asked_us, tried_us, "
                "trouble, trouble_kind, trouble_since_us, failures, next_us) VALUES (?, '1', ?, ?, ?, ?, ?, ?, '', 0, 0, 0, ?)",
                (domain, mode, f"version: STSv1\nmode: {mode}\nmx: {pattern}\nmax_age: 86400\n", now, later, now, now, later))


@pytest.fixture(scope="module")
def peers(directory):
    found = Peers(directory / "peers")
    found.start()
    yield found
    found.close()


@pytest.fixture(scope="module")
def signed_dns(directory, peers):
    zones = {"library.example": DMARC, "museum.example": DMARC, **zone_records(peers)}
    with stage.Dns(directory / "dns", zones, signed=["signed.example"]) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(directory, signed_dns, peers):
    anchors = [signed_dns.trust_anchor("signed.example"), f"broken.example. IN DS 1 13 2 {NO_DIGEST}"]
    path = directory / "anchors"
    path.write_text("\n".join(anchors) + "\n")
    path.chmod(0o644)
    address = f"{stage.LOOPBACK}:{signed_dns.port}"
    settings = {
        "resolver": {"trust_anchor": str(path), "stubs": [
            {"zone": zone, "address": address, "signed": zone in ("signed.example", *BROKEN)} for zone in signed_dns.zones]},
        "delivery": {"authorities_file": str(peers.ours.certificate), "dane_signed_name": "signed.example",
                     "dane_bogus_name": "broken.example"},
    }
    with stage.Service(directory / "letterhead", signed_dns, peers.port, settings) as service:
        keep_policies(service)
        stage.wait_until("proof that the resolver validates",
                         lambda: "DANE is in use" in service.log.read_text())
        yield service


@pytest.fixture(scope="module")
def sites(gateway, signed_dns):
    found = {"library": stage.Site(gateway, signed_dns, "library", "library.example"),
             "museum": stage.Site(gateway, signed_dns, "museum", "museum.example")}
    gateway.call("site", "set", "museum", "--tls", "verified")
    return found


def test_status_tells_of_the_proof(gateway):
    told = gateway.ask("status")
    told = told.get("gateways", [told])[0]
    assert (told["dane"], told["dane_why"]) == ("proved", "")
    assert re.search(r"DANE +in use\n", gateway.call("status", check=False).stdout)


def send_all(site, domains):
    """A message to each domain, over one connection; their ids."""
    with site.client() as client:
        return [stage.transact(client, f"info@{site.domain}", [f"reader@{domain}"], (
            f"From: info@{site.domain}\r\nTo: reader@{domain}\r\nSubject: A hold\r\n\r\nIt waits.\r\n").encode())
            for domain in domains]


def send(site, domain):
    return send_all(site, [domain])[0]


@pytest.fixture(scope="module")
def outcomes(gateway, sites, peers):
    """One message for each cell, all sent before any is looked at."""
    ids = {}
    for name, site in sites.items():
        cells = [(policy, server) for policy, server, _ in TABLE if (policy == "site verified") == (name == "museum")]
        domains = [domain_of(POLICIES[policy], SERVERS[server]) for policy, server in cells]
        ids |= zip(cells, send_all(site, domains))
    found = {cell: gateway.first_attempt(message_id) for cell, message_id in ids.items()}
    peers.in_clear = {server: len(peer.clear_mails) for server, peer in peers.peers.items()}
    return found


@pytest.mark.parametrize("policy, server, expected", TABLE, ids=[f"{p}: {s}" for p, s, _ in TABLE])
def test_cell(outcomes, gateway, peers, policy, server, expected):
    words = re.fullmatch(r"(clear|TLS|4\.7\.\d+)(, verified|, DANE)?(?: \((.+)\))?", expected)
    assert words, f"what the document says is not understood: {expected}"
    way, vouched, result = words[1], words[2] or "", words[3] or "success"
    recipient, event = outcomes[policy, server]
    peer = peers.peers[SERVERS[server]]
    address = f"reader@{domain_of(POLICIES[policy], SERVERS[server])}"

    assert [session["result"] for session in event["tls_sessions"]] == [result], event
    if way.startswith("4"):
        assert (event["event"], event["enhanced"], recipient["state"]) == ("deferred", way, "deferred"), event
        assert address not in peer.taken
        assert event["text"]
        return
    assert (event["event"], recipient["state"]) == ("delivered", "delivered"), event
    assert bool(peer.taken[address]["tls"]) == (way == "TLS")
    said = event.get("tls", "")
    assert said.startswith("TLSv1.") == (way == "TLS")
    assert ("verified by DANE" in said, "verified" in said) == (vouched == ", DANE", vouched != "")


def test_the_right_policy_is_recorded(outcomes, gateway):
    recorded = {"no policy": "no-policy-found", "site verified": "no-policy-found", "STS testing": "sts",
                "STS enforce": "sts", "DANE-EE": "tlsa", "DANE-TA": "tlsa", "DANE unusable": "tlsa"}
    for (policy, server), (_, event) in outcomes.items():
        assert {session["policy"] for session in event["tls_sessions"]} == {recorded[policy]}, (policy, server)


def test_nothing_went_in_clear_that_should_not(outcomes, gateway, peers):
    """Not even the beginning of a transaction: only cells that say "clear" gave a server anything in clear."""
    for row, server in SERVERS.items():
        allowed = sum(cell.startswith("clear") for _, name, cell in TABLE if name == row)
        assert peers.in_clear[server] == allowed, row


def test_the_next_host_is_tried(gateway, sites, peers):
    recipient, event = gateway.first_attempt(send(sites["library"], "two-hosts.open.example"))
    assert recipient["state"] == "delivered"
    assert [session["result"] for session in event["tls_sessions"]] == ["certificate-expired", "success"]
    assert peers.peers["good"].taken["reader@two-hosts.open.example"]["tls"]


def test_sessions_are_resumed(gateway, sites, peers):
    """Not within one connection: the gateway lets go of it in between."""
    good = peers.peers["good"]
    for _ in range(2):
        before = good.handshakes
        gateway.first_attempt(send(sites["library"], "again.open.example"))
        time.sleep(4)
    assert good.handshakes > before
    assert good.taken["reader@again.open.example"]["resumed"]


def send_requiring(site, domain):
    """With REQUIRETLS (RFC 8689)."""
    with site.client() as client:
        client.ehlo_or_helo_if_needed()
        assert client.has_extn("requiretls")
        assert client.mail(f"info@{site.domain}", ["REQUIRETLS"])[0] == 250
        assert client.rcpt(f"reader@{domain}")[0] == 250
        code, text = client.data(f"From: info@{site.domain}\r\nSubject: A secret\r\n\r\nx\r\n".encode())
        assert code == 250
        return text.decode().split()[1]


def test_requiretls_is_handed_on(gateway, sites, peers):
    recipient, event = gateway.first_attempt(send_requiring(sites["library"], "requiretls.signed.example"))
    assert recipient["state"] == "delivered", event
    taken = peers.peers["requiretls"].taken["reader@requiretls.signed.example"]
    assert taken["tls"] and taken["mail"].endswith(" REQUIRETLS")


@pytest.mark.parametrize("domain", ["ee-good.signed.example", "none-good.open.example"],
                         ids=["not offered", "no vouched name"])
def test_what_cannot_be_required_bounces(gateway, sites, peers, domain):
    before = peers.peers["good"].taken.get(f"reader@{domain}")
    recipient, event = gateway.first_attempt(send_requiring(sites["library"], domain))
    assert (recipient["state"], event["enhanced"]) == ("bounced", "5.7.30"), event
    assert peers.peers["good"].taken.get(f"reader@{domain}") is before


def test_requiretls_is_refused_in_clear(gateway):
    with smtplib.SMTP(stage.LOOPBACK, gateway.starttls_port, timeout=30) as client:
        client.ehlo()
        assert not client.has_extn("requiretls")


@pytest.mark.parametrize("name, state", [("library", "delivered"), ("museum", "deferred")])
def test_a_message_may_ask_for_less_but_not_than_its_site(gateway, sites, peers, name, state):
    """RFC 8689 §5: "TLS-Required: No" rather goes in clear than not at all."""
    site, domain = sites[name], f"relaxed-{name}.signed.example"
    before = len(peers.peers["no-starttls"].clear_mails)
    message = (f"From: info@{site.domain}\r\nSubject: Your TLS is broken\r\nTLS-Required: No\r\n\r\nx\r\n").encode()
    recipient, event = gateway.first_attempt(site.send(message, recipients=(f"reader@{domain}",)))
    assert recipient["state"] == state, event
    assert len(peers.peers["no-starttls"].clear_mails) - before == (state == "delivered")
