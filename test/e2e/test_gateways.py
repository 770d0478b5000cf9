"""Several gateways on one machine: connections and mail spread, one of them dies under load, their number changes;
and of all that was answered 250 nothing is lost."""

import contextlib
import os
import pathlib
import signal
import time

import pytest

import stage
from test_durability import CONNECTIONS, Ledger, settle


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    with stage.Service(directory / "pair", dns, receiver.port, settings={"gateways": 2}) as server:
        yield server


@pytest.fixture(scope="module")
def site(service, dns):
    return stage.Site(service, dns, "branches", "library.example")


def gateways(service):
    """Process ids by number."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (entry / "cmdline").read_bytes().decode().split("\0")
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if entry.name.isdigit() and int(parent) == service.process.pid and words[1:3] == ["role", "gateway"]:
                flag = next(word for word in words if word in ("--gateway", "--draining"))
                found[int(words[words.index(flag) + 1])] = int(entry.name)
    return found


def counts(service):
    return {each["number"]: each for each in service.ask("status", check=False)["gateways"]}


def test_connections_spread(service, site):
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(site.client())
        now = {number: each["submission"]["connections_now"] for number, each in counts(service).items()}
    assert sum(now.values()) == 20
    assert min(now.values()) >= 7, now


def test_both_take_and_deliver(service, receiver, site, dns):
    with Ledger(site, clients=8) as ledger:
        ledger.wait_for_more()
        time.sleep(2)
    assert settle(ledger, service, receiver, dns) == 0
    done = counts(service)
    for number in (1, 2):
        for count in ("accepted", "delivered"):
            assert done[number]["since_start"][count] >= len(ledger.accepted) / 5, (number, count, done)
    total = service.ask("status")["since_start"]["delivered"]
    assert total == sum(each["since_start"]["delivered"] for each in done.values())


@pytest.mark.parametrize("number", [1, 2])
def test_one_is_killed_and_the_other_goes_on(service, receiver, site, dns, number):
    with Ledger(site, clients=8) as ledger:
        for _ in range(3):
            time.sleep(0.7)
            before = stage.wait_until("both", lambda: len(found := gateways(service)) == 2 and found)
            os.kill(before[number], signal.SIGKILL)
            ledger.wait_for_more()
            after = stage.wait_until("it again", lambda: gateways(service).get(number, before[number]) != before[number]
                                     and gateways(service), seconds=30)
            assert after[3 - number] == before[3 - number], "the other one was started again too"
    assert settle(ledger, service, receiver, dns) <= 3 * CONNECTIONS


def restart(service, number):
    service.crash()
    service.settings["gateways"] = number
    service.start()


def test_fewer_empty_what_they_had_and_more_go_on_with_it(service, receiver, site, dns):
    with Ledger(site, clients=8) as ledger:
        receiver.stop()
        stage.wait_until("mail in both spools", lambda: all(
            each["queue"]["recipients"] > 10 for each in counts(service).values()))
        restart(service, 1)
        ledger.wait_for_more()
        stage.wait_until("one that drains", lambda: counts(service).get(2, {}).get("state") == "draining")
        listed = service.ask("queue", "list", "--limit", "1000")["entries"]
        assert [e["accepted"] for e in listed] == sorted(e["accepted"] for e in listed)
        restart(service, 2)
        ledger.wait_for_more()
        restart(service, 1)
        ledger.wait_for_more()
        receiver.start()
    assert settle(ledger, service, receiver, dns) <= 2 * CONNECTIONS
    stage.wait_until("the end of the second", lambda: list(gateways(service)) == [1])
    assert "ended because its spool is empty" in service.log.read_text()
    assert list(counts(service)) == [1]
    os.kill(service.children()["steward"], signal.SIGKILL)  # the next one must not wait for who has ended
    stage.wait_until("a steward", lambda: list(counts(service)) == [1])
