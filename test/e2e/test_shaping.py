"""Delivery shaped by provider: real domains at one hoster, its answers, and what operators say."""

import json
import subprocess
import time

import pytest

import stage
from conftest import DMARC

ZONES = {
    "letterhead.example": f'mail A {stage.LOOPBACK}\nbounce MX 10 mail\nbounce TXT "v=spf1 ip4:{stage.LOOPBACK} -all"\n',
    "library.example": DMARC,
    "hoster.example": f"mx1 A {stage.LOOPBACK}\nmx2 A {stage.LOOPBACK}\n",
    "one.example": "@ MX 10 mx1.hoster.example.\n@ MX 20 mx2.hoster.example.\n",
    "two.example": "@ MX 10 mx2.hoster.example.\n",
    "own.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n",
}
BUSY = "450 4.7.28 rate limit exceeded, slow down please"


@pytest.fixture(scope="module")
def dns(directory):
    with stage.Dns(directory / "dns", ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def hoster(directory):
    """Postfix for all domains; it tells whoever writes to busy@ to slow down."""
    settings = ("virtual_mailbox_domains = one.example two.example own.example",
                f"smtpd_recipient_restrictions = check_recipient_access inline:{{{{busy@one.example = {BUSY}}}}},"
                " permit_mynetworks, reject_unauth_destination")
    with stage.Receiver(directory / "hoster", "one.example", settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, hoster):
    file = directory / "service" / "shaping.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("providers: []\nreplies:\n  - {code: 4xx, text: rate limit, means: slow_down, action: back_off}\n")
    file.chmod(0o644)
    with stage.Service(directory / "service", dns, hoster.port,
                       settings={"delivery": {"shaping_file": str(file)}}) as server:
        server.shaping_file = file
        yield server


@pytest.fixture(scope="module")
def library(service, dns):
    return stage.Site(service, dns, "library", "library.example")


def show(service, domain):
    shown = service.ask("shaping", "show", domain)
    return shown, shown["gateways"][0]


def state(service, message_id):
    shown = service.call("message", "show", message_id, "--json", check=False)  # history may be a moment behind
    return json.loads(shown.stdout)["recipients"][0]["state"] if shown.returncode == 0 else None


def wait_for_state(service, message_id, wanted, seconds=20):
    stage.wait_until(f"{message_id} to be {wanted}", lambda: state(service, message_id) == wanted, seconds)


def test_show_says_what_applies_and_why(service):
    shown, gateway = show(service, "one.example")
    assert shown["provider"] == "hoster.example"
    assert shown["hosts"] == "mx1.hoster.example mx2.hoster.example"
    assert "public suffix list" in shown["rule"]
    assert gateway["limits"]["connections_max"] == 20
    assert gateway["limits"]["messages_per_minute_max"] == 0
    text = service.call("shaping", "show", "one.example").stdout
    assert "hoster.example" in text and "no limit" in text


def test_a_hosters_own_names_are_one_network(service):
    shown, _ = show(service, "own.example")
    assert shown["provider"] == "127.0.0.0/24"
    assert "recipient's own" in shown["rule"]


def test_a_domain_without_mail_is_explained(service):
    shown, _ = show(service, "nothing.one.example")
    assert "does not exist" in shown["failure"]
    refused = service.call("shaping", "show", "not a domain", check=False)
    assert refused.returncode != 0 and "no domain name" in refused.stderr


def test_domains_of_one_hoster_count_together(service, hoster, library):
    before = len(hoster.messages())
    for domain in ("one.example", "two.example"):
        library.send(recipients=[f"reader@{domain}"])
    hoster.wait_for_messages(before + 2)
    providers = {p["provider"]: p for p in service.ask("shaping", "list")["providers"]}
    assert stage.wait_until("two deliveries", lambda: next(
        p for p in service.ask("shaping", "list")["providers"] if p["provider"] == "hoster.example")["delivered"] >= 2)
    assert not {"one.example", "two.example"} & set(providers)
    assert "hoster.example" in service.call("shaping", "list").stdout


def test_slow_down_stops_the_provider_and_retry_ends_it(service, hoster, library):
    before = len(hoster.messages())
    busy = library.send(recipients=["busy@one.example"])
    wait_for_state(service, busy, "deferred")
    waiting = library.send(recipients=["reader@two.example"])
    shown, gateway = show(service, "two.example")
    assert gateway["back_off_left_s"] > 30 and "slow down" in gateway["back_off_why"]
    stage.wait_until("the reason", lambda: "nothing goes to hoster.example until" in show(service, "two.example")[1]["holding"])
    assert "nothing goes to hoster.example" in service.call("shaping", "show", "two.example").stdout
    time.sleep(1)
    assert len(hoster.messages()) == before
    service.call("queue", "cancel", "--message", busy)
    service.call("queue", "retry", "--all")
    wait_for_state(service, waiting, "delivered")
    assert show(service, "two.example")[1]["back_off_left_s"] == 0


def test_a_suspended_domain_waits_and_others_go_on(service, hoster, library):
    said = service.call("shaping", "suspend", "one.example", "--why", "the town asked us to").stdout
    assert "The domain one.example is suspended" in said
    held = library.send(recipients=["reader@one.example"])
    other = library.send(recipients=["reader@two.example"])
    wait_for_state(service, other, "delivered")
    assert "the town asked us to" in show(service, "one.example")[1]["holding"]
    service.crash()  # it is remembered
    service.start()
    assert stage.wait_until("the suspension", lambda: "the town asked us to" in
                            show(service, "one.example")[1]["domain_suspended_why"])
    assert state(service, held) != "delivered"
    service.call("shaping", "resume", "one.example")
    wait_for_state(service, held, "delivered")
    again = service.call("shaping", "resume", "one.example", check=False)
    assert again.returncode != 0 and "not suspended" in again.stderr


def test_a_suspended_provider_waits_with_all_its_domains(service, hoster, library):
    service.call("shaping", "suspend", "hoster.example", "--provider")
    try:
        held = [library.send(recipients=[f"reader@{d}"]) for d in ("one.example", "two.example")]
        other = library.send(recipients=["reader@own.example"])
        wait_for_state(service, other, "delivered")
        assert "hoster.example is suspended" in show(service, "two.example")[1]["holding"]
        assert "delivered" not in [state(service, m) for m in held]
    finally:
        service.call("shaping", "resume", "hoster.example", "--provider")
    for each in held:
        wait_for_state(service, each, "delivered")


def test_the_file_is_read_anew_while_mail_flows(service, hoster, library):
    good = service.shaping_file.read_text()
    service.shaping_file.write_text("providers:\n  - {name: hoster, hosts: [hoster.example], connections_max: none}\n")
    refused = service.call("shaping", "reload", check=False)
    assert refused.returncode != 0
    assert "shaping.yaml:2: providers[0].connections_max" in refused.stderr
    service.shaping_file.write_text("providers:\n  - {name: hoster, hosts: [hoster.example], connections_max: 3,"
                                    " messages_per_minute_max: 600}\nreplies: []\n")
    assert service.ask("shaping", "reload") == {"providers": 1, "replies": 0, "gateway": "applied"}
    shown, gateway = show(service, "two.example")
    assert (shown["provider"], gateway["limits"]["connections_max"]) == ("hoster", 3)
    assert shown["rule"] == "hosts under hoster.example"
    wait_for_state(service, library.send(recipients=["reader@one.example"]), "delivered")
    assert show(service, "one.example")[1]["delivered"] >= 1
    service.shaping_file.write_text(good)
    service.call("shaping", "reload")
    assert show(service, "two.example")[0]["provider"] == "hoster.example"


def test_a_rate_holds_mail_and_says_so(service, hoster, library):
    good = service.shaping_file.read_text()
    service.shaping_file.write_text("providers:\n  - {name: slow, hosts: [hoster.example], messages_per_minute_max: 6}\n")
    service.call("shaping", "reload")
    try:
        sent = [library.send(recipients=["reader@one.example"]) for _ in range(3)]
        stage.wait_until("the reason", lambda: "slow gets 6 messages a minute at most" in
                         show(service, "one.example")[1]["holding"])
        assert [state(service, m) for m in sent].count("delivered") < 3
    finally:
        service.shaping_file.write_text(good)
        service.call("shaping", "reload")
    for each in sent:
        wait_for_state(service, each, "delivered", seconds=40)


def test_the_configuration_names_the_files_mistakes(service):
    bad = service.directory / "bad.yaml"
    config = json.loads(service.config.read_text())
    config["delivery"]["shaping_file"] = str(bad)
    bad.write_text("replies:\n  - {code: 421, means: slow_down, action: run}\n")
    path = service.directory / "with-bad.yaml"
    path.write_text(json.dumps(config))
    checked = subprocess.run([service.binary, "check-config", "--config", str(path)], capture_output=True, text=True)
    assert checked.returncode == 1 and "bad.yaml:2: replies[0].action: \"run\" is not known" in checked.stderr


def test_a_receiver_that_comes_back_gets_its_backlog(service, hoster, library):
    before = len(hoster.messages())
    hoster.stop()
    try:
        first = library.send(recipients=["reader@one.example"])
        wait_for_state(service, first, "deferred")
        others = [library.send(recipients=["reader@one.example"]) for _ in range(20)]
        stage.wait_until("the reason", lambda: "nothing goes to" in show(service, "one.example")[1]["holding"])
        attempts = [e["attempts"] for e in service.ask("queue", "list", "--domain", "one.example")["entries"]]
        assert sorted(attempts) == [0] * 20 + [1]  # nothing is tried one by one against a dead host
    finally:
        hoster.start()
    service.call("queue", "retry", "--all")
    hoster.wait_for_messages(before + 21)
    for each in (first, *others):
        wait_for_state(service, each, "delivered")
