"""DKIM by CNAME: the client installs three names once, and Letterhead publishes the keys they lead to in the
platform's own zone, at real name servers (Knot DNS, BIND 9), and signs with what can be seen there."""

import contextlib
import os
import signal
import socket
import struct
import threading
import time

import dkim
import dns.opcode
import pytest

import stage
from conftest import DMARC
from dkim_zone import FAKETIME, SERVERS, ZONE, Knot

CLIENTS = {name: DMARC for name in ("library.example", "museum.example", "archive.example")}
ELSEWHERE = {"letterhead.example": f"mail A {stage.LOOPBACK}\nbounce MX 10 mail\n",
             "reader.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n"}


class Way:
    """What lies between Letterhead and the name server: a way on which answers can get lost."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server((stage.LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.lose_updates = False
        self.lost = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        with near, contextlib.suppress(OSError):
            with socket.create_connection((stage.LOOPBACK, self.target.port), timeout=5) as far:
                while question := self.message(near):
                    far.sendall(struct.pack("!H", len(question)) + question)
                    answer = self.message(far)
                    if self.lose_updates and question[2] >> 3 & 15 == dns.opcode.UPDATE:
                        self.lost.set()
                        near.recv(1)  # until whoever asked is gone
                        return
                    near.sendall(struct.pack("!H", len(answer)) + answer)

    @staticmethod
    def message(stream):
        head = stream.recv(2, socket.MSG_WAITALL)
        return stream.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else b""

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module", params=SERVERS)
def zone(request, directory):
    with SERVERS[request.param](directory / request.param, {**CLIENTS, **ELSEWHERE}) as server:
        yield server


@pytest.fixture(scope="module")
def way(zone):
    found = Way(zone)
    yield found
    found.close()


@pytest.fixture(scope="module")
def inbox(zone):
    with stage.Receiver(zone.directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def platform(zone, way, inbox):
    settings = {
        "dkim": {"records": "cname", "key_bits": 1024},
        "publishing": {"zone": ZONE, "server": f"{stage.LOOPBACK}:{way.port}",
                       "tsig_key_file": str(zone.key_file), "ttl": "1s"},
    }
    with stage.Service(zone.directory / "letterhead", zone, inbox.port, settings) as service:
        yield service


def publications(service, site):
    rows = service.ask("publication", "list", check=False)["publications"]
    return [row for row in rows if row["site"] == site]


def wait_published(service, site):
    def all_there():
        rows = publications(service, site)
        return len(rows) >= 3 and all(row["state"] == "published" for row in rows) and rows
    return stage.wait_until(f"the records of {site}", all_there)


def wait_verified(service, site):
    def verified():
        return service.ask("identity", "check", site, check=False)["identities"][0]["state"] == "SUCCESS"
    return stage.wait_until(f"{site} to be verified", verified, seconds=30)


def site_of(service, name):
    """A site that is there already, with a credential."""
    site = stage.Site.__new__(stage.Site)
    site.service, site.name, site.domain = service, name, f"{name}.example"
    site.credential = service.ask("credential", "add", name)
    return site


def verifies(zone, content):
    """Whether dkimpy finds the first signature good, by the keys that this very name server shows."""
    def texts(name, timeout=5):
        return zone.follow(name.decode())
    return dkim.verify(content, dnsfunc=texts)


def test_from_set_up_to_a_message_that_verifies(platform, zone, inbox):
    added = platform.ask("site", "add", "library", "--domain", "library.example", "--senders", "any")
    records = added["identity"]["records"]
    assert [r["type"] for r in records] == ["CNAME"] * 3
    assert all(r["value"] == r["name"].split(".")[0] + "." + ZONE for r in records)
    rows = wait_published(platform, "library")
    assert all(zone.texts(row["name"]) == [row["wanted"]] for row in rows)

    waiting = platform.ask("identity", "check", "library", check=False)["identities"][0]
    assert waiting["state"] == "PENDING" and {r["state"] for r in waiting["records"]} == {"absent"}
    assert "type CNAME" in waiting["records"][0]["advice"]

    zone.install(platform, "library")
    wait_verified(platform, "library")
    site = site_of(platform, "library")
    before = len(inbox.messages())
    site.send()
    content = inbox.wait_for_messages(before + 1)[-1].read_bytes()
    assert b"s=" + records[0]["name"].split(".")[0].encode() in content
    assert verifies(zone, content)
    assert not verifies(zone, content.replace(b"A hold is ready", b"A hold is sold "))


def test_what_somebody_put_there_stays(platform, zone):
    zone.stop()
    platform.call("site", "add", "museum", "--domain", "museum.example", "--senders", "any")
    stage.wait_until("trouble to be told", lambda: sum(r["failures"] for r in publications(platform, "museum")) >= 3)
    shown = platform.call("publication", "list", "--troubled", check=False)
    assert shown.returncode == 1 and "cannot be spoken to" in shown.stdout and "does not answer" in shown.stdout

    name = publications(platform, "museum")[0]["name"]
    zone.start()
    zone.change(lambda update: update.add(name + ".", 1, "TXT", '"made by hand"'))
    platform.call("publication", "retry")
    clash = stage.wait_until("the clash", lambda: [r for r in publications(platform, "museum") if r["state"] == "clash"])
    assert [r["name"] for r in clash] == [name] and "made by hand" in clash[0]["trouble"]
    assert zone.texts(name) == ["made by hand"]
    stage.wait_until("the two others", lambda: sum(r["state"] == "published" for r in publications(platform, "museum")) == 2)

    zone.change(lambda update: update.delete(name + "."))  # as the cure says
    platform.call("publication", "retry")
    wait_published(platform, "museum")
    assert zone.texts(name) == [publications(platform, "museum")[0]["wanted"]]


def test_a_crash_after_the_update_heals(platform, zone, way):
    way.lose_updates = True
    way.lost.clear()
    platform.call("site", "add", "archive", "--domain", "archive.example", "--senders", "any")
    assert way.lost.wait(10)
    os.kill(platform.children()["steward"], signal.SIGKILL)
    way.lose_updates = False
    stage.wait_until("the steward again", lambda: platform.call("site", "list", check=False).returncode == 0)
    rows = wait_published(platform, "archive")
    assert all(zone.texts(row["name"]) == [row["wanted"]] for row in rows)


def test_the_records_of_a_removed_site_stay_for_a_while(platform, zone):
    rows = wait_published(platform, "archive")
    platform.call("site", "remove", "archive", "--yes")
    time.sleep(1)
    left = {r["name"]: r for r in platform.ask("publication", "list", check=False)["publications"]}
    assert all(left[row["name"]]["wanted"] == "" and zone.texts(row["name"]) == [row["wanted"]] for row in rows)
    assert left[rows[0]["name"]]["next"] > time.strftime("%Y-%m-%dT", time.gmtime(time.time() + 11 * 86400))


def trouble_of(platform, site):
    def told():
        rows = [row for row in publications(platform, site) if row["state"] == "trouble"]
        return rows and rows[0]["trouble"]
    return stage.wait_until("trouble", told)


def test_a_key_that_is_not_right_is_told(platform, zone):
    right = zone.secret
    for secret, key_name, words in (("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "letterhead", "BADSIG"),
                                    (right, "another", "BADKEY")):
        zone.stop()
        zone.secret = secret
        zone.key_name = key_name
        zone.start()
        platform.call("site", "add", "wrong", "--domain", "wrong.example", "--senders", "any")
        try:
            trouble = trouble_of(platform, "wrong")
        finally:
            platform.call("site", "remove", "wrong", "--yes")
        assert words in trouble and "tsig_key_file" in trouble
    zone.stop()
    zone.secret, zone.key_name = right, "letterhead"
    zone.start()
    platform.call("site", "add", "wrong", "--domain", "wrong.example", "--senders", "any")
    wait_published(platform, "wrong")
    assert right not in platform.log.read_text()


@pytest.mark.skipif(not FAKETIME, reason="skipped: faketime is not there")
def test_a_clock_that_is_wrong_is_told(platform, zone):
    if not isinstance(zone, Knot):
        pytest.skip("skipped: BIND's loop does not run under a shifted clock; Knot's does")
    zone.stop()
    zone.clock = "+2h"
    zone.start()
    platform.call("site", "add", "early", "--domain", "early.example", "--senders", "any")
    trouble = trouble_of(platform, "early")
    assert "BADTIME" in trouble and "ahead" in trouble and "NTP" in trouble
    zone.stop()
    zone.clock = None
    zone.start()
    platform.call("publication", "retry")
    wait_published(platform, "early")
