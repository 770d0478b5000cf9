"""The stage for end-to-end tests and the demo: real servers around Letterhead, all on loopback.

    DNS        Knot DNS, authoritative for the client's and the receiver's zones
    Receiver   Postfix with Rspamd as its milter, an independent judge of DKIM and DMARC
    Service    Letterhead itself: supervisor, vault, steward, gateway

Each is started in a directory of its own with ports that the system gives, and stopped by process id.
"""

import base64
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time

LOOPBACK = "127.0.0.1"


def free_ports(count):
    """Ports that nobody listens on, for TCP and UDP."""
    with contextlib.ExitStack() as stack:
        ports = []
        while len(ports) < count:
            tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            tcp.bind((LOOPBACK, 0))
            port = tcp.getsockname()[1]
            udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                udp.bind((LOOPBACK, port))
            except OSError:
                continue
            ports.append(port)
        return ports


def wait_for_port(port, process, log, seconds=20):
    """Until something listens; says what the log has when the process died instead."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}:\n{tail(log)}")
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not listen on {port}:\n{tail(log)}")


# A process with mounts of its own. `unshare` alone would make them private below "/", which must be a mount for that, and in
# a chroot is none: so the namespace is entered anew from its real root for that one step, before anything is mounted.
UNSHARE_MOUNTS = ("unshare", "--mount", "--propagation", "unchanged")
KEEP_MOUNTS = "nsenter --mount=/proc/self/ns/mnt mount --make-rprivate /"


def wait_until(what, check, seconds=20, pause=0.1, shown=None):
    """Calls check() until it yields something true, and yields that. What check() leaves last in `shown` is told
    if it never does."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s in vain for {what}" + (f"; last: {shown[-1]}" if shown else ""))
        time.sleep(pause)


def runs(pid):
    """Whether the process still holds anything. A zombie does not, once all of its threads are."""
    states = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                stat = pathlib.Path("/proc", str(pid), "task", thread, "stat").read_text()
                states.append(stat.rsplit(")", 1)[1].split()[0])
    return any(state not in "ZX" for state in states)


def tail(path, lines=25):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


class Server:
    """A process of ours: started in its directory, stopped by its process id."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)
        self.log = self.directory / "log"
        self.process = None

    def spawn(self, *command, **more):
        output = open(self.log, "ab")
        self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                                        start_new_session=True, **more)
        output.close()

    def stop(self, seconds=15):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()  # what came up only in part must not stay behind
            raise
        return self

    def __exit__(self, *_):
        self.stop()


class Dns(Server):
    """Knot DNS with zones that can be changed while it runs."""

    def __init__(self, directory, zones, signed=()):
        super().__init__(directory)
        self.port, = free_ports(1)
        self.zones = dict(zones)
        self.signed = signed
        self.serial = 1

    def _zone_text(self, zone):
        head = (f"$ORIGIN {zone}.\n$TTL 1\n"
                f"@ SOA ns.{zone}. hostmaster.{zone}. {self.serial} 3600 600 86400 1\n"
                f"@ NS ns.{zone}.\nns A {LOOPBACK}\n")
        return head + self.zones[zone] + "\n"

    def _write(self, zone):
        (self.directory / f"{zone}.zone").write_text(self._zone_text(zone))

    def start(self):
        (self.directory / "db").mkdir(exist_ok=True)  # for keys
        for zone in self.zones:
            self._write(zone)
        zone_list = "".join(f"  - domain: {z}\n    file: {z}.zone\n"
                            f"    dnssec-signing: {'on' if z in self.signed else 'off'}\n" for z in self.zones)
        (self.directory / "knot.conf").write_text(
            f"server:\n  rundir: {self.directory}\n  listen: {LOOPBACK}@{self.port}\n"
            f"database:\n  storage: {self.directory}/db\n"
            f"log:\n  - target: stderr\n    any: info\n"
            f"template:\n  - id: default\n    storage: {self.directory}\n"
            f"    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n"
            f"zone:\n{zone_list}")
        self.spawn("knotd", "-c", str(self.directory / "knot.conf"))
        wait_for_port(self.port, self.process, self.log)
        for zone in self.zones:
            self._wait_for_serial(zone)

    def _wait_for_serial(self, zone):
        def has_it():
            out = subprocess.run(["kdig", f"@{LOOPBACK}", "-p", str(self.port), zone, "SOA", "+short", "+retry=0"],
                                 capture_output=True, text=True).stdout.split()
            return len(out) > 2 and int(out[2]) >= self.serial  # signing adds to it
        wait_until(f"zone {zone} with serial {self.serial}", has_it)

    def trust_anchor(self, zone):
        """The DS record of a signed zone."""
        found = subprocess.run(["keymgr", "-c", str(self.directory / "knot.conf"), zone, "ds"],
                               check=True, capture_output=True, text=True).stdout.splitlines()
        return next(line for line in found if line.split()[4] == "2").replace(" DS ", " IN DS ", 1)

    def set(self, zone, records):
        """Replaces the zone's records (its SOA and NS stay)."""
        self.zones[zone] = records
        self.serial += 1
        for each in self.zones:
            self._write(each)
        subprocess.run(["knotc", "-c", str(self.directory / "knot.conf"), "-b", "zone-reload"],
                       check=True, capture_output=True)
        self._wait_for_serial(zone)


