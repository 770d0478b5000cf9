"""Alignment: what a site is told of DMARC for its From domains, with a real DNS, and that an independent
receiver (Rspamd behind Postfix) comes to the same."""

import email
import json
import smtplib
import time

import pytest

import stage

ZONES = {
    "example": "",  # where the walk up ends
    "letterhead.example": f'mail A {stage.LOOPBACK}\nbounce MX 10 mail\nbounce TXT "v=spf1 ip4:{stage.LOOPBACK} -all"\n',
    "127.in-addr.arpa": "1.0.0 PTR mail.letterhead.example.\n",
    "reader.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n",
    "strict.example": '_dmarc TXT "v=DMARC1; p=reject; adkim=s; aspf=s"\n',
    "town.example": '_dmarc TXT "v=DMARC1; p=quarantine; sp=reject"\n',
    "bare.example": "",
    "ghost.example": '_dmarc TXT "v=DMARC1; p=none; sp=quarantine; np=reject"\nshop A 192.0.2.1\n',
    "city.example": '_dmarc TXT "v=DMARC1; p=reject; adkim=s"\n',
    "twice.example": '_dmarc TXT "v=DMARC1; p=none"\n_dmarc TXT "v=DMARC1; p=reject"\n',
}


@pytest.fixture(scope="module")
def dns(directory):
    with stage.Dns(directory / "dns", ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    port, = stage.free_ports(1)
    settings = {"inbound": {"listeners": [{"address": f"{stage.LOOPBACK}:{port}"}]}}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings) as server:
        server.inbound_port = port
        yield server


class Client(stage.Site):
    """A site that may send as `addresses`."""

    def __init__(self, service, dns, name, domain, *words):
        self.service, self.name, self.domain = service, name, domain
        service.call("site", "add", name, "--domain", domain, "--senders", "any", *words)
        dns.set(domain, dns.zones[domain] + service.call("identity", "records", name, "--format", "zone").stdout)
        checked = service.ask("identity", "check", name)
        assert checked["sending"], checked
        self.alignment = {row["domain"]: row for row in checked["identities"][0]["alignment"]}
        self.credential = service.ask("credential", "add", name)


def verdict(client, receiver, sender):
    """What Rspamd says of DMARC."""
    before = len(receiver.messages())
    client.send(client.message(sender=sender), sender=sender)
    message = email.message_from_bytes(receiver.wait_for_messages(before + 1)[-1].read_bytes())
    results = " ".join(message["Authentication-Results"].split())
    return "pass" if "dmarc=pass" in results else "fail" if "dmarc=fail" in results else results


def test_strict_alignment_rests_on_the_signature(service, dns, receiver):
    client = Client(service, dns, "strict", "strict.example")
    row = client.alignment["strict.example"]
    assert (row["state"], row["policy"], row["adkim"], row["aspf"]) == ("SUCCESS", "reject", "s", "s"), row
    assert (row["dkim"], row["spf"], row["found_at"]) == ("strict", "none", "strict.example")
    shown = service.ask("site", "show", "strict")["identities"][0]["dmarc"]
    assert all(shown[member] == row[member] for member in ("state", "since", "why", "next_step", "record")), shown
    listed = {entry["domain"]: entry["dmarc"] for entry in service.ask("identity", "list")["identities"]}
    assert listed["strict.example"] == "SUCCESS"
    assert "aligns even strictly" in row["why"] and "SPF cannot align" in row["why"]
    assert "bounce.letterhead.example" in row["why"] and row["since"] and row["checked"]
    assert verdict(client, receiver, "info@strict.example") == "pass"
    shown = service.call("site", "show", "strict").stdout
    assert "SUCCESS for strict.example" in shown and "aligns even" in " ".join(shown.split())


