"""letterhead probe: the verdict on each state a client's server can be in, with what is shown and what is not. The
servers here are scripted where no real one can be brought to do it; test_probe_servers.py has the real ones."""

import base64
import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest

import scripted_smtp
import stage
import tls_peer
from scripted_smtp import HANG_UP, SILENCE

HOST, USER, PASSWORD, SENDER = "smtp.client.example", "desk", "tanstaaf>?secret word", "desk@client.example"
SPF = f'@ TXT "v=spf1 a:{HOST} -all"\n_dmarc TXT "v=DMARC1; p=none"\n'
TLS11 = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)
NUMBERS = itertools.count()
TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def dns(directory):
    zones = {"client.example": f"smtp A {stage.LOOPBACK}\nhalf A {stage.LOOPBACK}\nhalf A 127.9.9.9\n"
                               f"private A 10.1.2.3\n{SPF}",
             "gmail.com": f"smtp A {stage.LOOPBACK}\n"}
    with stage.Dns(directory / "dns", zones) as server:
        yield server


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Certificates:
    """One of each kind, by name, as PEM files with key and chain."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.ours = tls_peer.Authority(directory / "ours", "Test authority")
        self.theirs = tls_peer.Authority(directory / "theirs", "Somebody's authority")
        self.ours.issue(directory / "good", [HOST, "half.client.example", "smtp.gmail.com"])
        self.ours.issue(directory / "expired", [HOST], expired=True)
        self.ours.issue(directory / "wrong-name", ["mail.elsewhere.example", "www.elsewhere.example"])
        self.theirs.issue(directory / "private-authority", [HOST])
        tls_peer.self_sign(directory / "self-signed", [HOST])
        self.dated("not-yet-valid", "20430101000000Z", "20440101000000Z")
        day = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 10 * 86400 + 3600))
        self.dated("expires-soon", "20250101000000Z", day)
        self.weak()
        self.intermediate()

    def __getitem__(self, name):
        return str(self.directory / f"{name}.pem")

    def sign(self, name, start, end, *more):
        stem = self.directory / name
        openssl("ca", "-batch", "-notext", "-config", self.ours.directory / "ca.conf", "-in", f"{stem}.csr",
                "-out", f"{stem}.crt", "-startdate", start, "-enddate", end, *more)

    def dated(self, name, start, end):
        stem = self.directory / name
        tls_peer.request(stem, [HOST], "-new", "-out", f"{stem}.csr")
        self.sign(name, start, end)
        tls_peer.bundle(stem, self.ours.certificate)

    def weak(self):
        stem = self.directory / "weak-key"
        openssl("req", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=test", "-addext", f"subjectAltName=DNS:{HOST}",
                "-keyout", f"{stem}.key", "-new", "-out", f"{stem}.csr")
        self.sign("weak-key", "20250101000000Z", "20440101000000Z")
        tls_peer.bundle(stem, self.ours.certificate)

    def intermediate(self):
        """A certificate by an intermediate of ours: with the whole chain, and without it."""
        middle, leaf = self.directory / "middle", self.directory / "missing-intermediate"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Test intermediate 1",
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", f"{middle}.key", "-new", "-out", f"{middle}.csr")
        self.sign("middle", "20250101000000Z", "20440101000000Z")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
                "-addext", f"subjectAltName=DNS:{HOST}", "-addext",
                "authorityInfoAccess=caIssuers;URI:http://ca.example/1.crt", "-keyout", f"{leaf}.key", "-new", "-out", f"{leaf}.csr")
        openssl("x509", "-req", "-in", f"{leaf}.csr", "-CA", f"{middle}.crt", "-CAkey", f"{middle}.key", "-days", "30",
                "-copy_extensions", "copy", "-out", f"{leaf}.crt")
        tls_peer.bundle(leaf)
        whole = self.directory / "whole-chain.pem"
        whole.write_text(pathlib.Path(f"{leaf}.pem").read_text() + pathlib.Path(f"{middle}.crt").read_text())


@pytest.fixture(scope="module")
def certificates(directory):
    return Certificates(directory / "certificates")


@pytest.fixture(scope="module")
def service(directory, dns, certificates):
    authorities = directory / "authorities"
    authorities.mkdir()
    (authorities / "ours.crt").write_text(certificates.ours.certificate.read_text())
    settings = {"delivery": {"relay_authorities": str(authorities), "allow_networks": ["127.0.0.0/8"]}}
    with stage.Service(directory / "letterhead", dns, settings=settings) as server:
        yield server


@pytest.fixture()
def probe(service, directory, certificates):
    """Probes a scripted server; what it says, as JSON with "stage" findings by name and the exit status. Each time it
    is another user, since one whose passwords were refused is soon not tried any more."""
    servers = []

    def run(*words, password=PASSWORD, host=HOST, user=None, certificate="good", tls="starttls", told=None, senders=None,
            sender=SENDER, **options):
        user = user or f"{USER}{next(NUMBERS)}"
        options.setdefault("accounts", {user: PASSWORD})
        options["senders"] = {user: senders} if senders else None
        server = scripted_smtp.Server(stage.LOOPBACK, certificates[certificate], tls=tls, **options)
        servers.append(server)
        secret = directory / "password"
        secret.write_text(password + "\n")
        result = service.call("probe", "--host", host, "--port", str(server.port), "--tls", told or tls, "--user", user,
                              "--from", sender, "--password-file", str(secret), "--transcript", "--json", *words, check=False)
        found = json.loads(result.stdout)
        found["status"], found["server"], found["text"] = result.returncode, server, result.stdout
        found["stage"] = {each["stage"]: each for each in found.get("stages", [])}
        return found

    yield run
    for server in servers:
        server.close()


def codes(found):
    """Of each stage that is not as it should be."""
    return {name: each["code"] for name, each in found["stage"].items() if each["result"] in ("warning", "failed")}


def test_a_healthy_server(probe):
    found = probe()
    assert (codes(found), found["verdict"], found["status"]) == ({}, "good", 0), found["text"]
    assert found["mechanism"] == "PLAIN"
    assert found["capabilities"]["size_bytes"] == 10000000
    assert found["seconds"] < 3
    assert "TLSv1.3" in found["stage"]["encryption"]["evidence"]
    assert found["server"].messages == []  # no DATA
    assert not any("DATA" in line for _, line in found["server"].lines)


def test_a_silent_dns_holds_nothing_up(probe):
    """Nobody answers for the outgoing domain (there is no Internet behind this resolver): the advice is missing, in time."""
    found = probe(sender="desk@client.nowhere")
    assert found["verdict"] == "good" and found["stage"]["alignment"]["result"] == "skipped", found["text"]
    assert "no answer" in found["stage"]["alignment"]["what"]
    assert found["seconds"] < 3


def anybody(*_):
    return True


def in_disguise(sender, recipient, user):
    """Refuses what is openly foreign, and falls for a percent hack."""
    return user is not None or "%" in recipient


def by_source_route(sender, recipient, user):
    return user is not None or recipient.startswith("@")


def own_domain(sender, recipient, user):
    return user is not None or recipient.endswith("@client.example")


def for_strangers(sender, recipient, user):
    return user is not None or sender.startswith("stranger")


# What the server does, the findings that are not good, and the verdict.
TABLE = {
    # the certificate
    "self-signed": (dict(certificate="self-signed"), {"certificate": "self-signed"}, "trouble"),
    "expired": (dict(certificate="expired"), {"certificate": "expired"}, "trouble"),
    "not yet valid": (dict(certificate="not-yet-valid"), {"certificate": "not-yet-valid"}, "trouble"),
    "another name": (dict(certificate="wrong-name"), {"certificate": "wrong-name"}, "trouble"),
    "an authority of their own": (dict(certificate="private-authority"), {"certificate": "private-authority"}, "trouble"),
    "a missing intermediate": (dict(certificate="missing-intermediate"), {"certificate": "missing-intermediate"}, "trouble"),
    "a whole chain": (dict(certificate="whole-chain"), {}, "good"),
    "a weak key": (dict(certificate="weak-key"), {"certificate": "weak-key"}, "trouble"),
    "expires soon": (dict(certificate="expires-soon"), {"certificate": "expires-soon"}, "warning"),
    "self-signed, TLS": (dict(certificate="self-signed", tls="tls"), {"certificate": "self-signed"}, "trouble"),
    # the encryption
    "TLS from the start": (dict(tls="tls"), {}, "good"),
    "TLS 1.1 only": (dict(versions=TLS11), {"encryption": "old-tls"}, "trouble"),
    "TLS 1.3 only": (dict(versions=TLS13), {}, "good"),
    "told TLS, is STARTTLS": (dict(told="tls"), {"encryption": "starttls-not-tls"}, "trouble"),
    "told STARTTLS, is TLS": (dict(tls="tls", told="starttls"), {"encryption": "tls-not-starttls"}, "trouble"),
    "no STARTTLS": (dict(ehlo=["SIZE 10"]), {"encryption": "no-starttls"}, "trouble"),
    "a word like STARTTLS": (dict(ehlo=["XSTARTTLS"]), {"encryption": "no-starttls"}, "trouble"),
    "STARTTLS refused": (dict(replies={"STARTTLS": "454 4.7.0 TLS not available"}), {"encryption": "starttls-refused"}, "temporary"),
    # the protocol
    "turned away": (dict(replies={"greeting": "554 5.7.1 go away"}), {"esmtp": "turned-away"}, "temporary"),
    "busy": (dict(replies={"greeting": "421 4.3.2 busy"}), {"esmtp": "turned-away"}, "temporary"),
    "not SMTP": (dict(replies={"greeting": "+OK POP3 ready"}), {"esmtp": "not-smtp"}, "trouble"),
    "only HELO": (dict(replies={"EHLO": "502 5.5.1 what?"}), {"esmtp": "helo-only"}, "trouble"),
    "neither": (dict(replies={"EHLO": "502 5.5.1 what?", "HELO": "502 5.5.1 what?"}), {"esmtp": "ehlo-refused"}, "trouble"),
    # signing in
    "no AUTH": (dict(ehlo_tls=["SIZE 10"]), {"mechanisms": "no-auth"}, "trouble"),
    "OAuth only": (dict(ehlo_tls=["AUTH XOAUTH2 OAUTHBEARER"]), {"mechanisms": "oauth-only"}, "trouble"),
    "NTLM and GSSAPI only": (dict(ehlo_tls=["AUTH NTLM GSSAPI"]), {"mechanisms": "no-usable-mechanism"}, "trouble"),
    "AUTH in clear too": (dict(ehlo=["STARTTLS", "AUTH PLAIN LOGIN"]), {"clear": "auth-in-clear"}, "good"),
    "AUTH in clear only": (dict(ehlo=["STARTTLS", "AUTH PLAIN"], ehlo_tls=["SIZE 10"]),
                           {"mechanisms": "no-auth", "clear": "auth-in-clear"}, "trouble"),
    "CRAM-MD5": (dict(ehlo_tls=["AUTH PLAIN LOGIN CRAM-MD5"]), {}, "good"),
    "LOGIN": (dict(ehlo_tls=["AUTH LOGIN"]), {}, "good"),
    "a wrong password": (dict(password="another word"), {"login": "auth-failed"}, "trouble"),
    "later": (dict(replies={"auth": "454 4.7.0 Too many login attempts"}), {"login": "too-many-tries"}, "temporary"),
    "only 235 is success": (dict(replies={"auth": "250 ok"}), {"login": "auth-protocol"}, "trouble"),
    # the outgoing address
    "another sender": (dict(senders="office@client.example"), {"sender": "sender-not-allowed"}, "trouble"),
    "no mail to others": (dict(relays=lambda *_: False), {"sender": "not-open-relay"}, "trouble"),
    # open relays
    "an open relay": (dict(relays=anybody), {"open-relay": "open-relay"}, "open"),
    "open to strangers only": (dict(relays=for_strangers), {"open-relay": "open-relay"}, "open"),
    "a percent hack": (dict(relays=in_disguise), {"open-relay": "open-relay"}, "open"),
    "a source route": (dict(relays=by_source_route), {"open-relay": "open-relay"}, "open"),
    "an open relay, expired": (dict(certificate="expired", relays=anybody),
                               {"certificate": "expired", "open-relay": "open-relay"}, "open"),
    "takes all for its own domain": (dict(relays=own_domain), {"open-relay": "takes-all"}, "good"),
    "greylists strangers": (dict(replies={"RCPT": lambda s: "250 ok" if s.user else "450 4.7.1 Greylisted"}),
                            {"open-relay": "inconclusive"}, "good"),
    "relays late": (dict(replies={"MAIL": lambda s: "250 ok" if s.user else "530 5.7.0 Authentication required"}), {}, "good"),
    # breaking off
    "hangs up at the greeting": (dict(replies={"greeting": HANG_UP}), {"esmtp": "no-greeting"}, "temporary"),
    "hangs up at EHLO": (dict(replies={"EHLO": HANG_UP}), {"esmtp": "hung-up"}, "temporary"),
    "hangs up after STARTTLS": (dict(replies={"AUTH": HANG_UP}), {"login": "hung-up"}, "temporary"),
    "hangs up at RCPT": (dict(replies={"RCPT": HANG_UP}), {"sender": "hung-up", "open-relay": "inconclusive"}, "temporary"),
    "hangs up at RSET": (dict(replies={"RSET": HANG_UP}), {"open-relay": "inconclusive"}, "good"),
    "hangs up at QUIT": (dict(replies={"QUIT": HANG_UP}), {}, "good"),
    "hangs up at MAIL": (dict(replies={"MAIL": HANG_UP}), {"sender": "hung-up", "open-relay": "inconclusive"}, "temporary"),
}


@pytest.mark.parametrize("case", TABLE)
def test_verdict(probe, case):
    options, expected, verdict = TABLE[case]
    found = probe(**options)
    assert (codes(found), found["verdict"]) == (expected, verdict), found["text"]
    assert found["status"] == (0 if verdict in ("good", "warning") else 1)
    for name in expected:
        assert found["stage"][name]["what"] and (found["stage"][name].get("cure") or verdict == "good")
    if verdict not in ("good", "warning"):
        assert found["why"] and found["next_step"]


@pytest.mark.parametrize("record, code", [
    ("v=spf1 mx -all", "ok"), ("v=spf1 include:other.client.example -all", "ok"),
    (f"v=spf1 -a:{HOST} +all", "spf-unclear"), (f"v=spf1 a:not-{HOST} -all", "spf-unclear")])
def test_spf_is_judged_as_receivers_judge_it(probe, dns, record, code):
    """By what the record says of the server's address, not by what words are in it."""
    before = dns.zones["client.example"]
    rest = before.replace(f'@ TXT "v=spf1 a:{HOST} -all"', f'@ TXT "{record}"')
    assert rest != before
    dns.set("client.example", rest + f'@ MX 10 {HOST}.\nother TXT "v=spf1 a:{HOST} -all"\nnot-smtp A 192.0.2.9\n')
    try:
        found = probe()
        assert found["stage"]["alignment"]["code"] == code, found["stage"]["alignment"]
    finally:
        dns.set("client.example", before)


