"""Source addresses: pools by site, each address with its own name, and warm-up plans."""

import datetime
import email
import json
import re
import subprocess
import time

import pytest

import stage
from conftest import DMARC

ONE, TWO, THREE, FOUR = (f"127.0.0.{n}" for n in (2, 3, 4, 5))
MISSING = "192.0.2.77"
ZONES = {
    "letterhead.example": f'mail A {stage.LOOPBACK}\nbounce MX 10 mail\nbounce TXT "v=spf1 ip4:{stage.LOOPBACK} -all"\n',
    "library.example": DMARC,
    "museum.example": DMARC,
    "reader.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n",
}
SOURCES = [{"address": a, "hostname": f"out{a[-1]}.letterhead.example"} for a in (ONE, TWO, THREE)]
POOLS = [{"name": "default", "addresses": [ONE, TWO]},
         {"name": "quiet", "addresses": [THREE], "sites": ["museum"]}]


@pytest.fixture(scope="module")
def dns(directory):
    with stage.Dns(directory / "dns", ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


class Sources(stage.Service):
    """The service, with its shaping file."""

    @property
    def file(self):
        return self.directory / "shaping.yaml"

    def write(self, **sections):
        self.file.write_text(json.dumps({"providers": [], "replies": []} | sections))
        self.file.chmod(0o644)

    def reload(self, check=True, **sections):
        self.write(**sections)
        return self.call("shaping", "reload", check=check)

    def source(self, address):
        return next(s for s in self.ask("shaping", "sources")["sources"] if s["address"] == address)


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    server = Sources(directory / "service", dns, receiver.port)
    server.settings = {"delivery": {"shaping_file": str(server.file)}}
    server.write(sources=SOURCES, source_pools=POOLS)
    with server:
        yield server


@pytest.fixture(scope="module")
def sites(service, dns):
    return {name: stage.Site(service, dns, name, f"{name}.example") for name in ("library", "museum")}


def arrived_from(message):
    """The EHLO name and the address by which the receiver knew who brought it."""
    return re.search(r"from (\S+) \(\S+ \[([0-9.]+)\]\)", message["Received"]).groups()


def wait_for(receiver, subject, count):
    def found():
        mails = [email.message_from_bytes(path.read_bytes()) for path in receiver.messages()]
        return [m for m in mails if m["Subject"] == subject]
    stage.wait_until(f"{count} messages {subject!r}", lambda: len(found()) >= count)
    return found()


def send(site, subject, count=1):
    return [site.send(site.message(subject=subject)) for _ in range(count)]


def test_each_sites_mail_comes_from_its_pool_by_its_name(service, receiver, sites):
    send(sites["library"], "loan", 4)
    send(sites["museum"], "ticket", 2)
    assert {arrived_from(m) for m in wait_for(receiver, "ticket", 2)} == {("out4.letterhead.example", THREE)}
    assert {arrived_from(m) for m in wait_for(receiver, "loan", 4)} <= {
        ("out2.letterhead.example", ONE), ("out3.letterhead.example", TWO)}


def test_the_addresses_of_a_pool_take_turns(service, receiver, sites):
    service.reload(sources=SOURCES, source_pools=POOLS)
    for n in range(2):
        time.sleep(3)  # a connection is kept for 2 s
        send(sites["library"], "turn")
        wait_for(receiver, "turn", n + 1)
    assert {arrived_from(m)[1] for m in wait_for(receiver, "turn", 2)} == {ONE, TWO}


def test_no_connection_is_used_past_its_pool(service, receiver, sites):
    for n, address in enumerate((ONE, THREE, TWO, ONE)):
        service.reload(sources=SOURCES, source_pools=[{"name": "default", "addresses": [address]},
                                                      {"name": "rest", "addresses": [ONE, TWO, THREE], "sites": ["other"]}])
        send(sites["library"], f"moved {n}")
        (message,) = wait_for(receiver, f"moved {n}", 1)
        assert arrived_from(message)[1] == address
    service.reload(sources=SOURCES, source_pools=POOLS)


def test_without_sources_the_system_chooses(service, receiver, sites):
    service.reload()
    send(sites["library"], "plain")
    (message,) = wait_for(receiver, "plain", 1)
    assert arrived_from(message) == (service.HOSTNAME, stage.LOOPBACK)


def test_an_address_of_the_wrong_family_is_named(service, sites):
    service.reload(sources=[{"address": "::1", "hostname": "out6.letterhead.example"}],
                   source_pools=[{"name": "default", "addresses": ["::1"]}])
    (message_id,) = send(sites["library"], "family")
    stage.wait_until("the reason", lambda: "the source pool default has no IPv4 address" in
                     service.call("message", "show", message_id, check=False).stdout)
    service.reload()
    service.call("queue", "retry", "--all")


def test_a_missing_address_is_found_before_it_counts(service, directory):
    missing = {"sources": [{"address": MISSING, "hostname": "out.letterhead.example"}],
               "source_pools": [{"name": "default", "addresses": [MISSING]}]}
    refused = service.reload(check=False, **missing)
    assert refused.returncode != 0
    assert f"mail cannot go out from {MISSING}: this machine does not have it" in refused.stderr
    checked = subprocess.run([service.binary, "check-config", "--config", str(service.config)],
                             capture_output=True, text=True)
    assert checked.returncode == 1 and "this machine does not have it" in checked.stderr
    service.reload()


# --- warm-up ---

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
PLANS = [{"name": "gentle", "messages_a_day": [3, 5]}]


def warm(started=TODAY, address=FOUR):
    source = {"address": address, "hostname": "new.letterhead.example",
              "warm_up": {"started": started.isoformat(), "plan": "gentle"}}
    return {"sources": [source], "source_pools": [{"name": "default", "addresses": [address]}], "warm_up_plans": PLANS}


def holding(service, message_id):
    entries = service.ask("queue", "list", "--message", message_id)["entries"]
    return entries[0]["waits"] if entries else ""


def test_a_plan_lets_its_number_go_and_holds_the_rest(service, receiver, sites):
    service.reload(**warm())
    sent = send(sites["library"], "warm", 6)
    assert {arrived_from(m) for m in wait_for(receiver, "warm", 3)} == {("new.letterhead.example", FOUR)}
    tomorrow = TODAY + datetime.timedelta(days=1)
    why = f"{FOUR} has sent the 3 messages that day 1 of its plan gentle allows; more on {tomorrow} UTC"
    stage.wait_until("the reason", lambda: sum(holding(service, m) == why for m in sent) == 3)
    stage.wait_until("the count", lambda: service.source(FOUR)["sent"] == 3)
    assert len(wait_for(receiver, "warm", 3)) == 3
    shown = service.source(FOUR)
    assert (shown["limit"], shown["day"], shown["plan"], shown["pools"]) == (3, 1, "gentle", "default")
    assert "gentle" in service.call("shaping", "sources").stdout
    assert FOUR in service.call("shaping", "show", "reader.example").stdout
    stage.wait_until("the story", lambda: any(why in service.call("message", "show", m).stdout for m in sent))


def test_a_restart_keeps_the_count(service, receiver, sites):
    service.crash()
    service.start()
    (late,) = send(sites["library"], "warm")
    stage.wait_until("the reason", lambda: "has sent the 3 messages" in holding(service, late))
    assert service.source(FOUR)["sent"] == 3
    assert len(wait_for(receiver, "warm", 3)) == 3


def test_another_day_of_the_plan_allows_more(service, receiver, sites):
    service.reload(**warm(started=TODAY - datetime.timedelta(days=1)))
    wait_for(receiver, "warm", 5)
    stage.wait_until("the count", lambda: service.source(FOUR)["sent"] == 5)
    assert len(wait_for(receiver, "warm", 5)) == 5


def test_before_its_first_day_an_address_sends_nothing(service, receiver, sites):
    service.reload(**warm(started=TODAY + datetime.timedelta(days=3)))
    (early,) = send(sites["library"], "early")
    stage.wait_until("the reason", lambda: f"{FOUR} sends nothing before" in holding(service, early))


def test_taking_the_plan_out_lifts_it(service, receiver, sites):
    lifted = warm()
    del lifted["sources"][0]["warm_up"]
    service.reload(**lifted)
    wait_for(receiver, "warm", 7)
    wait_for(receiver, "early", 1)
    assert service.source(FOUR)["why"] == "no plan limits it"
    service.reload()


def test_another_address_of_the_pool_takes_what_the_plan_leaves(service, receiver, sites):
    both = warm()
    both["sources"].append(SOURCES[0])
    both["source_pools"][0]["addresses"].append(ONE)
    service.reload(**both)
    send(sites["library"], "both", 6)
    assert {arrived_from(m)[1] for m in wait_for(receiver, "both", 6)} == {ONE}  # the other has had its number


def test_gateways_share_a_days_number(directory, dns, receiver):
    shared = Sources(directory / "shared", dns, receiver.port)
    shared.settings = {"delivery": {"shaping_file": str(shared.file)}, "gateways": 2}
    plan = warm() | {"warm_up_plans": [{"name": "gentle", "messages_a_day": [4]}]}
    shared.write(**plan)
    with shared:
        site = stage.Site(shared, dns, "branches", "library.example")
        sent = send(site, "shared", 12)  # each gateway has some of them
        wait_for(receiver, "shared", 4)
        stage.wait_until("the reason", lambda: sum("(this gateway its 2 of them)" in holding(shared, m) for m in sent) == 8)
        stage.wait_until("the count", lambda: shared.source(FOUR)["sent"] == 4)
        shared.crash()
        shared.start()
        stage.wait_until("the reason", lambda: sum("has sent the 4 messages" in holding(shared, m) for m in sent) == 8)
        assert len(wait_for(receiver, "shared", 4)) == 4
