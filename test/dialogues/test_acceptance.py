"""What submission hands to the queue, by SMTP with clients of others (smtplib, swaks) and by the steward."""
import email
import email.policy
import hashlib
import re
import shutil
import smtplib
import ssl
import subprocess

import pytest

from dkim.canonicalization import Relaxed

from harness import HEADER, connect
from test_smtp_wire import CORPORA, corpus_cases, unescape

ID = r"0f00[0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-000000"


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def submit(server, content, sender=b"a@own.example", parameters=b"", recipients=(b"b@dst.example",), site="own"):
    """Submits over STARTTLS; returns (code, lines of the reply, what was queued)."""
    before = len(server.queued())
    with connect(server, "after-AUTH", site=site) as client:
        assert client.ask(b"MAIL FROM:<" + sender + b">" + parameters) == 250
        for recipient in recipients:
            assert client.ask(b"RCPT TO:" + recipient if b"<" in recipient else b"RCPT TO:<" + recipient + b">") == 250
        assert client.ask(b"DATA") == 354
        client.send(content + b".\r\n")
        code, lines = client.reply()
        assert client.ask(b"NOOP") == 250
    return code, lines, server.queued()[before:]


def accepted(server, content, **how):
    code, lines, queued = submit(server, content, **how)
    assert code == 250, lines
    (message,) = queued
    assert lines == [f"Ok {message['id']}"]
    return message


def header_and_body(message):
    return message["content"][:message["header_size"]], message["content"][message["header_size"]:]


def test_what_the_queue_gets(server):
    content = HEADER + b"one  two \r\n\r\nthree\r\n\r\n\r\n"
    message = accepted(server, content, sender=b"Bounce@Sub.OWN.example", parameters=b" RET=HDRS ENVID=QQ+2B1",
                       recipients=[b"b@dst.example", b"<C@DST.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;x+2By@z.example"])
    header, body = header_and_body(message)
    assert re.fullmatch(ID, message["id"])
    assert (message["site"], message["credential"]) == (1, 100)
    assert (message["from_domain"], message["header_from"]) == ("own.example", "a@own.example")
    assert message["envelope_from"] == "Bounce@sub.own.example"
    assert (message["ret"], message["envid"], message["subject"]) == (2, "QQ+1", "test")
    assert message["recipients"] == [
        {"address": "b@dst.example", "domain": "dst.example", "notify": 0, "orcpt": ""},
        {"address": "C@dst.example", "domain": "dst.example", "notify": 12, "orcpt": "rfc822;x+2By@z.example"}]
    assert not message["eight_bit"] and not message["smtputf8"]
    assert header.endswith(b"\r\n\r\n") and body == content[len(HEADER):]
    assert message["body_hash"] == hashlib.sha256(Relaxed.canonicalize_body(body)).hexdigest()


def test_trace(server):
    message = accepted(server, HEADER + b"x\r\n")
    assert re.match(rb"Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n\tby mail\.test with ESMTPSA\r\n\tid "
                    + message["id"].encode() + rb";\r\n\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\nFrom: A ",
                    message["content"])
    user, _ = server.login()
    assert user.encode() not in message["content"]


def test_header_is_put_right(server):
    message = accepted(server, b"Return-Path: <b@victim.example>\r\nX-SES-Message-Tags: a=b\r\nFrom: a@own.example\r\n"
                               b"Bcc: secret@dst.example,\r\n hidden@dst.example\r\nSubject: x\r\n"
                               b"Authentication-Results: mail.test; dkim=pass\r\n\r\nbody\r\n")
    header, body = header_and_body(message)
    parsed = email.message_from_bytes(header, policy=email.policy.default)
    assert list(parsed.keys()) == ["Received", "From", "Subject", "Date", "Message-ID"]
    assert parsed["Message-ID"] == f"<{message['id']}@mail.test>"
    assert body == b"body\r\n"


@pytest.mark.parametrize("field", [b"Subject", b"Date", b"Message-ID", b"Content-Type", b"Reply-To"])
def test_field_twice_is_refused(server, field):
    code, lines, queued = submit(server, b"From: a@own.example\r\n" + (field + b": a@b.example\r\n") * 2 + b"\r\n")
    assert (code, queued) == (554, [])
    assert field.decode() in lines[0]


def test_empty_body_and_no_body(server):
    for content in b"From: a@own.example\r\n", b"From: a@own.example\r\n\r\n":
        header, body = header_and_body(accepted(server, content))
        assert body == b"" and header.endswith(b"\r\n\r\n")


def test_eight_bit_and_utf8_are_what_is_there_not_what_is_said(server):
    plain = accepted(server, HEADER + b"x\r\n", parameters=b" BODY=8BITMIME SMTPUTF8")
    assert not plain["eight_bit"] and not plain["smtputf8"]
    eight = accepted(server, HEADER + b"caf\xe9\r\n")
    assert eight["eight_bit"] and not eight["smtputf8"]
    header = accepted(server, HEADER.replace(b"test", "é".encode()) + b"x\r\n", parameters=b" SMTPUTF8")
    assert header["smtputf8"]
    assert b"with UTF8SMTPSA" in header["content"]
    recipient = accepted(server, HEADER + b"x\r\n", parameters=b" SMTPUTF8", recipients=["é@dst.example".encode()])
    assert recipient["smtputf8"]
    domain = accepted(server, HEADER + b"x\r\n", parameters=b" SMTPUTF8", recipients=["b@dést.example".encode()])
    assert not domain["smtputf8"] and domain["recipients"][0]["domain"] == "xn--dst-bma.example"