def test_the_missing_intermediate_is_named(probe):
    assert '"Test intermediate 1"' in probe(certificate="missing-intermediate")["why"]


def test_names_and_dates_are_told(probe):
    assert "mail.elsewhere.example, www.elsewhere.example" in probe(certificate="wrong-name")["why"]
    assert "2025-02-01" in probe(certificate="expired")["why"]


def test_who_knows_no_starttls_is_told_no_password(probe):
    for options in (dict(ehlo=["AUTH PLAIN LOGIN"]), dict(certificate="self-signed"), dict(versions=TLS11)):
        found = probe(**options)
        assert found["verdict"] == "trouble"
        assert not any("AUTH" in line for _, line in found["server"].lines)


def test_a_slow_server_is_waited_for(probe):
    found = probe(delay=3.2)
    assert (codes(found), found["verdict"]) == ({"esmtp": "slow"}, "good")


def forms(secret):
    raw = secret.encode()
    yield secret
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + raw).decode()
            yield text[(4 * before + 2) // 3:8 * (before + len(raw)) // 6]  # what no neighbour has a part in
    yield raw.hex()
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret, safe="")


def test_what_a_server_says_again_is_nowhere(probe, service):
    """All forms, in both lines of the reply to AUTH and in the second session's."""
    echo = " ".join(forms(PASSWORD))
    replies = {"auth": f"535-5.7.8 {echo} is wrong\r\n535 5.7.8 no ({echo})", "RCPT": f"554 {echo}"}
    found = probe(replies=replies, accounts={})
    assert found["stage"]["login"]["code"] == "auth-failed"
    assert "***" in found["stage"]["login"]["evidence"] and "[hidden]" in found["text"]
    log = service.log.read_text()
    for form in forms(PASSWORD):
        assert form not in found["text"] and form not in log, form


