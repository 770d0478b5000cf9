"""The platform's zone on real name servers that take dynamic updates: Knot DNS and BIND 9."""

import glob
import os
import subprocess

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.update

import stage

ZONE = "dkim.letterhead.example"
KEY_NAME = "letterhead"
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


def new_key(path, algorithm="hmac-sha256"):
    """A TSIG key as tsig-keygen makes it; yields its secret."""
    text = subprocess.run(["tsig-keygen", "-a", algorithm, KEY_NAME], check=True, capture_output=True, text=True).stdout
    path.write_text(text)
    path.chmod(0o640)
    return text.split('secret "')[1].split('"')[0]


class Server(stage.Server):
    """What both have in common: the zone, the key, and questions put to it by dnspython."""

    def __init__(self, directory, others=None):
        super().__init__(directory)
        self.port, = stage.free_ports(1)
        self.key_file = self.directory / "letterhead.key"
        self.secret = new_key(self.key_file)
        self.key_name = KEY_NAME
        self.clock = None  # "+2h": runs ahead
        self.others = dict(others or {})  # zones that only this test changes, with their records
        self.zones = {ZONE: "", **self.others}

    def zone_text(self, zone, serial=1):
        return (f"$ORIGIN {zone}.\n$TTL 1\n@ SOA ns.{zone}. hostmaster.{zone}. {serial} 3600 600 86400 1\n"
                f"@ NS ns.{zone}.\nns A {stage.LOOPBACK}\n{self.zones[zone]}\n")

    def write_zones(self):
        for zone in self.zones:
            path = self.directory / f"{zone}.zone"
            if not path.exists():  # what was published survives a restart
                path.write_text(self.zone_text(zone))

    def start(self):
        self.write_zones()
        self.configure()
        self.run()
        stage.wait_until(f"{ZONE} at port {self.port}", self.answers)

    def ask(self, name, kind="TXT"):
        question = dns.message.make_query(name, kind)
        return dns.query.tcp(question, stage.LOOPBACK, port=self.port, timeout=5)

    def answers(self):
        try:
            return self.ask(ZONE, "SOA").rcode() == 0
        except (OSError, dns.exception.DNSException):
            return False

    def texts(self, name):
        """The TXT records at a name, joined."""
        found = self.ask(name).get_rrset(dns.message.ANSWER, dns.name.from_text(name), 1, dns.rdatatype.TXT)
        return [b"".join(record.strings).decode() for record in found or []]

    def follow(self, name):
        """What a receiver gets for a name: the first TXT record, through CNAMEs; None."""
        for rrset in self.ask(name).answer:
            if rrset.rdtype == dns.rdatatype.TXT:
                return b"".join(rrset[0].strings)
            if rrset.rdtype == dns.rdatatype.CNAME:
                return self.follow(rrset[0].target.to_text())
        return None

    def change(self, make, zone=ZONE):
        """An update by hand: make(update) fills it."""
        keyring = dns.tsigkeyring.from_text({self.key_name: ("hmac-sha256", self.secret)})
        update = dns.update.Update(zone, keyring=keyring)
        make(update)
        assert dns.query.tcp(update, stage.LOOPBACK, port=self.port, timeout=5).rcode() == 0

    def install(self, service, site):
        """Does what the site's client is asked to: its records, put into its zone."""
        for identity in service.ask("identity", "records", site)["identities"]:
            for record in identity["records"]:
                value = " ".join(f'"{part}"' for part in record["strings"]) or record["value"] + "."
                self.change(lambda update, r=record, v=value: update.replace(r["name"] + ".", 1, r["type"], v),
                            identity["domain"])


    def spawn_with_clock(self, *command):
        wrong = {"LD_PRELOAD": FAKETIME, "FAKETIME": self.clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.spawn(*command, env={**os.environ, **(wrong if self.clock else {})})


class Knot(Server):
    def configure(self):
        (self.directory / "db").mkdir(exist_ok=True)
        zones = "".join(f"  - domain: {zone}\n    file: {zone}.zone\n    acl: update\n" for zone in self.zones)
        (self.directory / "knot.conf").write_text(
            f"server:\n  rundir: {self.directory}\n  listen: {stage.LOOPBACK}@{self.port}\n"
            f"database:\n  storage: {self.directory}/db\n"
            f"log:\n  - target: stderr\n    any: info\n"
            f"key:\n  - id: {self.key_name}\n    algorithm: hmac-sha256\n    secret: {self.secret}\n"
            f"acl:\n  - id: update\n    key: {self.key_name}\n    action: update\n"
            f"template:\n  - id: default\n    storage: {self.directory}\n    zonefile-sync: 0\n"
            f"zone:\n{zones}")

    def run(self):
        self.spawn_with_clock("knotd", "-c", str(self.directory / "knot.conf"))


class Bind(Server):
    def configure(self):
        zones = "".join(
            f'zone "{zone}" {{ type primary; file "{self.directory}/{zone}.zone"; '
            f"update-policy {{ grant {self.key_name} zonesub TXT CNAME A; }}; }};\n" for zone in self.zones)
        (self.directory / "named.conf").write_text(
            f'key "{self.key_name}" {{ algorithm hmac-sha256; secret "{self.secret}"; }};\n'
            f'options {{ directory "{self.directory}"; pid-file none; session-keyfile none; recursion no;\n'
            f"  listen-on port {self.port} {{ {stage.LOOPBACK}; }}; listen-on-v6 {{ none; }};\n"
            f"  dnssec-validation no; notify no; allow-query {{ any; }}; lock-file none; }};\n"
            f"controls {{ }};\n{zones}")

    def run(self):
        self.spawn_with_clock("named", "-f", "-g", "-n", "1", "-c", str(self.directory / "named.conf"))


SERVERS = {"knot": Knot, "bind": Bind}
