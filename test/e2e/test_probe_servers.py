"""letterhead probe against the servers that clients run: Dovecot's submission service, Postfix with accounts, Exim; each
healthy, and with what goes wrong in their settings. And what goes over the wire meanwhile, by tshark."""

import base64
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import time

import pytest

import stage
import tls_peer

# Not the address that we connect from: to Dovecot and others who comes from their own address is no stranger.
ADDRESS = "127.0.0.2"
HOST, USER, PASSWORD, SENDER = "smtp.client.example", "desk", "a secret of the desk", "desk@client.example"
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="these servers want to be started by root")
EXIM = next((path for path in (os.environ.get("LETTERHEAD_EXIM"), shutil.which("exim4"),
                         "/opt/letterhead-test/exim4-daemon-light/usr/sbin/exim4") if path and os.path.exists(path)), None)
pytestmark = ROOT


class Dovecot(stage.Server):
    """Accounts, and a submission service that hands on to `next_port`. `settings` come last and win."""

    def __init__(self, directory, certificate, next_port, settings=""):
        super().__init__(directory)
        self.certificate, self.next_port, self.settings = certificate, next_port, settings
        self.port, self.tls_port = stage.free_ports(2)
        self.auth = self.directory / "auth"

    def start(self):
        (self.directory / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        for name in ("run", "home"):
            (self.directory / name).mkdir(exist_ok=True)
        shutil.chown(self.directory / "home", "nobody")
        (self.directory / "dovecot.conf").write_text(f"""
base_dir = {self.directory}/run
state_dir = {self.directory}/run
log_path = {self.log}
protocols = submission
listen = {stage.LOOPBACK}, {ADDRESS}
hostname = {HOST}
ssl = required
ssl_cert = <{self.certificate}.pem
ssl_key = <{self.certificate}.key
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
mail_location = maildir:~/mail
submission_relay_host = {stage.LOOPBACK}
submission_relay_port = {self.next_port}
passdb {{
  driver = passwd-file
  args = username_format=%u {self.directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={self.directory}/home
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {self.auth} {{
    mode = 0666
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {self.port}
  }}
  inet_listener submissions {{
    port = {self.tls_port}
    ssl = yes
  }}
}}
{self.settings}
""")
        self.spawn("dovecot", "-F", "-c", str(self.directory / "dovecot.conf"))
        stage.wait_for_port(self.port, self.process, self.log)
        stage.wait_until("the place where Postfix asks", self.auth.exists)


class Postfix(stage.Receiver):
    """A client's mail server with accounts, as Postfix's own documentation sets it up. A port each, with the settings
    that make it what it is."""

    USUAL = {"smtpd_sasl_auth_enable": "yes", "smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "yes",
             "smtpd_relay_restrictions": "permit_sasl_authenticated,reject", "smtpd_recipient_restrictions": ""}

    PORTS = {
        "usual": {},
        "tls": {"smtpd_tls_wrappermode": "yes"},
        "in-clear": {"smtpd_tls_security_level": "none", "smtpd_tls_auth_only": "no"},
        "both": {"smtpd_tls_auth_only": "no"},
        "no-auth": {"smtpd_sasl_auth_enable": "no"},
        "open": {"smtpd_relay_restrictions": "permit_mynetworks,reject_unauth_destination", "mynetworks": "127.0.0.0/8"},
        "mail-only": {"smtpd_relay_restrictions": "permit_sasl_authenticated,reject_unauth_destination"},
        "other-sender": {"smtpd_recipient_restrictions": "reject_sender_login_mismatch,permit"},
        "old-tls": {"smtpd_tls_mandatory_protocols": "TLSv1,TLSv1.1", "smtpd_tls_protocols": "TLSv1,TLSv1.1",
                    "tls_medium_cipherlist": "DEFAULT@SECLEVEL=0", "smtpd_tls_ciphers": "medium"},
    }

    def __init__(self, directory, certificate, auth):
        super().__init__(directory, "client.example")
        self.certificate, self.auth = certificate, auth
        self.ports = dict(zip(self.PORTS, stage.free_ports(len(self.PORTS))))

    def _main_cf(self):
        (self.etc / "senders").write_text("office@client.example desk\ndesk@client.example somebody\n")
        lines = [line for line in super()._main_cf().splitlines()
                 if line.split(" ")[0] not in ("smtpd_recipient_restrictions", "smtpd_tls_cert_file", "smtpd_tls_key_file")]
        return "\n".join([*lines, f"smtpd_tls_chain_files = {self.certificate}.pem", "smtpd_sasl_type = dovecot",
                          f"smtpd_sasl_path = {self.auth}", "relay_domains =", "local_transport = discard",
                          f"smtpd_sender_login_maps = texthash:{self.etc}/senders", "smtpd_client_auth_rate_limit = 0", ""])

    def _master_cf(self):
        text = super()._master_cf()
        for name, port in self.ports.items():
            settings = {**self.USUAL, **self.PORTS[name]}
            text += f"{ADDRESS}:{port} inet n - n - - smtpd" + "".join(
                f" -o {{ {key} = {value} }}" for key, value in settings.items()) + "\n"
        return text


class Exim(stage.Server):
    """Exim with accounts, once as it should be and once open; in a namespace where its user exists."""

    def __init__(self, directory, certificate):
        super().__init__(directory)
        self.certificate = certificate
        self.port, self.open_port = stage.free_ports(2)

    def start(self):
        (self.directory / "spool").mkdir(exist_ok=True)
        nobody = pwd.getpwnam("nobody")
        passwd = pathlib.Path("/etc/passwd").read_text()
        if "Debian-exim:" not in passwd:
            passwd += f"Debian-exim:x:{nobody.pw_uid}:{nobody.pw_gid}::/nonexistent:/bin/false\n"
        (self.directory / "passwd").write_text(passwd)
        (self.directory / "passwd").chmod(0o644)
        groups = pathlib.Path("/etc/group").read_text()
        (self.directory / "group").write_text(groups if "Debian-exim:" in groups else groups + f"Debian-exim:x:{nobody.pw_gid}:\n")
        (self.directory / "exim.conf").write_text(f"""
primary_hostname = {HOST}
exim_user = nobody
exim_group = nogroup
spool_directory = {self.directory}/spool
log_file_path = {self.directory}/%slog
pid_file_path = {self.directory}/exim.pid
local_interfaces = {stage.LOOPBACK} : {ADDRESS}
daemon_smtp_ports = {self.port} : {self.open_port}
domainlist local_domains = client.example
never_users =
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = {self.certificate}.pem
tls_privatekey = {self.certificate}.key
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  accept authenticated = *
  accept condition = ${{if eq{{$received_port}}{{{self.open_port}}}}}
  deny message = relay not permitted
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{USER}}}{{{PASSWORD}}}fail}}
  server_set_id = $auth1
""")
        (self.directory / "exim.conf").chmod(0o644)
        shutil.chown(self.directory / "spool", "nobody", "nogroup")
        self.directory.chmod(0o777)
        self.spawn(*stage.UNSHARE_MOUNTS, "sh", "-c",
                   f'{stage.KEEP_MOUNTS} && mount --bind {self.directory}/passwd /etc/passwd && mount --bind {self.directory}/group /etc/group && '
                   f'exec {EXIM} -C {self.directory}/exim.conf -bdf')
        stage.wait_for_port(self.port, self.process, self.log)


@pytest.fixture(scope="module")
def dns(directory):
    zone = f'smtp A {ADDRESS}\n@ TXT "v=spf1 a:{HOST} -all"\n_dmarc TXT "v=DMARC1; p=none"\n'
    with stage.Dns(directory / "dns", {"client.example": zone}) as server:
        yield server


@pytest.fixture(scope="module")
def authority(directory):
    return tls_peer.Authority(directory / "authority", "An authority")


@pytest.fixture(scope="module")
def certificate(directory, authority):
    authority.issue(directory / "certificate", [HOST])
    for suffix in ("key", "pem"):
        (directory / f"certificate.{suffix}").chmod(0o644)  # Exim is nobody
    return directory / "certificate"


@pytest.fixture(scope="module")
def sink(directory):
    """Where Dovecot hands mail on."""
    with stage.Receiver(directory / "sink", "sink.example", settings=["mynetworks = 127.0.0.0/8"]) as server:
        yield server


@pytest.fixture(scope="module")
def dovecot(directory, certificate, sink):
    with Dovecot(directory / "dovecot", certificate, sink.port) as server:
        yield server


@pytest.fixture(scope="module")
def postfix(directory, certificate, dovecot):
    server = Postfix(directory / "postfix", certificate, dovecot.auth)
    server.etc.mkdir(parents=True)
    with server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, authority):
    with stage.Service(directory / "letterhead", dns,
                       settings={"delivery": {"relay_authorities": str(authority.certificate)}}) as server:
        yield server


