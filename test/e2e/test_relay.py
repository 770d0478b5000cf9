"""Method smtp: sites that send through accounts of their clients, by Dovecot's submission service and by Postfix;
accounts that break and are mended while mail flows; two sites at one host."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time

import pytest

import smarthost
import stage
import tls_peer
from conftest import ZONES
from test_canary import assert_absent, forms, writable_memory

HOST = "smtp.client.example"
PASSWORDS = {"town": "town's secret word", "museum": "museum secret 2", "password": "a password", "sender": "sender 4",
             "certificate": "certificate 5", "down": "down 6", "signing": "signing 7", "patient": "patient 8"}
RUN = secrets.token_hex(6)
PASSWORDS = {user: f"{password} {RUN}" for user, password in PASSWORDS.items()}
WRONG = f"not the password {RUN}"


@pytest.fixture(scope="module")
def dns(directory):
    zones = {**ZONES, "client.example": f"smtp A {stage.LOOPBACK}\nsubmission A {stage.LOOPBACK}\n",
             "town.example": "", "bare.example": ""}
    with stage.Dns(directory / "dns", zones) as server:
        yield server


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def authority(directory):
    return tls_peer.Authority(directory / "authority", "An authority")


@pytest.fixture(scope="module")
def certificate(directory, authority):
    stem = directory / "client-certificate"
    authority.issue(stem, [HOST, "submission.client.example"])
    return stem


@pytest.fixture(scope="module")
def dovecot(directory, certificate):
    with smarthost.Dovecot(directory / "dovecot", certificate, PASSWORDS) as server:
        yield server


@pytest.fixture(scope="module")
def postfix(directory, certificate, dovecot, receiver):
    senders = {"office@town.example": "town", "shop@museum.example": "museum",
               "desk@library.example": "signing", "patient@client.example": "patient", **{f"{name}@client.example": name for name in FAULTS}}
    with smarthost.Postfix(directory / "postfix", certificate, dovecot, receiver.port, senders) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver, authority):
    settings = {"delivery": {"relay_authorities": str(authority.certificate)}}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings=settings) as server:
        yield server


class RelaySite:
    """A site of method smtp with a credential to send by."""

    def __init__(self, service, name, sender, *words):
        self.service, self.name, self.sender = service, name, sender
        service.call("site", "add", name, "--method", "smtp", "--from", sender, *words)
        self.credential = service.ask("credential", "add", name)

    def set(self, *words, password=None):
        more = {}
        if password:
            path = self.service.directory / f"{self.name}.password"
            path.write_text(password + "\n")
            words = (*words, "--password-file", str(path))
        return self.service.ask("relay", "set", self.name, *words, **more)

    def show(self):
        return json.loads(self.service.call("relay", "show", self.name, "--json", check=False).stdout)

    def wait_for(self, state, seconds=30):
        try:
            return stage.wait_until(f"the relay of {self.name} to be {state}",
                                    lambda: (s := self.show())["state"] == state and s, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{json.dumps(self.show(), indent=1)}\n{stage.tail(self.service.log)}") from None

    def send(self, subject="A hold is ready", recipients=("reader@reader.example",), sender=None):
        sender = sender or self.sender
        text = (f"From: The desk <{sender}>\r\nTo: reader@reader.example\r\nSubject: {subject}\r\n"
                "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nDear reader,\r\n\r\nthe book waits.\r\n").encode()
        client = stage.connect(self.service)
        with client:
            client.login(self.credential["smtp_username"], self.credential["smtp_password"])
            return stage.transact(client, sender, recipients, text)

    def state(self, message_id, recipient=0):
        return self.service.story(message_id)["recipients"][recipient]["state"]

    def wait_for_end(self, message_ids, state="delivered", seconds=60):
        for message_id in message_ids:
            try:
                stage.wait_until(f"{message_id} to be {state}", lambda: self.state(message_id) == state, seconds, pause=0.3)
            except TimeoutError as error:
                story = self.service.call("message", "show", message_id).stdout
                raise TimeoutError(f"{error}\n{story}\n{stage.tail(self.service.log)}") from None


@pytest.fixture(scope="module")
def town(service, dovecot, postfix):
    """Through Dovecot's submission service, by STARTTLS."""
    site = RelaySite(service, "town", "office@town.example")
    site.set("--host", "submission.client.example", "--port", str(dovecot.port), "--user", "town", password=PASSWORDS["town"])
    site.wait_for("READY")
    return site


