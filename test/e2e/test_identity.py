"""An identity's life: verified, broken, taken back, restored; mail waits and goes on by itself."""

import smtplib

import pytest

import stage

BARE = '_dmarc TXT "v=DMARC1; p=none"\n'  # without it the domain above would be asked, which is far away
ZONES = {
    "letterhead.example": f"mail A {stage.LOOPBACK}\nbounce MX 10 mail\n",
    "library.example": BARE,
    "reader.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n",
}


@pytest.fixture(scope="module")
def dns(directory):
    with stage.Dns(directory / "dns", ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    settings = {"dkim": {"revoke_after": "1s"}}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings=settings) as server:
        yield server


@pytest.fixture
def library(service, dns):
    site = stage.Site(service, dns, "library", "library.example")
    yield site
    service.call("site", "remove", "library", "--yes")
    dns.set("library.example", BARE)


def identity(service):
    return service.ask("site", "show", "library")["identities"][0]


def check(service):
    reply = service.call("identity", "check", "library", "--json", check=False).stdout
    return stage.json.loads(reply)["identities"][0]


def recipient(service, message_id):
    return service.story(message_id)["recipients"][0]


def test_what_the_client_takes_back_stops_and_comes_back_by_itself(service, dns, receiver, library):
    """Twice by the word of the domain's own server; queued mail is held, and goes when the records are back."""
    records, before = dns.zones["library.example"], len(receiver.messages())
    service.call("queue", "hold", "--site", "library", "--why", "the test")
    message_id = library.send()
    dns.set("library.example", BARE)
    assert check(service)["state"] == "TEMPORARY_FAILURE"  # once is not enough
    shown = stage.wait_until("the second look, by the clock", lambda: (
        i := identity(service))["state"] == "FAILED" and i)
    assert "taken away" in shown["why"] and shown["records"][0]["cause"] == "absent"
    assert shown["records"][0]["server"].startswith(stage.LOOPBACK)
    with pytest.raises(smtplib.SMTPResponseException) as refusal:
        library.send()
    assert refusal.value.smtp_code == 554 and b"not verified" in refusal.value.smtp_error

    service.call("queue", "release", "--site", "library")
    held = stage.wait_until("the message to be held back", lambda: (
        r := recipient(service, message_id))["state"] == "deferred" and r)
    assert "It is held back" in held["why"] and "by itself" in held["next_step"]
    entry = service.ask("queue", "list", "--site", "library")["entries"][0]
    assert entry["state"] == "withheld" and entry["attempts"] == 0
    assert len(receiver.messages()) == before

    dns.set("library.example", records)
    assert check(service)["state"] == "SUCCESS"
    receiver.wait_for_messages(before + 1)
    assert recipient(service, message_id)["attempts"] == 1


def test_held_mail_outlives_a_restart(service, dns, receiver, library):
    records, before = dns.zones["library.example"], len(receiver.messages())
    service.call("queue", "hold", "--site", "library", "--why", "the test")
    message_id = library.send()
    dns.set("library.example", BARE)
    check(service)
    stage.wait_until("the second look", lambda: identity(service)["state"] == "FAILED")
    service.call("queue", "release", "--site", "library")
    stage.wait_until("the message to be held back", lambda: recipient(service, message_id)["state"] == "deferred")
    service.stop()
    service.start()
    assert identity(service)["state"] == "FAILED"
    assert recipient(service, message_id)["state"] == "deferred"
    dns.set("library.example", records)
    assert check(service)["state"] == "SUCCESS"
    receiver.wait_for_messages(before + 1)


def test_one_record_gone_keeps_the_mail_going(service, dns, receiver, library):
    records = dns.zones["library.example"].removeprefix(BARE).splitlines(keepends=True)
    before = len(receiver.messages())
    dns.set("library.example", BARE + "".join(records[1:]))
    shown = check(service)
    assert shown["state"] == "TEMPORARY_FAILURE" and shown["sending"]
    assert sorted(r["state"] for r in shown["records"]) == ["absent", "right", "right"]
    library.send()
    path = receiver.wait_for_messages(before + 1)[-1]
    right = next(r["name"] for r in shown["records"] if r["state"] == "right")
    assert f"s={right.split('.')[0]};" in path.read_text()  # signed with a key that can be found
    dns.set("library.example", BARE + "".join(records))
    assert check(service)["state"] == "SUCCESS"


def test_a_dead_name_server_changes_nothing(service, dns, library):
    """The last one: the resolver remembers for a while that the server was dead."""
    dns.stop()
    shown = check(service)
    assert shown["state"] == "SUCCESS" and shown["sending"]
    assert {r["state"] for r in shown["records"]} == {"right"}
    assert {r["cause"] for r in shown["records"]} == {"no-certain-answer"}
    dns.start()