class Rspamd(Server):
    """Judges DKIM and DMARC for the receiver; asks our DNS and nobody else. Nothing but the modules that
    judge senders is loaded, which also makes it start in a second."""

    MODULES = ("dkim", "dmarc", "milter_headers", "spf")

    def __init__(self, directory, dns):
        super().__init__(directory)
        self.port, = free_ports(1)
        self.dns = dns

    def _settings(self):
        judged = "\n".join(f"{m} {{ check_local = true; check_authed = true; }}" for m in ("dkim", "dmarc", "spf"))
        return f"""
options {{
    filters = "dkim";
    dns {{ nameserver = ["{LOOPBACK}:{self.dns.port}"]; timeout = 1s; retransmits = 3; }}
    local_addrs = ["192.0.2.254"];
    url_tld = "{self.directory}/suffixes";
    control_socket = "{self.directory}/control.sock mode=0600";
    pidfile = "{self.directory}/rspamd.pid";
}}
logging {{ type = "file"; filename = "{self.log}"; level = "notice"; }}
worker "rspamd_proxy" {{
    bind_socket = "{LOOPBACK}:{self.port}";
    milter = yes;
    count = 1;
    timeout = 20s;
    upstream "local" {{ default = yes; self_scan = yes; }}
}}
lua = "{self.directory}/rules.lua";
modules {{ path = "{self.directory}/modules/"; }}
actions {{ reject = null; add_header = null; greylist = null; }}
{judged}
milter_headers {{ use = ["authentication-results"]; skip_local = false; skip_authenticated = false; }}
"""

    def start(self):
        (self.directory / "rspamd.conf").write_text(self._settings())
        (self.directory / "rules.lua").write_text('require "global_functions" ()\nconfig["regexp"] = {}\nrspamd_maps = {}\n')
        (self.directory / "suffixes").write_text("com\nexample\nnet\norg\n")
        modules = self.directory / "modules"
        modules.mkdir(exist_ok=True)
        for name in self.MODULES:
            plugin = pathlib.Path("/usr/share/rspamd/plugins") / f"{name}.lua"
            if plugin.exists() and not (modules / plugin.name).exists():  # dkim is in C
                (modules / plugin.name).symlink_to(plugin)
        self.log.touch()
        for path in (self.directory, self.log):
            shutil.chown(path, "_rspamd", "_rspamd")
        variables = [f"--var={name}={self.directory}" for name in ("LOCAL_CONFDIR", "CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")]
        self.spawn("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", str(self.directory / "rspamd.conf"), *variables)
        wait_for_port(self.port, self.process, self.log, seconds=60)