@pytest.fixture(scope="module")
def museum(service, postfix):
    """Through Postfix, under TLS from the first byte."""
    site = RelaySite(service, "museum", "shop@museum.example")
    site.set("--host", HOST, "--port", str(postfix.tls_port), "--tls", "tls", "--user", "museum",
             password=PASSWORDS["museum"])
    site.wait_for("READY")
    return site


def let_go():
    """Until connections that stand are given up: they are good whatever was changed since."""
    time.sleep(2.5)


def received(receiver, subject):
    return [text for path in receiver.messages() if f"Subject: {subject}\n" in (text := path.read_text(errors="replace"))]


@pytest.mark.parametrize("name", ["town", "museum"])
def test_mail_goes_through_the_account(request, name, receiver):
    site = request.getfixturevalue(name)
    subject = f"through the account of {name}"
    message_id = site.send(subject)
    site.wait_for_end([message_id], seconds=10)
    found = stage.wait_until("the message", lambda: received(receiver, subject))
    assert len(found) == 1 and found[0].startswith(f"Return-Path: <{site.sender}>")
    delivered, = [e for e in site.service.story(message_id)["events"] if e["event"] == "delivered"]
    assert "TLSv1.3, verified" in json.dumps(delivered) and "client.example" in json.dumps(delivered)


def test_late_bounces_may_come_to_us(town, receiver):
    """Where the server allows another envelope sender; each recipient then has one of its own."""
    town.set("--return-path", "ours")
    try:
        message_id = town.send("bounces to us", ["a@reader.example", "b@reader.example"])
        stage.wait_until("both ends", lambda: town.service.story(message_id).get("settled"))
        stage.wait_until("both", lambda: len(received(receiver, "bounces to us")) == 2)
        paths = {text.splitlines()[0] for text in received(receiver, "bounces to us")}
        assert len(paths) == 2 and all(path.endswith("@bounce.letterhead.example>") for path in paths)
    finally:
        town.set("--return-path", "account")


def test_only_the_outgoing_address_is_taken(town):
    for sender in ("mayor@town.example", "shop@museum.example"):
        with pytest.raises(stage.smtplib.SMTPResponseException) as refusal:
            town.send(sender=sender)
        assert refusal.value.smtp_code == 554


def test_recipients_go_together_and_one_may_bounce(museum, postfix, receiver):
    let_go()
    postfix.refusals = {"gone@reader.example": "550 5.1.1 no such reader"}
    postfix.reload()
    try:
        message_id = museum.send("three", ["a@reader.example", "gone@reader.example", "b@reader.example"])
        stage.wait_until("all ends", lambda: museum.service.story(message_id).get("settled"))
        assert [museum.state(message_id, i) for i in range(3)] == ["delivered", "bounced", "delivered"]
        stage.wait_until("both", lambda: len(received(receiver, "three")) == 2)
        assert museum.show()["state"] == "READY"
    finally:
        postfix.refusals = {}
        postfix.reload()


FAULTS = ("password", "sender", "certificate", "down")


def set_faults(postfix, dovecot, directory, broken):
    """All faults at once, each of an account of its own; or none."""
    tls_peer.self_sign(directory / "own", [HOST])
    postfix.senders["sender@client.example"] = "somebody else" if broken else "sender"
    postfix.other_certificate = directory / "own" if broken else postfix.certificate
    postfix.down = broken
    dovecot.set_password("password", "something else" if broken else PASSWORDS["password"])
    postfix.reload()


@pytest.fixture(scope="module")
def fragile(service, postfix):
    """Sites whose accounts are good, and will break in a way each."""
    ports = {"certificate": postfix.spoilt_port, "down": postfix.down_port}
    sites = {}
    for name in FAULTS:
        site = sites[name] = RelaySite(service, name, f"{name}@client.example")
        site.set("--host", HOST, "--port", str(ports.get(name, postfix.tls_port)), "--tls", "tls", "--user", name,
                 password=PASSWORDS[name])
    for site in sites.values():
        site.wait_for("READY")
    return sites


