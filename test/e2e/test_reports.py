"""What comes back: genuine reports by Postfix, Exim and OpenSMTPD, which took the mail first, through the inbound
listener and the signed return path into the message's story; and all that must be refused there."""

import base64
import hashlib
import hmac
import re
import signal
import smtplib
import os
import struct
import time

import pytest

import bouncers
import conftest
import stage

FEEDBACK = "feedback@letterhead.example"
BOUNCE_DOMAIN = "bounce.letterhead.example"
DAY_S = 86400


@pytest.fixture(scope="module")
def inbound_port():
    port, = stage.free_ports(1)
    return port


def each_kind(test):
    """Asked with each of the bouncers; all else with Postfix alone."""
    test.each_kind = True
    return test


def pytest_generate_tests(metafunc):
    if "bouncer" in metafunc.fixturenames:
        kinds = list(bouncers.KINDS) if hasattr(metafunc.function, "each_kind") else ["postfix"]
        metafunc.parametrize("bouncer", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module")
def bouncer(request, directory, inbound_port):
    """A mail server that takes what is for gone@reader.example, and finds out later that it cannot deliver it."""
    if bouncers.missing(request.param):
        pytest.skip(bouncers.missing(request.param))
    with bouncers.start(request.param, directory, "reader.example", BOUNCE_DOMAIN, inbound_port) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, inbound_port, bouncer):
    """All servers' ports change with the bouncer, so there is a service for each."""
    settings = {"inbound": {"listeners": [{"address": f"{stage.LOOPBACK}:{inbound_port}"}], "feedback_address": FEEDBACK}}
    with stage.Service(directory / f"letterhead-{bouncer.kind}", dns, bouncer.port, settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def library(service, dns):
    dns.set("library.example", conftest.ZONES["library.example"])
    return stage.Site(service, dns, "library", "library.example")


def state(service, message_id, wanted, seconds=60):
    """The story, once its first recipient stands so."""
    try:
        return stage.wait_until(f"{message_id} to be {wanted}", lambda: (
            s := service.story(message_id))["recipients"][0]["state"] == wanted and s, seconds)
    except TimeoutError:
        raise AssertionError(service.call("message", "show", message_id).stdout) from None


def events(story):
    return [event["event"] for event in story["events"]]


def inbound(port):
    return smtplib.SMTP(stage.LOOPBACK, port, timeout=30, local_hostname="mx.reader.example")


def rcpt(port, address):
    """The reply to one RCPT."""
    with inbound(port) as client:
        client.ehlo()
        client.mail("")
        return client.rcpt(address)


def return_path(master, message_id, recipient, last_day, period=None):
    """The address by the letter of wire/return_path.h, with the key by that of vault/seal.c: an implementation of its own."""
    def derive(key, number, context):
        return hashlib.blake2b(key=key, digest_size=32, salt=struct.pack("<QQ", number, 0), person=context.ljust(16, b"\0")).digest()

    period = int(time.time()) // (90 * DAY_S) if period is None else period
    key = derive(derive(master, 3, b"LHsealed"), period, b"LHreturn")
    ms, uuid = message_id[4:16], message_id[17:53].replace("-", "")
    signed = bytes([period % 255 + 1]) + bytes.fromhex(ms + uuid) + struct.pack(">HH", recipient, last_day)
    mac = hmac.new(key, signed, hashlib.sha256).digest()[:12]
    return base64.b32encode(signed + mac).decode().rstrip("=").lower() + "@" + BOUNCE_DOMAIN


@pytest.fixture
def master(service):
    return base64.b64decode((service.directory / "master.key").read_text())


def today():
    return int(time.time()) // DAY_S


@each_kind
def test_a_bounce_after_delivery_ends_in_the_story(service, library, bouncer):
    message_id = library.send(recipients=["gone@reader.example", "info@reader.example"])
    story = state(service, message_id, "returned")
    assert events(story).count("returned") == 1
    returned = next(event for event in story["events"] if event["event"] == "returned")
    assert returned["recipient"] == "gone@reader.example"
    assert bouncers.WORDS in returned["text"]
    assert "sent it back later" in story["recipients"][0]["why"]
    stage.wait_until("the other recipient", lambda: service.story(message_id)["recipients"][1]["state"] == "delivered")


def test_a_report_of_success_ends_nothing(service, library, bouncer):
    """Asked for by the client (RFC 3461), passed on to the receiver, which tells that it has delivered."""
    with library.client() as client:
        client.ehlo()
        client.mail("info@library.example")
        assert client.rcpt("kept@reader.example", ["NOTIFY=SUCCESS,FAILURE"])[0] == 250
        code, reply = client.data(library.message())
        assert code == 250
    message_id = reply.decode().split()[-1]
    stage.wait_until("the report", lambda: "reported" in events(service.story(message_id)))
    story = state(service, message_id, "delivered")
    assert "delivered: " in next(event for event in story["events"] if event["event"] == "reported")["text"]


@each_kind
def test_every_recipient_has_a_return_path_of_its_own(library, bouncer, master):
    message_id = library.send(recipients=["one@reader.example", "two@reader.example"])
    paths = stage.wait_until("both", lambda: len(p := bouncer.return_paths(message_id)) == 2 and p)
    last_day = struct.unpack(">H", base64.b32decode(sorted(paths)[0][:63].upper() + "=")[25:27])[0]
    assert today() + 28 < last_day <= today() + 28 + 5
    assert {p.lower() for p in paths} == {return_path(master, message_id, r, last_day) for r in (0, 1)}


def test_whatever_is_no_return_path_is_refused_alike(service, library, inbound_port, master):
    message_id = library.send()
    path = return_path(master, message_id, 0, today())
    local = path.split("@")[0]
    assert rcpt(inbound_port, path)[0] == rcpt(inbound_port, path.upper())[0] == 250
    refused = [f"{local[:-1]}@{BOUNCE_DOMAIN}", f"{local}@letterhead.example", f"info@{BOUNCE_DOMAIN}", f"postmaster@{BOUNCE_DOMAIN}",
               "info@library.example", "reader@elsewhere.example", "postmaster", f"{local}a@{BOUNCE_DOMAIN}", FEEDBACK + ".de",
               return_path(master, message_id, 0, today() - 1),
               return_path(master, message_id, 0, today(), int(time.time()) // (90 * DAY_S) - 2),
               return_path(os.urandom(32), message_id, 0, today())]
    assert {rcpt(inbound_port, address) for address in refused} == {(550, b"5.1.1 No such address here")}
    assert rcpt(inbound_port, return_path(master, message_id, 0, today(), int(time.time()) // (90 * DAY_S) - 1))[0] == 250


def test_a_flipped_bit_is_refused(library, inbound_port, master):
    """Each character of the local part, with each bit that leaves a character that can be said."""
    path = return_path(master, library.send(), 0, today())
    wrong = []
    for at in range(63):
        for bit in range(7):
            flipped = chr(ord(path[at]) ^ 1 << bit)
            if (flipped.isalnum() or flipped in "!#$%&'*+-/=?^_`{|}~") and flipped.lower() != path[at]:
                wrong.append(path[:at] + flipped + path[at + 1:])
    assert len(wrong) > 200
    while wrong:  # ten mistakes end a session
        with inbound(inbound_port) as client:
            client.ehlo()
            client.mail("")
            for address in (wrong.pop() for _ in range(min(10, len(wrong)))):
                assert client.rcpt(address)[0] == 550, address


def test_strangers_have_little_to_say(service, inbound_port):
    with inbound(inbound_port) as client:
        assert client.ehlo()[0] == 250
        assert client.has_extn("starttls") and not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] == 502
        assert client.docmd("RCPT", f"TO:<info@{BOUNCE_DOMAIN}>")[0] == 503
        assert client.mail("anybody@elsewhere.example")[0] == 250
        assert client.docmd("DATA")[0] == 554
        assert client.rset()[0] == 250
        assert client.docmd("VRFY", "info")[0] == 252
        client.starttls()
        assert client.ehlo()[0] == 250 and not client.has_extn("starttls")
    client = inbound(inbound_port)
    client.ehlo()
    client.mail("")
    assert [client.rcpt(f"guess{i}@{BOUNCE_DOMAIN}")[0] for i in range(11)] == [550] * 11
    assert client.getreply()[0] == 421
    client.close()


AUTO_REPLY = "From: reader@reader.example\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\nI am on holiday.\r\n"


ENCLOSED = {
    "8bit": lambda text: text,
    "base64": lambda text: base64.encodebytes(text.encode()).decode().replace("\n", "\r\n"),
    "quoted-printable": lambda text: text.replace("=", "=3D").replace("@", "=40").replace("-", "=2D"),
}


def complaint(path, encoding="8bit", feedback_type="abuse"):
    enclosed = f"Return-Path: <{path}>\r\nFrom: info@library.example\r\nSubject: hold\r\n\r\ntext\r\n\r\n"
    return (f"From: feedback@provider.example\r\nTo: {FEEDBACK}\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
            f"Feedback-Type: {feedback_type}\r\nUser-Agent: provider/1\r\nVersion: 1\r\n\r\n"
            f"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{ENCLOSED[encoding](enclosed)}\r\n"
            "--b--\r\n")


def test_complaints_and_answers(service, library, inbound_port, master):
    message_id = library.send()
    state(service, message_id, "delivered")
    path = return_path(master, message_id, 0, today() + 9)
    with inbound(inbound_port) as client:
        client.sendmail("reader@reader.example", [path], AUTO_REPLY)
    stage.wait_until("the answer", lambda: "answered" in events(service.story(message_id)))
    assert "automatic reply" in service.story(message_id)["recipients"][0]["why"]
    with inbound(inbound_port) as client:
        client.sendmail("feedback@provider.example", [FEEDBACK], complaint("a" * 63 + "@" + BOUNCE_DOMAIN))  # not signed
        client.sendmail("feedback@provider.example", [FEEDBACK.upper()], complaint(path))
    stage.wait_until("the complaint", lambda: "complained" in events(service.story(message_id)))
    story = service.story(message_id)
    assert story["recipients"][0]["state"] == "delivered" and "reported as spam (abuse)" in story["recipients"][0]["why"]
    assert events(story).count("complained") == 1


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_complaint_whose_message_is_encoded(service, library, inbound_port, master, encoding):
    message_id = library.send(recipients=[f"{encoding}@reader.example"])
    state(service, message_id, "delivered")
    text = complaint(return_path(master, message_id, 0, today() + 9), encoding)
    assert "@" + BOUNCE_DOMAIN not in text.split("--b")[3]
    with inbound(inbound_port) as client:
        client.sendmail("feedback@provider.example", [FEEDBACK], text)
    stage.wait_until("the complaint", lambda: "complained" in events(service.story(message_id)))


def test_what_is_no_spam_suppresses_nobody(service, library, inbound_port, master):
    message_id = library.send(recipients=["friend@reader.example"])
    state(service, message_id, "delivered")
    path = return_path(master, message_id, 0, today() + 9)
    with inbound(inbound_port) as client:
        for feedback_type in ("not-spam", "auth-failure"):
            client.sendmail("feedback@provider.example", [FEEDBACK], complaint(path, feedback_type=feedback_type))
    stage.wait_until("both reports", lambda: events(service.story(message_id)).count("reported") == 2)
    assert "complained" not in events(service.story(message_id))
    again = library.send(recipients=["friend@reader.example"])
    state(service, again, "delivered")


def test_what_was_taken_outlives_a_power_cut(service, library, bouncer, inbound_port, master):
    """The steward is stopped, so that the report has to wait in the spool; then everything dies."""
    message_id = library.send(recipients=["cut@reader.example"])  # not one who has complained
    state(service, message_id, "delivered")
    path = return_path(master, message_id, 0, today() + 9)
    os.kill(service.children()["steward"], signal.SIGSTOP)
    with inbound(inbound_port) as client:
        client.sendmail("", [path], bouncers.report("cut@reader.example"))  # raises unless 250
    service.crash()
    service.start()
    story = state(service, message_id, "returned")
    assert events(story).count("returned") == 1
    # the same for the gateway alone, and for a steward that dies while it has the report
    for role in ("gateway", "steward"):
        with inbound(inbound_port) as client:
            client.sendmail("", [path], bouncers.report("cut@reader.example"))
        os.kill(service.children()[role], signal.SIGKILL)
        stage.wait_until(f"the new {role}", lambda: service.ask("status", check=False) and
                         len(service.children()) == 3)
        stage.wait_until("the next report", lambda: events(service.story(message_id)).count("returned") >=
                         {"gateway": 2, "steward": 3}[role])
    time.sleep(1)
    assert events(service.story(message_id)).count("returned") == 3


def test_reports_are_nobodys_mail(service, library):
    listed = service.ask("message", "list", "--limit", "1000")["messages"]
    assert listed and {m["site"] for m in listed} == {"library"}
    assert service.ask("queue", "list")["entries"] == []
