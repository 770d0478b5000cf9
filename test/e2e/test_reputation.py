"""A site of whose mail too much comes back is warned, slowed and stopped, its queued mail held; another one feels nothing."""

import smtplib

import pytest

import stage

OPERATOR = "operator@reader.example"
UNKNOWN = "check_recipient_access inline:{" + ", ".join(
    f"{{nobody{i}@reader.example = 550 5.1.1 User unknown}}" for i in range(60)) + "}"


@pytest.fixture(scope="module")
def receiver(directory):
    later = "check_recipient_access inline:{{later@reader.example = 450 4.2.0 Try later}}"
    rules = f"smtpd_recipient_restrictions = {UNKNOWN}, {later}, permit_mynetworks, reject_unauth_destination"
    with stage.Receiver(directory / "receiver", "reader.example", settings=[rules]) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    settings = {"reputation": {"minimum_volume": 20, "bounce_warn": "10%", "bounce_slow": "20%", "bounce_pause": "30%"},
                "notices": {"site": "museum", "from": "post@museum.example", "operator": [OPERATOR]}}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings=settings) as server:
        yield server


def stands(service, site):
    return service.ask("reputation", site)["reputations"][0]


def send(site, names):
    with site.client() as client:
        for name in names:
            stage.transact(client, f"info@{site.domain}", [f"{name}@reader.example"], site.message())


def wait_for(service, site, state):
    return stage.wait_until(f"{site} to be {state}", lambda: (
        found := stands(service, site))["state"] == state and found, seconds=30, pause=0.3)


def refusal(site):
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        send(site, ["reader"])
    return refused.value.smtp_code, refused.value.smtp_error.decode()


def test_too_much_that_comes_back_warns_slows_and_stops(service, library, museum, receiver):
    send(library, [f"reader{i}" for i in range(27)])
    send(library, ["nobody0", "nobody1", "nobody2"])
    found = wait_for(service, "library", "warned")
    assert (found["delivered"], found["bounced"], found["bounce_percent"], found["effect"]) == (27, 3, 10.0, "none")
    send(library, [f"nobody{i}" for i in range(3, 8)])
    found = wait_for(service, "library", "slowed")
    assert found["effect"] == "slow" and found["messages_per_hour"] == 60
    with library.client() as client:
        codes = [client.docmd(f"MAIL FROM:<info@{library.domain}>")[0]]
        client.rset()
    service.call("reputation", "override", "library", "--until", "2099-01-01", "--why", "for the test")
    assert stands(service, "library")["effect"] == "none"
    send(library, ["later"])
    send(library, [f"nobody{i}" for i in range(8, 20)])
    found = wait_for(service, "library", "paused")
    assert found["effect"] == "none" and found["override_why"] == "for the test"
    send(library, ["reader"])
    assert codes[0] in (250, 454)


def test_what_is_stopped_takes_nothing_and_holds_what_is_queued(service, library, museum, receiver):
    stage.wait_until("the one that waits", lambda: service.ask("queue", "list", "--site", "library")["entries"])
    service.call("reputation", "override", "library", "--until", "2000-01-01", "--why", "it is over")
    assert stands(service, "library")["effect"] == "pause"
    code, text = refusal(library)
    assert code == 451 and "too much of its mail came back" in text, text
    service.call("queue", "retry", "--all")
    stage.wait_until("it to be held", lambda: "stopped" in str(service.ask("queue", "list", "--site", "library"))
                     or any(event["event"] == "deferred" and "stopped" in str(event)
                            for event in service.story(service.ask("queue", "list", "--site", "library")["entries"][0]
                                                       ["message_id"])["events"]))
    before = len(receiver.messages())
    send(museum, ["reader"])  # another site feels nothing
    stage.wait_until("its message", lambda: len(receiver.messages()) > before)
    service.crash()
    service.start()
    assert refusal(library)[0] == 451, "it is stopped over a restart, too"


def test_those_who_should_know_are_told_of_each_stage(service, library, receiver):
    subjects = [each["subject"] for each in service.ask("notice", "list", "--site", "library", "--all")["notices"]]
    assert subjects == ["Stopped, since too much comes back: mail of library"]
    number = service.ask("notice", "list", "--site", "library")["notices"][0]["notice"]

    def mailed():
        return [mail["subject"].split(",")[0].split(":")[0] for mail in service.ask("notice", "show", str(number))["mails"]]
    assert stage.wait_until("all mails", lambda: len(found := mailed()) >= 3 and found) == [
        "Too much comes back", "Slowed", "Stopped"]


def test_an_operator_lets_it_go_on(service, library, receiver):
    service.call("reputation", "override", "library", "--until", "2099-01-01T00:00:00Z", "--why", "the list was cleaned")
    send(library, ["reader"])
    listed = service.call("reputation").stdout
    assert "library" in listed and "paused" in listed and "museum" in listed
    wrong = service.call("reputation", "override", "library", "--until", "tomorrow!!", "--why", "x", check=False)
    assert wrong.returncode != 0 and "2026-12-01" in wrong.stderr