@pytest.fixture(scope="module")
def broken(fragile, museum, postfix, dovecot, directory, receiver):
    """What became of mail while the accounts were broken: for each fault the message ids, the seconds until all had
    arrived, how they stood before, and whether any had come early. Another site at the same host sends all the time."""
    set_faults(postfix, dovecot, directory, True)
    try:
        held = {name: [site.send(f"broken {name}") for _ in range(3)] for name, site in fragile.items()}
        for name, site in fragile.items():
            stage.wait_until(f"trouble of {name}", lambda: site.show()["trouble"], 40)
            stage.wait_until("the word of it", lambda: site.show()["state"] == "DEGRADED", 10)
        museum.wait_for_end([museum.send("meanwhile")], seconds=10)
        assert not museum.show()["trouble"]
        early = [name for name in fragile if received(receiver, f"broken {name}")]
        waiting = {name: {site.state(i) for i in held[name]} for name, site in fragile.items()}
    finally:
        set_faults(postfix, dovecot, directory, False)
    mended = time.monotonic()
    took = {}
    for name, site in fragile.items():
        site.wait_for_end(held[name], seconds=70)
        took[name] = time.monotonic() - mended
    yield {name: (held[name], took[name], waiting[name], name in early) for name in FAULTS}


@pytest.mark.parametrize("name", FAULTS)
def test_an_account_that_breaks_holds_mail_and_blames_nobody(name, broken, fragile, receiver):
    held, took, waiting, early = broken[name]
    site = fragile[name]
    assert waiting <= {"queued", "deferred"} and not early
    assert took < 60
    assert len(stage.wait_until("all of them", lambda: len(f := received(receiver, f"broken {name}")) >= 3 and f)) == 3
    for message_id in held:
        events = site.service.story(message_id)["events"]
        assert not [e for e in events if e["event"] == "bounced"]
        assert all(not e.get("reply_code") for e in events if e["event"] == "deferred"), events
    stage.wait_until("no more trouble", lambda: not site.show()["trouble"])
    site.wait_for("READY")


def test_a_test_that_goes_well_ends_the_waiting(service, postfix, dovecot):
    """Between tries of an account that is refused there are pauses, which grow."""
    site = RelaySite(service, "patient", "patient@client.example")
    site.set("--host", HOST, "--port", str(postfix.tls_port), "--tls", "tls", "--user", "patient",
             password=PASSWORDS["patient"])
    site.wait_for("READY")
    dovecot.set_password("patient", "something else")
    try:
        held = [site.send("waits for a test") for _ in range(3)]
        pause = f":{site.show()['version']} for 20 s: "
        stage.wait_until("the second try", lambda: pause in service.log.read_text(errors="replace"), 40)
    finally:
        dovecot.set_password("patient", PASSWORDS["patient"])
    service.call("probe", "patient")
    site.wait_for_end(held, seconds=8)


def test_an_open_relay_is_refused_for_all_until_it_is_closed(service, museum, postfix, receiver):
    """A server that has become one is found by the test of one site, and no site's mail goes there any more."""
    other = RelaySite(service, "fellow", "office@town.example")
    other.set("--host", HOST, "--port", str(postfix.tls_port), "--tls", "tls", "--user", "town", password=PASSWORDS["town"])
    other.wait_for("READY")
    postfix.open = True
    postfix.reload()
    try:
        told = service.call("probe", "museum", check=False)
        assert told.returncode == 1 and "open relay" in told.stdout, told.stdout
        for site in (museum, other):
            shown = site.wait_for("REFUSED")
            assert "open relay" in shown["why"] and "smtpd_relay_restrictions" in shown["next_step"], shown
        held = {site: site.send("kept from an open relay") for site in (museum, other)}
        time.sleep(2)
        assert {site.state(i) for site, i in held.items()} <= {"queued", "deferred"}
        assert not received(receiver, "kept from an open relay")
    finally:
        postfix.open = False
        postfix.reload()
    for site in held:
        service.call("probe", site.name)
        assert site.show()["state"] == "READY"
        assert [probe["finding"] for probe in site.show()["probes"]][:2] == ["good", "open"]
    museum.wait_for_end(held.values())