class Receiver(Server):
    """Postfix as the mail server of the people who get mail: takes mail for `domain` into a Maildir."""

    def __init__(self, directory, domain, milter_port=None, settings=()):
        super().__init__(directory)
        self.domain = domain
        self.milter_port = milter_port
        self.settings = settings
        self.port, = free_ports(1)
        self.mail = self.directory / "mail"
        self.etc = self.directory / "etc"  # alone: at each start Postfix looks at all that lies beside its configuration

    def _main_cf(self):
        milter = f"inet:{LOOPBACK}:{self.milter_port}" if self.milter_port else ""
        return "\n".join([
            "compatibility_level = 3.6",
            f"queue_directory = {self.directory}/spool",
            f"data_directory = {self.directory}/data",
            f"maillog_file = {self.log}",
            f"maillog_file_prefixes = {self.directory}",
            f"myhostname = mx.{self.domain}",
            f"inet_interfaces = {LOOPBACK}",
            "inet_protocols = ipv4",
            "mydestination =",
            "local_recipient_maps =",
            "alias_maps =",
            "mynetworks = 192.0.2.1/32",
            f"virtual_mailbox_domains = {self.domain}",
            f"virtual_mailbox_base = {self.mail}",
            f"virtual_mailbox_maps = static:inbox/",
            f"virtual_uid_maps = static:{pwd.getpwnam('postfix').pw_uid}",
            f"virtual_gid_maps = static:{pwd.getpwnam('postfix').pw_gid}",
            "virtual_minimum_uid = 50",
            "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination",
            "smtpd_peername_lookup = no",
            "smtpd_tls_security_level = may",
            f"smtpd_tls_cert_file = {self.directory}/tls.crt",
            f"smtpd_tls_key_file = {self.directory}/tls.key",
            "smtputf8_enable = yes",
            f"smtpd_milters = {milter}",
            "milter_default_action = tempfail",
            *self.settings, ""])

    def _master_cf(self):
        lines = []
        for line in pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines():
            words = line.split()
            if words[:2] == ["smtp", "inet"]:
                line = f"{LOOPBACK}:{self.port} inet n - n - - smtpd"
            elif words and words[0] == "postlog":
                line = "postlog unix-dgram n - n - 1 postlogd"
            elif words and line[0].isalnum() and len(words) > 7:
                words[4] = "n"  # no chroot
                line = " ".join(words)
            lines.append(line)
        return "\n".join(lines) + "\n"

    def start(self):
        make_certificate(self.directory / "tls", f"mx.{self.domain}")
        for name in ("spool", "data", "mail", "etc"):
            (self.directory / name).mkdir(exist_ok=True)
        shutil.chown(self.directory / "data", "postfix")
        shutil.chown(self.mail, "postfix", "postfix")
        (self.etc / "main.cf").write_text(self._main_cf())
        (self.etc / "master.cf").write_text(self._master_cf())
        subprocess.run(["postfix", "-c", str(self.etc), "check"], check=True, capture_output=True)
        self.spawn("postfix", "-c", str(self.etc), "start-fg")
        wait_for_port(self.port, self.process, self.log)

    def stop(self):
        """All of it, so that no child of the master goes on with an open connection."""
        if self.process is not None and self.process.poll() is None:
            subprocess.run(["postfix", "-c", str(self.etc), "abort"], capture_output=True)
        super().stop()

    def messages(self):
        """The files delivered so far, oldest first."""
        return sorted((self.mail / "inbox" / "new").glob("*"), key=lambda p: p.stat().st_mtime_ns)

    def wait_for_messages(self, count, seconds=30):
        return wait_until(f"{count} messages at {self.domain}",
                          lambda: len(found := self.messages()) >= count and found, seconds)