def test_large_message_is_kept_whole(server):
    body = b"".join(b"%06d %s\r\n" % (i, b"." * (i % 900)) for i in range(10000))
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    message = accepted(server, HEADER + stuffed)
    assert header_and_body(message)[1] == body
    assert message["body_hash"] == hashlib.sha256(Relaxed.canonicalize_body(body)).hexdigest()


def test_smtplib(server):
    before = len(server.queued())
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "Müller <a@own.example>", "b@dst.example", "Grüße"
    message.set_content("Schöne Grüße\n.\n..\n")
    for make in (lambda: smtplib.SMTP("127.0.0.1", server.where["starttls"]),
                 lambda: smtplib.SMTP_SSL("127.0.0.1", server.where["implicit"], context=tls())):
        with make() as client:
            if not isinstance(client, smtplib.SMTP_SSL):
                client.starttls(context=tls())
            client.login(*server.login())
            client.send_message(message, from_addr="a@own.example", to_addrs=["b@dst.example", "c@dst.example"])
    for queued in server.queued()[before:]:
        parsed = email.message_from_bytes(queued["content"], policy=email.policy.default)
        assert parsed.get_content().replace("\r\n", "\n") == "Schöne Grüße\n.\n..\n"
        assert parsed["Subject"] == "Grüße"
        assert len(queued["recipients"]) == 2
    assert len(server.queued()) == before + 2


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("port, words", [("starttls", ["--tls"]), ("implicit", ["--tls-on-connect"])])
def test_swaks(server, mechanism, port, words):
    if not shutil.which("swaks"):
        pytest.skip("swaks is not installed")
    before = len(server.queued())
    user, password = server.login()
    result = subprocess.run(
        ["swaks", "--server", "127.0.0.1", "--port", str(server.where[port]), *words, "--auth", mechanism,
         "--auth-user", user, "--auth-password", password, "--from", "a@own.example", "--to", "b@dst.example",
         "--pipeline"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stdout
    assert re.search(rf"250 Ok {ID}", result.stdout)
    assert len(server.queued()) == before + 1


def read_spoof_from():
    table = CORPORA / "spoof-from" / "cases.tsv"
    if not table.is_file():
        return []
    rows = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    return [dict(zip(("id", "header", "expect"), row)) for row in rows]


@corpus_cases(read_spoof_from())
def test_spoofed_sender(server, row):
    """The corpus spoof-from, through the whole gate: what is accepted is signed for own.example, and nothing
    that another site owns is in a field that says who sent it."""
    header = unescape(row["header"])
    if row["id"] == "many":
        header = b"From: " + b",\r\n ".join(b"a%d@own.example" % i for i in range(10000))
    utf8 = b" SMTPUTF8" if not header.isascii() else b""
    code, lines, queued = submit(server, header + b"\r\n\r\nx\r\n", parameters=utf8)
    verdicts = {word for word in ("accept", "reject", "policy", "strip") if word in row["expect"]}
    assert code == 250 or 550 <= code <= 554, lines
    if verdicts == {"accept"} and " if " not in row["expect"]:
        assert code == 250, lines
    if row["expect"] == "reject":
        assert code != 250
    for message in queued:
        assert message["from_domain"] == "own.example" or message["from_domain"].endswith(".own.example")
        shown = email.message_from_bytes(message["content"], policy=email.policy.compat32)
        for name in "Sender", "Return-Path", "Resent-From":
            assert "victim.example" not in str(shown.get(name, ""))


def test_steward_submits(server, tmp_path):
    """Through frames: small, many frames long, and what SMTP would refuse."""
    def send(content, sender="a@own.example"):
        path = tmp_path / "message"
        path.write_bytes(content)
        before = len(server.queued())
        code, _, text = server.command(f"send {sender} b@dst.example {path}").split(" ", 2)
        return int(code), text, server.queued()[before:]

    code, text, (message,) = send(HEADER + b"hello")
    assert code == 250 and text.strip() == f"Ok {message['id']}"
    assert re.match(rb"Received: by mail\.test\r\n\tid ", message["content"])
    assert (message["site"], message["credential"], message["envelope_from"]) == (1, 0, "a@own.example")
    assert message["content"].endswith(b"\r\n\r\nhello\r\n")

    body = b"0123456789abcdef\r\n" * 20000
    code, _, (message,) = send(HEADER + body)
    assert code == 250 and header_and_body(message)[1] == body

    assert send(HEADER + b"bare\nline\r\n")[0] == 554
    assert send(HEADER + b"nul\0\r\n")[0] == 554
    assert send(HEADER, sender="a@victim.example")[0] == 554
    assert send(HEADER.replace(b"own", b"victim"))[2] == []
