"""The mailbox simulator: mail to it goes the whole way but leaves the machine no more, and touches no list."""

import pytest

import stage

DOMAIN = "simulator.bounce.letterhead.example"


@pytest.fixture(scope="module")
def service(directory, dns):
    """Its only way out is a port where nobody listens."""
    nobody, = stage.free_ports(1)
    with stage.Service(directory / "letterhead", dns, nobody) as server:
        yield server


def ends(service, site, *names):
    """Sends one message to these mailboxes; what happened to each, without its acceptance."""
    message_id = site.send(recipients=[f"{name}@{DOMAIN}" for name in names])

    def told():
        found = {name: [] for name in names}
        for event in service.story(message_id)["events"][1:]:
            found[event["recipient"].split("@")[0]].append(event)
        return all(found.values()) and found
    return stage.wait_until("the end of all", told), service.story(message_id)


@pytest.mark.parametrize("name, events, code", [
    ("success", ["delivered"], 250),
    ("success+order-17", ["delivered"], 250),
    ("bounce", ["bounced"], 550),
    ("complaint", ["delivered", "complained"], 250),
    ("ooto+monday", ["delivered", "answered"], 250),
    ("suppressionlist", ["suppressed"], None),
    ("nobody", ["bounced"], 550),
])
def test_each_mailbox(service, library, name, events, code):
    found, _ = ends(service, library, name)
    assert [e["event"] for e in found[name]] == events
    assert found[name][0].get("reply_code") == code
    assert found[name][0]["signed_by"].endswith("._domainkey.library.example")  # it was signed
    assert found[name][0]["remote"] == "mailbox simulator"


def test_all_in_one_message(service, library):
    found, story = ends(service, library, "success", "bounce", "complaint", "ooto", "suppressionlist")
    assert {name: len(events) for name, events in found.items()} == {
        "success": 1, "bounce": 1, "complaint": 2, "ooto": 2, "suppressionlist": 1}
    assert story["settled"]


def test_no_list_is_touched(service, library):
    ends(service, library, "bounce+a", "complaint+a", "suppressionlist+a")
    ends(service, library, "bounce+a", "complaint+a")  # they are tried again: nobody has suppressed them
    assert service.ask("suppression", "list", "library")["suppressions"] == []
