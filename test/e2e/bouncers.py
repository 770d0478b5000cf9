"""Mail servers that take a message for gone@DOMAIN and find out afterwards that they cannot deliver it: each then writes a
report as it does in life, and sends it to the return path, at our inbound listener. All else at DOMAIN stays with them."""

import os
import pathlib
import re
import signal

import stage

WORDS = "no such person"


def report(recipient):
    """A report for those tests that need one at a moment of their own."""
    return ("From: MAILER-DAEMON@mx.reader.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            f"Reporting-MTA: dns; mx.reader.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\n"
            f"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 {WORDS}\r\n\r\n--b--\r\n")


class Postfix(stage.Receiver):
    kind = "postfix"

    def __init__(self, directory, domain, bounce_domain, bounce_port):
        super().__init__(directory / "bouncer-postfix", domain, settings=(
            f"virtual_alias_maps = inline:{{gone@{domain}=gone@elsewhere.invalid}}",
            f"transport_maps = inline:{{{{elsewhere.invalid = error:5.1.1 {WORDS}}},"
            f" {{{bounce_domain} = smtp:[{stage.LOOPBACK}]:{bounce_port}}}}}",
            "smtp_host_lookup = native"))

    def return_paths(self, message_id):
        """Those of the copies that were kept."""
        texts = (path.read_text(errors="replace") for path in self.messages())
        return [re.search(r"^Return-Path: <(.*)>$", text, re.M)[1] for text in texts if message_id in text]


class Apart(stage.Server):
    """A server whose package cannot be installed beside Postfix: it was unpacked (tool/install-packages), and runs in mount
    and process namespaces of its own, where its files and users are in the places that are compiled into it."""

    def __init__(self, directory, domain, bounce_domain, bounce_port):
        super().__init__(directory / f"bouncer-{self.kind}")
        self.domain, self.bounce_domain, self.bounce_port = domain, bounce_domain, bounce_port
        self.port, = stage.free_ports(1)
        self.mail = self.directory / "mail"

    def stop(self):
        """The namespace's first process, and with it all in it. It outlives `unshare`: a server that changes its user loses
        what --kill-child asked the kernel for."""
        if self.process is not None and self.process.poll() is None:
            pid = self.process.pid
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            self.process.kill()
        super().stop()

    def messages(self):
        return sorted((self.mail / "new").glob("*"))

    def return_paths(self, message_id):
        texts = (path.read_text(errors="replace") for path in self.messages())
        return [re.search(r"^Return-Path: <?([^>\n]*)>?$", text, re.M | re.I)[1] for text in texts if message_id in text]

    def _users(self):
        for name, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin"), ("group", "{0}:x:{1}:")):
            known = pathlib.Path("/etc", name).read_text()
            (self.directory / name).write_text(known + "".join(line.format(user, uid) + "\n" for user, uid in USERS.items()))

    def start(self):
        for name in ("spool", "mail", "logs"):
            (self.directory / name).mkdir(exist_ok=True)
            os.chown(self.directory / name, USERS[self.user], USERS[self.user])
        self._users()
        self.settings = self.directory / "server.conf"
        self.settings.write_text(self._settings())
        usr = ":".join(str(UNPACKED / package / "usr") for package in self.packages)
        script = self.directory / "run"
        script.write_text(f"set -e\n{stage.KEEP_MOUNTS}\nmount -t overlay overlay -o lowerdir={usr}:/usr /usr\n"
                          f"mount --bind {self.directory}/passwd /etc/passwd\nmount --bind {self.directory}/group /etc/group\n"
                          "mount -t tmpfs none /var/spool\nmount -t tmpfs none /var/lib\nmount -t tmpfs none /run\n"
                          "mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd\nchmod 711 /var/spool/smtpd\n"
                          f"exec {self.command} {self.settings}\n")
        self.spawn(*stage.UNSHARE_MOUNTS, "--pid", "--fork", "--kill-child", "sh", str(script))
        stage.wait_for_port(self.port, self.process, self.log)


class Exim(Apart):
    kind, user, packages = "exim", "Debian-exim", ("exim4-daemon-light", "exim4-base")
    command = "/usr/sbin/exim4 -bdf -q1m -C"

    def _settings(self):
        return f"""
primary_hostname = mx.{self.domain}
local_interfaces = {stage.LOOPBACK}
daemon_smtp_ports = {self.port}
spool_directory = {self.directory}/spool
log_file_path = {self.directory}/logs/%slog
pid_file_path = {self.directory}/spool/exim.pid
exim_user = {self.user}
exim_group = {self.user}
qualify_domain = {self.domain}
acl_smtp_rcpt = accept
acl_smtp_data = accept
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
keep_environment =
begin routers
bounces:
  driver = manualroute
  domains = {self.bounce_domain}
  route_list = * {stage.LOOPBACK}
  self = send
  transport = out
gone:
  driver = redirect
  domains = {self.domain}
  local_parts = gone
  allow_fail
  data = :fail: {WORDS}
keep:
  driver = accept
  domains = {self.domain}
  transport = keep
begin transports
out:
  driver = smtp
  port = {self.bounce_port}
keep:
  driver = appendfile
  directory = {self.mail}
  maildir_format
  create_directory
  return_path_add
  user = {self.user}
"""


class OpenSmtpd(Apart):
    kind, user, packages = "opensmtpd", "opensmtpd", ("opensmtpd",)
    command = "/usr/sbin/smtpd -d -f"

    def _settings(self):
        return f"""
listen on {stage.LOOPBACK} port {self.port} hostname mx.{self.domain}
table mailboxes {{ "@" = "{self.user}" }}
action "keep" maildir "{self.mail}" virtual <mailboxes>
action "gone" mda "echo {WORDS}; exit 67" virtual <mailboxes>
action "out" relay host smtp://{stage.LOOPBACK}:{self.bounce_port}
match from any for rcpt-to "gone@{self.domain}" action "gone"
match from any for domain "{self.domain}" action "keep"
match from any for domain "{self.bounce_domain}" action "out"
"""


UNPACKED = pathlib.Path("/opt/letterhead-test")
USERS = {"Debian-exim": 9901, "opensmtpd": 9902, "opensmtpq": 9903}
KINDS = {kind.kind: kind for kind in (Postfix, Exim, OpenSmtpd)}


def missing(kind):
    """Why there is none of this kind here; None: there is."""
    packages = getattr(KINDS[kind], "packages", ())
    if packages and os.geteuid() != 0:
        return "namespaces need root"
    return next((f"{package} is not unpacked in {UNPACKED} (tool/install-packages test)" for package in packages
                 if not (UNPACKED / package).is_dir()), None)


def start(kind, directory, domain, bounce_domain, bounce_port):
    return KINDS[kind](directory, domain, bounce_domain, bounce_port)