def test_a_subdomain_passes_only_where_alignment_is_relaxed(service, dns, receiver):
    words = ("--subdomains", "--from", "desk@news.{0}", "--from", "desk@{0}")
    town = Client(service, dns, "town", "town.example", *[word.format("town.example") for word in words])
    row = town.alignment["news.town.example"]
    assert (row["state"], row["dkim"], row["policy"], row["found_at"]) == ("SUCCESS", "relaxed", "reject", "town.example")
    assert row["organization"] == "town.example" and row["older"]["policy"] == "reject"
    assert verdict(town, receiver, "desk@news.town.example") == "pass"

    dns.set("town.example", dns.zones["town.example"].replace("p=quarantine;", "p=quarantine; adkim=s;"))
    checked = service.ask("identity", "check", "town")
    rows = {row["domain"]: row for row in checked["identities"][0]["alignment"]}
    assert rows["town.example"]["state"] == "SUCCESS"
    strict = rows["news.town.example"]
    assert strict["state"] == "TEMPORARY_FAILURE" and strict["since"] > row["since"], strict
    assert "add news.town.example" in strict["next_step"]
    assert verdict(town, receiver, "desk@news.town.example") == "fail"
    assert verdict(town, receiver, "desk@town.example") == "pass"


def test_a_policy_for_domains_that_do_not_exist(service, dns):
    words = [word for name in ("shop", "gone") for word in ("--from", f"desk@{name}.ghost.example")]
    rows = Client(service, dns, "ghost", "ghost.example", "--subdomains", *words).alignment
    assert [rows[name]["policy"] for name in ("ghost.example", "shop.ghost.example", "gone.ghost.example")] == [
        "none", "quarantine", "reject"]
    assert rows["gone.ghost.example"]["older"]["policy"] == "quarantine", "RFC 7489 does not know np="
    assert rows["gone.ghost.example"]["state"] == "SUCCESS" and "quarantine" in rows["gone.ghost.example"]["why"]


def test_what_is_not_there_or_contradicts_itself(service, dns):
    bare = Client(service, dns, "bare", "bare.example").alignment["bare.example"]
    assert (bare["state"], bare["policy"], bare["found_at"]) == ("PENDING", "", "")
    assert "No DMARC policy" in bare["why"] and "_dmarc.bare.example" in bare["next_step"]
    twice = Client(service, dns, "twice", "twice.example").alignment["twice.example"]
    assert twice["state"] == "FAILED" and "several records" in twice["why"]
    assert "Leave one" in twice["next_step"]
    service.call("site", "remove", "twice", "--yes")


def platform(service):
    """The platform's records by type, checked, and the exit status."""
    result = service.call("platform", "dns", "--check", "--json", check=False)
    shown = json.loads(result.stdout)
    return {record["type"]: record for record in shown["records"]}, result.returncode


def test_the_platforms_own_records(service, dns):
    printed = service.call("platform", "dns", "--format", "zone").stdout.splitlines()
    assert printed == ["bounce.letterhead.example. 3600 IN MX 10 mail.letterhead.example.",
                       f'bounce.letterhead.example. 3600 IN TXT "v=spf1 ip4:{stage.LOOPBACK} -all"',
                       f"mail.letterhead.example. 3600 IN A {stage.LOOPBACK}",
                       "1.0.0.127.in-addr.arpa. 3600 IN PTR mail.letterhead.example."]
    records, status = platform(service)
    assert {record["state"] for record in records.values()} == {"right"} and status == 0, records

    good = {zone: dns.zones[zone] for zone in ("letterhead.example", "127.in-addr.arpa")}
    dns.set("letterhead.example", f'mail A {stage.LOOPBACK}\nbounce MX 10 other\nother A 192.0.2.1\n'
                                  'bounce TXT "v=spf1 ip4:192.0.2.1 ~all"\n')
    dns.set("127.in-addr.arpa", "1.0.0 PTR localhost.\n")
    time.sleep(1.2)  # the records live for a second
    records, status = platform(service)
    assert [records[kind]["state"] for kind in ("MX", "TXT", "A", "PTR")] == ["wrong", "wrong", "right", "wrong"]
    assert status == 1 and "does not lead to this host" in records["MX"]["advice"]
    assert "softfail" in records["TXT"]["advice"] and records["PTR"]["seen"] == "localhost"
    shown = " ".join(service.call("platform", "dns", "--check", check=False).stdout.split())
    assert "let the MX be mail.letterhead.example" in shown

    for zone, text in good.items():
        dns.set(zone, text)
    time.sleep(1.2)
    assert platform(service)[1] == 0


