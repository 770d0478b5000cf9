"""A second signature by Ed25519 (RFC 8463) beside RSA's, against real name servers, judged by dkimpy: it comes when its
record is seen, goes when that is gone, and nothing else rests on it."""

import contextlib
import sqlite3

import dkim
import pytest

import stage
from conftest import DMARC
from dkim_zone import SERVERS, ZONE
from test_dkim_cname import ELSEWHERE, publications
from test_dkim_rotation import delivered, keys, send, set_up

WAYS = {"knot": "txt", "bind": "cname"}
CLIENTS = {f"{name}.example": DMARC for name in ("pair", "gone", "kept", "left")}


@pytest.fixture(scope="module", params=SERVERS)
def zone(request, directory):
    with SERVERS[request.param](directory / request.param, {**CLIENTS, **ELSEWHERE}) as server:
        server.way = WAYS[request.param]
        yield server


@pytest.fixture(scope="module")
def inbox(zone):
    with stage.Receiver(zone.directory / "receiver", "reader.example") as server:
        yield server


@pytest.fixture(scope="module")
def platform(zone, inbox):
    settings = {
        "dkim": {"key_bits": 1024, "revoke_after": "1s"},
        "publishing": {"zone": ZONE, "server": f"{stage.LOOPBACK}:{zone.port}",
                       "tsig_key_file": str(zone.key_file), "ttl": "1s"},
    }
    with stage.Service(zone.directory / "letterhead", zone, inbox.port, settings) as service:
        yield service


def second(platform, site):
    return next((key for key in keys(platform, site) if key["slot"] == "second"), None)


def record(platform, site):
    records = platform.ask("identity", "records", site)["identities"][0]["records"]
    return next(record for record in records if record["slot"] == "second")


def algorithms(content):
    """Of the message's signatures, from the top; each must be good by the keys that the name server shows."""
    return [tag.split(b"=")[1].decode() for line in content.split(b"\n\n")[0].split(b"DKIM-Signature:")[1:]
            for tag in [next(part.strip() for part in line.split(b";") if part.strip().startswith(b"a="))]]


def verdicts(zone, content):
    def texts(name, timeout=5):
        return zone.follow(name.decode())
    judged = []
    for index in range(len(algorithms(content))):
        try:
            judged.append(dkim.DKIM(content).verify(idx=index, dnsfunc=texts))
        except dkim.ValidationError:
            judged.append(False)
    return judged


def check(platform, site):
    return platform.ask("identity", "check", site, check=False)["identities"][0]


def remove_record(zone, name, kind):
    zone.change(lambda update: update.delete(name + ".", kind), name.split("._domainkey.")[1])


def test_two_signatures_while_the_record_is_there(platform, zone, inbox):
    site = set_up(platform, zone, "pair", zone.way)
    added = platform.ask("identity", "add-ed25519", "pair")
    assert [key["algorithm"] for key in added["identities"][0]["keys"]] == ["rsa-sha256"] * 3 + ["ed25519-sha256"]
    again = platform.call("identity", "add-ed25519", "pair", check=False)
    assert again.returncode == 1 and "remove-ed25519" in again.stderr

    # Nobody can see it yet: RSA alone, and the identity is none the worse.
    assert (check(platform, "pair")["state"], second(platform, "pair")["signs"]) == ("SUCCESS", False)
    assert algorithms(send(site, inbox, "without the record")) == ["rsa-sha256"]
    assert "Record 4, optional" in platform.call("identity", "records", "pair").stdout

    wanted = record(platform, "pair")
    if zone.way == "cname":
        assert wanted["value"].endswith(ZONE)
        stage.wait_until("its publication", lambda: [row for row in publications(platform, "pair")
                                                     if row["name"] == wanted["value"] and row["state"] == "published"])
    else:
        assert wanted["value"].startswith("v=DKIM1; k=ed25519; p=")
    zone.install(platform, "pair")
    stage.wait_until("the record to be seen", lambda: check(platform, "pair") and second(platform, "pair")["signs"])
    content = send(site, inbox, "with the record")
    assert algorithms(content) == ["rsa-sha256", "ed25519-sha256"]
    assert verdicts(zone, content) == [True, True]
    for at in (content.index(b"with the record"), len(content.rstrip()) - 1):  # one bit of the header, one of the body
        assert verdicts(zone, content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]) == [False, False]

    # The client takes the record away.
    remove_record(zone, wanted["name"], wanted["type"])
    stage.wait_until("it to be missed", lambda: check(platform, "pair")["state"] == "SUCCESS"
                     and not second(platform, "pair")["signs"])
    assert algorithms(send(site, inbox, "the record is gone")) == ["rsa-sha256"]