def probe(service, port, *words, tls="starttls", password=PASSWORD, sender=SENDER):
    secret = service.directory / "password"
    secret.write_text(password + "\n")
    result = service.call("probe", "--host", HOST, "--port", str(port), "--tls", tls, "--user", USER, "--from", sender,
                          "--password-file", str(secret), "--transcript", "--json", *words, check=False)
    found = json.loads(result.stdout)
    found["codes"] = {each["stage"]: each["code"] for each in found["stages"] if each["result"] in ("warning", "failed")}
    return found


def test_dovecot(service, dovecot):
    for port, tls in ((dovecot.port, "starttls"), (dovecot.tls_port, "tls")):
        found = probe(service, port, tls=tls)
        assert (found["codes"], found["verdict"], found["mechanism"]) == ({}, "good", "CRAM-MD5"), found
        assert found["seconds"] < 3


def test_dovecot_sends_the_test_message(service, dovecot, sink):
    found = probe(service, dovecot.port, "--send-to", "me@sink.example")
    assert (found["codes"], found["verdict"]) == ({}, "good"), found
    assert b"This message went through the account" in sink.wait_for_messages(1)[0].read_bytes()


def test_a_wrong_password_at_dovecot(service, dovecot):
    found = probe(service, dovecot.port, password="not that")
    assert (found["codes"], found["verdict"]) == ({"login": "auth-failed"}, "trouble"), found


