"""What comes of bounces: a real Postfix refuses a user that it does not know, the address is suppressed, and mail to it
ends untried until somebody takes that back. Two gateways know of it."""

import os
import signal

import pytest

import stage

KNOWN = "reader", "second"


@pytest.fixture(scope="module")
def receiver(directory):
    users = directory / "users"
    users.write_text("".join(f"{name}@reader.example inbox/\n" for name in KNOWN))
    settings = [f"virtual_mailbox_maps = texthash:{users}", "smtpd_reject_unlisted_recipient = yes"]
    with stage.Receiver(directory / "receiver", "reader.example", settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    with stage.Service(directory / "letterhead", dns, receiver.port, settings={"gateways": 2}) as server:
        yield server


def state(service, message_id, recipient=0):
    return service.story(message_id)["recipients"][recipient]["state"]


def wait_for_end(service, message_id, wanted):
    stage.wait_until(f"{wanted}, not {state(service, message_id)}", lambda: state(service, message_id) == wanted)


def list_of(service, site="library"):
    return {each["address"]: each for each in service.ask("suppression", "list", site)["suppressions"]}


def bounce(service, library, name):
    """Sends to a user that is not there; yields the message's id when the address is suppressed."""
    address = f"{name}@reader.example"
    message_id = library.send(recipients=[address])
    wait_for_end(service, message_id, "bounced")
    stage.wait_until(f"{address} on the list", lambda: address in list_of(service))
    return message_id


def test_an_unknown_user_is_suppressed(service, library):
    message_id = bounce(service, library, "nobody")
    found = service.ask("suppression", "show", "library", "Nobody@reader.example")
    assert (found["reason"], found["class"], found["message_id"]) == ("bounce", "hard-recipient", message_id)
    assert "550" in found["text"] and found["expires"] > found["since"]


def test_the_next_message_is_accepted_and_not_tried(service, receiver, library):
    bounce(service, library, "gone")
    before = len(receiver.messages())
    for _ in range(4):  # whichever gateway takes it
        message_id = library.send(recipients=["GONE@reader.example", "reader@reader.example"])
        wait_for_end(service, message_id, "suppressed")
        shown = service.story(message_id)
        assert [e["event"] for e in shown["events"] if e.get("recipient") == "GONE@reader.example"] == ["suppressed"]
        assert "suppression list" in shown["recipients"][0]["why"]
    receiver.wait_for_messages(before + 4)


def test_an_undo_lets_it_go_again(service, receiver, library):
    bounce(service, library, "later")
    assert service.ask("suppression", "remove", "library", "later@reader.example")["gateway"] == "applied"
    message_id = library.send(recipients=["later@reader.example"])
    wait_for_end(service, message_id, "bounced")  # it was tried


def test_what_waits_is_suppressed_too(service, library):
    """Held back; meanwhile the address comes onto the list; when its turn comes it is not tried."""
    service.call("queue", "hold", "--site", "library")
    waiting = library.send(recipients=["second@reader.example"])
    service.story(waiting)
    assert service.ask("suppression", "add", "library", "second@reader.example")["gateway"] == "applied"
    service.call("queue", "release", "--site", "library")
    wait_for_end(service, waiting, "suppressed")
    service.call("suppression", "remove", "library", "second@reader.example")


def test_other_sites_are_not_concerned(service, receiver, library, museum):
    assert service.ask("suppression", "add", "library", "reader@reader.example")["gateway"] == "applied"
    message_id = museum.send(recipients=["reader@reader.example"])
    wait_for_end(service, message_id, "delivered")
    assert list_of(service, "museum") == {}
    service.call("suppression", "remove", "library", "reader@reader.example")


def test_lists_go_out_and_come_in(service, museum):
    csv = "address,reason\nold@reader.example,BOUNCE\n\"angry@reader.example\",COMPLAINT\n"
    assert service.call("suppression", "import", "museum", input=csv).returncode == 0
    assert list_of(service, "museum")["angry@reader.example"]["reason"] == "complaint"
    assert wait_suppressed(service, museum, "old@reader.example")
    out = service.call("suppression", "export", "museum").stdout
    service.call("suppression", "remove", "museum", "old@reader.example")
    service.call("suppression", "remove", "museum", "angry@reader.example")
    service.call("suppression", "import", "museum", input=out)
    assert set(list_of(service, "museum")) == {"old@reader.example", "angry@reader.example"}
    refused = service.call("suppression", "import", "museum", input="x@reader.example\nrubbish\n", check=False)
    assert refused.returncode == 1 and "line 2" in refused.stderr
    assert "x@reader.example" not in list_of(service, "museum")


def wait_suppressed(service, site, address):
    message_id = site.send(recipients=[address])
    wait_for_end(service, message_id, "suppressed")
    return True


def test_gateways_and_steward_start_anew(service, library):
    bounce(service, library, "durable")
    for role in ("gateway", "steward"):
        victim = service.children()[role]
        os.kill(victim, signal.SIGKILL)
        stage.wait_until(f"a new {role}", lambda: service.children().get(role) not in (victim, None))
    stage.wait_until("the steward", lambda: service.call("site", "list", check=False).returncode == 0)
    for _ in range(3):
        wait_suppressed(service, library, "durable@reader.example")


def kill_steward(service):
    os.kill(stage.wait_until("a steward", lambda: service.children().get("steward")), signal.SIGKILL)


def test_a_steward_that_dies_counts_nothing_twice(service, library):
    """Bounces while the steward is killed again and again: each address is on the list, with one event that says so, and
    what an operator has taken off in between does not come back."""
    service.call("suppression", "add", "library", "witness@reader.example")
    names = [f"drill{i}" for i in range(30)]
    ids = []
    for i, name in enumerate(names):
        ids.append(library.send(recipients=[f"{name}@reader.example"]))
        if i % 10 == 5:
            kill_steward(service)
    stage.wait_until("the steward", lambda: service.call("site", "list", check=False).returncode == 0)
    stage.wait_until("all of them", lambda: {f"{n}@reader.example" for n in names} <= set(list_of(service)), seconds=40)
    for message_id in ids:
        assert [e["event"] for e in service.story(message_id)["events"]].count("bounced") == 1
    service.call("suppression", "remove", "library", "drill0@reader.example")
    kill_steward(service)
    stage.wait_until("the steward", lambda: service.call("site", "list", check=False).returncode == 0)
    bounce(service, library, "drill30")  # what comes later has been taken
    assert "drill0@reader.example" not in list_of(service)