def test_passwords_are_not_guessed(probe, service):
    """Five wrong ones an hour, and then not one more, after a restart neither; others there are still served."""
    def guess(number):
        return probe(user="victim", password=f"guess number {number}", accounts={"victim": PASSWORD})
    tried = [guess(i) for i in range(6)]
    service.stop()
    service.start()
    tried.append(guess(6))
    assert [each["stage"]["login"]["code"] for each in tried] == ["auth-failed"] * 5 + ["too-many-guesses"] * 2
    assert not any("AUTH" in line for _, line in tried[-1]["server"].lines)
    assert probe()["verdict"] == "good"


def test_guesses_side_by_side_are_no_more(service, directory, certificates):
    """Eight at once, of a user whom nobody has asked about: five are tried."""
    with contextlib.closing(scripted_smtp.Server(stage.LOOPBACK, certificates["good"], accounts={"many": PASSWORD})) as server:
        def guess(number):
            secret = directory / f"guess-{number}"
            secret.write_text(f"wrong {number}\n")
            return service.call("probe", "--host", "half.client.example", "--port", str(server.port), "--user", "many", "--from",
                                SENDER, "--password-file", str(secret), "--json", check=False).stdout
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            told = [stage_of(json.loads(found), "login")["code"] for found in pool.map(guess, range(8))]
    assert sorted(told) == ["auth-failed"] * 5 + ["too-many-guesses"] * 3
    assert sum(line.startswith("AUTH") for _, line in server.lines) == 5