def test_dovecot_without_passwords(service, directory, certificate, sink):
    """OAuth only."""
    with Dovecot(directory / "oauth", certificate, sink.port, "auth_mechanisms = xoauth2 oauthbearer\n") as server:
        assert probe(service, server.port)["codes"] == {"mechanisms": "oauth-only"}


# Postfix: what each port finds, and the verdict.
POSTFIX = {
    "usual": ({}, "good"),
    "tls": ({}, "good"),
    "in-clear": ({"encryption": "no-starttls"}, "trouble"),
    "both": ({"clear": "auth-in-clear"}, "good"),
    "no-auth": ({"mechanisms": "no-auth"}, "trouble"),
    "open": ({"open-relay": "open-relay"}, "open"),
    "mail-only": ({"open-relay": "takes-all"}, "good"),
    "other-sender": ({"sender": "sender-not-allowed"}, "trouble"),
    "old-tls": ({"encryption": "old-tls"}, "trouble"),
}


@pytest.mark.parametrize("name", POSTFIX)
def test_postfix(service, postfix, name):
    found = probe(service, postfix.ports[name], tls="tls" if name == "tls" else "starttls")
    assert (found["codes"], found["verdict"]) == POSTFIX[name], found
    if found["verdict"] == "good":
        assert found["seconds"] < 3