def make_certificate(stem, name):
    """A self-signed certificate for `name`: stem.crt and stem.key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", f"{stem}.key", "-out", f"{stem}.crt"], check=True, capture_output=True)


def letterhead_binary():
    """The binary under test: $LETTERHEAD_BIN, or the release build."""
    top = pathlib.Path(__file__).resolve().parents[2]
    return os.environ.get("LETTERHEAD_BIN", str(top / "build" / "src" / "app" / "letterhead"))


class Service(Server):
    """Letterhead, with a configuration made for the test."""

    HOSTNAME = "mail.letterhead.example"

    def __init__(self, directory, dns=None, delivery_port=25, settings=None, local_listener=None):
        super().__init__(directory)
        self.dns = dns
        self.delivery_port = delivery_port
        self.settings = settings or {}  # whole sections of the configuration, merged by key
        self.local_listener = local_listener
        self.starttls_port, self.tls_port, self.local_port = free_ports(3)
        self.config = self.directory / "letterhead.yaml"
        self.socket = self.directory / "control.sock"
        self.data = self.directory / "data"
        self.binary = letterhead_binary()

    def write_config(self):
        # JSON is YAML: the sections can be merged as plain data.
        listeners = [{"address": f"{LOOPBACK}:{self.starttls_port}", "tls": "starttls"},
                     {"address": f"{LOOPBACK}:{self.tls_port}", "tls": "implicit"}]
        if self.local_listener:
            listeners.append({"address": f"{LOOPBACK}:{self.local_port}", "tls": "none",
                              "credential": self.local_listener})
        config = {
            "hostname": self.HOSTNAME,
            "data_directory": str(self.data),
            "control_socket": str(self.socket),
            "user": "nobody" if os.geteuid() == 0 else str(os.geteuid()),
            "log_level": "debug",
            "vault": {"user": "daemon" if os.geteuid() == 0 else str(os.geteuid()),
                      "master_key_file": str(self.directory / "master.key")},
            "tls": {"certificate": str(self.directory / "tls.crt"), "key": str(self.directory / "tls.key")},
            "submission": {"listeners": listeners},
            "delivery": {"bounce_domain": "bounce.letterhead.example", "port": self.delivery_port,
                         "allow_networks": ["127.0.0.0/8"]},
            "queue": {"spool_reserve": "1MiB"},
        }
        if self.dns:
            config["resolver"] = {"stubs": [{"zone": z, "address": f"{LOOPBACK}:{self.dns.port}"}
                                            for z in self.dns.zones]}
        for section, values in self.settings.items():
            if isinstance(values, dict):
                config.setdefault(section, {}).update(values)
            else:
                config[section] = values
        self.config.write_text(json.dumps(config, indent=2) + "\n")

    def prepare(self):
        if not (self.directory / "tls.crt").exists():
            make_certificate(self.directory / "tls", self.HOSTNAME)
        key = self.directory / "master.key"
        if not key.exists():
            key.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
            key.chmod(0o400)
        self.write_config()

    def start(self):
        self.prepare()
        self.spawn(self.binary, "serve", "--config", str(self.config))
        wait_for_port(self.tls_port, self.process, self.log)
        wait_until("the service to answer", self._answers)
        with socket.create_connection((LOOPBACK, self.starttls_port), timeout=20) as client:
            client.recv(100)  # the ports are open before the gateway has read its spool; a greeting says it has

    def crash(self):
        """Kills all processes at once, as a power cut would; when it returns they have let go of
        their ports. Yields how many they were."""
        victims = [self.process.pid, *self.children().values()]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):  # a role ends with the supervisor
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_until("the end of all roles", lambda: not any(runs(pid) for pid in victims), pause=0.01)
        return len(victims)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the service ended with {self.process.returncode}:\n{tail(self.log)}")
        return self.call("site", "list", check=False).returncode == 0

    def call(self, *words, check=True, **more):
        """A command line, as people type it."""
        result = subprocess.run([self.binary, *words, "--config", str(self.config)],
                                capture_output=True, text=True, timeout=60, **more)
        if check and result.returncode != 0:
            raise RuntimeError(f"letterhead {' '.join(words)} ended with {result.returncode}:\n"
                               f"{result.stdout}{result.stderr}\n--- log\n{tail(self.log)}")
        return result

    def ask(self, *words, **more):
        """The same with --json, read."""
        return json.loads(self.call(*words, "--json", **more).stdout)

    def story(self, message_id):
        """What is known of a message. Its first event reaches the history a moment after the 250."""
        shown = wait_until("the message's first event", lambda: (
            r := self.call("message", "show", message_id, "--json", check=False)) and r.returncode == 0 and r)
        return json.loads(shown.stdout)

    def first_attempt(self, message_id):
        """The message's recipient and the event of its first attempt, once there is one."""
        def tried():
            reply = next(self.operate([("message.show", {"message": message_id})]))
            if "output" not in reply:
                return None  # the history does not have it yet
            shown = reply["output"]
            events = [event for event in shown["events"] if event["event"] in ("delivered", "deferred", "bounced")]
            return events and (shown["recipients"][0], events[0])
        return wait_until(f"an attempt of {message_id}", tried, seconds=60)

    def operate(self, requests):
        """The replies to many operations, (name, input) each, over one connection to the control socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(60)
            door.connect(str(self.socket))
            lines = door.makefile("rw")
            for operation, given in requests:
                print(json.dumps({"operation": operation, "input": given}), file=lines, flush=True)
                yield json.loads(lines.readline())

    def children(self):
        """Process ids of the roles by name."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                if int(parent) == self.process.pid and b"role" in words:
                    found[words[words.index(b"role") + 1].decode()] = int(entry.name)
        return found