def test_a_wrong_password_is_tried_twice_at_most(probe):
    found = probe(password="not the word", ehlo_tls=["AUTH CRAM-MD5 PLAIN LOGIN"])
    assert found["stage"]["login"]["code"] == "auth-failed"
    assert sum(line.startswith("AUTH") for _, line in found["server"].lines) == 2


def test_a_test_message_is_sent_if_asked_for(probe):
    found = probe("--send-to", "me@reader.example")
    assert (found["verdict"], found["stage"]["message"]["result"]) == ("good", "passed"), found["text"]
    assert "queued as 4711" in found["stage"]["message"]["evidence"]
    user, sender, content = found["server"].messages[0]
    assert (sender, user is not None, b"To: <me@reader.example>" in content) == (SENDER, True, True)
    refused = probe("--send-to", "me@reader.example", replies={"message": "554 5.7.1 spam"})
    assert refused["stage"]["message"]["code"] == "message-refused"


def ask(service, directory, host, port, *words):
    secret = directory / "password"
    secret.write_text(PASSWORD + "\n")
    result = service.call("probe", "--host", host, "--port", str(port), "--user", "x", "--from", SENDER, "--password-file",
                          str(secret), "--json", *words, check=False)
    return json.loads(result.stdout)


def stage_of(found, name):
    return next(each for each in found["stages"] if each["stage"] == name)


