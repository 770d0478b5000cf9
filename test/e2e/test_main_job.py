"""The main job: a site's mail leaves signed for its own domain, and arrives."""

import email
import re
import smtplib
import subprocess
import time

import dkim
import pytest
from dns import resolver as dns_resolver

import stage


def verdict(path):
    return " ".join(email.message_from_bytes(path.read_bytes())["Authentication-Results"].split())


def delivered(service, message_id):
    return stage.wait_until("the delivered event", lambda: (
        shown := service.story(message_id))["recipients"][0]["state"] == "delivered" and shown)


@pytest.mark.parametrize("implicit_tls", [False, True], ids=["starttls", "implicit-tls"])
def test_signed_delivered_and_verified(service, receiver, library, implicit_tls):
    before = len(receiver.messages())
    message_id = library.send(implicit_tls=implicit_tls)
    assert re.fullmatch(r"0f00[0-9a-f]{12}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000", message_id)
    path = receiver.wait_for_messages(before + 1)[-1]
    assert "dkim=pass" in verdict(path) and "header.d=library.example" in verdict(path)
    assert "dmarc=pass" in verdict(path)
    assert "ESMTPS" in path.read_text()  # the receiver offers STARTTLS, so it was used
    delivered(service, message_id)


def test_a_second_verifier_agrees(receiver, library, dns):
    before = len(receiver.messages())
    library.send()
    raw = receiver.wait_for_messages(before + 1)[-1].read_bytes().replace(b"\n", b"\r\n")
    resolver = dns_resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [stage.LOOPBACK], dns.port

    def find_txt(name, timeout=5):
        return b"".join(resolver.resolve(name.decode().rstrip("."), "TXT")[0].strings)

    assert dkim.verify(raw, dnsfunc=find_txt)


def test_the_content_arrives_as_it_was_sent(receiver, library):
    before = len(receiver.messages())
    body = "..two dots\r\n.one dot\r\n\r\nü – €\r\n" + "x" * 998 + "\r\n"
    library.send(library.message(body=body))
    arrived = receiver.wait_for_messages(before + 1)[-1].read_bytes()
    assert arrived.split(b"\n\n", 1)[1] == body.replace("\r\n", "\n").encode()


def test_unverified_sites_cannot_send(service, dns):
    service.call("site", "add", "waiting", "--domain", "waiting.example", "--senders", "any")
    credential = service.ask("credential", "add", "waiting")
    site = stage.Site.__new__(stage.Site)
    site.service, site.domain, site.credential = service, "waiting.example", credential
    with pytest.raises(smtplib.SMTPResponseException) as refusal:
        site.send()
    assert refusal.value.smtp_code == 554
    assert b"not verified" in refusal.value.smtp_error


def test_a_credential_is_confined_to_its_site(library, museum):
    """Refusals look the same whether the other site exists or not."""
    texts = set()
    for domain in ("museum.example", "nobody.example"):
        for sender in (f"info@{domain}", "info@library.example"):
            with pytest.raises(smtplib.SMTPResponseException) as refusal:
                library.send(library.message(sender=f"info@{domain}"), sender=sender)
            texts.add((refusal.value.smtp_code, refusal.value.smtp_error.replace(domain.encode(), b"DOMAIN")))
    assert len({code for code, _ in texts}) == 1
    assert len(texts) <= 2  # by envelope, by From; never by domain


def test_wrong_passwords_are_refused_alike(service, library):
    answers = set()
    for user in (library.credential["smtp_username"], "LHKAAAAAAAAAAAAAAAAA"):
        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            library.client(login=(user, "wrong"))
        answers.add((refusal.value.smtp_code, refusal.value.smtp_error))
    assert len(answers) == 1


def test_no_login_without_tls(service, library):
    with smtplib.SMTP(stage.LOOPBACK, service.starttls_port, timeout=30) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] in (504, 530, 538)
        assert client.docmd("MAIL", "FROM:<info@library.example>")[0] == 530


def test_a_revoked_credential_is_refused_at_once(service, library):
    extra = service.ask("credential", "add", library.name)
    login = extra["smtp_username"], extra["smtp_password"]
    library.client(login=login).quit()
    service.call("credential", "revoke", library.name, extra["access_key_id"])
    began = time.monotonic()
    with pytest.raises(smtplib.SMTPAuthenticationError):
        library.client(login=login)
    assert time.monotonic() - began < 10


def test_a_paused_site_waits(service, library):
    service.call("site", "pause", library.name)
    try:
        with pytest.raises(smtplib.SMTPResponseException) as refusal:
            library.send()
        assert 400 <= refusal.value.smtp_code < 500
    finally:
        service.call("site", "resume", library.name)
    library.send()


def test_swaks_gets_through(service, receiver, library):
    before = len(receiver.messages())
    user, password = library.login
    subprocess.run(["swaks", "--server", f"{stage.LOOPBACK}:{service.starttls_port}", "--tls",
                    "--auth", "LOGIN", "--auth-user", user, "--auth-password", password,
                    "--from", "info@library.example", "--to", "reader@reader.example",
                    "--header", "Subject: by swaks"], check=True, capture_output=True, timeout=60)
    path = receiver.wait_for_messages(before + 1)[-1]
    assert "dmarc=pass" in verdict(path)


def test_send_from_the_command_line(service, receiver, library):
    before = len(receiver.messages())
    sent = service.ask("send", library.name, "--from", "info@library.example",
                       "--to", "reader@reader.example", "--subject", "Grüße", "--text", "hello")
    path = receiver.wait_for_messages(before + 1)[-1]
    assert "dmarc=pass" in verdict(path)
    delivered(service, sent["message_id"])


def test_a_domain_without_mail_bounces_at_once(service, library):
    message_id = library.send(recipients=["reader@nomail.example"])
    shown = stage.wait_until("the bounce", lambda: (
        s := service.story(message_id))["recipients"][0]["state"] == "bounced" and s)
    assert "5.1.10" in str(shown)


def test_hold_release_and_cancel(service, receiver, library):
    receiver.stop()
    try:
        first, second = library.send(), library.send()
        service.call("queue", "hold", "--message", first)
        service.call("queue", "cancel", "--message", second)
        state = lambda i: service.story(i)["recipients"][0]["state"]
        stage.wait_until("held", lambda: state(first) == "held")
        stage.wait_until("cancelled", lambda: state(second) == "cancelled")
    finally:
        before = len(receiver.messages())
        receiver.start()
    service.call("queue", "release", "--message", first)
    service.call("queue", "retry", "--all")
    receiver.wait_for_messages(before + 1, seconds=60)
    delivered(service, first)
    assert state(second) == "cancelled"
