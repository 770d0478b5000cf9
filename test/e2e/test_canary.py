"""The canary drill: secrets and content that are used in every way, and then looked for where they must not be;
and two sites that must not see each other's mail. The log is at its most talkative (debug)."""

import base64
import binascii
import json
import os
import pathlib
import re
import secrets
import signal
import smtplib
import urllib.parse

import pytest

import stage

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the roles")
RUN = secrets.token_hex(6)
SUBJECT, BODY, WRONG = f"canary-subject-{RUN}", f"canary-body-{RUN}", f"canary-wrong-password-{RUN}"


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


def refused(action):
    with pytest.raises((smtplib.SMTPException, OSError)):
        action()


def speak_badly(service, login):
    """Passwords where they do not belong: in clear, half said, as a command."""
    user, password = login
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    with smtplib.SMTP(stage.LOOPBACK, service.starttls_port, timeout=30) as client:
        client.ehlo()
        assert client.docmd("AUTH", f"PLAIN {plain}")[0] >= 500
        assert client.docmd(password)[0] >= 500


def speak_badly_under_tls(site):
    user, password = site.login
    encode = lambda text: base64.b64encode(text.encode()).decode()
    with site.client(login=site.login) as client:
        assert client.docmd("AUTH", "PLAIN " + encode(f"\0{user}\0{password}"))[0] >= 500  # twice
        assert client.docmd(f"MAIL FROM:<{password}>")[0] >= 400
        assert client.docmd(f"X{password} {WRONG}")[0] >= 500


@pytest.fixture(scope="module")
def drilled(service, library, museum, receiver):
    """The service after all of it; yields {what: canary}."""
    message = lambda **more: library.message(subject=SUBJECT, body=f"{BODY}\r\n", **more)
    accepted = [library.send(message()), library.send(message(), implicit_tls=True),
                library.send(message(), recipients=["reader@nomail.example"])]
    refused(lambda: library.send(message(sender="info@museum.example")))
    refused(lambda: library.client(login=(library.login[0], WRONG)))
    refused(lambda: library.client(login=(WRONG, library.login[1])))
    speak_badly(service, library.login)
    speak_badly_under_tls(library)
    accepted.append(service.ask("send", library.name, "--to", "reader@reader.example", "--subject", SUBJECT,
                                "--text", BODY)["message_id"])
    for role in ("gateway", "vault", "steward"):
        pid = service.children()[role]
        os.kill(pid, signal.SIGSEGV)
        stage.wait_until(f"a new {role}", lambda: service.children().get(role, pid) != pid)
    accepted.append(library.send(message()))
    museum.send()
    ended = lambda i: (r := service.ask("message", "show", i, check=False)) and r.get("settled")
    for message_id in accepted:
        stage.wait_until("its end", lambda: service.call("queue", "retry", "--all", check=False) and ended(message_id),
                         seconds=40, pause=0.5)
    return {"password": library.login[1], "secret key": library.credential["secret_access_key"], "wrong password": WRONG,
            "other site's password": museum.login[1],
            "master key": (service.directory / "master.key").read_text().strip()}