def test_two_sites_at_one_host_stay_apart(service, town, museum, postfix):
    other = RelaySite(service, "branch", "office@town.example")
    other.set("--host", HOST, "--port", str(postfix.tls_port), "--tls", "tls", "--user", "town", password=PASSWORDS["town"])
    other.wait_for("READY")
    before = len(postfix.signed_in())
    sent = [site.send("apart") for _ in range(4) for site in (museum, other)]
    museum.wait_for_end(sent)
    users = {}
    for process, user in postfix.signed_in()[before:]:
        users.setdefault(user, []).append(process)
    assert set(users) == {"museum", "town"} and len(users["museum"]) == 4 and len(users["town"]) == 4


def test_a_day_that_is_full_holds_mail(museum, receiver):
    used = museum.show()["sent"]["recipients"]
    museum.set("--recipients-per-day", str(used + 1))
    try:
        first = museum.send("the last of today")
        museum.wait_for_end([first])
        second = museum.send("the first of tomorrow")
        shown = stage.wait_until("the day to be closed", lambda: (s := museum.show())["closed_until"] and s)
        assert "24 hours" in shown["closed_why"]
        stage.wait_until("its reason", lambda: "24 hours" in json.dumps(museum.service.story(second)), 10)
        assert museum.state(second) == "queued"
    finally:
        museum.set("--recipients-per-day", "0")
    museum.wait_for_end([second], seconds=20)
    stage.wait_until("the day to be open", lambda: not museum.show()["closed_until"], 5)


def test_a_provider_that_says_enough_is_no_bounce(museum, postfix):
    let_go()
    postfix.refusals = {"full@reader.example": "550 5.4.5 Daily user sending limit exceeded"}
    postfix.reload()
    message_id = museum.send("too many today", ["full@reader.example"])
    shown = stage.wait_until("the day to be closed", lambda: (s := museum.show())["closed_until"] and s)
    assert "5.4.5" in shown["closed_why"]
    stage.wait_until("the attempt", lambda: museum.state(message_id) == "deferred")
    postfix.refusals = {}
    postfix.reload()
    let_go()
    museum.service.call("relay", "set", "museum", "--recipients-per-day", "999999")
    museum.wait_for_end([message_id], seconds=20)
    museum.set("--recipients-per-day", "0")


def test_what_was_used_outlives_a_restart(museum, service):
    used = museum.show()["sent"]["recipients"]
    assert used > 0
    service.stop()
    service.start()
    museum.wait_for_end([museum.send("after a restart")])
    stage.wait_until("one more", lambda: museum.show()["sent"]["recipients"] == used + 1)


def test_a_new_account_is_not_used_before_it_was_tested(museum, postfix):
    museum.set(password=WRONG)
    shown = museum.wait_for("REFUSED")
    assert shown["next_step"]
    message_id = museum.send("for a wrong password")
    stage.wait_until("its reason", lambda: "REFUSED" in json.dumps(museum.service.story(message_id)), 10)
    assert museum.state(message_id) == "queued"
    museum.set(password=PASSWORDS["museum"])
    museum.wait_for("READY")
    museum.wait_for_end([message_id], seconds=20)


def test_a_verified_identity_signs_as_well(service, dns, postfix, receiver):
    site = RelaySite(service, "signing", "desk@library.example", "--domain", "library.example")
    site.set("--host", HOST, "--port", str(postfix.tls_port), "--tls", "tls", "--user", "signing",
             password=PASSWORDS["signing"])
    site.wait_for("READY")
    site.wait_for_end([site.send("not verified yet")])
    dns.set("library.example", dns.zones["library.example"] +
            service.call("identity", "records", "signing", "--format", "zone").stdout)
    stage.wait_until("the identity", lambda: service.call("identity", "check", "signing", check=False).returncode == 0)
    site.wait_for_end([site.send("verified")])
    unsigned, signed = (stage.wait_until(subject, lambda: received(receiver, subject))[0]
                        for subject in ("not verified yet", "verified"))
    assert "DKIM-Signature:" not in unsigned
    assert "d=library.example" in signed.split("DKIM-Signature:")[1].split("\n\n")[0]


