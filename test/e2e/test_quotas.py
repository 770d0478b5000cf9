"""How much a site may send: messages a second, recipients in 24 hours, over two gateways; and what a credential may do."""

import contextlib
import smtplib
import time

import pytest

import stage

READER = "reader@reader.example"


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    with stage.Service(directory / "pair", dns, receiver.port, settings={"gateways": 2}) as server:
        yield server


def submit(client, site, recipients=1):
    """The reply code of a message, and its text."""
    try:
        stage.transact(client, f"info@{site.domain}", [f"r{i}@reader.example" for i in range(recipients)], site.message())
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code, refused.smtp_error.decode()
    return 250, ""


def test_a_rate_is_one_for_all_gateways_and_resumes_by_itself(service, library):
    service.call("site", "set", "library", "--send-rate", "2")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(library.client()) for _ in range(6)]  # spread over both
        time.sleep(1)  # what the login took does not count
        begin = time.monotonic()
        replies = [submit(clients[i % 6], library) for i in range(12)]
        taken = sum(code == 250 for code, _ in replies)
        assert 5 <= taken <= 6 + 2 * (time.monotonic() - begin), replies
        code, text = next(reply for reply in replies if reply[0] != 250)
        assert code == 454 and "4.7.0" in text and "Maximum sending rate exceeded" in text and "2 messages a second" in text
        stage.wait_until("room again", lambda: submit(clients[0], library)[0] == 250, seconds=5)
    shown = service.ask("site", "show", "library")["quota"]
    assert shown["messages_per_second"] == 2
    service.call("site", "set", "library", "--send-rate", "0")


def test_recipients_of_a_day_are_counted_over_gateways_and_restarts(service, library, museum):
    library.send()
    stage.wait_until("the counts", lambda: service.ask("site", "show", "library")["quota"]["recipients_in_24_hours"])
    time.sleep(1)
    used = service.ask("site", "show", "library")["quota"]["recipients_in_24_hours"]
    service.call("site", "set", "library", "--recipients-per-day", str(used + 10))
    with library.client() as one, library.client() as two:
        assert submit(one, library, 4)[0] == 250
        assert submit(two, library, 4)[0] == 250
        code, text = submit(one, library, 4)
        assert code == 454 and "Daily message quota exceeded" in text and "room from" in text, text
        assert submit(two, library, 2)[0] == 250
        assert submit(two, library, 1)[0] == 454
    with museum.client() as other:
        assert submit(other, museum)[0] == 250, "another site feels nothing"
    stage.wait_until("the counts", lambda: service.ask("site", "show", "library")["quota"]["recipients_in_24_hours"] == used + 10)
    service.crash()
    service.start()
    with library.client() as client:
        code, text = submit(client, library)
        assert code == 454 and f"has sent to {used + 10}" in text, text
    assert f"{used + 10} in 24 hours" in service.call("site", "show", "library").stdout
    service.call("site", "set", "library", "--recipients-per-day", "0")
    with library.client() as client:
        assert submit(client, library)[0] == 250


def test_a_revoked_credential_is_refused_at_once_in_open_sessions_too(service, museum):
    museum.service.call("credential", "add", "museum")
    third = service.call("credential", "add", "museum", check=False)
    assert third.returncode != 0 and "2 credentials" in third.stderr, "two at most, so that they can be rotated"
    user = museum.credential["smtp_username"]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(museum.client()) for _ in range(4)]
        assert [submit(client, museum)[0] for client in clients] == [250] * 4
        stage.wait_until("its last use", lambda: any(
            each["access_key_id"] == user and each["last_used"]
            for each in service.ask("credential", "list", "museum")["credentials"]))
        clients[0].mail(f"info@{museum.domain}")
        clients[0].rcpt(READER)
        begin = time.monotonic()
        service.call("credential", "revoke", "museum", user)
        assert clients[0].docmd("DATA")[0] == 530
        for client in clients[1:]:
            assert client.docmd(f"MAIL FROM:<info@{museum.domain}>")[0] == 530
        assert time.monotonic() - begin < 2  # of which the command line itself takes most
    with pytest.raises(smtplib.SMTPAuthenticationError):
        museum.client()


def test_a_credential_sends_as_the_outgoing_addresses_unless_the_operator_says_any(service, library):
    def as_sender(sender):
        try:
            library.send(message=library.message(sender=sender), sender=sender)
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
        return 250
    assert as_sender(f"other@{library.domain}") == 250, "added for the whole domain"
    service.call("site", "set", "library", "--from", f"info@{library.domain}")
    assert as_sender(f"other@{library.domain}") == 554
    assert as_sender(f"info@{library.domain}") == 250
    assert "any address" not in service.call("site", "show", "library").stdout
    service.call("site", "set", "library", "--senders", "any")
    assert as_sender(f"other@{library.domain}") == 250
    assert as_sender("other@museum.example") == 554
    sent = service.ask("send", "library", "--to", READER, "--subject", "x", "--text", "y")["message_id"]
    assert service.story(sent)["from"] == f"info@{library.domain}", "the first one when nothing else is said"
