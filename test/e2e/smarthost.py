"""Mail servers of clients, with accounts: Dovecot's submission service, which hands on to Postfix, and Postfix itself,
which asks Dovecot for passwords and hands on to the receiver. Both can be broken and mended while mail flows."""

import os
import pathlib
import shutil
import subprocess
import time

import stage


class Dovecot(stage.Server):
    """Accounts and passwords; its own submission service; and the place where Postfix asks for them."""

    def __init__(self, directory, certificate, accounts):
        super().__init__(directory)
        self.certificate = certificate
        self.port, self.tls_port, self.next_port = stage.free_ports(3)
        self.auth = self.directory / "postfix-auth"
        self.users = self.directory / "users"
        self.accounts = dict(accounts)

    def write_users(self):
        """Passwords as they are from now on; Dovecot looks when somebody signs in, once a second."""
        fresh = self.users.with_suffix(".new")
        fresh.write_text("".join(f"{user}:{{PLAIN}}{password}\n" for user, password in self.accounts.items()))
        os.replace(fresh, self.users)

    def set_password(self, user, password):
        self.accounts[user] = password
        self.write_users()
        time.sleep(1.2)  # Dovecot looks at the file once a second

    def start(self):
        self.write_users()
        for name in ("run", "home"):
            (self.directory / name).mkdir(exist_ok=True)
        shutil.chown(self.directory / "home", "nobody")
        (self.directory / "dovecot.conf").write_text(f"""
base_dir = {self.directory}/run
state_dir = {self.directory}/run
log_path = {self.log}
protocols = submission
listen = {stage.LOOPBACK}
hostname = submission.client.example
ssl = required
ssl_cert = <{self.certificate}.pem
ssl_key = <{self.certificate}.key
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
auth_verbose = yes
mail_location = maildir:~/mail
submission_relay_host = {stage.LOOPBACK}
submission_relay_port = {self.next_port}
passdb {{
  driver = passwd-file
  args = username_format=%u {self.users}
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
""")
        self.spawn("dovecot", "-F", "-c", str(self.directory / "dovecot.conf"))
        stage.wait_for_port(self.port, self.process, self.log)
        stage.wait_until("the place where Postfix asks", self.auth.exists)


class Postfix(stage.Receiver):
    """A smarthost with accounts: STARTTLS on `port`, TLS from the first byte on `tls_port`; on two more ports the
    same with a certificate that can be changed (`spoilt_port`), and with nobody who listens (`down_port`)."""

    def __init__(self, directory, certificate, dovecot, next_port, senders):
        super().__init__(directory, "client.example")
        self.certificate, self.dovecot, self.next_port, self.senders = certificate, dovecot, next_port, dict(senders)
        self.tls_port, self.spoilt_port, self.down_port = stage.free_ports(3)
        self.refusals = {}  # recipients, and what is said to them
        self.other_certificate = certificate
        self.down = False
        self.open = False  # relays for everybody

    def _main_cf(self):
        return "\n".join([
            "compatibility_level = 3.6",
            f"queue_directory = {self.directory}/spool",
            f"data_directory = {self.directory}/data",
            f"maillog_file = {self.log}",
            f"maillog_file_prefixes = {self.directory}",
            "myhostname = smtp.client.example",
            f"inet_interfaces = {stage.LOOPBACK}",
            "inet_protocols = ipv4",
            "mydestination =",
            "local_recipient_maps =",
            "alias_maps =",
            f"mynetworks = {'127.0.0.0/8' if self.open else '192.0.2.1/32'}",
            f"relayhost = [{stage.LOOPBACK}]:{self.next_port}",
            "smtp_tls_security_level = none",
            "smtpd_peername_lookup = no",
            "smtpd_tls_security_level = encrypt",
            f"smtpd_tls_chain_files = {self.certificate}.pem",
            "smtpd_sasl_auth_enable = yes",
            "smtpd_sasl_type = dovecot",
            f"smtpd_sasl_path = {self.dovecot.auth}",
            "smtpd_sasl_mechanism_filter = plain, login",
            f"smtpd_sender_login_maps = texthash:{self.etc}/senders",
            "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject",
            f"smtpd_recipient_restrictions = permit_mynetworks, reject_sender_login_mismatch, check_recipient_access texthash:{self.etc}/refusals,"
            " permit_sasl_authenticated, reject",
            "smtpd_client_auth_rate_limit = 0",
            "smtputf8_enable = yes", ""])

    def _master_cf(self):
        ports = [(self.tls_port, self.certificate), (self.spoilt_port, self.other_certificate)]
        if not self.down:
            ports.append((self.down_port, self.certificate))
        trusted = (f"{stage.LOOPBACK}:{self.dovecot.next_port} inet n - n - - smtpd -o smtpd_tls_security_level=none"
                   " -o smtpd_sasl_auth_enable=no -o mynetworks=127.0.0.0/8 -o smtpd_sender_login_maps="
                   " -o smtpd_recipient_restrictions=permit_mynetworks,reject"
                   " -o smtpd_relay_restrictions=permit_mynetworks,reject\n")
        return super()._master_cf() + trusted + "".join(
            f"{stage.LOOPBACK}:{port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes"
            f" -o smtpd_tls_chain_files={certificate}.pem\n" for port, certificate in ports)

    def write_tables(self):
        (self.etc / "senders").write_text("".join(f"{sender} {user}\n" for sender, user in self.senders.items()))
        (self.etc / "refusals").write_text("".join(f"{who} {reply}\n" for who, reply in self.refusals.items()))

    def reload(self):
        """Takes over what was changed; connections that stand see it, too."""
        self.write_tables()
        (self.etc / "main.cf").write_text(self._main_cf())
        (self.etc / "master.cf").write_text(self._master_cf())
        before = self._reloads()
        subprocess.run(["postfix", "-c", str(self.etc), "reload"], check=True, capture_output=True)
        stage.wait_until("Postfix to read its configuration", lambda: self._reloads() > before)
        time.sleep(0.3)  # it has said so, and goes on to end the processes that know the old one

    def _reloads(self):
        return self.log.read_text(errors="replace").count("reload -- version")

    def start(self):
        self.etc.mkdir(parents=True, exist_ok=True)
        self.write_tables()
        super().start()

    def signed_in(self):
        """(process, user) of each transaction, from the log."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            if "sasl_username=" in line:
                found.append((line.split("smtpd[")[1].split("]")[0], line.split("sasl_username=")[1].strip()))
        return found