def test_without_a_relay_nothing_is_taken(service):
    site = RelaySite(service, "bare", "desk@bare.example")
    with pytest.raises(stage.smtplib.SMTPResponseException) as refusal:
        site.send()
    assert refusal.value.smtp_code == 554 and b"set up" in refusal.value.smtp_error


# --- the passwords of accounts, after all of that, are nowhere ---

CANARIES = {**{f"password of {user}": password for user, password in PASSWORDS.items()}, "wrong password": WRONG}


def test_no_file_has_a_password(service, museum, town, broken):
    for role in ("gateway", "steward", "vault"):
        pid = service.children()[role]
        os.kill(pid, signal.SIGSEGV)
        stage.wait_until(f"a new {role}", lambda: service.children().get(role, pid) != pid)
    museum.wait_for_end([museum.send("after the crashes")])
    assert_absent(CANARIES, service.log.read_bytes(), "the log")
    files = [path for path in service.data.rglob("*") if path.is_file()]
    assert any(path.name.startswith("control.db") for path in files)
    for path in files:
        assert_absent(CANARIES, path.read_bytes(), path)
        assert not path.name.startswith("core"), path


def test_no_answer_has_a_password(service, museum, town, broken):
    shown = [service.call(*words, "--json", check=False).stdout for words in (
        ("relay", "list"), ("relay", "show", "museum"), ("site", "show", "museum"), ("notice", "list"),
        ("probe", "museum"), ("probe", "town"), ("message", "list", "--limit", "100"), ("queue", "list"), ("status",))]
    shown += [service.call("message", "show", message["message_id"], "--json").stdout
              for message in service.ask("message", "list", "--limit", "100")["messages"]]
    assert all(words in "".join(shown) for words in ("museum", "READY", "cannot be used"))
    assert_absent(CANARIES, "".join(shown).encode(), "an answer")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the roles")
@pytest.mark.parametrize("role", ["gateway", "steward", "vault"])
def test_the_memory_keeps_no_password(service, museum, town, role):
    """After CRAM-MD5 with Dovecot and PLAIN with Postfix."""
    town.wait_for_end([town.send("for the memory"), museum.send("for the memory")])
    used = {what: CANARIES[what] for what in ("password of town", "password of museum", "wrong password")}
    for content in writable_memory(service.children()[role]):
        assert_absent(used, content, f"the {role}'s memory")


@contextlib.contextmanager
def captured(service, directory):
    """All that the roles say and hear while the block runs, as the kernel sees it: {role: file}."""
    files = {role: directory / f"{role}.capture" for role in ("gateway", "steward", "vault")}
    with contextlib.ExitStack() as stack:
        for role, path in files.items():
            said = open(path.with_suffix(".said"), "w", encoding="utf-8")
            tracer = subprocess.Popen(["strace", "-f", "-s", "100000", "-e", "trace=%network,read,write,readv,writev",
                                       "-o", str(path), "-p", str(service.children()[role])], stderr=said)
            stack.callback(lambda t=tracer: (t.send_signal(signal.SIGINT), t.wait(20)))
            stage.wait_until("the tracer", lambda p=path: "attached" in p.with_suffix(".said").read_text())
        yield files


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the roles")
def test_passwords_cross_between_processes_at_one_place_alone(service, directory, museum, town):
    """CRAM-MD5 (town): the vault answers, and the password never leaves it. PLAIN (museum): from the vault to whoever has
    verified the host, and nowhere else in clear."""
    let_go()
    with captured(service, directory) as files:
        for site in (town, museum):
            service.call("probe", site.name)
            site.wait_for_end([site.send("overheard")])
    seen = []
    for role, path in files.items():
        text = path.read_text(errors="replace")
        assert "overheard" in text or role != "gateway"  # it was heard at all
        assert_absent({"password of town": CANARIES["password of town"]}, text.encode(), f"what the {role} says and hears")
        for line in text.splitlines():
            if any(form.decode() in line for form in forms(CANARIES["password of museum"])):
                seen.append((role, line.split("(")[0].split()[-1]))
    said, heard = {("vault", call) for call in ("sendto", "sendmsg", "write")}, {"recvfrom", "recvmsg", "read"}
    assert any(each in said for each in seen), "the capture is blind"
    assert all(each in said or (each[0] != "vault" and each[1] in heard) for each in seen), seen