@pytest.mark.parametrize("host, code", [("nowhere.client.example", "no-address"), ("private.client.example", "not-public")])
def test_names_that_lead_nowhere(service, directory, host, code):
    assert stage_of(ask(service, directory, host, 587), "resolve")["code"] == code


def test_nobody_listens(service, directory):
    found = stage_of(ask(service, directory, HOST, stage.free_ports(1)[0]), "connect")
    assert (found["code"], "IPv4 127.0.0.1 refuses" in found["evidence"]) == ("refused", True)
    assert "addresses change" in found["cure"]


def test_a_firewall_that_drops(service, directory):
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((stage.LOOPBACK, 0), backlog=0))
        for _ in range(4):  # its queue is full
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        found = stage_of(ask(service, directory, HOST, listener.getsockname()[1]), "connect")
    assert (found["code"], "addresses change" in found["cure"]) == ("dropped", True)


def test_one_address_of_two_answers(probe):
    found = probe(host="half.client.example")
    assert (codes(found), found["verdict"]) == ({"connect": "partly"}, "good")
    assert "127.9.9.9 refuses" in found["stage"]["connect"]["evidence"]


APP = "abcd efgh ijkl mnop"


@pytest.mark.parametrize("password, accepted, code", [
    (APP, APP.replace(" ", ""), None), (APP.replace(" ", ""), APP.replace(" ", ""), None),
    ("Own Password 1", "Own Password 1", "own-password")])