def test_removed_it_signs_no_more(platform, zone, inbox):
    site = set_up(platform, zone, "gone", zone.way)
    platform.call("identity", "add-ed25519", "gone")
    wanted = record(platform, "gone")
    stage.wait_until("its publication", lambda: all(row["state"] == "published" for row in publications(platform, "gone")))
    zone.install(platform, "gone")
    stage.wait_until("the record to be seen", lambda: check(platform, "gone") and second(platform, "gone")["signs"])
    assert len(algorithms(send(site, inbox, "before"))) == 2
    platform.call("identity", "remove-ed25519", "gone")
    assert algorithms(send(site, inbox, "after")) == ["rsa-sha256"]
    assert second(platform, "gone") is None
    if zone.way == "cname":
        stage.wait_until("the platform's record to go", lambda: zone.texts(wanted["value"]) == [])
    assert platform.call("identity", "remove-ed25519", "gone", check=False).returncode == 1


def test_mail_that_waits_leaves_with_the_keys_of_then(platform, zone, inbox):
    site = set_up(platform, zone, "kept", zone.way)
    platform.call("identity", "add-ed25519", "kept")
    stage.wait_until("its publication", lambda: all(row["state"] == "published" for row in publications(platform, "kept")))
    zone.install(platform, "kept")
    stage.wait_until("the record to be seen", lambda: check(platform, "kept") and second(platform, "kept")["signs"])

    # The vault cannot open the second key: mail leaves all the same.
    with contextlib.closing(sqlite3.connect(platform.data / "control.db", timeout=10)) as db:
        sealed, = db.execute("SELECT sealed FROM identity_key WHERE selector = ?",
                             (second(platform, "kept")["selector"],)).fetchone()
        db.execute("UPDATE identity_key SET sealed = randomblob(?) WHERE sealed = ?", (len(sealed), sealed))
        db.commit()
    platform.call("site", "pause", "kept", "--why", "so that the gateway is told")
    platform.call("site", "resume", "kept")
    assert algorithms(send(site, inbox, "one key cannot be opened")) == ["rsa-sha256"]
    assert "refused to sign" in platform.log.read_text()

    with contextlib.closing(sqlite3.connect(platform.data / "control.db", timeout=10)) as db:
        db.execute("UPDATE identity_key SET sealed = ? WHERE selector = ?", (sealed, second(platform, "kept")["selector"]))
        db.commit()
    platform.call("site", "pause", "kept", "--why", "so that the gateway is told")
    platform.call("site", "resume", "kept")
    assert algorithms(send(site, inbox, "it can again")) == ["rsa-sha256", "ed25519-sha256"]

    # Two signatures are kept with a message that waits; once the second key is gone they are of no use.
    inbox.stop()
    message_id = site.send(site.message(subject="on its way"), recipients=("a@reader.example", "b@reader.example"))
    platform.first_attempt(message_id)
    removed = platform.call("identity", "rotate", "kept", "--compromised", "--selector", second(platform, "kept")["selector"],
                            check=False)
    assert removed.returncode == 1 and "remove-ed25519" in removed.stderr
    platform.call("identity", "remove-ed25519", "kept")
    inbox.start()
    platform.call("queue", "retry", "--all")
    content = delivered(inbox, "on its way")
    assert algorithms(content) == ["rsa-sha256"] and verdicts(zone, content) == [True]


def test_it_does_not_speak_for_the_domain(platform, zone, inbox):
    """All three RSA records are taken back, the second one is left: that is a revocation."""
    set_up(platform, zone, "left", zone.way)
    platform.call("identity", "add-ed25519", "left")
    stage.wait_until("its publication", lambda: all(row["state"] == "published" for row in publications(platform, "left")))
    zone.install(platform, "left")
    stage.wait_until("the record to be seen", lambda: check(platform, "left") and second(platform, "left")["signs"])
    for each in platform.ask("identity", "records", "left")["identities"][0]["records"]:
        if each["slot"] != "second":
            remove_record(zone, each["name"], each["type"])
    # Not "FAILED": where the clock's look was first, the check that is asked for leads on to PENDING. Grace lasts for days.
    stage.wait_until("the revocation", lambda: not check(platform, "left")["sending"], seconds=30)
