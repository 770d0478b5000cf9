"""A receiving domain that forgets its people: Postfix whose directory of users is emptied says "unknown user" of everybody,
and what would be suppressed is held until an operator has looked."""

import contextlib
import sqlite3
import time

import pytest

import stage

PEOPLE = [f"reader{number}" for number in range(24)]


class Town(stage.Receiver):
    """Knows its people, or has lost them."""

    def __init__(self, directory):
        self.users = directory / "users"
        super().__init__(directory / "town", "reader.example", settings=[
            f"virtual_mailbox_maps = texthash:{self.users}", "smtpd_reject_unlisted_recipient = yes"])
        self.know(PEOPLE)

    def know(self, people):
        self.users.write_text("".join(f"{name}@reader.example inbox/\n" for name in people))


@pytest.fixture(scope="module")
def receiver(directory):
    with Town(directory) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    """Mail has gone to the domain for weeks, and nearly all of it arrived."""
    with stage.Service(directory / "letterhead", dns, receiver.port) as server:
        server.stop()
        with contextlib.closing(sqlite3.connect(server.data / "control.db", timeout=10)) as base:
            base.execute("INSERT INTO domain_record (domain, sent, unknown, noted_us) VALUES ('reader.example', 900, 3, ?)",
                         (time.time_ns() // 1000,))
            base.commit()
        server.start()
        yield server


def suppressed(service):
    return {each["address"] for each in service.ask("suppression", "list", "library")["suppressions"]
            if each.get("state", "active") == "active"}


def review(service):
    return service.ask("suppression", "review", "list")


def lose_all(service, library, receiver, people):
    receiver.know([])
    receiver.stop()
    receiver.start()
    ids = [library.send(recipients=[f"{name}@reader.example"]) for name in people]
    for message_id in ids:
        stage.wait_until("the bounce", lambda i=message_id: service.story(i)["recipients"][0]["state"] == "bounced")


def test_a_domain_that_forgets_its_people_is_doubted(service, library, receiver):
    assert review(service)["breakers"] == []
    lose_all(service, library, receiver, PEOPLE)
    held = stage.wait_until("all to be held", lambda: len(h := review(service)["held"]) == len(PEOPLE) and h)
    breaker, = review(service)["breakers"]
    assert (breaker["domain"], breaker["state"]) == ("reader.example", "open") and breaker["unknown"] >= 20
    assert {each["address"] for each in held} == {f"{name}@reader.example" for name in PEOPLE}
    assert "reader.example" in " ".join(notice["subject"] for notice in service.ask("notice", "list")["notices"])
    assert "reader0@reader.example" in service.call("suppression", "review", "list").stdout

    # Nobody is kept from anything: the next message is tried, and arrives when the directory is back.
    receiver.know(PEOPLE)
    receiver.stop()
    receiver.start()
    message_id = library.send(recipients=["reader0@reader.example"])
    stage.wait_until("its end", lambda: service.story(message_id)["recipients"][0]["state"] == "delivered")

    # The operator has looked: a fault over there.
    dropped = service.ask("suppression", "review", "drop", "reader.example")
    assert dropped["dropped"] == len(PEOPLE)
    assert review(service)["held"] == [] and not suppressed(service)


def test_an_operator_may_believe_it(service, library, receiver):
    lose_all(service, library, receiver, PEOPLE)
    stage.wait_until("all to be held", lambda: len(review(service)["held"]) == len(PEOPLE))
    approved = service.ask("suppression", "review", "approve", "reader.example")
    assert approved["suppressed"] == len(PEOPLE)
    assert suppressed(service) == {f"{name}@reader.example" for name in PEOPLE}
    message_id = library.send(recipients=["reader1@reader.example"])
    stage.wait_until("its end", lambda: service.story(message_id)["recipients"][0]["state"] == "suppressed")
    refused = service.call("suppression", "review", "drop", "reader.example", check=False)
    assert refused.returncode == 1 and "waits for a review" in refused.stderr