def test_the_account_of_a_site(service, dovecot):
    """What a probe finds decides how the relay stands: here it opens the way, and a broken password closes it."""
    secret = service.directory / "password"
    secret.write_text(PASSWORD + "\n")
    service.call("site", "add", "museum", "--method", "smtp", "--from", SENDER)
    give = ["relay", "set", "museum", "--host", HOST, "--port", str(dovecot.port), "--user", USER, "--password-file", str(secret)]
    service.call(*give)
    found = service.ask("probe", "museum")
    assert (found["site"], found["verdict"]) == ("museum", "good"), found
    relay = service.ask("relay", "show", "museum")
    assert (relay["state"], "asked" in [each["occasion"] for each in relay["probes"]]) == ("READY", True), relay
    secret.write_text("not that\n")
    service.call(*give)
    assert service.call("probe", "museum", check=False).returncode == 1
    relay = service.ask("relay", "show", "museum", check=False)
    assert relay["state"] in ("DEGRADED", "REFUSED") and "password" in relay["why"], relay
    assert service.call("probe", "museum", "--host", HOST, check=False).returncode == 1  # one or the other


@pytest.mark.parametrize("kind, code", [("self-signed", "self-signed"), ("old", "expired"), ("other", "wrong-name")])
def test_certificates_of_dovecot(service, directory, authority, sink, kind, code):
    stem = directory / f"bad-{kind}"
    if kind == "self-signed":
        tls_peer.self_sign(stem, [HOST])
    else:
        authority.issue(stem, [HOST if kind == "old" else "mail.elsewhere.example"], expired=kind == "old")
    with Dovecot(directory / f"dovecot-{kind}", stem, sink.port) as server:
        found = probe(service, server.port)
        assert (found["codes"], found["verdict"]) == ({"certificate": code}, "trouble"), found
        assert "AUTH" not in server.log.read_text()


@pytest.mark.skipif(not EXIM, reason="Exim is not there (tool/install-packages test)")
def test_exim(service, directory, certificate):
    with Exim(directory / "exim", certificate) as server:
        found = probe(service, server.port)
        assert (found["codes"], found["verdict"]) == ({}, "good"), (found, stage.tail(server.directory / "mainlog"))
        assert found["mechanism"] == "CRAM-MD5"
        assert probe(service, server.open_port)["codes"] == {"open-relay": "open-relay"}
        assert probe(service, server.port, password="not that")["codes"] == {"login": "auth-failed"}


def test_no_credential_crosses_in_clear(service, dovecot, postfix, directory):
    """All that goes over loopback while accounts are tested, good ones and bad ones."""
    capture = directory / "capture.pcap"
    tshark = subprocess.Popen(["tshark", "-q", "-i", "lo", "-f", "tcp", "-w", str(capture)], stderr=subprocess.PIPE, text=True)
    try:
        while "Capturing" not in tshark.stderr.readline():
            assert tshark.poll() is None, "tshark does not run"
        time.sleep(0.5)
        ports = [dovecot.port, *(postfix.ports[name] for name in ("usual", "in-clear", "both", "open"))]
        for port in ports:
            probe(service, port)
        time.sleep(0.5)
    finally:
        tshark.terminate()
        tshark.wait()
    raw = capture.read_bytes()
    assert b"EHLO mail.letterhead.example" in raw  # it has seen the dialogues
    assert b"AUTH PLAIN" in raw and b"AUTH CRAM-MD5" not in raw.replace(b"250-AUTH", b"")  # offered, and never begun
    for form in (PASSWORD.encode(), base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()), base64.b64encode(PASSWORD.encode())):
        assert form not in raw
    said = subprocess.run(["tshark", "-r", str(capture), "-Y", 'smtp.req.command == "AUTH"', "-T", "fields", "-e", "tcp.port",
                           *[word for port in ports for word in ("-d", f"tcp.port=={port},smtp")]],
                          capture_output=True, text=True, check=True).stdout
    assert said == ""
