"""Who may send as a domain: many sites claim it, one holds it, and it changes hands by proof alone."""

import concurrent.futures
import itertools
import smtplib
import sqlite3

import pytest

import stage

CLAIMS = 1000
DMARC = '_dmarc TXT "v=DMARC1; p=reject"\n'  # looked for above the domain, too, until it is found


@pytest.fixture(scope="module")
def dns(directory):
    zones = {"letterhead.example": f"mail A {stage.LOOPBACK}\n",
             **{f"{name}.example": DMARC for name in ("parent", "branch.parent", "sold", "wanted")}}
    with stage.Dns(directory / "dns", zones) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns):
    with stage.Service(directory / "letterhead", dns) as server:
        yield server


def records(service, site):
    return service.call("identity", "records", site, "--format", "zone").stdout


def state(service, site):
    shown = service.call("identity", "check", site, "--json", check=False)
    return stage.json.loads(shown.stdout)["identities"][0]["state"]


def refusal(site, sender):
    with site.client() as client, pytest.raises(smtplib.SMTPResponseException) as refused:
        stage.transact(client, sender, ["reader@reader.example"], site.message(sender=sender))
    return refused.value.smtp_error.decode()


def clone(store, table, row, **changes):
    """Another row like it, but for the changes."""
    values = {**row, **changes}
    store.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", [*values.values()])


def claim_a_thousand_times(service):
    """Sites with keys of their own would take minutes to make: the same public keys serve them all, under selectors of
    their own, which is what the checks look for."""
    service.call("site", "add", "first", "--domain", "wanted.example", "--senders", "any")
    with sqlite3.connect(service.data / "control.db", timeout=30) as store:
        store.row_factory = sqlite3.Row
        site = dict(store.execute("SELECT * FROM site WHERE name = 'first'").fetchone())
        identity = dict(store.execute("SELECT * FROM identity WHERE site_id = ?", [site["id"]]).fetchone())
        keys = store.execute("SELECT * FROM identity_key WHERE identity_id = ?", [identity["id"]]).fetchall()
        number = itertools.count(store.execute("SELECT value + 1 FROM counter WHERE name = 'id'").fetchone()[0])
        for claim in range(1, CLAIMS):
            new_site, new_identity = next(number), next(number)
            clone(store, "site", site, id=new_site, name=f"claim-{claim}")
            clone(store, "identity", identity, id=new_identity, site_id=new_site, next_check_us=None)
            for key in map(dict, keys):
                clone(store, "identity_key", key, id=next(number), identity_id=new_identity,
                      selector=f"{key['slot']}{claim}")
        store.execute("UPDATE counter SET value = ? WHERE name = 'id'", [next(number)])
    return ["first", *(f"claim-{claim}" for claim in range(1, CLAIMS))]


def test_of_a_thousand_claims_at_once_one_wins(service, dns):
    sites = claim_a_thousand_times(service)
    ours = records(service, "first")
    values = [line.split(" TXT ", 1)[1] for line in ours.splitlines()]
    zone = [f"{slot}{claim}._domainkey TXT {text}" for claim in range(1, CLAIMS)
            for slot, text in zip(("active", "next", "retiring"), values)]
    dns.set("wanted.example", DMARC + ours + "\n".join(zone))

    def check(names):
        return list(service.operate([("identity.check", {"site": name}) for name in names]))
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        replies = sum(pool.map(check, [sites[i::25] for i in range(25)]), [])
    identities = [reply["output"]["identities"][0] for reply in replies]
    states = sorted(identity["state"] for identity in identities)
    assert states == ["PENDING"] * (CLAIMS - 1) + ["SUCCESS"]
    winner = next(reply["output"]["site"] for reply in replies
                  if reply["output"]["identities"][0]["state"] == "SUCCESS")
    others = {(identity["why"], identity["next_step"]) for identity in identities if identity["state"] == "PENDING"}
    assert len(others) == 1 and winner not in str(others), others
    listed = service.ask("notice", "list")["notices"]
    assert [each["subject"] for each in listed if "wanted" in each["subject"]] == ["Two sites prove wanted.example"]


def test_a_sold_domain_changes_hands_by_proof(service, dns):
    seller = stage.Site(service, dns, "seller", "sold.example")
    service.call("site", "add", "buyer", "--domain", "sold.example", "--senders", "any")
    assert state(service, "buyer") == "PENDING"
    dns.set("sold.example", DMARC + records(service, "seller") + records(service, "buyer"))
    assert state(service, "buyer") == "PENDING"
    why = service.ask("identity", "records", "buyer")["identities"][0]
    assert "seller" not in why["why"] + why["next_step"]
    assert state(service, "seller") == "SUCCESS"
    dns.set("sold.example", DMARC + records(service, "buyer"))  # the buyer clears the zone
    assert state(service, "seller") != "SUCCESS"
    assert state(service, "buyer") == "SUCCESS"
    assert state(service, "seller") != "SUCCESS"
    assert "not verified" in refusal(seller, "info@sold.example")


def test_parent_and_child_each_prove_their_own(service, dns):
    parent = stage.Site(service, dns, "parent", "parent.example", "--subdomains")
    before = refusal_or_none(parent, "info@branch.parent.example")
    assert before is None
    service.call("site", "add", "child", "--domain", "branch.parent.example", "--senders", "any")
    assert state(service, "child") == "PENDING"
    dns.set("branch.parent.example", DMARC + records(service, "child"))
    assert state(service, "child") == "SUCCESS"
    refused = refusal(parent, "info@branch.parent.example")
    assert "not verified" in refused and "child" not in refused
    assert refusal_or_none(parent, "info@parent.example") is None
    assert refusal_or_none(parent, "info@elsewhere.parent.example") is None
    # The same words as for a domain that nobody has.
    assert refused.replace("branch.parent.example", "X") == refusal(parent, "info@nobody.example").replace(
        "nobody.example", "X")


def refusal_or_none(site, sender):
    try:
        with site.client() as client:
            stage.transact(client, sender, ["reader@reader.example"], site.message(sender=sender))
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_error.decode()
    return None


def test_public_suffixes_are_refused(service):
    for suffix in ("org", "co.uk", "github.io", "blogspot.com", "example", "xn--p1ai"):
        refused = service.call("site", "add", "greedy", "--domain", suffix, "--senders", "any", check=False)
        assert refused.returncode != 0 and "public suffix" in refused.stderr, suffix