MAIL_FROM = "bounce.city.example"
GOOD = f'bounce MX 10 mail.letterhead.example.\nbounce TXT "v=spf1 ip4:{stage.LOOPBACK} -all"\n'


def take_report(service, address):
    """The reply to RCPT for it, at the port where reports come in."""
    with smtplib.SMTP(stage.LOOPBACK, service.inbound_port, timeout=30) as client:
        client.helo("mx.reader.example")
        client.mail("")
        return client.rcpt(address)[0]


def test_a_mail_from_domain_of_the_sites_own(service, dns, receiver):
    city = Client(service, dns, "city", "city.example")
    own = dns.zones["city.example"]

    def publish(records):
        dns.set("city.example", own + records)
        time.sleep(1.2)  # the records live for a second
        return service.ask("identity", "check", "city")

    def arrived():
        """The envelope's sender of a message that is sent now, and Rspamd's words about it."""
        before = len(receiver.messages())
        city.send(city.message(), sender="info@city.example")
        message = email.message_from_bytes(receiver.wait_for_messages(before + 1)[-1].read_bytes())
        return message["Return-Path"].strip("<>"), " ".join(message["Authentication-Results"].split())

    for domain in ("city.example", "bounce.town.example", "example"):
        assert service.call("site", "set", "city", "--mail-from", domain, check=False).returncode == 1
    assert service.ask("site", "set", "city", "--mail-from", MAIL_FROM)["mail_from"]["state"] == "PENDING"
    sender, words = arrived()  # meanwhile as ever
    assert sender.endswith("@bounce.letterhead.example") and "dmarc=pass" in words

    service.call("site", "set", "city", "--mail-from-failure", "REJECT_MESSAGE")
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        city.send(city.message(), sender="info@city.example")
    assert refused.value.smtp_code == 554 and b"MAIL FROM domain not verified" in refused.value.smtp_error

    row = publish(GOOD + "bounce MX 20 mx.reader.example.\n")["mail_from"]
    assert row["state"] == "PENDING" and "2 MX records" in row["why"] and "and no other" in row["next_step"], row
    checked = publish(GOOD)
    assert checked["mail_from"]["state"] == "SUCCESS", checked["mail_from"]
    sender, words = arrived()
    assert sender.endswith(f"@{MAIL_FROM}") and "spf=pass" in words and "dmarc=pass" in words
    alignment = service.ask("site", "show", "city")["identities"][0]["alignment"][0]
    assert (alignment["dkim"], alignment["spf"]) == ("strict", "relaxed") and "SPF aligns as well" in alignment["why"]
    local = sender.split("@")[0]
    assert take_report(service, sender) == 250 and take_report(service, f"{local}@bounce.letterhead.example") == 250
    assert take_report(service, f"{local}@bounce.town.example") == 550
    assert take_report(service, f"x{local[1:]}@{MAIL_FROM}") == 550

    service.call("site", "set", "city", "--mail-from-failure", "USE_DEFAULT_VALUE")
    row = publish("")["mail_from"]
    assert row["state"] == "TEMPORARY_FAILURE" and "There is no MX record" in row["why"], row
    assert arrived()[0].endswith("@bounce.letterhead.example")
    assert MAIL_FROM in json.dumps(service.ask("notice", "list"))
    assert publish(GOOD)["mail_from"]["state"] == "SUCCESS"
    shown = service.call("site", "show", "city").stdout
    assert MAIL_FROM in shown and "SUCCESS" in shown
    assert service.ask("site", "set", "city", "--no-mail-from")["mail_from"] is None
    assert arrived()[0].endswith("@bounce.letterhead.example")
