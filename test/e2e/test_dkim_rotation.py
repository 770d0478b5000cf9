"""The turns of an identity's keys, against real name servers: rotation under traffic, a compromised key, new keys behind
the names that the client installed once; and the same by TXT, where only the client can change a record."""

import contextlib
import sqlite3
import subprocess
import threading
import time

import pytest

import stage
from conftest import DMARC
from dkim_zone import SERVERS, ZONE
from test_dkim_cname import ELSEWHERE, publications, site_of, verifies, wait_published, wait_verified

CLIENTS = {f"{name}.example": DMARC for name in ("turns", "known", "paper", "lost", "own")}
DAY_US = 86400 * 1000000


@pytest.fixture(scope="module", params=SERVERS)
def zone(request, directory):
    with SERVERS[request.param](directory / request.param, {**CLIENTS, **ELSEWHERE}) as server:
        yield server


@pytest.fixture(scope="module")
def inbox(zone):
    with stage.Receiver(zone.directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def platform(zone, inbox):
    settings = {
        "dkim": {"records": "cname", "key_bits": 1024},
        "publishing": {"zone": ZONE, "server": f"{stage.LOOPBACK}:{zone.port}",
                       "tsig_key_file": str(zone.key_file), "ttl": "1s"},
    }
    with stage.Service(zone.directory / "letterhead", zone, inbox.port, settings) as service:
        yield service


def set_up(platform, zone, name, records):
    platform.call("site", "add", name, "--domain", f"{name}.example", "--senders", "any", "--records", records)
    if records == "cname":
        wait_published(platform, name)
    zone.install(platform, name)
    wait_verified(platform, name)
    time.sleep(1.1)  # the time to live of what may have been at these names before
    return site_of(platform, name)


def keys(platform, site):
    return platform.ask("identity", "keys", site)["identities"][0]["keys"]


def slot(platform, site, wanted):
    return next(key for key in keys(platform, site) if key["slot"] == wanted)


def signer(platform, site):
    return next(key["selector"] for key in keys(platform, site) if key["signs"])


def delivered(inbox, subject):
    return stage.wait_until(f"the message \"{subject}\"", lambda: next(
        (content for path in inbox.messages() if subject.encode() in (content := path.read_bytes())), None))


def send(site, inbox, subject):
    site.send(site.message(subject=subject))
    return delivered(inbox, subject)


@contextlib.contextmanager
def traffic(site):
    """Messages one after the other, from another thread, until the block ends."""
    done, sent = threading.Event(), []

    def go():
        with site.client() as client:
            while not done.is_set():
                subject = f"{site.name} {len(sent)}"
                stage.transact(client, f"info@{site.domain}", ["reader@reader.example"], site.message(subject=subject))
                sent.append(subject)
                time.sleep(0.05)
    thread = threading.Thread(target=go)
    thread.start()
    yield sent
    time.sleep(0.3)
    done.set()
    thread.join()


def age(platform, site, days):
    """The keys that have retired did so some days earlier."""
    with contextlib.closing(sqlite3.connect(platform.data / "control.db", timeout=10)) as db:
        db.execute("UPDATE identity_key SET slot_since_us = slot_since_us - ?, created_us = created_us - ?, "
                   "withdrawn_us = withdrawn_us - ? WHERE identity_id IN (SELECT identity.id FROM identity JOIN site "
                   "ON site.id = site_id WHERE name = ?)", (days * DAY_US, days * DAY_US + 1, days * DAY_US, site))
        db.commit()


def test_rotation_under_traffic(platform, zone, inbox):
    site = set_up(platform, zone, "turns", "cname")
    first = signer(platform, "turns")
    with traffic(site) as sent:
        time.sleep(0.3)
        platform.call("identity", "rotate", "turns")
        second = signer(platform, "turns")
        assert second != first
    mail = [delivered(inbox, subject + "\n") for subject in sent]
    signers = [first if first.encode() in content else second if second.encode() in content else None for content in mail]
    assert signers == sorted(signers, key=[first, second].index) and set(signers) == {first, second}
    assert all(verifies(zone, content) for content in mail)

    # A week later: what was signed before the turn still verifies, and it is told why there is no hurry.
    platform.call("identity", "rotate", "turns")  # to the third, which was never used
    refused = platform.call("identity", "rotate", "turns", check=False)
    assert refused.returncode == 1 and "There is no next key before 20" in refused.stderr
    age(platform, "turns", 7)
    refused = platform.call("identity", "rotate", "turns", check=False)
    assert refused.returncode == 1 and all(verifies(zone, content) for content in mail)

    # After the queue's lifetime and a week the first name gets another key, which is used once it was seen.
    before = zone.texts(f"{first}.{ZONE}")
    age(platform, "turns", 6)
    refused = platform.call("identity", "rotate", "turns", check=False)  # makes the key, too
    assert refused.returncode == 1
    stage.wait_until("another key behind the first name", lambda: zone.texts(f"{first}.{ZONE}") not in ([], before))
    wait_published(platform, "turns")
    stage.wait_until("the new key to be seen", lambda: platform.call("identity", "check", "turns") and
                     slot(platform, "turns", "next")["seen"])
    time.sleep(1.1)
    platform.call("identity", "rotate", "turns")
    assert signer(platform, "turns") in (first, second)
    assert verifies(zone, send(site, inbox, "after all turns"))
    assert not verifies(zone, mail[signers.index(signer(platform, "turns"))])  # long delivered


def test_a_compromised_key_is_withdrawn_at_once(platform, zone, inbox):
    site = set_up(platform, zone, "known", "cname")
    known = signer(platform, "known")
    before = send(site, inbox, "signed by a key that others know")
    assert verifies(zone, before)
    platform.call("identity", "rotate", "known", "--compromised")
    stage.wait_until("the empty key", lambda: zone.texts(f"{known}.{ZONE}") == ["v=DKIM1; p="])
    after = send(site, inbox, "signed by the next one")
    assert known.encode() not in after and verifies(zone, after) and not verifies(zone, before)
    platform.call("identity", "check", "known")  # still verified: the client's part is right
    assert next(k for k in keys(platform, "known") if k["selector"] == known)["withdrawn"]
    again = platform.call("identity", "rotate", "known", "--compromised", "--selector", known, check=False)
    assert again.returncode == 1 and "withdrawn before" in again.stderr
    with contextlib.closing(sqlite3.connect(platform.data / "control.db", timeout=10)) as db:
        rows = db.execute("SELECT selector, length(sealed) FROM identity_key").fetchall()
        assert (known, 0) in rows


def test_a_signature_kept_with_a_message_is_not_used_again(platform, zone, inbox):
    site = set_up(platform, zone, "lost", "cname")
    known = signer(platform, "lost")
    inbox.stop()
    message_id = site.send(site.message(subject="kept"), recipients=("a@reader.example", "b@reader.example"))
    platform.first_attempt(message_id)
    platform.call("identity", "rotate", "lost", "--compromised")
    inbox.start()
    platform.call("queue", "retry", "--all")
    content = delivered(inbox, "kept")
    assert known.encode() not in content and verifies(zone, content)


def test_by_txt_the_three_keys_go_round(platform, zone, inbox):
    site = set_up(platform, zone, "paper", "txt")
    selectors = {key["selector"] for key in keys(platform, "paper")}
    seen = []
    for turn in range(4):
        seen.append(signer(platform, "paper"))
        assert verifies(zone, send(site, inbox, f"turn {turn}"))
        age(platform, "paper", 13)
        platform.call("identity", "rotate", "paper")
    assert set(seen[:3]) == selectors and seen[3] == seen[0]

    known = signer(platform, "paper")
    platform.call("identity", "rotate", "paper", "--compromised")
    assert known not in {key["selector"] for key in keys(platform, "paper")}
    assert signer(platform, "paper") != known
    state = platform.ask("identity", "check", "paper")["identities"][0]
    assert state["state"] == "SUCCESS"
    notices = platform.ask("notice", "list")["notices"]
    assert "A mail key of paper.example must be removed" in [notice["subject"] for notice in notices]
    zone.install(platform, "paper")
    platform.call("identity", "check", "paper")
    assert all(key["seen"] for key in keys(platform, "paper"))
    assert platform.ask("notice", "list", "--site", "paper")["notices"] == []


def test_a_key_of_the_clients_own(platform, zone, inbox):
    site = set_up(platform, zone, "own", "txt")
    refused = platform.call("identity", "import-key", "own", "--selector", "mail", "--key-fd", "0", check=False,
                            input="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert refused.returncode == 1 and "cannot be read as a private key" in refused.stderr
    pem = zone.directory / "own.pem"
    der = zone.directory / "own.der"
    subprocess.run(["openssl", "genrsa", "-out", pem, "1536"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", pem, "-outform", "DER", "-out", der], check=True, capture_output=True)
    platform.call("identity", "import-key", "own", "--selector", "Mail2026", "--key-file", str(der))
    key = slot(platform, "own", "next")
    assert (key["selector"], key["origin"], key["seen"]) == ("mail2026", "imported", None)
    assert platform.call("identity", "rotate", "own", check=False).returncode == 1  # nobody can see it yet
    zone.install(platform, "own")
    assert platform.ask("identity", "check", "own")["identities"][0]["state"] == "SUCCESS"
    time.sleep(1.1)
    platform.call("identity", "rotate", "own")
    content = send(site, inbox, "signed by our own key")
    assert b"s=mail2026" in content and verifies(zone, content)
    body = "".join(pem.read_text().splitlines()[1:-1])
    assert body[:60] not in platform.log.read_text() and body[:60].encode() not in (platform.data / "control.db").read_bytes()
