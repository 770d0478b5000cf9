"""Whom Letterhead tells of trouble: contacts of sites, notices, and the mail that is made of them, once."""

import email
import email.policy
import sqlite3
import time

import pytest

import stage

OPERATOR, CONTACT = "operator@reader.example", "it@reader.example"


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    notices = {"site": "platform", "from": "letterhead@museum.example", "operator": [OPERATOR]}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings={"notices": notices}) as server:
        yield server


@pytest.fixture(scope="module")
def platform(service, dns):
    return stage.Site(service, dns, "platform", "museum.example")


def raise_notice(service, site, topic, subject):
    """What the parts of Letterhead do when they find a trouble, in a transaction of the control database."""
    with sqlite3.connect(service.data / "control.db", timeout=20) as store:
        (number,) = store.execute("UPDATE counter SET value = value + 1 WHERE name = 'id' RETURNING value").fetchone()
        (site_id,) = store.execute("SELECT id FROM site WHERE name = ?", [site]).fetchone()
        store.execute("INSERT INTO notice (id, site_id, topic, since_us, untold, subject, text, mended_subject, "
                      "mended_text) VALUES (?, ?, ?, ?, 1, ?, 'Ask your IT staff.', '', '')",
                      [number, site_id, topic, int(time.time() * 1e6), subject])
    return number


def received(receiver, subject):
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in receiver.messages()]
    return [message for message in found if message["Subject"] == subject]


def test_contacts_are_set_and_shown(service, platform):
    service.call("site", "add", "branch", "--domain", "branch.museum.example", "--senders", "any", "--contact", CONTACT)
    assert service.ask("site", "show", "branch")["contacts"] == [CONTACT]
    assert CONTACT in service.call("site", "show", "branch").stdout
    service.call("site", "set", "branch", "--contact", "a@reader.example", "--contact", "b@reader.example")
    assert service.ask("site", "show", "branch")["contacts"] == ["a@reader.example", "b@reader.example"]
    assert service.ask("site", "set", "branch", "--no-contact")["contacts"] == []
    for wrong in (["--contact", "nobody"], ["--contact", CONTACT, "--no-contact"], []):
        assert service.call("site", "set", "branch", *wrong, check=False).returncode != 0, wrong
    service.call("site", "set", "branch", "--contact", CONTACT)


def test_a_notice_reaches_the_operator_and_the_contact_once(service, receiver, platform):
    number = raise_notice(service, "branch", "one", "Something is wrong")
    mail = stage.wait_until("both copies", lambda: len(
        found := received(receiver, "Something is wrong")) >= 2 and found, seconds=30)
    assert {message["X-Original-To"] or message["Delivered-To"] for message in mail} == {OPERATOR, CONTACT}
    assert "letterhead@museum.example" in mail[0]["From"] and mail[0]["DKIM-Signature"]
    text = mail[0].get_content()
    assert "Ask your IT staff." in text and "branch" in text
    listed = service.ask("notice", "list", "--site", "branch")["notices"]
    assert [(each["notice"], each["state"], each["subject"]) for each in listed] == [
        (number, "stands", "Something is wrong")]
    shown = service.ask("notice", "show", str(number))
    assert shown["told"] and [each["state"] for each in shown["mails"]] == ["sent"]
    assert service.story(shown["mails"][0]["message_id"])["site"] == "platform"
    assert "Ask your IT staff." in service.call("notice", "show", str(number)).stdout


def test_a_crash_in_between_neither_loses_nor_doubles(service, receiver, platform):
    for round_ in range(2):
        subject = f"Trouble {round_}"
        receiver.stop()  # what is cut off within a delivery may rightly come twice
        raise_notice(service, "branch", subject, subject)
        with sqlite3.connect(service.data / "control.db", timeout=20) as store:
            stage.wait_until("the hand-over", lambda: store.execute(
                "SELECT 1 FROM own_mail WHERE subject = ? AND message_id <> ''", [subject]).fetchone(), pause=0.002)
        service.crash()
        receiver.start()
        service.start()
        stage.wait_until("both copies", lambda: service.call("queue", "retry", "--all")
                         and len(received(receiver, subject)) >= 2, seconds=60, pause=0.5)
    time.sleep(1)
    assert [len(received(receiver, f"Trouble {round_}")) for round_ in range(2)] == [2, 2]