class Site:
    """A site whose client has installed its records, with a credential to send by."""

    def __init__(self, service, dns, name, domain, *options):
        self.service, self.name, self.domain = service, name, domain
        senders = () if "--from" in options else ("--senders", "any")
        service.call("site", "add", name, "--domain", domain, *senders, *options)
        records = service.call("identity", "records", name, "--format", "zone").stdout
        dns.set(domain, dns.zones[domain] + records)
        service.call("identity", "check", name)
        self.credential = service.ask("credential", "add", name)

    @property
    def login(self):
        return self.credential["smtp_username"], self.credential["smtp_password"]

    def client(self, implicit_tls=False, login=None):
        """A logged-in SMTP client, its certificate checks on."""
        client = connect(self.service, implicit_tls)
        client.login(*(login or self.login))
        return client

    def message(self, subject="A hold is ready", sender=None, body="Dear reader,\r\n\r\n.the book waits – »Letters«\r\n"):
        sender = sender or f"info@{self.domain}"
        return (f"From: The desk <{sender}>\r\nTo: reader@reader.example\r\nSubject: {subject}\r\n"
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}").encode()

    def send(self, message=None, recipients=("reader@reader.example",), sender=None, **how):
        """Submits one message; the id from the 250."""
        with self.client(**how) as client:
            return transact(client, sender or f"info@{self.domain}", recipients, message or self.message())


def connect(service, implicit_tls=False):
    """An SMTP client under TLS that has not logged in, its certificate checks on."""
    context = ssl.create_default_context(cafile=str(service.directory / "tls.crt"))
    if implicit_tls:
        context.check_hostname = False  # smtplib would ask for the address as the name
        return smtplib.SMTP_SSL(LOOPBACK, service.tls_port, context=context, timeout=30)
    client = smtplib.SMTP(LOOPBACK, service.starttls_port, timeout=30)
    client._host = service.HOSTNAME
    client.starttls(context=context)
    return client


def transact(client, sender, recipients, message):
    """One transaction; raises smtplib.SMTPResponseException with the reply that refused it."""
    steps = [lambda: client.mail(sender, ["BODY=8BITMIME"])]
    steps += [lambda r=r: client.rcpt(r) for r in recipients]
    steps += [lambda: client.data(message)]
    for each in steps:
        code, text = each()
        if code >= 400:
            client.rset()
            raise smtplib.SMTPResponseException(code, text)
    return text.decode().split()[1]