def test_passwords_of_google(probe, password, accepted, code):
    user = f"google{next(NUMBERS)}"
    found = probe(host="smtp.gmail.com", password=password, user=user, accounts={user: accepted})
    assert (found["stage"]["login"]["code"], found["provider"]) == (code or "ok", "Google")


def test_a_cut_app_password_is_told_before_any_connection(service, directory):
    secret = directory / "password"
    secret.write_text("abcd efgh ijkl mno\n")
    result = service.call("probe", "--host", "smtp.gmail.com", "--user", "x", "--from", SENDER, "--password-file", str(secret),
                          check=False)
    assert (result.returncode, "16 letters" in result.stderr) == (1, True), result.stderr


def test_what_people_see(service, directory, certificates):
    """The stages in order, the failure with its cure, and the sum."""
    server = scripted_smtp.Server(stage.LOOPBACK, certificates["self-signed"], accounts={USER: PASSWORD})
    secret = directory / "password"
    secret.write_text(PASSWORD + "\n")
    result = service.call("probe", "--host", HOST, "--port", str(server.port), "--user", USER, "--from", SENDER,
                          "--password-file", str(secret), check=False)
    server.close()
    assert result.returncode == 1
    assert "FAILED  Certificate " in result.stdout and "What to do: Install a certificate of a public authority" in result.stdout
    assert result.stdout.index("Connection") < result.stdout.index("Certificate") < result.stdout.index("Not open")
    assert "The account will not do as it is." in result.stdout


def test_a_probe_needs_all_of_an_account(service):
    for words, field in ((["--host", HOST], "user"), ([], "host"), (["--host", "127.0.0.1", "--user", "x"], "host")):
        result = service.call("probe", *words, "--json", check=False)
        error = json.loads(result.stdout)["error"]
        assert (result.returncode, error["field"]) == (1, field), error
