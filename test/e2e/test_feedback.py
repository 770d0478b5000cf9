"""What came back, as operators see it: each refusal with its class, whose fault it is and what to do, by the rules of
now; and the rules can be changed while the service runs."""

import pytest

import stage

DOMAIN = "simulator.bounce.letterhead.example"
REFUSALS = {
    "unknown": ("550 5.1.1 User unknown", "hard-recipient", "recipient"),
    "full": ("552 5.2.2 The mailbox is full", "soft-mailbox", "recipient"),
    "spam": ("554 5.7.1 Rejected due to spam content", "block-content", "content"),
    "odd": ("550 The wombat declines", None, None),
}


@pytest.fixture(scope="module")
def receiver(directory):
    access = directory / "access"
    access.write_text("".join(f"{name}@reader.example {text}\n" for name, (text, _, _) in REFUSALS.items()))
    settings = [f"smtpd_recipient_restrictions = check_recipient_access texthash:{access}, reject_unauth_destination"]
    with stage.Receiver(directory / "receiver", "reader.example", settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def rules(directory):
    path = directory / "bounce-rules"
    path.write_text((stage.pathlib.Path(__file__).resolve().parents[2] / "dist" / "bounce-rules").read_text())
    return path


@pytest.fixture(scope="module")
def service(directory, dns, receiver, rules):
    settings = {"delivery": {"bounce_rules_file": str(rules)}}
    with stage.Service(directory / "letterhead", dns, receiver.port, settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def refused(service, library):
    """The messages that were refused, by name."""
    ids = {name: library.send(recipients=[f"{name}@reader.example"]) for name in REFUSALS}
    for message_id in ids.values():
        stage.wait_until("its end", lambda: service.story(message_id)["recipients"][0]["state"] == "bounced")
    return ids


def shown(service, *words):
    return service.ask("feedback", *words)["feedback"]


def test_each_refusal_has_its_class(service, refused):
    found = {each["message_id"]: each for each in shown(service, "list", "--site", "library", "--limit", "100")}
    for name, message_id in refused.items():
        text, wanted, fault = REFUSALS[name]
        each = found[message_id]
        assert (each["kind"], each["event"], each["address"]) == ("bounce", "bounced", f"{name}@reader.example")
        assert text.split()[-1] in each["text"] and each["what_to_do"]
        assert each["class_then"] is None
        if wanted:
            assert (each["class"], each["fault"], each["hard"]) == (wanted, fault, name == "unknown")


def test_only_some(service, refused, library):
    wanted = shown(service, "list", "--class", "soft-mailbox")
    assert [each["message_id"] for each in wanted] == [refused["full"]]
    assert shown(service, "list", "--kind", "complaint") == []
    message_id = library.send(recipients=[f"{name}@{DOMAIN}" for name in ("complaint", "ooto", "success")])
    stage.wait_until("the complaint", lambda: shown(service, "list", "--kind", "complaint"))
    assert [each["simulated"] for each in shown(service, "show", message_id)] == [True, True]
    assert {each["kind"] for each in shown(service, "show", message_id)} == {"complaint", "auto-reply"}


def test_page_by_page(service, refused):
    seen, before = [], []
    while before is not None:
        page = service.ask("feedback", "list", "--limit", "2", *before)
        seen += [each["message_id"] for each in page["feedback"]]
        before = ["--before", page["next"]] if page["next"] else None
    everything = [each["message_id"] for each in shown(service, "list", "--limit", "100")]
    assert seen == everything and set(refused.values()) <= set(seen)
    assert service.call("feedback", "list", "--before", "nonsense", check=False).returncode == 1


def test_rules_are_read_anew(service, refused, rules):
    before, = shown(service, "show", refused["odd"])
    good = rules.read_text()
    rules.write_text("= declined block-sender\nthe wombat declines\n\n" + good)
    service.call("feedback", "reload")
    after, = [each for each in shown(service, "list", "--limit", "100") if each["message_id"] == refused["odd"]]
    assert (after["class"], after["reason"]) == ("block-sender", "declined")
    assert after["class_then"] == before["class"] != "block-sender"
    rules.write_text("= declined no-such-class\nwombat\n")
    refusal = service.call("feedback", "reload", check=False)
    assert refusal.returncode == 1 and "line 1" in refusal.stderr
    assert shown(service, "show", refused["odd"])[0]["class"] == "block-sender"  # those of before stay
    rules.write_text(good)
    service.call("feedback", "reload")
    assert shown(service, "show", refused["odd"])[0]["class"] == before["class"]


def test_for_people(service, refused):
    text = service.call("feedback", "show", refused["full"]).stdout
    assert "soft-mailbox" in text and "full@reader.example" in text and "to do" in text
    assert service.call("feedback", "show", "nonsense", check=False).returncode == 1
