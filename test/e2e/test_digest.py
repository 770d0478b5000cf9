"""What a site's people are told of its mail: in plain words, as a table, and by mail now and then."""

import csv
import email
import email.policy
import io
import sqlite3

import pytest

import stage

CONTACT = "desk@reader.example"


@pytest.fixture(scope="module")
def receiver(directory):
    rules = ("smtpd_recipient_restrictions = check_recipient_access inline:{{nobody@reader.example = 550 5.1.1 User unknown}}, "
             "permit_mynetworks, reject_unauth_destination")
    with stage.Receiver(directory / "receiver", "reader.example", settings=[rules]) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    notices = {"site": "museum", "from": "post@museum.example"}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings={"notices": notices}) as server:
        yield server


def rows(service):
    return list(csv.DictReader(io.StringIO(service.call("digest", "library", "--csv").stdout)))


def test_it_says_what_became_of_the_mail(service, library, museum):
    for name in ("one", "two", "three", "nobody"):
        library.send(recipients=[f"{name}@reader.example"])
    stage.wait_until("the counts", lambda: (row := rows(service)[-1])["delivered"] == "3" and row["bounced"] == "1")
    table = rows(service)
    assert len(table) == 7 and table[-1]["recipients"] == "4" and table[0]["recipients"] == "0"
    text = service.call("digest", "library").stdout
    for words in ("4 recipients were written to", "3 of them have got it (75 of 100)", "1 came back",
                  "1 the address does not exist", "1 addresses are not written to any more", "Take the addresses"):
        assert words in text, text
    assert "5.1.1" not in text and "SMTP" not in text, "plain words"
    assert "nothing. All is well." in service.call("digest", "museum", "--since", "30d").stdout
    for wrong in ("0d", "91d", "7", "xd"):
        assert service.call("digest", "library", "--since", wrong, check=False).returncode != 0, wrong


def test_it_is_mailed_to_the_contacts(service, library, museum, receiver):
    service.call("site", "set", "library", "--contact", CONTACT)
    service.call("digest", "set", "library", "--every", "week")
    before = len(receiver.messages())
    with sqlite3.connect(service.data / "control.db", timeout=20) as store:
        store.execute("UPDATE digest SET next_us = 0")  # a week has passed

    def mailed():
        found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                 for path in receiver.messages()[before:]]
        return [message for message in found if "What became of the mail of library" in message["Subject"]]
    message, = stage.wait_until("the digest", mailed)
    assert CONTACT in message["To"] and "museum.example" in message["From"]
    assert "Mail of library from" in message.get_body().get_content()
    attachment, = message.iter_attachments()
    assert attachment.get_filename() == "mail.csv" and attachment.get_content_type() == "text/csv"
    assert len(attachment.get_content().splitlines()) == 8
    service.call("digest", "set", "library", "--every", "never")
    with sqlite3.connect(service.data / "control.db", timeout=20) as store:
        assert store.execute("SELECT count(*) FROM digest").fetchone() == (0,)