def forms(text):
    """The bytes that would betray it: as it is, in hex, URL-encoded, and in base64 wherever it begins."""
    raw = text.encode()
    found = {raw, binascii.hexlify(raw), binascii.hexlify(raw).upper(), urllib.parse.quote_plus(text).encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        found.add(encoded[4 if shift else 0:-2])  # what its neighbours do not change
    return found


def assert_absent(canaries, content, where):
    for what, canary in canaries.items():
        for form in forms(canary):
            at = content.find(form)
            assert at < 0, f"the {what} is in {where}: …{content[max(at - 16, 0):at]!r} here"


def master_key_raw(service):
    return base64.b64decode((service.directory / "master.key").read_text())


def test_the_search_would_find_a_canary():
    for shift in range(3):
        content = b"x" * 30 + base64.b64encode(b"y" * shift + WRONG.encode() + b"tail")
        with pytest.raises(AssertionError):
            assert_absent({"canary": WRONG}, content, "a test")
    with pytest.raises(AssertionError):
        assert_absent({"canary": WRONG}, f"a {WRONG} b".encode(), "a test")


def test_the_log_has_no_secret_and_no_content(service, drilled):
    log = service.log.read_bytes()
    assert_absent({**drilled, "subject": SUBJECT, "body": BODY}, log, "the log")
    assert master_key_raw(service) not in log
    log.decode("utf-8")  # strictly
    assert re.search(rb"killed by signal 11|DEADLYSIGNAL", log)  # the second by a sanitizer


def test_no_file_has_a_secret(service, drilled):
    files = [path for path in service.data.rglob("*") if path.is_file()]
    assert any(path.name.startswith("control.db") for path in files) and any("spool" in str(path) for path in files)
    for path in files:
        assert_absent(drilled, path.read_bytes(), path)
        assert master_key_raw(service) not in path.read_bytes(), path
        assert not path.name.startswith("core"), path


def test_no_database_has_a_body(service, drilled):
    for path in service.data.rglob("*.db*"):
        assert_absent({"body": BODY}, path.read_bytes(), path)


def test_no_answer_has_a_secret_or_a_body(service, drilled, library):
    shown = [service.call(*words, "--json", check=False).stdout for words in (
        ("site", "list"), ("site", "show", library.name), ("identity", "records", library.name),
        ("credential", "list", library.name), ("message", "list"), ("queue", "list"), ("status",))]
    shown += [service.call("message", "show", message["message_id"], "--json").stdout
              for message in service.ask("message", "list")["messages"]]
    assert SUBJECT in "".join(shown)  # people find a message by it
    assert_absent({**drilled, "body": BODY}, "".join(shown).encode(), "an answer")


def writable_memory(pid):
    """All that a process may write, as root can read it."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            begin, end = (int(number, 16) for number in span.split("-"))
            if rights[:2] != "rw" or end - begin > 1 << 30:  # so large is only a sanitizer's shadow
                continue
            try:
                memory.seek(begin)
                yield memory.read(end - begin)
            except OSError:
                continue  # a guard


@pytest.fixture(scope="module")
def used(service, drilled, library):
    """The secrets of a credential that was made, used and used wrongly, in sessions that are still open."""
    made = service.ask("credential", "add", library.name)
    login = made["smtp_username"], made["smtp_password"]
    sessions = [library.client(implicit_tls=implicit_tls, login=login) for implicit_tls in (False, True)]
    sessions.append(stage.connect(service))
    refused(lambda: sessions[-1].login(login[0], WRONG + "!"))
    yield {"password": made["smtp_password"], "secret key": made["secret_access_key"], "wrong password": WRONG + "!"}
    for session in sessions:
        session.close()
    service.call("credential", "revoke", library.name, made["access_key_id"])


@ROOT
@pytest.mark.parametrize("role", ["gateway", "steward", "vault"])
def test_the_memory_keeps_no_password(service, used, role):
    for content in writable_memory(service.children()[role]):
        assert_absent(used, content, f"the {role}'s memory")


@ROOT
def test_no_role_leaves_a_core(service, drilled):
    for role, pid in service.children().items():
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core file size")] == ["0"], role


# --- two sites ---

def listed(service, site):
    return {m["message_id"] for m in service.ask("message", "list", "--site", site, "--limit", "100")["messages"]}


def test_messages_are_listed_under_their_own_site_alone(service, library, museum):
    ours, theirs = library.send(), museum.send()
    stage.wait_until("both in the history", lambda: ours in listed(service, "library") and theirs in listed(service, "museum"))
    assert ours not in listed(service, "museum") and theirs not in listed(service, "library")
    for message in service.ask("message", "list", "--site", "museum")["messages"]:
        assert message["site"] == "museum"


def test_operators_of_the_queue_touch_the_named_site_alone(service, receiver, library, museum):
    receiver.stop()
    try:
        ours, theirs = library.send(), museum.send()
        assert {e["site"] for e in service.ask("queue", "list", "--site", "library")["entries"]} == {"library"}
        service.call("queue", "cancel", "--site", "library", "--message", ours)
        result = service.call("queue", "cancel", "--site", "library", "--message", theirs, "--json", check=False)
        assert result.returncode == 1 and json.loads(result.stdout)["error"]["code"] == "not_found"
        state = lambda i: service.story(i)["recipients"][0]["state"]
        stage.wait_until("cancelled", lambda: state(ours) == "cancelled")
        assert state(theirs) in ("queued", "deferred")
    finally:
        receiver.start()
    service.call("queue", "retry", "--site", "museum")
    stage.wait_until("delivered", lambda: state(theirs) == "delivered")


def test_a_login_of_one_site_never_sends_as_another(library, museum):
    for mine, other in ((library, museum), (museum, library)):
        with pytest.raises(smtplib.SMTPResponseException) as refusal:
            mine.send(other.message(), sender=f"info@{mine.domain}")
        assert refusal.value.smtp_code == 554
